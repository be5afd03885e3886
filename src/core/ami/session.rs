//! The life of one connection as a state machine: greeting, login, boot, snapshot, live; pings and time-outs.
//!
//! The contract: hand over what the decoder received (and every arrival of bytes, and the passing of time), then drain
//! [`Session::poll`] to the end, then wait until [`Session::deadline`] at the latest. Nothing but `Challenge` and `Login` is
//! ever sent before a login has succeeded: Asterisk answers anything else with an error that looks like a lost privilege.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::ami::action::{Action, ActionId};
use crate::ami::decoder::Received;
use crate::ami::form;
use crate::ami::frame::{Frame, Kind};
use crate::ami::gathered::millis;
use crate::ami::liveness::Liveness;
pub use crate::ami::login::Login;
use crate::ami::notice::{DeadReason, LoginRefusal, Notice, SnapshotSize};
use crate::ami::pace::Pace;
pub use crate::ami::pace::{SNAPSHOT_AT_MOST_EVERY, SNAPSHOT_EVERY};
use crate::ami::pending::{List, Pending, PendingActions, Purpose};
pub use crate::ami::reply::{Answer, Reply, RequestError, Unanswered};

/// How long a greeting may take, in milliseconds.
pub const BANNER_TIMEOUT: u64 = 10_000;
/// How long an answer, or the next item of a list, may take, in milliseconds. Asterisk itself sleeps a second before it
/// refuses a login.
pub const ACTION_TIMEOUT: u64 = 10_000;
/// How long a whole list may take, in milliseconds: twenty thousand channels over a slow line take some seconds.
pub const LIST_TIMEOUT: u64 = 120_000;
/// How long `FullyBooted` may take after the login before the session goes on without it, in milliseconds.
pub const BOOT_TIMEOUT: u64 = 5_000;
/// A ping is sent so often, in milliseconds, also while events come: its answer proves that all events until then have come, and tells
/// Asterisk's clock.
pub const PING_EVERY: u64 = 10_000;
/// The link is dead when nothing came for so many milliseconds after a ping, and for [`PING_EVERY`] before.
pub const PING_TIMEOUT: u64 = 5_000;

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a frame for the tracker that is dropped is an event lost"]
pub enum Disposition {
    /// An event, live or of the snapshot.
    ForTracker,
    /// The session's own business.
    Consumed,
}

/// What a session wants done or known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionOutput {
    /// Write these bytes to the connection.
    Send(Bytes),
    /// The session's progress or trouble.
    Notice(Notice),
    /// A [`Session::request`] came to its end.
    Answer(Answer),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Since when the greeting is waited for.
    Greeting(u64),
    LoggingIn,
    /// Since when `FullyBooted` is waited for.
    Booting(u64),
    Snapshot(SnapshotSize),
    Live,
    Dead,
}

/// The session of one connection, from the greeting to its end.
#[derive(Debug)]
pub struct Session {
    login: Login,
    nonce: u64,
    serial: u64,
    state: State,
    pub(crate) pending: PendingActions,
    outputs: VecDeque<SessionOutput>,
    heard_ms: u64,
    live: Liveness,
    /// The ping that waits for its answer, and when it was sent.
    ping: Option<(ActionId, u64)>,
    /// When the next ping is due, once logged in.
    next_ping_ms: u64,
    unknown_responses: u64,
    lists_cut: u64,
    pace: Pace,
    booted: bool,
    was_live: bool,
}

impl Session {
    /// A session that begins now, that is, when the connection was made. `nonce` must be random: it keeps those who can
    /// write into events, but not read them, from posing as answers. All times are milliseconds of one monotonic clock.
    pub fn new(login: Login, nonce: u64, now_ms: u64) -> Self {
        Self {
            login,
            nonce,
            serial: 0,
            state: State::Greeting(now_ms),
            pending: PendingActions::default(),
            outputs: VecDeque::new(),
            heard_ms: now_ms,
            live: Liveness::new(now_ms),
            ping: None,
            next_ping_ms: now_ms,
            unknown_responses: 0,
            lists_cut: 0,
            pace: Pace::new(now_ms),
            booted: false,
            was_live: false,
        }
    }

    /// What to do next; call until `None`.
    pub fn poll(&mut self) -> Option<SessionOutput> {
        self.outputs.pop_front()
    }

    /// When [`Self::tick`] has something to do, if nothing comes before.
    pub fn deadline(&self) -> Option<u64> {
        let state = match self.state {
            State::Dead => return None,
            State::Greeting(since) => Some(since + BANNER_TIMEOUT),
            State::Booting(since) => Some(since + BOOT_TIMEOUT),
            State::Live => Some(self.pace.due_ms()),
            _ => None,
        };
        let ping = self.logged_in().then(|| match &self.ping {
            Some((_, sent)) => self.dead_at(*sent),
            None => self.next_ping_ms,
        });
        [state, ping, self.pending.deadline_ms()].into_iter().flatten().min()
    }

    /// The snapshot is complete and nothing has failed.
    pub fn is_live(&self) -> bool {
        self.state == State::Live
    }

    /// The connection is of no more use: drop it.
    pub fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// Responses that answered no action of this session.
    pub fn unknown_responses(&self) -> u64 {
        self.unknown_responses
    }

    /// Lists that are not whole: too long, or given up by Asterisk.
    pub fn lists_cut(&self) -> u64 {
        self.lists_cut
    }

    /// A whole frame arrived, or several: also those that the decoder skips prove that the other end is there. Bytes alone do not: one
    /// now and then keeps up the look of a link on which nothing comes.
    pub fn heard(&mut self, now_ms: u64) {
        self.heard_ms = self.heard_ms.max(now_ms);
        self.live.read(now_ms);
    }

    /// This program stood still from `since_ms` to `now_ms`: what is read next may have waited, and events may be lost behind it. Nobody
    /// is given up for what could not be read meanwhile.
    pub fn paused(&mut self, since_ms: u64, now_ms: u64) {
        self.live.paused(since_ms, now_ms);
        self.heard_ms = self.heard_ms.max(now_ms);
        self.pending.delay(now_ms.saturating_sub(since_ms));
    }

    /// Takes what the decoder received, in its order. A frame for the tracker comes before the outputs that it leads to.
    pub fn received(&mut self, received: &Received, now_ms: u64) -> Disposition {
        if !matches!(received, Received::Discarded(_)) {
            self.heard(now_ms);
        }
        match (received, self.state) {
            (Received::Discarded(error), _) if error.refusal.is_a_callers() => {
                self.take_snapshot(now_ms);
                Disposition::Consumed
            }
            (_, State::Dead) | (Received::Discarded(_), _) => Disposition::Consumed,
            (Received::Banner(version), State::Greeting(_)) => {
                self.notice(Notice::BannerSeen { version: version.clone() });
                self.state = State::LoggingIn;
                self.send(&Action::challenge(), Purpose::Challenge, now_ms);
                Disposition::Consumed
            }
            (Received::Frame(_), State::Greeting(_)) => {
                self.die(DeadReason::NotAsterisk, now_ms);
                Disposition::Consumed
            }
            (Received::Banner(_), _) => Disposition::Consumed,
            (Received::Frame(frame), _) => match frame.kind() {
                Kind::Event(name) => self.event(frame, name, now_ms),
                Kind::Response(status) => {
                    self.response(frame, status, now_ms);
                    Disposition::Consumed
                }
            },
        }
    }

    /// Time has passed: sends what is due and ends what takes too long.
    pub fn tick(&mut self, now_ms: u64) {
        match self.state {
            State::Dead => return,
            State::Greeting(since) if now_ms >= since + BANNER_TIMEOUT => {
                return self.die(DeadReason::NoBanner, now_ms);
            }
            State::Booting(since) if now_ms >= since + BOOT_TIMEOUT => {
                self.notice(Notice::BootUnconfirmed);
                self.begin_snapshot(now_ms);
            }
            State::Live if now_ms >= self.pace.due_ms() => self.begin_snapshot(now_ms),
            _ => {}
        }
        while let Some(pending) = self.pending.take_expired(now_ms) {
            match pending.purpose {
                Purpose::Request => self.answer(pending, Err(Unanswered::TimedOut)),
                _ if pending.since_ms + LIST_TIMEOUT <= now_ms => {
                    return self.die(DeadReason::EndlessList(pending.action), now_ms);
                }
                _ => return self.die(DeadReason::Unanswered(pending.action), now_ms),
            }
        }
        if !self.logged_in() {
            return;
        }
        match &self.ping {
            Some((_, sent)) if now_ms >= self.dead_at(*sent) => {
                self.die(DeadReason::PingTimedOut, now_ms);
            }
            None if now_ms >= self.next_ping_ms => self.ping(now_ms),
            _ => {}
        }
    }

    /// When a link that does not answer the ping of then is given up. Events may keep the answer waiting for as long as they come.
    fn dead_at(&self, sent_ms: u64) -> u64 {
        sent_ms.max(self.heard_ms + PING_EVERY) + PING_TIMEOUT
    }

    fn ping(&mut self, now_ms: u64) {
        let id = self.next_id();
        self.outputs.push_back(SessionOutput::Send(Action::ping().encode(&id)));
        self.ping = Some((id, now_ms));
        self.next_ping_ms = now_ms + PING_EVERY;
    }

    /// Sends an action; a [`SessionOutput::Answer`] with the returned id will follow.
    ///
    /// Events with that id that are not items of an announced list (`OriginateResponse`) go to the tracker.
    ///
    /// It may be called as soon as the session has been live, also while a later snapshot is taken.
    ///
    /// # Errors
    /// The session is not live, or too many answers are outstanding.
    pub fn request(&mut self, action: &Action, now_ms: u64) -> Result<ActionId, RequestError> {
        if !(self.is_live() || self.was_live && matches!(self.state, State::Snapshot(_))) {
            return Err(RequestError::NotLive);
        }
        if self.pending.is_full() {
            return Err(RequestError::TooMany);
        }
        Ok(self.send(action, Purpose::Request, now_ms))
    }

    /// Says good-bye; [`DeadReason::LoggedOff`] follows. `false` if there is nobody to say it to.
    pub fn log_off(&mut self, now_ms: u64) -> bool {
        if self.logged_in() && !self.pending.has(Purpose::Logoff) {
            self.send(&Action::logoff(), Purpose::Logoff, now_ms);
        }
        self.logged_in()
    }

    /// Takes the snapshot again: events have been lost on their way to the tracker. Does nothing before the first one. One that has not
    /// ended comes to its end first, and between two there are [`SNAPSHOT_AT_MOST_EVERY`].
    pub fn take_snapshot(&mut self, now_ms: u64) {
        if matches!(self.state, State::Snapshot(_) | State::Live) {
            self.pace.missed();
        }
        if self.is_live() && now_ms >= self.pace.due_ms() {
            self.begin_snapshot(now_ms);
        }
    }

    /// The connection is gone: outstanding requests will not be answered, and what happened since it was provably whole may not have come.
    pub fn lost(&mut self, now_ms: u64) {
        if self.logged_in() {
            self.notice(Notice::Unproven { ms: now_ms.saturating_sub(self.live.whole_until()) });
        }
        self.end();
    }

    fn end(&mut self) {
        self.state = State::Dead;
        self.ping = None;
        while let Some(pending) = self.pending.take_expired(u64::MAX) {
            if pending.purpose == Purpose::Request {
                self.answer(pending, Err(Unanswered::LinkLost));
            }
        }
    }

    fn logged_in(&self) -> bool {
        matches!(self.state, State::Booting(_) | State::Snapshot(_) | State::Live)
    }

    fn notice(&mut self, notice: Notice) {
        self.outputs.push_back(SessionOutput::Notice(notice));
    }

    fn answer(&mut self, pending: Pending, reply: Result<Reply, Unanswered>) {
        let (id, action) = (pending.id, pending.action);
        self.outputs.push_back(SessionOutput::Answer(Answer { id, action, reply }));
    }

    fn die(&mut self, reason: DeadReason, now_ms: u64) {
        self.lost(now_ms);
        self.notice(Notice::LinkDead(reason));
    }

    fn refused(&mut self, reason: LoginRefusal, message: &str) {
        self.end();
        self.notice(Notice::LoginRefused { reason, message: message.to_owned() });
    }

    fn next_id(&mut self) -> ActionId {
        self.serial += 1;
        ActionId::new(self.nonce, self.serial)
    }

    fn send(&mut self, action: &Action, purpose: Purpose, now_ms: u64) -> ActionId {
        let id = self.next_id();
        self.outputs.push_back(SessionOutput::Send(action.encode(&id)));
        self.pending.push(Pending {
            id: id.clone(),
            action: action.name(),
            purpose,
            since_ms: now_ms,
            deadline_ms: now_ms + ACTION_TIMEOUT,
            list: None,
        });
        id
    }

    fn event(&mut self, frame: &Frame, name: &[u8], now_ms: u64) -> Disposition {
        if !self.logged_in() {
            return Disposition::Consumed;
        }
        if self.live.needs_stamp() && frame.get("Timestamp").is_some() {
            self.live.stamped();
        }
        if name == b"FullyBooted" {
            // Asterisk says it once to each login: what says it again is not Asterisk.
            if std::mem::replace(&mut self.booted, true) {
                return Disposition::Consumed;
            }
            let uptime_s = frame.text("Uptime").and_then(|uptime| uptime.parse().ok());
            self.notice(Notice::Booted { uptime_s });
            self.begin_snapshot(now_ms);
            return Disposition::ForTracker;
        }
        let Some(at) = self.pending.find(frame) else {
            return if form::is_item(name) { Disposition::Consumed } else { Disposition::ForTracker };
        };
        let room = self.pending.has_room(frame.bytes().len());
        let pending = self.pending.get_mut(at);
        let Some(list) = &mut pending.list else { return Disposition::ForTracker };
        pending.deadline_ms = (now_ms + ACTION_TIMEOUT).min(pending.since_ms + LIST_TIMEOUT);
        if let Some(whole) = List::end(frame) {
            list.cut |= !whole;
            self.finish(at, now_ms);
            return Disposition::Consumed;
        }
        if pending.purpose == Purpose::Request {
            list.push(frame, room);
            return Disposition::Consumed;
        }
        if let State::Snapshot(size) = &mut self.state {
            size.count(name);
        }
        Disposition::ForTracker
    }

    fn response(&mut self, frame: &Frame, status: &[u8], now_ms: u64) {
        if let Some((id, sent)) = &self.ping
            && frame.get("ActionID") == Some(id.as_str().as_bytes())
        {
            self.live.answered(*sent);
            let took_ms = now_ms.saturating_sub(*sent);
            if let Some(asterisk_ms) = frame.get("Timestamp").and_then(millis) {
                self.notice(Notice::Clock { asterisk_ms, took_ms });
            }
            self.ping = None;
            return;
        }
        let Some(at) = self.pending.find(frame) else {
            self.unknown_responses += 1;
            return;
        };
        let success = status == b"Success";
        let pending = self.pending.get_mut(at);
        if success
            && pending.list.is_none()
            && frame.get("EventList").is_some_and(|mark| mark.eq_ignore_ascii_case(b"start"))
        {
            pending.list = Some(List { response: frame.detached(), items: Vec::new(), cut: false, bytes: 0 });
            pending.deadline_ms = now_ms + ACTION_TIMEOUT;
            return;
        }
        let message = frame.text("Message").unwrap_or_default();
        match pending.purpose {
            Purpose::Challenge => {
                self.pending.take(at);
                let mut values = frame.values("Challenge");
                match (values.next().filter(|_| success), values.next()) {
                    // Of two nobody knows which one counts, and to answer an empty one is to sign nothing but the secret.
                    (Some(b""), _) | (Some(_), Some(_)) => self.die(DeadReason::OddChallenge, now_ms),
                    (challenge, _) => {
                        self.log_in(challenge.map(String::from_utf8_lossy).as_deref(), &message, now_ms);
                    }
                }
            }
            Purpose::Login => {
                self.pending.take(at);
                if success {
                    self.state = State::Booting(now_ms);
                    self.notice(Notice::LoggedIn);
                } else {
                    self.refused(LoginRefusal::said(&message), &message);
                }
            }
            Purpose::Queues | Purpose::Channels => {
                if !success {
                    let action = pending.action;
                    self.notice(Notice::SnapshotRefused { action, message: message.into_owned() });
                }
                self.finish(at, now_ms);
            }
            Purpose::Request => {
                let pending = self.pending.take(at);
                self.answer(pending, Ok(Reply { response: frame.clone(), items: Vec::new(), cut: false }));
            }
            Purpose::Logoff => {
                self.end();
                self.notice(Notice::LinkDead(DeadReason::LoggedOff));
            }
        }
    }

    fn log_in(&mut self, challenge: Option<&str>, message: &str, now_ms: u64) {
        match self.login.action(challenge) {
            Ok(login) => {
                self.next_ping_ms = now_ms + PING_EVERY;
                self.send(&login, Purpose::Login, now_ms);
            }
            Err(reason @ LoginRefusal::Unsendable(_)) => self.refused(reason, ""),
            Err(reason) => self.refused(reason, message),
        }
    }

    /// Queues first: who waits in one is then known when the channels come.
    fn begin_snapshot(&mut self, now_ms: u64) {
        self.pending.take_purpose(Purpose::Queues);
        self.pending.take_purpose(Purpose::Channels);
        self.state = State::Snapshot(SnapshotSize::default());
        self.pace.asked(now_ms);
        self.notice(Notice::SnapshotBegan);
        self.send(&Action::queue_status(), Purpose::Queues, now_ms);
    }

    /// The action at this place has had its whole answer.
    fn finish(&mut self, at: usize, now_ms: u64) {
        let mut pending = self.pending.take(at);
        match (pending.purpose, pending.list.take()) {
            (Purpose::Queues, _) => {
                self.send(&Action::core_show_channels(), Purpose::Channels, now_ms);
            }
            (Purpose::Channels, list) => {
                if let State::Snapshot(mut size) = self.state {
                    size.channels_known = list.is_some_and(|list| !list.cut);
                    self.state = State::Live;
                    if !std::mem::replace(&mut self.was_live, true) && self.ping.is_none() {
                        self.ping(now_ms);
                    }
                    self.notice(Notice::SnapshotEnded(size));
                    self.notice(Notice::Live);
                }
            }
            (_, Some(List { response, items, cut, .. })) => {
                self.lists_cut += u64::from(cut);
                self.answer(pending, Ok(Reply { response, items, cut }));
            }
            (_, None) => {}
        }
    }
}
