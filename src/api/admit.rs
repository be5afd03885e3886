//! What every request passes first: its body is read before anything waits for it, and those of one user, or of one token, wait for each other.

use super::front::{Failure, Peer, panicked};
use super::line::Line;
use super::slots::{Slot, Unsent};
use crate::timing::Timing;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::OwnedSemaphorePermit;

/// Largest body, bytes.
pub(crate) const MAX_BODY: usize = 16 * 1024;

/// Answers go out in pieces of this size at most, bytes.
const PIECE: usize = 16 * 1024;

/// An answer that goes on for as long as its reader wants: it is no request that others wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streams;

/// Reads the body before anything waits for it, and lets one user, or one token, have a few requests worked on at once.
pub(crate) async fn admit(Extension(slot): Extension<Arc<Slot>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let patience = Timing::get().request_body;
    let body = match tokio::time::timeout(patience, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            slot.request_refused();
            let fix = format!("send {MAX_BODY} bytes at most");
            let why = format!("the body cannot be read, or is too long: {fix}");
            return Failure::of_field("body", why, fix).with_status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
        }
        Err(_) => {
            slot.request_refused();
            let why = format!("the body took longer than {} s", patience.as_secs_f32());
            let close = [(axum::http::header::CONNECTION, "close")];
            return (close, Failure::of_field("body", why, "send it at once").with_status(StatusCode::REQUEST_TIMEOUT))
                .into_response();
        }
    };
    let line = parts.extensions.get::<Arc<Line>>().cloned().unwrap_or_default();
    let name = parts.extensions.get::<Peer>().map(|peer| peer.name.clone()).unwrap_or_default();
    let turn = slot.request(&name).await;
    // A task of its own: who hangs up meanwhile ends neither what was begun, on a thread that reads the database, say, nor its turn.
    let work = tokio::spawn(async move { (next.run(Request::from_parts(parts, body.into())).await, turn) });
    let Ok((mut response, turn)) = work.await else { return panicked().into_response() };
    let streams = response.extensions().get::<Streams>().is_some();
    let bytes = response.body().size_hint().exact().map_or(0, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let unsent = if bytes > PIECE {
        let room = slot.unsent(bytes);
        if room.is_none() {
            response = full().into_response();
        }
        room
    } else {
        None
    };
    // The turn is over when the answer has been written, or given up.
    let turn = turn.filter(|_| !streams);
    response.map(|body| axum::body::Body::new(Sent { body, rest: Bytes::new(), line, _turn: turn, _unsent: unsent }))
}

/// There is no room for one more answer.
pub(crate) fn full() -> Failure {
    let why = "too much of other answers has not been read yet: read them, or close their connections, and try again";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

/// An answer's body on its way: it is handed out in small pieces, the next when there is room for it. So what it holds, its turn above all,
/// is free again when it has been sent, and not when it has been made.
struct Sent {
    body: axum::body::Body,
    /// Of what the body gave last.
    rest: Bytes,
    line: Arc<Line>,
    _turn: Option<OwnedSemaphorePermit>,
    _unsent: Option<Unsent>,
}

impl Sent {
    fn piece(&mut self) -> Frame<Bytes> {
        // A copy: a slice would keep the whole for as long as it waits itself.
        let piece = Bytes::copy_from_slice(&self.rest.split_to(self.rest.len().min(PIECE)));
        if self.rest.is_empty() {
            self.rest = Bytes::new();
        }
        Frame::data(piece)
    }
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.line.asked();
        let frame = if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.rest = data;
                        self.piece()
                    }
                    Err(trailers) => trailers,
                },
                none => return Poll::Ready(none),
            }
        } else {
            self.piece()
        };
        self.line.ready();
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        // What is left is in the connection's own buffer, and has its time.
        self.line.asked();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::slots::{MAX_REQUESTS, Slots};
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn who_hangs_up_keeps_their_turn_until_what_they_began_is_done() {
        let slot = Arc::new(Slots::new(999).take(1_000).unwrap());
        let gate = Arc::new(tokio::sync::Semaphore::new(0));
        let waits = Arc::clone(&gate);
        let router = axum::Router::new()
            .route("/", axum::routing::get(async move || drop(waits.acquire().await)))
            .layer(axum::middleware::from_fn(admit))
            .layer(Extension(Arc::clone(&slot)));
        let service = hyper_util::service::TowerToHyperService::new(router);
        for _ in 0..MAX_REQUESTS {
            let request = Request::new(axum::body::Body::empty());
            let answer = hyper::service::Service::call(&service, request).now_or_never();
            assert!(answer.is_none(), "it waits, and whoever asked has gone");
        }
        tokio::task::yield_now().await;
        assert!(slot.request("").now_or_never().is_none());
        gate.add_permits(1);
        drop(slot.request("").await);
    }

    #[tokio::test]
    async fn a_turn_is_over_when_the_last_piece_of_the_answer_is_taken() {
        let slot = Slots::new(999).take(1_000).unwrap();
        let mut turns = Vec::new();
        while turns.len() < MAX_REQUESTS {
            turns.push(slot.request("").await);
        }
        let whole: Vec<u8> = (0..3 * PIECE + 1).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let (body, line) = (axum::body::Body::from(whole.clone()), Arc::default());
        let unsent = slot.unsent(whole.len());
        let mut sent = Sent { body, rest: Bytes::new(), line, _turn: turns.pop().unwrap(), _unsent: unsent };
        let mut read = Vec::new();
        while !hyper::body::Body::is_end_stream(&sent) {
            assert!(slot.request("").now_or_never().is_none(), "after {} bytes", read.len());
            let left = hyper::body::Body::size_hint(&sent).exact();
            assert_eq!(left, Some((whole.len() - read.len()) as u64));
            let piece = sent.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(piece.len() <= PIECE, "{}", piece.len());
            read.extend_from_slice(&piece);
        }
        drop(sent);
        assert!(slot.request("").now_or_never().is_some());
        assert_eq!(read, whole);
    }
}
