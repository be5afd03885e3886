//! Who is logged in: the cookie holds the token itself, so that a token that is withdrawn is out at once, and a television stays in over restarts.

use super::look;
use super::view::{View, cookie};
use crate::api::front::{Failure, Front};
use crate::api::percent;
use crate::store::tokens::{Role, Token, hash};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{LOCATION, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The cookie over plain HTTP; behind a proxy with TLS the other one, which no other site's page and no plain connection can set.
const PLAIN: &str = "callbackd";
const SECURE: &str = "__Host-callbackd";
/// How long a screen stays logged in, s; browsers keep no cookie longer.
const STAY_S: u32 = 400 * 86_400;

/// Whoever sent the cookie.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// The token's name.
    pub(crate) name: String,
    /// As the history has them.
    pub(crate) bearer: String,
    pub(crate) role: Role,
    /// What each form of this session has with it. A page of another site cannot know it.
    pub(crate) form_key: String,
}

impl Session {
    fn new(token: Token, secret: &str) -> Self {
        Self {
            bearer: token.bearer(),
            name: token.name,
            role: token.role,
            form_key: hash(&format!("form of {secret}")),
        }
    }

    pub(crate) fn may_operate(&self) -> bool {
        self.role == Role::Operate
    }
}

/// What is shown to whoever is not logged in.
pub(crate) fn is_open(method: &Method, path: &str) -> bool {
    path == "/login" || (*method == Method::GET && path.starts_with("/assets/"))
}

/// What a cookie opens; the rest of the API wants the header.
pub(crate) fn is_page(method: &Method, path: &str) -> bool {
    let feed = path == "/v1/events" && *method == Method::GET;
    let own = ["/", "/logout", "/wall", "/missed", "/missed.csv", "/report"].contains(&path);
    feed || own || path.starts_with("/missed/") || path.starts_with("/calls/")
}

/// Whose cookie it is; `None` if nobody's who may see pages.
///
/// # Errors
/// The database cannot be read.
pub(crate) async fn of_cookie(front: &Front, headers: &HeaderMap) -> Result<Option<Session>, Failure> {
    for name in [SECURE, PLAIN] {
        if let Some(secret) = cookie(headers, name) {
            let hashed = hash(secret);
            let token = front.read(move |reader| reader.token(&hashed)).await?;
            if let Some(token) = token.filter(|token| token.role != Role::Request) {
                return Ok(Some(Session::new(token, secret)));
            }
        }
    }
    Ok(None)
}

/// Where whoever is not logged in goes.
pub(crate) fn to_log_in(path: &str) -> Response {
    Redirect::to(&format!("/login?next={}", percent(path))).into_response()
}

/// A page of a session that may not do this.
pub(crate) fn refused(session: Session, headers: &HeaderMap) -> Response {
    let language = cookie(headers, "callbackd_lang").and_then(crate::language::Language::from_code).unwrap_or_default();
    let view = View {
        language,
        words: language.words(),
        theme: None,
        session: Some(session),
        query: BTreeMap::new(),
        path: String::new(),
    };
    super::failed(&view, &Failure::new(StatusCode::FORBIDDEN, view.words.may_not))
}

/// The fields of a form.
pub(crate) fn fields(body: &Bytes) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    format!("/?{text}").parse().map(|uri| super::view::query(&uri)).unwrap_or_default()
}

/// The fields of a form that this session's page has sent.
///
/// # Errors
/// It did not.
pub(crate) fn own_form(view: &View, body: &Bytes) -> Result<BTreeMap<String, String>, Failure> {
    let fields = fields(body);
    let key = view.session.as_ref().map(|session| session.form_key.as_str());
    if key.is_some() && fields.get("form_key").map(String::as_str) == key {
        return Ok(fields);
    }
    Err(Failure::new(StatusCode::FORBIDDEN, view.words.old_form))
}

/// A path of ours, to go to after the log-in.
fn next(asked: Option<&str>) -> &str {
    let ours = |path: &&str| {
        let path = path.split('?').next().unwrap_or_default();
        path != "/logout" && !path.starts_with("/v1") && is_page(&Method::GET, path)
    };
    asked.filter(ours).unwrap_or("/wall")
}

/// `GET /login`
pub(crate) async fn form(view: View) -> Response {
    log_in_page(&view, None, StatusCode::OK)
}

fn log_in_page(view: &View, wrong: Option<&str>, status: StatusCode) -> Response {
    let words = view.words;
    let body = html! {
        section.login {
            h1 { (words.log_in) }
            @if let Some(wrong) = wrong { p.alert role="alert" id="wrong" { (wrong) } }
            form method="post" action="/login" {
                input type="hidden" name="next" value=(next(view.asked("next")));
                // A password manager keeps a token under a name.
                input type="text" name="user" autocomplete="username" value="callbackd" hidden;
                label for="token" { (words.token) }
                input id="token" name="token" type="password" autocomplete="current-password" required autofocus dir="ltr"
                    aria-describedby=(if wrong.is_some() { "wrong hint" } else { "hint" });
                p.soft id="hint" { (words.token_hint) " " br; code dir="ltr" { "callbackd token add NAME --role read" } }
                label.check { input type="checkbox" name="stay" value="1"; " " (words.stay) }
                button.main type="submit" { (words.log_in) }
            }
        }
    };
    (status, look::page(view, words.log_in, "", &body)).into_response()
}

/// `POST /login`
pub(crate) async fn log_in(
    State(front): State<Arc<Front>>,
    mut view: View,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = fields(&body);
    let secret = fields.get("token").map_or("", |token| token.trim());
    let target = next(fields.get("next").map(String::as_str)).to_owned();
    view.query.insert("next".to_owned(), target.clone());
    let hashed = hash(secret);
    let wrong = match front.read(move |reader| reader.token(&hashed)).await {
        Ok(Some(token)) if token.role != Role::Request => {
            // Our own form's Origin tells whether a proxy with TLS stands in between.
            let tls = headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
            let (name, secure) = if tls { (SECURE, "; Secure") } else { (PLAIN, "") };
            let stays = fields.get("stay").map_or_else(String::new, |_| format!("; Max-Age={STAY_S}"));
            let cookie = format!("{name}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}{stays}");
            return (StatusCode::SEE_OTHER, [(LOCATION, target), (SET_COOKIE, cookie)]).into_response();
        }
        Ok(Some(_)) => view.words.wrong_role,
        Ok(None) => view.words.no_token,
        Err(failure) => return super::failed(&view, &failure),
    };
    log_in_page(&view, Some(wrong), StatusCode::FORBIDDEN)
}

/// `POST /logout`
pub(crate) async fn log_out(view: View, body: Bytes) -> Response {
    if let Err(failure) = own_form(&view, &body) {
        return super::failed(&view, &failure);
    }
    let mut response = Redirect::to("/login").into_response();
    for (name, secure) in [(PLAIN, ""), (SECURE, "; Secure")] {
        if let Ok(cookie) = format!("{name}=; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age=0").parse() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}
