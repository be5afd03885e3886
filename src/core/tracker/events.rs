//! Events to calls: which channel, bridge and call an event is about, and what it changes there.

use crate::ami::event::{self, Event};
use crate::millis::Millis;
use crate::model::channel_name::{self, Kind};
use crate::tracker::Tracker;
use crate::tracker::calls::queue_visits::Spent;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{self, Channel, Created};

/// The Cause of a `SoftHangupRequest` is a flag (`AST_SOFTHANGUP_*`, `include/asterisk/channel.h`). Those that cut a call:
/// the RTP time-out (1), the shutdown (4), a hangup by CLI (32).
const CUTS: [u16; 3] = [1, 4, 32];

impl Tracker {
    pub(crate) fn take(&mut self, event: &Event<'_>, at: Millis) {
        let listed = matches!(event, Event::CoreShowChannel { .. });
        for seen in event.channels() {
            if !self.is_named_as_known(seen, listed, at) || !listed && self.calls_in_with_anothers_linkedid(seen) {
                self.counters.impostors += 1;
                return;
            }
        }
        match event {
            Event::Newchannel(c) => {
                self.channel_begins(c, at, Some(channel::calls_us(c.state)), false);
            }
            Event::Newstate(c) => self.state_changes(c, at),
            Event::NewCallerid(c) => self.caller_id_changes(c, at),
            Event::Newexten { channel, extension: _, application, data } => {
                self.application_shows_role(channel, data, at);
                self.dialplan_runs(channel, application, data, at);
            }
            Event::Rename { name, new_name, uniqueid } => self.renamed(uniqueid, name, new_name, at),
            Event::HangupRequest { channel, .. } => {
                if let Some(slot) = self.find_channel(channel, at) {
                    self.topology.far_end_hangs_up(slot, at);
                }
            }
            Event::SoftHangupRequest { channel, cause } => {
                if let Some(slot) = self.find_channel(channel, at) {
                    self.topology.pbx_hangs_up(slot, cause.is_some_and(|flag| CUTS.contains(&flag)), at);
                }
            }
            Event::Hangup { channel, cause, language } => self.channel_ends(channel, *cause, language, at),

            Event::DialBegin { channel, dest, dial_string } => {
                self.dial_begins(channel.as_ref(), dest, dial_string, at);
            }
            Event::DialState { dest, status, .. } => self.dial_changes(dest, status, at),
            Event::DialEnd { channel, dest, status, forward } => {
                self.dial_ends(channel.as_ref(), dest, status, forward, at);
            }

            Event::BridgeCreate(bridge) => {
                self.topology.make_room_for_bridges();
                self.topology.bridge(bridge);
            }
            Event::BridgeDestroy(bridge) => self.bridge_ends(bridge, at),
            Event::BridgeEnter { bridge, channel, .. } => self.enters(bridge, channel, at),
            Event::BridgeLeave { channel, .. } => {
                if let Some(slot) = self.find_channel(channel, at) {
                    self.leaves(slot, at);
                }
            }
            Event::BridgeMerge { to, from } => self.bridges_merge(to, from, at),

            Event::Hold(c) => self.hold_changes(c, true, at),
            Event::Unhold(c) => self.hold_changes(c, false, at),
            Event::LocalBridge { one, two } => {
                let (Some(one), Some(two)) = (self.channel_or_adopt(one, at), self.channel_or_adopt(two, at)) else {
                    return;
                };
                self.join_calls(self.topology.channel(one).call, self.topology.channel(two).call);
                self.retime_around(one, at);
            }
            Event::BlindTransfer { result, transferer, transferee, .. } => {
                self.transferred(result, &[Some(transferer), transferee.as_ref()], at);
            }
            Event::AttendedTransfer { result, orig_transferer, second_transferer, transferee, target, .. } => {
                let parties = [Some(orig_transferer), Some(second_transferer), transferee.as_ref(), target.as_ref()];
                self.transferred(result, &parties, at);
            }
            Event::Pickup { channel, target } => {
                let (Some(by), Some(rung)) = (self.channel_or_adopt(channel, at), self.channel_or_adopt(target, at))
                else {
                    return;
                };
                self.join_calls(self.topology.channel(rung).call, self.topology.channel(by).call);
                self.picked_up(by, rung, at);
            }
            Event::ParkedCall { parkee, .. } => self.parking_changes(parkee, true, at),
            Event::UnParkedCall { parkee, .. }
            | Event::ParkedCallTimeOut { parkee }
            | Event::ParkedCallGiveUp { parkee } => self.parking_changes(parkee, false, at),

            Event::QueueCallerJoin { channel, queue, position } => self.joins_queue(channel, queue, *position, at),
            Event::QueueCallerLeave { channel, queue } => self.leaves_queue(channel, queue, at),
            Event::QueueCallerAbandon { channel, queue, .. } => self.abandons_queue(channel, queue, at),
            Event::AgentCalled { channel, dest, queue, interface, .. } => {
                self.agent_called(channel, dest, queue, interface, at);
            }
            Event::AgentConnect { channel, dest, queue, .. } => self.agent_connected(channel, dest, queue, at),
            Event::AgentComplete { channel, dest, queue, interface, hold_time_s, talk_time_s, .. } => {
                let spent = Spent { hold_s: *hold_time_s, talk_s: *talk_time_s };
                self.agent_completes((channel, dest), queue, interface, spent, at);
            }
            Event::VarSet { channel: Some(channel), variable, value } => {
                self.variable_set(channel, variable, value, at)
            }
            Event::VarSet { channel: None, variable, value } => self.global_set(variable, value),
            Event::UserEvent { name, channel: Some(channel), fields } => self.user_event(name, channel, fields, at),
            Event::CoreShowChannel { channel, bridge_id, application, data, duration_s } => {
                self.channel_listed(channel, bridge_id, application, data, *duration_s, at);
            }
            Event::QueueMember { change, member } => self.member_changes(*change, member, at),
            Event::QueueParams { queue, .. } => self.coverage.queue_listed(queue),
            Event::QueueEntry { queue, position, uniqueid, wait_s, .. } => {
                self.waiting_listed(queue, *position, uniqueid, *wait_s, at);
            }
            Event::OriginateResponse { success: false, reason, uniqueid, .. } => {
                self.originate_fails(uniqueid, *reason, at);
            }
            Event::DeviceStateChange { device, state, doubtful } => {
                self.device_changes(device, state, *doubtful, at);
            }
            Event::FullyBooted { .. }
            | Event::Shutdown { .. }
            | Event::AgentDump { .. }
            | Event::AgentRingNoAnswer { .. }
            | Event::OriginateResponse { .. }
            | Event::UserEvent { channel: None, .. }
            | Event::Other(_) => {}
        }
    }

    /// Whether it does not bear another's uniqueid: a channel's name stands in front of what its caller can write, its uniqueid behind.
    /// The event that gave it a new name may have been missed while coverage was lost; or it was torn, and a list shows the name, which
    /// nobody else bears.
    fn is_named_as_known(&mut self, seen: &event::Channel<'_>, listed: bool, at: Millis) -> bool {
        let Some(slot) = self.topology.find(&seen.uniqueid) else { return true };
        if seen.name.is_empty() || self.topology.channel(slot).is_called(&seen.name) {
            return true;
        }
        let taken = || self.topology.channels().any(|(_, other)| *other.name == *seen.name);
        let missed = !self.coverage.in_sync() || listed && !taken();
        if missed {
            self.takes_name(slot, &seen.name, at);
        }
        missed
    }

    /// It bears the linkedid of a call that another channel began, while all is seen. Of a channel that nobody introduced that is no word to go
    /// by: the event that introduced it was refused, and a list will name it.
    fn bears_anothers_linkedid(&self, seen: &event::Channel<'_>) -> bool {
        !seen.linkedid.is_empty() && seen.linkedid != seen.uniqueid && self.coverage.in_sync()
    }

    /// Who calls in begins a call of their own, which bears the channel's id (`main/channel.c`, `__ast_channel_alloc_ap`): with another
    /// linkedid the caller supplied the end of the snapshot. One that is not seen from its beginning may have been joined to another
    /// call; a Local half rings by itself, and an `AsyncGoto` takes a channel's place.
    fn calls_in_with_anothers_linkedid(&self, seen: &event::Channel<'_>) -> bool {
        channel::calls_us(seen.state)
            && self.bears_anothers_linkedid(seen)
            && channel_name::technology_kind(&seen.name) == Kind::Extension
            && !seen.name.starts_with("AsyncGoto/")
            && self.topology.find(&seen.uniqueid).is_none()
    }

    /// The channel that an event is about. One that nobody introduced is taken in as seen from the middle.
    pub(crate) fn channel_or_adopt(&mut self, seen: &event::Channel<'_>, at: Millis) -> Option<Slot> {
        if seen.uniqueid.is_empty() {
            return None;
        }
        if self.topology.find(&seen.uniqueid).is_none() {
            self.counters.strangers += 1;
            if self.bears_anothers_linkedid(seen) {
                return None;
            }
            return self.channel_begins(seen, at, None, true);
        }
        self.find_channel(seen, at)
    }

    /// The channel that an event is about, if it has been met before. For events that come at the end of something: a channel
    /// that is only ending was recorded long ago, or ended in a gap.
    pub(crate) fn find_channel(&mut self, seen: &event::Channel<'_>, at: Millis) -> Option<Slot> {
        let slot = self.topology.find(&seen.uniqueid)?;
        self.linkedid_seen(slot, &seen.linkedid);
        let listing = self.coverage.listing();
        if listing {
            // Its own event proves that it is up, whatever the lists say.
            self.topology.lives_in(slot, self.coverage.snapshot());
        }
        self.calls.touched(self.topology.channel(slot).call, at, self.now.mono_ms);
        self.state_shown(slot, seen.state, at);
        Some(slot)
    }

    /// Something shows the channel in this state. It can have been put into a bridge before it answered, to hear the ringing.
    pub(crate) fn state_shown(&mut self, slot: Slot, state: u8, at: Millis) {
        if self.topology.shows_state(slot, state) && self.topology.channel(slot).bridge.is_some() {
            self.topology.meet(slot);
            self.retime_around(slot, at);
        }
    }

    fn kind(&self, seen: &event::Channel<'_>) -> Kind {
        match channel_name::technology_kind(&seen.name) {
            _ if self.rules.is_machine(&seen.name) => Kind::Machine,
            Kind::Extension if self.rules.trunks.fit(&seen.name) || self.rules.inbound_contexts.fit(&seen.context) => {
                Kind::Trunk
            }
            // One that is seen from the middle is no longer in the context by which trunks are known.
            Kind::Extension if self.topology.has_met_trunk(&seen.name) => Kind::Trunk,
            kind => kind,
        }
    }

    /// Takes a channel in. `None` beyond the limit.
    pub(crate) fn channel_begins(
        &mut self,
        seen: &event::Channel<'_>,
        at: Millis,
        incoming: Option<bool>,
        partial: bool,
    ) -> Option<Slot> {
        if seen.uniqueid.is_empty() {
            return None;
        }
        if let Some(slot) = self.topology.find(&seen.uniqueid) {
            if !partial {
                self.begins_behind_a_list(slot, seen, incoming, at);
            }
            return Some(slot);
        }
        if self.topology.is_full() {
            self.counters.channels_refused += 1;
            return None;
        }
        let mut kind = self.kind(seen);
        if kind == Kind::Trunk && !partial {
            self.counters.trunks_refused += u64::from(!self.topology.trunk_met(&seen.name));
        } else if kind == Kind::Extension && partial && incoming == Some(true) && self.calls_from_outside(seen) {
            kind = Kind::Trunk;
        }
        // Only customers' calls are left in progress by a run that is killed.
        if kind == Kind::Extension && self.was_left_in_progress(&seen.uniqueid) {
            kind = Kind::Trunk;
        }
        let linkedid: &str = if seen.linkedid.is_empty() { &seen.uniqueid } else { &seen.linkedid };
        let existing = self.calls.find(linkedid);
        // The call needs the channel's slot and the channel the call's: a new call is made right after.
        let created = Created {
            kind,
            call: existing.unwrap_or_default(),
            incoming,
            dialled: partial && incoming == Some(false),
            at,
            snapshot: self.coverage.snapshot(),
        };
        let slot = self.topology.begins(Channel::new(seen, linkedid, created));
        let call = match existing {
            Some(call) => {
                self.topology.moves_to_call(slot, call);
                self.attach_channel(call, seen, slot, at);
                call
            }
            None => self.call_begins(seen, slot, linkedid, at),
        };
        self.topology.moves_to_call(slot, call);
        self.calls.channel_comes(call, slot, partial && existing.is_none());
        self.calls.touched(call, at, self.now.mono_ms);
        self.phone_counts(slot, at);
        self.our_attempt_begins(slot, at);
        if let Some(name) = self.topology.takes_early_name(&seen.uniqueid) {
            self.takes_name(slot, &name, at);
        }
        Some(slot)
    }

    /// Asterisk makes a list while the events of what it names still wait to be written: a channel of which the beginning comes then was seen
    /// from there on.
    fn begins_behind_a_list(&mut self, slot: Slot, seen: &event::Channel<'_>, incoming: Option<bool>, at: Millis) {
        let kind = self.kind(seen);
        if !self.topology.begins_behind_a_list(slot, kind, incoming, at) {
            return;
        }
        if kind == Kind::Trunk {
            self.counters.trunks_refused += u64::from(!self.topology.trunk_met(&seen.name));
        }
        let call = self.topology.channel(slot).call;
        if self.calls[call].first == slot && *self.calls[call].linkedid == *seen.uniqueid {
            self.calls.shows_its_beginning(call, at);
            self.set_first_channel(call, seen, slot, at);
        }
    }

    fn state_changes(&mut self, seen: &event::Channel<'_>, at: Millis) {
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        self.topology.state_changes(slot, seen.state);
        if channel::calls_us(seen.state) {
            self.calls_in(slot, seen, at);
        }
        let channel = self.topology.channel(slot);
        let (call, uniqueid) = (channel.call, channel.uniqueid.clone());
        self.phone_changes(slot, at);
        self.leg_state(call, &uniqueid, seen.state, at);
    }

    fn caller_id_changes(&mut self, seen: &event::Channel<'_>, at: Millis) {
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        self.calls.caller_id_changes(self.topology.channel(slot).call, slot, seen);
    }

    fn renamed(&mut self, uniqueid: &str, name: &str, new_name: &str, at: Millis) {
        let Some(slot) = self.topology.find(uniqueid) else { return self.topology.renamed_early(uniqueid, new_name) };
        if !name.is_empty() && !self.topology.channel(slot).is_called(name) {
            self.counters.impostors += 1;
            return;
        }
        self.takes_name(slot, new_name, at);
    }

    fn takes_name(&mut self, slot: Slot, name: &str, at: Millis) {
        self.topology.renamed(slot, name, self.rules.trunks.fit(name));
        self.phone_counts(slot, at);
    }

    fn channel_ends(&mut self, seen: &event::Channel<'_>, cause: u16, language: &str, at: Millis) {
        let Some(slot) = self.find_channel(seen, at) else { return };
        if self.topology.channel(slot).ended_ms.is_some() {
            return;
        }
        self.language_known(slot, language);
        self.leaves(slot, at);
        self.ended(slot, Some(cause), at);
    }

    fn bridge_ends(&mut self, seen: &event::Bridge<'_>, at: Millis) {
        let Some(slot) = self.topology.find_bridge(&seen.uniqueid) else { return };
        for member in self.topology.members(slot).to_vec() {
            self.leaves(member, at);
        }
        self.topology.bridge_ends(slot, &seen.uniqueid);
    }

    fn enters(&mut self, bridge: &event::Bridge<'_>, channel: &event::Channel<'_>, at: Millis) {
        let Some(channel) = self.channel_or_adopt(channel, at) else { return };
        self.topology.make_room_for_bridges();
        let bridge = self.topology.bridge(bridge);
        self.put_into(bridge, channel, at);
    }

    /// Puts a channel into a bridge and its call together with those of the others in it.
    pub(crate) fn put_into(&mut self, bridge: Slot, channel: Slot, at: Millis) {
        if self.topology.channel(channel).bridge == Some(bridge) || self.topology.channel(channel).ended_ms.is_some() {
            return;
        }
        self.leaves(channel, at);
        if let Some(first) = self.topology.enters(bridge, channel) {
            self.join_calls(self.topology.channel(first).call, self.topology.channel(channel).call);
            self.stays_for_the_next(first, channel, at);
            self.topology.meet(channel);
        }
        self.phones_change(bridge, at);
        self.retime_around(channel, at);
    }

    pub(crate) fn leaves(&mut self, channel: Slot, at: Millis) {
        let heard_by = self.topology.calls_around(channel);
        let Some(bridge) = self.topology.leaves(channel) else { return };
        if let Some(bridge) = bridge {
            self.phones_change(bridge, at);
        }
        self.phone_changes(channel, at);
        self.retime_all(&heard_by, at);
    }

    fn bridges_merge(&mut self, to: &event::Bridge<'_>, from: &event::Bridge<'_>, at: Millis) {
        self.topology.make_room_for_bridges();
        let (to, from) = (self.topology.bridge(to), self.topology.bridge(from));
        for member in self.topology.members(from).to_vec() {
            self.put_into(to, member, at);
        }
    }

    fn hold_changes(&mut self, seen: &event::Channel<'_>, held: bool, at: Millis) {
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        self.topology.hold_changes(slot, held);
        self.retime_around(slot, at);
    }

    fn parking_changes(&mut self, seen: &event::Channel<'_>, parked: bool, at: Millis) {
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        self.topology.parking_changes(slot, parked);
        self.retime_around(slot, at);
    }

    fn transferred(&mut self, result: &str, parties: &[Option<&event::Channel<'_>>], at: Millis) {
        if !result.eq_ignore_ascii_case("Success") {
            return;
        }
        let slots: Vec<Slot> = parties.iter().flatten().filter_map(|p| self.channel_or_adopt(p, at)).collect();
        let Some(&first) = slots.first() else { return };
        for other in &slots[1..] {
            self.join_calls(self.topology.channel(first).call, self.topology.channel(*other).call);
        }
        let call = self.topology.channel(first).call;
        let by_customer = self.is_customer(call, first);
        self.calls.transferred(call, (!by_customer).then_some(at));
        if by_customer {
            // The customer sent our side to someone else, and is gone by that: nobody was to take the call.
            self.topology.far_end_hangs_up(first, at);
        }
    }
}
