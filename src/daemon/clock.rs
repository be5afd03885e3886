//! The clocks: read here and passed into the pure rooms as arguments.

use tokio::time::Instant;

use crate::ami::event::Millis;
use crate::engine::Moment;

/// Milliseconds since 1970 UTC, as this machine believes.
pub(super) fn wall() -> Millis {
    #[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
    let now = jiff::Timestamp::now();
    now.as_millisecond()
}

/// The monotonic milliseconds that a session is driven with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Monotonic(Instant);

impl Monotonic {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub fn at(self, ms: u64) -> Instant {
        self.0 + std::time::Duration::from_millis(ms)
    }
}

/// Both clocks, for the engines: wall time for records, monotonic time for timers.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Monotonic);

impl Clock {
    /// A clock whose monotonic side starts at 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self(Monotonic::start())
    }

    /// This moment, by both clocks.
    #[must_use]
    pub fn now(self) -> Moment {
        Moment { wall_ms: wall(), mono_ms: self.0.now_ms() }
    }

    /// The instant at which the monotonic side shows this.
    #[must_use]
    pub fn instant(self, mono_ms: u64) -> Instant {
        self.0.at(mono_ms)
    }
}
