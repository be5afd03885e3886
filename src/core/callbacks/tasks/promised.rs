//! In which talk a time was promised: that talk does not serve the customer.

use super::{Task, Tasks};
use crate::millis::Millis;
use crate::model::CallbackState;
use crate::model::Moment;

impl Task {
    /// The time that the customer expects was promised in a talk that began and ended (or is) then, and lies behind it: that talk does not serve
    /// them.
    pub(crate) fn promised_in(&self, began_ms: Millis, ended_ms: Millis) -> bool {
        // What was named while we talk with them ourselves is kept by the end of that.
        let idle = self.row.state != CallbackState::Talking;
        let promised = idle && self.promised_ms.is_some_and(|promised| promised >= began_ms);
        promised && self.row.requested_for_ms.is_some_and(|at| at > ended_ms)
    }

    /// A time that lies ahead is promised now.
    pub(crate) fn promised(&mut self, now: Moment) {
        (self.promised_ms, self.known) = (Some(now.wall_ms), now.mono_ms);
    }
}

impl Tasks {
    /// What goes on was found now: of a talk that is found nobody knows whether what was promised up to `until_ms` was promised in it.
    pub(crate) fn talks_found(&mut self, until_ms: Millis, now_ms: Millis) {
        for task in self.open.values_mut() {
            task.promised_ms = task.promised_ms.map(|at| if at <= until_ms { now_ms.max(at) } else { at });
        }
    }
}
