//! The commands that people and programs give to the scheduler, and its answers.

mod add;
mod apply;
mod tagged;

use crate::callbacks::named_time::NamedTimeError;
use crate::callbacks::{MAX_DO_NOT_CALL, MAX_DO_NOT_CALL_BYTES};
use crate::millis::Millis;
use crate::model::codes::{CodedCall, Said};
use crate::model::identity::there_are;
use crate::model::{CallbackRow, CallbackState, DoNotCall, E164, NoSuchPbx, PbxId, Tag};
use std::collections::BTreeSet;
pub use tagged::{NotRequested, Requested, Tagged};

/// A command. `by` names who gave it.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Makes a callback, or adds to the number's open one.
    Add(CallbackRequest),
    /// Takes it back. An attempt that goes on before the customer has answered is hung up.
    Cancel {
        /// The callback's id.
        id: i64,
        note: String,
    },
    /// A person has dealt with it elsewhere: closed as CANCELLED for the reason HANDLED. The customer counts as won back only if a call is seen.
    Handled {
        /// The callback's id.
        id: i64,
        note: String,
    },
    /// Not until it is released.
    Hold {
        /// The callback's id.
        id: i64,
        note: String,
    },
    /// Ends a hold: the callback goes on.
    Release {
        /// The callback's id.
        id: i64,
        note: String,
    },
    /// This agent alone is asked; `None`: anyone again.
    Assign {
        /// The callback's id.
        id: i64,
        /// Interface or name as the queues say it.
        agent: Option<String>,
        note: String,
    },
    /// Due now, whatever delay there was; a closed one is opened again.
    Retry {
        /// The callback's id.
        id: i64,
        note: String,
    },
    /// Gives it another priority.
    Prioritise {
        /// The callback's id.
        id: i64,
        /// Higher goes first; 0 is usual.
        priority: i64,
        note: String,
    },
    /// Not sooner than in so many ms.
    Delay {
        /// The callback's id.
        id: i64,
        /// Delay from now, ms.
        delay_ms: Millis,
        note: String,
    },
    /// Sets a code on a call that has its row, and does what it means for callbacks.
    Tag {
        /// The call.
        call: Box<CodedCall>,
        /// In any case.
        code: String,
        note: String,
    },
    /// Takes a code off a call that has its row, and takes back what it meant for callbacks as far as that has not been done.
    Untag {
        /// The call.
        call: Box<CodedCall>,
        /// What is said of the customer's calls.
        said: Box<Said>,
        /// In any case.
        code: String,
    },
    /// The number is not to be called.
    DncAdd {
        /// As a person writes it.
        number: String,
        reason: String,
        /// For so long, ms; `None` for ever.
        for_ms: Option<Millis>,
    },
    /// The number may be called again.
    DncRemove {
        /// As a person writes it.
        number: String,
    },
}

/// A callback that a person or a program asks for. Of the number's open callback it is the most that counts: the higher priority, the sooner
/// time, the later expiry; but a time that is named replaces the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallbackRequest {
    /// As a person writes it.
    pub number: String,
    /// Name of the PBX; `None` for the only one.
    pub pbx: Option<String>,
    /// Whose agents.
    pub queue: Option<String>,
    /// Not sooner than in so many ms.
    pub delay_ms: Millis,
    /// Not sooner than then, in hours: see [`named_time`](crate::callbacks::named_time); instead of `delay_ms`.
    pub at: Option<String>,
    /// The customer asked for it, in a web form for example: it goes ahead of misses, is too old after `callback.expire_requested`, and is
    /// late as what a caller asked for is. An open one stays on its PBX and in its queue, and has the priority that it had.
    pub requested: bool,
    /// Higher goes first; 0 is usual.
    pub priority: i64,
    pub note: String,
}

/// The answer to a command that was carried out; it holds once the records that it made are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The callback as it is now.
    Callback(Box<CallbackRow>),
    /// The entry in the list of those not to be called.
    DncAdded(DoNotCall),
    /// The number that may be called again.
    DncRemoved(E164),
    /// What is said of the call now, and what came of it.
    Tagged(Box<Tagged>),
    /// What is said of it no more; by whom, and when.
    Untagged(Tag),
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such callback in memory.
    #[error("there is no callback {0}")]
    NoSuchCallback(i64),
    /// It is closed.
    #[error("callback {id} is closed ({state}): `callbackd callbacks retry {id}` opens it again")]
    Closed {
        /// The callback's id.
        id: i64,
        state: CallbackState,
    },
    /// An attempt goes on.
    #[error("callback {id} is being carried out ({state}): wait for its end, or cancel it")]
    Active {
        /// The callback's id.
        id: i64,
        state: CallbackState,
    },
    /// The number cannot be called.
    #[error("{number} cannot be called: {reason}")]
    NotCallable {
        /// As it was given.
        number: String,
        reason: String,
    },
    /// It is a number, and the configuration does not let it be called.
    #[error("{number} cannot be called: {reason}")]
    Denied {
        number: String,
        /// In plain words.
        reason: String,
    },
    /// The customer does not want to be called.
    #[error("{0} is on the do-not-call list: `callbackd dnc remove {0}` removes it")]
    DoNotCall(String),
    /// The number has an open callback already.
    #[error("callback {id} for this number is open already")]
    OpenAlready {
        /// The other callback.
        id: i64,
    },
    /// No PBX has this name.
    #[error(transparent)]
    NoSuchPbx(#[from] NoSuchPbx),
    /// None is named where there are several.
    #[error("which PBX? name it (--pbx, or \"pbx\" in the API): {}", there_are(.0))]
    WhichPbx(BTreeSet<PbxId>),
    /// Nobody known by this name.
    #[error("no agent is known as {0}: `callbackd agents` lists them")]
    NoSuchAgent(String),
    /// No such queue.
    #[error("no queue is known as {queue}: {}", instead_of(.queue, .known))]
    NoSuchQueue {
        /// As it was given.
        queue: String,
        /// Those that are known.
        known: Vec<String>,
    },
    /// Too many open callbacks.
    #[error("there are {0} open callbacks already: no more are taken")]
    Full(usize),
    /// So many commands wait for the database; this one was not begun.
    #[error("{0} commands wait for the database, which cannot be written: try again later")]
    TooManyWait(usize),
    /// Too many numbers, or too long reasons.
    #[error(
        "the do-not-call list is full ({MAX_DO_NOT_CALL} numbers, or {} MiB with their reasons): `callbackd dnc remove` makes room",
        MAX_DO_NOT_CALL_BYTES >> 20
    )]
    ListFull,
    /// No code of this word.
    #[error("there is no code {}: `callbackd codes` lists them; write a new one as [[code]] into the configuration", .0.escape_debug())]
    NoSuchCode(String),
    /// What only a customer says.
    #[error(
        "{0} is what a customer says, and asks for nothing when it is set by hand: ask for the callback with its time (`callbackd callbacks add --at`, POST /v1/callbacks)"
    )]
    OfCustomers(&'static str),
    /// Not a time at which somebody can be called.
    #[error("{}: {error}", .time.escape_debug())]
    Time {
        /// As it was given.
        time: String,
        error: NamedTimeError,
    },
    /// Not that number.
    #[error("{0} is not on the do-not-call list")]
    NotOnTheList(String),
}

/// What to write instead.
fn instead_of(queue: &str, known: &[String]) -> String {
    let hint = format!("one that Asterisk has not listed yet needs a [callback.queue.{queue}]");
    match known {
        [] => format!("Asterisk lists none; {hint}"),
        known => format!("there are {}; {hint}", known.join(", ")),
    }
}
