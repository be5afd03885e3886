//! `callbackd backup`, `check --db` and `vacuum` as a person types them, beside a daemon and without one; and what `store.keep` does by itself.

use crate::scripted::{GREETING, Running, Said, Server, Site, mode, usual};
use crate::stored::{abandoned, answered, record, spoil};
use callbackd::store::{SCHEMA_VERSION, Store};
use rusqlite::Connection;
use rustix::process::Signal;

/// A site whose database holds so many calls of a Monday in March 2026, and one that nobody has ever used without them.
fn site(calls: usize) -> (Site, Server) {
    let server = Server::start(GREETING, 2, Box::new(|action| Some(usual(action))));
    let site = Site::new(server.port);
    if calls > 0 {
        let mut store = Store::open(&site.path("calls.db")).unwrap();
        let calls =
            (0..calls).map(|n| record(if n % 2 == 0 { abandoned(&n.to_string()) } else { answered(&n.to_string()) }));
        store.write(&calls.collect::<Vec<_>>()).unwrap();
    }
    (site, server)
}

fn daemon(site: &Site) -> Running {
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    daemon.wait_for("session: Asterisk is ready");
    daemon
}

/// Calls are kept, whenever these tests are run.
fn keeps_everything(site: &Site) {
    let path = site.path("callbackd.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    site.configure(&text.replace("[store]\n", "[store]\nkeep = \"forever\"\n"));
}

#[track_caller]
fn refused(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{said:#?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} is not in {said:#?}");
    }
}

#[test]
fn a_running_daemons_database_is_copied_and_the_copy_is_checked() {
    let (site, _server) = site(40);
    keeps_everything(&site);
    let daemon = daemon(&site);
    let said = site.run(&["backup", "copy.db", "--config", "callbackd.toml"]);
    assert_eq!(said.code, 0, "{said:#?}");
    said.line(&["calls.db copied to ", "copy.db: ", " kB, 40 calls, 0 callbacks; the copy is sound"]);
    assert_eq!(mode(&site.path("copy.db")) & !0o640, 0);
    let again = site.run(&["backup", "copy.db", "--config", "callbackd.toml"]);
    refused(&again, 73, &["error: ", "copy.db is there already", "--force"]);
    let said = site.run(&["backup", "copy.db", "--force", "--json", "--db", "calls.db"]);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&json["calls"], &json["callbacks"]), (&40.into(), &0.into()));
    let itself = site.run(&["backup", "calls.db", "--force", "--db", "calls.db"]);
    refused(&itself, 73, &["it is the database itself"]);
    daemon.end(Some(Signal::TERM));

    let before = site.everything();
    let said = site.run(&["check", "--db", "copy.db"]);
    assert_eq!(said.code, 0, "{said:#?}");
    let schema = format!("callbackd, schema {SCHEMA_VERSION}");
    for words in [
        ["ok", "application", &schema],
        ["ok", "integrity", "every page, row and index is sound"],
        ["ok", "references", "every row has its parent"],
        ["ok", "size", " pages, "],
        ["ok", "calls", "40, the oldest of 2026-03-02"],
        ["ok", "callbacks", "0, 0 of them open"],
    ] {
        said.line(&words);
    }
    assert!(said.out.ends_with("All is well.\n"), "{}", said.out);
    assert_eq!(site.everything(), before, "a check changes nothing");
}

#[test]
fn a_database_in_use_is_checked_by_the_configurations_name_and_said_to_be_in_use() {
    let (site, _server) = site(2);
    let daemon = daemon(&site);
    let said = site.run(&["check", "--config", "callbackd.toml", "--db"]);
    assert_eq!(said.code, 0, "{said:#?}");
    let pid = daemon.child.id().to_string();
    said.line(&["ok", "in use", "by the daemon", &pid]);
    daemon.end(Some(Signal::TERM));
}

#[test]
fn damage_is_named_and_the_lines_that_mend_it_are_given() {
    let (site, _server) = site(600);
    let db = site.path("calls.db");
    Connection::open(&db)
        .unwrap()
        .execute_batch("PRAGMA foreign_keys = off; DELETE FROM calls WHERE linkedid = '1'")
        .unwrap();
    let said = site.run(&["check", "--db", "calls.db"]);
    assert_eq!(said.code, 65, "{said:#?}");
    said.line(&["MISSING", "references", "1 rows of legs have lost their parent"]);
    spoil(&db, "legs");
    let said = site.run(&["check", "--db", "calls.db"]);
    assert_eq!(said.code, 65, "{said:#?}");
    assert!(said.out.lines().any(|line| line.contains("MISSING") && line.contains("integrity")), "{}", said.out);
    for line in
        ["To fix it, in a shell:", "sqlite3 calls.db .dump | sed 's/^ROLLBACK;.*/COMMIT;/' | sqlite3 calls.db.saved"]
    {
        assert!(said.out.contains(line), "{}", said.out);
    }
    let said = site.run(&["check", "--db", "calls.db", "--json"]);
    assert!(said.out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{}", said.out);
}

#[test]
fn the_lines_that_mend_a_damaged_database_do() {
    if std::process::Command::new("sqlite3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no sqlite3 here (apt-get install sqlite3)");
        return;
    }
    let (site, _server) = site(600);
    keeps_everything(&site);
    spoil(&site.path("calls.db"), "queue_visits");
    let said = site.run(&["check", "--db", "calls.db"]);
    let lines: Vec<&str> =
        said.out.lines().filter(|line| ["sqlite3 ", "mv "].iter().any(|word| line.starts_with(word))).collect();
    assert_eq!(lines.len(), 3, "{}", said.out);
    for line in lines {
        let mut shell = std::process::Command::new("sh");
        let done = shell.args(["-c", line]).current_dir(site.directory.path()).output().unwrap();
        assert!(done.status.success(), "{line}: {done:?}");
    }
    let said = site.run(&["check", "--db", "calls.db"]);
    assert_eq!(said.code, 0, "{said:#?}");
    said.line(&["ok", "calls", "600, the oldest of "]);
    daemon(&site).end(Some(Signal::TERM));
}

#[test]
fn what_cannot_be_checked_ends_with_the_code_that_says_why() {
    let (site, _server) = site(0);
    let said = site.run(&["check", "--db", "calls.db"]);
    assert_eq!(said.code, 66, "{said:#?}");
    site.write("calls.db", &"something else\n".repeat(100), 0o600);
    assert_eq!(site.run(&["check", "--db", "calls.db"]).code, 65);
}

#[test]
fn compacting_gives_room_back_and_waits_for_no_daemon() {
    let (site, _server) = site(3_000);
    keeps_everything(&site);
    let running = daemon(&site);
    let said = site.run(&["vacuum", "--config", "callbackd.toml"]);
    let pid = format!("pid {}", running.child.id());
    refused(&said, 75, &["is in use by callbackd", &pid, "systemctl stop callbackd, then vacuum"]);
    running.end(Some(Signal::TERM));
    Connection::open(site.path("calls.db"))
        .unwrap()
        .execute_batch("PRAGMA foreign_keys = on; DELETE FROM calls WHERE linkedid > '2'")
        .unwrap();
    let said = site.run(&["vacuum", "--config", "callbackd.toml", "--json"]);
    assert_eq!(said.code, 0, "{said:#?}");
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let (before, after) = (json["before"].as_u64().unwrap(), json["after"].as_u64().unwrap());
    assert!(after * 3 < before * 2, "{before} bytes before, {after} after");
    assert_eq!(std::fs::metadata(site.path("calls.db")).unwrap().len(), after);
    site.run(&["vacuum", "--db", "calls.db"]).line(&["calls.db: ", " before, ", " now"]);
    assert_eq!(site.run(&["check", "--db", "calls.db"]).code, 0);
    daemon(&site).end(Some(Signal::TERM));
}

#[test]
fn nothing_is_compacted_where_there_is_no_database() {
    let (site, _server) = site(0);
    refused(&site.run(&["vacuum", "--db", "calls.db"]), 66, &["there is no database"]);
    assert!(!site.path("calls.db").exists() && !site.path("calls.db.lock").exists());
}

#[test]
fn a_daemon_that_starts_removes_what_is_older_than_is_kept_and_says_so() {
    let (site, _server) = site(700);
    // Whenever this is run, the calls are older than a day.
    let text = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&text.replace("[store]\n", "[store]\nkeep = \"1d\"\n"));
    let mut daemon = daemon(&site);
    daemon.wait_for("store: Rows older than store.keep were removed, calls=700 callbacks=0 gaps=0 intervals=0 dnc=0");
    daemon.end(Some(Signal::TERM));
    let left: i64 = Connection::open(site.path("calls.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM calls", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_daemon_counts_the_days_that_are_over_and_reports_of_them_stay_the_same() {
    let (site, _server) = site(40);
    keeps_everything(&site);
    let text = std::fs::read_to_string(site.path("callbackd.toml")).unwrap();
    site.configure(&format!("{text}\n[hours]\ntimezone = \"Europe/Berlin\"\n"));
    let mut daemon = daemon(&site);
    daemon.wait_for("store: Days that are over were counted for the report, days=");
    let report =
        || site.run(&["report", "--from", "2026-03-01", "--to", "2026-04-01", "--csv", "--config", "callbackd.toml"]);
    let kept = report();
    assert!(kept.out.contains("\n2026-03-02,40,"), "{kept:#?}");
    let db = Connection::open(site.path("calls.db")).unwrap();
    assert!(db.execute("DELETE FROM report_days", []).unwrap() > 200, "from March up to last week");
    assert_eq!(report().out, kept.out);
    daemon.end(Some(Signal::TERM));
}
