//! A mail command: a notice as a message after RFC 5322 on its standard input. Its exit code is the answer.
//!
//! Codes after `sysexits.h`: 0 taken; 64 to 68 (usage, data, no input, no user, no host) refused as such; 75 and all others: later.

use super::{Message, Reply, Request, Settings, Step, notice};
use crate::webhook::schedule::Answer;

pub(super) fn next(settings: &Settings, message: Message<'_>, answers: &[Reply]) -> Step {
    let Some(last) = answers.last() else {
        let text = notice::words(message, settings.zone.as_ref());
        return Step::Send(Request::Mail(compose(&settings.to, &notice::headline(message), message.id, &text)));
    };
    Step::Done(match last.code {
        0 => Answer::Status(200, None),
        64..=68 => Answer::Status(422, None),
        code => Answer::Nothing(format!("the mail command ended with {code}")),
    })
}

/// A whole message. What a caller can have written stands in the body alone, and on no line of the head.
pub(super) fn compose(to: &str, subject: &str, id: &str, text: &str) -> String {
    let line = |text: &str| text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect::<String>();
    format!(
        "To: {}\nSubject: {}\nMessage-ID: <{}@callbackd.invalid>\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\n",
        line(to),
        line(subject),
        line(id),
    )
}
