//! Customers who are called back before all others.

use crate::scheduler::{ANN, MINUTE, Scene, agent, overall, policies, policy};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::policy::{NumberPolicy, Policy};

const BEN: &str = "+12025550198";

fn with_vip(vip: &[&str]) -> Policy {
    let vip = vip.iter().map(|number| (*number).to_owned()).collect();
    Policy { number_policy: NumberPolicy { vip, ..policy().number_policy }, ..policy() }
}

/// Ann was missed a minute before Ben; then an agent comes. Who is called first?
fn first_called(mut scene: Scene, change: Option<Policy>) -> String {
    scene.misses(ANN, "sales");
    scene.pass(MINUTE);
    scene.misses(BEN, "sales");
    if let Some(policy) = change {
        scene.give(Input::Policies(&policies(overall(), policy)));
    }
    scene.presence.agents.push(agent("101", &["sales"]));
    scene.give(Input::PresenceChanged);
    let attempt = scene.attempts.values().next().expect("an attempt");
    scene.row(attempt.callback_id).number_e164.clone().unwrap().to_string()
}

#[test]
fn a_number_or_its_beginning_goes_first_however_late_it_was_missed() {
    for vip in [BEN, "+1202555019"] {
        assert_eq!(first_called(Scene::new(with_vip(&[vip]), Vec::new()), None), BEN, "{vip}");
    }
    assert_eq!(first_called(Scene::new(with_vip(&["+49"]), Vec::new()), None), ANN);
}

#[test]
fn a_configuration_that_is_read_anew_changes_the_order_of_those_who_wait() {
    assert_eq!(first_called(Scene::new(policy(), Vec::new()), Some(with_vip(&[BEN]))), BEN);
    assert_eq!(first_called(Scene::new(with_vip(&[BEN]), Vec::new()), Some(policy())), ANN);
}
