//! What the API and `--json` of the commands say of a call and of a change. The names are a contract: add, never rename.

use crate::store::feed::{Change, ChangedRow, Cursor, Feed};
use crate::store::{CodeCount, OfCall, StoredCall};
use callbackd_core::millis::Millis;
use callbackd_core::model::{
    AttemptRow, CallbackRow, FinishedCall, IvrStep, Leg, QueueVisit, Rating, RecoveredBy, Tag,
};
use serde::Serialize;
use serde_json::Value;

/// Writes each column once: the struct that serde writes, the names for the header of a CSV file, and the values of a call.
macro_rules! flat {
    (
        $(#[$doc:meta])*
        $flat:ident of $id:ident, $call:ident, $recovered:ident { $($column:ident: $type:ty = $value:expr,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        pub(crate) struct $flat<'a> {
            $($column: $type,)+
        }

        impl<'a> $flat<'a> {
            /// The names of its columns.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($column)),+];

            /// Of this row of `calls`.
            #[must_use]
            pub(crate) fn new($id: i64, $call: &'a FinishedCall, $recovered: Option<(RecoveredBy, Millis)>) -> Self {
                Self { $($column: $value,)+ }
            }
        }
    };
}

flat! {
    /// A call as scripts and spreadsheets get it. The names are a contract: add at the end, never rename. Times are RFC 3339 in UTC and, with
    /// `_ms`, milliseconds since 1970; durations are milliseconds.
    CallFlat of id, call, recovered {
        id: i64 = id,
        pbx: &'a str = &call.pbx,
        linkedid: &'a str = &call.linkedid,
        direction: &'a str = call.direction.as_str(),
        status: &'a str = call.status.as_str(),
        outcome: &'a str = call.outcome.as_str(),
        number: Option<&'a str> = call.number.as_deref(),
        number_e164: Option<&'a str> = call.number_e164.as_deref(),
        name: Option<&'a str> = call.name.as_deref(),
        did: Option<&'a str> = call.did.as_deref(),
        trunk: Option<&'a str> = call.trunk.as_deref(),
        queue: Option<&'a str> = call.queue.as_deref(),
        agent: Option<&'a str> = call.agent.as_deref(),
        started: String = utc(call.started_ms),
        started_ms: Millis = call.started_ms,
        answered: Option<String> = call.answered_ms.map(utc),
        answered_ms: Option<Millis> = call.answered_ms,
        ended: String = utc(call.ended_ms),
        ended_ms: Millis = call.ended_ms,
        wait_ms: Millis = call.wait_ms,
        queue_wait_ms: Millis = call.queue_wait_ms,
        ring_ms: Millis = call.ring_ms,
        talk_ms: Millis = call.talk_ms,
        hold_ms: Millis = call.hold_ms,
        hangup_by: &'a str = call.hangup_by.as_str(),
        hangup_cause: Option<u16> = call.hangup_cause,
        transfers: u32 = call.transfers,
        voicemail: bool = call.voicemail,
        quality: &'a str = call.quality.as_str(),
        callback_id: Option<i64> = call.callback_id,
        recovered_by: Option<&'a str> = recovered.map(|(by, _)| by.as_str()),
        recovered_ms: Option<Millis> = recovered.map(|(_, at)| at),
        language: Option<&'a str> = call.language.as_deref(),
    }
}

/// A call of a list; whole with its legs, queue visits, menu steps, tags and ratings.
#[derive(Debug, Serialize)]
pub(crate) struct CallAnswer<'a> {
    #[serde(flatten)]
    flat: CallFlat<'a>,
    why: &'a [String],
    /// Which writing of the row it is: 1, and one more for each correction.
    rev: i64,
    #[serde(flatten)]
    children: Option<Children<'a>>,
}

#[derive(Debug, Serialize)]
struct Children<'a> {
    legs: &'a [Leg],
    queue_visits: &'a [QueueVisit],
    ivr_steps: &'a [IvrStep],
    tags: &'a [Tag],
    ratings: &'a [Rating],
}

impl<'a> CallAnswer<'a> {
    /// As a list has it.
    #[must_use]
    pub(crate) fn row(StoredCall { id, rev, call, recovered }: &'a StoredCall) -> Self {
        Self { flat: CallFlat::new(*id, call, *recovered), why: &call.why, children: None, rev: *rev }
    }

    /// With everything that is stored of it.
    #[must_use]
    pub(crate) fn whole(stored: &'a StoredCall) -> Self {
        let call = &stored.call;
        let (legs, queue_visits, ivr_steps) = (&*call.legs, &*call.visits, &*call.ivr);
        let children = Children { legs, queue_visits, ivr_steps, tags: &call.tags, ratings: &call.ratings };
        Self { children: Some(children), ..Self::row(stored) }
    }
}

/// A code, and how many calls have it.
#[derive(Debug, Serialize)]
pub(crate) struct CodeAnswer<'a> {
    code: &'a str,
    label: &'a str,
    group: &'a str,
    success: bool,
    callback: &'static str,
    after_ms: Millis,
    expires_ms: Option<Millis>,
    /// Shipped or configured; else a word that calls have.
    known: bool,
    calls: u64,
}

impl<'a> CodeAnswer<'a> {
    /// As a list has it.
    #[must_use]
    pub(crate) fn new(CodeCount { code, known, calls }: &'a CodeCount) -> Self {
        Self {
            code: &code.code,
            label: &code.label,
            group: &code.group,
            success: code.success,
            callback: code.callback.as_str(),
            after_ms: code.after_ms,
            expires_ms: code.expires_ms,
            known: *known,
            calls: *calls,
        }
    }
}

/// What a call has, a code or a rating.
#[derive(Debug, Serialize)]
pub(crate) struct OfCallAnswer<'a, T> {
    call_id: i64,
    pbx: &'a str,
    linkedid: &'a str,
    started_ms: Millis,
    #[serde(flatten)]
    what: &'a T,
}

impl<'a, T> OfCallAnswer<'a, T> {
    /// As a list has it.
    #[must_use]
    pub(crate) fn new(of: &'a OfCall<T>) -> Self {
        let OfCall { call_id, pbx, linkedid, started_ms, what } = of;
        Self { call_id: *call_id, pbx, linkedid, started_ms: *started_ms, what }
    }
}

/// A change as readers get it.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeAnswer<'a> {
    seq: i64,
    cursor: Cursor,
    at_ms: Millis,
    site: &'a str,
    pbx: Option<&'a str>,
    kind: &'static str,
    key: &'a str,
    rev: i64,
    late: bool,
    payload: Option<&'a Value>,
    row: Option<RowAnswer<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum RowAnswer<'a> {
    Call(Box<CallAnswer<'a>>),
    Callback {
        #[serde(flatten)]
        row: &'a CallbackRow,
        rev: i64,
    },
    Attempt(&'a AttemptRow),
}

impl<'a> ChangeAnswer<'a> {
    /// Of the feed of this site and database.
    #[must_use]
    pub(crate) fn new(feed: &'a Feed, change: &'a Change) -> Self {
        Self {
            seq: change.seq,
            cursor: feed.at(change.seq),
            at_ms: change.at_ms,
            site: &feed.site,
            pbx: Some(&*change.pbx).filter(|pbx| !pbx.is_empty()),
            kind: change.kind.as_str(),
            key: &change.key,
            rev: change.rev,
            late: change.late,
            payload: change.payload.as_ref(),
            row: change.row.as_ref().map(|row| match row {
                ChangedRow::Call(stored) => RowAnswer::Call(Box::new(CallAnswer::whole(stored))),
                ChangedRow::Callback { row, rev } => RowAnswer::Callback { row, rev: *rev },
                ChangedRow::Attempt { row, .. } => RowAnswer::Attempt(row),
            }),
        }
    }
}

fn utc(ms: Millis) -> String {
    let at = jiff::Timestamp::from_millisecond(ms);
    at.map_or_else(|_| ms.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
