//! Attempts that end or move as nobody planned: picked up by a colleague, forwarded, hung up by others, never rung.

use crate::attempt_progress::{ID, START, agents, customers, facts, hangs_up, ringing, steps};
use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::progress::{Facts, FirstPhone, Step};
use callbackd_core::model::{FinishedCall, HangupBy, LegResult, Outcome, Status};

fn originated(line: &Line, dial_string: &str) -> String {
    format!("Event: DialBegin\r\n{}DialString: {dial_string}\r\n\r\n", line.headers("Dest"))
}

fn originated_ends(line: &Line, status: &str, more: &str) -> String {
    format!("Event: DialEnd\r\n{}DialStatus: {status}\r\n{more}\r\n", line.headers("Dest"))
}

fn up(line: &Line) -> String {
    line.clone().state(6).event("Newstate", &[])
}

fn variable(line: &Line, name: &str, value: &str) -> String {
    line.event("VarSet", &[("Variable", name), ("Value", value)])
}

fn the_row(driver: &Driver) -> FinishedCall {
    let rows = driver.rows();
    rows.into_iter().find(|row| row.linkedid == ID).expect("a row of the attempt")
}

#[test]
fn a_callback_that_a_colleague_picks_up_goes_on_with_the_colleague() {
    let (mut driver, agent) = ringing();
    let colleague = Line::new("PJSIP/102-3", "p.3", "p.3", "102", "from-internal", "*8");
    driver.say(&(colleague.clone().state(4).begins() + &up(&colleague)));
    driver.say(&format!(
        "Event: Pickup\r\n{}{}\r\n",
        colleague.clone().state(6).headers(""),
        agent.clone().state(5).headers("Target")
    ));
    driver.say(&hangs_up(&agent, "26"));
    driver.pass(100);
    let customer = customers().of("p.3");
    let dial = colleague.clone().state(6).with(&customer, "DialBegin", &[("DialString", "12025550123@trunk")]);
    driver.say(&(customer.begins() + &dial + &customer.clone().state(5).event("Newstate", &[])));
    driver.pass(2_000);
    driver.say(&(up(&customer) + &colleague.dial_ends(&customer, "ANSWER")));
    driver.say(&(customer.enters("b") + &colleague.enters("b")));
    driver.pass(9_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b") + &colleague.leaves("b")));
    driver.say(&(hangs_up(&customer, "16") + &hangs_up(&colleague, "16")));
    assert_eq!(steps(&driver), ["seen", "picked up", "agent answered", "customer dialled", "connected"]);
    let picked_up = driver.progress().iter().find_map(|p| match &p.step {
        Step::PickedUp { agent, uniqueid } => Some((agent.clone(), uniqueid.clone())),
        _ => None,
    });
    assert_eq!(picked_up, Some(("PJSIP/102".to_owned(), "p.3".to_owned())));
    let known = facts(&mut driver);
    assert_eq!((known.agent, known.customer, known.talk_ms), (LegResult::Answered, Some(LegResult::Answered), 9_000));
    assert!(!known.killed);
    let row = driver.row();
    assert_eq!((row.linkedid.as_str(), row.status, row.outcome), (ID, Status::Answer, Outcome::Agent));
    assert_eq!((row.agent.as_deref(), row.callback_id), (Some("PJSIP/102"), Some(7)));
}

#[test]
fn a_phone_that_forwards_is_neither_rung_out_nor_busy() {
    let mut driver = Driver::linked(rules(), START);
    let agent = agents();
    driver.say(&(agent.begins() + &originated(&agent, "101")));
    driver.pass(100);
    driver.say(&(originated_ends(&agent, "CANCEL", "Forward: 109\r\n") + &hangs_up(&agent, "0")));
    let known = facts(&mut driver);
    assert_eq!((known.first_phone, known.killed), (FirstPhone::Forwarded, false));
}

/// An attempt whose agent's phone has rung for two seconds, and ends so.
fn ended(says: impl Fn(&Line) -> String) -> (Facts, FinishedCall) {
    let (mut driver, agent) = ringing();
    driver.say(&variable(&agent, "__CALLBACKD_QUEUE", "sales"));
    driver.say(&variable(&agent, "__CALLBACKD_NUMBER", "12025550123"));
    driver.say(&says(&agent));
    let known = facts(&mut driver);
    (known, the_row(&driver))
}

#[test]
fn a_ringing_callback_that_others_hang_up_was_killed_and_one_that_rings_out_or_is_rejected_was_not() {
    let (known, row) = ended(|agent| originated_ends(agent, "NOANSWER", "") + &hangs_up(agent, "0"));
    assert!(known.killed, "by the AMI");
    assert_eq!((row.status, row.outcome, row.hangup_by), (Status::Cancel, Outcome::RingAbandon, HangupBy::Pbx));
    assert_eq!((row.number_e164.as_deref(), row.queue.as_deref()), (Some("+12025550123"), Some("sales")));
    let by_cli = |agent: &Line| agent.event("SoftHangupRequest", &[("Cause", "32")]);
    let (known, _) = ended(|agent| by_cli(agent) + &originated_ends(agent, "NOANSWER", "") + &hangs_up(agent, "0"));
    assert!(known.killed, "by the command line");
    let (known, row) = ended(|agent| hangs_up(agent, "0"));
    assert!(!known.killed && known.first_phone == FirstPhone::Rang, "rang out");
    assert_eq!((row.status, row.outcome), (Status::NoAnswer, Outcome::RingTimeout));
    assert_eq!((row.number_e164.as_deref(), row.queue.as_deref()), (Some("+12025550123"), Some("sales")));
    let (known, _) = ended(|agent| originated_ends(agent, "NOANSWER", "") + &hangs_up(agent, "21"));
    assert_eq!((known.killed, known.agent), (false, LegResult::Rejected));
    let far_end = |agent: &Line| agent.far_end_hangs_up();
    let (known, _) = ended(|agent| far_end(agent) + &originated_ends(agent, "NOANSWER", "") + &hangs_up(agent, "16"));
    assert!(!known.killed, "the phone itself ended it");
}

#[test]
fn a_callback_whose_agent_others_hang_up_while_the_customers_phone_rings_was_killed() {
    let (mut driver, agent) = ringing();
    let customer = customers();
    driver.say(&(up(&agent) + &originated_ends(&agent, "ANSWER", "")));
    let agent = agent.state(6);
    let runs = [("Extension", "s"), ("Application", "Dial"), ("AppData", "PJSIP/12025550123@trunk,15")];
    driver.say(&agent.event("Newexten", &runs));
    driver.pass(100);
    driver.say(&(customer.begins() + &agent.with(&customer, "DialBegin", &[("DialString", "12025550123@trunk")])));
    driver.say(&customer.clone().state(5).event("Newstate", &[]));
    driver.pass(3_000);
    driver.say(&(agent.dial_ends(&customer, "CANCEL") + &variable(&agent, "DIALSTATUS", "CANCEL")));
    driver.say(&agent.event("SoftHangupRequest", &[("Cause", "16")]));
    driver.say(&(hangs_up(&customer, "0") + &hangs_up(&agent, "16")));
    let known = facts(&mut driver);
    assert!(known.killed, "{known:?}");
    let row = the_row(&driver);
    assert_eq!((row.status, row.outcome, row.hangup_by), (Status::Cancel, Outcome::RingAbandon, HangupBy::Pbx));
}

/// As a FreePBX rings an agent: behind a Local channel that stays. The phone is gone while the customer's rings: by the agent's own hand, or not.
#[test]
fn behind_a_local_channel_the_phone_itself_says_whether_the_agent_left_or_others_hung_it_up() {
    for (by_agent, killed) in [(false, true), (true, false)] {
        let mut driver = Driver::linked(rules(), START);
        let near = Line::new("Local/101@originate-skipvm-01;1", ID, ID, "", "originate-skipvm", "101");
        let far = Line::new("Local/101@originate-skipvm-01;2", &format!("{ID};2"), ID, "", "from-internal", "101");
        let (far, phone, customer) = (far.state(4), Line::phone("101", "p.1", ID), customers());
        driver.say(&(near.begins() + &far.begins() + &originated(&near, "101@originate-skipvm/n")));
        driver.say(&(phone.begins() + &far.dials(&phone) + &phone.clone().state(5).event("Newstate", &[])));
        driver.pass(1_000);
        driver.say(&(up(&phone) + &far.dial_ends(&phone.clone().state(6), "ANSWER") + &up(&far) + &up(&near)));
        driver.say(&(originated_ends(&near, "ANSWER", "") + &phone.enters("a") + &far.enters("a")));
        let (near, far, phone) = (near.state(6), far.state(6), phone.state(6));
        driver.say(&(customer.begins() + &near.dials(&customer) + &customer.clone().state(5).event("Newstate", &[])));
        driver.pass(3_000);
        if by_agent {
            driver.say(&phone.far_end_hangs_up());
        }
        driver.say(&(phone.leaves("a") + &far.leaves("a")));
        driver.say(
            &(far.event("SoftHangupRequest", &[("Cause", "16")]) + &near.far_end_hangs_up() + &hangs_up(&far, "16")),
        );
        driver.say(&(near.dial_ends(&customer.clone().state(5), "CANCEL") + &hangs_up(&customer, "0")));
        driver.say(&(near.event("SoftHangupRequest", &[("Cause", "16")]) + &hangs_up(&near, "16")));
        driver.pass(1);
        driver.say(&hangs_up(&phone, "16"));
        let known = facts(&mut driver);
        assert_eq!((known.killed, known.taken_by.as_deref()), (killed, Some("PJSIP/101")), "{known:?}");
    }
}

#[test]
fn a_local_channel_that_leads_to_nobody_never_rang() {
    let mut driver = Driver::linked(rules(), START);
    let near = Line::new("Local/101@from-queue-01;1", ID, ID, "", "from-queue", "101");
    let far = Line::new("Local/101@from-queue-01;2", &format!("{ID};2"), ID, "", "from-queue", "101").state(4);
    driver.say(&(near.begins() + &far.begins() + &originated(&near, "101@from-queue")));
    driver.pass(40);
    driver.say(&(far.event("SoftHangupRequest", &[("Cause", "16")]) + &hangs_up(&far, "0")));
    driver.say(&(near.far_end_hangs_up() + &originated_ends(&near, "NOANSWER", "") + &hangs_up(&near, "0")));
    let known = facts(&mut driver);
    assert_eq!((known.first_phone, known.killed), (FirstPhone::Silent, false), "{known:?}");
}

#[test]
fn the_customers_fate_is_the_rows() {
    for (status, cause, wanted) in [
        ("BUSY", "17", (Status::Busy, Outcome::AllBusy)),
        ("NOANSWER", "21", (Status::NoAnswer, Outcome::Rejected)),
        ("NOANSWER", "0", (Status::NoAnswer, Outcome::RingTimeout)),
    ] {
        let (mut driver, agent) = ringing();
        driver.say(&variable(&agent, "__CALLBACKD_QUEUE", "sales"));
        let customer = customers();
        driver.say(&(up(&agent) + &originated_ends(&agent, "ANSWER", "")));
        let agent = agent.state(6);
        driver.say(&(customer.begins() + &agent.with(&customer, "DialBegin", &[("DialString", "12025550123@trunk")])));
        driver.say(&customer.clone().state(5).event("Newstate", &[]));
        driver.pass(3_000);
        driver.say(&(agent.dial_ends(&customer, status) + &hangs_up(&customer, cause)));
        driver.say(&(agent.event("SoftHangupRequest", &[("Cause", "16")]) + &hangs_up(&agent, "16")));
        driver.pass(FORGOTTEN_MS);
        let row = the_row(&driver);
        assert_eq!((row.status, row.outcome), wanted, "{status} {cause}");
        assert_eq!((row.number.as_deref(), row.queue.as_deref()), (Some("12025550123"), Some("sales")), "{status}");
    }
}

#[test]
fn an_attempt_whose_phone_goes_over_to_another_customer_ends_with_the_call_that_it_is_in_then() {
    let (first, second) = (Line::customer("u.1"), Line::customer("u.2"));
    let agent = agents().of("u.1");
    let mut driver = Driver::linked(rules(), START);
    driver.say(&(first.begins() + &second.begins() + &agent.begins()));
    driver.pass(1_000);
    driver.say(&(second.dials(&agent) + &up(&agent)));
    driver.pass(1_000);
    driver.say(&(hangs_up(&agent, "16") + &hangs_up(&first, "16") + &hangs_up(&second, "16")));
    facts(&mut driver);
    assert_eq!(steps(&driver), ["seen", "agent answered", "ended"]);
}
