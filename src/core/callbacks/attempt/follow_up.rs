//! After an attempt: what it means for the callback, the agent and the next attempt.

use crate::callbacks::attempt::attempts::Paused;
use crate::callbacks::attempt::{CallbackAttempt, Phase, originate};
use crate::callbacks::pbx_action::PbxAction;
use crate::callbacks::task::{OURSELVES, reason};
use crate::callbacks::{MAX_ATTEMPTS, Presences, Scheduler};
use crate::millis::Millis;
use crate::model::progress::Facts;
use crate::model::{AgentKey, AttemptResult, CallKey, CallbackRow, CallbackState, QueueKey, Record, RecoveredBy};
use std::sync::Arc;

impl Scheduler {
    /// An attempt is over.
    pub(crate) fn end_attempt(&mut self, channel_id: &str, result: AttemptResult, detail: &str, facts: Option<&Facts>) {
        let Some(mut attempt) = self.attempts.remove(channel_id) else { return };
        let (now, row) = (self.now, &mut attempt.row);
        row.result = Some(result);
        detail.clone_into(&mut row.detail);
        row.ended_ms = Some(facts.map_or(now.wall_ms, |f| f.ended_ms).max(row.intended_ms));
        if let Some(facts) = facts {
            row.talk_ms = facts.talk_ms;
            row.linkedid = Some(facts.linkedid.clone());
            if row.agent.is_none() {
                row.agent_answered_ms = row.agent_answered_ms.or(facts.customer_answered_ms);
            } else {
                row.agent_answered_ms = row.agent_answered_ms.or(facts.agent_answered_ms);
                row.customer_answered_ms = row.customer_answered_ms.or(facts.customer_answered_ms);
                row.agent = facts.taken_by.clone().or(row.agent.take());
            }
        }
        self.store(Record::Attempt(Arc::new(attempt.row.clone())));
        self.claim_ends(&attempt.row, attempt.number.as_ref(), result);
        if let Some(ended) = attempt.row.ended_ms.filter(|_| attempt.phase == Phase::Seen) {
            self.wait_estimates.learn(ended - attempt.row.intended_ms);
        }
        self.let_go(&attempt, result);
        self.rounds.set_due();
        let id = attempt.row.callback_id;
        if self.tasks.is_attempt_of(id, channel_id) {
            self.after(id, &attempt, result);
        }
    }

    /// The agent is free of the callback again.
    fn let_go(&mut self, attempt: &CallbackAttempt, result: AttemptResult) {
        let pbx = &attempt.row.pbx;
        let Some(agent) = &attempt.reserved else { return };
        let pauses = attempt.paused.iter().map(|(queue, interface)| Paused {
            agent: agent.clone(),
            queue: QueueKey::new(pbx, queue),
            interface: interface.clone(),
        });
        self.attempts.unpause_later(pauses);
        self.agents.release(agent);
        let taken = attempt.row.detail == originate::TAKEN; // a live call was quicker: not the agent's fault
        let meaning = result.meaning();
        if meaning.refused_by_agent && !taken {
            self.offer_refused(pbx, agent, meaning.missed_by_agent);
        } else if attempt.row.agent_answered_ms.is_some() {
            self.agents.answered(agent, self.now.wall_ms);
        }
    }

    /// A colleague has picked up the agent's ringing phone: the attempt is the colleague's from now on, and the agent is free of it.
    pub(crate) fn picked_up(&mut self, channel_id: &str, agent: &str, uniqueid: &str) {
        let at = self.now.wall_ms;
        let Some(attempt) = self.attempts.get_mut(channel_id) else { return };
        attempt.goes_on_as = Some(uniqueid.to_owned());
        if attempt.row.agent.is_none() {
            return; // the customer's own phones are the customer's
        }
        let (pbx, id) = (attempt.row.pbx.clone(), attempt.row.callback_id);
        let colleague = AgentKey::new(&pbx, agent);
        let before = attempt.reserved.replace(colleague.clone());
        attempt.row.agent = Some(agent.to_owned());
        let pauses = std::mem::take(&mut attempt.paused);
        if let Some(before) = before {
            let of_agent = |(queue, interface): (String, String)| Paused {
                agent: before.clone(),
                queue: QueueKey::new(&pbx, &queue),
                interface,
            };
            self.attempts.unpause_later(pauses.into_iter().map(of_agent));
            self.agents.release(&before);
        }
        self.agents.reserve(&colleague, id, at);
        self.store_attempt(channel_id);
        self.rounds.set_due();
    }

    /// Undoes the pauses of attempts that are over, but none that the agent has taken over meanwhile.
    pub(crate) fn unpause(&mut self, presences: &Presences<'_>) {
        for Paused { agent, queue, interface } in self.attempts.take_to_unpause() {
            let now = presences.get(&agent.pbx).and_then(|presence| presence.agent(&agent.interface));
            let member = now.as_ref().and_then(|agent| agent.queues.iter().find(|m| m.queue == *queue.queue));
            // Our own pause may not have been seen yet: only one with another reason is the agent's.
            if member.is_none_or(|m| !m.paused || m.paused_reason == originate::PAUSE) {
                let pause = PbxAction::Pause { queue: queue.queue.to_string(), interface, paused: false };
                self.act(&queue.pbx, pause);
            }
        }
    }

    /// What becomes of the callback.
    fn after(&mut self, id: i64, attempt: &CallbackAttempt, result: AttemptResult) {
        let (moment, row) = (self.now, &attempt.row);
        let now = moment.wall_ms;
        let policy = self.policy(&row.pbx);
        let max_attempts = policy.of(attempt.queue.as_deref()).max_attempts;
        let retry = policy.retry.after(result);
        self.tasks.attempt_ends(id);
        let Some(task) = self.tasks.get_mut(id) else { return };
        if result.meaning().counts {
            task.attempt_counts();
        }
        if let Some(agent) = attempt.reserved.clone().filter(|_| result.meaning().refused_by_agent) {
            task.last_refusal = Some((agent, now));
        }
        let note = match row.detail.as_str() {
            "" => format!("attempt {}: {result}", row.n),
            detail => format!("attempt {}: {result}, {detail}", row.n),
        };
        if result == AttemptResult::Connected {
            self.counters.connected += 1;
            let at = row.customer_answered_ms.unwrap_or(now);
            let recovered = Some((RecoveredBy::Callback, at));
            let call = row.linkedid.as_deref().map(|linkedid| CallKey::new(&row.pbx, linkedid));
            self.close_recovered(id, CallbackState::Done, "", OURSELVES, &note, call, recovered);
            return;
        }
        if task.taken_back && task.row().code.is_some() {
            return self.close(
                id,
                CallbackState::Cancelled,
                "",
                OURSELVES,
                &format!("{note}; nobody asks for it any more"),
            );
        }
        let Some(retry_ms) = retry else {
            return self.close(id, CallbackState::NotCallable, "invalid", OURSELVES, &note);
        };
        // Whoever was missed, or asked, while the last one went on is called once more.
        let once_more = std::mem::take(&mut task.once_more);
        task.talks_since = None;
        let spent = task.row().counted >= max_attempts && !once_more;
        if spent || task.row().attempts >= MAX_ATTEMPTS {
            let why = if task.row().counted >= max_attempts { "" } else { "too-many-attempts" };
            for request in &mut task.then {
                request.put_off_until(now.saturating_add(retry_ms));
            }
            return self.close(id, CallbackState::Exhausted, why, OURSELVES, &note);
        }
        let named = task.not_before.take().filter(|at| *at > now);
        let due_ms = named.unwrap_or(now.saturating_add(retry_ms));
        let waits = task.held || retry_ms > 0 || named.is_some();
        let state = if waits { CallbackState::Waiting } else { CallbackState::Pending };
        let why = match (result, retry_ms) {
            _ if task.held => reason::HELD,
            (AttemptResult::Lost, _) => reason::UNPROVEN,
            _ if named.is_some() => reason::DELAY,
            (_, 0) => "",
            _ => reason::RETRY_DELAY,
        };
        task.comes_to(state, why);
        task.is_due_at(due_ms, moment.mono_of(due_ms));
        let then = std::mem::take(&mut task.then);
        self.record(id, OURSELVES, &note, None, None);
        self.line_up(id);
        for request in then {
            self.requested_too(id, &request);
        }
    }

    /// They talk, sooner than at the time that was named while the attempt went on: whom that serves is not called for it.
    pub(crate) fn talks_before_the_time(&mut self, id: i64) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.row().state != CallbackState::Talking) else {
            return;
        };
        task.talks_since = Some(now.wall_ms);
        task.named_before_talk = task.not_before.is_some();
        if task.named_before_talk {
            // From this the next run knows it, too.
            task.is_due_at(now.wall_ms, now.mono_ms);
        }
    }

    /// A time was named while they talked: the customer is called again then.
    pub(crate) fn called_again_at(&mut self, at: Millis, before: &CallbackRow) {
        let Some(number) = before.number_e164.clone() else { return };
        let policy = self.policy(&before.pbx).of(before.queue.as_deref());
        let expires_ms = policy.next_call(at).unwrap_or(at).saturating_add(policy.expire_requested_ms);
        let note = format!("requested while they talked in callback {}", before.id);
        // A code asks for another one already.
        if let Some(id) = self.tasks.open_for(&number) {
            self.not_before(id, at);
            let expires = self.mono(expires_ms);
            if let Some(task) = self.tasks.get_mut(id) {
                task.asked_for();
                task.expected_at(at, true);
                if task.row().expires_ms < expires_ms {
                    task.expires_at(expires_ms, expires);
                }
            }
            self.record(id, OURSELVES, &note, None, None);
            return self.line_up(id);
        }
        let Some(id) = self.tasks.new_id() else { return self.refuse_miss(&before.pbx) };
        let row = CallbackRow {
            owner: self.customers.owner_on(&before.pbx, &number),
            name: before.name.clone(),
            state: CallbackState::Waiting,
            reason: reason::DELAY.to_owned(),
            queue: before.queue.clone(),
            did: before.did.clone(),
            requested: true,
            priority: before.priority,
            language: before.language.clone(),
            requested_for_ms: Some(at),
            ..CallbackRow::opened(id, before.pbx.clone(), Some(number.clone()), self.now.wall_ms, at, expires_ms)
        };
        self.counters.queued += 1;
        self.insert(row, Vec::new());
        self.record(id, OURSELVES, &note, None, None);
        // One that a mistake put on the list meanwhile is opened again with it.
        if let Some((state, why)) = self.block_reason(&before.pbx, &number) {
            self.close(id, state, &why, OURSELVES, "");
        }
    }
}
