//! Who talks with the customer, by who hears whom, and the clocks of talk and hold.

use crate::millis::Millis;
use crate::model::channel_name::Kind;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Person};
use crate::tracker::calls::registry::Calls;
use crate::tracker::calls::talk::{Clock, Talking};
use crate::tracker::table::Slot;
use crate::tracker::topology::graph::Topology;

impl Tracker {
    /// Works out who hears whom in all calls that this channel is connected with.
    pub(crate) fn retime_around(&mut self, channel: Slot, at: Millis) {
        for call in self.topology.calls_around(channel) {
            self.retime(call, at);
        }
    }

    /// Works out who hears the customer now, and lets the clocks run accordingly.
    pub(crate) fn retime(&mut self, slot: Slot, at: Millis) {
        let call = slot;
        let mut heard: Vec<(Slot, bool)> = Vec::new();
        let (mut waits, mut served) = (false, false);
        for i in 0..self.calls[call].channels.len() {
            let slot = self.calls[call].channels[i];
            if self.topology.channel(slot).ended_ms.is_none() && self.is_customer(call, slot) {
                let channel = self.topology.channel(slot);
                waits |=
                    channel.parked || (channel.bridge.is_some() && self.calls.someone_comes_back(&self.topology, call));
                if channel.up {
                    served |= self.hears(call, slot, &mut heard);
                }
            }
        }
        for (person, _) in &heard {
            self.calls.person(&mut self.topology, call, *person);
        }
        self.calls.call_mut(call).customer_hears(&heard, waits, served, at);
        if !self.calls[call].queue_visits.is_empty() {
            self.waiting_changes(slot);
        }
        self.calls.mark(slot);
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

    /// Adds to `heard` every person whom this customer hears, and whether the way there is on hold. True if the customer hears a machine that
    /// serves callers.
    fn hears(&self, call: Slot, from: Slot, heard: &mut Vec<(Slot, bool)>) -> bool {
        let reached = self.topology.reached(from);
        let held = reached.iter().any(|slot| self.topology.channel(*slot).held);
        let serves = |slot: &Slot| {
            let channel = self.topology.channel(*slot);
            channel.up && channel.kind == Kind::Machine && self.rules.self_service_machines.fit(&channel.name)
        };
        let served = reached.iter().any(serves);
        let people = reached.into_iter().filter(|slot| self.is_person(call, *slot));
        heard.extend(people.map(|slot| (slot, held)));
        served
    }
}

impl Call {
    /// The customer hears these people now, each with whether the way there is on hold. `waits`: parked, or while someone consults a colleague;
    /// `served`: by a machine that serves callers.
    fn customer_hears(&mut self, heard: &[(Slot, bool)], waits: bool, served: bool, at: Millis) {
        let held = heard.iter().any(|(_, held)| *held);
        self.machine.set(if served { Talking::Yes } else { Talking::No }, at);
        for person in &mut self.people {
            let state = match heard.iter().any(|(slot, _)| *slot == person.channel) {
                false => Talking::No,
                true if held => Talking::Held,
                true => Talking::Yes,
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
