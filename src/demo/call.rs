//! A call, from its first channel to the end of its last.

use super::people::Caller;
use super::truth::Trial;

/// A channel that is up, by its serial.
pub(crate) type Id = u32;

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the menu, or on its way to a queue.
    Arriving,
    /// Waits in a queue.
    Waiting,
    /// Agent and customer talk.
    Talking,
    /// An agent has passed the customer on to a colleague, whose phone rings.
    Transferred,
    /// Hears that nobody is there, or leaves a message.
    Announcement,
    /// A callback rings an agent.
    RingingAgent,
    /// A callback rings its customer.
    RingingCustomer,
}

/// Who asked for a callback, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Connection and `ActionID`.
    pub(crate) by: (u64, String),
    /// `Context` of the action.
    pub(crate) context: String,
    /// Variables without their leading underscores, in the order given.
    pub(crate) variables: Vec<(String, String)>,
    /// Number and name that the agent sees.
    pub(crate) caller_id: (String, String),
}

impl Asked {
    /// The variable's value; empty if there is none.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> &str {
        self.variables.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// A call. The first channel is the customer's, of a callback the agent's.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Serial of the first channel.
    pub(crate) first: Id,
    /// The other one, while there is one.
    pub(crate) second: Option<Id>,
    /// What the call is doing now.
    pub(crate) stage: Stage,
    /// The customer's own wishes; of a callback nobody's.
    pub(crate) caller: Caller,
    /// The Originate that made a callback's call; `None` for others.
    pub(crate) asked: Option<Asked>,
    /// The queue that the caller is in, or was.
    pub(crate) queue: Option<String>,
    /// The agent who rings or talks.
    pub(crate) agent: Option<usize>,
    /// It joined the queue, ms.
    pub(crate) joined_ms: i64,
    /// The phone that rings began to, ms.
    pub(crate) rings_ms: i64,
    /// They talk since then, ms.
    pub(crate) talks_ms: Option<i64>,
    /// The bridge of the two who talk.
    pub(crate) bridge: Option<String>,
    /// The agent is a colleague to whom it was passed on.
    pub(crate) transferred: bool,
    /// The kindest end of the ringing of agents' phones that nobody answered.
    pub(crate) kindest: Option<Trial>,
    /// The customer's phone was rung by a callback, ms.
    pub(crate) dialled_ms: Option<i64>,
}
