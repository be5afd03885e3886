//! Calls that never ring anybody, or end at a mailbox.

use crate::script::{RINGS, Row, Scenario};
use std::time::Duration;

/// DIDs 70–79 and 94–98.
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
        needs: "app_voicemail.so",
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
    Scenario {
        name: "mailbox: a message is left by hanging up",
        needs: "app_voicemail.so",
        dials: "5550174",
        script: "wait:3-speak:4-hangup",
        parties: &[("1741", RINGS)],
        row: Row {
            outcome: "VOICEMAIL_LEFT",
            hangup_by: "customer",
            voicemail: true,
            legs: &[("PJSIP/1741", "NOANSWER")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "mailbox: hung up in the greeting",
        needs: "app_voicemail.so",
        dials: "5550175",
        script: "wait:.5-hangup",
        row: Row { outcome: "EARLY_ABANDON", ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "mailbox: nothing is said",
        needs: "app_voicemail.so",
        dials: "5550175",
        script: "wait:1.4-dtmf:#-wait:2-hangup",
        row: Row { outcome: "EARLY_ABANDON", ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "sent to a place that does not exist",
        dials: "5550178",
        row: Row { status: "NOT_CONNECTED", outcome: "INVALID", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "a callback is asked for by a key",
        dials: "5550179",
        script: "wait:1-dtmf:1-wait:90-hangup",
        row: Row { outcome: "CALLBACK_REQUESTED", ivr: &[("ivr-callback", "1")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "never answered, nobody rung: the caller cancels",
        dials: "5550198",
        patience: Duration::from_millis(2_000),
        row: Row { outcome: "EARLY_ABANDON", ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "the phone's address is dead",
        dials: "5550195",
        row: Row { legs: &[("PJSIP/1999", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
];
