//! Callbacks of several PBXs: each by the policy of its own PBX, and the caps once for all.

use crate::scheduler::{ANN, BOB, HOUR, Hall, MINUTE, MONDAY_10, Scene, agent, overall, policy, prefix, queue_policy};
use callbackd_core::callbacks::commands::{Command, CommandError, Done};
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::{Overall, Policies, Policy, QueuePolicy};
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Input, Output, Scheduler};
use callbackd_core::model::number::{InternalRule, Numbering};
use callbackd_core::model::presence::Presence;
use callbackd_core::model::{FinishedCall, Moment, Record};
use std::collections::BTreeMap;

/// A desk between the PBXs `a` and `b`, with one agent on each, who have the same name.
struct Two {
    scheduler: Scheduler,
    halls: [Hall; 2],
    now: Moment,
    /// What was dialled, and on which PBX.
    dialled: Vec<(String, String)>,
    stands: BTreeMap<i64, (String, String)>,
}

impl Two {
    fn new(overall: Overall, a: Policy, b: Policy) -> Self {
        let others = policy();
        let pbx = BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        let now = Moment { wall_ms: MONDAY_10, mono_ms: 1_000_000 };
        let hall = || Hall { agents: vec![agent("101", &["sales"])], ..Hall::default() };
        let scheduler = Scheduler::new(Policies { overall, pbx, others }, prefix(), RestoredState::default(), now);
        Self { scheduler, halls: [hall(), hall()], now, dialled: Vec::new(), stands: BTreeMap::new() }
    }

    fn presences(halls: &[Hall; 2]) -> BTreeMap<&str, &dyn Presence> {
        BTreeMap::from([("a", &halls[0] as &dyn Presence), ("b", &halls[1] as &dyn Presence)])
    }

    fn settle(&mut self) {
        loop {
            self.scheduler.decide(self.now, &Self::presences(&self.halls));
            let mut intents = Vec::new();
            while let Some(output) = self.scheduler.poll() {
                match output {
                    Output::Record(Record::Callback(change)) => {
                        let stands = format!("{} {}", change.row.state, change.row.reason);
                        self.stands.insert(change.row.id, (change.row.pbx, stands.trim_end().to_owned()));
                    }
                    Output::Record(Record::Attempt(row)) if row.result.is_none() => intents.push(row.channel_id),
                    Output::Act { pbx, pbx_action: PbxAction::Originate(originate) } => {
                        self.dialled.push((pbx, originate.channel))
                    }
                    _ => {}
                }
            }
            if intents.is_empty() {
                return;
            }
            for channel_id in intents {
                self.scheduler.handle(Input::Committed(&channel_id), self.now);
            }
        }
    }

    fn misses(&mut self, pbx: &str, number: &str) {
        let call = Scene::new(policy(), Vec::new()).missed(number, "sales");
        let call = FinishedCall { pbx: pbx.into(), ..call };
        self.scheduler.handle(Input::Told(&call), self.now);
        self.settle();
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
        self.scheduler.command(command, "Eve", None, self.now, &Self::presences(&self.halls))
    }
}

fn dialled_as(template: &str) -> Policy {
    Policy { dial_agent: template.to_owned(), ..policy() }
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
    two.halls[0].agents.clear();
    two.misses("a", ANN);
    assert_eq!(two.stands(1), ("a", "WAITING NO_AGENT"));
    let mut policies = two.scheduler.policies().clone();
    policies.pbx.insert("a".to_owned(), Policy { enabled: false, ..policy() });
    two.scheduler.handle(Input::Policies(&policies), two.now);
    two.halls[0].agents.push(agent("101", &["sales"]));
    two.settle();
    two.misses("b", BOB);
    assert_eq!(two.dialled.len(), 1, "on b alone: {:?}", two.dialled);
    policies.pbx.insert("a".to_owned(), policy());
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
    let add = |pbx: &str| Command::Add {
        number: "030 23125000".to_owned(),
        pbx: Some(pbx.to_owned()),
        queue: None,
        delay_ms: HOUR,
        priority: 0,
        note: String::new(),
    };
    assert!(two.asks(&add("a")).is_err(), "no number of the US");
    let Ok(Done::Callback(row)) = two.asks(&add("b")) else { panic!("a number of Germany") };
    assert_eq!(row.number_e164.as_deref(), Some("+493023125000"));
    let forbid = |number: &str| Command::DncAdd { number: number.to_owned(), reason: "asked".to_owned(), for_ms: None };
    let Ok(Done::Forbidden(entry)) = two.asks(&forbid("030 23125000")) else { panic!("one PBX can read it") };
    assert_eq!(entry.number_e164, "+493023125000");
}
