//! Clients of the API that ask for much and do not read it: what they leave unread has an end, and so has their time.

use crate::front::{Front, closed};
use crate::scripted::{Action, usual};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tokio::time::Instant;

/// More agents than one answer has.
const AGENTS: usize = 1_100;

/// Agents with long names in queues with long names: one answer has far more than a socket takes at once.
fn many(action: &Action) -> Option<String> {
    if action.get("Action") != "QueueStatus" {
        return Some(usual(action));
    }
    let (mut said, long) = (String::new(), "y".repeat(70));
    said.push_str("Response: Success\nActionID: @ID@\nEventList: start\nMessage: Queue status will follow\n\n");
    for queue in 0..5 {
        let name = format!("q{queue}{long}");
        write!(said, "Event: QueueParams\nQueue: {name}\nStrategy: ringall\nCalls: 0\nActionID: @ID@\n\n").unwrap();
        for agent in 0..AGENTS {
            write!(
                said,
                "Event: QueueMember\nQueue: {name}\nName: m{agent}{long}\nLocation: PJSIP/{agent}{long}\nStateInterface: PJSIP/{agent}{long}\n\
                 Status: 1\nPaused: 0\nPenalty: 0\nCallsTaken: 0\nLastCall: 0\nInCall: 0\nWrapuptime: 0\nActionID: @ID@\n\n"
            )
            .unwrap();
        }
    }
    let items = 5 * (AGENTS + 1);
    write!(said, "Event: QueueStatusComplete\nActionID: @ID@\nEventList: Complete\nListItems: {items}\n\n").unwrap();
    Some(said)
}

/// A client that asks, and does not read.
fn deaf(front: &Front, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(front.socket()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream
}

#[test]
fn what_is_live_has_as_many_rows_as_any_answer_and_says_where_the_others_are() {
    let front = Front::of(many, "");
    let live = front.get("/v1/live");
    assert_eq!(live["agents"].as_array().unwrap().len(), 1_000);
    assert_eq!(live["cut"], serde_json::json!({"agents": {"rows": AGENTS, "see": "/v1/agents"}}));
}

#[test]
fn who_does_not_read_an_answer_is_cut_and_their_further_requests_are_answered_then() {
    let front = Front::of(many, "unread=1000");
    let mut clients: Vec<_> = (0..12).map(|_| deaf(&front, "/v1/live")).collect();
    let asked = Instant::now();
    front.get("/v1/status");
    // Three times four of them have their turn, each until it is cut.
    clients.iter_mut().for_each(closed);
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
}

#[test]
fn unread_answers_have_room_for_so_many_and_one_more_is_refused_and_counted() {
    let front = Front::of(many, "");
    let other = "/v1/events?after=00000000-7";
    let mut held = Vec::new();
    let refused = loop {
        assert!(held.len() < 40, "unread answers have no end");
        let mut stream = deaf(&front, other);
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut head = vec![0; 4_096];
        let length = stream.read(&mut head).unwrap();
        let head = String::from_utf8_lossy(&head[..length]).into_owned();
        if head.starts_with("HTTP/1.1 503 ") {
            break head;
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        held.push(stream);
    };
    assert!(held.len() > 2, "{}", held.len());
    let body: Value = serde_json::from_str(refused.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(body["error"].as_str().unwrap().contains("has not been read yet"), "{body}");
    let refused = front.get("/v1/status")["counters"]["api"]["answers_refused"].as_u64();
    assert!(refused >= Some(1), "{refused:?}");
    drop(held);
    let begun = Instant::now();
    while front.ask("GET", "/v1/live", &Value::Null).0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "their room is not free again");
    }
}
