//! Queues, menus, customers who called again, DIDs, lengths of conversations, codes, ratings.

use super::Totals;
use super::totals::{Spread, mean, ratio};
use crate::report::Facts;
use crate::report::facts::{Call, Name};
use callbackd_core::millis::Millis;
use callbackd_core::model::Outcome;
use callbackd_core::order::{Gather as _, InOrder as _};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A queue: visits of callers, and figures of the calls that it was the last for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Queue {
    /// Name of the PBX.
    pub pbx: String,
    /// Name of the queue.
    pub queue: String,
    /// A caller may visit it twice.
    pub visits: u64,
    /// Connected with an agent.
    pub connected: u64,
    /// Left by hanging up.
    pub abandoned: u64,
    /// Time-out, key, full, empty, ….
    pub other: u64,
    /// Of all visits.
    pub mean_visit_ms: Option<Millis>,
    /// Of all visits.
    pub longest_visit_s: Option<i64>,
    /// Of the calls of which it was the last queue, or the one that connected them.
    pub(crate) totals: Totals,
}

/// Of a queue: what is counted, sum and longest of the stays, calls.
type OfQueue<'c> = (Queue, Millis, Millis, Vec<&'c Call>);

pub(super) fn queues(facts: &Facts) -> Vec<Queue> {
    let mut all: BTreeMap<(&str, &str), OfQueue<'_>> = BTreeMap::new();
    for visit in &facts.visits {
        let Some(call) = facts.calls.get(visit.call).filter(|call| call.inbound()) else { continue };
        let key = (facts.names.text(call.pbx), facts.names.text(visit.queue));
        let (queue, sum_ms, longest_ms, _) = all.entry(key).or_default();
        queue.visits += 1;
        match facts.names.text(visit.result) {
            "CONNECTED" => queue.connected += 1,
            "ABANDONED" => queue.abandoned += 1,
            _ => queue.other += 1,
        }
        *sum_ms += visit.visit_ms;
        *longest_ms = visit.visit_ms.max(*longest_ms);
    }
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        if let Some(queue) = call.queue {
            all.entry((facts.names.text(call.pbx), facts.names.text(queue))).or_default().3.push(call);
        }
    }
    let queue = |((pbx, name), (queue, sum_ms, longest_ms, calls)): ((&str, &str), OfQueue<'_>)| Queue {
        pbx: pbx.to_owned(),
        queue: name.to_owned(),
        mean_visit_ms: mean(sum_ms, queue.visits),
        longest_visit_s: (queue.visits > 0).then_some(longest_ms / 1_000),
        totals: Totals::of(calls, &facts.thresholds),
        ..queue
    };
    all.into_iter().map(queue).collect()
}

/// A key of a menu.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Name of the PBX.
    pub pbx: String,
    /// Context of the menu.
    pub context: String,
    /// What was chosen: empty if nothing, `t` for a time-out, `i` for an invalid choice.
    pub digits: String,
    /// How often.
    pub steps: u64,
    /// Callers who gave up there, after it.
    pub lost: u64,
}

pub(super) fn ivr(facts: &Facts) -> Vec<Choice> {
    let mut all: BTreeMap<(&str, &str, &str), (u64, u64)> = BTreeMap::new();
    for (n, step) in facts.steps.iter().enumerate() {
        let Some(call) = facts.calls.get(step.call).filter(|call| call.inbound()) else { continue };
        let key = (facts.names.text(call.pbx), facts.names.text(step.context), facts.names.text(step.digits));
        let entry = all.entry(key).or_default();
        entry.0 += 1;
        let is_last = facts.steps.get(n + 1).is_none_or(|next| next.call != step.call);
        entry.1 += u64::from(is_last && call.outcome == Outcome::IvrLost);
    }
    all.into_iter()
        .map(|((pbx, context, digits), (steps, lost))| Choice {
            pbx: pbx.to_owned(),
            context: context.to_owned(),
            digits: digits.to_owned(),
            steps,
            lost,
        })
        .collect()
}

/// Customers who called again, and those who did not need to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Repeat {
    /// Answered calls of customers with a number, old enough to know.
    pub final_calls: u64,
    /// Of those, without another call of the customer within `fcr_window`.
    pub resolved: u64,
    /// Answered calls that are too young to know.
    pub not_final: u64,
    /// `resolved` of `final_calls`.
    pub first_call_resolution: Option<f64>,
    /// Customers with a number who called in the window.
    pub customers: u64,
    /// Of those, answered when they first called.
    pub(crate) first_try: u64,
    /// `first_try` of `customers`.
    pub share_first_try: Option<f64>,
    /// Customers by how often they had to call until they were answered: once, twice, three times, more often.
    pub tries: [u64; 4],
    /// Customers who were not answered at all in the window.
    pub never: u64,
    /// Those who called most often, at least three times: number, calls, of these answered.
    pub(crate) most: Vec<(String, u64, u64)>,
}

/// So many are shown.
const MOST_REPEAT: usize = 10;

pub(super) fn repeat(facts: &Facts) -> Repeat {
    let mut out = Repeat::default();
    // In the order of their starts.
    let mut customers: HashMap<Name, Vec<(Millis, bool)>, foldhash::fast::RandomState> = HashMap::default();
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        let Some(customer) = call.customer else { continue };
        customers.entry(customer).or_default().push((call.started_ms, call.answered()));
        if call.answered() {
            match call.again {
                Some(again) => {
                    out.final_calls += 1;
                    out.resolved += u64::from(!again);
                }
                None => out.not_final += 1,
            }
        }
    }
    out.first_call_resolution = ratio(out.resolved, out.final_calls);
    out.customers = customers.len() as u64;
    let mut often = Vec::new();
    for (customer, mut calls) in customers {
        calls.order_by_key(|(at, answered)| (*at, !answered));
        match calls.iter().position(|(_, answered)| *answered) {
            Some(n) => out.tries[n.min(3)] += 1,
            None => out.never += 1,
        }
        if calls.len() >= 3 {
            let answered = calls.iter().filter(|(_, answered)| *answered).count() as u64;
            often.push((facts.names.text(customer).to_owned(), calls.len() as u64, answered));
        }
    }
    out.first_try = out.tries[0];
    out.share_first_try = ratio(out.first_try, out.customers);
    often.order_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    often.truncate(MOST_REPEAT);
    out.most = often;
    out
}

/// One of our numbers, and how its callers were led.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Did {
    /// The number; empty where none was seen.
    pub(crate) did: String,
    /// From `report.did`.
    pub(crate) label: String,
    /// Of its calls.
    pub(crate) totals: Totals,
    /// Menus and queues that a call went through, and transfers, on average.
    pub(crate) mean_hops: Option<f64>,
    /// Transfers.
    pub(crate) transfers: u64,
}

pub(super) fn dids(facts: &Facts) -> Vec<Did> {
    let mut hops = vec![0_u64; facts.calls.len()];
    for place in facts.visits.iter().map(|visit| visit.call).chain(facts.steps.iter().map(|step| step.call)) {
        if let Some(hops) = hops.get_mut(place) {
            *hops += 1;
        }
    }
    let mut all: BTreeMap<&str, (u64, u64, Vec<&Call>)> = BTreeMap::new();
    for (call, hops) in facts.calls.iter().zip(hops).filter(|(call, _)| call.inbound()) {
        let entry = all.entry(call.did.map_or("", |did| facts.names.text(did))).or_default();
        entry.0 += hops + u64::from(call.transfers);
        entry.1 += u64::from(call.transfers);
        entry.2.push(call);
    }
    let did = |(did, (hops, transfers, calls)): (&str, (u64, u64, Vec<&Call>))| Did {
        did: did.to_owned(),
        label: facts.thresholds.dids.get(did).cloned().unwrap_or_default(),
        mean_hops: ratio(hops, calls.len() as u64),
        transfers,
        totals: Totals::of(calls, &facts.thresholds),
    };
    all.into_iter().map(did).collect()
}

/// Conversations with customers who called, by length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// From so many seconds up to the next, and how many.
    pub bands: Vec<(i64, u64)>,
    /// Shorter than `too_short`.
    pub(crate) too_short: u64,
    /// Longer than `too_long`.
    pub(crate) too_long: u64,
    /// Of all of them.
    pub(crate) spread: Spread,
}

/// Where the bands begin, seconds.
const BANDS: [i64; 8] = [0, 10, 30, 60, 120, 300, 600, 1_200];

pub(super) fn lengths(facts: &Facts) -> Lengths {
    let talks: Vec<Millis> = facts.calls.iter().filter(|call| call.answered()).map(|call| call.talk_ms).collect();
    let bands = BANDS.iter().enumerate().map(|(n, &from_s)| {
        let to_ms = BANDS.get(n + 1).map_or(Millis::MAX, |to_s| to_s * 1_000);
        (from_s, talks.iter().filter(|talk| (from_s * 1_000..to_ms).contains(talk)).count() as u64)
    });
    Lengths {
        bands: bands.collect(),
        too_short: talks.iter().filter(|talk| **talk < facts.thresholds.too_short_ms).count() as u64,
        too_long: talks.iter().filter(|talk| **talk > facts.thresholds.too_long_ms).count() as u64,
        spread: Spread::of(talks),
    }
}

/// Dispositions.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Codes {
    /// Calls with the code, whoever set it; most frequent first.
    pub codes: Vec<(String, u64)>,
    /// What those of them are called that are shipped or configured.
    pub labels: BTreeMap<String, String>,
    /// Answered calls of customers without any.
    pub answered_without: u64,
    /// The same as a share of answered calls.
    pub share_without: Option<f64>,
}

impl Codes {
    /// A code with what it is called, if that is known.
    pub(crate) fn named(&self, code: &str) -> String {
        match self.labels.get(code).filter(|label| !label.is_empty()) {
            Some(label) => format!("{code}: {label}"),
            None => code.to_owned(),
        }
    }
}

pub(super) fn codes(facts: &Facts) -> Codes {
    let mut all: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    let mut tagged = BTreeSet::new();
    for (call, code) in &facts.tags {
        all.entry(facts.names.text(*code)).or_default().insert(*call);
        tagged.insert(*call);
    }
    let mut codes: Vec<(String, u64)> =
        all.into_iter().map(|(code, calls)| (code.to_owned(), calls.len() as u64)).collect();
    codes.order_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let answered = facts.calls.iter().enumerate().filter(|(_, call)| call.answered());
    let (all, without) =
        answered.fold((0, 0), |(all, without), (n, _)| (all + 1, without + u64::from(!tagged.contains(&n))));
    let called = |(code, _): &(String, u64)| Some((code.clone(), facts.labels.get(code)?.clone()));
    let labels = codes.iter().filter_map(called).to_map();
    Codes { codes, labels, answered_without: without, share_without: ratio(without, all) }
}

/// Scores of one survey.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ratings {
    /// What was rated, or by which survey; empty if there is only one.
    pub(crate) by: String,
    /// How many.
    pub ratings: u64,
    /// Their mean.
    pub mean: f64,
    /// Share of those from `good_score` on.
    pub good: Option<f64>,
}

#[allow(clippy::cast_precision_loss, reason = "no count of ratings comes near 2^53")]
pub(super) fn ratings(facts: &Facts) -> Vec<Ratings> {
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (by, score) in &facts.ratings {
        all.entry(facts.names.text(*by)).or_default().push(*score);
    }
    let good = f64::from(facts.thresholds.good_score);
    all.into_iter()
        .map(|(by, scores)| Ratings {
            by: by.to_owned(),
            ratings: scores.len() as u64,
            mean: scores.iter().sum::<f64>() / scores.len() as f64,
            good: ratio(scores.iter().filter(|score| **score >= good).count() as u64, scores.len() as u64),
        })
        .collect()
}
