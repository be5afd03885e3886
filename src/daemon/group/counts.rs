//! What is counted of the group.

use super::super::failing::Failing;
use crate::api::counters::GroupCounters;
use crate::config::Group;
use callbackd_core::millis::Millis;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

/// Written by the worker, read by whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(super) granted: AtomicU64,
    pub(super) taken: AtomicU64,
    pub(super) served: AtomicU64,
    pub(super) lost: AtomicU64,
    errors: AtomicU64,
    pub(super) refused: AtomicU64,
    reached: AtomicBool,
    failing: Failing,
    pub(super) again: Notify,
}

impl Counts {
    pub(crate) fn snapshot(&self, group: &Group) -> GroupCounters {
        let Self { granted, taken, served, lost, errors, refused, reached, failing, again: _ } = self;
        GroupCounters {
            name: group.name.clone(),
            alone: group.alone.as_str().to_owned(),
            reached: reached.load(Relaxed),
            failing_since_ms: failing.since(),
            granted: granted.load(Relaxed),
            taken: taken.load(Relaxed),
            served: served.load(Relaxed),
            lost: lost.load(Relaxed),
            lapsed: 0, // the links know
            errors: errors.load(Relaxed),
            refused: refused.load(Relaxed),
        }
    }

    /// An attempt failed.
    pub(super) fn failed(&self, now_ms: Millis) {
        self.errors.fetch_add(1, Relaxed);
        self.reached.store(false, Relaxed);
        self.failing.failed(now_ms);
    }

    /// It works. Returns since when it had been failing, if it had.
    pub(super) fn works(&self) -> Option<Millis> {
        self.reached.store(true, Relaxed);
        self.failing.works()
    }
}

/// One more.
pub(super) fn one(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
