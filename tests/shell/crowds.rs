//! Whoever comes without end: commands on one callback, and connections that say nothing. What is kept of them, and who waits for them.

use crate::api_tls::{curl, everywhere, workshop};
use crate::front::{Front, http};
use crate::pages::{ask, logged_in, token};
use crate::ports::free_port;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use std::net::TcpStream;
use std::time::Duration;
use tokio::time::Instant;

/// Commands on one callback, and how many clients give them at once.
const COMMANDS: usize = 16_000;
const CLIENTS: usize = 4;
/// As many changes of one callback as are kept beside the first, and as any answer has.
const KEPT: usize = 1_000;

#[test]
fn sixteen_thousand_commands_on_one_callback_leave_database_story_page_and_answer_as_small_as_a_thousand() {
    let port = free_port();
    let front =
        Front::open(&format!("listen = \"127.0.0.1:{port}\"\npages = true\n[feed]\nmax_rows = 1000\nmax_mib = 1"));
    let id = front.added("+12025550123");
    let note = "n".repeat(600);
    // The first holds and releases by turns; the others give it another priority each time, and never the same.
    std::thread::scope(|clients| {
        for client in 0..CLIENTS {
            let (socket, note) = (front.socket(), &note);
            clients.spawn(move || {
                for n in 0..COMMANDS / CLIENTS {
                    let (command, priority) = match (client, n % 2) {
                        (0, 0) => ("hold", None),
                        (0, _) => ("release", None),
                        _ => ("prioritise", Some(client * 200 + n % 150)),
                    };
                    let mut body = json!({"note": format!("{n:05} {note}")});
                    if let Some(priority) = priority {
                        body["priority"] = priority.into();
                    }
                    let path = format!("/v1/callbacks/{id}/{command}");
                    let (status, answer) = http(&socket, "POST", &path, &body.to_string()).unwrap();
                    assert_eq!(status, 200, "{command} {n}: {answer}");
                }
            });
        }
    });

    let story = front.get(&format!("/v1/callbacks/{id}"));
    let events = story["events"].as_array().unwrap();
    // The one by which it was made, and one for each command.
    let earlier = COMMANDS + 1 - KEPT;
    assert_eq!((events.len(), story["earlier"]["events"].as_u64()), (KEPT, Some(earlier as u64)));
    // The note, and what was set before it.
    assert!(events.iter().all(|event| (500..520).contains(&event["note"].as_str().unwrap().len())), "{}", events[0]);
    let rows: i64 = front.row("SELECT count(*) FROM callback_events");
    assert_eq!(rows, KEPT as i64 + 1, "the first is kept too");
    let longest = 1 << 20;
    let answer = story.to_string().len();
    let shown = front.run(&["callbacks", "show", &id.to_string()]);
    assert_eq!(shown.code, 0, "{shown:?}");
    let cookie = logged_in(port, &token(&front, "desk", "operate"));
    let headers = [("Cookie", cookie.as_str())];
    let pages = ["/missed", "/wall"].map(|path| {
        let page = ask(port, "GET", path, &headers, "");
        assert_eq!(page.status, 200, "{}", page.body);
        page.body.len()
    });
    let sizes = [answer, shown.out.len(), pages[0], pages[1]];
    println!("answer, show, pages: {sizes:?} bytes");
    assert!(sizes.iter().all(|size| *size < longest), "{sizes:?}");

    // The feed has its own limit; the WAL is cut at a checkpoint.
    let pages: i64 = front.row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    let wal = std::fs::metadata(front.site.path("calls.db-wal")).unwrap().len();
    let feed: i64 = front.row("SELECT count(*) FROM outbox");
    println!("database {pages} bytes, WAL {wal} bytes, feed {feed} rows");
    assert!(pages < 8 << 20 && wal < 24 << 20 && feed < 1_200, "{pages} {wal} {feed}");
    let metrics = front.get("/metrics");
    let resident = metrics.as_str().unwrap().lines().find_map(|line| {
        line.strip_prefix("callbackd_process_resident_memory_bytes ").and_then(|bytes| bytes.parse::<f64>().ok())
    });
    println!("resident {resident:?} bytes");
    assert!(resident.is_some_and(|bytes| bytes < f64::from(64 << 20)), "{resident:?}");
}

/// So many connections that say nothing.
const SILENT: usize = 1_000;

fn silent(port: u16) -> Vec<TcpStream> {
    // Each is an open file of this process.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    (0..SILENT).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect()
}

/// How many of them the daemon has closed by now.
fn closed(crowd: &[TcpStream]) -> usize {
    let is_closed = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        // What is closed gives 0 bytes, or a reset; what is open has nothing to read.
        !stream.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    crowd.iter().filter(|stream| is_closed(stream)).count()
}

/// All of the crowd but those who have places are closed: so many have places without a token.
const PLACES: usize = 128;

/// The quickest of three: another test may have the processor.
fn quickest(asked: impl Fn()) -> Duration {
    let time = |_| {
        let begun = Instant::now();
        asked();
        begun.elapsed()
    };
    (0..3).map(time).min().unwrap()
}

fn crowded(front: &Front, crowd: &[TcpStream], by_tcp: impl Fn()) {
    let (by_tcp, by_socket) = (quickest(by_tcp), quickest(|| assert!(front.get("/v1/status").is_object())));
    println!("{SILENT} silent connections: by TCP {by_tcp:?}, by the socket {by_socket:?}");
    assert!(by_tcp < Duration::from_secs(1) && by_socket < Duration::from_secs(1), "{by_tcp:?} {by_socket:?}");
    let api = &front.get("/v1/status")["counters"]["api"];
    assert!(api["newcomers_closed"].as_u64() >= Some((SILENT - PLACES) as u64), "{api}");
    assert_eq!(api["connections_refused"], 0, "{api}");
    assert!(closed(crowd) >= SILENT - PLACES, "{}", closed(crowd));
}

#[test]
fn a_thousand_handshakes_that_do_not_go_on_keep_nobody_out() {
    let workshop = workshop();
    let (mut front, port) = everywhere(&workshop);
    front.start();
    let said = front.run(&["token", "add", "wallboard", "--role", "read"]);
    let token = [format!("Authorization: Bearer {}", said.out.trim())];
    let (authority, url) = (workshop.path("one.crt"), format!("https://localhost:{port}"));
    let crowd = silent(port);
    crowded(&front, &crowd, || {
        let (code, status, answer) = curl(&authority, &format!("{url}/healthz"), &[]);
        assert_eq!((code, status.as_str()), (0, "200"), "{answer}");
        let (code, status, answer) = curl(&authority, &format!("{url}/v1/status"), &token);
        assert_eq!((code, status.as_str()), (0, "200"), "{answer}");
    });
}

#[test]
fn a_thousand_connections_in_the_clear_that_say_nothing_keep_nobody_out() {
    let port = free_port();
    let front = Front::open(&format!("listen = \"127.0.0.1:{port}\""));
    let bearer = format!("Bearer {}", token(&front, "wallboard", "read"));
    let crowd = silent(port);
    crowded(&front, &crowd, || {
        for path in ["/healthz", "/v1/status"] {
            let answer = ask(port, "GET", path, &[("Authorization", &bearer)], "");
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    });
}
