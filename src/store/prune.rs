//! Taking out what is older than `store.keep`, a few rows at a time, between the batches.

use super::{Error, Store, rollups};
use callbackd_core::millis::Millis;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// Rows that one transaction removes at most, each with what belongs to it: no batch waits for longer than that takes.
pub const PRUNE_ROWS: usize = 500;

/// What was removed: rows by their table, without those that belong to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Of `calls`, and of `calls_in_progress`: those of a PBX that is not configured any more.
    pub calls: u64,
    /// Rows of `callbacks`.
    pub callbacks: u64,
    /// Rows of `gaps`.
    pub gaps: u64,
    /// Rows of `agent_intervals`.
    pub intervals: u64,
    /// Of `do_not_call`: entries that no longer held.
    pub do_not_call: u64,
}

impl Pruned {
    /// Sum over all tables.
    #[must_use]
    pub fn total(self) -> u64 {
        self.calls + self.callbacks + self.gaps + self.intervals + self.do_not_call
    }
}

/// A pruning on its way through the tables.
#[derive(Debug)]
pub struct Pruning {
    before_ms: Millis,
    stage: Stage,
    /// Rows removed so far.
    pub removed: Pruned,
}

/// Which table it has come to, and how far.
#[derive(Debug)]
enum Stage {
    Calls,
    Callbacks,
    Gaps,
    InProgress,
    /// Behind this agent's activity in this queue: `pbx`, `agent`, `activity`, `queue`.
    Intervals([String; 4]),
    /// Behind this number.
    DoNotCall(String),
    Tapes,
    Over,
}

impl Pruning {
    /// Of all that ended before this moment, ms since 1970 UTC.
    #[must_use]
    pub fn new(before_ms: Millis) -> Self {
        Self { before_ms, stage: Stage::Calls, removed: Pruned::default() }
    }

    /// Nothing is left to be removed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    fn step(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let (before, removed) = (self.before_ms, &mut self.removed);
        let stage = match &mut self.stage {
            Stage::Calls => last(connection, CALLS, before, &mut removed.calls)?.then_some(Stage::Callbacks),
            Stage::Callbacks => last(connection, CALLBACKS, before, &mut removed.callbacks)?.then_some(Stage::Gaps),
            Stage::Gaps => last(connection, GAPS, before, &mut removed.gaps)?.then_some(Stage::InProgress),
            Stage::InProgress => {
                last(connection, IN_PROGRESS, before, &mut removed.calls)?.then(|| Stage::Intervals(Default::default()))
            }
            Stage::Intervals(behind) => intervals(connection, behind, before, &mut removed.intervals)?,
            Stage::DoNotCall(behind) => do_not_call(connection, behind, before, &mut removed.do_not_call)?,
            // Nobody misses them: their calls are there.
            Stage::Tapes => last(connection, TAPES, TAPES_KEPT_MS, &mut 0)?.then_some(Stage::Over),
            Stage::Over => None,
        };
        if let Some(next) = stage {
            self.stage = next;
        }
        Ok(())
    }
}

impl Store {
    /// Removes at most [`PRUNE_ROWS`] rows in one transaction. Open callbacks are kept, whatever their age, with the calls that they are for.
    ///
    /// # Errors
    /// The database cannot be written now: nothing was removed by this step.
    pub fn prune(&mut self, pruning: &mut Pruning) -> Result<(), Error> {
        self.is_where_it_was()?;
        let path = self.path().to_owned();
        let mut stepped = || {
            let transaction = self.connection_mut().transaction_with_behavior(TransactionBehavior::Immediate)?;
            let removed = pruning.removed.total();
            pruning.step(&transaction)?;
            if pruning.removed.total() > removed {
                rollups::take_out_before(&transaction, pruning.before_ms)?;
            }
            transaction.commit()
        };
        stepped().map_err(|error| Error::sqlite(&path, error))
    }
}

/// Calls that are over, but for those that open callbacks are for.
const CALLS: &str = "
    DELETE FROM calls WHERE id IN (
        SELECT id FROM calls c
         WHERE started_ms < ?1 AND ended_ms < ?1
           AND NOT EXISTS (SELECT 1 FROM callbacks o WHERE o.id = c.callback_id AND o.closed_ms IS NULL)
           AND linkedid NOT IN (SELECT linkedid FROM callbacks WHERE closed_ms IS NULL AND linkedid IS NOT NULL)
         ORDER BY started_ms LIMIT ?2)";

/// Closed callbacks with their history and attempts. The newest is kept: the next id follows from its id, and an id that came again would give its
/// attempts the channel ids of old ones, which Asterisk's CDR know.
const CALLBACKS: &str = "
    DELETE FROM callbacks WHERE id IN (
        SELECT id FROM callbacks c
         WHERE closed_ms < ?1 AND id < (SELECT max(id) FROM callbacks)
           AND NOT EXISTS (SELECT 1 FROM callback_attempts a WHERE a.callback_id = c.id AND (a.result IS NULL OR a.intended_ms >= ?1))
         ORDER BY closed_ms LIMIT ?2)";

const GAPS: &str = "DELETE FROM gaps WHERE id IN (SELECT id FROM gaps WHERE to_ms < ?1 LIMIT ?2)";

const IN_PROGRESS: &str = "
    DELETE FROM calls_in_progress WHERE (pbx, linkedid) IN (
        SELECT pbx, linkedid FROM calls_in_progress WHERE started_ms < ?1 LIMIT ?2)";

/// A call can be judged again for so long, counted from the newest call, ms: rules that were wrong are found within days.
const TAPES_KEPT_MS: Millis = 31 * 86_400_000;

/// Calls get their ids as they end: nearly in the order in which they began.
const TAPES: &str = "
    DELETE FROM tapes WHERE call_id IN (
        SELECT call_id FROM tapes
         WHERE call_id < (SELECT id FROM calls WHERE started_ms >= (SELECT max(started_ms) FROM calls) - ?1 ORDER BY started_ms LIMIT 1)
         ORDER BY call_id LIMIT ?2)";

/// Removes some; true if there were no more.
fn last(connection: &Connection, sql: &str, before_ms: Millis, removed: &mut u64) -> rusqlite::Result<bool> {
    let rows = connection.prepare_cached(sql)?.execute(params![before_ms, PRUNE_ROWS.cast_signed()])?;
    *removed += rows as u64;
    Ok(rows < PRUNE_ROWS)
}

/// The intervals of one agent's activity in one queue lie together, in the order of time: only their beginning is looked at.
fn intervals(
    connection: &Connection,
    behind: &mut [String; 4],
    before_ms: Millis,
    removed: &mut u64,
) -> rusqlite::Result<Option<Stage>> {
    let next = connection
        .prepare_cached(
            "SELECT pbx, agent, activity, queue FROM agent_intervals WHERE (pbx, agent, activity, queue) > (?1, ?2, ?3, ?4)
              ORDER BY pbx, agent, activity, queue LIMIT 1",
        )?
        .query_row(params![behind[0], behind[1], behind[2], behind[3]], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
        .optional()?;
    let Some(next) = next else { return Ok(Some(Stage::DoNotCall(String::new()))) };
    let rows = connection
        .prepare_cached(
            "DELETE FROM agent_intervals WHERE pbx = ?1 AND agent = ?2 AND activity = ?3 AND queue = ?4 AND from_ms IN (
                 SELECT from_ms FROM agent_intervals WHERE pbx = ?1 AND agent = ?2 AND activity = ?3 AND queue = ?4
                    AND from_ms < ?5 AND to_ms < ?5 ORDER BY from_ms LIMIT ?6)",
        )?
        .execute(params![next[0], next[1], next[2], next[3], before_ms, PRUNE_ROWS.cast_signed()])?;
    *removed += rows as u64;
    if rows < PRUNE_ROWS {
        *behind = next;
    }
    Ok(None)
}

/// Looks at a few entries of the list, in the order of their numbers.
fn do_not_call(
    connection: &Connection,
    behind: &mut String,
    before_ms: Millis,
    removed: &mut u64,
) -> rusqlite::Result<Option<Stage>> {
    let end: Option<String> = connection
        .prepare_cached(
            "SELECT max(number_e164) FROM
                 (SELECT number_e164 FROM do_not_call WHERE number_e164 > ? ORDER BY number_e164 LIMIT ?)",
        )?
        .query_row(params![*behind, PRUNE_ROWS.cast_signed()], |row| row.get(0))?;
    let Some(end) = end else { return Ok(Some(Stage::Tapes)) };
    let rows = connection
        .prepare_cached("DELETE FROM do_not_call WHERE number_e164 > ?1 AND number_e164 <= ?2 AND until_ms < ?3")?
        .execute(params![*behind, end, before_ms])?;
    *removed += rows as u64;
    *behind = end;
    Ok(None)
}
