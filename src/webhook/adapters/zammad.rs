//! Zammad's generic CTI, the form of sipgate.io: `newCall`, `answer`, `hangup` of one `callId`.
//!
//! <https://docs.zammad.org/en/latest/api/generic-cti/index.html>. The token is a part of the address. A `newCall` whose `callId` is known, and an
//! `answer` or `hangup` whose `callId` is not, are errors (`Cti::Log.process` in `app/models/cti/log.rb`: "call_id … already exists!", "No such
//! call_id …"; the words of the second are hidden from others than administrators, `ApplicationController::HandlesErrors`). An integration that is
//! switched off or not configured is refused with 422 (`Integration::CtiController`). A `hangup` of a call that nobody answered leaves it undone: it was missed.

use super::{Message, Reply, Settings, Step, digits, done, is_good, json as json_of, post};
use crate::webhook::schedule::Answer;
use callbackd_core::model::Status;
use serde_json::{Value, json};

pub(super) fn next(settings: &Settings, message: Message<'_>, answers: &[Reply]) -> Step {
    let send =
        |event: &str| Step::Send(post(format!("/api/v1/cti/{}", settings.token), Vec::new(), &body(event, message)));
    // What the change needs, in its order.
    let all: &[&str] = match message.kind {
        "call.started" => &["newCall"],
        "call.answered" => &["newCall", "answer"],
        _ if message.is_answered() => &["newCall", "answer", "hangup"],
        _ => &["newCall", "hangup"],
    };
    let Some(last) = all.last() else { return Step::Done(Answer::Status(204, None)) };
    let Some((first, more)) = answers.split_first() else { return send(last) };
    if is_switched_off(first) {
        return Step::Done(Answer::Nothing("the CTI integration is switched off or not configured there".to_owned()));
    }
    if is_good(first) {
        return Step::Done(Answer::Status(first.code, None));
    }
    let knows_it = |reply: &Reply| reply.text.contains("already exists");
    if all.len() == 1 {
        return if knows_it(first) { Step::Done(Answer::Status(200, None)) } else { failed(first) };
    }
    // Whether it knows no such call, or something else is wrong, shows when all is sent from the beginning.
    if !is_unknown(first) {
        return failed(first);
    }
    match more.last() {
        Some(reply) if !(is_good(reply) || more.len() == 1 && knows_it(reply)) => failed(reply),
        Some(reply) if more.len() == all.len() => Step::Done(Answer::Status(reply.code, None)),
        _ => send(all[more.len()]),
    }
}

/// It may be that it does not know the call: an error of the server, as any that it has not thought of.
fn is_unknown(reply: &Reply) -> bool {
    matches!(reply.code, 422 | 500)
}

/// "Feature is disabled, …", "Feature not configured, …": no fault of the message.
fn is_switched_off(reply: &Reply) -> bool {
    reply.code == 422 && json_of(reply)["error"].as_str().is_some_and(|error| error.starts_with("Feature "))
}

fn failed(reply: &Reply) -> Step {
    done(reply, matches!(reply.code, 401 | 403 | 404))
}

fn body(event: &str, message: Message<'_>) -> Value {
    let customer = Some(digits(message.number())).filter(|digits| !digits.is_empty());
    let customer = customer.unwrap_or_else(|| "anonymous".to_owned());
    let agent = message.some("agent");
    let extension = agent.map(|agent| agent.split_once('/').map_or(agent, |(_, peer)| peer));
    let inbound = message.is_inbound();
    let did = message.some("did").or(message.some("queue")).unwrap_or("unknown").to_owned();
    let (from, to) = if inbound { (customer, did) } else { (extension.unwrap_or(&did).to_owned(), customer) };
    let mut body = json!({
        "event": event,
        "from": from,
        "to": to,
        "direction": if inbound { "in" } else { "out" },
        "callId": message.call_id(),
    });
    let mut add = |field: &str, value: Option<&str>| {
        if let Some(value) = value {
            body[field] = value.into();
        }
    };
    add("queue", message.some("queue").filter(|_| inbound));
    match event {
        "newCall" => add("user", agent.filter(|_| !inbound)),
        "answer" => {
            add("user", agent);
            add("answeringNumber", extension);
        }
        _ => add("cause", Some(cause(message))),
    }
    body
}

fn cause(message: Message<'_>) -> &'static str {
    match message.status() {
        Some(Status::Busy) => "busy",
        Some(Status::Cancel) => "cancel",
        Some(Status::NoAnswer | Status::OutOfTime) => "noAnswer",
        Some(Status::NotConnected) => "congestion",
        // It has no word for an end that nobody saw.
        Some(Status::Answer | Status::Unknown) | None => "normalClearing",
    }
}
