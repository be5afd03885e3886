//! A log file and what rotation has made of its older parts.

use crate::ownership::open_file;
use callbackd_core::millis::Millis;
use callbackd_core::order::InOrder as _;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So often parts are listed, or one of them is looked for, while rotation gives them other names.
const LOOKS: usize = 5;

/// The log file, or a part of it, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its path at that time.
    pub path: PathBuf,
    /// How long it was then.
    pub(crate) bytes: u64,
    file: Id,
    written: SystemTime,
}

/// Device and inode: rotation gives a file another name, and its name to another file.
type Id = (u64, u64);

fn id(metadata: &Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

impl Part {
    /// Opens it for reading, whatever its name is by now.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it has been removed, as it is when it has been compressed; else what the system says.
    pub(crate) fn open(&self) -> io::Result<File> {
        if let Some(file) = self.under(&self.path)? {
            return Ok(file);
        }
        for _ in 0..LOOKS {
            for entry in fs::read_dir(directory(&self.path))? {
                if let Some(file) = self.under(&entry?.path())? {
                    return Ok(file);
                }
            }
        }
        Err(ErrorKind::NotFound.into())
    }

    /// If that is its name now.
    fn under(&self, path: &Path) -> io::Result<Option<File>> {
        // Others are not opened, and need not be readable.
        if !fs::metadata(path).is_ok_and(|metadata| id(&metadata) == self.file) {
            return Ok(None);
        }
        match open_file(path) {
            Ok(file) => Ok((id(&file.metadata()?) == self.file).then_some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The file and its rotated parts that may hold lines of `since_ms` or later, oldest first: `queue_log`, `queue_log.1`, `queue_log.2.gz`,
/// `queue_log-20261122.gz`. A part that was last written before then holds none.
///
/// # Errors
/// The directory cannot be read, or holds no file of this name and no part of it; [`io::ErrorKind::InvalidInput`] if what has the name is a named pipe,
/// a device or a directory.
pub fn rotated(path: &Path, since_ms: Millis) -> io::Result<Vec<Part>> {
    // While files get other names, a listing may show one of them under both or under neither.
    let mut parts = parts(path)?;
    for _ in 1..LOOKS {
        let before = std::mem::replace(&mut parts, self::parts(path)?);
        if before.iter().map(|part| part.file).eq(parts.iter().map(|part| part.file)) {
            break;
        }
    }
    if parts.is_empty() {
        return Err(ErrorKind::NotFound.into());
    }
    let since = UNIX_EPOCH + Duration::from_millis(u64::try_from(since_ms).unwrap_or(0));
    // Rotation by copying gives a part a later time than its lines have, never an earlier one.
    parts.retain(|part| part.written >= since);
    parts.order_by(|a, b| (a.written, &a.path).cmp(&(b.written, &b.path)));
    Ok(parts)
}

/// In the order of their ids.
fn parts(path: &Path) -> io::Result<Vec<Part>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut parts = Vec::new();
    for entry in fs::read_dir(directory(path))? {
        let path = entry?.path();
        let found = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rest = found.strip_prefix(&name);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-'])) {
            continue;
        }
        let metadata = match fs::metadata(&path) {
            // It has another name by now, or is a link to nothing.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other?,
        };
        if metadata.is_file() {
            let (file, written) = (id(&metadata), metadata.modified()?);
            parts.push(Part { path, bytes: metadata.len(), file, written });
        } else if rest == Some("") {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
    }
    parts.order_by_key(|part| part.file);
    // A link beside the file it leads to is the same part.
    parts.dedup_by_key(|part| part.file);
    Ok(parts)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
