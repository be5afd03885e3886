//! Wait estimates for callers, published into the Asterisk database for the greetings to say.
//!
//! Keys of the family `callbackd`, each a short text: `number/<digits>` is `<state>|<minutes>|<reason>` for every number that a callback is
//! open for, under its E.164 digits and as it is dialled nationally; `queue/<queue>/open` and `queue/<queue>/wait` are how many wait for a
//! callback of a queue, and how many minutes a new one would take. An estimate is never below what is known: a delay, an opening hour.

use crate::callbacks::attempt::dial_string::Dialable;
use crate::callbacks::pbx_action::PbxAction;
use crate::callbacks::tasks::Task;
use crate::callbacks::{Answer, Presences, Scheduler};
use crate::millis::Millis;
use crate::model::presence::{AgentView, Busy, Presence};
use crate::model::{CallbackState, PbxId};
use crate::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

/// Published at most this often, ms.
const EVERY_MS: u64 = 2_000;
/// Values written at one time; the rest follows. Fewer than a link lets wait for their answers.
const AT_ONCE: usize = 24;
/// After a failure nothing is published for so long, ms.
const AFTER_FAILURE_MS: u64 = 10_000;
/// Callbacks with an estimate; those beyond are too far from their turns for an estimate to be honest.
const MAX_PUBLISHED: usize = 2_000;
/// How long an attempt keeps an agent until attempts have been seen, ms.
const FIRST_GUESS_MS: Millis = 180_000;

/// What has been published.
#[derive(Debug, Default)]
pub(crate) struct WaitEstimates {
    /// By PBX: what its database holds. No entry: it may hold anything.
    published: BTreeMap<PbxId, BTreeMap<String, String>>,
    /// Not before this moment of the monotonic clock.
    next: u64,
    /// PBXs that refuse the values, until the link was lost and is back.
    refused: BTreeSet<PbxId>,
    /// Something may have changed.
    stale: bool,
    /// How long the latest attempts kept their agents, ms: a moving average.
    usual_ms: Option<Millis>,
}

impl WaitEstimates {
    /// An attempt kept its agent so long.
    pub(crate) fn learn(&mut self, ms: Millis) {
        self.usual_ms = Some(self.usual_ms.map_or(ms, |usual| usual + (ms - usual) / 8));
    }

    /// The PBX may have lost the values that it was given.
    pub(crate) fn forget(&mut self, pbx: &PbxId) {
        self.published.remove(pbx);
        self.refused.remove(pbx);
        self.stale = true;
    }

    /// Asterisk's answer to a value. What did not arrive makes everything be sent again; what was refused would be refused again.
    pub(crate) fn answered(&mut self, pbx: &PbxId, answer: Answer<'_>, now_mono_ms: u64) {
        match answer {
            Answer::Accepted => {}
            Answer::Refused(_) => drop(self.refused.insert(pbx.clone())),
            Answer::NotSent | Answer::Lapsed | Answer::Unanswered => {
                self.published.remove(pbx);
                self.stale = true;
                self.next = now_mono_ms + AFTER_FAILURE_MS;
            }
        }
    }

    /// The values that it was given may no longer be true.
    pub(crate) fn changes(&mut self) {
        self.stale = true;
    }

    pub(crate) fn deadline(&self) -> Option<u64> {
        self.stale.then_some(self.next)
    }

    /// Whether it is time to publish, which is then done.
    fn take_due(&mut self, now_mono_ms: u64) -> bool {
        let due = self.stale && now_mono_ms >= self.next;
        if due {
            self.stale = false;
            self.next = now_mono_ms + EVERY_MS;
        }
        due
    }

    /// Nothing is published.
    fn not_wanted(&mut self) {
        self.stale = false;
    }

    /// The PBX takes values.
    fn takes(&self, pbx: &PbxId) -> bool {
        !self.refused.contains(pbx)
    }

    /// What makes the values of this PBX those that are wanted, as far as it fits at one time.
    fn changes_on(&mut self, pbx: &PbxId, wanted: &BTreeMap<String, String>) -> Vec<PbxAction> {
        let mut actions = Vec::new();
        let mut published = self.published.remove(pbx).unwrap_or_else(|| {
            actions.push(PbxAction::PublishNothing);
            BTreeMap::new()
        });
        let gone = published.keys().filter(|key| !wanted.contains_key(*key)).map(|key| (key.clone(), None));
        let new = wanted.iter().filter(|(key, value)| published.get(*key) != Some(value));
        let changes: Vec<_> =
            gone.chain(new.map(|(key, value)| (key.clone(), Some(value.clone())))).take(AT_ONCE + 1).collect();
        self.stale |= changes.len() > AT_ONCE;
        for (key, value) in changes.into_iter().take(AT_ONCE) {
            match &value {
                Some(value) => published.insert(key.clone(), value.clone()),
                None => published.remove(&key),
            };
            actions.push(PbxAction::Publish { key, value });
        }
        self.published.insert(pbx.clone(), published);
        actions
    }

    /// So long an attempt keeps its agent, ms.
    fn usual_ms(&self) -> Millis {
        self.usual_ms.unwrap_or(FIRST_GUESS_MS)
    }
}

impl Scheduler {
    /// Publishes what has changed, if it is time to.
    pub(crate) fn publish(&mut self, presences: &Presences<'_>) {
        if !presences.keys().any(|pbx| self.policy(pbx).publish) {
            return self.wait_estimates.not_wanted();
        }
        if !self.wait_estimates.take_due(self.now.mono_ms) {
            return;
        }
        for (pbx, presence) in presences {
            if self.policy(pbx).publish && presence.in_sync() && self.wait_estimates.takes(pbx) {
                let wanted = self.estimates_on(pbx, *presence);
                for action in self.wait_estimates.changes_on(pbx, &wanted) {
                    self.act(pbx, action);
                }
            }
        }
    }

    fn estimates_on(&self, pbx: &PbxId, presence: &dyn Presence) -> BTreeMap<String, String> {
        let mut wanted = BTreeMap::new();
        let agents = presence.agents();
        let mut ahead: BTreeMap<Option<&str>, i64> = BTreeMap::new();
        let here = |task: &&Task| task.row().pbx == *pbx;
        // In the order of their turns: those who are being called, those whose turn may come, those whose time has not come.
        let active = self.attempts.callbacks().filter_map(|id| self.tasks.get(id));
        let ready = self.tasks.ready().filter_map(|id| self.tasks.get(id));
        for task in active.chain(ready).chain(self.tasks.waiting()).filter(here).take(MAX_PUBLISHED) {
            let row = &task.row();
            let queue = row.queue.as_deref();
            let place = ahead.entry(queue).or_default();
            let minutes = if row.state.is_active() { 0 } else { self.minutes(pbx, queue, row.due_ms, *place, &agents) };
            *place += 1;
            let state = if row.state == CallbackState::Waiting { row.reason.as_str() } else { row.state.as_str() };
            let Some(number) = &row.number_e164 else { continue };
            for form in self.forms(pbx, number) {
                wanted.insert(format!("number/{form}"), format!("open|{minutes}|{state}"));
            }
        }
        let queues: BTreeSet<&str> = agents.iter().flat_map(|a| a.queues.iter().map(|m| &*m.queue)).to_set();
        for queue in queues.into_iter().filter(|q| key_part(q)) {
            let open = ahead.get(&Some(queue)).copied().unwrap_or(0);
            let due_ms = self.now.wall_ms.saturating_add(self.policy(pbx).of(Some(queue)).delay_ms);
            wanted.insert(format!("queue/{queue}/open"), open.to_string());
            wanted.insert(
                format!("queue/{queue}/wait"),
                self.minutes(pbx, Some(queue), due_ms, open, &agents).to_string(),
            );
        }
        wanted
    }

    /// A number as it may arrive: with and without its country's code. Where a national number begins with that code, as in North America,
    /// networks send it without as well.
    fn forms(&self, pbx: &str, number: &str) -> BTreeSet<String> {
        let form = |form| Dialable::new(number, &self.policy(pbx).numbering, form).ok().map(|n| n.as_str().to_owned());
        let (digits, national) = (form("{digits}"), form("{national}"));
        let bare =
            digits.as_ref().filter(|d| national.as_ref() == Some(*d)).and_then(|d| d.get(1..)).map(str::to_owned);
        [digits, national, bare].into_iter().flatten().collect()
    }

    /// Minutes until the one with so many ahead may expect the call: not before it is due and customers are called, and then as
    /// long as those ahead take with the agents who are there.
    fn minutes(&self, pbx: &str, queue: Option<&str>, due_ms: Millis, ahead: i64, agents: &[AgentView<'_>]) -> i64 {
        let policy = self.policy(pbx).of(queue);
        let due = due_ms.max(self.now.wall_ms);
        let from = policy.next_call(due).unwrap_or(due);
        let there = agents.iter().filter(|a| {
            a.busy != Some(Busy::LoggedOut) && queue.is_none_or(|q| a.queues.iter().any(|m| m.queue == q && !m.paused))
        });
        let hands = i64::try_from(there.count()).unwrap_or(1).max(1);
        let usual = self.wait_estimates.usual_ms();
        let wait = from - self.now.wall_ms + usual.saturating_mul(ahead + 1) / hands;
        (wait.max(0) + 59_999) / 60_000
    }
}

/// It can be part of a key: the Asterisk database takes any byte, its command line and our action do not.
fn key_part(name: &str) -> bool {
    !name.is_empty() && name.len() <= 80 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-. ".contains(&b))
}
