//! What the tracker tells that leaves no row: whose phone rings for a customer, and whether the PBX is seen.

use crate::stream::{Driver, Line, rules};
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
