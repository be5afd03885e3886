//! Callbacks: from a missed call to a customer who was won back; the policy of who calls whom and when.
//!
//! ```text
//! FinishedCall → task → dispatch (Presence: who is free) → attempt → stored → Originate → Progress → result → retry or close
//! ```
//!
//! The contract is the tracker's: give inputs ([`Scheduler::handle`]), let it decide ([`Scheduler::decide`]), drain [`Scheduler::poll`], come back at
//! [`Scheduler::deadline`]. What has consequences is stored first: [`Output::Act`] with an [`PbxAction::Originate`] comes only after
//! [`Input::Committed`] for the attempt that it belongs to.

pub mod agents;
pub mod alongside;
pub mod attempt;
mod codes;
pub mod commands;
mod customer_lines;
mod customers;
pub mod dispatch;
pub mod freepbx;
pub mod group;
mod late;
mod missed_calls;
mod missed_offers;
pub mod named_time;
pub mod pbx_action;
pub mod policy;
pub mod restore;
pub mod task;
mod tasks;
pub(crate) mod wait_estimates;

use crate::millis::Millis;
use crate::model::codes::CodedCall;
use crate::model::presence::Presence;
use crate::model::progress::{LineChange, Progress};
use crate::model::sign::Sign;
use crate::model::{
    AttemptPrefix, CallKey, CallbackRow, CallbackState, E164, FinishedCall, Moment, PbxId, Record, Tag,
};
use crate::order::Gather as _;
use agents::Agents;
use alongside::Signs;
use attempt::attempts::Attempts;
use attempt::cdr::Cdr;
use customers::{Customers, Known};
use dispatch::caps::Caps;
use dispatch::rounds::Rounds;
use group::{Alone, Group, GroupNews, GroupRequest};
use named_time::NamedTimeError;
use pbx_action::PbxAction;
use policy::{Policies, Policy};
use restore::RestoredState;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tasks::{Task, Tasks};
use wait_estimates::WaitEstimates;

/// Open callbacks at once; a miss beyond is counted and makes none.
pub const MAX_OPEN: usize = 10_000;
/// Attempts at one callback, whatever became of them: one that meets nothing but refusals must end some day.
pub const MAX_ATTEMPTS: u32 = 50;
/// Customers of whom it is kept who talked with them last, and by which call they were served.
pub const MAX_OWNERS: usize = 40_000;
/// Numbers on the do-not-call list, those included whose time has run out; another one is refused.
pub(crate) const MAX_DO_NOT_CALL: usize = 100_000;
/// Bytes of them, with their reasons.
pub const MAX_DO_NOT_CALL_BYTES: usize = 24 << 20;
/// A callback that a person puts off is open at least so long (ms) after that, unless its queue's `expire` is less.
const GRACE_MS: Millis = 3_600_000;

/// The PBXs whose agents can be asked, as they are at the moment of a decision.
pub type Presences<'a> = BTreeMap<PbxId, &'a dyn Presence>;

/// An input of the scheduler.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A call's row goes to the store, for the first time or corrected.
    Recorded(&'a FinishedCall),
    /// An agent has set a code on a call that has its row.
    Tagged(&'a CodedCall, &'a Tag),
    /// A customer's line changed.
    Line(&'a LineChange),
    /// An attempt went a step further.
    Progress(&'a Progress),
    /// Presence changed: read it again.
    PresenceChanged,
    /// The lists of this PBX have come: which calls are up is known.
    InSync(&'a PbxId),
    /// Coverage of this PBX is lost.
    Unlinked(&'a PbxId),
    /// The intent to make this attempt is on the disk.
    Committed(&'a str),
    /// The database refused to store this attempt.
    Refused(&'a str),
    /// Asterisk's answer to the Originate of this attempt.
    Answered {
        /// The attempt.
        channel_id: &'a str,
        /// What became of the action.
        answer: Answer<'a>,
    },
    /// What Asterisk's CDR hold of this attempt, whose end was not seen.
    LookedUp {
        /// The PBX whose CDR they are; an attempt of another is none of theirs.
        pbx: &'a PbxId,
        /// The attempt.
        channel_id: &'a str,
        /// Its records; none if there are none, or the file cannot be read.
        cdrs: &'a [Cdr],
    },
    /// Asterisk's answer to a value that was to be published on this PBX.
    Published {
        pbx: &'a PbxId,
        /// What became of the action.
        answer: Answer<'a>,
    },
    /// Another callbackd's sign was seen on this PBX, or that it has stopped.
    Sign {
        /// The PBX.
        pbx: &'a PbxId,
        /// The sign; one's own is passed over.
        sign: Sign,
    },
    /// Asterisk's answer to [`PbxAction::AskSign`].
    SignRead {
        /// The PBX.
        pbx: &'a PbxId,
        /// What the variable holds; `None` if it could not be read.
        value: Option<&'a str>,
    },
    /// Asterisk's answer to [`PbxAction::ShowSign`].
    SignWritten {
        /// The PBX.
        pbx: &'a PbxId,
        /// What became of the action.
        answer: Answer<'a>,
    },
    /// Asterisk's answer to [`PbxAction::AskFreepbx`].
    FreepbxRead {
        /// The PBX.
        pbx: &'a PbxId,
        /// `1` if it has the context, `0` if not; `None` if it could not be read.
        value: Option<&'a str>,
    },
    /// This site shares its customers with others from now on, and what it does while it cannot ask them; `None`: with nobody.
    Group(Option<Alone>),
    /// Something was heard of the group.
    GroupNews(&'a GroupNews),
    /// Nobody is to be dialled for now (`true`), or again (`false`): whether the database is sound is not known yet.
    Held(bool),
    /// The policies changed.
    Policies(&'a Policies),
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// `Response: Success`: queued. Whether anybody answers is shown by events.
    Accepted,
    /// `Response: Error`, in Asterisk's words: no event follows.
    Refused(&'a str),
    /// It never left.
    NotSent,
    /// It never left: the claim on the customer had too little time left.
    Lapsed,
    /// It left, and whether it had its effect is not known.
    Unanswered,
}

/// An output of the scheduler.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Store this.
    Record(Record),
    /// Look this attempt up in Asterisk's CDR, and come back with [`Input::LookedUp`].
    LookUp {
        pbx: PbxId,
        /// The attempt: `uniqueid` of its CDR.
        channel_id: String,
        /// It was intended then, ms since 1970 UTC: older CDR are not of it.
        since_ms: Millis,
    },
    /// Do this on this PBX.
    Act { pbx: PbxId, pbx_action: PbxAction },
    /// Ask this of the group.
    Group(GroupRequest),
    /// A customer's time cannot be kept: they are called back as if they had named none.
    BadTime {
        /// The call in which it was named.
        call: CallKey,
        /// As it was named.
        time: String,
        /// What is wrong with it.
        error: NamedTimeError,
    },
}

/// The scheduler's counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Callbacks made.
    pub queued: u64,
    /// Misses that came to an open callback.
    pub joined: u64,
    /// Misses that made none because of [`MAX_OPEN`].
    pub refused: u64,
    /// Attempts whose Originate was written.
    pub dialled: u64,
    /// Attempts that connected agent and customer.
    pub connected: u64,
    /// Owners forgotten because of [`MAX_OWNERS`].
    pub owners_dropped: u64,
    /// Numbers that were not put on the do-not-call list because of [`MAX_DO_NOT_CALL`] or [`MAX_DO_NOT_CALL_BYTES`].
    pub do_not_call_refused: u64,
    /// Agents forgotten because of [`agents::MAX_AGENTS`].
    pub agents_forgotten: u64,
}

/// All callbacks of all PBXs.
#[derive(Debug)]
pub struct Scheduler {
    policies: Policies,
    tasks: Tasks,
    attempts: Attempts,
    agents: Agents,
    customers: Customers,
    caps: Caps,
    rounds: Rounds,
    signs: Signs,
    /// The PBXs that this run has seen.
    found: BTreeSet<PbxId>,
    /// When it saw the last one of them first, or began; ms since 1970 UTC.
    found_ms: Millis,
    group: Group,
    /// PBXs whose dialplan is FreePBX's.
    freepbx: BTreeSet<PbxId>,
    wait_estimates: WaitEstimates,
    outputs: VecDeque<Output>,
    counters: Counters,
    /// [`Counters::refused`] by PBX.
    refused_on: BTreeMap<PbxId, u64>,
    /// Nobody is dialled.
    held: bool,
    now: Moment,
}

impl Scheduler {
    /// A scheduler that goes on where an earlier run stopped. `prefix`: of the ids that it gives to its attempts.
    #[must_use]
    pub fn new(policies: Policies, prefix: AttemptPrefix, restored: RestoredState, now: Moment) -> Self {
        let mut scheduler = Self {
            tasks: Tasks::new(restored.last_id),
            attempts: Attempts::new(prefix),
            agents: Agents::default(),
            customers: Customers::new(Known {
                owners: restored.owners,
                served: restored.served,
                do_not_call: restored.do_not_call,
                said: restored.said,
            }),
            caps: Caps::new(restored.dialled, policies.overall.prefix_digits),
            policies,
            rounds: Rounds::new(),
            signs: Signs::new(prefix),
            found: BTreeSet::new(),
            found_ms: now.wall_ms,
            group: Group::default(),
            freepbx: BTreeSet::new(),
            wait_estimates: WaitEstimates::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            refused_on: BTreeMap::new(),
            held: false,
            now,
        };
        for (row, misses) in restored.open {
            scheduler.resume(row, misses);
        }
        for (id, by) in restored.asked_by {
            scheduler.tasks.add_miss(&by.call, id);
            if let Some(task) = scheduler.tasks.get_mut(id) {
                task.is_asked_by(by);
            }
        }
        for (id, agent, at) in restored.refusals {
            if let Some(task) = scheduler.tasks.get_mut(id) {
                task.last_refusal = Some((agent, at));
            }
        }
        let called: BTreeMap<i64, E164> = restored.called.into_iter().to_map();
        for row in restored.in_flight {
            let number = called.get(&row.callback_id).cloned();
            scheduler.resume_attempt(row, number);
        }
        for id in restored.asked {
            if let Some(task) = scheduler.tasks.get_mut(id) {
                task.once_more = true;
            }
        }
        for id in restored.taken_back {
            if let Some(task) = scheduler.tasks.get_mut(id) {
                task.taken_back = true;
            }
        }
        scheduler.resume_requests(restored.meanwhile);
        scheduler
    }

    /// Takes an input. [`Scheduler::decide`] afterwards, once for as many as came together.
    pub fn handle(&mut self, input: Input<'_>, now: Moment) {
        self.tell_time(now);
        match input {
            Input::Recorded(call) => self.call_recorded(call),
            Input::Tagged(call, tag) => _ = self.tagged(call, tag.clone()),
            Input::Line(change) => self.line_changes(change),
            Input::Progress(progress) => self.attempt_progresses(progress),
            Input::PresenceChanged => self.rounds.set_due(),
            Input::InSync(pbx) => self.in_sync(pbx),
            Input::Unlinked(pbx) => self.unlinked(pbx),
            Input::Committed(channel_id) => self.committed(channel_id),
            Input::Refused(channel_id) => self.store_refused(channel_id),
            Input::Answered { channel_id, answer } => self.originate_answered(channel_id, answer),
            Input::LookedUp { pbx, channel_id, cdrs } => self.looked_up(pbx, channel_id, cdrs),
            Input::Published { pbx, answer } => self.wait_estimates.answered(pbx, answer, self.now.mono_ms),
            Input::Sign { pbx, sign } => self.sign_seen(pbx, sign),
            Input::SignRead { pbx, value } => self.sign_read(pbx, value),
            Input::SignWritten { pbx, answer } => self.sign_written(pbx, answer),
            Input::FreepbxRead { pbx, value } => self.freepbx_read(pbx, value),
            Input::Group(alone) => self.group_is(alone),
            Input::GroupNews(news) => self.group_news(news),
            Input::Held(held) => {
                self.held = held;
                self.rounds.set_due();
            }
            Input::Policies(policies) => {
                let asks_now = |(pbx, new): &(&PbxId, &Policy)| {
                    new.dial_agent.is_none() && self.policies.of(pbx).dial_agent.is_some()
                };
                for (pbx, _) in policies.pbx.iter().filter(asks_now) {
                    self.signs.forget(pbx);
                }
                self.policies = policies.clone();
                self.caps.set_prefix_digits(policies.overall.prefix_digits);
                self.tasks.screen_again();
                let ready: Vec<i64> = self.tasks.ready().collect();
                ready.into_iter().for_each(|id| self.line_up(id));
                self.watch_all_for_late();
                self.rounds.set_due();
            }
        }
    }

    /// Looks at everything that may be due, with the presence of the PBXs as it is now.
    pub fn decide(&mut self, now: Moment, presences: &Presences<'_>) {
        self.tell_time(now);
        self.prove(presences);
        self.follow_names(presences);
        self.unpause(presences);
        self.run_due_timers();
        self.show_signs(presences);
        self.look_after_attempts(presences);
        if self.rounds.take_due(self.now.mono_ms) {
            self.wait_estimates.changes();
            self.dispatch(presences);
            self.give_unused_back();
        }
        self.unpause(presences);
        self.pause_who_missed(presences);
        self.rounds.cools_down(self.agents.next_cooldown_end(self.now.mono_ms));
        self.publish(presences);
    }

    /// The next thing to be done; `None` when all is said.
    #[must_use = "what is not done is lost"]
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Scheduler::decide`], by the monotonic clock.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        let round = self.rounds.deadline(self.tasks.ready().len() > 0);
        let (task, attempt) = (self.tasks.next_timer(), self.attempts.deadline());
        [task, attempt, round, self.wait_estimates.deadline(), self.signs.deadline()].into_iter().flatten().min()
    }

    /// What is decided by.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// What is decided by on this PBX.
    fn policy(&self, pbx: &str) -> &Policy {
        self.policies.of(pbx)
    }

    /// What has been counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let (refused, agents_forgotten) = (self.refused_on.values().sum(), self.agents.forgotten());
        Counters { refused, agents_forgotten, ..self.counters }
    }

    /// [`Counters::refused`] by the PBX of the miss.
    #[must_use]
    pub fn refused_on(&self) -> &BTreeMap<PbxId, u64> {
        &self.refused_on
    }

    /// There is no room for this PBX's miss.
    fn refuse_miss(&mut self, pbx: &PbxId) {
        *self.refused_on.entry(pbx.clone()).or_default() += 1;
    }

    /// Open callbacks by state.
    #[must_use]
    pub fn open(&self) -> BTreeMap<CallbackState, usize> {
        self.tasks.by_state()
    }

    /// The rows of all open callbacks, by id.
    pub fn open_rows(&self) -> impl Iterator<Item = &CallbackRow> {
        self.tasks.rows()
    }

    /// Attempts that go on.
    #[must_use]
    pub fn active(&self) -> usize {
        self.attempts.len()
    }

    /// An open callback.
    #[must_use]
    pub fn callback(&self, id: i64) -> Option<&CallbackRow> {
        self.tasks.get(id).map(Task::row)
    }

    /// What the scheduler keeps of agents.
    #[must_use]
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    fn tell_time(&mut self, now: Moment) {
        self.now = Moment { wall_ms: now.wall_ms, mono_ms: now.mono_ms.max(self.now.mono_ms) };
    }

    fn store(&mut self, record: Record) {
        self.group.ordered(&record);
        self.outputs.push_back(Output::Record(record));
    }

    fn act(&mut self, pbx: &PbxId, pbx_action: PbxAction) {
        self.outputs.push_back(Output::Act { pbx: pbx.clone(), pbx_action });
    }

    /// The moment of the monotonic clock that is so far from now as this moment of the wall clock.
    fn mono(&self, wall_ms: Millis) -> u64 {
        self.now.mono_of(wall_ms)
    }
}
