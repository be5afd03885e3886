//! `/v1/status`: how things stand, and what has been counted.

use crate::api::Ask;
use crate::api::front::{Answer, Asked, Front};
use crate::api::status::Status;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new().route("/v1/status", get(status))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    pbx: Option<String>,
}

/// Of one PBX: its own state and open callbacks; what has been counted, and the disk, are the daemon's.
async fn status(State(front): State<Arc<Front>>, Asked(wanted): Asked<Wanted>) -> Answer {
    front.knows(wanted.pbx.as_deref(), false).await?;
    let mut status: Status = front.ask(Ask::Status).await?;
    front.count(&mut status);
    if let Some(pbx) = wanted.pbx {
        status.pbx.retain(|of| of.name == pbx);
        let open = front.read(move |reader| reader.open_callbacks(Some(&pbx))).await?;
        status.callbacks =
            open.into_iter().map(|(state, n)| (state, usize::try_from(n).unwrap_or(usize::MAX))).collect();
    }
    Ok(Json(json!(status)))
}
