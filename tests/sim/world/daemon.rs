//! The daemon of a day: it starts, wants things, crashes and is stopped.

use super::{Event, LATENCY_MS, SECOND, TO_DISK_MS, World};
use crate::core::{Core, PBX, Want};
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
            Want::Send(bytes) => {
                bytes.hash(&mut self.hash);
                self.say(|| format!("< {}", String::from_utf8_lossy(&bytes).replace("\r\n", " | ")));
                let lag = self.rng.i64(1..LATENCY_MS);
                let Some(link) = self.link.as_mut().filter(|link| !link.deaf) else { return };
                link.to_pbx_at = link.to_pbx_at.max(self.now + lag);
                let (client, ms) = (link.client, link.to_pbx_at - self.now);
                self.at(ms, Event::ToPbx(client, bytes));
            }
            Want::Store(record) => {
                self.say(|| format!("{record:?}"));
                if self.queue.is_empty() {
                    self.queued_ms = self.now;
                }
                self.queue.push(record);
            }
            Want::LookUp(channel_id) => self.at(5, Event::LookedUp(self.run, channel_id)),
            Want::PbxAction(pbx_action) => self.pbx_action(&pbx_action),
            Want::Drop => self.hang_up_link(),
            Want::InSync => self.watch.in_sync(self.now),
        }
    }

    pub(super) fn pbx_action(&mut self, pbx_action: &PbxAction) {
        if let PbxAction::Originate(originate) = pbx_action {
            let agent = self.pbx_agent(&originate.agent);
            let since = [self.pbx.busy_since(agent), self.pbx.paused(agent).map(|(_, since)| since)];
            let wall = self.now + self.wall_shift;
            let number =
                originate.variables.iter().find(|(name, _)| *name == "CALLBACKD_NUMBER").map(|(_, n)| n.clone());
            let number = number.unwrap_or_default();
            let on_line = self.pbx.on_line_since(&number);
            let ours = self.policies.of(PBX).pause_agent.then(|| self.pbx.paused(agent)).flatten();
            let busy =
                since.into_iter().flatten().min().filter(|_| ours.is_none_or(|(reason, _)| reason != "callbackd"));
            if let Err(broken) = self.watch.originates(&self.disk, originate, &number, busy, on_line, self.now, wall) {
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
        let mut core =
            Core::new(self.config.pbx[0].settings.rules(), self.policies.clone(), restored, self.disk.seen_ms, now);
        core.tracker.knows_calls(self.disk.calls_left());
        self.core = Some(core);
        self.at(10, Event::Connect(self.run));
        self.at(11, Event::Tick);
    }

    pub(super) fn crash(&mut self) {
        self.say(|| "the daemon crashes".to_owned());
        let margin = TO_DISK_MS;
        self.unseen(margin);
        self.core = None;
        self.close_link();
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
        self.with_core(|core| core.lost(now));
        self.with_core(|core| core.stopping(now));
        self.unseen(TO_DISK_MS);
        self.close_link();
        for batch in [self.writing.take(), Some(std::mem::take(&mut self.queue))].into_iter().flatten() {
            self.put(&batch);
        }
        self.core = None;
        self.run += 1;
        let away = self.exponential(5 * SECOND);
        self.at(away, Event::Start);
    }
}
