//! Which numbers may be called, and when the customer sleeps.

use callbackd_core::callbacks::dispatch::quiet_hours::{quiet_until, quiet_zones};
use callbackd_core::callbacks::policy::NumberPolicy;
use callbackd_core::model::number::{InternalRule, Numbering};

const NIGHT: (u16, u16) = (21 * 60, 8 * 60);

fn number_policy(allow: &[&str], deny: &[&str]) -> NumberPolicy {
    let owned = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect();
    NumberPolicy { allow: owned(allow), deny: owned(deny), ..NumberPolicy::default() }
}

fn verdict(number_policy: &NumberPolicy, region: &str, e164: &str) -> &'static str {
    let numbering = Numbering::new(region, InternalRule::MaxDigits(5)).unwrap();
    number_policy.verdict(&numbering, e164).map_or_else(|denied| denied.word(), |()| "may be called")
}

fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[test]
fn a_number_of_the_own_country_may_be_called() {
    for (region, e164) in
        [("US", "+12025550123"), ("DE", "+493023125000"), ("GB", "+442079460123"), ("US", "+18002255555")]
    {
        assert_eq!(verdict(&NumberPolicy::default(), region, e164), "may be called", "{region} {e164}");
    }
}

#[test]
fn a_neighbour_with_the_same_calling_code_is_another_country() {
    for (region, e164, country) in [
        ("US", "+18765550123", "Jamaica"),
        ("US", "+14165550123", "Canada"),
        ("GB", "+441534555012", "Jersey"),
        ("RU", "+77272555012", "Kazakhstan"),
        ("US", "+442079460123", "the United Kingdom"),
    ] {
        assert_eq!(verdict(&NumberPolicy::default(), region, e164), "international", "{country}");
        let open = NumberPolicy { international: true, ..NumberPolicy::default() };
        assert_eq!(verdict(&open, region, e164), "may be called", "{country}");
    }
}

#[test]
fn who_earns_by_being_called_is_not_called() {
    let abroad = NumberPolicy { international: true, ..NumberPolicy::default() };
    for (number_policy, region, e164, kind) in [
        (&NumberPolicy::default(), "US", "+19002255555", "premium rate"),
        (&NumberPolicy::default(), "DE", "+499001234567", "premium rate"),
        (&NumberPolicy::default(), "DE", "+491805123456", "shared cost"),
        (&NumberPolicy::default(), "DE", "+4970012345678", "personal"),
        (&NumberPolicy::default(), "GB", "+447011234567", "personal"),
        (&abroad, "US", "+499001234567", "premium rate abroad"),
        (&abroad, "US", "+979912345678", "international premium rate"),
        (&NumberPolicy::default(), "US", "+12129762345", "a 976 exchange"),
        (&NumberPolicy::default(), "JP", "+81570012345", "Navi Dial"),
    ] {
        assert_eq!(verdict(number_policy, region, e164), "premium_rate", "{kind}");
    }
    let premium = NumberPolicy { premium: true, ..NumberPolicy::default() };
    assert_eq!(verdict(&premium, "US", "+19002255555"), "may be called");
    assert_eq!(verdict(&premium, "US", "+499001234567"), "international", "premium opens no country");
}

#[test]
fn the_longest_prefix_decides_and_deny_goes_before_allow() {
    for (allow, deny, word) in [
        (&["+44"][..], &[][..], "may be called"),
        (&["+4420"], &["+44"], "may be called"),
        (&["+44"], &["+4420"], "deny_list"),
        (&["+4420"], &["+4420"], "deny_list"),
        (&["+4420", "+44207946"], &["+44207"], "may be called"),
        (&["+33"], &[], "international"),
    ] {
        assert_eq!(verdict(&number_policy(allow, deny), "US", "+442079460123"), word, "allow {allow:?} deny {deny:?}");
    }
    assert_eq!(verdict(&number_policy(&[], &["+1202"]), "US", "+12025550123"), "deny_list");
}

#[test]
fn a_country_that_is_allowed_does_not_open_its_premium_numbers() {
    assert_eq!(verdict(&number_policy(&["+49"], &[]), "US", "+493023125000"), "may be called");
    assert_eq!(verdict(&number_policy(&["+49"], &[]), "US", "+499001234567"), "premium_rate");
    assert_eq!(verdict(&number_policy(&["+49900"], &[]), "US", "+499001234567"), "may be called");
}

#[test]
fn a_range_that_nobody_was_given_is_not_called_unless_it_is_allowed() {
    assert_eq!(verdict(&NumberPolicy::default(), "GB", "+441632960123"), "unassigned");
    assert_eq!(verdict(&number_policy(&["+441632"], &[]), "GB", "+441632960123"), "may be called");
}

#[test]
fn what_is_no_number_in_full_is_never_called() {
    let open = NumberPolicy { international: true, premium: true, ..number_policy(&["+"], &[]) };
    for text in [
        "",
        "+",
        "12025550123",
        "+0012025550123",
        "+1202555012x",
        "+1 202 555 0123",
        "+12025550123,1",
        "+1202555０123",
        "+1234567890123456",
        "+12",
        "+112",
        "+1911",
        "+49110",
        "sip:ann@example.org",
    ] {
        let word = verdict(&open, "US", text);
        assert!(["not_dialable", "too_short"].contains(&word), "{text:?} {word}");
    }
}

#[test]
fn every_refusal_names_what_permits_the_number() {
    let numbering = Numbering::new("US", InternalRule::MaxDigits(5)).unwrap();
    for (number_policy, e164, key) in [
        (NumberPolicy::default(), "+442079460123", "numbers.allow"),
        (NumberPolicy::default(), "+442079460123", "numbers.international"),
        (NumberPolicy::default(), "+19002255555", "numbers.premium"),
        (number_policy(&[], &["+1202"]), "+12025550123", "numbers.deny"),
        (NumberPolicy { international: true, ..NumberPolicy::default() }, "+441632960123", "numbers.allow"),
    ] {
        let reason = number_policy.verdict(&numbering, e164).unwrap_err().reason();
        assert!(reason.contains(key), "{reason}");
    }
}

#[test]
fn the_night_ends_where_the_customer_lives() {
    for (e164, now, end) in [
        ("+493023125000", "2026-11-23T20:59:59+01:00", None),
        ("+493023125000", "2026-11-23T21:00:00+01:00", Some("2026-11-24T08:00:00+01:00")),
        ("+493023125000", "2026-11-24T07:59:59+01:00", Some("2026-11-24T08:00:00+01:00")),
        ("+493023125000", "2026-11-24T08:00:00+01:00", None),
        ("+442079460123", "2026-11-23T21:30:00+01:00", None),
        ("+442079460123", "2026-11-23T22:30:00+01:00", Some("2026-11-24T08:00:00+00:00")),
        ("+81355501234", "2026-11-23T15:00:00+00:00", Some("2026-11-24T08:00:00+09:00")),
        // The clock goes forward in the night: the end is where the clock shows it.
        ("+493023125000", "2026-03-28T23:00:00+01:00", Some("2026-03-29T08:00:00+02:00")),
    ] {
        assert_eq!(quiet_until(NIGHT, e164, at(now)), end.map(at), "{e164} {now}");
    }
}

#[test]
fn a_rest_at_noon_is_a_quiet_time_too() {
    let noon = (13 * 60, 15 * 60);
    assert_eq!(
        quiet_until(noon, "+390655501234", at("2026-11-23T14:00:00+01:00")),
        Some(at("2026-11-23T15:00:00+01:00"))
    );
    assert_eq!(quiet_until(noon, "+390655501234", at("2026-11-23T15:00:00+01:00")), None);
}

#[test]
fn an_area_code_tells_the_night_of_a_country_with_many_zones() {
    for (e164, now, end) in [
        // Washington, New York's time.
        ("+12025550123", "2026-11-23T20:59:00-05:00", None),
        ("+12025550123", "2026-11-23T21:00:00-05:00", Some("2026-11-24T08:00:00-05:00")),
        // Los Angeles, where it is three hours earlier.
        ("+12135550123", "2026-11-23T21:00:00-05:00", None),
        ("+12135550123", "2026-11-24T08:00:00-05:00", Some("2026-11-24T08:00:00-08:00")),
        // Phoenix and Regina keep no summer time.
        ("+16025550123", "2026-07-06T07:59:00-07:00", Some("2026-07-06T08:00:00-07:00")),
        ("+13065550123", "2026-07-06T07:59:00-06:00", Some("2026-07-06T08:00:00-06:00")),
        ("+14745550123", "2026-07-06T07:59:00-06:00", Some("2026-07-06T08:00:00-06:00")),
        // Pensacola is in Chicago's time and Tallahassee in New York's, behind one code, and behind the one laid over it.
        ("+18505550123", "2026-11-23T20:30:00-06:00", Some("2026-11-24T08:00:00-06:00")),
        ("+14485550123", "2026-11-24T08:00:00-05:00", Some("2026-11-24T08:00:00-06:00")),
        ("+18505550123", "2026-11-24T08:00:00-06:00", None),
        // Moscow, Kaliningrad, Kamchatka, Almaty.
        ("+74955550123", "2026-11-23T21:00:00+03:00", Some("2026-11-24T08:00:00+03:00")),
        ("+74015550123", "2026-11-23T21:00:00+03:00", None),
        ("+74155550123", "2026-11-23T21:00:00+03:00", Some("2026-11-24T08:00:00+12:00")),
        ("+77275550123", "2026-11-23T19:00:00+03:00", Some("2026-11-24T08:00:00+05:00")),
        ("+78455550123", "2026-11-23T20:00:00+03:00", Some("2026-11-24T08:00:00+04:00")),
    ] {
        assert_eq!(quiet_until(NIGHT, e164, at(now)), end.map(at), "{e164} {now}");
    }
}

#[test]
fn hours_that_leave_no_minute_in_all_zones_end_all_the_same() {
    let now = at("2026-11-23T12:00:00Z");
    for minute in (0..24 * 60).step_by(17) {
        let end = quiet_until((8 * 60, 7 * 60 + 59), "+18675550123", now + minute * 60_000);
        assert!(end.is_some_and(|end| end > now + minute * 60_000), "{minute}");
    }
}

#[test]
fn each_zone_of_an_area_code_is_known() {
    for code in (200..1000).filter(|code| code % 100 != 11) {
        for e164 in [format!("+1{code}5550123"), format!("+7{code}5550123")] {
            assert!(quiet_zones(&e164).len() <= 5, "{e164}");
        }
    }
    assert_eq!(quiet_zones("+18675550123").len(), 5);
    assert_eq!(quiet_zones("+19075550123").len(), 3);
}

#[test]
fn a_number_that_does_not_tell_its_time_has_no_night() {
    for e164 in
        ["+18005550123", "+79165550123", "+78005550123", "+34911234567", "+61255501234", "+8816555501", "5550100", ""]
    {
        assert!(quiet_zones(e164).is_empty(), "{e164}");
        assert_eq!(quiet_until((0, 23 * 60 + 59), e164, at("2026-11-23T12:00:00Z")), None, "{e164}");
    }
}

#[test]
fn the_end_of_a_night_is_never_in_the_past() {
    // Autumn: 02:00 to 03:00 comes twice in Berlin, and the end of this night lies in it.
    let (quiet, mut now) = ((60, 2 * 60 + 30), at("2026-10-24T22:00:00Z"));
    while now < at("2026-10-25T04:00:00Z") {
        assert!(quiet_until(quiet, "+493023125000", now).is_none_or(|end| end > now), "{now}");
        now += 60_000;
    }
}
