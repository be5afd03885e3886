//! An open callback, and how it moves from state to state.

use crate::ami::event::Millis;
use crate::callbacks::Scheduler;
use crate::model::{
    AgentKey, CallKey, CallbackChange, CallbackRow, CallbackState, CallbackStep, E164, Record, RecoveredBy,
};
use std::cmp::Reverse;

/// Who changes a callback when no person does.
pub const OURSELVES: &str = "callbackd";

/// The words that say why a callback waits.
pub mod reason {
    /// The delay after the miss.
    pub const DELAY: &str = "DELAY";
    /// Customers are not called at this time of the business's day.
    pub const OUT_OF_HOURS: &str = "OUT_OF_HOURS";
    /// Nor at this time of the customer's.
    pub const QUIET_HOURS: &str = "QUIET_HOURS";
    /// None of the agents who may take it is there.
    pub const NO_AGENT: &str = "NO_AGENT";
    /// The customer calls us, or one of us calls the customer.
    pub const CUSTOMER_ON_LINE: &str = "CUSTOMER_ON_LINE";
    /// Callers wait for the agents who are free.
    pub const LIVE_CALLERS: &str = "LIVE_CALLERS";
    /// The time until the next attempt.
    pub const RETRY_DELAY: &str = "RETRY_DELAY";
    /// A person holds it back.
    pub const HELD: &str = "HELD";
    /// The outcome of the last attempt is unknown: the customer may have been served.
    pub const UNPROVEN: &str = "UNPROVEN";
    /// As many calls as are allowed in a day.
    pub const DAILY_CAP: &str = "DAILY_CAP";
    /// The PBX is not covered: link down or no complete snapshot.
    pub const NO_LINK: &str = "NO_LINK";
    /// Another callbackd makes callbacks on this PBX.
    pub const ANOTHER_DAEMON: &str = "ANOTHER_DAEMON";

    /// It waits for a time of day: the business's or the customer's.
    #[must_use]
    pub fn is_of_the_clock(reason: &str) -> bool {
        [OUT_OF_HOURS, QUIET_HOURS].contains(&reason)
    }
}

/// An open callback.
#[derive(Debug)]
pub struct Task {
    /// As it is stored.
    pub row: CallbackRow,
    /// The misses behind it.
    pub misses: Vec<CallKey>,
    /// Due, by the monotonic clock.
    pub due: u64,
    /// Too old, by the monotonic clock.
    pub expires: u64,
    /// When it is looked at next, by the monotonic clock: an entry of the agenda.
    pub look: Option<u64>,
    /// Its place among those whose turn may come; `None` while it waits for its time or is carried out.
    pub turn: Option<Turn>,
    /// A person holds it back.
    pub held: bool,
    /// The agent who did not take the last offer, and when: this agent is not offered it next.
    pub last_refusal: Option<(AgentKey, Millis)>,
    /// The attempt that goes on.
    pub attempt: Option<String>,
    /// The policy that is in force lets the number be called. It is asked again when it is dialled.
    pub screened: bool,
}

/// Place in the order of dispatch: requested first, then priority, then age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    requested: Reverse<bool>,
    priority: Reverse<i64>,
    age: Millis,
    /// The callback.
    pub id: i64,
}

impl Scheduler {
    /// Takes up an open callback of an earlier run.
    pub(crate) fn resume(&mut self, row: CallbackRow, misses: Vec<CallKey>) {
        for miss in &misses {
            self.recent.add(miss, row.id);
        }
        self.insert(row, misses);
    }

    /// Takes a row into memory and puts it where its state says.
    pub(crate) fn insert(&mut self, row: CallbackRow, misses: Vec<CallKey>) {
        let id = row.id;
        let held = row.reason == reason::HELD;
        if let Some(number) = &row.number_e164 {
            self.by_number.insert(number.clone(), id);
        }
        // The hours for which it waited may be others since a restart: they are asked again.
        let due = if reason::is_of_the_clock(&row.reason) { self.now.mono_ms } else { self.mono(row.due_ms) };
        let expires = self.mono(row.expires_ms);
        let task = Task {
            row,
            misses,
            due,
            expires,
            look: None,
            turn: None,
            held,
            last_refusal: None,
            attempt: None,
            screened: false,
        };
        self.tasks.insert(id, task);
        self.line_up(id);
    }

    /// Puts a callback among those whose turn may come, or on the agenda until then.
    pub(crate) fn line_up(&mut self, id: i64) {
        let now = self.now.mono_ms;
        let newest_first = self.policies.overall.newest_first;
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if let Some(turn) = task.turn.take() {
            self.ready.remove(&turn);
        }
        if task.attempt.is_none() && !task.held && task.due <= now {
            let missed = task.row.first_missed_ms;
            let turn = Turn {
                requested: Reverse(task.row.requested),
                priority: Reverse(task.row.priority),
                age: if newest_first { -task.row.last_missed_ms } else { missed },
                id,
            };
            task.turn = Some(turn);
            self.ready.insert(turn);
            self.dirty = true;
        }
        let next = if task.due > now && !task.held { task.due.min(task.expires) } else { task.expires };
        self.look_at(id, next);
    }

    /// Looks at a callback at this moment of the monotonic clock, and not at another one.
    pub(crate) fn look_at(&mut self, id: i64, at: u64) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if let Some(old) = task.look.replace(at) {
            self.timers.remove(&(old, id));
        }
        self.timers.insert((at, id));
    }

    /// Looks at a callback at this moment at the latest.
    pub(crate) fn look_by(&mut self, id: i64, at: u64) {
        let sooner = self.tasks.get(&id).is_some_and(|t| t.look.is_none_or(|look| at < look));
        if sooner {
            self.look_at(id, at);
        }
    }

    /// Every callback whose time has come is looked at: it is too old, or its turn may come.
    pub(crate) fn look_at_timers(&mut self) {
        let now = self.now.mono_ms;
        while let Some(&(at, id)) = self.timers.first() {
            if at > now {
                break;
            }
            self.timers.pop_first();
            let Some(task) = self.tasks.get_mut(&id) else { continue };
            task.look = None;
            if task.attempt.is_some() {
                continue; // its end will say
            }
            if task.expires <= now {
                let why = task.row.reason.clone();
                let note = if why.is_empty() {
                    "nobody was free in time"
                } else {
                    "too old; the reason is what it last waited for"
                };
                self.close(id, CallbackState::Expired, &why, OURSELVES, note);
                continue;
            }
            if task.turn.is_none() {
                self.line_up(id);
            } else {
                let expires = task.expires;
                self.look_at(id, expires);
            }
            self.dirty = true;
        }
    }

    /// A callback comes to a state for a reason; nothing happens if it is there.
    pub(crate) fn move_to(&mut self, id: i64, state: CallbackState, reason: &str, by: &str, note: &str) {
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.row.state == state && task.row.reason == reason && note.is_empty() {
            return;
        }
        task.row.state = state;
        reason.clone_into(&mut task.row.reason);
        self.tell(id, by, note, None, None);
    }

    /// Stores a callback as it is, with a line of its story.
    pub(crate) fn tell(
        &mut self,
        id: i64,
        by: &str,
        note: &str,
        miss: Option<CallKey>,
        recovered: Option<(RecoveredBy, Millis)>,
    ) {
        let Some(task) = self.tasks.get(&id) else { return };
        let change = CallbackStep {
            at_ms: self.now.wall_ms,
            state: task.row.state,
            reason: task.row.reason.clone(),
            by: by.to_owned(),
            note: note.to_owned(),
        };
        let change = CallbackChange { row: task.row.clone(), change: Some(change), miss, recovered };
        self.store(Record::Callback(Box::new(change)));
    }

    /// Closes a callback.
    pub(crate) fn close(&mut self, id: i64, state: CallbackState, reason: &str, by: &str, note: &str) {
        self.close_recovered(id, state, reason, by, note, None, None);
    }

    /// Closes a callback whose customer was won back, or not.
    #[expect(clippy::too_many_arguments, reason = "one row's worth of facts")]
    pub(crate) fn close_recovered(
        &mut self,
        id: i64,
        state: CallbackState,
        reason: &str,
        by: &str,
        note: &str,
        resolved_by: Option<CallKey>,
        recovered: Option<(RecoveredBy, Millis)>,
    ) {
        let now = self.now.wall_ms;
        let Some(task) = self.tasks.get_mut(&id) else { return };
        task.row.state = state;
        reason.clone_into(&mut task.row.reason);
        task.row.closed_ms = Some(now);
        task.row.resolved_by = resolved_by;
        self.tell(id, by, note, None, recovered);
        self.forget(id);
    }

    fn forget(&mut self, id: i64) {
        let Some(task) = self.tasks.remove(&id) else { return };
        if let Some(number) = &task.row.number_e164 {
            self.by_number.remove(number);
        }
        if let Some(turn) = task.turn {
            self.ready.remove(&turn);
        }
        if let Some(look) = task.look {
            self.timers.remove(&(look, id));
        }
        if let Some(channel_id) = task.attempt {
            self.abandon(&channel_id, "");
        }
        self.dirty = true; // the published estimate has changed
    }

    /// The open callback for a number.
    pub(crate) fn open_for(&self, number: &E164) -> Option<i64> {
        self.by_number.get(number).copied()
    }
}
