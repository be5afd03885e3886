//! `/v1/agents`: who is free, and what keeps the others.

use super::rows_of;
use crate::api::Ask;
use crate::api::front::{Asked, Front, Listed};
use crate::api::pages;
use crate::api::status::AgentInPresence;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;
use serde::Deserialize;
use std::sync::Arc;

pub fn routes() -> Router<Arc<Front>> {
    Router::new().route("/v1/agents", get(agents))
}

/// Query that names a PBX.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPbx {
    pbx: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
}

async fn agents(State(front): State<Arc<Front>>, uri: Uri, Asked(of): Asked<OfPbx>) -> Listed {
    front.knows(of.pbx.as_deref(), false).await?;
    let mut agents: Vec<AgentInPresence> = front.ask(Ask::Agents).await?;
    agents.retain(|agent| of.pbx.as_ref().is_none_or(|pbx| agent.pbx == *pbx));
    let key = |agent: &AgentInPresence| format!("{}:{}", agent.pbx, agent.agent);
    agents.sort_by_cached_key(key);
    Ok(pages::of(&uri, &agents, of.after.as_deref(), rows_of(of.limit), key))
}
