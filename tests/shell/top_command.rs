//! `callbackd top`: the screen at two sizes, and on a real terminal.

use crate::front::Front;
use callbackd::cli::target::{Target, TargetArgs};
use callbackd::cli::top::screen::{Shown, lines};
use callbackd::config::Config;
use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// 2026-11-25, 09:30 UTC.
const NOW_MS: i64 = 1_795_599_000_000;

fn place() -> Target {
    let config = Config::from_toml("[pbx]\nname = \"berlin\"\n[hours]\ntimezone = \"UTC\"\n", "top").unwrap();
    Target::new(&TargetArgs::default(), &config, Timestamp::from_millisecond(NOW_MS).unwrap())
}

fn shown(agents: usize) -> Shown {
    let agent = |n: usize| {
        json!({"pbx": "berlin", "agent": format!("PJSIP/{}", 100 + n), "name": format!("Agent {n}"), "free": n.is_multiple_of(2),
               "why_not": if n.is_multiple_of(2) { "" } else { "ringing" }, "since_ms": NOW_MS - 65_000})
    };
    Shown {
        live: json!({
            "pbx": [{"name": "berlin", "link": "live", "seen": true, "unseen_since_ms": null}],
            "queues": [{"pbx": "berlin", "queue": "sales", "waiting": 2, "longest_since_ms": NOW_MS - 42_000, "members": agents, "free": 1, "paused": 0}],
            "calls": [
                {"number_e164": "+12025550123", "name": "Ann \u{1b}[31m", "queue": "sales", "joined_ms": NOW_MS - 42_000, "answered_ms": null, "started_ms": NOW_MS - 50_000, "agent": null},
                {"number_e164": "+12025550124", "name": null, "queue": "sales", "joined_ms": null, "answered_ms": NOW_MS - 5_000, "started_ms": NOW_MS - 9_000, "agent": "PJSIP/101"},
            ],
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
fn on_80_by_24_everything_has_its_place() {
    let screen = lines(&shown(3), &place(), NOW_MS, (80, 24));
    assert_eq!(screen.len(), 24);
    assert!(screen.iter().all(|line| line.chars().count() <= 80), "{screen:#?}");
    assert_eq!(
        screen.join("\n").trim_end(),
        "\
09:30:00  2 calls, 2 waiting  2 of 3 agents free  2 callbacks open

QUEUE                WAITING  LONGEST  FREE  MEMBERS  PAUSED
sales                      2     0:42     1        3       0

CALL             NAME             QUEUE        NOW        FOR  WITH
+12025550123     Ann \\u{1b}[31m   sales        waits     0:42  -
+12025550124     -                sales        talks     0:05  PJSIP/101

   ID CALLBACK         QUEUE   DUE       WHY NOT YET
    7 +12025550125     sales   now       its turn comes with the next free agent
    8 +12025550126     -       Wed 11:30 it is night where the customer is

AGENT            NAME                    FOR  NOW
PJSIP/100        Agent 0                1:05  free
PJSIP/101        Agent 1                1:05  ringing
PJSIP/102        Agent 2                1:05  free






q ends  p pauses  Up, Down, Enter: its history  / filters  more: callbackd tail"
    );
}

#[test]
fn on_120_by_40_and_with_a_hundred_agents_it_says_how_many_are_left_out() {
    for size in [(120, 40), (80, 24), (40, 12), (20, 4)] {
        let screen = lines(&shown(100), &place(), NOW_MS, size);
        assert!(screen.len() <= size.1.max(3), "{size:?}: {screen:#?}");
        assert!(screen.iter().all(|line| line.chars().count() <= size.0), "{size:?}: {screen:#?}");
    }
    let screen = lines(&shown(100), &place(), NOW_MS, (120, 40));
    let left_out: usize =
        screen.iter().find_map(|line| line.strip_prefix("… ")?.split(' ').next()?.parse().ok()).unwrap();
    let there = screen.iter().filter(|line| line.starts_with("PJSIP/")).count();
    assert_eq!(left_out + there, 100, "{screen:#?}");
}

#[test]
fn what_is_not_seen_is_said_to_be_unknown() {
    let mut shown = shown(2);
    shown.live["pbx"][0] = json!({"name": "berlin", "link": "down", "seen": false, "unseen_since_ms": NOW_MS - 60_000});
    shown.live["queues"][0]["waiting"] = Value::Null;
    shown.live["queues"][0]["free"] = Value::Null;
    for agent in shown.live["agents"].as_array_mut().unwrap() {
        agent["free"] = Value::Null;
        agent["why_not"] = json!("unknown: the PBX is not seen");
    }
    let screen = lines(&shown, &place(), NOW_MS, (80, 24));
    assert!(screen[0].contains("? waiting  ? of 2 agents free"), "{screen:#?}");
    assert_eq!(screen[1], "berlin UNKNOWN: not seen since 09:29:00; down");
}

#[test]
fn without_a_terminal_it_is_printed_once() {
    let front = Front::open("");
    front.added("+12025550123");
    let said = front.run(&["top"]);
    assert_eq!(said.code, 0, "{said:?}");
    said.line(&["0 calls, 0 waiting  0 of 2 agents free  1 callbacks open"]);
    said.line(&["+12025550123", "now", "its turn comes with the next free agent"]);
    said.line(&["PJSIP/101", "Ann", "paused (lunch)"]);
    assert!(!said.out.contains('\u{1b}'), "{said:?}");
}

#[test]
fn on_a_terminal_it_stays_until_q_or_a_signal_and_leaves_the_terminal_as_it_was() {
    let front = Front::open("");
    for signal in [None, Some(Signal::TERM), Some(Signal::INT), Some(Signal::HUP)] {
        // script(1) is a terminal to the program; its input is the keys.
        let program = format!(
            "stty rows 24 cols 80; sh -c 'echo pid=$$.; exec {} top --config callbackd.toml'; stty -a",
            env!("CARGO_BIN_EXE_callbackd")
        );
        let script = Command::new("script")
            .args(["-qec", &program, "/dev/null"])
            .current_dir(front.site.path("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut script) = script.inspect_err(|error| eprintln!("script is not installed here: {error}")) else {
            return;
        };
        let mut screen = script.stdout.take().unwrap();
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains("q ends") {
            let read = screen.read(&mut piece).unwrap();
            assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..read]);
        }
        let mut keys = script.stdin.take().unwrap();
        match signal {
            None => keys.write_all(b"q").unwrap(),
            Some(signal) => {
                let text = String::from_utf8_lossy(&seen);
                let (_, pid) = text.split_once("pid=").unwrap();
                let (pid, _) = pid.split_once('.').unwrap();
                kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), signal).unwrap();
            }
        }
        screen.read_to_end(&mut seen).unwrap();
        let seen = String::from_utf8_lossy(&seen);
        let (_, after) = seen.rsplit_once("\u{1b}[?25h\u{1b}[?1049l").expect("the screen is given back");
        assert!(seen.contains("\u{1b}[?1049h\u{1b}[?25l") && seen.contains("2 agents free"), "{signal:?}: {seen}");
        assert!(after.contains("isig icanon iexten echo echoe"), "{signal:?}: {after}");
        assert!(script.wait().unwrap().success());
    }
}
