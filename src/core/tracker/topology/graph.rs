//! The graph of channels and bridges: what there is, and the verbs that change it.
//!
//! Everybody may read a [`Channel`]; only the verbs here write to one.

use crate::ami::budget::Budget;
use crate::ami::event;
use crate::millis::Millis;
use crate::model::channel_name::{self, Kind};
use crate::tracker::table::{Slot, Table};
use crate::tracker::topology::bridge::Bridge;
use crate::tracker::topology::channel::{Channel, STATE_RINGING, STATE_UP};
use crate::tracker::{MAX_TRUNKS_MET, SPARE_BRIDGES};
use std::collections::{BTreeSet, VecDeque};

/// Asterisk writes a `Rename` at once and a `Newchannel` by way of a queue: so many new names are kept for channels to come.
const MAX_EARLY_NAMES: usize = 64;

/// One event brings in so many at most: those of an attended transfer; and what they weigh, with texts of any length, bytes.
const SPARE_CHANNELS: usize = 8;
const SPARE_BYTES: usize = 64 * 1024;

/// The channels and bridges of a PBX, and the trunks that have been met.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    channels: Table<Channel>,
    bridges: Table<Bridge>,
    trunks_met: BTreeSet<Box<str>>,
    /// Trunks of earlier runs: rules may have changed since, so they decide only where nothing else does.
    trunks_of_old: BTreeSet<Box<str>>,
    /// Names that channels took before they were introduced, uniqueid first, at most [`MAX_EARLY_NAMES`].
    early_names: VecDeque<[Box<str>; 2]>,
    /// What the channels weigh.
    bytes: usize,
    budget: Budget,
    /// Empty bridges forgotten to make room.
    bridges_forgotten: u64,
}

impl Topology {
    /// The channel of this uniqueid, or half of a Local channel of this name.
    pub(crate) fn find(&self, uniqueid: &str) -> Option<Slot> {
        self.channels.find(uniqueid)
    }

    /// A channel that is there.
    pub(crate) fn channel(&self, slot: Slot) -> &Channel {
        &self.channels[slot]
    }

    /// A channel that may have been forgotten.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Channel> {
        self.channels.get(slot)
    }

    /// All channels, the recently ended ones included.
    pub(crate) fn channels(&self) -> impl Iterator<Item = (Slot, &Channel)> {
        self.channels.iter()
    }

    /// Channels and bridges in memory.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        (self.channels.len(), self.bridges.len())
    }

    /// What it keeps stays within this.
    pub(crate) fn keeps_within(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// There is no room for another channel.
    pub(crate) fn is_full(&self) -> bool {
        self.channels.len() >= self.budget.channels || self.bytes >= self.budget.channel_bytes
    }

    /// There is hardly room for those of one more event.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.channels.len() + SPARE_CHANNELS > self.budget.channels
            || self.bytes + SPARE_BYTES > self.budget.channel_bytes
    }

    /// What the channels weigh, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes in that the texts of a channel have changed.
    fn weigh(&mut self, slot: Slot) {
        let channel = &mut self.channels[slot];
        let weight = channel.bytes();
        let before = std::mem::replace(&mut channel.weight, weight);
        self.bytes = self.bytes - before + weight;
    }

    /// The other half of a Local channel.
    pub(crate) fn other_half(&self, slot: Slot) -> Option<Slot> {
        self.find(&self.channels[slot].other_half()?)
    }

    /// A channel begins.
    pub(crate) fn begins(&mut self, channel: Channel) -> Slot {
        let half = (channel.kind == Kind::Local).then(|| channel.name.clone());
        let uniqueid = channel.uniqueid.clone();
        let slot = self.channels.insert(&uniqueid, channel);
        if let Some(name) = half {
            self.channels.alias(&name, slot);
        }
        self.weigh(slot);
        slot
    }

    /// The channel is part of this call now.
    pub(crate) fn moves_to_call(&mut self, slot: Slot, call: Slot) {
        self.channels[slot].call = call;
    }

    /// The channel shows this linkedid. True if it showed another before.
    pub(crate) fn shows_linkedid(&mut self, slot: Slot, linkedid: &str) -> bool {
        if linkedid.is_empty() || *self.channels[slot].linkedid == *linkedid {
            return false;
        }
        self.channels[slot].linkedid = linkedid.into();
        self.weigh(slot);
        true
    }

    /// The channel proves that it is up while this snapshot is the latest.
    pub(crate) fn lives_in(&mut self, slot: Slot, snapshot: u32) {
        self.channels[slot].snapshot = snapshot;
    }

    /// A list names the channel first.
    pub(crate) fn is_overtaken(&mut self, slot: Slot) {
        self.channels[slot].overtaken = true;
    }

    /// The channel runs `h`: what its dialplan does from now on comes after the call.
    pub(crate) fn comes_to_h(&mut self, slot: Slot) {
        self.channels[slot].in_h = true;
    }

    /// The event of the channel's beginning has come. True if a list had overtaken it: then what that made of the channel is replaced.
    pub(crate) fn begins_behind_a_list(&mut self, slot: Slot, kind: Kind, incoming: Option<bool>, at: Millis) -> bool {
        let channel = &mut self.channels[slot];
        if !std::mem::take(&mut channel.overtaken) {
            return false;
        }
        (channel.kind, channel.created_ms) = (kind, at);
        if !channel.dialled {
            channel.incoming = incoming;
        }
        true
    }

    /// An event shows the channel in this state. True if it is answered by now, and was not before.
    pub(crate) fn shows_state(&mut self, slot: Slot, state: u8) -> bool {
        state == STATE_UP && !std::mem::replace(&mut self.channels[slot].up, true)
    }

    /// Another call has the channel among its people or legs.
    pub(crate) fn is_shared(&mut self, slot: Slot) {
        self.channels[slot].shared = true;
    }

    /// The channel's state changes: its far end rings now, or does not.
    pub(crate) fn state_changes(&mut self, slot: Slot, state: u8) {
        self.channels[slot].ringing = state == STATE_RINGING;
    }

    /// A list shows which way the channel was called.
    pub(crate) fn set_direction(&mut self, slot: Slot, incoming: bool, created_ms: Millis) {
        let channel = &mut self.channels[slot];
        channel.incoming = Some(incoming);
        channel.dialled |= !incoming;
        channel.created_ms = channel.created_ms.min(created_ms);
    }

    /// Something shows that the PBX dialled the channel.
    pub(crate) fn is_dialled(&mut self, slot: Slot) {
        self.channels[slot].dialled = true;
    }

    /// The channel turns out to have called us.
    pub(crate) fn calls_us(&mut self, slot: Slot) {
        self.channels[slot].incoming = Some(true);
    }

    /// The telephone network turns out to stand at the far end.
    pub(crate) fn is_a_trunk(&mut self, slot: Slot) {
        self.channels[slot].kind = Kind::Trunk;
    }

    /// A channel that has yet to be introduced has this name by now.
    pub(crate) fn renamed_early(&mut self, uniqueid: &str, new_name: &str) {
        if self.early_names.len() == MAX_EARLY_NAMES {
            self.early_names.pop_front();
        }
        self.early_names.push_back([uniqueid.into(), new_name.into()]);
    }

    /// The name that the channel took before it was introduced, if it did.
    pub(crate) fn takes_early_name(&mut self, uniqueid: &str) -> Option<Box<str>> {
        let at = self.early_names.iter().rposition(|[id, _]| **id == *uniqueid)?;
        let [_, name] = self.early_names.remove(at)?;
        Some(name)
    }

    /// The channel has another name. `trunk`: the configuration says that this is the name of a trunk.
    pub(crate) fn renamed(&mut self, slot: Slot, new_name: &str, trunk: bool) {
        let old_name: Box<str> = self.channels[slot].takes_name(new_name).into();
        if *old_name != *self.channels[slot].uniqueid {
            self.channels.unalias(&old_name, slot);
        }
        if channel_name::technology_kind(new_name) == Kind::Local {
            self.channels.alias(new_name, slot);
        }
        // A masquerade can put a phone where half of a Local channel was.
        if self.channels[slot].kind == Kind::Local && channel_name::technology_kind(new_name) == Kind::Extension {
            self.channels[slot].kind = if trunk { Kind::Trunk } else { Kind::Extension };
        }
        self.weigh(slot);
    }

    /// The channel is at another place in the dialplan. True if it was not there before.
    pub(crate) fn moves_in_dialplan(&mut self, slot: Slot, context: &str, exten: &str) -> bool {
        let channel = &mut self.channels[slot];
        let moved = *channel.context != *context || *channel.exten != *exten;
        if moved {
            channel.context = context.into();
            channel.exten = exten.into();
            self.weigh(slot);
        }
        moved
    }

    /// The far end asks to hang up.
    pub(crate) fn far_end_hangs_up(&mut self, slot: Slot, at: Millis) {
        self.channels[slot].far_hangup_ms.get_or_insert(at);
    }

    /// The PBX asks to hang up; `cut`: not because the dialplan is at its end.
    pub(crate) fn pbx_hangs_up(&mut self, slot: Slot, cut: bool, at: Millis) {
        let channel = &mut self.channels[slot];
        channel.cut |= cut && channel.pbx_hangup_ms.is_none();
        channel.pbx_hangup_ms.get_or_insert(at);
    }

    /// The channel is gone.
    pub(crate) fn ends(&mut self, slot: Slot, at: Millis) {
        self.channels[slot].ended_ms = Some(at);
    }

    /// The channel is put on hold, or taken off it.
    pub(crate) fn hold_changes(&mut self, slot: Slot, held: bool) {
        self.channels[slot].held = held;
    }

    /// The channel is parked, or taken from parking.
    pub(crate) fn parking_changes(&mut self, slot: Slot, parked: bool) {
        self.channels[slot].parked = parked;
    }

    /// The channel has been connected with another party.
    pub(crate) fn has_met(&mut self, slot: Slot) {
        self.channels[slot].bridged = true;
    }

    /// The channel is counted for this phone, or for none. Returns for which it was counted before.
    pub(crate) fn counted_for(&mut self, slot: Slot, phone: Option<Slot>) -> Option<Slot> {
        std::mem::replace(&mut self.channels[slot].phone, phone)
    }

    /// The channel makes this agent's phone ring, or no agent's.
    pub(crate) fn rings_for(&mut self, slot: Slot, agent: Option<Slot>) {
        self.channels[slot].rings_for = agent;
    }

    /// The channel connects this agent with somebody, or no agent.
    pub(crate) fn talks_for(&mut self, slot: Slot, agent: Option<Slot>) {
        self.channels[slot].talks_for = agent;
    }

    /// The channel's conversation is counted for its agent. False if it was counted before.
    pub(crate) fn talk_counts(&mut self, slot: Slot) -> bool {
        !std::mem::replace(&mut self.channels[slot].talk_counted, true)
    }

    /// Drops a channel from memory, and its keys with it.
    pub(crate) fn forget(&mut self, slot: Slot) {
        let (uniqueid, name) = (self.channels[slot].uniqueid.clone(), self.channels[slot].name.clone());
        if let Some(gone) = self.channels.remove(slot, [&*uniqueid, &*name]) {
            self.bytes -= gone.weight;
        }
    }

    /// Makes room for bridges that an event is about to name: those that nobody is in are forgotten once there are far more of them than channels.
    pub(crate) fn make_room_for_bridges(&mut self) {
        if self.bridges.len() > SPARE_BRIDGES + 2 * self.channels.len() {
            let before = self.bridges.len();
            self.forget_empty_bridges();
            self.bridges_forgotten += (before - self.bridges.len()) as u64;
        }
    }

    /// Empty bridges forgotten to make room.
    pub(crate) fn bridges_forgotten(&self) -> u64 {
        self.bridges_forgotten
    }

    /// The bridge that an event names; one that nobody introduced is taken in.
    pub(crate) fn bridge(&mut self, seen: &event::Bridge<'_>) -> Slot {
        let holding = seen.technology == "holding_bridge";
        if let Some(slot) = self.bridges.find(&seen.uniqueid) {
            self.bridges[slot].holding |= holding;
            return slot;
        }
        let bridge = Bridge { uniqueid: (&*seen.uniqueid).into(), holding, members: Vec::with_capacity(2) };
        self.bridges.insert(&seen.uniqueid, bridge)
    }

    /// The bridge with this id, for those who know nothing else of it.
    pub(crate) fn bridge_by_id(&mut self, id: &str) -> Slot {
        self.bridge(&event::Bridge { uniqueid: id.into(), ..Default::default() })
    }

    /// The bridge of this id, if it is known.
    pub(crate) fn find_bridge(&self, id: &str) -> Option<Slot> {
        self.bridges.find(id)
    }

    /// The bridge that a channel is in, if that is not gone already.
    pub(crate) fn bridge_of(&self, channel: &Channel) -> Option<&Bridge> {
        self.bridges.get(channel.bridge?)
    }

    /// The channels in a bridge, the one that has been there longest first.
    pub(crate) fn members(&self, bridge: Slot) -> &[Slot] {
        &self.bridges[bridge].members
    }

    /// Puts a channel into a bridge. Returns the member with whom it shares the bridge now, if they can hear each other.
    pub(crate) fn enters(&mut self, bridge: Slot, channel: Slot) -> Option<Slot> {
        self.channels[channel].bridge = Some(bridge);
        self.channels[channel].bridge_in_doubt = false;
        let bridge = &mut self.bridges[bridge];
        bridge.members.push(channel);
        (!bridge.holding && bridge.members.len() > 1).then(|| bridge.members[0])
    }

    /// Events are missed: who is in a bridge may come into another.
    pub(crate) fn doubts_bridges(&mut self) {
        let bridged: Vec<Slot> = self.channels().filter(|(_, c)| c.bridge.is_some()).map(|(slot, _)| slot).collect();
        bridged.into_iter().for_each(|slot| self.channels[slot].bridge_in_doubt = true);
    }

    /// Takes a channel out of its bridge. `None` if it was in none, else the bridge, if that is not gone already.
    pub(crate) fn leaves(&mut self, channel: Slot) -> Option<Option<Slot>> {
        let slot = self.channels[channel].bridge.take()?;
        let Some(bridge) = self.bridges.get_mut(slot) else { return Some(None) };
        bridge.members.retain(|m| *m != channel);
        Some(Some(slot))
    }

    /// Drops a bridge from memory.
    pub(crate) fn bridge_ends(&mut self, slot: Slot, uniqueid: &str) {
        self.bridges.remove(slot, [uniqueid]);
    }

    /// Bridges whose end was not seen hold nobody in the end.
    pub(crate) fn forget_empty_bridges(&mut self) {
        let empty: Vec<(Slot, Box<str>)> = self
            .bridges
            .iter()
            .filter(|(_, b)| b.members.is_empty())
            .map(|(slot, b)| (slot, b.uniqueid.clone()))
            .collect();
        for (slot, uniqueid) in empty {
            self.bridge_ends(slot, &uniqueid);
        }
    }

    /// Keeps a trunk by its peer. False if there is no room.
    pub(crate) fn trunk_met(&mut self, name: &str) -> bool {
        let peer = channel_name::interface(name);
        if self.trunks_met.contains(peer) {
            return true;
        }
        let room = self.trunks_met.len() < MAX_TRUNKS_MET;
        if room {
            self.trunks_met.insert(peer.into());
        }
        room
    }

    /// The peer of this channel has been met as a trunk in this run.
    pub(crate) fn has_met_trunk(&self, name: &str) -> bool {
        self.trunks_met.contains(channel_name::interface(name))
    }

    /// The peer of this channel was a trunk in an earlier run.
    pub(crate) fn was_trunk_of_old(&self, name: &str) -> bool {
        self.trunks_of_old.contains(channel_name::interface(name))
    }

    /// Technology and peer of what has been met as a trunk.
    pub(crate) fn trunks_met(&self) -> impl Iterator<Item = &str> {
        self.trunks_met.iter().map(|trunk| &**trunk)
    }

    /// The trunks of earlier runs, up to the limit.
    pub(crate) fn knows_trunks(&mut self, trunks: impl IntoIterator<Item = String>) {
        self.trunks_of_old = trunks.into_iter().take(MAX_TRUNKS_MET).map(String::into_boxed_str).collect();
    }
}
