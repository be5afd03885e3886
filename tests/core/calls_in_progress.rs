//! Customers' calls in progress, recorded while they last, and what the next run makes of those that a killed one left.

use crate::stream::{Driver, FORGOTTEN_MS, Line, frames, rules};
use callbackd_core::model::presence::Phase;
use callbackd_core::model::{
    CallInProgress, Direction, E164, FinishedCall, Outcome, PbxId, Quality, Record, Status, VisitResult,
};
use callbackd_core::tracker::Input;

const START: i64 = 1_800_000_000_000;

/// What is in progress by the records of this run, as the store has it.
fn in_progress(driver: &Driver) -> Vec<CallInProgress> {
    let mut calls: Vec<CallInProgress> = Vec::new();
    for record in &driver.records {
        match record {
            Record::InProgress(call) => {
                calls.retain(|other| other.linkedid != call.linkedid);
                calls.push((**call).clone());
            }
            Record::Call(call) => calls.retain(|other| other.linkedid != call.linkedid),
            Record::NotInProgress { linkedid, .. } => calls.retain(|other| other.linkedid != *linkedid),
            _ => {}
        }
    }
    calls
}

fn recorded_in_progress(driver: &Driver) -> usize {
    driver.records.iter().filter(|record| matches!(record, Record::InProgress(_))).count()
}

/// A customer who dials 5550100, and is put into a queue after 2 s.
fn waiting(driver: &mut Driver) -> Line {
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    driver.pass(2_000);
    let customer = customer.state(6);
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    customer
}

fn as_it_began() -> CallInProgress {
    CallInProgress {
        pbx: PbxId::new("lab"),
        linkedid: "c.1".to_owned(),
        number: Some("12025550123".to_owned()),
        number_e164: E164::new("+12025550123").ok(),
        name: None,
        did: Some("5550100".to_owned()),
        trunk: Some("PJSIP/trunk".to_owned()),
        queue: Some("sales".to_owned()),
        agent: None,
        started_ms: START,
        joined_ms: Some(START + 2_000),
        answered_ms: None,
        remarks: None,
    }
}

/// A run that follows one that was killed 10 s ago and leaves these calls.
fn next_run(left: &[CallInProgress]) -> Driver {
    let mut driver = Driver::unlinked(rules(), START + 30_000, Some(START + 20_000));
    driver.tracker.knows_calls(left.iter().cloned());
    driver
}

#[test]
fn a_customers_call_is_recorded_when_it_begins_joins_a_queue_and_is_answered_and_else_not() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    let begun = CallInProgress { queue: None, joined_ms: None, ..as_it_began() };
    assert_eq!(in_progress(&driver), [begun]);
    driver.pass(2_000);
    let customer = customer.state(6);
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    assert_eq!(in_progress(&driver), [as_it_began()]);

    let phone = Line::phone("101", "c.2", "c.1");
    driver.say(&(phone.begins() + &customer.dials(&phone) + &customer.dial_ends(&phone, "ANSWER")));
    driver.say(&(customer.enters("b") + &phone.enters("b") + &customer.leaves("b") + &phone.leaves("b")));
    let answered_ms = Some(START + 2_000);
    let answered = CallInProgress { agent: Some("PJSIP/101".to_owned()), answered_ms, ..as_it_began() };
    assert_eq!((in_progress(&driver), recorded_in_progress(&driver)), (vec![answered], 3));
    driver.say(&(phone.hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!((in_progress(&driver), driver.rows().len()), (vec![], 1));
}

#[test]
fn a_call_is_in_the_menu_waits_rings_and_talks_one_after_the_other() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    assert_eq!(phases(&driver), [(Phase::Ivr, 1)]);
    let customer = customer.state(6);
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    let phone = Line::phone("101", "c.2", "c.1");
    driver.say(&(phone.begins() + &customer.dials(&phone)));
    assert_eq!(phases(&driver), [(Phase::Waiting, 1)], "somebody is rung for who waits");
    driver.say(&(customer.dial_ends(&phone, "ANSWER") + &customer.enters("b") + &phone.enters("b")));
    driver.say(&customer.event("QueueCallerLeave", &[("Queue", "sales"), ("Position", "1")]));
    assert_eq!(phases(&driver), [(Phase::Talking, 1)]);
    driver.say(&(customer.leaves("b") + &phone.leaves("b") + &phone.hangs_up()));
    assert_eq!(phases(&driver), [(Phase::Ivr, 1)], "the dialplan has the caller again");

    let (ann, ben) = (extension("e.1"), Line::phone("102", "e.2", "e.1"));
    driver.say(&(ann.begins() + &ben.begins() + &ann.dials(&ben)));
    assert_eq!(phases(&driver), [(Phase::Ivr, 1), (Phase::Ringing, 1)]);
    driver.say(&ann.dial_ends(&ben, "ANSWER"));
    assert_eq!(phases(&driver), [(Phase::Ivr, 1), (Phase::Talking, 1)], "within the house, too");
    driver.say(&(ben.hangs_up() + &ann.hangs_up() + &customer.hangs_up()));
    assert_eq!(phases(&driver), []);
    assert_eq!(driver.tracker.live_calls(), 0);
}

fn phases(driver: &Driver) -> Vec<(Phase, usize)> {
    driver.tracker.phases().into_iter().collect()
}

/// An agent's phone that dials another.
fn extension(id: &str) -> Line {
    Line::new("PJSIP/101-1", id, id, "101", "from-internal", "102").state(4)
}

#[test]
fn a_call_of_an_extension_is_nobodys_to_call_back_and_is_not_recorded() {
    let mut driver = Driver::linked(rules(), START);
    let phone = extension("e.1");
    driver.say(&phone.begins());
    assert_eq!(recorded_in_progress(&driver), 0);
}

#[test]
fn a_call_that_goes_into_another_is_in_progress_no_more() {
    let mut driver = Driver::linked(rules(), START);
    // A channel of the trunk that nobody introduced might be a customer's; then it shows that it was dialled for one.
    let (one, other) = (Line::customer("c.1"), Line::customer("d.1").state(5));
    driver.say(&(one.begins() + &other.event("Newstate", &[])));
    assert_eq!(in_progress(&driver).len(), 2);
    driver.say(&one.dials(&other));
    let left: Vec<String> = in_progress(&driver).into_iter().map(|call| call.linkedid).collect();
    assert_eq!(left, ["c.1"]);
}

#[test]
fn a_call_that_a_killed_run_left_and_that_lives_no_more_is_unknown_with_all_that_was_known_of_it() {
    let mut driver = Driver::linked(rules(), START);
    waiting(&mut driver);
    let mut driver = next_run(&in_progress(&driver));
    driver.link(100_000, &[]);
    let row = driver.row();
    assert_eq!((row.status, row.outcome, row.quality), (Status::Unknown, Outcome::Gap, Quality::Gap));
    let FinishedCall { number_e164, did, trunk, queue, started_ms, ended_ms, wait_ms, visits, why, .. } = row;
    let recorded = [number_e164.map(|number| number.to_string()), did, trunk, queue].map(Option::unwrap);
    assert_eq!(recorded, ["+12025550123", "5550100", "PJSIP/trunk", "sales"]);
    assert_eq!((started_ms, ended_ms, wait_ms), (START, START + 20_000, 20_000));
    assert_eq!((visits[0].result, visits[0].left_ms - visits[0].joined_ms), (VisitResult::Unknown, 18_000));
    let unrecorded = "too little of it was seen to know how it ended";
    assert_eq!(why, [unrecorded, "it ended while callbackd was not running", "queue sales: UNKNOWN"]);
    assert_eq!(driver.gaps()[0].calls_lost, 1);
    driver.snapshot(&[], true);
    assert_eq!(driver.recorded().len(), 1, "once");
}

#[test]
fn a_call_that_began_after_the_pbx_was_last_said_to_be_seen_has_no_negative_time() {
    let late = CallInProgress { started_ms: START + 25_000, joined_ms: Some(START + 26_000), ..as_it_began() };
    let mut driver = next_run(&[late]);
    driver.link(100_000, &[]);
    let row = driver.row();
    assert_eq!((row.ended_ms - START, row.wait_ms, row.queue_wait_ms), (26_000, 1_000, 0));
}

#[test]
fn a_call_that_a_killed_run_left_and_that_still_lives_keeps_what_the_lists_cannot_tell() {
    let mut driver = next_run(&[as_it_began()]);
    // The customer is in a menu now, and pressed 2.
    let customer = Line::new("PJSIP/trunk-c.1", "c.1", "c.1", "12025550123", "ivr-main", "2").state(6);
    driver.link(100_000, &frames(customer.listed("WaitExten", "", 29).as_bytes()));
    assert_eq!(recorded_in_progress(&driver), 0, "the store has it as it was");
    driver.pass(5_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.did.as_deref(), row.started_ms), (Some("5550100"), START));
    // Whether the queue had served the customer meanwhile was not seen.
    assert_eq!((row.status, row.visits[0].result), (Status::Unknown, VisitResult::Unknown));
    assert_eq!(in_progress(&driver), []);
}

#[test]
fn a_caller_who_waited_through_a_kill_gave_up_in_their_queue() {
    let mut driver = next_run(&[as_it_began()]);
    let customer = Line::customer("c.1").state(6);
    let entry =
        [("Queue", "sales"), ("Position", "1"), ("Channel", &*customer.name), ("Uniqueid", "c.1"), ("Wait", "28")];
    let lists = crate::stream::text("QueueEntry", &entry) + &customer.listed("Queue", "", 30);
    driver.link(100_000, &frames(lists.as_bytes()));
    driver.pass(5_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    let visits: Vec<_> = row.visits.iter().map(|v| (&*v.queue, v.result)).collect();
    assert_eq!((row.status, visits), (Status::Cancel, vec![("sales", VisitResult::Abandoned)]));
    assert_eq!((row.wait_ms, row.queue_wait_ms), (35_000, 33_000));
}

#[test]
fn while_the_list_of_channels_has_not_come_nothing_is_said_of_calls_that_a_killed_run_left() {
    let mut driver = next_run(&[as_it_began()]);
    driver.give(Input::Linked { uptime_s: Some(100_000) });
    driver.snapshot(&[], false);
    assert_eq!(driver.recorded().len(), 0);
    driver.snapshot(&[], true);
    assert_eq!(driver.row().status, Status::Unknown);
}

#[test]
fn an_asterisk_that_has_restarted_has_ended_them_whether_or_not_the_list_of_channels_came() {
    let mut driver = next_run(&[as_it_began()]);
    driver.give(Input::Linked { uptime_s: Some(3) });
    driver.snapshot(&[], false);
    assert_eq!((driver.row().status, driver.gaps()[0].calls_lost), (Status::Unknown, 1));
}

#[test]
fn of_a_call_that_a_killed_run_saw_answered_it_is_not_forgotten_that_the_caller_was_served() {
    let answered_ms = Some(START + 5_000);
    let old = CallInProgress { agent: Some("PJSIP/101".to_owned()), answered_ms, ..as_it_began() };
    let mut driver = next_run(&[old]);
    driver.link(100_000, &[]);
    let row = driver.row();
    assert_eq!((row.status, row.outcome, row.quality), (Status::Answer, Outcome::Agent, Quality::Gap));
    assert_eq!((row.agent.as_deref(), row.wait_ms, row.talk_ms), (Some("PJSIP/101"), 5_000, 15_000));
    assert_eq!((row.queue_wait_ms, row.ended_ms - START), (3_000, 20_000));
}

#[test]
fn a_row_that_was_recorded_before_the_lists_came_whole_is_not_recorded_again_as_unknown() {
    let mut driver = next_run(&[as_it_began()]);
    let customer = Line::customer("c.1").state(6);
    driver.give(Input::Linked { uptime_s: Some(100_000) });
    driver.snapshot(&frames(customer.listed("WaitExten", "", 29).as_bytes()), false);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    let recorded = driver.row().status;
    driver.snapshot(&[], true);
    assert_eq!((driver.recorded().len(), driver.row().status), (1, recorded));
}

#[test]
fn a_row_that_was_proved_before_the_lists_came_whole_stands() {
    let mut driver = next_run(&[as_it_began()]);
    driver.tracker.has_its_row("c.1");
    driver.link(100_000, &[]);
    assert_eq!((driver.recorded().len(), driver.gaps()[0].calls_lost), (0, 0));
}

#[test]
fn who_has_come_to_anothers_linkedid_has_no_row_of_their_own() {
    let mut driver = next_run(&[as_it_began()]);
    let other = Line::customer("d.1").state(6);
    let customer = Line::customer("c.1").state(6).of("d.1");
    let lists = other.listed("ConfBridge", "b", 60) + &customer.listed("ConfBridge", "b", 30);
    driver.link(100_000, &frames(lists.as_bytes()));
    assert_eq!(driver.recorded().len(), 0);
    let gone = |r: &&Record| matches!(r, Record::NotInProgress { linkedid, .. } if linkedid == "c.1");
    assert_eq!(driver.records.iter().filter(gone).count(), 1);
}

#[test]
fn a_list_that_comes_whole_days_later_does_not_make_the_caller_wait_for_days() {
    let mut driver = next_run(&[as_it_began()]);
    driver.give(Input::Linked { uptime_s: Some(100_000) });
    driver.snapshot(&[], false);
    driver.pass(86_400_000);
    driver.snapshot(&[], true);
    assert_eq!(driver.row().ended_ms, START + 20_000);
}

#[test]
fn a_call_whose_times_are_of_two_clocks_has_no_negative_time() {
    let (ahead, answered_ms) = (START + 2_400_000, Some(START + 5_000));
    for (started_ms, joined_ms) in [(ahead, Some(START)), (START, Some(ahead)), (ahead, Some(ahead))] {
        let mut driver = next_run(&[CallInProgress { started_ms, joined_ms, answered_ms, ..as_it_began() }]);
        driver.link(100_000, &[]);
        let FinishedCall { started_ms, answered_ms, ended_ms, wait_ms, talk_ms, queue_wait_ms, .. } = driver.row();
        assert!(wait_ms >= 0 && talk_ms >= 0 && queue_wait_ms >= 0, "{wait_ms} {talk_ms} {queue_wait_ms}");
        assert!(Some(started_ms) <= answered_ms && answered_ms <= Some(ended_ms));
    }
}

#[test]
fn who_was_served_before_a_kill_and_gives_up_afterwards_was_served() {
    let answered_ms = Some(START + 5_000);
    let old = CallInProgress { agent: Some("PJSIP/101".to_owned()), answered_ms, ..as_it_began() };
    let mut driver = next_run(&[old]);
    let customer = Line::customer("c.1").state(6);
    driver.link(100_000, &frames(customer.listed("Playback", "", 30).as_bytes()));
    driver.pass(5_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.status, row.agent.as_deref(), row.answered_ms), (Status::Answer, Some("PJSIP/101"), answered_ms));
    assert_eq!(row.talk_ms, 15_000, "as long as it was seen");
}

#[test]
fn what_a_killed_run_left_is_a_customers_call_whatever_it_looks_like_now() {
    let mut driver = next_run(&[CallInProgress { number: None, number_e164: None, ..as_it_began() }]);
    let customer = Line::new("PJSIP/trunk-c.1", "c.1", "c.1", "anonymous", "ivr-main", "2").state(6);
    driver.link(100_000, &frames(customer.listed("WaitExten", "", 29).as_bytes()));
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.row().direction, Direction::Inbound);
}

/// The dialplan says this of the customer's call.
fn says(driver: &mut Driver, customer: &Line, event: &[(&str, &str)]) {
    driver.say(&customer.event("UserEvent", event));
}

/// Code, note and who set it.
fn codes(row: &FinishedCall) -> Vec<(&str, &str, &str)> {
    row.tags.iter().map(|tag| (&*tag.code, &*tag.note, &*tag.by)).collect()
}

/// Of a caller who has asked for a callback at a time, been told of by a code and rated: all of it waits for the call's end.
fn remarked() -> CallInProgress {
    let mut driver = Driver::linked(rules(), START);
    let customer = waiting(&mut driver);
    let before = recorded_in_progress(&driver);
    let wish = [("UserEvent", "CallbackRequest"), ("Queue", "sales"), ("At", "2027-01-16T09:30"), ("Language", "de")];
    says(&mut driver, &customer, &wish);
    says(&mut driver, &customer, &[("UserEvent", "CallTag"), ("Code", "VIP"), ("Note", "of old")]);
    says(&mut driver, &customer, &[("UserEvent", "CallRating"), ("Score", "4"), ("By", "menu")]);
    assert_eq!(recorded_in_progress(&driver), before + 3, "each is recorded when it is said");
    in_progress(&driver).remove(0)
}

const REMARKS: [(&str, &str, &str); 3] =
    [("CALLBACK", "sales", "caller"), ("CALLBACK_AT", "2027-01-16T09:30", "caller"), ("VIP", "of old", "dialplan")];

#[test]
fn what_was_said_of_a_call_before_a_kill_is_in_its_row_whether_it_ended_unseen_or_goes_on() {
    let mut driver = next_run(&[remarked()]);
    driver.link(100_000, &[]);
    let row = driver.row();
    assert_eq!((row.status, row.language.as_deref()), (Status::Unknown, Some("de")));
    assert_eq!((codes(&row), row.ratings.len(), row.asked_for_callback()), (REMARKS.to_vec(), 1, true));

    let mut driver = next_run(&[remarked()]);
    let customer = Line::customer("c.1").state(6);
    driver.link(100_000, &frames(customer.listed("Queue", "", 30).as_bytes()));
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_ne!(row.status, Status::Unknown);
    assert_eq!((row.language.as_deref(), row.ratings.len(), row.asked_for_callback()), (Some("de"), 1, true));
    let said = codes(&row);
    assert!(said.contains(&("CALLBACK_AT", "2027-01-16T09:30", "caller")) && said.contains(&REMARKS[2]), "{said:?}");
}

#[test]
fn who_was_served_after_the_wish_has_what_was_asked_for_and_a_wish_that_was_taken_back_is_none() {
    let mut served = remarked();
    (served.agent, served.answered_ms) = (Some("PJSIP/101".to_owned()), Some(START + 9_000));
    let mut driver = next_run(&[served]);
    driver.link(100_000, &[]);
    assert_eq!(codes(&driver.row()), [REMARKS[2]]);

    let mut driver = Driver::linked(rules(), START);
    let customer = waiting(&mut driver);
    says(&mut driver, &customer, &[("UserEvent", "CallbackRequest"), ("Queue", "sales")]);
    says(&mut driver, &customer, &[("UserEvent", "CallbackDecline")]);
    let mut driver = next_run(&[in_progress(&driver).remove(0)]);
    driver.link(100_000, &[]);
    assert!(!driver.row().asked_for_callback());
}
