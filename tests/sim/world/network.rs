//! The network of a day: bytes on their way, and connections that end.

use super::{DEVICE_LAG_MS, Event, LATENCY_MS, Link, TO_DISK_MS, Weather, World};
use callbackd::demo::pbx::{Input, Output};
use std::hash::Hash;

impl World {
    pub(super) fn is_link(&self, i: usize, client: u64) -> bool {
        self.sites[i].link.as_ref().is_some_and(|link| link.client == client && !link.deaf)
    }

    pub(super) fn connect(&mut self, i: usize) {
        if self.core.as_ref().is_none_or(|core| core.is_connected(i)) {
            return;
        }
        if !self.sites[i].network_up || !self.sites[i].pbx_up {
            self.sites[i].failures += 1;
            let again = (100 << self.sites[i].failures.min(8)) + self.rng.i64(0..200);
            return self.at(again.min(30_000), Event::Connect(self.run, i));
        }
        self.sites[i].failures = 0;
        self.clients += 1;
        let client = self.clients;
        self.sites[i].link = Some(Link { client, deaf: false, to_daemon_at: 0, devices_at: 0, to_pbx_at: 0 });
        let (nonce, now) = (self.rng.u64(..), self.moment());
        self.with_core(|core| core.connected(i, nonce, now));
        self.sites[i].pbx.handle(Input::Connected(client), self.now);
    }

    /// What the PBX says goes on its way; states of devices and of queue members by a slower one, as they come from other threads of Asterisk,
    /// but in order among themselves.
    pub(super) fn listen(&mut self) {
        for i in 0..self.sites.len() {
            self.listen_to(i);
        }
    }

    fn listen_to(&mut self, i: usize) {
        while let Some(output) = self.sites[i].pbx.poll() {
            match output {
                Output::Send(client, text) => {
                    if !self.is_link(i, client) {
                        continue;
                    }
                    let slow = ["DeviceStateChange", "QueueMember"].iter().any(|name| text[7..].starts_with(name));
                    let lag = self.rng.i64(1..LATENCY_MS - DEVICE_LAG_MS)
                        + if slow { self.rng.i64(0..DEVICE_LAG_MS) } else { 0 };
                    let Some(link) = &mut self.sites[i].link else { continue };
                    let at = if slow { &mut link.devices_at } else { &mut link.to_daemon_at };
                    *at = (*at).max(self.now + lag);
                    let ms = *at - self.now;
                    let text = if self.stutters(&text) { text.repeat(2) } else { text };
                    self.at(ms, Event::ToDaemon(i, client, text.into_bytes()));
                }
                Output::Close(client) => {
                    if self.is_link(i, client) {
                        self.hang_up_link(i);
                    }
                }
            }
        }
        while let Some(past) = self.sites[i].pbx.past() {
            past.linkedid.hash(&mut self.hash);
            self.sites[i].watch.past.push(past);
        }
    }

    /// Asterisk says some things twice: a leg's end, a device's state.
    pub(super) fn stutters(&mut self, text: &str) -> bool {
        let may = ["DialEnd", "DeviceStateChange", "QueueMemberStatus"].iter().any(|name| text[7..].starts_with(name));
        may && self.weather != Weather::Calm && self.luck.u32(..20) == 0
    }

    pub(super) fn deliver(&mut self, i: usize, client: u64, bytes: &[u8]) {
        if !self.is_link(i, client) {
            return;
        }
        bytes.hash(&mut self.hash);
        self.say(|| format!("> {}", String::from_utf8_lossy(bytes).replace("\r\n", " | ")));
        let now = self.moment();
        // TCP keeps no borders.
        let at = self.rng.usize(..=bytes.len());
        for part in [&bytes[..at], &bytes[at..]] {
            self.with_core(|core| core.bytes(i, part, now));
        }
    }

    /// The connection ends, with up to half of what was on its way; perhaps in the middle of a line.
    pub(super) fn cut(&mut self, i: usize, half: bool) {
        self.unseen(i, LATENCY_MS);
        let Some(client) = self.sites[i].link.as_ref().map(|link| link.client) else { return };
        if half {
            let on_its_way = |event: &Event| matches!(event, Event::ToDaemon(_, to, _) if *to == client);
            let next = self.timers.iter().find(|(_, event)| on_its_way(event)).map(|(key, _)| *key);
            if let Some(Event::ToDaemon(.., bytes)) = next.and_then(|key| self.timers.remove(&key)) {
                let part = self.rng.usize(..bytes.len());
                self.deliver(i, client, &bytes[..part]);
            }
        }
        self.unlink(i);
    }

    /// One end closes the connection, and says so.
    pub(super) fn hang_up_link(&mut self, i: usize) {
        self.unlink(i);
    }

    pub(super) fn unlink(&mut self, i: usize) {
        self.say(|| "the link is down".to_owned());
        self.unseen(i, LATENCY_MS);
        self.close_link(i);
        let now = self.moment();
        self.with_core(|core| core.lost(i, now));
        self.at(100, Event::Connect(self.run, i));
    }

    pub(super) fn close_links(&mut self) {
        for i in 0..self.sites.len() {
            self.close_link(i);
        }
    }

    fn close_link(&mut self, i: usize) {
        if let Some(link) = self.sites[i].link.take() {
            let late = self.rng.i64(1..500);
            self.at(late, Event::Closed(i, link.client));
        }
    }

    /// What happens from here on is not seen; and what happened within the margin may not have been.
    pub(super) fn unseen(&mut self, i: usize, margin: i64) {
        // A crash takes with it what was not on the disk yet.
        let unwritten = [(self.writing.is_some(), self.writing_ms), (!self.queue.is_empty(), self.queued_ms)];
        let oldest = unwritten.iter().filter(|(some, _)| *some && margin == TO_DISK_MS).map(|(_, at)| *at).min();
        let until = oldest.unwrap_or(self.now).min(self.now) - margin;
        self.sites[i].watch.out_of_sight(until);
    }

    /// The same of all PBXs.
    pub(super) fn all_unseen(&mut self, margin: i64) {
        for i in 0..self.sites.len() {
            self.unseen(i, margin);
        }
    }
}
