//! What every request passes first: its body is read before anything waits for it, and one user's requests wait for each other.

use super::front::Failure;
use super::places::Place;
use crate::timing::Timing;
use axum::body::Bytes;
use axum::extract::{Request, State as Shared};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;

/// Largest body, bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// An answer that goes on for as long as its reader wants: it is no request that others wait for.
#[derive(Debug, Clone, Copy)]
pub struct Streams;

/// Reads the body before anything waits for it, and lets one user work on a few requests at once.
pub async fn admit(Shared(place): Shared<Arc<Place>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let patience = Timing::get().request_body;
    let body = match tokio::time::timeout(patience, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = format!("the body cannot be read, or is longer than {MAX_BODY} bytes");
            return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, why).into_response();
        }
        Err(_) => {
            let why = format!("the body took longer than {} s", patience.as_secs_f32());
            let close = [(axum::http::header::CONNECTION, "close")];
            return (close, Failure::new(StatusCode::REQUEST_TIMEOUT, why)).into_response();
        }
    };
    let turn = place.request().await;
    let response = next.run(Request::from_parts(parts, body.into())).await;
    if response.extensions().get::<Streams>().is_some() {
        return response;
    }
    // The turn is over when the answer has been written, or given up.
    response.map(|body| axum::body::Body::new(Turn { body, _turn: turn }))
}

/// An answer's body, and the turn that is over with it.
struct Turn {
    body: axum::body::Body,
    _turn: Option<OwnedSemaphorePermit>,
}

impl hyper::body::Body for Turn {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
