//! What agents do when: one agent under several names, and intervals to the millisecond.

use crate::stream::member::{Membership, answers, end, rung_by};
use crate::stream::{Driver, FORGOTTEN_MS, Line, recordings, rules};
use callbackd_core::model::presence::Presence;
use callbackd_core::model::{Activity, Interval, Record};
use callbackd_core::tracker::Input;

const START: i64 = 1_800_000_000_000;

/// `agent activity queue reason from–to`, times from the start, in order.
fn recorded(driver: &Driver) -> Vec<String> {
    let mut intervals = driver.intervals();
    intervals.sort_by_key(|i| (i.from_ms, i.activity, i.queue.clone()));
    let recorded = |i: &Interval| {
        let to = i.to_ms.map_or("…".to_owned(), |to| (to - START).to_string());
        let words = [&*i.agent, i.activity.as_str(), &*i.queue, &*i.reason].map(str::to_owned);
        let words: Vec<String> = words.into_iter().filter(|w| !w.is_empty()).collect();
        format!("{} {}–{to}", words.join(" "), i.from_ms - START)
    };
    intervals.iter().map(recorded).collect()
}

#[test]
fn ringing_talking_and_wrapup_are_exact() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership { wrapup_s: 10, ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberAdded"));
    driver.pass(1_000);
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "a");
    driver.pass(2_345);
    answers(&mut driver, &customer, &phone, "b");
    driver.pass(60_007);
    end(&mut driver, &customer, &phone, "b");
    driver.pass(FORGOTTEN_MS);
    assert_eq!(
        recorded(&driver),
        [
            "PJSIP/101 logged_in 0–…",
            "PJSIP/101 ringing 1000–3345",
            "PJSIP/101 talking 3345–63352",
            "PJSIP/101 wrapup 63352–73352",
        ]
    );
}

#[test]
fn an_agent_ends_their_wrapup_by_dialling() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership { wrapup_s: 10, ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberAdded"));
    let ready = |driver: &mut Driver, id: &str, more: &str| {
        let line = Line::phone("101", id, id);
        let event = format!("Event: UserEvent\r\n{}UserEvent: AgentReady\r\n{more}\r\n", line.headers(""));
        driver.say(&(line.begins() + &event + &line.hangs_up()));
    };
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "a");
    answers(&mut driver, &customer, &phone, "b");
    driver.pass(60_000);
    end(&mut driver, &customer, &phone, "b");
    driver.pass(3_000);
    ready(&mut driver, "f.1", "Agent: PJSIP/101-0000000f\r\n");
    assert_eq!(driver.tracker.agents()[0].busy, None);
    ready(&mut driver, "f.2", "");
    ready(&mut driver, "f.3", "Agent: PJSIP/199\r\n");
    assert_eq!(driver.tracker.counters().user_events_refused, 1, "of nobody who is known");
    driver.pass(FORGOTTEN_MS);
    let wrapups: Vec<String> = recorded(&driver).into_iter().filter(|t| t.contains("wrapup")).collect();
    assert_eq!(wrapups, ["PJSIP/101 wrapup 60000–63000"]);
}

#[test]
fn an_agent_has_the_wrapup_of_the_configuration_where_the_queue_does_not_say() {
    let mut rules = rules();
    rules.wrapups.insert("PJSIP/101".to_owned(), 7_000);
    let mut driver = Driver::linked(rules, START);
    driver.say(&Membership { wrapup_s: 3, ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberAdded"));
    driver.say(&Membership::of("support", "PJSIP/101").event("QueueMemberAdded"));
    for (n, queue) in ["sales", "support"].into_iter().enumerate() {
        let (customer, phone) = rung_by(&mut driver, queue, "101", &format!("q{n}"));
        answers(&mut driver, &customer, &phone, queue);
        driver.pass(1_000);
        end(&mut driver, &customer, &phone, queue);
        driver.pass(20_000);
    }
    let wrapups: Vec<String> = recorded(&driver).into_iter().filter(|t| t.contains("wrapup")).collect();
    assert_eq!(wrapups, ["PJSIP/101 wrapup 1000–4000", "PJSIP/101 wrapup 22000–29000"]);
}

#[test]
fn a_call_of_no_queue_has_no_wrapup_and_each_queue_has_its_own() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership { wrapup_s: 10, ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberAdded"));
    driver.say(&Membership { wrapup_s: 3, ..Membership::of("support", "PJSIP/101") }.event("QueueMemberAdded"));
    for (n, queue) in ["sales", "support"].into_iter().enumerate() {
        let (customer, phone) = rung_by(&mut driver, queue, "101", &format!("q{n}"));
        answers(&mut driver, &customer, &phone, queue);
        driver.pass(1_000);
        end(&mut driver, &customer, &phone, queue);
        driver.pass(20_000);
    }
    let (customer, phone) = (Line::customer("d.1"), Line::phone("101", "d.2", "d.1"));
    driver.say(&(customer.begins() + &phone.begins() + &customer.dials(&phone)));
    answers(&mut driver, &customer, &phone, "direct");
    driver.pass(1_000);
    end(&mut driver, &customer, &phone, "direct");
    let wrapups: Vec<String> = recorded(&driver).into_iter().filter(|t| t.contains("wrapup")).collect();
    assert_eq!(wrapups, ["PJSIP/101 wrapup 1000–11000", "PJSIP/101 wrapup 22000–25000"]);
}

#[test]
fn a_freepbx_agent_is_one_person_over_local_hint_and_phone() {
    let freepbx =
        Membership { state_interface: "hint:900@ext-local", ..Membership::of("sales", "Local/900@from-queue/n") };
    let mut driver = Driver::linked(rules(), START);
    driver.say(&freepbx.event("QueueMemberAdded"));
    driver.pass(1_000);
    // The agent is called directly: nothing leads from the queue to the phone, but its extension is the agent's.
    let (customer, phone) = (Line::customer("d.1"), Line::phone("900", "d.2", "d.1"));
    driver.say(&(customer.begins() + &phone.begins() + &customer.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    driver.pass(1_000);
    answers(&mut driver, &customer, &phone, "b");
    driver.pass(1_000);
    end(&mut driver, &customer, &phone, "b");
    driver.pass(1_000);
    driver.say(&Membership { paused: true, reason: "lunch", ..freepbx.clone() }.event("QueueMemberPause"));
    driver.say(&Membership::of("support", "PJSIP/900").event("QueueMemberAdded"));
    driver.pass(1_000);
    driver.say(&freepbx.event("QueueMemberRemoved"));
    driver.say(&Membership::of("support", "PJSIP/900").event("QueueMemberRemoved"));
    assert_eq!(
        recorded(&driver),
        [
            // Until the phone shows itself the agent is named by what leads to it; what the agent does goes on under that name.
            "Local/900@from-queue/n logged_in 0–1000",
            "PJSIP/900 logged_in 1000–5000",
            "PJSIP/900 ringing 1000–2000",
            "PJSIP/900 talking 2000–3000",
            "PJSIP/900 paused sales lunch 4000–5000",
        ]
    );
    let names: Vec<_> = driver
        .records
        .iter()
        .filter_map(|r| if let Record::Agent { agent, name, .. } = r { Some((&**agent, &**name)) } else { None })
        .collect();
    assert_eq!(names, [("Local/900@from-queue/n", "Alice"), ("PJSIP/900", "Alice")]);
}

#[test]
fn a_phone_that_shares_only_its_extension_with_another_technologys_is_another_person() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership::of("sales", "SIP/900").event("QueueMemberAdded"));
    let (customer, phone) = (Line::customer("d.1"), Line::phone("900", "d.2", "d.1"));
    driver.say(&(customer.begins() + &phone.begins() + &customer.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    assert_eq!(recorded(&driver), ["SIP/900 logged_in 0–…"]);
}

#[test]
fn the_phone_of_a_hint_agent_is_learnt_from_its_device_state() {
    let hint =
        Membership { state_interface: "hint:900@ext-local", ..Membership::of("sales", "Local/900@from-queue/n") };
    let mut driver = Driver::linked(rules(), START);
    driver.say(&hint.event("QueueMemberAdded"));
    driver.pass(1_000);
    driver.event("DeviceStateChange", &[("Device", "PJSIP/900"), ("State", "UNAVAILABLE")]);
    driver.pass(1_000);
    driver.event("DeviceStateChange", &[("Device", "PJSIP/900"), ("State", "NOT_INUSE")]);
    assert_eq!(
        recorded(&driver),
        ["Local/900@from-queue/n logged_in 0–1000", "PJSIP/900 logged_in 1000–1000", "PJSIP/900 logged_in 2000–…"]
    );
}

#[test]
fn pauses_are_of_one_queue_and_a_new_reason_is_a_new_pause() {
    let (sales, support) = (Membership::of("sales", "PJSIP/101"), Membership::of("support", "PJSIP/101"));
    let mut driver = Driver::linked(rules(), START);
    driver.say(&(sales.event("QueueMemberAdded") + &support.event("QueueMemberAdded")));
    driver.pass(1_000);
    driver.say(&Membership { paused: true, reason: "lunch", ..sales.clone() }.event("QueueMemberPause"));
    driver.pass(1_000);
    // The same again, by a status event: nothing new.
    driver.say(&Membership { paused: true, reason: "lunch", ..sales.clone() }.event("QueueMemberStatus"));
    driver.pass(1_000);
    driver.say(&Membership { paused: true, reason: "training", ..sales.clone() }.event("QueueMemberPause"));
    driver.say(&Membership { paused: true, reason: "", ..support.clone() }.event("QueueMemberPause"));
    driver.pass(1_000);
    driver.say(&sales.event("QueueMemberPause"));
    assert_eq!(
        recorded(&driver),
        [
            "PJSIP/101 logged_in 0–…",
            "PJSIP/101 paused sales lunch 1000–3000",
            "PJSIP/101 paused sales training 3000–4000",
            "PJSIP/101 paused support 3000–…",
        ]
    );
}

#[test]
fn an_agent_of_two_queues_is_logged_in_once_until_they_have_left_both() {
    let (sales, support) = (Membership::of("sales", "PJSIP/101"), Membership::of("support", "PJSIP/101"));
    let mut driver = Driver::linked(rules(), START);
    driver.say(&sales.event("QueueMemberAdded"));
    driver.pass(1_000);
    driver.say(&support.event("QueueMemberAdded"));
    driver.pass(1_000);
    driver.say(&Membership { paused: true, ..sales.clone() }.event("QueueMemberPause"));
    driver.pass(1_000);
    driver.say(&sales.event("QueueMemberRemoved"));
    driver.pass(1_000);
    driver.say(&support.event("QueueMemberRemoved"));
    assert_eq!(recorded(&driver), ["PJSIP/101 logged_in 0–4000", "PJSIP/101 paused sales 2000–3000"]);
}

#[test]
fn an_agent_whose_phone_cannot_be_reached_is_not_logged_in() {
    let sales = Membership::of("sales", "PJSIP/101");
    let mut driver = Driver::linked(rules(), START);
    driver.say(&sales.event("QueueMemberAdded"));
    driver.pass(1_000);
    driver.say(&Membership { status: 5, ..sales.clone() }.event("QueueMemberStatus"));
    driver.pass(1_000);
    // A pause says nothing of the phone.
    driver.say(&Membership { status: 1, paused: true, ..sales.clone() }.event("QueueMemberPause"));
    driver.pass(1_000);
    driver.say(&Membership { paused: true, ..sales.clone() }.event("QueueMemberStatus"));
    driver.pass(1_000);
    driver.event("DeviceStateChange", &[("Device", "PJSIP/101"), ("State", "UNAVAILABLE")]);
    assert_eq!(
        recorded(&driver),
        ["PJSIP/101 logged_in 0–1000", "PJSIP/101 paused sales 2000–…", "PJSIP/101 logged_in 3000–4000"]
    );
}

#[test]
fn a_second_phone_call_that_rings_meanwhile_is_the_same_ringing() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership::of("sales", "PJSIP/101").event("QueueMemberAdded"));
    let (first, first_leg) = rung_by(&mut driver, "sales", "101", "a");
    driver.pass(1_000);
    let (second, second_leg) = rung_by(&mut driver, "sales", "101", "z");
    driver.pass(1_000);
    driver.say(&(first_leg.hangs_up() + &first.hangs_up()));
    driver.pass(1_000);
    answers(&mut driver, &second, &second_leg, "b");
    driver.pass(1_000);
    end(&mut driver, &second, &second_leg, "b");
    assert_eq!(
        recorded(&driver),
        ["PJSIP/101 logged_in 0–…", "PJSIP/101 ringing 0–3000", "PJSIP/101 talking 3000–4000"]
    );
}

#[test]
fn a_stopping_daemon_closes_what_it_will_not_see_the_end_of() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(
        &Membership { paused: true, reason: "lunch", ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberAdded"),
    );
    driver.pass(1_000);
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "a");
    driver.pass(1_000);
    answers(&mut driver, &customer, &phone, "b");
    driver.pass(1_000);
    driver.give(Input::Stopping);
    assert_eq!(
        recorded(&driver),
        [
            "PJSIP/101 logged_in 0–3000",
            "PJSIP/101 paused sales lunch 0–3000",
            "PJSIP/101 ringing 1000–2000",
            "PJSIP/101 talking 2000–3000",
        ]
    );
}

#[test]
fn after_a_restart_of_the_pbx_a_pause_that_the_list_still_tells_goes_on_anew() {
    let paused = Membership { paused: true, reason: "lunch", ..Membership::of("sales", "PJSIP/101") };
    let list = crate::stream::text("QueueParams", &[("Queue", "sales"), ("Calls", "0")]) + &paused.event("QueueMember");
    let mut driver = Driver::unlinked(rules(), START, None);
    driver.link(100_000, &crate::stream::frames(list.as_bytes()));
    driver.pass(5_000);
    driver.give(Input::Unlinked);
    driver.pass(30_000);
    driver.link(5, &crate::stream::frames(list.as_bytes()));
    assert_eq!(
        recorded(&driver),
        [
            "PJSIP/101 logged_in 0–5000",
            "PJSIP/101 paused sales lunch 0–5000",
            "PJSIP/101 logged_in 35000–…",
            "PJSIP/101 paused sales lunch 35000–…",
        ]
    );
}

#[test]
fn who_left_a_queue_while_the_link_was_down_is_logged_out_by_the_list_of_that_queue() {
    let member = Membership::of("sales", "PJSIP/101").event("QueueMember");
    let queue = crate::stream::text("QueueParams", &[("Queue", "sales"), ("Calls", "0")]);
    let mut driver = Driver::unlinked(rules(), START, None);
    driver.link(100_000, &crate::stream::frames((queue.clone() + &member).as_bytes()));
    driver.pass(5_000);
    driver.give(Input::Unlinked);
    driver.pass(5_000);
    driver.link(100_000, &[]);
    assert_eq!(recorded(&driver), ["PJSIP/101 logged_in 0–…"], "a queue that is not listed says nothing");
    driver.pass(5_000);
    driver.snapshot(&crate::stream::frames(queue.as_bytes()), true);
    assert_eq!(recorded(&driver), ["PJSIP/101 logged_in 0–15000"]);
}

#[test]
fn recorded_agents_ring_and_talk_as_long_as_their_legs_say() {
    let mut compared = 0;
    for recording in recordings() {
        let driver = Driver::played(&recording);
        let intervals = driver.intervals();
        for i in &intervals {
            assert!(i.to_ms.is_none_or(|to| i.from_ms <= to), "{}: {i:?}", recording.name);
            let lasts = matches!(i.activity, Activity::LoggedIn | Activity::Paused);
            assert!(lasts || i.to_ms.is_some(), "{}: {i:?}", recording.name);
        }
        for row in driver.rows() {
            for leg in row.legs.iter().filter(|l| l.talk_ms > 0 && l.agent.starts_with("PJSIP/1")) {
                // Only those whom a queue names are agents.
                if !intervals.iter().any(|i| i.agent == leg.agent && i.activity == Activity::LoggedIn) {
                    continue;
                }
                let talks = |i: &&Interval| i.agent == leg.agent && i.activity == Activity::Talking;
                let talked: i64 = intervals.iter().filter(talks).map(|i| i.to_ms.unwrap() - i.from_ms).sum();
                // The agent can talk with colleagues too, but with the customer no longer than that.
                assert!(talked >= leg.talk_ms, "{}: {} talked {talked} of {}", recording.name, leg.agent, leg.talk_ms);
                compared += 1;
            }
        }
    }
    assert!(compared >= 5, "{compared}");
}
