//! Rows of tables that are alike in the terminal and on the page, as the language writes numbers.

use super::format::{NOTHING, maybe_clock};
use crate::language::Language;
use crate::report::figures::others::Queue;
use crate::report::figures::time::{HourOfDay, Operators};
use crate::report::figures::{Slice, Totals};

/// Calls, answered, missed: of whatever it is a line.
fn calls(language: Language, totals: &Totals) -> [String; 3] {
    [totals.inbound, totals.answered, totals.missed].map(|n| language.count(n))
}

/// Hour, calls, answered, missed, gave up, and service level of offered, of answered, with those who gave up.
pub(crate) fn hour(language: Language, of: &HourOfDay) -> Vec<String> {
    let t = &of.totals;
    let rates = [t.abandonment_rate, t.service_level_offered, t.service_level_answered, t.service_level_with_abandoned];
    let rates = rates.map(|share| language.percent(share));
    [format!("{:02}", of.hour)].into_iter().chain(calls(language, t)).chain(rates).collect()
}

/// Behind the key: calls, answered, missed, won back, gave up, service level, mean wait.
pub(crate) fn slice(language: Language, of: &Slice) -> [String; 7] {
    let t = &of.totals;
    let [calls, answered, missed] = calls(language, t);
    let [gave_up, level] = [t.abandonment_rate, t.service_level_offered].map(|share| language.percent(share));
    [calls, answered, missed, language.count(t.won_back), gave_up, level, maybe_clock(t.wait.mean_ms)]
}

/// Behind the name: visits, connected, gave up, other ends, mean visit, longest, service level.
pub(crate) fn queue(language: Language, of: &Queue) -> Vec<String> {
    let longest_ms = of.longest_visit_s.map(|s| s * 1_000);
    let ends = [of.visits, of.connected, of.abandoned, of.other].map(|n| language.count(n));
    let level = language.percent(of.totals.service_level_offered);
    ends.into_iter().chain([maybe_clock(of.mean_visit_ms), maybe_clock(longest_ms), level]).collect()
}

/// Hour, calls an hour, needed, present, and whether these were too few.
pub(crate) fn operators(language: Language, of: &Operators) -> Vec<String> {
    let too_few = match (of.needed, of.present) {
        (Some(needed), Some(present)) if present + 0.05 < f64::from(needed) => language.report().too_few,
        _ => "",
    };
    vec![
        format!("{:02}", of.hour),
        language.decimal(of.calls_per_hour, 1),
        of.needed.map_or_else(|| NOTHING.to_owned(), |n| n.to_string()),
        of.present.map_or_else(|| NOTHING.to_owned(), |n| language.decimal(n, 1)),
        too_few.to_owned(),
    ]
}
