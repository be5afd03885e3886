//! What came of a disposition that was set on a call: its callback, or why there is none.

use crate::model::{CallbackRow, DoNotCall, Tag};

/// The answer to a disposition that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// What is said of the call now.
    pub tag: Tag,
    /// The callback that it asks for; `None` if it asks for none.
    pub request: Option<Requested>,
    /// The entry that it, or another one, keeps in the list of those not to be called; `None` if it is not one that does so.
    pub do_not_call: Option<DoNotCall>,
}

/// What became of a request for a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requested {
    /// The callback that it asks for, alone or with others.
    By(Box<CallbackRow>),
    /// An attempt at the customer's open callback, which is this one, goes on: it is asked for when that is over.
    AfterAttempt(Box<CallbackRow>),
    /// None is made.
    Not(NotRequested),
}

/// Why a disposition that asks for a callback made none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRequested {
    /// Withheld, an extension, or no number at all.
    #[error("the call has no number that can be called")]
    NoNumber,
    /// `callback.enabled` of the PBX or the queue.
    #[error("callbacks are off for its PBX or queue (callback.enabled)")]
    Off,
    /// Its number is on the list.
    #[error("the number is on the do-not-call list")]
    DoNotCall,
    /// By `[numbers]`.
    #[error("{0}")]
    Denied(String),
    /// The time in which it could be made is over.
    #[error("it would have expired by now: what the code asks for is too long ago")]
    Expired,
    /// As many are open as are kept.
    #[error("there are as many open callbacks as are kept at once")]
    Full,
    /// As many requests wait for the end of the attempt as are kept.
    #[error("as many codes as are kept wait for the end of the attempt that goes on")]
    TooMany,
}
