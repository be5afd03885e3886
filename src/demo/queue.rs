//! Queues: callers wait, agents' phones ring one after the other (`leastrecent`), and they talk.

use super::call::{Id, Stage};
use super::channel::ChannelState;
use super::pbx::{Pbx, Step};
use super::people::Pickup;
use super::seats::Device;
use super::truth::{Fate, Trial};

/// From `Dial` to the phone's ringing, ms.
const RINGS_AFTER_MS: i64 = 4;
/// A message on the mailbox, ms.
const MESSAGE_MS: i64 = 6_000;
/// An agent who let it ring is not rung again for so long, ms.
const REST_MS: i64 = 5_000;

impl Pbx {
    pub(super) fn join(&mut self, id: Id, name: &str) {
        let Some(queue) = self.office.queue(name).cloned() else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        (call.stage, call.queue, call.joined_ms) = (Stage::Waiting, Some(name.to_owned()), self.now);
        let (patience, joined_ms) = (call.caller.patience_ms, call.joined_ms);
        let priority = self.channels.get(&id).map_or(1, |c| c.priority + 1);
        self.runs(id, priority, "Queue", &format!("{name},,,,{}", queue.max_wait_ms / 1_000));
        self.sets(id, "QUEUEWAIT", "");
        self.sets(id, "QUEUEWAIT_MS", "");
        let waiting = self.waiting.entry(name.to_owned()).or_default();
        waiting.push(id);
        let count = waiting.len().to_string();
        if count == "1" {
            self.queue_device(name, "RINGING");
        }
        self.tell("QueueCallerJoin", "agent", id, &[("Queue", name), ("Position", &count), ("Count", &count)]);
        self.later(patience, Step::GiveUp(id));
        self.later(queue.max_wait_ms, Step::Expire(id, joined_ms));
        self.offer();
    }

    /// Rings a free agent for each caller for whom no phone rings.
    pub(super) fn offer(&mut self) {
        let waiting: Vec<(String, Id)> =
            self.waiting.iter().flat_map(|(queue, ids)| ids.iter().map(|id| (queue.clone(), *id))).collect();
        for (queue, id) in waiting {
            if self.calls.get(&id).is_some_and(|call| call.second.is_none())
                && let Some(agent) = self.next_agent(&queue)
            {
                self.ring(id, agent, &queue);
            }
        }
    }

    fn next_agent(&self, queue: &str) -> Option<usize> {
        let members = self.office.queue(queue)?.members.iter().copied();
        members.filter(|agent| self.is_free(*agent)).min_by_key(|agent| self.seats[*agent].last_call_ms)
    }

    pub(super) fn is_free(&self, agent: usize) -> bool {
        let seat = &self.seats[agent];
        let at_rest = seat.wraps_until_ms > self.now || seat.rest_until_ms > self.now;
        seat.channels == 0 && seat.paused.is_none() && !at_rest
    }

    fn ring(&mut self, id: Id, agent: usize, queue: &str) {
        let (phone, name) = (self.office.agents[agent].interface(), self.office.agents[agent].name.clone());
        let ring_ms = self.office.queue(queue).map_or(0, |q| q.ring_ms);
        let to = self.channel(&phone, ChannelState::Down, None, Some(id));
        let Some(call) = self.calls.get_mut(&id) else { return };
        (call.second, call.agent, call.rings_ms) = (Some(to), Some(agent), self.now);
        let Some(from) = self.channels.get(&id).cloned() else { return };
        self.tell("Newchannel", "call", to, &[]);
        self.change(to, |c| {
            c.connected = from.caller.clone();
            c.exten.clone_from(&from.exten);
        });
        let more = [("Queue", queue), ("Interface", phone.as_str()), ("MemberName", name.as_str())];
        self.tell_both("AgentCalled", "agent", Some(id), to, &more);
        self.tell_both("DialBegin", "call", Some(id), to, &[("DialString", &phone)]);
        let agents = self.channels.get(&to).map(|c| c.caller.clone()).unwrap_or_default();
        self.change(id, |c| c.connected = agents);
        match self.people.agent(agent, false) {
            Pickup::Unreachable => self.later(RINGS_AFTER_MS, Step::Refuses(id, to, Trial::Unreachable)),
            Pickup::Busy => self.later(RINGS_AFTER_MS, Step::Refuses(id, to, Trial::Busy)),
            pickup => {
                self.later(RINGS_AFTER_MS, Step::Rings(id, to));
                match pickup {
                    Pickup::Answer(ms) if ms < ring_ms => self.later(RINGS_AFTER_MS + ms, Step::Answers(id, to)),
                    Pickup::Reject(ms) if ms < ring_ms => {
                        self.later(RINGS_AFTER_MS + ms, Step::Refuses(id, to, Trial::Rejected));
                    }

                    _ => self.later(ring_ms, Step::RangOut(id, to)),
                }
            }
        }
    }

    pub(super) fn rings(&mut self, id: Id, to: Id) {
        if !self.is_second(id, to) {
            return;
        }
        if self.calls.get(&id).is_some_and(|call| call.stage == Stage::RingingCustomer) {
            return self.customer_rings(id, to);
        }
        if self.calls.get(&id).is_some_and(|call| call.stage == Stage::Transferred) {
            return self.colleague_rings(id, to);
        }
        self.becomes(to, ChannelState::Ringing);
        self.runs(to, 1, "AppQueue", "(Outgoing Line)");
        if let Some(agent) = self.calls.get(&id).and_then(|call| call.agent) {
            self.set_device(agent, Device::Ringing);
        }
        self.tell_both("DialState", "call", Some(id), to, &[("DialStatus", "RINGING")]);
    }

    pub(super) fn answers(&mut self, id: Id, to: Id) {
        match self.calls.get(&id).map(|call| call.stage) {
            Some(Stage::Waiting) if self.is_second(id, to) => self.connect(id, to),
            Some(Stage::Transferred) if self.is_second(id, to) => self.colleague_answers(id, to),
            Some(Stage::RingingAgent) if id == to => self.agent_answers(id),
            Some(Stage::RingingCustomer) if self.is_second(id, to) => self.customer_answers(id, to),
            _ => {}
        }
    }

    fn connect(&mut self, id: Id, to: Id) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.stage = Stage::Talking;
        call.talks_ms = Some(self.now);
        let (queue, agent) = (call.queue.clone().unwrap_or_default(), call.agent.unwrap_or_default());
        let hold = ((self.now - call.joined_ms) / 1_000).to_string();
        let hold_ms = (self.now - call.joined_ms).to_string();
        let rang = ((self.now - call.rings_ms) / 1_000).to_string();
        self.becomes(to, ChannelState::Up);
        self.set_device(agent, Device::InUse);
        self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", "ANSWER")]);
        self.leaves(id, &queue);
        self.sets(id, "QUEUEPOSITION", "1");
        self.sets(id, "QUEUEWAIT", &hold);
        self.sets(id, "QUEUEWAIT_MS", &hold_ms);
        let (phone, name) = (self.office.agents[agent].interface(), self.office.agents[agent].name.clone());
        let more =
            [("Queue", &queue), ("Interface", &phone), ("MemberName", &name), ("HoldTime", &hold), ("RingTime", &rang)];
        self.tell_both("AgentConnect", "agent", Some(id), to, &more.map(|(k, v)| (k, v.as_str())));
        self.bridge(id, to, id);
        let talk = self.people.talk();
        let passed_on = self.people.transfers();
        self.later(talk.ms, if passed_on { Step::Transfer(id) } else { Step::TalkOver(id, talk.ended_by_agent) });
    }

    /// `QueueCallerLeave`.
    fn leaves(&mut self, id: Id, queue: &str) {
        let waiting = self.waiting.entry(queue.to_owned()).or_default();
        let position = (waiting.iter().position(|w| *w == id).unwrap_or(0) + 1).to_string();
        waiting.retain(|w| *w != id);
        let count = waiting.len().to_string();
        if count == "0" {
            self.queue_device(queue, "NOT_INUSE");
        }
        self.tell("QueueCallerLeave", "agent", id, &[("Queue", queue), ("Position", &position), ("Count", &count)]);
    }

    pub(super) fn talk_over(&mut self, id: Id, by_agent: bool) {
        let Some(call) = self.calls.get(&id).filter(|call| call.stage == Stage::Talking).cloned() else { return };
        let Some(second) = call.second else { return };
        if call.asked.is_some() {
            return self.callback_over(id, second, by_agent);
        }
        if call.transferred {
            return self.colleague_over(id, second, by_agent);
        }
        let (ends, other) = if by_agent { (second, id) } else { (id, second) };
        self.tell("HangupRequest", "call", ends, &[("Cause", "16")]);
        self.unbridge(id, ends, other);
        self.completes(id, second, if by_agent { "agent" } else { "caller" });
        self.ends(id, Some(second), Fate::Served);
    }

    /// `AgentComplete`: the queue's agent is done with the call, for this reason, and has after-call work.
    pub(super) fn completes(&mut self, id: Id, second: Id, reason: &str) {
        let Some(call) = self.calls.get(&id).cloned() else { return };
        let (agent, queue) = (call.agent.unwrap_or_default(), call.queue.unwrap_or_default());
        let seat = &mut self.seats[agent];
        seat.calls_taken += 1;
        seat.last_call_ms = self.now;
        let wrapup = self.office.queue(&queue).map_or(0, |q| q.wrapup_ms);
        self.seats[agent].wraps_until_ms = self.now + wrapup;
        let talks_ms = call.talks_ms.unwrap_or(self.now);
        let hold = ((talks_ms - call.joined_ms) / 1_000).to_string();
        let talked = ((self.now - talks_ms) / 1_000).to_string();
        let (phone, name) = (self.office.agents[agent].interface(), self.office.agents[agent].name.clone());
        let more = [
            ("Queue", queue.as_str()),
            ("Interface", &phone),
            ("MemberName", &name),
            ("HoldTime", &hold),
            ("TalkTime", &talked),
            ("Reason", reason),
        ];
        self.tell_both("AgentComplete", "agent", Some(id), second, &more);
        self.later(wrapup, Step::Offer);
    }

    /// The phone that rings stops, with these `DialEnd`s.
    fn stops_ringing(&mut self, id: Id, statuses: &[&str], cause: u16) {
        let Some(to) = self.calls.get_mut(&id).and_then(|call| call.second.take()) else { return };
        for status in statuses {
            self.tell_both("DialEnd", "call", Some(id), to, &[("DialStatus", status)]);
        }
        self.hang_up(to, cause);
    }

    pub(super) fn refuses(&mut self, id: Id, to: Id, how: Trial) {
        match self.calls.get(&id).map(|call| call.stage) {
            Some(Stage::Waiting) if self.is_second(id, to) => self.not_taken(id, to, how),
            Some(Stage::Transferred) if self.is_second(id, to) => self.colleague_refuses(id, to, how),
            Some(Stage::RingingAgent) if id == to => self.agent_refuses(id, how),
            Some(Stage::RingingCustomer) if self.is_second(id, to) => self.customer_refuses(id, to, how),
            _ => {}
        }
    }

    pub(super) fn rang_out(&mut self, id: Id, to: Id) {
        match self.calls.get(&id).map(|call| call.stage) {
            Some(Stage::Waiting) if self.is_second(id, to) => self.not_taken(id, to, Trial::Rang),
            Some(Stage::Transferred) if self.is_second(id, to) => self.colleague_refuses(id, to, Trial::Rang),
            Some(Stage::RingingAgent) if id == to => self.agent_ignores(id),
            Some(Stage::RingingCustomer) if self.is_second(id, to) => self.customer_ignores(id, to),
            _ => {}
        }
    }

    /// `AgentRingNoAnswer`, and the next agent's turn.
    fn not_taken(&mut self, id: Id, to: Id, how: Trial) {
        self.ring_no_answer(id, to);
        if how == Trial::Rejected {
            self.tell("HangupRequest", "call", to, &[("Cause", "21")]);
        }
        let (status, cause) = match how {
            Trial::Unreachable => ("CHANUNAVAIL", 20),
            Trial::Busy => ("BUSY", 17),
            // A queue takes a refusal for no answer; the channel's cause tells them apart.
            Trial::Rejected => ("NOANSWER", 21),
            Trial::Rang => ("NOANSWER", 0),
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.kindest = call.kindest.max(Some(how));
        }
        self.stops_ringing(id, &[status], cause);
        self.later(REST_MS, Step::Offer);
    }

    fn ring_no_answer(&mut self, id: Id, to: Id) {
        let Some(call) = self.calls.get(&id).cloned() else { return };
        let (agent, queue) = (call.agent.unwrap_or_default(), call.queue.unwrap_or_default());
        let rang = (self.now - call.rings_ms).to_string();
        let (phone, name) = (self.office.agents[agent].interface(), self.office.agents[agent].name.clone());
        let more = [("Queue", queue.as_str()), ("Interface", &phone), ("MemberName", &name), ("RingTime", &rang)];
        self.tell_both("AgentRingNoAnswer", "agent", Some(id), to, &more);
        self.seats[agent].rest_until_ms = self.now + REST_MS;
    }

    pub(super) fn abandon(&mut self, id: Id) {
        self.tell("HangupRequest", "call", id, &[("Cause", "16")]);
        // app_queue publishes it once more when it clears its list of outgoing calls.
        self.stops_ringing(id, &["CANCEL", "CANCEL"], 0);
        self.out_of_queue(id);
        self.ends(id, None, Fate::Abandoned);
    }

    /// The caller leaves without having been answered.
    fn out_of_queue(&mut self, id: Id) {
        let Some(call) = self.calls.get(&id).cloned() else { return };
        let queue = call.queue.unwrap_or_default();
        let held = self.now - call.joined_ms;
        let (hold, hold_ms) = ((held / 1_000).to_string(), held.to_string());
        self.sets(id, "QUEUEWAIT", &hold);
        self.sets(id, "QUEUEWAIT_MS", &hold_ms);
        self.sets(id, "ABANDONED", "TRUE");
        let position = self.waiting.get(&queue).and_then(|w| w.iter().position(|w| *w == id)).unwrap_or(0) + 1;
        let position = position.to_string();
        let more =
            [("Queue", queue.as_str()), ("Position", &position), ("OriginalPosition", &position), ("HoldTime", &hold)];
        self.tell("QueueCallerAbandon", "agent", id, &more);
        self.leaves(id, &queue);
        self.sets(id, "QUEUEPOSITION", &position);
    }

    /// The queue's patience is over (`Queue(…,,,,timeout)`).
    pub(super) fn expire(&mut self, id: Id, joined_ms: i64) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.stage != Stage::Waiting || call.joined_ms != joined_ms {
            return;
        }
        let call_rings = call.second;
        let priority = self.channels.get(&id).map_or(1, |c| c.priority + 1);
        if let Some(to) = call_rings {
            self.ring_no_answer(id, to);
            if let Some(call) = self.calls.get_mut(&id) {
                call.kindest = Some(Trial::Rang);
            }
        }
        self.stops_ringing(id, &["NOANSWER", "CANCEL"], 0);
        // app_queue calls this an abandonment too (EXITWITHTIMEOUT in queue_log).
        self.out_of_queue(id);
        self.sets(id, "QUEUESTATUS", "TIMEOUT");
        if let Some(mailbox) = self.office.mailbox.clone() {
            self.runs(id, priority, "VoiceMail", &mailbox);
            return self.announces(id, MESSAGE_MS);
        }
        self.runs(id, priority, "Hangup", "");
        self.ends(id, None, Fate::QueueTimeout);
    }
}
