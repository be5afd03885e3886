//! Which process holds a lock, as the kernel says it: what a file says of its last holder may be long over.
//!
//! `/proc/locks` is not read: it is handed out in pieces, and a lock can slip from one into the next while others come and go. Each
//! process's own list (`/proc/PID/fdinfo`, `man 5 proc_pid_fdinfo`) is given in one piece.

use std::fs::{Metadata, read_dir, read_to_string};
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
