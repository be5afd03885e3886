//! One request to an endpoint, and what it answered. A redirect is an answer like any other, and never followed.

use super::super::clock::wall;
use super::super::connector::Route;
use super::command;
use crate::config::Webhook;
use crate::log::with_causes;
use crate::timing::Timing;
use crate::webhook::Answer;
use crate::webhook::adapters::{Http, Reply, Request};
use callbackd_core::millis::Millis;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Response, Uri};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::time::timeout;

/// Once the status is there, its text is waited for so long.
const BODY: Duration = Duration::from_secs(2);
/// Of an answer's text so much is read, bytes.
const MAX_TEXT: usize = 64 << 10;

/// How to reach an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    url: Uri,
    route: Route,
    command: Vec<String>,
}

impl Post {
    pub(crate) fn to(webhook: &Webhook) -> Self {
        Self { route: Route::to_endpoint(webhook), url: webhook.url.clone(), command: webhook.command.clone() }
    }

    /// Sends it. Returns the answer; as an error, that there is none.
    pub(crate) async fn send(&self, request: Request) -> Result<Reply, Answer> {
        let patience = Timing::get().webhook;
        let request = match request {
            Request::Http(request) => request,
            Request::Mail(text) => return command::run(self.command.clone(), text, patience).await,
        };
        match timeout(patience, self.exchange(request)).await {
            Ok(answer) => answer.map_err(Answer::Nothing),
            Err(_) => Err(Answer::Late(format!("no answer within {} s", patience.as_secs_f32()))),
        }
    }

    /// On a connection of its own.
    async fn exchange(&self, asked: Http) -> Result<Reply, String> {
        let (wire, _) = self.route.connect().await.map_err(|why| why.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(|why| with_causes(&why))?;
        let connection = tokio::spawn(connection);
        let host = self.url.authority().map_or("", |authority| authority.as_str());
        let mut request = hyper::Request::builder()
            .method(if asked.get { Method::GET } else { Method::POST })
            .uri(self.target(&asked.path))
            .header(HOST, host)
            .header(USER_AGENT, concat!("callbackd/", env!("CARGO_PKG_VERSION")));
        if !asked.get {
            request = request.header(CONTENT_LENGTH, asked.body.len());
        }
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(asked.body))).map_err(|why| why.to_string())?;
        let answered = sender.send_request(request).await.map_err(|why| with_causes(&why));
        let answer = match answered {
            Ok(response) => {
                let (code, retry_after_ms) = (response.status().as_u16(), retry_after(&response));
                let mut read = Vec::new();
                // What has come by then is shown.
                let _ = timeout(BODY, beginning(response.into_body(), &mut read)).await;
                let text = String::from_utf8_lossy(&read).into_owned();
                Ok(Reply { code, retry_after_ms, text })
            }
            Err(why) => Err(why),
        };
        connection.abort();
        answer
    }

    /// The URL's own, or a path behind it.
    fn target(&self, path: &str) -> String {
        if path.is_empty() {
            return self.url.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        }
        format!("{}{path}", self.url.path().trim_end_matches('/'))
    }
}

/// `Retry-After` in seconds, or as a date (RFC 9110), ms from now.
fn retry_after(response: &Response<Incoming>) -> Option<Millis> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than a number holds is for ever, and what is waited for is bounded elsewhere.
        return Some(Millis::from(text.parse().unwrap_or(u32::MAX)) * 1_000);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    Some((at - wall()).max(0))
}

/// The beginning of a text.
async fn beginning(mut body: Incoming, bytes: &mut Vec<u8>) {
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data[..data.len().min(MAX_TEXT - bytes.len())]);
        }
        if bytes.len() >= MAX_TEXT {
            break;
        }
    }
}
