//! Missed calls: why, who won the caller back, and when; and what became of the others.

use super::totals::{Durations, Spread, ratio};
use crate::report::Facts;
use crate::report::rollup::part::{Counts, Key, count, parts};
use callbackd_core::model::{Outcome, RecoveredBy, Status};
use callbackd_core::order::{Gather as _, InOrder as _};
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
/// Who won those back, and when, who were not won back.
const NOBODY: &str = "nobody";
const NEVER: &str = "never";
const IN_TIME: &str = "in_time";
const LATER: &str = "later";

parts! {
    /// What is added up of them.
    struct MissedPart {
        calls: u64,
        in_time: u64,
        recovery: Durations,
        /// By whom, and when.
        fates: Counts,
        open: Counts,
        attempts: Counts,
    }
}

impl MissedPart {
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut out = Self::default();
        let mut recovery = Vec::new();
        for call in facts.calls.iter().filter(|call| call.missed()) {
            out.calls += 1;
            let (by, when) = match (call.recovered, call.recovery_ms()) {
                (Some((by, _)), Some(after_ms)) => {
                    recovery.push(after_ms);
                    let in_time = after_ms <= facts.thresholds.callback_target_ms;
                    out.in_time += u64::from(in_time);
                    (by.as_str(), if in_time { IN_TIME } else { LATER })
                }
                _ => {
                    let state = call.callback_id.and_then(|id| facts.callbacks.get(&id));
                    count(&mut out.open, [state.map_or(NO_CALLBACK, |name| facts.names.text(*name)), "", ""]);
                    (NOBODY, NEVER)
                }
            };
            count(&mut out.fates, [by, when, ""]);
        }
        out.recovery = Durations::of(&recovery);
        for (_, _, result) in &facts.attempts {
            count(&mut out.attempts, [facts.names.text(*result), "", ""]);
        }
        out
    }

    /// The figures.
    pub(crate) fn missed(&self) -> Missed {
        let recovery = self.recovery.spread();
        let words = |counts: &Counts| counts.iter().map(|([word, ..], n)| (word.to_string(), *n)).to_map();
        Missed {
            calls: self.calls,
            fates: self.fates.iter().map(|([by, when, _], &calls)| fate(by, when, calls)).collect(),
            won_back: recovery.calls,
            in_time: self.in_time,
            share_in_time: ratio(self.in_time, self.calls),
            share: ratio(recovery.calls, self.calls),
            recovery,
            open: words(&self.open),
            attempts: words(&self.attempts),
        }
    }
}

fn fate(by: &str, when: &str, calls: u64) -> Fate {
    let by = RecoveredBy::from_text(by).map_or(NOBODY, RecoveredBy::as_str);
    Fate { by, when: [IN_TIME, LATER].into_iter().find(|word| *word == when).unwrap_or(NEVER), calls }
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

/// How many ended in which way: status and outcome.
pub(crate) fn reasons_of(facts: &Facts) -> Counts {
    let mut counts = Counts::default();
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        count(&mut counts, [call.status.as_str(), call.outcome.as_str(), ""]);
    }
    counts
}

/// The figures.
pub(crate) fn reasons(counts: &Counts) -> Vec<Reason> {
    let all = counts.iter().map(|(_, calls)| calls).sum();
    let reason = |([status, outcome, _], &calls): (&Key, &u64)| {
        let (status, outcome) = (Status::from_text(status)?, Outcome::from_text(outcome)?);
        Some(Reason { status, outcome, missed: outcome.meaning().missed, calls, share: ratio(calls, all) })
    };
    let mut reasons: Vec<Reason> = counts.iter().filter_map(reason).collect();
    reasons.order_by_key(|reason| (std::cmp::Reverse(reason.calls), reason.status, reason.outcome));
    reasons
}
