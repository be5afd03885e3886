//! The figures at a glance, each beside what it was before, and data quality in sentences: the same in every face.

use super::Report;
use super::format::{NOTHING, clock, maybe_clock, safe};
use crate::language::{Language, ReportWords, fill, fill_all};
use crate::report::figures::Totals;
use crate::report::figures::totals::ratio;
use crate::report::window::Window;
use callbackd_core::millis::Millis;

/// Which figure a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the texts beside them say what each is")]
pub(crate) enum Figure {
    Calls,
    Answered,
    Missed,
    WonBack,
    WonBackInTime,
    ShareWonBackInTime,
    MissedRate,
    AbandonmentRate,
    LevelOffered,
    LevelAnswered,
    LevelWithAbandoned,
    MeanWait,
    NinetiethWait,
    MedianGaveUp,
    MeanTalk,
    Outbound,
    Callbacks,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Which figure.
    pub(crate) figure: Figure,
    /// What it is called.
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

impl Figure {
    /// All of them, in the order of the lines.
    const ALL: [Self; 17] = [
        Self::Calls,
        Self::Answered,
        Self::Missed,
        Self::WonBack,
        Self::WonBackInTime,
        Self::ShareWonBackInTime,
        Self::MissedRate,
        Self::AbandonmentRate,
        Self::LevelOffered,
        Self::LevelAnswered,
        Self::LevelWithAbandoned,
        Self::MeanWait,
        Self::NinetiethWait,
        Self::MedianGaveUp,
        Self::MeanTalk,
        Self::Outbound,
        Self::Callbacks,
    ];

    /// What it is called; some have a gap, for a time.
    const fn name(self, w: &ReportWords) -> &'static str {
        match self {
            Self::Calls => w.g_calls,
            Self::Answered => w.g_answered,
            Self::Missed => w.g_missed,
            Self::WonBack => w.g_won,
            Self::WonBackInTime => w.g_won_within,
            Self::ShareWonBackInTime => w.g_won_share,
            Self::MissedRate => w.g_missed_share,
            Self::AbandonmentRate => w.g_gave_up,
            Self::LevelOffered => w.g_level,
            Self::LevelAnswered => w.g_of_answered,
            Self::LevelWithAbandoned => w.g_with_gave_up,
            Self::MeanWait => w.g_wait,
            Self::NinetiethWait => w.g_p90,
            Self::MedianGaveUp => w.g_median,
            Self::MeanTalk => w.g_talk,
            Self::Outbound => w.g_made,
            Self::Callbacks => w.g_callbacks,
        }
    }

    const fn is_below(self) -> bool {
        matches!(
            self,
            Self::Answered
                | Self::Missed
                | Self::WonBackInTime
                | Self::LevelAnswered
                | Self::LevelWithAbandoned
                | Self::NinetiethWait
                | Self::Callbacks
        )
    }

    const fn good(self) -> Good {
        match self {
            Self::Missed | Self::MissedRate | Self::AbandonmentRate | Self::MeanWait | Self::NinetiethWait => {
                Good::Less
            }
            Self::ShareWonBackInTime | Self::LevelOffered | Self::LevelAnswered | Self::LevelWithAbandoned => {
                Good::More
            }
            Self::Calls
            | Self::Answered
            | Self::WonBack
            | Self::WonBackInTime
            | Self::MedianGaveUp
            | Self::MeanTalk
            | Self::Outbound
            | Self::Callbacks => Good::Neither,
        }
    }

    fn shown_as(self) -> As {
        match self {
            Self::Calls => As::Count(|t| t.inbound),
            Self::Answered => As::Count(|t| t.answered),
            Self::Missed => As::Count(|t| t.missed),
            Self::WonBack => As::Count(|t| t.won_back),
            Self::WonBackInTime => As::Count(|t| t.won_back_in_time),
            Self::ShareWonBackInTime => As::Share(|t| ratio(t.won_back_in_time, t.missed)),
            Self::MissedRate => As::Share(|t| t.missed_rate),
            Self::AbandonmentRate => As::Share(|t| t.abandonment_rate),
            Self::LevelOffered => As::Share(|t| t.service_level_offered),
            Self::LevelAnswered => As::Share(|t| t.service_level_answered),
            Self::LevelWithAbandoned => As::Share(|t| t.service_level_with_abandoned),
            Self::MeanWait => As::Time(|t| t.wait.mean_ms),
            Self::NinetiethWait => As::Time(|t| t.wait.p90_s.map(|s| s * 1_000)),
            Self::MedianGaveUp => As::Time(|t| t.gave_up.median_s.map(|s| s * 1_000)),
            Self::MeanTalk => As::Time(|t| t.mean_talk_ms),
            Self::Outbound => As::Count(|t| t.outbound),
            Self::Callbacks => As::Count(|t| t.callbacks),
        }
    }
}

/// The lines of a report.
#[must_use]
pub(crate) fn lines(report: &Report<'_>, language: Language) -> Vec<Line> {
    Figure::ALL.into_iter().map(|figure| line(report, language, figure)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
fn line(report: &Report<'_>, language: Language, figure: Figure) -> Line {
    let words = language.report();
    let of = figure.shown_as();
    let now = &report.figures.totals;
    let before = report.before.map(|(_, totals)| totals);
    let show = |totals: &Totals| match of {
        As::Count(of) => language.count(of(totals)),
        As::Share(of) => language.percent(of(totals)),
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
    let change = step.map_or_else(String::new, |step| match of {
        _ if step == 0.0 => "=".to_owned(),
        As::Share(_) => language.step(step, 1, words.points),
        // A hundred times as many is no figure of per cent.
        _ if step >= 900.0 => format!("×{:.0}", step / 100.0 + 1.0),
        _ => language.step(step, 0, "{} %"),
    });
    let good = figure.good();
    let good =
        step.filter(|step| *step != 0.0 && good != Good::Neither).map(|step| (step > 0.0) == (good == Good::More));
    let time = match figure {
        Figure::LevelOffered => report.thresholds.service_level_ms,
        _ => report.thresholds.callback_target_ms,
    };
    Line {
        figure,
        name: fill(figure.name(words), language.span(time)),
        below: figure.is_below(),
        now: show(now),
        before: before.map_or_else(String::new, show),
        change,
        good,
    }
}

/// What was seen of the window, in sentences; the first says the worst.
#[must_use]
pub(crate) fn quality(report: &Report<'_>, language: Language) -> Vec<String> {
    let words = language.report();
    let quality = &report.figures.quality;
    let mut out = Vec::new();
    if quality.calls == 0 {
        out.push(words.q_none.to_owned());
    } else if quality.full == quality.calls {
        out.push(language.counted(words.q_whole, quality.calls, &[]));
    } else {
        let parts = [
            (quality.full, words.q_full),
            (quality.partial, words.q_partial),
            (quality.gap, words.q_gap),
            (quality.backfilled, words.q_backfilled),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| fill(what, language.count(*n))).collect();
        out.push(language.counted(words.q_parts, quality.calls, &[&parts.join(", ")]));
    }
    if quality.unknown > 0 {
        out.push(language.counted(words.q_unknown, quality.unknown, &[]));
    }
    if !quality.gaps.is_empty() {
        let shown: Vec<String> = quality.gaps.iter().take(3).map(|gap| gap_in_words(report, language, gap)).collect();
        let shown = shown.join(", ");
        let more = quality.gaps.len().saturating_sub(3);
        let shown = if more > 0 { fill_all(words.q_more, &[&shown, &more]) } else { shown };
        out.push(fill_all(words.q_gaps, &[&clock(quality.gap_ms), &shown]));
    }
    if quality.without_number > 0 {
        out.push(language.counted(words.q_without, quality.without_number, &[]));
    }
    for behind in &quality.behind {
        let site = language.named(&behind.site);
        out.push(match behind.seen_ms {
            _ if behind.walking => fill(words.q_anew, site),
            Some(seen_ms) => fill_all(words.q_behind, &[&site, &language.stamp(seen_ms, report.zone, false)]),
            None => fill(words.q_unseen, site),
        });
    }
    if quality.of_sites {
        out.push(words.q_sites.to_owned());
    }
    if quality.running && quality.as_of_ms > 0 {
        out.push(fill(words.q_seen, language.stamp(quality.as_of_ms, report.zone, false)));
    }
    out
}

fn gap_in_words(report: &Report<'_>, language: Language, gap: &crate::report::facts::Gap) -> String {
    let words = language.report();
    let from = language.stamp(gap.from_ms, report.zone, true);
    let cause = match gap.cause.as_str() {
        "daemon_down" => words.gap_daemon,
        "link_lost" => words.gap_link,
        "pbx_restart" => words.gap_restart,
        "overload" => words.gap_overload,
        other => other,
    };
    fill_all(words.q_gap_of, &[&language.named(&gap.pbx), &from, &clock(gap.to_ms - gap.from_ms), &cause])
}

/// Which days: `Sat 2026-11-28`, or from when to when; the last day is in it.
#[must_use]
pub(crate) fn title(window: &Window, language: Language) -> String {
    let words = language.report();
    let last = window.to.yesterday().unwrap_or(window.to);
    let first = language.day_of_week(window.from);
    let days = if last == window.from { first } else { fill_all(words.range, &[&first, &language.day_of_week(last)]) };
    window.up_to.as_ref().map_or_else(|| days.clone(), |at| fill_all(words.up_to, &[&days, at]))
}

/// Won back by whom, in words.
#[must_use]
pub(crate) fn by_whom(by: &str, language: Language) -> &'static str {
    let words = language.report();
    match by {
        "callback" => words.w_callback,
        "customer" => words.w_customer,
        "agent" => words.w_agent,
        _ => words.w_nobody,
    }
}

/// What calls are divided or chosen by, in words.
#[must_use]
pub(crate) fn dimension(by: &str, language: Language) -> &'static str {
    let words = language.report();
    match by {
        "site" => words.d_site,
        "pbx" | "PBX" => words.d_pbx,
        "did" | "DID" => words.d_did,
        "trunk" => words.d_trunk,
        "queue" => words.d_queue,
        "agent" => words.d_agent,
        "hour" => words.d_hour,
        "day" => words.d_day,
        "weekday" => words.d_weekday,
        _ => words.d_code,
    }
}

/// A text, or [`NOTHING`].
#[must_use]
pub(crate) fn or_nothing(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { safe(text) }
}

/// From the miss to being served: shortest, median, nine of ten.
#[must_use]
pub(crate) fn recovery(report: &Report<'_>, language: Language) -> String {
    let spread = &report.figures.missed.recovery;
    let seconds = |s: Option<Millis>| maybe_clock(s.map(|s| s * 1_000));
    let [min, median, p90] = [spread.min_s, spread.median_s, spread.p90_s].map(seconds);
    fill_all(language.report().recovery, &[&min, &median, &p90])
}
