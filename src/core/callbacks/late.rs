//! Callbacks that customers asked for and that are later than `callback.alarm_late`: each raises one alarm in its life.

use crate::callbacks::Scheduler;
use crate::callbacks::task::OURSELVES;
use crate::callbacks::tasks::Task;
use crate::millis::Millis;
use crate::model::CallbackState;

impl Scheduler {
    /// The moment from which it is late, ms since 1970 UTC: so much time of opening hours after the one at which its customer expects the call.
    /// `None` if nothing was promised, if it was reported, or if the customer has been called.
    fn late_ms(&self, task: &Task) -> Option<Millis> {
        let row = &task.row();
        let policy = self.policy(&row.pbx).of(row.queue.as_deref());
        let (expected_ms, grace_ms) = (row.requested_for_ms?, policy.alarm_late_ms?);
        let owed = row.alarmed_ms.is_none() && row.counted == 0;
        owed.then(|| policy.hours.later(expected_ms, grace_ms)).flatten()
    }

    /// Notes when a callback is to be looked at because it is late then.
    pub(crate) fn watch_for_late(&mut self, id: i64) {
        let late = self.tasks.get(id).filter(|task| !is_being_called(task)).and_then(|task| self.late_ms(task));
        let late = late.map(|at| self.mono(at));
        if let Some(task) = self.tasks.get_mut(id) {
            task.late = late;
        }
    }

    /// Raises the alarm of a callback that is late. While its customer is being called that waits for the end of the attempt.
    pub(crate) fn alarm_if_late(&mut self, id: i64) {
        self.watch_for_late(id);
        let Some(task) = self.tasks.get(id) else { return };
        let Some(late) = task.late else { return };
        // The wall clock may have been set since: what it shows counts.
        if self.late_ms(task).is_none_or(|at| at > self.now.wall_ms) {
            let look = late.max(self.now.mono_ms + 1);
            if let Some(task) = self.tasks.get_mut(id) {
                task.late = Some(look);
            }
            return self.tasks.schedule_by(id, look);
        }
        let now_ms = self.now.wall_ms;
        if let Some(task) = self.tasks.get_mut(id) {
            task.alarmed(now_ms);
        }
        self.record_late(id, OURSELVES, "later than callback.alarm_late");
    }

    /// What makes a callback late is another by now: each is looked at anew.
    pub(crate) fn watch_all_for_late(&mut self) {
        let asked: Vec<i64> =
            self.tasks.rows().filter(|row| row.requested_for_ms.is_some()).map(|row| row.id).collect();
        for id in asked {
            self.watch_for_late(id);
            if let Some(late) = self.tasks.get(id).and_then(|task| task.late) {
                self.tasks.schedule_by(id, late);
            }
        }
    }
}

/// The customer's phone rings, or they talk.
fn is_being_called(task: &Task) -> bool {
    matches!(task.row().state, CallbackState::DialingCustomer | CallbackState::Talking)
}
