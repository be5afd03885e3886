//! Placing the calls of a table: those that share no phones at once, the others one after the other.

use crate::lab::Lab;
use crate::manager::Frame;
use crate::script::{Caller, PbxAction, Scenario, Step};
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

/// Numbers by area codes: who else is called into a scenario has the last area code.
const MEANWHILE: usize = (AREA_CODES.len() - 1) * 100;

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
                        let calls = place(lab, &scenario, number(n, scenario.caller), n);
                        placed.lock().expect("no worker panics").extend(calls.into_iter().map(|p| (n, p)));
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

/// A call that is placed is on the PBX within this, unless it was refused.
const ARRIVES: Duration = Duration::from_secs(15);

/// The number of the nth caller.
pub fn number(n: usize, caller: Caller) -> String {
    match caller {
        Caller::Outside => format!("1{}55501{:02}", AREA_CODES[n / 100], n % 100),
        Caller::Phone(extension) => extension.to_owned(),
    }
}

/// Places one call, and those that belong to it.
pub fn place(lab: &Lab, scenario: &Scenario, number: String, n: usize) -> Vec<Placed> {
    let since = lab.pbx.position();
    let mut others = Vec::new();
    let linkedid = (|| {
        for (party, script) in scenario.parties {
            lab.script(party, script)?;
        }
        let deadline = Instant::now() + LONGEST;
        lab.place(&number, scenario.dials, scenario.script, scenario.patience)?;
        let mut arrival = lab.arrival(since, &number, scenario.dials, Instant::now() + ARRIVES);
        if arrival.is_err() {
            // A PBX that is busy with its start refuses an INVITE now and then: it never saw a call.
            if lab.fate(&number).contains("Failure") {
                lab.place(&number, scenario.dials, scenario.script, scenario.patience)?;
            }
            arrival = lab.arrival(since, &number, scenario.dials, deadline);
        }
        let arrival = arrival.map_err(|e| format!("{e}; the farm says: {}", lab.fate(&number)))?;
        let linkedid = arrival.get("Linkedid");
        let mut from = since;
        for step in scenario.steps {
            let (next, event) = lab.pbx.find(from, deadline, &format!("{} of {linkedid}", step.upon), |f| {
                // A phone that joins by itself begins with a Linkedid of its own.
                let attach_channel = step.having.iter().any(|(h, v)| *h == "Channel" && !v.contains("trunk"));
                f.is(step.upon)
                    && (attach_channel || f.names("Linkedid", linkedid))
                    && step.having.iter().all(|(header, part)| f.get(header).contains(part))
            })?;
            from = next;
            if let PbxAction::Places(other) = step.then {
                others.extend(place(lab, other, self::number(MEANWHILE + n % 100, other.caller), n));
            } else {
                act(lab, step, arrival.get("Channel"), &event)?;
            }
        }
        lab.departure(since, linkedid, deadline)?;
        Ok(linkedid.to_owned())
    })();
    others.insert(0, Placed { scenario: *scenario, number, linkedid });
    others
}

fn act(lab: &Lab, step: &Step, caller: &str, event: &Frame) -> Result<(), String> {
    match step.then {
        PbxAction::Dials { phone, number, script } => {
            let number = number.strip_prefix('@').map_or(number, |header| event.get(header));
            lab.place(phone, number, script, LONGEST)
        }
        PbxAction::Redirects(exten) => lab
            .pbx
            .action(&[
                ("Action", "Redirect"),
                ("Channel", caller),
                ("Context", "from-internal"),
                ("Exten", exten),
                ("Priority", "1"),
            ])
            .map(drop),
        PbxAction::HangsUp => lab.pbx.action(&[("Action", "Hangup"), ("Channel", caller)]).map(drop),
        PbxAction::HangsUpByCli => {
            let command = format!("channel request hangup {caller}");
            lab.pbx.action(&[("Action", "Command"), ("Command", &command)]).map(drop)
        }
        PbxAction::Pauses { queue, interface, paused } => lab
            .pbx
            .action(&[
                ("Action", "QueuePause"),
                ("Queue", queue),
                ("Interface", interface),
                ("Paused", if paused { "true" } else { "false" }),
                ("Reason", "lunch"),
            ])
            .map(drop),
        PbxAction::Places(_) => Ok(()), // placed by the one who asks, as it makes calls of its own
    }
}
