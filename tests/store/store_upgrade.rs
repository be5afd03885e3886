//! A database that an earlier version wrote is taken over with every row.

use callbackd::store::{Onlooker, SCHEMA_VERSION, Store, verify};
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::BTreeMap;

/// What version 0.1.0 wrote in a minute of its own demo: calls of all kinds, callbacks and attempts. Made by `sqlite3 calls.db .dump`.
const WRITTEN_BY_0_1_0: &str = include_str!("written/by_0.1.0.sql");

/// Columns that have another name now.
const RENAMED: &[(&str, &str, &str)] = &[("callbacks", "promised", "requested")];

/// The tables and their columns.
fn columns(connection: &Connection) -> BTreeMap<String, Vec<String>> {
    let mut statement = connection
        .prepare(
            "SELECT t.name, c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
              WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid",
        )
        .unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for (table, column) in rows.map(|row| row.unwrap()) {
        tables.entry(table).or_default().push(column);
    }
    tables
}

/// All rows of a table, in these columns, sorted.
fn rows(connection: &Connection, table: &str, columns: &[String]) -> Vec<String> {
    let mut statement = connection.prepare(&format!("SELECT {} FROM {table}", columns.join(", "))).unwrap();
    let row =
        |row: &rusqlite::Row<'_>| (0..columns.len()).map(|n| row.get::<_, Value>(n)).collect::<Result<Vec<_>, _>>();
    let mut found: Vec<String> =
        statement.query_map([], row).unwrap().map(|row| format!("{:?}", row.unwrap())).collect();
    found.sort();
    found
}

#[test]
fn a_database_that_the_version_before_wrote_is_migrated_and_keeps_every_row() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let written = Connection::open(&path).unwrap();
    written.execute_batch(WRITTEN_BY_0_1_0).unwrap();
    let before: BTreeMap<String, (Vec<String>, Vec<String>)> = columns(&written)
        .into_iter()
        .map(|(table, columns)| {
            let rows = rows(&written, &table, &columns);
            (table, (columns, rows))
        })
        .collect();
    drop(written);
    for table in
        ["calls", "legs", "queue_visits", "ivr_steps", "callbacks", "callback_events", "callback_attempts", "agents"]
    {
        assert!(!before[table].1.is_empty(), "the older version wrote no {table}: nothing is proved of them");
    }

    drop(Store::open(&path).unwrap());

    let migrated = Connection::open(&path).unwrap();
    assert_eq!(migrated.query_row("PRAGMA user_version", [], |row| row.get::<_, i32>(0)).unwrap(), SCHEMA_VERSION);
    // What the daemon writes anew from its configuration.
    for (table, (old, expected)) in before.into_iter().filter(|(table, _)| table != "codes") {
        let new_name = |column: &String| {
            let renamed = RENAMED.iter().find(|(of, from, _)| *of == table && from == column);
            renamed.map_or_else(|| column.clone(), |(_, _, to)| (*to).to_owned())
        };
        let now: Vec<String> = old.iter().map(new_name).collect();
        let new_word = |row: String| row.replace("Text(\"engine\")", "Text(\"call\")");
        let expected: Vec<String> = expected.into_iter().map(new_word).collect();
        assert_eq!(rows(&migrated, &table, &now), expected, "{table}");
    }
    drop(migrated);
    // Its tables keep the comments of the version that made them.
    drop(Store::open(&path).unwrap());
    assert_eq!(verify(&path, &Onlooker::nobody()).unwrap().faults, [] as [&str; 0]);
}
