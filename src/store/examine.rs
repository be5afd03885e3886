//! Whether a writer could use a database, found out without changing, creating or locking anything.

use super::holder::flock_holder;
use super::inspect::{Found, beside, inspect};
use super::lock::lock_path;
use super::open::resolve;
use super::root::guard;
use super::{Error, SCHEMA_VERSION};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::path::{Path, PathBuf};

/// What a daemon that starts now would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Examined {
    /// The file, with symbolic links resolved.
    pub(crate) path: PathBuf,
    /// What the path holds.
    pub(crate) state: State,
    /// The process that writes to it now.
    pub(crate) in_use_by: Option<u32>,
}

/// What is under a database's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing yet: the daemon will create it.
    Absent,
    /// One of ours, of this schema.
    Current,
    /// One of ours, of an earlier schema: the daemon will migrate it.
    Older(i32),
    /// A daemon ended without closing it: the next one recovers what is in its log.
    Unrecovered,
}

/// Examines `path` as [`super::Store::open`] would, but for the lock: a database in use is said to be so and is no error.
///
/// # Errors
/// What `open` would refuse.
pub(crate) fn examine(path: &Path) -> Result<Examined, Error> {
    let path = resolve(path)?;
    guard(&path)?;
    // To read it in this state would make its index file.
    let state = if beside(&path, "-wal").exists() && !beside(&path, "-shm").exists() && path.exists() {
        State::Unrecovered
    } else {
        match inspect(&path)? {
            Found::Nothing => State::Absent,
            Found::Ours { version: SCHEMA_VERSION } => State::Current,
            Found::Ours { version } => State::Older(version),
        }
    };
    let hint = "give the directory and what is in it to the user that callbackd runs as";
    let directory = path.parent().unwrap_or(Path::new("/"));
    for (place, access) in [
        (directory.to_owned(), Access::WRITE_OK | Access::EXEC_OK),
        (path.clone(), Access::READ_OK | Access::WRITE_OK),
        (lock_path(&path), Access::READ_OK | Access::WRITE_OK),
    ] {
        if place.exists() && accessat(CWD, &place, access, AtFlags::EACCESS).is_err() {
            return Err(Error::NoPermission { path: place, action: "write", hint });
        }
    }
    // To try the lock, even for a moment, could keep a daemon from starting.
    let in_use_by = lock_path(&path).symlink_metadata().ok().and_then(|meta| flock_holder(&meta));
    Ok(Examined { path, state, in_use_by })
}
