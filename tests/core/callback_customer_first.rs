//! The customer is dialled first, and put into the queue: only where an agent of that queue is set aside for the customer.

use crate::scheduler::{ANN, MINUTE, MONDAY_10, Scene, agent, policy, queue_policy};
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::{First, Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::{CallbackRow, FinishedCall};

fn customer_first() -> Policy {
    let mut policy = policy();
    policy.default.first = First::Customer;
    policy
}

const CUSTOMER: &str = "PJSIP/12025550123@provider";

#[test]
fn the_customer_may_be_dialled_first_and_then_put_into_the_queue() {
    let mut scene = Scene::new(customer_first(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung(), [(CUSTOMER.to_owned(), "cb-0a1b2c3d-1-1".to_owned())]);
    assert_eq!(scene.originates().next().unwrap().context, "callbackd-customer");
    assert_eq!(scene.stands(1), "DIALING_CUSTOMER");
    scene.connects("cb-0a1b2c3d-1-1", MINUTE);
    assert_eq!(scene.stands(1), "DONE");
}

#[test]
fn where_there_is_no_queue_to_put_the_customer_into_the_agent_is_first() {
    let mut scene = Scene::new(customer_first(), vec![agent("101", &["sales"])]);
    let call = FinishedCall { queue: None, did: None, ..scene.missed(ANN, "") };
    scene.recorded(&call);
    assert_eq!(scene.rung()[0].0, "PJSIP/101");
    assert_eq!(scene.originates().next().unwrap().context, "callbackd-agent");
}

#[test]
fn an_agent_whom_the_queue_would_not_ring_is_rung_directly() {
    // The owner is of another queue, as are agents named in the configuration and those of a fallback.
    let mut policy = customer_first();
    policy.queues.insert(
        "sales".into(),
        QueuePolicy { agents: vec!["PJSIP/102".into()], first: First::Customer, ..queue_policy() },
    );
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"]), agent("102", &["support"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rung()[0].0, "PJSIP/102");
}

#[test]
fn who_is_assigned_is_rung_directly_for_the_queue_might_ring_another() {
    let mut scene = Scene::new(customer_first(), Vec::new());
    scene.misses(ANN, "sales");
    let row = CallbackRow { assigned: Some("PJSIP/101".into()), ..scene.row(1).clone() };
    let restored = RestoredState { open: vec![(row, Vec::new())], last_id: 1, ..RestoredState::default() };
    let mut scene = Scene::remembering(customer_first(), vec![agent("101", &["sales"])], restored);
    scene.settle();
    assert_eq!(scene.rung()[0].0, "PJSIP/101");
}

#[test]
fn the_agent_is_not_paused_for_then_the_queue_could_not_ring_them() {
    let mut policy = customer_first();
    policy.pause_agent = true;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    assert!(matches!(&scene.deeds[..], [PbxAction::Originate(_)]), "{:?}", scene.deeds);
    assert!(scene.attempts["cb-0a1b2c3d-1-1"].intended_ms == MONDAY_10);
}
