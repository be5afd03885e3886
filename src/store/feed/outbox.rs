//! The writing end of the feed: one line for each change, and the oldest lines removed with the newest written.

use super::super::callback_rows::Recovered;
use super::super::questions::{LAST_CHANGE, OLDEST_CHANGES, SLOWEST_SINK};
use callbackd_core::millis::Millis;
use callbackd_core::model::{Before, CallKey, CallbackChange, ChangeKind, DoNotCall, News, Record};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// What was over for longer when it was written is no news, ms.
const NEWS_FOR_MS: Millis = 86_400_000;
/// Changes that a transaction removes at most, beside twice as many as it writes.
const REMOVED_AT_LEAST: i64 = 64;
/// What a change takes beside its texts, bytes: numbers, headers of the row and its share of the page.
const OVERHEAD: usize = 40;
/// A full feed is said at most this often, ms.
const SAY_EVERY_MS: Millis = 60_000;

/// What is recorded, and for how long it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRules {
    /// Of calls in progress too. Their rows go away with the call, so each such change carries what it is about.
    pub in_progress: bool,
    /// Of what agents do too.
    pub agents: bool,
    /// All that is written is no news: it is imported, or judged anew.
    pub late: bool,
    /// So long each change is kept, and longer while a sink has not taken it.
    pub keep: Duration,
    /// But never more than so many.
    pub max_rows: u64,
    /// And never more than so many bytes of them.
    pub max_bytes: u64,
}

impl Default for FeedRules {
    fn default() -> Self {
        let keep = Duration::from_secs(7 * 86_400);
        Self { in_progress: false, agents: false, late: false, keep, max_rows: 1_000_000, max_bytes: 256 << 20 }
    }
}

/// What the feed holds, and has counted since the database was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fed {
    /// The newest change; 0 if there never was one.
    pub last: i64,
    /// Changes that are kept.
    pub rows: u64,
    /// Their size, bytes, as the limits count it.
    pub bytes: u64,
    /// Changes that were written.
    pub(crate) recorded: u64,
    /// Changes that were removed because the feed was full, though their time was not over or a sink had not taken them.
    pub overrun: u64,
}

/// The feed, as the writing connection has it. Nothing else writes to its table.
#[derive(Debug)]
pub(in super::super) struct Outbox {
    rules: FeedRules,
    now_ms: Millis,
    held: Held,
    said_ms: Option<Millis>,
    /// What this transaction wrote that is counted.
    counted: Vec<(ChangeKind, Record)>,
}

/// What the table holds. Goes back with a transaction that is rolled back.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Held {
    /// The oldest change that is kept; one more than the newest if none is.
    first: i64,
    /// When it was committed.
    first_ms: Millis,
    last: i64,
    /// Sizes of all changes added up: to before the first that is kept, and to the last.
    bytes_before: i64,
    bytes: i64,
    recorded: u64,
    overrun: u64,
    /// Written by this transaction.
    recorded_now: i64,
    /// The newest that it removed although the feed still owed it to somebody.
    owed: Option<i64>,
    /// How much of what it wrote is counted.
    counted: usize,
}

impl Held {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut held = Self { last: connection.query_row(LAST_CHANGE, [], |row| row.get(0))?, ..Self::default() };
        let newest = "SELECT bytes, pbx, kind, key, coalesce(payload, '') FROM outbox WHERE seq = ?";
        let end = |row: &rusqlite::Row<'_>| {
            let texts = (1..=4).map(|n| row.get_ref(n)?.as_str().map(str::len).map_err(Into::into));
            let texts: usize = texts.sum::<rusqlite::Result<usize>>()?;
            Ok(row.get::<_, i64>(0)? + size(texts))
        };
        held.bytes = connection.query_row(newest, [held.last], end).optional()?.unwrap_or(0);
        held.begins(connection)?;
        Ok(held)
    }

    /// Looks where the feed begins.
    fn begins(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let oldest = "SELECT seq, at_ms, bytes FROM outbox ORDER BY seq LIMIT 1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let found = connection.prepare_cached(oldest)?.query_row([], read).optional()?;
        (self.first, self.first_ms, self.bytes_before) = found.unwrap_or((self.last + 1, 0, self.bytes));
        Ok(())
    }

    fn rows(&self) -> u64 {
        (self.last + 1 - self.first).unsigned_abs()
    }

    fn size(&self) -> u64 {
        u64::try_from(self.bytes - self.bytes_before).unwrap_or_default()
    }
}

/// What a change with texts of so many bytes counts, bytes.
fn size(texts: usize) -> i64 {
    i64::try_from(texts + OVERHEAD).unwrap_or(i64::MAX)
}

impl Outbox {
    /// The feed of this database, as it stands.
    pub(in super::super) fn open(connection: &Connection, rules: FeedRules) -> rusqlite::Result<Self> {
        Ok(Self { rules, now_ms: 0, held: Held::read(connection)?, said_ms: None, counted: Vec::new() })
    }

    /// What is recorded from now on, and kept.
    pub(in super::super) fn rules(&mut self, rules: FeedRules) {
        self.rules = rules;
    }

    /// Whether the change that this record makes is one that is recorded: each of its forms is news then.
    pub(in super::super) fn records(&self, record: &Record) -> bool {
        match record {
            Record::InProgress(_) | Record::NotInProgress { .. } => self.rules.in_progress,
            Record::News(news) if matches!(**news, News::Ringing(_)) => self.rules.in_progress,
            Record::Interval(_) => self.rules.agents,
            Record::Agent { .. } | Record::Seen { .. } | Record::Tape(_) => false,
            _ => true,
        }
    }

    pub(in super::super) fn fed(&self) -> Fed {
        let Held { last, recorded, overrun, .. } = self.held;
        Fed { last, rows: self.held.rows(), bytes: self.held.size(), recorded, overrun }
    }

    /// A transaction begins; what is returned goes to [`Outbox::back`] if it is rolled back.
    pub(in super::super) fn begin(&mut self, now_ms: Millis) -> Held {
        self.now_ms = now_ms;
        (self.held.recorded_now, self.held.owed, self.held.counted) = (0, None, 0);
        self.counted.clear();
        self.held
    }

    pub(in super::super) fn mark(&self) -> Held {
        self.held
    }

    pub(in super::super) fn back(&mut self, held: Held) {
        self.counted.truncate(held.counted);
        self.held = held;
    }

    /// Records the change that a record makes, which was written. `rev`: which writing of its row it was; 0 if it has none.
    pub(in super::super) fn record(
        &mut self,
        connection: &Connection,
        record: &Record,
        before: Before,
        rev: i64,
    ) -> rusqlite::Result<()> {
        let Some(kind) = ChangeKind::of(record, before) else { return Ok(()) };
        let (pbx, key) = record.subject();
        if matches!(record, Record::Call(_) | Record::Callback(_) | Record::Attempt(_) | Record::Gap(_)) {
            self.counted.push((kind, record.clone()));
            self.held.counted = self.counted.len();
        }
        let late = record.happened_ms().is_some_and(|at_ms| at_ms < self.now_ms - NEWS_FOR_MS);
        self.insert(connection, kind, pbx, &key, rev, late, payload(record).as_deref())
    }

    /// Records that customers of missed calls were won back.
    pub(in super::super) fn recovered(&mut self, connection: &Connection, calls: &[Recovered]) -> rusqlite::Result<()> {
        calls.iter().try_for_each(|call| {
            self.insert(connection, ChangeKind::CallRecovered, &call.pbx, &call.linkedid, call.rev, false, None)
        })
    }

    #[expect(clippy::too_many_arguments, reason = "the columns of a change")]
    fn insert(
        &mut self,
        connection: &Connection,
        kind: ChangeKind,
        pbx: &str,
        key: &str,
        rev: i64,
        late: bool,
        payload: Option<&str>,
    ) -> rusqlite::Result<()> {
        let kind = kind.as_str();
        let late = late || self.rules.late;
        connection
            .prepare_cached(
                "INSERT INTO outbox (at_ms, pbx, kind, key, rev, late, bytes, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![self.now_ms, pbx, kind, key, rev, late, self.held.bytes, payload])?;
        let held = &mut self.held;
        let last = connection.last_insert_rowid();
        if held.rows() == 0 {
            (held.first, held.first_ms, held.bytes_before) = (last, self.now_ms, held.bytes);
        }
        held.last = last;
        held.bytes += size(pbx.len() + kind.len() + key.len() + payload.map_or(0, str::len));
        held.recorded += 1;
        held.recorded_now += 1;
        Ok(())
    }

    /// What the last transaction wrote that is counted, once.
    pub(in super::super) fn counted(&mut self) -> Vec<(ChangeKind, Record)> {
        std::mem::take(&mut self.counted)
    }

    fn is_full(&self) -> bool {
        self.held.rows() > self.rules.max_rows || self.held.size() > self.rules.max_bytes
    }

    /// Removes the oldest changes whose time is over and that every sink has taken, and those that there is no room for; a few more than the
    /// transaction has written, so that none is long.
    pub(in super::super) fn trim(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let keep = Millis::try_from(self.rules.keep.as_millis()).unwrap_or(Millis::MAX);
        let over_before = self.now_ms.saturating_sub(keep);
        if self.held.rows() == 0 || self.held.first_ms >= over_before && !self.is_full() {
            return Ok(());
        }
        let taken: Option<i64> = connection.prepare_cached(SLOWEST_SINK)?.query_row([], |row| row.get(0))?;
        let mut oldest = connection.prepare_cached(OLDEST_CHANGES)?;
        let mut oldest = oldest.query([REMOVED_AT_LEAST + 2 * self.held.recorded_now])?;
        let mut end = None;
        while let Some(row) = oldest.next()? {
            let (seq, at_ms): (i64, Millis) = (row.get(0)?, row.get(1)?);
            self.held.bytes_before = row.get(2)?;
            self.held.first = seq;
            let owed = at_ms >= over_before || taken.is_some_and(|taken| seq > taken);
            if owed && !self.is_full() {
                break;
            }
            if owed {
                self.held.overrun += 1;
                self.held.owed = Some(seq);
            }
            end = Some(seq);
        }
        if let Some(end) = end {
            connection.prepare_cached("DELETE FROM outbox WHERE seq <= ?")?.execute([end])?;
        }
        self.held.begins(connection)
    }

    /// The transaction was committed.
    pub(in super::super) fn committed(&mut self) {
        let Some(owed) = self.held.owed else { return };
        if self.said_ms.is_none_or(|said| self.now_ms - said >= SAY_EVERY_MS) {
            self.said_ms = Some(self.now_ms);
            tracing::warn!(target: "store", seq = owed, rows = self.held.rows(), bytes = self.held.size(),
                "Feed is full; changes are removed early: a reader that is behind must start again from /v1/live");
        }
    }
}

/// What the row does not say: it has gone when the change is read, or says something else by then.
fn payload(record: &Record) -> Option<String> {
    let json = match record {
        Record::InProgress(call) => serde_json::to_string(call),
        Record::Tag(change) => serde_json::to_string(change),
        Record::Gap(gap) => serde_json::to_string(gap),
        Record::Interval(interval) => serde_json::to_string(interval),
        Record::News(news) => serde_json::to_string(news),
        Record::DncAdd(entry) => serde_json::to_string(entry),
        Record::GroupDnc(dnc) => serde_json::to_string(&GroupPayload { entry: dnc.entry.as_ref(), site: &dnc.site }),
        Record::Callback(change) => serde_json::to_string(&CallbackPayload::of(change)),
        _ => return None,
    };
    json.ok()
}

/// What another site of the group ordered.
#[derive(serde::Serialize)]
struct GroupPayload<'d> {
    #[serde(flatten)]
    entry: Option<&'d DoNotCall>,
    site: &'d str,
}

/// Where a callback was brought by a change, and by which call.
#[derive(serde::Serialize)]
struct CallbackPayload<'c> {
    state: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'c str>,
    /// The missed call that was added to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    miss: Option<&'c CallKey>,
}

impl<'c> CallbackPayload<'c> {
    fn of(change: &'c CallbackChange) -> Self {
        let step = change.change.as_ref();
        Self {
            state: change.row.state.as_str(),
            reason: &change.row.reason,
            by: step.map(|step| step.by.as_str()),
            note: step.map(|step| step.note.as_str()).filter(|note| !note.is_empty()),
            miss: change.miss.as_ref(),
        }
    }
}
