//! The legs of a call, in the order in which they began: everybody may read them, they are written to by these verbs.

use crate::tracker::calls::call::TrackedLeg;
use crate::tracker::table::Slot;
use std::ops::Deref;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Legs(Vec<TrackedLeg>);

impl Deref for Legs {
    type Target = [TrackedLeg];
    fn deref(&self) -> &[TrackedLeg] {
        &self.0
    }
}

impl Legs {
    /// Somebody is rung.
    pub(super) fn begins(&mut self, leg: TrackedLeg) {
        self.0.push(leg);
    }

    /// The latest leg of the channel with this uniqueid, for what it says of itself.
    pub(super) fn of(&mut self, uniqueid: &str) -> Option<&mut TrackedLeg> {
        self.0.iter_mut().rev().find(|leg| &*leg.uniqueid == uniqueid)
    }

    /// The latest leg of this channel shows a number. Returns whether there is one.
    pub(super) fn shows(&mut self, channel: Slot, shown: &str) -> bool {
        let leg = self.0.iter_mut().rev().find(|leg| leg.channel == channel);
        leg.map(|leg| leg.shown = Some(shown.into())).is_some()
    }

    /// The far end of this leg comes in by a trunk.
    pub(super) fn comes_in_again(&mut self, leg: usize) {
        self.0[leg].comes_in_again = true;
    }

    /// What becomes of those that go on is not seen.
    pub(super) fn lose_sync(&mut self) {
        self.0.iter_mut().filter(|leg| leg.ended_ms.is_none()).for_each(|leg| leg.in_doubt = true);
    }

    /// The list of channels names the channel of a leg, which is `up` or not: if it is as it was when sync was lost, nothing of it is in doubt.
    /// Returns whether it was until now.
    pub(super) fn is_shown(&mut self, channel: Slot, up: bool) -> bool {
        let as_it_was = |leg: &&mut TrackedLeg| leg.channel == channel && (leg.answered_ms.is_some() || !up);
        self.0.iter_mut().rev().find(as_it_was).is_some_and(|leg| std::mem::take(&mut leg.in_doubt))
    }

    /// What the `other` half of this Local channel has dialled was dialled by it.
    pub(super) fn adopt(&mut self, local: Slot, other: Slot) {
        let Some(parent) = self.0.iter().position(|leg| leg.channel == local) else { return };
        let queue = self.0[parent].queue.clone();
        for child in self.0.iter_mut().filter(|leg| leg.by == Some(other) && leg.queue.is_none()) {
            child.parent = child.parent.or(Some(parent));
            child.queue = child.queue.take().or_else(|| queue.clone());
        }
    }

    /// Those of another call come to them.
    pub(super) fn absorb(&mut self, gone: Self) {
        let offset = self.0.len();
        self.0.extend(gone.0.into_iter().map(|mut leg| {
            leg.parent = leg.parent.map(|parent| parent + offset);
            leg
        }));
    }

    /// The first so many stay. Returns how many were beyond.
    pub(super) fn cut(&mut self, most: usize) -> usize {
        let beyond = self.0.len().saturating_sub(most);
        self.0.truncate(most);
        let kept = self.0.len();
        self.0.iter_mut().for_each(|leg| leg.parent = leg.parent.filter(|parent| *parent < kept));
        beyond
    }
}
