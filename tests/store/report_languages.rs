//! The report's page of the worked example in each language: nothing is left in English, and numbers are written as in the country.

use crate::store::report_example::example;
use callbackd::cli::report::{ReportArgs, run};
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::path::Path;

const LANGUAGES: [&str; 6] = ["en", "ru", "uk", "he", "es", "de"];

/// What a command writes of the day of the example.
fn report(directory: &Path, args: &[&str]) -> String {
    let (path, thresholds, zone) = example(directory);
    let command = ReportArgs::augment_args(clap::Command::new("report"));
    let given = [&["report", "--from", "2026-11-28", "--to", "2026-11-29"], args].concat();
    let args = ReportArgs::from_arg_matches(&command.try_get_matches_from(given).unwrap()).unwrap();
    let now: Timestamp = "2026-11-29T09:00:00Z".parse().unwrap();
    let mut out = Vec::new();
    run(&args, &path, Some((BTreeSet::new(), thresholds, zone)), now, &mut out, &mut Vec::new()).unwrap();
    String::from_utf8(out).unwrap()
}

fn page(language: &str, more: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    report(directory.path(), &[&["--html", "-", "--lang", language], more].concat())
}

/// The texts that stand between tags or in labels, in their order; not the style, not names, and not the words of the database.
fn texts(page: &str) -> Vec<String> {
    let body = page.split_once("<body>").unwrap().1;
    let mut out = Vec::new();
    for piece in body.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        out.extend(tag.split_once("aria-label=\"").map(|(_, label)| label.split('"').next().unwrap().to_owned()));
        if !tag.starts_with("code") && !tag.starts_with("bdi") && !text.trim().is_empty() {
            out.push(text.trim().to_owned());
        }
    }
    out
}

#[test]
fn no_text_of_the_page_is_left_in_english() {
    // Words that are the same in both.
    let same = ["Agent", "Code", "Codes"];
    for more in [&[][..], &["--by", "queue"], &["--by", "weekday"]] {
        let english = texts(&page("en", more));
        for language in &LANGUAGES[1..] {
            let theirs = texts(&page(language, more));
            assert_eq!(theirs.len(), english.len(), "{language}: the same texts in the same places");
            for (text, of_english) in theirs.iter().zip(&english) {
                let letters = text.chars().filter(|c| c.is_alphabetic()).count();
                let is_left = text == of_english && letters > 3 && !same.contains(&text.as_str());
                assert!(!is_left, "{language} {more:?}: {text}");
                let words: Vec<&str> = text.split(|c: char| !c.is_alphabetic()).collect();
                let english =
                    ["the", "of", "with", "and", "calls", "answered", "missed", "within", "which", "callback"];
                let found = words.iter().find(|word| english.contains(word));
                assert!(found.is_none() || text.contains("report.callback_target"), "{language}: {text}");
            }
        }
    }
}

#[test]
fn the_page_says_its_language_and_direction_and_keeps_its_shape() {
    let count = |page: &str, what: &str| page.matches(what).count();
    let english = page("en", &[]);
    for language in LANGUAGES {
        let page = page(language, &[]);
        let direction = if language == "he" { "rtl" } else { "ltr" };
        assert!(page.contains(&format!("<html lang=\"{language}\" dir=\"{direction}\">")), "{language}");
        for what in ["<section", "<svg", "<table", "<tr", "<td", "<th", "class=\"tile\"", "<code"] {
            assert_eq!(count(&page, what), count(&english, what), "{language}: {what}");
        }
        assert!(!page.contains("{}") && !page.contains("\\u{"), "{language}: a gap is open, or a mark is seen as text");
        let open = page.matches(['\u{2066}', '\u{2068}']).count();
        assert_eq!(open, page.matches('\u{2069}').count(), "{language}: what turns direction is closed");
        assert_eq!(open > 0, language == "he");
    }
}

#[test]
fn tiles_are_the_same_figures_in_every_language() {
    for (language, level, waited) in
        [("en", "50.0\u{a0}%", "0:19"), ("de", "50,0\u{a0}%", "0:19"), ("ru", "50,0\u{a0}%", "0:19")]
    {
        let page = page(language, &[]);
        let tiles: Vec<&str> = page
            .split("class=\"tile\"")
            .skip(1)
            .map(|tile| tile.split_once("<b>").unwrap().1.split("</b>").next().unwrap())
            .collect();
        assert_eq!(tiles[0..2], ["11", "4"], "{language}");
        assert_eq!(tiles[3..], [level, waited], "{language}");
    }
}

#[test]
fn days_and_words_of_the_database_are_for_readers_and_for_operators() {
    let german = page("de", &[]);
    assert!(german.contains("<h1>Sa, 28.11.2026</h1>"));
    assert!(german.contains(
        "angenommen: mit einem Menschen gesprochen <code class=\"word\" lang=\"en\" dir=\"ltr\">ANSWER AGENT</code>"
    ));
    assert!(german.contains("12 Anrufe"));
    assert!(page("ru", &[]).contains("12 звонков"));
    assert!(page("es", &["--by", "weekday"]).contains("<td>sáb</td>"));
}

#[test]
fn the_terminal_json_and_csv_do_not_change_with_the_language() {
    for face in [&[][..], &["--json"], &["--csv"]] {
        let of = |language: &str| {
            let directory = tempfile::tempdir().unwrap();
            report(directory.path(), &[face, &["--lang", language]].concat())
        };
        assert_eq!(of("de"), of("en"), "{face:?}");
        assert!(!of("he").contains(|c: char| ('\u{590}'..='\u{5ff}').contains(&c)), "{face:?}");
    }
}
