//! The fields of a message, and the words that they may have.

use Kind::{Text, Value, Word};
use callbackd_core::model::{AttemptResult, CallbackState, Direction, HangupBy, Outcome, Quality, RecoveredBy, Status};

/// What stands in a field.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// Anything.
    Text,
    /// A number, a time, a list, a table, or true or false.
    Value,
}

/// What a message may say in `data`: of a call, a callback, an attempt, a gap, an entry of the do-not-call list.
const FIELDS: [(&str, Kind); 58] = [
    ("site", Text),
    ("pbx", Text),
    ("key", Text),
    ("rev", Value),
    ("linkedid", Text),
    ("quality", Word(|| Quality::ALL.iter().map(|word| word.as_str()).collect())),
    ("direction", Word(|| Direction::ALL.iter().map(|word| word.as_str()).collect())),
    ("status", Word(|| Status::ALL.iter().map(|word| word.as_str()).collect())),
    ("outcome", Word(|| Outcome::ALL.iter().map(|word| word.as_str()).collect())),
    ("why", Text),
    ("number", Text),
    ("number_e164", Text),
    ("name", Text),
    ("history", Value),
    ("did", Text),
    ("did_label", Text),
    ("trunk", Text),
    ("queue", Text),
    ("agent", Text),
    ("last_agent", Text),
    ("started", Value),
    ("answered", Value),
    ("ended", Value),
    ("wait_s", Value),
    ("talk_s", Value),
    ("hangup_by", Word(|| HangupBy::ALL.iter().map(|word| word.as_str()).collect())),
    ("voicemail", Value),
    ("recovered_by", Word(|| RecoveredBy::ALL.iter().map(|word| word.as_str()).collect())),
    ("recovered", Value),
    ("tags", Value),
    ("ratings", Value),
    ("callback", Value),
    ("script", Text),
    ("id", Value),
    ("state", Word(|| CallbackState::ALL.iter().map(|word| word.as_str()).collect())),
    ("reason", Text),
    ("by", Text),
    ("note", Text),
    ("requested", Value),
    ("requested_for", Value),
    ("language", Text),
    ("attempts", Value),
    ("missed_count", Value),
    ("first_missed", Value),
    ("last_missed", Value),
    ("due", Value),
    ("expires", Value),
    ("closed", Value),
    ("resolved_by", Text),
    ("callback_id", Value),
    ("n", Value),
    ("result", Word(|| AttemptResult::ALL.iter().map(|word| word.as_str()).collect())),
    ("detail", Text),
    ("code", Text),
    ("removed", Value),
    ("payload", Value),
    ("webhook", Text),
    ("text", Text),
];

/// What stands in the field of this name, if there is one.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    FIELDS.iter().find(|(field, _)| *field == name).map(|(_, kind)| *kind)
}

/// A message may have a field of this name in `data`.
#[must_use]
pub fn is_field(name: &str) -> bool {
    kind_of(name).is_some()
}

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    FIELDS.iter().map(|(name, _)| *name)
}

/// The names, as a person reads them.
pub(super) fn listed() -> String {
    names().collect::<Vec<_>>().join(", ")
}
