//! A few connections for reading that are kept from one request to the next.

use crate::store::{Error, Reader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Connections that are kept while nobody reads; as many as read at once are open.
const KEPT: usize = 4;

/// The connections to one database.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<(FileId, Reader)>>,
}

/// Device and inode number: what is put in the place of the database is another file.
type FileId = (u64, u64);

impl Readers {
    /// None open yet.
    #[must_use]
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::default() }
    }

    /// Lets `query` read, on a thread that may wait.
    ///
    /// # Errors
    /// The database cannot be opened, or read.
    pub(crate) fn read<T, E: From<Error>>(&self, query: impl FnOnce(&Reader) -> Result<T, E>) -> Result<T, E> {
        let file = file_id(&self.path);
        let kept = self.idle().pop().filter(|(of, _)| Some(*of) == file).map(|(_, reader)| reader);
        let reader = kept.map_or_else(|| Reader::open(&self.path), Ok)?;
        let result = query(&reader);
        let mut idle = self.idle();
        if let Some(file) = file
            && result.is_ok()
            && reader.may_be_kept()
            && idle.len() < KEPT
        {
            idle.push((file, reader));
        }
        result
    }

    /// The database's files by name, and their sizes, bytes; 0 for one that is not there.
    #[must_use]
    pub(crate) fn sizes(&self) -> [(&'static str, u64); 2] {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        [("main", size(&self.path)), ("wal", size(Path::new(&log)))]
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(FileId, Reader)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_id(path: &Path) -> Option<FileId> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}
