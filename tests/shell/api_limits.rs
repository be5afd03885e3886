//! What one answer, one client and one user of the local API can have at most.

use crate::front::{Front, closed, http};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::time::Instant;

/// So many callbacks as they would be after years, and an entry of the do-not-call list for each.
fn filled(front: &Front, rows: i64) {
    let db = Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(Duration::from_secs(20)).unwrap();
    let columns = "pbx, number_e164, state, reason, requested, priority, missed_count, first_missed_ms, last_missed_ms, due_ms, expires_ms, attempts, counted, closed_ms";
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO callbacks ({columns})
         SELECT 'pbx', '+1202555' || substr('000' || (i % 10000), -4), 'EXPIRED', 'x', 0, 0, 1, i, i, i, i, 0, 0, unixepoch() * 1000 - i / 10 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO do_not_call (number_e164, reason, \"by\", added_ms) SELECT '+1202555' || substr('0000' || i, -5), 'r', 'me', unixepoch() * 1000 FROM n;"
    );
    db.execute_batch(&sql).unwrap();
}

/// Head and body of an answer.
fn raw(front: &Front, path: &str) -> (String, Value) {
    let mut stream = UnixStream::connect(front.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {text}")))
}

/// All pages of a list, and how many there were.
fn pages(front: &Front, path: &str) -> (usize, Vec<Value>) {
    let (mut count, mut all, mut next) = (0, Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (head, page) = raw(front, &path);
        let page = page.as_array().unwrap().clone();
        assert!(page.len() <= 1_000, "{}", page.len());
        all.extend(page);
        count += 1;
        let link = head.lines().find_map(|line| line.strip_prefix("link: <"));
        next = link.map(|link| link.split_once(">; rel=\"next\"").unwrap().0.to_owned());
    }
    (count, all)
}

#[test]
fn a_list_comes_in_pages_that_have_each_row_once() {
    let front = Front::open("");
    let open = front.added("+12025550123");
    filled(&front, 2_500);
    let (count, all) = pages(&front, "/v1/callbacks");
    let mut ids: Vec<i64> = all.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!((count, ids.len(), ids[0]), (3, 2_501, open), "open ones first");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 2_501);
    let (count, some) = pages(&front, "/v1/callbacks?number=0123&limit=1");
    assert_eq!((count, some.len()), (2, 2));
    assert_eq!(pages(&front, "/v1/callbacks?limit=5000").0, 3, "more than 1,000 rows are in no answer");
    let (count, all) = pages(&front, "/v1/dnc");
    assert_eq!((count, all.len()), (3, 2_500));
    assert!(all.windows(2).all(|two| two[0]["number_e164"].as_str() < two[1]["number_e164"].as_str()));
    let (count, agents) = pages(&front, "/v1/agents?limit=1&pbx=pbx");
    let agents: Vec<&str> = agents.iter().map(|agent| agent["agent"].as_str().unwrap()).collect();
    assert_eq!((count, &agents[..]), (2, &["PJSIP/101", "PJSIP/102"][..]));
}

#[test]
fn ratings_come_with_their_calls_the_newest_first_and_those_of_one_call_on_one_page() {
    let front = Front::open("");
    let db = Connection::open(front.site.path("calls.db")).unwrap();
    db.busy_timeout(Duration::from_secs(20)).unwrap();
    db.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4)
         INSERT INTO calls (id, pbx, linkedid, direction, status, outcome, started_ms, ended_ms, wait_ms, queue_wait_ms, ring_ms, talk_ms, hold_ms,
                            hangup_by, transfers, voicemail, quality, why)
         SELECT i, 'pbx', i || '.1', 'inbound', 'ANSWER', 'AGENT', i, i, 0, 0, 0, 0, 0, 'customer', 0, 0, 'full', '[]' FROM n;
         INSERT INTO ratings SELECT id, by, id + 0.5, id FROM calls, (SELECT 'agent' AS by UNION SELECT 'line');",
    )
    .unwrap();
    let (count, all) = pages(&front, "/v1/ratings?limit=3");
    let rated: Vec<_> =
        all.iter().map(|one| (one["call_id"].as_i64(), one["by"].as_str(), one["score"].as_f64())).collect();
    let expected: Vec<_> =
        (1..=4).rev().flat_map(|id| ["agent", "line"].map(|by| (Some(id), Some(by), Some(id as f64 + 0.5)))).collect();
    assert_eq!((count, rated), (2, expected));
    assert_eq!(all[0]["linkedid"], "4.1");
    assert_eq!(pages(&front, "/v1/ratings?pbx=pbx").1.len(), 8);
    assert_eq!(front.ask("GET", "/v1/ratings?pbx=other", &Value::Null).1["field"], "pbx");
}

#[test]
fn a_page_behind_a_row_that_is_gone_is_refused() {
    let front = Front::open("");
    let id = front.added("+12025550123");
    assert_eq!(front.get(&format!("/v1/callbacks?after={id}")), json!([]));
    let (status, answer) = front.ask("GET", "/v1/callbacks?after=4711", &Value::Null);
    assert_eq!(status, 410, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("begin again without `after`"), "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_waited_for_a_while() {
    let front = Front::open("");
    let mut stream = UnixStream::connect(front.socket()).unwrap();
    stream.write_all(b"POST /v1/dnc HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n{\"number\"").unwrap();
    let started = Instant::now();
    let mut answer = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(started.elapsed() > Duration::from_millis(1_900) && started.elapsed() < Duration::from_secs(20));
}

#[test]
fn connections_of_one_user_have_an_end_and_are_counted() {
    let front = Front::open("");
    let mut held: Vec<_> = (0..128).map(|_| UnixStream::connect(front.socket()).unwrap()).collect();
    let refused = loop {
        let (status, answer) = http(&front.socket(), "GET", "/v1/status", "").unwrap();
        if status == 503 {
            break answer;
        }
    };
    assert!(refused["error"].as_str().unwrap().contains("too many connections"), "{refused}");
    held.iter_mut().for_each(closed);
    let status = front.get("/v1/status");
    assert!(status["counters"]["api"]["connections_refused"].as_u64().unwrap() >= 1, "{status}");
}
