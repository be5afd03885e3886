//! How often customers may be dialled in a day: caps per number, per prefix and in all, so that no fault and no fraud can cost much.
//!
//! An offer costs the logarithm of the dials that are kept, however many they are: they stand in order of time, in all, by number and by prefix.

use crate::callbacks::policy::Overall;
use crate::millis::Millis;
use crate::model::E164;
use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// What counts as a day, ms.
const DAY_MS: Millis = 86_400_000;
/// Dials kept; the oldest go first. Total caps above this have no effect.
pub(crate) const MAX_DIALS: usize = 100_000;

/// Moments in order of time.
type Times = VecDeque<Millis>;

/// The dials of the last day.
#[derive(Debug, Default)]
pub(crate) struct Caps {
    /// Oldest first.
    dials: VecDeque<(Millis, E164)>,
    by_number: BTreeMap<E164, Times>,
    /// By the first digits, or the whole number where it has no more.
    by_prefix: BTreeMap<String, Times>,
    prefix_digits: u8,
}

impl Caps {
    /// Of earlier runs. Numbers whose first `prefix_digits` are the same have one prefix.
    pub(crate) fn new(dialled: Vec<(Millis, E164)>, prefix_digits: u8) -> Self {
        let mut caps = Self { prefix_digits, ..Self::default() };
        for (at, number) in dialled {
            caps.add(at, number);
        }
        caps
    }

    /// From now on prefixes have so many digits.
    pub(crate) fn set_prefix_digits(&mut self, prefix_digits: u8) {
        if prefix_digits != self.prefix_digits {
            *self = Self::new(std::mem::take(&mut self.dials).into(), prefix_digits);
        }
    }

    /// A customer is dialled.
    pub(crate) fn count(&mut self, at: Millis, number: &E164) {
        self.add(at, number.clone());
        while self.dials.len() > MAX_DIALS || self.dials.front().is_some_and(|(t, _)| *t <= at - DAY_MS) {
            self.drop_oldest();
        }
    }

    fn add(&mut self, at: Millis, number: E164) {
        insert(self.by_prefix.entry(prefix(&number, self.prefix_digits).to_owned()).or_default(), at);
        insert(self.by_number.entry(number.clone()).or_default(), at);
        let place = self.dials.partition_point(|(t, _)| *t <= at);
        self.dials.insert(place, (at, number));
    }

    fn drop_oldest(&mut self) {
        let Some((_, number)) = self.dials.pop_front() else { return };
        drop_first(&mut self.by_prefix, prefix(&number, self.prefix_digits));
        drop_first(&mut self.by_number, number.as_str());
    }

    /// `None` if one more call to this number is within all caps, else when the first of those that count leaves the day. `to_come` are the
    /// numbers of the attempts that go on and have not dialled their customers yet: they will.
    pub(crate) fn exceeded<'n, N: Iterator<Item = &'n str>>(
        &self,
        number: &str,
        to_come: impl Fn() -> N,
        caps: &Overall,
        now: Millis,
    ) -> Option<(Millis, &'static str)> {
        let begin = now - DAY_MS;
        let over = |cap: u32, dialled: Today<'_>, to_come: usize| {
            let first = (dialled.len() + to_come).checked_sub(cap as usize)?;
            // Those to come are of this moment. Where none is allowed at all, that is so in a day, too.
            Some(dialled.time(first).unwrap_or(now) + DAY_MS)
        };
        let past = self.dials.partition_point(|(t, _)| *t <= begin);
        if let Some(free) = over(caps.daily, Today::All(&self.dials, past), to_come().count()) {
            return Some((free, "in all"));
        }
        let begins = prefix(number, self.prefix_digits);
        let soon = to_come().filter(|n| n.starts_with(begins)).count();
        if let Some(free) = over(caps.daily_per_prefix, self.beginning_with(begins, begin), soon) {
            return Some((free, "of this prefix"));
        }
        let soon = to_come().filter(|n| *n == number).count();
        let dialled = Today::new(self.by_number.get(number), begin);
        over(caps.daily_per_number, dialled, soon).map(|free| (free, "of this number"))
    }

    fn beginning_with(&self, begins: &str, begin: Millis) -> Today<'_> {
        let fit = self.by_prefix.range::<str, _>((Bound::Included(begins), Bound::Unbounded));
        let mut lists = fit.take_while(|(prefix, _)| prefix.starts_with(begins)).map(|(_, times)| times);
        match (lists.next(), lists.next()) {
            (only, None) => Today::new(only, begin),
            // A number that is shorter than a prefix is the beginning of several: rare enough to go through them.
            (first, second) => {
                let all = first.into_iter().chain(second).chain(lists).flatten().copied();
                let mut today: Vec<Millis> = all.filter(|t| *t > begin).collect();
                today.sort_unstable();
                Today::Of(today)
            }
        }
    }
}

/// The dials of today among some, in order of time.
enum Today<'a> {
    /// All after the first so many.
    All(&'a VecDeque<(Millis, E164)>, usize),
    /// Those of one number or prefix after the first so many.
    After(&'a Times, usize),
    /// These.
    Of(Vec<Millis>),
}

impl<'a> Today<'a> {
    fn new(times: Option<&'a Times>, begin: Millis) -> Self {
        times.map_or(Self::Of(Vec::new()), |times| Self::After(times, times.partition_point(|t| *t <= begin)))
    }

    fn len(&self) -> usize {
        match self {
            Self::All(dials, past) => dials.len() - past,
            Self::After(times, past) => times.len() - past,
            Self::Of(times) => times.len(),
        }
    }

    fn time(&self, n: usize) -> Option<Millis> {
        match self {
            Self::All(dials, past) => dials.get(past + n).map(|(t, _)| *t),
            Self::After(times, past) => times.get(past + n).copied(),
            Self::Of(times) => times.get(n).copied(),
        }
    }
}

/// The `+` and the first digits, or the whole number where it has no more.
fn prefix(number: &str, digits: u8) -> &str {
    number.get(..=usize::from(digits)).unwrap_or(number)
}

/// Nearly always the latest; not so where a clock was set back.
fn insert(times: &mut Times, at: Millis) {
    let place = times.partition_point(|t| *t <= at);
    times.insert(place, at);
}

fn drop_first<K: Ord + Borrow<str>>(lists: &mut BTreeMap<K, Times>, of: &str) {
    if let Some(times) = lists.get_mut(of) {
        times.pop_front();
        if times.is_empty() {
            lists.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_MS: Millis = 3_600_000;

    /// Goes through all dials, as the words of [`Caps::exceeded`] say.
    fn by_hand(
        dials: &[(Millis, E164)],
        number: &str,
        to_come: &[E164],
        caps: &Overall,
        now: Millis,
    ) -> Option<(Millis, &'static str)> {
        let begins = prefix(number, caps.prefix_digits);
        let over = |cap: u32, fits: &dyn Fn(&str) -> bool| {
            let done = dials.iter().filter(|(t, n)| *t > now - DAY_MS && fits(n)).map(|(t, _)| *t);
            let mut times: Vec<Millis> = done.collect();
            times.sort_unstable();
            times.extend(to_come.iter().filter(|n| fits(n)).map(|_| now));
            let cap = cap as usize;
            (times.len() >= cap).then(|| times.get(times.len() - cap).map_or(now + DAY_MS, |t| t + DAY_MS))
        };
        let all = over(caps.daily, &|_| true).map(|free| (free, "in all"));
        let prefix = || over(caps.daily_per_prefix, &|n| n.starts_with(begins)).map(|free| (free, "of this prefix"));
        all.or_else(prefix).or_else(|| over(caps.daily_per_number, &|n| n == number).map(|f| (f, "of this number")))
    }

    fn numbers() -> impl Strategy<Value = E164> {
        // Few digits, so that they meet, and some that are the beginning of others.
        "\\+49[1-2]{2,5}".prop_map(|text| E164::new(&text).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

        #[test]
        fn what_is_kept_in_order_says_the_same_as_going_through_all_dials(
            dials in prop::collection::vec((0..60 * HOUR_MS, numbers()), 0..40),
            to_come in prop::collection::vec(numbers(), 0..4),
            number in numbers(),
            (daily, daily_per_prefix, daily_per_number) in (0..12_u32, 0..8_u32, 0..4_u32),
            (built_for, prefix_digits) in (2..8_u8, 2..8_u8),
            now in 0..80 * HOUR_MS,
        ) {
            let overall = Overall {
                max_active: 10, newest_first: false, min_talk_ms: 0, daily_per_number, daily_per_prefix, prefix_digits, daily,
            };
            let mut caps = Caps::new(Vec::new(), built_for);
            let mut kept: Vec<(Millis, E164)> = Vec::new();
            for (at, number) in dials {
                caps.count(at, &number);
                kept.push((at, number));
                kept.sort();
                let gone = kept.iter().take_while(|(t, _)| *t <= at - DAY_MS).count();
                kept.drain(..gone);
            }
            caps.set_prefix_digits(prefix_digits);
            let soon = || to_come.iter().map(E164::as_str);
            prop_assert_eq!(caps.exceeded(&number, soon, &overall, now), by_hand(&kept, &number, &to_come, &overall, now));
            prop_assert_eq!(caps.by_number.values().map(VecDeque::len).sum::<usize>(), caps.dials.len());
            prop_assert_eq!(caps.by_prefix.values().map(VecDeque::len).sum::<usize>(), caps.dials.len());
        }
    }

    #[test]
    fn more_dials_than_are_kept_push_out_the_oldest() {
        let mut caps = Caps::new(Vec::new(), 6);
        let number = |n: usize| E164::new(&format!("+1202555{:04}", n % 10_000)).unwrap();
        for n in 0..MAX_DIALS + 10 {
            caps.count(Millis::try_from(n).unwrap(), &number(n));
        }
        assert_eq!((caps.dials.len(), caps.dials[0].0), (MAX_DIALS, 10));
        assert_eq!(caps.by_prefix.values().map(VecDeque::len).collect::<Vec<_>>(), [MAX_DIALS]);
    }
}
