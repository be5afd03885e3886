//! An endpoint as the configuration wants it: which changes it receives, and in what words.

use super::adapters::{self, Http, Message, Reply, Request, Settings, Step};
use super::payload::{Subject, data};
use super::schedule::Answer;
use super::secret::Secret;
use crate::config::{Config, Format, Map, Webhook};
use crate::store::feed::{Change, ChangedRow};
use callbackd_core::millis::Millis;
use callbackd_core::model::{ChangeKind, PbxId};
use callbackd_core::order::Gather as _;
use jiff::tz::TimeZone;
use serde_json::{Map as Object, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The event that a person has sent to try an endpoint.
pub(crate) const TEST: &str = "webhook.test";
/// The event that carries a report.
const REPORT: &str = "report.made";
const TEST_TEXT: &str = "This is a test: nobody called.";

/// An endpoint without its address: what it receives.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// As in the configuration.
    pub(crate) name: String,
    secret: Secret,
    settings: Settings,
    /// What is sent.
    pub(crate) kinds: Vec<ChangeKind>,
    pbxs: BTreeSet<PbxId>,
    queues: BTreeSet<String>,
    format: Format,
    map: Map,
    scripts: Scripts,
}

/// What an agent is to say, by PBX and queue; and what numbers of ours are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scripts {
    queues: BTreeMap<String, (String, BTreeMap<String, String>)>,
    dids: BTreeMap<String, String>,
}

impl Scripts {
    /// As the configuration has them.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let of = |pbx: &crate::config::Pbx| {
            let callback = &pbx.settings.callback;
            let queues = callback.queues.iter().map(|(name, queue)| (name.clone(), queue.script.clone()));
            (pbx.name.to_string(), (callback.default.script.clone(), queues.to_map()))
        };
        Self { queues: config.pbx.iter().map(of).to_map(), dids: config.report.dids.clone() }
    }

    pub(super) fn of_did(&self, did: Option<&str>) -> Option<&str> {
        self.dids.get(did?).map(String::as_str)
    }

    pub(super) fn of_queue(&self, pbx: &str, queue: Option<&str>) -> &str {
        let Some((default, queues)) = self.queues.get(pbx) else { return "" };
        queue.and_then(|queue| queues.get(queue)).unwrap_or(default)
    }
}

impl Endpoint {
    /// Of this table.
    #[must_use]
    pub fn new(webhook: &Webhook, secret: Secret, scripts: Scripts) -> Self {
        let token = if let Secret::Token(token) = &secret { token.clone() } else { String::new() };
        let (to, responsible) = (webhook.to.clone(), webhook.responsible);
        Self {
            name: webhook.name.clone(),
            settings: Settings { token, to, responsible, zone: Some(TimeZone::system()) },
            secret,
            kinds: webhook.events.iter().copied().collect(),
            pbxs: webhook.pbxs.clone(),
            queues: webhook.queues.clone(),
            format: webhook.format,
            map: webhook.map.clone(),
            scripts,
        }
    }

    /// Whether it receives a change of one of its kinds: news, and of its PBXs and queues.
    #[must_use]
    pub(crate) fn wants(&self, change: &Change) -> bool {
        if change.late || !(self.pbxs.is_empty() || self.pbxs.contains(&*change.pbx)) {
            return false;
        }
        if let Some(ChangedRow::Call(stored)) = &change.row
            && !adapters::wants_call(self.format, stored.call.direction.as_str(), stored.call.number_e164.is_some())
        {
            return false;
        }
        let queue = match &change.row {
            Some(ChangedRow::Call(stored)) => stored.call.queue.as_deref(),
            Some(ChangedRow::Callback { row, .. }) => row.queue.as_deref(),
            Some(ChangedRow::Attempt { of, .. }) => of.as_ref().and_then(|of| of.queue.as_deref()),
            None => change.payload.as_ref().and_then(|payload| payload["queue"].as_str()),
        };
        self.queues.is_empty() || queue.is_some_and(|queue| self.queues.contains(queue))
    }

    /// The body of a message.
    #[must_use]
    pub(crate) fn body(&self, id: &str, subject: &Subject<'_>) -> String {
        let change = subject.change;
        let data = self.mapped(data(subject, &self.scripts));
        self.enveloped(id, change.kind.as_str(), change.at_ms, (subject.site, &change.pbx, &change.key), data)
    }

    /// The body of a message that has a report in it: of which site and days.
    #[must_use]
    pub(crate) fn report_body(&self, id: &str, at_ms: Millis, of: (&str, &str), data: &Value) -> String {
        let data = data.as_object().cloned().unwrap_or_default();
        self.enveloped(id, REPORT, at_ms, (of.0, "", of.1), data)
    }

    /// The next request for a message, begun at `at_ms`, or what its answers mean.
    #[must_use]
    pub(crate) fn next(&self, id: &str, body: &str, at_ms: Millis, answers: &[Reply]) -> Step {
        let said: Value = serde_json::from_str(body).unwrap_or_default();
        let message = Message { id, kind: said["type"].as_str().unwrap_or_default(), data: &said["data"] };
        if let Some(step) = adapters::next(self.format, &self.settings, message, answers) {
            let too_many = matches!(step, Step::Send(_)) && answers.len() >= adapters::MAX_REQUESTS;
            return if too_many { Step::Done(Answer::Nothing("too many requests".to_owned())) } else { step };
        }
        match answers.last() {
            Some(reply) => Step::Done(Answer::Status(reply.code, reply.retry_after_ms)),
            None => Step::Send(self.signed(id, body, at_ms)),
        }
    }

    /// A request to try the endpoint with; `None` where nothing can be tried without entering a call.
    #[must_use]
    pub(crate) fn trial(&self, id: &str, now_ms: Millis) -> Option<Request> {
        match self.format {
            Format::Standard | Format::CloudEvents => Some(self.signed(id, &self.test_body(id, now_ms), now_ms)),
            format => adapters::trial(format, &self.settings, id, TEST_TEXT),
        }
    }

    fn signed(&self, id: &str, body: &str, at_ms: Millis) -> Request {
        let at_s = at_ms.div_euclid(1_000);
        let signature = if let Secret::Keys(keys) = &self.secret { keys.sign(id, at_s, body) } else { String::new() };
        let headers = vec![
            ("content-type", self.content_type().to_owned()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", at_s.to_string()),
            ("webhook-signature", signature),
        ];
        Request::Http(Http { get: false, path: String::new(), headers, body: body.to_owned() })
    }

    fn test_body(&self, id: &str, now_ms: Millis) -> String {
        let data = json!({ "webhook": self.name, "text": TEST_TEXT });
        let data = self.mapped(data.as_object().cloned().unwrap_or_default());
        self.enveloped(id, TEST, now_ms, ("", "", &self.name), data)
    }

    /// Of which type the body is.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.format {
            Format::CloudEvents => "application/cloudevents+json; charset=utf-8",
            _ => "application/json",
        }
    }

    fn enveloped(
        &self,
        id: &str,
        kind: &str,
        at_ms: Millis,
        of: (&str, &str, &str),
        data: Object<String, Value>,
    ) -> String {
        let (site, pbx, key) = of;
        let timestamp = rfc3339(at_ms);
        let whole = match self.format {
            Format::CloudEvents => json!({
                "specversion": "1.0",
                "id": id,
                "source": source(site, pbx),
                "type": format!("callbackd.{kind}"),
                "time": timestamp,
                "subject": key,
                "datacontenttype": "application/json",
                "data": data,
            }),
            _ => json!({ "type": kind, "timestamp": timestamp, "data": data }),
        };
        whole.to_string()
    }

    /// With the names and words that the configuration wants in place of ours.
    fn mapped(&self, data: Object<String, Value>) -> Object<String, Value> {
        let one = |(name, value): (String, Value)| {
            let value = self.worded(&name, value);
            (self.map.names.get(&name).cloned().unwrap_or(name), value)
        };
        data.into_iter().map(one).collect()
    }

    /// With those words, also where the field stands in another one.
    fn worded(&self, name: &str, value: Value) -> Value {
        match value {
            Value::String(word) => {
                Value::String(self.map.words.get(&(name.to_owned(), word.clone())).cloned().unwrap_or(word))
            }
            Value::Object(fields) => {
                let one = |(name, value): (String, Value)| (name.clone(), self.worded(&name, value));
                Value::Object(fields.into_iter().map(one).collect())
            }
            Value::Array(values) => values.into_iter().map(|value| self.worded(name, value)).collect(),
            other => other,
        }
    }
}

/// A URI reference, as CloudEvents want it.
fn source(site: &str, pbx: &str) -> String {
    let plain = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        text.bytes().map(|b| if fits(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect::<String>()
    };
    if pbx.is_empty() {
        format!("/callbackd/{}", plain(site))
    } else {
        format!("/callbackd/{}/{}", plain(site), plain(pbx))
    }
}

/// RFC 3339 in UTC, with milliseconds.
pub(super) fn rfc3339(ms: Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(ms);
    at.map_or_else(|_| ms.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
