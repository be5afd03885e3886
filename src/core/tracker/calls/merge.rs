//! Two calls that turn out to be one: they came to share a linkedid, a channel or a bridge.

use crate::millis::Millis;
use crate::model::{MAX_IVR_STEPS, MAX_LEGS, MAX_TAGS, MAX_VISITS};
use crate::order::InOrder as _;
use crate::tracker::calls::call::{Call, Origin, Stage};
use crate::tracker::calls::details::MAX_LINKEDIDS;
use crate::tracker::table::Slot;
use crate::tracker::{SETTLE_MS, Tracker};

impl Tracker {
    /// A channel shows this linkedid now: if it was another, the calls are one.
    pub(crate) fn linkedid_seen(&mut self, channel: Slot, linkedid: &str) {
        if !self.topology.shows_linkedid(channel, linkedid) {
            return;
        }
        let call = self.topology.channel(channel).call;
        match self.calls.find(linkedid) {
            Some(other) => self.join_calls(call, other),
            None if self.calls[call].keys.len() >= MAX_LINKEDIDS || !self.calls.have_room() => {
                self.counters.details_dropped += 1;
            }
            None => self.calls.is_also_known_as(call, linkedid),
        }
    }

    /// Makes two calls one. The customer's call is kept: an inbound one before any other, a callback of ours before one of an
    /// extension's own, else the one that began first.
    pub(crate) fn join_calls(&mut self, a: Slot, b: Slot) {
        if a == b {
            return;
        }
        if self.has_a_caller(a) && self.has_a_caller(b) {
            return; // two customers who called in; what they share belongs to the call that it came from
        }
        let over = |c: &Call| c.stage == Stage::Recorded || (c.recorded.is_some() && c.live == 0);
        let rank = |c: &Call| (c.orphaned, over(c), leads(c.origin), c.started_ms);
        let (kept, goes) = if (rank(&self.calls[a]), a) <= (rank(&self.calls[b]), b) { (a, b) } else { (b, a) };
        if over(&self.calls[goes]) || over(&self.calls[kept]) {
            return; // it has its row; a stray late event does not undo that
        }
        self.calls.unschedule(goes);
        let Some(gone) = self.calls.remove(goes, std::iter::empty()) else { return };
        for channel in &gone.channels {
            self.topology.moves_to_call(*channel, kept);
        }
        self.counters.calls_merged += 1;
        self.line_of_a_call_gone(&gone);
        self.progress_of_a_call_gone(&gone);
        self.presence.waits_no_more(gone.waits_in.clone());
        self.attempts_merge(&gone, kept);
        self.counters.details_dropped += self.calls.absorb(kept, gone);
        let at = self.calls[kept].touched_ms;
        self.retime(kept, at);
        self.waiting_changes(kept);
        self.calls.mark(kept);
    }
}

fn leads(origin: Origin) -> u8 {
    match origin {
        Origin::Trunk => 0,
        Origin::Callback => 1,
        Origin::Extension => 2,
    }
}

impl Tracker {
    /// Two channels have met whose calls have a customer each. The one whose customer has gone already has stayed on the line, as agents do who log
    /// in for a shift: it is part of the other's call from now on.
    pub(crate) fn stays_for_the_next(&mut self, a: Slot, b: Slot, at: Millis) {
        for (stays, other) in [(a, b), (b, a)] {
            let (from, to) = (self.topology.channel(stays).call, self.topology.channel(other).call);
            let gone = |call: Slot| self.topology.channel(self.calls[call].first).ended_ms.is_some();
            if from != to && self.has_a_caller(from) && self.has_a_caller(to) && gone(from) && !gone(to) {
                self.goes_over(stays, to, at);
            }
        }
    }

    /// A channel that is dialled can have come under the linkedid of another customer, whom the one who dials has met: it is of the call that
    /// dials.
    pub(crate) fn comes_to_who_dials(&mut self, by: Slot, dest: Slot, at: Millis) {
        let (from, to) = (self.topology.channel(dest).call, self.topology.channel(by).call);
        let lives = |slot: Slot| self.topology.channel(slot).ended_ms.is_none();
        let two_callers = from != to && self.has_a_caller(from) && self.has_a_caller(to);
        if two_callers && self.calls[to].stage == Stage::Live && self.calls[from].first != dest && lives(dest) {
            self.goes_over(dest, to, at);
        }
    }

    /// A channel that lives is part of another call from now on.
    fn goes_over(&mut self, slot: Slot, to: Slot, at: Millis) {
        let from = self.topology.channel(slot).call;
        self.topology.is_shared(slot);
        self.topology.moves_to_call(slot, to);
        self.calls.channel_comes(to, slot, false);
        self.attempt_goes_over(slot, to);
        if self.calls.call_mut(from).channel_goes_over(slot) {
            self.calls.schedule_at(from, self.now.mono_ms + SETTLE_MS);
        }
        self.retime(from, at);
        self.calls.mark(from);
    }
}

impl Call {
    /// A channel that lives is part of another call from now on. True if nobody is left here.
    fn channel_goes_over(&mut self, channel: Slot) -> bool {
        self.channels.retain(|own| *own != channel);
        self.live = self.live.saturating_sub(1);
        let over = self.live == 0 && self.stage == Stage::Live;
        if over {
            self.stage = Stage::Ending;
        }
        over
    }

    /// Adds everything that is known of another self. Returns how many details were beyond the limits of one self.
    pub(super) fn absorb(&mut self, gone: Call) -> u64 {
        self.keys.extend(gone.keys);
        self.channels.extend(gone.channels);
        self.live += gone.live;
        self.touched_ms = self.touched_ms.max(gone.touched_ms);
        self.attempts.absorb(gone.attempts);
        self.queue_visits.extend(gone.queue_visits);
        self.queue_visits.order_by_key(|s| s.joined_ms);
        if gone.origin == Origin::Trunk {
            self.ivr.extend(gone.ivr);
            self.ivr.order_by_key(|s| s.at_ms);
            self.started_ms = self.started_ms.min(gone.started_ms);
        }
        // People of the other call may be this call's customer: who talks with whom is worked out anew by the clocks' owner.
        self.trunk_dialled |= gone.trunk_dialled;
        if self.origin == Origin::Trunk {
            self.trunk_dialled = false;
        } else if self.number.is_none() || (gone.trunk_dialled && self.trunk.is_none()) {
            self.number = gone.number.or(self.number.take());
            self.trunk = self.trunk.take().or(gone.trunk);
        }
        self.tags.extend(gone.tags);
        self.ratings.extend(gone.ratings);
        self.transfers += gone.transfers;
        self.transfer_ms = self.transfer_ms.max(gone.transfer_ms);
        self.seen.absorbs(gone.seen);
        self.dropped += gone.dropped;
        self.ours |= gone.ours;
        self.tape.absorb(gone.tape);
        if self.stage == Stage::Ending && self.live > 0 {
            self.stage = Stage::Live;
        }
        let beyond = [
            self.attempts.cut(MAX_LEGS),
            cut(&mut self.queue_visits, MAX_VISITS),
            cut(&mut self.ivr, MAX_IVR_STEPS),
            cut(&mut self.tags, MAX_TAGS),
            cut(&mut self.ratings, MAX_TAGS),
        ];
        let beyond: usize = beyond.iter().sum();
        self.dropped += u32::try_from(beyond).unwrap_or(u32::MAX);
        beyond as u64
    }
}

/// Cuts a list to its limit. Returns how much was beyond.
fn cut<T>(list: &mut Vec<T>, limit: usize) -> usize {
    let beyond = list.len().saturating_sub(limit);
    list.truncate(limit);
    beyond
}
