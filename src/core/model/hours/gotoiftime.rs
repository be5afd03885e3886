//! Asterisk's `GotoIfTime` conditions (`main/pbx_timing.c`), translated to OpenStreetMap opening hours.

use crate::model::hours::HoursError;

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MINUTES: u16 = 24 * 60;

/// The same hours in OpenStreetMap's syntax; `None` if this is not the `GotoIfTime` form.
pub(crate) fn translate(text: &str) -> Result<Option<String>, HoursError> {
    let conditions: Vec<&str> = text.split(';').collect();
    if !conditions.iter().all(|c| c.trim().is_empty() || looks_like_one(c)) || text.trim().is_empty() {
        return Ok(None);
    }
    let mut out = Vec::new();
    for condition in conditions.into_iter().filter(|c| !c.trim().is_empty()) {
        out.push(one(text, condition)?);
    }
    // `, ` adds a rule to the ones before it, where `; ` would replace them on the days that both name.
    Ok(Some(out.join(", ")))
}

/// Four or five fields, the second of which is `*` or names weekdays by three letters (OpenStreetMap uses two).
fn looks_like_one(condition: &str) -> bool {
    let fields: Vec<&str> = condition.split([',', '|']).map(str::trim).collect();
    let names_weekday =
        |f: &str| f == "*" || f.split(['-', '&']).all(|d| WEEKDAYS.iter().any(|w| w.eq_ignore_ascii_case(d.trim())));
    matches!(fields.len(), 4 | 5) && names_weekday(fields[1])
}

fn one(text: &str, condition: &str) -> Result<String, HoursError> {
    let refuse = |part: &str, reason: String| HoursError::GotoIfTime {
        offset: part.as_ptr() as usize - text.as_ptr() as usize,
        reason,
    };
    let fields: Vec<&str> = condition.split([',', '|']).map(str::trim).collect();
    if let Some(zone) = fields.get(4) {
        return Err(refuse(
            zone,
            "a time zone inside the condition is not supported, use the key `timezone`".to_owned(),
        ));
    }
    let mut selectors = Vec::new();

    let days = cyclic(fields[2], 31, &[])
        .map_err(|part| refuse(part, format!("`{part}` is not a day of the month (1 to 31)")))?;
    let months =
        cyclic(fields[3], 12, &MONTHS).map_err(|part| refuse(part, format!("`{part}` is not a month (jan to dec)")))?;
    let every_day = days.iter().all(|d| *d);
    let dates: Vec<String> = (0..12)
        .filter(|m| months[*m])
        .flat_map(|m| {
            let name = capital(MONTHS[m]);
            if every_day {
                return vec![name];
            }
            runs(&days[..usize::from(MONTH_DAYS[m])])
                .into_iter()
                .map(|(from, to)| format!("{name} {:02}-{name} {:02}", from + 1, to + 1))
                .collect()
        })
        .collect();
    if dates.is_empty() {
        return Err(refuse(fields[2], "none of these months has such a day".to_owned()));
    }
    if !(every_day && months.iter().all(|m| *m)) {
        selectors.push(dates.join(","));
    }

    let weekdays = cyclic(fields[1], 7, &WEEKDAYS)
        .map_err(|part| refuse(part, format!("`{part}` is not a weekday (sun to sat)")))?;
    if !weekdays.iter().all(|w| *w) {
        let names: Vec<String> = (0..7).filter(|w| weekdays[*w]).map(|w| capital(&WEEKDAYS[w][..2])).collect();
        selectors.push(names.join(","));
    }

    let minutes = minutes(fields[0])
        .map_err(|part| refuse(part, format!("`{part}` is not a time of day such as `09:00-17:59`")))?;
    let clock = |m: usize| format!("{:02}:{:02}", m / 60, m % 60);
    let times: Vec<String> =
        runs(&minutes).into_iter().map(|(from, to)| format!("{}-{}", clock(from), clock(to + 1))).collect();
    selectors.push(times.join(","));
    Ok(selectors.join(" "))
}

/// `get_range()`: `*` or ranges joined by `&`, by name or by number from 1, which run over the end to the beginning.
fn cyclic<'a>(field: &'a str, max: usize, names: &[&str]) -> Result<Vec<bool>, &'a str> {
    if field.is_empty() || field == "*" {
        return Ok(vec![true; max]);
    }
    let find = |part: &'a str| {
        let part = part.trim();
        let number = || part.parse::<usize>().ok().filter(|n| (1..=max).contains(n)).map(|n| n - 1);
        names.iter().position(|n| n.eq_ignore_ascii_case(part)).or_else(number).ok_or(part)
    };
    let mut set = vec![false; max];
    for part in field.split('&') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (mut at, end) = (find(from)?, find(to)?);
        set[end] = true;
        while at != end {
            set[at] = true;
            at = (at + 1) % max;
        }
    }
    Ok(set)
}

/// `get_timerange()`: the last minute is included, and a range over midnight means both ends of the same day.
fn minutes(field: &str) -> Result<Vec<bool>, &str> {
    if field.is_empty() || field == "*" {
        return Ok(vec![true; usize::from(MINUTES)]);
    }
    let mut set = vec![false; usize::from(MINUTES)];
    for part in field.split('&') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (mut at, end) = (minute(from).ok_or(part)?, minute(to).ok_or(part)?);
        set[end] = true;
        while at != end {
            set[at] = true;
            at = (at + 1) % usize::from(MINUTES);
        }
    }
    Ok(set)
}

fn minute(text: &str) -> Option<usize> {
    let (h, m) = text.trim().split_once(':')?;
    let (h, m): (usize, usize) = (h.parse().ok()?, m.parse().ok()?);
    (h < 24 && m < 60).then_some(h * 60 + m)
}

/// First and last index of each stretch of `true`.
fn runs(set: &[bool]) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (i, _) in set.iter().enumerate().filter(|(_, on)| **on) {
        match out.last_mut() {
            Some((_, to)) if *to + 1 == i => *to = i,
            _ => out.push((i, i)),
        }
    }
    out
}

fn capital(word: &str) -> String {
    word[..1].to_ascii_uppercase() + &word[1..]
}
