//! `callbackd run`: sets everything up, then one loop until a signal ends it.

use super::api_replies::{self, ApiReplies};
use super::callbacks::{Callbacks, Outcome};
use super::clock::Clock;
use super::link::{self, Link, LinkEvent};
use super::monitor::{Monitor, Standing};
use super::proofs::{self, Proofs};
use super::recorder::{self, Recorder};
use super::secret::{self, Secret};
use super::systemd::ServiceManager;
use super::upkeep::Upkeep;
use super::{event_log, signals};
use crate::api::{Ask, socket};
use crate::config::{Config, Refusal};
use crate::exit::Exit;
use crate::log::{self, Reload};
use crate::store::{self, Ack, Health, Store, Writer};
use callbackd_core::ami::Interest;
use callbackd_core::ami::event::Millis;
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::model::{CallbackRow, PbxId, Record};
use callbackd_core::tracker::{Input, Output, Tracker};
use futures_util::stream::{BoxStream, SelectAll, poll_fn};
use futures_util::{FutureExt, StreamExt};
use signal_hook::consts::{SIGHUP, SIGXFSZ};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Taken from the links before the store, timers and signals get their turn.
const EVENTS_PER_TURN: usize = 1_024;

/// Commands whose callback was looked up in the database and that wait for the loop; beyond it the look-ups wait, on threads of their own.
const ORDERS: usize = 64;

/// The status line is worked out at most this often (ms): a busy hour is no reason to write to systemd for every call.
const STATUS_EVERY_MS: u64 = 1_000;

/// A trunk on which nobody has called for so long is not known any more, ms: thirty days.
const TRUNKS_FOR_MS: Millis = 30 * 86_400_000;

/// How long a stopping daemon goes on trying to write what is left, within systemd's default `TimeoutStopSec` of 90 s.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Runs the daemon until a signal ends it. Refusals are written to stderr.
#[must_use]
pub fn run(config_path: &Path) -> Exit {
    let credentials = secret::credentials();
    let config = match load(config_path, credentials.as_deref()) {
        Ok(config) => config,
        Err(refusal) => {
            anstream::eprint!("{}", refusal.render(true));
            return refusal.exit();
        }
    };
    for pbx in &config.pbx {
        if let Err(err) = Secret::of(pbx, credentials.as_deref()).load() {
            anstream::eprintln!("error: {err}");
            return Exit::Config;
        }
    }
    let reload = match log::init(&config.log, log::stderr_is_the_journal()) {
        Ok(reload) => reload,
        Err(err) => {
            anstream::eprintln!("error: log.level: {err}");
            return Exit::Config;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => {
            tracing::error!(target: "daemon", %err, "Cannot start the runtime");
            return Exit::Software;
        }
    };
    let outcome = runtime.block_on(async {
        let daemon = Daemon::prepare(config, config_path, reload)?;
        daemon.turn().await
    });
    match outcome {
        Ok(()) => Exit::Ok,
        Err(Fatal::Store(err)) => {
            tracing::error!(target: "store", %err, "Cannot use the database, stopping");
            Exit::from_code(err.exit_code())
        }
        Err(Fatal::Signals(err)) => {
            tracing::error!(target: "daemon", %err, "Cannot listen to signals, stopping");
            Exit::Software
        }
    }
}

/// The configuration, with the places of secrets filled in.
fn load(path: &Path, credentials: Option<&Path>) -> Result<Config, Refusal> {
    let mut config = Config::load(path)?;
    secret::beside(&mut config, path, credentials);
    Ok(config)
}

/// Where each PBX's CDR are.
fn cdr_files(config: &Config) -> BTreeMap<PbxId, PathBuf> {
    config.pbx.iter().filter_map(|pbx| Some((pbx.name.clone(), pbx.gap.cdr_csv.clone()?))).collect()
}

/// What the daemon cannot live with.
#[derive(Debug, thiserror::Error)]
enum Fatal {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{0}")]
    Signals(std::io::Error),
}

/// A command, with what the database holds of the callback that it names.
struct Order {
    command: Command,
    by: String,
    reply: oneshot::Sender<Result<Done, CommandError>>,
    closed: Option<CallbackRow>,
}

struct Daemon {
    config: Config,
    config_path: PathBuf,
    reload: Reload,
    clock: Clock,
    service: ServiceManager,
    watched: Vec<Monitor>,
    links: Vec<Link>,
    from_links: SelectAll<BoxStream<'static, (usize, LinkEvent)>>,
    recorder: Recorder,
    acks: mpsc::Receiver<Ack>,
    callbacks: Callbacks,
    outcomes: mpsc::Receiver<Outcome>,
    proofs: Proofs,
    proved: mpsc::Receiver<proofs::Found>,
    api: Option<socket::Server>,
    asks: mpsc::Receiver<Ask>,
    found: (mpsc::Sender<Order>, mpsc::Receiver<Order>),
    answers: ApiReplies,
    since_ms: Millis,
    stored_calls: u64,
    status_due: u64,
    status_stale: bool,
    upkeep: Upkeep,
}

impl Daemon {
    fn prepare(config: Config, config_path: &Path, reload: Reload) -> Result<Self, Fatal> {
        let store = Store::open(&config.store.path)?;
        let clock = Clock::start();
        let mut watched = Vec::new();
        for pbx in &config.pbx {
            let rules = pbx.settings.rules();
            rules.numbering.warm_up();
            let mut tracker =
                Tracker::new(&pbx.name, rules, store.our_attempts(&pbx.name)?, store.take_over(&pbx.name)?);
            tracker.knows_trunks(store.trunks(&pbx.name, clock.now().wall_ms - TRUNKS_FOR_MS)?);
            tracker.knows_calls(store.calls_left(&pbx.name)?);
            watched.push(Monitor::new(&pbx.name, &pbx.address, tracker));
        }
        let prefix = store.attempt_prefix();
        let restored = store.restored(clock.now().wall_ms, config.overall.min_talk_ms)?;
        let (acknowledge, acks) = recorder::acks();
        let writer = Writer::spawn(store, acknowledge)?;
        let credentials = secret::credentials();
        let mut from_links = SelectAll::new();
        let mut links = Vec::new();
        for (i, pbx) in config.pbx.iter().enumerate() {
            let (events, mut received) = link::events();
            links.push(Link::spawn(pbx, credentials.as_deref(), Interest::tracker(), None, events));
            from_links.push(poll_fn(move |cx| received.poll_recv(cx).map(|event| event.map(|e| (i, e)))).boxed());
        }
        let requesters =
            config.pbx.iter().zip(&links).map(|(pbx, link)| (pbx.name.clone(), link.requester())).collect();
        let (callbacks, outcomes) =
            Callbacks::new(config.policies(), prefix, restored, requesters, cdr_files(&config), clock.now());
        let (proofs, proved) = Proofs::new(&config, prefix);
        let (api, asks) = api_replies::listen(&config);
        Ok(Self {
            config,
            config_path: config_path.to_owned(),
            reload,
            clock,
            service: ServiceManager::default(),
            watched,
            links,
            from_links,
            recorder: Recorder::new(writer),
            acks,
            callbacks,
            outcomes,
            proofs,
            proved,
            api,
            asks,
            found: mpsc::channel(ORDERS),
            answers: ApiReplies::default(),
            since_ms: clock.now().wall_ms,
            stored_calls: 0,
            status_due: 0,
            status_stale: true,
            upkeep: Upkeep::default(),
        })
    }

    async fn turn(mut self) -> Result<(), Fatal> {
        let mut signals = signals::listen().map_err(Fatal::Signals)?;
        let stopping = signals::second_ends_at_once().map_err(Fatal::Signals)?;
        let mut watchdog = tokio::time::interval(ServiceManager::watchdog_period().unwrap_or(Duration::from_secs(15)));
        tracing::info!(
            target: "daemon",
            version = env!("CARGO_PKG_VERSION"),
            config = %self.config_path.display(),
            db = %self.config.store.path.display(),
            "callbackd starts"
        );
        loop {
            let status = self.status_stale.then_some(self.status_due);
            let scheduler = self.callbacks.scheduler().deadline();
            let (proof, upkeep) = (self.proofs.deadline(), Some(self.upkeep.deadline()));
            let engines = self.watched.iter().filter_map(Monitor::deadline);
            let due = engines.chain(status).chain(scheduler).chain(proof).chain(upkeep).min();
            let wake = async {
                match due {
                    Some(due) => tokio::time::sleep_until(self.clock.instant(due)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(signal) = signals.next() => match signal {
                    SIGHUP => self.reconfigure(),
                    SIGXFSZ => {} // the store reports the write that failed
                    signal => {
                        stopping.store(true, Ordering::SeqCst);
                        self.stop(signal).await;
                        return Ok(());
                    }
                },
                Some((pbx, event)) = self.from_links.next() => self.take(pbx, event),
                Some(ack) = self.acks.recv() => self.acknowledged(ack),
                Some(outcome) = self.outcomes.recv() => self.callbacks.result(&outcome, self.clock.now()),
                Some(found) = self.proved.recv() => self.prove(found),
                Some(ask) = self.asks.recv() => self.asked(ask),
                Some(order) = self.found.1.recv() => self.carry_out(order),
                () = wake => self.tick(),
                _ = watchdog.tick() => {
                    self.service.alive();
                    self.recorder.send();
                }
            }
            self.after();
        }
    }

    /// Takes an event and what waits behind it, as one batch.
    fn take(&mut self, pbx: usize, event: LinkEvent) {
        let now = self.clock.now();
        self.watched[pbx].take(event, now);
        for _ in 1..EVENTS_PER_TURN {
            let Some(Some((pbx, event))) = self.from_links.next().now_or_never() else { break };
            self.watched[pbx].take(event, now);
        }
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for watched in &mut self.watched {
            watched.tick(now);
        }
        if let Some(due) = self.upkeep.due(self.config.store.keep, now) {
            self.recorder.optimize();
            if let Some(before_ms) = due.prune_before_ms {
                self.recorder.prune(before_ms);
            }
        }
    }

    /// Hands what the trackers report to the scheduler and the records of both to the store, and reports the state to the service manager.
    fn after(&mut self) {
        let now = self.clock.now();
        for i in 0..self.watched.len() {
            let watched = &mut self.watched[i];
            if watched.take_unlinked() {
                self.callbacks.unlinked(&watched.name, now);
            }
            while let Some(output) = self.watched[i].poll() {
                if let Some(record) = self.callbacks.hear(&self.watched[i].name, output, now) {
                    self.proofs.hear(&record, now);
                    self.push(record);
                }
            }
        }
        self.proofs.look(&self.watched, self.recorder.unsaved() > 0, now);
        for record in self.callbacks.decide(&self.watched, now) {
            self.push(record);
        }
        let records = self.recorder.take_lost();
        if records > 0 {
            tracing::error!(target: "store", records, "The database could not be written for too long, the oldest waiting records are lost");
        }
        self.recorder.send();
        if self.watched.iter().all(|w| w.standing != Standing::Connecting) {
            self.service.ready();
        }
        let now = now.mono_ms;
        self.status_stale = now < self.status_due;
        if !self.status_stale {
            self.status_due = now + STATUS_EVERY_MS;
            let status = self.status();
            self.service.status(status);
        }
    }

    /// What was proved goes the way of every call: a miss among it makes a callback, an answer closes one.
    fn prove(&mut self, found: proofs::Found) {
        let now = self.clock.now();
        for call in self.proofs.take(found, &self.watched) {
            let pbx = call.pbx.clone();
            if let Some(watched) = self.watched.iter_mut().find(|watched| watched.name == pbx) {
                watched.has_its_row(&call.linkedid);
            }
            let recorded = Output::Record(Record::Call(Box::new(call)));
            if let Some(record) = self.callbacks.hear(&pbx, recorded, now) {
                self.push(record);
            }
        }
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            // Whoever asked may have gone.
            Ask::Agents(reply) => drop(reply.send(api_replies::agents(&self.watched, &self.callbacks))),
            Ask::Status(reply) => {
                let (calls, since_ms) = (self.stored_calls, self.since_ms);
                let status =
                    api_replies::status(&self.watched, &self.links, &self.callbacks, &self.recorder, calls, since_ms);
                drop(reply.send(status));
            }
            Ask::Command { command, by, reply } => self.ordered(command, by, reply),
        }
    }

    /// A callback that is not in memory is looked up before it is spoken of.
    fn ordered(&mut self, command: Command, by: String, reply: oneshot::Sender<Result<Done, CommandError>>) {
        match api_replies::named(&command).filter(|id| self.callbacks.scheduler().callback(*id).is_none()) {
            None => self.carry_out(Order { command, by, reply, closed: None }),
            Some(id) => {
                let (db, found) = (self.config.store.path.clone(), self.found.0.clone());
                tokio::task::spawn_blocking(move || {
                    let closed = store::Reader::open(&db).and_then(|reader| reader.callback(id)).unwrap_or_else(|err| {
                        tracing::warn!(target: "store", %err, "The database cannot be read; a closed callback is not found");
                        None
                    });
                    // The loop may have ended, or be busy for so long that nobody waits any more.
                    let _ = found.blocking_send(Order { command, by, reply, closed });
                });
            }
        }
    }

    fn carry_out(&mut self, Order { command, by, reply, closed }: Order) {
        let now = self.clock.now();
        let done = self.callbacks.command(&command, &by, closed, &self.watched, now);
        for record in self.callbacks.decide(&self.watched, now) {
            self.push(record);
        }
        self.answers.push((reply, done), &self.recorder);
        self.answers.settle(&self.recorder);
    }

    fn push(&mut self, record: Record) {
        if let Some(lost) = self.recorder.push(record) {
            self.callbacks.refused(&lost, self.clock.now());
        }
    }

    fn status(&self) -> String {
        let links = self.watched.iter().map(|w| match &w.standing {
            Standing::Connecting => format!("{}: connecting to {}", w.name, w.peer),
            Standing::Live => format!("{}: live, {} calls in progress", w.name, w.live_calls()),
            Standing::Down(reason) => format!("{}: NOT CONNECTED ({reason})", w.name),
        });
        let store = match self.recorder.health() {
            Health::Writing => format!("{} calls stored since start", self.stored_calls),
            Health::Retrying { error, .. } => {
                format!("DATABASE CANNOT BE WRITTEN ({error}), {} records wait", self.recorder.unsaved())
            }
        };
        let open: usize = self.callbacks.scheduler().open().values().sum();
        let callbacks = self
            .callbacks
            .scheduler()
            .policies()
            .any_enabled()
            .then(|| format!("{open} callbacks open, {} going on", self.callbacks.scheduler().active()));
        links.chain([store]).chain(callbacks).collect::<Vec<_>>().join("; ")
    }

    fn acknowledged(&mut self, ack: Ack) {
        let settled = self.recorder.acknowledged(ack);
        let now = self.clock.now();
        for record in &settled.stored {
            self.stored_calls += u64::from(matches!(record, Record::Call(_)));
            event_log::stored(record, self.config.log.numbers, now.wall_ms);
            self.callbacks.stored(record, now);
        }
        for (record, error) in &settled.refused {
            event_log::refused(record, error);
            self.callbacks.refused(record, now);
        }
        self.answers.settle(&self.recorder);
    }

    /// Reads the configuration anew. A refused one changes nothing.
    fn reconfigure(&mut self) {
        self.service.reloading();
        match load(&self.config_path, secret::credentials().as_deref()) {
            Ok(new) => {
                let restart = self.config.restart_for(&new);
                self.config = self.config.reloaded(new);
                let now = self.clock.now();
                for (watched, pbx) in self.watched.iter_mut().zip(&self.config.pbx) {
                    watched.give(Input::Rules(&pbx.settings.rules()), now);
                }
                self.proofs.configure(&self.config);
                self.callbacks.policies(&self.config.policies(), cdr_files(&self.config), now);
                if let Err(err) = self.reload.apply(&self.config.log) {
                    tracing::warn!(target: "daemon", %err, "log.level is not valid, the level is unchanged");
                }
                tracing::info!(target: "daemon", config = %self.config_path.display(), "Configuration reloaded");
                if !restart.is_empty() {
                    tracing::warn!(
                        target: "daemon",
                        tables = restart,
                        "Some changes take effect only after systemctl restart callbackd"
                    );
                }
            }
            Err(refusal) => {
                for problem in refusal.problems() {
                    tracing::error!(
                        target: "daemon",
                        err = %problem.title,
                        hint = %problem.help,
                        "The changed configuration is refused, the old one stays in force"
                    );
                }
            }
        }
        self.service.reloaded();
    }

    async fn stop(mut self, signal: i32) {
        self.service.stopping();
        self.api = None;
        let calls: usize = self.watched.iter().map(Monitor::live_calls).sum();
        tracing::info!(target: "daemon", signal, calls, "Stopping; a second signal ends the daemon at once");
        self.callbacks.stop(&self.watched, self.clock.now());
        for link in self.links.drain(..) {
            link.stop().await;
        }
        // The links have ended: what they sent before is all there is.
        while let Some((pbx, event)) = self.from_links.next().await {
            let now = self.clock.now();
            self.watched[pbx].take(event, now);
        }
        let now = self.clock.now();
        for watched in &mut self.watched {
            watched.give(Input::Stopping, now);
        }
        self.after();
        let give_up = tokio::time::sleep(STOP_PATIENCE);
        tokio::pin!(give_up);
        while self.recorder.unsaved() > 0 {
            tokio::select! {
                Some(ack) = self.acks.recv() => self.acknowledged(ack),
                () = &mut give_up => break,
            }
            self.recorder.send();
        }
        let recorder = self.recorder;
        let stopped = tokio::task::spawn_blocking(move || recorder.stop(Duration::ZERO)).await;
        match stopped {
            Ok(stopped) if stopped.unwritten.is_empty() => tracing::info!(target: "daemon", "callbackd has stopped"),
            Ok(stopped) => {
                let unwritten = || stopped.unwritten.iter().flat_map(|batch| &batch.records);
                unwritten().for_each(|record| event_log::unwritten(record, self.config.log.numbers));
                let records = unwritten().count();
                tracing::error!(target: "store", records, "Stopped with records that could not be written, they are lost");
            }
            Err(err) => tracing::error!(target: "store", %err, "Store thread panicked"),
        }
    }
}
