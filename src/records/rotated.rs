//! A log file and what rotation has made of its older parts.

use callbackd_core::ami::event::Millis;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use std::{fs, io};

/// The file and its rotated parts that may hold lines of `since_ms` or later, oldest first: `queue_log`, `queue_log.1`, `queue_log.2.gz`,
/// `queue_log-20261122.gz`. A part that was last written before then holds none.
///
/// # Errors
/// The directory cannot be read, or holds no file of this name and no part of it; [`io::ErrorKind::InvalidInput`] if what has the name is a named pipe,
/// a device or a directory.
pub fn rotated(path: &Path, since_ms: Millis) -> io::Result<Vec<PathBuf>> {
    let since = UNIX_EPOCH + Duration::from_millis(u64::try_from(since_ms).unwrap_or(0));
    let directory = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut parts = Vec::new();
    let mut there = false;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let found = entry.file_name().to_string_lossy().into_owned();
        let rest = found.strip_prefix(&name);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-'])) {
            continue;
        }
        let metadata = fs::metadata(entry.path())?;
        if !metadata.is_file() && rest == Some("") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if metadata.is_file() {
            there = true;
            // Rotation by copying gives a part a later time than its lines have, never an earlier one.
            let written = metadata.modified()?;
            if written >= since {
                parts.push((written, entry.path()));
            }
        }
    }
    if !there {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
    }
    parts.sort();
    Ok(parts.into_iter().map(|(_, path)| path).collect())
}
