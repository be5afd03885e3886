//! Stays in queues: joined, left, abandoned, connected.

use super::Engine;
use super::call::{MAX_VISITS, Stay};
use super::table::Slot;
use crate::ami::event::{self, Millis};

impl Engine {
    pub(super) fn joins_queue(&mut self, seen: &event::Channel<'_>, queue: &str, position: u32, at: Millis) {
        let Some(slot) = self.known(seen, at) else { return };
        self.stay_begins(slot, queue, position, at);
    }

    /// Notes a stay in a queue, unless one in that queue is going on. For a caller who was found waiting, `joined_ms` is what the list says.
    pub(super) fn stay_begins(&mut self, channel: Slot, queue: &str, position: u32, joined_ms: Millis) {
        let slot = self.channels[channel].call;
        let call = &mut self.calls[slot];
        if call.stay_mut(queue).is_some_and(|s| s.left_ms.is_none()) {
            return;
        }
        if call.stays.len() >= MAX_VISITS {
            call.dropped += 1;
            self.counters.details_dropped += 1;
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
        self.waiting_changes(slot);
    }

    pub(super) fn leaves_queue(&mut self, seen: &event::Channel<'_>, queue: &str, at: Millis) {
        let Some(slot) = self.met(seen, at) else { return };
        let slot = self.channels[slot].call;
        let call = &mut self.calls[slot];
        if let Some(stay) = call.stay_mut(queue) {
            stay.left_ms.get_or_insert(at);
        }
        self.waiting_changes(slot);
    }

    pub(super) fn abandons_queue(&mut self, seen: &event::Channel<'_>, queue: &str, at: Millis) {
        let Some(slot) = self.met(seen, at) else { return };
        let slot = self.channels[slot].call;
        let call = &mut self.calls[slot];
        if let Some(stay) = call.stay_mut(queue) {
            stay.abandoned = true;
            stay.left_ms.get_or_insert(at);
        }
        self.waiting_changes(slot);
    }

    pub(super) fn agent_connected(
        &mut self,
        seen: &event::Channel<'_>,
        dest: &event::Channel<'_>,
        queue: &str,
        at: Millis,
    ) {
        self.known(dest, at);
        let Some(slot) = self.known(seen, at) else { return };
        let slot = self.channels[slot].call;
        let call = &mut self.calls[slot];
        if let Some(stay) = call.stay_mut(queue) {
            stay.connected = true;
            stay.left_ms.get_or_insert(at);
        }
        self.waiting_changes(slot);
    }
}
