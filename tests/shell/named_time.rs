//! The time that a person or a form names for a callback, by the command and by the API.

use crate::front::Front;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

fn open(hours: &str) -> Front {
    Front::open(&format!("\n[hours]\n{hours}\n"))
}

fn asks(front: &Front, number: &str, at: &str) -> (u16, Value) {
    front.ask("POST", "/v1/callbacks", &json!({"number": number, "queue": "sales", "at": at}))
}

/// Due and too old, ms since 1970 UTC.
fn times(front: &Front, number: &str, at: &str) -> (i64, i64) {
    let (status, answer) = asks(front, number, at);
    assert_eq!(status, 200, "{at}: {answer}");
    let row = &answer["callback"];
    assert_eq!(row["requested_for_ms"], row["due_ms"], "{answer}");
    (row["due_ms"].as_i64().unwrap(), row["expires_ms"].as_i64().unwrap())
}

#[test]
fn a_time_that_is_none_is_refused_by_both_with_what_to_write_instead() {
    let front = open("timezone = \"Europe/Berlin\"");
    for (at, why) in [
        ("soon", "it is no time: write 2026-11-30T09:30"),
        ("", "it is no time"),
        ("+", "it is no time"),
        ("2026-13-01T09:30", "it is no time"),
        ("2026-03-29T02:30z", "it is no time"),
        ("2026-03-29T02:30Z", "it is over"),
        ("2001-01-01T09:30", "it is over: name a time that lies ahead"),
        ("+32d", "it is too far ahead: 31 days at most"),
    ] {
        let (status, answer) = asks(&front, "+12025550123", at);
        let error = answer["error"].as_str().unwrap();
        let (begin, field) = (format!("{at}: {why}"), "`at` is empty, it is no time");
        assert!(status == 400 && error.starts_with(if at.is_empty() { field } else { &begin }), "{status} {answer}");
        let said = front.run(&["callbacks", "add", "+12025550123", "--at", at]);
        assert!(said.code == 64 && said.err.contains(why), "{at}: {said:?}");
    }
    assert_eq!(front.get("/v1/callbacks"), json!([]), "nothing was made of them");
}

#[test]
fn a_time_and_a_delay_are_one_too_many() {
    let front = open("timezone = \"UTC\"");
    let both = json!({"number": "+12025550123", "at": "+1h", "delay_ms": 60_000});
    let (status, answer) = front.ask("POST", "/v1/callbacks", &both);
    assert!(status == 400 && answer["error"].as_str().unwrap().contains("two times"), "{status} {answer}");
    let said = front.run(&["callbacks", "add", "+12025550123", "--at", "+1h", "--in", "1m"]);
    assert_ne!(said.code, 0, "{said:?}");
}

#[test]
fn a_moment_is_by_the_clock_of_the_hours_and_a_delay_is_from_now_on() {
    let front = open("timezone = \"Asia/Kolkata\"");
    let (now, _) = times(&front, "+12025550123", "+0s");
    let (in_two_hours, _) = times(&front, "+12025550124", "+2h");
    assert!((7_200_000..7_230_000).contains(&(in_two_hours - now)), "{}", in_two_hours - now);
    let kolkata = TimeZone::get("Asia/Kolkata").unwrap();
    let tomorrow = jiff::Timestamp::from_millisecond(now + DAY_MS).unwrap().to_zoned(kolkata);
    let at = tomorrow.strftime("%Y-%m-%dT%H:%M").to_string();
    let (named, _) = times(&front, "+12025550125", &at);
    assert_eq!(named, (now + DAY_MS) / 60_000 * 60_000, "{at}");
    // Or by another zone's; the API says whose clock it is otherwise.
    let elsewhere = tomorrow.strftime("%Y-%m-%dT%H:%M-03:00").to_string();
    let (named, _) = times(&front, "+12025550126", &elsewhere);
    assert_eq!(named, (now + DAY_MS) / 60_000 * 60_000 + 8 * 3_600_000 + 1_800_000, "{elsewhere}");
    let status = front.get("/v1/status");
    assert_eq!(status["pbx"][0]["timezone"], json!("Asia/Kolkata"));
    let moment = front.get("/v1/status")["now_ms"].as_i64().unwrap();
    assert!((status["now_ms"].as_i64().unwrap()..now + 600_000).contains(&moment), "{moment}");
}

#[test]
fn beyond_the_life_of_a_callback_it_has_one_from_then_on() {
    let front = open("timezone = \"UTC\"");
    let (due, expires) = times(&front, "+12025550123", "+20d");
    assert_eq!(expires - due, 4 * 3_600_000);
}

#[test]
fn outside_of_the_hours_it_is_the_next_opening_and_where_there_is_none_it_is_refused() {
    let front = open("timezone = \"UTC\"\nopen = \"Mo-Su 03:00-03:06\"");
    let (due, _) = times(&front, "+12025550123", "+3m");
    assert!((0..60_000).contains(&(due % DAY_MS - 3 * 3_600_000)), "{due}");
    let front = open("timezone = \"UTC\"\nopen = \"2020 Jan 01 10:00-18:00\"");
    let (status, answer) = asks(&front, "+12025550123", "+3m");
    let error = answer["error"].as_str().unwrap();
    assert!(status == 400 && error.contains("no opening hours follow it: see `callbackd check`"), "{status} {answer}");
}

#[test]
fn the_command_says_when_the_call_will_be_and_shows_that_it_was_promised() {
    let front = open("timezone = \"UTC\"");
    let said = front.run(&["callbacks", "add", "+12025550123", "--queue", "sales", "--at", "+2h"]);
    assert!(said.code == 0 && said.out.contains("WAITING DELAY, due "), "{said:?}");
    for words in ["tomorrow 23:00", "monday 23:00", "2h", "now"] {
        let said = front.run(&["callbacks", "add", "+12025550123", "--queue", "sales", "--at", words]);
        assert_eq!(said.code, 0, "{words}: {said:?}");
    }
    let shown = front.run(&["callbacks", "show", "1"]);
    assert!(shown.out.contains("  expected "), "{shown:?}");
}
