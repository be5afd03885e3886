//! In which zone the times of a Master.csv are, which only its uniqueids tell.

use super::{HOUR, Line, caller};
use callbackd_core::reconcile::{Zone, cdr};
use jiff::tz::TimeZone;

fn lines(text: &str) -> Vec<csv::ByteRecord> {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    reader.into_byte_records().map(Result::unwrap).collect()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// Starts of these calls, in seconds after the hour, read in Berlin.
fn starts(text: &str) -> Vec<i64> {
    let lines = lines(text);
    let zone = Zone::learn(&berlin(), &lines);
    assert!(!zone.is_contradictory());
    lines.iter().map(|line| cdr::read(line, &zone).unwrap().start_ms / 1_000 - HOUR).collect()
}

fn call<'a>(id: &'a str, start: i64) -> Line<'a> {
    caller(("Queue", "support"), "PJSIP/101-00000001", start, start + 7).of("PJSIP/trunk-00000001", (id, id))
}

#[test]
fn times_of_a_third_zone_are_read_by_the_offset_that_the_uniqueids_show() {
    assert_eq!(starts(&call("3.0", 3).text(8, 0)), [3]);
    assert_eq!(starts(&call("3.0", 3).text(-7, 0)), [3]);
    // A later record of the same channel shows nothing, and is read alike.
    assert_eq!(starts(&(call("3.0", 3).text(8, 0) + &call("3.0", 1_810).text(8, 1))), [3, 1_810]);
}

#[test]
fn a_third_zone_may_change_its_clocks_within_the_file() {
    let ids: Vec<(String, i64)> = (0..40).map(|n| (format!("{}.{n}", n * 600), n * 600)).collect();
    let text: String =
        ids.iter().enumerate().map(|(n, (id, at))| call(id, *at).text(if n < 25 { -4 } else { -5 }, n)).collect();
    // The hour that comes twice is told by the calls around it.
    let read = starts(&text);
    let right = ids.iter().zip(&read).filter(|((_, at), read)| at == *read).count();
    assert!(right >= 40 - 12, "{right} of 40: {read:?}");
    assert_eq!((read[..19].len(), read[0], read[39]), (19, 0, 39 * 600));
}

#[test]
fn local_time_and_gmt_are_read_as_ever() {
    assert_eq!(starts(&call("3.0", 3).text(0, 0)), [3]);
    assert_eq!(starts(&call("3.0", 3).text(1, 0)), [3]);
    // What is reset before the agent is rung begins later than its channel.
    assert_eq!(starts(&call("3.0", 40).text(1, 0)), [40]);
}

#[test]
fn what_was_learnt_holds_for_records_that_show_nothing() {
    let mut zone = Zone::of(&berlin());
    cdr::hear(&mut zone, &lines(&call("3.0", 3).text(8, 0)));
    let silent = lines(&call("free text", 5).text(8, 0));
    cdr::hear(&mut zone, &silent);
    assert_eq!(cdr::read(&silent[0], &zone).unwrap().start_ms / 1_000 - HOUR, 5);
}

#[test]
fn times_that_go_with_the_uniqueids_in_no_zone_are_not_believed() {
    let wrong: String =
        (0..6).map(|n| format!("{}.{n}", n * 5_000)).zip(0..).map(|(id, n)| call(&id, n).text(40, 0)).collect();
    assert!(Zone::learn(&berlin(), &lines(&wrong)).is_contradictory());
}
