//! `/v1/status`: how things stand, and what has been counted.

use crate::api::Ask;
use crate::api::front::{Answer, Front};
use crate::api::query::Asked;
use crate::api::status::Status;
use axum::Json;
use axum::extract::State;
use callbackd_core::model::CallbackState;
use callbackd_core::order::Gather as _;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

routes! {
    "/v1/status" {
        /// How things stand, and what has been counted
        get status: query::<Wanted>(), answer::<Status>();
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Its state, calls, attempts and open callbacks alone; `counters`, `unsaved` and the disk are the daemon's.
    pbx: Option<String>,
}

/// Of one PBX: its own state, calls and callbacks; what has been counted in all, and the disk, are the daemon's.
async fn status(State(front): State<Arc<Front>>, Asked(wanted): Asked<Wanted>) -> Answer {
    front.knows(wanted.pbx.as_deref(), false).await?;
    let mut status: Status = front.ask(Ask::Status).await?;
    front.count(&mut status);
    if let Some(pbx) = wanted.pbx {
        status.pbx.retain(|of| of.name == pbx);
        status.callbacks_enabled = status.pbx.iter().any(|of| of.callbacks_enabled);
        status.calls_stored = status.pbx.iter().map(|of| of.calls_stored).sum();
        let open = front.read(move |reader| reader.open_callbacks(Some(&pbx))).await?;
        status.callbacks =
            open.into_iter().map(|(state, n)| (state, usize::try_from(n).unwrap_or(usize::MAX))).to_map();
        let is_active = |state: &str| CallbackState::from_text(state).is_some_and(CallbackState::is_active);
        status.attempts = status.callbacks.iter().filter(|(state, _)| is_active(state)).map(|(_, n)| n).sum();
    }
    Ok(Json(json!(status)))
}
