//! The calls of a PBX: what there is, when each is looked at again, and which have changed.
//!
//! Everybody in the tracker may read a [`Call`]. It is written to by its own verbs (`impl Call`, each beside what it is about) and those of [`Calls`]:
//! whoever judges an event against channels, agents and rules calls one of them.

use crate::ami::budget::Budget;
use crate::millis::Millis;
use crate::model::progress::LineChange;
use crate::tracker::calls::call::{Call, Stage};
use crate::tracker::calls::callback_attempt::TrackedAttempt;
use crate::tracker::calls::in_progress::Leftover;
use crate::tracker::table::{Slot, Table};
use crate::tracker::tape::Tape;
use crate::tracker::topology::graph::Topology;
use crate::tracker::{LINGER_MS, MAX_CORRECTIONS, SETTLE_MS};
use std::collections::{BTreeMap, BTreeSet};

/// The calls in memory, the recently ended ones included.
#[derive(Debug)]
pub(crate) struct Calls {
    table: Table<Call>,
    /// When a call is looked at again, by the monotonic clock.
    timers: BTreeSet<(u64, Slot)>,
    /// The same of those that have their row, and are kept for what may come late.
    lingering: BTreeSet<(u64, Slot)>,
    /// Calls that the input has changed.
    pub(super) marked: Vec<Slot>,
    /// Lines of calls that have ceased to be.
    pub(super) freed: Vec<LineChange>,
    /// What the last run left.
    pub(super) left: Leftover,
    /// Attempts of ours whose calls are not over, by their ids.
    pub(super) attempts: BTreeMap<Box<str>, TrackedAttempt>,
    /// What the details of all calls weigh.
    pub(super) detail_bytes: usize,
    pub(super) budget: Budget,
    /// Calls for which a trunk was dialled a moment ago, and when.
    pub(super) dialled_out: Vec<(Millis, Slot)>,
    /// Late events that corrected nothing any more.
    pub(crate) late_events_refused: u64,
}

/// The first corrections of a row come at once, and each further one after twice the time of the one before.
const AT_ONCE: u32 = 3;

impl std::ops::Index<Slot> for Calls {
    type Output = Call;
    fn index(&self, slot: Slot) -> &Call {
        &self.table[slot]
    }
}

impl Calls {
    /// No calls. `last_seen_ms`: when an earlier run last saw the PBX.
    pub(crate) fn new(last_seen_ms: Option<Millis>) -> Self {
        Self {
            table: Table::new(),
            timers: BTreeSet::new(),
            lingering: BTreeSet::new(),
            marked: Vec::new(),
            freed: Vec::new(),
            left: Leftover::seen(last_seen_ms),
            attempts: BTreeMap::new(),
            detail_bytes: 0,
            budget: Budget::WHOLE,
            dialled_out: Vec::new(),
            late_events_refused: 0,
        }
    }

    /// What calls keep stays within this.
    pub(crate) fn keeps_within(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// The call that a linkedid leads to.
    pub(crate) fn find(&self, linkedid: &str) -> Option<Slot> {
        self.table.find(linkedid)
    }

    /// A call, unless it has been forgotten.
    pub(crate) fn get(&self, call: Slot) -> Option<&Call> {
        self.table.get(call)
    }

    /// A call, for one of its verbs.
    pub(super) fn call_mut(&mut self, call: Slot) -> &mut Call {
        &mut self.table[call]
    }

    /// A call beside the attempts of ours.
    pub(super) fn with_attempts(&mut self, call: Slot) -> (&Call, &mut BTreeMap<Box<str>, TrackedAttempt>) {
        (&self.table[call], &mut self.attempts)
    }

    /// A call has begun under this key, the first of its own: all its linkedids lead to it, also those that led to another.
    pub(super) fn insert(&mut self, key: &str, call: Call) -> Slot {
        let slot = self.table.insert(key, call);
        for n in 1..self.table[slot].keys.len() {
            let key = self.table[slot].keys[n].clone();
            self.table.alias(&key, slot);
        }
        slot
    }

    /// This linkedid leads to the call too.
    pub(super) fn is_also_known_as(&mut self, call: Slot, linkedid: &str) {
        self.table.alias(linkedid, call);
        self.table[call].keys.push(linkedid.into());
    }

    /// Two calls are one: whatever led to the other leads to this one, which has all that was known of it. Returns how many details were beyond the
    /// limits of one call.
    pub(super) fn absorb(&mut self, kept: Slot, gone: Call) -> u64 {
        for key in &gone.keys {
            self.table.alias(key, kept);
        }
        self.table[kept].absorb(gone)
    }

    /// Takes a call out, and the weight of its details with it; forgets those of the given keys that lead to it.
    pub(super) fn remove<'k>(&mut self, slot: Slot, keys: impl IntoIterator<Item = &'k str>) -> Option<Call> {
        let mut gone = self.table.remove(slot, keys)?;
        self.detail_bytes -= std::mem::take(&mut gone.weighed).bytes();
        Some(gone)
    }

    /// Takes in what the details of this call weigh more or less than before.
    pub(super) fn weigh(&mut self, slot: Slot) {
        let Some(call) = self.table.get_mut(slot) else { return };
        let (before, now) = call.weigh();
        self.detail_bytes = self.detail_bytes - before + now;
    }

    /// All calls.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Call)> {
        self.table.iter()
    }

    /// How many are in memory.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Something about this call has changed: it is looked at once the event has been taken.
    pub(crate) fn mark(&mut self, call: Slot) {
        if self.marked.last() != Some(&call) {
            self.marked.push(call);
        }
    }

    /// Something happened to the call: a recorded one will be looked at again.
    pub(crate) fn touched(&mut self, call: Slot, at: Millis, now_mono_ms: u64) {
        let c = &mut self.table[call];
        c.touched_ms = c.touched_ms.max(at);
        if c.stage == Stage::Recorded && c.corrections >= MAX_CORRECTIONS {
            self.late_events_refused += 1;
        } else if c.stage == Stage::Recorded {
            c.stage = Stage::Ending;
            let wait = SETTLE_MS << c.corrections.saturating_sub(AT_ONCE);
            self.schedule_at(call, now_mono_ms + wait.min(LINGER_MS));
        }
        self.mark(call);
    }

    /// Looks at the call again then, by the monotonic clock.
    pub(crate) fn schedule_at(&mut self, call: Slot, due: u64) {
        self.unschedule(call);
        self.table[call].due = Some(due);
        let has_its_row = self.table[call].stage == Stage::Recorded;
        let timers = if has_its_row { &mut self.lingering } else { &mut self.timers };
        timers.insert((due, call));
    }

    /// The call is looked at no more: it ceases to be.
    pub(super) fn unschedule(&mut self, call: Slot) {
        if let Some(due) = self.table[call].due.take()
            && !self.timers.remove(&(due, call))
        {
            self.lingering.remove(&(due, call));
        }
    }

    /// When a call is to be looked at next, by the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let next = |timers: &BTreeSet<(u64, Slot)>| timers.first().map(|(due, _)| *due);
        next(&self.timers).into_iter().chain(next(&self.lingering)).min()
    }

    /// A call whose time has come.
    pub(super) fn take_due(&mut self, now_mono_ms: u64) -> Option<Slot> {
        let due = |timers: &BTreeSet<(u64, Slot)>| timers.first().copied().filter(|(due, _)| *due <= now_mono_ms);
        let (_, call) = due(&self.timers).into_iter().chain(due(&self.lingering)).min()?;
        self.unschedule(call);
        Some(call)
    }

    /// The call that has had its row for longest, and is kept only for what may come late.
    pub(super) fn take_lingering(&mut self) -> Option<Slot> {
        loop {
            let &(due, call) = self.lingering.first()?;
            self.unschedule(call);
            if self.table[call].stage == Stage::Recorded && self.table[call].live == 0 {
                return Some(call);
            }
            // Something of it goes on again.
            self.table[call].due = Some(due);
            self.timers.insert((due, call));
        }
    }

    /// A channel has come to the call. `partial`: it is the first that is known of it, and it did not begin just now.
    pub(crate) fn channel_comes(&mut self, call: Slot, channel: Slot, partial: bool) {
        self.table[call].channel_comes(channel, partial);
    }

    /// The event of its beginning has come, behind a list that named its first channel.
    pub(crate) fn shows_its_beginning(&mut self, call: Slot, at: Millis) {
        self.call_mut(call).shows_its_beginning(at);
    }

    /// Another call that has this channel of one among its people or legs, and needs it longer.
    pub(super) fn another_that_shares(&self, topology: &Topology, of: Slot, channel: Slot) -> Option<Slot> {
        if !topology.channel(channel).shared {
            return None;
        }
        let has = |call: &Call| {
            call.people.iter().any(|p| p.channel == channel) || call.attempts.iter().any(|a| a.channel == channel)
        };
        self.table.iter().find(|(slot, call)| *slot != of && has(call)).map(|(slot, _)| slot)
    }

    /// The caller is counted as waiting in this queue, or in none. Returns where before.
    pub(crate) fn waits_in(&mut self, call: Slot, queue: Option<Box<str>>) -> Option<Box<str>> {
        std::mem::replace(&mut self.table[call].waits_in, queue)
    }

    /// What Asterisk says of a call.
    pub(crate) fn tape_mut(&mut self, call: Slot) -> &mut Tape {
        &mut self.table[call].tape
    }

    /// A transfer. `at`: when, if our side made it.
    pub(crate) fn transferred(&mut self, call: Slot, at: Option<Millis>) {
        self.table[call].transferred(at);
    }
}
