//! Calls that a phone or the dialplan sends elsewhere.

use crate::script::{BUSY, RINGS, Row, Scenario, TALKS};

/// DIDs 37 and 27 are answered by a 302, 89 follows a person to two phones, 92 leads off-net.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "forward by a phone: answered",
        dials: "5550137",
        parties: &[("1371", "forward:1372"), ("1372", TALKS)],
        row: Row {
            agent: "PJSIP/1372",
            legs: &[("PJSIP/1371", "ELSEWHERE"), ("PJSIP/1372", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "forward by a phone: not answered",
        dials: "5550137",
        parties: &[("1371", "forward:1372"), ("1372", RINGS)],
        row: Row { legs: &[("PJSIP/1371", "ELSEWHERE"), ("PJSIP/1372", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "forward by a queue's member: answered",
        dials: "5550117",
        parties: &[("1171", "forward:1792"), ("1172", BUSY), ("1173", BUSY), ("1792", TALKS)],
        row: Row {
            agent: "PJSIP/1792",
            queue: "q17",
            legs: &[
                ("PJSIP/1171", "ELSEWHERE"),
                ("PJSIP/1172", "BUSY"),
                ("PJSIP/1173", "BUSY"),
                ("PJSIP/1792", "ANSWERED"),
            ],
            visits: &[("q17", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "follow-me by Local channels: answered",
        dials: "5550189",
        parties: &[("1881", RINGS), ("1882", TALKS)],
        row: Row {
            agent: "PJSIP/1882",
            legs: &[("PJSIP/1881", "ELSEWHERE"), ("PJSIP/1882", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "follow-me by Local channels: not answered",
        dials: "5550189",
        parties: &[("1881", RINGS), ("1882", RINGS)],
        row: Row { legs: &[("PJSIP/1881", "NOANSWER"), ("PJSIP/1882", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "forward to an outside number: answered",
        dials: "5550192",
        parties: &[("12025550192", TALKS)],
        row: Row {
            agent: "PJSIP/12025550192@trunk",
            legs: &[("PJSIP/12025550192@trunk", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "forward to an outside number: not answered",
        dials: "5550192",
        parties: &[("12025550192", RINGS)],
        row: Row { legs: &[("PJSIP/12025550192@trunk", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
];
