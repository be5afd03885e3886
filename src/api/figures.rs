//! How things stand, as figures: what `/metrics` shows.

use super::status::{QueueInPresence, Status};
use crate::store::Counted;
use callbackd_core::ami::event::Millis;
use callbackd_core::model::presence::Standing;
use callbackd_core::model::{CallbackState, tally::Place};
use std::collections::BTreeMap;

/// Everything that the loop knows, at one moment.
#[derive(Debug)]
pub struct Figures {
    /// PBXs, links, the database; counters since the start.
    pub status: Status,
    /// Who waits where.
    pub queues: Vec<QueueInPresence>,
    /// Agents by what they do; PBXs that are not seen are absent.
    pub agents: BTreeMap<(String, Standing), usize>,
    /// Members of queues by what they do; queues of PBXs that are not seen are absent.
    pub members: BTreeMap<(Place, Standing), usize>,
    /// Open callbacks by state, and by the word that says why they wait.
    pub callbacks: BTreeMap<(Place, CallbackState, String), usize>,
    /// How old they are.
    pub oldest: BTreeMap<Place, Oldest>,
    /// Counted of what is on the disk.
    pub counted: Counted,
}

/// Of the open callbacks of a queue, ms since 1970 UTC.
#[derive(Debug, Clone, Copy)]
pub struct Oldest {
    /// The earliest that is or was due.
    pub due_ms: Millis,
    /// The earliest miss.
    pub missed_ms: Millis,
}
