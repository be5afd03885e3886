//! A town by chance: who calls when, how patient they are, and what people do when their phone rings. The same seed gives the same town.

use super::office::{Entry, Office};
use super::people::{Caller, People, Pickup, Talk};
use fastrand::Rng;

/// Customers who call again and again.
const CUSTOMERS: u32 = 60;
/// One caller in so many withholds the number.
const WITHHELD: u32 = 25;
/// One conversation in so many is passed on to a colleague.
const TRANSFERRED: u32 = 12;
/// One caller in so many dials the branch that is closed.
const CLOSED: u32 = 30;
/// One caller in so many is lost in the menu.
const LOST: u32 = 20;
/// Between two breaks that somebody takes, ms, on average.
const BREAK_EVERY_MS: f64 = 30_000.0;
/// The last queue begins with a meeting of so long, ms, in which somebody calls it: what comes of that is what there is to see.
const MEETING_MS: i64 = 8_000;
/// Who calls meanwhile waits for so long, ms.
const IN_VAIN_MS: i64 = 3_500;

/// The first calls come soon, ms, so that nobody waits for something to see.
const FIRST_CALL_MS: i64 = 300;
/// So many of them come at once.
const FIRST_CALLS: u32 = 4;

/// What happens next in the town.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody calls.
    Call(Caller),
    /// An agent takes a break.
    Break(usize, &'static str),
    /// The caller calls again.
    Back(usize),
}

/// The town. Times are milliseconds since 1970 UTC.
#[derive(Debug)]
pub struct Town {
    rng: Rng,
    dids: Vec<(String, Entry)>,
    closed: Vec<(String, Entry)>,
    /// What happens first, the last of it in front, and when.
    opening: Vec<(i64, Event)>,
    agents: usize,
    mean_ms: f64,
    first: u32,
    next_call_ms: i64,
    next_break_ms: i64,
    back_ms: Vec<Option<i64>>,
}

impl Town {
    /// A town with so many calls a minute, from `now` on.
    #[must_use]
    pub fn new(office: &Office, seed: u64, calls_per_minute: u32, now: i64) -> Self {
        let (closed, dids) = office.dids.iter().cloned().partition(|(_, entry)| *entry == Entry::Closed);
        let mut town = Self {
            rng: Rng::with_seed(seed),
            dids,
            closed,
            opening: Vec::new(),
            agents: office.agents.len(),
            mean_ms: 60_000.0 / f64::from(calls_per_minute.max(1)),
            first: FIRST_CALLS,
            next_call_ms: now + FIRST_CALL_MS,
            next_break_ms: now,
            back_ms: vec![None; office.agents.len()],
        };
        town.next_break_ms += town.exponential(BREAK_EVERY_MS);
        town.open(office, now);
        town
    }

    /// Whoever works for the last queue is in a meeting when the first caller asks for it.
    fn open(&mut self, office: &Office, now: i64) {
        let Some(queue) = office.queues.last() else { return };
        let leads = |entry: &Entry| matches!(entry, Entry::Queue(name) if *name == queue.name);
        let Some((did, _)) = self.dids.iter().find(|(_, entry)| leads(entry)).cloned() else { return };
        let caller = Caller { did, key: None, patience_ms: IN_VAIN_MS, ..self.caller() };
        let number = if caller.number.is_empty() { format!("1202555{:04}", 100) } else { caller.number };
        self.opening.push((now + FIRST_CALL_MS, Event::Call(Caller { number, ..caller })));
        for &agent in &queue.members {
            self.back_ms[agent] = Some(now + MEETING_MS);
            self.opening.push((now, Event::Break(agent, "meeting")));
        }
    }

    /// When something happens next.
    #[must_use]
    pub fn deadline(&self) -> i64 {
        let first = self.opening.last().map_or(i64::MAX, |(at, _)| *at);
        let back = self.back_ms.iter().flatten().copied().min().unwrap_or(i64::MAX);
        self.next_call_ms.min(self.next_break_ms).min(back).min(first)
    }

    /// What happened until now, one after the other.
    pub fn next(&mut self, now: i64) -> Option<Event> {
        if let Some((_, event)) = self.opening.pop_if(|(at, _)| *at <= now) {
            return Some(event);
        }
        if let Some(agent) = self.back_ms.iter().position(|back| back.is_some_and(|at| at <= now)) {
            self.back_ms[agent] = None;
            return Some(Event::Back(agent));
        }
        if self.next_break_ms <= now {
            self.next_break_ms = now + self.exponential(BREAK_EVERY_MS);
            let agent = self.rng.usize(..self.agents);
            if self.back_ms[agent].is_none() {
                self.back_ms[agent] = Some(now + self.rng.i64(8_000..25_000));
                return Some(Event::Break(agent, self.rng.choice(["lunch", "meeting", "e-mail"]).unwrap_or("break")));
            }
        }
        if self.next_call_ms <= now {
            let mean = if self.first > 0 { self.mean_ms.min(500.0) } else { self.mean_ms };
            self.first = self.first.saturating_sub(1);
            self.next_call_ms = now + self.exponential(mean);
            return Some(Event::Call(self.caller()));
        }
        None
    }

    fn exponential(&mut self, mean: f64) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "minutes in milliseconds")]
        let ms = (-mean * (1.0 - self.rng.f64()).ln()) as i64;
        ms.max(1)
    }

    fn caller(&mut self) -> Caller {
        let n = self.rng.u32(..CUSTOMERS);
        let withheld = self.rng.u32(..WITHHELD) == 0;
        let is_closed = self.rng.u32(..CLOSED) == 0 && !self.closed.is_empty();
        let dids = if is_closed { &self.closed } else { &self.dids };
        let (did, entry) = dids[self.rng.usize(..dids.len())].clone();
        let key = match &entry {
            Entry::Menu(keys) if self.rng.u32(..LOST) > 0 => {
                Some((keys[self.rng.usize(..keys.len())].0, self.rng.i64(1_000..4_000)))
            }
            _ => None,
        };
        Caller {
            number: if withheld { String::new() } else { format!("1202555{:04}", 100 + n) },
            name: if n.is_multiple_of(3) { format!("Customer {n}") } else { String::new() },
            did,
            key,
            patience_ms: self.rng.i64(8_000..40_000),
        }
    }
}

/// What its people do.
#[derive(Debug)]
pub struct Folk(Rng);

impl Folk {
    /// The same seed, the same people.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed ^ 0x9e37_79b9_7f4a_7c15))
    }
}

impl People for Folk {
    fn agent(&mut self, _agent: usize, _callback: bool) -> Pickup {
        match self.0.u32(..100) {
            0..92 => Pickup::Answer(self.0.i64(800..3_500)),
            92..97 => Pickup::Ignore,
            97..99 => Pickup::Reject(self.0.i64(500..2_000)),
            _ => Pickup::Unreachable,
        }
    }

    fn customer(&mut self, _number: &str) -> Pickup {
        match self.0.u32(..100) {
            0..72 => Pickup::Answer(self.0.i64(1_000..5_000)),
            72..84 => Pickup::Busy,
            84..95 => Pickup::Ignore,
            _ => Pickup::Reject(self.0.i64(500..3_000)),
        }
    }

    fn talk(&mut self) -> Talk {
        Talk { ms: self.0.i64(2_500..7_500), ended_by_agent: self.0.bool() }
    }

    fn transfers(&mut self) -> bool {
        self.0.u32(..TRANSFERRED) == 0
    }
}
