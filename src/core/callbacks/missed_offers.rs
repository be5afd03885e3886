//! Agents who do not take several callbacks in a row: they are left out for longer, or paused in their queues.

use crate::callbacks::attempt::originate::MISSED_OFFERS;
use crate::callbacks::pbx_action::PbxAction;
use crate::callbacks::policy::OnMissedOffers;
use crate::callbacks::{Presences, Scheduler};
use crate::model::{AgentKey, FinishedCall, PbxId};

impl Scheduler {
    /// An agent did not take an offer: no other for a while, and for longer after several in a row.
    pub(crate) fn offer_refused(&mut self, pbx: &PbxId, agent: &AgentKey, missed: bool) {
        let (at_ms, now) = (self.now.wall_ms, self.now.mono_ms);
        let policy = self.policy(pbx);
        let (cooldown_ms, limit, then) = (policy.agent_cooldown_ms, policy.missed_offers, policy.on_missed_offers);
        let in_a_row = if missed { self.agents.offer_missed(agent, at_ms) } else { 0 };
        let until = |ms: i64| now.saturating_add_signed(ms);
        match then {
            _ if limit == 0 || in_a_row < limit => self.agents.cool_down(agent, until(cooldown_ms)),
            OnMissedOffers::LeaveOut { for_ms } => self.agents.leave_out(agent, until(for_ms.max(cooldown_ms))),
            OnMissedOffers::Pause => {
                self.agents.cool_down(agent, until(cooldown_ms));
                self.agents.pause_later(agent);
            }
        }
    }

    /// Who answered a call is there: nothing that was missed before counts.
    pub(crate) fn answers_seen(&mut self, call: &FinishedCall) {
        let by_legs = call.legs.iter().filter_map(|leg| Some((leg.agent.as_str(), leg.answered_ms?)));
        let by_call = call.agent.as_deref().zip(call.answered_ms);
        for (agent, at_ms) in by_legs.chain(by_call) {
            if self.agents.answered(&AgentKey::new(&call.pbx, agent), at_ms) {
                self.rounds.set_due();
            }
        }
    }

    /// Pauses those who are to be paused in each of their queues; they come back by themselves, as after Asterisk's own `autopause`.
    pub(crate) fn pause_who_missed(&mut self, presences: &Presences<'_>) {
        for agent in self.agents.take_to_pause() {
            let now = presences.get(&agent.pbx).and_then(|presence| presence.agent(&agent.interface));
            for member in now.iter().flat_map(|agent| &agent.queues).filter(|member| !member.paused) {
                let (queue, interface) = (member.queue.to_string(), member.interface.to_string());
                self.act(&agent.pbx, PbxAction::PauseAbsent { queue, interface, reason: MISSED_OFFERS });
            }
        }
    }
}
