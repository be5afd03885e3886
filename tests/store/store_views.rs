//! Someone who knows only `sqlite3` reads the views: local time, seconds, words.

use crate::store::stored::{abandoned, answered, record};
use callbackd::store::{Batch, Store, Writer};
use callbackd_core::model::{Direction, FinishedCall, Outcome, Status};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

/// What the system's own `sqlite3` (older than the one in the program) prints, in Kathmandu (UTC+05:45, no summer time).
fn sqlite3(path: &Path, sql: &str) -> String {
    let output = Command::new("sqlite3")
        .args(["-readonly", "-header"])
        .arg(path)
        .arg(sql)
        .env("TZ", "Asia/Kathmandu")
        .output()
        .expect("the sqlite3 command line tool: install it with apt install sqlite3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn with_calls(calls: impl IntoIterator<Item = FinishedCall>) -> (tempfile::TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let records: Vec<_> = calls.into_iter().map(record).collect();
    assert_eq!(Store::open(&path).unwrap().write(&records).unwrap(), []);
    (directory, path)
}

#[test]
fn a_call_reads_as_local_time_seconds_and_words() {
    let (_directory, path) = with_calls([abandoned("1.1")]);
    assert_eq!(
        sqlite3(&path, "SELECT * FROM v_calls"),
        "id|started|direction|number|did|status|outcome|queue|agent|wait_s|talk_s|hangup_by|why|pbx|linkedid\n\
         1|2026-03-02 15:45:00|inbound|+12025550123|5550100|CANCEL|QUEUE_ABANDON|sales||41.2|0.0|customer|\
         waited in queue sales for 37.0 s; the customer hung up first; nobody had answered|pbx|1.1\n"
    );
}

#[test]
fn missed_are_inbound_calls_that_nobody_served_without_those_that_are_shown_apart() {
    let kinds = [
        ("answered", Direction::Inbound, Status::Answer, Outcome::Agent),
        ("abandoned", Direction::Inbound, Status::Cancel, Outcome::QueueAbandon),
        ("short", Direction::Inbound, Status::Cancel, Outcome::ShortAbandon),
        ("blocked", Direction::Inbound, Status::NotConnected, Outcome::Blocked),
        ("unknown", Direction::Inbound, Status::Unknown, Outcome::Gap),
        ("closed", Direction::Inbound, Status::OutOfTime, Outcome::HungUp),
        ("unreachable", Direction::Inbound, Status::NotConnected, Outcome::Unavailable),
        ("outbound", Direction::Outbound, Status::NoAnswer, Outcome::RingTimeout),
    ];
    let (_directory, path) = with_calls(kinds.map(|(linkedid, direction, status, outcome)| FinishedCall {
        direction,
        status,
        outcome,
        ..abandoned(linkedid)
    }));
    let missed = sqlite3(&path, "SELECT linkedid FROM v_missed ORDER BY linkedid");
    assert_eq!(missed, "linkedid\nabandoned\nclosed\nunreachable\n");
}

#[test]
fn the_view_of_the_missed_has_just_the_outcomes_that_mean_a_miss() {
    let kinds = Outcome::ALL.iter().flat_map(|o| o.meaning().statuses.iter().map(|status| (*o, *status)));
    let kinds: Vec<(Outcome, Status)> = kinds.collect();
    let name = |(outcome, status): &(Outcome, Status)| format!("{outcome} {status}");
    let (_directory, path) =
        with_calls(kinds.iter().map(|kind| FinishedCall { outcome: kind.0, status: kind.1, ..abandoned(&name(kind)) }));
    let missed = sqlite3(&path, "SELECT linkedid FROM v_missed ORDER BY linkedid");
    let mut expected: Vec<String> = kinds.iter().filter(|(outcome, _)| outcome.meaning().missed).map(name).collect();
    expected.sort();
    assert_eq!(missed.lines().skip(1).collect::<Vec<_>>(), expected);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the view asks the clock too")]
fn today_begins_at_local_midnight() {
    // The zone's offset is fixed, so its midnight can be reckoned without a time zone library. Should midnight pass between here and the
    // answer, the day is asked for again.
    let offset_ms = (5 * 60 + 45) * 60_000;
    let day_ms = 86_400_000;
    let day = || (jiff::Timestamp::now().as_millisecond() + offset_ms) / day_ms;
    let (today, answer) = loop {
        let today = day();
        let midnight = today * day_ms - offset_ms;
        let at = |linkedid: &str, started_ms| FinishedCall { started_ms, ..answered(linkedid) };
        let (_directory, path) = with_calls([
            at("yesterday", midnight - 1),
            at("first", midnight),
            at("last", midnight + day_ms - 1),
            at("tomorrow", midnight + day_ms),
        ]);
        let answer = sqlite3(&path, "SELECT linkedid FROM v_today");
        if day() == today {
            break (today, answer);
        }
    };
    assert_eq!(answer, "linkedid\nlast\nfirst\n", "day {today}");
}

#[test]
fn the_views_can_be_read_while_the_daemon_writes_and_after_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, acks) = channel();
    let writer = Writer::spawn(Store::open(&path).unwrap(), move |ack| sender.send(ack).unwrap()).unwrap();
    writer.try_send(Batch { seq: 1, records: vec![record(abandoned("1.1"))] }).unwrap();
    acks.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(sqlite3(&path, "SELECT count(*) AS n FROM v_missed"), "n\n1\n");
    drop(writer);
    assert_eq!(
        sqlite3(&path, "SELECT count(*) AS n FROM v_missed; PRAGMA integrity_check"),
        "n\n1\nintegrity_check\nok\n"
    );
}
