//! The time at which a customer wishes to be called back, as the dialplan or a program names it.
//!
//! ```text
//! 2026-11-30T09:30        by the clock of the business (`[hours]`)
//! 2026-11-30T09:30+01:00  by the clock of that zone; Z for UTC
//! +2h, +90m, +1h30m       from the moment at which it was said
//! ```

use crate::callbacks::policy::QueuePolicy;
use crate::millis::Millis;
use crate::model::hours::Hours;
use jiff::Timestamp;

/// No time further ahead than this (ms) is taken: it is known for so long who was served meanwhile.
pub const MAX_AHEAD_MS: Millis = 31 * 86_400_000;

/// Why a named time is not taken; each says what to write instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NamedTimeError {
    /// Neither a moment nor a delay.
    #[error(
        "it is no time: write 2026-11-30T09:30, by the clock of [hours], 2026-11-30T09:30+01:00, or +2h, +90m, +1h30m"
    )]
    Form,
    /// Before the moment at which it was said.
    #[error("it is over: name a time that lies ahead, by the clock of [hours] (hours.timezone)")]
    Over,
    /// Further ahead than any time that is taken.
    #[error("it is too far ahead: 31 days at most")]
    TooFar,
    /// No hours in which customers are called follow it.
    #[error("no opening hours follow it: see `callbackd check` for [hours]")]
    NeverOpen,
}

/// The moment that is meant, or the next one at which customers are called; ms since 1970 UTC.
///
/// # Errors
/// See [`NamedTimeError`].
pub fn named_time(text: &str, policy: &QueuePolicy, said_ms: Millis) -> Result<Millis, NamedTimeError> {
    let text = text.trim();
    let at = match text.strip_prefix('+') {
        Some(delay) => said_ms.saturating_add(delay_ms(delay).ok_or(NamedTimeError::Form)?),
        None => moment(text, &policy.hours).ok_or(NamedTimeError::Form)?,
    };
    match at.saturating_sub(said_ms) {
        ..0 => Err(NamedTimeError::Over),
        0..=MAX_AHEAD_MS => policy.next_call(at).ok_or(NamedTimeError::NeverOpen),
        _ => Err(NamedTimeError::TooFar),
    }
}

/// A date and a time of day, with or without a zone. The parser takes more: weeks, annotations.
fn moment(text: &str, hours: &Hours) -> Option<Millis> {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let known = ["0000-00-00T00:00", "0000-00-00T00:00:00", "0000-00-00 00:00", "0000-00-00 00:00:00"];
    if known.contains(&&*shape) {
        return text.parse().ok().and_then(|civil| hours.moment(civil));
    }
    let of_zone = ["Z", "+00:00", "-00:00"].into_iter().find_map(|zone| shape.strip_suffix(zone))?;
    // No clock on earth is further from UTC.
    let is_there = text[of_zone.len()..].get(1..3).is_none_or(|hours| hours <= "14");
    (known.contains(&of_zone) && is_there).then(|| text.parse::<Timestamp>().ok())?.map(Timestamp::as_millisecond)
}

/// `2h`, `90m`, `1h30m`; units s, m, h, d.
fn delay_ms(text: &str) -> Option<Millis> {
    let (mut rest, mut total) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: Millis = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b's' => 1_000,
            b'm' => 60_000,
            b'h' => 3_600_000,
            b'd' => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}
