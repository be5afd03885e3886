//! Commands read beside a running daemon or without one, find what they ask for, and leave no trace.

use crate::store::stored::{MONDAY_10, abandoned, answered, contents, names, record};
use callbackd::store::{Batch, CallFilter, Error, Reader, Store, Writer};
use callbackd_core::model::{Direction, FinishedCall, Outcome, Status};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    (directory, path)
}

/// Ten calls, a minute apart, of every kind that the filters distinguish.
fn ten_calls(path: &Path) {
    let calls = (0..10).map(|n| {
        let call = if n % 2 == 0 { abandoned(&format!("1.{n}")) } else { answered(&format!("1.{n}")) };
        record(FinishedCall {
            started_ms: MONDAY_10 + n * 60_000,
            number: Some(format!("20255501{n:02}")),
            number_e164: callbackd_core::model::E164::new(&format!("+120255501{n:02}")).ok(),
            ..call
        })
    });
    let mut outbound = answered("2.1");
    outbound.direction = Direction::Outbound;
    outbound.queue = None;
    outbound.visits.clear();
    outbound.agent = Some("PJSIP/102".into());
    outbound.legs[0].agent = "PJSIP/102".into();
    outbound.number = Some("100".into());
    outbound.number_e164 = None;
    outbound.started_ms = MONDAY_10 - 1;
    let records: Vec<_> = calls.chain([record(outbound)]).collect();
    assert_eq!(Store::open(path).unwrap().write(&records).unwrap(), []);
}

fn found(path: &Path, filter: CallFilter) -> Vec<String> {
    Reader::open(path).unwrap().calls(&filter).unwrap().into_iter().map(|call| call.call.linkedid).collect()
}

#[test]
fn a_reader_leaves_the_files_as_they_are() {
    let (directory, path) = place();
    ten_calls(&path);
    let before = contents(directory.path());
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.calls(&CallFilter::default()).unwrap().len(), 11);
    assert_eq!(names(directory.path()), ["calls.db", "calls.db.lock"]);
    drop(reader);
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn a_stopped_writer_leaves_log_and_index_for_readers_who_may_not_create_them() {
    let (directory, path) = place();
    drop(Writer::spawn(Store::open(&path).unwrap(), |_| ()).unwrap());
    assert_eq!(names(directory.path()), ["calls.db", "calls.db-shm", "calls.db-wal", "calls.db.lock"]);
    assert_eq!(std::fs::metadata(directory.path().join("calls.db-wal")).unwrap().len(), 0);
    assert_eq!(Reader::open(&path).unwrap().calls(&CallFilter::default()).unwrap(), []);
    Store::open(&path).unwrap();
}

#[test]
fn a_reader_sees_every_acknowledged_call_while_the_writer_writes() {
    let (_directory, path) = place();
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(Store::open(&path).unwrap(), move |ack| sender.send(ack).unwrap()).unwrap();
    let reader = Reader::open(&path).unwrap();
    for seq in 0..50 {
        writer.try_send(Batch { seq, records: vec![record(abandoned(&format!("1.{seq}")))] }).unwrap();
        acks.recv_timeout(PATIENCE).unwrap();
        assert_eq!(reader.calls(&CallFilter::default()).unwrap().len() as u64, seq + 1);
    }
}

#[test]
fn a_reader_of_an_idle_file_notices_that_a_daemon_came() {
    let (_directory, path) = place();
    ten_calls(&path);
    let reader = Reader::open(&path).unwrap();
    let _daemon = Store::open(&path).unwrap();
    let error = reader.calls(&CallFilter::default()).unwrap_err();
    assert!(matches!(error, Error::ChangedUnderReader { .. }), "{error}");
    assert_eq!(found(&path, CallFilter::default()).len(), 11);
}

#[test]
fn a_copy_with_its_log_but_without_the_index_is_refused_rather_than_read_without_its_newest_calls() {
    let (directory, path) = place();
    ten_calls(&path);
    std::fs::write(directory.path().join("calls.db-wal"), [0; 64]).unwrap();
    let before = contents(directory.path());
    let error = Reader::open(&path).unwrap_err();
    assert!(matches!(error, Error::NoWalIndex { .. }), "{error}");
    assert!(error.to_string().contains(".backup"), "{error}");
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn a_path_that_means_something_in_a_uri_is_only_a_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("50% of ?mode=rwc&calls#1 ä.db");
    ten_calls(&path);
    assert_eq!(found(&path, CallFilter::default()).len(), 11);
}

#[test]
fn calls_come_newest_first_and_no_more_than_asked_for() {
    let (_directory, path) = place();
    ten_calls(&path);
    assert_eq!(found(&path, CallFilter { limit: Some(3), ..CallFilter::default() }), ["1.9", "1.8", "1.7"]);
}

#[test]
fn the_span_of_time_includes_its_start_and_excludes_its_end() {
    let (_directory, path) = place();
    ten_calls(&path);
    let span = CallFilter {
        since_ms: Some(MONDAY_10 + 60_000),
        until_ms: Some(MONDAY_10 + 3 * 60_000),
        ..CallFilter::default()
    };
    assert_eq!(found(&path, span), ["1.2", "1.1"]);
}

#[test]
fn words_are_alternatives_within_a_filter_and_conditions_between_filters() {
    let (_directory, path) = place();
    ten_calls(&path);
    let both = CallFilter { status: vec![Status::Cancel, Status::Answer], ..CallFilter::default() };
    assert_eq!(found(&path, both.clone()).len(), 11);
    let conflicting =
        CallFilter { outcome: vec![Outcome::Agent], status: vec![Status::Cancel], ..CallFilter::default() };
    assert_eq!(found(&path, conflicting), [] as [&str; 0]);
    assert_eq!(found(&path, CallFilter { direction: vec![Direction::Outbound], ..both }), ["2.1"]);
}

#[test]
fn a_number_is_found_whole_or_by_at_least_four_last_digits() {
    let (_directory, path) = place();
    ten_calls(&path);
    let number = |number: &str| found(&path, CallFilter { number: Some(number.into()), ..CallFilter::default() });
    assert_eq!(number("+12025550104"), ["1.4"]);
    assert_eq!(number("2025550104"), ["1.4"]);
    assert_eq!(number("0104"), ["1.4"]);
    assert_eq!(number("555-0104"), ["1.4"]);
    assert_eq!(number("104"), [] as [&str; 0]);
    assert_eq!(number("100"), ["2.1"], "a short number is found whole");
    assert_eq!(number("%"), [] as [&str; 0]);
}

#[test]
fn an_agent_is_found_by_interface_or_by_what_follows_its_technology_if_they_talked() {
    let (_directory, path) = place();
    ten_calls(&path);
    let agent = |agent: &str| found(&path, CallFilter { agent: Some(agent.into()), ..CallFilter::default() });
    assert_eq!(agent("PJSIP/101"), ["1.9", "1.7", "1.5", "1.3", "1.1"]);
    assert_eq!(agent("101"), agent("PJSIP/101"));
    assert_eq!(agent("102"), ["2.1"], "their phone rang for five others, but they talked with none of them");
}

#[test]
fn a_queue_is_found_by_every_stay_in_it() {
    let (_directory, path) = place();
    ten_calls(&path);
    let mut moved = abandoned("3.1");
    moved.queue = Some("support".into());
    Store::open(&path).unwrap().write(&[record(moved)]).unwrap();
    let queue = |queue: &str| found(&path, CallFilter { queue: Some(queue.into()), ..CallFilter::default() });
    assert_eq!(queue("sales").len(), 11, "the caller was in sales before they were in support");
    assert_eq!(queue("support"), ["3.1"]);
    assert_eq!(queue("Sales"), [] as [&str; 0]);
}
