//! The clocks: read here and passed into the pure rooms as arguments.

use tokio::time::Instant;

use crate::ami::event::Millis;

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
