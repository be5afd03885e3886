//! The reading end: the tapes of many calls, as one stream in the order of their events.

use super::{Kind, Taped, USUAL, VERSION};
use crate::ami::event::{Bridge, Channel, Event};
use crate::millis::Millis;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Tapes that are read side by side.
#[derive(Debug, Default)]
pub struct Tapes {
    next: BinaryHeap<Reverse<(u64, usize)>>,
    parts: Vec<Option<(Part, Taped)>>,
    free: Vec<usize>,
    /// The event that was read last: calls that became two have it on the tape of each.
    last: Option<u64>,
    /// Tapes that ended before their time: this program does not know what they say.
    pub unreadable: u64,
}

impl Tapes {
    /// Adds the tape of a call. What comes before events that were read already is read late.
    pub fn add(&mut self, tape: &[u8]) {
        let mut input = Input(tape);
        if input.byte() != Some(VERSION) {
            self.unreadable += 1;
            return;
        }
        while !input.0.is_empty() {
            let part = input.number().and_then(|length| input.take(usize::try_from(length).ok()?));
            let Some(part) = part else {
                self.unreadable += 1;
                return;
            };
            let mut part = Part { bytes: part.into(), from: 0, texts: Vec::new(), channels: Vec::new(), at: 0, n: 0 };
            let first = part.next();
            self.goes_on(part, first);
        }
    }

    fn goes_on(&mut self, part: Part, next: Option<Taped>) {
        let Some(next) = next else {
            self.unreadable += u64::from(part.from < part.bytes.len());
            return;
        };
        let n = next.n;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.parts.push(None);
            self.parts.len() - 1
        });
        self.parts[slot] = Some((part, next));
        self.next.push(Reverse((n, slot)));
    }

    /// When the next event happened.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        let Reverse((_, slot)) = self.next.peek()?;
        self.parts[*slot].as_ref().map(|(_, next)| next.at)
    }
}

impl Iterator for Tapes {
    type Item = Taped;

    fn next(&mut self) -> Option<Taped> {
        loop {
            let Reverse((n, slot)) = self.next.pop()?;
            let (mut part, event) = self.parts[slot].take()?;
            self.free.push(slot);
            let next = part.next();
            self.goes_on(part, next);
            if self.last.replace(n) != Some(n) {
                return Some(event);
            }
        }
    }
}

/// Bytes that are read from their beginning.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[derive(Debug)]
struct Part {
    bytes: Box<[u8]>,
    from: usize,
    texts: Vec<Box<str>>,
    channels: Vec<Channel<'static>>,
    at: Millis,
    n: u64,
}

impl Part {
    /// The next event; `None` at the end, and where it cannot be read: then something is left.
    fn next(&mut self) -> Option<Taped> {
        let bytes = std::mem::take(&mut self.bytes);
        let mut input = Input(&bytes[self.from..]);
        let event = self.event(&mut input);
        if event.is_some() {
            self.from = bytes.len() - input.0.len();
        }
        self.bytes = bytes;
        event.map(|event| Taped { n: self.n, at: self.at, event })
    }

    fn text(&mut self, input: &mut Input<'_>) -> Option<String> {
        let place = usize::try_from(input.number()?).ok()?;
        if let Some(known) = place.checked_sub(1) {
            let own = || self.texts.get(known - USUAL.len()).map(|text| &**text);
            return USUAL.get(known).copied().or_else(own).map(str::to_owned);
        }
        let length = usize::try_from(input.number()?).ok()?;
        let text = std::str::from_utf8(input.take(length)?).ok()?;
        self.texts.push(text.into());
        Some(text.to_owned())
    }

    fn set(channel: &mut Channel<'static>, n: usize, text: String) {
        let field = match n {
            0 => &mut channel.uniqueid,
            1 => &mut channel.linkedid,
            2 => &mut channel.name,
            3 => &mut channel.caller_num,
            4 => &mut channel.caller_name,
            5 => &mut channel.context,
            _ => &mut channel.exten,
        };
        *field = text.into();
    }

    fn channel_if_any(&mut self, input: &mut Input<'_>) -> Option<Option<Channel<'static>>> {
        let state = |input: &mut Input<'_>| u8::try_from(input.number()?).ok();
        match usize::try_from(input.number()?).ok()? {
            0 => Some(None),
            1 => {
                let mut channel = Channel { state: state(input)?, ..Channel::default() };
                for n in 0..7 {
                    Self::set(&mut channel, n, self.text(input)?);
                }
                self.channels.push(channel.clone());
                Some(Some(channel))
            }
            known => {
                let mut channel = self.channels.get(known - 2)?.clone();
                let changed = input.number()?;
                if changed & 1 != 0 {
                    channel.state = state(input)?;
                }
                for n in 1..7 {
                    if changed >> n & 1 != 0 {
                        Self::set(&mut channel, n, self.text(input)?);
                    }
                }
                self.channels[known - 2] = channel.clone();
                Some(Some(channel))
            }
        }
    }

    fn channel(&mut self, input: &mut Input<'_>) -> Option<Channel<'static>> {
        self.channel_if_any(input)?
    }

    fn bridge(&mut self, input: &mut Input<'_>) -> Option<Bridge<'static>> {
        let [uniqueid, kind, technology] = [self.text(input)?, self.text(input)?, self.text(input)?];
        Some(Bridge { uniqueid: uniqueid.into(), kind: kind.into(), technology: technology.into(), channels: 0 })
    }

    fn event(&mut self, input: &mut Input<'_>) -> Option<Event<'static>> {
        let kind = input.byte()?;
        self.n = self.n.wrapping_add(input.number()?);
        let passed = input.number()?;
        self.at = self.at.wrapping_add((passed >> 1).cast_signed() ^ -(passed & 1).cast_signed());
        let small = |input: &mut Input<'_>| u32::try_from(input.number()?).ok();
        let cause = |input: &mut Input<'_>| u16::try_from(input.number()?).ok();
        macro_rules! is {
            ($kind:ident) => {
                kind == Kind::$kind as u8
            };
        }
        macro_rules! text {
            () => {
                self.text(input)?.into()
            };
        }
        macro_rules! channel {
            () => {
                self.channel(input)?
            };
        }
        Some(match kind {
            _ if is!(Newchannel) => Event::Newchannel(channel!()),
            _ if is!(Newstate) => Event::Newstate(channel!()),
            _ if is!(NewCallerid) => Event::NewCallerid(channel!()),
            _ if is!(Hold) => Event::Hold(channel!()),
            _ if is!(Unhold) => Event::Unhold(channel!()),
            _ if is!(HangupRequest) => Event::HangupRequest { channel: channel!(), cause: None },
            _ if is!(BridgeLeave) => Event::BridgeLeave { channel: channel!(), bridge: Bridge::default() },
            _ if is!(ParkedCall) => {
                Event::ParkedCall { parkee: channel!(), parker_dial_string: "".into(), space: "".into() }
            }
            _ if is!(UnParkedCall) => Event::UnParkedCall { parkee: channel!(), retriever: None },
            _ if is!(SoftHangupRequest) => {
                let channel = channel!();
                let cause = input.number()?.checked_sub(1).map(u16::try_from).transpose().ok()?;
                Event::SoftHangupRequest { channel, cause }
            }
            _ if is!(Hangup) => Event::Hangup { channel: channel!(), cause: cause(input)?, language: text!() },
            _ if is!(Newexten) => {
                let channel = channel!();
                Event::Newexten { extension: channel.exten.clone(), channel, application: text!(), data: text!() }
            }
            _ if is!(Rename) => Event::Rename { name: text!(), new_name: text!(), uniqueid: text!() },
            _ if is!(DialBegin) => {
                Event::DialBegin { channel: self.channel_if_any(input)?, dest: channel!(), dial_string: text!() }
            }
            _ if is!(DialState) => {
                Event::DialState { channel: self.channel_if_any(input)?, dest: channel!(), status: text!() }
            }
            _ if is!(DialEnd) => Event::DialEnd {
                channel: self.channel_if_any(input)?,
                dest: channel!(),
                status: text!(),
                forward: text!(),
            },
            _ if is!(LocalBridge) => Event::LocalBridge { one: channel!(), two: channel!() },
            _ if is!(Pickup) => Event::Pickup { channel: channel!(), target: channel!() },
            _ if is!(AgentCalled) => Event::AgentCalled {
                channel: channel!(),
                dest: channel!(),
                queue: text!(),
                interface: text!(),
                member: "".into(),
            },
            _ if is!(AgentConnect) => Event::AgentConnect {
                channel: channel!(),
                dest: channel!(),
                queue: text!(),
                interface: "".into(),
                member: "".into(),
                hold_time_s: 0,
                ring_time_s: 0,
            },
            _ if is!(AgentComplete) => Event::AgentComplete {
                channel: channel!(),
                dest: channel!(),
                queue: text!(),
                interface: text!(),
                member: "".into(),
                reason: "".into(),
                hold_time_s: small(input)?,
                talk_time_s: small(input)?,
            },
            _ if is!(BridgeDestroy) => Event::BridgeDestroy(self.bridge(input)?),
            _ if is!(BridgeEnter) => {
                let channel = channel!();
                Event::BridgeEnter { bridge: self.bridge(input)?, channel, swap: "".into() }
            }
            _ if is!(BridgeMerge) => Event::BridgeMerge { to: self.bridge(input)?, from: self.bridge(input)? },
            _ if is!(BlindTransfer) => Event::BlindTransfer {
                result: text!(),
                transferer: channel!(),
                transferee: self.channel_if_any(input)?,
                context: "".into(),
                exten: "".into(),
            },
            _ if is!(AttendedTransfer) => Event::AttendedTransfer {
                result: text!(),
                orig_transferer: channel!(),
                second_transferer: channel!(),
                transferee: self.channel_if_any(input)?,
                target: self.channel_if_any(input)?,
                dest_type: "".into(),
            },
            _ if is!(QueueCallerJoin) => {
                Event::QueueCallerJoin { channel: channel!(), queue: text!(), position: small(input)? }
            }
            _ if is!(QueueCallerLeave) => Event::QueueCallerLeave { channel: channel!(), queue: text!() },
            _ if is!(QueueCallerAbandon) => {
                Event::QueueCallerAbandon { channel: channel!(), queue: text!(), position: 0, hold_time_s: 0 }
            }
            _ if is!(VarSet) => Event::VarSet { channel: Some(channel!()), variable: text!(), value: text!() },
            _ if is!(UserEvent) => {
                let (channel, name) = (Some(channel!()), text!());
                let mut fields = Vec::new();
                for _ in 0..input.number()? {
                    fields.push((text!(), text!()));
                }
                Event::UserEvent { name, channel, fields }
            }
            _ if is!(OriginateFails) => Event::OriginateResponse {
                success: false,
                reason: cause(input)?,
                channel_name: "".into(),
                uniqueid: text!(),
            },
            _ => return None,
        })
    }
}
