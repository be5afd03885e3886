//! When old rows are removed: at the start, then every hour.

use callbackd_core::ami::event::Millis;
use callbackd_core::model::Moment;
use std::time::Duration;

/// From one pruning to the next, ms.
const EVERY_MS: u64 = 3_600_000;

/// The time of the next pruning.
#[derive(Debug, Default)]
pub struct Upkeep {
    due_ms: u64,
}

impl Upkeep {
    /// When to ask again, by the monotonic clock; never if everything is kept.
    #[must_use]
    pub fn deadline(&self, keep: Option<Duration>) -> Option<u64> {
        keep.map(|_| self.due_ms)
    }

    /// What ended before this moment (ms since 1970 UTC) is to be removed now; `None` if it is not time yet.
    pub fn due(&mut self, keep: Option<Duration>, now: Moment) -> Option<Millis> {
        let keep_ms = Millis::try_from(keep?.as_millis()).ok()?;
        if now.mono_ms < self.due_ms {
            return None;
        }
        self.due_ms = now.mono_ms + EVERY_MS;
        Some(now.wall_ms - keep_ms)
    }
}
