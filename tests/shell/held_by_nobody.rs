//! A receiver of webhooks and a scraper that never read: the loop goes on beside them.

use crate::front::Front;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::time::Duration;
use tokio::time::Instant;

/// Far more than an order takes, and far less than those who do not read are waited for.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Orders are carried out, one after the other, each at once.
#[track_caller]
fn goes_on(front: &Front, first: u32) {
    for n in first..first + 10 {
        let begun = Instant::now();
        front.added(&format!("+120255501{n:02}"));
        assert_eq!(front.get("/healthz"), json!({"status": "ok"}));
        assert!(begun.elapsed() < AT_ONCE, "{n}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_receiver_that_takes_the_connection_and_never_reads_holds_nobody_but_its_own_queue() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    #[allow(clippy::disallowed_methods, reason = "a test takes all that comes")]
    let (sender, taken) = channel::<TcpStream>();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).all(|stream| sender.send(stream).is_ok()));
    let front = Front::closed(&format!(
        "[[webhook]]\nname = \"deaf\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret_file = \"hook\"\nevents = [\"callback.created\"]\n"
    ));
    front.site.write("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o600);
    // It is waited for longer than the test lasts.
    let front = front.started("webhook=60000,webhook_pause=2");
    front.added("+12025550199");
    let held = taken.recv_timeout(Duration::from_secs(30)).expect("a connection");
    goes_on(&front, 10);
    let counters = &front.get("/v1/status")["counters"]["webhooks"]["deaf"];
    assert!(counters["behind"].as_u64() >= Some(10) && counters["delivered"] == 0, "{counters}");
    drop(held);
}

#[test]
fn scrapers_that_never_read_hold_nobody() {
    let front = Front::with_waits("unread=60000");
    let ask = || {
        let mut stream = UnixStream::connect(front.socket()).unwrap();
        // Many answers wait behind each other, far more than a socket takes.
        for _ in 0..200 {
            if write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").is_err() {
                break;
            }
        }
        stream
    };
    let held: Vec<UnixStream> = (0..3).map(|_| ask()).collect();
    goes_on(&front, 20);
    assert_ne!(front.get("/v1/status"), Value::Null);
    drop(held);
}
