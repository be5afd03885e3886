//! A link whose other end is half there: silent, slow, without end, or not to be had with this secret.

use std::time::Duration;

use crate::peer::{Asterisk, Linked, Listening, secret_file, within};
use crate::whole::whole;
use callbackd::daemon::link::RETRY_UP_TO;
use callbackd::daemon::{LinkEvent, LostReason, SecretError};
use callbackd_core::ami::session::{BANNER_TIMEOUT, PING_EVERY, PING_TIMEOUT, SNAPSHOT_AT_MOST_EVERY};
use callbackd_core::ami::{DeadReason, LoginRefusal, Notice, Refusal};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// So much time goes by at once, for all timers; the sockets are real. For a live session it is as if this program had stood still.
async fn pass(ms: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(ms)).await;
    tokio::time::resume();
}

/// The same in steps so short that nobody seems to have stood still.
async fn pass_awake(ms: u64) {
    const STEP: u64 = 500;
    for _ in 0..ms / STEP {
        pass(STEP).await;
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
}

/// A link that receives byte by byte.
struct Trickle {
    asterisk: Asterisk<TcpStream>,
    read: mpsc::Receiver<usize>,
}

impl Trickle {
    async fn new(listening: &Listening) -> (Self, Linked) {
        let (recorded, read) = mpsc::channel(1_000);
        // The test may have ended.
        let tee = Box::new(move |bytes: &[u8]| {
            let _ = recorded.try_send(bytes.len());
        });
        let linked = Linked::spawn(&listening.pbx, 10_000, Some(tee));
        (Self { asterisk: listening.accept().await, read }, linked)
    }

    /// Sends one byte, which the link reads, and a second goes by.
    async fn byte(&mut self, byte: u8) {
        while self.read.try_recv().is_ok() {}
        self.asterisk.stream.write_all(&[byte]).await.unwrap();
        self.asterisk.stream.flush().await.unwrap();
        // An answer of before may come first.
        while within("the byte to be read", self.read.recv()).await != Some(1) {}
        pass(1_000).await;
    }
}

async fn live() -> (Listening, Linked, Asterisk<TcpStream>) {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    linked.until(&Notice::Live).await;
    (listening, linked, asterisk)
}

/// A fresh connection, which the link knows of.
async fn connected() -> (Listening, Linked, Asterisk<TcpStream>) {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let asterisk = listening.accept().await;
    assert!(matches!(linked.next().await, LinkEvent::Connected { .. }));
    (listening, linked, asterisk)
}

#[tokio::test]
async fn a_half_open_connection_is_found_dead_by_a_ping_and_made_again() {
    let (listening, mut linked, mut asterisk) = live().await;
    pass_awake(PING_EVERY).await;
    assert_eq!(asterisk.hear().await.expect("a ping").get("Action"), "Ping");
    pass_awake(PING_TIMEOUT).await;
    let LinkEvent::Notice(Notice::Unproven { ms }) = linked.next().await else { panic!("not told since when") };
    assert!((PING_EVERY + PING_TIMEOUT..PING_EVERY + PING_TIMEOUT + 5_000).contains(&ms), "{ms}");
    assert_eq!(linked.lost().await.0, LostReason::Dead(DeadReason::PingTimedOut));
    let mut again = listening.accept().await;
    again.serve().await;
    linked.until(&Notice::Live).await;
}

#[tokio::test]
async fn a_server_that_never_greets_is_left_in_time() {
    let (_listening, mut linked, mut asterisk) = connected().await;
    pass(BANNER_TIMEOUT).await;
    assert_eq!(linked.lost().await.0, LostReason::Dead(DeadReason::NoBanner));
    assert!(asterisk.hear().await.is_none(), "nothing is said to a stranger");
}

#[tokio::test]
async fn a_greeting_of_one_byte_a_second_gains_no_time() {
    let listening = Listening::new().await;
    let (mut trickle, mut linked) = Trickle::new(&listening).await;
    for byte in "Asterisk Call Manager/11.0.0".bytes().take(BANNER_TIMEOUT as usize / 1_000) {
        trickle.byte(byte).await;
    }
    assert_eq!(linked.lost().await.0, LostReason::Dead(DeadReason::NoBanner));
}

#[tokio::test]
async fn a_greeting_without_end_is_taken_and_forgotten_until_its_time_is_over() {
    for chunk in ["x".repeat(1 << 20), "x: y\r\n".repeat(1 << 17)] {
        let (_listening, mut linked, mut asterisk) = connected().await;
        let flood = async {
            for _ in 0..16 {
                asterisk.stream.write_all(chunk.as_bytes()).await.unwrap();
            }
            asterisk.stream.flush().await.unwrap();
        };
        within("the flood", flood).await;
        pass(BANNER_TIMEOUT).await;
        assert_eq!(linked.lost().await.0, LostReason::Dead(DeadReason::NoBanner));
    }
}

#[tokio::test]
async fn bytes_that_never_become_a_frame_do_not_keep_a_link_alive() {
    let listening = Listening::new().await;
    let (mut trickle, mut linked) = Trickle::new(&listening).await;
    trickle.asterisk.serve().await;
    linked.until(&Notice::Live).await;
    for _ in 0..(PING_EVERY + PING_TIMEOUT) / 1_000 {
        trickle.byte(b'x').await;
    }
    assert_eq!(linked.lost().await.0, LostReason::Dead(DeadReason::PingTimedOut));
}

#[tokio::test]
async fn a_wrong_secret_is_tried_again_slowly_until_the_file_is_right() {
    let listening = Listening::new().await;
    secret_file(listening.directory.path(), "old\n");
    let mut linked = listening.link();
    for _ in 0..2 {
        let mut asterisk = listening.accept().await;
        asterisk.greet_and_challenge().await;
        asterisk.answer("Login", "Error", "Message: Authentication failed").await;
        let (reason, retry_in) = linked.lost().await;
        assert!(matches!(reason, LostReason::LoginRefused { reason: LoginRefusal::AuthenticationFailed, .. }));
        assert_eq!(retry_in, RETRY_UP_TO);
        pass(RETRY_UP_TO.as_millis() as u64).await;
    }
    // The third attempt is under way with the old one.
    let asterisk = listening.accept().await;
    secret_file(listening.directory.path(), "s3cret-lab\n");
    drop(asterisk);
    linked.lost().await;
    pass(RETRY_UP_TO.as_millis() as u64).await;
    listening.accept().await.serve().await;
    linked.until(&Notice::Live).await;
}

#[tokio::test]
async fn a_secret_file_that_goes_bad_while_the_daemon_runs_is_named_and_taken_again_when_it_is_well() {
    let (listening, mut linked, asterisk) = live().await;
    let path = listening.pbx.secret_file.clone().unwrap();
    std::fs::remove_file(&path).unwrap();
    drop(asterisk);
    assert_eq!(linked.lost().await.0, LostReason::Closed);
    let (reason, retry_in) = linked.lost().await;
    assert!(matches!(&reason, LostReason::Secret(SecretError::Unreadable { .. })), "{reason:?}");
    assert_eq!(retry_in, RETRY_UP_TO);
    secret_file(listening.directory.path(), "s3cret-lab\n");
    pass(RETRY_UP_TO.as_millis() as u64).await;
    listening.accept().await.serve().await;
    linked.until(&Notice::Live).await;
}

#[tokio::test]
async fn a_second_client_of_the_same_user_is_named_as_the_reason_and_waited_for() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.greet_and_challenge().await;
    asterisk.answer("Login", "Error", "Message: Login Already In Use").await;
    let (reason, retry_in) = linked.lost().await;
    let line = reason.to_string();
    assert!(line.contains("allowmultiplelogin = no") && line.contains("a user of its own"), "{line}");
    assert_eq!(retry_in, RETRY_UP_TO);
    pass(RETRY_UP_TO.as_millis() as u64).await;
    listening.accept().await.serve().await;
    linked.until(&Notice::Live).await;
}

/// An event whose number has line breaks in it, and between them the end of another's call.
const TORN: &str = "Event: Newstate\nPrivilege: call,all\nChannel: PJSIP/trunk-00000009\nChannelState: 4\nChannelStateDesc: Ring\n\
    CallerIDNum: 1\n\nEvent: Hangup\nUniqueid: 1.1\n\nX: \nCallerIDName: <unknown>\nConnectedLineNum: <unknown>\nConnectedLineName: <unknown>\n\
    Language: en\nAccountCode: \nContext: from-trunk\nExten: 5550100\nPriority: 1\nUniqueid: 1.9\nLinkedid: 1.9\n\n";

#[tokio::test]
async fn what_a_callers_line_breaks_tear_is_reported_with_the_channel_and_followed_by_one_snapshot() {
    let (_listening, mut linked, mut asterisk) = live().await;
    asterisk.say(&whole("Event: Newstate\nUniqueid: 1.2\n\n")).await;
    assert_eq!(linked.frame().await, "1.2");
    asterisk.say(&TORN.repeat(50)).await;
    asterisk.say(&whole("Event: Newstate\nUniqueid: 1.3\n\n")).await;
    let mut told = Vec::new();
    loop {
        match linked.next().await {
            LinkEvent::Discarded(error) => told.push((error.refusal, error.channel)),
            LinkEvent::Frame { frame, .. } => {
                assert_eq!(frame.text("Uniqueid").as_deref(), Some("1.3"));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    // Many digits could be a customer's number.
    let front = |torn: &&(Refusal, String)| torn.0 == Refusal::Torn && torn.1.starts_with("PJSIP/trunk-");
    let fronts = told.iter().filter(front).count();
    assert_eq!((fronts, told.len()), (50, 150), "{told:?}");
    pass_awake(SNAPSHOT_AT_MOST_EVERY).await;
    asterisk.snapshot().await;
    assert_eq!(linked.until(&Notice::Live).await, [""; 0]);
    pass_awake(PING_EVERY).await;
    assert_eq!(asterisk.hear().await.expect("a ping").get("Action"), "Ping", "and no second snapshot");
}
