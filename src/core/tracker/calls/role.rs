//! Roles: who of a call is the customer and who an agent, from evidence that later evidence may revise.

use crate::ami::event::{self, Millis};
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Origin, Stage};
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{self, Kind, STATE_UP};

/// What Asterisk shows as the arguments of a channel's application while it dials it (`AppDial`, `AppDial2`, `AppQueue`).
const DIALLED: &str = "(Outgoing Line)";

impl Tracker {
    /// A channel runs an application: one that called us does, and one that was dialled and has answered. Before that a dialled one can run
    /// Stasis (ARI), or what Dial runs on it beforehand (`b()`): it is not ringing us meanwhile. In an event gap it may have been dialled unseen.
    pub(crate) fn application_shows_role(&mut self, seen: &event::Channel<'_>, data: &str, at: Millis) {
        let Some(slot) = self.topology.find(&seen.uniqueid) else { return };
        if data == DIALLED {
            self.topology.is_dialled(slot);
        } else if channel::calls_us(seen.state)
            || (seen.state == STATE_UP && !self.calls[self.topology.channel(slot).call].seen.partly())
        {
            self.calls_in(slot, seen, at);
        }
    }

    /// Something shows that the far end of a channel called us, unless it is known by now that the PBX dialled it. The state in which a channel
    /// begins does not tell: one of `chan_sip` is Down before it is Ring, an analog one with caller id Pre-ring, an ISDN one Reserved.
    pub(crate) fn calls_in(&mut self, slot: Slot, seen: &event::Channel<'_>, at: Millis) {
        let channel = self.topology.channel(slot);
        let call = channel.call;
        let told = self.calls[call].stage == Stage::Recorded || self.our_attempts.attempt(&channel.uniqueid).is_some();
        if channel.incoming != Some(false) || channel.dialled || !channel.is_party() || told {
            return;
        }
        self.topology.calls_us(slot);
        if self.calls[call].first == slot {
            let began = self.calls[call].started_ms;
            self.set_first_channel(call, seen, slot, began);
        } else {
            self.attach_channel(call, seen, slot, at);
        }
    }

    /// The customer's side of the call: for an internal call, the calling extension.
    pub(crate) fn is_customer(&self, call: Slot, slot: Slot) -> bool {
        let (call, channel) = (&self.calls[call], self.topology.channel(slot));
        match call.origin {
            Origin::Trunk => slot == call.first,
            Origin::Extension | Origin::Callback if call.trunk_dialled => channel.kind == Kind::Trunk,
            Origin::Extension => slot == call.first,
            Origin::Callback => false,
        }
    }
}
