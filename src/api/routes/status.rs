//! `/v1/status`: how things stand, and what has been counted.

use crate::api::Ask;
use crate::api::front::{Answer, Front};
use crate::api::status::Status;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new().route("/v1/status", get(status))
}

async fn status(State(front): State<Arc<Front>>) -> Answer {
    let mut status: Status = front.ask(Ask::Status).await?;
    front.count(&mut status);
    Ok(Json(json!(status)))
}
