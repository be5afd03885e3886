//! One attempt: from the intent that is stored first to the Originate, and what its channels show.

pub(crate) mod attempts;
pub mod cdr;
pub mod dial_string;
pub mod display;
mod follow_up;
pub mod originate;
mod recovery;
pub mod result;

use crate::callbacks::group::Claim;
use crate::callbacks::pbx_action::PbxAction;
use crate::callbacks::task::OURSELVES;
use crate::callbacks::{Answer, Presences, Scheduler};
use crate::model::presence::{AgentView, Presence};
use crate::model::progress::{Progress, Step};
use crate::model::{AgentKey, AttemptResult, AttemptRow, CallbackState, E164, Record};
use std::sync::Arc;

/// An Originate that could not leave is tried again after so long (ms).
const SEND_AGAIN_MS: u64 = 200;
/// Nothing came of an Originate so long (ms) after its phones' ringing times: it is checked whether anything of it is up.
const PATIENCE_MS: u64 = 10_000;
/// A living attempt is looked after this often (ms): should its end not be seen, it must not go on for ever.
pub(crate) const LOOK_EVERY_MS: u64 = 60_000;

/// `OriginateResponse` can overtake the events of the channel that it is about, as seen on 16 under load: for so long (ms) they may still come.
pub(crate) const OVERTAKEN_MS: u64 = 1_000;

/// Nothing was heard of an Originate.
pub(crate) const NO_RESULT: &str = "the Originate had no result";

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The intent is on its way to the disk.
    Intended,
    /// The intent is on the disk; the Originate may be written.
    Committed,
    /// The Originate was written.
    Sent,
    /// Its channel has been seen.
    Seen,
}

/// An attempt that goes on.
#[derive(Debug)]
pub(crate) struct CallbackAttempt {
    /// As it is stored.
    pub row: AttemptRow,
    /// Whom it is to reach; `None` if the callback was closed before a restart, and it is only waited for its end.
    pub number: Option<E164>,
    /// Whose callback.
    pub queue: Option<String>,
    /// Who is set aside for it.
    pub reserved: Option<AgentKey>,
    /// The customer is claimed until then, by the clock that counts since the machine was started; `None` without a claim.
    pub claimed_until: Option<u64>,
    /// How far it has come.
    pub phase: Phase,
    /// Its customer was dialled, which counts for the caps of a day.
    pub dialled: bool,
    /// It was taken back, and why.
    pub aborted: Option<String>,
    /// Asterisk gave it up for this reason, and no channel of it has been seen yet.
    pub failed: Option<u16>,
    /// Coverage of the PBX was lost since the Originate was written.
    pub unlinked: bool,
    /// `Uniqueid` of the channel that has it now, if somebody else picked it up.
    pub goes_on_as: Option<String>,
    /// Queues in which the agent was paused for it, and how they dial the agent.
    pub paused: Vec<(String, String)>,
    /// When it is looked after, by the monotonic clock.
    pub look: u64,
}

impl CallbackAttempt {
    /// When it is to be looked after; not before its intent is stored.
    pub(crate) fn deadline(&self) -> Option<u64> {
        (self.phase > Phase::Intended).then_some(self.look)
    }
}

impl Scheduler {
    /// Sets an agent aside for a callback and stores the intent to dial. Nothing is dialled before it is on the disk.
    pub(crate) fn intend(&mut self, id: i64, agent: &AgentView<'_>, customer_first: bool, claim: Option<Claim>) {
        let (now, look) = (self.now.wall_ms, self.now.mono_ms);
        let Some(task) = self.tasks.get_mut(id) else { return };
        let Some(number) = task.row().number_e164.clone() else { return };
        let n = task.row().attempts + 1;
        let Some(channel_id) = self.attempts.id_of(id, n) else {
            let note = "its id is too long for a channel's uniqueid";
            return self.close(id, CallbackState::NotCallable, "", OURSELVES, note);
        };
        task.attempts_made(n);
        let (pbx, queue) = (task.row().pbx.clone(), task.row().queue.clone());
        let row = AttemptRow {
            callback_id: id,
            n,
            pbx: pbx.clone(),
            channel_id: channel_id.clone(),
            agent: (!customer_first).then(|| agent.agent.to_string()),
            intended_ms: now,
            agent_answered_ms: None,
            customer_answered_ms: None,
            ended_ms: None,
            talk_ms: 0,
            result: None,
            detail: String::new(),
            linkedid: None,
            claim_revision: claim.map(|claim| claim.revision),
        };
        let reserved = AgentKey::new(&pbx, &agent.agent);
        self.agents.reserve(&reserved, id, now);
        let attempt = CallbackAttempt {
            row: row.clone(),
            number: Some(number),
            queue,
            reserved: Some(reserved),
            claimed_until: claim.map(|claim| claim.until_boot_ms),
            phase: Phase::Intended,
            dialled: false,
            aborted: None,
            failed: None,
            unlinked: false,
            goes_on_as: None,
            paused: Vec::new(),
            look,
        };
        self.attempts.add(attempt);
        self.tasks.attempt_begins(id, &channel_id);
        self.move_to(id, CallbackState::Reserved, "", OURSELVES, &format!("attempt {n} with {}", agent.agent));
        self.store(Record::Attempt(Arc::new(row)));
    }

    /// Its intent is on the disk: the next decision dials, or takes it back.
    pub(crate) fn committed(&mut self, channel_id: &str) {
        if let Some(attempt) = self.attempts.get_mut(channel_id).filter(|a| a.phase == Phase::Intended) {
            attempt.phase = Phase::Committed;
            attempt.look = self.now.mono_ms;
        }
    }

    /// What cannot be stored is not dialled.
    pub(crate) fn store_refused(&mut self, channel_id: &str) {
        if self.attempts.get(channel_id).is_some_and(|a| a.phase == Phase::Intended) {
            self.end_attempt(channel_id, AttemptResult::OriginateError, "the database refused it", None);
        }
    }

    /// Dials what may be dialled, and looks after what nothing was heard of.
    pub(crate) fn look_after_attempts(&mut self, presences: &Presences<'_>) {
        let now = self.now.mono_ms;
        for channel_id in self.attempts.due(now) {
            let attempt = &self.attempts[channel_id.as_str()];
            let Some(presence) = presences.get(&attempt.row.pbx).copied() else { continue };
            if attempt.phase == Phase::Committed {
                self.launch(&channel_id, presence);
                continue;
            }
            if let Some(reason) = attempt.failed {
                self.given_up(&channel_id, reason);
                continue;
            }
            let lives = presence.attempt_lives(&channel_id);
            if lives || !presence.in_sync() {
                if let Some(attempt) = self.attempts.get_mut(&channel_id) {
                    attempt.look = now + LOOK_EVERY_MS;
                }
            } else if self.attempts[channel_id.as_str()].phase == Phase::Sent {
                self.end_attempt(&channel_id, AttemptResult::OriginateError, NO_RESULT, None);
            } else {
                self.end_attempt(&channel_id, AttemptResult::Lost, "its end was not seen", None);
            }
        }
    }

    /// The last look before it is dialled: minutes may have passed while the database could not be written.
    fn launch(&mut self, channel_id: &str, presence: &dyn Presence) {
        let attempt = &self.attempts[channel_id];
        if let Some(why) = attempt.aborted.clone() {
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, &why, None);
        }
        let Some(number) = attempt.number.clone() else {
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, "closed", None);
        };
        if self.customers.on_line(&number) {
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, "the customer is on the line", None);
        }
        if self.gives_way(&attempt.row.pbx) {
            let why = "another callbackd makes callbacks on this PBX";
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, why, None);
        }
        let id = attempt.row.callback_id;
        if self.tasks.get(id).is_some_and(|task| task.row().pbx != attempt.row.pbx) {
            let why = "the customer was missed on another PBX meanwhile, which calls back";
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, why, None);
        }
        if let Some((state, why)) = self.block_reason(&attempt.row.pbx, &number) {
            self.end_attempt(channel_id, AttemptResult::AbortedServed, &why, None);
            return self.close(id, state, &why, OURSELVES, "may not be called any more");
        }
        let attempt = &self.attempts[channel_id];
        let policy = self.policy(&attempt.row.pbx);
        if !policy.of(attempt.queue.as_deref()).hours.is_open(self.now.wall_ms) {
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, "customers are not called now", None);
        }
        let agent = attempt.reserved.as_ref().and_then(|a| presence.agent(&a.interface));
        let Some(agent) = agent.filter(|a| presence.in_sync() && self.free(&attempt.row.pbx, a)) else {
            return self.end_attempt(channel_id, AttemptResult::AgentBusy, originate::TAKEN, None);
        };
        let Some(task) = self.tasks.get(id) else {
            return self.end_attempt(channel_id, AttemptResult::AbortedServed, "closed", None);
        };
        let freepbx = self.freepbx.contains(&attempt.row.pbx);
        match originate::originate(policy, task.row(), &attempt.row, &agent, freepbx) {
            Err(why) => self.end_attempt(channel_id, AttemptResult::OriginateError, &why, None),
            Ok(mut originate) => {
                // The phones may ring to the end before anybody else may call.
                let rings_ms = self.rings_ms(&self.attempts[channel_id].row.pbx);
                let until = self.attempts[channel_id].claimed_until;
                originate.leaves_by_boot_ms = until.map(|until| until.saturating_sub(rings_ms));
                self.send(channel_id, originate, &agent);
            }
        }
    }

    fn send(&mut self, channel_id: &str, originate: originate::Originate, agent: &AgentView<'_>) {
        let (now, pbx) = (self.now, self.attempts[channel_id].row.pbx.clone());
        let mut paused = Vec::new();
        let customer_first = self.attempts[channel_id].row.agent.is_none();
        let policy = self.policy(&pbx);
        let (pauses, ring_ms) = (policy.pause_agent, policy.agent_ring_ms + policy.customer_ring_ms);
        // Customer first, the queue itself must be able to ring the agent.
        if pauses && !customer_first {
            for member in agent.queues.iter().filter(|m| !m.paused) {
                let (queue, interface) = (member.queue.to_string(), member.interface.to_string());
                paused.push((queue.clone(), interface.clone()));
                self.act(&pbx, PbxAction::Pause { queue, interface, paused: true });
            }
        }
        let ring_ms = u64::try_from(ring_ms).unwrap_or_default();
        let Some(attempt) = self.attempts.get_mut(channel_id) else { return };
        attempt.paused.extend(paused);
        attempt.phase = Phase::Sent;
        attempt.look = now.mono_ms + ring_ms + PATIENCE_MS;
        let (id, n, number) = (attempt.row.callback_id, attempt.row.n, attempt.number.clone());
        attempt.dialled |= customer_first;
        self.counters.dialled += 1;
        self.act(&pbx, PbxAction::Originate(Box::new(originate)));
        if customer_first {
            number.into_iter().for_each(|number| self.caps.count(now.wall_ms, &number));
            self.move_to(id, CallbackState::DialingCustomer, "", OURSELVES, &format!("attempt {n}"));
        } else {
            self.move_to(id, CallbackState::DialingAgent, "", OURSELVES, &format!("attempt {n} rings {}", agent.agent));
        }
    }

    /// What became of the Originate itself. That it was accepted says nothing; events do.
    pub(crate) fn originate_answered(&mut self, channel_id: &str, answer: Answer<'_>) {
        let Some(attempt) = self.attempts.get_mut(channel_id) else { return };
        match answer {
            Answer::Accepted => {}
            Answer::Refused(why) if attempt.phase == Phase::Sent => {
                let detail = format!("Asterisk refused: {why}");
                self.end_attempt(channel_id, AttemptResult::OriginateError, &detail, None);
            }
            Answer::NotSent if attempt.phase == Phase::Sent => {
                attempt.phase = Phase::Committed;
                attempt.look = self.now.mono_ms + SEND_AGAIN_MS;
            }
            Answer::Lapsed if attempt.phase == Phase::Sent => {
                let detail = "the claim on the customer ran out before anybody was called";
                self.end_attempt(channel_id, AttemptResult::AbortedServed, detail, None);
            }
            Answer::Unanswered => attempt.unlinked = true,
            Answer::Refused(_) | Answer::NotSent | Answer::Lapsed => {}
        }
    }

    pub(crate) fn attempt_progresses(&mut self, progress: &Progress) {
        let channel_id = &progress.channel_id;
        let (at, now) = (progress.at_ms, self.now.mono_ms);
        let ours = |a: &&mut CallbackAttempt| a.row.pbx == progress.pbx; // another PBX's channel of that name is none of ours
        let Some(attempt) = self.attempts.get_mut(channel_id).filter(ours) else { return };
        let id = attempt.row.callback_id;
        let customer_first = attempt.row.agent.is_none();
        if attempt.phase < Phase::Seen && !matches!(progress.step, Step::Failed { .. }) {
            attempt.phase = Phase::Seen;
            attempt.failed = None; // its channel tells more
            attempt.look = now + LOOK_EVERY_MS;
        }
        match &progress.step {
            Step::Seen => {
                if attempt.aborted.is_some() {
                    self.hang_up(channel_id); // it was taken back before there was anything to hang up
                }
            }
            Step::PickedUp { agent, uniqueid } => self.picked_up(channel_id, agent, uniqueid),
            Step::AgentAnswered if customer_first => {
                attempt.row.customer_answered_ms.get_or_insert(at);
                self.store_attempt(channel_id);
            }
            Step::AgentAnswered => {
                attempt.row.agent_answered_ms.get_or_insert(at);
                self.store_attempt(channel_id);
            }
            Step::CustomerDialled if customer_first => {}
            Step::CustomerDialled => {
                attempt.dialled = true;
                let number = attempt.number.clone();
                number.into_iter().for_each(|number| self.caps.count(at, &number));
                self.step_of(id, channel_id, CallbackState::DialingCustomer);
            }
            Step::Connected => {
                if customer_first {
                    attempt.row.agent_answered_ms.get_or_insert(at);
                } else {
                    attempt.row.customer_answered_ms.get_or_insert(at);
                }
                self.store_attempt(channel_id);
                self.talks_before_the_time(id);
                self.step_of(id, channel_id, CallbackState::Talking);
            }
            Step::Ended(facts) => {
                let (judged, detail) = if customer_first {
                    result::judge_customer_first(facts, self.policies.overall.min_talk_ms)
                } else {
                    result::judge(facts, self.policies.overall.min_talk_ms)
                };
                // An earlier run saw the customer's phone being dialled, this one has not seen what became of that.
                let dialled = self.tasks.get(id).is_some_and(|task| task.row().state == CallbackState::DialingCustomer);
                let (judged, detail) = if facts.customer.is_none() && dialled && !customer_first {
                    (AttemptResult::Lost, "a restart hid the end of the customer's leg".to_owned())
                } else {
                    (judged, detail)
                };
                match attempt.aborted.clone().filter(|_| judged != AttemptResult::Connected) {
                    Some(why) => self.end_attempt(channel_id, AttemptResult::AbortedServed, &why, Some(facts)),
                    None => self.end_attempt(channel_id, judged, &detail, Some(facts)),
                }
            }
            Step::Failed { reason } if attempt.phase < Phase::Seen => {
                attempt.failed = Some(*reason);
                attempt.look = now + OVERTAKEN_MS;
            }
            Step::Failed { .. } => {}
        }
    }

    /// Asterisk gave the Originate up, and nothing has shown a channel of it.
    fn given_up(&mut self, channel_id: &str, reason: u16) {
        let attempt = &self.attempts[channel_id];
        let (result, detail) = result::failed(reason, attempt.row.agent.is_none());
        match attempt.aborted.clone() {
            Some(why) => self.end_attempt(channel_id, AttemptResult::AbortedServed, &why, None),
            None => self.end_attempt(channel_id, result, &detail, None),
        }
    }

    /// The callback goes to this state, if this attempt is its own still.
    fn step_of(&mut self, id: i64, channel_id: &str, state: CallbackState) {
        if self.tasks.is_attempt_of(id, channel_id) {
            self.move_to(id, state, "", OURSELVES, "");
        }
    }

    pub(crate) fn store_attempt(&mut self, channel_id: &str) {
        if let Some(attempt) = self.attempts.get(channel_id) {
            let row = attempt.row.clone();
            self.store(Record::Attempt(Arc::new(row)));
        }
    }

    /// Takes an attempt back: what rings is hung up, what has not been dialled will not be.
    pub(crate) fn abandon(&mut self, channel_id: &str, why: &str) {
        let Some(attempt) = self.attempts.get_mut(channel_id) else { return };
        if attempt.aborted.is_some() {
            return;
        }
        let why = if why.is_empty() { "the callback was closed" } else { why };
        attempt.aborted = Some(why.to_owned());
        if attempt.phase >= Phase::Sent {
            self.hang_up(channel_id);
        }
    }

    pub(crate) fn hang_up(&mut self, channel_id: &str) {
        // One of the time before this database was put back or copied is not ours to end: whoever made it may be alive.
        if !self.attempts.may_be_ours(channel_id) {
            return;
        }
        let attempt = &self.attempts[channel_id];
        let (pbx, has_it) = (attempt.row.pbx.clone(), attempt.goes_on_as.clone());
        self.act(&pbx, PbxAction::Hangup { channel_id: has_it.unwrap_or_else(|| channel_id.to_owned()) });
    }
}
