//! What all requests share: the way to the daemon's loop, the connections for reading, and how a refusal is said.

use super::Ask;
use super::answers::CodeSet;
use super::commands::{needed, refusal, refusal_of_form};
use super::frames::Frames;
use super::query::{DESCRIBED, unknown};
use super::readers::Readers;
use super::slots::Slots;
use super::status::Status;
use super::web::Today;
use crate::background::background;
use crate::language::{Language, Unknown};
use crate::store::tokens::Role;
use crate::store::{self, CallFilter, NoChoice, Reader};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::model::identity::there_are;
use callbackd_core::model::{NoSuchPbx, PbxId};
use callbackd_core::order::Gather as _;
use rustix::process::geteuid;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// The daemon's loop answers within milliseconds, and commands within a commit. A database that cannot be written makes them wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests that wait for the daemon's loop.
const MAX_ASKS: usize = 64;

/// Streams that read the database at once: each that reads has a connection and a thread of its own, and a thousand of them may be late together.
const MAX_LATE_READS: usize = 2;

/// Answers at once that are made of whole tables of what is now (channels, agents, queues), of which a page is shown: each holds them while it is made.
const MAX_WHOLE_READS: usize = 2;

/// Names of withdrawn tokens that a stream may have yet to hear of; one that missed some ends too, and its client comes back.
const MAX_WITHDRAWN: usize = 16;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Front {
    /// To the daemon's loop.
    asks: mpsc::Sender<Ask>,
    /// To the database.
    pub(super) readers: Arc<Readers>,
    /// The newest change that is on the disk.
    pub(super) committed: watch::Receiver<i64>,
    /// The newest changes, as streams send them.
    pub(super) frames: Arc<Frames>,
    /// Turns of streams that read the database.
    pub(super) late_reads: Semaphore,
    /// The turn of whoever says what a call was: what is taken off a call depends on what all calls of its customer have, on the disk.
    pub(super) says: Mutex<()>,
    /// Turns of answers that are made of whole tables.
    whole_reads: Semaphore,
    /// Names of tokens as they are withdrawn.
    pub(super) withdrawn: broadcast::Sender<Arc<str>>,
    /// Figures of today, as walls show them.
    pub(super) today: Today,
    /// Who is connected.
    pub(super) slots: Arc<Slots>,
    follows: JoinHandle<()>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.follows.abort();
    }
}

/// Who is at the other end: a user of the machine, or the bearer of a token.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// As the history has them.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
}

/// Why a request was not carried out: a status, a sentence, and where they can be known the field that is wrong and what to write there.
#[derive(Debug)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Error"))]
pub(crate) struct Failure {
    #[cfg_attr(feature = "openapi", schemars(skip))]
    pub(crate) status: StatusCode,
    /// A sentence.
    pub(crate) error: String,
    /// Which field, header or parameter is wrong.
    #[cfg_attr(feature = "openapi", schemars(with = "String", skip_serializing_if = "Option::is_none"))]
    field: Option<String>,
    /// What to write there.
    #[cfg_attr(feature = "openapi", schemars(with = "String", skip_serializing_if = "Option::is_none"))]
    fix: Option<String>,
    /// With 410 of `/v1/changes` and `/v1/events`: from here on the feed can be read.
    #[cfg_attr(feature = "openapi", schemars(with = "String", skip_serializing_if = "Option::is_none"))]
    cursor: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), field: None, fix: None, cursor: None }
    }

    /// A field of the question, the path or the body is wrong.
    pub(crate) fn of_field(field: &str, error: impl Into<String>, fix: impl Into<String>) -> Self {
        let (field, fix) = (Some(field.to_owned()), Some(fix.into()));
        Self { field, fix, ..Self::new(StatusCode::BAD_REQUEST, error) }
    }

    /// What this field of the path or the body names is not there.
    pub(crate) fn not_found(field: &str, error: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of_field(field, error, fix).with_status(StatusCode::NOT_FOUND)
    }

    /// What to do, where no field is wrong.
    pub(crate) fn with_fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    /// From here on the feed can be read.
    pub(crate) fn with_cursor(self, cursor: String) -> Self {
        Self { cursor: Some(cursor), ..self }
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.error });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        if let Some(fix) = self.fix {
            body["fix"] = fix.into();
        }
        if let Some(cursor) = self.cursor {
            body["cursor"] = cursor.into();
        }
        (self.status, Json(body)).into_response()
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

/// A path or a body that cannot be read is answered in JSON as everything else is.
impl From<PathRejection> for Failure {
    fn from(rejection: PathRejection) -> Self {
        let fix = format!("ids of callbacks are whole numbers, names and numbers are UTF-8 ({DESCRIBED})");
        Self::of_field("path", format!("the path cannot be read: {fix}"), fix).with_status(rejection.status())
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

pub(crate) type Body = Result<Bytes, BytesRejection>;
pub(crate) type Answer = Result<Json<serde_json::Value>, Failure>;
pub(crate) type Listed = Result<Response, Failure>;

/// The body of a request, as JSON.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let fix = format!("send a JSON object as {DESCRIBED} has it");
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::of_field("body", format!("the body is no JSON object: {fix}"), fix));
    }
    serde_json::from_slice(body).map_err(|error| {
        let words = error.to_string();
        unknown("field", &words).unwrap_or_else(|| {
            let missing = words.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
            if let Some((name, _)) = missing {
                return needed(name);
            }
            let place = Some((error.line(), error.column())).filter(|_| error.is_data());
            let field = place.and_then(|(line, column)| field_at(body, line, column));
            let why = format!("the body is not the JSON that is expected here: {words}: {fix}");
            Failure::of_field(field.as_deref().unwrap_or("body"), why, fix)
        })
    })
}

/// The field whose value ends there, lines and columns counted from 1: the last word in quotes with a colon behind it. Bodies are flat objects.
fn field_at(body: &[u8], line: usize, column: usize) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let before: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let read = text.get(..before + column).unwrap_or(&text);
    let quoted: Vec<(usize, &str)> = read.match_indices('"').collect();
    let mut names = quoted.windows(2).filter_map(|two| {
        let behind = read[two[1].0 + 1..].trim_start();
        behind.starts_with(':').then(|| &read[two[0].0 + 1..two[1].0])
    });
    names
        .next_back()
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .map(str::to_owned)
}

/// A query that panicked.
pub(crate) fn panicked() -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the query panicked: please report this")
}

/// Looks up a name of a filter.
type Choose = fn(&Reader, &mut CallFilter) -> Result<(), NoChoice>;

impl Front {
    /// Of this database; and what is asked. `committed`: the newest change that is on the disk.
    #[must_use]
    pub(crate) fn new(db: &Path, committed: watch::Receiver<i64>) -> (Arc<Self>, mpsc::Receiver<Ask>) {
        let (asks, received) = mpsc::channel(MAX_ASKS);
        let (readers, frames) = (Arc::new(Readers::new(db)), Frames::new());
        let follows = background(Arc::clone(&frames).follow(Arc::clone(&readers), committed.clone()));
        let slots = Slots::new(geteuid().as_raw());
        let (late_reads, whole_reads) = (Semaphore::new(MAX_LATE_READS), Semaphore::new(MAX_WHOLE_READS));
        let (today, withdrawn) = (Today::default(), broadcast::Sender::new(MAX_WITHDRAWN));
        let front = Self {
            asks,
            readers,
            committed,
            frames,
            late_reads,
            says: Mutex::default(),
            whole_reads,
            withdrawn,
            today,
            slots,
            follows,
        };
        (Arc::new(front), received)
    }

    /// Adds what is counted here and not by the daemon's loop.
    pub(super) fn count(&self, status: &mut Status) {
        let (slots, api) = (&self.slots, &mut status.counters.api);
        api.connections_refused = slots.refused();
        api.answers_refused = slots.answers_refused();
        api.requests_refused = slots.requests_refused();
        api.handshakes_failed = slots.handshakes_failed();
        api.newcomers_closed = slots.newcomers_closed();
        status.streams = slots.streams();
    }

    /// The turn of an answer that is made of whole tables; none once the daemon ends.
    pub(super) async fn whole(&self) -> Option<SemaphorePermit<'_>> {
        self.whole_reads.acquire().await.ok()
    }

    pub(super) async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Failure> {
        self.ask_for(ANSWER_TIMEOUT, ask).await
    }

    /// The same for what may take longer.
    pub(super) async fn ask_for<T>(
        &self,
        patience: Duration,
        ask: impl FnOnce(oneshot::Sender<T>) -> Ask,
    ) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let busy = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is busy or about to end: try again");
        self.asks.try_send(ask(reply)).map_err(|_| {
            self.slots.request_refused();
            busy()
        })?;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(busy()),
            Err(_) => Err(Failure::new(
                StatusCode::GATEWAY_TIMEOUT,
                "it was taken, but is not on the disk yet: the database cannot be written (callbackd status, journalctl -u callbackd)",
            )),
        }
    }

    pub(super) async fn command(&self, command: Command, peer: Peer) -> Answer {
        let say = if peer.role == Role::Request { refusal_of_form } else { refusal };
        match self.order(command, peer.name).await? {
            Ok(Done::Callback(row)) => Ok(Json(json!({ "callback": row }))),
            Ok(Done::DncAdded(entry)) => Ok(Json(json!({ "added": entry }))),
            Ok(Done::DncRemoved(number)) => Ok(Json(json!({ "removed": number }))),
            Ok(Done::Tagged(tagged)) => Ok(Json(json!(CodeSet::from(*tagged)))),
            Ok(Done::Untagged(tag)) => Ok(Json(json!({ "removed": tag }))),
            Err(error) => Err(say(&error)),
        }
    }

    /// What came of it; in which words it is refused is up to the caller.
    pub(super) async fn order(&self, command: Command, by: String) -> Result<Result<Done, CommandError>, Failure> {
        self.ask(|reply| Ask::Command { command, by, reply }).await
    }

    /// Whether there is a PBX of the name that is given, if one is; one that the configuration names no more may be `stored`.
    pub(super) async fn knows(&self, name: Option<&str>, stored: bool) -> Result<(), Failure> {
        self.unknown_pbx(name, stored).await?.map_or(Ok(()), |unknown| {
            let fix = there_are(&unknown.known);
            Err(Failure::of_field("pbx", unknown.to_string(), fix))
        })
    }

    /// What is said of a PBX that there is not; `None` if none is named, or there is.
    pub(super) async fn unknown_pbx(&self, name: Option<&str>, stored: bool) -> Result<Option<NoSuchPbx>, Failure> {
        let Some(name) = name else { return Ok(None) };
        let status: Status = self.ask(Ask::Status).await?;
        let mut known: BTreeSet<PbxId> = status.pbx.iter().map(|pbx| PbxId::new(&pbx.name)).to_set();
        if stored && !known.contains(name) {
            known.extend(self.read(Reader::pbxs).await?);
        }
        Ok(NoSuchPbx::unless(name, known).err())
    }

    /// A filter whose name in `field` is as the database has it; where nothing has it, those that there are.
    pub(super) async fn choose(
        &self,
        field: &str,
        mut filter: CallFilter,
        name: Choose,
    ) -> Result<CallFilter, Failure> {
        let chosen = self.read(move |reader| match name(reader, &mut filter) {
            Ok(()) => Ok(Ok(filter)),
            Err(NoChoice::Store(error)) => Err(error),
            Err(NoChoice::Unknown(unknown)) => Ok(Err(unknown)),
        });
        chosen.await?.map_err(|unknown| unknown_name(field, &unknown))
    }

    /// The code that is named, as it is written: shipped, configured, or borne by a call.
    pub(super) async fn code(&self, field: &str, tag: Option<String>) -> Result<Option<String>, Failure> {
        let named = CallFilter { tag, ..CallFilter::default() };
        Ok(self.choose(field, named, |reader, named| reader.choose_code(&mut named.tag)).await?.tag)
    }

    /// The queue that is named, as it is written: one that a call was in, or that the PBX has now.
    pub(super) async fn queue(&self, queue: Option<String>) -> Result<Option<String>, Failure> {
        self.queue_or_not(queue).await?.map_err(|unknown| unknown_name("queue", &unknown))
    }

    /// The same; what is said of one that there is not is up to the caller.
    pub(super) async fn queue_or_not(
        &self,
        mut queue: Option<String>,
    ) -> Result<Result<Option<String>, Unknown>, Failure> {
        let Some(wanted) = queue.clone() else { return Ok(Ok(None)) };
        let stored = self.read(move |reader| match reader.choose_queue(&mut queue) {
            Ok(()) => Ok(Ok(queue)),
            Err(NoChoice::Store(error)) => Err(error),
            Err(NoChoice::Unknown(unknown)) => Ok(Err(unknown)),
        });
        let unknown = match stored.await? {
            Ok(named) => return Ok(Ok(named)),
            Err(unknown) => unknown,
        };
        let now = self.ask(Ask::Queues).await?;
        let of_now = now.into_iter().map(|queue| queue.queue).find(|queue| queue.eq_ignore_ascii_case(&wanted));
        Ok(of_now.map(Some).ok_or(unknown))
    }

    /// Reads on a thread that may wait.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        let readers = Arc::clone(&self.readers);
        match tokio::task::spawn_blocking(move || readers.read(query)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(panicked()),
        }
    }
}

/// Nothing has the name that is in this field.
fn unknown_name(field: &str, unknown: &Unknown) -> Failure {
    let (why, fix) = Language::En.unknown(unknown);
    Failure::of_field(field, format!("{why}; {fix}"), fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_field_of_a_value_that_is_not_of_its_kind_is_found_where_the_value_ends() {
        for (body, line, column, field) in [
            (r#"{"number":12"#, 1, 12, Some("number")),
            (r#"{"number": "+1: \"x\"", "delay_ms": "soon""#, 1, 43, Some("delay_ms")),
            ("{\n \"number\" : 12", 2, 15, Some("number")),
            (r#"{"odd name": 12"#, 1, 15, None),
            ("{", 1, 1, None),
            ("", 0, 0, None),
        ] {
            assert_eq!(field_at(body.as_bytes(), line, column).as_deref(), field, "{body}");
        }
    }

    #[tokio::test]
    async fn more_questions_than_may_wait_for_the_daemon_are_refused_and_counted() {
        let directory = tempfile::tempdir().unwrap();
        let (_committed, watched) = watch::channel(0);
        let (front, _asks) = Front::new(&directory.path().join("calls.db"), watched);
        // The loop stands still: nobody takes them.
        for _ in 0..MAX_ASKS {
            assert!(front.ask::<Status>(Ask::Status).now_or_never().is_none());
        }
        let refused = front.ask::<Status>(Ask::Status).await.unwrap_err();
        assert_eq!((refused.status, front.slots.requests_refused()), (StatusCode::SERVICE_UNAVAILABLE, 1));
    }
}
