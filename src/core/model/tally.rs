//! What is counted of what was written: calls by what became of them, waits, talk, callbacks, attempts, gaps. Numbers that only grow.

use super::{
    AttemptResult, CallbackState, ChangeKind, Direction, FinishedCall, GapCause, Outcome, PbxId, Quality, Record,
    RecoveredBy, Status,
};
use crate::millis::Millis;
use crate::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

/// Queues that are counted by name, those of all PBXs together; further ones are counted as [`OTHER_QUEUES`]. An operator has tens of them: what
/// has more makes them up.
pub const MAX_QUEUES: usize = 500;

/// What queues beyond [`MAX_QUEUES`] are counted as.
pub const OTHER_QUEUES: &str = "_other";

/// Ends of the intervals in which waits are counted, ms, beside the threshold of the service level.
const WAITS_MS: [i64; 12] =
    [5_000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000];
/// Those of conversations, ms.
const TALKS_MS: [i64; 8] = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];
/// Those of times from a miss to being won back, ms.
const RECOVERIES_MS: [i64; 8] = [60_000, 300_000, 600_000, 1_800_000, 3_600_000, 14_400_000, 86_400_000, 259_200_000];

/// How many values were no greater than each bound, and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Each bound, and how many values were above the one before it and not above this.
    buckets: Vec<(i64, u64)>,
    count: u64,
    sum: i64,
}

impl Histogram {
    /// Without a value yet.
    #[must_use]
    pub fn new(bounds: impl IntoIterator<Item = i64>) -> Self {
        let bounds: BTreeSet<i64> = bounds.into_iter().to_set();
        Self { buckets: bounds.into_iter().map(|bound| (bound, 0)).collect(), count: 0, sum: 0 }
    }

    /// One more value.
    pub fn add(&mut self, value: i64) {
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        if let Some((_, count)) = self.buckets.iter_mut().find(|(bound, _)| value <= *bound) {
            *count += 1;
        }
    }

    /// Each bound, and how many values were no greater.
    pub fn up_to(&self) -> impl Iterator<Item = (i64, u64)> {
        self.buckets.iter().scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((*bound, *sum))
        })
    }

    /// All values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Added up.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.sum
    }
}

/// A queue of a PBX; empty: none.
pub type Place = (PbxId, String);

/// What was counted. Each call counts once, when its row is first on the disk: what corrects the row later is not counted.
#[derive(Debug, Clone)]
pub struct Tally {
    service_level_ms: Millis,
    named: BTreeSet<Place>,
    /// How often a queue had no name left.
    pub unnamed: u64,
    /// Calls that ended.
    pub calls: BTreeMap<(Place, Direction, Status, Outcome), u64>,
    /// The same, by how much of them was seen.
    pub qualities: BTreeMap<(PbxId, Quality), u64>,
    /// Waits of customers who were offered to a person, ms, and whether one answered.
    pub waits: BTreeMap<(Place, bool), Histogram>,
    /// Conversations of customers' calls that were answered, ms.
    pub talks: BTreeMap<Place, Histogram>,
    /// Callbacks that were made, and whether they were asked for.
    pub callbacks_created: BTreeMap<(Place, bool), u64>,
    /// Callbacks that were asked for and were late.
    pub callbacks_late: BTreeMap<Place, u64>,
    /// Callbacks that are over.
    pub callbacks_closed: BTreeMap<(Place, CallbackState), u64>,
    /// Attempts that are over.
    pub attempts: BTreeMap<(Place, AttemptResult), u64>,
    /// What callbacks are counted as that an attempt goes on for, by their ids: the row of an attempt names no queue.
    dialled: BTreeMap<i64, Place>,
    /// From the first miss until the customer was won back, ms.
    pub recoveries: BTreeMap<(Place, RecoveredBy), Histogram>,
    /// Times in which events were not seen, and how long they were together, ms.
    pub gaps: BTreeMap<(PbxId, GapCause), (u64, Millis)>,
}

impl Tally {
    /// Nothing was counted yet. `service_level_ms`: who waited no longer was answered in time.
    #[must_use]
    pub fn new(service_level_ms: Millis) -> Self {
        Self {
            service_level_ms,
            named: BTreeSet::new(),
            unnamed: 0,
            calls: BTreeMap::new(),
            qualities: BTreeMap::new(),
            waits: BTreeMap::new(),
            talks: BTreeMap::new(),
            callbacks_created: BTreeMap::new(),
            callbacks_late: BTreeMap::new(),
            callbacks_closed: BTreeMap::new(),
            attempts: BTreeMap::new(),
            dialled: BTreeMap::new(),
            recoveries: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// Another threshold is in force. What waits were counted by others does not tell how many were within it: those begin anew.
    pub fn service_level(&mut self, service_level_ms: Millis) {
        if self.service_level_ms != service_level_ms {
            self.service_level_ms = service_level_ms;
            self.waits.clear();
        }
    }

    /// Counts what was written.
    pub fn count(&mut self, kind: ChangeKind, record: &Record) {
        match record {
            Record::Call(call) if matches!(kind, ChangeKind::CallEnded | ChangeKind::CallMissed) => self.call(call),
            Record::Callback(change) => {
                let row = &change.row;
                let place = self.place(&row.pbx, row.queue.as_deref());
                if row.state.is_active() {
                    self.dialled.insert(row.id, place.clone());
                }
                match kind {
                    ChangeKind::CallbackCreated => {
                        *self.callbacks_created.entry((place, row.requested)).or_default() += 1;
                    }
                    ChangeKind::CallbackLate => *self.callbacks_late.entry(place).or_default() += 1,
                    ChangeKind::CallbackClosed => {
                        *self.callbacks_closed.entry((place.clone(), row.state)).or_default() += 1;
                        if let Some((by, at_ms)) = change.recovered {
                            let empty = || Histogram::new(RECOVERIES_MS);
                            self.recoveries
                                .entry((place, by))
                                .or_insert_with(empty)
                                .add((at_ms - row.first_missed_ms).max(0));
                        }
                    }
                    _ => {}
                }
            }
            Record::Attempt(row) => {
                if let Some(result) = row.result {
                    let none = || (row.pbx.clone(), String::new());
                    let place = self.dialled.remove(&row.callback_id).unwrap_or_else(none);
                    *self.attempts.entry((place, result)).or_default() += 1;
                }
            }
            Record::Gap(gap) => {
                let (gaps, ms) = self.gaps.entry((gap.pbx.clone(), gap.cause)).or_default();
                *gaps += 1;
                *ms += (gap.to_ms - gap.from_ms).max(0);
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &FinishedCall) {
        let place = self.place(&call.pbx, call.queue.as_deref());
        *self.calls.entry((place.clone(), call.direction, call.status, call.outcome)).or_default() += 1;
        *self.qualities.entry((call.pbx.clone(), call.quality)).or_default() += 1;
        if !call.was_offered() {
            return;
        }
        let answered = call.status == Status::Answer;
        // Both, so that a ratio of the two is 0 and not absent.
        for of in [true, false] {
            let bounds = WAITS_MS.into_iter().chain([self.service_level_ms]);
            let waits = self.waits.entry((place.clone(), of)).or_insert_with(|| Histogram::new(bounds));
            if of == answered {
                waits.add(call.wait_for_person_ms());
            }
        }
        if answered {
            self.talks.entry(place).or_insert_with(|| Histogram::new(TALKS_MS)).add(call.talk_ms);
        }
    }

    /// What is counted of this queue is counted as.
    fn place(&mut self, pbx: &PbxId, queue: Option<&str>) -> Place {
        let place = (pbx.clone(), queue.unwrap_or_default().to_owned());
        if place.1.is_empty() || self.named.contains(&place) {
            return place;
        }
        if self.named.len() < MAX_QUEUES {
            self.named.insert(place.clone());
            return place;
        }
        self.unnamed += 1;
        (place.0, OTHER_QUEUES.to_owned())
    }
}
