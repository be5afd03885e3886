//! The pages for people: who is let in, what a form may do, and what is answered to whoever asks for nonsense.

use crate::front::{Front, lunch};
use crate::ports::free_port;
use crate::scripted::Action;
use crate::stored::{abandoned, answered, record};
use callbackd::store::Store;
use callbackd_core::model::FinishedCall;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A name that a stranger chose.
pub const EVIL: &str = "<script>document.title='run'</script>\"onmouseover=\"alert(1)";

/// A daemon with pages at this port, which has seen some calls of the last days.
pub fn with_pages(port: u16) -> Front {
    with_pages_of(port, lunch)
}

/// The same, with other agents and queues.
pub fn with_pages_of(port: u16, lists: fn(&Action) -> Option<String>) -> Front {
    let api = format!("listen = \"127.0.0.1:{port}\"\npages = true\n[calls]\nshort_abandon = \"0s\"");
    let front = Front::before(&api, lists);
    let db = front.site.path("calls.db");
    #[allow(clippy::disallowed_methods, reason = "pages show what was today")]
    let now = jiff::Timestamp::now().as_millisecond();
    let calls = (0..40_i64).map(|n| {
        let base = if n % 4 == 0 { abandoned(&format!("{n}.1")) } else { answered(&format!("{n}.1")) };
        let shift = now - base.started_ms - 60_000 * (n * 7 + 3);
        FinishedCall {
            started_ms: base.started_ms + shift,
            ended_ms: base.ended_ms + shift,
            answered_ms: base.answered_ms.map(|at| at + shift),
            name: Some(EVIL.to_owned()),
            number: Some(format!("+120255501{n:02}")),
            did: Some("+12025550100".to_owned()),
            queue: Some("sales".to_owned()),
            legs: Vec::new(),
            visits: Vec::new(),
            ..base
        }
    });
    let records: Vec<_> = calls.map(record).collect();
    assert_eq!(Store::open(&db).unwrap().write(&records).unwrap(), []);
    front.started("heartbeat=2000")
}

pub fn token(front: &Front, name: &str, role: &str) -> String {
    let said = front.run(&["token", "add", name, "--role", role]);
    assert_eq!(said.code, 0, "{said:?}");
    said.out.trim().to_owned()
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub fn ask(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// Logs in: the cookie, as the header that bears it.
pub fn logged_in(port: u16, token: &str) -> String {
    let answer = ask(port, "POST", "/login", &[], &format!("token={token}&next=%2Fmissed%3Fstate%3Dlost"));
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.head.contains("location: /missed?state=lost"), "{}", answer.head);
    let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn only_a_token_opens_the_pages_and_one_that_is_withdrawn_no_more() {
    let port = free_port();
    let front = with_pages(port);
    let [read, request] = ["read", "request"].map(|role| token(&front, role, role));
    for path in ["/", "/wall", "/missed", "/missed.csv", "/report", "/calls/1"] {
        let answer = ask(port, "GET", path, &[], "");
        assert_eq!((answer.status, answer.head.contains("location: /login?next=")), (303, true), "{path}");
        assert_eq!(ask(port, "GET", path, &[("Cookie", "callbackd=cbt_0")], "").status, 303, "{path}");
    }
    assert_eq!(ask(port, "GET", "/v1/events", &[], "").status, 401);
    for wrong in ["cbt_0", "", &request] {
        let answer = ask(port, "POST", "/login", &[], &format!("token={wrong}"));
        assert_eq!((answer.status, answer.head.contains("set-cookie")), (403, false), "{wrong}");
    }
    let elsewhere = ask(port, "POST", "/login", &[], &format!("token={read}&next=%2F%2Fevil.example"));
    assert!(elsewhere.head.contains("location: /wall"), "{}", elsewhere.head);
    let secure = ask(port, "POST", "/login", &[("Origin", "https://localhost")], &format!("token={read}"));
    assert!(
        secure.head.contains("set-cookie: __Host-callbackd=") && secure.head.contains("; Secure"),
        "{}",
        secure.head
    );
    let cookie = logged_in(port, &read);
    let headers = [("Cookie", cookie.as_str())];
    for path in ["/wall", "/missed", "/missed?state=lost", "/missed.csv", "/report?window=week", "/calls/1", "/login"] {
        let answer = ask(port, "GET", path, &headers, "");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        for header in
            ["content-security-policy: default-src 'none'", "x-frame-options: DENY", "cache-control: no-store"]
        {
            assert!(answer.head.contains(header), "{path}: {}", answer.head);
        }
        assert!(!answer.body.contains("<script>document"), "{path}: a stranger's name is markup");
    }
    assert_eq!(ask(port, "GET", "/v1/status", &headers, "").status, 401, "a cookie opens pages, not the API");
    assert_eq!(ask(port, "POST", "/v1/callbacks", &headers, "{}").status, 401);
    assert_eq!(front.run(&["token", "remove", "read"]).code, 0);
    assert_eq!(ask(port, "GET", "/wall", &headers, "").status, 303);
}

#[test]
fn without_pages_in_the_configuration_there_are_none() {
    let port = free_port();
    let front = Front::open(&format!("listen = \"127.0.0.1:{port}\""));
    let bearer = format!("Bearer {}", token(&front, "read", "read"));
    assert_eq!(ask(port, "GET", "/login", &[("Authorization", &bearer)], "").status, 404);
    assert_eq!(ask(port, "GET", "/wall", &[("Authorization", &bearer)], "").status, 404);
    assert_eq!(front.ask("GET", "/wall", &json!(null)).0, 404, "and none on the socket");
}

#[test]
fn only_the_own_form_of_an_operator_changes_anything_and_what_is_handled_is_not_won_back() {
    let port = free_port();
    let front = with_pages(port);
    let [read, operate] = ["read", "operate"].map(|role| logged_in(port, &token(&front, role, role)));
    let [first, second] = ["+12025550177", "+12025550178"].map(|number| front.added(number));
    let state =
        |id: i64| front.row::<(String, String)>(&format!("SELECT state, reason FROM callbacks WHERE id = {id}"));
    let was = state(first);
    let page = ask(port, "GET", "/missed", &[("Cookie", &operate)], "").body;
    let key = page.split("name=\"form_key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(key.len(), 64);
    assert!(page.contains("+12025550177") && page.contains(&format!("/missed/{first}/hold")), "{page}");
    let of_reader = ask(port, "GET", "/missed", &[("Cookie", &read)], "").body;
    assert!(!of_reader.contains("/hold"), "who may only look sees no buttons");
    let hold = format!("/missed/{first}/hold");
    let form = format!("form_key={key}&note=on+holiday");
    for (cookie, origin, form) in [
        (&read, "http://localhost", form.as_str()),
        (&operate, "http://localhost", "note=x"),
        (&operate, "http://localhost", "form_key=0000"),
        (&operate, "http://evil.example", &form),
        (&operate, "null", &form),
    ] {
        let answer = ask(port, "POST", &hold, &[("Cookie", cookie), ("Origin", origin)], form);
        assert_eq!(answer.status, 403, "{origin} {form}");
        assert_eq!(state(first), was);
    }
    let own = [("Cookie", operate.as_str()), ("Origin", "http://localhost")];
    let answer = ask(port, "POST", &hold, &own, &format!("{form}&back=%2Fmissed%3Fstate%3Dopen"));
    assert!(
        answer.status == 303 && answer.head.contains("location: /missed?state=open"),
        "{} {}",
        answer.head,
        answer.body
    );
    assert_eq!(state(first), ("WAITING".to_owned(), "HELD".to_owned()));
    let page = ask(port, "GET", "/missed?lang=de", &[("Cookie", &operate)], "").body;
    assert!(page.contains("bis zur Freigabe") && page.contains(&format!("/missed/{first}/release")), "{page}");
    assert_eq!(ask(port, "POST", &format!("/missed/{second}/handled"), &own, &form).status, 303);
    assert_eq!(state(second), ("CANCELLED".to_owned(), "HANDLED".to_owned()));
    let won: i64 = front.row("SELECT count(*) FROM calls WHERE recovered_by IS NOT NULL AND callback_id IS NOT NULL");
    assert_eq!(won, 0);
    for (path, status) in
        [("/missed/999/hold", 404), ("/missed/1/delete", 404), ("/missed/x/hold", 404), ("/calls/9999/callback", 404)]
    {
        assert_eq!(ask(port, "POST", path, &own, &form).status, status, "{path}");
    }
    let missed: i64 =
        front.row("SELECT id FROM calls WHERE status = 'CANCEL' AND callback_id IS NULL ORDER BY id LIMIT 1");
    assert_eq!(ask(port, "POST", &format!("/calls/{missed}/callback"), &own, &form).status, 303);
    let by: String = front.row("SELECT \"by\" FROM callback_events ORDER BY callback_id DESC, n DESC LIMIT 1");
    assert!(by.starts_with("token operate of "), "{by}");
}

#[test]
fn nonsense_is_answered_in_a_sentence() {
    let port = free_port();
    let front = with_pages(port);
    let cookie = logged_in(port, &token(&front, "read", "read"));
    for (path, status, words) in [
        ("/report?from=2026-11-02&to=2026-11-01", 400, "it ends before it begins"),
        ("/report?from=never&to=2026-11-01", 400, "is no day"),
        ("/report?queue=salse", 404, "no queue `salse`"),
        ("/missed?from=2026-11-02&to=2026-11-01", 400, "it ends before it begins"),
        ("/missed?state=lost&queue=nobody", 404, "no queue `nobody`; there are `sales`"),
        ("/missed?state=lost&did=nobody", 200, "No missed caller fits this choice."),
        ("/calls/nobody", 404, "There is no such call."),
        ("/calls/%FF", 404, "There is no such call."),
        ("/wall?queue=%3Cscript%3E", 404, "no queue `&lt;script&gt;`; there are `sales`"),
        ("/wall?queue=sales", 200, "· sales"),
        ("/wall?queue=SALES", 200, "· sales"),
        ("/report?from=2001-01-01&to=2001-01-31", 200, "No calls."),
    ] {
        let answer = ask(port, "GET", path, &[("Cookie", &cookie)], "");
        assert_eq!((answer.status, answer.body.contains(words)), (status, true), "{path}: {}", answer.body);
    }
    let csv = ask(port, "GET", "/missed.csv?state=lost", &[("Cookie", &cookie)], "").body;
    assert!(csv.starts_with("called,number,name,") && csv.matches("\r\n").count() == 11, "{csv}");
}
