//! Presence as the tracker knows it: whose phones have channels, who is free, how many wait in each queue.

use crate::millis::Millis;
use crate::model::channel_name::Kind;
use crate::model::presence::{AgentView, MemberView, Presence};
use crate::order::Gather as _;
use crate::tracker::calls::call::{Origin, Stage};
use crate::tracker::calls::talk::Talking;
use crate::tracker::presence::agent::Agent;
use crate::tracker::table::Slot;
use crate::tracker::{Output, Tracker};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

impl Tracker {
    /// A channel began, ended or has another name: its phone may have one more or one less.
    pub(crate) fn phone_counts(&mut self, slot: Slot, at: Millis) {
        let channel = self.topology.channel(slot);
        let lives = channel.ended_ms.is_none() && channel.is_party();
        match channel.phone {
            None if !lives => return,
            Some(phone) if lives && self.presence.is_phone(phone, channel.interface()) => return,
            _ => {}
        }
        if let Some(phone) = self.topology.counted_for(slot, None) {
            let agent = self.presence.phone_has_one_less(phone);
            if let Some(agent) = agent {
                self.presence.update_busy(agent, at);
            }
        }
        if lives {
            self.phone_begins(slot, at);
        }
    }

    fn phone_begins(&mut self, slot: Slot, at: Millis) {
        let interface = self.topology.channel(slot).interface();
        let phone = self.presence.phone_has_one_more(interface);
        let agent = match self.presence.find(interface) {
            None if self.topology.channel(slot).kind == Kind::Extension => {
                let interface = interface.to_owned();
                self.phone_of(&interface, at)
            }
            agent => agent,
        };
        self.topology.counted_for(slot, Some(phone));
        if let Some(agent) = agent {
            self.presence.update_busy(agent, at);
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
        let joined_ms = c.queue_visits.last().map(|visit| visit.joined_ms);
        if let (Some(queue), Some(joined_ms)) = (&queue, joined_ms) {
            self.presence.one_more_waits(queue);
            self.may_wait_too_long(joined_ms);
        }
        let before = self.calls.waits_in(call, queue);
        self.presence.waits_no_more(before);
    }

    /// Emits once for each input that presence has changed, if it has; what changes in a gap is emitted when coverage is back.
    pub(crate) fn report_presence(&mut self) {
        if self.coverage.in_sync() && self.presence.takes_change() {
            self.outputs.push_back(Output::PresenceChanged);
        }
    }
}

impl Presence for Tracker {
    fn agents(&self) -> Vec<AgentView<'_>> {
        self.presence.agents().map(agent_view).collect()
    }

    fn agent(&self, agent: &str) -> Option<AgentView<'_>> {
        Some(agent_view(self.presence.agent(self.presence.find(agent)?)))
    }

    fn queues(&self) -> BTreeSet<String> {
        let manned = self.presence.agents().flat_map(|agent| agent.memberships.keys());
        manned.map(ToString::to_string).chain(self.coverage.queues().map(ToString::to_string)).to_set()
    }

    fn waiting(&self) -> BTreeMap<String, u32> {
        self.presence.waiting().map(|(queue, count)| (queue.to_owned(), count)).to_map()
    }

    fn attempt_lives(&self, channel_id: &str) -> bool {
        // What has ended is recorded a moment later, when the last news of it have come: until then nobody may think that its end was not seen.
        let lives = |slot: Slot| self.calls[self.topology.channel(slot).call].stage != Stage::Recorded;
        let second = || self.topology.find(&format!("{channel_id};2"));
        self.topology.find(channel_id).is_some_and(lives) || second().is_some_and(lives)
    }

    fn in_sync(&self) -> bool {
        self.coverage.in_sync()
    }
}

fn agent_view(agent: &Agent) -> AgentView<'_> {
    let queues = agent.memberships.iter().map(|(queue, m)| MemberView {
        queue: Cow::from(&**queue),
        interface: Cow::from(&*m.interface),
        paused: m.paused,
        paused_reason: Cow::from(&*m.reason),
        penalty: m.penalty,
    });
    AgentView {
        agent: Cow::from(&*agent.id),
        name: agent.name.as_deref().map(Cow::from),
        queues: queues.collect(),
        busy: agent.busy,
        rings: agent.ringing > 0 && agent.talking == 0,
        since_ms: agent.since_ms,
        last_talk_ms: agent.last_talk_ms,
        calls: agent.calls,
    }
}
