//! Agents, side by side: their calls, their time, their callbacks; and what handling a call takes.

use super::spans::Span;
use super::time::covered;
use super::totals::{TotalsPart, mean, ratio};
use crate::report::facts::{Activity, Facts, Frame, Name};
use crate::report::rollup::part::{Counts, Group, Key, Table, count, key, parts};
use callbackd_core::millis::Millis;
use callbackd_core::model::Direction;
use callbackd_core::order::Gather as _;
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

parts! {
    /// What is added up of an agent.
    struct AgentPart {
        answered: u64,
        missed_rings: u64,
        outbound: u64,
        callbacks: u64,
        /// In the agent's own calls.
        outbound_talk_ms: Millis,
        answered_talk_ms: Millis,
        hold_ms: Millis,
        reaction_ms: Millis,
        logged_in_ms: Millis,
        paused_ms: Millis,
        talking_ms: Millis,
        acw_ms: Millis,
        handling_ms: Millis,
        idle_ms: Millis,
        attempts: Counts,
        codes: Counts,
    }
}

/// What an agent did, and when.
type Did = Vec<(Activity, Span)>;

/// By PBX and agent.
pub(crate) fn agents_of(facts: &Facts) -> Table<AgentPart> {
    let mut sums: Table<(AgentPart, Did), Group> = Table::default();
    let of = |pbx, agent| [Name::number(Some(pbx)), Name::number(Some(agent)), 0];
    for leg in &facts.legs {
        let Some(call) = facts.calls.get(leg.call).filter(|call| call.inbound()) else { continue };
        let (agent, _) = sums.at(of(call.pbx, leg.agent));
        match facts.names.text(leg.result) {
            "ANSWERED" => {
                agent.answered += 1;
                agent.answered_talk_ms += leg.talk_ms;
                agent.reaction_ms += leg.answered_ms.map_or(0, |at| at - leg.started_ms);
            }
            "NOANSWER" | "REJECTED" => agent.missed_rings += 1,
            _ => {}
        }
    }
    for call in &facts.calls {
        let Some(agent) = call.agent else { continue };
        let outbound = matches!(call.direction, Direction::Outbound | Direction::Callback);
        if outbound || call.inbound() {
            let (agent, _) = sums.at(of(call.pbx, agent));
            agent.hold_ms += call.hold_ms;
            agent.outbound += u64::from(outbound);
            agent.callbacks += u64::from(call.direction == Direction::Callback);
            agent.outbound_talk_ms += if outbound { call.talk_ms } else { 0 };
        }
    }
    for interval in &facts.intervals {
        let (_, did) = sums.at(of(interval.pbx, interval.agent));
        did.push((interval.activity, (interval.from_ms, interval.to_ms)));
    }
    for (pbx, agent, result) in &facts.attempts {
        if let Some(agent) = agent {
            let (agent, _) = sums.at(of(*pbx, *agent));
            count(&mut agent.attempts, [facts.names.text(*result), "", ""]);
        }
    }
    for (call, code) in &facts.tags {
        if let Some((pbx, agent)) = facts.calls.get(*call).and_then(|call| Some((call.pbx, call.agent?))) {
            count(&mut sums.at(of(pbx, agent)).0.codes, [facts.names.text(*code), "", ""]);
        }
    }
    let window = (facts.window.0, facts.end_ms());
    let mut agents = Table::default();
    sums.each(|[pbx, agent, _], (part, did)| {
        let of = key([facts.names.of_number(pbx), facts.names.of_number(agent), ""]);
        *agents.at(of) = part.with_times(&did, window);
    });
    agents
}

impl AgentPart {
    fn with_times(self, did: &Did, window: Span) -> Self {
        let time = |wanted: fn(Activity) -> bool| {
            covered(did.iter().filter(|(activity, _)| wanted(*activity)).map(|(_, span)| *span).collect(), window)
        };
        let engaged_ms = time(|activity| activity != Activity::LoggedIn);
        Self {
            logged_in_ms: time(|activity| activity == Activity::LoggedIn),
            paused_ms: time(|activity| matches!(activity, Activity::Paused | Activity::AfterCallWork { paused: true })),
            talking_ms: time(|activity| activity == Activity::Talking),
            acw_ms: time(|activity| matches!(activity, Activity::AfterCallWork { .. })),
            handling_ms: time(|activity| matches!(activity, Activity::AfterCallWork { .. } | Activity::Talking)),
            idle_ms: time(|_| true) - engaged_ms,
            ..self
        }
    }
}

/// The figures, and those of handling, for which the totals of all calls are needed.
pub(crate) fn agents(parts: &Table<AgentPart>, frame: &Frame, totals: &TotalsPart) -> (Vec<Agent>, Handling) {
    let words = |counts: &Counts| counts.iter().map(|([word, ..], n)| (word.to_string(), *n)).to_map();
    let agent = |([pbx, agent, _], part): (&Key, &AgentPart)| {
        let (pbx, agent) = (pbx.to_string(), agent.to_string());
        let whole_ms = part.handling_ms + part.idle_ms;
        Agent {
            name: frame.agents.get(&(pbx.clone(), agent.clone())).cloned().unwrap_or_default(),
            pbx,
            agent,
            answered: part.answered,
            missed_rings: part.missed_rings,
            outbound: part.outbound,
            callbacks: part.callbacks,
            talk_ms: part.outbound_talk_ms + part.answered_talk_ms,
            mean_talk_ms: mean(part.answered_talk_ms, part.answered),
            hold_ms: part.hold_ms,
            mean_reaction_ms: mean(part.reaction_ms, part.answered),
            logged_in_ms: part.logged_in_ms,
            paused_ms: part.paused_ms,
            talking_ms: part.talking_ms,
            acw_ms: part.acw_ms,
            handling_ms: part.handling_ms,
            idle_ms: part.idle_ms,
            occupancy: ratio(part.handling_ms.unsigned_abs(), whole_ms.unsigned_abs()),
            attempts: words(&part.attempts),
            codes: words(&part.codes),
        }
    };
    let acw_ms = parts.iter().map(|(_, part)| part.acw_ms).sum::<Millis>();
    let handling = Handling {
        answered: totals.answered,
        talk_ms: totals.talk_ms,
        hold_ms: totals.hold_ms,
        acw_ms,
        mean_ms: mean(totals.talk_ms + totals.hold_ms + acw_ms, totals.answered),
    };
    (parts.iter().map(agent).collect(), handling)
}
