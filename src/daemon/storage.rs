//! The database as the loop sees it: records on their way to the disk, what became of them, and the hourly upkeep.

use super::event_log;
use super::recorder::{self, Recorder, Settled};
use super::upkeep::Upkeep;
use crate::api::counters::StoreCounters;
use crate::config::{Config, ShowNumbers};
use crate::store::tokens::TokenChange;
use crate::store::{self, Ack, Calendar, Counted, FeedRules, Health, Notes, Store, Writer};
use crate::timing::Timing;
use callbackd_core::model::{Moment, PbxId, Record};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The way of records to the disk.
#[derive(Debug)]
pub(crate) struct Storage {
    recorder: Recorder,
    acks: mpsc::Receiver<Ack>,
    upkeep: Upkeep,
    /// Calls stored since the start, by PBX.
    calls: BTreeMap<PbxId, u64>,
}

/// What `[feed]` means to the store.
pub(crate) fn feed_rules(config: &Config) -> FeedRules {
    let feed = &config.feed;
    FeedRules {
        in_progress: feed.in_progress,
        // A sink has a copy of what agents did.
        agents: feed.agents || !config.sinks.is_empty(),
        late: false,
        keep: feed.keep.unwrap_or(Duration::MAX),
        max_rows: feed.max_rows.into(),
        max_bytes: u64::from(feed.max_mib) << 20,
    }
}

impl Storage {
    /// Records go to this database, on a thread of its own.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn new(store: Store) -> Result<Self, store::Error> {
        let (acknowledge, acks) = recorder::acks();
        let recorder = Recorder::new(Writer::spawn(store, acknowledge)?);
        Ok(Self { recorder, acks, upkeep: Upkeep::default(), calls: BTreeMap::new() })
    }

    /// Has changes recorded as the configuration says. If the writer is busy, the next reload does.
    pub(crate) fn record_changes(&self, config: &Config) {
        if !self.recorder.record_changes(feed_rules(config)) {
            tracing::warn!(target: "store", "The database is busy; the new [feed] is not in use: reload again");
        }
    }

    /// Has a token made or withdrawn.
    pub(crate) fn token(&self, change: TokenChange, reply: oneshot::Sender<Result<bool, String>>) {
        self.recorder.token(change, reply);
    }

    /// The way of notes to the writer, for who works beside the loop.
    pub(crate) fn notes(&self) -> Notes {
        self.recorder.notes()
    }

    /// The newest change that is on the disk.
    pub(crate) fn newest_change(&self) -> watch::Receiver<i64> {
        self.recorder.newest_change()
    }

    /// Takes a record; it goes out with the next [`Storage::send`]. Returned is the one that is given up for it, if there is no room.
    pub(crate) fn push(&mut self, record: Record) -> Option<Record> {
        self.recorder.push(record)
    }

    /// Hands everything that waits to the writer, and says what was lost.
    pub(crate) fn send(&mut self) {
        let records = self.recorder.take_lost();
        if records > 0 {
            tracing::error!(target: "store", records, "The database could not be written for too long, the oldest waiting records are lost");
        }
        self.recorder.send();
    }

    /// The writer's next answer. None is lost if it is not waited for to the end.
    pub(crate) async fn ack(&mut self) -> Option<Ack> {
        self.acks.recv().await
    }

    /// What has become durable, or never will, by an answer of the writer.
    pub(crate) fn acknowledged(&mut self, ack: Ack) -> Settled {
        let settled = self.recorder.acknowledged(ack);
        for record in &settled.stored {
            if let Record::Call(call) = record {
                *self.calls.entry(call.pbx.clone()).or_default() += 1;
            }
        }
        settled
    }

    /// How many records have been taken.
    pub(crate) fn pushed(&self) -> u64 {
        self.recorder.pushed()
    }

    /// How many of them have come to their end; they do so in the order in which they were taken.
    pub(crate) fn settled(&self) -> u64 {
        self.recorder.settled()
    }

    /// Records that are not on the disk yet.
    pub(crate) fn unsaved(&self) -> usize {
        self.recorder.unsaved()
    }

    /// Calls stored since the start.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Those of one PBX.
    pub(crate) fn calls_of(&self, pbx: &PbxId) -> u64 {
        self.calls.get(pbx).copied().unwrap_or_default()
    }

    /// What the writer is doing.
    pub(crate) fn health(&self) -> Health {
        self.recorder.health()
    }

    /// What has been counted since the start.
    pub(crate) fn counters(&self) -> StoreCounters {
        StoreCounters::new(self.recorder.counters(), self.recorder.given_up())
    }

    /// What has been counted of what is on the disk.
    pub(crate) fn counted(&self) -> Counted {
        self.recorder.counted()
    }

    /// When to come back with [`Storage::keep_up`], by the monotonic clock.
    pub(crate) fn deadline(&self) -> u64 {
        self.upkeep.deadline()
    }

    /// Has old rows removed, and the calendar kept, if it is time to.
    pub(crate) fn keep_up(&mut self, config: &Config, now: Moment) {
        if let Some(due) = self.upkeep.due(config.store.keep, now) {
            let (thresholds, codes) = (config.report.clone(), config.shared.codes.clone());
            self.recorder.optimize(Calendar { thresholds, codes, zone: config.zone(), now_ms: now.wall_ms });
            if let Some(before_ms) = due.prune_before_ms {
                self.recorder.prune(before_ms);
            }
        }
    }

    /// Has it done with the next [`Storage::keep_up`]: the configuration has changed.
    pub(crate) fn keep_up_soon(&mut self) {
        self.upkeep = Upkeep::default();
    }

    /// Waits for the next answer of the writer while records wait for the disk. `None` when there are none, or it takes too long.
    pub(crate) async fn next_of_the_last(&mut self, give_up: tokio::time::Instant) -> Option<Ack> {
        if self.recorder.unsaved() == 0 {
            return None;
        }
        self.recorder.send();
        tokio::time::timeout_at(give_up, self.acks.recv()).await.ok().flatten()
    }

    /// When a daemon that stops gives up, if it stops now.
    pub(crate) fn give_up() -> tokio::time::Instant {
        tokio::time::Instant::now() + Timing::get().stop
    }

    /// Ends the writer, and says what it could not write.
    pub(crate) async fn stop(self, numbers: ShowNumbers) {
        let recorder = self.recorder;
        let stopped = tokio::task::spawn_blocking(move || recorder.stop(Duration::ZERO)).await;
        match stopped {
            Ok(stopped) if stopped.unwritten.is_empty() => tracing::info!(target: "daemon", "callbackd has stopped"),
            Ok(stopped) => {
                let unwritten = || stopped.unwritten.iter().flat_map(|batch| &batch.records);
                unwritten().for_each(|record| event_log::unwritten(record, numbers));
                let records = unwritten().count();
                // Of all PBXs: the calls and callbacks among them have lines of their own.
                tracing::error!(target: "store", records, "Stopped with records that could not be written, they are lost");
            }
            Err(err) => tracing::error!(target: "store", %err, "Store thread panicked"),
        }
    }
}
