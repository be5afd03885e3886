//! Figures over time: the hours of the day, the load, the lines, the operators.

use super::spans::{Span, length, levels, most, time_at, time_more, union, within, without};
use super::totals::{Totals, ratio};
use super::{WEEKDAYS, erlang};
use crate::report::Facts;
use crate::report::facts::{Activity, Call, Name};
use callbackd_core::millis::Millis;
use callbackd_core::order::Gather as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The same hour of all days of the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HourOfDay {
    /// 0 to 23, local.
    pub hour: i8,
    /// Its calls.
    pub totals: Totals,
}

/// Only hours in which somebody called or was called, and those between them.
pub(super) fn hours_of_day(facts: &Facts) -> Vec<HourOfDay> {
    let mut groups: BTreeMap<i8, Vec<&Call>> = BTreeMap::new();
    for call in &facts.calls {
        if let Some(hour) = facts.hour(call.started_ms) {
            groups.entry(hour.hour).or_default().push(call);
        }
    }
    let (Some(&first), Some(&last)) = (groups.keys().next(), groups.keys().next_back()) else { return Vec::new() };
    (first..=last)
        .map(|hour| {
            let calls = groups.remove(&hour).unwrap_or_default();
            HourOfDay { hour, totals: Totals::of(calls, &facts.thresholds) }
        })
        .collect()
}

pub(super) fn heat(facts: &Facts) -> [[u64; 24]; 7] {
    let mut heat = [[0; 24]; 7];
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        if let Some(hour) = facts.hour(call.started_ms) {
            let (day, at) = (usize::try_from(hour.weekday() - 1), usize::try_from(hour.hour));
            if let (Ok(day), Ok(at)) = (day, at) {
                heat[day.min(6)][at.min(23)] += 1;
            }
        }
    }
    heat
}

/// How many calls there were at once, and who was there to take them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Load {
    /// Most calls at once, of all directions.
    pub most_at_once: u64,
    /// Weekday and hour with most calls of customers, and how many.
    pub busiest_hour: Option<(&'static str, u8, u64)>,
    /// The day with most, and how many.
    pub(crate) busiest_day: Option<(String, u64)>,
    /// Customers who had called and were on the line, on average.
    pub(crate) mean_customers: Option<f64>,
    /// Agents logged in and not paused, on average; `None` where no agent was seen.
    pub mean_agents: Option<f64>,
    /// Share of the time with more customers than agents.
    pub(crate) share_short: Option<f64>,
}

fn spans<'c>(calls: impl Iterator<Item = &'c Call>, window: Span) -> Vec<Span> {
    within(calls.map(|call| (call.started_ms, call.ended_ms)), window)
}

/// Times in which each agent was logged in and not paused, of all agents.
fn available(facts: &Facts, window: Span) -> Vec<Span> {
    let mut agents: BTreeMap<(Name, Name), (Vec<Span>, Vec<Span>)> = BTreeMap::new();
    for interval in &facts.intervals {
        let (logged_in, paused) = agents.entry((interval.pbx, interval.agent)).or_default();
        let span = (interval.from_ms, interval.to_ms);
        match interval.activity {
            Activity::LoggedIn => logged_in.push(span),
            Activity::Paused | Activity::AfterCallWork { paused: true } => paused.push(span),
            Activity::AfterCallWork { paused: false } | Activity::Talking => {}
        }
    }
    let free = |(logged_in, paused)| without(&union(within(logged_in, window)), &union(paused));
    agents.into_values().flat_map(free).collect()
}

pub(super) fn load(facts: &Facts) -> Load {
    let window = (facts.window.0, facts.end_ms());
    let lasts = window.1 - window.0;
    let all = || facts.running.iter().chain(&facts.calls);
    let customers = spans(all().filter(|call| call.inbound()), window);
    let agents = available(facts, window);
    let any_agent = facts.intervals.iter().any(|interval| interval.activity == Activity::LoggedIn);
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    let mut hours: BTreeMap<(usize, u8), u64> = BTreeMap::new();
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        if let Some(hour) = facts.hour(call.started_ms) {
            *days.entry(hour.date.to_string()).or_default() += 1;
            let weekday = usize::try_from(hour.weekday() - 1).unwrap_or_default();
            *hours.entry((weekday, u8::try_from(hour.hour).unwrap_or_default())).or_default() += 1;
        }
    }
    let share = |ms: Millis| ratio(ms.unsigned_abs(), lasts.unsigned_abs());
    let sum = |spans: &[Span]| spans.iter().map(|(from, to)| to - from).sum::<Millis>();
    Load {
        most_at_once: most(&spans(all(), window)),
        // The first of several with as many.
        busiest_hour: hours
            .into_iter()
            .rev()
            .max_by_key(|(_, calls)| *calls)
            .map(|((day, hour), calls)| (WEEKDAYS[day.min(6)], hour, calls)),
        busiest_day: days.into_iter().rev().max_by_key(|(_, calls)| *calls),
        mean_customers: share(sum(&customers)),
        mean_agents: share(sum(&agents)).filter(|_| any_agent),
        share_short: share(time_more(&customers, &agents)).filter(|_| any_agent),
    }
}

/// A trunk of a PBX.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lines {
    /// Name of the PBX; empty for a trunk of `report.trunk_lines` over which no call went.
    pub pbx: String,
    /// Technology and peer.
    pub trunk: String,
    /// Calls that started in the window.
    pub calls: u64,
    /// Most at once.
    pub most_at_once: u64,
    /// How many it can have, from `report.trunk_lines`; `None` if it is not said.
    pub(crate) lines: Option<u32>,
    /// How long all were in use, ms.
    pub at_limit_ms: Option<Millis>,
    /// The same as a share of the window.
    pub(crate) share_at_limit: Option<f64>,
}

pub(super) fn lines(facts: &Facts) -> Vec<Lines> {
    let window = (facts.window.0, facts.end_ms());
    let mut trunks: BTreeMap<(&str, &str), (u64, Vec<&Call>)> = BTreeMap::new();
    for call in facts.running.iter().chain(&facts.calls) {
        if let Some(trunk) = call.trunk {
            let (calls, all) = trunks.entry((facts.names.text(call.pbx), facts.names.text(trunk))).or_default();
            *calls += u64::from(call.started_ms >= window.0);
            all.push(call);
        }
    }
    let met: BTreeSet<&str> = trunks.keys().map(|(_, trunk)| *trunk).to_set();
    let unused = facts.thresholds.trunk_lines.keys().filter(|name| !met.contains(name.as_str()));
    let unused: Vec<_> = unused.map(|name| (("", name.as_str()), (0, Vec::new()))).collect();
    let line = |((pbx, trunk), (calls, all)): ((&str, &str), (u64, Vec<&Call>))| {
        let spans = spans(all.into_iter(), window);
        let lines = facts.thresholds.trunk_lines.get(trunk).copied();
        let at_limit_ms = lines.map(|lines| time_at(&spans, lines));
        Lines {
            pbx: pbx.to_owned(),
            trunk: trunk.to_owned(),
            calls,
            most_at_once: most(&spans),
            lines,
            at_limit_ms,
            share_at_limit: at_limit_ms.and_then(|ms| ratio(ms.unsigned_abs(), (window.1 - window.0).unsigned_abs())),
        }
    };
    trunks.into_iter().chain(unused).map(line).collect()
}

/// Operators of an hour of the day, on the average of the window's days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operators {
    /// 0 to 23, local.
    pub hour: i8,
    /// Offered calls in an hour.
    pub calls_per_hour: f64,
    /// By Erlang C, from these calls, the mean handling time and the service-level target; `None` if nobody called or nobody was answered.
    pub needed: Option<u32>,
    /// Agents logged in and not paused; `None` where no agent was seen.
    pub present: Option<f64>,
}

#[allow(clippy::cast_precision_loss, reason = "no count or duration comes near 2^53")]
pub(super) fn operators(facts: &Facts, handling_ms: Option<Millis>) -> Vec<Operators> {
    let window = (facts.window.0, facts.end_ms());
    // Of each hour of the day: calls, time that the window has of it, time of agents.
    let mut hours: BTreeMap<i8, (u64, Millis, Millis)> = BTreeMap::new();
    let levels = levels(&available(facts, window));
    for hour in &facts.hours {
        let span = (hour.from_ms.max(window.0), hour.to_ms.min(window.1));
        if span.0 < span.1 {
            let entry = hours.entry(hour.hour).or_default();
            entry.1 += span.1 - span.0;
            entry.2 += area(&levels, span);
        }
    }
    for call in facts.calls.iter().filter(|call| call.offered()) {
        if let Some(hour) = facts.hour(call.started_ms) {
            hours.entry(hour.hour).or_default().0 += 1;
        }
    }
    let any_agent = facts.intervals.iter().any(|interval| interval.activity == Activity::LoggedIn);
    let t = &facts.thresholds;
    hours
        .into_iter()
        .filter(|(_, (calls, lasts, present))| *lasts > 0 && (*calls > 0 || *present > 0))
        .map(|(hour, (calls, lasts, present))| {
            let calls_per_hour = calls as f64 * 3_600_000.0 / lasts as f64;
            let needed = handling_ms.and_then(|handling_ms| {
                let (handling_s, target_s) = (handling_ms as f64 / 1_000.0, t.service_level_ms as f64 / 1_000.0);
                erlang::operators(calls_per_hour, handling_s, target_s, f64::from(t.service_level_target) / 100.0)
            });
            let present = any_agent.then(|| present as f64 / lasts as f64);
            Operators { hour, calls_per_hour, needed, present }
        })
        .collect()
}

/// How long each level held within the span, times the level.
fn area(levels: &[(Millis, i64)], (from, to): Span) -> Millis {
    let first = levels.partition_point(|(at, _)| *at <= from).saturating_sub(1);
    let mut sum = 0;
    for (n, &(at, level)) in levels.iter().enumerate().skip(first) {
        let until = levels.get(n + 1).map_or(Millis::MAX, |next| next.0);
        if at >= to {
            break;
        }
        sum += level * (until.min(to) - at.max(from)).max(0);
    }
    sum
}

/// Time that is covered, ms: for other sections.
pub(super) fn covered(spans: Vec<Span>, window: Span) -> Millis {
    length(within(spans, window))
}
