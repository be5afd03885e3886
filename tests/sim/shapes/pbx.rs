//! What an Asterisk says while a caller is led through a dialplan, as recordings of 16 and 22 have it.

use crate::stream::Line;
use fastrand::Rng;

/// Events with their times, ms since the beginning, and what is true of those who called.
pub struct Pbx {
    pub rng: Rng,
    pub events: Vec<(i64, String)>,
    made: u32,
}

/// A phone that is rung, with the halves of the Local channel that leads to it, if one does.
#[derive(Clone)]
pub struct Leg {
    pub way: Option<(Line, Line)>,
    pub phone: Line,
    /// Whom the row is to name.
    pub agent: String,
    /// What the queue or Dial() dials.
    pub interface: String,
    /// The halves go away once the phone has answered.
    pub optimised: bool,
}

impl Leg {
    /// The channel that Dial() or the queue has dialled.
    pub fn dialled(&self) -> &Line {
        self.way.as_ref().map_or(&self.phone, |(near, _)| near)
    }
}

/// Who rings phones: Dial() of this channel, or a queue for it.
pub struct By<'a> {
    pub line: &'a Line,
    pub queue: Option<&'a str>,
}

pub fn runs(line: &mut Line, (context, exten): (&str, &str), (application, data): (&str, &str)) -> String {
    context.clone_into(&mut line.context);
    exten.clone_into(&mut line.exten);
    line.event("Newexten", &[("Extension", exten), ("Application", application), ("AppData", data)])
}

pub fn variable(line: &Line, name: &str, value: &str) -> String {
    line.event("VarSet", &[("Variable", name), ("Value", value)])
}

pub fn hangs_up(line: &Line, cause: &str) -> String {
    line.event("Hangup", &[("Cause", cause), ("Cause-txt", "")])
}

/// The PBX asks the channel to end: its dialplan is over.
pub fn soft_hangup(line: &Line) -> String {
    line.event("SoftHangupRequest", &[("Cause", "16")])
}

/// An Originate, or ARI, dials this channel.
pub fn originates(dest: &Line, dial_string: &str) -> String {
    format!("Event: DialBegin\r\n{}DialString: {dial_string}\r\n\r\n", dest.headers("Dest"))
}

impl Pbx {
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), events: Vec::new(), made: 0 }
    }

    pub fn say(&mut self, at: i64, text: impl Into<String>) {
        self.events.push((at, text.into()));
    }

    pub fn chance(&mut self, one_of: u32) -> bool {
        self.rng.u32(..one_of) == 0
    }

    /// The next channel's number and uniqueid.
    pub fn next(&mut self) -> (u32, String) {
        self.made += 1;
        (self.made, format!("shape.{}", self.made))
    }

    /// Was this channel made before that one?
    pub fn is_older(&self, uniqueid: &str, other: &str) -> bool {
        let made = |id: &str| id.rsplit('.').next().and_then(|n| n.parse::<u32>().ok());
        made(uniqueid) < made(other)
    }

    /// A phone of the PBX, or a mobile reached over its trunk, that is to be dialled for the call of this linkedid.
    pub fn far_end(&mut self, linkedid: &str, mobile: bool) -> (Line, String) {
        let (n, id) = self.next();
        if mobile {
            let number = format!("120255501{:02}", 70 + n % 30);
            let line = Line::new(&format!("PJSIP/trunk-{n:08x}"), &id, linkedid, &number, "from-trunk", &number);
            return (line, number);
        }
        let extension = format!("1{:02}", n % 100);
        (Line::new(&format!("PJSIP/{extension}-{n:08x}"), &id, linkedid, &extension, "from-internal", ""), extension)
    }

    /// The two halves of a Local channel.
    pub fn local(&mut self, to: &str, linkedid: &str) -> (Line, Line) {
        let (exten, context) = to.split_once('@').expect("an extension and a context");
        let n = self.made;
        let mut half = |half: u8| {
            let (_, id) = self.next();
            Line::new(&format!("Local/{to}-{n:08x};{half}"), &id, linkedid, "", context, exten)
        };
        (half(1), half(2).state(4))
    }

    /// A phone begins to ring for this channel; the Local channel in between, if any, keeps its halves or not.
    pub fn rings(&mut self, at: i64, by: &By<'_>) -> Leg {
        let (local, mobile) = (self.chance(2), self.chance(4));
        let (phone, number) = self.far_end(&by.line.linkedid, mobile);
        let (keeps, to) = (self.chance(2), format!("{number}@from-queue"));
        let way = (local || mobile).then(|| self.local(&to, &by.line.linkedid));
        let (agent, interface) = match (&way, mobile) {
            (None, _) => (format!("PJSIP/{number}"), format!("PJSIP/{number}")),
            (Some(_), false) => (format!("PJSIP/{number}"), format!("Local/{to}{}", if keeps { "/n" } else { "" })),
            (Some(_), true) => (format!("Local/{to}"), format!("Local/{to}{}", if keeps { "/n" } else { "" })),
        };
        let leg = Leg { way, phone, agent, interface, optimised: !keeps };
        self.leg_begins(at, by, &leg);
        leg
    }

    /// The phone sends the call on (302): Asterisk dials a Local channel in its place, which leads to another phone.
    pub fn forwards(&mut self, at: i64, by: &By<'_>, leg: Leg) -> Leg {
        let (phone, number) = self.far_end(&by.line.linkedid, false);
        let to = format!("{number}@from-internal");
        let (near, behind) = self.local(&to, &by.line.linkedid);
        self.say(at, leg.phone.event("HangupRequest", &[("Cause", "23")]) + &near.begins() + &behind.begins());
        let goes_on = [("DialStatus", "CANCEL"), ("Forward", number.as_str())];
        self.say(at, by.line.with(&leg.phone, "DialEnd", &goes_on));
        let leg = Leg { way: Some((near, behind)), phone, agent: format!("PJSIP/{number}"), optimised: false, ..leg };
        self.way_begins(at, by, &leg, &to);
        leg
    }

    fn leg_begins(&mut self, at: i64, by: &By<'_>, leg: &Leg) {
        if let Some((near, behind)) = &leg.way {
            self.say(at, near.begins() + &behind.begins());
        } else {
            self.say(at, leg.phone.begins());
        }
        if let Some(queue) = by.queue {
            let called = [("Queue", queue), ("Interface", leg.interface.as_str()), ("MemberName", "Ann")];
            self.say(at, by.line.with(leg.dialled(), "AgentCalled", &called));
        }
        let dialled = leg.interface.split_once('/').map_or("", |(_, rest)| rest);
        self.way_begins(at, by, leg, dialled);
    }

    fn way_begins(&mut self, at: i64, by: &By<'_>, leg: &Leg, dialled: &str) {
        self.say(at, by.line.with(leg.dialled(), "DialBegin", &[("DialString", dialled)]));
        if let Some((near, behind)) = &leg.way {
            let mut behind = behind.clone();
            let place = (behind.context.clone(), behind.exten.clone());
            let text = runs(&mut behind, (&place.0, &place.1), ("Dial", "PJSIP/x,20"));
            self.say(at, text + &leg.phone.begins() + &behind.dials(&leg.phone));
            self.say(at + 20, leg.phone.clone().state(5).event("Newstate", &[]));
            self.say(at + 20, near.clone().state(5).event("Newstate", &[]));
        } else {
            self.say(at + 20, leg.phone.clone().state(5).event("Newstate", &[]));
        }
    }

    /// A phone refuses or is given up: how it ends itself, and what Dial() or the queue says of it.
    pub fn leg_ends(&mut self, at: i64, by: &By<'_>, leg: &Leg, (status, cause): (&str, &str)) {
        let phone = leg.phone.clone().state(5);
        let of_itself = matches!(cause, "17" | "21");
        let asks = if of_itself { phone.event("HangupRequest", &[("Cause", cause)]) } else { String::new() };
        // A queue calls everything that did not answer the same.
        let outer = if by.queue.is_some() && of_itself { "NOANSWER" } else { status };
        let Some((near, behind)) = &leg.way else {
            return self.say(at, asks + &by.line.dial_ends(&phone, outer) + &hangs_up(&phone, cause));
        };
        if of_itself {
            let inner = asks + &behind.dial_ends(&phone, status) + &hangs_up(&phone, cause);
            self.say(at, inner + &soft_hangup(behind) + &near.event("HangupRequest", &[("Cause", cause)]));
            self.say(at, by.line.dial_ends(near, outer) + &hangs_up(near, cause) + &hangs_up(behind, cause));
        } else {
            self.say(at, by.line.dial_ends(near, outer) + &hangs_up(near, cause));
            self.say(at, behind.event("HangupRequest", &[("Cause", cause)]) + &behind.dial_ends(&phone, "CANCEL"));
            self.say(at, hangs_up(&phone, cause) + &hangs_up(behind, cause));
        }
    }

    /// The phone answers, and is connected with whoever had it rung.
    pub fn answers(&mut self, at: i64, by: &By<'_>, leg: &Leg, bridge: &str) {
        let up = leg.phone.clone().state(6);
        self.say(at, up.event("Newstate", &[]));
        if let Some((near, behind)) = &leg.way {
            let (near, behind) = (near.clone().state(6), behind.clone().state(6));
            self.say(at, behind.dial_ends(&up, "ANSWER") + &near.event("Newstate", &[]));
        }
        self.say(at, by.line.dial_ends(leg.dialled(), "ANSWER"));
        if let Some(queue) = by.queue {
            self.say(at, by.line.event("QueueCallerLeave", &[("Queue", queue), ("Count", "0"), ("Position", "1")]));
            let connect = [("Queue", queue), ("Interface", leg.interface.as_str()), ("HoldTime", "1")];
            self.say(at, by.line.with(leg.dialled(), "AgentConnect", &connect));
        }
        let Some((near, behind)) = &leg.way else {
            return self.say(at, up.enters(bridge) + &by.line.enters(bridge));
        };
        let inner = format!("{bridge}-inner");
        self.say(at, up.enters(&inner) + &behind.enters(&inner) + &near.enters(bridge) + &by.line.enters(bridge));
        if leg.optimised {
            let swap = up.leaves(&inner) + &near.leaves(bridge) + &up.enters(bridge) + &behind.leaves(&inner);
            self.say(at + 30, swap + &hangs_up(near, "16") + &hangs_up(behind, "16"));
        }
    }

    /// Those whom a phone was connected with by `answers` go apart.
    pub fn parts(&mut self, at: i64, by: &By<'_>, leg: &Leg, bridge: &str) {
        let up = leg.phone.clone().state(6);
        let inner = format!("{bridge}-inner");
        match &leg.way {
            Some((near, behind)) if !leg.optimised => {
                self.say(at, near.leaves(bridge) + &by.line.leaves(bridge) + &up.leaves(&inner));
                self.say(at, behind.leaves(&inner) + &hangs_up(near, "16") + &hangs_up(behind, "16"));
            }
            _ => self.say(at, up.leaves(bridge) + &by.line.leaves(bridge)),
        }
        self.say(at, hangs_up(&up, "16"));
    }
}
