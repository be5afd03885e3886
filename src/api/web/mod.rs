//! Pages for people who have a token: the wall, the list of missed callers, the report, and one call. Made by the server whole; the feed tells them when
//! to look again, by one small script.

mod call;
mod look;
mod missed;
mod report;
mod session;
mod today;
mod view;
mod wall;

pub(crate) use session::{Session, is_open, is_page, of_cookie, refused, to_log_in};
pub(crate) use today::Today;

use super::commands::refusal;
use super::front::{Failure, Front, Peer};
use crate::language::Unknown;
use crate::report::faces::html;
use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use callbackd_core::callbacks::commands::Command;
use callbackd_core::millis::Millis;
use std::sync::Arc;

/// Nothing from elsewhere, no script but our own file, no form but to us, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
const STYLE: &str = include_str!("pages.css");
const SCRIPT: &str = include_str!("pages.js");

/// All pages.
pub(crate) fn routes() -> Router<Arc<Front>> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/wall") }))
        .route("/login", get(session::form).post(session::log_in))
        .route("/logout", post(session::log_out))
        .route("/wall", get(wall::page))
        .route("/missed", get(missed::page))
        .route("/missed.csv", get(missed::csv))
        .route("/missed/{id}/{command}", post(missed::command))
        .route("/report", get(report::page))
        .route("/calls/{id}", get(call::page))
        .route("/calls/{id}/callback", post(missed::call_back))
        .route("/calls/{id}/tags", post(call::tag))
        .route("/assets/pages.css", get(style))
        .route("/assets/pages.js", get(script))
        .layer(from_fn(guarded))
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], [html::STYLE, STYLE].concat())
}

async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT)
}

/// The headers of every page; and the language that was chosen is kept.
async fn guarded(request: Request, next: Next) -> Response {
    let chosen = view::query(request.uri()).get("lang").and_then(|code| crate::language::Language::from_code(code));
    let mut response = next.run(request).await;
    protect(response.headers_mut());
    if let Some(language) = chosen {
        let cookie = format!("callbackd_lang={}; Path=/; Max-Age=31536000; SameSite=Strict", language.code());
        if let Ok(cookie) = cookie.parse() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// Puts these headers in.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // A stricter one would take the Origin from our own forms.
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
fn now_ms() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// That there is a PBX of the name that a page is asked for.
///
/// # Errors
/// There is none, in the language of the page.
async fn known_pbx(front: &Front, view: &view::View) -> Result<(), Failure> {
    let unknown = front.unknown_pbx(view.asked("pbx"), true).await?;
    unknown.map_or(Ok(()), |unknown| Err(Failure::new(StatusCode::NOT_FOUND, view.language.no_pbx(&unknown))))
}

/// The queue that a page is asked for, as it is written: one that a call or a callback has been in, or that a PBX has now.
///
/// # Errors
/// There is no such queue, in the language of the page.
async fn known_queue(front: &Front, view: &view::View, named: Option<String>) -> Result<Option<String>, Failure> {
    front.queue_or_not(named).await?.map_err(|error| unknown(view, &error))
}

/// A name that nothing has, in the language of the page.
fn unknown(view: &view::View, error: &Unknown) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, view.language.refuses(error))
}

/// Has an order of a page carried out.
///
/// # Errors
/// Why not, in the language of the page.
async fn ordered(front: &Front, view: &view::View, command: Command, peer: Peer) -> Result<(), Failure> {
    front.order(command, peer.name).await?.map(drop).map_err(|error| {
        let failure = refusal(&error);
        match view.language.not_done(&error) {
            Some(why) => Failure::new(failure.status, why),
            None => failure,
        }
    })
}

/// A refusal as a page.
fn failed(view: &view::View, failure: &Failure) -> Response {
    let body = maud::html! {
        h1 { (view.words.not_done) }
        p.alert role="alert" { (failure.error) }
        p { a href="/wall" { (view.words.wall) } " · " a href="/missed" { (view.words.missed) } }
    };
    let status = if failure.status == StatusCode::UNAUTHORIZED { StatusCode::FORBIDDEN } else { failure.status };
    (status, look::page(view, view.words.not_done, "", &body)).into_response()
}
