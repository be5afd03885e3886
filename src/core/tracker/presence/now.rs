//! The floor as the tracker knows it: whose phones have channels, who is free, how many wait in each queue.

use crate::ami::event::Millis;
use crate::model::presence::{AgentView, Busy, MemberView, Presence};
use crate::tracker::calls::call::{Origin, Stage};
use crate::tracker::calls::talk::Talking;
use crate::tracker::presence::agent::{Agent, DeviceState};
use crate::tracker::table::{Slot, Table};
use crate::tracker::topology::channel::Kind;
use crate::tracker::{Output, Tracker};
use std::collections::{BTreeMap, BTreeSet};

/// What decides who is free, kept up to date with every event.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The phones that have live channels, by interface. Kept for all of them: whose phone it is may be told later.
    phones: Table<Phone>,
    /// Callers in each queue that has any.
    waiting: BTreeMap<Box<str>, u32>,
    /// After-call work that goes on: until when, by the monotonic clock, and whose.
    wrapups: BTreeSet<(u64, Slot)>,
    /// [`Output::PresenceChanged`] is to be said.
    pub(crate) changed: bool,
}

#[derive(Debug)]
struct Phone {
    interface: Box<str>,
    channels: u32,
}

impl Known {
    /// The next moment at which after-call work is over.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.wrapups.first().map(|(until, _)| *until)
    }

    /// Channels that are counted: none once all have ended.
    pub(crate) fn live_channels(&self) -> u32 {
        self.phones.iter().map(|(_, p)| p.channels).sum()
    }

    /// Interfaces of the phones that have channels and bear this extension.
    pub(crate) fn phones_of(&self, extension: &str) -> Vec<Box<str>> {
        let fits = |p: &&Phone| crate::tracker::presence::agent::extension(&p.interface) == Some(extension);
        self.phones.iter().map(|(_, p)| p).filter(fits).map(|p| p.interface.clone()).collect()
    }
}

impl Tracker {
    /// A channel began, ended or has another name: its phone may have one more or one less.
    pub(crate) fn phone_counts(&mut self, slot: Slot, at: Millis) {
        let channel = self.topology.channel(slot);
        let lives = channel.ended_ms.is_none() && channel.is_party();
        match channel.phone {
            None if !lives => return,
            Some(phone) if lives && *self.presence.phones[phone].interface == *channel.interface() => return,
            _ => {}
        }
        if let Some(phone) = self.topology.counted_for(slot, None) {
            let counted = &mut self.presence.phones[phone];
            counted.channels -= 1;
            let agent = self.roster.find(&counted.interface);
            if counted.channels == 0
                && let Some(gone) = self.presence.phones.remove(phone, [])
            {
                self.presence.phones.unalias(&gone.interface, phone);
            }
            if let Some(agent) = agent {
                self.look_at(agent, at);
            }
        }
        if lives {
            self.phone_begins(slot, at);
        }
    }

    fn phone_begins(&mut self, slot: Slot, at: Millis) {
        let interface = self.topology.channel(slot).interface();
        let phone = match self.presence.phones.find(interface) {
            Some(phone) => phone,
            None => self.presence.phones.insert(interface, Phone { interface: interface.into(), channels: 0 }),
        };
        self.presence.phones[phone].channels += 1;
        let agent = match self.roster.find(interface) {
            None if self.topology.channel(slot).kind == Kind::Extension => {
                let interface = interface.to_owned();
                self.phone_of(&interface, at)
            }
            agent => agent,
        };
        self.topology.counted_for(slot, Some(phone));
        if let Some(agent) = agent {
            self.look_at(agent, at);
        }
    }

    /// Something that decides whether this agent is free may have changed.
    pub(crate) fn look_at(&mut self, slot: Slot, at: Millis) {
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
        self.presence.changed |= flips || [before, busy].contains(&Some(Busy::DeviceUnknown));
    }

    /// What hinders this agent: the first that holds.
    fn hinders(&self, agent: &Agent) -> Option<Busy> {
        if agent.memberships.is_empty() || !agent.reachable {
            return Some(Busy::LoggedOut);
        }
        if agent.aliases.iter().any(|interface| self.presence.phones.find(interface).is_some()) {
            return Some(Busy::OnCall);
        }
        match agent.state() {
            DeviceState::InUse => Some(Busy::DeviceInUse),
            DeviceState::Unknown => Some(Busy::DeviceUnknown),
            DeviceState::Idle => agent.wrapup_until.map(|until_mono_ms| Busy::WrapUp { until_mono_ms }),
        }
    }

    /// After-call work begins. It lasts by the monotonic clock: no event tells its end.
    pub(crate) fn wrapup_begins(&mut self, slot: Slot, ms: Millis, at: Millis) {
        let until = self.now.mono_ms + u64::try_from(ms).unwrap_or(0);
        let agent = self.roster.get_mut(slot);
        if agent.wrapup_until.is_some_and(|before| before >= until) {
            return;
        }
        if let Some(before) = agent.wrapup_until.replace(until) {
            self.presence.wrapups.remove(&(before, slot));
        }
        self.presence.wrapups.insert((until, slot));
        self.look_at(slot, at);
    }

    /// Ends the after-call work whose time is over.
    pub(crate) fn wrapups_end(&mut self) {
        while let Some(&(until, slot)) = self.presence.wrapups.first() {
            if until > self.now.mono_ms {
                break;
            }
            self.presence.wrapups.pop_first();
            self.roster.get_mut(slot).wrapup_until = None;
            self.look_at(slot, self.now.wall_ms);
        }
    }

    /// The caller of this call may have begun or ceased to wait in a queue.
    pub(crate) fn waiting_changes(&mut self, call: Slot) {
        let c = &self.calls[call];
        let waits = c.origin == Origin::Trunk
            && c.stage == Stage::Live
            && !c.orphaned
            && c.talk.state() == Talking::No
            && self.topology.channel(c.first).ended_ms.is_none();
        let queue = c.queue_visits.last().filter(|s| waits && s.left_ms.is_none()).map(|s| &s.queue);
        if c.waits_in.as_ref() == queue {
            return;
        }
        let queue = queue.cloned();
        if let Some(queue) = &queue {
            *self.presence.waiting.entry(queue.clone()).or_default() += 1;
        }
        let before = self.calls.waits_in(call, queue);
        self.waits_no_more(before);
        self.presence.changed = true;
    }

    /// Takes a caller off the count of the queue that he was counted in.
    pub(crate) fn waits_no_more(&mut self, queue: Option<Box<str>>) {
        let Some(queue) = queue else { return };
        self.presence.changed = true;
        if let Some(count) = self.presence.waiting.get_mut(&queue) {
            *count -= 1;
            if *count == 0 {
                self.presence.waiting.remove(&queue);
            }
        }
    }

    /// Says once for each input that the floor has changed, if it has; what changes out of sight is said when sight is back.
    pub(crate) fn report_presence(&mut self) {
        if self.presence.changed && self.coverage.in_sync() {
            self.presence.changed = false;
            self.outputs.push_back(Output::PresenceChanged);
        }
    }

    fn agent_now(agent: &Agent) -> AgentView {
        let queues = agent.memberships.iter().map(|(queue, m)| MemberView {
            queue: queue.to_string(),
            interface: m.interface.to_string(),
            paused: m.paused,
            paused_reason: m.reason.to_string(),
            penalty: m.penalty,
        });
        AgentView {
            agent: agent.id.to_string(),
            name: agent.name.as_deref().map(str::to_owned),
            queues: queues.collect(),
            busy: agent.busy,
            since_ms: agent.since_ms,
            last_talk_ms: agent.last_talk_ms,
            calls: agent.calls,
        }
    }
}

impl Presence for Tracker {
    fn agents(&self) -> Vec<AgentView> {
        self.roster.iter().map(Self::agent_now).collect()
    }

    fn agent(&self, agent: &str) -> Option<AgentView> {
        Some(Self::agent_now(self.roster.get(self.roster.find(agent)?)))
    }

    fn queues(&self) -> BTreeSet<String> {
        let manned = self.roster.iter().flat_map(|agent| agent.memberships.keys());
        manned.map(ToString::to_string).chain(self.coverage.queues().map(ToString::to_string)).collect()
    }

    fn waiting(&self) -> BTreeMap<String, u32> {
        self.presence.waiting.iter().map(|(queue, count)| (queue.to_string(), *count)).collect()
    }

    fn attempt_lives(&self, channel_id: &str) -> bool {
        // What has ended is told a moment later, when the last news of it have come: until then nobody may think that its end was not seen.
        let lives = |slot: Slot| self.calls[self.topology.channel(slot).call].stage != Stage::Told;
        let second = || self.topology.find(&format!("{channel_id};2"));
        self.topology.find(channel_id).is_some_and(lives) || second().is_some_and(lives)
    }

    fn in_sync(&self) -> bool {
        self.coverage.in_sync()
    }
}
