//! A database that cannot be written, for real: nobody is dialled, calls wait, it is said, and all is there when the trouble is over.

use crate::exchange::{Eager, Exchange, configuration, impatient, nobody};
use crate::front::Front;
use crate::scripted::{Running, SHORT_WAITS, Site, mode, said};
use callbackd::demo::office::Office;
use callbackd::demo::people::Caller;
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Nobody waits this long unless a test fails.
const PATIENCE: Duration = Duration::from_secs(60);
const CANNOT: &str = "store: The database cannot be written; rows wait in memory until it can";
const DAMAGED: &str = "store: The database is damaged or gone: nobody is called back, and rows are in memory only until it can be written";

/// A daemon with one callback that waits for an agent; all agents are at lunch.
struct Scene {
    daemon: Running,
    exchange: Exchange,
    site: Site,
    db: PathBuf,
    unpromised: Arc<Mutex<Vec<String>>>,
}

fn rows(db: &Path, sql: &str) -> i64 {
    let reader = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    reader.busy_timeout(Duration::from_secs(10)).unwrap();
    reader.query_row(sql, [], |row| row.get(0)).unwrap()
}

impl Scene {
    /// The database is `db`, relative to the site.
    fn open(site: Site, db: &str) -> Self {
        Self::with_waits(site, db, SHORT_WAITS)
    }

    /// The same with these waits.
    fn with_waits(site: Site, db: &str, waits: &str) -> Self {
        let path = site.path(db);
        let unpromised = Arc::new(Mutex::new(Vec::new()));
        let (promised_in, recorded) = (path.clone(), Arc::clone(&unpromised));
        let exchange = Exchange::open(Office::small(), Box::new(Eager(500)), nobody(), move |id| {
            let written =
                rows(&promised_in, &format!("SELECT count(*) FROM callback_attempts WHERE channel_id = '{id}'"));
            if written != 1 {
                recorded.lock().unwrap().push(id.to_owned());
            }
        });
        for agent in 0..Office::small().agents.len() {
            exchange.pause(agent, Some("lunch"));
        }
        site.write("secret", "demo\n", 0o600);
        site.configure(&configuration(exchange.port, "", "").replace("calls.db", db));
        let mut command = site.command(&["run", "--config", "callbackd.toml"]);
        command.env("CALLBACKD_TIMING", waits);
        let mut daemon = Running::start(command);
        daemon.wait_for("session: Asterisk is ready");
        exchange.call(impatient("12025550101", 300));
        daemon.wait_for("callback: Callback queued");
        Self { daemon, exchange, site, db: path, unpromised }
    }

    fn status(&self) -> Value {
        let said = self.site.run(&["status", "--json", "--config", "callbackd.toml"]);
        assert_eq!(said.code, 0, "{said:#?}");
        serde_json::from_str(&said.out).unwrap()
    }

    #[allow(clippy::disallowed_methods, reason = "a deadline against hanging")]
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if holds(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} did not come: {status:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The trouble has begun: customers call, an agent comes back for whom a callback is due, and nobody is dialled.
    fn goes_on_without_dialling(&mut self, line: &str, error: &str) {
        let open = |status: &Value| {
            status["callbacks"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(open(&self.status()), 1);
        self.exchange.call(impatient("12025550102", 300));
        self.daemon.wait_for(line);
        self.until("a second missed caller", |status| open(status) == 2);
        self.exchange.pause(0, None);
        self.until("the intent to call back", |status| status["attempts"] == 1);
        // Whatever was about to be sent then has been sent by the time that one more call has come, ended and been recorded.
        self.exchange.call(Caller { did: "5550102".to_owned(), ..impatient("12025550103", 300) });
        let status = self.until("a third missed caller", |status| open(status) == 3);
        assert_eq!(self.exchange.known().originated, [] as [&str; 0], "dialled without a promise on the disk");
        assert!(status["store_error"].as_str().is_some_and(|recorded| recorded.contains(error)), "{status:#}");
        assert!(status["unsaved"].as_u64().unwrap() >= 3, "{status:#}");
        let shown = self.site.run(&["status", "--config", "callbackd.toml"]).out;
        assert!(shown.contains("CANNOT BE WRITTEN") && shown.contains("records wait"), "{shown}");
    }

    /// The trouble is over: what waited is written, and then the customers are called.
    fn recovers(mut self) -> Site {
        self.daemon.wait_for("store: Database can be written again");
        self.exchange.until("Originate", |known| !known.originated.is_empty());
        self.until("the end of the trouble", |status| status["store_error"].is_null() && status["unsaved"] == 0);
        assert_eq!(rows(&self.db, "SELECT count(*) FROM calls WHERE direction = 'inbound'"), 3);
        assert_eq!(rows(&self.db, "SELECT count(*) FROM callbacks"), 3);
        assert_eq!(*self.unpromised.lock().unwrap(), [] as [&str; 0]);
        let (code, said) = self.daemon.end(Some(Signal::TERM));
        assert_eq!(code, Some(0), "{said}");
        let reader = Connection::open(&self.db).unwrap();
        let integrity: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(integrity, "ok");
        self.site
    }
}

#[test]
fn while_another_process_holds_the_lock_nobody_is_dialled() {
    let mut scene = Scene::open(Site::new(0), "calls.db");
    let other = Connection::open(&scene.db).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    scene.goes_on_without_dialling(CANNOT, &format!("is locked by pid {} (", std::process::id()));
    other.execute_batch("COMMIT").unwrap();
    scene.recovers();
}

/// Whoever may read a file may lock it for reading, and so keep its writer away.
#[test]
fn a_reader_who_locks_the_log_is_named_by_an_error_and_nobody_is_dialled_meanwhile() {
    let mut scene = Scene::open(Site::new(0), "calls.db");
    let index = fs::File::open(scene.site.path("calls.db-shm")).unwrap();
    rustix::fs::fcntl_lock(&index, rustix::fs::FlockOperation::NonBlockingLockShared).unwrap();
    let named = format!("is locked by pid {} (", std::process::id());
    scene.goes_on_without_dialling(CANNOT, &named);
    scene.daemon.wait_for("ERROR store: Another process keeps the database locked: nobody is called back");
    drop(index);
    let site = scene.recovers();
    assert_eq!(mode(&site.path("calls.db.lock")), 0o600, "it cannot be locked by a reader");
    // At the next start as well: it ends as what is tried again, and the log names them.
    let reader = Connection::open(site.path("calls.db")).unwrap();
    reader.query_row("SELECT count(*) FROM calls", [], |row| row.get::<_, i64>(0)).unwrap();
    let index = fs::File::open(site.path("calls.db-shm")).unwrap();
    rustix::fs::fcntl_lock(&index, rustix::fs::FlockOperation::NonBlockingLockShared).unwrap();
    let said = site.run(&["run", "--config", "callbackd.toml"]);
    assert_eq!(said.code, 75, "{said:?}");
    assert!(format!("{}{}", said.out, said.err).contains(&named), "{said:?}");
}

/// A file system of its own, gone with the test.
struct Small(PathBuf);

impl Small {
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "callbackd-test"]).arg(&at).output();
        match done {
            Ok(output) if output.status.success() => Some(Self(at)),
            other => {
                eprintln!("SKIPPED: a small file system cannot be mounted here (root is needed): {other:?}");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn while_the_disk_is_full_nobody_is_dialled() {
    let site = Site::new(0);
    let Some(small) = Small::mount(site.path("small")) else { return };
    let mut scene = Scene::open(site, "small/calls.db");
    let filler = small.0.join("filler");
    let full = fs::write(&filler, vec![0; 2 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    scene.goes_on_without_dialling(CANNOT, "full");
    // A copy to a full disk is refused too, and leaves nothing.
    let copy = small.0.join("copy.db");
    let said = scene.site.run(&["backup", copy.to_str().unwrap(), "--config", "callbackd.toml"]);
    assert_eq!(said.code, 74, "{said:#?}");
    assert!(said.err.contains("full") && fs::read_dir(&small.0).unwrap().count() == 5, "{said:#?}");
    fs::remove_file(&filler).unwrap();
    let site = scene.recovers();
    drop(small);
    drop(site);
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk_and_ends_no_daemon() {
    let mut scene = Scene::open(Site::new(0), "calls.db");
    let pid = Pid::from_child(&scene.daemon.child);
    let log = fs::metadata(scene.site.path("calls.db-wal")).unwrap().len();
    let usual = getrlimit(Resource::Fsize);
    prlimit(Some(pid), Resource::Fsize, Rlimit { current: Some(log), ..usual }).unwrap();
    scene.goes_on_without_dialling(CANNOT, "disk");
    prlimit(Some(pid), Resource::Fsize, usual).unwrap();
    scene.recovers();
}

#[test]
fn a_database_that_was_moved_away_is_not_written_to_where_nobody_finds_it() {
    let mut scene = Scene::open(Site::new(0), "calls.db");
    let aside = scene.site.path("aside.db");
    fs::rename(&scene.db, &aside).unwrap();
    scene.goes_on_without_dialling(DAMAGED, "was removed or replaced");
    assert!(!scene.db.exists(), "nothing is made in its place");
    fs::rename(&aside, &scene.db).unwrap();
    scene.recovers();
}

#[test]
fn a_page_that_goes_bad_is_an_error_with_its_fix_and_nothing_is_lost_if_it_comes_back() {
    let mut scene = Scene::open(Site::new(0), "calls.db");
    let connection = Connection::open(&scene.db).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    let at = number("PRAGMA page_size") * (number("SELECT rootpage FROM sqlite_schema WHERE name = 'calls'") - 1);
    let mut good = vec![0; usize::try_from(number("PRAGMA page_size")).unwrap()];
    drop(connection);
    let file = fs::File::options().read(true).write(true).open(&scene.db).unwrap();
    file.read_exact_at(&mut good, at).unwrap();
    file.write_all_at(&vec![0xA5; good.len()], at).unwrap();
    // What the daemon has in memory is of no use any more once somebody else has written.
    Connection::open(&scene.db).unwrap().execute_batch("UPDATE codes SET label = 'Busy' WHERE code = 'BUSY'").unwrap();
    scene.goes_on_without_dialling(DAMAGED, "is damaged");
    file.write_all_at(&good, at).unwrap();
    scene.recovers();
}

#[test]
fn a_stop_in_the_middle_of_the_trouble_tells_each_call_that_it_gives_up() {
    let mut scene = Scene::with_waits(Site::new(0), "calls.db", "stop=3000");
    let other = Connection::open(&scene.db).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    scene.exchange.call(impatient("12025550102", 300));
    scene.daemon.wait_for(CANNOT);
    // What waits for the disk says that the call has begun, and only the tracker that it is over.
    scene.until("a second missed caller", |status| {
        status["unsaved"].as_u64() >= Some(2) && status["pbx"][0]["calls"] == 0
    });
    let (code, said) = scene.daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{said}");
    let given_up = said.lines().find(|line| line.contains("call: Call lost")).unwrap_or_else(|| panic!("{said}"));
    for word in ["status=CANCEL", "outcome=QUEUE_ABANDON", "queue=sales", "number=+12…0102"] {
        assert!(given_up.contains(word), "{given_up}");
    }
    assert!(said.contains("Stopped with records that could not be written, they are lost"), "{said}");
}

#[test]
fn a_damaged_database_is_not_started_with_and_stays_as_it_is() {
    let site = Site::new(1);
    let db = site.path("calls.db");
    let mut store = callbackd::store::Store::open(&db).unwrap();
    let calls: Vec<_> = (0..300).map(|n| crate::stored::record(crate::stored::answered(&format!("1.{n}")))).collect();
    store.write(&calls).unwrap();
    drop(store);
    crate::stored::spoil(&db, "legs");
    // The lock beside it says who took it last.
    let database = || site.everything().into_iter().filter(|(name, _)| !name.ends_with(".lock")).collect::<Vec<_>>();
    let before = database();
    let mut command = site.command(&["run", "--config", "callbackd.toml"]);
    // So small a database is checked whole before anything is written, on a busy machine too.
    command.env("CALLBACKD_TIMING", "first_check=20000");
    let said = said(command.output().unwrap());
    assert_eq!(said.code, 65, "{said:#?}");
    for word in ["store: Cannot use the database, stopping", "is damaged", "restore a backup", ".recover"] {
        assert!(said.err.contains(word), "{said:#?}");
    }
    assert_eq!(database(), before);
}

#[test]
fn a_record_that_the_database_refuses_is_named_by_its_pbx_and_callback() {
    let mut front = Front::open("");
    Connection::open(front.site.path("calls.db"))
        .unwrap()
        .execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON callbacks BEGIN SELECT raise(ABORT, 'no'); END")
        .unwrap();
    front.ask("POST", "/v1/callbacks", &json!({"number": "+12025550123", "queue": "sales"}));
    let (_, log) = front.ended(Signal::TERM);
    for line in ["Row refused by the database, it is lost", "The database refused a record, it is lost"] {
        let line = log.lines().find(|said| said.contains(line)).unwrap_or_else(|| panic!("no {line}: {log}"));
        assert!(line.contains(" pbx=pbx callback=1 err="), "{line}");
    }
}

#[test]
fn a_large_database_is_checked_when_the_daemon_is_ready_and_stops_it_if_it_is_damaged() {
    let site = Site::new(1);
    let db = site.path("calls.db");
    drop(callbackd::store::Store::open(&db).unwrap());
    // More than there is time for before anything is recorded, and what is damaged is the end of it.
    Connection::open(&db)
        .unwrap()
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
             INSERT INTO gaps (pbx, from_ms, to_ms, cause, calls_lost) SELECT 'pbx', i, i + 1, 'daemon_down', 0 FROM n;
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    let file = fs::File::options().write(true).open(&db).unwrap();
    file.write_all_at(&[0xA5; 4096], file.metadata().unwrap().len() - 4096).unwrap();
    let said = site.run(&["run", "--config", "callbackd.toml"]);
    assert_eq!(said.code, 65, "{said:#?}");
    for word in ["daemon: callbackd starts", "store: Cannot use the database, stopping", "is damaged"] {
        assert!(said.err.contains(word), "{said:#?}");
    }
}
