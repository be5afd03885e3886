//! Hands the engine's records to the store's thread, and keeps them until they are on the disk.

use callbackd_core::ami::event::Millis;
use callbackd_core::model::Record;
use crate::store::{Ack, Batch, Health, Refused, Stopped, Writer};
use std::collections::VecDeque;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

/// Records that may wait for room in the writer's queue: at 100 calls a second, some minutes of a database that cannot be written. Beyond
/// it the oldest are given up, counted and said.
pub const MAX_WAITING: usize = 100_000;

/// The daemon's side of the store.
#[derive(Debug)]
pub struct Recorder {
    writer: Writer,
    next_seq: u64,
    waiting: VecDeque<Record>,
    sent: VecDeque<(u64, Vec<Record>)>,
    lost: u64,
    pushed: u64,
    settled: u64,
    /// The writer had no room, and has answered for nothing since.
    full: bool,
}

/// What has become durable, or never will.
#[derive(Debug)]
pub struct Settled {
    /// On the disk.
    pub stored: Vec<Record>,
    /// Refused by the database for their own sake, and why.
    pub refused: Vec<(Record, String)>,
}

impl Recorder {
    /// Records go to this writer.
    #[must_use]
    pub fn new(writer: Writer) -> Self {
        Self {
            writer,
            next_seq: 1,
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
            lost: 0,
            pushed: 0,
            settled: 0,
            full: false,
        }
    }

    /// Takes a record; it goes out with the next [`Recorder::send`]. Returned is the one that is given up for it, if there is no room.
    pub fn push(&mut self, record: Record) -> Option<Record> {
        self.pushed += 1;
        self.waiting.push_back(record);
        if self.waiting.len() <= MAX_WAITING {
            return None;
        }
        self.lost += 1;
        self.settled += 1;
        self.waiting.pop_front()
    }

    /// How many records have been taken.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// How many of them have come to their end; they do so in the order in which they were taken.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// Hands everything that waits to the writer as one batch, if its queue has room. Never blocks.
    pub fn send(&mut self) {
        // A full queue has room again when the writer has answered: to copy all that waits with every event would keep the links waiting.
        if self.waiting.is_empty() || self.full {
            return;
        }
        let records: Vec<Record> = self.waiting.drain(..).collect();
        let batch = Batch { seq: self.next_seq, records: records.clone() };
        match self.writer.try_send(batch) {
            Ok(()) => {
                self.sent.push_back((self.next_seq, records));
                self.next_seq += 1;
            }
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                self.waiting.extend(batch.records);
                self.full = true;
            }
        }
    }

    /// Has rows removed that ended before this moment, ms since 1970 UTC; if the writer is busy, an hour later.
    pub fn prune(&self, before_ms: Millis) {
        self.writer.prune(before_ms);
    }

    /// The writer has answered for a batch.
    pub fn acknowledged(&mut self, ack: Ack) -> Settled {
        let (seq, mut faults): (u64, Vec<Refused>) = match ack {
            Ack::Committed { seq } => (seq, Vec::new()),
            Ack::Failed { seq, refused } => (seq, refused),
        };
        self.full = false;
        let mut settled = Settled { stored: Vec::new(), refused: Vec::new() };
        while self.sent.front().is_some_and(|(first, _)| *first <= seq) {
            let Some((_, records)) = self.sent.pop_front() else { break };
            self.settled += records.len() as u64;
            for (index, record) in records.into_iter().enumerate() {
                match faults.iter().position(|f| f.index == index) {
                    Some(fault) => settled.refused.push((record, faults.swap_remove(fault).error)),
                    None => settled.stored.push(record),
                }
            }
        }
        settled
    }

    /// Records that are not on the disk yet.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.waiting.len() + self.sent.iter().map(|(_, records)| records.len()).sum::<usize>()
    }

    /// Records given up because of [`MAX_WAITING`], since this was last asked.
    #[must_use = "a loss that nobody tells is a lie"]
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// What the writer is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.writer.health()
    }

    /// Commits what is left and ends the thread.
    pub fn stop(mut self, patience: Duration) -> Stopped {
        self.send();
        let mut stopped = self.writer.stop(patience);
        if !self.waiting.is_empty() {
            stopped.unwritten.push(Batch { seq: self.next_seq, records: self.waiting.into() });
        }
        stopped
    }
}
