//! The worker of a sink that is a stream: it publishes each change, waits for its acknowledgement, and then for news.

use super::attempts::Attempts;
use super::connect::connect_nats;
use super::counts::Counts;
use super::publisher::{Anew, Published, Publisher, Standing};
use super::worker::{BYTES, Broken, Connects, beside, in_time, opened, reader, stands};
use crate::config::Sink;
use crate::sinks::nats::envelope::{MAX_IN_FLIGHT, Mark};
use crate::store::copies::{Chunk, Committed, Rows, Single};
use crate::store::feed::Behind;
use crate::store::{self, Notes, Reader};
use crate::timing::Timing;
use std::convert::Infallible;
use std::path::PathBuf;
use tokio::sync::watch;
use tokio::time::sleep;

/// Rows of one table in one message when all are published, each with what belongs to it: with few of them a message stays short.
const WALKED: usize = 50;

pub(crate) struct StreamWorker {
    sink: Sink,
    stream: String,
    site: String,
    db: PathBuf,
    newest: watch::Receiver<i64>,
    attempts: Attempts,
}

/// What is to be published next.
enum Read {
    Changes(Vec<Single>),
    Chunk(Chunk),
    /// All tables, this being the newest change.
    Anew(Behind, Committed),
}

impl StreamWorker {
    pub(crate) fn new(
        sink: &Sink,
        stream: &str,
        site: &str,
        db: PathBuf,
        notes: Notes,
        newest: watch::Receiver<i64>,
    ) -> Self {
        let attempts = Attempts::new(&sink.name, notes);
        Self { sink: sink.clone(), stream: stream.to_owned(), site: site.to_owned(), db, newest, attempts }
    }
}

impl Connects for StreamWorker {
    fn attempts(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    async fn connected(&mut self, counts: &Counts) -> Result<Infallible, Broken> {
        let (db_uuid, mut reader) = opened(&self.db).await?;
        let named = format!("callbackd {}", self.site);
        let client = in_time(async { Ok(connect_nats(&self.sink, &named).await?) }).await?;
        let (as_sink, of) = ((self.sink.name.as_str(), self.stream.as_str()), (self.site.as_str(), db_uuid.as_str()));
        let (mut publisher, last) = in_time(async { Ok(Publisher::begin(client, as_sink, of).await?) }).await?;
        let known = last.as_ref().and_then(|last| Mark::read(&last.headers)).map(|mark| mark.highest());
        let newest = *self.newest.borrow_and_update();
        let (back, newest, has_another) = stands(reader, newest, known).await?;
        reader = back;
        let (mut at, why) = Standing::of(last.as_ref(), &db_uuid, newest, has_another);
        if let Some(why) = why {
            self.says_anew(why, counts);
        }
        counts.stands(at.acked, at.walk.is_some());
        let mut walked = WALKED;
        loop {
            self.newest.borrow_and_update();
            let (back, read, lists) = look(reader, at.clone(), walked).await?;
            reader = if back.may_be_kept() { back } else { self::reader(&self.db).await? };
            let has_news = at.walk.is_none() && !publisher.news(&lists).is_empty();
            let (published, rows) = match read {
                Read::Anew(behind, newest) => {
                    let why = if behind == Behind::Ahead { Anew::SetBack } else { Anew::Removed };
                    self.says_anew(why, counts);
                    at = at.anew(why, newest);
                    counts.stands(at.acked, true);
                    continue;
                }
                Read::Changes(singles) if singles.is_empty() && !has_news => {
                    self.attempts.works(counts);
                    counts.whole(super::super::clock::wall());
                    if self.wait(&mut publisher).await? {
                        (reader, at) = self.gone(reader, &at, counts).await?;
                    }
                    continue;
                }
                Read::Changes(singles) => {
                    let published = in_time(async { Ok(publisher.changes(&at, &singles, counts).await?) }).await?;
                    if let (Published::Stored, Some(last)) = (&published, singles.last()) {
                        at.reaches(Committed { seq: last.seq, at_ms: Some(last.at_ms) });
                    }
                    (published, singles.iter().map(|single| rows_of(&single.rows)).sum())
                }
                Read::Chunk(chunk) => {
                    let Some((position, n)) = at.walk.clone() else { continue };
                    let piece = publisher.piece(&at, n, position.from(), (&chunk, walked > 1), counts);
                    let published = in_time(async { Ok(piece.await?) }).await?;
                    let rows = rows_of(&chunk.rows);
                    walked = if let Published::TooLong = published { 1.max(walked / 5) } else { WALKED };
                    if let Published::Stored = published {
                        at.walk = chunk.next.map(|next| (next, n + 1));
                        if at.walk.is_none() {
                            at.reaches(position.from());
                        }
                    }
                    (published, rows)
                }
            };
            match published {
                Published::Stored => {}
                Published::TooLong => continue,
                Published::Known => {
                    (reader, at) = self.gone(reader, &at, counts).await?;
                    continue;
                }
            }
            if has_news && at.walk.is_none() {
                in_time(async { Ok(publisher.lists(&at, lists, counts).await?) }).await?;
            }
            self.attempts.works(counts);
            counts.written(rows, at.acked, at.walk.is_some());
            self.attempts.note(at.walk.as_ref().map_or(at.acked, |(walk, _)| walk.to));
        }
    }
}

impl StreamWorker {
    fn says_anew(&self, why: Anew, counts: &Counts) {
        if why != Anew::Nothing {
            counts.walks();
        }
        tracing::info!(target: "sink", sink = %self.sink.name, %why, "Sink gets all tables anew: the feed does not go on from its place");
    }

    /// What was published is gone: all tables come anew.
    async fn gone(&self, reader: Reader, at: &Standing, counts: &Counts) -> Result<(Reader, Standing), Broken> {
        self.says_anew(Anew::Gone, counts);
        let newest = *self.newest.borrow();
        let (reader, newest, _) = stands(reader, newest, None).await?;
        Ok((reader, at.anew(Anew::Gone, newest)))
    }

    /// Until something has changed, or the lists are to be looked at. Returns whether what was published is gone.
    async fn wait(&mut self, publisher: &mut Publisher) -> Result<bool, Broken> {
        tokio::select! {
            fault = publisher.listens() => return Err(fault.into()),
            news = self.newest.changed() => return news.map(|()| false).map_err(|_| Broken::Ended),
            () = sleep(Timing::get().sink_lists) => {}
        }
        in_time(async { Ok(!publisher.is_there().await?) }).await
    }
}

fn rows_of(tables: &[Rows]) -> u64 {
    tables.iter().map(|rows| rows.count as u64).sum()
}

/// Reads what comes next, on a thread that may wait.
async fn look(reader: Reader, at: Standing, walked: usize) -> Result<(Reader, Read, Vec<Rows>), Broken> {
    let looked = beside(move || {
        let lists = reader.lists()?;
        let read = match &at.walk {
            Some((position, _)) => Read::Chunk(reader.walk(position, walked)?),
            None => match reader.singles(at.acked, MAX_IN_FLIGHT, BYTES)? {
                (_, Ok(singles)) => Read::Changes(singles),
                (newest, Err(behind)) => Read::Anew(behind, reader.committed(newest)?),
            },
        };
        Ok::<_, store::Error>((reader, read, lists))
    });
    Ok(looked.await??)
}
