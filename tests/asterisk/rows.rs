//! The rows that the daemon wrote, read with plain SQL.

use crate::load::RecordedCall;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use std::path::Path;

/// One call as the tables have it.
pub struct Actual {
    /// In the form of [`crate::script::Row::lines`].
    pub lines: Vec<String>,
    /// `calls.number`.
    pub number: String,
    /// `calls.started_ms`.
    pub started_ms: i64,
    /// `calls.ended_ms`.
    pub ended_ms: i64,
    /// `calls.talk_ms`.
    pub talk_ms: i64,
    /// `calls.hold_ms`.
    pub hold_ms: i64,
    /// `calls.why`.
    pub why: String,
}

/// How many calls there are.
pub fn count(db: &Connection) -> rusqlite::Result<usize> {
    db.query_row("SELECT count(*) FROM calls", [], |r| r.get::<_, i64>(0))
        .map(|n| usize::try_from(n).unwrap_or_default())
}

/// The call that began under this Linkedid.
pub fn read(db: &Connection, linkedid: &str) -> rusqlite::Result<Option<Actual>> {
    let sql = "SELECT id, direction, status, outcome, agent, queue, hangup_by, transfers, voicemail, number, started_ms, ended_ms, talk_ms, hold_ms, why
               FROM calls WHERE linkedid = ?1";
    let found = db
        .query_row(sql, [linkedid], |r| {
            let text = |name: &str| r.get::<_, Option<String>>(name).map(Option::unwrap_or_default);
            let mut lines = Vec::new();
            for column in ["direction", "status", "outcome", "agent", "queue", "hangup_by"] {
                lines.push(format!("{column} {}", text(column)?));
            }
            for column in ["transfers", "voicemail"] {
                lines.push(format!("{column} {}", r.get::<_, i64>(column)?));
            }
            Ok((
                r.get::<_, i64>("id")?,
                Actual {
                    lines,
                    number: text("number")?,
                    started_ms: r.get("started_ms")?,
                    ended_ms: r.get("ended_ms")?,
                    talk_ms: r.get("talk_ms")?,
                    hold_ms: r.get("hold_ms")?,
                    why: text("why")?,
                },
            ))
        })
        .optional()?;
    let Some((id, mut actual)) = found else { return Ok(None) };
    for (word, table, columns) in [
        ("leg", "legs", "agent, result"),
        ("visit", "queue_visits", "queue, result"),
        ("menu", "ivr_steps", "context, digits"),
    ] {
        let mut statement = db.prepare(&format!("SELECT {columns} FROM {table} WHERE call_id = ?1 ORDER BY n"))?;
        let children = statement.query_map([id], |r| {
            Ok(format!("{word} {} {}", r.get::<_, String>(0)?, r.get::<_, Option<String>>(1)?.unwrap_or_default()))
        })?;
        actual.lines.extend(children.collect::<Result<Vec<_>, _>>()?);
    }
    actual.lines.sort();
    Ok(Some(actual))
}

/// All inbound calls by the caller's number, and how many calls of any direction there are.
pub fn inbound(db: &Connection) -> rusqlite::Result<(BTreeMap<String, Vec<RecordedCall>>, usize)> {
    let mut visits: BTreeMap<i64, Vec<(String, String)>> = BTreeMap::new();
    let mut statement = db.prepare("SELECT call_id, queue, result FROM queue_visits ORDER BY call_id, n")?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        visits.entry(r.get(0)?).or_default().push((r.get(1)?, r.get(2)?));
    }
    let mut recorded: BTreeMap<String, Vec<RecordedCall>> = BTreeMap::new();
    let mut statement =
        db.prepare("SELECT id, number, status, outcome, agent FROM calls WHERE direction = 'inbound'")?;
    let mut rows = statement.query([])?;
    while let Some(r) = rows.next()? {
        let text = |n: usize| r.get::<_, Option<String>>(n).map(Option::unwrap_or_default);
        let row = RecordedCall {
            status: text(2)?,
            outcome: text(3)?,
            agent: text(4)?,
            visits: visits.remove(&r.get(0)?).unwrap_or_default(),
        };
        recorded.entry(text(1)?).or_default().push(row);
    }
    Ok((recorded, count(db)?))
}

/// The calls that are different in another database, with their children.
pub fn differing(db: &Connection, other: &Path) -> rusqlite::Result<Vec<String>> {
    const TOLD: &str = "SELECT linkedid, direction, status, outcome, number, did, queue, agent, started_ms, answered_ms, ended_ms, ring_ms,
        talk_ms, hold_ms, hangup_by, transfers, why,
        (SELECT group_concat(agent || result || talk_ms) FROM @legs WHERE call_id = c.id),
        (SELECT group_concat(queue || result || joined_ms || left_ms) FROM @queue_visits WHERE call_id = c.id) FROM @calls c";
    db.execute("ATTACH ?1 AS other", [other.to_string_lossy()])?;
    let (mine, others) = (TOLD.replace('@', "main."), TOLD.replace('@', "other."));
    let mut differing = Vec::new();
    for (who, one, two) in [("the daemon", &mine, &others), ("a replay of what was on the wire", &others, &mine)] {
        let mut statement = db.prepare(&format!("{one} EXCEPT {two}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(r) = rows.next()? {
            let cells: Vec<_> = (0..columns).filter_map(|n| r.get::<_, rusqlite::types::Value>(n).ok()).collect();
            differing.push(format!("only {who} says {cells:?}"));
        }
    }
    Ok(differing)
}
