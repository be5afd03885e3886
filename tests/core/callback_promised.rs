//! What a customer is promised is kept: a time that is named while they talk, a wish in a call that is not a missed one, and never a time at
//! which nobody is called.

use crate::callback_attempts::FIRST;
use crate::codes_by_hand::{sets, takes_off, talked};
use crate::scheduler::{
    ANN, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, overall, pbx, policies, policy, queue_policy, talk,
};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::commands::{CallbackRequest, Command, Done};
use callbackd_core::callbacks::policy::{Policies, Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::codes::Codes;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::progress::{Line, Step};
use callbackd_core::model::{CallbackRow, CallbackState, Direction, FinishedCall, Moment, Quality, Tag};
use jiff::tz::TimeZone;

pub fn starting(restored: RestoredState, policy: Policy, now: Moment) -> Scene {
    let policies = Policies { codes: Codes::default(), ..policies(overall(), policy) };
    Scene::starting(policies, vec![agent("101", &["sales"])], restored, now)
}

pub fn scene_with(policy: Policy) -> Scene {
    starting(RestoredState::default(), policy, Moment { wall_ms: MONDAY_10, mono_ms: 1_000_000 })
}

/// Somebody names this time for Ann.
pub fn names(scene: &mut Scene, at: &str) -> CallbackRow {
    let named = CallbackRequest { number: ANN.into(), at: Some(at.into()), ..CallbackRequest::default() };
    match scene.asks(Command::Add(named)) {
        Ok(Done::Callback(row)) => *row,
        other => panic!("{other:?}"),
    }
}

pub fn steps(scene: &mut Scene, steps: &[Step]) {
    steps.iter().for_each(|step| scene.step(FIRST, step.clone()));
}

pub fn before_they_talk() -> [Step; 3] {
    [Step::Seen, Step::AgentAnswered, Step::CustomerDialled]
}

/// They talked for a minute.
pub fn hangs_up(scene: &mut Scene) {
    let from = scene.now.wall_ms;
    scene.pass(MINUTE);
    scene.ends(FIRST, talk(from, MINUTE));
}

#[test]
fn a_time_that_is_named_while_they_talk_is_a_callback_of_its_own_when_they_have_talked() {
    let mut scene = scene_with(policy());
    scene.misses(ANN, "sales");
    steps(&mut scene, &before_they_talk());
    scene.step(FIRST, Step::Connected);
    scene.step(FIRST, Step::Connected); // said twice
    let promised = names(&mut scene, "+2h").due_ms;
    hangs_up(&mut scene);
    assert_eq!(scene.stands(1), "DONE");
    let row = scene.row(2);
    assert_eq!((row.state, row.due_ms, row.requested_for_ms), (CallbackState::Waiting, promised, Some(promised)));
    assert_eq!((row.requested, row.queue.as_deref(), row.missed_count), (true, Some("sales"), 0));
    assert_eq!(scene.story.last().unwrap().1.note, "requested while they talked in callback 1");
}

/// The daemon is restarted while they talk.
fn restarted(before: &Scene) -> Scene {
    let restored = RestoredState {
        open: vec![(before.row(1).clone(), Vec::new())],
        in_flight: vec![before.attempts[FIRST].clone()],
        last_id: 1,
        ..RestoredState::default()
    };
    let mut scene = starting(restored, policy(), before.now);
    scene.attempts.clone_from(&before.attempts);
    scene.rows.clone_from(&before.rows);
    scene.presence.live.insert(FIRST.into());
    scene.give(Input::InSync(&pbx()));
    scene.step(FIRST, Step::Seen);
    scene.step(FIRST, Step::Connected);
    scene
}

#[test]
fn it_is_so_over_a_restart_in_the_talk() {
    let mut scene = scene_with(policy());
    scene.misses(ANN, "sales");
    steps(&mut scene, &before_they_talk());
    scene.step(FIRST, Step::Connected);
    let promised = names(&mut scene, "+2h").due_ms;
    let mut scene = restarted(&scene);
    hangs_up(&mut scene);
    assert_eq!((scene.stands(1).as_str(), scene.row(2).due_ms), ("DONE", promised));
}

#[test]
fn a_time_that_was_named_before_they_talked_is_served_by_the_talk_and_kept_where_they_hardly_talked() {
    for restarts in [false, true] {
        for (talked_ms, then) in [(MINUTE, "DONE"), (SECOND, "WAITING DELAY")] {
            let mut scene = scene_with(policy());
            scene.misses(ANN, "sales");
            steps(&mut scene, &before_they_talk());
            let promised = names(&mut scene, "+2h").due_ms;
            scene.step(FIRST, Step::Connected);
            if restarts {
                scene = restarted(&scene);
            }
            let from = scene.now.wall_ms;
            scene.pass(MINUTE);
            scene.ends(FIRST, talk(from, talked_ms));
            assert_eq!((scene.stands(1).as_str(), scene.rows.len()), (then, 1), "restarts: {restarts}");
            assert!(talked_ms == MINUTE || scene.row(1).due_ms == promised, "restarts: {restarts}");
        }
    }
}

#[test]
fn a_time_that_is_named_while_they_talk_is_no_code_s_and_lives_as_long_as_a_promise() {
    let mut scene = scene_with(policy());
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "CALLBACK");
    steps(&mut scene, &before_they_talk());
    scene.step(FIRST, Step::Connected);
    let promised = names(&mut scene, "+2h").due_ms;
    sets(&mut scene, &call, "FOLLOW_UP");
    hangs_up(&mut scene);
    assert_eq!((scene.row(2).due_ms, scene.row(2).code.as_deref()), (promised, None));
    assert!(scene.row(2).expires_ms >= promised + policy().default.expire_requested_ms);
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    assert!(scene.row(2).state.is_open(), "it was promised");
}

#[test]
fn a_time_that_is_named_while_they_talk_outlives_a_code_that_a_mistake_set_and_another_call_of_theirs() {
    let mut scene = scene_with(policy());
    let call = talked(&mut scene, "first");
    scene.misses(ANN, "sales");
    steps(&mut scene, &before_they_talk());
    scene.step(FIRST, Step::Connected);
    let promised = names(&mut scene, "+2h").due_ms;
    sets(&mut scene, &call, "SPAM");
    hangs_up(&mut scene);
    assert_eq!(scene.row(2).state, CallbackState::Dnc);
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!((scene.stands(2).as_str(), scene.row(2).due_ms), ("WAITING DELAY", promised));

    let mut scene = scene_with(policy());
    scene.misses(ANN, "sales");
    steps(&mut scene, &before_they_talk());
    scene.step(FIRST, Step::Connected);
    let promised = names(&mut scene, "+2h").due_ms;
    let outbound = scene.talked(ANN, "PJSIP/102", Direction::Outbound, MINUTE);
    scene.recorded(&outbound);
    assert_eq!((scene.row(1).state, scene.row(2).due_ms), (CallbackState::RecoveredByAgent, promised));
}

#[test]
fn a_wish_in_a_talk_is_not_answered_by_that_talk_when_the_daemon_is_restarted_in_it() {
    let mut scene = scene_with(policy());
    scene.presence.agents.clear();
    let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
    let said = |code: &str, note: &str| Tag {
        code: code.into(),
        note: note.into(),
        by: "caller".into(),
        at_ms: talk.ended_ms,
    };
    let tags = vec![said("CALLBACK", ""), said("CALLBACK_AT", "+2h")];
    let cut = FinishedCall { linkedid: format!("live.{ANN}"), quality: Quality::Gap, tags, ..talk.clone() };
    scene.recorded(&cut);
    let promised = scene.row(1).due_ms;
    assert_eq!((promised, scene.row(1).missed_count), (talk.ended_ms + 2 * HOUR, 0), "nobody was missed");
    // It goes on in the next run, which has not heard the wish.
    scene.line(ANN, true, Line::Busy);
    scene.line(ANN, true, Line::Talking { agent: "PJSIP/101".into(), since_ms: scene.now.wall_ms });
    scene.recorded(&FinishedCall { quality: Quality::Partial, tags: Vec::new(), ..cut });
    assert_eq!((scene.stands(1).as_str(), scene.row(1).due_ms), ("WAITING DELAY", promised));
}

#[test]
fn a_wish_in_a_call_that_we_made_is_a_callback_at_the_time_that_was_named_with_it() {
    for (direction, named) in [
        (Direction::Outbound, None),
        (Direction::Outbound, Some("+2h")),
        (Direction::Callback, None),
        (Direction::Callback, Some("+2h")),
    ] {
        let mut scene = scene_with(policy());
        scene.presence.agents.clear();
        let call = scene.talked(ANN, "PJSIP/101", direction, MINUTE);
        let said = |code: &str, note: &str| Tag {
            code: code.into(),
            note: note.into(),
            by: "caller".into(),
            at_ms: call.ended_ms,
        };
        let mut tags = vec![said("CALLBACK", "support")];
        tags.extend(named.map(|time| said("CALLBACK_AT", time)));
        let call =
            FinishedCall { tags, callback_id: (direction == Direction::Callback).then_some(7), queue: None, ..call };
        scene.recorded(&call);
        scene.recorded(&call); // the row comes again
        assert_eq!(scene.rows.len(), 1, "{direction} {named:?}");
        let row = scene.row(1);
        let after = if named.is_some() { 2 * HOUR } else { 0 };
        assert_eq!(
            (row.due_ms, row.queue.as_deref()),
            (call.ended_ms + after, Some("support")),
            "{direction} {named:?}"
        );
        assert!(row.requested && row.state.is_open());
    }
}

#[test]
fn a_time_is_never_promised_at_which_nobody_is_called_any_more() {
    let hours = Hours::parse("Mo-Su 10:00-18:00", TimeZone::UTC, None).unwrap();
    let day = |last_dispatch_ms| Policy {
        default: QueuePolicy { hours: hours.clone(), last_dispatch_ms, ..queue_policy() },
        ..policy()
    };
    let opening = MONDAY_10 + 24 * HOUR;
    for (named, promised) in [
        ("+7h54m", MONDAY_10 + 7 * HOUR + 54 * MINUTE),
        ("+7h55m", opening), // five minutes before closing nobody is called any more
        ("+7h59m", opening),
        ("+8h", opening),
    ] {
        let mut scene = scene_with(day(5 * MINUTE));
        let row = names(&mut scene, named);
        assert_eq!((row.due_ms, row.requested_for_ms), (promised, Some(promised)), "{named}");
    }
    // Hours that are shorter than that have no time at all.
    let mut scene = scene_with(day(9 * HOUR));
    let never = CallbackRequest { number: ANN.into(), at: Some("+1h".into()), ..CallbackRequest::default() };
    assert!(scene.asks(Command::Add(never)).is_err());
}
