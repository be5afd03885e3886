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
        self.agents.entry(agent.clone()).or_default().cooldown_until = until;
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
        is.last_offer = is.last_offer.max(was.last_offer);
        is.offers += was.offers;
        is.offered_ms = is.offered_ms.max(was.offered_ms);
    }

    /// The next moment at which somebody has cooled down.
    pub(crate) fn next_cooldown_end(&self, now: u64) -> Option<u64> {
        self.agents.values().map(|m| m.cooldown_until).filter(|until| *until > now).min()
    }
}
