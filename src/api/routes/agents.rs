//! `/v1/agents`: who is free, and what keeps the others.

use super::OfPbx;
use crate::api::Ask;
use crate::api::front::{Front, Listed};
use crate::api::query::Asked;
use crate::api::status::AgentInPresence;
use axum::extract::State;
use axum::http::Uri;
use std::sync::Arc;

routes! {
    "/v1/agents" {
        /// Who is free, and what keeps the others
        get agents: query::<OfPbx>(), page::<AgentInPresence>();
    }
}

async fn agents(State(front): State<Arc<Front>>, uri: Uri, Asked(of): Asked<OfPbx>) -> Listed {
    front.knows(of.pbx.as_deref(), false).await?;
    let _turn = front.whole().await;
    let agents: Vec<AgentInPresence> = front.ask(Ask::Agents).await?;
    of.page(&uri, agents, |agent| (&agent.pbx, &agent.agent))
}
