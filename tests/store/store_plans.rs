//! No command and no start reads a whole table that grows with the years, whether SQLite has figures of it or not.

use crate::store::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::store::{Batch, CallFilter, LastSeenAgent, Reader, Store, Writer, questions};
use callbackd_core::model::{FinishedCall, LegResult, QueueVisit, VisitResult};
use rusqlite::{Connection, StatementStatus};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

const MANUAL: &str = include_str!("../../config/doc/manager.md");

/// Tables that get a row for each call, callback, gap, or what an agent does.
const GROWING: [&str; 15] = [
    "calls",
    "legs",
    "queue_visits",
    "ivr_steps",
    "tags",
    "ratings",
    "tapes",
    "gaps",
    "agent_intervals",
    "callbacks",
    "callback_events",
    "callback_attempts",
    "outbox",
    "webhook_messages",
    "webhook_attempts",
];

/// A walk in the order of the answer, the newest first, for what asks for all calls or for a word that no index has.
const WALK: &str = "SCAN calls USING INDEX calls_started";

/// Questions that may do what none else may.
const ALLOWED: [(&str, &str); 21] = [
    ("calls ", WALK),
    ("calls  --limit", WALK),
    ("calls --outcome", WALK),
    ("calls --outcome --limit", WALK),
    ("calls --direction", WALK),
    ("calls --direction --limit", WALK),
    // All calls of the PBX are the answer, in its order.
    ("calls --pbx", "SEARCH calls USING INDEX calls_pbx (pbx=?)"),
    ("calls --pbx --limit", "SEARCH calls USING INDEX calls_pbx (pbx=?)"),
    ("calls did", WALK),
    ("calls did --limit", WALK),
    ("calls trunk", WALK),
    ("calls trunk --limit", WALK),
    // The first of the index is all that is read.
    ("status: last gap", "SCAN gaps USING INDEX gaps_ended"),
    // All of them are the answer.
    ("audit: gaps", "SEARCH gaps USING INDEX sqlite_autoindex_gaps_1 (pbx=?)"),
    // A partial index: it has those that are in flight.
    ("start: in flight", "SCAN callback_attempts USING INDEX callback_attempts_open"),
    ("start: called", "SCAN a USING INDEX callback_attempts_open"),
    ("start: asked", "SCAN a USING INDEX callback_attempts_open"),
    ("start: codes meanwhile", "SCAN a USING INDEX callback_attempts_open"),
    ("start: code taken off", "SCAN a USING INDEX callback_attempts_open"),
    // As many as are asked for, from the beginning.
    ("feed: to be removed", "SCAN outbox"),
    ("webhooks: old attempts", "SCAN webhook_attempts"),
];

/// 100,000 calls in 50 weeks, with legs and visits; every tenth has a callback.
fn years(path: &Path) {
    drop(Store::open(path).unwrap());
    let db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA synchronous = off;
         BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99999) SELECT n FROM n;
         INSERT INTO calls (pbx, linkedid, direction, status, outcome, number, number_e164, trunk, queue, agent, started_ms, answered_ms,
                            ended_ms, wait_ms, queue_wait_ms, ring_ms, talk_ms, hold_ms, hangup_by, transfers, voicemail, quality, why,
                            callback_id)
         SELECT 'pbx', n || '.1', 'inbound', CASE n % 5 WHEN 0 THEN 'CANCEL' ELSE 'ANSWER' END,
                CASE n % 5 WHEN 0 THEN 'QUEUE_ABANDON' ELSE 'AGENT' END, printf('202555%04d', n % 10000), printf('+1202555%04d', n % 10000),
                'PJSIP/trunk' || (n % 3), 'queue' || (n % 3), CASE n % 5 WHEN 0 THEN NULL ELSE 'PJSIP/' || (100 + n % 40) END,
                1772445600000 + n * 300000, NULL, 1772445660000 + n * 300000, 1, 1, 1, 60000, 0, 'agent', 0, 0, 'full', '[]',
                CASE n % 10 WHEN 0 THEN n / 10 + 1 END
           FROM n;
         INSERT INTO legs SELECT id, 0, 'PJSIP/' || (100 + id % 40), 'PJSIP/1', 'queue0', started_ms, NULL, ended_ms, 0, 'ANSWERED' FROM calls;
         INSERT INTO tapes SELECT id, x'00' FROM calls;
         INSERT INTO queue_visits SELECT id, 0, queue, started_ms, ended_ms, 1, 'CONNECTED' FROM calls;
         INSERT INTO agents SELECT 'pbx', 'PJSIP/' || (100 + n), 'Agent' FROM n WHERE n < 40;
         INSERT INTO agent_intervals SELECT pbx, agent, 'talking', '', '', started_ms, ended_ms FROM calls WHERE agent IS NOT NULL;
         INSERT INTO gaps SELECT NULL, 'pbx', n * 1000, n * 1000 + 500, 'link_lost', 0 FROM n WHERE n < 1000;
         INSERT INTO callbacks SELECT n / 10 + 1, 'pbx', printf('+1202555%04d', n % 10000), NULL, CASE WHEN n < 99000 THEN 'DONE' ELSE 'PENDING' END,
                '', 'queue0', NULL, NULL, NULL, 0, 0, 1, n, n, n, n, 1, 1, n || '.1', NULL, CASE WHEN n < 99000 THEN n END, 'pbx', NULL, 1, NULL, NULL, NULL, NULL
           FROM n WHERE n % 10 = 0;
         INSERT INTO callback_events SELECT id, 0, 0, 'PENDING', '', 'callbackd', '' FROM callbacks;
         INSERT INTO callback_attempts SELECT id, 1, 'pbx', 'cb-' || id, 'PJSIP/101', first_missed_ms, NULL, NULL, closed_ms, 0,
                CASE WHEN closed_ms IS NULL THEN NULL ELSE 'CONNECTED' END, '', NULL, NULL FROM callbacks;
         INSERT INTO outbox (at_ms, pbx, kind, key, rev, late, bytes) SELECT n, 'pbx', 'call.ended', n || '.1', 1, 0, n * 100 FROM n;
         INSERT INTO webhooks VALUES ('crm', 'running', 0, 'callbackd', NULL), ('erp', 'running', 0, 'callbackd', NULL);
         INSERT INTO webhook_messages SELECT CASE n % 2 WHEN 0 THEN 'crm' ELSE 'erp' END, n, 'call.missed', n || '.1',
                CASE n % 100 WHEN 0 THEN 'given_up' ELSE 'delivered' END, 1, 0, n, n, n, NULL FROM n;
         INSERT INTO webhook_attempts SELECT NULL, CASE n % 2 WHEN 0 THEN 'crm' ELSE 'erp' END, n, n, 5, 200, '', 'ok' FROM n;
         COMMIT;",
    )
    .unwrap();
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    // Parameters that are not bound are NULL: the plan is made without them.
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap_or_else(|error| panic!("{error}: {sql}"));
    plan.raw_query().mapped(|row| row.get("detail")).map(Result::unwrap).collect()
}

/// Reads the whole of a growing table, or all of a PBX, which is mostly the same.
fn reads_all(step: &str) -> bool {
    let grows = |table: &str| GROWING.contains(&table) || ["a", "c"].contains(&table);
    match step.split(' ').collect::<Vec<_>>()[..] {
        ["SCAN", table, ..] => grows(table),
        ["SEARCH", table, ..] => grows(table) && step.ends_with("(pbx=?)") && !step.contains("agent_intervals_open"),
        _ => false,
    }
}

/// For each row that is looked at, looks through all of a queue, an agent, a state: the square of the history.
fn is_quadratic(steps: &[String]) -> bool {
    let many = ["(queue=?)", "(agent=?)", "(status=?)", "(pbx=?)", "(webhook=?)"];
    let through_many = |step: &String| many.iter().any(|key| step.ends_with(key));
    steps.iter().any(|step| step.contains(" EXISTS ") && through_many(step))
        || steps.windows(2).any(|pair| pair[0].starts_with("CORRELATED") && through_many(&pair[1]))
}

fn every_plan_is_good(db: &Connection, figures: &str) {
    for (name, sql) in questions() {
        let steps = plan(db, &sql);
        let allowed = |step: &str| ALLOWED.iter().any(|(n, walk)| *n == name && step.starts_with(walk));
        let bad: Vec<&String> = steps.iter().filter(|step| reads_all(step) && !allowed(step)).collect();
        assert!(bad.is_empty(), "{name}, {figures}: {bad:#?} of {steps:#?}\n{sql}");
        assert!(!is_quadratic(&steps), "{name}, {figures}: {steps:#?}\n{sql}");
    }
}

#[test]
fn no_question_reads_the_whole_of_a_table_that_grows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    years(&path);
    let db = Connection::open(&path).unwrap();
    every_plan_is_good(&db, "without figures");
    db.execute_batch("ANALYZE").unwrap();
    every_plan_is_good(&Connection::open(&path).unwrap(), "with figures");
}

#[test]
fn from_one_activity_of_an_agent_to_the_next_its_intervals_are_stepped_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    years(&path);
    let db = Connection::open(&path).unwrap();
    for (name, behind) in [
        ("report: interval keys", ["pbx", "PJSIP/101", "talking", ""]),
        ("agents: activities", ["pbx", "PJSIP/101", "talking", ""]),
    ] {
        let (_, sql) = questions().into_iter().find(|(question, _)| question == name).unwrap();
        let mut statement = db.prepare(&sql).unwrap();
        let found = statement.query(behind).unwrap().next().unwrap().is_some();
        assert_eq!(found, name.starts_with("report"), "{name}");
        // 2,500 intervals of the agent are of this kind.
        let steps = statement.get_status(StatementStatus::VmStep);
        assert!(steps < 200, "{name}: {steps} steps");
    }
}

#[test]
fn a_view_of_figures_reads_no_more_calls_than_those_of_the_day_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    years(&path);
    let views_of = |db: &Connection| -> Vec<String> {
        let mut names =
            db.prepare("SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'v_report_*'").unwrap();
        names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for figures in ["without figures", "with figures"] {
        let db = Connection::open(&path).unwrap();
        let views = views_of(&db);
        assert!(views.len() >= 17, "{views:?}");
        for view in views {
            let steps = plan(&db, &format!("SELECT * FROM {view} WHERE date = '2026-03-02'"));
            let all = |step: &&String| {
                let words: Vec<&str> = step.split(' ').collect();
                let scans = matches!(words[..], ["SCAN", "c" | "calls" | "l" | "v" | "i" | "t" | "o", ..]);
                scans || step.contains("AUTOMATIC")
            };
            let bad: Vec<&String> = steps.iter().filter(all).collect();
            assert!(bad.is_empty(), "{view}, {figures}: {bad:?} of {steps:#?}");
            assert!(MANUAL.contains(&format!("`{view}`")), "manager.md does not say what {view} is");
        }
        db.execute_batch("ANALYZE").unwrap();
    }
}

#[test]
fn the_test_of_plans_sees_the_two_faults_that_it_is_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    years(&path);
    let db = Connection::open(&path).unwrap();
    let exists = "SELECT id FROM calls WHERE EXISTS (SELECT 1 FROM queue_visits WHERE call_id = calls.id AND queue_visits.queue = ?)";
    assert!(is_quadratic(&plan(&db, exists)), "{:?}", plan(&db, exists));
    let end = "SELECT id FROM calls WHERE number LIKE '%0123'";
    assert!(plan(&db, end).iter().any(|step| reads_all(step)), "{:?}", plan(&db, end));
}

fn found(path: &Path, filter: &CallFilter) -> Vec<String> {
    Reader::open(path).unwrap().calls(filter).unwrap().into_iter().map(|call| call.call.linkedid).collect()
}

/// Calls whose two numbers end differently, that went through several queues, over months.
fn odd_calls(path: &Path) -> Vec<FinishedCall> {
    let numbers = [
        (Some("2025550123"), Some("+12025550123")),
        (Some("2025550123;ext=5"), Some("+12025550123")),
        (Some("5550199"), Some("+12025550100")),
        (Some("101"), None),
        (Some("5550123"), None),
        (None, Some("+12025550199")),
        (None, None),
    ];
    let text = |text: Option<&str>| text.map(str::to_owned);
    let calls: Vec<FinishedCall> = (0..300)
        .map(|n: usize| {
            let base = if n.is_multiple_of(3) { abandoned(&format!("{n}")) } else { answered(&format!("{n}")) };
            let shift = i64::try_from(n).unwrap() * 12 * 3_600_000;
            let mut call = FinishedCall { started_ms: MONDAY_10 + shift, ended_ms: MONDAY_10 + shift + 41_200, ..base };
            call.number = text(numbers[n % 7].0);
            call.number_e164 = numbers[n % 7].1.and_then(|number| callbackd_core::model::E164::new(number).ok());
            call.queue = text(["sales", "support"].get(n % 4).copied());
            call.visits[0].queue = ["sales", "billing"][n % 2].to_owned();
            call.visits[0].joined_ms = call.started_ms + 4_200;
            for leg in &mut call.legs {
                leg.started_ms += shift;
                leg.agent = ["PJSIP/101", "SIP/101", "PJSIP/102"][n % 3].to_owned();
            }
            if n % 50 == 7 {
                let rare = QueueVisit { queue: "rare".into(), result: VisitResult::Timeout, ..call.visits[0].clone() };
                call.visits.push(rare);
            }
            call
        })
        .collect();
    let records: Vec<_> = calls.iter().cloned().map(record).collect();
    assert_eq!(Store::open(path).unwrap().write(&records).unwrap(), []);
    calls
}

/// What the options mean, said without SQL.
fn lets_through(filter: &CallFilter, call: &FinishedCall) -> bool {
    let number = filter.number.as_ref().is_none_or(|wanted| {
        let digits: String = wanted.chars().filter(char::is_ascii_digit).collect();
        [call.number.as_deref(), call.number_e164.as_deref()]
            .into_iter()
            .flatten()
            .any(|number| number == *wanted || (digits.len() >= 4 && number.ends_with(&digits)))
    });
    let is_agent =
        |wanted: &str, agent: &str| agent == wanted || agent.split_once('/').is_some_and(|(_, peer)| peer == wanted);
    let agent = filter.agent.as_ref().is_none_or(|wanted| {
        call.agent.iter().any(|agent| is_agent(wanted, agent))
            || call.legs.iter().any(|leg| leg.result == LegResult::Answered && is_agent(wanted, &leg.agent))
    });
    let queue = filter.queue.as_ref().is_none_or(|queue| {
        call.queue.as_ref() == Some(queue) || call.visits.iter().any(|visit| visit.queue == *queue)
    });
    let since = filter.since_ms.is_none_or(|since| call.started_ms >= since);
    let until = filter.until_ms.is_none_or(|until| call.started_ms < until);
    number && agent && queue && since && until
}

#[test]
fn every_filter_finds_what_it_means_and_the_newest_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let calls = odd_calls(&path);
    let text = |text: &str| Some(text.to_owned());
    let mut filters = Vec::new();
    for number in [
        "+12025550123",
        "2025550123",
        "5550123",
        "0123",
        "123",
        "101",
        "2025550123;ext=5",
        "5550199",
        "0199",
        "0100",
        "(0123)",
        "9",
        "",
    ] {
        filters.push(CallFilter { number: text(number), ..CallFilter::default() });
    }
    for agent in ["101", "PJSIP/101", "SIP/101", "102", "PJSIP/102", "PJSIP", "1"] {
        filters.push(CallFilter { agent: text(agent), ..CallFilter::default() });
    }
    for queue in ["sales", "support", "billing", "rare", "none"] {
        filters.push(CallFilter { queue: text(queue), ..CallFilter::default() });
    }
    filters.push(CallFilter {
        queue: text("sales"),
        agent: text("101"),
        number: text("0123"),
        ..CallFilter::default()
    });
    let mut found_some = 0;
    for filter in filters {
        for (since_ms, until_ms) in
            [(None, None), (Some(MONDAY_10 + 40 * 86_400_000), Some(MONDAY_10 + 90 * 86_400_000))]
        {
            for limit in [None, Some(1), Some(3), Some(40), Some(1_000)] {
                let filter = CallFilter { since_ms, until_ms, limit, ..filter.clone() };
                let meant =
                    calls.iter().rev().filter(|call| lets_through(&filter, call)).map(|call| call.linkedid.clone());
                let meant: Vec<String> =
                    meant.take(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap())).collect();
                assert_eq!(found(&path, &filter), meant, "{filter:?}");
                found_some += usize::from(!meant.is_empty());
            }
        }
    }
    assert!(found_some > 150, "{found_some}");
}

#[test]
fn an_agent_is_shown_with_what_they_did_last_in_whichever_queue() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    drop(Store::open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "INSERT INTO agents VALUES ('a', 'PJSIP/101', 'Ann'), ('b', 'PJSIP/101', 'Bob'), ('b', 'PJSIP/102', 'New');
             INSERT INTO agent_intervals VALUES ('a', 'PJSIP/101', 'logged_in', '', '', 100, NULL), ('a', 'PJSIP/101', 'talking', '', '', 300, 350),
                 ('a', 'PJSIP/101', 'paused', 'sales', '', 200, 210), ('a', 'PJSIP/101', 'paused', 'support', '', 400, 410),
                 ('b', 'PJSIP/101', 'talking', '', '', 500, NULL), ('b', 'PJSIP/101', 'talking', '', '', 450, 460);",
        )
        .unwrap();
    let agent = |pbx: &str, agent: &str, name: &str, activity: Option<&str>, from_ms, to_ms| LastSeenAgent {
        pbx: pbx.to_owned(),
        agent: agent.to_owned(),
        name: name.to_owned(),
        activity: activity.map(str::to_owned),
        from_ms,
        to_ms,
    };
    assert_eq!(
        Reader::open(&path).unwrap().last_seen_agents().unwrap(),
        [
            agent("a", "PJSIP/101", "Ann", Some("paused"), Some(400), Some(410)),
            agent("b", "PJSIP/101", "Bob", Some("talking"), Some(500), None),
            agent("b", "PJSIP/102", "New", None, None, None),
        ]
    );
}

#[test]
fn the_hourly_upkeep_gives_sqlite_figures_of_the_tables() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    years(&path);
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(Store::open(&path).unwrap(), move |ack| sender.send(ack).unwrap()).unwrap();
    assert!(writer.optimize(None));
    writer.send(Batch { seq: 1, records: vec![record(abandoned("next"))] }).unwrap();
    acks.recv_timeout(Duration::from_secs(20)).unwrap();
    let _ = writer.stop(Duration::ZERO);

    let db = Connection::open(&path).unwrap();
    let figures = "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'calls' AND idx = 'calls_status'";
    assert_eq!(db.query_row(figures, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    every_plan_is_good(&db, "after the upkeep");
}
