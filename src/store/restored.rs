//! What a scheduler must know of earlier runs, read once at the start.

use super::callback_rows::{asked_by, attempt, callback, do_not_call_entry};
use super::inspect::open_read_only;
use super::questions::{
    ASKED, ASKED_BY, CALLED, CALLS_BY_ID, CUSTOMERS, DIALLED, DO_NOT_CALL_NOW, IN_FLIGHT, LAST_CALLBACK, MEANWHILE,
    OPEN_CALLBACKS, OPEN_INTERVALS, OPEN_MISSES, REFUSALS, SAID, TAKEN_BACK, TRUNKS_OF_CUSTOMERS,
};
use super::rows::{SELECT_CALL, call, children, e164, pbx, tag, unknown, unless_misspelt, word};
use super::{Error, Store};
use callbackd_core::callbacks::MAX_OWNERS;
use callbackd_core::callbacks::restore::{RestoredState, Served};
use callbackd_core::millis::Millis;
use callbackd_core::model::codes::RULE;
use callbackd_core::model::{Activity, AgentKey, AttemptRow, CallKey, E164, Interval, PbxId, Record, RecoveredBy, Tag};
use rusqlite::{Connection, Row};
use std::collections::{BTreeSet, HashSet};
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
            known: std::thread::spawn(move || beside(&path, |connection| known(connection, now_ms, min_talk_ms))),
            misses: std::thread::spawn(move || beside(&other, misses)),
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
        let (misses, Known { owners, served }) = (joined(customers.misses)?, joined(customers.known)?);
        let mut restored = RestoredState { owners, served, ..rest? };
        let mut misses = misses.into_iter().peekable();
        // Both are in the order of the callbacks.
        for (row, of_it) in &mut restored.open {
            of_it.extend(std::iter::from_fn(|| misses.next_if(|(id, _)| *id == row.id)).map(|(_, miss)| miss));
        }
        Ok(restored)
    }
}

/// What is known of customers, being read on threads of their own.
#[derive(Debug)]
pub(crate) struct Customers {
    known: Reading<Known>,
    misses: Reading<Vec<(i64, CallKey)>>,
}

/// Trunks of PBXs, being read.
#[derive(Debug)]
pub(crate) struct Trunks(Reading<Vec<Vec<String>>>);

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

type Reading<T> = JoinHandle<Result<T, Error>>;

fn joined<T>(reading: Reading<T>) -> Result<T, Error> {
    reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Reads on a connection of its own.
fn beside<T>(path: &Path, read: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
    let opened = open_read_only(path, true)?;
    read(&opened.connection).map_err(|error| Error::sqlite(path, error))
}

/// What is known of customers: who talked with each last, and by which call each was served last. Both in the order of the numbers.
#[derive(Debug, Default)]
struct Known {
    owners: Vec<(E164, AgentKey, Millis)>,
    served: Vec<(E164, Served)>,
}

/// Both in one walk, the newest first, which ends when as many customers are known as a scheduler remembers: `GROUP BY` would read all calls of that time,
/// and sort them by their numbers. `min_talk_ms`: an outbound call with a shorter talk served nobody.
fn known(connection: &Connection, now_ms: Millis, min_talk_ms: Millis) -> rusqlite::Result<Known> {
    let mut names = Names::default();
    let (mut owners, mut served) = (Vec::new(), Vec::new());
    let (mut owned, mut answered): (HashSet<u64>, HashSet<u64>) = Default::default();
    let mut misspelt: HashSet<String> = HashSet::new();
    let mut calls = connection.prepare(&CUSTOMERS)?;
    let mut calls = calls.query([now_ms - OWNED_FOR_MS, min_talk_ms])?;
    while let Some(row) = calls.next()? {
        let (number, ended_ms) = (row.get_ref(0)?.as_str()?, row.get(5)?);
        let owners_wanted = owners.len() < MAX_OWNERS;
        let served_wanted = served.len() < MAX_OWNERS && ended_ms > now_ms - SERVED_FOR_MS;
        if !owners_wanted && !served_wanted {
            break;
        }
        let (talked, was_served) = (owners_wanted && row.get(8)?, served_wanted && row.get(9)?);
        let Some(place) = place(number) else {
            if misspelt.insert(number.to_owned()) {
                unless_misspelt(e164(number))?;
            }
            continue;
        };
        let (talked, was_served) = (talked && owned.insert(place), was_served && answered.insert(place));
        if !talked && !was_served {
            continue;
        }
        let Some(number) = unless_misspelt(e164(number))? else { continue };
        if was_served {
            served.push((place, (number.clone(), serving(row, &mut names)?)));
        }
        if talked {
            owners.push((place, (number, names.agent_key(row, 1, 2)?, ended_ms)));
        }
    }
    // Sorted here, beside what else a start has to do, they need not be where they are taken.
    owners.sort_unstable_by_key(|(place, _)| *place);
    served.sort_unstable_by_key(|(place, _)| *place);
    Ok(Known {
        owners: owners.into_iter().map(|(_, owner)| owner).collect(),
        served: served.into_iter().map(|(_, served)| served).collect(),
    })
}

/// A number such that the order of two is that of their texts, four bits for each digit; `None` where it is not E.164. To compare and to look for
/// so many texts would take longer than to read them.
fn place(number: &str) -> Option<u64> {
    let digits = number.strip_prefix('+').filter(|digits| (1..=15).contains(&digits.len()))?.as_bytes();
    let place = digits
        .iter()
        .try_fold(0, |place, digit| digit.is_ascii_digit().then(|| place << 4 | u64::from(digit - b'0' + 1)))?;
    Some(place << (4 * (15 - digits.len())))
}

fn serving(row: &Row<'_>, names: &mut Names) -> rusqlite::Result<Served> {
    let by = match row.get_ref(4)?.as_str()? {
        "inbound" => RecoveredBy::Customer,
        "outbound" => RecoveredBy::Agent,
        _ => RecoveredBy::Callback,
    };
    let (ended_ms, at_ms, began_ms) = (row.get(5)?, row.get(6)?, row.get(7)?);
    Ok(Served { by, call: names.call_key(row, 1, 3)?, began_ms, at_ms, ended_ms })
}

/// The misses behind each open callback, by its id.
fn misses(connection: &Connection) -> rusqlite::Result<Vec<(i64, CallKey)>> {
    let mut names = Names::default();
    connection.prepare(OPEN_MISSES)?.query_map([], |row| Ok((row.get(0)?, names.call_key(row, 1, 2)?)))?.collect()
}

/// Attempts without a result.
pub(super) fn in_flight(connection: &Connection) -> rusqlite::Result<Vec<AttemptRow>> {
    connection.prepare(IN_FLIGHT)?.query_map([], attempt)?.collect()
}

fn restored(connection: &Connection, now_ms: Millis) -> rusqlite::Result<RestoredState> {
    let mut names = Names::default();
    let open = connection
        .prepare(&OPEN_CALLBACKS)?
        .query_map([], |row| Ok((callback(row)?, Vec::new())))?
        .collect::<rusqlite::Result<_>>()?;
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
            let mut of = connection.query_row(&format!("{} {CALLS_BY_ID}", *SELECT_CALL), [id], call)?.call;
            // What else was said of it goes with it: a time, for example.
            children(connection, id, &mut of)?;
            Ok((of, tag))
        })
        .collect::<rusqlite::Result<_>>()?;
    let asked_by = connection
        .prepare(ASKED_BY)?
        .query_map([], |row| Ok((row.get(0)?, asked_by(row, names.call_key(row, 1, 2)?)?)))?
        .collect::<Result<_, _>>()?;
    let mut said = connection
        .prepare(SAID)?
        .query_map([RULE], |row| Ok((names.call_key(row, 0, 1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    // The oldest gives way first.
    said.reverse();
    let refusals = connection
        .prepare(&REFUSALS)?
        .query_map([], |row| Ok((row.get(0)?, names.agent_key(row, 1, 2)?, row.get(3)?)))?
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

    /// The call of these columns, the PBX's name and the linkedid.
    fn call_key(&mut self, row: &Row<'_>, pbx: usize, linkedid: usize) -> rusqlite::Result<CallKey> {
        Ok(CallKey::new(&self.pbx(row, pbx)?, row.get_ref(linkedid)?.as_str()?))
    }

    /// The agent of these columns, the PBX's name and the interface.
    fn agent_key(&mut self, row: &Row<'_>, pbx: usize, interface: usize) -> rusqlite::Result<AgentKey> {
        let agent = AgentKey::new(&self.pbx(row, pbx)?, row.get_ref(interface)?.as_str()?);
        if let Some(known) = self.agents.get(&agent) {
            return Ok(known.clone());
        }
        self.agents.insert(agent.clone());
        Ok(agent)
    }
}

/// The agents' intervals that an earlier run left open on a PBX, ended as of when it was last seen (ms since 1970 UTC).
pub(super) fn ended_intervals(
    connection: &Connection,
    of_pbx: &str,
    seen_ms: Option<Millis>,
) -> rusqlite::Result<Vec<Record>> {
    let ended = |row: &Row<'_>| {
        let from_ms: Millis = row.get("from_ms")?;
        Ok(Record::Interval(Interval {
            pbx: pbx(row)?,
            agent: row.get("agent")?,
            activity: word!(row, "activity", Activity),
            queue: row.get("queue")?,
            reason: row.get("reason")?,
            from_ms,
            to_ms: Some(seen_ms.map_or(from_ms, |seen_ms| seen_ms.max(from_ms))),
        }))
    };
    connection.prepare(OPEN_INTERVALS)?.query_map([of_pbx], ended)?.collect()
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_of_numbers_are_in_the_order_of_their_texts_and_what_is_no_number_has_none() {
        let mut numbers = [
            "+1",
            "+12",
            "+120",
            "+1202",
            "+12025550100",
            "+12025550101",
            "+1203",
            "+13",
            "+49301",
            "+999999999999999",
        ];
        let places: Vec<Option<u64>> = numbers.iter().map(|number| place(number)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:x?}");
        numbers.sort_unstable();
        assert_eq!(numbers.iter().map(|number| place(number)).collect::<Vec<_>>(), places);
        for odd in ["", "+", "12025550100", "+1202-555", "+1234567890123456", "+12é"] {
            assert_eq!(place(odd), None, "{odd}");
        }
    }
}
