//! The writing end: one event after the other, while the call goes on.

use super::{EVENTS_PER_MS, Kind, MAX_TAPE_BYTES, USUAL, VERSION};
use crate::ami::event::{Bridge, Channel, Event};
use crate::millis::Millis;
use crate::model::{CallTape, FinishedCall, Quality, Record};
use crate::tracker::calls::call::Call;
use crate::tracker::table::Slot;
use crate::tracker::{Output, Tracker};
use std::sync::Arc;

/// Applications that mean more than that the dialplan goes on: each of their steps counts.
const TELLING: &[&str] = &["Queue", "Read", "VoiceMail", "Record", "ChanSpy", "ExtenSpy", "Return"];
/// Of these the arguments count too.
const WITH_ARGUMENTS: &[&str] = &["Queue", "Read"];
/// What Asterisk shows as the arguments of a channel's application while it dials it.
const DIALLED: &str = "(Outgoing Line)";

/// What Asterisk said of a call. Calls that became one have a part each.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    own: Option<Box<Part>>,
    absorbed: Vec<Part>,
    over: bool,
}

#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    /// Where each text stands that was written: beginning and length.
    texts: Vec<(u16, u16)>,
    channels: Vec<Known>,
    at: Millis,
    n: u64,
    /// The last event was a step that the next one at the same place takes the place of: what there was before it.
    step: Option<Step>,
}

/// What was written last of a channel: places of its texts.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    state: u8,
    texts: [u32; 7],
    /// A step of the dialplan was written at the place at which it is.
    placed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    channel: usize,
    bytes: usize,
    texts: usize,
    at: Millis,
    n: u64,
}

impl Tape {
    /// What it takes in memory, bytes.
    pub(crate) fn weight(&self) -> usize {
        self.parts()
            .map(|part| size_of::<Part>() + part.bytes.len() + 4 * part.texts.len() + 36 * part.channels.len())
            .sum()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.absorbed.iter().chain(self.own.as_deref())
    }

    /// Nothing more is written, and what was is thrown away.
    pub(crate) fn is_given_up(&mut self) -> bool {
        (self.own, self.absorbed) = (None, Vec::new());
        !std::mem::replace(&mut self.over, true)
    }

    /// Another call is part of this one.
    pub(crate) fn absorb(&mut self, gone: Self) {
        self.absorbed.extend(gone.absorbed);
        self.absorbed.extend(gone.own.map(|part| *part));
        if self.over || gone.over {
            self.is_given_up();
        }
    }

    fn length(&self) -> usize {
        self.parts().map(|part| part.bytes.len()).sum()
    }

    /// The whole as it is stored; `None` where it has been given up.
    pub(crate) fn whole(&self) -> Option<Vec<u8>> {
        if self.over || self.length() == 0 {
            return None;
        }
        let mut whole = Vec::with_capacity(self.length() + 8);
        whole.push(VERSION);
        for part in self.parts() {
            number(&mut whole, part.bytes.len() as u64);
            whole.extend_from_slice(&part.bytes);
        }
        Some(whole)
    }

    /// Takes an event. False if there is no more room.
    fn take(&mut self, event: &Event<'_>, n: u64, at: Millis) -> bool {
        if self.over {
            return true;
        }
        self.own.get_or_insert_default().event(event, n, at);
        self.length() <= MAX_TAPE_BYTES
    }
}

fn number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

impl Part {
    fn number(&mut self, value: impl Into<u64>) {
        number(&mut self.bytes, value.into());
    }

    /// Begins an event.
    fn begins(&mut self, kind: Kind, n: u64, at: Millis) {
        self.bytes.push(kind as u8);
        self.number(n.wrapping_sub(self.n));
        // The clock may run back: an even number is a time ahead.
        let passed = at.wrapping_sub(self.at);
        self.number(((passed << 1) ^ (passed >> 63)).cast_unsigned());
        (self.n, self.at) = (n, at);
    }

    fn place(&self, text: &str) -> Option<usize> {
        let usual = || USUAL.iter().position(|usual| *usual == text);
        let own = |(from, length): &(u16, u16)| {
            let from = usize::from(*from);
            self.bytes[from..from + usize::from(*length)] == *text.as_bytes()
        };
        usual().or_else(|| self.texts.iter().rposition(own).map(|place| place + USUAL.len()))
    }

    /// Writes a text, or where it stands. Returns its place.
    fn text(&mut self, text: &str) -> u32 {
        if let Some(place) = self.place(text) {
            self.number(place as u64 + 1);
            return place as u32;
        }
        self.number(0_u8);
        self.number(text.len() as u64);
        // Beyond the room that a tape has it is given up.
        let (from, length) =
            (self.bytes.len().min(usize::from(u16::MAX)) as u16, text.len().min(usize::from(u16::MAX)) as u16);
        self.bytes.extend_from_slice(text.as_bytes());
        self.texts.push((from, length));
        (self.texts.len() - 1 + USUAL.len()) as u32
    }

    fn all<const N: usize>(&mut self, texts: [&str; N]) {
        for text in texts {
            self.text(text);
        }
    }

    fn is_at(&self, place: u32, text: &str) -> bool {
        let place = place as usize;
        match place.checked_sub(USUAL.len()) {
            None => USUAL[place] == text,
            Some(own) => {
                let (from, length) = self.texts[own];
                self.bytes[usize::from(from)..usize::from(from) + usize::from(length)] == *text.as_bytes()
            }
        }
    }

    fn find(&self, uniqueid: &str) -> Option<usize> {
        self.channels.iter().rposition(|known| self.is_at(known.texts[0], uniqueid))
    }

    /// Writes a channel: what is new of it.
    fn channel(&mut self, seen: &Channel<'_>) -> usize {
        let [uniqueid, others @ ..] = texts(seen);
        if let Some(known) = self.find(uniqueid) {
            self.number(known as u64 + 2);
            let before = self.channels[known];
            let mut changed = u8::from(before.state != seen.state);
            for (bit, text) in others.iter().enumerate() {
                changed |= u8::from(!self.is_at(before.texts[bit + 1], text)) << (bit + 1);
            }
            self.number(changed);
            if changed & 1 != 0 {
                self.number(seen.state);
                self.channels[known].state = seen.state;
            }
            for (bit, text) in others.iter().enumerate() {
                if changed >> (bit + 1) & 1 != 0 {
                    self.channels[known].texts[bit + 1] = self.text(text);
                }
            }
            self.channels[known].placed &= changed & 0b11 << PLACE == 0;
            return known;
        }
        self.number(1_u8);
        self.number(seen.state);
        let mut known = Known { state: seen.state, ..Known::default() };
        for (place, text) in known.texts.iter_mut().zip(texts(seen)) {
            *place = self.text(text);
        }
        self.channels.push(known);
        self.channels.len() - 1
    }

    fn channel_if_any(&mut self, seen: Option<&Channel<'_>>) {
        match seen {
            Some(seen) => drop(self.channel(seen)),
            None => self.number(0_u8),
        }
    }

    fn event(&mut self, event: &Event<'_>, n: u64, at: Millis) {
        if let Event::Newexten { channel, application, data, .. } = event {
            return self.step(channel, application, data, n, at);
        }
        self.step = None;
        match event {
            Event::Newchannel(c) => self.of_channel(Kind::Newchannel, c, n, at),
            Event::Newstate(c) => self.of_channel(Kind::Newstate, c, n, at),
            Event::NewCallerid(c) => self.of_channel(Kind::NewCallerid, c, n, at),
            Event::Hold(c) => self.of_channel(Kind::Hold, c, n, at),
            Event::Unhold(c) => self.of_channel(Kind::Unhold, c, n, at),
            Event::HangupRequest { channel, .. } => self.of_channel(Kind::HangupRequest, channel, n, at),
            Event::BridgeLeave { channel, .. } => self.of_channel(Kind::BridgeLeave, channel, n, at),
            Event::ParkedCall { parkee, .. } => self.of_channel(Kind::ParkedCall, parkee, n, at),
            Event::UnParkedCall { parkee, .. }
            | Event::ParkedCallTimeOut { parkee }
            | Event::ParkedCallGiveUp { parkee } => self.of_channel(Kind::UnParkedCall, parkee, n, at),
            Event::SoftHangupRequest { channel, cause } => {
                self.of_channel(Kind::SoftHangupRequest, channel, n, at);
                self.number(cause.map_or(0, |cause| u64::from(cause) + 1));
            }
            Event::Hangup { channel, cause, language } => {
                self.of_channel(Kind::Hangup, channel, n, at);
                self.number(*cause);
                self.text(language);
            }
            Event::Rename { name, new_name, uniqueid } => {
                self.begins(Kind::Rename, n, at);
                self.all([name, new_name, uniqueid]);
            }
            Event::DialBegin { channel, dest, dial_string } => {
                self.of_two(Kind::DialBegin, (channel.as_ref(), dest), [dial_string], n, at);
            }
            Event::DialState { channel, dest, status } => {
                self.of_two(Kind::DialState, (channel.as_ref(), dest), [status], n, at);
            }
            Event::DialEnd { channel, dest, status, forward } => {
                self.of_two(Kind::DialEnd, (channel.as_ref(), dest), [status, forward], n, at);
            }
            Event::LocalBridge { one, two } => self.of_two(Kind::LocalBridge, (Some(one), two), [], n, at),
            Event::Pickup { channel, target } => self.of_two(Kind::Pickup, (Some(channel), target), [], n, at),
            Event::AgentCalled { channel, dest, queue, interface, .. } => {
                self.of_two(Kind::AgentCalled, (Some(channel), dest), [queue, interface], n, at);
            }
            Event::AgentConnect { channel, dest, queue, .. } => {
                self.of_two(Kind::AgentConnect, (Some(channel), dest), [queue], n, at);
            }
            Event::AgentComplete { channel, dest, queue, interface, hold_time_s, talk_time_s, .. } => {
                self.of_two(Kind::AgentComplete, (Some(channel), dest), [queue, interface], n, at);
                self.number(*hold_time_s);
                self.number(*talk_time_s);
            }
            Event::BridgeDestroy(bridge) => {
                self.begins(Kind::BridgeDestroy, n, at);
                self.bridge(bridge);
            }
            Event::BridgeEnter { bridge, channel, .. } => {
                self.of_channel(Kind::BridgeEnter, channel, n, at);
                self.bridge(bridge);
            }
            Event::BridgeMerge { to, from } => {
                self.begins(Kind::BridgeMerge, n, at);
                self.bridge(to);
                self.bridge(from);
            }
            Event::BlindTransfer { result, transferer, transferee, .. } => {
                self.begins(Kind::BlindTransfer, n, at);
                self.text(result);
                self.channel(transferer);
                self.channel_if_any(transferee.as_ref());
            }
            Event::AttendedTransfer { result, orig_transferer, second_transferer, transferee, target, .. } => {
                self.begins(Kind::AttendedTransfer, n, at);
                self.text(result);
                self.channel(orig_transferer);
                self.channel(second_transferer);
                self.channel_if_any(transferee.as_ref());
                self.channel_if_any(target.as_ref());
            }
            Event::QueueCallerJoin { channel, queue, position } => {
                self.of_channel(Kind::QueueCallerJoin, channel, n, at);
                self.text(queue);
                self.number(*position);
            }
            Event::QueueCallerLeave { channel, queue } => {
                self.of_channel(Kind::QueueCallerLeave, channel, n, at);
                self.text(queue);
            }
            Event::QueueCallerAbandon { channel, queue, .. } => {
                self.of_channel(Kind::QueueCallerAbandon, channel, n, at);
                self.text(queue);
            }
            Event::VarSet { channel: Some(channel), variable, value } => {
                self.of_channel(Kind::VarSet, channel, n, at);
                self.text(variable);
                self.text(value);
            }
            Event::UserEvent { name, channel: Some(channel), fields } => {
                self.of_channel(Kind::UserEvent, channel, n, at);
                self.text(name);
                self.number(fields.len() as u64);
                for (key, value) in fields {
                    self.text(key);
                    self.text(value);
                }
            }
            Event::OriginateResponse { success: false, reason, uniqueid, .. } => {
                self.begins(Kind::OriginateFails, n, at);
                self.number(*reason);
                self.text(uniqueid);
            }
            _ => {}
        }
    }

    fn of_channel(&mut self, kind: Kind, channel: &Channel<'_>, n: u64, at: Millis) {
        self.begins(kind, n, at);
        self.channel(channel);
    }

    fn of_two<const N: usize>(
        &mut self,
        kind: Kind,
        (channel, dest): (Option<&Channel<'_>>, &Channel<'_>),
        said: [&str; N],
        n: u64,
        at: Millis,
    ) {
        self.begins(kind, n, at);
        self.channel_if_any(channel);
        self.channel(dest);
        self.all(said);
    }

    fn bridge(&mut self, bridge: &Bridge<'_>) {
        self.all([&bridge.uniqueid, &bridge.kind, &bridge.technology]);
    }

    /// A step of the dialplan. One between others at the same place decides nothing: the next takes its place.
    fn step(&mut self, seen: &Channel<'_>, application: &str, data: &str, n: u64, at: Millis) {
        let telling = TELLING.iter().any(|telling| application.eq_ignore_ascii_case(telling)) || data == DIALLED;
        let known = self.find(&seen.uniqueid);
        let same = known.is_some_and(|known| {
            let before = &self.channels[known];
            before.placed
                && before.state == seen.state
                && before.texts.iter().zip(texts(seen)).all(|(place, text)| self.is_at(*place, text))
        });
        if let Some(step) = self.step.filter(|step| same && Some(step.channel) == known) {
            self.bytes.truncate(step.bytes);
            self.texts.truncate(step.texts);
            (self.at, self.n) = (step.at, step.n);
        }
        let before = (self.bytes.len(), self.texts.len(), self.at, self.n);
        self.begins(Kind::Newexten, n, at);
        let channel = self.channel(seen);
        self.text(application);
        let kept = data == DIALLED || WITH_ARGUMENTS.iter().any(|with| application.eq_ignore_ascii_case(with));
        self.text(if kept { data } else { "" });
        self.channels[channel].placed = true;
        let (bytes, texts, at, n) = before;
        self.step = (same && !telling).then_some(Step { channel, bytes, texts, at, n });
    }
}

/// The bits of what a channel's place is, from this one on.
const PLACE: u8 = 5;

/// What is kept of a channel beside its state, its uniqueid first, its place last.
fn texts<'c>(seen: &'c Channel<'_>) -> [&'c str; 7] {
    [&seen.uniqueid, &seen.linkedid, &seen.name, &seen.caller_num, &seen.caller_name, &seen.context, &seen.exten]
}

impl Tracker {
    /// The tapes of calls are kept, and recorded with their rows.
    pub fn keeps_tapes(&mut self) {
        self.tapes = Some(0);
    }

    /// The same of events that come from tapes: the next has this number.
    pub fn tapes_from(&mut self, n: u64) {
        self.tapes = Some(n.saturating_sub(1));
    }

    /// The number of an event that has come.
    pub(crate) fn numbers_event(&mut self, at: Millis) {
        if let Some(n) = &mut self.tapes {
            *n = if *n == 0 { at.unsigned_abs().saturating_mul(EVENTS_PER_MS) } else { *n + 1 };
        }
    }

    /// Somebody in the bridge of an event behind which it is empty.
    pub(crate) fn member_before(&self, event: &Event<'_>) -> Option<Slot> {
        let (Event::BridgeDestroy(bridge) | Event::BridgeMerge { from: bridge, .. }) = event else { return None };
        let bridge = self.topology.find_bridge(&bridge.uniqueid).filter(|_| self.tapes.is_some())?;
        self.topology.members(bridge).first().copied()
    }

    /// Writes an event that was taken on the tape of its call, the first of those whose channels it names.
    pub(crate) fn tape(&mut self, event: &Event<'_>, before: Option<Slot>, at: Millis) {
        let Some(n) = self.tapes else { return };
        if matches!(event, Event::CoreShowChannel { .. } | Event::AgentDump { .. } | Event::AgentRingNoAnswer { .. }) {
            return;
        }
        let of = |uniqueid: &str| self.topology.find(uniqueid).map(|slot| self.topology.channel(slot).call);
        let call = match event {
            Event::Rename { uniqueid, .. } | Event::OriginateResponse { success: false, uniqueid, .. } => of(uniqueid),
            Event::BridgeDestroy(_) | Event::BridgeMerge { .. } => {
                before.map(|member| self.topology.channel(member).call)
            }
            event => event.channels().find_map(|channel| of(&channel.uniqueid)),
        };
        let Some(call) = call.filter(|call| self.calls.get(*call).is_some_and(Call::may_be_judged_again)) else {
            return;
        };
        let room = self.calls.has_room_for_tapes();
        let tape = self.calls.tape_mut(call);
        if !(room && tape.take(event, n, at)) && tape.is_given_up() {
            self.counters.tapes_given_up += 1;
        }
    }
}

impl Tracker {
    /// A call's row is recorded: its tape is too, if the call was seen whole.
    pub(crate) fn tape_goes_with(&mut self, call: Slot, row: &FinishedCall) {
        if row.quality == Quality::Full
            && let Some(tape) = self.calls[call].tape.whole()
        {
            let (pbx, linkedid) = (row.pbx.clone(), row.linkedid.clone());
            self.outputs.push_back(Output::Record(Record::Tape(Arc::new(CallTape { pbx, linkedid, tape }))));
        }
    }
}

impl Call {
    /// It was seen whole so far, and will have a row.
    fn may_be_judged_again(&self) -> bool {
        !self.seen.partly() && !self.orphaned
    }
}
