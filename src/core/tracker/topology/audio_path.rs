//! Who hears whom: through bridges and Local channels.

use crate::tracker::table::Slot;
use crate::tracker::topology::graph::Topology;

impl Topology {
    /// Parties that have answered and hear each other now have met. Half of a Local channel alone is nobody to meet: the one that loses the race to answer
    /// is bridged with it for a moment.
    pub(crate) fn meet(&mut self, channel: Slot) {
        let mut parties = self.reached(channel);
        parties.retain(|slot| self.channel(*slot).can_talk());
        if parties.len() > 1 {
            for slot in parties {
                self.has_met(slot);
            }
        }
    }

    /// The calls whose channels this one is connected with, its own among them.
    pub(crate) fn calls_around(&self, channel: Slot) -> Vec<Slot> {
        let mut calls: Vec<Slot> = self.reached(channel).into_iter().map(|slot| self.channel(slot).call).collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    /// This channel and all that it is connected with, through bridges and Local channels.
    pub(crate) fn reached(&self, from: Slot) -> Vec<Slot> {
        let mut reached = vec![from];
        let mut next = 0;
        while next < reached.len() {
            let from = reached[next];
            let channel = self.channel(from);
            next += 1;
            let other_half = self.other_half(from);
            let members = self.bridge_of(channel).filter(|b| !b.holding);
            for &slot in members.iter().flat_map(|b| &b.members).chain(&other_half) {
                if !reached.contains(&slot) && self.channel(slot).ended_ms.is_none() {
                    reached.push(slot);
                }
            }
        }
        reached
    }
}
