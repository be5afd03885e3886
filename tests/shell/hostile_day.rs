//! A day on which everybody who can write into AMI does their worst: through the whole program, from the socket to the database, the log, the
//! tables and the files that people open elsewhere.

use crate::peer::{Asterisk, Listening, within};
use crate::scripted::{Running, Site};
use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use std::process::Command;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What every number of this day holds, however it is masked.
const DIGITS: &str = "202555";
const NAMES: [&str; 9] = [
    "'; DROP TABLE calls; --",
    "$(touch pwned) `touch pwned` | touch pwned; touch pwned &",
    "=HYPERLINK(\"http://192.0.2.1\";\"click\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m",
    "Ann \u{202e}nnA\u{2028}\u{200b}",
    "x\r2026-01-01 00:00:00.000 ERROR store: Rows are lost",
    "%s%n {} \\x00 \\r\\n",
    "tab\there",
];

/// A customer's channel, as headers.
fn channel(id: &str, number: &str, name: &str) -> String {
    format!(
        "Channel: PJSIP/trunk-{id}\r\nChannelState: 4\r\nCallerIDNum: {number}\r\nCallerIDName: {name}\r\nContext: from-trunk\r\nExten: 5550100\r\nUniqueid: {id}\r\nLinkedid: {id}\r\n"
    )
}

/// A call that waits in a queue until the caller gives up.
fn call(id: &str, number: &str, name: &str, queue: &str) -> String {
    let channel = channel(id, number, name);
    let queued = format!("{channel}Queue: {queue}\r\nPosition: 1\r\nCount: 1\r\n\r\n");
    format!(
        "Event: Newchannel\r\n{channel}\r\nEvent: QueueCallerJoin\r\n{queued}Event: QueueCallerAbandon\r\n{channel}Queue: {queue}\r\nPosition: 1\r\nOriginalPosition: 1\r\nHoldTime: 20\r\n\r\nEvent: QueueCallerLeave\r\n{queued}Event: Hangup\r\n{channel}Cause: 16\r\n\r\n"
    )
}

/// Frames that must cost themselves and nothing else.
fn worst() -> Vec<Vec<u8>> {
    let base = channel("6.6", "12025550166", "Mallory");
    let long = "x".repeat(1 << 20);
    let mut frames: Vec<Vec<u8>> = [
        // This one is logged, the others come too soon after it.
        format!("Event: Newstate\r\n{}\r\n", channel("6.6", "12025550166\r\n+12025550166 no header", "x")),
        // Line breaks in a caller's number: another call's hangup, an answer to an action, an event of its own, half a frame.
        format!("Event: Newstate\r\n{}\r\n", channel("6.6", "12025550166\r\nEvent: Hangup\r\nUniqueid: 7.0", "x")),
        format!("Event: Newstate\r\n{}\r\n", channel("6.6", "12025550166\r\nUniqueid: 7.0\r\nLinkedid: 7.0", "x")),
        format!("Event: Newstate\r\n{}\r\n", channel("6.6", "1\r\n\r\nResponse: Success\r\nActionID: cb-0-1\r\n\r\n12025550166", "x")),
        // A tag for another call, a wish for a call that nobody knows, a tag that is none.
        format!("Event: UserEvent\r\n{base}UserEvent: CallTag\r\nUniqueid: 7.0\r\nCode: DEAL_CLOSED\r\n\r\n"),
        "Event: UserEvent\r\nChannel: PJSIP/nobody\r\nUniqueid: 5.5\r\nLinkedid: 5.5\r\nUserEvent: CallbackRequest\r\nNumber: +12025550166\r\n\r\n".to_owned(),
        format!("Event: UserEvent\r\n{base}UserEvent: CallTag\r\nCode: \u{1b}[31m'; DROP TABLE tags\r\n\r\n"),
        // Numbers that are none, lines that have no end, too many of them.
        format!("Event: Hangup\r\n{base}Cause: 12025550166\r\n\r\n"),
        format!("Event: Newchannel\r\n{}\r\n", channel("6.7", "12025550166", &long)),
        format!("Event: Newchannel\r\n{base}{}\r\n", "Variable: +12025550166\r\n".repeat(10_000)),
        long + "\r\n\r\n",
        // What Asterisk never says unasked.
        "Asterisk Call Manager/66.6\r\nResponse: Error\r\nActionID: cb-0-1\r\nMessage: +12025550166\r\n\r\n".to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    let foreign =
        [b"Event: Newstate\r\n", base.as_bytes(), b"Language: \xff\xfe\xc3\x28 \xed\xa0\x80\r\n\r\n"].concat();
    frames.push(foreign);
    frames.push([b"Event: Newstate\r\n".as_slice(), base.replace("Mallory", "a\0b").as_bytes(), b"\r\n"].concat());
    frames
}

async fn send(asterisk: &mut Asterisk<TcpStream>, bytes: &[u8]) {
    asterisk.stream.write_all(bytes).await.unwrap();
    asterisk.stream.flush().await.unwrap();
}

/// Runs the day; returns the log, and the site as it was left.
async fn day(format: &str) -> (Vec<u8>, Site) {
    let listening = Listening::new().await;
    let port = listening.listener.local_addr().unwrap().port();
    let site = Site::new(port);
    site.configure(&format!(
        "[pbx]\naddress = \"127.0.0.1:{port}\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[api]\nsocket = \"api.sock\"\n\
         [log]\nlevel = \"trace\"\nformat = \"{format}\"\n[callback]\nenabled = true\nquiet = \"off\"\ndelay = \"0s\"\ndial_customer = \"PJSIP/{{number}}@trunk\"\n"
    ));
    let mut daemon = Running::start(site.command(&["run", "--config", "callbackd.toml"]));
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    daemon.wait_for("Asterisk is ready");

    // One honest call lasts through it all, and one of the hostile ones.
    let (honest, mallory) = (call("7.0", "12025550123", "Ann", "sales"), channel("6.6", "12025550166", "Mallory"));
    let (begins, ends) = honest.split_at(honest.find("Event: Hangup").unwrap());
    send(&mut asterisk, begins.as_bytes()).await;
    send(&mut asterisk, format!("Event: Newchannel\r\n{mallory}\r\n").as_bytes()).await;
    for frame in worst() {
        send(&mut asterisk, &frame).await;
    }
    for (n, name) in NAMES.iter().enumerate() {
        let number = format!("1202555018{n}");
        send(&mut asterisk, call(&format!("8.{n}"), &number, name, name).as_bytes()).await;
        send(&mut asterisk, call(&format!("8.1{n}"), name, name, "sales").as_bytes()).await;
    }
    let foreign = [&b"Caf\xe9 \xff\xfe"[..], b"12025550167"].concat();
    let text = call("8.99", "12025550168", "FOREIGN", "sales");
    let (before, after) = text.split_once("FOREIGN").unwrap();
    send(&mut asterisk, &[before.as_bytes(), &foreign, after.replace("FOREIGN", "x").as_bytes()].concat()).await;
    send(&mut asterisk, format!("Event: Hangup\r\n{mallory}Cause: 16\r\n\r\n").as_bytes()).await;
    send(&mut asterisk, ends.as_bytes()).await;
    let last = if format == "json" { "\"call\":\"7.0\"" } else { "Call ended, call=7.0" };
    daemon.wait_for(last);

    // Then Ann's phone is free: the first callback is dialled and fails, and people write what they think of it.
    let member = "Event: QueueMemberAdded\r\nQueue: sales\r\nMemberName: Ann\r\nInterface: PJSIP/101\r\nStateInterface: PJSIP/101\r\nMembership: static\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\nInCall: 0\r\nStatus: 1\r\nPaused: 0\r\nPausedReason: \r\n\r\n";
    send(&mut asterisk, member.as_bytes()).await;
    let dialled = loop {
        let heard = within("an Originate", asterisk.hear()).await.expect("the link lives");
        let id = heard.get("ActionID").to_owned();
        asterisk.say(&format!("Response: Error\nActionID: {id}\nMessage: Cannot reach +12025550123\n\n")).await;
        if heard.get("Action") == "Originate" {
            break heard;
        }
    };
    assert!(!format!("{dialled:?}").contains("touch"), "{dialled:?}");
    for args in [
        &["callbacks", "add", "+1 202 555 0123", "--note", "they said 202-555-0199\u{1b}[2J"][..],
        &["callbacks", "add", "+1 202 555 0177", "--queue", "sales", "--note", "$(touch pwned) +12025550199"],
        &["callbacks", "cancel", "1", "--note", "wrote from 2025550199"],
        &["dnc", "add", "+1 202 555 0178", "--reason", "=cmd|+12025550199"],
    ] {
        let args: Vec<&str> = args.iter().copied().chain(["--config", "callbackd.toml"]).collect();
        let said = tokio::task::block_in_place(|| site.run(&args));
        assert_eq!(said.code, 0, "{said:#?}");
    }
    drop(asterisk);
    let (code, log) = daemon.end(Some(Signal::TERM));
    assert_eq!(code, Some(0), "{log}");
    (log.into_bytes(), site)
}

/// No byte that a terminal obeys, other than line ends.
fn harmless(what: &str, text: &str) {
    for line in text.lines() {
        assert!(!line.contains(char::is_control), "{what}: {line:?}");
    }
}

/// Nor one that turns the direction of reading, or that nobody sees.
fn plain(what: &str, text: &str) {
    harmless(what, text);
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    assert!(!text.contains(turns), "{what}: {text:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_no_number_no_control_byte_and_no_line_but_its_own() {
    let (log, _site) = day("text").await;
    let log = String::from_utf8(log).unwrap();
    plain("log", &log);
    assert!(log.lines().count() > 30, "{log}");
    let refused =
        log.lines().find(|line| line.contains("Malformed AMI event skipped")).unwrap_or_else(|| panic!("{log}"));
    assert!(refused.contains("+*********66 no header"), "{refused}");
    let own =
        regex::Regex::new(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (ERROR|WARN |INFO |DEBUG|TRACE) [a-z_]+: ").unwrap();
    for line in log.lines() {
        assert!(own.is_match(line), "{line}");
        assert!(!line.starts_with("2026-01-01"), "{line}");
        let digits: String = line.chars().filter(|c| !" -()".contains(*c)).collect();
        assert!(!digits.contains(DIGITS), "{line}");
    }
    let (log, _site) = day("json").await;
    for line in String::from_utf8(log).unwrap().lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(object["room"].is_string() && object["message"].is_string(), "{line}");
        let digits: String = line.chars().filter(|c| !" -()".contains(*c)).collect();
        assert!(!digits.contains(DIGITS), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_write_is_kept_as_text_and_reaches_nothing_that_would_obey_it() {
    let (_log, site) = day("text").await;
    let db = Connection::open_with_flags(site.path("calls.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(one("PRAGMA integrity_check"), "ok");
    // The honest call is recorded as it was, and the forged hangup, tag and answer are nobody's.
    let honest = "SELECT concat_ws(' ', direction, number_e164, name, quality, (SELECT count(*) FROM tags WHERE call_id = calls.id AND \"by\" <> 'rule')) FROM calls WHERE linkedid = '7.0'";
    assert_eq!(one(honest), "inbound +12025550123 Ann full 0");
    assert_eq!(one("SELECT CAST(count(*) AS TEXT) FROM calls WHERE linkedid = '6.6' AND quality = 'full'"), "1");
    assert_eq!(one("SELECT CAST(count(*) AS TEXT) FROM calls WHERE linkedid IN ('5.5', '6.7')"), "0");
    for (n, name) in NAMES.iter().enumerate() {
        let kept = name.replace(char::is_control, "\u{fffd}");
        assert_eq!(one(&format!("SELECT name || queue FROM calls WHERE linkedid = '8.{n}'")), kept.repeat(2));
        // As a number, none of them can be called.
        assert_eq!(one(&format!("SELECT coalesce(number_e164, '-') FROM calls WHERE linkedid = '8.1{n}'")), "-");
    }
    assert!(!site.path("pwned").exists());

    let run = |args: &[&str]| {
        let said = site.run(&[args, &["--config", "callbackd.toml"]].concat());
        assert_eq!(said.code, 0, "{args:?} {said:#?}");
        said.out
    };
    for args in [&["calls"][..], &["callbacks", "--all"], &["dnc", "list"]] {
        plain(&args.join(" "), &run(args));
    }
    for n in 1..=10 {
        plain("calls show", &run(&["calls", "show", &n.to_string()]));
    }
    for n in 1..=3 {
        plain("callbacks show", &run(&["callbacks", "show", &n.to_string()]));
    }
    let everything = Command::new("sqlite3").arg("-readonly").arg(site.path("calls.db")).arg(".dump").output();
    match everything {
        Ok(dump) => harmless("sqlite3", std::str::from_utf8(&dump.stdout).unwrap()),
        Err(_) => eprintln!("sqlite3 is not installed: its output is not examined"),
    }
    let csv = run(&["calls", "--csv"]);
    harmless("CSV", &csv.replace("\r\n", "\n"));
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    for row in rows.records() {
        for cell in &row.unwrap() {
            let number = cell.starts_with('+') && cell[1..].bytes().all(|b| b.is_ascii_digit());
            assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
    }
    for args in [&["calls", "--json"][..], &["callbacks", "--all", "--json"]] {
        for line in run(args).lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        }
    }
}
