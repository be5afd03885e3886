//! Calls that are made for people inside: click-to-call and dialers, by an Originate of a Local channel; and a supervisor who listens.

use super::pbx::{Pbx, hangs_up, originates, runs, soft_hangup};
use super::{Fate, Truth};
use crate::stream::Line;
use callbackd_core::model::{Direction, Outcome, Status};

/// An Originate reaches the agent first, or the customer.
pub fn call(pbx: &mut Pbx, at: i64) -> Truth {
    let number = format!("120255501{:02}", pbx.rng.u32(..70));
    if pbx.chance(2) { agent_first(pbx, at, number) } else { customer_first(pbx, at, number) }
}

fn customers(pbx: &mut Pbx, number: &str, linkedid: &str) -> Line {
    let (n, id) = pbx.next();
    Line::new(&format!("PJSIP/trunk-{n:08x}"), &id, linkedid, number, "from-trunk", number)
}

/// The first half of the Local channel, under whose uniqueid the call is, and the one behind it.
fn halves(pbx: &mut Pbx, at: i64, to: &str, shown: &str) -> (Line, Line) {
    let (mut near, mut behind) = pbx.local(to, "");
    near.linkedid.clone_from(&near.id);
    behind.linkedid.clone_from(&near.id);
    for half in [&mut near, &mut behind] {
        shown.clone_into(&mut half.number);
    }
    pbx.say(at, near.begins() + &behind.begins() + &originates(&near, &format!("{to}/n")));
    (near, behind)
}

fn truth(linkedid: &str, number: String, fate: Fate, way: &'static str) -> Truth {
    let (linkedid, direction) = (linkedid.to_owned(), Direction::Outbound);
    Truth { linkedid, direction, number: Some(number), did: None, fate, way: vec![way] }
}

/// How the customer's line refuses.
fn refusal(pbx: &mut Pbx) -> (&'static str, Fate) {
    let (said, status, outcome) = match pbx.rng.u32(..3) {
        0 => ("BUSY", Status::Busy, Outcome::AllBusy),
        1 => ("CONGESTION", Status::NotConnected, Outcome::Congestion),
        _ => ("NOANSWER", Status::NoAnswer, Outcome::RingTimeout),
    };
    (said, Fate::Missed { status, outcome })
}

fn agent_first(pbx: &mut Pbx, at: i64, number: String) -> Truth {
    let (n, id) = pbx.next();
    let extension = format!("2{:02}", n % 100);
    let (near, behind) = halves(pbx, at, &format!("{extension}@from-internal"), &number);
    let agent = Line::new(&format!("PJSIP/{extension}-{n:08x}"), &id, &near.id, &extension, "from-internal", "");
    pbx.say(at, agent.begins() + &behind.dials(&agent));
    pbx.say(at + 20, agent.clone().state(5).event("Newstate", &[]));
    let at = at + pbx.rng.i64(500..4_000);
    let (near, behind, agent) = (near.state(6), behind.state(6), agent.state(6));
    pbx.say(at, agent.event("Newstate", &[]) + &behind.dial_ends(&agent, "ANSWER") + &near.event("Newstate", &[]));
    pbx.say(at, agent.enters(&format!("{id}-a")) + &behind.enters(&format!("{id}-a")));
    let customer = customers(pbx, &number, &near.id);
    let dials = near.with(&customer, "DialBegin", &[("DialString", &format!("{number}@trunk"))]);
    pbx.say(at, customer.begins() + &dials);
    pbx.say(at + 30, customer.clone().state(5).event("Newstate", &[]));
    let mut at = at + pbx.rng.i64(1_000..8_000);
    let customer = customer.state(6);
    let fate = if pbx.chance(2) {
        let (said, fate) = refusal(pbx);
        pbx.say(at, near.dial_ends(&customer.clone().state(5), said));
        fate
    } else {
        let (bridge, talk_ms) = (format!("{id}-c"), pbx.rng.i64(1_500..20_000));
        pbx.say(at, customer.event("Newstate", &[]) + &near.dial_ends(&customer, "ANSWER"));
        pbx.say(at, customer.enters(&bridge) + &near.enters(&bridge));
        at += talk_ms;
        pbx.say(at, customer.far_end_hangs_up() + &customer.leaves(&bridge) + &near.leaves(&bridge));
        Fate::Served { agent: format!("PJSIP/{extension}"), talk_ms }
    };
    let apart = agent.leaves(&format!("{id}-a")) + &behind.leaves(&format!("{id}-a"));
    pbx.say(at, hangs_up(&customer, "16") + &soft_hangup(&near) + &hangs_up(&near, "16") + &apart);
    pbx.say(at, hangs_up(&behind, "16") + &hangs_up(&agent, "16"));
    truth(&near.linkedid, number, fate, "an Originate reaches the agent first")
}

fn customer_first(pbx: &mut Pbx, at: i64, number: String) -> Truth {
    let (near, behind) = halves(pbx, at, &format!("{number}@out"), "5550100");
    let customer = customers(pbx, &number, &near.id);
    let dials = behind.with(&customer, "DialBegin", &[("DialString", &format!("{number}@trunk"))]);
    pbx.say(at, customer.begins() + &dials);
    pbx.say(at + 20, customer.clone().state(5).event("Newstate", &[]));
    let at = at + pbx.rng.i64(1_000..6_000);
    let bridge = near.id.clone();
    let (near, behind, customer) = (near.state(6), behind.state(6), customer.state(6));
    pbx.say(at, customer.event("Newstate", &[]) + &behind.dial_ends(&customer, "ANSWER"));
    pbx.say(at, customer.enters(&bridge) + &behind.enters(&bridge) + &near.event("Newstate", &[]));
    let (n, id) = pbx.next();
    let agent = Line::new(&format!("PJSIP/210-{n:08x}"), &id, &near.id, "210", "from-internal", "");
    let called = [("Queue", "sales"), ("Interface", "PJSIP/210"), ("MemberName", "Ann")];
    pbx.say(at, near.event("QueueCallerJoin", &[("Queue", "sales"), ("Position", "1"), ("Count", "1")]));
    pbx.say(at, agent.begins() + &near.with(&agent, "AgentCalled", &called) + &near.dials(&agent));
    pbx.say(at + 20, agent.clone().state(5).event("Newstate", &[]));
    let mut at = at + pbx.rng.i64(1_500..9_000);
    let leave = near.event("QueueCallerLeave", &[("Queue", "sales"), ("Count", "0"), ("Position", "1")]);
    let (agent, second) = (agent.state(6), format!("{bridge}-2"));
    let fate = if pbx.chance(2) {
        let gone = customer.far_end_hangs_up() + &customer.leaves(&bridge) + &near.far_end_hangs_up();
        pbx.say(at, gone + &near.event("QueueCallerAbandon", &[("Queue", "sales")]) + &leave);
        pbx.say(at, near.dial_ends(&agent.clone().state(5), "CANCEL") + &hangs_up(&agent.clone().state(5), "0"));
        Fate::Missed { status: Status::Cancel, outcome: Outcome::QueueAbandon }
    } else {
        pbx.say(at, agent.event("Newstate", &[]) + &near.dial_ends(&agent, "ANSWER") + &leave);
        pbx.say(at, agent.enters(&second) + &near.enters(&second));
        let talk_ms = pbx.rng.i64(1_500..20_000);
        at += talk_ms;
        pbx.say(at, customer.far_end_hangs_up() + &customer.leaves(&bridge) + &agent.leaves(&second));
        pbx.say(at, near.leaves(&second) + &hangs_up(&agent, "16"));
        Fate::Served { agent: "PJSIP/210".to_owned(), talk_ms }
    };
    pbx.say(at, hangs_up(&customer, "16") + &hangs_up(&near, "16"));
    pbx.say(at, behind.leaves(&bridge) + &hangs_up(&behind, "16"));
    truth(&near.linkedid, number, fate, "an Originate reaches the customer first")
}

/// Somebody who listens to the calls of others; returns under what linkedid.
pub fn supervisor(pbx: &mut Pbx) -> String {
    let (at, (n, id)) = (pbx.rng.i64(0..20_000), pbx.next());
    let mut line = Line::new(&format!("PJSIP/199-{n:08x}"), &id, &id, "199", "from-internal", "555").state(4);
    pbx.say(at, line.begins());
    line.state = 6;
    let spies = line.event("Newstate", &[]) + &runs(&mut line, ("from-internal", "555"), ("ChanSpy", "PJSIP/101"));
    pbx.say(at, spies);
    let until = at + pbx.rng.i64(1_000..20_000);
    pbx.say(until, line.far_end_hangs_up() + &hangs_up(&line, "16"));
    id
}
