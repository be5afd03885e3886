//! The people of a day: customers, agents, and whoever gives orders.

use super::{CUSTOMERS, Event, MINUTE, SECOND, World};
use crate::core::PBXS;
use callbackd::demo::pbx::Input;
use callbackd::demo::people::{Caller, People, Pickup, Talk};
use callbackd_core::callbacks::commands::{CallbackRequest, Command};
use fastrand::Rng;

/// People as bad as real ones.
pub(super) struct Crowd(pub(super) Rng);

impl People for Crowd {
    fn agent(&mut self, _agent: usize, _callback: bool) -> Pickup {
        match self.0.u32(..10) {
            0..6 => Pickup::Answer(self.0.i64(200..9_000)),
            6 => Pickup::Ignore,
            7 => Pickup::Busy,
            8 => Pickup::Reject(self.0.i64(200..6_000)),
            _ => Pickup::Unreachable,
        }
    }
    fn customer(&mut self, _number: &str) -> Pickup {
        match self.0.u32(..10) {
            0..6 => Pickup::Answer(self.0.i64(200..20_000)),
            6 => Pickup::Busy,
            7 => Pickup::Ignore,
            8 => Pickup::Reject(self.0.i64(200..6_000)),
            _ => Pickup::Unreachable,
        }
    }
    fn talk(&mut self) -> Talk {
        let ms = if self.0.u32(..6) == 0 { self.0.i64(50..6_000) } else { self.0.i64(8_000..120_000) };
        Talk { ms, ended_by_agent: self.0.bool() }
    }
}

impl World {
    pub(super) fn call(&mut self) {
        if self.calls_left == 0 {
            return;
        }
        self.calls_left -= 1;
        let n = self.rng.u32(..CUSTOMERS);
        let (did, key) = match self.rng.u32(..4) {
            0 => ("5550100", None),
            1 => ("5550101", None),
            2 => ("5550102", None),
            _ => ("5550103", self.rng.bool().then(|| (['1', '2'][self.rng.usize(..2)], self.rng.i64(500..5_000)))),
        };
        let caller = Caller {
            number: if self.rng.u32(..20) == 0 { String::new() } else { format!("1202555{:04}", 100 + n) },
            name: String::new(),
            did: did.to_owned(),
            key,
            patience_ms: self.rng.i64(300..40_000),
        };
        let i = self.any();
        let at: Vec<usize> = if self.sites.len() > 1 && self.luck.u32(..4) == 0 {
            // On both at once, under one linkedid.
            let next = self.sites.iter().map(|site| site.pbx.next_channel()).max().unwrap_or_default();
            self.sites.iter_mut().for_each(|site| site.pbx.skip_channels(next));
            (0..self.sites.len()).collect()
        } else {
            vec![i]
        };
        for i in at {
            if self.sites[i].pbx_up {
                let channel = self.sites[i].pbx.next_channel();
                self.sites[i].pbx.handle(Input::Call(caller.clone()), self.now);
                let linkedid = self.linkedid(i, channel);
                self.perhaps_asks(i, channel, linkedid);
            }
        }
        self.forger_calls();
        let next = self.exponential(15 * SECOND);
        self.at(next, Event::Call);
        if self.calls_left == 0 {
            self.troubles_until = self.now + 5 * MINUTE;
        }
    }

    pub(super) fn take_break(&mut self, i: usize, agent: usize, away: bool) {
        // A pause of ours is not the agent's to end: the agent does not know of it.
        if self.sites[i].pbx.paused(agent).is_none_or(|(reason, _)| reason != "callbackd") {
            self.sites[i].pbx.handle(Input::Break(agent, away.then_some("lunch")), self.now);
        }
        let ms = self.exponential(if away { 2 * MINUTE } else { 3 * MINUTE });
        if away {
            self.at(ms, Event::Break(i, agent, false));
        } else if self.calls_left > 0 {
            let next = self.rng.usize(..8);
            self.at(ms, Event::Break(i, next, true));
        }
    }

    /// A person gives an order.
    pub(super) fn command(&mut self) {
        if self.calls_left == 0 || self.wishes.is_some() {
            return;
        }
        let next = self.exponential(if self.coders.is_some() { 40 * SECOND } else { 4 * MINUTE });
        self.at(next, Event::Command);
        if let Some(said) = self.says_what_it_was() {
            let now = self.moment();
            return self.with_core(|core| core.command(&said, now));
        }
        let number = format!("+1202555{:04}", 100 + self.rng.u32(..CUSTOMERS));
        let open =
            self.disk.callbacks.values().filter(|row| row.closed_ms.is_none()).map(|row| row.id).collect::<Vec<_>>();
        let id = if open.is_empty() { 1 } else { open[self.rng.usize(..open.len())] };
        let note = String::new();
        let command = match self.rng.u32(..7) {
            0 => Command::DncAdd { number, reason: note, for_ms: self.rng.bool().then_some(10 * MINUTE) },
            1 => Command::DncRemove { number },
            2 => Command::Cancel { id, note },
            3 => Command::Retry { id, note },
            4 => Command::Delay { id, delay_ms: 2 * MINUTE, note },
            5 => Command::Prioritise { id, priority: 5, note },
            _ => Command::Add(CallbackRequest {
                number,
                pbx: Some(PBXS[self.any()].to_owned()),
                at: (self.rng.u32(..3) == 0).then(|| "+5m".to_owned()),
                requested: self.rng.u32(..3) == 0,
                note,
                ..CallbackRequest::default()
            }),
        };
        self.decides_by_hand(&command);
        let now = self.moment();
        self.with_core(|core| core.command(&command, now));
    }
}
