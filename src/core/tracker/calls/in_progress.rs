//! Customers' calls in progress, recorded while they last: a run that is killed leaves them to the next one, which records how they ended.

use crate::millis::Millis;
use crate::model::presence::Phase;
use crate::model::{CallInProgress, FinishedCall, Outcome, QueueVisit, Record, Status, VisitResult};
use crate::order::InOrder as _;
use crate::tracker::calls::call::{Call, Origin, Stage, TrackedLeg, TrackedVisit};
use crate::tracker::calls::talk::Talking;
use crate::tracker::calls::user_event::is_wish;
use crate::tracker::table::Slot;
use crate::tracker::{Output, Tracker};
use crate::verdict::UNDECIDED;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Calls that were in progress when the last run ended without a word, and when it had last said that it saw the PBX.
#[derive(Debug)]
pub(crate) struct Leftover {
    calls: BTreeMap<String, CallInProgress>,
    seen_ms: Option<Millis>,
}

impl Leftover {
    pub(crate) fn seen(seen_ms: Option<Millis>) -> Self {
        Self { calls: BTreeMap::new(), seen_ms }
    }
}

impl Tracker {
    /// Takes the customers' calls that were in progress when the last run crashed. As many are taken as there may be channels.
    pub fn knows_calls(&mut self, calls: impl IntoIterator<Item = CallInProgress>) {
        self.calls.left.calls =
            calls.into_iter().take(self.calls.budget.channels).map(|call| (call.linkedid.clone(), call)).collect();
    }

    /// The row of this call has been recorded: its row in progress is obsolete.
    pub fn has_its_row(&mut self, linkedid: &str) {
        self.calls.left.calls.remove(linkedid);
    }

    /// A run that was killed has left this call; its linkedid is the uniqueid of the channel that began it.
    pub(crate) fn was_left_in_progress(&self, linkedid: &str) -> bool {
        self.calls.left.calls.contains_key(linkedid)
    }

    /// A call has begun, is in another queue, is answered, or something was said of it.
    pub(crate) fn progress_changes(&mut self, slot: Slot) {
        let call = &self.calls[slot];
        if call.origin != Origin::Trunk || call.stage != Stage::Live || call.orphaned {
            return;
        }
        if self.was_left_in_progress(&call.linkedid) {
            return; // more is known of it than the lists have shown
        }
        let joined_ms = call.queue_visits.last().map(|queue_visit| queue_visit.joined_ms);
        let as_recorded = |recorded: &CallInProgress| {
            recorded.number == call.number
                && recorded.did == call.did
                && recorded.joined_ms == joined_ms
                && recorded.answered_ms == call.talk.first_ms
                && recorded.remarks == call.remarks()
        };
        if call.in_progress.as_deref().is_some_and(as_recorded) {
            return;
        }
        let now = Arc::new(self.so_far(call));
        self.outputs.push_back(Output::Record(Record::InProgress(Arc::clone(&now))));
        self.calls.call_mut(slot).recorded_in_progress(now);
    }

    /// Where a call that lives is.
    pub(crate) fn phase(&self, call: &Call) -> Phase {
        let is_up = |leg: &&TrackedLeg| self.topology.channel(leg.channel).ended_ms.is_none();
        let mut legs = call.attempts.iter().filter(is_up);
        // Of a call within the house no talk is measured: whoever has answered is on it.
        let within = call.origin == Origin::Extension && !call.trunk_dialled;
        if call.talk.state() != Talking::No || within && legs.clone().any(|leg| leg.answered_ms.is_some()) {
            Phase::Talking
        } else if call.waits_in.is_some() {
            Phase::Waiting
        } else if legs.any(|leg| leg.answered_ms.is_none() && leg.ended_ms.is_none()) {
            Phase::Ringing
        } else {
            Phase::Ivr
        }
    }

    /// What is known of a call by now.
    pub(crate) fn so_far(&self, call: &Call) -> CallInProgress {
        let queue_visit = call.queue_visits.last();
        CallInProgress {
            pbx: self.pbx.clone(),
            linkedid: call.linkedid.to_string(),
            number: call.number.clone(),
            number_e164: self.number_e164(call),
            name: call.name.clone(),
            did: call.did.clone(),
            trunk: call.trunk.clone(),
            queue: queue_visit
                .map(|queue_visit| &queue_visit.queue)
                .or(call.for_queue.as_ref())
                .map(ToString::to_string),
            agent: self.agent(call),
            started_ms: call.started_ms,
            joined_ms: queue_visit.map(|queue_visit| queue_visit.joined_ms),
            answered_ms: call.talk.first_ms,
            remarks: call.remarks(),
        }
    }

    /// A call that was recorded as in progress is none of its own, or ends without a row.
    pub(crate) fn progress_of_a_call_gone(&mut self, gone: &Call) {
        if let Some(recorded) = gone.in_progress.as_ref().filter(|_| gone.recorded.is_none()) {
            self.outputs.push_back(not_in_progress(recorded));
        }
    }

    /// The first lists of this run have come: of the calls of the last one those that live are taken up, and the others have ended in the gap.
    /// Returns how many.
    pub(crate) fn calls_left_end(&mut self) -> u32 {
        let from = self.calls.left.seen_ms.unwrap_or(self.now.wall_ms).min(self.now.wall_ms);
        let mut lost = 0;
        for (linkedid, old) in std::mem::take(&mut self.calls.left.calls) {
            // The caller may have come to another's linkedid, and the phones that were rung may outlive the caller under the first one.
            let own = self.topology.find(&linkedid).filter(|slot| self.topology.channel(*slot).ended_ms.is_none());
            let customers = |slot: &Slot| self.calls[*slot].origin == Origin::Trunk;
            let call = own.map(|slot| self.topology.channel(slot).call);
            match call.or_else(|| self.calls.find(&linkedid).filter(customers)) {
                Some(slot) if customers(&slot) && *self.calls[slot].linkedid == *linkedid => {
                    self.takes_up(slot, old, from)
                }
                Some(_) => self.outputs.push_back(not_in_progress(&old)),
                None => {
                    lost += 1;
                    self.outputs.push_back(Output::Record(Record::Call(Arc::new(ended_unseen(old, from)))));
                }
            }
        }
        lost
    }

    /// What was known of a call before anyone looked away.
    fn takes_up(&mut self, slot: Slot, old: CallInProgress, from: Millis) {
        if self.calls[slot].stage == Stage::Recorded {
            return;
        }
        self.calls.call_mut(slot).goes_on_from(old, from);
        self.waiting_changes(slot);
        self.calls.mark(slot);
    }
}

impl Call {
    /// This was recorded of it as in progress.
    fn recorded_in_progress(&mut self, row: Arc<CallInProgress>) {
        self.in_progress = Some(row);
    }

    /// What was recorded of it before anyone looked away, at `from`.
    fn goes_on_from(&mut self, old: CallInProgress, from: Millis) {
        self.started_ms = self.started_ms.min(old.started_ms);
        // The lists say where in the dialplan the caller is now, not what was dialled.
        self.did = old.did.clone().or(self.did.take());
        self.number = self.number.take().or_else(|| old.number.clone());
        self.name = self.name.take().or_else(|| old.name.clone());
        if let (Some(queue), Some(joined_ms)) = (&old.queue, old.joined_ms)
            && !self.queue_visits.iter().any(|queue_visit| *queue_visit.queue == **queue)
        {
            self.queue_visits.push(TrackedVisit { in_doubt: true, ..TrackedVisit::began(queue, None, joined_ms) });
            self.queue_visits.order_by_key(|queue_visit| queue_visit.joined_ms);
        }
        if let Some(remarks) = &old.remarks {
            self.had_remarks(remarks);
        }
        // The customer was served, whatever happens now.
        if let Some(answered_ms) = old.answered_ms {
            self.had_talked(answered_ms, from.max(answered_ms));
        }
        self.in_progress = Some(Arc::new(old));
    }
}

fn not_in_progress(call: &CallInProgress) -> Output {
    Output::Record(Record::NotInProgress { pbx: call.pbx.clone(), linkedid: call.linkedid.clone() })
}

/// The row of a call of which only the beginning was seen.
fn ended_unseen(mut call: CallInProgress, from: Millis) -> FinishedCall {
    // Times of one call may be by the clocks of both machines: a list gives its age, events give their time.
    let times = || [Some(call.started_ms), call.joined_ms, call.answered_ms].into_iter().flatten();
    let started_ms = times().fold(call.started_ms, Millis::min);
    let ended_ms = times().fold(from, Millis::max);
    let (answered, wait_end_ms) = (call.answered_ms.is_some(), call.answered_ms.unwrap_or(ended_ms));
    let visit = call.queue.clone().zip(call.joined_ms);
    let visits: Vec<QueueVisit> = visit
        .into_iter()
        .map(|(queue, joined_ms)| QueueVisit {
            queue,
            joined_ms,
            left_ms: wait_end_ms.max(joined_ms),
            position: None,
            result: VisitResult::Unknown,
        })
        .collect();
    let (status, outcome, first) = match answered {
        true => (Status::Answer, Outcome::Agent, "talked with a person; how long is not known"),
        false => (Status::Unknown, Outcome::Gap, UNDECIDED),
    };
    let mut why = vec![first.to_owned(), "it ended while callbackd was not running".to_owned()];
    // Who was served after the wish has what was asked for.
    if let (Some(remarks), Some(answered)) = (&mut call.remarks, call.answered_ms) {
        remarks.tags.retain(|tag| !is_wish(tag) || tag.at_ms >= answered);
    }
    why.extend(visits.iter().map(|visit| format!("queue {}: {}", visit.queue, visit.result)));
    FinishedCall {
        status,
        outcome,
        talk_ms: if answered { ended_ms - wait_end_ms } else { 0 },
        why,
        ..CallInProgress { started_ms, ..call }.ended(ended_ms, visits)
    }
}
