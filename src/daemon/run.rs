//! `callbackd run`: sets everything up, then one loop until a signal ends it.

use super::api_replies;
use super::callbacks::Callbacks;
use super::check::Check;
use super::clock::Clock;
use super::configuration::{Configuration, load, warn_of_old_names};
use super::group::Group;
use super::local_api::{LocalApi, NamedCommand, Request};
use super::monitor::Standing;
use super::pbxs::{self, Pbxs, Report};
use super::proofs::{Found, MOST_UNSAVED, Proofs};
use super::secret::{self, Secret};
use super::sinks::{self, Sinks};
use super::storage::{Storage, feed_rules};
use super::systemd::ServiceManager;
use super::webhooks::{self, Webhooks};
use super::{event_log, figures, signals};
use crate::api::Ask;
use crate::api::counters::GroupCounters;
use crate::api::status::Status;
use crate::background::block_on;
use crate::config::Config;
use crate::exit::Exit;
use crate::log::{self, Reload};
use crate::store::sinks::SinkNote;
use crate::store::webhooks::WebhookNote;
use crate::store::{self, Ack, Health, Store};
use callbackd_core::millis::Millis;
use callbackd_core::model::{Moment, News, PbxId, Record};
use callbackd_core::order::Gather as _;
use callbackd_core::tracker::Output;
use futures_util::StreamExt;
use signal_hook::consts::{SIGHUP, SIGXFSZ};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Runs the daemon until a signal ends it. Refusals are written to stderr.
#[must_use]
pub fn run(config_path: &Path) -> Exit {
    store::prepare();
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
    warn_of_old_names(&config);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => {
            tracing::error!(target: "daemon", %err, "Cannot start the runtime");
            return Exit::Software;
        }
    };
    let outcome = block_on(&runtime, async {
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

/// Where each PBX's CDR are.
fn cdr_files(config: &Config) -> BTreeMap<PbxId, PathBuf> {
    config.pbx.iter().filter_map(|pbx| Some((pbx.name.clone(), pbx.gap.cdr_csv.clone()?))).to_map()
}

/// The machine's name, as the kernel has it.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What the daemon cannot live with.
#[derive(Debug, thiserror::Error)]
enum Fatal {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{0}")]
    Signals(std::io::Error),
}

struct Daemon {
    configuration: Configuration,
    clock: Clock,
    service: ServiceManager,
    pbxs: Pbxs,
    storage: Storage,
    callbacks: Callbacks,
    check: Check,
    proofs: Proofs,
    api: LocalApi,
    webhooks: Webhooks,
    sinks: Sinks,
    group: Group,
    since_ms: Millis,
}

impl Daemon {
    fn prepare(config: Config, config_path: &Path, reload: Reload) -> Result<Self, Fatal> {
        let (mut store, sound) = Store::open_at_once(&config.store.path)?;
        store.name_site(&config.site.clone().unwrap_or_else(host_name))?;
        store.record_changes(feed_rules(&config))?;
        let clock = Clock::start();
        let now = clock.now();
        store.webhook(&WebhookNote::Configured(webhooks::names(&config), now.wall_ms))?;
        store.sink(&SinkNote::Configured(sinks::names(&config), now.wall_ms))?;
        let customers = store.read_customers(now.wall_ms, config.overall.min_talk_ms);
        let trunks = pbxs::read_trunks(&config, &store, now);
        let prefix = store.attempt_prefix();
        let mut pbxs = Pbxs::restored(&config, &mut store, trunks, now)?;
        // They log in while the rest is read.
        pbxs.connect(&config);
        let restored = store.restored_with(now.wall_ms, customers)?;
        let storage = Storage::new(store)?;
        let requesters = pbxs.requesters().to_map();
        let mut callbacks =
            Callbacks::new(config.policies(), prefix, restored, requesters, cdr_files(&config), clock.now());
        callbacks.hold(!sound, clock.now());
        let feed = (storage.notes(), storage.newest_change());
        super::days::start(&config.store.path, storage.notes());
        let group = Group::start(&config, feed, &mut callbacks, clock.now());
        Ok(Self {
            group,
            clock,
            check: if sound { Check::Done } else { Check::Awaited },
            service: ServiceManager::default(),
            api: LocalApi::listen(&config, storage.newest_change()),
            webhooks: Webhooks::start(&config, storage.notes(), storage.newest_change()),
            sinks: Sinks::start(&config, storage.notes(), storage.newest_change()),
            storage,
            callbacks,
            proofs: Proofs::new(&config, prefix),
            since_ms: clock.now().wall_ms,
            pbxs,
            configuration: Configuration::new(config, config_path, reload, now.wall_ms),
        })
    }

    async fn turn(mut self) -> Result<(), Fatal> {
        let mut signals = signals::listen().map_err(Fatal::Signals)?;
        let stopping = signals::second_ends_at_once().map_err(Fatal::Signals)?;
        let mut watchdog = tokio::time::interval(ServiceManager::watchdog_period().unwrap_or(Duration::from_secs(15)));
        tracing::info!(
            target: "daemon",
            version = env!("CARGO_PKG_VERSION"),
            config = %self.configuration.path().display(),
            db = %self.configuration.config().store.path.display(),
            "callbackd starts"
        );
        loop {
            let due = self.deadline();
            let wake = tokio::time::sleep_until(self.clock.instant(due));
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
                Some(event) = self.pbxs.next() => self.pbxs.take_batch(event, self.clock.now()),
                Some(ack) = self.storage.ack() => self.acknowledged(ack),
                Some(outcome) = self.callbacks.outcome() => self.callbacks.result(&outcome, self.clock.now()),
                Some(found) = self.proofs.found(), if self.storage.unsaved() < MOST_UNSAVED => self.prove(found),
                checked = self.check.ended() => {
                    checked?;
                    self.callbacks.hold(false, self.clock.now());
                }
                Some(request) = self.api.next() => match request {
                    Request::Ask(ask) => self.asked(ask),
                    Request::LookedUp(command) => self.carry_out(*command),
                },
                () = wake => self.tick(),
                _ = watchdog.tick() => {
                    self.service.alive();
                    self.storage.send();
                }
            }
            self.after();
        }
    }

    /// When something is to be done without anything else happening, by the monotonic clock.
    fn deadline(&self) -> u64 {
        let others = [self.service.deadline(), self.pbxs.deadline(), self.callbacks.deadline(), self.proofs.deadline()];
        others.into_iter().flatten().fold(self.storage.deadline(), u64::min)
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.pbxs.tick(now);
        self.storage.keep_up(self.configuration.config(), now);
    }

    /// Hands what the trackers report to the scheduler and the records of both to the store, and reports the state to the service manager.
    fn after(&mut self) {
        let now = self.clock.now();
        while let Some((pbx, report)) = self.pbxs.poll() {
            match report {
                Report::Unlinked => self.callbacks.unlinked(&pbx, now),
                Report::Tracker(output) => {
                    if let Some(record) = self.callbacks.hear(&pbx, output, now) {
                        self.proofs.hear(&record, now);
                        self.push(record);
                    }
                }
            }
        }
        self.proofs.look(self.pbxs.monitors(), self.storage.unsaved() > 0, now);
        self.decide(now);
        self.storage.send();
        if self.pbxs.all_tried() {
            self.service.ready();
            self.check.begin(&self.configuration.config().store.path);
        }
        if self.service.status_is_due(now.mono_ms) {
            let status = self.status();
            self.service.status(status);
        }
    }

    fn decide(&mut self, now: Moment) {
        for record in self.callbacks.decide(self.pbxs.monitors(), now) {
            self.push(record);
        }
    }

    /// What was proved goes the way of every call: a miss among it makes a callback, an answer closes one.
    fn prove(&mut self, found: Found) {
        let now = self.clock.now();
        for call in self.proofs.take(found, self.pbxs.monitors()) {
            let pbx = call.pbx.clone();
            self.pbxs.has_its_row(&pbx, &call.linkedid);
            let recorded = Output::Record(Record::Call(Arc::new(call)));
            if let Some(record) = self.callbacks.hear(&pbx, recorded, now) {
                self.push(record);
            }
        }
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            // Whoever asked may have gone.
            Ask::Agents(reply) => drop(reply.send(api_replies::agents(self.pbxs.monitors(), &self.callbacks))),
            Ask::AgentNamed { name, pbx, reply } => {
                let named = self.configuration.config().agent_named(&name, pbx.as_deref());
                drop(reply.send(named.map(|(on, interface)| (on.map(ToString::to_string), interface.to_owned()))));
            }
            Ask::Token(change, reply) => self.storage.token(change, reply),
            Ask::Webhook(name, order, reply) => self.webhooks.order(&name, order, reply),
            Ask::Queues(reply) => drop(reply.send(api_replies::queues(self.pbxs.monitors(), &self.callbacks))),
            Ask::Status(reply) => drop(reply.send(self.stands())),
            Ask::Figures(reply) => {
                let (status, counted) = (self.stands(), self.storage.counted());
                let read = self.configuration.last_read();
                drop(reply.send(figures::all(status, &self.pbxs, &self.callbacks, counted, read)));
            }
            // A callback that is not in memory is looked up before it is spoken of.
            Ask::Command { command, by, reply } => {
                let open = |id: &i64| self.callbacks.scheduler().callback(*id).is_some();
                let closed = api_replies::named(&command).filter(|id| !open(id));
                let command = NamedCommand { command, by, reply, closed: None };
                match closed {
                    None => self.carry_out(command),
                    Some(id) => self.api.look_up(id, command),
                }
            }
        }
    }

    fn stands(&self) -> Status {
        let mut status =
            api_replies::status(&self.pbxs, &self.callbacks, &self.storage, self.since_ms, self.clock.now().wall_ms);
        status.counters.api.commands_refused = self.api.commands_refused();
        for (pbx, counters) in &mut status.counters.pbx {
            counters.records_given_up = self.proofs.given_up(pbx);
        }
        status.counters.webhooks = self.webhooks.counters();
        status.counters.sinks = self.sinks.counters();
        status.counters.group =
            self.group.counters().map(|group| GroupCounters { lapsed: self.callbacks.lapsed(), ..group });
        status
    }

    fn carry_out(&mut self, NamedCommand { command, by, reply, closed }: NamedCommand) {
        if let Err(full) = self.api.room() {
            // Whoever asked may have gone.
            let _ = reply.send(Err(full));
            return;
        }
        let now = self.clock.now();
        let done = self.callbacks.command(&command, &by, closed, self.pbxs.monitors(), now);
        self.decide(now);
        // As it stands now: whether its turn may come has been decided meanwhile.
        let done = done.map(|done| self.callbacks.settled(done));
        self.api.answer(reply, done, self.storage.pushed());
        self.api.settle(self.storage.settled());
    }

    fn push(&mut self, record: Record) {
        // One a phone: it is not carried to the disk for nobody.
        if matches!(&record, Record::News(news) if matches!(**news, News::Ringing(_)))
            && !self.configuration.config().feed.in_progress
        {
            return;
        }
        if let Some(lost) = self.storage.push(record) {
            self.callbacks.refused(&lost, self.clock.now());
        }
    }

    fn status(&self) -> String {
        let links = self.pbxs.monitors().iter().map(|w| match &w.standing {
            Standing::Connecting => format!("{}: connecting to {}", w.name, w.peer),
            Standing::Live => format!("{}: live, {} calls in progress", w.name, w.live_calls()),
            Standing::Down(reason) => format!("{}: NOT CONNECTED ({reason})", w.name),
        });
        let store = match self.storage.health() {
            Health::Writing => format!("{} calls stored since start", self.storage.calls()),
            Health::Retrying { error, .. } => {
                format!("DATABASE CANNOT BE WRITTEN ({error}), {} records wait", self.storage.unsaved())
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
        let settled = self.storage.acknowledged(ack);
        let now = self.clock.now();
        for record in &settled.stored {
            event_log::stored(record, self.configuration.config().log.numbers, now.wall_ms);
            self.callbacks.stored(record, now);
        }
        for (record, error) in &settled.refused {
            event_log::refused(record, error);
            self.callbacks.refused(record, now);
        }
        self.api.settle(self.storage.settled());
    }

    /// Reads the configuration anew. A refused one changes nothing.
    fn reconfigure(&mut self) {
        self.service.reloading();
        let now = self.clock.now();
        if self.configuration.reload(now.wall_ms) {
            let config = self.configuration.config();
            self.pbxs.configure(config, now);
            self.proofs.configure(config);
            self.storage.record_changes(config);
            self.webhooks.configure(config, now.wall_ms);
            self.sinks.configure(config);
            self.group.configure(config, &mut self.callbacks, now);
            self.api.renew(config);
            self.storage.keep_up_soon();
            self.callbacks.policies(&config.policies(), cdr_files(config), now);
        }
        self.service.reloaded();
    }

    async fn stop(mut self, signal: i32) {
        self.service.stopping();
        self.api.close();
        let calls = self.pbxs.live_calls();
        tracing::info!(target: "daemon", signal, calls, "Stopping; a second signal ends the daemon at once");
        self.callbacks.stop(self.pbxs.monitors(), self.clock.now());
        self.pbxs.disconnect().await;
        // The links have ended: what they sent before is all there is.
        while let Some(event) = self.pbxs.next().await {
            self.pbxs.take(event, self.clock.now());
        }
        self.pbxs.stop(self.clock.now());
        self.after();
        let give_up = Storage::give_up();
        while let Some(ack) = self.storage.next_of_the_last(give_up).await {
            self.acknowledged(ack);
        }
        self.storage.stop(self.configuration.config().log.numbers).await;
    }
}
