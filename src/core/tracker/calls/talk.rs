//! Talk and hold time: a stopwatch that two parties share.

use crate::millis::Millis;

/// Asterisk counts talks in whole seconds: one that was seen to begin by so much before has not begun twice, ms.
const WHOLE_SECOND_MS: Millis = 1_000;

/// What two parties do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Talking {
    /// Not connected.
    #[default]
    No,
    /// They can hear each other.
    Yes,
    /// Connected, one of them on hold (or parked).
    Held,
}

/// Adds up talk and hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    state: Talking,
    since: Millis,
    /// Milliseconds of talk in the intervals that are over.
    pub talk_ms: Millis,
    /// Milliseconds of hold in the intervals that are over.
    pub hold_ms: Millis,
    /// First time that they could hear each other.
    pub first_ms: Option<Millis>,
    /// Latest time that a connection began.
    pub last_start_ms: Option<Millis>,
    /// Latest time that a connection ended.
    pub last_end_ms: Option<Millis>,
}

impl Clock {
    /// What they do now.
    #[must_use]
    pub(crate) fn state(&self) -> Talking {
        self.state
    }

    /// They do this from now on. A time before the latest change counts as no time at all.
    pub(crate) fn set(&mut self, state: Talking, at: Millis) {
        if state == self.state {
            return;
        }
        let spent = (at - self.since).max(0);
        match self.state {
            Talking::No => {
                self.last_start_ms = Some(at);
            }
            Talking::Yes => self.talk_ms += spent,
            Talking::Held => self.hold_ms += spent,
        }
        if state == Talking::No {
            self.last_end_ms = Some(at);
        } else if self.first_ms.is_none() {
            self.first_ms = Some(at);
        }
        self.state = state;
        self.since = at;
    }

    /// They had been connected since `from`, unseen; and until `to`, if nothing was seen of it at all. The unseen part counts as talk.
    pub(crate) fn had_begun(&mut self, from: Millis, to: Millis) {
        let Some(first) = self.first_ms else {
            self.set(Talking::Yes, from);
            return self.set(Talking::No, to);
        };
        // After an earlier talk: what was seen of this one, if anything was, is its latest interval.
        let this = |start: Millis| start + WHOLE_SECOND_MS >= from;
        let seen = if this(first) { first } else { self.last_start_ms.filter(|start| this(*start)).unwrap_or(to) };
        self.talk_ms += (seen - from).max(0);
        self.first_ms = Some(first.min(from));
        self.last_start_ms = self.last_start_ms.max(Some(from));
        self.last_end_ms = self.last_end_ms.max(Some(to));
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Talking};

    #[test]
    fn hold_is_not_talk() {
        let mut clock = Clock::default();
        clock.set(Talking::Yes, 1_000);
        clock.set(Talking::Held, 4_000);
        clock.set(Talking::Yes, 9_000);
        clock.set(Talking::No, 10_000);
        assert_eq!((clock.talk_ms, clock.hold_ms), (4_000, 5_000));
        assert_eq!((clock.first_ms, clock.last_start_ms, clock.last_end_ms), (Some(1_000), Some(1_000), Some(10_000)));
    }

    #[test]
    fn a_clock_that_runs_backwards_makes_no_negative_time() {
        let mut clock = Clock::default();
        clock.set(Talking::Yes, 5_000);
        clock.set(Talking::No, 4_000);
        assert_eq!(clock.talk_ms, 0);
    }
}
