//! Callbacks of several PBXs: each by the policy of its own PBX, and the caps once for all.

use crate::scheduler::{
    ANN, BOB, HOUR, MINUTE, MONDAY_10, PretendPresence, Scene, agent, overall, policy, prefix, queue_policy,
};
use callbackd_core::callbacks::commands::{CallbackRequest, Command, CommandError, Done};
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::{Overall, Policies, Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Input, Output, Presences, Scheduler};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::number::{InternalRule, Numbering};
use callbackd_core::model::presence::{AgentView, Busy, Presence};
use callbackd_core::model::progress::{Progress, Step};
use callbackd_core::model::{
    AttemptResult, CallKey, CallbackRow, CallbackState, FinishedCall, Moment, Outcome, PbxId, Record, Status,
};
use std::collections::BTreeMap;

/// A scheduler between the PBXs `a` and `b`, with one agent on each, who have the same name.
struct Two {
    scheduler: Scheduler,
    presences: [PretendPresence; 2],
    now: Moment,
    /// What was dialled, and on which PBX.
    dialled: Vec<(String, String)>,
    stands: BTreeMap<i64, (String, String)>,
    rows: BTreeMap<i64, CallbackRow>,
    misses: Vec<(i64, CallKey)>,
    notes: Vec<String>,
    attempts: BTreeMap<String, Option<AttemptResult>>,
    /// Intents are committed as soon as they are there.
    commits: bool,
    intents: Vec<String>,
    calls: u32,
}

fn call(pbx: &str, linkedid: &str) -> CallKey {
    CallKey::new(&PbxId::new(pbx), linkedid)
}

impl Two {
    fn new(overall: Overall, a: Policy, b: Policy) -> Self {
        let others = policy();
        let pbx = BTreeMap::from([(PbxId::new("a"), a), (PbxId::new("b"), b)]);
        let now = Moment { wall_ms: MONDAY_10, mono_ms: 1_000_000 };
        let presence = || PretendPresence { agents: vec![agent("101", &["sales"])], ..PretendPresence::default() };
        let scheduler = Scheduler::new(
            Policies { overall, pbx, others, codes: Codes::default() },
            prefix(),
            RestoredState::default(),
            now,
        );
        Self {
            scheduler,
            presences: [presence(), presence()],
            now,
            dialled: Vec::new(),
            stands: BTreeMap::new(),
            rows: BTreeMap::new(),
            misses: Vec::new(),
            notes: Vec::new(),
            attempts: BTreeMap::new(),
            commits: true,
            intents: Vec::new(),
            calls: 0,
        }
    }

    fn presences(presences: &[PretendPresence; 2]) -> Presences<'_> {
        Presences::from([(PbxId::new("a"), &presences[0] as &dyn Presence), (PbxId::new("b"), &presences[1])])
    }

    fn settle(&mut self) {
        loop {
            self.scheduler.decide(self.now, &Self::presences(&self.presences));
            let mut asked = Vec::new();
            while let Some(output) = self.scheduler.poll() {
                match output {
                    Output::Record(Record::Callback(change)) => {
                        let stands = format!("{} {}", change.row.state, change.row.reason);
                        self.stands.insert(change.row.id, (change.row.pbx.to_string(), stands.trim_end().to_owned()));
                        self.misses.extend(change.miss.clone().map(|miss| (change.row.id, miss)));
                        self.notes.extend(change.change.clone().map(|step| step.note));
                        self.rows.insert(change.row.id, change.row.clone());
                    }
                    Output::Record(Record::Attempt(row)) => {
                        if row.result.is_none() && !self.attempts.contains_key(&row.channel_id) {
                            self.intents.push(row.channel_id.clone());
                        }
                        self.attempts.insert(row.channel_id.clone(), row.result);
                    }
                    Output::Act { pbx, pbx_action: PbxAction::Originate(originate) } => {
                        self.dialled.push((pbx.to_string(), originate.channel))
                    }
                    Output::Act { pbx, pbx_action: PbxAction::AskSign } => asked.push(pbx),
                    _ => {}
                }
            }
            for pbx in &asked {
                self.scheduler.handle(Input::SignRead { pbx, value: None }, self.now);
            }
            if asked.is_empty() && (self.intents.is_empty() || !self.commits) {
                return;
            }
            for channel_id in std::mem::take(&mut self.intents) {
                self.scheduler.handle(Input::Committed(&channel_id), self.now);
            }
        }
    }

    /// A call of a customer who gave up in `sales` just now.
    fn missed(&mut self, pbx: &str, number: &str) -> FinishedCall {
        self.calls += 1;
        let call = Scene::new(policy(), Vec::new()).missed(number, "sales");
        let (linkedid, ended_ms) = (format!("miss.{}", self.calls), self.now.wall_ms);
        FinishedCall { pbx: PbxId::new(pbx), linkedid, ended_ms, ..call }
    }

    /// A call of a customer who talked with PJSIP/101 for a minute, until now.
    fn talked(&mut self, pbx: &str, number: &str) -> FinishedCall {
        FinishedCall {
            status: Status::Answer,
            outcome: Outcome::Agent,
            agent: Some("PJSIP/101".to_owned()),
            started_ms: self.now.wall_ms - MINUTE,
            answered_ms: Some(self.now.wall_ms - MINUTE),
            talk_ms: MINUTE,
            ..self.missed(pbx, number)
        }
    }

    /// A row goes to the store.
    fn ends(&mut self, call: &FinishedCall) {
        self.scheduler.handle(Input::Recorded(call), self.now);
        self.settle();
    }

    fn misses(&mut self, pbx: &str, number: &str) -> FinishedCall {
        let call = self.missed(pbx, number);
        self.ends(&call);
        call
    }

    fn misses_of(&self, id: i64) -> Vec<CallKey> {
        self.misses.iter().filter(|(of, _)| *of == id).map(|(_, miss)| miss.clone()).collect()
    }

    fn results(&self) -> Vec<(String, Option<AttemptResult>)> {
        self.attempts.clone().into_iter().collect()
    }

    fn stands(&self, id: i64) -> (&str, &str) {
        let (pbx, stands) = &self.stands[&id];
        (pbx, stands)
    }

    fn pass(&mut self, ms: i64) {
        self.now = Moment { wall_ms: self.now.wall_ms + ms, mono_ms: self.now.mono_ms + ms.unsigned_abs() };
        self.settle();
    }

    fn asks(&mut self, command: &Command) -> Result<Done, CommandError> {
        self.scheduler.command(command, "Eve", None, self.now, &Self::presences(&self.presences))
    }
}

fn dialled_as(template: &str) -> Policy {
    Policy { dial_agent: Some(template.to_owned()), ..policy() }
}

#[test]
fn each_callback_goes_by_the_policy_of_its_own_pbx() {
    let later = QueuePolicy { delay_ms: 10 * MINUTE, ..queue_policy() };
    let b = Policy { default: later, ..dialled_as("Local/{extension}@b") };
    let mut two = Two::new(overall(), dialled_as("Local/{extension}@a"), b);
    two.misses("a", ANN);
    two.misses("b", BOB);
    assert_eq!(two.dialled, [("a".to_owned(), "Local/101@a".to_owned())]);
    assert_eq!(two.stands(2), ("b", "WAITING DELAY"));
    two.pass(10 * MINUTE);
    assert_eq!(two.dialled[1], ("b".to_owned(), "Local/101@b".to_owned()));
}

#[test]
fn a_pbx_whose_callbacks_are_off_makes_none_and_the_other_goes_on() {
    let mut two = Two::new(overall(), Policy { enabled: false, ..policy() }, policy());
    two.misses("a", ANN);
    two.misses("b", BOB);
    assert_eq!((two.scheduler.counters().queued, two.stands(1).0), (1, "b"));
    assert!(two.scheduler.policies().any_enabled());
    let neither = Two::new(overall(), Policy { enabled: false, ..policy() }, Policy { enabled: false, ..policy() });
    assert!(!neither.scheduler.policies().any_enabled());
}

#[test]
fn callbacks_that_are_switched_off_for_one_pbx_wait_there_until_they_are_on_again() {
    let mut two = Two::new(overall(), policy(), policy());
    two.presences[0].agents.clear();
    two.misses("a", ANN);
    assert_eq!(two.stands(1), ("a", "WAITING NO_AGENT"));
    let mut policies = two.scheduler.policies().clone();
    policies.pbx.insert(PbxId::new("a"), Policy { enabled: false, ..policy() });
    two.scheduler.handle(Input::Policies(&policies), two.now);
    two.presences[0].agents.push(agent("101", &["sales"]));
    two.settle();
    two.misses("b", BOB);
    assert_eq!(two.dialled.len(), 1, "on b alone: {:?}", two.dialled);
    policies.pbx.insert(PbxId::new("a"), policy());
    two.scheduler.handle(Input::Policies(&policies), two.now);
    two.settle();
    assert_eq!(two.dialled[1].0, "a");
}

#[test]
fn attempts_at_once_and_calls_of_a_day_are_counted_over_all_pbxs() {
    let mut two = Two::new(Overall { max_active: 1, ..overall() }, policy(), policy());
    two.misses("a", ANN);
    two.misses("b", BOB);
    assert_eq!((two.dialled.len(), two.stands(2)), (1, ("b", "PENDING")));

    let mut two = Two::new(Overall { daily: 1, ..overall() }, policy(), policy());
    two.misses("a", ANN);
    two.misses("b", BOB);
    assert_eq!((two.dialled.len(), two.stands(2)), (1, ("b", "WAITING DAILY_CAP")));
}

#[test]
fn a_national_number_is_read_as_its_pbx_reads_it() {
    let german = Policy { numbering: Numbering::new("DE", InternalRule::MaxDigits(5)).unwrap(), ..policy() };
    let mut two = Two::new(overall(), policy(), german);
    let add = |pbx: &str| {
        Command::Add(CallbackRequest {
            number: "030 23125000".to_owned(),
            pbx: Some(pbx.to_owned()),
            delay_ms: HOUR,
            ..CallbackRequest::default()
        })
    };
    assert!(two.asks(&add("a")).is_err(), "no number of the US");
    let Ok(Done::Callback(row)) = two.asks(&add("b")) else { panic!("a number of Germany") };
    assert_eq!(row.number_e164.as_deref(), Some("+493023125000"));
    let forbid = |number: &str| Command::DncAdd { number: number.to_owned(), reason: "asked".to_owned(), for_ms: None };
    let Ok(Done::DncAdded(entry)) = two.asks(&forbid("030 23125000")) else { panic!("one PBX can read it") };
    assert_eq!(entry.number_e164, "+493023125000");
}

#[test]
fn a_customer_missed_on_both_has_one_callback_on_the_pbx_of_the_latest_miss() {
    let mut two = Two::new(overall(), dialled_as("Local/{extension}@a"), dialled_as("Local/{extension}@b"));
    two.presences[0].agents.clear();
    two.misses("a", ANN);
    assert_eq!(two.stands(1), ("a", "WAITING NO_AGENT"));
    let later = two.misses("b", ANN);
    assert_eq!(two.misses_of(1), [call("a", "miss.1"), later.key()]);
    assert_eq!((two.stands.len(), two.stands(1).0), (1, "b"));
    assert_eq!(two.dialled, [("b".to_owned(), "Local/101@b".to_owned())], "by the agents and the policy of b");
}

#[test]
fn a_miss_that_is_recorded_late_does_not_take_the_callback_to_its_pbx() {
    let mut two = Two::new(overall(), policy(), policy());
    two.presences.iter_mut().for_each(|presence| presence.agents.clear());
    two.misses("a", ANN);
    let before = FinishedCall { ended_ms: MONDAY_10 - MINUTE, ..two.missed("b", ANN) };
    two.ends(&before);
    assert_eq!((two.stands.len(), two.stands(1).0), (1, "a"));
    assert_eq!(two.misses_of(1), [call("a", "miss.1"), before.key()], "it is behind the callback all the same");
}

#[test]
fn two_pbxs_share_one_linkedid_and_both_misses_count() {
    let mut two = Two::new(overall(), policy(), policy());
    two.presences.iter_mut().for_each(|presence| presence.agents.clear());
    two.misses("a", ANN);
    let twin = FinishedCall { linkedid: "miss.1".to_owned(), ..two.missed("b", ANN) };
    two.ends(&twin);
    two.ends(&twin); // corrected: the same call
    assert_eq!(two.misses_of(1), [call("a", "miss.1"), call("b", "miss.1")]);
    let answered = FinishedCall { linkedid: "miss.1".to_owned(), ..two.talked("b", BOB) };
    two.ends(&answered);
    assert_eq!(two.rows[&1].state, CallbackState::Waiting, "only b's call was none; a's miss is still one");
}

#[test]
fn a_customer_missed_on_one_and_served_on_the_other_is_served() {
    let mut two = Two::new(overall(), policy(), policy());
    two.presences[0].agents.clear();
    two.misses("a", ANN);
    two.pass(MINUTE);
    let served = two.talked("b", ANN);
    two.ends(&served);
    let row = &two.rows[&1];
    assert_eq!((row.state, &row.resolved_by), (CallbackState::RecoveredByCustomer, &Some(served.key())));
    assert_eq!((&*row.pbx, &row.first_miss), ("a", &Some(call("a", "miss.1"))));
}

#[test]
fn the_owner_on_one_pbx_is_nobody_on_the_other_though_an_agent_there_has_the_same_interface() {
    let alone = QueuePolicy { owner_window_ms: HOUR, ..queue_policy() };
    let owned = || Policy { default: alone.clone(), ..policy() };
    for (learnt, missed, owner) in [("a", "a", Some("PJSIP/102")), ("a", "b", None), ("b", "b", Some("PJSIP/102"))] {
        let mut two = Two::new(overall(), owned(), owned());
        two.presences.iter_mut().for_each(|presence| presence.agents.push(agent("102", &["sales"])));
        let talked = FinishedCall { agent: Some("PJSIP/102".to_owned()), ..two.talked(learnt, ANN) };
        two.ends(&talked);
        two.misses(missed, ANN);
        assert_eq!(two.rows[&1].owner.as_deref(), owner, "{learnt}, {missed}");
        let rings = owner.unwrap_or("PJSIP/101");
        assert_eq!(two.dialled, [(missed.to_owned(), rings.to_owned())], "{learnt}, {missed}");
    }
}

#[test]
fn a_callback_that_goes_to_another_pbx_leaves_its_agent_and_its_queue_behind() {
    let mut two =
        Two::new(overall(), policy(), Policy { default: QueuePolicy { priority: 7, ..queue_policy() }, ..policy() });
    two.presences.iter_mut().for_each(|presence| presence.agents.clear());
    two.misses("a", ANN);
    two.presences[0].agents.push(AgentView { busy: Some(Busy::OnCall), ..agent("101", &["sales"]) });
    two.asks(&Command::Assign { id: 1, agent: Some("PJSIP/101".to_owned()), note: String::new() }).unwrap();
    two.presences[1].agents.push(agent("101", &["support"]));
    let later = FinishedCall { queue: Some("support".to_owned()), ..two.missed("b", ANN) };
    two.ends(&later);
    let row = &two.rows[&1];
    assert_eq!((row.queue.as_deref(), row.assigned.as_deref(), row.priority), (Some("support"), None, 8));
    assert_eq!(two.dialled, [("b".to_owned(), "PJSIP/101".to_owned())]);
    let said = "missed again (QUEUE_ABANDON), 2 times now; from a to b, no longer assigned to PJSIP/101 of a";
    assert!(two.notes.iter().any(|note| note == said), "{:?}", two.notes);
}

#[test]
fn an_intent_of_one_pbx_is_taken_back_where_the_customer_is_missed_on_the_other_before_it_is_dialled() {
    let mut two = Two::new(overall(), dialled_as("Local/{extension}@a"), dialled_as("Local/{extension}@b"));
    two.commits = false;
    two.misses("a", ANN);
    two.misses("b", ANN);
    two.commits = true;
    two.settle();
    assert_eq!(two.dialled, [("b".to_owned(), "Local/101@b".to_owned())]);
    assert_eq!(
        two.results(),
        [("cb-0a1b2c3d-1-1".to_owned(), Some(AttemptResult::AbortedServed)), ("cb-0a1b2c3d-1-2".to_owned(), None)]
    );
    let row = &two.rows[&1];
    assert_eq!((row.attempts, row.counted), (2, 0), "it does not count against the customer");
}

#[test]
fn the_channel_of_another_pbx_that_is_named_like_an_attempt_is_none_of_it() {
    let mut two = Two::new(overall(), policy(), policy());
    two.misses("a", ANN);
    let ended = |pbx: &str, two: &mut Two| {
        let progress = Progress {
            pbx: PbxId::new(pbx),
            channel_id: "cb-0a1b2c3d-1-1".to_owned(),
            at_ms: two.now.wall_ms,
            step: Step::Connected,
        };
        two.scheduler.handle(Input::Progress(&progress), two.now);
        two.settle();
    };
    ended("b", &mut two);
    assert_eq!(two.rows[&1].state, CallbackState::DialingAgent);
    ended("a", &mut two);
    assert_eq!(two.rows[&1].state, CallbackState::Talking);
}

#[test]
fn a_restart_goes_on_with_the_misses_of_both_pbxs_and_knows_them_again() {
    let mut two = Two::new(overall(), policy(), policy());
    two.presences.iter_mut().for_each(|presence| presence.agents.clear());
    two.misses("a", ANN);
    let later = two.misses("b", ANN);
    let open = vec![(two.rows[&1].clone(), two.misses_of(1))];
    let policies = two.scheduler.policies().clone();
    two.scheduler =
        Scheduler::new(policies, prefix(), RestoredState { open, last_id: 1, ..RestoredState::default() }, two.now);
    two.ends(&later);
    assert_eq!((two.stands.len(), two.rows[&1].missed_count), (1, 2), "b's miss is known");
}

#[test]
fn a_number_added_by_hand_for_another_pbx_takes_its_open_callback_there_unless_somebody_calls_it_now() {
    let add = Command::Add(CallbackRequest {
        number: ANN.to_owned(),
        pbx: Some("b".to_owned()),
        queue: Some("support".to_owned()),
        ..CallbackRequest::default()
    });
    let mut two = Two::new(overall(), policy(), policy());
    two.presences[0].agents.clear();
    two.presences[1].agents = vec![agent("101", &["support"])];
    two.misses("a", ANN);
    two.asks(&add).unwrap();
    two.settle();
    let row = &two.rows[&1];
    assert_eq!((&*row.pbx, row.queue.as_deref()), ("b", Some("support")));
    assert_eq!(two.dialled, [("b".to_owned(), "PJSIP/101".to_owned())], "by the agents of b");
    assert!(two.notes.iter().any(|note| note == "added again by hand; from a to b"), "{:?}", two.notes);

    let mut two = Two::new(overall(), policy(), policy());
    two.presences[1].agents = vec![agent("101", &["support"])];
    two.misses("a", ANN);
    assert_eq!(two.stands(1), ("a", "DIALING_AGENT"));
    let busy = two.asks(&add).unwrap_err();
    assert_eq!(busy, CommandError::Active { id: 1, state: CallbackState::DialingAgent });
    assert_eq!((&*two.rows[&1].pbx, two.rows[&1].queue.as_deref()), ("a", Some("sales")));
}
