//! What the daemon has counted since it was started: the object `counters` of `/v1/status`.
//!
//! Every number begins at 0 with the process and only grows. The names are part of the API; each module's own counters are taken over by
//! an exhaustive pattern, so that a counter that is new there cannot be forgotten here.

use crate::store;
use callbackd_core::{callbacks, tracker};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All counters of the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct Counters {
    /// By the name of the PBX in the configuration.
    pub(crate) pbx: BTreeMap<String, PbxCounters>,
    /// Callbacks, of all PBXs.
    pub(crate) callbacks: CallbackCounters,
    /// The writer of the database.
    pub(crate) store: StoreCounters,
    /// The local API.
    #[serde(default)]
    pub(crate) api: ApiCounters,
    /// By the name of the webhook in the configuration.
    #[serde(default)]
    pub(crate) webhooks: BTreeMap<String, WebhookCounters>,
    /// By the name of the sink in the configuration.
    #[serde(default)]
    pub(crate) sinks: BTreeMap<String, SinkCounters>,
    /// The group of sites that share their customers; `null` without one.
    #[serde(default)]
    pub(crate) group: Option<GroupCounters>,
}

/// What was counted of one sink, and how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct SinkCounters {
    /// Rows that were added or replaced there.
    pub(crate) rows: u64,
    /// Transactions in which that was done.
    pub(crate) batches: u64,
    /// Attempts to connect or to write that failed.
    pub(crate) errors: u64,
    /// Times that all tables were read anew because the feed did not go on from the sink's place.
    pub(crate) walks: u64,
    /// Changes and pieces of tables that went without their rows, for a stream does not take so much at once.
    #[serde(default)]
    pub(crate) too_large: u64,
    /// Changes that are not there yet.
    pub(crate) behind: u64,
    /// Time since nothing was missing there, ms; 0 while nothing is.
    pub(crate) lag_ms: u64,
    /// All tables are being read anew.
    pub(crate) walking: bool,
    /// Nothing can be written since, ms since 1970 UTC; `null` while it works.
    pub(crate) failing_since_ms: Option<i64>,
}

/// What was counted of the group, and how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct GroupCounters {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// What this site does while the group's server cannot be asked: `wait` or `dial`.
    pub(crate) alone: String,
    /// It can be asked.
    pub(crate) reached: bool,
    /// It cannot since, ms since 1970 UTC; `null` while it can.
    pub(crate) failing_since_ms: Option<i64>,
    /// Claims of customers that this site was given.
    pub(crate) granted: u64,
    /// Claims that it was not given: another site had the customer.
    pub(crate) taken: u64,
    /// Callbacks whose customers had been served at another site.
    pub(crate) served: u64,
    /// Claims that ran out while this site had them, so that another site has the customer.
    pub(crate) lost: u64,
    /// Calls that were not made because too little was left of the claim.
    pub(crate) lapsed: u64,
    /// Attempts to connect or to ask that failed.
    pub(crate) errors: u64,
    /// Questions for which there was no room.
    pub(crate) refused: u64,
}

/// What was counted of one webhook, and how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct WebhookCounters {
    /// Messages that it took.
    pub(crate) delivered: u64,
    /// Attempts that it refused by a 4xx that says that it will never take the message.
    pub(crate) refused: u64,
    /// Attempts that it answered by another status that is no success.
    pub(crate) failed: u64,
    /// Attempts whose answer was not waited for any longer.
    #[serde(default)]
    pub(crate) late: u64,
    /// Attempts without an answer: no connection, or one that broke.
    pub(crate) unreachable: u64,
    /// Messages that are not tried any more.
    pub(crate) given_up: u64,
    /// Changes that were removed from the feed before it had come to them.
    pub(crate) missed: u64,
    /// Changes that it has not passed yet.
    pub(crate) behind: u64,
    /// Nothing has been delivered since, ms since 1970 UTC; `null` if the last message was.
    pub(crate) failing_since_ms: Option<i64>,
    /// When the change was committed whose message is to be delivered next, ms since 1970 UTC; `null` if none waits.
    #[serde(default)]
    pub(crate) waiting_since_ms: Option<i64>,
    /// It is sent to.
    pub(crate) running: bool,
}

/// What was counted of the local API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct ApiCounters {
    /// Connections refused because their user, or all users together, had too many.
    pub(crate) connections_refused: u64,
    /// Answers refused because too much of others had not been read by their clients.
    #[serde(default)]
    pub(crate) answers_refused: u64,
    /// Requests refused because their body was too long or too slow, a token asked for too many callbacks, or too many waited for the daemon.
    #[serde(default)]
    pub(crate) requests_refused: u64,
    /// TLS handshakes at `api.listen` that failed, or were not over in time.
    #[serde(default)]
    pub(crate) handshakes_failed: u64,
    /// Connections at `api.listen` that had shown no token yet, and were closed for newer ones.
    #[serde(default)]
    pub(crate) newcomers_closed: u64,
    /// Commands refused because too many waited for the database.
    #[serde(default)]
    pub(crate) commands_refused: u64,
}

/// What was counted of one PBX.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct PbxCounters {
    /// Counters of its link.
    pub(crate) link: LinkCounters,
    /// Counters of its calls.
    pub(crate) tracker: TrackerCounters,
    /// Calls of a gap whose records were given up, because too many were held at once.
    #[serde(default)]
    pub(crate) records_given_up: u64,
}

/// What went over a link, over all its connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct LinkCounters {
    /// Connections that were made.
    pub(crate) connections: u64,
    /// Those of them that logged in and read the lists of channels and queues to their end.
    pub(crate) logins: u64,
    /// Connections that were lost, and attempts that failed.
    pub(crate) losses: u64,
    /// Bytes read from the connection.
    pub(crate) bytes: u64,
    /// Frames that somebody needed: events and responses.
    pub(crate) frames: u64,
    /// Events that nobody needs.
    pub(crate) skipped: u64,
    /// Frames that were thrown away because they could not be read, by reason; every reason is listed.
    pub(crate) discarded: BTreeMap<String, u64>,
    /// Events that were dropped because they came faster than they could be taken.
    pub(crate) dropped: u64,
    /// Responses to no action of this daemon.
    pub(crate) unknown_responses: u64,
    /// Lists in answer to an action of this daemon that are not whole: too long to be kept, or given up by Asterisk.
    pub(crate) lists_cut: u64,
    /// Connections that were given up because the other end did not read what was sent to it.
    pub(crate) unread: u64,
    /// Actions that were not sent because too many waited to be sent, or for their answers.
    #[serde(default)]
    pub(crate) requests_refused: u64,
    /// When the latest event came, ms since 1970 UTC; `null` before the first.
    #[serde(default)]
    pub(crate) last_event_ms: Option<i64>,
}

/// What the tracker of a PBX's calls has counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct TrackerCounters {
    /// Events that the tracker took.
    pub(crate) events: u64,
    /// Events that were left out because a header had no sense.
    pub(crate) events_unreadable: u64,
    /// Texts that were longer than Asterisk can make them, and were cut.
    pub(crate) texts_cut: u64,
    /// Events about channels that are not known.
    pub(crate) unknown_channels: u64,
    /// Events that name a channel by another's uniqueid, and were ignored: what a caller dialled forged them.
    pub(crate) impostors: u64,
    /// Channels ignored because too many are open, or because they take too much memory.
    pub(crate) channels_refused: u64,
    /// Empty bridges that were forgotten because too many were kept.
    pub(crate) bridges_forgotten: u64,
    /// Legs, queue visits, menu steps and linkedids beyond the limits of one call, or of all calls together.
    pub(crate) details_dropped: u64,
    /// Calls that ended and were recorded.
    pub(crate) calls_recorded: u64,
    /// Of those, how often one was recorded again because a late event changed its row.
    pub(crate) calls_corrected: u64,
    /// Late events of calls whose row was corrected too often to be corrected again.
    pub(crate) late_events_refused: u64,
    /// Calls that became one with another.
    pub(crate) calls_merged: u64,
    /// Calls whose end was not seen.
    pub(crate) calls_end_unseen: u64,
    /// Agents ignored because too many are known.
    pub(crate) agents_refused: u64,
    /// Memberships in queues, and other names of agents, ignored because too many are known.
    pub(crate) agent_details_refused: u64,
    /// Queues and waiting callers of one list ignored because it had too many.
    pub(crate) listed_refused: u64,
    /// Trunks that were not kept, because the table of known trunks is full.
    pub(crate) trunks_refused: u64,
    /// `UserEvent`s for callbackd that could not be understood.
    pub(crate) user_events_refused: u64,
    /// Calls that cannot be judged again under other rules, because more was said of them than is kept.
    #[serde(default)]
    pub(crate) tapes_given_up: u64,
    /// Calls with a row that were forgotten sooner than usual, because new ones needed their room: what came late of them changed nothing.
    #[serde(default)]
    pub(crate) calls_forgotten_early: u64,
}

impl TrackerCounters {
    /// From the tracker's own, and what could not even be handed to it.
    #[must_use]
    pub(crate) fn new(counters: tracker::Counters, events_unreadable: u64) -> Self {
        let tracker::Counters {
            events,
            texts_cut,
            strangers,
            impostors,
            channels_refused,
            bridges_forgotten,
            details_dropped,
            calls_recorded,
            calls_corrected,
            late_events_refused,
            calls_merged,
            calls_unseen,
            agents_refused,
            agent_details_refused,
            listed_refused,
            trunks_refused,
            user_events_refused,
            tapes_given_up,
            calls_forgotten_early,
        } = counters;
        Self {
            events,
            events_unreadable,
            texts_cut,
            unknown_channels: strangers,
            impostors,
            channels_refused,
            bridges_forgotten,
            details_dropped,
            calls_recorded,
            calls_corrected,
            late_events_refused,
            calls_merged,
            calls_end_unseen: calls_unseen,
            agents_refused,
            agent_details_refused,
            listed_refused,
            trunks_refused,
            user_events_refused,
            tapes_given_up,
            calls_forgotten_early,
        }
    }
}

/// What was counted of callbacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct CallbackCounters {
    /// Callbacks that were made.
    pub(crate) queued: u64,
    /// Missed calls that came to a callback that was open.
    pub(crate) joined: u64,
    /// Missed calls that are not called back because too many callbacks are open.
    pub(crate) refused: u64,
    /// Attempts whose `Originate` was sent.
    pub(crate) dialled: u64,
    /// Attempts that connected agent and customer.
    pub(crate) connected: u64,
    /// Owners of customers that were forgotten because too many are known.
    pub(crate) owners_dropped: u64,
    /// Numbers that the do-not-call list had no room for.
    pub(crate) do_not_call_refused: u64,
    /// Agents of whom the scheduler has forgotten what it had offered them, because too many are known.
    pub(crate) agents_forgotten: u64,
}

impl From<callbacks::Counters> for CallbackCounters {
    fn from(counters: callbacks::Counters) -> Self {
        let callbacks::Counters {
            queued,
            joined,
            refused,
            dialled,
            connected,
            owners_dropped,
            do_not_call_refused,
            agents_forgotten,
        } = counters;
        Self { queued, joined, refused, dialled, connected, owners_dropped, do_not_call_refused, agents_forgotten }
    }
}

/// What was counted of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct StoreCounters {
    /// Batches of records that the writer has answered for.
    pub(crate) batches: u64,
    /// Records that were written.
    pub(crate) records: u64,
    /// Records that the database refused for their own sake; they are lost.
    pub(crate) refused: u64,
    /// Records given up because the database could not be written for too long; they are lost.
    pub(crate) given_up: u64,
    /// Transactions that were committed.
    pub(crate) commits: u64,
    /// Attempts at a transaction that failed and were repeated.
    pub(crate) retries: u64,
    /// Rows that were removed because of their age.
    pub(crate) pruned: u64,
    /// Changes that the feed has recorded.
    #[serde(default)]
    pub(crate) changes: u64,
    /// Changes that were removed before their time, because the feed was full.
    #[serde(default)]
    pub(crate) changes_overrun: u64,
}

impl StoreCounters {
    /// From the writer's own, and what never reached it.
    #[must_use]
    pub(crate) fn new(counters: store::Counters, given_up: u64) -> Self {
        let store::Counters { batches, records, refused, commits, retries, pruned, changes, changes_overrun } =
            counters;
        Self { batches, records, refused, given_up, commits, retries, pruned, changes, changes_overrun }
    }
}
