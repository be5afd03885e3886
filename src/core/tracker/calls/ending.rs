//! The end of a call: wait for what is still on its way, reach the verdict, record it, and forget the call later.

use crate::millis::Millis;
use crate::model::text::is_language;
use crate::model::{FinishedCall, Record};
use crate::tracker::calls::call::{Call, Origin, Stage};
use crate::tracker::table::Slot;
use crate::tracker::{CUSTOMER_GONE_MS, LINGER_MS, Output, SETTLE_MS, Tracker};
use std::sync::Arc;

/// What recording a call's row came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// It is the first.
    New,
    /// It is another than before.
    Corrected,
    /// It is the one that was recorded.
    Same,
}

impl Call {
    /// A channel of it is gone, with a cause if one was sent; with the last one the call begins to end.
    fn channel_ends(&mut self, uniqueid: &str, is_customer: bool, cause: Option<u16>, at: Millis) {
        self.live = self.live.saturating_sub(1);
        if let Some(attempt) = self.attempt_mut(uniqueid) {
            attempt.cause = attempt.cause.or(cause);
            attempt.ended_ms.get_or_insert(at);
        }
        if is_customer {
            self.cause = cause.or(self.cause);
        }
        if self.live == 0 {
            self.stage = Stage::Ending;
        }
    }

    /// A channel of it ended with this language: of the one that began it, it is kept.
    fn spoke(&mut self, channel: Slot, language: &str) {
        if self.first == channel && is_language(language) {
            self.language = Some(language.into());
        }
    }

    /// Its customer is gone for good.
    fn settles(&mut self) {
        self.stage = Stage::Ending;
    }

    /// Someone came back.
    fn goes_on(&mut self) {
        self.stage = Stage::Live;
    }

    /// It is recorded, or makes no row.
    fn is_over(&mut self) {
        self.stage = Stage::Recorded;
    }

    /// This is its row.
    fn recorded_as(&mut self, row: &Arc<FinishedCall>) -> Written {
        match self.recorded.replace(Arc::clone(row)) {
            None => Written::New,
            Some(before) if before == *row => Written::Same,
            Some(_) => {
                self.corrections += 1;
                Written::Corrected
            }
        }
    }

    /// It owns a channel that another call had.
    fn keeps(&mut self, channel: Slot) {
        self.channels.push(channel);
    }

    /// The customer is gone, and these channels go on: in a call of their own, which makes no row. Whatever they dial still bears the customer's
    /// linkedid: it is theirs, and must not make a second row under it.
    fn goes_on_without_customer(&mut self, first: Slot, survivors: &[Slot], forget_by: u64, at: Millis) -> Self {
        survivors.iter().for_each(|slot| self.leave_talk(*slot, at));
        self.channels.retain(|slot| !survivors.contains(slot));
        self.live = 0;
        self.forget_by = Some(forget_by);
        let mut rest = Self::new("", first, Origin::Extension, at);
        rest.orphaned = true;
        rest.live = survivors.len();
        rest.channels = survivors.to_vec();
        rest.keys = vec![format!("{} after its customer", self.linkedid).into()];
        rest.keys.extend(self.keys.iter().cloned());
        rest
    }
}

impl Tracker {
    /// A channel ends with this language.
    pub(crate) fn language_known(&mut self, channel: Slot, language: &str) {
        let call = self.topology.channel(channel).call;
        self.calls.call_mut(call).spoke(channel, language);
    }

    /// The channel is gone, with a cause if one was sent.
    pub(crate) fn ended(&mut self, slot: Slot, cause: Option<u16>, at: Millis) {
        self.topology.ends(slot, at);
        let channel = self.topology.channel(slot);
        let (call, uniqueid) = (channel.call, channel.uniqueid.clone());
        self.phone_changes(slot, at);
        self.phone_counts(slot, at);
        let is_customer = self.is_customer(call, slot);
        self.calls.call_mut(call).channel_ends(&uniqueid, is_customer, cause, at);
        let c = &self.calls[call];
        if c.live == 0 {
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
                Stage::Ending => self.record(call),
                Stage::Recorded => self.forget(call),
            }
        }
    }

    /// Where new calls would soon have no room, those that have their row give way, from the oldest on: what comes late of them changes nothing any more.
    pub(crate) fn make_room(&mut self) {
        while self.topology.is_nearly_full() || !self.calls.has_room_for_tapes() {
            let Some(call) = self.calls.take_lingering() else { return };
            self.counters.calls_forgotten_early += 1;
            self.forget(call);
        }
    }

    /// Records every call that is over, without waiting for what may still be on its way.
    pub(crate) fn record_all(&mut self) {
        let over: Vec<Slot> =
            self.calls.iter().filter(|(_, c)| c.stage == Stage::Ending).map(|(slot, _)| slot).collect();
        for call in over {
            self.record(call);
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
        self.calls.call_mut(call).settles();
        self.record(call);
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
        let forget_by = self.now.mono_ms + LINGER_MS;
        let rest = self.calls.call_mut(call).goes_on_without_customer(first, &survivors, forget_by, at);
        let key = rest.keys[0].clone();
        let rest = self.calls.insert(&key, rest);
        for slot in &survivors {
            self.topology.moves_to_call(*slot, rest);
        }
        self.attempts_survive(call, rest);
    }

    pub(crate) fn record(&mut self, call: Slot) {
        if self.calls[call].live > 0 {
            let first = self.topology.channel(self.calls[call].first);
            match first.ended_ms {
                Some(ended) if self.calls[call].origin == Origin::Trunk => self.split_off_survivors(call, ended),
                _ => {
                    return self.calls.call_mut(call).goes_on(); // someone came back
                }
            }
        }
        self.goes_out_as_dialled(call);
        if !self.calls[call].orphaned
            && let Some(finished) = self.finish(call)
        {
            let finished = Arc::new(finished);
            let written = self.calls.call_mut(call).recorded_as(&finished);
            if written != Written::Same {
                match written {
                    Written::Corrected => self.counters.calls_corrected += 1,
                    _ => self.counters.calls_recorded += 1,
                }
                self.outputs.push_back(Output::Record(Record::Call(Arc::clone(&finished))));
                self.tape_goes_with(call, &finished);
                self.has_its_row(&finished.linkedid);
            }
            self.last_call_learnt(call, &finished);
        }
        self.attempts_end(call);
        self.calls.call_mut(call).is_over();
        self.calls.mark(call);
        let left = self.calls[call].forget_by.map_or(LINGER_MS, |by| by.saturating_sub(self.now.mono_ms));
        self.calls.schedule_at(call, self.now.mono_ms + left);
    }

    fn forget(&mut self, call: Slot) {
        let Some(gone) = self.calls.get(call) else { return };
        let (keys, channels) = (gone.keys.clone(), gone.channels.clone());
        for slot in channels {
            match self.calls.another_that_shares(&self.topology, call, slot) {
                Some(other) => {
                    self.topology.moves_to_call(slot, other);
                    self.calls.call_mut(other).keeps(slot);
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
