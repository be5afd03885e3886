//! Asterisk's own record files as they lie on the disk: `Master.csv` and `queue_log`, rotated and compressed ones too. Lines out, nothing judged.

mod lines;
mod rotated;

pub use lines::Lines;
pub use rotated::rotated;

use callbackd_core::ami::event::Millis;
use callbackd_core::reconcile::{CdrLine, QueueEvent, Zone, cdr, queue_log};
use jiff::tz::TimeZone;
use std::io;
use std::path::{Path, PathBuf};

/// A file is read from its end back to what is wanted, but no more of it than this, bytes: some 600,000 CDR.
pub const READ_AT_MOST: u64 = 256 << 20;
/// Before it is known in which zone a file's times are, they may be so far off, ms.
const ZONE_MS: Millis = 15 * 3_600_000;

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
    /// Files of which only the last [`READ_AT_MOST`] bytes were read, though older lines were wanted.
    pub cut: u64,
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
    /// Nothing in it is a CDR.
    #[error("{path} holds {lines} lines, and none is a CDR as cdr_csv writes them; is it the file of another module?", path = path.display())]
    NoCdr {
        /// The file's path.
        path: PathBuf,
        /// So many were read.
        lines: u64,
    },
}

impl RecordsError {
    /// A file that cannot be read.
    pub fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Unreadable { path, source }
    }
}

/// All records that may be of calls that ended at `since_ms` or later; older ones may be among them. `local`: the zone of Asterisk's clock.
///
/// # Errors
/// See [`RecordsError`].
pub fn since(files: &Files, since_ms: Millis, local: &TimeZone) -> Result<Records, RecordsError> {
    let mut records = Records::default();
    if let Some(path) = &files.cdr_csv {
        let mut lines = 0;
        for file in rotated(path, since_ms).map_err(RecordsError::unreadable(path))? {
            let (bytes, cut) =
                lines::tail(&file, since_ms - ZONE_MS, cdr::rough_end).map_err(RecordsError::unreadable(&file))?;
            records.cut += u64::from(cut);
            lines += read_cdrs(&bytes, local, &mut records);
        }
        if lines > 0 && records.cdrs.is_empty() {
            return Err(RecordsError::NoCdr { path: path.clone(), lines });
        }
    }
    if let Some(path) = &files.queue_log {
        for file in rotated(path, since_ms).map_err(RecordsError::unreadable(path))? {
            let (bytes, cut) =
                lines::tail(&file, since_ms, queue_log::time).map_err(RecordsError::unreadable(&file))?;
            records.cut += u64::from(cut);
            let lines = bytes.split(|b| *b == b'\n').map(String::from_utf8_lossy);
            records.events.extend(lines.filter_map(|line| queue_log::read(&line)));
        }
    }
    Ok(records)
}

/// The newest records of each file, to see what they are like. The files as they are named, without rotated parts.
///
/// # Errors
/// See [`RecordsError`].
pub fn newest(files: &Files, local: &TimeZone) -> Result<Records, RecordsError> {
    let mut records = Records::default();
    if let Some(path) = &files.cdr_csv {
        let (bytes, _) = lines::tail(path, Millis::MAX, cdr::rough_end).map_err(RecordsError::unreadable(path))?;
        let lines = read_cdrs(&bytes, local, &mut records);
        if lines > 0 && records.cdrs.is_empty() {
            return Err(RecordsError::NoCdr { path: path.clone(), lines });
        }
    }
    if let Some(path) = &files.queue_log {
        let (bytes, _) = lines::tail(path, Millis::MAX, queue_log::time).map_err(RecordsError::unreadable(path))?;
        records.events.extend(String::from_utf8_lossy(&bytes).lines().filter_map(queue_log::read));
    }
    Ok(records)
}

/// Reads lines of one file; returns how many there were.
pub fn read_cdrs(bytes: &[u8], local: &TimeZone, records: &mut Records) -> u64 {
    let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    // The reader takes any bytes: what it cannot parse does not exist.
    let lines: Vec<csv::ByteRecord> = reader.into_byte_records().filter_map(Result::ok).collect();
    let zone = Zone::learn(local, &lines);
    for line in &lines {
        match cdr::read(line, &zone) {
            Some(cdr) => records.cdrs.push(cdr),
            None => records.unreadable += 1,
        }
    }
    lines.len() as u64
}
