//! What can go wrong with a database, by what the operator has to do.

use super::holder::{Holder, Locks};
use crate::ownership::NotSafe;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// Why a database could not be opened, read or written. Each message is one line with the path and the fix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there, but it is no SQLite database.
    #[error("{} is not an SQLite database; it was left as it is: name another file ([store] path, or --db), or move this one away", path.display())]
    NotADatabase {
        /// The file's path.
        path: PathBuf,
    },
    /// A directory, a pipe or a device.
    #[error("{} is {what}, not a database: name the database's own file ([store] path, or --db)", path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// SQLite cannot make sense of what the file holds.
    #[error("{} is damaged ({detail}); it was left as it is: restore a backup, or save what can be read with sqlite3 FILE .recover \
             (Debian's sqlite3 cannot: callbackd check --db gives the lines that do)", path.display())]
    Damaged {
        /// The file's path.
        path: PathBuf,
        /// What SQLite says, or what is odd.
        detail: String,
    },
    /// One of ours, and somebody has changed how it is built.
    #[error("{} is not built as callbackd builds it: {detail}; it was left as it is", path.display())]
    OtherSchema {
        /// The file's path.
        path: PathBuf,
        /// The first difference, and the fix.
        detail: String,
    },
    /// A sound database that somebody else made.
    #[error("{} belongs to another application (application_id {found:#010x}, not {ours:#010x}); it was left as it is: name another file ([store] path, or --db)",
        path.display(), ours = super::APPLICATION_ID)]
    OtherApplication {
        /// The file's path.
        path: PathBuf,
        /// Its `PRAGMA application_id`.
        found: i32,
    },
    /// A later version of this program made it.
    #[error("{} has schema {found}, this callbackd knows only up to {known}; it was left as it is: install the version that wrote it, or a later one",
        path.display(), known = super::SCHEMA_VERSION)]
    NewerSchema {
        /// The file's path.
        path: PathBuf,
        /// Its `PRAGMA user_version`.
        found: i32,
    },
    /// An earlier version of this program made it, and a reader may not migrate it.
    #[error("{} has schema {found}, this command needs {needed}: start the daemon of this version once, it migrates the database",
        path.display(), needed = super::SCHEMA_VERSION)]
    OlderSchema {
        /// The file's path.
        path: PathBuf,
        /// Its `PRAGMA user_version`.
        found: i32,
    },
    /// Another daemon writes to it.
    #[error("{} is in use by another callbackd ({}; lock file {}): stop that one, or give this one its own [store] path",
        path.display(), pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {pid}")), lock.display())]
    InUse {
        /// The database's path.
        path: PathBuf,
        /// The lock file beside it.
        lock: PathBuf,
        /// The other's process id, if the kernel says it.
        pid: Option<u32>,
    },
    /// Root is not to work in another user's place: whoever owns it decides what the names there lead to.
    #[error("{} is in a directory of the user {user}, and root does not work there as root: run this as that user (runuser -u {user} -- callbackd …, or systemctl start callbackd)",
        path.display())]
    AnothersPlace {
        /// The file's path.
        path: PathBuf,
        /// The owner's name, or uid.
        user: String,
    },
    /// Root is not to work where others can put another file under a name.
    #[error(transparent)]
    NotSafe(#[from] NotSafe),
    /// What stands under the name of one of the database's files is not ours, and may be a way to another file.
    #[error("{} {why}; it was left as it is: look at what it is, and remove it while no callbackd runs", path.display())]
    NotOurs {
        /// The file's path.
        path: PathBuf,
        /// What is odd, as a verb and its object.
        why: String,
    },
    /// Another process holds one of SQLite's locks.
    #[error("{} is locked by {}: it can be read meanwhile, and is written as soon as that process ends its transaction, or ends",
        path.display(), holder.as_ref().map_or_else(|| "another process (fuser names it)".to_owned(), ToString::to_string))]
    Locked {
        /// The file's path.
        path: PathBuf,
        /// That process, if the kernel names it.
        holder: Option<Holder>,
    },
    /// The directory is not there, and is not made silently.
    #[error("cannot create {}: there is no directory {}: create it, owned by the user that callbackd runs as (StateDirectory= of the systemd unit does this)",
        path.display(), directory.display())]
    NoDirectory {
        /// The database's path.
        path: PathBuf,
        /// The directory that is missing.
        directory: PathBuf,
    },
    /// The system refuses to create a file.
    #[error("cannot create {}: {source}: choose a place that can be written to as [store] path", path.display())]
    CannotCreate {
        /// The file's path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A copy's name is taken.
    #[error("{} is there already and was left as it is: give another name, or --force to replace it", path.display())]
    AlreadyThere {
        /// The file's path.
        path: PathBuf,
    },
    /// A copy may not take this place, whoever wishes it.
    #[error("{} cannot be replaced by a copy: {why}; give another name", path.display())]
    MustNotReplace {
        /// The file's path.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Compacting would keep a daemon from writing.
    #[error("{} is in use by callbackd ({}), which could not record calls meanwhile: systemctl stop callbackd, then vacuum, then start it again; \
             or leave it: new calls fill the free pages",
        path.display(), pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {pid}")))]
    MustStop {
        /// The database's path.
        path: PathBuf,
        /// The daemon, if the kernel says it.
        pid: Option<u32>,
    },
    /// Compacting needs space for a second database.
    #[error("{} cannot be compacted, the disk is full: that needs {} MB free beside it and in SQLITE_TMPDIR or /var/tmp; nothing was changed",
        path.display(), needed.div_ceil(1_000_000))]
    NoRoom {
        /// The database's path.
        path: PathBuf,
        /// Its size, bytes.
        needed: u64,
    },
    /// The file under the database's name is not the one that was opened.
    #[error("{} was removed or replaced while callbackd uses it: put the file and its -wal back under their names, or restart callbackd, which \
             begins anew there", path.display())]
    Moved {
        /// The file's path.
        path: PathBuf,
    },
    /// The rights do not suffice.
    #[error("no permission to {action} {}: {hint}", path.display())]
    NoPermission {
        /// The file or directory.
        path: PathBuf,
        /// `read`, `write` or `create`.
        action: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A reader's database is not there.
    #[error("there is no database {}: the daemon makes it when it runs for the first time; or name another ([store] path, or --db)", path.display())]
    NotFound {
        /// The file's path.
        path: PathBuf,
    },
    /// A write-ahead log without its index: a copy made of two of the three files.
    #[error("{} has a write-ahead log (-wal) but not its index (-shm), and reading may create no file: let the daemon open it once, or copy with: sqlite3 FILE \".backup COPY\"",
        path.display())]
    NoWalIndex {
        /// The file's path.
        path: PathBuf,
    },
    /// The database came into use while it was read as a file that nobody uses.
    #[error("{} came into use while it was being read: what was shown may be incomplete, run the command again", path.display())]
    ChangedUnderReader {
        /// The file's path.
        path: PathBuf,
    },
    /// Whoever looked on ended it.
    #[error("interrupted: {} is as it was", path.display())]
    Interrupted {
        /// The file's path.
        path: PathBuf,
    },
    /// The system cannot read it.
    #[error("cannot read {}: {source}: look for what the kernel says about this disk (journalctl -k)", path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Anything else that SQLite reports.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The file's path.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl Error {
    /// The code with which the program ends, from `sysexits.h`: systemd and scripts see from it whether trying again can help.
    ///
    /// 65 the file's contents; 66 no such file; 73 cannot be created; 74 input/output; 75 try again; 77 permission;
    /// 78 a schema newer than the program, which no restart fixes (like a wrong configuration); 130 interrupted.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotADatabase { .. }
            | Self::NotAFile { .. }
            | Self::Damaged { .. }
            | Self::OtherApplication { .. }
            | Self::OtherSchema { .. } => 65,
            Self::NotFound { .. } => 66,
            Self::NoDirectory { .. }
            | Self::CannotCreate { .. }
            | Self::AlreadyThere { .. }
            | Self::MustNotReplace { .. } => 73,
            Self::NoWalIndex { .. }
            | Self::Unreadable { .. }
            | Self::NoRoom { .. }
            | Self::Moved { .. }
            | Self::Sqlite { .. } => 74,
            Self::InUse { .. }
            | Self::Locked { .. }
            | Self::MustStop { .. }
            | Self::OlderSchema { .. }
            | Self::ChangedUnderReader { .. } => 75,
            Self::NoPermission { .. } | Self::AnothersPlace { .. } | Self::NotSafe(_) | Self::NotOurs { .. } => 77,
            Self::NewerSchema { .. } => 78,
            Self::Interrupted { .. } => 130,
        }
    }

    /// True if neither time nor free space fixes it: a person has to.
    #[must_use]
    pub(crate) fn needs_a_person(&self) -> bool {
        matches!(self, Self::NotADatabase { .. } | Self::NotAFile { .. } | Self::Damaged { .. } | Self::Moved { .. })
    }

    /// SQLite's error, under the name by which the operator can act on it.
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        let path = path.to_owned();
        if let E::InvalidColumnType(..)
        | E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::Utf8Error(..)
        | E::InvalidColumnName(_)
        | E::QueryReturnedNoRows = source
        {
            // Every table says what its columns hold: only a file that was not written by SQLite and us can hold something else.
            return Self::Damaged { path, detail: source.to_string() };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path, holder: None },
            Some(ErrorCode::OperationInterrupted) => Self::Interrupted { path },
            // Of what is written, a record that is too long is refused for itself.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::TooBig) => Self::Damaged { path, detail: source.to_string() },
            Some(ErrorCode::PermissionDenied) => {
                Self::NoPermission { path, action: "read", hint: "run as a member of the group that owns it" }
            }
            _ => Self::Sqlite { path, source },
        }
    }

    /// The same, with the process that holds the lock, if it is one.
    pub(super) fn with_holder(mut self, locks: &Locks) -> Self {
        if let Self::Locked { path, holder } = &mut self {
            *holder = locks.holder(path);
        }
        self
    }

    /// True if the fault lies in what was to be written and not in the database or the machine: trying again cannot help.
    pub(super) fn is_of_the_record(source: &rusqlite::Error) -> bool {
        match source.sqlite_error_code() {
            Some(code) => matches!(
                code,
                ErrorCode::ConstraintViolation
                    | ErrorCode::TypeMismatch
                    | ErrorCode::TooBig
                    | ErrorCode::ParameterOutOfRange
            ),
            None => true,
        }
    }
}
