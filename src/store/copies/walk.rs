//! A table from end to end, piece by piece: how a copy comes to hold what the feed does not tell any more.

use super::super::{Error, Reader};
use super::changed::with_belongings;
use super::committed::Committed;
use super::read::{Rows, Values};
use super::tables::{Of, Table, copies};
use callbackd_core::millis::Millis;
use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

/// How far a walk through all tables has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The newest change when it began: what has changed since is in the feed.
    pub(crate) to: i64,
    /// When that was committed, ms since 1970 UTC; `None` if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_ms: Option<Millis>,
    /// The table that it is in.
    table: String,
    /// The key of the last row that was read there, as texts; empty at its beginning.
    after: Vec<String>,
}

/// A piece of a walk.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// Rows of one table, with what belongs to them.
    pub(crate) rows: Vec<Rows>,
    /// Of the do-not-call list, whatever is between these two (not the first; `None`: to its end) and not among the rows has been taken off.
    pub(crate) list: Option<(String, Option<String>)>,
    /// Where it goes on; `None` at the end of all tables.
    pub(crate) next: Option<Position>,
}

/// The tables that are walked through.
fn walked() -> impl Iterator<Item = &'static Table> {
    copies().iter().filter(|table| table.of == Of::Itself)
}

impl Position {
    /// The beginning of all tables, while this is the newest change.
    pub(crate) fn start(newest: Committed) -> Self {
        let table = walked().next().map_or("", |table| table.name).to_owned();
        Self { to: newest.seq, to_ms: newest.at_ms, table, after: Vec::new() }
    }

    /// The newest change when it began.
    pub(crate) fn from(&self) -> Committed {
        Committed { seq: self.to, at_ms: self.to_ms }
    }
}

impl Reader {
    /// The next rows of a walk, `limit` at most, each with what belongs to it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn walk(&self, at: &Position, limit: usize) -> Result<Chunk, Error> {
        let is_it = |table: &&'static Table| table.name == at.table;
        let Some(table) = walked().find(is_it) else { return Ok(Chunk { rows: Vec::new(), list: None, next: None }) };
        let key = table.key.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
        let marks = (1..=table.key.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let condition = if at.after.is_empty() { String::new() } else { format!("WHERE ({key}) > ({marks})") };
        let tail = format!("{condition} ORDER BY {key} LIMIT {limit}");
        self.read(|connection| {
            let snapshot = connection.unchecked_transaction()?;
            let mut rows = Rows::none(table);
            let after = at.after.iter().zip(table.key).map(|(text, column)| value(table, column, text));
            rows.read(&snapshot, &tail, rusqlite::params_from_iter(after), None)?;
            let last = (rows.count == limit).then(|| last_key(&rows));
            let list = (table.name == "do_not_call").then(|| {
                let from = at.after.first().cloned().unwrap_or_default();
                (from, last.as_ref().and_then(|key| key.first().cloned()))
            });
            let next = match last {
                Some(after) => Some(Position { after, ..at.clone() }),
                None => walked().skip_while(|table| !is_it(table)).nth(1).map(|next| Position {
                    table: next.name.to_owned(),
                    after: Vec::new(),
                    ..at.clone()
                }),
            };
            let (rows, _) = with_belongings(&snapshot, rows)?;
            Ok(Chunk { rows, list, next })
        })
    }
}

fn is_number(table: &Table, column: &str) -> bool {
    table.columns.iter().any(|(name, kind)| name == column && *kind == super::tables::Kind::Int)
}

fn value(table: &Table, column: &str, text: &str) -> Value {
    match text.parse() {
        Ok(number) if is_number(table, column) => Value::Integer(number),
        _ => Value::Text(text.to_owned()),
    }
}

fn last_key(rows: &Rows) -> Vec<String> {
    let last = rows.count - 1;
    let text = |column: &&str| match rows.column(column) {
        Some(Values::Int(values)) => values[last].unwrap_or_default().to_string(),
        Some(values) => values.text(last).unwrap_or_default().to_owned(),
        None => String::new(),
    };
    rows.table.key.iter().map(text).collect()
}
