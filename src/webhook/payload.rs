//! The `data` of a message: what a task in a CRM needs of a change. Its fields are in `config/webhook/fields.rs`; their names are a contract.

use super::endpoint::{Scripts, rfc3339};
use crate::store::StoredCall;
use crate::store::feed::{Change, ChangedRow};
use crate::store::webhooks::{History, PastCall};
use callbackd_core::millis::Millis;
use callbackd_core::model::{AttemptRow, CallbackRow, ChangeKind};
use serde_json::{Map, Value, json};

/// A change, and what is looked up for it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    /// Name of the site.
    pub(crate) site: &'a str,
    /// What became true.
    pub(crate) change: &'a Change,
    /// What is known of the customer from before.
    pub(crate) history: Option<&'a History>,
    /// The callback of a call.
    pub(crate) callback: Option<&'a CallbackRow>,
}

/// Where a customer's number stands in a change, and from when on it is news.
pub(super) fn customer(change: &Change) -> Option<(&str, Millis)> {
    let Some(row) = &change.row else {
        let said = change.payload.as_ref().filter(|_| change.kind.is_of_call_in_progress())?;
        return Some((said["number_e164"].as_str()?, said["started_ms"].as_i64()?));
    };
    match row {
        ChangedRow::Call(stored) => Some((stored.call.number_e164.as_deref()?, stored.call.started_ms)),
        ChangedRow::Callback { row, .. } => Some((row.number_e164.as_deref()?, row.first_missed_ms)),
        ChangedRow::Attempt { of, .. } => {
            let of = of.as_ref()?;
            Some((of.number_e164.as_deref()?, of.first_missed_ms))
        }
    }
}

pub(super) fn data(subject: &Subject<'_>, scripts: &Scripts) -> Map<String, Value> {
    let Subject { site, change, .. } = subject;
    let mut all = Map::new();
    all.insert("site".to_owned(), json!(site));
    all.insert("pbx".to_owned(), json!(Some(&change.pbx).filter(|pbx| !pbx.is_empty())));
    let more = match &change.row {
        Some(ChangedRow::Call(stored)) => call(stored, subject, scripts),
        Some(ChangedRow::Callback { row, rev }) => callback(row, *rev, subject, scripts),
        Some(ChangedRow::Attempt { row, of }) => attempt(row, of.as_deref(), subject, scripts),
        None if change.kind.is_of_call_in_progress() => in_progress(subject, scripts),
        None => json!({ "key": change.key, "rev": change.rev, "payload": change.payload }),
    };
    if let Value::Object(more) = more {
        all.extend(more);
    }
    if change.kind == ChangeKind::CallTagged {
        for field in ["code", "note", "by", "removed"] {
            all.insert(field.to_owned(), change.payload.as_ref().map_or(Value::Null, |said| said[field].clone()));
        }
    }
    all
}

fn call(stored: &StoredCall, subject: &Subject<'_>, scripts: &Scripts) -> Value {
    let StoredCall { rev, call, recovered, .. } = stored;
    let callback = subject.callback.map(|row| {
        json!({ "id": row.id, "state": row.state, "reason": row.reason, "due": rfc3339(row.due_ms), "attempts": row.attempts })
    });
    let tags: Vec<Value> =
        call.tags.iter().map(|tag| json!({ "code": tag.code, "note": tag.note, "by": tag.by })).collect();
    let ratings: Vec<Value> =
        call.ratings.iter().map(|rating| json!({ "score": rating.score, "by": rating.by })).collect();
    json!({
        "linkedid": call.linkedid,
        "rev": rev,
        "quality": call.quality,
        "direction": call.direction,
        "status": call.status,
        "outcome": call.outcome,
        "why": call.why.join("; "),
        "number": call.number,
        "number_e164": call.number_e164,
        "name": call.name,
        "history": subject.history.map(history),
        "last_agent": subject.history.and_then(|history| history.last_agent.as_ref()?.agent.as_deref()),
        "did": call.did,
        "did_label": scripts.of_did(call.did.as_deref()),
        "trunk": call.trunk,
        "queue": call.queue,
        "agent": call.agent,
        "started": rfc3339(call.started_ms),
        "answered": call.answered_ms.map(rfc3339),
        "ended": rfc3339(call.ended_ms),
        "wait_s": seconds(call.wait_ms),
        "talk_s": seconds(call.talk_ms),
        "hangup_by": call.hangup_by,
        "voicemail": call.voicemail,
        "recovered_by": recovered.map(|(by, _)| by),
        "recovered": recovered.map(|(_, at_ms)| rfc3339(at_ms)),
        "tags": tags,
        "ratings": ratings,
        "callback_id": call.callback_id,
        "callback": callback,
        "script": scripts.of_queue(&subject.change.pbx, call.queue.as_deref()),
    })
}

fn callback(row: &CallbackRow, rev: i64, subject: &Subject<'_>, scripts: &Scripts) -> Value {
    // What the change itself said: the row may have gone on since.
    let said = |field: &str| subject.change.payload.as_ref().map_or(Value::Null, |payload| payload[field].clone());
    json!({
        "id": row.id,
        "rev": rev,
        "state": subject.change.payload.as_ref().map_or_else(|| json!(row.state), |payload| payload["state"].clone()),
        "reason": subject.change.payload.as_ref().map_or_else(|| json!(row.reason), |payload| payload["reason"].clone()),
        "by": said("by"),
        "note": said("note"),
        "number": row.number_e164,
        "number_e164": row.number_e164,
        "name": row.name,
        "history": subject.history.map(history),
        "last_agent": row.owner,
        "queue": row.queue,
        "did": row.did,
        "did_label": scripts.of_did(row.did.as_deref()),
        "requested": row.requested,
        "attempts": row.attempts,
        "missed_count": row.missed_count,
        "first_missed": rfc3339(row.first_missed_ms),
        "last_missed": rfc3339(row.last_missed_ms),
        "language": row.language,
        "requested_for": row.requested_for_ms.map(rfc3339),
        "due": rfc3339(row.due_ms),
        "expires": rfc3339(row.expires_ms),
        "closed": row.closed_ms.map(rfc3339),
        "linkedid": row.first_miss.as_ref().map(|call| &*call.linkedid),
        "resolved_by": row.resolved_by.as_ref().map(|call| &*call.linkedid),
        "script": scripts.of_queue(&row.pbx, row.queue.as_deref()),
    })
}

/// A call that is not over: its row may be gone by now, and `payload` is what was recorded of it.
fn in_progress(subject: &Subject<'_>, scripts: &Scripts) -> Value {
    let Subject { change, history: known, .. } = subject;
    let said = |field: &str| change.payload.as_ref().map_or(Value::Null, |payload| payload[field].clone());
    let at = |field: &str| said(field).as_i64().map(rfc3339);
    let (did, queue) = (said("did"), said("queue"));
    json!({
        "linkedid": change.key,
        "rev": change.rev,
        "direction": "inbound",
        "number": said("number"),
        "number_e164": said("number_e164"),
        "name": said("name"),
        "history": known.map(history),
        "last_agent": known.and_then(|history| history.last_agent.as_ref()?.agent.as_deref()),
        "did": did,
        "did_label": scripts.of_did(did.as_str()),
        "trunk": said("trunk"),
        "queue": queue,
        "agent": said("agent"),
        "started": at("started_ms"),
        "answered": at("answered_ms"),
        "script": scripts.of_queue(&change.pbx, queue.as_str()),
    })
}

fn attempt(row: &AttemptRow, of: Option<&CallbackRow>, subject: &Subject<'_>, scripts: &Scripts) -> Value {
    let queue = of.and_then(|of| of.queue.as_deref());
    json!({
        "rev": subject.change.rev,
        "number": of.map(|of| &of.number_e164),
        "number_e164": of.map(|of| &of.number_e164),
        "name": of.map(|of| &of.name),
        "history": subject.history.map(history),
        "queue": queue,
        "did": of.map(|of| &of.did),
        "did_label": of.and_then(|of| scripts.of_did(of.did.as_deref())),
        "state": of.map(|of| of.state),
        "due": of.map(|of| rfc3339(of.due_ms)),
        "script": scripts.of_queue(&row.pbx, queue),
        "callback_id": row.callback_id,
        "n": row.n,
        "agent": row.agent,
        "result": row.result,
        "detail": row.detail,
        "started": rfc3339(row.intended_ms),
        "ended": row.ended_ms.map(rfc3339),
        "talk_s": seconds(row.talk_ms),
        "linkedid": row.linkedid,
    })
}

fn history(history: &History) -> Value {
    let call = |call: &PastCall| {
        json!({ "at": rfc3339(call.at_ms), "pbx": call.pbx, "direction": call.direction, "status": call.status, "outcome": call.outcome,
                "agent": call.agent })
    };
    json!({ "calls": history.calls, "last": history.last.as_ref().map(call), "last_agent": history.last_agent.as_ref().map(call) })
}

/// With three digits behind the point at most.
#[expect(clippy::cast_precision_loss, reason = "no call lasts for so long")]
fn seconds(ms: Millis) -> f64 {
    ms as f64 / 1_000.0
}
