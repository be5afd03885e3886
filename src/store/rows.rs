//! Records to rows and rows to records.

use super::questions::{CALLS_LEFT, DELETE_RECORDED};
use super::{StoredCall, callback_rows};
use callbackd_core::ami::event::Millis;
use callbackd_core::model::{
    CallInProgress, Direction, E164, FinishedCall, Gap, GapCause, HangupBy, Interval, IvrStep, Leg, LegResult, NotE164,
    Outcome, PbxId, Quality, QueueVisit, Rating, Record, RecoveredBy, Status, Tag, VisitResult,
};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, params};
use std::sync::LazyLock;

/// The columns of `calls` that come with a [`FinishedCall`], in its order.
const CALL_COLUMNS: [&str; 27] = [
    "pbx",
    "linkedid",
    "direction",
    "status",
    "outcome",
    "number",
    "number_e164",
    "name",
    "did",
    "trunk",
    "queue",
    "agent",
    "started_ms",
    "answered_ms",
    "ended_ms",
    "wait_ms",
    "queue_wait_ms",
    "ring_ms",
    "talk_ms",
    "hold_ms",
    "hangup_by",
    "hangup_cause",
    "transfers",
    "voicemail",
    "quality",
    "why",
    "callback_id",
];

/// Inserts a call, or does nothing if it is there.
static INSERT_CALL: LazyLock<String> = LazyLock::new(|| {
    let columns = &CALL_COLUMNS;
    let places = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO calls ({}) VALUES ({places}) ON CONFLICT (pbx, linkedid) DO NOTHING", columns.join(", "))
});

/// Replaces a call that is there and returns its id. The parameters are those of [`INSERT_CALL`].
static REPLACE_CALL: LazyLock<String> = LazyLock::new(|| {
    // Which callback a miss belongs to is written with the callback; the tracker knows it of its own calls alone.
    let replaced = (3..).zip(&CALL_COLUMNS[2..]).map(|(n, column)| match *column {
        "callback_id" => format!("callback_id = coalesce(?{n}, callback_id)"),
        column => format!("{column} = ?{n}"),
    });
    let replaced: Vec<String> = replaced.collect();
    format!("UPDATE calls SET {} WHERE pbx = ?1 AND linkedid = ?2 RETURNING id", replaced.join(", "))
});

/// `SELECT` of what [`call`] reads.
pub static SELECT_CALL: LazyLock<String> =
    LazyLock::new(|| format!("SELECT id, recovered_by, recovered_ms, {} FROM calls", CALL_COLUMNS.join(", ")));

/// A record that the database refused for its own sake: it is not stored, and trying again would not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which of the records that were given, from 0.
    pub index: usize,
    /// Why, as SQLite says it.
    pub error: String,
}

/// Writes all or fails.
pub fn put_all<'a, I: Iterator<Item = &'a Record>>(
    tx: &mut Transaction<'_>,
    records: I,
) -> rusqlite::Result<Vec<Refused>> {
    for record in records {
        put(tx, record)?;
    }
    Ok(Vec::new())
}

/// Writes each for itself and leaves out those that the database refuses; fails if the fault is not theirs.
pub fn put_each<'a, I: Iterator<Item = &'a Record>>(
    tx: &mut Transaction<'_>,
    records: I,
) -> rusqlite::Result<Vec<Refused>> {
    let mut refused = Vec::new();
    for (index, record) in records.enumerate() {
        let savepoint = tx.savepoint()?;
        match put(&savepoint, record) {
            Ok(()) => savepoint.commit()?,
            // Dropping the savepoint rolls it back.
            Err(error) if super::Error::is_of_the_record(&error) => {
                refused.push(Refused { index, error: error.to_string() })
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

fn put(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Call(call) => put_call(connection, call),
        Record::InProgress(call) => put_in_progress(connection, call),
        Record::NotInProgress { pbx, linkedid } => delete_in_progress(connection, pbx, linkedid),
        Record::Gap(gap) => put_gap(connection, gap),
        Record::Agent { pbx, agent, name } => put_agent(connection, pbx, agent, name),
        Record::Interval(interval) => put_interval(connection, interval),
        Record::Seen { pbx, seen_ms } => put_seen(connection, pbx, *seen_ms),
        Record::Callback(change) => callback_rows::put_callback(connection, change),
        Record::Attempt(row) => callback_rows::put_attempt(connection, row),
        Record::DncAdd(entry) => callback_rows::put_forbidden(connection, entry),
        Record::DncRemove(number) => callback_rows::delete_forbidden(connection, number),
    }
}

fn put_call(connection: &Connection, call: &FinishedCall) -> rusqlite::Result<()> {
    delete_in_progress(connection, &call.pbx, &call.linkedid)?;
    let why =
        serde_json::to_string(&call.why).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let values = params![
        call.pbx.as_str(),
        call.linkedid,
        call.direction.as_str(),
        call.status.as_str(),
        call.outcome.as_str(),
        call.number,
        call.number_e164.as_deref(),
        call.name,
        call.did,
        call.trunk,
        call.queue,
        call.agent,
        call.started_ms,
        call.answered_ms,
        call.ended_ms,
        call.wait_ms,
        call.queue_wait_ms,
        call.ring_ms,
        call.talk_ms,
        call.hold_ms,
        call.hangup_by.as_str(),
        call.hangup_cause,
        call.transfers,
        call.voicemail,
        call.quality.as_str(),
        why,
        call.callback_id,
    ];
    // Most are new: only what is replaced has children that go.
    let id = if connection.prepare_cached(&INSERT_CALL)?.execute(values)? > 0 {
        connection.last_insert_rowid()
    } else {
        let id = connection.prepare_cached(&REPLACE_CALL)?.query_row(values, |row| row.get(0))?;
        delete_children(connection, id)?;
        id
    };
    put_children(connection, id, call)
}

/// Takes out what is written anew with its call.
fn delete_children(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM legs WHERE call_id = ?",
        "DELETE FROM queue_visits WHERE call_id = ?",
        "DELETE FROM ivr_steps WHERE call_id = ?",
        "DELETE FROM tags WHERE call_id = ? AND source = 'engine'",
        "DELETE FROM ratings WHERE call_id = ?",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

fn put_children(connection: &Connection, id: i64, call: &FinishedCall) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached("INSERT INTO legs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for (n, leg) in (0_i64..).zip(&call.legs) {
        put.execute(params![
            id,
            n,
            leg.agent,
            leg.interface,
            leg.queue,
            leg.started_ms,
            leg.answered_ms,
            leg.ended_ms,
            leg.talk_ms,
            leg.result.as_str()
        ])?;
    }
    let mut put = connection.prepare_cached("INSERT INTO queue_visits VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for (n, visit) in (0_i64..).zip(&call.visits) {
        put.execute(params![
            id,
            n,
            visit.queue,
            visit.joined_ms,
            visit.left_ms,
            visit.position,
            visit.result.as_str()
        ])?;
    }
    let mut put = connection.prepare_cached("INSERT INTO ivr_steps VALUES (?, ?, ?, ?, ?)")?;
    for (n, step) in (0_i64..).zip(&call.ivr) {
        put.execute(params![id, n, step.context, step.digits, step.at_ms])?;
    }
    // A tag that a person has set by command stands, whatever the dialplan says.
    let mut put = connection.prepare_cached(
        "INSERT INTO tags VALUES (?, ?, ?, ?, ?, 'engine') ON CONFLICT (call_id, code, \"by\") DO NOTHING",
    )?;
    for tag in &call.tags {
        put.execute(params![id, tag.code, tag.note, tag.by, tag.at_ms])?;
    }
    let mut put = connection.prepare_cached("INSERT OR REPLACE INTO ratings VALUES (?, ?, ?, ?)")?;
    for rating in &call.ratings {
        put.execute(params![id, rating.by, rating.score, rating.at_ms])?;
    }
    Ok(())
}

fn put_gap(connection: &Connection, gap: &Gap) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO gaps (pbx, from_ms, to_ms, cause, calls_lost) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (pbx, from_ms, cause) DO UPDATE SET to_ms = excluded.to_ms, calls_lost = excluded.calls_lost",
        )?
        .execute(params![gap.pbx.as_str(), gap.from_ms, gap.to_ms, gap.cause.as_str(), gap.calls_lost])?;
    Ok(())
}

fn put_agent(connection: &Connection, pbx: &str, agent: &str, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO agents (pbx, agent, name) VALUES (?, ?, ?) ON CONFLICT (pbx, agent) DO UPDATE SET name = excluded.name",
        )?
        .execute(params![pbx, agent, name])?;
    Ok(())
}

fn put_interval(connection: &Connection, interval: &Interval) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO agent_intervals (pbx, agent, activity, queue, reason, from_ms, to_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (pbx, agent, activity, queue, from_ms) DO UPDATE SET reason = excluded.reason, to_ms = excluded.to_ms",
        )?
        .execute(params![
            interval.pbx.as_str(),
            interval.agent,
            interval.activity.as_str(),
            interval.queue,
            interval.reason,
            interval.from_ms,
            interval.to_ms
        ])?;
    Ok(())
}

fn put_in_progress(connection: &Connection, call: &CallInProgress) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO calls_in_progress
                 (pbx, linkedid, number, number_e164, name, did, trunk, queue, agent, started_ms, joined_ms, answered_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            call.pbx.as_str(),
            call.linkedid,
            call.number,
            call.number_e164.as_deref(),
            call.name,
            call.did,
            call.trunk,
            call.queue,
            call.agent,
            call.started_ms,
            call.joined_ms,
            call.answered_ms
        ])?;
    Ok(())
}

fn delete_in_progress(connection: &Connection, pbx: &str, linkedid: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM calls_in_progress WHERE pbx = ? AND linkedid = ?")?
        .execute(params![pbx, linkedid])?;
    Ok(())
}

/// Those of one PBX that a run left, the latest first; without those that an earlier run has recorded already, as far as it saw them.
pub fn calls_left(connection: &Connection, of: &str) -> rusqlite::Result<Vec<CallInProgress>> {
    connection.execute(DELETE_RECORDED, [of])?;
    let read = |row: &Row<'_>| {
        Ok(CallInProgress {
            pbx: pbx(row)?,
            linkedid: row.get("linkedid")?,
            number: row.get("number")?,
            number_e164: number_e164(row)?,
            name: row.get("name")?,
            did: row.get("did")?,
            trunk: row.get("trunk")?,
            queue: row.get("queue")?,
            agent: row.get("agent")?,
            started_ms: row.get("started_ms")?,
            joined_ms: row.get("joined_ms")?,
            answered_ms: row.get("answered_ms")?,
        })
    };
    connection.prepare(CALLS_LEFT)?.query_map([of], read)?.collect()
}

fn put_seen(connection: &Connection, pbx: &str, seen_ms: Millis) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO pbx_seen (pbx, seen_ms) VALUES (?, ?) ON CONFLICT (pbx) DO UPDATE SET seen_ms = excluded.seen_ms",
        )?
        .execute(params![pbx, seen_ms])?;
    Ok(())
}

/// A word of a column, or an error that names the column.
macro_rules! word {
    ($row:expr, $column:literal, $kind:ty) => {{
        let text: String = $row.get($column)?;
        <$kind>::from_text(&text).ok_or_else(|| unknown(concat!($column, " holds an unknown word: "), &text))?
    }};
}

pub(super) fn unknown(what: &str, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("{what}{}", text.escape_debug()).into())
}

pub(super) use word;

/// The PBX of a row.
pub(super) fn pbx(row: &Row<'_>) -> rusqlite::Result<PbxId> {
    Ok(PbxId::new(row.get_ref("pbx")?.as_str()?))
}

/// The number of a row in E.164, where it has one. What somebody wrote there by hand and is none cannot be called.
pub(super) fn number_e164(row: &Row<'_>) -> rusqlite::Result<Option<E164>> {
    let text: Option<String> = row.get("number_e164")?;
    Ok(text.and_then(|text| E164::new(&text).ok()))
}

/// The row, or nothing where a number that somebody wrote by hand is none: it costs that row and no other.
pub(super) fn unless_misspelt<T>(row: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    match row {
        Err(rusqlite::Error::FromSqlConversionFailure(_, _, error)) if error.is::<NotE164>() => {
            tracing::warn!(target: "store", err = %error, "Row with a number that is not E.164 left out; correct or delete it");
            Ok(None)
        }
        row => row.map(Some),
    }
}

/// A number that is stored in E.164.
pub(super) fn e164(text: &str) -> rusqlite::Result<E164> {
    E164::new(text).map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}

/// Row id and call of a row of [`SELECT_CALL`], without its children.
pub fn call(row: &Row<'_>) -> rusqlite::Result<StoredCall> {
    let why: String = row.get("why")?;
    let call = FinishedCall {
        pbx: pbx(row)?,
        linkedid: row.get("linkedid")?,
        direction: word!(row, "direction", Direction),
        status: word!(row, "status", Status),
        outcome: word!(row, "outcome", Outcome),
        number: row.get("number")?,
        number_e164: number_e164(row)?,
        name: row.get("name")?,
        did: row.get("did")?,
        trunk: row.get("trunk")?,
        queue: row.get("queue")?,
        agent: row.get("agent")?,
        started_ms: row.get("started_ms")?,
        answered_ms: row.get("answered_ms")?,
        ended_ms: row.get("ended_ms")?,
        wait_ms: row.get("wait_ms")?,
        queue_wait_ms: row.get("queue_wait_ms")?,
        ring_ms: row.get("ring_ms")?,
        talk_ms: row.get("talk_ms")?,
        hold_ms: row.get("hold_ms")?,
        hangup_by: word!(row, "hangup_by", HangupBy),
        hangup_cause: row.get("hangup_cause")?,
        transfers: row.get("transfers")?,
        voicemail: row.get("voicemail")?,
        quality: word!(row, "quality", Quality),
        why: serde_json::from_str(&why).map_err(|_| unknown("why is not a JSON array of strings: ", &why))?,
        callback_id: row.get("callback_id")?,
        legs: Vec::new(),
        visits: Vec::new(),
        ivr: Vec::new(),
        tags: Vec::new(),
        ratings: Vec::new(),
    };
    let recovered = match row.get::<_, Option<String>>("recovered_by")? {
        Some(_) => Some((word!(row, "recovered_by", RecoveredBy), row.get("recovered_ms")?)),
        None => None,
    };
    Ok(StoredCall { id: row.get("id")?, call, recovered })
}

/// Reads the children of the call with this row id.
pub fn children(connection: &Connection, id: i64, call: &mut FinishedCall) -> rusqlite::Result<()> {
    let mut legs = connection.prepare("SELECT * FROM legs WHERE call_id = ? ORDER BY n")?;
    call.legs = legs.query_map([id], leg)?.collect::<Result<_, _>>()?;
    let mut visits = connection.prepare("SELECT * FROM queue_visits WHERE call_id = ? ORDER BY n")?;
    call.visits = visits.query_map([id], visit)?.collect::<Result<_, _>>()?;
    let mut steps = connection.prepare("SELECT * FROM ivr_steps WHERE call_id = ? ORDER BY n")?;
    call.ivr = steps.query_map([id], step)?.collect::<Result<_, _>>()?;
    let mut tags = connection.prepare("SELECT * FROM tags WHERE call_id = ? ORDER BY at_ms, code")?;
    call.tags = tags.query_map([id], tag)?.collect::<Result<_, _>>()?;
    let mut ratings = connection.prepare("SELECT * FROM ratings WHERE call_id = ? ORDER BY at_ms")?;
    call.ratings = ratings.query_map([id], rating)?.collect::<Result<_, _>>()?;
    Ok(())
}

/// A row of `gaps`.
pub fn gap(row: &Row<'_>) -> rusqlite::Result<Gap> {
    Ok(Gap {
        pbx: pbx(row)?,
        from_ms: row.get("from_ms")?,
        to_ms: row.get("to_ms")?,
        cause: word!(row, "cause", GapCause),
        calls_lost: row.get("calls_lost")?,
    })
}

fn tag(row: &Row<'_>) -> rusqlite::Result<Tag> {
    Ok(Tag { code: row.get("code")?, note: row.get("note")?, by: row.get("by")?, at_ms: row.get("at_ms")? })
}

fn rating(row: &Row<'_>) -> rusqlite::Result<Rating> {
    Ok(Rating { score: row.get("score")?, by: row.get("by")?, at_ms: row.get("at_ms")? })
}

fn leg(row: &Row<'_>) -> rusqlite::Result<Leg> {
    Ok(Leg {
        agent: row.get("agent")?,
        interface: row.get("interface")?,
        queue: row.get("queue")?,
        started_ms: row.get("started_ms")?,
        answered_ms: row.get("answered_ms")?,
        ended_ms: row.get("ended_ms")?,
        talk_ms: row.get("talk_ms")?,
        result: word!(row, "result", LegResult),
    })
}

fn visit(row: &Row<'_>) -> rusqlite::Result<QueueVisit> {
    Ok(QueueVisit {
        queue: row.get("queue")?,
        joined_ms: row.get("joined_ms")?,
        left_ms: row.get("left_ms")?,
        position: row.get("position")?,
        result: word!(row, "result", VisitResult),
    })
}

fn step(row: &Row<'_>) -> rusqlite::Result<IvrStep> {
    Ok(IvrStep { context: row.get("context")?, digits: row.get("digits")?, at_ms: row.get("at_ms")? })
}
