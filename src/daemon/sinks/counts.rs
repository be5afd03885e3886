//! What is counted of a sink.

use super::super::failing::Failing;
use crate::api::counters::SinkCounters;
use callbackd_core::millis::Millis;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

/// Written by its worker, read by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    rows: AtomicU64,
    batches: AtomicU64,
    errors: AtomicU64,
    walks: AtomicU64,
    too_large: AtomicU64,
    /// The last change that is there; -1 until that is known.
    passed: AtomicI64,
    /// Nothing was missing there then, ms since 1970 UTC; 0 if that is not known.
    whole_ms: AtomicI64,
    failing: Failing,
    walking: AtomicBool,
    known: AtomicBool,
    again: Notify,
}

impl Counts {
    /// `newest`: the newest change.
    pub(crate) fn snapshot(&self, newest: i64, now_ms: Millis) -> SinkCounters {
        let known = self.known.load(Relaxed);
        let behind = if known { (newest - self.passed.load(Relaxed)).max(0).unsigned_abs() } else { 0 };
        let walking = self.walking.load(Relaxed);
        let failing_since_ms = self.failing.since();
        let whole_ms = self.whole_ms.load(Relaxed);
        let is_whole = known && behind == 0 && !walking && failing_since_ms.is_none();
        SinkCounters {
            rows: self.rows.load(Relaxed),
            batches: self.batches.load(Relaxed),
            errors: self.errors.load(Relaxed),
            walks: self.walks.load(Relaxed),
            too_large: self.too_large.load(Relaxed),
            behind,
            lag_ms: if is_whole || whole_ms == 0 { 0 } else { (now_ms - whole_ms).max(0).unsigned_abs() },
            walking,
            failing_since_ms,
        }
    }

    /// A batch is there, and all changes up to this one.
    pub(super) fn written(&self, rows: u64, passed: i64, walking: bool) {
        self.rows.fetch_add(rows, Relaxed);
        self.batches.fetch_add(1, Relaxed);
        self.stands(passed, walking);
    }

    /// It has come so far.
    pub(super) fn stands(&self, passed: i64, walking: bool) {
        self.passed.store(passed, Relaxed);
        self.known.store(true, Relaxed);
        self.walking.store(walking, Relaxed);
    }

    /// All tables are read anew.
    pub(super) fn walks(&self) {
        self.walks.fetch_add(1, Relaxed);
    }

    /// Something went without its rows.
    pub(super) fn too_large(&self) {
        self.too_large.fetch_add(1, Relaxed);
    }

    /// Nothing is missing there at this moment.
    pub(super) fn whole(&self, now_ms: Millis) {
        self.whole_ms.store(now_ms, Relaxed);
    }

    /// An attempt failed. Returns since when it has been failing, ms since 1970 UTC.
    pub(super) fn failed(&self, now_ms: Millis) -> Millis {
        self.errors.fetch_add(1, Relaxed);
        // The lag counts from when the daemon began, where nothing has been written yet.
        let _ = self.whole_ms.compare_exchange(0, now_ms, Relaxed, Relaxed);
        self.failing.failed(now_ms)
    }

    /// It works. Returns since when it had been failing, if it had.
    pub(super) fn works(&self) -> Option<Millis> {
        self.failing.works()
    }

    /// A pause between attempts is to end.
    pub(super) fn look_again(&self) {
        self.again.notify_one();
    }

    /// Until that is said.
    pub(super) async fn said_again(&self) {
        self.again.notified().await;
    }
}
