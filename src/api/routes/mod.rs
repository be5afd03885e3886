//! What can be asked, and under which path: a file for each resource.

#[macro_use]
mod table;

mod agents;
mod callbacks;
mod calls;
mod changes;
mod dnc;
mod events;
mod health;
mod live;
mod metrics;
mod of_calls;
mod ratings;
mod status;
mod tags;
mod tokens;
mod webhooks;

pub(crate) use calls::of_id;
pub(crate) use live::Live;
pub(crate) use tags::untag;

use super::admit::{MAX_BODY, admit};
use super::front::{Failure, Front, Listed};
use super::pages::{self, MAX_ROWS};
use super::web;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, Uri};
use axum::middleware::from_fn;
use callbackd_core::millis::Millis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

resources!(
    status, live, agents, calls, callbacks, dnc, tags, ratings, changes, events, tokens, webhooks, metrics, health
);

/// All routes of the API; with the pages for people, or without. A request says by extensions who asks ([`super::socket`]).
pub(crate) fn router(front: Arc<Front>, pages: bool) -> Router {
    let routes = if pages { web::routes() } else { Router::new() };
    with_resources(routes)
        .fallback(|| async { Failure::not_found("path", format!("there is nothing here: {NOWHERE}"), NOWHERE) })
        .method_not_allowed_fallback(|| async {
            Failure::of_field("method", format!("method not allowed: {OTHERWISE}"), OTHERWISE)
                .with_status(StatusCode::METHOD_NOT_ALLOWED)
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(admit))
        .with_state(front)
}

const NOWHERE: &str = "try /v1/status, /v1/live, /v1/calls, /v1/calls/ID, /v1/queues, /v1/agents, /v1/callbacks, /v1/callbacks/ID, /v1/dnc, /v1/codes, /v1/tags, /v1/ratings, /v1/changes, /v1/events, /v1/tokens, /v1/webhooks, /v1/webhooks/ID, /metrics, /healthz, /readyz";
const OTHERWISE: &str = "the header Allow names those that are";

/// Query of a list that is in memory: of one PBX or of all.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct OfPbx {
    /// Of this PBX alone.
    pbx: Option<String>,
    /// From the header Link of the page before.
    after: Option<String>,
    /// 1,000 at most.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

impl OfPbx {
    /// The page that is asked for, in the order of PBX and name, which `subject` gives.
    fn page<T: Serialize>(&self, uri: &Uri, mut rows: Vec<T>, subject: impl Fn(&T) -> (&str, &str)) -> Listed {
        let limit = rows_of(self.limit)?;
        rows.retain(|row| self.pbx.as_ref().is_none_or(|pbx| subject(row).0 == pbx));
        let key = |row: &T| {
            let (pbx, name) = subject(row);
            format!("{pbx}:{name}")
        };
        rows.sort_by_cached_key(key);
        Ok(pages::of(uri, &rows, self.after.as_deref(), limit, key))
    }
}

/// How many rows of a list are wanted in one answer.
///
/// # Errors
/// None: whoever goes on by the header `Link` would never come to an end.
fn rows_of(limit: Option<usize>) -> Result<usize, Failure> {
    match limit {
        Some(0) => Err(Failure::of_field(
            "limit",
            "`limit` must be 1 at least",
            format!("from 1 on, or leave it out; a page has {MAX_ROWS} rows at most"),
        )),
        limit => Ok(limit.unwrap_or(MAX_ROWS).min(MAX_ROWS)),
    }
}

/// A moment that is taken for seconds by whoever writes it would find all calls, or none.
fn in_ms(field: &str, moment: Option<Millis>) -> Result<Option<Millis>, Failure> {
    // As seconds from 2001 to 5138; as milliseconds before March 1973.
    match moment {
        Some(at @ 1_000_000_000..100_000_000_000) => {
            let fix = format!("in milliseconds: {at}000");
            Err(Failure::of_field(field, format!("`{field}` looks like seconds; write it {fix}"), fix))
        }
        moment => Ok(moment),
    }
}
