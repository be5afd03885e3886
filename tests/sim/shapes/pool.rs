//! Agents of app_agent_pool: one stays on the line, and customers are brought to them, one after the other.

use super::pbx::{Pbx, hangs_up, runs, soft_hangup};
use super::{Fate, Truth};
use crate::stream::Line;
use callbackd_core::model::{Direction, Outcome, Status};

/// The queue's member who stands for the agent.
const MEMBER: &str = "Local/1001@agents/n";

/// An agent who has logged in.
struct Agent {
    line: Line,
    hold: String,
    /// The agent's phone, as rows name it.
    name: String,
}

/// A customer in the queue.
struct Customer {
    line: Line,
    number: String,
    way: Vec<&'static str>,
}

/// An agent logs in, serves those who call, and logs off.
pub fn calls(pbx: &mut Pbx, at: i64) -> Vec<Truth> {
    let (n, id) = pbx.next();
    let extension = format!("16{}", n % 10);
    let mut line =
        Line::new(&format!("PJSIP/{extension}-{n:08x}"), &id, &id, &extension, "from-internal", "*50").state(4);
    pbx.say(at, line.begins());
    line.state = 6;
    let up = line.event("Newstate", &[]) + &runs(&mut line, ("agent-login", "1001"), ("AgentLogin", "1001,s"));
    let mut agent = Agent { line, hold: format!("hold-{n}"), name: format!("PJSIP/{extension}") };
    pbx.say(at, up + &agent.line.event("AgentLogin", &[("Agent", "1001")]) + &agent.line.enters(&agent.hold));
    let (mut truths, mut free) = (Vec::new(), at + 500);
    for _ in 0..pbx.rng.u32(1..4) {
        // Before the agent is free again, or later.
        let arrives = (free + pbx.rng.i64(-6_000..4_000)).max(at + 100);
        let customer = joins(pbx, arrives);
        let (truth, until) = waits(pbx, &mut agent, customer, arrives, free);
        truths.push(truth);
        free = until;
    }
    let leaves = free + pbx.rng.i64(100..4_000);
    let off =
        agent.line.far_end_hangs_up() + &agent.line.event("AgentLogoff", &[("Agent", "1001"), ("Logintime", "60")]);
    pbx.say(leaves, off + &agent.line.leaves(&agent.hold) + &hangs_up(&agent.line, "16"));
    truths
}

fn joins(pbx: &mut Pbx, at: i64) -> Customer {
    let (n, id) = pbx.next();
    let number = format!("120255501{:02}", pbx.rng.u32(..70));
    let mut line = Line::new(&format!("PJSIP/trunk-{n:08x}"), &id, &id, &number, "from-trunk", "5550177").state(4);
    let begins = line.begins() + &runs(&mut line, ("from-trunk", "5550177"), ("Answer", ""));
    line.state = 6;
    let up = line.event("Newstate", &[]) + &runs(&mut line, ("from-trunk", "5550177"), ("Queue", "pool,,,,60"));
    let joins = line.event("QueueCallerJoin", &[("Queue", "pool"), ("Position", "1"), ("Count", "1")]);
    pbx.say(at, begins + &up + &joins);
    Customer { line, number, way: vec!["a queue of the agent pool"] }
}

/// Until the agent is free, the customer gives up, or both have talked; the truth, and from when on the agent is free.
fn waits(pbx: &mut Pbx, agent: &mut Agent, mut customer: Customer, from: i64, free: i64) -> (Truth, i64) {
    let talks_at = free.max(from) + pbx.rng.i64(300..2_000);
    let mut at = from + pbx.rng.i64(20..200);
    let mut busy = 0;
    while at < free && busy < 4 {
        is_refused(pbx, &customer.line, at);
        customer.way.push("the agent talks with another");
        at += pbx.rng.i64(900..1_500);
        busy += 1;
    }
    if pbx.chance(3) {
        let gives_up = (at.max(from + 1_200) + 400).min(talks_at.max(from + 1_200));
        customer.way.push("gives up");
        let more = [("Queue", "pool"), ("Position", "1"), ("OriginalPosition", "1"), ("HoldTime", "5")];
        let leave = [("Queue", "pool"), ("Count", "0"), ("Position", "1")];
        let line = &customer.line;
        let says = line.far_end_hangs_up()
            + &line.event("QueueCallerAbandon", &more)
            + &line.event("QueueCallerLeave", &leave);
        pbx.say(gives_up, says + &soft_hangup(line) + &hangs_up(line, "16"));
        let fate = Fate::Missed { status: Status::Cancel, outcome: Outcome::QueueAbandon };
        return (truth(customer, fate), free);
    }
    let talks_at = talks_at.max(at);
    let talk_ms = pbx.rng.i64(1_500..15_000);
    talk(pbx, agent, &mut customer, talks_at, talk_ms);
    (truth(customer, Fate::Served { agent: agent.name.clone(), talk_ms }), talks_at + talk_ms)
}

fn truth(customer: Customer, fate: Fate) -> Truth {
    let Customer { line, number, way } = customer;
    let (linkedid, direction) = (line.linkedid, Direction::Inbound);
    Truth { linkedid, direction, number: Some(number), did: Some("5550177".to_owned()), fate, way }
}

/// The queue asks for the agent by a Local channel, which is waited in or not.
fn asks(pbx: &mut Pbx, customer: &Line, at: i64) -> (Line, Line) {
    let (near, mut behind) = pbx.local("1001@agents", &customer.linkedid);
    let called = [("Queue", "pool"), ("Interface", MEMBER), ("MemberName", "Ann")];
    let begins = near.begins() + &behind.begins() + &customer.with(&near, "AgentCalled", &called);
    let dials = customer.with(&near, "DialBegin", &[("DialString", MEMBER)]);
    let request = runs(&mut behind, ("agents", "1001"), ("AgentRequest", "1001"));
    pbx.say(at, begins + &dials + &request);
    (near, behind)
}

/// The agent talks with another: the request fails at once.
fn is_refused(pbx: &mut Pbx, customer: &Line, at: i64) {
    let (near, mut behind) = asks(pbx, customer, at);
    let ends = runs(&mut behind, ("agents", "1001"), ("Hangup", "")) + &soft_hangup(&behind);
    let missed = [("Queue", "pool"), ("Interface", MEMBER), ("RingTime", "0")];
    let says = customer.dial_ends(&near, "NOANSWER") + &customer.with(&near, "AgentRingNoAnswer", &missed);
    pbx.say(at + 2, ends + &near.far_end_hangs_up() + &hangs_up(&behind, "16") + &says + &hangs_up(&near, "16"));
}

fn talk(pbx: &mut Pbx, agent: &mut Agent, customer: &mut Customer, at: i64, talk_ms: i64) {
    let asked = at - 250;
    let (near, behind) = asks(pbx, &customer.line, asked);
    let (room, bridge) = (format!("{}-pool", near.id), near.id.clone());
    let waits = behind.event("BridgeEnter", &[("BridgeUniqueid", &room), ("BridgeTechnology", "simple_bridge")]);
    pbx.say(asked, waits + &near.clone().state(5).event("Newstate", &[]));
    // Who is in one bridge is of one call: the older of both.
    let mut behind = behind.state(6);
    let older = |pbx: &Pbx, a: &str, b: &str| if pbx.is_older(a, b) { a.to_owned() } else { b.to_owned() };
    pbx.say(at, agent.line.leaves(&agent.hold) + &agent.line.enters(&room));
    let merged = older(pbx, &agent.line.linkedid, &behind.linkedid);
    agent.line.linkedid.clone_from(&merged);
    behind.linkedid = merged;
    let near = near.state(6);
    let leave = [("Queue", "pool"), ("Count", "0"), ("Position", "1")];
    let connect = [("Queue", "pool"), ("Interface", MEMBER), ("HoldTime", "1")];
    let line = &customer.line;
    let says = behind.event("Newstate", &[]) + &near.event("Newstate", &[]) + &line.dial_ends(&near, "ANSWER");
    let connected = line.event("QueueCallerLeave", &leave) + &line.with(&near, "AgentConnect", &connect);
    pbx.say(at, says + &connected + &near.enters(&bridge) + &line.enters(&bridge));
    let end = at + talk_ms;
    let by_agent = pbx.chance(4);
    customer.way.push(if by_agent { "the agent ends the call" } else { "the caller hangs up" });
    let line = &customer.line;
    if !by_agent {
        pbx.say(end, line.far_end_hangs_up());
    }
    let apart = line.leaves(&bridge) + &soft_hangup(line) + &near.leaves(&bridge) + &behind.far_end_hangs_up();
    pbx.say(end, apart + &hangs_up(&near, "16") + &hangs_up(line, "16"));
    let back = agent.line.leaves(&room) + &agent.line.enters(&agent.hold);
    pbx.say(end, behind.leaves(&room) + &soft_hangup(&behind) + &hangs_up(&behind, "16") + &back);
}
