//! What people type all day: `callbackd` alone, `missed`, `tail`.

use crate::front::Front;
use crate::scripted::{Running, Site, callbackd};
use crate::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::cli::next;
use callbackd::config::Config;
use callbackd::store::Store;
use callbackd_core::model::{FinishedCall, Outcome};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// A configuration beside a database with these calls; no daemon.
fn with_calls(calls: impl IntoIterator<Item = FinishedCall>) -> Site {
    let site = Site::new(9);
    let records: Vec<_> = calls.into_iter().map(record).collect();
    assert_eq!(Store::open(&site.path("calls.db")).unwrap().write(&records).unwrap(), []);
    site
}

#[test]
fn missed_shows_whom_the_view_counts_and_what_became_of_them() {
    let at = |minute: i64, call: FinishedCall| FinishedCall { started_ms: MONDAY_10 + minute * 60_000, ..call };
    let site = with_calls([
        at(0, abandoned("1.1")),
        at(1, answered("1.2")),
        at(2, FinishedCall { outcome: Outcome::ShortAbandon, ..abandoned("1.3") }),
        at(3, abandoned("1.4")),
    ]);
    let database = rusqlite::Connection::open(site.path("calls.db")).unwrap();
    database
        .execute("UPDATE calls SET recovered_by = 'customer', recovered_ms = 1 WHERE linkedid = '1.4'", [])
        .unwrap();
    let said = site.run(&["missed", "--since", "2026-03-01", "--config", "callbackd.toml"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.out.lines().count(), 5, "{}", said.out);
    assert!(said.line(&["+12025550123", "QUEUE_ABANDON", "called again"]).starts_with(" 4"), "{}", said.out);
    assert!(said.line(&["lost: no callback"]).starts_with(" 1"), "{}", said.out);
    assert!(said.line(&["2 missed since", "1 won back, 0 open, 1 lost"]).starts_with('2'));
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    let counted: i64 = database.query_row("SELECT count(*) FROM v_missed", [], |row| row.get(0)).unwrap();
    let json = site.run(&["missed", "--since", "2026-03-01", "--json", "--config", "callbackd.toml"]);
    assert_eq!(json.out.lines().count() as i64, counted);
    let lost = site.run(&["missed", "--since", "2026-03-01", "--lost", "--json", "--config", "callbackd.toml"]);
    let row: Value = serde_json::from_str(&lost.out).unwrap();
    assert_eq!((&row["linkedid"], &row["lost"]), (&json!("1.1"), &json!(true)));
    let nobody = site.run(&["missed", "--config", "callbackd.toml"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (0, ""));
    assert!(nobody.err.contains("Nobody was missed since"), "{nobody:?}");
}

#[test]
fn missed_says_up_to_when_and_in_words_how_the_callback_stands() {
    let call = |linkedid: &str| FinishedCall { callback_id: Some(1), ..abandoned(linkedid) };
    let site = with_calls([call("1.1")]);
    let database = rusqlite::Connection::open(site.path("calls.db")).unwrap();
    let run = |args: &[&str]| site.run(&[&["missed", "--config", "callbackd.toml"], args].concat());
    let span = ["--since", "2026-03-01", "--until", "2026-03-03"];
    database
        .execute_batch(
            "INSERT INTO callbacks (id, pbx, number_e164, state, reason, requested, priority, missed_count, first_missed_ms, last_missed_ms, due_ms,
                                    expires_ms, attempts, counted)
             VALUES (1, 'pbx', '+12025550123', 'PENDING', '', 0, 0, 1, 1, 1, 1, 2, 0, 0)",
        )
        .unwrap();
    for (state, words) in [
        ("PENDING", "callback due"),
        ("WAITING", "callback waits"),
        ("RESERVED", "agent chosen"),
        ("DIALING_AGENT", "agent is called"),
        ("DIALING_CUSTOMER", "being called back"),
        ("TALKING", "talking now"),
    ] {
        database.execute("UPDATE callbacks SET state = ?", [state]).unwrap();
        let said = run(&span);
        assert!(said.line(&["+12025550123"]).contains(words), "{state}: {}", said.out);
        said.line(&["1 missed from 2026-03-01 00:00 to 2026-03-03 00:00: 0 won back, 1 open, 0 lost"]);
        assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    }
    let nobody = run(&["--since", "2026-03-04", "--until", "2026-03-05"]);
    assert_eq!(nobody.err.trim(), "Nobody was missed from 2026-03-04 00:00 to 2026-03-05 00:00.");
    let never = run(&["--since", "2026-03-05", "--until", "2026-03-04"]);
    assert_eq!((never.code, never.err.trim()), (64, "error: --since is not before --until: no call can match"));
}

#[test]
fn tail_says_each_change_as_it_happens_and_ends_with_the_daemon() {
    let mut front = Front::open("");
    let mut tail = front
        .site
        .command(&["tail", "--config", "callbackd.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(tail.stderr.take().unwrap()).lines();
    assert!(notes.next().unwrap().unwrap().contains("Waiting for what happens"));
    let id = front.added("+12025550123");
    front.post(&format!("/v1/callbacks/{id}/hold"), &json!({}));
    front.post("/v1/dnc", &json!({"number": "+12025550124"}));
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = |words: &[&str]| {
        let line = lines.next().unwrap().unwrap();
        assert!(words.iter().all(|word| line.contains(word)), "{words:?}: {line}");
        assert!(line.chars().count() <= 120, "{line}");
    };
    next(&["callback", "+12025550123", "PENDING: its turn comes with the next free agent"]);
    next(&["callback", "+12025550123", "WAITING HELD: until it is released"]);
    next(&["dnc.added", "+12025550124"]);
    front.ended(rustix::process::Signal::TERM);
    assert_eq!(tail.wait().unwrap().code(), Some(66));
    assert!(notes.next().unwrap().unwrap().contains("the daemon has ended"));
}

#[test]
fn tail_of_one_kind_says_nothing_else_and_gives_json() {
    let front = Front::open("");
    let mut tail = front
        .site
        .command(&["tail", "--kind", "dnc", "--json", "--config", "callbackd.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut notes = BufReader::new(tail.stderr.take().unwrap()).lines();
    assert!(notes.next().unwrap().unwrap().contains("Waiting for what happens"));
    front.added("+12025550123");
    front.post("/v1/dnc", &json!({"number": "+12025550199"}));
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let change: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&change["kind"], &change["key"]), (&json!("dnc.added"), &json!("+12025550199")));
    tail.kill().unwrap();
    tail.wait().unwrap();
    let said = front.run(&["tail", "--kind", "gossip"]);
    assert_eq!(said.code, 64);
    assert!(said.err.contains("callback.closed"), "{said:?}");
}

#[test]
fn alone_it_says_how_things_stand_and_what_to_do_next() {
    let fresh = next::screen(None);
    assert!(fresh.contains("Not set up here") && fresh.contains("callbackd demo"), "{fresh}");
    let refused = next::screen(Some(&Config::from_toml("[calls]\nshort_abandn = \"5s\"\n", "x.toml")));
    assert!(refused.contains("The configuration is refused") && refused.contains("callbackd check "), "{refused}");

    let mut front = Front::open("");
    front.added("+12025550123");
    let config = Config::load(&front.site.path("callbackd.toml")).map(|mut config| {
        config.api.socket = front.socket();
        config
    });
    let running = next::screen(Some(&config));
    assert!(running.contains("Running: 0 calls, 0 waiting, 0 of 2 agents free, 1 callbacks open."), "{running}");
    assert!(running.contains("callbackd missed") && running.contains("callbackd tail"), "{running}");
    for text in [&fresh, &refused, &running] {
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
    front.ended(Signal::TERM);
    let stopped = next::screen(Some(&config));
    assert!(
        stopped.contains("Set up, and not running") && stopped.contains("systemctl enable --now callbackd"),
        "{stopped}"
    );
    std::fs::remove_file(front.site.path("secret")).unwrap();
    let installed = next::screen(Some(&config));
    assert!(installed.contains("not set up yet") && installed.contains("callbackd setup --apply"), "{installed}");
    for text in [&stopped, &installed] {
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn alone_the_program_ends_well_and_a_wrong_word_does_not() {
    let alone = callbackd(&[]).output().unwrap();
    assert_eq!(alone.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&alone.stdout).contains("Next:"));
    assert_eq!(callbackd(&["mised"]).output().unwrap().status.code(), Some(64));
}

#[test]
fn alone_it_says_that_a_pbx_is_not_seen() {
    let site = Site::new(9);
    site.configure("[pbx]\naddress = \"127.0.0.1:9\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n");
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("Cannot connect to Asterisk");
    let screen = next::screen(Some(&Config::load(&site.path("callbackd.toml"))));
    assert!(screen.contains("does not see pbx") && screen.contains("journalctl"), "{screen}");
}
