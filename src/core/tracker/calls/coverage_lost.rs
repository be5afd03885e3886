//! Calls during an event gap, and when the lists show them again or do not.

use crate::ami::event;
use crate::millis::Millis;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, Stage};
use crate::tracker::calls::registry::Calls;
use crate::tracker::calls::talk::Talking;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::STATE_UP;
use crate::tracker::topology::graph::Topology;

impl Calls {
    /// Coverage is lost: whatever happens from then on to live calls is not seen.
    pub(crate) fn lose_sync(&mut self, topology: &Topology) {
        // A customer who is gone already has been seen to the end.
        let gone = |c: &Call| c.origin == Origin::Trunk && topology.channel(c.first).ended_ms.is_some();
        let lives = |c: &Call| c.stage == Stage::Live && !gone(c);
        let live: Vec<Slot> = self.iter().filter(|(_, c)| lives(c)).map(|(slot, _)| slot).collect();
        for slot in live {
            self.call_mut(slot).loses_sync();
        }
    }

    /// A channel of the call has ended without an event, and perhaps the call with it. True if a call of a customer or an agent was lost so.
    pub(crate) fn ends_unseen(&mut self, call: Slot, channel: Slot, topology: &Topology) -> bool {
        let c = self.call_mut(call);
        let inbound = c.origin == Origin::Trunk;
        let customer_seen_off = inbound && c.first != channel && topology.channel(c.first).ended_ms.is_some();
        if customer_seen_off && !c.seen.end_unseen() {
            return false;
        }
        let over = c.live == 0 || (inbound && c.first == channel);
        if over && !c.seen.end_unseen() && c.stage != Stage::Recorded {
            c.seen.ends_unseen();
            return !c.orphaned;
        }
        c.seen.misses_a_part();
        false
    }
}

impl Call {
    /// Something shows what became of the customer during the gap.
    fn customer_is_shown(&mut self) {
        self.seen.customer_is_shown();
    }

    /// One of its events was refused.
    fn misses_an_event(&mut self) {
        self.seen.misses_an_event();
    }

    /// The list of channels names the channel of a leg: if it is as it was when sync was lost, nothing of it is in doubt.
    fn leg_shows_itself(&mut self, channel: Slot, up: bool) {
        if self.attempts.is_shown(channel, up) {
            self.seen.customer_is_shown();
        }
    }
}

impl Tracker {
    /// An event of this channel was refused. One that is not known yet will be met in the middle of its call, which says the same.
    pub(crate) fn event_refused(&mut self, name: &str) {
        let found = self.topology.channels().find(|(_, channel)| channel.is_called(name));
        let Some(call) = found.map(|(_, channel)| channel.call) else { return };
        if self.calls[call].stage != Stage::Recorded {
            self.calls.call_mut(call).misses_an_event();
            self.calls.mark(call);
        }
    }

    /// The list of channels names it: what becomes of it from here on is seen, and so is what it did meanwhile if it is where it was.
    pub(crate) fn channel_shows_itself(
        &mut self,
        slot: Slot,
        seen: &event::Channel<'_>,
        bridged: bool,
        runs: (&str, &str),
        at: Millis,
    ) {
        let call = self.topology.channel(slot).call;
        if self.calls[call].first == slot && (self.calls[call].seen.in_doubt() || self.coverage.in_gap()) {
            let stayed = self.is_where_it_was(slot, (&seen.context, &seen.exten), runs, at);
            if stayed || (bridged && self.calls[call].talk.state() != Talking::No) {
                self.calls.call_mut(call).customer_is_shown();
            }
        }
        self.calls.call_mut(call).leg_shows_itself(slot, seen.state == STATE_UP);
        self.calls.mark(call);
    }
}
