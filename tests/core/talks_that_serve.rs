//! Which talks serve a customer: not those in which they are promised a later call, and those, too, whose end a restart hid but whose row is there.

use crate::callback_attempts::FIRST;
use crate::callback_promised::{before_they_talk, hangs_up, names, scene_with, starting, steps};
use crate::codes_by_hand::{sets, talked};
use crate::scheduler::{ANN, HOUR, MINUTE, SECOND, Scene, e164, pbx, policy};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::restore::{RestoredState, Served};
use callbackd_core::model::progress::{Line, Step};
use callbackd_core::model::{AttemptResult, CallKey, CallbackState, Direction, RecoveredBy};

/// A call that began so long ago ends now.
fn ends_now(scene: &mut Scene, direction: Direction, ms: i64) {
    let call = scene.talked(ANN, "PJSIP/101", direction, ms);
    scene.recorded(&call);
}

#[test]
fn a_time_that_is_named_while_an_agent_talks_with_them_is_kept_and_a_later_talk_serves_it() {
    for known in [false, true] {
        let mut scene = scene_with(policy());
        scene.presence.agents.clear();
        if known {
            names(&mut scene, "+1h");
        }
        scene.pass(MINUTE);
        let promised = names(&mut scene, "+2h").due_ms;
        scene.pass(10 * SECOND);
        ends_now(&mut scene, Direction::Outbound, 30 * SECOND);
        assert_eq!((scene.stands(1).as_str(), scene.row(1).due_ms), ("WAITING DELAY", promised), "{known}");
        scene.pass(MINUTE);
        ends_now(&mut scene, Direction::Outbound, 30 * SECOND);
        assert_eq!(scene.row(1).state, CallbackState::RecoveredByAgent, "{known}");
    }
}

#[test]
fn a_talk_that_goes_on_beyond_the_time_that_was_named_in_it_serves_them() {
    let mut scene = scene_with(policy());
    scene.presence.agents.clear();
    names(&mut scene, "+2h");
    scene.pass(3 * HOUR);
    ends_now(&mut scene, Direction::Outbound, 3 * HOUR + MINUTE);
    assert_eq!(scene.row(1).state, CallbackState::RecoveredByAgent);
}

#[test]
fn a_time_that_is_named_while_they_talk_in_a_call_of_theirs_outlives_a_restart_in_it() {
    let mut before = scene_with(policy());
    before.presence.agents.clear();
    before.line(ANN, true, Line::Busy);
    let since_ms = before.now.wall_ms;
    before.line(ANN, true, Line::Talking { agent: "PJSIP/101".into(), since_ms });
    before.pass(10 * SECOND);
    let promised = names(&mut before, "+2h").due_ms;
    before.pass(10 * SECOND);
    let open = vec![(before.row(1).clone(), Vec::new())];
    let mut scene = starting(RestoredState { open, last_id: 1, ..RestoredState::default() }, policy(), before.now);
    scene.rows.clone_from(&before.rows);
    scene.presence.agents.clear();
    scene.line(ANN, true, Line::Busy);
    scene.line(ANN, true, Line::Talking { agent: "PJSIP/101".into(), since_ms });
    assert_eq!((scene.stands(1).as_str(), scene.row(1).due_ms), ("WAITING DELAY", promised));
    scene.line(ANN, true, Line::Free);
    // They call again later, and talk.
    scene.pass(MINUTE);
    scene.line(ANN, true, Line::Busy);
    let since_ms = scene.now.wall_ms;
    scene.line(ANN, true, Line::Talking { agent: "PJSIP/101".into(), since_ms });
    assert_eq!(scene.row(1).state, CallbackState::RecoveredByCustomer);
}

#[test]
fn so_does_one_in_a_call_of_an_agent_whose_beginning_the_next_run_does_not_know() {
    let mut before = scene_with(policy());
    before.presence.agents.clear();
    let promised = names(&mut before, "+2h").due_ms;
    let open = vec![(before.row(1).clone(), Vec::new())];
    let mut scene = starting(RestoredState { open, last_id: 1, ..RestoredState::default() }, policy(), before.now);
    scene.rows.clone_from(&before.rows);
    scene.presence.agents.clear();
    scene.pass(2 * SECOND);
    scene.give(Input::InSync(&pbx()));
    scene.pass(10 * SECOND);
    // Found when the lists came, it seems to have begun then.
    ends_now(&mut scene, Direction::Outbound, 10 * SECOND);
    assert_eq!((scene.stands(1).as_str(), scene.row(1).due_ms), ("WAITING DELAY", promised));
    scene.pass(MINUTE);
    ends_now(&mut scene, Direction::Outbound, 10 * SECOND);
    assert_eq!(scene.row(1).state, CallbackState::RecoveredByAgent);
}

#[test]
fn a_code_that_asks_for_a_later_call_is_kept_over_the_talk_in_which_it_was_set() {
    let mut scene = scene_with(policy());
    scene.presence.agents.clear();
    let earlier = talked(&mut scene, "first");
    scene.pass(MINUTE);
    sets(&mut scene, &earlier, "FOLLOW_UP");
    let id = *scene.rows.keys().next_back().unwrap();
    scene.pass(10 * SECOND);
    ends_now(&mut scene, Direction::Outbound, 30 * SECOND);
    assert!(scene.row(id).state.is_open(), "{:?}", scene.row(id));
}

/// The daemon is restarted after they were connected; what the next run restores beside the attempt is `served`.
fn restarted_in_doubt(served: Vec<(callbackd_core::model::E164, Served)>, before: &Scene) -> Scene {
    let restored = RestoredState {
        open: vec![(before.row(1).clone(), Vec::new())],
        in_flight: vec![before.attempts[FIRST].clone()],
        last_id: 1,
        served,
        ..RestoredState::default()
    };
    let mut scene = starting(restored, policy(), before.now);
    scene.attempts.clone_from(&before.attempts);
    scene.rows.clone_from(&before.rows);
    scene
}

fn connected() -> (Scene, Served) {
    let mut scene = scene_with(policy());
    scene.misses(ANN, "sales");
    steps(&mut scene, &before_they_talk());
    scene.step(FIRST, Step::Connected);
    let began_ms = scene.now.wall_ms;
    scene.pass(MINUTE);
    let call = CallKey::new(&pbx(), "ours.1");
    let ended_ms = scene.now.wall_ms;
    (scene, Served { by: RecoveredBy::Callback, call, began_ms, at_ms: began_ms, ended_ms })
}

#[test]
fn whom_a_callback_served_is_not_called_again_because_a_restart_hid_its_end() {
    let (before, served) = connected();
    let mut scene = restarted_in_doubt(vec![(e164(ANN), served)], &before);
    scene.give(Input::InSync(&pbx()));
    assert_eq!((scene.stands(1).as_str(), scene.attempts[FIRST].result), ("DONE", Some(AttemptResult::Connected)));
}

#[test]
fn the_row_of_a_callback_that_comes_behind_the_doubt_ends_it() {
    let (before, served) = connected();
    let mut scene = restarted_in_doubt(Vec::new(), &before);
    scene.give(Input::InSync(&pbx()));
    assert_eq!(scene.stands(1), "WAITING UNPROVEN");
    let row = scene.talked(ANN, "PJSIP/101", Direction::Callback, served.ended_ms - served.began_ms);
    scene.recorded(&row);
    assert_eq!(scene.stands(1), "DONE");
}

#[test]
fn what_a_code_asked_while_the_agent_was_rung_is_answered_by_the_talk_and_what_it_asks_in_the_talk_is_not() {
    for in_talk in [false, true] {
        let mut scene = scene_with(policy());
        let call = talked(&mut scene, "first");
        scene.misses(ANN, "sales");
        let id = *scene.rows.keys().next_back().unwrap();
        let code = |scene: &mut Scene| sets(scene, &call, "CALLBACK");
        steps(&mut scene, &before_they_talk());
        if !in_talk {
            code(&mut scene);
        }
        scene.pass(SECOND);
        scene.step(FIRST, Step::Connected);
        scene.pass(SECOND);
        if in_talk {
            code(&mut scene);
        }
        hangs_up(&mut scene);
        assert_eq!(scene.stands(id), "DONE");
        let open = scene.rows.values().filter(|row| row.state.is_open()).count();
        assert_eq!(open, usize::from(in_talk), "{:?}", scene.rows);
    }
}
