//! The newest changes as streams send them: made once, whoever many read them.

use super::answers::ChangeAnswer;
use super::readers::Readers;
use crate::store::Error;
use crate::store::feed::{Behind, Change, Cursor, Feed};
use axum::body::Bytes;
use callbackd_core::model::ChangeKind;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Frames that are kept for all streams together, and what they may weigh, bytes. Who is further behind reads the database.
const MAX_KEPT: usize = 4_096;
const MAX_KEPT_BYTES: usize = 8 << 20;
/// Changes that are read from the database at once, and what their frames may weigh, bytes.
pub(crate) const MAX_READ: usize = 200;
pub(crate) const MAX_READ_BYTES: usize = 512 << 10;

/// One change, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) seq: i64,
    pub(crate) kind: ChangeKind,
    /// Name of the PBX; empty if it is about none in particular.
    pub(crate) pbx: Box<str>,
    pub(crate) bytes: Bytes,
}

/// What is kept: changes without a hole, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    frames: VecDeque<Frame>,
    bytes: usize,
}

/// The newest changes, and who waits for more.
#[derive(Debug)]
pub(crate) struct Frames {
    kept: Mutex<Kept>,
    streams: AtomicUsize,
    newest: watch::Sender<i64>,
}

/// A stream that is counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Stream(Arc<Frames>);

impl Drop for Stream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}

impl Frames {
    #[must_use]
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), streams: AtomicUsize::new(0), newest: watch::channel(0).0 })
    }

    /// A stream begins: from now on frames are made.
    pub(crate) fn stream(self: &Arc<Self>) -> Stream {
        self.streams.fetch_add(1, Relaxed);
        Stream(Arc::clone(self))
    }

    /// Streams that there are.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Relaxed)
    }

    /// Where the newest frame is: news for streams.
    pub(crate) fn newest(&self) -> watch::Receiver<i64> {
        self.newest.subscribe()
    }

    /// The frames after this change, as many as fit into so many bytes (one at least). `None` if some between are not kept: they are in the database.
    pub(crate) fn after(&self, seq: i64, most: usize) -> Option<Vec<Frame>> {
        let kept = self.kept();
        let first = kept.frames.front()?.seq;
        let skip = usize::try_from(seq + 1 - first).ok()?;
        let mut bytes = 0;
        let fits = |frame: &&Frame| {
            let fits = bytes == 0 || bytes + frame.bytes.len() <= most;
            bytes += frame.bytes.len();
            fits
        };
        Some(kept.frames.iter().skip(skip).take_while(fits).cloned().collect())
    }

    /// Makes frames of new changes, for as long as anybody streams.
    pub(crate) async fn follow(self: Arc<Self>, readers: Arc<Readers>, mut committed: watch::Receiver<i64>) {
        while committed.changed().await.is_ok() {
            if self.streams() == 0 {
                *self.kept() = Kept::default();
                continue;
            }
            let (frames, readers, last) = (Arc::clone(&self), Arc::clone(&readers), *committed.borrow_and_update());
            // What cannot be read now is read with the next change, or by each stream for itself.
            let read = tokio::task::spawn_blocking(move || frames.read_up_to(last, &readers)).await;
            if matches!(read, Ok(Ok(()))) {
                self.newest.send_replace(last);
            }
        }
    }

    fn read_up_to(&self, last: i64, readers: &Readers) -> Result<(), Error> {
        loop {
            let newest = self.kept().frames.back().map_or(last - 1, |frame| frame.seq);
            if newest >= last {
                return Ok(());
            }
            let (found, _) = readers.read(|reader| {
                let after = reader.feed()?.at(newest);
                read(reader, &after, &[], MAX_READ_BYTES)
            })?;
            let mut kept = self.kept();
            let Ok((found, _)) = found else {
                *kept = Kept::default();
                return Ok(());
            };
            if found.is_empty() {
                return Ok(());
            }
            for frame in found {
                kept.bytes += frame.bytes.len();
                kept.frames.push_back(frame);
                while kept.frames.len() > MAX_KEPT || kept.bytes > MAX_KEPT_BYTES && kept.frames.len() > 1 {
                    let Some(oldest) = kept.frames.pop_front() else { break };
                    kept.bytes -= oldest.bytes.len();
                }
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frames, and up to where the changes have been read.
pub(crate) type Read = Result<(Vec<Frame>, Cursor), Behind>;

/// Some changes after this cursor, as frames, those of these kinds, until they weigh so many bytes; and how far the feed goes.
pub(crate) fn read(
    reader: &crate::store::Reader,
    after: &Cursor,
    kinds: &[ChangeKind],
    most: usize,
) -> Result<(Read, Feed), Error> {
    let (mut frames, mut bytes) = (Vec::new(), 0);
    let (feed, read) = reader.each_change(Some(after), MAX_READ, kinds, |feed, change| {
        let made = frame(feed, &change);
        bytes += made.bytes.len();
        frames.push(made);
        if bytes < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok((read.map(|end| (frames, end)), feed))
}

fn frame(feed: &Feed, change: &Change) -> Frame {
    let data = serde_json::to_string(&ChangeAnswer::new(feed, change)).unwrap_or_default();
    let text = format!("id: {}\nevent: {}\ndata: {data}\n\n", feed.at(change.seq), change.kind);
    Frame { seq: change.seq, kind: change.kind, pbx: change.pbx.as_str().into(), bytes: text.into() }
}
