//! As many streams of the change feed as one user may have, none of them read, beside a PBX whose calls are a flood.

use crate::memory::{Watched, channel, event};
use crate::ports::free_port;
use crate::scripted::usual;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

/// `MAX_STREAMS_OF_USER`.
const STREAMS: usize = 1_024;
/// Calls that come and go while they are there.
const CALLS: usize = 8_000;

/// These calls begin and end.
fn calls(of: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    let place = |n: usize| {
        let id = format!("1.{n}");
        channel("", &format!("PJSIP/trunk-{n:08x}"), &id, &id, "from-trunk", 80)
    };
    of.flat_map(move |n| {
        let ended = format!("{}Cause: 16\nCause-txt: Normal Clearing\n", place(n));
        [event("Newchannel", &place(n)), event("Hangup", &ended)]
    })
}

/// A stream of whoever has this token, of which nothing but the first line is read.
fn unread(port: u16, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, &stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200 "), "{line}");
    stream
}

#[test]
fn a_thousand_streams_that_are_not_read_and_a_flood_of_calls_stay_small_together() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).unwrap();
    let port = free_port();
    let listen = format!("listen = \"127.0.0.1:{port}\"\n");
    let watched = Watched::with_waits(|action| Some(usual(action)), &listen, "unread=600000");
    let token = watched.site.run(&["token", "add", "crowd", "--role", "read", "--config", "callbackd.toml"]).out;
    let streams: Vec<TcpStream> = (0..STREAMS).map(|_| unread(port, token.trim())).collect();
    watched.take(calls(0..CALLS));
    watched.wait_for("the rows", |watched| watched.calls_stored() >= CALLS as u64);
    assert_eq!(watched.status()["streams"], STREAMS);
    // Each has been given as much as it takes: for who does not read that is some 64 KiB.
    for stream in &streams {
        while rustix::io::ioctl_fionread(stream).unwrap() < 32 << 10 {
            std::thread::yield_now();
        }
    }
    watched.stays_small();
}
