//! `callbackd demo`: a call centre without a PBX, from the first call to the table at the end.

use crate::ports::free_port;
use crate::scripted::{Running, Site, callbackd, mode, said};
use crate::tokens::ask;
use callbackd::demo::office::Office;
use callbackd::demo::pbx::{Input, Pbx};
use callbackd::demo::town::{Event, Folk, Town};
use callbackd::demo::truth::Fate;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};
use std::time::Duration;

struct Demo {
    child: Child,
    log: BufReader<ChildStderr>,
    said: String,
}

impl Demo {
    fn start(place: &Path, args: &[&str]) -> Self {
        let mut command = callbackd(&[&["demo"], args].concat());
        command.env("TMPDIR", place).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log, said: String::new() }
    }

    /// Reads the log until a line has this text, which is returned.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended without {text:?}:\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ctrl-C; then exit code and what was printed.
    fn end(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.log.read_to_string(&mut self.said).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        (self.child.wait().unwrap().code(), out)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_missed_caller_is_called_back_before_ones_eyes() {
    let place = tempfile::tempdir().unwrap();
    let db = place.path().join("kept.db");
    let mut demo = Demo::start(place.path(), &["--seed", "7", "--db", db.to_str().unwrap()]);
    for text in
        ["session: Asterisk is ready", "Callback queued", "Callback offered", "Callback connected", "state=DONE"]
    {
        demo.wait_for(text);
    }
    let (code, out) = demo.end();
    assert_eq!(code, Some(0));
    // Columns are as wide as what the day brought.
    let words: Vec<&str> = out.split_whitespace().map(|word| word.trim_end_matches(',')).collect();
    let has = |row: &str| words.windows(row.split(' ').count()).any(|w| w.join(" ") == row);
    for row in [
        "Calls Outcome",
        "ANSWER AGENT",
        "Callbacks",
        "DONE",
        "missed calls won back:",
        "by callback",
        concat!(env!("CARGO_BIN_EXE_callbackd"), " agents --config"),
        concat!(env!("CARGO_BIN_EXE_callbackd"), " missed --config"),
        "sqlite3 -readonly",
    ] {
        assert!(has(row), "{row:?} is not in\n{out}");
    }
    let listed = said(callbackd(&["calls", "--db", db.to_str().unwrap()]).output().unwrap());
    assert!(listed.out.contains("AGENT") && listed.code == 0, "{listed:#?}");
    let directory = fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir()).unwrap();
    assert_eq!(mode(&directory), 0o700);
    let config = directory.join("callbackd.toml");
    let listed = said(callbackd(&["callbacks", "--all", "--config", config.to_str().unwrap()]).output().unwrap());
    assert!(listed.out.contains("DONE"), "what is told to look into can be looked into: {listed:#?}");
}

#[test]
fn it_ends_when_it_says_and_its_words_agree_with_the_database() {
    let place = tempfile::tempdir().unwrap();
    let db = place.path().join("kept.db");
    #[allow(clippy::disallowed_methods)] // how long it takes is what is asked
    let began = std::time::Instant::now();
    let args = ["demo", "--duration", "12s", "--calls-per-minute", "120", "--seed", "5", "--db", db.to_str().unwrap()];
    let said = said(callbackd(&args).env("TMPDIR", place.path()).output().unwrap());
    assert_eq!(said.code, 0, "{said:#?}");
    // The daemon takes a moment to begin and to end.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(said.err.contains("Lines closed; missed callers are called back while there is time"), "{}", said.err);
    assert!(said.err.contains(concat!(env!("CARGO_BIN_EXE_callbackd"), " tail --config ")), "{}", said.err);
    let database = rusqlite::Connection::open(&db).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let (calls, missed) =
        (count("SELECT count(*) FROM calls WHERE direction = 'inbound'"), count("SELECT count(*) FROM v_missed"));
    assert!(said.out.contains(&format!("{calls} calls, {missed} missed;")), "{calls} {missed} {}", said.out);
    let beside = [
        (
            "SELECT count(*) FROM calls WHERE direction = 'callback'",
            "Callback calls (direction cb), not counted above: {}\n",
        ),
        ("SELECT count(*) FROM callbacks WHERE closed_ms IS NULL", "Callbacks still open when the demo ended: {}\n"),
        (
            "SELECT count(*) FROM calls WHERE direction = 'inbound' AND outcome = 'GAP'",
            "Calls in progress when the demo ended, whose end nobody saw: {}\n",
        ),
    ];
    for (sql, words) in beside {
        let n = count(sql);
        assert_eq!(said.out.contains(&words.replace("{}", &n.to_string())), n > 0, "{n} {}", said.out);
    }
    let proposed: Vec<&str> =
        said.out.lines().filter(|line| line.contains("callbackd") && line.starts_with("  /")).collect();
    assert!(proposed.len() > 5 && proposed.iter().all(|line| line.contains(" --config ")), "{proposed:#?}");
}

#[test]
fn calls_in_progress_when_a_demo_is_cut_short_are_shown_as_such_and_not_as_a_gap() {
    let place = tempfile::tempdir().unwrap();
    let db = place.path().join("kept.db");
    let mut demo =
        Demo::start(place.path(), &["--seed", "5", "--calls-per-minute", "600", "--db", db.to_str().unwrap()]);
    demo.wait_for("Callback queued");
    let (code, out) = demo.end();
    assert_eq!(code, Some(0));
    let database = rusqlite::Connection::open(&db).unwrap();
    let sql = "SELECT count(*) FROM calls WHERE direction = 'inbound' AND outcome = 'GAP'";
    let cut: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(cut > 0, "so many call that some always do");
    let row = out.lines().find(|line| line.starts_with("(in progress)")).unwrap_or_else(|| panic!("{out}"));
    assert_eq!(row.split_whitespace().last(), Some(cut.to_string().as_str()), "{out}");
    assert!(!out.contains("GAP"), "{out}");
}

#[test]
fn a_demo_has_pages_and_the_api_for_whoever_has_its_token_on_this_machine_alone() {
    let place = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let db = place.path().join("kept.db");
    let mut demo = Demo::start(place.path(), &["--api", &address, "--seed", "7", "--db", db.to_str().unwrap()]);
    let line = demo.wait_for("Token: cbt_");
    demo.wait_for("session: Asterisk is ready");
    let token = line.rsplit(' ').next().unwrap().trim();
    let bearer = format!("Bearer {token}");
    let (status, _, live) = ask(port, "GET", "/v1/live", &[("Authorization", &bearer)], "");
    assert!(status == 200 && live["queues"].is_array(), "{live}");
    assert_eq!(ask(port, "GET", "/v1/live", &[], "").0, 401);
    assert_eq!(demo.end().0, Some(0));
    let kept = rusqlite::Connection::open(&db).unwrap();
    let tokens: i64 = kept.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).unwrap();
    assert_eq!(tokens, 0, "a database that is kept keeps no token");
    let refused = said(callbackd(&["demo", "--api", "0.0.0.0:8380"]).output().unwrap());
    assert!(refused.code == 64 && refused.err.contains("an address of this machine"), "{refused:#?}");
}

#[test]
fn a_demo_without_time_is_refused() {
    for short in ["0s", "900ms"] {
        let said = said(callbackd(&["demo", "--duration", short]).output().unwrap());
        assert!(said.code == 64 && said.err.contains("a demo lasts a second at least"), "{said:#?}");
    }
}

#[test]
fn in_a_pipe_it_ends_when_nobody_reads() {
    for reads_the_log in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let mut demo = Demo::start(place.path(), &["--duration", "20m", "--seed", "3"]);
        demo.wait_for("call: ");
        if reads_the_log {
            drop(demo.child.stdout.take());
            demo.log.read_to_string(&mut demo.said).unwrap();
        } else {
            // In place of the log's pipe stands that of a process that has gone.
            let mut gone = std::process::Command::new("true").stderr(Stdio::piped()).spawn().unwrap();
            demo.log = BufReader::new(gone.stderr.take().unwrap());
            gone.wait().unwrap();
        }
        assert_eq!(demo.child.wait().unwrap().code(), Some(0), "{}", demo.said);
    }
}

#[test]
fn it_ends_by_itself_when_nobody_is_left_to_be_called() {
    let place = tempfile::tempdir().unwrap();
    let mut command = callbackd(&["demo", "--duration", "2s", "--calls-per-minute", "1", "--seed", "3"]);
    let said = said(command.env("TMPDIR", place.path()).output().unwrap());
    assert_eq!(said.code, 0, "{said:#?}");
    assert!(said.out.contains("calls, "), "{said:#?}");
}

#[test]
fn two_pretend_pbxs_have_one_daemon_and_one_list_of_missed_callers() {
    let place = tempfile::tempdir().unwrap();
    let db = place.path().join("kept.db");
    let mut demo = Demo::start(place.path(), &["--pbxs", "2", "--seed", "7", "--db", db.to_str().unwrap()]);
    for text in ["Pretend PBXs at", "pbx=demo-1", "pbx=demo-2", "Callback connected"] {
        demo.wait_for(text);
    }
    let (code, out) = demo.end();
    assert_eq!(code, Some(0));
    assert!(out.lines().any(|line| line.split_whitespace().eq(["PBX", "Calls", "Outcome"])), "{out}");
    let served = |name: &str| {
        let of = |line: &str| line.split_whitespace().take(3).eq([name, "ANSWER", "AGENT"]);
        out.lines().any(of)
    };
    assert!(served("demo-1") && served("demo-2"), "{out}");
    let of = |name: &str| {
        let listed = callbackd(&["calls", "--pbx", name, "--db", db.to_str().unwrap()]).output().unwrap();
        said(listed).out.lines().count()
    };
    assert!(of("demo-1") > 1 && of("demo-2") > 1);
    let refused = said(callbackd(&["demo", "--pbxs", "9"]).output().unwrap());
    assert_eq!(refused.code, 64, "{refused:#?}");
}

#[test]
fn others_may_connect_to_the_pretend_pbx() {
    let place = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("127.0.0.1:{port}");
    let mut demo = Demo::start(place.path(), &["--listen", &address]);
    demo.wait_for("session: Asterisk is ready");
    let stream = TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut greeting = String::new();
    BufReader::new(stream).read_line(&mut greeting).unwrap();
    assert_eq!(greeting, "Asterisk Call Manager/11.0.0\r\n");
    assert_eq!(demo.end().0, Some(0));
}

#[test]
fn two_daemons_at_one_pretend_pbx_see_each_others_sign() {
    let place = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut demo = Demo::start(place.path(), &["--listen", &format!("127.0.0.1:{port}")]);
    demo.wait_for("session: Asterisk is ready");
    let directory = fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_dir()).unwrap();
    let of_first = fs::read_to_string(directory.join("callbackd.toml")).unwrap();
    let site = Site::new(port);
    site.write("secret", &fs::read_to_string(directory.join("secret")).unwrap(), 0o600);
    let own = site.path("calls.db");
    let lines: Vec<String> = of_first
        .lines()
        .map(|line| if line.starts_with("path = ") { format!("path = {own:?}") } else { line.to_owned() })
        .collect();
    site.configure(&lines.join("\n"));
    let mut second = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    second.wait_for("Another callbackd makes callbacks on this PBX; this one makes none");
    let status = site.run(&["status", "--config", "callbackd.toml"]);
    status.line(&["ANOTHER CALLBACKD", "so this one makes none"]);
    let (code, _) = second.end(Some(Signal::TERM));
    assert_eq!(code, Some(0));
    assert_eq!(demo.end().0, Some(0));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let place = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = said(callbackd(&["demo", "--listen", &address]).env("TMPDIR", place.path()).output().unwrap());
    assert_eq!(said.code, 73, "{said:#?}");
    assert!(said.err.contains(&address) && said.err.contains("in use"), "{said:#?}");
    let said = crate::scripted::said(callbackd(&["demo", "--calls-per-minute", "0"]).output().unwrap());
    assert_eq!(said.code, 64, "{said:#?}");
}

/// Lives an hour of the pretend centre at once, without a daemon: how each call ended, and how many there were.
fn an_hour(seed: u64) -> Vec<Fate> {
    let office = Office::lively();
    let mut town = Town::new(&office, seed, 36, 0);
    let mut pbx = Pbx::new(office, Box::new(Folk::new(seed)), 0);
    let (mut now, mut fates) = (0, Vec::new());
    while now < 3_600_000 {
        now = pbx.deadline().unwrap_or(i64::MAX).min(town.deadline()).max(now);
        pbx.advance(now);
        while let Some(event) = town.next(now) {
            match event {
                Event::Call(caller) => pbx.handle(Input::Call(caller), now),
                Event::Break(agent, why) => pbx.handle(Input::Break(agent, Some(why)), now),
                Event::Back(agent) => pbx.handle(Input::Break(agent, None), now),
            }
        }
        fates.extend(std::iter::from_fn(|| pbx.past()).map(|past| past.fate));
        while pbx.poll().is_some() {}
    }
    fates
}

#[test]
fn the_pretend_centre_misses_as_many_calls_as_a_real_one() {
    for seed in 1..6 {
        let fates = an_hour(seed);
        let of = |fate| fates.iter().filter(|f| **f == fate).count();
        let missed = (fates.len() - of(Fate::Served)) * 100 / fates.len();
        let each = [Fate::Served, Fate::Abandoned, Fate::LostInMenu, Fate::Unattended].map(of);
        assert!((5..=15).contains(&missed), "seed {seed}: {missed} % of {}: {each:?}", fates.len());
        assert!(each.iter().all(|count| *count > 0), "seed {seed}: {each:?}");
    }
}
