//! A consistent copy of a database, made while a daemon goes on writing to it.

use super::inspect::{Found, Opened, beside, identify, open_read_only};
use super::open::resolve;
use super::{Error, Onlooker, Part, identity, verify};
use crate::ownership::within;
use rusqlite::backup::{Backup, Progress, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages copied at a time: 1 MiB of SQLite's usual pages.
const STEP_PAGES: i32 = 256;

/// Rest between two steps: the disk has the daemon's commits to serve meanwhile.
const REST: Duration = Duration::from_millis(2);

/// How long to wait for a daemon that is just recovering its log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The result of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Path of the copy.
    pub(crate) path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// Rows of `calls` in it.
    pub calls: u64,
    /// Rows of `callbacks` in it.
    pub callbacks: u64,
}

/// A database that is to be copied, as it is at the moment of its opening.
#[derive(Debug)]
pub struct Source {
    opened: Opened,
    path: PathBuf,
}

impl Source {
    /// Opens `from` for reading. In a place of another user's root does so with that user's rights, and is root again afterwards: all that
    /// SQLite opens is open then.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn open(from: &Path) -> Result<Self, Error> {
        within(from, || {
            let path = resolve(from)?;
            let opened = open_read_only(&path, false)?;
            let failed = |error| Error::sqlite(&path, error);
            opened.connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
            // One snapshot for all steps: else each commit of the daemon would make the copy begin anew. Whoever reads a write-ahead log
            // keeps nobody from writing.
            opened.connection.execute_batch("BEGIN").map_err(failed)?;
            if identify(&path, &opened.connection)? == Found::Nothing {
                return Err(Error::NotFound { path });
            }
            Ok(Self { opened, path })
        })?
    }

    /// Copies it to `to` (mode 0640, less the umask). The name `to` appears when the copy is whole, on the disk, and found sound; until then it
    /// has another name in the same directory. The copy is a database of its own, with an identity of its own. What is there already is replaced
    /// only if `replace`.
    ///
    /// # Errors
    /// [`Error::Interrupted`] by `onlooker`, and see [`Error`]; in each case `to` is as it was.
    pub(crate) fn copy_to(&self, to: &Path, replace: bool, onlooker: &Onlooker) -> Result<Copied, Error> {
        let from = &self.path;
        let to = &target(to)?;
        may_be_written(from, to, replace)?;
        let partial = Partial::create(to)?;
        copy(&self.opened.connection, &partial.0, onlooker).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::sqlite(from, error),
            _ => Error::sqlite(to, error),
        })?;
        if self.opened.immutable && beside(from, "-wal").exists() {
            return Err(Error::ChangedUnderReader { path: from.clone() });
        }
        let (calls, callbacks) = examine(from, &partial.0, onlooker)?;
        let failed = |source| Error::CannotCreate { path: to.clone(), source };
        let file = File::open(&partial.0).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        partial.rename(to, replace)?;
        Ok(Copied { path: to.clone(), bytes, calls, callbacks })
    }
}

/// Copies the database `from` to `to`: see [`Source`].
///
/// # Errors
/// See [`Error`]; in each case `to` is as it was.
pub fn backup(from: &Path, to: &Path, replace: bool, onlooker: &Onlooker) -> Result<Copied, Error> {
    Source::open(from)?.copy_to(to, replace, onlooker)
}

/// The copy's own name: links that lead to it are not followed, they are replaced.
fn target(to: &Path) -> Result<PathBuf, Error> {
    let directory = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let not_a_file = || Error::CannotCreate { path: to.to_owned(), source: ErrorKind::IsADirectory.into() };
    let name = to.file_name().ok_or_else(not_a_file)?;
    match directory.canonicalize() {
        Ok(directory) => Ok(directory.join(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Error::NoDirectory { path: to.to_owned(), directory: directory.to_owned() })
        }
        Err(source) => Err(Error::CannotCreate { path: to.to_owned(), source }),
    }
}

/// Keeps a copy from taking the place of the database itself, of something that is none, or of a database that is in use.
fn may_be_written(from: &Path, to: &Path, replace: bool) -> Result<(), Error> {
    let refused = |why: String| Err(Error::MustNotReplace { path: to.to_owned(), why });
    if ["", "-wal", "-shm", "-journal", ".lock"].iter().any(|suffix| beside(from, suffix) == to)
        || to.canonicalize().is_ok_and(|real| real == from)
    {
        return refused("it is the database itself".to_owned());
    }
    for suffix in ["-wal", "-journal"] {
        let log = beside(to, suffix);
        if std::fs::metadata(&log).is_ok_and(|meta| meta.len() > 0) {
            // SQLite would take it for the copy's own.
            return refused(format!(
                "{} lies beside it, so that another database is, or was, in use there",
                log.display()
            ));
        }
    }
    match to.symlink_metadata() {
        Err(_) => Ok(()),
        Ok(_) if !replace => Err(Error::AlreadyThere { path: to.to_owned() }),
        Ok(meta) if meta.is_file() || meta.is_symlink() => Ok(()),
        Ok(_) => refused("it is not a file".to_owned()),
    }
}

fn copy(source: &Connection, to: &Path, onlooker: &Onlooker) -> rusqlite::Result<()> {
    let mut copy =
        Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // An unfinished copy is thrown away: nothing is to be rolled back in it, and it is synced once, at its end.
    copy.execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = off")?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        match backup.step(STEP_PAGES)? {
            StepResult::Done => break,
            StepResult::More => std::thread::sleep(REST),
            _ => return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None)),
        }
        let Progress { remaining, pagecount } = backup.progress();
        let pages = |number: i32| u64::from(number.unsigned_abs());
        onlooker.sees(Part { done: pages(pagecount - remaining), of: pages(pagecount) })?;
    }
    drop(backup);
    // One that is marked as having a write-ahead log needs files beside it, which not everybody can make who may read it.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0))?;
    identity::renew_copy(&copy)
}

/// Calls and callbacks of a copy that was found sound.
fn examine(from: &Path, copy: &Path, onlooker: &Onlooker) -> Result<(u64, u64), Error> {
    let failed = |error| Error::sqlite(from, error);
    let opened = open_read_only(copy, false)?;
    onlooker.watches(&opened.connection).map_err(failed)?;
    let faults = verify::integrity(&opened.connection).map_err(failed)?;
    if let Some(first) = faults.first() {
        let detail = format!("{first}; no copy was made");
        return Err(Error::Damaged { path: from.to_owned(), detail });
    }
    let count = |table| {
        let known = "SELECT count(*) FROM sqlite_schema WHERE name = ?";
        match opened.connection.query_row(known, [table], |row| row.get::<_, i64>(0))? {
            0 => Ok(0), // of an earlier schema
            _ => opened.connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0)),
        }
    };
    let counts = count("calls").and_then(|calls| Ok((calls, count("callbacks")?)));
    counts.map(|(calls, callbacks)| (calls.unsigned_abs(), callbacks.unsigned_abs())).map_err(failed)
}

/// A file that is removed unless it was finished.
struct Partial(PathBuf);

impl Partial {
    fn create(to: &Path) -> Result<Self, Error> {
        let path = beside(to, &format!(".partial-{}", std::process::id()));
        match File::options().write(true).create_new(true).mode(0o640).open(&path) {
            Ok(_) => Ok(Self(path)),
            Err(source) => Err(Error::CannotCreate { path, source }),
        }
    }

    fn rename(self, to: &Path, replace: bool) -> Result<(), Error> {
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::AlreadyExists => Error::AlreadyThere { path: to.to_owned() },
            _ => Error::CannotCreate { path: to.to_owned(), source },
        };
        let flags = if replace { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        match renameat_with(CWD, &self.0, CWD, to, flags) {
            // Some network file systems cannot do it in one step. That nothing was there has been seen before.
            Err(Errno::INVAL | Errno::NOSYS) => std::fs::rename(&self.0, to).map_err(failed)?,
            renamed => renamed.map_err(|error| failed(error.into()))?,
        }
        let directory = to.parent().unwrap_or(Path::new("/"));
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a success it has another name.
        let _ = std::fs::remove_file(&self.0);
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(&self.0, suffix));
        }
    }
}
