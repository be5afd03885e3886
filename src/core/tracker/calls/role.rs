//! Roles: who of a call is the customer and who an agent, from evidence that later evidence may revise.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::channel_name::Kind;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, Stage, TrackedLeg};
use crate::tracker::calls::registry::Calls;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{self, STATE_UP};
use crate::tracker::topology::graph::Topology;

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
        let settled =
            self.calls[call].stage == Stage::Recorded || self.our_attempts.attempt(&channel.uniqueid).is_some();
        if channel.incoming != Some(false) || channel.dialled || !channel.is_party() || settled {
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
        let (c, channel) = (&self.calls[call], self.topology.channel(slot));
        match c.origin {
            Origin::Trunk => slot == c.first,
            Origin::Extension | Origin::Callback if c.trunk_dialled => {
                channel.kind == Kind::Trunk && !self.leads_to_an_agent(call, slot)
            }
            // Half of a Local channel is nobody: whoever it led to first makes the call.
            Origin::Extension if self.topology.channel(c.first).kind == Kind::Local => {
                channel.is_party() && self.is_on_the_first_side(c, slot)
            }
            Origin::Extension => slot == c.first,
            Origin::Callback => false,
        }
    }

    /// The call has a customer who called in, and so a row of its own, whomever they meet.
    pub(crate) fn has_a_caller(&self, call: Slot) -> bool {
        let call = &self.calls[call];
        let first = self.topology.channel(call.first);
        call.origin == Origin::Trunk && !first.dialled && first.incoming != Some(false)
    }

    /// The trunk's channel of a call that we make leads to an agent: a queue rang it, or it was dialled first and the customer after that.
    fn leads_to_an_agent(&self, call: Slot, slot: Slot) -> bool {
        let c = &self.calls[call];
        if c.attempts.iter().any(|a| a.channel == slot && a.queue.is_some()) {
            return true;
        }
        self.is_on_the_first_side(c, slot) && !self.customer_is_first(c, c.first)
    }

    /// The channel began the call, or is what its Local channel led to.
    fn is_on_the_first_side(&self, call: &Call, slot: Slot) -> bool {
        let leg = || call.attempts.iter().position(|a| a.channel == slot);
        slot == call.first || leg().is_some_and(|leg| call.is_on_the_way(leg, |way| way.channel == call.first))
    }

    /// Of a call of ours or of another Originate: whoever was dialled first, by this channel, is the customer. A queue or a phone of this PBX
    /// that comes second takes the call; a trunk that comes second leads to the customer. Before that a person whom the queues know is an
    /// agent.
    pub(crate) fn customer_is_first(&self, call: &Call, first: Slot) -> bool {
        let outside = |leg: usize| self.topology.channel(call.attempts[leg].channel).kind == Kind::Trunk;
        let (mut led_outside, mut second) = (self.topology.channel(first).kind == Kind::Trunk, false);
        for (leg, attempt) in call.attempts.iter().enumerate() {
            if call.is_on_the_way(leg, |way| way.channel == first) {
                led_outside |= outside(leg);
            } else if call.is_on_the_way(leg, |way| way.by == Some(first)) && !attempt.local {
                second = true;
                if outside(leg) && attempt.queue.is_none() {
                    return false;
                }
            }
        }
        let dialled = call.attempts.iter().find(|a| a.channel == first).map(|a| &*a.dialled);
        let is_an_agent = || dialled.is_some_and(|dialled| self.presence.find(dialled).is_some());
        led_outside && (second || !is_an_agent())
    }
}

impl Calls {
    /// Who stands at the far end, as technology and peer: a phone of this PBX by itself. A person who was reached over a trunk is known by what
    /// was dialled first to reach them, as the queue or Dial names it: a trunk is nobody.
    pub(crate) fn identity(&self, topology: &Topology, call: Slot, slot: Slot) -> String {
        let channel = topology.channel(slot);
        let by_trunk = channel.kind == Kind::Trunk;
        let calls = [call, channel.call];
        let leg = |call: Slot| self[call].attempts.iter().rposition(|a| a.channel == slot).map(|leg| (call, leg));
        let Some((call, leg)) = calls.into_iter().find_map(leg).filter(|_| by_trunk) else {
            return channel.interface().to_owned();
        };
        let first = self[call].way(leg).last().unwrap_or(&self[call].attempts[leg]);
        without_options(&first.dialled).to_owned()
    }
}

/// What was dialled without how its two halves are to behave: `Local/101@from-queue/n`.
fn without_options(dialled: &str) -> &str {
    let options = |(way, options): &(&str, &str)| way.contains('@') && options.bytes().all(|b| b.is_ascii_lowercase());
    dialled.rsplit_once('/').filter(options).map_or(dialled, |(way, _)| way)
}

impl Call {
    /// This leg and the Local ones that led to it, back to the first.
    fn way(&self, leg: usize) -> impl Iterator<Item = &TrackedLeg> {
        let before = |leg: &&TrackedLeg| leg.parent.and_then(|parent| self.attempts.get(parent));
        // A parent cannot be its own descendant, whatever the events said.
        std::iter::successors(self.attempts.get(leg), before).take(self.attempts.len() + 1)
    }

    /// The leg itself, or one of the Local ones that led to it, fits.
    pub(crate) fn is_on_the_way(&self, leg: usize, fits: impl Fn(&TrackedLeg) -> bool) -> bool {
        self.way(leg).any(fits)
    }
}
