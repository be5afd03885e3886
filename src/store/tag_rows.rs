//! What people say of calls: rows that stand beside what each call says itself, and outlive its corrections.

use super::rows::tag;
use callbackd_core::model::codes::RULE;
use callbackd_core::model::{FinishedCall, Quality, Tag, TagChange};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;

/// What the call's own record said of it, in the order of time: by rule, by the dialplan.
pub(super) fn of_the_call_itself(connection: &Connection, id: i64) -> rusqlite::Result<Vec<Tag>> {
    let sql = "SELECT * FROM tags WHERE call_id = ? AND source = 'call' ORDER BY at_ms, code, \"by\"";
    connection.prepare_cached(sql)?.query_map([id], tag)?.collect()
}

/// The codes that a person has taken off this call.
pub(super) fn removed(connection: &Connection, id: i64) -> rusqlite::Result<BTreeSet<String>> {
    let mut removed = connection.prepare_cached("SELECT code FROM tags_removed WHERE call_id = ?")?;
    removed.query_map([id], |row| row.get(0))?.collect()
}

/// It has been seen from its beginning to its end: nothing was said of it that it does not know. A row that another run began is not.
fn knows_all(call: &FinishedCall) -> bool {
    call.quality == Quality::Full
}

/// Takes out what the call's record says itself before it is written anew; but what people said of it during an earlier run stays, and what a rule said
/// then that meant something for callbacks: it can be taken off only while it is there.
pub(super) fn forget(connection: &Connection, id: i64, call: &FinishedCall) -> rusqlite::Result<()> {
    let all = knows_all(call);
    connection
        .prepare_cached(
            "DELETE FROM tags WHERE call_id = ? AND source = 'call'
                AND (?2 OR \"by\" = ?3 AND code NOT IN (SELECT code FROM codes WHERE callback <> 'none'))",
        )?
        .execute(params![id, all, RULE])?;
    if all {
        connection.prepare_cached("DELETE FROM ratings WHERE call_id = ?")?.execute([id])?;
    }
    Ok(())
}

/// Of what is stored, what stays beside the new record does not make them differ. `tags`: those of the new one.
pub(super) fn only_known(stored: &mut FinishedCall, new: &FinishedCall, tags: &[Tag]) {
    if !knows_all(new) {
        stored.tags.retain(|tag| tags.contains(tag));
        stored.ratings.retain(|rating| new.ratings.contains(rating));
    }
}

/// Writes what a person says of a call; returns which writing of its row it is, `None` if there is no such row or nothing to take off.
pub(super) fn put(connection: &Connection, change: &TagChange) -> rusqlite::Result<Option<i64>> {
    let TagChange { pbx, linkedid, tag, removed } = change;
    let mut found = connection.prepare_cached("SELECT id FROM calls WHERE pbx = ? AND linkedid = ?")?;
    let found = found.query_row(params![&**pbx, linkedid], |row| row.get(0)).optional()?;
    let Some(id): Option<i64> = found else { return Ok(None) };
    if *removed {
        let gone = connection
            .prepare_cached("DELETE FROM tags WHERE call_id = ? AND code = ?")?
            .execute(params![id, tag.code])?;
        if gone == 0 {
            return Ok(None);
        }
        connection
            .prepare_cached("INSERT OR IGNORE INTO tags_removed (call_id, code) VALUES (?, ?)")?
            .execute(params![id, tag.code])?;
    } else {
        connection
            .prepare_cached("DELETE FROM tags_removed WHERE call_id = ? AND code = ?")?
            .execute(params![id, tag.code])?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO tags (call_id, code, note, \"by\", at_ms, source) VALUES (?, ?, ?, ?, ?, 'command')",
            )?
            .execute(params![id, tag.code, tag.note, tag.by, tag.at_ms])?;
    }
    let mut corrected = connection.prepare_cached("UPDATE calls SET rev = rev + 1 WHERE id = ? RETURNING rev")?;
    corrected.query_row([id], |row| row.get(0)).map(Some)
}
