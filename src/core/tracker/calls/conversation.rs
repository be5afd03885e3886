//! Who talks with the customer, by who hears whom, and the clocks of talk and hold.

use crate::millis::Millis;
use crate::model::channel_name::Kind;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Person};
use crate::tracker::calls::registry::Calls;
use crate::tracker::calls::talk::{Clock, Talking};
use crate::tracker::table::Slot;
use crate::tracker::topology::graph::Topology;

/// Of those who talk with a customer so many are kept: more are a conference, and that the customer talks is known all the same.
pub const MAX_PEOPLE: usize = 100;

impl Tracker {
    /// Works out who hears whom in all calls that this channel is connected with.
    pub(crate) fn retime_around(&mut self, channel: Slot, at: Millis) {
        if self.topology.channel(channel).ended_ms.is_some() {
            // It connects nobody any more.
            return self.retime_all(&self.topology.calls_around(channel), at);
        }
        let around = self.conversation(channel);
        let calls = self.topology.calls_of(&around.channels);
        let mut known = vec![around];
        for call in calls {
            self.retime_within(call, &mut known, at);
        }
    }

    /// The same in these calls.
    pub(crate) fn retime_all(&mut self, calls: &[Slot], at: Millis) {
        let mut known = Vec::new();
        for call in calls {
            self.retime_within(*call, &mut known, at);
        }
    }

    /// Works out who hears the customer now, and lets the clocks run accordingly.
    pub(crate) fn retime(&mut self, call: Slot, at: Millis) {
        self.retime_within(call, &mut Vec::new(), at);
    }

    /// The same. `known`: conversations that have been looked at since anything changed; those of this call's customers are added. In a conference all
    /// calls share one.
    fn retime_within(&mut self, call: Slot, known: &mut Vec<Conversation>, at: Millis) {
        let mut heard: Vec<(Slot, bool)> = Vec::new();
        let (mut waits, mut served, mut comes_back) = (false, false, None);
        let mut taken: Vec<usize> = Vec::new();
        for i in 0..self.calls[call].channels.len() {
            let slot = self.calls[call].channels[i];
            let channel = self.topology.channel(slot);
            if channel.ended_ms.is_some() || !self.is_customer(call, slot) {
                continue;
            }
            waits |= channel.parked
                || channel.bridge.is_some()
                    && *comes_back.get_or_insert_with(|| self.calls.someone_comes_back(&self.topology, call));
            if !channel.up {
                continue;
            }
            let which = known.iter().position(|conversation| conversation.has(slot)).unwrap_or_else(|| {
                known.push(self.conversation(slot));
                known.len() - 1
            });
            if !taken.contains(&which) {
                taken.push(which);
                let Conversation { people, held, served: by_machine, .. } = &known[which];
                served |= by_machine;
                let of_this =
                    |person: &&Slot| self.topology.channel(**person).call == call || !self.is_customer(call, **person);
                heard.extend(people.iter().filter(of_this).map(|person| (*person, *held)));
            }
        }
        for (person, _) in &heard {
            if !self.calls.hears(&mut self.topology, call, *person) {
                self.counters.details_dropped += 1;
                break;
            }
        }
        heard.sort_unstable();
        self.calls.call_mut(call).customer_hears(&heard, waits, served, at);
        if !self.calls[call].queue_visits.is_empty() {
            self.waiting_changes(call);
        }
        self.calls.mark(call);
    }

    /// What this channel is connected with now.
    fn conversation(&self, from: Slot) -> Conversation {
        let mut channels = self.topology.reached(from);
        let (mut people, mut held, mut served) = (Vec::new(), false, false);
        for &slot in &channels {
            let channel = self.topology.channel(slot);
            held |= channel.held;
            served |=
                channel.up && channel.kind == Kind::Machine && self.rules.self_service_machines.fit(&channel.name);
            if channel.can_talk() && !self.is_customer(channel.call, slot) {
                people.push(slot);
            }
        }
        channels.sort_unstable();
        Conversation { channels, people, held, served }
    }

    /// The customer had talked since `from`, with whoever is at this phone if it is known, and nobody saw it begin; at `to` it was over.
    pub(crate) fn had_talked(&mut self, customer: Slot, phone: Option<Slot>, from: Millis, to: Millis) {
        let call = self.topology.channel(customer).call;
        self.topology.has_met(customer);
        if let Some(phone) = phone {
            self.topology.has_met(phone);
            self.calls.person(&mut self.topology, call, phone).talk.had_begun(from, to);
        }
        self.calls.call_mut(call).had_talked(from, to);
        self.calls.mark(call);
    }
}

/// Channels that hear each other.
struct Conversation {
    /// All of them, sorted.
    channels: Vec<Slot>,
    /// Those who have answered and are not the customers of their own calls, the nearest first.
    people: Vec<Slot>,
    /// The way to somebody is on hold.
    held: bool,
    /// A machine that serves callers is among them.
    served: bool,
}

impl Conversation {
    fn has(&self, slot: Slot) -> bool {
        self.channels.binary_search(&slot).is_ok()
    }
}

impl Call {
    /// The customer hears these people now, each with whether the way there is on hold, in the order of their channels. `waits`: parked, or while someone consults a colleague;
    /// `served`: by a machine that serves callers.
    fn customer_hears(&mut self, heard: &[(Slot, bool)], waits: bool, served: bool, at: Millis) {
        let held = heard.iter().any(|(_, held)| *held);
        self.machine.set(if served { Talking::Yes } else { Talking::No }, at);
        for person in &mut self.people {
            let state = match heard.binary_search_by_key(&person.channel, |(slot, _)| *slot) {
                Err(_) => Talking::No,
                Ok(_) if held => Talking::Held,
                Ok(_) => Talking::Yes,
            };
            person.talk.set(state, at);
        }
        let state = match (heard.is_empty(), held) {
            (false, false) => Talking::Yes,
            (false, true) => Talking::Held,
            (true, _) if waits && self.talk.first_ms.is_some() => Talking::Held,
            (true, _) => Talking::No,
        };
        self.talk.set(state, at);
        if !heard.is_empty() {
            self.seen.customer_is_shown();
        }
    }

    /// The customer had talked with somebody since `from`, and nobody saw it begin; at `to` it was over.
    pub(crate) fn had_talked(&mut self, from: Millis, to: Millis) {
        self.talk.had_begun(from, to);
    }

    /// Whoever is at this phone, as someone who talks with the customer.
    fn person(&mut self, phone: Slot, interface: Box<str>) -> &mut Person {
        let known = self.people.iter().position(|p| p.channel == phone);
        let index = known.unwrap_or_else(|| {
            self.people.push(Person { channel: phone, interface, talk: Clock::default() });
            self.people.len() - 1
        });
        &mut self.people[index]
    }
}

impl Calls {
    /// The customer hears whoever is at this phone; false if there is no room to keep that.
    fn hears(&mut self, topology: &mut Topology, call: Slot, phone: Slot) -> bool {
        let people = &self[call].people;
        let known = people.iter().any(|person| person.channel == phone);
        if !known && (people.len() >= MAX_PEOPLE || !self.have_room()) {
            return false;
        }
        self.person(topology, call, phone);
        true
    }

    /// Whoever is at this phone, as someone who talks with the customer.
    fn person(&mut self, topology: &mut Topology, call: Slot, phone: Slot) -> &mut Person {
        if topology.channel(phone).call != call {
            topology.is_shared(phone);
        }
        let interface = self.identity(topology, call, phone).into();
        self.call_mut(call).person(phone, interface)
    }

    /// Someone who talked with the customer is still on the line: consulting a colleague, and about to come back.
    fn someone_comes_back(&self, topology: &Topology, call: Slot) -> bool {
        self[call].people.iter().any(|p| {
            let channel = topology.channel(p.channel);
            channel.ended_ms.is_none() && channel.far_hangup_ms.is_none() && channel.pbx_hangup_ms.is_none()
        })
    }
}
