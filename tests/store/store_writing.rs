//! One row per call: written once however often it is handed over, children and all, and never at the cost of another.

use crate::store::stored::{abandoned, answered, gap, record};
use callbackd::store::{CallFilter, Reader, Store};
use callbackd_core::model::{CallInProgress, E164, FinishedCall, Gap, PbxId, Rating, Record, Remarks, Tag};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    (directory, path)
}

fn count(path: &Path, table: &str) -> i64 {
    Connection::open(path).unwrap().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[test]
fn a_call_is_read_back_as_it_was_written() {
    let (_directory, path) = place();
    let bare = FinishedCall {
        number: None,
        number_e164: None,
        name: None,
        did: None,
        trunk: None,
        queue: None,
        hangup_cause: None,
        callback_id: Some(9),
        voicemail: true,
        why: vec!["quotes \" and ; and \u{1b}[31m and \0 survive".into()],
        legs: vec![],
        visits: vec![],
        ivr: vec![],
        tags: vec![],
        ratings: vec![],
        ..abandoned("1.3")
    };
    let calls = [abandoned("1.1"), answered("1.2"), bare];
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.write(&calls.clone().map(record)).unwrap(), []);
    drop(store);
    let reader = Reader::open(&path).unwrap();
    for call in calls {
        let found = reader.call(&call.linkedid).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].call, call);
        assert_eq!(reader.call(&found[0].id.to_string()).unwrap(), found);
    }
}

#[test]
fn a_call_that_is_written_again_keeps_its_id_and_replaces_its_children() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.write(&[record(abandoned("1.1")), record(answered("1.2"))]).unwrap();
    let reader = Reader::open(&path).unwrap();
    let before = reader.call("1.1").unwrap().remove(0);

    store.write(&[record(answered("1.1"))]).unwrap();
    store.write(&[record(answered("1.1"))]).unwrap();

    let after = reader.call("1.1").unwrap().remove(0);
    assert_eq!(after.id, before.id);
    assert_eq!(after.call, answered("1.1"));
    assert_eq!(reader.calls(&CallFilter::default()).unwrap().len(), 2);
    drop((store, reader));
    assert_eq!((count(&path, "legs"), count(&path, "queue_visits"), count(&path, "ivr_steps")), (2, 2, 2));
}

#[test]
fn the_same_linkedid_on_two_pbxs_is_two_calls() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let other = FinishedCall { pbx: PbxId::new("branch"), ..abandoned("1.1") };
    store.write(&[record(abandoned("1.1")), record(other)]).unwrap();
    let found = Reader::open(&path).unwrap().call("1.1").unwrap();
    assert_eq!(found.iter().map(|call| call.call.pbx.as_str()).collect::<Vec<_>>(), ["branch", "pbx"]);
}

#[test]
fn a_gap_that_is_written_again_is_updated() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.write(&[Record::Gap(gap())]).unwrap();
    store.write(&[Record::Gap(Gap { calls_lost: 3, ..gap() })]).unwrap();
    drop(store);
    let lost: i64 =
        Connection::open(&path).unwrap().query_row("SELECT calls_lost FROM gaps", [], |row| row.get(0)).unwrap();
    assert_eq!((count(&path, "gaps"), lost), (1, 3));
}

#[test]
fn a_record_that_the_database_refuses_costs_no_other_record() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON queue_visits
             WHEN (SELECT linkedid FROM calls WHERE id = NEW.call_id) = '1.2' BEGIN SELECT raise(ABORT, 'not this one'); END",
        )
        .unwrap();
    let refused = store.write(&["1.1", "1.2", "1.3"].map(|linkedid| record(abandoned(linkedid)))).unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].index, 1);
    assert!(refused[0].error.contains("not this one"), "{}", refused[0].error);
    // A reader takes no database with a trigger that is not ours.
    Connection::open(&path).unwrap().execute_batch("DROP TRIGGER refuse").unwrap();
    let stored = Reader::open(&path).unwrap().calls(&CallFilter::default()).unwrap();
    assert_eq!(stored.iter().map(|call| call.call.linkedid.as_str()).collect::<Vec<_>>(), ["1.3", "1.1"]);
    drop(store);
    assert_eq!(count(&path, "legs"), 4, "nothing of the refused call is left");
}

#[test]
fn todays_calls_are_found_by_the_index_of_time() {
    let (_directory, path) = place();
    drop(Store::open(&path).unwrap());
    let plans: Vec<String> = {
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection.prepare("EXPLAIN QUERY PLAN SELECT * FROM v_today").unwrap();
        statement.query_map([], |row| row.get("detail")).unwrap().map(Result::unwrap).collect()
    };
    assert!(plans.iter().any(|plan| plan.contains("calls_started (started_ms>? AND started_ms<?)")), "{plans:?}");
}

fn in_progress(linkedid: &str, queue: Option<&str>) -> CallInProgress {
    let text = |text: &str| Some(text.to_owned());
    CallInProgress {
        pbx: PbxId::new("pbx"),
        linkedid: linkedid.to_owned(),
        number: text("2025550123"),
        number_e164: E164::new("+12025550123").ok(),
        name: text("Ann"),
        did: text("5550100"),
        trunk: text("PJSIP/carrier"),
        queue: queue.map(str::to_owned),
        agent: None,
        started_ms: 1_000,
        joined_ms: queue.map(|_| 2_000),
        answered_ms: None,
        remarks: Some(Box::new(Remarks {
            language: text("de"),
            tags: vec![Tag {
                code: "CALLBACK".to_owned(),
                note: "sales".to_owned(),
                by: "caller".to_owned(),
                at_ms: 2_000,
            }],
            ratings: vec![Rating { score: 4.5, by: "menu".to_owned(), at_ms: 2_500 }],
        })),
    }
}

fn begun(call: CallInProgress) -> Record {
    Record::InProgress(Arc::new(call))
}

#[test]
fn a_call_in_progress_is_kept_as_it_was_recorded_last_until_its_row_comes() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    let other = CallInProgress { pbx: PbxId::new("branch"), ..in_progress("1.1", None) };
    let recorded = [in_progress("1.1", None), other.clone(), in_progress("1.1", Some("sales"))];
    store.write(&recorded.map(begun)).unwrap();
    assert_eq!(store.calls_left("pbx").unwrap(), [in_progress("1.1", Some("sales"))]);
    store.write(&[record(abandoned("1.1"))]).unwrap();
    assert_eq!(store.calls_left("pbx").unwrap(), []);
    assert_eq!(store.calls_left("branch").unwrap(), [other]);
}

#[test]
fn a_call_that_went_into_another_is_in_progress_no_more() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.write(&[begun(in_progress("1.1", None)), begun(in_progress("2.1", None))]).unwrap();
    store.write(&[Record::NotInProgress { pbx: PbxId::new("pbx"), linkedid: "2.1".to_owned() }]).unwrap();
    assert_eq!(store.calls_left("pbx").unwrap(), [in_progress("1.1", None)]);
}

#[test]
fn a_call_that_has_a_row_already_keeps_it_and_is_left_by_nobody() {
    let (_directory, path) = place();
    let mut store = Store::open(&path).unwrap();
    store.write(&[record(answered("1.1")), begun(in_progress("1.1", None)), begun(in_progress("2.1", None))]).unwrap();
    assert_eq!(store.calls_left("pbx").unwrap(), [in_progress("2.1", None)]);
    assert_eq!(count(&path, "calls_in_progress"), 1);
}
