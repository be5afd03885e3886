//! The verdict: from the facts of a call to its status, its outcome and the reasons, by fixed precedence.
//!
//! Hangup causes and CDR dispositions never decide alone: a cause of 16 proves nothing, 127 arrives for a plain CANCEL.

use crate::millis::Millis;
use crate::model::codes::RULE;
use crate::model::rules::Purpose;
use crate::model::{Direction, HangupCause, IvrStep, LegResult, Outcome, Status, Tag, VisitResult};

/// Of a call that may have been served in an event gap.
pub(crate) const UNDECIDED: &str = "too little of it was seen to know how it ended";

const TECHNICAL: &str = "the connection failed for a technical reason";

/// What the dialplan did with the caller, as far as a verdict needs it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DialplanFacts<'a> {
    /// What the context that the caller came to last is for.
    pub purpose: Purpose,
    /// It was ever in a closed context.
    pub closed: bool,
    /// It was ever in a blocked context, or the blacklist sent it away.
    pub blocked: bool,
    /// A message was left.
    pub message: bool,
    /// A callback was asked for.
    pub callback_requested: bool,
    /// It went to `i` for want of the dialled extension, outside menus.
    pub invalid: bool,
    /// What the caller pressed for the menu's Read() led nowhere.
    pub read_in_vain: bool,
    /// The latest DIALSTATUS.
    pub dial_status: Option<&'a str>,
    /// The application that ran last, lower case, with its arguments.
    pub application: Option<(&'a str, &'a str)>,
}

/// What the verdict is made from.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// Who called whom.
    pub direction: Direction,
    /// First bridge with a person.
    pub answered: bool,
    pub talk_ms: Millis,
    /// From start to answer or end, ms.
    pub wait_ms: Millis,
    /// It was transferred after it was answered, and nobody took it.
    pub transfer_lost: bool,
    /// It arrived outside business hours.
    pub closed_on_arrival: bool,
    /// The caller ended it.
    pub caller_left: bool,
    /// The PBX itself cut it while the caller waited.
    pub cut_off: bool,
    /// A callback that somebody has hung up on the PBX before anybody talked.
    pub taken_back: bool,
    /// Each phone that was tried failed for a technical reason.
    pub technical: bool,
    /// What the dialplan did.
    pub dialplan: DialplanFacts<'a>,
    /// How each person's phone fared.
    pub legs: &'a [LegResult],
    /// A machine that serves callers had the customer at the end.
    pub served_by_machine: bool,
    /// A phone rang when the caller left.
    pub ringing_at_end: bool,
    /// Queue visits.
    pub visits: &'a [(&'a str, VisitResult)],
    /// A phone was tried after the last queue visit.
    pub tried_after_queue: bool,
    /// Menus.
    pub ivr: &'a [IvrStep],
    /// Q.850 cause of the customer's channel.
    pub cause: Option<u16>,
    /// It ended in an event gap.
    pub unseen_end: bool,
    /// A part of it was not seen.
    pub partly_seen: bool,
    /// An event gap fell into it, and it ended before anything showed what had happened meanwhile.
    pub in_doubt: bool,
    /// SHORT_ABANDON below this, ms.
    pub short_abandon_ms: Millis,
    /// SHORT below this, ms.
    pub min_talk_ms: Millis,
}

/// Status, outcome and the facts that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What a manager counts.
    pub status: Status,
    pub outcome: Outcome,
    /// In plain words, the deciding one first.
    pub why: Vec<String>,
}

/// Judges: the first rule that holds wins.
#[must_use]
pub(crate) fn judge(f: &Facts<'_>) -> Verdict {
    let (status, outcome, reason) = if f.direction == Direction::Inbound { inbound(f) } else { outgoing(f) };
    debug_assert!(outcome.meaning().statuses.contains(&status), "{status} {outcome}");
    let mut why = vec![reason];
    why.extend(f.visits.iter().map(|(queue, result)| format!("queue {queue}: {result}")));
    if !f.legs.is_empty() {
        why.push(format!("phones tried: {}", tally(f.legs)));
    }
    why.extend(f.ivr.iter().map(|s| match &*s.digits {
        "" => format!("menu {}: no choice", s.context),
        "t" => format!("menu {}: waited too long", s.context),
        "i" => format!("menu {}: invalid choice", s.context),
        digits => format!("menu {}: chose {digits}", s.context),
    }));
    Verdict { status, outcome, why }
}

fn inbound(f: &Facts<'_>) -> (Status, Outcome, String) {
    let plan = &f.dialplan;
    if plan.blocked {
        return said(Status::NotConnected, Outcome::Blocked, "sent to a context for blocked callers");
    }
    if f.answered {
        return answered(f);
    }
    // The queue itself has said that it connected the caller with an agent: of their talk nothing was seen, nor that there was none.
    if f.partly_seen && f.visits.iter().any(|(_, result)| *result == VisitResult::Connected) {
        return unrecorded();
    }
    if f.served_by_machine && !f.unseen_end && !f.in_doubt {
        return said(Status::Answer, Outcome::SelfService, "served by a machine of calls.self_service_machines");
    }
    if plan.purpose.self_service && !f.unseen_end && !f.in_doubt {
        return said(Status::Answer, Outcome::SelfService, "ended in a self-service context");
    }
    if f.closed_on_arrival || plan.closed {
        let because = if plan.closed { "sent to a context for closed hours" } else { "arrived outside business hours" };
        let (outcome, and) = match (plan.message, f.caller_left) {
            (true, _) => (Outcome::VoicemailLeft, "left a message"),
            (false, true) => (Outcome::HungUp, "hung up during the announcement"),
            (false, false) => (Outcome::Announcement, "heard the announcement to its end"),
        };
        return said(Status::OutOfTime, outcome, &format!("{because}, {and}"));
    }
    if plan.message {
        return said(Status::NoAnswer, Outcome::VoicemailLeft, "left a message");
    }
    if f.unseen_end {
        return said(Status::Unknown, Outcome::Gap, "ended while the connection to the PBX was down");
    }
    if f.in_doubt {
        return unrecorded();
    }
    // Who was served after the wish has what was asked for: of a call that was not seen to its end nobody knows. Its row has the wish as a tag.
    if plan.callback_requested {
        return said(Status::NoAnswer, Outcome::CallbackRequested, "asked to be called back");
    }
    if f.caller_left { gave_up(f) } else { ended_by_pbx(f) }
}

/// A leg or the last queue visit had an end that nobody saw, or somebody answered, and with it there was perhaps a talk.
fn has_unseen_end(f: &Facts<'_>) -> bool {
    use VisitResult::{Connected, Cut, Key, Transferred, Unknown};
    let last = f.visits.last().map(|(_, result)| *result);
    // What the queue rang before it let the caller go without an agent has not served the caller.
    let in_vain = last.is_some_and(|result| !matches!(result, Connected | Cut | Key | Transferred | Unknown));
    // Who answered and was connected with nobody, as far as it was seen, may have talked unseen; and so may whoever answered in place of a phone.
    let may = |leg: &LegResult| {
        matches!(leg, LegResult::Unknown | LegResult::Dumped | LegResult::Answered | LegResult::Elsewhere)
    };
    let perhaps = f.legs.iter().any(may);
    last == Some(Unknown) || perhaps && (!in_vain || f.tried_after_queue)
}

fn unrecorded() -> (Status, Outcome, String) {
    said(Status::Unknown, Outcome::Gap, UNDECIDED)
}

fn answered(f: &Facts<'_>) -> (Status, Outcome, String) {
    if f.transfer_lost {
        return said(
            Status::Answer,
            Outcome::TransferLost,
            "talked with a person, then was transferred and nobody took it",
        );
    }
    if f.talk_ms < f.min_talk_ms {
        return said(Status::Answer, Outcome::Short, "talked with a person for less than calls.min_talk");
    }
    said(Status::Answer, Outcome::Agent, "talked with a person")
}

/// The caller hung up before anyone took the call.
fn gave_up(f: &Facts<'_>) -> (Status, Outcome, String) {
    let in_queue = f.visits.last().is_some_and(|(_, result)| *result == VisitResult::Abandoned);
    if (in_queue || f.ringing_at_end) && f.wait_ms < f.short_abandon_ms {
        return said(Status::Cancel, Outcome::ShortAbandon, "caller hung up sooner than calls.short_abandon");
    }
    if in_queue {
        return said(Status::Cancel, Outcome::QueueAbandon, "caller hung up while waiting in a queue");
    }
    if f.ringing_at_end {
        return said(Status::Cancel, Outcome::RingAbandon, "caller hung up while phones rang");
    }
    if f.partly_seen && has_unseen_end(f) {
        return unrecorded();
    }
    if f.dialplan.purpose.ivr {
        return said(Status::Cancel, Outcome::IvrLost, "caller hung up in a menu");
    }
    if f.legs.is_empty() && f.visits.is_empty() {
        return said(Status::Cancel, Outcome::EarlyAbandon, "caller hung up before anyone was rung");
    }
    let (status, outcome, what) = ended_by_pbx(f);
    // What had been tried for the caller had failed already: that is why the caller left.
    (status, outcome, format!("{what}; then the caller hung up"))
}

fn ended_by_pbx(f: &Facts<'_>) -> (Status, Outcome, String) {
    let has = |wanted: &[VisitResult]| f.visits.iter().any(|(_, r)| wanted.contains(r));
    let choice = f.ivr.last().map(|s| &*s.digits);
    // A menu may lead those who chose nothing, or what it does not offer, to another context that hangs up, or back out of a Local channel.
    let not_dialled = matches!(f.dialplan.dial_status, None | Some("NOANSWER" | "CANCEL"));
    let led_out = (f.dialplan.read_in_vain || matches!(choice, Some("i" | "t"))) && not_dialled && !f.dialplan.invalid;
    let in_vain = f.dialplan.read_in_vain || matches!(choice, None | Some("" | "i" | "t"));
    if (f.dialplan.purpose.ivr && in_vain || led_out) && f.legs.is_empty() && f.visits.is_empty() {
        return match choice {
            None | Some("" | "t") => said(Status::NoAnswer, Outcome::IvrTimeout, "chose nothing in the menu in time"),
            _ => said(Status::NoAnswer, Outcome::IvrInvalid, "chose what the menu does not offer"),
        };
    }
    if let (Some((queue, result)), false) = (f.visits.last(), f.tried_after_queue) {
        use VisitResult::{Full, JoinEmpty, JoinUnavail, LeaveEmpty, LeaveUnavail};
        match result {
            JoinEmpty | JoinUnavail | LeaveEmpty | LeaveUnavail => {
                let why = format!("nobody served queue {queue}");
                return said(Status::NoAnswer, Outcome::QueueEmpty, &why);
            }
            Full => return said(Status::Busy, Outcome::QueueFull, &format!("queue {queue} was full")),
            _ => {}
        }
    }
    let kindest = kindest(f.legs);
    if f.partly_seen && !dialplan_busy(f) {
        let left_unseen = f.visits.last().is_some_and(|(_, result)| *result == VisitResult::Unknown);
        if left_unseen && !f.tried_after_queue {
            return unrecorded();
        }
        return partly_seen(f, kindest, has(&[VisitResult::Timeout]));
    }
    if kindest == Some(LegResult::Busy) || dialplan_busy(f) {
        return said(Status::Busy, Outcome::AllBusy, "every destination was busy");
    }
    if kindest == Some(LegResult::Rejected) {
        return said(Status::NoAnswer, Outcome::Rejected, "every destination rejected");
    }
    if f.cut_off {
        return said(Status::NoAnswer, Outcome::CutOff, "the PBX itself cut the call while the caller waited");
    }
    if has(&[VisitResult::Timeout]) {
        return said(Status::NoAnswer, Outcome::QueueTimeout, "the queue's time ran out");
    }
    if kindest == Some(LegResult::NoAnswer) {
        return said(Status::NoAnswer, Outcome::RingTimeout, "nobody answered in time");
    }
    if kindest == Some(LegResult::Unavailable) && f.technical {
        return said(Status::NotConnected, Outcome::Failed, TECHNICAL);
    }
    if kindest == Some(LegResult::Unavailable) || (kindest.is_none() && dial_status(f, "CHANUNAVAIL")) {
        return said(Status::NotConnected, Outcome::Unavailable, "no destination could be reached");
    }
    failed(f, kindest)
}

/// Of a call that was not seen whole nobody can say that every phone was busy, or that none rang: a single fact must decide.
fn partly_seen(f: &Facts<'_>, kindest: Option<LegResult>, timed_out: bool) -> (Status, Outcome, String) {
    if timed_out {
        return said(Status::NoAnswer, Outcome::QueueTimeout, "the queue's time ran out");
    }
    if kindest == Some(LegResult::NoAnswer) && !has_unseen_end(f) {
        return said(Status::NoAnswer, Outcome::RingTimeout, "nobody answered in time");
    }
    unrecorded()
}

fn failed(f: &Facts<'_>, kindest: Option<LegResult>) -> (Status, Outcome, String) {
    let application = f.dialplan.application.map(|(name, _)| name);
    if kindest == Some(LegResult::Congestion) || dial_status(f, "CONGESTION") || application == Some("congestion") {
        return said(Status::NotConnected, Outcome::Congestion, "congestion");
    }
    // A cause is heard only where nothing else was tried.
    let cause = f.cause.map(HangupCause::of);
    let invalid_cause = cause == Some(HangupCause::NoSuchNumber);
    // Goto() to a place that exists is followed by that place's first application.
    let led_nowhere = application == Some("goto");
    if f.dialplan.invalid || led_nowhere || dial_status(f, "INVALIDARGS") || (invalid_cause && f.visits.is_empty()) {
        return said(Status::NotConnected, Outcome::Invalid, "no such destination");
    }
    if cause == Some(HangupCause::Incompatible) {
        return said(Status::NotConnected, Outcome::Failed, TECHNICAL);
    }
    said(Status::NoAnswer, Outcome::NotOffered, "the PBX ended the call without ringing anyone")
}

/// Outbound, internal and callback calls.
fn outgoing(f: &Facts<'_>) -> (Status, Outcome, String) {
    if f.answered {
        return answered(f);
    }
    if f.unseen_end {
        return said(Status::Unknown, Outcome::Gap, "ended while the connection to the PBX was down");
    }
    if f.in_doubt {
        return unrecorded();
    }
    if f.caller_left && f.visits.last().is_some_and(|(_, r)| *r == VisitResult::Abandoned) {
        return said(Status::Cancel, Outcome::QueueAbandon, "the caller hung up while waiting in a queue");
    }
    if f.taken_back {
        return said(Status::Cancel, Outcome::RingAbandon, "taken back while a phone rang");
    }
    // A phone of an Originate that is busy or rejects hangs up itself.
    let rang = kindest(f.legs) == Some(LegResult::NoAnswer);
    if f.caller_left && f.ringing_at_end && rang {
        return said(Status::Cancel, Outcome::RingAbandon, "the caller hung up while the other side rang");
    }
    if f.legs.is_empty() && f.visits.is_empty() {
        if f.dialplan.message {
            return said(Status::NoAnswer, Outcome::VoicemailLeft, "left a message");
        }
        if dial_status(f, "CHANUNAVAIL") {
            return said(Status::NotConnected, Outcome::Unavailable, "no destination could be reached");
        }
        let (status, outcome, why) = failed(f, None);
        // Whoever was rung, or talked with, may have been gone before it was seen.
        if outcome == Outcome::NotOffered && f.partly_seen {
            return unrecorded();
        }
        if outcome == Outcome::NotOffered && f.caller_left {
            return said(Status::Cancel, Outcome::EarlyAbandon, "the caller hung up before anyone was rung");
        }
        return (status, outcome, why);
    }
    ended_by_pbx(f)
}

/// The kindest thing that happened to the caller: somebody's phone rang, or at least rejected, or was busy, ….
fn kindest(legs: &[LegResult]) -> Option<LegResult> {
    let rank = |r: &LegResult| match r {
        LegResult::Rejected => 1,
        LegResult::Busy => 2,
        LegResult::Unavailable => 3,
        LegResult::Congestion => 4,
        // What a phone that forwards led to is what counts.
        LegResult::Elsewhere => 5,
        _ => 0,
    };
    let best = legs.iter().min_by_key(|r| rank(r))?;
    Some(if [0, 5].contains(&rank(best)) { LegResult::NoAnswer } else { *best })
}

fn dialplan_busy(f: &Facts<'_>) -> bool {
    f.legs.is_empty() && matches!(f.dialplan.application, Some(("busy", _) | ("hangup", "17") | ("playtones", "busy")))
}

fn dial_status(f: &Facts<'_>, wanted: &str) -> bool {
    f.dialplan.dial_status == Some(wanted)
}

fn tally(legs: &[LegResult]) -> String {
    let counted = LegResult::ALL.iter().filter_map(|result| match legs.iter().filter(|r| *r == result).count() {
        0 => None,
        1 => Some(result.to_string()),
        n => Some(format!("{n} × {result}")),
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn said(status: Status, outcome: Outcome, why: &str) -> (Status, Outcome, String) {
    (status, outcome, why.to_owned())
}

/// What follows from the verdict.
pub(crate) fn rule_tag(outcome: Outcome, at_ms: Millis) -> Option<Tag> {
    let code = outcome.meaning().tag?;
    Some(Tag { code: code.to_owned(), note: String::new(), by: RULE.to_owned(), at_ms })
}
