//! One attempt: a request to an endpoint, and what it answered. A redirect is an answer like any other, and never followed.

use super::super::clock::wall;
use super::super::connector::Route;
use crate::config::Webhook;
use crate::log::with_causes;
use crate::timing::Timing;
use crate::webhook::{Answer, Endpoint, MAX_ANSWER};
use callbackd_core::ami::event::Millis;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::time::timeout;

/// Once the status is there, its text is waited for so long.
const BODY: Duration = Duration::from_secs(2);

/// How to reach an endpoint.
#[derive(Debug, Clone)]
pub struct Post {
    url: Uri,
    route: Route,
}

/// What is sent.
#[derive(Debug)]
struct Message<'a> {
    id: &'a str,
    at_s: i64,
    signature: &'a str,
    content_type: &'static str,
    body: String,
}

impl Post {
    pub fn to(webhook: &Webhook) -> Self {
        Self { route: Route::to_endpoint(webhook), url: webhook.url.clone() }
    }

    /// Signs a body, and sends it.
    pub async fn signed(&self, endpoint: &Endpoint, id: &str, body: &str, at_ms: Millis) -> (Answer, String) {
        let at_s = at_ms.div_euclid(1_000);
        let signature = endpoint.keys.sign(id, at_s, body);
        let content_type = endpoint.content_type();
        self.send(Message { id, at_s, signature: &signature, content_type, body: body.to_owned() }).await
    }

    /// Sends it on a connection of its own. Returns the answer and the beginning of its text.
    async fn send(&self, message: Message<'_>) -> (Answer, String) {
        let patience = Timing::get().webhook;
        match timeout(patience, self.exchange(message)).await {
            Ok(Ok((answer, text))) => (answer, text),
            Ok(Err(why)) => (Answer::Nothing(why), String::new()),
            Err(_) => (Answer::Nothing(format!("no answer within {} s", patience.as_secs_f32())), String::new()),
        }
    }

    async fn exchange(&self, message: Message<'_>) -> Result<(Answer, String), String> {
        let (wire, _) = self.route.connect().await.map_err(|why| why.to_string())?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(|why| with_causes(&why))?;
        let connection = tokio::spawn(connection);
        let target = self.url.path_and_query().map_or("/", |target| target.as_str());
        let host = self.url.authority().map_or("", |authority| authority.as_str());
        let request = Request::builder()
            .method(Method::POST)
            .uri(target)
            .header(HOST, host)
            .header(USER_AGENT, concat!("callbackd/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, message.content_type)
            .header(CONTENT_LENGTH, message.body.len())
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.at_s)
            .header("webhook-signature", message.signature)
            .body(Full::new(Bytes::from(message.body)))
            .map_err(|why| why.to_string())?;
        let answered = sender.send_request(request).await.map_err(|why| with_causes(&why));
        let answer = match answered {
            Ok(response) => {
                let answer = Answer::Status(response.status().as_u16(), retry_after(&response));
                // What it says is a courtesy to people: the status is the answer.
                let text = timeout(BODY, beginning(response.into_body())).await.unwrap_or_default();
                Ok((answer, text))
            }
            Err(why) => Err(why),
        };
        connection.abort();
        answer
    }
}

/// `Retry-After` in seconds, or as a date (RFC 9110), ms from now.
fn retry_after(response: &Response<Incoming>) -> Option<Millis> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Millis::from(seconds) * 1_000);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    Some((at - wall()).max(0))
}

/// The first bytes of a text, without control characters.
async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data[..data.len().min(MAX_ANSWER - bytes.len())]);
        }
        if bytes.len() >= MAX_ANSWER {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
