//! `callbackd report`: what managers and scripts see of a window, and what is said where there is nothing.

use crate::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::cli::failure::Failure;
use callbackd::cli::report::{ReportArgs, run};
use callbackd::report::Thresholds;
use callbackd::store::Store;
use callbackd_core::model::FinishedCall;
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const HOUR: i64 = 3_600_000;

#[derive(Debug)]
struct Said {
    out: String,
    notes: String,
}

fn parse(args: &[&str]) -> Result<ReportArgs, clap::Error> {
    let command = ReportArgs::augment_args(clap::Command::new("report"));
    ReportArgs::from_arg_matches(&command.try_get_matches_from([&["report"], args].concat())?)
}

/// Monday, 2 March 2026, noon UTC: 13:00 in Berlin.
fn report(path: &Path, args: &[&str]) -> Result<Said, Failure> {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = Timestamp::from_millisecond(MONDAY_10 + 2 * HOUR).unwrap();
    let configured = Some((BTreeSet::new(), Thresholds::default(), zone));
    run(&parse(args).unwrap(), path, configured, now, &mut out, &mut notes)?;
    Ok(Said { out: String::from_utf8(out).unwrap(), notes: String::from_utf8(notes).unwrap() })
}

fn with_calls(calls: impl IntoIterator<Item = FinishedCall>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let records: Vec<_> = calls.into_iter().map(record).collect();
    assert_eq!(Store::open(&path).unwrap().write(&records).unwrap(), []);
    (directory, path)
}

fn shifted(call: FinishedCall, ms: i64) -> FinishedCall {
    FinishedCall {
        started_ms: call.started_ms + ms,
        ended_ms: call.ended_ms + ms,
        answered_ms: call.answered_ms.map(|at| at + ms),
        ..call
    }
}

/// Today two answered and one abandoned; yesterday one answered.
fn two_days() -> (tempfile::TempDir, PathBuf) {
    with_calls([
        answered("1.1"),
        shifted(answered("1.2"), HOUR),
        shifted(abandoned("1.3"), HOUR),
        shifted(answered("1.4"), -24 * HOUR),
    ])
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap()
}

fn refusal(path: &Path, args: &[&str]) -> String {
    let failure = report(path, args).unwrap_err();
    assert_eq!(failure.exit_code(), 64, "{failure}");
    failure.to_string()
}

#[test]
fn today_is_compared_with_yesterday_up_to_the_same_hour() {
    let (_directory, path) = two_days();
    let said = report(&path, &[]).unwrap();
    assert!(
        said.out.starts_with(
            "callbackd report: Mon 2026-03-02 (Europe/Berlin)\n3 calls, each seen from its beginning to its end.\n"
        ),
        "{}",
        said.out
    );
    // The newest call is all that says up to when events were seen: 12:00 in Berlin.
    assert!(said.out.contains("Before: Sun 2026-03-01 up to 12:00"), "{}", said.out);
    let line = said.out.lines().find(|line| line.starts_with("Calls of customers")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["Calls", "of", "customers", "3", "1", "+200", "%"]);
    assert_eq!(said.notes, "");
}

#[test]
fn every_line_of_the_terminal_fits_into_80_columns() {
    let odd = FinishedCall {
        queue: Some("a-queue-with-a-very-long-name-indeed".into()),
        agent: Some("PJSIP/an-agent-with-a-long-name".into()),
        ..answered("1.5")
    };
    let (_directory, path) = with_calls([answered("1.1"), abandoned("1.3"), odd]);
    let said = report(&path, &[]).unwrap();
    let wide: Vec<&str> = said.out.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn json_has_the_figures_the_window_and_the_formulas() {
    let (_directory, path) = two_days();
    let json = json(&report(&path, &["--from", "2026-03-01", "--to", "2026-03-03", "--json"]).unwrap());
    assert_eq!(json["figures"]["totals"]["inbound"], 4);
    assert_eq!(json["figures"]["totals"]["answered"], 3);
    assert_eq!(json["window"]["from"], "2026-03-01");
    assert_eq!(json["window"]["to"], "2026-03-03");
    assert_eq!(json["time_zone"], "Europe/Berlin");
    assert_eq!(json["figures"]["days"][1]["key"], "2026-03-02");
    assert_eq!(json["figures"]["totals"]["balance"], 0.0);
    assert!(json["formulas"]["service_level_offered"].is_string());
    assert_eq!(json["before"]["totals"]["missed_rate"], Value::Null, "nobody called before: no rate, never 0");
}

#[test]
fn the_day_after_the_last_is_not_in_it() {
    let (_directory, path) = two_days();
    let json = json(&report(&path, &["--from", "2026-03-01", "--to", "2026-03-02", "--json"]).unwrap());
    assert_eq!(json["figures"]["totals"]["inbound"], 1);
}

#[test]
fn slices_are_lines_of_csv_with_nothing_where_there_is_nothing() {
    let (_directory, path) = two_days();
    let said = report(&path, &["week", "--by", "day", "--csv"]).unwrap();
    let lines: Vec<Vec<&str>> = said.out.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| lines[0].iter().position(|column| *column == name).unwrap();
    assert_eq!((lines[0][0], lines.len()), ("day", 2), "from Monday on: {}", said.out);
    assert_eq!((lines[1][0], lines[1][column("inbound")], lines[1][column("missed")]), ("2026-03-02", "3", "1"));
    assert_eq!(lines[1][column("missed_rate")], "0.3333");
    let hours = report(&path, &["--by", "hour", "--csv"]).unwrap().out;
    let empty = hours.lines().find(|line| line.starts_with("03,")).unwrap();
    assert_eq!(empty.split(',').nth(column("missed_rate")), Some(""), "{empty}");
    assert_eq!(hours.lines().count(), 25);
}

#[test]
fn who_names_a_queue_that_there_is_not_is_shown_those_that_there_are() {
    let other = FinishedCall { queue: Some("support".into()), ..answered("1.9") };
    let (_directory, path) = with_calls([answered("1.1"), other]);
    assert_eq!(refusal(&path, &["--queue", "Suport"]), "no queue `Suport`; did you mean `support`?");
    assert_eq!(refusal(&path, &["--queue", "x"]), "no queue `x`; there are `sales`, `support`");
    assert_eq!(refusal(&path, &["--agent", "999"]), "no agent `999`; there are `PJSIP/101`");
    assert_eq!(refusal(&path, &["--did", "5550190"]), "no DID `5550190`; did you mean `5550100`?");
    assert_eq!(
        refusal(&path, &["--trunk", "PJSIP/proivder"]),
        "no trunk `PJSIP/proivder`; did you mean `PJSIP/provider`?"
    );
    assert!(refusal(&path, &["--pbx", "nowhere"]).contains("nowhere"));
    assert_eq!(json(&report(&path, &["--agent", "101", "--json"]).unwrap())["chosen"][0][1], "PJSIP/101");
    let json = json(&report(&path, &["--queue", "support", "--json"]).unwrap());
    assert_eq!(json["figures"]["totals"]["inbound"], 1);
}

#[test]
fn a_window_that_ends_before_it_begins_is_refused_in_a_sentence() {
    let (_directory, path) = two_days();
    let same = refusal(&path, &["--from", "2026-03-02", "--to", "2026-03-02"]);
    assert_eq!(same, "from 2026-03-02 to 2026-03-02: --to is not in the report: it must be after --from");
    assert!(refusal(&path, &["--from", "2027-01-01"]).contains("--from is in the future"));
    assert!(refusal(&path, &["--from", "2026-02-30"]).contains("'2026-02-30' is no day"));
    assert!(parse(&["today", "--from", "2026-03-01"]).is_err());
    assert!(parse(&["--to", "2026-03-01"]).is_err());
}

#[test]
fn what_is_for_all_sites_is_refused_with_the_database_of_one() {
    for option in [["--zone", "UTC"], ["--site", "berlin"], ["--password-file", "x"], ["--tls-ca-file", "x"]] {
        assert!(parse(&[&option[..], &["--db", "calls.db"]].concat()).is_err(), "{option:?}");
        assert!(parse(&[&option[..], &["--mail"]].concat()).is_err(), "{option:?}");
        assert!(parse(&option).is_err(), "{option:?}");
    }
}

#[test]
fn where_there_are_no_calls_a_sentence_says_so_and_no_rate_is_shown() {
    let (_directory, path) = two_days();
    let said = report(&path, &["--from", "2020-01-01", "--to", "2020-02-01"]).unwrap();
    assert_eq!(said.notes, "No calls: Wed 2020-01-01 to Fri 2020-01-31.\n");
    assert!(!said.out.contains('%'), "{}", said.out);
    let said = report(&path, &["yesterday", "--queue", "sales", "--code", "DEAL_CLOSED"]).unwrap();
    assert_eq!(said.notes, "No calls match: Sun 2026-03-01. There are others.\n");
    let (_directory, empty) = with_calls([]);
    assert_eq!(report(&empty, &[]).unwrap().notes, "This database has no calls yet.\n");
}

fn page(path: &Path, directory: &Path) -> String {
    let file = directory.join("report.html");
    let said = report(path, &["--html", file.to_str().unwrap()]).unwrap();
    assert_eq!((said.out.as_str(), said.notes), ("", format!("Written: {}\n", file.display())));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_page_loads_and_runs_nothing_and_texts_of_strangers_stay_texts() {
    let evil = "</title><script>alert(1)</script><img src=x onerror='alert(2)'>\u{202e}\"";
    let call = |n: &str| FinishedCall {
        did: Some(evil.into()),
        queue: Some(evil.into()),
        agent: Some(evil.into()),
        name: Some(evil.into()),
        trunk: Some(evil.into()),
        ..answered(n)
    };
    let (directory, path) = with_calls([call("1.1"), call("1.2"), call("1.3")]);
    let page = page(&path, directory.path());
    for bad in ["<script", "<img", "http://", "https://", "url(", "@import", "src=\"", "href=", "\u{202e}"] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("default-src 'none'"));
    // What opens is closed.
    for tag in ["section", "table", "svg", "div", "tr", "td", "th", "g", "details", "ul", "li", "dl", "h2", "p", "b"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn each_chart_says_what_it_shows_and_has_its_numbers_in_a_table() {
    let (directory, path) = two_days();
    let page = page(&path, directory.path());
    let charts = page.matches("<svg").count();
    assert!(charts >= 3, "{charts}");
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), charts);
    for section in page.split("<section").filter(|section| section.contains("<svg")) {
        assert!(section.contains("<table"), "{section}");
    }
}
