//! `/calls/ID`: what happened in one call, and why it counts as it does.

use super::view::View;
use super::{failed, look};
use crate::api::front::{Failure, Front};
use crate::api::history::{parties, sums, timeline};
use crate::language::Language;
use crate::report::faces::format::{clock, local, safe};
use crate::store::StoredCall;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use std::sync::Arc;

/// `GET /calls/ID`: a row id, or a linkedid (with `?pbx=` where several PBXs have it).
pub(crate) async fn page(
    State(front): State<Arc<Front>>,
    view: View,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let missing = || Failure::new(StatusCode::NOT_FOUND, view.words.no_call);
    let Ok(Path(id)) = path else { return failed(&view, &missing()) };
    let read =
        front.read(move |reader| Ok::<_, crate::store::Error>((reader.call(&id)?, reader.thresholds()?.1))).await;
    let (mut found, zone) = match read {
        Ok((found, zone)) => (found, zone.unwrap_or_else(TimeZone::system)),
        Err(failure) => return failed(&view, &failure),
    };
    found.retain(|stored| view.asked("pbx").is_none_or(|pbx| *stored.call.pbx == *pbx));
    if found.is_empty() {
        return failed(&view, &missing());
    }
    let body = html! {
        p { a href="/missed" { "← " (view.words.missed) } }
        @for stored in &found { (one(&view, stored, &zone)) }
    };
    let title = look::with(view.words.call, found[0].id);
    look::page(&view, &title, "/calls", &body).into_response()
}

fn one(view: &View, stored: &StoredCall, zone: &TimeZone) -> Markup {
    let (words, call) = (view.words, &stored.call);
    let day = |ms| crate::report::calendar::day_of(ms, zone).map(|day| view.language.day(day)).unwrap_or_default();
    let told = |call| html! { p.soft dir="ltr" lang="en" { (parties(call)) } p dir="ltr" lang="en" { (sums(call)) } };
    html! {
        h1 { (look::with(words.call, stored.id)) " · " bdi.num dir="ltr" { (day(call.started_ms)) " " (local(call.started_ms, zone, "%H:%M:%S")) } }
        @if view.language != Language::En { p.soft { (words.details_in_english) } }
        section {
            h2 { code { (call.status) " " (call.outcome) } }
            (told(call))
            p.soft dir="ltr" { "pbx=" (safe(&call.pbx)) " linkedid=" (safe(&call.linkedid)) }
            @if let Some(id) = call.callback_id { p { (look::with(words.callback_of_it, id)) } }
            @if let Some((by, at)) = stored.recovered {
                p { (look::mark("good", "✔", match by {
                    callbackd_core::model::RecoveredBy::Callback => words.won_callback,
                    callbackd_core::model::RecoveredBy::Customer => words.won_customer,
                    callbackd_core::model::RecoveredBy::Agent => words.won_agent,
                })) " " bdi.num dir="ltr" { (day(at)) " " (local(at, zone, "%H:%M:%S")) } }
            }
        }
        section {
            h2 { (words.what_happened) }
            div.wide tabindex="0" role="group" aria-label=(words.what_happened) {
                table.timeline dir="ltr" lang="en" {
                    thead { tr { th scope="col" { (words.time) } th scope="col" { "+" } th scope="col" { (words.event) } } }
                    tbody {
                        @for (at, _, what) in timeline(call) {
                            tr {
                                th scope="row" { span.num { (local(at, zone, "%H:%M:%S")) } }
                                td { span.num { (clock((at - call.started_ms).max(0))) } }
                                td { bdi { (what) } }
                            }
                        }
                    }
                }
            }
        }
        section {
            h2 { (words.why) }
            ul dir="ltr" lang="en" { @for fact in &call.why { li { (safe(fact)) } } }
        }
        @if !call.tags.is_empty() {
            section {
                h2 { (words.tags) }
                ul { @for tag in &call.tags { li { code { (safe(&tag.code)) } " " (look::text(&tag.note)) " " span.soft { (look::text(&tag.by)) } } } }
            }
        }
        @if !call.ratings.is_empty() {
            section {
                h2 { (words.ratings) }
                ul { @for rating in &call.ratings { li { b { (rating.score) } " " (look::text(&rating.by)) } } }
            }
        }
    }
}
