//! The attempts that go on, and what is left to be done for those that are over.

use super::{CallbackAttempt, Phase};
use crate::model::{AgentKey, AttemptPrefix, PbxId, QueueKey};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Index;

/// A pause of an attempt that is over: to be undone.
#[derive(Debug)]
pub(crate) struct Paused {
    pub agent: AgentKey,
    pub queue: QueueKey,
    /// As the queue dials the agent.
    pub interface: String,
}

/// All attempts of all PBXs, by channel id.
#[derive(Debug)]
pub(crate) struct Attempts {
    prefix: AttemptPrefix,
    attempts: BTreeMap<String, CallbackAttempt>,
    /// PBXs whose coverage is back: the attempts that are in doubt there are to be looked up.
    in_sync_again: BTreeSet<PbxId>,
    to_unpause: Vec<Paused>,
}

impl Attempts {
    /// An agent has another name from now on.
    pub(crate) fn renamed(&mut self, from: &AgentKey, to: &AgentKey) {
        for attempt in self.attempts.values_mut().filter(|a| a.reserved.as_ref() == Some(from)) {
            attempt.reserved = Some(to.clone());
            if attempt.row.agent.as_deref() == Some(&*from.interface) {
                attempt.row.agent = Some(to.interface.to_string());
            }
        }
    }

    /// None goes on yet. `prefix`: of the ids that are given.
    pub(crate) const fn new(prefix: AttemptPrefix) -> Self {
        Self { prefix, attempts: BTreeMap::new(), in_sync_again: BTreeSet::new(), to_unpause: Vec::new() }
    }

    /// The channel id of a callback's attempt; `None` if it would be too long.
    pub(crate) fn id_of(&self, callback: i64, n: u32) -> Option<String> {
        self.prefix.attempt(callback, n)
    }

    /// It may be one of this database's; not so if it was made before the database was put back or copied.
    pub(crate) fn may_be_ours(&self, channel_id: &str) -> bool {
        self.prefix.may_be_ours(channel_id)
    }

    pub(crate) fn get(&self, channel_id: &str) -> Option<&CallbackAttempt> {
        self.attempts.get(channel_id)
    }

    pub(crate) fn get_mut(&mut self, channel_id: &str) -> Option<&mut CallbackAttempt> {
        self.attempts.get_mut(channel_id)
    }

    pub(crate) fn len(&self) -> usize {
        self.attempts.len()
    }

    /// An attempt goes on.
    pub(crate) fn add(&mut self, attempt: CallbackAttempt) {
        self.attempts.insert(attempt.row.channel_id.clone(), attempt);
    }

    /// An attempt is over.
    pub(crate) fn remove(&mut self, channel_id: &str) -> Option<CallbackAttempt> {
        self.attempts.remove(channel_id)
    }

    /// The callbacks that they are of.
    pub(crate) fn callbacks(&self) -> impl Iterator<Item = i64> + '_ {
        self.attempts.values().map(|attempt| attempt.row.callback_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CallbackAttempt> {
        self.attempts.values()
    }

    /// The one that this agent is set aside for.
    pub(crate) fn reserving(&mut self, pbx: &PbxId, agent: &str) -> Option<&mut CallbackAttempt> {
        let reserves =
            |attempt: &&mut CallbackAttempt| attempt.reserved.as_ref().is_some_and(|reserved| reserved.is(pbx, agent));
        self.attempts.values_mut().find(reserves)
    }

    /// When one is to be looked after next, by the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.attempts.values().filter_map(CallbackAttempt::deadline).min()
    }

    /// Those that are to be looked after.
    pub(crate) fn due(&self, now_mono_ms: u64) -> Vec<String> {
        self.ids(|attempt| attempt.deadline().is_some_and(|deadline| deadline <= now_mono_ms))
    }

    /// Coverage of a PBX is lost: what went out there goes on without events.
    pub(crate) fn unlinked(&mut self, pbx: &PbxId) {
        for attempt in self.attempts.values_mut().filter(|a| a.row.pbx == *pbx && a.phase >= Phase::Sent) {
            attempt.unlinked = true;
        }
    }

    /// Coverage of a PBX is back.
    pub(crate) fn in_sync(&mut self, pbx: &PbxId) {
        self.in_sync_again.insert(pbx.clone());
    }

    /// The PBXs whose coverage is back since this was asked last.
    pub(crate) fn take_in_sync_again(&mut self) -> BTreeSet<PbxId> {
        std::mem::take(&mut self.in_sync_again)
    }

    /// Those of a PBX whose end may have been missed while it was not covered.
    pub(crate) fn in_doubt(&self, pbx: &PbxId) -> Vec<String> {
        self.ids(|attempt| attempt.row.pbx == *pbx && attempt.unlinked)
    }

    fn ids(&self, which: impl Fn(&CallbackAttempt) -> bool) -> Vec<String> {
        self.attempts.iter().filter(|(_, attempt)| which(attempt)).map(|(channel_id, _)| channel_id.clone()).collect()
    }

    /// Pauses to be undone.
    pub(crate) fn unpause_later(&mut self, pauses: impl IntoIterator<Item = Paused>) {
        self.to_unpause.extend(pauses);
    }

    /// The pauses to be undone, which are no longer kept.
    pub(crate) fn take_to_unpause(&mut self) -> Vec<Paused> {
        std::mem::take(&mut self.to_unpause)
    }
}

impl Index<&str> for Attempts {
    type Output = CallbackAttempt;

    fn index(&self, channel_id: &str) -> &CallbackAttempt {
        &self.attempts[channel_id]
    }
}
