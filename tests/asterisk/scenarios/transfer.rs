//! Calls that are handed on.

use crate::script::{RINGS, Row, STAYS, Scenario, TALKS};

/// Answers, talks for a while, consults by `*2`, and does what comes then.
macro_rules! consults {
    ($extension:literal, $then:literal) => {
        concat!("ring-wait:1-answer-wait:1.5-dtmf:*2-wait:1-dtmf:", $extension, "-", $then)
    };
}

/// Answers, talks for a while, and transfers by `#1`.
macro_rules! transfers_to {
    ($extension:literal) => {
        concat!("ring-wait:1-answer-wait:1.5-dtmf:#1-wait:1-dtmf:", $extension, "-wait:30-hangup")
    };
}

/// DIDs 80–88 and 55502CC: an announcement, then one phone whose person may transfer.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "blind transfer: answered",
        dials: "5550180",
        parties: &[("1801", transfers_to!("1802")), ("1802", TALKS)],
        row: Row {
            agent: "PJSIP/1801",
            transfers: 1,
            talk_s: (4, 8),
            hold_s: (3, 8),
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
            talk_s: (1, 4),
            hold_s: (3, 8),
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
            talk_s: (1, 4),
            hold_s: (3, 8),
            legs: &[("PJSIP/1821", "ANSWERED"), ("PJSIP/1822", "NOANSWER")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "blind transfer: the caller gives up",
        dials: "5550270",
        script: "wait:12-hangup",
        parties: &[("1701", transfers_to!("1702")), ("1702", RINGS)],
        row: Row {
            outcome: "TRANSFER_LOST",
            agent: "PJSIP/1701",
            hangup_by: "customer",
            transfers: 1,
            talk_s: (1, 4),
            hold_s: (3, 8),
            legs: &[("PJSIP/1701", "ANSWERED"), ("PJSIP/1702", "CANCELLED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "attended transfer: answered",
        dials: "5550183",
        parties: &[("1831", consults!("1832", "wait:7-hangup")), ("1832", "ring-wait:1-answer-wait:10-hangup")],
        row: Row {
            agent: "PJSIP/1831",
            transfers: 1,
            talk_s: (7, 13),
            hold_s: (6, 12),
            legs: &[("PJSIP/1831", "ANSWERED"), ("PJSIP/1832", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "attended transfer: completed while it rings, then answered",
        dials: "5550271",
        parties: &[("1711", consults!("1712", "wait:4.5-hangup")), ("1712", "ring-wait:4-answer-wait:3-hangup")],
        row: Row {
            agent: "PJSIP/1711",
            transfers: 1,
            talk_s: (4, 8),
            hold_s: (4, 10),
            legs: &[("PJSIP/1711", "ANSWERED"), ("PJSIP/1712", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "attended transfer: completed while it rings, never answered",
        dials: "5550272",
        parties: &[("1721", RINGS), ("1721_1", consults!("1722", "wait:4.5-hangup")), ("1722", RINGS)],
        row: Row {
            outcome: "TRANSFER_LOST",
            agent: "PJSIP/1721",
            hangup_by: "pbx",
            transfers: 1,
            talk_s: (1, 4),
            hold_s: (4, 10),
            legs: &[("PJSIP/1721", "ANSWERED"), ("PJSIP/1722", "NOANSWER")],
            cdr_errs: Some("it has the transfer's target as one who talked, and leaves out the wait alone at the end"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "attended transfer: the colleague declines, the agent comes back",
        dials: "5550273",
        parties: &[("1731", consults!("1732", "wait:10-hangup")), ("1732", "ring-wait:.5-answer-wait:1.5-hangup")],
        row: Row {
            agent: "PJSIP/1731",
            talk_s: (5, 10),
            hold_s: (5, 10),
            legs: &[("PJSIP/1731", "ANSWERED"), ("PJSIP/1732", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "attended transfer: into a queue",
        dials: "5550184",
        parties: &[("1841", consults!("89", "wait:7-hangup")), ("1891", "ring-wait:1-answer-wait:10-hangup")],
        row: Row {
            agent: "PJSIP/1841",
            queue: "q89",
            transfers: 1,
            talk_s: (7, 13),
            hold_s: (6, 12),
            legs: &[("PJSIP/1841", "ANSWERED"), ("PJSIP/1891", "ANSWERED")],
            visits: &[("q89", "CONNECTED")],
            cdr_errs: Some("it names the queue's extension as one who talked"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "blind transfer: by the caller",
        dials: "5550276",
        script: "wait:3.5-dtmf:#1-wait:1-dtmf:1762-wait:30-hangup",
        parties: &[("1761", STAYS), ("1762", TALKS)],
        row: Row {
            agent: "PJSIP/1761",
            hangup_by: "customer",
            transfers: 1,
            talk_s: (1, 4),
            hold_s: (3, 8),
            legs: &[("PJSIP/1761", "ANSWERED"), ("PJSIP/1762", "ANSWERED")],
            cdr_errs: Some("it goes on with what our phones talk about when the customer is gone"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
];
