//! More than the daemon can take, and a database or a log that take nothing: the AMI socket is read all the same, and all is right afterwards.

use crate::peer::{Asterisk, Listening, within};
use crate::scripted::{Running, SECRET, Site, counter};
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Events of the burst.
const BURST: usize = 200_000;
/// What the manual advises for manager.conf: a client that makes Asterisk wait for longer is closed.
const WRITETIMEOUT: Duration = Duration::from_secs(5);
/// Events of one call of it.
const OF_A_CALL: usize = 4;

/// A customer's call that is given up while Ann's phone rings: its events up to the last but one, and the end.
fn call(id: usize) -> (String, String) {
    let channel = format!(
        "Channel: PJSIP/trunk-{id:08x}\nChannelState: 4\nCallerIDNum: 12025550123\nContext: from-trunk\nExten: 5550100\nUniqueid: 9.{id}\nLinkedid: 9.{id}\n"
    );
    let mut text = String::new();
    write!(text, "Event: Newchannel\n{channel}\n").unwrap();
    for application in ["Answer", "Playback"] {
        write!(text, "Event: Newexten\n{channel}Extension: 5550100\nApplication: {application}\nAppData: \n\n")
            .unwrap();
    }
    (text, format!("Event: Hangup\n{channel}Cause: 16\nCause-txt: Normal Clearing\n\n"))
}

/// The list of channels, in which this call is still up.
fn list(id: usize, action_id: &str) -> String {
    format!(
        "Response: Success\nActionID: {action_id}\nEventList: start\nMessage: Channels will follow\n\n\
         Event: CoreShowChannel\nActionID: {action_id}\nChannel: PJSIP/trunk-{id:08x}\nChannelState: 4\nCallerIDNum: 12025550123\nContext: from-trunk\nExten: 5550100\nUniqueid: 9.{id}\nLinkedid: 9.{id}\nApplication: Playback\nApplicationData: \nDuration: 00:00:09\nBridgeId: \n\n\
         Event: CoreShowChannelsComplete\nActionID: {action_id}\nEventList: Complete\nListItems: 1\n\n"
    )
}

fn rows<T: rusqlite::types::FromSql>(site: &Site, sql: &str) -> T {
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A counter of the daemon, by its path below `/counters/pbx/pbx`.
fn counts(site: &Site, path: &str) -> usize {
    let status = tokio::task::block_in_place(|| site.any_status());
    usize::try_from(counter(&status, path)).unwrap()
}

/// Waits until the database says so.
async fn until(site: &Site, sql: &str) {
    let waiting = async {
        while !rows::<bool>(site, sql) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(sql, waiting).await;
}

/// Whatever Asterisk is asked, with this call alive; until the daemon closes.
async fn answer_all(asterisk: &mut Asterisk<TcpStream>, alive: usize) {
    while let Some(heard) = asterisk.hear().await {
        let id = heard.get("ActionID").to_owned();
        match heard.get("Action") {
            "CoreShowChannels" => asterisk.say(&list(alive, &id)).await,
            action @ "QueueStatus" => {
                let start = format!("Response: Success\nActionID: {id}\nEventList: start\n\n");
                asterisk
                    .say(&(start + &format!("Event: {action}Complete\nActionID: {id}\nEventList: Complete\n\n")))
                    .await;
            }
            _ => asterisk.say(&format!("Response: Success\nActionID: {id}\n\n")).await,
        }
    }
}

async fn site() -> (Listening, Site) {
    let listening = Listening::new().await;
    let port = listening.listener.local_addr().unwrap().port();
    let site = Site::new(port);
    site.configure(&format!(
        "[pbx]\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n"
    ));
    assert_eq!(std::fs::read_to_string(site.path("secret")).unwrap().trim_end(), SECRET);
    (listening, site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_on_a_daemon_that_stands_still_is_taken_said_once_and_mended() {
    let (listening, site) = site().await;
    // Nobody reads its log, so that it stands still as soon as the pipe is full: the worst that the core can do to the reader.
    let mut command = site.command(&["run", "--config", "callbackd.toml"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    let (lives, ends) = call(0);
    asterisk.say(&lives).await;
    let warm: String = (1..=2_000).map(call).map(|(begins, ends)| begins + &ends).collect();
    asterisk.say(&warm).await;
    // A line of less than 200 bytes for each row that is on the disk, into 64 KiB: by then it stands still, or will before 2,000.
    until(&site, "SELECT count(*) >= 300 FROM calls").await;

    let burst: String = (0..BURST / OF_A_CALL).map(|n| call(10_000 + n)).map(|(begins, ends)| begins + &ends).collect();
    assert_eq!(burst.matches("Event: ").count(), BURST);
    let burst = burst.replace('\n', "\r\n");
    let began: i64 = rows(&site, "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)");
    let writing = async {
        asterisk.stream.write_all(burst.as_bytes()).await.unwrap();
        asterisk.stream.flush().await.unwrap();
    };
    let started = Instant::now();
    within("the burst to be read", writing).await;
    assert!(started.elapsed() < WRITETIMEOUT, "{:?}", started.elapsed());
    let ended: i64 = rows(&site, "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)");

    let mut daemon = Running::watch(child);
    let answering = async {
        answer_all(&mut asterisk, 0).await;
    };
    tokio::select! {
        () = answering => panic!("the link is lost"),
        () = until(&site, "SELECT count(*) >= 1 FROM gaps") => {}
    }
    let (fresh, fresh_ends) = call(5_000);
    asterisk.say(&(ends + &fresh + &fresh_ends)).await;
    until(&site, "SELECT count(*) = 2 FROM calls WHERE linkedid IN ('9.0', '9.5000')").await;
    daemon.wait_for("call=9.5000");

    let recorded: String =
        rows(&site, "SELECT group_concat(quality) FROM calls WHERE linkedid IN ('9.0', '9.5000') ORDER BY linkedid");
    assert_eq!(recorded, "partial,full", "the call that lived on, and one that came after");
    let causes: String = rows(&site, "SELECT group_concat(DISTINCT cause) FROM gaps");
    assert_eq!(causes, "overload");
    let (from, to): (i64, i64) =
        (rows(&site, "SELECT min(from_ms) FROM gaps"), rows(&site, "SELECT max(to_ms) FROM gaps"));
    assert!(began <= from && from <= ended && ended <= to, "{began} <= {from} <= {ended} <= {to}");
    // Each call of the burst is in the database, or its events were among those that were dropped.
    let kept: i64 = rows(&site, "SELECT count(*) FROM calls");
    // The queue may have overflowed again while it was emptied; that is counted, and the log says it once.
    let dropped = i64::try_from(counts(&site, "link/dropped")).unwrap();
    let overflows: i64 = rows(&site, "SELECT count(*) FROM gaps");
    drop(asterisk);
    let said = daemon.end(Some(Signal::TERM)).1;
    let line = said.lines().find(|l| l.contains("AMI event queue overflowed")).unwrap_or_else(|| panic!("{said}"));
    assert_eq!(said.matches("AMI event queue overflowed").count(), 1, "{line}");
    assert!(line.contains("ERROR"), "{line}");
    let first: i64 = line.split_once("dropped=").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(0 < first && first <= dropped && dropped < BURST as i64, "{dropped}: {line}");
    let expected = (BURST as i64 - dropped) / OF_A_CALL as i64;
    // Each overflow begins in the middle of a call, and ends in that of another.
    assert!(
        (kept - 2_002 - expected).abs() <= 2 * overflows,
        "{kept} rows, {dropped} events dropped, {overflows} gaps"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_never_makes_asterisk_wait() {
    let (listening, site) = site().await;
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    daemon.wait_for("Asterisk is ready");
    let other = Connection::open(site.path("calls.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // More than the buffers of both sockets hold; each portion has room among the events that wait for the daemon's loop.
    let long = format!("AppData: {}\n", "x".repeat(7_000));
    let mut longest = Duration::ZERO;
    for n in 1..=2_000 {
        let (begins, ends) = call(n);
        let text = begins.replace("AppData: \n", &long) + &ends;
        let started = Instant::now();
        within("an event to be taken", asterisk.say(&text)).await;
        longest = longest.max(started.elapsed());
        if n % 500 == 0 {
            let taken = async {
                while counts(&site, "tracker/events") < n * OF_A_CALL {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            within("the portion to be taken", taken).await;
        }
    }
    daemon.wait_for("The database cannot be written; rows wait in memory");
    assert!(longest < WRITETIMEOUT, "{longest:?}");
    other.execute_batch("ROLLBACK").unwrap();
    daemon.wait_for("Database can be written again");
    until(&site, "SELECT count(*) = 2000 FROM calls").await;
    assert_eq!(rows::<i64>(&site, "SELECT count(*) FROM gaps"), 0);
    drop(asterisk);
    daemon.end(Some(Signal::TERM));
}
