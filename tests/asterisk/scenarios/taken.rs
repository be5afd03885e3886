//! Calls that somebody takes who was not rung: from parking, by pickup, in a conference.

use crate::script::{PbxAction, RINGS, Row, Scenario, Step, TALKS, TALKS_AT_ONCE, WAITS};

/// Answers, talks for a while, and parks by `#7`.
const PARKS: &str = "ring-wait:1-answer-wait:1.5-dtmf:#7-wait:20-hangup";

/// DIDs 85–87, 90, 96 and 55502CC.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "parking: a colleague retrieves the call",
        dials: "5550185",
        parties: &[("1851", PARKS)],
        steps: &[Step {
            upon: "ParkedCall",
            having: &[],
            then: PbxAction::Dials { phone: "1852", number: "@ParkingSpace", script: TALKS_AT_ONCE },
        }],
        row: Row {
            agent: "PJSIP/1851",
            talk_s: (3, 8),
            hold_s: (0, 3),
            legs: &[("PJSIP/1851", "ANSWERED"), ("PJSIP/1852", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "parking: nobody retrieves the call, and it comes back",
        dials: "5550186",
        parties: &[("1861", TALKS), ("1861_1", PARKS)],
        row: Row {
            agent: "PJSIP/1861",
            talk_s: (4, 9),
            hold_s: (5, 8),
            legs: &[("PJSIP/1861", "ANSWERED"), ("PJSIP/1861", "ANSWERED")],
            cdr_errs: Some("it does not tell one phone that talks twice from one that talks once"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "parking: the caller gives up",
        dials: "5550275",
        script: "wait:7.5-hangup",
        parties: &[("1751", PARKS)],
        row: Row {
            agent: "PJSIP/1751",
            hangup_by: "customer",
            talk_s: (1, 5),
            hold_s: (1, 5),
            legs: &[("PJSIP/1751", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "parking: by the dialplan, and it comes back to nobody",
        dials: "5550196",
        script: "wait:40-hangup",
        row: Row {
            status: "NOT_CONNECTED",
            outcome: "UNAVAILABLE",
            legs: &[("PJSIP/trunk", "UNAVAILABLE")],
            cdr_errs: Some("it is closed while the caller still hears the signal at the end"),
            ..Row::INBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "pickup: a colleague takes the ringing call",
        dials: "5550187",
        parties: &[("1871", RINGS)],
        steps: &[Step {
            upon: "Newstate",
            having: &[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1871-")],
            then: PbxAction::Dials { phone: "1872", number: "*8", script: TALKS_AT_ONCE },
        }],
        row: Row {
            agent: "PJSIP/1872",
            talk_s: (1, 5),
            legs: &[("PJSIP/1871", "ELSEWHERE"), ("PJSIP/1872", "ANSWERED")],
            cdr_errs: Some("it has the rung phone as one who talked"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "conference: two agents join the caller",
        dials: "5550190",
        script: "wait:8-hangup",
        steps: &[
            Step {
                upon: "BridgeEnter",
                having: &[],
                then: PbxAction::Dials { phone: "1901", number: "90", script: "wait:4-hangup" },
            },
            Step {
                upon: "BridgeEnter",
                having: &[("Channel", "PJSIP/1901-")],
                then: PbxAction::Dials { phone: "1902", number: "90", script: WAITS },
            },
        ],
        row: Row {
            agent: "PJSIP/1901",
            hangup_by: "customer",
            talk_s: (4, 8),
            legs: &[("PJSIP/1901", "ANSWERED"), ("PJSIP/1902", "ANSWERED")],
            cdr_errs: Some("it has a line for each pair in a conference, in no order"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
];
