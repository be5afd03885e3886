//! `/v1/tokens`: who may ask by TCP; on the socket only.

use crate::api::Ask;
use crate::api::front::{Answer, Body, Failure, Front, Peer, parse};
use crate::api::query::{Asked, Nothing};
use crate::random;
use crate::store::tokens::{Role, Token, TokenChange, hash};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Longest name of a token, in characters.
const MAX_NAME: usize = 64;
/// Tokens that there may be.
const MAX_TOKENS: usize = 1_000;

routes! {
    "/v1/tokens" {
        /// Tokens of programs, without their secrets; on the socket only
        get list: answer::<Vec<Token>>();
        /// Make one; its secret is shown once
        post add: body::<New>(), answer::<NewToken>();
    }
    "/v1/tokens/{name}" {
        /// Withdraw one
        delete remove: path::<String>("name", ""), field::<String>("withdrawn");
    }
}

/// A token that was made.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "written as JSON")]
struct NewToken {
    /// Its secret.
    token: String,
    name: String,
    role: Role,
}

async fn list(State(front): State<Arc<Front>>, Asked(Nothing {}): Asked<Nothing>) -> Answer {
    Ok(Json(json!(front.read(|reader| reader.tokens()).await?)))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct New {
    /// Letters, digits, `-`, `_` and `.`, 64 at most.
    #[cfg_attr(feature = "openapi", schemars(length(min = 1, max = MAX_NAME), pattern(r"^[A-Za-z0-9_.-]+$")))]
    name: String,
    /// What its bearer may do.
    role: Role,
}

async fn add(
    State(front): State<Arc<Front>>,
    Extension(Peer { name: by, .. }): Extension<Peer>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let New { name, role } = parse(&body?)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
        let fix = format!("use letters, digits, `-`, `_` and `.`, {MAX_NAME} at most");
        return Err(Failure::of_field("name", format!("this is not a valid name for a token: {fix}"), fix));
    }
    if front.read(|reader| reader.tokens()).await?.len() >= MAX_TOKENS {
        return Err(Failure::new(
            StatusCode::CONFLICT,
            format!("there are {MAX_TOKENS} tokens already: withdraw some"),
        ));
    }
    let secret = random::token().map_err(|error| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no random numbers from the system: {error}"))
    })?;
    #[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
    let made_ms = jiff::Timestamp::now().as_millisecond();
    let token = Token { name, role, made_ms, by };
    let change = TokenChange::Add(token.clone(), hash(&secret));
    if front.change(change).await? {
        tracing::info!(target: "api", token = %token.name, role = token.role.as_str(), by = %token.by, "Token made");
        return Ok(Json(json!({ "token": secret, "name": token.name, "role": token.role })));
    }
    let why = format!("there is a token {} already", token.name);
    Err(Failure::of_field("name", why, "withdraw it first, or use another name").with_status(StatusCode::CONFLICT))
}

async fn remove(
    State(front): State<Arc<Front>>,
    Extension(Peer { name: by, .. }): Extension<Peer>,
    name: Result<Path<String>, PathRejection>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer {
    let Path(name) = name?;
    if front.change(TokenChange::Remove(name.clone())).await? {
        // Nobody may follow a stream.
        let _ = front.withdrawn.send(name.as_str().into());
        tracing::info!(target: "api", token = %name, %by, "Token withdrawn");
        return Ok(Json(json!({ "withdrawn": name })));
    }
    let why = format!("there is no token {}", name.escape_debug());
    Err(Failure::not_found("name", why, "GET /v1/tokens lists them"))
}

impl Front {
    async fn change(&self, change: TokenChange) -> Result<bool, Failure> {
        let done = self.ask(|reply| Ask::Token(change, reply)).await?;
        done.map_err(|why| Failure::new(StatusCode::SERVICE_UNAVAILABLE, why))
    }
}
