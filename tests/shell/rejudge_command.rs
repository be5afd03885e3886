//! `callbackd rejudge`: calls that were judged under wrong rules are judged again; a database that the daemon writes is only looked at.

use crate::scripted::{Said, Site, said};
use callbackd::store::Store;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

const RULES: &str = include_str!("../traces.toml");

/// A site whose configuration does not name the provider's context.
fn site() -> Site {
    let site = Site::new(1);
    configure(&site, "from-pstn");
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22");
    for recording in ["queue_abandoned", "queue_answered", "ringgroup_answered"] {
        let recording = traces.join(format!("{recording}.ami")).display().to_string();
        let said = site.run(&["replay", "--config", "callbackd.toml", "--db", "calls.db", &recording]);
        assert_eq!(said.code, 0, "{said:#?}");
    }
    site
}

fn configure(site: &Site, inbound: &str) {
    let base = RULES.replace("secret_file = \"/dev/null\"", "secret_file = \"secret\"").replace("from-trunk", inbound);
    site.configure(&format!("{base}\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n"));
}

fn rejudge(site: &Site, args: &[&str]) -> Said {
    site.run(&[&["rejudge", "--config", "callbackd.toml"], args].concat())
}

fn column(site: &Site, sql: &str) -> Vec<String> {
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn calls_that_were_internal_for_want_of_a_name_become_inbound_once_it_is_there() {
    let site = site();
    let directions = "SELECT direction || ' ' || rev FROM calls ORDER BY started_ms";
    assert_eq!(column(&site, directions), ["internal 1"; 3]);
    configure(&site, "from-trunk");
    let file = fs::read(site.path("calls.db")).unwrap();
    let dry = rejudge(&site, &["--since", "2026-11-01", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:#?}");
    assert_eq!(dry.out.lines().filter(|line| line.contains("  pbx-17953")).count(), 3, "{dry:#?}");
    dry.line(&["pbx-1795336414.2", "internal CANCEL", "→ inbound CANCEL QUEUE_ABANDON"]);
    dry.line(&["Judged 3 calls again: 3 rows would change"]);
    assert!(fs::read(site.path("calls.db")).unwrap() == file, "a look changes nothing");

    let said = rejudge(&site, &["--since", "2026-11-01"]);
    assert_eq!((said.code, &*said.err), (0, ""), "{said:#?}");
    said.line(&["Judged 3 calls again: 3 rows changed"]);
    said.line(&["1 of them are missed callers who were none before", "Nobody is called back", "callbackd missed"]);
    assert_eq!(column(&site, directions), ["inbound 2"; 3]);
    let changes = "SELECT kind || ' ' || late FROM outbox ORDER BY seq DESC LIMIT 3";
    assert_eq!(column(&site, changes), ["call.updated 1"; 3], "readers learn it, and that it is no news");
    assert_eq!(column(&site, "SELECT id || '' FROM callbacks"), [""; 0]);

    let again = rejudge(&site, &["--since", "2026-11-01", "--json"]);
    let tally: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&tally["judged"], &tally["changed"]), (&3.into(), &0.into()), "{tally}");
    assert_eq!(column(&site, directions), ["inbound 2"; 3]);
}

#[test]
fn what_people_said_of_a_call_and_its_callback_stay() {
    let site = site();
    let db = Connection::open(site.path("calls.db")).unwrap();
    db.execute_batch(
        "INSERT INTO tags SELECT id, 'SPAM', 'by hand', 'ann', 1, 'command' FROM calls;
         UPDATE calls SET callback_id = 7, recovered_by = 'agent', recovered_ms = 5 WHERE linkedid = 'pbx-1795336414.2'",
    )
    .unwrap();
    drop(db);
    configure(&site, "from-trunk");
    assert_eq!(rejudge(&site, &["--since", "2026-11-01"]).code, 0);
    assert_eq!(column(&site, "SELECT note FROM tags WHERE code = 'SPAM'"), ["by hand"; 3]);
    let kept = "SELECT callback_id || recovered_by || recovered_ms FROM calls WHERE linkedid = 'pbx-1795336414.2'";
    assert_eq!(column(&site, kept), ["7agent5"]);
}

#[test]
fn a_part_of_the_time_is_judged_and_what_has_nothing_to_be_judged_by_is_counted() {
    let site = site();
    configure(&site, "from-trunk");
    let db = Connection::open(site.path("calls.db")).unwrap();
    db.execute_batch(
        "DELETE FROM tapes WHERE call_id = (SELECT id FROM calls WHERE linkedid = 'pbx-1795336414.2');
         UPDATE calls SET quality = 'backfilled' WHERE id = (SELECT max(id) FROM calls)",
    )
    .unwrap();
    let first: i64 = db.query_row("SELECT min(started_ms) FROM calls", [], |row| row.get(0)).unwrap();
    drop(db);
    let before = jiff::Timestamp::from_millisecond(first).unwrap().to_string();
    let none = rejudge(&site, &["--since", "2026-11-01", "--until", &before]);
    none.line(&["Judged 0 calls again"]);
    let said = rejudge(&site, &["--since", "2026-11-01"]);
    said.line(&["Judged 1 calls again: 1 rows changed"]);
    said.line(&["1 calls have nothing to be judged by"]);
    said.line(&["1 calls were seen in part or come from Asterisk's files"]);
    assert_eq!(column(&site, "SELECT direction FROM calls ORDER BY direction"), ["inbound", "internal", "internal"]);
}

#[test]
fn what_is_no_time_no_pbx_and_no_database_is_refused_by_name_and_so_is_one_that_the_daemon_writes() {
    let site = site();
    for (args, code, why) in [
        (&["--since", "someday"][..], 64, "--since: 'someday' is not a time"),
        (&["--since", "today", "--until", "neverland"], 64, "--until: 'neverland' is not a time"),
        (&["--since", "2026-11-02", "--until", "2026-11-01"], 64, "--until is not after --since"),
        (&["--since", "2026-11-01", "--pbx", "bonn"], 64, "bonn"),
        (&[], 64, "--since"),
    ] {
        let said = rejudge(&site, args);
        assert!(said.code == code && said.err.contains(why), "{args:?}: {said:#?}");
    }
    let held = Store::open(&site.path("calls.db")).unwrap();
    let said = rejudge(&site, &["--since", "2026-11-01"]);
    assert!(said.code == 75 && said.err.contains("in use by another callbackd"), "{said:#?}");
    assert_eq!(rejudge(&site, &["--since", "2026-11-01", "--dry-run"]).code, 0, "looking on is allowed");
    drop(held);
    fs::remove_file(site.path("calls.db")).unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let said = rejudge(&site, &[&["--since", "2026-11-01"], more].concat());
        assert!(said.code == 66 && said.err.contains("calls.db"), "{said:#?}");
        assert!(!site.path("calls.db").exists(), "none is made by the way");
    }
}

/// More calls than are written in three transactions.
const CROWD: i64 = 1_600;

/// A site with the same call so many times, one behind the other, which is another under the rules of now.
fn crowd() -> Site {
    let site = Site::new(1);
    configure(&site, "from-pstn");
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_abandoned.ami");
    let trace = fs::read_to_string(trace).unwrap().replace('\r', "");
    let frames: Vec<&str> = trace.split("\n\n").collect();
    // What no rule looks at is left out: it would take its time.
    let said =
        |frame: &&str| !["TestEvent", "VarSet", "RTCP"].iter().any(|name| frame.contains(&format!("Event: {name}")));
    let live = frames.iter().position(|frame| frame.starts_with("Event: Newchannel")).unwrap();
    let mut recording = frames[..live].join("\n\n");
    let call = frames[live..].iter().copied().filter(said).collect::<Vec<_>>().join("\n\n");
    let pieces: Vec<&str> = call.split("17953364").collect();
    for n in 0..CROWD {
        recording.push_str("\n\n");
        recording.push_str(pieces[0]);
        for piece in &pieces[1..] {
            let (seconds, rest) = piece.split_at(2);
            recording.push_str(&(1_795_336_400 + seconds.parse::<i64>().unwrap() + 20 * n).to_string());
            recording.push_str(rest);
        }
    }
    recording.push_str("\n\n");
    site.write("crowd.ami", &recording.replace('\n', "\r\n"), 0o600);
    let said = site.run(&["replay", "--config", "callbackd.toml", "--db", "calls.db", "crowd.ami"]);
    assert_eq!(said.code, 0, "{said:#?}");
    assert_eq!(
        column(&site, "SELECT count(*) || direction FROM calls GROUP BY direction"),
        [format!("{CROWD}internal")]
    );
    configure(&site, "from-trunk");
    site
}

/// All that rows say of calls.
const ROWS: &str = "SELECT linkedid || direction || status || outcome || started_ms || ended_ms || queue_wait_ms || why || rev FROM calls ORDER BY id";

fn written(site: &Site) -> i64 {
    column(site, "SELECT count(*) || '' FROM calls WHERE rev > 1")[0].parse().unwrap()
}

#[test]
fn a_signal_in_the_middle_keeps_what_is_written_and_a_second_run_comes_to_the_same_end() {
    let site = crowd();
    fs::copy(site.path("calls.db"), site.path("before.db")).unwrap();
    let whole = rejudge(&site, &["--since", "2026-11-01"]);
    whole.line(&[&format!("Judged {CROWD} calls again: {CROWD} rows changed")]);
    let expected = column(&site, ROWS);
    for signal in [Signal::INT, Signal::TERM] {
        fs::copy(site.path("before.db"), site.path("calls.db")).unwrap();
        let mut command = site.command(&["rejudge", "--config", "callbackd.toml", "--since", "2026-11-01"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        while written(&site) == 0 {
            std::thread::yield_now();
        }
        // It is held in the middle, so that the signal finds it there.
        kill_process(pid, Signal::STOP).unwrap();
        assert!(written(&site) < CROWD, "it is too quick for this test: let the crowd grow");
        kill_process(pid, signal).unwrap();
        kill_process(pid, Signal::CONT).unwrap();
        let ended = said(child.wait_with_output().unwrap());
        let kept = written(&site);
        assert!(ended.code == 130 && ended.out.is_empty() && kept < CROWD, "{kept} {ended:#?}");
        assert!(
            ended.err.starts_with("error: interrupted: ") && ended.err.contains(&format!(" {kept} rows are changed")),
            "{kept} {ended:#?}"
        );
        assert!(ended.err.contains("these are kept; the same command does the rest"), "{ended:#?}");
        assert_eq!(column(&site, "PRAGMA integrity_check"), ["ok"]);
        let rest = rejudge(&site, &["--since", "2026-11-01"]);
        rest.line(&[&format!("Judged {CROWD} calls again: {} rows changed", CROWD - kept)]);
        assert!(column(&site, ROWS) == expected, "{signal:?}: another end than without a signal");
    }
}

#[test]
fn a_look_is_interrupted_too_and_shows_how_far_it_is_on_a_terminal_alone() {
    let site = crowd();
    let file = fs::read(site.path("calls.db")).unwrap();
    let look = ["rejudge", "--config", "callbackd.toml", "--since", "2026-11-01", "--dry-run"];
    let mut child = site.command(&look).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut rows = String::new();
    // What it says does not fit into the pipe: it waits in the middle.
    out.read_line(&mut rows).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    out.read_to_string(&mut rows).unwrap();
    let ended = said(child.wait_with_output().unwrap());
    assert!(ended.code == 130 && ended.err.contains("nothing is changed by --dry-run"), "{ended:#?}");
    let seen = rows.lines().filter(|line| line.contains("→ inbound CANCEL QUEUE_ABANDON")).count();
    assert!(0 < seen && seen < usize::try_from(CROWD).unwrap(), "{seen} rows");
    assert!(fs::read(site.path("calls.db")).unwrap() == file, "a look changes nothing");

    let piped = site.run(&[&look[..], &["--json"]].concat());
    assert_eq!((piped.code, &*piped.err), (0, ""), "{piped:#?}");
    // script(1) is a terminal to the program.
    let line = format!("stty cols 100; {} {} --json", env!("CARGO_BIN_EXE_callbackd"), look.join(" "));
    let shown = Command::new("script").args(["-qec", &line, "/dev/null"]).current_dir(site.path(".")).output();
    let Ok(shown) = shown.inspect_err(|error| eprintln!("script is not installed here: {error}")) else { return };
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.contains(" %, ") && shown.contains(" left"), "no bar: {shown}");
    let (_, after) = shown.rsplit_once(" left").unwrap();
    assert!(
        after.contains("\u{1b}[") && after.contains("\"judged\""),
        "the bar is gone before what came of it: {shown:?}"
    );
}
