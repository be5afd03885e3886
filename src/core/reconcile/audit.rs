//! A row held against Asterisk's own records of the same call: whether they agree, and if not, why rightly so.

use crate::millis::Millis;
use crate::model::MAX_VISITS;
use crate::model::{Direction, FinishedCall, InCdr, Meaning, Quality, ServedBy, Status, VisitResult, text_enum};
use crate::order::Gather as _;
use crate::order::InOrder as _;
use crate::reconcile::account::Account;
use crate::reconcile::proved::Prover;
use crate::reconcile::queue_log::Kind;
use std::collections::BTreeSet;

text_enum! {
    /// Why a row says something else than CDR do, rightly so.
    Reason {
        /// A queue, a menu or an announcement picked up: CDR say ANSWERED, and nobody talked with the customer.
        AnsweredByPbx = "the PBX answered, not a person: CDR say ANSWERED",
        /// Who gave up is NO ANSWER in CDR.
        NoWordForCancel = "CDR have no word for a caller who gave up",
        /// With `canceldispositionenabled` in cdr.conf.
        CancelOfPhones = "CDR say CANCEL of phones that no longer had to ring",
        /// A busy member of a queue, and a phone that rejects, are NO ANSWER in CDR.
        NoWordForBusy = "CDR do not always tell a busy phone from one that nobody took",
        /// CDR know no business hours.
        NoWordForHours = "CDR know no business hours",
        /// CDR know no blocked callers.
        NoWordForBlocked = "CDR know no blocked callers",
        /// CDR say FAILED or NO ANSWER for congestion, unreachable and invalid.
        NoWordForFailure = "CDR have one word for all that failed",
        /// A queue that is full is ANSWERED or NO ANSWER in CDR.
        NoWordForFull = "CDR know no queue that is full",
        /// A machine served the caller.
        SelfService = "a machine served the caller",
        /// The phone was answered, and the customer was gone, or heard nobody.
        AnsweredInVain = "a phone was answered, and the customer never heard anybody",
        /// The daemon saw only a part of it.
        PartlySeen = "only a part of the call was seen",
        /// The call ended unseen, and CDR have lines of its other channels only: an Asterisk that crashes writes none of what is up.
        CdrLost = "Asterisk ended before it wrote the CDR of the customer's channel",
        /// The row is UNKNOWN: its end was not seen, and these records do not say it either.
        Unproven = "not seen, and the records do not tell either",
    }
}

/// CDR have whole seconds, and a phone that picks up as the caller leaves is in them, ms.
const NO_TALK_MS: Millis = 3_000;

/// What came of holding one row against its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// They say the same.
    Agrees,
    /// They do not, rightly so.
    Explained(Reason),
    /// They do not, and nothing explains it.
    Differs(String),
}

/// What CDR make of a call, in the words of `calls.status`: the kindest of its lines.
#[must_use]
pub fn cdr_status(account: &Account) -> Status {
    let has = |word: &str| account.cdrs.iter().any(|cdr| cdr.disposition == word);
    match () {
        () if has("ANSWERED") => Status::Answer,
        () if has("CANCEL") => Status::Cancel,
        () if has("NO ANSWER") => Status::NoAnswer,
        () if has("BUSY") => Status::Busy,
        () => Status::NotConnected,
    }
}

/// Holds a row against the records of its call.
#[must_use]
pub fn compare(row: &FinishedCall, account: &Account, prover: &Prover<'_>) -> Finding {
    if row.status == Status::Unknown {
        return Finding::Explained(Reason::Unproven);
    }
    if let Some(what) = visits_differ(row, account) {
        let in_part = matches!(row.quality, Quality::Partial | Quality::Gap);
        return if in_part { Finding::Explained(Reason::PartlySeen) } else { Finding::Differs(what) };
    }
    let proved = prover.row(account, None);
    let talked = proved.as_ref().is_some_and(|p| p.answered_ms.is_some());
    let cdr = cdr_status(account);
    let Meaning { person, served, in_cdr, .. } = row.outcome.meaning();
    match (row.status, cdr) {
        _ if served == Some(ServedBy::Machine) => Finding::Explained(Reason::SelfService),
        _ if person && !talked && cdr != Status::Answer => {
            let has_its_own = account.cdrs.iter().any(|cdr| cdr.uniqueid.as_deref() == Some(&*row.linkedid));
            if row.quality == Quality::Gap && !has_its_own {
                return Finding::Explained(Reason::CdrLost);
            }
            Finding::Differs(format!("the row says that {} talked with the customer, CDR say {cdr}", who(row)))
        }
        _ if !person && talked && row.direction == Direction::Inbound => {
            let answered_in_vain = row.legs.iter().any(|leg| leg.answered_ms.is_some());
            // Whole seconds are cut: so short a talk may be none.
            let in_words = proved.as_ref().is_some_and(|p| p.talk_ms > NO_TALK_MS);
            if answered_in_vain && !in_words {
                return Finding::Explained(Reason::AnsweredInVain);
            }
            Finding::Differs(
                "CDR and queue_log say that a person talked with the customer, the row does not".to_owned(),
            )
        }
        (Status::Answer, Status::Answer) if person && !talked && no_one_was_joined(account) => Finding::Differs(
            format!("the row says that {} talked with the customer, CDR say ANSWERED of the PBX alone", who(row)),
        ),
        (status, cdr) if status == cdr => Finding::Agrees,
        (Status::OutOfTime, _) => Finding::Explained(Reason::NoWordForHours),
        _ if in_cdr == InCdr::NotBlocked => Finding::Explained(Reason::NoWordForBlocked),
        _ if in_cdr == InCdr::NotFull => Finding::Explained(Reason::NoWordForFull),
        (_, Status::Answer) if !person => Finding::Explained(Reason::AnsweredByPbx),
        (Status::Cancel, Status::NoAnswer | Status::Busy) => Finding::Explained(Reason::NoWordForCancel),
        (_, Status::Cancel) if !person => Finding::Explained(Reason::CancelOfPhones),
        (Status::Busy, Status::NoAnswer) | (Status::NoAnswer, Status::Busy) => {
            Finding::Explained(Reason::NoWordForBusy)
        }
        (Status::NotConnected, _) | (_, Status::NotConnected) => Finding::Explained(Reason::NoWordForFailure),
        (status, cdr) => Finding::Differs(format!("the row says {status}, CDR say {cdr}")),
    }
}

/// No record names anybody whom the caller was joined with, and none is of an application that joins channels in its own way.
fn no_one_was_joined(account: &Account) -> bool {
    const JOINING: &[&str] =
        &["confbridge", "meetme", "stasis", "bridge", "pickup", "park", "parkedcall", "agentlogin"];
    account.names_dialled
        && !account.cdrs.iter().any(|cdr| cdr.connected() || JOINING.contains(&&*cdr.lastapp.to_ascii_lowercase()))
}

fn who(row: &FinishedCall) -> &str {
    row.agent.as_deref().unwrap_or("somebody")
}

/// Queues and ends of the visits that queue_log has, against those of the row. What a queue refused at its door is in no log.
#[must_use]
pub fn visits_differ(row: &FinishedCall, account: &Account) -> Option<String> {
    // A row that is full does not hold all of them.
    if account.events.is_empty() || row.status == Status::Unknown || row.visits.len() >= MAX_VISITS {
        return None;
    }
    let logged: Vec<(String, VisitResult)> = account
        .events
        .iter()
        .filter_map(|event| match event.kind {
            Kind::Connect => Some((event.queue.clone(), VisitResult::Connected)),
            Kind::Left(result) => Some((event.queue.clone(), result)),
            _ => None,
        })
        .collect();
    use VisitResult::{Abandoned, Cut, Full, JoinEmpty, JoinUnavail, LeaveEmpty, LeaveUnavail, Transferred};
    let abandoned: BTreeSet<&str> = logged.iter().filter(|(_, r)| *r == Abandoned).map(|(q, _)| &**q).to_set();
    let as_logged = |queue: &str, result: VisitResult| match result {
        LeaveUnavail => LeaveEmpty,
        // Whom the PBX cut off has abandoned the queue, as it says.
        Cut if abandoned.contains(queue) => Abandoned,
        // Who is redirected out of a queue has abandoned it, as it says.
        Transferred if row.quality == Quality::Full && abandoned.contains(queue) => Abandoned,
        result => result,
    };
    let mut recorded: Vec<(String, VisitResult)> = row
        .visits
        .iter()
        .filter(|v| ![JoinEmpty, JoinUnavail, Full].contains(&v.result))
        .map(|v| (v.queue.clone(), as_logged(&v.queue, v.result)))
        .collect();
    let mut logged_sorted = logged.clone();
    recorded.order_by(Ord::cmp);
    logged_sorted.order_by(Ord::cmp);
    // No event of the queue says what ended a visit that Asterisk moved away from (a transfer, a redirect).
    let silent = |(_, result): &(String, VisitResult)| {
        matches!(result, VisitResult::Cut | VisitResult::Transferred | VisitResult::Unknown | VisitResult::Continue)
    };
    let missing: Vec<_> = logged_sorted.iter().filter(|v| recorded.binary_search(v).is_err()).collect();
    let extra: Vec<_> = recorded.iter().filter(|v| logged_sorted.binary_search(v).is_err() && !silent(v)).collect();
    let text = |visits: &[&(String, VisitResult)]| {
        visits.iter().map(|(queue, result)| format!("{queue} {result}")).collect::<Vec<_>>().join(", ")
    };
    match (missing.is_empty(), extra.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("queue_log has {}, the row has not", text(&missing))),
        (true, false) => Some(format!("the row has {}, queue_log has not", text(&extra))),
        (false, false) => Some(format!("queue_log has {}, the row {}", text(&missing), text(&extra))),
    }
}
