//! Sorting and gathering that the program holds once. The library's `sort_by` and the gathering of a map are each some kilobytes for every type of item:
//! here every type shares one sort, of places, which costs a call for each comparison. What is sorted for each event or frame of a hot path keeps the library's.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Stable sorting of a slice. Nothing happens to one that is in order already.
pub trait InOrder<T> {
    /// By a comparison.
    fn order_by(&mut self, compare: impl Fn(&T, &T) -> Ordering);

    /// By a key, which is made anew for each comparison.
    fn order_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K);
}

impl<T> InOrder<T> for [T] {
    fn order_by(&mut self, compare: impl Fn(&T, &T) -> Ordering) {
        if self.is_sorted_by(|a, b| compare(a, b) != Ordering::Greater) {
            return;
        }
        let mut places: Vec<usize> = (0..self.len()).collect();
        sort(&mut places, &|a, b| compare(&self[a], &self[b]));
        // Each place takes what belongs there, and what was there goes on to where it is wanted, until a circle is closed.
        for start in 0..places.len() {
            let mut at = start;
            while places[at] != start {
                let from = places[at];
                self.swap(at, from);
                places[at] = at;
                at = from;
            }
            places[at] = at;
        }
    }

    fn order_by_key<K: Ord>(&mut self, key: impl Fn(&T) -> K) {
        self.order_by(|a, b| key(a).cmp(&key(b)));
    }
}

#[inline(never)]
fn sort(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|a, b| compare(*a, *b));
}

/// Gathering into a map or set, one item after the other; of equal keys the last one stays, as ever.
pub trait Gather: Iterator + Sized {
    /// Into a map.
    fn to_map<K: Ord, V>(self) -> BTreeMap<K, V>
    where
        Self: Iterator<Item = (K, V)>,
    {
        let mut map = BTreeMap::new();
        map.extend(self);
        map
    }

    /// Into a set.
    fn to_set(self) -> BTreeSet<Self::Item>
    where
        Self::Item: Ord,
    {
        let mut set = BTreeSet::new();
        set.extend(self);
        set
    }
}

impl<I: Iterator> Gather for I {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_what_the_librarys_stable_sort_does(items in prop::collection::vec((0..8u8, any::<u16>()), 0..60)) {
            let (mut ours, mut theirs) = (items.clone(), items);
            ours.order_by_key(|(key, _)| *key);
            theirs.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn a_gathered_map_is_a_collected_one(items in prop::collection::vec((0..8u8, any::<u16>()), 0..60)) {
            prop_assert_eq!(items.iter().copied().to_map(), items.into_iter().collect::<BTreeMap<_, _>>());
        }
    }
}
