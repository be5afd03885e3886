//! What the details of calls weigh in memory: each call has limits of its own, but thousands of calls at their limits have none together.

use crate::ami::budget::Budget;
use crate::ami::length::EXPRESSION;
use crate::model::{IvrStep, Rating, Tag};
use crate::tracker::calls::call::{Call, Person, TrackedLeg, TrackedVisit};
use crate::tracker::calls::registry::Calls;

/// The details of all calls together (legs, people, queue visits, menu steps, tags, ratings, linkedids, tapes), bytes as they are estimated here; beyond it new ones are
/// counted and not kept. Some 60,000 legs.
pub const MAX_DETAIL_BYTES: usize = Budget::WHOLE.detail_bytes;
/// Linkedids that lead to one call.
pub const MAX_LINKEDIDS: usize = 100;

/// What an item of a map costs beside its key.
const ENTRY: usize = 48;
/// A tag or a rating may be replaced by one with other texts: each counts as the longest.
const SAID: usize = 3 * EXPRESSION;

/// The details of a call that have been weighed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weighed {
    legs: usize,
    people: usize,
    visits: usize,
    steps: usize,
    keys: usize,
    said: usize,
    recorded: bool,
    bytes: usize,
    tape: usize,
}

fn leg(leg: &TrackedLeg) -> usize {
    size_of::<TrackedLeg>()
        + leg.uniqueid.len()
        + leg.interface.len()
        + leg.dialled.len()
        + length(leg.queue.as_deref())
}

fn person(person: &Person) -> usize {
    size_of::<Person>() + person.interface.len()
}

fn visit(visit: &TrackedVisit) -> usize {
    size_of::<TrackedVisit>() + visit.queue.len()
}

fn step(step: &IvrStep) -> usize {
    size_of::<IvrStep>() + step.context.len() + step.digits.len()
}

fn key(key: &str) -> usize {
    2 * key.len() + ENTRY
}

fn length(text: Option<&str>) -> usize {
    text.map_or(0, str::len)
}

impl Weighed {
    /// Weighs what the call has more than when it was weighed last, or all of it if it has less of anything. Its row, once recorded, is a
    /// second copy of nearly all.
    fn again(self, call: &Call) -> Self {
        let before = if self.is_of_more_than(call) { Self::default() } else { self };
        let copies = 1 + usize::from(call.recorded.is_some());
        let said = call.tags.len() + call.ratings.len();
        let more = call.attempts[before.legs..].iter().map(leg).sum::<usize>()
            + call.people[before.people..].iter().map(person).sum::<usize>()
            + call.queue_visits[before.visits..].iter().map(visit).sum::<usize>()
            + call.ivr[before.steps..].iter().map(step).sum::<usize>()
            + call.keys[before.keys..].iter().map(|k| key(k)).sum::<usize>()
            // What was said is in the row in progress too.
            + 2 * (said - before.said) * (size_of::<Tag>().max(size_of::<Rating>()) + SAID);
        Self {
            legs: call.attempts.len(),
            people: call.people.len(),
            visits: call.queue_visits.len(),
            steps: call.ivr.len(),
            keys: call.keys.len(),
            said,
            recorded: call.recorded.is_some(),
            bytes: before.bytes + more * copies,
            tape: call.tape.weight(),
        }
    }

    fn is_of_more_than(&self, call: &Call) -> bool {
        self.recorded != call.recorded.is_some()
            || self.legs > call.attempts.len()
            || self.people > call.people.len()
            || self.visits > call.queue_visits.len()
            || self.steps > call.ivr.len()
            || self.keys > call.keys.len()
            || self.said > call.tags.len() + call.ratings.len()
    }

    /// Bytes as they are estimated.
    pub(super) fn bytes(self) -> usize {
        self.bytes + self.tape
    }

    /// Nothing of the call has come or gone.
    fn is_up_to_date(&self, call: &Call) -> bool {
        self.recorded == call.recorded.is_some()
            && self.legs == call.attempts.len()
            && self.people == call.people.len()
            && self.visits == call.queue_visits.len()
            && self.steps == call.ivr.len()
            && self.keys == call.keys.len()
            && self.said == call.tags.len() + call.ratings.len()
            && self.tape == call.tape.weight()
    }
}

impl Calls {
    /// There is room for another detail of some call.
    pub(crate) fn have_room(&self) -> bool {
        self.detail_bytes < self.budget.detail_bytes
    }

    /// There is room for more on tapes: they take no more than half, so that a call whose tape is full has room for its details.
    pub(crate) fn has_room_for_tapes(&self) -> bool {
        self.detail_bytes < self.budget.detail_bytes / 2
    }

    /// What the details of all calls weigh.
    pub(crate) fn detail_bytes(&self) -> usize {
        self.detail_bytes
    }
}

impl Call {
    /// Weighs its details. Returns what they weighed before, and what they weigh now, bytes as they are estimated.
    pub(super) fn weigh(&mut self) -> (usize, usize) {
        let before = self.weighed;
        if !before.is_up_to_date(self) {
            self.weighed = before.again(self);
        }
        (before.bytes(), self.weighed.bytes())
    }
}
