//! Webhooks of the running daemon, against a receiver that fails in every way: what arrives, in which order, and how it is signed.

use crate::front::Front;
use crate::receiver::{Got, Receiver, Then};
use crate::scripted::Said;
use crate::tls::Workshop;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Of the standard's own text.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const WAITS: &str = "webhook=700,webhook_pause=2";

/// A daemon with one webhook, `crm`, with these lines in its table.
fn hooked(receiver: &Receiver, more: &str) -> Front {
    hooked_with(receiver, more, WAITS)
}

fn hooked_with(receiver: &Receiver, more: &str, waits: &str) -> Front {
    let front = Front::closed(&format!(
        "[[webhook]]\nname = \"crm\"\nurl = \"{}\"\nsecret_file = \"hook\"\nevents = [\"callback.created\", \"callback.closed\"]\n{more}",
        receiver.url("http", "/hooks/calls?token=1")
    ));
    front.site.write("hook", KEY, 0o600);
    front.started(waits)
}

fn closed(front: &Front, number: &str) -> i64 {
    let id = front.added(number);
    front.post(&format!("/v1/callbacks/{id}/cancel"), &json!({"note": "sorted out"}));
    id
}

fn state(got: &Got) -> (String, Value) {
    let body: Value = serde_json::from_str(&got.body).unwrap();
    (body["type"].as_str().unwrap().to_owned(), body["data"]["id"].clone())
}

#[test]
#[allow(clippy::disallowed_methods)] // the message bears the clock of the machine
fn a_message_is_signed_by_the_standard_and_sent_once() {
    let mut receiver = Receiver::open(|_| Then::Status(204));
    let front = hooked(&receiver, "");
    let id = closed(&front, "+12025550123");
    let got = [receiver.next(), receiver.next()];
    assert_eq!(state(&got[0]), ("callback.created".to_owned(), json!(id)));
    assert_eq!(state(&got[1]), ("callback.closed".to_owned(), json!(id)));
    let body: Value = serde_json::from_str(&got[1].body).unwrap();
    assert_eq!((&body["data"]["state"], &body["data"]["note"]), (&json!("CANCELLED"), &json!("sorted out")), "{body}");
    for one in &got {
        assert_eq!(one.line, "POST /hooks/calls?token=1 HTTP/1.1");
        let at_s: i64 = one.header("webhook-timestamp").parse().unwrap();
        assert!((jiff::Timestamp::now().as_second() - at_s).abs() < 30);
        let keys = callbackd::webhook::Keys::from_text(KEY).unwrap();
        assert_eq!(one.header("webhook-signature"), keys.sign(&one.header("webhook-id"), at_s, &one.body));
        assert_eq!(one.header("content-type"), "application/json");
    }
    receiver.nothing_for(Duration::from_millis(300));
    let listed = front.run(&["webhooks", "list"]);
    assert!(listed.line(&["crm", "running"]).contains(" 0 "), "{listed:?}");
    let shown = front.run(&["webhooks", "show", "crm"]);
    assert!(shown.line(&["callback.closed", "delivered"]).contains("sent 1 time"), "{shown:?}");
}

#[test]
fn whatever_the_receiver_does_what_comes_is_delivered_in_order_and_nothing_else_waits() {
    let answers = |n: usize| match n {
        0 => Then::Reset,
        1 => Then::Never,
        2 => Then::Words(500),
        3 => Then::Redirect,
        4 => Then::Status(429),
        5 => Then::Garbage,
        6 => Then::TakenThenReset,
        7 => Then::Status(401),
        _ => Then::Status(200),
    };
    let mut receiver = Receiver::open(answers);
    let mut front = hooked(&receiver, "");
    let numbers = ["+12025550121", "+12025550122"];
    let ids = numbers.map(|number| closed(&front, number));
    assert_eq!(front.get("/v1/status")["callbacks"], json!({}), "the loop is held by nobody");
    let mut seen: Vec<(String, Value)> = Vec::new();
    let mut tries = 0;
    while seen.len() < 4 {
        let got = receiver.next();
        tries += 1;
        let told = state(&got);
        if seen.last() != Some(&told) {
            seen.push(told);
        }
    }
    let expected =
        ids.iter().flat_map(|id| ["callback.created", "callback.closed"].map(|kind| (kind.to_owned(), json!(id))));
    assert_eq!(seen, expected.collect::<Vec<_>>());
    assert_eq!(tries, 12, "eight answers that are none, then four");
    let (codes, unanswered): (i64, i64) = (
        front.row("SELECT count(DISTINCT code) FROM webhook_attempts"),
        front.row("SELECT count(*) FROM webhook_attempts WHERE code IS NULL"),
    );
    assert_eq!((codes, unanswered), (5, 4), "500, 302, 429, 401, 200; reset, never, garbage, reset");
    receiver.followed_nowhere();
    let metrics = front.get("/metrics");
    for (result, times) in [("ok", 4), ("refused", 1), ("failed", 3), ("timeout", 1), ("unreachable", 3)] {
        let line = format!("callbackd_webhook_deliveries_total{{endpoint=\"crm\",result=\"{result}\"}} {times}\n");
        assert!(metrics.as_str().unwrap().contains(&line), "{line} is not in {metrics}");
    }
    let longest: i64 = front.row("SELECT max(length(answer)) FROM webhook_attempts");
    assert!(longest > 400 && longest <= 500, "{longest}");
    let (_, log) = front.ended(Signal::TERM);
    assert!(log.contains("err=\"HTTP 500\"") || log.contains("Webhook is failing"), "{log}");
    assert!(!log.to_lowercase().contains("theirs") && !log.contains("0177"), "{log}");
}

#[test]
fn an_endpoint_that_refuses_everything_is_shown_as_failing_until_it_takes_something() {
    let is_repaired = Arc::new(AtomicBool::new(false));
    let takes = Arc::clone(&is_repaired);
    let mut receiver = Receiver::open(move |n| match n {
        _ if takes.load(Ordering::Relaxed) => Then::Status(200),
        0..6 => Then::Status(401),
        _ => Then::Never,
    });
    let mut front = hooked_with(&receiver, "", "webhook=20000,webhook_pause=2");
    closed(&front, "+12025550121");
    front.added("+12025550122");
    // The third message is on its way once what came of the two before it is on the disk.
    (0..7).for_each(|_| drop(receiver.next()));
    let listed = front.run(&["webhooks", "list"]);
    let columns = |listed: &Said| listed.line(&["crm", "running"]).split_whitespace().count();
    assert_eq!(
        columns(&listed),
        8,
        "date and time twice: since when it runs, and since when it takes nothing: {listed:?}"
    );
    assert!(listed.line(&["crm"]).contains(" 2 "), "{listed:?}");
    let metrics = front.get("/metrics");
    let value = |name: &str| {
        let name = format!("callbackd_webhook_{name}{{endpoint=\"crm\"}} ");
        let found = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(name.as_str()));
        found.unwrap_or_else(|| panic!("{name} is not in {metrics}")).parse::<f64>().unwrap()
    };
    for name in ["failing_since_timestamp_seconds", "oldest_pending_timestamp_seconds"] {
        assert!(value(name) > 1e9, "{name}: {metrics}");
    }

    front.killed();
    is_repaired.store(true, Ordering::Relaxed);
    let mut front = front.started(WAITS);
    front.said("webhook: Webhook works again");
    front.added("+12025550124");
    (0..2).for_each(|_| drop(receiver.next()));
    let listed = front.run(&["webhooks", "list"]);
    assert_eq!(columns(&listed), 6, "{listed:?}");
}

#[test]
fn what_failed_is_tried_at_once_when_a_person_resumes_the_endpoint() {
    let mut receiver = Receiver::open(|n| if n == 0 { Then::Words(500) } else { Then::Status(204) });
    // Left to itself it would be tried again in an hour.
    let mut front = hooked_with(&receiver, "", "webhook_pause=3600000");
    let id = front.added("+12025550121");
    let first = receiver.next();
    front.said("webhook: Webhook is failing");
    assert_eq!(front.run(&["webhooks", "resume", "crm"]).code, 0);
    let second = receiver.next();
    assert_eq!((state(&second), second.header("webhook-id")), (state(&first), first.header("webhook-id")));
    assert_eq!(state(&second).1, json!(id));
    front.said("webhook: Webhook works again");
}

#[test]
fn killed_again_and_again_while_the_receiver_is_down_each_message_arrives_in_order() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let mut receiver = Receiver::open(move |_| Then::Status(if is_down.load(Ordering::Relaxed) { 503 } else { 200 }));
    let mut front = hooked(&receiver, "");
    let mut expected = Vec::new();
    let kills: u32 = std::env::var("CALLBACKD_WEBHOOK_KILLS").map_or(7, |kills| kills.parse().unwrap());
    for n in 0..kills {
        let id = closed(&front, &format!("+1202555{n:04}"));
        expected.extend(["callback.created", "callback.closed"].map(|kind| (kind.to_owned(), json!(id))));
        receiver.next();
        front.killed();
        front = front.started(WAITS);
    }
    down.store(false, Ordering::Relaxed);
    let (mut seen, mut ids): (Vec<(String, Value)>, Vec<String>) = (Vec::new(), Vec::new());
    while seen.len() < expected.len() {
        let got = receiver.next();
        if got.answered == 200 && !ids.contains(&got.header("webhook-id")) {
            ids.push(got.header("webhook-id"));
            seen.push(state(&got));
        }
    }
    assert_eq!(seen, expected);
}

#[test]
fn a_certificate_of_another_authority_gets_nothing() {
    let workshop = Workshop::new();
    for name in ["ours", "theirs"] {
        workshop.write(
            "ca.cfg",
            "[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nCN=Test\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n",
        );
        workshop.openssl(&format!("genrsa -out {name}.key 2048"));
        workshop.openssl(&format!("req -new -config ca.cfg -x509 -days 365 -key {name}.key -out {name}.crt"));
        workshop.write("leaf.cfg", "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
        workshop.certificate(&format!("{name}-leaf"), name, 2048, "-extfile leaf.cfg");
    }
    for (authority, arrives) in [("theirs", false), ("ours", true)] {
        let mut receiver = Receiver::open_tls(
            &workshop.path(&format!("{authority}-leaf.crt")),
            &workshop.path(&format!("{authority}-leaf.key")),
            |_| Then::Status(200),
        );
        let front = Front::closed(&format!(
            "[[webhook]]\nname = \"crm\"\nurl = \"{}\"\nsecret_file = \"hook\"\nevents = [\"callback.created\"]\ntls_ca_file = \"ca.pem\"\n",
            receiver.url("https", "/")
        ));
        front.site.write("hook", KEY, 0o600);
        front.site.write("ca.pem", &std::fs::read_to_string(workshop.path("ours.crt")).unwrap(), 0o644);
        let mut front = front.started(WAITS);
        front.added("+12025550123");
        if arrives {
            receiver.next();
        } else {
            front.said("webhook: Webhook is failing");
            receiver.nothing_for(Duration::from_millis(200));
            let error: String = front.row("SELECT error FROM webhook_attempts LIMIT 1");
            assert!(error.contains("set tls_ca_file") && !error.contains("fingerprint"), "{error}");
        }
    }
}

#[test]
fn a_test_shows_the_answer_a_pause_holds_and_gone_switches_off() {
    let mut receiver = Receiver::open(|n| match n {
        0 => Then::Status(200),
        1 => Then::Status(404),
        3 => Then::Status(410),
        _ => Then::Status(201),
    });
    let mut front = hooked(&receiver, "");
    let said = front.run(&["webhooks", "test", "crm"]);
    assert!(said.code == 0 && said.out.contains("answered 200"), "{said:?}");
    assert!(receiver.next().body.contains("webhook.test"));
    let said = front.run(&["webhooks", "test", "crm"]);
    assert!(said.code == 1 && said.err.contains("answered 404"), "{said:?}");
    receiver.next();

    assert_eq!(front.run(&["webhooks", "pause", "crm"]).code, 0);
    front.added("+12025550121");
    receiver.nothing_for(Duration::from_millis(300));
    assert!(front.run(&["webhooks", "list"]).line(&["crm", "paused by"]).contains("crm"));
    assert_eq!(front.run(&["webhooks", "resume", "crm"]).code, 0);
    assert_eq!(state(&receiver.next()).0, "callback.created");

    let gone = front.added("+12025550122");
    receiver.next();
    front.said("webhook: Webhook answered 410 Gone and is switched off");
    front.added("+12025550124");
    receiver.nothing_for(Duration::from_millis(300));
    assert_eq!(front.run(&["webhooks", "resume", "crm"]).code, 0);
    let id = front.added("+12025550125");
    assert_eq!(state(&receiver.next()).1, json!(id), "it begins with what comes next");
    // What it has not taken is sent on order.
    assert!(front.run(&["webhooks", "show", "crm"]).line(&["given up", "callback.created"]).contains("sent 1 time"));
    assert_eq!(front.run(&["webhooks", "resend", "crm"]).code, 0);
    assert_eq!(state(&receiver.next()).1, json!(gone));
    // What it had taken is sent once more on order.
    assert_eq!(front.run(&["webhooks", "resend", "crm", "2"]).code, 0);
    assert!(receiver.next().header("webhook-id").ends_with("_2"), "1 was that the PBX is seen");
}

#[test]
fn what_is_wrong_is_refused_with_a_sentence() {
    let receiver = Receiver::open(|_| Then::Status(200));
    let front = hooked(&receiver, "");
    let error = |method: &str, path: &str, body: &Value| {
        let (status, answer) = front.ask(method, path, body);
        (status, answer["error"].as_str().unwrap().to_owned())
    };
    for (method, path, body, status, words) in [
        ("GET", "/v1/webhooks/erp", Value::Null, 404, "there are crm"),
        ("POST", "/v1/webhooks/erp/test", json!({}), 404, "there are crm"),
        ("POST", "/v1/webhooks/crm/burn", json!({}), 404, "use test, resend, pause or resume"),
        ("POST", "/v1/webhooks/crm/resend", json!({"seq": 99}), 404, "no message about change 99"),
        ("POST", "/v1/webhooks/crm/resend", json!({"sequence": 1}), 400, "unknown field"),
        ("GET", "/v1/webhooks/crm?limit=x", Value::Null, 400, "limit"),
    ] {
        let (found, why) = error(method, path, &body);
        assert!(found == status && why.contains(words), "{method} {path}: {found} {why}");
    }
    for args in [&["webhooks", "show", "erp"][..], &["webhooks", "test", "erp"]] {
        let said = front.run(args);
        assert!(said.code != 0 && said.err.contains("crm"), "{said:?}");
    }
}

#[test]
fn a_secret_that_others_can_read_or_that_is_none_is_named_and_nothing_is_sent() {
    let mut receiver = Receiver::open(|_| Then::Status(200));
    for (text, mode, words) in [(KEY, 0o644, "chmod 600"), ("secret", 0o600, "openssl rand")] {
        let front = Front::closed(&format!(
            "[[webhook]]\nname = \"crm\"\nurl = \"{}\"\nsecret_file = \"hook\"\nevents = [\"callback.created\"]\n",
            receiver.url("http", "/")
        ));
        front.site.write("hook", text, mode);
        let mut front = front.started(WAITS);
        front.added("+12025550123");
        let said = front.run(&["webhooks", "test", "crm"]);
        assert!(said.code == 1 && said.err.contains(words), "{said:?}");
        let listed = front.run(&["webhooks", "list"]);
        assert!(listed.out.contains("sends nothing: callbackd check"), "{listed:?}");
        let (_, log) = front.ended(Signal::TERM);
        assert!(log.contains("Webhook's secret cannot be used") && log.contains(words), "{log}");
        assert!(!log.contains("whsec_Mf"), "{log}");
    }
    receiver.nothing_for(Duration::from_millis(100));
    // One that was put right is taken when a person says so, and not only after half a minute.
    let front = Front::closed(&format!(
        "[[webhook]]\nname = \"crm\"\nurl = \"{}\"\nsecret_file = \"hook\"\nevents = [\"callback.created\"]\n",
        receiver.url("http", "/")
    ));
    front.site.write("hook", "secret", 0o600);
    let front = front.started("heartbeat=2000");
    front.added("+12025550123");
    front.site.write("hook", KEY, 0o600);
    assert_eq!(front.run(&["webhooks", "resume", "crm"]).code, 0);
    assert_eq!(state(&receiver.next()).0, "callback.created");
}

#[test]
fn a_secret_of_root_and_of_the_daemons_group_is_taken() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not root: a file cannot be given to a group");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hook");
    std::fs::write(&path, format!("{KEY}\n{KEY}\n")).unwrap();
    std::os::unix::fs::chown(&path, Some(0), Some(54_321)).unwrap();
    for (mode, taken) in [(0o640, true), (0o600, true), (0o644, false), (0o660, false)] {
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(callbackd::daemon::secret::text_of(&path).is_ok(), taken, "{mode:o}");
    }
}
