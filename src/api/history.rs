//! One call in detail: its status, why, and what happened when.

use crate::report::faces::format::{local, safe, spell};
use crate::store::StoredCall;
use callbackd_core::millis::Millis;
use callbackd_core::model::{
    Direction, FinishedCall, HangupBy, IvrStep, Leg, LegResult, Quality, QueueVisit, VisitResult,
};
use jiff::tz::TimeZone;
use std::fmt::Write;

/// The whole text, with a line break at its end.
#[must_use]
pub(crate) fn history(StoredCall { id, call, recovered, .. }: &StoredCall, zone: &TimeZone) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail: the results of write! are dropped.
    let _ =
        writeln!(text, "Call {id}, {}, {}", local(call.started_ms, zone, "%a %Y-%m-%d %H:%M:%S %:z"), parties(call));
    let _ = writeln!(text, "{} {}: {}", call.status, call.outcome, sums(call));
    let _ = writeln!(text, "pbx={} call={}", safe(&call.pbx), safe(&call.linkedid));
    if let Some(id) = call.callback_id {
        let _ = writeln!(text, "Belongs to callback {id} (callbackd callbacks show {id})");
    }
    if let Some((by, at)) = recovered {
        let _ = writeln!(text, "Won back by {by} {}", local(*at, zone, "%a %Y-%m-%d %H:%M:%S"));
    }
    let _ = writeln!(text, "\nWhy");
    for fact in &call.why {
        let _ = writeln!(text, "  - {}", safe(fact));
    }
    if call.why.is_empty() {
        let _ = writeln!(text, "  (no facts were stored)");
    }
    if !call.tags.is_empty() {
        let _ = writeln!(text, "\nCodes");
    }
    for tag in &call.tags {
        let note = if tag.note.is_empty() { String::new() } else { format!(": {}", safe(&tag.note)) };
        let _ = writeln!(text, "  - {}, by {}{note}", safe(&tag.code), safe(&tag.by));
    }
    let _ = writeln!(text, "\nWhat happened");
    let events = timeline(call);
    let offset = |at: Millis| {
        let after = at - call.started_ms;
        let sign = if after < 0 { '-' } else { '+' };
        format!("{sign}{}.{} s", after.abs() / 1_000, after.abs() % 1_000 / 100)
    };
    let width = events.iter().map(|event| offset(event.0).len()).max().unwrap_or(0);
    for (at, _, what) in events {
        let _ = writeln!(text, "  {}  {:>width$}  {what}", local(at, zone, "%H:%M:%S"), offset(at));
    }
    text
}

/// Who with whom, and over what.
#[must_use]
pub(crate) fn parties(call: &FinishedCall) -> String {
    let number = call.number_e164.as_deref().or(call.number.as_deref());
    let mut other = number.map_or_else(
        || if call.direction == Direction::Inbound { "a withheld number" } else { "an unknown number" }.to_owned(),
        safe,
    );
    if let Some(name) = call.name.as_deref().filter(|name| !name.is_empty()) {
        let _ = write!(other, " \"{}\"", safe(name));
    }
    let did = call.did.as_deref().map(safe);
    let mut text = match (call.direction, did) {
        (Direction::Inbound, Some(did)) => format!("inbound from {other} to {did}"),
        (Direction::Inbound, None) => format!("inbound from {other}"),
        (direction, Some(did)) => format!("{direction} to {other}, showing {did}"),
        (direction, None) => format!("{direction} to {other}"),
    };
    if let Some(trunk) = &call.trunk {
        let _ = write!(text, " over {}", safe(trunk));
    }
    text
}

/// The times that matter, and who ended it.
#[must_use]
pub(crate) fn sums(call: &FinishedCall) -> String {
    let mut parts = vec![format!("waited {}", spell(call.wait_ms))];
    for (ms, what) in [
        (call.queue_wait_ms, "in queues"),
        (call.ring_ms, "ringing"),
        (call.talk_ms, "talking"),
        (call.hold_ms, "on hold"),
    ] {
        if ms > 0 {
            parts.push(format!("{} {what}", spell(ms)));
        }
    }
    match call.transfers {
        0 => {}
        1 => parts.push("transferred once".to_owned()),
        n => parts.push(format!("transferred {n} times")),
    }
    if call.voicemail {
        parts.push("left a message".to_owned());
    }
    parts.push(ended_by(call));
    match call.quality {
        Quality::Full => {}
        Quality::Partial => parts.push("seen in part only".to_owned()),
        Quality::Gap => parts.push("its end was not seen".to_owned()),
        Quality::Backfilled => parts.push("backfilled from Asterisk's own records".to_owned()),
    }
    parts.join(", ")
}

fn ended_by(call: &FinishedCall) -> String {
    let who = match (call.hangup_by, call.direction) {
        (HangupBy::Customer, Direction::Internal) => "ended by the caller",
        (HangupBy::Customer, _) => "ended by the customer",
        (HangupBy::Agent, _) => "ended by our side",
        (HangupBy::Pbx, _) => "ended by the PBX",
        (HangupBy::Unknown, _) => "nobody knows who ended it",
    };
    call.hangup_cause.map_or_else(|| who.to_owned(), |cause| format!("{who} (cause {cause})"))
}

/// What comes first of what happened in the same millisecond: causes before effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub(crate) enum Step {
    Begin,
    Menu,
    QueueEntered,
    Rung,
    RingEnded,
    QueueLeft,
    Connected,
    AgentLeft,
    End,
}

/// Everything with a time, in order.
#[must_use]
pub(crate) fn timeline(call: &FinishedCall) -> Vec<(Millis, Step, String)> {
    let mut events = vec![(call.started_ms, Step::Begin, "the call begins".to_owned())];
    events.extend(call.ivr.iter().map(menu));
    for visit in &call.visits {
        events.extend(queue_visit(visit));
    }
    for leg in &call.legs {
        events.extend(attempt(leg));
    }
    let connected = call.answered_ms.map(|at| {
        let who = call.agent.as_deref().map_or_else(|| "somebody".to_owned(), safe);
        (at, Step::Connected, format!("{who} and the other party are connected"))
    });
    events.extend(connected);
    events.push((call.ended_ms, Step::End, format!("the call ends, {}", ended_by(call))));
    events.sort_by_key(|&(at, step, _)| (at, step));
    events
}

fn menu(step: &IvrStep) -> (Millis, Step, String) {
    let context = safe(&step.context);
    let what = match step.digits.as_str() {
        "" => format!("menu {context}: nothing was chosen"),
        "t" => format!("menu {context}: the time for a choice ran out"),
        "i" => format!("menu {context}: a choice that it does not offer"),
        digits => format!("menu {context}: {} was chosen", safe(digits)),
    };
    (step.at_ms, Step::Menu, what)
}

fn queue_visit(visit: &QueueVisit) -> Vec<(Millis, Step, String)> {
    let queue = safe(&visit.queue);
    let after = spell(visit.left_ms - visit.joined_ms);
    let refused = match visit.result {
        VisitResult::JoinEmpty => Some("nobody serves it"),
        VisitResult::JoinUnavail => Some("nobody is available in it"),
        VisitResult::Full => Some("it is full"),
        _ => None,
    };
    if let Some(reason) = refused {
        return vec![(visit.joined_ms, Step::QueueEntered, format!("queue {queue} refuses the caller: {reason}"))];
    }
    let place = visit.position.map_or_else(String::new, |position| format!(" at position {position}"));
    let left = match visit.result {
        VisitResult::Connected => format!("leaves queue {queue} for an agent after {after}"),
        VisitResult::Abandoned => format!("hangs up in queue {queue} after {after}"),
        VisitResult::Timeout => format!("leaves queue {queue}: its time ran out after {after}"),
        VisitResult::Key => format!("leaves queue {queue} by a key after {after}"),
        VisitResult::LeaveEmpty => format!("is sent out of queue {queue} after {after}: nobody serves it any more"),
        VisitResult::LeaveUnavail => {
            format!("is sent out of queue {queue} after {after}: nobody is available any more")
        }
        VisitResult::Continue => format!("is sent on from queue {queue} by the dialplan after {after}"),
        VisitResult::Cut => format!("is cut off by the PBX in queue {queue} after {after}"),
        VisitResult::Withdraw => format!("is withdrawn from queue {queue} after {after}"),
        VisitResult::Transferred => format!("is transferred out of queue {queue} after {after}"),
        VisitResult::Unknown | VisitResult::JoinEmpty | VisitResult::JoinUnavail | VisitResult::Full => {
            format!("is no longer in queue {queue} after {after}; how it ended was not seen")
        }
    };
    vec![
        (visit.joined_ms, Step::QueueEntered, format!("the caller enters queue {queue}{place}")),
        (visit.left_ms, Step::QueueLeft, format!("the caller {left}")),
    ]
}

fn attempt(leg: &Leg) -> Vec<(Millis, Step, String)> {
    let agent = safe(&leg.agent);
    let whose = leg.queue.as_deref().map_or_else(String::new, |queue| format!(" for queue {}", safe(queue)));
    let over = if leg.interface == leg.agent { String::new() } else { format!(" over {}", safe(&leg.interface)) };
    let after = spell(leg.ended_ms - leg.started_ms);
    let mut events = vec![(leg.started_ms, Step::Rung, format!("{agent} is rung{whose}{over}"))];
    if let Some(at) = leg.answered_ms {
        events.push((at, Step::RingEnded, format!("{agent} answers after {}", spell(at - leg.started_ms))));
    }
    let end = match leg.result {
        LegResult::Answered => format!("{agent} leaves, after {} on the line", spell(leg.talk_ms)),
        LegResult::NoAnswer => format!("{agent} did not answer within {after}"),
        LegResult::Busy => format!("{agent} is busy"),
        LegResult::Rejected => format!("{agent} rejects the call after {after}"),
        LegResult::Unavailable => format!("{agent} cannot be reached"),
        LegResult::Congestion => format!("{agent}: congestion"),
        LegResult::Elsewhere => format!("{agent} stops ringing: answered elsewhere"),
        LegResult::Cancelled => format!("{agent} stops ringing: the caller left"),
        LegResult::LostRace => format!("{agent} answered a moment too late"),
        LegResult::Dumped => format!("{agent} hung up before the caller was connected"),
        LegResult::Unknown => format!("{agent} rang, how it ended was not seen"),
    };
    let step = if leg.answered_ms.is_some() { Step::AgentLeft } else { Step::RingEnded };
    events.push((leg.ended_ms, step, end));
    events
}
