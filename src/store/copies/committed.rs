//! A change by its number and by its moment: where the machine was set back, other changes come to have numbers that there were before.

use super::super::questions::MOMENT;
use super::super::{Error, Reader};
use callbackd_core::millis::Millis;
use rusqlite::OptionalExtension;

/// A change that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Committed {
    /// Its number in the feed; 0: before all of them.
    pub(crate) seq: i64,
    /// When, ms since 1970 UTC; `None` if that is not known.
    pub(crate) at_ms: Option<Millis>,
}

impl Reader {
    /// The change of this number; its moment is not known if the feed has it no more.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn committed(&self, seq: i64) -> Result<Committed, Error> {
        let at_ms = self.read(|connection| connection.query_row(MOMENT, [seq], |row| row.get(0)).optional())?;
        Ok(Committed { seq, at_ms })
    }

    /// Whether the feed has another change under this number.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn has_another(&self, change: Committed) -> Result<bool, Error> {
        let here = self.committed(change.seq)?;
        Ok(matches!((here.at_ms, change.at_ms), (Some(here), Some(there)) if here != there))
    }
}
