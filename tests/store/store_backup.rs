//! A copy is the database as it was at one moment, whatever is written meanwhile, and it takes nobody's place unasked.

use crate::store::stored::{abandoned, answered, names, record};
use callbackd::store::{
    Ack, Batch, CallFilter, Error, Onlooker, Reader, SCHEMA_VERSION, Store, Writer, backup, migrations,
};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

struct Place {
    directory: tempfile::TempDir,
    db: PathBuf,
    copy: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let (db, copy) = (directory.path().join("calls.db"), directory.path().join("copy.db"));
    Place { directory, db, copy }
}

fn count(path: &Path) -> usize {
    Reader::open(path).unwrap().calls(&CallFilter::default()).unwrap().len()
}

fn integrity(path: &Path) -> String {
    Connection::open(path).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

/// Refused with this code and these words; what is in the directory is kept.
#[track_caller]
fn refused(place: &Place, to: &Path, force: bool, code: u8, words: &str) {
    let before = names(place.directory.path());
    let error = backup(&place.db, to, force, &Onlooker::nobody()).unwrap_err();
    assert_eq!(error.exit_code(), code, "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(names(place.directory.path()), before);
}

#[test]
fn a_copy_made_beside_a_busy_writer_is_sound_and_of_one_moment() {
    let place = place();
    let mut store = Store::open(&place.db).unwrap();
    // Enough for many steps.
    store.write(&(0..6_000).map(|n| record(answered(&format!("1.{n}")))).collect::<Vec<_>>()).unwrap();
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(store, move |ack| drop(sender.send(ack))).unwrap();
    let enough = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&enough);
    let busy = std::thread::spawn(move || {
        let mut seq = 0;
        while !stop.load(Ordering::Relaxed) {
            seq += 1;
            // A pair in one batch: no moment lies between them.
            let records = ["a", "b"].map(|half| record(abandoned(&format!("{half}.{seq}")))).to_vec();
            writer.send(Batch { seq, records }).unwrap();
            assert_eq!(acks.recv(), Ok(Ack::Committed { seq }));
        }
        (seq, writer)
    });
    let copied = backup(&place.db, &place.copy, false, &Onlooker::nobody()).unwrap();
    enough.store(true, Ordering::Relaxed);
    let (written, writer) = busy.join().unwrap();
    assert!(written > 3, "the writer was kept waiting: {written} commits");
    assert!(copied.calls >= 6_000 && copied.calls.is_multiple_of(2), "half of a batch was copied: {copied:?}");
    assert_eq!(copied.bytes, std::fs::metadata(&place.copy).unwrap().len());
    assert_eq!(integrity(&place.copy), "ok");
    assert_eq!(count(&place.copy) as u64, copied.calls);
    // It is a database like any other.
    let mut store = Store::open(&place.copy).unwrap();
    store.write(&[record(abandoned("of the copy"))]).unwrap();
    drop((store, writer));
    assert_eq!(count(&place.db), 6_000 + 2 * usize::try_from(written).unwrap());
}

#[test]
fn a_copy_needs_no_files_beside_it_to_be_read() {
    let place = place();
    let mut store = Store::open(&place.db).unwrap();
    store.write(&[record(abandoned("1.1"))]).unwrap();
    backup(&place.db, &place.copy, false, &Onlooker::nobody()).unwrap();
    // Versions of the file format for writing and reading: 1 is a rollback journal, 2 a write-ahead log (https://sqlite.org/fileformat.html).
    let version = |path: &Path| std::fs::read(path).unwrap()[18..20].to_vec();
    assert_eq!((version(&place.db), version(&place.copy)), (vec![2, 2], vec![1, 1]));
    let before = names(place.directory.path());
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reader = Connection::open_with_flags(&place.copy, flags).unwrap();
    let calls: i64 = reader.query_row("SELECT count(*) FROM v_missed", [], |row| row.get(0)).unwrap();
    assert_eq!((calls, names(place.directory.path())), (1, before));
    drop(reader);
    drop(Store::open(&place.copy).unwrap());
    assert_eq!(version(&place.copy), [2, 2], "what a daemon opens has a write-ahead log again");
}

#[test]
fn a_copy_without_a_daemon_leaves_nothing_beside_it_and_is_closed_to_others() {
    let place = place();
    let mut store = Store::open(&place.db).unwrap();
    store.write(&[record(abandoned("1.1"))]).unwrap();
    drop(store);
    let copied = backup(&place.db, &place.copy, false, &Onlooker::nobody()).unwrap();
    assert_eq!((copied.calls, copied.callbacks), (1, 0));
    assert_eq!(std::fs::metadata(&place.copy).unwrap().permissions().mode() & 0o7777 & !0o640, 0);
    assert_eq!(names(place.directory.path()), ["calls.db", "calls.db.lock", "copy.db"]);
}

#[test]
fn what_is_there_is_replaced_only_when_asked() {
    let place = place();
    drop(Store::open(&place.db).unwrap());
    std::fs::write(&place.copy, "somebody's").unwrap();
    refused(&place, &place.copy, false, 73, "--force");
    assert_eq!(std::fs::read(&place.copy).unwrap(), b"somebody's");
    backup(&place.db, &place.copy, true, &Onlooker::nobody()).unwrap();
    assert_eq!(count(&place.copy), 0);
}

#[test]
fn a_copy_never_takes_the_place_of_the_database_or_of_one_in_use() {
    let place = place();
    let store = Store::open(&place.db).unwrap();
    refused(&place, &place.db, true, 73, "it is the database itself");
    let log = place.directory.path().join("calls.db-wal");
    refused(&place, &log, true, 73, "it is the database itself");
    let link = place.directory.path().join("link.db");
    std::os::unix::fs::symlink(&place.db, &link).unwrap();
    refused(&place, &link, true, 73, "it is the database itself");
    let mut other = Store::open(&place.copy).unwrap();
    other.write(&[record(abandoned("1.1"))]).unwrap();
    refused(&place, &place.copy, true, 73, "copy.db-wal lies beside it");
    refused(&place, place.directory.path(), true, 73, "it is not a file");
    drop((store, other));
}

#[test]
fn nothing_is_copied_from_what_is_no_database_or_is_not_there_or_to_nowhere() {
    let place = place();
    assert!(matches!(backup(&place.db, &place.copy, false, &Onlooker::nobody()), Err(Error::NotFound { .. })));
    std::fs::write(&place.db, "not a database at all\n".repeat(100)).unwrap();
    refused(&place, &place.copy, false, 65, "is not an SQLite database");
    std::fs::remove_file(&place.db).unwrap();
    drop(Store::open(&place.db).unwrap());
    refused(&place, Path::new("/no/such/directory/copy.db"), false, 73, "there is no directory");
}

#[test]
fn a_damaged_database_gives_no_copy() {
    let place = place();
    let mut store = Store::open(&place.db).unwrap();
    store.write(&(0..500).map(|n| record(answered(&format!("1.{n}")))).collect::<Vec<_>>()).unwrap();
    drop(store);
    crate::store::stored::spoil(&place.db, "legs");
    refused(&place, &place.copy, false, 65, "no copy was made");
}

#[test]
fn a_copy_of_an_earlier_schema_is_a_copy_too() {
    let place = place();
    let mut connection = Connection::open(&place.db).unwrap();
    migrations().to_version(&mut connection, 1).unwrap();
    connection.pragma_update(None, "application_id", 1_128_418_116).unwrap();
    drop(connection);
    const { assert!(SCHEMA_VERSION > 1) };
    let copied = backup(&place.db, &place.copy, false, &Onlooker::nobody()).unwrap();
    assert_eq!((copied.calls, copied.callbacks), (0, 0));
}
