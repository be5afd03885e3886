//! `/v1/callbacks`: who is to be called back, what became of each, and commands of people.

use super::rows_of;
use crate::api::commands::{Add, CommandBody};
use crate::api::front::{Answer, Body, Failure, Front, Listed, Peer, parse};
use crate::api::pages::{self, PageError};
use crate::api::query::{Asked, Nothing};
use crate::store::CallbackFilter;
#[cfg(feature = "openapi")]
use crate::store::CallbackHistory;
use crate::store::tokens::Role;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
#[cfg(feature = "openapi")]
use callbackd_core::model::CallbackRow;
use callbackd_core::model::CallbackState;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

routes! {
    "/v1/callbacks" {
        /// Callbacks: open ones in the order of their turns, then closed ones, the newest first
        get list: query::<Wanted>(), page::<CallbackRow>();
        /// Ask for a callback
        post add: body::<Add>(), field::<Added>("callback");
    }
    "/v1/callbacks/{id}" {
        /// One callback with its history
        get history: path::<i64>("id", ""), answer::<CallbackHistory>();
    }
    "/v1/callbacks/{id}/{command}" {
        /// Change a callback
        post command: path::<i64>("id", ""), word("command", COMMANDS), body::<CommandBody>(), field::<CallbackRow>("callback");
    }
}

/// What can be done with a callback.
const COMMANDS: &str = "cancel, handled, hold, release, assign, retry, prioritise, delay";

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Open ones alone, or closed ones alone.
    open: Option<bool>,
    /// Words separated by commas.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<callbackd_core::model::CallbackState>>"))]
    state: Option<String>,
    /// Of this queue alone.
    queue: Option<String>,
    /// The customer's, in E.164.
    number: Option<String>,
    /// Of this PBX alone.
    pbx: Option<String>,
    /// From the header Link of the page before.
    after: Option<i64>,
    /// 1,000 at most.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

/// The callback as it is now; with a token of the role `request`, no more of it than who asks for a call has to know.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "written as JSON")]
enum Added {
    Whole(Box<CallbackRow>),
    Requested {
        /// The callback's id.
        id: i64,
        state: CallbackState,
        /// Not called before, ms since 1970 UTC.
        due_ms: i64,
    },
}

async fn list(State(front): State<Arc<Front>>, uri: Uri, Asked(wanted): Asked<Wanted>) -> Listed {
    let words = wanted.state.iter().flat_map(|words| words.split(','));
    let state = words.map(|word| CallbackState::from_text(word).ok_or_else(|| unknown_state(word)));
    let filter = CallbackFilter {
        open: wanted.open,
        state: state.collect::<Result<_, _>>()?,
        queue: front.queue(wanted.queue).await?,
        number: wanted.number,
        pbx: wanted.pbx,
        limit: None,
    };
    front.knows(filter.pbx.as_deref(), true).await?;
    let (after, limit) = (wanted.after, rows_of(wanted.limit)?);
    pages::answer(&front.readers, &uri, move |reader, rows| {
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
    let all = all.join(", ");
    Failure::of_field("state", format!("unknown state {}: use {all}", word.escape_debug()), format!("use {all}"))
}

async fn history(
    State(front): State<Arc<Front>>,
    id: Result<Path<i64>, PathRejection>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer {
    let Path(id) = id?;
    match front.read(move |reader| reader.callback_history(id)).await? {
        Some(history) => Ok(Json(json!(history))),
        None => {
            let why = format!("there is no callback {id}");
            Err(Failure::not_found("id", why, "GET /v1/callbacks lists them"))
        }
    }
}

async fn add(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let add: Add = parse(&body?)?;
    if peer.role != Role::Request {
        return front.command(add.try_into()?, peer).await;
    }
    // Who fills in a form on a web page learns nothing of what is known about that number.
    let Json(answer) = front.command(add.by_the_customer()?, peer).await?;
    let callback = &answer["callback"];
    Ok(Json(json!({ "callback": { "id": callback["id"], "state": callback["state"], "due_ms": callback["due_ms"] } })))
}

async fn command(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<(i64, String)>, PathRejection>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let (Path((id, name)), body) = (path?, body?);
    let command: CommandBody = if body.is_empty() { CommandBody::default() } else { parse(&body)? };
    match command.command(id, &name) {
        Some(command) => front.command(command?, peer).await,
        None => {
            let why = format!("unknown command {}: use {COMMANDS}", name.escape_debug());
            Err(Failure::not_found("command", why, format!("use {COMMANDS}")))
        }
    }
}
