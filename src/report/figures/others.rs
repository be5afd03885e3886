//! Queues, menus, customers who called again, DIDs, lengths of conversations, codes, ratings.

use super::Totals;
use super::totals::{Durations, Spread, TotalsPart, mean, ratio};
use crate::report::facts::{Call, Facts, Name};
use crate::report::rollup::part::{Counts, Customers, Group, Key, Peak, Table, count, key, parts};
use crate::report::thresholds::Thresholds;
use callbackd_core::millis::Millis;
use callbackd_core::model::Outcome;
use callbackd_core::order::{Gather as _, InOrder as _};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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

parts! {
    /// What is added up of a queue.
    struct QueuePart {
        visits: u64,
        connected: u64,
        abandoned: u64,
        other: u64,
        visits_ms: Millis,
        longest_ms: Peak,
        totals: TotalsPart,
    }
}

/// By PBX and queue.
pub(crate) fn queues_of(facts: &Facts) -> Table<QueuePart> {
    let mut all: Table<(QueuePart, Vec<&Call>), Group> = Table::default();
    let of = |call: &Call, queue| [Name::number(Some(call.pbx)), Name::number(Some(queue)), 0];
    for visit in &facts.visits {
        let Some(call) = facts.calls.get(visit.call).filter(|call| call.inbound()) else { continue };
        let (queue, _) = all.at(of(call, visit.queue));
        queue.visits += 1;
        match facts.names.text(visit.result) {
            "CONNECTED" => queue.connected += 1,
            "ABANDONED" => queue.abandoned += 1,
            _ => queue.other += 1,
        }
        queue.visits_ms += visit.visit_ms;
        queue.longest_ms.0 = queue.longest_ms.0.max(visit.visit_ms.max(0).cast_unsigned());
    }
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        if let Some(queue) = call.queue {
            all.at(of(call, queue)).1.push(call);
        }
    }
    let mut queues = Table::default();
    all.each(|[pbx, queue, _], (part, calls)| {
        let totals = TotalsPart::of(calls, &facts.thresholds);
        let of = key([facts.names.of_number(pbx), facts.names.of_number(queue), ""]);
        *queues.at(of) = QueuePart { totals, ..part };
    });
    queues
}

/// The figures.
pub(crate) fn queues(parts: &Table<QueuePart>) -> Vec<Queue> {
    let queue = |([pbx, queue, _], part): (&Key, &QueuePart)| Queue {
        pbx: pbx.to_string(),
        queue: queue.to_string(),
        visits: part.visits,
        connected: part.connected,
        abandoned: part.abandoned,
        other: part.other,
        mean_visit_ms: mean(part.visits_ms, part.visits),
        longest_visit_s: (part.visits > 0).then_some(part.longest_ms.0.cast_signed() / 1_000),
        totals: part.totals.totals(),
    };
    parts.iter().map(queue).collect()
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

parts! {
    /// What is added up of it.
    struct ChoicePart {
        steps: u64,
        lost: u64,
    }
}

/// By PBX, context and digits.
pub(crate) fn ivr_of(facts: &Facts) -> Table<ChoicePart> {
    let mut all = Table::<ChoicePart, Group>::default();
    for (n, step) in facts.steps.iter().enumerate() {
        let Some(call) = facts.calls.get(step.call).filter(|call| call.inbound()) else { continue };
        let choice = all.at([call.pbx, step.context, step.digits].map(|name| Name::number(Some(name))));
        choice.steps += 1;
        let is_last = facts.steps.get(n + 1).is_none_or(|next| next.call != step.call);
        choice.lost += u64::from(is_last && call.outcome == Outcome::IvrLost);
    }
    let mut choices = Table::default();
    all.each(|of, part| *choices.at(key(of.map(|name| facts.names.of_number(name)))) = part);
    choices
}

/// The figures.
pub(crate) fn ivr(parts: &Table<ChoicePart>) -> Vec<Choice> {
    let choice = |([pbx, context, digits], part): (&Key, &ChoicePart)| Choice {
        pbx: pbx.to_string(),
        context: context.to_string(),
        digits: digits.to_string(),
        steps: part.steps,
        lost: part.lost,
    };
    parts.iter().map(choice).collect()
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

parts! {
    /// What is added up of it.
    struct RepeatPart {
        final_calls: u64,
        resolved: u64,
        not_final: u64,
        customers: Customers,
    }
}

impl RepeatPart {
    /// The calls are in the order of their starts.
    pub(crate) fn of(facts: &Facts) -> Self {
        let mut out = Self::default();
        let mut calls: Vec<&Call> = facts.calls.iter().filter(|call| call.inbound()).collect();
        calls.order_by_key(|call| (call.started_ms, !call.answered()));
        for call in calls {
            let Some(customer) = call.customer else { continue };
            out.customers.calls(facts.names.text(customer), call.answered());
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
        out
    }

    /// The figures.
    pub(crate) fn repeat(&self) -> Repeat {
        let (mut tries, mut never) = ([0; 4], 0);
        let mut often = Vec::new();
        for (number, customer) in &self.customers.0 {
            match (customer.first as usize).checked_sub(1) {
                Some(n) => tries[n.min(3)] += 1,
                None => never += 1,
            }
            if customer.calls >= 3 {
                often.push((number, u64::from(customer.calls), u64::from(customer.answered)));
            }
        }
        often.order_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        often.truncate(MOST_REPEAT);
        let customers = self.customers.0.len() as u64;
        Repeat {
            final_calls: self.final_calls,
            resolved: self.resolved,
            not_final: self.not_final,
            first_call_resolution: ratio(self.resolved, self.final_calls),
            customers,
            first_try: tries[0],
            share_first_try: ratio(tries[0], customers),
            tries,
            never,
            most: often.into_iter().map(|(number, calls, answered)| (number.to_string(), calls, answered)).collect(),
        }
    }
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

parts! {
    /// What is added up of it.
    struct DidPart {
        hops: u64,
        transfers: u64,
        totals: TotalsPart,
    }
}

/// By the number; empty where none was seen.
pub(crate) fn dids_of(facts: &Facts) -> Table<DidPart> {
    let mut hops = vec![0_u64; facts.calls.len()];
    for place in facts.visits.iter().map(|visit| visit.call).chain(facts.steps.iter().map(|step| step.call)) {
        if let Some(hops) = hops.get_mut(place) {
            *hops += 1;
        }
    }
    let mut all: Table<(DidPart, Vec<&Call>), Group> = Table::default();
    for (call, hops) in facts.calls.iter().zip(hops).filter(|(call, _)| call.inbound()) {
        let (part, calls) = all.at([Name::number(call.did), 0, 0]);
        part.hops += hops + u64::from(call.transfers);
        part.transfers += u64::from(call.transfers);
        calls.push(call);
    }
    let mut dids = Table::default();
    all.each(|[did, ..], (part, calls)| {
        let totals = TotalsPart::of(calls, &facts.thresholds);
        *dids.at(key([facts.names.of_number(did), "", ""])) = DidPart { totals, ..part };
    });
    dids
}

/// The figures.
pub(crate) fn dids(parts: &Table<DidPart>, thresholds: &Thresholds) -> Vec<Did> {
    let did = |([did, ..], part): (&Key, &DidPart)| Did {
        did: did.to_string(),
        label: thresholds.dids.get(&**did).cloned().unwrap_or_default(),
        mean_hops: ratio(part.hops, part.totals.inbound),
        transfers: part.transfers,
        totals: part.totals.totals(),
    };
    parts.iter().map(did).collect()
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

parts! {
    /// What is added up of it.
    struct LengthsPart {
        too_short: u64,
        too_long: u64,
        talks: Durations,
    }
}

impl LengthsPart {
    pub(crate) fn of(facts: &Facts) -> Self {
        let talks: Vec<Millis> = facts.calls.iter().filter(|call| call.answered()).map(|call| call.talk_ms).collect();
        Self {
            too_short: talks.iter().filter(|talk| **talk < facts.thresholds.too_short_ms).count() as u64,
            too_long: talks.iter().filter(|talk| **talk > facts.thresholds.too_long_ms).count() as u64,
            talks: Durations::of(&talks),
        }
    }

    /// The figures.
    pub(crate) fn lengths(&self) -> Lengths {
        let to_s = |n: usize| BANDS.get(n + 1).copied().unwrap_or(i64::MAX);
        let bands = BANDS.iter().enumerate().map(|(n, &from_s)| (from_s, self.talks.between(from_s, to_s(n))));
        Lengths {
            bands: bands.collect(),
            too_short: self.too_short,
            too_long: self.too_long,
            spread: self.talks.spread(),
        }
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

parts! {
    /// What is added up of them.
    struct CodesPart {
        codes: Counts,
        answered: u64,
        answered_without: u64,
    }
}

impl CodesPart {
    pub(crate) fn of(facts: &Facts) -> Self {
        let with_code: BTreeSet<(usize, Name)> = facts.tags.iter().copied().to_set();
        let tagged: BTreeSet<usize> = with_code.iter().map(|(call, _)| *call).to_set();
        let mut codes = Counts::default();
        with_code.iter().for_each(|(_, code)| count(&mut codes, [facts.names.text(*code), "", ""]));
        let answered = || facts.calls.iter().enumerate().filter(|(_, call)| call.answered());
        Self {
            codes,
            answered: answered().count() as u64,
            answered_without: answered().filter(|(n, _)| !tagged.contains(n)).count() as u64,
        }
    }

    /// The figures, with what the codes are called.
    pub(crate) fn codes(&self, labels: &BTreeMap<String, String>) -> Codes {
        let mut codes: Vec<(String, u64)> =
            self.codes.iter().map(|([code, ..], calls)| (code.to_string(), *calls)).collect();
        codes.order_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let called = |(code, _): &(String, u64)| Some((code.clone(), labels.get(code)?.clone()));
        Codes {
            labels: codes.iter().filter_map(called).to_map(),
            codes,
            answered_without: self.answered_without,
            share_without: ratio(self.answered_without, self.answered),
        }
    }
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

parts! {
    /// What is added up of a survey.
    struct RatingsPart {
        ratings: u64,
        scores: f64,
        good: u64,
    }
}

/// By the survey.
pub(crate) fn ratings_of(facts: &Facts) -> Table<RatingsPart> {
    let mut all = Table::<RatingsPart>::default();
    for (by, score) in &facts.ratings {
        let part = all.at(key([facts.names.text(*by), "", ""]));
        part.ratings += 1;
        part.scores += score;
        part.good += u64::from(*score >= f64::from(facts.thresholds.good_score));
    }
    all
}

/// The figures.
#[allow(clippy::cast_precision_loss, reason = "no count of ratings comes near 2^53")]
pub(crate) fn ratings(parts: &Table<RatingsPart>) -> Vec<Ratings> {
    let ratings = |([by, ..], part): (&Key, &RatingsPart)| Ratings {
        by: by.to_string(),
        ratings: part.ratings,
        mean: part.scores / part.ratings as f64,
        good: ratio(part.good, part.ratings),
    };
    parts.iter().map(ratings).collect()
}
