//! `/v1/webhooks`: the endpoints, what they were sent and what they answered, and commands to them.

use super::rows_of;
use crate::api::Ask;
use crate::api::front::{Answer, Body, Failure, Front, Peer, parse};
use crate::api::query::{Asked, Nothing};
use crate::api::webhooks::{WebhookCommand, WebhookError};
#[cfg(feature = "openapi")]
use crate::store::webhooks::{Attempt, Message, WebhookRow, WebhookState};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Messages of an endpoint that are listed if the question does not say how many.
const MESSAGES: usize = 50;
/// Attempts at one message that are listed, the newest.
const ATTEMPTS: u32 = 100;

/// An endpoint may take 10 s for its answer to a test.
const PATIENCE: Duration = Duration::from_secs(15);

type Named = Result<Path<String>, PathRejection>;

routes! {
    "/v1/webhooks" {
        /// Endpoints that receive what became true
        get list: answer::<Vec<WebhookRow>>();
    }
    "/v1/webhooks/{name}" {
        /// One of them, its newest messages and what was answered
        get show: path::<String>("name", "name in the configuration"), query::<Wanted>(), answer::<Shown>();
    }
    "/v1/webhooks/{name}/{command}" {
        /// test: send a message that tells of nothing; resend: all that were given up, or the one of `seq`; pause; resume
        post command: path::<String>("name", "name in the configuration"), word("command", "test, resend, pause, resume"), body::<Which>(), answer::<Done>();
    }
}

/// An endpoint and what it was sent.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "written as JSON")]
struct Shown {
    webhook: WebhookRow,
    messages: Vec<ShownMessage>,
}

#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "written as JSON")]
struct ShownMessage {
    message: Message,
    attempts: Vec<Attempt>,
}

/// What became of a command.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "the daemon writes it as JSON")]
enum Done {
    /// Of `test`.
    Test {
        webhook: String,
        delivered: bool,
        /// HTTP status; `null` if nothing was answered.
        code: Option<u16>,
        /// Why nothing was answered.
        error: Option<String>,
        /// Until the answer, ms.
        took_ms: u64,
        /// The first bytes of what was answered.
        answer: String,
    },
    /// Of `resend`.
    Resend {
        webhook: String,
        /// So many are sent once more.
        messages: u64,
    },
    /// Of `pause` and `resume`.
    State {
        webhook: String,
        /// In this state it is now.
        state: WebhookState,
        /// It was in another before.
        changed: bool,
    },
}

async fn list(State(front): State<Arc<Front>>, Asked(Nothing {}): Asked<Nothing>) -> Answer {
    Ok(Json(json!(front.read(|reader| reader.webhooks()).await?)))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Messages, 50 if not said.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

async fn show(State(front): State<Arc<Front>>, name: Named, Asked(wanted): Asked<Wanted>) -> Answer {
    let Path(name) = name?;
    let limit = u32::try_from(rows_of(wanted.limit.or(Some(MESSAGES)))?).unwrap_or(u32::MAX);
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Which {
    /// Of `resend`: this one alone.
    seq: Option<i64>,
}

async fn command(
    State(front): State<Arc<Front>>,
    Extension(Peer { name: by, .. }): Extension<Peer>,
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
            return Err(Failure::not_found("command", why, fix));
        }
    };
    let done = front.ask_for(PATIENCE, |reply| Ask::Webhook(name, command, reply)).await?;
    done.map(Json).map_err(|error| refused(&error))
}

fn refused(error: &WebhookError) -> Failure {
    let status = match error {
        WebhookError::None(_) => {
            return Failure::not_found("name", error.to_string(), "GET /v1/webhooks lists them");
        }
        WebhookError::NoMessage(_) => {
            return Failure::not_found("seq", error.to_string(), "GET /v1/webhooks/NAME lists what is kept");
        }
        WebhookError::Busy => StatusCode::SERVICE_UNAVAILABLE,
        WebhookError::Secret(_) | WebhookError::NoTest => StatusCode::CONFLICT,
    };
    Failure::new(status, error.to_string())
}
