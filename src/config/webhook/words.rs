//! The words that fields of a message may have.

use callbackd_core::model::{AttemptResult, CallbackState, Direction, HangupBy, Outcome, Quality, RecoveredBy, Status};

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
