//! The words that fields of a message may have.

use callbackd_core::model::{AttemptResult, CallbackState, Direction, HangupBy, Outcome, Quality, RecoveredBy, Status};

/// A field that is a number, a time, a list, a table, or true or false.
pub(super) fn has_none(field: &str) -> bool {
    const WITHOUT: [&str; 25] = [
        "rev",
        "history",
        "started",
        "answered",
        "ended",
        "wait_s",
        "talk_s",
        "voicemail",
        "recovered",
        "tags",
        "ratings",
        "callback",
        "id",
        "requested",
        "requested_for",
        "attempts",
        "missed_count",
        "first_missed",
        "last_missed",
        "due",
        "expires",
        "closed",
        "callback_id",
        "n",
        "payload",
    ];
    WITHOUT.contains(&field)
}

/// All words of a field; none where it may say anything.
pub(super) fn of(field: &str) -> Vec<&'static str> {
    match field {
        "status" => Status::ALL.iter().map(|word| word.as_str()).collect(),
        "outcome" => Outcome::ALL.iter().map(|word| word.as_str()).collect(),
        "direction" => Direction::ALL.iter().map(|word| word.as_str()).collect(),
        "quality" => Quality::ALL.iter().map(|word| word.as_str()).collect(),
        "hangup_by" => HangupBy::ALL.iter().map(|word| word.as_str()).collect(),
        "state" => CallbackState::ALL.iter().map(|word| word.as_str()).collect(),
        "result" => AttemptResult::ALL.iter().map(|word| word.as_str()).collect(),
        "recovered_by" => RecoveredBy::ALL.iter().map(|word| word.as_str()).collect(),
        _ => Vec::new(),
    }
}
