//! Codes of calls: which calls get them by rule, and what they mean for callbacks.

use crate::callback_attempts::FIRST;
use crate::scheduler::{ANN, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, overall, policies, policy};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::codes::{Code, CodeRule, Codes, OnCallback};
use callbackd_core::model::progress::Step;
use callbackd_core::model::{CallbackState, Direction, FinishedCall, Outcome, Quality, Tag};
use std::collections::BTreeSet;

const DAY: i64 = 24 * HOUR;

fn tag(code: &str, at_ms: i64) -> Tag {
    Tag { code: code.into(), note: String::new(), by: "PJSIP/101".into(), at_ms }
}

fn code(word: &str, callback: OnCallback, rules: Vec<CodeRule>) -> Code {
    let follow_up = Codes::default().get("FOLLOW_UP").unwrap().clone();
    Code { code: word.into(), callback, rules, after_ms: 0, ..follow_up }
}

fn scene(codes: Codes) -> Scene {
    let policies = Policies { codes, ..policies(overall(), policy()) };
    Scene::with(policies, vec![agent("101", &["sales"])], RestoredState::default())
}

/// An agent has set this code on a call that they talked in until now.
fn tagged(scene: &mut Scene, word: &str, direction: Direction) -> FinishedCall {
    let at_ms = scene.now.wall_ms - SECOND;
    FinishedCall { tags: vec![tag(word, at_ms)], ..scene.talked(ANN, "PJSIP/101", direction, MINUTE) }
}

#[test]
fn a_rule_fits_where_all_that_it_says_holds() {
    let mut scene = scene(Codes::default());
    let call = FinishedCall { talk_ms: 30 * SECOND, ..scene.talked(ANN, "PJSIP/101", Direction::Outbound, MINUTE) };
    let texts = |text: &str| BTreeSet::from([text.to_owned()]);
    let none = CodeRule::default;
    for (rule, fits) in [
        (CodeRule { outcomes: [Outcome::Agent, Outcome::Short].into(), ..none() }, true),
        (CodeRule { outcomes: [Outcome::Short].into(), ..none() }, false),
        (CodeRule { directions: [Direction::Outbound].into(), ..none() }, true),
        (CodeRule { directions: [Direction::Inbound].into(), ..none() }, false),
        (CodeRule { pbxs: [call.pbx.clone()].into(), ..none() }, true),
        (CodeRule { pbxs: [callbackd_core::model::PbxId::new("branch")].into(), ..none() }, false),
        (CodeRule { queues: texts("sales"), ..none() }, true),
        (CodeRule { queues: texts("office"), ..none() }, false),
        (CodeRule { dids: texts("5550100"), ..none() }, true),
        (CodeRule { dids: texts("5550101"), ..none() }, false),
        (CodeRule { talk_from_ms: Some(30 * SECOND), ..none() }, true),
        (CodeRule { talk_from_ms: Some(30 * SECOND + 1), ..none() }, false),
        (CodeRule { talk_below_ms: Some(30 * SECOND), ..none() }, false),
        (CodeRule { talk_below_ms: Some(30 * SECOND + 1), ..none() }, true),
        (CodeRule { queues: texts("sales"), dids: texts("5550101"), ..none() }, false),
    ] {
        assert_eq!(rule.fits(&call), fits, "{rule:?}");
    }
}

#[test]
fn a_call_gets_each_code_once_however_many_rules_fit() {
    let mut scene = scene(Codes::default());
    let outbound = CodeRule { directions: [Direction::Outbound].into(), ..CodeRule::default() };
    let long = CodeRule { talk_from_ms: Some(SECOND), ..CodeRule::default() };
    let codes = Codes::new([
        code("OFFERED", OnCallback::None, vec![outbound, long.clone()]),
        code("LONG", OnCallback::None, vec![long]),
    ]);
    let call = scene.talked(ANN, "PJSIP/101", Direction::Outbound, MINUTE);
    let set: Vec<Tag> = codes.by_rule(&call).collect();
    let words: Vec<(&str, &str, i64)> = set.iter().map(|t| (t.code.as_str(), t.by.as_str(), t.at_ms)).collect();
    assert_eq!(words, [("LONG", "rule", call.ended_ms), ("OFFERED", "rule", call.ended_ms)]);
}

#[test]
fn a_follow_up_on_an_answered_call_is_a_callback_a_day_later() {
    for direction in [Direction::Inbound, Direction::Outbound] {
        let mut scene = scene(Codes::default());
        let call = tagged(&mut scene, "FOLLOW_UP", direction);
        scene.recorded(&call);
        assert_eq!(scene.stands(1), "WAITING DELAY", "{direction}");
        let row = scene.row(1);
        assert!(row.requested);
        assert_eq!((row.due_ms, row.owner.as_deref()), (call.tags[0].at_ms + DAY, Some("PJSIP/101")));
        assert_eq!((row.missed_count, row.queue.as_deref()), (0, Some("sales")));
        assert!(row.expires_ms >= row.due_ms + HOUR, "it is open for a while after it is due");
        scene.pass(DAY - MINUTE);
        assert!(scene.rung().is_empty());
        scene.pass(2 * MINUTE);
        assert_eq!(scene.rung().len(), 1);
    }
}

#[test]
fn a_follow_up_is_not_lost_when_its_call_is_corrected() {
    for direction in [Direction::Inbound, Direction::Outbound] {
        let mut scene = scene(Codes::default());
        let call = tagged(&mut scene, "FOLLOW_UP", direction);
        scene.recorded(&call);
        scene.pass(MINUTE);
        scene.recorded(&FinishedCall { quality: Quality::Backfilled, talk_ms: call.talk_ms + 1, ..call });
        assert_eq!(scene.stands(1), "WAITING DELAY", "{direction}");
        assert_eq!(scene.rows.len(), 1, "nor is it made twice");
    }
}

#[test]
fn a_follow_up_is_not_closed_by_the_call_that_asked_for_it() {
    for direction in [Direction::Inbound, Direction::Outbound] {
        let mut scene = scene(Codes::default());
        let call = tagged(&mut scene, "FOLLOW_UP", direction);
        scene.recorded(&call);
        assert!(scene.row(1).state.is_open(), "{direction}");
        assert!(scene.recovered.is_empty());
        // A later conversation does close it.
        scene.pass(HOUR);
        let later =
            FinishedCall { linkedid: "later".into(), ..scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE) };
        scene.recorded(&later);
        assert_eq!(scene.row(1).state, CallbackState::RecoveredByCustomer, "{direction}");
    }
}

#[test]
fn a_follow_up_of_a_callback_is_made_when_that_one_is_over() {
    // Its own call comes as the attempt ends, or a moment before.
    for before in [true, false] {
        let mut scene = scene(Codes::default());
        scene.misses(ANN, "sales");
        scene.step(FIRST, Step::Seen);
        scene.step(FIRST, Step::AgentAnswered);
        scene.step(FIRST, Step::CustomerDialled);
        scene.step(FIRST, Step::Connected);
        let from = scene.now.wall_ms;
        scene.pass(MINUTE);
        let call = FinishedCall { callback_id: Some(1), ..tagged(&mut scene, "FOLLOW_UP", Direction::Callback) };
        if before {
            scene.recorded(&call);
        }
        scene.ends(FIRST, crate::scheduler::talk(from, MINUTE));
        if !before {
            scene.recorded(&call);
        }
        assert_eq!(scene.row(1).state, CallbackState::Done, "before: {before}");
        assert_eq!(scene.stands(2), "WAITING DELAY", "before: {before}");
        assert_eq!(scene.row(2).due_ms, call.tags[0].at_ms + DAY);
        assert_eq!(scene.row(2).first_miss, Some(call.key()));
        assert!(scene.misses.iter().all(|(id, _)| *id == 1), "the call stays with the callback that made it");
    }
}

#[test]
fn a_follow_up_of_a_missed_call_makes_its_callback_a_requested_one() {
    let mut scene = scene(Codes::default());
    scene.presence.agents.clear();
    let call = FinishedCall { tags: vec![tag("FOLLOW_UP", MONDAY_10)], ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
    assert_eq!((scene.rows.len(), scene.row(1).missed_count), (1, 1));
    scene.pass(MINUTE);
    let call = tagged(&mut scene, "FOLLOW_UP", Direction::Outbound);
    scene.recorded(&call);
    assert_eq!(scene.row(1).state, CallbackState::RecoveredByAgent);
    assert_eq!(scene.stands(2), "WAITING DELAY");
}

#[test]
fn a_code_that_asks_is_followed_where_a_rule_sets_it_too() {
    let short = CodeRule { outcomes: [Outcome::Short].into(), ..CodeRule::default() };
    let mut codes = code("TOO_SHORT", OnCallback::Request, vec![short]);
    codes.expires_ms = Some(2 * HOUR);
    let mut scene = scene(Codes::new([codes]));
    scene.presence.agents.clear();
    let mut call =
        FinishedCall { outcome: Outcome::Short, ..scene.talked(ANN, "PJSIP/101", Direction::Inbound, SECOND) };
    call.tags = scene.scheduler.policies().codes.by_rule(&call).collect();
    scene.recorded(&call);
    assert_eq!(scene.row(1).expires_ms, MONDAY_10 + 2 * HOUR);
    assert!(scene.row(1).requested);
}

#[test]
fn what_was_asked_for_long_ago_makes_no_callback() {
    let mut scene = scene(Codes::default());
    let mut call = tagged(&mut scene, "FOLLOW_UP", Direction::Outbound);
    call.tags[0].at_ms -= 30 * DAY;
    scene.recorded(&call);
    assert!(scene.rows.is_empty());
}

#[test]
fn a_configuration_that_is_read_anew_changes_what_codes_mean() {
    let mut scene = scene(Codes::new([code("FOLLOW_UP", OnCallback::None, Vec::new())]));
    let call = tagged(&mut scene, "FOLLOW_UP", Direction::Inbound);
    scene.recorded(&call);
    assert!(scene.rows.is_empty());
    let policies = Policies { codes: Codes::default(), ..policies(overall(), policy()) };
    scene.give(callbackd_core::callbacks::Input::Policies(&policies));
    let call = tagged(&mut scene, "FOLLOW_UP", Direction::Inbound);
    scene.recorded(&call);
    assert!(scene.row(1).state.is_open());
}

#[test]
fn a_word_that_is_no_code_is_refused_and_changes_nothing() {
    let mut scene = scene(Codes::default());
    let call = scene.talked(ANN, "PJSIP/101", Direction::Inbound, MINUTE);
    let lunch = Command::Tag { call: Box::new((&call).into()), code: "LUNCH".into(), note: String::new() };
    let refused = scene.asks(lunch).unwrap_err();
    assert!(refused.to_string().contains("there is no code LUNCH: `callbackd codes` lists them"), "{refused}");
    assert!(scene.tags.is_empty() && scene.rows.is_empty());
}

#[test]
fn whatever_is_set_by_itself_has_a_label() {
    let codes = Codes::default();
    let of_outcomes = Outcome::ALL.iter().filter_map(|outcome| outcome.meaning().tag);
    for code in of_outcomes.chain(["CALLBACK", "CALLBACK_AT", "CALLBACK_DECLINED"]) {
        assert!(codes.get(code).is_some_and(|known| !known.label.is_empty()), "{code} has no label");
    }
}
