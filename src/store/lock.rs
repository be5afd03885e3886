//! The lock file that keeps a second daemon away from a database.

use super::Error;
use super::holder::flock_holder;
use super::inspect::beside;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use std::fs::{File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Nobody else may read it: whoever can read a file can lock it, and keep the daemon from starting.
const MODE: u32 = 0o600;

/// Times that the file is opened anew because it was made, removed or replaced meanwhile.
const TRIES: u32 = 8;

/// Held for as long as a [`super::Store`] is open. The kernel lets go of it however the process ends, so it is never stale.
///
/// Its first line is the holder's process id, its second how far the database beside it has come. That line is left in place when a database is put
/// back with `cp`, and distinguishes it from the one that was there before.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    found: Option<Mark>,
}

/// How far a database has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Which database it is: `identity.db_uuid`.
    pub(crate) db_uuid: String,
    /// Attempts made so far: `identity.attempts`.
    pub(crate) attempts: u64,
    /// The newest change of the feed.
    pub(crate) changes: u64,
}

impl Mark {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.lines().nth(1)?.split_whitespace();
        let (db_uuid, attempts) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        // Before there was a feed there was no third.
        let changes = words.next().map_or(Ok(0), str::parse).ok()?;
        Some(Self { db_uuid, attempts, changes })
    }
}

impl Lock {
    /// Takes the lock for the database `path`, in `path` + `.lock`. The file is left there when the lock is given up: to remove it would let a third
    /// daemon lock a name that a second one still holds. No link is followed, and only a regular file of this process's user with this one name is taken:
    /// it is written to, and what else may stand there is not ours.
    ///
    /// # Errors
    /// [`Error::InUse`] if another process (or another store of this one) holds it; [`Error::NotOurs`], [`Error::NoPermission`],
    /// [`Error::CannotCreate`].
    pub(crate) fn take(path: &Path) -> Result<Self, Error> {
        let lock = lock_path(path);
        for _ in 0..TRIES {
            let mut file = match open(&lock) {
                Ok(file) => file,
                // Removed or made between the two looks.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => continue,
                Err(error) => return Err(refused(&lock, error)),
            };
            let meta = file.metadata().map_err(|error| refused(&lock, error))?;
            if let Some(why) = not_ours(&meta) {
                return Err(Error::NotOurs { path: lock, why });
            }
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let pid = flock_holder(&meta);
                    return Err(Error::InUse { path: path.to_owned(), lock, pid });
                }
                Err(TryLockError::Error(source)) => return Err(refused(&lock, source)),
            }
            // A lock on a file that has lost its name keeps nobody away.
            if !lock.symlink_metadata().is_ok_and(|now| (now.dev(), now.ino()) == (meta.dev(), meta.ino())) {
                continue;
            }
            if meta.mode() & 0o7777 != MODE {
                // Earlier versions let the group read it.
                file.set_permissions(Permissions::from_mode(MODE)).map_err(|error| refused(&lock, error))?;
            }
            let mut text = String::new();
            let found = file.read_to_string(&mut text).ok().and_then(|_| Mark::read(&text));
            let lock = Self { file, found };
            // The pid is a courtesy to whoever looks: a full disk must not keep the daemon from starting.
            let _ = lock.write(lock.found.as_ref());
            return Ok(lock);
        }
        let source = io::Error::other("it is being removed again and again");
        Err(Error::CannotCreate { path: lock, source })
    }

    /// What the last holder noted; `None` if nobody did, or it cannot be read.
    pub(crate) fn found(&self) -> Option<&Mark> {
        self.found.as_ref()
    }

    /// Notes how far the database has come; after the commit, so that a crash or a power cut leaves the note behind the database and never
    /// ahead of it. Best effort: where it cannot be written, a database that is put back later may be taken for this one.
    pub(crate) fn note(&self, mark: &Mark) {
        let _ = self.write(Some(mark));
    }

    /// All in one piece of one length, in place: nothing is truncated, so that it works on a full disk too.
    fn write(&self, mark: Option<&Mark>) -> io::Result<()> {
        let pid = std::process::id();
        let line = |Mark { db_uuid, attempts, changes }: &Mark| format!("{db_uuid} {attempts:020} {changes:020}");
        let mark = mark.map_or_else(String::new, line);
        // 32 digits, and twice a space and 20 digits.
        self.file.write_all_at(format!("{pid:<10}\n{mark:<74}\n").as_bytes(), 0)
    }
}

/// The file that is there, or a new one of ours.
fn open(lock: &Path) -> io::Result<File> {
    // Not to follow a link, and not to wait for the other end of a named pipe.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let options = || OpenOptions::new().read(true).write(true).custom_flags(flags).to_owned();
    match options().open(lock) {
        Err(error) if error.kind() == ErrorKind::NotFound => options().create_new(true).mode(MODE).open(lock),
        result => result,
    }
}

fn refused(lock: &Path, source: io::Error) -> Error {
    let path = lock.to_owned();
    if lock.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        return Error::NotOurs { path, why: "is no regular file".to_owned() };
    }
    match source.kind() {
        ErrorKind::PermissionDenied => Error::NoPermission {
            path,
            action: "write",
            hint: "give the directory and what is in it to the user that callbackd runs as",
        },
        _ => Error::CannotCreate { path, source },
    }
}

/// Why a file beside a database is not one that this process made, or another of its user.
pub(super) fn not_ours(meta: &Metadata) -> Option<String> {
    let ours = geteuid().as_raw();
    if !meta.is_file() {
        Some("is no regular file".to_owned())
    } else if meta.nlink() > 1 {
        Some("has another name too (a hard link)".to_owned())
    } else if meta.uid() != ours {
        Some(format!("belongs to another user (uid {}, not {ours})", meta.uid()))
    } else {
        None
    }
}

/// `calls.db` → `calls.db.lock`.
pub(super) fn lock_path(path: &Path) -> PathBuf {
    beside(path, ".lock")
}
