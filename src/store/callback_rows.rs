//! Callbacks, their history and attempts, and those not to be called: records to rows and rows to records.

use super::columns::columns;
use super::questions::{CALLBACK, FORGET_EVENTS, NEXT_EVENT, RECOVER};
use super::rows::{e164, number_e164, pbx, unknown, word};
use callbackd_core::millis::Millis;
use callbackd_core::model::{
    AskedBy, AttemptResult, AttemptRow, CallKey, CallbackChange, CallbackRow, CallbackState, CallbackStep, DoNotCall,
    PbxId, RecoveredBy,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::LazyLock;

columns! {
    CALLBACKS, with_callback, callback: callbacks(callback: &CallbackRow) => CallbackRow in row {
        keys {
            linkedid: callback.first_miss.as_ref().map(|call| &*call.linkedid),
            linkedid_pbx: callback.first_miss.as_ref().map(|call| call.pbx.as_str()),
            resolved_by: callback.resolved_by.as_ref().map(|call| &*call.linkedid),
            resolved_by_pbx: callback.resolved_by.as_ref().map(|call| call.pbx.as_str()),
        }
        fields {
            id: callback.id,
            pbx: callback.pbx.as_str() => pbx(row)?,
            number_e164: callback.number_e164.as_deref() => number_e164(row)?,
            name: callback.name,
            state: callback.state.as_str() => word!(row, "state", CallbackState),
            reason: callback.reason,
            queue: callback.queue,
            did: callback.did,
            owner: callback.owner,
            assigned: callback.assigned,
            requested: callback.requested,
            priority: callback.priority,
            missed_count: callback.missed_count,
            first_missed_ms: callback.first_missed_ms,
            last_missed_ms: callback.last_missed_ms,
            due_ms: callback.due_ms,
            expires_ms: callback.expires_ms,
            attempts: callback.attempts,
            counted: callback.counted,
            closed_ms: callback.closed_ms,
            language: callback.language,
            requested_for_ms: callback.requested_for_ms,
            alarmed_ms: callback.alarmed_ms,
            code: callback.code,
        }
        others {
            first_miss: call_key(row, "linkedid_pbx", "linkedid")?,
            resolved_by: call_key(row, "resolved_by_pbx", "resolved_by")?,
        }
    }
}

columns! {
    CALLBACK_EVENTS, with_event, event: callback_events(callback_id: i64, n: i64, event: &CallbackStep) => CallbackStep in row {
        keys { callback_id: callback_id, n: n }
        fields {
            at_ms: event.at_ms,
            state: event.state.as_str() => word!(row, "state", CallbackState),
            reason: event.reason,
            by: event.by,
            note: event.note,
        }
        others {}
    }
}

columns! {
    CALLBACK_ATTEMPTS, with_attempt, attempt: callback_attempts(attempt: &AttemptRow) => AttemptRow in row {
        keys {}
        fields {
            callback_id: attempt.callback_id,
            n: attempt.n,
            pbx: attempt.pbx.as_str() => pbx(row)?,
            channel_id: attempt.channel_id,
            agent: attempt.agent,
            intended_ms: attempt.intended_ms,
            agent_answered_ms: attempt.agent_answered_ms,
            customer_answered_ms: attempt.customer_answered_ms,
            ended_ms: attempt.ended_ms,
            talk_ms: attempt.talk_ms,
            result: attempt.result.map(AttemptResult::as_str) => attempt_result(row)?,
            detail: attempt.detail,
            linkedid: attempt.linkedid,
            claim_revision: attempt.claim_revision,
        }
        others {}
    }
}

columns! {
    DO_NOT_CALL, with_do_not_call, do_not_call_entry: do_not_call(entry: &DoNotCall) => DoNotCall in row {
        keys {}
        fields {
            number_e164: entry.number_e164.as_str() => e164(row.get_ref("number_e164")?.as_str()?)?,
            reason: entry.reason,
            by: entry.by,
            added_ms: entry.added_ms,
            until_ms: entry.until_ms,
            code: entry.code,
            by_hand_until_ms: entry.by_hand_until_ms,
        }
        others {}
    }
}

/// The number and the miss by which it began stay what they were.
static PUT_CALLBACK: LazyLock<String> = LazyLock::new(|| {
    let put = CALLBACKS.upsert(&["id"], &["number_e164", "linkedid", "linkedid_pbx"]);
    format!("{put}, rev = rev + 1 RETURNING rev")
});
static INSERT_EVENT: LazyLock<String> = LazyLock::new(|| CALLBACK_EVENTS.insert(""));
/// What was intended stays what it was.
static PUT_ATTEMPT: LazyLock<String> = LazyLock::new(|| {
    CALLBACK_ATTEMPTS.upsert(&["callback_id", "n"], &["pbx", "channel_id", "intended_ms", "claim_revision"])
});
static PUT_DO_NOT_CALL: LazyLock<String> = LazyLock::new(|| DO_NOT_CALL.insert("OR REPLACE"));

/// So many of a callback's changes are kept, the newest, beside the first. Their numbers go on, and show how many are not kept any more. Orders by
/// people, and agents who come and go, have no end; a usual callback has ten changes.
pub const MOST_EVENTS: i64 = 1_000;

/// A missed call whose customer was won back.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) pbx: String,
    pub(crate) linkedid: String,
    /// Which writing of its row that was.
    pub(crate) rev: i64,
}

/// Writes a callback as it is after a change, the change itself, and what both mean to the rows of calls: those that were won back by it are
/// added to `won`. Returns which writing of its row it is.
pub(crate) fn put_callback(
    connection: &Connection,
    change: &CallbackChange,
    won: &mut Vec<Recovered>,
) -> rusqlite::Result<i64> {
    let row = &change.row;
    let mut put = connection.prepare_cached(&PUT_CALLBACK)?;
    let rev = with_callback(row, |values| put.query_row(values, |row| row.get(0)))?;
    if let Some(event) = &change.change {
        let n: i64 = connection.prepare_cached(NEXT_EVENT)?.query_row([row.id], |row| row.get(0))?;
        if n > MOST_EVENTS {
            connection.prepare_cached(FORGET_EVENTS)?.execute((row.id, n - MOST_EVENTS))?;
        }
        let mut put = connection.prepare_cached(&INSERT_EVENT)?;
        with_event(row.id, n, event, |values| put.execute(values))?;
    }
    if let Some(miss) = &change.miss {
        connection
            .prepare_cached("UPDATE calls SET callback_id = ? WHERE pbx = ? AND linkedid = ?")?
            .execute(params![row.id, miss.pbx.as_str(), &*miss.linkedid])?;
    }
    if let Some(AskedBy { call, code, at_ms }) = &change.asked {
        connection
            .prepare_cached(
                "INSERT INTO callback_requests (callback_id, pbx, linkedid, code, at_ms) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET at_ms = max(at_ms, excluded.at_ms)",
            )?
            .execute(params![row.id, call.pbx.as_str(), &*call.linkedid, code, at_ms])?;
    }
    if let Some((by, at_ms)) = change.recovered {
        let mut recover = connection.prepare_cached(&RECOVER)?;
        let read = |row: &Row<'_>| Ok(Recovered { pbx: row.get(0)?, linkedid: row.get(1)?, rev: row.get(2)? });
        for call in recover.query_map(params![by.as_str(), at_ms, row.id], read)? {
            won.push(call?);
        }
    }
    Ok(rev)
}

/// Writes an attempt as it is now.
pub(crate) fn put_attempt(connection: &Connection, row: &AttemptRow) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&PUT_ATTEMPT)?;
    with_attempt(row, |values| put.execute(values)).map(drop)
}

/// Puts a number on the do-not-call list. Returns which writing of its row it counts as: it has no others.
pub(crate) fn put_do_not_call(connection: &Connection, entry: &DoNotCall) -> rusqlite::Result<i64> {
    let mut put = connection.prepare_cached(&PUT_DO_NOT_CALL)?;
    with_do_not_call(entry, |values| put.execute(values)).map(|_| 1)
}

/// Takes a number off that list; whether it was there.
pub(crate) fn delete_do_not_call(connection: &Connection, number_e164: &str) -> rusqlite::Result<bool> {
    Ok(connection.prepare_cached("DELETE FROM do_not_call WHERE number_e164 = ?")?.execute([number_e164])? > 0)
}

/// A code that asks for a callback: the row's `code` and `at_ms`, of this call.
pub(super) fn asked_by(row: &Row<'_>, call: CallKey) -> rusqlite::Result<AskedBy> {
    Ok(AskedBy { call, code: row.get("code")?, at_ms: row.get("at_ms")? })
}

/// The call of these two columns.
pub(super) fn call_key(row: &Row<'_>, pbx: &str, linkedid: &str) -> rusqlite::Result<Option<CallKey>> {
    let (pbx, linkedid): (Option<String>, Option<String>) = (row.get(pbx)?, row.get(linkedid)?);
    Ok(pbx.zip(linkedid).map(|(pbx, linkedid)| CallKey::new(&PbxId::new(&pbx), &linkedid)))
}

fn attempt_result(row: &Row<'_>) -> rusqlite::Result<Option<AttemptResult>> {
    let result: Option<String> = row.get("result")?;
    Ok(match result {
        None => None,
        Some(_) => Some(word!(row, "result", AttemptResult)),
    })
}

/// Who won a missed customer back and when, from a row of `calls`.
pub(crate) fn recovered(row: &Row<'_>) -> rusqlite::Result<Option<(RecoveredBy, Millis)>> {
    let by: Option<String> = row.get("recovered_by")?;
    if by.is_none() {
        return Ok(None);
    }
    Ok(Some((word!(row, "recovered_by", RecoveredBy), row.get("recovered_ms")?)))
}

/// The callback of this id.
pub(crate) fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<CallbackRow>> {
    connection.prepare_cached(CALLBACK)?.query_row([id], callback).optional()
}
