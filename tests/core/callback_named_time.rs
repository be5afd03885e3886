//! A customer who names the time at which they wish to be called back.

use crate::scheduler::{ANN, HOUR, MINUTE, MONDAY_10, Scene, agent, nobody, policy, queue_policy};
use callbackd_core::callbacks::commands::{CallbackRequest, Command};
use callbackd_core::callbacks::named_time::{NamedTimeError, named_time};
use callbackd_core::callbacks::policy::{Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::presence::Busy;
use callbackd_core::model::progress::Step;
use callbackd_core::model::{FinishedCall, Outcome, Status, Tag};
use jiff::tz::TimeZone;

const DAY: i64 = 24 * HOUR;

/// 10:00 to 18:00 every day, in UTC, where the scenes begin at ten.
fn day() -> Policy {
    let mut policy = policy();
    policy.default.hours = hours("Mo-Su 10:00-18:00");
    policy
}

fn hours(open: &str) -> Hours {
    Hours::parse(open, TimeZone::UTC, None).unwrap()
}

fn open(hours_of: &str) -> QueuePolicy {
    QueuePolicy { hours: hours(hours_of), ..queue_policy() }
}

fn civil(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// Their caller asked for a callback at this time.
fn asks(scene: &mut Scene, time: &str) {
    let at_ms = scene.now.wall_ms;
    let tag = Tag { code: "CALLBACK_AT".into(), note: time.into(), by: "caller".into(), at_ms };
    let call = FinishedCall { outcome: Outcome::CallbackRequested, tags: vec![tag], ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
}

fn scene() -> Scene {
    Scene::new(day(), vec![agent("101", &["sales"])])
}

#[test]
fn a_named_time_is_a_moment_of_the_business_s_clock_or_a_delay() {
    let berlin = Hours::parse("24/7", TimeZone::get("Europe/Berlin").unwrap(), None).unwrap();
    let noon = jiff::Timestamp::from_second(1_782_907_200).unwrap(); // 2026-07-01T12:00Z
    let berlin = QueuePolicy { hours: berlin, ..queue_policy() };
    let at =
        |text: &str| named_time(text, &berlin, noon.as_millisecond()).map(|ms| (ms - noon.as_millisecond()) / MINUTE);
    for (text, minutes) in [
        ("2026-07-01T14:30", 30), // summer time
        ("2026-07-01 14:30:00", 30),
        (" 2026-07-02T14:00 ", 24 * 60),
        ("+2h", 120),
        ("+1h30m", 90),
        ("+0s", 0),
        ("+1d", 24 * 60),
    ] {
        assert_eq!(at(text), Ok(minutes), "{text}");
    }
    for text in [
        "",
        "+",
        "+2",
        "+h",
        "+2x",
        "+-2h",
        "tomorrow",
        "14:30",
        "2026-07-01",
        "2026-07-01T14:30z",
        "2026-07-01T14:30+2",
        "2026-07-01T14:30+0200",
        "2026-07-01T14:30+25:00",
        "2026-07-01T14:30-15:00",
        "2026-07-01Z",
        "2026-07-32T14:30Z",
        "2026-07-32T14:30",
        "+99999999999999999999h",
        "+9223372036854775807d",
        "2026-07-01T14:30[UTC]",
    ] {
        assert_eq!(at(text), Err(NamedTimeError::Form), "{text}");
    }
    assert_eq!(at("2026-07-01T13:59"), Err(NamedTimeError::Over));
    assert_eq!(at("+32d"), Err(NamedTimeError::TooFar));
    assert_eq!(at("2027-07-01T14:30"), Err(NamedTimeError::TooFar));
}

#[test]
fn a_time_outside_of_the_hours_becomes_the_next_opening() {
    assert_eq!(named_time("+9h", &open("Mo-Su 10:00-18:00"), MONDAY_10), Ok(MONDAY_10 + DAY));
    assert_eq!(named_time("+9h", &open("2020 Jan 01 10:00-18:00"), MONDAY_10), Err(NamedTimeError::NeverOpen));
}

#[test]
fn who_names_a_time_is_called_then_and_not_before() {
    let mut scene = scene();
    asks(&mut scene, &civil(MONDAY_10 + 2 * HOUR));
    assert_eq!(scene.stands(1), "WAITING DELAY");
    assert_eq!((scene.row(1).due_ms, scene.row(1).requested), (MONDAY_10 + 2 * HOUR, true));
    scene.pass(2 * HOUR - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
    assert!(scene.bad_times.is_empty());
}

#[test]
fn a_time_in_closed_hours_is_kept_at_the_opening_with_a_life_of_its_own() {
    let mut scene = scene();
    asks(&mut scene, "+10h");
    assert_eq!((scene.row(1).due_ms, scene.row(1).expires_ms), (MONDAY_10 + DAY, MONDAY_10 + 2 * DAY));
    scene.pass(DAY - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_time_that_cannot_be_kept_is_reported_and_the_request_counts_without_it() {
    for (time, hint) in [("yesterday", "it is no time"), ("2001-01-01T09:00", "it is over"), ("+300d", "it is too far")]
    {
        let mut scene = scene();
        asks(&mut scene, time);
        assert!(scene.bad_times[0].starts_with(&format!("{time}: {hint}")), "{:?}", scene.bad_times);
        assert_eq!((scene.bad_times.len(), scene.rung().len()), (1, 1));
        assert!(scene.row(1).requested);
        assert!(scene.story[0].1.note.contains("is not kept"), "{}", scene.story[0].1.note);
    }
}

#[test]
fn a_named_time_survives_a_restart() {
    let mut before = scene();
    asks(&mut before, "+2h");
    let open = vec![(before.row(1).clone(), Vec::new())];
    let restored = RestoredState { open, last_id: 1, ..RestoredState::default() };
    let mut scene = Scene::remembering(day(), vec![agent("101", &["sales"])], restored);
    scene.pass(2 * HOUR - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn who_calls_again_and_names_a_time_is_not_called_before_it() {
    let mut scene = scene();
    scene.presence.agents.clear();
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING NO_AGENT");
    asks(&mut scene, "+3h");
    assert_eq!(scene.stands(1), "WAITING DELAY");
    scene.presence.agents.push(agent("101", &["sales"]));
    scene.busy("PJSIP/101", None);
    scene.pass(3 * HOUR - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_time_named_while_an_agent_is_asked_holds_for_what_follows() {
    let mut scene = scene();
    scene.misses(ANN, "sales");
    scene.step("cb-0a1b2c3d-1-1", Step::Seen);
    asks(&mut scene, "+3h");
    scene.ends("cb-0a1b2c3d-1-1", nobody());
    assert_eq!(scene.stands(1), "WAITING DELAY");
    assert_eq!(scene.row(1).due_ms, MONDAY_10 + 3 * HOUR);
    scene.pass(3 * HOUR);
    assert_eq!(scene.rung().len(), 2);
}

#[test]
fn a_person_may_name_a_time_too() {
    let mut scene = scene();
    let add = |time: &str| {
        Command::Add(CallbackRequest {
            number: ANN.into(),
            queue: Some("sales".into()),
            at: Some(time.into()),
            ..CallbackRequest::default()
        })
    };
    let error = scene.asks(add("soon")).unwrap_err().to_string();
    assert!(error.starts_with("soon: it is no time: write 2026-11-30T09:30"), "{error}");
    scene.asks(add("+9h")).unwrap();
    assert_eq!((scene.stands(1), scene.row(1).due_ms), ("WAITING DELAY".to_owned(), MONDAY_10 + DAY));
}

#[test]
fn a_time_that_a_person_names_replaces_the_one_before_sooner_and_later() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let mut at = |time: Option<&str>| {
        let (number, at) = (ANN.to_owned(), time.map(str::to_owned));
        scene.asks(Command::Add(CallbackRequest { number, at, ..CallbackRequest::default() })).unwrap();
        let row = scene.row(1);
        assert_eq!((scene.stands(1).as_str(), scene.rows.len()), ("WAITING DELAY", 1));
        (row.due_ms - MONDAY_10, row.requested_for_ms.map(|at| at - MONDAY_10))
    };
    assert_eq!(at(Some("+2h")), (2 * HOUR, Some(2 * HOUR)));
    assert_eq!(at(Some("+5h")), (5 * HOUR, Some(5 * HOUR)));
    assert_eq!(at(Some("+1h")), (HOUR, Some(HOUR)));
    let held = scene.asks(Command::Hold { id: 1, note: String::new() });
    assert!(held.is_ok(), "{held:?}");
    let number = ANN.to_owned();
    scene.asks(Command::Add(CallbackRequest { number, at: Some("+3h".into()), ..CallbackRequest::default() })).unwrap();
    assert_eq!((scene.stands(1).as_str(), scene.row(1).due_ms), ("WAITING HELD", MONDAY_10 + 3 * HOUR));
}

#[test]
fn what_a_customer_asks_for_in_a_form_is_a_request_and_changes_neither_queue_nor_priority_of_what_is_open() {
    let mut policy = day();
    policy.default.expire_requested_ms = 6 * HOUR;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales", "support"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    let form = |number: &str, queue: &str, at: Option<&str>| {
        Command::Add(CallbackRequest {
            number: number.into(),
            queue: Some(queue.into()),
            at: at.map(str::to_owned),
            requested: true,
            ..CallbackRequest::default()
        })
    };
    scene.asks(form(ANN, "sales", None)).unwrap();
    let row = scene.row(1).clone();
    assert_eq!((row.requested, row.queue.as_deref(), row.requested_for_ms), (true, Some("sales"), Some(MONDAY_10)));
    assert_eq!(row.expires_ms, MONDAY_10 + 6 * HOUR);
    let first = Command::Add(CallbackRequest {
        number: "+12025550177".into(),
        queue: Some("sales".into()),
        priority: -5,
        delay_ms: HOUR,
        ..CallbackRequest::default()
    });
    scene.asks(first).unwrap();
    scene.asks(form("+12025550177", "support", None)).unwrap();
    let row = scene.row(2).clone();
    assert_eq!((row.requested, row.queue.as_deref(), row.priority), (true, Some("sales"), -5));
    assert_eq!(row.due_ms, MONDAY_10 + HOUR, "who named no time does not move what was agreed on");
    scene.asks(form("+12025550177", "support", Some("+3h"))).unwrap();
    assert_eq!(
        (scene.row(2).due_ms, scene.row(2).requested_for_ms),
        (MONDAY_10 + 3 * HOUR, Some(MONDAY_10 + 3 * HOUR))
    );
    scene.asks(form("+12025550177", "support", None)).unwrap();
    assert_eq!(scene.row(2).requested_for_ms, Some(MONDAY_10 + 3 * HOUR), "asking again is not another time");
}

#[test]
fn a_time_that_the_clocks_skip_is_the_hour_behind_it_and_one_that_they_show_twice_is_the_first() {
    let berlin = Hours::parse("24/7", TimeZone::get("Europe/Berlin").unwrap(), None).unwrap();
    let berlin = QueuePolicy { hours: berlin, ..queue_policy() };
    let at = |said: &str, text: &str| {
        let said: jiff::Timestamp = said.parse().unwrap();
        let ms = named_time(text, &berlin, said.as_millisecond()).unwrap();
        jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
    };
    // 2026-03-29: from 02:00 to 03:00 by the clock; 2026-10-25: from 03:00 back to 02:00.
    assert_eq!(at("2026-03-28T12:00:00Z", "2026-03-29T02:30"), "2026-03-29T01:30:00Z");
    assert_eq!(at("2026-03-28T12:00:00Z", "2026-03-29T03:30"), "2026-03-29T01:30:00Z");
    assert_eq!(at("2026-10-24T12:00:00Z", "2026-10-25T02:30"), "2026-10-25T00:30:00Z");
    assert_eq!(at("2026-10-24T12:00:00Z", "2026-10-25T03:30"), "2026-10-25T02:30:00Z");
    // A delay is time that passes, whatever the clocks show.
    assert_eq!(at("2026-03-29T00:30:00Z", "+1h"), "2026-03-29T01:30:00Z");
    assert_eq!(at("2026-10-25T00:30:00Z", "+1h"), "2026-10-25T01:30:00Z");
}

#[test]
fn a_time_beyond_the_life_of_a_callback_gives_it_a_life_from_then_on() {
    let mut scene = scene();
    scene.presence.agents.clear();
    asks(&mut scene, "+20d");
    let at = MONDAY_10 + 20 * DAY;
    assert_eq!((scene.row(1).due_ms, scene.row(1).expires_ms), (at, at + DAY));
    let mut scene = Scene::new(day(), Vec::new());
    let (number, at) = (ANN.to_owned(), Some("+20d".to_owned()));
    let add = Command::Add(CallbackRequest { number, at, ..CallbackRequest::default() });
    scene.asks(add).unwrap();
    assert_eq!((scene.row(1).due_ms, scene.row(1).expires_ms), (MONDAY_10 + 20 * DAY, MONDAY_10 + 20 * DAY + 4 * HOUR));
}

#[test]
fn a_wish_stands_though_a_run_that_came_later_has_not_heard_it_and_ends_with_service() {
    for (served, stands) in [(false, "WAITING"), (true, "CANCELLED")] {
        let mut scene = scene();
        let at_ms = scene.now.wall_ms;
        let tag = |code: &str, note: &str| Tag { code: code.into(), note: note.into(), by: "caller".into(), at_ms };
        let tags = vec![tag("CALLBACK", ""), tag("CALLBACK_AT", "+2h")];
        let asked = FinishedCall { status: Status::Unknown, outcome: Outcome::Gap, tags, ..scene.missed(ANN, "sales") };
        scene.recorded(&asked);
        scene.pass(MINUTE);
        let (status, outcome) =
            if served { (Status::Answer, Outcome::Agent) } else { (Status::Cancel, Outcome::EarlyAbandon) };
        scene.recorded(&FinishedCall { status, outcome, tags: Vec::new(), ..asked });
        assert!(scene.stands(1).starts_with(stands), "{}", scene.stands(1));
    }
}
