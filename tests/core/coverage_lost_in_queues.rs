//! What a link that was down for a while means for callers in queues, and for the phones that rang for them.

use crate::coverage_lost::{START, ringing};
use crate::stream::{Driver, FORGOTTEN_MS, Line, frames, rules};
use callbackd_core::model::presence::Presence;
use callbackd_core::model::{FinishedCall, LegResult, Outcome, Quality, Status, VisitResult};
use callbackd_core::tracker::Input;

/// A customer who waits in a queue since now, and for whom 101 rings.
fn waiting(driver: &mut Driver) -> (Line, Line) {
    let (customer, phone) = (Line::customer("c.1"), Line::phone("101", "c.2", "c.1"));
    let queue = ("Queue", "sales");
    driver.say(&(customer.begins() + &customer.event("QueueCallerJoin", &[queue, ("Position", "1")])));
    let called = [queue, ("Interface", "PJSIP/101"), ("MemberName", "Alice")];
    driver.say(&(phone.begins() + &customer.with(&phone, "AgentCalled", &called) + &customer.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    (customer.state(6), phone.state(5))
}

/// The link is lost for 20 s. These events come before the lists.
fn back_with(driver: &mut Driver, events: &str, lists: &str) {
    driver.pass(5_000);
    driver.give(Input::Unlinked);
    driver.pass(20_000);
    driver.give(Input::Linked { uptime_s: Some(100_000) });
    driver.say(events);
    driver.snapshot(&frames(lists.as_bytes()), true);
}

/// The customer is in the list, and waits in the queue.
fn still_waits(customer: &Line) -> String {
    let entry = [
        ("Queue", "sales"),
        ("Position", "1"),
        ("Channel", &*customer.name),
        ("Uniqueid", &customer.id),
        ("Wait", "25"),
    ];
    crate::stream::text("QueueParams", &[("Queue", "sales"), ("Calls", "1")])
        + &crate::stream::text("QueueEntry", &entry)
        + &customer.listed("Queue", "", 25)
}

/// Status, outcome, how the wait in the queue ended, how the phone fared.
fn came_to(driver: &mut Driver) -> (Status, Outcome, Vec<VisitResult>, Vec<LegResult>) {
    driver.pass(FORGOTTEN_MS);
    let FinishedCall { status, outcome, visits, legs, quality, .. } = driver.row();
    assert_ne!(quality, Quality::Full);
    (status, outcome, visits.iter().map(|v| v.result).collect(), legs.iter().map(|l| l.result).collect())
}

#[test]
fn of_a_call_that_ends_before_the_lists_nobody_says_that_no_phone_rang() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    back_with(&mut driver, &(customer.event("SoftHangupRequest", &[("Cause", "16")]) + &customer.hangs_up()), "");
    assert_eq!(came_to(&mut driver), (Status::Unknown, Outcome::Gap, vec![], vec![]));
}

#[test]
fn who_hangs_up_before_the_lists_may_have_been_served_meanwhile() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    let ends = customer.far_end_hangs_up() + &phone.hangs_up() + &customer.hangs_up();
    back_with(&mut driver, &ends, "");
    let unknown = (vec![VisitResult::Unknown], vec![LegResult::Unknown]);
    assert_eq!(came_to(&mut driver), (Status::Unknown, Outcome::Gap, unknown.0, unknown.1));
}

#[test]
fn whom_the_queue_itself_tells_as_abandoned_gave_up_there() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    let abandons = [("Queue", "sales"), ("Position", "1"), ("OriginalPosition", "1"), ("HoldTime", "25")];
    let ends = customer.far_end_hangs_up()
        + &customer.dial_ends(&phone, "CANCEL")
        + &customer.event("QueueCallerAbandon", &abandons)
        + &phone.hangs_up()
        + &customer.hangs_up();
    back_with(&mut driver, &ends, "");
    let waited = (vec![VisitResult::Abandoned], vec![LegResult::Cancelled]);
    assert_eq!(came_to(&mut driver), (Status::Cancel, Outcome::QueueAbandon, waited.0, waited.1));
}

#[test]
fn whom_the_lists_find_still_waiting_gave_up_when_they_hung_up() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    back_with(&mut driver, "", &(phone.listed("AppQueue", "", 24) + &still_waits(&customer)));
    driver.pass(3_000);
    driver.say(&(customer.far_end_hangs_up() + &phone.hangs_up() + &customer.hangs_up()));
    let waited = (vec![VisitResult::Abandoned], vec![LegResult::Cancelled]);
    assert_eq!(came_to(&mut driver), (Status::Cancel, Outcome::QueueAbandon, waited.0, waited.1));
}

#[test]
fn whom_the_lists_do_not_find_waiting_any_more_may_have_been_served() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    back_with(&mut driver, &phone.hangs_up(), &customer.listed("Playback", "", 25));
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    let unknown = (vec![VisitResult::Unknown], vec![LegResult::Unknown]);
    assert_eq!(came_to(&mut driver), (Status::Unknown, Outcome::Gap, unknown.0, unknown.1));
}

#[test]
fn a_phone_that_is_not_seen_ringing_any_more_did_not_ring_to_the_end() {
    for (lists, status) in [(true, Status::Cancel), (false, Status::Unknown)] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, phone) = ringing(&mut driver, "c");
        let rings = phone.clone().state(5).listed("AppDial", "", 25);
        back_with(&mut driver, "", &(if lists { rings } else { String::new() } + &customer.listed("Dial", "", 25)));
        driver.say(&(customer.far_end_hangs_up() + &phone.hangs_up() + &customer.hangs_up()));
        assert_eq!(came_to(&mut driver).0, status, "phone is in the list: {lists}");
    }
}

/// The customer hangs up after a talk with 101, and the queue says how long they waited and talked, s. Of the two it names only whom it still finds.
fn completes(customer: &Line, phone: &Line, [hold_s, talk_s]: [&str; 2], named: (bool, bool)) -> String {
    let (customer, phone) = (customer.clone().state(6), phone.clone().state(6));
    let agent = [("Queue", "sales"), ("Interface", "PJSIP/101"), ("MemberName", "Alice"), ("Reason", "caller")];
    let more = [&agent[..], &[("HoldTime", hold_s), ("TalkTime", talk_s)]].concat();
    let completes = match named {
        (true, true) => customer.with(&phone, "AgentComplete", &more),
        (true, false) => customer.event("AgentComplete", &more),
        (false, true) => {
            crate::stream::text("AgentComplete", &more).replacen("\r\n", &format!("\r\n{}", phone.headers("Dest")), 1)
        }
        (false, false) => crate::stream::text("AgentComplete", &more),
    };
    let ends = customer.far_end_hangs_up() + &customer.leaves("b") + &phone.leaves("b");
    ends + &phone.hangs_up() + &customer.hangs_up() + &completes
}

#[test]
fn a_talk_of_which_nothing_was_seen_is_proved_by_what_the_queue_reckons_up_at_its_end() {
    for named in [(true, true), (true, false), (false, true)] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, phone) = waiting(&mut driver);
        back_with(&mut driver, &completes(&customer, &phone, ["9", "16"], named), "");
        let served = (vec![VisitResult::Connected], vec![LegResult::Answered]);
        assert_eq!(came_to(&mut driver), (Status::Answer, Outcome::Agent, served.0, served.1), "{named:?}");
        let row = driver.row();
        assert_eq!((row.agent.as_deref(), row.talk_ms, row.wait_ms), (Some("PJSIP/101"), 16_000, 9_000));
        assert_eq!((row.visits[0].left_ms - START, row.quality), (9_000, Quality::Partial));
    }
}

#[test]
fn a_reckoning_that_names_nobody_tells_nothing() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    back_with(&mut driver, &completes(&customer, &phone, ["9", "16"], (false, false)), "");
    assert_eq!(came_to(&mut driver).0, Status::Unknown);
}

#[test]
fn a_talk_that_was_found_in_progress_lasted_as_long_as_the_queue_says() {
    for named in [(true, true), (true, false), (false, true)] {
        let (customer, phone) = (Line::customer("c.1").state(6), Line::phone("101", "c.2", "c.1").state(6));
        let mut driver = Driver::unlinked(rules(), START, Some(START - 300_000));
        let lists = customer.listed("Queue", "b", 100) + &phone.listed("AppQueue", "b", 90);
        driver.link(100_000, &frames(lists.as_bytes()));
        driver.pass(10_000);
        driver.say(&completes(&customer, &phone, ["15", "95"], named));
        let served = (vec![VisitResult::Connected], vec![LegResult::Answered]);
        assert_eq!(came_to(&mut driver), (Status::Answer, Outcome::Agent, served.0, served.1), "{named:?}");
        let row = driver.row();
        assert_eq!((row.talk_ms, row.wait_ms, row.queue_wait_ms), (95_000, 15_000, 15_000));
        assert_eq!(row.queue.as_deref(), Some("sales"));
    }
}

#[test]
fn who_had_left_a_queue_in_vain_before_the_link_was_lost_may_have_been_served_elsewhere() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    let leave = [("Queue", "sales"), ("Position", "1"), ("Count", "0")];
    let status = [("Variable", "QUEUESTATUS"), ("Value", "TIMEOUT")];
    driver.say(&(customer.dial_ends(&phone, "NOANSWER") + &phone.hangs_up()));
    driver.say(&(customer.event("QueueCallerLeave", &leave) + &customer.event("VarSet", &status)));
    back_with(&mut driver, &(customer.far_end_hangs_up() + &customer.hangs_up()), "");
    assert_eq!(came_to(&mut driver).0, Status::Unknown);
}

#[test]
fn what_the_queue_says_in_the_end_counts_though_a_phone_that_it_rang_was_lost_from_sight() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, _) = waiting(&mut driver);
    back_with(&mut driver, "", &still_waits(&customer));
    let leave = [("Queue", "sales"), ("Position", "1"), ("Count", "0")];
    let status = [("Variable", "QUEUESTATUS"), ("Value", "TIMEOUT")];
    driver.pass(20_000);
    driver.say(&(customer.event("QueueCallerLeave", &leave) + &customer.event("VarSet", &status)));
    driver.pass(2_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    let in_vain = (vec![VisitResult::Timeout], vec![LegResult::Unknown]);
    assert_eq!(came_to(&mut driver), (Status::NoAnswer, Outcome::QueueTimeout, in_vain.0, in_vain.1));
}

#[test]
fn who_is_found_elsewhere_than_before_may_have_been_served_meanwhile() {
    for (application, status) in [("Playback", Status::Unknown), ("Wait", Status::Cancel)] {
        let mut driver = Driver::linked(rules(), START);
        let customer = Line::customer("c.1");
        driver.say(&customer.begins());
        let customer = customer.state(6);
        driver.say(&customer.event("Newexten", &[("Extension", "5550100"), ("Application", "Wait"), ("AppData", "")]));
        back_with(&mut driver, "", &customer.listed(application, "", 25));
        driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
        assert_eq!(came_to(&mut driver).0, status, "{application}");
    }
}

#[test]
fn who_is_not_in_the_list_of_a_queue_any_more_does_not_wait_there() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, _) = waiting(&mut driver);
    let queue = crate::stream::text("QueueParams", &[("Queue", "sales"), ("Calls", "0")]);
    back_with(&mut driver, "", &(queue + &customer.listed("Playback", "", 25)));
    assert!(driver.tracker.waiting().is_empty());
    driver.pass(60_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.row().queue_wait_ms, 25_000, "up to the list");
}

#[test]
fn a_member_behind_a_local_channel_is_known_by_the_phone_that_it_led_to() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&(customer.begins() + &customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")])));
    let customer = customer.state(6);
    let near = Line::new("Local/101@from-queue-1;1", "c.2", "c.1", "101", "from-queue", "101");
    let far = Line::new("Local/101@from-queue-1;2", "c.3", "c.1", "101", "from-queue", "101").state(4);
    let phone = Line::phone("101", "c.4", "c.1");
    let called = [("Queue", "sales"), ("Interface", "Local/101@from-queue"), ("MemberName", "Alice")];
    driver.say(&(near.begins() + &far.begins() + &customer.with(&near, "AgentCalled", &called)));
    driver.say(&(customer.dials(&near) + &phone.begins() + &far.dials(&phone)));
    let spent = [("Reason", "caller"), ("HoldTime", "9"), ("TalkTime", "16")];
    let complete = customer.with(&near.clone().state(6), "AgentComplete", &[&called[..], &spent].concat());
    let ends = customer.far_end_hangs_up() + &phone.hangs_up() + &far.hangs_up() + &near.hangs_up();
    back_with(&mut driver, &(ends + &customer.hangs_up() + &complete), "");
    let served = (vec![VisitResult::Connected], vec![LegResult::Answered]);
    assert_eq!(came_to(&mut driver), (Status::Answer, Outcome::Agent, served.0, served.1));
    assert_eq!((driver.row().agent.as_deref(), driver.row().talk_ms), (Some("PJSIP/101"), 16_000));
}

#[test]
fn a_reckoning_by_a_clock_that_was_set_makes_no_talk_before_the_call() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    back_with(&mut driver, &completes(&customer, &phone, ["4294967295", "1800000000"], (true, true)), "");
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.status, row.wait_ms, row.talk_ms, row.queue_wait_ms), (Status::Answer, 0, 25_000, 0));
}

#[test]
fn whoever_waits_or_is_rung_for_again_after_the_loss_is_judged_by_that() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, phone) = waiting(&mut driver);
    let other = Line::phone("102", "c.3", "c.1");
    let called = [("Queue", "sales"), ("Interface", "PJSIP/102"), ("MemberName", "Ben")];
    // Before the lists come the queue rings the next member for this customer.
    let rings = phone.hangs_up() + &other.begins() + &customer.with(&other, "AgentCalled", &called);
    let lists = customer.listed("Queue", "", 25) + &other.listed("AppQueue", "", 1);
    back_with(&mut driver, &(rings + &customer.dials(&other)), &lists);
    driver.pass(3_000);
    driver.say(&(customer.far_end_hangs_up() + &other.hangs_up() + &customer.hangs_up()));
    assert_eq!(came_to(&mut driver).1, Outcome::QueueAbandon);

    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    let customer = customer.state(6);
    back_with(&mut driver, "", &customer.listed("Playback", "", 25));
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    driver.pass(8_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.hangs_up()));
    assert_eq!(came_to(&mut driver).1, Outcome::QueueAbandon);
}

/// Where the list finds the customer again.
fn runs(customer: &Line, application: &str) -> String {
    customer.event("Newexten", &[("Extension", "5550100"), ("Application", application), ("AppData", "")])
}

/// The phone is taken by a colleague, who is in a call of their own until then.
fn picks_up(phone: &Line) -> (Line, String) {
    let colleague = Line::new("PJSIP/190-3", "p.3", "p.3", "190", "from-internal", "*8").state(4);
    let up = colleague.clone().state(6);
    let pickup = format!("Event: Pickup\r\n{}{}\r\n", up.headers(""), phone.clone().state(5).headers("Target"));
    let begins = colleague.begins() + &up.event("Newstate", &[]) + &pickup;
    (up, begins + &phone.event("Hangup", &[("Cause", "16"), ("Cause-txt", "")]))
}

#[test]
fn whom_the_queue_has_connected_with_a_colleague_was_not_missed_though_nothing_of_the_talk_was_seen() {
    for pickup_is_seen in [true, false] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, phone) = waiting(&mut driver);
        driver.say(&runs(&customer, "Queue"));
        driver.pass(5_000);
        let (colleague, picks_up) = picks_up(&phone);
        driver.say(&if pickup_is_seen { picks_up } else { phone.hangs_up() });
        let colleague = if pickup_is_seen { colleague } else { colleague.of("c.1") };
        let leave = [("Queue", "sales"), ("Position", "1"), ("Count", "0")];
        let connect = [("Queue", "sales"), ("Interface", "PJSIP/101"), ("MemberName", "Alice"), ("HoldTime", "5")];
        driver
            .say(&(customer.event("QueueCallerLeave", &leave) + &customer.with(&colleague, "AgentConnect", &connect)));
        driver.give(Input::Unlinked);
        driver.pass(20_000);
        driver.link(100_000, &frames(customer.listed("Queue", "", 25).as_bytes()));
        driver.say(&(customer.event("SoftHangupRequest", &[("Cause", "16")]) + &customer.hangs_up()));
        let (status, outcome, visits, _) = came_to(&mut driver);
        let connected = (Status::Unknown, Outcome::Gap, vec![VisitResult::Connected]);
        assert_eq!((status, outcome, visits), connected, "the pickup is seen: {pickup_is_seen}");
    }
}

#[test]
fn whose_ringing_phone_was_answered_by_a_colleague_may_have_talked_unseen() {
    // The PBX says of a phone that is given up that another has answered, or tells of the pickup itself.
    for (pickup_is_seen, cause) in [(true, "16"), (false, "26")] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, phone) = ringing(&mut driver, "c");
        driver.say(&runs(&customer, "Dial"));
        driver.pass(5_000);
        let given_up = phone.event("Hangup", &[("Cause", cause), ("Cause-txt", "")]);
        driver.say(&if pickup_is_seen { picks_up(&phone).1 } else { customer.dial_ends(&phone, "CANCEL") + &given_up });
        driver.give(Input::Unlinked);
        driver.pass(20_000);
        driver.link(100_000, &frames(customer.listed("Dial", "", 25).as_bytes()));
        driver.say(&(customer.event("SoftHangupRequest", &[("Cause", "16")]) + &customer.hangs_up()));
        let unseen = (Status::Unknown, Outcome::Gap, vec![], vec![LegResult::Elsewhere]);
        assert_eq!(came_to(&mut driver), unseen, "the pickup is seen: {pickup_is_seen}");
    }
}
