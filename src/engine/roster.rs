//! What queues, devices and channels say about agents, told to the store as intervals.

use super::Engine;
use super::Output;
use super::agent::Membership;
use super::call::{MAX_VISITS, Stay};
use super::channel::Kind;
use super::record::{Activity, Interval, Record};
use super::table::Slot;
use crate::ami::event::{Member, MemberChange, Millis};

/// `QueueMemberStatus.Status` of a phone that cannot be reached: `AST_DEVICE_INVALID`, `AST_DEVICE_UNAVAILABLE`.
const UNREACHABLE: [u8; 2] = [4, 5];

impl Engine {
    pub(super) fn member_changes(&mut self, change: MemberChange, member: &Member<'_>, at: Millis) {
        let Some(slot) = self.roster.member(member) else { return };
        let snapshot = self.link.snapshot();
        let default_wrapup = self.rules.wrapup_ms;
        let agent = self.roster.get_mut(slot);
        let renamed = !member.name.is_empty() && agent.name.as_deref() != Some(&*member.name);
        if renamed {
            agent.name = Some((&*member.name).into());
        }
        let mut intervals = Vec::new();
        if change == MemberChange::Removed {
            agent.memberships.remove(&*member.queue);
            intervals.extend(agent.set(Activity::Paused, &member.queue, "", false, at));
        } else {
            let (paused, reason) = (member.paused, Box::from(&*member.paused_reason));
            let membership = Membership { paused, reason, penalty: member.penalty, snapshot };
            agent.memberships.insert((&*member.queue).into(), membership);
            // A pause event tells no device state.
            if change != MemberChange::Pause {
                agent.reachable = !UNREACHABLE.contains(&member.status);
            }
            agent.wrapup_ms = match Millis::from(member.wrapup_s) {
                0 => default_wrapup,
                seconds => seconds * 1_000,
            };
            intervals.extend(agent.set(Activity::Paused, &member.queue, &member.paused_reason, paused, at));
        }
        if renamed {
            let (agent, name) = (agent.id.to_string(), member.name.to_string());
            self.outputs.push_back(Output::Record(Record::Agent { pbx: self.pbx.clone(), agent, name }));
        }
        self.tell_intervals(intervals);
        self.log_in_changes(slot, at);
    }

    pub(super) fn device_changes(&mut self, device: &str, state: &str, at: Millis) {
        let Some(slot) = self.roster.find(device) else { return };
        self.roster.get_mut(slot).reachable = !matches!(state, "UNAVAILABLE" | "INVALID");
        self.log_in_changes(slot, at);
    }

    fn log_in_changes(&mut self, slot: Slot, at: Millis) {
        let agent = self.roster.get_mut(slot);
        let on = agent.reachable && !agent.memberships.is_empty();
        let changed = agent.set(Activity::LoggedIn, "", "", on, at);
        self.tell_intervals(changed);
    }

    pub(super) fn queue_listed(&mut self, queue: &str) {
        self.link.queues.insert(queue.into());
    }

    /// A caller who waits in a queue, of the snapshot: his joining was not seen.
    pub(super) fn waiting_listed(&mut self, queue: &str, position: u32, uniqueid: &str, wait_s: u32, at: Millis) {
        let Some(slot) = self.channels.find(uniqueid) else {
            self.link.waiting.push((queue.into(), position, uniqueid.into(), at - Millis::from(wait_s) * 1_000));
            return;
        };
        self.stay_seen(slot, queue, position, at - Millis::from(wait_s) * 1_000);
    }

    /// Notes a stay whose beginning was not seen.
    pub(super) fn stay_seen(&mut self, channel: Slot, queue: &str, position: u32, joined_ms: Millis) {
        let call = &mut self.calls[self.channels[channel].call];
        if call.stays.iter().any(|s| &*s.queue == queue && s.left_ms.is_none()) || call.stays.len() >= MAX_VISITS {
            return;
        }
        call.stays.push(Stay {
            queue: queue.into(),
            joined_ms,
            left_ms: None,
            position: Some(position),
            connected: false,
            abandoned: false,
            status: None,
        });
    }

    /// Members whom a list of their queue does not name any more have left it unseen. A queue that is not listed at all (realtime ones
    /// are not until they are used) says nothing about its members.
    pub(super) fn members_gone(&mut self, at: Millis) {
        let snapshot = self.link.snapshot();
        for slot in self.roster.slots() {
            let agent = self.roster.get_mut(slot);
            let gone: Vec<Box<str>> = agent
                .memberships
                .iter()
                .filter(|(queue, m)| m.snapshot != snapshot && self.link.queues.contains(*queue))
                .map(|(queue, _)| queue.clone())
                .collect();
            let mut intervals = Vec::new();
            for queue in gone {
                agent.memberships.remove(&queue);
                intervals.extend(agent.set(Activity::Paused, &queue, "", false, at));
            }
            self.tell_intervals(intervals);
            self.log_in_changes(slot, at);
        }
    }

    /// Nobody watches the agents any more, as of a moment.
    pub(super) fn agents_unseen(&mut self, at: Millis) {
        for slot in self.roster.slots() {
            let closed = self.roster.get_mut(slot).close_all(at);
            self.tell_intervals(closed);
        }
    }

    /// The channels of a bridge may now be connected with somebody, or alone.
    pub(super) fn phones_change(&mut self, bridge: Slot, at: Millis) {
        for i in 0..self.bridges[bridge].members.len() {
            let member = self.bridges[bridge].members[i];
            self.phone_changes(member, at);
        }
    }

    /// An agent's phone may have begun or ceased to ring or to talk.
    pub(super) fn phone_changes(&mut self, slot: Slot, at: Millis) {
        let channel = &self.channels[slot];
        if channel.kind != Kind::Extension {
            return;
        }
        let lives = channel.ended_ms.is_none();
        let bridge = channel.bridge.and_then(|b| self.bridges.get(b));
        let rings = lives && channel.ringing;
        let talks = lives && bridge.is_some_and(|b| !b.holding && b.members.len() > 1);
        if rings != channel.rings_for.is_some() {
            let agent = if rings { self.roster.find(channel.interface()) } else { channel.rings_for };
            self.channels[slot].rings_for = agent.filter(|_| rings);
            if let Some(agent) = agent {
                let a = self.roster.get_mut(agent);
                a.ringing = if rings { a.ringing + 1 } else { a.ringing.saturating_sub(1) };
                let changed = a.set(Activity::Ringing, "", "", a.ringing > 0, at);
                self.tell_intervals(changed);
            }
        }
        let channel = &self.channels[slot];
        if talks != channel.talks_for.is_some() {
            let agent = if talks { self.roster.find(channel.interface()) } else { channel.talks_for };
            self.channels[slot].talks_for = agent.filter(|_| talks);
            if let Some(agent) = agent {
                let a = self.roster.get_mut(agent);
                a.talking = if talks { a.talking + 1 } else { a.talking.saturating_sub(1) };
                let mut changed = a.set(Activity::Talking, "", "", a.talking > 0, at);
                if !talks && a.wrapup_ms > 0 && served_a_queue(&self.calls[self.channels[slot].call], slot) {
                    changed.push(a.interval(Activity::WrapUp, "", "", at, Some(at + a.wrapup_ms)));
                }
                self.tell_intervals(changed);
            }
        }
    }

    fn tell_intervals(&mut self, intervals: Vec<Interval>) {
        for mut interval in intervals {
            interval.pbx.clone_from(&self.pbx);
            self.outputs.push_back(Output::Record(Record::Interval(interval)));
        }
    }
}

/// The channel was rung by a queue: after it there is after-call work.
fn served_a_queue(call: &super::call::Call, channel: Slot) -> bool {
    call.attempts.iter().any(|a| a.channel == channel && a.queue.is_some())
}
