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
        row: Row { direction: "outbound", agent: "PJSIP/1461", legs: &[("PJSIP/trunk", "ANSWERED")], ..Row::ANSWERED },
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
            legs: &[("PJSIP/trunk", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: busy",
        caller: Caller::Phone("1481"),
        dials: "12125550148",
        parties: &[("12125550148", BUSY)],
        row: Row {
            status: "BUSY",
            outcome: "ALL_BUSY",
            agent: "PJSIP/1481",
            legs: &[("PJSIP/trunk", "BUSY")],
            ..OUTBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: not answered",
        caller: Caller::Phone("1491"),
        dials: "12125550149",
        parties: &[("12125550149", RINGS)],
        row: Row {
            direction: "outbound",
            agent: "PJSIP/1491",
            legs: &[("PJSIP/trunk", "NOANSWER")],
            ..Row::UNANSWERED
        },
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
            agent: "PJSIP/1492",
            hangup_by: "agent",
            legs: &[("PJSIP/trunk", "CANCELLED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "internal: the caller gives up",
        patience: Duration::from_millis(3_000),
        parties: &[("1452", RINGS)],
        row: Row {
            status: "CANCEL",
            outcome: "RING_ABANDON",
            hangup_by: "customer",
            legs: &[("PJSIP/1452", "CANCELLED")],
            ..INTERNAL.row
        },
        ..INTERNAL
    },
    Scenario {
        name: "outbound: rejected",
        caller: Caller::Phone("1443"),
        dials: "12125550143",
        parties: &[("12125550143", "reject")],
        row: Row {
            direction: "outbound",
            outcome: "REJECTED",
            agent: "PJSIP/1443",
            legs: &[("PJSIP/trunk", "REJECTED")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: the first trunk is dead, the second connects",
        caller: Caller::Phone("1442"),
        dials: "82125550144",
        parties: &[("12125550144", TALKS)],
        row: Row {
            direction: "outbound",
            agent: "PJSIP/1442",
            hangup_by: "customer",
            legs: &[("PJSIP/deadtrunk", "NOANSWER"), ("PJSIP/trunk", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "outbound: there is no such number",
        caller: Caller::Phone("1441"),
        dials: "12125550141",
        parties: &[("12125550141", "unallocated")],
        row: Row {
            status: "NOT_CONNECTED",
            outcome: "UNAVAILABLE",
            agent: "PJSIP/1441",
            legs: &[("PJSIP/trunk", "UNAVAILABLE")],
            ..OUTBOUND
        },
        ..Scenario::OUTSIDE
    },
];
