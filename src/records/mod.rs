//! Asterisk's own record files as they lie on the disk: `Master.csv` and `queue_log`, rotated and compressed ones too. Records out, nothing judged.
//!
//! However long the files are, what is read of them at once is small: [`Reading`] gives them out in portions, [`Calls`] gathers them.

mod lines;
mod reading;
mod rotated;

pub use lines::{Form, Lines};
pub use reading::{Calls, Reading};
pub use rotated::{Part, rotated};

use callbackd_core::reconcile::{CdrLine, QueueEvent, Zone, cdr, queue_log};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// What is read of a file at once, bytes: some 1,000 CDR.
const PORTION: usize = 256 << 10;
/// No record is longer, bytes: `cdr_csv` writes no more than 1023 (`csv_log`, `cdr/cdr_csv.c`), patched ones somewhat more.
const RECORD: usize = 4 << 10;
/// What [`newest`] looks at, bytes.
const NEWEST: usize = 1 << 20;
/// As `cdr_csv` writes its lines.
pub const CDR: Form = Form { time: cdr::rough_end, quoted: true };
/// As `queue_log` has its lines.
pub(crate) const QUEUE_LOG: Form = Form { time: queue_log::time, quoted: false };

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// `cdr-csv/Master.csv`.
    pub cdr_csv: Option<PathBuf>,
    /// `queue_log`.
    pub queue_log: Option<PathBuf>,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Records {
    /// In the order of the files.
    pub cdrs: Vec<CdrLine>,
    /// In the order of the files.
    pub events: Vec<QueueEvent>,
    /// Lines of CDR files that are no CDR: torn, of another module, damaged.
    pub unreadable: u64,
}

/// Why records cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}; it must be readable by the user that callbackd runs as (usermod -aG asterisk callbackd)", path = path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        source: io::Error,
    },
    /// Rotation has taken it away.
    #[error("{path} was removed or compressed while the records were read; what was read before is kept: try again", path = path.display())]
    Gone {
        /// The path that it had.
        path: PathBuf,
    },
    /// It cannot be read on.
    #[error("{path} is damaged: {source}; a part that is still being compressed is whole in a moment, any other must be put right or taken away", path = path.display())]
    Damaged {
        /// The file's path.
        path: PathBuf,
        source: io::Error,
    },
    /// A named pipe, a device, a directory.
    #[error("{path} is not a regular file; gap.cdr_csv and gap.queue_log name files that Asterisk writes, such as /var/log/asterisk/cdr-csv/Master.csv", path = path.display())]
    NotAFile {
        /// Its path.
        path: PathBuf,
    },
    /// Nothing in it is a CDR.
    #[error("{path} holds {lines} lines, and none is a CDR as cdr_csv writes them; is it the file of another module?", path = path.display())]
    NoCdr {
        /// The file's path.
        path: PathBuf,
        /// So many were read.
        lines: u64,
    },
    /// Its times are in no zone.
    #[error("the times in {path} do not match its uniqueids, each of which names the second in which a channel began, in any time zone: was the file edited, or Asterisk's clock changed?", path = path.display())]
    NoZone {
        /// The file's path.
        path: PathBuf,
    },
}

impl RecordsError {
    /// A file that cannot be read.
    pub(crate) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| match source.kind() {
            ErrorKind::InvalidInput => Self::NotAFile { path },
            _ => Self::Unreadable { path, source },
        }
    }

    /// A part that was found and cannot be opened any more.
    fn unopened(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| match source.kind() {
            ErrorKind::NotFound => Self::Gone { path },
            _ => Self::unreadable(&path)(source),
        }
    }

    /// A file that was opened and cannot be read on. What the decompressor says of a bad file sounds like a bad call.
    fn unread(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| match source.kind() {
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                Self::Damaged { path, source }
            }
            _ => Self::Unreadable { path, source },
        }
    }
}

/// The newest records of each file, to see what they are like. The files as they are named, without rotated parts.
///
/// # Errors
/// See [`RecordsError`].
pub fn newest(files: &Files, local: &TimeZone) -> Result<Records, RecordsError> {
    let mut records = Records::default();
    let read = |path: &Path, form| {
        Lines::newest(path, form).and_then(|mut lines| lines.next(NEWEST)).map_err(RecordsError::unreadable(path))
    };
    if let Some(path) = &files.cdr_csv {
        let mut zone = Zone::of(local);
        let lines = read_cdrs(&read(path, CDR)?, &mut zone, &mut records);
        if lines > 0 && records.cdrs.is_empty() {
            return Err(RecordsError::NoCdr { path: path.clone(), lines });
        }
        if zone.is_contradictory() {
            return Err(RecordsError::NoZone { path: path.clone() });
        }
    }
    if let Some(path) = &files.queue_log {
        read_events(&read(path, QUEUE_LOG)?, &mut queue_log::Reader::default(), &mut records);
    }
    Ok(records)
}

/// Reads lines of one CDR file, and learns from them in which zone its times are; returns how many lines there were.
pub fn read_cdrs(bytes: &[u8], zone: &mut Zone, records: &mut Records) -> u64 {
    let (bytes, dropped) = without_open_quotes(bytes);
    records.unreadable += dropped;
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
    // The reader takes any bytes: what it cannot parse does not exist.
    let lines: Vec<csv::ByteRecord> = reader.into_byte_records().filter_map(Result::ok).collect();
    cdr::hear(zone, &lines);
    for line in &lines {
        match cdr::read(line, zone) {
            Some(cdr) => records.cdrs.push(cdr),
            None => records.unreadable += 1,
        }
    }
    lines.len() as u64 + dropped
}

/// The lines less those in which a quote is opened that nothing closes within the length of a record: what comes behind them is not theirs. Returns
/// also how many were left out.
fn without_open_quotes(bytes: &[u8]) -> (Cow<'_, [u8]>, u64) {
    let mut whole = Vec::new();
    let (mut kept, mut dropped, mut at) = (0, 0, 0);
    // Where the line begins in which a quote is open, and where it ends.
    let mut open: Option<(usize, usize)> = None;
    while at < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
        if let Some((from, to)) = open.filter(|(from, _)| end - from > RECORD) {
            whole.extend_from_slice(&bytes[kept..from]);
            (kept, dropped, open) = (to, dropped + 1, None);
        }
        if memchr::memchr_iter(b'"', &bytes[at..end]).count() % 2 == 1 {
            open = if open.is_some() { None } else { Some((at, end)) };
        }
        at = end;
    }
    if dropped == 0 {
        return (Cow::Borrowed(bytes), 0);
    }
    whole.extend_from_slice(&bytes[kept..]);
    (Cow::Owned(whole), dropped)
}

/// Reads further lines of one queue_log.
pub(crate) fn read_events(bytes: &[u8], reader: &mut queue_log::Reader, records: &mut Records) {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = bytes.split(|b| *b == b'\n').map(String::from_utf8_lossy);
    records.events.extend(lines.filter_map(|line| reader.next(&line)));
}
