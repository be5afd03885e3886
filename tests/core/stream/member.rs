//! Members of queues, and the calls that a queue gives them.

use super::{Driver, Line};

/// A member of a queue, as its events show it.
#[derive(Clone)]
pub struct Membership<'a> {
    pub queue: &'a str,
    pub interface: &'a str,
    pub state_interface: &'a str,
    pub status: u8,
    pub paused: bool,
    pub reason: &'a str,
    pub wrapup_s: u32,
}

impl<'a> Membership<'a> {
    pub fn of(queue: &'a str, interface: &'a str) -> Self {
        Self { queue, interface, state_interface: interface, status: 1, paused: false, reason: "", wrapup_s: 0 }
    }

    pub fn event(&self, name: &str) -> String {
        let Self { queue, interface, state_interface, status, paused, reason, wrapup_s } = self;
        let paused = u8::from(*paused);
        format!(
            "Event: {name}\r\nQueue: {queue}\r\nMemberName: Alice\r\nInterface: {interface}\r\nStateInterface: {state_interface}\r\n\
             Membership: dynamic\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\nLastPause: 0\r\nInCall: 0\r\nStatus: {status}\r\n\
             Paused: {paused}\r\nPausedReason: {reason}\r\nRinginuse: 0\r\nWrapuptime: {wrapup_s}\r\n\r\n"
        )
    }
}

/// A customer for whom a phone rings on behalf of a queue.
pub fn rung_by(driver: &mut Driver, queue: &str, phone: &str, call: &str) -> (Line, Line) {
    let customer = Line::customer(&format!("{call}.1"));
    let phone = Line::phone(phone, &format!("{call}.2"), &customer.id);
    driver.say(&(customer.begins() + &phone.begins()));
    let interface = phone.name.rsplit_once('-').unwrap().0.to_owned();
    driver.say(&customer.with(
        &phone,
        "AgentCalled",
        &[("Queue", queue), ("Interface", &interface), ("MemberName", "Alice")],
    ));
    driver.say(&customer.dials(&phone));
    driver.say(&phone.clone().state(5).event("Newstate", &[]));
    (customer, phone)
}

pub fn answers(driver: &mut Driver, customer: &Line, phone: &Line, bridge: &str) {
    driver.say(&phone.clone().state(6).event("Newstate", &[]));
    driver.say(&(customer.dial_ends(phone, "ANSWER") + &phone.enters(bridge) + &customer.enters(bridge)));
}

pub fn end(driver: &mut Driver, customer: &Line, phone: &Line, bridge: &str) {
    driver.say(&(phone.far_end_hangs_up() + &phone.leaves(bridge) + &customer.leaves(bridge)));
    driver.say(&(phone.hangs_up() + &customer.hangs_up()));
}
