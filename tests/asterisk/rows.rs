//! The rows that the daemon wrote, read with plain SQL.

use rusqlite::{Connection, OptionalExtension};

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
