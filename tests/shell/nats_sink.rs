//! A stream of the running daemon, on a real NATS server that is killed, emptied and refuses: what is in it is what happened, without a hole.

use crate::front::{Front, http};
use crate::nats::{Message, Nats, SITE};
use crate::scripted::Site;
use crate::tls::Workshop;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub const WAITS: &str = "sink=5000,sink_pause=20,sink_lists=200";

/// A daemon's place with a sink `stream` to this server; not started yet.
pub fn into(server: &Nats, site: &str, more: &str) -> Front {
    let front = Front::closed(&format!(
        "[[sink]]\nname = \"stream\"\ntype = \"nats\"\nurl = \"nats://127.0.0.1:{}\"\nuser = \"site\"\npassword_file = \"site\"\n{more}",
        server.port
    ));
    let text = std::fs::read_to_string(front.site.path("callbackd.toml")).unwrap();
    front.site.configure(&format!("site = \"{site}\"\n{text}"));
    front.site.write("site", SITE, 0o600);
    front.site.write("admin", crate::nats::ADMIN, 0o600);
    front
}

/// `sink` as the administrator.
fn administered(front: &Front, args: &[&str]) {
    let args = [&["sink"], args, &["--user", "admin", "--password-file", "admin"]].concat();
    let said = front.run(&args);
    assert_eq!(said.code, 0, "{said:?}");
}

pub fn made(front: &Front) {
    administered(front, &["init", "stream", "--apply"]);
}

/// Asks until the stream has all that the feed has, and returns the sink's counters.
pub fn whole(site: &Site) -> Value {
    loop {
        let (_, status) = http(&site.path("api.sock"), "GET", "/v1/status", "").unwrap();
        let sink = status["counters"]["sinks"]["stream"].clone();
        let is_zero = |name: &str| sink[name] == json!(0);
        if sink["batches"].as_u64() > Some(0)
            && is_zero("behind")
            && is_zero("lag_ms")
            && sink["walking"] == json!(false)
            && sink["failing_since_ms"].is_null()
        {
            return sink;
        }
    }
}

/// What a reader has who takes each message once, in the order of its chain: the changes since the tables, of the last database that is there.
/// Panics if one is missing.
fn taken(messages: &[Message]) -> Vec<&Message> {
    let chains = messages.iter().filter_map(|message| message.number("Callbackd-Chain"));
    let last = chains.max().expect("a chain");
    let of_chain = messages.iter().filter(|message| message.number("Callbackd-Chain") == Some(last));
    let (mut pieces, mut changes) = (BTreeMap::new(), BTreeMap::new());
    for message in of_chain {
        if let Some(n) = message.number("Callbackd-Piece") {
            pieces.entry(n).or_insert(message);
        } else if let Some(seq) = message.number("Callbackd-Seq") {
            changes.entry(seq).or_insert(message);
        }
    }
    let end = pieces.last_key_value().expect("tables").1;
    assert_eq!(pieces.len(), usize::try_from(end.number("Callbackd-Piece").unwrap()).unwrap() + 1);
    assert!(end.json()["next"].is_null(), "{end:?}");
    let mut at = end.number("Callbackd-Seq").unwrap();
    let mut all: Vec<&Message> = pieces.into_values().collect();
    for (seq, message) in changes {
        let after = message.number("Callbackd-After").unwrap();
        assert!(after <= at && at < seq, "{after} to {seq} at {at}");
        at = seq;
        all.push(message);
    }
    all
}

pub fn newest(front: &Front) -> i64 {
    front.row("SELECT max(seq) FROM outbox")
}

/// The feed counts from this change on again, as on a machine whose disk was set back: it is the same database, and its lock file knows no better.
pub fn set_back(front: &Front, known: i64, lock: &[u8]) {
    let db = rusqlite::Connection::open(front.site.path("calls.db")).unwrap();
    db.execute_batch(&format!(
        "DELETE FROM outbox WHERE seq > {known}; UPDATE sqlite_sequence SET seq = {known} WHERE name = 'outbox';
         UPDATE sinks SET acked_seq = min(acked_seq, {known})"
    ))
    .unwrap();
    drop(db);
    std::fs::write(front.site.path("calls.db.lock"), lock).unwrap();
}

/// More is recorded than up to this change. Returns the numbers that were added.
pub fn grows_beyond(front: &Front, lost: i64) -> Vec<String> {
    let mut added = Vec::new();
    while newest(front) <= lost {
        added.push(format!("+120255502{:02}", added.len()));
        front.added(&added[added.len() - 1]);
    }
    added
}

/// Where a machine stands that is to be set back to that: its newest change, and its lock file.
pub fn stands(front: &Front) -> (i64, Vec<u8>) {
    (newest(front), std::fs::read(front.site.path("calls.db.lock")).unwrap())
}

/// Up to the newest change. What a start finds out comes some moments after it.
fn complete(front: &Front, server: &Nats) {
    loop {
        whole(&front.site);
        let messages = server.messages();
        let last = taken(&messages).last().unwrap().number("Callbackd-Seq");
        if last == Some(newest(front)) {
            return;
        }
    }
}

#[test]
fn each_change_is_published_once_in_its_order_with_the_rows_that_it_is_about() {
    let server = Nats::new();
    let front = into(&server, "Bad Ems", "");
    made(&front);
    let front = front.started(WAITS);
    whole(&front.site);
    let id = front.added("+12025550123");
    front.post("/v1/dnc", &json!({"number": "+12025550124"}));
    front.ask("DELETE", "/v1/dnc/+12025550124", &Value::Null);
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({"note": "by e-mail"}));
    complete(&front, &server);
    let messages = server.messages();
    let ids: BTreeSet<&str> = messages.iter().map(|message| message.header("Nats-Msg-Id").unwrap()).collect();
    assert_eq!(ids.len(), messages.len());
    let db: String = front.row("SELECT db_uuid FROM identity");
    let changes: Vec<&Message> =
        messages.iter().filter(|message| message.header("Callbackd-After").is_some()).collect();
    for change in &changes {
        let (seq, body) = (change.number("Callbackd-Seq").unwrap(), change.json());
        assert_eq!(change.header("Nats-Msg-Id"), Some(format!("{db}_{seq}").as_str()));
        assert_eq!((&body["seq"], &body["site"], &body["db_uuid"]), (&json!(seq), &json!("Bad Ems"), &json!(db)));
        let kind: String = front.row(&format!("SELECT kind FROM outbox WHERE seq = {seq}"));
        assert!(change.subject.starts_with("callbackd.Bad%20Ems.") && change.subject.ends_with(&kind), "{change:?}");
    }
    let of = |kind: &str| changes.iter().rev().find(|change| change.subject.ends_with(kind)).unwrap().json();
    let closed = of("callback.closed");
    let callbacks = &closed["rows"]["callbacks"];
    let at = callbacks["columns"].as_array().unwrap().iter().position(|name| name == "state").unwrap();
    assert_eq!(callbacks["rows"][0][at], json!("CANCELLED"), "{closed}");
    assert_eq!(of("dnc.removed")["called_again"], json!(["+12025550124"]));
    assert!(messages.iter().any(|message| message.subject == "callbackd.Bad%20Ems._.lists"));
    let shown = front.run(&["sink", "show", "stream"]);
    assert!(shown.line(&["Site Bad Ems:"]).contains(&format!("change {}", newest(&front))), "{shown:?}");
    assert!(shown.line(&["This site:"]).contains("0 changes behind"), "{shown:?}");
}

#[test]
fn a_server_that_is_killed_and_a_daemon_that_is_killed_leave_no_hole_even_when_the_server_has_forgotten_what_it_knew() {
    let mut server = Nats::new();
    let front = into(&server, "berlin", "dedup_window = \"1s\"\n");
    made(&front);
    let mut front = front.started(WAITS);
    for round in 0..8 {
        for n in 0..3 {
            let id = front.added(&format!("+1202555{:04}", round * 10 + n));
            if n > 0 {
                front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({}));
            }
        }
        if round % 3 == 2 {
            server.kill();
            front.added(&format!("+1202555{:04}", round * 10 + 9));
            server.start();
        }
        front.killed();
        front = front.started(WAITS);
    }
    complete(&front, &server);
    let chains: BTreeSet<_> = server.messages().iter().map(|message| message.number("Callbackd-Chain")).collect();
    assert_eq!(chains.len(), 1, "no table was read again");
}

#[test]
fn each_trouble_is_said_once_with_its_fix_and_nothing_is_lost_by_it() {
    let mut server = Nats::new();
    let mut front = into(&server, "berlin", "").started(WAITS);
    front.said("Sink is failing, changes wait, sink=stream err=\"stream callbackd is missing: callbackd sink init NAME --apply makes it\"");
    made(&front);
    front.said("Sink works again, sink=stream");
    complete(&front, &server);

    administered(&front, &["init", "stream", "--apply", "--max-mib", "1"]);
    let config = server.api("STREAM.INFO.callbackd", &json!({}))["config"].clone();
    let mut full = config.clone();
    full["max_msgs"] = server.api("STREAM.INFO.callbackd", &json!({}))["state"]["messages"].clone();
    assert!(server.api("STREAM.UPDATE.callbackd", &full)["error"].is_null());
    let id = front.added("+12025550123");
    front.said("err=\"the stream is full (");
    server.api("STREAM.UPDATE.callbackd", &config);
    front.said("Sink works again");
    complete(&front, &server);

    server.password("another");
    front.said("Sink is failing, changes wait");
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({}));
    server.password(SITE);
    front.said("Sink works again");
    complete(&front, &server);
    server.password("another");
    front.said("Sink is failing, changes wait");
    front.ended(Signal::TERM);
    let mut front = front.started(WAITS);
    front.said("err=\"the server refuses user and password (");
    front.site.write("site", "another", 0o600);
    front.said("Sink works again");
    complete(&front, &server);
    let (_, log) = front.ended(Signal::TERM);
    assert_eq!(log.matches("Sink is failing").count(), 1, "{log}");
}

#[test]
fn what_was_taken_out_of_the_stream_is_published_anew() {
    let server = Nats::new();
    let front = into(&server, "berlin", "");
    made(&front);
    let mut front = front.started(WAITS);
    front.added("+12025550123");
    complete(&front, &server);
    administered(&front, &["anew", "stream"]);
    front.said("Sink gets all tables anew: the feed does not go on from its place, sink=stream why=\"messages of this site are gone");
    front.added("+12025550124");
    complete(&front, &server);
    // While the daemon was not there.
    front.ended(Signal::TERM);
    administered(&front, &["anew", "stream"]);
    let mut front = front.started(WAITS);
    front.said("why=\"the stream holds nothing of this site\"");
    complete(&front, &server);
    let rows: i64 = server
        .messages()
        .iter()
        .filter(|m| m.subject.ends_with("_.copy"))
        .map(|m| m.json()["rows"]["callbacks"]["rows"].as_array().map_or(0, Vec::len))
        .sum::<usize>()
        .try_into()
        .unwrap();
    assert_eq!(rows, 2);
}

#[test]
fn numbers_that_come_again_after_the_machine_was_set_back_are_other_messages() {
    let server = Nats::new();
    let front = into(&server, "berlin", "");
    made(&front);
    let mut front = front.started(WAITS);
    front.added("+12025550123");
    complete(&front, &server);
    front.ended(Signal::TERM);
    let (known, lock) = stands(&front);
    let mut front = front.started(WAITS);
    for n in 0..5 {
        front.added(&format!("+1202555013{n}"));
    }
    complete(&front, &server);
    front.ended(Signal::TERM);
    set_back(&front, known, &lock);
    let mut front = front.started(WAITS);
    front.said("why=\"the machine was set back: the stream has changes that are not here\"");
    front.added("+12025550141");
    complete(&front, &server);
    let messages = server.messages();
    let last = taken(&messages).last().unwrap().json();
    assert!(last["rows"]["callbacks"].to_string().contains("+12025550141"), "{last}");
}

#[test]
fn a_machine_that_was_set_back_and_recorded_more_than_it_lost_before_it_reached_the_server_is_found_out() {
    let mut server = Nats::new();
    let front = into(&server, "berlin", "");
    made(&front);
    let mut front = front.started(WAITS);
    front.added("+12025550123");
    complete(&front, &server);
    front.ended(Signal::TERM);
    let (known, lock) = stands(&front);
    let mut front = front.started(WAITS);
    front.added("+12025550131");
    complete(&front, &server);
    front.ended(Signal::TERM);
    let lost = newest(&front);
    set_back(&front, known, &lock);
    server.kill();
    let mut front = front.started(WAITS);
    let added = grows_beyond(&front, lost);
    server.start();
    front.said("why=\"the machine was set back: the stream has changes that are not here\"");
    complete(&front, &server);
    let messages = server.messages();
    let all: String = taken(&messages).iter().map(|message| message.json()["rows"].to_string()).collect();
    assert!(added.iter().all(|number| all.contains(number)), "{all}");
}

#[test]
fn what_is_too_long_for_the_server_goes_without_its_rows_and_the_next_as_ever() {
    let server = Nats::with("max_payload: 8192");
    let front = into(&server, "berlin", "");
    made(&front);
    let mut front = front.started(WAITS);
    let id = front.added("+12025550123");
    for _ in 0..30 {
        let note: String = (0..190).map(|_| fastrand::alphanumeric()).collect();
        front.post(&format!("/v1/callbacks/{id}/hold"), &json!({ "note": note }));
        front.post(&format!("/v1/callbacks/{id}/release"), &json!({ "note": note.to_lowercase() }));
    }
    front.said("A change is too long for the stream and goes without its rows");
    front.added("+12025550124");
    assert!(whole(&front.site)["too_large"].as_u64() > Some(0));
    complete(&front, &server);
    let messages = server.messages();
    let without = messages.iter().find(|message| !message.json()["too_large"].is_null()).unwrap().json();
    assert!(without["too_large"].as_u64() > Some(6_000) && without["rows"].is_null(), "{without}");
    let last = taken(&messages).last().unwrap().json();
    assert!(last["rows"]["callbacks"].to_string().contains("+12025550124"), "{last}");
}

#[test]
fn a_certificate_of_another_authority_gets_nothing_and_a_server_without_one_neither() {
    let workshop = Workshop::new();
    for name in ["ours", "theirs"] {
        workshop.write(
            "ca.cfg",
            "[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nCN=Test\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n",
        );
        workshop.openssl(&format!("genrsa -out {name}.key 2048"));
        workshop.openssl(&format!("req -new -config ca.cfg -x509 -days 365 -key {name}.key -out {name}.crt"));
        workshop.write("leaf.cfg", "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
        workshop.openssl(&format!("genrsa -out {name}-leaf.key 2048"));
        workshop.openssl(&format!("req -batch -new -subj /CN=nats -key {name}-leaf.key -out leaf.csr"));
        workshop.openssl(&format!(
            "x509 -req -days 365 -in leaf.csr -CA {name}.crt -CAkey {name}.key -set_serial 01 -extfile leaf.cfg -out {name}-leaf.crt"
        ));
    }
    let mut server = Nats::unstarted("");
    let front = into(&server, "berlin", "tls_ca_file = \"ours.crt\"\n");
    let text = std::fs::read_to_string(front.site.path("callbackd.toml")).unwrap();
    front.site.configure(&text.replace("nats://", "tls://"));
    std::fs::copy(workshop.path("ours.crt"), front.site.path("ours.crt")).unwrap();
    server.start();
    let mut front = front.started(WAITS);
    front.said("err=\"what answers is no NATS server as it should be: it has no TLS");
    server.kill();
    let tls = |name: &str| {
        format!(
            "tls {{ cert_file: {:?}, key_file: {:?} }}",
            workshop.path(&format!("{name}-leaf.crt")),
            workshop.path(&format!("{name}-leaf.key"))
        )
    };
    server.configured(&tls("theirs"));
    front.ended(Signal::TERM);
    let mut front = front.started(WAITS);
    front.said("err=\"the certificate is refused: it was not ");
    server.kill();
    server.configured(&tls("ours"));
    made(&front);
    front.said("Sink works again");
    front.added("+12025550123");
    let sink = whole(&front.site);
    assert!(sink["rows"].as_u64() > Some(0), "{sink}");
}
