//! On a FreePBX agents are rung around its voicemail, and keep what is known of them when their phone becomes known.

use crate::callback_attempts::FIRST;
use crate::scheduler::{ANN, MINUTE, SECOND, Scene, agent, nobody, pbx, policy, talk};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policy;
use callbackd_core::model::AgentKey;
use callbackd_core::model::presence::{AgentView, Busy};
use callbackd_core::model::progress::{Facts, Step};

/// How a stock FreePBX's queue dials extension 101.
const LOCAL: &str = "Local/101@from-queue/n";

/// An agent whom the queue dials so, and whose phone is not known.
fn behind(interface: &str) -> AgentView<'static> {
    let mut agent = agent("101", &["sales"]);
    agent.agent = interface.to_owned().into();
    agent.queues[0].interface = interface.to_owned().into();
    agent
}

fn rings(dial_agent: Option<&str>, freepbx: bool, agent: AgentView<'static>) -> String {
    let mut scene = Scene::new(Policy { dial_agent: dial_agent.map(str::to_owned), ..policy() }, vec![agent]);
    scene.signs.freepbx = freepbx;
    scene.misses(ANN, "sales");
    scene.rung().remove(0).0
}

#[test]
fn a_freepbx_rings_the_extension_without_its_mailbox_and_every_other_pbx_as_its_queue_does() {
    let around = "Local/101@originate-skipvm/n";
    assert_eq!(rings(None, true, behind(LOCAL)), around);
    assert_eq!(rings(None, true, behind("Local/101@from-internal/n")), around);
    let mut with_phone = behind(LOCAL);
    with_phone.agent = "PJSIP/9101".into(); // a device that is not named like the extension
    assert_eq!(rings(None, true, with_phone), around);
    assert_eq!(rings(None, true, behind("Local/101@own-context/n")), "Local/101@own-context/n");
    assert_eq!(rings(None, true, agent("101", &["sales"])), "PJSIP/101");
    assert_eq!(rings(None, false, behind(LOCAL)), LOCAL);
    assert_eq!(rings(Some("{interface}"), true, behind(LOCAL)), LOCAL, "the configuration says so");
}

#[test]
fn whether_it_is_a_freepbx_is_asked_with_a_right_that_callbackd_has() {
    let asked = PbxAction::AskFreepbx.action().unwrap();
    assert!(format!("{asked:?}").contains("DIALPLAN_EXISTS(originate-skipvm)"), "{asked:?}");
    assert_eq!(asked.name(), "Getvar");
}

#[test]
fn the_customer_is_shown_the_number_that_they_dialled_where_freepbx_would_show_the_trunks() {
    let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    let variables = &scene.originates().next().unwrap().variables;
    assert!(variables.contains(&("TRUNKCIDOVERRIDE", "5550100".to_owned())), "{variables:?}");
}

#[test]
fn an_agent_whose_phone_becomes_known_during_an_attempt_cools_down_under_that_name() {
    for ends_first in [false, true] {
        let mut scene = Scene::new(Policy { dial_agent: None, ..policy() }, vec![behind(LOCAL)]);
        scene.misses(ANN, "sales");
        scene.step(FIRST, Step::Seen);
        scene.presence.agents[0].agent = "PJSIP/101".into();
        if !ends_first {
            scene.pass(SECOND);
        }
        scene.ends(FIRST, nobody());
        let agents = scene.scheduler.agents();
        assert!(!agents.may_be_asked(&AgentKey::new(&pbx(), "PJSIP/101"), scene.now.mono_ms));
        scene.pass(MINUTE);
        assert_eq!(scene.rung().len(), 1, "the agent did not take it a minute ago");
        scene.pass(MINUTE + SECOND);
        assert_eq!(scene.rung().len(), 2);
    }
}

/// Whom an attempt is stored with.
fn stored(scene: &Scene, channel_id: &str) -> Option<String> {
    scene.attempts[channel_id].agent.clone()
}

#[test]
fn an_attempt_is_told_under_the_phone_that_became_known_and_of_whoever_answered_for_the_agent() {
    let mut scene = Scene::new(Policy { dial_agent: None, ..policy() }, vec![behind(LOCAL)]);
    scene.misses(ANN, "sales");
    scene.step(FIRST, Step::Seen);
    assert_eq!(stored(&scene, FIRST).as_deref(), Some(LOCAL));
    scene.presence.agents[0].agent = "PJSIP/101".into();
    scene.pass(SECOND);
    scene.ends(FIRST, nobody());
    assert_eq!(stored(&scene, FIRST).as_deref(), Some("PJSIP/101"));

    let mut scene = Scene::new(Policy { dial_agent: None, ..policy() }, vec![behind(LOCAL)]);
    scene.misses(ANN, "sales");
    scene.step(FIRST, Step::Seen);
    let now = scene.now.wall_ms;
    scene.ends(FIRST, Facts { taken_by: Some("PJSIP/102".to_owned()), ..talk(now, 30_000) });
    assert_eq!(stored(&scene, FIRST).as_deref(), Some("PJSIP/102"), "by a follow-me");
}

#[test]
fn who_is_assigned_or_named_as_the_queue_dials_them_is_asked_also_when_their_phone_has_become_known() {
    let mut known = behind(LOCAL);
    known.agent = "PJSIP/101".into();
    let mut scene = Scene::new(policy(), vec![agent("102", &["sales"]), known]);
    scene.busy("PJSIP/101", Some(Busy::OnCall));
    scene.busy("PJSIP/102", Some(Busy::OnCall));
    scene.misses(ANN, "sales");
    scene.asks(Command::Assign { id: 1, agent: Some(LOCAL.to_owned()), note: String::new() }).unwrap();
    scene.busy("PJSIP/101", None);
    scene.busy("PJSIP/102", None);
    scene.pass(SECOND);
    assert_eq!(stored(&scene, FIRST).as_deref(), Some("PJSIP/101"));

    let mut scene = Scene::new(policy(), vec![behind(LOCAL)]);
    scene.busy(LOCAL, Some(Busy::OnCall));
    scene.misses(ANN, "sales");
    scene.asks(Command::Assign { id: 1, agent: Some(LOCAL.to_owned()), note: String::new() }).unwrap();
    scene.presence.agents[0].agent = "PJSIP/101".into();
    scene.busy("PJSIP/101", None);
    scene.pass(SECOND);
    assert_eq!(stored(&scene, FIRST).as_deref(), Some("PJSIP/101"), "assigned before that");
}
