//! amoCRM and Kommo: a call is added to the card of its number; who is not known becomes a lead with a contact.
//!
//! * `POST /api/v4/calls`, <https://www.amocrm.ru/developers/content/crm_platform/calls-api>: finds contact or company by the number; where there is
//!   none, the call is not added. `uniq` tells a repetition.
//! * `GET /api/v4/contacts`, `/companies` with `query`, <https://www.amocrm.ru/developers/content/crm_platform/contacts-api>: 204 if there is none.
//! * `POST /api/v4/leads/complex`, <https://www.amocrm.ru/developers/content/crm_platform/leads-api>: a lead with its contact.
//!
//! Errors: <https://www.amocrm.ru/developers/content/crm_platform/error-codes>: 400 refused, 401 no or an old token, 402 not paid, 403 no right or
//! blocked, 429 more than seven requests a second, 504 too slow.

use super::{Http, Message, Reply, Request, Settings, Step, digits, done, is_good, json, notice, post};
use crate::webhook::schedule::Answer;
use callbackd_core::model::Status;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Is it there?
const LOOK_UPS: [&str; 2] = ["contacts", "companies"];

pub(super) fn next(settings: &Settings, message: Message<'_>, answers: &[Reply]) -> Step {
    let is_done = |reply: &Reply| Step::Done(Answer::Status(reply.code, None));
    if let Some(wrong) = answers.iter().find(|reply| !is_good(reply)) {
        return done(wrong, matches!(wrong.code, 401..=403));
    }
    match answers {
        [] => add_call(settings, message),
        [call] if was_added(call) => is_done(call),
        // Added before, and refused now; or of somebody who is not known.
        [_] => Step::Send(look_up(settings, LOOK_UPS[0], message.number())),
        [_, found] if is_known(found) => is_done(found),
        [_, _] => Step::Send(look_up(settings, LOOK_UPS[1], message.number())),
        [_, _, found] if is_known(found) => is_done(found),
        [_, _, _] => Step::Send(post("/api/v4/leads/complex".to_owned(), bearer(settings), &lead(settings, message))),
        [_, _, _, _] => add_call(settings, message),
        [.., last] => is_done(last),
    }
}

/// The account is asked for.
pub(super) fn trial(settings: &Settings) -> Request {
    Request::Http(Http {
        get: true,
        path: "/api/v4/account".to_owned(),
        headers: bearer(settings),
        body: String::new(),
    })
}

fn bearer(settings: &Settings) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {}", settings.token))]
}

fn add_call(settings: &Settings, message: Message<'_>) -> Step {
    let mut call = json!({
        "direction": if message.is_inbound() { "inbound" } else { "outbound" },
        "uniq": message.call_id(),
        "duration": message.seconds("talk_s"),
        "source": "callbackd",
        "phone": message.number(),
        "call_status": status(message),
        "call_result": message.text("why"),
    });
    // A call that is sent late stands at its own time.
    if let Ok(started) = message.text("started").parse::<Timestamp>() {
        call["created_at"] = started.as_second().into();
    }
    if let Some(user) = settings.responsible {
        call["responsible_user_id"] = user.into();
    }
    Step::Send(post("/api/v4/calls".to_owned(), bearer(settings), &json!([call])))
}

/// 1 left a message, 4 talked, 6 no answer, 7 busy.
fn status(message: Message<'_>) -> u8 {
    match message.status() {
        Some(Status::Answer) => 4,
        _ if message.data["voicemail"] == true => 1,
        Some(Status::Busy) => 7,
        // It has no word for an end that nobody saw.
        Some(Status::Cancel | Status::NoAnswer | Status::OutOfTime | Status::NotConnected | Status::Unknown) | None => {
            6
        }
    }
}

fn was_added(reply: &Reply) -> bool {
    json(reply)["_embedded"]["calls"].as_array().is_some_and(|calls| !calls.is_empty())
}

fn look_up(settings: &Settings, what: &str, number: &str) -> Request {
    let path = format!("/api/v4/{what}?limit=1&query={}", digits(number));
    Request::Http(Http { get: true, path, headers: bearer(settings), body: String::new() })
}

fn is_known(reply: &Reply) -> bool {
    let found = json(reply);
    LOOK_UPS.iter().any(|what| found["_embedded"][what].as_array().is_some_and(|found| !found.is_empty()))
}

fn lead(settings: &Settings, message: Message<'_>) -> Value {
    let phone = json!({ "field_code": "PHONE", "values": [{ "value": message.number(), "enum_code": "WORK" }] });
    let name = notice::plain(message.some("name").unwrap_or_else(|| message.number()));
    let mut lead = json!({
        "name": notice::headline(message),
        "_embedded": { "contacts": [{ "first_name": name, "custom_fields_values": [phone] }] },
    });
    if let Some(user) = settings.responsible {
        lead["responsible_user_id"] = user.into();
        lead["_embedded"]["contacts"][0]["responsible_user_id"] = user.into();
    }
    json!([lead])
}
