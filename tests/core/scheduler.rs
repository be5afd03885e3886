//! A scheduler with a presence that a test sets, a clock that it turns, and a store that keeps what it was given.

use crate::alongside::Signs;
pub use crate::identity::{e164, pbx};
pub use crate::pretend_presence::{PretendPresence, agent};
use callbackd_core::callbacks::attempt::display::ReasonWords;
use callbackd_core::callbacks::attempt::originate::Originate;
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::callbacks::group::GroupRequest;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::{
    First, NumberPolicy, OnMissedOffers, Overall, Policies, Policy, QueuePolicy, Retry, Strategy,
};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Input, Output, Presences, Scheduler};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::hours::Hours;
use callbackd_core::model::number::{InternalRule, Numbering};
use callbackd_core::model::presence::{AgentView, Busy, Presence};
use callbackd_core::model::progress::{Facts, FirstPhone, Line, LineChange, Progress, Step};
use callbackd_core::model::{
    AskedBy, AttemptPrefix, AttemptResult, AttemptRow, CallInProgress, CallKey, CallbackRow, CallbackStep, Direction,
    DoNotCall, FinishedCall, HangupBy, LegResult, Moment, Outcome, Quality, Record, RecoveredBy, Status, TagChange,
};
use std::collections::{BTreeMap, BTreeSet};

pub const MONDAY_10: i64 = 1_772_445_600_000; // 2026-03-02 10:00:00 UTC
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 3_600_000;
/// Customers.
pub const ANN: &str = "+12025550123";
pub const BOB: &str = "+12025550124";
pub const CAT: &str = "+12025550125";
pub const PBX: &str = "pbx";

/// No delay, so that a miss is due at once; no wrap-up; everything else as a business would have it.
pub fn policy() -> Policy {
    use Outcome as O;
    let all = [O::QueueAbandon, O::RingAbandon, O::QueueTimeout, O::QueueEmpty, O::CallbackRequested, O::Announcement];
    Policy {
        enabled: true,
        on: BTreeSet::from(all),
        short_abandon_ms: 5 * SECOND,
        agent_ring_ms: 15 * SECOND,
        customer_ring_ms: 30 * SECOND,
        agent_cooldown_ms: 2 * MINUTE,
        missed_offers: 0,
        on_missed_offers: OnMissedOffers::Pause,
        live_callers_first: true,
        overtake_after_ms: None,
        unknown_is_free: false,
        pause_agent: false,
        quiet: None,
        retry: Retry {
            customer_busy: 2 * MINUTE,
            customer_noanswer: 15 * MINUTE,
            customer_rejected: 30 * MINUTE,
            maybe_voicemail: 20 * MINUTE,
            congestion: MINUTE,
            agent_left: 0,
            originate_error: 30 * SECOND,
            lost: 10 * MINUTE,
        },
        dial_agent: Some("{device}".into()),
        dial_customer: "PJSIP/{number}@provider".into(),
        number_form: "{digits}".into(),
        agent_context: "callbackd-agent".into(),
        customer_context: "callbackd-customer".into(),
        reasons: ReasonWords::default(),
        look_up_cdr: false,
        alongside: false,
        publish: false,
        default: queue_policy(),
        queues: BTreeMap::new(),
        dids: BTreeMap::new(),
        number_policy: NumberPolicy::default(),
        numbering: Numbering::new("US", InternalRule::MaxDigits(5)).unwrap(),
    }
}

pub fn overall() -> Overall {
    Overall {
        max_active: 10,
        newest_first: false,
        min_talk_ms: 5 * SECOND,
        daily_per_number: 6,
        daily_per_prefix: 100,
        prefix_digits: 6,
        daily: 1_000,
    }
}

/// Of one PBX.
pub fn policies(overall: Overall, policy: Policy) -> Policies {
    Policies { overall, pbx: BTreeMap::from([(pbx(), policy.clone())]), others: policy, codes: Codes::default() }
}

pub fn queue_policy() -> QueuePolicy {
    QueuePolicy {
        enabled: true,
        delay_ms: 0,
        expire_ms: 4 * HOUR,
        expire_requested_ms: 24 * HOUR,
        alarm_late_ms: None,
        max_attempts: 3,
        priority: 0,
        hours: Hours::always(),
        last_dispatch_ms: 0,
        strategy: Strategy::LeastRecent,
        owner_window_ms: 0,
        agents: Vec::new(),
        fallback: None,
        fallback_after_ms: 0,
        caller_id: "{did}".into(),
        language: None,
        display: "CB {queue} {name} {times}".into(),
        script: String::new(),
        announcement: String::new(),
        accept_key: String::new(),
        first: First::Agent,
    }
}

/// Everything around a scheduler.
pub struct Scene {
    pub scheduler: Scheduler,
    pub presence: PretendPresence,
    pub now: Moment,
    /// A batch is committed as soon as it is there.
    pub commits: bool,
    pub rows: BTreeMap<i64, CallbackRow>,
    pub story: Vec<(i64, CallbackStep)>,
    pub misses: Vec<(i64, String)>,
    /// Which codes of which calls ask for which callbacks.
    pub asked: Vec<(i64, AskedBy)>,
    pub recovered: Vec<(i64, RecoveredBy, i64)>,
    pub attempts: BTreeMap<String, AttemptRow>,
    pub do_not_call: BTreeMap<String, DoNotCall>,
    pub tags: Vec<TagChange>,
    pub deeds: Vec<PbxAction>,
    pub looked_up: Vec<String>,
    pub bad_times: Vec<String>,
    pub signs: Signs,
    /// What was asked of the group.
    pub requests: Vec<GroupRequest>,
    /// Intents that are not committed.
    pub intents: Vec<String>,
    calls: u32,
}

/// What the ids of attempts begin with: `cb-0a1b2c3d-`.
pub fn prefix() -> AttemptPrefix {
    AttemptPrefix::of("0a1b2c3d").unwrap()
}

impl Scene {
    pub fn new(policy: Policy, agents: Vec<AgentView<'static>>) -> Self {
        Self::remembering(policy, agents, RestoredState::default())
    }

    pub fn remembering(policy: Policy, agents: Vec<AgentView<'static>>, restored: RestoredState) -> Self {
        Self::with(policies(overall(), policy), agents, restored)
    }

    pub fn with(policies: Policies, agents: Vec<AgentView<'static>>, restored: RestoredState) -> Self {
        Self::starting(policies, agents, restored, Moment { wall_ms: MONDAY_10, mono_ms: 1_000_000 })
    }

    pub fn starting(policies: Policies, agents: Vec<AgentView<'static>>, restored: RestoredState, now: Moment) -> Self {
        Self {
            scheduler: Scheduler::new(policies, prefix(), restored, now),
            presence: PretendPresence { agents, ..PretendPresence::default() },
            now,
            commits: true,
            rows: BTreeMap::new(),
            story: Vec::new(),
            asked: Vec::new(),
            misses: Vec::new(),
            recovered: Vec::new(),
            attempts: BTreeMap::new(),
            do_not_call: BTreeMap::new(),
            tags: Vec::new(),
            deeds: Vec::new(),
            looked_up: Vec::new(),
            bad_times: Vec::new(),
            signs: Signs::default(),
            requests: Vec::new(),
            intents: Vec::new(),
            calls: 0,
        }
    }

    /// Lets the scheduler decide, and does what it wants, until it wants nothing.
    pub fn settle(&mut self) {
        loop {
            let presences = Presences::from([(pbx(), &self.presence as &dyn Presence)]);
            self.scheduler.decide(self.now, &presences);
            if !self.drain() {
                break;
            }
        }
    }

    fn drain(&mut self) -> bool {
        let mut any = false;
        while let Some(output) = self.scheduler.poll() {
            any = true;
            match output {
                Output::Record(Record::Callback(change)) => self.keep((*change).clone()),
                Output::Record(Record::Attempt(row)) => {
                    let before = self.attempts.insert(row.channel_id.clone(), (*row).clone());
                    self.intents
                        .extend(before.is_none().then(|| row.channel_id.clone()).filter(|_| row.result.is_none()));
                }
                Output::Record(Record::DncAdd(entry)) => {
                    drop(self.do_not_call.insert(entry.number_e164.to_string(), entry))
                }
                Output::Record(Record::Tag(change)) => self.tags.push(*change),
                Output::Record(Record::DncRemove(number)) => drop(self.do_not_call.remove(number.as_str())),
                Output::Record(Record::GroupDnc(dnc)) => match dnc.entry {
                    Some(entry) => drop(self.do_not_call.insert(dnc.number_e164.to_string(), entry)),
                    None => drop(self.do_not_call.remove(dnc.number_e164.as_str())),
                },
                Output::Group(request) => self.requests.push(request),
                Output::Record(other) => panic!("the desk stores no {other:?}"),
                Output::LookUp { channel_id, .. } => self.looked_up.push(channel_id),
                Output::BadTime { time, error, .. } => self.bad_times.push(format!("{time}: {error}")),
                Output::Act { pbx, pbx_action } => {
                    assert_eq!(pbx, PBX);
                    if let PbxAction::Originate(originate) = &pbx_action {
                        let row =
                            self.attempts.get(&originate.channel_id).expect("an intent is stored before it is dialled");
                        assert!(!self.intents.contains(&row.channel_id), "dialled before its intent was committed");
                    }
                    self.deeds.extend(self.signs.answer(&mut self.scheduler, pbx_action, self.now));
                }
            }
        }
        if self.commits && !self.intents.is_empty() {
            self.commit();
            return true;
        }
        any
    }

    fn keep(&mut self, change: callbackd_core::model::CallbackChange) {
        let id = change.row.id;
        if change.row.state.is_open() {
            let twin =
                self.rows.values().find(|r| r.id != id && r.state.is_open() && r.number_e164 == change.row.number_e164);
            assert!(twin.is_none(), "two open callbacks for one number: {twin:?} and {:?}", change.row);
        }
        self.rows.insert(id, change.row);
        self.story.extend(change.change.map(|c| (id, c)));
        if let Some(by) = change.asked {
            self.asked.retain(|(of, known)| *of != id || !known.is(&by.call, &by.code));
            self.asked.push((id, by));
        }
        self.misses.extend(change.miss.map(|m| (id, m.linkedid.to_string())));
        self.recovered.extend(change.recovered.map(|(by, at)| (id, by, at)));
    }

    /// What was intended is on the disk now.
    pub fn commit(&mut self) {
        for channel_id in std::mem::take(&mut self.intents) {
            self.scheduler.handle(Input::Committed(&channel_id), self.now);
        }
    }

    /// Time passes, and the scheduler is asked at each of its deadlines.
    pub fn pass(&mut self, ms: i64) {
        let end = self.now.mono_ms + u64::try_from(ms).unwrap();
        while let Some(due) = self.scheduler.deadline().filter(|due| *due <= end) {
            let ahead = due.saturating_sub(self.now.mono_ms);
            self.turn_clock(ahead);
            self.settle();
            if self.scheduler.deadline().is_some_and(|again| again <= self.now.mono_ms) {
                self.turn_clock(1); // a deadline that does not move must not hang the test: the next turn shows what it is
            }
        }
        self.turn_clock(end.saturating_sub(self.now.mono_ms));
        self.settle();
    }

    pub fn turn_clock(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.wall_ms += i64::try_from(ms).unwrap();
    }

    pub fn give(&mut self, input: Input<'_>) {
        self.scheduler.handle(input, self.now);
        self.settle();
    }

    /// A row goes to the store.
    pub fn recorded(&mut self, call: &FinishedCall) {
        self.give(Input::Recorded(call));
    }

    /// A customer gave up in this queue just now.
    pub fn misses(&mut self, number: &str, queue: &str) -> FinishedCall {
        let call = self.missed(number, queue);
        self.recorded(&call);
        call
    }

    pub fn missed(&mut self, number: &str, queue: &str) -> FinishedCall {
        self.calls += 1;
        let call = CallInProgress {
            pbx: pbx(),
            linkedid: format!("miss.{}", self.calls),
            number: Some(number.into()),
            number_e164: Some(e164(number)),
            name: None,
            did: Some("5550100".into()),
            trunk: Some("PJSIP/provider".into()),
            queue: Some(queue.into()),
            agent: None,
            started_ms: self.now.wall_ms - 40 * SECOND,
            joined_ms: None,
            answered_ms: None,
            remarks: None,
        };
        FinishedCall {
            status: Status::Cancel,
            outcome: Outcome::QueueAbandon,
            queue_wait_ms: 40 * SECOND,
            hangup_by: HangupBy::Customer,
            hangup_cause: Some(16),
            quality: Quality::Full,
            ..call.ended(self.now.wall_ms, Vec::new())
        }
    }

    /// A customer talked with this agent for so long, until now.
    pub fn talked(&mut self, number: &str, agent: &str, direction: Direction, talk_ms: i64) -> FinishedCall {
        FinishedCall {
            direction,
            status: Status::Answer,
            outcome: Outcome::Agent,
            agent: Some(agent.into()),
            started_ms: self.now.wall_ms - talk_ms,
            answered_ms: Some(self.now.wall_ms - talk_ms),
            talk_ms,
            ..self.missed(number, "sales")
        }
    }

    pub fn line(&mut self, number: &str, inbound: bool, what: Line) {
        let (number_e164, call) = (e164(number), CallKey::new(&pbx(), &format!("live.{number}")));
        let change = LineChange { number_e164, call, inbound, what };
        self.give(Input::Line(&change));
    }

    pub fn step(&mut self, channel_id: &str, step: Step) {
        if matches!(step, Step::Seen) {
            self.presence.live.insert(channel_id.into());
        }
        if matches!(step, Step::Ended(_)) {
            self.presence.live.remove(channel_id);
        }
        let progress = Progress { pbx: pbx(), channel_id: channel_id.into(), at_ms: self.now.wall_ms, step };
        self.give(Input::Progress(&progress));
    }

    /// The attempt ends thus.
    pub fn ends(&mut self, channel_id: &str, facts: Facts) {
        let facts = Facts { ended_ms: self.now.wall_ms, ..facts };
        self.step(channel_id, Step::Ended(Box::new(facts)));
    }

    /// The attempt goes all the way to a conversation that lasts so long.
    pub fn connects(&mut self, channel_id: &str, talk_ms: i64) {
        self.step(channel_id, Step::Seen);
        self.step(channel_id, Step::AgentAnswered);
        self.step(channel_id, Step::CustomerDialled);
        self.step(channel_id, Step::Connected);
        let from = self.now.wall_ms;
        self.pass(talk_ms);
        self.ends(channel_id, talk(from, talk_ms));
    }

    /// The agents who have been rung, in order, with the attempts.
    pub fn rung(&self) -> Vec<(String, String)> {
        self.originates().map(|o| (o.channel.clone(), o.channel_id.clone())).collect()
    }

    pub fn originates(&self) -> impl Iterator<Item = &Originate> {
        self.deeds.iter().filter_map(|d| if let PbxAction::Originate(o) = d { Some(&**o) } else { None })
    }

    pub fn hung_up(&self) -> Vec<String> {
        let of = |d: &PbxAction| if let PbxAction::Hangup { channel_id } = d { Some(channel_id.clone()) } else { None };
        self.deeds.iter().filter_map(of).collect()
    }

    pub fn row(&self, id: i64) -> &CallbackRow {
        &self.rows[&id]
    }

    pub fn row_or<'a>(&'a self, id: i64, restored: &'a CallbackRow) -> &'a CallbackRow {
        self.rows.get(&id).unwrap_or(restored)
    }
    /// State and reason.
    pub fn stands(&self, id: i64) -> String {
        let row = self.row(id);
        format!("{} {}", row.state, row.reason).trim_end().to_owned()
    }

    pub fn results(&self) -> Vec<(String, AttemptResult)> {
        self.attempts.values().filter_map(|a| Some((a.channel_id.clone(), a.result?))).collect()
    }

    pub fn asks(&mut self, command: Command) -> Result<Done, CommandError> {
        self.asks_of(command, None)
    }

    pub fn asks_of(&mut self, command: Command, closed: Option<CallbackRow>) -> Result<Done, CommandError> {
        let presences = Presences::from([(pbx(), &self.presence as &dyn Presence)]);
        let answer = self.scheduler.command(&command, "ann", closed, self.now, &presences);
        self.settle();
        answer
    }

    pub fn busy(&mut self, agent: &str, busy: Option<Busy>) {
        let agent = self.presence.agents.iter_mut().find(|a| a.agent == agent).unwrap();
        (agent.busy, agent.since_ms) = (busy, self.now.wall_ms);
        self.give(Input::PresenceChanged);
    }
}

/// Nobody picked up.
pub fn nobody() -> Facts {
    Facts {
        linkedid: "cb".into(),
        agent: LegResult::NoAnswer,
        first_phone: FirstPhone::Rang,
        killed: false,
        agent_answered_ms: None,
        taken_by: None,
        customer: None,
        customer_cause: None,
        customer_answered_ms: None,
        talk_ms: 0,
        agent_hangup_by: HangupBy::Pbx,
        unseen: false,
        ended_ms: 0,
    }
}

/// The agent picked up, and the customer's leg ended so.
pub fn customer(result: LegResult, cause: u16) -> Facts {
    Facts {
        agent: LegResult::Answered,
        agent_answered_ms: Some(MONDAY_10),
        customer: Some(result),
        customer_cause: Some(cause),
        ..nobody()
    }
}

/// They talked.
pub fn talk(from: i64, talk_ms: i64) -> Facts {
    Facts { customer_answered_ms: Some(from), talk_ms, ..customer(LegResult::Answered, 16) }
}
