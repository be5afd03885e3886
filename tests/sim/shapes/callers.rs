//! Callers from outside: how they arrive, what they are led through, and whom they reach.

mod follow_me;

use super::pbx::{By, Leg, Pbx, hangs_up, originates, runs, soft_hangup, variable};
use super::{Fate, Truth};
use crate::stream::Line;
use callbackd_core::model::{Direction, Outcome, Status};

/// A caller on the way.
struct Caller {
    line: Line,
    /// The halves of the Local channel into which the dialplan has sent the caller, if it has.
    behind: Option<(Line, Line)>,
    at: i64,
    bridge: String,
    way: Vec<&'static str>,
}

/// What a phone does within the time for which it rings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Answers(i64),
    Rings,
    Busy,
    Rejects(i64),
}

impl Caller {
    /// Whoever runs the dialplan: the caller's own channel, or the far half of the Local channel.
    fn runner(&self) -> Line {
        self.behind.as_ref().map_or(&self.line, |(_, behind)| behind).clone()
    }

    fn moves(&mut self, pbx: &mut Pbx, place: (&str, &str), application: (&str, &str)) {
        let line = self.behind.as_mut().map_or(&mut self.line, |(_, behind)| behind);
        let text = runs(line, place, application);
        pbx.say(self.at, text);
    }

    fn up(&mut self, pbx: &mut Pbx) {
        if self.line.state != 6 {
            self.line.state = 6;
            pbx.say(self.at, self.line.event("Newstate", &[]));
        }
    }

    /// The caller hangs up, or the dialplan does, after what `before` says; what runs in `h` decides nothing.
    fn gone(&mut self, pbx: &mut Pbx, by_caller: bool, before: impl FnOnce(&mut Pbx, i64)) {
        let at = self.at;
        if by_caller {
            pbx.say(at, self.line.far_end_hangs_up());
        }
        if !by_caller && self.behind.is_none() {
            pbx.say(at, soft_hangup(&self.line));
        }
        before(pbx, at);
        if let Some((near, behind)) = self.behind.take() {
            let status = if by_caller { "CANCEL" } else { "NOANSWER" };
            if by_caller {
                pbx.say(at, self.line.dial_ends(&near, status) + &behind.far_end_hangs_up());
            } else {
                pbx.say(at, soft_hangup(&behind) + &near.far_end_hangs_up() + &self.line.dial_ends(&near, status));
            }
            pbx.say(at, hangs_up(&near, "16") + &hangs_up(&behind, "16") + &variable(&self.line, "DIALSTATUS", status));
            if !by_caller {
                self.moves(pbx, ("from-trunk", "s"), ("Hangup", ""));
                pbx.say(at, soft_hangup(&self.line));
            }
        }
        if pbx.chance(3) {
            let mut line = self.line.clone();
            let texts = runs(&mut line, ("from-trunk", "h"), ("Gosub", "bye,s,1"))
                + &runs(&mut line, ("ivr-bye", "s"), ("NoOp", ""))
                + &runs(&mut line, ("closed", "s"), ("NoOp", ""));
            pbx.say(at, texts);
        }
        pbx.say(at, hangs_up(&self.line, "16"));
    }
}

/// A customer calls.
pub fn call(pbx: &mut Pbx, at: i64) -> Truth {
    let (mut caller, number, did) = arrives(pbx, at);
    let fate = led(pbx, &mut caller);
    Truth { linkedid: caller.line.linkedid.clone(), direction: Direction::Inbound, number, did, fate, way: caller.way }
}

fn arrives(pbx: &mut Pbx, at: i64) -> (Caller, Option<String>, Option<String>) {
    let (n, id) = pbx.next();
    let number = format!("120255501{:02}", pbx.rng.u32(..70));
    let did = format!("55501{:02}", pbx.rng.u32(..100));
    let (name, state, way) = match pbx.rng.u32(..5) {
        0 => (format!("SIP/carrier-{n:08x}"), 0, "chan_sip"),
        1 => (format!("DAHDI/i1/{number}-{n:x}"), 4, "ISDN"),
        2 => (format!("DAHDI/i2/{number}-{n:x}"), 1, "overlap ISDN"),
        3 => (format!("DAHDI/{}-1", 1 + n % 48), 9, "analog line"),
        _ => (format!("PJSIP/trunk-{n:08x}"), 4, "chan_pjsip"),
    };
    let (exten, did) = if way == "analog line" { ("s".to_owned(), None) } else { (did.clone(), Some(did)) };
    let withheld = way == "chan_pjsip" && pbx.chance(6);
    let shown = if withheld { "anonymous" } else { &number };
    let mut line = Line::new(&name, &id, &id, shown, "from-trunk", &exten).state(state);
    pbx.say(at, line.begins());
    line.state = 4;
    if state != 4 {
        pbx.say(at, line.event("Newstate", &[]));
    }
    let text = runs(&mut line, ("from-trunk", &exten), ("NoOp", ""));
    pbx.say(at, text);
    let mut caller = Caller { line, behind: None, at, bridge: format!("bridge-{n}"), way: vec![way] };
    if pbx.chance(2) {
        caller.moves(pbx, ("from-trunk", &exten), ("Answer", ""));
        caller.up(pbx);
        caller.way.push("answered");
    }
    (caller, (!withheld).then_some(number), did)
}

/// What the dialplan does with the caller, up to the end.
fn led(pbx: &mut Pbx, caller: &mut Caller) -> Fate {
    if pbx.chance(4) {
        let (near, behind) = pbx.local("s@desk", &caller.line.linkedid);
        caller.moves(pbx, ("from-trunk", "s"), ("Dial", "Local/s@desk/n"));
        let dials = caller.line.with(&near, "DialBegin", &[("DialString", "s@desk/n")]);
        pbx.say(caller.at, near.begins() + &behind.begins() + &dials);
        caller.behind = Some((near, behind));
        caller.way.push("sent into a Local channel");
    }
    let context = if caller.behind.is_some() { "desk" } else { "from-trunk" };
    if pbx.chance(3) {
        caller.way.push("an announcement");
        caller.moves(pbx, (context, "s"), ("Playback", "welcome"));
        caller.at += pbx.rng.i64(500..3_000);
        if pbx.chance(6) {
            caller.way.push("hangs up in it");
            caller.gone(pbx, true, |_, _| ());
            return Fate::Missed { status: Status::Cancel, outcome: Outcome::EarlyAbandon };
        }
    }
    if pbx.chance(3)
        && let Some(fate) = menu(pbx, caller)
    {
        return fate;
    }
    match pbx.rng.u32(..9) {
        0 => conference(pbx, caller),
        1 => by_ari(pbx, caller),
        2 => machine(pbx, caller),
        3 => follow_me::follow_me(pbx, caller),
        4..7 => phones(pbx, caller, Some("sales")),
        _ => phones(pbx, caller, None),
    }
}

/// A menu by WaitExten() or Read(); `None` if the caller chose something.
fn menu(pbx: &mut Pbx, caller: &mut Caller) -> Option<Fate> {
    let by_read = pbx.chance(2);
    caller.way.push(if by_read { "a menu by Read()" } else { "a menu" });
    let application = if by_read { ("Read", "CHOICE,menu,1,,1,5") } else { ("WaitExten", "5") };
    caller.moves(pbx, ("ivr-main", "s"), application);
    caller.at += pbx.rng.i64(500..4_000);
    match pbx.rng.u32(..8) {
        0 => {
            caller.way.push("hangs up in it");
            caller.gone(pbx, true, |_, _| ());
            Some(Fate::Missed { status: Status::Cancel, outcome: Outcome::IvrLost })
        }
        1 => {
            caller.way.push("chooses nothing");
            if by_read {
                read_ends(pbx, caller, "", "TIMEOUT");
                caller.moves(pbx, ("ivr-main", "s"), ("Hangup", ""));
            } else {
                caller.moves(pbx, ("ivr-main", "t"), ("Goto", "blackhole,hangup,1"));
                caller.moves(pbx, ("blackhole", "hangup"), ("Hangup", ""));
            }
            caller.gone(pbx, false, |_, _| ());
            Some(Fate::Missed { status: Status::NoAnswer, outcome: Outcome::IvrTimeout })
        }
        2 => {
            caller.way.push("chooses what is not offered");
            if by_read {
                read_ends(pbx, caller, "9", "OK");
                caller.moves(pbx, ("ivr-main", "s"), ("Hangup", ""));
            } else {
                caller.moves(pbx, ("ivr-main", "i"), ("Hangup", ""));
            }
            caller.gone(pbx, false, |_, _| ());
            Some(Fate::Missed { status: Status::NoAnswer, outcome: Outcome::IvrInvalid })
        }
        _ => {
            if by_read {
                read_ends(pbx, caller, "1", "OK");
            }
            caller.moves(pbx, ("ivr-main", "1"), ("Goto", "desk,s,1"));
            None
        }
    }
}

/// The stream names the variable of Read() before it sets it: both in one text, since each is decoded by itself.
fn read_ends(pbx: &mut Pbx, caller: &Caller, digits: &str, status: &str) {
    let runner = caller.runner();
    let again =
        runner.event("Newexten", &[("Extension", "s"), ("Application", "Read"), ("AppData", "CHOICE,menu,1,,1,5")]);
    let begins = again + &variable(&runner, "READSTATUS", "ERROR");
    let said = begins + &variable(&runner, "CHOICE", digits) + &variable(&runner, "READSTATUS", status);
    pbx.say(caller.at, said);
}

/// A ring group, or a queue that rings all its members.
fn phones(pbx: &mut Pbx, caller: &mut Caller, queue: Option<&'static str>) -> Fate {
    caller.way.push(if queue.is_some() { "a queue" } else { "Dial()" });
    let context = if caller.behind.is_some() { "desk" } else { "from-trunk" };
    let application = if queue.is_some() { ("Queue", "sales,,,,20") } else { ("Dial", "PJSIP/x,20") };
    if queue.is_some() && caller.behind.is_none() {
        caller.up(pbx);
    }
    caller.moves(pbx, (context, "s"), application);
    let line = caller.runner();
    let (began, limit) = (caller.at, pbx.rng.i64(4_000..15_000));
    if let Some(queue) = queue {
        pbx.say(began, line.event("QueueCallerJoin", &[("Queue", queue), ("Position", "1"), ("Count", "1")]));
    }
    let by = By { line: &line, queue };
    let mut legs: Vec<(Leg, Does)> = Vec::new();
    for _ in 0..pbx.rng.u32(1..4) {
        let mut leg = pbx.rings(began, &by);
        if leg.way.is_none() && pbx.chance(4) {
            caller.way.push("a phone forwards");
            let forwarding = leg.phone.clone();
            leg = pbx.forwards(began + 40, &by, leg);
            pbx.say(began + 45, hangs_up(&forwarding, "23"));
        }
        let does = match pbx.rng.u32(..6) {
            0 | 1 => Does::Answers(pbx.rng.i64(600..16_000)),
            2 => Does::Busy,
            3 => Does::Rejects(pbx.rng.i64(300..3_000)),
            _ => Does::Rings,
        };
        legs.push((leg, does));
    }
    let patience = if pbx.chance(3) { pbx.rng.i64(1_100..14_000) } else { i64::MAX };
    let answer = legs.iter().enumerate().filter_map(|(n, (_, does))| match does {
        Does::Answers(after) => Some((*after, n)),
        _ => None,
    });
    let (answer, end) = (answer.min(), limit.min(patience));
    let refused = |does: &Does| match does {
        Does::Busy => Some((90, "BUSY", "17")),
        Does::Rejects(after) => Some((*after, "NOANSWER", "21")),
        _ => None,
    };
    // Dial() is over when the last phone has refused; a queue goes on.
    let last_refusal = legs.iter().map(|(_, does)| refused(does).map(|(after, ..)| after)).collect::<Option<Vec<_>>>();
    let over = last_refusal.filter(|_| queue.is_none()).and_then(|all| all.into_iter().max());
    let served = answer.filter(|(after, _)| *after < end);
    let until = served.map_or(end, |(after, _)| after).min(over.unwrap_or(i64::MAX));
    for (leg, does) in &legs {
        if let Some((after, status, cause)) = refused(does).filter(|(after, ..)| *after <= until) {
            pbx.leg_ends(began + after, &by, leg, (status, cause));
        }
    }
    let still = |(_, does): &&(Leg, Does)| refused(does).is_none_or(|(after, ..)| after > until);
    let ringing: Vec<Leg> = legs.iter().filter(still).map(|(leg, _)| leg.clone()).collect();
    caller.at = began + until;
    if let Some((_, n)) = served {
        let winner = legs[n].0.clone();
        return talk(pbx, caller, &by, &winner, &ringing);
    }
    if patience == until {
        caller.way.push("gives up");
        let outcome = if queue.is_some() { Outcome::QueueAbandon } else { Outcome::RingAbandon };
        caller.gone(pbx, true, |pbx, at| {
            ringing.iter().for_each(|leg| pbx.leg_ends(at, &by, leg, ("CANCEL", "0")));
            if let Some(queue) = queue {
                leaves_queue(pbx, at, &line, queue);
            }
        });
        return Fate::Missed { status: Status::Cancel, outcome };
    }
    caller.way.push("nobody answers");
    ringing.iter().for_each(|leg| pbx.leg_ends(caller.at, &by, leg, ("NOANSWER", "0")));
    match queue {
        Some(queue) => {
            leaves_queue(pbx, caller.at, &line, queue);
            pbx.say(caller.at, variable(&line, "QUEUESTATUS", "TIMEOUT"));
        }
        None => {
            let busy = legs.iter().all(|(_, does)| *does == Does::Busy);
            pbx.say(caller.at, variable(&line, "DIALSTATUS", if busy { "BUSY" } else { "NOANSWER" }));
        }
    }
    caller.moves(pbx, (context, "s"), ("Hangup", ""));
    caller.gone(pbx, false, |_, _| ());
    let all = |wanted: fn(&Does) -> bool| legs.iter().all(|(_, does)| wanted(does));
    let (busy, refused) = (|d: &Does| *d == Does::Busy, |d: &Does| matches!(d, Does::Busy | Does::Rejects(_)));
    let (status, outcome) = if all(busy) {
        (Status::Busy, Outcome::AllBusy)
    } else if all(refused) {
        (Status::NoAnswer, Outcome::Rejected)
    } else if queue.is_some() {
        (Status::NoAnswer, Outcome::QueueTimeout)
    } else {
        (Status::NoAnswer, Outcome::RingTimeout)
    };
    Fate::Missed { status, outcome }
}

/// Given up by the caller, or out of time: the events are the same.
fn leaves_queue(pbx: &mut Pbx, at: i64, line: &Line, queue: &str) {
    let more = [("Queue", queue), ("Position", "1"), ("OriginalPosition", "1"), ("HoldTime", "5")];
    pbx.say(at, line.event("QueueCallerAbandon", &more));
    pbx.say(at, line.event("QueueCallerLeave", &[("Queue", queue), ("Count", "0"), ("Position", "1")]));
}

/// Somebody answers: the phone itself, a colleague who picks its call up, or the phone to which it was forwarded.
fn talk(pbx: &mut Pbx, caller: &mut Caller, by: &By<'_>, winner: &Leg, ringing: &[Leg]) -> Fate {
    let picked_up = winner.way.is_none() && pbx.chance(4);
    let losers = ringing.iter().filter(|leg| leg.phone.id != winner.phone.id);
    let mut leg = winner.clone();
    if picked_up {
        caller.way.push("picked up by a colleague");
        let (n, id) = pbx.next();
        let mut colleague = Line::new(&format!("PJSIP/190-{n:08x}"), &id, &id, "190", "from-internal", "*8").state(4);
        pbx.say(caller.at, colleague.begins());
        colleague.state = 6;
        let target_headers = leg.phone.clone().state(5).headers("Target");
        let pickup = colleague.event("Pickup", &[]).trim_end().to_owned() + "\r\n" + &target_headers + "\r\n";
        pbx.say(caller.at, colleague.event("Newstate", &[]) + &pickup);
        pbx.say(caller.at, hangs_up(&leg.phone.clone().state(5), "16"));
        leg.phone = colleague;
        leg.agent = "PJSIP/190".to_owned();
    }
    for loser in losers {
        pbx.leg_ends(caller.at, by, loser, ("CANCEL", "26"));
    }
    if caller.behind.is_none() {
        caller.up(pbx);
    }
    let line = caller.runner().state(6);
    let up = By { line: &line, queue: by.queue };
    let bridge = caller.bridge.clone();
    pbx.answers(caller.at, &up, &leg, &bridge);
    let outer = format!("{bridge}-outer");
    if let Some((near, _)) = &caller.behind {
        let near = near.clone().state(6);
        pbx.say(caller.at, near.event("Newstate", &[]) + &caller.line.dial_ends(&near, "ANSWER"));
        caller.up(pbx);
        pbx.say(caller.at, near.enters(&outer) + &caller.line.enters(&outer));
    }
    let (from, talk_ms) = (caller.at, pbx.rng.i64(1_500..30_000));
    caller.at = from + talk_ms;
    let by_agent = pbx.chance(2);
    caller.way.push(if by_agent { "the agent hangs up" } else { "the caller hangs up" });
    let at = caller.at;
    let asks = if by_agent { leg.phone.clone().state(6).far_end_hangs_up() } else { caller.line.far_end_hangs_up() };
    pbx.say(at, asks);
    pbx.parts(at, &up, &leg, &bridge);
    if let Some((near, behind)) = caller.behind.take() {
        pbx.say(
            at,
            near.leaves(&outer) + &caller.line.leaves(&outer) + &hangs_up(&near, "16") + &hangs_up(&behind, "16"),
        );
    }
    pbx.say(at, soft_hangup(&caller.line) + &hangs_up(&caller.line, "16"));
    Fate::Served { agent: leg.agent, talk_ms }
}

/// A conference, in which somebody of ours is, comes later, or never does.
fn conference(pbx: &mut Pbx, caller: &mut Caller) -> Fate {
    caller.way.push("a conference");
    caller.up(pbx);
    if let Some((near, _)) = caller.behind.clone() {
        let near = near.state(6);
        pbx.say(caller.at, near.event("Newstate", &[]) + &caller.line.dial_ends(&near, "ANSWER"));
        let outer = format!("{}-outer", caller.bridge);
        pbx.say(caller.at, near.enters(&outer) + &caller.line.enters(&outer));
    }
    let (room, context) = (format!("{}-room", caller.bridge), if caller.behind.is_some() { "desk" } else { "rooms" });
    caller.moves(pbx, (context, "s"), ("ConfBridge", "8000"));
    let runner = caller.runner().state(6);
    let (entered, stays) = (caller.at, pbx.rng.i64(2_000..20_000));
    pbx.say(entered, runner.enters(&room));
    let host = (!pbx.chance(3)).then(|| {
        let (n, id) = pbx.next();
        let host = Line::new(&format!("PJSIP/180-{n:08x}"), &id, &id, "180", "from-internal", "8000").state(4);
        let comes = (entered + pbx.rng.i64(-5_000..stays - 1_500)).max(0);
        pbx.say(comes, host.begins());
        let mut up = host.state(6);
        let text = up.event("Newstate", &[]) + &runs(&mut up, ("from-internal", "8000"), ("ConfBridge", "8000"));
        pbx.say(comes, text + &up.enters(&room));
        (up, comes)
    });
    caller.at = entered + stays;
    let at = caller.at;
    pbx.say(at, caller.line.far_end_hangs_up() + &runner.leaves(&room));
    if let Some((near, behind)) = caller.behind.take() {
        let outer = format!("{}-outer", caller.bridge);
        pbx.say(
            at,
            near.leaves(&outer) + &caller.line.leaves(&outer) + &hangs_up(&near, "16") + &hangs_up(&behind, "16"),
        );
    }
    pbx.say(at, hangs_up(&caller.line, "16"));
    let Some((host, comes)) = host else {
        caller.way.push("nobody comes");
        return Fate::Missed { status: Status::Cancel, outcome: Outcome::EarlyAbandon };
    };
    let leaves = at + pbx.rng.i64(500..4_000);
    pbx.say(leaves, host.far_end_hangs_up() + &host.leaves(&room) + &hangs_up(&host, "16"));
    Fate::Served { agent: "PJSIP/180".to_owned(), talk_ms: at - entered.max(comes) }
}

/// An application outside of the dialplan puts a ringing phone into the caller's bridge.
fn by_ari(pbx: &mut Pbx, caller: &mut Caller) -> Fate {
    caller.way.push("ARI");
    if caller.behind.is_some() {
        return phones(pbx, caller, None);
    }
    caller.up(pbx);
    caller.moves(pbx, ("from-trunk", "s"), ("Stasis", "desk"));
    let (n, id) = pbx.next();
    let phone = Line::new(&format!("PJSIP/170-{n:08x}"), &id, &caller.line.linkedid, "170", "from-internal", "");
    let bridge = caller.bridge.clone();
    pbx.say(caller.at, caller.line.enters(&bridge) + &phone.begins());
    pbx.say(caller.at, phone.event("BridgeEnter", &[("BridgeUniqueid", &bridge)]) + &originates(&phone, "170"));
    pbx.say(caller.at + 10, phone.clone().state(5).event("Newstate", &[]));
    caller.at += pbx.rng.i64(1_500..9_000);
    let (up, answers) = (phone.clone().state(6), pbx.chance(2));
    let mut talk_ms = 0;
    if answers {
        pbx.say(caller.at, up.event("Newstate", &[]));
        talk_ms = pbx.rng.i64(1_500..9_000);
        caller.at += talk_ms;
    }
    let at = caller.at;
    pbx.say(at, caller.line.far_end_hangs_up() + &caller.line.leaves(&bridge) + &hangs_up(&caller.line, "16"));
    let phone = if answers { up } else { phone.state(5) };
    pbx.say(at, phone.leaves(&bridge) + &hangs_up(&phone, "16"));
    if answers {
        return Fate::Served { agent: "PJSIP/170".to_owned(), talk_ms };
    }
    Fate::Missed { status: Status::Cancel, outcome: Outcome::RingAbandon }
}

/// A bot or a recorder has the caller, and nobody else.
fn machine(pbx: &mut Pbx, caller: &mut Caller) -> Fate {
    caller.way.push("a machine");
    if caller.behind.is_some() {
        return phones(pbx, caller, Some("sales"));
    }
    let (n, id) = pbx.next();
    let names = ["UnicastRTP/127.0.0.1:7000", "AudioSocket/127.0.0.1:7001", "WebSocket/media"];
    let name = format!("{}-{n:08x}", names[pbx.rng.usize(..names.len())]);
    let bot = Line::new(&name, &id, &caller.line.linkedid, "", "bots", "s");
    caller.moves(pbx, ("bots", "s"), ("Dial", "AudioSocket/x"));
    pbx.say(caller.at, bot.begins() + &caller.line.dials(&bot) + &caller.line.dial_ends(&bot, "ANSWER"));
    caller.up(pbx);
    let bridge = caller.bridge.clone();
    pbx.say(caller.at, bot.enters(&bridge) + &caller.line.enters(&bridge));
    caller.at += pbx.rng.i64(2_000..9_000);
    let by_caller = pbx.chance(2);
    let line = caller.line.clone();
    caller.gone(pbx, by_caller, |pbx, at| {
        pbx.say(at, bot.leaves(&bridge) + &line.leaves(&bridge) + &hangs_up(&bot, "16"));
    });
    match by_caller {
        true => Fate::Missed { status: Status::Cancel, outcome: Outcome::EarlyAbandon },
        false => Fate::Missed { status: Status::NoAnswer, outcome: Outcome::NotOffered },
    }
}
