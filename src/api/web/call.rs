//! `/calls/ID`: what happened in one call, and why it counts as it does.

use super::session::{Session, own_form};
use super::view::View;
use super::{failed, look, ordered};
use crate::api::commands::note;
use crate::api::front::{Failure, Front, Peer};
use crate::api::history::{parties, sums, timeline};
use crate::api::routes::{of_id, untag};
use crate::language::Language;
use crate::report::faces::format::{clock, local, safe};
use crate::store::StoredCall;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::model::codes::Code;
use callbackd_core::model::codes::CodedCall;
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
    let read = front.read(move |reader| {
        Ok::<_, crate::store::Error>((reader.call(&id)?, reader.known_codes()?, reader.thresholds()?.1))
    });
    let (mut found, codes, zone) = match read.await {
        Ok((found, codes, zone)) => (found, codes, zone.unwrap_or_else(TimeZone::system)),
        Err(failure) => return failed(&view, &failure),
    };
    found.retain(|stored| view.asked("pbx").is_none_or(|pbx| *stored.call.pbx == *pbx));
    if found.is_empty() {
        return failed(&view, &missing());
    }
    let body = html! {
        p { a href="/missed" { "← " (view.words.missed) } }
        @for stored in &found { (one(&view, stored, &codes, &zone)) }
    };
    let title = look::with(view.words.call, found[0].id);
    look::page(&view, &title, "/calls", &body).into_response()
}

/// Whoever looks may set codes.
fn may_tag(view: &View) -> bool {
    view.session.as_ref().is_some_and(Session::may_operate)
}

fn form_key(view: &View) -> Markup {
    let key = view.session.as_ref().map_or("", |session| session.form_key.as_str());
    html! { input type="hidden" name="form_key" value=(key); }
}

fn take_off(view: &View, id: i64, code: &str) -> Markup {
    let word = view.words.take_off;
    html! {
        form.inline method="post" action={ "/calls/" (id) "/tags" } {
            (form_key(view)) input type="hidden" name="remove" value=(code);
            button.quiet type="submit" aria-label={ (word) ": " (safe(code)) } { (word) }
        }
    }
}

fn set_code(view: &View, id: i64, codes: &[Code]) -> Markup {
    let words = view.words;
    html! {
        form method="post" action={ "/calls/" (id) "/tags" } {
            (form_key(view))
            label { span { (words.set_code) } select name="code" required {
                option value="" { "—" }
                @for code in codes {
                    option value=(code.code) { (safe(&code.code)) @if !code.label.is_empty() { " · " (safe(&code.label)) } }
                }
            } }
            label { span { (words.note) } input name="note" maxlength="500" autocomplete="off"; }
            button type="submit" { (words.set_code) }
        }
    }
}

/// `POST /calls/ID/tags`: a code is set, or the one in `remove` taken off.
pub(super) async fn tag(
    State(front): State<Arc<Front>>,
    view: View,
    Extension(peer): Extension<Peer>,
    path: Result<Path<String>, PathRejection>,
    body: Bytes,
) -> Response {
    let Ok(Path(id)) = path else { return failed(&view, &Failure::new(StatusCode::NOT_FOUND, view.words.no_call)) };
    let fields = match own_form(&view, &body) {
        Ok(fields) => fields,
        Err(failure) => return failed(&view, &failure),
    };
    let _turn = front.says.lock().await;
    let stored = match of_id(&front, id, None).await {
        Ok(stored) => stored,
        Err(failure) => return failed(&view, &failure),
    };
    let of = |field: &str| fields.get(field).map(|text| text.trim().to_owned()).unwrap_or_default();
    let id = stored.id;
    let command = match fields.get("remove") {
        Some(code) => match untag(&front, stored, code.clone()).await {
            Ok(command) => command,
            Err(failure) => return failed(&view, &failure),
        },
        None => {
            let call = Box::new(CodedCall::from(&stored.call));
            Command::Tag { call, code: of("code"), note: note(&of("note")) }
        }
    };
    match ordered(&front, &view, command, peer).await {
        Ok(()) => Redirect::to(&format!("/calls/{id}")).into_response(),
        Err(failure) => failed(&view, &failure),
    }
}

/// A sentence of ours in the language; what was recorded otherwise as it is.
fn why(language: Language, fact: &str) -> Markup {
    match language.why(fact) {
        Some(sentence) => html! { (sentence) },
        None => html! { span lang="en" dir="ltr" title=(language.story().as_recorded) { (safe(fact)) } },
    }
}

fn one(view: &View, stored: &StoredCall, codes: &[Code], zone: &TimeZone) -> Markup {
    let (words, call) = (view.words, &stored.call);
    let day = |ms| crate::report::calendar::day_of(ms, zone).map(|day| view.language.day(day)).unwrap_or_default();
    let language = view.language;
    let summary = |call| html! { p.soft { (parties(call, language)) } p { (sums(call, language)) } };
    html! {
        h1 { (look::with(words.call, stored.id)) " · " bdi.num dir="ltr" { (day(call.started_ms)) " " (local(call.started_ms, zone, "%H:%M:%S")) } }
        section {
            h2 { (language.status(call.status)) ": " (language.outcome(call.outcome)) }
            p.soft { code lang="en" dir="ltr" { (call.status) " " (call.outcome) } }
            (summary(call))
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
                table.timeline {
                    thead { tr { th scope="col" { (words.time) } th scope="col" { "+" } th scope="col" { (words.event) } } }
                    tbody {
                        @for (at, _, what) in timeline(call, language) {
                            tr {
                                th scope="row" { span.num { (local(at, zone, "%H:%M:%S")) } }
                                td { span.num { (clock((at - call.started_ms).max(0))) } }
                                td { (what) }
                            }
                        }
                    }
                }
            }
        }
        section {
            h2 { (words.why) }
            ul { @for fact in &call.why { li { (why(language, fact)) } } }
        }
        @if !call.tags.is_empty() || may_tag(view) {
            section {
                h2 { (words.tags) }
                ul { @for tag in &call.tags { li {
                    code { (safe(&tag.code)) } " " (look::text(&tag.note)) " " span.soft { (look::text(&tag.by)) }
                    @if may_tag(view) { " " (take_off(view, stored.id, &tag.code)) }
                } } }
                @if may_tag(view) { (set_code(view, stored.id, codes)) }
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
