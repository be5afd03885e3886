//! A whole file is put under a name: what stands there is replaced, never written through.

use super::{directory, within};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes `text` beside `path` and gives it that name, with the rights of whoever owns the directory if root runs this. A link, a pipe or a device of
/// that name is refused: whoever put it there could have it lead to a file of somebody else's.
///
/// # Errors
/// What the system says; [`ErrorKind::InvalidInput`] where something else than a file has the name.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    within(directory(path), || put(path, text)).map_err(io::Error::other)?
}

fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(meta) if !meta.is_file() => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "there is something of this name that is no file"));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".partial-{}", std::process::id()));
    let partial = path.with_file_name(name);
    let written = File::options().write(true).create_new(true).mode(0o644).open(&partial).and_then(|mut file| {
        file.write_all(text)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&partial, path));
    if done.as_ref().is_err_and(|error| error.kind() != ErrorKind::AlreadyExists) {
        // It may not have been made.
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
        replace(&file, b"one").unwrap();
        replace(&file, b"two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        fs::write(&others, "theirs").unwrap();
        symlink(&others, &link).unwrap();
        assert_eq!(replace(&link, b"mine").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(fs::read_to_string(&others).unwrap(), "theirs");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3, "nothing is left beside them");
    }
}
