//! The thread that owns the writing connection: everything that waits goes into one transaction, then is acknowledged.

use super::counted::{Counted, SharedCounted};
use super::tokens::TokenChange;
use super::{Calendar, Error, FeedRules, Note, Notes, Pruning, Refused, Store};
use backon::{BackoffBuilder, ExponentialBuilder};
use callbackd_core::millis::Millis;
use callbackd_core::model::{About, Record};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SendError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};

/// Batches that may wait for the writer. A full queue is the daemon's to count and to hold: the AMI socket is never made to wait.
pub(crate) const QUEUE_BATCHES: usize = 1024;

/// Batches that one transaction takes at most, so that a sender who never rests cannot keep it open for ever.
pub(crate) const DRAIN_BATCHES: usize = 1024;

/// First and longest pause between attempts while the database cannot be written.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// The same trouble is logged again after this time.
const REMIND: Duration = Duration::from_secs(60);

/// A lock that is held for so long is not in passing: calls wait for a person.
const HELD: Duration = Duration::from_secs(5);

/// From one step of a pruning to the next: the disk has better things to do.
const PRUNE_PAUSE: Duration = Duration::from_millis(100);

/// What the thread is given to do.
#[derive(Debug)]
pub(super) enum Work {
    Batch(Batch),
    /// Remove what ended before this moment, ms since 1970 UTC.
    Prune(Millis),
    /// Have SQLite look at tables that have changed much, and keep the calendar.
    Optimize(Option<Box<Calendar>>),
    /// Record changes by other rules.
    RecordChanges(FeedRules),
    /// Write something that is no record.
    Note(Box<Note>),
}

/// A pruning, and when its next step is due.
type Due = (Pruning, Instant);

/// Records that belong together; acknowledged together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The sender's number for it.
    pub seq: u64,
    /// In the order in which they are to be written.
    pub records: Vec<Record>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ack {
    /// All of it is on the disk.
    Committed {
        /// Of the batch.
        seq: u64,
    },
    /// The database refused some records for their own sake; all others of the batch are on the disk.
    Failed {
        /// Of the batch.
        seq: u64,
        /// Those that are lost; the index counts within the batch.
        refused: Vec<Refused>,
    },
}

/// What the writer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Writing, or waiting for something to write.
    Writing,
    /// The database cannot be written; everything is kept and tried again.
    Retrying {
        /// Of the last attempt.
        error: String,
        /// How many have failed in a row.
        attempts: u32,
        /// Records in the hands of the writer, without those that wait in the queue.
        unsaved: usize,
    },
}

/// What has happened since the writer was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Batches that were acknowledged.
    pub batches: u64,
    /// Records that are on the disk.
    pub records: u64,
    /// Records that the database refused for their own sake.
    pub refused: u64,
    /// Transactions that were committed.
    pub commits: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// Rows that were removed because of their age.
    pub pruned: u64,
    /// Changes that the feed has recorded.
    pub(crate) changes: u64,
    /// Changes that were removed before their time, because the feed was full.
    pub(crate) changes_overrun: u64,
}

/// What a stopped writer leaves behind.
#[derive(Debug)]
#[must_use = "unwritten batches are lost unless somebody keeps them"]
pub struct Stopped {
    /// What could not be written before the deadline, in order.
    pub unwritten: Vec<Batch>,
    /// The counters as last read.
    pub counters: Counters,
}

#[derive(Debug, Default)]
struct Shared {
    batches: AtomicU64,
    records: AtomicU64,
    refused: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
    pruned: AtomicU64,
    changes: AtomicU64,
    changes_overrun: AtomicU64,
    counted: SharedCounted,
    trouble: Mutex<Option<Health>>,
    stop_by: Mutex<Option<Instant>>,
}

/// The handle of the thread. Dropping it stops the thread after one last attempt; [`Writer::stop`] returns what was left.
#[derive(Debug)]
pub struct Writer {
    sender: Option<Arc<SyncSender<Work>>>,
    thread: Option<JoinHandle<Vec<Batch>>>,
    shared: Arc<Shared>,
    newest: watch::Receiver<i64>,
}

impl Writer {
    /// Starts the thread. `acknowledge` is called on it, once for each batch, in the order of sending, after the commit; it must not block.
    ///
    /// # Errors
    /// What SQLite reports while the connection is prepared.
    ///
    /// # Panics
    /// If the system gives no thread.
    pub fn spawn(mut store: Store, acknowledge: impl FnMut(Ack) + Send + 'static) -> Result<Self, Error> {
        store.keep_log()?;
        let (sender, receiver) = sync_channel(QUEUE_BATCHES);
        let shared = Arc::new(Shared::default());
        let (announce, newest) = watch::channel(store.fed().last);
        let worker = Worker { store, acknowledge, shared: Arc::clone(&shared), announce };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || worker.run(&receiver));
        Ok(Self {
            sender: Some(Arc::new(sender)),
            thread: Some(thread.expect("a thread for the store")),
            shared,
            newest,
        })
    }

    /// Hands over a batch without ever blocking.
    ///
    /// # Errors
    /// Gives it back: `Full` if [`QUEUE_BATCHES`] wait already, `Disconnected` if the thread is gone.
    pub fn try_send(&self, batch: Batch) -> Result<(), TrySendError<Batch>> {
        match &self.sender {
            Some(sender) => sender.try_send(Work::Batch(batch)).map_err(|refused| match refused {
                TrySendError::Full(work) => TrySendError::Full(given_back(work)),
                TrySendError::Disconnected(work) => TrySendError::Disconnected(given_back(work)),
            }),
            None => Err(TrySendError::Disconnected(batch)),
        }
    }

    /// Hands over a batch, waiting for room in the queue.
    ///
    /// # Errors
    /// Gives it back if the thread is gone.
    pub fn send(&self, batch: Batch) -> Result<(), SendError<Batch>> {
        match &self.sender {
            Some(sender) => sender.send(Work::Batch(batch)).map_err(|SendError(work)| SendError(given_back(work))),
            None => Err(SendError(batch)),
        }
    }

    /// Has everything removed that ended before this moment (ms since 1970 UTC), in small steps between the batches. False if that has to be
    /// asked for again later: too much waits to be written.
    pub fn prune(&self, before_ms: Millis) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.try_send(Work::Prune(before_ms)).is_ok())
    }

    /// Has SQLite's figures of the tables kept, from which it chooses the indices for questions, and the calendar that the views of figures need.
    /// False if that has to be asked for again later: too much waits to be written.
    pub fn optimize(&self, calendar: Option<Calendar>) -> bool {
        let work = Work::Optimize(calendar.map(Box::new));
        self.sender.as_ref().is_some_and(|sender| sender.try_send(work).is_ok())
    }

    /// Has changes recorded by other rules. False if that has to be asked for again later.
    pub(crate) fn record_changes(&self, rules: FeedRules) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.try_send(Work::RecordChanges(rules)).is_ok())
    }

    /// Has a token made or withdrawn; the answer is false if there is one of its name already, or none. It is dropped if too much waits.
    pub(crate) fn token(&self, change: TokenChange, reply: oneshot::Sender<Result<bool, String>>) {
        // What is dropped here drops the reply: who asked learns that the daemon is busy.
        let _ = self.notes().send(Note::Token(change, reply));
    }

    /// The way of notes, for others. It ends with the writer.
    #[must_use]
    pub(crate) fn notes(&self) -> Notes {
        Notes(self.sender.as_ref().map(Arc::downgrade).unwrap_or_default())
    }

    /// The newest change that is on the disk: news for who reads the feed.
    #[must_use]
    pub(crate) fn newest_change(&self) -> watch::Receiver<i64> {
        self.newest.clone()
    }

    /// What it is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        lock(&self.shared.trouble).clone().unwrap_or(Health::Writing)
    }

    /// What it has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// What it has counted of what it committed.
    #[must_use]
    pub(crate) fn counted(&self) -> Counted {
        self.shared.counted.now()
    }

    /// Ends a pause between attempts: somebody has made room.
    pub fn retry_now(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Commits what is queued, closes the database and ends the thread. While the database cannot be written it goes on trying for `patience`.
    pub fn stop(mut self, patience: Duration) -> Stopped {
        let unwritten = self.finish(patience);
        Stopped { unwritten, counters: self.counters() }
    }

    #[allow(clippy::disallowed_methods, reason = "the shell's clock")]
    fn finish(&mut self, patience: Duration) -> Vec<Batch> {
        *lock(&self.shared.stop_by) = Some(Instant::now() + patience);
        self.sender = None;
        self.retry_now();
        self.thread.take().map(|thread| thread.join().unwrap_or_default()).unwrap_or_default()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let lost: usize = self.finish(Duration::ZERO).iter().map(|batch| batch.records.len()).sum();
            if lost > 0 {
                tracing::error!(target: "store", lost, "Stopped while the database could not be written, rows are lost");
            }
        }
    }
}

impl Shared {
    fn counters(&self) -> Counters {
        Counters {
            batches: self.batches.load(Relaxed),
            records: self.records.load(Relaxed),
            refused: self.refused.load(Relaxed),
            commits: self.commits.load(Relaxed),
            retries: self.retries.load(Relaxed),
            pruned: self.pruned.load(Relaxed),
            changes: self.changes.load(Relaxed),
            changes_overrun: self.changes_overrun.load(Relaxed),
        }
    }
}

/// What runs on the thread.
struct Worker<F> {
    store: Store,
    acknowledge: F,
    shared: Arc<Shared>,
    announce: watch::Sender<i64>,
}

impl<F: FnMut(Ack)> Worker<F> {
    /// Until the sender is gone; returns what could not be written by then.
    #[allow(clippy::disallowed_methods, reason = "the shell's clock")]
    fn run(mut self, receiver: &Receiver<Work>) -> Vec<Batch> {
        let mut pruning: Option<Due> = None;
        loop {
            let first = match &pruning {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some((_, due)) => receiver.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            let mut batches = Vec::new();
            let mut optimize = None;
            let (mut rules, mut notes) = (None, Vec::new());
            let mut take = |work| match work {
                Work::RecordChanges(new) => rules = Some(new),
                Work::Note(note) => notes.push(*note),
                Work::Optimize(calendar) => {
                    calendar.iter().for_each(|calendar| self.shared.counted.thresholds(&calendar.thresholds));
                    optimize = Some(calendar);
                }
                Work::Batch(batch) => batches.push(batch),
                Work::Prune(before_ms) => {
                    pruning.get_or_insert_with(|| (Pruning::new(before_ms), Instant::now()));
                }
            };
            match first {
                Ok(first) => {
                    take(first);
                    receiver.try_iter().take(DRAIN_BATCHES - 1).for_each(take);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Vec::new(),
            }
            if !batches.is_empty() {
                match self.commit(&batches) {
                    Some(refused) => self.acknowledge(&batches, refused),
                    None => {
                        let waits = receiver.try_iter().filter(|work| matches!(work, Work::Batch(_)));
                        batches.extend(waits.map(given_back));
                        return batches;
                    }
                }
            }
            if let Some(rules) = rules
                && let Err(err) = self.store.record_changes(rules)
            {
                tracing::warn!(target: "store", %err, "The feed's limits cannot be changed now: reload again");
            }
            notes.into_iter().for_each(|note| self.store.note(note));
            if let Some(calendar) = optimize
                && let Err(err) = self.store.optimize(calendar.as_deref())
            {
                tracing::warn!(target: "store", %err, "Tables cannot be analysed now; tried again in an hour");
            }
            pruning = pruning.and_then(|pruning| self.prune(pruning));
        }
    }

    /// The next step of a pruning, if it is due; `None` when it is over.
    #[allow(clippy::disallowed_methods, reason = "the shell's clock")]
    fn prune(&mut self, (mut pruning, due): Due) -> Option<Due> {
        if Instant::now() < due {
            return Some((pruning, due));
        }
        let before = pruning.removed.total();
        if let Err(err) = self.store.prune(&mut pruning) {
            tracing::warn!(target: "store", %err, "Old rows cannot be removed now; tried again in an hour");
            return None;
        }
        let removed = pruning.removed;
        self.shared.pruned.fetch_add(removed.total() - before, Relaxed);
        if !pruning.is_over() {
            return Some((pruning, Instant::now() + PRUNE_PAUSE));
        }
        if removed.total() > 0 {
            tracing::info!(
                target: "store",
                calls = removed.calls,
                callbacks = removed.callbacks,
                gaps = removed.gaps,
                intervals = removed.intervals,
                dnc = removed.do_not_call,
                "Rows older than store.keep were removed"
            );
        }
        None
    }

    /// One transaction, tried until it succeeds; `None` if the time to stop came first.
    #[allow(clippy::disallowed_methods, reason = "the shell's clock")]
    fn commit(&mut self, batches: &[Batch]) -> Option<Vec<Refused>> {
        let unsaved = batches.iter().map(|batch| batch.records.len()).sum();
        let pauses = ExponentialBuilder::new().with_min_delay(RETRY.0).with_max_delay(RETRY.1);
        let mut pauses = pauses.with_jitter().without_max_times().build();
        let mut attempts = 0;
        let mut said: Option<Instant> = None;
        let mut held_said = false;
        let begun = Instant::now();
        loop {
            let error = match self.store.write(batches.iter().flat_map(|batch| &batch.records)) {
                Ok(refused) => {
                    if attempts > 0 {
                        *lock(&self.shared.trouble) = None;
                        let after_s = begun.elapsed().as_secs();
                        tracing::info!(target: "store", rows = unsaved, after_s, "Database can be written again");
                    }
                    self.shared.commits.fetch_add(1, Relaxed);
                    self.committed(begun.elapsed());
                    return Some(refused);
                }
                Err(error) => error,
            };
            attempts += 1;
            self.shared.retries.fetch_add(1, Relaxed);
            let now = Instant::now();
            let left = lock(&self.shared.stop_by).map(|by| by.saturating_duration_since(now));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            let pause = pauses.next().unwrap_or(RETRY.1);
            let held = matches!(error, Error::Locked { .. }) && now.duration_since(begun) >= HELD;
            if said.is_none_or(|at| now.duration_since(at) >= REMIND) || held && !held_said {
                said = Some(now);
                held_said |= held;
                if held {
                    tracing::error!(target: "store", rows = unsaved, err = %error,
                        "Another process keeps the database locked: nobody is called back, and rows wait in memory until it is free");
                } else if error.needs_a_person() {
                    tracing::error!(target: "store", rows = unsaved, err = %error,
                        "The database is damaged or gone: nobody is called back, and rows are in memory only until it can be written");
                } else {
                    tracing::warn!(target: "store", rows = unsaved, err = %error,
                        "The database cannot be written; rows wait in memory until it can: make room or release the lock");
                }
            }
            let error = error.to_string();
            *lock(&self.shared.trouble) = Some(Health::Retrying { error, attempts, unsaved });
            std::thread::park_timeout(left.map_or(pause, |left| pause.min(left)));
        }
    }

    /// Counts what the feed has recorded, and wakes its readers.
    fn committed(&mut self, took: Duration) {
        self.shared.counted.committed(&mut self.store, took);
        let fed = self.store.fed();
        self.shared.changes.store(fed.recorded, Relaxed);
        self.shared.changes_overrun.store(fed.overrun, Relaxed);
        self.announce.send_if_modified(|last| std::mem::replace(last, fed.last) != fed.last);
    }

    /// Reports the fate of each batch.
    fn acknowledge(&mut self, batches: &[Batch], refused: Vec<Refused>) {
        let mut refused = refused.into_iter().peekable();
        let mut first = 0;
        for batch in batches {
            let end = first + batch.records.len();
            let mut lost = Vec::new();
            while let Some(one) = refused.next_if(|one| one.index < end) {
                lost.push(Refused { index: one.index - first, ..one });
            }
            first = end;
            self.shared.batches.fetch_add(1, Relaxed);
            self.shared.records.fetch_add((batch.records.len() - lost.len()) as u64, Relaxed);
            self.shared.refused.fetch_add(lost.len() as u64, Relaxed);
            for one in &lost {
                let About { pbx, call, callback } = batch.records[one.index].about();
                tracing::error!(target: "store", pbx = pbx.map(display), call, callback, err = %one.error,
                    "Row refused by the database, it is lost: please report this line");
            }
            let seq = batch.seq;
            (self.acknowledge)(if lost.is_empty() {
                Ack::Committed { seq }
            } else {
                Ack::Failed { seq, refused: lost }
            });
        }
    }
}

/// What a channel of batches gives back is a batch.
fn given_back(work: Work) -> Batch {
    match work {
        Work::Batch(batch) => batch,
        _ => unreachable!("only batches are given back"),
    }
}

/// A panic of the acknowledging closure must not take the counters with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
