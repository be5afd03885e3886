//! Since when something has been failing.

use callbackd_core::millis::Millis;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// Written by a worker, read by whoever asks.
#[derive(Debug, Default)]
pub(super) struct Failing(AtomicI64);

impl Failing {
    /// An attempt failed. Returns since when it has been failing, ms since 1970 UTC: that stays what it was.
    pub(super) fn failed(&self, now_ms: Millis) -> Millis {
        self.0.compare_exchange(0, now_ms, Relaxed, Relaxed).map_or_else(|since_ms| since_ms, |_| now_ms)
    }

    /// It works. Returns since when it had been failing, if it had.
    pub(super) fn works(&self) -> Option<Millis> {
        Some(self.0.swap(0, Relaxed)).filter(|ms| *ms != 0)
    }

    /// Since when, if it is.
    pub(super) fn since(&self) -> Option<Millis> {
        Some(self.0.load(Relaxed)).filter(|ms| *ms != 0)
    }
}
