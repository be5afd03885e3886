//! What the scheduler itself keeps of agents: who is reserved, who gets no offers for a while, whose turn it was.

use crate::millis::Millis;
use crate::model::AgentKey;
use std::collections::BTreeMap;

/// One agent, as the scheduler knows the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// The callback that the agent is reserved for.
    pub reserved: Option<i64>,
    /// The agent did not take an offer: no other before this moment of the monotonic clock (ms).
    pub cooldown_until: u64,
    /// Offers in a row that the agent did not take.
    pub missed: u32,
    /// The last of them, ms since 1970 UTC.
    pub missed_ms: Option<Millis>,
    /// The agent is left out for longer because of them, until `cooldown_until`.
    pub left_out: bool,
    /// Number of the last offer made to the agent, over all agents; 0 for none.
    pub last_offer: u64,
    /// Offers made to the agent.
    pub offers: u32,
    /// The last one, ms since 1970 UTC.
    pub offered_ms: Option<Millis>,
}

/// All agents whom something was ever offered to.
#[derive(Debug, Default)]
pub struct Agents {
    agents: BTreeMap<AgentKey, Memory>,
    offers: u64,
    /// To be paused in their queues.
    to_pause: Vec<AgentKey>,
}

impl Agents {
    /// What is kept of an agent.
    #[must_use]
    pub fn get(&self, agent: &AgentKey) -> Option<&Memory> {
        self.agents.get(agent)
    }

    /// Neither set aside nor cooling down.
    #[must_use]
    pub fn may_be_asked(&self, agent: &AgentKey, now_mono_ms: u64) -> bool {
        self.get(agent).is_none_or(|m| m.reserved.is_none() && m.cooldown_until <= now_mono_ms)
    }

    /// Sets an agent aside for a callback.
    pub(crate) fn reserve(&mut self, agent: &AgentKey, callback: i64, at: Millis) {
        self.offers += 1;
        let number = self.offers;
        let memory = self.agents.entry(agent.clone()).or_default();
        memory.reserved = Some(callback);
        memory.last_offer = number;
        memory.offers += 1;
        memory.offered_ms = Some(at);
    }

    /// The agent is no longer reserved.
    pub(crate) fn release(&mut self, agent: &AgentKey) {
        if let Some(memory) = self.agents.get_mut(agent) {
            memory.reserved = None;
        }
    }

    /// No offer before this moment.
    pub(crate) fn cool_down(&mut self, agent: &AgentKey, until: u64) {
        let memory = self.agents.entry(agent.clone()).or_default();
        (memory.cooldown_until, memory.left_out) = (until, false);
    }

    /// The same for so many offers that the agent did not take.
    pub(crate) fn leave_out(&mut self, agent: &AgentKey, until: u64) {
        let memory = self.agents.entry(agent.clone()).or_default();
        (memory.cooldown_until, memory.left_out) = (until, true);
    }

    /// The agent did not take an offer. Returns how many in a row that were.
    pub(crate) fn offer_missed(&mut self, agent: &AgentKey, at: Millis) -> u32 {
        let memory = self.agents.entry(agent.clone()).or_default();
        memory.missed = memory.missed.saturating_add(1);
        memory.missed_ms = Some(at);
        memory.missed
    }

    /// The agent answered a call at this moment: what was missed before counts no more, and who was left out for it is asked again. Returns whether that
    /// is so.
    pub(crate) fn answered(&mut self, agent: &AgentKey, at: Millis) -> bool {
        let Some(memory) = self.agents.get_mut(agent).filter(|m| m.missed_ms.is_some_and(|missed| at >= missed)) else {
            return false;
        };
        (memory.missed, memory.missed_ms) = (0, None);
        let comes_back = std::mem::take(&mut memory.left_out);
        if comes_back {
            memory.cooldown_until = 0;
        }
        comes_back
    }

    /// The agent is to be paused, and begins anew when they come back.
    pub(crate) fn pause_later(&mut self, agent: &AgentKey) {
        if let Some(memory) = self.agents.get_mut(agent) {
            (memory.missed, memory.missed_ms) = (0, None);
        }
        self.to_pause.push(agent.clone());
    }

    /// Those who are to be paused, which are no longer kept.
    pub(crate) fn take_to_pause(&mut self) -> Vec<AgentKey> {
        std::mem::take(&mut self.to_pause)
    }

    /// What is kept of those of whom only what the queue dials is known: their phone may become known.
    pub(crate) fn without_phone(&self) -> Vec<AgentKey> {
        self.agents.keys().filter(|a| a.interface.starts_with("Local/")).cloned().collect()
    }

    /// An agent has another name from now on.
    pub(crate) fn renamed(&mut self, from: &AgentKey, to: AgentKey) {
        let Some(was) = self.agents.remove(from) else { return };
        let is = self.agents.entry(to).or_default();
        is.reserved = is.reserved.or(was.reserved);
        is.cooldown_until = is.cooldown_until.max(was.cooldown_until);
        is.missed = is.missed.max(was.missed);
        is.missed_ms = is.missed_ms.max(was.missed_ms);
        is.left_out |= was.left_out;
        is.last_offer = is.last_offer.max(was.last_offer);
        is.offers += was.offers;
        is.offered_ms = is.offered_ms.max(was.offered_ms);
    }

    /// The next moment at which somebody has cooled down.
    pub(crate) fn next_cooldown_end(&self, now: u64) -> Option<u64> {
        self.agents.values().map(|m| m.cooldown_until).filter(|until| *until > now).min()
    }
}
