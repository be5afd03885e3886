//! What Asterisk's own CDR prove of an attempt whose end was not seen.

use crate::millis::Millis;
use crate::model::AttemptResult;

/// One CDR of an attempt's first channel, as far as it proves anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cdr {
    /// `dstchannel`: whom it dialled; empty if nobody.
    pub dstchannel: String,
    /// `disposition`.
    pub disposition: String,
    /// `answer`; `None` if that channel was never answered.
    pub answered: bool,
    /// `billsec` in ms: from the first leg's answer to the end, so the second leg's ringing is part of it.
    pub billed_ms: Millis,
}

/// What the CDR of an agent-first attempt prove; [`AttemptResult::Lost`] where they leave it open. `ring_ms` is how long the customer may
/// have been rung.
#[must_use]
pub fn judge(cdrs: &[Cdr], ring_ms: Millis, min_talk_ms: Millis) -> (AttemptResult, String) {
    use AttemptResult as R;
    let Some(last) = cdrs.iter().rfind(|c| !c.dstchannel.is_empty()).or(cdrs.last()) else {
        return (R::Lost, "its channel is gone, and no CDR says how it ended".to_owned());
    };
    let said = |result, what: &str| (result, format!("its CDR says: {what}"));
    if last.dstchannel.is_empty() {
        return match last.answered {
            false => said(R::AgentNoAnswer, "the agent did not answer"),
            true => said(R::AgentNoAnswer, "the agent answered and nobody was dialled"),
        };
    }
    match last.disposition.as_str() {
        "BUSY" => said(R::CustomerBusy, "busy"),
        "NO ANSWER" => said(R::CustomerNoAnswer, "no answer"),
        "FAILED" | "CONGESTION" => said(R::Congestion, &last.disposition.to_lowercase()),
        // Whatever part of it was ringing, the rest was talk.
        "ANSWERED" if last.billed_ms >= ring_ms.saturating_add(min_talk_ms) => said(R::Connected, "answered"),
        "ANSWERED" => said(R::Lost, "answered, but not by whom and for how long"),
        _ => said(R::Lost, "nothing that is known"),
    }
}
