//! Commands that take long: Ctrl-C and SIGTERM end them where what they have done is whole, and a terminal shows how far they are.

use crate::scripted::{Said, Site, said};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// So many calls make each command long enough to be found in its middle.
const CALLS: i64 = 20_000;

/// A site without a configuration, with Asterisk's CDR of as many calls that nobody answered.
fn site() -> Site {
    let site = Site::new(1);
    let first: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
    let mut cdrs = String::new();
    for n in 0..CALLS {
        let begun = first + SignedDuration::from_secs(20 * n);
        let (begin, end) = (begun.strftime("%F %T"), (begun + SignedDuration::from_secs(9)).strftime("%F %T"));
        let (number, id) = (5_550_000 + n % 1_000, format!("pbx-{}.{n}", begun.as_second()));
        writeln!(
            cdrs,
            r#""","{number}","5550100","from-trunk","""A"" <{number}>","PJSIP/trunk-{n:08x}","","Playback","x","{begin}",,"{end}",9,0,"NO ANSWER","DOCUMENTATION","{id}","","{id}","",{n}"#
        )
        .unwrap();
    }
    site.write("Master.csv", &cdrs, 0o644);
    site
}

const IMPORT: [&str; 5] = ["import", "--db", "calls.db", "--cdr", "Master.csv"];

fn database(site: &Site) -> Connection {
    Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn calls(site: &Site) -> i64 {
    database(site).query_row("SELECT count(*) FROM calls", [], |row| row.get(0)).unwrap_or(0)
}

fn sound(site: &Site) -> bool {
    database(site).query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap() == "ok"
}

fn begun(site: &Site, args: &[&str]) -> Child {
    let mut command = site.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for it, and is in the middle of the command.
#[track_caller]
fn awaits(child: &mut Child, is_there: impl Fn() -> bool) {
    while !is_there() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it is too quick for this test, let there be more calls: {ended:?}");
        std::thread::yield_now();
    }
}

#[track_caller]
fn interrupted(child: Child, signal: Signal) -> Said {
    kill_process(Pid::from_child(&child), signal).unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert!(said.code == 130 && said.out.is_empty(), "{said:#?}");
    assert!(said.err.lines().last().unwrap().starts_with("error: interrupted: "), "{said:#?}");
    said
}

/// Whether the process has this file open.
fn has_open(pid: u32, file: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|path| path == file))
}

#[test]
fn a_signal_ends_an_import_whose_calls_are_kept_and_the_next_one_does_the_rest() {
    let site = site();
    for signal in [Signal::INT, Signal::TERM] {
        let _ = fs::remove_file(site.path("calls.db"));
        let mut child = begun(&site, &IMPORT);
        awaits(&mut child, || site.path("calls.db").exists() && calls(&site) > 0);
        let ended = interrupted(child, signal);
        let kept = calls(&site);
        assert!(0 < kept && kept < CALLS && sound(&site), "{kept} {ended:#?}");
        assert!(ended.err.contains(&format!("{kept} calls were imported, and these are kept")), "{kept} {ended:#?}");
        let rest = site.run(&IMPORT);
        rest.line(&[&format!("Imported {} calls ", CALLS - kept), &format!("; {kept} were there already")]);
    }
}

#[test]
fn a_signal_ends_a_replay_and_it_is_said_that_the_database_holds_a_part() {
    let site = Site::new(1);
    let trace = fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/attended_transfer_into_queue.ami"),
    );
    let trace = trace.unwrap();
    let mut child = begun(&site, &["replay", "--db", "calls.db", "/dev/stdin"]);
    let mut pipe = child.stdin.take().unwrap();
    let (first, rest) = trace.split_at(trace.len() / 2);
    pipe.write_all(first).unwrap();
    awaits(&mut child, || site.path("calls.db").exists());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    // What comes after the signal is the next that it reads.
    pipe.write_all(rest).unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert!(said.code == 130 && said.err.contains("error: interrupted: "), "{said:#?}");
    assert!(
        said.err.contains("calls of /dev/stdin were stored, and are kept: calls.db holds no whole replay"),
        "{said:#?}"
    );
    assert!(sound(&site));
}

#[test]
fn a_signal_ends_a_check_a_copy_and_a_compaction_and_all_is_as_it_was() {
    let site = site();
    assert_eq!(site.run(&IMPORT).code, 0);
    let db = site.path("calls.db").canonicalize().unwrap();
    for (signal, args) in [
        (Signal::INT, &["check", "--db", "calls.db"][..]),
        (Signal::TERM, &["vacuum", "--db", "calls.db"]),
        (Signal::INT, &["backup", "copy.db", "--db", "calls.db"]),
    ] {
        let mut child = begun(&site, args);
        let pid = child.id();
        awaits(&mut child, || has_open(pid, &db));
        let ended = interrupted(child, signal);
        assert!(ended.err.contains(" is as it was"), "{ended:#?}");
        assert!(sound(&site) && calls(&site) == CALLS);
        let left: Vec<String> = site.everything().into_iter().map(|(name, ..)| name).collect();
        assert!(!left.iter().any(|name| name.contains("copy.db")), "{left:?}");
    }
}

#[test]
fn a_terminal_shows_how_far_it_is_and_a_pipe_does_not() {
    let site = site();
    for (args, shown) in [
        (&IMPORT[..], &[" %  ", " left"][..]),
        (&["check", "--db", "calls.db"], &["reading every page and row: "]),
        (&["backup", "copy.db", "--db", "calls.db"], &[" %, ", "reading the copy from end to end: "]),
        (&["vacuum", "--db", "calls.db"], &["writing the database anew: "]),
    ] {
        // script(1) is a terminal to the program.
        let line = format!("stty cols 100; {} {}", env!("CARGO_BIN_EXE_callbackd"), args.join(" "));
        let terminal = Command::new("script").args(["-qec", &line, "/dev/null"]).current_dir(site.path(".")).output();
        let Ok(terminal) = terminal.inspect_err(|error| eprintln!("script is not installed here: {error}")) else {
            return;
        };
        let seen = String::from_utf8_lossy(&terminal.stdout);
        for part in shown {
            assert!(seen.contains(part), "{args:?}: {part:?} is not in {seen}");
        }
        let piped = site.run(&[args, if args[0] == "backup" { &["--force"] } else { &[][..] }].concat());
        assert!(piped.code == 0 && !shown.iter().any(|part| piped.err.contains(part)), "{piped:#?}");
    }
}
