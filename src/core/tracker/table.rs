//! A table of things with stable slots, found by their text key.
#![expect(clippy::disallowed_types, reason = "looked up, never walked")]

use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Where a thing stands in its [`Table`]; reused after the thing is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

/// Things in slots, with any number of text keys leading to each.
///
/// The keys are only ever looked up, never walked, so that the order of everything that the tracker emits depends on its
/// input alone.
#[derive(Debug)]
pub(super) struct Table<T> {
    slots: Vec<Option<T>>,
    free: Vec<Slot>,
    keys: HashMap<Box<str>, Slot, FixedState>,
}

impl<T> Table<T> {
    /// An empty table.
    #[must_use]
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), keys: HashMap::with_hasher(FixedState::default()) }
    }

    /// Number of things.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Puts a thing in, under one key. An older thing under that key keeps its slot without it.
    pub(super) fn insert(&mut self, key: &str, thing: T) -> Slot {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot.0 as usize] = Some(thing);
            slot
        } else {
            self.slots.push(Some(thing));
            Slot(u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 slots: the callers' limits are far below"))
        };
        self.keys.insert(key.into(), slot);
        slot
    }

    /// Lets another key lead to the slot.
    pub(super) fn alias(&mut self, key: &str, slot: Slot) {
        self.keys.insert(key.into(), slot);
    }

    /// A key leads to the slot no more.
    pub(super) fn unalias(&mut self, key: &str, slot: Slot) {
        if self.keys.get(key) == Some(&slot) {
            self.keys.remove(key);
        }
    }

    /// The slot under a key.
    #[must_use]
    pub(super) fn find(&self, key: &str) -> Option<Slot> {
        self.keys.get(key).copied()
    }

    /// The thing in a slot.
    #[must_use]
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.slots.get(slot.0 as usize)?.as_ref()
    }

    /// The thing in a slot, to be changed.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.slots.get_mut(slot.0 as usize)?.as_mut()
    }

    /// Takes the thing out and forgets those of the given keys that lead to it.
    pub(super) fn remove<'k>(&mut self, slot: Slot, keys: impl IntoIterator<Item = &'k str>) -> Option<T> {
        let thing = self.slots.get_mut(slot.0 as usize)?.take()?;
        self.free.push(slot);
        for key in keys {
            self.unalias(key, slot);
        }
        Some(thing)
    }

    /// All things in the order of their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        self.slots.iter().enumerate().filter_map(|(i, t)| Some((Slot(u32::try_from(i).ok()?), t.as_ref()?)))
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::ops::Index<Slot> for Table<T> {
    type Output = T;
    fn index(&self, slot: Slot) -> &T {
        self.get(slot).expect("the slot is filled: its owner removes it last")
    }
}

impl<T> std::ops::IndexMut<Slot> for Table<T> {
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        self.get_mut(slot).expect("the slot is filled: its owner removes it last")
    }
}
