//! What is older than `store.keep` goes, a few rows at a time and never at the cost of what is still to be done.

use crate::store::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::store::{Ack, Batch, PRUNE_ROWS, Pruned, Pruning, Store, Writer};
use callbackd_core::model::FinishedCall;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const DAY_MS: i64 = 86_400_000;
/// A year after the calls.
const NOW: i64 = MONDAY_10 + 365 * DAY_MS;
const BEFORE: i64 = NOW - 100 * DAY_MS;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    (directory, path)
}

/// The same call so much later.
fn later(call: FinishedCall, ms: i64) -> FinishedCall {
    FinishedCall { started_ms: call.started_ms + ms, ended_ms: call.ended_ms + ms, ..call }
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

fn texts(path: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn pruned(store: &mut Store) -> Pruned {
    let mut pruning = Pruning::new(BEFORE);
    while !pruning.is_over() {
        store.prune(&mut pruning).unwrap();
    }
    pruning.removed
}

/// A row of `callbacks`, with one event and one attempt.
fn callback(id: i64, linkedid: &str, closed_ms: Option<i64>) -> String {
    let (state, closed) = closed_ms.map_or(("PENDING", "NULL".to_owned()), |ms| ("DONE", ms.to_string()));
    let t = closed_ms.unwrap_or(MONDAY_10);
    format!(
        "INSERT INTO callbacks VALUES ({id}, 'pbx', '+1202555{id:04}', NULL, '{state}', '', 'sales', NULL, NULL, NULL, 0, 0, 1, {t}, {t}, {t}, {t}, 1, 1,
             '{linkedid}', NULL, {closed}, 'pbx', NULL, 1, NULL, NULL, NULL, NULL);
         INSERT INTO callback_events VALUES ({id}, 0, {t}, '{state}', '', 'callbackd', '');
         INSERT INTO callback_attempts VALUES ({id}, 1, 'pbx', 'cb-{id}-1', 'PJSIP/101', {t}, NULL, NULL, {t}, 0, 'CONNECTED', '', NULL, NULL);"
    )
}

#[test]
fn old_calls_go_with_all_that_belongs_to_them_and_newer_ones_stay() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    store
        .write(&[record(abandoned("old.1")), record(answered("old.2")), record(later(answered("new"), 300 * DAY_MS))])
        .unwrap();
    assert_eq!(pruned(&mut store), Pruned { calls: 2, ..Pruned::default() });
    drop(store);
    assert_eq!(texts(&path, "SELECT linkedid FROM calls"), ["new"]);
    for table in ["legs", "queue_visits", "ivr_steps"] {
        assert_eq!(
            texts(&path, &format!("SELECT DISTINCT c.linkedid FROM {table} t LEFT JOIN calls c ON c.id = t.call_id")),
            ["new"]
        );
    }
}

#[test]
fn calls_can_be_judged_again_for_31_days_and_stay_when_they_cannot_any_more() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let calls: Vec<_> = (0..40).map(|day| record(later(answered(&format!("{day}.1")), (300 + day) * DAY_MS))).collect();
    store.write(&calls).unwrap();
    sql(&path, "INSERT INTO tapes SELECT id, x'01' FROM calls;");
    pruned(&mut store);
    assert_eq!(texts(&path, "SELECT count(*) || '' FROM tapes"), ["32"]);
    assert_eq!(texts(&path, "SELECT min(call_id) || '' FROM tapes"), ["9"]);
    assert_eq!(texts(&path, "SELECT count(*) || '' FROM calls WHERE started_ms >= 0"), ["40"]);
}

#[test]
fn calls_that_a_pbx_left_in_progress_which_nobody_watches_any_more_go_too() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let row = |id: &str, ms: i64| {
        format!("INSERT INTO calls_in_progress (pbx, linkedid, started_ms) VALUES ('pbx', '{id}', {ms});")
    };
    sql(&path, &(row("old", MONDAY_10) + &row("new", NOW)));
    assert_eq!(pruned(&mut store).calls, 1);
    drop(store);
    assert_eq!(texts(&path, "SELECT linkedid FROM calls_in_progress"), ["new"]);
}

#[test]
fn an_open_callback_and_the_call_that_it_is_for_stay_whatever_their_age() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.write(&["behind.it", "its.first", "nobodys"].map(|linkedid| record(abandoned(linkedid)))).unwrap();
    sql(
        &path,
        &(callback(1, "its.first", None)
            + &callback(2, "x", Some(NOW))
            + "UPDATE calls SET callback_id = 1 WHERE linkedid = 'behind.it'"),
    );
    assert_eq!(pruned(&mut store), Pruned { calls: 1, ..Pruned::default() });
    drop(store);
    assert_eq!(texts(&path, "SELECT linkedid FROM calls ORDER BY 1"), ["behind.it", "its.first"]);
    assert_eq!(texts(&path, "SELECT state FROM callbacks ORDER BY id"), ["PENDING", "DONE"]);
}

#[test]
fn closed_callbacks_go_with_their_stories_but_the_newest_stays_so_that_no_id_and_no_channel_id_comes_again() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    sql(&path, &[1, 2, 3].map(|id| callback(id, "x", Some(MONDAY_10))).concat());
    assert_eq!(pruned(&mut store), Pruned { callbacks: 2, ..Pruned::default() });
    assert_eq!(store.restored(NOW, 0).unwrap().last_id, 3);
    drop(store);
    for table in ["callback_events", "callback_attempts"] {
        assert_eq!(texts(&path, &format!("SELECT CAST(callback_id AS TEXT) FROM {table}")), ["3"]);
    }
}

#[test]
fn an_attempt_whose_end_is_not_known_keeps_its_callback() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    sql(&path, &[1, 2].map(|id| callback(id, "x", Some(MONDAY_10))).concat());
    sql(&path, "UPDATE callback_attempts SET result = NULL WHERE callback_id = 1");
    assert_eq!(pruned(&mut store), Pruned::default());
}

#[test]
fn gaps_intervals_and_expired_entries_of_the_list_go_and_what_still_holds_stays() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let (old, new) = (MONDAY_10, NOW - DAY_MS);
    for (n, t) in [(0, old), (1, new)] {
        sql(
            &path,
            &format!(
                "INSERT INTO gaps VALUES ({n}, 'pbx', {t}, {t} + 5, 'link_lost', 0);
                 INSERT INTO agent_intervals VALUES ('pbx', 'PJSIP/101', 'talking', '', '', {t}, {t} + 5), ('pbx', 'PJSIP/102', 'paused', 'sales', 'lunch', {t}, {t} + 5);
                 INSERT INTO do_not_call VALUES ('+1202555000{n}', '', 'x', {old}, {t} + 5, NULL, NULL);"
            ),
        );
    }
    sql(
        &path,
        &format!(
            "INSERT INTO agent_intervals VALUES ('pbx', 'PJSIP/103', 'logged_in', '', '', {old}, NULL);
             INSERT INTO do_not_call VALUES ('+12025550009', '', 'x', {old}, NULL, NULL, NULL)"
        ),
    );
    assert_eq!(pruned(&mut store), Pruned { gaps: 1, intervals: 2, do_not_call: 1, ..Pruned::default() });
    drop(store);
    assert_eq!(texts(&path, "SELECT CAST(id AS TEXT) FROM gaps"), ["1"]);
    assert_eq!(texts(&path, "SELECT agent FROM agent_intervals ORDER BY 1"), ["PJSIP/101", "PJSIP/102", "PJSIP/103"]);
    assert_eq!(texts(&path, "SELECT number_e164 FROM do_not_call ORDER BY 1"), ["+12025550001", "+12025550009"]);
}

#[test]
fn one_step_removes_a_bounded_number_of_rows() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let calls: Vec<_> = (0..2 * PRUNE_ROWS + 1).map(|n| record(abandoned(&format!("1.{n}")))).collect();
    store.write(&calls).unwrap();
    let mut pruning = Pruning::new(BEFORE);
    let mut steps = Vec::new();
    while !pruning.is_over() {
        let before = pruning.removed.total();
        store.prune(&mut pruning).unwrap();
        steps.push(pruning.removed.total() - before);
    }
    assert_eq!(steps[..3], [PRUNE_ROWS as u64, PRUNE_ROWS as u64, 1]);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a deadline against hanging")]
fn the_writer_prunes_between_batches_and_keeps_none_waiting() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let calls: Vec<_> = (0..3 * PRUNE_ROWS).map(|n| record(abandoned(&format!("1.{n}")))).collect();
    store.write(&calls).unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(store, move |ack| sender.send(ack).unwrap()).unwrap();
    assert!(writer.prune(BEFORE));
    let batch = |seq| Batch { seq, records: vec![record(later(abandoned(&format!("2.{seq}")), 300 * DAY_MS))] };
    writer.try_send(batch(1)).unwrap();
    assert_eq!(acks.recv_timeout(PATIENCE), Ok(Ack::Committed { seq: 1 }));
    let (begun, mut seq) = (Instant::now(), 1);
    while writer.counters().pruned < 3 * PRUNE_ROWS as u64 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", writer.counters());
        // A sender who never rests holds up no pruning.
        seq += 1;
        writer.try_send(batch(seq)).unwrap();
        assert_eq!(acks.recv_timeout(PATIENCE), Ok(Ack::Committed { seq }));
    }
    assert!(writer.stop(PATIENCE).unwritten.is_empty());
    let rows = texts(&path, "SELECT linkedid FROM calls");
    assert_eq!(rows.len() as u64, seq);
    assert!(rows.iter().all(|linkedid| linkedid.starts_with("2.")));
}
