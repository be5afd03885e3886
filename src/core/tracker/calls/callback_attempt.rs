//! Attempts of ours: the calls that this daemon's Originates make, emitted step by step, and their results.

use crate::millis::Millis;
use crate::model::attempt_id::identity_in;
use crate::model::channel_name::{Kind, technology_kind};
use crate::model::progress::{Facts, FirstPhone, Progress, Step};
use crate::model::sign::{SIGN_VARIABLE, Sign};
use crate::model::{HangupBy, HangupCause, LegResult, PbxId};
use crate::tracker::calls::call::{Call, Origin, TrackedLeg};
use crate::tracker::calls::talk::Talking;
use crate::tracker::row::legs::never_rang;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::Channel;
use crate::tracker::{Output, Tracker};

/// An attempt whose call is not over.
#[derive(Debug)]
pub(crate) struct TrackedAttempt {
    /// Its first channel; of a Local one, the half that bears the id as it was given.
    channel: Slot,
    answered_ms: Option<Millis>,
    dialled: bool,
    connected_ms: Option<Millis>,
    /// Its call went into another: agent and customer had talked so long then (ms), and talked on since.
    merged: Option<(Millis, Option<Millis>)>,
    /// Its call has its row, and others of it live on.
    row: Option<Box<str>>,
}

impl Call {
    /// An attempt of ours is in it.
    fn has_an_attempt(&mut self) {
        self.ours = true;
    }

    /// What a variable of an Originate of ours says of the call: whom it is to reach, and for which queue.
    fn attempt_says(&mut self, variable: &str, value: &str) {
        if self.origin != Origin::Callback || value.is_empty() {
            return;
        }
        match variable.trim_start_matches('_') {
            "CALLBACKD_NUMBER" if self.number.is_none() => self.number = Some(value.to_owned()),
            "CALLBACKD_QUEUE" => self.for_queue = Some(value.into()),
            _ => {}
        }
    }

    /// Another channel has taken the place of the one that began it.
    fn goes_on_with(&mut self, by: Slot) {
        self.first = by;
    }
}

impl Tracker {
    /// A channel began: it may be the first of an attempt.
    pub(crate) fn our_attempt_begins(&mut self, slot: Slot, at: Millis) {
        let channel = self.topology.channel(slot);
        let Some(id) = self.our_attempts.attempt(&channel.uniqueid) else { return self.another_attempt_begins(slot) };
        self.calls.call_mut(channel.call).has_an_attempt();
        if let Some(known) = self.calls.attempts.get_mut(id) {
            if *channel.uniqueid == *id {
                known.channel = slot;
            }
            return;
        }
        let attempt = TrackedAttempt {
            channel: slot,
            answered_ms: None,
            dialled: false,
            connected_ms: None,
            merged: None,
            row: None,
        };
        let id: Box<str> = id.into();
        self.outputs.push_back(step(&self.pbx, &id, at, Step::Seen));
        self.calls.attempts.insert(id, attempt);
    }

    /// A channel of nobody's callbacks, or of another callbackd's. In a list it may be old, and says nothing of who makes callbacks now.
    fn another_attempt_begins(&mut self, slot: Slot) {
        let channel = self.topology.channel(slot);
        if let Some(identity) =
            identity_in(&channel.uniqueid).filter(|_| self.coverage.in_sync() && !self.coverage.listing())
        {
            self.sign(Sign { identity, beats: Some(0) });
        }
    }

    /// A global variable was set: it may be a sign of who makes callbacks.
    pub(crate) fn global_set(&mut self, variable: &str, value: &str) {
        if variable == SIGN_VARIABLE
            && let Some(sign) = Sign::parse(value)
        {
            self.sign(sign);
        }
    }

    fn sign(&mut self, sign: Sign) {
        if self.our_attempts.is_another(sign.identity) {
            self.outputs.push_back(Output::Sign(sign));
        }
    }

    /// A variable of an Originate of ours: whom it is to reach, and for which queue, before anybody is dialled.
    pub(crate) fn attempt_says(&mut self, slot: Slot, variable: &str, value: &str) {
        self.calls.call_mut(self.topology.channel(slot).call).attempt_says(variable, value);
    }

    /// Asterisk gave an Originate up. With `ChannelId` the response names it even where no channel ever was (`main/manager.c`).
    pub(crate) fn originate_fails(&mut self, uniqueid: &str, reason: u16, at: Millis) {
        if let Some(id) = self.our_attempts.attempt(uniqueid) {
            self.outputs.push_back(step(&self.pbx, id, at, Step::Failed { reason }));
        }
    }

    /// Somebody picks a ringing phone up: Asterisk puts the one channel in the place of the other (`features_pickup.c`, a masquerade). A call
    /// that it began, and an attempt of ours, go on with whoever has it.
    pub(crate) fn picked_up(&mut self, by: Slot, rung: Slot, at: Millis) {
        let (call, uniqueid) = (self.topology.channel(rung).call, self.topology.channel(rung).uniqueid.clone());
        self.calls.call_mut(call).leg_is_picked_up(&uniqueid);
        self.calls.mark(call);
        let began = self.calls[call].first == rung && self.topology.channel(rung).incoming == Some(false);
        if !began || self.topology.channel(by).call != call {
            return;
        }
        self.calls.call_mut(call).goes_on_with(by);
        let agent = self.topology.channel(by).interface();
        for (id, attempt) in self.calls.attempts.iter_mut().filter(|(_, a)| a.channel == rung) {
            attempt.channel = by;
            let uniqueid = self.topology.channel(by).uniqueid.to_string();
            let step_made = Step::PickedUp { agent: agent.to_owned(), uniqueid };
            self.outputs.push_back(step(&self.pbx, id, at, step_made));
        }
        self.retime(call, at);
        self.calls.mark(call);
    }

    /// Neither side nor the dialplan ended the call of ours while a phone rang: another client of the AMI, or the command line, did. Asterisk
    /// says so only of the command line; by the AMI the phone is gone without a word of its own (`main/dial.c`, `monitor_dial`).
    pub(crate) fn hung_up_by_others(&self, call: &Call, first: Slot) -> bool {
        let channel = self.topology.channel(first);
        if call.seen.partly() || call.talk.first_ms.is_some() {
            return false;
        }
        if channel.up && channel.kind == Kind::Local && self.phone_taken_away(call, first) {
            return true;
        }
        if channel.far_hangup_ms.is_some() {
            return false;
        }
        if channel.up {
            return call.first == first && self.cut_off(call);
        }
        let says_why = |cause: Option<u16>| !matches!(cause, None | Some(0 | 16));
        let Some(leg) = call.attempts.iter().find(|a| a.channel == first) else { return false };
        if channel.ended_ms.is_none()
            || leg.forwarded
            || leg.status.as_deref() != Some("NOANSWER")
            || says_why(leg.cause)
        {
            return channel.cut;
        }
        let behind = |a: &&TrackedLeg| a.parent.is_some_and(|parent| call.attempts[parent].channel == first);
        let mut behind = call.attempts.iter().filter(behind).peekable();
        // What a Local channel led to is given up when that is hung up; where it was given up before, the dialplan ended it.
        channel.cut || !leg.local || (behind.peek().is_some() && behind.all(|a| a.status.as_deref() == Some("CANCEL")))
    }

    /// The phone that answered behind this Local channel is gone, and neither it nor the dialplan has asked for that: the channel heard of it only then.
    fn phone_taken_away(&self, call: &Call, first: Slot) -> bool {
        let near = self.topology.channel(first);
        let heard = near.far_hangup_ms.is_some_and(|far| near.pbx_hangup_ms.is_none_or(|pbx| far <= pbx));
        let leg = self.first_leg(call, first).map(|leg| &call.attempts[leg]).filter(|leg| leg.channel != first);
        leg.map(|leg| self.topology.channel(leg.channel)).is_some_and(|phone| {
            let asked = phone.far_hangup_ms.is_some() || phone.pbx_hangup_ms.is_some();
            heard && phone.up && !asked && phone.ended_ms.is_some()
        })
    }

    /// What the phones of an attempt's first leg did.
    fn first_phone(&self, call: &Call, first: Slot) -> FirstPhone {
        let on_the_way = |leg: usize| call.is_on_the_way(leg, |way| way.channel == first);
        let legs = || call.attempts.iter().enumerate().filter(|(leg, _)| on_the_way(*leg)).map(|(_, a)| a);
        if legs().any(|a| a.channel == first && a.forwarded) {
            return FirstPhone::Forwarded;
        }
        let may_have_rung = |a: &TrackedLeg| a.rang_ms.is_some() || a.progress || a.answered_ms.is_some() || a.in_doubt;
        match call.seen.partly() || legs().any(may_have_rung) || legs().next().is_none() {
            true => FirstPhone::Rang,
            false => FirstPhone::Silent,
        }
    }

    /// Emits the steps that the attempts in this call have made.
    pub(crate) fn attempts_advance(&mut self, call: Slot) {
        let (c, attempts) = self.calls.with_attempts(call);
        if !c.ours {
            return;
        }
        let at = self.event_ms;
        for (id, attempt) in attempts {
            let Some(channel) = self.topology.get(attempt.channel).filter(|channel| channel.call == call) else {
                continue;
            };
            if attempt.answered_ms.is_none() && channel.up {
                attempt.answered_ms = Some(at);
                self.outputs.push_back(step(&self.pbx, id, at, Step::AgentAnswered));
            }
            if !attempt.dialled
                && let Some(answered) = attempt.answered_ms
            {
                let half = self.topology.other_half(attempt.channel);
                let dialled_from = |a: &TrackedLeg| match a.by {
                    Some(by) => by == attempt.channel || (Some(by) == half && a.started_ms > answered),
                    None => false,
                };
                if let Some(leg) = c.attempts.iter().find(|a| dialled_from(a)) {
                    attempt.dialled = true;
                    self.outputs.push_back(step(&self.pbx, id, leg.started_ms, Step::CustomerDialled));
                }
            }
            if attempt.connected_ms.is_none()
                && (channel.bridged || channel.kind == Kind::Local)
                && let Some(connected) = c.talk.first_ms
            {
                attempt.connected_ms = Some(connected);
                self.outputs.push_back(step(&self.pbx, id, connected, Step::Connected));
            }
        }
    }

    /// A call went into another: the time that its attempts have talked is kept, since the other's clock knows nothing of it.
    pub(crate) fn attempts_merge(&mut self, gone: &Call, into: Slot) {
        if !gone.ours {
            return;
        }
        let at = self.event_ms;
        for attempt in self.calls.attempts.values_mut() {
            let here = self.topology.get(attempt.channel).is_some_and(|channel| channel.call == into);
            if here && attempt.merged.is_none() && gone.channels.contains(&attempt.channel) {
                let mut clock = gone.talk;
                let talks = clock.state() != Talking::No;
                clock.set(Talking::No, at);
                attempt.merged = Some((clock.talk_ms, talks.then_some(at)));
            }
        }
    }

    /// A channel is part of another call from now on, and so is the attempt that it is.
    pub(crate) fn attempt_goes_over(&mut self, slot: Slot, to: Slot) {
        if self.calls.attempts.values().any(|attempt| attempt.channel == slot) {
            self.calls.call_mut(to).has_an_attempt();
        }
    }

    /// Some of a call's channels go on without the customer, in a call that makes no row.
    pub(crate) fn attempts_survive(&mut self, call: Slot, rest: Slot) {
        if !self.calls[call].ours {
            return;
        }
        let (c, attempts) = self.calls.with_attempts(call);
        let mut survives = false;
        for attempt in attempts.values_mut() {
            if self.topology.get(attempt.channel).is_some_and(|channel| channel.call == rest) {
                survives = true;
                attempt.row = Some(c.linkedid.clone());
            }
        }
        if survives {
            self.calls.call_mut(rest).has_an_attempt();
        }
    }

    /// A call is recorded: the attempts in it are over. A daemon that ends has not seen their end, and leaves that to its next run.
    pub(crate) fn attempts_end(&mut self, call: Slot) {
        if !self.calls[call].ours {
            return;
        }
        let here = |a: &TrackedAttempt| self.topology.get(a.channel).is_none_or(|channel| channel.call == call);
        let over: Vec<Box<str>> =
            self.calls.attempts.iter().filter(|(_, a)| here(a)).map(|(id, _)| id.clone()).collect();
        for id in over {
            let Some(attempt) = self.calls.attempts.remove(&id) else { continue };
            if !self.stopping && self.topology.get(attempt.channel).is_some() {
                let facts = self.facts(&attempt, call);
                self.outputs.push_back(step(&self.pbx, &id, facts.ended_ms, Step::Ended(Box::new(facts))));
            }
        }
    }

    /// Calls of attempts that a list did not name are recorded at once, so that their end is known when coverage is complete again.
    pub(crate) fn lost_attempts(&self) -> Vec<Slot> {
        let calls =
            self.calls.attempts.values().filter_map(|a| self.topology.get(a.channel)).map(|channel| channel.call);
        calls.filter(|call| self.calls[*call].seen.end_unseen() && self.calls[*call].live == 0).collect()
    }

    /// The callback in whose attempt this call was made, also where the attempt's call has gone into this one.
    pub(crate) fn callback_id(&self, call: &Call) -> Option<i64> {
        let ours = &self.our_attempts;
        let by_channel = || call.channels.iter().find_map(|slot| ours.callback(&self.topology.channel(*slot).uniqueid));
        ours.callback(&call.linkedid).or_else(by_channel)
    }

    /// What the first leg of an attempt came to: the channel itself, or whoever a Local one led to.
    pub(crate) fn first_leg(&self, call: &Call, first: Slot) -> Option<usize> {
        let own = |(i, a): &(usize, &TrackedLeg)| call.is_on_the_way(*i, |way| way.channel == first) && !a.local;
        let legs = || call.attempts.iter().enumerate().filter(own);
        let took =
            legs().find(|(_, a)| self.topology.channel(a.channel).bridged).or(legs().find(|(_, a)| self.answered(a)));
        took.or(legs().next_back())
            .or_else(|| call.attempts.iter().enumerate().find(|(_, a)| a.channel == first))
            .map(|l| l.0)
    }

    fn answered(&self, leg: &TrackedLeg) -> bool {
        leg.answered_ms.is_some() || self.topology.channel(leg.channel).up
    }

    fn facts(&self, ours: &TrackedAttempt, slot: Slot) -> Facts {
        let call = &self.calls[slot];
        let first = self.first_leg(call, ours.channel);
        let first_channel = first.map_or(ours.channel, |i| call.attempts[i].channel);
        let customer_first = self.customer_is_first(call, ours.channel);
        let second = self.second_leg(call, ours.channel, customer_first);
        let (agent, customer) = if customer_first { (second, first) } else { (first, second) };
        let ended_ms =
            call.channels.iter().filter_map(|s| self.topology.channel(*s).ended_ms).max().unwrap_or(call.touched_ms);
        let agent_channel = match agent {
            Some(leg) => Some(self.topology.channel(call.attempts[leg].channel)),
            None => (!customer_first).then_some(self.topology.channel(ours.channel)),
        };
        let root = |leg: usize| {
            let attempt = &call.attempts[leg];
            (attempt, attempt.parent.map_or(attempt, |p| &call.attempts[p]))
        };
        let agent_end = match agent.map(root) {
            Some((leg, root)) => self.first_end(leg, root),
            None if agent_channel.is_some_and(|channel| channel.up) => LegResult::Answered,
            None if call.seen.end_unseen() => LegResult::Unknown,
            None => LegResult::NoAnswer,
        };
        let agent_left = agent_channel.and_then(|channel| channel.far_hangup_ms);
        let customer_end = match customer.map(root) {
            Some((leg, root)) if customer_first => Some(self.first_end(leg, root)),
            Some((leg, root)) => Some(match self.leg_result(call, leg, root) {
                LegResult::NoAnswer if agent_left.is_some_and(|t| leg.ended_ms.is_none_or(|e| t <= e)) => {
                    LegResult::Cancelled
                }
                result => result,
            }),
            None => self.channel_less_end(call, ours, customer_first),
        };
        let picked_up = agent.and_then(|leg| call.attempts[leg].answered_ms);
        Facts {
            first_phone: self.first_phone(call, ours.channel),
            killed: self.hung_up_by_others(call, ours.channel),
            linkedid: ours.row.as_deref().unwrap_or(&call.linkedid).to_owned(),
            agent: agent_end,
            agent_answered_ms: match agent_end {
                LegResult::Answered if customer_first => picked_up.or(ours.connected_ms),
                LegResult::Answered => picked_up.or(ours.answered_ms),
                _ => None,
            },
            taken_by: self
                .agent(call)
                .filter(|agent| technology_kind(agent) != Kind::Local && ours.answered_ms.is_some() && !customer_first),
            customer: customer_end,
            customer_cause: customer.and_then(|leg| call.attempts[leg].cause),
            customer_answered_ms: ours.connected_ms,
            talk_ms: self.talked(ours, call, first_channel, ended_ms),
            agent_hangup_by: agent_channel.map_or(HangupBy::Unknown, |channel| hung_up_by(channel, call)),
            unseen: call.seen.end_unseen() || call.seen.in_doubt(),
            ended_ms,
        }
    }

    /// The leg to the other side, the last that was tried: agent first: whom the agent's channel dialled; customer first: who took the call.
    fn second_leg(&self, call: &Call, ours: Slot, customer_first: bool) -> Option<usize> {
        let leads_on = |i: usize| call.attempts.iter().any(|a| a.parent == Some(i));
        let dialled = |(i, _): &(usize, &TrackedLeg)| {
            let from_ours = call.is_on_the_way(*i, |way| way.by == Some(ours));
            let first_side = call.is_on_the_way(*i, |way| way.channel == ours);
            !first_side && from_ours && !leads_on(*i)
        };
        let took = |(_, a): &(usize, &TrackedLeg)| {
            call.people.iter().any(|p| p.channel == a.channel && p.talk.first_ms.is_some())
        };
        let legs = || call.attempts.iter().enumerate();
        let taken = if customer_first { legs().find(took) } else { None };
        taken.or_else(|| legs().rfind(dialled)).map(|(i, _)| i)
    }

    /// How a leg ended that nobody waited for: none of those who dialled it can have left before.
    fn first_end(&self, leg: &TrackedLeg, root: &TrackedLeg) -> LegResult {
        if self.answered(leg) {
            return LegResult::Answered;
        }
        let cause = leg.cause.or(root.cause);
        match leg.status.as_deref().or(root.status.as_deref()) {
            Some("BUSY") => LegResult::Busy,
            Some("CONGESTION") => LegResult::Congestion,
            Some("CHANUNAVAIL") => LegResult::Unavailable,
            None if leg.in_doubt => LegResult::Unknown,
            None if cause.is_none() && self.topology.channel(leg.channel).ended_ms.is_some() => LegResult::Unknown,
            // As in the legs of other calls, and the network's faults beside them.
            _ => match cause.map(HangupCause::of) {
                Some(HangupCause::Rejected) => LegResult::Rejected,
                Some(HangupCause::Busy) => LegResult::Busy,
                Some(HangupCause::Congestion) => LegResult::Congestion,
                Some(cause) if cause.is_unavailable() && leg.rang_ms.is_none() => LegResult::Unavailable,
                Some(cause) if cause != HangupCause::Other && never_rang(leg) => LegResult::Unavailable,
                _ => LegResult::NoAnswer,
            },
        }
    }

    /// Dial can fail before there is a channel: then its word is all that there is.
    fn channel_less_end(&self, call: &Call, ours: &TrackedAttempt, customer_first: bool) -> Option<LegResult> {
        if customer_first || ours.answered_ms.is_none() || call.first != ours.channel {
            return None;
        }
        match call.dialplan.dial_status.as_deref()? {
            "CHANUNAVAIL" => Some(LegResult::Unavailable),
            "CONGESTION" => Some(LegResult::Congestion),
            "BUSY" => Some(LegResult::Busy),
            _ => None,
        }
    }

    /// Milliseconds of talk. After a merge the rest of it counts up to the end of the agent's channel, or the last one's if that
    /// is still up.
    fn talked(&self, ours: &TrackedAttempt, call: &Call, first: Slot, ended_ms: Millis) -> Millis {
        match ours.merged {
            Some((talked, Some(since))) => {
                let end = self.topology.get(first).and_then(|c| c.ended_ms).unwrap_or(ended_ms);
                talked + (end - since).max(0)
            }
            Some((talked, None)) => talked,
            None if call.origin == Origin::Callback => call.talk.talk_ms,
            None => 0,
        }
    }
}

/// The earlier of two requests ended the channel: its far end's, or the PBX's.
fn hung_up_by(channel: &Channel, call: &Call) -> HangupBy {
    match (channel.far_hangup_ms, channel.pbx_hangup_ms) {
        (Some(far), pbx) if pbx.is_none_or(|pbx| far <= pbx) => HangupBy::Agent,
        (None, None) if call.seen.end_unseen() => HangupBy::Unknown,
        _ => HangupBy::Pbx,
    }
}

fn step(pbx: &PbxId, id: &str, at_ms: Millis, step: Step) -> Output {
    Output::Progress(Progress { pbx: pbx.clone(), channel_id: id.to_owned(), at_ms, step })
}
