//! What cannot be used is refused with one line that names the path and the fix, and is left byte for byte as it was.

use crate::store::stored::{abandoned, contents, names, record};
use callbackd::store::{Error, Reader, SCHEMA_VERSION, Store};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The schema of a program that does not exist yet.
const NEWER: i32 = SCHEMA_VERSION + 1;

struct Place {
    directory: tempfile::TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    Place { directory, path }
}

fn made_by(place: &Place, sql: &str) {
    Connection::open(&place.path).unwrap().execute_batch(sql).unwrap();
}

/// Refused by the writer, with this code and these words in one line; the directory is as it was.
fn refused(place: &Place, code: u8, words: &[&str]) -> Error {
    let before = contents(place.directory.path());
    let error = Store::open(&place.path).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.exit_code(), code, "{message}");
    assert!(!message.contains('\n'), "{message}");
    for word in words.iter().chain([&place.path.to_str().unwrap()]) {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
    assert_eq!(contents(place.directory.path()), before);
    error
}

#[test]
fn a_named_pipe_beside_the_database_is_refused_and_not_waited_for() {
    for suffix in ["-journal", "-wal", "-shm"] {
        let place = place();
        drop(Store::open(&place.path).unwrap());
        let pipe = place.directory.path().join(format!("calls.db{suffix}"));
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        for error in [Store::open(&place.path).unwrap_err(), Reader::open(&place.path).unwrap_err()] {
            assert_eq!(error.exit_code(), 77, "{error}");
            assert!(error.to_string().contains(pipe.to_str().unwrap()), "{error}");
        }
    }
}

#[test]
fn a_newer_schema_is_refused() {
    let place = place();
    drop(Store::open(&place.path).unwrap());
    made_by(&place, &format!("PRAGMA user_version = {NEWER}"));
    let known = format!("only up to {SCHEMA_VERSION}");
    refused(&place, 78, &[&format!("schema {NEWER}"), &known, "install the version that wrote it"]);
    assert!(matches!(Reader::open(&place.path), Err(Error::NewerSchema { found: NEWER, .. })));
}

#[test]
fn a_newer_schema_is_refused_even_if_only_the_write_ahead_log_tells() {
    let place = place();
    drop(Store::open(&place.path).unwrap());
    let other = Connection::open(&place.path).unwrap();
    other.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    other.execute_batch(&format!("PRAGMA user_version = {NEWER}")).unwrap();
    drop(other);
    assert!(names(place.directory.path()).contains(&"calls.db-wal".to_owned()));
    let before = std::fs::read(&place.path).unwrap();
    assert_eq!(i32::from(before[63]), SCHEMA_VERSION, "the file itself still says what it was");
    let error = Store::open(&place.path).unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: NEWER, .. }), "{error}");
    assert_eq!(std::fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    for text in ["x", "exten => 100,1,Answer()\n", &"not a database at all\n".repeat(1_000)] {
        let place = place();
        std::fs::write(&place.path, text).unwrap();
        refused(&place, 65, &["is not an SQLite database", "left as it is", "[store] path"]);
        assert!(matches!(Reader::open(&place.path), Err(Error::NotADatabase { .. })));
    }
}

#[test]
fn a_directory_under_the_name_of_the_database_is_refused() {
    let place = place();
    std::fs::create_dir(&place.path).unwrap();
    refused(&place, 65, &["is a directory, not a database", "--db"]);
    assert!(matches!(Reader::open(&place.path), Err(Error::NotAFile { .. })));
}

#[test]
fn a_database_of_another_application_is_refused() {
    for sql in ["PRAGMA application_id = 17; CREATE TABLE t (x)", "CREATE TABLE t (x)", "PRAGMA user_version = 3"] {
        for wal in ["", "PRAGMA journal_mode = wal;"] {
            let place = place();
            made_by(&place, &format!("{wal}{sql}"));
            refused(&place, 65, &["belongs to another application", "0x43424b44", "left as it is", "[store] path"]);
            assert!(matches!(Reader::open(&place.path), Err(Error::OtherApplication { .. })));
        }
    }
}

#[test]
fn a_damaged_database_is_refused() {
    let place = place();
    drop(Store::open(&place.path).unwrap());
    let mut bytes = std::fs::read(&place.path).unwrap();
    bytes[100..4_000].fill(0xA5); // the root page of sqlite_schema, after the header
    std::fs::write(&place.path, bytes).unwrap();
    refused(&place, 65, &["is damaged", "restore a backup", ".recover"]);
}

#[test]
fn an_empty_file_beside_a_full_log_is_refused_because_sqlite_would_remove_the_log() {
    let place = place();
    std::fs::write(&place.path, "").unwrap();
    std::fs::write(place.directory.path().join("calls.db-wal"), "somebody's last rows").unwrap();
    refused(&place, 65, &["is damaged", "its write-ahead log is not"]);
}

#[test]
fn an_empty_file_is_a_creation_that_was_interrupted_and_is_used() {
    let place = place();
    std::fs::write(&place.path, "").unwrap();
    let mut store = Store::open(&place.path).unwrap();
    assert_eq!(store.write(&[record(abandoned("1.1"))]).unwrap(), []);
}

#[test]
fn a_second_daemon_is_refused_with_the_first_ones_pid() {
    let place = place();
    let first = Store::open(&place.path).unwrap();
    let error = Store::open(&place.path).unwrap_err();
    assert_eq!(error.exit_code(), 75);
    let message = error.to_string();
    for word in [&format!("pid {}", std::process::id()), "in use by another callbackd", "calls.db.lock", "[store] path"]
    {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
    drop(first);
    Store::open(&place.path).unwrap();
}

#[test]
fn nobody_else_can_read_the_lock_file_and_a_pid_in_it_of_one_who_does_not_hold_it_is_not_named() {
    let place = place();
    let lock = place.directory.path().join("calls.db.lock");
    // As an earlier version left it. No process has such a pid (`man 5 proc`, pid_max).
    std::fs::write(&lock, "4194305   \n").unwrap();
    std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0o640)).unwrap();
    drop(Store::open(&place.path).unwrap());
    assert_eq!(std::fs::metadata(&lock).unwrap().permissions().mode() & 0o7777, 0o600);
    std::fs::write(&lock, "4194305   \n").unwrap();
    let reader = std::fs::File::open(&lock).unwrap();
    reader.try_lock_shared().unwrap();
    let message = Store::open(&place.path).unwrap_err().to_string();
    assert!(message.contains(&format!("pid {}", std::process::id())) && !message.contains("4194305"), "{message}");
}

#[test]
fn a_second_daemon_is_refused_under_another_name_of_the_same_file_too() {
    let place = place();
    let _first = Store::open(&place.path).unwrap();
    let link = place.directory.path().join("link.db");
    std::os::unix::fs::symlink(&place.path, &link).unwrap();
    assert!(matches!(Store::open(&link), Err(Error::InUse { .. })));
}

#[test]
fn a_missing_directory_is_not_made_silently() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("no/such/calls.db");
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.exit_code(), 73);
    let message = error.to_string();
    assert!(message.contains("there is no directory") && message.contains("StateDirectory="), "{message}");
    assert_eq!(names(directory.path()), [] as [&str; 0]);
}

#[test]
fn a_place_where_nobody_may_create_files_is_refused() {
    let error = Store::open(Path::new("/proc/calls.db")).unwrap_err();
    assert!([73, 77].contains(&error.exit_code()), "{error}");
    assert!(error.to_string().contains("/proc/calls.db"), "{error}");
}

#[test]
fn a_reader_of_nothing_is_shown_where_to_look() {
    let place = place();
    let error = Reader::open(&place.path).unwrap_err();
    assert_eq!(error.exit_code(), 66);
    assert!(error.to_string().contains("name another ([store] path, or --db)"), "{error}");
    assert_eq!(names(place.directory.path()), [] as [&str; 0]);
}

#[test]
fn a_reader_does_not_migrate_an_older_database() {
    let place = place();
    made_by(&place, "PRAGMA application_id = 1128418116");
    let before = contents(place.directory.path());
    let error = Reader::open(&place.path).unwrap_err();
    assert_eq!(error.exit_code(), 75);
    assert!(error.to_string().contains("start the daemon"), "{error}");
    assert_eq!(contents(place.directory.path()), before);
}

#[test]
fn a_page_of_garbage_in_the_middle_is_refused_before_a_byte_is_changed() {
    let place = place();
    let mut store = Store::open(&place.path).unwrap();
    store.write(&(0..500).map(|n| record(abandoned(&format!("1.{n}")))).collect::<Vec<_>>()).unwrap();
    drop(store);
    crate::store::stored::spoil(&place.path, "queue_visits");
    refused(&place, 65, &["is damaged", "restore a backup", ".recover"]);
}

#[test]
fn a_number_that_somebody_wrote_by_hand_and_is_none_costs_its_row_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    store
        .write(&[
            crate::store::stored::record(crate::store::stored::answered("1.1")),
            crate::store::stored::record(crate::store::stored::answered("1.2")),
        ])
        .unwrap();
    drop(store);
    let by_hand = rusqlite::Connection::open(&path).unwrap();
    by_hand
        .execute_batch(
            "UPDATE calls SET number_e164 = '2025550123' WHERE linkedid = '1.1';
             INSERT INTO do_not_call VALUES ('5550199', 'typed', 'ann', 1, NULL, NULL, NULL), ('+12025550199', 'asked', 'ann', 1, NULL, NULL, NULL);",
        )
        .unwrap();
    drop(by_hand);

    let store = Store::open(&path).unwrap();
    let restored = store.restored(crate::store::stored::MONDAY_10 + 1_000, 0).unwrap();
    assert_eq!(
        restored.do_not_call.iter().map(|entry| entry.number_e164.to_string()).collect::<Vec<_>>(),
        ["+12025550199"]
    );
    assert_eq!((restored.owners.len(), restored.served.len()), (1, 1));
    let calls = callbackd::store::Reader::open(&path).unwrap().calls(&callbackd::store::CallFilter::default()).unwrap();
    assert_eq!(calls.iter().filter(|stored| stored.call.number_e164.is_none()).count(), 1, "shown, and not callable");
}
