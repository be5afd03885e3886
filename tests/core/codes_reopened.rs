//! A code that keeps a number from being called, set by mistake and taken off again: all is as it was before.

use crate::codes_by_hand::{DAY, asks_for, listed, scene, sets, takes_off, takes_off_beside, talked};
use crate::scheduler::{ANN, HOUR, MINUTE, Scene};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::model::{CallbackState, Direction, FinishedCall};

#[test]
fn a_callback_that_a_code_closed_by_mistake_is_opened_again_while_its_life_lasts() {
    for late in [false, true] {
        let mut scene = scene();
        scene.presence.agents.clear();
        let call = scene.misses(ANN, "sales");
        sets(&mut scene, &call, "SPAM");
        assert_eq!(scene.stands(1), "DNC SPAM");
        scene.pass(if late { 5 * HOUR } else { HOUR });
        takes_off(&mut scene, &call, "SPAM", Vec::new());
        assert_eq!(scene.row(1).state.is_open(), !late, "late: {late}");
    }
    // What was promised for later, and what asked for it, is as it was.
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "FOLLOW_UP");
    let before = scene.row(1).clone();
    sets(&mut scene, &call, "SPAM");
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(*scene.row(1), before);
    assert_eq!(scene.stands(1), "WAITING DELAY");
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    assert_eq!(scene.row(1).state, CallbackState::Cancelled);
    // Whom another code keeps on the list stays uncalled.
    let mut scene = self::scene();
    scene.presence.agents.clear();
    let call = scene.misses(ANN, "sales");
    sets(&mut scene, &call, "SPAM");
    sets(&mut scene, &call, "WRONG_NUMBER");
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(scene.stands(1), "DNC SPAM");
}

#[test]
fn the_call_that_has_the_code_is_no_reason_to_leave_its_callback_closed_and_neither_is_a_code_that_has_run_out() {
    // A call by which an agent served the customer, and a callback for later.
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = scene.talked(ANN, "PJSIP/101", Direction::Outbound, MINUTE);
    scene.recorded(&call);
    in_turn(&call, &mut scene, &["FOLLOW_UP", "SPAM"], &["SPAM"]);
    assert_eq!(scene.stands(1), "WAITING DELAY");
    // A person has taken the number off the list before.
    sets(&mut scene, &call, "SPAM");
    scene.asks(Command::DncRemove { number: ANN.into() }).unwrap();
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(scene.stands(1), "WAITING DELAY");
}

/// The codes of a call are set in this order and then taken off in that.
fn in_turn(call: &FinishedCall, scene: &mut Scene, set: &[&str], off: &[&str]) {
    for code in set {
        sets(scene, call, code);
    }
    for code in off {
        takes_off(scene, call, code, Vec::new());
    }
}

/// Nobody is free, and Ann has talked with an agent before.
fn with_call() -> (Scene, FinishedCall) {
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = talked(&mut scene, "first");
    (scene, call)
}

#[test]
fn a_callback_is_opened_again_only_while_something_asks_for_it() {
    for (set, off, open) in [
        (&["FOLLOW_UP", "SPAM"][..], &["FOLLOW_UP", "SPAM"][..], false),
        (&["FOLLOW_UP", "SPAM"], &["SPAM", "FOLLOW_UP"], false),
        (&["FOLLOW_UP", "SPAM"], &["SPAM"], true),
        (&["FOLLOW_UP", "CALLBACK", "SPAM"], &["FOLLOW_UP", "SPAM"], true),
        (&["FOLLOW_UP", "CALLBACK", "SPAM"], &["FOLLOW_UP", "SPAM", "CALLBACK"], false),
        (&["FOLLOW_UP", "SPAM", "WRONG_NUMBER"], &["SPAM", "WRONG_NUMBER"], true),
        (&["FOLLOW_UP", "SPAM", "WRONG_NUMBER"], &["WRONG_NUMBER", "SPAM"], true),
        (&["FOLLOW_UP", "SPAM", "WRONG_NUMBER"], &["SPAM"], false),
    ] {
        let (mut scene, call) = with_call();
        in_turn(&call, &mut scene, set, off);
        assert_eq!(scene.row(1).state.is_open(), open, "{set:?} less {off:?}");
    }
}

#[test]
fn what_a_person_held_back_is_held_back_again() {
    let (mut scene, call) = with_call();
    asks_for(&mut scene, true, None);
    scene.asks(Command::Hold { id: 1, note: String::new() }).unwrap();
    in_turn(&call, &mut scene, &["SPAM"], &["SPAM"]);
    assert_eq!(scene.stands(1), "WAITING HELD");
    scene.asks(Command::Release { id: 1, note: String::new() }).unwrap();
    assert_ne!(scene.stands(1), "WAITING HELD");
}

#[test]
fn what_asks_for_a_callback_while_the_number_is_listed_is_followed_once_it_is_not() {
    let (mut scene, call) = with_call();
    in_turn(&call, &mut scene, &["SPAM", "FOLLOW_UP"], &[]);
    assert!(scene.rows.is_empty());
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!((scene.stands(1).as_str(), scene.row(1).code.as_deref()), ("WAITING DELAY", Some("FOLLOW_UP")));
    // Whichever code put it there, when that was set anew, and on whichever call.
    for (set, off) in [
        (&["SPAM", "FOLLOW_UP", "WRONG_NUMBER"][..], &["SPAM", "WRONG_NUMBER"][..]),
        (&["SPAM", "FOLLOW_UP", "WRONG_NUMBER"], &["WRONG_NUMBER", "SPAM"]),
        (&["SPAM", "FOLLOW_UP", "SPAM"], &["SPAM"]),
    ] {
        let (mut scene, call) = with_call();
        in_turn(&call, &mut scene, set, off);
        assert_eq!(scene.stands(1), "WAITING DELAY", "{set:?} less {off:?}");
    }
    let (mut scene, call) = with_call();
    let other = talked(&mut scene, "second");
    sets(&mut scene, &call, "SPAM");
    sets(&mut scene, &other, "FOLLOW_UP");
    takes_off_beside(&mut scene, &call, "SPAM", Vec::new(), &[&call, &other]);
    assert_eq!(scene.stands(1), "WAITING DELAY");
    // Whom somebody has served since is not called.
    let (mut scene, call) = with_call();
    in_turn(&call, &mut scene, &["SPAM", "FOLLOW_UP"], &[]);
    scene.pass(MINUTE);
    talked(&mut scene, "second");
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert!(scene.rows.is_empty());
}

#[test]
fn what_a_person_says_for_a_while_does_not_shorten_a_code() {
    let (mut scene, call) = with_call();
    sets(&mut scene, &call, "SPAM");
    let until = scene.do_not_call[ANN].until_ms;
    let by_hand = |for_ms| Command::DncAdd { number: ANN.into(), reason: "asked".into(), for_ms };
    scene.asks(by_hand(Some(DAY))).unwrap();
    let entry = scene.do_not_call[ANN].clone();
    assert_eq!((entry.until_ms, entry.code.as_deref(), &*entry.reason), (until, Some("SPAM"), "asked"));
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!((listed(&scene), scene.do_not_call[ANN].until_ms), (Some("asked"), entry.by_hand_until_ms));
    // For ever is for ever.
    sets(&mut scene, &call, "SPAM");
    scene.asks(by_hand(None)).unwrap();
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    assert_eq!(scene.do_not_call[ANN].until_ms, None);
}
