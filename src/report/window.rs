//! Which days a report is about, and those that it is compared with.

use super::calendar::{day_begins, day_of};
use callbackd_core::millis::Millis;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

/// What somebody asks for: a word, or days.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// `today`, `yesterday`, `week`, `month`; anything else is today.
    pub(crate) word: Option<&'a str>,
    /// The first day, in place of a word.
    pub(crate) from: Option<&'a str>,
    /// The day after the last one; without it: tomorrow.
    pub(crate) to: Option<&'a str>,
}

/// Why there is no such window: one line for a command; a page says it in its own language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoWindow {
    /// The calendar ends before it.
    #[error("{0} is too far away")]
    TooFar(Date),
    /// What is given is no day.
    #[error("{option}: '{}' is no day: give 2026-11-22, today, yesterday or tomorrow", .text.escape_debug())]
    NoDay {
        /// `--from` or `--to`.
        option: &'static str,
        /// As it was written.
        text: String,
    },
    /// It ends before it begins, by its own end.
    #[error("from {from} to {to}: --to is not in the report: it must be after --from")]
    Backwards { from: Date, to: Date },
    /// It begins after today.
    #[error("from {from} to {to}: that is not over before it begins: --from is in the future")]
    Future { from: Date, to: Date },
}

/// Some local days, whole; or those before them up to the same hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Window {
    /// The first day.
    pub(crate) from: Date,
    /// The day after the last one.
    pub(crate) to: Date,
    /// The first day begins, ms since 1970 UTC.
    pub(crate) from_ms: Millis,
    /// It ends before this moment, ms since 1970 UTC.
    pub(crate) to_ms: Millis,
    /// It ends at this hour and minute of its last day, not at midnight.
    pub(crate) up_to: Option<String>,
}

impl Window {
    /// As it was asked for.
    ///
    /// # Errors
    /// See [`NoWindow`].
    pub(crate) fn of(asked: Asked<'_>, zone: &TimeZone, now: Timestamp) -> Result<Self, NoWindow> {
        let today = now.to_zoned(zone.clone()).date();
        let tomorrow = next(today)?;
        let (from, to) = match (asked.from, asked.word) {
            (Some(from), _) => {
                let from = day("--from", from, today)?;
                let to = asked.to.map_or(Ok(tomorrow), |to| day("--to", to, today))?;
                if from >= to {
                    let backwards = asked.to.is_some();
                    return Err(if backwards {
                        NoWindow::Backwards { from, to }
                    } else {
                        NoWindow::Future { from, to }
                    });
                }
                (from, to)
            }
            (None, Some("yesterday")) => (today.yesterday().map_err(|_| NoWindow::TooFar(today))?, today),
            (None, Some("week")) => {
                let back = today.weekday().since(Weekday::Monday);
                (today.checked_sub(i64::from(back).days()).map_err(|_| NoWindow::TooFar(today))?, tomorrow)
            }
            (None, Some("month")) => (today.first_of_month(), tomorrow),
            (None, _) => (today, tomorrow),
        };
        Self::days(from, to, zone)
    }

    fn days(from: Date, to: Date, zone: &TimeZone) -> Result<Self, NoWindow> {
        let begins = |date: Date| day_begins(date, zone).ok_or(NoWindow::TooFar(date));
        Ok(Self { from, to, from_ms: begins(from)?, to_ms: begins(to)?, up_to: None })
    }

    /// As many days before it; up to the same hour if it is not over at `as_of_ms`. `None` where the calendar ends, or nothing of it has passed.
    #[must_use]
    pub(crate) fn before(&self, zone: &TimeZone, as_of_ms: Millis) -> Option<Self> {
        let span = self.to.since(self.from).ok()?.get_days().days();
        let whole = Self::days(self.from.checked_sub(span).ok()?, self.from, zone).ok()?;
        if as_of_ms >= self.to_ms {
            return Some(whole);
        }
        let at = Timestamp::from_millisecond(as_of_ms).ok()?.to_zoned(zone.clone());
        let same = at.datetime().checked_sub(span).ok()?.to_zoned(zone.clone()).ok()?;
        let to_ms = same.timestamp().as_millisecond();
        let to = next(day_of(to_ms, zone)?).ok()?;
        let up_to = Some(same.strftime("%H:%M").to_string());
        (to_ms > whole.from_ms).then_some(Self { to, to_ms, up_to, ..whole })
    }
}

fn next(date: Date) -> Result<Date, NoWindow> {
    date.tomorrow().map_err(|_| NoWindow::TooFar(date))
}

fn day(option: &'static str, text: &str, today: Date) -> Result<Date, NoWindow> {
    let named = match text.to_ascii_lowercase().as_str() {
        "today" => Some(Ok(today)),
        "yesterday" => Some(today.yesterday()),
        "tomorrow" => Some(today.tomorrow()),
        _ => None,
    };
    named.unwrap_or_else(|| text.trim().parse()).map_err(|_| NoWindow::NoDay { option, text: text.to_owned() })
}
