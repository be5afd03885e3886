//! Whoever looks on at long work in a database: they see how far it is, and may end it.

use rusqlite::{Connection, ffi};
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

/// Steps of SQLite's virtual machine, or pages of a tree, between two looks: some milliseconds.
const STEPS_PER_LOOK: i32 = 10_000;

/// Asked now and then in the middle of the work, many times a second.
#[derive(Clone)]
pub struct Onlooker(Arc<dyn Fn(Option<Part>) -> bool + Send + Sync>);

/// How much is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// So many pages.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

impl Onlooker {
    /// Asks `goes_on`, which gets how much is done where that is known; with `false` the work ends, and the database is as it was.
    pub fn new(goes_on: impl Fn(Option<Part>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(goes_on))
    }

    /// Nobody looks.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(|_| true)
    }

    /// # Errors
    /// Interrupted, which [`Error::sqlite`](super::Error) has a name for.
    pub(super) fn sees(&self, part: Part) -> rusqlite::Result<()> {
        match (self.0)(Some(part)) {
            true => Ok(()),
            false => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)),
        }
    }

    /// Is asked by this connection from now on; its statement then ends as interrupted.
    pub(super) fn watches(&self, connection: &Connection) -> rusqlite::Result<()> {
        let goes_on = Arc::clone(&self.0);
        connection.progress_handler(STEPS_PER_LOOK, Some(move || !goes_on(None)))
    }
}

impl Debug for Onlooker {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Onlooker")
    }
}
