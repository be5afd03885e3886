//! A time in which an agent did something.

use super::{PbxId, text_enum};
use crate::millis::Millis;
use serde::Serialize;

text_enum! {
    /// What an agent does.
    Activity {
        /// In at least one queue, with a phone that can be reached.
        LoggedIn = "logged_in",
        /// Paused in a queue.
        Paused = "paused",
        /// The agent's phone rings.
        Ringing = "ringing",
        /// Connected with somebody: a customer, a colleague, anyone.
        Talking = "talking",
        /// After-call work, by the queue's wrap-up time.
        WrapUp = "wrapup",
    }
}

/// A time in which an agent did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// The PBX on which the agent is.
    pub pbx: PbxId,
    /// The person, as interface (`PJSIP/101`).
    pub agent: String,
    /// What the agent did.
    pub activity: Activity,
    /// The queue in which the agent was paused; empty for other activities.
    pub queue: String,
    /// The reason of the pause; empty for other activities.
    pub reason: String,
    /// Began, ms since 1970 UTC.
    pub from_ms: Millis,
    /// Ended; `None` while it lasts.
    pub to_ms: Option<Millis>,
}
