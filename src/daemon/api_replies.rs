//! Answers to what comes in by the local API: how things stand at once, what commands did once it is on the disk.

use super::api_certificate;
use super::callbacks::Callbacks;
use super::link::Link;
use super::monitor::{Monitor, Standing};
use super::pbxs::Pbxs;
use super::storage::Storage;
use crate::api::counters::{ApiCounters, Counters, PbxCounters, TrackerCounters};
use crate::api::status::{AgentInPresence, PbxStatus, QueueInPresence, Status};
use crate::api::{Front, socket, tcp};
use crate::config::Config;
use crate::store::Health;
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::millis::Millis;
use callbackd_core::model::presence::AgentView;
use callbackd_core::order::{Gather as _, InOrder as _};
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The answer to a command, and where it goes.
type Reply = (oneshot::Sender<Result<Done, CommandError>>, Result<Done, CommandError>);

/// Answers that wait for the disk at once: a database that cannot be written must not make them grow, however often somebody asks again.
pub(crate) const MAX_WAITING: usize = 1_000;

/// Answers that wait for the disk, in the order of their commands.
#[derive(Debug, Default)]
pub(crate) struct ApiReplies {
    waiting: VecDeque<(u64, Reply)>,
    /// Commands that were not carried out because there was no room for their answers.
    refused: u64,
}

impl ApiReplies {
    /// Whether the answer to a command would have room: it is not to be carried out else.
    ///
    /// # Errors
    /// What to answer at once; it is counted.
    pub(crate) fn room(&mut self) -> Result<(), CommandError> {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.retain(|(_, (reply, _))| !reply.is_closed());
        }
        if self.waiting.len() >= MAX_WAITING {
            self.refused += 1;
            return Err(CommandError::TooManyWait(self.waiting.len()));
        }
        Ok(())
    }

    /// Commands refused by [`ApiReplies::room`].
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    /// A command was carried out, and its records are among the first `pushed`: the answer goes out when they are settled.
    pub(crate) fn push(&mut self, reply: Reply, pushed: u64) {
        self.waiting.push_back((pushed, reply));
    }

    /// Gives the answers whose records are among the first `settled`.
    pub(crate) fn settle(&mut self, settled: u64) {
        while self.waiting.front().is_some_and(|(pushed, _)| *pushed <= settled) {
            if let Some((_, (reply, answer))) = self.waiting.pop_front() {
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
        }
    }
}

/// The callback that a command names.
pub(crate) fn named(command: &Command) -> Option<i64> {
    match command {
        Command::Cancel { id, .. }
        | Command::Handled { id, .. }
        | Command::Hold { id, .. }
        | Command::Release { id, .. }
        | Command::Assign { id, .. }
        | Command::Retry { id, .. }
        | Command::Prioritise { id, .. }
        | Command::Delay { id, .. } => Some(*id),
        Command::Add(_)
        | Command::Tag { .. }
        | Command::Untag { .. }
        | Command::DncAdd { .. }
        | Command::DncRemove { .. } => None,
    }
}

/// All agents of all PBXs.
pub(crate) fn agents(monitors: &[Monitor], callbacks: &Callbacks) -> Vec<AgentInPresence> {
    let on = |w: &Monitor| {
        let agents = w.presence().agents();
        agents.into_iter().map(|agent| agent_view(w, agent, callbacks)).collect::<Vec<_>>()
    };
    let mut agents: Vec<AgentInPresence> = monitors.iter().flat_map(on).collect();
    agents.order_by(|a, b| (&a.pbx, &a.agent).cmp(&(&b.pbx, &b.agent)));
    agents
}

fn agent_view(monitor: &Monitor, agent: AgentView<'_>, callbacks: &Callbacks) -> AgentInPresence {
    let (pbx, tracker) = (&monitor.name, monitor.tracker());
    let why_not = callbacks.scheduler().why_not(pbx, &agent);
    let unknown = || "unknown: the PBX is not seen".to_owned();
    AgentInPresence {
        pbx: pbx.to_string(),
        free: tracker.sees().then_some(why_not.is_none()),
        why_not: if tracker.sees() { why_not.unwrap_or_default() } else { unknown() },
        unseen_since_ms: tracker.unseen_since(),
        since_ms: agent.since_ms,
        queues: agent
            .queues
            .into_iter()
            .map(|m| (m.queue.into_owned(), m.paused.then(|| m.paused_reason.into_owned())))
            .to_map(),
        last_talk_ms: agent.last_talk_ms,
        calls: agent.calls,
        agent: agent.agent.into_owned(),
        name: agent.name.map(Cow::into_owned),
    }
}

/// All queues of all PBXs.
pub(crate) fn queues(monitors: &[Monitor], callbacks: &Callbacks) -> Vec<QueueInPresence> {
    monitors.iter().flat_map(|on| queues_of(on, callbacks)).collect()
}

fn queues_of(monitor: &Monitor, callbacks: &Callbacks) -> Vec<QueueInPresence> {
    let (presence, sees) = (monitor.presence(), monitor.tracker().sees());
    let (agents, waiting) = (presence.agents(), presence.waiting());
    let mut queues: BTreeMap<String, QueueInPresence> = BTreeMap::new();
    for queue in presence.queues() {
        let waiting = sees.then(|| waiting.get(&queue).copied().unwrap_or(0));
        let (pbx, free) = (monitor.name.to_string(), sees.then_some(0));
        let new =
            QueueInPresence { pbx, queue: queue.clone(), waiting, longest_since_ms: None, members: 0, free, paused: 0 };
        queues.insert(queue, new);
    }
    for agent in &agents {
        let is_free = callbacks.scheduler().why_not(&monitor.name, agent).is_none();
        for member in &agent.queues {
            let Some(queue) = queues.get_mut(&*member.queue) else { continue };
            queue.members += 1;
            queue.paused += usize::from(member.paused);
            queue.free = queue.free.map(|free| free + usize::from(is_free && !member.paused));
        }
    }
    queues.into_values().collect()
}

/// How things stand.
pub(crate) fn status(
    pbxs: &Pbxs,
    callbacks: &Callbacks,
    storage: &Storage,
    since_ms: Millis,
    now_ms: Millis,
) -> Status {
    let scheduler = callbacks.scheduler();
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since_ms,
        now_ms,
        pbx: pbxs.monitors().iter().map(|w| pbx(w, callbacks, storage)).collect(),
        callbacks_enabled: scheduler.policies().any_enabled(),
        callbacks: scheduler.open().into_iter().map(|(state, count)| (state.to_string(), count)).to_map(),
        attempts: scheduler.active(),
        calls_stored: storage.calls(),
        unsaved: storage.unsaved(),
        store_error: match storage.health() {
            Health::Writing => None,
            Health::Retrying { error, .. } => Some(error),
        },
        streams: 0, // the API knows
        counters: Counters {
            pbx: pbxs.with_links().map(|(w, link)| (w.name.to_string(), counted(w, link))).to_map(),
            callbacks: scheduler.counters().into(),
            store: storage.counters(),
            api: ApiCounters::default(), // the parts of the API count by themselves
            webhooks: BTreeMap::new(),
            sinks: BTreeMap::new(), // so do their workers
            group: None,            // and this one's
        },
    }
}

fn counted(monitor: &Monitor, link: &Link) -> PbxCounters {
    PbxCounters {
        link: link.counters(),
        tracker: TrackerCounters::new(monitor.tracker().counters(), monitor.events_unreadable()),
        records_given_up: 0, // those who read them know
    }
}

fn pbx(monitor: &Monitor, callbacks: &Callbacks, storage: &Storage) -> PbxStatus {
    let presence = monitor.presence();
    let agents = presence.agents();
    let free = |agent: &&AgentView<'_>| callbacks.scheduler().why_not(&monitor.name, agent).is_none();
    let another = callbacks.scheduler().another_on(&monitor.name);
    let policy = callbacks.scheduler().policies().of(&monitor.name);
    PbxStatus {
        name: monitor.name.to_string(),
        timezone: policy.of(None).hours.timezone().map(str::to_owned),
        another_callbackd: another.map(|another| another.identity.as_str().to_owned()),
        gives_way: another.is_some_and(|another| another.gives_way),
        address: monitor.peer.clone(),
        link: match &monitor.standing {
            Standing::Connecting => "connecting".to_owned(),
            Standing::Live => "live".to_owned(),
            Standing::Down(reason) => format!("down: {reason}"),
        },
        seen: monitor.tracker().sees(),
        unseen_since_ms: monitor.tracker().unseen_since(),
        calls: monitor.live_calls(),
        agents: agents.len(),
        free: monitor.tracker().sees().then(|| agents.iter().filter(free).count()),
        waiting: monitor.tracker().sees().then(|| presence.waiting()),
        callbacks_enabled: policy.enabled,
        calls_stored: storage.calls_of(&monitor.name),
    }
}

/// Opens the local API. Calls are worth more than commands: without it the daemon runs all the same.
pub(crate) fn listen(config: &Config, front: &Arc<Front>) -> Option<socket::Server> {
    let api = &config.api;
    match socket::Server::bind(&api.socket, api.mode, api.group.as_deref(), front) {
        Ok(server) => Some(server),
        Err(err) => {
            tracing::error!(
                target: "api",
                socket = %api.socket.display(),
                %err,
                "The local API cannot be opened, callbackd takes no commands; set api.socket to a path in a directory that its user may write to"
            );
            None
        }
    }
}

/// Listens to programs with tokens, where the configuration says so.
pub(crate) fn listen_by_tcp(config: &Config, front: &Arc<Front>) -> Option<tcp::Server> {
    let address = config.api.listen?;
    let tls = match config.api.tls.as_ref().map(api_certificate::load).transpose() {
        Ok(tls) => tls,
        Err(err) => {
            tracing::error!(target: "api", %address, %err, "The API's certificate cannot be used, programs cannot ask by TCP; callbackd check, then restart");
            return None;
        }
    };
    match tcp::Server::bind(address, tls, &config.api.hosts, config.api.pages, front) {
        Ok(server) => Some(server),
        Err(err) => {
            tracing::error!(target: "api", %address, %err, "The API cannot listen there, programs cannot ask by TCP; set api.listen to a free port");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use callbackd_core::model::E164;

    fn done() -> Result<Done, CommandError> {
        Ok(Done::DncRemoved(E164::new("+12025550100").unwrap()))
    }

    #[test]
    fn more_commands_than_may_wait_are_refused_and_counted_and_none_for_whom_nobody_waits_takes_a_place() {
        let mut replies = ApiReplies::default();
        let mut asked = Vec::new();
        for _ in 0..MAX_WAITING {
            let (reply, answer) = oneshot::channel();
            assert_eq!(replies.room(), Ok(()));
            replies.push((reply, done()), 7);
            asked.push(answer);
        }
        assert_eq!(replies.room(), Err(CommandError::TooManyWait(MAX_WAITING)));
        assert_eq!(replies.refused(), 1);
        asked.pop();
        assert_eq!(replies.room(), Ok(()), "who has gone needs no answer");
        replies.settle(6);
        assert!(asked[0].try_recv().is_err(), "its record is not on the disk");
        replies.settle(7);
        assert!(asked.iter_mut().all(|answer| answer.try_recv() == Ok(done())));
        assert_eq!((replies.waiting.len(), replies.refused()), (0, 1));
    }
}
