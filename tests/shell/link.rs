//! The link on real sockets: what it makes of a PBX that answers, refuses, breaks off, or is too fast.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::peer::{Linked, Listening, pbx, within};
use callbackd::daemon::link::{RETRY_FROM, RETRY_UP_TO};
use callbackd::daemon::{LinkEvent, LostReason, RequestFailed, SecretError};
use callbackd_core::ami::{Action, DeadReason, LoginRefusal, Notice, SnapshotSize};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use callbackd_core::ami::session::{RequestError, Unanswered};

#[tokio::test]
async fn it_logs_in_takes_the_snapshot_and_hands_on_events_in_order() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    asterisk.event("1.1").await;
    asterisk.event("1.2").await;
    let LinkEvent::Connected { peer, encrypted } = linked.next().await else { panic!("not connected first") };
    assert_eq!((peer, encrypted), (listening.listener.local_addr().unwrap(), false));
    let mut story = Vec::new();
    while story.last() != Some(&Notice::Live) {
        match linked.next().await {
            LinkEvent::Notice(notice) => story.push(notice),
            LinkEvent::Frame { frame, arrived_ms, .. } => {
                assert_eq!(frame.text("Event").as_deref(), Some("FullyBooted"));
                assert!(arrived_ms > 1_700_000_000_000);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        story,
        [
            Notice::BannerSeen { version: "11.0.0".into() },
            Notice::LoggedIn,
            Notice::Booted { uptime_s: Some(77) },
            Notice::SnapshotBegan,
            Notice::SnapshotEnded(SnapshotSize { channels_known: true, ..SnapshotSize::default() }),
            Notice::Live,
        ]
    );
    assert_eq!([linked.frame().await, linked.frame().await], ["1.1", "1.2"]);
}

#[tokio::test]
async fn a_connection_that_ends_is_made_again_soon() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    for n in 0..3 {
        let mut asterisk = listening.accept().await;
        asterisk.serve().await;
        linked.until(&Notice::Live).await;
        drop(asterisk);
        let (reason, retry_in) = linked.lost().await;
        assert_eq!(reason, LostReason::Closed);
        assert!(retry_in >= RETRY_FROM && retry_in <= 2 * RETRY_FROM, "{retry_in:?} the {n}th time");
    }
}

#[tokio::test]
async fn a_frame_that_the_connections_end_cuts_costs_nothing_else() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    asterisk.say("Event: Newchannel\nUniq").await;
    drop(asterisk);
    assert_eq!(linked.lost().await.0, LostReason::Closed);
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    asterisk.event("2.1").await;
    linked.until(&Notice::Live).await;
    assert_eq!(linked.frame().await, "2.1");
}

#[tokio::test]
async fn a_refused_login_is_reported_with_its_fix_and_tried_again_slowly() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.greet_and_challenge().await;
    asterisk.answer("Login", "Error", "Message: Authentication failed").await;
    let (reason, retry_in) = linked.lost().await;
    let LostReason::LoginRefused { reason: LoginRefusal::AuthenticationFailed, .. } = &reason else {
        panic!("{reason:?}")
    };
    assert_eq!(retry_in, RETRY_UP_TO);
    let line = reason.to_string();
    assert!(line.contains("manager.conf") && line.contains("permit"), "{line}");
    assert!(!line.contains("s3cret"), "{line}");
    assert!(asterisk.hear().await.is_none(), "the connection is closed and nothing else was sent");
}

#[tokio::test]
async fn where_nobody_listens_the_waits_grow() {
    let listening = Listening::new().await;
    let pbx = listening.pbx.clone();
    drop(listening.listener);
    let mut linked = Linked::spawn(&pbx, 100, None);
    let mut least = RETRY_FROM;
    for _ in 0..3 {
        let (reason, retry_in) = linked.lost().await;
        assert!(matches!(reason, LostReason::Unreachable { .. }), "{reason:?}");
        assert!(reason.to_string().contains("is Asterisk running"), "{reason}");
        assert!(retry_in >= least && retry_in <= 2 * least, "{retry_in:?}");
        least *= 2;
    }
}

#[tokio::test]
async fn a_plaintext_connection_to_another_host_is_refused_unless_it_is_allowed() {
    // The unspecified address leads to this machine and is no loopback address.
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut pbx = pbx(&format!("0.0.0.0:{}", listener.local_addr().unwrap().port()), &directory);
    let mut refused = Linked::spawn(&pbx, 100, None);
    let (reason, retry_in) = refused.lost().await;
    assert!(matches!(reason, LostReason::PlaintextRefused { .. }), "{reason:?}");
    assert!(reason.to_string().contains("pbx.allow_plaintext = true"), "{reason}");
    assert_eq!(retry_in, RETRY_UP_TO);
    pbx.allow_plaintext = true;
    let mut allowed = Linked::spawn(&pbx, 100, None);
    assert!(matches!(allowed.next().await, LinkEvent::Connected { encrypted: false, .. }));
}

#[tokio::test]
async fn a_name_that_means_nothing_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let mut linked = Linked::spawn(&pbx("pbx.invalid:5038", &directory), 100, None);
    let (reason, _) = linked.lost().await;
    assert!(matches!(&reason, LostReason::Unresolved { address, .. } if address == "pbx.invalid:5038"), "{reason:?}");
}

#[tokio::test]
async fn without_a_secret_nobody_is_called() {
    let mut listening = Listening::new().await;
    listening.pbx.secret_file = None;
    let mut linked = listening.link();
    let (reason, retry_in) = linked.lost().await;
    assert_eq!(
        reason,
        LostReason::Secret(SecretError::NotConfigured { pbx: callbackd_core::model::PbxId::new("pbx") })
    );
    assert_eq!(retry_in, RETRY_UP_TO);
}

#[tokio::test]
async fn what_is_no_asterisk_is_recognised() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut other = listening.accept().await;
    other.say("Response: 220 mail.example ESMTP\n\n").await;
    assert_eq!(linked.lost().await.0, LostReason::Dead(DeadReason::NotAsterisk));
}

#[tokio::test]
async fn a_consumer_that_does_not_keep_up_never_makes_asterisk_wait() {
    let listening = Listening::new().await;
    let mut linked = Linked::spawn(&listening.pbx, 32, None);
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    linked.until(&Notice::Live).await;
    // Far more than both sockets' buffers and the channel hold, and nobody takes any of it.
    let event = format!("Event: Newchannel\r\nUniqueid: 1.1\r\nExten: {}\r\n\r\n", "5".repeat(1000)).into_bytes();
    let sent = 20_000;
    let writing = async {
        for _ in 0..sent {
            asterisk.stream.write_all(&event).await.unwrap();
        }
        asterisk.stream.flush().await.unwrap();
    };
    within("Asterisk to get rid of its events", writing).await;
    let answering = tokio::spawn(async move {
        loop {
            asterisk.list_whatever().await;
        }
    });
    let (mut taken, mut lost, mut recorded) = (0_u64, 0, 0);
    loop {
        match linked.next().await {
            LinkEvent::Frame { .. } => taken += 1,
            LinkEvent::Overloaded { dropped, .. } => (lost, recorded) = (lost + dropped, recorded + 1),
            // What the consumer knows has been repaired. The end of a list that was given up is an event more.
            LinkEvent::Notice(Notice::Live) if taken + lost >= sent => break,
            LinkEvent::Notice(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(lost > 0, "the channel had room for {taken}");
    assert!(recorded < 10, "told {recorded} times");
    answering.abort();
}

#[tokio::test]
async fn a_pbx_that_reads_nothing_is_still_read() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    linked.until(&Notice::Live).await;
    // Each about 120 KiB: together more than both sockets' buffers hold.
    let mut action = Action::core_settings();
    for _ in 0..120 {
        action = action.with("Variable", "x".repeat(1000)).unwrap();
    }
    let requests = futures_util::future::join_all((0..64).map(|_| linked.link.request(action.clone())));
    let reading = async {
        for n in 0..1000 {
            asterisk.event(&n.to_string()).await;
            let Some(LinkEvent::Frame { frame, .. }) = linked.events.recv().await else { panic!("no frame") };
            assert_eq!(frame.text("Uniqueid").unwrap(), n.to_string());
        }
        drop(asterisk);
    };
    let (answers, ()) = within("the end", async { tokio::join!(requests, reading) }).await;
    assert!(answers.iter().all(Result::is_err), "none was read");
}

#[tokio::test]
async fn a_request_is_answered() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    linked.until(&Notice::Live).await;
    let (reply, heard) = tokio::join!(
        linked.link.request(Action::core_settings()),
        asterisk.answer("CoreSettings", "Success", "AsteriskVersion: 22.10.0"),
    );
    assert_ne!(heard.get("ActionID"), "");
    assert_eq!(reply.unwrap().response.text("AsteriskVersion").as_deref(), Some("22.10.0"));
}

#[tokio::test]
async fn a_request_fails_at_once_while_there_is_no_connection_and_when_it_is_lost() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.say("Asterisk Call Manager/11.0.0\n").await;
    let early = within("an answer", linked.link.request(Action::core_settings())).await;
    assert_eq!(early, Err(RequestFailed::NotSent(RequestError::NotLive)));
    asterisk.answer("Challenge", "Success", "Challenge: 159846713").await;
    asterisk.answer("Login", "Success", "Message: Authentication accepted").await;
    asterisk.say("Event: FullyBooted\nUptime: 77\n\n").await;
    asterisk.snapshot().await;
    linked.until(&Notice::Live).await;
    let breaking_off = async {
        asterisk.hear().await.expect("the request");
        drop(asterisk);
    };
    let (cut, ()) = tokio::join!(linked.link.request(Action::core_settings()), breaking_off);
    assert_eq!(cut, Err(RequestFailed::Unanswered(Unanswered::LinkLost)));
}

#[tokio::test]
async fn stopping_says_good_bye() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    linked.until(&Notice::Live).await;
    let good_bye = async {
        asterisk.answer("Logoff", "Goodbye", "Message: Thanks for all the fish.").await;
        assert!(asterisk.hear().await.is_none(), "the connection is closed");
    };
    let ((), ()) = within("the end", async { tokio::join!(linked.link.stop(), good_bye) }).await;
    while let Some(event) = linked.events.recv().await {
        assert!(!matches!(event, LinkEvent::Lost { .. }), "a stop is no loss: {event:?}");
    }
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_pbx_that_is_not_there_or_does_not_answer() {
    let listening = Listening::new().await;
    let mut linked = listening.link();
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    linked.until(&Notice::Live).await;
    let started = tokio::time::Instant::now();
    within("the end", linked.link.stop()).await;
    assert!(started.elapsed() < Duration::from_secs(5), "nobody answered the good-bye");

    let pbx = listening.pbx.clone();
    drop(listening.listener);
    let mut linked = Linked::spawn(&pbx, 100, None);
    linked.lost().await;
    within("the end", linked.link.stop()).await;
}

#[tokio::test]
async fn a_link_whose_events_nobody_takes_any_more_ends() {
    let listening = Listening::new().await;
    let linked = listening.link();
    let mut asterisk = listening.accept().await;
    drop(linked.events);
    asterisk.say("Asterisk Call Manager/11.0.0\n").await;
    while asterisk.hear().await.is_some() {}
    let gone = within("an answer", linked.link.request(Action::ping())).await;
    assert!(gone.is_err());
}

#[tokio::test]
async fn a_tee_gets_every_byte_as_it_came() {
    let listening = Listening::new().await;
    let copy = Arc::new(Mutex::new(Vec::new()));
    let tee = {
        let copy = Arc::clone(&copy);
        Box::new(move |bytes: &[u8]| copy.lock().unwrap().extend_from_slice(bytes))
    };
    let mut linked = Linked::spawn(&listening.pbx, 100, Some(tee));
    let mut asterisk = listening.accept().await;
    asterisk.serve().await;
    asterisk.say("Event: TestEvent\nType: x\n\n").await;
    asterisk.event("1.1").await;
    linked.until(&Notice::Live).await;
    assert_eq!(linked.frame().await, "1.1");
    let copy = String::from_utf8(copy.lock().unwrap().clone()).unwrap();
    assert!(copy.starts_with("Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n"), "{copy}");
    assert!(copy.ends_with("Event: TestEvent\r\nType: x\r\n\r\nEvent: Newchannel\r\nUniqueid: 1.1\r\n\r\n"), "{copy}");
}
