//! Whose call it is: the channel that began it, and what that one shows of the customer.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::channel_name::{self, Kind};
use crate::model::number::Number;
use crate::model::rules::Purpose;
use crate::tracker::calls::call::{Call, Origin, Stage};
use crate::tracker::calls::legs::dialled_number;
use crate::tracker::calls::registry::Calls;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel;
use crate::tracker::{MAX_UNNAMED, Output, Tracker};

impl Tracker {
    /// A caller ID that is not an extension means an external call. But an extension that calls outward shows the number that the
    /// customer is to see: its own name tells it apart where phones are named by their numbers, as FreePBX names them. Who shows no number at
    /// all is known by the trunk.
    pub(crate) fn calls_from_outside(&self, seen: &event::Channel<'_>) -> bool {
        let peer = channel_name::extension(&seen.name);
        let outside = match self.rules.numbering.classify(&seen.caller_num) {
            Number::Callable(_) => true,
            Number::Withheld => self.topology.was_trunk_of_old(&seen.name),
            _ => false,
        };
        outside && !matches!(self.rules.numbering.classify(peer), Number::Internal)
    }

    /// A call begins with this channel.
    pub(crate) fn call_begins(&mut self, seen: &event::Channel<'_>, first: Slot, linkedid: &str, at: Millis) -> Slot {
        let slot = self.calls.insert(linkedid, Call::new(linkedid, first, Origin::Extension, at));
        self.set_first_channel(slot, seen, first, at);
        slot
    }

    /// A channel comes to a call that is known already, perhaps to lead it from now on: the lists name channels in any order, and
    /// what other threads say about a dialled channel can be heard before what the caller's own says.
    pub(crate) fn attach_channel(&mut self, call: Slot, seen: &event::Channel<'_>, slot: Slot, at: Millis) {
        let (c, channel) = (&self.calls[call], self.topology.channel(slot));
        if c.stage == Stage::Recorded || c.orphaned || c.first == slot {
            return;
        }
        let has_its_first = *self.topology.channel(c.first).uniqueid == *c.linkedid;
        let calls_in = channel.kind == Kind::Trunk && channel.incoming == Some(true);
        let is_out = channel.kind == Kind::Trunk && channel.incoming == Some(false);
        if !has_its_first
            && (*seen.uniqueid == *c.linkedid || (c.seen.missed_a_part() && c.origin == Origin::Extension && calls_in))
        {
            self.set_first_channel(call, seen, slot, at);
        } else if c.seen.partly() && c.origin != Origin::Trunk && is_out && !c.trunk_dialled {
            // The call was put through before anyone looked.
            let peer = channel.interface().to_owned();
            self.calls.call_mut(call).goes_out(Some(peer), channel::filled(&seen.caller_num));
        }
    }

    /// A list shows a phone of ours in Dial(): what that was given names the trunk, which may be gone by then.
    pub(crate) fn dial_listed(&mut self, slot: Slot, application: &str, given: &str) {
        let call = self.topology.channel(slot).call;
        if !application.eq_ignore_ascii_case("Dial") || !self.may_have_gone_out(call) || self.calls[call].first != slot
        {
            return;
        }
        let devices = given.split(',').next().unwrap_or_default().split('&');
        let Some((device, trunk)) = devices.filter_map(|d| Some((d, self.trunk_of(d)?))).next() else { return };
        self.calls.call_mut(call).goes_out(Some(trunk), dialled_number(device));
        self.calls.mark(call);
    }

    /// A phone of ours has dialled a number that is none of ours, and of whom Dial() rang nothing was seen: it called outward.
    pub(crate) fn goes_out_as_dialled(&mut self, call: Slot) {
        let c = &self.calls[call];
        let phone = channel_name::extension(&self.topology.channel(c.first).name);
        let numbering = &self.rules.numbering;
        let outside = |number: &str| {
            matches!(numbering.classify(number), Number::Callable(_)) && !self.rules.is_own_number(number)
        };
        let of_a_phone = matches!(numbering.classify(phone), Number::Internal);
        if c.attempts.is_empty() && self.may_have_gone_out(call) && of_a_phone && c.did.as_deref().is_some_and(outside)
        {
            self.calls.call_mut(call).goes_out(None, None);
        }
    }

    /// A phone of ours began it, no trunk was seen in it, and a part of it was not seen.
    fn may_have_gone_out(&self, call: Slot) -> bool {
        let c = &self.calls[call];
        let first = self.topology.channel(c.first);
        c.seen.partly()
            && c.origin == Origin::Extension
            && !c.trunk_dialled
            && first.kind == Kind::Extension
            && first.incoming == Some(true)
    }

    /// Technology and peer of the trunk in a device of Dial(): `PJSIP/trunk` of `PJSIP/12025550123@trunk` and of `PJSIP/trunk/12025550123`.
    fn trunk_of(&self, device: &str) -> Option<String> {
        let (technology, rest) = device.split_once('/')?;
        let first = rest.split('/').next().unwrap_or(rest);
        let peer = first.rsplit_once('@').map_or(first, |(_, peer)| peer);
        let trunk = format!("{technology}/{peer}");
        let channel = format!("{trunk}-0");
        let known = self.rules.trunks.fit(&channel)
            || self.topology.has_met_trunk(&channel)
            || self.topology.was_trunk_of_old(&channel);
        known.then_some(trunk)
    }

    /// A list shows which way a channel was called that an event has made known before.
    pub(crate) fn direction_listed(&mut self, slot: Slot, seen: &event::Channel<'_>, incoming: bool, at: Millis) {
        if self.topology.channel(slot).incoming.is_some() {
            return;
        }
        let from_outside = incoming && self.calls_from_outside(seen);
        self.topology.set_direction(slot, incoming, at);
        if self.topology.channel(slot).kind == Kind::Extension && from_outside {
            self.topology.is_a_trunk(slot);
        }
        let call = self.topology.channel(slot).call;
        if self.calls[call].first == slot {
            self.set_first_channel(call, seen, slot, at);
        } else {
            self.attach_channel(call, seen, slot, at);
        }
    }

    /// A call of one of our own phones, as far as the rules say. It may be a customer's all the same: the number that it shows is none of ours, and
    /// neither a queue nor a rule knows its channel.
    fn arrives_unnamed(&mut self, call: Slot, seen: &event::Channel<'_>) {
        let (context, phone) = (&*seen.context, channel_name::interface(&seen.name));
        let named = context.is_empty() || self.rules.purpose(context) != Purpose::default();
        // What costs least is asked first: most calls of phones come in contexts that have a name, or were reported.
        if named || self.unnamed.len() >= MAX_UNNAMED || self.unnamed.contains(context) {
            return;
        }
        let peer = channel_name::extension(&seen.name);
        let numbering = &self.rules.numbering;
        let foreign = matches!(numbering.classify(&seen.caller_num), Number::Callable(_) | Number::Invalid)
            && !matches!(numbering.classify(peer), Number::Internal)
            && !self.rules.is_own_number(&seen.caller_num);
        if !foreign || self.presence.find(phone).is_some() {
            return;
        }
        self.unnamed.insert(context.into());
        let linkedid = self.calls[call].linkedid.to_string();
        self.outputs.push_back(Output::Unnamed { context: context.to_owned(), linkedid });
    }

    /// Takes from the channel that began the call what it shows of the customer.
    pub(crate) fn set_first_channel(&mut self, call: Slot, seen: &event::Channel<'_>, first: Slot, at: Millis) {
        let channel = self.topology.channel(first);
        let (kind, dialled_by_us) = (channel.kind, channel.incoming == Some(false));
        let calls_in = kind == Kind::Trunk && !dialled_by_us;
        if calls_in && channel.incoming == Some(true) && self.calls.comes_in_again(&seen.caller_num, &seen.exten, at) {
            self.calls.call_mut(call).comes_in_again();
        }
        let again = self.calls[call].comes_in_again;
        let origin = if self.our_attempts.attempt(&seen.uniqueid).is_some() {
            Origin::Callback
        } else if calls_in && !again {
            Origin::Trunk
        } else {
            Origin::Extension
        };
        self.calls.call_mut(call).begun_by(first, origin, seen, kind, at);
        if origin == Origin::Extension && kind == Kind::Extension && !dialled_by_us {
            self.arrives_unnamed(call, seen);
        }
        if !seen.context.is_empty() {
            self.place_changes(call, &seen.context, "", at);
        }
        self.waiting_changes(call);
        self.calls.mark(call);
    }
}

/// An extension as a dialled number; `None` for the dialplan's special ones.
fn dialled(exten: &str) -> Option<String> {
    (!exten.is_empty() && !matches!(exten, "s" | "h" | "i" | "t" | "o")).then(|| exten.to_owned())
}

impl Call {
    /// It has come in over a trunk that leads back to this PBX.
    fn comes_in_again(&mut self) {
        self.comes_in_again = true;
    }

    /// A trunk is dialled, this one if that is known: the other party is whom we dial, and has this number where one is known.
    pub(super) fn goes_out(&mut self, trunk: Option<String>, number: Option<String>) {
        if !std::mem::replace(&mut self.trunk_dialled, true) {
            let known = self.number.take().filter(|_| self.origin == Origin::Callback);
            self.number = known.or(self.did.take());
            self.name = None;
        }
        self.trunk = trunk.or(self.trunk.take()); // the last route that was tried counts
        self.number = number.or(self.number.take());
    }

    /// This channel, of this kind, began it: what it shows of the customer.
    fn begun_by(&mut self, first: Slot, origin: Origin, seen: &event::Channel<'_>, kind: Kind, at: Millis) {
        (self.origin, self.first) = (origin, first);
        self.started_ms = self.started_ms.min(at);
        match origin {
            Origin::Callback => {}
            Origin::Extension if self.trunk_dialled => {
                self.number = self.number.take().or_else(|| dialled(&seen.exten));
            }
            // As for a customer, so for an extension: who calls, and what was dialled. If a trunk is dialled next, it is a call outward.
            Origin::Trunk | Origin::Extension => {
                self.number = channel::filled(&seen.caller_num);
                self.name = channel::filled(&seen.caller_name);
                self.did = dialled(&seen.exten);
            }
        }
        if kind == Kind::Trunk {
            // An Originate that calls the customer first.
            self.trunk_dialled = origin != Origin::Trunk && !self.comes_in_again;
            self.trunk = Some(channel_name::interface(&seen.name).to_owned());
        }
    }
}

impl Calls {
    /// A channel shows this caller: the customer's, if it is that of a call from outside whose caller is not known yet.
    pub(crate) fn caller_id_changes(&mut self, call: Slot, channel: Slot, seen: &event::Channel<'_>) {
        let call = self.call_mut(call);
        if call.origin == Origin::Trunk && call.first == channel && call.number.is_none() {
            call.number = channel::filled(&seen.caller_num);
            call.name = channel::filled(&seen.caller_name);
        }
    }
}
