//! Conferences: many callers and phones in one bridge.

use crate::stream::{Driver, FORGOTTEN_MS, rules};
use callbackd_core::ami::event::{Bridge, Channel, Event};
use callbackd_core::tracker::MAX_PEOPLE;

const START: i64 = 1_800_000_000_000;

/// The channel of a caller.
fn caller(n: usize) -> Channel<'static> {
    Channel {
        name: format!("PJSIP/trunk-{n:08x}").into(),
        uniqueid: format!("c.{n}").into(),
        linkedid: format!("c.{n}").into(),
        state: 6,
        context: "from-trunk".into(),
        exten: "5550100".into(),
        ..Channel::default()
    }
}

/// The channel of a phone that was dialled for the first caller.
fn phone(n: usize) -> Channel<'static> {
    Channel {
        name: format!("PJSIP/{n}-{n:08x}").into(),
        uniqueid: format!("p.{n}").into(),
        linkedid: "c.0".into(),
        state: 6,
        context: "internal".into(),
        ..Channel::default()
    }
}

fn bridge() -> Bridge<'static> {
    Bridge { uniqueid: "conference".into(), ..Bridge::default() }
}

fn enters(driver: &mut Driver, channel: Channel<'static>) {
    driver.take(Event::Newchannel(channel.clone()));
    driver.take(Event::BridgeEnter { bridge: bridge(), channel, swap: "".into() });
}

/// Each event costs what the conference has members, and no power of that: with one it would take hours.
#[test]
fn a_conference_of_two_thousand_callers_is_followed() {
    let mut driver = Driver::linked(rules(), START);
    let callers = 2_000;
    (0..callers).for_each(|n| enters(&mut driver, caller(n)));
    for _ in 0..500 {
        driver.take(Event::Hold(caller(7)));
        driver.take(Event::Unhold(caller(7)));
    }
    for n in 0..callers {
        driver.take(Event::Hangup { channel: caller(n), cause: 16, language: "en".into() });
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.tracker.live_calls(), driver.tracker.weights()), (0, (0, 0)));
}

#[test]
fn of_a_conference_a_hundred_people_are_kept_and_that_the_customer_talks() {
    let mut driver = Driver::linked(rules(), START);
    enters(&mut driver, caller(0));
    (101..101 + MAX_PEOPLE + 50).for_each(|n| enters(&mut driver, phone(n)));
    assert!(driver.tracker.counters().details_dropped >= 50);
    // Those who are kept go first: the customer talks with the others.
    for n in 101..101 + MAX_PEOPLE {
        driver.take(Event::Hangup { channel: phone(n), cause: 16, language: "en".into() });
    }
    driver.pass(5_000);
    driver.take(Event::Hangup { channel: caller(0), cause: 16, language: "en".into() });
    for n in 101 + MAX_PEOPLE..101 + MAX_PEOPLE + 50 {
        driver.take(Event::Hangup { channel: phone(n), cause: 16, language: "en".into() });
    }
    driver.pass(FORGOTTEN_MS);
    let row = driver.row();
    assert_eq!((row.talk_ms, row.agent.as_deref()), (5_000, Some("PJSIP/101")));
}
