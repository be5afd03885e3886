//! Changes one by one, each with the rows that it is about: for who hands on changes and keeps no rows.

use super::super::feed::{Behind, Feed};
use super::super::questions::CHANGES_AFTER;
use super::super::{Error, Reader};
use super::changed::{Key, Tables};
use super::read::Rows;
use callbackd_core::millis::Millis;
use rusqlite::params;

/// A change as it is recorded, and its rows as they are now.
#[derive(Debug)]
pub(crate) struct Single {
    /// Place in the feed.
    pub(crate) seq: i64,
    /// The place of the change before it, or where it was read from: there is none between.
    pub(crate) after: i64,
    /// Committed, ms since 1970 UTC.
    pub(crate) at_ms: Millis,
    /// Name of the PBX; empty if it is about none in particular.
    pub(crate) pbx: String,
    /// What became true.
    pub(crate) kind: String,
    /// Of what.
    pub(crate) key: String,
    /// Which writing of the row it was; 0 for what has no row.
    pub(crate) rev: i64,
    /// It is no news.
    pub(crate) late: bool,
    /// What was recorded with it, JSON.
    pub(crate) payload: Option<String>,
    /// By table; tables without rows are left out.
    pub(crate) rows: Vec<Rows>,
    /// Numbers that are not on the do-not-call list any more.
    pub(crate) called_again: Vec<String>,
}

impl Reader {
    /// The changes after `after`: `limit` at most, and fewer once they take more than `bytes`. Returns the number of the newest change too.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn singles(
        &self,
        after: i64,
        limit: usize,
        bytes: usize,
    ) -> Result<(i64, Result<Vec<Single>, Behind>), Error> {
        self.read(|connection| {
            // One snapshot for the changes and their rows.
            let snapshot = connection.unchecked_transaction()?;
            let feed = Feed::read(&snapshot)?;
            if let Err(behind) = feed.goes_on(&feed.at(after)) {
                return Ok((feed.last, Err(behind)));
            }
            let (mut singles, mut size, mut before) = (Vec::new(), 0, after);
            let mut changes = snapshot.prepare_cached(CHANGES_AFTER)?;
            let mut changes = changes.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            while let Some(change) = changes.next()? {
                let mut single = Single {
                    seq: change.get("seq")?,
                    after: before,
                    at_ms: change.get("at_ms")?,
                    pbx: change.get("pbx")?,
                    kind: change.get("kind")?,
                    key: change.get("key")?,
                    rev: change.get("rev")?,
                    late: change.get("late")?,
                    payload: change.get("payload")?,
                    rows: Vec::new(),
                    called_again: Vec::new(),
                };
                before = single.seq;
                size += single.key.len() + single.payload.as_ref().map_or(0, String::len);
                let mut tables = Tables::new();
                for key in Key::of(&single.kind, single.pbx.clone(), single.key.clone(), single.payload.as_deref()) {
                    let found = tables.read(&snapshot, &key)?;
                    if let (0, Key::DoNotCall(number)) = (found, &key) {
                        single.called_again.push(number.clone());
                    }
                    size += found;
                }
                single.rows = tables.filled();
                singles.push(single);
                if size > bytes {
                    break;
                }
            }
            Ok((feed.last, Ok(singles)))
        })
    }
}
