//! The lock file that keeps a second daemon away from a database.

use super::Error;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Held for as long as a [`super::Store`] lives. The kernel lets go of it however the process ends, so it is never stale.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock for the database `path`, in `path` + `.lock`. The file stays when the lock is given up: to remove it would let a third
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
                let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
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
        // The pid is a courtesy to whoever is refused: a full disk must not keep the daemon from starting.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// `calls.db` → `calls.db.lock`.
pub(super) fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
