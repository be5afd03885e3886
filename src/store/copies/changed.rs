//! What has changed after a cursor: the rows that the changes are about, each once and as it is now.

use super::super::feed::{Behind, Feed};
use super::super::questions::CHANGES_AFTER;
use super::super::{Error, Reader};
use super::read::Rows;
use super::tables::{Of, Table, copies};
use callbackd_core::millis::Millis;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use std::collections::BTreeSet;

/// Rows that changes were about.
#[derive(Debug)]
pub(crate) struct Changed {
    /// All changes up to this one are in it.
    pub(crate) to: i64,
    /// When the last of them was committed, ms since 1970 UTC; `None` if there were none.
    pub(crate) at_ms: Option<Millis>,
    /// By table, in the order of [`copies`]; tables without rows are left out.
    pub(crate) rows: Vec<Rows>,
    /// Numbers that are not on the do-not-call list any more.
    pub(crate) called_again: Vec<String>,
}

/// A row, by what is known of it from a change.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Call(String, String),
    Callback(i64),
    Gap(String, i64),
    Interval(String, String, String, String, i64),
    DoNotCall(String),
}

impl Key {
    /// What a change is about. A callback brings the missed call along that was added to it: its row names the callback from then on.
    pub(super) fn of(kind: &str, pbx: String, key: String, payload: Option<&str>) -> Vec<Self> {
        let payload: Value = payload.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let topic = kind.split('.').next().unwrap_or_default();
        match (topic, kind) {
            (_, "call.ended" | "call.missed" | "call.updated" | "call.tagged" | "call.recovered") => {
                vec![Self::Call(pbx, key)]
            }
            ("callback", _) => {
                let id = key.split('/').next().unwrap_or_default().parse().unwrap_or_default();
                let miss = &payload["miss"];
                let miss = miss.is_object().then(|| Self::Call(text(&miss["pbx"]), text(&miss["linkedid"])));
                miss.into_iter().chain([Self::Callback(id)]).collect()
            }
            ("gap", _) => vec![Self::Gap(pbx, key.parse().unwrap_or_default())],
            ("agent", _) => {
                let from_ms = payload["from_ms"].as_i64().unwrap_or_default();
                vec![Self::Interval(
                    pbx,
                    text(&payload["agent"]),
                    text(&payload["activity"]),
                    text(&payload["queue"]),
                    from_ms,
                )]
            }
            ("dnc", _) => vec![Self::DoNotCall(key)],
            _ => Vec::new(),
        }
    }
}

/// Tables that are being filled.
pub(super) struct Tables(Vec<Rows>);

impl Tables {
    pub(super) fn new() -> Self {
        Self(copies().iter().map(Rows::none).collect())
    }

    fn of(&mut self, name: &str) -> &mut Rows {
        let at = self.0.iter().position(|rows| rows.table.name == name);
        &mut self.0[at.expect("a table of which there is a copy")]
    }

    /// Those that belong to a row of this sort.
    fn belonging(&mut self, of: Of) -> impl Iterator<Item = &mut Rows> {
        self.0.iter_mut().filter(move |rows| rows.table.of == of)
    }

    pub(super) fn read(&mut self, connection: &Connection, key: &Key) -> rusqlite::Result<usize> {
        match key {
            Key::Call(pbx, linkedid) => {
                let id = "SELECT id FROM calls WHERE pbx = ? AND linkedid = ?";
                let id = connection.prepare_cached(id)?.query_row([pbx, linkedid], |row| row.get(0)).optional()?;
                let Some(id): Option<i64> = id else { return Ok(0) };
                let size = self.of("calls").read(connection, "WHERE id = ?", [id], None)?;
                Ok(size + self.belonging_to_call(connection, id, (pbx, linkedid))?)
            }
            Key::Callback(id) => {
                let mut size = self.of("callbacks").read(connection, "WHERE id = ?", [id], None)?;
                for rows in self.belonging(Of::Callback) {
                    size += rows.read(connection, "WHERE callback_id = ?", [id], None)?;
                }
                Ok(size)
            }
            Key::Gap(pbx, from_ms) => {
                self.of("gaps").read(connection, "WHERE pbx = ? AND from_ms = ?", params![pbx, from_ms], None)
            }
            Key::Interval(pbx, agent, activity, queue, from_ms) => {
                let tail = "WHERE pbx = ? AND agent = ? AND activity = ? AND queue = ? AND from_ms = ?";
                self.of("agent_intervals").read(connection, tail, params![pbx, agent, activity, queue, from_ms], None)
            }
            Key::DoNotCall(number) => self.of("do_not_call").read(connection, "WHERE number_e164 = ?", [number], None),
        }
    }

    fn belonging_to_call(&mut self, connection: &Connection, id: i64, key: (&str, &str)) -> rusqlite::Result<usize> {
        let mut size = 0;
        for rows in self.belonging(Of::Call) {
            size += rows.read(connection, "WHERE call_id = ?", [id], Some(key))?;
        }
        Ok(size)
    }

    pub(super) fn filled(self) -> Vec<Rows> {
        self.0.into_iter().filter(|rows| rows.count > 0).collect()
    }
}

/// Adds what belongs to these rows: to the calls or callbacks that were read.
pub(super) fn with_belongings(connection: &Connection, rows: Rows) -> rusqlite::Result<(Vec<Rows>, usize)> {
    let (mut tables, mut size) = (Tables::new(), 0);
    if let Some(super::Values::Int(ids)) = rows.column("id") {
        for (row, id) in ids.iter().enumerate() {
            let id = id.unwrap_or_default();
            if rows.table.name == "calls" {
                let text = |column| rows.column(column).and_then(|values| values.text(row)).unwrap_or_default();
                size += tables.belonging_to_call(connection, id, (text("pbx"), text("linkedid")))?;
            } else if rows.table.name == "callbacks" {
                for rows in tables.belonging(Of::Callback) {
                    size += rows.read(connection, "WHERE callback_id = ?", [id], None)?;
                }
            }
        }
    }
    let mut all = vec![rows];
    all.extend(tables.filled());
    all.retain(|rows| rows.count > 0);
    Ok((all, size))
}

impl Reader {
    /// The rows that the changes after `after` are about: of `limit` changes at most, and of fewer once they take more than `bytes`.
    /// Returns the number of the newest change too.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn changed(
        &self,
        after: i64,
        limit: usize,
        bytes: usize,
    ) -> Result<(i64, Result<Changed, Behind>), Error> {
        self.read(|connection| {
            // One snapshot for the changes and their rows.
            let snapshot = connection.unchecked_transaction()?;
            let feed = Feed::read(&snapshot)?;
            if let Err(behind) = feed.goes_on(&feed.at(after)) {
                return Ok((feed.last, Err(behind)));
            }
            let (mut tables, mut seen, mut size) = (Tables::new(), BTreeSet::new(), 0);
            let mut changed = Changed { to: after, at_ms: None, rows: Vec::new(), called_again: Vec::new() };
            let mut changes = snapshot.prepare_cached(CHANGES_AFTER)?;
            let mut changes = changes.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            while let Some(change) = changes.next()? {
                changed.to = change.get("seq")?;
                changed.at_ms = Some(change.get("at_ms")?);
                let kind: String = change.get("kind")?;
                let payload: Option<String> = change.get("payload")?;
                for key in Key::of(&kind, change.get("pbx")?, change.get("key")?, payload.as_deref()) {
                    if seen.contains(&key) {
                        continue;
                    }
                    let found = tables.read(&snapshot, &key)?;
                    if let (0, Key::DoNotCall(number)) = (found, &key) {
                        changed.called_again.push(number.clone());
                    }
                    size += found;
                    seen.insert(key);
                }
                if size > bytes {
                    break;
                }
            }
            changed.rows = tables.filled();
            Ok((feed.last, Ok(changed)))
        })
    }

    /// The short lists, each whole.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn lists(&self) -> Result<Vec<Rows>, Error> {
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let lists = copies().iter().filter(|table| table.of == Of::List);
            lists
                .map(|table: &'static Table| {
                    let mut rows = Rows::none(table);
                    rows.read(&snapshot, "", [], None)?;
                    Ok(rows)
                })
                .collect()
        })
    }
}
