//! Who hears whom: through bridges and Local channels.

use crate::tracker::table::Slot;
use crate::tracker::topology::graph::Topology;
use std::collections::BTreeSet;

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
        self.calls_of(&self.reached(channel))
    }

    /// The calls of these channels, each once.
    pub(crate) fn calls_of(&self, channels: &[Slot]) -> Vec<Slot> {
        let mut calls: Vec<Slot> = channels.iter().map(|slot| self.channel(*slot).call).collect();
        calls.sort_unstable();
        calls.dedup();
        calls
    }

    /// This channel and all that it is connected with, through bridges and Local channels.
    pub(crate) fn reached(&self, from: Slot) -> Vec<Slot> {
        let (mut reached, mut bridges) = (Found::default(), Found::default());
        reached.add(from);
        let mut next = 0;
        while let Some(&from) = reached.all.get(next) {
            let channel = self.channel(from);
            next += 1;
            let other_half = self.other_half(from);
            // All who are in a bridge lead to the same members.
            let bridge = channel.bridge.filter(|bridge| bridges.add(*bridge)).and_then(|_| self.bridge_of(channel));
            let members = bridge.filter(|b| !b.holding);
            for &slot in members.iter().flat_map(|b| &b.members).chain(&other_half) {
                if self.channel(slot).ended_ms.is_none() {
                    reached.add(slot);
                }
            }
        }
        reached.all
    }
}

/// So many are looked through one by one.
const FEW: usize = 16;

/// Each once, in the order in which they were found. A conversation has two or three, a conference thousands.
#[derive(Default)]
struct Found {
    all: Vec<Slot>,
    /// The same, once they are more than [`FEW`].
    many: BTreeSet<Slot>,
}

impl Found {
    /// True if it is new.
    fn add(&mut self, slot: Slot) -> bool {
        let is_new = if self.all.len() < FEW {
            !self.all.contains(&slot)
        } else {
            if self.many.is_empty() {
                self.many.extend(&self.all);
            }
            self.many.insert(slot)
        };
        if is_new {
            self.all.push(slot);
        }
        is_new
    }
}
