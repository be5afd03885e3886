//! The files of a recording: one for each session, never an existing one.

use super::stamper::Stamper;
use crate::ownership::{directory, within};
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Sessions of one recording. A link that falls more often is no subject for a recording.
const MAX_FILES: u32 = 10_000;

/// One session's file. Every whole frame is handed to the system as it comes: a kill loses at most the frame that is just coming in.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    file: File,
    stamper: Stamper,
    out: Vec<u8>,
    bytes: u64,
}

impl Recording {
    /// Creates `path`, for its owner alone: a recording holds customers' numbers.
    ///
    /// # Errors
    /// It is there already, or cannot be created.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        // In another user's directory with that user's rights: whoever owns it can make it lead elsewhere.
        let create = || File::options().write(true).create_new(true).mode(0o600).open(path);
        let file = within(directory(path), create).map_err(io::Error::other)??;
        Ok(Self { path: path.to_owned(), file, stamper: Stamper::default(), out: Vec::new(), bytes: 0 })
    }

    /// Creates the file of a later session: `monday.ami`, `monday-2.ami`, `monday-3.ami`, … The first number that is free.
    ///
    /// # Errors
    /// It cannot be created.
    pub(crate) fn next(first: &Path, from: u32) -> io::Result<Self> {
        for number in from..MAX_FILES {
            match Self::create(&numbered(first, number)) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                result => return result,
            }
        }
        Err(io::Error::other("too many files"))
    }

    /// Takes bytes as they were received at `at`.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn take(&mut self, bytes: &[u8], at: Timestamp) -> io::Result<()> {
        self.stamper.take(bytes, at, &mut self.out);
        self.write()
    }

    /// The session has ended: writes what is left.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.stamper.finish(&mut self.out);
        self.write()
    }

    /// Path of the file.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Events written so far.
    #[must_use]
    pub(crate) fn events(&self) -> u64 {
        self.stamper.events()
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.out)?;
        self.bytes += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }
}

fn numbered(first: &Path, number: u32) -> PathBuf {
    let stem = first.file_stem().unwrap_or_default().to_string_lossy();
    let extension = first.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    first.with_file_name(format!("{stem}-{number}{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_sessions_are_numbered_before_the_ending() {
        assert_eq!(numbered(Path::new("/x/monday.ami"), 2), Path::new("/x/monday-2.ami"));
        assert_eq!(numbered(Path::new("monday"), 13), Path::new("monday-13"));
    }
}
