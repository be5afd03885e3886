//! Whose attempt a channel is: this database's, and nobody else's.

use crate::attempt_progress::{ID, START, steps};
use crate::callback_attempts::{FIRST, ringing};
use crate::scheduler::{ANN, MINUTE, SECOND, Scene, agent, pbx, policy, prefix};
use crate::stream::{Driver, FORGOTTEN_MS, Line, recording, rules, stamp};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Input, MAX_ATTEMPTS};
use callbackd_core::model::attempt_id::{MAX_CALLBACK_ID, MAX_UNIQUEID};
use callbackd_core::model::{AttemptResult, CallbackState, Direction};

/// Uniqueids that begin as ours do and are not: another database's attempt, one of an earlier version that this database knows nothing of,
/// channels of PBXs whose systemnames are `cb-shop` and `cb-0a1b2c3d`.
const STRANGERS: &[&str] = &["cb-ffffffff-7-1", "cb-7-1", "cb-shop-1755850000.1", "cb-0a1b2c3d-1755850000.1"];

#[test]
fn another_daemons_attempt_is_a_call_outward_like_any_other() {
    for id in STRANGERS {
        let mut driver = Driver::linked(rules(), START);
        let agent = Line::new("PJSIP/101-1", id, id, "101", "from-internal", "s");
        let customer = Line::new("PJSIP/trunk-2", "c.2", id, "12025550123", "from-trunk", "");
        driver.say(&agent.begins());
        driver.say(&agent.clone().state(6).event("Newstate", &[]));
        driver.say(&customer.begins());
        driver.say(&agent.clone().state(6).with(&customer, "DialBegin", &[("DialString", "12025550123@trunk")]));
        driver.say(&customer.event("Hangup", &[("Cause", "17")]));
        driver.say(&agent.event("Hangup", &[("Cause", "17")]));
        driver.pass(FORGOTTEN_MS);
        assert!(steps(&driver).is_empty(), "{id}: {:?}", driver.progress());
        let row = driver.row();
        assert_eq!((row.direction, row.callback_id), (Direction::Outbound, None), "{id}");
    }
}

#[test]
fn a_customer_of_a_pbx_whose_systemname_begins_with_cb_calls_in() {
    let mut driver = Driver::linked(rules(), START);
    let id = "cb-shop-1755850000.1";
    let caller = Line::new("PJSIP/trunk-1", id, id, "12025550123", "from-trunk", "5550100").state(4);
    driver.say(&caller.begins());
    driver.say(&caller.event("Hangup", &[("Cause", "16")]));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.direction, row.callback_id), (Direction::Inbound, None));
    assert_eq!(row.number_e164.as_deref(), Some("+12025550123"));
}

#[test]
fn an_originate_of_anothers_that_fails_is_no_step_of_ours() {
    let mut driver = Driver::linked(rules(), START);
    let fails = |driver: &mut Driver, id: &str| {
        driver.event("OriginateResponse", &[("Response", "Failure"), ("Uniqueid", id), ("Reason", "5")]);
    };
    for id in STRANGERS {
        fails(&mut driver, id);
    }
    assert!(driver.progress().is_empty(), "{:?}", driver.progress());
    fails(&mut driver, ID);
    assert_eq!(steps(&driver), ["failed"]);
}

#[test]
fn an_attempt_that_an_earlier_version_left_in_flight_is_followed_under_its_old_id() {
    let mut driver = Driver::linked(rules(), START);
    for frame in &recording("callback_originate").live {
        driver.until(stamp(frame));
        driver.frame(frame);
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!(steps(&driver).first(), Some(&"seen"));
    assert_eq!(driver.rows()[0].callback_id, Some(42));
}

/// A scene whose database holds an open callback of this id.
fn with_callback(id: i64, attempts: u32) -> Scene {
    let mut before = Scene::new(policy(), Vec::new());
    before.misses(ANN, "sales");
    let mut row = before.row(1).clone();
    (row.id, row.attempts) = (id, attempts);
    let restored = RestoredState { open: vec![(row, Vec::new())], last_id: id, ..RestoredState::default() };
    Scene::remembering(policy(), vec![agent("101", &["sales"])], restored)
}

#[test]
fn the_longest_id_of_an_attempt_fits_with_the_mark_of_a_local_channels_far_half() {
    let longest = prefix().attempt(MAX_CALLBACK_ID, MAX_ATTEMPTS).unwrap();
    assert_eq!(longest, "cb-0a1b2c3d-999999999999999-50");
    assert_eq!(format!("{longest};2").len(), MAX_UNIQUEID);
    for (callback, n) in [(MAX_CALLBACK_ID + 1, MAX_ATTEMPTS), (i64::MAX, MAX_ATTEMPTS), (i64::MAX, 1), (0, 1), (1, 0)]
    {
        assert_eq!(prefix().attempt(callback, n), None, "{callback} {n}");
    }
    let mut scene = with_callback(MAX_CALLBACK_ID, MAX_ATTEMPTS - 1);
    scene.pass(MINUTE);
    assert_eq!(scene.rung(), [("PJSIP/101".to_owned(), longest)]);
}

#[test]
fn a_callback_whose_attempts_would_have_too_long_an_id_is_closed_and_nobody_is_called() {
    let mut scene = with_callback(i64::MAX, 0);
    scene.pass(MINUTE);
    assert!(scene.rung().is_empty() && scene.attempts.is_empty());
    assert_eq!(scene.rows[&i64::MAX].state, CallbackState::NotCallable);
    assert!(scene.story.last().unwrap().1.note.contains("too long"), "{:?}", scene.story);
    scene.misses(ANN, "sales");
    assert_eq!((scene.scheduler.counters().refused, scene.rows.len()), (1, 1), "no id beyond is given");
}

#[test]
fn an_attempt_of_a_database_that_was_put_back_since_is_looked_up_but_never_hung_up() {
    let id = "cb-ffffffff-1-1";
    let before = ringing();
    let mut row = before.attempts[FIRST].clone();
    row.channel_id = id.to_owned();
    let open = vec![(before.row(1).clone(), Vec::new())];
    let restored = RestoredState { open, in_flight: vec![row], last_id: 1, ..RestoredState::default() };
    let mut scene = Scene::remembering(policy(), vec![agent("101", &["sales"])], restored);
    scene.asks(Command::Cancel { id: 1, note: String::new() }).unwrap();
    scene.pass(SECOND);
    assert!(scene.hung_up().is_empty(), "{:?}", scene.deeds);
    scene.give(Input::InSync(&pbx()));
    assert_eq!(scene.attempts[id].result, Some(AttemptResult::Lost));
}
