//! The worker of one sink: it reads what changed, writes it there with the cursor, and waits for news.

use super::super::clock::wall;
use super::connect::{Connected, Unreached, connect};
use super::counts::Counts;
use crate::config::Sink;
use crate::sinks::postgres::Fault;
use crate::sinks::postgres::cursor::{Cursor, Of};
use crate::sinks::postgres::writer::Writer;
use crate::store::copies::{Changed, Chunk, Rows};
use crate::store::feed::Behind;
use crate::store::sinks::SinkNote;
use crate::store::{self, Note, Notes, Reader};
use crate::timing::Timing;
use callbackd_core::millis::Millis;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Changes of one batch at most.
const CHANGES: usize = 1_000;
/// And their rows' size: no further change is read once they take more, bytes.
const BYTES: usize = 2 << 20;
/// Rows of one table that are read at once when all tables are, each with what belongs to it.
const WALKED: usize = 500;
/// So often the short lists are looked at while nothing changes: up to when each PBX was seen is in one of them.
const LISTS: Duration = Duration::from_secs(60);
/// So often it is noted for the feed what a sink has taken, ms: what it has taken is kept so much longer.
const NOTE_MS: Millis = 10_000;
/// A sink that goes on failing is spoken of again after this time, ms.
const REMIND_MS: Millis = 3_600_000;
/// The longest pause between attempts, in parts of the first.
const LONGEST: u32 = 60;

pub(crate) struct Worker {
    sink: Sink,
    site: String,
    db: PathBuf,
    notes: Notes,
    newest: watch::Receiver<i64>,
    /// Failures in a row.
    failures: u32,
    said_ms: Millis,
    noted: (i64, Millis),
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Unreached(#[from] Unreached),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the server has closed the connection")]
    Lost,
    #[error("no answer within {} s", Timing::get().sink.as_secs_f32())]
    Slow,
    #[error("the database of this machine cannot be read: {0}")]
    Store(#[from] store::Error),
    #[error("the thread that reads the database ended: report the lines before this one")]
    Bug,
    /// The writer has ended, and with it everything.
    #[error("the daemon stops")]
    Ended,
}

/// What is to be written next.
enum Read {
    Changes(Changed),
    Chunk(Chunk),
    /// All tables are to be read anew, this being the newest change.
    Anew(Behind, i64),
}

/// What was read, and the reader for what comes after it.
type Looked = (Reader, Read, Vec<Rows>);

impl Worker {
    pub(crate) fn new(sink: &Sink, site: &str, db: PathBuf, notes: Notes, newest: watch::Receiver<i64>) -> Self {
        let (sink, site) = (sink.clone(), site.to_owned());
        Self { sink, site, db, notes, newest, failures: 0, said_ms: 0, noted: (0, 0) }
    }

    /// Until the daemon ends, or the configuration has it otherwise.
    pub(crate) async fn run(mut self, counts: Arc<Counts>) {
        loop {
            let why = match self.connected(&counts).await {
                Err(Broken::Ended) => return,
                Err(why) => why,
                Ok(never) => match never {},
            };
            let pause = self.failed(&why, &counts);
            tokio::select! {
                () = sleep(pause) => {}
                () = counts.said_again() => {}
            }
        }
    }

    /// Says it once, and again after an hour. Returns how long to wait.
    fn failed(&mut self, why: &Broken, counts: &Counts) -> Duration {
        let now_ms = wall();
        counts.failed(now_ms);
        let first = Timing::get().sink_pause;
        let longest = first * LONGEST;
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(longest);
        let pause = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.failures += 1;
        if now_ms - self.said_ms >= REMIND_MS {
            self.said_ms = now_ms;
            tracing::warn!(target: "sink", sink = %self.sink.name, err = %why, "Sink is failing, changes wait");
        }
        pause
    }

    fn works(&mut self, counts: &Counts) {
        self.failures = 0;
        self.said_ms = 0;
        if let Some(since_ms) = counts.works() {
            let failing_s = (wall() - since_ms) / 1_000;
            tracing::info!(target: "sink", sink = %self.sink.name, failing_s, "Sink works again");
        }
    }

    /// One connection, until it breaks.
    async fn connected(&mut self, counts: &Counts) -> Result<std::convert::Infallible, Broken> {
        let db = self.db.clone();
        let opened = beside(move || Reader::open(&db).and_then(|reader| Ok((reader.identity()?, reader))));
        let (db_uuid, reader) = opened.await??;
        let named = format!("callbackd {}", self.site);
        let mut connected: Connected = in_time(async { Ok(connect(&self.sink, &named).await?) }).await?;
        let of = Of { site: self.site.clone(), db_uuid };
        let client = connected.client.take().ok_or(Broken::Ended)?;
        let newest = *self.newest.borrow_and_update();
        let (mut writer, mut cursor) = in_time(async { Ok(Writer::begin(client, of, newest).await?) }).await?;
        tracing::debug!(target: "sink", sink = %self.sink.name, incarnation = writer.incarnation(), acked = cursor.acked, "Sink is connected");
        counts.stands(cursor.acked, cursor.walk.is_some());
        // News that come while it is looked are not waited for.
        self.newest.borrow_and_update();
        let mut looked = look(reader, cursor.clone()).await?;
        loop {
            let (reader, read, lists) = looked;
            let reader = if reader.may_be_kept() { reader } else { self.reader().await? };
            if is_nothing(&read, &lists, &writer, &cursor) {
                self.works(counts);
                counts.whole(wall());
                self.wait(&mut connected).await?;
                self.newest.borrow_and_update();
                looked = look(reader, cursor.clone()).await?;
                continue;
            }
            self.newest.borrow_and_update();
            let rows;
            // What comes next is read while this is written.
            match after(&read, &cursor) {
                Some(next) => {
                    let written = in_time(self.written(&mut writer, &cursor, read, lists, counts));
                    let (written, ahead) = tokio::join!(written, look(reader, next));
                    (rows, cursor) = written?;
                    looked = ahead?;
                }
                None => {
                    (rows, cursor) = in_time(self.written(&mut writer, &cursor, read, lists, counts)).await?;
                    looked = look(reader, cursor.clone()).await?;
                }
            }
            self.works(counts);
            counts.written(rows, cursor.acked, cursor.walk.is_some());
            self.note(&cursor);
        }
    }

    async fn written(
        &self,
        writer: &mut Writer,
        at: &Cursor,
        read: Read,
        lists: Vec<Rows>,
        counts: &Counts,
    ) -> Result<(u64, Cursor), Broken> {
        match read {
            Read::Changes(changed) => Ok(writer.put(at, changed, lists).await?),
            Read::Chunk(chunk) => Ok(writer.put_chunk(at, chunk, lists).await?),
            Read::Anew(why, newest) => {
                counts.walks();
                tracing::info!(target: "sink", sink = %self.sink.name, %why, "Sink gets all tables anew: the feed does not go on from its place");
                Ok((0, writer.walk_anew(at, newest).await?))
            }
        }
    }

    /// Until something has changed, or the lists are to be looked at.
    async fn wait(&mut self, connected: &mut Connected) -> Result<(), Broken> {
        tokio::select! {
            () = connected.ended() => Err(Broken::Lost),
            news = self.newest.changed() => news.map_err(|_| Broken::Ended),
            () = sleep(LISTS) => Ok(()),
        }
    }

    /// Has it noted what need not be kept for it. If the writer is busy, it is said with the next batch.
    fn note(&mut self, cursor: &Cursor) {
        let (now_ms, taken) = (wall(), cursor.walk.as_ref().map_or(cursor.acked, |walk| walk.to));
        if taken > self.noted.0 && now_ms - self.noted.1 >= NOTE_MS {
            let note = SinkNote::Passed(self.sink.name.clone(), taken, now_ms);
            if self.notes.send(Note::Sink(note)).is_ok() {
                self.noted = (taken, now_ms);
            }
        }
    }

    async fn reader(&self) -> Result<Reader, Broken> {
        let db = self.db.clone();
        Ok(beside(move || Reader::open(&db)).await??)
    }
}

fn is_nothing(read: &Read, lists: &[Rows], writer: &Writer, at: &Cursor) -> bool {
    matches!(read, Read::Changes(changed) if changed.to == at.acked) && !writer.is_news(lists)
}

/// Where it stands once this is written; `None` if the server decides it.
fn after(read: &Read, at: &Cursor) -> Option<Cursor> {
    match read {
        Read::Changes(changed) => Some(Cursor { acked: changed.to, walk: None }),
        Read::Chunk(chunk) => Some(at.after(chunk)),
        Read::Anew(..) => None,
    }
}

/// Reads what comes next, on a thread that may wait.
async fn look(reader: Reader, at: Cursor) -> Result<Looked, Broken> {
    let looked = beside(move || {
        let lists = reader.lists()?;
        let read = match &at.walk {
            Some(position) => Read::Chunk(reader.walk(position, WALKED)?),
            None => match reader.changed(at.acked, CHANGES, BYTES)? {
                (_, Ok(changed)) => Read::Changes(changed),
                (newest, Err(behind)) => Read::Anew(behind, newest),
            },
        };
        Ok::<_, store::Error>((reader, read, lists))
    });
    Ok(looked.await??)
}

/// Has something done on a thread that may wait.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Broken> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Broken::Bug)
}

/// Waits no longer than a server may take.
async fn in_time<T>(work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    timeout(Timing::get().sink, work).await.unwrap_or(Err(Broken::Slow))
}
