//! The lock file that keeps a second daemon away from a database.

use super::Error;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Held for as long as a [`super::Store`] is open. The kernel lets go of it however the process ends, so it is never stale.
///
/// Its first line is the holder's process id, its second how far the database beside it has come. That line is left in place when a database is put
/// back with `cp`, and distinguishes it from the one that was there before.
#[derive(Debug)]
pub struct Lock {
    file: File,
    found: Option<Mark>,
}

/// How far a database has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which database it is: `identity.db_uuid`.
    pub db_uuid: String,
    /// Attempts made so far: `identity.attempts`.
    pub attempts: u64,
}

impl Mark {
    fn read(text: &str) -> Option<Self> {
        let (db_uuid, attempts) = text.lines().nth(1)?.split_once(' ')?;
        Some(Self { db_uuid: db_uuid.to_owned(), attempts: attempts.trim().parse().ok()? })
    }
}

impl Lock {
    /// Takes the lock for the database `path`, in `path` + `.lock`. The file is left there when the lock is given up: to remove it would let a third
    /// daemon lock a name that a second one still holds.
    ///
    /// # Errors
    /// [`Error::InUse`] if another process (or another store of this one) holds it; [`Error::NoPermission`], [`Error::CannotCreate`].
    pub fn take(path: &Path) -> Result<Self, Error> {
        let lock = lock_path(path);
        let refused = |source: std::io::Error| match source.kind() {
            ErrorKind::PermissionDenied => Error::NoPermission {
                path: lock.clone(),
                action: "write",
                hint: "give the directory and what is in it to the user that callbackd runs as",
            },
            _ => Error::CannotCreate { path: lock.clone(), source },
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(&lock)
            .map_err(refused)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = file.read_to_string(&mut text).ok().and_then(|_| pid(&text));
                return Err(Error::InUse { path: path.to_owned(), lock, pid });
            }
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
        // Whoever the database belongs to must be able to take it after root has (callbackd vacuum). Only root can give it away.
        if let (Ok(owner), Ok(ours)) = (std::fs::metadata(path), file.metadata())
            && (owner.uid(), owner.gid()) != (ours.uid(), ours.gid())
        {
            let _ = std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()));
        }
        let mut text = String::new();
        let found = file.read_to_string(&mut text).ok().and_then(|_| Mark::read(&text));
        let lock = Self { file, found };
        // The pid is a courtesy to whoever is refused: a full disk must not keep the daemon from starting.
        let _ = lock.write(lock.found.as_ref());
        Ok(lock)
    }

    /// What the last holder noted; `None` if nobody did, or it cannot be read.
    pub fn found(&self) -> Option<&Mark> {
        self.found.as_ref()
    }

    /// Notes how far the database has come; after the commit, so that a crash or a power cut leaves the note behind the database and never
    /// ahead of it. Best effort: where it cannot be written, a database that is put back later may be taken for this one.
    pub fn note(&self, mark: &Mark) {
        let _ = self.write(Some(mark));
    }

    /// All in one piece of one length, in place: nothing is truncated, and a full disk is no hindrance.
    fn write(&self, mark: Option<&Mark>) -> std::io::Result<()> {
        let pid = std::process::id();
        let Some(Mark { db_uuid, attempts }) = mark else {
            self.file.set_len(0)?;
            return self.file.write_all_at(format!("{pid:<10}\n").as_bytes(), 0);
        };
        self.file.write_all_at(format!("{pid:<10}\n{db_uuid} {attempts:020}\n").as_bytes(), 0)
    }
}

/// The holder's process id, from what is in a lock file.
pub(super) fn pid(text: &str) -> Option<u32> {
    text.lines().next()?.trim().parse().ok()
}

/// `calls.db` → `calls.db.lock`.
pub(super) fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
