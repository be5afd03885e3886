//! What the dialplan does with a caller: menus, closed and voicemail contexts, applications, variables.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::IvrStep;
use crate::model::number::Number;
use crate::model::{MAX_IVR_STEPS, MAX_VISITS};
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Dialplan, Origin, Read, TrackedLeg, TrackedVisit};
use crate::tracker::calls::registry::Calls;
use crate::tracker::table::Slot;
use crate::tracker::topology::graph::Topology;

/// Results of Queue() for a caller whom it never let in: no `QueueCallerJoin` comes for them (`app_queue.c` `join_queue`).
const REFUSED: &[&str] = &["FULL", "JOINEMPTY", "JOINUNAVAIL"];

/// Applications by which somebody listens to calls of others.
const OBSERVERS: &[&str] = &["ChanSpy", "ExtenSpy"];

/// The context of FreePBX's `blacklist` module.
const BLACKLIST_CHECK: &str = "app-blacklist-check";
/// Longest name of a variable that a dialplan can set (`AST_MAX_EXTENSION`).
const MAX_NAME: usize = 80;
/// Most keys of one choice that are kept.
const MAX_DIGITS: usize = 32;
/// Local channels that lead from one to the next; more are a loop.
const MAX_DEPTH: u8 = 8;

impl Tracker {
    pub(crate) fn dialplan_runs(&mut self, seen: &event::Channel<'_>, application: &str, data: &str, at: Millis) {
        let Some(slot) = self.channel_or_adopt(seen, at) else { return };
        let call = self.topology.channel(slot).call;
        if !self.calls.leads(&self.topology, call, slot) {
            return;
        }
        // Asterisk shows its own doings on dialled channels as applications (`AppDial`, `AppQueue`).
        if data == "(Outgoing Line)" {
            return;
        }
        // What runs in `h`, in hang-up handlers and in hang-up contexts comes after the call and changes nothing of it.
        if &*seen.exten == "h" {
            self.topology.comes_to_h(slot);
        }
        if self.topology.channel(slot).in_h || self.topology.channel(slot).hangs_up_by(at) {
            return;
        }
        let elsewhere = self.calls.call_mut(call).dialplan.is_run_by(slot);
        let moved = self.topology.moves_in_dialplan(slot, &seen.context, &seen.exten) || elsewhere;
        if moved {
            self.calls.call_mut(call).dialplan.leaves_blacklist_check(&seen.context);
        }
        if moved || self.calls[call].dialplan.application.is_none() {
            self.place_changes(call, &seen.context, &seen.exten, at);
        }
        let plan = &mut self.calls.call_mut(call).dialplan;
        // Where the caller's own dialplan goes on behind that of a Local channel, nothing was chosen.
        if !elsewhere {
            plan.leaves_read(&seen.context, &seen.exten);
        }
        plan.is_listed_with(application, data);
        plan.runs((application, data), &seen.context, moved, at);
    }

    /// What a list says that a channel runs, where no event has said it before.
    pub(crate) fn application_listed(&mut self, slot: Slot, application: &str, data: &str) {
        let call = self.topology.channel(slot).call;
        let news = self.calls[call].first == slot && self.calls[call].dialplan.application.is_none();
        if news && !application.is_empty() && self.topology.channel(slot).incoming != Some(false) {
            self.calls.call_mut(call).dialplan.is_listed_with(application, data);
        }
    }

    /// The list names the caller at the place of before the gap: in the same menu, or with the same application. Where it does not,
    /// the new place is noted.
    pub(crate) fn is_where_it_was(
        &mut self,
        slot: Slot,
        (context, exten): (&str, &str),
        (application, data): (&str, &str),
        at: Millis,
    ) -> bool {
        let call = self.topology.channel(slot).call;
        let moved = *self.topology.channel(slot).context != *context;
        let plan = &self.calls[call].dialplan;
        let runs = |(name, with): &(Box<str>, Box<str>)| application.eq_ignore_ascii_case(name) && **with == *data;
        let in_menu =
            plan.purpose.ivr && (*self.topology.channel(slot).exten == *exten || matches!(exten, "s" | "t" | "i"));
        let same = !moved && (in_menu || plan.application.as_ref().is_some_and(runs));
        if moved && !context.is_empty() {
            self.topology.moves_in_dialplan(slot, context, exten);
            self.place_changes(call, context, "", at);
        }
        same
    }

    /// The caller came to another context or extension.
    pub(crate) fn place_changes(&mut self, call: Slot, context: &str, exten: &str, at: Millis) {
        let (purpose, room) = (self.rules.purpose(context), self.calls.have_room());
        let arrives = self.rules.inbound_contexts.fit(context) && self.calls[call].arrives_at(exten);
        let dialled = arrives && !matches!(self.rules.numbering.classify(exten), Number::Internal);
        let call = self.calls.call_mut(call);
        call.dialplan.comes_to(context, purpose);
        if dialled {
            call.dialled_from_outside(exten.to_owned());
        }
        if purpose.ivr {
            self.counters.details_dropped += u64::from(call.menu_step(context, exten, room, at));
        } else if exten == "i" {
            call.dialplan.is_invalid();
        }
    }

    pub(crate) fn variable_set(&mut self, seen: &event::Channel<'_>, variable: &str, value: &str, at: Millis) {
        let Some(slot) = self.find_channel(seen, at) else { return };
        let call = self.topology.channel(slot).call;
        let (leads, room) = (self.calls.leads(&self.topology, call, slot), self.calls.have_room());
        let c = self.calls.call_mut(call);
        match variable {
            "QUEUESTATUS" if !value.is_empty() => {
                self.counters.details_dropped += u64::from(c.queue_status(value, room, at));
            }
            "DIALSTATUS" if leads && !value.is_empty() => c.dialplan.dial_ends(value, at),
            // Record() ends well by a key, by silence, by its time limit, or by the caller's hanging up.
            "VMSTATUS" => c.dialplan.message_ends(value == "SUCCESS"),
            "RECORD_STATUS" if c.dialplan.purpose.voicemail => {
                c.dialplan.message_ends(matches!(value, "DTMF" | "SILENCE" | "TIMEOUT" | "HANGUP"));
            }
            // Read() says ERROR when it begins, and nothing else if that is how it ends.
            "READSTATUS" if leads && value != "ERROR" => {
                self.counters.details_dropped += u64::from(c.read_ends(&seen.context, value, room, at));
            }
            _ if leads && c.dialplan.reads_into(variable) => c.dialplan.is_read(value),
            _ => self.attempt_says(slot, variable, value),
        }
    }
}

/// These are keys of a telephone.
fn is_dialled(keys: &str) -> bool {
    keys.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#' | b'+' | b'A'..=b'D'))
}

impl Calls {
    /// The dialplan that this channel runs decides the caller's fate: it began the call, or it is the far half of a Local channel that a
    /// customer was sent into, and into nothing else beside it.
    pub(super) fn leads(&self, topology: &Topology, call: Slot, slot: Slot) -> bool {
        let c = &self[call];
        let mut slot = slot;
        for _ in 0..MAX_DEPTH {
            if c.first == slot {
                return true;
            }
            let sent_into = |a: &&TrackedLeg| Some(a.channel) == topology.other_half(slot) && a.queue.is_none();
            let Some(leg) = c.attempts.iter().rev().find(sent_into).filter(|_| c.origin == Origin::Trunk) else {
                return false;
            };
            let beside = |a: &TrackedLeg| a.by == leg.by && a.channel != leg.channel && a.ended_ms.is_none();
            let Some(by) = leg.by.filter(|_| !c.attempts.iter().any(beside)) else { return false };
            slot = by;
        }
        false
    }
}

impl Dialplan {
    /// FreePBX's check of its blacklist lets callers go on by Return(); whom it sends anywhere else is blocked.
    fn leaves_blacklist_check(&mut self, context: &str) {
        self.blocked |= self.in_blacklist_check && context != BLACKLIST_CHECK;
    }

    /// This channel runs it now. True if another did before.
    pub(super) fn is_run_by(&mut self, channel: Slot) -> bool {
        self.place.replace(channel).is_some_and(|place| place != channel)
    }

    /// This application is the last that it is known to have run.
    fn is_listed_with(&mut self, application: &str, data: &str) {
        self.application = Some((application.to_ascii_lowercase().into(), data.into()));
        self.observes |= OBSERVERS.iter().any(|name| application.eq_ignore_ascii_case(name));
        if application.eq_ignore_ascii_case("Queue") {
            self.queue = data.split(',').next().map(Into::into);
        }
    }

    /// It runs this application now. `moved`: at another place than the one before.
    fn runs(&mut self, (application, data): (&str, &str), context: &str, moved: bool, at: Millis) {
        let is = |name: &str| application.eq_ignore_ascii_case(name);
        let variable = data.split(',').next().unwrap_or_default();
        let reads = is("Read") && variable.len() <= MAX_NAME;
        self.read = reads.then(|| Read { variable: variable.into(), digits: "".into() });
        if is("VoiceMail") || (self.purpose.voicemail && is("Record")) {
            self.mailbox_ms = Some(at);
        }
        self.in_blacklist_check = context == BLACKLIST_CHECK && !is("Return");
        self.application_ms = at;
        if moved {
            self.moved_ms = at;
        }
    }

    /// Read() puts what the caller presses into this variable.
    fn reads_into(&self, variable: &str) -> bool {
        self.read.as_ref().is_some_and(|read| *read.variable == *variable)
    }

    /// The caller pressed these keys for Read().
    fn is_read(&mut self, digits: &str) {
        if let Some(read) = &mut self.read
            && digits.len() <= MAX_DIGITS
            && is_dialled(digits)
        {
            read.digits = digits.into();
        }
    }

    /// What was pressed for Read() leads somewhere. Labels of the menu itself may be what it says to a wrong choice.
    fn leaves_read(&mut self, context: &str, exten: &str) {
        self.read_in_vain.take_if(|menu| **menu != *context || !exten.is_empty() && is_dialled(exten));
    }

    /// It went to `i` outside menus.
    fn is_invalid(&mut self) {
        self.invalid = true;
    }

    /// Dial ended so.
    fn dial_ends(&mut self, status: &str, at: Millis) {
        if self.dial_status_ms <= at {
            self.dial_status = Some(status.into());
            self.dial_status_ms = at;
        }
    }

    /// What takes messages has ended, with one or without.
    fn message_ends(&mut self, left: bool) {
        self.message |= left;
    }
}

impl Call {
    /// A trunk's call has come to `s`, and the dialplan goes on to this extension: of an inbound context it can be what was dialled, as the
    /// dialplan reads it from a header. What follows a menu is the caller's choice.
    fn arrives_at(&self, exten: &str) -> bool {
        let asks = |(application, _): &(Box<str>, Box<str>)| {
            matches!(&**application, "background" | "waitexten" | "read" | "directory" | "disa")
        };
        let chosen = !self.ivr.is_empty() || self.dialplan.application.as_ref().is_some_and(asks);
        let digits = !exten.is_empty() && exten.bytes().all(|b| b.is_ascii_digit() || b == b'+');
        self.did.is_none() && self.origin == Origin::Trunk && digits && !chosen
    }

    /// What was dialled from outside.
    fn dialled_from_outside(&mut self, exten: String) {
        self.did = Some(exten);
    }

    /// Notes the menu that the caller is in, or what was chosen there. True if there is no room left.
    fn menu_step(&mut self, context: &str, exten: &str, room: bool, at: Millis) -> bool {
        let chosen = match exten {
            "t" | "i" => exten,
            // Labels (`s`, `h`, `hang`) are no choice of the caller's.
            _ if is_dialled(exten) => exten,
            _ => "",
        };
        if !chosen.is_empty() && self.ivr.last().is_some_and(|last| last.context == context && last.digits == chosen) {
            return false; // back from a subroutine
        }
        if let Some(last) = self.ivr.last_mut()
            && last.context == context
            && last.digits.is_empty()
        {
            last.digits.push_str(chosen);
            return false;
        }
        if chosen.is_empty() && exten != "s" {
            return false;
        }
        if self.ivr.len() >= MAX_IVR_STEPS || !room {
            self.dropped += 1;
            return true;
        }
        self.ivr.push(IvrStep { context: context.to_owned(), digits: chosen.to_owned(), at_ms: at });
        false
    }

    /// Read() has ended so: in a menu, what was pressed for it is the caller's choice. True if there is no room left.
    fn read_ends(&mut self, context: &str, status: &str, room: bool, at: Millis) -> bool {
        let Some(read) = self.dialplan.read.take().filter(|_| self.dialplan.purpose.ivr) else { return false };
        let chosen = match (&*read.digits, status) {
            ("", "TIMEOUT") => "t",
            (digits, "TIMEOUT" | "OK" | "INTERRUPTED") => digits,
            _ => "", // the caller is gone, or the line was not answered
        };
        if chosen.is_empty() {
            return false;
        }
        self.dialplan.read_in_vain = (chosen != "t").then(|| context.into());
        self.menu_step(context, chosen, room, at)
    }

    /// Notes how Queue() ended. It says so after the caller left, or instead of letting the caller in. True if there is no room left.
    fn queue_status(&mut self, value: &str, room: bool, at: Millis) -> bool {
        let refused = REFUSED.contains(&value);
        // Heard late, it may come after the caller has joined the next queue.
        let before =
            self.queue_visits.iter().rposition(|s| s.joined_ms < at).or(self.queue_visits.len().checked_sub(1));
        if !refused && let Some(before) = before {
            let queue_visit = &mut self.queue_visits[before];
            if !queue_visit.connected {
                queue_visit.status = Some(value.into());
            }
            return false;
        }
        if refused && (self.queue_visits.len() >= MAX_VISITS || !room) {
            self.dropped += 1;
            return true;
        }
        if refused {
            let queue = self.dialplan.queue.clone().unwrap_or_default();
            let refused =
                TrackedVisit { left_ms: Some(at), status: Some(value.into()), ..TrackedVisit::began(&queue, None, at) };
            self.queue_visits.push(refused);
        }
        false
    }
}
