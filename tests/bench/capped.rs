//! What one look at a callback that a cap holds back costs, beside few and many dials of the last day: without a wire.

use callbackd::config::Config;
use callbackd_core::callbacks::pbx_action::PbxAction;
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::callbacks::restore::RestoredState;
use callbackd_core::callbacks::{Input, Output, Presences, Scheduler};
use callbackd_core::model::presence::{AgentView, Presence};
use callbackd_core::model::{AttemptPrefix, CallbackRow, CallbackState, E164, Moment, PbxId, Record};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Dials of the last day.
const FEW_DIALS: usize = 1_000;
const MANY_DIALS: usize = 90_000;
/// As many as are all looked at whenever anything changes.
const CALLBACKS: usize = 200;
/// 2026-11-23 17:00 UTC, noon in Washington: nobody's night holds anybody back.
const NOON_MS: i64 = 1_795_453_200_000;

/// Prints both, over so many rounds each.
pub fn compare(rounds: u32) {
    let (few, many) = (look(FEW_DIALS, rounds), look(MANY_DIALS, rounds));
    let us = |d: Duration| format!("{:.2} us", d.as_secs_f64() * 1e6);
    println!("\none look at a callback that a cap holds back, by dials of the last day\n");
    println!("{FEW_DIALS:>8} dials {:>12}\n{MANY_DIALS:>8} dials {:>12}", us(few), us(many));
    println!("   ratio       {:>12.2}", many.as_secs_f64() / few.as_secs_f64());
}

/// What one look costs: callbacks to numbers that were dialled as often as is allowed, with an agent who is free, looked at in each round.
fn look(dials: usize, rounds: u32) -> Duration {
    let now = |n: u64| Moment { wall_ms: NOON_MS + i64::try_from(n).expect("small"), mono_ms: n };
    let pbx = PbxId::new("pbx");
    let restored = RestoredState {
        open: (0..CALLBACKS).map(|n| (row(n, &pbx), Vec::new())).collect(),
        dialled: (0..dials).map(|n| (NOON_MS - 1_000, number(n))).collect(),
        last_id: 1_000,
        ..RestoredState::default()
    };
    let prefix = AttemptPrefix::of("0a1b2c3d").expect("eight characters");
    let mut scheduler = Scheduler::new(policies(), prefix, restored, now(0));
    let desk = Desk;
    let presences = Presences::from([(pbx.clone(), &desk as &dyn Presence)]);
    let mut round = |n: u64| {
        scheduler.handle(Input::PresenceChanged, now(n));
        scheduler.decide(now(n), &presences);
        std::iter::from_fn(|| scheduler.poll()).collect::<Vec<_>>()
    };
    let capped = |output: &Output| match output {
        Output::Record(Record::Callback(change)) => change.row.reason == "DAILY_CAP",
        Output::Act { pbx_action: PbxAction::Originate(_), .. } => panic!("called beyond the cap"),
        _ => false, // its own sign
    };
    assert_eq!(round(1).iter().filter(|output| capped(output)).count(), CALLBACKS, "each says once what holds it back");
    let began = Instant::now();
    for n in 0..rounds {
        assert_eq!(round(u64::from(n) + 2), [], "nobody is called");
    }
    began.elapsed() / rounds / u32::try_from(CALLBACKS).expect("small")
}

fn number(n: usize) -> E164 {
    E164::new(&format!("+1202{:07}", 2_000_000 + n)).expect("a number")
}

fn row(n: usize, pbx: &PbxId) -> CallbackRow {
    CallbackRow {
        id: i64::try_from(n).expect("small") + 1,
        pbx: pbx.clone(),
        number_e164: Some(number(n)),
        name: None,
        state: CallbackState::Pending,
        reason: String::new(),
        queue: None,
        did: None,
        owner: None,
        assigned: None,
        requested: false,
        priority: 0,
        missed_count: 1,
        first_missed_ms: NOON_MS,
        last_missed_ms: NOON_MS,
        due_ms: NOON_MS,
        expires_ms: NOON_MS + 86_400_000,
        attempts: 0,
        counted: 0,
        first_miss: None,
        resolved_by: None,
        closed_ms: None,
        language: None,
        requested_for_ms: None,
        alarmed_ms: None,
        code: None,
    }
}

/// Each number may be called once in a day, and nothing else is in the way: no sign of another daemon is waited for, no hour is closed.
fn policies() -> Policies {
    let text = "[pbx]\nname = \"pbx\"\naddress = \"127.0.0.1:5038\"\nsecret_file = \"secret\"\n[store]\npath = \"calls.db\"\n[callback]\nenabled = true\nquiet = \"off\"\n\
                alongside = true\npublish = false\ndaily = 1000000\ndaily_per_prefix = 100000\ndaily_per_number = 1\n\
                dial_agent = \"{interface}\"\ndial_customer = \"PJSIP/{number}@trunk\"\n";
    Config::from_toml(text, "the bench").unwrap_or_else(|refusal| panic!("{}", refusal.render(false))).policies()
}

/// A PBX with one agent, who is free.
struct Desk;

impl Presence for Desk {
    fn agents(&self) -> Vec<AgentView<'_>> {
        vec![AgentView {
            agent: "PJSIP/101".into(),
            name: None,
            queues: Vec::new(),
            busy: None,
            rings: false,
            since_ms: 0,
            last_talk_ms: None,
            calls: 0,
        }]
    }
    fn agent(&self, agent: &str) -> Option<AgentView<'_>> {
        self.agents().into_iter().find(|a| a.agent == agent)
    }
    fn queues(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
    fn waiting(&self) -> BTreeMap<String, u32> {
        BTreeMap::new()
    }
    fn attempt_lives(&self, _: &str) -> bool {
        false
    }
    fn in_sync(&self) -> bool {
        true
    }
}
