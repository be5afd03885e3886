//! The end of a call: wait for what is still on its way, reach the verdict, record it, and forget the call later.

use crate::ami::event::Millis;
use crate::model::Record;
use crate::tracker::calls::call::{Call, Origin, Stage};
use crate::tracker::table::Slot;
use crate::tracker::{CUSTOMER_GONE_MS, LINGER_MS, Output, SETTLE_MS, Tracker};
use std::sync::Arc;

impl Tracker {
    /// The channel is gone, with a cause if one was sent.
    pub(crate) fn ended(&mut self, slot: Slot, cause: Option<u16>, at: Millis) {
        self.topology.ends(slot, at);
        let channel = self.topology.channel(slot);
        let (call, uniqueid) = (channel.call, channel.uniqueid.clone());
        self.phone_changes(slot, at);
        self.phone_counts(slot, at);
        let is_customer = self.is_customer(call, slot);
        let c = &mut self.calls.table[call];
        c.live = c.live.saturating_sub(1);
        if let Some(attempt) = c.attempt_mut(&uniqueid) {
            attempt.cause = attempt.cause.or(cause);
            attempt.ended_ms.get_or_insert(at);
        }
        if is_customer {
            c.cause = cause.or(c.cause);
        }
        if c.live == 0 {
            c.stage = Stage::Ending;
            self.calls.schedule_at(call, self.now.mono_ms + SETTLE_MS);
        } else if is_customer && c.origin == Origin::Trunk && c.stage == Stage::Live {
            self.calls.schedule_at(call, self.now.mono_ms + CUSTOMER_GONE_MS);
        }
        self.waiting_changes(call);
        self.calls.mark(call);
    }

    /// The caller of this call had hung up by that time, without being asked to.
    pub(crate) fn caller_left_by(&self, call: Slot, at: Millis) -> bool {
        if self.calls[call].dialplan.turned_away() {
            return false; // the hangup only answers what the PBX sent
        }
        let first = self.topology.channel(self.calls[call].first);
        first.far_hangup_ms.is_some_and(|t| t <= at && first.pbx_hangup_ms.is_none_or(|p| t <= p))
    }

    /// Looks at every call whose time has come.
    pub(crate) fn settle_due(&mut self) {
        while let Some(call) = self.calls.take_due(self.now.mono_ms) {
            match self.calls[call].stage {
                Stage::Live => self.customer_gone(call),
                Stage::Ending => self.tell(call),
                Stage::Recorded => self.forget(call),
            }
        }
    }

    /// Records every call that is over, without waiting for what may still be on its way.
    pub(crate) fn record_all(&mut self) {
        let over: Vec<Slot> =
            self.calls.iter().filter(|(_, c)| c.stage == Stage::Ending).map(|(slot, _)| slot).collect();
        for call in over {
            self.tell(call);
        }
    }

    /// The customer hung up a while ago and others of the call are still there: record it, and let them go on without the customer.
    fn customer_gone(&mut self, call: Slot) {
        let first = self.topology.channel(self.calls[call].first);
        let Some(ended) = first.ended_ms else { return };
        if self.calls[call].origin != Origin::Trunk {
            return; // merged meanwhile into one that goes on without its first channel
        }
        self.split_off_survivors(call, ended);
        self.calls.table[call].stage = Stage::Ending;
        self.tell(call);
    }

    /// Moves the channels that still live into a call of their own which makes no row.
    fn split_off_survivors(&mut self, call: Slot, at: Millis) {
        let survivors: Vec<Slot> = self.calls[call]
            .channels
            .iter()
            .copied()
            .filter(|s| self.topology.channel(*s).ended_ms.is_none())
            .collect();
        let Some(&first) = survivors.first() else { return };
        for slot in &survivors {
            self.calls.table[call].leave_talk(*slot, at);
        }
        let mut rest = Call::new("", first, Origin::Extension, at);
        rest.orphaned = true;
        rest.live = survivors.len();
        rest.keys.clear();
        rest.channels.clone_from(&survivors);
        let key = format!("{} after its customer", self.calls[call].linkedid);
        rest.keys.push(key.as_str().into());
        // Whatever they dial still bears the customer's linkedid: it is theirs, and must not make a second row under it.
        rest.keys.extend(self.calls[call].keys.iter().cloned());
        let rest = self.calls.table.insert(&key, rest);
        for i in 0..self.calls[call].keys.len() {
            let key = self.calls[call].keys[i].clone();
            self.calls.table.alias(&key, rest);
        }
        for slot in &survivors {
            self.topology.moves_to_call(*slot, rest);
        }
        self.attempts_survive(call, rest);
        let c = &mut self.calls.table[call];
        c.channels.retain(|s| !survivors.contains(s));
        c.live = 0;
        c.forget_by = Some(self.now.mono_ms + LINGER_MS);
    }

    pub(crate) fn tell(&mut self, call: Slot) {
        if self.calls[call].live > 0 {
            let first = self.topology.channel(self.calls[call].first);
            match first.ended_ms {
                Some(ended) if self.calls[call].origin == Origin::Trunk => self.split_off_survivors(call, ended),
                _ => {
                    self.calls.table[call].stage = Stage::Live; // someone came back
                    return;
                }
            }
        }
        if !self.calls[call].orphaned
            && let Some(finished) = self.finish(call)
        {
            let finished = Arc::new(finished);
            let before = self.calls.table[call].recorded.take();
            if before.as_ref() != Some(&finished) {
                if before.is_some() {
                    self.counters.calls_corrected += 1;
                    self.calls.table[call].corrections += 1;
                } else {
                    self.counters.calls_recorded += 1;
                }
                self.outputs.push_back(Output::Record(Record::Call(Arc::clone(&finished))));
                self.has_its_row(&finished.linkedid);
            }
            self.last_call_learnt(call, &finished);
            self.calls.table[call].recorded = Some(finished);
        }
        self.attempts_end(call);
        self.calls.table[call].stage = Stage::Recorded;
        self.calls.mark(call);
        let left = self.calls[call].forget_by.map_or(LINGER_MS, |by| by.saturating_sub(self.now.mono_ms));
        self.calls.schedule_at(call, self.now.mono_ms + left);
    }

    fn forget(&mut self, call: Slot) {
        let Some(gone) = self.calls.table.get(call) else { return };
        let (keys, channels) = (gone.keys.clone(), gone.channels.clone());
        for slot in channels {
            match self.calls.another_that_shares(&self.topology, call, slot) {
                Some(other) => {
                    self.topology.moves_to_call(slot, other);
                    self.calls.table[other].channels.push(slot);
                }
                None => self.topology.forget(slot),
            }
        }
        if let Some(gone) = self.calls.remove(call, keys.iter().map(|k| &**k)) {
            self.line_of_a_call_gone(&gone);
            self.progress_of_a_call_gone(&gone);
            self.presence.waits_no_more(gone.waits_in);
        }
    }
}
