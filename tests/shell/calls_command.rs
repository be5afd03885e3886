//! `callbackd calls`: what people and scripts see of stored calls.

use crate::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::cli::calls::{CallsArgs, CallsError, list, run};
use callbackd::store::{CallFilter, Reader, Store};
use callbackd_core::model::{Direction, FinishedCall, Outcome, PbxId, Status};
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

struct Said {
    out: String,
    notes: String,
}

fn parse(args: &[&str]) -> Result<CallsArgs, clap::Error> {
    let command = CallsArgs::augment_args(clap::Command::new("calls"));
    CallsArgs::from_arg_matches(&command.try_get_matches_from([&["calls"], args].concat())?)
}

/// Monday noon in Berlin, where it is 13:00.
fn calls(path: &Path, args: &[&str]) -> Result<Said, CallsError> {
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = Timestamp::from_millisecond(MONDAY_10 + 2 * 3_600_000).unwrap();
    run(&parse(args).unwrap(), path, &BTreeSet::new(), (&zone, now), &mut out, &mut notes)?;
    Ok(Said { out: String::from_utf8(out).unwrap(), notes: String::from_utf8(notes).unwrap() })
}

fn with_calls(calls: impl IntoIterator<Item = FinishedCall>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let records: Vec<_> = calls.into_iter().map(record).collect();
    assert_eq!(Store::open(&path).unwrap().write(&records).unwrap(), []);
    (directory, path)
}

fn at(started_ms: i64, call: FinishedCall) -> FinishedCall {
    FinishedCall { started_ms, ..call }
}

#[test]
fn the_table_is_aligned_newest_first_in_local_time() {
    let (_directory, path) = with_calls([
        at(MONDAY_10, abandoned("1.1")),
        at(MONDAY_10 + 60_000, FinishedCall { number: None, number_e164: None, ..answered("1.2") }),
    ]);
    assert_eq!(
        calls(&path, &[]).unwrap().out,
        "\
ID  Started           Dir  Number        Status  Outcome        Queue  Agent      Wait  Talk
 2  2026-03-02 11:01  in   withheld      ANSWER  AGENT          sales  PJSIP/101  0:09  0:32
 1  2026-03-02 11:00  in   +12025550123  CANCEL  QUEUE_ABANDON  sales  -          0:41  0:00
"
    );
}

/// A call of each status with each outcome, of a queue and an agent whose names are long.
fn calls_of_all_words() -> impl Iterator<Item = FinishedCall> {
    Status::ALL.iter().flat_map(|&status| {
        Outcome::ALL.iter().map(move |&outcome| FinishedCall {
            status,
            outcome,
            queue: Some("a-queue-with-a-long-name".into()),
            agent: Some("PJSIP/a-long-interface".into()),
            ..abandoned(&format!("{status}.{outcome}"))
        })
    })
}

#[test]
fn the_widest_words_of_statuses_and_outcomes_fit_into_a_hundred_columns() {
    let (_directory, path) = with_calls(calls_of_all_words());
    let table = calls(&path, &["--limit", "999"]).unwrap().out;
    assert_eq!(table.lines().count(), 1 + Status::ALL.len() * Outcome::ALL.len());
    let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 100, "{widest}");
    assert!(
        table.contains("CALLBACK_REQUESTED") && table.contains("NOT_CONNECTED") && table.contains("a-queue-…"),
        "{table}"
    );
}

#[test]
fn on_a_terminal_of_eighty_columns_no_line_is_longer_and_what_fits_is_whole() {
    let (_directory, path) = with_calls(calls_of_all_words());
    let all = Reader::open(&path).unwrap().calls(&CallFilter::default()).unwrap();
    for (several, width) in [(false, 80), (true, 80), (false, 120)] {
        let table = list::fitted(&all, several, &TimeZone::UTC, Some(width));
        let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width, "{widest} of {width}: {table}");
        assert!(table.contains("+12025550123") && table.contains("QUEUE_ABANDON"), "{table}");
    }
    let usual = list::fitted(&all[..1], false, &TimeZone::UTC, Some(120));
    assert!(usual.contains("ID  Started           Dir"), "{usual}");
}

#[test]
fn the_name_that_a_stranger_sends_cannot_reach_the_terminal() {
    let evil = "\u{1b}]0;owned\u{7}\u{202e}\u{9b}31m\r\nCall 7";
    let (_directory, path) = with_calls([FinishedCall {
        name: Some(evil.into()),
        number: Some(evil.into()),
        number_e164: None,
        queue: Some(evil.into()),
        why: vec![evil.into()],
        ..abandoned("1.1")
    }]);
    for args in [&[][..], &["show", "1"]] {
        let text = calls(&path, args).unwrap().out;
        let wild: Vec<char> = text.chars().filter(|&c| (c.is_control() && c != '\n') || c == '\u{202e}').collect();
        assert_eq!(wild, [], "{text}");
        assert!(text.contains("\\u{1b}]0;owned"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("Call 7")), "{text}");
    }
}

#[test]
fn an_empty_answer_says_so_beside_the_data() {
    let (_directory, path) = with_calls([abandoned("1.1")]);
    for face in [&["--number", "5550199"][..], &["--number", "5550199", "--json"]] {
        let said = calls(&path, face).unwrap();
        assert_eq!((said.out.as_str(), said.notes.as_str()), ("", "No calls match.\n"));
    }
}

#[test]
fn a_table_that_is_cut_says_so_and_data_is_never_cut() {
    let (_directory, path) = with_calls((0..60).map(|n| at(MONDAY_10 + n, abandoned(&format!("1.{n}")))));
    let said = calls(&path, &[]).unwrap();
    assert_eq!(said.out.lines().count(), 51);
    assert!(said.notes.contains("newest 50 are shown, there are more"), "{}", said.notes);
    let whole = calls(&path, &["--limit", "60"]).unwrap();
    assert_eq!((whole.out.lines().count(), whole.notes.as_str()), (61, ""));
    assert_eq!(calls(&path, &["--json"]).unwrap().out.lines().count(), 60);
    assert_eq!(calls(&path, &["--csv"]).unwrap().out.lines().count(), 61);
    assert_eq!(calls(&path, &["--json", "--limit", "2"]).unwrap().out.lines().count(), 2);
}

#[test]
fn json_has_one_object_per_line_with_stable_keys() {
    let (_directory, path) = with_calls([answered("1.1")]);
    let out = calls(&path, &["--json"]).unwrap().out;
    assert_eq!(
        out,
        concat!(
            r#"{"id":1,"pbx":"pbx","linkedid":"1.1","direction":"inbound","status":"ANSWER","outcome":"AGENT","#,
            r#""number":"2025550123","number_e164":"+12025550123","name":"ACME","did":"5550100","trunk":"PJSIP/provider","#,
            r#""queue":"sales","agent":"PJSIP/101","started":"2026-03-02T10:00:00.000Z","started_ms":1772445600000,"#,
            r#""answered":"2026-03-02T10:00:09.000Z","answered_ms":1772445609000,"ended":"2026-03-02T10:00:41.200Z","#,
            r#""ended_ms":1772445641200,"wait_ms":9000,"queue_wait_ms":4800,"ring_ms":24000,"talk_ms":32200,"hold_ms":0,"#,
            r#""hangup_by":"agent","hangup_cause":16,"transfers":0,"voicemail":false,"quality":"full","callback_id":null,"recovered_by":null,"recovered_ms":null,"language":null,"#,
            r#""why":["PJSIP/101 talked with the customer for 32.2 s"],"rev":1}"#,
            "\n"
        )
    );
}

#[test]
fn csv_has_the_keys_of_json_as_header_and_quotes_what_needs_it() {
    let (_directory, path) =
        with_calls([FinishedCall { name: Some("Smith, \"Joe\"\r\nInc".into()), ..abandoned("1.1") }]);
    let csv = calls(&path, &["--csv"]).unwrap().out;
    let json: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&calls(&path, &["--json"]).unwrap().out).unwrap();
    let mut lines = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = lines.headers().unwrap().iter().map(str::to_owned).collect();
    let mut keys: Vec<String> = json.keys().cloned().collect();
    let mut sorted = header.clone();
    keys.sort();
    sorted.sort();
    assert_eq!(sorted, keys);
    let row = lines.records().next().unwrap().unwrap();
    let cell = |name: &str| &row[header.iter().position(|column| column == name).unwrap()];
    assert_eq!(cell("name"), "Smith, \"Joe\"\r\nInc");
    assert_eq!((cell("linkedid"), cell("started"), cell("agent")), ("1.1", "2026-03-02T10:00:00.000Z", ""));
    assert_eq!(cell("why"), "waited in queue sales for 37.0 s; the customer hung up first; nobody had answered");
    assert_eq!((cell("wait_ms"), cell("callback_id"), cell("voicemail")), ("41200", "", "false"));
    assert!(csv.contains("\"Smith, \"\"Joe\"\"\r\nInc\""), "{csv}");
}

#[test]
fn what_turns_the_direction_of_reading_or_breaks_a_line_is_escaped_for_programs_too() {
    let hostile = "AC\u{202e}ME\u{2028}x\u{2066}y\u{85}z\u{200b}\u{e0041}ä";
    let (_directory, path) = with_calls([FinishedCall { name: Some(hostile.into()), ..abandoned("1.1") }]);
    let harmful = |text: &str| text.trim_end().chars().any(|c| c != '\r' && callbackd_core::model::text::is_harmful(c));
    let json = calls(&path, &["--json"]).unwrap().out;
    assert!(!harmful(&json) && json.contains(r"AC\u202eME\u2028x\u2066y\u0085z\u200b\udb40\udc41ä"), "{json}");
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["name"], hostile, "it means the same");
    let csv = calls(&path, &["--csv"]).unwrap().out.replace("\r\n", "");
    assert!(!harmful(&csv) && csv.contains(r"AC\u{202e}ME\u{2028}x"), "{csv}");
}

#[test]
fn a_name_cannot_become_a_formula_of_a_spreadsheet_and_a_number_stays_a_number() {
    let (_directory, path) = with_calls([FinishedCall {
        name: Some("=HYPERLINK(\"http://192.0.2.1\")".into()),
        number: Some("+1-cmd|x".into()),
        ..abandoned("1.1")
    }]);
    let csv = calls(&path, &["--csv"]).unwrap().out;
    assert!(csv.contains("\"'=HYPERLINK"), "{csv}");
    assert!(csv.contains(",'+1-cmd|x,+12025550123,"), "{csv}");
}

#[test]
fn times_are_read_in_the_zone_of_the_configuration() {
    let hour = 3_600_000;
    // In Berlin, Monday begins at 23:00 UTC of Sunday and now is 13:00.
    let monday = MONDAY_10 - 11 * hour;
    let (_directory, path) = with_calls([
        at(monday - 24 * hour - 1, abandoned("saturday")),
        at(monday - 1, abandoned("sunday")),
        at(monday, abandoned("midnight")),
        at(MONDAY_10, abandoned("eleven")),
        at(MONDAY_10 + hour, abandoned("noon")),
    ]);
    let found = |args: &[&str]| {
        let out = calls(&path, &[args, &["--json"]].concat()).unwrap().out;
        let linkedid = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["linkedid"].as_str().unwrap().to_owned()
        };
        out.lines().map(linkedid).collect::<Vec<_>>().join(" ")
    };
    let today = "noon eleven midnight";
    assert_eq!(found(&["--since", "today"]), today);
    assert_eq!(found(&["--since", "2026-03-02"]), today);
    assert_eq!(found(&["--since", "2026-03-02 00:00"]), today);
    assert_eq!(found(&["--since", "2026-03-01T23:00:00Z"]), today);
    assert_eq!(found(&["--since", "2026-03-02T00:00:00+01:00"]), today);
    assert_eq!(found(&["--since", "yesterday", "--until", "today"]), "sunday");
    assert_eq!(found(&["--since", "2026-03-02 11:00:00", "--until", "2026-03-02 12:00"]), "eleven");
    assert_eq!(found(&["--since", "1h"]), "noon");
    assert_eq!(found(&["--since", "1h30m"]), "noon");
    assert_eq!(found(&["--since", "2h"]), "noon eleven");
    assert_eq!(found(&["--since", "1d"]), "noon eleven midnight sunday");
    assert_eq!(found(&["--until", "1d"]), "saturday");
}

#[test]
fn a_time_that_is_none_is_answered_with_what_is() {
    let (_directory, path) = with_calls([]);
    for (args, word) in [
        (["--since", "3x"], "--since: '3x' is not a time: give 2026-11-22T14:00:00Z"),
        (["--until", "2026-02-30"], "--until: '2026-02-30' is not a time"),
        (["--since", ""], "--since: '' is not a time"),
        (["--since", "19000y"], "is too far away"),
    ] {
        let Err(error) = calls(&path, &args) else { panic!("{args:?} was accepted") };
        assert_eq!(error.exit_code(), 64);
        assert!(error.to_string().contains(word), "{error}");
    }
    let Err(error) = calls(&path, &["--since", "today", "--until", "yesterday"]) else { panic!("an empty span") };
    assert!(error.to_string().contains("--since is not before --until"), "{error}");
}

#[test]
fn an_unknown_word_is_answered_with_the_known_ones() {
    for (args, word) in [
        (["--status", "CANCELED"], "NOT_CONNECTED"),
        (["--outcome", "LOST"], "QUEUE_ABANDON"),
        (["--direction", "in"], "inbound"),
    ] {
        let message = parse(&args).unwrap_err().to_string();
        assert!(message.contains(args[1]) && message.contains(word), "{message}");
    }
    let args = parse(&["--status", "cancel,NoAnswer", "--status", "busy", "--direction", "INBOUND"]).unwrap();
    assert_eq!(args.status, [Status::Cancel, Status::NoAnswer, Status::Busy]);
    assert_eq!(args.direction, [Direction::Inbound]);
}

#[test]
fn filters_choose_rows() {
    let (_directory, path) = with_calls([abandoned("1.1"), answered("1.2")]);
    let count = |args: &[&str]| calls(&path, &[args, &["--json"]].concat()).unwrap().out.lines().count();
    assert_eq!(count(&[]), 2);
    assert_eq!(count(&["--status", "CANCEL"]), 1);
    assert_eq!(count(&["--outcome", "AGENT"]), 1);
    assert_eq!(count(&["--agent", "101"]), 1);
    assert_eq!(count(&["--number", "0123"]), 2);
    assert_eq!(count(&["--direction", "outbound"]), 0);
    assert_eq!(count(&["--queue", "sales", "--status", "ANSWER"]), 1);
}

#[test]
fn a_queue_is_found_whatever_its_capital_letters_and_an_unknown_one_is_answered_with_those_alike() {
    let in_queue = |linkedid: &str, queue: &str| FinishedCall { queue: Some(queue.into()), ..answered(linkedid) };
    let (_directory, path) =
        with_calls([in_queue("1.1", "Support"), in_queue("1.2", "night"), in_queue("1.3", "NIGHT")]);
    let found = |queue: &str| calls(&path, &["--queue", queue, "--json"]).map(|said| said.out.lines().count());
    assert_eq!(found("SUPPORT").unwrap(), 1);
    assert_eq!(found("night").unwrap(), 1);
    let failure = found("Night").unwrap_err();
    assert_eq!(failure.to_string(), "no queue `Night`; did you mean `NIGHT`, `night`?");
    assert_eq!(failure.exit_code(), 64);
    assert_eq!(found("suport").unwrap_err().to_string(), "no queue `suport`; did you mean `Support`?");
}

#[test]
fn an_agent_is_found_by_name_on_their_own_pbx_and_an_unknown_one_is_answered_with_those_alike() {
    let on = |pbx: &str, linkedid: &str| FinishedCall { pbx: PbxId::new(pbx), ..answered(linkedid) };
    let (_directory, path) = with_calls([on("north", "1.1"), on("south", "1.2"), on("south", "1.3")]);
    let database = rusqlite::Connection::open(&path).unwrap();
    let names = "INSERT INTO agents VALUES ('north', 'PJSIP/101', 'Ann'), ('south', 'PJSIP/101', 'Ben'), ('south', 'PJSIP/102', 'Cleo'),
                 ('north', 'PJSIP/103', 'Dan'), ('south', 'PJSIP/104', 'Dan')";
    database.execute(names, []).unwrap();
    let found = |args: &[&str]| calls(&path, &[args, &["--json"]].concat()).map(|said| said.out.lines().count());
    let why = |args: &[&str]| found(args).unwrap_err().to_string();
    assert_eq!(found(&["--agent", "ann"]).unwrap(), 1, "the same phone on another PBX is another person's");
    assert_eq!(found(&["--agent", "Ben"]).unwrap(), 2);
    assert_eq!(found(&["--agent", "101"]).unwrap(), 3);
    assert_eq!(found(&["--agent", "PJSIP/101", "--pbx", "north"]).unwrap(), 1);
    assert_eq!(found(&["--agent", "Cleo"]).unwrap(), 0, "she has taken no call");
    assert_eq!(found(&["--agent", "102"]).unwrap(), 0);
    assert_eq!(found(&["--agent", "Dan", "--pbx", "south"]).unwrap(), 0);
    let both = "several agents are named `Dan`: PJSIP/103 on north, PJSIP/104 on south; give the interface and the PBX";
    assert_eq!(why(&["--agent", "Dan"]), both);
    assert_eq!(why(&["--agent", "Anm"]), "no agent `Anm`; did you mean `Ann`?");
    assert_eq!(found(&["--agent", "Anm"]).unwrap_err().exit_code(), 64);
    let config = "[[pbx]]\nname = \"north\"\n[[pbx.agents]]\ninterface = \"PJSIP/101\"\nname = \"Zoe\"\n\
                  [[pbx]]\nname = \"south\"\naddress = \"127.0.0.1:5048\"\n[[pbx.agents]]\ninterface = \"PJSIP/101\"\nname = \"Yan\"\n";
    let config = callbackd::config::Config::from_toml(config, "callbackd.toml").unwrap();
    let configured = |name: &str| parse(&["--agent", name]).unwrap().meant(&config);
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = Timestamp::from_millisecond(MONDAY_10 + 2 * 3_600_000).unwrap();
    for (name, rows) in [("zoe", 1), ("Yan", 2)] {
        let mut out = Vec::new();
        run(&configured(name), &path, &BTreeSet::new(), (&zone, now), &mut out, &mut Vec::new()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), rows + 1, "{name}: a header, and the calls");
    }
    let (_directory, empty) = with_calls([]);
    assert_eq!(calls(&empty, &["--agent", "Ann"]).unwrap().notes, "No calls match.\n");
}

#[test]
fn the_history_of_an_abandoned_call_is_shown_in_order() {
    let (_directory, path) = with_calls([abandoned("pbx-1.1")]);
    let story = "\
Call 1, Mon 2026-03-02 11:00:00 +01:00, inbound from +12025550123 \"ACME\" to 5550100 over PJSIP/provider
CANCEL QUEUE_ABANDON: waited 41.2 s, 37.0 s in queues, 24.0 s ringing, ended by the customer (cause 16)
pbx=pbx call=pbx-1.1

Why
  - waited in queue sales for 37.0 s
  - the customer hung up first; nobody had answered

What happened
  11:00:00   +0.0 s  the call begins
  11:00:01   +1.0 s  menu ivr-main: 1 was chosen
  11:00:04   +4.2 s  the caller enters queue sales at position 1
  11:00:04   +4.3 s  PJSIP/101 is rung for queue sales
  11:00:19  +19.3 s  PJSIP/101 did not answer within 15.0 s
  11:00:32  +32.2 s  PJSIP/102 is rung for queue sales
  11:00:41  +41.2 s  PJSIP/102 stops ringing: the caller left
  11:00:41  +41.2 s  the caller hangs up in queue sales after 37.0 s
  11:00:41  +41.2 s  the call ends, ended by the customer (cause 16)
";
    assert_eq!(calls(&path, &["show", "1"]).unwrap().out, story);
    assert_eq!(calls(&path, &["show", "pbx-1.1"]).unwrap().out, story);
}

#[test]
fn the_story_as_json_has_legs_visits_and_menus() {
    let (_directory, path) = with_calls([abandoned("1.1")]);
    let out = calls(&path, &["show", "1.1", "--json"]).unwrap().out;
    let object: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(object["linkedid"], "1.1");
    assert_eq!(object["legs"][1]["result"], "CANCELLED");
    assert_eq!(object["queue_visits"][0]["position"], 1);
    assert_eq!(object["ivr_steps"][0]["digits"], "1");
}

#[test]
fn a_call_that_is_not_there_and_an_option_that_means_nothing_are_refused() {
    let (_directory, path) = with_calls([abandoned("1.1")]);
    let Err(error) = calls(&path, &["show", "9\u{1b}"]) else { panic!("call 9 was found") };
    assert_eq!((error.exit_code(), error.to_string().contains("no call 9\\u{1b}")), (66, true), "{error}");
    let Err(error) = calls(&path, &["--limit", "3", "show", "1"]) else { panic!("--limit was ignored") };
    assert_eq!((error.exit_code(), error.to_string().contains("--limit")), (64, true), "{error}");
    let Err(error) = calls(Path::new("/nowhere/calls.db"), &[]) else { panic!("nowhere was found") };
    assert_eq!(error.exit_code(), 66);
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    /// A pipe whose other end was closed after some bytes.
    struct Pipe(usize);
    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    /// A disk that is full.
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (_directory, path) = with_calls((0..40).map(|n| abandoned(&format!("1.{n}"))));
    for args in [&[][..], &["--json"], &["--csv"], &["show", "1"], &["show", "1", "--json"]] {
        let args = parse(args).unwrap();
        run(&args, &path, &BTreeSet::new(), (&TimeZone::UTC, Timestamp::UNIX_EPOCH), &mut Pipe(100), &mut io::sink())
            .unwrap();
        let error =
            run(&args, &path, &BTreeSet::new(), (&TimeZone::UTC, Timestamp::UNIX_EPOCH), &mut Full, &mut io::sink())
                .unwrap_err();
        assert_eq!(error.exit_code(), 74, "{error}");
    }
}
