//! Moments as people type them: dates, times, weekdays, `today`, or a time back from now, or ahead.

use crate::report::calendar::first_moment;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

/// Where `10:00`, `monday` and `2h` are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// The latest that is not after now.
    Past,
    /// The first that is after now.
    Future,
}

/// Reads a moment that is over. Local forms are meant in `zone`; a day without a time means its first moment.
///
/// # Errors
/// One line that says what is accepted.
pub fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    moment(text, Toward::Past, &now.to_zoned(zone.clone())).map(|at| at.timestamp())
}

/// Reads a moment that is to come, in the same way.
///
/// # Errors
/// One line that says what is accepted.
pub fn ahead(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    moment(text, Toward::Future, &now.to_zoned(zone.clone())).map(|at| at.timestamp())
}

fn moment(text: &str, toward: Toward, now: &Zoned) -> Result<Zoned, String> {
    let text = text.trim();
    let too_far = |_| format!("'{}' is too far away", text.escape_debug());
    if text.eq_ignore_ascii_case("now") {
        return Ok(now.clone());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.to_zoned(now.time_zone().clone()));
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return at(local.date(), Some(local.time()), now).map_err(too_far);
    }
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = match &*words {
        [clock] if time(clock).is_some() => {
            // Today or the day before, today or tomorrow: whichever lies there.
            let days = if toward == Toward::Past { [0, -1] } else { [0, 1] };
            nearest(days.into_iter(), time(clock), toward, now)
        }
        [name] => day(name, None, toward, now),
        ["last" | "next", name] if weekday(name).is_some() => day(&words.join(" "), None, toward, now),
        ["last" | "next", name, clock] if weekday(name).is_some() => {
            time(clock).and_then(|time| day(&words[..2].join(" "), Some(time), toward, now))
        }
        [name, clock] => time(clock).and_then(|time| day(name, Some(time), toward, now)),
        _ => None,
    };
    if let Some(found) = found {
        return found.map_err(too_far);
    }
    if let Ok(span) = text.parse::<Span>() {
        let span = if toward == Toward::Past { -span.abs() } else { span.abs() };
        return now.checked_add(span).map_err(too_far);
    }
    let forms = match toward {
        Toward::Past => {
            "2026-11-22T14:00:00Z, 2026-11-22, '2026-11-22 14:00', 10:00, today, yesterday, monday, 'monday 9:00', or back from now 2h, 7d, 1h30m"
        }
        Toward::Future => {
            "2026-11-22T14:00:00Z, 2026-11-22, '2026-11-22 14:00', 10:00, tomorrow, 'tomorrow 9:00', monday, or from now 30m, 2h, 1d"
        }
    };
    Err(format!("'{}' is not a time: give {forms}", text.escape_debug()))
}

type Found = Option<Result<Zoned, jiff::Error>>;

/// A day by its name.
fn day(name: &str, time: Option<Time>, toward: Toward, now: &Zoned) -> Found {
    let named = match name {
        "today" => Some(0),
        "yesterday" => Some(-1),
        "tomorrow" => Some(1),
        _ => None,
    };
    if let Some(days) = named {
        return Some(now.date().checked_add(days.days()).and_then(|date| at(date, time, now)));
    }
    // `last monday` is never today, `monday` may be.
    let (from, name) = match name.split_whitespace().collect::<Vec<_>>()[..] {
        [_, name] => (1, name),
        _ => (0, name),
    };
    let wanted = weekday(name)?;
    let sign = if toward == Toward::Past { -1 } else { 1 };
    let days = (from..=7 + from).map(|n| n * sign);
    let fits = |days: &i64| now.date().checked_add(days.days()).is_ok_and(|date| date.weekday() == wanted);
    nearest(days.filter(fits), time, toward, now)
}

/// The first of these days, counted from today, on which the moment lies on the wanted side of now.
fn nearest(days: impl Iterator<Item = i64>, time: Option<Time>, toward: Toward, now: &Zoned) -> Found {
    for days in days {
        let found = now.date().checked_add(days.days()).and_then(|date| at(date, time, now));
        match &found {
            Ok(moment) if (toward == Toward::Past) != (moment <= now) => {}
            _ => return Some(found),
        }
    }
    None
}

/// On this date at this time, else at its first moment.
fn at(date: Date, time: Option<Time>, now: &Zoned) -> Result<Zoned, jiff::Error> {
    let zone = now.time_zone();
    match time.filter(|time| *time != Time::midnight()) {
        Some(time) => date.to_datetime(time).to_zoned(zone.clone()),
        None => first_moment(date, zone),
    }
}

/// `9:00`, `09:00`, `14:30:15`.
fn time(text: &str) -> Option<Time> {
    let mut parts = text.split(':');
    let number = |part: Option<&str>| {
        part.filter(|part| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))?
            .parse::<i8>()
            .ok()
    };
    let (hour, minute) = (number(parts.next())?, number(parts.next())?);
    let second = match parts.next() {
        None => 0,
        part => number(part)?,
    };
    if parts.next().is_some() { None } else { Time::new(hour, minute, second, 0).ok() }
}

/// A weekday by its English name or the first three letters of it.
fn weekday(name: &str) -> Option<Weekday> {
    const DAYS: [(&str, Weekday); 7] = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    DAYS.into_iter().find(|(day, _)| *day == name || day[..3] == *name).map(|(_, day)| day)
}
