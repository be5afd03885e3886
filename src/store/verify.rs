//! Whether a database is sound: every page, every row, and what it holds.

use super::inspect::{Found, beside, identify, open_read_only};
use super::{Error, Onlooker, SCHEMA_VERSION};
use callbackd_core::millis::Millis;
use rusqlite::{Connection, ErrorCode};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Faults that are listed one by one; more are only counted.
pub(crate) const MAX_FAULTS: usize = 20;

/// The check at the start takes so long at most. Enough for some hundred megabytes.
pub(super) const CHECK: Duration = Duration::from_secs(3);

/// The clock is looked at every so many steps of SQLite's virtual machine, or pages of a tree, each of which may take a tenth of a millisecond.
const STEPS_PER_LOOK: i32 = 100;

/// How long to wait for a daemon that is just recovering its log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// What a database is and holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The file that was read.
    pub(crate) path: PathBuf,
    /// `PRAGMA user_version`.
    pub(crate) version: i32,
    /// What `PRAGMA integrity_check` finds wrong, at most [`MAX_FAULTS`] lines.
    pub faults: Vec<String>,
    /// Rows whose parent is gone, by table.
    pub(crate) orphans: BTreeMap<String, u64>,
    /// Bytes of a page.
    pub(crate) page_bytes: u64,
    /// Pages of the file.
    pub(crate) pages: u64,
    /// Pages of it that hold nothing.
    pub(crate) free_pages: u64,
    /// Bytes of the write-ahead log.
    pub(crate) log_bytes: u64,
    /// Number of rows in `calls`.
    pub(crate) calls: u64,
    /// The oldest and the newest of them began, ms since 1970 UTC.
    pub span_ms: Option<(Millis, Millis)>,
    /// Rows of `callbacks`, and how many of them are open.
    pub(crate) callbacks: (u64, u64),
}

impl Verified {
    /// Nothing is wrong with it.
    #[must_use]
    pub(crate) fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.orphans.is_empty()
    }

    /// It is of the schema of this program.
    #[must_use]
    pub(crate) fn is_current(&self) -> bool {
        self.version == SCHEMA_VERSION
    }
}

/// Reads all of `path` and changes nothing. A daemon that writes to it is not kept waiting.
///
/// # Errors
/// [`Error::Interrupted`] by `onlooker`; what is not one of our databases, or cannot be read at all, see [`Error`]; damage that leaves it readable is in the result.
pub fn verify(path: &Path, onlooker: &Onlooker) -> Result<Verified, Error> {
    let opened = open_read_only(path, false)?;
    let connection = &opened.connection;
    let failed = |error| Error::sqlite(path, error);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    let Found::Ours { version } = identify(path, connection)? else {
        return Err(Error::NotFound { path: path.to_owned() });
    };
    onlooker.watches(connection).map_err(failed)?;
    let faults = integrity(connection).map_err(failed)?;
    // A count that damage makes impossible is 0: the faults say why.
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap_or(0).unsigned_abs();
    let orphans = match orphans(connection) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => return Err(failed(error)),
        orphans => orphans.unwrap_or_default(),
    };
    // The rest takes no time.
    connection.progress_handler(0, None::<fn() -> bool>).map_err(failed)?;
    let verified = Verified {
        path: path.to_owned(),
        version,
        orphans,
        page_bytes: number("PRAGMA page_size"),
        pages: number("PRAGMA page_count"),
        free_pages: number("PRAGMA freelist_count"),
        log_bytes: std::fs::metadata(beside(path, "-wal")).map_or(0, |meta| meta.len()),
        calls: number("SELECT count(*) FROM calls"),
        span_ms: connection
            .query_row("SELECT min(started_ms), max(started_ms) FROM calls", [], |row| {
                Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?))
            })
            .unwrap_or(None),
        callbacks: (
            number("SELECT count(*) FROM callbacks"),
            number("SELECT count(*) FROM callbacks WHERE closed_ms IS NULL"),
        ),
        faults,
    };
    if opened.immutable && beside(path, "-wal").exists() {
        return Err(Error::ChangedUnderReader { path: path.to_owned() });
    }
    Ok(verified)
}

/// What SQLite finds wrong with the whole database; empty if nothing is.
pub(super) fn integrity(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    pragma(connection, "integrity_check")
}

/// What SQLite finds wrong with the structure of the database within this time; `None` if that was not long enough and nothing was
/// found by then.
#[allow(clippy::disallowed_methods, reason = "the shell's clock")]
pub(super) fn structure(connection: &Connection, within: Duration) -> rusqlite::Result<Option<Vec<String>>> {
    let begun = Instant::now();
    connection.progress_handler(STEPS_PER_LOOK, Some(move || begun.elapsed() > within))?;
    match pragma(connection, "quick_check") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(None),
        result => result.map(Some),
    }
}

fn pragma(connection: &Connection, check: &str) -> rusqlite::Result<Vec<String>> {
    let answered =
        connection.prepare(&format!("PRAGMA {check}({MAX_FAULTS})"))?.query_map([], |row| row.get(0))?.collect();
    let found: Vec<String> = match answered {
        // Damage can be such that the check itself cannot go on.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => vec![error.to_string()],
        answered => answered?,
    };
    let lines = found.iter().flat_map(|text| text.lines());
    Ok(lines.filter(|line| *line != "ok" && !line.starts_with("***")).take(MAX_FAULTS).map(str::to_owned).collect())
}

fn orphans(connection: &Connection) -> rusqlite::Result<BTreeMap<String, u64>> {
    let mut orphans = BTreeMap::new();
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        *orphans.entry(row.get(0)?).or_default() += 1;
    }
    Ok(orphans)
}
