//! Ring attempts: who is dialled for a call, and what becomes of it.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::MAX_LEGS;
use crate::model::News;
use crate::model::channel_name::Kind;
use crate::model::number::Number;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, Stage, TrackedLeg};
use crate::tracker::calls::registry::Calls;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{STATE_RINGING, STATE_UP};
use crate::tracker::topology::graph::Topology;

/// A call over a trunk that leads back to this PBX comes in so soon (ms).
const LOOP_MS: Millis = 3_000;
/// Digits; what is shorter is an extension.
const SHORTEST_NUMBER: usize = 6;
/// Calls that are remembered for that.
const MAX_DIALLED_OUT: usize = 1_000;

impl Tracker {
    pub(crate) fn dial_begins(
        &mut self,
        by: Option<&event::Channel<'_>>,
        dest: &event::Channel<'_>,
        dial_string: &str,
        at: Millis,
    ) {
        let shown = by.map(|c| c.caller_num.to_string());
        let by = by.and_then(|c| self.channel_or_adopt(c, at));
        let Some(slot) = self.dialled(dest, at) else { return };
        self.attempt(by, slot, dial_string, None, at);
        self.caller_id_shown(slot, shown, at);
    }

    pub(crate) fn agent_called(
        &mut self,
        by: &event::Channel<'_>,
        dest: &event::Channel<'_>,
        queue: &str,
        interface: &str,
        at: Millis,
    ) {
        let by = self.channel_or_adopt(by, at);
        let Some(slot) = self.dialled(dest, at) else { return };
        self.attempt(by, slot, interface, Some(queue), at);
    }

    /// The channel that an event says is dialled: one that nobody introduced did not call us.
    fn dialled(&mut self, dest: &event::Channel<'_>, at: Millis) -> Option<Slot> {
        if dest.uniqueid.is_empty() || self.topology.find(&dest.uniqueid).is_some() {
            let slot = self.channel_or_adopt(dest, at)?;
            self.topology.is_dialled(slot);
            return Some(slot);
        }
        self.counters.strangers += 1;
        self.channel_begins(dest, at, Some(false), true)
    }

    /// Notes that a channel is dialled; called for it again, adds what was not known.
    fn attempt(&mut self, by: Option<Slot>, dest: Slot, interface: &str, queue: Option<&str>, at: Millis) {
        if let Some(by) = by {
            self.join_calls(self.topology.channel(by).call, self.topology.channel(dest).call);
            self.comes_to_who_dials(by, dest, at);
            if self.topology.channel(by).call != self.topology.channel(dest).call {
                return; // one of them has its row: a stray late event adds nothing to it
            }
        }
        self.customer_of_ours(by, dest);
        let channel = self.topology.channel(dest);
        if by.is_some_and(|by| self.topology.channel(by).call != channel.call) && channel.ended_ms.is_some() {
            return; // it ended in a call that has its row; nobody can be dialling it now
        }
        let (slot, kind, uniqueid) = (channel.call, channel.kind, channel.uniqueid.clone());
        let peer = channel.interface().to_owned();
        // Whom a queue rings is an agent, not the way to one.
        let parent = by.filter(|_| queue.is_none()).and_then(|by| self.calls.parent_attempt(&self.topology, slot, by));
        let room = self.calls.have_room();
        let call = &self.calls[slot];
        let of_queue = queue.is_some()
            || parent.is_some_and(|p| call.attempts[p].queue.is_some())
            || call.attempts.iter().any(|leg| leg.uniqueid == uniqueid && leg.queue.is_some());
        let goes_out = kind == Kind::Trunk && call.origin != Origin::Trunk && !of_queue;
        let call = self.calls.call_mut(slot);
        if goes_out {
            // What went out on the trunk is the customer's number: what was dialled may carry a prefix of the dialplan's.
            call.goes_out(Some(peer.clone()), dialled_number(interface));
        }
        if call.leg_is_known(&uniqueid, by, interface, queue) {
            self.calls.adopt(&self.topology, slot, dest);
            return;
        }
        if !call.has_room_for_a_leg(room) {
            self.counters.details_dropped += 1;
            return;
        }
        // Dial names what it was given without the technology, the queue with it.
        let technology = peer.split_once('/').map_or(&*peer, |(technology, _)| technology);
        let whole = queue.is_some() || interface.split_once('/').is_some_and(|(first, _)| first == technology);
        let dialled = if whole { interface.into() } else { format!("{technology}/{interface}") };
        let interface = if whole { interface } else { &peer };
        if let Some(parent) = parent.filter(|_| kind == Kind::Extension) {
            self.presence.led_to(&call.attempts[parent].interface, &peer);
        }
        let of_queue = queue.map(Into::into).or_else(|| parent.and_then(|p| call.attempts[p].queue.clone()));
        let leg = TrackedLeg {
            uniqueid,
            channel: dest,
            by,
            interface: interface.into(),
            dialled: dialled.into(),
            queue: of_queue,
            local: kind == Kind::Local,
            parent,
            started_ms: at,
            rang_ms: None,
            progress: false,
            answered_ms: None,
            ended_ms: None,
            status: None,
            status_ms: Millis::MAX,
            cause: None,
            forwarded: false,
            picked_up: false,
            shown: None,
            comes_in_again: false,
            in_doubt: false,
        };
        call.leg_begins(leg, queue);
        self.calls.adopt(&self.topology, slot, dest);
        self.sent_into(slot, dest, at);
        if parent.is_some()
            && let Some(agent) = self.presence.find(&peer)
        {
            self.presence.update_busy(agent, at); // it may be the agent's since a moment ago
        }
        self.retime(slot, at);
    }

    /// A customer is sent into the dialplan behind a Local channel, which may have begun to run before the dialling was heard of.
    fn sent_into(&mut self, call: Slot, local: Slot, at: Millis) {
        let Some(far) = self.topology.other_half(local) else { return };
        if self.topology.channel(local).kind == Kind::Local && self.calls.leads(&self.topology, call, far) {
            let context = self.topology.channel(far).context.clone();
            self.calls.call_mut(call).dialplan.is_run_by(far);
            self.place_changes(call, &context, "", at);
        }
    }

    /// Whom the agent's channel of an attempt of ours dials is the customer, also where a trunk looks like a phone.
    fn customer_of_ours(&mut self, by: Option<Slot>, dest: Slot) {
        let Some(by) = by.filter(|_| self.topology.channel(dest).kind == Kind::Extension) else { return };
        let call = &self.calls[self.topology.channel(by).call];
        if call.origin != Origin::Callback || self.topology.channel(call.first).kind == Kind::Trunk {
            return;
        }
        let parent = self.calls.parent_attempt(&self.topology, self.topology.channel(by).call, by);
        let by_agent = by == call.first || parent.is_some_and(|p| call.attempts[p].by == Some(call.first));
        let interface = self.topology.channel(dest).interface();
        let peer = interface.split_once('/').map_or(interface, |(_, peer)| peer);
        let of_us =
            self.presence.find(interface).is_some() || matches!(self.rules.numbering.classify(peer), Number::Internal);
        if by_agent && !of_us {
            self.topology.is_a_trunk(dest);
        }
    }

    /// The caller id under which a customer is called over this channel.
    fn caller_id_shown(&mut self, dest: Slot, shown: Option<String>, at: Millis) {
        let channel = self.topology.channel(dest);
        let (call, kind) = (channel.call, channel.kind);
        let Some(shown) = shown.filter(|n| !n.is_empty()) else { return };
        if kind == Kind::Trunk {
            self.calls.goes_out_showing(call, dest, &shown, at);
        }
        let outward = kind == Kind::Trunk && self.calls[call].origin != Origin::Trunk;
        if outward && !matches!(self.rules.numbering.classify(&shown), Number::Internal) {
            self.calls.call_mut(call).shown_to_customer(shown);
        }
    }

    pub(crate) fn dial_changes(&mut self, dest: &event::Channel<'_>, status: &str, at: Millis) {
        let Some(slot) = self.dialled(dest, at) else { return };
        let channel = self.topology.channel(slot);
        let (call, uniqueid) = (channel.call, channel.uniqueid.clone());
        match status {
            "RINGING" => self.leg_state(call, &uniqueid, STATE_RINGING, at),
            "PROGRESS" => self.calls.call_mut(call).leg_progresses(&uniqueid),
            _ => {}
        }
    }

    /// The channel of a leg is in this state now.
    pub(crate) fn leg_state(&mut self, call: Slot, uniqueid: &str, state: u8, at: Millis) {
        match state {
            STATE_RINGING => {
                if let Some((channel, queue)) = self.calls.call_mut(call).leg_rings(uniqueid, at) {
                    self.rings(call, channel, queue.as_deref());
                }
            }
            STATE_UP => self.calls.call_mut(call).leg_answers(uniqueid, at),
            _ => {}
        }
    }

    /// A phone begins to ring for a call. Whoever wants to know who calls, wants it now.
    fn rings(&mut self, slot: Slot, phone: Slot, queue: Option<&str>) {
        let call = &self.calls[slot];
        let is_customers = call.origin == Origin::Trunk && call.stage == Stage::Live && !call.orphaned;
        if !is_customers || self.topology.channel(phone).kind != Kind::Extension {
            return;
        }
        let mut now = self.so_far(call);
        now.agent = Some(self.calls.identity(&self.topology, slot, phone));
        now.queue = queue.map(str::to_owned).or(now.queue);
        self.report(News::Ringing(Box::new(now)));
    }

    pub(crate) fn dial_ends(
        &mut self,
        by: Option<&event::Channel<'_>>,
        dest: &event::Channel<'_>,
        status: &str,
        forward: &str,
        at: Millis,
    ) {
        if let Some(by) = by {
            self.find_channel(by, at);
        }
        let Some(slot) = self.find_channel(dest, at) else { return };
        let channel = self.topology.channel(slot);
        let (call, uniqueid) = (channel.call, channel.uniqueid.clone());
        self.calls.call_mut(call).leg_ends(&uniqueid, status, !forward.is_empty(), at);
    }
}

impl Call {
    /// A channel is dialled of which it is known already that it is: adds what was not. False if it is not known.
    fn leg_is_known(&mut self, uniqueid: &str, by: Option<Slot>, interface: &str, queue: Option<&str>) -> bool {
        let Some(leg) = self.attempt_mut(uniqueid) else { return false };
        if let Some(queue) = queue {
            leg.queue.get_or_insert(queue.into());
            leg.interface = interface.into();
            leg.dialled = interface.into();
        }
        leg.by = leg.by.or(by);
        true
    }

    /// There is room for another leg; where there is none, one is counted as dropped. `room`: for another detail of some call.
    fn has_room_for_a_leg(&mut self, room: bool) -> bool {
        let kept = room && self.attempts.len() < MAX_LEGS;
        self.dropped += u32::from(!kept);
        kept
    }

    /// Somebody is rung, by this queue or by Dial. Whatever happened in a gap: the caller is there again, and in the queue that rings.
    fn leg_begins(&mut self, leg: TrackedLeg, queue: Option<&str>) {
        if leg.by == Some(self.first) {
            self.seen.customer_is_shown();
        }
        if let Some(visit) = queue.and_then(|queue| self.visit_mut(queue)).filter(|visit| visit.left_ms.is_none()) {
            visit.in_doubt = false;
        }
        self.attempts.begins(leg);
    }

    /// The network that a leg leads into says by sound what goes on there.
    fn leg_progresses(&mut self, uniqueid: &str) {
        if let Some(leg) = self.attempt_mut(uniqueid) {
            leg.progress = true;
        }
    }

    /// A leg begins to ring: its channel, and the queue that rings it. `None` if it did before.
    fn leg_rings(&mut self, uniqueid: &str, at: Millis) -> Option<(Slot, Option<Box<str>>)> {
        let leg = self.attempt_mut(uniqueid).filter(|leg| leg.rang_ms.is_none())?;
        leg.rang_ms = Some(at);
        Some((leg.channel, leg.queue.clone()))
    }

    /// A leg has answered.
    fn leg_answers(&mut self, uniqueid: &str, at: Millis) {
        if let Some(leg) = self.attempt_mut(uniqueid) {
            leg.answered_ms.get_or_insert(at);
        }
    }

    /// Dial or the queue says how a leg ended. They say it twice, the second time CANCEL and often in the same millisecond; the first time they say
    /// why.
    fn leg_ends(&mut self, uniqueid: &str, status: &str, forwarded: bool, at: Millis) {
        let Some(leg) = self.attempt_mut(uniqueid) else { return };
        leg.forwarded |= forwarded;
        if leg.status_ms < at || (leg.status_ms == at && status == "CANCEL") {
            return;
        }
        leg.status = Some(status.into());
        leg.status_ms = at;
        if status == "ANSWER" {
            leg.answered_ms.get_or_insert(at);
        } else {
            leg.ended_ms = Some(leg.ended_ms.map_or(at, |ended| ended.min(at)));
        }
    }

    /// A colleague takes what rings here: their channel is put in the place of this one.
    pub(crate) fn leg_is_picked_up(&mut self, uniqueid: &str) {
        if let Some(leg) = self.attempt_mut(uniqueid) {
            leg.picked_up = true;
        }
    }

    /// The caller id under which the customer is called.
    fn shown_to_customer(&mut self, shown: String) {
        self.did = Some(shown);
    }
}

impl Calls {
    /// A leg goes out over a trunk and shows this number: a call that comes in by it in a moment is the same.
    fn goes_out_showing(&mut self, call: Slot, channel: Slot, shown: &str, at: Millis) {
        if !self.call_mut(call).attempts.shows(channel, shown) {
            return;
        }
        self.dialled_out.retain(|(dialled, _)| at - dialled <= LOOP_MS);
        if self.dialled_out.len() < MAX_DIALLED_OUT {
            self.dialled_out.push((at, call));
        }
    }

    /// A call that comes in is the far end of a leg that we are dialling: over a trunk that leads back to this PBX. It was dialled a moment ago,
    /// to this number, and shows this caller.
    pub(crate) fn comes_in_again(&mut self, caller: &str, dialled: &str, at: Millis) -> bool {
        // A customer whose number ends as ours does may be calling us while we call them.
        if same_number(caller, dialled) {
            return false;
        }
        let fits = |a: &TrackedLeg| {
            let lately =
                a.started_ms <= at && at - a.started_ms <= LOOP_MS && a.ended_ms.is_none() && !a.comes_in_again;
            let number = dialled_number(&a.dialled);
            let (Some(shown), Some(number)) = (a.shown.as_deref(), number.filter(|_| lately)) else { return false };
            // Where both are written otherwise, two customers may only end as two numbers of ours do.
            let as_written = is_written_so(shown, caller) || is_written_so(&number, dialled);
            as_written && same_number(shown, caller) && same_number(&number, dialled)
        };
        self.dialled_out.retain(|(dialled, _)| at - dialled <= LOOP_MS);
        let leg = |call: Slot| self.get(call)?.attempts.iter().position(fits).map(|leg| (call, leg));
        let Some((call, leg)) = self.dialled_out.iter().find_map(|(_, call)| leg(*call)) else {
            return false;
        };
        self.call_mut(call).attempts.comes_in_again(leg);
        true
    }
}

/// The same digits.
fn is_written_so(a: &str, b: &str) -> bool {
    a.trim_start_matches('+') == b.trim_start_matches('+')
}

/// One of two ways to write a number, with or without what goes before it abroad.
fn same_number(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_start_matches('+'), b.trim_start_matches('+'));
    a.len().min(b.len()) >= SHORTEST_NUMBER && (a.ends_with(b) || b.ends_with(a))
}

/// The number in a dial string: `PJSIP/12025550123@trunk` and `PJSIP/trunk/12025550123` hold `12025550123`.
pub(super) fn dialled_number(dial_string: &str) -> Option<String> {
    let rest = dial_string.split_once('/').map_or(dial_string, |(_, rest)| rest);
    let before_host = rest.split(['@', ',']).next().unwrap_or(rest);
    let number = before_host.rsplit('/').next().unwrap_or(before_host);
    let looks_dialled = number.chars().any(|c| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'));
    looks_dialled.then(|| number.to_owned())
}

impl Calls {
    /// The far half of a dialled Local channel may be heard dialling before the near half is heard of: links what it dialled.
    fn adopt(&mut self, topology: &Topology, call: Slot, local: Slot) {
        if let Some(other) = topology.other_half(local) {
            self.call_mut(call).attempts.adopt(local, other);
        }
    }

    /// The Local attempt whose other half dials now.
    fn parent_attempt(&self, topology: &Topology, call: Slot, by: Slot) -> Option<usize> {
        let other = topology.other_half(by)?;
        self[call].attempts.iter().position(|a| a.channel == other)
    }
}
