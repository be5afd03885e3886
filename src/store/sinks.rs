//! Sinks in the database: how far each has come, so that the feed keeps what they have not taken.

use super::questions::PASSED;
use super::{Error, Reader, Store};
use callbackd_core::millis::Millis;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// What is noted of sinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SinkNote {
    /// These are configured at this time (ms since 1970 UTC): new ones begin at the end of the feed, others are forgotten.
    Configured(Vec<String>, Millis),
    /// One has taken all changes up to this one, at this time.
    Passed(String, i64, Millis),
}

/// Its row in `sinks`.
fn row(sink: &str) -> String {
    format!("sink:{sink}")
}

const PASS: &str = "UPDATE sinks SET acked_seq = max(acked_seq, ?2), acked_ms = ?3 WHERE name = ?1";
const BEGIN: &str = "INSERT INTO sinks (name, acked_seq, acked_ms)
    SELECT ?1, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0), ?2 WHERE true ON CONFLICT (name) DO NOTHING";

impl Store {
    /// Notes something of sinks, in one transaction.
    ///
    /// # Errors
    /// What SQLite reports.
    pub(crate) fn sink(&mut self, note: &SinkNote) -> Result<(), Error> {
        let path = self.path().to_owned();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            apply(&transaction, note)?;
            transaction.commit()
        };
        write(self.connection_mut()).map_err(|error| Error::sqlite(&path, error))
    }
}

impl Reader {
    /// Which change a sink has taken last; `None` if there is no such sink.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn passed(&self, sink: &str) -> Result<Option<i64>, Error> {
        self.read(|connection| connection.query_row(PASSED, [row(sink)], |row| row.get(0)).optional())
    }
}

fn apply(connection: &Connection, note: &SinkNote) -> rusqlite::Result<()> {
    match note {
        SinkNote::Passed(sink, seq, now_ms) => connection.execute(PASS, (row(sink), seq, now_ms)).map(drop),
        SinkNote::Configured(names, now_ms) => {
            let names: Vec<String> = names.iter().map(|name| row(name)).collect();
            let known = "SELECT name FROM sinks WHERE name >= 'sink:' AND name < 'sink;'";
            let known: Vec<String> =
                connection.prepare(known)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for gone in known.iter().filter(|name| !names.contains(name)) {
                connection.execute("DELETE FROM sinks WHERE name = ?", [gone])?;
            }
            for name in &names {
                connection.execute(BEGIN, (name, now_ms))?;
            }
            Ok(())
        }
    }
}
