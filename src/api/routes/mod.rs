//! What can be asked, and under which path: a file for each resource.

mod agents;
mod callbacks;
mod calls;
mod changes;
mod dnc;
mod events;
mod health;
mod live;
mod metrics;
mod status;
mod tokens;

use super::admit::{MAX_BODY, admit};
use super::front::{Failure, Front};
use super::pages::MAX_ROWS;
use super::places::Place;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use std::sync::Arc;

/// All routes of the API, for a connection that has this place.
pub fn router(front: Arc<Front>, place: Place) -> Router {
    let place = Arc::new(place);
    Router::new()
        .merge(status::routes())
        .merge(health::routes())
        .merge(live::routes())
        .merge(metrics::routes())
        .merge(agents::routes())
        .merge(calls::routes())
        .merge(callbacks::routes())
        .merge(dnc::routes())
        .merge(changes::routes())
        .merge(events::routes())
        .merge(tokens::routes())
        .fallback(|| async { Failure::new(StatusCode::NOT_FOUND, NOWHERE) })
        .method_not_allowed_fallback(|| async { Failure::new(StatusCode::METHOD_NOT_ALLOWED, OTHERWISE) })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&place), admit))
        .layer(axum::Extension(place))
        .with_state(front)
}

const NOWHERE: &str = "there is nothing here: try /v1/status, /v1/live, /v1/calls, /v1/calls/ID, /v1/queues, /v1/agents, /v1/callbacks, /v1/callbacks/ID, /v1/dnc, /v1/changes, /v1/events, /v1/tokens, /metrics, /healthz, /readyz";
const OTHERWISE: &str = "this cannot be done here: the header Allow says what can";

/// How many rows of a list are wanted in one answer.
fn rows_of(limit: Option<usize>) -> usize {
    limit.unwrap_or(MAX_ROWS).min(MAX_ROWS)
}
