//! The thread that owns the writing connection: everything that waits goes into one transaction, then is acknowledged.

use super::{Error, Refused, Store};
use crate::engine::record::Record;
use backon::{BackoffBuilder, ExponentialBuilder};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SendError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Batches that may wait for the writer. A full queue is the daemon's to count and to hold: the AMI socket is never made to wait.
pub const QUEUE_BATCHES: usize = 1024;

/// Batches that one transaction takes at most, so that a sender who never rests cannot keep it open for ever.
pub const DRAIN_BATCHES: usize = 1024;

/// First and longest pause between attempts while the database cannot be written.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// The same trouble is told again in the log after this time.
const REMIND: Duration = Duration::from_secs(60);

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
}

/// What a stopped writer leaves behind.
#[derive(Debug)]
#[must_use = "unwritten batches are lost unless somebody keeps them"]
pub struct Stopped {
    /// What could not be written before the deadline, in order.
    pub unwritten: Vec<Batch>,
    /// The last count.
    pub counters: Counters,
}

#[derive(Debug, Default)]
struct Shared {
    batches: AtomicU64,
    records: AtomicU64,
    refused: AtomicU64,
    commits: AtomicU64,
    retries: AtomicU64,
    trouble: Mutex<Option<Health>>,
    stop_by: Mutex<Option<Instant>>,
}

/// The handle of the thread. Dropping it stops the thread after one last attempt; [`Writer::stop`] tells what was left.
#[derive(Debug)]
pub struct Writer {
    sender: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<Vec<Batch>>>,
    shared: Arc<Shared>,
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
        let worker = Worker { store, acknowledge, shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || worker.run(&receiver));
        Ok(Self { sender: Some(sender), thread: Some(thread.expect("a thread for the store")), shared })
    }

    /// Hands over a batch without ever blocking.
    ///
    /// # Errors
    /// Gives it back: `Full` if [`QUEUE_BATCHES`] wait already, `Disconnected` if the thread is gone.
    pub fn try_send(&self, batch: Batch) -> Result<(), TrySendError<Batch>> {
        match &self.sender {
            Some(sender) => sender.try_send(batch),
            None => Err(TrySendError::Disconnected(batch)),
        }
    }

    /// Hands over a batch, waiting for room in the queue.
    ///
    /// # Errors
    /// Gives it back if the thread is gone.
    pub fn send(&self, batch: Batch) -> Result<(), SendError<Batch>> {
        match &self.sender {
            Some(sender) => sender.send(batch),
            None => Err(SendError(batch)),
        }
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
        }
    }
}

/// What runs on the thread.
struct Worker<F> {
    store: Store,
    acknowledge: F,
    shared: Arc<Shared>,
}

impl<F: FnMut(Ack)> Worker<F> {
    /// Until the sender is gone; returns what could not be written by then.
    fn run(mut self, receiver: &Receiver<Batch>) -> Vec<Batch> {
        while let Ok(first) = receiver.recv() {
            let mut batches = vec![first];
            batches.extend(receiver.try_iter().take(DRAIN_BATCHES - 1));
            match self.commit(&batches) {
                Some(refused) => self.acknowledge(&batches, refused),
                None => {
                    batches.extend(receiver.try_iter());
                    return batches;
                }
            }
        }
        Vec::new()
    }

    /// One transaction, tried until it succeeds; `None` if the time to stop came first.
    #[allow(clippy::disallowed_methods, reason = "the shell's clock")]
    fn commit(&mut self, batches: &[Batch]) -> Option<Vec<Refused>> {
        let unsaved = batches.iter().map(|batch| batch.records.len()).sum();
        let mut pauses = backoff();
        let mut attempts = 0;
        let mut told: Option<Instant> = None;
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
                    return Some(refused);
                }
                Err(error) => error.to_string(),
            };
            attempts += 1;
            self.shared.retries.fetch_add(1, Relaxed);
            let now = Instant::now();
            let left = lock(&self.shared.stop_by).map(|by| by.saturating_duration_since(now));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            let pause = pauses.next().unwrap_or(RETRY.1);
            if told.is_none_or(|told| now.duration_since(told) >= REMIND) {
                told = Some(now);
                tracing::warn!(target: "store", rows = unsaved, err = %error,
                    "Database cannot be written, rows are kept in memory and tried again: make room or release the lock");
            }
            *lock(&self.shared.trouble) = Some(Health::Retrying { error, attempts, unsaved });
            std::thread::park_timeout(left.map_or(pause, |left| pause.min(left)));
        }
    }

    /// Tells the fate of each batch.
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
                let call = match &batch.records[one.index] {
                    Record::Call(call) => call.linkedid.as_str(),
                    _ => "-",
                };
                tracing::error!(target: "store", call = ?call, err = %one.error,
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

fn backoff() -> impl Iterator<Item = Duration> {
    let (first, longest) = RETRY;
    ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest).with_jitter().without_max_times().build()
}

/// A panic of the acknowledging closure must not take the counters with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
