//! The questions that commands ask of stored calls.

use super::rows::{SELECT_CALL, call, children, gap};
use super::{Error, Reader};
use callbackd_core::ami::event::Millis;
use callbackd_core::model::RecoveredBy;
use callbackd_core::model::{Direction, FinishedCall, Gap, Outcome, Status};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// From so many digits on, a number is found by its end: fewer would find half of the table.
const SUFFIX_DIGITS: usize = 4;

/// Which calls. An empty list or `None` means "any"; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Started at this moment or later, milliseconds since 1970 UTC.
    pub since_ms: Option<Millis>,
    /// Started before this moment, milliseconds since 1970 UTC.
    pub until_ms: Option<Millis>,
    /// One of these.
    pub status: Vec<Status>,
    /// One of these.
    pub outcome: Vec<Outcome>,
    /// One of these.
    pub direction: Vec<Direction>,
    /// The other party's number, as received or in E.164: the whole of it, or, if at least 4 digits are given, the end of it.
    pub number: Option<String>,
    /// A person who talked with the customer: the interface (`PJSIP/101`) or what follows its technology (`101`).
    pub agent: Option<String>,
    /// A queue that the caller was in, to the letter.
    pub queue: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A call as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCall {
    /// Row id.
    pub id: i64,
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
    pub fn each_call(
        &self,
        filter: &CallFilter,
        mut each: impl FnMut(StoredCall) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let (sql, values) = filter.sql();
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                if each(call(row)?).is_break() {
                    break;
                }
            }
            Ok(())
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
            for condition in ["linkedid = ?1 ORDER BY pbx", "id = ?1"] {
                let mut statement = snapshot.prepare(&format!("{} WHERE {condition}", *SELECT_CALL))?;
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
            let mut statement =
                connection.prepare_cached(&format!("{} WHERE pbx = ?1 AND linkedid = ?2", *SELECT_CALL))?;
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
    pub fn trunks(&self, pbx: &str, most: usize) -> Result<BTreeSet<String>, Error> {
        let sql = "SELECT DISTINCT trunk FROM calls WHERE pbx = ?1 AND trunk IS NOT NULL LIMIT ?2";
        self.read(|connection| {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            connection.prepare(sql)?.query_map((pbx, most), |row| row.get(0))?.collect()
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
    /// As the queues name him.
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
    pub fn last_gap(&self) -> Result<Option<Gap>, Error> {
        self.read(|connection| {
            connection
                .prepare("SELECT pbx, from_ms, to_ms, cause, calls_lost FROM gaps ORDER BY to_ms DESC LIMIT 1")?
                .query_row([], gap)
                .optional()
        })
    }

    /// All gaps of a PBX, the earliest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn gaps(&self, pbx: &str) -> Result<Vec<Gap>, Error> {
        let sql = "SELECT pbx, from_ms, to_ms, cause, calls_lost FROM gaps WHERE pbx = ? ORDER BY from_ms";
        self.read(|connection| connection.prepare(sql)?.query_map([pbx], gap)?.collect())
    }

    /// Until when each PBX was seen, ms since 1970 UTC.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn last_seen(&self) -> Result<BTreeMap<String, Millis>, Error> {
        self.read(|connection| {
            connection
                .prepare("SELECT pbx, seen_ms FROM pbx_seen")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// All agents, with what each did last.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn last_seen_agents(&self) -> Result<Vec<LastSeenAgent>, Error> {
        let sql = "SELECT pbx, agent, name, activity, max(from_ms), to_ms
                     FROM agents LEFT JOIN agent_intervals USING (pbx, agent) GROUP BY pbx, agent ORDER BY pbx, agent";
        self.read(|connection| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(LastSeenAgent {
                    pbx: row.get(0)?,
                    agent: row.get(1)?,
                    name: row.get(2)?,
                    activity: row.get(3)?,
                    from_ms: row.get(4)?,
                    to_ms: row.get(5)?,
                })
            };
            connection.prepare(sql)?.query_map([], read)?.collect()
        })
    }
}

impl CallFilter {
    /// The statement and the values of its parameters.
    fn sql(&self) -> (String, Vec<Value>) {
        let mut conditions: Vec<String> = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        let mut add = |condition: &str, given: Vec<Value>| {
            conditions.push(format!("({condition})"));
            values.extend(given);
        };
        if let Some(since) = self.since_ms {
            add("started_ms >= ?", vec![since.into()]);
        }
        if let Some(until) = self.until_ms {
            add("started_ms < ?", vec![until.into()]);
        }
        for (column, words) in [
            ("status", words(&self.status, Status::as_str)),
            ("outcome", words(&self.outcome, Outcome::as_str)),
            ("direction", words(&self.direction, Direction::as_str)),
        ] {
            if !words.is_empty() {
                add(&format!("{column} IN ({})", vec!["?"; words.len()].join(", ")), words);
            }
        }
        if let Some(number) = &self.number {
            let exact: Value = number.clone().into();
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            if digits.len() >= SUFFIX_DIGITS {
                let end: Value = format!("%{digits}").into();
                add(
                    "number = ? OR number_e164 = ? OR number LIKE ? OR number_e164 LIKE ?",
                    vec![exact.clone(), exact, end.clone(), end],
                );
            } else {
                add("number = ? OR number_e164 = ?", vec![exact.clone(), exact]);
            }
        }
        if let Some(agent) = &self.agent {
            let agent: Value = agent.clone().into();
            add(
                "agent = ? OR substr(agent, instr(agent, '/') + 1) = ? OR EXISTS (SELECT 1 FROM legs WHERE call_id = calls.id
                 AND result = 'ANSWERED' AND (legs.agent = ? OR substr(legs.agent, instr(legs.agent, '/') + 1) = ?))",
                vec![agent.clone(), agent.clone(), agent.clone(), agent],
            );
        }
        if let Some(queue) = &self.queue {
            let queue: Value = queue.clone().into();
            add(
                "queue = ? OR EXISTS (SELECT 1 FROM queue_visits WHERE call_id = calls.id AND queue_visits.queue = ?)",
                vec![queue.clone(), queue],
            );
        }
        let mut sql = SELECT_CALL.clone();
        if !conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&conditions.join(" AND "));
        }
        sql.push_str(" ORDER BY started_ms DESC, id DESC");
        if let Some(limit) = self.limit {
            sql.push_str(" LIMIT ?");
            values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        }
        (sql, values)
    }
}

fn words<T: Copy>(words: &[T], text: fn(T) -> &'static str) -> Vec<Value> {
    words.iter().map(|&word| Value::from(text(word).to_owned())).collect()
}
