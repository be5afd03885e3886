//! What a scheduler must know of earlier runs, read once at the start.

use super::callback_rows::{asked_by, attempt, callback, do_not_call_entry};
use super::inspect::open_read_only;
use super::questions::{
    ASKED, ASKED_BY, CALLED, CALLS_BY_ID, DIALLED, DO_NOT_CALL_NOW, IN_FLIGHT, LAST_CALLBACK, MEANWHILE,
    OPEN_CALLBACKS, OPEN_MISSES, OWNERS, REFUSALS, SAID, SERVED, TAKEN_BACK, TRUNKS_OF_CUSTOMERS,
};
use super::rows::{SELECT_CALL, call, e164, tag, unless_misspelt};
use super::{Error, Store};
use callbackd_core::callbacks::MAX_OWNERS;
use callbackd_core::callbacks::restore::{RestoredState, Served};
use callbackd_core::millis::Millis;
use callbackd_core::model::codes::RULE;
use callbackd_core::model::{AgentKey, AttemptRow, CallKey, E164, PbxId, RecoveredBy, Tag};
use rusqlite::{Connection, Row};
use std::collections::BTreeSet;
use std::path::Path;
use std::thread::JoinHandle;

/// The agent who last talked with a customer is preferred for their callback for so long, ms.
const OWNED_FOR_MS: Millis = 90 * DAY_MS;
const DAY_MS: Millis = 86_400_000;
/// So far back it is looked who was served since a miss: no callback is open longer (`callback.expire`), ms.
const SERVED_FOR_MS: Millis = 31 * DAY_MS;

impl Store {
    /// Open callbacks, attempts in flight, and all else that decides who is called. `min_talk_ms`: a call outward that was shorter served nobody.
    ///
    /// # Errors
    /// What SQLite reports.
    pub fn restored(&self, now_ms: Millis, min_talk_ms: Millis) -> Result<RestoredState, Error> {
        self.restored_with(now_ms, self.read_customers(now_ms, min_talk_ms))
    }

    /// Begins with what takes the longest of [`Store::restored`]: some hundred thousand calls are read, beside what else a start has to do.
    pub(crate) fn read_customers(&self, now_ms: Millis, min_talk_ms: Millis) -> Customers {
        let (path, other) = (self.path().to_owned(), self.path().to_owned());
        Customers {
            owners: std::thread::spawn(move || beside(&path, |connection| owners(connection, now_ms))),
            served: std::thread::spawn(move || beside(&other, |connection| served(connection, now_ms, min_talk_ms))),
        }
    }

    /// The trunks on which customers have called each of these PBXs since then (ms since 1970 UTC), in the same way.
    pub(crate) fn read_trunks(&self, pbxs: Vec<PbxId>, since_ms: Millis) -> Trunks {
        let path = self.path().to_owned();
        Trunks(std::thread::spawn(move || {
            beside(&path, |connection| pbxs.iter().map(|pbx| trunks(connection, pbx, since_ms)).collect())
        }))
    }

    /// The rest of [`Store::restored`].
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn restored_with(&self, now_ms: Millis, customers: Customers) -> Result<RestoredState, Error> {
        let rest = restored(self.connection(), now_ms).map_err(|error| self.failed(error));
        let (owners, served) = (joined(customers.owners)?, joined(customers.served)?);
        Ok(RestoredState { owners, served, ..rest? })
    }
}

/// What is known of customers, being read on threads of their own.
#[derive(Debug)]
pub(crate) struct Customers {
    owners: Reading<(E164, AgentKey, Millis)>,
    served: Reading<(E164, Served)>,
}

/// Trunks of PBXs, being read.
#[derive(Debug)]
pub(crate) struct Trunks(Reading<Vec<String>>);

impl Trunks {
    /// Of each PBX, in the order in which they were asked for.
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn read(self) -> Result<Vec<Vec<String>>, Error> {
        joined(self.0)
    }
}

fn trunks(connection: &Connection, pbx: &str, since_ms: Millis) -> rusqlite::Result<Vec<String>> {
    connection.prepare(TRUNKS_OF_CUSTOMERS)?.query_map((since_ms, pbx), |row| row.get(0))?.collect()
}

type Reading<T> = JoinHandle<Result<Vec<T>, Error>>;

fn joined<T>(reading: Reading<T>) -> Result<Vec<T>, Error> {
    reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Reads on a connection of its own.
fn beside<T>(path: &Path, read: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
    let opened = open_read_only(path, true)?;
    read(&opened.connection).map_err(|error| Error::sqlite(path, error))
}

/// Who talked with each customer last.
fn owners(connection: &Connection, now_ms: Millis) -> rusqlite::Result<Vec<(E164, AgentKey, Millis)>> {
    let mut names = Names::default();
    connection
        .prepare(OWNERS)?
        .query_map((now_ms - OWNED_FOR_MS, i64::try_from(MAX_OWNERS).unwrap_or(i64::MAX)), |row| {
            let (agent, ended_ms): (AgentKey, Millis) = (names.agent_key(row, 1)?, row.get(3)?);
            Ok(unless_misspelt(e164(&row.get::<_, String>(0)?))?.map(|number| (number, agent, ended_ms)))
        })?
        .filter_map(Result::transpose)
        .collect()
}

/// By which call each customer was served last. `min_talk_ms`: an outbound call with a shorter talk served nobody.
fn served(connection: &Connection, now_ms: Millis, min_talk_ms: Millis) -> rusqlite::Result<Vec<(E164, Served)>> {
    let mut names = Names::default();
    let read = |row: &Row<'_>| {
        let by = match row.get::<_, String>(1)?.as_str() {
            "inbound" => RecoveredBy::Customer,
            "outbound" => RecoveredBy::Agent,
            _ => RecoveredBy::Callback,
        };
        let (began_ms, at_ms, ended_ms) = (row.get(6)?, row.get(4)?, row.get(5)?);
        let served = Served { by, call: names.call_key(row, 2)?, began_ms, at_ms, ended_ms };
        unless_misspelt(e164(&row.get::<_, String>(0)?)).map(|number| number.zip(Some(served)))
    };
    let most = i64::try_from(MAX_OWNERS).unwrap_or(i64::MAX);
    connection
        .prepare(&SERVED)?
        .query_map((now_ms - SERVED_FOR_MS, min_talk_ms, most), read)?
        .filter_map(Result::transpose)
        .collect()
}

/// Attempts without a result.
pub(super) fn in_flight(connection: &Connection) -> rusqlite::Result<Vec<AttemptRow>> {
    connection.prepare(IN_FLIGHT)?.query_map([], attempt)?.collect()
}

fn restored(connection: &Connection, now_ms: Millis) -> rusqlite::Result<RestoredState> {
    let (mut open, mut names) = (Vec::new(), Names::default());
    let mut misses = connection.prepare(OPEN_MISSES)?;
    for row in connection.prepare(OPEN_CALLBACKS)?.query_map([], callback)? {
        let row = row?;
        let misses = misses.query_map([row.id], |miss| names.call_key(miss, 0))?.collect::<Result<_, _>>()?;
        open.push((row, misses));
    }
    let in_flight = in_flight(connection)?;
    let called = connection
        .prepare(CALLED)?
        .query_map([], |row| Ok((row.get(0)?, e164(&row.get::<_, String>(1)?))))?
        .filter_map(|read| read.and_then(|(id, number)| Ok(unless_misspelt(number)?.map(|n| (id, n)))).transpose())
        .collect::<rusqlite::Result<_>>()?;
    let asked = connection.prepare(ASKED)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let taken_back = connection.prepare(TAKEN_BACK)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let meanwhile = connection
        .prepare(MEANWHILE)?
        .query_map([], |row| Ok((row.get("call_id")?, tag(row)?)))?
        .map(|said| {
            let (id, tag): (i64, Tag) = said?;
            let stored = connection.query_row(&format!("{} {CALLS_BY_ID}", *SELECT_CALL), [id], call)?;
            Ok((stored.call, tag))
        })
        .collect::<rusqlite::Result<_>>()?;
    let asked_by = connection
        .prepare(ASKED_BY)?
        .query_map([], |row| Ok((row.get(0)?, asked_by(row, names.call_key(row, 1)?)?)))?
        .collect::<Result<_, _>>()?;
    let said = connection
        .prepare(SAID)?
        .query_map([RULE], |row| Ok((names.call_key(row, 0)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let refusals = connection
        .prepare(&REFUSALS)?
        .query_map([], |row| Ok((row.get(0)?, names.agent_key(row, 1)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    let dialled = connection
        .prepare(&DIALLED)?
        .query_map([now_ms - DAY_MS], |row| {
            let at: Millis = row.get(0)?;
            Ok(unless_misspelt(e164(&row.get::<_, String>(1)?))?.map(|number| (at, number)))
        })?
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    let do_not_call = connection
        .prepare(DO_NOT_CALL_NOW)?
        .query_map([now_ms], |row| unless_misspelt(do_not_call_entry(row)))?
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    let last_id = connection.query_row(LAST_CALLBACK, [], |row| row.get(0))?;
    let (owners, served) = (Vec::new(), Vec::new());
    Ok(RestoredState {
        open,
        asked_by,
        said,
        in_flight,
        called,
        asked,
        meanwhile,
        taken_back,
        refusals,
        dialled,
        owners,
        served,
        do_not_call,
        last_id,
    })
}

/// PBXs and agents are few, and stand in as many rows as there are customers: the name of each is kept once.
#[derive(Default)]
struct Names {
    pbxs: BTreeSet<PbxId>,
    agents: BTreeSet<AgentKey>,
}

impl Names {
    fn pbx(&mut self, row: &Row<'_>, column: usize) -> rusqlite::Result<PbxId> {
        let name = row.get_ref(column)?.as_str()?;
        if let Some(known) = self.pbxs.get(name) {
            return Ok(known.clone());
        }
        let pbx = PbxId::new(name);
        self.pbxs.insert(pbx.clone());
        Ok(pbx)
    }

    /// The call of this column, the PBX's name, and the next, its linkedid.
    fn call_key(&mut self, row: &Row<'_>, column: usize) -> rusqlite::Result<CallKey> {
        Ok(CallKey::new(&self.pbx(row, column)?, row.get_ref(column + 1)?.as_str()?))
    }

    /// The agent of this column, the PBX's name, and the next, the interface.
    fn agent_key(&mut self, row: &Row<'_>, column: usize) -> rusqlite::Result<AgentKey> {
        let agent = AgentKey::new(&self.pbx(row, column)?, row.get_ref(column + 1)?.as_str()?);
        if let Some(known) = self.agents.get(&agent) {
            return Ok(known.clone());
        }
        self.agents.insert(agent.clone());
        Ok(agent)
    }
}
