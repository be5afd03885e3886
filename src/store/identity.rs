//! Which database this is: a random identity that goes into the ids of its attempts, and that a copy does not keep.
//!
//! Were it kept, a database that is put back would give ids of attempts a second time, and take other people's calls for its own. So at each
//! opening for writing the database is held against two things that a copy does not take along:
//!
//! * **the file**, by inode and time of birth, which is noted in the database: found are copies under another name or on another machine, and
//!   a file that was removed and put back from a copy;
//! * **the lock file**, where the numbers of attempts and of changes in the feed are noted after each commit: found is an older copy that was
//!   written into the same file (`cp copy.db calls.db`). One that no attempt was made and no change was recorded after is as new as the database was,
//!   and keeps its identity: no id comes twice, nor does a reader's cursor. A sink that has taken more than the feed has recorded is found too.
//!
//! Neither changes by `callbackd vacuum`, an upgrade, a restart, a crash or `mv` within a file system (with `calls.db.lock`, or without). A
//! `mv` to another file system is a copy. File systems without stable inodes (some of network) make each mount look like a copy. A false alarm costs
//! little: attempts in flight at that moment are looked up in Asterisk's CDR instead of followed. Not found: a machine that is set back or
//! cloned as a whole (a snapshot of a virtual machine, an image of a disk), for which all of this is as it was.

use super::lock::{Lock, Mark};
use super::{Error, Reader};
use callbackd_core::model::AttemptPrefix;
use rusqlite::Connection;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

const READ: &str = "SELECT db_uuid, file, attempts, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0) FROM identity";
/// A sink has taken what the feed has not recorded yet.
const AHEAD: &str = "SELECT EXISTS (SELECT 1 FROM sinks WHERE acked_seq > ?)";
/// They have taken nothing of this database.
const FORGET_SINKS: &str = "UPDATE sinks SET acked_seq = 0 WHERE acked_seq > ?";
/// SQLite's random numbers are seeded by the kernel (`/dev/urandom`).
const RENEW: &str = "UPDATE identity SET db_uuid = lower(hex(randomblob(16))), file = ?";

/// Gives the database a new identity if it is not known to be in the file that it was given to. Returns what its attempts' ids begin with.
pub(super) fn settle(connection: &Connection, path: &Path, lock: &Lock) -> Result<AttemptPrefix, Error> {
    let failed = |error| Error::sqlite(path, error);
    let (mark, file) = read(connection).map_err(failed)?;
    let here = file_mark(path);
    let same_file = file.as_deref().is_some_and(|file| same(file, &here));
    let went_back = lock.found().is_some_and(|found| {
        found.db_uuid != mark.db_uuid || found.attempts > mark.attempts || found.changes > mark.changes
    });
    let last = i64::try_from(mark.changes).unwrap_or(i64::MAX);
    let ahead: bool = connection.query_row(AHEAD, [last], |row| row.get(0)).map_err(failed)?;
    if ahead {
        connection.execute(FORGET_SINKS, [last]).map_err(failed)?;
    }
    let mark = if same_file && !went_back && !ahead {
        mark
    } else {
        connection.execute(RENEW, [&here]).map_err(failed)?;
        if file.is_some() {
            tracing::info!(
                target: "store", db = %path.display(), before = mark.db_uuid,
                "Database was copied or restored: it has a new identity, and attempts made before belong to no callback"
            );
        }
        read(connection).map_err(failed)?.0
    };
    lock.note(&mark);
    prefix(&mark.db_uuid).map_err(failed)
}

/// How far it has come, after a commit that may have made attempts or recorded changes.
pub(super) fn note(connection: &Connection, lock: &Lock) -> rusqlite::Result<()> {
    lock.note(&read(connection)?.0);
    Ok(())
}

/// Makes a copy another database than the one that it was copied from. One of an earlier schema gets its identity when it is migrated.
pub(super) fn renew_copy(connection: &Connection) -> rusqlite::Result<()> {
    let known = "SELECT count(*) FROM sqlite_schema WHERE name = 'identity'";
    if connection.query_row(known, [], |row| row.get::<_, i64>(0))? > 0 {
        connection.execute(RENEW, [None::<&str>])?;
    }
    Ok(())
}

impl Reader {
    /// What the ids of this database's attempts begin with.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn attempt_prefix(&self) -> Result<AttemptPrefix, Error> {
        self.read(|connection| prefix(&read(connection)?.0.db_uuid))
    }
}

fn read(connection: &Connection) -> rusqlite::Result<(Mark, Option<String>)> {
    connection.prepare_cached(READ)?.query_row([], |row| {
        let attempts = row.get::<_, i64>(2)?.unsigned_abs();
        let changes = row.get::<_, i64>(3)?.unsigned_abs();
        Ok((Mark { db_uuid: row.get(0)?, attempts, changes }, row.get(1)?))
    })
}

/// The table's own check lets nothing else in.
fn prefix(db_uuid: &str) -> rusqlite::Result<AttemptPrefix> {
    AttemptPrefix::of(db_uuid).ok_or_else(|| rusqlite::Error::InvalidColumnName("identity.db_uuid".to_owned()))
}

/// Inode and time of birth, in nanoseconds; the latter is empty where the file system does not give it. The device is not of use: its number may
/// be another after the next boot.
fn file_mark(path: &Path) -> String {
    let Ok(meta) = std::fs::metadata(path) else { return String::new() };
    let born = meta.created().ok().and_then(|born| born.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("{}:{}", meta.ino(), born.map_or_else(String::new, |born| born.as_nanos().to_string()))
}

/// A time of birth that one of the two lacks (another kernel) does not count.
fn same(noted: &str, here: &str) -> bool {
    match (noted.split_once(':'), here.split_once(':')) {
        (Some((inode, born)), Some((inode_here, born_here))) => {
            inode == inode_here && (born == born_here || born.is_empty() || born_here.is_empty())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_file_is_known_by_inode_and_birth_where_the_system_has_both() {
        assert!(same("12:900", "12:900") && same("12:", "12:900") && same("12:900", "12:"));
        assert!(!same("12:900", "12:901") && !same("12:900", "13:900") && !same("", "12:900"));
    }
}
