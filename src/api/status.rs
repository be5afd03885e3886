//! How things stand: what `callbackd status` and `callbackd agents` show.

use super::counters::Counters;
use callbackd_core::millis::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How things stand. Times are milliseconds since 1970 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct Status {
    /// Of the running daemon.
    pub(crate) version: String,
    /// When the daemon started, ms since 1970 UTC.
    pub(crate) since_ms: Millis,
    /// Its clock at this moment, ms since 1970 UTC.
    #[serde(default)]
    pub(crate) now_ms: Millis,
    /// The PBXs, in the order of the configuration.
    pub(crate) pbx: Vec<PbxStatus>,
    /// Callbacks are made at all.
    pub(crate) callbacks_enabled: bool,
    /// Open callbacks by state.
    pub(crate) callbacks: BTreeMap<String, usize>,
    /// Attempts that go on.
    pub(crate) attempts: usize,
    /// Calls stored since the start.
    pub(crate) calls_stored: u64,
    /// Records that are not on the disk yet.
    pub(crate) unsaved: usize,
    /// Why the database cannot be written, if so.
    pub(crate) store_error: Option<String>,
    /// Streams of changes that are read now.
    #[serde(default)]
    pub(crate) streams: usize,
    /// What has been counted since the start.
    pub(crate) counters: Counters,
}

/// State of one PBX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct PbxStatus {
    /// Name in the configuration.
    pub(crate) name: String,
    /// Address in the configuration.
    pub(crate) address: String,
    /// IANA's name of the time zone of its `[hours]`, by which times without a zone are read; `null` if it has none.
    #[serde(default)]
    pub(crate) timezone: Option<String>,
    /// `connecting`, `live`, or why it is down.
    pub(crate) link: String,
    /// Another callbackd that makes callbacks there, by the first 8 characters of its database's identity; none seen: `null`.
    pub(crate) another_callbackd: Option<String>,
    /// This one makes none there meanwhile.
    pub(crate) gives_way: bool,
    /// The link is up and the lists have come: what follows is how things stand now. Else it is what was seen last.
    pub(crate) seen: bool,
    /// Since when it is not, ms since 1970 UTC; `null` while it is seen, and if it never was.
    pub(crate) unseen_since_ms: Option<Millis>,
    /// Number of calls in progress.
    pub(crate) calls: usize,
    /// Agents who are known.
    pub(crate) agents: usize,
    /// Those of them who could be asked now; `null` if that is not known.
    pub(crate) free: Option<usize>,
    /// Callers who wait, by queue; `null` if that is not known.
    pub(crate) waiting: Option<BTreeMap<String, u32>>,
    /// Its missed callers are called back.
    pub(crate) callbacks_enabled: bool,
    /// Its calls stored since the start.
    pub(crate) calls_stored: u64,
}

/// An agent's state at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Agent"))]
pub(crate) struct AgentInPresence {
    /// Name of the PBX.
    pub(crate) pbx: String,
    /// The person, as interface: `PJSIP/101`.
    pub(crate) agent: String,
    /// The agent's name, as the queues give it.
    pub(crate) name: Option<String>,
    /// Whether the agent could be given a callback now; `null` if that is not known, because the PBX is not seen.
    pub(crate) free: Option<bool>,
    /// Since when the PBX is not seen, ms since 1970 UTC; `null` while it is.
    pub(crate) unseen_since_ms: Option<Millis>,
    /// Why not; empty if the agent is free.
    pub(crate) why_not: String,
    /// Start of this state, ms since 1970 UTC.
    pub(crate) since_ms: Millis,
    /// The agent's queues; the value is the reason of a pause, `null` where the agent is not paused.
    pub(crate) queues: BTreeMap<String, Option<String>>,
    /// End of the agent's last conversation, ms since 1970 UTC.
    pub(crate) last_talk_ms: Option<Millis>,
    /// Conversations since the midnight before the daemon started.
    pub(crate) calls: u32,
}

/// A queue at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Queue"))]
pub(crate) struct QueueInPresence {
    /// Name of the PBX.
    pub(crate) pbx: String,
    /// The queue's name.
    pub(crate) queue: String,
    /// Callers who wait; `null` if that is not known, because the PBX is not seen.
    pub(crate) waiting: Option<u32>,
    /// When the one who waits longest joined, ms since 1970 UTC; `null` if nobody waits, or it is not known.
    pub(crate) longest_since_ms: Option<Millis>,
    /// Its members, whatever they do.
    pub(crate) members: usize,
    /// Those of them who could be asked now; `null` if that is not known.
    pub(crate) free: Option<usize>,
    /// Those of them who are paused in it.
    pub(crate) paused: usize,
}
