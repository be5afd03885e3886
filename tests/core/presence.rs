//! Which agents are free, how many callers wait, and when the scheduler learns that this has changed.

use crate::stream::member::{Membership, answers, end, rung_by};
use crate::stream::{Driver, FORGOTTEN_MS, Line, frames, recordings, rules, text};
use callbackd_core::ami::event::Event;
use callbackd_core::model::presence::{AgentView, Busy, Presence};
use callbackd_core::tracker::{Input, Output};

const START: i64 = 1_800_000_000_000;

fn alice(driver: &Driver) -> AgentView<'_> {
    driver.tracker.agent("PJSIP/101").expect("Alice")
}

fn busy(driver: &Driver) -> Option<Busy> {
    alice(driver).busy
}

/// A PBX on which Alice is a member of sales, at an idle phone.
fn with_alice() -> Driver {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership::of("sales", "PJSIP/101").event("QueueMemberAdded"));
    driver.news.clear();
    driver
}

/// Whether presence was reported as changed since it was asked last.
fn changed(driver: &mut Driver) -> bool {
    std::mem::take(&mut driver.news).contains(&Output::PresenceChanged)
}

fn device(driver: &mut Driver, state: &str) {
    driver.event("DeviceStateChange", &[("Device", "PJSIP/101"), ("State", state)]);
}

/// What may be a caller's text says this of the phone.
fn doubtful(driver: &mut Driver, state: &str) {
    driver.take(Event::DeviceStateChange { device: "PJSIP/101".into(), state: state.into(), doubtful: true });
}

#[test]
fn what_may_be_a_callers_text_makes_no_agent_busy_or_free_whose_queues_say_it_themselves() {
    let mut driver = with_alice();
    for state in ["BUSY", "UNAVAILABLE"] {
        doubtful(&mut driver, state);
        assert_eq!(busy(&driver), None, "{state}");
    }
    driver.say(&Membership { status: 2, ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberStatus"));
    doubtful(&mut driver, "NOT_INUSE");
    assert_eq!(busy(&driver), Some(Busy::DeviceInUse));
    // Behind a hint the queue says when they are busy, and the phone alone when its own state is over.
    let hint = Membership { state_interface: "hint:101@ext-local", ..Membership::of("sales", "PJSIP/101") };
    let mut driver = Driver::linked(rules(), START);
    driver.say(&hint.event("QueueMemberAdded"));
    doubtful(&mut driver, "BUSY");
    assert_eq!(busy(&driver), None);
    device(&mut driver, "BUSY");
    assert_eq!(busy(&driver), Some(Busy::DeviceInUse));
    doubtful(&mut driver, "NOT_INUSE");
    assert_eq!(busy(&driver), None);
}

#[test]
fn a_channel_makes_its_owner_busy_from_its_first_event_to_its_hangup() {
    let mut driver = with_alice();
    assert_eq!(busy(&driver), None);
    driver.pass(1_000);
    let phone = Line::phone("101", "p.1", "p.1");
    driver.say(&phone.begins());
    assert!(changed(&mut driver));
    assert_eq!((busy(&driver), alice(&driver).since_ms), (Some(Busy::OnCall), START + 1_000));
    for state in [3, 5, 6] {
        driver.say(&phone.clone().state(state).event("Newstate", &[]));
    }
    driver.say(&phone.event("Hold", &[]));
    assert!(!changed(&mut driver), "they were busy, and are");
    assert_eq!(busy(&driver), Some(Busy::OnCall));
    driver.pass(4_000);
    driver.say(&phone.hangs_up());
    assert!(changed(&mut driver), "with the very event that frees them");
    assert_eq!((busy(&driver), alice(&driver).since_ms), (None, START + 5_000));
}

#[test]
fn what_earlier_runs_have_seen_of_an_agent_is_gone_on_from() {
    let mut driver = Driver::linked(rules(), START);
    let earlier = [("PJSIP/101".to_owned(), Some(START - 60_000), 3), ("PJSIP/102".to_owned(), None, 0)];
    driver.tracker.knows_agents(earlier);
    driver.say(&Membership::of("sales", "PJSIP/101").event("QueueMemberAdded"));
    assert_eq!((alice(&driver).last_talk_ms, alice(&driver).calls), (Some(START - 60_000), 3));
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "c.1");
    answers(&mut driver, &customer, &phone, "b");
    driver.pass(5_000);
    end(&mut driver, &customer, &phone, "b");
    assert_eq!((alice(&driver).last_talk_ms, alice(&driver).calls), (Some(START + 5_000), 4));
}

#[test]
fn two_channels_must_both_be_gone() {
    let mut driver = with_alice();
    let (one, two) = (Line::phone("101", "p.1", "p.1"), Line::phone("101", "p.2", "p.2"));
    driver.say(&(one.begins() + &two.begins() + &one.hangs_up() + &one.hangs_up()));
    assert_eq!(busy(&driver), Some(Busy::OnCall));
    driver.say(&two.hangs_up());
    assert_eq!(busy(&driver), None);
}

#[test]
fn an_agent_who_becomes_known_after_their_channel_is_on_a_call() {
    let (direct, freepbx) = (
        Membership::of("sales", "PJSIP/900"),
        Membership { state_interface: "hint:900@ext-local", ..Membership::of("sales", "Local/900@from-queue/n") },
    );
    for member in [direct, freepbx] {
        let phone = Line::phone("900", "p.1", "p.1").state(6);
        let lists = phone.listed("Dial", "", 60)
            + &text("QueueParams", &[("Queue", "sales"), ("Calls", "0")])
            + &member.event("QueueMember");
        let mut driver = Driver::unlinked(rules(), START, None);
        driver.link(100_000, &frames(lists.as_bytes()));
        let agents = driver.tracker.agents();
        assert_eq!((agents.len(), agents[0].busy), (1, Some(Busy::OnCall)), "{}", member.interface);
        assert_eq!(agents[0].agent, "PJSIP/900");
        assert_eq!(agents[0].queues[0].interface, member.interface);
        driver.say(&phone.hangs_up());
        assert_eq!(driver.tracker.agents()[0].busy, None, "{}", member.interface);
    }
}

#[test]
fn the_phone_that_a_queues_local_channel_leads_to_makes_its_member_busy() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership::of("sales", "Local/alice@agents/n").event("QueueMemberAdded"));
    let customer = Line::customer("c.1");
    let near = Line::new("Local/alice@agents-1;1", "l.1", "c.1", "", "agents", "alice");
    let far = Line::new("Local/alice@agents-1;2", "l.2", "c.1", "", "agents", "alice");
    let phone = Line::phone("201", "p.1", "c.1");
    driver.say(&(customer.begins() + &near.begins() + &far.begins()));
    let called = [("Queue", "sales"), ("Interface", "Local/alice@agents/n"), ("MemberName", "Alice")];
    driver.say(&(customer.with(&near, "AgentCalled", &called) + &customer.dials(&near) + &phone.begins()));
    assert_eq!(driver.tracker.agents()[0].busy, None, "nobody knows yet whose phone that is");
    driver.say(&far.dials(&phone));
    assert_eq!(driver.tracker.agents()[0].busy, Some(Busy::OnCall));
}

#[test]
fn a_channel_that_takes_anothers_name_is_that_ones() {
    let mut driver = with_alice();
    // Alice picks up a call that rings at 102: Alice's phone takes the place of the other's channel.
    let rung = Line::phone("102", "p.1", "p.1");
    driver.say(&rung.begins());
    assert_eq!(busy(&driver), None);
    let rename = |name: &str| text("Rename", &[("Channel", &rung.name), ("Newname", name), ("Uniqueid", &rung.id)]);
    driver.say(&rename("PJSIP/101-00000007<MASQ>"));
    assert_eq!(busy(&driver), Some(Busy::OnCall));
    driver.say(&rename("PJSIP/102-00000008"));
    assert_eq!((busy(&driver), driver.tracker.live_channels()), (None, 1));
}

#[test]
fn channels_that_a_list_does_not_name_hold_nobody() {
    let mut driver = with_alice();
    driver.say(&Line::phone("101", "p.1", "p.1").begins());
    driver.give(Input::Unlinked);
    driver.pass(10_000);
    driver.news.clear();
    driver.link(100_000, &frames(Membership::of("sales", "PJSIP/101").event("QueueMember").as_bytes()));
    assert_eq!((busy(&driver), driver.tracker.live_channels()), (None, 0));
    assert_eq!(driver.news, [Output::InSync, Output::PresenceChanged]);
}

#[test]
fn the_last_word_on_a_device_decides() {
    let mut driver = with_alice();
    for state in ["INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD"] {
        device(&mut driver, state);
        assert_eq!((busy(&driver), changed(&mut driver)), (Some(Busy::DeviceInUse), true), "{state}");
        device(&mut driver, "NOT_INUSE");
        assert_eq!((busy(&driver), changed(&mut driver)), (None, true), "{state}");
    }
    device(&mut driver, "UNKNOWN");
    assert_eq!(busy(&driver), Some(Busy::DeviceUnknown));
    device(&mut driver, "UNAVAILABLE");
    assert_eq!(busy(&driver), Some(Busy::LoggedOut));
    let member = Membership::of("sales", "PJSIP/101");
    for (status, hinders) in [
        (0, Some(Busy::DeviceUnknown)),
        (1, None),
        (2, Some(Busy::DeviceInUse)),
        (3, Some(Busy::DeviceInUse)),
        (4, Some(Busy::LoggedOut)),
        (5, Some(Busy::LoggedOut)),
        (6, Some(Busy::DeviceInUse)),
        (7, Some(Busy::DeviceInUse)),
        (8, Some(Busy::DeviceInUse)),
    ] {
        driver.say(&Membership { status, ..member.clone() }.event("QueueMemberStatus"));
        assert_eq!(busy(&driver), hinders, "{status}");
    }
}

#[test]
fn a_hint_that_says_do_not_disturb_holds_though_the_phone_is_idle() {
    let hint =
        Membership { state_interface: "hint:101@ext-local", ..Membership::of("sales", "Local/101@from-queue/n") };
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership { status: 3, ..hint.clone() }.event("QueueMemberAdded"));
    device(&mut driver, "INUSE");
    device(&mut driver, "NOT_INUSE");
    assert_eq!(busy(&driver), Some(Busy::DeviceInUse));
    driver.say(&hint.event("QueueMemberStatus"));
    assert_eq!(busy(&driver), None);
    // What a hint said goes with the membership that asked for it.
    driver.say(&Membership::of("support", "PJSIP/101").event("QueueMemberAdded"));
    driver.say(&Membership { status: 3, ..hint.clone() }.event("QueueMemberStatus"));
    driver.say(&hint.event("QueueMemberRemoved"));
    assert_eq!(busy(&driver), None);
}

#[test]
fn being_on_a_call_goes_before_the_device_and_being_logged_out_before_both() {
    let mut driver = with_alice();
    device(&mut driver, "INUSE");
    driver.say(&Line::phone("101", "p.1", "p.1").begins());
    assert_eq!(busy(&driver), Some(Busy::OnCall));
    driver.say(&Membership::of("sales", "PJSIP/101").event("QueueMemberRemoved"));
    assert_eq!(busy(&driver), Some(Busy::LoggedOut));
}

#[test]
fn a_pause_is_of_its_queue_and_is_recorded() {
    let mut driver = with_alice();
    driver.say(&Membership::of("support", "PJSIP/101").event("QueueMemberAdded"));
    assert!(changed(&mut driver));
    let pause = Membership { paused: true, reason: "lunch", ..Membership::of("sales", "PJSIP/101") };
    driver.say(&pause.event("QueueMemberPause"));
    assert!(changed(&mut driver));
    driver.say(&pause.event("QueueMemberStatus"));
    assert!(!changed(&mut driver), "nothing new");
    let now = alice(&driver);
    let queues: Vec<_> = now.queues.iter().map(|q| (&*q.queue, q.paused, &*q.paused_reason)).collect();
    assert_eq!((now.busy, queues), (None, vec![("sales", true, "lunch"), ("support", false, "")]));
}

#[test]
fn after_call_work_ends_by_the_monotonic_clock_and_wakes_the_engine() {
    let mut driver = Driver::linked(rules(), START);
    driver.say(&Membership { wrapup_s: 10, ..Membership::of("sales", "PJSIP/101") }.event("QueueMemberAdded"));
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "a");
    answers(&mut driver, &customer, &phone, "b");
    driver.pass(30_000);
    end(&mut driver, &customer, &phone, "b");
    let until_mono_ms = driver.now.mono_ms + 10_000;
    assert_eq!(busy(&driver), Some(Busy::WrapUp { until_mono_ms }));
    let now = alice(&driver);
    assert_eq!((now.calls, now.last_talk_ms), (1, Some(START + 30_000)));
    driver.pass(FORGOTTEN_MS.min(9_000));
    driver.now.wall_ms -= 3_600_000; // somebody sets the clock
    assert_eq!(busy(&driver), Some(Busy::WrapUp { until_mono_ms }));
    driver.news.clear();
    assert!(driver.tracker.deadline().is_some_and(|due| due <= until_mono_ms));
    driver.pass(1_000);
    assert_eq!((driver.news.as_slice(), busy(&driver)), ([Output::PresenceChanged].as_slice(), None));
}

#[test]
fn a_dial_that_nobody_answers_is_no_conversation() {
    let mut driver = with_alice();
    let (customer, phone) = rung_by(&mut driver, "sales", "101", "a");
    driver.pass(5_000);
    driver.say(&(customer.dial_ends(&phone, "NOANSWER") + &phone.hangs_up() + &customer.hangs_up()));
    assert_eq!((alice(&driver).calls, alice(&driver).last_talk_ms), (0, None));
}

#[test]
fn callers_wait_from_their_join_to_their_leave_answer_or_hangup() {
    let mut driver = with_alice();
    let waiting = |driver: &Driver| driver.tracker.waiting().get("sales").copied().unwrap_or(0);
    let attach_channel = |line: &Line| line.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]);
    let lines: Vec<Line> = (0..4).map(|n| Line::customer(&format!("c.{n}"))).collect();
    for (n, line) in lines.iter().enumerate() {
        driver.say(&line.begins());
        assert!(!changed(&mut driver), "they wait in no queue yet");
        driver.say(&attach_channel(line));
        assert_eq!((waiting(&driver), changed(&mut driver)), (n as u32 + 1, true));
    }
    driver.say(&lines[0].event("QueueCallerLeave", &[("Queue", "sales")]));
    assert_eq!((waiting(&driver), changed(&mut driver)), (3, true));
    driver.say(&lines[1].event("QueueCallerAbandon", &[("Queue", "sales"), ("Position", "1"), ("HoldTime", "1")]));
    assert_eq!((waiting(&driver), changed(&mut driver)), (2, true));
    driver.say(&lines[2].hangs_up());
    assert_eq!((waiting(&driver), changed(&mut driver)), (1, true));
    // Of one the leave was not seen, but the agent talks.
    let phone = Line::phone("102", "p.1", "c.3");
    driver.say(&(phone.begins() + &lines[3].enters("b") + &phone.enters("b")));
    assert_eq!((driver.tracker.waiting().len(), changed(&mut driver)), (0, true));
}

#[test]
fn one_input_says_at_most_once_that_the_floor_has_changed() {
    let mut driver = Driver::linked(rules(), START);
    for recording in recordings() {
        driver.now.wall_ms = recording.start();
        for frame in &recording.live {
            driver.news.clear();
            driver.play(frame);
            let last = driver.news.iter().filter(|n| **n == Output::PresenceChanged).count();
            assert!(last <= 2, "{}: once for the event, once for a tick before it", recording.name);
        }
    }
    let idle = driver.news.len();
    driver.give(Input::Tick);
    assert_eq!(driver.news.len(), idle, "time alone changes nothing");
}

#[test]
fn sight_is_whole_when_the_lists_have_come_until_it_is_lost() {
    let mut driver = Driver::unlinked(rules(), START, None);
    assert!(!driver.tracker.in_sync());
    driver.give(Input::Linked { uptime_s: None });
    driver.give(Input::SnapshotBegan);
    driver.say(&Membership::of("sales", "PJSIP/101").event("QueueMember"));
    assert!(!driver.tracker.in_sync() && driver.news.is_empty(), "what is listed is not told piece by piece");
    driver.give(Input::SnapshotEnded { channels_known: true });
    assert!(driver.tracker.in_sync());
    assert_eq!(std::mem::take(&mut driver.news), [Output::InSync, Output::PresenceChanged]);
    for lost in [Input::Unlinked, Input::Overloaded { ms: 0 }] {
        driver.give(lost);
        assert!(!driver.tracker.in_sync());
        driver.snapshot(&[], false);
        assert!(!driver.tracker.in_sync() && driver.news.is_empty(), "a list that was refused shows nothing");
        driver.snapshot(&[], true);
        assert!(driver.tracker.in_sync());
        assert!(std::mem::take(&mut driver.news).contains(&Output::InSync));
    }
}

#[test]
fn whom_no_queue_knows_is_unknown_and_whom_none_has_any_more_is_logged_out() {
    let mut driver = with_alice();
    assert_eq!(driver.tracker.agent("PJSIP/777"), None);
    driver.say(&Membership::of("sales", "PJSIP/101").event("QueueMemberRemoved"));
    assert_eq!((busy(&driver), changed(&mut driver)), (Some(Busy::LoggedOut), true));
}

#[test]
fn recorded_agents_are_all_free_of_channels_in_the_end() {
    for recording in recordings() {
        let driver = Driver::played(&recording);
        assert_eq!(driver.tracker.live_channels(), 0, "{}", recording.name);
        assert!(driver.tracker.waiting().is_empty(), "{}", recording.name);
        for agent in driver.tracker.agents() {
            assert_ne!(agent.busy, Some(Busy::OnCall), "{}: {}", recording.name, agent.agent);
        }
    }
}

#[test]
fn a_phone_that_rings_is_distinguished_from_one_that_talks() {
    let mut driver = with_alice();
    let phone = Line::phone("101", "p.1", "p.1");
    driver.say(&phone.begins());
    assert!(!alice(&driver).rings);
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    assert!(alice(&driver).rings);
    driver.say(&phone.clone().state(6).event("Newstate", &[]));
    assert!(!alice(&driver).rings);
}
