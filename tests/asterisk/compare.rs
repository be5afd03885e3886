//! Holding script, rows and Asterisk's own records against each other.

use crate::oracle::Account;
use crate::rows::Actual;
use crate::run::Placed;
use crate::script::{Caller, Row};

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
        let mut talked = account.talked.clone();
        let answered = expected.legs.iter().filter(|(_, result)| *result == "ANSWERED");
        let strangers = answered.filter(|(agent, _)| *agent == "*" || !talked.remove(*agent)).count();
        differs(&format!("who talked ({:?})", account.talked), strangers.to_string(), talked.len().to_string());
    }
    if expected.queue_log_errs.is_some() {
        return differences;
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
        let missed = expected.legs.iter().any(|(leg, result)| {
            *leg == agent && result.split('|').any(|r| ["NOANSWER", "BUSY", "REJECTED"].contains(&r))
        });
        differs(&format!("RINGNOANSWER of {name}"), missed.to_string(), true.to_string());
    }
    differences
}

/// What differs between the row and the script, and between the row and what Asterisk wrote.
pub fn row_with_both(placed: &Placed, actual: &Actual, account: &Account) -> Vec<String> {
    let expected = &placed.scenario.row;
    let mut differences = Vec::new();
    let mut left = actual.lines.clone();
    let mut lines = expected.lines();
    lines.sort_by_key(|line| line.contains('*')); // who may be anybody gets what is left
    for line in lines {
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
    let hold_s = actual.hold_ms / 1000;
    if !(expected.hold_s.0..=expected.hold_s.1).contains(&hold_s) {
        differences.push(format!(
            "hold_ms is {}, the script says {} to {} s",
            actual.hold_ms, expected.hold_s.0, expected.hold_s.1
        ));
    }
    let number = match (placed.scenario.caller, expected.direction) {
        (Caller::Outside, _) => Some(placed.number.as_str()),
        // What is dialled may carry a prefix of the dialplan's; who is called is the party.
        (_, "outbound") => placed.scenario.parties.first().map(|(number, _)| *number),
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
        if expected.cdr_errs.is_none() {
            near("ended_ms", actual.ended_ms, end, CLOSING_MS);
        }
    }
    if let (Some(talk), 0, None) = (account.queue_talk, expected.transfers, expected.queue_log_errs) {
        near("talk_ms", actual.talk_ms, talk, ROUNDING_MS);
    }
    differences
}

/// `*` in what was expected stands for any one word, and the last word may be one of several.
fn matches(expected: &str, actual: &str) -> bool {
    let (head, last) = expected.rsplit_once(' ').unwrap_or(("", expected));
    let (actual_head, actual_last) = actual.rsplit_once(' ').unwrap_or(("", actual));
    let fits = |pattern: &str, text: &str| match pattern.split_once('*') {
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
        None => pattern == text,
    };
    fits(head, actual_head) && last.split('|').any(|last| fits(last, actual_last))
}
