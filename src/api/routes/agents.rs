//! `/v1/agents`: who is free, and what keeps the others.

use super::OfPbx;
use crate::api::Ask;
use crate::api::front::{Front, Listed};
use crate::api::query::Asked;
use crate::api::status::AgentInPresence;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new().route("/v1/agents", get(agents))
}

async fn agents(State(front): State<Arc<Front>>, uri: Uri, Asked(of): Asked<OfPbx>) -> Listed {
    front.knows(of.pbx.as_deref(), false).await?;
    let _turn = front.whole().await;
    let agents: Vec<AgentInPresence> = front.ask(Ask::Agents).await?;
    of.page(&uri, agents, |agent| (&agent.pbx, &agent.agent))
}
