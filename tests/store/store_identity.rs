//! Which database it is: kept through all that leaves it where it is, and new in every copy.

use crate::store::stored::{abandoned, record};
use callbackd::store::{Onlooker, Reader, Store, backup, migrations, vacuum};
use callbackd_core::model::{AttemptRow, Record};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Place {
    directory: tempfile::TempDir,
    db: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let db = directory.path().join("calls.db");
        Self { directory, db }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// As a daemon that starts and stops leaves it.
fn opened(path: &Path) -> String {
    Store::open(path).unwrap().attempt_prefix().as_str().to_owned()
}

/// A callback must be there for an attempt at it.
const CALLBACK: &str = "INSERT OR IGNORE INTO callbacks (id, pbx, state, reason, requested, priority, missed_count, first_missed_ms, \
     last_missed_ms, due_ms, expires_ms, attempts, counted) VALUES (1, 'pbx', 'PENDING', '', 0, 0, 1, 1, 1, 1, 1, 0, 0)";

fn attempt(store: &Store, n: u32) -> Record {
    Record::Attempt(Arc::new(AttemptRow {
        callback_id: 1,
        n,
        pbx: callbackd_core::model::PbxId::new("pbx"),
        channel_id: store.attempt_prefix().attempt(1, n).unwrap(),
        agent: None,
        intended_ms: 1,
        agent_answered_ms: None,
        customer_answered_ms: None,
        ended_ms: None,
        talk_ms: 0,
        result: None,
        detail: String::new(),
        linkedid: None,
        claim_revision: None,
    }))
}

fn makes_attempts(path: &Path, ns: std::ops::RangeInclusive<u32>) -> String {
    let mut store = Store::open(path).unwrap();
    Connection::open(path).unwrap().execute_batch(CALLBACK).unwrap();
    for n in ns {
        let record = attempt(&store, n);
        assert!(store.write(&[record]).unwrap().is_empty());
    }
    store.attempt_prefix().as_str().to_owned()
}

#[test]
fn two_new_databases_are_two() {
    let (one, other) = (Place::new(), Place::new());
    assert_ne!(opened(&one.db), opened(&other.db));
    assert_eq!(opened(&one.db).len(), 8);
    assert_eq!(Reader::open(&one.db).unwrap().attempt_prefix().unwrap().as_str(), opened(&one.db));
}

#[test]
fn restarts_upkeep_and_moves_leave_it_the_database_that_it_is() {
    let place = Place::new();
    let before = makes_attempts(&place.db, 1..=3);
    assert_eq!(opened(&place.db), before, "a restart");
    vacuum(&place.db, &Onlooker::nobody()).unwrap();
    assert_eq!(opened(&place.db), before, "vacuum");
    std::fs::remove_file(place.path("calls.db.lock")).unwrap();
    assert_eq!(opened(&place.db), before, "somebody tidied up");
    std::fs::write(place.path("calls.db.lock"), "812\n").unwrap();
    assert_eq!(opened(&place.db), before, "the lock file of an earlier version");
    std::fs::create_dir(place.path("new")).unwrap();
    std::fs::rename(&place.db, place.path("new/calls.db")).unwrap();
    assert_eq!(opened(&place.path("new/calls.db")), before, "another directory");
    std::fs::rename(place.path("new/calls.db"), &place.db).unwrap();
    assert_eq!(opened(&place.db), before, "and back, to a lock file that knows less");
}

#[test]
fn a_crash_between_the_commit_and_the_note_of_it_is_no_copy() {
    let place = Place::new();
    let before = makes_attempts(&place.db, 1..=1);
    let note = std::fs::read(place.path("calls.db.lock")).unwrap();
    makes_attempts(&place.db, 2..=2);
    std::fs::write(place.path("calls.db.lock"), note).unwrap();
    assert_eq!(opened(&place.db), before);
}

#[test]
fn a_copy_by_backup_is_another_database_and_so_is_each_place_that_it_is_put() {
    let place = Place::new();
    let before = makes_attempts(&place.db, 1..=2);
    backup(&place.db, &place.path("copy.db"), false, &Onlooker::nobody()).unwrap();
    assert!(!place.path("copy.db-wal").exists());
    let copy = Reader::open(&place.path("copy.db")).unwrap().attempt_prefix().unwrap().as_str().to_owned();
    assert_ne!(copy, before);
    for name in ["one.db", "other.db"] {
        std::fs::copy(place.path("copy.db"), place.path(name)).unwrap();
    }
    let (one, other) = (opened(&place.path("one.db")), opened(&place.path("other.db")));
    assert!(one != copy && other != copy && one != other && one != before && other != before);
    assert_eq!(opened(&place.path("one.db")), one, "settled now");
    assert_eq!(opened(&place.db), before, "who was copied stays who they are");
}

#[test]
fn a_copy_that_was_put_back_over_the_file_is_found_as_soon_as_an_attempt_would_come_twice() {
    let place = Place::new();
    let before = makes_attempts(&place.db, 1..=2);
    std::fs::copy(&place.db, place.path("copy.db")).unwrap();
    std::fs::copy(place.path("copy.db"), &place.db).unwrap();
    assert_eq!(opened(&place.db), before, "nothing was made since: no id can come twice");

    makes_attempts(&place.db, 3..=3);
    std::fs::copy(place.path("copy.db"), &place.db).unwrap();
    let second = opened(&place.db);
    assert_ne!(second, before);
    std::fs::copy(place.path("copy.db"), &place.db).unwrap();
    let third = opened(&place.db);
    assert!(third != before && third != second, "the same copy put back again");
    assert_eq!(opened(&place.db), third);
}

#[test]
fn a_copy_that_took_the_place_of_a_file_that_was_removed_or_moved_away_is_found() {
    let place = Place::new();
    let before = makes_attempts(&place.db, 1..=2);
    std::fs::copy(&place.db, place.path("copy.db")).unwrap();
    std::fs::remove_file(place.path("calls.db.lock")).unwrap();
    std::fs::rename(&place.db, place.path("old.db")).unwrap();
    std::fs::copy(place.path("copy.db"), &place.db).unwrap();
    assert_ne!(opened(&place.db), before);
}

#[test]
fn attempts_in_flight_are_ours_under_their_stored_ids_but_not_those_of_another_life() {
    let place = Place::new();
    let mut old = Connection::open(&place.db).unwrap();
    migrations().to_version(&mut old, 3).unwrap();
    old.execute_batch(
        "INSERT INTO callbacks VALUES (1, 'pbx', NULL, NULL, 'PENDING', '', NULL, NULL, NULL, NULL, 0, 0, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL);
         INSERT INTO callback_attempts VALUES (1, 1, 'pbx', 'cb-1-1', NULL, 1, NULL, NULL, NULL, 0, NULL, '', NULL),
                                              (1, 2, 'other', 'cb-1-2', NULL, 1, NULL, NULL, NULL, 0, NULL, '', NULL);",
    )
    .unwrap();
    drop(old);
    let first = makes_attempts(&place.db, 3..=3);
    let before = Store::open(&place.db).unwrap().our_attempts("pbx").unwrap();
    assert_eq!(before.callback("cb-1-1"), Some(1), "an earlier version left it in flight");
    assert_eq!(before.attempt("cb-1-2"), None, "of another PBX");
    assert_eq!(before.callback(&format!("cb-{first}-1-3;2")), Some(1));

    std::fs::copy(&place.db, place.path("copy.db")).unwrap();
    let copy = Store::open(&place.path("copy.db")).unwrap();
    let ours = copy.our_attempts("pbx").unwrap();
    assert_eq!(ours.attempt(&format!("cb-{first}-1-3")), None, "whoever made it may be alive");
    assert_eq!(ours.callback(&copy.attempt_prefix().attempt(1, 4).unwrap()), Some(1));
}

#[test]
fn a_database_that_cannot_note_its_progress_works_all_the_same() {
    let place = Place::new();
    let mut store = Store::open(&place.db).unwrap();
    std::fs::remove_file(place.path("calls.db.lock")).unwrap();
    assert!(store.write(&[record(abandoned("1.1"))]).unwrap().is_empty());
    let before = store.attempt_prefix();
    drop(store);
    assert_eq!(Store::open(&place.db).unwrap().attempt_prefix(), before);
}
