//! Numbers as in each country, and no text without a translation.

use super::{Language, fill_all, formulas, meanings, refusals, report, story, words};
use jiff::civil::Date;

/// Every text of a language: page, name, text.
fn all(language: Language) -> Vec<(&'static str, &'static str)> {
    let n = language as usize;
    let tables = [
        words::ALL[n].all(),
        report::ALL[n].all(),
        story::ALL[n].all(),
        meanings::ALL[n].all(),
        formulas::ALL[n].all(),
        refusals::ALL[n].all(),
    ];
    tables.into_iter().flatten().chain(language.all_whys().map(|(_, text)| ("why", text))).collect()
}

#[test]
fn the_language_is_the_first_that_the_browser_wants_and_we_have() {
    assert_eq!(Language::accepted("fr-FR,fr;q=0.9,uk-UA;q=0.8,en;q=0.7"), Some(Language::Uk));
    assert_eq!(Language::accepted("iw"), Some(Language::He));
    assert_eq!(Language::accepted("fr"), None);
    assert_eq!(Language::accepted(""), None);
}

#[test]
fn numbers_and_days_are_written_as_in_the_country() {
    assert_eq!(
        Language::ALL.map(|l| l.count(1_234_567)).join(" "),
        "1,234,567 1\u{a0}234\u{a0}567 1\u{a0}234\u{a0}567 1,234,567 1.234.567 1.234.567"
    );
    assert_eq!(Language::De.percent(Some(0.8125)), "81,3\u{a0}%");
    assert_eq!(Language::En.percent(None), "–");
    let date = Date::constant(2026, 11, 28);
    assert_eq!(
        Language::ALL.map(|l| l.day(date)).join(" "),
        "2026-11-28 28.11.2026 28.11.2026 28.11.2026 28/11/2026 28.11.2026"
    );
}

#[test]
fn durations_have_the_units_of_the_language() {
    assert_eq!(
        Language::ALL.map(|l| l.span(20_000)).join(" | ").replace('\u{a0}', " "),
        "20 s | 20 с | 20 с | 20 שנ׳ | 20 s | 20 s"
    );
    assert_eq!(Language::Uk.span(1_800_000), "30\u{a0}хв");
    assert_eq!(Language::De.span(7 * 86_400_000), "7\u{a0}T");
    assert_eq!(Language::En.span(0), "0\u{a0}s");
}

/// How many gaps a text has, in each of its forms.
fn gaps(text: &str) -> Vec<usize> {
    text.split('|').map(|form| form.matches("{}").count()).collect()
}

#[test]
fn every_text_is_there_in_every_language_with_the_same_gaps() {
    let english = all(Language::En);
    for language in Language::ALL {
        let code = language.code();
        let forms = match language {
            Language::En | Language::Es | Language::De => 2,
            Language::Ru | Language::Uk | Language::He => 3,
        };
        for ((name, text), (_, of_english)) in all(language).into_iter().zip(&english) {
            assert!(!text.trim().is_empty() && text == text.trim(), "{code} {name}");
            let (found, wanted) = (gaps(text), gaps(of_english));
            assert_eq!(found.last(), wanted.last(), "{code} {name}: gaps");
            assert_eq!(found.len(), if wanted.len() > 1 { forms } else { 1 }, "{code} {name}: forms of a number");
            // A form for one thing, or two, may say it by the word; a Slavic one is also for 21.
            let shorter = found.iter().filter(|n| *n < found.last().unwrap()).count();
            assert!(
                shorter < forms && (shorter == 0 || forms == 2 || language == Language::He || found.len() == 1),
                "{code} {name}"
            );
        }
    }
}

#[test]
fn no_text_of_another_language_is_left_in_english() {
    // Words that are the same in both.
    let known = ["Status and outcome", "Agent", "Code", "Codes", "Token", "number", "occupancy"];
    let english = all(Language::En);
    for language in [Language::Ru, Language::Uk, Language::He, Language::Es, Language::De] {
        let same: Vec<_> = all(language)
            .into_iter()
            .zip(&english)
            .filter(|((_, text), (_, of_english))| text == of_english && text.contains(' ') && !known.contains(text))
            .map(|((name, text), _)| (name, text))
            .filter(|(_, text)| text.replace("{}", "").chars().filter(|c| c.is_alphabetic()).count() > 3)
            .collect();
        assert_eq!(same, [], "{}", language.code());
    }
}

#[test]
fn texts_of_a_language_are_in_its_script() {
    for (language, script) in [(Language::Ru, 'а'..='я'), (Language::Uk, 'а'..='ї'), (Language::He, 'א'..='ת')] {
        for (name, text) in all(language) {
            let letters: String = text.to_lowercase().chars().filter(|c| c.is_alphabetic()).collect();
            let latin = letters.is_ascii();
            assert!(latin || letters.chars().any(|c| script.contains(&c)), "{} {name}: {text}", language.code());
            assert!(!latin || letters.len() < 12, "{} {name}: {text}", language.code());
            // Letters of the neighbour.
            let foreign = match language {
                Language::Ru => "іїєґ",
                Language::Uk => "ыэъё",
                _ => "",
            };
            assert!(!letters.contains(|c| foreign.contains(c)), "{} {name}: {text}", language.code());
        }
    }
}

#[test]
fn a_number_chooses_its_form_as_the_plural_rules_of_unicode_say() {
    // Samples of CLDR 46: one, two or few, many or other.
    for (language, forms) in [
        (Language::En, [&[1][..], &[0, 2, 16, 100], &[]]),
        (Language::Es, [&[1], &[0, 2, 16, 100], &[]]),
        (Language::De, [&[1], &[0, 2, 16, 100], &[]]),
        (Language::Ru, [&[1, 21, 101, 1001], &[2, 4, 22, 102, 1002], &[0, 5, 11, 14, 19, 100, 111, 1000]]),
        (Language::Uk, [&[1, 21, 101, 1001], &[2, 4, 22, 102, 1002], &[0, 5, 11, 14, 19, 100, 111, 1000]]),
        (Language::He, [&[1], &[2], &[0, 3, 17, 100, 1000]]),
    ] {
        for (form, numbers) in forms.iter().enumerate() {
            for n in *numbers {
                assert_eq!(language.form(*n), form, "{} {n}", language.code());
            }
        }
    }
    let calls = |language: Language, n| language.counted(language.report().n_calls, n, &[]);
    assert_eq!([1, 2, 5, 21].map(|n| calls(Language::Ru, n)).join(", "), "1 звонок, 2 звонка, 5 звонков, 21 звонок");
    assert_eq!([1, 2, 5].map(|n| calls(Language::Uk, n)).join(", "), "1 дзвінок, 2 дзвінки, 5 дзвінків");
    assert_eq!([1, 2, 3].map(|n| calls(Language::He, n)).join(", "), "שיחה אחת, שתי שיחות, 3 שיחות");
    assert_eq!([1, 1_200].map(|n| calls(Language::De, n)).join(", "), "1 Anruf, 1.200 Anrufe");
    let parts = Language::He.counted(Language::He.report().q_parts, 1, &[&"X"]);
    assert_eq!(parts, "שיחה אחת: X.");
}

#[test]
fn what_fills_a_gap_is_not_filled_itself() {
    assert_eq!(fill_all("{} and {}", &[&"{}", &2]), "{} and 2");
}

#[test]
fn steps_shares_and_hours_are_written_as_in_the_country() {
    assert_eq!(Language::En.step(-1.25, 1, "{} pt"), "−1.2\u{a0}pt");
    assert_eq!(Language::De.step(12.0, 0, "{} %"), "+12\u{a0}%");
    assert_eq!(Language::Ru.decimal(12.5, 1), "12,5");
    assert_eq!(Language::He.percent(Some(0.5)), "\u{2066}50.0\u{a0}%\u{2069}", "a share is read from left to right");
    assert_eq!(Language::De.hours(27_000_000), "7\u{a0}Std\u{a0}30\u{a0}Min");
    assert_eq!(Language::Es.spell(37_400), "37,4 s");
    let saturday = Date::constant(2026, 11, 28);
    assert_eq!(
        Language::ALL.map(|l| l.day_of_week(saturday)).join(" | "),
        "Sat 2026-11-28 | сб, 28.11.2026 | сб, 28.11.2026 | שבת, 28.11.2026 | sáb, 28/11/2026 | Sa, 28.11.2026"
    );
    assert_eq!(Language::ALL.map(|l| l.short_day(saturday)).join(" "), "11-28 28.11 28.11 28.11 28/11 28.11.");
}

/// The texts in quotes of a source file that are sentences, with `x` in each gap.
fn sentences(source: &str) -> Vec<String> {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//") && !line.contains("expect("));
    let quoted = lines.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    quoted
        .filter(|text| text.contains(' ') && text.starts_with(|c: char| c.is_lowercase() || c == '{'))
        .map(|text| {
            let parts = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest).to_owned());
            parts.collect::<Vec<_>>().join("x")
        })
        .filter(|text| text.chars().filter(|c| c.is_alphabetic()).count() > 12)
        .collect()
}

#[test]
fn every_reason_that_the_core_records_has_a_text_in_every_language() {
    let sources = [
        include_str!("../core/verdict.rs"),
        include_str!("../core/tracker/row/mod.rs"),
        include_str!("../core/reconcile/proved.rs"),
    ];
    let recorded: Vec<String> = sources.into_iter().flat_map(sentences).collect();
    assert!(recorded.len() > 45, "{recorded:#?}");
    for sentence in &recorded {
        assert_eq!(Language::En.why(sentence).as_ref(), Some(sentence));
        for language in [Language::Ru, Language::Uk, Language::He, Language::Es, Language::De] {
            let said = language.why(sentence).unwrap_or_else(|| panic!("{}: {sentence}", language.code()));
            assert_ne!(&said, sentence, "{}", language.code());
        }
    }
}

#[test]
fn a_reason_is_translated_with_its_names_and_a_free_text_is_left() {
    let de = |text: &str| Language::De.why(text);
    assert_eq!(de("queue a: b: CONNECTED").as_deref(), Some("Warteschlange a: b: CONNECTED"));
    assert_eq!(
        de("arrived outside business hours, left a message").as_deref(),
        Some("kam außerhalb der Öffnungszeiten, hinterließ eine Nachricht")
    );
    assert_eq!(
        de("nobody served queue sales; then the caller hung up").as_deref(),
        Some("niemand bediente Warteschlange sales; dann legte der Anrufer auf")
    );
    assert_eq!(de("something else"), None);
    assert_eq!(de("queue \u{202e}x: FULL").as_deref(), Some("Warteschlange \\u{202e}x: FULL"));
}
