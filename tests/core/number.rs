//! Telephone numbers: one subscriber has one form, and what is no number is recognised.

use callbackd_core::model::E164;
use callbackd_core::model::number::{InternalRule, Number, NumberError, Numbering};
use proptest::prelude::*;

fn numbering(region: &str) -> Numbering {
    Numbering::new(region, InternalRule::MaxDigits(5)).unwrap()
}

#[track_caller]
fn one_form(region: &str, e164: &str, forms: &[&str]) {
    let n = numbering(region);
    for raw in forms.iter().chain([&e164]) {
        assert_eq!(n.classify(raw), Number::Callable(E164::new(e164).unwrap()), "{region} {raw}");
    }
}

#[test]
fn a_withheld_number_is_withheld_in_every_spelling() {
    let n = numbering("US");
    for raw in [
        "",
        "  ",
        "<unknown>",
        "Unknown",
        "anonymous",
        "Anonymous",
        "RESTRICTED",
        "private",
        "unavailable",
        "asterisk",
        "+266696687",
        "266696687",
    ] {
        assert_eq!(n.classify(raw), Number::Withheld, "{raw:?}");
    }
}

#[test]
fn extensions_are_recognised_by_their_length_or_by_a_pattern_for_the_whole_number() {
    let n = numbering("US");
    assert_eq!(n.classify("101"), Number::Internal);
    assert_eq!(n.classify("10123"), Number::Internal);
    assert_eq!(n.classify("101234"), Number::TooShort);
    let n = Numbering::new("US", InternalRule::matches("1\\d\\d|agent-.*").unwrap()).unwrap();
    assert_eq!(n.classify("101"), Number::Internal);
    assert_eq!(n.classify("agent-7"), Number::Internal);
    assert_eq!(n.classify("1012"), Number::TooShort, "the pattern is for the whole number");
    assert_eq!(n.classify("911"), Number::TooShort);
}

#[test]
fn what_is_not_digits_is_not_a_number() {
    let n = numbering("US");
    for raw in ["*98", "#", "+", "alice", "+1 202 555 0123;ext=7", "12o25550123", "\u{661}\u{662}", "+1202555\r\n0123"]
    {
        assert_eq!(n.classify(raw), Number::NotANumber, "{raw:?}");
    }
    assert_eq!(n.classify(&"1".repeat(10_000)), Number::Invalid);
}

#[test]
fn an_unknown_country_and_a_bad_pattern_are_refused() {
    assert_eq!(
        Numbering::new("Germany", InternalRule::MaxDigits(5)).unwrap_err(),
        NumberError::UnknownRegion("Germany".into())
    );
    assert!(matches!(InternalRule::matches("1)(2"), Err(NumberError::Pattern(_))));
    assert!(Numbering::new("us", InternalRule::MaxDigits(5)).is_ok());
}

#[test]
fn full_international_form_needs_no_numbering_plan() {
    one_form("US", "+12025550123", &["+1 202 555 0123", "+1 (202) 555-0123"]);
    one_form("DE", "+12025550123", &["0012025550123", "+0012025550123"]);
}

mod plans {
    use super::*;

    #[test]
    fn an_american_number_has_one_form() {
        one_form("US", "+12025550123", &["2025550123", "12025550123", "(202) 555-0123", "tel:+12025550123"]);
        one_form("US", "+442079460123", &["011442079460123", "00442079460123", "442079460123", "+44 (0)20 7946 0123"]);
    }

    #[test]
    fn a_moscow_number_has_one_form_with_8_with_7_and_bare() {
        one_form(
            "RU",
            "+74950000123",
            &["84950000123", "8 (495) 000-01-23", "74950000123", "4950000123", "0074950000123"],
        );
        one_form("RU", "+493023125000", &["8104930 23125000", "00493023125000", "493023125000"]);
    }

    #[test]
    fn russian_numbers_whose_area_code_begins_with_8_keep_it() {
        one_form(
            "RU",
            "+78125550123",
            &["88125550123", "78125550123", "8125550123", "8-812-555-01-23", "+88125550123"],
        );
        one_form("RU", "+78005550123", &["88005550123", "78005550123"]);
        one_form("DE", "+78125550123", &["0078125550123", "+7 8 812 555 01 23"]);
    }

    #[test]
    fn german_numbers_have_one_form_though_their_lengths_vary() {
        one_form(
            "DE",
            "+493023125000",
            &["03023125000", "00493023125000", "493023125000", "+49 (0)30 23125-000", "030/23125000"],
        );
        one_form("DE", "+4915228817386", &["015228817386", "4915228817386"]); // reserved by the Bundesnetzagentur for films
    }

    #[test]
    fn british_drama_numbers_are_callable_though_unassigned() {
        one_form("GB", "+442079460123", &["02079460123", "442079460123", "020 7946 0123"]);
        one_form("GB", "+447700900123", &["07700900123", "447700900123"]);
    }

    #[test]
    fn italian_numbers_keep_their_zero_and_argentinian_mobiles_gain_their_nine() {
        one_form("IT", "+390655500123", &["0655500123", "390655500123"]);
        one_form("AR", "+5491155500123", &["01115 5550 0123", "+54 9 11 5550 0123"]);
    }

    #[test]
    fn a_number_newer_than_the_numbering_plan_is_still_comparable() {
        one_form("US", "+19995550123", &["9995550123", "19995550123"]);
    }

    #[test]
    fn a_local_number_without_its_area_code_is_no_callable_number() {
        assert_eq!(numbering("US").classify("5550123"), Number::Invalid);
        assert_eq!(numbering("RU").classify("5550123"), Number::Invalid);
    }

    #[test]
    fn every_calling_code_has_patterns_that_compile() {
        let n = numbering("US");
        let mut seen = 0;
        for meta in phonenumber::metadata::DATABASE.iter() {
            let d = meta.descriptors();
            let Some(example) = d.fixed_line().or(d.mobile()).and_then(|d| d.example()) else { continue };
            let number = format!("+{}{example}", meta.country_code());
            assert_eq!(n.classify(&number), Number::Callable(E164::new(&number).unwrap()), "{}", meta.id());
            seen += 1;
        }
        assert!(seen > 200, "{seen}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_network_sends_the_form_is_e164_and_stable(raw in "\\PC{0,30}|[+]?[0-9 ()-]{0,20}|(00|011|810|8|0)?[0-9]{4,16}", region in prop::sample::select(vec!["US", "RU", "DE", "IT", "BR", "KZ"])) {
        let n = numbering(region);
        if let Number::Callable(number) = n.classify(&raw) {
            prop_assert!(number.starts_with('+') && (6..=16).contains(&number.len()) && number[1..].bytes().all(|b| b.is_ascii_digit()), "{number}");
            prop_assert_eq!(n.classify(&number), Number::Callable(number.clone()));
        }
    }
}
