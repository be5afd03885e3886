//! Blind transfers: an agent passes the customer on to a colleague, whose phone rings by the dialplan's `Dial`.

use super::call::{Call, Id, Stage};
use super::channel::ChannelState;
use super::office::FROM_INTERNAL;
use super::pbx::{Pbx, Step};
use super::people::Pickup;
use super::seats::Device;
use super::truth::{Fate, Trial};

/// From `Dial` to the phone's ringing, ms.
const RINGS_AFTER_MS: i64 = 4;
/// The colleague's phone rings so long, ms.
const RING_MS: i64 = 8_000;

impl Pbx {
    /// The agent dials a colleague who is free, and is out of the call; without one they go on to the end themselves.
    pub(super) fn transfer(&mut self, id: Id) {
        let talking = |call: &&Call| call.stage == Stage::Talking && call.asked.is_none();
        let Some(call) = self.calls.get(&id).filter(talking).cloned() else { return };
        let (Some(second), Some(agent)) = (call.second, call.agent) else { return };
        let free = |other: &usize| *other != agent && self.is_free(*other);
        let Some(colleague) = (0..self.seats.len()).find(free) else { return self.talk_over(id, true) };
        let extension = self.office.agents[colleague].extension.clone();
        self.passes(id, second, &extension);
        self.completes(id, second, "transfer");
        self.hang_up(second, 16);
        self.rings_colleague(id, colleague);
    }

    /// `BlindTransfer` (`ast_bridge_transfer_blind`, `main/bridge.c`): the customer goes on in the dialplan of the phones.
    fn passes(&mut self, id: Id, second: Id, extension: &str) {
        let Some((customer, agent)) = self.channels.get(&id).cloned().zip(self.channels.get(&second).cloned()) else {
            return;
        };
        self.sets(id, "BLINDTRANSFER", &agent.name);
        self.sets(second, "BLINDTRANSFER", &customer.name);
        let bridge = self.calls.get(&id).and_then(|call| call.bridge.clone()).unwrap_or_default();
        self.emit("BlindTransfer", "call", |e| {
            e.put("Result", "Success")
                .prefixed("Transferer", &agent)
                .prefixed("Transferee", &customer)
                .bridge(&bridge, "simple_bridge", 2)
                .put("IsExternal", "Yes")
                .put("Context", FROM_INTERNAL)
                .put("Extension", extension)
        });
        self.unbridge(id, second, id);
        self.change(id, |c| {
            c.context = FROM_INTERNAL.to_owned();
            c.exten = extension.to_owned();
        });
        self.runs(id, 1, "Dial", &format!("PJSIP/{extension},{},tT", RING_MS / 1_000));
        self.sets(id, "DIALSTATUS", "");
    }

    fn rings_colleague(&mut self, id: Id, colleague: usize) {
        let (phone, extension) =
            (self.office.agents[colleague].interface(), self.office.agents[colleague].extension.clone());
        let to = self.channel(&phone, ChannelState::Down, None, Some(id));
        let Some(call) = self.calls.get_mut(&id) else { return };
        (call.second, call.agent, call.rings_ms) = (Some(to), Some(colleague), self.now);
        call.stage = Stage::Transferred;
        self.tell("Newchannel", "call", to, &[]);
        self.change(to, |c| c.exten.clone_from(&extension));
        self.runs(to, 1, "AppDial", "(Outgoing Line)");
        self.tell_both("DialBegin", "call", Some(id), to, &[("DialString", &extension)]);
        match self.people.agent(colleague, false) {
            Pickup::Unreachable => self.later(RINGS_AFTER_MS, Step::Refuses(id, to, Trial::Unreachable)),
            Pickup::Busy => self.later(RINGS_AFTER_MS, Step::Refuses(id, to, Trial::Busy)),
            pickup => {
                self.later(RINGS_AFTER_MS, Step::Rings(id, to));
                match pickup {
                    Pickup::Answer(ms) => self.later(RINGS_AFTER_MS + ms, Step::Answers(id, to)),
                    Pickup::Reject(ms) => self.later(RINGS_AFTER_MS + ms, Step::Refuses(id, to, Trial::Rejected)),
                    _ => self.later(RING_MS, Step::RangOut(id, to)),
                }
            }
        }
    }

    pub(super) fn colleague_rings(&mut self, id: Id, to: Id) {
        self.becomes(to, ChannelState::Ringing);
        if let Some(agent) = self.calls.get(&id).and_then(|call| call.agent) {
            self.set_device(agent, Device::Ringing);
        }
        self.tell_both("DialState", "call", Some(id), to, &[("DialStatus", "RINGING")]);
    }

    pub(super) fn colleague_answers(&mut self, id: Id, to: Id) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        (call.stage, call.transferred) = (Stage::Talking, true);
        let agent = call.agent.unwrap_or_default();
        self.becomes(to, ChannelState::Up);
        self.set_device(agent, Device::InUse);
        self.sets(id, "DIALSTATUS", "ANSWER");
        self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", "ANSWER")]);
        self.change(to, |c| c.exten = String::new());
        self.bridge(id, to, id);
        self.sets(id, "BLINDTRANSFER", "");
        let talk = self.people.talk();
        self.later(talk.ms, Step::TalkOver(id, talk.ended_by_agent));
    }

    /// Nobody took the call that was passed on: the customer is let go.
    pub(super) fn colleague_refuses(&mut self, id: Id, to: Id, how: Trial) {
        let (status, cause) = match how {
            Trial::Unreachable => ("CHANUNAVAIL", 20),
            Trial::Busy => ("BUSY", 17),
            Trial::Rejected => ("BUSY", 21),
            Trial::Rang => ("NOANSWER", 0),
        };
        self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", status)]);
        self.hang_up(to, cause);
        self.sets(id, "DIALSTATUS", status);
        self.runs(id, 2, "Hangup", "");
        self.ends(id, None, Fate::Served);
    }

    /// The customer hangs up while the colleague's phone rings.
    pub(super) fn gives_up_colleague(&mut self, id: Id) {
        self.tell("HangupRequest", "call", id, &[("Cause", "16")]);
        if let Some(to) = self.calls.get_mut(&id).and_then(|call| call.second.take()) {
            self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", "CANCEL")]);
            self.hang_up(to, 0);
        }
        self.ends(id, None, Fate::Served);
    }

    /// Customer and colleague have talked.
    pub(super) fn colleague_over(&mut self, id: Id, to: Id, by_agent: bool) {
        let (ends, other) = if by_agent { (to, id) } else { (id, to) };
        self.tell("HangupRequest", "call", ends, &[("Cause", "16")]);
        self.unbridge(id, ends, other);
        self.sets(id, "DIALSTATUS", "ANSWER");
        self.ends(id, Some(to), Fate::Served);
    }
}
