//! Agents: one person over member name, queue interface, state interface and phone, and what the agent does when.

use crate::ami::budget::Budget;
use crate::ami::event::Member;
use crate::millis::Millis;
use crate::model::presence::Busy;
use crate::model::{Activity, Interval, PbxId};
use crate::tracker::table::{Slot, Table};
use std::collections::BTreeMap;

/// Agents known at once; a new one beyond is counted and ignored.
pub const MAX_AGENTS: usize = Budget::WHOLE.agents;
/// Memberships of all agents in queues; a further one is counted and ignored.
pub const MAX_MEMBERSHIPS: usize = Budget::WHOLE.memberships;
/// Texts that mean some agent (interfaces, hints, phones, extensions), of all agents; a further one is counted and ignored.
pub const MAX_ALIASES: usize = Budget::WHOLE.aliases;

/// A person who answers calls.
#[derive(Debug)]
pub(crate) struct Agent {
    /// Technology and peer of the phone (`PJSIP/101`); for one whose phone is not known yet, what the queue dials.
    pub id: Box<str>,
    /// The agent's name, as the queues have it.
    pub name: Option<Box<str>>,
    /// Every text that means the agent.
    pub aliases: Vec<Box<str>>,
    /// The queues that the agent is in.
    pub memberships: BTreeMap<Box<str>, Membership>,
    /// The phone can be reached, as far as the queues and the device say.
    pub reachable: bool,
    /// The last word on the state of the phone, and the last word on that of what only leads to it (a hint, a Local channel).
    pub states: [Option<DeviceState>; 2],
    /// The agent's channels that ring.
    pub ringing: u32,
    /// The agent's channels that are connected with somebody.
    pub talking: u32,
    /// After-call work ends then, by the monotonic clock.
    pub wrapup_until: Option<u64>,
    /// It began then, ms since 1970 UTC.
    pub wrapup_from: Millis,
    /// What hinders the agent, as it was found last; `None` if nothing does.
    pub busy: Option<Busy>,
    /// Since when the agent is free, or is not.
    pub since_ms: Millis,
    /// The last conversation ended then.
    pub last_talk_ms: Option<Millis>,
    /// Conversations that have been seen, and those of earlier runs, as far as they are known.
    pub calls: u32,
    open: BTreeMap<(Activity, Box<str>), (Millis, Box<str>)>,
}

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceState {
    /// Asterisk does not know.
    Unknown,
    /// Nothing goes on there.
    Idle,
    /// It rings, talks, holds, or does not want to be disturbed.
    InUse,
}

/// One queue's word on a member.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Membership {
    /// What the queue dials.
    pub interface: Box<str>,
    /// It asks what only leads to the phone for the state.
    pub by_hint: bool,
    /// Paused in this queue; a pause in one queue is none in another.
    pub paused: bool,
    pub reason: Box<str>,
    /// Lower is asked first.
    pub penalty: u32,
    /// After-call work after a call of this queue, milliseconds; 0 for none.
    pub wrapup_ms: Millis,
    /// Seen in the snapshot of this number, or since.
    pub snapshot: u32,
}

/// All agents of a PBX.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    agents: Table<Agent>,
    budget: Budget,
    /// Of agents who have not been met in this run: the end of the last conversation, and how many there were.
    earlier: BTreeMap<Box<str>, (Option<Millis>, u32)>,
    /// Agents ignored because of [`MAX_AGENTS`].
    pub refused: u64,
    /// Memberships of all agents.
    memberships: usize,
    aliases: usize,
    /// Memberships and aliases ignored because of [`MAX_MEMBERSHIPS`] and [`MAX_ALIASES`].
    pub details_refused: u64,
}

/// A device that a phone is: not a Local channel, not a dialplan hint, not somebody's invention.
pub(crate) fn device(interface: &str) -> Option<&str> {
    let interface =
        interface.split_once("/n").map_or(interface, |(i, rest)| if rest.is_empty() { i } else { interface });
    let (technology, peer) = interface.split_once('/')?;
    let real = !matches!(technology, "Local" | "Agent") && !technology.contains(':') && !peer.is_empty();
    real.then_some(interface)
}

/// The extension in `Local/900@from-queue/n` and `hint:900@ext-local`, and the peer of `PJSIP/900`.
pub(crate) fn extension(interface: &str) -> Option<&str> {
    let rest = interface.strip_prefix("hint:").or_else(|| interface.split_once('/').map(|(_, rest)| rest))?;
    let extension = rest.split(['@', '/']).next()?;
    (!extension.is_empty() && extension.bytes().all(|b| b.is_ascii_digit())).then_some(extension)
}

impl Roster {
    /// What is kept of agents stays within this.
    pub(crate) fn keeps_within(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// What earlier runs have seen of an agent.
    pub(crate) fn knows(&mut self, agent: &str, last_talk_ms: Option<Millis>, calls: u32) {
        if self.earlier.len() < self.budget.agents {
            self.earlier.insert(agent.into(), (last_talk_ms, calls));
        }
    }

    /// The agent whom this text means.
    #[must_use]
    pub(crate) fn find(&self, interface: &str) -> Option<Slot> {
        self.agents.find(interface)
    }

    /// An agent.
    #[must_use]
    pub(crate) fn get(&self, slot: Slot) -> &Agent {
        &self.agents[slot]
    }

    /// An agent, for one of its verbs.
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Agent {
        &mut self.agents[slot]
    }

    /// There is room for what this queue says of the agent: it is known as a member there already, or there is for another. If not, it is counted.
    pub(super) fn has_room_for(&mut self, slot: Slot, queue: &str) -> bool {
        let room = self.memberships < self.budget.memberships || self.agents[slot].memberships.contains_key(queue);
        self.details_refused += u64::from(!room);
        room
    }

    /// The agent is in this queue, on these terms. True if the agent was not, or with another pause or penalty.
    pub(super) fn is_in(&mut self, slot: Slot, queue: &str, terms: Membership) -> bool {
        let (paused, penalty) = (terms.paused, terms.penalty);
        let before = self.agents[slot].memberships.insert(queue.into(), terms);
        self.memberships += usize::from(before.is_none());
        before.is_none_or(|before| (before.paused, before.penalty) != (paused, penalty))
    }

    /// The agent is not in this queue any more. True if the agent was.
    pub(super) fn leaves(&mut self, slot: Slot, queue: &str) -> bool {
        let agent = &mut self.agents[slot];
        let left = agent.memberships.remove(queue).is_some();
        agent.left();
        self.memberships -= usize::from(left);
        left
    }

    /// All agents.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().map(|(_, agent)| agent)
    }

    /// How many there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.agents.len()
    }

    /// Slots of all agents.
    #[must_use]
    pub(crate) fn slots(&self) -> Vec<Slot> {
        self.agents.iter().map(|(slot, _)| slot).collect()
    }

    /// The person whom a queue means by a member, taken in if new. `None` beyond the limit.
    pub(crate) fn member(&mut self, member: &Member<'_>, at: Millis) -> Option<Slot> {
        let phone = device(&member.state_interface).or_else(|| device(&member.interface));
        let by_extension = [&*member.state_interface, &*member.interface]
            .into_iter()
            .filter_map(extension)
            .find_map(|e| self.agents.find(&format!("extension {e}")));
        let found =
            phone.and_then(|p| self.agents.find(p)).or_else(|| self.agents.find(&member.interface)).or(by_extension);
        let slot = match found {
            Some(slot) => slot,
            None => self.take_in(phone.unwrap_or(&member.interface), at)?,
        };
        for alias in [phone.unwrap_or_default(), &*member.interface, &*member.state_interface] {
            self.alias(slot, alias);
        }
        Some(slot)
    }

    /// What a queue dials (`Local/900@from-queue/n`) has led to this phone: the same person, if no phone was known yet. Where the queue names
    /// an extension, the phone must be that extension's: a call is also forwarded, or followed to somebody else.
    pub(crate) fn led_to(&mut self, interface: &str, phone: &str) {
        let (Some(slot), None) = (self.agents.find(interface), self.agents.find(phone)) else { return };
        let aliases = &self.agents[slot].aliases;
        let has_extension = aliases.iter().any(|a| a.starts_with("extension "));
        let by_hint = aliases.iter().any(|a| a.starts_with("hint:"));
        let fits = match extension(phone) {
            Some(extension) => {
                !has_extension || aliases.iter().any(|a| a.strip_prefix("extension ") == Some(extension))
            }
            None => !(has_extension && by_hint),
        };
        if fits {
            self.alias(slot, phone);
        }
    }

    /// Whose phone this is: by itself, or by its extension where all that is known of a person is what leads to one.
    pub(crate) fn phone(&mut self, phone: &str) -> Option<Slot> {
        if let Some(slot) = self.agents.find(phone) {
            return Some(slot);
        }
        let slot = self.agents.find(&format!("extension {}", extension(device(phone)?)?))?;
        let has_another = self.agents[slot].aliases.iter().any(|a| device(a).is_some());
        if has_another {
            return None;
        }
        self.alias(slot, phone);
        Some(slot)
    }

    /// Names a person by the phone once it is known. Open intervals are recorded as ended under the old name, and anew under the new one.
    pub(crate) fn name_by_phone(&mut self, slot: Slot, at: Millis) -> Vec<Interval> {
        let agent = &mut self.agents[slot];
        if device(&agent.id).is_some() {
            return Vec::new();
        }
        let Some(phone) = agent.aliases.iter().find(|a| device(a).is_some()).cloned() else { return Vec::new() };
        let doing: Vec<_> =
            agent.open.iter().map(|((a, queue), (_, reason))| (*a, queue.clone(), reason.clone())).collect();
        let mut changed = agent.close_all(at);
        agent.id = phone;
        let (last_talk_ms, calls) = self.earlier.remove(&agent.id).unwrap_or_default();
        agent.last_talk_ms = agent.last_talk_ms.max(last_talk_ms);
        agent.calls = agent.calls.saturating_add(calls);
        for (activity, queue, reason) in doing {
            changed.extend(agent.set(activity, &queue, &reason, true, at));
        }
        changed
    }

    fn take_in(&mut self, id: &str, at: Millis) -> Option<Slot> {
        if self.agents.len() >= self.budget.agents {
            self.refused += 1;
            return None;
        }
        let (last_talk_ms, calls) = self.earlier.remove(id).unwrap_or_default();
        let agent = Agent {
            id: id.into(),
            name: None,
            aliases: Vec::new(),
            memberships: BTreeMap::new(),
            reachable: true,
            states: [None; 2],
            ringing: 0,
            talking: 0,
            wrapup_until: None,
            wrapup_from: 0,
            busy: Some(Busy::LoggedOut),
            since_ms: at,
            last_talk_ms,
            calls,
            open: BTreeMap::new(),
        };
        let slot = self.agents.insert(id, agent);
        self.alias(slot, id);
        Some(slot)
    }

    fn alias(&mut self, slot: Slot, alias: &str) {
        if alias.is_empty() || self.agents.find(alias).is_some_and(|s| s != slot) {
            return;
        }
        let mut keys = vec![alias.to_owned()];
        if let Some(extension) = extension(alias) {
            keys.push(format!("extension {extension}"));
        }
        for key in keys {
            if self.agents.find(&key).is_none() || !self.agents[slot].aliases.iter().any(|a| **a == *key) {
                if self.aliases >= self.budget.aliases {
                    self.details_refused += 1;
                    return;
                }
                self.aliases += 1;
                self.agents.alias(&key, slot);
                self.agents[slot].aliases.push(key.into());
            }
        }
    }
}

impl Agent {
    /// What the agent's devices that were heard of say: in use if one is, idle if one is known to be.
    #[must_use]
    pub(crate) fn state(&self) -> DeviceState {
        let said = |state| self.states.contains(&Some(state));
        if said(DeviceState::InUse) {
            DeviceState::InUse
        } else if said(DeviceState::Idle) {
            DeviceState::Idle
        } else {
            DeviceState::Unknown
        }
    }

    /// The agent has left a queue: what only memberships said of a hint holds no more once none is left that asks for it.
    fn left(&mut self) {
        if !self.memberships.values().any(|m| m.by_hint) {
            self.states[1] = None;
        }
    }

    /// A queue gives the agent's name. True if that is news.
    pub(super) fn is_named(&mut self, name: &str) -> bool {
        let renamed = !name.is_empty() && self.name.as_deref() != Some(name);
        if renamed {
            self.name = Some(name.into());
        }
        renamed
    }

    /// One more channel of the agent's rings, or one less.
    pub(super) fn rings(&mut self, more: bool, at: Millis) -> Vec<Interval> {
        self.ringing = if more { self.ringing + 1 } else { self.ringing.saturating_sub(1) };
        self.set(Activity::Ringing, "", "", self.ringing > 0, at)
    }

    /// One more channel of the agent's is connected with somebody, or one less.
    pub(super) fn talks(&mut self, more: bool, at: Millis) -> Vec<Interval> {
        self.talking = if more { self.talking + 1 } else { self.talking.saturating_sub(1) };
        self.set(Activity::Talking, "", "", self.talking > 0, at)
    }

    /// A conversation of the agent's is over. `counts`: it was not counted before.
    pub(super) fn has_talked(&mut self, counts: bool, at: Millis) {
        self.last_talk_ms = self.last_talk_ms.max(Some(at));
        self.calls += u32::from(counts);
    }

    /// Takes in what was said of the state of one of the agent's devices, and whether the phone can be reached.
    pub(super) fn heard(&mut self, of: &str, reachable: bool, state: DeviceState) {
        self.reachable = reachable;
        self.states[usize::from(device(of).is_none())] = Some(state);
    }

    /// The agent's queues say it too that the phone is in this state: of a phone that they ask about, always; of one behind a hint, that it is in use.
    pub(super) fn is_said_by_queues(&self, state: DeviceState) -> bool {
        let idle = state == DeviceState::Idle;
        self.memberships.values().any(|m| !m.by_hint || !idle)
    }

    /// Begins or ends an activity. Returns the intervals that this changes: open when one begins, closed when one ends.
    pub(crate) fn set(&mut self, activity: Activity, queue: &str, reason: &str, on: bool, at: Millis) -> Vec<Interval> {
        let key = (activity, Box::from(queue));
        if on && self.open.get(&key).is_some_and(|(_, before)| **before == *reason) {
            return Vec::new();
        }
        let mut changed = Vec::new();
        if let Some((since, before)) = self.open.remove(&key) {
            changed.push(self.interval(activity, queue, &before, since, Some(at.max(since))));
        }
        if on {
            self.open.insert(key, (at, reason.into()));
            changed.push(self.interval(activity, queue, reason, at, None));
        }
        changed
    }

    /// Ends everything that the agent does, as of a moment.
    pub(crate) fn close_all(&mut self, at: Millis) -> Vec<Interval> {
        let open = std::mem::take(&mut self.open);
        open.into_iter()
            .map(|((activity, queue), (since, reason))| {
                self.interval(activity, &queue, &reason, since, Some(at.max(since)))
            })
            .collect()
    }

    /// An interval of the agent.
    #[must_use]
    pub(crate) fn interval(
        &self,
        activity: Activity,
        queue: &str,
        reason: &str,
        from: Millis,
        to: Option<Millis>,
    ) -> Interval {
        Interval {
            pbx: PbxId::new(""), // the tracker says whose agent it is
            agent: self.id.to_string(),
            activity,
            queue: queue.to_owned(),
            reason: reason.to_owned(),
            from_ms: from,
            to_ms: to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Roster, device, extension};
    use crate::ami::event::Member;

    fn member<'a>(queue: &'a str, interface: &'a str, state_interface: &'a str) -> Member<'a> {
        Member {
            queue: queue.into(),
            interface: interface.into(),
            state_interface: state_interface.into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_phone_is_distinguished_from_what_only_leads_to_one() {
        assert_eq!(device("PJSIP/900"), Some("PJSIP/900"));
        assert_eq!(device("Local/900@from-queue/n"), None);
        assert_eq!(device("hint:900@ext-local"), None);
        assert_eq!(device("Custom:desk"), None);
        assert_eq!(extension("Local/900@from-queue/n"), Some("900"));
        assert_eq!(extension("hint:900@ext-local"), Some("900"));
        assert_eq!(extension("PJSIP/alice"), None);
    }

    #[test]
    fn one_person_stands_behind_local_hint_and_phone() {
        let mut roster = Roster::default();
        let first = roster.member(&member("sales", "Local/900@from-queue/n", "hint:900@ext-local"), 0).unwrap();
        let second = roster.member(&member("support", "PJSIP/900", "PJSIP/900"), 0).unwrap();
        roster.name_by_phone(second, 0);
        assert_eq!(first, second);
        assert_eq!(&*roster.get(first).id, "PJSIP/900");
        assert_eq!(roster.find("PJSIP/900"), Some(first));
    }

    #[test]
    fn the_phone_that_a_local_interface_leads_to_is_the_person() {
        let mut roster = Roster::default();
        let agent = roster.member(&member("sales", "Local/desk@from-queue/n", ""), 0).unwrap();
        roster.led_to("Local/desk@from-queue/n", "PJSIP/201");
        roster.name_by_phone(agent, 0);
        assert_eq!((&*roster.get(agent).id, roster.find("PJSIP/201")), ("PJSIP/201", Some(agent)));
    }

    #[test]
    fn a_forwarded_call_does_not_make_the_trunk_an_agents_phone() {
        for (interface, state) in [("Local/101@from-queue/n", "hint:101@ext-local"), ("Local/101@agents/n", "")] {
            let mut roster = Roster::default();
            let agent = roster.member(&member("sales", interface, state), 0).unwrap();
            roster.led_to(interface, "PJSIP/102");
            if !state.is_empty() {
                roster.led_to(interface, "PJSIP/provider");
            }
            roster.name_by_phone(agent, 0);
            assert_eq!(&*roster.get(agent).id, interface);
            roster.led_to(interface, "PJSIP/101");
            roster.name_by_phone(agent, 0);
            assert_eq!(&*roster.get(agent).id, "PJSIP/101");
        }
    }

    #[test]
    fn two_people_with_phones_of_their_own_stay_two() {
        let mut roster = Roster::default();
        let a = roster.member(&member("sales", "PJSIP/101", "PJSIP/101"), 0).unwrap();
        let b = roster.member(&member("sales", "PJSIP/102", "PJSIP/102"), 0).unwrap();
        assert_ne!(a, b);
    }
}
