//! Holding script, rows and Asterisk's own records against each other.

use crate::oracle::Account;
use crate::rows::Actual;
use crate::run::Placed;
use crate::script::{Caller, Row};
use std::collections::BTreeSet;

/// Asterisk's files count whole seconds, cut off.
const ROUNDING_MS: i64 = 1_100;
/// A CDR may be closed a little after the last channel went, on a busy machine.
const CLOSING_MS: i64 = 2_100;

/// What differs between the script and what Asterisk wrote; empty if nothing does.
pub fn script_with_oracle(expected: &Row, account: &Account) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differs = |what: &str, script: String, oracle: String| {
        if script != oracle {
            differences.push(format!("{what}: the script says {script}, Asterisk's records say {oracle}"));
        }
    };
    if expected.cdr_errs.is_none() {
        let answered = expected.legs.iter().filter(|(_, result)| *result == "ANSWERED");
        let talked: BTreeSet<_> =
            answered.map(|(agent, _)| if *agent == "*" { "PJSIP/trunk" } else { agent }.to_owned()).collect();
        differs("who talked", format!("{talked:?}"), format!("{:?}", account.talked));
    }
    // A refusal at the door leaves no trace in queue_log.
    let visits: Vec<_> =
        expected.visits.iter().filter(|(_, r)| !["JOINEMPTY", "JOINUNAVAIL", "FULL"].contains(r)).collect();
    differs("queues", format!("{visits:?}"), format!("{:?}", account.visits));
    if let (Some(by), 0) = (account.completed_by, expected.transfers) {
        differs("who hung up", expected.hangup_by.to_owned(), by.to_owned());
    }
    for name in &account.rang_out {
        let agent = name.replace("Agent ", "PJSIP/");
        let missed = expected
            .legs
            .iter()
            .any(|(leg, result)| *leg == agent && ["NOANSWER", "BUSY", "REJECTED"].contains(result));
        differs(&format!("RINGNOANSWER of {name}"), missed.to_string(), true.to_string());
    }
    differences
}

/// What differs between the row and the script, and between the row and what Asterisk wrote.
pub fn row_with_both(placed: &Placed, actual: &Actual, account: &Account) -> Vec<String> {
    let expected = &placed.scenario.row;
    let mut differences = Vec::new();
    let mut left = actual.lines.clone();
    for line in expected.lines() {
        match left.iter().position(|l| matches(&line, l)) {
            Some(n) => drop(left.remove(n)),
            None => differences.push(format!("the row lacks '{line}'")),
        }
    }
    differences.extend(left.into_iter().map(|l| format!("the row has '{l}'")));
    let talk_s = actual.talk_ms / 1000;
    if !(expected.talk_s.0..=expected.talk_s.1).contains(&talk_s) {
        differences.push(format!(
            "talk_ms is {}, the script says {} to {} s",
            actual.talk_ms, expected.talk_s.0, expected.talk_s.1
        ));
    }
    let number = match (placed.scenario.caller, expected.direction) {
        (Caller::Outside, _) => Some(placed.number.as_str()),
        (_, "outbound") => Some(placed.scenario.dials),
        _ => None,
    };
    if number.is_some_and(|n| n != actual.number) {
        differences.push(format!("number is {}, it was {}", actual.number, number.unwrap_or_default()));
    }
    let mut near = |what: &str, row_ms: i64, oracle_s: i64, tolerance: i64| {
        if (row_ms - oracle_s * 1000).abs() > tolerance {
            differences.push(format!("{what} is {row_ms}, Asterisk's records say {oracle_s} s"));
        }
    };
    if let Some((start, end)) = account.span {
        near("started_ms", actual.started_ms, start, ROUNDING_MS);
        near("ended_ms", actual.ended_ms, end, CLOSING_MS);
    }
    if let (Some(talk), 0) = (account.queue_talk, expected.transfers) {
        near("talk_ms", actual.talk_ms, talk, ROUNDING_MS);
    }
    differences
}

/// `*` in what was expected stands for any one word.
fn matches(expected: &str, actual: &str) -> bool {
    match expected.split_once('*') {
        Some((head, tail)) => {
            actual.len() >= head.len() + tail.len() && actual.starts_with(head) && actual.ends_with(tail)
        }
        None => expected == actual,
    }
}
