//! When the disk takes no more, rows are kept and committed after room was made.
//!
//! The limit is the kernel's on the size of a process's files, so the test has a process of its own, and needs no root.

use crate::store::stored::{abandoned, record};
use callbackd::store::{Ack, Batch, CallFilter, Health, Reader, Store, Writer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// Set in the process that meets the limit.
const ALONE: &str = "CALLBACKD_TEST_ALONE";

#[test]
fn rows_are_kept_while_the_disk_is_full_and_committed_after_room_was_made() {
    if std::env::var_os(ALONE).is_some() {
        return meet_the_limit();
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let name = format!("{module}::rows_are_kept_while_the_disk_is_full_and_committed_after_room_was_made");
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let output = alone.args(["--exact", &name]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[allow(clippy::disallowed_methods, reason = "a deadline against hanging")]
fn meet_the_limit() {
    // Without a handler the kernel would end the process instead of refusing the write.
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false))).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(Store::open(&path).unwrap(), move |ack| sender.send(ack).unwrap()).unwrap();

    let limit = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(300 << 10), ..limit }).unwrap();
    let records = (0..2_000).map(|n| record(abandoned(&format!("1.{n}")))).collect();
    writer.try_send(Batch { seq: 1, records }).unwrap();
    let begun = Instant::now();
    while writer.health() == Health::Writing {
        assert!(begun.elapsed() < PATIENCE, "2,000 calls fitted into 300 KiB");
        std::thread::yield_now();
    }
    let Health::Retrying { error, unsaved, .. } = writer.health() else { panic!("it wrote in spite of the limit") };
    assert!(error.contains("disk"), "{error}");
    assert_eq!(unsaved, 2_000);
    assert!(acks.try_recv().is_err());
    assert_eq!(Reader::open(&path).unwrap().calls(&CallFilter::default()).unwrap(), []);

    setrlimit(Resource::Fsize, limit).unwrap();
    writer.retry_now();
    assert_eq!(acks.recv_timeout(PATIENCE), Ok(Ack::Committed { seq: 1 }));
    assert_eq!(Reader::open(&path).unwrap().calls(&CallFilter::default()).unwrap().len(), 2_000);
    drop(writer);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}
