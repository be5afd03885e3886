//! Customers whom nobody served, as the view `v_missed` has them, and what became of each.

use super::{CallFilter, Error, Reader, StoredCall};
use callbackd_core::model::{CallbackRow, CallbackState, Direction, Outcome, RecoveredBy, Status};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What became of a missed caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Served after all.
    Won(RecoveredBy),
    /// A callback is open.
    Open(CallbackState),
    /// It is closed, and did not win the caller back.
    Closed(CallbackState),
    /// No callback was made.
    Nothing,
}

impl Fate {
    fn of(call: &StoredCall, state: Option<CallbackState>) -> Self {
        match (call.recovered, state) {
            (Some((by, _)), _) => Self::Won(by),
            (None, Some(CallbackState::Done)) => Self::Won(RecoveredBy::Callback),
            (None, Some(CallbackState::RecoveredByCustomer)) => Self::Won(RecoveredBy::Customer),
            (None, Some(CallbackState::RecoveredByAgent)) => Self::Won(RecoveredBy::Agent),
            (None, Some(state)) if state.is_open() => Self::Open(state),
            (None, Some(state)) => Self::Closed(state),
            (None, None) => Self::Nothing,
        }
    }

    /// Nobody will win them back but by chance.
    #[must_use]
    pub(crate) const fn is_lost(self) -> bool {
        matches!(self, Self::Closed(_) | Self::Nothing)
    }
}

/// A missed call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MissedCall {
    /// The call.
    pub(crate) stored: StoredCall,
    /// Its callback, if there is one.
    pub(crate) callback: Option<CallbackRow>,
    /// What became of the caller.
    pub(crate) fate: Fate,
}

impl Reader {
    /// The missed calls among those of the filter, the newest first; what it says of direction, status and outcome is not looked at.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn missed(&self, filter: CallFilter) -> Result<Vec<MissedCall>, Error> {
        let of_missed = |status: &Status| Outcome::missed().any(|outcome| outcome.meaning().statuses.contains(status));
        let calls = self.calls(&CallFilter {
            status: Status::ALL.iter().copied().filter(of_missed).collect(),
            outcome: Outcome::missed().collect(),
            direction: vec![Direction::Inbound],
            ..filter
        })?;
        let mut callbacks: BTreeMap<i64, Option<CallbackRow>> = BTreeMap::new();
        let mut missed = Vec::with_capacity(calls.len());
        for stored in calls {
            let callback = match stored.call.callback_id {
                None => None,
                Some(id) => match callbacks.entry(id) {
                    Entry::Occupied(read) => read.get().clone(),
                    Entry::Vacant(place) => place.insert(self.callback(id)?).clone(),
                },
            };
            let fate = Fate::of(&stored, callback.as_ref().map(|row| row.state));
            missed.push(MissedCall { stored, callback, fate });
        }
        Ok(missed)
    }
}
