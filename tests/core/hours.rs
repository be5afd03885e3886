//! Business hours: open, closed, holidays, clock changes, Asterisk's own form.

use callbackd_core::model::hours::{Hours, HoursError};
use jiff::tz::TimeZone;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn hours(open: &str, tz: &str, country: Option<&str>) -> Hours {
    Hours::parse(open, zone(tz), country).unwrap_or_else(|e| panic!("{open}: {e}"))
}

fn refused(open: &str, country: Option<&str>) -> HoursError {
    Hours::parse(open, TimeZone::UTC, country).expect_err(open)
}

/// `2026-03-29T02:59:59+01:00` and the like, so that the oracle is an offset a person wrote.
fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

const MINUTE: i64 = 60_000;

#[test]
fn the_opening_minute_is_open_and_the_closing_minute_is_closed() {
    let h = hours("Mo-Fr 09:00-18:00", "Europe/Berlin", None);
    assert!(!h.is_open(at("2026-11-23T08:59:59+01:00")));
    assert!(h.is_open(at("2026-11-23T09:00:00+01:00")));
    assert!(h.is_open(at("2026-11-23T17:59:59.999+01:00")));
    assert!(!h.is_open(at("2026-11-23T18:00:00+01:00")));
    assert!(!h.is_open(at("2026-11-22T12:00:00+01:00")), "Sunday");
}

#[test]
fn the_clock_on_the_wall_counts_in_summer_and_in_winter() {
    let h = hours("Mo-Fr 09:00-18:00", "Europe/Berlin", None);
    assert!(h.is_open(at("2026-07-06T09:30:00+02:00")));
    assert!(!h.is_open(at("2026-07-06T08:30:00+02:00")));
    assert!(h.is_open(at("2026-01-05T09:30:00+01:00")));
}

#[test]
fn friday_evening_opens_on_monday_morning() {
    let h = hours("Mo-Fr 09:00-18:00", "Europe/Berlin", None);
    assert_eq!(h.next_open(at("2026-11-20T18:00:00+01:00")), Some(at("2026-11-23T09:00:00+01:00")));
    assert_eq!(h.closes_at(at("2026-11-20T10:30:00+01:00")), Some(at("2026-11-20T18:00:00+01:00")));
    let now = at("2026-11-20T10:30:00.123+01:00");
    assert_eq!(h.next_open(now), Some(now), "open already");
}

#[test]
fn a_weekend_with_a_clock_change_does_not_move_monday_morning() {
    let h = hours("Mo-Fr 09:00-18:00", "Europe/Berlin", None);
    assert_eq!(h.next_open(at("2026-03-27T18:00:00+01:00")), Some(at("2026-03-30T09:00:00+02:00")));
    assert_eq!(h.next_open(at("2026-10-23T18:00:00+02:00")), Some(at("2026-10-26T09:00:00+01:00")));
}

#[test]
fn opening_inside_the_skipped_hour_happens_when_the_clock_has_jumped() {
    let h = hours("02:30-05:00", "Europe/Berlin", None);
    assert_eq!(h.next_open(at("2026-03-29T01:00:00+01:00")), Some(at("2026-03-29T03:00:00+02:00")));
}

#[test]
fn answers_agree_with_a_clock_read_every_minute_on_days_of_23_and_25_hours() {
    let zones = [
        ("Europe/Berlin", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25"),
        ("America/New_York", "2026-03-08"),
        ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-05"),
        ("UTC", "2026-05-03"),
    ];
    for (tz, day) in zones {
        for open in ["02:30-05:00", "00:00-01:15,02:15-02:45", "01:30-02:30", "22:00-03:00", "Su 01:00-04:00"] {
            let (h, z) = (hours(open, tz, None), zone(tz));
            let date: jiff::civil::Date = day.parse().unwrap();
            let from = date.yesterday().unwrap().to_zoned(z.clone()).unwrap().timestamp().as_millisecond();
            let states: Vec<bool> = (0..72 * 60).map(|m| h.is_open(from + m * MINUTE)).collect();
            assert!(states.contains(&true) && states.contains(&false), "{tz} {open}");
            for (m, state) in states.iter().enumerate().take(48 * 60) {
                let first =
                    |want: bool| states[m..].iter().position(|s| *s == want).map(|n| from + (m + n) as i64 * MINUTE);
                let now = from + m as i64 * MINUTE;
                for (name, seen, got) in
                    [("next_open", first(true), h.next_open(now)), ("closes_at", first(false), h.closes_at(now))]
                {
                    if let Some(seen) = seen {
                        assert_eq!(got, Some(seen), "{name} {tz} {day} {open} minute {m} open={state}");
                    }
                }
            }
        }
    }
}

#[test]
fn public_holidays_close_where_the_country_has_them() {
    let christmas = at("2026-12-25T12:00:00Z"); // a Friday
    for (country, open) in [("DE", false), ("GB", false), ("US", false), ("RU", true)] {
        let h = hours("Mo-Fr 09:00-18:00; PH off", "UTC", Some(country));
        assert_eq!(h.is_open(christmas), open, "{country}");
    }
    let h = hours("Mo-Fr 09:00-18:00; PH off", "Europe/Berlin", Some("de"));
    assert_eq!(h.next_open(at("2026-12-24T18:00:00+01:00")), Some(at("2026-12-28T09:00:00+01:00")));
}

#[test]
fn public_holidays_without_a_country_are_refused_with_the_fix() {
    let e = refused("Mo-Fr 09:00-18:00; PH off", None);
    assert_eq!(e, HoursError::NoCountry { offset: 19 });
    assert!(e.help().contains("country"));
}

#[test]
fn ph_inside_a_comment_is_only_a_comment() {
    hours("Mo-Fr 09:00-18:00; Dec 24 off \"PH é SH sunrise\"", "UTC", None);
}

#[test]
fn what_would_be_evaluated_otherwise_than_meant_is_refused() {
    assert_eq!(refused("SH off", Some("US")), HoursError::SchoolHolidays { offset: 0 });
    assert_eq!(refused("Mo-Fr Sunrise-18:00", None), HoursError::Sun { offset: 6, word: "sunrise" });
    assert_eq!(refused("Feb 30 off", None), HoursError::NoSuchDay { offset: 0, day: "Feb 30" });
    assert_eq!(refused("24/7", Some("XQ")), HoursError::UnknownCountry { country: "XQ".into() });
    assert!(matches!(refused("  ", None), HoursError::Syntax { offset: 0, .. }));
}

#[test]
fn a_syntax_error_names_the_place() {
    for (text, offset) in
        [("mo-fri 09:00-18:00", 5), ("Mo-Fr 09:00-18:00; bla", 19), ("Mo-Fr 09:00-18:0", 15), ("\u{e9}", 0)]
    {
        assert_eq!(refused(text, None).offset(), Some(offset), "{text}");
    }
}

#[test]
fn always_is_always() {
    for h in [Hours::always(), hours("24/7", "Europe/Berlin", None)] {
        for moment in [i64::MIN, 0, at("2026-11-22T00:00:00Z"), i64::MAX] {
            assert!(h.is_open(moment));
            assert_eq!(h.next_open(moment), Some(moment));
            assert_eq!(h.closes_at(moment), None);
        }
    }
}

#[test]
fn hours_that_never_come_are_found_to_never_come() {
    let now = at("2026-11-22T00:00:00Z");
    for never in ["off", "2020 Dec 24 09:00-10:00", "Mo-Fr 09:00-18:00; Mo-Fr off", "Dec 20 week 1 Mo 09:00-10:00"] {
        assert_eq!(hours(never, "Europe/Berlin", None).next_open(now), None, "{never}");
    }
    let leap = hours("Feb 29 10:00-12:00", "UTC", None);
    assert_eq!(leap.next_open(now), Some(at("2028-02-29T10:00:00Z")));
}

#[test]
fn moments_outside_the_calendar_do_no_harm() {
    let h = hours("Mo-Fr 09:00-18:00", "Europe/Berlin", None);
    assert!(!h.is_open(i64::MIN));
    assert!(!h.is_open(i64::MAX));
    assert_eq!(h.next_open(i64::MAX), None);
}

#[test]
fn asterisks_own_form_is_understood_to_its_last_minute() {
    let h = hours("09:00-17:59,mon-fri,*,*", "UTC", None);
    assert!(h.is_open(at("2026-11-23T17:59:59Z")));
    assert!(!h.is_open(at("2026-11-23T18:00:00Z")));
    assert!(!h.is_open(at("2026-11-22T12:00:00Z")));
    let inclusive = hours("09:00-18:00|mon-fri|*|*", "UTC", None);
    assert!(inclusive.is_open(at("2026-11-23T18:00:59Z")), "Asterisk includes the last minute");
    assert!(!inclusive.is_open(at("2026-11-23T18:01:00Z")));
}

/// The oracle is a reading of `ast_check_timing2()`: month, then day of the month, then weekday, then minute.
#[test]
fn asterisks_form_agrees_with_asterisks_own_check_over_a_year() {
    type Check = fn(month: i8, day: i8, sunday_is_0: i8, minute: i32) -> bool;
    let cases: [(&str, Check); 6] = [
        ("22:00-06:00,fri-sun,*,*", |_, _, w, m| matches!(w, 5 | 6 | 0) && (m >= 1320 || m <= 360)),
        ("*,*,24-26,dec", |mo, d, _, _| mo == 12 && (24..=26).contains(&d)),
        ("08:00-12:00&13:00-16:30,mon&wed,*,*", |_, _, w, m| {
            matches!(w, 1 | 3) && ((480..=720).contains(&m) || (780..=990).contains(&m))
        }),
        ("*,sat-mon,28-3,nov-feb", |mo, d, w, _| {
            matches!(mo, 11 | 12 | 1 | 2) && (d >= 28 || d <= 3) && matches!(w, 6 | 0 | 1)
        }),
        ("12:00,*,*,*", |_, _, _, m| m == 720),
        ("09:00-10:00,MON-FRI,*,*;14:00-15:00,mon-fri,*,*;10:00-11:00,sat,1-7,*", |_, d, w, m| {
            ((1..=5).contains(&w) && ((540..=600).contains(&m) || (840..=900).contains(&m)))
                || (w == 6 && d <= 7 && (600..=660).contains(&m))
        }),
    ];
    for (text, check) in cases {
        let h = hours(text, "UTC", None);
        let start = at("2027-12-01T00:00:00Z");
        for step in 0..(366 * 24 * 60 / 37) {
            let now = start + step * 37 * MINUTE;
            let t = jiff::Timestamp::from_millisecond(now).unwrap().to_zoned(TimeZone::UTC);
            let minute = i32::from(t.hour()) * 60 + i32::from(t.minute());
            let expected = check(t.month(), t.day(), t.weekday().to_sunday_zero_offset(), minute);
            assert_eq!(h.is_open(now), expected, "{text} at {t}");
        }
    }
}

#[test]
fn a_wrong_field_of_asterisks_form_is_named() {
    for (text, offset) in [
        ("25:00-18:00,mon-fri,*,*", 0),
        ("09:00-18:00,mon-fri,0-3,*", 20),
        ("*,*,*,foo", 6),
        ("*,*,30,feb", 4),
        ("*,*,*,*,Europe/Berlin", 8),
        ("*,*,*,*; 9-18,mon,*,*", 9),
    ] {
        let e = refused(text, None);
        assert_eq!((e.offset(), matches!(e, HoursError::GotoIfTime { .. })), (Some(offset), true), "{text}: {e}");
    }
}

#[test]
fn a_holiday_beside_a_weekday_is_refused_for_it_would_be_read_as_either() {
    for (text, offset) in
        [("Mo-Su 00:00-24:00; PH Su off", 19), ("Mo-Fr 09:00-18:00; PH Mo-Fr off", 19), ("Sa,Su PH off", 3)]
    {
        assert_eq!(refused(text, Some("DE")), HoursError::HolidayAndWeekday { offset }, "{text}");
    }
    let both = hours("Mo-Su 00:00-24:00; PH,Su off", "Europe/Berlin", Some("DE"));
    assert!(!both.is_open(at("2026-11-22T12:00:00+01:00")) && !both.is_open(at("2026-12-25T12:00:00+01:00")));
}

#[test]
fn what_is_only_commented_is_not_known_to_be_open() {
    let sunday = at("2026-11-22T08:30:00Z");
    for text in [
        "Mo-Fr 09:00-18:00; Su 08:00-09:00 \"by appointment\"",
        "Mo-Fr 09:00-18:00 || \"ring us\"",
        "Mo-Fr 09:00-18:00; Su 08:00-09:00 unknown \"perhaps\"",
    ] {
        let h = hours(text, "UTC", None);
        assert!(!h.is_open(sunday), "{text}");
        assert!(h.is_open(at("2026-11-23T09:30:00Z")), "{text}");
        assert_eq!(h.next_open(sunday), Some(at("2026-11-23T09:00:00Z")), "{text}");
    }
    assert!(hours("Su 08:00-09:00 open \"on call\"", "UTC", None).is_open(sunday));
}

#[test]
fn a_fallback_rule_has_a_next_opening_and_a_next_closing() {
    let h = hours("Mo-Fr 09:00-18:00 || Sa 10:00-12:00", "UTC", None);
    assert_eq!(h.next_open(at("2026-11-20T19:00:00Z")), Some(at("2026-11-21T10:00:00Z")));
    assert_eq!(h.next_open(at("2026-11-21T12:00:00Z")), Some(at("2026-11-23T09:00:00Z")));
    let h = hours("Mo-Fr 09:00-18:00 || open", "UTC", None);
    assert_eq!(h.closes_at(at("2026-11-22T12:00:00Z")), Some(at("2026-11-23T00:00:00Z")));
    assert_eq!(h.next_open(at("2026-11-23T00:00:00Z")), Some(at("2026-11-23T09:00:00Z")));
}

#[test]
fn the_united_kingdom_closes_on_the_bank_holidays_of_england_and_scotland_on_its_own() {
    let open = "Mo-Fr 09:00-18:00; PH off";
    for (country, closed, opened) in [
        ("GB", ["2026-01-01", "2026-04-06", "2026-08-31"], "2026-11-30"),
        ("GB-ENG", ["2026-01-01", "2026-04-06", "2026-08-31"], "2026-08-03"),
        ("GB-SCT", ["2026-01-02", "2026-08-03", "2026-11-30"], "2026-04-06"),
    ] {
        let h = hours(open, "Europe/London", Some(country));
        for day in closed {
            assert!(!h.is_open(at(&format!("{day}T12:00:00Z"))), "{country} {day}");
        }
        assert!(h.is_open(at(&format!("{opened}T12:00:00Z"))), "{country} {opened}");
    }
}

#[test]
fn days_are_shown_as_they_are_understood() {
    let h = hours("Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00; PH off", "Europe/Berlin", Some("DE"));
    let days = h.days(at("2026-12-24T23:30:00+01:00"), 4);
    let shown: Vec<String> = days
        .iter()
        .map(|day| {
            let times = day.open.iter().flat_map(|(from, to)| [*from, *to]).map(|ms| {
                jiff::Timestamp::from_millisecond(ms)
                    .unwrap()
                    .to_zoned(zone("Europe/Berlin"))
                    .strftime("%d %H:%M")
                    .to_string()
            });
            format!("{} {} {}", day.date, times.collect::<Vec<_>>().join(","), day.holiday.unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "2026-12-24 24 09:00,24 12:00,24 13:00,24 18:00 -",
            "2026-12-25  Christmas Day",
            "2026-12-26  second Christmas Day",
            "2026-12-27  -",
        ]
    );
    // A night that begins on one day and ends on the next belongs to both.
    let night = hours("Sa 22:00-02:00", "Europe/Berlin", None).days(at("2026-12-05T12:00:00+01:00"), 2);
    assert_eq!(night.iter().map(|day| day.open.len()).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(night[0].open[0].1, night[1].open[0].0);
    assert_eq!(hours("24/7", "UTC", None).days(0, 1)[0].open, [(0, 86_400_000)]);
}
