//! An agent who does not take several callbacks in a row is left out for longer, or paused.

use crate::scheduler::{ANN, BOB, MINUTE, SECOND, Scene, agent, customer, nobody, pbx, policy};
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::{OnMissedOffers, Policy};
use callbackd_core::model::progress::Step;
use callbackd_core::model::{Direction, LegResult};

/// After two in a row, half an hour; after one, two minutes.
fn two(on_missed_offers: OnMissedOffers) -> Policy {
    Policy { missed_offers: 2, on_missed_offers, ..policy() }
}

fn left_out() -> Policy {
    two(OnMissedOffers::LeaveOut { for_ms: 30 * MINUTE })
}

/// The agent's phone rings out.
fn misses_offer(scene: &mut Scene, n: u32) {
    scene.ends(&format!("cb-0a1b2c3d-1-{n}"), nobody());
}

fn why_not(scene: &Scene) -> String {
    scene.scheduler.why_not(&pbx(), &scene.presence.agents[0]).unwrap_or_default()
}

#[test]
fn after_several_in_a_row_the_pause_is_longer_and_says_so() {
    let mut scene = Scene::new(left_out(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    misses_offer(&mut scene, 1);
    assert_eq!(why_not(&scene), "did not take a callback, asked again in 120 s");
    scene.pass(2 * MINUTE);
    assert_eq!(scene.rung().len(), 2);
    misses_offer(&mut scene, 2);
    assert_eq!(why_not(&scene), "did not take 2 callbacks in a row, asked again in 1800 s");
    scene.pass(30 * MINUTE - 1);
    assert_eq!(scene.rung().len(), 2);
    scene.pass(1);
    assert_eq!(scene.rung().len(), 3);
}

#[test]
fn an_answered_call_ends_it() {
    let mut scene = Scene::new(left_out(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    misses_offer(&mut scene, 1);
    scene.pass(2 * MINUTE);
    misses_offer(&mut scene, 2);
    scene.pass(MINUTE);
    let call = scene.talked(BOB, "PJSIP/101", Direction::Inbound, 20 * SECOND);
    scene.recorded(&call);
    assert_eq!(why_not(&scene), "callback 1", "asked again at once");
    misses_offer(&mut scene, 3);
    assert_eq!(why_not(&scene), "did not take a callback, asked again in 120 s", "counted anew");
}

#[test]
fn a_call_that_was_answered_before_the_misses_does_not() {
    let mut scene = Scene::new(left_out(), vec![agent("101", &["sales"])]);
    let before = scene.talked(BOB, "PJSIP/101", Direction::Inbound, 20 * SECOND);
    scene.misses(ANN, "sales");
    misses_offer(&mut scene, 1);
    scene.pass(2 * MINUTE);
    misses_offer(&mut scene, 2);
    scene.recorded(&before);
    assert!(why_not(&scene).starts_with("did not take 2 callbacks"), "{}", why_not(&scene));
}

#[test]
fn a_callback_that_the_agent_takes_ends_the_row_though_the_customer_does_not_answer() {
    let mut scene = Scene::new(left_out(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    misses_offer(&mut scene, 1);
    scene.pass(2 * MINUTE);
    for step in [Step::Seen, Step::AgentAnswered, Step::CustomerDialled] {
        scene.step("cb-0a1b2c3d-1-2", step);
    }
    scene.ends("cb-0a1b2c3d-1-2", customer(LegResult::Busy, 17));
    scene.pass(2 * MINUTE);
    misses_offer(&mut scene, 3);
    assert_eq!(why_not(&scene), "did not take a callback, asked again in 120 s");
}

#[test]
fn by_option_the_agent_is_paused_in_all_queues_and_begins_anew() {
    let mut scene = Scene::new(two(OnMissedOffers::Pause), vec![agent("101", &["sales", "support"])]);
    scene.misses(ANN, "sales");
    let paused = |scene: &Scene| {
        let queue = |action: &PbxAction| match action {
            PbxAction::PauseAbsent { queue, interface, reason } => Some(format!("{queue} {interface} {reason}")),
            _ => None,
        };
        scene.deeds.iter().filter_map(queue).collect::<Vec<_>>()
    };
    misses_offer(&mut scene, 1);
    assert!(paused(&scene).is_empty());
    scene.pass(2 * MINUTE);
    misses_offer(&mut scene, 2);
    assert_eq!(paused(&scene), ["sales PJSIP/101 missed callbacks", "support PJSIP/101 missed callbacks"]);
    for member in &mut scene.presence.agents[0].queues {
        (member.paused, member.paused_reason) = (true, "missed callbacks".into());
    }
    scene.pass(60 * MINUTE);
    assert_eq!((scene.rung().len(), why_not(&scene).as_str()), (2, "paused (missed callbacks)"));
    for member in &mut scene.presence.agents[0].queues {
        member.paused = false;
    }
    scene.give(callbackd_core::callbacks::Input::PresenceChanged);
    misses_offer(&mut scene, 3);
    assert_eq!(paused(&scene).len(), 2, "counted anew");
}

#[test]
fn without_a_number_each_miss_is_as_the_first() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    for n in 1..=4 {
        misses_offer(&mut scene, n);
        assert_eq!(why_not(&scene), "did not take a callback, asked again in 120 s");
        scene.pass(2 * MINUTE);
    }
}
