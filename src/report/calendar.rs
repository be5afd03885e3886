//! The hours of local days: 23, 24 or 25 of them, and each begins where the clock on the wall says so.

use callbackd_core::millis::Millis;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// One local hour, or a part of it where the clock is set within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// The local day.
    pub date: Date,
    /// 0 to 23, by the clock on the wall. One that comes twice is there twice.
    pub hour: i8,
    /// It begins, ms since 1970 UTC.
    pub from_ms: Millis,
    /// It is over, ms since 1970 UTC.
    pub to_ms: Millis,
    /// Its day begins, ms since 1970 UTC.
    pub day_from_ms: Millis,
    /// Its day is over, ms since 1970 UTC.
    pub day_to_ms: Millis,
}

impl Hour {
    /// 1 Monday to 7 Sunday.
    #[must_use]
    pub fn weekday(&self) -> i8 {
        self.date.weekday().to_monday_one_offset()
    }
}

/// The first moment of a local day: not 00:00 where summer time begins at midnight.
///
/// # Errors
/// The calendar ends there.
pub(crate) fn first_moment(date: Date, zone: &TimeZone) -> Result<Zoned, jiff::Error> {
    date.to_zoned(zone.clone())?.start_of_day()
}

/// The same, ms since 1970 UTC; `None` where the calendar ends.
#[must_use]
pub(crate) fn day_begins(date: Date, zone: &TimeZone) -> Option<Millis> {
    Some(first_moment(date, zone).ok()?.timestamp().as_millisecond())
}

/// The local day of a moment; `None` where the calendar ends.
#[must_use]
pub(crate) fn day_of(at_ms: Millis, zone: &TimeZone) -> Option<Date> {
    Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(zone.clone()).date())
}

/// The hours of all days from that of `from_ms` to that of `to_ms`, whole, in their order.
#[must_use]
pub fn hours(from_ms: Millis, to_ms: Millis, zone: &TimeZone) -> Vec<Hour> {
    let mut out = Vec::new();
    let (Some(mut date), Some(last)) = (day_of(from_ms, zone), day_of(to_ms, zone)) else { return out };
    while date <= last {
        let Ok(next) = date.checked_add(1.day()) else { break };
        // A day that a zone left out has no hours.
        if let (Some(begins), Some(ends)) = (day_begins(date, zone), day_begins(next, zone)) {
            hours_of(date, begins, ends, zone, &mut out);
        }
        date = next;
    }
    out
}

fn hours_of(date: Date, day_from_ms: Millis, day_to_ms: Millis, zone: &TimeZone, out: &mut Vec<Hour>) {
    let mut from_ms = day_from_ms;
    while from_ms < day_to_ms {
        let Ok(at) = Timestamp::from_millisecond(from_ms) else { return };
        let local = at.to_zoned(zone.clone());
        let into = i64::from(local.minute()) * 60_000 + i64::from(local.second()) * 1_000;
        let full = from_ms + 3_600_000 - into;
        let set = zone.following(at).next().map_or(Millis::MAX, |change| change.timestamp().as_millisecond());
        let to_ms = full.min(set).min(day_to_ms);
        out.push(Hour { date, hour: local.hour(), from_ms, to_ms, day_from_ms, day_to_ms });
        from_ms = to_ms;
    }
}
