//! What stands on a terminal of 80×24 and of 120×40, held whole: the files in `screens` are what a person sees, with the colours that we choose.
//!
//! `CALLBACKD_WRITE=1 cargo nextest run --config-file tests/nextest.toml --test shell -E 'test(screens)'` writes them anew.

use crate::scripted::{Action, GREETING, Server, Site, usual};
use crate::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::cli::check::{self, CheckArgs};
use callbackd::cli::report::{self, ReportArgs};
use callbackd::cli::status::{self, StatusArgs};
use callbackd::cli::target::{Target, TargetArgs};
use callbackd::cli::top::screen::{Shown, lines};
use callbackd::cli::{demo, top};
use callbackd::config::Config;
use callbackd::report::Thresholds;
use callbackd::store::Store;
use callbackd_core::model::{FinishedCall, Gap, GapCause, PbxId, Record};
use clap::{Args, FromArgMatches};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

/// Columns and rows.
const SIZES: [(usize, usize); 2] = [(80, 24), (120, 40)];
/// 2026-11-25, 09:30 UTC.
const NOW_MS: i64 = 1_795_599_000_000;

/// A character with how it is shown: the parameters of SGR that hold for it.
type Cell = (char, String);

/// What of a terminal our output needs (ECMA-48): lines that break at its width, CR, LF, CUP, EL, ED and SGR. What scrolls out of it is kept.
struct Terminal {
    width: usize,
    rows: Vec<Vec<Cell>>,
    at: (usize, usize),
    style: String,
}

impl Terminal {
    fn showing(width: usize, text: &str) -> Self {
        let mut terminal = Self { width, rows: vec![Vec::new()], at: (0, 0), style: String::new() };
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = match rest.strip_prefix("\x1b[") {
                Some(sequence) => {
                    let end = sequence.find(|c: char| c.is_ascii_alphabetic()).expect("a whole sequence");
                    terminal.control(&sequence[..end], &sequence[end..=end]);
                    &sequence[end + 1..]
                }
                None => {
                    terminal.put(first);
                    &rest[first.len_utf8()..]
                }
            };
        }
        terminal
    }

    fn control(&mut self, parameters: &str, name: &str) {
        match (parameters, name) {
            ("", "H") => self.at = (0, 0),
            // Nothing is behind what was written last, on a screen that was empty.
            ("", "K" | "J") => {}
            ("0" | "27", "m") => self.style.clear(),
            (style, "m") => style.clone_into(&mut self.style),
            other => panic!("{other:?} is no part of this terminal"),
        }
    }

    fn put(&mut self, c: char) {
        let (row, column) = self.at;
        match c {
            '\r' => self.at.1 = 0,
            '\n' => self.at = (row + 1, 0),
            c => {
                assert!(!c.is_control(), "{c:?} is written to the terminal");
                if column == self.width {
                    self.at = (row + 1, 0);
                    return self.put(c);
                }
                self.rows.resize_with(self.rows.len().max(row + 1), Vec::new);
                self.rows[row].push((c, self.style.clone()));
                self.at.1 += 1;
            }
        }
    }

    /// A line for each row; where the style changes stands what it is from there on: `{1;31}`, `{}` for none.
    fn seen(&self) -> String {
        let mut seen = String::new();
        for row in &self.rows {
            let (mut line, mut style) = (String::new(), "");
            for (c, of) in row {
                if style != of {
                    let _ = write!(line, "{{{of}}}");
                    style = of;
                }
                line.push(*c);
            }
            if !style.is_empty() {
                line.push_str("{}");
            }
            seen.push_str(line.trim_end());
            seen.push('\n');
        }
        seen
    }
}

/// What is on the screen at each size is what stands in the file; nothing of it may break where the terminal ends if it fits by itself.
#[track_caller]
fn held(name: &str, made: impl Fn((usize, usize)) -> String) {
    for (width, height) in SIZES {
        let terminal = Terminal::showing(width, &made((width, height)));
        let seen = terminal.seen();
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/shell/screens/{name}-{width}x{height}.txt"));
        if std::env::var_os("CALLBACKD_WRITE").is_some() {
            std::fs::write(file, seen).unwrap();
            continue;
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(
            seen == kept,
            "{name} on {width}x{height} is\n{seen}\nand was\n{kept}\nIf that is meant, this writes the file anew:\n\
             CALLBACKD_WRITE=1 cargo nextest run --config-file tests/nextest.toml --test shell -E 'test(screens)'"
        );
    }
}

fn place(directory: &Path) -> Target {
    let text = format!(
        "[pbx]\nname = \"berlin\"\n[hours]\ntimezone = \"UTC\"\n[store]\npath = \"{0}/calls.db\"\n[api]\nsocket = \"{0}/api.sock\"\n",
        directory.display()
    );
    let config = Config::from_toml(&text, "screens").unwrap_or_else(|refusal| panic!("{}", refusal.render(false)));
    Target::new(&TargetArgs::default(), &config, Timestamp::from_millisecond(NOW_MS).unwrap())
}

/// A call centre in which so many agents have so many callers.
fn busy(agents: usize, calls: usize) -> Shown {
    let agent = |n: usize| {
        let free = n.is_multiple_of(3);
        let why = ["", "ringing", "paused (lunch)"][n % 3];
        json!({"pbx": "berlin", "agent": format!("PJSIP/{}", 100 + n), "name": format!("Agent {n}"), "free": free, "why_not": why, "since_ms": NOW_MS - 65_000 * (1 + n as i64)})
    };
    let call = |n: usize| {
        let (waits, began) = (n.is_multiple_of(2), NOW_MS - 42_000 - 1_000 * n as i64);
        json!({"pbx": "berlin", "linkedid": format!("pbx-{n}.1"), "number_e164": format!("+1202555{:04}", 100 + n), "name": (n == 0).then_some("Ann \u{1b}[31m Müller-Lüdenscheidt"),
               "queue": "sales", "joined_ms": waits.then_some(began), "answered_ms": (!waits).then_some(began), "started_ms": began, "agent": (!waits).then_some("PJSIP/101")})
    };
    Shown {
        live: json!({
            "pbx": [{"name": "berlin", "link": "live", "seen": true, "unseen_since_ms": null}],
            "queues": [
                {"pbx": "berlin", "queue": "sales", "waiting": calls.div_ceil(2), "longest_since_ms": NOW_MS - 42_000, "members": agents, "free": agents.div_ceil(3), "paused": agents / 3},
                {"pbx": "berlin", "queue": "a-queue-with-a-long-name", "waiting": 0, "longest_since_ms": null, "members": 0, "free": 0, "paused": 0},
            ],
            "calls": (0..calls).map(call).collect::<Vec<_>>(),
            "agents": (0..agents).map(agent).collect::<Vec<_>>(),
            "callbacks": {"PENDING": 1, "WAITING": 1},
        }),
        callbacks: vec![
            json!({"id": 7, "number_e164": "+12025550125", "queue": "sales", "state": "PENDING", "reason": "", "due_ms": NOW_MS - 1}),
            json!({"id": 8, "number_e164": "+12025550126", "queue": null, "state": "WAITING", "reason": "QUIET_HOURS", "due_ms": NOW_MS + 7_200_000}),
        ],
    }
}

#[test]
fn top_shows_a_small_office_and_marks_the_chosen_line_by_reverse_video_alone() {
    let target = place(Path::new("/nowhere"));
    held("top", |size| top::frame(&lines(&busy(3, 2), &target, NOW_MS, size), Some(7), size));
}

#[test]
fn top_shows_of_a_large_office_what_fits_and_how_much_does_not() {
    let target = place(Path::new("/nowhere"));
    held("top-large", |size| top::frame(&lines(&busy(100, 60), &target, NOW_MS, size), None, size));
}

#[test]
fn top_shows_that_nothing_is_known_of_a_pbx_that_is_not_seen() {
    let target = place(Path::new("/nowhere"));
    let mut shown = busy(2, 0);
    shown.live["pbx"][0] = json!({"name": "berlin", "link": "down", "seen": false, "unseen_since_ms": NOW_MS - 60_000});
    shown.live["queues"][0]["waiting"] = Value::Null;
    shown.live["queues"][0]["free"] = Value::Null;
    for agent in shown.live["agents"].as_array_mut().unwrap() {
        agent["free"] = Value::Null;
        agent["why_not"] = json!("unknown: the PBX is not seen");
    }
    held("top-unseen", |size| top::frame(&lines(&shown, &target, NOW_MS, size), None, size));
}

#[test]
fn the_demo_shows_the_same_screen_with_how_it_goes_at_its_foot() {
    let target = place(Path::new("/nowhere"));
    held("demo", |size| {
        let foot = demo::foot((36, 7, 5), Some(Duration::from_secs(17)), true);
        top::frame(&top::footed(lines(&busy(8, 5), &target, NOW_MS, size), foot, size.1), None, size)
    });
    let longest = demo::foot((3_600, 720, 720), Some(Duration::from_secs(300)), true);
    assert!(
        longest.chars().count() <= 80
            && demo::foot((360, 72, 72), Some(Duration::from_secs(300)), false).chars().count() <= 80
    );
}

/// A daemon that answers whatever it is asked with this.
fn answering(directory: &Path, answer: &Value) {
    let (listener, answer) = (UnixListener::bind(directory.join("api.sock")).unwrap(), answer.to_string());
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4_096]).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
            client.write_all((head + &answer).as_bytes()).unwrap();
        }
    });
}

/// What `status` says here.
fn status_of(directory: &Path) -> String {
    let mut out = Vec::new();
    // That nobody runs, or a PBX is not seen, is a failure too.
    let ended = status::run(&StatusArgs::default(), &place(directory), &mut out, &mut Vec::new());
    assert!(!out.is_empty(), "{ended:?}");
    String::from_utf8(out).unwrap()
}

fn with_a_gap() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("calls.db")).unwrap();
    let gap = Gap {
        pbx: PbxId::new("berlin"),
        from_ms: NOW_MS - 7_200_000,
        to_ms: NOW_MS - 7_150_000,
        cause: GapCause::LinkLost,
        calls_lost: 2,
    };
    let seen = Record::Seen { pbx: PbxId::new("berlin"), seen_ms: NOW_MS - 1_000 };
    assert_eq!(store.write(&[Record::Gap(gap), seen]).unwrap(), []);
    directory
}

#[test]
fn status_says_in_a_few_lines_how_things_stand_also_where_nothing_is_seen_or_nobody_runs() {
    let pbx = |name: &str, link: &str, seen: bool| {
        json!({"name": name, "address": "192.0.2.7:5038", "link": link, "another_callbackd": null, "gives_way": false, "seen": seen,
               "unseen_since_ms": (!seen).then_some(NOW_MS - 60_000), "calls": 3, "agents": 5, "free": seen.then_some(2),
               "waiting": seen.then_some(json!({"sales": 2, "support": 1})), "callbacks_enabled": true, "calls_stored": 812})
    };
    let mut answer = json!({
        "version": "0.0.0", "since_ms": NOW_MS - 90_061_000, "pbx": [pbx("berlin", "live", true), pbx("tashkent", "cannot connect: Connection refused", false)],
        "callbacks_enabled": true, "callbacks": {"PENDING": 4, "TALKING": 1}, "attempts": 1, "calls_stored": 812, "unsaved": 0, "store_error": null,
        "counters": {
            "pbx": {},
            "callbacks": {"queued": 0, "joined": 0, "refused": 0, "dialled": 0, "connected": 0, "owners_dropped": 0, "do_not_call_refused": 0, "agents_forgotten": 0},
            "store": {"batches": 0, "records": 0, "refused": 0, "given_up": 0, "commits": 0, "retries": 0, "pruned": 0},
        },
    });
    let directory = with_a_gap();
    held("status-stopped", |_| status_of(directory.path()));
    answering(directory.path(), &answer);
    held("status", |_| status_of(directory.path()));
    let directory = with_a_gap();
    answer["store_error"] = json!("database or disk is full");
    answer["unsaved"] = json!(17);
    answer["callbacks_enabled"] = json!(false);
    answer["pbx"][0]["another_callbackd"] = json!("1a2b3c4d");
    answering(directory.path(), &answer);
    held("status-trouble", |_| status_of(directory.path()));
}

fn parsed<A: Args + FromArgMatches>(args: &[&str]) -> A {
    let command = A::augment_args(clap::Command::new("command"));
    A::from_arg_matches(&command.try_get_matches_from([&["command"], args].concat()).unwrap()).unwrap()
}

/// What `check --connect` says of a PBX that answers like this, from where it speaks of the PBX on: what comes before is of this machine.
fn checked(width: usize, other: fn(&Action) -> Option<String>) -> String {
    let server =
        Server::start(GREETING, 1, Box::new(move |action| Some(other(action).unwrap_or_else(|| usual(action)))));
    let site = Site::new(server.port);
    let path = site.path("callbackd.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"secret\"", &format!("{:?}", site.path("secret")));
    let config =
        Config::from_toml(&text.replace("calls.db", site.path("calls.db").to_str().unwrap()), "screens").unwrap();
    let mut out = Vec::new();
    check::run(&parsed::<CheckArgs>(&["--connect"]), &path, &config, &mut out, Some(width));
    let said = String::from_utf8(out).unwrap();
    let there = said.find("\x1b[1mPBX ").unwrap_or_else(|| panic!("{said}"));
    // The verdict counts what was found on this machine too.
    let verdict = said.trim_end().rfind('\n').unwrap();
    // Whichever port it is, five digits.
    said[there..verdict].replace(&format!(":{}", server.port), ":55555")
}

#[test]
fn check_says_what_it_found_of_a_pbx_in_lines_that_fit_and_in_the_terminals_own_colours() {
    held("check", |(width, _)| checked(width, |_| None));
    held("check-missing", |(width, _)| {
        checked(width, |action| {
            let text = match (action.get("Action"), action.get("Variable").contains(",read,")) {
                ("ListCommands", _) => {
                    "Response: Success\nActionID: @ID@\nQueueStatus: Show.  (Priv: <none>)\nGetvar: Gets.  (Priv: call,reporting,all)\n\n"
                }
                ("Getvar", true) => "Response: Success\nActionID: @ID@\nVariable: x\nValue: system, call\n\n",
                _ => return None,
            };
            Some(text.to_owned())
        })
    });
}

#[test]
fn a_report_is_the_same_on_every_terminal_that_is_wide_enough() {
    let shifted = |call: FinishedCall, ms: i64| FinishedCall {
        started_ms: call.started_ms + ms,
        ended_ms: call.ended_ms + ms,
        answered_ms: call.answered_ms.map(|at| at + ms),
        ..call
    };
    let calls = [
        answered("1.1"),
        shifted(answered("1.2"), 3_600_000),
        shifted(abandoned("1.3"), 3_600_000),
        shifted(answered("1.4"), -86_400_000),
        FinishedCall {
            queue: Some("a-queue-with-a-very-long-name-indeed".into()),
            agent: Some("PJSIP/an-agent-with-a-long-name".into()),
            ..answered("1.5")
        },
    ];
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    assert_eq!(Store::open(&path).unwrap().write(&calls.map(record)).unwrap(), []);
    let reported = |args: &[&str]| {
        let mut out = Vec::new();
        let now = Timestamp::from_millisecond(MONDAY_10 + 7_200_000).unwrap();
        let configured = Some((BTreeSet::new(), Thresholds::default(), TimeZone::get("Europe/Berlin").unwrap()));
        report::run(&parsed::<ReportArgs>(args), &path, configured, now, &mut out, &mut Vec::new()).unwrap();
        String::from_utf8(out).unwrap()
    };
    held("report", |_| reported(&["today"]));
    held("report-by-agent", |_| reported(&["week", "--by", "agent"]));
}
