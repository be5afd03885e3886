//! A whole file is put under a name: what stands there is replaced, never written through.

use super::{directory, within};
use rustix::process::geteuid;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// How a file is made that was not there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct New {
    /// Its permissions, whatever the umask; `None`: what the umask leaves of 644.
    pub(crate) mode: Option<u32>,
    /// Its user and group, if root makes it.
    pub(crate) owner: Option<(u32, u32)>,
    /// A file of another user that has the name already stays that user's, with its mode: root changes a line of a file that is not root's. Else
    /// it is as if it were not there: who put it there reads nothing of what root writes.
    pub(crate) keeps_owner: bool,
}

/// Writes `text` beside `path` and gives it that name, with the rights of whoever owns the directory if root runs this. A file of the own user that
/// was there keeps its mode; another's, see [`New::keeps_owner`]. A link, a pipe or a device of that name is refused: whoever put it there could have it lead to a file of somebody else's.
///
/// # Errors
/// What the system says; [`ErrorKind::InvalidInput`] where something else than a file has the name.
pub(crate) fn replace(path: &Path, text: &[u8], new: New) -> io::Result<()> {
    within(directory(path), || put(path, text, new)).map_err(io::Error::other)?
}

fn put(path: &Path, text: &[u8], new: New) -> io::Result<()> {
    let there = match path.symlink_metadata() {
        Ok(meta) if !meta.is_file() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
        Ok(meta) => Some(meta),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let there = there.filter(|meta| new.keeps_owner || meta.uid() == geteuid().as_raw());
    let mode = there.as_ref().map(|meta| meta.mode() & 0o7777).or(new.mode);
    let owner = there.as_ref().map(|meta| (meta.uid(), meta.gid())).or(new.owner);
    let partial = directory(path).join(format!(".callbackd-partial-{}", std::process::id()));
    // A new file, and no link that somebody has put there; nobody reads it before its mode is known.
    let mut file =
        File::options().write(true).create_new(true).mode(if mode.is_some() { 0o600 } else { 0o644 }).open(&partial)?;
    let done = (|| {
        file.write_all(text)?;
        if let Some((uid, gid)) = owner.filter(|_| geteuid().is_root()) {
            fchown(&file, Some(uid), Some(gid))?;
        }
        if let Some(mode) = mode {
            file.set_permissions(Permissions::from_mode(mode))?;
        }
        file.sync_all()?;
        fs::rename(&partial, path)
    })();
    if done.is_err() {
        // What could not be finished is of no use to anybody.
        let _ = fs::remove_file(&partial);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_replaced_and_what_a_link_leads_to_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link, others) = (directory.path().join("a"), directory.path().join("b"), directory.path().join("c"));
        replace(&file, b"one", New { mode: Some(0o640), ..New::default() }).unwrap();
        replace(&file, b"two", New::default()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o640, "it keeps its mode");
        fs::write(&others, "theirs").unwrap();
        symlink(&others, &link).unwrap();
        assert_eq!(replace(&link, b"mine", New::default()).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::read_to_string(&others).unwrap(), "theirs");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3, "nothing is left beside them");
    }
    #[test]
    fn a_file_that_another_user_has_put_there_becomes_the_own_unless_it_is_to_stay_theirs() {
        if !geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
        let file = directory.path().join("report.html");
        let lay = || {
            fs::write(&file, "theirs").unwrap();
            std::os::unix::fs::chown(&file, Some(12_345), Some(12_345)).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        };
        let owner = || file.metadata().map(|meta| (meta.uid(), meta.mode() & 0o7777)).unwrap();
        lay();
        replace(&file, b"root's", New { keeps_owner: true, ..New::default() }).unwrap();
        assert_eq!(owner(), (12_345, 0o600));
        replace(&file, b"root's", New { mode: Some(0o640), ..New::default() }).unwrap();
        assert_eq!(owner(), (0, 0o640));
        lay();
        replace(&file, b"root's", New::default()).unwrap();
        assert_eq!(owner().0, 0);
    }
}
