//! The questions that commands ask of stored callbacks.

use super::callback_rows::{attempt, callback, event, find, forbidden, recovered};
use super::{Error, Reader};
use callbackd_core::ami::event::Millis;
use callbackd_core::model::{AttemptRow, CallbackRow, CallbackState, CallbackStep, DoNotCall, RecoveredBy};
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// From so many digits on, a number is found by its end.
const SUFFIX_DIGITS: usize = 4;

/// Which callbacks. An empty list or `None` means "any"; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallbackFilter {
    /// Open ones only, or closed ones only.
    pub open: Option<bool>,
    /// In one of these states.
    pub state: Vec<CallbackState>,
    /// Of this queue, to the letter.
    pub queue: Option<String>,
    /// The customer's number: the whole of it in E.164, or, if at least 4 digits are given, the end of it.
    pub number: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A missed call behind a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// Row id in `calls`.
    pub id: i64,
    /// Its linkedid.
    pub linkedid: String,
    /// Its status.
    pub status: String,
    /// Its outcome.
    pub outcome: String,
    /// It ended, ms since 1970 UTC.
    pub ended_ms: Millis,
    /// Who won the customer back, and when.
    pub recovered: Option<(RecoveredBy, Millis)>,
}

/// All that is known of a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallbackStory {
    /// The row.
    pub callback: CallbackRow,
    /// The misses behind it, oldest first.
    pub misses: Vec<Miss>,
    /// Every change, oldest first.
    pub events: Vec<CallbackStep>,
    /// Every attempt, oldest first.
    pub attempts: Vec<AttemptRow>,
}

impl Reader {
    /// The callbacks that `filter` lets through: open ones in the order of their turns, then closed ones, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn callbacks(&self, filter: &CallbackFilter) -> Result<Vec<CallbackRow>, Error> {
        let (sql, values) = filter.sql();
        self.read(|connection| connection.prepare(&sql)?.query_map(params_from_iter(values), callback)?.collect())
    }

    /// A callback's row.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn callback(&self, id: i64) -> Result<Option<CallbackRow>, Error> {
        self.read(|connection| find(connection, id))
    }

    /// All that is known of a callback.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn callback_story(&self, id: i64) -> Result<Option<CallbackStory>, Error> {
        self.read(|connection| {
            // One snapshot: the daemon may be writing.
            let snapshot = connection.unchecked_transaction()?;
            let Some(callback) = find(&snapshot, id)? else { return Ok(None) };
            let misses = snapshot
                .prepare("SELECT * FROM calls WHERE callback_id = ? AND direction = 'inbound' ORDER BY ended_ms")?
                .query_map([id], |row| {
                    Ok(Miss {
                        id: row.get("id")?,
                        linkedid: row.get("linkedid")?,
                        status: row.get("status")?,
                        outcome: row.get("outcome")?,
                        ended_ms: row.get("ended_ms")?,
                        recovered: recovered(row)?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            let events = snapshot
                .prepare("SELECT * FROM callback_events WHERE callback_id = ? ORDER BY n")?
                .query_map([id], event)?
                .collect::<Result<_, _>>()?;
            let attempts = snapshot
                .prepare("SELECT * FROM callback_attempts WHERE callback_id = ? ORDER BY n")?
                .query_map([id], attempt)?
                .collect::<Result<_, _>>()?;
            Ok(Some(CallbackStory { callback, misses, events, attempts }))
        })
    }

    /// Open callbacks by state.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_callbacks(&self) -> Result<BTreeMap<String, u64>, Error> {
        self.read(|connection| {
            connection
                .prepare("SELECT state, count(*) FROM callbacks WHERE closed_ms IS NULL GROUP BY state")?
                .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
                .collect()
        })
    }

    /// The list of those not to be called, by number; those whose time is over are left out.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn do_not_call(&self, now_ms: Millis) -> Result<Vec<DoNotCall>, Error> {
        self.read(|connection| {
            connection
                .prepare("SELECT * FROM do_not_call WHERE until_ms IS NULL OR until_ms > ? ORDER BY number_e164")?
                .query_map([now_ms], forbidden)?
                .collect()
        })
    }
}

impl CallbackFilter {
    fn sql(&self) -> (String, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        match self.open {
            Some(true) => conditions.push("closed_ms IS NULL".to_owned()),
            Some(false) => conditions.push("closed_ms IS NOT NULL".to_owned()),
            None => {}
        }
        if !self.state.is_empty() {
            conditions.push(format!("state IN ({})", vec!["?"; self.state.len()].join(", ")));
            values.extend(self.state.iter().map(|s| Value::from(s.as_str().to_owned())));
        }
        if let Some(queue) = &self.queue {
            conditions.push("queue = ?".to_owned());
            values.push(queue.clone().into());
        }
        if let Some(number) = &self.number {
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            let end = if digits.len() >= SUFFIX_DIGITS { format!("%{digits}") } else { number.clone() };
            conditions.push("(number_e164 = ? OR number_e164 LIKE ?)".to_owned());
            values.extend([number.clone().into(), end.into()]);
        }
        let mut sql = "SELECT * FROM callbacks".to_owned();
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        sql.push_str(
            " ORDER BY closed_ms IS NOT NULL, closed_ms DESC, promised DESC, priority DESC, first_missed_ms, id",
        );
        if let Some(limit) = self.limit {
            sql.push_str(" LIMIT ?");
            values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        }
        (sql, values)
    }
}
