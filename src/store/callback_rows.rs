//! Callbacks, their history and attempts, and those not to be called: records to rows and rows to records.

use super::questions::CALLBACK;
use super::rows::{e164, number_e164, pbx, unknown, word};
use callbackd_core::ami::event::Millis;
use callbackd_core::model::{
    AttemptResult, AttemptRow, CallKey, CallbackChange, CallbackRow, CallbackState, CallbackStep, DoNotCall, PbxId,
    RecoveredBy,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Writes a callback as it is after a change, the change itself, and what both mean to the rows of calls.
pub fn put_callback(connection: &Connection, change: &CallbackChange) -> rusqlite::Result<()> {
    let row = &change.row;
    connection
        .prepare_cached(
            "INSERT INTO callbacks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET
                 pbx = excluded.pbx, name = excluded.name, state = excluded.state, reason = excluded.reason, queue = excluded.queue, did = excluded.did,
                 owner = excluded.owner, assigned = excluded.assigned, requested = excluded.requested, priority = excluded.priority,
                 missed_count = excluded.missed_count, first_missed_ms = excluded.first_missed_ms,
                 last_missed_ms = excluded.last_missed_ms, due_ms = excluded.due_ms, expires_ms = excluded.expires_ms,
                 attempts = excluded.attempts, counted = excluded.counted, resolved_by = excluded.resolved_by,
                 closed_ms = excluded.closed_ms, resolved_by_pbx = excluded.resolved_by_pbx",
        )?
        .execute(params![
            row.id,
            row.pbx.as_str(),
            row.number_e164.as_deref(),
            row.name,
            row.state.as_str(),
            row.reason,
            row.queue,
            row.did,
            row.owner,
            row.assigned,
            row.requested,
            row.priority,
            row.missed_count,
            row.first_missed_ms,
            row.last_missed_ms,
            row.due_ms,
            row.expires_ms,
            row.attempts,
            row.counted,
            row.first_miss.as_ref().map(|call| &*call.linkedid),
            row.resolved_by.as_ref().map(|call| &*call.linkedid),
            row.closed_ms,
            row.first_miss.as_ref().map(|call| call.pbx.as_str()),
            row.resolved_by.as_ref().map(|call| call.pbx.as_str()),
        ])?;
    if let Some(event) = &change.change {
        connection
            .prepare_cached(
                "INSERT INTO callback_events SELECT ?1, coalesce(max(n) + 1, 0), ?2, ?3, ?4, ?5, ?6
                   FROM callback_events WHERE callback_id = ?1",
            )?
            .execute(params![row.id, event.at_ms, event.state.as_str(), event.reason, event.by, event.note])?;
    }
    if let Some(miss) = &change.miss {
        connection
            .prepare_cached("UPDATE calls SET callback_id = ? WHERE pbx = ? AND linkedid = ?")?
            .execute(params![row.id, miss.pbx.as_str(), &*miss.linkedid])?;
    }
    if let Some((by, at_ms)) = change.recovered {
        // An earlier recovery stands: the same number may have been missed, won back and missed again.
        connection
            .prepare_cached(
                "UPDATE calls SET recovered_by = ?, recovered_ms = ?
                  WHERE callback_id = ? AND direction = 'inbound' AND status <> 'ANSWER' AND recovered_by IS NULL",
            )?
            .execute(params![by.as_str(), at_ms, row.id])?;
    }
    Ok(())
}

/// Writes an attempt as it is now.
pub fn put_attempt(connection: &Connection, row: &AttemptRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO callback_attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (callback_id, n) DO UPDATE SET
                 agent = excluded.agent, agent_answered_ms = excluded.agent_answered_ms,
                 customer_answered_ms = excluded.customer_answered_ms, ended_ms = excluded.ended_ms, talk_ms = excluded.talk_ms,
                 result = excluded.result, detail = excluded.detail, linkedid = excluded.linkedid",
        )?
        .execute(params![
            row.callback_id,
            row.n,
            row.pbx.as_str(),
            row.channel_id,
            row.agent,
            row.intended_ms,
            row.agent_answered_ms,
            row.customer_answered_ms,
            row.ended_ms,
            row.talk_ms,
            row.result.map(AttemptResult::as_str),
            row.detail,
            row.linkedid,
        ])?;
    Ok(())
}

/// Puts a number on the list of those not to be called.
pub fn put_forbidden(connection: &Connection, entry: &DoNotCall) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR REPLACE INTO do_not_call VALUES (?, ?, ?, ?, ?)")?.execute(params![
        entry.number_e164.as_str(),
        entry.reason,
        entry.by,
        entry.added_ms,
        entry.until_ms
    ])?;
    Ok(())
}

/// Takes a number off that list.
pub fn delete_forbidden(connection: &Connection, number_e164: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM do_not_call WHERE number_e164 = ?")?.execute([number_e164])?;
    Ok(())
}

/// A row of `callbacks`.
pub fn callback(row: &Row<'_>) -> rusqlite::Result<CallbackRow> {
    Ok(CallbackRow {
        id: row.get("id")?,
        pbx: pbx(row)?,
        number_e164: number_e164(row)?,
        name: row.get("name")?,
        state: word!(row, "state", CallbackState),
        reason: row.get("reason")?,
        queue: row.get("queue")?,
        did: row.get("did")?,
        owner: row.get("owner")?,
        assigned: row.get("assigned")?,
        requested: row.get("requested")?,
        priority: row.get("priority")?,
        missed_count: row.get("missed_count")?,
        first_missed_ms: row.get("first_missed_ms")?,
        last_missed_ms: row.get("last_missed_ms")?,
        due_ms: row.get("due_ms")?,
        expires_ms: row.get("expires_ms")?,
        attempts: row.get("attempts")?,
        counted: row.get("counted")?,
        first_miss: call_key(row, "linkedid_pbx", "linkedid")?,
        resolved_by: call_key(row, "resolved_by_pbx", "resolved_by")?,
        closed_ms: row.get("closed_ms")?,
    })
}

/// The call of these two columns.
fn call_key(row: &Row<'_>, pbx: &str, linkedid: &str) -> rusqlite::Result<Option<CallKey>> {
    let (pbx, linkedid): (Option<String>, Option<String>) = (row.get(pbx)?, row.get(linkedid)?);
    Ok(pbx.zip(linkedid).map(|(pbx, linkedid)| CallKey::new(&PbxId::new(&pbx), &linkedid)))
}

/// A row of `callback_events`.
pub fn event(row: &Row<'_>) -> rusqlite::Result<CallbackStep> {
    Ok(CallbackStep {
        at_ms: row.get("at_ms")?,
        state: word!(row, "state", CallbackState),
        reason: row.get("reason")?,
        by: row.get("by")?,
        note: row.get("note")?,
    })
}

/// A row of `callback_attempts`.
pub fn attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRow> {
    let result: Option<String> = row.get("result")?;
    Ok(AttemptRow {
        callback_id: row.get("callback_id")?,
        n: row.get("n")?,
        pbx: pbx(row)?,
        channel_id: row.get("channel_id")?,
        agent: row.get("agent")?,
        intended_ms: row.get("intended_ms")?,
        agent_answered_ms: row.get("agent_answered_ms")?,
        customer_answered_ms: row.get("customer_answered_ms")?,
        ended_ms: row.get("ended_ms")?,
        talk_ms: row.get("talk_ms")?,
        result: match result {
            None => None,
            Some(_) => Some(word!(row, "result", AttemptResult)),
        },
        detail: row.get("detail")?,
        linkedid: row.get("linkedid")?,
    })
}

/// A row of `do_not_call`.
pub fn forbidden(row: &Row<'_>) -> rusqlite::Result<DoNotCall> {
    let text: String = row.get("number_e164")?;
    Ok(DoNotCall {
        number_e164: e164(&text)?,
        reason: row.get("reason")?,
        by: row.get("by")?,
        added_ms: row.get("added_ms")?,
        until_ms: row.get("until_ms")?,
    })
}

/// Who won a missed customer back and when, from a row of `calls`.
pub fn recovered(row: &Row<'_>) -> rusqlite::Result<Option<(RecoveredBy, Millis)>> {
    let by: Option<String> = row.get("recovered_by")?;
    if by.is_none() {
        return Ok(None);
    }
    Ok(Some((word!(row, "recovered_by", RecoveredBy), row.get("recovered_ms")?)))
}

/// The callback of this id.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<CallbackRow>> {
    connection.prepare_cached(CALLBACK)?.query_row([id], callback).optional()
}
