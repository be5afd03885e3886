//! One PBX: its link's state and its tracker.

use super::event_log;
use super::link::LinkEvent;
use super::lost::LostReason;
use crate::log::RateLimit;
use callbackd_core::ami::notice::Notice;
use callbackd_core::ami::{Frame, Stamped};
use callbackd_core::millis::Millis;
use callbackd_core::model::presence::Presence;
use callbackd_core::model::{Moment, PbxId};
use callbackd_core::tracker::{Input, Output, Tracker};
use tokio::time::Instant;

/// What strangers can provoke is said at most this often (ms).
const SAY_EVERY_MS: i64 = 10_000;

/// How the link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not tried to the end yet.
    Connecting,
    /// In sync: events come, and the lists are taken.
    Live,
    /// No connection, and why.
    Down(String),
}

/// One PBX that the daemon is connected to, or tries to be.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// Its name in the configuration.
    pub(crate) name: PbxId,
    /// Its address in the configuration.
    pub(crate) peer: String,
    /// How the link stands.
    pub(crate) standing: Standing,
    tracker: Tracker,
    unlinked: bool,
    said: RateLimit,
    /// Events that were dropped and not yet reported.
    dropped: u64,
    events_unreadable: u64,
    /// By how much Asterisk's clock is ahead, as far as it has been said, ms.
    ahead_said_ms: Millis,
}

impl Monitor {
    /// A PBX whose link has not been tried yet.
    #[must_use]
    pub(crate) fn new(name: &PbxId, peer: &str, tracker: Tracker) -> Self {
        Self {
            name: name.clone(),
            peer: peer.to_owned(),
            standing: Standing::Connecting,
            tracker,
            unlinked: false,
            said: RateLimit::new(SAY_EVERY_MS),
            dropped: 0,
            events_unreadable: 0,
            ahead_said_ms: 0,
        }
    }

    /// The PBX's tracker, to be read.
    #[must_use]
    pub(crate) fn tracker(&self) -> &Tracker {
        &self.tracker
    }

    /// Events that were left out because they could not be read, though their frames could.
    #[must_use]
    pub(crate) fn events_unreadable(&self) -> u64 {
        self.events_unreadable
    }

    /// Takes what came over the link.
    pub(crate) fn take(&mut self, event: LinkEvent, now: Moment) {
        match event {
            LinkEvent::Connected { peer, encrypted } => {
                tracing::debug!(target: "session", pbx = %self.name, %peer, encrypted, "Connected");
            }
            LinkEvent::Frame { frame, arrived_ms, permit: _ } => {
                self.frame(&frame, Moment { wall_ms: arrived_ms, mono_ms: now.mono_ms });
            }
            LinkEvent::Discarded(err) => {
                self.discarded(&err.to_string(), now);
                if let Some(channel) = err.of_channel.as_deref() {
                    self.tracker.handle(Input::Refused { channel }, now);
                }
            }
            LinkEvent::Notice(notice) => self.notice(&notice, now),
            LinkEvent::Overloaded { dropped, since } => self.overloaded(dropped, since, now),
            LinkEvent::Lost { reason, retry_in } => self.lost(&reason, retry_in, now),
        }
    }

    fn frame(&mut self, frame: &Frame, now: Moment) {
        match Stamped::parse(frame) {
            Ok(stamped) => self.tracker.handle(Input::Event(&stamped), now),
            Err(err) => {
                self.events_unreadable += 1;
                self.discarded(&err.to_string(), now);
            }
        }
    }

    fn overloaded(&mut self, dropped: u64, since: Instant, now: Moment) {
        self.dropped += dropped;
        if let Some(suppressed) = self.said.allow("overload", now.wall_ms) {
            tracing::error!(
                target: "session",
                pbx = %self.name,
                dropped = std::mem::take(&mut self.dropped),
                suppressed,
                "AMI event queue overflowed; calls that ended meanwhile are UNKNOWN, resynchronising"
            );
        }
        self.unlinked = true;
        let ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.tracker.handle(Input::Overloaded { ms }, now);
    }

    fn discarded(&mut self, err: &str, now: Moment) {
        let limit = self.said.allow("unreadable event", now.wall_ms);
        if let Some(suppressed) = limit {
            tracing::warn!(
                target: "session",
                pbx = %self.name,
                err,
                suppressed,
                "Malformed AMI event skipped; its call may lack a detail"
            );
        }
    }

    fn notice(&mut self, notice: &Notice, now: Moment) {
        if let Some(input) = Input::from_notice(notice) {
            self.tracker.handle(input, now);
        }
        if matches!(notice, Notice::Clock { .. }) {
            let ahead_ms = self.tracker.clock_ahead_ms();
            if std::mem::replace(&mut self.ahead_said_ms, ahead_ms) != ahead_ms {
                event_log::clock(&self.name, ahead_ms);
            }
        }
        if matches!(notice, Notice::SnapshotEnded(_)) {
            let again = std::mem::replace(&mut self.standing, Standing::Live) == Standing::Live;
            if again {
                return; // the regular look at what is really there
            }
        }
        event_log::notice(&self.name, &self.peer, notice, self.tracker.live_calls());
    }

    fn lost(&mut self, reason: &LostReason, retry_in: std::time::Duration, now: Moment) {
        self.unlinked = true;
        self.tracker.handle(Input::Unlinked, now);
        let was_live = self.standing == Standing::Live;
        self.standing = Standing::Down(reason.to_string());
        event_log::lost(&self.name, &self.peer, reason, was_live, retry_in);
    }

    /// Time has passed: timers of the tracker run.
    pub(crate) fn tick(&mut self, now: Moment) {
        self.tracker.handle(Input::Tick, now);
    }

    /// The row of this call has been made from Asterisk's own records.
    pub(crate) fn has_its_row(&mut self, linkedid: &str) {
        self.tracker.has_its_row(linkedid);
    }

    /// Gives the tracker an input that does not come from the link.
    pub(crate) fn give(&mut self, input: Input<'_>, now: Moment) {
        self.tracker.handle(input, now);
    }

    /// When [`Monitor::tick`] is due.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.tracker.deadline()
    }

    /// The next output of the tracker.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.tracker.poll()
    }

    /// Whether sync with the PBX was lost since this was last asked; it may be back.
    pub(crate) fn take_unlinked(&mut self) -> bool {
        std::mem::take(&mut self.unlinked)
    }

    /// Presence of the PBX's agents, queues and attempts.
    #[must_use]
    pub(crate) fn presence(&self) -> &dyn Presence {
        &self.tracker
    }

    /// Number of calls in progress.
    #[must_use]
    pub(crate) fn live_calls(&self) -> usize {
        self.tracker.live_calls()
    }
}
