//! Codes that an agent sets by dialling: on the call that they are in, or on their last one.
//!
//! ```text
//! UserEvent(CallTag,Code: FOLLOW_UP,Agent: ${CHANNEL(name)})
//! ```

use crate::millis::Millis;
use crate::model::channel_name;
use crate::model::codes::CodedCall;
use crate::model::{Direction, FinishedCall, Tag};
use crate::tracker::calls::call::{Call, Person, Stage};
use crate::tracker::calls::talk::Talking;
use crate::tracker::table::Slot;
use crate::tracker::{MAX_AGENTS, Output, Tracker};
use std::collections::BTreeMap;

/// The last recorded call of each agent with somebody outside, by the agent's interface, and until when they talked in it; bounded.
#[derive(Debug, Default)]
pub(crate) struct LastCalls(BTreeMap<Box<str>, (Millis, CodedCall)>);

impl LastCalls {
    fn learn(&mut self, agent: &str, until_ms: Millis, call: &FinishedCall) {
        let known = self.0.get(agent);
        if known.is_some_and(|(known_ms, _)| *known_ms > until_ms) || (known.is_none() && self.0.len() >= MAX_AGENTS) {
            return;
        }
        self.0.insert(agent.into(), (until_ms, call.into()));
    }
}

impl Tracker {
    /// A call has its row: it is the last one of those who talked in it, or made it.
    pub(crate) fn last_call_learnt(&mut self, call: Slot, row: &FinishedCall) {
        if row.direction == Direction::Internal {
            return;
        }
        let people = &self.calls[call].people;
        let until = |agent: &str| last_talk(people.iter().filter(|p| *p.interface == *agent));
        let talked = people.iter().filter(|p| p.talk.first_ms.is_some()).map(|p| &*p.interface);
        for agent in talked.chain(row.agent.as_deref()) {
            self.last_calls.learn(agent, until(agent).unwrap_or(row.ended_ms), row);
        }
    }

    /// An agent, named by a channel or by the interface, sets a code on the call that they are in, or on their last one. False if there is none.
    pub(crate) fn agent_tags(&mut self, named: &str, tag: &Tag) -> bool {
        let of_channel = channel_name::has_serial(named).then(|| channel_name::interface(named));
        let mut names = std::iter::once(named).chain(of_channel);
        let agent = names.find(|name| self.call_of(name).is_some() || self.last_calls.0.contains_key(*name));
        let Some(agent) = agent else { return false };
        let tag = Tag { by: agent.to_owned(), ..tag.clone() };
        let Some(call) = self.call_of(agent) else {
            let Some((_, last)) = self.last_calls.0.get(agent) else { return false };
            self.outputs.push_back(Output::Tagged(Box::new((last.clone(), tag))));
            return true;
        };
        let room = self.calls.have_room();
        let at = tag.at_ms;
        if !self.calls.call_mut(call).tagged(tag, room) {
            return false;
        }
        self.calls.touched(call, at, self.now.mono_ms);
        self.calls.mark(call);
        self.progress_changes(call);
        true
    }

    /// The call in which this agent talks with somebody outside, the one that began last; else the one that they left last and that has no row yet,
    /// because its customer is still on the line or has just hung up, unless one that has its row was later.
    fn call_of(&self, agent: &str) -> Option<Slot> {
        let theirs = |c: &Call| -> Option<(bool, Millis)> {
            let people = || c.people.iter().filter(|p| *p.interface == *agent);
            let talks = people().any(|p| p.talk.state() != Talking::No);
            if talks { Some((true, c.started_ms)) } else { Some((false, last_talk(people())?)) }
        };
        let calls = self.calls.iter().filter(|(_, c)| c.stage != Stage::Recorded && !c.orphaned);
        let found = calls.filter_map(|(slot, c)| Some((theirs(c)?, slot))).max_by_key(|(of, _)| *of);
        let is_later =
            |of: (bool, Millis)| of.0 || self.last_calls.0.get(agent).is_none_or(|(until, _)| *until <= of.1);
        found.filter(|(of, _)| is_later(*of)).map(|(_, slot)| slot)
    }

    /// What an agent says of a call by dialling.
    pub(crate) fn agent_event(&mut self, named: &str, code: String, note: String, at: Millis) {
        let tag = Tag { code, note, by: String::new(), at_ms: at };
        if !self.agent_tags(named, &tag) {
            self.counters.user_events_refused += 1;
        }
    }
}

/// Until when these talked.
fn last_talk<'p>(people: impl Iterator<Item = &'p Person>) -> Option<Millis> {
    people.filter_map(|p| p.talk.last_end_ms).max()
}
