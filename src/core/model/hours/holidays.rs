//! Public holidays: whose they are, the days, and the names of those that many countries share.

use super::HoursError;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use opening_hours::ContextHolidays;
use opening_hours::localization::Country;
use std::sync::Arc;

/// The years for which the bank holidays of a part of the United Kingdom are worked out.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2080;

/// The holidays of a country, or of a part of it.
#[derive(Debug, Clone)]
pub(super) struct Holidays {
    code: String,
    days: ContextHolidays,
}

impl Holidays {
    /// `code` is an ISO 3166 alpha-2 code, or `GB-ENG`, `GB-WLS`, `GB-SCT`, `GB-NIR`. `GB` alone is England and Wales: the days that all parts
    /// share are a few of those that any part keeps.
    pub(super) fn of(code: &str) -> Result<Self, HoursError> {
        let code = code.to_ascii_uppercase();
        let unknown = || HoursError::UnknownCountry { country: code.clone() };
        let (country, part) = code.split_once('-').unwrap_or((&code, ""));
        let country: Country = country.parse().map_err(|_| unknown())?;
        let days = match (country, part) {
            (Country::GB, _) => of_britain(part).ok_or_else(unknown)?,
            (_, "") => country.holidays(),
            _ => return Err(unknown()),
        };
        Ok(Self { code, days })
    }

    pub(super) fn days(&self) -> &ContextHolidays {
        &self.days
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// The name of the public holiday on this day; a plain one where the day has none that is known here.
    pub(super) fn name(&self, day: NaiveDate) -> Option<&'static str> {
        self.days.get_public().contains(day).then(|| name(&self.code, day))
    }
}

/// Bank holidays by the Banking and Financial Dealings Act 1971 and the days proclaimed under it each year, those that were moved once left out.
fn of_britain(part: &str) -> Option<ContextHolidays> {
    let (scotland, ireland) = match part {
        "" | "ENG" | "WLS" => (false, false),
        "SCT" => (true, false),
        "NIR" => (false, true),
        _ => return None,
    };
    let shared = Country::GB.holidays();
    let mut public = shared.get_public().clone();
    for year in YEARS {
        let day = |month, day| NaiveDate::from_ymd_opt(year, month, day);
        let new_year = weekday_from(day(1, 1)?);
        let mut add = vec![new_year];
        if scotland {
            add.push(weekday_from(new_year.succ_opt()?));
            add.push(first_monday(day(8, 1)?));
            add.push(weekday_from(day(11, 30)?));
        } else {
            add.push(easter(year)?.succ_opt()?);
            add.push(first_monday(day(8, 25)?));
        }
        if ireland {
            add.push(weekday_from(day(3, 17)?));
            add.push(weekday_from(day(7, 12)?));
        }
        for day in add {
            public.insert(day);
        }
    }
    Some(ContextHolidays::new(Arc::new(public), Arc::new(shared.get_school().clone())))
}

/// This day, or the Monday behind the weekend that it falls on.
fn weekday_from(day: NaiveDate) -> NaiveDate {
    match day.weekday() {
        Weekday::Sat => day + Days::new(2),
        Weekday::Sun => day + Days::new(1),
        _ => day,
    }
}

/// The first Monday, not before this day.
fn first_monday(day: NaiveDate) -> NaiveDate {
    day + Days::new(u64::from((7 - day.weekday().num_days_from_monday()) % 7))
}

/// Easter Sunday of the western churches (Gauss's rule for the Gregorian calendar).
fn easter(year: i32) -> Option<NaiveDate> {
    let (century, golden) = (year / 100, year % 19);
    let correction = (15 + century - century / 4 - (8 * century + 13) / 25) % 30;
    let moon = (19 * golden + correction) % 30;
    let moon = moon - i32::from(moon == 29 || moon == 28 && golden > 10);
    let march = u64::try_from(21 + moon).ok()?;
    let full = NaiveDate::from_ymd_opt(year, 3, 1)? + Days::new(march - 1);
    Some(full + Days::new(u64::from(7 - full.weekday().num_days_from_sunday())))
}

fn name(code: &str, day: NaiveDate) -> &'static str {
    let from_easter = easter(day.year()).map(|easter| (day - easter).num_days());
    match (from_easter, code) {
        (Some(-2), _) => return "Good Friday",
        (Some(0), _) => return "Easter Sunday",
        (Some(1), _) => return "Easter Monday",
        (Some(39), _) => return "Ascension Day",
        (Some(50), _) => return "Whit Monday",
        (Some(60), _) => return "Corpus Christi",
        _ => {}
    }
    let monday = day.weekday() == Weekday::Mon;
    let country = code.get(..2).unwrap_or_default();
    match (country, day.month(), day.day()) {
        ("US", 1, 15..=21) if monday => "Martin Luther King Jr. Day",
        ("US", 2, 15..=21) if monday => "Washington's Birthday",
        ("US", 5, 25..=31) if monday => "Memorial Day",
        ("US", 6, 19) => "Juneteenth",
        ("US", 7, 4) => "Independence Day",
        ("US" | "CA", 9, 1..=7) if monday => "Labor Day",
        ("US", 10, 8..=14) if monday => "Columbus Day",
        ("CA", 10, 8..=14) if monday => "Thanksgiving Day",
        ("US", 11, 11) => "Veterans Day",
        ("US", 11, 22..=28) if day.weekday() == Weekday::Thu => "Thanksgiving Day",
        ("GB", 5, 1..=7) if monday => "Early May bank holiday",
        ("GB", 5, 25..=31) if monday => "Spring bank holiday",
        ("GB", 8, _) if monday => "Summer bank holiday",
        ("GB", 11, 30) => "St Andrew's Day",
        ("GB" | "IE", 3, 17) => "St Patrick's Day",
        ("DE", 10, 3) => "Day of German Unity",
        ("FR", 7, 14) => "National Day",
        ("ES", 10, 12) => "National Day",
        ("RU", 5, 9) => "Victory Day",
        ("RU", 6, 12) => "Russia Day",
        ("UA", 8, 24) => "Independence Day",
        (_, 1, 1) => "New Year's Day",
        (_, 1, 6) => "Epiphany",
        (_, 5, 1) => "Labour Day",
        (_, 8, 15) => "Assumption Day",
        (_, 11, 1) => "All Saints' Day",
        (_, 12, 8) => "Immaculate Conception",
        (_, 12, 24) => "Christmas Eve",
        (_, 12, 25) => "Christmas Day",
        ("GB" | "IE" | "CA" | "AU" | "NZ" | "ZA", 12, 26) => "Boxing Day",
        (_, 12, 26) => "second Christmas Day",
        (_, 12, 31) => "New Year's Eve",
        _ => "public holiday",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        for sunday in [
            "2000-04-23",
            "2008-03-23",
            "2011-04-24",
            "2019-04-21",
            "2025-04-20",
            "2026-04-05",
            "2038-04-25",
            "2049-04-18",
            "2076-04-19",
        ] {
            assert_eq!(easter(day(sunday).year()), Some(day(sunday)));
        }
    }

    #[test]
    fn the_bank_holidays_of_each_part_of_the_united_kingdom_are_those_that_the_government_lists() {
        // gov.uk/bank-holidays, 2026 and 2027.
        let shared = [
            "2026-01-01",
            "2026-04-03",
            "2026-05-04",
            "2026-05-25",
            "2026-12-25",
            "2026-12-28",
            "2027-01-01",
            "2027-03-26",
            "2027-05-03",
            "2027-05-31",
            "2027-12-27",
            "2027-12-28",
        ];
        let england = ["2026-04-06", "2026-08-31", "2027-03-29", "2027-08-30"];
        let scotland = ["2026-01-02", "2026-08-03", "2026-11-30", "2027-01-04", "2027-08-02", "2027-11-30"];
        let ireland = ["2026-03-17", "2026-07-13", "2027-03-17", "2027-07-12"];
        for (code, own) in [
            ("GB", vec![&england[..]]),
            ("gb-eng", vec![&england[..]]),
            ("GB-WLS", vec![&england[..]]),
            ("GB-SCT", vec![&scotland[..]]),
            ("GB-NIR", vec![&england[..], &ireland[..]]),
        ] {
            let holidays = Holidays::of(code).unwrap();
            let mut listed: Vec<NaiveDate> = shared.iter().chain(own.into_iter().flatten()).map(|d| day(d)).collect();
            listed.sort();
            let years = day("2026-01-01")..day("2028-01-01");
            let weekday = |d: &NaiveDate| !matches!(d.weekday(), Weekday::Sat | Weekday::Sun);
            let known: Vec<NaiveDate> =
                holidays.days().get_public().iter().filter(|d| years.contains(d)).filter(weekday).collect();
            assert_eq!(known, listed, "{code}");
        }
        assert!(Holidays::of("GB-LND").is_err());
        assert!(Holidays::of("DE-BY").is_err());
    }

    #[test]
    fn holidays_have_names() {
        for (code, date, name) in [
            ("DE", "2026-10-03", Some("Day of German Unity")),
            ("DE", "2026-04-03", Some("Good Friday")),
            ("GB", "2026-08-31", Some("Summer bank holiday")),
            ("US", "2026-11-26", Some("Thanksgiving Day")),
            ("DE", "2026-10-04", None),
        ] {
            assert_eq!(Holidays::of(code).unwrap().name(day(date)), name, "{code} {date}");
        }
    }
}
