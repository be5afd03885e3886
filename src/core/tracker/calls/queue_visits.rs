//! Queue visits: joined, left, abandoned, connected.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::MAX_VISITS;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Person, TrackedLeg, TrackedVisit};
use crate::tracker::table::Slot;

/// What a queue says at the end of a talk with an agent.
pub(crate) struct Spent {
    /// The caller waited so long before it, s.
    pub hold_s: u32,
    /// It lasted so long, s.
    pub talk_s: u32,
}

/// What came of a caller's joining a queue.
enum Joined {
    /// The caller is in it.
    Now,
    /// The caller was in it already.
    Again,
    /// It is not kept: the call has too many details.
    NoRoom,
}

impl Call {
    /// The caller is in this queue. `room`: for another detail of some call.
    fn joins_queue(&mut self, queue: &str, position: Option<u32>, joined_ms: Millis, room: bool) -> Joined {
        if self.visit_mut(queue).is_some_and(|s| s.left_ms.is_none()) {
            self.visit_shown(queue);
            return Joined::Again;
        }
        if self.queue_visits.len() >= MAX_VISITS || !room {
            self.dropped += 1;
            return Joined::NoRoom;
        }
        self.queue_visits.push(TrackedVisit::began(queue, position, joined_ms));
        self.seen.customer_is_shown(); // whatever was before, the caller waits again
        Joined::Now
    }

    /// The caller has left the queue, and `abandons` it or does not.
    fn leaves_queue(&mut self, queue: &str, abandons: bool, at: Millis) {
        if let Some(queue_visit) = self.visit_shown(queue) {
            queue_visit.abandoned |= abandons;
            queue_visit.left_ms.get_or_insert(at);
        }
    }

    /// The queue has connected the caller with an agent.
    fn connected_in_queue(&mut self, queue: &str, at: Millis) {
        if let Some(queue_visit) = self.visit_mut(queue) {
            queue_visit.connected = true;
            queue_visit.left_ms.get_or_insert(at);
            queue_visit.in_doubt = false;
        }
    }

    /// The queue had connected the caller by then, and nobody saw it.
    fn was_connected_in_queue(&mut self, queue: &str, began: Millis) {
        if let Some(queue_visit) = self.visit_mut(queue) {
            queue_visit.connected = true;
            queue_visit.in_doubt = false;
            queue_visit.left_ms =
                Some(queue_visit.left_ms.map_or(began, |left| left.min(began)).max(queue_visit.joined_ms));
        }
    }

    /// The caller has left the queues of these visits.
    fn visits_end(&mut self, which: impl Fn(&TrackedVisit) -> bool, at: Millis) {
        self.queue_visits.iter_mut().filter(|visit| which(visit)).for_each(|visit| visit.left_ms = Some(at));
    }
}

impl Tracker {
    pub(crate) fn joins_queue(&mut self, seen: &event::Channel<'_>, queue: &str, position: u32, at: Millis) {
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        self.visit_begins(slot, queue, Some(position), at);
    }

    /// Notes a queue visit, unless one in that queue is going on. For a caller who was found waiting, `joined_ms` is what the list says.
    pub(crate) fn visit_begins(&mut self, channel: Slot, queue: &str, position: Option<u32>, joined_ms: Millis) {
        let slot = self.topology.channel(channel).call;
        let room = self.calls.have_room();
        match self.calls.call_mut(slot).joins_queue(queue, position, joined_ms, room) {
            Joined::Again => {}
            Joined::NoRoom => self.counters.details_dropped += 1,
            Joined::Now => self.waiting_changes(slot),
        }
    }

    pub(crate) fn leaves_queue(&mut self, seen: &event::Channel<'_>, queue: &str, at: Millis) {
        let Some(slot) = self.find_channel(seen, at) else { return };
        let slot = self.topology.channel(slot).call;
        self.calls.call_mut(slot).leaves_queue(queue, false, at);
        self.waiting_changes(slot);
    }

    pub(crate) fn abandons_queue(&mut self, seen: &event::Channel<'_>, queue: &str, at: Millis) {
        let Some(slot) = self.find_channel(seen, at) else { return };
        let slot = self.topology.channel(slot).call;
        self.calls.call_mut(slot).leaves_queue(queue, true, at);
        self.waiting_changes(slot);
    }

    pub(crate) fn agent_connected(
        &mut self,
        seen: &event::Channel<'_>,
        dest: &event::Channel<'_>,
        queue: &str,
        at: Millis,
    ) {
        self.channel_or_adopt(dest, at);
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        let slot = self.topology.channel(slot).call;
        self.calls.call_mut(slot).connected_in_queue(queue, at);
        self.waiting_changes(slot);
    }

    /// The lists have come: who was in a queue when coverage was lost, and is not named there any more, has left it.
    pub(crate) fn visits_end_unseen(&mut self, at: Millis) {
        let coverage = &self.coverage;
        let left = |queue_visit: &TrackedVisit| {
            queue_visit.in_doubt && queue_visit.left_ms.is_none() && coverage.has_listed(&queue_visit.queue)
        };
        let calls: Vec<Slot> =
            self.calls.iter().filter(|(_, c)| c.queue_visits.iter().any(left)).map(|(slot, _)| slot).collect();
        for slot in calls {
            let coverage = &self.coverage;
            let left = |queue_visit: &TrackedVisit| {
                queue_visit.in_doubt && queue_visit.left_ms.is_none() && coverage.has_listed(&queue_visit.queue)
            };
            self.calls.call_mut(slot).visits_end(left, at);
            self.waiting_changes(slot);
        }
    }

    /// The queue sums up a talk that is over. Where its beginning was not seen, this shows it.
    pub(crate) fn agent_completes(
        &mut self,
        (seen, dest): (&event::Channel<'_>, &event::Channel<'_>),
        queue: &str,
        interface: &str,
        spent: Spent,
        at: Millis,
    ) {
        let (caller, agent) = (self.find_channel(seen, at), self.find_channel(dest, at));
        let Some(slot) = caller.or(agent).map(|party| self.topology.channel(party).call) else { return };
        let call = &self.calls[slot];
        // Asterisk counts by a clock that can be set.
        let began = (at - Millis::from(spent.talk_s) * 1_000).max(call.started_ms).min(at);
        let joined = (began - Millis::from(spent.hold_s) * 1_000).max(call.started_ms).min(began);
        if !call.seen.partly() || call.queue_visits.iter().any(|s| *s.queue == *queue && s.connected) {
            return; // seen, and to the millisecond
        }
        // Whichever of them is gone is not named, and a Local channel is nobody: it led to the person.
        let led_to = |local: Slot| {
            let child = |a: &&TrackedLeg| a.parent.is_some_and(|parent| call.attempts[parent].channel == local);
            call.attempts.iter().rev().find(child).map(|a| a.channel)
        };
        let is_person =
            |slot_of: &Slot| self.topology.channel(*slot_of).is_party() && self.topology.channel(*slot_of).call == slot;
        let by_queue = |a: &&TrackedLeg| *a.interface == *interface && a.queue.as_deref() == Some(queue);
        let named = agent.map(|agent| led_to(agent).unwrap_or(agent)).filter(is_person);
        let met = || call.people.iter().find(|p| *p.interface == *interface).map(|p| p.channel);
        let rung = || call.attempts.iter().rev().find(by_queue).map(|a| led_to(a.channel).unwrap_or(a.channel));
        // Whoever had talked with the caller before that is not the one.
        let may_be = |p: &&Person| p.talk.last_end_ms.is_none_or(|end| end >= began);
        let only = || call.people.first().filter(|_| call.people.len() == 1).filter(may_be).map(|p| p.channel);
        let agent = named.or_else(met).or_else(|| rung().filter(is_person)).or_else(only);
        let Some(caller) = caller.or_else(|| call.channels.iter().copied().find(|c| self.is_customer(slot, *c))) else {
            return;
        };
        if !self.calls[slot].queue_visits.iter().any(|s| *s.queue == *queue) {
            self.visit_begins(caller, queue, None, joined);
        }
        self.calls.call_mut(slot).was_connected_in_queue(queue, began);
        if self.is_customer(slot, caller) {
            self.had_talked(caller, agent, began, at);
        }
        self.waiting_changes(slot);
    }
}
