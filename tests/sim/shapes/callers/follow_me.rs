//! FollowMe(): numbers are rung behind Local channels, and whoever picks up has the caller only after they have confirmed by a key.

use super::{Caller, Fate, phones};
use crate::shapes::pbx::{Pbx, hangs_up, runs, soft_hangup, variable};
use crate::stream::Line;
use callbackd_core::model::{Outcome, Status};

/// One number: the halves of the Local channel, and the phone or the mobile behind it.
struct Number {
    near: Line,
    behind: Line,
    phone: Line,
    agent: String,
}

/// What comes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Confirmed,
    Unconfirmed,
    NobodyPicksUp,
    GivesUp,
    GivesUpBeforeTheKey,
}

pub(super) fn follow_me(pbx: &mut Pbx, caller: &mut Caller) -> Fate {
    if caller.behind.is_some() {
        return phones(pbx, caller, None);
    }
    caller.way.push("FollowMe()");
    caller.moves(pbx, ("from-trunk", "s"), ("FollowMe", "desk,ns"));
    caller.up(pbx);
    caller.at += pbx.rng.i64(200..3_000);
    let numbers: Vec<Number> = (0..pbx.rng.u32(1..3)).map(|_| rings(pbx, caller)).collect();
    let ends = match pbx.rng.u32(..6) {
        0 => Ends::Unconfirmed,
        1 => Ends::NobodyPicksUp,
        2 => Ends::GivesUp,
        3 => Ends::GivesUpBeforeTheKey,
        _ => Ends::Confirmed,
    };
    caller.at += pbx.rng.i64(800..8_000);
    let (line, bridge) = (caller.line.clone(), caller.bridge.clone());
    let (first, others) = numbers.split_first().expect("one number at least");
    if matches!(ends, Ends::NobodyPicksUp | Ends::GivesUp) {
        let by_caller = ends == Ends::GivesUp;
        caller.way.push(if by_caller { "gives up" } else { "nobody picks up" });
        return over(pbx, caller, by_caller, |pbx, at| {
            let status = if by_caller { "CANCEL" } else { "NOANSWER" };
            numbers.iter().for_each(|number| number.is_left(pbx, at, &line, Some(status)));
        });
    }
    let inner = format!("{bridge}-inner");
    first.picks_up(pbx, caller.at, &line, &inner);
    others.iter().for_each(|other| pbx.say(caller.at, line.dial_ends(&other.near.clone().state(5), "CANCEL")));
    // "Press 1 to take the call."
    caller.at += pbx.rng.i64(600..6_000);
    if ends != Ends::Confirmed {
        let by_caller = ends == Ends::GivesUpBeforeTheKey;
        caller.way.push(if by_caller { "gives up before the key" } else { "nobody confirms" });
        return over(pbx, caller, by_caller, |pbx, at| {
            first.parts(pbx, at, &inner);
            others.iter().for_each(|number| number.is_left(pbx, at, &line, None));
        });
    }
    caller.way.push("confirmed");
    others.iter().for_each(|number| number.is_left(pbx, caller.at, &line, None));
    let near = first.near.clone().state(6);
    pbx.say(caller.at, near.enters(&bridge) + &line.enters(&bridge));
    let talk_ms = pbx.rng.i64(1_500..20_000);
    caller.at += talk_ms;
    let by_caller = pbx.chance(2);
    caller.gone(pbx, by_caller, |pbx, at| {
        if !by_caller {
            pbx.say(at, first.phone.clone().state(6).far_end_hangs_up());
        }
        pbx.say(at, near.leaves(&bridge) + &line.leaves(&bridge));
        first.parts(pbx, at, &inner);
    });
    Fate::Served { agent: first.agent.clone(), talk_ms }
}

/// The caller's end, or the application's: then the dialplan goes on, and ends.
fn over(pbx: &mut Pbx, caller: &mut Caller, by_caller: bool, before: impl FnOnce(&mut Pbx, i64)) -> Fate {
    if by_caller {
        caller.gone(pbx, true, before);
        return Fate::Missed { status: Status::Cancel, outcome: Outcome::RingAbandon };
    }
    before(pbx, caller.at);
    caller.moves(pbx, ("from-trunk", "s"), ("Hangup", ""));
    caller.gone(pbx, false, |_, _| ());
    Fate::Missed { status: Status::NoAnswer, outcome: Outcome::RingTimeout }
}

/// A number is dialled.
fn rings(pbx: &mut Pbx, caller: &Caller) -> Number {
    let (linkedid, at) = (&caller.line.linkedid, caller.at);
    let mobile = pbx.chance(4);
    let (phone, number) = pbx.far_end(linkedid, mobile);
    let to = format!("{number}@from-internal");
    let (near, mut behind) = pbx.local(&to, linkedid);
    let dials = caller.line.with(&near, "DialBegin", &[("DialString", &format!("{to}/m"))]);
    pbx.say(at, near.begins() + &behind.begins() + &dials);
    let text = runs(&mut behind, ("from-internal", &number), ("Dial", "PJSIP/x,20"));
    pbx.say(at, text + &phone.begins() + &behind.dials(&phone));
    let rings = phone.clone().state(5).event("Newstate", &[]) + &near.clone().state(5).event("Newstate", &[]);
    pbx.say(at + 20, rings);
    let agent = if mobile { format!("Local/{to}") } else { format!("PJSIP/{number}") };
    Number { near, behind, phone, agent }
}

impl Number {
    fn picks_up(&self, pbx: &mut Pbx, at: i64, caller: &Line, inner: &str) {
        let [near, behind, phone] = [&self.near, &self.behind, &self.phone].map(|line| line.clone().state(6));
        pbx.say(at, phone.event("Newstate", &[]) + &self.behind.dial_ends(&phone, "ANSWER"));
        pbx.say(at, near.event("Newstate", &[]) + &caller.dial_ends(&near, "ANSWER") + &behind.event("Newstate", &[]));
        pbx.say(at, phone.enters(inner) + &behind.enters(inner));
    }

    /// Whoever picked up is let go.
    fn parts(&self, pbx: &mut Pbx, at: i64, inner: &str) {
        let [near, behind, phone] = [&self.near, &self.behind, &self.phone].map(|line| line.clone().state(6));
        pbx.say(at, behind.far_end_hangs_up() + &hangs_up(&near, "16") + &behind.leaves(inner) + &phone.leaves(inner));
        pbx.say(at, soft_hangup(&behind) + &hangs_up(&behind, "16") + &hangs_up(&phone, "16"));
    }

    /// It rings no more.
    fn is_left(&self, pbx: &mut Pbx, at: i64, caller: &Line, status: Option<&str>) {
        let [near, phone] = [&self.near, &self.phone].map(|line| line.clone().state(5));
        let says = status.map_or(String::new(), |status| caller.dial_ends(&near, status));
        pbx.say(at, says + &self.behind.event("HangupRequest", &[("Cause", "0")]) + &hangs_up(&near, "0"));
        let cancelled = self.behind.dial_ends(&phone, "CANCEL") + &variable(&self.behind, "DIALSTATUS", "CANCEL");
        pbx.say(at, cancelled + &hangs_up(&self.behind, "0") + &hangs_up(&phone, "16"));
    }
}
