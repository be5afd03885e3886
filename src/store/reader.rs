//! The reading side of a database: for commands, beside a running daemon or without one; it never creates or changes a file.

use super::inspect::{Found, Opened, beside, identify, open_read_only};
use super::{Error, SCHEMA_VERSION};
use crate::report::facts::Site;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for a daemon that is just recovering its log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A database opened for reading. Read access to the file and its `-wal` and `-shm` suffices (membership of the group that owns them).
#[derive(Debug)]
pub struct Reader {
    opened: Opened,
    path: PathBuf,
    /// What is read is of these sites; none: of one that needs no name.
    sites: Vec<Site>,
}

impl Reader {
    /// Opens `path`, which must have exactly the schema that this program knows.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let opened = open_read_only(path, false)?;
        opened.connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| Error::sqlite(path, error))?;
        match identify(path, &opened.connection)? {
            Found::Ours { version: SCHEMA_VERSION } => Ok(Self { opened, path: path.to_owned(), sites: Vec::new() }),
            Found::Ours { version: found } => Err(Error::OlderSchema { path: path.to_owned(), found }),
            Found::Nothing => Err(Error::OlderSchema { path: path.to_owned(), found: 0 }),
        }
    }

    /// What is read is what this process has gathered itself.
    pub(super) fn over(opened: Opened, path: PathBuf, sites: Vec<Site>) -> Self {
        Self { opened, path, sites }
    }

    pub(super) fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// It may be kept for further questions: a daemon writes to the file, and what it writes is seen.
    #[must_use]
    pub(crate) fn may_be_kept(&self) -> bool {
        !self.opened.immutable
    }

    /// Lets `query` read, and names what goes wrong.
    ///
    /// # Errors
    /// SQLite's; [`Error::ChangedUnderReader`] if a daemon began to write to what was read as a file that nobody uses.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        let result = query(&self.opened.connection);
        if self.opened.immutable && beside(&self.path, "-wal").exists() {
            return Err(Error::ChangedUnderReader { path: self.path.clone() });
        }
        result.map_err(|error| Error::sqlite(&self.path, error))
    }
}
