//! Calls that are handed on.

use crate::script::{RINGS, Row, Scenario, TALKS};

/// Answers, talks for a while, and transfers by `#1`.
macro_rules! transfers_to {
    ($extension:literal) => {
        concat!("ring-wait:1-answer-wait:1.5-dtmf:#1-wait:1-dtmf:", $extension, "-wait:30-hangup")
    };
}

/// DIDs 80–88: an announcement, then one phone whose person may transfer.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "blind transfer: answered",
        dials: "5550180",
        parties: &[("1801", transfers_to!("1802")), ("1802", TALKS)],
        row: Row {
            agent: "PJSIP/1801",
            transfers: 1,
            talk_s: (4, 15),
            legs: &[("PJSIP/1801", "ANSWERED"), ("PJSIP/1802", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "blind transfer: nobody there",
        dials: "5550181",
        parties: &[("1811", transfers_to!("1998"))],
        row: Row {
            outcome: "TRANSFER_LOST",
            agent: "PJSIP/1811",
            hangup_by: "pbx",
            transfers: 1,
            talk_s: (1, 15),
            legs: &[("PJSIP/1811", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "blind transfer: not answered",
        dials: "5550182",
        parties: &[("1821", transfers_to!("1822")), ("1822", RINGS)],
        row: Row {
            outcome: "TRANSFER_LOST",
            agent: "PJSIP/1821",
            hangup_by: "pbx",
            transfers: 1,
            talk_s: (1, 15),
            legs: &[("PJSIP/1821", "ANSWERED"), ("PJSIP/1822", "NOANSWER")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
];
