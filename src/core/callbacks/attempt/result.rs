//! How an attempt ended, from what is known of its call.

use crate::millis::Millis;
use crate::model::progress::{Facts, FirstPhone};
use crate::model::{AttemptResult, HangupBy, HangupCause, LegResult};

const NO_SUCH_NUMBER: &str = "there is no such number";
const BUSY: &str = "the customer's line was busy";
const DECLINED: &str = "the customer declined";
const OUT_OF_REACH: &str = "the customer's phone could not be reached";
const RANG_OUT: &str = "the customer's phone rang out";
const CONGESTION: &str = "the trunk could not take the call";

/// Judges an attempt that nobody took back. Q.850 causes only refine what Dial's own words leave open, as trunks pass them on.
#[must_use]
pub fn judge(facts: &Facts, min_talk_ms: Millis) -> (AttemptResult, String) {
    use AttemptResult as R;
    let result = |result, detail: &str| (result, detail.to_owned());
    if facts.customer_answered_ms.is_some() {
        if facts.talk_ms >= min_talk_ms {
            return result(R::Connected, "");
        }
        if facts.unseen {
            return result(R::Lost, "the connection to the PBX was lost while they talked");
        }
        let detail = format!("talked {} ms, less than callback.min_talk", facts.talk_ms);
        return (R::MaybeVoicemail, detail);
    }
    if facts.unseen {
        return result(R::Lost, "its end was not seen");
    }
    if facts.killed {
        return result(R::Killed, "somebody else hung it up while a phone rang");
    }
    let Some(customer) = facts.customer else { return agents_fault(facts) };
    let cause = facts.customer_cause;
    let said = |words: &str| match cause {
        // Dial gives up on a phone that rings without a cause (AST_CAUSE_NOTDEFINED).
        None | Some(0) => words.to_owned(),
        Some(cause) => format!("{words}, cause {cause}"),
    };
    match (customer, cause.map(HangupCause::of)) {
        (LegResult::Unavailable | LegResult::Congestion | LegResult::NoAnswer, Some(HangupCause::NoSuchNumber)) => {
            (R::InvalidNumber, said(NO_SUCH_NUMBER))
        }
        (LegResult::Busy, _) | (LegResult::NoAnswer, Some(HangupCause::Busy)) => (R::CustomerBusy, said(BUSY)),
        (LegResult::Rejected, _) => (R::CustomerRejected, said(DECLINED)),
        (LegResult::Cancelled | LegResult::Elsewhere, _) if facts.agent_hangup_by == HangupBy::Agent => {
            result(R::AgentLeft, "the agent hung up before the customer answered")
        }
        (LegResult::Unavailable, Some(HangupCause::Unreachable | HangupCause::NoAnswer)) => {
            (R::CustomerNoAnswer, said(OUT_OF_REACH))
        }
        (LegResult::Congestion | LegResult::Unavailable, _) => (R::Congestion, said(CONGESTION)),
        (LegResult::Unknown, _) => result(R::Lost, "the end of the customer's leg was not seen"),
        // Answered, and hung up before anyone was connected.
        (LegResult::Answered | LegResult::Dumped | LegResult::LostRace, _) => {
            result(R::MaybeVoicemail, "answered and gone before they could talk")
        }
        _ => (R::CustomerNoAnswer, said(RANG_OUT)),
    }
}

/// The customer was never dialled.
fn agents_fault(facts: &Facts) -> (AttemptResult, String) {
    use AttemptResult as R;
    let (result, detail) = match facts.agent {
        _ if facts.agent_answered_ms.is_some() && facts.agent_hangup_by == HangupBy::Agent => {
            (R::AgentRejected, "the agent hung up without accepting")
        }
        _ if facts.agent_answered_ms.is_some() => (R::AgentNoAnswer, "picked up, but nobody accepted"),
        LegResult::Rejected => (R::AgentRejected, "the agent rejected"),
        LegResult::Busy => (R::AgentBusy, "the agent's phone is busy"),
        LegResult::Unavailable => (R::AgentBusy, "the agent's phone cannot be reached"),
        LegResult::Congestion => (R::AgentBusy, "congestion on the way to the agent's phone"),
        LegResult::Unknown => (R::Lost, "the end of the agent's leg was not seen"),
        _ if facts.first_phone == FirstPhone::Forwarded => (R::AgentForwarded, "the agent's phone forwards calls"),
        _ if facts.first_phone == FirstPhone::Silent => {
            (R::NeverRang, "it ended, and no phone of the agent's had rung")
        }
        _ => (R::AgentNoAnswer, "the agent's phone rang out"),
    };
    (result, detail.to_owned())
}

/// What `OriginateResponse`'s reason says where no channel ever was (`main/dial.c`, `ast_dial_reason`).
#[must_use]
pub fn failed(reason: u16, customer_first: bool) -> (AttemptResult, String) {
    use AttemptResult as R;
    let (result, detail) = match (reason, customer_first) {
        (5, false) => (R::AgentBusy, "the agent's phone is busy"),
        (3, false) => (R::AgentNoAnswer, "the agent's phone rang out"),
        (8, false) => (R::AgentBusy, "congestion on the way to the agent's phone"),
        (1, false) => (R::AgentRejected, "the agent hung up"),
        (_, false) => (R::AgentBusy, "the agent's phone cannot be reached"),
        (5, true) => (R::CustomerBusy, BUSY),
        (3, true) => (R::CustomerNoAnswer, RANG_OUT),
        (1, true) => (R::CustomerRejected, DECLINED),
        (_, true) => (R::Congestion, CONGESTION),
    };
    (result, detail.to_owned())
}

/// Judges an attempt whose first leg was the customer's and whose second was whoever the queue found.
#[must_use]
pub(crate) fn judge_customer_first(facts: &Facts, min_talk_ms: Millis) -> (AttemptResult, String) {
    if facts.customer_answered_ms.is_some() || facts.unseen {
        return judge(facts, min_talk_ms);
    }
    if facts.agent_answered_ms.is_some() {
        let detail = "the customer answered, but was not connected to an agent";
        return (AttemptResult::AgentNoAnswer, detail.to_owned());
    }
    let customers_leg = Facts { customer: facts.customer.or(Some(facts.agent)), ..facts.clone() };
    judge(&customers_leg, min_talk_ms)
}
