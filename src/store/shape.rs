//! Whether a database is built as this program builds it: what somebody has added or altered in its schema would be run with every question
//! and every row.

use super::{Error, migrations};
use regex::Regex;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

/// SQLite's own tables in a database: counters of ids, and figures of the tables.
const SQLITES: [&str; 3] = ["sqlite_sequence", "sqlite_stat1", "sqlite_stat4"];

/// An index for somebody's own questions: columns alone, no expression, and no row that it could refuse.
static PLAIN_INDEX: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)^CREATE INDEX "?\w+"? ON "?\w+"? ?\( ?"?\w+"?( DESC| ASC)?( ?, ?"?\w+"?( DESC| ASC)?)* ?\)$"#)
        .expect("a regular expression")
});

/// Text that may stand in a command for a shell.
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\w{1,64}$").expect("a regular expression"));

/// Kind and name of an object of the schema; its table, and the text that makes it, without comments and with every blank as one space.
type Objects = BTreeMap<(String, String), (String, String)>;

/// Longest value, and longest row, that is read or written, bytes. The longest of ours are some 100 KiB: a call with very many steps, and its reasons.
const MAX_VALUE: i32 = 16 << 20;

/// A connection to a file that may have been made by anybody (<https://www.sqlite.org/security.html>): what stands in its schema may call
/// no function with effects, its pages cannot be written past SQLite, and no value fills the memory.
pub(super) fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// Compares the schema with that of this `version`. Tables, views and plain indices that somebody added for themselves are left alone.
///
/// # Errors
/// [`Error::OtherSchema`] with the first difference, or what SQLite reports.
pub(super) fn compare(path: &Path, connection: &Connection, version: i32) -> Result<(), Error> {
    let failed = |error| Error::sqlite(path, error);
    let found = objects(connection).map_err(failed)?;
    let expected = expected(version).map_err(failed)?;
    let other = |detail: String| Err(Error::OtherSchema { path: path.to_owned(), detail });
    for ((kind, name), (table, sql)) in &found {
        let ours = expected.get(&(kind.clone(), name.clone()));
        if ours.is_some_and(|ours| ours == &(table.clone(), sql.clone())) || (ours.is_none() && is_harmless(kind, sql))
        {
            continue;
        }
        let shown = name.escape_debug().take(64).collect::<String>();
        return match ours {
            Some(_) => other(format!("its {kind} {shown} is not as callbackd makes it: restore a backup")),
            None if WORD.is_match(name) && ["trigger", "index", "table"].contains(&kind.as_str()) => {
                let drop = format!("sqlite3 {} 'DROP {} {name}'", path.display(), kind.to_uppercase());
                other(format!("its {kind} {shown} is not callbackd's, and would take part in every row: {drop}"))
            }
            None => other(format!("its {kind} {shown} is not callbackd's: restore a backup")),
        };
    }
    match expected.keys().find(|key| !found.contains_key(key)) {
        Some((kind, name)) => other(format!("it lacks the {kind} {name}: restore a backup")),
        None => Ok(()),
    }
}

/// What somebody may have added for themselves and callbackd never meets.
fn is_harmless(kind: &str, sql: &str) -> bool {
    match kind {
        "table" => !sql.to_ascii_uppercase().starts_with("CREATE VIRTUAL"),
        "view" => true,
        "index" => PLAIN_INDEX.is_match(sql),
        _ => false,
    }
}

fn objects(connection: &Connection) -> rusqlite::Result<Objects> {
    let mut statement = connection.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema")?;
    let rows = statement.query_map([], |row| {
        let sql: Option<String> = row.get(3)?;
        Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, sql.as_deref().map(bare))))
    })?;
    let mut objects = Objects::new();
    for row in rows {
        let ((kind, name), (table, sql)): ((String, String), (String, Option<String>)) = row?;
        match sql {
            // The index of a PRIMARY KEY or UNIQUE: it stands in its table's text.
            None => {}
            Some(_) if kind == "table" && SQLITES.contains(&name.as_str()) => {}
            Some(sql) => drop(objects.insert((kind, name), (table, sql))),
        }
    }
    Ok(objects)
}

/// A comment of SQL: to the end of its line, or from `/*` to the next `*/`; the end of the text closes both.
fn comment_len(sql: &str) -> Option<usize> {
    let (closing, opening) = match sql.as_bytes() {
        [b'-', b'-', ..] => ("\n", 2),
        [b'/', b'*', _, ..] => ("*/", 2),
        _ => return None,
    };
    Some(sql[opening..].find(closing).map_or(sql.len(), |at| opening + at + closing.len()))
}

/// The text without its comments, which mean nothing to SQLite and are worded differently by each version. Comments and quotes are told apart
/// as SQLite's own tokenizer does it: what it would run can hide in neither.
fn bare(sql: &str) -> String {
    // SQLite reads no further than a NUL: such a text stays as it is, and is none of ours.
    if sql.contains('\0') {
        return sql.to_owned();
    }
    let (mut out, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '\'' | '"' | '`' => Some(first),
            '[' => Some(']'),
            _ => None,
        };
        let len = first.len_utf8();
        let taken = match closing {
            // A quote that is written twice ends one text and begins the next: no comment can stand between.
            Some(closing) => rest[len..].find(closing).map_or(rest.len(), |at| len + at + closing.len_utf8()),
            None => match comment_len(rest) {
                Some(comment) => {
                    out.push(' ');
                    rest = &rest[comment..];
                    continue;
                }
                None => len,
            },
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Has what a database is compared with made on a thread of its own, so that it is there when one is opened.
pub(crate) fn prepare() {
    // Without the thread it is made then.
    drop(std::thread::Builder::new().name("schema".to_owned()).spawn(|| expected(super::SCHEMA_VERSION)));
}

/// As the migrations make it; made once for each version that is met.
fn expected(version: i32) -> rusqlite::Result<Objects> {
    static MADE: Mutex<BTreeMap<i32, Objects>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(objects) = made.get(&version) {
        return Ok(objects.clone());
    }
    let mut connection = Connection::open_in_memory()?;
    let steps = usize::try_from(version).unwrap_or_default();
    if steps == 0 {
        return Ok(Objects::new());
    }
    migrations().to_version(&mut connection, steps).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => err,
        other => rusqlite::Error::ToSqlConversionFailure(Box::new(other)),
    })?;
    let objects = objects(&connection)?;
    made.insert(version, objects.clone());
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::{DbConfig, bare};
    use crate::store::Store;
    use crate::store::inspect::open_read_only;
    use rusqlite::Connection;

    #[track_caller]
    fn is_distrusted(connection: &Connection) {
        assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).unwrap(), "defensive is off");
        assert!(!connection.db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA).unwrap(), "trusted_schema is on");
    }

    #[test]
    fn a_connection_trusts_no_schema_and_its_pages_cannot_be_written_past_sqlite() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calls.db");
        is_distrusted(Store::open(&path).unwrap().connection());
        is_distrusted(&open_read_only(&path, true).unwrap().connection);
    }

    #[test]
    fn comments_are_left_out_and_whatever_stands_in_quotes_is_kept() {
        for (sql, kept) in [
            (
                "CREATE TABLE t (\n  a TEXT, -- what they chose\n  b  TEXT -- the end\n)",
                "CREATE TABLE t ( a TEXT, b TEXT )",
            ),
            ("a /* one */ b/* two\n */c", "a b c"),
            ("a -- to the end", "a"),
            ("a /* to the end", "a"),
            ("a - b / c /*", "a - b / c /*"),
            ("a '-- not one' b", "a '-- not one' b"),
            ("a 'it''s -- not one' b -- but this", "a 'it''s -- not one' b"),
            ("a \"/*\" b */", "a \"/*\" b */"),
            ("a [--] `/*` b", "a [--] `/*` b"),
            ("a -- it's one\n b 'c'", "a b 'c'"),
            ("a 'left open -- b", "a 'left open -- b"),
        ] {
            assert_eq!(bare(sql), kept, "{sql}");
        }
        assert_eq!(bare("a -- b\0c"), "a -- b\0c", "what SQLite does not read is not taken for a comment");
    }
}
