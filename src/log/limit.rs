//! What a stranger can provoke is said at most once in a while, with the number of times it was kept quiet.

use callbackd_core::millis::Millis;
use std::collections::BTreeMap;

/// The log's pace for each kind of line.
#[derive(Debug)]
pub struct RateLimit {
    every_ms: Millis,
    said: BTreeMap<&'static str, Said>,
}

#[derive(Debug)]
struct Said {
    at_ms: Millis,
    suppressed: u64,
}

impl Default for RateLimit {
    /// Once in 10 s.
    fn default() -> Self {
        Self::new(10_000)
    }
}

impl RateLimit {
    /// At most one line of a kind in `every_ms`.
    #[must_use]
    pub(crate) fn new(every_ms: Millis) -> Self {
        Self { every_ms, said: BTreeMap::new() }
    }

    /// `Some(n)`: say it, with `suppressed=n` lines of this kind kept quiet since the last one. `None`: keep quiet.
    ///
    /// The kinds are names in the program's text, so their number is bounded. A clock that was set back ends the silence.
    #[must_use]
    pub fn allow(&mut self, kind: &'static str, now_ms: Millis) -> Option<u64> {
        let every_ms = self.every_ms;
        match self.said.get_mut(kind) {
            None => {
                self.said.insert(kind, Said { at_ms: now_ms, suppressed: 0 });
                Some(0)
            }
            Some(said) if (said.at_ms..said.at_ms.saturating_add(every_ms)).contains(&now_ms) => {
                said.suppressed += 1;
                None
            }
            Some(said) => {
                said.at_ms = now_ms;
                Some(std::mem::take(&mut said.suppressed))
            }
        }
    }

    /// The kinds that were kept quiet and whose silence is over, with how often: to be said once, so that the end of a burst is not lost.
    pub fn overdue(&mut self, now_ms: Millis) -> Vec<(&'static str, u64)> {
        let every_ms = self.every_ms;
        let over = self.said.iter_mut().filter(|(_, said)| {
            said.suppressed > 0 && !(said.at_ms..said.at_ms.saturating_add(every_ms)).contains(&now_ms)
        });
        over.map(|(kind, said)| {
            said.at_ms = now_ms;
            (*kind, std::mem::take(&mut said.suppressed))
        })
        .collect()
    }
}
