//! `/v1/changes`: the change feed in pages, for programs that come when they like and keep a cursor.

use super::rows_of;
use crate::api::answers::ChangeAnswer;
use crate::api::front::{Failure, Front, Listed, panicked};
use crate::api::query::Asked;
use crate::store::feed::{Behind, Cursor, Feed};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use callbackd_core::model::ChangeKind;
use serde::Deserialize;
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A page ends behind this many bytes of changes: what is left comes with the next.
const MAX_BYTES: usize = 1 << 20;

routes! {
    "/v1/changes" {
        /// What became true, in order, from a cursor on. 410: the cursor is too old or of another database, `fix` has the one to go on from
        get changes: query::<Wanted>(), answer::<Changes<'_>>();
    }
}

/// A part of the feed, as [`page`] writes it.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(description = "A part of the feed.")]
#[expect(dead_code, reason = "written as bytes")]
struct Changes<'a> {
    /// Name of the site; empty if it has none.
    site: &'a str,
    /// First 8 characters of the database's identity.
    db: &'a str,
    /// Oldest that is kept.
    first: i64,
    /// Newest.
    last: i64,
    /// Cursor of the next question.
    next: Cursor,
    /// There are more behind it already.
    more: bool,
    changes: Vec<ChangeAnswer<'a>>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `next` of an earlier answer, or the id of an event.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Cursor>"))]
    after: Option<String>,
    /// Kinds, or what they begin with (`callback`), separated by commas.
    kind: Option<String>,
    /// What is about no PBX in particular (the do-not-call list) comes with each.
    pbx: Option<String>,
    /// 1,000 at most.
    #[cfg_attr(feature = "openapi", schemars(range(min = 1)))]
    limit: Option<usize>,
}

async fn changes(State(front): State<Arc<Front>>, Asked(wanted): Asked<Wanted>) -> Listed {
    let after = wanted.after.as_deref().map(cursor).transpose()?;
    let kinds = kinds(wanted.kind.as_deref())?;
    let limit = rows_of(wanted.limit)?;
    front.knows(wanted.pbx.as_deref(), true).await?;
    let readers = Arc::clone(&front.readers);
    let page = tokio::task::spawn_blocking(move || {
        readers.read(|reader| {
            let mut body: Vec<u8> = Vec::new();
            let (feed, read) = reader.each_change(after.as_ref(), limit, &kinds, |feed, change| {
                if !concerns(wanted.pbx.as_deref(), &change.pbx) {
                    return ControlFlow::Continue(());
                }
                body.push(if body.is_empty() { b'[' } else { b',' });
                // Into memory: it cannot fail.
                let _ = serde_json::to_writer(&mut body, &ChangeAnswer::new(feed, &change));
                if body.len() < MAX_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            match read {
                Ok(read_to) => Ok(page(&feed, &read_to, body)),
                Err(behind) => Err(cannot_go_on(behind, &feed)),
            }
        })
    });
    let page = page.await.map_err(|_| panicked())??;
    Ok(([(CONTENT_TYPE, "application/json")], page).into_response())
}

fn page(feed: &Feed, read_to: &Cursor, mut changes: Vec<u8>) -> Vec<u8> {
    changes.extend_from_slice(if changes.is_empty() { b"[]" } else { b"]" });
    let more = read_to.seq < feed.last;
    let head = json!({ "site": feed.site, "db": feed.db, "first": feed.first, "last": feed.last, "next": read_to, "more": more });
    let mut page = head.to_string().into_bytes();
    page.pop();
    page.extend_from_slice(b",\"changes\":");
    page.append(&mut changes);
    page.push(b'}');
    page
}

/// A cursor as a reader gives it back.
pub(super) fn cursor(text: &str) -> Result<Cursor, Failure> {
    text.parse().map_err(|error: crate::store::feed::NotACursor| {
        Failure::of_field(
            "after",
            error.to_string(),
            "take `next` of an earlier answer or the id of an event, or leave it out",
        )
    })
}

/// The kinds that a reader wants, separated by commas: whole words, or what they begin with (`callback`). All if none is named.
pub(super) fn kinds(text: Option<&str>) -> Result<Vec<ChangeKind>, Failure> {
    let mut kinds = Vec::new();
    for word in text.into_iter().flat_map(|text| text.split(',')) {
        let named = |kind: &&ChangeKind| {
            let rest = kind.as_str().strip_prefix(word);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && !word.is_empty())
        };
        let before = kinds.len();
        kinds.extend(ChangeKind::ALL.iter().filter(named));
        if kinds.len() == before {
            let all: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.as_str()).collect();
            let all = all.join(", ");
            let why = format!("unknown kind of change {}: use {all}", word.escape_debug());
            return Err(Failure::of_field("kind", why, format!("use {all}")));
        }
    }
    Ok(kinds)
}

/// Whether a change of this PBX is for a reader who wants one PBX, or all. What is about none in particular (the do-not-call list) is for each.
pub(super) fn concerns(wanted: Option<&str>, pbx: &str) -> bool {
    pbx.is_empty() || wanted.is_none_or(|wanted| wanted == pbx)
}

/// Says where the feed goes on.
fn cannot_go_on(behind: Behind, feed: &Feed) -> Failure {
    let fix = format!("read /v1/calls, /v1/callbacks and /v1/dnc anew, then go on with after={}", feed.end());
    Failure::of_field("after", format!("cannot continue from this cursor: {behind}; {fix}"), fix)
        .with_status(StatusCode::GONE)
        .with_cursor(feed.end().to_string())
}
