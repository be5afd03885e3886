//! How an open callback moves from state to state.

use crate::callbacks::Scheduler;
use crate::callbacks::tasks::Task;
use crate::millis::Millis;
use crate::model::{
    AskedBy, CallKey, CallbackChange, CallbackRow, CallbackState, CallbackStep, Record, RecoveredBy, text_enum,
};
use std::sync::Arc;

/// Who changes a callback when no person does.
pub const OURSELVES: &str = "callbackd";

text_enum! {
    /// Why a callback waits.
    WaitReason {
        /// The delay after the miss.
        Delay = "DELAY",
        /// Customers are not called at this time of the business's day.
        OutOfHours = "OUT_OF_HOURS",
        /// Nor at this time of the customer's.
        QuietHours = "QUIET_HOURS",
        /// None of the agents who may take it is there.
        NoAgent = "NO_AGENT",
        /// The customer calls us, or one of us calls the customer.
        CustomerOnLine = "CUSTOMER_ON_LINE",
        /// Callers wait for the agents who are free.
        LiveCallers = "LIVE_CALLERS",
        /// The time until the next attempt.
        RetryDelay = "RETRY_DELAY",
        /// A person holds it back.
        Held = "HELD",
        /// The outcome of the last attempt is unknown: the customer may have been served.
        Unproven = "UNPROVEN",
        /// As many calls as are allowed in a day.
        DailyCap = "DAILY_CAP",
        /// The PBX is not covered: link down or no complete snapshot.
        NoLink = "NO_LINK",
        /// Another callbackd makes callbacks on this PBX.
        AnotherDaemon = "ANOTHER_DAEMON",
        /// Callbacks are switched off (`callback.enabled = false`).
        Disabled = "DISABLED",
        /// Another site of the group has the customer.
        AnotherSite = "ANOTHER_SITE",
        /// The other sites of the group cannot be asked.
        NoGroup = "NO_GROUP",
    }
}

/// The words of the column `reason`: those of [`WaitReason`], and why one was closed.
pub mod reason {
    use super::WaitReason;

    /// See [`WaitReason`].
    pub const DELAY: &str = WaitReason::Delay.as_str();
    /// See [`WaitReason`].
    pub const OUT_OF_HOURS: &str = WaitReason::OutOfHours.as_str();
    /// See [`WaitReason`].
    pub const QUIET_HOURS: &str = WaitReason::QuietHours.as_str();
    /// See [`WaitReason`].
    pub const NO_AGENT: &str = WaitReason::NoAgent.as_str();
    /// See [`WaitReason`].
    pub const CUSTOMER_ON_LINE: &str = WaitReason::CustomerOnLine.as_str();
    /// See [`WaitReason`].
    pub const LIVE_CALLERS: &str = WaitReason::LiveCallers.as_str();
    /// See [`WaitReason`].
    pub const RETRY_DELAY: &str = WaitReason::RetryDelay.as_str();
    /// See [`WaitReason`].
    pub const HELD: &str = WaitReason::Held.as_str();
    /// See [`WaitReason`].
    pub const UNPROVEN: &str = WaitReason::Unproven.as_str();
    /// See [`WaitReason`].
    pub const DAILY_CAP: &str = WaitReason::DailyCap.as_str();
    /// See [`WaitReason`].
    pub const NO_LINK: &str = WaitReason::NoLink.as_str();
    /// See [`WaitReason`].
    pub const ANOTHER_DAEMON: &str = WaitReason::AnotherDaemon.as_str();
    /// See [`WaitReason`].
    pub const DISABLED: &str = WaitReason::Disabled.as_str();
    /// See [`WaitReason`].
    pub const ANOTHER_SITE: &str = WaitReason::AnotherSite.as_str();
    /// The customer was served at another site of the group.
    pub const ELSEWHERE: &str = "ELSEWHERE";
    /// What it was for is another one's: both were closed by the do-not-call list.
    pub const JOINED: &str = "JOINED";
    /// Closed by a person who has dealt with it elsewhere.
    pub const HANDLED: &str = "HANDLED";

    /// It waits for a time of its own. Whatever else it waited for may be over after a restart, and is asked again.
    #[must_use]
    pub(crate) fn is_its_own_time(reason: &str) -> bool {
        [DELAY, RETRY_DELAY, UNPROVEN, HELD].contains(&reason)
    }

    /// It waits for a time of day: the business's or the customer's.
    #[must_use]
    pub(crate) fn is_of_the_clock(reason: &str) -> bool {
        [OUT_OF_HOURS, QUIET_HOURS].contains(&reason)
    }
}

impl Scheduler {
    /// Takes up an open callback of an earlier run.
    pub(crate) fn resume(&mut self, row: CallbackRow, misses: Vec<CallKey>) {
        for miss in &misses {
            self.tasks.add_miss(miss, row.id);
        }
        self.insert(row, misses);
    }

    /// Takes a row into memory and puts it where its state says.
    pub(crate) fn insert(&mut self, row: CallbackRow, misses: Vec<CallKey>) {
        let id = row.id;
        self.tasks.open(row, misses, self.now);
        self.line_up(id);
    }

    /// Puts a callback among those whose turn may come, or among the timers until then.
    pub(crate) fn line_up(&mut self, id: i64) {
        self.watch_for_late(id);
        let is_vip = |task: &Task| {
            let of = &self.policy(&task.row().pbx).number_policy;
            task.row().number_e164.as_ref().is_some_and(|number| of.is_vip(number))
        };
        let vip = self.tasks.get(id).is_some_and(is_vip);
        if self.tasks.line_up(id, self.now.mono_ms, self.policies.overall.newest_first, vip) {
            self.rounds.set_due();
        }
    }

    /// Every callback whose time has come is looked at: it is too old, or its turn may come.
    pub(crate) fn run_due_timers(&mut self) {
        let now = self.now.mono_ms;
        while let Some(id) = self.tasks.pop_timer(now) {
            self.alarm_if_late(id);
            // The end of an attempt will say when to look again.
            let Some(task) = self.tasks.get(id).filter(|task| task.attempt().is_none()) else { continue };
            if task.expires <= now {
                let why = task.row().reason.clone();
                let note = if why.is_empty() {
                    "nobody was free in time"
                } else {
                    "too old; the reason is what it last waited for"
                };
                self.close(id, CallbackState::Expired, &why, OURSELVES, note);
                continue;
            }
            if task.is_ready() {
                self.tasks.schedule_at(id, task.expires);
            } else {
                self.line_up(id);
            }
            self.rounds.set_due();
        }
    }

    /// A callback comes to a state for a reason; nothing happens if it is there.
    pub(crate) fn move_to(&mut self, id: i64, state: CallbackState, reason: &str, by: &str, note: &str) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        if task.row().state == state && task.row().reason == reason && note.is_empty() {
            return;
        }
        task.comes_to(state, reason);
        self.record(id, by, note, None, None);
    }

    /// Stores a callback as it is, with a line of its history.
    pub(crate) fn record(
        &mut self,
        id: i64,
        by: &str,
        note: &str,
        miss: Option<CallKey>,
        recovered: Option<(RecoveredBy, Millis)>,
    ) {
        self.store_change(id, by, note, |change| (change.miss, change.recovered) = (miss, recovered));
    }

    /// Stores a callback whose alarm was raised.
    pub(crate) fn record_late(&mut self, id: i64, by: &str, note: &str) {
        self.store_change(id, by, note, |change| change.late = true);
    }

    /// Stores a callback that a code asks for, and the miss that this call is if it is one.
    pub(crate) fn record_asked(&mut self, id: i64, who: &str, note: &str, by: AskedBy, miss: Option<CallKey>) {
        self.store_change(id, who, note, |change| (change.asked, change.miss) = (Some(by), miss));
    }

    fn store_change(&mut self, id: i64, by: &str, note: &str, more: impl FnOnce(&mut CallbackChange)) {
        let Some(task) = self.tasks.get(id) else { return };
        let step = CallbackStep {
            at_ms: self.now.wall_ms,
            state: task.row().state,
            reason: task.row().reason.clone(),
            by: by.to_owned(),
            note: note.to_owned(),
        };
        let row = task.row().clone();
        let mut change =
            CallbackChange { row, change: Some(step), miss: None, recovered: None, late: false, asked: None };
        more(&mut change);
        self.store(Record::Callback(Arc::new(change)));
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
        let Some(task) = self.tasks.get_mut(id) else { return };
        let named = task.named_in_talk(now).filter(|_| recovered.is_some()).map(|at| (at, task.row().clone()));
        // What was asked before they talked is answered by that.
        if let Some(since) = task.talks_since.filter(|_| recovered.is_some()) {
            task.then.retain(|request| !request.is_before(since));
        }
        task.closes(state, reason, now, resolved_by);
        self.record(id, by, note, None, recovered);
        self.forget(id);
        if let Some((at, before)) = named {
            self.called_again_at(at, &before);
        }
    }

    fn forget(&mut self, id: i64) {
        let Some(task) = self.tasks.remove(id) else { return };
        self.leaves_group(id);
        if let Some(channel_id) = task.attempt() {
            self.abandon(channel_id, "");
        }
        self.requested_meanwhile(task.then);
        self.rounds.set_due(); // the published estimate has changed
    }
}
