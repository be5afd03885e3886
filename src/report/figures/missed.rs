//! Missed calls: why, who won the caller back, and when; and what became of the others.

use super::totals::{Spread, ratio};
use crate::report::Facts;
use callbackd_core::model::{Outcome, RecoveredBy, Status};
use callbackd_core::order::InOrder as _;
use serde::Serialize;
use std::collections::BTreeMap;

/// Missed calls with what became of each.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Missed {
    /// Inbound calls in which nobody served the customer.
    pub calls: u64,
    /// Won back by whom and when: each a number of calls.
    pub fates: Vec<Fate>,
    /// Won back at all.
    pub won_back: u64,
    /// Won back within `callback_target`.
    pub in_time: u64,
    /// `in_time` of `calls`.
    pub share_in_time: Option<f64>,
    /// `won_back` of `calls`.
    pub share: Option<f64>,
    /// From the miss to the moment in which the caller was served.
    pub recovery: Spread,
    /// Where those stand who were not won back: state of the callback, or `NONE`.
    pub open: BTreeMap<String, u64>,
    /// Attempts of the window, by result.
    pub(crate) attempts: BTreeMap<String, u64>,
}

/// Missed calls that went the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fate {
    /// `callback`, `customer`, `agent`, `nobody`.
    pub by: &'static str,
    /// `in_time` (within `callback_target`), `later`, `never`.
    pub when: &'static str,
    /// How many.
    pub calls: u64,
}

/// Nobody has a callback for them: no callable number, declined, switched off.
pub(crate) const NO_CALLBACK: &str = "NONE";

pub(super) fn missed(facts: &Facts) -> Missed {
    let mut out = Missed::default();
    let mut fates: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut recovery = Vec::new();
    for call in facts.calls.iter().filter(|call| call.missed()) {
        out.calls += 1;
        let fate = match (call.recovered, call.recovery_ms()) {
            (Some((by, _)), Some(after_ms)) => {
                recovery.push(after_ms);
                let in_time = after_ms <= facts.thresholds.callback_target_ms;
                out.in_time += u64::from(in_time);
                (word(by), if in_time { "in_time" } else { "later" })
            }
            _ => {
                let state = call.callback_id.and_then(|id| facts.callbacks.get(&id));
                let state = state.map_or(NO_CALLBACK, |name| facts.names.text(*name));
                *out.open.entry(state.to_owned()).or_default() += 1;
                ("nobody", "never")
            }
        };
        *fates.entry(fate).or_default() += 1;
    }
    out.won_back = recovery.len() as u64;
    (out.share, out.share_in_time) = (ratio(out.won_back, out.calls), ratio(out.in_time, out.calls));
    out.recovery = Spread::of(recovery);
    out.fates = fates.into_iter().map(|((by, when), calls)| Fate { by, when, calls }).collect();
    for (_, _, result) in &facts.attempts {
        *out.attempts.entry(facts.names.text(*result).to_owned()).or_default() += 1;
    }
    out
}

fn word(by: RecoveredBy) -> &'static str {
    by.as_str()
}

/// Inbound calls that ended alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// What a manager counts.
    pub status: Status,
    /// Why.
    pub outcome: Outcome,
    /// They count as missed.
    pub(crate) missed: bool,
    /// How many.
    pub calls: u64,
    /// Of all inbound calls.
    pub(crate) share: Option<f64>,
}

pub(super) fn reasons(facts: &Facts) -> Vec<Reason> {
    let mut counts: BTreeMap<(Status, Outcome), u64> = BTreeMap::new();
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        *counts.entry((call.status, call.outcome)).or_default() += 1;
    }
    let all = counts.values().sum();
    let reason = |((status, outcome), calls): ((Status, Outcome), u64)| Reason {
        status,
        outcome,
        missed: outcome.meaning().missed,
        calls,
        share: ratio(calls, all),
    };
    let mut reasons: Vec<Reason> = counts.into_iter().map(reason).collect();
    reasons.order_by_key(|reason| (std::cmp::Reverse(reason.calls), reason.status, reason.outcome));
    reasons
}
