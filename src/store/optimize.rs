//! SQLite's own figures of the tables, by which it chooses the indices for a question.

use super::{Calendar, Error, Store};

/// At most so many rows of an index are looked at: enough to distinguish a column of few words from one of many, done in milliseconds whatever the
/// size of the table (<https://www.sqlite.org/lang_analyze.html#approx>).
const ROWS_LOOKED_AT: u32 = 400;

/// `PRAGMA optimize`: analyse what needs it (0x02), of all tables rather than of those that this connection has asked (0x10000): a writer asks
/// nothing.
const WHAT: u32 = 0x10002;

impl Store {
    /// Analyses the tables whose figures are missing, or that have become much larger or smaller since, and keeps the calendar. Does nothing most of the
    /// time.
    ///
    /// # Errors
    /// The database cannot be written now: the figures are as they were.
    pub fn optimize(&mut self, calendar: Option<&Calendar>) -> Result<(), Error> {
        if let Some(calendar) = calendar {
            self.keep_calendar(calendar)?;
        }
        self.is_where_it_was()?;
        let sql = format!("PRAGMA analysis_limit = {ROWS_LOOKED_AT}; PRAGMA optimize = {WHAT}");
        self.connection().execute_batch(&sql).map_err(|error| self.failed(error))
    }
}
