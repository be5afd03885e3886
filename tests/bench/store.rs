//! What the store costs for each call: process CPU time of writing a realistic mix of records, callbacks among them; without the change feed, with it,
//! with calls in progress recorded too, and where each transaction removes as many changes as it writes.
//!
//! `cargo bench --bench store`. To compare two commits, build it of both and run them in turns in one go:
//! `target/release/deps/store-… --bench`. It prints a digest of all rows too, which must be the same for both.

use callbackd::store::{FeedRules, Store};
use callbackd_core::model::{
    Activity, AttemptResult, AttemptRow, CallInProgress, CallKey, CallTape, CallbackChange, CallbackRow, CallbackState,
    CallbackStep, Direction, E164, FinishedCall, HangupBy, Interval, IvrStep, Leg, LegResult, Outcome, PbxId, Quality,
    QueueVisit, Record, RecoveredBy, Status, Tag, VisitResult,
};
use rusqlite::Connection;
use rusqlite::types::Value;
use rustix::time::{ClockId, clock_gettime};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

/// Calls of a run.
const CALLS: usize = 20_000;
/// Calls begin one second after the other; what so many seconds bring is one transaction.
const SECONDS_IN_A_TRANSACTION: usize = 50;
/// Runs, each into a new database.
const ROUNDS: usize = 5;
/// One call of so many is missed and called back.
const MISSED: usize = 5;
/// 2026-03-02 10:00:00 UTC.
const BEGIN_MS: i64 = 1_772_445_600_000;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let (calls, rounds) = if std::env::args().any(|arg| arg == "--bench") { (CALLS, ROUNDS) } else { (500, 1) };
    let transactions = transactions(calls);
    let records: usize = transactions.iter().map(Vec::len).sum();
    println!("{calls} calls, {records} records, {} transactions", transactions.len());
    let feeds = [
        ("without a feed", None),
        ("with the feed", Some(FeedRules::default())),
        ("and calls in progress", Some(FeedRules { in_progress: true, ..FeedRules::default() })),
        ("of 10,000 rows", Some(FeedRules { max_rows: 10_000, ..FeedRules::default() })),
    ];
    let mut spent = vec![Vec::new(); feeds.len()];
    // In turns: whatever else the machine does meets all of them.
    for round in 0..rounds {
        for ((_, rules), spent) in feeds.iter().zip(&mut spent) {
            let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
            let path = place.path().join("calls.db");
            let mut store = Store::open(&path).expect("a database");
            if let Some(rules) = rules {
                store.record_changes(rules.clone()).expect("a feed");
            }
            let before = cpu_us();
            for records in &transactions {
                assert_eq!(store.write(records).expect("room on the disk"), []);
            }
            spent.push((cpu_us() - before) * 10 / i64::try_from(calls).expect("small"));
            drop(store);
            if round == 0 {
                let (rows, digest) = digest(&path);
                let size = std::fs::metadata(&path).expect("the database").len();
                println!("{rows} rows, digest {digest:016x}, {} bytes a call", size / calls as u64);
            }
        }
    }
    for ((name, _), spent) in feeds.iter().zip(&mut spent) {
        spent.sort_unstable();
        let tenths = |us: i64| format!("{}.{}", us / 10, us % 10);
        let (median, least, most) = (spent[rounds / 2], spent[0], spent[rounds - 1]);
        println!(
            "store CPU per call, {name}: {} µs (median of {rounds}; {} to {})",
            tenths(median),
            tenths(least),
            tenths(most)
        );
    }
}

/// Of this process, in user and kernel mode.
fn cpu_us() -> i64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

/// Number and digest of the rows of all tables, but for the feed's, which say when they were written.
fn digest(path: &Path) -> (u64, u64) {
    let db = Connection::open(path).expect("the database");
    let mut tables = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('outbox', 'identity') ORDER BY name")
        .expect("a schema");
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("a schema");
    let (mut count, mut hasher) = (0, DefaultHasher::new());
    for table in tables.map(|table| table.expect("a name")) {
        let columns = db.prepare(&format!("SELECT * FROM {table}")).expect("a table").column_count();
        let order: Vec<String> = (1..=columns).map(|column| column.to_string()).collect();
        let mut rows = db.prepare(&format!("SELECT * FROM {table} ORDER BY {}", order.join(", "))).expect("a table");
        let mut rows = rows.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            count += 1;
            let values = (0..columns).map(|column| row.get::<_, Value>(column).expect("a value"));
            format!("{table} {:?}", values.collect::<Vec<_>>()).hash(&mut hasher);
        }
    }
    (count, hasher.finish())
}

/// Everything that happens, in the order of time, cut into transactions. A call takes a minute or more, so its records come in several.
fn transactions(calls: usize) -> Vec<Vec<Record>> {
    let mut seconds: Vec<Vec<Record>> = vec![Vec::new(); calls + 200];
    for n in 0..calls {
        call(n, &mut |after, record| seconds[n + after].push(record));
    }
    let mut transactions = Vec::new();
    for (n, seconds) in seconds.chunks(SECONDS_IN_A_TRANSACTION).enumerate() {
        let mut records: Vec<Record> = seconds.concat();
        let seen_ms = ms(n * SECONDS_IN_A_TRANSACTION);
        records.push(Record::Seen { pbx: PbxId::new("pbx"), seen_ms });
        transactions.push(records);
    }
    transactions
}

fn ms(second: usize) -> i64 {
    BEGIN_MS + i64::try_from(second).expect("small") * 1_000
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Records of one call with the second after its beginning in which each comes.
fn call(n: usize, tell: &mut impl FnMut(usize, Record)) {
    let at = |after: usize| ms(n + after);
    let missed = n.is_multiple_of(MISSED);
    let row = finished(n, missed);
    let (first, second) = (row.legs[0].agent.clone(), row.legs[1].agent.clone());
    let so_far = CallInProgress {
        pbx: row.pbx.clone(),
        linkedid: row.linkedid.clone(),
        number: row.number.clone(),
        number_e164: row.number_e164.clone(),
        name: row.name.clone(),
        did: row.did.clone(),
        trunk: row.trunk.clone(),
        queue: None,
        agent: None,
        started_ms: row.started_ms,
        joined_ms: None,
        answered_ms: None,
        remarks: None,
    };
    let queued = CallInProgress { queue: row.queue.clone(), joined_ms: Some(at(5)), ..so_far.clone() };
    let last = CallInProgress {
        queue: some("support"),
        agent: row.agent.clone(),
        answered_ms: row.answered_ms,
        ..queued.clone()
    };
    tell(0, Record::InProgress(Arc::new(so_far)));
    tell(5, Record::InProgress(Arc::new(queued)));
    tell(20, Record::InProgress(Arc::new(last)));
    let interval = |agent: &str, activity, from: usize, to: Option<usize>| {
        Record::Interval(Interval {
            pbx: PbxId::new("pbx"),
            agent: agent.to_owned(),
            activity,
            queue: String::new(),
            reason: String::new(),
            from_ms: at(from),
            to_ms: to.map(at),
        })
    };
    tell(6, interval(&first, Activity::Ringing, 6, None));
    tell(20, interval(&first, Activity::Ringing, 6, Some(20)));
    let (agent, activity) = if missed { (&second, Activity::Ringing) } else { (&first, Activity::Talking) };
    tell(20, interval(agent, activity, 20, None));
    tell(60, interval(agent, activity, 20, Some(60)));
    let (linkedid, number) = (row.linkedid.clone(), row.number_e164.clone());
    let (pbx, tape) = (row.pbx.clone(), tape(n));
    tell(60, Record::Call(Arc::new(row)));
    tell(60, Record::Tape(Arc::new(CallTape { pbx, linkedid: linkedid.clone(), tape })));
    if missed {
        callback(n, &linkedid, number, tell);
    }
}

/// As many bytes as the tapes of the recordings have on average.
fn tape(n: usize) -> Vec<u8> {
    (0..560).map(|at| u8::try_from((n * 31 + at * at) % 251).expect("a byte")).collect()
}

fn finished(n: usize, missed: bool) -> FinishedCall {
    let at = |after: usize| ms(n + after);
    let agent = |k: usize| format!("PJSIP/{}", 100 + (n * 7 + k) % 40);
    // 555-0100 to 555-0199 of each area is kept for such as us.
    let number = format!("{}55501{:02}", 201 + n * 13 % 780, n % 100);
    let leg = |k: usize, from: usize, to: usize, answered: bool| Leg {
        agent: agent(k),
        interface: format!("Local/{}@from-queue/n", &agent(k)[6..]),
        queue: some("sales"),
        started_ms: at(from),
        answered_ms: answered.then(|| at(20)),
        ended_ms: at(to),
        talk_ms: if answered { 40_000 } else { 0 },
        result: if answered { LegResult::Answered } else { LegResult::NoAnswer },
    };
    let queue = ["sales", "support", "billing"][n % 3];
    let tag = || Tag { code: "ABANDONED".to_owned(), note: String::new(), by: "rule".to_owned(), at_ms: at(60) };
    FinishedCall {
        pbx: PbxId::new("pbx"),
        linkedid: format!("{}.{n}", ms(n) / 1_000),
        direction: Direction::Inbound,
        status: if missed { Status::Cancel } else { Status::Answer },
        outcome: if missed { Outcome::QueueAbandon } else { Outcome::Agent },
        number_e164: E164::new(&format!("+1{number}")).ok(),
        number: Some(number),
        name: some("A CUSTOMER"),
        did: some("5550100"),
        trunk: some("PJSIP/provider"),
        queue: some(queue),
        agent: (!missed).then(|| agent(0)),
        started_ms: at(0),
        answered_ms: (!missed).then(|| at(20)),
        ended_ms: at(60),
        wait_ms: if missed { 60_000 } else { 20_000 },
        queue_wait_ms: if missed { 55_000 } else { 15_000 },
        ring_ms: 14_000,
        talk_ms: if missed { 0 } else { 40_000 },
        language: None,
        hold_ms: 0,
        hangup_by: HangupBy::Customer,
        hangup_cause: Some(16),
        transfers: 0,
        voicemail: false,
        quality: Quality::Full,
        why: vec![format!("waited in queue {queue} for 15.0 s"), "the customer hung up first".to_owned()],
        callback_id: None,
        legs: vec![leg(0, 6, if missed { 20 } else { 60 }, !missed), leg(1, 6, 60, false)],
        visits: vec![QueueVisit {
            queue: queue.to_owned(),
            joined_ms: at(5),
            left_ms: at(if missed { 60 } else { 20 }),
            position: Some(1),
            result: if missed { VisitResult::Abandoned } else { VisitResult::Connected },
        }],
        ivr: vec![IvrStep { context: "ivr-main".to_owned(), digits: "1".to_owned(), at_ms: at(1) }],
        tags: if missed { vec![tag()] } else { Vec::new() },
        ratings: Vec::new(),
    }
}

/// Three changes and an attempt: intended and ended.
fn callback(n: usize, linkedid: &str, number_e164: Option<E164>, tell: &mut impl FnMut(usize, Record)) {
    let at = |after: usize| ms(n + after);
    let id = i64::try_from(n / MISSED + 1).expect("small");
    let row = CallbackRow {
        id,
        pbx: PbxId::new("pbx"),
        number_e164,
        name: some("A CUSTOMER"),
        state: CallbackState::Pending,
        reason: "NO_AGENT".to_owned(),
        queue: some("sales"),
        did: some("5550100"),
        owner: None,
        assigned: None,
        requested: false,
        priority: 0,
        missed_count: 1,
        first_missed_ms: at(60),
        last_missed_ms: at(60),
        due_ms: at(61),
        expires_ms: at(86_400),
        attempts: 0,
        counted: 0,
        first_miss: Some(CallKey::new(&PbxId::new("pbx"), linkedid)),
        resolved_by: None,
        closed_ms: None,
        language: None,
        requested_for_ms: None,
        alarmed_ms: None,
        code: None,
    };
    let change = |row: CallbackRow, after: usize, miss: bool, recovered: bool| {
        let (state, reason) = (row.state, row.reason.clone());
        let change = CallbackStep { at_ms: at(after), state, reason, by: "callbackd".to_owned(), note: String::new() };
        Record::Callback(Arc::new(CallbackChange {
            row,
            change: Some(change),
            miss: miss.then(|| CallKey::new(&PbxId::new("pbx"), linkedid)),
            recovered: recovered.then(|| (RecoveredBy::Callback, at(after))),
            late: false,
            asked: None,
        }))
    };
    let reserved =
        CallbackRow { state: CallbackState::Reserved, reason: String::new(), attempts: 1, counted: 1, ..row.clone() };
    let resolved_by = Some(CallKey::new(&PbxId::new("pbx"), &format!("cb-{id}-1")));
    let done = CallbackRow { state: CallbackState::Done, resolved_by, closed_ms: Some(at(150)), ..reserved.clone() };
    let intended = AttemptRow {
        callback_id: id,
        n: 1,
        pbx: PbxId::new("pbx"),
        channel_id: format!("cb-{id}-1"),
        agent: some("PJSIP/101"),
        intended_ms: at(90),
        agent_answered_ms: None,
        customer_answered_ms: None,
        ended_ms: None,
        talk_ms: 0,
        result: None,
        detail: String::new(),
        linkedid: None,
        claim_revision: None,
    };
    let ended = AttemptRow {
        agent_answered_ms: Some(at(95)),
        customer_answered_ms: Some(at(110)),
        ended_ms: Some(at(150)),
        talk_ms: 40_000,
        result: Some(AttemptResult::Connected),
        linkedid: Some(format!("cb-{id}-1")),
        ..intended.clone()
    };
    tell(60, change(row, 60, true, false));
    tell(90, change(reserved, 90, false, false));
    tell(90, Record::Attempt(Arc::new(intended)));
    tell(150, Record::Attempt(Arc::new(ended)));
    tell(150, change(done, 150, false, true));
}
