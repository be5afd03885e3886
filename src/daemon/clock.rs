//! The shell's clocks: the only place where the daemon asks what time it is.

use crate::engine::Moment;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall clock for records, monotonic clock for timers.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

#[allow(clippy::disallowed_methods, reason = "this is the door through which time comes in")]
impl Clock {
    /// A clock whose monotonic side starts at 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// This moment, by both clocks.
    #[must_use]
    pub fn now(&self) -> Moment {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            wall_ms: i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX),
            mono_ms: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// The instant at which the monotonic side shows this.
    #[must_use]
    pub fn instant(&self, mono_ms: u64) -> tokio::time::Instant {
        (self.start + Duration::from_millis(mono_ms)).into()
    }
}
