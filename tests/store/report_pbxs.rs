//! Two PBXs that have a queue, agents, a menu and a trunk of one name: their rows stand apart, in figures, text, page, CSV and view.
//!
//! | PBX | call | what happened |
//! |---|---|---|
//! | north | 1.1 | 10:00, PJSIP/101 answered in queue sales after key 1 of ivr-main, over PJSIP/provider |
//! | north | 1.2 | the same, at the same time |
//! | north | 1.3 | 10:00, gave up in queue sales after key 1, while PJSIP/101 and PJSIP/102 rang; over PJSIP/provider |
//! | south | 1.1 | as 1.1 of north, at the same time |

use crate::store::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::cli::report::{ReportArgs, run};
use callbackd::report::figures::{By, Figures, by, figures};
use callbackd::report::{Facts, Thresholds};
use callbackd::store::{Calendar, Chosen, Depth, Reader, Store};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::{FinishedCall, PbxId};
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const HOUR: i64 = 3_600_000;

fn thresholds() -> Thresholds {
    let trunk_lines = [("PJSIP/provider".to_owned(), 2), ("PJSIP/unused".to_owned(), 1)].into();
    Thresholds { trunk_lines, ..Thresholds::default() }
}

fn with_calls(calls: impl IntoIterator<Item = FinishedCall>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let calls: Vec<FinishedCall> = calls.into_iter().collect();
    let pbxs: BTreeSet<PbxId> = calls.iter().map(|call| call.pbx.clone()).collect();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.write(&calls.into_iter().map(record).collect::<Vec<_>>()).unwrap(), []);
    let db = Connection::open(&path).unwrap();
    for pbx in pbxs {
        db.execute("INSERT INTO pbx_seen VALUES (?, ?)", (pbx.as_str(), MONDAY_10 + 2 * HOUR)).unwrap();
    }
    let calendar = Calendar {
        thresholds: thresholds(),
        codes: Codes::default(),
        zone: TimeZone::UTC,
        now_ms: MONDAY_10 + 2 * HOUR,
    };
    store.keep_calendar(&calendar).unwrap();
    (directory, path)
}

fn on(pbx: &str, call: FinishedCall) -> FinishedCall {
    FinishedCall { pbx: PbxId::new(pbx), ..call }
}

fn two_pbxs() -> (tempfile::TempDir, PathBuf) {
    with_calls([
        on("north", answered("1.1")),
        on("north", answered("1.2")),
        on("north", abandoned("1.3")),
        on("south", answered("1.1")),
    ])
}

fn read(path: &Path) -> (Facts, Figures) {
    let day = (MONDAY_10 - 10 * HOUR, MONDAY_10 + 14 * HOUR);
    let reader = Reader::open(path).unwrap();
    let facts = reader.facts(day, &Chosen::default(), Depth::All, &thresholds(), &TimeZone::UTC).unwrap();
    let figures = figures(&facts);
    (facts, figures)
}

fn report(path: &Path, args: &[&str]) -> String {
    let command = ReportArgs::augment_args(clap::Command::new("report"));
    let args = ReportArgs::from_arg_matches(&command.try_get_matches_from([&["report"], args].concat()).unwrap());
    let now = Timestamp::from_millisecond(MONDAY_10 + 2 * HOUR).unwrap();
    let configured = Some((BTreeSet::new(), thresholds(), TimeZone::UTC));
    let mut out = Vec::new();
    run(&args.unwrap(), path, configured, now, &mut out, &mut Vec::new()).unwrap();
    String::from_utf8(out).unwrap()
}

/// The lines of a section of the text, each word apart from its name.
fn section(text: &str, heading: &str) -> Vec<Vec<String>> {
    let lines = text.lines().skip_while(|line| *line != heading).skip(2).take_while(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn queues_agents_menus_and_trunks_are_counted_for_each_pbx() {
    let (_directory, path) = two_pbxs();
    let (_, figures) = read(&path);
    assert_eq!(figures.pbxs, ["north", "south"]);
    let queues: Vec<_> = figures.queues.iter().map(|q| (&*q.pbx, &*q.queue, q.visits, q.connected)).collect();
    assert_eq!(queues, [("north", "sales", 3, 2), ("south", "sales", 1, 1)]);
    let agents: Vec<_> = figures.agents.iter().map(|a| (&*a.pbx, &*a.agent, a.answered, a.missed_rings)).collect();
    let expected = [("north", "PJSIP/101", 2, 1), ("north", "PJSIP/102", 0, 0), ("south", "PJSIP/101", 1, 0)];
    assert_eq!(agents, expected);
    let menus: Vec<_> = figures.ivr.iter().map(|m| (&*m.pbx, &*m.context, &*m.digits, m.steps)).collect();
    assert_eq!(menus, [("north", "ivr-main", "1", 3), ("south", "ivr-main", "1", 1)]);
    // All four began at ten and lasted 41.2 s.
    let lines: Vec<_> =
        figures.lines.iter().map(|l| (&*l.pbx, &*l.trunk, l.calls, l.most_at_once, l.at_limit_ms)).collect();
    let expected = [
        ("north", "PJSIP/provider", 3, 3, Some(41_200)),
        ("south", "PJSIP/provider", 1, 1, Some(0)),
        ("", "PJSIP/unused", 0, 0, Some(0)),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_view_of_lines_counts_each_pbx_by_itself() {
    let (_directory, path) = two_pbxs();
    let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT pbx, trunk, most_at_once, at_limit_ms FROM v_report_lines WHERE date = '2026-03-02' ORDER BY pbx";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    let rows: Vec<(String, String, i64, i64)> = rows.map(Result::unwrap).collect();
    let row = |pbx: &str, most, full| (pbx.to_owned(), "PJSIP/provider".to_owned(), most, full);
    assert_eq!(rows, [row("north", 3, 41_200), row("south", 1, 0)]);
}

#[test]
fn slices_of_one_name_on_two_pbxs_are_two_and_days_are_one() {
    let (_directory, path) = two_pbxs();
    let (facts, _) = read(&path);
    let slices = |of: By| -> Vec<(Option<String>, String, u64)> {
        by(&facts, of).into_iter().map(|slice| (slice.pbx, slice.key, slice.totals.inbound)).collect()
    };
    let of = |pbx: &str, key: &str, calls| (Some(pbx.to_owned()), key.to_owned(), calls);
    assert_eq!(slices(By::Queue), [of("north", "sales", 3), of("south", "sales", 1)]);
    assert_eq!(slices(By::Trunk), [of("north", "PJSIP/provider", 3), of("south", "PJSIP/provider", 1)]);
    assert_eq!(slices(By::Agent), [of("north", "", 1), of("north", "PJSIP/101", 2), of("south", "PJSIP/101", 1)]);
    assert_eq!(slices(By::Day), [(None, "2026-03-02".to_owned(), 4)]);
    assert_eq!(slices(By::Pbx), [(None, "north".to_owned(), 3), (None, "south".to_owned(), 1)]);
}

#[test]
fn the_text_has_the_rows_of_each_pbx_below_its_name_within_80_columns() {
    let long = FinishedCall {
        queue: Some("a-queue-with-a-very-long-name-indeed".into()),
        agent: Some("PJSIP/an-agent-with-a-long-name".into()),
        ..answered("1.5")
    };
    let (_directory, path) = two_pbxs();
    let text = report(&path, &[]);
    let words = |lines: Vec<Vec<String>>| -> Vec<String> {
        lines.into_iter().map(|line| line.into_iter().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(words(section(&text, "QUEUES")), ["north:", "sales 3", "south:", "sales 1"], "{text}");
    let agents = ["north:", "PJSIP/101 2", "PJSIP/102 0", "south:", "PJSIP/101 1", "Handling of"];
    assert_eq!(words(section(&text, "AGENTS")), agents, "{text}");
    assert_eq!(words(section(&text, "MENUS")), ["north:", "ivr-main 1", "south:", "ivr-main 1"], "{text}");
    let lines = ["north:", "PJSIP/provider 3", "south:", "PJSIP/provider 1", "(no calls)", "PJSIP/unused 0"];
    assert_eq!(words(section(&text, "LINES")), lines, "{text}");
    let by_queue = report(&path, &["--by", "queue"]);
    assert_eq!(words(section(&by_queue, "BY QUEUE")), ["north:", "sales 3", "south:", "sales 1"], "{by_queue}");

    let (_directory, path) =
        with_calls([on("a-pbx-with-a-very-long-name-as-well", long), on("south", answered("1.1"))]);
    let text = report(&path, &[]) + &report(&path, &["--by", "agent"]);
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}

#[test]
fn the_page_names_the_pbx_of_each_row_and_csv_has_it_as_a_column() {
    let (_directory, path) = two_pbxs();
    // Names stand in their own direction.
    let page = report(&path, &["--html", "-"]).replace("<bdi>", "").replace("</bdi>", "");
    for row in [
        "<td>north</td><td>sales</td><td>3</td><td>2</td>",
        "<td>south</td><td>sales</td><td>1</td><td>1</td>",
        "<td>south</td><td>PJSIP/101</td><td>1</td>",
        "<td>north</td><td>ivr-main</td><td>1</td><td>3</td>",
        "<td>south</td><td>PJSIP/provider</td><td>1</td><td>1</td>",
    ] {
        assert!(page.contains(row), "{row}");
    }
    assert_eq!(page.matches("<th scope=\"col\">PBX</th>").count(), 4, "queues, agents, menus, lines");
    let csv = report(&path, &["--by", "queue", "--csv"]);
    let starts: Vec<String> = csv.lines().map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(starts, ["queue,pbx,inbound", "sales,north,3", "sales,south,1"]);
}

#[test]
fn where_one_pbx_is_chosen_or_there_is_only_one_nothing_names_it_again() {
    let (_directory, path) = two_pbxs();
    let text = report(&path, &["--pbx", "south"]);
    assert_eq!(section(&text, "QUEUES")[0][..3], ["sales", "1", "1"], "{text}");
    assert!(!report(&path, &["--pbx", "south", "--html", "-"]).contains("<th scope=\"col\">PBX</th>"));
    let (_directory, path) = with_calls([answered("1.1")]);
    assert_eq!(section(&report(&path, &[]), "QUEUES")[0][..3], ["sales", "1", "1"]);
}
