//! Whatever name a caller or a queue's member has: it reaches a dial string, a caller id or a variable as no more than a name.

use callbackd_core::callbacks::attempt::dial_string::{
    DialError, DialString, Dialable, check_customer, check_form, shown,
};
use callbackd_core::callbacks::policy::NumberPolicy;
use callbackd_core::model::number::{InternalRule, Numbering};
use std::collections::BTreeMap;

const CASES: usize = 100_000;
/// Patience for the whole run is a few seconds, so what is tried is chosen to hurt.
const HOSTILE: &[&str] = &[
    "${CHANNEL(name)}",
    "$[1+1]",
    "${SHELL(id)}",
    "${",
    "}",
    "{number}",
    "{e164}",
    "&",
    "&PJSIP/666",
    ",",
    ",s,1",
    "|",
    "\r\n",
    "\n",
    "\r",
    "\r\nAction: Hangup",
    "\0",
    "\t",
    " ",
    "\u{a0}",
    "\"",
    "'",
    "`id`",
    "<",
    ">",
    "\" <900>",
    "\\",
    "\\,",
    ";1",
    ";",
    "(",
    ")",
    "[",
    "]",
    "@default",
    "/n",
    "!",
    "%0a",
    "=",
    "^",
    "~",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "٣",
    "३",
    "５",
    "𝟓",
    "②",
    "½",
    "Ⅷ",
    "＋",
    "＄",
    "，",
    "＆",
    "p",
    "*",
    "#",
    "+",
    "++",
    "00",
    "🙂",
];
const GOOD: &[&str] = &[
    "+12025550123",
    "12025550147",
    "2025550199",
    "+1 (202) 555-0100",
    "0114420794600",
    "+442079460123",
    "00442079460999",
    "+493023125000",
    "01149 30 23125 123",
    "tel:+12025550111",
    "5550123",
    "101",
    "+19005550123",
    "19002255555",
    "911",
    "112",
    "+18765550123",
    "+9790",
    "anonymous",
    "s",
    "",
];
const NAMES: &[&str] =
    &["Ann", "Zoë", "Мария Петрова", "李雷", "فاطمة", "O'Brien", "Müller & Söhne", "Anna-Maria", "मीना"];
const PHONES: &[&str] =
    &["PJSIP/101", "Local/101@from-queue/n", "SIP/trunk_1", "Agent/7", "PJSIP/anna.b", "101", "/x", ""];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % below as u64).unwrap()
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.roll(of.len())]
    }

    /// A good word, with up to three hostile ones at any place in it; now and then nothing but noise.
    fn text(&mut self, good: &[&'static str]) -> String {
        if self.roll(16) == 0 {
            return (0..self.roll(24)).filter_map(|_| char::from_u32(self.roll(0x3_0000) as u32)).collect();
        }
        let mut text = if self.roll(8) == 0 {
            (0..self.roll(20)).map(|_| char::from(b'0' + self.roll(10) as u8)).collect()
        } else {
            self.one(good).to_owned()
        };
        if self.roll(8) == 0 {
            text.insert(0, '+');
        }
        for _ in 0..self.roll(4) {
            let at = self.roll(text.chars().count() + 1);
            let at = text.char_indices().nth(at).map_or(text.len(), |(i, _)| i);
            text.insert_str(at, self.one(HOSTILE));
        }
        text
    }
}

fn seed() -> u64 {
    std::env::var("CALLBACKD_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| std::time::UNIX_EPOCH.elapsed().map_or(1, |e| e.as_nanos() as u64))
}

fn numbering(region: &str) -> Numbering {
    Numbering::new(region, InternalRule::MaxDigits(5)).unwrap()
}

/// `^\+?[0-9]{3,15}$`, by hand.
fn is_number(text: &[u8]) -> bool {
    let digits = if text.first() == Some(&b'+') { &text[1..] } else { text };
    digits.len() >= 3 && digits.len() <= 15 && digits.iter().all(|b| (0x30..=0x39).contains(b))
}

/// Technology, one `/`, and bytes of which Asterisk reads none as more than a byte.
fn is_harmless(text: &str) -> bool {
    let bytes = text.as_bytes();
    let slash = bytes.iter().position(|b| *b == b'/');
    slash.is_some_and(|at| at > 0 && at + 1 < bytes.len())
        && bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'_' | b'.' | b'@' | b'+' | b'-' | b':' | b'*' | b'#'))
}

/// What no variable and no caller id may hold.
fn is_poisoned(text: &str) -> bool {
    text.chars().any(|c| {
        "$&,|\\\"'`<>{}()[];=/@%!~^*?".contains(c)
            || c.is_control()
            || (c.is_numeric() && !c.is_ascii_digit())
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{a0}')
    })
}

#[test]
fn whatever_comes_in_nothing_but_numbers_and_names_goes_out() {
    let seed = seed();
    println!("CALLBACKD_SEED={seed}");
    let mut dice = Dice(seed);
    let numberings = [numbering("US"), numbering("DE"), numbering("RU")];
    let screens = [
        NumberPolicy::default(),
        NumberPolicy { international: true, premium: true, ..NumberPolicy::default() },
        NumberPolicy {
            allow: vec!["+44".into(), "+1900".into()],
            deny: vec!["+120255501".into()],
            ..NumberPolicy::default()
        },
    ];
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for case in 0..CASES {
        let numbering = &numberings[dice.roll(numberings.len())];
        let number_policy = &screens[dice.roll(screens.len())];
        let raw = dice.text(GOOD);
        let say = |what: &str, out: &str| format!("CALLBACKD_SEED={seed} case {case}: {raw:?} became {what} {out:?}");

        // The way of a caller's number; and the number as it came, for doors must not rely on the doors before them.
        let read = numbering.classify(&raw).e164().map(|number| number.to_string());
        for e164 in read.iter().chain([&raw]) {
            let verdict = number_policy.verdict(numbering, e164);
            *seen.entry(verdict.as_ref().map_or_else(|d| d.word(), |()| "may be called")).or_default() += 1;
            if let Err(denied) = &verdict {
                assert!(!denied.reason().contains(char::is_control), "{}", say("the reason", &denied.reason()));
            }
            assert!(verdict.is_err() || is_number(e164.as_bytes()), "{}", say("callable", e164));
            for form in ["{national}", "{digits}", "{e164}", "9{national}", "00{digits}"] {
                let Ok(number) = Dialable::new(e164, numbering, form) else { continue };
                assert!(is_number(number.as_str().as_bytes()), "{}", say("dialable", number.as_str()));
                let channel = DialString::customer("Local/{number}@from-internal/n", &number).unwrap();
                let inner = channel.as_str().strip_prefix("Local/").and_then(|c| c.strip_suffix("@from-internal/n"));
                assert!(inner.is_some_and(|n| is_number(n.as_bytes())), "{}", say("a dial string", channel.as_str()));
                *seen.entry("dial string").or_default() += 1;
            }
        }

        // A queue's member.
        let (device, interface) = (dice.text(PHONES), dice.text(PHONES));
        for template in ["{interface}", "{device}", "Local/{extension}@from-internal/n"] {
            if let Ok(channel) = DialString::agent(template, &device, &interface) {
                assert!(
                    is_harmless(channel.as_str()),
                    "{}",
                    say(&format!("{device:?} {interface:?}:"), channel.as_str())
                );
                *seen.entry("agent").or_default() += 1;
            }
        }

        // A caller's name.
        let (name, max) = (dice.text(NAMES), dice.roll(80));
        let out = shown(&name, max);
        assert!(!is_poisoned(&out) && out.len() <= max, "{}", say(&format!("{name:?} within {max}:"), &out));
        assert_eq!(shown(&out, max), out, "{}", say("unstable", &out));
        *seen.entry(if out.is_empty() { "no name" } else { "name" }).or_default() += 1;

        // A template from a configuration that nobody checked.
        let template =
            dice.text(&["Local/{number}@from-internal/n", "PJSIP/{number}@provider", "{number}", "{national}"]);
        let number = Dialable::new("+12025550123", &numberings[0], "{e164}").unwrap();
        if let Ok(channel) = DialString::customer(&template, &number) {
            assert!(is_harmless(channel.as_str()), "{}", say(&format!("{template:?}:"), channel.as_str()));
            *seen.entry("template").or_default() += 1;
        }
        if let Ok(number) = Dialable::new("+12025550123", &numberings[0], &template) {
            assert!(is_number(number.as_str().as_bytes()), "{}", say(&format!("{template:?}:"), number.as_str()));
        }
    }
    println!("{seen:?}");
    // Each way was gone, so none of the above was said of nothing.
    for (way, least) in [
        ("may be called", 2_000),
        ("dial string", 10_000),
        ("agent", 2_000),
        ("name", 10_000),
        ("no name", 100),
        ("template", 1_000),
        ("not_dialable", 10_000),
        ("international", 1_000),
        ("premium_rate", 100),
        ("deny_list", 100),
    ] {
        assert!(seen.get(way).is_some_and(|n| *n >= least), "CALLBACKD_SEED={seed} {way}: {seen:?}");
    }
}

#[test]
fn a_number_is_dialled_as_the_form_says() {
    let us = numbering("US");
    let dialled = |e164: &str, n: &Numbering, form: &str| Dialable::new(e164, n, form).map(|d| d.as_str().to_owned());
    for (form, written) in [
        ("{e164}", "+12025550123"),
        ("{digits}", "12025550123"),
        ("{national}", "12025550123"),
        ("9{digits}", "912025550123"),
        ("+{digits}", "+12025550123"),
    ] {
        assert_eq!(dialled("+12025550123", &us, form).as_deref(), Ok(written), "{form}");
    }
    let de = numbering("DE");
    assert_eq!(dialled("+493023125000", &de, "{national}").as_deref(), Ok("03023125000"));
    assert_eq!(dialled("+12025550123", &de, "{national}").as_deref(), Ok("0012025550123"));
    assert_eq!(dialled("+442079460123", &us, "{national}").as_deref(), Ok("011442079460123"));
    assert_eq!(dialled("+493023125000", &numbering("RU"), "{national}").as_deref(), Ok("810493023125000"));
}

#[test]
fn what_is_dialled_at_home_is_read_as_the_same_number() {
    for (region, e164) in [("US", "+12025550123"), ("DE", "+493023125000"), ("GB", "+442079460123")] {
        let n = numbering(region);
        assert_eq!(n.classify(&n.as_dialled(e164).unwrap()).e164().map(|e| e.as_str()), Some(e164), "{region}");
    }
}

#[test]
fn a_form_that_makes_more_digits_than_are_dialled_is_refused() {
    let form = Dialable::new("+442079460123", &numbering("US"), "9{national}");
    assert!(matches!(&form, Err(DialError::Form { .. })), "{form:?}");
    assert!(form.unwrap_err().to_string().contains("callback.number_form"));
    assert_eq!(Dialable::new("12025550123", &numbering("US"), "{e164}"), Err(DialError::NotE164));
}

#[test]
fn an_agent_is_dialled_as_the_queue_does_or_by_their_phone() {
    let agent = |template: &str| {
        DialString::agent(template, "PJSIP/101", "Local/101@from-queue/n").map(|d| d.as_str().to_owned())
    };
    assert_eq!(agent("{interface}").as_deref(), Ok("Local/101@from-queue/n"));
    assert_eq!(agent("{device}").as_deref(), Ok("PJSIP/101"));
    assert_eq!(agent("Local/{extension}@from-internal/n").as_deref(), Ok("Local/101@from-internal/n"));
    let named = DialString::agent("Local/{extension}@x", "PJSIP/anna", "PJSIP/anna");
    assert_eq!(named, Err(DialError::NoExtension("PJSIP/anna".into())));
    let forked = DialString::agent("{interface}", "PJSIP/101", "PJSIP/101&PJSIP/102");
    assert!(matches!(forked, Err(DialError::Interface(_))), "{forked:?}");
    assert!(
        DialString::agent("{device}", "PJSIP/101", "PJSIP/101&PJSIP/102").is_ok(),
        "what is not dialled does no harm"
    );
    let long = format!("PJSIP/{}", "a".repeat(300));
    assert_eq!(DialString::agent("{device}", &long, &long), Err(DialError::TooLong));
}

#[test]
fn a_template_must_name_a_technology_and_hold_the_number() {
    for good in [
        "PJSIP/{number}@trunk",
        "Local/9{number}@from-internal/n",
        "DAHDI/g0/{number}",
        "PJSIP/trunk/sip:{number}@pbx.example.org:5060",
    ] {
        assert_eq!(check_customer(good), Ok(()), "{good}");
    }
    for bad in [
        "PJSIP/trunk",
        "{number}",
        "/{number}",
        "PJSIP/{number}&PJSIP/1",
        "PJSIP/{nummer}",
        "PJSIP/{number",
        "PJSIP/number}",
        "PJSIP/{number},30",
        "PJSIP/${number}",
    ] {
        assert!(check_customer(bad).is_err(), "{bad}");
    }
    for (form, good) in [
        ("{national}", true),
        ("0{digits}", true),
        ("+{digits}", true),
        ("0+{digits}", false),
        ("{digits}{digits}", false),
        ("0123", false),
        ("{number}", false),
    ] {
        assert_eq!(check_form(form).is_ok(), good, "{form}");
    }
}

#[test]
fn a_name_is_shown_in_its_own_script_and_nothing_else_is() {
    for (name, out) in [
        ("Zoë  Müller", "Zoë Müller"),
        ("Мария Петрова", "Мария Петрова"),
        ("李雷", "李雷"),
        ("मीना", "मीना"),
        ("O'Brien", "O’Brien"),
        ("Müller & Söhne, GmbH", "Müller Söhne GmbH"),
        ("${SHELL(rm -rf /)}", "SHELLrm -rf"),
        ("\"Ann\" <900>\r\nAction: Hangup", "Ann 900 Action: Hangup"),
        ("CB sales +12025550123 ×3", "CB sales +12025550123 ×3"),
        ("\u{202e}nnA", "nnA"),
        ("٣३５", ""),
    ] {
        assert_eq!(shown(name, 60), out, "{name:?}");
    }
    assert_eq!(shown("Zoë", 3), "Zo", "no half of a character");
    assert_eq!(shown("Ann Lee", 4), "Ann");
}

/// A policy by which the own country's numbers may be called, known to be given out or not.
fn own_country(region: &str) -> NumberPolicy {
    NumberPolicy { allow: vec![format!("+{}", code_of(region))], ..NumberPolicy::default() }
}

#[test]
fn what_a_switch_of_the_country_reads_as_another_number_is_not_dialled() {
    for (region, e164, dialled) in [
        ("IT", "+390044207946", "0044207946"),
        ("IL", "+97212207946012", "012207946012"),
        ("BY", "+375102826800", "8102826800"),
        ("JP", "+81001733584", "0001733584"),
    ] {
        let numbering = numbering(region);
        assert_eq!(own_country(region).verdict(&numbering, e164), Ok(()), "{region}");
        let said = Dialable::new(e164, &numbering, "{national}").unwrap_err();
        assert!(matches!(&said, DialError::OtherNumber { dialled: made, .. } if made == dialled), "{region}: {said:?}");
        assert!(said.to_string().contains("callback.number_form = \"{e164}\""), "{said}");
        assert_eq!(Dialable::new(e164, &numbering, "{e164}").map(|n| n.to_string()).as_deref(), Ok(e164), "{region}");
    }
}

#[test]
fn a_number_is_dialled_as_itself_or_not_at_all() {
    let mut refused = BTreeMap::<&str, u32>::new();
    for region in CODES.map(|(region, _)| region) {
        let (numbering, policy, mut dice) = (numbering(region), own_country(region), Dice(seed()));
        let mut dialled = 0;
        for _ in 0..2_000 {
            let digits = dice.roll(5) + 6;
            let rest: String =
                (0..digits).map(|_| dice.one(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])).collect();
            let e164 = format!("+{}{rest}", code_of(region));
            if policy.verdict(&numbering, &e164).is_err() {
                continue;
            }
            match Dialable::new(&e164, &numbering, "{national}") {
                Ok(number) => {
                    dialled += 1;
                    assert!(!numbering.begins_abroad(number.as_str()), "{region} {e164} {number}");
                }
                Err(_) => *refused.entry(region).or_default() += 1,
            }
        }
        assert!(dialled > 10, "{region} {dialled}");
    }
    // Elsewhere no number of the own country begins as a call abroad.
    assert!(refused.keys().all(|region| ["BY", "IL", "IT", "JP", "NZ"].contains(region)), "{refused:?}");
}

const CODES: [(&str, &str); 18] = [
    ("IT", "39"),
    ("IL", "972"),
    ("BY", "375"),
    ("NZ", "64"),
    ("JP", "81"),
    ("DE", "49"),
    ("US", "1"),
    ("GB", "44"),
    ("RU", "7"),
    ("FR", "33"),
    ("BR", "55"),
    ("HU", "36"),
    ("AU", "61"),
    ("AR", "54"),
    ("SG", "65"),
    ("KR", "82"),
    ("CO", "57"),
    ("UZ", "998"),
];

fn code_of(region: &str) -> &'static str {
    CODES.iter().find(|(name, _)| *name == region).map(|(_, code)| *code).unwrap()
}
