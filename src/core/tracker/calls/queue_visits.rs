//! Stays in queues: joined, left, abandoned, connected.

use crate::ami::event;
use crate::ami::event::Millis;
use crate::tracker::Engine;
use crate::tracker::calls::call::{Attempt, MAX_VISITS, Person, Stay};
use crate::tracker::table::Slot;

/// What a queue says at the end of a talk with an agent.
pub(crate) struct Spent {
    /// The caller waited so long before it, s.
    pub hold_s: u32,
    /// It lasted so long, s.
    pub talk_s: u32,
}

impl Engine {
    pub(crate) fn joins_queue(&mut self, seen: &event::Channel<'_>, queue: &str, position: u32, at: Millis) {
        let Some(slot) = self.known(seen, at) else { return };
        self.stay_begins(slot, queue, Some(position), at);
    }

    /// Notes a stay in a queue, unless one in that queue is going on. For a caller who was found waiting, `joined_ms` is what the list says.
    pub(crate) fn stay_begins(&mut self, channel: Slot, queue: &str, position: Option<u32>, joined_ms: Millis) {
        let slot = self.channels[channel].call;
        let call = &mut self.calls[slot];
        if call.stay_mut(queue).is_some_and(|s| s.left_ms.is_none()) {
            call.stay_shown(queue);
            return;
        }
        if call.stays.len() >= MAX_VISITS {
            call.dropped += 1;
            self.counters.details_dropped += 1;
            return;
        }
        call.stays.push(Stay::began(queue, position, joined_ms));
        call.in_doubt = false; // whatever was before, he waits again
        self.waiting_changes(slot);
    }

    pub(crate) fn leaves_queue(&mut self, seen: &event::Channel<'_>, queue: &str, at: Millis) {
        let Some(slot) = self.met(seen, at) else { return };
        let slot = self.channels[slot].call;
        let call = &mut self.calls[slot];
        if let Some(stay) = call.stay_shown(queue) {
            stay.left_ms.get_or_insert(at);
        }
        self.waiting_changes(slot);
    }

    pub(crate) fn abandons_queue(&mut self, seen: &event::Channel<'_>, queue: &str, at: Millis) {
        let Some(slot) = self.met(seen, at) else { return };
        let slot = self.channels[slot].call;
        let call = &mut self.calls[slot];
        if let Some(stay) = call.stay_shown(queue) {
            stay.abandoned = true;
            stay.left_ms.get_or_insert(at);
        }
        self.waiting_changes(slot);
    }

    pub(crate) fn agent_connected(
        &mut self,
        seen: &event::Channel<'_>,
        dest: &event::Channel<'_>,
        queue: &str,
        at: Millis,
    ) {
        self.known(dest, at);
        let Some(slot) = self.known(seen, at) else { return };
        let slot = self.channels[slot].call;
        let call = &mut self.calls[slot];
        if let Some(stay) = call.stay_mut(queue) {
            stay.connected = true;
            stay.left_ms.get_or_insert(at);
            stay.in_doubt = false;
        }
        self.waiting_changes(slot);
    }

    /// The lists have come: who was in a queue when sight was lost, and is not named there any more, has left it.
    pub(crate) fn stays_end_unseen(&mut self, at: Millis) {
        let listed = &self.link.queues;
        let left = |stay: &Stay| stay.in_doubt && stay.left_ms.is_none() && listed.contains(&stay.queue);
        let calls: Vec<Slot> =
            self.calls.iter().filter(|(_, c)| c.stays.iter().any(left)).map(|(slot, _)| slot).collect();
        for slot in calls {
            let listed = &self.link.queues;
            let left = |stay: &&mut Stay| stay.in_doubt && stay.left_ms.is_none() && listed.contains(&stay.queue);
            self.calls[slot].stays.iter_mut().filter(left).for_each(|stay| stay.left_ms = Some(at));
            self.waiting_changes(slot);
        }
    }

    /// The queue reckons up a talk that is over. Where its beginning went unseen, this is what tells of it.
    pub(crate) fn agent_completes(
        &mut self,
        (seen, dest): (&event::Channel<'_>, &event::Channel<'_>),
        queue: &str,
        interface: &str,
        spent: Spent,
        at: Millis,
    ) {
        let (caller, agent) = (self.met(seen, at), self.met(dest, at));
        let Some(slot) = caller.or(agent).map(|party| self.channels[party].call) else { return };
        let call = &self.calls[slot];
        // Asterisk reckons by a clock that can be set.
        let began = (at - Millis::from(spent.talk_s) * 1_000).max(call.started_ms).min(at);
        let joined = (began - Millis::from(spent.hold_s) * 1_000).max(call.started_ms).min(began);
        if !(call.partial || call.interrupted) || call.stays.iter().any(|s| *s.queue == *queue && s.connected) {
            return; // seen, and to the millisecond
        }
        // Whichever of them is gone is not named, and a Local channel is nobody: it led to the person.
        let led_to = |local: Slot| {
            let child = |a: &&Attempt| a.parent.is_some_and(|parent| call.attempts[parent].channel == local);
            call.attempts.iter().rev().find(child).map(|a| a.channel)
        };
        let is_person = |slot_of: &Slot| self.channels[*slot_of].is_party() && self.channels[*slot_of].call == slot;
        let by_queue = |a: &&Attempt| *a.interface == *interface && a.queue.as_deref() == Some(queue);
        let named = agent.map(|agent| led_to(agent).unwrap_or(agent)).filter(is_person);
        let met = || call.people.iter().find(|p| *p.interface == *interface).map(|p| p.channel);
        let rung = || call.attempts.iter().rev().find(by_queue).map(|a| led_to(a.channel).unwrap_or(a.channel));
        // Whoever had talked with him before that is not the one.
        let may_be = |p: &&Person| p.talk.last_end_ms.is_none_or(|end| end >= began);
        let only = || call.people.first().filter(|_| call.people.len() == 1).filter(may_be).map(|p| p.channel);
        let agent = named.or_else(met).or_else(|| rung().filter(is_person)).or_else(only);
        let Some(caller) = caller.or_else(|| call.channels.iter().copied().find(|c| self.is_customer(slot, *c))) else {
            return;
        };
        if !self.calls[slot].stays.iter().any(|s| *s.queue == *queue) {
            self.stay_begins(caller, queue, None, joined);
        }
        if let Some(stay) = self.calls[slot].stay_mut(queue) {
            stay.connected = true;
            stay.in_doubt = false;
            stay.left_ms = Some(stay.left_ms.map_or(began, |left| left.min(began)).max(stay.joined_ms));
        }
        if self.is_customer(slot, caller) {
            self.had_talked(caller, agent, began, at);
        }
        self.waiting_changes(slot);
    }
}
