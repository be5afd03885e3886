//! `/healthz` and `/readyz`: whether the daemon works, and whether it sees all PBXs and can write, for whoever watches over it.

use crate::api::Ask;
use crate::api::front::{Answer, Failure, Front};
use crate::api::status::Status;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

routes! {
    "/healthz" {
        /// Whether the daemon answers; without a token
        get healthz: answer::<Health>();
    }
    "/readyz" {
        /// Whether it sees all PBXs and can write (else 503); without a token
        get readyz: answer::<Health>(), also::<Health>("503", "not ready");
    }
}

/// Whether the daemon works.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "written as JSON")]
struct Health {
    status: Word,
    /// What is not ready; not of `/healthz`.
    #[schemars(with = "Vec<String>", skip_serializing_if = "Option::is_none")]
    why: Option<Vec<String>>,
}

#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(rename_all = "lowercase", inline)]
#[expect(dead_code, reason = "written as text")]
enum Word {
    Ok,
    #[schemars(rename = "not ready")]
    NotReady,
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
