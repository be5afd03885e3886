//! Databases that somebody has built to do harm, or altered: each is refused with 65 and a fix, by whoever opens it, and left as it is.

use crate::store::stored::{MONDAY_10, abandoned, contents, record};
use callbackd::store::{self, CallFilter, Onlooker, Reader, Store};
use rusqlite::Connection;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

struct Crafted {
    directory: tempfile::TempDir,
    path: PathBuf,
}

/// One of ours with a call in it, and then this.
fn crafted(sql: &str) -> Crafted {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    Store::open(&path).unwrap().write(&[record(abandoned("1"))]).unwrap();
    std::fs::remove_file(directory.path().join("calls.db.lock")).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "journal_mode", "delete").unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    drop(connection);
    Crafted { directory, path }
}

fn all_calls(path: &Path) -> Result<u64, store::Error> {
    let mut calls = 0;
    Reader::open(path)?.each_call(&CallFilter::default(), |_| {
        calls += 1;
        ControlFlow::Continue(())
    })?;
    Ok(calls)
}

#[track_caller]
fn refused(sql: &str, words: &[&str]) {
    let crafted = crafted(sql);
    let before = contents(crafted.directory.path());
    let copy = crafted.directory.path().join("copy.db");
    for (who, error) in [
        ("the writer", Store::open(&crafted.path).map(drop)),
        ("a reader", Reader::open(&crafted.path).map(drop)),
        ("a check", store::verify(&crafted.path, &Onlooker::nobody()).map(drop)),
        ("a copy", store::backup(&crafted.path, &copy, false, &Onlooker::nobody()).map(drop)),
        ("vacuum", store::vacuum(&crafted.path, &Onlooker::nobody()).map(drop)),
    ] {
        let error = error.expect_err(who);
        assert_eq!(error.exit_code(), 65, "{who}: {error}");
        for word in words {
            assert!(error.to_string().contains(word), "{who}: {word} is missing in: {error}");
        }
    }
    assert!(contents(crafted.directory.path()).iter().all(|(file, bytes)| before.get(file).is_none_or(|b| b == bytes)));
    assert!(!copy.exists());
}

#[test]
fn a_trigger_that_would_run_with_every_row_is_refused_with_the_line_that_drops_it() {
    refused(
        "CREATE TRIGGER gone AFTER INSERT ON calls BEGIN DELETE FROM dnc; END",
        &["its trigger gone is not callbackd's", "sqlite3 ", "'DROP TRIGGER gone'"],
    );
    let crafted = crafted("CREATE TRIGGER gone AFTER INSERT ON calls BEGIN DELETE FROM dnc; END");
    Connection::open(&crafted.path).unwrap().execute_batch("DROP TRIGGER gone").unwrap();
    Store::open(&crafted.path).unwrap();
}

#[test]
fn a_name_that_a_shell_would_obey_is_in_no_line_to_copy() {
    let sql = "CREATE TRIGGER \"x'; rm -rf /; '\" AFTER INSERT ON calls BEGIN DELETE FROM dnc; END";
    refused(sql, &["is not callbackd's: restore a backup"]);
}

#[test]
fn a_table_that_became_a_view_without_an_end_is_refused() {
    refused(
        "ALTER TABLE tags RENAME TO tags_before; CREATE VIEW tags AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        &["is not built as callbackd builds it", "tags", "restore a backup"],
    );
}

#[test]
fn an_altered_view_table_or_index_and_one_that_is_gone_are_refused() {
    refused(
        "DROP VIEW v_missed; CREATE VIEW v_missed AS SELECT randomblob(1000000000)",
        &["its view v_missed is not as"],
    );
    refused("ALTER TABLE calls ADD COLUMN more TEXT", &["its table calls is not as callbackd makes it", "backup"]);
    refused("DROP VIEW v_today", &["it lacks the view v_today"]);
    refused("DROP TABLE ratings", &["ratings"]);
    refused("CREATE INDEX mine ON calls(hex(queue))", &["its index mine is not callbackd's", "DROP INDEX mine"]);
    refused("CREATE UNIQUE INDEX mine ON calls(direction)", &["its index mine"]);
}

#[test]
fn comments_that_another_version_worded_otherwise_are_no_alteration() {
    let crafted = crafted("");
    let connection = Connection::open(&crafted.path).unwrap();
    let of_view = "SELECT sql FROM sqlite_schema WHERE name = 'v_today'";
    let sql: String = connection.query_row(of_view, [], |row| row.get(0)).unwrap();
    let other = sql.replacen("SELECT", "SELECT -- it's worded otherwise\n/* and 'here' -- too */", 1);
    connection.execute_batch(&format!("DROP VIEW v_today; {other}")).unwrap();
    drop(connection);
    Store::open(&crafted.path).unwrap();
    assert_eq!(all_calls(&crafted.path).unwrap(), 1);
}

#[test]
fn what_stands_where_a_comment_seems_to_be_is_an_alteration() {
    let sql = "DROP VIEW v_today; CREATE VIEW v_today AS SELECT '--', id FROM calls -- '";
    refused(sql, &["its view v_today is not as callbackd makes it"]);
}

#[test]
fn values_that_no_column_may_hold_are_damage() {
    let crafted = crafted(
        "PRAGMA ignore_check_constraints = on; UPDATE calls SET direction = 'sideways', status = 'FINE', number_e164 = 'x'; UPDATE identity SET db_uuid = '../x'",
    );
    let error = all_calls(&crafted.path).unwrap_err();
    assert_eq!(error.exit_code(), 65, "{error}");
    assert_eq!(Store::open(&crafted.path).unwrap_err().exit_code(), 65);
    let crafted = self::crafted("DELETE FROM identity");
    assert_eq!(Store::open(&crafted.path).unwrap_err().exit_code(), 65);
}

#[test]
fn a_value_that_would_fill_the_memory_is_damage_and_is_not_read() {
    let crafted = crafted("UPDATE calls SET why = '[\"' || printf('%.*c', 20000000, 'x') || '\"]'");
    let refused = all_calls(&crafted.path).unwrap_err();
    assert_eq!(refused.exit_code(), 65, "{refused}");
    assert!(refused.to_string().contains("too big"), "{refused}");
}

#[test]
fn what_somebody_added_for_their_own_reports_is_left_alone() {
    let crafted = crafted(
        "CREATE VIEW my_report AS SELECT count(*) FROM calls; CREATE TABLE my_notes(call INTEGER, note TEXT);
         CREATE INDEX my_index ON calls(queue, agent DESC); ANALYZE",
    );
    let mut store = Store::open(&crafted.path).unwrap();
    store.write(&[record(abandoned("2"))]).unwrap();
    store.optimize(None).unwrap();
    drop(store);
    assert_eq!(all_calls(&crafted.path).unwrap(), 2);
    assert!(
        store::verify(&crafted.path, &Onlooker::nobody())
            .unwrap()
            .span_ms
            .is_some_and(|(oldest, _)| oldest == MONDAY_10)
    );
}
