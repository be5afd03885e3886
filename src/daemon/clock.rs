//! The clocks: read here and passed into the pure modules as arguments.

use tokio::time::Instant;

use callbackd_core::millis::Millis;
use callbackd_core::model::Moment;

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
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now_ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn at(self, ms: u64) -> Instant {
        self.0 + std::time::Duration::from_millis(ms)
    }
}

/// A machine that was asleep for less is not said to have been.
const A_NAP: u64 = 1_000;
/// What a connection does within so many milliseconds of waking up may be news of the time asleep: that Asterisk closed it long ago.
const DROWSY: u64 = 60_000;

/// Notices that the machine was asleep, of which the monotonic clock knows nothing: a stream that ends then has not been whole since before.
#[derive(Debug)]
pub(super) struct Sleep {
    asleep_ms: u64,
    /// When it woke up, by the monotonic clock, and how long it had slept.
    woke: Option<(u64, u64)>,
}

impl Sleep {
    pub(crate) fn new(asleep_ms: u64) -> Self {
        Self { asleep_ms, woke: None }
    }

    /// Looks at both clocks: how long the machine has been asleep since it was started, and monotonic milliseconds.
    pub(crate) fn look(&mut self, asleep_ms: u64, now_ms: u64) {
        let slept = asleep_ms.saturating_sub(self.asleep_ms);
        if slept >= A_NAP {
            self.asleep_ms = asleep_ms;
            self.woke = Some((now_ms, slept));
        }
    }

    /// How far back events may be missing if the connection ends now, in milliseconds.
    pub(crate) fn unseen(&self, now_ms: u64) -> Option<u64> {
        let (woke_ms, slept) = self.woke?;
        let awake = now_ms.saturating_sub(woke_ms);
        (awake <= DROWSY).then_some(slept + awake)
    }
}

/// How long this machine has been asleep since it was started, milliseconds: `clock_gettime(2)`, `CLOCK_BOOTTIME`.
pub(super) fn asleep_ms() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let ms = |clock| {
        let time = clock_gettime(clock);
        u64::try_from(time.tv_sec * 1_000 + time.tv_nsec / 1_000_000).unwrap_or(0)
    };
    // What passes between the two readings is added, and is gone at the next look: `Sleep::look` bears that.
    let monotonic = ms(ClockId::Monotonic);
    ms(ClockId::Boottime).saturating_sub(monotonic)
}

/// How long ago this machine was started, milliseconds, its sleep included: `clock_gettime(2)`, `CLOCK_BOOTTIME`.
pub(super) fn boot_ms() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::Boottime);
    u64::try_from(time.tv_sec * 1_000 + time.tv_nsec / 1_000_000).unwrap_or(0)
}

/// Both clocks, for the trackers: wall time for records, monotonic time for timers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Monotonic);

impl Clock {
    /// A clock whose monotonic side starts at 0 now.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self(Monotonic::start())
    }

    /// This moment, by both clocks.
    #[must_use]
    pub(crate) fn now(self) -> Moment {
        Moment { wall_ms: wall(), mono_ms: self.0.now_ms() }
    }

    /// The instant at which the monotonic side shows this.
    #[must_use]
    pub(crate) fn instant(self, mono_ms: u64) -> Instant {
        self.0.at(mono_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_ends_soon_after_a_sleep_was_not_seen_since_before_it() {
        let mut sleep = Sleep::new(5_000);
        sleep.look(5_000, 100);
        sleep.look(5_400, 200);
        assert_eq!(sleep.unseen(200), None, "the two clocks are not read at the same moment");
        sleep.look(7_205_000, 300);
        assert_eq!(sleep.unseen(300), Some(7_200_000));
        sleep.look(7_205_000, 15_300);
        assert_eq!(sleep.unseen(15_300), Some(7_215_000));
        sleep.look(7_205_000, 60_301);
        assert_eq!(sleep.unseen(60_301), None, "it has shown that it lives");
    }

    #[test]
    fn a_machine_that_is_awake_does_not_sleep() {
        let before = asleep_ms();
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(asleep_ms().saturating_sub(before) < 20, "what passes awake is no sleep");
    }
}
