//! What queues, devices and channels say about agents, recorded as intervals.

use crate::ami::event::{Member, MemberChange};
use crate::millis::Millis;
use crate::model::channel_name::{self, Kind};
use crate::model::{Activity, Interval, Record};
use crate::tracker::calls::call::Call;
use crate::tracker::coverage::ListedCaller;
use crate::tracker::presence::agent::{DeviceState, Membership, device};
use crate::tracker::table::Slot;
use crate::tracker::{Output, Tracker};

/// `QueueMemberStatus.Status` of a phone that cannot be reached: `AST_DEVICE_INVALID`, `AST_DEVICE_UNAVAILABLE`.
const UNREACHABLE: [u8; 2] = [4, 5];

impl Tracker {
    pub(crate) fn member_changes(&mut self, change: MemberChange, member: &Member<'_>, at: Millis) {
        let known = self.presence.roster.len();
        let Some(slot) = self.presence.roster.member(member, at) else { return };
        if self.presence.roster.len() > known {
            self.presence.phones_claimed(slot);
        }
        let snapshot = self.coverage.snapshot();
        let names = [&*member.interface, &*member.state_interface, &*self.presence.roster.get(slot).id];
        let default_wrapup = self.rules.wrapup_of(names);
        self.named_by_phone(slot, at);
        if change != MemberChange::Removed && !self.presence.roster.has_room_for(slot, &member.queue) {
            return;
        }
        let renamed = self.presence.roster.get_mut(slot).is_named(&member.name);
        let asked = if member.state_interface.is_empty() { &*member.interface } else { &*member.state_interface };
        let mut intervals = Vec::new();
        let changed;
        if change == MemberChange::Removed {
            changed = self.presence.roster.leaves(slot, &member.queue);
            let agent = self.presence.roster.get_mut(slot);
            intervals.extend(agent.set(Activity::Paused, &member.queue, "", false, at));
        } else {
            let (paused, reason) = (member.paused, Box::from(&*member.paused_reason));
            let wrapup_ms = match Millis::from(member.wrapup_s) {
                0 => default_wrapup,
                seconds => seconds * 1_000,
            };
            let interface = Box::from(&*member.interface);
            let by_hint = device(asked).is_none();
            let membership =
                Membership { interface, by_hint, paused, reason, penalty: member.penalty, wrapup_ms, snapshot };
            changed = self.presence.roster.is_in(slot, &member.queue, membership);
            let agent = self.presence.roster.get_mut(slot);
            // A pause event has no device state.
            if change != MemberChange::Pause {
                agent.heard(asked, !UNREACHABLE.contains(&member.status), device_state(member.status));
            }
            intervals.extend(agent.set(Activity::Paused, &member.queue, &member.paused_reason, paused, at));
        }
        self.presence.changes_if(changed);
        if renamed {
            self.report_name(slot);
        }
        self.report_intervals(intervals);
        self.log_in_changes(slot, at);
    }

    /// `doubtful`: it may be a caller's text. A queue says of its members what it hears of their devices, and nobody can write that: what it says too
    /// is not believed here.
    pub(crate) fn device_changes(&mut self, device: &str, state: &str, doubtful: bool, at: Millis) {
        let Some(slot) = self.phone_of(device, at) else { return };
        let reachable = !matches!(state, "UNAVAILABLE" | "INVALID");
        let state = match state {
            "NOT_INUSE" => DeviceState::Idle,
            "INUSE" | "BUSY" | "RINGING" | "RINGINUSE" | "ONHOLD" => DeviceState::InUse,
            _ => DeviceState::Unknown,
        };
        let agent = self.presence.roster.get_mut(slot);
        if doubtful && agent.is_said_by_queues(state) {
            return;
        }
        agent.heard(device, reachable, state);
        self.log_in_changes(slot, at);
    }

    /// The agent whose phone this is.
    pub(crate) fn phone_of(&mut self, phone: &str, at: Millis) -> Option<Slot> {
        let slot = self.presence.roster.phone(phone)?;
        self.named_by_phone(slot, at);
        Some(slot)
    }

    /// A person whose phone has become known is called by it from now on.
    fn named_by_phone(&mut self, slot: Slot, at: Millis) {
        if device(&self.presence.roster.get(slot).id).is_some() {
            return;
        }
        let changed = self.presence.roster.name_by_phone(slot, at);
        self.report_intervals(changed);
        if device(&self.presence.roster.get(slot).id).is_some() {
            self.report_name(slot);
        }
    }

    fn report_name(&mut self, slot: Slot) {
        let agent = self.presence.roster.get(slot);
        let Some(name) = &agent.name else { return };
        let (agent, name) = (agent.id.to_string(), name.to_string());
        self.outputs.push_back(Output::Record(Record::Agent { pbx: self.pbx.clone(), agent, name }));
    }

    fn log_in_changes(&mut self, slot: Slot, at: Millis) {
        let agent = self.presence.roster.get_mut(slot);
        let on = agent.reachable && !agent.memberships.is_empty();
        let changed = agent.set(Activity::LoggedIn, "", "", on, at);
        self.report_intervals(changed);
        self.presence.update_busy(slot, at);
    }

    /// A caller who waits in a queue, of the snapshot: no QueueCallerJoin was seen.
    pub(crate) fn waiting_listed(&mut self, queue: &str, position: u32, uniqueid: &str, wait_s: u32, at: Millis) {
        let joined_ms = at - Millis::from(wait_s) * 1_000;
        match self.topology.find(uniqueid) {
            Some(slot) => self.visit_begins(slot, queue, Some(position), joined_ms),
            None => {
                let (queue, uniqueid) = (queue.into(), uniqueid.into());
                self.coverage.caller_listed(ListedCaller { queue, position, uniqueid, joined_ms });
            }
        }
    }

    /// Members whom a list of their queue does not name any more have left it without an event. A queue that is not listed at all (realtime ones
    /// are not until they are used) says nothing about its members.
    pub(crate) fn members_gone(&mut self, at: Millis) {
        let snapshot = self.coverage.snapshot();
        for slot in self.presence.roster.slots() {
            let gone: Vec<Box<str>> = self
                .presence
                .agent(slot)
                .memberships
                .iter()
                .filter(|(queue, m)| m.snapshot != snapshot && self.coverage.has_listed(queue))
                .map(|(queue, _)| queue.clone())
                .collect();
            let mut intervals = Vec::new();
            self.presence.changes_if(!gone.is_empty());
            for queue in gone {
                self.presence.roster.leaves(slot, &queue);
                intervals.extend(self.presence.roster.get_mut(slot).set(Activity::Paused, &queue, "", false, at));
            }
            self.report_intervals(intervals);
            self.log_in_changes(slot, at);
        }
    }

    /// Coverage of the agents ends, as of a moment.
    pub(crate) fn agents_unseen(&mut self, at: Millis) {
        for slot in self.presence.roster.slots() {
            let closed = self.presence.roster.get_mut(slot).close_all(at);
            self.report_intervals(closed);
        }
    }

    /// The channels of a bridge may now be connected with somebody, or alone.
    pub(crate) fn phones_change(&mut self, bridge: Slot, at: Millis) {
        for i in 0..self.topology.members(bridge).len() {
            let member = self.topology.members(bridge)[i];
            self.phone_changes(member, at);
        }
    }

    /// An agent's phone may have begun or ceased to ring or to talk.
    pub(crate) fn phone_changes(&mut self, slot: Slot, at: Millis) {
        let channel = self.topology.channel(slot);
        if channel.kind != Kind::Extension {
            return;
        }
        let lives = channel.ended_ms.is_none();
        let bridge = self.topology.bridge_of(channel);
        let rings = lives && channel.ringing;
        let talks = lives && bridge.is_some_and(|b| !b.holding && b.members.len() > 1);
        if rings != channel.rings_for.is_some() {
            let (interface, before) = (channel.interface().to_owned(), channel.rings_for);
            let agent = if rings { self.phone_of(&interface, at) } else { before };
            self.topology.rings_for(slot, agent.filter(|_| rings));
            if let Some(agent) = agent {
                let changed = self.presence.roster.get_mut(agent).rings(rings, at);
                self.report_intervals(changed);
            }
        }
        let channel = self.topology.channel(slot);
        if talks != channel.talks_for.is_some() {
            let (interface, before) = (channel.interface().to_owned(), channel.talks_for);
            let agent = if talks { self.phone_of(&interface, at) } else { before };
            self.topology.talks_for(slot, agent.filter(|_| talks));
            if let Some(agent) = agent {
                let a = self.presence.roster.get_mut(agent);
                let mut changed = a.talks(talks, at);
                let queue = queue_served(&self.calls[self.topology.channel(slot).call], slot);
                let wrapup_ms = queue.and_then(|q| a.memberships.get(q)).map_or(0, |m| m.wrapup_ms);
                if !talks && self.topology.channel(slot).bridged {
                    a.has_talked(self.topology.talk_counts(slot), at);
                }
                let works_on = !talks && wrapup_ms > 0;
                if works_on {
                    changed.push(a.interval(Activity::WrapUp, "", "", at, Some(at + wrapup_ms)));
                }
                self.report_intervals(changed);
                if works_on {
                    self.presence.wrapup_begins(agent, wrapup_ms, at, self.now);
                }
            }
        }
    }

    /// An agent, named by a channel or by the interface, says that their after-call work is done. False if nobody is known by that name.
    pub(crate) fn wrapup_done(&mut self, named: &str, at: Millis) -> bool {
        let names = [named, channel_name::interface(named)];
        let Some(agent) = names.into_iter().find_map(|name| self.presence.roster.find(name)) else { return false };
        if let Some(from) = self.presence.wrapup_is_done(agent, at) {
            let over = self.presence.roster.get(agent).interval(Activity::WrapUp, "", "", from, Some(at.max(from)));
            self.report_intervals(vec![over]);
        }
        true
    }

    fn report_intervals(&mut self, intervals: Vec<Interval>) {
        for mut interval in intervals {
            interval.pbx.clone_from(&self.pbx);
            self.outputs.push_back(Output::Record(Record::Interval(interval)));
        }
    }
}

/// `QueueMemberStatus.Status` as `AST_DEVICE_…` (`include/asterisk/devicestate.h`).
fn device_state(status: u8) -> DeviceState {
    match status {
        1 => DeviceState::Idle,
        2 | 3 | 6..=8 => DeviceState::InUse,
        _ => DeviceState::Unknown,
    }
}

/// The queue that rang this channel: after its call there is after-call work.
fn queue_served(call: &Call, channel: Slot) -> Option<&str> {
    call.attempts.iter().find(|a| a.channel == channel)?.queue.as_deref()
}
