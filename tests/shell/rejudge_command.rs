//! `callbackd rejudge`: calls that were judged under wrong rules are judged again; a database that the daemon writes is only looked at.

use crate::scripted::{Said, Site};
use callbackd::store::Store;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::Path;

const RULES: &str = include_str!("../traces.toml");

/// A site whose configuration does not name the provider's context.
fn site() -> Site {
    let site = Site::new(1);
    configure(&site, "from-pstn");
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/asterisk22");
    for recording in ["queue_abandoned", "queue_answered", "ringgroup_answered"] {
        let recording = traces.join(format!("{recording}.ami")).display().to_string();
        let said = site.run(&["replay", "--config", "callbackd.toml", "--db", "calls.db", &recording]);
        assert_eq!(said.code, 0, "{said:#?}");
    }
    site
}

fn configure(site: &Site, inbound: &str) {
    let base = RULES.replace("secret_file = \"/dev/null\"", "secret_file = \"secret\"").replace("from-trunk", inbound);
    site.configure(&format!("{base}\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n"));
}

fn rejudge(site: &Site, args: &[&str]) -> Said {
    site.run(&[&["rejudge", "--config", "callbackd.toml"], args].concat())
}

fn column(site: &Site, sql: &str) -> Vec<String> {
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn calls_that_were_internal_for_want_of_a_name_become_inbound_once_it_is_there() {
    let site = site();
    let directions = "SELECT direction || ' ' || rev FROM calls ORDER BY started_ms";
    assert_eq!(column(&site, directions), ["internal 1"; 3]);
    configure(&site, "from-trunk");
    let file = fs::read(site.path("calls.db")).unwrap();
    let dry = rejudge(&site, &["--since", "2026-11-01", "--dry-run"]);
    assert_eq!(dry.code, 0, "{dry:#?}");
    assert_eq!(dry.out.lines().filter(|line| line.contains("  pbx-17953")).count(), 3, "{dry:#?}");
    dry.line(&["pbx-1795336414.2", "internal CANCEL", "→ inbound CANCEL QUEUE_ABANDON"]);
    dry.line(&["Judged 3 calls again: 3 rows would change"]);
    assert!(fs::read(site.path("calls.db")).unwrap() == file, "a look changes nothing");

    let said = rejudge(&site, &["--since", "2026-11-01"]);
    assert_eq!((said.code, &*said.err), (0, ""), "{said:#?}");
    said.line(&["Judged 3 calls again: 3 rows changed"]);
    said.line(&["1 of them are missed callers who were none before", "Nobody is called back", "callbackd missed"]);
    assert_eq!(column(&site, directions), ["inbound 2"; 3]);
    let changes = "SELECT kind || ' ' || late FROM outbox ORDER BY seq DESC LIMIT 3";
    assert_eq!(column(&site, changes), ["call.updated 1"; 3], "readers learn it, and that it is no news");
    assert_eq!(column(&site, "SELECT id || '' FROM callbacks"), [""; 0]);

    let again = rejudge(&site, &["--since", "2026-11-01", "--json"]);
    let tally: serde_json::Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((&tally["judged"], &tally["changed"]), (&3.into(), &0.into()), "{tally}");
    assert_eq!(column(&site, directions), ["inbound 2"; 3]);
}

#[test]
fn what_people_said_of_a_call_and_its_callback_stay() {
    let site = site();
    let db = Connection::open(site.path("calls.db")).unwrap();
    db.execute_batch(
        "INSERT INTO tags SELECT id, 'SPAM', 'by hand', 'ann', 1, 'command' FROM calls;
         UPDATE calls SET callback_id = 7, recovered_by = 'agent', recovered_ms = 5 WHERE linkedid = 'pbx-1795336414.2'",
    )
    .unwrap();
    drop(db);
    configure(&site, "from-trunk");
    assert_eq!(rejudge(&site, &["--since", "2026-11-01"]).code, 0);
    assert_eq!(column(&site, "SELECT note FROM tags WHERE code = 'SPAM'"), ["by hand"; 3]);
    let kept = "SELECT callback_id || recovered_by || recovered_ms FROM calls WHERE linkedid = 'pbx-1795336414.2'";
    assert_eq!(column(&site, kept), ["7agent5"]);
}

#[test]
fn a_part_of_the_time_is_judged_and_what_has_nothing_to_be_judged_by_is_counted() {
    let site = site();
    configure(&site, "from-trunk");
    let db = Connection::open(site.path("calls.db")).unwrap();
    db.execute_batch(
        "DELETE FROM tapes WHERE call_id = (SELECT id FROM calls WHERE linkedid = 'pbx-1795336414.2');
         UPDATE calls SET quality = 'backfilled' WHERE id = (SELECT max(id) FROM calls)",
    )
    .unwrap();
    let first: i64 = db.query_row("SELECT min(started_ms) FROM calls", [], |row| row.get(0)).unwrap();
    drop(db);
    let before = jiff::Timestamp::from_millisecond(first).unwrap().to_string();
    let none = rejudge(&site, &["--since", "2026-11-01", "--until", &before]);
    none.line(&["Judged 0 calls again"]);
    let said = rejudge(&site, &["--since", "2026-11-01"]);
    said.line(&["Judged 1 calls again: 1 rows changed"]);
    said.line(&["1 calls have nothing to be judged by"]);
    said.line(&["1 calls were seen in part or come from Asterisk's files"]);
    assert_eq!(column(&site, "SELECT direction FROM calls ORDER BY direction"), ["inbound", "internal", "internal"]);
}

#[test]
fn what_is_no_time_no_pbx_and_no_database_is_refused_by_name_and_so_is_one_that_the_daemon_writes() {
    let site = site();
    for (args, code, why) in [
        (&["--since", "someday"][..], 64, "--since: 'someday' is not a time"),
        (&["--since", "today", "--until", "neverland"], 64, "--until: 'neverland' is not a time"),
        (&["--since", "2026-11-02", "--until", "2026-11-01"], 64, "--until is not after --since"),
        (&["--since", "2026-11-01", "--pbx", "bonn"], 64, "bonn"),
        (&[], 64, "--since"),
    ] {
        let said = rejudge(&site, args);
        assert!(said.code == code && said.err.contains(why), "{args:?}: {said:#?}");
    }
    let held = Store::open(&site.path("calls.db")).unwrap();
    let said = rejudge(&site, &["--since", "2026-11-01"]);
    assert!(said.code == 75 && said.err.contains("in use by another callbackd"), "{said:#?}");
    assert_eq!(rejudge(&site, &["--since", "2026-11-01", "--dry-run"]).code, 0, "looking on is allowed");
    drop(held);
    fs::remove_file(site.path("calls.db")).unwrap();
    for more in [&["--dry-run"][..], &[]] {
        let said = rejudge(&site, &[&["--since", "2026-11-01"], more].concat());
        assert!(said.code == 66 && said.err.contains("calls.db"), "{said:#?}");
        assert!(!site.path("calls.db").exists(), "none is made by the way");
    }
}
