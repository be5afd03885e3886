//! Missed callers are called back, on a real PBX: by whom, when, and how it ends; judged by the database and by Asterisk's own CDR.

mod agent;
mod beside;
pub mod cdr;
mod codes;
mod crash;
mod customer;
mod drain;
mod freepbx;
mod kept;
mod language;
mod moved;
pub mod office;
mod refused;
mod served;

use crate::lab::Lab;
use office::Office;
use std::fmt::Write;
use std::time::Instant;

/// A scenario: it has a cell and customers of its own, so that all go on at once. The third is why it is not played in an office of FreePBX's shape.
type Scenario = (&'static str, fn(&Office<'_>) -> Result<(), String>, &'static str);

/// It is played in every office.
const EVERYWHERE: &str = "";

#[test]
fn missed_callers_are_called_back_by_the_next_free_agent() {
    let Some(lab) = Lab::start() else { return };
    play(lab, "callbacks", &all());
}

#[test]
fn missed_callers_are_called_back_in_a_stock_freepbx_with_what_is_shipped() {
    let Some(lab) = Lab::start_freepbx() else { return };
    for (name, _, why) in all().iter().filter(|(_, _, why)| *why != EVERYWHERE) {
        println!("- {name}: {why}");
    }
    let scenarios: Vec<_> = all().into_iter().filter(|(_, _, why)| *why == EVERYWHERE).collect();
    play(lab, "callbacks-stock-freepbx", &[&scenarios, freepbx::ALL].concat());
}

fn all() -> Vec<Scenario> {
    [agent::ALL, customer::ALL, served::ALL, kept::ALL, language::ALL, moved::ALL, codes::ALL].concat()
}

/// Plays all of them at once beside one daemon, and has the database and Asterisk's CDR judge.
fn play(mut lab: Lab, files: &str, scenarios: &[Scenario]) {
    let files = crate::files(files);
    let recorder = lab.record(&files.join("calls.ami")).expect("the daemon's AMI user can log in");
    let daemon = office::daemon(&files, &lab).unwrap_or_else(|e| panic!("{e}"));
    let wanted = std::env::var("CALLBACKD_SCENARIO").unwrap_or_default();
    let scenarios: Vec<&Scenario> = scenarios.iter().filter(|(name, ..)| name.contains(&wanted)).collect();
    let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
    if lab.is_freepbx() {
        freepbx::paths_are_tried(&office).unwrap_or_else(|e| panic!("{e}"));
    }
    let begin = Instant::now();
    let results: Vec<(&str, Result<(), String>, f32)> = std::thread::scope(|scope| {
        let office = &office;
        let run = |(name, scenario, _): &Scenario| {
            let (name, scenario) = (*name, *scenario);
            scope.spawn(move || {
                let began = Instant::now();
                (name, scenario(office), began.elapsed().as_secs_f32())
            })
        };
        let running: Vec<_> = scenarios.iter().copied().map(run).collect();
        running.into_iter().map(|r| r.join().expect("a scenario tells its failure")).collect()
    });
    let took = begin.elapsed();
    let screens = ["status", "agents", "callbacks --all"].map(|command| {
        let shown = office.run(&command.split(' ').collect::<Vec<_>>());
        format!("$ callbackd {command}\n{}\n", shown.unwrap_or_else(|e| panic!("{e}")))
    });
    std::fs::write(files.join("screens"), screens.concat()).expect("target is writable");
    // Some callbacks are tried again meanwhile: nothing is cut off, so every attempt has its result.
    let going_on = "SELECT count(*) FROM callback_attempts WHERE result IS NULL";
    office.until("attempts that go on", going_on, "0").unwrap_or_else(|e| panic!("{e}"));
    let said = daemon.said();
    drop(recorder);
    let db = daemon.stop().unwrap_or_else(|e| panic!("{e}"));
    let version = lab.version();
    let (cdrs, _) = crate::oracle(&mut lab, &files);
    std::fs::write(files.join("log"), &said).expect("target is writable");
    let mut report = String::new();
    for (name, result, seconds) in &results {
        println!("{} {name} ({seconds:.0} s)", if result.is_ok() { "✓" } else { "✗" });
        if let Err(error) = result {
            let _ = writeln!(report, "\n✗ {name}: {error}");
        }
    }
    let cut_in = crate::third::contradictions(&db, &files).unwrap_or_else(|e| panic!("{e}"));
    for fault in cdr::faults(&db, &cdrs).into_iter().chain(cut_in) {
        let _ = writeln!(report, "\n✗ {fault}");
    }
    println!("{} scenarios on Asterisk {version} in {:.0} s", results.len(), took.as_secs_f32());
    assert!(!results.is_empty(), "no scenario was run");
    assert!(report.is_empty(), "{report}\nthe log, and all that Asterisk wrote: {}", files.display());
}
