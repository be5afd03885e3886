//! Dispatch: which callback goes next, and to whom of those who are free.

mod area_codes;
mod availability;
pub(crate) mod caps;
pub mod number_policy;
pub mod quiet_hours;
pub(crate) mod rounds;

use crate::callbacks::group::MayDial;
use crate::callbacks::policy::{First, QueuePolicy, Strategy};
use crate::callbacks::task::{OURSELVES, reason};
use crate::callbacks::{Presences, Scheduler};
use crate::millis::Millis;
use crate::model::presence::{AgentView, Busy, Presence};
use crate::model::{AgentKey, CallbackState, E164, PbxId};
use crate::order::{Gather as _, InOrder as _};
use std::collections::{BTreeMap, BTreeSet};

/// No time by the clock of a business or a customer is trusted for longer than this (ms): rules may be reloaded, clocks set.
const RECHECK_MS: Millis = 3_600_000;

/// Before this the end of a cap that is another by now is not written down anew (ms).
const CAP_MOVES_MS: Millis = 600_000;

/// What one decision knows of presence, until it has set agents aside.
struct DispatchRound<'a> {
    presences: BTreeMap<PbxId, PbxView<'a>>,
    /// Numbers that an attempt is up for, also one that was taken back and has not ended yet.
    in_flight: BTreeSet<E164>,
    /// Attempts that may still be begun.
    left: u32,
}

struct PbxView<'a> {
    agents: Vec<AgentView<'a>>,
    /// Their places, in the order of their interfaces.
    by_interface: Vec<usize>,
    /// By place in `agents`: can be asked.
    free: Vec<bool>,
    /// How many of them can be asked.
    left: usize,
    /// By queue: those at work who may take its callbacks.
    pools: BTreeMap<String, Vec<Candidate>>,
    /// By queue: whether its customers are called.
    windows: BTreeMap<Option<String>, CallingWindow>,
    waiting: BTreeMap<String, u32>,
    in_sync: bool,
}

/// Whether the customers of a queue are called, by the wall clock; [`Millis::MAX`] is never.
#[derive(Debug, Clone, Copy)]
enum CallingWindow {
    /// They are, until then.
    Open(Millis),
    /// They are not, until then.
    Closed(Millis),
}

/// Why nobody is asked now.
enum NoCandidate {
    /// None of those who may is logged in.
    NotThere,
    /// All are busy, or asked already, or their turn is not yet.
    Busy,
    /// Some are free, and callers wait for them.
    LiveCallers,
}

impl Scheduler {
    /// Gives callbacks to free agents, in the order of their turns.
    pub(crate) fn dispatch(&mut self, presences: &Presences<'_>) {
        if self.tasks.ready().len() == 0 {
            return self.rounds.nothing_ready();
        }
        let mut round = self.round(presences);
        let many = self.rounds.begin(self.tasks.ready().len(), self.now.mono_ms);
        let turns: Vec<i64> = self.tasks.ready().take(many).collect();
        for id in turns {
            self.consider(id, &mut round);
        }
    }

    fn round<'a>(&self, presences: &'a Presences<'_>) -> DispatchRound<'a> {
        let view = |(pbx, presence): (&PbxId, &&'a dyn Presence)| {
            let agents = presence.agents();
            let can = |a: &AgentView<'_>| {
                self.free(pbx, a) && self.agents.may_be_asked(&AgentKey::new(pbx, &a.agent), self.now.mono_ms)
            };
            let free: Vec<bool> = agents.iter().map(can).collect();
            let left = free.iter().filter(|free| **free).count();
            let mut by_interface: Vec<usize> = (0..agents.len()).collect();
            by_interface.order_by(|a, b| agents[*a].agent.cmp(&agents[*b].agent));
            let (pools, windows) = (BTreeMap::new(), BTreeMap::new());
            (
                pbx.clone(),
                PbxView {
                    agents,
                    by_interface,
                    free,
                    left,
                    pools,
                    windows,
                    waiting: presence.waiting(),
                    in_sync: presence.in_sync(),
                },
            )
        };
        DispatchRound {
            presences: presences.iter().map(view).to_map(),
            in_flight: self.attempts.iter().filter_map(|a| a.number.clone()).to_set(),
            left: self
                .policies
                .overall
                .max_active
                .saturating_sub(u32::try_from(self.attempts.len()).unwrap_or(u32::MAX)),
        }
    }

    /// What stands in the way of a callback whose turn it is, whoever is free, is said at once: whoever asked for it hears why it waits.
    pub(crate) fn look_first(&mut self, id: i64, presences: &Presences<'_>) {
        if !self.tasks.get(id).is_some_and(|task| task.attempt().is_none() && task.is_ready()) {
            return;
        }
        let mut round = self.round(presences);
        if let Some((_, number)) = self.may_be_offered(id, &mut round, false)
            && let Some((until, of_what)) = self.cap_exceeded(&number)
        {
            self.capped(id, until, of_what);
        }
    }

    /// PBX and number of a callback, unless something stands in its way, whoever is free; then that is what it waits for. If it is to be
    /// `dialled`, it is asked as well whether another daemon makes callbacks there.
    fn may_be_offered(&mut self, id: i64, round: &mut DispatchRound<'_>, dialled: bool) -> Option<(PbxId, E164)> {
        let task = self.tasks.get(id)?;
        let number = task.row().number_e164.clone()?;
        let (pbx, queue) = (task.row().pbx.clone(), task.row().queue.clone());
        if !self.policy(&pbx).enabled {
            self.waits(id, reason::DISABLED);
            return None;
        }
        let Some(view) = round.presences.get_mut(&pbx).filter(|view| view.in_sync) else {
            self.waits(id, reason::NO_LINK);
            return None;
        };
        if self.gives_way(&pbx) {
            self.waits(id, reason::ANOTHER_DAEMON);
            return None;
        }
        if dialled && (self.held || self.sign_is_asked_for(&pbx)) {
            return None; // the answer is a moment away
        }
        if self.customers.on_line(&number) {
            self.waits(id, reason::CUSTOMER_ON_LINE);
            return None;
        }
        if round.in_flight.contains(&number) {
            return None; // the end of the attempt that was taken back is awaited
        }
        if let Some((state, why)) = self.block_reason_known(id, &number) {
            self.close(id, state, &why, OURSELVES, "may not be called any more");
            return None;
        }
        let policy = self.policies.of(&pbx);
        let window = *view.windows.entry(queue).or_insert_with_key(|q| self.window(policy.of(q.as_deref())));
        match window {
            CallingWindow::Closed(until) => {
                self.waits_until(id, reason::OUT_OF_HOURS, until);
                return None;
            }
            // At closing, whether anything else happens or not: the night must not use up its life.
            CallingWindow::Open(until) => self.schedule_by_clock(id, until),
        }
        let quiet =
            self.policy(&pbx).quiet.and_then(|hours| quiet_hours::quiet_until(hours, &number, self.now.wall_ms));
        if let Some(until) = quiet {
            self.waits_until(id, reason::QUIET_HOURS, until);
            return None;
        }
        if let Some(why) = self.kept_by_group(id) {
            self.waits(id, why.as_str());
            return None;
        }
        Some((pbx, number))
    }

    /// No more calls to this number are allowed before then, and of what there are so many.
    fn cap_exceeded(&self, number: &str) -> Option<(Millis, &'static str)> {
        let to_come = || self.attempts.iter().filter(|a| !a.dialled).filter_map(|a| a.number.as_deref());
        self.caps.exceeded(number, to_come, &self.policies.overall, self.now.wall_ms)
    }

    /// One callback whose turn it is.
    fn consider(&mut self, id: i64, round: &mut DispatchRound<'_>) {
        let Some((pbx, number)) = self.may_be_offered(id, round, true) else { return };
        let Some(view) = round.presences.get_mut(&pbx) else { return };
        self.may_be_called_now(id);
        // Who waits for the end of a cap does so whoever is free or calls meanwhile.
        if self.tasks.get(id).is_some_and(|task| task.row().reason == reason::DAILY_CAP)
            && let Some((until, of_what)) = self.cap_exceeded(&number)
        {
            return self.capped(id, until, of_what);
        }
        let place = match self.choose(id, view) {
            Ok(place) => place,
            Err(NoCandidate::NotThere) => return self.waits(id, reason::NO_AGENT),
            Err(NoCandidate::LiveCallers) => return self.waits(id, reason::LIVE_CALLERS),
            Err(NoCandidate::Busy) => return self.move_to(id, CallbackState::Pending, "", OURSELVES, ""),
        };
        if let Some((until, of_what)) = self.cap_exceeded(&number) {
            return self.capped(id, until, of_what);
        }
        if round.left == 0 {
            return self.move_to(id, CallbackState::Pending, "", OURSELVES, "");
        }
        round.left -= 1;
        let Some(view) = self.tasks.get(id).and_then(|t| round.presences.get_mut(&t.row().pbx)) else { return };
        view.free[place] = false;
        view.left -= 1;
        let agent = view.agents[place].clone();
        // The agent is set aside also while it is asked whether the customer may be called.
        let may_dial = self.may_dial(id, &number);
        round.in_flight.insert(number);
        let MayDial::Yes(claim) = may_dial else { return };
        let customer_first = self.customer_first(id, &agent);
        self.intend(id, &agent, customer_first, claim);
    }

    /// What the policy says of a number is asked once: a numbering plan takes longer than all the rest. The do-not-call list is asked always.
    fn block_reason_known(&mut self, id: i64, number: &E164) -> Option<(CallbackState, String)> {
        let screened = self.tasks.get(id).is_some_and(|task| task.screened);
        if screened && self.do_not_call_entry(number).is_none() {
            return None;
        }
        let pbx = &self.tasks.get(id)?.row().pbx;
        let block_reason = self.block_reason(pbx, number);
        if let Some(task) = self.tasks.get_mut(id) {
            task.screened = block_reason.is_none();
        }
        block_reason
    }

    fn waits(&mut self, id: i64, why: &str) {
        self.move_to(id, CallbackState::Waiting, why, OURSELVES, "");
    }

    /// Its customer is not called before this moment of the wall clock ([`Millis::MAX`]: never): that time costs it nothing of its life.
    fn waits_until(&mut self, id: i64, why: &str, until: Millis) {
        let now = self.now.wall_ms;
        let Some(task) = self.tasks.get(id) else { return };
        if until == Millis::MAX {
            self.waits(id, why);
        } else if task.row().reason != why || task.row().due_ms != until {
            let policy = self.policy(&task.row().pbx).of(task.row().queue.as_deref());
            let life = if task.row().requested { policy.expire_requested_ms } else { policy.expire_ms };
            let left = (task.row().expires_ms - now).clamp(0, life.max(0));
            // Once for each time that is waited for: it may have waited for something else in between.
            let extended = task.row().due_ms == until;
            let longer = if extended { Millis::MIN } else { until.saturating_add(left) };
            let expires_ms = task.row().expires_ms.max(longer);
            let expires = self.mono(expires_ms);
            if let Some(task) = self.tasks.get_mut(id) {
                task.waits_until(until);
                task.expires_at(expires_ms, expires);
                task.comes_to(CallbackState::Waiting, why);
            }
            self.record(id, OURSELVES, "", None, None);
            self.tasks.schedule_at(id, expires);
        }
        self.schedule_by_clock(id, until);
    }

    /// The time in which its customer is not called is over: the owner's window, the fallback's and live callers' times begin with it.
    fn may_be_called_now(&mut self, id: i64) {
        let now = self.now;
        if let Some(task) = self.tasks.get_mut(id).filter(|task| reason::is_of_the_clock(&task.row().reason)) {
            task.is_due_at(now.wall_ms, now.mono_ms);
        }
    }

    /// The customer is dialled first only where the queue, into which the customer is then put, finds the agent who is reserved for the call.
    fn customer_first(&self, id: i64, agent: &AgentView<'_>) -> bool {
        let Some(task) = self.tasks.get(id) else { return false };
        let in_queue = |queue: &String| agent.queues.iter().any(|m| m.queue == **queue && !m.paused);
        let wanted = self.policy(&task.row().pbx).of(task.row().queue.as_deref()).first == First::Customer;
        wanted && task.row().assigned.is_none() && task.row().queue.as_ref().is_some_and(in_queue)
    }

    /// No more calls are allowed before this moment of the wall clock. With each call that others get it may come to be another one: that is not
    /// worth a row each time.
    fn capped(&mut self, id: i64, until: Millis, of_what: &str) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        let news = task.row().reason != reason::DAILY_CAP;
        if news || (task.row().due_ms - until).abs() > CAP_MOVES_MS {
            task.waits_until(until);
            self.move_to(
                id,
                CallbackState::Waiting,
                reason::DAILY_CAP,
                OURSELVES,
                &if news {
                    format!("as many calls as are allowed in a day {of_what}")
                } else {
                    "the cap ends at another time".to_owned()
                },
            );
        }
        self.schedule_by_clock(id, until);
    }

    fn schedule_by_clock(&mut self, id: i64, until: Millis) {
        let at = self.mono(until.min(self.now.wall_ms.saturating_add(RECHECK_MS)));
        self.tasks.schedule_by(id, at.max(self.now.mono_ms + 1));
    }

    fn window(&self, queue: &QueuePolicy) -> CallingWindow {
        let now = self.now.wall_ms;
        let Some(closing) = queue.hours.closes_at(now) else { return CallingWindow::Open(Millis::MAX) };
        let last = closing.saturating_sub(queue.last_dispatch_ms);
        if last > now {
            return CallingWindow::Open(last);
        }
        CallingWindow::Closed(queue.next_call(closing).unwrap_or(Millis::MAX))
    }

    /// Whom of those who are free to ask: the index among the agents of the PBX.
    fn choose(&mut self, id: i64, view: &mut PbxView<'_>) -> Result<usize, NoCandidate> {
        let now = self.now.mono_ms;
        let task = &self.tasks[id];
        let queue = task.row().queue.as_deref();
        let of_pbx = self.policy(&task.row().pbx);
        let policy = of_pbx.of(queue);
        let owner_until = self.mono_later(task.due, policy.owner_window_ms);
        let usual = task.row().assigned.is_none() && policy.fallback.is_none();
        if view.left == 0 && usual && (task.row().owner.is_none() || owner_until <= now) {
            let nobody = view.pool(queue, &policy.agents).is_empty();
            return Err(if nobody { NoCandidate::NotThere } else { NoCandidate::Busy });
        }
        let mut pool = view.pool(queue, &policy.agents).to_vec();
        let falls_back = self.mono_later(task.due, policy.fallback_after_ms);
        let mut look = None;
        if let Some(fallback) = &policy.fallback {
            if falls_back <= now {
                let more = view.pool(Some(fallback), &of_pbx.of(Some(fallback)).agents);
                let more = more.iter().filter(|m| !pool.iter().any(|p| p.place == m.place));
                pool.extend(more.copied().collect::<Vec<_>>());
            } else {
                look = Some(falls_back);
            }
        }
        let view = &*view;
        let alone =
            |agent: &str| view.place_of(agent).filter(|p| view.is_there(*p)).map(|p| Candidate::of(view, p, queue));
        if let Some(assigned) = &task.row().assigned {
            pool = alone(assigned).into_iter().collect();
        }
        let refused = task
            .last_refusal
            .as_ref()
            .filter(|(agent, _)| agent.pbx == task.row().pbx)
            .map(|(agent, _)| &*agent.interface);
        let owner = task
            .row()
            .owner
            .as_deref()
            .filter(|o| owner_until > now && refused != Some(*o) && task.row().assigned.is_none());
        if let Some(owner) = owner.and_then(alone) {
            pool = vec![owner];
            look = Some(look.map_or(owner_until, |l: u64| l.min(owner_until)));
        }
        let there = !pool.is_empty();
        // Who did not take it is not offered it next, unless nobody else is at work.
        if pool.iter().any(|c| !c.paused && Some(&*view.agents[c.place].agent) != refused) {
            pool.retain(|c| Some(&*view.agents[c.place].agent) != refused);
        }
        pool.retain(|c| view.free[c.place] && !c.paused);
        let some_free = !pool.is_empty();
        let overtakes = of_pbx.overtake_after_ms.map(|ms| self.mono_later(task.due, ms));
        if of_pbx.live_callers_first && overtakes.is_none_or(|at| at > now) {
            pool.retain(|c| {
                !view.agents[c.place].queues.iter().any(|m| !m.paused && view.waiting.contains_key(&*m.queue))
            });
            if some_free && pool.is_empty() {
                look = [look, overtakes].into_iter().flatten().min();
            }
        }
        let turn = |c: &Candidate| self.turn(id, policy.strategy, c, view);
        let chosen = pool.iter().min_by_key(|c| turn(c)).map(|c| c.place);
        if let Some(at) = look.filter(|_| chosen.is_none()) {
            self.tasks.schedule_by(id, at.max(now + 1));
        }
        match chosen {
            Some(place) => Ok(place),
            None if some_free => Err(NoCandidate::LiveCallers),
            None if there => Err(NoCandidate::Busy),
            None => Err(NoCandidate::NotThere),
        }
    }

    fn mono_later(&self, mono: u64, ms: Millis) -> u64 {
        mono.saturating_add_signed(ms)
    }

    /// Who is least is asked: by penalty, then as the strategy says, then who has waited longest, then by name.
    fn turn<'v>(
        &self,
        id: i64,
        strategy: Strategy,
        c: &Candidate,
        view: &'v PbxView<'_>,
    ) -> (u32, u64, Millis, &'v str) {
        let agent = &view.agents[c.place];
        let memory = self.tasks.get(id).and_then(|t| self.agents.get(&AgentKey::new(&t.row().pbx, &agent.agent)));
        let idle_since = agent.last_talk_ms.max(memory.and_then(|m| m.offered_ms)).unwrap_or(Millis::MIN);
        let key = match strategy {
            Strategy::LeastRecent => 0,
            Strategy::FewestCalls => u64::from(agent.calls),
            Strategy::RrMemory => memory.map_or(0, |m| m.last_offer),
            Strategy::Linear => c.rank as u64,
            Strategy::Random => scatter(id, self.tasks.get(id).map_or(0, |t| t.row().attempts), &agent.agent),
        };
        (c.penalty, key, idle_since, &*agent.agent)
    }
}

impl PbxView<'_> {
    /// The place of the agent with this interface, or whom a queue dials by it: so an agent is called whose phone has not been seen yet.
    fn place_of(&self, interface: &str) -> Option<usize> {
        let found = self.by_interface.binary_search_by(|place| (*self.agents[*place].agent).cmp(interface));
        let dialled = |a: &AgentView<'_>| a.queues.iter().any(|m| m.interface == interface);
        found.map_or_else(|_| self.agents.iter().position(dialled), |found| Some(self.by_interface[found]))
    }

    fn is_there(&self, place: usize) -> bool {
        self.agents[place].busy != Some(Busy::LoggedOut)
    }

    /// Who of those at work may take a callback of this queue: those who are named for it, or its members; without a queue anybody. All callbacks
    /// of a round have the same.
    fn pool(&mut self, queue: Option<&str>, named: &[String]) -> &[Candidate] {
        let name = queue.unwrap_or_default();
        if !self.pools.contains_key(name) {
            let pool = self.who_may(queue, named).into_iter().filter(|c| self.is_there(c.place)).collect();
            self.pools.insert(name.to_owned(), pool);
        }
        &self.pools[name]
    }

    fn who_may(&self, queue: Option<&str>, named: &[String]) -> Vec<Candidate> {
        if !named.is_empty() {
            let known = named.iter().filter_map(|agent| self.place_of(agent));
            return known
                .enumerate()
                .map(|(rank, place)| Candidate { rank, ..Candidate::of(self, place, queue) })
                .collect();
        }
        let member = |a: &AgentView<'_>| queue.is_none_or(|q| a.queues.iter().any(|m| m.queue == q));
        let members = self.agents.iter().enumerate().filter(|(_, a)| member(a));
        members.map(|(place, _)| Candidate::of(self, place, queue)).collect()
    }
}

/// Somebody who may take a callback.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    place: usize,
    penalty: u32,
    /// In the queue that it is about; without one, in all of the agent's.
    paused: bool,
    rank: usize,
}

impl Candidate {
    fn of(view: &PbxView<'_>, place: usize, queue: Option<&str>) -> Self {
        let agent = &view.agents[place];
        let member = queue.and_then(|q| agent.queues.iter().find(|m| m.queue == q));
        let everywhere = !agent.queues.is_empty() && agent.queues.iter().all(|m| m.paused);
        Self {
            place,
            penalty: member.map_or(0, |m| m.penalty),
            paused: member.map_or(everywhere, |m| m.paused),
            rank: place,
        }
    }
}

/// The same for the same callback, attempt and agent, and else anything (FNV-1a, which scatters its last byte badly, and so ends with two zeros).
fn scatter(id: i64, attempt: u32, agent: &str) -> u64 {
    let bytes = id.to_le_bytes().into_iter().chain(attempt.to_le_bytes()).chain(agent.bytes()).chain([0, 0]);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
