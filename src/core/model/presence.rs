//! Presence: which agents are free, which queues have callers waiting, which attempts are up; as the trackers know it now.

use super::text_enum;
use crate::millis::Millis;
use std::borrow::Cow;

/// Why an agent cannot be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Busy {
    /// In no queue, or the agent's phone cannot be reached.
    LoggedOut,
    /// The agent has a channel, whatever it does.
    OnCall,
    /// The agent's device reports in use, ringing, busy or on hold.
    DeviceInUse,
    /// The state of the agent's device is unknown (0).
    DeviceUnknown,
    /// After-call work until this moment.
    WrapUp {
        /// Milliseconds of the monotonic clock.
        until_mono_ms: u64,
    },
}

impl Busy {
    /// For people: `callbackd agents`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged out",
            Self::OnCall => "on a call",
            Self::DeviceInUse => "phone in use",
            Self::DeviceUnknown => "phone state unknown",
            Self::WrapUp { .. } => "wrap-up",
        }
    }
}

text_enum! {
    /// Where a call in progress is: exactly one of these.
    Phase {
        /// In the dialplan: a menu, an announcement, a mailbox.
        Ivr = "ivr",
        /// Its caller waits in a queue, whoever is rung for them.
        Waiting = "waiting",
        /// A phone or a trunk is rung.
        Ringing = "ringing",
        /// Two people are connected.
        Talking = "talking",
    }
}

text_enum! {
    /// What an agent, or a member of a queue, does: exactly one of these.
    Standing {
        /// Could take a call.
        Free = "free",
        /// The phone rings.
        Ringing = "ringing",
        /// On a call, or the phone reports that it is in use.
        Busy = "busy",
        /// After-call work.
        WrapUp = "wrapup",
        /// Paused.
        Paused = "paused",
        /// In no queue, or the phone cannot be reached.
        LoggedOut = "logged_out",
        /// The state of the phone is not known.
        Unknown = "unknown",
    }
}

impl Standing {
    /// Of an agent who does this, whose phone `rings` or not; but for pauses, which each queue has its own word on.
    #[must_use]
    pub const fn of(busy: Option<Busy>, rings: bool) -> Self {
        match busy {
            None => Self::Free,
            Some(Busy::OnCall | Busy::DeviceInUse) if rings => Self::Ringing,
            Some(Busy::OnCall | Busy::DeviceInUse) => Self::Busy,
            Some(Busy::WrapUp { .. }) => Self::WrapUp,
            Some(Busy::LoggedOut) => Self::LoggedOut,
            Some(Busy::DeviceUnknown) => Self::Unknown,
        }
    }
}

/// One agent's state at this moment; its texts are those of whoever knows the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView<'a> {
    /// The person, as in `agents.agent`: `PJSIP/101`.
    pub agent: Cow<'a, str>,
    /// The agent's name, as the queues give it.
    pub name: Option<Cow<'a, str>>,
    /// The agent's queues, with the membership in each.
    pub queues: Vec<MemberView<'a>>,
    /// `None` if nothing but a pause could be in the way: pauses are in [`AgentView::queues`].
    pub busy: Option<Busy>,
    /// Of the agent's channels at least one is being rung, and none is connected with anybody.
    pub rings: bool,
    /// Since when the agent is free or busy, milliseconds since 1970 UTC.
    pub since_ms: Millis,
    /// End of the agent's last conversation, also of an earlier run; `None` if none was seen.
    pub last_talk_ms: Option<Millis>,
    /// Conversations seen since the midnight before the daemon started.
    pub calls: u32,
}

/// One queue's word on an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView<'a> {
    /// The queue's name.
    pub queue: Cow<'a, str>,
    /// As the queue dials the member: `Local/101@from-queue/n`.
    pub interface: Cow<'a, str>,
    /// Whether the member is paused in this queue.
    pub paused: bool,
    /// The reason of the pause; empty if none was given.
    pub paused_reason: Cow<'a, str>,
    /// Lower is asked first.
    pub penalty: u32,
}

/// What the scheduler asks the tracker of one PBX, at the moment at which it decides.
pub trait Presence {
    /// All agents that are known.
    fn agents(&self) -> Vec<AgentView<'_>>;
    /// One of the agents, by interface; `None` if the tracker does not know it.
    fn agent(&self, agent: &str) -> Option<AgentView<'_>>;
    /// All queues that are known, also those without members.
    fn queues(&self) -> std::collections::BTreeSet<String>;
    /// Callers who wait in each queue, by its name; queues without any may be missing.
    fn waiting(&self) -> std::collections::BTreeMap<String, u32>;
    /// The call of this attempt (`cb-…`) is up, or its end is about to be reported.
    fn attempt_lives(&self, channel_id: &str) -> bool;
    /// In sync: linked, and the lists have come.
    fn in_sync(&self) -> bool;
}
