//! A crowd at the change feed that reads slowly, or not at all: what is kept for it has an end, and nobody else waits for it.

use crate::front::Front;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Clients that take a little at a time, in turn.
const SLOW: usize = 300;
/// How much a slow client takes at a time, bytes.
const SIP: usize = 1_024;
/// And how long after the last.
const PACE: Duration = Duration::from_millis(20);
/// Clients that read nothing but the head of the answer.
const DEAF: usize = 50;
/// Commands in each half; each is a change that everybody is sent.
const COMMANDS: usize = 600;
/// What the crowd may cost the daemon, KiB: 50 unread answers of 32 KiB, 350 connections of 64 KiB, and the frames that are kept for all, twice.
const MOST_KIB: u64 = 48 << 10;

fn client(front: &Front) -> UnixStream {
    let mut stream = UnixStream::connect(front.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut head = BufReader::with_capacity(1, &stream);
    let mut line = String::new();
    head.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    stream.set_nonblocking(true).unwrap();
    stream
}

/// The daemon's resident set, KiB.
fn resident_kib(front: &Front) -> u64 {
    let metrics = front.get("/metrics");
    let line = |line: &str| line.strip_prefix("callbackd_process_resident_memory_bytes ")?.parse::<f64>().ok();
    let bytes = metrics.as_str().unwrap().lines().find_map(line).expect("the daemon says it");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
    let kib = (bytes / 1024.0) as u64;
    kib
}

/// Commands on one callback, each answered when it is on the disk: median and 99th percentile.
fn commanded(front: &Front, id: i64) -> [Duration; 2] {
    let note = "n".repeat(500);
    let mut spans: Vec<Duration> = (0..COMMANDS)
        .map(|n| {
            let begun = Instant::now();
            let command = ["hold", "release"][n % 2];
            front.post(&format!("/v1/callbacks/{id}/{command}"), &json!({ "note": format!("{n} {note}") }));
            begun.elapsed()
        })
        .collect();
    spans.sort_unstable();
    [50, 99].map(|q| spans[(spans.len() - 1) * q / 100])
}

#[test]
fn three_hundred_slow_clients_and_fifty_deaf_ones_fill_no_memory_and_commands_go_on() {
    // Each client is an open file of this process.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    let front = Front::with_waits("unread=2000");
    let id = front.added("+12025550123");
    let without = commanded(&front, id);
    let before = resident_kib(&front);

    let deaf: Vec<UnixStream> = (0..DEAF).map(|_| client(&front)).collect();
    let mut slow: Vec<UnixStream> = (0..SLOW).map(|_| client(&front)).collect();
    let (over, sipped) = (AtomicBool::new(false), AtomicUsize::new(0));
    let with = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sip = vec![0; SIP];
            while !over.load(Ordering::Relaxed) {
                slow.retain_mut(|stream| match stream.read(&mut sip) {
                    Ok(length) => {
                        sipped.fetch_add(length, Ordering::Relaxed);
                        length > 0
                    }
                    Err(error) => error.kind() == ErrorKind::WouldBlock,
                });
                std::thread::sleep(PACE);
            }
        });
        let with = commanded(&front, id);
        over.store(true, Ordering::Relaxed);
        with
    });
    let (after, sipped) = (resident_kib(&front), sipped.into_inner());
    let ratio = [0, 1].map(|q| with[q].as_secs_f64() / without[q].as_secs_f64());
    println!("a command takes {without:?} (p50, p99) without and {with:?} with the crowd: {ratio:.2?} times");
    println!("resident {before} KiB without, {after} KiB with the crowd, which read {sipped} bytes");
    assert!(sipped > SLOW * SIP, "{sipped}");
    assert!(after < before + MOST_KIB, "{before} KiB, then {after} KiB");
    assert!(with[1] < Duration::from_secs(2), "{with:?}");

    // Who reads nothing for too long is cut.
    drop(slow);
    let begun = Instant::now();
    while front.get("/v1/status")["streams"] != 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "deaf clients are still there");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(deaf);
}
