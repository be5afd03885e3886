//! Lists in pages: at most so many rows an answer, written as they are read; the header `Link` says where the next ones are.

use super::front::{Failure, panicked};
use super::query::percent;
use super::readers::Readers;
use crate::store::{self, Reader};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream::poll_fn;
use hyper::body::Bytes;
use serde::Serialize;
use std::io;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Most rows of one answer.
pub(crate) const MAX_ROWS: usize = 1_000;
/// Rows go out in pieces of about this size, bytes.
const PIECE: usize = 16 * 1024;
/// Pieces that may wait for the client.
const PIECES: usize = 4;

/// What the reading thread hands over: first where the next page begins, if there is one, then the rows.
pub(crate) struct Rows {
    next: Option<oneshot::Sender<Result<Option<String>, Failure>>>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
    first: bool,
}

impl Rows {
    /// The rows will come, and this is the cursor behind them if there are more.
    pub(crate) fn begin(&mut self, next: Option<String>) {
        if let Some(sender) = self.next.take() {
            // Whoever asked may have gone.
            let _ = sender.send(Ok(next));
        }
    }

    /// The next row. False if nobody waits for it any more.
    pub(crate) fn row(&mut self, row: &impl Serialize) -> bool {
        self.piece.push(if std::mem::replace(&mut self.first, false) { b'[' } else { b',' });
        if let Err(error) = serde_json::to_writer(&mut self.piece, row) {
            return self.pieces.blocking_send(Err(error.into())).is_ok();
        }
        self.piece.len() < PIECE || self.send()
    }

    fn send(&mut self) -> bool {
        let piece = std::mem::take(&mut self.piece);
        self.pieces.blocking_send(Ok(piece.into())).is_ok()
    }

    fn end(mut self, read: Result<(), Failure>) {
        match (read, self.next.take()) {
            (Err(failure), Some(next)) => drop(next.send(Err(failure))),
            // The head has gone out: all that is left is to break the answer off.
            (Err(failure), None) => drop(self.pieces.blocking_send(Err(io::Error::other(failure.error)))),
            (Ok(()), _) => {
                self.piece.extend_from_slice(if self.first { b"[]" } else { b"]" });
                self.send();
            }
        }
    }
}

/// What the query of a list begins behind is no row of the list any more.
pub(crate) fn gone(after: &str) -> Failure {
    let fix = "begin again without `after`";
    let why = format!("{} is no longer in this list: {fix}", after.escape_debug());
    Failure::of_field("after", why, fix).with_status(StatusCode::GONE)
}

/// The rows that `read` finds, which runs on a thread that may wait.
pub(crate) async fn answer(
    readers: &Arc<Readers>,
    uri: &Uri,
    read: impl FnOnce(&Reader, &mut Rows) -> Result<(), PageError> + Send + 'static,
) -> Result<Response, Failure> {
    let (next, begun) = oneshot::channel();
    let (pieces, mut received) = mpsc::channel(PIECES);
    let readers = Arc::clone(readers);
    tokio::task::spawn_blocking(move || {
        let mut rows = Rows { next: Some(next), pieces, piece: Vec::new(), first: true };
        let result = readers.read(|reader| read(reader, &mut rows));
        rows.end(result.map_err(Failure::from));
    });
    let next = begun.await.map_err(|_| panicked())??;
    let body = Body::from_stream(poll_fn(move |cx| received.poll_recv(cx)));
    Ok(with_next(uri, next.as_deref(), ([(CONTENT_TYPE, "application/json")], body).into_response()))
}

/// Rows that are in memory, in the order of their keys: those behind `after`.
pub(crate) fn of<T: Serialize>(
    uri: &Uri,
    all: &[T],
    after: Option<&str>,
    limit: usize,
    key: impl Fn(&T) -> String,
) -> Response {
    let from = after.map_or(0, |after| all.partition_point(|row| key(row).as_str() <= after));
    let to = (from + limit).min(all.len());
    let next = all[from..to].last().filter(|_| to < all.len()).map(&key);
    with_next(uri, next.as_deref(), axum::Json(&all[from..to]).into_response())
}

/// RFC 8288: the same question with another `after`.
fn with_next(uri: &Uri, next: Option<&str>, mut response: Response) -> Response {
    let Some(next) = next else { return response };
    let others =
        uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let query: Vec<String> = others.map(str::to_owned).chain([format!("after={}", percent(next))]).collect();
    if let Ok(link) = format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&")).parse() {
        response.headers_mut().insert(LINK, link);
    }
    response
}

/// Why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The row that the page begins behind is not in the list.
    #[error("{0}")]
    Gone(String),
}

impl From<PageError> for Failure {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Store(error) => error.into(),
            PageError::Gone(after) => gone(&after),
        }
    }
}
