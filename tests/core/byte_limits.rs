//! Limits in bytes, and of what is kept beside channels: what a PBX (or whoever writes in its name) sends never takes more memory than said.

use crate::stream::{Driver, FORGOTTEN_MS, rules};
use callbackd_core::ami::event::{Bridge, Channel, Event, Member, MemberChange};
use callbackd_core::tracker::{
    Input, MAX_ALIASES, MAX_CHANNEL_BYTES, MAX_CHANNELS, MAX_DETAIL_BYTES, MAX_LINKEDIDS, MAX_LISTED, MAX_MEMBERSHIPS,
    SPARE_BRIDGES,
};

const START: i64 = 1_800_000_000_000;

fn longest(n: usize, letter: char, length: usize) -> String {
    format!("{n}{}", letter.to_string().repeat(length))[..length].to_owned()
}

/// A customer's channel, each text as long as it can be.
fn channel(n: usize) -> Channel<'static> {
    Channel {
        name: format!("PJSIP/{}-{n:08x}", longest(n, 'n', 190)).into(),
        uniqueid: longest(n, 'u', 151).into(),
        linkedid: longest(n, 'u', 151).into(),
        state: 4,
        caller_num: longest(n, '1', 80).into(),
        caller_name: longest(n, 'c', 80).into(),
        context: "from-trunk".into(),
        exten: longest(n, '3', 80).into(),
        ..Channel::default()
    }
}

fn short(id: &str, linkedid: &str) -> Channel<'static> {
    Channel {
        name: format!("PJSIP/trunk-{id}").into(),
        uniqueid: id.to_owned().into(),
        linkedid: linkedid.to_owned().into(),
        state: 4,
        context: "from-trunk".into(),
        exten: "5550100".into(),
        ..Channel::default()
    }
}

#[test]
fn channels_of_long_texts_are_refused_before_their_number_is_reached_and_leave_their_room() {
    let mut driver = Driver::linked(rules(), START);
    for n in 0..MAX_CHANNELS {
        driver.take(Event::Newchannel(channel(n)));
    }
    let (channels, _, _) = driver.tracker.sizes();
    let (bytes, _) = driver.tracker.weights();
    assert!(channels < MAX_CHANNELS && bytes < MAX_CHANNEL_BYTES + 8_192, "{channels} channels of {bytes} bytes");
    assert_eq!(driver.tracker.counters().channels_refused, (MAX_CHANNELS - channels) as u64);
    for n in 0..channels {
        driver.take(Event::Hangup { channel: channel(n), cause: 16, language: "en".into() });
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.tracker.sizes(), driver.tracker.weights()), ((0, 0, 0), (0, 0)));
    driver.take(Event::Newchannel(channel(1)));
    assert_eq!(driver.tracker.live_calls(), 1);
}

#[test]
fn menu_steps_of_all_calls_together_have_an_end_and_their_room_comes_back() {
    let mut driver = Driver::linked(rules(), START);
    let calls = 2_000;
    for n in 0..calls {
        driver.take(Event::Newchannel(short(&format!("c.{n}"), &format!("c.{n}"))));
    }
    let mut sent = 0;
    for step in 0..150 {
        for n in 0..calls {
            let mut at = short(&format!("c.{n}"), &format!("c.{n}"));
            at.context = longest(step, 'm', 70).replacen(&step.to_string(), &format!("ivr-{step}-"), 1).into();
            at.exten = "s".into();
            driver.take(Event::Newexten {
                channel: at,
                extension: "s".into(),
                application: "Background".into(),
                data: "x".into(),
            });
            sent += 1;
        }
    }
    let (_, details) = driver.tracker.weights();
    assert!((MAX_DETAIL_BYTES..MAX_DETAIL_BYTES + 4_096).contains(&details), "{details} bytes");
    let dropped = driver.tracker.counters().details_dropped;
    assert!(dropped > 0 && dropped < sent, "{dropped} of {sent}");
    for n in 0..calls {
        driver.take(Event::Hangup {
            channel: short(&format!("c.{n}"), &format!("c.{n}")),
            cause: 16,
            language: "en".into(),
        });
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.tracker.weights(), (0, 0));
    let kept: usize = driver.recorded().iter().map(|row| row.ivr.len()).sum();
    assert_eq!(kept as u64 + dropped, sent, "what is not kept is counted");
}

#[test]
fn bridges_that_nobody_enters_are_forgotten() {
    let mut driver = Driver::linked(rules(), START);
    for n in 0..100_000 {
        let bridge = Bridge { uniqueid: longest(n, 'b', 151).into(), ..Bridge::default() };
        driver.take(Event::BridgeCreate(bridge));
    }
    let (_, bridges, _) = driver.tracker.sizes();
    assert!(bridges <= SPARE_BRIDGES + 1, "{bridges}");
    assert_eq!(driver.tracker.counters().bridges_forgotten, (100_000 - bridges) as u64);
}

#[test]
fn a_bridge_with_people_in_it_outlives_those_that_are_forgotten() {
    let mut driver = Driver::linked(rules(), START);
    let bridge =
        |id: &str| Bridge { uniqueid: id.to_owned().into(), technology: "simple_bridge".into(), ..Bridge::default() };
    let phone = Channel {
        name: "PJSIP/101-1".into(),
        uniqueid: "p.1".into(),
        linkedid: "c.1".into(),
        state: 6,
        context: "internal".into(),
        ..Channel::default()
    };
    driver.take(Event::Newchannel(short("c.1", "c.1")));
    driver.take(Event::Newchannel(phone.clone()));
    let answered = Channel { state: 6, ..short("c.1", "c.1") };
    driver.take(Event::BridgeEnter { bridge: bridge("talk"), channel: answered, swap: "".into() });
    for n in 0..3 * SPARE_BRIDGES {
        driver.take(Event::BridgeCreate(bridge(&format!("empty {n}"))));
    }
    driver.take(Event::BridgeEnter { bridge: bridge("talk"), channel: phone.clone(), swap: "".into() });
    driver.pass(5_000);
    driver.take(Event::Hangup { channel: short("c.1", "c.1"), cause: 16, language: "en".into() });
    driver.take(Event::Hangup { channel: phone, cause: 16, language: "en".into() });
    driver.pass(FORGOTTEN_MS);
    assert_eq!(driver.row().talk_ms, 5_000);
}

#[test]
fn a_call_that_goes_through_linkedids_without_end_keeps_the_first_hundred() {
    let mut driver = Driver::linked(rules(), START);
    driver.take(Event::Newchannel(short("c.1", "c.1")));
    for n in 0..MAX_LINKEDIDS + 9 {
        driver.take(Event::Newstate(short("c.1", &format!("other.{n}"))));
    }
    assert_eq!((driver.tracker.counters().details_dropped, driver.tracker.live_calls()), (10, 1));
}

#[test]
fn memberships_beyond_the_limit_are_ignored_and_counted() {
    let mut driver = Driver::linked(rules(), START);
    let member = |n: usize| Member {
        queue: format!("queue {}", n / 100).into(),
        interface: format!("PJSIP/{}", n % 100).into(),
        status: 1,
        ..Member::default()
    };
    for n in 0..MAX_MEMBERSHIPS + 5 {
        driver.take(Event::QueueMember { change: MemberChange::Added, member: member(n) });
    }
    assert_eq!(driver.tracker.counters().agent_details_refused, 5);
    driver.take(Event::QueueMember { change: MemberChange::Removed, member: member(0) });
    driver.take(Event::QueueMember { change: MemberChange::Added, member: member(MAX_MEMBERSHIPS + 5) });
    driver.take(Event::QueueMember { change: MemberChange::Status, member: member(1) });
    assert_eq!(driver.tracker.counters().agent_details_refused, 5, "one has left, and who is in stays in");
}

#[test]
fn other_names_of_agents_beyond_the_limit_are_ignored_and_counted() {
    let mut driver = Driver::linked(rules(), START);
    for n in 0..MAX_ALIASES {
        let member = Member {
            queue: "sales".into(),
            interface: format!("Local/agent{n}@from-queue/n").into(),
            state_interface: "PJSIP/101".into(),
            ..Member::default()
        };
        driver.take(Event::QueueMember { change: MemberChange::Status, member });
    }
    let refused = driver.tracker.counters().agent_details_refused;
    assert!(refused > 0 && refused < 10, "{refused}: the phone and its extension are names too");
}

#[test]
fn queues_and_callers_of_one_list_beyond_the_limit_are_ignored_and_counted() {
    let mut driver = Driver::linked(rules(), START);
    driver.give(Input::SnapshotBegan);
    for n in 0..MAX_LISTED + 3 {
        driver.take(Event::QueueParams { queue: format!("queue {n}").into(), strategy: "ringall".into(), calls: 0 });
        let uniqueid = format!("q.{n}");
        driver.take(Event::QueueEntry {
            queue: "queue 1".into(),
            position: 1,
            channel_name: "x".into(),
            uniqueid: uniqueid.into(),
            wait_s: 1,
        });
    }
    assert_eq!(driver.tracker.counters().listed_refused, 6);
}
