//! What can be asked, and under which path.

use super::Ask;
use super::orders::{Add, DncAdd, Order, status_of};
use super::pages::{self, MAX_ROWS, PageError};
use super::places::{Place, Places};
use super::status::{AgentInPresence, Status};
use crate::store::{self, CallbackFilter, Reader};
use crate::timing::Timing;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State as Shared};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Json, Router};
use callbackd_core::callbacks::commands::{Command, Done};
use callbackd_core::model::{CallbackState, NoSuchPbx, PbxId};
use hyper::body::{Frame, SizeHint};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Largest body, bytes.
pub const MAX_BODY: usize = 16 * 1024;
/// The daemon's loop answers within milliseconds, and commands within a commit. A database that cannot be written makes them wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What all requests share.
#[derive(Debug)]
pub struct Front {
    /// To the daemon's loop.
    pub asks: mpsc::Sender<Ask>,
    /// The database's path.
    pub db: PathBuf,
    /// Who is connected.
    pub places: Arc<Places>,
}

/// The user at the other end.
#[derive(Debug, Clone)]
pub struct Peer(pub String);

/// What went wrong, as a status and a sentence.
#[derive(Debug)]
pub(super) struct Failure(pub StatusCode, pub String);

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

type Body = Result<Bytes, BytesRejection>;
type Answer = Result<Json<serde_json::Value>, Failure>;

/// A path, a question or a body that cannot be read is answered in JSON as everything else is.
macro_rules! unreadable {
    ($($rejection:ty),*) => {
        $(impl From<$rejection> for Failure {
            fn from(rejection: $rejection) -> Self {
                Self(rejection.status(), rejection.body_text())
            }
        })*
    };
}

unreadable!(PathRejection, QueryRejection, BytesRejection);

/// Reads the body before anything waits for it, and lets one user work on a few requests at once.
async fn admit(Shared(place): Shared<Arc<Place>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let patience = Timing::get().request_body;
    let body = match tokio::time::timeout(patience, axum::body::to_bytes(body, MAX_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let why = format!("the body cannot be read, or is longer than {MAX_BODY} bytes");
            return Failure(StatusCode::PAYLOAD_TOO_LARGE, why).into_response();
        }
        Err(_) => {
            let why = format!("the body took longer than {} s", patience.as_secs_f32());
            let close = [(axum::http::header::CONNECTION, "close")];
            return (close, Failure(StatusCode::REQUEST_TIMEOUT, why)).into_response();
        }
    };
    let turn = place.request().await;
    let response = next.run(Request::from_parts(parts, body.into())).await;
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

/// All routes of the API, for a connection that has this place.
pub fn router(front: Arc<Front>, place: Place) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/agents", get(agents))
        .route("/v1/callbacks", get(list).post(add))
        .route("/v1/callbacks/{id}", get(story))
        .route("/v1/callbacks/{id}/{order}", post(order))
        .route("/v1/dnc", get(forbidden).post(forbid))
        .route("/v1/dnc/{number}", delete(permit))
        .fallback(|| async { Failure(StatusCode::NOT_FOUND, NOWHERE.to_owned()) })
        .method_not_allowed_fallback(|| async { Failure(StatusCode::METHOD_NOT_ALLOWED, OTHERWISE.to_owned()) })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::new(place), admit))
        .with_state(front)
}

const NOWHERE: &str = "there is nothing here: try /v1/status, /v1/agents, /v1/callbacks, /v1/callbacks/ID, /v1/dnc";
const OTHERWISE: &str = "this cannot be done here: the header Allow says what can";

async fn status(Shared(front): Shared<Arc<Front>>) -> Answer {
    let mut status: Status = front.ask(Ask::Status).await?;
    status.counters.api.connections_refused = front.places.refused();
    Ok(Json(json!(status)))
}

/// Query that names a PBX.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPbx {
    pbx: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

/// How many rows of a list are wanted in one answer.
fn rows_of(limit: Option<usize>) -> usize {
    limit.unwrap_or(MAX_ROWS).min(MAX_ROWS)
}

type Listed = Result<Response, Failure>;

async fn agents(Shared(front): Shared<Arc<Front>>, uri: Uri, of: Result<Query<OfPbx>, QueryRejection>) -> Listed {
    let Query(of) = of?;
    front.knows(of.pbx.as_deref(), false).await?;
    let mut agents: Vec<AgentInPresence> = front.ask(Ask::Agents).await?;
    agents.retain(|agent| of.pbx.as_ref().is_none_or(|pbx| agent.pbx == *pbx));
    let key = |agent: &AgentInPresence| format!("{}:{}", agent.pbx, agent.agent);
    agents.sort_by_cached_key(key);
    Ok(pages::of(&uri, &agents, of.after.as_deref(), rows_of(of.limit), key))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    open: Option<bool>,
    state: Option<String>,
    queue: Option<String>,
    number: Option<String>,
    pbx: Option<String>,
    after: Option<i64>,
    limit: Option<usize>,
}

async fn list(Shared(front): Shared<Arc<Front>>, uri: Uri, wanted: Result<Query<Wanted>, QueryRejection>) -> Listed {
    let Query(wanted) = wanted?;
    let words = wanted.state.iter().flat_map(|words| words.split(','));
    let state = words.map(|word| CallbackState::from_text(word).ok_or_else(|| unknown_state(word)));
    let filter = CallbackFilter {
        open: wanted.open,
        state: state.collect::<Result<_, _>>()?,
        queue: wanted.queue,
        number: wanted.number,
        pbx: wanted.pbx,
        limit: None,
    };
    front.knows(filter.pbx.as_deref(), true).await?;
    let (after, limit) = (wanted.after, rows_of(wanted.limit));
    pages::answer(front.db.clone(), &uri, move |reader, rows| {
        let found = reader.page_of_callbacks(&filter, after, limit, |page| {
            rows.begin(page.next.map(|id| id.to_string()));
            page.rows(|row| rows.row(&row))
        })?;
        found.ok_or_else(|| PageError::Gone(after.unwrap_or_default().to_string()))
    })
    .await
}

fn unknown_state(word: &str) -> Failure {
    let all: Vec<&str> = CallbackState::ALL.iter().map(|s| s.as_str()).collect();
    Failure(StatusCode::BAD_REQUEST, format!("{} is no state: use {}", word.escape_debug(), all.join(", ")))
}

async fn story(Shared(front): Shared<Arc<Front>>, id: Result<Path<i64>, PathRejection>) -> Answer {
    let Path(id) = id?;
    match front.read(move |reader| reader.callback_story(id)).await? {
        Some(story) => Ok(Json(json!(story))),
        None => Err(Failure(StatusCode::NOT_FOUND, format!("there is no callback {id}"))),
    }
}

async fn add(Shared(front): Shared<Arc<Front>>, Extension(peer): Extension<Peer>, body: Body) -> Answer {
    let add: Add = parse(&body?)?;
    front.command(add.try_into().map_err(bad)?, peer).await
}

async fn order(
    Shared(front): Shared<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<(i64, String)>, PathRejection>,
    body: Body,
) -> Answer {
    let (Path((id, name)), body) = (path?, body?);
    let order: Order = if body.is_empty() { Order::default() } else { parse(&body)? };
    match order.command(id, &name) {
        Some(command) => front.command(command.map_err(bad)?, peer).await,
        None => {
            let orders = "cancel, hold, release, assign, retry, prioritise, delay";
            Err(Failure(StatusCode::NOT_FOUND, format!("{} cannot be done: use {orders}", name.escape_debug())))
        }
    }
}

/// Query for a part of the do-not-call list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    after: Option<String>,
    limit: Option<usize>,
}

async fn forbidden(Shared(front): Shared<Arc<Front>>, uri: Uri, part: Result<Query<Part>, QueryRejection>) -> Listed {
    let Query(part) = part?;
    #[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
    let now_ms = jiff::Timestamp::now().as_millisecond();
    pages::answer(front.db.clone(), &uri, move |reader, rows| {
        let after = part.after.unwrap_or_default();
        Ok(reader.page_of_do_not_call(now_ms, &after, rows_of(part.limit), |page| {
            rows.begin(page.next.clone());
            page.rows(|row| rows.row(&row))
        })?)
    })
    .await
}

async fn forbid(Shared(front): Shared<Arc<Front>>, Extension(peer): Extension<Peer>, body: Body) -> Answer {
    let forbid: DncAdd = parse(&body?)?;
    front.command(forbid.try_into().map_err(bad)?, peer).await
}

async fn permit(
    Shared(front): Shared<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    number: Result<Path<String>, PathRejection>,
) -> Answer {
    let Path(number) = number?;
    front.command(Command::DncRemove { number }, peer).await
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| bad(format!("the body is not the JSON that is expected here: {error}")))
}

fn bad(why: String) -> Failure {
    Failure(StatusCode::BAD_REQUEST, why)
}

impl Front {
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let busy =
            || Failure(StatusCode::SERVICE_UNAVAILABLE, "the daemon is busy or about to end: try again".to_owned());
        self.asks.try_send(ask(reply)).map_err(|_| busy())?;
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(busy()),
            Err(_) => Err(Failure(
                StatusCode::GATEWAY_TIMEOUT,
                "it was taken, but is not on the disk yet: the database cannot be written (callbackd status, journalctl -u callbackd)"
                    .to_owned(),
            )),
        }
    }

    async fn command(&self, command: Command, peer: Peer) -> Answer {
        let done = self.ask(|reply| Ask::Command { command, by: peer.0, reply }).await?;
        match done {
            Ok(Done::Callback(row)) => Ok(Json(json!({ "callback": row }))),
            Ok(Done::Forbidden(entry)) => Ok(Json(json!({ "forbidden": entry }))),
            Ok(Done::Permitted(number)) => Ok(Json(json!({ "permitted": number }))),
            Err(error) => Err(Failure(status_of(&error), error.to_string())),
        }
    }

    /// Whether there is a PBX of the name that is given, if one is; one that the configuration names no more may be `stored`.
    async fn knows(&self, name: Option<&str>, stored: bool) -> Result<(), Failure> {
        let Some(name) = name else { return Ok(()) };
        let status: Status = self.ask(Ask::Status).await?;
        let mut known: BTreeSet<PbxId> = status.pbx.iter().map(|pbx| PbxId::new(&pbx.name)).collect();
        if stored && !known.contains(name) {
            known.extend(self.read(Reader::pbxs).await?);
        }
        NoSuchPbx::unless(name, known).map_err(|unknown| bad(unknown.to_string()))
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let db = self.db.clone();
        let read = tokio::task::spawn_blocking(move || query(&Reader::open(&db)?));
        match read.await {
            Ok(result) => Ok(result?),
            Err(_) => {
                Err(Failure(StatusCode::INTERNAL_SERVER_ERROR, "the query panicked: please report this".to_owned()))
            }
        }
    }
}
