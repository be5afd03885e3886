//! What the database needs every hour: old rows removed, and SQLite's figures of its tables kept.

use callbackd_core::millis::Millis;
use callbackd_core::model::Moment;
use std::time::Duration;

/// From one upkeep to the next, ms. The first is at the start.
const EVERY_MS: u64 = 3_600_000;

/// The time of the next upkeep.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    due_ms: u64,
}

/// An upkeep that is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    /// What ended before this moment (ms since 1970 UTC) is to be removed; `None` if everything is kept.
    pub(crate) prune_before_ms: Option<Millis>,
}

impl Upkeep {
    /// When to ask again, by the monotonic clock.
    #[must_use]
    pub(crate) fn deadline(&self) -> u64 {
        self.due_ms
    }

    /// What is to be done now; `None` if it is not time yet.
    pub(crate) fn due(&mut self, keep: Option<Duration>, now: Moment) -> Option<Due> {
        if now.mono_ms < self.due_ms {
            return None;
        }
        self.due_ms = now.mono_ms + EVERY_MS;
        let keep_ms = keep.and_then(|keep| Millis::try_from(keep.as_millis()).ok());
        Some(Due { prune_before_ms: keep_ms.map(|keep_ms| now.wall_ms - keep_ms) })
    }
}
