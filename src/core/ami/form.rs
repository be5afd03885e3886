//! The form in which Asterisk writes each event that somebody acts on: which headers must stand there, in which order.
//!
//! Asterisk does not escape a caller's number nor the number that was dialled (`AST_MAX_EXTENSION`, 80 bytes each), line breaks
//! included: what is shorter than that may be a caller's. Every form below is longer, or its id cannot be guessed.

use crate::ami::header::colon;
use crate::ami::length::NUMBER;

/// A channel's snapshot (`main/manager_channels.c`, `ast_manager_build_channel_state_string_prefix`, branches 16 to 22), each
/// header behind the same prefix (`Dest`, `Transferee`, …). `ChanVariable` lines may follow.
pub(crate) const CHANNEL: &[&[u8]] = &[
    b"Channel",
    b"ChannelState",
    b"ChannelStateDesc",
    b"CallerIDNum",
    b"CallerIDName",
    b"ConnectedLineNum",
    b"ConnectedLineName",
    b"Language",
    b"AccountCode",
    b"Context",
    b"Exten",
    b"Priority",
    b"Uniqueid",
    b"Linkedid",
];
/// A bridge's snapshot (`main/manager_bridges.c`, `ast_manager_build_bridge_state_string_prefix`).
const BRIDGE: &[&[u8]] =
    &[b"BridgeUniqueid", b"BridgeType", b"BridgeTechnology", b"BridgeCreator", b"BridgeName", b"BridgeNumChannels"];
/// A member of a queue (`apps/app_queue.c`, `queue_member_blob_create`).
const MEMBER: &[&[u8]] =
    &[b"Queue", b"MemberName", b"Interface", b"StateInterface", b"Membership", b"Penalty", b"CallsTaken", b"LastCall"];
/// What stands behind that: between them a later Asterisk has a time or two.
const MEMBER_END: &[&[u8]] = &[b"InCall", b"Status", b"Paused", b"PausedReason", b"Ringinuse"];
/// A caller who waits in one, in the list (`manager_queues_status`), up to the last text of a caller's and what follows it.
pub(crate) const LISTED_CALLER: &[&[u8]] = &[
    b"Queue",
    b"Position",
    b"Channel",
    b"Uniqueid",
    b"CallerIDNum",
    b"CallerIDName",
    b"ConnectedLineNum",
    b"ConnectedLineName",
    b"Wait",
];
/// `main/manager.c`, `fast_originate`.
const ORIGINATED: &[&[u8]] = &[b"Reason", b"Uniqueid", b"CallerIDNum", b"CallerIDName"];
/// What stands in front of that.
const ORIGINATE: [&[u8]; 6] = [b"Response", b"Channel", b"Context", b"Exten", b"Application", b"Data"];
/// The head of an event, behind its name.
const HEAD: [&[u8]; 4] = [b"Privilege", b"Timestamp", b"SystemName", b"ActionID"];
const DEVICE: &[&[u8]] = &[b"Device", b"State"];
/// A talk that a queue sums up when neither caller nor agent is there any more: it names no channel (`app_queue.c`, `send_agent_complete`).
const SUMMED_UP: &[&[u8]] = &[b"Queue", b"Interface", b"MemberName", b"HoldTime", b"TalkTime", b"Reason"];
const RENAME: &[&[u8]] = &[b"Channel", b"Newname", b"Uniqueid"];
/// A variable that belongs to no channel (`main/stasis_channels.c`, `varset_to_ami`).
const GLOBAL: &[&[u8]] = &[b"Channel", b"Uniqueid", b"Variable", b"Value"];

/// What must stand behind an event's first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// `Privilege`, and `Timestamp` behind it if the stream has them.
    Live,
    /// `Privilege`; at a login it comes without a `Timestamp`.
    Login,
    /// Anything: an item of a list, known by its `ActionID`.
    Item,
    /// `ActionID`: a response, or the end of a list.
    Answer,
    /// Anything.
    Free,
}

impl Head {
    /// Known by an id of ours.
    pub(crate) fn is_answer(self) -> bool {
        matches!(self, Self::Answer | Self::Item)
    }
}

/// The form of one kind of frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) head: Head,
    /// Each that begins must be whole.
    runs: &'static [&'static [&'static [u8]]],
    /// So many must be there.
    least: u8,
    /// Nothing follows them but variables of the channel: short as it is, it takes in nothing of another event.
    alone: bool,
}

pub(crate) const ANSWER: Form = form(Head::Answer, &[], 0);
const FREE: Form = form(Head::Free, &[], 0);

const fn form(head: Head, runs: &'static [&'static [&'static [u8]]], least: u8) -> Form {
    Form { head, runs, least, alone: false }
}

const fn alone(head: Head, runs: &'static [&'static [&'static [u8]]], least: u8) -> Form {
    Form { head, runs, least, alone: true }
}

/// The form of the event of this name. One that somebody acts on must stand here: what has no form is believed in whatever form it comes.
pub(crate) fn of_event(name: &[u8]) -> Form {
    match name {
        b"LocalBridge" | b"Pickup" | b"AgentCalled" | b"AgentConnect" | b"AgentDump" | b"AgentRingNoAnswer" => {
            form(Head::Live, &[CHANNEL], 2)
        }
        b"AttendedTransfer" => form(Head::Live, &[CHANNEL], 2),
        b"BridgeEnter" | b"BridgeLeave" => form(Head::Live, &[CHANNEL, BRIDGE], 2),
        b"BridgeCreate" | b"BridgeDestroy" => form(Head::Live, &[BRIDGE], 1),
        b"BridgeMerge" => form(Head::Live, &[BRIDGE], 2),
        b"Newchannel"
        | b"Newstate"
        | b"NewCallerid"
        | b"Newexten"
        | b"Hangup"
        | b"HangupRequest"
        | b"SoftHangupRequest"
        | b"Hold"
        | b"Unhold"
        | b"VarSet"
        | b"DialBegin"
        | b"DialState"
        | b"DialEnd"
        | b"BlindTransfer"
        | b"ParkedCall"
        | b"UnParkedCall"
        | b"ParkedCallTimeOut"
        | b"ParkedCallGiveUp"
        | b"QueueCallerJoin"
        | b"QueueCallerLeave"
        | b"QueueCallerAbandon"
        | b"Join"
        | b"Leave" => form(Head::Live, &[CHANNEL], 1),
        // The agent's may be gone by then; which call it was only the caller's says. Of both gone, see `of_frame`.
        b"AgentComplete" => form(Head::Live, &[CHANNEL], 1),
        // It may be about none.
        b"UserEvent" => form(Head::Live, &[CHANNEL], 0),
        b"Rename" => alone(Head::Live, &[RENAME], 1),
        b"QueueMemberStatus"
        | b"QueueMemberAdded"
        | b"QueueMemberRemoved"
        | b"QueueMemberPause"
        | b"QueueMemberPaused"
        | b"QueueMemberPenalty"
        | b"QueueMemberRinginuse" => form(Head::Live, &[MEMBER, MEMBER_END], 2),
        b"DeviceStateChange" => alone(Head::Live, &[DEVICE], 1),
        b"OriginateResponse" => alone(Head::Live, &[ORIGINATED], 1),
        b"Shutdown" => form(Head::Live, &[], 0),
        // Written in one order by the login and in another when Asterisk has booted; it counts once.
        b"FullyBooted" => form(Head::Login, &[], 0),
        b"CoreShowChannel" => form(Head::Item, &[CHANNEL], 1),
        // Nothing in them is a caller's.
        b"QueueMember" | b"QueueParams" => form(Head::Item, &[], 0),
        b"QueueEntry" => form(Head::Item, &[LISTED_CALLER], 1),
        b"QueueStatusComplete" | b"CoreShowChannelsComplete" => ANSWER,
        _ => FREE,
    }
}

/// The form of this whole frame, an event of this name.
pub(crate) fn of_frame(name: &[u8], frame: &[u8]) -> Form {
    let global = || memchr::memmem::find(frame, b"\nChannel: none\r\nUniqueid: none\r\n").is_some();
    match name {
        b"VarSet" if global() => alone(Head::Live, &[GLOBAL], 1),
        b"AgentComplete" if names_nobody(frame) => alone(Head::Live, &[SUMMED_UP], 1),
        _ => of_event(name),
    }
}

fn names_nobody(frame: &[u8]) -> bool {
    memchr::memmem::find(frame, b"Channel: ").is_none()
}

/// Whether this whole frame sums up a talk of which nobody is there any more: Asterisk has written it, no caller's text stands in it, and it says
/// nothing of any call.
pub(crate) fn sums_up_nobody(frame: &[u8]) -> bool {
    frame.starts_with(b"Event: AgentComplete\r") && names_nobody(frame)
}

/// Whether this whole frame is the one event that somebody acts on and that a number could hold, but for its stamp.
pub(crate) fn is_shortest(frame: &[u8]) -> bool {
    frame.starts_with(b"Event: DeviceStateChange\r")
}

/// Whether this whole frame ends with a text of the dialplan's own, behind which nothing of Asterisk's stands: an application's arguments, what a
/// `UserEvent` brings. What follows them in a list's item (`Duration`, `BridgeId`) has not come.
#[inline]
pub(crate) fn ends_in_text(frame: &[u8]) -> bool {
    match frame.get(7..12) {
        Some(b"Newex") => frame.starts_with(b"Event: Newexten\r") && has_its_tail(frame),
        Some(b"UserE") => frame.starts_with(b"Event: UserEvent\r"),
        Some(b"CoreS") => {
            frame.starts_with(b"Event: CoreShowChannel\r") && memchr::memmem::find(frame, b"\nBridgeId: ").is_none()
        }
        _ => false,
    }
}

/// Whether this whole frame, without a channel's snapshot, is not to be believed where a text of the dialplan's may hold it: a bridge's id nobody can
/// guess, and what is said of a device needs what bears it out.
pub(crate) fn is_in_a_text(frame: &[u8]) -> bool {
    !frame.starts_with(b"Event: Bridge") && !is_shortest(frame)
}

/// Follows the headers of one frame, and says whether they have its form.
#[derive(Debug)]
pub(crate) struct Follow<'a> {
    form: Form,
    /// What must come next of the run that has begun.
    rest: &'static [&'static [u8]],
    /// What stands before the name of each header of the run.
    prefix: &'a [u8],
    whole: u8,
    over: bool,
}

impl<'a> Follow<'a> {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, rest: &[], prefix: &[], whole: 0, over: form.runs.is_empty() }
    }

    /// Takes the next line if it is the header that must come next of the run that has begun, and says where its colon is.
    #[inline]
    pub(crate) fn expects(&mut self, line: &[u8]) -> Option<usize> {
        let (next, rest) = self.rest.split_first()?;
        let behind = line.strip_prefix(self.prefix)?.strip_prefix(*next)?;
        if behind.first() != Some(&b':') {
            return None;
        }
        self.rest = rest;
        self.whole += u8::from(rest.is_empty());
        Some(line.len() - behind.len())
    }

    /// Takes the name of another header; `false` if it cannot stand there.
    #[inline]
    pub(crate) fn takes(&mut self, key: &'a [u8]) -> bool {
        self.rest.is_empty() && (self.over || self.begins(key))
    }

    #[inline]
    fn begins(&mut self, key: &'a [u8]) -> bool {
        // What a dialplan puts behind it may have any name.
        if key == b"UserEvent" && self.form.least == 0 {
            self.over = true;
            return true;
        }
        for run in self.form.runs {
            if key.last() == run[0].last() && key.ends_with(run[0]) {
                (self.rest, self.prefix) = (&run[1..], &key[..key.len() - run[0].len()]);
                return true;
            }
        }
        if self.form.alone {
            // Nothing of another event stands between its head and its run; a recording of a stream without stamps has its own at the end.
            return match self.whole {
                0 => HEAD.contains(&key) || self.form.runs[0] == ORIGINATED && ORIGINATE.contains(&key),
                _ => key.starts_with(b"ChanVariable") || key == b"Timestamp",
            };
        }
        !is_of_snapshot(key)
    }

    /// What follows may be anything.
    #[inline]
    pub(crate) fn is_free(&self) -> bool {
        self.over
    }

    /// The frame is over: whether it had the whole snapshot of a channel that it must have, which is more than any field of a caller holds, and nothing
    /// whose names a dialplan chooses.
    pub(crate) fn is_of_channel(&self) -> bool {
        !self.over && self.whole > 0 && self.form.runs.first() == Some(&CHANNEL) && self.is_whole()
    }

    /// The frame is over: whether it had a run of headers that is more than any field of a caller holds, or names what nobody can guess. What a dialplan
    /// put behind it changes nothing of that.
    pub(crate) fn is_long(&self) -> bool {
        self.whole > 0 && self.is_whole() && self.form.runs[0] != DEVICE
    }

    /// The frame is over: whether it had a run of headers that is more than even a number that chan_sip lets through.
    pub(crate) fn is_longest(&self) -> bool {
        self.is_long() && self.form.runs[0] == CHANNEL
    }

    /// The frame is over: whether it had all that it must have.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_empty() && self.whole >= self.form.least
    }
}

/// A header that stands in a channel's snapshot and nowhere else in a form: outside of one it is part of another event.
#[inline]
fn is_of_snapshot(key: &[u8]) -> bool {
    match key.last() {
        // The one that is swapped out of a bridge, and the bridges of a transfer, are named alone.
        Some(b'd') if key.ends_with(b"Uniqueid") => key != b"SwapUniqueid" && !key.ends_with(b"BridgeUniqueid"),
        Some(b'd') => key.ends_with(b"Linkedid"),
        Some(b'c') => key.ends_with(b"ChannelStateDesc"),
        Some(b'e') => key.ends_with(b"ConnectedLineName"),
        Some(b'm') => key.ends_with(b"ConnectedLineNum"),
        _ => false,
    }
}

/// Of an event that nobody needs and that holds what a caller said or dialled without a channel's snapshot: headers that Asterisk writes behind that. Where
/// one is missing, the event is torn (`main/manager.c`, `cel/cel_manager.c`, `cdr/cdr_manager.c`).
pub(crate) fn own_end(name: &[u8]) -> Option<&'static [&'static [u8]]> {
    match name {
        b"ExtensionStatus" => Some(&[b"\nStatus: "]),
        b"CEL" => Some(&[b"\nUniqueID: ", b"\nLinkedID: "]),
        b"Cdr" => Some(&[b"\nBillableSeconds: ", b"\nUniqueID: "]),
        _ => None,
    }
}

/// All of these stand there.
pub(crate) fn has_own_end(frame: &[u8], headers: &[&[u8]]) -> bool {
    headers.iter().all(|header| memchr::memmem::find(frame, header).is_some())
}

/// An event that has its form has what Asterisk writes behind a number that stands outside of it: the last header of a `Newexten`, behind whose
/// snapshot the number stands once more (`main/manager_channels.c`, `channel_new_exten_cb`).
pub(crate) fn has_its_tail(frame: &[u8]) -> bool {
    !frame.starts_with(b"Event: Newexten\r") || memchr::memmem::find(frame, b"\nAppData: ").is_some()
}

/// The end of every channel's snapshot behind the caller's number, in so many headers of which it is longer, with its line ends, than what a caller can
/// write into one field; beside the front of another event also where chan_sip lets more through.
const END: usize = 6;
const LONG_END: usize = 10;
/// So far before a frame's end a number begins at most that was broken there.
const NUMBER_AT_MOST: usize = 300;

/// How the last channel snapshot of a frame ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As Asterisk ends it, or there is none.
    Whole,
    /// Behind one of the headers that hold what a caller said or dialled: the rest comes as another frame, and what stands between was
    /// written by the caller.
    Open,
    /// Its last headers are there, without those before them: they are the rest of another frame, or a caller supplied them.
    Rest,
}

/// Looks from the end of a frame, at the lines behind and of the last snapshot's end alone: of more of them where a number may hold as much as chan_sip's.
pub(crate) fn end(frame: &[u8], chan_sip: bool) -> End {
    let least = if chan_sip { LONG_END } else { END };
    // How many of the snapshot's last headers stand behind.
    let (mut after, mut looked) = (0, 0);
    let mut lines = Lines { rest: frame };
    while let Some(line) = lines.next() {
        let key = key(line);
        if after > 0 {
            after += 1;
            if !key.ends_with(CHANNEL[CHANNEL.len() - after]) {
                return End::Rest;
            }
            if after == least {
                return End::Whole;
            }
        } else if looked > NUMBER_AT_MOST {
            return End::Whole;
        } else {
            looked += line.len();
            match key.last() {
                Some(b'd') if key.ends_with(b"Linkedid") => after = 1,
                Some(b'n') if key.ends_with(b"Exten") && lines.clone().are_before_exten() => return End::Open,
                Some(b'm') if key.ends_with(b"CallerIDNum") || key.ends_with(b"ConnectedLineNum") => return End::Open,
                _ => {}
            }
        }
    }
    if after > 0 { End::Rest } else { End::Whole }
}

/// What is still to come of the channel's snapshot in which a frame broke off. It counts as come when all its headers were seen, whoever wrote them: with
/// the front of another event they are more than any field of a caller holds, chan_sip's included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest(&'static [&'static [u8]]);

impl Rest {
    /// Of a frame that begins as Asterisk writes it; what a caller wrote into it can stand between.
    pub(crate) fn of(frame: &[u8]) -> Self {
        let mut rest = Self(&[]);
        for line in frame.split_inclusive(|byte| *byte == b'\n') {
            // A header of this name alone begins no snapshot.
            if rest.0.len() + 1 == CHANNEL.len() && !rest.is_next(line) {
                rest = Self(&[]);
            }
            if rest.is_next(line) {
                rest.0 = &rest.0[1..];
            } else if rest.is_over() && key(line).ends_with(CHANNEL[0]) {
                rest.0 = &CHANNEL[1..];
            }
        }
        rest
    }

    /// Looks for more of it in a frame that follows.
    pub(crate) fn look(&mut self, frame: &[u8]) {
        for line in frame.split_inclusive(|byte| *byte == b'\n') {
            if self.is_next(line) {
                self.0 = &self.0[1..];
            }
        }
    }

    pub(crate) fn is_over(self) -> bool {
        self.0.is_empty()
    }

    /// The line is the next header, as Asterisk writes it; some have a value always, and hold no line break.
    fn is_next(self, line: &[u8]) -> bool {
        let (Some(next), key) = (self.0.first(), key(line)) else { return false };
        let filled = matches!(*next, b"CallerIDName" | b"ConnectedLineName" | b"Priority" | b"Uniqueid" | b"Linkedid");
        let behind = &line[key.len()..];
        key.ends_with(next)
            && behind.starts_with(b": ")
            && !(filled && (behind.len() < 5 || !behind.ends_with(b"\r\n")))
    }
}

/// What stands behind every snapshot's extension.
pub(crate) const AFTER_EXTEN: &[u8] = b"\r\nPriority: ";

/// So many bytes behind this frame may still be of the number in its last `Exten`, if that number holds all that the frame has behind it;
/// `None` if it cannot.
pub(crate) fn room(frame: &[u8]) -> Option<usize> {
    let mut behind = b"\r\n".len();
    for line in (Lines { rest: frame }) {
        let key = key(line);
        if key.ends_with(b"Exten") {
            return NUMBER.checked_sub(behind + line.len() - key.len() - b": ".len());
        }
        behind += line.len();
        if behind > NUMBER {
            return None;
        }
    }
    None
}

/// This frame, whose beginning no caller wrote, is about a channel of chan_sip, which does not cut numbers at `AST_MAX_EXTENSION` as PJSIP does: some
/// 220 bytes of one were seen in an event.
pub(crate) fn is_of_chan_sip(frame: &[u8]) -> bool {
    let name = memchr::memmem::find(frame, b"Channel: ").map(|at| &frame[at + b"Channel: ".len()..]);
    name.is_some_and(|name| name.starts_with(b"SIP/"))
}

/// The end of a channel's snapshot stands there, or that of one of the events without one.
pub(crate) fn closes(frame: &[u8]) -> bool {
    let ends: [&[u8]; 4] = [b"Linkedid: ", b"LinkedID: ", b"BillableSeconds: ", b"StatusText: "];
    ends.into_iter().any(|end| memchr::memmem::find(frame, end).is_some())
}

fn key(line: &[u8]) -> &[u8] {
    &line[..colon(line).unwrap_or(0)]
}

/// The lines of a frame, from its end.
#[derive(Clone)]
struct Lines<'a> {
    rest: &'a [u8],
}

impl Lines<'_> {
    /// What comes next stands in front of a snapshot's `Exten`: a `LocalBridge` has another one behind its snapshots.
    fn are_before_exten(mut self) -> bool {
        self.next().is_some_and(|line| key(line).ends_with(b"Context"))
            && self.next().is_some_and(|line| key(line).ends_with(b"AccountCode"))
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let start = memchr::memrchr(b'\n', &self.rest[..self.rest.len() - 1]).map_or(0, |end| end + 1);
        let (rest, line) = self.rest.split_at(start);
        self.rest = rest;
        Some(line)
    }
}

/// Whether this event is an item of a list that the tracker is given, and means nothing outside of one.
pub(crate) fn is_item(name: &[u8]) -> bool {
    of_event(name).head == Head::Item
}
