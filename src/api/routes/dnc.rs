//! `/v1/dnc`: the do-not-call list.

use super::rows_of;
use crate::api::commands::DncAdd;
use crate::api::front::{Answer, Body, Failure, Front, Listed, Peer, parse};
use crate::api::pages;
use crate::api::query::{Asked, Nothing};
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use callbackd_core::callbacks::commands::Command;
#[cfg(feature = "openapi")]
use callbackd_core::model::{DoNotCall, E164};
use serde::Deserialize;
use std::sync::Arc;

routes! {
    "/v1/dnc" {
        /// The do-not-call list
        get list: query::<Part>(), page::<DoNotCall>();
        /// Put a number on it
        post add: body::<DncAdd>(), field::<DoNotCall>("added");
    }
    "/v1/dnc/{number}" {
        /// Take a number off it
        delete remove: path::<String>("number", ""), field::<E164>("removed");
    }
}

/// Query for a part of the do-not-call list.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Part {
    /// From the header Link of the page before.
    after: Option<String>,
    /// 1,000 at most.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

async fn list(State(front): State<Arc<Front>>, uri: Uri, Asked(part): Asked<Part>) -> Listed {
    #[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let limit = rows_of(part.limit)?;
    if let Some(after) = &part.after
        && !after.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+')
    {
        let fix = "take it from the header Link of the page before, or leave it out";
        return Err(Failure::of_field("after", format!("`after` is not a number of this list: {fix}"), fix));
    }
    pages::answer(&front.readers, &uri, move |reader, rows| {
        let after = part.after.unwrap_or_default();
        Ok(reader.page_of_do_not_call(now_ms, &after, limit, |page| {
            rows.begin(page.next.clone());
            page.rows(|row| rows.row(&row))
        })?)
    })
    .await
}

async fn add(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    Asked(Nothing {}): Asked<Nothing>,
    body: Body,
) -> Answer {
    let added: DncAdd = parse(&body?)?;
    front.command(added.try_into()?, peer).await
}

async fn remove(
    State(front): State<Arc<Front>>,
    Extension(peer): Extension<Peer>,
    number: Result<Path<String>, PathRejection>,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer {
    let Path(number) = number?;
    front.command(Command::DncRemove { number }, peer).await
}
