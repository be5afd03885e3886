//! `/healthz` and `/readyz`: whether the daemon works, and whether it sees all PBXs and can write, for whoever watches over it.

use crate::api::Ask;
use crate::api::front::{Answer, Failure, Front};
use crate::api::status::Status;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

/// The loop answers.
async fn healthz(State(front): State<Arc<Front>>) -> Answer {
    let _: Status = front.ask(Ask::Status).await?;
    Ok(Json(json!({ "status": "ok" })))
}

async fn readyz(State(front): State<Arc<Front>>) -> Result<Response, Failure> {
    let status: Status = front.ask(Ask::Status).await?;
    let unseen = status.pbx.iter().filter(|pbx| !pbx.seen).map(|pbx| format!("{}: {}", pbx.name, pbx.link));
    let why: Vec<String> = unseen.chain(status.store_error.map(|error| format!("database: {error}"))).collect();
    let (code, word) =
        if why.is_empty() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    Ok((code, Json(json!({ "status": word, "why": why }))).into_response())
}
