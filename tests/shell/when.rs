//! Times as people type them.

use callbackd::cli::calls::when::{ahead, parse};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Wednesday, 2026-11-25, 10:30 in Berlin.
fn now() -> Timestamp {
    "2026-11-25T09:30:00Z".parse().unwrap()
}

fn shown(found: Result<Timestamp, String>) -> String {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    found.map_or_else(|error| error, |at| at.to_zoned(zone).strftime("%a %d.%m. %H:%M:%S").to_string())
}

fn past(text: &str) -> String {
    shown(parse(text, &TimeZone::get("Europe/Berlin").unwrap(), now()))
}

fn future(text: &str) -> String {
    shown(ahead(text, &TimeZone::get("Europe/Berlin").unwrap(), now()))
}

#[test]
fn what_is_over_is_the_latest_of_that_name() {
    for (text, meant) in [
        ("10:00", "Wed 25.11. 10:00:00"),
        ("9:00", "Wed 25.11. 09:00:00"),
        ("22:15:30", "Tue 24.11. 22:15:30"),
        ("today", "Wed 25.11. 00:00:00"),
        ("yesterday 14:00", "Tue 24.11. 14:00:00"),
        ("monday", "Mon 23.11. 00:00:00"),
        ("Mon", "Mon 23.11. 00:00:00"),
        ("monday 9:00", "Mon 23.11. 09:00:00"),
        ("wednesday", "Wed 25.11. 00:00:00"),
        ("wednesday 11:00", "Wed 18.11. 11:00:00"),
        ("last wednesday", "Wed 18.11. 00:00:00"),
        ("last Thursday", "Thu 19.11. 00:00:00"),
        ("2h", "Wed 25.11. 08:30:00"),
        ("2026-11-20", "Fri 20.11. 00:00:00"),
        ("2026-11-20 09:00", "Fri 20.11. 09:00:00"),
    ] {
        assert_eq!(past(text), meant, "{text}");
    }
}

#[test]
fn what_is_to_come_is_the_first_of_that_name() {
    for (text, meant) in [
        ("10:00", "Thu 26.11. 10:00:00"),
        ("11:00", "Wed 25.11. 11:00:00"),
        ("tomorrow", "Thu 26.11. 00:00:00"),
        ("tomorrow 9:00", "Thu 26.11. 09:00:00"),
        ("monday", "Mon 30.11. 00:00:00"),
        ("wednesday", "Wed 02.12. 00:00:00"),
        ("wednesday 15:00", "Wed 25.11. 15:00:00"),
        ("next wednesday 15:00", "Wed 02.12. 15:00:00"),
        ("30m", "Wed 25.11. 11:00:00"),
        ("1d", "Thu 26.11. 10:30:00"),
    ] {
        assert_eq!(future(text), meant, "{text}");
    }
}

#[test]
fn what_is_no_time_is_answered_with_those_that_are() {
    for text in ["", "soon", "25:00", "9", "9:5:5:5", "funday", "monday noon", "last today", "10:00 monday", "-"] {
        assert!(past(text).contains("is not a time: give"), "{text}: {}", past(text));
        assert!(future(text).contains("'tomorrow 9:00'"), "{text}: {}", future(text));
    }
    assert!(past("99999999d").contains("too far away") || past("99999999d").contains("not a time"));
}

#[test]
fn a_day_begins_when_it_begins_there() {
    // In Beirut summer time began at midnight: there was no 00:00.
    let zone = TimeZone::get("Asia/Beirut").unwrap();
    let now: Timestamp = "2026-03-29T09:30:00Z".parse().unwrap();
    let first = parse("today", &zone, now).unwrap().to_zoned(zone);
    assert_eq!(first.strftime("%H:%M").to_string(), "01:00");
}
