//! A callback is asked for by hand or by a program: a new one, or more of the number's open one.

use super::apply::{read, which};
use super::{CallbackRequest, CommandError, Done};
use crate::callbacks::named_time::named_time;
use crate::callbacks::task::reason;
use crate::callbacks::{Presences, Scheduler};
use crate::millis::Millis;
use crate::model::{CallbackRow, CallbackState, E164, PbxId};

/// What is asked for, once it is known for whom, of whom and for when.
struct Wanted {
    number: E164,
    pbx: PbxId,
    queue: Option<String>,
    due_ms: Millis,
    expires_ms: Millis,
    /// When the customer expects the call, if they were promised one.
    expected_ms: Option<Millis>,
    /// Its time was named: nothing else decides when it is due.
    named: bool,
}

impl Scheduler {
    pub(super) fn add(
        &mut self,
        request: &CallbackRequest,
        by: &str,
        presences: &Presences<'_>,
    ) -> Result<Done, CommandError> {
        let pbx = which(request.pbx.as_deref(), presences)?;
        let queue = self.queue_named(&pbx, request.queue.as_deref(), presences.get(&pbx).copied())?;
        let number = read(self.policy(&pbx), &request.number)?;
        self.may_be_called(&pbx, &number)?;
        let open = self.tasks.open_for(&number);
        // What customers say of their own calls is where and how to reach them, not who answers for it.
        let kept = open.filter(|_| request.requested).map(|id| self.tasks[id].row());
        let (pbx, queue) = kept.map_or((pbx, queue), |row| (row.pbx.clone(), row.queue.clone()));
        let wanted = self.wanted(request, number, pbx, queue)?;
        let known = open.map(|id| self.tasks[id].row());
        let note = match &request.at {
            Some(at) => format!("{}; not before {at}", noted(request, known)),
            None => noted(request, known).to_owned(),
        };
        match open {
            Some(id) => self.add_to(id, request, wanted, by, &note),
            None => self.add_new(request, wanted, by, &note),
        }
    }

    /// Its times, by the hours and the policy of its queue.
    fn wanted(
        &self,
        request: &CallbackRequest,
        number: E164,
        pbx: PbxId,
        queue: Option<String>,
    ) -> Result<Wanted, CommandError> {
        let (policy, now) = (self.policy(&pbx).of(queue.as_deref()), self.now.wall_ms);
        let due_ms = match &request.at {
            None => now.saturating_add(request.delay_ms),
            Some(time) => named_time(time, policy, now)
                .map(|at| self.callable_from(&pbx, queue.as_deref(), Some(&number), at))
                .map_err(|error| CommandError::Time { time: time.clone(), error })?,
        };
        let opens_ms = policy.next_call(due_ms).unwrap_or(due_ms);
        let life_ms = if request.requested { policy.expire_requested_ms } else { policy.expire_ms };
        let expected_ms = match (&request.at, request.requested) {
            (Some(_), _) => Some(due_ms),
            (None, true) => Some(opens_ms),
            (None, false) => None,
        };
        // An agent's delay is as soon as it may be; a customer's is when they can be reached.
        let named = request.at.is_some() || (request.requested && request.delay_ms > 0);
        let expires_ms = opens_ms.saturating_add(life_ms);
        Ok(Wanted { number, pbx, queue, due_ms, expires_ms, expected_ms, named })
    }

    fn add_to(
        &mut self,
        id: i64,
        request: &CallbackRequest,
        wanted: Wanted,
        by: &str,
        note: &str,
    ) -> Result<Done, CommandError> {
        let mut moved = String::new();
        if self.tasks[id].row().pbx != wanted.pbx {
            self.idle(id, None)?;
            moved = self.moves(id, &wanted.pbx, wanted.queue.clone(), None);
        }
        // What goes on now is not the call that is to come later.
        let named = wanted.named || request.delay_ms > 0 && self.tasks[id].attempt().is_some();
        let expires_ms = self.tasks[id].row().expires_ms.max(wanted.expires_ms);
        let expires = self.mono(expires_ms);
        self.edit(id, |task| {
            task.asked_for();
            task.expires_at(expires_ms, expires);
            if let Some(at_ms) = wanted.expected_ms.or(named.then_some(wanted.due_ms)) {
                task.expected_at(at_ms, named);
            }
            if request.requested {
                task.requested();
                return;
            }
            task.prioritise(task.row().priority.max(request.priority));
            if let Some(queue) = wanted.queue {
                task.is_of_queue(queue);
            }
        });
        let is_idle_till_later =
            self.tasks.get(id).is_some_and(|t| t.attempt().is_none() && t.row().due_ms > wanted.due_ms);
        if named {
            self.not_before(id, wanted.due_ms);
        } else if is_idle_till_later && !request.requested {
            self.put_off(id, wanted.due_ms - self.now.wall_ms);
        }
        self.changed(id, by, &format!("{note}{moved}"))
    }

    fn add_new(
        &mut self,
        request: &CallbackRequest,
        wanted: Wanted,
        by: &str,
        note: &str,
    ) -> Result<Done, CommandError> {
        let Some(id) = self.tasks.new_id() else { return Err(CommandError::Full(self.tasks.len())) };
        let now = self.now.wall_ms;
        let waits = wanted.due_ms > now;
        let usual_priority = self.policy(&wanted.pbx).of(wanted.queue.as_deref()).priority;
        let row = CallbackRow {
            owner: self.customers.owner_on(&wanted.pbx, &wanted.number),
            state: if waits { CallbackState::Waiting } else { CallbackState::Pending },
            reason: if waits { reason::DELAY.to_owned() } else { String::new() },
            queue: wanted.queue,
            requested: request.requested,
            priority: request.priority.saturating_add(usual_priority),
            requested_for_ms: wanted.expected_ms,
            ..CallbackRow::opened(id, wanted.pbx, Some(wanted.number), now, wanted.due_ms, wanted.expires_ms)
        };
        self.counters.queued += 1;
        self.insert(row, Vec::new());
        self.changed(id, by, note)
    }
}

/// What the history says of it.
fn noted<'r>(request: &'r CallbackRequest, open: Option<&CallbackRow>) -> &'r str {
    match (request.note.as_str(), open, request.requested) {
        ("", None, false) => "added by hand",
        ("", Some(row), true) if row.requested => "requested again by the customer",
        ("", _, true) => "requested by the customer",
        ("", Some(_), false) => "added again by hand",
        (note, ..) => note,
    }
}
