//! Rows of elsewhere for as long as somebody asks about them: a database of this program's own schema in a temporary file without a name, of which
//! SQLite keeps some pages in memory. Nobody else can open it, and it is gone with the connection.

use super::inspect::Opened;
use super::open::migrations;
use super::{Error, Reader};
use crate::report::facts::Site;
use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};
use std::path::PathBuf;

/// Pages in memory, KiB.
const CACHE_KIB: i64 = 64 << 10;

/// What indices cost is paid once all rows are there. Triggers count what nobody asks about here.
const ASIDE: &str = "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL";

/// A database that is being filled.
#[derive(Debug)]
pub(crate) struct Scratch {
    connection: Connection,
    /// What makes the indices.
    indices: Vec<String>,
}

impl Scratch {
    /// All tables, with nothing in them.
    ///
    /// # Errors
    /// There is no place for temporary files.
    pub(crate) fn new() -> Result<Self, Error> {
        let make = || -> rusqlite::Result<Self> {
            let mut connection = Connection::open("")?;
            connection.execute_batch(&format!(
                "PRAGMA synchronous = off; PRAGMA foreign_keys = off; PRAGMA cache_size = -{CACHE_KIB};"
            ))?;
            connection.pragma_update_and_check(None, "journal_mode", "off", |row| row.get::<_, String>(0))?;
            migrations().to_latest(&mut connection).map_err(|error| match error {
                rusqlite_migration::Error::RusqliteError { err, .. } => err,
                other => rusqlite::Error::ToSqlConversionFailure(other.into()),
            })?;
            let aside = connection
                .prepare(ASIDE)?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<rusqlite::Result<Vec<(String, String, String)>>>()?;
            let mut indices = Vec::new();
            for (kind, name, sql) in aside {
                connection.execute_batch(&format!("DROP {kind} {name}"))?;
                // One that lets no two rows be alike is a rule of one site.
                if kind == "index" && !sql.starts_with("CREATE UNIQUE") {
                    indices.push(sql);
                }
            }
            connection.execute_batch("DELETE FROM codes; BEGIN")?;
            Ok(Self { connection, indices })
        };
        make().map_err(failed)
    }

    /// Adds a row, or what the statement makes of these values.
    ///
    /// # Errors
    /// The disk is full, or the row is none of ours.
    pub(crate) fn put<'v>(&self, sql: &str, values: impl Iterator<Item = ValueRef<'v>>) -> Result<(), Error> {
        let put = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            for (n, value) in (1..).zip(values) {
                statement.raw_bind_parameter(n, ToSqlOutput::Borrowed(value))?;
            }
            statement.raw_execute().map(drop)
        };
        put().map_err(failed)
    }

    /// All rows of these sites are there: they can be asked about.
    ///
    /// # Errors
    /// As [`Scratch::put`].
    pub(crate) fn filled(self, sites: Vec<Site>) -> Result<Reader, Error> {
        let Self { connection, indices } = self;
        connection.execute_batch(&format!("{}; COMMIT", indices.join("; "))).map_err(failed)?;
        Ok(Reader::over(Opened { connection, immutable: false }, place(), sites))
    }
}

/// Where SQLite makes its temporary files, for a person.
fn place() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().find_map(std::env::var_os);
    PathBuf::from(named.unwrap_or_else(|| "/var/tmp".into())).join("(a temporary file of this report)")
}

fn failed(error: rusqlite::Error) -> Error {
    Error::sqlite(&place(), error)
}
