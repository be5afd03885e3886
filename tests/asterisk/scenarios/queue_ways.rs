//! The less usual ways into a queue, out of it, and to an agent.

use crate::script::{BUSY, PbxAction, RINGS, Row, STAYS, Scenario, Step, TALKS, TALKS_AT_ONCE};

/// A second caller for a queue that has room for one.
const REFUSED: Scenario = Scenario {
    name: "queue with room for one: the second caller is refused",
    dials: "5550164",
    row: Row { status: "BUSY", outcome: "QUEUE_FULL", queue: "q64", visits: &[("q64", "FULL")], ..Row::INBOUND },
    ..Scenario::OUTSIDE
};

/// DIDs 13, 16, 19 and 61–69.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "queue with room for one: the first caller gives up",
        dials: "5550164",
        script: "wait:8-hangup",
        parties: &[("1641", RINGS)],
        steps: &[Step { upon: "QueueCallerJoin", having: &[], then: PbxAction::Places(&REFUSED) }],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q64",
            legs: &[("PJSIP/1641", "NOANSWER"), ("PJSIP/1641", "CANCELLED")],
            visits: &[("q64", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue whose only member is unreachable: refused at the door",
        dials: "5550163",
        row: Row { outcome: "QUEUE_EMPTY", queue: "q63", visits: &[("q63", "JOINEMPTY")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue whose last member pauses: sent away",
        dials: "5550165",
        parties: &[("1651", RINGS)],
        steps: &[
            Step {
                upon: "AgentRingNoAnswer",
                having: &[],
                then: PbxAction::Pauses { queue: "q65", interface: "PJSIP/1651", paused: true },
            },
            Step {
                upon: "QueueCallerLeave",
                having: &[],
                then: PbxAction::Pauses { queue: "q65", interface: "PJSIP/1651", paused: false },
            },
        ],
        row: Row {
            outcome: "QUEUE_EMPTY",
            queue: "q65",
            legs: &[("PJSIP/1651", "NOANSWER")],
            visits: &[("q65", "LEAVEEMPTY")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue left by a key, then the voicemail announcement",
        dials: "5550166",
        script: "wait:4.5-dtmf:1-wait:90-hangup",
        parties: &[("1661", RINGS)],
        row: Row { queue: "q66", legs: &[("PJSIP/1661", "NOANSWER")], visits: &[("q66", "KEY")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "two queues: abandoned in the second",
        dials: "5550167",
        script: "wait:7-hangup",
        parties: &[("1671", RINGS), ("1672", RINGS)],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q67b",
            legs: &[("PJSIP/1671", "NOANSWER"), ("PJSIP/1672", "CANCELLED")],
            visits: &[("q67", "TIMEOUT"), ("q67b", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue, then a ring group that does not answer",
        dials: "5550168",
        parties: &[("1681", RINGS), ("1682", RINGS), ("1683", RINGS)],
        row: Row {
            outcome: "QUEUE_TIMEOUT",
            queue: "q68",
            legs: &[("PJSIP/1681", "NOANSWER"), ("PJSIP/1682", "NOANSWER"), ("PJSIP/1683", "NOANSWER")],
            visits: &[("q68", "TIMEOUT")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue with two Local members: abandoned",
        dials: "5550161",
        script: "wait:6.5-hangup",
        parties: &[("1611", RINGS), ("1612", RINGS)],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q61",
            legs: &[("PJSIP/1611", "CANCELLED"), ("PJSIP/1612", "CANCELLED")],
            visits: &[("q61", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue as FreePBX makes it: one member answers",
        dials: "5550119",
        parties: &[("1191", RINGS), ("1192", TALKS)],
        row: Row {
            agent: "PJSIP/1192",
            queue: "q19",
            legs: &[("PJSIP/1191", "ELSEWHERE"), ("PJSIP/1192", "ANSWERED")],
            visits: &[("q19", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue as FreePBX makes it: one member is busy, the caller gives up",
        dials: "5550119",
        script: "wait:6.5-hangup",
        parties: &[("1191", BUSY), ("1192", RINGS)],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q19",
            legs: &[("PJSIP/1191", "BUSY"), ("PJSIP/1192", "CANCELLED")],
            visits: &[("q19", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue that rings everybody: two answer at once",
        dials: "5550113",
        parties: &[("1131", TALKS), ("1132", TALKS), ("1133", RINGS)],
        row: Row {
            agent: "PJSIP/113*",
            queue: "q13",
            legs: &[("PJSIP/1133", "ELSEWHERE"), ("*", "ANSWERED"), ("*", "ELSEWHERE|LOST_RACE")],
            visits: &[("q13", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue with two Local members: both answer at once",
        dials: "5550161",
        parties: &[("1611", TALKS), ("1612", TALKS)],
        row: Row {
            agent: "PJSIP/161*",
            queue: "q61",
            legs: &[("*", "ANSWERED"), ("*", "ELSEWHERE|LOST_RACE")],
            visits: &[("q61", "CONNECTED")],
            cdr_errs: Some("a loser is bridged with the inner half of the agent's Local channel for a moment"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue whose agent hears an announcement: the caller gives up meanwhile",
        dials: "5550169",
        script: "wait:5.7-hangup",
        parties: &[("1691", "ring-wait:3.3-answer-wait:90-hangup")],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q69",
            legs: &[("PJSIP/1691", "CANCELLED")],
            visits: &[("q69", "ABANDONED")],
            cdr_errs: Some("it has an agent who heard the announcement as one who talked"),
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue whose agent hears an announcement: they hang up in it, and take the call the second time",
        dials: "5550169",
        parties: &[("1691", "ring-wait:1-answer-wait:6-hangup"), ("1691_1", "ring-wait:1-answer-wait:1-hangup")],
        row: Row {
            agent: "PJSIP/1691",
            queue: "q69",
            legs: &[("PJSIP/1691", "DUMPED"), ("PJSIP/1691", "ANSWERED")],
            visits: &[("q69", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: a colleague picks the call up",
        dials: "5550116",
        parties: &[("1161", RINGS), ("1162", BUSY), ("1163", BUSY)],
        steps: &[Step {
            upon: "Newstate",
            having: &[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1161-")],
            then: PbxAction::Dials { phone: "1162", number: "*8", script: TALKS_AT_ONCE },
        }],
        row: Row {
            agent: "PJSIP/1162",
            queue: "q16",
            talk_s: (1, 5),
            legs: &[
                ("PJSIP/1161", "ELSEWHERE"),
                ("PJSIP/1162", "BUSY|ELSEWHERE"),
                ("PJSIP/1162", "ANSWERED"),
                ("PJSIP/1163", "BUSY|ELSEWHERE"),
            ],
            visits: &[("q16", "CONNECTED")],
            cdr_errs: Some("it may have the rung phone as one who talked"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: redirected to a phone while waiting",
        dials: "5550109",
        parties: &[("1091", RINGS), ("1092", TALKS)],
        steps: &[Step {
            upon: "Newstate",
            having: &[("ChannelStateDesc", "Ringing"), ("Channel", "PJSIP/1091-")],
            then: PbxAction::Redirects("1092"),
        }],
        row: Row {
            agent: "PJSIP/1092",
            queue: "q09",
            legs: &[("PJSIP/1091", "ELSEWHERE"), ("PJSIP/1092", "ANSWERED")],
            visits: &[("q09", "TRANSFERRED")],
            queue_log_errs: Some("it has ABANDON for everyone who leaves unserved, though the caller is still there"),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: redirected to another phone while talking",
        dials: "5550109",
        parties: &[("1091", STAYS), ("1092", TALKS)],
        steps: &[Step {
            upon: "BridgeEnter",
            having: &[("Channel", "PJSIP/trunk-")],
            then: PbxAction::Redirects("1092"),
        }],
        row: Row {
            agent: "PJSIP/1091",
            queue: "q09",
            legs: &[("PJSIP/1091", "ANSWERED"), ("PJSIP/1092", "ANSWERED")],
            visits: &[("q09", "CONNECTED")],
            queue_log_errs: Some(
                "it counts the first agent's talk to the end of the call, and takes it for hung up by the caller",
            ),
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
];
