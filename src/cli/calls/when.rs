//! Moments as people type them: dates, times, `today`, or a time back from now.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

/// Reads a moment. Local forms are meant in `zone`; a date, `today` and `yesterday` mean the first moment of that day.
///
/// # Errors
/// One line that says what is accepted.
pub fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let today = || now.to_zoned(zone.clone()).start_of_day();
    let moment = if text.eq_ignore_ascii_case("now") {
        Ok(now)
    } else if text.eq_ignore_ascii_case("today") {
        today().map(|day| day.timestamp())
    } else if text.eq_ignore_ascii_case("yesterday") {
        today().and_then(|day| day.checked_sub(1.day())).and_then(|day| day.start_of_day()).map(|day| day.timestamp())
    } else if let Ok(moment) = text.parse::<Timestamp>() {
        Ok(moment)
    } else if let Ok(local) = text.parse::<DateTime>() {
        // The first moment of a day is not 00:00 where summer time begins at midnight.
        let at_midnight = local.time() == jiff::civil::Time::midnight();
        local
            .to_zoned(zone.clone())
            .and_then(|at| if at_midnight { at.start_of_day() } else { Ok(at) })
            .map(|at| at.timestamp())
    } else if let Ok(back) = text.parse::<Span>() {
        now.to_zoned(zone.clone()).checked_sub(back.abs()).map(|at| at.timestamp())
    } else {
        return Err(format!(
            "'{}' is no time: give 2026-11-22T14:00:00Z, 2026-11-22, '2026-11-22 14:00', today, yesterday, or back from now 2h, 7d, 1h30m",
            text.escape_debug()
        ));
    };
    moment.map_err(|_| format!("'{}' is too far away", text.escape_debug()))
}
