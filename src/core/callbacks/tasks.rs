//! The open callbacks: found by id and by number, looked at by timer, and those whose turn may come in the order of their turns.

mod asked;
mod promised;

use crate::callbacks::MAX_OPEN;
use crate::callbacks::codes::CodeRequest;
use crate::callbacks::task::reason;
use crate::millis::Millis;
use crate::model::attempt_id::MAX_CALLBACK_ID;
use crate::model::{AgentKey, AskedBy, CallKey, CallbackRow, CallbackState, E164, FinishedCall, Moment, PbxId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Index;

/// Misses kept, so that a row that is recorded again makes no second callback.
const MAX_MISSES: usize = 10_000;

/// An open callback.
#[derive(Debug)]
pub(crate) struct Task {
    /// As it is stored. Its number stays what it was when it was opened.
    row: CallbackRow,
    /// The misses behind it.
    pub misses: Vec<CallKey>,
    /// The codes that ask for it, in the order in which they did. Their calls are among [`Task::misses`].
    asked: Vec<AskedBy>,
    /// The last miss, and the time that was promised last, were known then, by the monotonic clock.
    pub known: u64,
    /// Due, by the monotonic clock.
    pub due: u64,
    /// Too old, by the monotonic clock.
    pub expires: u64,
    /// To be looked at then because it is late, by the monotonic clock.
    pub late: Option<u64>,
    /// A person holds it back.
    pub held: bool,
    /// The agent who did not take the last offer, and when: this agent is not offered it next.
    pub last_refusal: Option<(AgentKey, Millis)>,
    /// The policy that is in force lets the number be called. It is asked again when it is dialled.
    pub screened: bool,
    /// What codes have asked for while an attempt goes on: it is made after this one's end.
    pub then: Vec<CodeRequest>,
    /// Not called before, ms since 1970 UTC, whatever comes of the attempt that goes on: the customer has named a time meanwhile.
    pub not_before: Option<Millis>,
    /// That was said before they talked.
    pub named_before_talk: bool,
    /// A time that lay ahead was promised then, ms since 1970 UTC; of one that an earlier run knew, when this one began.
    promised_ms: Option<Millis>,
    /// They have talked since then in the attempt that goes on, ms since 1970 UTC.
    pub talks_since: Option<Millis>,
    /// While an attempt goes on the customer was missed again, or somebody asked for it again: another one follows, however many there were.
    pub once_more: bool,
    /// While they talk the code was taken off that alone asked for it: no other attempt follows.
    pub taken_back: bool,
    /// The attempt that goes on.
    attempt: Option<String>,
    /// When it is looked at next, by the monotonic clock: an entry of the timers.
    look: Option<u64>,
    /// Its place among those whose turn may come; `None` while it waits for its time or is carried out.
    turn: Option<Turn>,
}

impl Task {
    /// As it is stored.
    pub(crate) const fn row(&self) -> &CallbackRow {
        &self.row
    }

    /// It comes to a state for a reason.
    pub(crate) fn comes_to(&mut self, state: CallbackState, reason: &str) {
        self.row.state = state;
        reason.clone_into(&mut self.row.reason);
    }

    /// The time that was named while they talk, if it lies ahead.
    pub(crate) fn named_in_talk(&self, now_ms: Millis) -> Option<Millis> {
        let in_talk = self.row.state == CallbackState::Talking && !self.named_before_talk;
        self.not_before.filter(|at| in_talk && *at > now_ms)
    }

    /// It is over; `by`: the call by which it was.
    pub(crate) fn closes(&mut self, state: CallbackState, reason: &str, at_ms: Millis, by: Option<CallKey>) {
        self.comes_to(state, reason);
        (self.row.closed_ms, self.row.resolved_by) = (Some(at_ms), by);
    }

    /// It is due at this moment, by both clocks.
    pub(crate) fn is_due_at(&mut self, due_ms: Millis, due: u64) {
        (self.row.due_ms, self.due) = (due_ms, due);
    }

    /// What it waits for now is over at this moment of the wall clock; its own time has come before.
    pub(crate) fn waits_until(&mut self, due_ms: Millis) {
        self.row.due_ms = due_ms;
    }

    /// It is too old at this moment, by both clocks.
    pub(crate) fn expires_at(&mut self, expires_ms: Millis, expires: u64) {
        (self.row.expires_ms, self.expires) = (expires_ms, expires);
    }

    /// This many attempts have been made.
    pub(crate) fn attempts_made(&mut self, attempts: u32) {
        self.row.attempts = attempts;
    }

    /// An attempt that is over counts against `callback.max_attempts`.
    pub(crate) fn attempt_counts(&mut self) {
        self.row.counted += 1;
    }

    /// It was reported as late.
    pub(crate) fn alarmed(&mut self, at_ms: Millis) {
        (self.late, self.row.alarmed_ms) = (None, Some(at_ms));
    }

    /// The customer was missed again. `expected_ms`: they expect the call then.
    pub(crate) fn missed_again(&mut self, call: &FinishedCall, requested: bool, expected_ms: Option<Millis>) {
        let row = &mut self.row;
        row.missed_count += 1;
        row.code = None;
        row.priority = row.priority.saturating_add(1);
        row.requested |= requested;
        row.requested_for_ms = expected_ms.or(row.requested_for_ms);
        row.first_missed_ms = row.first_missed_ms.min(call.ended_ms);
        row.last_missed_ms = row.last_missed_ms.max(call.ended_ms);
        if call.language.is_some() {
            row.language.clone_from(&call.language);
        }
        if call.name.is_some() {
            row.name.clone_from(&call.name);
        }
        if row.did.is_none() {
            row.did.clone_from(&call.did);
        }
        self.misses.push(call.key());
        self.asked_again();
    }

    /// It was asked for again, by whatever: an attempt that goes on is not the last one.
    fn asked_again(&mut self) {
        self.once_more |= self.attempt.is_some();
    }

    /// One of the calls behind it was no miss. Returns whether it was one of them.
    pub(crate) fn not_missed(&mut self, call: &CallKey) -> bool {
        let before = self.misses.len();
        self.misses.retain(|miss| miss != call);
        self.misses.len() != before
    }

    /// One miss fewer is counted, but never none.
    pub(crate) fn one_miss_fewer(&mut self) {
        self.row.missed_count = self.row.missed_count.saturating_sub(1).max(1);
    }

    /// A person or a program asks for it, too.
    pub(crate) fn asked_for(&mut self) {
        self.row.code = None;
        self.asked_again();
    }

    /// The customer expects the call then. Whoever asks again without naming a time expects it when they did before.
    pub(crate) fn expected_at(&mut self, at_ms: Millis, named: bool) {
        let before = self.row.requested_for_ms.filter(|_| !named);
        self.row.requested_for_ms = Some(before.unwrap_or(at_ms));
    }

    /// The customer asked for it.
    pub(crate) fn requested(&mut self) {
        self.row.requested = true;
    }

    /// Who expects the call before it is due expects it when it is.
    pub(crate) fn expected_when_due(&mut self) {
        self.row.requested_for_ms = self.row.requested_for_ms.map(|at| at.max(self.row.due_ms));
    }

    /// Its place in the order of priorities.
    pub(crate) fn prioritise(&mut self, priority: i64) {
        self.row.priority = priority;
    }

    /// The agents of this queue are asked.
    pub(crate) fn is_of_queue(&mut self, queue: String) {
        self.row.queue = Some(queue);
    }

    /// This agent alone may take it; `None`: anyone.
    pub(crate) fn assign(&mut self, agent: Option<String>) {
        (self.row.assigned, self.last_refusal) = (agent, None);
    }

    /// It goes to another PBX. Returns the agent of the one before whom it was assigned to.
    pub(crate) fn goes_to(
        &mut self,
        pbx: &PbxId,
        queue: Option<String>,
        did: Option<&str>,
        owner: Option<String>,
    ) -> Option<String> {
        let row = &mut self.row;
        (row.pbx, row.queue, row.did, row.owner) = (pbx.clone(), queue, did.map(str::to_owned), owner);
        self.screened = false;
        row.assigned.take()
    }

    /// The attempt that goes on: its channel id.
    pub(crate) fn attempt(&self) -> Option<&str> {
        self.attempt.as_deref()
    }

    /// Its turn may come.
    pub(crate) fn is_ready(&self) -> bool {
        self.turn.is_some()
    }
}

/// Place in the order of dispatch: those who go before all others, then requested, then priority, then age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    vip: Reverse<bool>,
    requested: Reverse<bool>,
    priority: Reverse<i64>,
    age: Millis,
    /// The callback.
    id: i64,
}

/// The latest misses and the callbacks that they came to, bounded.
#[derive(Debug, Default)]
struct Misses {
    callbacks: BTreeMap<CallKey, i64>,
    order: VecDeque<CallKey>,
}

impl Misses {
    fn add(&mut self, miss: &CallKey, callback: i64) {
        if self.callbacks.insert(miss.clone(), callback).is_none() {
            self.order.push_back(miss.clone());
        }
        if self.order.len() > MAX_MISSES
            && let Some(oldest) = self.order.pop_front()
        {
            self.callbacks.remove(&oldest);
        }
    }
}

/// All open callbacks.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    /// Boxed: in the order of its ids the tree's nodes stay half empty.
    open: BTreeMap<i64, Box<Task>>,
    by_number: BTreeMap<E164, i64>,
    ready: BTreeSet<Turn>,
    timers: BTreeSet<(u64, i64)>,
    misses: Misses,
    last_id: i64,
}

impl Tasks {
    /// None are open yet. `last_id`: the highest id that was ever given, 0 for none.
    pub(crate) fn new(last_id: i64) -> Self {
        Self { last_id, ..Self::default() }
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Task> {
        self.open.get(&id).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: i64) -> Option<&mut Task> {
        self.open.get_mut(&id).map(Box::as_mut)
    }

    pub(crate) fn contains(&self, id: i64) -> bool {
        self.open.contains_key(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// No more may be opened.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= MAX_OPEN
    }

    /// The open callback for a number.
    pub(crate) fn open_for(&self, number: &E164) -> Option<i64> {
        self.by_number.get(number).copied()
    }

    /// The id of a callback that is to be made; `None` if there is no room for it or no id is left.
    pub(crate) fn new_id(&mut self) -> Option<i64> {
        if self.is_full() || self.last_id >= MAX_CALLBACK_ID {
            return None;
        }
        self.last_id += 1;
        Some(self.last_id)
    }

    /// How many are open in each state.
    pub(crate) fn by_state(&self) -> BTreeMap<CallbackState, usize> {
        let mut by_state = BTreeMap::new();
        for task in self.open.values() {
            *by_state.entry(task.row.state).or_default() += 1;
        }
        by_state
    }

    /// The rows of all, by id.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &CallbackRow> {
        self.open.values().map(|task| &task.row)
    }

    /// The callback that this miss came to, if it is known still.
    pub(crate) fn callback_of(&self, miss: &CallKey) -> Option<i64> {
        self.misses.callbacks.get(miss).copied()
    }

    /// A miss came to this callback.
    pub(crate) fn add_miss(&mut self, miss: &CallKey, callback: i64) {
        self.misses.add(miss, callback);
    }

    /// Opens a callback. It has no place in the order before [`Tasks::line_up`].
    pub(crate) fn open(&mut self, row: CallbackRow, misses: Vec<CallKey>, now: Moment) {
        let id = row.id;
        let held = row.reason == reason::HELD;
        if let Some(number) = &row.number_e164 {
            self.by_number.insert(number.clone(), id);
        }
        // Hours, caps, agents and links for which it waited may be others since a restart: they are asked again.
        let of_its_own = row.state.is_active() || reason::is_its_own_time(&row.reason);
        let due = if of_its_own { now.mono_of(row.due_ms) } else { now.mono_ms };
        let not_before = (row.state.is_active() && row.due_ms > now.wall_ms).then_some(row.due_ms);
        let talks_before = row.state == CallbackState::Talking && not_before.is_none();
        let before_talk = row.requested_for_ms.filter(|at| talks_before && *at > now.wall_ms);
        let promised_ms = row.requested_for_ms.and(Some(now.wall_ms)).filter(|now| row.due_ms > *now);
        let task = Task {
            known: now.mono_ms,
            due,
            expires: now.mono_of(row.expires_ms),
            late: None,
            row,
            misses,
            asked: Vec::new(),
            held,
            last_refusal: None,
            screened: false,
            then: Vec::new(),
            not_before: not_before.or(before_talk),
            named_before_talk: before_talk.is_some(),
            promised_ms,
            talks_since: None,
            once_more: false,
            taken_back: false,
            attempt: None,
            look: None,
            turn: None,
        };
        self.open.insert(id, Box::new(task));
    }

    /// Puts a callback among those whose turn may come, or among the timers until then. Returns whether its turn may come.
    pub(crate) fn line_up(&mut self, id: i64, now_mono_ms: u64, newest_first: bool, vip: bool) -> bool {
        self.leave_order(id);
        let Some(task) = self.open.get_mut(&id) else { return false };
        let ready = task.attempt.is_none() && !task.held && task.due <= now_mono_ms;
        if ready {
            let missed = task.row.first_missed_ms;
            let turn = Turn {
                vip: Reverse(vip),
                requested: Reverse(task.row.requested),
                priority: Reverse(task.row.priority),
                age: if newest_first { -task.row.last_missed_ms } else { missed },
                id,
            };
            task.turn = Some(turn);
            self.ready.insert(turn);
        }
        let waits = task.due > now_mono_ms && !task.held;
        let next = if waits { task.due.min(task.expires) } else { task.expires };
        self.schedule_at(id, next);
        ready
    }

    /// Its turn cannot come.
    fn leave_order(&mut self, id: i64) {
        if let Some(turn) = self.open.get_mut(&id).and_then(|task| task.turn.take()) {
            self.ready.remove(&turn);
        }
    }

    /// Looks at a callback at this moment of the monotonic clock, or when it is late, and not at another one.
    pub(crate) fn schedule_at(&mut self, id: i64, at: u64) {
        let Some(task) = self.open.get_mut(&id) else { return };
        let at = task.late.map_or(at, |late| at.min(late));
        if let Some(old) = task.look.replace(at) {
            self.timers.remove(&(old, id));
        }
        self.timers.insert((at, id));
    }

    /// Looks at a callback at this moment at the latest.
    pub(crate) fn schedule_by(&mut self, id: i64, at: u64) {
        if self.open.get(&id).is_some_and(|task| task.look.is_none_or(|look| at < look)) {
            self.schedule_at(id, at);
        }
    }

    /// The next callback whose timer has run out, with no timer now.
    pub(crate) fn pop_timer(&mut self, now_mono_ms: u64) -> Option<i64> {
        let id = self.timers.first().filter(|(at, _)| *at <= now_mono_ms)?.1;
        self.timers.pop_first();
        if let Some(task) = self.open.get_mut(&id) {
            task.look = None;
        }
        Some(id)
    }

    /// When the next timer runs out, by the monotonic clock.
    pub(crate) fn next_timer(&self) -> Option<u64> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Those whose turn may come, in the order of their turns.
    pub(crate) fn ready(&self) -> impl ExactSizeIterator<Item = i64> + '_ {
        self.ready.iter().map(|turn| turn.id)
    }

    /// Those whose time has not come, in the order in which they are looked at.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.timers.iter().filter_map(|(_, id)| self.get(*id));
        tasks.filter(|task| task.turn.is_none() && task.attempt.is_none())
    }

    /// An attempt at this callback goes on: its turn is over.
    pub(crate) fn attempt_begins(&mut self, id: i64, channel_id: &str) {
        if let Some(task) = self.open.get_mut(&id) {
            task.attempt = Some(channel_id.to_owned());
            self.leave_order(id);
        }
    }

    /// The attempt at this callback that went on is over.
    pub(crate) fn attempt_ends(&mut self, id: i64) {
        if let Some(task) = self.open.get_mut(&id) {
            task.attempt = None;
        }
    }

    /// This attempt is the callback's own still.
    pub(crate) fn is_attempt_of(&self, id: i64, channel_id: &str) -> bool {
        self.open.get(&id).is_some_and(|task| task.attempt() == Some(channel_id))
    }

    /// Whether numbers may be called is to be asked again: the policy has changed.
    pub(crate) fn screen_again(&mut self) {
        for task in self.open.values_mut() {
            task.screened = false;
        }
    }

    /// Forgets a callback that is closed.
    pub(crate) fn remove(&mut self, id: i64) -> Option<Task> {
        self.leave_order(id);
        let task = self.open.remove(&id)?;
        if let Some(number) = &task.row.number_e164 {
            self.by_number.remove(number);
        }
        if let Some(look) = task.look {
            self.timers.remove(&(look, id));
        }
        Some(*task)
    }
}

impl Index<i64> for Tasks {
    type Output = Task;

    fn index(&self, id: i64) -> &Task {
        &self.open[&id]
    }
}
