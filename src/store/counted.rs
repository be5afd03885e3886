//! What the writer has counted of what it committed: figures that only grow.

use super::Store;
use crate::report::Thresholds;
use callbackd_core::model::tally::{Histogram, Tally};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Ends of the intervals in which commits are counted, µs.
const COMMITS_US: [i64; 10] = [500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// What was counted since the writer was started.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// Of calls, callbacks, attempts and gaps.
    pub(crate) tally: Tally,
    /// From the first attempt at a transaction until it was on the disk, µs.
    pub(crate) commits: Histogram,
    /// Changes that the feed keeps.
    pub(crate) feed_rows: u64,
    /// Their size, bytes.
    pub(crate) feed_bytes: u64,
}

/// The same, for the writer's thread and who asks it.
#[derive(Debug)]
pub(super) struct SharedCounted(Mutex<Counted>);

impl Default for SharedCounted {
    fn default() -> Self {
        let tally = Tally::new(Thresholds::default().service_level_ms);
        let commits = Histogram::new(COMMITS_US);
        Self(Mutex::new(Counted { tally, commits, feed_rows: 0, feed_bytes: 0 }))
    }
}

impl SharedCounted {
    /// What it is now.
    pub(super) fn now(&self) -> Counted {
        self.counted().clone()
    }

    /// Calls are counted by these thresholds from now on.
    pub(super) fn thresholds(&self, thresholds: &Thresholds) {
        self.counted().tally.service_level(thresholds.service_level_ms);
    }

    /// A transaction of this store was committed; it took so long.
    pub(super) fn committed(&self, store: &mut Store, took: Duration) {
        let (written, fed) = (store.counted(), store.fed());
        let mut counted = self.counted();
        written.iter().for_each(|(kind, record)| counted.tally.count(*kind, record));
        counted.commits.add(i64::try_from(took.as_micros()).unwrap_or(i64::MAX));
        (counted.feed_rows, counted.feed_bytes) = (fed.rows, fed.bytes);
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
