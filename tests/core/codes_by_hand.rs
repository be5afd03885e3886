//! Codes that people set on calls and take off them: what a code meant is taken back with it, and nothing that others asked for.

use crate::callback_attempts::FIRST;
use crate::scheduler::{
    ANN, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, customer, overall, pbx, policies, policy, talk,
};
use callbackd_core::callbacks::commands::{CallbackRequest, Command, Done};
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::codes::{ClosedByList, Codes, Said};
use callbackd_core::model::progress::Step;
use callbackd_core::model::{
    AskedBy, CallKey, CallbackRow, CallbackState, Direction, FinishedCall, LegResult, Moment, Tag, TagChange,
};

pub const DAY: i64 = 24 * HOUR;

pub fn starting(restored: RestoredState, now: Moment) -> Scene {
    let policies = Policies { codes: Codes::default(), ..policies(overall(), policy()) };
    Scene::starting(policies, vec![agent("101", &["sales"])], restored, now)
}

pub fn scene() -> Scene {
    starting(RestoredState::default(), Moment { wall_ms: MONDAY_10, mono_ms: 1_000_000 })
}

/// A call in which an agent talked with Ann, with its row.
pub fn talked(scene: &mut Scene, linkedid: &str) -> FinishedCall {
    let call = FinishedCall { linkedid: linkedid.into(), ..scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE) };
    scene.recorded(&call);
    call
}

/// A person sets this code on the call.
pub fn sets(scene: &mut Scene, call: &FinishedCall, word: &str) -> Tag {
    scene.pass(SECOND);
    let set = Command::Tag { call: Box::new(call.into()), code: word.into(), note: "by phone".into() };
    match scene.asks(set) {
        Ok(Done::Tagged(tagged)) => tagged.tag,
        other => panic!("{other:?}"),
    }
}

/// What stands on the call after all that people said of it.
fn of_call(scene: &Scene, call: &FinishedCall) -> Vec<Tag> {
    let mut on_it: Vec<Tag> = Vec::new();
    for change in scene.tags.iter().filter(|change| *change.linkedid == *call.linkedid) {
        on_it.retain(|tag| tag.code != change.tag.code);
        on_it.extend((!change.removed).then(|| change.tag.clone()));
    }
    on_it
}

/// The customer's last callbacks, as far back as the list closed them.
fn closed(scene: &Scene) -> Vec<ClosedByList> {
    let own = scene.rows.values().rev().filter(|row| row.reason != "JOINED");
    let last = own.take_while(|row| row.state == CallbackState::Dnc);
    let mut closed: Vec<ClosedByList> = last.map(|row| closed_by_list(scene, row)).collect();
    closed.reverse();
    closed
}

fn closed_by_list(scene: &Scene, row: &CallbackRow) -> ClosedByList {
    let before = scene.story.iter().rfind(|(id, step)| *id == row.id && step.state != CallbackState::Dnc);
    let asked = scene.asked.iter().filter(|(id, by)| *id == row.id && is_on(scene, by));
    let misses = scene.misses.iter().filter(|(id, _)| *id == row.id);
    ClosedByList {
        held: before.is_some_and(|(_, step)| step.reason == "HELD"),
        asked: asked.map(|(_, by)| by.clone()).collect(),
        misses: misses.map(|(_, linkedid)| CallKey::new(&pbx(), linkedid)).collect(),
        row: row.clone(),
    }
}

/// This code is on its call still.
fn is_on(scene: &Scene, by: &AskedBy) -> bool {
    let is_it = |change: &&TagChange| *change.linkedid == *by.call.linkedid && *change.tag.code == *by.code;
    scene.tags.iter().rfind(is_it).is_some_and(|change| !change.removed)
}

/// A person takes this code off the call; `elsewhere`: what suppresses on Ann's other calls.
pub fn takes_off(scene: &mut Scene, call: &FinishedCall, word: &str, elsewhere: Vec<Tag>) {
    scene.pass(SECOND);
    takes_off_beside(scene, call, word, elsewhere, &[call]);
}

/// The same where Ann had these calls.
pub fn takes_off_beside(
    scene: &mut Scene,
    call: &FinishedCall,
    word: &str,
    elsewhere: Vec<Tag>,
    all: &[&FinishedCall],
) {
    let is_heeded = |call: &FinishedCall, tag: &Tag| {
        scene.asked.iter().any(|(_, by)| by.is(&call.key(), &tag.code) && by.at_ms >= tag.at_ms)
    };
    let asks = |call: &FinishedCall, tag: &Tag| {
        ["FOLLOW_UP", "CALLBACK"].contains(&tag.code.as_str()) && !is_heeded(call, tag)
    };
    let of = |call: &&FinishedCall| -> Vec<(FinishedCall, Tag)> {
        of_call(scene, call).into_iter().filter(|tag| asks(call, tag)).map(|tag| ((*call).clone(), tag)).collect()
    };
    let unheeded = all.iter().flat_map(of).collect();
    let said = Box::new(Said { of_call: of_call(scene, call), elsewhere, closed: closed(scene), unheeded });
    scene.asks(Command::Untag { call: Box::new(call.into()), said, code: word.into() }).unwrap();
}

pub fn listed(scene: &Scene) -> Option<&str> {
    scene.do_not_call.get(ANN).map(|entry| &*entry.reason)
}

pub fn asks_for(scene: &mut Scene, requested: bool, at: Option<&str>) {
    let (number, at) = (ANN.into(), at.map(str::to_owned));
    scene.asks(Command::Add(CallbackRequest { number, at, requested, ..CallbackRequest::default() })).unwrap();
}

#[test]
fn a_code_that_a_person_sets_is_stored_and_followed_and_what_it_meant_is_taken_back_with_it() {
    let mut scene = scene();
    let call = talked(&mut scene, "first");
    let tag = sets(&mut scene, &call, "follow_up");
    assert_eq!((tag.code.as_str(), tag.note.as_str(), tag.by.as_str()), ("FOLLOW_UP", "by phone", "ann"));
    let stored = &scene.tags[0];
    assert_eq!((&stored.tag, stored.removed, stored.linkedid.as_str()), (&tag, false, call.linkedid.as_str()));
    assert_eq!(scene.stands(1), "WAITING DELAY");
    assert_eq!((scene.row(1).code.as_deref(), &scene.row(1).first_miss), (Some("FOLLOW_UP"), &Some(call.key())));
    assert_eq!(scene.story.last().unwrap().1.note, "requested by FOLLOW_UP: by phone");
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    assert_eq!(scene.row(1).state, CallbackState::Cancelled);
    assert!(scene.tags[1].removed);
    sets(&mut scene, &call, "SPAM");
    assert_eq!(listed(&scene), Some("SPAM"));
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert!(scene.do_not_call.is_empty());
}

#[test]
fn a_callback_that_something_else_asks_for_too_outlives_the_code() {
    let open_after = |before: fn(&mut Scene), after: fn(&mut Scene, &FinishedCall)| {
        let mut scene = scene();
        scene.presence.agents.clear();
        before(&mut scene);
        let call = talked(&mut scene, "first");
        sets(&mut scene, &call, "FOLLOW_UP");
        after(&mut scene, &call);
        takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
        assert_eq!(scene.rows.len(), 1);
        scene.row(1).state.is_open()
    };
    let nothing = |_: &mut Scene, _: &FinishedCall| {};
    assert!(!open_after(|_| {}, nothing), "nobody else");
    assert!(open_after(|_| {}, |scene, _| asks_for(scene, true, None)), "the customer, by a form");
    assert!(open_after(|_| {}, |scene, _| asks_for(scene, false, Some("+3h"))), "a person, who named a time");
    assert!(open_after(|_| {}, |scene, _| drop(scene.misses(ANN, "sales"))), "a miss");
    let another = |scene: &mut Scene, _: &FinishedCall| {
        let short = scene.talked(ANN, "PJSIP/101", Direction::Outbound, SECOND);
        let other = FinishedCall { linkedid: "second".into(), ..short };
        scene.recorded(&other);
        sets(scene, &other, "FOLLOW_UP");
    };
    assert!(open_after(|_| {}, another), "the code of another call");
    let tried = |scene: &mut Scene, _: &FinishedCall| {
        scene.asks(Command::Retry { id: 1, note: String::new() }).unwrap();
    };
    assert!(open_after(|_| {}, tried), "a person, who had it tried at once");
    let again = |scene: &mut Scene, call: &FinishedCall| drop(sets(scene, call, "FOLLOW_UP"));
    assert!(!open_after(|_| {}, again), "the same code once more is no other reason");
}

#[test]
fn a_callback_that_was_there_before_the_code_outlives_it() {
    for requested in [false, true] {
        let mut scene = scene();
        scene.presence.agents.clear();
        let call = talked(&mut scene, "first");
        asks_for(&mut scene, requested, None);
        sets(&mut scene, &call, "FOLLOW_UP");
        takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
        assert!(scene.row(1).state.is_open(), "requested: {requested}");
    }
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = scene.misses(ANN, "sales");
    sets(&mut scene, &call, "FOLLOW_UP");
    assert!(scene.row(1).requested);
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    assert!(scene.row(1).state.is_open(), "of a missed call");
}

#[test]
fn a_callback_lasts_until_the_last_code_of_its_call_that_asks_for_it_is_taken_off() {
    let mut scene = scene();
    scene.presence.agents.clear();
    // Set in one go, by an agent's feature code for example. The sooner of two says when it is due.
    let by_agent = |code: &str, at_ms| Tag { code: code.into(), note: String::new(), by: "PJSIP/101".into(), at_ms };
    let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
    let said = vec![by_agent("FOLLOW_UP", talk.ended_ms), by_agent("CALLBACK", talk.ended_ms)];
    let call = FinishedCall { tags: said, ..talk };
    scene.recorded(&call);
    assert_eq!((scene.rows.len(), scene.row(1).due_ms), (1, call.ended_ms));
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    assert_eq!((scene.stands(1).as_str(), scene.row(1).code.as_deref()), ("WAITING NO_AGENT", Some("CALLBACK")));
    assert_eq!(scene.row(1).due_ms, call.ended_ms);
    takes_off(&mut scene, &call, "CALLBACK", Vec::new());
    assert_eq!(scene.row(1).state, CallbackState::Cancelled);
    // Of two calls.
    let mut scene = self::scene();
    scene.presence.agents.clear();
    let calls = ["first", "second"].map(|linkedid| talked(&mut scene, linkedid));
    calls.iter().for_each(|call| drop(sets(&mut scene, call, "FOLLOW_UP")));
    assert_eq!(scene.rows.len(), 1);
    takes_off(&mut scene, &calls[0], "FOLLOW_UP", Vec::new());
    assert!(scene.row(1).state.is_open());
    takes_off(&mut scene, &calls[1], "FOLLOW_UP", Vec::new());
    assert_eq!(scene.row(1).state, CallbackState::Cancelled);
    // Set one after the other.
    for first in ["FOLLOW_UP", "CALLBACK"] {
        let mut scene = self::scene();
        scene.presence.agents.clear();
        let call = talked(&mut scene, "first");
        sets(&mut scene, &call, "FOLLOW_UP");
        sets(&mut scene, &call, "CALLBACK");
        takes_off(&mut scene, &call, first, Vec::new());
        assert!(scene.row(1).state.is_open());
        let other = if first == "CALLBACK" { "FOLLOW_UP" } else { "CALLBACK" };
        takes_off(&mut scene, &call, other, Vec::new());
        assert_eq!(scene.row(1).state, CallbackState::Cancelled, "{first} first");
    }
}

#[test]
fn who_is_on_the_do_not_call_list_for_another_reason_stays_there_when_a_code_is_taken_off() {
    let by_hand = |reason: &str, for_ms| Command::DncAdd { number: ANN.into(), reason: reason.into(), for_ms };
    // By hand, in the same word.
    let mut scene = self::scene();
    let call = talked(&mut scene, "first");
    scene.asks(by_hand("SPAM", None)).unwrap();
    sets(&mut scene, &call, "SPAM");
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(scene.do_not_call[ANN].until_ms, None, "for ever, as it was put there by hand");
    // Set once more, it is one and the same.
    let mut scene = self::scene();
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "WRONG_NUMBER");
    sets(&mut scene, &call, "WRONG_NUMBER");
    takes_off(&mut scene, &call, "WRONG_NUMBER", Vec::new());
    assert_eq!(listed(&scene), None);
    // By another code of the call.
    for (first, second) in [("SPAM", "WRONG_NUMBER"), ("WRONG_NUMBER", "SPAM")] {
        let mut scene = self::scene();
        let call = talked(&mut scene, "first");
        sets(&mut scene, &call, first);
        sets(&mut scene, &call, second);
        takes_off(&mut scene, &call, "WRONG_NUMBER", Vec::new());
        assert_eq!(listed(&scene), Some("SPAM"));
        sets(&mut scene, &call, "WRONG_NUMBER");
        takes_off(&mut scene, &call, "SPAM", Vec::new());
        assert_eq!(listed(&scene), Some("WRONG_NUMBER"));
        takes_off(&mut scene, &call, "WRONG_NUMBER", Vec::new());
        assert_eq!(listed(&scene), None);
    }
    // By the same code of another call.
    let mut scene = self::scene();
    let (call, other) = (talked(&mut scene, "first"), talked(&mut scene, "second"));
    let of_first = sets(&mut scene, &call, "SPAM");
    sets(&mut scene, &other, "SPAM");
    takes_off(&mut scene, &other, "SPAM", vec![of_first.clone()]);
    let entry = &scene.do_not_call[ANN];
    assert_eq!((&*entry.reason, entry.added_ms), ("SPAM", of_first.at_ms));
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(listed(&scene), None);
    // Taken off and put there again by hand.
    sets(&mut scene, &call, "SPAM");
    scene.pass(SECOND);
    scene.asks(by_hand("asked", None)).unwrap();
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(listed(&scene), Some("asked"));
}

#[test]
fn a_code_replaces_no_entry_of_the_list_that_lasts_longer() {
    let mut scene = scene();
    let call = talked(&mut scene, "first");
    let by_hand = |for_ms| Command::DncAdd { number: ANN.into(), reason: "asked".into(), for_ms };
    scene.asks(by_hand(Some(2 * 365 * DAY))).unwrap();
    sets(&mut scene, &call, "SPAM");
    assert_eq!(listed(&scene), Some("asked"));
    // A shorter one by hand does not end what the code says.
    scene.asks(by_hand(Some(MINUTE))).unwrap();
    assert_eq!(scene.do_not_call[ANN].code.as_deref(), Some("SPAM"));
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    // A longer one goes with the code: what a person said stays.
    scene.asks(by_hand(Some(DAY))).unwrap();
    let asked = scene.do_not_call[ANN].clone();
    sets(&mut scene, &call, "SPAM");
    sets(&mut scene, &call, "WRONG_NUMBER");
    let entry = &scene.do_not_call[ANN];
    assert_eq!((entry.code.as_deref(), entry.by_hand_until_ms), (Some("WRONG_NUMBER"), asked.until_ms));
    assert_eq!(entry.until_ms, None);
    takes_off(&mut scene, &call, "WRONG_NUMBER", Vec::new());
    assert_eq!(scene.do_not_call[ANN].code.as_deref(), Some("SPAM"));
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(scene.do_not_call[ANN], asked);
    sets(&mut scene, &call, "SPAM");
    scene.pass(2 * DAY);
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(listed(&scene), None, "its time was over");
}

/// Ann is being called, for the last time if `attempts` is that of `callback.max_attempts`.
fn being_called(attempts: u32) -> (Scene, FinishedCall) {
    let mut scene = scene();
    let call = talked(&mut scene, "earlier");
    scene.pass(HOUR);
    scene.misses(ANN, "sales");
    for n in 1..attempts {
        rings_in_vain(&mut scene, n);
        scene.pass(15 * MINUTE);
    }
    (scene, call)
}

#[test]
fn a_code_that_is_taken_off_during_the_attempt_ends_that_unless_they_talk_and_then_no_other_follows() {
    for (talking, restarts) in [(false, false), (true, false), (true, true)] {
        let mut scene = scene();
        let call = talked(&mut scene, "first");
        sets(&mut scene, &call, "CALLBACK");
        scene.step(FIRST, Step::Seen);
        if talking {
            for step in [Step::AgentAnswered, Step::CustomerDialled, Step::Connected] {
                scene.step(FIRST, step);
            }
        }
        takes_off(&mut scene, &call, "CALLBACK", Vec::new());
        assert_eq!(scene.row(1).state == CallbackState::Talking, talking);
        assert_eq!(scene.hung_up().is_empty(), talking);
        if restarts {
            scene = restarted(&scene, Vec::new());
        }
        if talking {
            let from = scene.now.wall_ms;
            scene.ends(FIRST, talk(from, SECOND));
        }
        assert_eq!(scene.row(1).state, CallbackState::Cancelled, "talking: {talking}, restarts: {restarts}");
    }
}

#[test]
fn a_row_that_is_corrected_later_cancels_no_callback_of_a_code_and_lists_nobody_again() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "FOLLOW_UP");
    scene.recorded(&FinishedCall { talk_ms: call.talk_ms + 1, ..call });
    assert!(scene.row(1).state.is_open());
    let at_ms = scene.now.wall_ms;
    let spam = Tag { code: "SPAM".into(), note: String::new(), by: "dialplan".into(), at_ms };
    let call = FinishedCall { tags: vec![spam], ..talked(&mut scene, "second") };
    scene.recorded(&call);
    assert_eq!(listed(&scene), Some("SPAM"));
    scene.asks(Command::DncRemove { number: ANN.into() }).unwrap();
    scene.recorded(&FinishedCall { talk_ms: call.talk_ms + 1, ..call });
    assert_eq!(listed(&scene), None, "a person took the number off the list");
}

#[test]
fn whoever_is_missed_while_a_code_waits_for_its_time_is_called_back_as_others_are() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "FOLLOW_UP");
    assert_eq!(scene.row(1).due_ms, scene.now.wall_ms + DAY);
    scene.pass(HOUR);
    scene.misses(ANN, "sales");
    assert!(scene.row(1).due_ms <= scene.now.wall_ms, "{:?}", scene.row(1));
}

fn attempt(n: u32) -> String {
    FIRST.replace("-1-1", &format!("-1-{n}"))
}

/// The agent picks up, the customer does not.
fn rings_in_vain(scene: &mut Scene, n: u32) {
    let id = attempt(n);
    scene.step(&id, Step::Seen);
    scene.step(&id, Step::AgentAnswered);
    scene.step(&id, Step::CustomerDialled);
    scene.ends(&id, customer(LegResult::NoAnswer, 19));
}

#[test]
fn whoever_asks_while_the_last_attempt_goes_on_is_called_once_more() {
    let (mut scene, _) = being_called(3);
    rings_in_vain(&mut scene, 3);
    assert_eq!(scene.row(1).state, CallbackState::Exhausted, "nobody asked");

    let (mut scene, _) = being_called(3);
    asks_for(&mut scene, true, Some("+3h"));
    let at = scene.now.wall_ms + 3 * HOUR;
    rings_in_vain(&mut scene, 3);
    assert_eq!((scene.stands(1).as_str(), scene.row(1).due_ms), ("WAITING DELAY", at), "for the time that was named");
    scene.pass(3 * HOUR);
    rings_in_vain(&mut scene, 4);
    assert_eq!(scene.row(1).state, CallbackState::Exhausted);

    let (mut scene, _) = being_called(3);
    scene.misses(ANN, "sales");
    rings_in_vain(&mut scene, 3);
    assert_eq!(scene.stands(1), "WAITING RETRY_DELAY", "they called us while we called them");

    // The same over a restart.
    for (asks, state) in
        [(Some(Some("+3h")), "WAITING DELAY"), (Some(None), "WAITING RETRY_DELAY"), (None, "EXHAUSTED")]
    {
        let (mut before, _) = being_called(3);
        if let Some(at) = asks {
            asks_for(&mut before, true, at);
        }
        let mut scene = restarted(&before, Vec::new());
        scene.ends(&attempt(3), customer(LegResult::NoAnswer, 19));
        assert_eq!(scene.stands(1).trim(), state);
    }
}

/// What the next run makes of what this one has stored, at the same moment.
fn restarted(before: &Scene, meanwhile: Vec<(FinishedCall, Tag)>) -> Scene {
    let asked: Vec<_> = before.asked.iter().filter(|(_, by)| is_on(before, by)).cloned().collect();
    let restored = RestoredState {
        open: before.rows.values().filter(|row| row.closed_ms.is_none()).map(|row| (row.clone(), Vec::new())).collect(),
        in_flight: before.attempts.values().filter(|row| row.result.is_none()).cloned().collect(),
        meanwhile,
        asked: before
            .story
            .iter()
            .filter(|(_, step)| step.by == "ann" && step.state.is_active())
            .map(|(id, _)| *id)
            .collect(),
        taken_back: before
            .rows
            .values()
            .filter(|row| row.code.is_some() && !asked.iter().any(|(id, _)| *id == row.id))
            .map(|row| row.id)
            .collect(),
        asked_by: asked,
        last_id: 1,
        ..RestoredState::default()
    };
    let mut scene = starting(restored, before.now);
    scene.rows.clone_from(&before.rows);
    scene.presence.live.insert(attempt(3));
    scene.presence.live.insert(FIRST.to_owned());
    scene.give(callbackd_core::callbacks::Input::InSync(&crate::scheduler::pbx()));
    scene
}

#[test]
fn what_a_code_asks_for_during_an_attempt_follows_it_also_in_the_next_run_unless_it_is_taken_off() {
    // Kept over the attempt's success, as a callback of its own.
    let (mut scene, call) = being_called(1);
    let tag = sets(&mut scene, &call, "FOLLOW_UP");
    let mut next = restarted(&scene, vec![(call.clone(), tag.clone())]);
    for scene in [&mut scene, &mut next] {
        let from = scene.now.wall_ms;
        scene.ends(FIRST, talk(from, MINUTE));
        assert_eq!(scene.row(1).state, CallbackState::Done);
        assert_eq!((scene.stands(2).as_str(), scene.row(2).due_ms), ("WAITING DELAY", tag.at_ms + DAY));
    }
    // Two of them are one callback, as long as one of them stands.
    let (mut scene, call) = being_called(1);
    sets(&mut scene, &call, "FOLLOW_UP");
    sets(&mut scene, &call, "CALLBACK");
    takes_off(&mut scene, &call, "CALLBACK", Vec::new());
    let from = scene.now.wall_ms;
    scene.ends(FIRST, talk(from, MINUTE));
    assert_eq!((scene.stands(2).as_str(), scene.row(2).code.as_deref()), ("WAITING DELAY", Some("FOLLOW_UP")));
    // What is asked for during an attempt that fails and was the last one waits as long as another attempt would.
    let (mut scene, call) = being_called(3);
    sets(&mut scene, &call, "CALLBACK");
    rings_in_vain(&mut scene, 3);
    assert_eq!((scene.stands(1).trim(), scene.stands(2).as_str()), ("EXHAUSTED", "WAITING DELAY"));
    assert_eq!(scene.row(2).due_ms, scene.now.wall_ms + 15 * MINUTE);
    // And over its failure, in the callback that goes on.
    let (mut scene, call) = being_called(1);
    sets(&mut scene, &call, "FOLLOW_UP");
    rings_in_vain(&mut scene, 1);
    assert_eq!((scene.stands(1).as_str(), scene.row(1).requested, scene.rows.len()), ("WAITING RETRY_DELAY", true, 1));
    // What is taken off before the attempt's end asks for nothing.
    let (mut scene, call) = being_called(1);
    sets(&mut scene, &call, "FOLLOW_UP");
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    let from = scene.now.wall_ms;
    scene.ends(FIRST, talk(from, MINUTE));
    assert_eq!(scene.rows.len(), 1);
}
