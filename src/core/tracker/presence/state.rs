//! Who is there and who is free: agents, their phones, after-call work, and the callers who wait in each queue.
//!
//! An agent is written to by its own verbs, by those of all agents, and by those here: whoever judges an event calls one of them.

use crate::ami::budget::Budget;
use crate::millis::Millis;
use crate::model::Moment;
use crate::model::presence::Busy;
use crate::tracker::presence::agent::{Agent, DeviceState, Roster, device, extension};
use crate::tracker::table::{Slot, Table};
use std::collections::{BTreeMap, BTreeSet};

/// What decides who is free, kept up to date with every event.
#[derive(Debug, Default)]
pub(crate) struct PresenceState {
    pub(super) roster: Roster,
    /// The phones that have live channels, by interface. Kept for all of them: whose phone it is may be known later.
    phones: Table<Phone>,
    /// Callers in each queue that has any.
    waiting: BTreeMap<Box<str>, u32>,
    /// After-call work that goes on: until when, by the monotonic clock, and whose.
    wrapups: BTreeSet<(u64, Slot)>,
    /// It is to be said that presence has changed.
    changed: bool,
}

#[derive(Debug)]
struct Phone {
    interface: Box<str>,
    channels: u32,
}

impl PresenceState {
    /// What is kept of agents stays within this.
    pub(crate) fn keeps_within(&mut self, budget: Budget) {
        self.roster.keeps_within(budget);
    }

    /// What earlier runs have seen of an agent.
    pub(crate) fn knows(&mut self, agent: &str, last_talk_ms: Option<Millis>, calls: u32) {
        self.roster.knows(agent, last_talk_ms, calls);
    }

    /// The agent whom this text means.
    pub(crate) fn find(&self, interface: &str) -> Option<Slot> {
        self.roster.find(interface)
    }

    pub(crate) fn agent(&self, slot: Slot) -> &Agent {
        self.roster.get(slot)
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.roster.iter()
    }

    /// Agents ignored because there was no room.
    pub(crate) fn agents_refused(&self) -> u64 {
        self.roster.refused
    }

    /// Memberships and names of agents ignored because there was no room.
    pub(crate) fn details_refused(&self) -> u64 {
        self.roster.details_refused
    }

    /// What a queue dials has led to this phone.
    pub(crate) fn led_to(&mut self, interface: &str, phone: &str) {
        self.roster.led_to(interface, phone);
    }

    /// The next moment at which after-call work is over.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.wrapups.first().map(|(until, _)| *until)
    }

    /// Channels that are counted: none once all have ended.
    pub(crate) fn live_channels(&self) -> u32 {
        self.phones.iter().map(|(_, p)| p.channels).sum()
    }

    /// This phone, by its slot, is that of this interface.
    pub(super) fn is_phone(&self, phone: Slot, interface: &str) -> bool {
        *self.phones[phone].interface == *interface
    }

    /// A channel of this phone begins.
    pub(super) fn phone_has_one_more(&mut self, interface: &str) -> Slot {
        let phone = match self.phones.find(interface) {
            Some(phone) => phone,
            None => self.phones.insert(interface, Phone { interface: interface.into(), channels: 0 }),
        };
        self.phones[phone].channels += 1;
        phone
    }

    /// A channel of this phone is gone. Returns whose phone it is.
    pub(super) fn phone_has_one_less(&mut self, phone: Slot) -> Option<Slot> {
        let counted = &mut self.phones[phone];
        counted.channels -= 1;
        let agent = self.roster.find(&counted.interface);
        if counted.channels == 0
            && let Some(gone) = self.phones.remove(phone, [])
        {
            self.phones.unalias(&gone.interface, phone);
        }
        agent
    }

    /// A person of whom nothing is known but what leads to the phone can have channels already: those of that extension are the person's.
    pub(super) fn phones_claimed(&mut self, slot: Slot) {
        let agent = self.roster.get(slot);
        if agent.aliases.iter().any(|a| device(a).is_some()) {
            return;
        }
        let extensions = agent.aliases.iter().filter_map(|a| a.strip_prefix("extension "));
        let phones: Vec<Box<str>> = extensions.flat_map(|e| self.phones_of(e)).collect();
        for phone in phones {
            self.roster.phone(&phone);
        }
    }

    /// Interfaces of the phones that have channels and bear this extension.
    fn phones_of(&self, wanted: &str) -> Vec<Box<str>> {
        let fits = |p: &&Phone| extension(&p.interface) == Some(wanted);
        self.phones.iter().map(|(_, p)| p).filter(fits).map(|p| p.interface.clone()).collect()
    }

    /// Presence has changed, if this is so.
    pub(super) fn changes_if(&mut self, changed: bool) {
        self.changed |= changed;
    }

    /// Presence has changed since this was asked last.
    pub(super) fn takes_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Callers in each queue that has any.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&str, u32)> {
        self.waiting.iter().map(|(queue, count)| (&**queue, *count))
    }

    /// A caller begins to wait in this queue.
    pub(crate) fn one_more_waits(&mut self, queue: &str) {
        self.changed = true;
        match self.waiting.get_mut(queue) {
            Some(count) => *count += 1,
            None => {
                self.waiting.insert(queue.into(), 1);
            }
        }
    }

    /// Takes a caller off the count of the queue that counted the caller.
    pub(crate) fn waits_no_more(&mut self, queue: Option<Box<str>>) {
        let Some(queue) = queue else { return };
        self.changed = true;
        if let Some(count) = self.waiting.get_mut(&queue) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(&queue);
            }
        }
    }

    /// Something that decides whether this agent is free may have changed.
    pub(crate) fn update_busy(&mut self, slot: Slot, at: Millis) {
        let busy = self.hinders(self.roster.get(slot));
        let agent = self.roster.get_mut(slot);
        if agent.busy == busy {
            return;
        }
        let before = std::mem::replace(&mut agent.busy, busy);
        let flips = before.is_some() != busy.is_some();
        if flips {
            agent.since_ms = at;
        }
        // Whether an unknown state is as good as none is for others to say.
        self.changed |= flips || [before, busy].contains(&Some(Busy::DeviceUnknown));
    }

    /// What hinders this agent: the first that holds.
    fn hinders(&self, agent: &Agent) -> Option<Busy> {
        if agent.memberships.is_empty() || !agent.reachable {
            return Some(Busy::LoggedOut);
        }
        if agent.aliases.iter().any(|interface| self.phones.find(interface).is_some()) {
            return Some(Busy::OnCall);
        }
        match agent.state() {
            DeviceState::InUse => Some(Busy::DeviceInUse),
            DeviceState::Unknown => Some(Busy::DeviceUnknown),
            DeviceState::Idle => agent.wrapup_until.map(|until_mono_ms| Busy::WrapUp { until_mono_ms }),
        }
    }

    /// After-call work begins. It lasts by the monotonic clock: no event marks its end.
    pub(crate) fn wrapup_begins(&mut self, slot: Slot, ms: Millis, at: Millis, now: Moment) {
        let until = now.mono_ms + u64::try_from(ms).unwrap_or(0);
        let agent = self.roster.get_mut(slot);
        if agent.wrapup_until.is_some_and(|before| before >= until) {
            return;
        }
        agent.wrapup_from = at;
        if let Some(before) = agent.wrapup_until.replace(until) {
            self.wrapups.remove(&(before, slot));
        }
        self.wrapups.insert((until, slot));
        self.update_busy(slot, at);
    }

    /// The agent says that their after-call work is done. When it had begun, if any went on, ms since 1970 UTC.
    pub(crate) fn wrapup_is_done(&mut self, slot: Slot, at: Millis) -> Option<Millis> {
        let agent = self.roster.get_mut(slot);
        let (until, from) = (agent.wrapup_until.take()?, agent.wrapup_from);
        self.wrapups.remove(&(until, slot));
        self.update_busy(slot, at);
        Some(from)
    }

    /// Ends the after-call work whose time is over.
    pub(crate) fn wrapups_end(&mut self, now: Moment) {
        while let Some(&(until, slot)) = self.wrapups.first() {
            if until > now.mono_ms {
                break;
            }
            self.wrapups.pop_first();
            self.roster.get_mut(slot).wrapup_until = None;
            self.update_busy(slot, now.wall_ms);
        }
    }
}
