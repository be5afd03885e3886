//! Numbers, times and strangers' texts for people.

use crate::language::Language;
pub(crate) use crate::language::NOTHING;
use callbackd_core::millis::Millis;
pub(crate) use callbackd_core::model::text::safe;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// At most `width` characters, the last one `…` if something was cut.
#[must_use]
pub(crate) fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// For a terminal, in which every blank may break a line.
fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

/// `1,234,567`.
#[must_use]
pub(crate) fn count(n: u64) -> String {
    Language::En.count(n)
}

/// `81.3 %`; [`NOTHING`] of nothing. What is not all is never 100 %, and what is not nothing never 0 %.
#[must_use]
pub(crate) fn percent(share: Option<f64>) -> String {
    plain(&Language::En.percent(share))
}

/// `0:37`, `12:05`, `1:02:03`: a duration, cut to whole seconds.
#[must_use]
pub(crate) fn clock(ms: Millis) -> String {
    let s = ms / 1_000;
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
    }
}

/// The same of what may not be there.
#[must_use]
pub(crate) fn maybe_clock(ms: Option<Millis>) -> String {
    ms.map_or_else(|| NOTHING.to_owned(), clock)
}

/// `7 h 30 min`, `12 min`: time of agents.
#[must_use]
pub(crate) fn hours(ms: Millis) -> String {
    let min = (ms + 30_000) / 60_000;
    if min < 60 { format!("{min} min") } else { format!("{} h {:02}", min / 60, min % 60) }
}

/// A duration as it is written in the configuration: `20 s`, `30 min`, `7 d`.
#[must_use]
pub(crate) fn span(ms: Millis) -> String {
    plain(&Language::En.span(ms))
}

/// A duration in words: `0.4 s`, `37.0 s`, `2 min 5 s`, `1 h 2 min 3 s`.
#[must_use]
pub(crate) fn spell(ms: Millis) -> String {
    Language::En.spell(ms)
}

/// A moment in `zone`, by a `strftime` format; a number where the calendar ends.
#[must_use]
pub(crate) fn local(ms: Millis, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => format!("{ms} ms"),
    }
}
