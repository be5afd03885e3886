//! A Telegram bot: a notice in a chat.
//!
//! `sendMessage`, <https://core.telegram.org/bots/api#sendmessage>: the token is a part of the path; an answer is JSON with `ok`, and where that is
//! false `error_code`, `description` and `parameters` (<https://core.telegram.org/bots/api#responseparameters>): `retry_after` in seconds, and
//! `migrate_to_chat_id`, the group's new id. 401 and 404: the token is wrong; 403: the bot was put out of the chat.

use super::{Message, Reply, Request, Settings, Step, done, is_good, json, notice, post};
use crate::webhook::schedule::Answer;
use serde_json::json;

/// A message may have 4,096 characters.
const MAX_TEXT: usize = 4_000;

pub(super) fn next(settings: &Settings, message: Message<'_>, answers: &[Reply]) -> Step {
    let text = notice::words(message, settings.zone.as_ref());
    let Some(last) = answers.last() else { return Step::Send(says(settings, &settings.to, &text)) };
    if is_good(last) {
        return Step::Done(Answer::Status(last.code, None));
    }
    let answer = json(last);
    let asked = &answer["parameters"];
    if let (Some(chat), 1) = (asked["migrate_to_chat_id"].as_i64(), answers.len()) {
        return Step::Send(says(settings, &chat.to_string(), &text));
    }
    if let Some(seconds) = asked["retry_after"].as_i64() {
        return Step::Done(Answer::Status(429, Some(seconds.saturating_mul(1_000))));
    }
    let is_chat = answer["description"].as_str().is_some_and(|why| why.contains("chat not found"));
    done(last, is_chat || matches!(last.code, 401 | 403 | 404))
}

/// This text in this chat, as it is: without marks.
pub(super) fn says(settings: &Settings, chat: &str, text: &str) -> Request {
    let text: String = text.chars().take(MAX_TEXT).collect();
    let path = format!("/bot{}/sendMessage", settings.token);
    post(path, Vec::new(), &json!({ "chat_id": chat, "text": text }))
}
