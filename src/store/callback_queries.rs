//! The questions that commands ask of stored callbacks.

use super::call_filter::{number_ends, places};
use super::callback_rows::{attempt, callback, do_not_call_entry, event, find, recovered};
use super::questions::{
    CALLBACK_ATTEMPTS, CALLBACK_EVENTS, COUNT_ATTEMPTS, COUNT_MISSES, DO_NOT_CALL, DO_NOT_CALL_PAGE, MISSES,
    NEXT_EVENT, OPEN_BY_STATE,
};
use super::rows::unless_misspelt;
use super::{Error, Reader};
use callbackd_core::millis::Millis;
use callbackd_core::model::{AttemptRow, CallbackRow, CallbackState, CallbackStep, DoNotCall, RecoveredBy};
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Callbacks come in two parts, as one order for both could be had from no index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// For the planner: with figures of the table it would rather read all of it and sort.
    index: &'static str,
    condition: &'static str,
    order: &'static str,
}

/// The order of their turns.
pub(super) const OPEN_FIRST: Part = Part {
    index: "INDEXED BY callbacks_closed",
    condition: "closed_ms IS NULL",
    order: "requested DESC, priority DESC, first_missed_ms, id",
};

/// The newest first.
pub(super) const CLOSED_LAST: Part = Part {
    index: "INDEXED BY callbacks_closed",
    condition: "closed_ms IS NOT NULL",
    order: "closed_ms DESC, requested DESC, priority DESC, first_missed_ms, id",
};

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
    /// Of the PBX of this name: where the latest miss was.
    pub pbx: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A missed call behind a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Miss {
    /// Row id in `calls`.
    pub(crate) id: i64,
    /// Name of its PBX.
    pub(crate) pbx: String,
    /// The call's linkedid.
    pub linkedid: String,
    /// The call's status.
    #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::Status"))]
    pub(crate) status: String,
    /// The call's outcome.
    #[cfg_attr(feature = "openapi", schemars(with = "callbackd_core::model::Outcome"))]
    pub(crate) outcome: String,
    /// It ended, ms since 1970 UTC.
    pub(crate) ended_ms: Millis,
    /// Who won the customer back, and when (ms since 1970 UTC); `null` if nobody has.
    pub(crate) recovered: Option<(RecoveredBy, Millis)>,
}

/// Most misses, changes and attempts of one history, each: the newest.
pub const HISTORY_ROWS: usize = 1_000;

/// A callback with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(rename = "Story"))]
pub struct CallbackHistory {
    /// The callback's row.
    pub callback: CallbackRow,
    /// The misses behind it, oldest first.
    pub misses: Vec<Miss>,
    /// The changes, oldest first.
    pub events: Vec<CallbackStep>,
    /// The attempts, oldest first.
    pub attempts: Vec<AttemptRow>,
    /// How many came before these.
    pub earlier: Earlier,
}

/// What a history has more of than [`HISTORY_ROWS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(description = "What a history has more of than 1,000 rows."))]
pub struct Earlier {
    /// Misses before the first that is here.
    pub misses: u64,
    /// Changes before the first that is here, those that are not kept included.
    pub events: u64,
    /// Attempts before the first that is here.
    pub attempts: u64,
}

impl Reader {
    /// The callbacks that `filter` lets through: open ones in the order of their turns, then closed ones, newest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn callbacks(&self, filter: &CallbackFilter) -> Result<Vec<CallbackRow>, Error> {
        self.read(|connection| {
            // One snapshot: between the two, a callback may be closed.
            let snapshot = connection.unchecked_transaction()?;
            let mut found = Vec::new();
            for (part, open) in [(OPEN_FIRST, true), (CLOSED_LAST, false)] {
                let left = filter.limit.map(|limit| limit.saturating_sub(found.len() as u64));
                if filter.open.is_none_or(|wanted| wanted == open) && left != Some(0) {
                    let (sql, values) = CallbackFilter { limit: left, ..filter.clone() }.sql(part);
                    for row in snapshot.prepare(&sql)?.query_map(params_from_iter(values), callback)? {
                        found.push(row?);
                    }
                }
            }
            Ok(found)
        })
    }

    /// A callback's row.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn callback(&self, id: i64) -> Result<Option<CallbackRow>, Error> {
        self.read(|connection| find(connection, id))
    }

    /// What is known of a callback: of each list the newest [`HISTORY_ROWS`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn callback_history(&self, id: i64) -> Result<Option<CallbackHistory>, Error> {
        self.read(|connection| {
            // One snapshot: the daemon may be writing.
            let snapshot = connection.unchecked_transaction()?;
            let Some(callback) = find(&snapshot, id)? else { return Ok(None) };
            let mut earlier = Earlier::default();
            for (before, count) in [
                (&mut earlier.misses, COUNT_MISSES),
                (&mut earlier.events, NEXT_EVENT),
                (&mut earlier.attempts, COUNT_ATTEMPTS),
            ] {
                let all: i64 = snapshot.prepare(count)?.query_row([id], |row| row.get(0))?;
                *before = all.unsigned_abs().saturating_sub(HISTORY_ROWS as u64);
            }
            let asked = (id, HISTORY_ROWS as i64);
            let misses = snapshot
                .prepare(MISSES)?
                .query_map(asked, |row| {
                    Ok(Miss {
                        id: row.get("id")?,
                        pbx: row.get("pbx")?,
                        linkedid: row.get("linkedid")?,
                        status: row.get("status")?,
                        outcome: row.get("outcome")?,
                        ended_ms: row.get("ended_ms")?,
                        recovered: recovered(row)?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            let events = snapshot.prepare(CALLBACK_EVENTS)?.query_map(asked, event)?.collect::<Result<_, _>>()?;
            let attempts = snapshot.prepare(CALLBACK_ATTEMPTS)?.query_map(asked, attempt)?.collect::<Result<_, _>>()?;
            Ok(Some(CallbackHistory { callback, misses, events, attempts, earlier }))
        })
    }

    /// Open callbacks by state: of one PBX, or of all.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open_callbacks(&self, pbx: Option<&str>) -> Result<BTreeMap<String, u64>, Error> {
        self.read(|connection| {
            connection
                .prepare(OPEN_BY_STATE)?
                .query_map([pbx], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?
                .collect()
        })
    }

    /// Hands each of those not to be called to `each`, by number, until it breaks; those whose time is over are left out. Memory does not grow with
    /// the list.
    ///
    /// # Errors
    /// See [`Error`]; some may have been handed over before.
    pub fn each_do_not_call(
        &self,
        now_ms: Millis,
        mut each: impl FnMut(DoNotCall) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.read(|connection| {
            let mut statement = connection.prepare(DO_NOT_CALL)?;
            let mut rows = statement.query([now_ms])?;
            while let Some(row) = rows.next()? {
                if let Some(entry) = unless_misspelt(do_not_call_entry(row))?
                    && each(entry).is_break()
                {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// Hands rows to what it is given, until that says that no more are wanted.
type ReadRows<'a, T> = dyn FnMut(&mut dyn FnMut(T) -> bool) -> rusqlite::Result<()> + 'a;

/// Some rows of a list: where the next ones begin, and the reading of these.
pub(crate) struct Page<'a, T, N> {
    /// Behind which row the next page begins; `None` if this is the last.
    pub(crate) next: Option<N>,
    read: Box<ReadRows<'a, T>>,
}

impl<T, N> Page<'_, T, N> {
    /// Reads the rows one by one, until `take` says that no more are wanted.
    ///
    /// # Errors
    /// SQLite's.
    pub(crate) fn rows(mut self, mut take: impl FnMut(T) -> bool) -> rusqlite::Result<()> {
        (self.read)(&mut take)
    }
}

impl Reader {
    /// Some of the callbacks that `filter` lets through, behind the one with the id `after` (`limit` of the filter is not regarded): open ones in the order of their
    /// turns, then closed ones, newest first. `None` if that one is not among them.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn page_of_callbacks(
        &self,
        filter: &CallbackFilter,
        after: Option<i64>,
        limit: usize,
        page: impl FnOnce(Page<'_, CallbackRow, i64>) -> rusqlite::Result<()>,
    ) -> Result<Option<()>, Error> {
        self.read(|connection| {
            // One snapshot: the daemon may be writing.
            let snapshot = connection.unchecked_transaction()?;
            let (mut ids, mut found) = (Vec::new(), after.is_none());
            for (part, open) in [(OPEN_FIRST, true), (CLOSED_LAST, false)] {
                if filter.open.is_some_and(|wanted| wanted != open) {
                    continue;
                }
                let (sql, values) = CallbackFilter { limit: None, ..filter.clone() }.sql(part);
                let mut statement = snapshot.prepare(&sql)?;
                let mut rows = statement.query(params_from_iter(values))?;
                while ids.len() <= limit
                    && let Some(row) = rows.next()?
                {
                    let id: i64 = row.get("id")?;
                    if found {
                        ids.push(id);
                    }
                    found |= Some(id) == after;
                }
            }
            if !found {
                return Ok(None);
            }
            let more = ids.len() > limit;
            ids.truncate(limit);
            let next = ids.last().copied().filter(|_| more);
            let read = |take: &mut dyn FnMut(CallbackRow) -> bool| {
                for id in &ids {
                    if let Some(row) = find(&snapshot, *id)?
                        && !take(row)
                    {
                        break;
                    }
                }
                Ok(())
            };
            page(Page { next, read: Box::new(read) }).map(Some)
        })
    }

    /// Some of the do-not-call list, by number, behind the number `after`; those whose time is over are left out.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn page_of_do_not_call(
        &self,
        now_ms: Millis,
        after: &str,
        limit: usize,
        page: impl FnOnce(Page<'_, DoNotCall, String>) -> rusqlite::Result<()>,
    ) -> Result<(), Error> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX - 1);
            let mut statement = snapshot.prepare(DO_NOT_CALL_PAGE)?;
            let numbers: Vec<String> = statement
                .query_map((after, now_ms, limit + 1), |row| row.get("number_e164"))?
                .collect::<Result<_, _>>()?;
            let kept = usize::try_from(limit).unwrap_or(usize::MAX);
            let next = (numbers.len() > kept).then(|| numbers[..kept].last().cloned()).flatten();
            let read = |take: &mut dyn FnMut(DoNotCall) -> bool| {
                let mut rows = statement.query((after, now_ms, limit))?;
                while let Some(row) = rows.next()? {
                    if let Some(entry) = unless_misspelt(do_not_call_entry(row))?
                        && !take(entry)
                    {
                        break;
                    }
                }
                Ok(())
            };
            page(Page { next, read: Box::new(read) })
        })
    }
}

impl CallbackFilter {
    /// The statement for open or for closed callbacks, whatever `open` says, and the values of its parameters.
    pub(super) fn sql(&self, part: Part) -> (String, Vec<Value>) {
        let mut conditions = vec![part.condition.to_owned()];
        let mut values: Vec<Value> = Vec::new();
        if !self.state.is_empty() {
            conditions.push(format!("state IN ({})", places(self.state.len())));
            values.extend(self.state.iter().map(|s| Value::from(s.as_str().to_owned())));
        }
        if let Some(queue) = &self.queue {
            conditions.push("queue = ?".to_owned());
            values.push(queue.clone().into());
        }
        if let Some(pbx) = &self.pbx {
            conditions.push("pbx = ?".to_owned());
            values.push(pbx.clone().into());
        }
        if let Some(number) = &self.number {
            let (ends, end) = number_ends(number);
            let exact: Value = number.clone().into();
            conditions.push(format!(
                "id IN (SELECT id FROM callbacks WHERE substr(number_e164, -4) IN ({})) AND (number_e164 = ? OR number_e164 LIKE ?)",
                places(ends.len())
            ));
            values.extend(ends.into_iter().chain([exact.clone(), end.unwrap_or(exact)]));
        }
        let index = if self.number.is_none() { part.index } else { "" };
        let mut sql =
            format!("SELECT * FROM callbacks {index} WHERE {} ORDER BY {}", conditions.join(" AND "), part.order);
        if let Some(limit) = self.limit {
            sql.push_str(" LIMIT ?");
            values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        }
        (sql, values)
    }
}
