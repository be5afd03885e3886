//! The figures at a glance, each beside what it was before, and data quality in sentences: the same in every face.

use super::Report;
use super::format::{NOTHING, clock, count, local, maybe_clock, percent, span};
use crate::report::figures::Totals;
use crate::report::figures::totals::ratio;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What.
    pub(crate) name: String,
    /// It belongs to the one above.
    pub(crate) below: bool,
    /// Now.
    pub(crate) now: String,
    /// Before; empty if there is nothing to compare with.
    pub(crate) before: String,
    /// How it changed; empty if that cannot be said.
    pub(crate) change: String,
    /// Whether that is good; `None` if it is neither good nor bad.
    pub(crate) good: Option<bool>,
}

/// Which way is good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Good {
    More,
    Less,
    Neither,
}

/// How a figure is shown, and compared.
#[derive(Clone, Copy)]
enum As {
    Count(fn(&Totals) -> u64),
    Share(fn(&Totals) -> Option<f64>),
    Time(fn(&Totals) -> Option<i64>),
}

/// The lines of a report.
#[must_use]
pub(crate) fn lines(report: &Report<'_>) -> Vec<Line> {
    let target = span(report.thresholds.callback_target_ms);
    let level = span(report.thresholds.service_level_ms);
    let figures = [
        ("Calls of customers".to_owned(), false, Good::Neither, As::Count(|t| t.inbound)),
        ("answered by a person".to_owned(), true, Good::Neither, As::Count(|t| t.answered)),
        ("missed".to_owned(), true, Good::Less, As::Count(|t| t.missed)),
        ("Missed calls won back".to_owned(), false, Good::Neither, As::Count(|t| t.won_back)),
        (format!("within {target}"), true, Good::Neither, As::Count(|t| t.won_back_in_time)),
        (
            format!("Won back within {target}, of those missed"),
            false,
            Good::More,
            As::Share(|t| ratio(t.won_back_in_time, t.missed)),
        ),
        ("Missed of all calls".to_owned(), false, Good::Less, As::Share(|t| t.missed_rate)),
        ("Gave up while waiting, of those offered".to_owned(), false, Good::Less, As::Share(|t| t.abandonment_rate)),
        (
            format!("Service level: {level}, of those offered"),
            false,
            Good::More,
            As::Share(|t| t.service_level_offered),
        ),
        ("of those answered".to_owned(), true, Good::More, As::Share(|t| t.service_level_answered)),
        ("with those who gave up in time".to_owned(), true, Good::More, As::Share(|t| t.service_level_with_abandoned)),
        ("Mean wait of those answered".to_owned(), false, Good::Less, As::Time(|t| t.wait.mean_ms)),
        ("nine of ten waited at most".to_owned(), true, Good::Less, As::Time(|t| t.wait.p90_s.map(|s| s * 1_000))),
        (
            "Median wait before giving up".to_owned(),
            false,
            Good::Neither,
            As::Time(|t| t.gave_up.median_s.map(|s| s * 1_000)),
        ),
        ("Mean talk".to_owned(), false, Good::Neither, As::Time(|t| t.mean_talk_ms)),
        ("Calls that we made".to_owned(), false, Good::Neither, As::Count(|t| t.outbound)),
        ("callbacks among them".to_owned(), true, Good::Neither, As::Count(|t| t.callbacks)),
    ];
    figures.into_iter().map(|(name, below, good, of)| line(report, name, below, good, of)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
fn line(report: &Report<'_>, name: String, below: bool, good: Good, of: As) -> Line {
    let now = &report.figures.totals;
    let before = report.before.as_ref().map(|(_, totals)| *totals);
    let show = |totals: &Totals| match of {
        As::Count(of) => count(of(totals)),
        As::Share(of) => percent(of(totals)),
        As::Time(of) => maybe_clock(of(totals)),
    };
    // As a share of what it was; of a share as points of a hundred.
    let step = before.and_then(|before| match of {
        As::Count(of) => (of(before) > 0).then(|| (of(now) as f64 / of(before) as f64 - 1.0) * 100.0),
        As::Share(of) => Some((of(now)? - of(before)?) * 100.0),
        As::Time(of) => {
            of(before).filter(|ms| *ms > 0).and_then(|ms| Some((of(now)? as f64 / ms as f64 - 1.0) * 100.0))
        }
    });
    // What is not seen in the rounded figure is no change.
    let least = if matches!(of, As::Share(_)) { 0.05 } else { 0.5 };
    let step = step.map(|step| if step.abs() < least { 0.0 } else { step });
    let change = step.map_or_else(String::new, |step| {
        let change = match of {
            _ if step == 0.0 => "=".to_owned(),
            As::Share(_) => format!("{step:+.1} pt"),
            // A hundred times as many is no figure of per cent.
            _ if step >= 900.0 => format!("×{:.0}", step / 100.0 + 1.0),
            _ => format!("{step:+.0} %"),
        };
        change.replace('-', "−")
    });
    let good =
        step.filter(|step| *step != 0.0 && good != Good::Neither).map(|step| (step > 0.0) == (good == Good::More));
    Line { name, below, now: show(now), before: before.map_or_else(String::new, show), change, good }
}

/// What was seen of the window, in sentences; the first says the worst.
#[must_use]
pub(crate) fn quality(report: &Report<'_>) -> Vec<String> {
    let quality = &report.figures.quality;
    let mut out = Vec::new();
    let seen = local(quality.as_of_ms, report.zone, "%Y-%m-%d %H:%M");
    if quality.calls == 0 {
        out.push("No calls.".to_owned());
    } else if quality.full == quality.calls {
        out.push(format!("{} calls, each seen from its beginning to its end.", count(quality.calls)));
    } else {
        let parts = [
            (quality.full, "seen whole"),
            (quality.partial, "seen in part"),
            (quality.gap, "whose end was not seen"),
            (quality.backfilled, "backfilled from Asterisk's own records"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", count(*n))).collect();
        out.push(format!("{} calls: {}.", count(quality.calls), parts.join(", ")));
    }
    if quality.unknown > 0 {
        out.push(format!(
            "{} are UNKNOWN: nothing proves whether they were served. They are in no rate.",
            count(quality.unknown)
        ));
    }
    if !quality.gaps.is_empty() {
        let shown: Vec<String> = quality.gaps.iter().take(3).map(|gap| gap_in_words(report, gap)).collect();
        let more = quality.gaps.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.push(format!("Events were not seen for {}: {}{more}.", clock(quality.gap_ms), shown.join(", ")));
    }
    if quality.without_number > 0 {
        out.push(format!(
            "{} calls came without a number: they are in no figure about customers.",
            count(quality.without_number)
        ));
    }
    if quality.running && quality.as_of_ms > 0 {
        out.push(format!("Seen up to {seen}; calls in progress are not in it."));
    }
    out
}

fn gap_in_words(report: &Report<'_>, gap: &crate::report::facts::Gap) -> String {
    let from = local(gap.from_ms, report.zone, "%Y-%m-%d %H:%M:%S");
    format!("{} from {from} for {} ({})", super::format::safe(&gap.pbx), clock(gap.to_ms - gap.from_ms), gap.cause)
}

/// Won back by whom, in words.
#[must_use]
pub(crate) fn by_whom(by: &str) -> &'static str {
    match by {
        "callback" => "by a callback",
        "customer" => "called again and got through",
        "agent" => "by an agent's own call",
        _ => "nobody",
    }
}

/// State of a callback of a caller who was not won back, in words.
#[must_use]
pub(crate) fn standing(state: &str) -> String {
    match state {
        "NONE" => "no callback (no number, declined, or switched off)".to_owned(),
        "EXHAUSTED" => "called back as often as allowed, not reached".to_owned(),
        "EXPIRED" => "callback expired".to_owned(),
        "DNC" => "on the do-not-call list".to_owned(),
        "NOT_CALLABLE" => "number cannot be called".to_owned(),
        "CANCELLED" => "callback cancelled by hand".to_owned(),
        "DONE" | "RECOVERED_BY_CUSTOMER" | "RECOVERED_BY_AGENT" => format!("callback closed: {state}"),
        other => format!("callback open: {}", super::format::safe(other)),
    }
}

/// A text, or [`NOTHING`].
#[must_use]
pub(crate) fn or_nothing(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { super::format::safe(text) }
}
