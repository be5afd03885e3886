//! What the scheduler itself keeps of agents: who is reserved, who gets no offers for a while, whose turn it was.

use crate::millis::Millis;
use crate::model::AgentKey;
use std::collections::{BTreeMap, BTreeSet};

/// Agents of whom anything is kept; beyond them those go whose last offer was the longest ago and who are not set aside. As many can be known
/// at once as half of it: who goes has left.
pub const MAX_AGENTS: usize = 10_000;
/// So many go at once: each time all are looked at.
const FORGOTTEN_AT_ONCE: usize = MAX_AGENTS / 20;

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

/// The agents whom something was offered to, as many as [`MAX_AGENTS`].
#[derive(Debug, Default)]
pub struct Agents {
    agents: BTreeMap<AgentKey, Memory>,
    /// Of these, those of whom only what the queue dials is known.
    without_phone: BTreeSet<AgentKey>,
    /// How many cool down until each moment of the monotonic clock (ms), those included who have cooled down.
    cooldowns: BTreeMap<u64, usize>,
    offers: u64,
    forgotten: u64,
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
        let memory = self.entry(agent);
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
        self.entry(agent).left_out = false;
        self.cools_down(agent, until);
    }

    /// The same for so many offers that the agent did not take.
    pub(crate) fn leave_out(&mut self, agent: &AgentKey, until: u64) {
        self.entry(agent).left_out = true;
        self.cools_down(agent, until);
    }

    /// The agent did not take an offer. Returns how many in a row that were.
    pub(crate) fn offer_missed(&mut self, agent: &AgentKey, at: Millis) -> u32 {
        let memory = self.entry(agent);
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
            self.cools_down(agent, 0);
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

    /// Those of whom only what the queue dials is known: their phone may become known.
    pub(crate) fn without_phone(&self) -> impl Iterator<Item = &AgentKey> {
        self.without_phone.iter()
    }

    /// An agent has another name from now on.
    pub(crate) fn renamed(&mut self, from: &AgentKey, to: &AgentKey) {
        let Some(was) = self.remove(from) else { return };
        let is = self.entry(to);
        is.reserved = is.reserved.or(was.reserved);
        is.missed = is.missed.max(was.missed);
        is.missed_ms = is.missed_ms.max(was.missed_ms);
        is.left_out |= was.left_out;
        is.last_offer = is.last_offer.max(was.last_offer);
        is.offers += was.offers;
        is.offered_ms = is.offered_ms.max(was.offered_ms);
        let until = is.cooldown_until.max(was.cooldown_until);
        self.cools_down(to, until);
    }

    /// The next moment at which somebody has cooled down.
    pub(crate) fn next_cooldown_end(&self, now: u64) -> Option<u64> {
        self.cooldowns.range(now.saturating_add(1)..).next().map(|(until, _)| *until)
    }

    /// How many were forgotten because of [`MAX_AGENTS`].
    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// What is kept of an agent, from now on if nothing was.
    fn entry(&mut self, agent: &AgentKey) -> &mut Memory {
        if !self.agents.contains_key(agent) {
            if self.agents.len() >= MAX_AGENTS {
                self.forget_oldest();
            }
            if agent.interface.starts_with("Local/") {
                self.without_phone.insert(agent.clone());
            }
        }
        self.agents.entry(agent.clone()).or_default()
    }

    fn remove(&mut self, agent: &AgentKey) -> Option<Memory> {
        let cooldown_until = self.agents.get(agent)?.cooldown_until;
        self.cools_down(agent, 0);
        self.without_phone.remove(agent);
        self.agents.remove(agent).map(|memory| Memory { cooldown_until, ..memory })
    }

    /// The agent gets no offer before this moment; 0: gets offers.
    fn cools_down(&mut self, agent: &AgentKey, until: u64) {
        let Some(memory) = self.agents.get_mut(agent) else { return };
        let before = std::mem::replace(&mut memory.cooldown_until, until);
        if let Some(count) = self.cooldowns.get_mut(&before) {
            *count -= 1;
            if *count == 0 {
                self.cooldowns.remove(&before);
            }
        }
        if until > 0 {
            *self.cooldowns.entry(until).or_default() += 1;
        }
    }

    /// Those who are set aside stay: they are as few as attempts go on.
    fn forget_oldest(&mut self) {
        let free = self.agents.iter().filter(|(_, memory)| memory.reserved.is_none());
        let mut free: Vec<(u64, AgentKey)> = free.map(|(agent, memory)| (memory.last_offer, agent.clone())).collect();
        free.sort_unstable();
        for (_, agent) in free.into_iter().take(FORGOTTEN_AT_ONCE) {
            self.forgotten += 1;
            self.remove(&agent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Agents, FORGOTTEN_AT_ONCE, MAX_AGENTS};
    use crate::model::{AgentKey, PbxId};

    fn agent(n: usize) -> AgentKey {
        AgentKey::new(&PbxId::new("pbx"), &format!("Local/{n}@agents"))
    }

    #[test]
    fn agents_beyond_the_limit_are_forgotten_the_longest_unasked_first_and_counted() {
        let mut agents = Agents::default();
        for n in 0..MAX_AGENTS {
            agents.reserve(&agent(n), 1, 0);
            if n > 0 {
                agents.release(&agent(n));
            }
        }
        assert_eq!((agents.agents.len(), agents.forgotten()), (MAX_AGENTS, 0));
        agents.cool_down(&agent(1), 50);
        agents.cool_down(&agent(MAX_AGENTS), 60);
        assert_eq!(agents.forgotten(), FORGOTTEN_AT_ONCE as u64);
        let known = |agents: &Agents, n: usize| agents.get(&agent(n)).is_some();
        assert!(known(&agents, 0), "who is set aside stays");
        assert!(!known(&agents, 1) && !known(&agents, FORGOTTEN_AT_ONCE) && known(&agents, FORGOTTEN_AT_ONCE + 1));
        assert!(known(&agents, MAX_AGENTS));
        // Nor is anything else kept of them.
        assert_eq!(agents.next_cooldown_end(0), Some(60));
        assert_eq!(agents.without_phone().count(), agents.agents.len());
        for n in MAX_AGENTS..MAX_AGENTS + 3 * FORGOTTEN_AT_ONCE {
            agents.cool_down(&agent(n), 60);
        }
        assert!(agents.agents.len() <= MAX_AGENTS && agents.without_phone.len() == agents.agents.len());
    }

    #[test]
    fn the_next_to_have_cooled_down_is_known_whoever_comes_back_or_gets_another_name() {
        let mut agents = Agents::default();
        agents.cool_down(&agent(1), 50);
        agents.cool_down(&agent(2), 50);
        agents.leave_out(&agent(3), 80);
        assert_eq!([49, 50, 80].map(|now| agents.next_cooldown_end(now)), [Some(50), Some(80), None]);
        agents.cool_down(&agent(1), 60);
        assert_eq!(agents.next_cooldown_end(50), Some(60));
        agents.cool_down(&agent(4), 90);
        agents.renamed(&agent(1), &agent(3));
        agents.renamed(&agent(4), &agent(5));
        assert_eq!(agents.next_cooldown_end(50), Some(80), "the later of both");
        assert_eq!([80, 90].map(|now| agents.next_cooldown_end(now)), [Some(90), None]);
        agents.offer_missed(&agent(3), 5);
        assert!(agents.answered(&agent(3), 6));
        assert_eq!([0, 50].map(|now| agents.next_cooldown_end(now)), [Some(50), Some(90)]);
    }
}
