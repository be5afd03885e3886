//! Calls that our own phones make: to each other, and outside.

use crate::script::{BUSY, Caller, RINGS, Row, STAYS, Scenario, TALKS};
use std::time::Duration;

/// A phone's call to another phone.
const INTERNAL: Scenario = Scenario {
    caller: Caller::Phone("1451"),
    dials: "1452",
    row: Row { direction: "internal", ..Row::INBOUND },
    ..Scenario::OUTSIDE
};
/// A phone's call to the outside.
const OUTBOUND: Row = Row { direction: "outbound", ..Row::INBOUND };

/// Extensions ring for 8 s, and so do outside numbers.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "internal: answered",
        parties: &[("1452", TALKS)],
        row: Row { direction: "internal", agent: "PJSIP/1452", legs: &[("PJSIP/1452", "ANSWERED")], ..Row::ANSWERED },
        ..INTERNAL
    },
    Scenario {
        name: "internal: not answered",
        parties: &[("1452", RINGS)],
        row: Row { direction: "internal", legs: &[("PJSIP/1452", "NOANSWER")], ..Row::UNANSWERED },
        ..INTERNAL
    },
    Scenario {
        name: "internal: busy",
        parties: &[("1452", BUSY)],
        row: Row { status: "BUSY", outcome: "ALL_BUSY", legs: &[("PJSIP/1452", "BUSY")], ..INTERNAL.row },
        ..INTERNAL
    },
    Scenario {
        name: "outbound: answered, our side hangs up",
        caller: Caller::Phone("1461"),
        dials: "12125550146",
        script: "wait:3.5-hangup",
        parties: &[("12125550146", STAYS)],
        row: Row { direction: "outbound", agent: "PJSIP/1461", legs: &[("*", "ANSWERED")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: answered, the customer hangs up",
        caller: Caller::Phone("1471"),
        dials: "12125550147",
        parties: &[("12125550147", TALKS)],
        row: Row {
            direction: "outbound",
            agent: "PJSIP/1471",
            hangup_by: "customer",
            legs: &[("*", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: busy",
        caller: Caller::Phone("1481"),
        dials: "12125550148",
        parties: &[("12125550148", BUSY)],
        row: Row { status: "BUSY", outcome: "ALL_BUSY", agent: "*", legs: &[("*", "BUSY")], ..OUTBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: not answered",
        caller: Caller::Phone("1491"),
        dials: "12125550149",
        parties: &[("12125550149", RINGS)],
        row: Row { direction: "outbound", agent: "*", legs: &[("*", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: our side gives up",
        caller: Caller::Phone("1492"),
        dials: "12125550189",
        patience: Duration::from_millis(6_500),
        parties: &[("12125550189", RINGS)],
        row: Row {
            direction: "outbound",
            outcome: "RING_ABANDON",
            agent: "*",
            hangup_by: "agent",
            legs: &[("*", "CANCELLED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
];
