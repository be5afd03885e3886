//! `/v1/codes` and `/v1/tags`: what can be said of calls, and what is said of which.

use super::of_calls::OfCalls;
use super::{in_ms, rows_of};
use crate::api::answers::CodeAnswer;
#[cfg(feature = "openapi")]
use crate::api::answers::{CodeSet, OfCallAnswer};
use crate::api::commands::TagAdd;
use crate::api::front::{Answer, Body, Failure, Front, Listed, Peer, parse};
use crate::api::pages;
use crate::api::query::{Asked, Nothing};
use crate::api::routes::calls::{behind, of_id};
use crate::store::StoredCall;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::millis::Millis;
#[cfg(feature = "openapi")]
use callbackd_core::model::Tag;
use callbackd_core::model::codes::CodedCall;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

routes! {
    "/v1/codes" {
        /// Codes of calls: what each means, and how many calls have it
        get codes: query::<Counted>(), answer::<Vec<CodeAnswer<'_>>>();
    }
    "/v1/tags" {
        /// What is said of calls, the newest calls first; the codes of one call are never on two pages
        get list: query::<Wanted>(), page::<OfCallAnswer<'_, Tag>>();
        /// Set a code on a call, and do what it means for callbacks
        post add: body::<TagAdd>(), answer::<CodeSet>();
    }
    "/v1/tags/{call}/{code}" {
        /// Take a code off a call, and what it meant for callbacks back as far as that has not been done
        delete remove: path::<String>("call", "row id or linkedid"), path::<String>("code", "in any case"), query::<Of>(), field::<Tag>("removed");
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Counted {
    /// Calls that began from then on, ms since 1970 UTC.
    since_ms: Option<Millis>,
    /// Count the calls of this PBX.
    pbx: Option<String>,
}

async fn codes(State(front): State<Arc<Front>>, Asked(wanted): Asked<Counted>) -> Answer {
    front.knows(wanted.pbx.as_deref(), true).await?;
    let since_ms = in_ms("since_ms", wanted.since_ms)?;
    let codes = front.read(move |reader| reader.codes(since_ms, wanted.pbx.as_deref())).await?;
    Ok(Json(json!(codes.iter().map(CodeAnswer::new).collect::<Vec<_>>())))
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// This code alone.
    code: Option<String>,
    /// Of this PBX alone.
    pbx: Option<String>,
    /// From the header Link of the page before.
    after: Option<String>,
    /// 1,000 at most.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

/// The newest calls first; a call's codes are never torn apart.
async fn list(State(front): State<Arc<Front>>, uri: Uri, Asked(wanted): Asked<Wanted>) -> Listed {
    let limit = rows_of(wanted.limit)?;
    let after = wanted.after.as_deref().map(behind).transpose()?;
    front.knows(wanted.pbx.as_deref(), true).await?;
    let (code, pbx) = (front.code("code", wanted.code).await?, wanted.pbx);
    pages::answer(&front.readers, &uri, move |reader, rows| {
        let mut page = OfCalls::new(limit);
        reader.each_tag(code.as_deref(), pbx.as_deref(), after, |tag| page.take(tag))?;
        page.put(rows);
        Ok(())
    })
    .await
}

async fn add(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let add: TagAdd = parse(&body?)?;
    for (field, given) in [("call", &add.call), ("code", &add.code)] {
        if given.is_empty() {
            let fix = "GET /v1/calls lists calls, GET /v1/codes the codes";
            return Err(Failure::of_field(field, format!("`{field}` is empty"), fix));
        }
    }
    let _turn = front.says.lock().await;
    let stored = of_id(&front, add.call.clone(), add.pbx.clone()).await?;
    let call = Box::new(CodedCall::from(&stored.call));
    front.command(Command::Tag { call, note: add.note(), code: add.code }, peer).await
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Of {
    /// Where several have a call of this linkedid.
    pbx: Option<String>,
}

async fn remove(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    path: Result<Path<(String, String)>, PathRejection>,
    Asked(of): Asked<Of>,
) -> Answer {
    let Path((id, code)) = path?;
    let _turn = front.says.lock().await;
    let stored = of_id(&front, id.clone(), of.pbx).await?;
    let code = code.to_ascii_uppercase();
    if !stored.call.tags.iter().any(|tag| tag.code == code) {
        let why = format!("call {} has no code {}", id.escape_debug(), code.escape_debug());
        let fix = format!("GET /v1/calls/{} shows its codes", stored.id);
        return Err(Failure::not_found("code", why, fix));
    }
    front.command(untag(&front, stored, code).await?, peer).await
}

/// Takes a code off a stored call.
pub(crate) async fn untag(front: &Front, stored: StoredCall, code: String) -> Result<Command, Failure> {
    let call = Box::new(CodedCall::from(&stored.call));
    let said = Box::new(front.read(move |reader| reader.said_of(&stored)).await?);
    Ok(Command::Untag { call, said, code })
}
