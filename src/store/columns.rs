//! The columns of a table, written down once: their names, their values in a record, and the record in a row.

use rusqlite::types::FromSql;
use rusqlite::{Row, Statement, ToSql};

/// A table, and those of its columns that come with a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(crate) table: &'static str,
    pub(crate) names: &'static [&'static str],
}

impl Columns {
    /// The names, for `SELECT` and `INSERT`.
    pub(super) fn list(self) -> String {
        self.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }

    /// Inserts a record. `or`: empty, or `OR REPLACE`.
    pub(super) fn insert(self, or: &str) -> String {
        let places = vec!["?"; self.names.len()].join(", ");
        format!("INSERT {or} INTO {} ({}) VALUES ({places})", self.table, self.list())
    }

    /// Inserts a record, or does nothing where one of this key is there.
    pub(super) fn insert_new(self, key: &[&str]) -> String {
        format!("{} ON CONFLICT ({}) DO NOTHING", self.insert(""), quoted_list(key))
    }

    /// Inserts a record, or replaces the one of this key, which keeps what it has in some columns.
    pub(super) fn upsert(self, key: &[&str], kept: &[&str]) -> String {
        let replaced = self.names.iter().filter(|name| !key.contains(name) && !kept.contains(name));
        let replaced = replaced.map(|name| format!("{0} = excluded.{0}", quoted(name)));
        let replaced: Vec<String> = replaced.collect();
        format!("{} ON CONFLICT ({}) DO UPDATE SET {}", self.insert(""), quoted_list(key), replaced.join(", "))
    }
}

fn quoted_list(names: &[&str]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// `by` is a word of SQL.
fn quoted(name: &str) -> String {
    if name == "by" { format!("\"{name}\"") } else { name.to_owned() }
}

/// Where this name stands among these; behind them all if it does not.
pub(super) const fn place(names: &[&str], name: &str) -> usize {
    let mut at = 0;
    while at < names.len() && !same(names[at].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    at
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut n = 0;
    while n < a.len() && n < b.len() && a[n] == b[n] {
        n += 1;
    }
    n == a.len() && n == b.len()
}

/// The column of this name. It is looked for at `place` first, where a question that asks for [`Columns::list`] has it: to look for each name among
/// all is most of what a row costs.
pub(super) fn field<T: FromSql>(row: &Row<'_>, place: usize, name: &str) -> rusqlite::Result<T> {
    let statement: &Statement<'_> = row.as_ref();
    match statement.column_name(place) {
        Ok(found) if found == name => row.get(place),
        _ => row.get(name),
    }
}

/// What a statement's places are given.
pub(super) type Values<'v> = &'v [&'v dyn ToSql];

/// The columns of a table: a constant with their names, a function that hands their values in a record on, and one that reads the record from a
/// row. `keys` are columns that are not part of the record; `fields` are, under the same name, each with its value and, where that is not what
/// SQLite gives, how it is read; `others` are fields that are no column of that name, and how they are read.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        $columns:ident, $with:ident, $read:ident: $table:ident($($arg:ident: $type:ty),+) => $record:ident in $row:ident {
            keys { $($key:ident: $key_value:expr),* $(,)? }
            fields { $($field:ident: $value:expr $(=> $from:expr)?),+ $(,)? }
            others { $($other:ident: $other_from:expr),* $(,)? }
        }
    ) => {
        $(#[$doc])*
        pub(super) const $columns: $crate::store::columns::Columns = $crate::store::columns::Columns {
            table: stringify!($table),
            names: &[$(stringify!($key),)* $(stringify!($field),)+],
        };

        fn $with<R>($($arg: $type,)+ run: impl FnOnce($crate::store::columns::Values<'_>) -> R) -> R {
            run(&[$(&$key_value,)* $(&$value,)+])
        }

        /// A row of this table.
        pub(super) fn $read($row: &rusqlite::Row<'_>) -> rusqlite::Result<$record> {
            Ok($record {
                $($field: columns!(@read $columns $row $field $($from)?),)+
                $($other: $other_from,)*
            })
        }
    };
    // Of a table whose rows are read in parts only.
    (
        $(#[$doc:meta])*
        $columns:ident, $with:ident: $table:ident($($arg:ident: $type:ty),+) { $($column:ident: $value:expr),+ $(,)? }
    ) => {
        $(#[$doc])*
        pub(super) const $columns: $crate::store::columns::Columns = $crate::store::columns::Columns {
            table: stringify!($table),
            names: &[$(stringify!($column)),+],
        };

        fn $with<R>($($arg: $type,)+ run: impl FnOnce($crate::store::columns::Values<'_>) -> R) -> R {
            run(&[$(&$value,)+])
        }
    };
    (@read $columns:ident $row:ident $field:ident) => {
        $crate::store::columns::field(
            $row,
            const { $crate::store::columns::place($columns.names, stringify!($field)) },
            stringify!($field),
        )?
    };
    (@read $columns:ident $row:ident $field:ident $from:expr) => { $from };
}

pub(super) use columns;

/// A value that fills a column by itself.
pub(super) fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The same read back; what is not there or cannot be read costs that and no more.
pub(super) fn json_of<T: serde::de::DeserializeOwned + Default>(
    row: &rusqlite::Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Why a call has its status.
pub(super) fn reasons(row: &rusqlite::Row<'_>) -> rusqlite::Result<Vec<String>> {
    let why: String = row.get("why")?;
    serde_json::from_str(&why).map_err(|_| super::rows::unknown("why is not a JSON array of strings: ", &why))
}
