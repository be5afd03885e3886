//! Placing the calls of a table: those that share no phones at once, the others one after the other.

use crate::lab::Lab;
use crate::script::{Caller, Scenario};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Calls at once. More would only blur the timing on a small machine.
const AT_ONCE: usize = 24;
/// No scenario lasts longer.
const LONGEST: Duration = Duration::from_secs(60);
/// Area codes of the outside callers, none of which a scenario dials; with 555-01xx each gives 100 reserved numbers.
const AREA_CODES: [&str; 6] = ["213", "214", "303", "305", "312", "404"];

/// A call that was placed.
pub struct Placed {
    /// What was to happen.
    pub scenario: Scenario,
    /// The caller's number.
    pub number: String,
    /// Linkedid of the call on the PBX, or why it never ran to its end.
    pub linkedid: Result<String, String>,
}

/// Places all of them and waits until all have ended on the PBX.
pub fn run(lab: &Lab, scenarios: &[Scenario]) -> Vec<Placed> {
    let mut lanes: BTreeMap<&str, Vec<(usize, Scenario)>> = BTreeMap::new();
    for (n, scenario) in scenarios.iter().enumerate() {
        lanes.entry(scenario.cell()).or_default().push((n, *scenario));
    }
    // The longest lanes first, so that none of them is left for the end.
    let mut lanes: Vec<_> = lanes.into_values().collect();
    lanes.sort_by_key(Vec::len);
    let (waiting, placed) = (Mutex::new(lanes), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(lane) = next(&waiting) {
                    for (n, scenario) in lane {
                        let number = number(n, &scenario);
                        let linkedid = place(lab, &scenario, &number);
                        placed.lock().expect("no worker panics").push((n, Placed { scenario, number, linkedid }));
                    }
                }
            });
        }
    });
    let mut placed = placed.into_inner().expect("no worker panics");
    placed.sort_by_key(|(n, _)| *n);
    placed.into_iter().map(|(_, p)| p).collect()
}

fn next<T>(waiting: &Mutex<Vec<T>>) -> Option<T> {
    waiting.lock().expect("no worker panics").pop()
}

fn number(n: usize, scenario: &Scenario) -> String {
    match scenario.caller {
        Caller::Outside => format!("1{}55501{:02}", AREA_CODES[n / 100], n % 100),
        Caller::Phone(extension) => extension.to_owned(),
    }
}

fn place(lab: &Lab, scenario: &Scenario, number: &str) -> Result<String, String> {
    for (party, script) in scenario.parties {
        lab.script(party, script)?;
    }
    let since = lab.pbx.position();
    lab.place(number, scenario.dials, scenario.script, scenario.patience)?;
    let deadline = Instant::now() + LONGEST;
    let linkedid = lab.arrival(since, number, scenario.dials, deadline)?.get("Linkedid").to_owned();
    lab.departure(since, &linkedid, deadline)?;
    Ok(linkedid)
}
