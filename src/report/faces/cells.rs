//! Rows of tables that are alike in the terminal and on the page. What strangers chose of them is given: each face has its own way to make it safe.

use super::format::{NOTHING, count, maybe_clock, percent};
use crate::report::figures::others::Queue;
use crate::report::figures::time::{HourOfDay, Operators};
use crate::report::figures::{Slice, Totals};

/// Calls, answered, missed: of whatever it is a line.
fn calls(totals: &Totals) -> [String; 3] {
    [totals.inbound, totals.answered, totals.missed].map(count)
}

/// Hour, calls, answered, missed, gave up, and service level of offered, of answered, with those who gave up.
pub(crate) fn hour(of: &HourOfDay) -> Vec<String> {
    let t = &of.totals;
    let rates = [t.abandonment_rate, t.service_level_offered, t.service_level_answered, t.service_level_with_abandoned];
    [format!("{:02}", of.hour)].into_iter().chain(calls(t)).chain(rates.map(percent)).collect()
}

/// Behind the key: calls, answered, missed, won back, gave up, service level, mean wait.
pub(crate) fn slice(of: &Slice) -> Vec<String> {
    let t = &of.totals;
    let rest =
        [count(t.won_back), percent(t.abandonment_rate), percent(t.service_level_offered), maybe_clock(t.wait.mean_ms)];
    calls(t).into_iter().chain(rest).collect()
}

/// Behind the name: visits, connected, gave up, other ends, mean visit, longest, service level.
pub(crate) fn queue(of: &Queue) -> Vec<String> {
    let longest_ms = of.longest_visit_s.map(|s| s * 1_000);
    let ends = [of.visits, of.connected, of.abandoned, of.other].map(count);
    let rest = [maybe_clock(of.mean_visit_ms), maybe_clock(longest_ms), percent(of.totals.service_level_offered)];
    ends.into_iter().chain(rest).collect()
}

/// Hour, calls an hour, needed, present, and whether these were too few.
pub(crate) fn operators(of: &Operators) -> Vec<String> {
    vec![
        format!("{:02}", of.hour),
        format!("{:.1}", of.calls_per_hour),
        of.needed.map_or_else(|| NOTHING.to_owned(), |n| n.to_string()),
        of.present.map_or_else(|| NOTHING.to_owned(), |n| format!("{n:.1}")),
        short_of(of.needed, of.present).to_owned(),
    ]
}

fn short_of(needed: Option<u32>, present: Option<f64>) -> &'static str {
    match (needed, present) {
        (Some(needed), Some(present)) if present + 0.05 < f64::from(needed) => "too few",
        _ => "",
    }
}
