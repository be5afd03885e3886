//! `callbackd import` and `callbackd audit`: history becomes rows, and rows are held against it.

use crate::scripted::{Said, Site};
use callbackd::store::Store;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// All recorded calls on Asterisk 22, as one history.
fn history(site: &Site) -> (PathBuf, PathBuf) {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22");
    let (mut cdrs, mut events) = (String::new(), String::new());
    let mut files: Vec<PathBuf> = fs::read_dir(traces).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        match file.extension().and_then(|e| e.to_str()) {
            Some("csv") => cdrs.push_str(&fs::read_to_string(&file).unwrap()),
            Some("queue_log") => events.push_str(&fs::read_to_string(&file).unwrap()),
            _ => {}
        }
    }
    let sorted = |text: String, key: fn(&str) -> String| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_by_key(|line| key(line));
        lines.join("\n") + "\n"
    };
    let end = |line: &str| line.split("\",\"").nth(10).unwrap_or_default().to_owned();
    site.write("Master.csv", &sorted(cdrs, end), 0o644);
    site.write("queue_log", &sorted(events, |line| line.split('|').next().unwrap_or_default().to_owned()), 0o644);
    (site.path("Master.csv"), site.path("queue_log"))
}

fn site() -> Site {
    let site = Site::new(1);
    let base = include_str!("../traces.toml").replace("secret_file = \"/dev/null\"", "secret_file = \"secret\"");
    site.configure(&format!("{base}\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n[gap]\ncdr_csv = \"Master.csv\"\nqueue_log = \"queue_log\"\n"));
    site
}

fn run(site: &Site, args: &[&str]) -> Said {
    site.run(&[args, &["--config", "callbackd.toml"]].concat())
}

fn rows(site: &Site) -> i64 {
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.query_row("SELECT count(*) FROM calls WHERE quality = 'backfilled'", [], |r| r.get(0)).unwrap()
}

#[test]
fn history_becomes_rows_once_and_calls_nobody_back() {
    let site = site();
    history(&site);
    let first = run(&site, &["import"]);
    assert_eq!(first.code, 0, "{first:#?}");
    assert!(first.out.starts_with("Imported ") && !first.err.contains('%'), "{first:#?}");
    let imported = rows(&site);
    assert!(imported >= 19, "{imported} rows; {first:#?}");
    assert!(first.out.contains(&format!("Imported {imported} calls")), "{first:#?}");
    let again = run(&site, &["import"]);
    assert!(
        again.out.starts_with("Imported 0 calls") && again.out.contains(&format!("{imported} were there already")),
        "{again:#?}"
    );
    assert_eq!(rows(&site), imported);
    let db = Connection::open(site.path("calls.db")).unwrap();
    let callbacks: i64 = db.query_row("SELECT count(*) FROM callbacks", [], |r| r.get(0)).unwrap();
    assert_eq!(callbacks, 0, "nobody waits for a callback from history");
}

/// A database of an earlier schema, byte for byte.
fn old_database(site: &Site) -> Vec<u8> {
    let mut old = Connection::open(site.path("old.db")).unwrap();
    callbackd::store::migrations().to_version(&mut old, 3).unwrap();
    drop(old);
    fs::read(site.path("old.db")).unwrap()
}

#[test]
fn an_input_that_is_refused_leaves_an_older_database_as_it_was() {
    let site = site();
    let before = old_database(&site);
    let names = |site: &Site| site.everything().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    history(&site);
    site.write("notes.txt", "Dear diary\n\n", 0o644);
    let there = names(&site);
    for (args, code) in [
        (&["import", "--db", "old.db", "--cdr", "nope.csv"][..], 66),
        (&["import", "--db", "old.db", "--cdr", "notes.txt"], 65),
        (&["replay", "--db", "old.db", "nope.ami"], 66),
        (&["replay", "--db", "old.db", "notes.txt"], 65),
        (&["replay", "--db", "new.db", "notes.txt"], 65),
    ] {
        let said = run(&site, args);
        assert_eq!((said.code, fs::read(site.path("old.db")).unwrap() == before), (code, true), "{args:?}: {said:#?}");
        assert_eq!(names(&site), there, "{args:?}");
    }
}

#[test]
fn what_names_all_its_files_needs_no_configuration() {
    if Path::new(callbackd::cli::DEFAULT_CONFIG).exists() {
        return eprintln!("this machine has a configuration: what would be without one is not seen");
    }
    let site = site();
    history(&site);
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22/queue_answered.ami");
    let note = "There is no /etc/callbackd/callbackd.toml: the default rules are applied.";
    let imported =
        site.run(&["import", "--db", "x.db", "--cdr", "Master.csv", "--queue-log", "queue_log", "--pbx", "bonn"]);
    assert_eq!(imported.code, 0, "{imported:#?}");
    imported.line(&[note]);
    let replayed = site.run(&["replay", "--db", "y.db", recording.to_str().unwrap()]);
    assert_eq!(replayed.code, 0, "{replayed:#?}");
    replayed.line(&[note]);
    let listed = site.run(&["calls", "--db", "x.db", "--pbx", "bonn"]);
    assert!(listed.code == 0 && listed.out.lines().count() > 10, "{listed:#?}");
    let refused = site.run(&["import", "--db", "x.db"]);
    assert_eq!(refused.code, 78, "without --cdr the configuration says where it is: {refused:#?}");
    let refused = site.run(&["replay", "--db", "y.db", "--pbx", "b onn", recording.to_str().unwrap()]);
    assert_eq!(refused.code, 78, "no PBX can have this name: {refused:#?}");
    let plain = "`name` must be short and plain";
    for (name, why) in [
        ("o'hara", plain),
        ("say \"b\"", plain),
        ("back\\slash", plain),
        ("new\nline", "`name` must not hold control characters"),
    ] {
        let refused = site.run(&["replay", "--db", "y.db", "--pbx", name, recording.to_str().unwrap()]);
        assert!(refused.code == 78 && refused.err.contains(why), "{refused:#?}");
    }
}

#[test]
fn an_audit_that_compares_nothing_does_not_say_that_all_is_well() {
    let site = site();
    history(&site);
    assert_eq!(run(&site, &["import"]).code, 0);
    let said = run(&site, &["audit", "--since", "2026-11-01", "--until", "2026-11-02"]);
    assert_eq!(said.code, 66, "{said:#?}");
    said.line(&["Nothing was compared: Asterisk's records have no call that began in this time"]);
    assert!(!said.out.contains("Every call is there"), "{said:#?}");
    // A database without a row of that time.
    fs::remove_file(site.path("calls.db")).unwrap();
    drop(Store::open(&site.path("calls.db")).unwrap());
    let said = run(&site, &["audit", "--since", "2026-11-22T00:00:00Z", "--until", "2026-11-23T00:00:00Z"]);
    assert_eq!(said.code, 1, "{said:#?}");
    said.line(&["Nothing was compared: no row of the database is of a call that Asterisk's records have in this time"]);
}

#[test]
fn what_was_imported_is_what_the_records_say() {
    let site = site();
    history(&site);
    assert_eq!(run(&site, &["import"]).code, 0);
    let audit = run(&site, &["audit", "--since", "2026-11-22T00:00:00Z", "--until", "2026-11-23T00:00:00Z"]);
    assert_eq!(audit.code, 0, "{audit:#?}");
    assert!(
        audit.out.contains("rows say the same") && audit.out.contains("every difference is explained"),
        "{audit:#?}"
    );
}

#[test]
fn a_row_that_is_missing_or_wrong_is_found() {
    let site = site();
    history(&site);
    assert_eq!(run(&site, &["import"]).code, 0);
    let db = Connection::open(site.path("calls.db")).unwrap();
    db.execute("DELETE FROM calls WHERE linkedid = 'pbx-1795336414.2'", []).unwrap();
    db.execute(
        "UPDATE calls SET status = 'ANSWER', outcome = 'AGENT', agent = 'PJSIP/9' WHERE linkedid = 'pbx-1795336511.20'",
        [],
    )
    .unwrap();
    drop(db);
    let day = ["audit", "--since", "2026-11-22T00:00:00Z", "--until", "2026-11-23T00:00:00Z"];
    let audit = run(&site, &day);
    assert_eq!(audit.code, 1, "{audit:#?}");
    assert!(audit.line(&["pbx-1795336414.2"]).contains("the database has no row"), "{audit:#?}");
    assert!(
        audit.line(&["pbx-1795336511.20"]).contains("PJSIP/9 talked with the customer, CDR say NOANSWER"),
        "{audit:#?}"
    );
    let json = run(&site, &[&day[..], &["--json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["differences"].as_array().unwrap().len(), 2, "{report}");
}

#[test]
fn while_a_daemon_holds_the_database_nothing_is_imported() {
    let site = site();
    history(&site);
    let store = Store::open(&site.path("calls.db")).unwrap();
    let said = run(&site, &["import"]);
    assert_eq!(said.code, 75, "{said:#?}");
    assert!(said.err.contains("in use by another callbackd"), "{said:#?}");
    drop(store);
}

#[test]
fn a_file_that_is_missing_or_none_is_named() {
    let site = site();
    let said = run(&site, &["import"]);
    assert_eq!(said.code, 66, "{said:#?}");
    assert!(said.err.contains("Master.csv"), "{said:#?}");
    site.write("Master.csv", "no,record\n", 0o644);
    site.write("queue_log", "", 0o644);
    drop(Store::open(&site.path("calls.db")).unwrap());
    let said = run(&site, &["audit"]);
    assert_eq!(said.code, 65, "{said:#?}");
    assert!(said.err.contains("none is a CDR"), "{said:#?}");
    let said = run(&site, &["import"]);
    assert_eq!(said.code, 65, "{said:#?}");
    assert!(said.err.contains("none is a CDR"), "{said:#?}");
}

#[test]
fn history_of_another_time_zone_is_read_in_its_own_and_of_none_is_refused() {
    let imported = |shift_h: &dyn Fn(usize) -> i64| {
        let site = site();
        let (cdrs, _) = history(&site);
        let shifted: String =
            fs::read_to_string(&cdrs).unwrap().lines().enumerate().map(|(n, line)| moved(line, shift_h(n))).collect();
        site.write("Master.csv", &shifted, 0o644);
        (run(&site, &["import"]), site)
    };
    let starts = |site: &Site| -> i64 {
        let db = Connection::open(site.path("calls.db")).unwrap();
        db.query_row("SELECT sum(started_ms) + 1000000 * sum(status = 'ANSWER') FROM calls", [], |r| r.get(0)).unwrap()
    };
    let (as_written, here) = imported(&|_| 0);
    let (said, there) = imported(&|_| 8);
    assert_eq!((as_written.code, said.code), (0, 0), "{said:#?}");
    assert_eq!(starts(&there), starts(&here));
    let (said, _) = imported(&|n| 100 + 7 * i64::try_from(n).unwrap());
    assert_eq!(said.code, 65, "{said:#?}");
    assert!(said.err.contains("do not match its uniqueids"), "{said:#?}");
}

/// A CDR whose times are so many hours later.
fn moved(line: &str, hours: i64) -> String {
    let later = |field: &str| match field.trim_matches('"').parse::<jiff::civil::DateTime>() {
        Ok(time) => format!("\"{}\"", time.checked_add(jiff::Span::new().hours(hours)).unwrap().strftime("%F %T")),
        Err(_) => field.to_owned(),
    };
    line.split(',').map(later).collect::<Vec<_>>().join(",") + "\n"
}
