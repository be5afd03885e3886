//! `/v1/webhooks`: the endpoints, what they were sent and what they answered, and commands to them.

use crate::api::Ask;
use crate::api::front::{Answer, Body, Failure, Front, Peer, parse};
use crate::api::pages::MAX_ROWS;
use crate::api::query::{Asked, Nothing};
use crate::api::webhooks::{WebhookCommand, WebhookError};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Messages of an endpoint that are listed if the question does not say how many.
const MESSAGES: u32 = 50;
/// Attempts at one message that are listed, the newest.
const ATTEMPTS: u32 = 100;

/// An endpoint may take 10 s for its answer to a test.
const PATIENCE: Duration = Duration::from_secs(15);

type Named = Result<Path<String>, PathRejection>;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new()
        .route("/v1/webhooks", get(list))
        .route("/v1/webhooks/{name}", get(show))
        .route("/v1/webhooks/{name}/{command}", post(command))
}

async fn list(State(front): State<Arc<Front>>, Asked(Nothing {}): Asked<Nothing>) -> Answer {
    Ok(Json(json!(front.read(|reader| reader.webhooks()).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    limit: Option<u32>,
}

async fn show(State(front): State<Arc<Front>>, name: Named, Asked(wanted): Asked<Wanted>) -> Answer {
    let Path(name) = name?;
    let limit = wanted.limit.unwrap_or(MESSAGES).min(u32::try_from(MAX_ROWS).unwrap_or(u32::MAX));
    let read = front.read(move |reader| {
        let Some(webhook) = reader.webhook(&name)? else {
            return Ok(Err(reader.webhooks()?.into_iter().map(|webhook| webhook.name).collect()));
        };
        let mut messages = Vec::new();
        for message in reader.webhook_messages(&name, limit)? {
            let attempts = reader.webhook_attempts(&name, message.seq, ATTEMPTS)?;
            messages.push(json!({ "message": message, "attempts": attempts }));
        }
        Ok(Ok(json!({ "webhook": webhook, "messages": messages })))
    });
    read.await?.map(Json).map_err(|names: Vec<String>| refused(&WebhookError::None(names)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    seq: Option<i64>,
}

async fn command(
    State(front): State<Arc<Front>>,
    Extension(Peer(by)): Extension<Peer>,
    named: Result<Path<(String, String)>, PathRejection>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let Path((name, command)) = named?;
    let body = body?;
    let command = match command.as_str() {
        "test" => WebhookCommand::Test,
        "pause" => WebhookCommand::Pause(by),
        "resume" => WebhookCommand::Resume(by),
        "resend" => {
            let which: Which = if body.is_empty() { Which { seq: None } } else { parse(&body)? };
            WebhookCommand::Resend(which.seq)
        }
        other => {
            let fix = "use test, resend, pause or resume";
            let why = format!("unknown command {}: {fix}", other.escape_debug());
            return Err(Failure::of_field("command", why, fix).with_status(StatusCode::NOT_FOUND));
        }
    };
    let done = front.ask_for(PATIENCE, |reply| Ask::Webhook(name, command, reply)).await?;
    done.map(Json).map_err(|error| refused(&error))
}

fn refused(error: &WebhookError) -> Failure {
    let status = match error {
        WebhookError::None(_) | WebhookError::NoMessage(_) => StatusCode::NOT_FOUND,
        WebhookError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        WebhookError::Secret(_) | WebhookError::NoTest => StatusCode::CONFLICT,
    };
    Failure::new(status, error.to_string())
}
