//! What became of a call: the words that a manager counts, and why.

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
