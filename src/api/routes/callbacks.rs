//! `/v1/callbacks`: who is to be called back, what became of each, and commands of people.

use super::rows_of;
use crate::api::commands::{Add, CommandBody};
use crate::api::front::{Answer, Body, Failure, Front, Listed, Peer, parse};
use crate::api::pages::{self, PageError};
use crate::api::query::{Asked, Nothing};
use crate::store::CallbackFilter;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use callbackd_core::model::CallbackState;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new()
        .route("/v1/callbacks", get(list).post(add))
        .route("/v1/callbacks/{id}", get(history))
        .route("/v1/callbacks/{id}/{command}", post(command))
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

async fn list(State(front): State<Arc<Front>>, uri: Uri, Asked(wanted): Asked<Wanted>) -> Listed {
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
        None => Err(Failure::new(StatusCode::NOT_FOUND, format!("there is no callback {id}"))),
    }
}

async fn add(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let add: Add = parse(&body?)?;
    front.command(add.try_into()?, peer).await
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
            let commands = "cancel, handled, hold, release, assign, retry, prioritise, delay";
            let why = format!("unknown command {}: use {commands}", name.escape_debug());
            Err(Failure::of_field("command", why, format!("use {commands}")).with_status(StatusCode::NOT_FOUND))
        }
    }
}
