//! Every recorded stream becomes the rows that a person wrote beside it.

use callbackd::cli::replay::{self, ReplayArgs};
use callbackd::config::Config;
use rusqlite::{Connection, OpenFlags, types::Value};
use std::path::{Path, PathBuf};

fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces")
}

fn configuration() -> Config {
    let text = include_str!("../traces.toml");
    Config::from_toml(text, "tests/traces.toml").unwrap_or_else(|refusal| panic!("{}", refusal.render(false)))
}

/// Every recording, with its expectation beside it.
fn recordings() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(traces())
        .unwrap()
        .flat_map(|version| std::fs::read_dir(version.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "ami"))
        .collect();
    found.sort();
    found
}

fn replayed(files: &[PathBuf], directory: &Path) -> Connection {
    let db = directory.join("calls.db");
    let args = ReplayArgs { config: None, pbx: None, db: db.clone(), files: files.to_vec() };
    replay::run(&args, &configuration(), &mut std::io::sink()).unwrap();
    Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

/// The children of a call, one line each, as the expectations write them.
fn lines(db: &Connection, sql: &str, call: i64) -> toml::Value {
    let mut statement = db.prepare(sql).unwrap();
    let lines = statement.query_map([call], |row| row.get::<_, String>(0)).unwrap();
    toml::Value::Array(lines.map(|line| toml::Value::String(line.unwrap())).collect())
}

fn column(db: &Connection, name: &str, call: i64) -> toml::Value {
    match name {
        "legs" => lines(
            db,
            "SELECT agent || ' ' || coalesce(queue, '-') || ' ' || result FROM legs WHERE call_id = ? ORDER BY n",
            call,
        ),
        "visits" => lines(db, "SELECT queue || ' ' || result FROM queue_visits WHERE call_id = ? ORDER BY n", call),
        "ivr" => lines(db, "SELECT rtrim(context || ' ' || digits) FROM ivr_steps WHERE call_id = ? ORDER BY n", call),
        name => {
            let value = db.query_row(&format!("SELECT {name} FROM calls WHERE id = ?"), [call], |row| row.get(0));
            match value.unwrap() {
                Value::Integer(n) => toml::Value::Integer(n),
                Value::Text(text) => toml::Value::String(text),
                other => toml::Value::String(format!("{other:?}")),
            }
        }
    }
}

#[test]
fn every_recording_becomes_the_rows_that_a_person_expects() {
    let recordings = recordings();
    assert!(recordings.len() >= 10, "{recordings:?}");
    let mut differences = Vec::new();
    for recording in recordings {
        let name = recording.strip_prefix(traces()).unwrap().display().to_string();
        let expectation = std::fs::read_to_string(recording.with_extension("toml")).expect(&name);
        let expectation: toml::Table = expectation.parse().expect(&name);
        let expected = expectation["call"].as_array().expect(&name);

        let directory = tempfile::tempdir().unwrap();
        let db = replayed(&[recording], directory.path());
        let rows: i64 = db.query_row("SELECT count(*) FROM calls", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, i64::try_from(expected.len()).unwrap(), "{name}: rows");
        for call in expected {
            let call = call.as_table().unwrap();
            let id = db
                .query_row("SELECT id FROM calls WHERE linkedid = ?", [call["linkedid"].as_str()], |row| row.get(0))
                .expect(&name);
            for (key, expected) in call {
                let found = column(&db, key, id);
                if found != *expected {
                    differences.push(format!("{name}: {key} is {found:?}, expected {expected:?}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

/// Everything that the tables hold, as text.
fn dump(db: &Connection) -> Vec<String> {
    let mut all = Vec::new();
    for table in ["calls", "legs", "queue_visits", "ivr_steps", "gaps", "pbx_seen"] {
        let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<Value> = (0..columns).map(|i| row.get(i).unwrap()).collect();
            all.push(format!("{table} {cells:?}"));
        }
    }
    all
}

fn sessions() -> Vec<PathBuf> {
    ["queue_answered", "queue_abandoned", "ringgroup_answered", "direct_cancel", "ivr_lost", "blind_transfer"]
        .map(|name| traces().join(format!("asterisk22/{name}.ami")))
        .to_vec()
}

#[test]
fn the_same_recordings_make_the_same_rows_also_twice_into_one_database() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let once = dump(&replayed(&sessions(), first.path()));
    replayed(&sessions(), second.path());
    let again = dump(&replayed(&sessions(), second.path()));
    assert!(once.len() > 20);
    let calls = |rows: &[String]| rows.iter().filter(|r| !r.starts_with("gaps")).cloned().collect::<Vec<_>>();
    assert_eq!(calls(&once), calls(&again));
}

#[test]
fn several_recordings_are_several_sessions_with_gaps_between() {
    let directory = tempfile::tempdir().unwrap();
    let db = replayed(&sessions(), directory.path());
    let gaps: Vec<(i64, i64, String, i64)> = db
        .prepare("SELECT from_ms, to_ms, cause, calls_lost FROM gaps ORDER BY from_ms")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    // Six sessions of one Asterisk that went on running: five gaps, and no call was cut by any of them.
    assert_eq!(gaps.len(), 5, "{gaps:?}");
    assert!(gaps.iter().all(|(from, to, cause, lost)| from < to && cause == "link_lost" && *lost == 0), "{gaps:?}");
    let calls: i64 = db.query_row("SELECT count(*) FROM calls WHERE quality = 'full'", [], |row| row.get(0)).unwrap();
    assert_eq!(calls, 6);
}

#[test]
fn a_call_whose_end_was_not_recorded_is_unknown_once_the_next_session_does_not_find_it() {
    let directory = tempfile::tempdir().unwrap();
    let whole = std::fs::read(traces().join("asterisk22/queue_abandoned.ami")).unwrap();
    let hangup = whole.windows(20).position(|w| w == b"Event: HangupRequest").unwrap();
    let cut = directory.path().join("cut.ami");
    std::fs::write(&cut, &whole[..hangup]).unwrap();

    let db = replayed(&[cut, traces().join("asterisk22/ringgroup_answered.ami")], directory.path());
    let row: (String, String, String) = db
        .query_row("SELECT status, outcome, quality FROM calls WHERE linkedid = 'pbx-1795336414.2'", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(row, ("UNKNOWN".to_owned(), "GAP".to_owned(), "gap".to_owned()));
    let lost: i64 = db.query_row("SELECT calls_lost FROM gaps", [], |row| row.get(0)).unwrap();
    assert_eq!(lost, 1);
}

#[test]
fn a_file_that_is_no_recording_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("notes.txt");
    std::fs::write(&file, "Dear diary\n\n").unwrap();
    let args = ReplayArgs { config: None, pbx: None, db: directory.path().join("calls.db"), files: vec![file] };
    let error = replay::run(&args, &configuration(), &mut std::io::sink()).unwrap_err();
    assert_eq!(error.exit_code(), 65);
    assert!(error.to_string().contains("notes.txt") && error.to_string().contains("Dear diary"), "{error}");
}
