//! Whoever sets a code is answered what came of it: its callback and when that is due, or why there is none.

use crate::callback_attempts::FIRST;
use crate::codes_by_hand::{DAY, scene, sets, takes_off, talked};
use crate::scheduler::{ANN, HOUR, SECOND, Scene, overall, policies, policy};
use callbackd_core::callbacks::commands::{CallbackRequest, Command, Done, NotRequested, Requested, Tagged};
use callbackd_core::callbacks::policy::{Policies, Policy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::model::codes::{Code, Codes, OnCallback};
use callbackd_core::model::progress::Step;
use callbackd_core::model::{CallbackState, FinishedCall, Moment};

/// What comes of a code that a person sets on the call.
fn comes_of(scene: &mut Scene, call: &FinishedCall, word: &str) -> Tagged {
    scene.pass(SECOND);
    let set = Command::Tag { call: Box::new(call.into()), code: word.into(), note: String::new() };
    match scene.asks(set) {
        Ok(Done::Tagged(tagged)) => *tagged,
        other => panic!("{other:?}"),
    }
}

fn not(scene: &mut Scene, call: &FinishedCall, word: &str) -> NotRequested {
    match comes_of(scene, call, word).request {
        Some(Requested::Not(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn with(policy: Policy, codes: Codes) -> Scene {
    let policies = Policies { codes, ..policies(overall(), policy) };
    let now = Moment { wall_ms: crate::scheduler::MONDAY_10, mono_ms: 1_000_000 };
    Scene::starting(policies, Vec::new(), RestoredState::default(), now)
}

#[test]
fn a_code_that_asks_for_a_callback_names_it_or_says_why_there_is_none() {
    let mut scene = scene();
    let call = talked(&mut scene, "first");
    let Some(Requested::By(row)) = comes_of(&mut scene, &call, "FOLLOW_UP").request else { panic!("a callback") };
    assert_eq!((row.id, row.state, row.due_ms), (1, CallbackState::Waiting, scene.now.wall_ms + DAY));
    let said = comes_of(&mut scene, &call, "RESOLVED");
    assert_eq!((said.request, said.do_not_call), (None, None), "it means nothing for callbacks");

    let said = comes_of(&mut scene, &call, "SPAM");
    assert_eq!(said.do_not_call.map(|entry| entry.number_e164.to_string()), Some(ANN.to_owned()));
    assert_eq!(not(&mut scene, &call, "CALLBACK"), NotRequested::DoNotCall);

    let withheld = FinishedCall { number: Some("anonymous".into()), number_e164: None, ..call.clone() };
    assert_eq!(not(&mut scene, &withheld, "CALLBACK"), NotRequested::NoNumber);

    let mut off = with(Policy { enabled: false, ..policy() }, Codes::default());
    let call = talked(&mut off, "off");
    assert_eq!(not(&mut off, &call, "CALLBACK"), NotRequested::Off);

    let mut denied = with(policy(), Codes::default());
    let premium = FinishedCall {
        number: Some("+19005550100".into()),
        number_e164: callbackd_core::model::E164::new("+19005550100").ok(),
        ..talked(&mut denied, "premium")
    };
    let NotRequested::Denied(why) = not(&mut denied, &premium, "CALLBACK") else { panic!("it may not be called") };
    assert!(why.contains("numbers.premium"), "{why}");
}

#[test]
fn during_an_attempt_it_is_said_that_the_code_asks_when_that_is_over() {
    let mut scene = scene();
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "CALLBACK");
    for step in [Step::Seen, Step::AgentAnswered, Step::CustomerDialled, Step::Connected] {
        scene.step(FIRST, step);
    }
    match comes_of(&mut scene, &call, "FOLLOW_UP").request {
        Some(Requested::AfterAttempt(row)) => assert_eq!((row.id, row.state), (1, CallbackState::Talking)),
        other => panic!("{other:?}"),
    }
}

/// Beside the shipped ones: one that is due in an hour, and one of a customer who is called in two.
fn with_sooner() -> Scene {
    let after = |word: &str, hours| Code {
        code: word.into(),
        label: String::new(),
        group: String::new(),
        success: false,
        callback: OnCallback::Request,
        after_ms: hours * HOUR,
        expires_ms: None,
        rules: Vec::new(),
    };
    with(policy(), Codes::new([after("SOONER", 1), after("LATER", 2)]))
}

#[test]
fn of_several_codes_that_ask_the_soonest_decides_when_and_the_next_one_when_that_is_taken_off() {
    let mut scene = with_sooner();
    let call = talked(&mut scene, "first");
    let day = sets(&mut scene, &call, "FOLLOW_UP");
    let one = sets(&mut scene, &call, "SOONER");
    let two = sets(&mut scene, &call, "LATER");
    let due = |scene: &Scene| (scene.row(1).due_ms, scene.row(1).requested_for_ms);
    let at = |ms: i64| (ms, Some(ms));
    assert_eq!(due(&scene), at(one.at_ms + HOUR));
    takes_off(&mut scene, &call, "SOONER", Vec::new());
    assert_eq!(due(&scene), at(two.at_ms + 2 * HOUR));
    // Set again, it holds from then on.
    let again = sets(&mut scene, &call, "FOLLOW_UP");
    takes_off(&mut scene, &call, "LATER", Vec::new());
    assert_eq!(due(&scene), at(again.at_ms + DAY));
    assert!(again.at_ms > day.at_ms);
    takes_off(&mut scene, &call, "FOLLOW_UP", Vec::new());
    assert_eq!(scene.row(1).state, CallbackState::Cancelled);
}

#[test]
fn a_code_brings_nothing_forward_that_a_person_or_a_customer_put_off() {
    let mut scene = with_sooner();
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "FOLLOW_UP");
    scene.asks(Command::Delay { id: 1, delay_ms: 5 * HOUR, note: String::new() }).unwrap();
    let put_off = scene.row(1).due_ms;
    sets(&mut scene, &call, "SOONER");
    assert_eq!(scene.row(1).due_ms, put_off, "a person put it off");

    let mut scene = with_sooner();
    let named = CallbackRequest { number: ANN.into(), at: Some("+5h".into()), requested: true, ..Default::default() };
    scene.asks(Command::Add(named)).unwrap();
    let named = scene.row(1).due_ms;
    let call = talked(&mut scene, "first");
    sets(&mut scene, &call, "SOONER");
    assert_eq!(scene.row(1).due_ms, named, "the customer named the time");
}
