//! A session from greeting to live and to its end, with time passed in: what it sends, says and hands on.

use crate::ami::decode;
use bytes::Bytes;
use callbackd_core::ami::session::{
    ACTION_TIMEOUT, Answer, BANNER_TIMEOUT, BOOT_TIMEOUT, PING_EVERY, PING_TIMEOUT, RequestError,
    SNAPSHOT_AT_MOST_EVERY, SNAPSHOT_EVERY, Unanswered,
};
use callbackd_core::ami::{
    Action, DeadReason, Disposition, Login, LoginRefusal, Notice, Received, Session, SessionOutput, SnapshotSize,
};
use secrecy::SecretString;

pub const NONCE: u64 = 0xfeed;

/// A session, and the clock and the Asterisk at its other end.
pub struct Peer {
    pub session: Session,
    pub now: u64,
    pub notices: Vec<Notice>,
    pub answers: Vec<Answer>,
    pub sent: Vec<String>,
    pub tracker: Vec<String>,
}

impl Peer {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl Fn(&mut Login)) -> Self {
        let mut login =
            Login { username: "callbackd".into(), secret: SecretString::from("s3cret-lab"), allow_plain: false };
        change(&mut login);
        let session = Session::new(login, NONCE, 1_000);
        Self { session, now: 1_000, notices: vec![], answers: vec![], sent: vec![], tracker: vec![] }
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                SessionOutput::Send(bytes) => self.sent.push(text(&bytes)),
                SessionOutput::Notice(notice) => self.notices.push(notice),
                SessionOutput::Answer(answer) => self.answers.push(answer),
            }
        }
    }

    /// Asterisk sends these frames, written with LF.
    pub fn says(&mut self, stream: &str) {
        for received in decode(stream.replace('\n', "\r\n").as_bytes()) {
            if self.session.received(&received, self.now) == Disposition::ForTracker {
                let Received::Frame(frame) = &received else { panic!("{received:?} for the engine") };
                self.tracker.push(frame.text("Event").unwrap().into_owned());
            }
        }
        self.drain();
    }

    pub fn passes(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        self.session.tick(self.now);
        self.drain();
    }

    /// What has been sent since the last look: action names.
    #[track_caller]
    pub fn sends(&mut self, expected: &[&str]) {
        let sent: Vec<_> = self.sent.drain(..).collect();
        let names: Vec<_> = sent.iter().map(|action| header(action, "Action")).collect();
        assert_eq!(names, expected);
    }

    #[track_caller]
    pub fn notes(&mut self, expected: &[Notice]) {
        assert_eq!(self.notices, expected);
        self.notices.clear();
    }

    /// Asterisk answers the last action: `headers` after the id.
    pub fn answers_last(&mut self, response: &str, headers: &str) {
        let id = header(self.sent.last().expect("an action"), "ActionID").to_owned();
        self.says(&format!("Response: {response}\nActionID: {id}\n{headers}\n\n"));
    }

    pub fn greets(&mut self) {
        self.says("Asterisk Call Manager/11.0.0\n");
    }

    /// Up to the accepted login.
    pub fn logs_in(&mut self) {
        self.greets();
        self.answers_last("Success", "Challenge: 159846713");
        self.answers_last("Success", "Message: Authentication accepted");
        self.sends(&["Challenge", "Login"]);
        self.notes(&[Notice::BannerSeen { version: "11.0.0".into() }, Notice::LoggedIn]);
    }

    /// A list as the answer to the last action.
    pub fn lists(&mut self, items: &[&str], complete: &str) {
        let id = header(self.sent.last().expect("an action"), "ActionID").to_owned();
        self.says(&format!("Response: Success\nActionID: {id}\nEventList: start\nMessage: will follow\n\n"));
        for item in items {
            self.says(&format!("Event: {item}\nActionID: {id}\n\n"));
        }
        self.says(&format!("Event: {complete}\nActionID: {id}\nEventList: Complete\nListItems: 9\n\n"));
    }

    /// Up to live, with an empty snapshot.
    pub fn becomes_live(&mut self) {
        self.logs_in();
        self.says("Event: FullyBooted\nUptime: 8\nStatus: Fully Booted\n\n");
        self.lists(&[], "QueueStatusComplete");
        self.lists(&[], "CoreShowChannelsComplete");
        assert!(self.session.is_live());
        self.answers_last("Success", "Ping: Pong");
        self.sends(&["QueueStatus", "CoreShowChannels", "Ping"]);
        self.notices.clear();
        self.tracker.clear();
    }
}

pub fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn header<'a>(action: &'a str, key: &str) -> &'a str {
    let lines = action.split("\r\n");
    lines.filter_map(|line| line.split_once(": ")).find(|(found, _)| *found == key).expect("the header").1
}

pub fn empty_snapshot() -> Notice {
    Notice::SnapshotEnded(SnapshotSize { channels_known: true, ..SnapshotSize::default() })
}

#[test]
fn the_way_from_greeting_to_live_is_one_step_at_a_time() {
    let mut peer = Peer::new();
    peer.drain();
    peer.sends(&[]);

    peer.greets();
    peer.notes(&[Notice::BannerSeen { version: "11.0.0".into() }]);
    peer.answers_last("Success", "Challenge: 159846713");
    peer.sends(&["Challenge", "Login"]);

    let mut peer = Peer::new();
    peer.logs_in();
    peer.sends(&[]);
    peer.says("Event: FullyBooted\nUptime: 8\nStatus: Fully Booted\n\n");
    peer.notes(&[Notice::Booted { uptime_s: Some(8) }, Notice::SnapshotBegan]);
    peer.lists(&["QueueParams", "QueueMember", "QueueMember", "QueueEntry"], "QueueStatusComplete");
    peer.notes(&[]);
    peer.lists(&["CoreShowChannel", "CoreShowChannel", "CoreShowChannel"], "CoreShowChannelsComplete");
    peer.sends(&["QueueStatus", "CoreShowChannels", "Ping"]);
    peer.notes(&[
        Notice::SnapshotEnded(SnapshotSize { channels_known: true, channels: 3, queues: 1, members: 2, callers: 1 }),
        Notice::Live,
    ]);
    assert_eq!(
        peer.tracker,
        [
            "FullyBooted",
            "QueueParams",
            "QueueMember",
            "QueueMember",
            "QueueEntry",
            "CoreShowChannel",
            "CoreShowChannel",
            "CoreShowChannel",
        ]
    );
    assert!(peer.session.is_live());
}

#[test]
fn the_login_answers_the_challenge_with_the_digest() {
    let mut peer = Peer::new();
    peer.greets();
    peer.answers_last("Success", "Challenge: 159846713");
    let login = peer.sent.last().unwrap();
    assert_eq!(header(login, "AuthType"), "MD5");
    assert_eq!(header(login, "Username"), "callbackd");
    // printf '%s%s' 159846713 s3cret-lab | md5sum
    assert_eq!(header(login, "Key"), "048168e0f03a449698ccda2e59a4a699");
}

#[test]
fn nothing_but_the_login_is_sent_before_it_succeeded_however_long_it_takes() {
    let mut peer = Peer::new();
    peer.passes(BANNER_TIMEOUT - 1);
    peer.sends(&[]);
    peer.greets();
    assert_eq!(peer.session.request(&Action::ping(), peer.now), Err(RequestError::NotLive));
    assert!(!peer.session.log_off(peer.now));
    peer.session.take_snapshot(peer.now);
    peer.passes(ACTION_TIMEOUT - 1);
    peer.says("Event: FullyBooted\nUptime: 3\n\nEvent: Newchannel\nUniqueid: 1.1\n\n");
    peer.sends(&["Challenge"]);
    assert_eq!(peer.tracker, [] as [&str; 0], "nobody is logged in, so nothing is believed");
    peer.notes(&[Notice::BannerSeen { version: "11.0.0".into() }]);
}

#[test]
fn live_events_reach_the_engine_as_soon_as_the_login_is_accepted() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.says("Event: Newchannel\nUniqueid: 1.1\n\n");
    peer.says("Event: FullyBooted\nUptime: 8\n\nEvent: Hangup\nUniqueid: 1.1\n\n");
    assert_eq!(peer.tracker, ["Newchannel", "FullyBooted", "Hangup"]);
}

#[test]
fn a_login_is_refused_with_a_reason_and_nothing_more_is_sent() {
    for (message, reason) in [
        ("Authentication failed", LoginRefusal::AuthenticationFailed),
        ("Login Already In Use", LoginRefusal::AlreadyInUse),
        ("Permission denied", LoginRefusal::PermissionDenied),
        ("Asterisk is shutting down", LoginRefusal::Other),
    ] {
        let mut peer = Peer::new();
        peer.greets();
        peer.answers_last("Success", "Challenge: 1");
        peer.notices.clear();
        peer.answers_last("Error", &format!("Message: {message}"));
        peer.notes(&[Notice::LoginRefused { reason, message: message.into() }]);
        assert!(peer.session.is_dead());
        peer.passes(PING_EVERY * 10);
        peer.sends(&["Challenge", "Login"]);
        assert_eq!(peer.session.deadline(), None);
    }
}

#[test]
fn without_a_challenge_the_plain_login_is_used_only_if_it_is_allowed() {
    let mut peer = Peer::with(|login| login.allow_plain = true);
    peer.greets();
    peer.answers_last("Error", "Message: Must specify AuthType");
    assert_eq!(header(peer.sent.last().unwrap(), "Secret"), "s3cret-lab");

    let mut peer = Peer::new();
    peer.greets();
    peer.answers_last("Error", "Message: Must specify AuthType");
    peer.sends(&["Challenge"]);
    let refused = Notice::LoginRefused { reason: LoginRefusal::NoChallenge, message: "Must specify AuthType".into() };
    assert_eq!(peer.notices.last(), Some(&refused));
}

#[test]
fn a_wrong_digest_never_falls_back_to_the_plain_login() {
    let mut peer = Peer::with(|login| login.allow_plain = true);
    peer.greets();
    peer.answers_last("Success", "Challenge: 1");
    peer.answers_last("Error", "Message: Authentication failed");
    peer.sends(&["Challenge", "Login"]);
    assert!(peer.session.is_dead());
}

#[test]
fn a_user_name_that_cannot_be_sent_is_a_refused_login() {
    let mut peer = Peer::with(|login| login.username = "a\r\nAction: Logoff".into());
    peer.greets();
    peer.answers_last("Success", "Challenge: 1");
    peer.sends(&["Challenge"]);
    let Some(Notice::LoginRefused { reason: LoginRefusal::Unsendable(error), .. }) = peer.notices.last() else {
        panic!("{:?}", peer.notices)
    };
    assert_eq!(error.to_string(), "Username holds a line break or NUL at byte 1");
}

#[test]
fn no_secret_shows_when_a_session_is_printed() {
    let peer = Peer::new();
    assert!(!format!("{:?}", peer.session).contains("s3cret-lab"));
}

#[test]
fn without_a_greeting_the_link_is_dead() {
    let mut peer = Peer::new();
    assert_eq!(peer.session.deadline(), Some(1_000 + BANNER_TIMEOUT));
    peer.passes(BANNER_TIMEOUT);
    peer.notes(&[Notice::LinkDead(DeadReason::NoBanner)]);
}

#[test]
fn a_server_of_another_kind_is_recognised() {
    let mut peer = Peer::new();
    peer.says("Event: Hello\n\n");
    peer.notes(&[Notice::LinkDead(DeadReason::NotAsterisk)]);
}

#[test]
fn a_login_that_is_not_answered_makes_the_link_dead() {
    let mut peer = Peer::new();
    peer.greets();
    assert_eq!(peer.session.deadline(), Some(1_000 + ACTION_TIMEOUT));
    peer.passes(ACTION_TIMEOUT);
    assert_eq!(peer.notices.last(), Some(&Notice::LinkDead(DeadReason::Unanswered("Challenge"))));
}

#[test]
fn without_a_boot_event_the_session_goes_on_and_says_so() {
    let mut peer = Peer::new();
    peer.logs_in();
    assert_eq!(peer.session.deadline(), Some(1_000 + BOOT_TIMEOUT));
    peer.passes(BOOT_TIMEOUT);
    peer.notes(&[Notice::BootUnconfirmed, Notice::SnapshotBegan]);
    peer.lists(&[], "QueueStatusComplete");
    peer.lists(&[], "CoreShowChannelsComplete");
    peer.notes(&[empty_snapshot(), Notice::Live]);
    peer.sends(&["QueueStatus", "CoreShowChannels", "Ping"]);

    // Asterisk was still starting: what was listed before is void.
    peer.says("Event: FullyBooted\nUptime: 1\n\n");
    peer.notes(&[Notice::Booted { uptime_s: Some(1) }, Notice::SnapshotBegan]);
    assert!(!peer.session.is_live());
    peer.lists(&[], "QueueStatusComplete");
    peer.lists(&["CoreShowChannel"], "CoreShowChannelsComplete");
    peer.notes(&[
        Notice::SnapshotEnded(SnapshotSize { channels_known: true, channels: 1, ..SnapshotSize::default() }),
        Notice::Live,
    ]);
}

#[test]
fn a_boot_event_during_the_snapshot_begins_it_anew() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.passes(BOOT_TIMEOUT);
    let first = header(&peer.sent[0], "ActionID").to_owned();
    peer.says("Event: FullyBooted\nUptime: 1\n\n");
    peer.sends(&["QueueStatus", "QueueStatus"]);
    peer.notes(&[
        Notice::BootUnconfirmed,
        Notice::SnapshotBegan,
        Notice::Booted { uptime_s: Some(1) },
        Notice::SnapshotBegan,
    ]);
    // The end of the first list is not taken for that of the second.
    peer.says(&format!("Event: QueueStatusComplete\nActionID: {first}\nEventList: Complete\n\n"));
    peer.sends(&[]);
}

#[test]
fn a_refused_list_is_reported_and_proves_nothing_gone() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.says("Event: FullyBooted\nUptime: 8\n\n");
    peer.answers_last("Error", "Message: Invalid/unknown command: QueueStatus.");
    peer.answers_last("Error", "Message: Permission denied");
    peer.notes(&[
        Notice::Booted { uptime_s: Some(8) },
        Notice::SnapshotBegan,
        Notice::SnapshotRefused { action: "QueueStatus", message: "Invalid/unknown command: QueueStatus.".into() },
        Notice::SnapshotRefused { action: "CoreShowChannels", message: "Permission denied".into() },
        Notice::SnapshotEnded(SnapshotSize::default()),
        Notice::Live,
    ]);
}

#[test]
fn a_list_that_asterisk_gave_up_proves_nothing_gone() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.says("Event: FullyBooted\nUptime: 8\n\n");
    peer.lists(&[], "QueueStatusComplete");
    let id = header(peer.sent.last().unwrap(), "ActionID").to_owned();
    peer.says(&format!("Response: Success\nActionID: {id}\nEventList: start\n\n"));
    peer.says(&format!("Event: CoreShowChannelsComplete\nActionID: {id}\nEventList: Cancelled\n\n"));
    assert_eq!(peer.notices[2..], [Notice::SnapshotEnded(SnapshotSize::default()), Notice::Live]);
}

#[test]
fn a_snapshot_may_take_long_as_long_as_items_keep_coming() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.says("Event: FullyBooted\nUptime: 8\n\n");
    let id = header(peer.sent.last().unwrap(), "ActionID").to_owned();
    peer.says(&format!("Response: Success\nActionID: {id}\nEventList: start\n\n"));
    for _ in 0..10 {
        peer.passes(ACTION_TIMEOUT - 1);
        peer.says(&format!("Event: QueueMember\nActionID: {id}\n\n"));
    }
    assert!(!peer.session.is_dead());
    peer.passes(ACTION_TIMEOUT);
    assert_eq!(peer.notices.last(), Some(&Notice::LinkDead(DeadReason::Unanswered("QueueStatus"))));
}

#[test]
fn items_of_a_list_that_this_session_did_not_ask_for_are_neither_counted_nor_believed() {
    let mut peer = Peer::new();
    peer.logs_in();
    peer.says("Event: FullyBooted\nUptime: 8\n\n");
    let id = header(peer.sent.last().unwrap(), "ActionID").to_owned();
    peer.says(&format!("Response: Success\nActionID: {id}\nEventList: start\n\n"));
    peer.says("Event: QueueMember\nActionID: somebody-elses\n\nEvent: QueueMember\n\nEvent: Hold\n\n");
    peer.says(&format!("Event: QueueStatusComplete\nActionID: {id}\nEventList: Complete\n\n"));
    peer.lists(&[], "CoreShowChannelsComplete");
    assert_eq!(peer.notices[2], empty_snapshot());
    assert_eq!(peer.tracker, ["FullyBooted", "Hold"]);
}

#[test]
fn a_silent_link_is_pinged_and_stays_while_it_answers() {
    let mut peer = Peer::new();
    peer.becomes_live();
    for _ in 0..5 {
        assert_eq!(peer.session.deadline(), Some(peer.now + PING_EVERY));
        peer.passes(PING_EVERY);
        assert_eq!(peer.session.deadline(), Some(peer.now + PING_TIMEOUT));
        peer.answers_last("Success", "Ping: Pong\nTimestamp: 1795336404.0");
        peer.sends(&["Ping"]);
        peer.notes(&[Notice::Clock { asterisk_ms: 1_795_336_404_000, took_ms: 0 }]);
    }
    assert_eq!(peer.session.unknown_responses(), 0);
}

#[test]
fn a_live_session_asks_for_the_lists_again_now_and_then() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let live_since = peer.now;
    while peer.now < live_since + SNAPSHOT_EVERY {
        peer.says("Event: Newstate\nUniqueid: 1.1\nChannel: PJSIP/101-1\nLinkedid: 1.1\n\n");
        peer.sent.clear();
        peer.passes((PING_EVERY / 2).min(live_since + SNAPSHOT_EVERY - peer.now));
    }
    peer.sent.retain(|action| header(action, "Action") != "Ping");
    peer.lists(&[], "QueueStatusComplete");
    peer.lists(&[], "CoreShowChannelsComplete");
    peer.sends(&["QueueStatus", "CoreShowChannels"]);
    peer.notes(&[Notice::SnapshotBegan, empty_snapshot(), Notice::Live]);
}

#[test]
fn a_link_that_answers_no_ping_is_dead() {
    let mut peer = Peer::new();
    peer.becomes_live();
    let asked = peer.session.request(&Action::core_settings(), peer.now + PING_EVERY - 1).unwrap();
    peer.passes(PING_EVERY);
    peer.passes(PING_TIMEOUT - 1);
    peer.notes(&[]);
    peer.passes(1);
    peer.notes(&[Notice::Unproven { ms: PING_EVERY + PING_TIMEOUT }, Notice::LinkDead(DeadReason::PingTimedOut)]);
    peer.sends(&["CoreSettings", "Ping"]);
    assert_eq!(
        peer.answers,
        [Answer { id: asked, action: "CoreSettings", reply: Err(Unanswered::LinkLost) }],
        "what was asked is not left open"
    );
}

#[test]
fn a_busy_link_is_pinged_as_often_and_one_with_a_backlog_is_not_given_up() {
    let mut peer = Peer::new();
    peer.becomes_live();
    for _ in 0..2 {
        peer.passes(PING_EVERY / 2);
        peer.says("Event: Newstate\nUniqueid: 1.1\n\n");
    }
    peer.sends(&["Ping"]);
    for _ in 0..5 {
        peer.passes(PING_EVERY + PING_TIMEOUT - 1);
        // Only frames that the decoder skips.
        peer.session.heard(peer.now);
    }
    peer.notes(&[]);
    peer.sends(&[]);
}

#[test]
fn the_snapshot_can_be_taken_again() {
    let mut peer = Peer::new();
    peer.becomes_live();
    peer.passes(SNAPSHOT_AT_MOST_EVERY);
    peer.session.take_snapshot(peer.now);
    peer.drain();
    peer.notes(&[Notice::SnapshotBegan]);
    peer.lists(&[], "QueueStatusComplete");
    peer.lists(&[], "CoreShowChannelsComplete");
    peer.sends(&["QueueStatus", "CoreShowChannels"]);
    peer.notes(&[empty_snapshot(), Notice::Live]);
}

#[test]
fn saying_good_bye_ends_the_session() {
    let mut peer = Peer::new();
    peer.becomes_live();
    assert!(peer.session.log_off(peer.now));
    assert!(peer.session.log_off(peer.now));
    peer.drain();
    peer.answers_last("Goodbye", "Message: Thanks for all the fish.");
    peer.sends(&["Logoff"]);
    peer.notes(&[Notice::LinkDead(DeadReason::LoggedOff)]);
}
