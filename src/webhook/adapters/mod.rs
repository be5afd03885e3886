//! Adapters: what other programs receive of a change, in their own words. Each is a pure machine: from the change and the answers so far
//! to the next request.
//!
//! One entry for each call, never for each phone that rang: a change is about a call as a whole.

mod amocrm;
mod bitrix24;
mod mail;
mod notice;
mod telegram;
mod zammad;

pub(crate) use notice::plain;

use super::schedule::Answer;
use crate::config::Format;
use callbackd_core::millis::Millis;
use callbackd_core::model::Status;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;
use serde_json::Value;

/// No change takes more requests than this.
pub(crate) const MAX_REQUESTS: usize = 8;

/// What is sent next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// By HTTP to the endpoint.
    Http(Http),
    /// To the mail command: a whole message.
    Mail(String),
}

/// A request by HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Http {
    /// Nothing is sent with it: GET; else POST.
    pub get: bool,
    /// Behind the path of the endpoint's URL.
    pub path: String,
    /// With `Content-Type`.
    pub headers: Vec<(&'static str, String)>,
    /// Of a POST.
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status, or the exit code of the mail command.
    pub code: u16,
    /// What `Retry-After` asks for, ms.
    pub retry_after_ms: Option<Millis>,
    /// The body, as far as it was read; or what the command wrote to stderr.
    pub text: String,
}

/// What a machine wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// This is sent, and its answer added to the others.
    Send(Request),
    /// All is said; what the queue makes of it.
    Done(Answer),
}

/// What a machine has beside the change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The secret of `secret_file`.
    pub token: String,
    /// Chat, or address of mail.
    pub to: String,
    /// Number of the user in the CRM who is responsible.
    pub responsible: Option<u32>,
    /// In which times are written for people.
    pub zone: Option<TimeZone>,
}

/// A change as a message says it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The same over all attempts.
    pub id: &'a str,
    /// What became true.
    pub kind: &'a str,
    /// What a message says of it.
    pub data: &'a Value,
}

impl<'a> Message<'a> {
    /// A field that is a text; empty if it is none.
    fn text(&self, field: &str) -> &'a str {
        self.data[field].as_str().unwrap_or_default()
    }

    /// A field that is a text; `None` if there is none.
    fn some(&self, field: &str) -> Option<&'a str> {
        Some(self.text(field)).filter(|text| !text.is_empty())
    }

    /// The customer's number in E.164, or as it came; empty if it was withheld.
    fn number(&self) -> &'a str {
        self.some("number_e164").unwrap_or_else(|| self.text("number"))
    }

    /// A call's id that is unique over all PBXs.
    fn call_id(&self) -> String {
        format!("{}-{}", self.text("pbx"), self.text("linkedid"))
    }

    /// Whole seconds of a field.
    fn seconds(&self, field: &str) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "no call lasts for so long")]
        let whole = self.data[field].as_f64().unwrap_or_default().round() as i64;
        whole.max(0)
    }

    /// What became of the call; `None` while it goes on.
    fn status(&self) -> Option<Status> {
        Status::from_text(self.text("status"))
    }

    fn is_answered(&self) -> bool {
        self.status() == Some(Status::Answer)
    }

    /// The customer called us.
    fn is_inbound(&self) -> bool {
        self.text("direction") == "inbound"
    }
}

/// The next request for a change, or what its answers mean. The formats that are one request in our own words are not spoken here: `None`.
#[must_use]
pub fn next(format: Format, settings: &Settings, message: Message<'_>, answers: &[Reply]) -> Option<Step> {
    // What is made of a call hangs on what the CRM knows: one that has not said it is asked again, and nobody is taken for unknown.
    if matches!(format, Format::AmoCrm | Format::Bitrix24) && answers.iter().any(says_nothing) {
        return Some(Step::Done(Answer::Nothing("the answer is no JSON, or did not come whole".to_owned())));
    }
    Some(match format {
        Format::Standard | Format::CloudEvents => return None,
        Format::Zammad => zammad::next(settings, message, answers),
        Format::AmoCrm => amocrm::next(settings, message, answers),
        Format::Bitrix24 => bitrix24::next(settings, message, answers),
        Format::Telegram => telegram::next(settings, message, answers),
        Format::Mail => mail::next(settings, message, answers),
    })
}

/// A request to try an endpoint with, which enters nothing; of formats that have none, nothing can be tried.
#[must_use]
pub(crate) fn trial(format: Format, settings: &Settings, id: &str, text: &str) -> Option<Request> {
    match format {
        Format::Standard | Format::CloudEvents | Format::Zammad => None,
        Format::AmoCrm => Some(amocrm::trial(settings)),
        Format::Bitrix24 => Some(bitrix24::trial(settings)),
        Format::Telegram => Some(telegram::says(settings, &settings.to, text)),
        Format::Mail => Some(Request::Mail(mail::compose(&settings.to, "callbackd: test", id, text))),
    }
}

/// A format has something to say of a call of this direction, with or without a number.
#[must_use]
pub(crate) fn wants_call(format: Format, direction: &str, has_number: bool) -> bool {
    match format {
        Format::Standard | Format::CloudEvents => true,
        Format::Zammad | Format::Telegram | Format::Mail => direction != "internal",
        // An entry hangs on a number.
        Format::AmoCrm | Format::Bitrix24 => direction != "internal" && has_number,
    }
}

/// A POST of JSON.
fn post(path: String, headers: Vec<(&'static str, String)>, body: &Value) -> Request {
    let mut all = vec![("content-type", "application/json".to_owned())];
    all.extend(headers);
    Request::Http(Http { get: false, path, headers: all, body: body.to_string() })
}

/// What an answer means where nothing else is known of it. A token that is refused is no fault of the message: it waits until that is put right.
fn done(reply: &Reply, is_token: bool) -> Step {
    Step::Done(if is_token {
        Answer::Nothing(format!("HTTP {}: the token, or what it may do, is refused", reply.code))
    } else {
        Answer::Status(reply.code, reply.retry_after_ms)
    })
}

/// An answer that is JSON; `null` if it is none.
fn json(reply: &Reply) -> Value {
    serde_json::from_str(&reply.text).unwrap_or_default()
}

/// It ought to be JSON and is none; 204 has no body.
fn says_nothing(reply: &Reply) -> bool {
    is_good(reply) && reply.code != 204 && serde_json::from_str::<IgnoredAny>(&reply.text).is_err()
}

fn is_good(reply: &Reply) -> bool {
    (200..300).contains(&reply.code)
}

/// The digits of a number.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
