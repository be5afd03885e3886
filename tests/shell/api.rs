//! The local API of the running daemon, over its real socket: what is answered, what is refused, who may come in, and what a bad client can do.

use crate::front::{Front, closed, http};
use crate::scripted::{mode, said};
use crate::stored::{answered, record};
use callbackd::store::Store;
use callbackd_core::model::{PbxId, Record};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

#[test]
fn status_tells_how_things_stand() {
    let front = Front::open("");
    let status = front.get("/v1/status");
    let pbx = &status["pbx"][0];
    assert_eq!((&pbx["name"], &pbx["link"], &pbx["calls"]), (&json!("pbx"), &json!("live"), &json!(0)), "{status}");
    assert_eq!((&pbx["agents"], &pbx["free"]), (&json!(2), &json!(0)), "{status}");
    assert_eq!((&status["callbacks_enabled"], &status["attempts"]), (&json!(true), &json!(0)), "{status}");
    assert_eq!(status["store_error"], Value::Null);
}

#[test]
fn agents_are_listed_with_what_keeps_them() {
    let front = Front::open("");
    let agents = front.get("/v1/agents");
    let recorded: Vec<_> = agents.as_array().unwrap().iter().map(|a| (&a["agent"], &a["free"], &a["queues"])).collect();
    let expected = [(json!("PJSIP/101"), json!({"sales": "lunch"})), (json!("PJSIP/102"), json!({"sales": ""}))];
    assert_eq!(recorded, expected.each_ref().map(|(agent, queues)| (agent, &Value::Bool(false), queues)));
    assert!(agents[0]["why_not"].as_str().unwrap().contains("paused"), "{agents}");
}

#[test]
fn what_was_ordered_is_on_the_disk_when_it_is_answered() {
    let mut front = Front::open("");
    let id = front.added("+12025550123");
    let answer = front.post(&format!("/v1/callbacks/{id}/hold"), &json!({"note": "asks for Monday"}));
    assert_eq!((&answer["callback"]["state"], &answer["callback"]["reason"]), (&json!("WAITING"), &json!("HELD")));
    front.killed();
    let (state, reason): (String, String) = front.row("SELECT state, reason FROM callbacks");
    assert_eq!((state.as_str(), reason.as_str()), ("WAITING", "HELD"));
    front.start();
    assert_eq!(front.get("/v1/status")["callbacks"], json!({"WAITING": 1}), "what was held is still held");
}

#[test]
fn every_order_is_in_the_story_with_the_user_who_gave_it() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    for (order, body) in [
        ("hold", json!({"note": "asks for Monday"})),
        ("release", json!({})),
        ("prioritise", json!({"priority": 7})),
        ("delay", json!({"delay_ms": 3_600_000, "note": "in a meeting"})),
        ("assign", json!({"agent": "Ben"})),
        ("assign", json!({"agent": null})),
        ("retry", json!({})),
        ("cancel", json!({"note": "sorted out by e-mail"})),
        ("retry", json!({})),
    ] {
        let answer = front.post(&format!("/v1/callbacks/{id}/{order}"), &body);
        assert_eq!(answer["callback"]["id"], json!(id), "{order}: {answer}");
    }
    let story = front.get(&format!("/v1/callbacks/{id}"));
    let me = said(std::process::Command::new("id").arg("-un").output().unwrap()).out.trim().to_owned();
    let events: Vec<String> = story["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["by"] == json!(me))
        .map(|e| format!("{} {}", e["state"].as_str().unwrap(), e["note"].as_str().unwrap()))
        .collect();
    let found = |words: &str| events.iter().any(|e| e.contains(words));
    for words in ["WAITING asks for Monday", "in a meeting", "PJSIP/102", "CANCELLED sorted out by e-mail"] {
        assert!(found(words), "{words:?} is not in {events:#?}");
    }
    assert_eq!(story["callback"]["state"], json!("PENDING"), "a closed one was opened again");
    assert_eq!(story["callback"]["priority"], json!(7));
}

#[test]
fn callbacks_are_listed_as_asked_for() {
    let front = Front::open("");
    let (ann, ben) = (front.added("+12025550123"), front.added("+12025550124"));
    front.post(&format!("/v1/callbacks/{ann}/cancel"), &json!({}));
    let ids = |query: &str| {
        let rows = front.get(&format!("/v1/callbacks{query}"));
        rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("?open=true"), [ben]);
    assert_eq!(ids("?open=false"), [ann]);
    assert_eq!(ids("?state=CANCELLED,DNC"), [ann]);
    assert_eq!(ids("?number=0124"), [ben]);
    assert_eq!(ids("?queue=support"), [0; 0]);
    assert_eq!(ids("").len(), 2);
    assert_eq!(ids("?limit=1").len(), 1);
}

#[test]
fn who_is_not_to_be_called_is_listed_until_taken_off() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    let listed = front.post("/v1/dnc", &json!({"number": "(202) 555-0123", "reason": "asked us not to"}));
    assert_eq!(listed["added"]["number_e164"], json!("+12025550123"));
    assert_eq!(front.get(&format!("/v1/callbacks/{id}"))["callback"]["state"], json!("DNC"));
    assert_eq!(front.get("/v1/dnc")[0]["reason"], json!("asked us not to"));
    assert_eq!(front.ask("POST", "/v1/callbacks", &json!({"number": "+12025550123"})).0, 409);
    assert_eq!(front.ask("DELETE", "/v1/dnc/%2B12025550123", &Value::Null).0, 200);
    assert_eq!(front.get("/v1/dnc"), json!([]));
    assert_eq!(front.ask("DELETE", "/v1/dnc/%2B12025550123", &Value::Null).0, 404);
}

#[test]
fn what_cannot_be_done_is_refused_with_a_status_and_a_sentence() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    let order = |name: &str| format!("/v1/callbacks/{id}/{name}");
    let long = json!({"number": "+12025550125", "delay_ms": 31_536_000_001_i64});
    for (method, path, body, status, words) in [
        ("GET", "/", Value::Null, 404, "try /v1/status"),
        ("GET", "/v1/callbacks/4711", Value::Null, 404, "there is no callback 4711"),
        ("POST", "/v1/callbacks/4711/hold", Value::Null, 404, "4711"),
        (
            "POST",
            &order("explode"),
            Value::Null,
            404,
            "use cancel, handled, hold, release, assign, retry, prioritise, delay",
        ),
        ("DELETE", "/v1/callbacks", Value::Null, 405, "method not allowed"),
        ("POST", &order("prioritise"), json!({}), 400, "`priority` is needed"),
        ("POST", &order("delay"), json!({"delay_ms": -1}), 400, "`delay_ms` must be from 0 to"),
        ("POST", &order("hold"), json!({"notes": ""}), 400, "unknown field `notes`"),
        ("POST", &order("assign"), json!({"agent": "PJSIP/999"}), 422, "PJSIP/999"),
        ("POST", "/v1/callbacks", json!({"number": "anonymous"}), 422, "cannot be called"),
        ("POST", "/v1/callbacks", json!({"number": "+12025550124&PJSIP/mallory"}), 422, "cannot be called"),
        ("POST", "/v1/callbacks", json!({"number": "+442079460123"}), 422, "INTERNATIONAL"),
        ("POST", "/v1/callbacks", json!({"number": 4711}), 400, "expected a string"),
        (
            "POST",
            "/v1/callbacks",
            json!({"number": "+12025550125", "pbx": "elsewhere"}),
            400,
            "no PBX `elsewhere`; there is `pbx`",
        ),
        ("POST", "/v1/callbacks", long, 400, "`delay_ms` must be from 0 to"),
        ("GET", "/v1/callbacks?state=OPEN", Value::Null, 400, "unknown state OPEN: use "),
    ] {
        let (got, answer) = front.ask(method, path, &body);
        let sentence = answer["error"].as_str().unwrap_or_default();
        assert_eq!(got, status, "{method} {path} {body}: {answer}");
        assert!(sentence.to_lowercase().contains(&words.to_lowercase()), "{method} {path} {body}: {sentence}");
    }
    assert_eq!(front.row::<i64>("SELECT count(*) FROM callbacks"), 1, "nothing came of all this");
}

#[test]
fn a_path_or_question_that_cannot_be_read_is_the_clients_fault() {
    let front = Front::open("");
    for path in ["/v1/callbacks/ann", "/v1/callbacks?limit=many", "/v1/callbacks?colour=red"] {
        let (status, answer) = front.ask("GET", path, &Value::Null);
        assert_eq!(status, 400, "{path}: {answer}");
        assert!(answer["error"].is_string(), "{path}: {answer}");
    }
}

#[test]
fn what_is_wrong_in_a_body_a_path_or_a_cursor_is_named_with_the_fix() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    let (hold, prioritise) = (format!("/v1/callbacks/{id}/hold"), format!("/v1/callbacks/{id}/prioritise"));
    for (method, path, body, field, fix) in [
        ("POST", "/v1/callbacks", r#"{"number": 12}"#, "number", "openapi.json"),
        ("POST", "/v1/callbacks", r#"{"number": "x"}"#, "number", "as +12025550123"),
        ("POST", "/v1/callbacks", r#"{"number": "+12025550124", "delay_ms": "soon"}"#, "delay_ms", "openapi.json"),
        ("POST", "/v1/callbacks", r#"["+12025550124"]"#, "body", "a JSON object"),
        ("POST", "/v1/callbacks", "{", "body", "a JSON object"),
        ("POST", "/v1/callbacks", "", "body", "a JSON object"),
        ("POST", &hold, r#"{"note": 1}"#, "note", "openapi.json"),
        (
            "POST",
            "/v1/callbacks",
            r#"{"number": "+12025550124", "delay_ms": 1, "at": "+2h"}"#,
            "at",
            "send one of them",
        ),
        ("POST", &prioritise, "{}", "priority", "send {\"priority\""),
        ("POST", "/v1/tags", r#"{"call": "1"}"#, "code", "send {\"code\""),
        ("GET", "/v1/callbacks/999", "", "id", "GET /v1/callbacks"),
        ("GET", "/v1/calls/999", "", "call", "GET /v1/calls"),
        ("GET", "/v1/webhooks/crm", "", "name", "GET /v1/webhooks"),
        ("POST", &prioritise, r#"{"priority": 9999}"#, "priority", "from -1000 to 1000"),
        ("GET", "/v1/callbacks/ann", "", "path", "whole numbers"),
        ("GET", "/v1/dnc?after=ann", "", "after", "header Link"),
        ("DELETE", "/v1/dnc/+12025550199", "", "number", "GET /v1/dnc"),
    ] {
        let (status, answer) = http(&front.socket(), method, path, body).unwrap();
        assert!((400..500).contains(&status), "{method} {path} {body}: {answer}");
        assert_eq!(answer["field"], field, "{method} {path} {body}: {answer}");
        assert!(answer["fix"].as_str().unwrap().contains(fix), "{method} {path} {body}: {answer}");
    }
}

#[test]
fn calls_of_an_agent_are_found_by_the_name_too_and_an_unknown_one_is_answered_with_those_alike() {
    let front = Front::closed("[[agents]]\nname = \"Zoe\"\ninterface = \"PJSIP/102\"");
    let by = |linkedid: &str, agent: &str| {
        let mut call = answered(linkedid);
        (call.agent, call.legs[0].agent) = (Some(agent.to_owned()), agent.to_owned());
        record(call)
    };
    let named = |agent: &str, name: &str| {
        let (agent, name) = (agent.to_owned(), name.to_owned());
        Record::Agent { pbx: PbxId::new("pbx"), agent, name }
    };
    let records = [
        by("1.1", "PJSIP/101"),
        by("1.2", "PJSIP/102"),
        by("1.3", "PJSIP/102"),
        named("PJSIP/101", "Ann"),
        named("PJSIP/102", "Ben"),
    ];
    assert_eq!(Store::open(&front.site.path("calls.db")).unwrap().write(&records).unwrap(), []);
    let front = front.started("");
    let found = |agent: &str| front.get(&format!("/v1/calls?agent={agent}")).as_array().unwrap().len();
    assert_eq!(["ann", "101", "PJSIP/101", "Ben", "zoe", "102"].map(found), [1, 1, 1, 2, 2, 2]);
    let (status, answer) = front.ask("GET", "/v1/calls?agent=Anm", &Value::Null);
    assert_eq!((status, &answer["error"]), (400, &json!("no agent `Anm`; did you mean `Ann`?")));
    assert_eq!((&answer["field"], &answer["fix"]), (&json!("agent"), &json!("did you mean `Ann`?")));
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let front = Front::open("");
    let (status, answer) =
        front.ask("POST", "/v1/dnc", &json!({"number": "+12025550123", "reason": "x".repeat(20_000)}));
    assert_eq!(status, 413, "{answer}");
    assert!(answer["error"].is_string(), "{answer}");
}

#[test]
fn a_note_cannot_forge_lines_nor_grow() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    let note = format!("a\r\nActionID: 1\u{1b}[2J\u{202e}\u{2028}{}", "x".repeat(2_000));
    front.post(&format!("/v1/callbacks/{id}/hold"), &json!({ "note": note }));
    let kept: String = front.row("SELECT note FROM callback_events WHERE reason = 'HELD'");
    assert!(kept.starts_with("aActionID: 1[2Jxxx"), "{kept}");
    assert_eq!(kept.chars().count(), 500);
}

#[test]
fn clients_that_say_nothing_keep_nobody_waiting_and_are_sent_away() {
    let front = Front::open("");
    let mut silent: Vec<_> = (0..100).map(|_| UnixStream::connect(front.socket()).unwrap()).collect();
    silent[0].write_all(b"GET /v1/sta").unwrap(); // slow rather than silent
    let started = tokio::time::Instant::now();
    assert_eq!(front.ask("GET", "/v1/status", &Value::Null).0, 200, "the 101st is served");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    for stream in &mut silent {
        closed(stream);
    }
}

#[test]
fn what_is_no_http_is_answered_once_and_closed() {
    let front = Front::open("");
    let mut stream = UnixStream::connect(front.socket()).unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00 Action: Login\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(front.ask("GET", "/v1/status", &Value::Null).0, 200);
}

#[test]
fn only_owner_and_group_may_come_in_and_the_socket_goes_with_the_daemon() {
    let mut front = Front::open("");
    assert_eq!(mode(&front.socket()), 0o660);
    assert_eq!(front.ended(Signal::TERM).0, Some(0));
    assert!(!front.socket().exists());
    let front = Front::open("mode = \"0600\"");
    assert_eq!(mode(&front.socket()), 0o600);
}

#[test]
fn a_socket_that_a_dead_daemon_left_is_replaced() {
    let mut front = Front::open("");
    front.killed();
    assert!(front.socket().exists());
    front.start();
    assert_eq!(front.ask("GET", "/v1/status", &Value::Null).0, 200);
}

#[test]
fn a_socket_on_which_a_daemon_listens_is_left_to_it() {
    let first = Front::open("");
    let mut second = Front::with_socket(&first.socket());
    second.said("The local API cannot be opened");
    second.said("session: Asterisk is ready");
    let said = second.ended(Signal::TERM).1;
    assert!(said.contains("another daemon listens there") && said.contains("set api.socket"), "{said}");
    assert_eq!(first.ask("GET", "/v1/status", &Value::Null).0, 200, "the first goes on");
}

#[test]
fn a_file_in_the_sockets_place_is_left_alone_and_calls_are_still_kept() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("letter");
    fs::write(&file, "dear all").unwrap();
    let mut front = Front::with_socket(&file);
    front.said("a file of this name that is not a socket");
    front.said("session: Asterisk is ready");
    assert_eq!(front.ended(Signal::TERM).0, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "dear all");
}

#[test]
fn a_group_that_does_not_exist_is_named() {
    let mut front = Front::unopened("group = \"nosuchgroup\"");
    front.said("there is no group nosuchgroup in /etc/group");
    assert!(!front.socket().exists(), "nobody else's socket is left open");
    assert!(http(&front.socket(), "GET", "/v1/status", "").is_err());
}
