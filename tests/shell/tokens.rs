//! The API by TCP: a token says what its bearer may do, and pages of other sites may do nothing.

use crate::front::Front;
use crate::ports::free_port;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A daemon that listens at a port that was free a moment ago.
fn listening() -> (Front, u16) {
    let port = free_port();
    (Front::open(&format!("listen = \"127.0.0.1:{port}\"\nhosts = [\"pbx.example.com\"]")), port)
}

/// Status, head and answer of a request with these headers.
pub fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let host = if headers.iter().any(|(name, _)| *name == "Host") { "" } else { "Host: localhost\r\n" };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{method} {path} HTTP/1.0\r\n{host}{headers}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or(Value::Null))
}

/// A new token, as the header that bears it.
fn token(front: &Front, name: &str, role: &str) -> String {
    let said = front.run(&["token", "add", name, "--role", role]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("cbt_") && said.out.trim().len() == 68, "{said:?}");
    format!("Bearer {}", said.out.trim())
}

/// A stream of changes by this token, from its beginning on.
fn stream(port: u16, bearer: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET /v1/events HTTP/1.0\r\nHost: localhost\r\nAuthorization: {bearer}\r\n\r\n").unwrap();
    let mut stream = BufReader::new(stream);
    until(&mut stream, "event: begin");
    stream
}

fn until(stream: &mut BufReader<TcpStream>, expected: &str) {
    let mut line = String::new();
    while line.trim_end() != expected {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "{expected} did not come");
    }
}

#[test]
fn the_streams_of_a_withdrawn_token_end_at_once_and_others_go_on() {
    let (front, port) = listening();
    let [mut theirs, mut other] = ["wallboard", "wallboard-2"].map(|name| stream(port, &token(&front, name, "read")));
    assert_eq!(front.run(&["token", "remove", "wallboard"]).code, 0);
    let mut rest = String::new();
    theirs.read_to_string(&mut rest).expect("it ends");
    front.added("+12025550123");
    until(&mut other, "event: callback.created");
}

#[test]
fn without_a_token_only_health_is_answered_and_a_withdrawn_one_is_none() {
    let (mut front, port) = listening();
    assert_eq!(ask(port, "GET", "/healthz", &[], "").0, 200);
    assert_eq!(ask(port, "GET", "/readyz", &[], "").0, 200);
    for headers in [&[][..], &[("Authorization", "Bearer cbt_0")], &[("Authorization", "Basic x")]] {
        let (status, head, answer) = ask(port, "GET", "/v1/status", headers, "");
        assert_eq!((status, &answer["field"]), (401, &json!("Authorization")), "{answer}");
        assert!(head.contains("www-authenticate: Bearer"), "{head}");
    }
    let bearer = token(&front, "wallboard", "read");
    let headers = [("Authorization", bearer.as_str())];
    assert_eq!(ask(port, "GET", "/v1/status", &headers, "").0, 200);
    assert!(front.run(&["token", "list"]).line(&["wallboard"]).contains("read"));
    assert_eq!(front.run(&["token", "add", "wallboard"]).code, front.run(&["token", "remove", "nobody"]).code);
    front.said("api: Token made, token=wallboard role=read by=");
    assert_eq!(front.run(&["token", "remove", "wallboard"]).code, 0);
    front.said("api: Token withdrawn, token=wallboard by=");
    assert_eq!(ask(port, "GET", "/v1/status", &headers, "").0, 401);
    let kept: i64 = front.row("SELECT count(*) FROM tokens");
    assert_eq!(kept, 0);
}

#[test]
fn a_role_may_do_what_it_is_for_and_nothing_else() {
    let (front, port) = listening();
    let [read, operate, request] = ["read", "operate", "request"].map(|role| token(&front, role, role));
    let body = |n: u32| json!({"number": format!("+120255501{n:02}"), "queue": "sales"}).to_string();
    let add = |bearer: &str, n: u32| ask(port, "POST", "/v1/callbacks", &[("Authorization", bearer)], &body(n)).0;
    let get = |bearer: &str, path: &str| ask(port, "GET", path, &[("Authorization", bearer)], "").0;
    assert_eq!((get(&read, "/v1/callbacks"), add(&read, 1)), (200, 403));
    assert_eq!((get(&operate, "/v1/callbacks"), add(&operate, 2)), (200, 200));
    assert_eq!((get(&request, "/v1/callbacks"), get(&request, "/v1/changes"), add(&request, 3)), (403, 403, 200));
    for bearer in [&read, &operate, &request] {
        assert_eq!(get(bearer, "/v1/tokens"), 403, "tokens are made on the socket only");
    }
    let of_form = json!({"number": "+12025550103", "priority": 9}).to_string();
    let (status, _, answer) = ask(port, "POST", "/v1/callbacks", &[("Authorization", &request)], &of_form);
    assert_eq!((status, &answer["field"]), (403, &json!("priority")), "{answer}");
    let of_form = json!({"number": "+12025550103", "at": "+2h", "note": "in the evening"}).to_string();
    let (_, _, answer) = ask(port, "POST", "/v1/callbacks", &[("Authorization", &request)], &of_form);
    let fields: Vec<&String> = answer["callback"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["due_ms", "id", "state"], "of whom they ask for, they learn nothing else");
    let requested: i64 = front.row("SELECT requested FROM callbacks WHERE number_e164 = '+12025550103'");
    assert_eq!(requested, 1);
    let by: String = front.row("SELECT \"by\" FROM callback_events WHERE callback_id = 1 ORDER BY n LIMIT 1");
    let maker: String = front.row("SELECT \"by\" FROM tokens WHERE name = 'operate'");
    assert_eq!(
        by,
        format!("token operate of {maker}"),
        "whoever else makes a token of this name is not taken for them"
    );
    let refused = (10..30).map(|n| add(&request, n)).find(|status| *status != 200);
    assert_eq!(refused, Some(429), "ten a minute");
    let (_, _, answer) = ask(port, "POST", "/v1/callbacks", &[("Authorization", &request)], &body(40));
    assert_eq!((&answer["field"], &answer["fix"]), (&Value::Null, &json!("wait a minute")), "{answer}");
    let counted = &front.get("/v1/status")["counters"]["api"]["requests_refused"];
    assert!(counted.as_u64() >= Some(1), "{counted}");
    let secret: i64 = front.row("SELECT count(*) FROM tokens WHERE hash LIKE '%cbt_%' OR length(hash) <> 64");
    assert_eq!(secret, 0, "hashes are kept, not secrets");
}

#[test]
fn a_form_learns_nothing_of_what_is_known_or_configured_here() {
    let (front, port) = listening();
    let bearer = token(&front, "form", "request");
    let refused = |body: Value| {
        let (status, _, answer) = ask(port, "POST", "/v1/callbacks", &[("Authorization", &bearer)], &body.to_string());
        (status, answer.to_string())
    };
    front.post("/v1/dnc", &json!({"number": "+12025550123", "reason": "asked by letter"}));
    let listed = refused(json!({"number": "+12025550123"}));
    assert_eq!(listed.0, 422);
    assert_eq!(listed, refused(json!({"number": "+19005550100"})), "as one that the configuration denies");
    let (status, queue) = refused(json!({"number": "+12025550124", "queue": "nowhere"}));
    assert!(status == 422 && !queue.contains("sales"), "{queue}");
    let (status, pbx) = refused(json!({"number": "+12025550124", "pbx": "nowhere"}));
    assert!(status == 400 && pbx.contains("\"field\":\"pbx\"") && !pbx.contains("there is only"), "{pbx}");
    let (status, number) = refused(json!({"number": "12"}));
    assert!(status == 422 && number.contains("extension"), "what was written wrong is said: {number}");
    let month: i64 = 31 * 86_400_000;
    assert_eq!(refused(json!({"number": "+12025550124", "delay_ms": month + 1})).0, 400);
    assert_eq!(refused(json!({"number": "+12025550124", "delay_ms": month})).0, 200);
}

#[test]
fn pages_of_other_sites_and_false_names_are_refused_whatever_token_they_bear() {
    let (front, port) = listening();
    let bearer = token(&front, "wallboard", "operate");
    let status = |host: &str, origin: &str| {
        let mut headers = vec![("Authorization", bearer.as_str()), ("Host", host)];
        headers.extend((!origin.is_empty()).then_some(("Origin", origin)));
        ask(port, "GET", "/v1/status", &headers, "").0
    };
    for host in ["localhost:8380", "127.0.0.1:8380", "[::1]:8380", "pbx.example.com", "PBX.example.com:443"] {
        assert_eq!(status(host, ""), 200, "{host}");
    }
    assert_eq!(status("evil.example.net", ""), 421);
    for host in [
        "localhost:80@evil",
        "[::1].evil",
        "[::1]evil:80",
        "[127.0.0.1]evil:80",
        "[127.0.0.1]",
        "localhost:99999",
        "[::1",
        "",
    ] {
        assert_eq!(status(host, ""), 421, "{host}");
    }
    for doubled in
        [[("Host", "localhost"), ("Host", "evil")], [("Origin", "http://localhost"), ("Origin", "http://evil")]]
    {
        let headers = [&[("Authorization", bearer.as_str())][..], &doubled].concat();
        assert_eq!(ask(port, "GET", "/v1/status", &headers, "").0, 400, "{doubled:?}");
    }
    assert_eq!(status("pbx.example.com", "https://pbx.example.com"), 200);
    assert_eq!(status("pbx.example.com", "https://evil.example.net"), 403);
    assert_eq!(status("pbx.example.com", "null"), 403);
}

#[test]
fn there_are_a_thousand_tokens_at_most_and_their_names_are_words() {
    let (front, _) = listening();
    let db = rusqlite::Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(Duration::from_secs(20)).unwrap();
    db.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
         INSERT INTO tokens (name, hash, role, made_ms, \"by\") SELECT 't' || i, printf('%064d', i), 'read', i, 'me' FROM n",
    )
    .unwrap();
    let new = |name: &str| front.ask("POST", "/v1/tokens", &json!({"name": name, "role": "read"}));
    assert_eq!(new("the-last").0, 200);
    let (status, answer) = new("one-more");
    assert_eq!(status, 409, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("1000 tokens already: withdraw some"), "{answer}");
    assert_eq!(front.run(&["token", "remove", "t1"]).code, 0);
    for name in ["", "two words", "a\nb", &"x".repeat(65)] {
        assert_eq!(new(name).0, 400, "{name}");
    }
    assert_eq!(new(&"x".repeat(64)).0, 200);
}
