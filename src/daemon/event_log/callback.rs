//! What the operator reads of callbacks: queued, offered, connected or not, and how they end.

use super::seconds;
use crate::config::ShowNumbers;
use crate::log::{Masked, Remark, Wire};
use callbackd_core::callbacks::attempt::originate::Originate;
use callbackd_core::callbacks::task::{OURSELVES, reason};
use callbackd_core::millis::Millis;
use callbackd_core::model::presence::Presence;
use callbackd_core::model::{AttemptResult, AttemptRow, CallbackChange, CallbackRow, DoNotCall, PbxId};
use tracing::field::display;

/// A callback's change is on the disk.
pub(crate) fn changed(change: &CallbackChange, show: ShowNumbers, now_ms: Millis) {
    let row = &change.row;
    let Some(step) = &change.change else { return };
    let number = row.number_e164.as_deref().map(|number| display(Masked { number, show }));
    let queue = row.queue.as_deref().map(|q| display(Wire(q)));
    let why = Some(row.reason.as_str()).filter(|r| !r.is_empty()).map(|text| display(Remark { text, show }));
    let by = Some(step.by.as_str()).filter(|by| *by != OURSELVES).map(|by| display(Wire(by)));
    let callback = row.id;
    let call_pbx = change.miss.as_ref().filter(|call| call.pbx != row.pbx).map(|call| display(&call.pbx));
    if change.late {
        let late_s = row.requested_for_ms.map(|at| seconds((now_ms - at).max(0)));
        tracing::warn!(
            target: "callback", callback, pbx = %row.pbx, queue, number, state = %row.state, reason = why, late_s,
            "Requested callback is late; its customer still waits (callbackd callbacks show <id>)"
        );
        return;
    }
    match (&change.miss, row.closed_ms) {
        (Some(call), Some(_)) => tracing::info!(
            target: "callback", callback, pbx = %row.pbx, call = %Wire(&call.linkedid), call_pbx, number, state = %row.state, reason = why,
            "This missed call gets no callback"
        ),
        (Some(call), None) if row.missed_count > 1 => tracing::info!(
            target: "callback", callback, pbx = %row.pbx, call = %Wire(&call.linkedid), call_pbx, queue, number, missed = row.missed_count,
            "Missed again; merged into the open callback"
        ),
        (Some(call), None) => tracing::info!(
            target: "callback", callback, pbx = %row.pbx, call = %Wire(&call.linkedid), call_pbx, queue, number,
            due_in_s = seconds((row.due_ms - now_ms).max(0)),
            "Callback queued"
        ),
        (None, Some(_)) => tracing::info!(
            target: "callback", callback, pbx = %row.pbx, state = %row.state, reason = why, number, by,
            attempts = row.attempts, missed = row.missed_count,
            "Callback closed"
        ),
        (None, None) if by.is_some() => tracing::info!(
            target: "callback", callback, pbx = %row.pbx, state = %row.state, reason = why, number, by, note = %Remark { text: &step.note, show },
            "Callback changed by hand"
        ),
        (None, None) if [reason::RETRY_DELAY, reason::UNPROVEN].contains(&row.reason.as_str()) => tracing::info!(
            target: "callback", callback, pbx = %row.pbx, reason = why, retry_in_s = seconds((row.due_ms - now_ms).max(0)),
            "Callback waits for the next attempt"
        ),
        (None, None) => tracing::debug!(
            target: "callback", callback, pbx = %row.pbx, state = %row.state, reason = why, note = %Remark { text: &step.note, show },
            "Callback state changed"
        ),
    }
}

/// The daemon ends with a change of an open callback that is not on the disk.
pub(crate) fn unwritten(row: &CallbackRow, show: ShowNumbers) {
    let number = row.number_e164.as_deref().map(|number| display(Masked { number, show }));
    tracing::error!(
        target: "callback", callback = row.id, pbx = %row.pbx, state = %row.state, number,
        "Change of a callback lost: could not be written before shutdown; the customer may not be called back"
    );
}

/// An agent is about to be rung for a callback, or its customer.
pub(crate) fn offered(pbx: &PbxId, originate: &Originate, presence: Option<&dyn Presence>, now_ms: Millis) {
    let idle_s = presence.and_then(|f| f.agent(&originate.agent)).map(|a| seconds((now_ms - a.since_ms).max(0)));
    let (callback, attempt, agent) = (originate.callback_id, originate.n, Wire(&originate.agent));
    tracing::info!(target: "callback", callback, %pbx, attempt, %agent, idle_s, "Callback offered");
}

/// An attempt's row is on the disk; it is logged when the attempt is over.
pub(crate) fn attempt_ended(row: &AttemptRow, show: ShowNumbers) {
    let Some(result) = row.result else { return };
    let (callback, attempt) = (row.callback_id, row.n);
    let agent = row.agent.as_deref().map(|a| display(Wire(a)));
    let detail = Some(row.detail.as_str()).filter(|d| !d.is_empty()).map(|text| display(Remark { text, show }));
    match result {
        AttemptResult::Connected => {
            tracing::info!(target: "callback", callback, pbx = %row.pbx, attempt, agent, talk_s = seconds(row.talk_ms), "Callback connected");
        }
        AttemptResult::Lost => tracing::warn!(
            target: "callback", callback, pbx = %row.pbx, attempt, agent, reason = detail,
            "How this callback attempt ended is unknown; the customer is not called again before callback.retry.lost has passed"
        ),
        AttemptResult::OriginateError => tracing::warn!(
            target: "callback", callback, pbx = %row.pbx, attempt, agent, reason = detail,
            "This callback attempt could not be made; it is tried again (callbackd check --connect shows what is missing)"
        ),
        _ => {
            tracing::info!(target: "callback", callback, pbx = %row.pbx, attempt, agent, %result, reason = detail, "Callback not connected")
        }
    }
}

/// Number added to the do-not-call list.
pub(crate) fn dnc_added(entry: &DoNotCall, show: ShowNumbers) {
    let number = Masked { number: &entry.number_e164, show };
    let (reason, by) = (Remark { text: &entry.reason, show }, Wire(&entry.by));
    tracing::info!(target: "callback", %number, %reason, %by, "Number added to the do-not-call list");
}

/// Number removed from the do-not-call list.
pub(crate) fn dnc_removed(number: &str, show: ShowNumbers) {
    tracing::info!(target: "callback", number = %Masked { number, show }, "Number removed from the do-not-call list");
}
