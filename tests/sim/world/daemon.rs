//! The daemon of a day: it starts, wants things, crashes and is stopped.

use super::{Event, LATENCY_MS, SECOND, TO_DISK_MS, World};
use crate::core::{Core, PBXS, Want};
use crate::watch;
use callbackd::demo::office::Office;
use callbackd_core::callbacks::pbx_action::PbxAction;
use std::hash::Hash;

impl World {
    pub(super) fn with_core(&mut self, act: impl FnOnce(&mut Core)) {
        let Some(core) = &mut self.core else { return };
        act(core);
        while let Some(want) = self.core.as_mut().and_then(Core::poll) {
            self.wants += 1;
            if self.crashes_at == Some(self.wants) {
                return self.crash();
            }
            if let Some(fuse) = &mut self.fuse {
                *fuse = fuse.saturating_sub(1);
                if *fuse == 0 {
                    self.fuse = None;
                    return self.crash();
                }
            }
            self.carry_out(want);
        }
        self.write();
    }

    pub(super) fn carry_out(&mut self, want: Want) {
        match want {
            Want::Send(i, bytes) => {
                bytes.hash(&mut self.hash);
                self.say(|| format!("< {}", String::from_utf8_lossy(&bytes).replace("\r\n", " | ")));
                let lag = self.rng.i64(1..LATENCY_MS);
                let Some(link) = self.sites[i].link.as_mut().filter(|link| !link.deaf) else { return };
                link.to_pbx_at = link.to_pbx_at.max(self.now + lag);
                let (client, ms) = (link.client, link.to_pbx_at - self.now);
                self.at(ms, Event::ToPbx(i, client, bytes));
            }
            Want::Store(record) => {
                self.say(|| format!("{record:?}"));
                if self.queue.is_empty() {
                    self.queued_ms = self.now;
                }
                self.queue.push(record);
            }
            Want::LookUp(i, channel_id) => self.at(5, Event::LookedUp(self.run, i, channel_id)),
            Want::PbxAction(i, pbx_action) => self.pbx_action(i, &pbx_action),
            Want::Drop(i) => self.hang_up_link(i),
            Want::InSync(i) => self.sites[i].watch.in_sync(self.now),
        }
    }

    pub(super) fn pbx_action(&mut self, i: usize, pbx_action: &PbxAction) {
        if let PbxAction::Originate(originate) = pbx_action {
            let agent = self.pbx_agent(&originate.agent);
            let since = [self.sites[i].pbx.busy_since(agent), self.sites[i].pbx.paused(agent).map(|(_, since)| since)];
            let wall = self.now + self.wall_shift;
            let number =
                originate.variables.iter().find(|(name, _)| *name == "CALLBACKD_NUMBER").map(|(_, n)| n.clone());
            let number = number.unwrap_or_default();
            let on_line = self.sites[i].pbx.on_line_since(&number);
            let ours = self.policies.of(PBXS[i]).pause_agent.then(|| self.sites[i].pbx.paused(agent)).flatten();
            let busy =
                since.into_iter().flatten().min().filter(|_| ours.is_none_or(|(reason, _)| reason != "callbackd"));
            let now = self.now;
            let right = self.sites[i].watch.originates(&self.disk, originate, &number, busy, on_line, now, wall);
            let watches: Vec<_> =
                self.sites.iter().map(|site| (&site.watch, site.pbx.on_line_since(&number))).collect();
            let right = right.and_then(|()| watch::elsewhere(&watches, &self.disk, originate, &number, now));
            let right = right.and_then(|()| self.is_as_wished(originate));
            if let Err(broken) = right {
                self.break_with(broken);
            }
        }
    }

    pub(super) fn pbx_agent(&self, interface: &str) -> usize {
        Office::small().agent(interface).expect("an agent of the office")
    }

    pub(super) fn start(&mut self) {
        assert!(self.core.is_none(), "one daemon at a time");
        let now = self.moment();
        self.run += 1;
        let restored = self.disk.restored(now.wall_ms);
        if let Some(feed) = &mut self.feed {
            feed.restart();
        }
        let disk = &mut self.disk;
        let side = |(pbx, name): (&callbackd::config::Pbx, &str)| {
            (pbx.settings.rules(), disk.seen_ms.get(name).copied(), disk.calls_left(name))
        };
        let sides = self.config.pbx.iter().zip(PBXS).map(side).collect();
        self.core = Some(Core::new(sides, self.policies.clone(), restored, now));
        for i in 0..self.sites.len() {
            self.at(10, Event::Connect(self.run, i));
        }
        self.at(11, Event::Tick);
        if let Some(wishes) = &mut self.wishes {
            wishes.up_ms = self.now;
        }
    }

    pub(super) fn crash(&mut self) {
        self.say(|| "the daemon crashes".to_owned());
        self.all_unseen(TO_DISK_MS);
        self.core = None;
        self.close_links();
        self.queue.clear();
        // The transaction that was being written made it, or did not.
        if let Some(batch) = self.writing.take().filter(|_| self.rng.bool()) {
            self.put(&batch);
        }
        self.run += 1;
        let away = self.exponential(20 * SECOND);
        self.at(away, Event::Start);
    }

    /// `systemctl restart`.
    pub(super) fn stop(&mut self) {
        self.fuse = None;
        let now = self.moment();
        for i in 0..self.sites.len() {
            self.with_core(|core| core.lost(i, now));
        }
        self.with_core(|core| core.stopping(now));
        self.all_unseen(TO_DISK_MS);
        self.close_links();
        if let Some(batch) = self.writing.take() {
            self.put(&batch);
        }
        self.writing_ms = self.queued_ms;
        let batch = std::mem::take(&mut self.queue);
        self.put(&batch);
        self.core = None;
        self.run += 1;
        let away = self.exponential(5 * SECOND);
        self.at(away, Event::Start);
    }
}
