//! Hands the trackers' records to the store's thread, and keeps them until they are on the disk.

use crate::store::tokens::TokenChange;
use crate::store::{
    Ack, Batch, Calendar, Counted, Counters, DRAIN_BATCHES, FeedRules, Health, Notes, QUEUE_BATCHES, Refused, Stopped,
    Writer,
};
use callbackd_core::ami::budget::UNSAVED_BYTES;
use callbackd_core::millis::Millis;
use callbackd_core::model::Record;
use std::collections::VecDeque;
use std::sync::mpsc::TrySendError;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// What the records that wait for room in the writer's queue, and the ones that it has not answered for, may weigh together, bytes: at 100 calls a
/// second, some minutes of a database that cannot be written. Beyond it the oldest that wait are given up, counted and said.
pub(crate) const MAX_UNSAVED_BYTES: usize = UNSAVED_BYTES;
/// One batch is not heavier than this, bytes, unless a single record is: the writer works on a copy.
const BATCH_BYTES: usize = 4 << 20;
/// While batches of this weight are under way, bytes, no further one is sent.
const SENT_BYTES: usize = 12 << 20;

/// Batches that the writer may hold without having answered for them, as seen from here: its queue full, and one transaction of the largest
/// size under way or just answered for.
pub(crate) const MAX_IN_FLIGHT: usize = QUEUE_BATCHES + DRAIN_BATCHES;

/// The way of the writer's answers to the loop: what the writer's thread calls, and what the loop receives.
///
/// It has room for [`MAX_IN_FLIGHT`] answers. [`Recorder::send`] has no more batches under way, each gives one answer, and a batch counts as
/// under way until [`Recorder::acknowledged`] has taken that answer out: so there is always room, and the writer's thread never waits.
pub(crate) fn acks() -> (impl FnMut(Ack) + Send + 'static, mpsc::Receiver<Ack>) {
    let (sender, receiver) = mpsc::channel(MAX_IN_FLIGHT);
    let acknowledge = move |ack| {
        // The receiver exists as long as the loop; after it nobody needs to know.
        if let Err(mpsc::error::TrySendError::Full(ack)) = sender.try_send(ack) {
            tracing::error!(target: "store", ?ack, "The database writer answered more often than it was asked; please report this");
        }
    };
    (acknowledge, receiver)
}

/// The daemon's side of the store.
#[derive(Debug)]
pub(crate) struct Recorder {
    writer: Writer,
    next_seq: u64,
    waiting: VecDeque<Record>,
    sent: VecDeque<Sent>,
    /// What those that wait weigh, and those that are sent.
    waiting_bytes: usize,
    sent_bytes: usize,
    /// Records that were given up and not yet returned by [`Recorder::take_lost`].
    lost: u64,
    /// Given up since the start.
    given_up: u64,
    pushed: u64,
    settled: u64,
    /// The writer had no room, and has answered for nothing since.
    full: bool,
}

/// A batch that the writer has not answered for.
#[derive(Debug)]
struct Sent {
    seq: u64,
    records: Vec<Record>,
    bytes: usize,
}

/// What has become durable, or never will.
#[derive(Debug)]
pub(crate) struct Settled {
    /// Records that are on the disk now.
    pub(crate) stored: Vec<Record>,
    /// Refused by the database for their own sake, and why.
    pub(crate) refused: Vec<(Record, String)>,
}

impl Recorder {
    /// Records go to this writer.
    #[must_use]
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            writer,
            next_seq: 1,
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
            waiting_bytes: 0,
            sent_bytes: 0,
            lost: 0,
            given_up: 0,
            pushed: 0,
            settled: 0,
            full: false,
        }
    }

    /// Takes a record; it goes out with the next [`Recorder::send`]. Returned is the one that is given up for it, if there is no room.
    pub(crate) fn push(&mut self, record: Record) -> Option<Record> {
        self.pushed += 1;
        self.waiting_bytes += record.bytes();
        self.waiting.push_back(record);
        if self.waiting_bytes + self.sent_bytes <= MAX_UNSAVED_BYTES {
            return None;
        }
        let given_up = self.waiting.pop_front()?;
        self.waiting_bytes -= given_up.bytes();
        self.lost += 1;
        self.given_up += 1;
        self.settled += 1;
        Some(given_up)
    }

    /// How many records have been taken.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// How many of them have come to their end; they do so in the order in which they were taken.
    pub(crate) fn settled(&self) -> u64 {
        self.settled
    }

    /// Hands everything that waits to the writer, as one batch unless that were heavy, if its queue has room and fewer than [`MAX_IN_FLIGHT`] batches are
    /// under way. Never blocks: what finds no room waits, and goes out when the writer has answered.
    pub(crate) fn send(&mut self) {
        // A full queue has room again when the writer has answered: to copy all that waits with every event would keep the links waiting.
        while !self.waiting.is_empty() && !self.full && self.sent.len() < MAX_IN_FLIGHT && self.sent_bytes < SENT_BYTES
        {
            self.send_a_batch();
        }
    }

    fn send_a_batch(&mut self) {
        let (mut count, mut bytes) = (0, 0);
        for record in &self.waiting {
            let more = record.bytes();
            if count > 0 && bytes + more > BATCH_BYTES {
                break;
            }
            (count, bytes) = (count + 1, bytes + more);
        }
        let records: Vec<Record> = self.waiting.drain(..count).collect();
        match self.writer.try_send(Batch { seq: self.next_seq, records: records.clone() }) {
            Ok(()) => {
                self.sent.push_back(Sent { seq: self.next_seq, records, bytes });
                self.waiting_bytes -= bytes;
                self.sent_bytes += bytes;
                self.next_seq += 1;
            }
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                for record in batch.records.into_iter().rev() {
                    self.waiting.push_front(record);
                }
                self.full = true;
            }
        }
    }

    /// Has changes recorded by these rules from now on. False if the writer is busy.
    pub(crate) fn record_changes(&self, rules: FeedRules) -> bool {
        self.writer.record_changes(rules)
    }

    /// Has a token made or withdrawn.
    pub(crate) fn token(&self, change: TokenChange, reply: oneshot::Sender<Result<bool, String>>) {
        self.writer.token(change, reply);
    }

    /// The way of notes to the writer.
    #[must_use]
    pub(crate) fn notes(&self) -> Notes {
        self.writer.notes()
    }

    /// The newest change that is on the disk.
    #[must_use]
    pub(crate) fn newest_change(&self) -> watch::Receiver<i64> {
        self.writer.newest_change()
    }

    /// Has SQLite's figures of the tables kept; if the writer is busy, an hour later.
    pub(crate) fn optimize(&self, calendar: Calendar) {
        self.writer.optimize(Some(calendar));
    }

    /// Has rows removed that ended before this moment, ms since 1970 UTC; if the writer is busy, an hour later.
    pub(crate) fn prune(&self, before_ms: Millis) {
        self.writer.prune(before_ms);
    }

    /// The writer has answered for a batch.
    pub(crate) fn acknowledged(&mut self, ack: Ack) -> Settled {
        let (seq, mut faults): (u64, Vec<Refused>) = match ack {
            Ack::Committed { seq } => (seq, Vec::new()),
            Ack::Failed { seq, refused } => (seq, refused),
        };
        self.full = false;
        let mut settled = Settled { stored: Vec::new(), refused: Vec::new() };
        while self.sent.front().is_some_and(|first| first.seq <= seq) {
            let Some(Sent { records, bytes, .. }) = self.sent.pop_front() else { break };
            self.sent_bytes -= bytes;
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
    pub(crate) fn unsaved(&self) -> usize {
        self.waiting.len() + self.sent.iter().map(|sent| sent.records.len()).sum::<usize>()
    }

    /// Records given up because of [`MAX_UNSAVED_BYTES`], since this was last asked.
    #[must_use = "a loss that nobody tells is a lie"]
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Records given up because of them, since the start.
    #[must_use]
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// What the writer has done.
    #[must_use]
    pub(crate) fn counters(&self) -> Counters {
        self.writer.counters()
    }

    /// What the writer has counted of what it committed.
    #[must_use]
    pub(crate) fn counted(&self) -> Counted {
        self.writer.counted()
    }

    /// What the writer is doing.
    #[must_use]
    pub(crate) fn health(&self) -> Health {
        self.writer.health()
    }

    /// Commits what is left and ends the thread.
    pub(crate) fn stop(mut self, patience: Duration) -> Stopped {
        self.send();
        let mut stopped = self.writer.stop(patience);
        if !self.waiting.is_empty() {
            stopped.unwritten.push(Batch { seq: self.next_seq, records: self.waiting.into() });
        }
        stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use callbackd_core::model::{E164, PbxId};

    /// Sends batches of one record, up to so many in all, and waits until the writer has written them.
    fn written(recorder: &mut Recorder, batches: u64) {
        while recorder.pushed() < batches {
            assert!(recorder.push(Record::DncRemove(E164::new("+12025550100").unwrap())).is_none());
            recorder.send();
        }
        while recorder.writer.counters().batches < batches {
            std::thread::yield_now();
        }
    }

    #[test]
    fn however_long_the_loop_takes_no_answer_there_is_room_for_each_and_none_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let (acknowledge, mut acks) = acks();
        let store = Store::open(&directory.path().join("calls.db")).unwrap();
        let mut recorder = Recorder::new(Writer::spawn(store, acknowledge).unwrap());
        let bound = MAX_IN_FLIGHT as u64;
        for batches in [bound / 4, bound / 2, bound / 4 * 3, bound] {
            written(&mut recorder, batches);
        }
        for _ in 0..10 {
            assert!(recorder.push(Record::DncRemove(E164::new("+12025550100").unwrap())).is_none());
            recorder.send();
        }
        assert_eq!(acks.len(), MAX_IN_FLIGHT, "one answer for each batch");
        assert_eq!(recorder.unsaved(), MAX_IN_FLIGHT + 10, "what is beyond the bound waits");
        let mut stored = 0;
        while recorder.unsaved() > 0 {
            let ack = acks.blocking_recv().expect("an answer");
            stored += recorder.acknowledged(ack).stored.len();
            recorder.send();
        }
        assert_eq!(stored, MAX_IN_FLIGHT + 10);
        assert_eq!(recorder.writer.counters().batches, bound + 1, "what waited went out as one batch");
    }

    #[test]
    fn what_waits_for_a_database_that_takes_nothing_is_bounded_in_bytes_and_the_oldest_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calls.db");
        let (acknowledge, mut acks) = acks();
        let mut recorder = Recorder::new(Writer::spawn(Store::open(&path).unwrap(), acknowledge).unwrap());
        let lock = rusqlite::Connection::open(&path).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let agent =
            |n: usize| Record::Agent { pbx: PbxId::new("pbx"), agent: format!("PJSIP/{n}"), name: "x".repeat(100_000) };
        let mut given_up = 0;
        for n in 0..1_000 {
            given_up += u64::from(recorder.push(agent(n)).is_some());
            recorder.send();
        }
        assert!(recorder.waiting_bytes + recorder.sent_bytes <= MAX_UNSAVED_BYTES);
        assert!(recorder.sent_bytes < SENT_BYTES + BATCH_BYTES);
        assert!(given_up > 400, "{given_up}");
        assert_eq!((recorder.given_up(), recorder.unsaved() as u64), (given_up, 1_000 - given_up));
        lock.execute_batch("COMMIT").unwrap();
        while recorder.unsaved() > 0 {
            recorder.acknowledged(acks.blocking_recv().expect("an answer"));
            recorder.send();
        }
        assert_eq!((recorder.waiting_bytes, recorder.sent_bytes), (0, 0));
    }
}
