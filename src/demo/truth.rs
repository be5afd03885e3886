//! What really happened, as the PBX knows it: what every program that reads its events is judged by.

/// How a customer's call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The caller gave up in the menu.
    LostInMenu,
    /// The caller gave up in the queue.
    Abandoned,
    /// The queue let the caller go.
    QueueTimeout,
    /// The caller talked with an agent.
    Served,
    /// Nobody was there: the caller heard that the office is closed, or left a message.
    Unattended,
    /// Asterisk was stopped.
    CutOff,
}

/// How the ringing of a phone ended without an answer; the later, the kinder to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trial {
    /// No phone was there.
    Unreachable,
    /// Engaged.
    Busy,
    /// Refused.
    Rejected,
    /// It rang.
    Rang,
}

/// A call that is over. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its `Linkedid`.
    pub linkedid: String,
    /// The customer's number.
    pub number: String,
    /// The attempt of a callback, by its `ChannelId`; `None` for a customer's own call.
    pub attempt: Option<String>,
    /// It began.
    pub from_ms: i64,
    /// It ended.
    pub to_ms: i64,
    /// The queue that the caller was in.
    pub(crate) queue: Option<String>,
    /// The agent who was connected with the customer, as a place in the office.
    pub agent: Option<usize>,
    /// So long did they talk; 0 if they did not.
    pub talk_ms: i64,
    /// The kindest end of the ringing of agents' phones that nobody answered.
    pub kindest: Option<Trial>,
    /// How it ended.
    pub fate: Fate,
    /// The customer's phone was rung by a callback, then.
    pub dialled_ms: Option<i64>,
}
