//! The PBX: channels, calls, queues, agents, and what is due when. Its output is text for its clients.

use super::call::{Call, Id};
use super::channel::{Channel, ChannelState};
use super::manager::Session;
use super::office::{FROM_INTERNAL, FROM_TRUNK, Office, TRUNK};
use super::people::{Caller, People};
use super::seats::{Device, Seat};
use super::truth::{Fate, Past, Trial};
use super::wire::Event;
use std::collections::{BTreeMap, VecDeque};

/// For a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// These bytes.
    Send(u64, String),
    /// Its connection is closed.
    Close(u64),
}

/// What happens to the PBX. Connections have numbers of the caller's choosing.
#[derive(Debug)]
pub enum Input<'a> {
    /// A client connects.
    Connected(u64),
    /// It sent this.
    Received(u64, &'a [u8]),
    /// It is gone.
    Disconnected(u64),
    /// A customer calls.
    Call(Caller),
    /// The dialplan of the channel of this number says something by `UserEvent()`: its name, and headers.
    Says(u32, &'a str, &'a [(&'a str, &'a str)]),
    /// An agent takes a break, or comes back (`None`).
    Break(usize, Option<&'a str>),
    /// Asterisk is restarted: calls and connections end, and only the configuration and AstDB are kept.
    Restart,
}

/// What is due. Channels and calls may be gone by then.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A caller joins the queue of this name.
    Join(Id, String),
    /// The caller presses a key in the menu.
    Key(Id, char),
    /// The caller gives up.
    GiveUp(Id),
    /// The queue lets the caller go.
    Expire(Id, i64),
    /// Phones of free agents are looked for.
    Offer,
    /// The phone of this channel rings now.
    Rings(Id, Id),
    /// Its owner answers.
    Answers(Id, Id),
    /// The agent refuses, is busy, or is not there.
    Refuses(Id, Id, Trial),
    RangOut(Id, Id),
    /// The conversation is over, ended by the agent or not.
    TalkOver(Id, bool),
    /// The agent passes the customer on.
    Transfer(Id),
    /// The announcement is over, or the message.
    Announced(Id),
}

/// The pretend PBX.
pub struct Pbx {
    pub(super) office: Office,
    pub(super) people: Box<dyn People + Send>,
    pub(super) now: i64,
    pub(super) booted_ms: i64,
    pub(super) channels: BTreeMap<Id, Channel>,
    pub(super) calls: BTreeMap<Id, Call>,
    pub(super) seats: Vec<Seat>,
    /// Callers by queue, in the order in which they came.
    pub(super) waiting: BTreeMap<String, Vec<Id>>,
    pub(super) sessions: BTreeMap<u64, Session>,
    /// AstDB, by family and key.
    pub(super) database: BTreeMap<(String, String), String>,
    /// Global variables, by name.
    pub(super) globals: BTreeMap<String, String>,
    pub(super) trunk: Device,
    timers: BTreeMap<(i64, u64), Step>,
    steps: u64,
    serial: Id,
    stamp_us: i64,
    out: VecDeque<Output>,
    past: VecDeque<Past>,
}

impl std::fmt::Debug for Pbx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pbx").field("now", &self.now).field("calls", &self.calls.len()).finish_non_exhaustive()
    }
}

impl Pbx {
    /// A PBX that has just started. Times are milliseconds since 1970 UTC.
    #[must_use]
    pub fn new(office: Office, people: Box<dyn People + Send>, now: i64) -> Self {
        let seats = vec![Seat::default(); office.agents.len()];
        Self {
            office,
            people,
            now,
            booted_ms: now,
            channels: BTreeMap::new(),
            calls: BTreeMap::new(),
            seats,
            waiting: BTreeMap::new(),
            sessions: BTreeMap::new(),
            database: BTreeMap::new(),
            globals: BTreeMap::new(),
            trunk: Device::NotInUse,
            timers: BTreeMap::new(),
            steps: 0,
            serial: 0,
            stamp_us: 0,
            out: VecDeque::new(),
            past: VecDeque::new(),
        }
    }

    /// Takes what happens at this moment; what was due before happens first.
    pub fn handle(&mut self, input: Input<'_>, now: i64) {
        self.advance(now);
        match input {
            Input::Connected(client) => self.connected(client),
            Input::Received(client, bytes) => self.received(client, bytes),
            Input::Disconnected(client) => drop(self.sessions.remove(&client)),
            Input::Call(caller) => self.arrive(caller),
            Input::Says(id, name, fields) => {
                let fields: Vec<_> = [("UserEvent", name)].into_iter().chain(fields.iter().copied()).collect();
                self.tell("UserEvent", "user", id, &fields);
            }
            Input::Break(agent, reason) => self.take_break(agent, reason),
            Input::Restart => self.restart(),
        }
    }

    /// Lets happen what is due by now.
    pub fn advance(&mut self, now: i64) {
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
            self.now = self.now.max(entry.key().0);
            let step = entry.remove();
            self.step(step);
        }
        self.now = self.now.max(now);
    }

    /// When something is due next.
    #[must_use]
    pub fn deadline(&self) -> Option<i64> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// For a client, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// A call that is over, in the order of ends.
    pub fn past(&mut self) -> Option<Past> {
        self.past.pop_front()
    }

    /// The number that the next channel gets.
    #[must_use]
    pub fn next_channel(&self) -> u32 {
        self.serial
    }

    /// Channels are numbered from here on: two PBXs that stand at one number give the same Uniqueid in the same second. Never back.
    pub fn skip_channels(&mut self, to: u32) {
        self.serial = self.serial.max(to);
    }

    /// The `Uniqueid`s of the channels that are up.
    pub fn uniqueids(&self) -> impl Iterator<Item = &str> {
        self.channels.values().map(|channel| channel.uniqueid.as_str())
    }

    /// The `Uniqueid` of the channel of this number, if it is up.
    #[must_use]
    pub fn uniqueid(&self, channel: u32) -> Option<&str> {
        self.channels.get(&channel).map(|channel| channel.uniqueid.as_str())
    }

    /// Calls that go on.
    #[must_use]
    pub fn live_calls(&self) -> usize {
        self.calls.len()
    }

    /// Since when this customer has been on a line (ms), if they are: by their own call, or because a callback rings or talks with them.
    #[must_use]
    pub fn on_line_since(&self, number: &str) -> Option<i64> {
        let theirs = |call: &&Call| match &call.asked {
            None => call.caller.number == number,
            Some(asked) => call.dialled_ms.is_some() && asked.get("CALLBACKD_NUMBER") == number,
        };
        let since = |call: &Call| call.dialled_ms.or_else(|| self.channels.get(&call.first).map(|c| c.created_ms));
        self.calls.values().filter(theirs).filter_map(since).min()
    }

    /// Since when an agent has had a channel (ms), if the agent has one.
    #[must_use]
    pub fn busy_since(&self, agent: usize) -> Option<i64> {
        let phone = self.office.agents[agent].interface();
        self.channels.values().filter(|c| c.device() == phone).map(|c| c.created_ms).min()
    }

    /// An agent's pause: its reason, and since when (ms).
    #[must_use]
    pub fn paused(&self, agent: usize) -> Option<(&str, i64)> {
        let seat = &self.seats[agent];
        seat.paused.as_deref().map(|reason| (reason, seat.last_pause_ms))
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(call, queue) => self.join(call, &queue),
            Step::Key(call, key) => self.press(call, key),
            Step::GiveUp(call) => self.give_up(call),
            Step::Expire(call, joined_ms) => self.expire(call, joined_ms),
            Step::Offer => self.offer(),
            Step::Rings(call, channel) => self.rings(call, channel),
            Step::Answers(call, channel) => self.answers(call, channel),
            Step::Refuses(call, channel, how) => self.refuses(call, channel, how),
            Step::RangOut(call, channel) => self.rang_out(call, channel),
            Step::TalkOver(call, by_agent) => self.talk_over(call, by_agent),
            Step::Transfer(call) => self.transfer(call),
            Step::Announced(call) => self.announced(call),
        }
    }

    pub(super) fn later(&mut self, ms: i64, step: Step) {
        self.steps += 1;
        self.timers.insert((self.now + ms.max(0), self.steps), step);
    }

    /// Who rings is at the other end of a live call, in this channel.
    pub(super) fn is_second(&self, call: Id, channel: Id) -> bool {
        self.calls.get(&call).is_some_and(|c| c.second == Some(channel)) && self.channels.contains_key(&channel)
    }

    // Channels

    /// A new channel on this device.
    pub(super) fn channel(
        &mut self,
        device: &str,
        state: ChannelState,
        uniqueid: Option<&str>,
        linked: Option<Id>,
    ) -> Id {
        let id = self.serial;
        self.serial += 1;
        let own = || format!("demo-{}.{id}", self.now.div_euclid(1_000));
        let uniqueid = uniqueid.map_or_else(own, str::to_owned);
        let linkedid =
            linked.and_then(|l| self.channels.get(&l)).map_or_else(|| uniqueid.clone(), |c| c.linkedid.clone());
        let context = if device == TRUNK { FROM_TRUNK } else { FROM_INTERNAL };
        let caller = self.office.agent(device).map_or_else(Default::default, |agent| {
            let agent = &self.office.agents[agent];
            (agent.extension.clone(), agent.name.clone())
        });
        let channel = Channel {
            name: format!("{device}-{id:08x}"),
            state,
            caller,
            connected: Default::default(),
            context: context.to_owned(),
            exten: "s".to_owned(),
            priority: 1,
            uniqueid,
            linkedid,
            application: Default::default(),
            created_ms: self.now,
        };
        self.channels.insert(id, channel);
        if let Some(agent) = self.office.agent(device) {
            self.seats[agent].channels += 1;
        }
        id
    }

    /// Changes a channel that is up.
    pub(super) fn change(&mut self, id: Id, change: impl FnOnce(&mut Channel)) {
        if let Some(channel) = self.channels.get_mut(&id) {
            change(channel);
        }
    }

    /// `Hangup`, and the channel is gone.
    pub(super) fn hang_up(&mut self, id: Id, cause: u16) {
        let Some(channel) = self.channels.remove(&id) else { return };
        self.emit("Hangup", "call", |e| e.channel(&channel).put("Cause", cause).put("Cause-txt", cause_text(cause)));
        if let Some(agent) = self.office.agent(channel.device()) {
            self.seats[agent].channels -= 1;
            if self.seats[agent].channels == 0 {
                self.set_device(agent, Device::NotInUse);
            }
        } else if !self.channels.values().any(|c| c.device() == TRUNK) {
            self.set_trunk(Device::NotInUse);
        }
        self.later(0, Step::Offer);
    }

    // Events

    /// An event, for all who listen.
    pub(super) fn emit(&mut self, name: &str, class: &str, fill: impl FnOnce(Event) -> Event) {
        self.stamp_us = (self.stamp_us + 31).max(self.now * 1_000);
        let text = fill(Event::new(name, class, self.stamp_us)).finish();
        for (client, session) in &self.sessions {
            if session.listens(&text) {
                self.out.push_back(Output::Send(*client, text.clone()));
            }
        }
    }

    /// An event about one channel.
    pub(super) fn tell(&mut self, name: &str, class: &str, id: Id, more: &[(&str, &str)]) {
        let Some(channel) = self.channels.get(&id).cloned() else { return };
        self.emit(name, class, |e| more.iter().fold(e.channel(&channel), |e, (key, value)| e.put(key, value)));
    }

    /// An event about two channels: who dials (`None` for Originate), and who is dialled.
    pub(super) fn tell_both(&mut self, name: &str, class: &str, from: Option<Id>, to: Id, more: &[(&str, &str)]) {
        let from = from.and_then(|id| self.channels.get(&id).cloned());
        let Some(to) = self.channels.get(&to).cloned() else { return };
        self.emit(name, class, |e| {
            let e = match &from {
                Some(from) => e.channel(from),
                None => e,
            };
            more.iter().fold(e.dest(&to), |e, (key, value)| e.put(key, value))
        });
    }

    /// `Newexten`: the channel runs this application.
    pub(super) fn runs(&mut self, id: Id, priority: u32, application: &str, data: &str) {
        self.change(id, |c| {
            c.priority = priority;
            c.application = (application.to_owned(), data.to_owned());
        });
        let exten = self.channels.get(&id).map(|c| c.exten.clone()).unwrap_or_default();
        let more = [("Extension", exten.as_str()), ("Application", application), ("AppData", data)];
        self.tell("Newexten", "dialplan", id, &more);
    }

    /// `VarSet`.
    pub(super) fn sets(&mut self, id: Id, variable: &str, value: &str) {
        self.tell("VarSet", "dialplan", id, &[("Variable", variable), ("Value", value)]);
    }

    /// `Newstate`.
    pub(super) fn becomes(&mut self, id: Id, state: ChannelState) {
        self.change(id, |c| c.state = state);
        self.tell("Newstate", "call", id, &[]);
    }

    /// Two channels are bridged, in this order.
    pub(super) fn bridge(&mut self, call: Id, first: Id, second: Id) {
        let n = self.steps ^ (u64::from(first) << 32);
        let bridge = format!("{:08x}-0000-4000-8000-{n:012x}", self.now & 0xffff_ffff);
        self.emit("BridgeCreate", "call", |e| e.bridge(&bridge, "simple_bridge", 0));
        for (id, count) in [(first, 1), (second, 2)] {
            let Some(channel) = self.channels.get(&id).cloned() else { continue };
            self.emit("BridgeEnter", "call", |e| e.bridge(&bridge, "simple_bridge", count).channel(&channel));
        }
        if let Some(call) = self.calls.get_mut(&call) {
            call.bridge = Some(bridge);
        }
    }

    /// They leave it, in this order.
    pub(super) fn unbridge(&mut self, call: Id, first: Id, second: Id) {
        let Some(bridge) = self.calls.get_mut(&call).and_then(|c| c.bridge.take()) else { return };
        for (id, count) in [(first, 1), (second, 0)] {
            let Some(channel) = self.channels.get(&id).cloned() else { continue };
            self.emit("BridgeLeave", "call", |e| e.bridge(&bridge, "simple_bridge", count).channel(&channel));
        }
        self.emit("BridgeDestroy", "call", |e| e.bridge(&bridge, "simple_bridge", 0));
    }

    fn restart(&mut self) {
        self.emit("Shutdown", "system", |e| e.put("Shutdown", "Cleanly").put("Restart", "True"));
        let calls: Vec<Id> = self.calls.keys().copied().collect();
        for call in calls {
            self.over(call, Fate::CutOff);
        }
        for client in std::mem::take(&mut self.sessions).into_keys() {
            self.out.push_back(Output::Close(client));
        }
        self.channels.clear();
        self.waiting.clear();
        self.globals.clear();
        self.timers.clear();
        self.trunk = Device::NotInUse;
        self.seats = vec![Seat::default(); self.office.agents.len()];
        self.booted_ms = self.now;
    }

    pub(super) fn send(&mut self, client: u64, text: String) {
        self.out.push_back(Output::Send(client, text));
    }

    pub(super) fn close(&mut self, client: u64) {
        self.sessions.remove(&client);
        self.out.push_back(Output::Close(client));
    }

    /// The call is over, and its channels hang up: the other party's, if there is one, and then the caller's.
    pub(super) fn ends(&mut self, id: Id, other: Option<Id>, fate: Fate) {
        self.over(id, fate);
        self.tell("SoftHangupRequest", "call", id, &[("Cause", "16")]);
        if let Some(other) = other {
            self.hang_up(other, 16);
        }
        self.hang_up(id, 16);
    }

    /// The call is over; its channels may still have to hang up.
    pub(super) fn over(&mut self, id: Id, fate: Fate) {
        let Some(call) = self.calls.remove(&id) else { return };
        if let Some(waiting) = call.queue.as_ref().and_then(|queue| self.waiting.get_mut(queue)) {
            waiting.retain(|waiting| *waiting != id);
        }
        let first = self.channels.get(&call.first);
        let number =
            call.asked.as_ref().map_or_else(|| call.caller.number.clone(), |a| a.get("CALLBACKD_NUMBER").to_owned());
        self.past.push_back(Past {
            linkedid: first.map(|c| c.linkedid.clone()).unwrap_or_default(),
            number,
            attempt: call.asked.as_ref().and(first.map(|c| c.uniqueid.clone())),
            from_ms: first.map_or(self.now, |c| c.created_ms),
            to_ms: self.now,
            queue: call.queue,
            agent: call.talks_ms.and(call.agent),
            talk_ms: call.talks_ms.map_or(0, |at| self.now - at),
            kindest: call.kindest,
            fate: if call.talks_ms.is_some() && fate != Fate::CutOff { Fate::Served } else { fate },
            dialled_ms: call.dialled_ms,
        });
    }
}

/// `ast_cause2str` of the causes that occur here (Q.850).
fn cause_text(cause: u16) -> &'static str {
    match cause {
        16 => "Normal Clearing",
        17 => "User busy",
        19 => "User alerting, no answer",
        20 => "Subscriber absent",
        21 => "Call Rejected",
        _ => "Unknown",
    }
}
