//! Calls that never ring anybody, or end at a mailbox.

use crate::script::{RINGS, Row, Scenario};

/// DIDs 70–79 and 97–98.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "the dialplan answers busy",
        dials: "5550170",
        row: Row { status: "BUSY", outcome: "ALL_BUSY", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "the dialplan answers congestion",
        dials: "5550171",
        row: Row { status: "NOT_CONNECTED", outcome: "CONGESTION", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "an announcement: heard out",
        dials: "5550172",
        row: Row { outcome: "NOT_OFFERED", ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "an announcement: hung up",
        dials: "5550197",
        script: "wait:6.5-hangup",
        row: Row { outcome: "EARLY_ABANDON", ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ended by the PBX, never answered, nobody rung",
        dials: "5550198",
        row: Row { outcome: "NOT_OFFERED", ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "mailbox: a message is left",
        dials: "5550174",
        script: "wait:3-speak:3-dtmf:#-wait:5-hangup",
        parties: &[("1741", RINGS)],
        row: Row { outcome: "VOICEMAIL_LEFT", voicemail: true, legs: &[("PJSIP/1741", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "blocked",
        dials: "5550176",
        row: Row { status: "NOT_CONNECTED", outcome: "BLOCKED", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "self-service",
        dials: "5550177",
        row: Row { status: "ANSWER", outcome: "SELF_SERVICE", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
];
