//! The worker of one sink: it reads what changed, writes it there with the cursor, and waits for news.

use super::super::clock::wall;
use super::attempts::Attempts;
use super::connect::{Connected, Unreached, connect};
use super::counts::Counts;
use crate::config::Sink;
use crate::sinks::nats;
use crate::sinks::postgres::Fault;
use crate::sinks::postgres::cursor::{Cursor, Of};
use crate::sinks::postgres::writer::Writer;
use crate::store::copies::{Changed, Chunk, Committed, Rows};
use crate::store::feed::Behind;
use crate::store::{self, Notes, Reader};
use crate::timing::Timing;
use std::convert::Infallible;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};

/// Changes of one batch at most.
const CHANGES: usize = 1_000;
/// And their rows' size: no further change is read once they take more, bytes.
pub(super) const BYTES: usize = 2 << 20;
/// Rows of one table that are read at once when all tables are, each with what belongs to it.
const WALKED: usize = 500;
pub(crate) struct Worker {
    sink: Sink,
    site: String,
    db: PathBuf,
    newest: watch::Receiver<i64>,
    attempts: Attempts,
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Broken {
    #[error(transparent)]
    Unreached(#[from] Unreached),
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Stream(#[from] nats::Fault),
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
    Anew(Behind, Committed),
}

/// What was read, and the reader for what comes after it.
type Looked = (Reader, Read, Vec<Rows>);

impl Worker {
    pub(crate) fn new(sink: &Sink, site: &str, db: PathBuf, notes: Notes, newest: watch::Receiver<i64>) -> Self {
        let attempts = Attempts::new(&sink.name, notes);
        Self { sink: sink.clone(), site: site.to_owned(), db, newest, attempts }
    }
}

/// A worker that connects to its sink.
pub(super) trait Connects {
    /// What goes wrong with it.
    fn attempts(&mut self) -> &mut Attempts;

    /// One connection, until it breaks.
    fn connected(&mut self, counts: &Counts) -> impl Future<Output = Result<Infallible, Broken>> + Send;
}

/// Connects again and again, until the daemon ends, or the configuration has it otherwise.
pub(super) async fn run(mut worker: impl Connects, counts: Arc<Counts>) {
    loop {
        let why = match worker.connected(&counts).await {
            Err(Broken::Ended) => return,
            Err(why) => why,
            Ok(never) => match never {},
        };
        let pause = worker.attempts().failed(&why, &counts);
        tokio::select! {
            () = sleep(pause) => {}
            () = counts.said_again() => {}
        }
    }
}

impl Connects for Worker {
    fn attempts(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    async fn connected(&mut self, counts: &Counts) -> Result<Infallible, Broken> {
        let (db_uuid, reader) = opened(&self.db).await?;
        let named = format!("callbackd {}", self.site);
        let mut connected: Connected = in_time(async { Ok(connect(&self.sink, &named).await?) }).await?;
        let of = Of { site: self.site.clone(), db_uuid };
        let client = connected.client.take().ok_or(Broken::Ended)?;
        let newest = *self.newest.borrow_and_update();
        let (reader, newest, _) = stands(reader, newest, None).await?;
        let (mut writer, mut cursor) = in_time(async { Ok(Writer::begin(client, of, newest).await?) }).await?;
        tracing::debug!(target: "sink", sink = %self.sink.name, incarnation = writer.incarnation(), acked = cursor.acked, "Sink is connected");
        counts.stands(cursor.acked, cursor.walk.is_some());
        // News that come while it is looked are not waited for.
        self.newest.borrow_and_update();
        let (reader, newest, has_another) = stands(reader, newest.seq, Some(cursor.change())).await?;
        let mut looked = if has_another {
            (reader, Read::Anew(Behind::Ahead, newest), Vec::new())
        } else {
            look(reader, cursor.clone()).await?
        };
        loop {
            let (reader, read, lists) = looked;
            let reader = if reader.may_be_kept() { reader } else { self::reader(&self.db).await? };
            if is_nothing(&read, &lists, &writer, &cursor) {
                self.attempts.works(counts);
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
            self.attempts.works(counts);
            counts.written(rows, cursor.acked, cursor.walk.is_some());
            self.attempts.note(cursor.walk.as_ref().map_or(cursor.acked, |walk| walk.to));
        }
    }
}

impl Worker {
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
                Ok((0, writer.walk_anew(at, newest, why == Behind::Ahead).await?))
            }
        }
    }

    /// Until something has changed, or the lists are to be looked at.
    async fn wait(&mut self, connected: &mut Connected) -> Result<(), Broken> {
        tokio::select! {
            () = connected.ended() => Err(Broken::Lost),
            news = self.newest.changed() => news.map_err(|_| Broken::Ended),
            () = sleep(Timing::get().sink_lists) => Ok(()),
        }
    }
}

fn is_nothing(read: &Read, lists: &[Rows], writer: &Writer, at: &Cursor) -> bool {
    matches!(read, Read::Changes(changed) if changed.to == at.acked) && !writer.is_news(lists)
}

/// Where it stands once this is written; `None` if the server decides it.
fn after(read: &Read, at: &Cursor) -> Option<Cursor> {
    match read {
        Read::Changes(changed) => Some(at.after_changes(changed)),
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
                (newest, Err(behind)) => Read::Anew(behind, reader.committed(newest)?),
            },
        };
        Ok::<_, store::Error>((reader, read, lists))
    });
    Ok(looked.await??)
}

/// The newest change with its moment, and whether the feed has another one than this under its number: the machine was set back.
pub(super) async fn stands(
    reader: Reader,
    newest: i64,
    known: Option<Committed>,
) -> Result<(Reader, Committed, bool), Broken> {
    let looked = beside(move || {
        let has_another = known.map_or(Ok(false), |known| reader.has_another(known))?;
        let newest = reader.committed(newest)?;
        Ok::<_, store::Error>((reader, newest, has_another))
    });
    Ok(looked.await??)
}

/// The database's identity, and a reader of it.
pub(in super::super) async fn opened(db: &Path) -> Result<(String, Reader), Broken> {
    let db = db.to_owned();
    let opened = beside(move || Reader::open(&db).and_then(|reader| Ok((reader.identity()?, reader))));
    Ok(opened.await??)
}

/// Another reader of the database.
pub(in super::super) async fn reader(db: &Path) -> Result<Reader, Broken> {
    let db = db.to_owned();
    Ok(beside(move || Reader::open(&db)).await??)
}

/// Has something done on a thread that may wait.
pub(in super::super) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Broken> {
    let (done, result) = oneshot::channel();
    // Of one kind for the runtime, whatever is done: else each would have a task's code of its own.
    let work: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Whoever waited may have gone.
        let _ = done.send(work());
    });
    // Its panic ends the channel.
    drop(tokio::task::spawn_blocking(work));
    result.await.map_err(|_| Broken::Bug)
}

/// Waits no longer than a server may take.
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    timeout(Timing::get().sink, work).await.unwrap_or(Err(Broken::Slow))
}
