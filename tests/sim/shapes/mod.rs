//! Shapes of dialplans: callers of every kind of trunk, led through chains of Local channels, menus, queues, ring groups, conferences and
//! machines, with the truth known by construction. The oracle knows nothing of the code under test.

mod callers;
mod outward;
mod pbx;
mod pool;

use crate::stream::listed::Listed;
use crate::stream::{Driver, FORGOTTEN_MS, frames, rules};
use callbackd_core::model::{Direction, FinishedCall, Outcome, Status};
use callbackd_core::tracker::Input;
use pbx::Pbx;

/// 2027-01-15 08:00 UTC.
const START: i64 = 1_800_000_000_000;
/// Times of a row are right to this, ms.
const NEAR_MS: i64 = 50;

/// What is true of a call.
#[derive(Debug)]
pub struct Truth {
    pub linkedid: String,
    pub direction: Direction,
    /// Its customer's number, less the `+` (`None` if withheld), and the number that was dialled.
    pub number: Option<String>,
    pub did: Option<String>,
    pub fate: Fate,
    /// How it came to that, for whoever reads a failure.
    pub way: Vec<&'static str>,
}

/// How a call ended.
#[derive(Debug)]
pub enum Fate {
    /// A person talked with the customer for so long, ms.
    Served { agent: String, talk_ms: i64 },
    /// Nobody did.
    Missed { status: Status, outcome: Outcome },
}

/// Of a seed: its events in their order, and the truth.
pub struct Shape {
    events: Vec<(i64, String)>,
    truths: Vec<Truth>,
    /// Linkedids of which there is to be no row.
    nobodys: Vec<String>,
    gap: (usize, usize),
}

impl Shape {
    pub fn new(seed: u64) -> Self {
        let mut pbx = Pbx::new(seed);
        let (mut truths, mut nobodys) = (Vec::new(), Vec::new());
        for _ in 0..pbx.rng.u32(1..4) {
            let at = pbx.rng.i64(0..20_000);
            truths.push(if pbx.chance(5) { outward::call(&mut pbx, at) } else { callers::call(&mut pbx, at) });
        }
        if pbx.chance(6) {
            let at = pbx.rng.i64(0..10_000);
            truths.extend(pool::calls(&mut pbx, at));
        }
        if pbx.chance(4) {
            nobodys.push(outward::supervisor(&mut pbx));
        }
        let mut events = std::mem::take(&mut pbx.events);
        events.sort_by_key(|(at, _)| *at);
        let from = pbx.rng.usize(..events.len());
        let mut to = pbx.rng.usize(from..events.len());
        // A list that is made while a channel runs a context of its hang-up, for some microseconds, names that as its place.
        while to + 1 < events.len() && events[to].1.contains("Context: ivr-bye") {
            to += 1;
        }
        let gap = (from, to);
        Self { events, truths, nobodys, gap }
    }

    /// All of it is seen.
    pub fn is_right(&self) -> Result<u64, String> {
        let rows = self.seen_but(events_of(&self.events), None);
        for truth in &self.truths {
            let row = rows.iter().find(|row| row.linkedid == truth.linkedid);
            let row = row.ok_or_else(|| format!("no row: {truth:?}\n{rows:#?}"))?;
            let fate = match &truth.fate {
                Fate::Served { agent, talk_ms } => {
                    let near = (row.talk_ms - talk_ms).abs() <= NEAR_MS;
                    (row.status, row.outcome) == (Status::Answer, Outcome::Agent)
                        && row.agent.as_ref().is_some_and(|found| is_named(found, agent))
                        && near
                }
                Fate::Missed { status, outcome } => {
                    (row.status, row.outcome) == (*status, *outcome) && row.talk_ms == 0
                }
            };
            let number = row.number_e164.as_ref().map(ToString::to_string);
            let who = row.direction == truth.direction && number == truth.number.as_ref().map(|n| format!("+{n}"));
            if !fate || !who || row.did != truth.did && truth.direction == Direction::Inbound {
                return Err(format!("{}: {truth:?}\nis stored as {row:#?}", truth.way.join(", ")));
            }
        }
        self.no_more_than_all(&rows)?;
        Ok(self.truths.len() as u64)
    }

    /// The link is down for a while: nobody is served who was missed, or the other way round.
    pub fn is_never_turned_round(&self) -> Result<(), String> {
        let rows = self.seen_but(events_of(&self.events), Some(self.gap));
        for truth in &self.truths {
            let Some(row) = rows.iter().find(|row| row.linkedid == truth.linkedid) else { continue };
            let served = matches!(truth.fate, Fate::Served { .. });
            if row.status != Status::Unknown && (row.status == Status::Answer) != served {
                return Err(format!(
                    "not seen from event {} to {}: {truth:?}\nis stored as {row:#?}",
                    self.gap.0, self.gap.1
                ));
            }
        }
        self.no_more_than_all(&rows)
    }

    fn no_more_than_all(&self, rows: &[FinishedCall]) -> Result<(), String> {
        let invented = |row: &&FinishedCall| {
            let known = self.truths.iter().any(|truth| truth.linkedid == row.linkedid);
            self.nobodys.contains(&row.linkedid) && row.status != Status::Unknown
                || !known && row.direction == Direction::Inbound
        };
        rows.iter().find(invented).map_or(Ok(()), |row| Err(format!("a row that nobody's call is: {row:#?}")))
    }

    /// The rows that come of it where the events of this range were not seen.
    fn seen_but(&self, events: Vec<(i64, String)>, gap: Option<(usize, usize)>) -> Vec<FinishedCall> {
        let (mut driver, mut listed) = (Driver::linked(rules(), START), Listed::default());
        for (n, (at, text)) in events.iter().enumerate() {
            for frame in frames(text.as_bytes()) {
                listed.take(&frame);
            }
            if gap.is_some_and(|(from, _)| from == n) {
                driver.until(START + at);
                driver.give(Input::Unlinked);
            }
            if gap.is_none_or(|(from, to)| !(from..=to).contains(&n)) {
                driver.until(START + at);
                driver.say(text);
            }
            if gap.is_some_and(|(_, to)| to == n) {
                driver.until(START + at);
                driver.link(100_000, &listed.frames(START + at, false));
            }
        }
        driver.pass(FORGOTTEN_MS);
        driver.rows()
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, text) in &self.events {
            for event in text.split_inclusive("\r\n\r\n") {
                writeln!(f, "{at:>6} {}", event.trim_end().replace("\r\n", " | "))?;
            }
        }
        writeln!(f, "not seen, the second time: events {:?}", self.gap)
    }
}

/// A phone by its own name. A mobile by a Local channel that leads to it, the member's where a queue rang it.
fn is_named(found: &str, agent: &str) -> bool {
    found == agent || agent.starts_with("Local/") && found == "Local/s@desk"
}

/// Each event with its stamp, as `timestampevents` has it.
fn events_of(events: &[(i64, String)]) -> Vec<(i64, String)> {
    let stamped = |(at, text): &(i64, String)| {
        let ms = START + at;
        let stamp = format!("\r\nTimestamp: {}.{:03}000\r\n", ms / 1_000, ms % 1_000);
        let texts = text.split_inclusive("\r\n\r\n").map(|event| event.replacen("\r\n", &stamp, 1));
        (*at, texts.collect::<String>())
    };
    events.iter().map(stamped).collect()
}
