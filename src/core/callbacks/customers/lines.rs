//! Customers' lines: who is calling us, or is being called by one of us, at this moment.

use crate::model::{CallKey, E164};
use std::collections::{BTreeMap, BTreeSet};

/// The calls in progress of each customer, on whichever PBX.
#[derive(Debug, Default)]
pub(super) struct CallsInProgress {
    calls: BTreeMap<E164, BTreeSet<CallKey>>,
}

impl CallsInProgress {
    /// The customer has one.
    pub(super) fn on_line(&self, number: &str) -> bool {
        self.calls.contains_key(number)
    }

    pub(super) fn begin(&mut self, number: &E164, call: &CallKey) {
        self.calls.entry(number.clone()).or_default().insert(call.clone());
    }

    /// Returns whether it was the customer's last one.
    pub(super) fn end(&mut self, number: &E164, call: &CallKey) -> bool {
        let calls = self.calls.get_mut(number);
        let last = calls.is_some_and(|calls| calls.remove(call) && calls.is_empty());
        if last {
            self.calls.remove(number);
        }
        last
    }
}
