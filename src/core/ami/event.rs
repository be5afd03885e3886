//! Typed events: what the tracker needs of Asterisk's event stream, borrowed from the frame it came in.
//!
//! Field names follow Asterisk's own headers (`main/manager*.c`, `apps/app_queue.c`, branches 16 to 22).

use crate::millis::Millis;
use std::borrow::Cow;

/// A header's value: borrowed from the frame, or a lossy copy where it is not UTF-8.
pub type Text<'a> = Cow<'a, str>;

/// The prefix-less "channel snapshot" headers that most events carry, or the same with a prefix such as `Dest`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel<'a> {
    /// `Channel`: technology, peer and a serial, for example `PJSIP/101-0000000f`.
    pub name: Text<'a>,
    /// `Uniqueid`: opaque; may carry a systemname prefix or be an id that an Originate chose.
    pub uniqueid: Text<'a>,
    /// `Linkedid`: uniqueid of the first channel of the call as Asterisk sees it now; it can change.
    pub linkedid: Text<'a>,
    /// `ChannelState`: 0 Down, 1 Rsrvd, 2 OffHook, 3 Dialing, 4 Ring, 5 Ringing, 6 Up, 7 Busy (`include/asterisk/channelstate.h`).
    pub state: u8,
    /// `CallerIDNum`; empty for `<unknown>`.
    pub caller_num: Text<'a>,
    /// `CallerIDName`; empty for `<unknown>`.
    pub caller_name: Text<'a>,
    /// `ConnectedLineNum`; empty for `<unknown>`.
    pub connected_num: Text<'a>,
    /// `AccountCode`.
    pub account_code: Text<'a>,
    /// `Context`: where the channel is in the dialplan.
    pub context: Text<'a>,
    /// `Exten`.
    pub exten: Text<'a>,
}

/// The headers that describe a bridge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridge<'a> {
    /// `BridgeUniqueid`.
    pub uniqueid: Text<'a>,
    /// `BridgeType`: `basic`, `base`, `parking`, `agent hold`, …
    pub kind: Text<'a>,
    /// `BridgeTechnology`: `simple_bridge`, `native_rtp`, `softmix`, `holding_bridge`, …
    pub technology: Text<'a>,
    /// `BridgeNumChannels`.
    pub channels: u32,
}

/// One queue member, from `QueueMember` (list), `QueueMemberStatus`, `QueueMemberAdded`, `QueueMemberPause`, …
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member<'a> {
    /// `Queue`.
    pub queue: Text<'a>,
    /// `MemberName` (`Name` in the list).
    pub name: Text<'a>,
    /// `Interface` (`Location` in the list): what the queue dials.
    pub interface: Text<'a>,
    /// `StateInterface`: whose device state decides; may be `hint:900@ext-local`.
    pub state_interface: Text<'a>,
    /// `Penalty`.
    pub penalty: u32,
    /// `Status`: 0 unknown, 1 not in use, 2 in use, 3 busy, 4 invalid, 5 unavailable, 6 ringing, 7 ringing in use, 8 on hold.
    pub status: u8,
    /// `Paused`.
    pub paused: bool,
    /// `PausedReason` (`Reason` in `QueueMemberPause`).
    pub paused_reason: Text<'a>,
    /// `Wrapuptime`, seconds: of the member, 0 when the queue's applies.
    pub wrapup_s: u32,
}

/// What a `QueueMember…` event says about the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberChange {
    /// An item of the `QueueStatus` list.
    Listed,
    /// `QueueMemberStatus`, `QueueMemberPenalty`, `QueueMemberRinginuse`.
    Status,
    /// `QueueMemberAdded`.
    Added,
    /// `QueueMemberRemoved`.
    Removed,
    /// `QueueMemberPause`.
    Pause,
}

/// One event, with the fields that the tracker needs.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the fields are Asterisk's headers, under Asterisk's names
#[allow(clippy::large_enum_variant)] // one at a time on the stack; a box would be the hot path's only allocation
pub enum Event<'a> {
    /// Uptime in whole seconds; absent before branch 16.
    FullyBooted {
        uptime_s: Option<u64>,
    },
    /// Asterisk says that it goes down (`Shutdown`).
    Shutdown {
        restart: bool,
    },

    Newchannel(Channel<'a>),
    Newstate(Channel<'a>),
    NewCallerid(Channel<'a>),
    Newexten {
        channel: Channel<'a>,
        extension: Text<'a>,
        application: Text<'a>,
        data: Text<'a>,
    },
    /// A channel changed its name (masquerade); its `uniqueid` is the same.
    Rename {
        name: Text<'a>,
        new_name: Text<'a>,
        uniqueid: Text<'a>,
    },
    /// The far end of this channel hung up. Cause is absent on branch 16 for some.
    HangupRequest {
        channel: Channel<'a>,
        cause: Option<u16>,
    },
    /// The PBX hangs this channel up.
    SoftHangupRequest {
        channel: Channel<'a>,
        cause: Option<u16>,
    },
    /// The channel is gone. `cause` is Q.850, `language` its `CHANNEL(language)`.
    Hangup {
        channel: Channel<'a>,
        cause: u16,
        language: Text<'a>,
    },

    /// `channel` is absent for an Originate.
    DialBegin {
        channel: Option<Channel<'a>>,
        dest: Channel<'a>,
        dial_string: Text<'a>,
    },
    DialState {
        channel: Option<Channel<'a>>,
        dest: Channel<'a>,
        status: Text<'a>,
    },
    /// `forward`: where the called phone forwarded to, empty if it did not.
    DialEnd {
        channel: Option<Channel<'a>>,
        dest: Channel<'a>,
        status: Text<'a>,
        forward: Text<'a>,
    },

    BridgeCreate(Bridge<'a>),
    BridgeDestroy(Bridge<'a>),
    /// `swap`: uniqueid of the channel whose place this one takes, empty if none.
    BridgeEnter {
        bridge: Bridge<'a>,
        channel: Channel<'a>,
        swap: Text<'a>,
    },
    BridgeLeave {
        bridge: Bridge<'a>,
        channel: Channel<'a>,
    },
    /// All channels of `from` move into `to`.
    BridgeMerge {
        to: Bridge<'a>,
        from: Bridge<'a>,
    },

    Hold(Channel<'a>),
    Unhold(Channel<'a>),
    /// The two halves of a Local channel (`LocalOne…`, `LocalTwo…` headers).
    LocalBridge {
        one: Channel<'a>,
        two: Channel<'a>,
    },

    /// `Result` is `Success`, `Failed`, `Invalid` or `Not Permitted`.
    BlindTransfer {
        result: Text<'a>,
        transferer: Channel<'a>,
        transferee: Option<Channel<'a>>,
        context: Text<'a>,
        exten: Text<'a>,
    },
    /// `dest_type`: `Bridge`, `App`, `Link`, `Threeway` or `Fail`.
    AttendedTransfer {
        result: Text<'a>,
        orig_transferer: Channel<'a>,
        second_transferer: Channel<'a>,
        transferee: Option<Channel<'a>>,
        target: Option<Channel<'a>>,
        dest_type: Text<'a>,
    },
    /// `channel` picked up the call that rang at `target`.
    Pickup {
        channel: Channel<'a>,
        target: Channel<'a>,
    },

    ParkedCall {
        parkee: Channel<'a>,
        parker_dial_string: Text<'a>,
        space: Text<'a>,
    },
    UnParkedCall {
        parkee: Channel<'a>,
        retriever: Option<Channel<'a>>,
    },
    ParkedCallTimeOut {
        parkee: Channel<'a>,
    },
    ParkedCallGiveUp {
        parkee: Channel<'a>,
    },

    QueueCallerJoin {
        channel: Channel<'a>,
        queue: Text<'a>,
        position: u32,
    },
    QueueCallerLeave {
        channel: Channel<'a>,
        queue: Text<'a>,
    },
    /// Not only a hang-up: also on time-out, leave-empty and withdrawal (`app_queue.c` `record_abandoned`).
    QueueCallerAbandon {
        channel: Channel<'a>,
        queue: Text<'a>,
        position: u32,
        hold_time_s: u32,
    },
    AgentCalled {
        channel: Channel<'a>,
        dest: Channel<'a>,
        queue: Text<'a>,
        interface: Text<'a>,
        member: Text<'a>,
    },
    /// `ring_time_s` and `hold_time_s` are seconds.
    AgentConnect {
        channel: Channel<'a>,
        dest: Channel<'a>,
        queue: Text<'a>,
        interface: Text<'a>,
        member: Text<'a>,
        hold_time_s: u32,
        ring_time_s: u32,
    },
    /// `hold_time_s` (of the caller in the queue) and `talk_time_s` are seconds. Whoever is gone by then has no `uniqueid`.
    AgentComplete {
        channel: Channel<'a>,
        dest: Channel<'a>,
        queue: Text<'a>,
        interface: Text<'a>,
        member: Text<'a>,
        reason: Text<'a>,
        hold_time_s: u32,
        talk_time_s: u32,
    },
    AgentDump {
        channel: Channel<'a>,
        dest: Channel<'a>,
        queue: Text<'a>,
        interface: Text<'a>,
        member: Text<'a>,
    },
    /// `ring_time_ms` is milliseconds, unlike `AgentConnect`'s.
    AgentRingNoAnswer {
        channel: Channel<'a>,
        dest: Channel<'a>,
        queue: Text<'a>,
        interface: Text<'a>,
        member: Text<'a>,
        ring_time_ms: u32,
    },

    QueueMember {
        change: MemberChange,
        member: Member<'a>,
    },
    /// A queue of the `QueueStatus` list.
    QueueParams {
        queue: Text<'a>,
        strategy: Text<'a>,
        calls: u32,
    },
    /// A waiting caller of the `QueueStatus` list; `wait_s` in seconds.
    QueueEntry {
        queue: Text<'a>,
        position: u32,
        channel_name: Text<'a>,
        uniqueid: Text<'a>,
        wait_s: u32,
    },

    /// `state`: `NOT_INUSE`, `INUSE`, `BUSY`, `INVALID`, `UNAVAILABLE`, `RINGING`, `RINGINUSE`, `ONHOLD`, `UNKNOWN`.
    /// `doubtful`: it may be a caller's text.
    DeviceStateChange {
        device: Text<'a>,
        state: Text<'a>,
        doubtful: bool,
    },
    /// Only the variables of [`crate::ami::interest`]; `channel` is absent for a global.
    VarSet {
        channel: Option<Channel<'a>>,
        variable: Text<'a>,
        value: Text<'a>,
    },
    /// `fields`: all headers that are not part of the channel snapshot, in order.
    UserEvent {
        name: Text<'a>,
        channel: Option<Channel<'a>>,
        fields: Vec<(Text<'a>, Text<'a>)>,
    },

    /// An item of `CoreShowChannels`: `duration_s` since the channel was made.
    CoreShowChannel {
        channel: Channel<'a>,
        bridge_id: Text<'a>,
        application: Text<'a>,
        data: Text<'a>,
        duration_s: u64,
    },

    OriginateResponse {
        success: bool,
        reason: u16,
        channel_name: Text<'a>,
        uniqueid: Text<'a>,
    },

    /// Any other event, by its name.
    Other(Text<'a>),
}

/// An event with the headers that every event may carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamped<'a> {
    /// `Timestamp:` (needs `timestampevents = yes`), rounded down to milliseconds; `None` where Asterisk sent none.
    pub at: Option<Millis>,
    /// `ActionID`, on events that belong to a list or answer an action; empty otherwise.
    pub action_id: Text<'a>,
    /// How many of its texts were longer than Asterisk can make them and are cut.
    pub texts_cut: u32,
    /// The event, borrowed from its frame.
    pub event: Event<'a>,
}

impl<'a> Event<'a> {
    /// The channels whose snapshots the event carries.
    pub fn channels(&self) -> impl Iterator<Item = &Channel<'a>> {
        let all: [Option<&Channel<'a>>; 4] = match self {
            Self::Newchannel(c) | Self::Newstate(c) | Self::NewCallerid(c) | Self::Hold(c) | Self::Unhold(c) => {
                [Some(c), None, None, None]
            }
            Self::Newexten { channel, .. }
            | Self::HangupRequest { channel, .. }
            | Self::SoftHangupRequest { channel, .. }
            | Self::Hangup { channel, .. }
            | Self::BridgeEnter { channel, .. }
            | Self::BridgeLeave { channel, .. }
            | Self::QueueCallerJoin { channel, .. }
            | Self::QueueCallerLeave { channel, .. }
            | Self::QueueCallerAbandon { channel, .. }
            | Self::CoreShowChannel { channel, .. } => [Some(channel), None, None, None],
            Self::DialBegin { channel, dest, .. }
            | Self::DialState { channel, dest, .. }
            | Self::DialEnd { channel, dest, .. } => [channel.as_ref(), Some(dest), None, None],
            Self::AgentCalled { channel, dest, .. }
            | Self::AgentConnect { channel, dest, .. }
            | Self::AgentComplete { channel, dest, .. }
            | Self::AgentDump { channel, dest, .. }
            | Self::AgentRingNoAnswer { channel, dest, .. }
            | Self::LocalBridge { one: channel, two: dest }
            | Self::Pickup { channel, target: dest } => [Some(channel), Some(dest), None, None],
            Self::VarSet { channel, .. } | Self::UserEvent { channel, .. } => [channel.as_ref(), None, None, None],
            Self::BlindTransfer { transferer, transferee, .. } => [Some(transferer), transferee.as_ref(), None, None],
            Self::AttendedTransfer { orig_transferer, second_transferer, transferee, target, .. } => {
                [Some(orig_transferer), Some(second_transferer), transferee.as_ref(), target.as_ref()]
            }
            Self::ParkedCall { parkee, .. }
            | Self::ParkedCallTimeOut { parkee }
            | Self::ParkedCallGiveUp { parkee } => [Some(parkee), None, None, None],
            Self::UnParkedCall { parkee, retriever } => [Some(parkee), retriever.as_ref(), None, None],
            Self::FullyBooted { .. }
            | Self::Shutdown { .. }
            | Self::Rename { .. }
            | Self::BridgeCreate(_)
            | Self::BridgeDestroy(_)
            | Self::BridgeMerge { .. }
            | Self::QueueMember { .. }
            | Self::QueueParams { .. }
            | Self::QueueEntry { .. }
            | Self::DeviceStateChange { .. }
            | Self::OriginateResponse { .. }
            | Self::Other(_) => [None; 4],
        };
        all.into_iter().flatten()
    }
}
