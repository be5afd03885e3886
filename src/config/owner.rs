//! Who can change the configuration: its owner, and whoever may write to it or put another file in its place.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Write permission for group and others.
const OTHERS_WRITE: u32 = 0o022;
/// In a directory with this bit only a file's owner can replace it, whoever may write there (`/tmp`).
const STICKY: u32 = 0o1000;

/// What is wrong, and the fix.
pub(super) type Fault = (String, String);

/// Checks that nobody but root and `user`, who reads it, can change the file at `path`, which was opened and is this.
pub(super) fn check(path: &Path, file: &Metadata, user: u32) -> Result<(), Fault> {
    examine("the configuration file", path, file, user)?;
    for directory in directories(path) {
        // One that cannot be examined cannot be read either, and the file was.
        if let Ok(meta) = directory.metadata() {
            examine("the directory of the configuration file", &directory, &meta, user)?;
        }
    }
    Ok(())
}

/// Where the name stands, and where the file stands that a link of that name leads to.
fn directories(path: &Path) -> Vec<PathBuf> {
    let named = std::path::absolute(path).ok();
    let real = path.canonicalize().ok();
    let mut directories: Vec<PathBuf> =
        [named, real].into_iter().flatten().filter_map(|path| path.parent().map(Path::to_owned)).collect();
    directories.dedup();
    directories
}

fn examine(what: &str, path: &Path, meta: &Metadata, user: u32) -> Result<(), Fault> {
    let (mode, owner, shown) = (meta.mode() & 0o7777, meta.uid(), path.display());
    if mode & OTHERS_WRITE != 0 && !(meta.is_dir() && mode & STICKY != 0) {
        return Err((format!("{what} can be changed by others (mode {mode:04o})"), format!("chmod go-w {shown}")));
    }
    if owner != 0 && owner != user {
        return Err((format!("{what} belongs to another user (uid {owner})"), format!("chown root {shown}")));
    }
    Ok(())
}
