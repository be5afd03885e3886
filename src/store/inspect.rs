//! What a file is, found out without changing a byte of it.

use super::root::guard;
use super::shape::{compare, distrust};
use super::{APPLICATION_ID, Error, SCHEMA_VERSION};
use rusqlite::{Connection, OpenFlags};
use std::fmt::Write;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The smallest page, and so the smallest database, bytes (<https://www.sqlite.org/fileformat.html#pages>). SQLite takes anything shorter for an
/// empty database and would overwrite it.
const SMALLEST: u64 = 512;

/// What was found under the name of a database that is ours or may become so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing, or an empty database: a creation that was interrupted.
    Nothing,
    /// One of ours, with this `PRAGMA user_version`, which this program knows.
    Ours {
        /// From 0 to [`SCHEMA_VERSION`].
        version: i32,
    },
}

/// A connection that cannot write, and how it came about.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The connection, opened for reading.
    pub(crate) connection: Connection,
    /// Opened as a file that nobody uses: what others do to it meanwhile is not seen.
    pub(crate) immutable: bool,
}

/// Says what `path` is. The writer asks before it creates or opens anything.
///
/// # Errors
/// Everything that must not be written to: see [`Error`].
pub(crate) fn inspect(path: &Path) -> Result<Found, Error> {
    let size = match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(meta) => return Err(not_a_file(path, &meta)),
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(unreadable(path, error)),
    };
    if size == 0 {
        // SQLite would remove the log of an empty file; it may be all that is left of somebody's data.
        return match std::fs::metadata(beside(path, "-wal")) {
            Ok(meta) if meta.len() > 0 => Err(Error::Damaged {
                path: path.to_owned(),
                detail: "the file is missing or empty, but its write-ahead log is not".to_owned(),
            }),
            _ => Ok(Found::Nothing),
        };
    }
    let index = beside(path, "-wal").exists() && !beside(path, "-shm").exists();
    identify(path, &open_read_only(path, index)?.connection)
}

/// Opens for reading. A file that no write-ahead log lies beside is in nobody's use and is read as immutable, so that SQLite creates neither
/// log nor index beside it, and so that a member of the group who cannot write to the directory can read it at all
/// (<https://www.sqlite.org/wal.html#read_only_databases>). `may_create_index` permits to make a missing `-shm` of an existing log.
///
/// # Errors
/// [`Error::NotFound`], [`Error::NotAFile`], [`Error::NoPermission`], [`Error::NoWalIndex`], or what SQLite reports.
pub(crate) fn open_read_only(path: &Path, may_create_index: bool) -> Result<Opened, Error> {
    guard(path)?;
    match std::fs::metadata(path) {
        Ok(meta) if !meta.is_file() => return Err(not_a_file(path, &meta)),
        Ok(meta) if (1..SMALLEST).contains(&meta.len()) => {
            return Err(Error::NotADatabase { path: path.to_owned() });
        }
        Ok(_) => {}
        Err(error) => return Err(unreadable(path, error)),
    }
    let immutable = !beside(path, "-wal").exists();
    if !immutable && !may_create_index && !beside(path, "-shm").exists() {
        return Err(Error::NoWalIndex { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri(path, immutable), flags).map_err(|error| {
        match std::fs::File::open(path) {
            // Only after SQLite itself could not open it: closing a file drops the process's SQLite locks on it.
            Err(refused) => unreadable(path, refused),
            Ok(_) => Error::sqlite(path, error),
        }
    })?;
    distrust(&connection).map_err(|error| Error::sqlite(path, error))?;
    Ok(Opened { connection, immutable })
}

/// Reads the marks of ownership.
///
/// # Errors
/// [`Error::NotADatabase`], [`Error::Damaged`], [`Error::OtherApplication`], [`Error::NewerSchema`], [`Error::OtherSchema`], or what SQLite reports.
pub(crate) fn identify(path: &Path, connection: &Connection) -> Result<Found, Error> {
    let number = |sql| connection.query_row(sql, [], |row| row.get(0)).map_err(|error| Error::sqlite(path, error));
    let application: i32 = number("PRAGMA application_id")?;
    let version: i32 = number("PRAGMA user_version")?;
    let objects: i32 = number("SELECT count(*) FROM sqlite_schema")?;
    match application {
        APPLICATION_ID if version > SCHEMA_VERSION => Err(Error::NewerSchema { path: path.to_owned(), found: version }),
        APPLICATION_ID if version < 0 => {
            Err(Error::Damaged { path: path.to_owned(), detail: format!("schema version {version}") })
        }
        APPLICATION_ID => {
            compare(path, connection, version)?;
            Ok(Found::Ours { version })
        }
        0 if version == 0 && objects == 0 => Ok(Found::Nothing),
        found => Err(Error::OtherApplication { path: path.to_owned(), found }),
    }
}

/// `calls.db` and `-wal` → `calls.db-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn not_a_file(path: &Path, meta: &std::fs::Metadata) -> Error {
    let what = if meta.is_dir() { "a directory" } else { "no regular file" };
    Error::NotAFile { path: path.to_owned(), what }
}

/// What keeps a file from being read.
fn unreadable(path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => Error::NotFound { path },
        ErrorKind::PermissionDenied => {
            Error::NoPermission { path, action: "read", hint: "run as root, or as a member of the group that owns it" }
        }
        _ => Error::Unreadable { path, source },
    }
}

/// The path as SQLite's `file:` URI, every byte that could mean something there escaped.
fn uri(path: &Path, immutable: bool) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file://");
    for &byte in absolute.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02x}");
        }
    }
    uri.push_str("?mode=ro");
    if immutable {
        uri.push_str("&immutable=1");
    }
    uri
}
