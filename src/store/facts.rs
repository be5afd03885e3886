//! Reads what figures are made of: the calls of a window with all that belongs to them, by indices alone.

use super::questions::{
    AGENTS, ANSWERED_BY, ATTEMPTS_OF_WINDOW, CALLS_OF_WINDOW, GAPS_OF_WINDOW, INTERVAL_KEYS, INTERVALS_OF_KEY,
    LAST_SEEN, NEWEST_CALL, STATE_OF_CALLBACK,
};
use super::{Error, Reader};
use crate::report::calendar::hours;
use crate::report::facts::{
    Activity, Call, Facts, Frame, Gap, Interval, Leg, Name, Names, RUNNING_MS, Step, Visit, site_of,
};
use crate::report::thresholds::Thresholds;
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, Outcome, Quality, RecoveredBy, Status};
use jiff::tz::TimeZone;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, params};
use std::collections::{BTreeMap, HashMap};

/// Children are read by a range of their calls' ids if at most so many times as many ids lie in it: calls are stored in the order of their ends,
/// but for those of a gap or an import.
const SCATTERED: i64 = 3;

/// Which calls of a window. `None` means any; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Of this site, in a report over all sites.
    pub(crate) site: Option<String>,
    /// Of this PBX.
    pub(crate) pbx: Option<String>,
    /// To this number of ours, to the letter.
    pub(crate) did: Option<String>,
    /// Over this trunk, to the letter.
    pub(crate) trunk: Option<String>,
    /// Of this queue, the one that connected the caller or their last, to the letter.
    pub(crate) queue: Option<String>,
    /// That this agent took or made, by the interface.
    pub(crate) agent: Option<String>,
    /// With this code.
    pub(crate) code: Option<String>,
}

impl Chosen {
    /// The conditions, each with its value; the first of them may be found by an index.
    fn conditions(&self) -> Vec<(&'static str, &str)> {
        [
            // The first parameter: it comes twice.
            (ANSWERED_BY, &self.agent),
            // What stands before the last `/`.
            ("rtrim(c.pbx, replace(c.pbx, '/', '')) = ? || '/'", &self.site),
            ("c.pbx = ?", &self.pbx),
            ("c.did = ?", &self.did),
            ("+c.trunk = ?", &self.trunk),
            ("c.queue = ?", &self.queue),
            ("c.id IN (SELECT call_id FROM tags WHERE code = ?)", &self.code),
        ]
        .into_iter()
        .filter_map(|(condition, value)| Some((condition, value.as_deref()?)))
        .collect()
    }

    /// Whether what this PBX saw is asked about.
    fn has_pbx(&self, pbx: &str) -> bool {
        self.pbx.as_deref().is_none_or(|wanted| wanted == pbx)
            && self.site.as_deref().is_none_or(|site| site == site_of(pbx))
    }

    /// Whether anything of this site is.
    pub(super) fn has_site(&self, site: &str) -> bool {
        self.pbx.as_deref().is_none_or(|pbx| site_of(pbx) == site)
            && self.site.as_deref().is_none_or(|wanted| wanted == site)
    }

    /// The statement that finds the calls. Its parameters: from, to, `ended` after, `fcr_window`, as of, then the values of the conditions.
    pub(super) fn sql(&self) -> String {
        let conditions = self.conditions().into_iter().map(|(condition, _)| format!(" AND {condition}"));
        CALLS_OF_WINDOW.replace("{chosen}", &conditions.collect::<String>())
    }
}

/// What is read beside the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Nothing: for totals.
    Calls,
    /// All of it.
    All,
}

impl Reader {
    /// What happened in a window (ms since 1970 UTC, the second not in it), as far as it is chosen; all of one moment.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn facts(
        &self,
        window: (Millis, Millis),
        chosen: &Chosen,
        depth: Depth,
        thresholds: &Thresholds,
        zone: &TimeZone,
    ) -> Result<Facts, Error> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let rules = Counting { chosen, thresholds, zone, as_of_ms: as_of(&snapshot)?.unwrap_or(0) };
            let mut facts = rules.facts(&snapshot, window, depth)?;
            if depth == Depth::All {
                facts.frame = rules.frame(&snapshot, window)?;
            }
            Ok(facts)
        })
    }

    /// The DIDs, and the codes, of a window's calls: for who names one that there is not.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn met(&self, window: (Millis, Millis)) -> Result<(Vec<String>, Vec<String>), Error> {
        self.read(|connection| {
            let list = |sql: &str| -> rusqlite::Result<Vec<String>> {
                connection.prepare(sql)?.query_map([window.0, window.1], |row| row.get(0))?.collect()
            };
            let dids = "SELECT DISTINCT did FROM calls WHERE started_ms >= ? AND started_ms < ? AND did IS NOT NULL ORDER BY did LIMIT 50";
            let codes = "SELECT DISTINCT t.code FROM calls c CROSS JOIN tags t ON t.call_id = c.id
                          WHERE c.started_ms >= ? AND c.started_ms < ? ORDER BY t.code LIMIT 50";
            Ok((list(dids)?, list(codes)?))
        })
    }

    /// Whether any call started in a window.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn any_call(&self, window: (Millis, Millis)) -> Result<bool, Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM calls WHERE started_ms >= ? AND started_ms < ?)";
        self.read(|connection| connection.query_row(sql, [window.0, window.1], |row| row.get(0)))
    }

    /// Whether more calls than `most` started in a window.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn has_more_calls(&self, window: (Millis, Millis), most: u32) -> Result<bool, Error> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM calls WHERE started_ms >= ? AND started_ms < ? LIMIT ?)";
        let counted: u32 = self.read(|connection| {
            connection.query_row(sql, (window.0, window.1, i64::from(most) + 1), |row| row.get(0))
        })?;
        Ok(counted > most)
    }

    /// The queues, and the agents (interfaces), that any call ever had.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn ever_met(&self) -> Result<(Vec<String>, Vec<String>), Error> {
        self.read(|connection| {
            let list = |column: &str| -> rusqlite::Result<Vec<String>> {
                let sql = super::questions::values_of("calls", column);
                connection.prepare(&sql)?.query_map([], |row| row.get(0))?.collect()
            };
            Ok((list("queue")?, list("agent")?))
        })
    }
}

/// Up to when events were seen, ms since 1970 UTC: the PBX that was seen last, or the newest call where none was seen live.
pub(super) fn as_of(connection: &Connection) -> rusqlite::Result<Option<Millis>> {
    let seen = seen(connection)?.into_values().max();
    let newest = || connection.query_row(NEWEST_CALL, [], |row| row.get(0));
    seen.map_or_else(newest, |seen| Ok(Some(seen)))
}

/// By what is counted: which calls, what is in time, in which zone days are meant, and up to when events were seen (ms since 1970 UTC).
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting<'r> {
    pub(super) chosen: &'r Chosen,
    pub(super) thresholds: &'r Thresholds,
    pub(super) zone: &'r TimeZone,
    pub(super) as_of_ms: Millis,
}

impl Counting<'_> {
    /// What happened in a window, without what stands around it.
    pub(super) fn facts(
        &self,
        connection: &Connection,
        window: (Millis, Millis),
        depth: Depth,
    ) -> rusqlite::Result<Facts> {
        let mut facts = Facts {
            window,
            as_of_ms: self.as_of_ms,
            hours: hours(window.0, window.1 - 1, self.zone),
            thresholds: self.thresholds.clone(),
            ..Facts::default()
        };
        calls(connection, self.chosen, depth, &mut facts)?;
        if depth == Depth::All {
            children(connection, &mut facts)?;
            around(connection, self.chosen, &mut facts)?;
        }
        Ok(facts)
    }

    /// Gaps of a window, and what agents and codes are called.
    pub(super) fn frame(&self, connection: &Connection, window: (Millis, Millis)) -> rusqlite::Result<Frame> {
        let mut frame = Frame { labels: labels(connection)?, ..Frame::default() };
        let gap = |row: &Row<'_>| {
            Ok(Gap {
                pbx: row.get(0)?,
                from_ms: row.get(1)?,
                to_ms: row.get(2)?,
                cause: row.get(3)?,
                calls_lost: row.get(4)?,
            })
        };
        for gap in connection.prepare(GAPS_OF_WINDOW)?.query_map([window.0, window.1], gap)? {
            frame.gaps.extend(Some(gap?).filter(|gap| self.chosen.has_pbx(&gap.pbx)));
        }
        let mut agents = connection.prepare(AGENTS)?;
        let mut rows = agents.query([])?;
        while let Some(row) = rows.next()? {
            frame.agents.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        }
        Ok(frame)
    }
}

fn labels(connection: &Connection) -> rusqlite::Result<BTreeMap<String, String>> {
    connection.prepare("SELECT code, label FROM codes")?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn seen(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Millis>> {
    connection.prepare(LAST_SEEN)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn calls(connection: &Connection, chosen: &Chosen, depth: Depth, facts: &mut Facts) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&chosen.sql())?;
    let (from, to) = facts.window;
    let mut names = std::mem::take(&mut facts.names);
    for (span, ended, into) in
        [((from, to), Millis::MIN, &mut facts.calls), ((from - RUNNING_MS, from), from, &mut facts.running)]
    {
        let fcr_ms = facts.thresholds.fcr_window_ms;
        // Who called again is looked up call by call: not where nobody asks.
        let as_of_ms = if depth == Depth::All { facts.as_of_ms } else { Millis::MIN };
        for (n, value) in [span.0, span.1, ended, fcr_ms, as_of_ms].into_iter().enumerate() {
            statement.raw_bind_parameter(n + 1, value)?;
        }
        for (n, (_, value)) in chosen.conditions().into_iter().enumerate() {
            statement.raw_bind_parameter(n + 6, value)?;
        }
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            into.push(call(row, &mut names)?);
        }
    }
    facts.names = names;
    Ok(())
}

/// A text of the row, as a name; no text is copied that was met before.
fn name(row: &Row<'_>, column: usize, names: &mut Names) -> rusqlite::Result<Option<Name>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(|text| names.of(text)))
}

/// A word of one of the core's enums; what the tables hold has been checked when it was written.
fn word<T>(row: &Row<'_>, column: usize, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(text).ok_or_else(|| {
        let error = format!("not a word of callbackd's: {}", text.escape_debug());
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
    })
}

fn required(row: &Row<'_>, column: usize, names: &mut Names) -> rusqlite::Result<Name> {
    Ok(name(row, column, names)?.unwrap_or_else(|| names.of("")))
}

fn call(row: &Row<'_>, names: &mut Names) -> rusqlite::Result<Call> {
    let by = match row.get_ref(21)? {
        ValueRef::Null => None,
        _ => Some(word(row, 21, RecoveredBy::from_text)?),
    };
    let recovered_ms: Option<Millis> = row.get(22)?;
    Ok(Call {
        id: row.get(0)?,
        pbx: required(row, 1, names)?,
        direction: word(row, 2, Direction::from_text)?,
        status: word(row, 3, Status::from_text)?,
        outcome: word(row, 4, Outcome::from_text)?,
        quality: word(row, 5, Quality::from_text)?,
        customer: name(row, 6, names)?,
        did: name(row, 7, names)?,
        trunk: name(row, 8, names)?,
        queue: name(row, 9, names)?,
        agent: name(row, 10, names)?,
        started_ms: row.get(11)?,
        ended_ms: row.get(12)?,
        has_answer: row.get(13)?,
        wait_ms: row.get(14)?,
        queue_wait_ms: row.get(15)?,
        ring_ms: row.get(16)?,
        talk_ms: row.get(17)?,
        hold_ms: row.get(18)?,
        transfers: row.get(19)?,
        callback_id: row.get(20)?,
        recovered: by.zip(recovered_ms),
        again: row.get(23)?,
    })
}

/// Reads a table of children: by a range of ids where few others lie in it, else call by call. `take` gets the place of the call in the list.
fn each_child(
    connection: &Connection,
    sql: &str,
    places: &HashMap<i64, usize, foldhash::fast::RandomState>,
    mut take: impl FnMut(usize, &Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let (Some(&first), Some(&last)) = (places.keys().min(), places.keys().max()) else { return Ok(()) };
    let many = i64::try_from(places.len()).unwrap_or(i64::MAX);
    let mut read = |statement: &mut Statement<'_>, from: i64, to: i64| {
        let mut rows = statement.query([from, to])?;
        while let Some(row) = rows.next()? {
            if let Some(&place) = places.get(&row.get(0)?) {
                take(place, row)?;
            }
        }
        rusqlite::Result::Ok(())
    };
    let mut statement = connection.prepare(sql)?;
    if last - first < many.saturating_mul(SCATTERED) {
        return read(&mut statement, first, last);
    }
    let mut ids: Vec<i64> = places.keys().copied().collect();
    ids.sort_unstable();
    ids.into_iter().try_for_each(|id| read(&mut statement, id, id))
}

fn children(connection: &Connection, facts: &mut Facts) -> rusqlite::Result<()> {
    let places = facts.calls.iter().enumerate().map(|(n, call)| (call.id, n)).collect();
    let mut names = std::mem::take(&mut facts.names);
    let [legs, visits, steps, tags, ratings] = super::questions::CHILDREN_OF_WINDOW;
    each_child(connection, legs, &places, |call, row| {
        facts.legs.push(Leg {
            call,
            agent: required(row, 1, &mut names)?,
            started_ms: row.get(2)?,
            answered_ms: row.get(3)?,
            talk_ms: row.get(4)?,
            result: required(row, 5, &mut names)?,
        });
        Ok(())
    })?;
    each_child(connection, visits, &places, |call, row| {
        let (queue, result) = (required(row, 1, &mut names)?, required(row, 3, &mut names)?);
        facts.visits.push(Visit { call, queue, visit_ms: row.get(2)?, result });
        Ok(())
    })?;
    each_child(connection, steps, &places, |call, row| {
        let (context, digits) = (required(row, 1, &mut names)?, required(row, 2, &mut names)?);
        facts.steps.push(Step { call, context, digits });
        Ok(())
    })?;
    each_child(connection, tags, &places, |call, row| {
        facts.tags.push((call, required(row, 1, &mut names)?));
        Ok(())
    })?;
    each_child(connection, ratings, &places, |_, row| {
        facts.ratings.push((required(row, 1, &mut names)?, row.get(2)?));
        Ok(())
    })?;
    facts.names = names;
    Ok(())
}

/// What agents did, callbacks and their attempts.
fn around(connection: &Connection, chosen: &Chosen, facts: &mut Facts) -> rusqlite::Result<()> {
    let mut names = std::mem::take(&mut facts.names);
    let window = facts.window;
    intervals(connection, chosen, facts, &mut names)?;
    let mut state = connection.prepare(STATE_OF_CALLBACK)?;
    for call in facts.calls.iter().filter(|call| call.missed() && call.recovered.is_none()) {
        if let Some(id) = call.callback_id
            && let Some(found) = state.query_row([id], |row| row.get::<_, String>(0)).optional()?
        {
            facts.callbacks.insert(id, names.of(&found));
        }
    }
    let mut attempts = connection.prepare(ATTEMPTS_OF_WINDOW)?;
    let mut rows = attempts.query([window.0, window.1])?;
    while let Some(row) = rows.next()? {
        let (pbx, agent, result) =
            (required(row, 0, &mut names)?, name(row, 1, &mut names)?, required(row, 2, &mut names)?);
        let by_agent = chosen.agent.is_none() || agent.map(|agent| names.text(agent)) == chosen.agent.as_deref();
        if by_agent && chosen.has_pbx(names.text(pbx)) {
            facts.attempts.push((pbx, agent, result));
        }
    }
    facts.names = names;
    Ok(())
}

/// From the last that began before the window's end back to the first that reaches into it, for each agent, activity and queue.
fn intervals(connection: &Connection, chosen: &Chosen, facts: &mut Facts, names: &mut Names) -> rusqlite::Result<()> {
    let seen = seen(connection)?;
    let (mut keys, mut of_key) = (connection.prepare(INTERVAL_KEYS)?, connection.prepare(INTERVALS_OF_KEY)?);
    let mut key = [const { String::new() }; 4];
    while let Some(next) = keys
        .query_row(params![key[0], key[1], key[2], key[3]], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })
        .optional()?
    {
        key = next;
        let [pbx, agent, activity, queue] = &key;
        if activity == "ringing" || !chosen.has_pbx(pbx) || chosen.agent.as_ref().is_some_and(|wanted| wanted != agent)
        {
            continue;
        }
        let mut rows = of_key.query(params![pbx, agent, activity, queue, facts.window.1])?;
        while let Some(row) = rows.next()? {
            let (from_ms, to_ms): (Millis, Option<Millis>) = (row.get(1)?, row.get(2)?);
            let to_ms = to_ms.or_else(|| seen.get(pbx).copied()).unwrap_or(from_ms);
            if to_ms <= facts.window.0 {
                break;
            }
            let reason: String = row.get(0)?;
            let activity = match activity.as_str() {
                "logged_in" => Activity::LoggedIn,
                "talking" => Activity::Talking,
                "wrapup" => Activity::AfterCallWork { paused: false },
                _ if facts.thresholds.acw_reasons.contains(&reason) => Activity::AfterCallWork { paused: true },
                _ => Activity::Paused,
            };
            facts.intervals.push(Interval { pbx: names.of(pbx), agent: names.of(agent), activity, from_ms, to_ms });
        }
    }
    Ok(())
}
