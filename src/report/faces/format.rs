//! Numbers, times and strangers' texts for people.

use callbackd_core::millis::Millis;
pub(crate) use callbackd_core::model::text::safe;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What stands where there is nothing to be said.
pub(crate) const NOTHING: &str = "–";

/// At most `width` characters, the last one `…` if something was cut.
#[must_use]
pub(crate) fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `1,234,567`.
#[must_use]
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `81.3 %`; [`NOTHING`] of nothing. What is not all is never 100 %, and what is not nothing never 0 %.
#[must_use]
pub(crate) fn percent(share: Option<f64>) -> String {
    let Some(share) = share else { return NOTHING.to_owned() };
    let rounded = (share * 1_000.0).round() / 10.0;
    let shown = match rounded {
        n if n >= 100.0 && share < 1.0 => 99.9,
        n if n <= 0.0 && share > 0.0 => 0.1,
        n => n,
    };
    if shown >= 100.0 || shown == 0.0 { format!("{shown:.0} %") } else { format!("{shown:.1} %") }
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
    match ms / 1_000 {
        s if s % 86_400 == 0 && s > 0 => format!("{} d", s / 86_400),
        s if s % 3_600 == 0 && s > 0 => format!("{} h", s / 3_600),
        s if s % 60 == 0 && s > 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// A duration in words: `0.4 s`, `37.0 s`, `2 min 5 s`, `1 h 2 min 3 s`.
#[must_use]
pub(crate) fn spell(ms: Millis) -> String {
    let s = ms / 1_000;
    match s {
        ..60 => format!("{}.{} s", s, ms % 1_000 / 100),
        60..3_600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min {} s", s / 3_600, s / 60 % 60, s % 60),
    }
}

/// A moment in `zone`, by a `strftime` format; a number where the calendar ends.
#[must_use]
pub(crate) fn local(ms: Millis, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => format!("{ms} ms"),
    }
}
