//! Calls to a menu: 1 is a queue, 2 a phone, 3 a second menu.

use crate::script::{RINGS, Row, Scenario, TALKS};

/// DIDs 50–59.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "menu: hung up",
        dials: "5550150",
        script: "wait:2-hangup",
        row: Row { outcome: "IVR_LOST", ivr: &[("ivr-main", "")], ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu: a key leads to a queue that answers",
        dials: "5550151",
        script: "wait:1-dtmf:1-wait:90-hangup",
        parties: &[("1511", TALKS)],
        row: Row {
            agent: "PJSIP/1511",
            queue: "q51",
            legs: &[("PJSIP/1511", "ANSWERED")],
            visits: &[("q51", "CONNECTED")],
            ivr: &[("ivr-main", "1")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu: a key leads to a queue that is abandoned",
        dials: "5550152",
        script: "wait:1-dtmf:1-wait:7.5-hangup",
        parties: &[("1521", RINGS), ("1522", RINGS), ("1523", RINGS)],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q52",
            legs: &[("PJSIP/1521", "NOANSWER"), ("PJSIP/1522", "CANCELLED")],
            visits: &[("q52", "ABANDONED")],
            ivr: &[("ivr-main", "1")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu: nothing chosen",
        dials: "5550153",
        row: Row { outcome: "IVR_TIMEOUT", ivr: &[("ivr-main", "t")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu: a wrong choice",
        dials: "5550154",
        script: "wait:1-dtmf:9-wait:90-hangup",
        row: Row { outcome: "IVR_INVALID", ivr: &[("ivr-main", "i")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu: through a second menu to a phone that answers",
        dials: "5550155",
        script: "wait:1-dtmf:3-wait:1.5-dtmf:1-wait:90-hangup",
        parties: &[("1552", TALKS)],
        row: Row {
            agent: "PJSIP/1552",
            legs: &[("PJSIP/1552", "ANSWERED")],
            ivr: &[("ivr-main", "3"), ("ivr-sub", "1")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu: hung up in the second menu",
        dials: "5550156",
        script: "wait:1-dtmf:3-wait:2-hangup",
        row: Row { outcome: "IVR_LOST", ivr: &[("ivr-main", "3"), ("ivr-sub", "")], ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu by Read(): a key leads to a phone that answers",
        dials: "5550157",
        script: "wait:1-dtmf:2-wait:90-hangup",
        parties: &[("1571", TALKS)],
        row: Row {
            agent: "PJSIP/1571",
            legs: &[("PJSIP/1571", "ANSWERED")],
            ivr: &[("ivr-read", "2")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu by Read(): nothing chosen",
        dials: "5550158",
        row: Row { outcome: "IVR_TIMEOUT", ivr: &[("ivr-read", "t")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "menu by Read(): a choice that leads nowhere",
        dials: "5550159",
        script: "wait:1-dtmf:9-wait:90-hangup",
        row: Row { outcome: "IVR_INVALID", ivr: &[("ivr-read", "9")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
];
