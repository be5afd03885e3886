//! Sinks as they run: one worker for each, beside the daemon's loop, which reads the feed by the cursor that the sink itself keeps.
//!
//! A sink that is a stream keeps no cursor: what is read back of it says where it stands.
//!
//! A worker holds nothing that others need: while a sink is away, what it has not taken waits in the feed, and once there is no room in it the tables
//! are read anew.

pub(crate) mod attempts;
mod bounded;
pub(crate) mod connect;
mod counts;
mod publisher;
mod stream;
pub(super) mod worker;

use super::clock::wall;
use super::group;
use super::run::host_name;
use crate::api::counters::SinkCounters;
use crate::background::background;
use crate::config::{Config, Sink, SinkInto};
use crate::store::sinks::SinkNote;
use crate::store::{Note, Notes};
use callbackd_core::order::Gather as _;
use counts::Counts;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use stream::StreamWorker;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use worker::Worker;

/// All sinks of the configuration.
pub(crate) struct Sinks {
    db: PathBuf,
    notes: Notes,
    newest: watch::Receiver<i64>,
    running: BTreeMap<String, Running>,
}

struct Running {
    sink: Sink,
    counts: Arc<Counts>,
    /// Ends with this.
    _task: AbortOnDropHandle<()>,
}

impl Sinks {
    /// Those of this configuration, which the database knows already ([`names`]).
    pub(crate) fn start(config: &Config, notes: Notes, newest: watch::Receiver<i64>) -> Self {
        let mut all = Self { db: config.store.path.clone(), notes, newest, running: BTreeMap::new() };
        all.spawn(config);
        all
    }

    /// The configuration was read anew, and with it the passwords. What is on its way is written again by the new worker.
    pub(crate) fn configure(&mut self, config: &Config) {
        if self.notes.send(Note::Sink(SinkNote::Configured(names(config), wall()))).is_err() {
            tracing::warn!(target: "sink", "The database is busy; the feed does not wait for new sinks: reload again");
        }
        self.spawn(config);
    }

    fn spawn(&mut self, config: &Config) {
        let mut before = std::mem::take(&mut self.running);
        let site = config.site.clone().unwrap_or_else(host_name);
        for sink in &config.sinks {
            // One that is as it was goes on; its password is read at each connection.
            let old = before.remove(&sink.name);
            if let Some(old) = old.as_ref().filter(|old| old.sink == *sink) {
                old.counts.look_again();
            }
            let running = match old {
                Some(old) if old.sink == *sink => old,
                old => {
                    let counts = old.as_ref().map_or_else(Arc::default, |old| Arc::clone(&old.counts));
                    drop(old);
                    let (db, notes, newest) = (self.db.clone(), self.notes.clone(), self.newest.clone());
                    let task = match &sink.into {
                        SinkInto::Postgres(_) => {
                            let worker = Worker::new(sink, &site, db, notes, newest);
                            background(worker::run(worker, Arc::clone(&counts)))
                        }
                        SinkInto::Nats { stream, .. } => {
                            let worker = StreamWorker::new(sink, stream, &site, db, notes, newest);
                            background(worker::run(worker, Arc::clone(&counts)))
                        }
                    };
                    let task = AbortOnDropHandle::new(task);
                    Running { sink: sink.clone(), counts, _task: task }
                }
            };
            self.running.insert(sink.name.clone(), running);
        }
    }

    /// What was counted of each.
    pub(crate) fn counters(&self) -> BTreeMap<String, SinkCounters> {
        let (newest, now_ms) = (*self.newest.borrow(), wall());
        self.running.iter().map(|(name, running)| (name.clone(), running.counts.snapshot(newest, now_ms))).to_map()
    }
}

/// The names of the sinks, as the database gets them, and of the group: the feed keeps for it what it keeps for them.
pub(crate) fn names(config: &Config) -> Vec<String> {
    config.sinks.iter().map(|sink| sink.name.clone()).chain(group::names(config)).collect()
}
