//! `/v1/live` and `/v1/queues`: customers who are on the line, who waits where and since when, and who is free.

use super::OfPbx;
use crate::api::Ask;
use crate::api::front::{Failure, Front, Listed};
use crate::api::pages::MAX_ROWS;
use crate::api::query::Asked;
use crate::api::status::{AgentInPresence, PbxStatus, QueueInPresence, Status};
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;
use axum::{Json, Router};
use callbackd_core::model::CallInProgress;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new().route("/v1/live", get(live)).route("/v1/queues", get(queues))
}

/// How things are now: where a reader of the feed begins.
#[derive(Debug, Serialize)]
pub(crate) struct Live {
    /// The feed goes on from here.
    pub(crate) cursor: crate::store::feed::Cursor,
    /// Where `seen` is false, what follows of that PBX is not its state now.
    pub(crate) pbx: Vec<PbxStatus>,
    pub(crate) calls: Vec<CallInProgress>,
    pub(crate) queues: Vec<QueueInPresence>,
    pub(crate) agents: Vec<AgentInPresence>,
    /// Open callbacks by state.
    callbacks: BTreeMap<String, u64>,
    /// By the name of a list of which only the first rows are here, how it is read whole.
    cut: BTreeMap<&'static str, Cut>,
}

/// A list that has more rows than one answer may have.
#[derive(Debug, Serialize)]
struct Cut {
    /// Its rows.
    rows: usize,
    /// Where all of them are, in pages; calls in progress are nowhere else.
    see: Option<&'static str>,
}

impl Front {
    /// Customers on the line, queues, agents and open callbacks, of one PBX or of all. The cursor is older than all of it: nothing is missed between the two.
    pub(crate) async fn live(&self, pbx: Option<&str>) -> Result<Live, Failure> {
        let _turn = self.whole().await;
        let (cursor, calls) = self.read(|reader| Ok((reader.feed()?.end(), reader.calls_in_progress()?))).await?;
        let status: Status = self.ask(Ask::Status).await?;
        let agents = self.ask(Ask::Agents).await?;
        let queues = with_longest(self.ask(Ask::Queues).await?, &calls);
        let callbacks = status.callbacks.into_iter().map(|(state, open)| (state, open as u64)).collect();
        let mut live = Live { cursor, pbx: status.pbx, calls, queues, agents, callbacks, cut: BTreeMap::new() };
        if let Some(pbx) = pbx {
            let of = pbx.to_owned();
            live.callbacks = self.read(move |reader| reader.open_callbacks(Some(&of))).await?;
            live.pbx.retain(|status| status.name == pbx);
            live.calls.retain(|call| *call.pbx == *pbx);
            live.queues.retain(|queue| queue.pbx == pbx);
            live.agents.retain(|agent| agent.pbx == pbx);
        }
        live.cut = [
            ("calls", cut(&mut live.calls, None)),
            ("queues", cut(&mut live.queues, Some("/v1/queues"))),
            ("agents", cut(&mut live.agents, Some("/v1/agents"))),
        ]
        .into_iter()
        .filter_map(|(list, cut)| Some((list, cut?)))
        .collect();
        Ok(live)
    }

    /// All queues, with who waits longest in each.
    pub(super) async fn queues(&self) -> Result<Vec<QueueInPresence>, Failure> {
        let calls = self.read(|reader| reader.calls_in_progress()).await?;
        Ok(with_longest(self.ask(Ask::Queues).await?, &calls))
    }
}

/// Leaves no more rows than one answer may have.
fn cut<T>(list: &mut Vec<T>, see: Option<&'static str>) -> Option<Cut> {
    let rows = list.len();
    list.truncate(MAX_ROWS);
    list.shrink_to_fit();
    (rows > MAX_ROWS).then_some(Cut { rows, see })
}

/// Who waits longest is known by when they joined the queue.
pub(super) fn with_longest(mut queues: Vec<QueueInPresence>, calls: &[CallInProgress]) -> Vec<QueueInPresence> {
    for queue in queues.iter_mut().filter(|queue| queue.waiting.is_some_and(|waiting| waiting > 0)) {
        let waits = |call: &&CallInProgress| {
            call.pbx == *queue.pbx && call.queue.as_deref() == Some(&*queue.queue) && call.answered_ms.is_none()
        };
        queue.longest_since_ms = calls.iter().filter(waits).filter_map(|call| call.joined_ms).min();
    }
    queues
}

/// Query of how things are now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    pbx: Option<String>,
}

async fn live(State(front): State<Arc<Front>>, Asked(wanted): Asked<Wanted>) -> Result<Json<Live>, Failure> {
    front.knows(wanted.pbx.as_deref(), false).await?;
    Ok(Json(front.live(wanted.pbx.as_deref()).await?))
}

async fn queues(State(front): State<Arc<Front>>, uri: Uri, Asked(of): Asked<OfPbx>) -> Listed {
    front.knows(of.pbx.as_deref(), false).await?;
    let _turn = front.whole().await;
    of.page(&uri, front.queues().await?, |queue| (&queue.pbx, &queue.queue))
}
