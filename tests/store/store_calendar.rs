//! The calendar and the thresholds that the views of figures join: what the daemon keeps of them.

use crate::store::stored::{MONDAY_10, abandoned, record};
use callbackd::report::Thresholds;
use callbackd::report::calendar::hours;
use callbackd::store::{Calendar, Reader, Store};
use callbackd_core::model::FinishedCall;
use callbackd_core::model::codes::Codes;
use jiff::tz::TimeZone;
use rusqlite::Connection;
use std::path::Path;

const HOUR: i64 = 3_600_000;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str, zone: &TimeZone) -> i64 {
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone.clone()).unwrap().timestamp().as_millisecond()
}

#[test]
fn days_on_which_the_clock_is_set_have_23_and_25_hours_and_no_moment_is_missing() {
    let berlin = zone("Europe/Berlin");
    for (day, count, twice) in [("2026-03-29", 23, None), ("2026-10-25", 25, Some(2)), ("2026-11-28", 24, None)] {
        let noon = at(&format!("{day}T12:00"), &berlin);
        let found = hours(noon, noon, &berlin);
        assert_eq!(found.len(), count, "{day}");
        assert!(found.windows(2).all(|pair| pair[0].to_ms == pair[1].from_ms), "{day}");
        assert!(found.iter().all(|hour| hour.to_ms - hour.from_ms == HOUR && hour.day_from_ms == found[0].from_ms));
        let doubled = found.windows(2).find(|pair| pair[0].hour == pair[1].hour).map(|pair| pair[0].hour);
        assert_eq!(doubled, twice, "{day}");
    }
}

#[test]
fn zones_whose_clocks_are_set_at_midnight_or_by_half_an_hour_have_whole_days_too() {
    // Beirut: 00:00 becomes 01:00. Lord Howe: 02:00 becomes 02:30.
    for (name, day, ms) in
        [("Asia/Beirut", "2026-03-29", 23 * HOUR), ("Australia/Lord_Howe", "2026-10-04", 47 * HOUR / 2)]
    {
        let there = zone(name);
        let noon = at(&format!("{day}T12:00"), &there);
        let found = hours(noon, noon, &there);
        let (first, last) = (found.first().unwrap(), found.last().unwrap());
        assert_eq!(last.to_ms - first.from_ms, ms, "{name}");
        assert_eq!((first.day_from_ms, last.day_to_ms), (first.from_ms, last.to_ms));
        assert!(found.windows(2).all(|pair| pair[0].to_ms == pair[1].from_ms), "{name}");
        assert_eq!(first.date.to_string(), day);
        assert_eq!(first.weekday(), 7);
    }
}

fn keep(path: &Path, zone_name: &str, now_ms: i64, thresholds: &Thresholds) {
    let calendar = Calendar { thresholds: thresholds.clone(), codes: Codes::default(), zone: zone(zone_name), now_ms };
    Store::open(path).unwrap().keep_calendar(&calendar).unwrap();
}

fn numbers(path: &Path, sql: &str) -> (i64, i64, i64) {
    let db = Connection::open(path).unwrap();
    db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

#[test]
fn the_calendar_reaches_from_the_first_call_to_beyond_tomorrow_and_follows_the_zone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let early = FinishedCall { started_ms: MONDAY_10 - 40 * 24 * HOUR, ..abandoned("1.1") };
    assert_eq!(Store::open(&path).unwrap().write(&[record(early)]).unwrap(), []);
    let (now, span) = (MONDAY_10, "SELECT count(DISTINCT date), min(from_ms), max(to_ms) FROM calendar");

    keep(&path, "Europe/Berlin", now, &Thresholds::default());
    let (days, from, to) = numbers(&path, span);
    assert_eq!(days, 45);
    assert!(from <= MONDAY_10 - 40 * 24 * HOUR && to > now + 72 * HOUR, "{from} {to}");
    keep(&path, "Europe/Berlin", now + 60 * HOUR, &Thresholds::default());
    assert_eq!(numbers(&path, span).0, 47);

    keep(&path, "Asia/Kathmandu", now, &Thresholds::default());
    let zones = numbers(&path, "SELECT count(DISTINCT zone), min(from_ms) % 3600000, count(*) FROM calendar");
    assert_eq!(zones, (1, HOUR / 4, 45 * 24), "a day of Kathmandu begins at a quarter past an hour of UTC");
}

#[test]
fn thresholds_and_zone_come_back_as_they_were_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    drop(Store::open(&path).unwrap());
    let (found, no_zone) = Reader::open(&path).unwrap().thresholds().unwrap();
    assert_eq!(
        found,
        Thresholds { acw_reasons: [].into(), ..Thresholds::default() },
        "what a database has that no daemon has kept"
    );
    assert!(no_zone.is_none());
    let wanted = Thresholds {
        service_level_ms: 15_000,
        service_level_target: 90,
        good_score: 3,
        acw_reasons: ["notes".to_owned()].into(),
        dids: [("5550100".to_owned(), "Sales".to_owned())].into(),
        trunk_lines: [("PJSIP/provider".to_owned(), 30)].into(),
        ..Thresholds::default()
    };
    keep(&path, "Europe/Berlin", MONDAY_10, &wanted);
    let (found, zone) = Reader::open(&path).unwrap().thresholds().unwrap();
    assert_eq!((found, zone.unwrap().iana_name()), (wanted, Some("Europe/Berlin")));
}

#[test]
fn what_is_kept_already_is_not_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    keep(&path, "Europe/Berlin", MONDAY_10, &Thresholds::default());
    let version = |db: &Connection| db.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let watching = Connection::open(&path).unwrap();
    let before = version(&watching);
    let mut store = Store::open(&path).unwrap();
    let opened = version(&watching);
    let calendar = |now_ms| Calendar {
        thresholds: Thresholds::default(),
        codes: Codes::default(),
        zone: zone("Europe/Berlin"),
        now_ms,
    };
    store.keep_calendar(&calendar(MONDAY_10 + HOUR)).unwrap();
    assert_eq!(version(&watching), opened, "{before}");
    store.keep_calendar(&calendar(MONDAY_10 + 60 * HOUR)).unwrap();
    assert_ne!(version(&watching), opened);
}
