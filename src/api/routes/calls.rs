//! `/v1/calls`: finished calls, the newest first, and one call with all that is stored of it.

use super::{in_ms, rows_of};
use crate::api::Ask;
use crate::api::answers::CallAnswer;
#[cfg(feature = "openapi")]
use crate::api::answers::WholeCall;
use crate::api::front::{Answer, Failure, Front, Listed};
use crate::api::pages;
use crate::api::query::Asked;
use crate::store::{CallFilter, Reader, StoredCall};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, Outcome, Status};
use serde::Deserialize;
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::Arc;

routes! {
    "/v1/calls" {
        /// Finished calls, the newest first
        get list: query::<Wanted>(), page::<CallAnswer<'_>>();
    }
    "/v1/calls/{id}" {
        /// One call with all that is stored of it
        get one: path::<String>("id", "row id or linkedid"), query::<Where>(), answer::<WholeCall<'_>>();
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// That began then or later, ms since 1970 UTC.
    since_ms: Option<Millis>,
    /// That began before, ms since 1970 UTC.
    until_ms: Option<Millis>,
    /// Words separated by commas.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<callbackd_core::model::Status>>"))]
    status: Option<String>,
    /// Words separated by commas.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<callbackd_core::model::Outcome>>"))]
    outcome: Option<String>,
    /// Words separated by commas.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<callbackd_core::model::Direction>>"))]
    direction: Option<String>,
    /// In E.164, or its last digits, at least 4.
    number: Option<String>,
    /// Who talked with the customer: PJSIP/101, 101, or the agent's name.
    agent: Option<String>,
    /// Of this queue alone.
    queue: Option<String>,
    /// To this number of ours, or that showed it.
    did: Option<String>,
    /// Over this trunk.
    trunk: Option<String>,
    /// That have this code.
    tag: Option<String>,
    /// Of this PBX alone.
    pbx: Option<String>,
    /// From the header Link of the page before.
    after: Option<String>,
    /// 1,000 at most.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

async fn list(State(front): State<Arc<Front>>, uri: Uri, Asked(wanted): Asked<Wanted>) -> Listed {
    let limit = rows_of(wanted.limit)?;
    let filter = CallFilter {
        since_ms: in_ms("since_ms", wanted.since_ms)?,
        until_ms: in_ms("until_ms", wanted.until_ms)?,
        status: words("status", wanted.status.as_deref(), Status::from_text, Status::ALL)?,
        outcome: words("outcome", wanted.outcome.as_deref(), Outcome::from_text, Outcome::ALL)?,
        direction: words("direction", wanted.direction.as_deref(), Direction::from_text, Direction::ALL)?,
        number: wanted.number,
        agent: wanted.agent,
        queue: front.queue(wanted.queue).await?,
        did: wanted.did,
        trunk: wanted.trunk,
        tag: front.code("tag", wanted.tag).await?,
        pbx: wanted.pbx,
        behind: wanted.after.as_deref().map(behind).transpose()?,
        // One more than wanted: whether there is a next page is said before the rows.
        limit: Some(limit as u64 + 1),
    };
    if filter.since_ms.zip(filter.until_ms).is_some_and(|(since_ms, until_ms)| until_ms <= since_ms) {
        let fix = "a moment behind since_ms, or leave it out";
        return Err(Failure::of_field(
            "until_ms",
            format!("`until_ms` is not behind `since_ms`, no call began in between: {fix}"),
            fix,
        ));
    }
    front.knows(filter.pbx.as_deref(), true).await?;
    let filter = of_agent(&front, filter).await?;
    pages::answer(&front.readers, &uri, move |reader, rows| {
        let mut calls = Vec::new();
        reader.each_call(&filter, |call| {
            calls.push(call);
            ControlFlow::Continue(())
        })?;
        let more = calls.len() > limit;
        calls.truncate(limit);
        let last = calls.last().filter(|_| more);
        rows.begin(last.map(|stored| format!("{}-{}", stored.call.started_ms, stored.id)));
        // Whoever asked may have gone.
        let _ = calls.iter().all(|stored| rows.row(&CallAnswer::row(stored)));
        Ok(())
    })
    .await
}

/// The filter with the agent's interface where their name was given, as the command has it.
async fn of_agent(front: &Front, mut filter: CallFilter) -> Result<CallFilter, Failure> {
    let Some(name) = filter.agent.clone() else { return Ok(filter) };
    let pbx = filter.pbx.clone();
    if let Some((pbx, interface)) = front.ask(|reply| Ask::AgentNamed { name, pbx, reply }).await? {
        (filter.agent, filter.pbx) = (Some(interface), pbx.or(filter.pbx));
    }
    front.choose("agent", filter, Reader::choose_agent).await
}

/// The words of a filter, separated by commas.
fn words<T>(field: &str, text: Option<&str>, read: fn(&str) -> Option<T>, all: &[T]) -> Result<Vec<T>, Failure>
where
    T: std::fmt::Display,
{
    let one = |word: &str| {
        read(word).ok_or_else(|| {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            let all = all.join(", ");
            Failure::of_field(field, format!("{} is no {field}: use {all}", word.escape_debug()), format!("use {all}"))
        })
    };
    text.into_iter().flat_map(|text| text.split(',')).map(one).collect()
}

/// A place in the list: start and row id of a call.
pub(super) fn behind(text: &str) -> Result<(Millis, i64), Failure> {
    let read = text.rsplit_once('-').and_then(|(started, id)| Some((started.parse().ok()?, id.parse().ok()?)));
    read.ok_or_else(|| {
        let fix = "take it from the header Link of the page before, or leave it out";
        Failure::of_field("after", format!("`after` is not a position in this list: {fix}"), fix)
    })
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Where {
    /// Where several have this linkedid.
    pbx: Option<String>,
}

/// By row id or linkedid.
async fn one(
    State(front): State<Arc<Front>>,
    id: Result<Path<String>, PathRejection>,
    Asked(of): Asked<Where>,
) -> Answer {
    let Path(id) = id?;
    let stored = of_id(&front, id, of.pbx).await?;
    Ok(Json(json!(CallAnswer::whole(&stored))))
}

/// The whole call with this row id or linkedid, of this PBX if one is named.
///
/// # Errors
/// There is none, or several PBXs have one of this linkedid.
pub(crate) async fn of_id(front: &Front, id: String, pbx: Option<String>) -> Result<StoredCall, Failure> {
    front.knows(pbx.as_deref(), true).await?;
    let name = id.clone();
    let mut found = front.read(move |reader| reader.call(&name)).await?;
    found.retain(|stored| pbx.as_ref().is_none_or(|pbx| *stored.call.pbx == **pbx));
    if found.len() > 1 {
        let pbxs: Vec<&str> = found.iter().map(|stored| stored.call.pbx.as_str()).collect();
        let pbxs = pbxs.join(" or ");
        let why = format!("several PBXs have a call of this linkedid: which PBX, {pbxs}?");
        return Err(Failure::of_field("pbx", why, format!("use {pbxs}")).with_status(StatusCode::CONFLICT));
    }
    found.pop().ok_or_else(|| {
        let why =
            format!("there is no call {}: it is a row id, or a linkedid of one that has ended", id.escape_debug());
        Failure::not_found("call", why, "GET /v1/calls lists those that have ended")
    })
}
