//! Bitrix24 by an incoming webhook: a missed call becomes a to-do of the contact, lead or company that has the number, or of a new lead.
//!
//! The methods of telephony (`telephony.externalCall.*`) need an OAuth application and are not used: they answer `WRONG_AUTH_TYPE`.
//!
//! * `crm.duplicate.findbycomm`, <https://dev.1c-bitrix.ru/rest_help/crm/auxiliary/duplicates/crm_duplicate_findbycomm.php>.
//! * `crm.lead.add`, <https://dev.1c-bitrix.ru/rest_help/crm/leads/crm_lead_add.php>.
//! * `crm.activity.todo.add`, <https://dev.1c-bitrix.ru/rest_help/crm/rest_activity/todo/crm_activity_todo_add.php>.
//!
//! Errors: <https://apidocs.bitrix24.com/error-codes.html>: `QUERY_LIMIT_EXCEEDED` (503: more than two requests a second), `OPERATION_TIME_LIMIT` (429),
//! `NO_AUTH_FOUND` (401), `INVALID_CREDENTIALS`, `ACCESS_DENIED` (403: no right, or the tariff has no REST), `insufficient_scope` (403: the webhook lacks
//! the right `crm`), `OVERLOAD_LIMIT` (503: blocked by hand). `crm.activity.todo.add` says `ACCESS_DENIED` with 400.

use super::{Message, Reply, Request, Settings, Step, done, is_good, json, notice, post};
use crate::webhook::schedule::Answer;
use serde_json::{Value, json};

/// Who has the number: the first of these, with its number as an owner of activities.
const OWNERS: [(&str, u32); 3] = [("CONTACT", 3), ("LEAD", 1), ("COMPANY", 4)];

pub(super) fn next(settings: &Settings, message: Message<'_>, answers: &[Reply]) -> Step {
    let call =
        |method: &str, body: &Value| Step::Send(post(format!("/{}/{method}.json", settings.token), Vec::new(), body));
    let is_done = Step::Done(Answer::Status(200, None));
    if let Some(wrong) = answers.iter().find(|reply| !is_good(reply) || json(reply).get("error").is_some()) {
        return failed(wrong);
    }
    let Some((found, more)) = answers.split_first() else {
        return call("crm.duplicate.findbycomm", &json!({ "type": "PHONE", "values": [message.number()] }));
    };
    let known = OWNERS.into_iter().find_map(|(name, kind)| Some((kind, json(found)["result"][name][0].as_u64()?)));
    let (owner, more) = match (known, more.split_first()) {
        (Some(owner), _) => (Some(owner), more),
        (None, None) => return call("crm.lead.add", &lead(settings, message)),
        (None, Some((added, more))) => (json(added)["result"].as_u64().map(|id| (1, id)), more),
    };
    let Some((kind, id)) = owner else {
        return Step::Done(Answer::Nothing("the answer does not say which lead was made".to_owned()));
    };
    // Who was served needs nothing.
    if message.kind != "call.missed" || !more.is_empty() {
        return is_done;
    }
    call("crm.activity.todo.add", &to_do(settings, message, kind, id))
}

/// Whose webhook it is.
pub(super) fn trial(settings: &Settings) -> Request {
    post(format!("/{}/profile.json", settings.token), Vec::new(), &json!({}))
}

fn failed(reply: &Reply) -> Step {
    match json(reply)["error"].as_str().unwrap_or_default() {
        "QUERY_LIMIT_EXCEEDED" | "OPERATION_TIME_LIMIT" => Step::Done(Answer::Status(429, reply.retry_after_ms)),
        // A right that is missing is no fault of the message, whatever the status beside it.
        "ACCESS_DENIED" | "INVALID_CREDENTIALS" | "insufficient_scope" => done(reply, true),
        error if is_good(reply) => Step::Done(Answer::Nothing(format!("error {}", name(error)))),
        _ => done(reply, matches!(reply.code, 401 | 403)),
    }
}

/// The name of an error, which the log has too: Bitrix24's are words. Nothing else that stands there gets there.
fn name(error: &str) -> &str {
    let is_word = error.len() <= 64 && error.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if is_word { error } else { "without a name" }
}

/// Bitrix24 shows what stands in brackets as links and pictures, and callers choose their names.
fn without_marks(text: &str) -> String {
    text.replace('[', "(").replace(']', ")")
}

fn lead(settings: &Settings, message: Message<'_>) -> Value {
    let mut fields = json!({
        "TITLE": notice::headline(message),
        "NAME": without_marks(&notice::plain(message.some("name").unwrap_or_else(|| message.number()))),
        "PHONE": [{ "VALUE": message.number(), "VALUE_TYPE": "WORK" }],
        "SOURCE_ID": "CALL",
        "COMMENTS": without_marks(&notice::words(message, settings.zone.as_ref())),
    });
    if let Some(user) = settings.responsible {
        fields["ASSIGNED_BY_ID"] = user.into();
    }
    json!({ "fields": fields })
}

fn to_do(settings: &Settings, message: Message<'_>, kind: u32, id: u64) -> Value {
    let deadline = message.data["callback"]["due"].as_str().unwrap_or_else(|| message.text("ended"));
    let mut to_do = json!({
        "ownerTypeId": kind,
        "ownerId": id,
        "deadline": deadline,
        "title": notice::headline(message),
        "description": without_marks(&notice::words(message, settings.zone.as_ref())),
    });
    if let Some(user) = settings.responsible {
        to_do["responsibleId"] = user.into();
    }
    to_do
}
