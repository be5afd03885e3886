//! Customers' lines: who is calling us, or is being called by one of us, at this moment.

use crate::callbacks::Scheduler;
use crate::callbacks::task::{OURSELVES, reason};
use crate::model::progress::{Line, LineChange};
use crate::model::{CallKey, CallbackState, E164, RecoveredBy};
use std::collections::{BTreeMap, BTreeSet};

/// The calls in progress of each customer, on whichever PBX.
#[derive(Debug, Default)]
pub(crate) struct CustomerLines {
    calls: BTreeMap<E164, BTreeSet<CallKey>>,
}

impl CustomerLines {
    /// The customer is on the line.
    pub(crate) fn busy(&self, number: &str) -> bool {
        self.calls.contains_key(number)
    }
}

impl Scheduler {
    pub(crate) fn line_changes(&mut self, change: &LineChange) {
        let number = &change.number_e164;
        match &change.what {
            Line::Busy => {
                self.lines.calls.entry(number.clone()).or_default().insert(change.call.clone());
                self.on_the_line(change);
            }
            Line::Talking { .. } => {
                let open = self.open_for(number);
                if let Some(id) = open.filter(|_| change.inbound) {
                    self.served(id, RecoveredBy::Customer, change.call.clone(), self.now.wall_ms);
                }
            }
            Line::Free => {
                let calls = self.lines.calls.get_mut(number);
                let over = calls.is_some_and(|calls| calls.remove(&change.call) && calls.is_empty());
                if over {
                    self.lines.calls.remove(number);
                    self.dirty = true;
                }
            }
        }
    }

    /// The customer calls while a callback is being made: the attempt ends before it costs anyone anything, and the agent is free for the call.
    fn on_the_line(&mut self, change: &LineChange) {
        let Some(id) = self.open_for(&change.number_e164) else { return };
        let task = &self.tasks[&id];
        if task.row.state == CallbackState::Talking {
            return;
        }
        if let Some(channel_id) = task.attempt.clone() {
            let who = if change.inbound { "the customer calls" } else { "an agent calls the customer" };
            self.abandon(&channel_id, &format!("{who}: {}", change.call.linkedid));
        } else if task.turn.is_some() {
            self.move_to(id, CallbackState::Waiting, reason::CUSTOMER_ON_LINE, OURSELVES, "");
        }
    }
}
