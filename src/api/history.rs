//! One call in detail: its status, why, and what happened when, in a person's language; in a terminal in English.

use crate::language::{Language, fill, fill_all};
use crate::report::faces::format::{local, safe};
use crate::store::StoredCall;
use callbackd_core::millis::Millis;
use callbackd_core::model::{
    Direction, FinishedCall, HangupBy, IvrStep, Leg, LegResult, Quality, QueueVisit, VisitResult,
};
use callbackd_core::order::InOrder as _;
use jiff::tz::TimeZone;
use std::fmt::Write;

/// A terminal of every kind shows it.
const EN: Language = Language::En;

/// The whole text, with a line break at its end.
#[must_use]
pub(crate) fn history(StoredCall { id, call, recovered, .. }: &StoredCall, zone: &TimeZone) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail: the results of write! are dropped.
    let _ = writeln!(
        text,
        "Call {id}, {}, {}",
        local(call.started_ms, zone, "%a %Y-%m-%d %H:%M:%S %:z"),
        parties(call, EN)
    );
    let _ = writeln!(text, "{} {}: {}", call.status, call.outcome, sums(call, EN));
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
    let events = timeline(call, EN);
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
pub(crate) fn parties(call: &FinishedCall, language: Language) -> String {
    let words = language.story();
    let number = call.number_e164.as_deref().or(call.number.as_deref());
    let nobody = if call.direction == Direction::Inbound { words.withheld } else { words.no_number };
    let mut other = number.map_or_else(|| nobody.to_owned(), |number| language.number(number));
    if let Some(name) = call.name.as_deref().filter(|name| !name.is_empty()) {
        let _ = write!(other, " \"{}\"", language.named(name));
    }
    let did = call.did.as_deref().map(|did| language.number(did));
    let to = match call.direction {
        Direction::Inbound => words.in_from,
        Direction::Outbound => words.outbound,
        Direction::Internal => words.internal,
        Direction::Callback => words.callback,
    };
    let text = match (call.direction, did) {
        (Direction::Inbound, Some(did)) => fill_all(words.in_to, &[&other, &did]),
        (_, Some(did)) => fill_all(words.showing, &[&fill(to, other), &did]),
        (_, None) => fill(to, other),
    };
    match &call.trunk {
        Some(trunk) => fill_all(words.over_trunk, &[&text, &language.named(trunk)]),
        None => text,
    }
}

/// The times that matter, and who ended it.
#[must_use]
pub(crate) fn sums(call: &FinishedCall, language: Language) -> String {
    let words = language.story();
    let mut parts = vec![fill(words.waited, language.spell(call.wait_ms))];
    for (ms, what) in [
        (call.queue_wait_ms, words.in_queues),
        (call.ring_ms, words.ringing),
        (call.talk_ms, words.talking),
        (call.hold_ms, words.on_hold),
    ] {
        if ms > 0 {
            parts.push(fill(what, language.spell(ms)));
        }
    }
    if call.transfers > 0 {
        parts.push(language.counted(words.transferred, u64::from(call.transfers), &[]));
    }
    if call.voicemail {
        parts.push(words.left_message.to_owned());
    }
    parts.push(ended_by(call, language));
    match call.quality {
        Quality::Full => {}
        Quality::Partial => parts.push(words.seen_in_part.to_owned()),
        Quality::Gap => parts.push(words.end_unseen.to_owned()),
        Quality::Backfilled => parts.push(words.backfilled.to_owned()),
    }
    parts.join(", ")
}

fn ended_by(call: &FinishedCall, language: Language) -> String {
    let words = language.story();
    let who = match (call.hangup_by, call.direction) {
        (HangupBy::Customer, Direction::Internal) => words.by_caller,
        (HangupBy::Customer, _) => words.by_customer,
        (HangupBy::Agent, _) => words.by_us,
        (HangupBy::Pbx, _) => words.by_pbx,
        (HangupBy::Unknown, _) => words.by_nobody_knows,
    };
    call.hangup_cause.map_or_else(|| who.to_owned(), |cause| fill_all(words.cause, &[&who, &cause]))
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
pub(crate) fn timeline(call: &FinishedCall, language: Language) -> Vec<(Millis, Step, String)> {
    let words = language.story();
    let mut events = vec![(call.started_ms, Step::Begin, words.begins.to_owned())];
    events.extend(call.ivr.iter().map(|step| menu(step, language)));
    for visit in &call.visits {
        events.extend(queue_visit(visit, language));
    }
    for leg in &call.legs {
        events.extend(attempt(leg, language));
    }
    let connected = call.answered_ms.map(|at| {
        let who = call.agent.as_deref().map_or_else(|| words.somebody.to_owned(), |agent| language.named(agent));
        (at, Step::Connected, fill(words.connected, who))
    });
    events.extend(connected);
    events.push((call.ended_ms, Step::End, fill(words.ends, ended_by(call, language))));
    events.order_by_key(|&(at, step, _)| (at, step));
    events
}

fn menu(step: &IvrStep, language: Language) -> (Millis, Step, String) {
    let words = language.story();
    let context = language.named(&step.context);
    let what = match step.digits.as_str() {
        "" => fill(words.menu_nothing, context),
        "t" => fill(words.menu_time, context),
        "i" => fill(words.menu_invalid, context),
        digits => fill_all(words.menu_chosen, &[&context, &language.named(digits)]),
    };
    (step.at_ms, Step::Menu, what)
}

fn queue_visit(visit: &QueueVisit, language: Language) -> Vec<(Millis, Step, String)> {
    let words = language.story();
    let queue = language.named(&visit.queue);
    let after = language.spell(visit.left_ms - visit.joined_ms);
    let refused = match visit.result {
        VisitResult::JoinEmpty => Some(words.nobody_serves),
        VisitResult::JoinUnavail => Some(words.nobody_free),
        VisitResult::Full => Some(words.is_full),
        _ => None,
    };
    if let Some(reason) = refused {
        return vec![(visit.joined_ms, Step::QueueEntered, fill_all(words.refused, &[&queue, &reason]))];
    }
    let entered = fill(words.enters, &queue);
    let entered = match visit.position {
        Some(position) => fill_all(words.position, &[&entered, &position]),
        None => entered,
    };
    let left = match visit.result {
        VisitResult::Connected => words.q_connected,
        VisitResult::Abandoned => words.q_abandoned,
        VisitResult::Timeout => words.q_timeout,
        VisitResult::Key => words.q_key,
        VisitResult::LeaveEmpty => words.q_empty,
        VisitResult::LeaveUnavail => words.q_unavailable,
        VisitResult::Continue => words.q_continue,
        VisitResult::Cut => words.q_cut,
        VisitResult::Withdraw => words.q_withdraw,
        VisitResult::Transferred => words.q_transferred,
        VisitResult::Unknown | VisitResult::JoinEmpty | VisitResult::JoinUnavail | VisitResult::Full => words.q_unseen,
    };
    vec![
        (visit.joined_ms, Step::QueueEntered, entered),
        (visit.left_ms, Step::QueueLeft, fill_all(left, &[&queue, &after])),
    ]
}

fn attempt(leg: &Leg, language: Language) -> Vec<(Millis, Step, String)> {
    let words = language.story();
    let agent = language.named(&leg.agent);
    let mut rung = fill(words.rung, &agent);
    if let Some(queue) = &leg.queue {
        rung = fill_all(words.rung_for, &[&rung, &language.named(queue)]);
    }
    if leg.interface != leg.agent {
        rung = fill_all(words.rung_over, &[&rung, &language.named(&leg.interface)]);
    }
    let after = language.spell(leg.ended_ms - leg.started_ms);
    let mut events = vec![(leg.started_ms, Step::Rung, rung)];
    if let Some(at) = leg.answered_ms {
        let answers = fill_all(words.answers, &[&agent, &language.spell(at - leg.started_ms)]);
        events.push((at, Step::RingEnded, answers));
    }
    let end = match leg.result {
        LegResult::Answered => fill_all(words.leaves, &[&agent, &language.spell(leg.talk_ms)]),
        LegResult::NoAnswer => fill_all(words.no_answer, &[&agent, &after]),
        LegResult::Busy => fill(words.busy, agent),
        LegResult::Rejected => fill_all(words.rejects, &[&agent, &after]),
        LegResult::Unavailable => fill(words.unreachable, agent),
        LegResult::Congestion => fill(words.congestion, agent),
        LegResult::Elsewhere => fill(words.elsewhere, agent),
        LegResult::Cancelled => fill(words.caller_left, agent),
        LegResult::LostRace => fill(words.lost_race, agent),
        LegResult::Dumped => fill(words.dumped, agent),
        LegResult::Unknown => fill(words.leg_unseen, agent),
    };
    let step = if leg.answered_ms.is_some() { Step::AgentLeft } else { Step::RingEnded };
    events.push((leg.ended_ms, step, end));
    events
}
