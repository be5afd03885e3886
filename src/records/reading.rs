//! Records of both files in portions, in the order in which Asterisk wrote them.

use super::{
    CDR, Files, Form, Lines, PORTION, Part, QUEUE_LOG, Records, RecordsError, read_cdrs, read_events, rotated,
};
use callbackd_core::millis::Millis;
use callbackd_core::reconcile::gatherer::{Gatherer, LONGEST_CALL_MS};
use callbackd_core::reconcile::{Account, Zone, queue_log};
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Before it is known in which zone a file's times are, they may be so far off, ms.
const ZONE_MS: Millis = 15 * 3_600_000;

/// CDR and queue events of files of any length. Events come before the CDR that were written with them: once a portion of CDR is there, so is
/// what the queues wrote about these calls.
#[derive(Debug)]
pub struct Reading {
    cdr: Parts,
    log: Parts,
    events: queue_log::Reader,
    since_ms: Millis,
    zone: Zone,
    /// CDR that wait for the events before them.
    waiting: Option<Records>,
    /// The newest event that was given out.
    newest_event_ms: Millis,
    /// Lines of CDR files, and CDR among them.
    lines: u64,
    cdrs: u64,
    passed: Arc<AtomicU64>,
}

impl Reading {
    /// All records that may be of calls that ended at `since_ms` or later; some older events may be among them. `local`: the zone of Asterisk's clock.
    ///
    /// # Errors
    /// See [`RecordsError`].
    pub fn since(files: &Files, since_ms: Millis, local: &TimeZone) -> Result<Self, RecordsError> {
        let passed = Arc::new(AtomicU64::new(0));
        let parts = |path: &Option<PathBuf>, form, line_since_ms, passed: &Arc<AtomicU64>| {
            let files = path
                .as_ref()
                .map_or(Ok(Vec::new()), |path| rotated(path, since_ms).map_err(RecordsError::unreadable(path)))?;
            let path = path.clone().unwrap_or_default();
            let passed = Arc::clone(passed);
            Ok(Parts { path, files: files.into_iter(), open: None, form, since_ms: line_since_ms, passed })
        };
        Ok(Self {
            cdr: parts(&files.cdr_csv, CDR, since_ms.saturating_sub(ZONE_MS), &passed)?,
            log: parts(&files.queue_log, QUEUE_LOG, since_ms, &Arc::default())?,
            events: queue_log::Reader::default(),
            since_ms,
            zone: Zone::of(local),
            waiting: None,
            newest_event_ms: Millis::MIN,
            lines: 0,
            cdrs: 0,
            passed,
        })
    }

    /// So many bytes the CDR files had that are still to be read.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        self.cdr.files.as_slice().iter().map(|part| part.bytes).sum()
    }

    /// CDR that were read.
    #[must_use]
    pub(crate) fn cdrs(&self) -> u64 {
        self.cdrs
    }

    /// So many bytes of their files have been read.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// Further records; `None` when there are no more.
    ///
    /// # Errors
    /// See [`RecordsError`].
    pub fn further(&mut self) -> Result<Option<Records>, RecordsError> {
        if self.waiting.is_none() {
            self.waiting = self.further_cdrs()?;
        }
        let ends = self.waiting.iter().flat_map(|records| &records.cdrs).map(|cdr| cdr.end_ms);
        let (oldest, newest) = match &self.waiting {
            Some(_) => (ends.clone().min(), ends.max()),
            None => (None, Some(Millis::MAX)),
        };
        if newest.is_some_and(|newest| self.newest_event_ms <= newest)
            && let Some(mut events) = self.further_events()?
        {
            self.newest_event_ms = events.events.iter().map(|e| e.at_ms).fold(self.newest_event_ms, Millis::max);
            // The CDR of these calls were not kept.
            events.events.retain(|e| oldest.is_none_or(|oldest| e.at_ms >= oldest.saturating_sub(LONGEST_CALL_MS)));
            return Ok(Some(events));
        }
        Ok(self.waiting.take())
    }

    fn further_cdrs(&mut self) -> Result<Option<Records>, RecordsError> {
        while let Some(bytes) = self.cdr.next()? {
            let mut records = Records::default();
            self.lines += read_cdrs(&bytes, &mut self.zone, &mut records);
            if self.zone.is_contradictory() {
                return Err(RecordsError::NoZone { path: self.cdr.path.clone() });
            }
            self.cdrs += records.cdrs.len() as u64;
            records.cdrs.retain(|cdr| cdr.end_ms >= self.since_ms);
            if !records.cdrs.is_empty() || records.unreadable > 0 {
                return Ok(Some(records));
            }
        }
        if self.lines > 0 && self.cdrs == 0 {
            return Err(RecordsError::NoCdr { path: self.cdr.path.clone(), lines: self.lines });
        }
        Ok(None)
    }

    fn further_events(&mut self) -> Result<Option<Records>, RecordsError> {
        let Some(bytes) = self.log.next()? else { return Ok(None) };
        let mut records = Records::default();
        read_events(&bytes, &mut self.events, &mut records);
        Ok(Some(records))
    }
}

/// The calls that the records of both files make.
#[derive(Debug)]
pub struct Calls {
    reading: Reading,
    gatherer: Gatherer,
    over: bool,
    unreadable: u64,
}

impl Calls {
    /// All calls that ended at `since_ms` or later; earlier ones may be among them. See [`Reading::since`].
    ///
    /// # Errors
    /// See [`RecordsError`].
    pub fn since(files: &Files, since_ms: Millis, local: &TimeZone) -> Result<Self, RecordsError> {
        let reading = Reading::since(files, since_ms, local)?;
        Ok(Self { reading, gatherer: Gatherer::default(), over: false, unreadable: 0 })
    }

    /// Those that are whole by now, perhaps none, in the order in which they ended; `None` when there are no more.
    ///
    /// # Errors
    /// See [`RecordsError`].
    pub fn further(&mut self) -> Result<Option<Vec<Account>>, RecordsError> {
        if self.over {
            return Ok(None);
        }
        let Some(read) = self.reading.further()? else {
            self.over = true;
            return Ok(Some(self.gatherer.finish()));
        };
        self.unreadable += read.unreadable;
        Ok(Some(self.gatherer.take(read.cdrs, read.events)))
    }

    /// What has been read so far.
    #[must_use]
    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Lines of CDR files that were none.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// Calls that have more records than are held at once.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.gatherer.given_up()
    }
}

/// A file and its rotated parts, in turn.
#[derive(Debug)]
struct Parts {
    path: PathBuf,
    files: std::vec::IntoIter<Part>,
    open: Option<(PathBuf, Lines)>,
    form: Form,
    since_ms: Millis,
    passed: Arc<AtomicU64>,
}

impl Parts {
    /// Further lines; `None` when there are no more.
    fn next(&mut self) -> Result<Option<Vec<u8>>, RecordsError> {
        loop {
            let Some((path, lines)) = &mut self.open else {
                let Some(part) = self.files.next() else { return Ok(None) };
                let (path, unopened) = (&part.path, RecordsError::unopened(&part.path));
                let passed = Arc::clone(&self.passed);
                let count = move |n| {
                    passed.fetch_add(n, Ordering::Relaxed);
                };
                let lines = part.open().and_then(|file| Lines::of(file, path, self.form, self.since_ms, count));
                self.open = Some((path.clone(), lines.map_err(unopened)?));
                continue;
            };
            let bytes = lines.next(PORTION).map_err(RecordsError::unread(path))?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
            self.open = None;
        }
    }
}
