//! A moment, by both clocks.

use crate::millis::Millis;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970 UTC: goes into records.
    pub wall_ms: Millis,
    /// Milliseconds since an arbitrary start, never running backwards: drives timers.
    pub mono_ms: u64,
}

impl Moment {
    /// The moment of the monotonic clock that is as far from this one as this moment of the wall clock, which may be past.
    #[must_use]
    pub(crate) const fn mono_of(self, wall_ms: Millis) -> u64 {
        self.mono_ms.saturating_add_signed(wall_ms.saturating_sub(self.wall_ms))
    }
}
