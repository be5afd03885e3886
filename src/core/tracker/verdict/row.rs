//! From a call that is over to its row: times, legs, visits, who ended it, and the verdict.

use crate::ami::event::Millis;
use crate::model::codes::{ASKED, CALLER};
use crate::model::{
    Direction, FinishedCall, HangupBy, HangupCause, Leg, LegResult, Outcome, Quality, QueueVisit, Status, Tag,
    VisitResult,
};
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, Person, TrackedLeg, TrackedVisit};
use crate::tracker::calls::talk::Talking;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{Channel, Kind};
use crate::tracker::verdict::{Facts, judge};

/// The call's end follows the talk's end within this time (ms): then whoever ended the talk ended the call.
const SAME_END_MS: Millis = 1_000;

/// A transfer is reported a moment after the talk that it began has started or the old one has ended (ms).
const TRANSFER_SLACK_MS: Millis = 500;

impl Tracker {
    /// The row of a call; `None` for one that never was a call (a channel made and hung up with nothing between).
    pub(crate) fn finish(&self, slot: Slot) -> Option<FinishedCall> {
        let call = &self.calls[slot];
        if self.only_rang(call) {
            return None;
        }
        let direction = direction(call);
        let started_ms = call.started_ms;
        let ended_ms = self.end_of(call).max(started_ms);
        let visits: Vec<QueueVisit> = call.queue_visits.iter().map(|s| self.visit(call, s, ended_ms)).collect();
        let legs = self.legs(call, ended_ms);
        let answered_ms = call.talk.first_ms.map(|t| t.clamp(started_ms, ended_ms));
        // Who hangs up waits no longer, though the PBX may take seconds to notice (it finishes an announcement first).
        let gave_up_ms =
            self.topology.channel(call.first).far_hangup_ms.filter(|_| self.caller_left_by(slot, Millis::MAX));
        let wait_end_ms = answered_ms.or(gave_up_ms).unwrap_or(ended_ms).clamp(started_ms, ended_ms);
        let wait_ms = wait_end_ms - started_ms;
        let closed_on_arrival =
            direction == Direction::Inbound && !self.rules.hours_of(call.did.as_deref()).is_open(started_ms);
        let leg_results = self.results_of_the_called(call, &legs);
        let legs: Vec<Leg> = legs.into_iter().map(|(leg, _)| leg).collect();
        let visit_results: Vec<(&str, VisitResult)> = visits.iter().map(|v| (&*v.queue, v.result)).collect();
        let last_left = visits.last().map(|v| v.left_ms);
        let verdict = judge(&Facts {
            direction,
            answered: answered_ms.is_some(),
            talk_ms: call.talk.talk_ms,
            wait_ms,
            transfer_lost: transfer_lost(call),
            closed_on_arrival,
            caller_left: self.caller_left_by(slot, Millis::MAX),
            cut_off: self.cut_off(call) || visit_results.last().is_some_and(|(_, r)| *r == VisitResult::Cut),
            dialplan: &call.dialplan,
            legs: &leg_results,
            served_by_machine: served_by_machine(call, gave_up_ms.unwrap_or(ended_ms)),
            ringing_at_end: call
                .attempts
                .iter()
                .any(|a| !a.in_doubt && self.is_a_phones(call, a) && self.caller_left_before(call, a)),
            visits: &visit_results,
            tried_after_queue: last_left.is_some_and(|left| legs.iter().any(|l| l.started_ms >= left)),
            ivr: &call.ivr,
            cause: call.cause,
            unseen_end: call.seen.end_unseen(),
            partly_seen: call.seen.partly(),
            in_doubt: call.seen.in_doubt(),
            short_abandon_ms: self.rules.short_abandon_ms,
            min_talk_ms: self.rules.min_talk_ms,
        });
        let mut why = verdict.why;
        if call.seen.partly_before_its_end() {
            why.push("not all of it was seen: for a part of it there was no connection to the PBX".to_owned());
        }
        if call.seen.end_unseen() && answered_ms.is_some() {
            why.push("its end was not seen: the connection to the PBX was down".to_owned());
        }
        if call.dropped > 0 {
            why.push(format!("{} details beyond the limits are not kept", call.dropped));
        }
        Some(FinishedCall {
            pbx: self.pbx.clone(),
            linkedid: call.linkedid.to_string(),
            direction,
            status: verdict.status,
            outcome: verdict.outcome,
            number_e164: self.number_e164(call),
            number: call.number.clone(),
            name: call.name.clone(),
            did: call.did.clone(),
            trunk: call.trunk.clone(),
            queue: connecting_queue(&visits),
            agent: self.agent(call),
            started_ms,
            answered_ms,
            ended_ms,
            wait_ms,
            queue_wait_ms: visits.iter().map(|v| v.left_ms - v.joined_ms).sum(),
            ring_ms: ring_time(call, answered_ms.unwrap_or(ended_ms)),
            talk_ms: call.talk.talk_ms,
            hold_ms: call.talk.hold_ms,
            hangup_by: self.hangup_by(call),
            hangup_cause: call.cause,
            transfers: call.transfers,
            voicemail: call.dialplan.message,
            quality: match (call.seen.end_unseen(), call.seen.partly()) {
                (true, _) => Quality::Gap,
                (false, true) => Quality::Partial,
                (false, false) => Quality::Full,
            },
            why,
            callback_id: self.callback_id(call),
            legs,
            visits,
            ivr: call.ivr.clone(),
            tags: tags(call, verdict.status, verdict.outcome, ended_ms),
            ratings: call.ratings.clone(),
        })
    }

    /// A phone of ours that was rung on nobody's behalf and did not answer: the first half of an Originate, or Asterisk ringing
    /// back an agent whose transfer failed. There was no second party yet, so there was no call.
    fn only_rang(&self, call: &Call) -> bool {
        let first = self.topology.channel(call.first);
        let alone =
            !first.incoming.unwrap_or(true) && !first.up && first.kind == Kind::Extension && call.channels.len() == 1;
        call.origin == Origin::Extension && (alone || self.left_over(call))
    }

    /// Phones that had been dialled for a caller who was gone before the link came up: the caller's own row, under the same linkedid, is another.
    fn left_over(&self, call: &Call) -> bool {
        let mut parties = call.channels.iter().map(|s| self.topology.channel(*s)).filter(|c| c.is_party());
        let led = *self.topology.channel(call.first).uniqueid == *call.linkedid;
        call.seen.missed_a_part() && !led && parties.all(|c| c.kind == Kind::Extension && c.incoming == Some(false))
    }

    /// When the customer was gone; for the others, when everyone was.
    fn end_of(&self, call: &Call) -> Millis {
        let last = call.channels.iter().filter_map(|s| self.topology.channel(*s).ended_ms).max();
        let customer = if call.origin == Origin::Trunk { self.topology.channel(call.first).ended_ms } else { last };
        customer.or(last).unwrap_or(call.touched_ms)
    }

    /// Somebody's phone can have rung by this attempt: it is not a machine's, not the agent's own login before the call, and not only a part of
    /// the dialplan into which the caller was sent by way of a Local channel.
    fn is_a_phones(&self, call: &Call, attempt: &TrackedLeg) -> bool {
        let leads_on =
            || call.attempts.iter().any(|a| a.parent.is_some_and(|p| call.attempts[p].channel == attempt.channel));
        let nobodys =
            attempt.local && attempt.by.is_some() && attempt.queue.is_none() && !call.seen.partly() && !leads_on();
        let before = attempt.by.is_none() && call.origin == Origin::Trunk && attempt.started_ms < call.started_ms;
        self.topology.channel(attempt.channel).kind != Kind::Machine && !nobodys && !before
    }

    /// The legs, each with its attempt if there was one.
    fn legs(&self, call: &Call, ended_ms: Millis) -> Vec<(Leg, Option<usize>)> {
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
            legs.sort_by_key(|(leg, _)| leg.started_ms);
        }
        legs
    }

    /// Who is at the far end of a leg: a customer by the trunk, anybody else by name.
    fn who(&self, call: &Call, slot: Slot) -> String {
        let of = self.topology.channel(call.first).call;
        match self.is_customer(of, slot) {
            true => self.topology.channel(slot).interface().to_owned(),
            false => self.calls.identity(&self.topology, of, slot),
        }
    }

    /// How those fared who were called. Of a call that we make, the agent's own phone is not called: it has to answer before anybody is.
    fn results_of_the_called(&self, call: &Call, legs: &[(Leg, Option<usize>)]) -> Vec<LegResult> {
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
    fn caller_left_before(&self, call: &Call, attempt: &TrackedLeg) -> bool {
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
        // Who answered when this one rang no more was no faster: a later round of the queue, another Dial().
        let over = leg.ended_ms.or(channel.ended_ms).map_or(Millis::MAX, |ended| ended + SAME_END_MS);
        let in_time = |p: &&Person| {
            let answered = call.attempts.iter().find(|a| a.channel == p.channel).and_then(|a| a.answered_ms);
            p.talk.first_ms.is_some_and(|t| t >= leg.started_ms && answered.unwrap_or(t) <= over)
        };
        let other_answered = cause == Some(HangupCause::AnsweredElsewhere) || others().any(|p| in_time(&p));
        let cut = self.cut_off(call) || self.cut_in_queue(call);
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
            _ if leg.forwarded => LegResult::Elsewhere,
            Some("CANCEL") | None if cut && !other_answered && self.rang_to_the_end(call, leg) => LegResult::Cancelled,
            Some("CANCEL") | None if other_answered => LegResult::Elsewhere,
            _ if cause == Some(HangupCause::Busy) => LegResult::Busy,
            _ if cause.is_some_and(HangupCause::is_unavailable) && leg.rang_ms.is_none() => LegResult::Unavailable,
            _ => LegResult::NoAnswer,
        }
    }

    /// Neither the caller nor the dialplan ended the call, but the PBX itself, while the caller waited: what asked for it says so,
    /// or Dial() was broken off and nothing of the dialplan came after it.
    fn cut_off(&self, call: &Call) -> bool {
        let (first, plan) = (self.topology.channel(call.first), &call.dialplan);
        let by_pbx = first.pbx_hangup_ms.is_some() && first.far_hangup_ms.is_none() && call.talk.first_ms.is_none();
        let in_dial = plan.dial_status.as_deref() == Some("CANCEL")
            && plan.dial_status_ms > plan.application_ms
            && plan.application.as_ref().is_some_and(|(name, _)| &**name == "dial");
        by_pbx && !call.seen.partly() && (first.cut || in_dial)
    }

    /// The caller was taken out of the queue, and nothing of the dialplan came after it.
    fn visit_is_cut(&self, call: &Call, queue_visit: &TrackedVisit) -> bool {
        let first = self.topology.channel(call.first);
        let (left, plan) = (queue_visit.left_ms.or(first.ended_ms).unwrap_or(Millis::MAX), &call.dialplan);
        let since = |at: Millis| at > queue_visit.joined_ms;
        // The word that the caller has left may come after what runs next.
        let another = plan.application.as_ref().is_some_and(|(name, _)| &**name != "queue");
        let went_on = since(plan.moved_ms) || (since(plan.application_ms) && (another || plan.application_ms >= left));
        first.pbx_hangup_ms.is_some() && !went_on
    }

    fn cut_in_queue(&self, call: &Call) -> bool {
        let cut = |v: &TrackedVisit| !v.connected && v.status.is_none() && v.abandoned && self.visit_is_cut(call, v);
        let first = self.topology.channel(call.first);
        first.far_hangup_ms.is_none() && !call.seen.partly() && call.queue_visits.last().is_some_and(cut)
    }

    /// It was given up at the end of the call, not before.
    fn rang_to_the_end(&self, call: &Call, leg: &TrackedLeg) -> bool {
        leg.ended_ms.is_none_or(|ended| ended + SAME_END_MS >= self.end_of(call))
    }

    fn visit(&self, call: &Call, queue_visit: &TrackedVisit, ended_ms: Millis) -> QueueVisit {
        let left_ms = queue_visit.left_ms.unwrap_or(ended_ms);
        let first = self.topology.channel(call.first);
        let caller_hung_up = first.far_hangup_ms.is_some_and(|t| t <= left_ms.max(queue_visit.joined_ms));
        let result = match queue_visit.status.as_deref() {
            _ if queue_visit.connected => VisitResult::Connected,
            Some("TIMEOUT") => VisitResult::Timeout,
            Some("FULL") => VisitResult::Full,
            Some("JOINEMPTY") => VisitResult::JoinEmpty,
            Some("JOINUNAVAIL") => VisitResult::JoinUnavail,
            Some("LEAVEEMPTY") => VisitResult::LeaveEmpty,
            Some("LEAVEUNAVAIL") => VisitResult::LeaveUnavail,
            Some("CONTINUE") => VisitResult::Continue,
            Some("WITHDRAW") => VisitResult::Withdraw,
            _ if queue_visit.in_doubt || (call.seen.end_unseen() && queue_visit.left_ms.is_none()) => {
                VisitResult::Unknown
            }
            _ if caller_hung_up || (queue_visit.left_ms.is_none() && first.pbx_hangup_ms.is_none()) => {
                VisitResult::Abandoned
            }
            // The caller's hangup may have been missed.
            _ if (queue_visit.abandoned || queue_visit.left_ms.is_none()) && call.seen.partly() => VisitResult::Unknown,
            _ if self.visit_is_cut(call, queue_visit) => VisitResult::Cut,
            _ if queue_visit.abandoned || queue_visit.left_ms.is_none() => VisitResult::Transferred,
            _ => VisitResult::Key,
        };
        QueueVisit {
            queue: queue_visit.queue.to_string(),
            joined_ms: queue_visit.joined_ms,
            left_ms: left_ms.max(queue_visit.joined_ms),
            position: queue_visit.position,
            result,
        }
    }

    /// Our side's person: the first who talked with the customer. A call outward belongs to the phone that made it, answered or not.
    pub(crate) fn agent(&self, call: &Call) -> Option<String> {
        let talked = call.people.iter().filter(|p| p.talk.first_ms.is_some()).min_by_key(|p| p.talk.first_ms);
        let made_by_us = call.origin != Origin::Trunk && (call.trunk_dialled || call.origin == Origin::Callback);
        // Half of a Local channel is nobody, and a trunk neither: whoever was dialled first, unless that is the customer.
        if made_by_us && self.topology.channel(call.first).kind != Kind::Extension {
            let leg = || {
                let leg = self.first_leg(call, call.first).filter(|_| !self.customer_is_first(call, call.first))?;
                Some(self.who(call, call.attempts[leg].channel))
            };
            return talked.map(|p| p.interface.to_string()).or_else(leg);
        }
        if made_by_us && !self.is_customer_of(call, call.first) {
            return Some(self.topology.channel(call.first).interface().to_owned());
        }
        let of_old = || call.in_progress.as_ref().and_then(|recorded| recorded.agent.clone());
        talked.map(|p| p.interface.to_string()).or_else(of_old)
    }

    fn is_customer_of(&self, call: &Call, slot: Slot) -> bool {
        self.is_customer(self.topology.channel(call.first).call, slot)
    }

    /// Who ended the call: the earliest request on the line decides. `HangupRequest` is the far end, `SoftHangupRequest` the PBX.
    fn hangup_by(&self, call: &Call) -> HangupBy {
        let first = self.topology.channel(call.first);
        let Some(talk_end) = call.talk.last_end_ms else {
            // Nobody talked: phones that rejected or were busy did not end it, only the caller or the PBX can have.
            let caller = if self.is_customer_of(call, call.first) { HangupBy::Customer } else { HangupBy::Agent };
            let caller_left = first.far_hangup_ms.filter(|_| !call.dialplan.turned_away());
            let turned_away = first.far_hangup_ms.filter(|_| call.dialplan.turned_away());
            return earliest_of([(caller_left, caller), (turned_away.or(first.pbx_hangup_ms), HangupBy::Pbx)]);
        };
        let customers =
            call.channels.iter().filter(|s| self.topology.channel(**s).bridged && self.is_customer_of(call, **s));
        let customers: Vec<&Channel> = customers.map(|s| self.topology.channel(*s)).collect();
        let end = customers.iter().filter_map(|c| c.ended_ms).max().unwrap_or(talk_end);
        // Of those who talked last, and only if the customer was not led on by the dialplan afterwards.
        let agent = call
            .people
            .iter()
            .filter(|p| p.talk.last_end_ms.is_some_and(|t| t + SAME_END_MS >= talk_end))
            .filter_map(|p| self.topology.channel(p.channel).far_hangup_ms)
            .filter(|t| *t <= talk_end + SAME_END_MS && end - talk_end <= SAME_END_MS)
            .min();
        earliest_of([
            (customers.iter().filter_map(|c| c.far_hangup_ms).min(), HangupBy::Customer),
            (agent, HangupBy::Agent),
            (customers.iter().filter_map(|c| c.pbx_hangup_ms).min().or(first.pbx_hangup_ms), HangupBy::Pbx),
        ])
    }
}

/// Who asked first; of two at the same time, the one that is named first.
fn earliest_of<const N: usize>(requests: [(Option<Millis>, HangupBy); N]) -> HangupBy {
    let known = requests.into_iter().filter_map(|(at, who)| Some((at?, who)));
    known.min_by_key(|(at, _)| *at).map_or(HangupBy::Unknown, |(_, who)| who)
}

fn direction(call: &Call) -> Direction {
    match call.origin {
        Origin::Trunk => Direction::Inbound,
        Origin::Callback => Direction::Callback,
        Origin::Extension if call.trunk_dialled => Direction::Outbound,
        Origin::Extension => Direction::Internal,
    }
}

/// A machine that serves callers had the customer at the end.
fn served_by_machine(call: &Call, ended_ms: Millis) -> bool {
    let until = |at: Millis| at + SAME_END_MS >= ended_ms;
    call.machine.state() == Talking::Yes || call.machine.last_end_ms.is_some_and(until)
}

/// After the last transfer nobody began to talk with the customer.
fn transfer_lost(call: &Call) -> bool {
    // A caller who waits in a parking lot is on hold, and hears nobody.
    let heard = call.people.iter().filter_map(|p| p.talk.last_end_ms).max();
    let (Some(transfer), Some(start), Some(end)) = (call.transfer_ms, call.talk.last_start_ms, heard) else {
        return false;
    };
    start < transfer && end <= transfer + TRANSFER_SLACK_MS
}

pub(crate) fn connecting_queue(visits: &[QueueVisit]) -> Option<String> {
    let connected = visits.iter().find(|v| v.result == VisitResult::Connected);
    connected.or(visits.last()).map(|v| v.queue.clone())
}

/// Time up to `until` in which at least one person's phone was being rung: overlapping attempts count once.
fn ring_time(call: &Call, until: Millis) -> Millis {
    let mut spans: Vec<(Millis, Millis)> = call
        .attempts
        .iter()
        .filter(|a| !a.local)
        .map(|a| (a.started_ms, a.answered_ms.or(a.ended_ms).unwrap_or(until).min(until)))
        .collect();
    spans.sort_unstable();
    let (mut total, mut covered) = (0, Millis::MIN);
    for (start, end) in spans {
        let start = start.max(covered);
        total += (end - start).max(0);
        covered = covered.max(end);
    }
    total
}

/// What the dialplan said, after what follows from the verdict.
fn tags(call: &Call, status: Status, outcome: Outcome, at_ms: Millis) -> Vec<Tag> {
    // Closed hours and a message decide the outcome, and the wish counts none the less. A caller who was served after it has what was asked for.
    let (asked, queue) = (call.dialplan.callback_requested, call.dialplan.callback_queue.as_deref());
    let wish = asked && status != Status::Answer && (outcome != Outcome::CallbackRequested || queue.is_some());
    let by_caller = wish.then(|| Tag {
        code: ASKED.to_owned(),
        note: queue.unwrap_or_default().to_owned(),
        by: CALLER.to_owned(),
        at_ms,
    });
    rule_tag(outcome, at_ms).into_iter().chain(by_caller).chain(call.tags.iter().cloned()).collect()
}

/// What follows from the verdict.
pub(crate) fn rule_tag(outcome: Outcome, at_ms: Millis) -> Option<Tag> {
    let code = outcome.meaning().tag?;
    Some(Tag { code: code.to_owned(), note: String::new(), by: "rule".to_owned(), at_ms })
}
