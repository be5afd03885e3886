//! The questions that commands ask of stored calls.

use super::callback_rows::{asked_by, call_key, callback};
use super::questions::{
    AGENT_ACTIVITY, AGENT_LAST, AGENTS, CALLS_BY_ID, CALLS_BY_LINKEDID, CALLS_IN_PROGRESS_NOW, CALLS_UNDER, GAPS,
    LAST_GAP, LAST_OF_NUMBER, LAST_SEEN, MISSES_OF, NEWEST_CALL, PBXS, REQUESTS, SUPPRESSING, TRUNKS, UNHEEDED,
};
use super::rows::{SELECT_CALL, call, call_in_progress, children, gap, tag};
use super::{CallFilter, Error, Reader};
use callbackd_core::callbacks::task::reason;
use callbackd_core::millis::Millis;
use callbackd_core::model::codes::{ClosedByList, Said};
use callbackd_core::model::{CallInProgress, CallKey, CallbackState, FinishedCall, Gap, PbxId, RecoveredBy, Tag};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// The newest calls are looked for among those of the last so many milliseconds first: most often they are there.
const RECENTLY_MS: [Millis; 2] = [86_400_000, 30 * 86_400_000];

/// What asked for a callback so long before the call of a code, ms, is followed when the code is taken off: no callback lives longer.
const UNHEEDED_FOR_MS: Millis = 31 * 86_400_000;

/// A call as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCall {
    /// Row id in `calls`.
    pub id: i64,
    /// Which writing of the row it is: 1, and one more for each correction.
    pub rev: i64,
    /// The call. Legs, visits and IVR steps are empty where they were not asked for.
    pub call: FinishedCall,
    /// Who won a missed customer back, and when (ms since 1970 UTC).
    pub recovered: Option<(RecoveredBy, Millis)>,
}

impl Reader {
    /// Hands each call that `filter` lets through to `each`, newest first, without its children, until `each` breaks. Memory does not grow with
    /// the number of calls.
    ///
    /// # Errors
    /// See [`Error`]; calls may have been handed over before.
    pub fn each_call(&self, filter: &CallFilter, each: impl FnMut(StoredCall) -> ControlFlow<()>) -> Result<(), Error> {
        self.read(|connection| {
            if let Some(calls) = newest(connection, filter)? {
                // All have been read: whether more are wanted changes nothing.
                let _ = calls.into_iter().try_for_each(each);
                return Ok(());
            }
            select(connection, filter, each)
        })
    }

    /// The calls that `filter` lets through, newest first, without their children.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<StoredCall>, Error> {
        let mut calls = Vec::new();
        self.each_call(filter, |call| {
            calls.push(call);
            ControlFlow::Continue(())
        })?;
        Ok(calls)
    }

    /// The whole call with this Linkedid or, if there is none, this row id. Several PBXs can each have one under the same Linkedid.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn call(&self, id_or_linkedid: &str) -> Result<Vec<StoredCall>, Error> {
        self.read(|connection| {
            // One snapshot for the call and its children: the daemon may be writing the call anew.
            let snapshot = connection.unchecked_transaction()?;
            let mut found = Vec::new();
            for condition in [CALLS_BY_LINKEDID.as_str(), CALLS_BY_ID] {
                // SQLite takes ` 1`, `01` and `1.0` for a row id, too.
                if condition == CALLS_BY_ID && !is_id(id_or_linkedid) {
                    break;
                }
                let mut statement = snapshot.prepare(&format!("{} {condition}", *SELECT_CALL))?;
                let rows = statement.query_map([id_or_linkedid], call)?;
                for row in rows {
                    let mut stored = row?;
                    children(&snapshot, stored.id, &mut stored.call)?;
                    found.push(stored);
                }
                if !found.is_empty() {
                    break;
                }
            }
            Ok(found)
        })
    }

    /// The codes of this stored call, and those of its customer's other calls that keep a number from being called.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn said_of(&self, stored: &StoredCall) -> Result<Said, Error> {
        let of_call = stored.call.tags.clone();
        let Some(number) = stored.call.number_e164.as_deref() else { return Ok(Said { of_call, ..Said::default() }) };
        self.read(|connection| {
            let mut found = connection.prepare(SUPPRESSING)?;
            let elsewhere = found.query_map((number, stored.id), tag)?.collect::<Result<_, _>>()?;
            let closed = closed_by_list(connection, number)?;
            let mut found = connection.prepare(UNHEEDED)?;
            let unheeded = found
                .query_map((number, stored.call.ended_ms - UNHEEDED_FOR_MS), |row| {
                    Ok((row.get("call_id")?, tag(row)?))
                })?
                .map(|said| {
                    let (id, tag): (i64, Tag) = said?;
                    let mut of = connection.query_row(&format!("{} {CALLS_BY_ID}", *SELECT_CALL), [id], call)?.call;
                    children(connection, id, &mut of)?;
                    Ok((of, tag))
                })
                .collect::<rusqlite::Result<_>>()?;
            Ok(Said { of_call, elsewhere, closed, unheeded })
        })
    }
}

/// A row id as it is written.
fn is_id(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|id| id.to_string() == text)
}

/// The last callbacks of this number, as far back as the do-not-call list closed them, the oldest first.
fn closed_by_list(connection: &Connection, number: &str) -> rusqlite::Result<Vec<ClosedByList>> {
    let key = |row: &rusqlite::Row<'_>| Ok(call_key(row, "pbx", "linkedid")?.expect("neither column is ever NULL"));
    let mut misses = connection.prepare(MISSES_OF)?;
    let mut requests = connection.prepare(REQUESTS)?;
    let mut closed: Vec<ClosedByList> = Vec::new();
    let mut last = connection.prepare(LAST_OF_NUMBER)?;
    for found in last.query_map([number], |row| Ok((callback(row)?, row.get("held")?)))? {
        let (row, held) = found?;
        match row.state {
            CallbackState::Dnc => {}
            CallbackState::Cancelled if row.reason == reason::JOINED => continue,
            _ => break,
        }
        let misses = misses.query_map([row.id], key)?.collect::<Result<Vec<CallKey>, _>>()?;
        let asked = requests.query_map([row.id], |row| asked_by(row, key(row)?))?.collect::<Result<_, _>>()?;
        closed.push(ClosedByList { row, held, misses, asked });
    }
    closed.reverse();
    Ok(closed)
}

impl Reader {
    /// The whole calls of a PBX that are stored under one of these linkedids.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn calls_under<'i>(
        &self,
        pbx: &str,
        linkedids: impl Iterator<Item = &'i str>,
    ) -> Result<Vec<StoredCall>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!("{} {CALLS_UNDER}", *SELECT_CALL))?;
            let mut found = Vec::new();
            for linkedid in linkedids {
                if let Some(mut stored) = statement.query_row([pbx, linkedid], call).optional()? {
                    children(connection, stored.id, &mut stored.call)?;
                    found.push(stored);
                }
            }
            Ok(found)
        })
    }

    /// Technology and peer of the trunks of a PBX, as its calls have them; at most so many.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn trunks(&self, pbx: &str, most: usize) -> Result<BTreeSet<String>, Error> {
        self.read(|connection| {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            connection.prepare(&TRUNKS)?.query_map((pbx, most), |row| row.get(0))?.collect()
        })
    }
}

/// What an agent did last, as far as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LastSeenAgent {
    /// Name of the PBX.
    pub pbx: String,
    /// The person, as interface.
    pub agent: String,
    /// The agent's name, as the queues give it.
    pub name: String,
    /// `logged_in`, `paused`, `ringing`, `talking`, `wrapup`; `None` if nothing was ever seen.
    pub activity: Option<String>,
    /// It began, ms since 1970 UTC.
    pub from_ms: Option<Millis>,
    /// It ended, ms since 1970 UTC; `None` if its end was not seen.
    pub to_ms: Option<Millis>,
}

impl Reader {
    /// The latest gap of any PBX.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn last_gap(&self) -> Result<Option<Gap>, Error> {
        self.read(|connection| connection.prepare(LAST_GAP)?.query_row([], gap).optional())
    }

    /// All gaps of a PBX, the earliest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn gaps(&self, pbx: &str) -> Result<Vec<Gap>, Error> {
        self.read(|connection| connection.prepare(GAPS)?.query_map([pbx], gap)?.collect())
    }

    /// Customers who are on the line, as far as it is on the disk, the earliest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn calls_in_progress(&self) -> Result<Vec<CallInProgress>, Error> {
        self.read(|connection| {
            connection.prepare_cached(CALLS_IN_PROGRESS_NOW)?.query_map([], call_in_progress)?.collect()
        })
    }

    /// Until when each PBX was seen, ms since 1970 UTC.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn last_seen(&self) -> Result<BTreeMap<String, Millis>, Error> {
        self.read(|connection| {
            connection.prepare(LAST_SEEN)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// The PBXs of which anything is stored.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn pbxs(&self) -> Result<BTreeSet<PbxId>, Error> {
        self.read(|connection| {
            let name = |row: &rusqlite::Row<'_>| Ok(PbxId::new(row.get_ref(0)?.as_str()?));
            connection.prepare(PBXS)?.query_map([], name)?.collect()
        })
    }

    /// All agents, with what each did last.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn last_seen_agents(&self) -> Result<Vec<LastSeenAgent>, Error> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let read = |row: &rusqlite::Row<'_>| {
                let (pbx, agent, name) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(LastSeenAgent { pbx, agent, name, activity: None, from_ms: None, to_ms: None })
            };
            let mut agents = snapshot.prepare(AGENTS)?;
            agents.query_map([], read)?.map(|agent| with_last_activity(&snapshot, agent?)).collect()
        })
    }
}

/// The latest interval of each activity in each queue is one step in the index; the latest of them is what the agent did last.
fn with_last_activity(connection: &Connection, mut agent: LastSeenAgent) -> rusqlite::Result<LastSeenAgent> {
    let mut next = connection.prepare_cached(AGENT_ACTIVITY)?;
    let mut last = connection.prepare_cached(AGENT_LAST)?;
    let (mut activity, mut queue) = (String::new(), String::new());
    let names = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let times = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    while let Some(found) = next.query_row((&agent.pbx, &agent.agent, &activity, &queue), names).optional()? {
        (activity, queue) = found;
        let (from_ms, to_ms): (Millis, _) = last.query_row((&agent.pbx, &agent.agent, &activity, &queue), times)?;
        if agent.from_ms.is_none_or(|latest| latest < from_ms) {
            (agent.activity, agent.from_ms, agent.to_ms) = (Some(activity.clone()), Some(from_ms), to_ms);
        }
    }
    Ok(agent)
}

/// All that is asked for, if that is a number of the newest calls and the last weeks have as many. Without it SQLite would have to choose
/// between looking through every call of, say, a queue for the newest of them, and through every call for one of that queue.
fn newest(connection: &Connection, filter: &CallFilter) -> rusqlite::Result<Option<Vec<StoredCall>>> {
    let (Some(limit), None, true) = (filter.limit, filter.since_ms, filter.chooses()) else { return Ok(None) };
    let newest: Option<Millis> = connection.query_row(NEWEST_CALL, [], |row| row.get(0))?;
    let Some(end) = filter.until_ms.or(newest) else { return Ok(None) };
    for recently in RECENTLY_MS {
        let recent = CallFilter { since_ms: Some(end.saturating_sub(recently)), ..filter.clone() };
        let mut calls = Vec::new();
        select(connection, &recent, |call| {
            calls.push(call);
            ControlFlow::Continue(())
        })?;
        if calls.len() as u64 == limit {
            return Ok(Some(calls));
        }
    }
    Ok(None)
}

fn select(
    connection: &Connection,
    filter: &CallFilter,
    mut each: impl FnMut(StoredCall) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let (sql, values) = filter.sql();
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        if each(call(row)?).is_break() {
            break;
        }
    }
    Ok(())
}
