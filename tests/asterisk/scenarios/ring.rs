//! Calls that ring phones without a queue.

use crate::script::{BUSY, REJECTS, RINGS, Row, STAYS, Scenario, TALKS};
use std::time::Duration;

/// DIDs 20–29 ring two phones for 9 s, 30–39 one phone for 9 s, 40–49 three phones one after the other for 3 s each.
pub const ALL: &[Scenario] = &[
    Scenario {
        name: "ring group: one answers",
        dials: "5550120",
        parties: &[("1201", RINGS), ("1202", TALKS)],
        row: Row {
            agent: "PJSIP/1202",
            legs: &[("PJSIP/1201", "ELSEWHERE"), ("PJSIP/1202", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ring group: nobody answers",
        dials: "5550121",
        parties: &[("1211", RINGS), ("1212", RINGS)],
        row: Row { legs: &[("PJSIP/1211", "NOANSWER"), ("PJSIP/1212", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ring group: the caller cancels",
        dials: "5550122",
        patience: Duration::from_millis(6_700),
        parties: &[("1221", RINGS), ("1222", RINGS)],
        row: Row {
            outcome: "RING_ABANDON",
            legs: &[("PJSIP/1221", "CANCELLED"), ("PJSIP/1222", "CANCELLED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ring group: all busy",
        dials: "5550123",
        parties: &[("1231", BUSY), ("1232", BUSY)],
        row: Row {
            status: "BUSY",
            outcome: "ALL_BUSY",
            legs: &[("PJSIP/1231", "BUSY"), ("PJSIP/1232", "BUSY")],
            ..Row::INBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ring group: one busy, one rings out",
        dials: "5550124",
        parties: &[("1241", BUSY), ("1242", RINGS)],
        row: Row { legs: &[("PJSIP/1241", "BUSY"), ("PJSIP/1242", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ring group: all reject",
        dials: "5550125",
        parties: &[("1251", REJECTS), ("1252", REJECTS)],
        row: Row {
            outcome: "REJECTED",
            legs: &[("PJSIP/1251", "REJECTED"), ("PJSIP/1252", "REJECTED")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: answered, the agent hangs up",
        dials: "5550130",
        parties: &[("1301", TALKS)],
        row: Row { agent: "PJSIP/1301", legs: &[("PJSIP/1301", "ANSWERED")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: answered, the caller hangs up",
        dials: "5550131",
        script: "wait:3.5-hangup",
        parties: &[("1311", STAYS)],
        row: Row { agent: "PJSIP/1311", hangup_by: "customer", legs: &[("PJSIP/1311", "ANSWERED")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: busy",
        dials: "5550132",
        parties: &[("1321", BUSY)],
        row: Row { status: "BUSY", outcome: "ALL_BUSY", legs: &[("PJSIP/1321", "BUSY")], ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the caller cancels",
        dials: "5550133",
        patience: Duration::from_millis(6_700),
        parties: &[("1331", RINGS)],
        row: Row { outcome: "RING_ABANDON", legs: &[("PJSIP/1331", "CANCELLED")], ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the caller cancels at once",
        dials: "5550133",
        patience: Duration::from_millis(2_500),
        parties: &[("1331", RINGS)],
        row: Row { outcome: "SHORT_ABANDON", legs: &[("PJSIP/1331", "CANCELLED")], ..Row::CANCELLED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: rejected",
        dials: "5550134",
        parties: &[("1341", REJECTS)],
        row: Row { outcome: "REJECTED", legs: &[("PJSIP/1341", "REJECTED")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: not answered",
        dials: "5550135",
        parties: &[("1351", RINGS)],
        row: Row { legs: &[("PJSIP/1351", "NOANSWER")], ..Row::UNANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: congestion",
        dials: "5550136",
        parties: &[("1361", "congestion")],
        row: Row {
            status: "NOT_CONNECTED",
            outcome: "CONGESTION",
            legs: &[("PJSIP/1361", "CONGESTION")],
            ..Row::INBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the phone has never registered",
        dials: "5550194",
        row: Row { status: "NOT_CONNECTED", outcome: "UNAVAILABLE", ..Row::INBOUND },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: the second answers",
        dials: "5550140",
        parties: &[("1401", RINGS), ("1402", TALKS)],
        row: Row {
            agent: "PJSIP/1402",
            legs: &[("PJSIP/1401", "NOANSWER"), ("PJSIP/1402", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: nobody answers",
        dials: "5550141",
        parties: &[("1411", RINGS), ("1412", RINGS), ("1413", RINGS)],
        row: Row {
            legs: &[("PJSIP/1411", "NOANSWER"), ("PJSIP/1412", "NOANSWER"), ("PJSIP/1413", "NOANSWER")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: the first is busy, the others ring out",
        dials: "5550143",
        parties: &[("1431", BUSY), ("1432", RINGS), ("1433", RINGS)],
        row: Row {
            legs: &[("PJSIP/1431", "BUSY"), ("PJSIP/1432", "NOANSWER"), ("PJSIP/1433", "NOANSWER")],
            ..Row::UNANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: the caller cancels while the second rings",
        dials: "5550142",
        patience: Duration::from_millis(5_500),
        parties: &[("1421", RINGS), ("1422", RINGS), ("1423", RINGS)],
        row: Row {
            outcome: "RING_ABANDON",
            legs: &[("PJSIP/1421", "NOANSWER"), ("PJSIP/1422", "CANCELLED")],
            ..Row::CANCELLED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: every phone says 480, and none has rung",
        dials: "5550144",
        parties: &[("1441", "cause:20"), ("1442", "cause:20"), ("1443", "cause:20")],
        row: Row {
            status: "NOT_CONNECTED",
            outcome: "UNAVAILABLE",
            legs: &[("PJSIP/1441", "UNAVAILABLE"), ("PJSIP/1442", "UNAVAILABLE"), ("PJSIP/1443", "UNAVAILABLE")],
            ..Row::INBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: every phone says 488, and none has rung",
        dials: "5550145",
        parties: &[("1451", "cause:58"), ("1452", "cause:58"), ("1453", "cause:58")],
        row: Row {
            status: "NOT_CONNECTED",
            outcome: "FAILED",
            legs: &[("PJSIP/1451", "UNAVAILABLE"), ("PJSIP/1452", "UNAVAILABLE"), ("PJSIP/1453", "UNAVAILABLE")],
            ..Row::INBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "hunt: every phone says 500, and none has rung",
        dials: "5550146",
        parties: &[("1461", "cause:38"), ("1462", "cause:38"), ("1463", "cause:38")],
        row: Row {
            status: "NOT_CONNECTED",
            outcome: "FAILED",
            legs: &[("PJSIP/1461", "UNAVAILABLE"), ("PJSIP/1462", "UNAVAILABLE"), ("PJSIP/1463", "UNAVAILABLE")],
            ..Row::INBOUND
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "ring group: two answer at once",
        dials: "5550126",
        parties: &[("1261", TALKS), ("1262", TALKS)],
        row: Row { agent: "PJSIP/126*", legs: &[("*", "ANSWERED"), ("*", "ELSEWHERE|LOST_RACE")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the called one hears an announcement first",
        dials: "5550199",
        parties: &[("1991", "ring-wait:1-answer-wait:6-hangup")],
        row: Row { agent: "PJSIP/1991", legs: &[("PJSIP/1991", "ANSWERED")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the caller is put on hold and back",
        dials: "5550139",
        parties: &[("1391", "ring-wait:1-answer-wait:1.5-hold:2-wait:1.5-hangup")],
        row: Row { agent: "PJSIP/1391", hold_s: (1, 3), legs: &[("PJSIP/1391", "ANSWERED")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the caller hangs up on hold",
        dials: "5550138",
        script: "wait:6-hangup",
        parties: &[("1381", "ring-wait:1-answer-wait:1.5-hold:20-hangup")],
        row: Row {
            agent: "PJSIP/1381",
            hangup_by: "customer",
            talk_s: (1, 4),
            hold_s: (2, 5),
            legs: &[("PJSIP/1381", "ANSWERED")],
            ..Row::ANSWERED
        },
        ..Scenario::OUTSIDE
    },
    Scenario {
        name: "direct: the agent hangs up, and the caller hears a survey",
        dials: "5550193",
        parties: &[("1931", TALKS)],
        row: Row { agent: "PJSIP/1931", hangup_by: "pbx", legs: &[("PJSIP/1931", "ANSWERED")], ..Row::ANSWERED },
        ..Scenario::OUTSIDE
    },
];
