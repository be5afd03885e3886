//! Each customer who called in has a row of their own, where only Asterisk's files tell.

use super::{Line, caller, rows};
use callbackd_core::model::FinishedCall;

const ROOM: (&str, &str) = ("ConfBridge", "room52,,waiter");
const AGENT: &str = "PJSIP/4053-000004c6";

fn customer<'a>(n: usize, other: &'a str, from: i64, to: i64) -> Line<'a> {
    let (channel, id, number) =
        [("PJSIP/trunk-000004c4", "0.1", "12025550101"), ("PJSIP/trunk-000004c5", "0.2", "12025550102")][n];
    caller(ROOM, other, from, to).said("ANSWERED").of(channel, (id, id)).from(number)
}

fn agent<'a>(other: &'a str, from: i64, to: i64) -> Line<'a> {
    caller(ROOM, other, from, to).said("ANSWERED").of(AGENT, ("-5.3", "-5.3")).from("4053").at("from-internal", "s")
}

fn shown(rows: &[FinishedCall]) -> Vec<String> {
    let inbound = rows.iter().filter(|row| row.direction.to_string() == "inbound");
    inbound
        .map(|r| format!("{} {} {}", r.number.as_deref().unwrap_or("-"), r.status, r.agent.as_deref().unwrap_or("-")))
        .collect()
}

#[test]
fn two_customers_in_one_conference_have_not_served_each_other() {
    // As Asterisk 22 writes it: one leaves the waiting room, then the agent comes and talks with the other.
    let told = rows(
        &[customer(0, "PJSIP/trunk-000004c5", 0, 4), customer(1, "", 0, 4), agent("", 6, 7), customer(0, AGENT, 4, 11)],
        &[],
    );
    assert_eq!(shown(&told), ["12025550101 ANSWER PJSIP/4053", "12025550102 CANCEL -"], "{told:#?}");
    let alone = rows(&[customer(0, "PJSIP/trunk-000004c5", 0, 9), customer(1, "", 0, 4)], &[]);
    assert_eq!(shown(&alone), ["12025550101 CANCEL -", "12025550102 CANCEL -"], "{alone:#?}");
}

#[test]
fn the_agent_of_a_conference_may_have_been_there_first() {
    let told = rows(&[agent("PJSIP/trunk-000004c4", -5, 9), customer(0, "", 0, 9)], &[]);
    assert_eq!(shown(&told), ["12025550101 ANSWER PJSIP/4053"], "{told:#?}");
}

#[test]
fn who_was_beside_an_agent_in_a_conference_may_have_been_served() {
    let told =
        rows(&[customer(0, AGENT, 0, 20), customer(1, "", 3, 15), customer(0, "PJSIP/trunk-000004c5", 3, 15)], &[]);
    assert_eq!(shown(&told), ["12025550101 ANSWER PJSIP/4053", "12025550102 UNKNOWN -"], "{told:#?}");
}
