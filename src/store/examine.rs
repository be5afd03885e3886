//! Whether a writer could use a database, found out without changing, creating or locking anything.

use super::inspect::{Found, beside, inspect};
use super::lock::{lock_path, pid};
use super::open::resolve;
use super::{Error, SCHEMA_VERSION};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a daemon that starts now would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The file, with symbolic links resolved.
    pub path: PathBuf,
    /// What the path holds.
    pub state: State,
    /// The process that writes to it now.
    pub in_use_by: Option<u32>,
}

/// What is under a database's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
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
pub fn examine(path: &Path) -> Result<Examined, Error> {
    let path = resolve(path)?;
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
    let in_use_by = holder(&lock_path(&path));
    Ok(Examined { path, state, in_use_by })
}

/// Who holds the lock. The kernel's list is read: to try the lock, even for a moment, could keep a daemon from starting.
fn holder(lock: &Path) -> Option<u32> {
    let inode = std::fs::metadata(lock).ok()?.ino().to_string();
    let pid = pid(&std::fs::read_to_string(lock).ok()?)?;
    // `1: FLOCK  ADVISORY  WRITE 812 fd:01:393226 0 EOF` (proc_locks(5))
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let held = locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        matches!(words[..], [_, "FLOCK", _, "WRITE", holder, file, ..]
            if holder == pid.to_string() && file.rsplit(':').next() == Some(&inode))
    });
    held.then_some(pid)
}
