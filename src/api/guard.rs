//! Who comes by TCP: a token says what they may do; a browser's page of another site may do nothing.

use super::front::{Failure, Front, Peer};
use super::slots::Slot;
use super::web;
use crate::store::tokens::{Role, Token, hash};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONNECTION, HOST, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// What may be asked without a token.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];
/// Who has shown no token.
const NOBODY: &str = "nobody";
/// The answer to a connection for which there is no slot.
const TOO_MANY: &str = "too many connections: close some that are open and try again";
/// Requests for callbacks that may come in a minute with one token of the role `request`, taken or not.
const REQUESTS_A_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Who may come in by TCP.
#[derive(Debug)]
pub(crate) struct Guard {
    front: Arc<Front>,
    /// Names by which this machine may be called, beside its addresses.
    hosts: Vec<String>,
    /// Browsers may come too, with a cookie.
    pages: bool,
    /// By the name of a token: when each of its last requests came.
    asked: Mutex<BTreeMap<String, Vec<Instant>>>,
}

/// Lets in who may do what they ask for.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let (headers, method) = (request.headers().clone(), request.method().clone());
    let path = request.uri().path().to_owned();
    match guard.admit(&headers, &method, &path).await {
        Ok((peer, session)) => {
            let slot = request.extensions().get::<Arc<Slot>>();
            if peer.name != NOBODY && slot.is_some_and(|slot| !slot.has_shown_a_token()) {
                let close = [(CONNECTION, "close")];
                return (close, Failure::new(StatusCode::SERVICE_UNAVAILABLE, TOO_MANY)).into_response();
            }
            request.extensions_mut().insert(peer);
            if let Some(session) = session {
                request.extensions_mut().insert(session);
            }
            next.run(request).await
        }
        Err(refused) => *refused,
    }
}

impl Guard {
    pub(crate) fn new(front: Arc<Front>, hosts: &[String], pages: bool) -> Self {
        Self { front, hosts: hosts.to_vec(), pages, asked: Mutex::default() }
    }

    async fn admit(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
    ) -> Result<(Peer, Option<web::Session>), Box<Response>> {
        self.host(headers)?;
        if is_open(method, path) || (self.pages && web::is_open(method, path)) {
            return Ok((Peer { name: NOBODY.to_owned(), role: Role::Read }, None));
        }
        if self.pages && !headers.contains_key(AUTHORIZATION) && web::is_page(method, path) {
            let session = self.session(headers, method, path).await?;
            return Ok((Peer { name: session.bearer.clone(), role: session.role }, Some(session)));
        }
        let token = self.token(headers).await?;
        self.may(&token, method, path)?;
        Ok((Peer { name: token.bearer(), role: token.role }, None))
    }

    /// A browser, by its cookie; one that has none is shown where to log in.
    async fn session(&self, headers: &HeaderMap, method: &Method, path: &str) -> Result<web::Session, Box<Response>> {
        let found = web::of_cookie(&self.front, headers).await.map_err(|failure| Box::new(failure.into_response()))?;
        let Some(session) = found else {
            let mut response = web::to_log_in(path);
            if path == "/v1/events" {
                let why = "a token is needed here: log in again";
                response = Failure::new(StatusCode::UNAUTHORIZED, why).into_response();
            }
            web::protect(response.headers_mut());
            return Err(Box::new(response));
        };
        if reads(method) || path == "/logout" || session.may_operate() {
            return Ok(session);
        }
        let mut response = web::refused(session, headers);
        web::protect(response.headers_mut());
        Err(Box::new(response))
    }

    /// A page that a browser was led to by a false name (DNS rebinding), or that is of another site, is none of ours.
    fn host(&self, headers: &HeaderMap) -> Result<(), Box<Response>> {
        for (header, name) in [(HOST, "Host"), (ORIGIN, "Origin")] {
            if headers.get_all(header).iter().count() > 1 {
                let why = format!("there is more than one header {name}");
                return Err(refusal(StatusCode::BAD_REQUEST, name, &why, "send one"));
            }
        }
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = name_of(host).unwrap_or_default();
        let known = name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok()
            || (!name.is_empty() && self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name)));
        if !known {
            let why = "the name in the header Host is not a known name of this machine";
            return Err(refusal(
                StatusCode::MISDIRECTED_REQUEST,
                "Host",
                why,
                "use its address, or add the name to api.hosts",
            ));
        }
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let same = origin.to_str().ok().and_then(|origin| origin.split_once("://")).is_some_and(|(_, of)| of == host);
        if same {
            return Ok(());
        }
        let why = "requests from pages of other sites are refused";
        Err(refusal(StatusCode::FORBIDDEN, "Origin", why, "ask from your own server, not from its visitors' browsers"))
    }

    async fn token(&self, headers: &HeaderMap) -> Result<Token, Box<Response>> {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret =
            given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let unknown = |why: &str| {
            let fix = "send `Authorization: Bearer TOKEN`; callbackd token add makes one";
            let mut response = refusal(StatusCode::UNAUTHORIZED, "Authorization", why, fix);
            response.headers_mut().insert(WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
            response
        };
        let Some((_, secret)) = secret else { return Err(unknown("a token is needed here")) };
        let hash = hash(secret.trim());
        match self.front.read(move |reader| reader.token(&hash)).await {
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(unknown("this token is not known, or was withdrawn")),
            Err(failure) => Err(Box::new(failure.into_response())),
        }
    }

    fn may(&self, token: &Token, method: &Method, path: &str) -> Result<(), Box<Response>> {
        if !may(token.role, method, path) {
            let why = format!("a token of the role {} may not do this", token.role.as_str());
            let fix = match token.role {
                _ if is_of_tokens(path) => "tokens are made, listed and withdrawn on the socket only: callbackd token",
                Role::Request if reads(method) => "callbackd token add NAME --role read makes one that may read",
                _ => "callbackd token add NAME --role operate makes one that may give commands",
            };
            return Err(refusal(StatusCode::FORBIDDEN, "Authorization", &why, fix));
        }
        if token.role == Role::Request && !self.has_room(&token.name) {
            self.front.slots.request_refused();
            let why = format!(
                "more than {REQUESTS_A_MINUTE} requests in a minute with this token; those that were refused count too"
            );
            let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, why).with_fix("wait a minute");
            let mut response = Box::new(failure.into_response());
            response.headers_mut().insert(RETRY_AFTER, axum::http::HeaderValue::from_static("60"));
            return Err(response);
        }
        Ok(())
    }

    fn has_room(&self, name: &str) -> bool {
        let now = Instant::now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was withdrawn leaves nothing behind for longer than a minute.
        asked.retain(|_, times| times.iter().any(|at| now.duration_since(*at) < MINUTE));
        let times = asked.entry(name.to_owned()).or_default();
        times.retain(|at| now.duration_since(*at) < MINUTE);
        let room = times.len() < REQUESTS_A_MINUTE;
        if room {
            times.push(now);
        }
        room
    }
}

/// Whether it is asked without a token.
pub(super) fn is_open(method: &Method, path: &str) -> bool {
    OPEN.contains(&path) && *method == Method::GET
}

/// Whether a token of this role may do this.
pub(super) fn may(role: Role, method: &Method, path: &str) -> bool {
    match role {
        _ if is_of_tokens(path) => false,
        Role::Operate => true,
        Role::Read => reads(method),
        Role::Request => *method == Method::POST && path == "/v1/callbacks",
    }
}

fn reads(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}

fn is_of_tokens(path: &str) -> bool {
    path == "/v1/tokens" || path.starts_with("/v1/tokens/")
}

/// Without the port; an address of IPv6 without its brackets. `None` where it is neither name nor address with a port or without.
fn name_of(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(address, _)| address.parse::<Ipv6Addr>().is_ok())?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

fn refusal(status: StatusCode, header: &str, why: &str, fix: &str) -> Box<Response> {
    Box::new(Failure::of_field(header, why, fix).with_status(status).into_response())
}
