//! The tape of a call: what Asterisk said of it, in a few hundred bytes, so that the call can be judged again under other rules.
//!
//! The tapes of all calls, merged in the order of their events, are what the tracker took: given to it again, they make the rows that a replay makes.
//! What decides nothing is left out: figures that no rule asks for, and steps of the dialplan between the first and the last at one place.

mod read;
mod write;

use crate::ami::event::Event;
use crate::millis::Millis;
pub use read::Tapes;
pub(crate) use write::Tape;

/// What the tape of one call may have, bytes; a call of which more is said has none, and is counted.
pub const MAX_TAPE_BYTES: usize = 8_192;

/// What is written first: how the rest is to be read.
const VERSION: u8 = 1;

/// Numbers of events are counted on from this many times the first one's time, so that those of a later run of the program come behind.
pub(crate) const EVENTS_PER_MS: u64 = 4_096;

/// An event on a tape.
#[derive(Debug, Clone, PartialEq)]
pub struct Taped {
    /// Its place among all events of its PBX.
    pub n: u64,
    /// When it happened, ms since 1970 UTC.
    pub at: Millis,
    pub event: Event<'static>,
}

/// Texts that come in nearly every call; they are known without being written. A change of the list is another [`VERSION`].
const USUAL: [&str; 40] = [
    "",
    "s",
    "h",
    "i",
    "t",
    "en",
    "ANSWER",
    "NOANSWER",
    "BUSY",
    "CANCEL",
    "CHANUNAVAIL",
    "CONGESTION",
    "RINGING",
    "PROGRESS",
    "PROCEEDING",
    "Success",
    "DIALSTATUS",
    "QUEUESTATUS",
    "VMSTATUS",
    "RECORD_STATUS",
    "READSTATUS",
    "OK",
    "Dial",
    "AppDial",
    "AppDial2",
    "AppQueue",
    "(Outgoing Line)",
    "Queue",
    "Goto",
    "GotoIf",
    "Gosub",
    "GosubIf",
    "Return",
    "Set",
    "NoOp",
    "Hangup",
    "Answer",
    "simple_bridge",
    "basic",
    "TIMEOUT",
];

/// Kinds of events as they are written; a number never means another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Newchannel = 1,
    Newstate = 2,
    NewCallerid = 3,
    Newexten = 4,
    Rename = 5,
    HangupRequest = 6,
    SoftHangupRequest = 7,
    Hangup = 8,
    DialBegin = 9,
    DialState = 10,
    DialEnd = 11,
    BridgeDestroy = 12,
    BridgeEnter = 13,
    BridgeLeave = 14,
    BridgeMerge = 15,
    Hold = 16,
    Unhold = 17,
    LocalBridge = 18,
    BlindTransfer = 19,
    AttendedTransfer = 20,
    Pickup = 21,
    ParkedCall = 22,
    UnParkedCall = 23,
    QueueCallerJoin = 24,
    QueueCallerLeave = 25,
    QueueCallerAbandon = 26,
    AgentCalled = 27,
    AgentConnect = 28,
    AgentComplete = 29,
    VarSet = 30,
    UserEvent = 31,
    OriginateFails = 32,
}
