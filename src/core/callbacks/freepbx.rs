//! What a FreePBX needs: agents are rung by its own way around voicemail, as its queues' contexts hang up what no queue has sent.
//!
//! Its queues dial `Local/101@from-queue/n`, and `from-queue` goes where the variable `NODEST` says, which only its queues' dialplan sets: an
//! Originate there ends at once. With that variable set, the agent's mailbox answers in the end. `originate-skipvm` of its core rings an extension,
//! with its follow-me, and never the mailbox; its click-to-call and wake-up calls use it.

use crate::callbacks::{Presences, Scheduler};
use crate::model::{AgentKey, PbxId};

/// The context of FreePBX's core that rings an extension without its voicemail.
pub const SKIP_VOICEMAIL: &str = "originate-skipvm";

/// How agents of a FreePBX are dialled by it.
pub const DIAL_AGENT: &str = "Local/{extension}@originate-skipvm/n";

/// Contexts of FreePBX in which its queues dial extensions.
const QUEUES: [&str; 2] = ["from-queue", "from-internal"];

/// How an agent is dialled whom a queue dials so, where the configuration does not say: as the queue does it, and on a FreePBX, by extension,
/// without voicemail.
#[must_use]
pub fn dial_agent(freepbx: bool, interface: &str) -> &'static str {
    let context = || {
        let (extension, rest) = interface.strip_prefix("Local/")?.split_once('@')?;
        let digits = !extension.is_empty() && extension.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| rest.split('/').next().unwrap_or(rest))
    };
    if freepbx && context().is_some_and(|context| QUEUES.contains(&context)) { DIAL_AGENT } else { "{interface}" }
}

impl Scheduler {
    /// What Asterisk says of [`SKIP_VOICEMAIL`]; nothing if it could not be read.
    pub(crate) fn freepbx_read(&mut self, pbx: &PbxId, value: Option<&str>) {
        if value == Some("1") {
            self.freepbx.insert(pbx.clone());
        } else {
            self.freepbx.remove(pbx);
        }
    }

    /// Agents whose phone has become known are named by it: what is kept of them goes on under that name.
    pub(crate) fn follow_names(&mut self, presences: &Presences<'_>) {
        let known = |was: &AgentKey| {
            let now = presences.get(&was.pbx)?.agent(&was.interface).filter(|now| now.agent != *was.interface)?;
            Some((was.clone(), AgentKey::new(&was.pbx, &now.agent)))
        };
        let known: Vec<(AgentKey, AgentKey)> = self.agents.without_phone().filter_map(known).collect();
        for (was, now) in known {
            self.agents.renamed(&was, &now);
            self.attempts.renamed(&was, &now);
        }
    }
}
