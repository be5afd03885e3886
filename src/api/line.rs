//! A connection: how long it may last, and whether the other end still reads.

use crate::timing::Timing;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Nothing that is asked here takes longer, body and answer included, unless it is a stream.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// What the connection and the stream on it tell each other.
#[derive(Debug, Default)]
pub(crate) struct Line {
    streams: AtomicBool,
    /// Since when a piece of an answer waits to be written.
    unwritten: Mutex<Option<Instant>>,
}

impl Line {
    /// A stream has begun: it may last for ever, as long as it is read.
    pub(crate) fn streams(&self) {
        self.streams.store(true, Relaxed);
    }

    /// A piece is ready: it goes out as soon as there is room.
    pub(crate) fn ready(&self) {
        *self.unwritten() = Some(Instant::now());
    }

    /// The next piece is asked for: there was room for the last.
    pub(crate) fn asked(&self) {
        *self.unwritten() = None;
    }

    fn unwritten(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the connection has lasted for too long, or the other end has read nothing for too long.
    pub(crate) async fn over(&self) {
        let patience = Timing::get().unread;
        let begun = Instant::now();
        loop {
            let unwritten = *self.unwritten();
            let mut until = unwritten.map_or_else(|| Instant::now() + patience, |since| since + patience);
            if !self.streams.load(Relaxed) {
                let most = begun + CONNECTION_TIMEOUT;
                until = if unwritten.is_some() { until.min(most) } else { most };
            }
            if until <= Instant::now() {
                return;
            }
            // A stream, or an answer, may begin at any time.
            tokio::time::sleep_until(until.min(Instant::now() + patience)).await;
        }
    }
}
