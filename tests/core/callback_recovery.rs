//! What a crash of the daemon, or an outage of the link, leaves of attempts.

use crate::callback_attempts::{FIRST, ringing};
use crate::scheduler::{HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, nobody, overall, pbx, policies, policy, talk};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::attempt::cdr::Cdr;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::progress::{Facts, Step};
use callbackd_core::model::{AttemptResult, CallKey, LegResult, PbxId};

fn after_a_crash(pauses: bool) -> Scene {
    let before = ringing();
    let restored = RestoredState {
        open: vec![(before.row(1).clone(), vec![CallKey::new(&pbx(), "miss.1")])],
        in_flight: vec![before.attempts[FIRST].clone()],
        last_id: 1,
        ..RestoredState::default()
    };
    let mut agents = vec![agent("101", &["sales"]), agent("102", &["sales"])];
    if pauses {
        agents[0].queues[0].paused = true;
        agents[0].queues[0].paused_reason = "callbackd".into();
    }
    let mut scene = Scene::remembering(policy(), agents, restored);
    scene.attempts.clone_from(&before.attempts);
    scene.presence.blind = true;
    scene.settle();
    scene
}

#[test]
fn an_attempt_that_a_crash_hid_goes_on_if_its_channel_lives() {
    let mut scene = after_a_crash(false);
    scene.pass(HOUR / 2);
    assert!(scene.rung().is_empty(), "nothing is concluded before the lists have come");
    scene.presence.blind = false;
    scene.presence.live.insert(FIRST.into());
    scene.give(Input::InSync(&pbx()));
    assert!(scene.rung().is_empty());
    scene.ends(FIRST, talk(MONDAY_10, MINUTE));
    assert_eq!(scene.stands(1), "DONE");
}

#[test]
fn an_attempt_of_unknown_fate_is_lost_and_never_repeated_at_once() {
    let mut scene = after_a_crash(false);
    scene.presence.blind = false;
    scene.give(Input::InSync(&pbx()));
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::Lost));
    assert_eq!(scene.stands(1), "WAITING UNPROVEN");
    scene.pass(10 * MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung(), [("PJSIP/102".to_owned(), "cb-0a1b2c3d-1-2".to_owned())]);
}

#[test]
fn what_no_channel_tells_is_looked_up_in_asterisks_cdr() {
    let cdr = |dstchannel: &str, disposition: &str, seconds: i64| Cdr {
        dstchannel: dstchannel.into(),
        disposition: disposition.into(),
        answered: seconds > 0,
        billed_ms: seconds * SECOND,
    };
    let trunk = "PJSIP/provider-00000001";
    for (cdrs, result, stands) in [
        (vec![cdr("", "NO ANSWER", 0)], AttemptResult::AgentNoAnswer, "DIALING_AGENT"),
        (vec![cdr("", "ANSWERED", 4)], AttemptResult::AgentNoAnswer, "DIALING_AGENT"),
        (vec![cdr(trunk, "BUSY", 4)], AttemptResult::CustomerBusy, "WAITING RETRY_DELAY"),
        (vec![cdr(trunk, "NO ANSWER", 30)], AttemptResult::CustomerNoAnswer, "WAITING RETRY_DELAY"),
        (vec![cdr(trunk, "ANSWERED", 90)], AttemptResult::Connected, "DONE"),
        (vec![cdr(trunk, "ANSWERED", 20)], AttemptResult::Lost, "WAITING UNPROVEN"),
        (vec![], AttemptResult::Lost, "WAITING UNPROVEN"),
    ] {
        let mut scene = after_a_crash(false);
        let mut policy = policy();
        policy.look_up_cdr = true;
        scene.give(Input::Policies(&policies(overall(), policy)));
        scene.presence.blind = false;
        scene.give(Input::InSync(&pbx()));
        assert_eq!(scene.looked_up, [FIRST]);
        assert_eq!(scene.attempts[FIRST].result, None, "nothing is concluded before the answer");
        scene.give(Input::LookedUp { pbx: &PbxId::new("another"), channel_id: FIRST, cdrs: &cdrs });
        assert_eq!(scene.attempts[FIRST].result, None, "another PBX's records say nothing about it");
        scene.give(Input::LookedUp { pbx: &pbx(), channel_id: FIRST, cdrs: &cdrs });
        assert_eq!(scene.attempts[FIRST].result, Some(result), "{cdrs:?}");
        assert_eq!(scene.stands(1), stands, "{cdrs:?}");
    }
}

#[test]
fn pauses_of_ours_are_undone_after_a_crash() {
    let mut scene = after_a_crash(true);
    scene.presence.blind = false;
    scene.give(Input::InSync(&pbx()));
    let undone = PbxAction::Pause { queue: "sales".into(), interface: "PJSIP/101".into(), paused: false };
    assert_eq!(scene.deeds, [undone]);
}

#[test]
fn an_attempt_of_a_callback_that_was_closed_before_the_crash_gets_its_result() {
    let before = ringing();
    let restored =
        RestoredState { in_flight: vec![before.attempts[FIRST].clone()], last_id: 1, ..RestoredState::default() };
    let mut scene = Scene::remembering(policy(), Vec::new(), restored);
    scene.give(Input::InSync(&pbx()));
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::Lost));
}

#[test]
fn an_outage_in_the_middle_is_looked_up_like_a_crash() {
    for lives in [true, false] {
        let mut scene = ringing();
        scene.presence.blind = true;
        scene.give(Input::Unlinked(&pbx()));
        scene.pass(MINUTE);
        assert_eq!(scene.attempts[FIRST].result, None);
        scene.presence.blind = false;
        if !lives {
            scene.presence.live.clear();
        }
        scene.give(Input::InSync(&pbx()));
        assert_eq!(scene.attempts[FIRST].result, (!lives).then_some(AttemptResult::Lost));
    }
}

/// The next run, in which the attempt of this one is up.
fn goes_on(before: &Scene, restored: RestoredState) -> Scene {
    let restored = RestoredState { in_flight: vec![before.attempts[FIRST].clone()], last_id: 1, ..restored };
    let mut scene = Scene::remembering(policy(), vec![agent("101", &["sales"]), agent("102", &["sales"])], restored);
    scene.attempts.clone_from(&before.attempts);
    scene.presence.live.insert(FIRST.into());
    scene.give(Input::InSync(&pbx()));
    scene
}

#[test]
fn nobody_is_called_while_an_attempt_lives_whose_callback_was_closed_before_a_crash() {
    let before = ringing();
    let number = before.row(1).number_e164.clone().unwrap();
    let called = vec![(1, number.clone())];
    let mut scene = goes_on(&before, RestoredState { called, ..RestoredState::default() });
    scene.misses(&number, "sales");
    assert!(scene.rung().is_empty(), "they talk with us already");
    scene.ends(FIRST, talk(MONDAY_10, MINUTE));
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn a_customers_phone_that_rang_over_a_restart_is_not_taken_for_an_agent_who_did_not_accept() {
    let mut before = ringing();
    before.step(FIRST, Step::AgentAnswered);
    before.step(FIRST, Step::CustomerDialled);
    let open = vec![(before.row(1).clone(), vec![CallKey::new(&pbx(), "miss.1")])];
    let mut scene = goes_on(&before, RestoredState { open, ..RestoredState::default() });
    let unseen = Facts { agent: LegResult::Answered, agent_answered_ms: Some(MONDAY_10), ..nobody() };
    scene.ends(FIRST, unseen);
    assert_eq!(scene.attempts[FIRST].result, Some(AttemptResult::Lost));
    assert_eq!((scene.stands(1).as_str(), scene.row(1).counted), ("WAITING UNPROVEN", 1));
}
