//! The lines of one file, plain or compressed by gzip: all of them, or the last ones.

use super::READ_AT_MOST;
use callbackd_core::ami::event::Millis;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The first look back, bytes; each further one goes four times as far.
const FIRST_LOOK: u64 = 1 << 20;
/// A longer line is no record and is left out, bytes.
const MAX_LINE: u64 = 64 << 10;

fn is_gzip(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "gz")
}

/// The end of a file, from a line that is older than `since_ms` on, or all of it; and whether [`READ_AT_MOST`] was too little. `time` reads a
/// line's time; `None` where it has none.
pub fn tail(path: &Path, since_ms: Millis, time: fn(&[u8]) -> Option<Millis>) -> io::Result<(Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    if is_gzip(path) {
        let mut bytes = Vec::new();
        let read = MultiGzDecoder::new(file).take(READ_AT_MOST).read_to_end(&mut bytes)?;
        return Ok((bytes, read as u64 == READ_AT_MOST));
    }
    let size = file.metadata()?.len();
    let mut look = FIRST_LOOK;
    loop {
        let from = size.saturating_sub(look.min(READ_AT_MOST));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        // What is appended meanwhile is read too: it is as good.
        (&mut file).take(READ_AT_MOST + FIRST_LOOK).read_to_end(&mut bytes)?;
        if from > 0 {
            let first = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
            bytes.drain(..first);
        }
        let oldest = bytes.split(|b| *b == b'\n').find_map(time);
        if from == 0 || oldest.is_some_and(|oldest| oldest < since_ms) {
            return Ok((bytes, false));
        }
        if look >= READ_AT_MOST {
            return Ok((bytes, true));
        }
        look *= 4;
    }
}

/// The lines of a file in turn, in little memory.
pub struct Lines {
    reader: BufReader<Box<dyn Read>>,
    within_a_long_one: bool,
}

impl Lines {
    /// Of this file. `passed` is called with the bytes of the file as they are read: of a compressed one, the compressed ones.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn of(path: &Path, passed: impl FnMut(u64) + 'static) -> io::Result<Self> {
        let counted = Counted { file: File::open(path)?, passed };
        let reader: Box<dyn Read> =
            if is_gzip(path) { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
        Ok(Self { reader: BufReader::with_capacity(256 << 10, reader), within_a_long_one: false })
    }

    /// Up to `most` further lines, with their line breaks; empty at the end. A line that is too long for a record is left out.
    ///
    /// # Errors
    /// It cannot be read on.
    pub fn next(&mut self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut lines = 0;
        while lines < most {
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
            lines += 1;
        }
        Ok(bytes)
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
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
