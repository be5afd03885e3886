//! The daemon under a clock on the wall that people set: timers go on by the other one, and no duration is negative. With libfaketime; where it
//! is not installed this is skipped, and said so.

use crate::peer::{Asterisk, Listening, within};
use crate::scripted::{Running, Site};
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];
const HOUR_MS: i64 = 3_600_000;

/// A daemon whose wall clock is set by the file `clock`: `+0`, `+5h`.
struct Shifted {
    site: Site,
    daemon: Running,
    asterisk: Asterisk<TcpStream>,
}

impl Shifted {
    async fn start() -> Option<Self> {
        let Some(library) = LIBRARIES.iter().find(|path| Path::new(path).exists()) else {
            eprintln!("libfaketime is not installed (package faketime): clocks that jump are not examined");
            return None;
        };
        let listening = Listening::new().await;
        let port = listening.listener.local_addr().unwrap().port();
        let site = Site::new(port);
        site.configure(&format!(
            "[pbx]\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
             [callback]\nenabled = true\nquiet = \"off\"\ndelay = \"3s\"\ndial_customer = \"PJSIP/{{number}}@trunk\"\n"
        ));
        std::fs::write(site.path("clock"), "+0").unwrap();
        let mut command = site.command(&["run", "--config", "callbackd.toml"]);
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", site.path("clock"))
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut daemon = Running::start(command);
        let mut asterisk = listening.accept().await;
        asterisk.serve().await;
        daemon.wait_for("Asterisk is ready");
        let mut shifted = Self { site, daemon, asterisk };
        // Ann's phone is free.
        shifted
            .asterisk
            .say(
                "Event: QueueMemberAdded\nQueue: sales\nMemberName: Ann\nInterface: PJSIP/101\nStateInterface: PJSIP/101\nMembership: static\n\
                 Penalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nStatus: 1\nPaused: 0\nPausedReason: \n\n",
            )
            .await;
        Some(shifted)
    }

    /// Somebody sets the clock.
    fn set(&self, shift: &str) {
        // As one step: the program may look at any time.
        std::fs::write(self.site.path("clock.new"), shift).unwrap();
        std::fs::rename(self.site.path("clock.new"), self.site.path("clock")).unwrap();
    }

    /// The beginning and the end of a call that a caller gives up in the queue.
    fn call(id: &str) -> (String, String) {
        let channel = format!(
            "Channel: PJSIP/trunk-{id}\nChannelState: 4\nCallerIDNum: 12025550123\nContext: from-trunk\nExten: 5550100\nUniqueid: {id}\nLinkedid: {id}\n"
        );
        (
            format!(
                "Event: Newchannel\n{channel}\nEvent: QueueCallerJoin\n{channel}Queue: sales\nPosition: 1\nCount: 1\n\n"
            ),
            format!(
                "Event: QueueCallerAbandon\n{channel}Queue: sales\nPosition: 1\nOriginalPosition: 1\nHoldTime: 20\n\n\
                 Event: QueueCallerLeave\n{channel}Queue: sales\nPosition: 1\nCount: 0\n\nEvent: Hangup\n{channel}Cause: 16\n\n"
            ),
        )
    }

    /// The next action of this name, after whatever comes before it.
    async fn hears(&mut self, action: &str) {
        let hearing = async {
            loop {
                let heard = self.asterisk.hear().await.expect("the link lives");
                let id = heard.get("ActionID").to_owned();
                self.asterisk.say(&format!("Response: Success\nActionID: {id}\n\n")).await;
                if heard.get("Action") == action {
                    return;
                }
            }
        };
        within(action, hearing).await;
    }

    fn row(&self, columns: &str, id: &str) -> Vec<i64> {
        let db = Connection::open_with_flags(self.site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = db.prepare(&format!("SELECT {columns} FROM calls WHERE linkedid = ?1")).unwrap();
        let width = statement.column_count();
        statement.query_row([id], |row| (0..width).map(|n| row.get(n)).collect()).unwrap()
    }
}

/// The clock jumps while a call waits, and again while its callback is awaited.
async fn jump(during: &str, after: &str) {
    let Some(mut shifted) = Shifted::start().await else { return };
    let (begins, ends) = Shifted::call("7.1");
    shifted.asterisk.say(&begins).await;
    shifted.daemon_has_read().await;
    shifted.set(during);
    shifted.asterisk.say(&ends).await;
    shifted.daemon.wait_for("Callback queued");
    let missed = Instant::now();
    shifted.set(after);
    shifted.hears("Originate").await;
    let waited = missed.elapsed();
    assert!(waited < Duration::from_secs(10), "three seconds by any clock that nobody sets, not {waited:?}");
    assert!(waited > Duration::from_secs(1), "{waited:?}");

    for ms in shifted.row("ended_ms - started_ms, wait_ms, queue_wait_ms, ring_ms, talk_ms, hold_ms", "7.1") {
        assert!(ms >= 0, "{ms} ms");
    }
    drop(shifted.asterisk);
    let (code, log) = shifted.daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    assert!(!log.contains("_s=-"), "a duration below zero: {log}");
}

impl Shifted {
    /// Something that was sent later has been answered, so all before it has been read.
    async fn daemon_has_read(&mut self) {
        let seen = async {
            loop {
                let said = tokio::task::block_in_place(|| self.site.run(&["status", "--config", "callbackd.toml"]));
                if said.out.contains("1 in progress") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        within("the call to be seen", seen).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_by_hours_delays_nothing_and_makes_no_duration_negative() {
    jump("-5h", "-10h").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_forward_by_hours_hastens_nothing() {
    jump("+2h", "+3h").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_after_the_clock_was_set_bears_the_time_on_the_wall() {
    let Some(mut shifted) = Shifted::start().await else { return };
    shifted.set("+5h");
    let (begins, ends) = Shifted::call("7.2");
    shifted.asterisk.say(&(begins + &ends)).await;
    shifted.daemon.wait_for("Callback queued");
    let ended = shifted.row("ended_ms", "7.2")[0];
    let now: i64 = Connection::open_in_memory()
        .unwrap()
        .query_row("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)", [], |row| row.get(0))
        .unwrap();
    assert!((ended - now - 5 * HOUR_MS).abs() < 60_000, "{} ms ahead", ended - now);
    drop(shifted.asterisk);
    shifted.daemon.end(Some(Signal::TERM));
}
