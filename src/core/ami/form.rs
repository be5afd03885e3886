//! The form in which Asterisk writes each event that somebody acts on: which headers must stand there, in which order.
//!
//! Asterisk does not escape a caller's number nor the number that was dialled (`AST_MAX_EXTENSION`, 80 bytes each), line breaks
//! included: what is shorter than that may be a caller's. Every form below is longer, or its id cannot be guessed.

/// A channel's snapshot (`main/manager_channels.c`, `ast_manager_build_channel_state_string_prefix`, branches 16 to 22), each
/// header behind the same prefix (`Dest`, `Transferee`, …). `ChanVariable` lines may follow.
const CHANNEL: &[&[u8]] = &[
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
/// The same in the list (`manager_queues_status`), and the list's other items.
const LISTED_MEMBER: &[&[u8]] =
    &[b"Queue", b"Name", b"Location", b"StateInterface", b"Membership", b"Penalty", b"CallsTaken", b"LastCall"];
const LISTED_QUEUE: &[&[u8]] = &[b"Queue", b"Max", b"Strategy", b"Calls", b"Holdtime"];
const LISTED_CALLER: &[&[u8]] = &[
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
const DEVICE: &[&[u8]] = &[b"Device", b"State"];
const RENAME: &[&[u8]] = &[b"Channel", b"Newname", b"Uniqueid"];
const BOOTED: &[&[u8]] = &[b"Uptime", b"LastReload", b"Status"];

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

/// The form of one kind of frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) head: Head,
    /// Each that begins must be whole.
    runs: &'static [&'static [&'static [u8]]],
    /// So many must be there.
    least: u8,
}

pub(crate) const ANSWER: Form = form(Head::Answer, &[], 0);
const FREE: Form = form(Head::Free, &[], 0);

const fn form(head: Head, runs: &'static [&'static [&'static [u8]]], least: u8) -> Form {
    Form { head, runs, least }
}

/// The form of the event of this name.
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
        // Either channel may be gone by then; a user event may be about none.
        b"AgentComplete" | b"UserEvent" => form(Head::Live, &[CHANNEL], 0),
        b"Rename" => form(Head::Live, &[RENAME], 1),
        b"QueueMemberStatus"
        | b"QueueMemberAdded"
        | b"QueueMemberRemoved"
        | b"QueueMemberPause"
        | b"QueueMemberPaused"
        | b"QueueMemberPenalty"
        | b"QueueMemberRinginuse" => form(Head::Live, &[MEMBER], 1),
        b"DeviceStateChange" => form(Head::Live, &[DEVICE], 1),
        b"OriginateResponse" => form(Head::Live, &[ORIGINATED], 1),
        b"Shutdown" => form(Head::Live, &[], 0),
        b"FullyBooted" => form(Head::Login, &[BOOTED], 0),
        b"CoreShowChannel" => form(Head::Item, &[CHANNEL], 1),
        b"QueueMember" => form(Head::Item, &[LISTED_MEMBER], 1),
        b"QueueParams" => form(Head::Item, &[LISTED_QUEUE], 1),
        b"QueueEntry" => form(Head::Item, &[LISTED_CALLER], 1),
        b"QueueStatusComplete" | b"CoreShowChannelsComplete" => ANSWER,
        _ => FREE,
    }
}

/// Follows the headers of one frame, and says whether they have its form.
#[derive(Debug)]
pub(crate) struct Follow {
    form: Form,
    /// What must come next of the run that has begun.
    rest: &'static [&'static [u8]],
    prefix: usize,
    whole: u8,
    over: bool,
}

impl Follow {
    pub(crate) fn new(form: Form) -> Self {
        Self { form, rest: &[], prefix: 0, whole: 0, over: form.runs.is_empty() }
    }

    /// Takes the next header's name; `false` if it cannot stand there.
    #[inline]
    pub(crate) fn takes(&mut self, key: &[u8]) -> bool {
        if let Some((next, rest)) = self.rest.split_first() {
            if key.len() != self.prefix + next.len() || !key.ends_with(next) {
                return false;
            }
            self.rest = rest;
            self.whole += u8::from(rest.is_empty());
            return true;
        }
        self.over || self.begins(key)
    }

    #[inline]
    fn begins(&mut self, key: &[u8]) -> bool {
        // What a dialplan puts behind it may have any name.
        if key == b"UserEvent" {
            self.over = true;
            return true;
        }
        for run in self.form.runs {
            if key.last() == run[0].last() && key.ends_with(run[0]) {
                (self.rest, self.prefix) = (&run[1..], key.len() - run[0].len());
                return true;
            }
        }
        // The last header of a snapshot whose beginning is not there.
        key.last() != Some(&b'd') || !key.ends_with(b"Linkedid")
    }

    /// The frame is over: whether it had all that it must have.
    pub(crate) fn is_whole(&self) -> bool {
        self.rest.is_empty() && self.whole >= self.form.least
    }
}

/// Whether this event is an item of a list that the tracker is given, and means nothing outside of one.
pub(crate) fn is_item(name: &[u8]) -> bool {
    of_event(name).head == Head::Item
}
