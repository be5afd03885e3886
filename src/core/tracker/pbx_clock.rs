//! Asterisk's clock against ours. The times of a call are Asterisk's, all of one clock and those of its CDR; what is said by our clock (when a
//! gap began) takes the difference into account.

use crate::millis::Millis;
use crate::model::Moment;

/// Clocks that differ by less agree, ms.
pub const RIGHT_WITHIN_MS: Millis = 2_000;
/// A measure is only taken from an answer that came within so many milliseconds: it is wrong by half of them at most.
const TOOK_AT_MOST_MS: u64 = 1_000;
/// An offset that was applied is measured anew, and applied anew if it has changed by so much, ms.
const CHANGED_BY_MS: Millis = 1_000;

/// By how much Asterisk's clock is ahead of ours, ms: it showed `asterisk_ms` somewhere in the `took_ms` before now (`now_ms` by ours).
#[must_use]
pub fn ahead_ms(asterisk_ms: Millis, took_ms: u64, now_ms: Millis) -> Millis {
    let then = now_ms.saturating_sub(i64::try_from(took_ms / 2).unwrap_or(0));
    asterisk_ms.saturating_sub(then)
}

/// What is known of the clock of one PBX.
#[derive(Debug, Default)]
pub(crate) struct PbxClock {
    /// By how much it is ahead of ours, ms; 0 while it is right.
    ahead_ms: Millis,
}

impl PbxClock {
    /// Asterisk's clock showed this, somewhere in the `took_ms` before now. Returns whether its stamps count differently from now on.
    pub(crate) fn shows(&mut self, asterisk_ms: Millis, took_ms: u64, now: Moment) -> bool {
        if took_ms > TOOK_AT_MOST_MS {
            return false;
        }
        let ahead = ahead_ms(asterisk_ms, took_ms, now.wall_ms);
        let wanted = if ahead.saturating_abs() >= RIGHT_WITHIN_MS { ahead } else { 0 };
        let changed =
            (wanted == 0) != (self.ahead_ms == 0) || wanted.abs_diff(self.ahead_ms) >= CHANGED_BY_MS.unsigned_abs();
        if changed {
            self.ahead_ms = wanted;
        }
        changed
    }

    /// A stamp of Asterisk's by our clock.
    pub(crate) fn ours(&self, stamp_ms: Millis) -> Millis {
        stamp_ms.saturating_sub(self.ahead_ms)
    }

    /// By how much Asterisk's clock is ahead of ours, ms; 0 while it is right.
    pub(crate) fn ahead_ms(&self) -> Millis {
        self.ahead_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall_ms: Millis) -> Moment {
        Moment { wall_ms, mono_ms: 0 }
    }

    #[test]
    fn a_clock_that_is_off_is_reported_once_and_its_stamps_become_ours() {
        let mut clock = PbxClock::default();
        let now = 1_800_000_000_000;
        assert!(!clock.shows(now - 1_500, 10, at(now)), "within what is right");
        assert_eq!(clock.ours(now), now);
        let hour = 3_600_000;
        assert!(clock.shows(now - 5 * hour, 10, at(now + 5)));
        assert!(!clock.shows(now - 5 * hour + 300, 10, at(now + 5)), "the same");
        assert_eq!((clock.ours(now - 5 * hour), clock.ahead_ms()), (now, -5 * hour));
        assert!(!clock.shows(now, 5_000, at(now)), "an answer that took long measures nothing");
        assert!(clock.shows(now + 3_000, 10, at(now + 5)));
        assert_eq!(clock.ahead_ms(), 3_000);
        assert!(clock.shows(now, 10, at(now + 5)), "it was set right");
        assert_eq!((clock.ours(now), clock.ahead_ms()), (now, 0));
        assert!(clock.shows(i64::MIN, 0, at(now)) && clock.shows(i64::MAX, 0, at(0)));
    }
}
