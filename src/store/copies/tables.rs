//! Which tables a copy has, and how their rows are known there and here.

use super::super::open::migrations;
use rusqlite::Connection;
use std::sync::LazyLock;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `INTEGER`.
    Int,
    /// `TEXT`.
    Text,
    /// `REAL`.
    Real,
}

/// To which row one belongs, with which it is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// It stands for itself.
    Itself,
    /// To a call: written anew with it. A copy knows it by the call's `pbx` and `linkedid`, which outlive the row's id.
    Call,
    /// To a callback.
    Callback,
    /// To a list that is short, and always read whole.
    List,
}

/// A table of which there is a copy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name, here and there.
    pub(crate) name: &'static str,
    /// To which rows its rows belong.
    pub(crate) of: Of,
    /// The columns by which a row is known here, in the order in which the table is read.
    pub(crate) key: &'static [&'static str],
    /// The columns by which a row is known there, beside `site`.
    pub(crate) key_there: &'static [&'static str],
    /// All of its columns, in order.
    pub(crate) columns: Vec<(String, Kind)>,
}

/// Name, to whom its rows belong, keys here and there.
type Line = (&'static str, Of, &'static [&'static str], &'static [&'static str]);

/// In the order in which a copy is made: what others refer to comes first.
const TABLES: [Line; 16] = [
    ("calls", Of::Itself, &["id"], &["pbx", "linkedid"]),
    ("legs", Of::Call, &["call_id", "n"], &["pbx", "linkedid", "n"]),
    ("queue_visits", Of::Call, &["call_id", "n"], &["pbx", "linkedid", "n"]),
    ("ivr_steps", Of::Call, &["call_id", "n"], &["pbx", "linkedid", "n"]),
    ("tags", Of::Call, &["call_id", "code", "by"], &["pbx", "linkedid", "code", "by"]),
    ("ratings", Of::Call, &["call_id", "by"], &["pbx", "linkedid", "by"]),
    ("callbacks", Of::Itself, &["id"], &["db_uuid", "id"]),
    ("callback_events", Of::Callback, &["callback_id", "n"], &["db_uuid", "callback_id", "n"]),
    ("callback_attempts", Of::Callback, &["callback_id", "n"], &["db_uuid", "callback_id", "n"]),
    ("gaps", Of::Itself, &["id"], &["pbx", "from_ms", "cause"]),
    ("agent_intervals", Of::Itself, &INTERVAL, &INTERVAL),
    ("do_not_call", Of::Itself, &["number_e164"], &["number_e164"]),
    ("agents", Of::List, &["pbx", "agent"], &["pbx", "agent"]),
    ("pbx_seen", Of::List, &["pbx"], &["pbx"]),
    ("codes", Of::List, &["code"], &["code"]),
    ("report_settings", Of::List, &["n"], &["n"]),
];
const INTERVAL: [&str; 5] = ["pbx", "agent", "activity", "queue", "from_ms"];

/// All tables of which there is a copy, in the order in which it is made.
pub(crate) fn copies() -> &'static [Table] {
    static COPIES: LazyLock<Vec<Table>> = LazyLock::new(|| read().unwrap_or_default());
    &COPIES
}

fn read() -> rusqlite::Result<Vec<Table>> {
    let mut database = Connection::open_in_memory()?;
    if migrations().to_latest(&mut database).is_err() {
        return Ok(Vec::new());
    }
    let mut columns = database.prepare("SELECT name, type FROM pragma_table_info(?)")?;
    let column = |row: &rusqlite::Row<'_>| {
        let kind = match row.get_ref(1)?.as_str()? {
            "INTEGER" => Kind::Int,
            "REAL" => Kind::Real,
            _ => Kind::Text,
        };
        Ok((row.get(0)?, kind))
    };
    let copy = |(name, of, key, key_there): Line| {
        let columns = columns.query_map([name], column)?.collect::<rusqlite::Result<_>>()?;
        Ok(Table { name, of, key, key_there, columns })
    };
    TABLES.into_iter().map(copy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables;

    /// What is this machine's own: how it works and whom it serves, no history.
    const OWN: [&str; 18] = [
        "calls_in_progress", // what is going on now is not history
        "tags_removed",      // says what is not to come back here
        "callback_requests", // what a restart must know; its history says it in words
        "tapes",             // rows are judged again where they were made
        "identity",
        "outbox",
        "sinks",
        "tokens",
        "webhooks",
        "webhook_messages",
        "webhook_attempts",
        "calendar",     // PostgreSQL has time zones of its own
        "report_names", // they are configured for each site
        "report_days",  // counted from the rest
        "report_days_kept",
        "sqlite_sequence",
        "sqlite_stat1",
        "sqlite_stat4",
    ];

    #[test]
    fn each_table_has_a_copy_or_is_named_as_this_machines_own() {
        for table in tables().iter().filter(|table| !table.is_view && !OWN.contains(&table.name.as_str())) {
            let copy = copies().iter().find(|copy| copy.name == table.name);
            let copy = copy.unwrap_or_else(|| panic!("{} has no copy", table.name));
            let names: Vec<&String> = copy.columns.iter().map(|(name, _)| name).collect();
            assert_eq!(names, table.columns.iter().collect::<Vec<_>>(), "{}", table.name);
            assert!(copy.key.iter().all(|key| names.iter().any(|name| name == key)), "{}", table.name);
        }
        assert_eq!(copies().len(), TABLES.len());
    }
}
