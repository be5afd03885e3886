//! Many missed calls and three agents: all are called back, judged by Asterisk's own CDR.
//!
//! `CALLBACKD_DRAIN` is the number of missed calls; 200 take some seven minutes.

use super::cdr;
use super::office::{self, Office, PATIENCE, customer, extension, soon};
use crate::files;
use crate::lab::Lab;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Missed calls of an ordinary run.
const MISSES: usize = 24;
/// Of so many, one calls again and is served while the callback waits for its turn.
const SERVED_OF: usize = 8;
/// Calls at once: more would only blur the timing on a small machine.
const AT_ONCE: usize = 6;
/// One callback takes an agent so long at most, in the lab.
const EACH: Duration = Duration::from_secs(12);

#[test]
fn many_missed_calls_are_drained_by_three_agents_without_a_double_dial() {
    let Some(mut lab) = Lab::start() else { return };
    let files = files("callbacks-drain");
    let misses = std::env::var("CALLBACKD_DRAIN").ok().and_then(|n| n.parse().ok()).unwrap_or(MISSES);
    let begin = Instant::now();
    let run = || -> Result<(Vec<String>, Vec<String>), String> {
        let daemon = office::daemon(&files, &lab)?;
        let office = Office { since: lab.pbx.position(), lab: &lab, dir: files.clone() };
        let cell = "00";
        office.all_pause(cell)?;
        for agent in 1..=3 {
            office.agent_does(cell, agent, "ring-wait:1-answer-wait:60-hangup")?;
        }
        let all: Vec<_> = (0..misses).map(customer).collect();
        for some in all.chunks(AT_ONCE) {
            let placed: Vec<Result<i64, String>> = std::thread::scope(|scope| {
                let running: Vec<_> = some.iter().map(|ann| scope.spawn(|| office.misses(ann, cell))).collect();
                running.into_iter().map(|r| r.join().expect("a caller tells their failure")).collect()
            });
            placed.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        let served: Vec<_> = all.iter().skip(misses / 2).step_by(SERVED_OF).cloned().collect();
        for ann in &served {
            office.lab.script("1801", "answer-wait:60-hangup")?;
            office.calls(ann, "5550180", "wait:2-hangup")?;
        }
        for agent in 1..=3 {
            office.pause(cell, agent, false)?;
        }
        let rounds = u32::try_from(misses / 3 + 1).unwrap_or(u32::MAX);
        let deadline = soon() + EACH * rounds;
        let open = "SELECT count(*) FROM callbacks WHERE closed_ms IS NULL";
        let drained = crate::patience::until(deadline, || (office.ask(open).as_deref() == Some("0")).then_some(()));
        drained.ok_or_else(|| {
            format!("{:?} callbacks are open after {PATIENCE:?} and {EACH:?} for each round", office.ask(open))
        })?;
        std::fs::write(files.join("log"), daemon.said()).map_err(|e| e.to_string())?;
        daemon.stop()?;
        let numbers = |customers: Vec<office::Customer>| customers.into_iter().map(|c| c.number).collect();
        Ok((numbers(all), numbers(served)))
    };
    let result = run();
    let version = lab.version();
    let (cdrs, _) = crate::oracle(&mut lab, &files);
    let (all, served) = result.unwrap_or_else(|e| panic!("{e}"));
    let db = rusqlite::Connection::open(files.join("calls.db")).expect("the daemon has made it");
    let mut faults = cdr::faults(&db, &cdrs);
    // From here on Asterisk's own words alone.
    let mut dialled: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for cdr in cdrs.iter().filter(|c| c.uniqueid.starts_with("cb-") && !c.dstchannel.is_empty()) {
        let whom = all.iter().find(|number| cdr.line.contains(&format!("PJSIP/{number}@trunk")));
        match whom {
            Some(number) => drop(dialled.entry(number).or_default().insert(&cdr.uniqueid)),
            None => faults.push(format!("somebody else was dialled: {}", cdr.line)),
        }
    }
    for number in &all {
        let times = dialled.get(number.as_str()).map_or(0, BTreeSet::len);
        let wanted = usize::from(!served.contains(number));
        if times != wanted {
            faults.push(format!("{number} was dialled {times} times, and should have been {wanted} times"));
        }
    }
    let agents: BTreeSet<String> = (1..=3).map(|agent| extension("00", agent)).collect();
    println!(
        "Asterisk {version}: {} missed calls, {} of them served meanwhile, drained by {} agents in {:.0} s; {} dialled once each",
        all.len(),
        served.len(),
        agents.len(),
        begin.elapsed().as_secs_f32(),
        dialled.len()
    );
    assert!(faults.is_empty(), "{faults:#?}\nall that Asterisk wrote: {}", files.display());
}
