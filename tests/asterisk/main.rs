//! Calls on a real Asterisk: a script says what happens, and the daemon's rows must agree with it and with Asterisk's own CDR and queue_log.
//!
//! `CALLBACKD_ASTERISK` chooses the version (22, 16 or `system`); `CALLBACKD_NO_ASTERISK=1` leaves these tests out;
//! `CALLBACKD_SCENARIO` places only the calls whose name contains it.

#![expect(clippy::disallowed_methods, reason = "a test outside of the pure rooms, against a clock that is real")]

mod callbacks;
mod chaos;
mod commands;
mod compare;
mod daemon;
mod instance;
mod lab;
mod load;
mod logins;
mod manager;
mod oracle;
mod outages;
mod patience;
mod proved;
mod rows;
mod run;
mod scenarios;
mod script;
mod second;
mod setup;
mod slot;
#[path = "../core/stream/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "what the tests of the core have to read and play recordings; here a part of it is used"
)]
mod stream;
mod third;
mod wire;

use daemon::Daemon;
use lab::Lab;
use load::{Load, Tally};
use oracle::Account;
use run::Placed;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After the last channel has gone, the daemon may take this long to have recorded the last call.
const SETTLE: Duration = Duration::from_secs(20);

#[test]
fn every_call_becomes_one_true_row() {
    let Some(mut lab) = Lab::start() else { return };
    let files = files("rows");
    let recorder = lab.record(&files.join("calls.ami")).expect("the daemon's AMI user can log in");
    let daemon = Daemon::start(&files, lab.ami()).unwrap_or_else(|e| panic!("{e}"));
    let placed = run::run(&lab, &scenarios::wanted(&lab));
    let deadline = Instant::now() + SETTLE;
    let mut unrecorded: Vec<_> = placed
        .iter()
        .filter_map(|p| p.linkedid.as_ref().ok())
        .filter_map(|id| daemon.wait_for_call(id, deadline).err())
        .collect();
    drop(recorder);
    let db = daemon.stop().unwrap_or_else(|e| panic!("{e}"));
    let (cdrs, events) = oracle(&mut lab, &files);
    let replayed = daemon::replay(&files, &files.join("calls.ami")).unwrap_or_else(|e| panic!("{e}"));
    unrecorded.extend(rows::differing(&db, &replayed).expect("both have the tables of the design"));
    let mut report = Report::default();
    for call in &placed {
        let Ok(linkedid) = &call.linkedid else {
            report.add(call, call.linkedid.clone().err().into_iter().collect(), "", &Account::default());
            continue;
        };
        let account = oracle::account(&cdrs, &events, linkedid);
        let mut differences = compare::script_with_oracle(&call.scenario.row, &account);
        let row = rows::read(&db, linkedid).expect("the tables are those of the design");
        let mut shown = String::from("no row");
        match &row {
            Some(actual) => {
                differences.extend(compare::row_with_both(call, actual, &account));
                shown = format!("{}\nwhy {}", actual.lines.join("\n"), actual.why);
            }
            None => differences.push("there is no row".to_owned()),
        }
        report.add(call, differences, &shown, &account);
    }
    let ran = placed.iter().filter(|p| p.linkedid.is_ok()).count();
    let rows = rows::count(&db).expect("there is a table of calls");
    if rows != ran {
        unrecorded.push(format!("{ran} calls were placed, {rows} rows were written"));
    }
    report.note(unrecorded);
    report.note(daemon::audit(&files).err().into_iter().collect());
    let imported = daemon::import(&files).unwrap_or_else(|e| panic!("{e}"));
    report.note(second::contradictions(&db, &imported).expect("both have the tables of the design"));
    report.note(third::contradictions(&db, &files).unwrap_or_else(|e| panic!("{e}")));
    report.conclude(&files);
}

#[test]
fn a_busy_hour_is_one_row_a_caller() {
    let Some(mut lab) = Lab::start() else { return };
    let files = files("load");
    let load = Load::from_environment();
    let recorder = lab.record(&files.join("calls.ami")).expect("the daemon's AMI user can log in");
    let daemon = Daemon::start(&files, lab.ami()).unwrap_or_else(|e| panic!("{e}"));
    let begin = Instant::now();
    let placed = load.place(&lab).unwrap_or_else(|e| panic!("{e}; seed {}", load.seed));
    drop(recorder);
    let took = begin.elapsed();
    let deadline = Instant::now() + SETTLE;
    let unrecorded: Vec<_> = placed.iter().filter_map(|c| daemon.wait_for_call(&c.linkedid, deadline).err()).collect();
    let db = daemon.stop().unwrap_or_else(|e| panic!("{e}"));
    let version = lab.version();
    let (cdrs, events) = oracle(&mut lab, &files);
    let (mut recorded, rows) = rows::inbound(&db).expect("the tables are those of the design");
    let mut tally = Tally::default();
    for call in &placed {
        match recorded.remove(&call.number).as_deref() {
            Some([row]) => tally.compare(call, row, &oracle::account(&cdrs, &events, &call.linkedid)),
            Some(rows) => tally.wrong.push_str(&format!("\n✗ {} rows for {}", rows.len(), call.number)),
            None => tally.wrong.push_str(&format!("\n✗ no row for {}, {}", call.number, call.linkedid)),
        }
    }
    let others: Vec<_> = recorded.keys().collect();
    let report = tally.text(&load, &version, took);
    println!("{report}");
    std::fs::write(files.join("report"), &report).expect("target is writable");
    assert!(
        unrecorded.is_empty() && others.is_empty() && rows == placed.len(),
        "{rows} rows, besides {others:?}; {unrecorded:#?}"
    );
    daemon::audit(&files).unwrap_or_else(|e| panic!("{e}"));
    assert!(tally.wrong.is_empty(), "{report}{}\nall that Asterisk wrote: {}", tally.wrong, files.display());
}

/// A fresh directory for what a test leaves to look at.
/// A directory for what one test leaves; each Asterisk has its own, as their suites run side by side.
fn files(name: &str) -> PathBuf {
    let version = std::env::var("CALLBACKD_ASTERISK").unwrap_or_else(|_| "22".to_owned());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("asterisk").join(version).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("target is writable");
    dir
}

/// Ends the PBX, keeps what it wrote, and reads it.
fn oracle(lab: &mut Lab, files: &Path) -> (Vec<oracle::Cdr>, Vec<oracle::QueueEvent>) {
    let version = lab.version();
    let (master, queue_log) = lab.stop().unwrap_or_else(|e| panic!("{e}"));
    for (name, text) in [("calls.cdr.csv", &master), ("calls.queue_log", &queue_log), ("version", &version)] {
        std::fs::write(files.join(name), text).expect("target is writable");
    }
    (oracle::cdrs(&master), oracle::queue_events(&queue_log))
}

/// What went wrong, call by call.
#[derive(Default)]
struct Report {
    calls: usize,
    text: String,
}

impl Report {
    fn add(&mut self, call: &Placed, differences: Vec<String>, row: &str, account: &Account) {
        self.calls += 1;
        if differences.is_empty() {
            return;
        }
        let s = &call.scenario;
        let _ = writeln!(self.text, "\n✗ {} — {} dials {}, {}", s.name, call.number, s.dials, s.script);
        for (party, script) in s.parties {
            let _ = writeln!(self.text, "    {party}: {script}");
        }
        for difference in differences {
            let _ = writeln!(self.text, "  {difference}");
        }
        for line in row.lines() {
            let _ = writeln!(self.text, "    row        {line}");
        }
        for line in &account.lines {
            let _ = writeln!(self.text, "    Asterisk   {line}");
        }
    }

    fn note(&mut self, notes: Vec<String>) {
        for note in notes {
            let _ = writeln!(self.text, "✗ {note}");
        }
    }

    fn conclude(self, files: &Path) {
        assert!(self.calls > 0, "no call was placed");
        assert!(
            self.text.is_empty(),
            "{}\nwhat was on the wire, and all that Asterisk wrote: {}",
            self.text,
            files.display()
        );
    }
}
