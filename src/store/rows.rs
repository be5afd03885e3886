//! Records to rows and rows to records.

use super::batch::last_forms;
use super::columns::{columns, json, json_of, reasons};
use super::feed::Outbox;
use super::questions::{CALLS_LEFT, CALLS_UNDER, DELETE_RECORDED};
use super::{StoredCall, callback_rows, tag_rows, tapes};
use callbackd_core::millis::Millis;
use callbackd_core::model::{
    Before, CallInProgress, Direction, E164, FinishedCall, Gap, GapCause, HangupBy, Interval, IvrStep, Leg, LegResult,
    NotE164, Outcome, PbxId, Quality, QueueVisit, Rating, Record, RecoveredBy, Status, Tag, VisitResult,
};
use callbackd_core::order::InOrder as _;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A word of a column, or an error that names the column.
macro_rules! word {
    ($row:expr, $column:literal, $kind:ty) => {{
        let text: String = $row.get($column)?;
        <$kind>::from_text(&text).ok_or_else(|| unknown(concat!($column, " holds an unknown word: "), &text))?
    }};
}

pub(super) use word;

columns! {
    /// A finished call; its legs, queue visits, IVR steps, tags and ratings have tables of their own.
    CALLS, with_call, finished_call: calls(call: &FinishedCall, why: &str) => FinishedCall in row {
        keys {}
        fields {
            pbx: call.pbx.as_str() => pbx(row)?,
            linkedid: call.linkedid,
            direction: call.direction.as_str() => word!(row, "direction", Direction),
            status: call.status.as_str() => word!(row, "status", Status),
            outcome: call.outcome.as_str() => word!(row, "outcome", Outcome),
            number: call.number,
            number_e164: call.number_e164.as_deref() => number_e164(row)?,
            name: call.name,
            did: call.did,
            trunk: call.trunk,
            queue: call.queue,
            agent: call.agent,
            started_ms: call.started_ms,
            answered_ms: call.answered_ms,
            ended_ms: call.ended_ms,
            wait_ms: call.wait_ms,
            queue_wait_ms: call.queue_wait_ms,
            ring_ms: call.ring_ms,
            talk_ms: call.talk_ms,
            hold_ms: call.hold_ms,
            hangup_by: call.hangup_by.as_str() => word!(row, "hangup_by", HangupBy),
            hangup_cause: call.hangup_cause,
            transfers: call.transfers,
            voicemail: call.voicemail,
            quality: call.quality.as_str() => word!(row, "quality", Quality),
            why: why => reasons(row)?,
            callback_id: call.callback_id,
            language: call.language,
        }
        others { legs: Vec::new(), visits: Vec::new(), ivr: Vec::new(), tags: Vec::new(), ratings: Vec::new() }
    }
}

columns! {
    CALLS_IN_PROGRESS, with_call_in_progress, call_in_progress: calls_in_progress(call: &CallInProgress, remarks: &Option<String>) => CallInProgress in row {
        keys {}
        fields {
            pbx: call.pbx.as_str() => pbx(row)?,
            linkedid: call.linkedid,
            number: call.number,
            number_e164: call.number_e164.as_deref() => number_e164(row)?,
            name: call.name,
            did: call.did,
            trunk: call.trunk,
            queue: call.queue,
            agent: call.agent,
            started_ms: call.started_ms,
            joined_ms: call.joined_ms,
            answered_ms: call.answered_ms,
            remarks: remarks => json_of(row, "remarks")?,
        }
        others {}
    }
}

columns! {
    GAPS, with_gap, gap: gaps(gap: &Gap) => Gap in row {
        keys {}
        fields {
            pbx: gap.pbx.as_str() => pbx(row)?,
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
            cause: gap.cause.as_str() => word!(row, "cause", GapCause),
            calls_lost: gap.calls_lost,
        }
        others {}
    }
}

columns! {
    LEGS, with_leg, leg: legs(call_id: i64, n: i64, leg: &Leg) => Leg in row {
        keys { call_id: call_id, n: n }
        fields {
            agent: leg.agent,
            interface: leg.interface,
            queue: leg.queue,
            started_ms: leg.started_ms,
            answered_ms: leg.answered_ms,
            ended_ms: leg.ended_ms,
            talk_ms: leg.talk_ms,
            result: leg.result.as_str() => word!(row, "result", LegResult),
        }
        others {}
    }
}

columns! {
    QUEUE_VISITS, with_visit, visit: queue_visits(call_id: i64, n: i64, visit: &QueueVisit) => QueueVisit in row {
        keys { call_id: call_id, n: n }
        fields {
            queue: visit.queue,
            joined_ms: visit.joined_ms,
            left_ms: visit.left_ms,
            position: visit.position,
            result: visit.result.as_str() => word!(row, "result", VisitResult),
        }
        others {}
    }
}

columns! {
    IVR_STEPS, with_step, step: ivr_steps(call_id: i64, n: i64, step: &IvrStep) => IvrStep in row {
        keys { call_id: call_id, n: n }
        fields { context: step.context, digits: step.digits, at_ms: step.at_ms }
        others {}
    }
}

columns! {
    TAGS, with_tag, tag: tags(call_id: i64, tag: &Tag) => Tag in row {
        keys { call_id: call_id, source: "call" }
        fields { code: tag.code, note: tag.note, by: tag.by, at_ms: tag.at_ms }
        others {}
    }
}

columns! {
    RATINGS, with_rating, rating: ratings(call_id: i64, rating: &Rating) => Rating in row {
        keys { call_id: call_id }
        fields { by: rating.by, score: rating.score, at_ms: rating.at_ms }
        others {}
    }
}

columns! {
    AGENT_INTERVALS, with_interval: agent_intervals(interval: &Interval) {
        pbx: interval.pbx.as_str(),
        agent: interval.agent,
        activity: interval.activity.as_str(),
        queue: interval.queue,
        reason: interval.reason,
        from_ms: interval.from_ms,
        to_ms: interval.to_ms,
    }
}

columns! {
    AGENTS, with_agent: agents(pbx: &str, agent: &str, name: &str) { pbx: pbx, agent: agent, name: name }
}

columns! {
    PBX_SEEN, with_seen: pbx_seen(pbx: &str, seen_ms: Millis) { pbx: pbx, seen_ms: seen_ms }
}

static INSERT_CALL: LazyLock<String> = LazyLock::new(|| CALLS.insert_new(&["pbx", "linkedid"]));

/// Replaces a call that is there and returns its id. The parameters are those of [`INSERT_CALL`].
static REPLACE_CALL: LazyLock<String> = LazyLock::new(|| {
    // Which callback a miss belongs to is written with the callback; the tracker knows it of its own calls alone.
    let replaced = (3..).zip(&CALLS.names[2..]).map(|(n, column)| match *column {
        "callback_id" => format!("callback_id = coalesce(?{n}, callback_id)"),
        column => format!("{column} = ?{n}"),
    });
    let replaced: Vec<String> = replaced.collect();
    format!(
        "UPDATE calls SET rev = rev + 1, {} WHERE pbx = ?1 AND linkedid = ?2 RETURNING id, rev",
        replaced.join(", ")
    )
});

static PUT_CALL_IN_PROGRESS: LazyLock<String> = LazyLock::new(|| CALLS_IN_PROGRESS.insert("OR REPLACE"));
static PUT_GAP: LazyLock<String> = LazyLock::new(|| GAPS.upsert(&["pbx", "from_ms", "cause"], &[]));
static PUT_AGENT: LazyLock<String> = LazyLock::new(|| AGENTS.upsert(&["pbx", "agent"], &[]));
static PUT_SEEN: LazyLock<String> = LazyLock::new(|| PBX_SEEN.upsert(&["pbx"], &[]));
static INSERT_LEG: LazyLock<String> = LazyLock::new(|| LEGS.insert(""));
static INSERT_VISIT: LazyLock<String> = LazyLock::new(|| QUEUE_VISITS.insert(""));
static INSERT_STEP: LazyLock<String> = LazyLock::new(|| IVR_STEPS.insert(""));
/// A tag that a person has set by command stands, whatever the dialplan says.
static INSERT_TAG: LazyLock<String> = LazyLock::new(|| TAGS.insert_new(&["call_id", "code", "by"]));
static PUT_RATING: LazyLock<String> = LazyLock::new(|| RATINGS.insert("OR REPLACE"));
static PUT_INTERVAL: LazyLock<String> =
    LazyLock::new(|| AGENT_INTERVALS.upsert(&["pbx", "agent", "activity", "queue", "from_ms"], &[]));

/// `SELECT` of what [`call`] reads.
pub(crate) static SELECT_CALL: LazyLock<String> =
    LazyLock::new(|| format!("SELECT id, rev, recovered_by, recovered_ms, {} FROM calls", CALLS.list()));

/// A record that the database refused for its own sake: it is not stored, and trying again would not help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which of the records that were given, from 0.
    pub index: usize,
    /// Why, as SQLite says it.
    pub error: String,
}

/// Writes all or fails; what changes again within these records is written once.
pub(crate) fn put_all<'a, I: Iterator<Item = &'a Record>>(
    tx: &mut Transaction<'_>,
    records: I,
    feed: &mut Option<Outbox>,
) -> rusqlite::Result<Vec<Refused>> {
    let is_news = |record: &Record| feed.as_ref().is_some_and(|feed| feed.records(record));
    for record in last_forms(records, is_news) {
        put(tx, record, feed.as_mut())?;
    }
    Ok(Vec::new())
}

/// Writes each for itself and leaves out those that the database refuses; fails if the fault is not theirs.
pub(crate) fn put_each<'a, I: Iterator<Item = &'a Record>>(
    tx: &mut Transaction<'_>,
    records: I,
    feed: &mut Option<Outbox>,
) -> rusqlite::Result<Vec<Refused>> {
    let mut refused = Vec::new();
    for (index, record) in records.enumerate() {
        let savepoint = tx.savepoint()?;
        let mark = feed.as_ref().map(Outbox::mark);
        match put(&savepoint, record, feed.as_mut()) {
            Ok(()) => savepoint.commit()?,
            // Dropping the savepoint rolls it back.
            Err(error) if super::Error::is_of_the_record(&error) => {
                if let (Some(feed), Some(mark)) = (feed.as_mut(), mark) {
                    feed.back(mark);
                }
                refused.push(Refused { index, error: error.to_string() })
            }
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

/// Writes a record, and its change into the feed.
fn put(connection: &Connection, record: &Record, feed: Option<&mut Outbox>) -> rusqlite::Result<()> {
    let is_news = feed.as_ref().is_some_and(|feed| feed.records(record));
    let row = |existed| Before { existed, answered: false };
    let mut recovered = Vec::new();
    let (before, rev) = match record {
        Record::Call(call) => match put_call(connection, call)? {
            Some(rev) => (row(rev > 1), rev),
            None => return Ok(()),
        },
        Record::InProgress(call) => {
            // What the feed does not record need not be looked at.
            let before = if is_news { before(connection, call)? } else { row(false) };
            put_in_progress(connection, call)?;
            (before, 0)
        }
        Record::NotInProgress { pbx, linkedid } => (row(delete_in_progress(connection, pbx, linkedid)?), 0),
        Record::Tag(change) => match tag_rows::put(connection, change)? {
            Some(rev) => (row(true), rev),
            None => return Ok(()),
        },
        Record::Gap(gap) => {
            put_gap(connection, gap)?;
            (row(false), 1)
        }
        Record::Agent { pbx, agent, name } => return put_agent(connection, pbx, agent, name),
        Record::Interval(interval) => {
            put_interval(connection, interval)?;
            (row(false), 0)
        }
        Record::News(_) => (row(false), 0),
        Record::Tape(tape) => return tapes::put(connection, tape),
        Record::Seen { pbx, seen_ms } => return put_seen(connection, pbx, *seen_ms),
        Record::Callback(change) => {
            let rev = callback_rows::put_callback(connection, change, &mut recovered)?;
            (row(rev > 1), rev)
        }
        Record::Attempt(attempt) => {
            callback_rows::put_attempt(connection, attempt)?;
            (row(false), 1)
        }
        Record::DncAdd(entry) => (row(false), callback_rows::put_do_not_call(connection, entry)?),
        Record::DncRemove(number) => (row(callback_rows::delete_do_not_call(connection, number)?), 0),
        Record::GroupDnc(dnc) => match &dnc.entry {
            Some(entry) => (row(false), callback_rows::put_do_not_call(connection, entry)?),
            None => (row(callback_rows::delete_do_not_call(connection, &dnc.number_e164)?), 0),
        },
    };
    let Some(feed) = feed.filter(|_| is_news) else { return Ok(()) };
    feed.record(connection, record, before, rev)?;
    feed.recovered(connection, &recovered)
}

/// Writes a call; returns which writing of its row it is, `None` if the row says all of it already.
fn put_call(connection: &Connection, call: &FinishedCall) -> rusqlite::Result<Option<i64>> {
    delete_in_progress(connection, &call.pbx, &call.linkedid)?;
    let why = json(&call.why)?;
    // Most are new: only what is replaced is compared, and has children that go.
    let written = with_call(call, &why, |values| {
        if connection.prepare_cached(&INSERT_CALL)?.execute(values)? > 0 {
            return Ok(Some((connection.last_insert_rowid(), 1)));
        }
        if says_already(connection, call)? {
            return Ok(None);
        }
        let mut replace = connection.prepare_cached(&REPLACE_CALL)?;
        let written: (i64, i64) = replace.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        delete_children(connection, written.0, call)?;
        Ok::<_, rusqlite::Error>(Some(written))
    })?;
    let Some((id, rev)) = written else { return Ok(None) };
    // A new row has nothing that a person has taken off.
    let removed = if rev > 1 { tag_rows::removed(connection, id)? } else { BTreeSet::new() };
    put_children(connection, id, call, &removed)?;
    Ok(Some(rev))
}

/// Whether the row of this call, which is there, says all that the call does: writing it again is no correction.
pub(super) fn says_already(connection: &Connection, new: &FinishedCall) -> rusqlite::Result<bool> {
    let mut found = connection.prepare_cached(&format!("{} {CALLS_UNDER}", *SELECT_CALL))?;
    // A row that cannot be read says something else.
    let Ok(mut stored) = found.query_row(params![&*new.pbx, new.linkedid], call) else { return Ok(false) };
    children(connection, stored.id, &mut stored.call)?;
    let callback_id = new.callback_id.or(stored.call.callback_id);
    stored.call.tags = tag_rows::of_the_call_itself(connection, stored.id)?;
    let mut tags = new.tags.clone();
    let removed = tag_rows::removed(connection, stored.id)?;
    tags.retain(|tag| !removed.contains(&tag.code));
    tags.order_by(|a, b| (a.at_ms, &a.code, &a.by).cmp(&(b.at_ms, &b.code, &b.by)));
    tag_rows::only_known(&mut stored.call, new, &tags);
    Ok(stored.call == FinishedCall { callback_id, tags, ..new.clone() })
}

/// Takes out what is written anew with its call.
fn delete_children(connection: &Connection, id: i64, call: &FinishedCall) -> rusqlite::Result<()> {
    tag_rows::forget(connection, id, call)?;
    for sql in [
        "DELETE FROM legs WHERE call_id = ?",
        "DELETE FROM queue_visits WHERE call_id = ?",
        "DELETE FROM ivr_steps WHERE call_id = ?",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

fn put_children(
    connection: &Connection,
    id: i64,
    call: &FinishedCall,
    removed: &BTreeSet<String>,
) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&INSERT_LEG)?;
    for (n, leg) in (0_i64..).zip(&call.legs) {
        with_leg(id, n, leg, |values| put.execute(values))?;
    }
    let mut put = connection.prepare_cached(&INSERT_VISIT)?;
    for (n, visit) in (0_i64..).zip(&call.visits) {
        with_visit(id, n, visit, |values| put.execute(values))?;
    }
    let mut put = connection.prepare_cached(&INSERT_STEP)?;
    for (n, step) in (0_i64..).zip(&call.ivr) {
        with_step(id, n, step, |values| put.execute(values))?;
    }
    let mut put = connection.prepare_cached(&INSERT_TAG)?;
    for tag in call.tags.iter().filter(|tag| !removed.contains(&tag.code)) {
        with_tag(id, tag, |values| put.execute(values))?;
    }
    let mut put = connection.prepare_cached(&PUT_RATING)?;
    for rating in &call.ratings {
        with_rating(id, rating, |values| put.execute(values))?;
    }
    Ok(())
}

fn put_gap(connection: &Connection, gap: &Gap) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&PUT_GAP)?;
    with_gap(gap, |values| put.execute(values)).map(drop)
}

fn put_agent(connection: &Connection, pbx: &str, agent: &str, name: &str) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&PUT_AGENT)?;
    with_agent(pbx, agent, name, |values| put.execute(values)).map(drop)
}

fn put_interval(connection: &Connection, interval: &Interval) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&PUT_INTERVAL)?;
    with_interval(interval, |values| put.execute(values)).map(drop)
}

fn put_in_progress(connection: &Connection, call: &CallInProgress) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&PUT_CALL_IN_PROGRESS)?;
    let remarks = call.remarks.as_ref().map(json).transpose()?;
    with_call_in_progress(call, &remarks, |values| put.execute(values)).map(drop)
}

/// What is there of this call before it is written anew.
fn before(connection: &Connection, call: &CallInProgress) -> rusqlite::Result<Before> {
    let answered = connection
        .prepare_cached("SELECT answered_ms IS NOT NULL FROM calls_in_progress WHERE pbx = ? AND linkedid = ?")?
        .query_row(params![&*call.pbx, call.linkedid], |row| row.get(0))
        .optional()?;
    Ok(Before { existed: answered.is_some(), answered: answered.unwrap_or_default() })
}

/// Whether it was there.
fn delete_in_progress(connection: &Connection, pbx: &str, linkedid: &str) -> rusqlite::Result<bool> {
    let rows = connection
        .prepare_cached("DELETE FROM calls_in_progress WHERE pbx = ? AND linkedid = ?")?
        .execute(params![pbx, linkedid])?;
    Ok(rows > 0)
}

/// Those of one PBX that a run left, the latest first; without those that an earlier run has recorded already, as far as it saw them.
pub(crate) fn calls_left(connection: &Connection, of: &str) -> rusqlite::Result<Vec<CallInProgress>> {
    connection.execute(DELETE_RECORDED, [of])?;
    connection.prepare(CALLS_LEFT)?.query_map([of], call_in_progress)?.collect()
}

fn put_seen(connection: &Connection, pbx: &str, seen_ms: Millis) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(&PUT_SEEN)?;
    with_seen(pbx, seen_ms, |values| put.execute(values)).map(drop)
}

pub(super) fn unknown(what: &str, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("{what}{}", text.escape_debug()).into())
}

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
pub(crate) fn call(row: &Row<'_>) -> rusqlite::Result<StoredCall> {
    let call = finished_call(row)?;
    let recovered = match row.get::<_, Option<String>>("recovered_by")? {
        Some(_) => Some((word!(row, "recovered_by", RecoveredBy), row.get("recovered_ms")?)),
        None => None,
    };
    Ok(StoredCall { id: row.get("id")?, rev: row.get("rev")?, call, recovered })
}

/// Reads the children of the call with this row id.
pub(crate) fn children(connection: &Connection, id: i64, call: &mut FinishedCall) -> rusqlite::Result<()> {
    let mut legs = connection.prepare_cached("SELECT * FROM legs WHERE call_id = ? ORDER BY n")?;
    call.legs = legs.query_map([id], leg)?.collect::<Result<_, _>>()?;
    let mut visits = connection.prepare_cached("SELECT * FROM queue_visits WHERE call_id = ? ORDER BY n")?;
    call.visits = visits.query_map([id], visit)?.collect::<Result<_, _>>()?;
    let mut steps = connection.prepare_cached("SELECT * FROM ivr_steps WHERE call_id = ? ORDER BY n")?;
    call.ivr = steps.query_map([id], step)?.collect::<Result<_, _>>()?;
    let mut tags = connection.prepare_cached("SELECT * FROM tags WHERE call_id = ? ORDER BY at_ms, code")?;
    call.tags = tags.query_map([id], tag)?.collect::<Result<_, _>>()?;
    let mut ratings = connection.prepare_cached("SELECT * FROM ratings WHERE call_id = ? ORDER BY at_ms")?;
    call.ratings = ratings.query_map([id], rating)?.collect::<Result<_, _>>()?;
    Ok(())
}
