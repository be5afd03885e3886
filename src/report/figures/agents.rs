//! Agents, side by side: their calls, their time, their callbacks; and what handling a call takes.

use super::spans::Span;
use super::time::covered;
use super::totals::{mean, ratio};
use crate::report::Facts;
use crate::report::facts::{Activity, Name};
use callbackd_core::millis::Millis;
use callbackd_core::model::Direction;
use callbackd_core::order::InOrder as _;
use serde::Serialize;
use std::collections::BTreeMap;

/// One agent. Times are those of the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Agent {
    /// Name of the PBX.
    pub pbx: String,
    /// The person, as interface.
    pub agent: String,
    /// As the queues name them; empty if they do not.
    pub name: String,
    /// Legs of customers' calls that they took.
    pub answered: u64,
    /// Legs that rang out or were rejected.
    pub missed_rings: u64,
    /// The agent's own calls, and callbacks.
    pub outbound: u64,
    /// Of those, callbacks.
    pub callbacks: u64,
    /// With customers, ms.
    pub talk_ms: Millis,
    /// Of `answered`.
    pub mean_talk_ms: Option<Millis>,
    /// Of calls that they took first, ms.
    pub hold_ms: Millis,
    /// Mean time from the first ring to the answer.
    pub(crate) mean_reaction_ms: Option<Millis>,
    /// Logged in, ms.
    pub logged_in_ms: Millis,
    /// Paused, ms.
    pub paused_ms: Millis,
    /// On a call, ms.
    pub talking_ms: Millis,
    /// After-call work, ms.
    pub acw_ms: Millis,
    /// On a call or in after-call work, ms.
    pub handling_ms: Millis,
    /// Logged in, not paused, not handling, ms.
    pub idle_ms: Millis,
    /// Handling of handling and idle.
    pub occupancy: Option<f64>,
    /// Attempts of callbacks, by result.
    pub(crate) attempts: BTreeMap<String, u64>,
    /// Codes on the calls that they took first.
    pub(crate) codes: BTreeMap<String, u64>,
}

/// What a customer's call takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Handling {
    /// Answered calls.
    pub(crate) answered: u64,
    /// Sum of their talk, ms.
    pub(crate) talk_ms: Millis,
    /// Sum of their hold, ms.
    pub(crate) hold_ms: Millis,
    /// Sum of the agents' after-call work, ms.
    pub acw_ms: Millis,
    /// Mean of talk, hold and after-call work.
    pub mean_ms: Option<Millis>,
}

/// What is added up of an agent before it is worked out.
#[derive(Default)]
struct Sum {
    agent: Agent,
    reaction_ms: Millis,
    answered_talk_ms: Millis,
    spans: Vec<(Activity, Span)>,
}

pub(super) fn agents(facts: &Facts) -> (Vec<Agent>, Handling) {
    let mut sums: BTreeMap<(Name, Name), Sum> = BTreeMap::new();
    for leg in &facts.legs {
        let Some(call) = facts.calls.get(leg.call).filter(|call| call.inbound()) else { continue };
        let sum = sums.entry((call.pbx, leg.agent)).or_default();
        match facts.names.text(leg.result) {
            "ANSWERED" => {
                sum.agent.answered += 1;
                sum.answered_talk_ms += leg.talk_ms;
                sum.reaction_ms += leg.answered_ms.map_or(0, |at| at - leg.started_ms);
            }
            "NOANSWER" | "REJECTED" => sum.agent.missed_rings += 1,
            _ => {}
        }
    }
    for call in &facts.calls {
        let Some(agent) = call.agent else { continue };
        let outbound = matches!(call.direction, Direction::Outbound | Direction::Callback);
        if outbound {
            let agent = &mut sums.entry((call.pbx, agent)).or_default().agent;
            agent.outbound += 1;
            agent.callbacks += u64::from(call.direction == Direction::Callback);
            agent.talk_ms += call.talk_ms;
        }
        if outbound || call.inbound() {
            sums.entry((call.pbx, agent)).or_default().agent.hold_ms += call.hold_ms;
        }
    }
    for interval in &facts.intervals {
        let sum = sums.entry((interval.pbx, interval.agent)).or_default();
        sum.spans.push((interval.activity, (interval.from_ms, interval.to_ms)));
    }
    for (pbx, agent, result) in &facts.attempts {
        if let Some(agent) = agent {
            let attempts = &mut sums.entry((*pbx, *agent)).or_default().agent.attempts;
            *attempts.entry(facts.names.text(*result).to_owned()).or_default() += 1;
        }
    }
    for (call, code) in &facts.tags {
        let Some((pbx, agent)) = facts.calls.get(*call).and_then(|call| Some((call.pbx, call.agent?))) else {
            continue;
        };
        let codes = &mut sums.entry((pbx, agent)).or_default().agent.codes;
        *codes.entry(facts.names.text(*code).to_owned()).or_default() += 1;
    }
    let window = (facts.window.0, facts.end_ms());
    let mut handling = Handling::default();
    for call in facts.calls.iter().filter(|call| call.answered()) {
        handling.answered += 1;
        handling.talk_ms += call.talk_ms;
        handling.hold_ms += call.hold_ms;
    }
    let mut agents: Vec<Agent> = sums.into_iter().map(|(key, sum)| figures_of(facts, key, sum, window)).collect();
    agents.order_by(|one, other| (&one.pbx, &one.agent).cmp(&(&other.pbx, &other.agent)));
    handling.acw_ms = agents.iter().map(|agent| agent.acw_ms).sum();
    handling.mean_ms = mean(handling.talk_ms + handling.hold_ms + handling.acw_ms, handling.answered);
    (agents, handling)
}

fn figures_of(facts: &Facts, (pbx, agent): (Name, Name), sum: Sum, window: Span) -> Agent {
    let Sum { agent: mut out, reaction_ms, answered_talk_ms, spans } = sum;
    let time = |wanted: fn(Activity) -> bool| {
        covered(spans.iter().filter(|(activity, _)| wanted(*activity)).map(|(_, span)| *span).collect(), window)
    };
    let is_acw = |activity| matches!(activity, Activity::AfterCallWork { .. });
    let name = facts.agents.get(&(pbx, agent)).map_or("", |name| facts.names.text(*name));
    (out.pbx, out.agent) = (facts.names.text(pbx).to_owned(), facts.names.text(agent).to_owned());
    out.name = name.to_owned();
    out.talk_ms += answered_talk_ms;
    out.mean_talk_ms = mean(answered_talk_ms, out.answered);
    out.mean_reaction_ms = mean(reaction_ms, out.answered);
    out.logged_in_ms = time(|activity| activity == Activity::LoggedIn);
    out.paused_ms = time(|activity| matches!(activity, Activity::Paused | Activity::AfterCallWork { paused: true }));
    out.talking_ms = time(|activity| activity == Activity::Talking);
    out.acw_ms = time(is_acw);
    out.handling_ms = time(|activity| matches!(activity, Activity::AfterCallWork { .. } | Activity::Talking));
    let engaged_ms = time(|activity| activity != Activity::LoggedIn);
    out.idle_ms = time(|_| true) - engaged_ms;
    out.occupancy = ratio(out.handling_ms.unsigned_abs(), (out.handling_ms + out.idle_ms).unsigned_abs());
    out
}
