//! What becomes true and leaves no row: it stands in the change feed alone.

use super::{CallInProgress, PbxId};
use crate::millis::Millis;
use serde::Serialize;

/// What becomes true and leaves no row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum News {
    /// A PBX is seen: linked, and its lists have come.
    LinkUp {
        /// The PBX.
        #[serde(skip)]
        pbx: PbxId,
        /// Seen from then on, ms since 1970 UTC.
        at_ms: Millis,
    },
    /// A PBX that was seen is seen no more.
    LinkDown {
        /// The PBX.
        #[serde(skip)]
        pbx: PbxId,
        /// What happened there from then on is not known, ms since 1970 UTC.
        at_ms: Millis,
    },
    /// A caller waits in a queue for longer than `report.alarm_wait`, and nobody did before. Once until nobody does any more.
    QueueAlarm {
        /// The PBX.
        #[serde(skip)]
        pbx: PbxId,
        /// The queue.
        queue: String,
        /// Callers who wait in it.
        waiting: u32,
        /// When the one who waits longest joined it, ms since 1970 UTC.
        longest_since_ms: Millis,
        /// It was seen then, ms since 1970 UTC.
        at_ms: Millis,
    },
    /// An agent's phone rings for a customer's call, as the call stands now; `agent` is whose phone it is.
    Ringing(Box<CallInProgress>),
}

impl News {
    /// The PBX where it happened.
    #[must_use]
    pub fn pbx(&self) -> &PbxId {
        match self {
            Self::LinkUp { pbx, .. } | Self::LinkDown { pbx, .. } | Self::QueueAlarm { pbx, .. } => pbx,
            Self::Ringing(call) => &call.pbx,
        }
    }
}
