//! Lost and found: what a connection that was down, and the lists that follow, mean for the calls in progress.

use crate::ami::event;
use crate::millis::Millis;
use crate::model::{Gap, News, Record};
use crate::tracker::coverage::Coverage;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{Channel, STATE_RINGING};
use crate::tracker::{MAX_STAMP_MS, Output, Tracker};
use std::sync::Arc;

impl Tracker {
    /// Coverage is lost, now or some time ago: whatever happens from then on to live calls is not seen.
    pub(crate) fn sync_lost(&mut self, tell: impl FnOnce(&mut Coverage)) {
        tell(&mut self.coverage);
        self.calls.lose_sync(&self.topology);
        self.topology.doubts_bridges();
    }

    pub(crate) fn linked(&mut self, uptime_s: Option<u64>) {
        if let Some(unseen_since) = self.coverage.linked(uptime_s, self.now) {
            self.agents_unseen(unseen_since); // before the lists say what they do now
        }
    }

    /// The PBX is seen; reported once for each time that it was not.
    pub(crate) fn link_is_up(&mut self) {
        if !std::mem::replace(&mut self.link_is_up, true) {
            self.report(News::LinkUp { pbx: self.pbx.clone(), at_ms: self.now.wall_ms });
        }
    }

    /// The link has ended: what happens from when coverage was lost is not seen.
    pub(crate) fn link_is_down(&mut self) {
        if std::mem::take(&mut self.link_is_up) {
            let at_ms = self.coverage.blind_since().unwrap_or(self.now.wall_ms);
            self.report(News::LinkDown { pbx: self.pbx.clone(), at_ms });
        }
    }

    /// Hands on what leaves no row.
    pub(crate) fn report(&mut self, news: News) {
        self.outputs.push_back(Output::Record(Record::News(Arc::new(news))));
    }

    /// Records now and then up to when the PBX is seen.
    pub(crate) fn report_seen(&mut self) {
        let now = self.now.wall_ms;
        if self.coverage.report_is_due(now) {
            self.seen(now);
        }
    }

    fn seen(&mut self, seen_ms: Millis) {
        self.coverage.reported(seen_ms);
        self.outputs.push_back(Output::Record(Record::Seen { pbx: self.pbx.clone(), seen_ms }));
    }

    /// The daemon ends: what happens from here on is not seen.
    pub(crate) fn stopping(&mut self) {
        self.stopping = true;
        let from = self.coverage.seen_until(self.now.wall_ms);
        self.end_unseen(from, |_| true);
        self.agents_unseen(from);
        self.record_all();
        if self.coverage.ever_linked() {
            self.seen(from);
        }
    }

    /// Ends the live channels that fit, as of `from`, without having seen their end. Returns how many calls lost their last one.
    fn end_unseen(&mut self, from: Millis, gone: impl Fn(&Channel) -> bool) -> u32 {
        let slots: Vec<Slot> =
            self.topology.channels().filter(|(_, c)| c.ended_ms.is_none() && gone(c)).map(|(slot, _)| slot).collect();
        let mut calls_lost = 0;
        for slot in slots {
            let call = self.topology.channel(slot).call;
            self.leaves(slot, from);
            self.ended(slot, None, from);
            calls_lost += u32::from(self.calls.ends_unseen(call, slot, &self.topology));
        }
        calls_lost
    }

    /// An item of `CoreShowChannels`.
    pub(crate) fn channel_listed(
        &mut self,
        seen: &event::Channel<'_>,
        bridge_id: &str,
        application: &str,
        data: &str,
        duration_s: u64,
        at: Millis,
    ) {
        let began = (at - seconds(duration_s)).max(0);
        // `AppDial`, `AppDial2`, `AppQueue`: the PBX dialled it, and so it did where a phone rings; else its far end dialled us.
        let dialled = application.starts_with("AppDial") || application.starts_with("AppQueue");
        let incoming = !dialled && seen.state != STATE_RINGING;
        let slot = match self.topology.find(&seen.uniqueid) {
            Some(slot) if self.topology.channel(slot).ended_ms.is_some() => return, // it hung up while the list was made
            Some(slot) => {
                self.linkedid_seen(slot, &seen.linkedid);
                self.direction_listed(slot, seen, incoming, began);
                slot
            }
            None => {
                let Some(slot) = self.channel_begins(seen, began, Some(incoming), true) else { return };
                self.topology.is_overtaken(slot);
                slot
            }
        };
        self.topology.lives_in(slot, self.coverage.snapshot());
        self.state_shown(slot, seen.state, at);
        let bridged = !bridge_id.is_empty();
        self.channel_shows_itself(slot, seen, bridged, (application, data), at);
        self.application_listed(slot, application, data);
        self.dial_listed(slot, application, data);
        let channel = self.topology.channel(slot);
        if bridged && (channel.bridge.is_none() || channel.bridge_in_doubt) {
            let bridge = self.topology.bridge_by_id(bridge_id);
            self.put_into(bridge, slot, at);
        }
        // The far half may bear the linkedid of an agent who stays on the line: each is in a bridge, and they are one way all the same.
        let half =
            self.topology.other_half(slot).filter(|half| bridged && self.topology.channel(*half).bridge.is_some());
        if let Some(half) = half {
            self.join_calls(self.topology.channel(half).call, self.topology.channel(slot).call);
        }
    }

    /// The lists are complete: what they do not name has ended without an event.
    pub(crate) fn snapshot_ended(&mut self, channels_known: bool) {
        let now = self.now.wall_ms;
        let Some(sighted) = self.coverage.snapshot_ended(channels_known, now) else { return };
        let mut calls_lost = self.end_unseen(sighted.from_ms, |c| sighted.has_ended(c.snapshot, c.created_ms));
        if sighted.tells_of_channels {
            calls_lost += self.calls_left_end();
        }
        self.counters.calls_unseen += u64::from(calls_lost);
        for call in self.lost_attempts() {
            self.record(call);
        }
        self.topology.forget_empty_bridges();
        self.members_gone(now);
        for caller in self.coverage.take_callers() {
            if let Some(slot) = self.topology.find(&caller.uniqueid) {
                self.visit_begins(slot, &caller.queue, Some(caller.position), caller.joined_ms);
            }
        }
        self.visits_end_unseen(now);
        if let Some((from_ms, cause)) = sighted.gap {
            let gap = Gap { pbx: self.pbx.clone(), from_ms, to_ms: now, cause, calls_lost };
            self.outputs.push_back(Output::Record(Record::Gap(gap)));
        }
    }
}

/// Seconds as a list gives them, in milliseconds; never more than there have been since 1970.
fn seconds(seconds: u64) -> Millis {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000).min(MAX_STAMP_MS)
}
