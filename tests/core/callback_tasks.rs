//! What becomes of a missed call: a task, one for each customer, until the customer has been served.

use crate::scheduler::{ANN, BOB, HOUR, MINUTE, MONDAY_10, SECOND, Scene, agent, e164, pbx, policy, queue_policy};
use callbackd_core::callbacks::Input;
use callbackd_core::callbacks::restore::{RestoredState, Served};
use callbackd_core::model::progress::Line;
use callbackd_core::model::{CallKey, CallbackState, Direction, FinishedCall, Outcome, RecoveredBy, Status, Tag};

/// Nobody is there to take anything.
fn waiting_room() -> Scene {
    Scene::new(policy(), Vec::new())
}

#[test]
fn a_missed_caller_gets_a_callback_that_bears_what_is_known_of_them() {
    let mut scene = waiting_room();
    scene.misses(ANN, "sales");
    let row = scene.row(1);
    assert_eq!(row.number_e164.as_deref(), Some(ANN));
    assert_eq!((row.queue.as_deref(), row.did.as_deref()), (Some("sales"), Some("5550100")));
    assert_eq!((row.missed_count, row.first_missed_ms, row.due_ms), (1, MONDAY_10, MONDAY_10));
    assert_eq!(row.expires_ms, MONDAY_10 + 4 * HOUR);
    assert_eq!(scene.misses, [(1, "miss.1".to_owned())]);
    assert_eq!(scene.story[0].1.note, "missed (QUEUE_ABANDON)");
}

#[test]
fn a_miss_that_a_fast_clock_places_ahead_is_due_no_later_for_it() {
    let mut scene = waiting_room();
    let call = scene.missed(ANN, "sales");
    scene.recorded(&FinishedCall { ended_ms: MONDAY_10 + 5 * HOUR, ..call });
    assert_eq!(scene.row(1).due_ms, MONDAY_10);
}

#[test]
fn a_second_miss_joins_the_open_callback_counts_and_goes_ahead() {
    let mut scene = waiting_room();
    scene.misses(ANN, "sales");
    scene.pass(MINUTE);
    scene.misses(ANN, "support");
    scene.pass(MINUTE);
    scene.misses(ANN, "sales");
    assert_eq!(scene.rows.len(), 1);
    let row = scene.row(1);
    assert_eq!((row.missed_count, row.priority), (3, 2));
    assert_eq!((row.first_missed_ms, row.last_missed_ms), (MONDAY_10, MONDAY_10 + 2 * MINUTE));
    assert_eq!(row.expires_ms, MONDAY_10 + 2 * MINUTE + 4 * HOUR);
    assert_eq!(scene.misses.len(), 3);
    assert_eq!(scene.scheduler.counters().joined, 2);
}

#[test]
fn the_same_row_recorded_again_makes_no_second_callback() {
    let mut scene = waiting_room();
    let call = scene.misses(ANN, "sales");
    scene.recorded(&call);
    assert_eq!((scene.rows.len(), scene.row(1).missed_count), (1, 1));
}

#[test]
fn a_row_recorded_again_after_a_restart_makes_no_second_callback() {
    let mut scene = waiting_room();
    let call = scene.misses(ANN, "sales");
    let restored =
        RestoredState { open: vec![(scene.row(1).clone(), vec![call.key()])], last_id: 1, ..RestoredState::default() };
    let mut later = Scene::remembering(policy(), Vec::new(), restored);
    later.recorded(&call);
    assert!(later.misses.is_empty());
    later.missed(BOB, "sales");
    later.misses(BOB, "sales");
    assert!(later.rows.contains_key(&2), "ids go on: {:?}", later.rows.keys());
}

#[test]
fn only_the_outcomes_that_are_configured_make_callbacks() {
    for (outcome, status, made) in [
        (Outcome::QueueAbandon, Status::Cancel, true),
        (Outcome::ShortAbandon, Status::Cancel, false),
        (Outcome::Blocked, Status::NotConnected, false),
        (Outcome::Gap, Status::Unknown, false),
        (Outcome::QueueEmpty, Status::NoAnswer, true),
        (Outcome::Agent, Status::Answer, false),
    ] {
        let mut scene = waiting_room();
        let call = FinishedCall { outcome, status, ..scene.missed(ANN, "sales") };
        scene.recorded(&call);
        assert_eq!(!scene.rows.is_empty(), made, "{outcome}");
    }
}

#[test]
fn who_gave_up_at_once_is_not_called_wherever_they_were() {
    for outcome in [Outcome::EarlyAbandon, Outcome::IvrLost] {
        for (wait_ms, short_ones_too, made) in [(4_999, false, 0), (5_000, false, 1), (0, true, 1)] {
            let mut policy = policy();
            policy.on.insert(outcome);
            if short_ones_too {
                policy.on.insert(Outcome::ShortAbandon);
            }
            let mut scene = Scene::new(policy, Vec::new());
            let call = FinishedCall { outcome, wait_ms, ..scene.missed(ANN, "sales") };
            scene.recorded(&call);
            assert_eq!(scene.rows.len(), made, "{outcome} after {wait_ms} ms");
        }
    }
}

#[test]
fn calls_that_no_customer_made_are_no_misses() {
    for direction in [Direction::Outbound, Direction::Internal, Direction::Callback] {
        let mut scene = waiting_room();
        let call = FinishedCall { direction, ..scene.missed(ANN, "sales") };
        scene.recorded(&call);
        assert!(scene.rows.is_empty(), "{direction}");
    }
}

#[test]
fn a_caller_without_a_number_is_not_callable_and_the_row_says_why() {
    for (number, why) in
        [(None, "withheld"), (Some("anonymous"), "withheld"), (Some("101"), "internal"), (Some("555010"), "too-short")]
    {
        let mut scene = waiting_room();
        let call = FinishedCall { number: number.map(str::to_owned), number_e164: None, ..scene.missed(ANN, "sales") };
        scene.recorded(&call);
        assert_eq!(scene.stands(1), format!("NOT_CALLABLE {why}"), "{number:?}");
        assert_eq!(scene.misses.len(), 1);
        assert!(scene.scheduler.callback(1).is_none());
    }
}

#[test]
fn one_ring_from_a_premium_or_foreign_number_costs_nothing() {
    for number in ["+19005550100", "+37120000000"] {
        let mut scene = Scene::new(policy(), vec![agent("101", &["sales"])]);
        scene.misses(number, "sales");
        assert_eq!(scene.row(1).state, CallbackState::NotCallable, "{number}");
        assert!(scene.rung().is_empty());
    }
}

#[test]
fn a_delay_passes_before_a_turn_may_come() {
    let mut policy = policy();
    policy.default.delay_ms = MINUTE;
    let mut scene = Scene::new(policy, vec![agent("101", &["sales"])]);
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING DELAY");
    scene.pass(MINUTE - 1);
    assert!(scene.rung().is_empty());
    scene.pass(1);
    assert_eq!(scene.rung().len(), 1);
}

#[test]
fn who_waits_too_long_expires_and_is_not_silent_about_it() {
    let mut scene = waiting_room();
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(1), "WAITING NO_AGENT");
    scene.pass(4 * HOUR);
    assert_eq!(scene.stands(1), "EXPIRED NO_AGENT");
    assert_eq!(scene.row(1).closed_ms, Some(MONDAY_10 + 4 * HOUR));
}

#[test]
fn who_asked_for_a_callback_is_promised_one_and_waits_longer() {
    let mut scene = waiting_room();
    let call = FinishedCall { outcome: Outcome::CallbackRequested, ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
    let row = scene.row(1);
    assert!(row.requested);
    assert_eq!(row.expires_ms, MONDAY_10 + 24 * HOUR);
}

#[test]
fn who_asked_for_one_in_closed_hours_is_promised_one_too_by_the_queue_that_the_greeting_named() {
    let mut scene = waiting_room();
    let wish = Tag { by: "caller".into(), note: "sales".into(), ..tag("CALLBACK", MONDAY_10) };
    let call = FinishedCall {
        status: Status::OutOfTime,
        outcome: Outcome::HungUp, // not one of those that are called back here
        queue: None,
        tags: vec![wish],
        ..scene.missed(ANN, "")
    };
    scene.recorded(&call);
    let row = scene.row(1);
    assert_eq!((row.requested, row.queue.as_deref()), (true, Some("sales")));
    assert_eq!(row.expires_ms, MONDAY_10 + 24 * HOUR);
}

#[test]
fn a_customer_who_calls_again_and_is_served_is_recovered_at_once() {
    let mut scene = waiting_room();
    scene.misses(ANN, "sales");
    scene.pass(MINUTE);
    scene.line(ANN, true, Line::Busy);
    assert_eq!(scene.stands(1), "WAITING CUSTOMER_ON_LINE");
    scene.line(ANN, true, Line::Talking { agent: "PJSIP/101".into(), since_ms: scene.now.wall_ms });
    assert_eq!(scene.stands(1), "RECOVERED_BY_CUSTOMER");
    assert_eq!(scene.recovered, [(1, RecoveredBy::Customer, MONDAY_10 + MINUTE)]);
    assert_eq!(scene.row(1).resolved_by, Some(CallKey::new(&pbx(), &format!("live.{ANN}"))));
}

#[test]
fn a_customer_who_was_served_unseen_is_recovered_by_the_row_of_that_call() {
    let mut scene = waiting_room();
    scene.misses(ANN, "sales");
    scene.pass(MINUTE);
    let call = scene.talked(ANN, "PJSIP/101", Direction::Inbound, 30 * SECOND);
    scene.recorded(&call);
    assert_eq!(scene.stands(1), "RECOVERED_BY_CUSTOMER");
}

#[test]
fn a_call_that_ended_before_the_miss_recovers_nobody() {
    let mut scene = waiting_room();
    let earlier = scene.talked(ANN, "PJSIP/101", Direction::Inbound, 30 * SECOND);
    scene.pass(MINUTE);
    scene.misses(ANN, "sales");
    scene.recorded(&earlier);
    assert_eq!(scene.stands(1), "WAITING NO_AGENT");
}

#[test]
fn an_agents_own_call_recovers_if_they_talked_long_enough() {
    for (talk, stands) in [(4 * SECOND, "WAITING NO_AGENT"), (5 * SECOND, "RECOVERED_BY_AGENT")] {
        let mut scene = waiting_room();
        scene.misses(ANN, "sales");
        scene.pass(MINUTE);
        let call = scene.talked(ANN, "PJSIP/101", Direction::Outbound, talk);
        scene.recorded(&call);
        assert_eq!(scene.stands(1), stands, "{talk} ms");
    }
}

#[test]
fn a_miss_that_a_late_event_corrects_is_taken_back() {
    let mut scene = waiting_room();
    let call = scene.misses(ANN, "sales");
    let corrected = FinishedCall { status: Status::Answer, outcome: Outcome::SelfService, ..call };
    scene.recorded(&corrected);
    assert_eq!(scene.stands(1), "CANCELLED corrected");
}

fn tag(code: &str, at_ms: i64) -> Tag {
    Tag { code: code.into(), note: String::new(), by: "dialplan".into(), at_ms }
}

#[test]
fn a_disposition_may_suppress_callbacks_for_its_time() {
    let mut scene = Scene::remembering(policy(), Vec::new(), RestoredState::default());
    scene.misses(ANN, "sales");
    let call = FinishedCall {
        tags: vec![tag("DO_NOT_CONTACT", MONDAY_10)],
        ..scene.talked(ANN, "PJSIP/101", Direction::Outbound, 0)
    };
    scene.recorded(&call);
    assert_eq!(scene.stands(1), "DNC DO_NOT_CONTACT");
    assert_eq!(scene.do_not_call[ANN].until_ms, Some(MONDAY_10 + 365 * 24 * HOUR));
    scene.misses(ANN, "sales");
    assert_eq!(scene.stands(2), "DNC DO_NOT_CONTACT");
}

#[test]
fn a_caller_who_declined_at_the_greeting_gets_no_callback() {
    let mut scene = waiting_room();
    let call = FinishedCall { tags: vec![tag("CALLBACK_DECLINED", MONDAY_10)], ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
    assert!(scene.rows.is_empty());
    scene.misses(ANN, "sales");
    scene.pass(MINUTE);
    let call = FinishedCall { tags: vec![tag("CALLBACK_DECLINED", MONDAY_10)], ..scene.missed(ANN, "sales") };
    scene.recorded(&call);
    assert_eq!(scene.stands(1), "CANCELLED declined");
}

#[test]
fn a_miss_in_no_queue_takes_the_queue_of_the_number_that_was_dialled() {
    let mut policy = policy();
    policy.dids.insert("5550100".into(), "support".into());
    let mut scene = Scene::new(policy, Vec::new());
    let call = FinishedCall { queue: None, outcome: Outcome::RingAbandon, ..scene.missed(ANN, "") };
    scene.recorded(&call);
    assert_eq!(scene.row(1).queue.as_deref(), Some("support"));
}

#[test]
fn a_queue_may_be_left_out() {
    let mut policy = policy();
    policy
        .queues
        .insert("internal".into(), callbackd_core::callbacks::policy::QueuePolicy { enabled: false, ..queue_policy() });
    let mut scene = Scene::new(policy, Vec::new());
    scene.misses(ANN, "internal");
    assert!(scene.rows.is_empty());
    scene.misses(ANN, "sales");
    assert_eq!(scene.rows.len(), 1);
}

#[test]
fn with_too_many_open_callbacks_a_miss_is_counted_and_makes_none() {
    use callbackd_core::callbacks::MAX_OPEN;
    let mut scene = waiting_room();
    let call = scene.missed(ANN, "sales");
    for i in 0..=MAX_OPEN {
        let number = format!("+1202{:07}", 5_550_000 + i);
        let call = FinishedCall {
            linkedid: format!("m.{i}"),
            number_e164: Some(e164(&number)),
            number: Some(number),
            ..call.clone()
        };
        scene.scheduler.handle(Input::Recorded(&call), scene.now);
        while scene.scheduler.poll().is_some() {}
    }
    assert_eq!(scene.scheduler.open().values().sum::<usize>(), MAX_OPEN);
    assert_eq!(scene.scheduler.counters().refused, 1);
    let on: Vec<_> = scene.scheduler.refused_on().iter().map(|(pbx, misses)| (pbx.as_str(), *misses)).collect();
    assert_eq!(on, [("pbx", 1)]);
}

#[test]
fn customers_beyond_the_limit_whose_agents_are_known_are_forgotten_and_counted() {
    use callbackd_core::callbacks::MAX_OWNERS;
    let mut scene = waiting_room();
    let call = scene.talked(ANN, "PJSIP/101", Direction::Inbound, 60_000);
    let talk = |i: usize| FinishedCall {
        linkedid: format!("t.{i}"),
        number_e164: Some(e164(&format!("+1202{:07}", 5_550_000 + i))),
        ..call.clone()
    };
    // Of each the agent and the service are kept. Ann is one of these numbers.
    let mut dropped = Vec::new();
    for i in 1..MAX_OWNERS + 2 {
        scene.scheduler.handle(Input::Recorded(&talk(i)), scene.now);
        while scene.scheduler.poll().is_some() {}
        if i >= MAX_OWNERS - 1 {
            dropped.push(scene.scheduler.counters().owners_dropped);
        }
    }
    assert_eq!(dropped, [0, 0, 2]);
}

#[test]
fn who_was_served_after_a_miss_that_is_recorded_late_is_not_called() {
    let mut scene = waiting_room();
    let miss = scene.missed(ANN, "sales");
    scene.pass(MINUTE);
    let served = scene.talked(ANN, "PJSIP/101", Direction::Inbound, 30 * SECOND);
    scene.recorded(&served);
    scene.recorded(&miss);
    assert_eq!(scene.stands(1), "RECOVERED_BY_CUSTOMER");
    assert_eq!(scene.row(1).resolved_by, Some(served.key()));
}

#[test]
fn a_talk_before_a_miss_that_is_recorded_late_does_not_count() {
    let mut scene = waiting_room();
    let served = scene.talked(ANN, "PJSIP/101", Direction::Inbound, 30 * SECOND);
    scene.recorded(&served);
    scene.pass(MINUTE);
    let miss = scene.missed(ANN, "sales");
    scene.recorded(&miss);
    assert!(scene.row(1).closed_ms.is_none(), "{}", scene.stands(1));
}

#[test]
fn a_call_of_an_earlier_run_that_served_the_customer_counts_too() {
    let served = Served {
        by: RecoveredBy::Agent,
        call: CallKey::new(&pbx(), "out.1"),
        began_ms: MONDAY_10 + HOUR,
        at_ms: MONDAY_10 + HOUR,
        ended_ms: MONDAY_10 + HOUR + MINUTE,
    };
    let restored = RestoredState { served: vec![(e164(ANN), served)], ..RestoredState::default() };
    let mut scene = Scene::remembering(policy(), Vec::new(), restored);
    let miss = scene.missed(ANN, "sales");
    scene.pass(2 * HOUR);
    scene.recorded(&miss);
    assert_eq!(scene.stands(1), "RECOVERED_BY_AGENT");
}

#[test]
fn who_called_before_the_miss_and_is_served_later_may_be_somebody_else_behind_the_same_number() {
    let calls = |began_after_ms: i64, recorded_before: bool| {
        let mut scene = waiting_room();
        let miss = scene.missed(ANN, "sales");
        let other = FinishedCall {
            started_ms: miss.ended_ms + began_after_ms,
            answered_ms: Some(miss.ended_ms + 5 * SECOND),
            ended_ms: miss.ended_ms + MINUTE,
            ..scene.talked(ANN, "PJSIP/101", Direction::Inbound, 55 * SECOND)
        };
        scene.pass(MINUTE);
        let [first, second] = if recorded_before { [&other, &miss] } else { [&miss, &other] };
        scene.recorded(first);
        scene.recorded(second);
        scene.row(1).resolved_by.is_some()
    };
    for recorded_before in [false, true] {
        assert!(!calls(-5 * SECOND, recorded_before), "{recorded_before}");
        assert!(calls(0, recorded_before), "{recorded_before}");
    }
}
