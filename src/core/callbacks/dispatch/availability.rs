//! Whether an agent can be asked, and if not, why.

use crate::callbacks::Scheduler;
use crate::callbacks::attempt::originate;
use crate::model::presence::{AgentView, Busy};
use crate::model::{AgentKey, PbxId};

impl Scheduler {
    /// The agent can be asked at this moment, as far as is known.
    pub(crate) fn free(&self, pbx: &PbxId, agent: &AgentView<'_>) -> bool {
        self.busy(pbx, agent).is_none() && !everywhere_paused(agent)
    }

    /// What the agent does instead; a phone of unknown state keeps nobody where the configuration says so.
    #[must_use]
    pub fn busy(&self, pbx: &PbxId, agent: &AgentView<'_>) -> Option<Busy> {
        agent.busy.filter(|busy| *busy != Busy::DeviceUnknown || !self.policy(pbx).unknown_is_free)
    }

    /// Why this agent is not asked, in words for people; `None` if nothing hinders.
    #[must_use]
    pub fn why_not(&self, pbx: &PbxId, agent: &AgentView<'_>) -> Option<String> {
        let now = self.now.mono_ms;
        let seconds = |until: u64| until.saturating_sub(now).div_ceil(1_000);
        let memory = self.agents.get(&AgentKey::new(pbx, &agent.agent));
        if let Some(callback) = memory.and_then(|m| m.reserved) {
            return Some(format!("callback {callback}"));
        }
        match self.busy(pbx, agent) {
            Some(Busy::WrapUp { until_mono_ms }) => {
                return Some(format!("{}, {} s left", Busy::WrapUp { until_mono_ms }.as_str(), seconds(until_mono_ms)));
            }
            Some(Busy::OnCall | Busy::DeviceInUse) if agent.rings => return Some("ringing".to_owned()),
            Some(busy) => return Some(busy.as_str().to_owned()),
            None => {}
        }
        if everywhere_paused(agent) {
            let reason = agent.queues.iter().map(|m| &*m.paused_reason).find(|reason| !reason.is_empty());
            return Some(reason.map_or_else(|| "paused".to_owned(), |reason| format!("paused ({reason})")));
        }
        let memory = memory.filter(|m| m.cooldown_until > now)?;
        let what = if memory.left_out {
            format!("did not take {} callbacks in a row", memory.missed)
        } else {
            "did not take a callback".to_owned()
        };
        Some(format!("{what}, asked again in {} s", seconds(memory.cooldown_until)))
    }
}

/// Paused in each of the agent's queues by others than us.
fn everywhere_paused(agent: &AgentView<'_>) -> bool {
    !agent.queues.is_empty() && agent.queues.iter().all(|m| m.paused && m.paused_reason != originate::PAUSE)
}
