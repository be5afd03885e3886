//! What root does not do: work as root on a database that is another user's.

use super::Error;
use super::inspect::beside;
use super::lock::not_ours;
use crate::ownership::keeper;
use rustix::process::geteuid;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What SQLite and we lay beside a database, and itself.
const FILES: [&str; 5] = ["", "-wal", "-shm", "-journal", ".lock"];

/// Before any file of the database `path` is opened. SQLite gives what it makes, and the index that it finds, to the database's owner:
/// done by root in a place of that owner, it would be to give away whatever they have put there. The commands have become that user before
/// ([`crate::ownership::enter`]); this is for what forgot to.
pub(super) fn guard(path: &Path) -> Result<(), Error> {
    if let Some(user) = keeper(path)? {
        return Err(Error::AnothersPlace { path: path.to_owned(), user: user.name() });
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    // To open a pipe is to wait for whoever writes into it.
    for file in FILES[1..4].iter().map(|suffix| beside(&path, suffix)) {
        if file.metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(Error::NotOurs { path: file, why: "is no regular file".to_owned() });
        }
    }
    let directory = path.parent().and_then(|directory| directory.metadata().ok());
    if !geteuid().is_root() || directory.is_none_or(|meta| meta.mode() & 0o022 == 0) {
        return Ok(());
    }
    // In a directory such as /tmp others can have put something under these names.
    for file in FILES.map(|suffix| beside(&path, suffix)) {
        if let Some(why) = file.symlink_metadata().ok().and_then(|meta| not_ours(&meta)) {
            return Err(Error::NotOurs { path: file, why });
        }
    }
    Ok(())
}
