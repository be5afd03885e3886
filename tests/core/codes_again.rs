//! Codes whose call's row comes again, or that are said while another is taken off: each is followed once, and none is forgotten.

use crate::codes_by_hand::{DAY, asks_for, listed, scene, sets, starting, takes_off, takes_off_beside, talked};
use crate::scheduler::{ANN, HOUR, MINUTE};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::progress::Line;
use callbackd_core::model::{CallbackState, Direction, FinishedCall, Quality, Status, Tag};

/// Said of the call by an agent or by a rule.
fn by(who: &str, code: &str, at_ms: i64) -> Tag {
    Tag { code: code.into(), note: String::new(), by: who.into(), at_ms }
}

#[test]
fn a_code_that_a_person_has_taken_off_does_not_come_back_with_the_row_of_its_call() {
    for who in ["PJSIP/101", "rule"] {
        let mut scene = scene();
        let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
        let call = FinishedCall { tags: vec![by(who, "SPAM", talk.ended_ms)], ..talk };
        scene.recorded(&call);
        assert_eq!(listed(&scene), Some("SPAM"));
        takes_off(&mut scene, &call, "SPAM", Vec::new());
        scene.pass(HOUR);
        // The call goes on, and its row is written anew; a rule says it at the time of the row.
        let at_ms = if who == "rule" { scene.now.wall_ms } else { call.tags[0].at_ms };
        let again = FinishedCall { tags: vec![by(who, "SPAM", at_ms)], ended_ms: scene.now.wall_ms, ..call.clone() };
        scene.recorded(&again);
        assert_eq!(listed(&scene), None, "{who}");
        // Nor in the next run.
        let said = vec![(call.key(), "SPAM".to_owned(), None)];
        let mut next = starting(RestoredState { said, ..RestoredState::default() }, scene.now);
        next.recorded(&again);
        assert_eq!(listed(&next), None, "{who}, after a restart");
        // Unless a person says it again.
        sets(&mut next, &again, "SPAM");
        assert_eq!(listed(&next), Some("SPAM"));
    }
}

#[test]
fn what_an_agent_says_at_the_moment_at_which_another_code_is_taken_off_counts() {
    let mut scene = scene();
    let first = talked(&mut scene, "first");
    sets(&mut scene, &first, "SPAM");
    // On its way to the disk: whoever takes the other one off has not read it there.
    let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
    let tags = vec![by("PJSIP/101", "DO_NOT_CONTACT", talk.ended_ms)];
    let second = FinishedCall { linkedid: "second".into(), tags, ..talk };
    scene.recorded(&second);
    takes_off(&mut scene, &first, "SPAM", Vec::new());
    assert_eq!(listed(&scene), Some("DO_NOT_CONTACT"));
    takes_off(&mut scene, &second, "DO_NOT_CONTACT", Vec::new());
    assert_eq!(listed(&scene), None);
}

#[test]
fn a_code_is_followed_once_however_often_the_row_of_its_call_comes_and_when_it_comes_late() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = scene.talked(ANN, "PJSIP/101", Direction::Outbound, MINUTE);
    scene.recorded(&call);
    assert!(scene.rows.is_empty());
    let said = FinishedCall { tags: vec![by("PJSIP/101", "FOLLOW_UP", call.ended_ms)], ..call };
    scene.recorded(&said);
    assert_eq!(scene.stands(1), "WAITING DELAY");
    scene.asks(Command::Cancel { id: 1, note: String::new() }).unwrap();
    scene.recorded(&said);
    assert_eq!((scene.rows.len(), scene.row(1).state), (1, CallbackState::Cancelled));
    // Another one that is said later asks for another callback.
    let tags = vec![said.tags[0].clone(), by("PJSIP/101", "CALLBACK", scene.now.wall_ms)];
    scene.recorded(&FinishedCall { tags, ..said });
    assert_eq!((scene.rows.len(), scene.row(2).code.as_deref()), (2, Some("CALLBACK")));
}

#[test]
fn a_callback_that_was_promised_before_the_list_closed_it_is_opened_again_and_takes_in_who_was_missed_since() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = talked(&mut scene, "first");
    asks_for(&mut scene, true, Some("+5h"));
    let promised = scene.row(1).requested_for_ms;
    sets(&mut scene, &call, "SPAM");
    scene.pass(MINUTE);
    let missed = scene.misses(ANN, "sales");
    assert_eq!((scene.stands(1).as_str(), scene.stands(2).as_str()), ("DNC SPAM", "DNC SPAM"));
    takes_off_beside(&mut scene, &call, "SPAM", Vec::new(), &[&call, &missed]);
    assert_eq!((scene.stands(1).as_str(), scene.stands(2).as_str()), ("WAITING DELAY", "CANCELLED JOINED"));
    let row = scene.row(1);
    assert_eq!((row.requested, row.requested_for_ms, row.missed_count), (true, promised, 1));
    assert!(scene.misses.contains(&(1, missed.linkedid.to_string())));
    // As often as that happens, and whoever is done with the one is done with both.
    sets(&mut scene, &call, "SPAM");
    takes_off_beside(&mut scene, &call, "SPAM", Vec::new(), &[&call, &missed]);
    assert_eq!((scene.row(1).missed_count, scene.row(1).state), (1, CallbackState::Waiting));
    scene.asks(Command::Handled { id: 1, note: String::new() }).unwrap();
    sets(&mut scene, &call, "SPAM");
    takes_off_beside(&mut scene, &call, "SPAM", Vec::new(), &[&call, &missed]);
    assert_eq!((scene.stands(1).as_str(), scene.stands(2).as_str()), ("CANCELLED HANDLED", "CANCELLED JOINED"));
}

#[test]
fn a_code_that_two_have_said_is_followed_once_also_after_the_number_was_listed() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
    let call = FinishedCall { tags: vec![by("PJSIP/101", "FOLLOW_UP", talk.ended_ms)], ..talk };
    scene.recorded(&call);
    sets(&mut scene, &call, "FOLLOW_UP");
    scene.asks(Command::Handled { id: 1, note: String::new() }).unwrap();
    let other = talked(&mut scene, "other");
    sets(&mut scene, &other, "SPAM");
    takes_off_beside(&mut scene, &other, "SPAM", Vec::new(), &[&call, &other]);
    assert_eq!(scene.rows.len(), 1);
}

#[test]
fn codes_that_were_set_while_the_number_was_listed_are_followed_in_the_order_in_which_they_were_set() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let calls = ["listed", "first", "second"].map(|linkedid| talked(&mut scene, linkedid));
    sets(&mut scene, &calls[0], "SPAM");
    let soon = sets(&mut scene, &calls[1], "CALLBACK");
    sets(&mut scene, &calls[2], "FOLLOW_UP");
    takes_off_beside(&mut scene, &calls[0], "SPAM", Vec::new(), &[&calls[2], &calls[1]]);
    assert_eq!((scene.row(1).code.as_deref(), scene.row(1).due_ms), (Some("CALLBACK"), soon.at_ms));
}

#[test]
fn a_callback_that_is_opened_again_is_due_by_the_code_that_is_left() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let call = talked(&mut scene, "first");
    let soon = sets(&mut scene, &call, "CALLBACK");
    let late = sets(&mut scene, &call, "FOLLOW_UP");
    assert_eq!(scene.row(1).due_ms, soon.at_ms);
    sets(&mut scene, &call, "SPAM");
    takes_off(&mut scene, &call, "CALLBACK", Vec::new());
    takes_off(&mut scene, &call, "SPAM", Vec::new());
    let row = scene.row(1);
    assert_eq!((row.code.as_deref(), row.due_ms), (Some("FOLLOW_UP"), late.at_ms + DAY));
    assert_eq!(row.requested_for_ms, Some(row.due_ms), "when the customer expects it");
}

#[test]
fn a_rule_does_not_have_the_customer_of_a_callback_called_again_as_soon_as_it_is_over() {
    let mut scene = scene();
    scene.presence.agents.clear();
    let ours = scene.talked(ANN, "PJSIP/101", Direction::Callback, MINUTE);
    let after =
        |code: &str| FinishedCall { tags: vec![by("rule", code, ours.ended_ms)], callback_id: Some(7), ..ours.clone() };
    scene.recorded(&after("CALLBACK"));
    assert!(scene.rows.is_empty());
    scene.recorded(&after("FOLLOW_UP"));
    assert_eq!(scene.stands(1), "WAITING DELAY", "in a day");
}

#[test]
fn a_call_that_goes_on_over_a_restart_does_not_answer_the_callback_that_its_code_asked_for() {
    for (word, open) in [("FOLLOW_UP", true), ("RESOLVED", false)] {
        let mut scene = scene();
        scene.presence.agents.clear();
        asks_for(&mut scene, true, Some("+5h"));
        // Cut by the end of the earlier run, with what its agent had said.
        let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
        let tags = vec![by("PJSIP/101", word, talk.ended_ms)];
        let cut = FinishedCall {
            linkedid: format!("live.{ANN}"),
            quality: Quality::Gap,
            status: Status::Unknown,
            tags,
            ..talk
        };
        scene.recorded(&cut);
        scene.pass(1_000);
        scene.line(ANN, true, Line::Busy);
        scene.line(ANN, true, Line::Talking { agent: "PJSIP/101".into(), since_ms: scene.now.wall_ms });
        assert_eq!(scene.row(1).state.is_open(), open, "{word}");
    }
}

#[test]
fn what_a_caller_asked_for_before_the_talk_is_not_followed_in_the_next_run_and_what_they_asked_for_after_it_is() {
    for (since_answer_ms, followed) in [(-1_000, false), (1_000, true)] {
        let mut scene = scene();
        let talk = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
        // An earlier run heard it, and the row that this one wrote when the talk was over has kept it.
        let wish = by("caller", "CALLBACK", talk.answered_ms.unwrap() + since_answer_ms);
        let call = FinishedCall { tags: vec![wish.clone()], quality: Quality::Partial, ..talk };
        let mut next = starting(RestoredState { meanwhile: vec![(call, wish)], ..RestoredState::default() }, scene.now);
        next.pass(1_000);
        assert_eq!(!next.rows.is_empty(), followed, "{since_answer_ms} ms after the answer");
    }
}
