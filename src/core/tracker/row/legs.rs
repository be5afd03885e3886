//! The legs of a call that is over: who was rung, how each attempt ended, and who took the call unrung.

use crate::millis::Millis;
use crate::model::channel_name::Kind;
use crate::model::{HangupCause, Leg, LegResult};
use crate::order::InOrder as _;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, Person, TrackedLeg};
use crate::tracker::row::SAME_END_MS;
use crate::tracker::table::Slot;

/// What ends sooner after it was dialled (ms) was not waited for.
const AT_ONCE_MS: Millis = 1_000;

impl Tracker {
    /// Somebody's phone can have rung by this attempt: it is not a machine's, not the agent's own login before the call, and not only a part of
    /// the dialplan into which the caller was sent by way of a Local channel.
    pub(super) fn is_a_phones(&self, call: &Call, attempt: &TrackedLeg) -> bool {
        let leads_on =
            || call.attempts.iter().any(|a| a.parent.is_some_and(|p| call.attempts[p].channel == attempt.channel));
        let nobodys =
            attempt.local && attempt.by.is_some() && attempt.queue.is_none() && !call.seen.partly() && !leads_on();
        let before = attempt.by.is_none() && call.origin == Origin::Trunk && attempt.started_ms < call.started_ms;
        self.topology.channel(attempt.channel).kind != Kind::Machine && !nobodys && !before
    }

    /// The legs, each with its attempt if there was one.
    pub(super) fn legs(&self, call: &Call, ended_ms: Millis) -> Vec<(Leg, Option<usize>)> {
        let leads_on: Vec<usize> = call.attempts.iter().filter_map(|a| a.parent).collect();
        let mut legs = Vec::with_capacity(call.attempts.len());
        let rung = |p: &Person| call.attempts.iter().any(|a| a.channel == p.channel && self.is_a_phones(call, a));
        let mut unrung: Vec<&Person> = call.people.iter().filter(|p| p.talk.first_ms.is_some() && !rung(p)).collect();
        for (i, attempt) in call.attempts.iter().enumerate() {
            if (attempt.local && leads_on.contains(&i)) || !self.is_a_phones(call, attempt) {
                continue; // whoever it led to is the attempt that counts
            }
            let root = attempt.parent.map_or(attempt, |p| &call.attempts[p]);
            let channel = self.topology.channel(attempt.channel);
            // A Local member that dialled nobody can have led to an agent who was on the line already (AgentRequest).
            let fits = |p: &&Person| attempt.answered_ms.is_some_and(|at| p.talk.first_ms >= Some(at));
            let waited = if attempt.local { unrung.iter().position(fits).map(|p| unrung.remove(p)) } else { None };
            let person = waited.or_else(|| call.people.iter().find(|p| p.channel == attempt.channel));
            let agent = person.map_or_else(|| self.who(call, attempt.channel), |p| p.interface.to_string());
            let talk = match person {
                Some(person) => Some(person.talk),
                None if channel.bridged && self.is_customer_of(call, attempt.channel) => Some(call.talk),
                None => None,
            };
            let end = channel.ended_ms.or(attempt.ended_ms).unwrap_or(ended_ms);
            let left = talk.and_then(|t| t.last_end_ms).unwrap_or(end);
            let leg = Leg {
                agent,
                interface: root.interface.to_string(),
                queue: attempt.queue.as_deref().map(str::to_owned),
                started_ms: attempt.started_ms,
                answered_ms: attempt.answered_ms,
                ended_ms: left.max(attempt.started_ms),
                talk_ms: talk.map_or(0, |t| t.talk_ms),
                result: match waited {
                    Some(_) => LegResult::Answered,
                    None => self.leg_result(call, attempt, root),
                },
            };
            legs.push((leg, Some(i)));
        }
        if call.origin == Origin::Trunk {
            legs.extend(Self::unrung_legs(&unrung, ended_ms).map(|leg| (leg, None)));
            legs.order_by_key(|(leg, _)| leg.started_ms);
        }
        legs
    }

    /// Who is at the far end of a leg: a customer by the trunk, anybody else by name.
    pub(super) fn who(&self, call: &Call, slot: Slot) -> String {
        let of = self.topology.channel(call.first).call;
        match self.is_customer(of, slot) {
            true => self.topology.channel(slot).interface().to_owned(),
            false => self.calls.identity(&self.topology, of, slot),
        }
    }

    /// How those fared who were called. Of a call that we make, the agent's own phone is not called: it has to answer before anybody is.
    pub(super) fn results_of_the_called(&self, call: &Call, legs: &[(Leg, Option<usize>)]) -> Vec<LegResult> {
        let makes_it = |(_, attempt): &&(Leg, Option<usize>)| {
            let Some(attempt) = *attempt else { return false };
            let answered = call.attempts[attempt].answered_ms.is_some();
            call.trunk_dialled && answered && call.is_on_the_way(attempt, |way| way.channel == call.first)
        };
        let ours =
            call.origin != Origin::Trunk && call.talk.first_ms.is_none() && !self.customer_is_first(call, call.first);
        let called = legs.iter().filter(|leg| !(ours && makes_it(leg)));
        called.map(|(leg, _)| leg.result).collect()
    }

    /// Those who took the customer's call though nobody rang them: from parking, by pickup, in a conference.
    fn unrung_legs(unrung: &[&Person], ended_ms: Millis) -> impl Iterator<Item = Leg> {
        unrung.iter().filter_map(move |p| {
            let first = p.talk.first_ms?;
            Some(Leg {
                agent: p.interface.to_string(),
                interface: p.interface.to_string(),
                queue: None,
                started_ms: first,
                answered_ms: Some(first),
                ended_ms: p.talk.last_end_ms.unwrap_or(ended_ms).max(first),
                talk_ms: p.talk.talk_ms,
                result: LegResult::Answered,
            })
        })
    }

    /// The caller had left when this attempt ended.
    pub(super) fn caller_left_before(&self, call: &Call, attempt: &TrackedLeg) -> bool {
        attempt.ended_ms.is_some_and(|ended| self.caller_left_by(self.topology.channel(call.first).call, ended))
    }

    /// How one ring attempt ended. Dial's first word counts; a cause only refines it.
    pub(crate) fn leg_result(&self, call: &Call, leg: &TrackedLeg, root: &TrackedLeg) -> LegResult {
        let channel = self.topology.channel(leg.channel);
        if channel.bridged {
            return LegResult::Answered; // with the customer, or with a colleague who consulted
        }
        let cause = leg.cause.map(HangupCause::of);
        let caller_left = self.caller_left_before(call, leg);
        let others = || call.people.iter().filter(|p| p.channel != leg.channel);
        // Who answered when this one had rung out was no faster: a later round of the queue, another Dial().
        let rang_out = [leg.status.as_deref(), root.status.as_deref()].contains(&Some("NOANSWER"));
        let over = leg.ended_ms.or(channel.ended_ms).map_or(Millis::MAX, |ended| ended + SAME_END_MS);
        let in_time = |p: &&Person| {
            let answered = call.attempts.iter().find(|a| a.channel == p.channel).and_then(|a| a.answered_ms);
            p.talk.first_ms.is_some_and(|t| t >= leg.started_ms && (!rang_out || answered.unwrap_or(t) <= over))
        };
        let other_answered = cause == Some(HangupCause::AnsweredElsewhere) || others().any(|p| in_time(&p));
        let cut = self.cut_off(call) || self.cut_in_queue(call);
        if leg.answered_ms.is_some() && leg.in_doubt {
            return LegResult::Unknown; // they may have talked unseen
        }
        if leg.answered_ms.is_some() {
            let end = channel.ended_ms.or(leg.ended_ms).unwrap_or(Millis::MAX);
            // Another's answer to a later attempt does not make this one a race.
            let race = |a: &TrackedLeg| a.answered_ms.is_some_and(|t| t >= leg.started_ms && t <= end);
            let lost_race = others().any(|p| call.attempts.iter().any(|a| a.channel == p.channel && race(a)));
            let caller_gone = caller_left || self.topology.channel(call.first).far_hangup_ms.is_some_and(|t| t <= end);
            return match (lost_race || cause == Some(HangupCause::AnsweredElsewhere), caller_gone) {
                (true, _) => LegResult::LostRace,
                (false, true) => LegResult::Cancelled,
                (false, false) => LegResult::Dumped,
            };
        }
        // A phone's 403 or 603 comes as NOANSWER and shows itself only in its own cause.
        match leg.status.as_deref().or(root.status.as_deref()) {
            Some("BUSY") => LegResult::Busy,
            Some("CONGESTION") => LegResult::Congestion,
            Some("CHANUNAVAIL") => LegResult::Unavailable,
            None if leg.in_doubt => LegResult::Unknown,
            None if leg.cause.is_none() && channel.ended_ms.is_some() => LegResult::Unknown, // a Hangup would have given one
            _ if cause == Some(HangupCause::Rejected) && !caller_left => LegResult::Rejected,
            _ if caller_left || self.caller_left_before(call, root) => LegResult::Cancelled,
            _ if leg.forwarded || leg.picked_up => LegResult::Elsewhere,
            Some("CANCEL") | None if cut && !other_answered && self.rang_to_the_end(call, leg) => LegResult::Cancelled,
            Some("CANCEL") | None if other_answered => LegResult::Elsewhere,
            _ if cause == Some(HangupCause::Busy) => LegResult::Busy,
            _ if cause.is_some_and(HangupCause::is_unavailable) && leg.rang_ms.is_none() => LegResult::Unavailable,
            Some("NOANSWER") | None if !call.seen.partly() && never_rang(leg) => LegResult::Unavailable,
            _ => LegResult::NoAnswer,
        }
    }

    /// It was given up at the end of the call, not before.
    fn rang_to_the_end(&self, call: &Call, leg: &TrackedLeg) -> bool {
        leg.ended_ms.is_none_or(|ended| ended + SAME_END_MS >= self.end_of(call))
    }
}

/// It ended before anything rang, and not because whoever dialled waited no longer: the cause says so, which a phone that is given up does not
/// have (AST_CAUSE_NOTDEFINED), or it was over at once.
pub(crate) fn never_rang(leg: &TrackedLeg) -> bool {
    let silent = leg.rang_ms.is_none() && !leg.progress && leg.answered_ms.is_none() && !leg.in_doubt;
    let at_once = leg.ended_ms.is_some_and(|ended| ended - leg.started_ms < AT_ONCE_MS);
    silent && (at_once || leg.cause.is_some_and(|cause| !matches!(cause, 0 | 16)))
}
