//! The link to one PBX: connects, logs in, keeps reading, and never gives up.

use crate::background::background;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::clock::Monotonic;
use super::connection::{Connection, Ended};
use super::connector::Route;
use super::delivery::{Delivery, Flushed};
use super::link_counters::SharedCounters;
use super::lost::LostReason;
use super::secret::Secret;
use crate::api::counters::LinkCounters;
use crate::config::Pbx;
use crate::timing::Timing;
use callbackd_core::ami::budget::Budget;
use callbackd_core::ami::session::{Reply, RequestError, Unanswered};
use callbackd_core::ami::{Action, Frame, FrameError, Interest, Login, Notice, Session};
use callbackd_core::millis::Millis;
use callbackd_core::model::tally::Histogram;

/// The first wait after a loss, at least; it doubles with every failure, and up to as much again is added at random, so that
/// several clients of a restarted Asterisk do not come at once.
pub const RETRY_FROM: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
pub const RETRY_UP_TO: Duration = Duration::from_secs(30);
/// Requests that may wait for the link.
const MAX_WAITING_REQUESTS: usize = 64;
/// How long a good-bye may take.
pub(super) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a link reports to its consumer, in the order in which it happened.
#[derive(Debug)]
pub enum LinkEvent {
    /// A connection was made; the login follows.
    Connected {
        /// Address of the other end.
        peer: SocketAddr,
        /// Whether the connection uses TLS.
        encrypted: bool,
    },
    /// An event for the tracker.
    Frame {
        /// The event's frame.
        frame: Frame,
        /// When its last byte was read, by this machine's clock.
        arrived_ms: Millis,
        /// For its bytes, of those that may wait; free again when this is dropped.
        permit: OwnedSemaphorePermit,
    },
    /// A frame that was thrown away.
    Discarded(FrameError),
    /// The session's progress. Refusals and deaths come as [`LinkEvent::Lost`] as well.
    Notice(Notice),
    /// The consumer was too slow: so many events are missing since the last one, and a snapshot follows.
    Overloaded {
        /// How many were dropped.
        dropped: u64,
        /// When the first of them came.
        since: Instant,
    },
    /// There is no connection (any more).
    Lost {
        /// Why it was lost.
        reason: LostReason,
        /// The next attempt comes after so long.
        retry_in: Duration,
    },
}

/// Takes the raw bytes as they are read, before anything is decided about them.
pub type Tee = Box<dyn FnMut(&[u8]) + Send>;

/// Why a request has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailed {
    /// It was not sent.
    #[error(transparent)]
    NotSent(#[from] RequestError),
    /// It was sent: it may or may not have had its effect.
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    /// It was not sent: it came too late.
    #[error("it was not sent: it came too late")]
    Lapsed,
}

/// An action to be sent.
pub(super) struct Request {
    pub(super) action: Action,
    /// Not later than then, by the clock of [`boot_ms`](super::clock::boot_ms).
    pub(super) leaves_by: Option<u64>,
    pub(super) reply: oneshot::Sender<Result<Reply, RequestFailed>>,
}

/// A command to the link.
pub(super) enum Command {
    Request(Request),
    Stop,
}

/// A running link to one PBX; it reconnects by itself.
#[derive(Debug)]
pub struct Link {
    requester: Requester,
    counters: SharedCounters,
    task: JoinHandle<()>,
}

/// Sends actions over a link.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    commands: mpsc::Sender<Command>,
    counters: SharedCounters,
}

impl Requester {
    /// Queues an action, behind those that were queued before; what is returned waits for its answer.
    pub(crate) fn request(&self, action: Action) -> impl Future<Output = Result<Reply, RequestFailed>> + Send + use<> {
        self.request_by(action, None)
    }

    /// The same for one whose bytes leave then at the latest, by the clock of [`boot_ms`](super::clock::boot_ms), or not at all.
    pub(crate) fn request_by(
        &self,
        action: Action,
        leaves_by: Option<u64>,
    ) -> impl Future<Output = Result<Reply, RequestFailed>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let queued = self.commands.try_send(Command::Request(Request { action, leaves_by, reply }));
        if matches!(queued, Err(TrySendError::Full(_))) {
            self.counters.request_refused();
        }
        async move {
            match queued {
                Ok(()) => answer.await.unwrap_or(Err(RequestFailed::Unanswered(Unanswered::LinkLost))),
                Err(TrySendError::Full(_)) => Err(RequestError::TooMany.into()),
                Err(TrySendError::Closed(_)) => Err(RequestError::NotLive.into()),
            }
        }
    }
}

/// The channel from links to their consumer, of the size that they are made for.
pub fn events(share: Budget) -> (mpsc::Sender<LinkEvent>, mpsc::Receiver<LinkEvent>) {
    mpsc::channel(share.waiting_events)
}

impl Link {
    /// Starts the link to `pbx`; it ends with [`Self::stop`], or when nobody receives its events any more. `credentials` is
    /// `$CREDENTIALS_DIRECTORY`.
    pub fn spawn(
        pbx: &Pbx,
        credentials: Option<&Path>,
        interest: Interest,
        tee: Option<Tee>,
        events: mpsc::Sender<LinkEvent>,
        share: Budget,
    ) -> Self {
        let (commands, received) = mpsc::channel(MAX_WAITING_REQUESTS);
        let counters = SharedCounters::default();
        let linker = Linker {
            route: Route::to(pbx),
            username: pbx.username.clone(),
            secret: Secret::of(pbx, credentials),
            allow_plain_login: pbx.allow_plain_login,
            interest,
            tee,
            commands: received,
            delivery: Delivery::new(events, counters.clone(), share),
            share,
            counters: counters.clone(),
        };
        let requester = Requester { commands, counters: counters.clone() };
        Self { requester, counters, task: background(linker.run()) }
    }

    /// What it has counted since it was started.
    #[must_use]
    pub(crate) fn counters(&self) -> LinkCounters {
        self.counters.read()
    }

    /// How long Asterisk's answers to its pings took, ms.
    pub(super) fn pings(&self) -> Histogram {
        self.counters.pings()
    }

    /// The sender of this link's actions.
    #[must_use]
    pub(crate) fn requester(&self) -> Requester {
        self.requester.clone()
    }

    /// Sends an action and waits for its answer.
    ///
    /// # Errors
    /// The action was not sent, or not answered.
    pub async fn request(&self, action: Action) -> Result<Reply, RequestFailed> {
        self.requester.request(action).await
    }

    /// Logs off and closes the connection.
    pub async fn stop(self) {
        // Where the link has ended by itself, nobody receives this.
        let _ = self.requester.commands.send(Command::Stop).await;
        if let Err(panic) = self.task.await
            && panic.is_panic()
        {
            std::panic::resume_unwind(panic.into_panic());
        }
    }
}

/// The task behind a [`Link`].
struct Linker {
    route: Route,
    username: String,
    secret: Secret,
    allow_plain_login: bool,
    interest: Interest,
    tee: Option<Tee>,
    commands: mpsc::Receiver<Command>,
    delivery: Delivery,
    share: Budget,
    counters: SharedCounters,
}

impl Linker {
    async fn run(mut self) {
        let mut retries = retries();
        loop {
            let mut was_live = false;
            let reason = match self.attempt(&mut was_live).await {
                Ended::Lost(reason) => reason,
                Ended::Stopped => break,
            };
            if was_live {
                retries = self::retries();
            }
            let next = retries.next().unwrap_or(RETRY_UP_TO).min(RETRY_UP_TO);
            let retry_in = if reason.needs_a_person() { Timing::get().ami_refused } else { next };
            self.counters.lost();
            self.delivery.push(LinkEvent::Lost { reason, retry_in });
            if self.meanwhile(sleep(retry_in)).await.is_none() {
                break;
            }
        }
        // The last words: there is room soon, or nobody listens.
        while self.delivery.is_behind() {
            match timeout(GOODBYE_TIMEOUT, self.delivery.flush()).await {
                Ok(Flushed::Nothing | Flushed::OverloadEnded) => {}
                Ok(Flushed::NobodyListens) | Err(_) => break,
            }
        }
    }

    /// One connection, from the attempt to its end.
    async fn attempt(&mut self, was_live: &mut bool) -> Ended {
        let login = match self.secret.load() {
            Ok(secret) => Login { username: self.username.clone(), secret, allow_plain: self.allow_plain_login },
            Err(error) => return Ended::Lost(error.into()),
        };
        let route = self.route.clone();
        let (wire, peer) = match self.meanwhile(route.connect()).await {
            Some(Ok(connected)) => connected,
            Some(Err(reason)) => return Ended::Lost(reason),
            None => return Ended::Stopped,
        };
        self.counters.connected();
        self.delivery.push(LinkEvent::Connected { peer, encrypted: route.encrypted() });
        let clock = Monotonic::start();
        let session = Session::new(login, nonce(), clock.now_ms()).with_share(self.share);
        let connection = Connection::new(session, clock, self.interest.clone(), self.counters.clone());
        connection.run(wire, &mut self.commands, &mut self.delivery, &mut self.tee, was_live).await
    }

    /// Waits while there is no connection; `None` if there is to be none any more.
    async fn meanwhile<T>(&mut self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                done = &mut waiting => return Some(done),
                command = self.commands.recv() => match command {
                    Some(Command::Request(Request { reply, .. })) => {
                        // Whoever asked may have gone.
                        let _ = reply.send(Err(RequestError::NotLive.into()));
                    }
                    Some(Command::Stop) | None => return None,
                },
                flushed = self.delivery.flush(), if self.delivery.is_behind() => {
                    if flushed == Flushed::NobodyListens {
                        return None;
                    }
                }
            }
        }
    }
}

/// The waits after losses without a success between them.
fn retries() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(RETRY_FROM)
        // The random part may double it.
        .with_max_delay(RETRY_UP_TO / 2)
        .without_max_times()
        .with_jitter()
        .build()
}

/// Random enough that who cannot read the stream cannot guess it: the standard library's hash keys come from the system.
pub(super) fn nonce() -> u64 {
    RandomState::new().hash_one("action id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn actions_beyond_those_that_may_wait_are_refused_and_counted() {
        let (commands, _received) = mpsc::channel(MAX_WAITING_REQUESTS);
        let requester = Requester { commands, counters: SharedCounters::default() };
        let waiting: Vec<_> = (0..MAX_WAITING_REQUESTS).map(|_| requester.request(Action::ping())).collect();
        let refused = requester.request(Action::ping()).await.err();
        assert_eq!(refused, Some(RequestError::TooMany.into()));
        assert_eq!((waiting.len(), requester.counters.read().requests_refused), (MAX_WAITING_REQUESTS, 1));
    }

    #[test]
    fn waits_double_from_a_tenth_of_a_second_and_never_exceed_half_a_minute() {
        let waits: Vec<_> = retries().take(40).collect();
        assert_eq!(waits.len(), 40, "it never gives up");
        let mut least = RETRY_FROM;
        for wait in waits {
            assert!(wait >= least && wait <= 2 * least, "{wait:?} is not within {least:?} and its double");
            assert!(wait <= RETRY_UP_TO);
            least = (2 * least).min(RETRY_UP_TO / 2);
        }
    }
}
