//! Attempts of ours step by step, and what is known of each when its call is over.

use crate::stream::{Driver, FORGOTTEN_MS, Line, recording, rules, stamp};
use callbackd_core::ami::Frame;
use callbackd_core::model::presence::Presence;
use callbackd_core::model::progress::{Facts, FirstPhone, Step};
use callbackd_core::model::{Direction, HangupBy, LegResult};
use callbackd_core::tracker::Input;

pub const START: i64 = 1_800_000_000_000;
pub const ID: &str = "cb-0a1b2c3d-7-1";

/// The agent's channel of an attempt.
pub fn agents() -> Line {
    Line::new("PJSIP/101-1", ID, ID, "101", "from-internal", "s")
}

/// The customer's, whom it dials.
pub fn customers() -> Line {
    Line::new("PJSIP/trunk-2", "c.2", ID, "12025550123", "from-trunk", "")
}

/// An Originate dials: nobody is named who does.
fn dialled_for_us(line: &Line, dial_string: &str) -> String {
    format!("Event: DialBegin\r\n{}DialString: {dial_string}\r\n\r\n", line.headers("Dest"))
}

fn dial_for_us_ends(line: &Line, status: &str) -> String {
    format!("Event: DialEnd\r\n{}DialStatus: {status}\r\n\r\n", line.headers("Dest"))
}

fn up(line: &Line) -> String {
    line.clone().state(6).event("Newstate", &[])
}

pub fn hangs_up(line: &Line, cause: &str) -> String {
    line.event("Hangup", &[("Cause", cause)])
}

fn dials(from: &Line, to: &Line) -> String {
    from.clone().state(6).with(to, "DialBegin", &[("DialString", "12025550123@trunk")])
}

/// The steps reported so far, without their times.
pub fn steps(driver: &Driver) -> Vec<&'static str> {
    let word = |step: &Step| match step {
        Step::Seen => "seen",
        Step::PickedUp { .. } => "picked up",
        Step::AgentAnswered => "agent answered",
        Step::CustomerDialled => "customer dialled",
        Step::Connected => "connected",
        Step::Ended(_) => "ended",
        Step::Failed { .. } => "failed",
    };
    let progress = driver.progress();
    assert!(progress.iter().all(|p| p.channel_id == ID || p.channel_id == "cb-42-1"), "{progress:?}");
    progress.iter().map(|p| word(&p.step)).collect()
}

/// What was known in the end.
pub fn facts(driver: &mut Driver) -> Facts {
    driver.pass(FORGOTTEN_MS);
    let ended: Vec<Facts> = driver
        .progress()
        .iter()
        .filter_map(|p| if let Step::Ended(facts) = &p.step { Some((**facts).clone()) } else { None })
        .collect();
    assert_eq!(ended.len(), 1, "{:?}", driver.progress());
    assert_eq!((driver.tracker.sizes().0, driver.tracker.sizes().2), (0, 0));
    ended.into_iter().next().unwrap()
}

/// An attempt whose agent's phone rings.
pub fn ringing() -> (Driver, Line) {
    let mut driver = Driver::linked(rules(), START);
    let agent = agents();
    driver.say(&(agent.begins() + &dialled_for_us(&agent, "101")));
    driver.say(&agent.clone().state(5).event("Newstate", &[]));
    driver.pass(2_000);
    (driver, agent)
}

/// An attempt whose agent has accepted, and whose customer's phone rings.
fn customer_rings() -> (Driver, Line, Line) {
    let (mut driver, agent) = ringing();
    let customer = customers();
    driver.say(&(up(&agent) + &dial_for_us_ends(&agent, "ANSWER")));
    driver.pass(100);
    driver.say(&(customer.begins() + &dials(&agent, &customer)));
    driver.say(&customer.clone().state(5).event("Newstate", &[]));
    driver.pass(3_000);
    (driver, agent, customer)
}

/// An attempt in which they talk.
pub fn talking() -> (Driver, Line, Line) {
    let (mut driver, agent, customer) = customer_rings();
    driver.say(&(up(&customer) + &agent.dial_ends(&customer, "ANSWER")));
    driver.say(&(customer.enters("b") + &agent.enters("b")));
    driver.pass(20_000);
    (driver, agent, customer)
}

#[test]
fn a_recorded_callback_takes_its_steps_when_they_happen() {
    let mut driver = Driver::played(&recording("callback_originate"));
    assert_eq!(steps(&driver), ["seen", "agent answered", "customer dialled", "connected", "ended"]);
    let times: Vec<i64> = driver.progress().iter().map(|p| p.at_ms - 1_795_336_726_000).collect();
    assert_eq!(times, [9, 2_020, 2_023, 4_026, 7_531]);
    let row = driver.row();
    assert_eq!((row.callback_id, row.direction), (Some(42), Direction::Callback));
    assert_eq!(
        facts(&mut driver),
        Facts {
            linkedid: "cb-42-1".to_owned(),
            agent: LegResult::Answered,
            first_phone: FirstPhone::Rang,
            killed: false,
            agent_answered_ms: Some(1_795_336_728_020),
            taken_by: Some("PJSIP/101".to_owned()),
            customer: Some(LegResult::Answered),
            customer_cause: Some(16),
            customer_answered_ms: row.answered_ms,
            talk_ms: 3_504,
            agent_hangup_by: HangupBy::Pbx,
            unseen: false,
            ended_ms: 1_795_336_733_531,
        }
    );
}

#[test]
fn an_attempt_lives_as_long_as_its_call() {
    let recording = recording("callback_originate");
    let mut driver = Driver::unlinked(rules(), recording.start(), None);
    driver.link(100_000, &recording.lists);
    let named = |frame: &Frame, name: &str| frame.get("Event") == Some(name.as_bytes());
    let (begins, ends) = (
        recording.live.iter().position(|f| named(f, "Newchannel")).unwrap(),
        recording.live.iter().rposition(|f| named(f, "Hangup")).unwrap(),
    );
    for (i, frame) in recording.live.iter().enumerate() {
        driver.play(frame);
        assert_eq!(driver.tracker.attempt_lives("cb-42-1"), i >= begins, "{i}");
        assert!(!driver.tracker.attempt_lives("cb-42-2"));
    }
    assert!(ends > begins && driver.recorded().is_empty(), "the end is about to be told");
    driver.pass(FORGOTTEN_MS);
    assert!(!driver.tracker.attempt_lives("cb-42-1") && !driver.recorded().is_empty());
}

#[test]
fn how_an_agents_phone_did_not_answer_is_distinguished() {
    let cases = [
        ("NOANSWER", "16", LegResult::NoAnswer),
        ("CANCEL", "0", LegResult::NoAnswer),
        ("NOANSWER", "19", LegResult::NoAnswer),
        ("BUSY", "17", LegResult::Busy),
        ("NOANSWER", "17", LegResult::Busy),
        ("NOANSWER", "21", LegResult::Rejected),
        ("CHANUNAVAIL", "0", LegResult::Unavailable),
        ("CONGESTION", "34", LegResult::Congestion),
        ("NOANSWER", "38", LegResult::Congestion),
    ];
    for (status, cause, result) in cases {
        let (mut driver, agent) = ringing();
        driver.say(&(dial_for_us_ends(&agent, status) + &hangs_up(&agent, cause)));
        let facts = facts(&mut driver);
        assert_eq!((facts.agent, facts.customer), (result, None), "{status} {cause}");
        assert_eq!((facts.agent_answered_ms, facts.agent_hangup_by), (None, HangupBy::Pbx), "{status} {cause}");
        assert_eq!(driver.row().callback_id, Some(7));
        assert_eq!(steps(&driver), ["seen", "ended"]);
    }
    // A phone that is not there never rang.
    let mut driver = Driver::linked(rules(), START);
    let agent = agents();
    driver.say(&(agent.begins() + &dialled_for_us(&agent, "101")));
    driver.say(&(dial_for_us_ends(&agent, "NOANSWER") + &hangs_up(&agent, "20")));
    assert_eq!(facts(&mut driver).agent, LegResult::Unavailable);
}

#[test]
fn an_agent_who_hangs_up_before_the_customer_answers_has_left() {
    let (mut driver, agent, customer) = customer_rings();
    driver.say(&(agent.far_end_hangs_up() + &agent.dial_ends(&customer, "CANCEL") + &hangs_up(&customer, "0")));
    driver.say(&hangs_up(&agent, "16"));
    assert_eq!(steps(&driver), ["seen", "agent answered", "customer dialled"]);
    let facts = facts(&mut driver);
    assert_eq!((facts.agent, facts.agent_hangup_by), (LegResult::Answered, HangupBy::Agent));
    assert_eq!((facts.customer, facts.customer_answered_ms), (Some(LegResult::Cancelled), None));
    assert_eq!(facts.agent_answered_ms, Some(START + 2_000));
}

#[test]
fn how_a_customers_phone_did_not_answer_is_recorded_with_its_cause() {
    let cases = [
        ("NOANSWER", "19", LegResult::NoAnswer),
        ("BUSY", "17", LegResult::Busy),
        ("NOANSWER", "21", LegResult::Rejected),
        ("CHANUNAVAIL", "1", LegResult::Unavailable),
        ("CONGESTION", "34", LegResult::Congestion),
    ];
    for (status, cause, result) in cases {
        let (mut driver, agent, customer) = customer_rings();
        driver.say(&(agent.dial_ends(&customer, status) + &hangs_up(&customer, cause)));
        driver.pass(50);
        driver.say(&(agent.event("SoftHangupRequest", &[("Cause", "16")]) + &hangs_up(&agent, "16")));
        let facts = facts(&mut driver);
        assert_eq!((facts.customer, facts.customer_cause), (Some(result), cause.parse().ok()), "{status} {cause}");
        assert_eq!((facts.agent, facts.agent_hangup_by), (LegResult::Answered, HangupBy::Pbx));
        assert_eq!(facts.talk_ms, 0);
    }
}

#[test]
fn a_dial_that_fails_before_there_is_a_channel_tells_how() {
    let (mut driver, agent) = ringing();
    driver.say(&(up(&agent) + &dial_for_us_ends(&agent, "ANSWER")));
    driver.say(&agent.event("VarSet", &[("Variable", "DIALSTATUS"), ("Value", "CHANUNAVAIL")]));
    driver.say(&(agent.event("SoftHangupRequest", &[("Cause", "16")]) + &hangs_up(&agent, "16")));
    assert_eq!(facts(&mut driver).customer, Some(LegResult::Unavailable));
    assert_eq!(steps(&driver), ["seen", "agent answered", "ended"]);
}

#[test]
fn of_several_routes_to_the_customer_the_last_counts() {
    let (mut driver, agent, first) = customer_rings();
    driver.say(&(agent.dial_ends(&first, "CONGESTION") + &hangs_up(&first, "34")));
    let second = Line::new("PJSIP/trunk-3", "c.3", ID, "", "from-trunk", "");
    driver.say(&(second.begins() + &dials(&agent, &second)));
    driver.pass(1_000);
    driver.say(&(agent.dial_ends(&second, "BUSY") + &hangs_up(&second, "17") + &hangs_up(&agent, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.customer, facts.customer_cause), (Some(LegResult::Busy), Some(17)));
    assert_eq!(steps(&driver).iter().filter(|s| **s == "customer dialled").count(), 1);
}

#[test]
fn a_customer_behind_what_nobody_knows_as_a_trunk_is_the_customer() {
    let (mut driver, agent) = ringing();
    driver.say(&(up(&agent) + &dial_for_us_ends(&agent, "ANSWER")));
    let customer = Line::new("PJSIP/provider-2", "c.2", ID, "12025550123", "default", "");
    driver.say(&(customer.begins() + &dials(&agent, &customer) + &up(&customer)));
    driver.say(&(customer.enters("b") + &agent.enters("b")));
    driver.pass(5_000);
    driver.say(&(customer.far_end_hangs_up() + &hangs_up(&customer, "16") + &hangs_up(&agent, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.talk_ms, facts.customer), (5_000, Some(LegResult::Answered)));
    let row = driver.row();
    assert_eq!((row.number.as_deref(), row.agent.as_deref()), (Some("12025550123"), Some("PJSIP/101")));
}

/// An agent who is dialled through the dialplan: both halves of the Local channel, and the agent's phone.
fn through_the_dialplan() -> (Driver, [Line; 3]) {
    let near = Line::new("Local/101@from-internal-1;1", ID, ID, "101", "from-internal", "101");
    let far = Line::new("Local/101@from-internal-1;2", "cb-0a1b2c3d-7-1;2", ID, "101", "from-internal", "101");
    let phone = Line::phone("101", "p.1", ID);
    let mut driver = Driver::linked(rules(), START);
    driver.say(&(near.begins() + &far.begins() + &dialled_for_us(&near, "101@from-internal")));
    driver.say(&(phone.begins() + &far.dials(&phone)));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    driver.pass(2_000);
    (driver, [near, far, phone])
}

#[test]
fn an_agent_behind_a_local_channel_is_known_as_themselves() {
    let (mut driver, [near, far, phone]) = through_the_dialplan();
    assert_eq!(steps(&driver), ["seen"], "the second half is the same attempt, and its dialling is not the customer's");
    driver.say(&(up(&phone) + &far.dial_ends(&phone, "ANSWER") + &far.enters("a") + &phone.enters("a")));
    driver.say(&(up(&near) + &dial_for_us_ends(&near, "ANSWER")));
    driver.pass(100);
    let customer = customers();
    driver.say(&(customer.begins() + &dials(&near, &customer)));
    driver.pass(3_000);
    driver.say(&(up(&customer) + &near.dial_ends(&customer, "ANSWER") + &customer.enters("b") + &near.enters("b")));
    assert_eq!(steps(&driver), ["seen", "agent answered", "customer dialled", "connected"]);
    driver.pass(8_000);
    driver.say(&(phone.far_end_hangs_up() + &hangs_up(&phone, "16") + &hangs_up(&far, "16")));
    driver.say(&(hangs_up(&near, "16") + &hangs_up(&customer, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.agent, facts.customer), (LegResult::Answered, Some(LegResult::Answered)));
    assert_eq!((facts.agent_answered_ms, facts.agent_hangup_by), (Some(START + 2_000), HangupBy::Agent));
    assert_eq!((facts.talk_ms, facts.linkedid.as_str()), (8_000, ID));
    assert_eq!((driver.row().agent.as_deref(), driver.row().callback_id), (Some("PJSIP/101"), Some(7)));
}

#[test]
fn a_rejection_behind_a_local_channel_is_the_phones() {
    let (mut driver, [near, far, phone]) = through_the_dialplan();
    driver.say(&(far.dial_ends(&phone, "NOANSWER") + &hangs_up(&phone, "21")));
    driver.say(&(hangs_up(&far, "16") + &dial_for_us_ends(&near, "NOANSWER") + &hangs_up(&near, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.agent, facts.customer), (LegResult::Rejected, None));
    assert_eq!(driver.row().agent.as_deref(), Some("PJSIP/101"));
}

#[test]
fn a_customer_who_is_called_first_is_given_to_whoever_takes_the_call() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::new("PJSIP/trunk-1", ID, ID, "5550100", "from-trunk", "s");
    driver.say(&(customer.begins() + &dialled_for_us(&customer, "12025550123@trunk")));
    driver.pass(2_000);
    driver.say(&(up(&customer) + &dial_for_us_ends(&customer, "ANSWER")));
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    let (one, two) = (Line::phone("101", "p.1", ID), Line::phone("102", "p.2", ID));
    for (phone, interface) in [(&one, "PJSIP/101"), (&two, "PJSIP/102")] {
        let called = [("Queue", "sales"), ("Interface", interface), ("MemberName", "Alice")];
        driver.say(&(phone.begins() + &customer.with(phone, "AgentCalled", &called) + &customer.dials(phone)));
    }
    assert_eq!(steps(&driver), ["seen", "agent answered", "customer dialled"]);
    driver.pass(4_000);
    driver.say(&(up(&one) + &customer.dial_ends(&one, "ANSWER") + &customer.dial_ends(&two, "CANCEL")));
    driver.say(&(hangs_up(&two, "26") + &one.enters("b") + &customer.enters("b")));
    driver.pass(9_000);
    driver.say(&(one.far_end_hangs_up() + &hangs_up(&one, "16") + &hangs_up(&customer, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.agent, facts.customer), (LegResult::Answered, Some(LegResult::Answered)));
    assert_eq!((facts.agent_answered_ms, facts.agent_hangup_by), (Some(START + 6_000), HangupBy::Agent));
    assert_eq!(facts.talk_ms, 9_000);
    let row = driver.row();
    assert_eq!((row.direction, row.callback_id), (Direction::Callback, Some(7)));
    assert_eq!((row.number.as_deref(), row.agent.as_deref()), (Some("12025550123"), Some("PJSIP/101")));
    assert_eq!(driver.lines(), [""; 0]);
}

#[test]
fn a_customer_who_is_called_first_and_busy_has_no_agent() {
    let mut driver = Driver::linked(rules(), START);
    let customer = Line::new("PJSIP/trunk-1", ID, ID, "5550100", "from-trunk", "s");
    driver.say(&(customer.begins() + &dialled_for_us(&customer, "12025550123@trunk")));
    driver.say(&(dial_for_us_ends(&customer, "BUSY") + &hangs_up(&customer, "17")));
    let facts = facts(&mut driver);
    assert_eq!((facts.customer, facts.customer_cause), (Some(LegResult::Busy), Some(17)));
    assert_eq!((facts.agent, driver.row().agent), (LegResult::NoAnswer, None));
}

#[test]
fn an_originate_that_asterisk_gives_up_tells_its_reason() {
    let mut driver = Driver::linked(rules(), START);
    let response = |result: &str, reason: &str, id: &str| {
        crate::stream::text(
            "OriginateResponse",
            &[("Response", result), ("Channel", "PJSIP/101"), ("Reason", reason), ("Uniqueid", id)],
        )
    };
    driver.say(&response("Failure", "0", ID));
    assert_eq!(driver.progress().last().map(|p| &p.step), Some(&Step::Failed { reason: 0 }));
    driver
        .say(&(response("Success", "4", ID) + &response("Failure", "3", "<null>") + &response("Failure", "3", "1.5")));
    assert_eq!(driver.progress().len(), 1);
}

#[test]
fn a_daemon_that_ends_says_nothing_of_an_attempt_that_goes_on() {
    let (mut driver, ..) = talking();
    let before = driver.progress().len();
    driver.give(Input::Stopping);
    assert_eq!(driver.progress().len(), before);
}

#[test]
fn a_callback_that_its_agent_hands_over_is_over_when_the_customer_has_gone() {
    let (mut driver, agent, customer) = talking();
    // The agent's phone asks a colleague in a call of its own, and puts the two together.
    let second = Line::phone("101", "d.1", "d.1").state(4);
    let colleague = Line::phone("102", "d.2", "d.1");
    driver.say(&(second.begins() + &colleague.begins() + &second.dials(&colleague)));
    driver.say(&(second.dial_ends(&colleague, "ANSWER") + &second.enters("b2") + &colleague.enters("b2")));
    driver.pass(3_000);
    driver.say(&(agent.leaves("b") + &colleague.leaves("b2")));
    driver.say(&colleague.clone().of(ID).enters("b"));
    driver.say(&(hangs_up(&second, "16") + &hangs_up(&agent, "16")));
    driver.pass(30_000);
    assert!(driver.tracker.attempt_lives(ID));
    assert_eq!(steps(&driver).last(), Some(&"connected"));
    driver.say(&(customer.far_end_hangs_up() + &hangs_up(&customer, "16")));
    driver.say(&hangs_up(&colleague.clone().of(ID), "16"));
    let facts = facts(&mut driver);
    assert_eq!((facts.talk_ms, facts.linkedid.as_str()), (53_000, ID));
    let row = driver.row();
    assert_eq!(
        (row.direction, row.callback_id, row.agent.as_deref()),
        (Direction::Callback, Some(7), Some("PJSIP/101"))
    );
}

#[test]
fn a_callback_that_goes_into_a_customers_own_call_keeps_its_id_and_its_talk() {
    let (mut driver, agent, customer) = talking();
    // Meanwhile another customer's call is joined to it.
    let caller = Line::customer("in.1");
    driver.say(&caller.begins());
    driver.say(&caller.enters("b"));
    driver.pass(4_000);
    driver.say(&(hangs_up(&customer, "16") + &agent.far_end_hangs_up() + &hangs_up(&agent, "16")));
    driver.say(&hangs_up(&caller, "16"));
    let facts = facts(&mut driver);
    assert_eq!((facts.linkedid.as_str(), facts.talk_ms), ("in.1", 24_000));
    assert_eq!((facts.agent, facts.agent_hangup_by), (LegResult::Answered, HangupBy::Agent));
    assert!(facts.customer_answered_ms.is_some());
    assert_eq!((driver.row().direction, driver.row().callback_id), (Direction::Inbound, Some(7)));
}

#[test]
fn a_channel_whose_linkedid_another_took_is_still_the_callbacks() {
    let (mut driver, agent, customer) = talking();
    let (agent, customer) = (agent.of("elder.1"), customer.of("elder.1"));
    driver.say(&(agent.leaves("b") + &customer.leaves("b")));
    driver.say(&(hangs_up(&customer, "16") + &hangs_up(&agent, "16")));
    let facts = facts(&mut driver);
    assert_eq!((facts.linkedid.as_str(), driver.row().callback_id), (ID, Some(7)));
}

#[test]
fn the_recording_cut_anywhere_tells_the_rest_of_its_steps() {
    let recording = recording("callback_originate");
    for cut in 1..recording.live.len() - 1 {
        let mut listed = crate::stream::listed::Listed::default();
        for frame in &recording.live[..cut] {
            listed.take(frame);
        }
        let at = stamp(&recording.live[cut]);
        let mut driver = Driver::unlinked(rules(), at, None);
        driver.link(100_000, &listed.frames(at, false));
        for frame in &recording.live[cut..] {
            driver.play(frame);
        }
        driver.pass(FORGOTTEN_MS);
        let steps = steps(&driver);
        if !steps.is_empty() {
            assert_eq!((steps[0], steps[steps.len() - 1]), ("seen", "ended"), "{cut}");
            assert_eq!(steps.iter().filter(|s| **s == "ended").count(), 1, "{cut}");
        }
        assert!(!driver.tracker.attempt_lives("cb-42-1"), "{cut}");
    }
}
