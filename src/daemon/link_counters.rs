//! What a link counts in its own task, readable from outside at any time.

use callbackd_core::millis::Millis;
use callbackd_core::model::tally::Histogram;
use callbackd_core::order::Gather as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use crate::api::counters::LinkCounters;
use callbackd_core::ami::{self, Refusal, Session};

/// The counters of one link, since it was started, over all its connections. Clones count together; each number is exact, but numbers that
/// were read together may be some events apart.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedCounters(Arc<Cells>);

/// Ends of the intervals in which answers to pings are counted, ms.
const PINGS_MS: [i64; 10] = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000];

#[derive(Debug)]
struct Pings(Mutex<Histogram>);

impl Default for Pings {
    fn default() -> Self {
        Self(Mutex::new(Histogram::new(PINGS_MS)))
    }
}

#[derive(Debug, Default)]
struct Cells {
    connections: AtomicU64,
    logins: AtomicU64,
    losses: AtomicU64,
    bytes: AtomicU64,
    frames: AtomicU64,
    skipped: AtomicU64,
    discarded: [AtomicU64; Refusal::ALL.len()],
    dropped: AtomicU64,
    unknown_responses: AtomicU64,
    lists_cut: AtomicU64,
    unread: AtomicU64,
    requests_refused: AtomicU64,
    last_event_ms: AtomicI64,
    pings: Pings,
}

impl SharedCounters {
    /// A connection was made.
    pub(crate) fn connected(&self) {
        self.0.connections.fetch_add(1, Relaxed);
    }

    /// A session became live for the first time.
    pub(crate) fn went_live(&self) {
        self.0.logins.fetch_add(1, Relaxed);
    }

    /// A connection, or the attempt at one, came to its end without being asked to.
    pub(crate) fn lost(&self) {
        self.0.losses.fetch_add(1, Relaxed);
    }

    /// Something for the consumer was dropped, because it was too slow.
    pub(crate) fn dropped(&self) {
        self.0.dropped.fetch_add(1, Relaxed);
    }

    /// A connection was given up because the other end did not read.
    pub(crate) fn unread(&self) {
        self.0.unread.fetch_add(1, Relaxed);
    }

    /// An action was not sent because too many waited.
    pub(super) fn request_refused(&self) {
        self.0.requests_refused.fetch_add(1, Relaxed);
    }

    /// An event has come, ms since 1970 UTC.
    pub(super) fn event(&self, at_ms: Millis) {
        self.0.last_event_ms.store(at_ms, Relaxed);
    }

    /// A ping was answered.
    pub(super) fn answered(&self, took_ms: u64) {
        let mut pings = self.0.pings.0.lock().unwrap_or_else(PoisonError::into_inner);
        pings.add(i64::try_from(took_ms).unwrap_or(i64::MAX));
    }

    /// How long answers to pings took, ms.
    pub(super) fn pings(&self) -> Histogram {
        self.0.pings.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What they are now.
    pub(crate) fn read(&self) -> LinkCounters {
        let cells = &*self.0;
        let by_reason = |reason: Refusal| (reason.name().to_owned(), cells.discarded[reason as usize].load(Relaxed));
        LinkCounters {
            connections: cells.connections.load(Relaxed),
            logins: cells.logins.load(Relaxed),
            losses: cells.losses.load(Relaxed),
            bytes: cells.bytes.load(Relaxed),
            frames: cells.frames.load(Relaxed),
            skipped: cells.skipped.load(Relaxed),
            discarded: Refusal::ALL.into_iter().map(by_reason).to_map(),
            dropped: cells.dropped.load(Relaxed),
            unknown_responses: cells.unknown_responses.load(Relaxed),
            lists_cut: cells.lists_cut.load(Relaxed),
            unread: cells.unread.load(Relaxed),
            requests_refused: cells.requests_refused.load(Relaxed),
            last_event_ms: Some(cells.last_event_ms.load(Relaxed)).filter(|ms| *ms != 0),
        }
    }
}

/// Adds what one connection has counted, which begins at 0, to the link's counters.
#[derive(Debug)]
pub(super) struct Published {
    counters: SharedCounters,
    decoder: ami::Counters,
    unknown_responses: u64,
    lists_cut: u64,
}

impl Published {
    pub(crate) fn new(counters: SharedCounters) -> Self {
        Self { counters, decoder: ami::Counters::default(), unknown_responses: 0, lists_cut: 0 }
    }

    /// Adds what has come since the last time.
    pub(crate) fn update(&mut self, decoder: ami::Counters, session: &Session) {
        let cells = &*self.counters.0;
        let before = std::mem::replace(&mut self.decoder, decoder);
        cells.bytes.fetch_add(decoder.bytes - before.bytes, Relaxed);
        cells.frames.fetch_add(decoder.frames - before.frames, Relaxed);
        cells.skipped.fetch_add(decoder.skipped - before.skipped, Relaxed);
        if decoder.discarded_total() > before.discarded_total() {
            for reason in Refusal::ALL {
                let more = decoder.discarded(reason) - before.discarded(reason);
                cells.discarded[reason as usize].fetch_add(more, Relaxed);
            }
        }
        let (unknown_responses, lists_cut) = (session.unknown_responses(), session.lists_cut());
        let before = std::mem::replace(&mut self.unknown_responses, unknown_responses);
        cells.unknown_responses.fetch_add(unknown_responses - before, Relaxed);
        let before = std::mem::replace(&mut self.lists_cut, lists_cut);
        cells.lists_cut.fetch_add(lists_cut - before, Relaxed);
    }
}
