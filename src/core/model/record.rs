//! What the core hands to the store, ready to be written as rows.

use super::{
    AttemptRow, CallInProgress, CallbackChange, DoNotCall, E164, FinishedCall, Gap, GroupDnc, Interval, News, PbxId,
    TagChange,
};
use crate::millis::Millis;
use serde::Serialize;
use std::sync::Arc;

/// One thing to be stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "lowercase")]
pub enum Record {
    /// Insert, or replace by (`pbx`, `linkedid`).
    Call(Arc<FinishedCall>),
    /// Insert, or replace by (`pbx`, `linkedid`), until a [`Record::Call`] of the same comes.
    InProgress(Arc<CallInProgress>),
    /// Delete: it has gone into another call, or ended without a row.
    NotInProgress {
        /// The PBX on which the call was.
        pbx: PbxId,
        /// The call's `Linkedid`.
        linkedid: String,
    },
    /// A disposition of a call that has its row: insert, or replace by code and who sets it; or delete all of its code.
    Tag(Box<TagChange>),
    /// Insert a gap.
    Gap(Gap),
    /// Insert, or replace by (`pbx`, `agent`): an agent and their name.
    Agent {
        /// The PBX on which the agent is.
        pbx: PbxId,
        /// The person, as interface (`PJSIP/101`).
        agent: String,
        /// The agent's name, as the queues give it.
        name: String,
    },
    /// Insert, or replace by all but `to_ms` and `reason`.
    Interval(Interval),
    /// Replace by `pbx`: its events have been seen up to this moment.
    Seen {
        /// The PBX that was seen.
        pbx: PbxId,
        /// Milliseconds since 1970 UTC.
        seen_ms: Millis,
    },
    /// Insert, or replace by `id`; and what the change means to the rows of calls.
    Callback(Arc<CallbackChange>),
    /// Insert, or replace by (`callback_id`, `n`).
    Attempt(Arc<AttemptRow>),
    /// Insert, or replace by `number_e164`.
    DncAdd(DoNotCall),
    /// Delete by number in E.164.
    DncRemove(E164),
    /// Insert, or replace by number, or delete: another site has ordered it.
    GroupDnc(Box<GroupDnc>),
    /// No row: the change feed alone tells it.
    News(Arc<News>),
    /// Insert, or replace, beside the row of the call, which is there: what it can be judged again by.
    Tape(Arc<CallTape>),
}

/// What Asterisk said of a call, as [`crate::tracker::tape`] writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallTape {
    /// The PBX on which the call was.
    pub pbx: PbxId,
    /// The call's `Linkedid`.
    pub linkedid: String,
    /// The tape.
    pub tape: Vec<u8>,
}

/// What a record is about, for a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// The PBX; `None` for the do-not-call list, which is of none in particular.
    pub pbx: Option<&'a PbxId>,
    /// The call's `Linkedid`.
    pub call: Option<&'a str>,
    /// The callback's id.
    pub callback: Option<i64>,
}

impl Record {
    /// What it is about.
    #[must_use]
    pub fn about(&self) -> About<'_> {
        let about = |pbx| About { pbx: Some(pbx), call: None, callback: None };
        let of_call = |pbx, linkedid| About { call: Some(linkedid), ..about(pbx) };
        match self {
            Self::Call(call) => of_call(&call.pbx, call.linkedid.as_str()),
            Self::InProgress(call) => of_call(&call.pbx, call.linkedid.as_str()),
            Self::NotInProgress { pbx, linkedid } => of_call(pbx, linkedid.as_str()),
            Self::Tag(change) => of_call(&change.pbx, change.linkedid.as_str()),
            Self::Tape(tape) => of_call(&tape.pbx, tape.linkedid.as_str()),
            Self::Gap(gap) => about(&gap.pbx),
            Self::Agent { pbx, .. } | Self::Seen { pbx, .. } => about(pbx),
            Self::Interval(interval) => about(&interval.pbx),
            Self::Callback(change) => About { callback: Some(change.row.id), ..about(&change.row.pbx) },
            Self::Attempt(attempt) => About { callback: Some(attempt.callback_id), ..about(&attempt.pbx) },
            Self::News(news) => match &**news {
                News::Ringing(call) => of_call(&call.pbx, call.linkedid.as_str()),
                News::LinkUp { pbx, .. } | News::LinkDown { pbx, .. } | News::QueueAlarm { pbx, .. } => about(pbx),
            },
            Self::DncAdd(_) | Self::DncRemove(_) | Self::GroupDnc(_) => About { pbx: None, call: None, callback: None },
        }
    }
}
