//! The group of sites that share their customers, as it runs: one worker beside the daemon's loop, which asks the group's server for the scheduler, and has
//! the feed for what the others are to know.
//!
//! Nothing waits for it but the callbacks themselves: a server that is away holds up no call and no row.

mod bucket;
mod counts;
mod news;

mod worker;

use super::callbacks::Callbacks;
use super::run::host_name;
use crate::api::counters::GroupCounters;
use crate::background::background;
use crate::config::{self, Config};
use crate::store::Notes;
use callbackd_core::callbacks::group::GroupRequest;
use callbackd_core::millis::Millis;
use callbackd_core::model::Moment;
use counts::Counts;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;
use worker::Worker;

/// Requests that wait for the worker. A claim beyond is answered as if the server were away, and what goes back beyond it runs out.
const MAX_REQUESTS: usize = 4_096;

/// By which the database knows how far the worker has come with the feed. No sink can have this name.
fn reader_name(group: &config::Group) -> String {
    format!("group {}", group.name)
}

/// The name of the worker, as the database gets it.
pub(crate) fn names(config: &Config) -> Option<String> {
    config.group.as_ref().map(reader_name)
}

/// What a worker is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Of {
    group: config::Group,
    site: String,
    /// A call outward that was shorter served nobody.
    min_talk_ms: Millis,
}

/// The group of the configuration, if there is one.
pub(crate) struct Group {
    db: PathBuf,
    notes: Notes,
    newest: watch::Receiver<i64>,
    /// Workers that were started.
    runs: u64,
    running: Option<Running>,
}

struct Running {
    of: Of,
    counts: Arc<Counts>,
    /// Ends with this.
    _task: AbortOnDropHandle<()>,
}

/// The way of the scheduler's requests to the worker.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    /// Which worker of this process it is.
    pub(crate) run: u64,
    requests: mpsc::Sender<GroupRequest>,
    counts: Arc<Counts>,
}

impl Requests {
    /// Hands one over; it comes back if there is no room for it.
    pub(crate) fn send(&self, request: GroupRequest) -> Result<(), GroupRequest> {
        self.requests.try_send(request).map_err(|refused| {
            counts::one(&self.counts.refused);
            match refused {
                TrySendError::Full(request) | TrySendError::Closed(request) => request,
            }
        })
    }
}

impl Group {
    /// That of this configuration.
    pub(crate) fn start(
        config: &Config,
        (notes, newest): (Notes, watch::Receiver<i64>),
        callbacks: &mut Callbacks,
        now: Moment,
    ) -> Self {
        let mut group = Self { db: config.store.path.clone(), notes, newest, runs: 0, running: None };
        group.configure(config, callbacks, now);
        group
    }

    /// The configuration was read anew, and with it the password.
    pub(crate) fn configure(&mut self, config: &Config, callbacks: &mut Callbacks, now: Moment) {
        let of = config.group.as_ref().map(|group| Of {
            group: group.clone(),
            site: config.site.clone().unwrap_or_else(host_name),
            min_talk_ms: config.overall.min_talk_ms,
        });
        match (&self.running, of) {
            (Some(running), Some(of)) if running.of == of => running.counts.again.notify_one(),
            (_, None) => {
                self.running = None;
                callbacks.group(None, now);
            }
            (_, Some(of)) => {
                let counts = self.running.take().map_or_else(Arc::default, |running| running.counts);
                let (requests, received) = mpsc::channel(MAX_REQUESTS);
                self.runs += 1;
                let (alone, run) = (of.group.alone, self.runs);
                callbacks.group(Some((alone, Requests { run, requests, counts: Arc::clone(&counts) })), now);
                let worker = Worker::new(
                    of.clone(),
                    self.db.clone(),
                    (self.notes.clone(), self.newest.clone()),
                    (received, callbacks.outcomes(), run),
                    Arc::clone(&counts),
                );
                let task = AbortOnDropHandle::new(background(worker.run()));
                self.running = Some(Running { of, counts, _task: task });
            }
        }
    }

    /// What was counted of it.
    pub(crate) fn counters(&self) -> Option<GroupCounters> {
        self.running.as_ref().map(|running| running.counts.snapshot(&running.of.group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use callbackd_core::model::E164;

    #[test]
    fn questions_beyond_those_that_may_wait_come_back_and_are_counted() {
        let (requests, _received) = mpsc::channel(MAX_REQUESTS);
        let requests = Requests { run: 1, requests, counts: Arc::default() };
        let request = || GroupRequest::Keep { number: E164::new("+12025550123").unwrap(), rings_ms: 1 };
        assert!((0..MAX_REQUESTS).all(|_| requests.send(request()).is_ok()));
        assert_eq!(requests.send(request()), Err(request()));
        assert_eq!(requests.counts.refused.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
