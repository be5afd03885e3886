//! Calls that come to share a linkedid, a channel or a bridge become one, whatever the order in which that is reported.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use callbackd_core::model::{Direction, Outcome, Status};

const START: i64 = 1_800_000_000_000;

fn end(driver: &mut Driver, lines: &[&Line]) {
    for line in lines {
        driver.say(&line.hangs_up());
    }
    driver.pass(FORGOTTEN_MS);
    assert_eq!((driver.tracker.sizes().0, driver.tracker.sizes().2), (0, 0));
}

#[test]
fn merging_is_transitive_and_the_first_start_and_did_stay() {
    // Three extensions' calls and a customer's, joined pairwise in every order.
    let pairs = [(0, 1), (1, 2), (2, 3)];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        for customer_at in 0..4 {
            let mut driver = Driver::linked(rules(), START);
            let mut lines: Vec<Line> = Vec::new();
            for n in 0..4 {
                let id = format!("m.{n}");
                lines.push(if n == customer_at {
                    Line::customer(&id)
                } else {
                    Line::phone(&format!("10{n}"), &id, &id).state(4)
                });
                driver.say(&lines[n].begins());
                driver.pass(1_000);
            }
            for pair in order {
                let (a, b): (usize, usize) = pairs[pair];
                let bridge = format!("b{pair}");
                driver.say(&(lines[a].enters(&bridge) + &lines[b].enters(&bridge)));
                driver.pass(1_000);
                driver.say(&(lines[a].leaves(&bridge) + &lines[b].leaves(&bridge)));
            }
            let all: Vec<&Line> = lines.iter().collect();
            end(&mut driver, &all);
            let row = driver.row();
            assert_eq!(
                (row.direction, &*row.linkedid),
                (Direction::Inbound, &*format!("m.{customer_at}")),
                "{order:?}"
            );
            assert_eq!((row.did.as_deref(), row.number.as_deref()), (Some("5550100"), Some("12025550123")));
            assert_eq!(row.started_ms, START + i64::try_from(customer_at).unwrap() * 1_000);
            assert_eq!(driver.tracker.counters().calls_merged, 3);
        }
    }
}

#[test]
fn a_consultation_is_no_inbound_call_of_its_own() {
    let mut driver = Driver::linked(rules(), START);
    let (customer, agent) = (Line::customer("c.1"), Line::phone("101", "c.2", "c.1"));
    driver.say(&(customer.begins() + &agent.begins() + &customer.dials(&agent)));
    driver.say(&(customer.dial_ends(&agent, "ANSWER") + &customer.enters("b1") + &agent.enters("b1")));
    driver.pass(4_000);
    driver.say(&agent.event("Hold", &[]));
    // The agent's phone makes a call of its own to a colleague, then joins the two (a phone with a transfer key).
    let (second, colleague) = (Line::phone("101", "d.1", "d.1").state(4), Line::phone("102", "d.2", "d.1"));
    driver.say(&(second.begins() + &colleague.begins() + &second.dials(&colleague)));
    driver.say(&(second.dial_ends(&colleague, "ANSWER") + &second.enters("b2") + &colleague.enters("b2")));
    driver.pass(3_000);
    let parties = format!(
        "Event: AttendedTransfer\r\nResult: Success\r\n{}{}{}{}DestType: Bridge\r\n\r\n",
        agent.headers("OrigTransferer"),
        second.headers("SecondTransferer"),
        customer.headers("Transferee"),
        colleague.headers("TransferTarget")
    );
    driver.say(
        &(agent.leaves("b1")
            + &customer.leaves("b1")
            + &customer.clone().of("c.1").enters("b2")
            + &second.leaves("b2")),
    );
    driver.say(&parties);
    driver.say(&(agent.hangs_up() + &second.hangs_up()));
    driver.pass(6_000);
    driver.say(&(customer.far_end_hangs_up() + &customer.leaves("b2") + &colleague.leaves("b2")));
    end(&mut driver, &[&customer, &colleague]);

    let row = driver.row();
    assert_eq!(
        (row.direction, row.status, row.outcome, row.transfers),
        (Direction::Inbound, Status::Answer, Outcome::Agent, 1)
    );
    assert_eq!((row.agent.as_deref(), row.talk_ms, row.hold_ms), (Some("PJSIP/101"), 10_000, 3_000));
}

#[test]
fn a_call_that_has_been_recorded_is_not_undone_by_a_stray_late_event() {
    let mut driver = Driver::linked(rules(), START);
    let (recorded, living) = (Line::customer("a.1"), Line::customer("z.1"));
    driver.say(&recorded.begins());
    driver.pass(2_000);
    driver.say(&(recorded.far_end_hangs_up() + &recorded.hangs_up()));
    driver.pass(1_000);
    let row = driver.row();
    driver.say(&living.begins());
    driver.pass(1_000);
    // Either shows the other's linkedid.
    driver.say(&recorded.clone().of("z.1").event("HangupRequest", &[]));
    driver.say(&living.clone().of("a.1").event("Newstate", &[]));
    driver.say(&living.dials(&recorded));
    driver.pass(2_000);
    driver.say(&living.far_end_hangs_up());
    end(&mut driver, &[&living]);
    let rows = driver.rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], row);
    assert_eq!((&*rows[1].linkedid, rows[1].started_ms), ("z.1", START + 3_000));
}

#[test]
fn linkedids_that_run_in_a_circle_end_in_one_call() {
    let mut driver = Driver::linked(rules(), START);
    let lines: Vec<Line> =
        (0..5).map(|n| Line::phone(&format!("10{n}"), &format!("m.{n}"), &format!("m.{n}")).state(4)).collect();
    for line in &lines {
        driver.say(&line.begins());
    }
    for round in 1..20 {
        for (n, line) in lines.iter().enumerate() {
            driver.say(&line.clone().of(&format!("m.{}", (n + round) % lines.len())).event("Newstate", &[]));
        }
    }
    assert_eq!((driver.tracker.live_calls(), driver.tracker.counters().calls_merged), (1, 4));
    let all: Vec<&Line> = lines.iter().collect();
    end(&mut driver, &all);
    assert_eq!(driver.row().direction, Direction::Internal);
}

#[test]
fn the_same_linkedid_said_a_thousand_times_in_turns_costs_nothing() {
    let mut driver = Driver::linked(rules(), START);
    let line = Line::customer("c.1");
    driver.say(&line.begins());
    for n in 0..1_000 {
        driver.say(&line.clone().of(&format!("other.{}", n % 2)).event("Newstate", &[]));
    }
    assert_eq!((driver.tracker.sizes(), driver.tracker.counters().calls_merged), ((1, 0, 1), 0));
    end(&mut driver, &[&line]);
    assert_eq!(driver.row().linkedid, "c.1");
}
