//! The writer's thread: one transaction for all that waits, nothing lost while the database cannot be written, bounded.

use crate::store::stored::{abandoned, record};
use callbackd::store::{Ack, Batch, CallFilter, Health, Reader, Store, Writer};
use callbackd_core::model::Record;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TrySendError, channel};
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    (directory, path)
}

fn batch(seq: u64) -> Batch {
    Batch { seq, records: vec![record(abandoned(&format!("1.{seq}")))] }
}

fn stored(path: &Path) -> usize {
    Reader::open(path).unwrap().calls(&CallFilter::default()).unwrap().len()
}

/// A writer whose acknowledgements arrive on a channel.
fn writer(path: &Path) -> (Writer, Receiver<Ack>) {
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(Store::open(path).unwrap(), move |ack| sender.send(ack).unwrap()).unwrap();
    (writer, acks)
}

/// A writer that, after each acknowledgement, rests until it is let go on.
fn restrained_writer(path: &Path) -> (Writer, Receiver<Ack>, Sender<()>) {
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (go_on, gate) = channel();
    let acknowledge = move |ack| {
        sender.send(ack).unwrap();
        let _ = gate.recv();
    };
    (Writer::spawn(Store::open(path).unwrap(), acknowledge).unwrap(), acks, go_on)
}

#[allow(clippy::disallowed_methods, reason = "a deadline against hanging")]
fn until_it_retries(writer: &Writer) -> (String, usize) {
    let begun = Instant::now();
    loop {
        match writer.health() {
            Health::Retrying { error, unsaved, .. } => return (error, unsaved),
            Health::Writing => assert!(begun.elapsed() < PATIENCE, "it never noticed"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn what_was_acknowledged_can_be_read() {
    let (_directory, path) = place();
    let (writer, acks) = writer(&path);
    writer.try_send(batch(1)).unwrap();
    assert_eq!(acks.recv_timeout(PATIENCE), Ok(Ack::Committed { seq: 1 }));
    assert_eq!(stored(&path), 1);
    assert_eq!(writer.health(), Health::Writing);
}

#[test]
fn what_was_queued_is_on_the_disk_after_the_writer_was_dropped() {
    let (_directory, path) = place();
    let (writer, acks) = writer(&path);
    for seq in 0..100 {
        writer.try_send(batch(seq)).unwrap();
    }
    drop(writer);
    assert_eq!(stored(&path), 100);
    let seqs: Vec<u64> =
        acks.iter().map(|ack| if let Ack::Committed { seq } = ack { seq } else { panic!("{ack:?}") }).collect();
    assert_eq!(seqs, (0..100).collect::<Vec<_>>());
}

#[test]
fn all_that_waits_is_one_transaction() {
    let (_directory, path) = place();
    let (writer, acks, go_on) = restrained_writer(&path);
    writer.try_send(batch(0)).unwrap();
    acks.recv_timeout(PATIENCE).unwrap();
    for seq in 1..=200 {
        writer.try_send(batch(seq)).unwrap();
    }
    drop(go_on);
    let stopped = writer.stop(PATIENCE);
    assert_eq!(stopped.counters.commits, 2);
    assert_eq!((stopped.counters.batches, stopped.counters.records), (201, 201));
    assert_eq!(stored(&path), 201);
}

#[test]
fn a_full_queue_gives_the_batch_back_and_never_blocks() {
    let (_directory, path) = place();
    let (writer, acks, go_on) = restrained_writer(&path);
    writer.try_send(batch(0)).unwrap();
    acks.recv_timeout(PATIENCE).unwrap();
    let mut seq = 1;
    let refused = loop {
        match writer.try_send(batch(seq)) {
            Ok(()) => seq += 1,
            Err(TrySendError::Full(batch)) => break batch,
            Err(TrySendError::Disconnected(_)) => panic!("the writer is gone"),
        }
    };
    assert_eq!(seq - 1, 1024);
    assert_eq!(refused, batch(seq));
    drop(go_on);
    assert!(writer.stop(PATIENCE).unwritten.is_empty());
    assert_eq!(stored(&path), 1025);
}

#[test]
fn while_another_process_holds_the_lock_rows_are_kept_and_then_committed() {
    let (_directory, path) = place();
    let (writer, acks) = writer(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.try_send(batch(1)).unwrap();
    let (error, unsaved) = until_it_retries(&writer);
    assert!(error.contains("locked"), "{error}");
    assert_eq!(unsaved, 1);
    assert!(acks.try_recv().is_err(), "nothing is acknowledged before it is on the disk");
    other.execute_batch("COMMIT").unwrap();
    writer.retry_now();
    assert_eq!(acks.recv_timeout(PATIENCE), Ok(Ack::Committed { seq: 1 }));
    assert_eq!(writer.health(), Health::Writing);
    assert!(writer.counters().retries > 0);
    assert_eq!(stored(&path), 1);
}

#[test]
fn a_stop_that_cannot_write_gives_the_batches_back() {
    let (_directory, path) = place();
    let (writer, _acks) = writer(&path);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    writer.try_send(batch(1)).unwrap();
    until_it_retries(&writer);
    writer.try_send(batch(2)).unwrap();
    let stopped = writer.stop(Duration::ZERO);
    assert_eq!(stopped.unwritten, [batch(1), batch(2)]);
    assert_eq!(stopped.counters.records, 0);
    drop(other);
    assert_eq!(stored(&path), 0);
}

#[test]
fn a_refused_record_fails_its_batch_by_name_and_no_other() {
    let (_directory, path) = place();
    let (writer, acks, go_on) = restrained_writer(&path);
    writer.try_send(batch(0)).unwrap();
    acks.recv_timeout(PATIENCE).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON calls WHEN NEW.linkedid = 'bad' BEGIN SELECT raise(ABORT, 'no'); END")
        .unwrap();
    let bad: Record = record(abandoned("bad"));
    writer.try_send(batch(1)).unwrap();
    writer.try_send(Batch { seq: 2, records: vec![record(abandoned("1.2")), bad] }).unwrap();
    writer.try_send(batch(3)).unwrap();
    drop(go_on);
    let stopped = writer.stop(PATIENCE);
    // A reader takes no database with a trigger that is not ours.
    Connection::open(&path).unwrap().execute_batch("DROP TRIGGER refuse").unwrap();
    let recorded: Vec<Ack> = acks.iter().collect();
    assert_eq!(recorded[0], Ack::Committed { seq: 1 });
    let Ack::Failed { seq: 2, refused } = &recorded[1] else { panic!("{recorded:?}") };
    assert_eq!(refused.iter().map(|refused| refused.index).collect::<Vec<_>>(), [1]);
    assert_eq!(recorded[2], Ack::Committed { seq: 3 });
    assert_eq!((stopped.counters.records, stopped.counters.refused), (4, 1));
    assert_eq!(stored(&path), 4);
}
