//! The latest fact of each customer, bounded: the customer who was heard of longest ago is forgotten first.

use crate::millis::Millis;
use crate::model::E164;
use crate::order::Gather as _;
use crate::order::InOrder as _;
use std::collections::{BTreeMap, BTreeSet};

/// A fact per customer with the time that it is of (ms since 1970 UTC). Each verb costs the logarithm of their number.
#[derive(Debug)]
pub(crate) struct Latest<T> {
    facts: BTreeMap<E164, (Millis, T)>,
    by_time: BTreeSet<(Millis, E164)>,
    most: usize,
}

impl<T> Latest<T> {
    /// At most so many customers, with what is known of them so far: their number, the time, the fact.
    pub(crate) fn new(most: usize, known: impl IntoIterator<Item = (E164, Millis, T)>) -> Self {
        // Trees that are built at once have no gaps; the newest fact of a customer is the last.
        let mut known: Vec<_> = known.into_iter().map(|(number, at_ms, fact)| (number, (at_ms, fact))).collect();
        known.order_by(|a, b| (&a.0, a.1.0).cmp(&(&b.0, b.1.0)));
        let facts: BTreeMap<E164, (Millis, T)> = known.into_iter().to_map();
        let by_time = facts.iter().map(|(number, (at_ms, _))| (*at_ms, number.clone())).collect();
        let mut latest = Self { facts, by_time, most };
        while latest.facts.len() > most {
            latest.forget_oldest();
        }
        latest
    }

    /// What is known of this customer.
    pub(crate) fn get(&self, number: &E164) -> Option<&T> {
        self.facts.get(number).map(|(_, fact)| fact)
    }

    /// Keeps the fact unless a newer one is known. Returns whether another customer was forgotten for it.
    pub(crate) fn learn(&mut self, number: &E164, at_ms: Millis, fact: T) -> bool {
        if let Some((old_ms, _)) = self.facts.get(number) {
            if *old_ms > at_ms {
                return false;
            }
            self.by_time.remove(&(*old_ms, number.clone()));
        }
        self.by_time.insert((at_ms, number.clone()));
        self.facts.insert(number.clone(), (at_ms, fact));
        let full = self.facts.len() > self.most;
        if full {
            self.forget_oldest();
        }
        full
    }

    fn forget_oldest(&mut self) {
        if let Some((_, oldest)) = self.by_time.pop_first() {
            self.facts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Latest;
    use crate::model::E164;

    fn number(n: u64) -> E164 {
        E164::new(&format!("+1202555{n:04}")).unwrap()
    }

    #[test]
    fn the_customer_who_was_heard_of_longest_ago_is_forgotten_first() {
        let mut customers =
            Latest::new(2, [(number(4), 5, "e"), (number(1), 10, "a"), (number(2), 20, "b"), (number(1), 7, "f")]);
        assert!(!customers.learn(&number(1), 30, "c"), "the same customer takes no second place");
        assert!(customers.learn(&number(3), 25, "d"));
        let known = [1, 2, 3].map(|n| customers.get(&number(n)).copied());
        assert_eq!(known, [Some("c"), None, Some("d")]);
        assert_eq!((customers.facts.len(), customers.by_time.len()), (2, 2));
    }

    #[test]
    fn an_older_fact_replaces_no_newer_one_and_one_of_the_same_moment_does() {
        let mut customers = Latest::new(9, [(number(1), 10, "a")]);
        customers.learn(&number(1), 9, "older");
        assert_eq!(customers.get(&number(1)), Some(&"a"));
        customers.learn(&number(1), 10, "corrected");
        assert_eq!(customers.get(&number(1)), Some(&"corrected"));
        assert_eq!(customers.by_time.len(), 1);
    }
}
