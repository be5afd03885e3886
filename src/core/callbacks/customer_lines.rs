//! What a customer's call that begins, or is answered, means for the callback that is open.

use crate::callbacks::Scheduler;
use crate::callbacks::task::{OURSELVES, reason};
use crate::model::progress::{Line, LineChange};
use crate::model::{CallbackState, RecoveredBy};

impl Scheduler {
    pub(crate) fn line_changes(&mut self, change: &LineChange) {
        let number = &change.number_e164;
        match &change.what {
            Line::Busy => {
                self.customers.call_begins(number, &change.call);
                self.on_the_line(change);
            }
            Line::Talking { since_ms, .. } => {
                let open = self.tasks.open_for(number);
                // The call that asked for it does not answer it: it was recorded in an earlier run, and goes on. Nor does a talk in which it was promised.
                let answers = |id: &i64| {
                    let task = &self.tasks[*id];
                    change.inbound && !task.has_code_of(&change.call) && !task.promised_in(*since_ms, self.now.wall_ms)
                };
                if let Some(id) = open.filter(answers) {
                    self.served(id, RecoveredBy::Customer, change.call.clone(), self.now.wall_ms);
                }
            }
            Line::Free => {
                if self.customers.call_ends(number, &change.call) {
                    self.rounds.set_due();
                }
            }
        }
    }

    /// The customer calls while a callback is being made: the attempt ends before it costs anyone anything, and the agent is free for the call.
    fn on_the_line(&mut self, change: &LineChange) {
        let Some(id) = self.tasks.open_for(&change.number_e164) else { return };
        let task = &self.tasks[id];
        if task.row().state == CallbackState::Talking {
            return;
        }
        if let Some(channel_id) = task.attempt().map(str::to_owned) {
            let who = if change.inbound { "the customer calls" } else { "an agent calls the customer" };
            self.abandon(&channel_id, &format!("{who}: {}", change.call.linkedid));
        } else if task.is_ready() {
            self.move_to(id, CallbackState::Waiting, reason::CUSTOMER_ON_LINE, OURSELVES, "");
        }
    }
}
