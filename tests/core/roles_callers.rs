//! Each customer who called in has a row, whomever they meet: in a conference, joined by a panel, with an agent who stays on the line.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::{Direction, FinishedCall, LegResult, Outcome, Status};

const START: i64 = 1_800_000_000_000;

fn end(driver: &mut Driver, lines: &[&Line]) {
    for line in lines {
        driver.say(&(line.far_end_hangs_up() + &line.hangs_up()));
    }
    driver.pass(FORGOTTEN_MS);
    driver.link(1_000_000, &[]);
    assert_eq!(driver.tracker.sizes(), (0, 0, 0));
}

fn said(row: &FinishedCall) -> (&str, Status, Option<&str>, i64) {
    (&row.linkedid, row.status, row.agent.as_deref(), row.talk_ms)
}

#[test]
fn two_customers_in_a_conference_have_a_row_each_from_their_own_start() {
    for later_enters_first in [false, true] {
        let mut driver = Driver::linked(rules(), START);
        let (first, second) = (Line::customer("a.1"), Line::customer("z.1"));
        driver.say(&first.begins());
        driver.pass(5_000);
        driver.say(&second.begins());
        let host = Line::phone("101", "h.1", "h.1").state(4);
        driver.say(&host.begins());
        let mut guests = [&first, &second];
        if later_enters_first {
            guests.reverse();
        }
        driver.say(&(host.enters("conf") + &guests[0].enters("conf") + &guests[1].enters("conf")));
        driver.pass(10_000);
        driver.say(&(first.leaves("conf") + &second.leaves("conf") + &host.leaves("conf")));
        end(&mut driver, &[&first, &second, &host]);
        let rows = driver.rows();
        assert_eq!(rows.len(), 2, "{rows:#?}");
        assert_eq!(said(&rows[0]), ("a.1", Status::Answer, Some("PJSIP/101"), 10_000));
        assert_eq!(said(&rows[1]), ("z.1", Status::Answer, Some("PJSIP/101"), 10_000));
        assert_eq!(
            (rows[0].started_ms, rows[0].wait_ms, rows[1].started_ms, rows[1].wait_ms),
            (START, 5_000, START + 5_000, 0)
        );
    }
}

#[test]
fn who_waits_in_a_room_with_other_customers_has_talked_with_nobody() {
    let mut driver = Driver::linked(rules(), START);
    let (gives_up, waits) = (Line::customer("a.1"), Line::customer("z.1"));
    driver.say(&(gives_up.begins() + &waits.begins() + &gives_up.enters("room") + &waits.enters("room")));
    driver.pass(4_000);
    driver.say(&(gives_up.far_end_hangs_up() + &gives_up.leaves("room") + &gives_up.hangs_up()));
    driver.pass(3_000);
    let host = Line::phone("101", "h.1", "h.1");
    driver.say(
        &(host.begins()
            + &format!("Event: DialBegin\r\n{}DialString: 101\r\n\r\n", host.headers("Dest"))
            + &host.enters("room")),
    );
    driver.pass(6_000);
    driver.say(&(host.far_end_hangs_up() + &host.leaves("room") + &host.hangs_up() + &waits.leaves("room")));
    end(&mut driver, &[&waits]);
    let rows = driver.rows();
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert_eq!((said(&rows[0]), rows[0].outcome), (("a.1", Status::Cancel, None, 0), Outcome::EarlyAbandon));
    assert_eq!(said(&rows[1]), ("z.1", Status::Answer, Some("PJSIP/101"), 6_000));
}

#[test]
fn two_customers_whom_a_panel_joins_are_no_agents_of_each_other() {
    let mut driver = Driver::linked(rules(), START);
    let (one, two) = (Line::customer("a.1"), Line::customer("z.1"));
    driver.say(&(one.begins() + &two.begins() + &one.enters("b") + &two.clone().of("a.1").enters("b")));
    driver.pass(8_000);
    // What the second dials afterwards bears the first one's linkedid by then.
    let two = two.of("a.1");
    let phone = Line::phone("102", "p.1", "a.1");
    driver.say(&(one.far_end_hangs_up() + &one.leaves("b") + &two.leaves("b") + &one.hangs_up()));
    driver.say(&(phone.begins() + &two.dials(&phone) + &two.dial_ends(&phone, "ANSWER")));
    driver.say(&(phone.enters("c") + &two.enters("c")));
    driver.pass(5_000);
    driver.say(&(phone.far_end_hangs_up() + &phone.leaves("c") + &two.leaves("c") + &phone.hangs_up()));
    end(&mut driver, &[&two]);
    let rows = driver.rows();
    assert_eq!(rows.len(), 2, "{rows:#?}");
    assert_eq!((said(&rows[0]), rows[0].outcome), (("a.1", Status::Cancel, None, 0), Outcome::EarlyAbandon));
    assert_eq!(said(&rows[1]), ("z.1", Status::Answer, Some("PJSIP/102"), 5_000));
    assert_eq!((rows[0].legs.len(), rows[1].legs.len()), (0, 1));
}

/// An agent logs in once and stays on the line; customers come to them through the halves of a Local channel (AgentLogin, AgentRequest).
#[test]
fn the_next_customer_of_an_agent_who_stays_on_the_line_has_a_row_and_the_members_leg_is_answered() {
    for pause_ms in [500, 1_900, 5_000] {
        let mut driver = Driver::linked(rules(), START);
        let agent = Line::phone("106", "l.1", "l.1");
        let login = format!("Event: DialBegin\r\n{}DialString: 106\r\n\r\n", agent.headers("Dest"));
        driver.say(&(agent.begins() + &login + &agent.clone().state(6).event("Newstate", &[])));
        driver.pass(3_000);
        for n in 1..=2 {
            let customer = Line::customer(&format!("c.{n}"));
            let half = |half: &str| {
                let name = format!("Local/1001@agents-0000000{n};{half}");
                Line::new(&name, &format!("h.{n}{half}"), &customer.id, "", "agents", "1001")
            };
            let (near, far) = (half("1"), half("2").state(4));
            let queue = ("Queue", "pool");
            driver.say(&(customer.begins() + &customer.event("QueueCallerJoin", &[queue, ("Position", "1")])));
            driver.say(&(near.begins() + &far.begins()));
            driver.say(&customer.with(
                &near,
                "AgentCalled",
                &[queue, ("Interface", "Local/1001@agents/n"), ("MemberName", "Pool")],
            ));
            driver.pass(1_000);
            // The far half takes over the linkedid of the agent's login.
            driver.say(
                &(far.event("BridgeEnter", &[("BridgeUniqueid", &format!("a{n}"))]) + &agent.enters(&format!("a{n}"))),
            );
            driver.say(&far.clone().of("l.1").state(6).event("Newstate", &[]));
            driver.say(&(near.clone().state(6).event("Newstate", &[]) + &customer.event("QueueCallerLeave", &[queue])));
            driver.say(&customer.with(&near, "AgentConnect", &[queue, ("Interface", "Local/1001@agents/n")]));
            driver.say(&(near.enters(&format!("b{n}")) + &customer.enters(&format!("b{n}"))));
            driver.pass(4_000);
            driver.say(
                &(customer.far_end_hangs_up() + &customer.leaves(&format!("b{n}")) + &near.leaves(&format!("b{n}"))),
            );
            driver.say(&(near.hangs_up() + &customer.hangs_up() + &far.leaves(&format!("a{n}")) + &far.hangs_up()));
            driver.say(&agent.leaves(&format!("a{n}")));
            driver.pass(pause_ms);
        }
        end(&mut driver, &[&agent]);
        let rows: Vec<FinishedCall> =
            driver.rows().into_iter().filter(|row| row.direction == Direction::Inbound).collect();
        assert_eq!(rows.len(), 2, "{pause_ms}: {rows:#?}");
        for (row, id) in rows.iter().zip(["c.1", "c.2"]) {
            assert_eq!((said(row), row.wait_ms), ((id, Status::Answer, Some("PJSIP/106"), 4_000), 1_000), "{pause_ms}");
            let legs: Vec<_> = row.legs.iter().map(|l| (&*l.agent, &*l.interface, l.result)).collect();
            assert_eq!(legs, [("PJSIP/106", "Local/1001@agents/n", LegResult::Answered)], "{pause_ms}");
            assert!(row.legs[0].started_ms >= row.started_ms);
        }
    }
}
