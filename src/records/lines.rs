//! The lines of one file, plain or compressed by gzip, in portions; from the beginning, or from where they become new enough.

use crate::ownership::open_file;
use callbackd_core::millis::Millis;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The first look back from a file's end, bytes; each further one goes twice as far.
const FIRST_LOOK: u64 = 1 << 20;
/// A longer line is no record and is left out, bytes.
const MAX_LINE: u64 = 64 << 10;
/// What is read at once, bytes.
const BUFFER: usize = 64 << 10;

/// What a line of the file looks like.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// The time of a line, ms; `None` where it has none.
    pub(crate) time: fn(&[u8]) -> Option<Millis>,
    /// A field in quotes may hold line breaks: no portion ends within one.
    pub(crate) quoted: bool,
}

/// The lines of a file in turn, in little memory.
pub struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    quoted: bool,
    within_a_long_one: bool,
}

impl Lines {
    /// Of this file, those that are older than `since_ms` left out as far as they can be passed over. `passed` is called with the bytes of the file
    /// as they are read: of a compressed one, the compressed ones.
    ///
    /// # Errors
    /// It cannot be opened, or is no regular file.
    pub fn since(
        path: &Path,
        form: Form,
        since_ms: Millis,
        passed: impl FnMut(u64) + Send + 'static,
    ) -> io::Result<Self> {
        Self::of(open_file(path)?, path, form, since_ms, passed)
    }

    /// The same of a file that is open and had this name when it was found.
    pub(super) fn of(
        mut file: File,
        path: &Path,
        form: Form,
        since_ms: Millis,
        passed: impl FnMut(u64) + Send + 'static,
    ) -> io::Result<Self> {
        if is_gzip(path) {
            return Ok(Self::over(Box::new(MultiGzDecoder::new(Counted { file, passed })), form));
        }
        let from = start(&mut file, since_ms, form.time)?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Self::over(Box::new(Counted { file, passed }), form))
    }

    /// The last ones of a plain file, some thousands; of a compressed one all.
    ///
    /// # Errors
    /// It cannot be opened, or is no regular file.
    pub(crate) fn newest(path: &Path, form: Form) -> io::Result<Self> {
        Self::since(path, form, Millis::MAX, |_| {})
    }

    fn over(reader: Box<dyn Read + Send>, form: Form) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, reader), quoted: form.quoted, within_a_long_one: false }
    }

    /// Further lines, with their line breaks, until there are so many bytes, or a line more; empty at the end. A line that is too long for a record
    /// is left out.
    ///
    /// # Errors
    /// It cannot be read on.
    pub fn next(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut within_quotes = false;
        // Where a quote is missing, what comes after it is not waited for to the end of the file.
        while bytes.len() < most || within_quotes && bytes.len() < most + MAX_LINE as usize {
            let start = bytes.len();
            if (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut bytes)? == 0 {
                break;
            }
            let whole = bytes.ends_with(b"\n");
            if !whole && bytes.len() - start == MAX_LINE as usize || self.within_a_long_one {
                bytes.truncate(start);
                self.within_a_long_one = !whole;
                continue;
            }
            within_quotes ^= self.quoted && memchr::memchr_iter(b'"', &bytes[start..]).count() % 2 == 1;
        }
        Ok(bytes)
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "gz")
}

/// The beginning of a line that is older than `since_ms`, not far before the first one that is not; or of the file.
fn start(file: &mut File, since_ms: Millis, time: fn(&[u8]) -> Option<Millis>) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let (mut look, mut bytes) = (FIRST_LOOK, Vec::new());
    while look < size {
        let from = size - look;
        file.seek(SeekFrom::Start(from))?;
        bytes.clear();
        (&mut *file).take(2 * MAX_LINE).read_to_end(&mut bytes)?;
        let first = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
        let oldest = bytes[first..].split(|b| *b == b'\n').find_map(time);
        if oldest.is_some_and(|oldest| oldest < since_ms) {
            return Ok(from + first as u64);
        }
        look = look.saturating_mul(2);
    }
    Ok(0)
}

/// A file that counts how much of it was read.
struct Counted<F> {
    file: File,
    passed: F,
}

impl<F: FnMut(u64)> Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.passed)(read as u64);
        Ok(read)
    }
}
