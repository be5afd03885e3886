//! The change feed of the running daemon: in pages and as a stream, over restarts, for readers that are late, slow or wrong.

use crate::front::{Front, closed};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What the feed of a database says otherwise than its tables do: each writing of a row is one change, and no number is left out.
pub fn faults(db: &Connection) -> Vec<String> {
    let writings = |table: &str, kinds: &str, key: &str, pbx: &str| {
        format!(
            "SELECT r.{key} || ', written ' || r.rev || ' times, recorded ' || (SELECT count(*) FROM outbox o
                WHERE o.key = CAST(r.{key} AS TEXT) AND {pbx} AND o.kind IN ({kinds})) FROM {table} r
              WHERE r.rev <> (SELECT count(*) FROM outbox o WHERE o.key = CAST(r.{key} AS TEXT) AND {pbx} AND o.kind IN ({kinds}))"
        )
    };
    let calls = "'call.ended', 'call.missed', 'call.updated', 'call.recovered'";
    let callbacks = "'callback.created', 'callback.updated', 'callback.late', 'callback.closed'";
    let asked = [
        writings("calls", calls, "linkedid", "o.pbx = r.pbx"),
        writings("callbacks", callbacks, "id", "1"),
        "SELECT 'the feed has a hole' FROM (SELECT max(seq) - min(seq) + 1 AS span, count(*) AS n FROM outbox) WHERE span <> n"
            .to_owned(),
    ];
    let mut faults = Vec::new();
    for sql in &asked {
        let mut found = db.prepare(sql).unwrap();
        faults.extend(found.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    faults
}

/// A client of the stream.
struct Events {
    lines: BufReader<UnixStream>,
}

/// Name, id and data of an event.
type Event = (String, String, Value);

impl Events {
    fn open(front: &Front, query: &str, last: Option<&str>) -> Self {
        let mut stream = UnixStream::connect(front.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        write!(stream, "GET /v1/events{query} HTTP/1.0\r\nHost: x\r\n{last}\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while lines.read_line(&mut head).unwrap() > 2 {}
        assert!(head.starts_with("HTTP/1.0 200 ") && head.contains("text/event-stream"), "{head}");
        Self { lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).expect("the stream goes on") > 0, "the stream ended");
        line.trim_end().to_owned()
    }

    /// The next event; signs of life are passed over.
    fn next(&mut self) -> Event {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("event", text)) => name = text.to_owned(),
                Some(("id", text)) => id = text.to_owned(),
                Some(("data", text)) => data = serde_json::from_str(text).unwrap(),
                None if line.is_empty() && !name.is_empty() => return (name, id, data),
                _ => {}
            }
        }
    }

    fn names(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().0).collect()
    }
}

fn kinds(page: &Value) -> Vec<&str> {
    page["changes"].as_array().unwrap().iter().map(|change| change["kind"].as_str().unwrap()).collect()
}

#[test]
fn changes_come_in_pages_from_a_cursor_on_and_none_is_missed_between_two() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    front.post(&format!("/v1/callbacks/{id}/hold"), &json!({}));
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({"note": "by e-mail"}));
    front.post("/v1/dnc", &json!({"number": "+12025550124"}));
    let (mut after, mut read) = (String::new(), Vec::new());
    loop {
        let page = front.get(&format!("/v1/changes?limit=1&kind=callback,dnc{after}"));
        read.extend(page["changes"].as_array().unwrap().iter().cloned());
        after = format!("&after={}", page["next"].as_str().unwrap());
        if page["more"] == json!(false) {
            break;
        }
    }
    let words: Vec<_> =
        read.iter().map(|change| (change["kind"].as_str().unwrap(), change["rev"].as_i64().unwrap())).collect();
    let callback = ["callback.created", "callback.updated", "callback.closed"];
    assert_eq!(words, [(callback[0], 1), (callback[1], 2), (callback[2], 3), ("dnc.added", 1)]);
    let closed = &read[2];
    assert_eq!((&closed["payload"]["state"], &closed["payload"]["note"]), (&json!("CANCELLED"), &json!("by e-mail")));
    assert_eq!((&closed["row"]["number_e164"], &closed["row"]["rev"]), (&json!("+12025550123"), &json!(3)));
    assert_eq!((&closed["pbx"], &read[3]["pbx"], &closed["late"]), (&json!("pbx"), &Value::Null, &json!(false)));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    assert_eq!(closed["site"], json!(host), "the machine's name where the configuration gives none");
    assert_eq!(kinds(&front.get("/v1/changes?kind=callback.closed,dnc")), ["callback.closed", "dnc.added"]);
    assert_eq!(front.get(&format!("/v1/changes?{}", &after[1..]))["changes"], json!([]));
}

#[test]
fn a_stream_tells_what_happens_and_goes_on_where_it_was_cut_also_over_a_killed_daemon() {
    let mut front = Front::open("");
    let mut events = Events::open(&front, "?kind=callback", None);
    assert_eq!(events.next().0, "begin");
    let id = front.added("+12025550123");
    let (name, last, data) = events.next();
    assert_eq!((name.as_str(), &data["key"]), ("callback.created", &json!(id.to_string())));
    front.post(&format!("/v1/callbacks/{id}/hold"), &json!({}));
    front.killed();
    front.start();
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({}));
    let mut events = Events::open(&front, "", Some(&last));
    let mut read: Vec<Event> = Vec::new();
    while read.last().is_none_or(|(name, ..)| name != "callback.closed") {
        read.push(events.next());
    }
    let names: Vec<&str> = read.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names[..2], ["begin", "callback.updated"]);
    assert!(names.contains(&"link.up"), "the new daemon sees its PBX: {names:?}");
    let seqs: Vec<i64> = read[1..].iter().map(|(_, _, data)| data["seq"].as_i64().unwrap()).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{read:?}");
    let mut closed_only = Events::open(&front, "?kind=callback.closed", Some(&last));
    assert_eq!(closed_only.names(2), ["begin", "callback.closed"]);
}

#[test]
fn a_reader_that_cannot_go_on_gets_how_things_are_and_where_to_go_on() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    let (status, answer) = front.ask("GET", "/v1/changes?after=00000000-7", &Value::Null);
    assert_eq!((status, &answer["field"]), (410, &json!("after")));
    assert!(
        answer["cursor"].as_str().is_some_and(|cursor| answer["fix"].as_str().unwrap().ends_with(cursor)),
        "{answer}"
    );
    let fix = answer["fix"].as_str().unwrap();
    let next = fix.rsplit_once("after=").unwrap().1;
    assert_eq!(front.get(&format!("/v1/changes?after={next}"))["changes"], json!([]));
    let mut events = Events::open(&front, "", Some("00000000-7"));
    let (name, last, data) = events.next();
    assert_eq!((name.as_str(), &data["cursor"]), ("reset", &json!(last)));
    assert_eq!(data["live"]["callbacks"], json!({"PENDING": 1}));
    assert_eq!(data["live"]["agents"].as_array().unwrap().len(), 2);
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({}));
    assert_eq!(events.next().0, "callback.closed");
}

#[test]
fn what_is_asked_wrongly_is_refused_with_the_field_and_the_fix() {
    let front = Front::open("");
    for (path, field, words) in [
        ("/v1/changes?after=42", "after", "take `next`"),
        ("/v1/changes?kind=call.lost", "kind", "callback.closed"),
        ("/v1/changes?limit=many", "limit", "a whole number (/usr/share/doc/callbackd/openapi.json)"),
        ("/v1/changes?limit=0", "limit", "from 1 on"),
        ("/v1/calls?limit=0", "limit", "from 1 on"),
        ("/v1/callbacks?limit=0", "limit", "from 1 on"),
        ("/v1/agents?limit=0", "limit", "from 1 on"),
        ("/v1/dnc?limit=0", "limit", "from 1 on"),
        ("/v1/changes?from=1", "from", "use `after`, `kind`, `pbx`, `limit`"),
        ("/v1/events?after=x-1", "after", "id of an event"),
        ("/v1/calls?status=LOST", "status", "NOANSWER"),
        ("/v1/calls?direction=up", "direction", "inbound"),
        ("/v1/calls?after=1", "after", "header Link"),
        ("/v1/calls?since_ms=yesterday", "since_ms", "a whole number"),
        ("/v1/calls?until_ms=1772445600", "until_ms", "in milliseconds: 1772445600000"),
        ("/v1/callbacks?state=LOST", "state", "PENDING"),
        ("/v1/callbacks?open=yes", "open", "true or false"),
        ("/v1/calls?limit=99999999999999999999", "limit", "a smaller number"),
        ("/v1/callbacks/1?queue=sales", "queue", "leave it out"),
        ("/v1/callbacks/1?pbx=pbx", "pbx", "leave it out"),
        ("/v1/webhooks?x=1", "x", "leave it out"),
        ("/v1/tokens?x=1", "x", "leave it out"),
        ("/v1/calls?pbx=pbx&pbx=pbx", "pbx", "give it once"),
        ("/v1/status?pbx=pbx&pbx=other", "pbx", "give it once"),
        ("/v1/calls/1?pbx=pbx&pbx=other", "pbx", "give it once"),
        ("/v1/calls?pbx=", "pbx", "leave it out"),
        ("/v1/calls/1?pbx=", "pbx", "leave it out"),
        ("/v1/live?pbx=", "pbx", "leave it out"),
        ("/v1/status?pbx=", "pbx", "leave it out"),
        ("/v1/codes?pbx", "pbx", "leave it out"),
        ("/v1/calls?pbx=elsewhere", "pbx", "there is `pbx`"),
        ("/v1/calls?since_ms=1772445600000&until_ms=1772445600000", "until_ms", "behind since_ms"),
        ("/v1/callbacks/seven", "path", "whole numbers"),
    ] {
        let (status, answer) = front.ask("GET", path, &Value::Null);
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{path}: {answer}");
        assert!(answer["fix"].as_str().unwrap().contains(words), "{path}: {answer}");
        assert!(!answer["error"].as_str().unwrap().contains("deserialize"), "{path}: {answer}");
    }
}

#[test]
fn orders_with_what_nobody_knows_are_refused_with_the_field_and_the_fix() {
    let front = Front::open("");
    for (method, path, body, field, words) in [
        ("POST", "/v1/callbacks?x=1", json!({"number": "+12025550123"}), "x", "leave it out"),
        ("POST", "/v1/callbacks/1/cancel?note=x", json!({}), "note", "leave it out"),
        ("POST", "/v1/dnc?x=1", json!({"number": "+12025550123"}), "x", "leave it out"),
        ("DELETE", "/v1/dnc/+12025550123?x=1", Value::Null, "x", "leave it out"),
        ("POST", "/v1/tags?pbx=pbx", json!({"call": "1.1", "code": "SPAM"}), "pbx", "leave it out"),
        ("DELETE", "/v1/tags/1.1/SPAM?x=1", Value::Null, "x", "use `pbx`"),
        ("POST", "/v1/tokens?x=1", json!({"name": "a", "role": "read"}), "x", "leave it out"),
        ("DELETE", "/v1/tokens/a?x=1", Value::Null, "x", "leave it out"),
        ("POST", "/v1/webhooks/crm/test?x=1", Value::Null, "x", "leave it out"),
        ("POST", "/v1/callbacks/1/cancel", json!({"notes": ""}), "notes", "use `note`"),
        ("POST", "/v1/callbacks", json!({"number": "+12025550123", "pbx": "x"}), "pbx", "there is `pbx`"),
        ("POST", "/v1/callbacks", json!({"number": "+12025550123", "pbx": ""}), "pbx", "there is `pbx`"),
        ("POST", "/v1/callbacks", json!({"number": "+12025550123", "at": "soon"}), "at", "2026-11-30T09:30"),
    ] {
        let (status, answer) = front.ask(method, path, &body);
        assert_eq!((status, &answer["field"]), (400, &json!(field)), "{method} {path}: {answer}");
        assert!(answer["fix"].as_str().unwrap().contains(words), "{method} {path}: {answer}");
    }
    assert_eq!(front.get("/v1/callbacks"), json!([]));
    assert_eq!(front.get("/v1/dnc"), json!([]));
}

#[test]
fn streams_take_no_turn_of_other_requests_and_give_signs_of_life() {
    let front = Front::with_waits("heartbeat=100");
    let mut streams: Vec<Events> = (0..8).map(|_| Events::open(&front, "?kind=dnc", None)).collect();
    assert_eq!(front.get("/v1/status")["streams"], json!(8), "eight streams, and a request is answered");
    let first = &mut streams[0];
    assert_eq!(first.next().0, "begin");
    assert_eq!(first.line(), ":");
    drop(streams);
    let mut left = front.get("/v1/status")["streams"].as_u64().unwrap();
    while left > 0 {
        left = front.get("/v1/status")["streams"].as_u64().unwrap();
    }
}

#[test]
fn a_client_that_does_not_read_is_cut_and_others_receive_all() {
    let front = Front::with_waits("unread=500");
    let deaf = Events::open(&front, "", None);
    let mut awake = Events::open(&front, "?kind=dnc", None);
    assert_eq!(awake.next().0, "begin");
    let reason = "\u{1F4A3}".repeat(500);
    for n in 0..400 {
        front.post("/v1/dnc", &json!({"number": format!("+1202555{n:04}"), "reason": reason}));
        assert_eq!(awake.next().2["key"], json!(format!("+1202555{n:04}")));
    }
    closed(&mut deaf.lines.into_inner());
    let mut left = 2;
    while left != 1 {
        left = front.get("/v1/status")["streams"].as_u64().unwrap();
    }
}

/// The daemon's resident set, bytes.
fn resident(front: &Front) -> f64 {
    let metrics = front.get("/metrics");
    let line = metrics
        .as_str()
        .unwrap()
        .lines()
        .find_map(|line| line.strip_prefix("callbackd_process_resident_memory_bytes "));
    line.unwrap().parse().unwrap()
}

#[test]
fn of_what_clients_that_are_late_and_do_not_read_could_get_little_is_kept_for_each() {
    let front = Front::open("");
    let reason = "\u{1F4A3}".repeat(500);
    for n in 0..300 {
        front.post("/v1/dnc", &json!({"number": format!("+1202555{n:04}"), "reason": reason}));
    }
    let feed = front.get("/v1/changes?limit=1");
    let late = format!("?after={}", feed["next"].as_str().unwrap());
    let before = resident(&front);
    let deaf: Vec<Events> = (0..200).map(|_| Events::open(&front, &late, None)).collect();
    for client in &deaf {
        // As much as the system takes for who does not read is about 200 KiB.
        while rustix::io::ioctl_fionread(client.lines.get_ref()).unwrap() < 128 << 10 {
            std::thread::yield_now();
        }
    }
    let each = (resident(&front) - before) / deaf.len() as f64;
    println!("{each} bytes for each");
    // With pieces of 512 KiB it was 680 KB, with those of 16 KiB it is 240 KB, a connection's own 64 KB among them.
    assert!(each < f64::from(384 << 10), "{each} bytes");
}

#[test]
fn what_is_live_what_waits_and_whether_all_is_well_can_be_asked() {
    let mut front = Front::open("");
    let live = front.get("/v1/live");
    assert_eq!((&live["calls"], live["agents"].as_array().unwrap().len()), (&json!([]), 2));
    let queue = &front.get("/v1/queues")[0];
    let expected = json!({"pbx": "pbx", "queue": "sales", "waiting": 0, "longest_since_ms": null, "members": 2, "free": 0, "paused": 2});
    assert_eq!(queue, &expected);
    let (status, answer) = front.ask("GET", "/v1/queues?pbx=other", &Value::Null);
    assert_eq!((status, &answer["error"]), (400, &json!("no PBX `other`; there is `pbx`")));
    assert_eq!(front.get("/v1/calls"), json!([]));
    assert_eq!(front.ask("GET", "/v1/calls/4711", &Value::Null).0, 404);
    assert_eq!(front.get("/healthz"), json!({"status": "ok"}));
    assert_eq!(front.get("/readyz"), json!({"status": "ok", "why": []}));
    let (code, log) = front.ended(Signal::TERM);
    assert_eq!(code, Some(0), "{log}");
}
