//! Attempts whose fate a crash or an outage hid: looked up, never guessed.

use crate::callbacks::attempt::cdr::{self, Cdr};
use crate::callbacks::attempt::originate::PAUSE;
use crate::callbacks::attempt::{CallbackAttempt, LOOK_EVERY_MS, Phase};
use crate::callbacks::pbx_action::PbxAction;
use crate::callbacks::task::OURSELVES;
use crate::callbacks::{Output, Presences, Scheduler};
use crate::model::presence::Presence;
use crate::model::{AgentKey, AttemptResult, AttemptRow, CallbackState, E164, PbxId, RecoveredBy};

/// Coverage of its PBX may take so long (ms) to come back before anything is concluded from an attempt's silence.
const UNTIL_SIGHT_MS: u64 = 365 * 86_400_000;

impl Scheduler {
    /// An attempt of an earlier run that had no result when that ended. Nothing is concluded before the PBX is covered.
    /// `number`: whom it calls, where the callback is closed: nobody else calls them before its end.
    pub(crate) fn resume_attempt(&mut self, row: AttemptRow, number: Option<E164>) {
        let id = row.callback_id;
        let look = self.now.mono_ms + UNTIL_SIGHT_MS;
        let (mut number, mut queue, mut aborted) = (number, None, None);
        self.tasks.attempt_begins(id, &row.channel_id);
        match self.tasks.get_mut(id) {
            Some(task) => {
                // What came while it went on is known by its time alone.
                task.talks_since = row.customer_answered_ms;
                task.once_more = task.not_before.is_some() || task.row().last_missed_ms > row.intended_ms;
                number.clone_from(&task.row().number_e164);
                queue.clone_from(&task.row().queue);
            }
            None => aborted = Some("the callback was closed".to_owned()),
        }
        let reserved = row.agent.as_ref().map(|agent| AgentKey::new(&row.pbx, agent));
        if let Some(agent) = &reserved {
            self.agents.reserve(agent, id, row.intended_ms);
        }
        let attempt = CallbackAttempt {
            number,
            queue,
            reserved,
            row,
            claimed_until: None,
            phase: Phase::Sent,
            dialled: true,
            aborted,
            failed: None,
            unlinked: true,
            goes_on_as: None,
            paused: Vec::new(),
            look,
        };
        self.attempts.add(attempt);
    }

    /// Coverage is lost: attempts in flight go on without events.
    pub(crate) fn unlinked(&mut self, pbx: &PbxId) {
        self.attempts.unlinked(pbx);
        self.signs.forget(pbx);
        self.wait_estimates.forget(pbx); // it may come back with another database
        self.rounds.set_due();
    }

    /// In sync again, and which calls are up is known: attempts that are up go on, the others ended in the gap.
    pub(crate) fn in_sync(&mut self, pbx: &PbxId) {
        self.attempts.in_sync(pbx);
        self.rounds.set_due();
        if self.found.insert(pbx.clone()) {
            let until_ms = std::mem::replace(&mut self.found_ms, self.now.wall_ms);
            self.tasks.talks_found(until_ms, self.now.wall_ms);
        }
    }

    /// Looks up the attempts of the PBXs whose coverage is back.
    pub(crate) fn prove(&mut self, presences: &Presences<'_>) {
        for pbx in self.attempts.take_in_sync_again() {
            let Some(presence) = presences.get(&pbx).copied() else { continue };
            for channel_id in self.attempts.in_doubt(&pbx) {
                if presence.attempt_lives(&channel_id) {
                    self.lives_on(&channel_id);
                } else if self.has_served(&channel_id) {
                    self.end_attempt(&channel_id, AttemptResult::Connected, "its call has a row", None);
                } else if self.policy(&pbx).look_up_cdr && self.attempts[channel_id.as_str()].row.agent.is_some() {
                    let since_ms = self.attempts[channel_id.as_str()].row.intended_ms;
                    self.outputs.push_back(Output::LookUp { pbx: pbx.clone(), channel_id, since_ms });
                } else {
                    self.end_attempt(&channel_id, AttemptResult::Lost, "a crash or an outage hid its end", None);
                }
            }
            self.undo_stray_pauses(&pbx, presence);
        }
    }

    /// The row of its call, which was written in spite of what hid its end, says that the customer was served.
    fn has_served(&self, channel_id: &str) -> bool {
        let attempt = &self.attempts[channel_id];
        let service = attempt.number.as_ref().and_then(|n| self.customers.served_after(n, attempt.row.intended_ms));
        service.is_some_and(|service| service.by == RecoveredBy::Callback && service.call.pbx == attempt.row.pbx)
    }

    /// What no channel shows, Asterisk's CDR may.
    pub(crate) fn looked_up(&mut self, pbx: &PbxId, channel_id: &str, cdrs: &[Cdr]) {
        let ours = |a: &&CallbackAttempt| a.unlinked && a.row.pbx == *pbx;
        let Some(attempt) = self.attempts.get(channel_id).filter(ours) else { return };
        let (result, detail) =
            cdr::judge(cdrs, self.policy(&attempt.row.pbx).customer_ring_ms, self.policies.overall.min_talk_ms);
        match attempt.aborted.clone().filter(|_| result != AttemptResult::Connected) {
            Some(why) => self.end_attempt(channel_id, AttemptResult::AbortedServed, &why, None),
            None => self.end_attempt(channel_id, result, &detail, None),
        }
    }

    fn lives_on(&mut self, channel_id: &str) {
        let look = self.now.mono_ms + LOOK_EVERY_MS;
        let Some(attempt) = self.attempts.get_mut(channel_id) else { return };
        attempt.unlinked = false;
        attempt.phase = Phase::Seen;
        attempt.look = look;
        let id = attempt.row.callback_id;
        let state = match (attempt.row.customer_answered_ms, attempt.row.agent_answered_ms) {
            (Some(_), _) => CallbackState::Talking,
            (None, Some(_)) => CallbackState::DialingCustomer,
            (None, None) => CallbackState::DialingAgent,
        };
        if self.attempts[channel_id].aborted.is_some() {
            if state != CallbackState::Talking {
                self.hang_up(channel_id);
            }
            return;
        }
        let busy = self.attempts[channel_id].number.as_ref().is_some_and(|number| self.customers.on_line(number));
        if self.tasks.get(id).is_some_and(|t| t.row().state != state) {
            self.move_to(id, state, "", OURSELVES, "found alive after an interruption");
        }
        if busy && state != CallbackState::Talking {
            self.abandon(channel_id, "the customer is on the line");
        }
    }

    /// A pause with our reason on an agent whom nothing is going on with is one that a crash kept us from undoing.
    fn undo_stray_pauses(&mut self, pbx: &PbxId, presence: &dyn Presence) {
        for agent in presence.agents() {
            let ours = agent.queues.iter().filter(|m| m.paused && m.paused_reason == PAUSE);
            let ours = ours.map(|m| (m.queue.to_string(), m.interface.to_string()));
            match self.attempts.reserving(pbx, &agent.agent) {
                Some(attempt) if attempt.paused.is_empty() => {
                    attempt.paused = ours.collect();
                }
                Some(_) => {}
                None => {
                    for (queue, interface) in ours {
                        self.act(pbx, PbxAction::Pause { queue, interface, paused: false });
                    }
                }
            }
        }
    }
}
