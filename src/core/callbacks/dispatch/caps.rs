//! How often customers may be dialled in a day: caps per number, per prefix and in all, so that no fault and no fraud can cost much.

use crate::ami::event::Millis;
use crate::callbacks::policy::Overall;
use crate::model::E164;
use std::collections::VecDeque;

/// What counts as a day, ms.
const DAY_MS: Millis = 86_400_000;
/// Dials kept; the oldest go first. Total caps above this have no effect.
pub(crate) const MAX_DIALS: usize = 100_000;

/// The dials of the last day, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Caps {
    dials: VecDeque<(Millis, E164)>,
}

impl Caps {
    /// Of earlier runs.
    pub(crate) fn new(mut dialled: Vec<(Millis, E164)>) -> Self {
        dialled.sort();
        Self { dials: dialled.into() }
    }

    /// A customer is dialled.
    pub(crate) fn count(&mut self, at: Millis, number: &E164) {
        self.dials.push_back((at, number.clone()));
        while self.dials.len() > MAX_DIALS || self.dials.front().is_some_and(|(t, _)| *t <= at - DAY_MS) {
            self.dials.pop_front();
        }
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
        let done = || self.dials.iter().map(|(t, n)| (*t, n.as_str())).filter(|(t, _)| *t > now - DAY_MS);
        let today = || done().chain(to_come().map(|n| (now, n)));
        let prefix: String = number.chars().take(usize::from(caps.prefix_digits) + 1).collect();
        let over = |cap: u32, fits: &dyn Fn(&str) -> bool| {
            let times: Vec<Millis> = today().filter(|(_, n)| fits(n)).map(|(t, _)| t).collect();
            let cap = cap as usize;
            (times.len() >= cap).then(|| times.get(times.len() - cap).map_or(now + DAY_MS, |t| t + DAY_MS))
        };
        if let Some(free) = over(caps.daily, &|_| true) {
            return Some((free, "in all"));
        }
        if let Some(free) = over(caps.daily_per_prefix, &|n| n.starts_with(&prefix)) {
            return Some((free, "of this prefix"));
        }
        over(caps.daily_per_number, &|n| n == number).map(|free| (free, "of this number"))
    }
}
