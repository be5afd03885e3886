//! Business hours: is it open at a moment, and when does it open next.

mod gotoiftime;
mod holidays;

use crate::millis::Millis;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use holidays::Holidays;
use jiff::{Timestamp, tz::TimeZone};
use opening_hours::{Context, OpeningHours};
use regex::Regex;
use std::sync::LazyLock;

/// How far ahead an opening or closing is looked for. Rules that can never hold (`Dec 20 week 1 Mo`) are otherwise searched
/// day by day until the year 10,000, which takes most of a minute; five years cover 29 February.
const HORIZON_DAYS: i64 = 5 * 366;
/// Openings over which a time is counted; what is left of it then is counted as if it stayed open.
const MAX_OPENINGS: usize = 100;

/// Words of OpenStreetMap's syntax that depend on where the sun is, so on coordinates that a configuration does not have.
const SUN: [&str; 4] = ["sunrise", "sunset", "dawn", "dusk"];

/// Days that no year has; the evaluator would take them for something else.
const NO_SUCH_DAY: [&str; 6] = ["Feb 30", "Feb 31", "Apr 31", "Jun 31", "Sep 31", "Nov 31"];

/// When the business is open, in its own time zone. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hours {
    zone: TimeZone,
    /// `None`: always open.
    rules: Option<OpeningHours>,
    holidays: Option<Holidays>,
}

/// One day, as the hours are understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The day, in the zone of the hours.
    pub date: jiff::civil::Date,
    /// From and to, ms since 1970, within the day, in their order.
    pub open: Vec<(Millis, Millis)>,
    /// The name of the public holiday that it is.
    pub holiday: Option<&'static str>,
}

/// Why opening hours were refused. `offset` counts bytes in the text that was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what each means
pub enum HoursError {
    #[error("these are not opening hours: {reason}")]
    Syntax { offset: usize, reason: String },
    #[error("`PH` means public holidays, but no country says whose")]
    NoCountry { offset: usize },
    #[error("no public holidays are known for the country `{country}`")]
    UnknownCountry { country: String },
    #[error("school holidays (`SH`) are not known for this country")]
    SchoolHolidays { offset: usize },
    #[error(
        "holidays and weekdays side by side can mean two things: holidays and all such days, or holidays on such a day"
    )]
    HolidayAndWeekday { offset: usize },
    #[error("`{word}` depends on where the sun is, which is not known here")]
    Sun { offset: usize, word: &'static str },
    #[error("no year has a {day}")]
    NoSuchDay { offset: usize, day: &'static str },
    #[error("{reason}")]
    GotoIfTime { offset: usize, reason: String },
}

impl HoursError {
    /// Where in the text, in bytes; `None` if the country is what was refused.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::UnknownCountry { .. } => None,
            Self::Syntax { offset, .. }
            | Self::NoCountry { offset }
            | Self::SchoolHolidays { offset }
            | Self::HolidayAndWeekday { offset }
            | Self::Sun { offset, .. }
            | Self::NoSuchDay { offset, .. }
            | Self::GotoIfTime { offset, .. } => Some(*offset),
        }
    }

    /// How to fix it, one sentence.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => {
                "write OpenStreetMap opening hours such as `Mo-Fr 09:00-18:00; Sa 10:00-14:00; PH off`, \
                 or Asterisk's GotoIfTime form such as `09:00-17:59,mon-fri,*,*`"
            }
            Self::NoCountry { .. } => "set `country` to an ISO 3166 code such as `DE`, or leave out `PH`",
            Self::UnknownCountry { .. } => {
                "use a two-letter ISO 3166 code such as `DE`; of parts of a country only `GB-ENG`, `GB-WLS`, `GB-SCT` and `GB-NIR` are known"
            }
            Self::SchoolHolidays { .. } => "write the dates instead, for example `2026 Jul 01-2026 Aug 15 off`",
            Self::HolidayAndWeekday { .. } => {
                "write `PH,Su off` for holidays and all Sundays, `PH off` for holidays on whatever day"
            }
            Self::Sun { .. } => "write the times as HH:MM",
            Self::NoSuchDay { .. } => "correct the date",
            Self::GotoIfTime { .. } => {
                "the form is `times,weekdays,days of the month,months`, for example `09:00-17:59,mon-fri,*,*`; \
                 several are separated by `;`"
            }
        }
    }
}

impl Hours {
    /// Reads OpenStreetMap opening hours (<https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification>), or one or more
    /// `GotoIfTime` conditions of Asterisk separated by `;`, any of which opens.
    ///
    /// `country` is an ISO 3166 alpha-2 code and gives `PH` its meaning: the holidays of the whole country, not those of its regions; or `GB-ENG`,
    /// `GB-WLS`, `GB-SCT`, `GB-NIR`, of which `GB` is the first.
    ///
    /// # Errors
    /// Whatever would be evaluated otherwise than its writer meant is refused: bad syntax, `PH` without a country, an unknown
    /// country, school holidays that are not known, times that depend on the sun, and days that no year has.
    pub fn parse(open: &str, zone: TimeZone, country: Option<&str>) -> Result<Self, HoursError> {
        let holidays = country.map(Holidays::of).transpose()?;
        if open.trim() == "24/7" {
            return Ok(Self { zone, rules: None, holidays });
        }
        let translated = gotoiftime::translate(open)?;
        if translated.is_none() {
            refuse_what_would_be_misread(open, holidays.as_ref())?;
        }
        let text = translated.as_deref().unwrap_or(open);
        let parse = |text: &str| text.parse::<OpeningHours>().map_err(|e| syntax_error(open, &format!("{e}")));
        parse(text)?;
        let rules = parse(&as_meant(text))?;
        let mut context = Context::default().approx_bound_interval_size(TimeDelta::days(HORIZON_DAYS));
        if let Some(holidays) = &holidays {
            context = context.with_holidays(holidays.days().clone());
        }
        Ok(Self { zone, rules: Some(rules.with_context(context)), holidays })
    }

    /// Open day and night.
    #[must_use]
    pub fn always() -> Self {
        Self { zone: TimeZone::UTC, rules: None, holidays: None }
    }

    /// Whether it is open at this moment. `unknown` in the rules counts as closed, and so does
    /// every moment outside the years 1970 to 2199.
    #[must_use]
    pub fn is_open(&self, at_ms: Millis) -> bool {
        let Some(rules) = &self.rules else { return true };
        let Some(at) = instant(at_ms) else { return false };
        let offset_ms = self.offset_ms(at);
        rules.is_open(civil(at, offset_ms))
    }

    /// The first moment, not before `at_ms`, at which it is open; `None` if that is more than about five years away.
    #[must_use]
    pub fn next_open(&self, at_ms: Millis) -> Option<Millis> {
        self.first(at_ms, true)
    }

    /// The first moment, not before `at_ms`, at which it is closed; `None` if that is more than about five years away.
    #[must_use]
    pub fn closes_at(&self, at_ms: Millis) -> Option<Millis> {
        self.first(at_ms, false)
    }

    /// The first moment, not before `at_ms`, at which it is open for more than `last_ms` yet, within [`MAX_OPENINGS`]; `None` if there is none.
    #[must_use]
    pub fn next_open_for(&self, at_ms: Millis, last_ms: Millis) -> Option<Millis> {
        let mut at = self.next_open(at_ms)?;
        for _ in 0..MAX_OPENINGS {
            match self.closes_at(at) {
                Some(closes) if closes.saturating_sub(last_ms) <= at => at = self.next_open(closes)?,
                _ => return Some(at),
            }
        }
        None
    }

    /// The first moment at which it has been open for so much time (ms) since `from_ms`, within [`MAX_OPENINGS`]; `None` if it never opens.
    #[must_use]
    pub fn later(&self, from_ms: Millis, open_ms: Millis) -> Option<Millis> {
        let (mut from, mut left) = (self.next_open(from_ms)?, open_ms);
        for _ in 0..MAX_OPENINGS {
            let Some(closes) = self.closes_at(from).filter(|closes| closes - from < left) else { break };
            left -= closes - from;
            from = self.next_open(closes)?;
        }
        Some(from.saturating_add(left))
    }

    /// The moment at which the clocks of these hours show this; the later one where they skip it, the first where they show it twice.
    #[must_use]
    pub fn moment(&self, civil: jiff::civil::DateTime) -> Option<Millis> {
        civil.to_zoned(self.zone.clone()).ok().map(|at| at.timestamp().as_millisecond())
    }

    /// IANA's name of the time zone, if it has one.
    #[must_use]
    pub fn timezone(&self) -> Option<&str> {
        self.zone.iana_name()
    }

    /// The day of this moment and those behind it, as they are understood.
    #[must_use]
    pub fn days(&self, from_ms: Millis, count: usize) -> Vec<Day> {
        let Ok(from) = Timestamp::from_millisecond(from_ms) else { return Vec::new() };
        let first = from.to_zoned(self.zone.clone()).date();
        first.series(jiff::Span::new().days(1)).take(count).filter_map(|date| self.day(date)).collect()
    }

    fn day(&self, date: jiff::civil::Date) -> Option<Day> {
        let begins =
            |date: jiff::civil::Date| Some(date.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond());
        let (mut at, end) = (begins(date)?, begins(date.tomorrow().ok()?)?);
        let mut open = Vec::new();
        while let Some(from) = self.next_open(at).filter(|from| *from < end) {
            let to = self.closes_at(from).unwrap_or(end).min(end);
            open.push((from, to));
            at = to;
            if to >= end {
                break;
            }
        }
        let civil = NaiveDate::from_ymd_opt(
            date.year().into(),
            date.month().unsigned_abs().into(),
            date.day().unsigned_abs().into(),
        );
        let holiday = self.holidays.as_ref().zip(civil).and_then(|(holidays, day)| holidays.name(day));
        Some(Day { date, open, holiday })
    }

    /// Whose public holidays are known: a country's code, or a part's.
    #[must_use]
    pub fn holidays_of(&self) -> Option<&str> {
        self.holidays.as_ref().map(Holidays::code)
    }

    /// Walks from change to change in civil time, one stretch of constant UTC offset after the other, so that a change which
    /// falls into the hour that a clock skips, or repeats, is found at the moment at which `is_open` changes.
    fn first(&self, at_ms: Millis, open: bool) -> Option<Millis> {
        let Some(rules) = &self.rules else { return open.then_some(at_ms) };
        let horizon_ms = at_ms.saturating_add(HORIZON_DAYS * 86_400_000);
        let mut at = instant(at_ms)?;
        loop {
            let offset_ms = self.offset_ms(at);
            let now = civil(at, offset_ms);
            if rules.is_open(now) == open {
                return Some(at.as_millisecond());
            }
            let shift_ms = self.zone.following(at).next().map(|t| t.timestamp().as_millisecond());
            let change_ms =
                rules.next_change(now).map(|change| at.as_millisecond() + (change - now).num_milliseconds());
            let next_ms = match (change_ms, shift_ms) {
                (None, _) => return None,
                (Some(change), Some(shift)) => change.min(shift),
                (Some(change), None) => change,
            };
            if next_ms > horizon_ms {
                return None;
            }
            at = instant(next_ms)?;
        }
    }

    fn offset_ms(&self, at: Timestamp) -> i64 {
        i64::from(self.zone.to_offset(at).seconds()) * 1000
    }
}

/// `None` outside the years 1970 to 2199: no call happens there, and the evaluator would walk there day by day.
fn instant(at_ms: Millis) -> Option<Timestamp> {
    const LAST_MS: Millis = 7_258_118_400_000;
    Timestamp::from_millisecond(at_ms).ok().filter(|_| (0..LAST_MS).contains(&at_ms))
}

/// What a clock on the wall shows.
fn civil(at: Timestamp, offset_ms: i64) -> NaiveDateTime {
    const EPOCH: NaiveDateTime =
        NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date").and_hms_opt(0, 0, 0).expect("a time");
    EPOCH + TimeDelta::milliseconds(at.as_millisecond() + offset_ms)
}

fn refuse_what_would_be_misread(open: &str, holidays: Option<&Holidays>) -> Result<(), HoursError> {
    if open.trim().is_empty() {
        return Err(HoursError::Syntax {
            offset: 0,
            reason: "the text is empty (for always open write `24/7`)".to_owned(),
        });
    }
    let bare = without_comments(open);
    if let Some(offset) = word_at(&bare, "PH") {
        match holidays {
            None => return Err(HoursError::NoCountry { offset }),
            Some(holidays) if holidays.days().get_public().count() == 0 => {
                return Err(HoursError::UnknownCountry { country: holidays.code().to_owned() });
            }
            Some(_) => {}
        }
    }
    if let Some(offset) = word_at(&bare, "SH")
        && holidays.is_none_or(|known| known.days().get_school().count() == 0)
    {
        return Err(HoursError::SchoolHolidays { offset });
    }
    static BESIDE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)\b(?:[PS]H(?:\s+[+-]\d+\s+days?)?\s+(?:Mo|Tu|We|Th|Fr|Sa|Su)\b|(?:Mo|Tu|We|Th|Fr|Sa|Su)\s+[PS]H\b)",
        )
        .expect("a regular expression")
    });
    if let Some(found) = BESIDE.find(&bare) {
        return Err(HoursError::HolidayAndWeekday { offset: found.start() });
    }
    let lower = bare.to_ascii_lowercase();
    for word in SUN {
        if let Some(offset) = word_at(&lower, word) {
            return Err(HoursError::Sun { offset, word });
        }
    }
    for day in NO_SUCH_DAY {
        if let Some(offset) = word_at(&lower, &day.to_ascii_lowercase()) {
            return Err(HoursError::NoSuchDay { offset, day });
        }
    }
    Ok(())
}

/// A comment alone means that it is not known whether it is open (`Su 08:00-09:00 "by appointment"`), where the evaluator takes it for open. And an
/// expression that ends in a fallback for all days is taken for one that never changes, unless a rule for another day comes last.
fn as_meant(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('"').enumerate() {
        let opens = i % 2 == 1;
        if i > 0 {
            let said = out.trim_end().to_ascii_lowercase();
            let modified = ["open", "closed", "off", "unknown"].iter().any(|word| said.ends_with(word));
            let of_days = text.split('"').nth(i + 1).is_some_and(|after| after.starts_with(':'));
            if opens && !modified && !of_days {
                out.push_str("unknown ");
            }
            out.push('"');
        }
        out.push_str(part);
    }
    if without_comments(text).contains("||") {
        out.push_str("; 2199 Dec 31 off");
    }
    out
}

/// Whether public holidays are named in these hours.
#[must_use]
pub fn says_holidays(open: &str) -> bool {
    word_at(&without_comments(open), "PH").is_some()
}

/// Whether there are times of which the hours say only words, or that it is unknown: it counts as closed then.
#[must_use]
pub fn says_unknown(open: &str) -> bool {
    word_at(&without_comments(&as_meant(open)).to_ascii_lowercase(), "unknown").is_some()
}

/// The same text, of the same length, with the quoted comments blanked.
fn without_comments(text: &str) -> String {
    let mut quoted = false;
    text.chars()
        .flat_map(|c| {
            let was = quoted;
            quoted ^= c == '"';
            let kept = if was || quoted { ' ' } else { c };
            std::iter::repeat_n(kept, if kept == c { 1 } else { c.len_utf8() })
        })
        .collect()
}

/// Where `word` stands as a whole word.
fn word_at(text: &str, word: &str) -> Option<usize> {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word)
        .map(|(i, _)| i)
        .find(|&i| !letter(text[..i].chars().next_back()) && !letter(text[i + word.len()..].chars().next()))
}

/// The parser draws its own picture (` --> 1:20` and, in its last line, `= expected …`); only the column is of use to a reader
/// who does not know the grammar.
fn syntax_error(open: &str, picture: &str) -> HoursError {
    let column: Option<usize> =
        picture.split_once("--> 1:").and_then(|(_, rest)| rest.lines().next()?.trim().parse().ok());
    let offset = column.and_then(|c| open.char_indices().nth(c.saturating_sub(1))).map_or(open.len(), |(i, _)| i);
    let reason = match (column, picture.lines().next()) {
        (Some(_), _) if offset >= open.len() => "the text ends too soon".to_owned(),
        (Some(_), _) => format!(
            "`{}` is not understood here",
            open[offset..].split([' ', ';', ',']).find(|w| !w.is_empty()).unwrap_or_default()
        ),
        (None, line) => line.unwrap_or("it cannot be read").to_owned(),
    };
    HoursError::Syntax { offset: if column.is_some() { offset } else { 0 }, reason }
}
