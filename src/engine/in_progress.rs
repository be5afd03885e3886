//! Customers' calls in progress, told while they last: a run that is killed leaves them to the next one, which says what became of them.

use super::call::{Call, Origin, Stage, Stay};
use super::record::{
    CallInProgress, Direction, FinishedCall, HangupBy, Outcome, Quality, QueueVisit, Record, Status, VisitResult,
};
use super::table::Slot;
use super::{Engine, MAX_CHANNELS, Output};
use crate::ami::event::Millis;

impl Engine {
    /// Tells it which customers' calls were in progress when the last run ended without a word. At most [`MAX_CHANNELS`] are taken.
    pub fn knows_calls(&mut self, calls: impl IntoIterator<Item = CallInProgress>) {
        self.calls_of_old = calls.into_iter().take(MAX_CHANNELS).collect();
    }

    /// A call has begun, or is in another queue.
    pub(super) fn progress_changes(&mut self, slot: Slot) {
        let call = &self.calls[slot];
        if call.origin != Origin::Trunk || call.stage != Stage::Live || call.remnant {
            return;
        }
        if self.calls_of_old.iter().any(|old| *old.linkedid == *call.linkedid) {
            return; // more is known of it than the lists have told
        }
        let stay = call.stays.last();
        let as_told = |told: &CallInProgress| {
            told.number == call.number && told.did == call.did && told.joined_ms == stay.map(|stay| stay.joined_ms)
        };
        if call.in_progress.as_deref().is_some_and(as_told) {
            return;
        }
        let now = CallInProgress {
            pbx: self.pbx.clone(),
            linkedid: call.linkedid.to_string(),
            number: call.number.clone(),
            number_e164: self.number_e164(call),
            name: call.name.clone(),
            did: call.did.clone(),
            trunk: call.trunk.clone(),
            queue: stay.map(|stay| stay.queue.to_string()),
            started_ms: call.started_ms,
            joined_ms: stay.map(|stay| stay.joined_ms),
        };
        self.outputs.push_back(Output::Record(Record::InProgress(Box::new(now.clone()))));
        self.calls[slot].in_progress = Some(Box::new(now));
    }

    /// A call that was told as in progress is none of its own, or ends without a row.
    pub(super) fn progress_of_a_call_gone(&mut self, gone: &Call) {
        if let Some(told) = gone.in_progress.as_ref().filter(|_| gone.told.is_none()) {
            let (pbx, linkedid) = (told.pbx.clone(), told.linkedid.clone());
            self.outputs.push_back(Output::Record(Record::NotInProgress { pbx, linkedid }));
        }
    }

    /// The first lists of this run have come: of the calls of the last one those that live are taken up, and the others have ended unseen,
    /// at the earliest then. Returns how many.
    pub(super) fn calls_of_old_end(&mut self, from: Millis) -> u32 {
        let mut lost = 0;
        for old in std::mem::take(&mut self.calls_of_old) {
            match self.calls.find(&old.linkedid) {
                Some(slot) => self.takes_up(slot, &old),
                None => {
                    lost += 1;
                    self.outputs.push_back(Output::Record(Record::Call(Box::new(ended_unseen(old, from)))));
                }
            }
        }
        lost
    }

    /// What was known of a call before anyone looked away.
    fn takes_up(&mut self, slot: Slot, old: &CallInProgress) {
        let call = &mut self.calls[slot];
        if call.origin != Origin::Trunk || call.stage == Stage::Told {
            return;
        }
        call.started_ms = call.started_ms.min(old.started_ms);
        // The lists tell where in the dialplan he is now, not what he dialled.
        call.did = old.did.clone().or(call.did.take());
        call.number = call.number.take().or_else(|| old.number.clone());
        call.name = call.name.take().or_else(|| old.name.clone());
        if let (Some(queue), Some(joined_ms)) = (&old.queue, old.joined_ms)
            && !call.stays.iter().any(|stay| *stay.queue == **queue)
        {
            call.stays.push(Stay { in_doubt: true, ..Stay::began(queue, None, joined_ms) });
            call.stays.sort_by_key(|stay| stay.joined_ms);
        }
        self.waiting_changes(slot);
        self.mark(slot);
    }
}

/// The row of a call of which only the beginning was seen.
fn ended_unseen(call: CallInProgress, from: Millis) -> FinishedCall {
    let ended_ms = from.max(call.started_ms).max(call.joined_ms.unwrap_or(from));
    let visit = call.queue.clone().zip(call.joined_ms);
    let visits: Vec<QueueVisit> = visit
        .into_iter()
        .map(|(queue, joined_ms)| QueueVisit {
            queue,
            joined_ms,
            left_ms: ended_ms,
            position: None,
            result: VisitResult::Unknown,
        })
        .collect();
    let mut why = vec!["it ended while callbackd was not running".to_owned()];
    why.extend(visits.iter().map(|visit| format!("queue {}: {}", visit.queue, visit.result)));
    FinishedCall {
        pbx: call.pbx,
        linkedid: call.linkedid,
        direction: Direction::Inbound,
        status: Status::Unknown,
        outcome: Outcome::Gap,
        number: call.number,
        number_e164: call.number_e164,
        name: call.name,
        did: call.did,
        trunk: call.trunk,
        queue: call.queue,
        agent: None,
        started_ms: call.started_ms,
        answered_ms: None,
        ended_ms,
        wait_ms: ended_ms - call.started_ms,
        queue_wait_ms: visits.iter().map(|visit| visit.left_ms - visit.joined_ms).sum(),
        ring_ms: 0,
        talk_ms: 0,
        hold_ms: 0,
        hangup_by: HangupBy::Unknown,
        hangup_cause: None,
        transfers: 0,
        voicemail: false,
        quality: Quality::Gap,
        why,
        callback_id: None,
        legs: Vec::new(),
        visits,
        ivr: Vec::new(),
        tags: Vec::new(),
        ratings: Vec::new(),
    }
}
