//! What became of a call: the words that a manager counts, and why.

use super::codes::ASKED;
use super::text_enum;

text_enum! {
    /// Who called whom.
    Direction {
        /// A customer called us.
        Inbound = "inbound",
        /// One of us called a customer.
        Outbound = "outbound",
        /// One extension called another.
        Internal = "internal",
        /// A call that this daemon started.
        Callback = "callback",
    }
}

text_enum! {
    /// What a manager counts.
    #[cfg_attr(feature = "openapi", schemars(rename = "CallStatus"))]
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
        /// It depends on what happened while events were not seen, and nothing proves it.
        Unknown = "UNKNOWN",
    }
}

text_enum! {
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
        /// Every destination rejected the call.
        Rejected = "REJECTED",
        /// The PBX itself cut the call while the caller waited.
        CutOff = "CUT_OFF",
        /// The queue's time ran out.
        QueueTimeout = "QUEUE_TIMEOUT",
        /// The phones' ringing time ran out.
        RingTimeout = "RING_TIMEOUT",
        /// No destination could be reached.
        Unavailable = "UNAVAILABLE",
        /// The network or the PBX had no way (congestion).
        Congestion = "CONGESTION",
        /// The number or extension does not exist.
        Invalid = "INVALID",
        /// Failed for a technical reason.
        Failed = "FAILED",
        /// The PBX ended it without ever ringing anyone.
        NotOffered = "NOT_OFFERED",
        /// It ended while events were not seen, or what was seen does not say whether anyone served the caller.
        Gap = "GAP",
    }
}

/// What an [`Outcome`] means. It stands here and nowhere else: whoever wants to know it asks [`Outcome::meaning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The statuses of its calls; at least one.
    pub statuses: &'static [Status],
    /// Its inbound calls are missed: the view `v_missed` has them.
    pub missed: bool,
    /// Its inbound calls are called back where `callback.on` says nothing.
    pub by_default: bool,
    /// Why its calls are never called back, whatever `callback.on` says; `None` for one that can be in that list.
    pub never: Option<&'static str>,
    /// Which of its inbound calls count as offered to a person.
    pub offered: Offered,
    /// Who served the caller; `None`: nobody.
    pub served: Option<ServedBy>,
    /// How its calls ended was not seen: a person may have talked with the customer, or nobody.
    pub unseen: bool,
    /// Whether Asterisk's CDR have a word for it.
    pub in_cdr: InCdr,
    /// A person talked with the customer, if only for a moment.
    pub person: bool,
    /// A person and the customer can have agreed on a callback: the customer asked for it, or the one who served them promised it.
    pub agreed: bool,
    /// It does not say itself that the caller gave up sooner than `calls.short_abandon`: only their wait tells.
    pub may_be_short: bool,
    /// The code of the tag that the rules set.
    pub tag: Option<&'static str>,
}

/// Whether calls of an outcome count as offered to a person: the service level is of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// They never do: the caller ended it at once or in the menus, was blocked, or wanted no person.
    Never,
    /// Those that came to a queue, rang a person or were answered.
    IfReached,
    /// All: its calls stood at a queue or rang a person, or were refused there.
    Always,
}

/// Who served a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedBy {
    /// A person, to the end.
    Person,
    /// A machine or a menu that was all the caller wanted.
    Machine,
}

/// Whether Asterisk's CDR have a word for an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InCdr {
    /// As far as they have one for the status.
    AsStatus,
    /// They know no blocked callers.
    NotBlocked,
    /// They know no queue that is full.
    NotFull,
}

impl Meaning {
    /// Of a call that nobody took and that is called back by default.
    const fn missed(statuses: &'static [Status], offered: Offered, tag: Option<&'static str>) -> Self {
        Self {
            statuses,
            offered,
            missed: true,
            by_default: true,
            never: None,
            served: None,
            unseen: false,
            in_cdr: InCdr::AsStatus,
            person: false,
            agreed: false,
            may_be_short: false,
            tag,
        }
    }

    /// Of a call that counts as no miss and is not called back by default.
    const fn not_missed(statuses: &'static [Status], offered: Offered, tag: Option<&'static str>) -> Self {
        Self { missed: false, by_default: false, ..Self::missed(statuses, offered, tag) }
    }
}

const ABANDONED: Option<&str> = Some("ABANDONED");
const ALL_WERE_BUSY: Option<&str> = Some("BUSY");
const NO_ANSWER: Option<&str> = Some("NO_ANSWER");

impl Outcome {
    /// What it means. No wildcard: a new outcome does not compile until somebody has said it here.
    #[must_use]
    pub const fn meaning(self) -> Meaning {
        use Offered::{Always, IfReached, Never};
        use Status::{Answer, Busy, Cancel, NoAnswer, NotConnected, OutOfTime, Unknown};
        match self {
            Self::Blocked => Meaning {
                never: Some("the caller is blocked"),
                in_cdr: InCdr::NotBlocked,
                ..Meaning::not_missed(&[NotConnected], Never, None)
            },
            Self::Agent => Meaning {
                never: Some(SERVED),
                served: Some(ServedBy::Person),
                person: true,
                agreed: true,
                ..Meaning::not_missed(&[Answer], IfReached, None)
            },
            Self::Short => Meaning { person: true, ..Meaning::not_missed(&[Answer], IfReached, None) },
            Self::TransferLost => {
                Meaning { person: true, ..Meaning::not_missed(&[Answer], IfReached, Some("DISCONNECTED")) }
            }
            Self::SelfService => Meaning {
                never: Some(SERVED),
                served: Some(ServedBy::Machine),
                ..Meaning::not_missed(&[Answer], Never, None)
            },
            Self::VoicemailLeft => Meaning::missed(&[NoAnswer, OutOfTime], IfReached, Some("VOICEMAIL")),
            Self::Announcement | Self::HungUp => Meaning::missed(&[OutOfTime], Never, None),
            Self::CallbackRequested => Meaning { agreed: true, ..Meaning::missed(&[NoAnswer], IfReached, Some(ASKED)) },
            Self::ShortAbandon => Meaning::not_missed(&[Cancel], Never, ABANDONED),
            Self::QueueAbandon | Self::RingAbandon => Meaning::missed(&[Cancel], Always, ABANDONED),
            Self::IvrLost | Self::EarlyAbandon => {
                Meaning { may_be_short: true, ..Meaning::missed(&[Cancel], Never, ABANDONED) }
            }
            Self::IvrTimeout
            | Self::IvrInvalid
            | Self::Rejected
            | Self::CutOff
            | Self::QueueTimeout
            | Self::RingTimeout
            | Self::NotOffered => Meaning::missed(&[NoAnswer], IfReached, NO_ANSWER),
            Self::QueueEmpty => Meaning::missed(&[NoAnswer], Always, NO_ANSWER),
            Self::QueueFull => Meaning { in_cdr: InCdr::NotFull, ..Meaning::missed(&[Busy], Always, ALL_WERE_BUSY) },
            Self::AllBusy => Meaning::missed(&[Busy], IfReached, ALL_WERE_BUSY),
            Self::Unavailable | Self::Congestion | Self::Failed => Meaning::missed(&[NotConnected], IfReached, None),
            // A number that does not exist is missed, but nobody meant to serve it.
            Self::Invalid => Meaning { by_default: false, ..Meaning::missed(&[NotConnected], IfReached, None) },
            Self::Gap => Meaning {
                never: Some("nothing proves that the caller was not served"),
                unseen: true,
                ..Meaning::not_missed(&[Unknown], Never, None)
            },
        }
    }
}

impl Outcome {
    /// Whether a call with this outcome was offered to a person. `reached`: it came to a queue, rang a person or was answered.
    #[must_use]
    pub const fn was_offered(self, direction: Direction, status: Status, reached: bool) -> bool {
        matches!(direction, Direction::Inbound)
            && status.may_be_offered()
            && match self.meaning().offered {
                Offered::Never => false,
                Offered::IfReached => reached,
                Offered::Always => true,
            }
    }

    /// Those whose inbound calls are missed.
    pub fn missed() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|outcome| outcome.meaning().missed)
    }
}

impl Status {
    /// Outside business hours nobody is offered a call, and of what was not seen nothing is known. A voice message may be of either time.
    const fn may_be_offered(self) -> bool {
        match self {
            Self::OutOfTime | Self::Unknown => false,
            Self::Answer | Self::NoAnswer | Self::Busy | Self::Cancel | Self::NotConnected => true,
        }
    }
}

/// Why those who were served are never called back.
const SERVED: &str = "the caller was served";

text_enum! {
    /// Who ended the call.
    HangupBy {
        /// The customer (for an internal call: the calling extension).
        Customer = "customer",
        /// The person on our side.
        Agent = "agent",
        /// The dialplan, a time-out or an administrator.
        Pbx = "pbx",
        /// Nothing says who.
        Unknown = "unknown",
    }
}

text_enum! {
    /// How much of the call was seen.
    Quality {
        /// From the first event to the last.
        Full = "full",
        /// In part: it was in progress when the link came up, went on while the link was down, or a channel of it ended then.
        Partial = "partial",
        /// It ended while the link was down.
        Gap = "gap",
        /// Completed afterwards from CDR or queue_log.
        Backfilled = "backfilled",
    }
}
