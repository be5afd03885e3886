//! The wait estimate that callers hear at the greeting: published where the dialplan can read it, and honest.

use crate::scheduler::{ANN, BOB, HOUR, MINUTE, SECOND, Scene, agent, pbx};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policy;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::presence::Busy;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

fn policy() -> Policy {
    Policy { publish: true, ..crate::scheduler::policy() }
}

/// What the database of the PBX holds by now.
fn published(scene: &Scene) -> BTreeMap<String, String> {
    let mut held = BTreeMap::from([("number/stale".to_owned(), "open|1|".to_owned())]);
    for pbx_action in &scene.deeds {
        match pbx_action {
            PbxAction::PublishNothing => held.clear(),
            PbxAction::Publish { key, value: Some(value) } => drop(held.insert(key.clone(), value.clone())),
            PbxAction::Publish { key, value: None } => assert!(held.remove(key).is_some(), "{key} was never published"),
            _ => {}
        }
    }
    held
}

fn busy_hall() -> Scene {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"]), agent("102", &["sales"])]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    scene.pass(2 * SECOND);
    scene
}

#[test]
fn a_customer_finds_the_callback_under_their_number_as_it_may_arrive() {
    let mut scene = busy_hall();
    scene.misses(ANN, "sales");
    scene.pass(2 * SECOND);
    let held = published(&scene);
    // Two agents, three minutes for each callback until they have been seen to take more or less.
    assert_eq!(held["number/12025550123"], "open|2|PENDING");
    assert_eq!(held["number/2025550123"], "open|2|PENDING");
    assert!(!held.contains_key("number/stale"), "what an earlier run published is gone");
}

#[test]
fn those_behind_wait_longer_and_a_queue_says_how_long_a_new_one_would() {
    let mut scene = busy_hall();
    for number in [ANN, BOB] {
        scene.misses(number, "sales");
    }
    scene.pass(2 * SECOND);
    let held = published(&scene);
    assert_eq!(
        (held["number/12025550123"].as_str(), held["number/12025550124"].as_str()),
        ("open|2|PENDING", "open|3|PENDING")
    );
    assert_eq!((held["queue/sales/open"].as_str(), held["queue/sales/wait"].as_str()), ("2", "5"));
}

#[test]
fn what_is_over_is_taken_back() {
    let mut scene = busy_hall();
    scene.misses(ANN, "sales");
    scene.pass(2 * SECOND);
    scene.busy("PJSIP/101", None);
    scene.connects("cb-0a1b2c3d-1-1", MINUTE);
    scene.pass(2 * SECOND);
    let held = published(&scene);
    assert_eq!(held.keys().map(String::as_str).collect::<Vec<_>>(), ["queue/sales/open", "queue/sales/wait"]);
    assert_eq!(held["queue/sales/open"], "0");
}

#[test]
fn an_estimate_is_never_before_the_opening() {
    let mut policy = policy();
    policy.default.hours = Hours::parse("Mo-Fr 12:00-18:00", TimeZone::UTC, None).unwrap();
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    scene.pass(2 * SECOND);
    assert_eq!(published(&scene)["number/12025550123"], "open|123|OUT_OF_HOURS");
}

#[test]
fn after_an_outage_everything_is_published_anew() {
    let mut scene = busy_hall();
    scene.misses(ANN, "sales");
    scene.pass(HOUR / 2);
    let before = published(&scene);
    scene.deeds.clear();
    scene.presence.blind = true;
    scene.give(Input::Unlinked(&pbx()));
    scene.presence.blind = false;
    scene.give(Input::InSync(&pbx()));
    scene.pass(2 * SECOND);
    assert_eq!(published(&scene), before);
    assert_eq!(scene.deeds[0], PbxAction::PublishNothing);
}

#[test]
fn nothing_is_published_twice_and_nothing_without_the_option() {
    let mut scene = busy_hall();
    scene.misses(ANN, "sales");
    scene.pass(2 * SECOND);
    let before = scene.deeds.len();
    for _ in 0..10 {
        scene.give(Input::PresenceChanged);
        scene.pass(2 * SECOND);
    }
    assert_eq!(scene.deeds.len(), before);
    let mut silent = Scene::new(crate::scheduler::policy(), Vec::new());
    silent.misses(ANN, "sales");
    silent.pass(HOUR);
    assert!(silent.deeds.is_empty());
}

#[test]
fn a_queue_whose_name_cannot_be_part_of_a_key_is_left_out() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sa/les", "sup\nport"])]);
    scene.give(Input::PresenceChanged);
    scene.pass(2 * SECOND);
    assert!(published(&scene).is_empty());
}
