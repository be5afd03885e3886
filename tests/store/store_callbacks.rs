//! Callbacks in the database: tasks with their history, attempts, the do-not-call list; and what a restart reads of them.

use crate::store::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::store::{CallbackFilter, Earlier, HISTORY_ROWS, MOST_EVENTS, Reader, Refused, Store};
use callbackd_core::model::{
    AttemptResult, AttemptRow, CallKey, CallbackChange, CallbackRow, CallbackState, CallbackStep, Direction, DoNotCall,
    E164, FinishedCall, Outcome, PbxId, Record, RecoveredBy,
};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub const DAY: i64 = 86_400_000;

pub fn pbx() -> PbxId {
    PbxId::new("pbx")
}

pub fn call(linkedid: &str) -> CallKey {
    CallKey::new(&pbx(), linkedid)
}

pub fn e164(text: &str) -> E164 {
    E164::new(text).unwrap()
}

pub fn row(id: i64, number: &str) -> CallbackRow {
    CallbackRow {
        id,
        pbx: pbx(),
        number_e164: Some(e164(number)),
        name: Some("ACME".into()),
        state: CallbackState::Waiting,
        reason: "DELAY".into(),
        queue: Some("sales".into()),
        did: Some("5550100".into()),
        owner: Some("PJSIP/101".into()),
        assigned: None,
        requested: true,
        priority: 3,
        missed_count: 1,
        first_missed_ms: MONDAY_10,
        last_missed_ms: MONDAY_10,
        due_ms: MONDAY_10 + 60_000,
        expires_ms: MONDAY_10 + DAY,
        attempts: 0,
        counted: 0,
        first_miss: Some(call("1.1")),
        resolved_by: None,
        closed_ms: None,
        language: None,
        requested_for_ms: None,
        alarmed_ms: None,
        code: None,
    }
}

pub fn change(row: CallbackRow, note: &str) -> CallbackChange {
    let story = CallbackStep {
        at_ms: MONDAY_10,
        state: row.state,
        reason: row.reason.clone(),
        by: "callbackd".into(),
        note: note.into(),
    };
    CallbackChange { row, change: Some(story), miss: None, recovered: None, late: false, asked: None }
}

pub fn callback(change: CallbackChange) -> Record {
    Record::Callback(Arc::new(change))
}

pub fn attempt(id: i64, n: u32, result: Option<AttemptResult>) -> AttemptRow {
    AttemptRow {
        callback_id: id,
        n,
        pbx: pbx(),
        channel_id: format!("cb-{id}-{n}"),
        agent: Some("PJSIP/101".into()),
        intended_ms: MONDAY_10 + 60_000,
        agent_answered_ms: None,
        customer_answered_ms: None,
        ended_ms: result.map(|_| MONDAY_10 + 80_000),
        talk_ms: 0,
        result,
        detail: String::new(),
        linkedid: None,
        claim_revision: None,
    }
}

pub struct Database {
    _directory: tempfile::TempDir,
    path: PathBuf,
    pub store: Store,
}

impl Database {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calls.db");
        let store = Store::open(&path).unwrap();
        Self { _directory: directory, path, store }
    }

    pub fn write(&mut self, records: &[Record]) -> Vec<Refused> {
        self.store.write(records).unwrap()
    }

    fn one<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        Connection::open(&self.path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn a_callback_is_read_back_as_it_was_written() {
    let mut database = Database::new();
    let mut made = change(row(1, "+12025550123"), "missed (QUEUE_ABANDON)");
    made.miss = Some(call("1.1"));
    assert!(database.write(&[record(abandoned("1.1")), callback(made.clone())]).is_empty());
    let story = Reader::open(&database.path).unwrap().callback_history(1).unwrap().unwrap();
    assert_eq!(story.callback, made.row);
    assert_eq!(story.events, [made.change.unwrap()]);
    assert_eq!(story.misses.iter().map(|m| m.linkedid.as_str()).collect::<Vec<_>>(), ["1.1"]);
}

#[test]
fn every_change_adds_a_line_to_the_story_and_the_row_is_as_the_last_one_says() {
    let mut database = Database::new();
    let states = [CallbackState::Waiting, CallbackState::Pending, CallbackState::Reserved, CallbackState::DialingAgent];
    for state in states {
        let row = CallbackRow { state, reason: String::new(), ..row(1, "+12025550123") };
        database.write(&[callback(change(row, state.as_str()))]);
    }
    let figures = CallbackChange {
        change: None,
        ..change(CallbackRow { priority: 9, state: CallbackState::Talking, ..row(1, "+12025550123") }, "")
    };
    database.write(&[callback(figures)]);
    let story = Reader::open(&database.path).unwrap().callback_history(1).unwrap().unwrap();
    assert_eq!(story.events.iter().map(|e| e.state).collect::<Vec<_>>(), states);
    assert_eq!((story.callback.priority, story.callback.state), (9, CallbackState::Talking));
}

#[test]
fn of_a_story_without_end_the_first_and_the_newest_changes_are_kept_and_what_came_before_is_counted() {
    let mut database = Database::new();
    let made = 2 * MOST_EVENTS + 500;
    let changes: Vec<Record> =
        (0..made).map(|n| callback(change(row(1, "+12025550123"), &format!("priority {n}")))).collect();
    assert!(database.write(&changes).is_empty());
    let story = Reader::open(&database.path).unwrap().callback_history(1).unwrap().unwrap();
    assert_eq!(story.events.len(), HISTORY_ROWS);
    assert_eq!(story.earlier, Earlier { events: (made - MOST_EVENTS).unsigned_abs(), ..Earlier::default() });
    assert_eq!(story.events.last().unwrap().note, format!("priority {}", made - 1));
    assert_eq!(story.events[0].note, format!("priority {}", made - MOST_EVENTS));
    assert_eq!(database.one::<i64>("SELECT count(*) FROM callback_events"), MOST_EVENTS + 1);
    assert_eq!(database.one::<String>("SELECT note FROM callback_events WHERE n = 0"), "priority 0");
}

#[test]
fn a_story_of_many_misses_and_attempts_tells_the_newest_and_counts_the_others() {
    let mut database = Database::new();
    let many = HISTORY_ROWS + 3;
    database.write(&[callback(change(row(1, "+12025550123"), "")), record(abandoned("1.1"))]);
    let connection = Connection::open(&database.path).unwrap();
    let names = "SELECT name FROM pragma_table_info('calls')";
    let columns: Vec<String> =
        connection.prepare(names).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let copied: Vec<String> = columns
        .iter()
        .map(|name| match name.as_str() {
            "id" => "1000 + value".to_owned(),
            "linkedid" => "'9.' || value".to_owned(),
            "ended_ms" => "ended_ms + value".to_owned(),
            "callback_id" => "1".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let series = "WITH RECURSIVE n (value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n WHERE value < ?1)";
    let sql = format!("{series} INSERT INTO calls ({}) SELECT {} FROM calls, n", columns.join(", "), copied.join(", "));
    connection.execute(&sql, [many as i64]).unwrap();
    let attempts = "callback_attempts (callback_id, n, pbx, channel_id, intended_ms, talk_ms, result, detail)
        SELECT 1, value, 'pbx', 'cb-1-' || value, value, 0, 'CONNECTED', '' FROM n";
    connection.execute(&format!("{series} INSERT INTO {attempts}"), [many as i64]).unwrap();
    let story = Reader::open(&database.path).unwrap().callback_history(1).unwrap().unwrap();
    assert_eq!((story.misses.len(), story.attempts.len()), (HISTORY_ROWS, HISTORY_ROWS));
    assert_eq!(story.earlier, Earlier { misses: 3, events: 0, attempts: 3 });
    assert_eq!(story.misses.last().unwrap().linkedid, format!("9.{many}"));
    assert_eq!(story.attempts[0].n, 4);
}

#[test]
fn a_second_open_callback_for_a_number_is_refused_and_its_neighbours_are_not() {
    let mut database = Database::new();
    let records = [
        callback(change(row(1, "+12025550123"), "")),
        callback(change(row(2, "+12025550123"), "")),
        callback(change(row(3, "+12025550124"), "")),
        record(abandoned("1.1")),
    ];
    let refused = database.write(&records);
    assert_eq!(refused.iter().map(|r| r.index).collect::<Vec<_>>(), [1]);
    assert!(refused[0].error.contains("callbacks.number_e164"), "{}", refused[0].error);
    assert_eq!(database.one::<i64>("SELECT count(*) FROM callbacks"), 2);
    assert_eq!(database.one::<i64>("SELECT count(*) FROM calls"), 1);
    let closed = CallbackRow { state: CallbackState::Done, closed_ms: Some(MONDAY_10), ..row(1, "+12025550123") };
    assert!(database.write(&[callback(change(closed, "")), callback(change(row(2, "+12025550123"), ""))]).is_empty());
}

#[test]
fn many_who_cannot_be_called_do_not_stand_in_each_others_way() {
    let mut database = Database::new();
    let nameless = |id| CallbackRow {
        number_e164: None,
        state: CallbackState::NotCallable,
        closed_ms: Some(MONDAY_10),
        ..row(id, "+12025550199")
    };
    assert!(database.write(&[callback(change(nameless(1), "")), callback(change(nameless(2), ""))]).is_empty());
}

#[test]
fn whoever_is_won_back_is_so_in_the_rows_of_all_their_misses() {
    let mut database = Database::new();
    let miss = |linkedid: &str| CallbackChange { miss: Some(call(linkedid)), ..change(row(1, "+12025550123"), "") };
    let done =
        CallbackRow { state: CallbackState::Done, closed_ms: Some(MONDAY_10 + 90_000), ..row(1, "+12025550123") };
    let done =
        CallbackChange { recovered: Some((RecoveredBy::Callback, MONDAY_10 + 80_000)), ..change(done, "called back") };
    let ours = FinishedCall { direction: Direction::Callback, callback_id: Some(1), ..answered("cb-1-1") };
    database.write(&[
        record(abandoned("1.1")),
        callback(miss("1.1")),
        record(abandoned("1.2")),
        callback(miss("1.2")),
        record(abandoned("1.3")),
        record(FinishedCall { outcome: Outcome::Short, ..answered("1.4") }),
        callback(miss("1.4")),
        record(answered("1.5")),
        callback(miss("1.5")),
        record(ours),
        callback(done),
    ]);
    let won = "SELECT group_concat(linkedid || ' ' || recovered_by || ' ' || recovered_ms, ', ') FROM calls WHERE recovered_by IS NOT NULL";
    let at = MONDAY_10 + 80_000;
    assert_eq!(
        database.one::<String>(won),
        format!("1.1 callback {at}, 1.2 callback {at}, 1.4 callback {at}"),
        "1.5 was served, and asked for more"
    );
    let read = |linkedid| Reader::open(&database.path).unwrap().call(linkedid).unwrap().remove(0).recovered;
    assert_eq!((read("1.1"), read("1.3")), (Some((RecoveredBy::Callback, at)), None));
}

#[test]
fn the_misses_of_two_pbxs_are_won_back_together_though_they_have_one_linkedid() {
    let mut database = Database::new();
    let branch = PbxId::new("branch");
    let there = FinishedCall { pbx: branch.clone(), ..abandoned("1.1") };
    let moved = CallbackRow { pbx: branch.clone(), missed_count: 2, owner: None, ..row(1, "+12025550123") };
    let done = CallbackRow {
        state: CallbackState::RecoveredByCustomer,
        resolved_by: Some(CallKey::new(&pbx(), "9.9")),
        closed_ms: Some(MONDAY_10 + 90_000),
        ..moved.clone()
    };
    let records = [
        record(abandoned("1.1")),
        callback(CallbackChange { miss: Some(call("1.1")), ..change(row(1, "+12025550123"), "missed") }),
        record(there.clone()),
        callback(CallbackChange { miss: Some(there.key()), ..change(moved.clone(), "missed again") }),
    ];
    assert_eq!(database.write(&records), []);
    let callbacks = "SELECT group_concat(pbx || ' ' || callback_id, ', ') FROM (SELECT * FROM calls ORDER BY pbx)";
    assert_eq!(database.one::<String>(callbacks), "branch 1, pbx 1");
    let open = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap().open;
    assert_eq!(open, [(moved, vec![call("1.1"), there.key()])], "a restart knows the PBX of each miss");

    let recovered = Some((RecoveredBy::Customer, MONDAY_10 + 80_000));
    assert_eq!(database.write(&[callback(CallbackChange { recovered, ..change(done.clone(), "served") })]), []);
    let won = "SELECT group_concat(pbx || ' ' || recovered_by, ', ') FROM (SELECT * FROM calls ORDER BY pbx)";
    assert_eq!(database.one::<String>(won), "branch customer, pbx customer");
    let story = Reader::open(&database.path).unwrap().callback_history(1).unwrap().unwrap();
    assert_eq!(story.callback, done);
    let json = serde_json::to_value(&story.callback).unwrap();
    let texts = ["pbx", "number_e164", "linkedid", "linkedid_pbx", "resolved_by", "resolved_by_pbx"];
    let read: Vec<&str> = texts.into_iter().map(|key| json[key].as_str().unwrap()).collect();
    assert_eq!(read, ["branch", "+12025550123", "1.1", "pbx", "9.9", "pbx"]);
}

#[test]
fn a_database_of_the_third_version_keeps_its_callbacks_and_learns_on_which_pbx_their_calls_were() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let connection = Connection::open(&path).unwrap();
    for step in [
        include_str!("../../src/store/migrations/0001.sql"),
        include_str!("../../src/store/migrations/0002.sql"),
        include_str!("../../src/store/migrations/0003.sql"),
    ] {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "user_version", 3).unwrap();
    let call = |id: i64, pbx: &str, linkedid: &str| {
        format!(
            "INSERT INTO calls VALUES ({id}, '{pbx}', '{linkedid}', 'inbound', 'CANCEL', 'QUEUE_ABANDON', '2025550123', '+12025550123',
                 NULL, NULL, NULL, 'sales', NULL, 1, NULL, 2, 1, 1, 0, 0, 0, 'customer', 16, 0, 0, 'full', '[]', NULL, NULL, NULL);"
        )
    };
    let callback = |id: i64, linkedid: &str, resolved_by: &str| {
        format!(
            "INSERT INTO callbacks VALUES ({id}, 'pbx', '+1202555010{id}', NULL, 'DONE', '', 'sales', NULL, 'PJSIP/101', NULL, 1, 0, 1,
                 1, 1, 1, 2, 0, 0, {linkedid}, {resolved_by}, 9);"
        )
    };
    let rows = [
        "INSERT INTO pbx_seen VALUES ('pbx', 1), ('branch', 1);".to_owned(),
        call(1, "pbx", "1.1"),
        call(2, "branch", "1.1"),
        call(3, "branch", "2.2"),
        callback(1, "'1.1'", "'1.1'"),
        callback(2, "'1.1'", "'2.2'"),
        callback(3, "NULL", "'pruned'"),
        callback(4, "NULL", "NULL"),
    ];
    connection.execute_batch(&rows.concat()).unwrap();
    drop(connection);
    drop(Store::open(&path).unwrap());
    let reader = Reader::open(&path).unwrap();
    let read = |id: i64| {
        let row = reader.callback(id).unwrap().unwrap();
        let text =
            |call: Option<CallKey>| call.map_or("-".to_owned(), |call| format!("{} {}", call.pbx, call.linkedid));
        assert!(row.requested && row.owner.as_deref() == Some("PJSIP/101"), "{row:?}");
        (text(row.first_miss), text(row.resolved_by))
    };
    let all: Vec<_> = (1..=4).map(read).collect();
    let expected = [("pbx 1.1", "pbx 1.1"), ("pbx 1.1", "branch 2.2"), ("-", "pbx pruned"), ("-", "-")];
    assert_eq!(all, expected.map(|(miss, by)| (miss.to_owned(), by.to_owned())));
}

#[test]
fn a_row_that_is_written_again_keeps_its_callback_and_its_recovery() {
    let mut database = Database::new();
    let made = CallbackChange {
        miss: Some(call("1.1")),
        recovered: Some((RecoveredBy::Customer, MONDAY_10)),
        ..change(row(1, "+12025550123"), "")
    };
    database.write(&[record(abandoned("1.1")), callback(made)]);
    database.write(&[record(FinishedCall { transfers: 7, ..abandoned("1.1") })]);
    assert_eq!(database.one::<i64>("SELECT callback_id FROM calls WHERE transfers = 7"), 1);
    assert_eq!(database.one::<String>("SELECT recovered_by FROM calls WHERE transfers = 7"), "customer");
}

#[test]
fn an_attempt_is_one_row_from_the_intent_to_the_result() {
    let mut database = Database::new();
    database.write(&[callback(change(row(1, "+12025550123"), "")), Record::Attempt(Arc::new(attempt(1, 1, None)))]);
    let ended = AttemptRow {
        talk_ms: 31_000,
        customer_answered_ms: Some(MONDAY_10),
        linkedid: Some("cb-1-1".into()),
        ..attempt(1, 1, Some(AttemptResult::Connected))
    };
    database.write(&[Record::Attempt(Arc::new(ended.clone()))]);
    let story = Reader::open(&database.path).unwrap().callback_history(1).unwrap().unwrap();
    assert_eq!(story.attempts, [ended]);
}

#[test]
fn an_attempt_of_no_callback_is_refused() {
    let mut database = Database::new();
    let refused = database.write(&[Record::Attempt(Arc::new(attempt(7, 1, None)))]);
    assert_eq!(refused.len(), 1);
}

#[test]
fn those_not_to_be_called_are_kept_until_their_time_is_over_or_they_are_taken_off() {
    let mut database = Database::new();
    let entry = |number: &str, until_ms| DoNotCall {
        number_e164: e164(number),
        reason: "complaint".into(),
        by: "ann".into(),
        added_ms: MONDAY_10,
        until_ms,
        code: None,
        by_hand_until_ms: None,
    };
    let (ever, week) = (entry("+12025550123", None), entry("+12025550124", Some(MONDAY_10 + 7 * DAY)));
    database.write(&[Record::DncAdd(ever.clone()), Record::DncAdd(week.clone())]);
    assert_eq!(database.store.restored(MONDAY_10, 10_000).unwrap().do_not_call, [ever.clone(), week]);
    assert_eq!(database.store.restored(MONDAY_10 + 8 * DAY, 10_000).unwrap().do_not_call, [ever]);
    database.write(&[Record::DncRemove(e164("+12025550123"))]);
    assert!(database.store.restored(MONDAY_10 + 8 * DAY, 10_000).unwrap().do_not_call.is_empty());
}

#[test]
fn open_callbacks_are_listed_in_the_order_of_their_turns_and_closed_ones_after_them() {
    let mut database = Database::new();
    let plain = |id: i64| CallbackRow { requested: false, priority: 0, ..row(id, &format!("+1202555012{id}")) };
    let closed = |id: i64, at| CallbackRow { state: CallbackState::Done, closed_ms: Some(MONDAY_10 + at), ..plain(id) };
    let rows = [
        closed(1, 5),
        closed(2, 9),
        CallbackRow { first_missed_ms: MONDAY_10 + 1, ..plain(3) },
        plain(4),
        CallbackRow { priority: 1, ..plain(5) },
        CallbackRow { requested: true, first_missed_ms: MONDAY_10 + 9, ..plain(6) },
    ];
    for row in rows {
        database.write(&[callback(change(row, ""))]);
    }
    let reader = Reader::open(&database.path).unwrap();
    let listed = |filter: &CallbackFilter| reader.callbacks(filter).unwrap().iter().map(|r| r.id).collect::<Vec<_>>();
    assert_eq!(listed(&CallbackFilter::default()), [6, 5, 4, 3, 2, 1]);
    assert_eq!(listed(&CallbackFilter { open: Some(false), ..CallbackFilter::default() }), [2, 1]);
    assert_eq!(listed(&CallbackFilter { number: Some("550124".into()), ..CallbackFilter::default() }), [4]);
    assert_eq!(
        listed(&CallbackFilter { state: vec![CallbackState::Waiting], limit: Some(2), ..CallbackFilter::default() }),
        [6, 5]
    );
    assert_eq!(reader.open_callbacks(None).unwrap()["WAITING"], 4);
    assert_eq!(reader.open_callbacks(Some("elsewhere")).unwrap(), BTreeMap::new());
}

#[test]
fn a_database_of_the_first_version_is_migrated_with_all_its_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../src/store/migrations/0001.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection
        .execute_batch(
            "INSERT INTO calls VALUES (5, 'pbx', '1.1', 'inbound', 'CANCEL', 'QUEUE_ABANDON', '2025550123', '+12025550123', NULL, NULL,
                 NULL, 'sales', NULL, 1, NULL, 2, 1, 1, 0, 0, 0, 'customer', 16, 0, 0, 'full', '[]', NULL);
             INSERT INTO legs VALUES (5, 0, 'PJSIP/101', 'PJSIP/101', 'sales', 1, NULL, 2, 0, 'NOANSWER');",
        )
        .unwrap();
    drop(connection);
    let mut store = Store::open(&path).unwrap();
    let made = CallbackChange {
        miss: Some(call("1.1")),
        recovered: Some((RecoveredBy::Agent, 7)),
        ..change(row(1, "+12025550123"), "")
    };
    assert!(store.write(&[callback(made)]).unwrap().is_empty());
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let recorded: String = connection
        .query_row("SELECT status || ' ' || recovered_by || ' ' || recovered_ms || ' ' || (SELECT count(*) FROM legs) FROM calls", [], |r| r.get(0))
        .unwrap();
    assert_eq!(recorded, "CANCEL agent 7 1");
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(sound, "ok");
}
