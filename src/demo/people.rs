//! What people do: the one thing about a call that a PBX does not decide.

/// What somebody does when their phone rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pickup {
    /// Answers after so long, ms.
    Answer(i64),
    /// Lets it ring.
    Ignore,
    /// Refuses after so long, ms.
    Reject(i64),
    /// The line is engaged.
    Busy,
    /// The phone is not registered, or the number does not exist.
    Unreachable,
}

/// A conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Talk {
    /// So long, ms.
    pub ms: i64,
    /// The agent hangs up.
    pub ended_by_agent: bool,
}

/// A customer who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The caller's number as the trunk sends it; empty if withheld.
    pub number: String,
    /// The caller's name; may be empty.
    pub name: String,
    /// The number that the caller dials.
    pub did: String,
    /// The key that the caller presses in a menu, and after how long (ms); without one they hang up there.
    pub key: Option<(char, i64)>,
    /// The caller gives up after so long in the menu without a key, or in the queue, ms.
    pub patience_ms: i64,
}

/// All whom the PBX rings.
pub trait People {
    /// An agent's phone rings; for a callback if `callback`.
    fn agent(&mut self, agent: usize, callback: bool) -> Pickup;
    /// A customer is dialled.
    fn customer(&mut self, number: &str) -> Pickup;
    /// They talk.
    fn talk(&mut self) -> Talk;
    /// The agent passes the customer on to a colleague at the end of it.
    fn transfers(&mut self) -> bool {
        false
    }
}
