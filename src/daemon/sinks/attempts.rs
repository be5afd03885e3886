//! How a sink's worker takes what goes wrong: pauses between its attempts, and what is said of them. And what it has noted for the feed.

use super::super::clock::wall;
use super::counts::Counts;
use crate::store::sinks::SinkNote;
use crate::store::{Note, Notes};
use crate::timing::Timing;
use callbackd_core::millis::Millis;
use std::fmt::Display;
use std::time::Duration;

/// So often it is noted for the feed what a sink has taken, ms: what it has taken is kept so much longer.
const NOTE_MS: Millis = 10_000;
/// A sink that goes on failing is spoken of again after this time, ms.
const REMIND_MS: Millis = 3_600_000;
/// The longest pause between attempts, in parts of the first.
const LONGEST: u32 = 60;

/// Pauses between attempts that fail: longer each time, and never the same for all.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    /// Failures in a row.
    failures: u32,
    said_ms: Millis,
}

impl Pauses {
    /// How long to wait after a failure, and whether it is to be said: the first, and one each hour.
    pub(crate) fn failed(&mut self) -> (Duration, bool) {
        let now_ms = wall();
        let first = Timing::get().sink_pause;
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(first * LONGEST);
        self.failures += 1;
        let is_said = now_ms - self.said_ms >= REMIND_MS;
        if is_said {
            self.said_ms = now_ms;
        }
        (pause.mul_f64(0.5 + fastrand::f64() / 2.0), is_said)
    }

    /// It works.
    pub(crate) fn works(&mut self) {
        *self = Self::default();
    }
}

pub(super) struct Attempts {
    sink: String,
    notes: Notes,
    pauses: Pauses,
    noted: (i64, Millis),
}

impl Attempts {
    pub(super) fn new(sink: &str, notes: Notes) -> Self {
        Self { sink: sink.to_owned(), notes, pauses: Pauses::default(), noted: (0, 0) }
    }

    /// Says it once, and again after an hour. Returns how long to wait.
    pub(super) fn failed(&mut self, why: &dyn Display, counts: &Counts) -> Duration {
        counts.failed(wall());
        let (pause, is_said) = self.pauses.failed();
        if is_said {
            tracing::warn!(target: "sink", sink = %self.sink, err = %why, "Sink is failing, changes wait");
        }
        pause
    }

    pub(super) fn works(&mut self, counts: &Counts) {
        self.pauses.works();
        if let Some(since_ms) = counts.works() {
            let failing_s = (wall() - since_ms) / 1_000;
            tracing::info!(target: "sink", sink = %self.sink, failing_s, "Sink works again");
        }
    }

    /// Has it noted what need not be kept for it. If the writer is busy, it is said with the next batch.
    pub(super) fn note(&mut self, taken: i64) {
        let now_ms = wall();
        if taken > self.noted.0 && now_ms - self.noted.1 >= NOTE_MS {
            let note = SinkNote::Passed(self.sink.clone(), taken, now_ms);
            if self.notes.send(Note::Sink(note)).is_ok() {
                self.noted = (taken, now_ms);
            }
        }
    }
}
