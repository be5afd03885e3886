//! Closing time, night and opening: what they cost a callback, and what begins with them.

use crate::scheduler::{ANN, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, policy, queue_policy};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::policy::{Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::AgentKey;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::presence::Busy;
use jiff::tz::TimeZone;

/// 10:00 to 18:00 every day, in UTC, where the scenes begin at ten.
fn day() -> Policy {
    let mut policy = policy();
    policy.default.hours = Hours::parse("Mo-Su 10:00-18:00", TimeZone::UTC, None).unwrap();
    policy
}

const CLOSING: i64 = 8 * HOUR;
const OPENING: i64 = 24 * HOUR;

#[test]
fn who_was_missed_shortly_before_closing_is_called_after_the_opening() {
    let mut scene = Scene::new(day(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.pass(CLOSING - 2 * MINUTE);
    scene.misses(ANN, "sales");
    scene.pass(2 * MINUTE);
    assert_eq!(scene.stands(1), "WAITING OUT_OF_HOURS");
    scene.busy("PJSIP/101", None);
    scene.pass(OPENING - CLOSING - 1);
    assert!(scene.rung().is_empty());
    assert_eq!(scene.row(1).closed_ms, None, "the night costs it nothing of its four hours");
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn what_was_left_of_its_life_at_closing_is_left_at_the_opening() {
    let mut scene = Scene::new(day(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.pass(CLOSING - 3 * HOUR);
    scene.misses(ANN, "sales");
    scene.pass(3 * HOUR + OPENING - CLOSING + HOUR - 1);
    assert_eq!(scene.stands(1), "PENDING");
    scene.pass(1);
    assert_eq!(scene.stands(1), "EXPIRED");
}

#[test]
fn an_outage_in_the_night_does_not_lengthen_its_life() {
    let mut scene = Scene::new(day(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.pass(CLOSING - 3 * HOUR);
    scene.misses(ANN, "sales");
    scene.pass(5 * HOUR);
    let expires_ms = scene.row(1).expires_ms;
    assert_eq!(expires_ms, MONDAY_10 + OPENING + HOUR);
    scene.presence.blind = true;
    scene.give(Input::Unlinked(&crate::scheduler::pbx()));
    assert_eq!(scene.stands(1), "WAITING NO_LINK");
    scene.presence.blind = false;
    scene.give(Input::InSync(&crate::scheduler::pbx()));
    assert_eq!((scene.stands(1).as_str(), scene.row(1).expires_ms), ("WAITING OUT_OF_HOURS", expires_ms));
}

#[test]
fn who_was_missed_in_the_night_has_a_whole_life_from_the_opening_on_and_no_longer() {
    let mut scene = Scene::new(day(), vec![agent("101", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.pass(CLOSING + HOUR);
    scene.misses(ANN, "sales");
    assert_eq!(scene.row(1).expires_ms, MONDAY_10 + OPENING + 4 * HOUR);
    scene.pass(OPENING - CLOSING - HOUR + 4 * HOUR);
    assert_eq!(scene.stands(1), "EXPIRED");
}

#[test]
fn a_customers_night_costs_a_callback_nothing_either() {
    let mut policy = policy();
    policy.number_policy.international = true;
    policy.quiet = Some((21 * 60, 8 * 60));
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.pass(3 * HOUR); // 22:00 in Japan
    scene.misses("+81355550100", "sales");
    assert_eq!(scene.stands(1), "WAITING QUIET_HOURS");
    scene.pass(10 * HOUR - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn what_waits_for_the_opening_says_when_it_is_also_after_a_restart_with_other_hours() {
    let mut scene = Scene::new(day(), vec![agent("101", &["sales"])]);
    scene.pass(CLOSING);
    scene.misses(ANN, "sales");
    let row = scene.row(1).clone();
    assert_eq!((row.reason.as_str(), row.due_ms), ("OUT_OF_HOURS", MONDAY_10 + OPENING));
    let restored = || RestoredState { open: vec![(row.clone(), Vec::new())], last_id: 1, ..RestoredState::default() };
    let mut closed = Scene::remembering(day(), vec![agent("101", &["sales"])], restored());
    closed.now.wall_ms = scene.now.wall_ms;
    closed.pass(HOUR);
    assert!(closed.rung().is_empty());
    assert_eq!(closed.row_or(1, &row).expires_ms, row.expires_ms, "it is extended once");
    let mut always = Scene::remembering(policy(), vec![agent("101", &["sales"])], restored());
    always.now.wall_ms = scene.now.wall_ms;
    always.settle();
    assert_eq!(always.rung().len(), 1);
}

#[test]
fn the_owners_window_begins_with_the_opening() {
    let mut policy = day();
    policy.default.owner_window_ms = 10 * MINUTE;
    let restored = RestoredState {
        owners: vec![(
            crate::scheduler::e164(ANN),
            AgentKey::new(&crate::scheduler::pbx(), "PJSIP/102"),
            MONDAY_10 - 24 * HOUR,
        )],
        ..RestoredState::default()
    };
    let mut scene = Scene::remembering(policy, vec![agent("101", &["sales"]), agent("102", &["sales"])], restored);
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    scene.pass(CLOSING);
    scene.misses(ANN, "sales");
    scene.pass(OPENING - CLOSING + 10 * MINUTE - 1);
    assert!(scene.rung().is_empty(), "their window is not over before it began");
    scene.pass(1);
    assert_eq!(scene.rung()[0].0, "PJSIP/101");
}

#[test]
fn the_fallbacks_time_begins_with_the_opening() {
    let mut policy = day();
    let hours = policy.default.hours.clone();
    let sales =
        QueuePolicy { fallback: Some("support".into()), fallback_after_ms: 5 * MINUTE, hours, ..queue_policy() };
    policy.queues.insert("sales".into(), sales);
    let mut scene = Scene::new(policy, vec![agent("101", &["support"])]);
    scene.pass(CLOSING);
    scene.misses(ANN, "sales");
    scene.pass(OPENING - CLOSING + 5 * MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_night_does_not_make_a_callback_old_enough_to_overtake_live_callers() {
    let mut policy = day();
    policy.overtake_after_ms = Some(30 * MINUTE);
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.presence.waiting.insert("sales".into(), 1);
    scene.pass(CLOSING);
    scene.misses(ANN, "sales");
    scene.pass(OPENING - CLOSING + 30 * MINUTE - 1);
    assert_eq!(scene.stands(1), "WAITING LIVE_CALLERS");
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn who_never_opens_calls_nobody_and_the_callback_expires_visibly() {
    let mut policy = policy();
    policy.default.hours = Hours::parse("2019 Jan 1 00:00-00:01", TimeZone::UTC, None).unwrap();
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.pass(4 * HOUR - SECOND);
    assert_eq!(scene.stands(1), "WAITING OUT_OF_HOURS");
    scene.pass(SECOND);
    assert_eq!(scene.stands(1), "EXPIRED OUT_OF_HOURS", "and says what it waited for");
    assert!(scene.rung().is_empty());
}
