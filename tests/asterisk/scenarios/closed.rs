//! Calls outside business hours.

use crate::script::{Row, Scenario};

/// DID 73 goes to the closed context.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "closed: heard out",
        dials: "5550173",
        row: Row { status: "OUT_OF_TIME", outcome: "ANNOUNCEMENT", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "closed: hung up",
        dials: "5550173",
        script: "wait:1.5-hangup",
        row: Row { status: "OUT_OF_TIME", outcome: "HUNG_UP", hangup_by: "customer", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
];
