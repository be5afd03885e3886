//! `/v1/events`: the change feed as a stream of server-sent events, for pages and programs that want to know at once.

use super::changes::{concerns, cursor, kinds};
use crate::api::admit::{Streams, full};
use crate::api::frames::{self, Frame, Stream};
use crate::api::front::{Failure, Front, Listed, Peer};
use crate::api::line::Line;
use crate::api::query::Asked;
use crate::api::slots::{Slot, StreamSlot, Unsent};
use crate::store::feed::{Behind, Cursor};
use crate::store::tokens::Token;
use crate::timing::Timing;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::IntoResponse;
use callbackd_core::model::ChangeKind;
use futures_util::FutureExt as _;
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{broadcast, watch};

/// What a stream is given to send at once, bytes: a thousand clients that do not read keep a thousand of them.
const PIECE: usize = 16 << 10;

/// The header with which a browser's `EventSource` goes on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

routes! {
    "/v1/events" {
        /// The same as server-sent events: begin, then one for each change, named by its kind, data is Change; or reset, data has cursor, why and
        /// Live. Goes on after the header Last-Event-ID
        get events: query::<Wanted>(), header("Last-Event-ID", "the id of the last event that came"), text("text/event-stream");
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `next` of an earlier answer, or the id of an event.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Cursor>"))]
    after: Option<String>,
    /// Kinds, or what they begin with (`callback`), separated by commas.
    kind: Option<String>,
    /// What is about no PBX in particular (the do-not-call list) comes with each.
    pbx: Option<String>,
}

async fn events(
    State(front): State<Arc<Front>>,
    Extension(line): Extension<Arc<Line>>,
    Extension(slot): Extension<Arc<Slot>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Asked(wanted): Asked<Wanted>,
) -> Listed {
    let kinds = kinds(wanted.kind.as_deref())?;
    let withdrawn = front.withdrawn.subscribe();
    front.knows(wanted.pbx.as_deref(), true).await?;
    // What cannot be a cursor is refused as one, and not taken for none: the reader would miss what it was to begin with.
    let last = headers.get(LAST_EVENT_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let after = last.or(wanted.after).as_deref().map(cursor).transpose()?;
    let too_many = "too many streams: close some that are open and try again";
    let slot = slot.stream().ok_or_else(|| Failure::new(StatusCode::SERVICE_UNAVAILABLE, too_many))?;
    let feed = front.read(|reader| reader.feed()).await?;
    let (at, first, unsent) = match after.map(|after| (feed.goes_on(&after), after)) {
        None => (feed.end(), begin(&feed.site, &feed.end()), None),
        Some((Ok(()), after)) => (after.clone(), begin(&feed.site, &after), None),
        Some((Err(behind), _)) => front.reset(behind, wanted.pbx.as_deref(), &slot).await?,
    };
    line.streams();
    let follower = Follower {
        committed: front.committed.clone(),
        newest: front.frames.newest(),
        permit: Permit { bearer: peer.name, withdrawn },
        _counted: front.frames.stream(),
        slot,
        first: Some(first),
        unsent,
        front,
        kinds,
        pbx: wanted.pbx,
        at,
    };
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let mut response = (headers, Body::from_stream(unfold(follower, Follower::next))).into_response();
    response.extensions_mut().insert(Streams);
    Ok(response)
}

/// The first event of a stream that goes on from its cursor, or from now.
fn begin(site: &str, at: &Cursor) -> Bytes {
    let data = json!({ "site": site, "cursor": at });
    format!("retry: 3000\nid: {at}\nevent: begin\ndata: {data}\n\n").into()
}

impl Front {
    /// The event for a reader that cannot go on: how things are now, and the cursor that follows from.
    async fn reset(
        &self,
        behind: Behind,
        pbx: Option<&str>,
        slot: &StreamSlot,
    ) -> Result<(Cursor, Bytes, Option<Unsent>), Failure> {
        let live = self.live(pbx).await?;
        let at = live.cursor.clone();
        let data = json!({ "cursor": at, "why": behind.to_string(), "live": live });
        let event = format!("retry: 3000\nid: {at}\nevent: reset\ndata: {data}\n\n");
        let unsent = slot.unsent(event.len()).ok_or_else(full)?;
        Ok((at, event.into(), Some(unsent)))
    }
}

/// By what its client may read: withdrawn, the stream ends.
struct Permit {
    /// As [`Token::bearer`] says it, or a user of the machine.
    bearer: String,
    withdrawn: broadcast::Receiver<Arc<str>>,
}

impl Permit {
    fn is_withdrawn(&mut self) -> bool {
        self.withdrawn().now_or_never().is_some()
    }

    /// Waits until it is. Whoever missed some that were comes back, and is looked at.
    async fn withdrawn(&mut self) {
        while let Ok(name) = self.withdrawn.recv().await {
            if Token::is_borne(&name, &self.bearer) {
                return;
            }
        }
    }
}

/// One stream: where it has come to. It holds no change that its client has not asked for.
struct Follower {
    front: Arc<Front>,
    _counted: Stream,
    slot: StreamSlot,
    committed: watch::Receiver<i64>,
    newest: watch::Receiver<i64>,
    permit: Permit,
    first: Option<Bytes>,
    /// Room that the last piece takes, if it is a long one.
    unsent: Option<Unsent>,
    kinds: Vec<ChangeKind>,
    /// Of this PBX alone, with what is about none in particular.
    pbx: Option<String>,
    at: Cursor,
}

impl Follower {
    /// Waits for something to send. The stream ends where the database cannot be read: its client comes back with its cursor.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let piece = match self.first.take() {
            Some(first) => first,
            None => {
                self.unsent = None;
                self.piece().await?
            }
        };
        Some((Ok(piece), self))
    }

    async fn piece(&mut self) -> Option<Bytes> {
        loop {
            if self.permit.is_withdrawn() {
                return None;
            }
            let mut wait = true;
            if self.at.seq < *self.committed.borrow_and_update() {
                wait = false;
                match self.front.frames.after(self.at.seq, PIECE) {
                    Some(frames) if frames.is_empty() => wait = true,
                    Some(frames) => {
                        self.at.seq = frames.last().map_or(self.at.seq, |frame| frame.seq);
                        if let Some(piece) = self.of(&frames) {
                            return Some(piece);
                        }
                    }
                    None => {
                        let _turn = self.front.late_reads.acquire().await.ok()?;
                        let (at, kinds) = (self.at.clone(), self.kinds.clone());
                        let read = self.front.read(move |reader| frames::read(reader, &at, &kinds, PIECE)).await;
                        match read.ok()? {
                            (Ok((frames, end)), _) => {
                                // A snapshot that is older than what was sent.
                                wait = end == self.at;
                                self.at = end;
                                if let Some(piece) = self.of(&frames) {
                                    return Some(piece);
                                }
                            }
                            (Err(behind), _) => {
                                let reset = self.front.reset(behind, self.pbx.as_deref(), &self.slot);
                                let (at, reset, unsent) = reset.await.ok()?;
                                (self.at, self.unsent) = (at, unsent);
                                return Some(reset);
                            }
                        }
                    }
                }
            }
            if wait {
                tokio::select! {
                    news = self.newest.changed() => news.ok()?,
                    () = self.permit.withdrawn() => return None,
                    () = tokio::time::sleep(Timing::get().heartbeat) => return Some(Bytes::from_static(b":\n\n")),
                }
            }
        }
    }

    /// Those that are wanted, in one piece.
    fn of(&self, frames: &[Frame]) -> Option<Bytes> {
        let wanted = |frame: &&Frame| {
            (self.kinds.is_empty() || self.kinds.contains(&frame.kind)) && concerns(self.pbx.as_deref(), &frame.pbx)
        };
        let piece: Vec<u8> = frames.iter().filter(wanted).flat_map(|frame| &frame.bytes).copied().collect();
        (!piece.is_empty()).then(|| piece.into())
    }
}
