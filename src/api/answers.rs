//! What the API and `--json` of the commands say of a call and of a change. The names are a contract: add, never rename.

use crate::store::feed::{Change, ChangedRow, Cursor, Feed};
use crate::store::{CodeCount, OfCall, StoredCall};
use callbackd_core::callbacks::commands::{Requested, Tagged};
use callbackd_core::millis::Millis;
use callbackd_core::model::{
    AttemptRow, CallbackRow, DoNotCall, FinishedCall, IvrStep, Leg, QueueVisit, Rating, RecoveredBy, Tag,
};
use serde::Serialize;
use serde_json::Value;

/// Writes each column once: the struct that serde writes, the names for the header of a CSV file, and the values of a call.
macro_rules! flat {
    (
        $(#[$doc:meta])*
        $flat:ident of $id:ident, $call:ident, $recovered:ident { $($(#[$said:meta])* $column:ident: $type:ty = $value:expr,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Serialize)]
        #[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
        pub(crate) struct $flat<'a> {
            $($(#[$said])* $column: $type,)+
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
        /// Row id.
        id: i64 = id,
        /// The PBX on which the call was.
        pbx: &'a str = &call.pbx,
        /// Linkedid under which the call began; unique with `pbx`.
        linkedid: &'a str = &call.linkedid,
        /// Who called whom.
        #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::Direction"))]
        direction: &'a str = call.direction.as_str(),
        /// What a manager counts.
        #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::Status"))]
        status: &'a str = call.status.as_str(),
        /// Why it has this status.
        #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::Outcome"))]
        outcome: &'a str = call.outcome.as_str(),
        /// The other party's number as received or dialled; `null` if withheld or absent.
        number: Option<&'a str> = call.number.as_deref(),
        /// The number in E.164, if it can be called.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<callbackd_core::model::E164>"))]
        number_e164: Option<&'a str> = call.number_e164.as_deref(),
        /// The other party's name, as the network sent it.
        name: Option<&'a str> = call.name.as_deref(),
        /// The number that the customer dialled, or for outbound calls the caller id that we showed.
        did: Option<&'a str> = call.did.as_deref(),
        /// The trunk, as technology and peer (`PJSIP/trunk`).
        trunk: Option<&'a str> = call.trunk.as_deref(),
        /// The last queue that the caller was in (or the one whose agent answered).
        queue: Option<&'a str> = call.queue.as_deref(),
        /// The first person who talked with the customer, as interface (`PJSIP/101`).
        agent: Option<&'a str> = call.agent.as_deref(),
        /// First event of the call, RFC 3339, UTC.
        #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
        started: String = utc(call.started_ms),
        /// The same, ms since 1970 UTC.
        started_ms: Millis = call.started_ms,
        /// First bridge with a person, RFC 3339, UTC.
        #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
        answered: Option<String> = call.answered_ms.map(utc),
        /// The same, ms since 1970 UTC.
        answered_ms: Option<Millis> = call.answered_ms,
        /// The customer's last channel ended, RFC 3339, UTC.
        #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
        ended: String = utc(call.ended_ms),
        /// The same, ms since 1970 UTC.
        ended_ms: Millis = call.ended_ms,
        /// From start to the first bridge with a person, or to the end, ms.
        wait_ms: Millis = call.wait_ms,
        /// Sum of the waits of all queue visits, ms.
        queue_wait_ms: Millis = call.queue_wait_ms,
        /// Time in which at least one person's phone rang, ms.
        ring_ms: Millis = call.ring_ms,
        /// Time in which the customer shared a bridge with a person, ms.
        talk_ms: Millis = call.talk_ms,
        /// Time on hold or parked after having been answered, ms.
        hold_ms: Millis = call.hold_ms,
        /// Who ended the call.
        #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::HangupBy"))]
        hangup_by: &'a str = call.hangup_by.as_str(),
        /// Q.850 cause of the customer's channel; proves nothing by itself.
        hangup_cause: Option<u16> = call.hangup_cause,
        /// Transfers, blind and attended.
        transfers: u32 = call.transfers,
        /// A message was left.
        voicemail: bool = call.voicemail,
        /// How much of it was seen.
        #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::Quality"))]
        quality: &'a str = call.quality.as_str(),
        /// The callback that this call belongs to.
        callback_id: Option<i64> = call.callback_id,
        /// Who won the missed customer back.
        #[cfg_attr(feature = "openapi", schemars(with = "Option<callbackd_core::model::RecoveredBy>"))]
        recovered_by: Option<&'a str> = recovered.map(|(by, _)| by.as_str()),
        /// When that was, ms since 1970 UTC.
        recovered_ms: Option<Millis> = recovered.map(|(_, at)| at),
        /// Language of the customer's channel at its end (`CHANNEL(language)` of Asterisk).
        language: Option<&'a str> = call.language.as_deref(),
    }
}

/// A call of a list; whole with its legs, queue visits, menu steps, tags and ratings.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Call", description = "A finished call as a list has it."))]
pub(crate) struct CallAnswer<'a> {
    #[serde(flatten)]
    flat: CallFlat<'a>,
    /// The facts that decided the status, in plain words, in the order in which they count.
    why: &'a [String],
    /// Which writing of the row it is: 1, and one more for each correction.
    rev: i64,
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schemars(skip))]
    children: Option<Children<'a>>,
}

/// A finished call with all that is stored of it.
#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "CallAnswer has both")]
pub(crate) struct WholeCall<'a> {
    #[schemars(flatten)]
    call: CallAnswer<'a>,
    #[schemars(flatten)]
    children: Children<'a>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
struct Children<'a> {
    /// Ring attempts, in order.
    legs: &'a [Leg],
    /// Queue visits, in order.
    queue_visits: &'a [QueueVisit],
    /// Menus and keys, in order.
    ivr_steps: &'a [IvrStep],
    /// Dispositions.
    tags: &'a [Tag],
    /// Ratings by the customer.
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

/// A code that was set on a call, and what came of it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub(crate) struct CodeSet {
    /// What is said of the call now.
    tag: Tag,
    /// The callback that the code asks for; `null` if it asks for none, or none is made.
    callback: Option<CallbackRow>,
    /// An attempt at that callback goes on: the code asks for it, or for the next one, when that is over.
    after_attempt: bool,
    /// Why the code, which asks for a callback, made none.
    no_callback: Option<String>,
    /// The entry by which the customer is not called; `null` if the code keeps nobody from being called.
    do_not_call: Option<DoNotCall>,
}

impl From<Tagged> for CodeSet {
    fn from(Tagged { tag, request, do_not_call }: Tagged) -> Self {
        let after_attempt = matches!(request, Some(Requested::AfterAttempt(_)));
        let (callback, no_callback) = match request {
            None => (None, None),
            Some(Requested::By(row) | Requested::AfterAttempt(row)) => (Some(*row), None),
            Some(Requested::Not(why)) => (None, Some(why.to_string())),
        };
        Self { tag, callback, after_attempt, no_callback, do_not_call }
    }
}

/// A code, and how many calls have it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Code"))]
pub(crate) struct CodeAnswer<'a> {
    /// The word: letters, digits, `_` and `-`.
    code: &'a str,
    /// For people.
    label: &'a str,
    /// What it is counted with in reports; empty if nothing.
    group: &'a str,
    /// Calls with it went as the business wishes.
    success: bool,
    /// What it means for callbacks.
    #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::codes::OnCallback"))]
    callback: &'static str,
    /// A requested callback: not sooner after the code was set, ms.
    after_ms: Millis,
    /// A suppression holds so long (`null`: for ever), a requested callback is open so long from when it is due (`null`: as
    /// `callback.expire_requested` says); ms.
    expires_ms: Option<Millis>,
    /// Shipped or configured; else a word that calls have.
    known: bool,
    /// Calls with it, whoever set it.
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "{T}OfCall"))]
pub(crate) struct OfCallAnswer<'a, T> {
    /// Row id of the call.
    call_id: i64,
    /// The PBX on which the call was.
    pbx: &'a str,
    /// Linkedid under which the call began.
    linkedid: &'a str,
    /// It began, ms since 1970 UTC.
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
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Change"))]
pub(crate) struct ChangeAnswer<'a> {
    /// Place in the feed.
    seq: i64,
    /// From here the feed goes on behind it.
    cursor: Cursor,
    /// Committed, ms since 1970 UTC.
    at_ms: Millis,
    /// Name of the site; empty if it has none.
    site: &'a str,
    /// Name of the PBX; `null` if it is about none in particular.
    pbx: Option<&'a str>,
    /// What became true.
    #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::ChangeKind"))]
    kind: &'static str,
    /// Of what: the linkedid of a call, the id of a callback, `<callback>/<n>` of an attempt, a number, the beginning of a gap.
    key: &'a str,
    /// Which writing of the row it was, from 1; 0 for what has no row.
    rev: i64,
    /// No news: imported, or over for more than a day when it was written.
    late: bool,
    /// What was said then that the row may not say any more.
    #[cfg_attr(feature = "openapi", schemars(with = "Option<serde_json::Map<String, Value>>"))]
    payload: Option<&'a Value>,
    /// As it is now; `null` if there is none any more, or `payload` is all.
    row: Option<RowAnswer<'a>>,
}

/// The row that a change is about.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "ChangedRow"))]
#[serde(untagged)]
enum RowAnswer<'a> {
    #[cfg_attr(feature = "openapi", schemars(with = "WholeCall<'_>"))]
    Call(Box<CallAnswer<'a>>),
    /// A callback.
    Callback {
        #[serde(flatten)]
        row: &'a CallbackRow,
        /// Which writing of the row it is.
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
