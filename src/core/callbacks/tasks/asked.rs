//! The codes that ask for a callback, and what another one of the same customer was for.

use super::Task;
use crate::millis::Millis;
use crate::model::codes::ClosedByList;
use crate::model::{AskedBy, CallKey};

impl Task {
    /// A code of a call asks for it, in this language if that is known; it is called back at this moment unless it is due later.
    pub(crate) fn requested_by_code(&mut self, by: AskedBy, language: Option<&String>, due_ms: Millis) {
        self.row.requested = true;
        self.row.requested_for_ms.get_or_insert(due_ms.max(self.row.due_ms));
        self.row.language = language.cloned().or_else(|| self.row.language.take());
        self.is_asked_by(by);
    }

    /// This code of a call is behind it.
    pub(crate) fn is_asked_by(&mut self, by: AskedBy) {
        if !self.misses.contains(&by.call) {
            self.misses.push(by.call.clone());
        }
        self.asked.retain(|known| !known.is(&by.call, &by.code));
        self.asked.push(by);
    }

    /// This code asks for it already, since it was set.
    pub(crate) fn knows(&self, by: &AskedBy) -> bool {
        self.asked.contains(by)
    }

    /// This code of this call asks for it no more; whether it did.
    pub(crate) fn asked_no_more(&mut self, call: &CallKey, code: &str) -> bool {
        let before = self.asked.len();
        self.asked.retain(|by| !by.is(call, code));
        self.asked.len() < before
    }

    /// The codes that ask for it, in the order in which they were set.
    pub(crate) fn asked(&self) -> &[AskedBy] {
        &self.asked
    }

    /// A code of this call asks for it.
    pub(crate) fn has_code_of(&self, call: &CallKey) -> bool {
        self.asked.iter().any(|by| by.call == *call)
    }

    /// The first of the codes that ask for it.
    pub(crate) fn asked_first(&self) -> Option<&AskedBy> {
        self.asked.first()
    }

    /// The misses and the codes behind a closed callback of the same customer are behind this one too.
    pub(crate) fn takes_in(&mut self, other: &ClosedByList) {
        let (row, of) = (&mut self.row, &other.row);
        row.missed_count += of.missed_count;
        row.requested |= of.requested;
        row.requested_for_ms = row.requested_for_ms.or(of.requested_for_ms);
        row.last_missed_ms = row.last_missed_ms.max(of.last_missed_ms);
        if of.code.is_none() {
            row.code = None;
        }
        self.misses.extend(other.misses.iter().filter(|miss| !self.misses.contains(miss)).cloned().collect::<Vec<_>>());
        other.asked.iter().for_each(|by| self.is_asked_by(by.clone()));
    }

    /// Nothing but codes asks for it, this one first.
    pub(crate) fn owed_to(&mut self, code: &str) {
        self.row.code = Some(code.to_owned());
    }
}
