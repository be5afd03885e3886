//! Which process holds a lock, as the kernel says it: what a file says of its last holder may be long over.
//!
//! `/proc/locks` is not read: it is handed out in pieces, and a lock can slip from one into the next while others come and go. Each
//! process's own list (`/proc/PID/fdinfo`, `man 5 proc_pid_fdinfo`) is given in one piece.

use super::inspect::beside;
use rustix::process::{Flock, FlockType, Pid, fcntl_getlk};
use std::cell::OnceCell;
use std::fmt;
use std::fs::{File, Metadata, read_dir, read_to_string};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The process that holds the `flock(2)` on this file; `None` if nobody does, or its processes cannot be looked into: another user's, or hidden
/// (`ProtectProc=`).
pub(super) fn flock_holder(file: &Metadata) -> Option<u32> {
    let inode = file.ino().to_string();
    let processes = read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    processes.into_iter().find(|pid| {
        let opened = read_dir(Path::new("/proc").join(pid.to_string()).join("fdinfo"));
        opened
            .into_iter()
            .flatten()
            .flatten()
            .any(|fd| read_to_string(fd.path()).is_ok_and(|text| text.lines().any(|line| is_flock_of(line, &inode))))
    })
}

/// `lock: 1: FLOCK  ADVISORY  WRITE 812 fd:01:393226 0 EOF`: the process in it is the one that locked, which may have left the
/// file to a child; the file is by device and inode, and the device of some file systems is another than `stat` says.
fn is_flock_of(line: &str, inode: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], ["lock:", _, "FLOCK", _, _, _, file, ..] if file.rsplit(':').next() == Some(inode))
}

/// SQLite's locks on a database, looked at without taking one (`F_GETLK`; which byte means what: `os_unix.c`, `wal.c`).
#[derive(Debug, Default)]
pub(super) struct Locks {
    files: OnceCell<Files>,
}

/// The database and the index of its write-ahead log. Never closed: to close one would drop every lock that this process has on it
/// (`man 2 F_GETLK`), SQLite's own included.
#[derive(Debug)]
struct Files {
    db: Option<&'static File>,
    index: Option<&'static File>,
}

/// `PENDING_BYTE` and `RESERVED_BYTE`: somebody writes, or is about to.
const WRITING: (u64, u64) = (0x4000_0000, 2);
/// `SHARED_FIRST`: everybody who has the database open shares these, and who locks them for themselves keeps all others out.
const SHARED: (u64, u64) = (0x4000_0002, 510);
/// `WAL_WRITE_LOCK`, `WAL_CKPT_LOCK`, `WAL_RECOVER_LOCK` in the index.
const LOG: (u64, u64) = (120, 3);

impl Locks {
    /// The process that keeps this one from writing, if the kernel names one. Nobody needs more than to be able to read the files.
    pub(super) fn holder(&self, path: &Path) -> Option<Holder> {
        let open = |path: &Path| File::open(path).ok().map(|file| &*Box::leak(Box::new(file)));
        let files = self.files.get_or_init(|| Files { db: open(path), index: open(&beside(path, "-shm")) });
        let held = |file: Option<&'static File>, (start, length), typ| {
            let lock = Flock { start, length, ..Flock::from(typ) };
            fcntl_getlk(file?, &lock).ok().flatten()?.pid.map(Pid::as_raw_nonzero)
        };
        let pid = held(files.index, LOG, FlockType::WriteLock)
            .or_else(|| held(files.db, WRITING, FlockType::WriteLock))
            .or_else(|| held(files.db, SHARED, FlockType::ReadLock))?;
        let pid = u32::try_from(pid.get()).ok()?;
        // Hidden by ProtectProc=invisible if it is another user's.
        let name = read_to_string(format!("/proc/{pid}/comm")).ok();
        Some(Holder { pid, name: name.map(|name| name.trim_end().escape_debug().to_string()) })
    }
}

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub(crate) pid: u32,
    /// Its program, as far as the kernel shows it.
    pub(crate) name: Option<String>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "pid {} ({name})", self.pid),
            None => write!(f, "pid {}", self.pid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{flock_holder, is_flock_of};

    #[test]
    fn a_line_of_the_kernel_names_the_file_by_its_inode() {
        assert!(is_flock_of("lock:\t1: FLOCK  ADVISORY  WRITE 812 fd:01:393226 0 EOF", "393226"));
        assert!(is_flock_of("lock:\t1: FLOCK  ADVISORY  READ 812 00:1a:393226 0 EOF", "393226"));
        assert!(!is_flock_of("lock:\t1: FLOCK  ADVISORY  WRITE 812 fd:01:393226 0 EOF", "226"));
        assert!(!is_flock_of("lock:\t1: POSIX  ADVISORY  WRITE 812 fd:01:393226 0 EOF", "393226"));
        assert!(!is_flock_of("pos:\t0", "0"));
    }

    #[test]
    fn the_holder_is_found_and_nobody_is_when_it_let_go() {
        let file = tempfile::tempfile().unwrap();
        let meta = file.metadata().unwrap();
        assert_eq!(flock_holder(&meta), None);
        file.try_lock().unwrap();
        assert_eq!(flock_holder(&meta), Some(std::process::id()));
        file.unlock().unwrap();
        assert_eq!(flock_holder(&meta), None);
    }
}
