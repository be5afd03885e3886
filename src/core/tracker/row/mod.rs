//! From a call that is over to its row: times, legs, visits, who ended it, and the verdict.

pub(crate) mod legs;

use crate::millis::Millis;
use crate::model::channel_name::Kind;
use crate::model::{
    CallInProgress, Direction, FinishedCall, HangupBy, HangupCause, Leg, Outcome, Quality, QueueVisit, Status, Tag,
    VisitResult,
};
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, TrackedLeg, TrackedVisit};
use crate::tracker::calls::talk::Talking;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::Channel;
use crate::verdict::{Facts, judge, rule_tag};

/// The call's end follows the talk's end within this time (ms): then whoever ended the talk ended the call.
pub(super) const SAME_END_MS: Millis = 1_000;

/// `AST_CAUSE_NETWORK_OUT_OF_ORDER`, which a phone's SIP 500 comes as (`res/res_pjsip_session.c`).
const OUT_OF_ORDER: u16 = 38;

/// A transfer is reported a moment after the talk that it began has started or the old one has ended (ms).
const TRANSFER_SLACK_MS: Millis = 500;

impl Tracker {
    /// The row of a call; `None` for one that never was a call (a channel made and hung up with nothing between).
    pub(crate) fn finish(&self, slot: Slot) -> Option<FinishedCall> {
        let call = &self.calls[slot];
        if self.only_rang(call) || observes(call) {
            return None;
        }
        // An attempt that was seen from its middle on, when its first channel had gone, is told by its linkedid.
        let direction = match direction(call) {
            Direction::Inbound => Direction::Inbound,
            _ if self.our_attempts.callback(&call.linkedid).is_some() => Direction::Callback,
            direction => direction,
        };
        let started_ms = call.started_ms;
        let ended_ms = self.end_of(call).max(started_ms);
        let visits: Vec<QueueVisit> = call.queue_visits.iter().map(|s| self.visit(call, s, ended_ms)).collect();
        let legs = self.legs(call, ended_ms);
        let answered_ms = call.talk.first_ms.map(|t| t.clamp(started_ms, ended_ms));
        // Who hangs up waits no longer, though the PBX may take seconds to notice (it finishes an announcement first).
        let gave_up_ms =
            self.topology.channel(call.first).far_hangup_ms.filter(|_| self.caller_left_by(slot, Millis::MAX));
        // Who leaves a message waits no longer.
        let message_ms = call.dialplan.mailbox_ms.filter(|_| call.dialplan.message);
        let wait_end_ms = answered_ms.or(message_ms).or(gave_up_ms).unwrap_or(ended_ms).clamp(started_ms, ended_ms);
        let wait_ms = wait_end_ms - started_ms;
        let closed_on_arrival =
            direction == Direction::Inbound && !self.rules.hours_of(call.did.as_deref()).is_open(started_ms);
        let leg_results = self.results_of_the_called(call, &legs);
        let technical =
            legs.iter().all(|(_, attempt)| attempt.is_some_and(|leg| failed_technically(&call.attempts[leg])));
        let taken_back = call.origin == Origin::Callback && self.hung_up_by_others(call, call.first);
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
            taken_back,
            technical: technical && !legs.is_empty(),
            cut_off: self.cut_off(call) || visit_results.last().is_some_and(|(_, r)| *r == VisitResult::Cut),
            dialplan: call.dialplan.facts(),
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
        if !call.dialplan.contexts.is_empty() {
            why.push(format!("contexts that it went through: {}", call.dialplan.contexts.join(", ")));
        }
        let mut finished = FinishedCall {
            direction,
            status: verdict.status,
            outcome: verdict.outcome,
            wait_ms,
            ring_ms: ring_time(call, answered_ms.unwrap_or(ended_ms)),
            talk_ms: call.talk.talk_ms,
            language: language(call).map(str::to_owned),
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
            ivr: call.ivr.clone(),
            tags: tags(call, verdict.status, verdict.outcome, ended_ms),
            ratings: call.ratings.clone(),
            ..CallInProgress { answered_ms, ..self.so_far(call) }.ended(ended_ms, visits)
        };
        self.rules.codes.tag(&mut finished);
        Some(finished)
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
    pub(super) fn end_of(&self, call: &Call) -> Millis {
        let last = call.channels.iter().filter_map(|s| self.topology.channel(*s).ended_ms).max();
        let customer = if call.origin == Origin::Trunk { self.topology.channel(call.first).ended_ms } else { last };
        customer.or(last).unwrap_or(call.touched_ms)
    }

    /// Neither the caller nor the dialplan ended the call, but the PBX itself, while the caller waited: what asked for it says so,
    /// or Dial() was broken off and nothing of the dialplan came after it.
    pub(crate) fn cut_off(&self, call: &Call) -> bool {
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

    pub(super) fn cut_in_queue(&self, call: &Call) -> bool {
        let cut = |v: &TrackedVisit| !v.connected && v.status.is_none() && v.abandoned && self.visit_is_cut(call, v);
        let first = self.topology.channel(call.first);
        first.far_hangup_ms.is_none() && !call.seen.partly() && call.queue_visits.last().is_some_and(cut)
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

    pub(super) fn is_customer_of(&self, call: &Call, slot: Slot) -> bool {
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
            let others = || first.ended_ms.filter(|_| self.hung_up_by_others(call, call.first));
            let by_pbx = turned_away.or(first.pbx_hangup_ms).or_else(others);
            return earliest_of([(caller_left, caller), (by_pbx, HangupBy::Pbx)]);
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

/// The language in which the customer was served: the one that the dialplan named, or that of the channel. One of our own calls has the agent's.
fn language(call: &Call) -> Option<&str> {
    let of_channel = call.language.as_deref().filter(|_| call.origin != Origin::Extension);
    call.dialplan.callback_language.as_deref().or(of_channel)
}

/// The far end could not take the call for a technical reason: no codec in common, or an error of its own (a SIP 488 or 500).
fn failed_technically(leg: &TrackedLeg) -> bool {
    let cause = leg.cause.filter(|_| leg.status.as_deref() == Some("NOANSWER") && leg.rang_ms.is_none());
    cause.is_some_and(|cause| cause == OUT_OF_ORDER || HangupCause::of(cause) == HangupCause::Incompatible)
}

/// A supervisor who listened to others' calls, and talked with nobody: that is no call of its own.
fn observes(call: &Call) -> bool {
    call.dialplan.observes && call.talk.first_ms.is_none() && call.queue_visits.is_empty()
}

/// A machine that serves callers had the customer at the end.
fn served_by_machine(call: &Call, ended_ms: Millis) -> bool {
    let until = |at: Millis| at + SAME_END_MS >= ended_ms;
    call.machine.state() == Talking::Yes || call.machine.last_end_ms.is_some_and(until)
}

/// After the last transfer nobody began to talk with the customer.
fn transfer_lost(call: &Call) -> bool {
    // A caller who waits in a parking lot is on hold, and hears nobody.
    let talks = || call.people.iter().map(|p| p.talk);
    let (start, end) = (talks().filter_map(|t| t.last_start_ms).max(), talks().filter_map(|t| t.last_end_ms).max());
    let (Some(transfer), Some(start), Some(end)) = (call.transfer_ms, start, end) else { return false };
    start < transfer && end <= transfer + TRANSFER_SLACK_MS
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
    // Closed hours, a message or a talk decide the outcome, and the wish counts none the less. A caller who was served after it has what was
    // asked for.
    let (asked, queue) = (call.dialplan.callback_requested, call.dialplan.callback_queue.as_deref());
    let after_talk = call.talk.first_ms.is_some_and(|answered| call.dialplan.callback_requested_ms >= answered);
    let stands = asked && (status != Status::Answer || after_talk);
    let wish = stands && (outcome != Outcome::CallbackRequested || queue.is_some());
    let [asked, time] = call.wish();
    let (wish, time) = (asked.filter(|_| wish), time.filter(|_| stands));
    rule_tag(outcome, at_ms).into_iter().chain(wish).chain(time).chain(call.tags.iter().cloned()).collect()
}
