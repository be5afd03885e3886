//! A moment, by both clocks.

use crate::ami::event::Millis;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since 1970 UTC: goes into records.
    pub wall_ms: Millis,
    /// Milliseconds since an arbitrary start, never running backwards: drives timers.
    pub mono_ms: u64,
}
