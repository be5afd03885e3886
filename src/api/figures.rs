//! How things stand, as figures: what `/metrics` shows.

use super::status::{QueueInPresence, Status};
use crate::store::Counted;
use callbackd_core::millis::Millis;
use callbackd_core::model::CallbackState;
use callbackd_core::model::presence::{Phase, Standing};
use callbackd_core::model::tally::{Histogram, Place};
use std::collections::BTreeMap;

/// Everything that the loop knows, at one moment.
#[derive(Debug)]
pub(crate) struct Figures {
    /// PBXs, links, the database; counters since the start.
    pub(crate) status: Status,
    /// Who waits where.
    pub(crate) queues: Vec<QueueInPresence>,
    /// Agents by what they do; PBXs that are not seen are absent.
    pub(crate) agents: BTreeMap<(String, Standing), usize>,
    /// Members of queues by what they do; queues of PBXs that are not seen are absent.
    pub(crate) members: BTreeMap<(Place, Standing), usize>,
    /// Open callbacks by state, and by the word that says why they wait.
    pub(crate) callbacks: BTreeMap<(Place, CallbackState, String), usize>,
    /// How old they are.
    pub(crate) oldest: BTreeMap<Place, Oldest>,
    /// Counted of what is on the disk.
    pub(crate) counted: Counted,
    /// Calls in progress by where they are.
    pub(crate) phases: BTreeMap<(String, Phase), usize>,
    /// By PBX: how long Asterisk's answers to pings took, ms.
    pub(crate) pings: BTreeMap<String, Histogram>,
    /// What came of reading the configuration.
    pub(crate) config: LastRead,
}

/// What came of reading the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastRead {
    /// What was read last is in force.
    pub(crate) taken: bool,
    /// When what is in force was read, ms since 1970 UTC.
    pub(crate) taken_ms: Millis,
}

/// Of the open callbacks of a queue; times are ms since 1970 UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oldest {
    /// The earliest that is or was due.
    pub(crate) due_ms: Millis,
    /// The earliest miss.
    pub(crate) missed_ms: Millis,
    /// So many of them were asked for and are late.
    pub(crate) late: usize,
}
