//! Calls to queues.

use crate::script::{BUSY, REJECTS, RINGS, Row, STAYS, Scenario, TALKS};
use std::time::Duration;

/// DIDs 00–09 answer, then wait in a linear queue (4 s a phone, 12 s in all), then hear the voicemail announcement;
/// 10–19 ring everybody for 9 s unanswered; 60–68 are queues of special kinds.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "queue: answered, the agent hangs up",
        dials: "5550100",
        parties: &[("1001", TALKS)],
        row: Row {
            agent: "PJSIP/1001",
            queue: "q00",
            legs: &[("PJSIP/1001", "ANSWERED")],
            visits: &[("q00", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: answered, the caller hangs up",
        dials: "5550101",
        script: "wait:5-hangup",
        parties: &[("1011", STAYS)],
        row: Row {
            agent: "PJSIP/1011",
            queue: "q01",
            hangup_by: "customer",
            legs: &[("PJSIP/1011", "ANSWERED")],
            visits: &[("q01", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: abandoned",
        dials: "5550102",
        script: "wait:7.5-hangup",
        parties: &[("1021", RINGS), ("1022", RINGS), ("1023", RINGS)],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q02",
            legs: &[("PJSIP/1021", "NOANSWER"), ("PJSIP/1022", "CANCELLED")],
            visits: &[("q02", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: abandoned at once",
        dials: "5550103",
        script: "wait:2-hangup",
        parties: &[("1031", RINGS), ("1032", RINGS), ("1033", RINGS)],
        row: Row {
            outcome: "SHORT_ABANDON",
            queue: "q03",
            legs: &[("PJSIP/1031", "CANCELLED")],
            visits: &[("q03", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: timed out, then heard the voicemail announcement out",
        dials: "5550104",
        parties: &[("1041", RINGS), ("1042", RINGS), ("1043", RINGS)],
        row: Row {
            outcome: "QUEUE_TIMEOUT",
            queue: "q04",
            legs: &[("PJSIP/1041", "NOANSWER"), ("PJSIP/1042", "NOANSWER"), ("PJSIP/1043", "NOANSWER")],
            visits: &[("q04", "TIMEOUT")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: timed out, then hung up in the voicemail announcement",
        dials: "5550105",
        script: "wait:13.5-hangup",
        parties: &[("1051", RINGS), ("1052", RINGS), ("1053", RINGS)],
        row: Row {
            outcome: "QUEUE_TIMEOUT",
            queue: "q05",
            hangup_by: "customer",
            legs: &[("PJSIP/1051", "NOANSWER"), ("PJSIP/1052", "NOANSWER"), ("PJSIP/1053", "NOANSWER")],
            visits: &[("q05", "TIMEOUT")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: the first agent rings out, the second answers",
        dials: "5550106",
        parties: &[("1061", RINGS), ("1062", TALKS)],
        row: Row {
            agent: "PJSIP/1062",
            queue: "q06",
            legs: &[("PJSIP/1061", "NOANSWER"), ("PJSIP/1062", "ANSWERED")],
            visits: &[("q06", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: the first agent is busy, the second answers",
        dials: "5550107",
        parties: &[("1071", BUSY), ("1072", TALKS)],
        row: Row {
            agent: "PJSIP/1072",
            queue: "q07",
            legs: &[("PJSIP/1071", "BUSY"), ("PJSIP/1072", "ANSWERED")],
            visits: &[("q07", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue: the first agent rejects, the second answers",
        dials: "5550108",
        parties: &[("1081", REJECTS), ("1082", TALKS)],
        row: Row {
            agent: "PJSIP/1082",
            queue: "q08",
            legs: &[("PJSIP/1081", "REJECTED"), ("PJSIP/1082", "ANSWERED")],
            visits: &[("q08", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue that rings everybody: one answers",
        dials: "5550110",
        parties: &[("1101", RINGS), ("1102", TALKS), ("1103", RINGS)],
        row: Row {
            agent: "PJSIP/1102",
            queue: "q10",
            legs: &[("PJSIP/1101", "ELSEWHERE"), ("PJSIP/1102", "ANSWERED"), ("PJSIP/1103", "ELSEWHERE")],
            visits: &[("q10", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue that rings everybody: timed out, and that was all",
        dials: "5550111",
        parties: &[("1111", RINGS), ("1112", RINGS), ("1113", RINGS)],
        row: Row {
            outcome: "QUEUE_TIMEOUT",
            queue: "q11",
            legs: &[("PJSIP/1111", "NOANSWER"), ("PJSIP/1112", "NOANSWER"), ("PJSIP/1113", "NOANSWER")],
            visits: &[("q11", "TIMEOUT")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue that rings everybody: the caller cancels",
        dials: "5550112",
        patience: Duration::from_millis(6_700),
        parties: &[("1121", RINGS), ("1122", RINGS), ("1123", RINGS)],
        row: Row {
            outcome: "QUEUE_ABANDON",
            queue: "q12",
            legs: &[("PJSIP/1121", "CANCELLED"), ("PJSIP/1122", "CANCELLED"), ("PJSIP/1123", "CANCELLED")],
            visits: &[("q12", "ABANDONED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue with a Local member: answered, the agent hangs up",
        dials: "5550160",
        parties: &[("1601", TALKS)],
        row: Row {
            agent: "PJSIP/1601",
            queue: "q60",
            legs: &[("PJSIP/1601", "ANSWERED")],
            visits: &[("q60", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue with a Local member: answered, the caller hangs up",
        dials: "5550160",
        script: "wait:5-hangup",
        parties: &[("1601", STAYS)],
        row: Row {
            agent: "PJSIP/1601",
            queue: "q60",
            hangup_by: "customer",
            legs: &[("PJSIP/1601", "ANSWERED")],
            visits: &[("q60", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue with two Local members: one answers",
        dials: "5550161",
        parties: &[("1611", RINGS), ("1612", TALKS)],
        row: Row {
            agent: "PJSIP/1612",
            queue: "q61",
            legs: &[("PJSIP/1611", "ELSEWHERE"), ("PJSIP/1612", "ANSWERED")],
            visits: &[("q61", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue without members: refused at the door",
        dials: "5550162",
        row: Row { outcome: "QUEUE_EMPTY", queue: "q62", visits: &[("q62", "JOINEMPTY")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "two queues: timed out in the first, answered in the second",
        dials: "5550167",
        parties: &[("1671", RINGS), ("1672", TALKS)],
        row: Row {
            agent: "PJSIP/1672",
            queue: "q67b",
            legs: &[("PJSIP/1671", "NOANSWER"), ("PJSIP/1672", "ANSWERED")],
            visits: &[("q67", "TIMEOUT"), ("q67b", "CONNECTED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "queue, then a ring group that answers",
        dials: "5550168",
        parties: &[("1681", RINGS), ("1682", RINGS), ("1683", TALKS)],
        row: Row {
            agent: "PJSIP/1683",
            queue: "q68",
            legs: &[("PJSIP/1681", "NOANSWER"), ("PJSIP/1682", "ELSEWHERE"), ("PJSIP/1683", "ANSWERED")],
            visits: &[("q68", "TIMEOUT")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
];
