//! Calls that the PBX itself cuts while the caller waits.

use crate::script::{PbxAction, RINGS, Row, Scenario, Step, WAITS};

const fn rings(phone: &'static [(&'static str, &'static str)], then: PbxAction) -> Step {
    Step { upon: "Newstate", having: phone, then }
}

/// DIDs 5550328 and 29, which wait in a queue, and 5550226 and 27, which ring a phone.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "cut: the AMI hangs up who waits in a queue",
        dials: "5550329",
        script: WAITS,
        parties: &[("1291", RINGS)],
        steps: &[rings(&[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1291-")], PbxAction::HangsUp)],
        row: IN_QUEUE_29,
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "cut: the command line hangs up who waits in a queue",
        dials: "5550328",
        script: WAITS,
        parties: &[("1281", RINGS)],
        steps: &[rings(&[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1281-")], PbxAction::HangsUpByCli)],
        row: Row { queue: "q28", legs: &[("PJSIP/1281", "CANCELLED")], visits: &[("q28", "CUT")], ..IN_QUEUE_29 },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "cut: the AMI hangs up a caller for whom a phone rings",
        dials: "5550227",
        script: WAITS,
        parties: &[("1271", RINGS)],
        steps: &[rings(&[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1271-")], PbxAction::HangsUp)],
        row: Row { outcome: "CUT_OFF", legs: &[("PJSIP/1271", "CANCELLED")], cdr_errs: CDR, ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "cut: the command line hangs up a caller for whom a phone rings",
        dials: "5550226",
        script: WAITS,
        parties: &[("1261", RINGS)],
        steps: &[rings(&[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1261-")], PbxAction::HangsUpByCli)],
        row: Row { outcome: "CUT_OFF", legs: &[("PJSIP/1261", "CANCELLED")], cdr_errs: CDR, ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
];

const CDR: Option<&str> = Some("it does not tell who ended a call that nobody took");

const IN_QUEUE_29: Row = Row {
    outcome: "CUT_OFF",
    queue: "q29",
    legs: &[("PJSIP/1291", "CANCELLED")],
    visits: &[("q29", "CUT")],
    cdr_errs: CDR,
    queue_log_errs: Some("it has ABANDON for everyone who leaves unserved"),
    ..Row::UNANSWERED
};
