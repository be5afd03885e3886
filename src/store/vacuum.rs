//! Giving back to the disk what pruning left free.

use super::inspect::{Found, beside, inspect};
use super::open::resolve;
use super::{Error, Onlooker, SCHEMA_VERSION, Store};
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacuumed {
    /// The database's path.
    pub(crate) path: PathBuf,
    /// Bytes of the database and its log before.
    pub(crate) before: u64,
    /// Size afterwards, bytes.
    pub(crate) after: u64,
}

/// Writes the database anew without its free pages. No daemon may use it meanwhile: calls and callbacks would have to wait.
///
/// # Errors
/// [`Error::MustStop`] if a daemon runs, [`Error::NoRoom`], [`Error::Interrupted`] by `onlooker`, and what [`Store::open`] refuses; the database is as it was.
pub fn vacuum(path: &Path, onlooker: &Onlooker) -> Result<Vacuumed, Error> {
    let path = resolve(path)?;
    // What is not there is not made, and what is old is not migrated, by the way.
    match inspect(&path)? {
        Found::Nothing => return Err(Error::NotFound { path }),
        Found::Ours { version: SCHEMA_VERSION } => {}
        Found::Ours { version: found } => return Err(Error::OlderSchema { path, found }),
    }
    let store = Store::open(&path).map_err(|error| match error {
        Error::InUse { path, pid, .. } => Error::MustStop { path, pid },
        error => error,
    })?;
    let before = size(&path);
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::NoRoom { path: path.clone(), needed: before },
        _ => Error::sqlite(&path, error),
    };
    onlooker.watches(store.connection()).map_err(failed)?;
    store.connection().execute_batch("VACUUM").map_err(failed)?;
    // A reader can keep the log from being emptied; it is emptied later then.
    store.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)?;
    Ok(Vacuumed { before, after: size(&path), path })
}

fn size(path: &Path) -> u64 {
    [path.to_owned(), beside(path, "-wal")]
        .iter()
        .filter_map(|file| std::fs::metadata(file).ok())
        .map(|meta| meta.len())
        .sum()
}
