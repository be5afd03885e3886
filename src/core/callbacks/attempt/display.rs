//! What the agent's phone shows while it rings for a callback: a template that is filled with what is known of it.

use super::dial_string::{TemplateError, fill, is_shown, placeholders, shown};
use crate::model::CallbackRow;

/// What a phone shows at most, bytes: longer names are cut by phones at will.
pub const MAX_SHOWN: usize = 60;
/// What is shown where nothing is configured: that it is a callback, for which queue, the customer's name, how often they were missed.
pub const DEFAULT: &str = "CB {queue} {name} {times}";
/// Placeholders of `callback.display`.
pub const DISPLAY: [&str; 8] = ["queue", "reason", "name", "number", "did", "times", "attempt", "language"];

/// The words for `{reason}`, why there is a callback: in the language of those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonWords {
    /// The customer asked for it.
    pub requested: &'static str,
    /// A call of theirs was missed.
    pub missed: &'static str,
    /// A person entered it.
    pub by_hand: &'static str,
}

impl Default for ReasonWords {
    /// In English.
    fn default() -> Self {
        Self { requested: "requested", missed: "missed", by_hand: "by hand" }
    }
}

impl ReasonWords {
    fn of(self, task: &CallbackRow) -> &'static str {
        match (task.requested || task.requested_for_ms.is_some(), &task.first_miss) {
            (true, _) => self.requested,
            (false, Some(_)) => self.missed,
            (false, None) => self.by_hand,
        }
    }
}

/// Checks `callback.display`: known placeholders and what is shown as it is, not longer than what is shown in all.
///
/// # Errors
/// What is wrong with it, and where.
pub fn check_display(template: &str) -> Result<(), TemplateError> {
    if template.len() > MAX_SHOWN {
        let at = (0..=MAX_SHOWN).rev().find(|at| template.is_char_boundary(*at)).unwrap_or_default();
        return Err(TemplateError::TooLong { at, most: MAX_SHOWN });
    }
    placeholders(template, &DISPLAY, |c, _| c == ' ' || is_shown(c)).map(drop)
}

/// The template filled for this attempt. What is not known is left out, and of what is too long the customer's name is cut.
pub(super) fn title(template: &str, reasons: ReasonWords, task: &CallbackRow, attempt: u32) -> String {
    let name = shown(task.name.as_deref().unwrap_or_default(), MAX_SHOWN);
    let filled = |name: &str| {
        let with = fill(template, |placeholder| {
            Some(match placeholder {
                "queue" => task.queue.clone().unwrap_or_default(),
                "reason" => reasons.of(task).to_owned(),
                "name" => name.to_owned(),
                "number" => task.number_e164.as_deref().unwrap_or_default().to_owned(),
                "did" => task.did.clone().unwrap_or_default(),
                "times" if task.missed_count > 1 => format!("×{}", task.missed_count),
                "attempt" if attempt > 1 => attempt.to_string(),
                "language" => task.language.clone().unwrap_or_default(),
                _ => String::new(),
            })
        });
        shown(&with.unwrap_or_default(), usize::MAX)
    };
    let whole = filled(&name);
    if whole.len() <= MAX_SHOWN {
        return whole;
    }
    let room = MAX_SHOWN.saturating_sub(whole.len() - name.len());
    shown(&filled(&shown(&name, room)), MAX_SHOWN)
}
