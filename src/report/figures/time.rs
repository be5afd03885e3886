//! Figures over time: the hours of the day, the load, the lines, the operators.

use super::spans::{Span, length, levels, most, time_at, time_more, union, within, without};
use super::totals::{Totals, TotalsPart, ratio};
use super::{Slice, WEEKDAYS, erlang};
use crate::report::facts::{Activity, Call, Facts, Name};
use crate::report::rollup::part::{Counts, Group, Peak, Table, count, key, parts};
use crate::report::thresholds::Thresholds;
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

/// An hour of the day as a key has it.
pub(crate) fn hour_text(hour: i8) -> String {
    format!("{hour:02}")
}

/// Only hours in which somebody called or was called, and those between them. By the hour as a key has it.
pub(crate) fn hours_of_day(parts: &Table<TotalsPart>) -> Vec<HourOfDay> {
    let hours = || parts.iter().filter_map(|([hour, ..], _)| hour.parse::<i8>().ok());
    let (Some(first), Some(last)) = (hours().next(), hours().next_back()) else { return Vec::new() };
    let totals = |hour| parts.get(&key([&hour_text(hour), "", ""])).map(TotalsPart::totals).unwrap_or_default();
    (first..=last).map(|hour| HourOfDay { hour, totals: totals(hour) }).collect()
}

/// Calls of customers by the weekday (from 0, Monday) and the hour.
pub(crate) fn heat_of(facts: &Facts) -> Counts {
    let mut heat = Counts::default();
    for call in facts.calls.iter().filter(|call| call.inbound()) {
        if let Some(hour) = facts.hour(call.started_ms) {
            count(&mut heat, [&(hour.weekday() - 1).to_string(), &hour_text(hour.hour), ""]);
        }
    }
    heat
}

/// The figures.
pub(crate) fn heat(parts: &Counts) -> [[u64; 24]; 7] {
    let mut heat = [[0; 24]; 7];
    for ([day, hour, _], calls) in parts.iter() {
        if let (Ok(day), Ok(hour)) = (day.parse::<usize>(), hour.parse::<usize>()) {
            heat[day.min(6)][hour.min(23)] += calls;
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

fn spans<'c>(calls: impl Iterator<Item = &'c Call>, facts: &Facts) -> Vec<Span> {
    calls.map(|call| facts.load_of(call)).filter(|(from, to)| from < to).collect()
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

parts! {
    /// What is added up of it.
    struct LoadPart {
        most_at_once: Peak,
        /// Time of customers who were on the line, ms.
        customers_ms: Millis,
        /// Time of agents who were there, ms.
        agents_ms: Millis,
        /// Time with more customers than agents, ms.
        short_ms: Millis,
        /// How many agents were logged in at any time.
        agents: u64,
    }
}

impl LoadPart {
    pub(crate) fn of(facts: &Facts) -> Self {
        let window = (facts.window.0, facts.end_ms());
        let all = || facts.running.iter().chain(&facts.calls);
        let customers = spans(all().filter(|call| call.inbound()), facts);
        let agents = available(facts, window);
        let sum = |spans: &[Span]| spans.iter().map(|(from, to)| to - from).sum::<Millis>();
        let logged_in = facts.intervals.iter().filter(|interval| interval.activity == Activity::LoggedIn).count();
        Self {
            most_at_once: Peak(most(&spans(all(), facts))),
            customers_ms: sum(&customers),
            agents_ms: sum(&agents),
            short_ms: time_more(&customers, &agents),
            agents: logged_in as u64,
        }
    }

    /// The figures of a window that lasts so long (ms). A day or hour with as many as another is not before it.
    pub(crate) fn load(&self, lasts_ms: Millis, heat: &[[u64; 24]; 7], days: &[Slice]) -> Load {
        let share = |ms: Millis| ratio(ms.unsigned_abs(), lasts_ms.unsigned_abs());
        let hours = heat
            .iter()
            .zip(WEEKDAYS)
            .flat_map(|(hours, day)| (0..24).zip(hours).map(move |(hour, calls)| (day, hour, *calls)));
        let days = days.iter().map(|day| (day.key.clone(), day.totals.inbound)).filter(|(_, calls)| *calls > 0);
        Load {
            most_at_once: self.most_at_once.0,
            // The first of several with as many.
            busiest_hour: hours.filter(|(.., calls)| *calls > 0).rev().max_by_key(|(.., calls)| *calls),
            busiest_day: days.rev().max_by_key(|(_, calls)| *calls),
            mean_customers: share(self.customers_ms),
            mean_agents: share(self.agents_ms).filter(|_| self.agents > 0),
            share_short: share(self.short_ms).filter(|_| self.agents > 0),
        }
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

parts! {
    /// What is added up of a trunk.
    struct LinesPart {
        calls: u64,
        most_at_once: Peak,
        at_limit_ms: Millis,
    }
}

/// By PBX and trunk.
pub(crate) fn lines_of(facts: &Facts) -> Table<LinesPart> {
    let window = facts.window;
    let mut trunks: Table<Vec<&Call>, Group> = Table::default();
    for call in facts.running.iter().chain(&facts.calls) {
        if call.trunk.is_some() {
            trunks.at([Name::number(Some(call.pbx)), Name::number(call.trunk), 0]).push(call);
        }
    }
    let mut lines = Table::default();
    trunks.each(|[pbx, trunk, _], calls| {
        let trunk = facts.names.of_number(trunk);
        let started = calls.iter().filter(|call| call.started_ms >= window.0).count();
        let spans = spans(calls.into_iter(), facts);
        *lines.at(key([facts.names.of_number(pbx), trunk, ""])) = LinesPart {
            calls: started as u64,
            most_at_once: Peak(most(&spans)),
            at_limit_ms: facts.thresholds.trunk_lines.get(trunk).map_or(0, |lines| time_at(&spans, *lines)),
        };
    });
    lines
}

/// The figures of a window that lasts so long (ms).
pub(crate) fn lines(parts: &Table<LinesPart>, thresholds: &Thresholds, lasts_ms: Millis) -> Vec<Lines> {
    let met: BTreeSet<&str> = parts.iter().map(|([_, trunk, _], _)| &**trunk).to_set();
    let unused = thresholds.trunk_lines.keys().filter(|name| !met.contains(name.as_str()));
    let none = LinesPart::default();
    let all = parts.iter().map(|([pbx, trunk, _], part)| (&**pbx, &**trunk, part));
    all.chain(unused.map(|trunk| ("", trunk.as_str(), &none)))
        .map(|(pbx, trunk, part)| {
            let lines = thresholds.trunk_lines.get(trunk).copied();
            let at_limit_ms = lines.map(|_| part.at_limit_ms);
            Lines {
                pbx: pbx.to_owned(),
                trunk: trunk.to_owned(),
                calls: part.calls,
                most_at_once: part.most_at_once.0,
                lines,
                at_limit_ms,
                share_at_limit: at_limit_ms.and_then(|ms| ratio(ms.unsigned_abs(), lasts_ms.unsigned_abs())),
            }
        })
        .collect()
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

parts! {
    /// What is added up of an hour of the day.
    struct OperatorsPart {
        offered: u64,
        /// Time that the window has of it, ms.
        lasts_ms: Millis,
        /// Time of agents in it, ms.
        present_ms: Millis,
    }
}

/// By the hour as a key has it.
pub(crate) fn operators_of(facts: &Facts) -> Table<OperatorsPart> {
    let window = (facts.window.0, facts.end_ms());
    let mut hours = Table::<OperatorsPart>::default();
    let of = |hour: i8| key([&hour_text(hour), "", ""]);
    let levels = levels(&available(facts, window));
    for hour in &facts.hours {
        let span = (hour.from_ms.max(window.0), hour.to_ms.min(window.1));
        if span.0 < span.1 {
            let part = hours.at(of(hour.hour));
            part.lasts_ms += span.1 - span.0;
            part.present_ms += area(&levels, span);
        }
    }
    for call in facts.calls.iter().filter(|call| call.offered()) {
        if let Some(hour) = facts.hour(call.started_ms) {
            hours.at(of(hour.hour)).offered += 1;
        }
    }
    hours
}

/// The figures, where any agent was seen or none.
#[allow(clippy::cast_precision_loss, reason = "no count or duration comes near 2^53")]
pub(crate) fn operators(
    parts: &Table<OperatorsPart>,
    handling_ms: Option<Millis>,
    any_agent: bool,
    thresholds: &Thresholds,
) -> Vec<Operators> {
    parts
        .iter()
        .filter(|(_, part)| part.lasts_ms > 0 && (part.offered > 0 || part.present_ms > 0))
        .filter_map(|([hour, ..], part)| {
            let lasts_ms = part.lasts_ms as f64;
            let calls_per_hour = part.offered as f64 * 3_600_000.0 / lasts_ms;
            let needed = handling_ms.and_then(|handling_ms| {
                let (handling_s, target_s) =
                    (handling_ms as f64 / 1_000.0, thresholds.service_level_ms as f64 / 1_000.0);
                let target = f64::from(thresholds.service_level_target) / 100.0;
                erlang::operators(calls_per_hour, handling_s, target_s, target)
            });
            let present = any_agent.then(|| part.present_ms as f64 / lasts_ms);
            Some(Operators { hour: hour.parse().ok()?, calls_per_hour, needed, present })
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
