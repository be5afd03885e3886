//! Who talks with whom: both have answered, and a person is at the far end, not a machine and not half of a Local channel.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::rules::{Globs, Rules};
use callbackd_core::model::{Direction, FinishedCall, LegResult, Outcome, Status};

const START: i64 = 1_800_000_000_000;

fn app(line: &Line, application: &str, data: &str) -> String {
    line.event("Newexten", &[("Extension", &line.exten), ("Application", application), ("AppData", data)])
}

/// An Originate dials this channel, by this dial string.
fn originates(dest: &Line, dial_string: &str) -> String {
    format!("Event: DialBegin\r\n{}DialString: {dial_string}\r\n\r\n", dest.headers("Dest"))
}

fn ends(driver: &mut Driver, lines: &[&Line]) -> FinishedCall {
    for line in lines {
        driver.say(&line.hangs_up());
    }
    driver.pass(FORGOTTEN_MS);
    driver.row()
}

#[test]
fn a_phone_that_rings_in_the_customers_bridge_has_not_answered() {
    // ARI's way to early media: the agent's channel is made, put into the bridge, and dialled.
    for answers in [false, true] {
        let mut driver = Driver::linked(rules(), START);
        let (customer, agent) = (Line::customer("c.1").state(6), Line::phone("101", "a.1", "c.1"));
        driver.say(
            &(Line::customer("c.1").begins()
                + &customer.enters("b")
                + &agent.begins()
                + &app(&agent, "Stasis", "desk")),
        );
        driver.say(&(agent.event("BridgeEnter", &[("BridgeUniqueid", "b")]) + &originates(&agent, "101")));
        driver.say(&agent.clone().state(5).event("Newstate", &[]));
        driver.pass(7_000);
        if answers {
            driver.say(&agent.clone().state(6).event("Newstate", &[]));
            driver.pass(3_000);
        }
        driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b") + &customer.hangs_up()));
        let row = ends(&mut driver, &[&agent]);
        let wanted = match answers {
            false => (Status::Cancel, Outcome::RingAbandon, 7_000, 0),
            true => (Status::Answer, Outcome::Agent, 7_000, 3_000),
        };
        assert_eq!((row.status, row.outcome, row.wait_ms, row.talk_ms), wanted);
    }
}

/// The row of a customer whom the dialplan connects with this channel for 8 s; then the caller hangs up, or the PBX does.
fn with_a_machine(rules: Rules, machine: &str, caller_leaves: bool) -> FinishedCall {
    let mut driver = Driver::linked(rules, START);
    let customer = Line::customer("c.1");
    let machine = Line::new(&format!("{machine}-2"), "m.1", "c.1", "", "bots", "s");
    driver.say(
        &(customer.begins() + &machine.begins() + &customer.dials(&machine) + &customer.dial_ends(&machine, "ANSWER")),
    );
    driver.say(&(machine.enters("b") + &customer.enters("b")));
    driver.pass(8_000);
    if caller_leaves {
        driver.say(&customer.far_end_hangs_up());
    }
    driver.say(&(machine.leaves("b") + &customer.leaves("b")));
    ends(&mut driver, &[&machine, &customer])
}

#[test]
fn a_machine_at_the_far_end_answers_nobody_unless_the_configuration_says_that_it_serves() {
    let named = || Rules { machines: Globs::new(["PJSIP/bot-*"]), ..rules() };
    for machine in
        ["UnicastRTP/127.0.0.1:7000", "AudioSocket/127.0.0.1:7001", "WebSocket/media", "Snoop/c.1", "PJSIP/bot"]
    {
        for (caller_leaves, wanted) in
            [(true, (Status::Cancel, Outcome::EarlyAbandon)), (false, (Status::NoAnswer, Outcome::NotOffered))]
        {
            let row = with_a_machine(named(), machine, caller_leaves);
            assert_eq!((row.status, row.outcome), wanted, "{machine}");
            assert_eq!((row.talk_ms, row.legs.len(), row.agent), (0, 0, None), "{machine}");
            let serves = Rules { self_service_machines: Globs::new([&format!("{machine}-*")]), ..rules() };
            let row = with_a_machine(serves, machine, caller_leaves);
            assert_eq!((row.status, row.outcome, row.agent), (Status::Answer, Outcome::SelfService, None), "{machine}");
        }
    }
    let row = with_a_machine(rules(), "PJSIP/bot", true);
    assert_eq!((row.status, row.outcome), (Status::Answer, Outcome::Agent), "nobody has said that it is a machine");
}

#[test]
fn a_customer_who_goes_on_from_a_machine_that_serves_to_a_queue_is_judged_by_the_queue() {
    let serves = Rules { self_service_machines: Globs::new(["AudioSocket/*"]), ..rules() };
    let mut driver = Driver::linked(serves, START);
    let (customer, bot) = (Line::customer("c.1"), Line::new("AudioSocket/1-2", "m.1", "c.1", "", "bots", "s"));
    driver.say(&(customer.begins() + &bot.begins() + &customer.dials(&bot) + &bot.enters("b") + &customer.enters("b")));
    driver.pass(5_000);
    driver.say(&(bot.leaves("b") + &customer.leaves("b") + &bot.hangs_up()));
    driver.say(&customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")]));
    driver.pass(9_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.event("QueueCallerAbandon", &[("Queue", "sales")])));
    let row = ends(&mut driver, &[&customer]);
    assert_eq!((row.status, row.outcome), (Status::Cancel, Outcome::QueueAbandon));
}

/// Click-to-call: an Originate of Local/101@from-internal, and then the customer over the trunk, who ends as asked.
fn click_to_call(far: &str, status: &str) -> FinishedCall {
    let mut driver = Driver::linked(rules(), START);
    let half = |half: &str, id: &str| {
        Line::new(&format!("Local/101@from-internal-1;{half}"), id, "o.1", "12025550123", "from-internal", "101")
    };
    let (near, behind) = (half("1", "o.1"), half("2", "o.2").state(4));
    let agent = match far {
        "phone" => Line::phone("101", "a.1", "o.1"),
        _ => Line::new("PJSIP/trunk-7", "a.1", "o.1", "12025550177", "from-trunk", "12025550177"),
    };
    let customer = Line::new("PJSIP/trunk-9", "c.1", "o.1", "12025550123", "from-trunk", "12025550123");
    driver.say(&(near.begins() + &behind.begins() + &originates(&near, "101@from-internal/n")));
    driver.say(&(agent.begins() + &behind.with(&agent, "DialBegin", &[("DialString", "12025550177@trunk")])));
    driver.pass(1_000);
    driver.say(&(agent.clone().state(6).event("Newstate", &[]) + &behind.dial_ends(&agent, "ANSWER")));
    driver.say(&(agent.enters("b1") + &behind.enters("b1") + &near.clone().state(6).event("Newstate", &[])));
    driver.say(&(customer.begins() + &near.with(&customer, "DialBegin", &[("DialString", "12025550123@trunk")])));
    driver.pass(2_000);
    driver.say(&near.dial_ends(&customer, status));
    if status == "ANSWER" {
        driver.say(&(customer.enters("b2") + &near.enters("b2")));
        driver.pass(4_500);
        driver.say(&(customer.clone().state(6).far_end_hangs_up() + &customer.leaves("b2") + &near.leaves("b2")));
    }
    driver.say(&(behind.leaves("b1") + &agent.leaves("b1")));
    ends(&mut driver, &[&customer, &near, &behind, &agent])
}

#[test]
fn click_to_call_is_answered_only_when_agent_and_customer_were_joined() {
    for (far, agent) in [("phone", "PJSIP/101"), ("mobile", "Local/101@from-internal")] {
        let row = click_to_call(far, "ANSWER");
        assert_eq!(
            (row.direction, row.status, row.outcome),
            (Direction::Outbound, Status::Answer, Outcome::Agent),
            "{far}"
        );
        assert_eq!((row.agent.as_deref(), row.wait_ms, row.talk_ms), (Some(agent), 3_000, 4_500), "{far}");
        assert_eq!(row.number.as_deref(), Some("12025550123"), "{far}");
        for (status, wanted) in [
            ("NOANSWER", (Status::NoAnswer, Outcome::RingTimeout)),
            ("BUSY", (Status::Busy, Outcome::AllBusy)),
            ("CONGESTION", (Status::NotConnected, Outcome::Congestion)),
        ] {
            let row = click_to_call(far, status);
            assert_eq!(
                (row.direction, row.status, row.outcome),
                (Direction::Outbound, wanted.0, wanted.1),
                "{far} {status}"
            );
            assert_eq!((row.talk_ms, row.answered_ms, row.agent.as_deref()), (0, None, Some(agent)), "{far} {status}");
        }
    }
}

#[test]
fn a_customer_whom_a_dialer_calls_first_is_no_agent_and_can_give_up_in_the_queue() {
    let mut driver = Driver::linked(rules(), START);
    let half = |half: &str, id: &str| {
        Line::new(&format!("Local/12025550123@out-1;{half}"), id, "o.1", "5550100", "out", "12025550123")
    };
    let (near, behind) = (half("1", "o.1"), half("2", "o.2").state(4));
    let customer = Line::new("PJSIP/trunk-9", "c.1", "o.1", "12025550123", "from-trunk", "12025550123");
    let agent = Line::phone("101", "a.1", "o.1");
    driver.say(&(near.begins() + &behind.begins() + &originates(&near, "12025550123@out")));
    driver.say(&(customer.begins() + &behind.with(&customer, "DialBegin", &[("DialString", "12025550123@trunk")])));
    driver.pass(2_000);
    driver.say(&(customer.clone().state(6).event("Newstate", &[]) + &behind.dial_ends(&customer, "ANSWER")));
    driver.say(&(customer.enters("b1") + &behind.enters("b1") + &near.clone().state(6).event("Newstate", &[])));
    let queue = ("Queue", "sales");
    driver.say(&near.event("QueueCallerJoin", &[queue, ("Position", "1")]));
    driver.say(
        &(agent.begins()
            + &near.with(&agent, "AgentCalled", &[queue, ("Interface", "PJSIP/101"), ("MemberName", "Ann")])),
    );
    driver.pass(6_000);
    driver.say(&(customer.clone().state(6).far_end_hangs_up() + &customer.leaves("b1") + &near.far_end_hangs_up()));
    driver.say(&(near.event("QueueCallerAbandon", &[queue]) + &near.event("QueueCallerLeave", &[queue])));
    driver.say(&near.dial_ends(&agent, "CANCEL"));
    let row = ends(&mut driver, &[&agent, &customer, &near, &behind]);
    assert_eq!((row.direction, row.status, row.outcome), (Direction::Outbound, Status::Cancel, Outcome::QueueAbandon));
    assert_eq!((row.agent, row.number.as_deref(), row.talk_ms), (None, Some("12025550123"), 0));
}

#[test]
fn a_member_who_is_reached_over_a_trunk_is_known_by_what_the_queue_dials() {
    for (member, local) in [("Local/12025550177@from-internal/n", true), ("PJSIP/12025550177@trunk", false)] {
        let mut driver = Driver::linked(rules(), START);
        let customer = Line::customer("c.1");
        let mobile = Line::new("PJSIP/trunk-7", "m.1", "c.1", "12025550177", "from-trunk", "12025550177");
        let half = |half: &str, id: &str| {
            Line::new(
                &format!("Local/12025550177@from-internal-1;{half}"),
                id,
                "c.1",
                "",
                "from-internal",
                "12025550177",
            )
        };
        let (near, behind) = (half("1", "h.1"), half("2", "h.2").state(4));
        let called = [("Queue", "sales"), ("Interface", member), ("MemberName", "Ann")];
        driver.say(&(customer.begins() + &customer.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1")])));
        if local {
            driver.say(&(near.begins() + &behind.begins() + &customer.with(&near, "AgentCalled", &called)));
            driver.say(&(mobile.begins() + &behind.with(&mobile, "DialBegin", &[("DialString", "12025550177@trunk")])));
        } else {
            driver.say(&(mobile.begins() + &customer.with(&mobile, "AgentCalled", &called)));
        }
        driver.pass(2_000);
        driver.say(&(mobile.clone().state(6).event("Newstate", &[]) + &mobile.enters("b1")));
        match local {
            true => driver.say(&(behind.enters("b1") + &near.enters("b2") + &customer.enters("b2"))),
            false => driver.say(&customer.enters("b1")),
        }
        driver.pass(4_000);
        driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b1") + &customer.hangs_up()));
        let row = ends(&mut driver, &[&near, &behind, &mobile]);
        let agent = member.strip_suffix("/n").unwrap_or(member);
        assert_eq!(
            (row.direction, row.status, row.agent.as_deref()),
            (Direction::Inbound, Status::Answer, Some(agent))
        );
        assert_eq!(row.number.as_deref(), Some("12025550123"));
        let legs: Vec<_> = row.legs.iter().map(|l| (&*l.agent, l.queue.as_deref(), l.result)).collect();
        assert_eq!(legs, [(agent, Some("sales"), LegResult::Answered)]);
    }
}

#[test]
fn what_runs_behind_a_local_channel_into_which_a_caller_is_sent_is_where_the_caller_is() {
    let sent = |context: &str, runs: &[(&str, &str)], variables: &[(&str, &str)], leaves: bool| {
        let mut driver = Driver::linked(rules(), START);
        let customer = Line::customer("c.1");
        let half =
            |half: &str, id: &str| Line::new(&format!("Local/s@{context}-1;{half}"), id, "c.1", "", context, "s");
        let (near, behind) = (half("1", "h.1"), half("2", "h.2").state(4));
        driver.say(&(customer.begins() + &app(&customer, "Dial", "Local") + &near.begins() + &behind.begins()));
        driver.say(&customer.with(&near, "DialBegin", &[("DialString", &format!("s@{context}/n"))]));
        for (application, data) in runs {
            driver.say(&app(&behind, application, data));
        }
        for (variable, value) in variables {
            driver.say(&behind.event("VarSet", &[("Variable", variable), ("Value", value)]));
        }
        driver.pass(6_000);
        if leaves {
            driver.say(&customer.far_end_hangs_up());
        }
        driver.say(&customer.dial_ends(&near, "NOANSWER"));
        ends(&mut driver, &[&near, &behind, &customer])
    };
    let row = sent("lonely", &[("Queue", "nobody,,,,20")], &[("QUEUESTATUS", "JOINEMPTY")], false);
    assert_eq!(
        (row.status, row.outcome, row.queue.as_deref()),
        (Status::NoAnswer, Outcome::QueueEmpty, Some("nobody"))
    );
    assert_eq!(row.legs.len(), 0);
    let row = sent("ivr-main", &[("WaitExten", "8")], &[], true);
    assert_eq!((row.status, row.outcome, row.legs.len()), (Status::Cancel, Outcome::IvrLost, 0));
}
