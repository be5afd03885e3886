//! The reading end of the feed: changes after a cursor, each with the row that it is about as that is now.

use super::super::callback_rows::{attempt, find};
use super::super::questions::{
    ATTEMPT, CALLBACK_REV, CALLS_UNDER, CHANGES_AFTER, FEED_BYTES, FEED_READERS, LAST_CHANGE, OLDEST_CHANGE,
};
use super::super::rows::{SELECT_CALL, call, children, unknown};
use super::super::{Error, Reader, StoredCall};
use super::Cursor;
use callbackd_core::millis::Millis;
use callbackd_core::model::{AttemptRow, CallbackRow, ChangeKind};
use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;
use std::ops::ControlFlow;

/// How far the feed goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// First characters of the database's identity, as in a [`Cursor`].
    pub db: String,
    /// Name of the site; empty until a daemon has set it.
    pub(crate) site: String,
    /// The oldest change that is kept; one more than `last` if none is.
    pub first: i64,
    /// The newest change; 0 if there never was one.
    pub(crate) last: i64,
}

/// What the feed holds, and who has come how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holds {
    /// Changes that are kept.
    pub(crate) rows: u64,
    /// Their size, bytes, but for the newest's.
    pub(crate) bytes: u64,
    /// Each webhook and sink, as `webhook:crm`: changes that it has not taken, and how many of them were removed before it came to them.
    pub(crate) readers: Vec<(String, i64, i64)>,
}

/// Why a reader cannot go on from its cursor: it reads the tables, and goes on from the end of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    /// Changes after the cursor have been removed.
    #[error("changes after it have been removed")]
    Removed,
    /// The cursor is of a database that was there before: a copy was put in its place.
    #[error("it is of another database than the one that is here now")]
    OtherDatabase,
    /// The feed has not come so far: the machine was set back, or the cursor is wrong.
    #[error("it is ahead of the newest change")]
    Ahead,
}

/// Something that became true.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Place in the feed.
    pub seq: i64,
    /// Committed, ms since 1970 UTC.
    pub(crate) at_ms: Millis,
    /// Name of the PBX; empty if it is about none in particular.
    pub(crate) pbx: String,
    /// What became true.
    pub kind: ChangeKind,
    /// Of what: the linkedid of a call, the id of a callback, `<callback>/<n>` of an attempt, a number, the beginning of a gap.
    pub key: String,
    /// Which writing of the row it was, from 1; 0 for what has no row.
    pub rev: i64,
    /// It is no news: imported, or over for more than a day when it was written.
    pub late: bool,
    /// What was recorded with it that the row may not say any more.
    pub payload: Option<Value>,
    /// The row, as it is now; `None` if there is none any more, or `payload` is all.
    pub row: Option<ChangedRow>,
}

/// The row that a change is about.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangedRow {
    /// A finished call, whole.
    Call(Box<StoredCall>),
    /// A callback.
    Callback {
        /// As it is now.
        row: Box<CallbackRow>,
        /// Which writing of it that is.
        rev: i64,
    },
    /// An attempt, and the callback that it is of.
    Attempt {
        /// As it is now.
        row: Box<AttemptRow>,
        /// As it is now.
        of: Option<Box<CallbackRow>>,
    },
}

impl Feed {
    pub(in crate::store) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let (db, site) =
            connection.query_row("SELECT substr(db_uuid, 1, 8), coalesce(site, '') FROM identity", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let last: i64 = connection.query_row(LAST_CHANGE, [], |row| row.get(0))?;
        let first: Option<i64> = connection.query_row(OLDEST_CHANGE, [], |row| row.get(0))?;
        Ok(Self { db, site, first: first.unwrap_or(last + 1), last })
    }

    /// The cursor of who has taken all.
    #[must_use]
    pub fn end(&self) -> Cursor {
        self.at(self.last)
    }

    /// The cursor of who has taken all up to this change.
    #[must_use]
    pub fn at(&self, seq: i64) -> Cursor {
        Cursor { db: self.db.clone(), seq }
    }

    /// Whether a reader can go on from there.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn goes_on(&self, cursor: &Cursor) -> Result<(), Behind> {
        if cursor.db != self.db {
            Err(Behind::OtherDatabase)
        } else if cursor.seq > self.last {
            Err(Behind::Ahead)
        } else if cursor.seq < self.first - 1 {
            Err(Behind::Removed)
        } else {
            Ok(())
        }
    }
}

impl Reader {
    /// How far the feed goes.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn feed(&self) -> Result<Feed, Error> {
        self.read(Feed::read)
    }

    /// What the feed holds, and who has come how far.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn feed_holds(&self) -> Result<Holds, Error> {
        self.read(|connection| {
            let Feed { first, last, .. } = Feed::read(connection)?;
            let bytes: i64 = connection.query_row(FEED_BYTES, [first, last], |row| row.get(0))?;
            let mut sinks = connection.prepare(FEED_READERS)?;
            let behind = |row: &rusqlite::Row<'_>| {
                let taken: i64 = row.get(1)?;
                Ok((row.get(0)?, (last - taken).max(0), (first - 1 - taken).max(0)))
            };
            let readers = sinks.query_map([], behind)?.collect::<Result<_, _>>()?;
            let rows = u64::try_from(last + 1 - first).unwrap_or_default();
            Ok(Holds { rows, bytes: u64::try_from(bytes).unwrap_or_default(), readers })
        })
    }

    /// At most `limit` changes after this cursor, or of all that are kept; and how far the feed goes.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn changes(&self, after: Option<&Cursor>, limit: usize) -> Result<(Feed, Result<Vec<Change>, Behind>), Error> {
        let mut changes = Vec::new();
        let (feed, read) = self.each_change(after, limit, &[], |_, change| {
            changes.push(change);
            ControlFlow::Continue(())
        })?;
        Ok((feed, read.map(|_| changes)))
    }

    /// Looks at no more than `limit` changes after this cursor, or of all that are kept, and hands on those of these kinds (all if none is named),
    /// until `each` breaks. Returns how far the feed goes, and where it has been read to.
    ///
    /// # Errors
    /// See [`Error`]; changes may have been handed on before.
    pub(crate) fn each_change(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        kinds: &[ChangeKind],
        mut each: impl FnMut(&Feed, Change) -> ControlFlow<()>,
    ) -> Result<(Feed, Result<Cursor, Behind>), Error> {
        self.read(|connection| {
            // One snapshot for the changes and their rows.
            let snapshot = connection.unchecked_transaction()?;
            let feed = Feed::read(&snapshot)?;
            if let Some(Err(behind)) = after.map(|after| feed.goes_on(after)) {
                return Ok((feed, Err(behind)));
            }
            let mut read_to = after.map_or(feed.first - 1, |cursor| cursor.seq);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut changes = snapshot.prepare_cached(CHANGES_AFTER)?;
            for found in changes.query_map([read_to, limit], change)? {
                let found = found?;
                read_to = found.seq;
                if !kinds.is_empty() && !kinds.contains(&found.kind) {
                    continue;
                }
                if each(&feed, with_row(&snapshot, found)?).is_break() {
                    break;
                }
            }
            let read_to = feed.at(read_to);
            Ok((feed, Ok(read_to)))
        })
    }
}

fn change(row: &rusqlite::Row<'_>) -> rusqlite::Result<Change> {
    let (kind, payload): (String, Option<String>) = (row.get("kind")?, row.get("payload")?);
    let payload = payload.map(|json| serde_json::from_str(&json).map_err(|_| unknown("payload is no JSON: ", &json)));
    Ok(Change {
        seq: row.get("seq")?,
        at_ms: row.get("at_ms")?,
        pbx: row.get("pbx")?,
        kind: ChangeKind::from_text(&kind).ok_or_else(|| unknown("kind holds an unknown word: ", &kind))?,
        key: row.get("key")?,
        rev: row.get("rev")?,
        late: row.get("late")?,
        payload: payload.transpose()?,
        row: None,
    })
}

fn with_row(connection: &Connection, mut change: Change) -> rusqlite::Result<Change> {
    use ChangeKind as K;
    change.row = match change.kind {
        K::CallEnded | K::CallMissed | K::CallUpdated | K::CallTagged | K::CallRecovered => {
            let mut found = connection.prepare_cached(&format!("{} {CALLS_UNDER}", *SELECT_CALL))?;
            let found = found.query_row([&change.pbx, &change.key], call).optional()?;
            let whole = found.map(|mut stored| {
                children(connection, stored.id, &mut stored.call)?;
                Ok::<_, rusqlite::Error>(ChangedRow::Call(Box::new(stored)))
            });
            whole.transpose()?
        }
        K::CallbackCreated | K::CallbackUpdated | K::CallbackLate | K::CallbackClosed => {
            let id = change.key.parse().unwrap_or_default();
            let rev = connection.prepare_cached(CALLBACK_REV)?.query_row([id], |row| row.get(0)).optional()?;
            find(connection, id)?.zip(rev).map(|(row, rev)| ChangedRow::Callback { row: Box::new(row), rev })
        }
        K::CallbackAttempted => match change.key.split_once('/') {
            Some(key) => {
                let found = connection.prepare_cached(ATTEMPT)?.query_row([key.0, key.1], attempt).optional()?;
                let of = found.as_ref().map(|row| find(connection, row.callback_id)).transpose()?.flatten();
                found.map(|row| ChangedRow::Attempt { row: Box::new(row), of: of.map(Box::new) })
            }
            None => None,
        },
        K::CallStarted
        | K::CallAnswered
        | K::CallRinging
        | K::CallWithdrawn
        | K::GapRecorded
        | K::DncAdded
        | K::DncRemoved
        | K::AgentState
        | K::QueueAlarm
        | K::LinkUp
        | K::LinkDown => None,
    };
    Ok(change)
}
