//! `check` and `capture` on a real Asterisk.

use crate::daemon::Daemon;
use crate::lab::Lab;
use crate::{files, run, scenarios};
use rusqlite::{Connection, OpenFlags};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// After the last channel has gone, the daemon may take this long to have recorded the last call.
const SETTLE: Duration = Duration::from_secs(20);

/// Calls that are placed while both are connected.
const PLACED: [&str; 4] =
    ["queue: abandoned", "ring group: one answers", "direct: the caller cancels", "menu: hung up"];

/// All that a row says, but for what a session knows and a call does not: when the row was written.
fn rows(db: &Connection) -> Vec<String> {
    let sql = "SELECT json_array(linkedid, direction, status, outcome, number, did, queue, agent, started_ms, answered_ms, ended_ms, wait_ms,
               talk_ms, hangup_by, hangup_cause, quality, (SELECT count(*) FROM legs WHERE call_id = calls.id)) FROM calls ORDER BY linkedid";
    let mut statement = db.prepare(sql).expect("the tables are those of the design");
    let rows = statement.query_map([], |row| row.get(0)).expect("calls can be read");
    rows.collect::<Result<_, _>>().expect("calls can be read")
}

fn callbackd(files: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbackd"));
    command.args(args).args(["--config", "callbackd.toml"]).current_dir(files).stdin(Stdio::null());
    command
}

#[test]
fn a_recording_replays_to_the_rows_that_the_daemon_wrote_meanwhile() {
    let Some(lab) = Lab::start() else { return };
    let files = files("commands");
    let daemon = Daemon::start(&files, lab.ami()).unwrap_or_else(|e| panic!("{e}"));

    let checked = callbackd(&files, &["check", "--connect"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}");
    assert!(!said.contains("MISSING") && !said.contains("older version"), "{said}");
    for evidence in [
        "in use by the daemon",
        "FullyBooted came",
        "VarSet came",
        "manager.conf has it",
        "may Originate",
        "from-trunk",
    ] {
        assert!(said.contains(evidence), "no \"{evidence}\" in {said}");
    }

    let mut capture = callbackd(&files, &["capture", "calls.ami"]).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut notes = BufReader::new(capture.stderr.take().expect("stderr is piped"));
    let mut line = String::new();
    notes.read_line(&mut line).expect("it speaks");
    assert!(line.starts_with("Recording lab to calls.ami"), "{line}");

    let table: Vec<_> = scenarios::all().into_iter().filter(|scenario| PLACED.contains(&scenario.name)).collect();
    assert_eq!(table.len(), PLACED.len(), "scenarios have other names");
    let placed = run::run(&lab, &table);
    let deadline = Instant::now() + SETTLE;
    for call in &placed {
        let linkedid = call.linkedid.as_ref().unwrap_or_else(|e| panic!("{e}"));
        daemon.wait_for_call(linkedid, deadline).unwrap_or_else(|e| panic!("{e}"));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&capture), rustix::process::Signal::INT)
        .expect("it runs");
    notes.read_to_string(&mut line).expect("it speaks");
    assert!(capture.wait().expect("it ends").success(), "{line}");
    let live = daemon.stop().unwrap_or_else(|e| panic!("{e}"));

    let replayed = callbackd(&files, &["replay", "--db", "replayed.db", "calls.ami"]).output().expect("it starts");
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let again =
        Connection::open_with_flags(files.join("replayed.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("it was made");
    assert_eq!(rows(&again), rows(&live));
    assert_eq!(rows(&live).len(), placed.len());
}
