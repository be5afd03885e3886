//! What the tracker tells that leaves no row: whose phone rings for a customer, and whether the PBX is seen.

use crate::stream::{Driver, Line, rules};
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{News, Record};
use callbackd_core::tracker::Input;

const START: i64 = 1_800_000_000_000;

/// In words.
fn news(driver: &Driver) -> Vec<String> {
    let told = driver.records.iter().filter_map(|record| match record {
        Record::News(news) => Some(news),
        _ => None,
    });
    told.map(|news| match &**news {
        News::LinkUp { at_ms, .. } => format!("up {}", at_ms - START),
        News::LinkDown { at_ms, .. } => format!("down {}", at_ms - START),
        News::QueueAlarm { queue, waiting, longest_since_ms, at_ms, .. } => {
            format!("{queue}: {waiting} at {}, since {}", at_ms - START, longest_since_ms - START)
        }
        News::Ringing(call) => format!(
            "{} rings {} for {} in {}",
            call.linkedid,
            call.agent.as_deref().unwrap_or("-"),
            call.number_e164.as_ref().map_or("-", |number| number.as_str()),
            call.queue.as_deref().unwrap_or("-")
        ),
    })
    .collect()
}

fn without_links(driver: &Driver) -> Vec<String> {
    news(driver).into_iter().filter(|told| told.contains("rings")).collect()
}

#[test]
fn each_phone_that_begins_to_ring_for_a_customer_is_reported_once_with_who_calls() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::customer("c.1");
    driver.say(&customer.begins());
    let customer = customer.state(6);
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    for (extension, id) in [("101", "c.2"), ("102", "c.3")] {
        let phone = Line::phone(extension, id, "c.1");
        driver.say(&(phone.begins() + &customer.dials(&phone)));
        for _ in 0..2 {
            driver.say(&phone.clone().state(5).event("Newstate", &[]));
        }
    }
    assert_eq!(
        without_links(&driver),
        ["c.1 rings PJSIP/101 for +12025550123 in sales", "c.1 rings PJSIP/102 for +12025550123 in sales"]
    );
}

#[test]
fn a_colleagues_call_and_the_way_out_ring_nobody_for_a_customer() {
    let mut driver = Driver::linked(rules(), START);
    let colleague = Line::new("PJSIP/101-1", "e.1", "e.1", "101", "from-internal", "102").state(4);
    let phone = Line::phone("102", "e.2", "e.1");
    driver.say(&(colleague.begins() + &phone.begins() + &colleague.dials(&phone)));
    driver.say(&phone.state(5).event("Newstate", &[]));
    assert_eq!(without_links(&driver), [] as [String; 0]);
}

#[test]
fn whether_the_pbx_is_seen_is_reported_once_for_each_time_that_it_changes() {
    let mut driver = Driver::linked(rules(), START);
    driver.pass(10_000);
    driver.snapshot(&[], true);
    assert_eq!(news(&driver), ["up 0"], "the regular look says nothing new");
    driver.give(Input::Unproven { ms: 4_000 });
    driver.give(Input::Unlinked);
    driver.pass(1_000);
    driver.give(Input::Unlinked);
    driver.pass(1_000);
    driver.link(3_600, &[]);
    assert_eq!(news(&driver), ["up 0", "down 6000", "up 12000"]);
}

#[test]
fn a_queue_of_events_that_overflows_is_no_link_that_is_down() {
    let mut driver = Driver::linked(rules(), START);
    driver.pass(10_000);
    driver.give(Input::Overloaded { ms: 500 });
    driver.snapshot(&[], true);
    assert_eq!(news(&driver), ["up 0"]);
}

/// A customer who joins this queue now.
fn waits(driver: &mut Driver, id: &str, queue: &str) -> Line {
    let customer = Line::customer(id);
    driver.say(&customer.begins());
    let customer = customer.state(6);
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", queue), ("Position", "1")]));
    customer
}

fn alarms(driver: &Driver) -> Vec<String> {
    news(driver).into_iter().filter(|told| told.contains(" at ")).collect()
}

fn a_minute() -> Driver {
    Driver::linked(Rules { alarm_wait_ms: Some(60_000), ..rules() }, START)
}

#[test]
fn a_queue_in_which_somebody_waits_too_long_raises_one_alarm_until_nobody_does_any_more() {
    let mut driver = a_minute();
    let ann = waits(&mut driver, "c.1", "sales");
    driver.pass(30_000);
    let ben = waits(&mut driver, "c.2", "sales");
    let cid = waits(&mut driver, "c.3", "service");
    driver.pass(29_999);
    assert_eq!(alarms(&driver), Vec::<String>::new());
    driver.pass(1);
    assert_eq!(alarms(&driver), ["sales: 2 at 60000, since 0"]);
    driver.say(&cid.hangs_up());
    driver.pass(40_000);
    driver.say(&ann.hangs_up());
    let dan = waits(&mut driver, "c.4", "sales");
    driver.pass(70_000);
    assert_eq!(alarms(&driver).len(), 1, "Ben has waited too long all the time");
    driver.say(&(ben.hangs_up() + &dan.hangs_up()));
    waits(&mut driver, "c.5", "sales");
    driver.pass(60_000);
    assert_eq!(alarms(&driver)[1..], ["sales: 1 at 230000, since 170000"]);
}

#[test]
fn a_crowd_is_one_alarm_and_whoever_is_answered_in_time_none() {
    let mut driver = a_minute();
    for n in 0..50 {
        waits(&mut driver, &format!("c.{n}"), "sales");
    }
    let answered = waits(&mut driver, "d.1", "service");
    driver.pass(59_000);
    driver.say(&answered.hangs_up());
    driver.pass(10_000);
    assert_eq!(alarms(&driver), ["sales: 50 at 60000, since 0"]);
}

#[test]
fn another_limit_holds_for_those_who_wait_and_without_one_there_is_no_alarm() {
    let mut driver = Driver::linked(rules(), START);
    waits(&mut driver, "c.1", "sales");
    driver.pass(300_000);
    assert_eq!(alarms(&driver), Vec::<String>::new());
    driver.give(Input::Rules(&Rules { alarm_wait_ms: Some(60_000), ..rules() }));
    assert_eq!(alarms(&driver), ["sales: 1 at 300000, since 0"]);
    driver.give(Input::Rules(&Rules { alarm_wait_ms: Some(400_000), ..rules() }));
    driver.pass(100_000);
    assert_eq!(alarms(&driver).len(), 1, "it is the same wait");
}

#[test]
fn while_the_pbx_is_not_seen_nobody_knows_who_waits() {
    let mut driver = a_minute();
    waits(&mut driver, "c.1", "sales");
    driver.give(Input::Unlinked);
    driver.pass(120_000);
    assert_eq!(alarms(&driver), Vec::<String>::new());
    assert!(driver.tracker.deadline().is_none_or(|due| due > driver.now.mono_ms), "it does not run in a circle");
    driver.link(100_000, &[]);
    driver.pass(120_000);
    assert_eq!(alarms(&driver), Vec::<String>::new(), "the lists do not have the caller any more");
}
