//! Attempts of ours while the link is down: what the lists say of them afterwards.

use crate::attempt_progress::{ID, START, agents, customers, facts, hangs_up, ringing, steps, talking};
use crate::stream::{Driver, frames, rules};
use callbackd_core::model::presence::Presence;
use callbackd_core::model::{HangupBy, LegResult};
use callbackd_core::tracker::{Input, Output};

#[test]
fn an_attempt_that_a_list_finds_is_seen_with_all_that_it_has_come_to() {
    let (agent, customer) = (agents().state(6), customers().state(6));
    let lists = agent.listed("Dial", "b", 60) + &customer.listed("AppDial", "b", 50);
    let mut driver = Driver::unlinked(rules(), START, None);
    driver.link(100_000, &frames(lists.as_bytes()));
    assert_eq!(steps(&driver), ["seen", "agent answered", "connected"]);
    assert!(matches!(driver.news.last(), Some(Output::InSync)), "{:?}", driver.news);
    assert!(driver.tracker.attempt_lives(ID));
    driver.pass(5_000);
    driver.say(&(customer.far_end_hangs_up() + &hangs_up(&customer, "16") + &hangs_up(&agent, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.unseen, facts.agent, facts.customer_cause), (false, LegResult::Answered, None));
    assert_eq!(facts.talk_ms, 5_000);
}

#[test]
fn an_attempt_that_ended_unseen_is_reported_before_the_tracker_is_in_sync() {
    let (mut driver, ..) = talking();
    driver.give(Input::Unlinked);
    driver.pass(10_000);
    driver.news.clear();
    driver.link(100_000, &[]);
    let in_sync = driver.news.iter().position(|n| *n == Output::InSync);
    let ended = driver.news.iter().position(|n| matches!(n, Output::Progress(_)));
    assert!(ended.is_some() && ended < in_sync, "{:?}", driver.news);
    let facts = facts(&mut driver);
    assert!(facts.unseen);
    assert_eq!((facts.agent_hangup_by, facts.talk_ms), (HangupBy::Unknown, 20_000));
    assert_eq!(driver.row().callback_id, Some(7));
}

#[test]
fn an_attempt_that_ends_before_the_lists_may_have_connected_them_out_of_sight() {
    for (lists, unseen) in [(false, true), (true, false)] {
        let (mut driver, agent) = ringing();
        driver.pass(2_000);
        driver.give(Input::Unlinked);
        driver.pass(20_000);
        driver.give(Input::Linked { uptime_s: Some(100_000) });
        if lists {
            let rings = agent.clone().state(5).listed("AppDial2", "", 22);
            driver.snapshot(&frames(rings.as_bytes()), true);
        }
        driver.say(&(agent.clone().state(6).far_end_hangs_up() + &hangs_up(&agent.clone().state(6), "16")));
        assert_eq!(facts(&mut driver).unseen, unseen, "the lists came first: {lists}");
    }
}

#[test]
fn a_customer_who_was_dialled_and_answered_out_of_sight_has_talked() {
    let (mut driver, agent) = ringing();
    driver.pass(2_000);
    driver.give(Input::Unlinked);
    driver.pass(20_000);
    let (agent, customer) = (agent.state(6), customers().state(6));
    let lists = agent.listed("Dial", "b", 22) + &customer.listed("AppDial", "b", 15);
    driver.link(100_000, &frames(lists.as_bytes()));
    driver.pass(8_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b") + &agent.leaves("b")));
    driver.say(&(hangs_up(&customer, "16") + &hangs_up(&agent, "16")));
    let facts = facts(&mut driver);
    assert!(facts.customer_answered_ms.is_some(), "{facts:?}");
    assert_eq!((facts.talk_ms, facts.unseen), (8_000, false));
}

#[test]
fn an_agent_who_picked_up_out_of_sight_may_have_talked_with_the_customer() {
    let (mut driver, agent) = ringing();
    driver.pass(2_000);
    driver.give(Input::Unlinked);
    driver.pass(20_000);
    let agent = agent.state(6);
    driver.link(100_000, &frames(agent.listed("Hangup", "", 22).as_bytes()));
    driver.say(&(agent.far_end_hangs_up() + &hangs_up(&agent, "16")));
    assert!(facts(&mut driver).unseen);
}
