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

    /// The clocks have run on together to this moment of the wall clock, ms since 1970 UTC; they never run back.
    #[must_use]
    pub fn run_to(self, wall_ms: Millis) -> Self {
        let passed = u64::try_from(wall_ms - self.wall_ms).unwrap_or(0);
        Self { wall_ms: self.wall_ms.max(wall_ms), mono_ms: self.mono_ms + passed }
    }

    /// The moment at which somebody is woken who asked for it by the monotonic clock, if that is not behind `end`.
    #[must_use]
    pub fn woken(self, deadline: Option<u64>, end: Self) -> Option<Self> {
        let step = deadline.filter(|due| *due <= end.mono_ms)?.saturating_sub(self.mono_ms);
        Some(Self { wall_ms: self.wall_ms.saturating_add_unsigned(step), mono_ms: self.mono_ms + step })
    }
}
