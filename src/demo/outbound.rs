//! Originate: an agent's phone rings, and when the agent has answered the dialplan dials the customer (`extensions_callbackd.conf`).

use super::call::{Asked, Call, Id, Stage};
use super::channel::ChannelState;
use super::office::TRUNK;
use super::pbx::{Pbx, Step};
use super::people::{Caller, Pickup};
use super::seats::Device;
use super::truth::{Fate, Trial};
use super::wire::Event;

/// From `Dial` to the phone's ringing, ms.
const RINGS_AFTER_MS: i64 = 6;
/// A customer's phone rings only when the network has found it, ms.
const TRUNK_RINGS_AFTER_MS: i64 = 150;
/// Reasons of `OriginateResponse`: control frames (`include/asterisk/frame.h`); 0 is a failure before anything rang.
const REASON_RINGING: u8 = 3;
const REASON_ANSWER: u8 = 4;
const REASON_BUSY: u8 = 5;
const REASON_FAILURE: u8 = 0;

impl Pbx {
    /// Rings `channel` for a client; who does not answer within `timeout_ms` is let alone.
    pub(super) fn originate(&mut self, channel: &str, channel_id: &str, timeout_ms: i64, asked: Asked) {
        let Some(agent) = self.office.agent(channel) else {
            return self.originated(None, &asked, channel, REASON_FAILURE);
        };
        let id = self.channel(channel, ChannelState::Down, Some(channel_id), None);
        let call = Call {
            first: id,
            second: None,
            stage: Stage::RingingAgent,
            caller: Caller {
                number: String::new(),
                name: String::new(),
                did: String::new(),
                key: None,
                patience_ms: 0,
            },
            asked: Some(asked.clone()),
            queue: None,
            agent: Some(agent),
            joined_ms: self.now,
            rings_ms: self.now,
            talks_ms: None,
            bridge: None,
            transferred: false,
            kindest: None,
            dialled_ms: None,
        };
        self.calls.insert(id, call);
        self.tell("Newchannel", "call", id, &[]);
        self.runs(id, 1, "AppDial2", "(Outgoing Line)");
        for (name, value) in &asked.variables {
            self.sets(id, &format!("__{name}"), value);
        }
        self.change(id, |c| c.caller.clone_from(&asked.caller_id));
        self.tell("NewCallerid", "call", id, &[("CID-CallingPres", "0 (Presentation Allowed, Not Screened)")]);
        self.change(id, |c| c.connected.clone_from(&asked.caller_id));
        let extension = self.office.agents[agent].extension.clone();
        self.tell_both("DialBegin", "call", None, id, &[("DialString", &extension)]);
        match self.people.agent(agent, true) {
            Pickup::Unreachable => self.later(RINGS_AFTER_MS, Step::Refuses(id, id, Trial::Unreachable)),
            Pickup::Busy => self.later(RINGS_AFTER_MS, Step::Refuses(id, id, Trial::Busy)),
            pickup => {
                self.agent_rings(id, agent);
                match pickup {
                    Pickup::Answer(ms) if ms < timeout_ms => self.later(ms, Step::Answers(id, id)),
                    Pickup::Reject(ms) if ms < timeout_ms => self.later(ms, Step::Refuses(id, id, Trial::Rejected)),
                    _ => self.later(timeout_ms, Step::RangOut(id, id)),
                }
            }
        }
    }

    fn agent_rings(&mut self, id: Id, agent: usize) {
        self.tell_both("DialState", "call", None, id, &[("DialStatus", "RINGING")]);
        self.becomes(id, ChannelState::Ringing);
        self.set_device(agent, Device::Ringing);
    }

    /// `OriginateResponse` (`fast_originate`, `main/manager.c`).
    fn originated(&mut self, id: Option<Id>, asked: &Asked, requested: &str, reason: u8) {
        let channel = id.and_then(|id| self.channels.get(&id)).cloned();
        let name = channel.as_ref().map_or(requested, |c| &c.name).to_owned();
        let uniqueid = channel.as_ref().map_or("<null>", |c| &c.uniqueid).to_owned();
        let response = if reason == REASON_ANSWER { "Success" } else { "Failure" };
        self.emit("OriginateResponse", "call", |e: Event| {
            e.put("ActionID", &asked.by.1)
                .put("Response", response)
                .put("Channel", name)
                .put("Context", &asked.context)
                .put("Exten", "s")
                .put("Reason", reason)
                .put("Uniqueid", uniqueid)
                .put("CallerIDNum", &asked.caller_id.0)
                .put("CallerIDName", &asked.caller_id.1)
        });
    }

    fn not_taken_up(&mut self, id: Id, status: &str, cause: u16, reason: u8) {
        let Some(asked) = self.calls.get(&id).and_then(|call| call.asked.clone()) else { return };
        let requested = self.channels.get(&id).map(|c| c.device().to_owned()).unwrap_or_default();
        self.tell_both("DialEnd", "call", None, id, &[("DialStatus", status)]);
        self.over(id, Fate::Abandoned);
        self.hang_up(id, cause);
        self.originated(None, &asked, &requested, reason);
    }

    pub(super) fn agent_refuses(&mut self, id: Id, how: Trial) {
        match how {
            Trial::Unreachable => self.not_taken_up(id, "CHANUNAVAIL", 20, REASON_FAILURE),
            Trial::Busy => self.not_taken_up(id, "BUSY", 17, REASON_BUSY),
            Trial::Rejected | Trial::Rang => self.not_taken_up(id, "NOANSWER", 21, REASON_BUSY),
        }
    }

    pub(super) fn agent_ignores(&mut self, id: Id) {
        self.not_taken_up(id, "NOANSWER", 0, REASON_RINGING);
    }

    pub(super) fn agent_answers(&mut self, id: Id) {
        let Some(call) = self.calls.get(&id).cloned() else { return };
        let Some(asked) = call.asked else { return };
        self.originated(Some(id), &asked, "", REASON_ANSWER);
        self.becomes(id, ChannelState::Up);
        self.tell_both("DialEnd", "call", None, id, &[("DialStatus", "ANSWER")]);
        if let Some(agent) = call.agent {
            self.set_device(agent, Device::InUse);
        }
        self.change(id, |c| {
            c.context.clone_from(&asked.context);
            c.exten = "s".to_owned();
        });
        let (callback, attempt) = (asked.get("CALLBACKD_ID"), asked.get("CALLBACKD_ATTEMPT"));
        let number = asked.get("CALLBACKD_NUMBER");
        self.runs(id, 1, "NoOp", &format!("callback {callback}, attempt {attempt}, for {number}"));
        self.runs(id, 2, "ExecIf", "0?Playback()");
        self.runs(id, 3, "GotoIf", "1?dial");
        self.runs(id, 7, "Set", "CALLERID(all)=");
        self.runs(id, 8, "ExecIf", &format!("1?Set(CALLERID(num)={})", asked.get("CALLBACKD_CALLERID")));
        self.change(id, |c| c.caller = (asked.get("CALLBACKD_CALLERID").to_owned(), String::new()));
        self.tell("NewCallerid", "call", id, &[("CID-CallingPres", "0 (Presentation Allowed, Not Screened)")]);
        self.dial_customer(id);
    }

    fn dial_customer(&mut self, id: Id) {
        let Some(asked) = self.calls.get(&id).and_then(|call| call.asked.clone()) else { return };
        let (number, dial) = (asked.get("CALLBACKD_NUMBER").to_owned(), asked.get("CALLBACKD_DIAL").to_owned());
        let ring_ms = asked.get("CALLBACKD_RING").parse::<i64>().unwrap_or(30) * 1_000;
        self.runs(id, 9, "Dial", &format!("{dial},{}", ring_ms / 1_000));
        self.sets(id, "DIALSTATUS", "");
        let to = self.channel(TRUNK, ChannelState::Down, None, Some(id));
        self.tell("Newchannel", "call", to, &[]);
        for (name, value) in &asked.variables {
            self.sets(to, &format!("__{name}"), value);
        }
        let shown = self.channels.get(&id).map(|c| c.caller.clone()).unwrap_or_default();
        self.change(to, |c| {
            c.exten.clone_from(&number);
            c.caller.0.clone_from(&number);
            c.connected = shown;
        });
        self.runs(to, 1, "AppDial", "(Outgoing Line)");
        self.tell("NewCallerid", "call", to, &[("CID-CallingPres", "0 (Presentation Allowed, Not Screened)")]);
        let string = dial.strip_prefix("PJSIP/").unwrap_or(&dial).to_owned();
        self.tell_both("DialBegin", "call", Some(id), to, &[("DialString", &string)]);
        if let Some(call) = self.calls.get_mut(&id) {
            (call.second, call.stage, call.rings_ms) = (Some(to), Stage::RingingCustomer, self.now);
            call.dialled_ms = Some(self.now);
        }
        match self.people.customer(&number) {
            Pickup::Unreachable => self.later(TRUNK_RINGS_AFTER_MS, Step::Refuses(id, to, Trial::Unreachable)),
            Pickup::Busy => self.later(TRUNK_RINGS_AFTER_MS, Step::Refuses(id, to, Trial::Busy)),
            pickup => {
                self.later(TRUNK_RINGS_AFTER_MS, Step::Rings(id, to));
                match pickup {
                    Pickup::Answer(ms) if ms < ring_ms => self.later(TRUNK_RINGS_AFTER_MS + ms, Step::Answers(id, to)),
                    Pickup::Reject(ms) if ms < ring_ms => {
                        self.later(TRUNK_RINGS_AFTER_MS + ms, Step::Refuses(id, to, Trial::Rejected))
                    }
                    _ => self.later(ring_ms, Step::RangOut(id, to)),
                }
            }
        }
    }

    pub(super) fn customer_rings(&mut self, id: Id, to: Id) {
        self.becomes(to, ChannelState::Ringing);
        self.tell_both("DialState", "call", Some(id), to, &[("DialStatus", "RINGING")]);
        self.set_trunk(Device::Ringing);
    }

    pub(super) fn customer_answers(&mut self, id: Id, to: Id) {
        self.becomes(to, ChannelState::Up);
        self.sets(id, "DIALSTATUS", "ANSWER");
        self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", "ANSWER")]);
        self.change(to, |c| c.exten = String::new());
        self.bridge(id, to, id);
        self.set_trunk(Device::InUse);
        if let Some(call) = self.calls.get_mut(&id) {
            (call.stage, call.talks_ms) = (Stage::Talking, Some(self.now));
        }
        let talk = self.people.talk();
        self.later(talk.ms, Step::TalkOver(id, talk.ended_by_agent));
    }

    pub(super) fn customer_refuses(&mut self, id: Id, to: Id, how: Trial) {
        match how {
            Trial::Unreachable => self.not_reached(id, to, "CHANUNAVAIL", 20),
            Trial::Busy => self.not_reached(id, to, "BUSY", 17),
            Trial::Rejected | Trial::Rang => self.not_reached(id, to, "NOANSWER", 21),
        }
    }

    pub(super) fn customer_ignores(&mut self, id: Id, to: Id) {
        self.not_reached(id, to, "NOANSWER", 0);
    }

    fn not_reached(&mut self, id: Id, to: Id, status: &str, cause: u16) {
        self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", status)]);
        self.hang_up(to, cause);
        self.sets(id, "DIALSTATUS", status);
        self.runs(id, 10, "Hangup", "");
        self.over(id, Fate::Abandoned);
        self.tell("SoftHangupRequest", "call", id, &[("Cause", if cause == 0 { "16" } else { "17" })]);
        self.hang_up(id, if cause == 0 { 16 } else { cause });
    }

    pub(super) fn callback_over(&mut self, id: Id, customer: Id, by_agent: bool) {
        let (ends, other) = if by_agent { (id, customer) } else { (customer, id) };
        self.tell("HangupRequest", "call", ends, &[("Cause", "16")]);
        self.unbridge(id, ends, other);
        self.sets(id, "DIALSTATUS", "ANSWER");
        self.ends(id, Some(customer), Fate::Served);
    }

    /// A client hangs up a channel, by its name or `Uniqueid`. `false`: there is none.
    pub(super) fn hang_up_named(&mut self, name: &str) -> bool {
        let found = self.channels.iter().find(|(_, c)| c.name == name || c.uniqueid == name);
        let Some(id) = found.map(|(id, _)| *id) else { return false };
        let call = self.calls.values().find(|call| call.first == id || call.second == Some(id)).cloned();
        self.tell("HangupRequest", "call", id, &[("Cause", "16")]);
        let Some(call) = call else {
            self.hang_up(id, 16);
            return true;
        };
        match (call.stage, call.asked.is_some()) {
            (Stage::RingingAgent, _) => self.not_taken_up(call.first, "CANCEL", 16, REASON_FAILURE),
            (Stage::RingingCustomer, _) => {
                if let Some(to) = call.second {
                    self.not_reached(call.first, to, "CANCEL", 16);
                }
            }
            (Stage::Talking, callback) => self.talk_over(call.first, (call.second == Some(id)) != callback),
            (Stage::Transferred, _) => self.gives_up_colleague(call.first),
            (Stage::Waiting, _) => self.abandon(call.first),
            (Stage::Arriving, _) => self.give_up(call.first),
            (Stage::Announcement, _) => self.announced(call.first),
        }
        true
    }
}
