//! The schema that migrations make is the schema of record, and every column says what it holds.

use callbackd::store::{APPLICATION_ID, SCHEMA_VERSION, Store, migrations};
use rusqlite::Connection;
use std::os::unix::fs::PermissionsExt;

const SCHEMA_OF_RECORD: &str = include_str!("../../src/store/schema.sql");

/// Type, name and text of everything, with white space made uniform.
fn objects(connection: &Connection) -> Vec<(String, String, String)> {
    let mut statement =
        connection.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))).unwrap();
    rows.map(|row| {
        let (kind, name, sql): (String, String, String) = row.unwrap();
        (kind, name, sql.split_whitespace().collect::<Vec<_>>().join(" "))
    })
    .collect()
}

fn number(connection: &Connection, sql: &str) -> i32 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn migrating_from_nothing_gives_the_schema_of_record_with_its_comments() {
    let mut migrated = Connection::open_in_memory().unwrap();
    migrations().to_latest(&mut migrated).unwrap();
    let recorded = Connection::open_in_memory().unwrap();
    recorded.execute_batch(SCHEMA_OF_RECORD).unwrap();

    assert_eq!(objects(&migrated), objects(&recorded));
    assert!(objects(&migrated).len() > 10);
    assert_eq!(number(&migrated, "PRAGMA application_id"), number(&recorded, "PRAGMA application_id"));
}

#[test]
fn the_migrations_are_valid_and_counted() {
    migrations().validate().unwrap();
    let connection = Connection::open_in_memory().unwrap();
    assert_eq!(migrations().pending_migrations(&connection), Ok(SCHEMA_VERSION));
}

#[test]
fn every_column_of_every_table_is_commented_in_the_database_itself() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrations().to_latest(&mut connection).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT t.name, c.name, s.sql FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
               JOIN sqlite_schema AS s ON s.name = t.name
              WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let columns: Vec<(String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(columns.len() > 40, "{}", columns.len());
    for (table, column, sql) in columns {
        let names = [format!("{column} "), format!("\"{column}\" ")];
        let line = sql.lines().find(|line| names.iter().any(|n| line.trim_start().starts_with(n))).unwrap();
        let (_, comment) = line.split_once(" -- ").unwrap_or_else(|| panic!("{table}.{column} has no comment"));
        assert!(comment.trim().len() > 5, "{table}.{column}: {comment}");
        if column.ends_with("_ms") {
            assert!(comment.starts_with("ms "), "{table}.{column} does not name its unit: {comment}");
        }
    }
}

#[test]
fn every_table_is_strict() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrations().to_latest(&mut connection).unwrap();
    let lax = "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0";
    assert_eq!(number(&connection, lax), 0);
}

#[test]
fn a_new_database_is_marked_as_ours_and_closed_to_strangers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    drop(Store::open(&path).unwrap());

    let connection = Connection::open(&path).unwrap();
    assert_eq!(number(&connection, "PRAGMA application_id"), 0x4342_4B44);
    assert_eq!(APPLICATION_ID, 0x4342_4B44);
    assert_eq!(number(&connection, "PRAGMA user_version"), SCHEMA_VERSION);
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    let rights = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(rights & !0o640, 0, "{rights:o}");
    assert_eq!(rights & 0o600, 0o600, "{rights:o}");
}

/// Every row of every table, as text.
fn rows(connection: &Connection) -> Vec<String> {
    let tables: Vec<String> =
        objects(connection).into_iter().filter(|(kind, ..)| kind == "table").map(|(_, name, _)| name).collect();
    let mut rows = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let read = statement.query_map([], |row| {
            (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column)).collect::<Result<Vec<_>, _>>()
        });
        rows.extend(read.unwrap().map(|row| format!("{table} {:?}", row.unwrap())));
    }
    rows.sort();
    rows
}

#[test]
fn a_database_of_the_third_schema_keeps_every_row_and_becomes_the_schema_of_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut old = Connection::open(&path).unwrap();
    migrations().to_version(&mut old, 3).unwrap();
    old.execute_batch(
        "INSERT INTO calls (pbx, linkedid, direction, status, outcome, number, number_e164, trunk, queue, agent, started_ms, ended_ms, wait_ms,
                            queue_wait_ms, ring_ms, talk_ms, hold_ms, hangup_by, transfers, voicemail, quality, why, callback_id)
         SELECT 'pbx', value, 'inbound', 'CANCEL', 'QUEUE_ABANDON', '2025550123', '+12025550123', 'PJSIP/provider', 'sales', NULL, 1000 * value,
                1000 * value + 500, 1, 1, 1, 0, 0, 'customer', 0, 0, 'full', '[]', 1 FROM json_each('[1, 2, 3]');
         INSERT INTO calls SELECT 9, 'pbx', 'withheld', direction, status, outcome, NULL, NULL, name, did, NULL, NULL, agent, 9000, NULL, 9500, 1, 1,
                1, 0, 0, hangup_by, NULL, 0, 0, quality, why, NULL, NULL, NULL FROM calls WHERE id = 1;
         INSERT INTO legs VALUES (1, 0, 'PJSIP/101', 'PJSIP/101', 'sales', 1, NULL, 2, 0, 'NOANSWER');
         INSERT INTO queue_visits VALUES (1, 0, 'sales', 1, 2, 1, 'ABANDONED');
         INSERT INTO ivr_steps VALUES (1, 0, 'ivr', '1', 1);
         INSERT INTO tags VALUES (1, 'ABANDONED', '', 'rule', 1, 'engine');
         INSERT INTO ratings VALUES (1, '', 5.0, 1);
         INSERT INTO gaps VALUES (1, 'pbx', 1, 2, 'link_lost', 0);
         INSERT INTO agents VALUES ('pbx', 'PJSIP/101', 'Ann');
         INSERT INTO agent_intervals VALUES ('pbx', 'PJSIP/101', 'talking', '', '', 1, NULL);
         INSERT INTO pbx_seen VALUES ('pbx', 5);
         INSERT INTO calls_in_progress (pbx, linkedid, started_ms) VALUES ('pbx', '7', 7);
         INSERT INTO callbacks VALUES (1, 'pbx', '+12025550123', NULL, 'PENDING', '', 'sales', NULL, NULL, NULL, 0, 0, 3, 1, 2, 3, 4, 1, 1, '1', NULL, NULL);
         INSERT INTO callback_events VALUES (1, 0, 1, 'PENDING', '', 'callbackd', '');
         INSERT INTO callback_attempts VALUES (1, 1, 'pbx', 'cb-1-1', 'PJSIP/101', 1, NULL, NULL, 2, 0, 'AGENT_NOANSWER', '', NULL);
         INSERT INTO do_not_call VALUES ('+12025550199', 'asked', 'Ann', 1, NULL);",
    )
    .unwrap();
    let mut before = rows(&old);
    drop(old);

    drop(Store::open(&path).unwrap());
    let migrated = Connection::open(&path).unwrap();
    // What the daemon writes anew from its configuration is no one's row.
    let is_kept = |row: &String| !row.starts_with("codes ");
    before.retain(is_kept);
    let (identity, kept): (Vec<String>, Vec<String>) = rows(&migrated).into_iter().filter(is_kept).partition(|row| {
        ["identity ", "report_settings ", "report_days_kept "].iter().any(|table| row.starts_with(table))
    });
    // What a migration adds to a row stands at its end.
    let renamed = |row: &String| row.trim_end_matches(']').replace("Text(\"engine\")", "Text(\"call\")");
    let lost = before.iter().filter(|row| !kept.iter().any(|now| now.starts_with(&renamed(row))));
    assert_eq!(lost.collect::<Vec<_>>(), [""; 0]);
    assert_eq!(kept.len(), before.len());
    assert_eq!(identity.len(), 3, "one row of each that migrations make: {identity:?}");
    assert_eq!(number(&migrated, "SELECT attempts FROM identity"), 1);
    assert!(before.len() > 15, "{before:#?}");
    let recorded = Connection::open_in_memory().unwrap();
    recorded.execute_batch(SCHEMA_OF_RECORD).unwrap();
    assert_eq!(objects(&migrated), objects(&recorded));
    assert_eq!(number(&migrated, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}
