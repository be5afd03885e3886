//! A page of what calls have, codes or ratings: the newest calls first, and what one call has is never on two pages.

use crate::api::answers::OfCallAnswer;
use crate::api::pages::Rows;
use crate::store::OfCall;
use serde::Serialize;
use std::ops::ControlFlow;

/// See the module.
pub(super) struct OfCalls<T> {
    limit: usize,
    found: Vec<OfCall<T>>,
    next: Option<String>,
}

impl<T: Serialize> OfCalls<T> {
    /// About so many rows.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, found: Vec::new(), next: None }
    }

    /// One more, in the order of the list. Breaks once the page is full.
    pub(super) fn take(&mut self, one: OfCall<T>) -> ControlFlow<()> {
        if let Some(last) = self.found.last()
            && self.found.len() >= self.limit
            && last.call_id != one.call_id
        {
            self.next = Some(format!("{}-{}", last.started_ms, last.call_id));
            return ControlFlow::Break(());
        }
        self.found.push(one);
        ControlFlow::Continue(())
    }

    /// Hands the page over.
    pub(super) fn put(self, rows: &mut Rows) {
        rows.begin(self.next);
        // Whoever asked may have gone.
        let _ = self.found.iter().all(|one| rows.row(&OfCallAnswer::new(one)));
    }
}
