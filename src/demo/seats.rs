//! Agents at their phones: device states, breaks, and what queues say of their members.

use super::office::TRUNK;
use super::pbx::{Pbx, Step};
use super::wire::Event;

/// An agent at work.
#[derive(Debug, Clone, Default)]
pub(super) struct Seat {
    pub(crate) paused: Option<String>,
    pub(crate) channels: u32,
    pub(crate) device: Device,
    pub(crate) calls_taken: u32,
    pub(crate) last_call_ms: i64,
    pub(crate) last_pause_ms: i64,
    pub(crate) wraps_until_ms: i64,
    /// The agent let it ring: the queue does not ring them again before this time, ms.
    pub(crate) rest_until_ms: i64,
}

/// Device states that occur here, with their numbers in queue events (`include/asterisk/devicestate.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Device {
    /// Free.
    #[default]
    NotInUse = 1,
    /// In a call.
    InUse = 2,
    Ringing = 6,
}

impl Device {
    /// `ast_devstate_str`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotInUse => "NOT_INUSE",
            Self::InUse => "INUSE",
            Self::Ringing => "RINGING",
        }
    }
}

impl Pbx {
    pub(super) fn set_trunk(&mut self, device: Device) {
        if self.trunk != device {
            self.trunk = device;
            self.emit("DeviceStateChange", "call", |e| e.put("Device", TRUNK).put("State", device.as_str()));
        }
    }

    pub(super) fn set_device(&mut self, agent: usize, device: Device) {
        if self.seats[agent].device == device {
            return;
        }
        self.seats[agent].device = device;
        let phone = self.office.agents[agent].interface();
        self.emit("DeviceStateChange", "call", |e| e.put("Device", &phone).put("State", device.as_str()));
        self.member_status(agent);
    }

    pub(super) fn member_status(&mut self, agent: usize) {
        let queues: Vec<String> = self.office.queues_of(agent).map(|q| q.name.clone()).collect();
        for queue in queues {
            let member = self.member(agent, &queue);
            let put = |e: Event| member.iter().fold(e.put("Queue", &queue), |e, (key, value)| e.put(key, value));
            self.emit("QueueMemberStatus", "agent", put);
        }
    }

    pub(super) fn queue_device(&mut self, queue: &str, state: &str) {
        self.emit("DeviceStateChange", "call", |e| e.put("Device", format!("Queue:{queue}")).put("State", state));
    }

    /// The headers of `QueueMemberStatus` behind `Queue` (`queue_member_manager_to_ami`, `apps/app_queue.c`).
    pub(super) fn member(&self, agent: usize, queue: &str) -> Vec<(&'static str, String)> {
        let (seat, who) = (&self.seats[agent], &self.office.agents[agent]);
        let seconds = |ms: i64| (ms / 1_000).to_string();
        vec![
            ("MemberName", who.name.clone()),
            ("Interface", who.interface()),
            ("StateInterface", who.interface()),
            ("Membership", "static".to_owned()),
            ("Penalty", "0".to_owned()),
            ("CallsTaken", seat.calls_taken.to_string()),
            ("LastCall", seconds(seat.last_call_ms)),
            ("LastPause", seconds(seat.last_pause_ms)),
            ("LoginTime", seconds(self.booted_ms)),
            ("InCall", u8::from(seat.device == Device::InUse).to_string()),
            ("Status", (seat.device as u8).to_string()),
            ("Paused", u8::from(seat.paused.is_some()).to_string()),
            ("PausedReason", seat.paused.clone().unwrap_or_default()),
            ("Ringinuse", "0".to_owned()),
            ("Wrapuptime", seconds(self.office.queue(queue).map_or(0, |q| q.wrapup_ms))),
        ]
    }

    pub(super) fn take_break(&mut self, agent: usize, reason: Option<&str>) {
        if self.seats[agent].paused.as_deref() == reason {
            return;
        }
        self.seats[agent].paused = reason.map(str::to_owned);
        self.seats[agent].last_pause_ms = self.now;
        let queues: Vec<String> = self.office.queues_of(agent).map(|q| q.name.clone()).collect();
        for queue in queues {
            let member = self.member(agent, &queue);
            let put = |e: Event| member.iter().fold(e.put("Queue", &queue), |e, (key, value)| e.put(key, value));
            self.emit("QueueMemberPause", "agent", put);
        }
        self.later(0, Step::Offer);
    }

    /// Pauses one agent in all queues at the wish of a client.
    pub(super) fn pause(&mut self, agent: usize, reason: Option<&str>) {
        self.take_break(agent, reason);
    }
}
