//! PostgreSQL: the tables as they are here, with `site`, `incarnation` and `db_uuid` before their columns.
//!
//! A site's rows and its cursor are written in one transaction, so that each change is there exactly once. A row of a later incarnation of the
//! site's database (one that was put back from a copy), or of the same and a later writing, takes the place of another; none else does.

pub(crate) mod cursor;
pub(crate) mod gather;
pub(crate) mod prune;
pub(crate) mod put;
pub(crate) mod schema;
mod statements;
pub(crate) mod writer;

use tokio_postgres::error::{Error, SqlState};

/// A statement that takes longer, or waits longer for a lock, is given up by the server: the batch is written again later.
pub(crate) const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; SET search_path = callbackd, pg_temp";

/// Why a sink cannot be written to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The server refused something, or the connection is lost.
    #[error("{}", said(.0))]
    Server(#[from] Error),
    /// The schema is not there, or this user may not look at it.
    #[error("the schema callbackd is not there, or not for this user: callbackd sink init makes it")]
    NoSchema,
    /// It was made by an earlier version.
    #[error("the schema has version {0}, and this callbackd writes version {ours}: callbackd sink init --apply brings it there", ours = schema::VERSION)]
    Older(i32),
    /// It was made by a later version, for which this one is too old.
    #[error("the schema has version {0}, which this callbackd (version {ours}) cannot write: install a later one", ours = schema::VERSION)]
    Newer(i32),
    /// The database cannot hold all texts.
    #[error("the database has the encoding {0}, and must have UTF8: create it with ENCODING 'UTF8'")]
    Encoding(String),
    /// It is not where this connection has left it.
    #[error(
        "the cursor there has been moved: the server was put back from a backup, or another callbackd writes for the same database"
    )]
    Moved,
    /// It has not said anything for minutes.
    #[error("no answer for minutes: the server, or the network to it, is at a stand")]
    Silent,
}

/// Characters of what a server says.
const MAX_SAID: usize = 500;

/// What the server says, with its code; else what went wrong with the connection.
fn said(error: &Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let message: String = error.message().chars().take(MAX_SAID).collect();
            format!("{message} ({})", error.code().code())
        }
        None => crate::log::with_causes(error),
    }
}

impl Fault {
    /// What a question about our own schema was answered by.
    pub(crate) fn of_schema(error: Error) -> Self {
        let missing = [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME, SqlState::INSUFFICIENT_PRIVILEGE];
        match error.code() {
            Some(code) if missing.contains(code) => Self::NoSchema,
            _ => Self::Server(error),
        }
    }
}
