//! What the engine hands to the store: finished calls and gaps, owned, ready to be written as rows.

use super::callback::row::{AttemptRow, CallbackChange, DoNotCall};
use crate::ami::event::Millis;
use serde::Serialize;
use std::fmt;

/// Declares an enum whose text form is what the tables, `--json` and the filters use.
macro_rules! words {
    ($(#[$m:meta])* $name:ident { $($(#[$vm:meta])* $v:ident = $s:literal),+ $(,)? }) => {
        $(#[$m])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vm])* $v),+ }
        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[$name] = &[$($name::$v),+];
            /// The text that the tables hold.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $($name::$v => $s),+ } }
            /// The value whose text this is, compared without regard to ASCII case.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|v| v.as_str().eq_ignore_ascii_case(text)) }
        }
        impl fmt::Display for $name { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) } }
        impl Serialize for $name { fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) } }
    };
}

pub(super) use words;

words! {
    /// Who called whom.
    Direction {
        /// A customer called us.
        Inbound = "inbound",
        /// One of us called a customer.
        Outbound = "outbound",
        /// Extension to extension.
        Internal = "internal",
        /// A call that this daemon started.
        Callback = "callback",
    }
}

words! {
    /// What a manager counts.
    Status {
        /// Bridged with a person at least once.
        Answer = "ANSWER",
        /// Nobody took it, the PBX or a time-out ended it.
        NoAnswer = "NOANSWER",
        /// Everyone was busy, or the queue was full.
        Busy = "BUSY",
        /// The caller gave up.
        Cancel = "CANCEL",
        /// It came outside business hours.
        OutOfTime = "OUT_OF_TIME",
        /// Blocked, unreachable or failed before anyone could be rung.
        NotConnected = "NOT_CONNECTED",
        /// What happened out of sight decides, and nothing proves it.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// Why a call has its status.
    Outcome {
        /// Blocked number or context.
        Blocked = "BLOCKED",
        /// A person talked with the customer.
        Agent = "AGENT",
        /// Answered, but shorter than `calls.min_talk`.
        Short = "SHORT",
        /// Answered, then transferred to where nobody took it.
        TransferLost = "TRANSFER_LOST",
        /// Ended in a self-service context.
        SelfService = "SELF_SERVICE",
        /// A message was left.
        VoicemailLeft = "VOICEMAIL_LEFT",
        /// Heard the closed announcement to its end.
        Announcement = "ANNOUNCEMENT",
        /// Hung up during the closed announcement.
        HungUp = "HUNG_UP",
        /// Asked to be called back.
        CallbackRequested = "CALLBACK_REQUESTED",
        /// Gave up sooner than `calls.short_abandon`.
        ShortAbandon = "SHORT_ABANDON",
        /// Gave up in a queue.
        QueueAbandon = "QUEUE_ABANDON",
        /// Gave up while phones rang.
        RingAbandon = "RING_ABANDON",
        /// Gave up in an IVR menu.
        IvrLost = "IVR_LOST",
        /// Gave up before anyone was rung.
        EarlyAbandon = "EARLY_ABANDON",
        /// Chose nothing in the IVR.
        IvrTimeout = "IVR_TIMEOUT",
        /// Chose something that the IVR does not offer.
        IvrInvalid = "IVR_INVALID",
        /// Nobody serves the queue.
        QueueEmpty = "QUEUE_EMPTY",
        /// The queue was full.
        QueueFull = "QUEUE_FULL",
        /// Every destination was busy.
        AllBusy = "ALL_BUSY",
        /// Every destination rejected.
        Rejected = "REJECTED",
        /// The queue's time ran out.
        QueueTimeout = "QUEUE_TIMEOUT",
        /// The phones' ringing time ran out.
        RingTimeout = "RING_TIMEOUT",
        /// No destination could be reached.
        Unavailable = "UNAVAILABLE",
        /// Congestion.
        Congestion = "CONGESTION",
        /// No such destination.
        Invalid = "INVALID",
        /// Failed for a technical reason.
        Failed = "FAILED",
        /// The PBX ended it without ever ringing anyone.
        NotOffered = "NOT_OFFERED",
        /// It ended while nobody watched, or what was seen of it does not tell whether anyone served him.
        Gap = "GAP",
    }
}

words! {
    /// How one ring attempt ended.
    LegResult {
        /// Talked.
        Answered = "ANSWERED",
        /// Rang out.
        NoAnswer = "NOANSWER",
        /// Busy or do not disturb.
        Busy = "BUSY",
        /// The person pressed reject.
        Rejected = "REJECTED",
        /// Not registered, or unreachable.
        Unavailable = "UNAVAILABLE",
        /// Congestion.
        Congestion = "CONGESTION",
        /// Another leg answered first.
        Elsewhere = "ELSEWHERE",
        /// The caller left first.
        Cancelled = "CANCELLED",
        /// Answered a moment after another leg.
        LostRace = "LOST_RACE",
        /// Answered and hung up before the caller was connected.
        Dumped = "DUMPED",
        /// It ended while the connection was down, or may have been answered then.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// How one stay in a queue ended.
    VisitResult {
        /// An agent was connected.
        Connected = "CONNECTED",
        /// The caller hung up while waiting.
        Abandoned = "ABANDONED",
        /// The queue's time ran out.
        Timeout = "TIMEOUT",
        /// Left by a key.
        Key = "KEY",
        /// Refused at the door: nobody serves it.
        JoinEmpty = "JOINEMPTY",
        /// Refused at the door: nobody is available.
        JoinUnavail = "JOINUNAVAIL",
        /// Sent away: nobody serves it any more.
        LeaveEmpty = "LEAVEEMPTY",
        /// Sent away: nobody is available any more.
        LeaveUnavail = "LEAVEUNAVAIL",
        /// Refused at the door: full.
        Full = "FULL",
        /// Sent on by option `c` or a rule of the dialplan.
        Continue = "CONTINUE",
        /// Taken out by `QueueWithdrawCaller`.
        Withdraw = "WITHDRAW",
        /// Transferred or redirected out while waiting.
        Transferred = "TRANSFERRED",
        /// It ended unseen, or an agent may have taken the caller out of sight.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// Who ended the call.
    HangupBy {
        /// The customer (for an internal call: the calling extension).
        Customer = "customer",
        /// The person on our side.
        Agent = "agent",
        /// The dialplan, a time-out or an administrator.
        Pbx = "pbx",
        /// Nothing tells.
        Unknown = "unknown",
    }
}

words! {
    /// How much of the call was seen.
    Quality {
        /// From the first event to the last.
        Full = "full",
        /// In part: it was in progress when the link came up, lived while the link was down, or a channel of it ended then.
        Partial = "partial",
        /// It ended while the link was down.
        Gap = "gap",
        /// Told afterwards by CDR or queue_log.
        Backfilled = "backfilled",
    }
}

/// One row of `calls` with its children. Times are milliseconds since 1970 UTC, durations milliseconds, never negative.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FinishedCall {
    /// Name of the PBX in the configuration.
    pub pbx: String,
    /// Linkedid under which the call began; unique with `pbx`.
    pub linkedid: String,
    /// Who called whom.
    pub direction: Direction,
    /// What a manager counts.
    pub status: Status,
    /// Why.
    pub outcome: Outcome,
    /// The other party's number as received or dialled; `None` if withheld or absent.
    pub number: Option<String>,
    /// The number in E.164, if it can be called.
    pub number_e164: Option<String>,
    /// The other party's name, as the network told it.
    pub name: Option<String>,
    /// The number that the customer dialled, or for outbound calls the caller id that we showed.
    pub did: Option<String>,
    /// The trunk, as technology and peer (`PJSIP/trunk`).
    pub trunk: Option<String>,
    /// The last queue that the caller was in (or the one that connected him).
    pub queue: Option<String>,
    /// The first person who talked with the customer, as interface (`PJSIP/101`).
    pub agent: Option<String>,
    /// First event of the call.
    pub started_ms: Millis,
    /// First bridge with a person.
    pub answered_ms: Option<Millis>,
    /// The customer's last channel ended.
    pub ended_ms: Millis,
    /// From start to the first bridge with a person, or to the end.
    pub wait_ms: Millis,
    /// Sum of the stays in queues.
    pub queue_wait_ms: Millis,
    /// Time in which at least one person's phone rang.
    pub ring_ms: Millis,
    /// Time in which the customer shared a bridge with a person.
    pub talk_ms: Millis,
    /// Time on hold or parked after having been answered.
    pub hold_ms: Millis,
    /// Who ended it.
    pub hangup_by: HangupBy,
    /// Q.850 cause of the customer's channel; proves nothing by itself.
    pub hangup_cause: Option<u16>,
    /// Number of transfers.
    pub transfers: u32,
    /// A message was left.
    pub voicemail: bool,
    /// How much of it was seen.
    pub quality: Quality,
    /// The facts that decided the status, in plain words, in the order in which they count.
    pub why: Vec<String>,
    /// The callback that this call belongs to.
    pub callback_id: Option<i64>,
    /// Ring attempts, in order.
    pub legs: Vec<Leg>,
    /// Stays in queues, in order.
    pub visits: Vec<QueueVisit>,
    /// Menus and keys, in order.
    pub ivr: Vec<IvrStep>,
    /// Dispositions, set by rule and by the dialplan.
    pub tags: Vec<Tag>,
    /// Ratings by the customer.
    pub ratings: Vec<Rating>,
}

impl FinishedCall {
    /// Its end was not seen, or what was seen does not tell enough: Asterisk's own records may say more.
    #[must_use]
    pub fn wants_proof(&self) -> bool {
        self.outcome == Outcome::Gap || matches!(self.quality, Quality::Gap | Quality::Partial)
    }
}

/// A disposition of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tag {
    /// One of the codes of the table `codes`, or a new one.
    pub code: String,
    /// Free text.
    pub note: String,
    /// Who set it: `rule`, `dialplan`, or whom the dialplan names.
    pub by: String,
    /// When.
    pub at_ms: Millis,
}

/// A customer's rating of a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rating {
    /// As the dialplan's survey counts.
    pub score: f64,
    /// What was rated, or by which survey; empty if there is only one.
    pub by: String,
    /// When.
    pub at_ms: Millis,
}

/// One ring attempt at a person's phone or at an off-net destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leg {
    /// The person, as interface of the technology channel (`PJSIP/105`).
    pub agent: String,
    /// What was dialled, as the queue or Dial names it (`Local/105@from-queue/n`).
    pub interface: String,
    /// The queue that rang it.
    pub queue: Option<String>,
    /// It began to be dialled.
    pub started_ms: Millis,
    /// It answered.
    pub answered_ms: Option<Millis>,
    /// It ended (an answered one: the person left).
    pub ended_ms: Millis,
    /// Time on the line with the customer.
    pub talk_ms: Millis,
    /// How.
    pub result: LegResult,
}

/// One stay in a queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueVisit {
    /// Queue name.
    pub queue: String,
    /// Entered.
    pub joined_ms: Millis,
    /// Left.
    pub left_ms: Millis,
    /// Position at entering; `None` if refused at the door.
    pub position: Option<u32>,
    /// How it ended.
    pub result: VisitResult,
}

/// One menu that the caller was in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IvrStep {
    /// Dialplan context of the menu.
    pub context: String,
    /// What he chose there; empty if nothing, `t` for a time-out, `i` for an invalid choice.
    pub digits: String,
    /// He entered it.
    pub at_ms: Millis,
}

/// A customer's call that has begun and is not over, as far as a later run must know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallInProgress {
    /// Name of the PBX.
    pub pbx: String,
    /// `Linkedid`: its row will have the same.
    pub linkedid: String,
    /// The customer's number as received; `None` if withheld.
    pub number: Option<String>,
    /// The same in E.164; `None` if it cannot be called.
    pub number_e164: Option<String>,
    /// The customer's name.
    pub name: Option<String>,
    /// What he dialled.
    pub did: Option<String>,
    /// The trunk (`PJSIP/provider`).
    pub trunk: Option<String>,
    /// The queue in which he waits, or was last.
    pub queue: Option<String>,
    /// Our side's person: the first who talked with him.
    pub agent: Option<String>,
    /// First event.
    pub started_ms: Millis,
    /// He joined that queue.
    pub joined_ms: Option<Millis>,
    /// First bridge with a person.
    pub answered_ms: Option<Millis>,
}

words! {
    /// Why events were not seen.
    GapCause {
        /// The daemon was not running.
        DaemonDown = "daemon_down",
        /// The AMI connection was lost, Asterisk ran on.
        LinkLost = "link_lost",
        /// Asterisk itself restarted.
        PbxRestart = "pbx_restart",
        /// More events came than could be taken.
        Overload = "overload",
    }
}

/// A time in which events were not seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// Name of the PBX.
    pub pbx: String,
    /// The last moment known to be seen.
    pub from_ms: Millis,
    /// The first moment seen again.
    pub to_ms: Millis,
    /// Why.
    pub cause: GapCause,
    /// Calls that were in progress and whose end was not seen.
    pub calls_lost: u32,
}

words! {
    /// What an agent does.
    Activity {
        /// In at least one queue, with a phone that can be reached.
        LoggedIn = "logged_in",
        /// Paused in a queue.
        Paused = "paused",
        /// His phone rings.
        Ringing = "ringing",
        /// Connected with somebody: a customer, a colleague, anyone.
        Talking = "talking",
        /// After-call work.
        WrapUp = "wrapup",
    }
}

/// A time in which an agent did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Name of the PBX.
    pub pbx: String,
    /// The person, as interface (`PJSIP/101`).
    pub agent: String,
    /// What he did.
    pub activity: Activity,
    /// The queue in which he was paused; empty for the rest.
    pub queue: String,
    /// Why he was paused; empty for the rest.
    pub reason: String,
    /// Began.
    pub from_ms: Millis,
    /// Ended; `None` while it lasts.
    pub to_ms: Option<Millis>,
}

/// One thing to be stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    /// Insert, or replace by (`pbx`, `linkedid`).
    Call(Box<FinishedCall>),
    /// Insert, or replace by (`pbx`, `linkedid`), until a [`Record::Call`] of the same comes.
    InProgress(Box<CallInProgress>),
    /// Delete: it has gone into another call, or ended without a row.
    NotInProgress {
        /// Name of the PBX.
        pbx: String,
        /// `Linkedid`.
        linkedid: String,
    },
    /// Insert.
    Gap(Gap),
    /// Insert, or replace by (`pbx`, `agent`): a person and his name.
    Agent {
        /// Name of the PBX.
        pbx: String,
        /// The person, as interface (`PJSIP/101`).
        agent: String,
        /// As the queues name him.
        name: String,
    },
    /// Insert, or replace by all but `to_ms` and `reason`.
    Interval(Interval),
    /// Replace by `pbx`: its events have been seen up to this moment.
    Seen {
        /// Name of the PBX.
        pbx: String,
        /// Milliseconds since 1970 UTC.
        seen_ms: Millis,
    },
    /// Insert, or replace by `id`; and what the change means to the rows of calls.
    Callback(Box<CallbackChange>),
    /// Insert, or replace by (`callback_id`, `n`).
    Attempt(Box<AttemptRow>),
    /// Insert, or replace by `number_e164`.
    Forbid(DoNotCall),
    /// Delete by number in E.164.
    Permit(String),
}
