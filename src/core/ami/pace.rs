//! When the lists of channels, queues and devices are asked for again.

/// The lists are asked for again after so many milliseconds: evidence against calls and members whose end was never reported.
pub const SNAPSHOT_EVERY: u64 = 300_000;
/// What was lost or thrown away of the stream has them asked for again, but not sooner than so many milliseconds after they were
/// asked for before: who tears events on purpose shall not keep the daemon and Asterisk busy.
pub const SNAPSHOT_AT_MOST_EVERY: u64 = 5_000;

/// The snapshots of one connection; times are the session's monotonic milliseconds.
#[derive(Debug)]
pub(crate) struct Pace {
    asked_ms: u64,
    /// Something has been missed since they were asked for.
    missed: bool,
}

impl Pace {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self { asked_ms: now_ms, missed: false }
    }

    pub(crate) fn asked(&mut self, now_ms: u64) {
        (self.asked_ms, self.missed) = (now_ms, false);
    }

    pub(crate) fn missed(&mut self) {
        self.missed = true;
    }

    /// When they are asked for again.
    pub(crate) fn due_ms(&self) -> u64 {
        self.asked_ms + if self.missed { SNAPSHOT_AT_MOST_EVERY } else { SNAPSHOT_EVERY }
    }
}
