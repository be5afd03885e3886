//! Callbacks that customers asked for and that are late: each raises one alarm.

use crate::scheduler::{
    ANN, BOB, HOUR, MINUTE, MONDAY_10, Scene, agent, nobody, overall, policies, policy, queue_policy,
};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::commands::{CallbackRequest, Command};
use callbackd_core::callbacks::policy::{Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::progress::Step;
use callbackd_core::model::{FinishedCall, LegResult, Outcome, Tag};
use jiff::tz::TimeZone;

/// Late after half an hour.
fn half_an_hour() -> Policy {
    Policy { default: QueuePolicy { alarm_late_ms: Some(30 * MINUTE), ..queue_policy() }, ..policy() }
}

/// Nobody is there to call.
fn empty(policy: Policy) -> Scene {
    Scene::new(policy, Vec::new())
}

fn asks(scene: &mut Scene, time: Option<&str>) {
    let at_ms = scene.now.wall_ms;
    let tag = |note: &str| Tag { code: "CALLBACK_AT".into(), note: note.into(), by: "caller".into(), at_ms };
    let tags = time.map(tag).into_iter().collect();
    let call = FinishedCall { outcome: Outcome::CallbackRequested, tags, ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
}

/// When alarms were raised, ms after ten.
fn alarms(scene: &Scene) -> Vec<i64> {
    let late = scene.story.iter().filter(|(_, step)| step.note == "later than callback.alarm_late");
    late.map(|(_, step)| step.at_ms - MONDAY_10).collect()
}

#[test]
fn who_asked_and_is_not_called_in_time_raises_an_alarm_once() {
    let mut scene = empty(half_an_hour());
    asks(&mut scene, None);
    scene.pass(30 * MINUTE - 1);
    assert_eq!(alarms(&scene), [0; 0]);
    scene.pass(1);
    assert_eq!(alarms(&scene), [30 * MINUTE]);
    assert_eq!(scene.row(1).alarmed_ms, Some(MONDAY_10 + 30 * MINUTE));
    scene.pass(20 * HOUR);
    asks(&mut scene, Some("+1h"));
    scene.pass(10 * HOUR);
    assert_eq!(alarms(&scene).len(), 1, "{:?}", alarms(&scene));
}

#[test]
fn who_did_not_ask_and_who_was_called_raise_none() {
    let mut scene = empty(half_an_hour());
    scene.misses(BOB, "sales");
    scene.pass(3 * HOUR);
    assert_eq!(alarms(&scene), [0; 0]);

    let mut scene = Scene::new(half_an_hour(), vec![agent("101", &["sales"])]);
    asks(&mut scene, None);
    let id = scene.attempts.keys().next().unwrap().clone();
    scene.step(&id, Step::Seen);
    scene.step(&id, Step::AgentAnswered);
    scene.step(&id, Step::CustomerDialled);
    scene.ends(&id, crate::scheduler::customer(LegResult::NoAnswer, 16));
    scene.presence.agents.clear();
    scene.pass(3 * HOUR);
    assert_eq!((alarms(&scene), scene.row(1).counted), (vec![], 1));
}

#[test]
fn agents_who_do_not_take_it_are_no_call_to_the_customer() {
    let mut scene = Scene::new(half_an_hour(), vec![agent("101", &["sales"])]);
    asks(&mut scene, None);
    let id = scene.attempts.keys().next().unwrap().clone();
    scene.step(&id, Step::Seen);
    scene.pass(29 * MINUTE);
    scene.presence.agents.clear();
    scene.ends(&id, nobody());
    scene.pass(HOUR);
    assert_eq!(alarms(&scene), [30 * MINUTE]);
}

#[test]
fn it_counts_from_the_time_that_was_named() {
    let mut scene = empty(half_an_hour());
    asks(&mut scene, Some("+2h"));
    assert_eq!(scene.row(1).requested_for_ms, Some(MONDAY_10 + 2 * HOUR));
    scene.pass(10 * HOUR);
    assert_eq!(alarms(&scene), [150 * MINUTE]);
}

#[test]
fn closed_hours_do_not_count() {
    let hours = Hours::parse("Mo-Su 10:00-10:20", TimeZone::UTC, None).unwrap();
    let of_queue = QueuePolicy { hours, alarm_late_ms: Some(30 * MINUTE), ..queue_policy() };
    let mut scene = empty(Policy { default: of_queue, ..policy() });
    asks(&mut scene, None);
    scene.pass(30 * HOUR);
    assert_eq!(alarms(&scene), [24 * HOUR + 10 * MINUTE]);
}

#[test]
fn it_survives_a_restart_before_and_after_the_alarm() {
    let mut before = empty(half_an_hour());
    asks(&mut before, None);
    let restart = |scene: &Scene| {
        let open = vec![(scene.row(1).clone(), Vec::new())];
        let restored = RestoredState { open, last_id: 1, ..RestoredState::default() };
        Scene::remembering(half_an_hour(), Vec::new(), restored)
    };
    let mut waiting = restart(&before);
    waiting.pass(HOUR);
    assert_eq!(alarms(&waiting), [30 * MINUTE]);
    before.pass(HOUR);
    let mut alarmed = restart(&before);
    alarmed.pass(HOUR);
    assert_eq!(alarms(&alarmed), [0; 0]);
}

#[test]
fn a_person_who_puts_it_off_has_agreed_it_with_the_customer() {
    let mut scene = empty(half_an_hour());
    asks(&mut scene, None);
    scene.asks(Command::Delay { id: 1, delay_ms: HOUR, note: String::new() }).unwrap();
    scene.pass(3 * HOUR);
    assert_eq!(alarms(&scene), [90 * MINUTE]);
}

#[test]
fn a_person_who_names_a_time_promises_it_and_who_names_none_does_not() {
    for (at, expected) in [(Some("+1h"), vec![90 * MINUTE]), (None, vec![])] {
        let mut scene = empty(half_an_hour());
        let (number, at) = (ANN.to_owned(), at.map(str::to_owned));
        let add = Command::Add(CallbackRequest { number, at, ..CallbackRequest::default() });
        scene.asks(add).unwrap();
        scene.pass(3 * HOUR);
        assert_eq!(alarms(&scene), expected);
    }
}

#[test]
fn a_limit_that_is_configured_anew_counts_for_those_who_wait() {
    let mut scene = empty(policy());
    asks(&mut scene, None);
    scene.pass(HOUR);
    assert_eq!(alarms(&scene), [0; 0]);
    scene.give(Input::Policies(&policies(overall(), half_an_hour())));
    scene.pass(1);
    assert_eq!(alarms(&scene).len(), 1);
}
