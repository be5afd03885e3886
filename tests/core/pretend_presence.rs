//! The presence of a PBX, and its agents, as a test sets them.

use crate::scheduler::{HOUR, MONDAY_10};
use callbackd_core::model::presence::{AgentView, MemberView, Presence};
use std::collections::{BTreeMap, BTreeSet};

/// The presence of a PBX, as a test sets it.
#[derive(Debug, Default)]
pub struct PretendPresence {
    pub agents: Vec<AgentView<'static>>,
    pub waiting: BTreeMap<String, u32>,
    pub live: BTreeSet<String>,
    pub blind: bool,
}

impl Presence for PretendPresence {
    fn agents(&self) -> Vec<AgentView<'_>> {
        self.agents.clone()
    }
    fn agent(&self, agent: &str) -> Option<AgentView<'_>> {
        let means = |a: &&AgentView<'_>| a.agent == agent || a.queues.iter().any(|m| m.interface == agent);
        self.agents.iter().find(means).cloned()
    }
    fn queues(&self) -> BTreeSet<String> {
        self.agents.iter().flat_map(|a| a.queues.iter().map(|m| m.queue.to_string())).collect()
    }
    fn waiting(&self) -> BTreeMap<String, u32> {
        self.waiting.clone()
    }
    fn attempt_lives(&self, channel_id: &str) -> bool {
        self.live.contains(channel_id)
    }
    fn in_sync(&self) -> bool {
        !self.blind
    }
}

/// `PJSIP/<extension>`, free, in these queues.
pub fn agent(extension: &str, queues: &[&str]) -> AgentView<'static> {
    let member = |queue: &&str| MemberView {
        queue: (*queue).to_owned().into(),
        interface: format!("PJSIP/{extension}").into(),
        paused: false,
        paused_reason: "".into(),
        penalty: 0,
    };
    AgentView {
        agent: format!("PJSIP/{extension}").into(),
        name: Some(format!("Agent {extension}").into()),
        queues: queues.iter().map(member).collect(),
        busy: None,
        rings: false,
        since_ms: MONDAY_10 - HOUR,
        last_talk_ms: None,
        calls: 0,
    }
}
