//! What a database of this version holds, by name: for those who describe it.

use super::open::migrations;
use rusqlite::Connection;

/// A table or view, with its columns in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its name.
    pub(crate) name: String,
    /// It is a view.
    pub(crate) is_view: bool,
    /// The names of its columns.
    pub(crate) columns: Vec<String>,
    /// The text that makes it, with the comments that explain it and its columns.
    pub(crate) sql: String,
}

/// All tables and views, in the order in which they are made. Empty where SQLite cannot even work in memory.
#[must_use]
pub(crate) fn tables() -> Vec<Described> {
    read().unwrap_or_default()
}

fn read() -> rusqlite::Result<Vec<Described>> {
    let mut database = Connection::open_in_memory()?;
    if migrations().to_latest(&mut database).is_err() {
        return Ok(Vec::new());
    }
    let all = "SELECT name, type = 'view', sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY type, rowid";
    let mut all = database.prepare(all)?;
    let mut columns = database.prepare("SELECT name FROM pragma_table_info(?)")?;
    let tables = all.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))?;
    tables
        .map(|table| {
            let (name, is_view, sql) = table?;
            let columns = columns.query_map([&name], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(Described { name, is_view, columns, sql })
        })
        .collect()
}
