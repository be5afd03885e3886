//! Lost and found: what a connection that was down means for the calls in progress.

use crate::ami::event;
use crate::ami::event::Millis;
use crate::model::{Gap, GapCause, Record};
use crate::tracker::Output;
use crate::tracker::Tracker;
use crate::tracker::calls::call::{Call, Origin, Stage, TrackedLeg};
use crate::tracker::calls::talk::Talking;
use crate::tracker::table::Slot;
use crate::tracker::topology::channel::{Channel, STATE_RINGING, STATE_UP};
use std::collections::BTreeSet;

/// A boot time this much (ms) after the last event still counts as the same run of Asterisk: clocks differ, `Uptime` is in
/// whole seconds.
const BOOT_SLACK_MS: Millis = 1_500;

/// What is known about the link.
#[derive(Debug)]
pub struct Link {
    /// The latest moment seen.
    last_seen_ms: Option<Millis>,
    /// The daemon has been connected since it started.
    ever_linked: bool,
    /// Sight was lost then, and what follows is a gap.
    lost_ms: Option<Millis>,
    /// Asterisk restarted while sight was lost.
    restarted: bool,
    /// When the latest login to a booted Asterisk was, ms by the clock that never steps.
    linked_mono_ms: Option<u64>,
    /// Sight was lost because more events came than could be taken.
    overload: bool,
    /// Number of the current snapshot.
    snapshot: u32,
    /// The lists are being told.
    listing: bool,
    /// The list of channels has come whole since sight was lost: what lives is known.
    whole: bool,
    /// The store was told then that the PBX is seen.
    told_seen_ms: Millis,
    /// Queues of the lists that are being told.
    pub(crate) queues: BTreeSet<Box<str>>,
    /// Callers of the list of queues whose channels the list of channels has yet to tell: queue, position, uniqueid, joined.
    pub(crate) waiting: Vec<(Box<str>, u32, Box<str>, Millis)>,
}

impl Link {
    /// A link that has never been up in this run.
    pub(crate) fn new(last_seen_ms: Option<Millis>) -> Self {
        Self {
            last_seen_ms,
            ever_linked: false,
            lost_ms: last_seen_ms,
            restarted: false,
            linked_mono_ms: None,
            overload: false,
            snapshot: 0,
            listing: false,
            whole: false,
            told_seen_ms: 0,
            queues: BTreeSet::new(),
            waiting: Vec::new(),
        }
    }

    pub(crate) fn saw(&mut self, at: Millis) {
        if self.lost_ms.is_none() {
            self.last_seen_ms = self.last_seen_ms.max(Some(at));
        }
    }

    pub(crate) fn lost(&mut self, at: Millis) {
        self.listing = false;
        self.whole = false;
        if self.ever_linked && self.lost_ms.is_none() {
            self.lost_ms = Some(at);
        }
    }

    /// Sight turns out to have been lost then already, though a later loss may have been told before.
    pub(crate) fn unseen_since(&mut self, at: Millis) {
        self.lost(at);
        if self.ever_linked {
            self.lost_ms = self.lost_ms.map(|lost| lost.min(at));
        }
    }

    pub(crate) fn overloaded(&mut self, at: Millis) {
        self.unseen_since(at);
        self.overload = true;
    }

    pub(crate) fn snapshot_began(&mut self) {
        self.snapshot += 1;
        self.listing = true;
        self.queues.clear();
        self.waiting.clear();
    }

    /// Number of the latest snapshot: a channel that bears it has shown itself since.
    pub(crate) fn snapshot(&self) -> u32 {
        self.snapshot
    }

    /// What lives is known: linked, and the lists have come.
    pub(crate) fn in_sync(&self) -> bool {
        self.ever_linked && self.lost_ms.is_none() && self.whole
    }

    /// The lists are being told.
    pub(crate) fn listing(&self) -> bool {
        self.listing
    }
}

impl Tracker {
    /// Sight is lost, now or some time ago: whatever happens from then on to the calls that live is not seen.
    pub(crate) fn sync_lost(&mut self, tell: impl FnOnce(&mut Link)) {
        tell(&mut self.link);
        // A customer who is gone already has been seen to the end.
        let gone = |c: &Call| c.origin == Origin::Trunk && self.channels[c.first].ended_ms.is_some();
        let lives = |c: &Call| c.stage == Stage::Live && !gone(c);
        let live: Vec<Slot> = self.calls.iter().filter(|(_, c)| lives(c)).map(|(slot, _)| slot).collect();
        for slot in live {
            self.calls[slot].loses_sync();
        }
    }

    pub(crate) fn linked(&mut self, uptime_s: Option<u64>) {
        let last = self.link.lost_ms.or(self.link.last_seen_ms);
        if let Some(up_ms) = uptime_s.and_then(|s| i64::try_from(s).ok()).and_then(|s| s.checked_mul(1_000)) {
            let now = self.now;
            let began_after = |last: Millis| now.wall_ms - up_ms > last + BOOT_SLACK_MS;
            // It can be back within a second of its end, too soon to tell by the loss: but the run that was met at the login before
            // would have lasted since then.
            let since = self.link.linked_mono_ms.replace(now.mono_ms).map(|then| now.mono_ms - then);
            let too_young = |since: u64| i64::try_from(since).is_ok_and(|since| up_ms < since - BOOT_SLACK_MS);
            self.link.restarted |= last.is_some_and(began_after) || since.is_some_and(too_young);
        }
        if self.link.restarted {
            self.agents_unseen(last.unwrap_or(self.now.wall_ms)); // before the lists tell what they do now
        }
    }

    /// Tells the store now and then up to when the PBX is seen.
    pub(crate) fn report_seen(&mut self) {
        let now = self.now.wall_ms;
        let up = self.link.ever_linked && self.link.lost_ms.is_none();
        if up && now - self.link.told_seen_ms >= crate::tracker::SEEN_EVERY_MS {
            self.seen(now);
        }
    }

    fn seen(&mut self, seen_ms: Millis) {
        self.link.told_seen_ms = seen_ms;
        self.outputs.push_back(Output::Record(Record::Seen { pbx: self.pbx.clone(), seen_ms }));
    }

    /// The daemon ends: what happens from here on is not seen.
    pub(crate) fn stopping(&mut self) {
        self.stopping = true;
        let from = self.link.lost_ms.unwrap_or(self.now.wall_ms);
        self.end_unseen(from, |_| true);
        self.agents_unseen(from);
        self.record_all();
        if self.link.ever_linked {
            self.seen(from);
        }
    }

    /// Ends the live channels that fit, as of `from`, without having seen their end. Returns how many calls lost their last one.
    fn end_unseen(&mut self, from: Millis, gone: impl Fn(&Channel) -> bool) -> u32 {
        let slots: Vec<Slot> =
            self.channels.iter().filter(|(_, c)| c.ended_ms.is_none() && gone(c)).map(|(slot, _)| slot).collect();
        let mut calls_lost = 0;
        for slot in slots {
            let call = self.channels[slot].call;
            self.leaves(slot, from);
            self.ended(slot, None, from);
            let c = &mut self.calls[call];
            let customer_seen_off =
                c.origin == Origin::Trunk && c.first != slot && self.channels[c.first].ended_ms.is_some();
            if customer_seen_off && c.lost.is_none() {
                continue;
            }
            let over = c.live == 0 || (c.origin == Origin::Trunk && c.first == slot);
            if over && c.lost.is_none() && c.stage != Stage::Told {
                c.lost = Some((from, self.now.wall_ms));
                calls_lost += u32::from(!c.orphaned);
            } else {
                c.partial = true;
            }
        }
        calls_lost
    }

    /// Bridges whose end was not told hold nobody in the end.
    fn forget_empty_bridges(&mut self) {
        let empty: Vec<(Slot, Box<str>)> = self
            .bridges
            .iter()
            .filter(|(_, b)| b.members.is_empty())
            .map(|(slot, b)| (slot, b.uniqueid.clone()))
            .collect();
        for (slot, uniqueid) in empty {
            self.bridges.remove(slot, [&*uniqueid]);
        }
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
        let slot = match self.channels.find(&seen.uniqueid) {
            Some(slot) if self.channels[slot].ended_ms.is_some() => return, // it hung up while the list was made
            Some(slot) => {
                self.linkedid_seen(slot, &seen.linkedid);
                self.direction_listed(slot, seen, incoming, began);
                slot
            }
            None => {
                let Some(slot) = self.channel_begins(seen, began, Some(incoming), true) else { return };
                slot
            }
        };
        self.channels[slot].snapshot = self.link.snapshot;
        let bridged = !bridge_id.is_empty();
        self.shows_itself(slot, seen, bridged, (application, data), at);
        self.application_listed(slot, application, data);
        if bridged && self.channels[slot].bridge.is_none() {
            let bridge = self.bridge_by_id(bridge_id);
            self.put_into(bridge, slot, at);
        }
    }

    /// The list of channels names it: what becomes of it from here on is seen, and so is what it did meanwhile if it is where it was.
    fn shows_itself(&mut self, slot: Slot, seen: &event::Channel<'_>, bridged: bool, runs: (&str, &str), at: Millis) {
        let call = self.channels[slot].call;
        if self.calls[call].first == slot && (self.calls[call].in_doubt || self.link.lost_ms.is_some()) {
            let stayed = self.is_where_it_was(slot, (&seen.context, &seen.exten), runs, at);
            let c = &mut self.calls[call];
            c.in_doubt &= !(stayed || (bridged && c.talk.state() != Talking::No));
        }
        let c = &mut self.calls[call];
        let as_it_was = |a: &&mut TrackedLeg| a.channel == slot && (a.answered_ms.is_some() || seen.state != STATE_UP);
        if let Some(attempt) = c.attempts.iter_mut().rev().find(as_it_was) {
            let rings = std::mem::take(&mut attempt.in_doubt);
            c.in_doubt &= !rings; // as it did when sight was lost
        }
        self.mark(call);
    }

    /// The lists are complete: what they do not name has ended unseen.
    pub(crate) fn snapshot_ended(&mut self, channels_known: bool) {
        if !std::mem::take(&mut self.link.listing) {
            return;
        }
        let now = self.now.wall_ms;
        let lost_at = self.link.lost_ms.take();
        let overload = std::mem::take(&mut self.link.overload);
        let cause = match (self.link.ever_linked, self.link.restarted) {
            (_, true) => GapCause::PbxRestart,
            _ if overload => GapCause::Overload,
            (true, false) => GapCause::LinkLost,
            (false, false) => GapCause::DaemonDown,
        };
        let from = lost_at.or(self.link.last_seen_ms).unwrap_or(now).min(now);
        // While sight was never lost, an event that is on its way can be overtaken by the lists: only a channel that two lists in a
        // row do not name has ended unseen.
        let missed = if lost_at.is_some() || !self.link.ever_linked { 1 } else { 2 };
        let snapshot = self.link.snapshot;
        // A restart ended all that had begun before it, whether or not the list came.
        let restarted = self.link.restarted;
        let gone =
            |c: &Channel| c.snapshot + missed <= snapshot && (channels_known || restarted && c.created_ms <= from);
        let mut calls_lost = self.end_unseen(from, gone);
        if channels_known || restarted {
            calls_lost += self.calls_left_end();
        }
        self.counters.calls_unseen += u64::from(calls_lost);
        for call in self.lost_attempts() {
            self.tell(call);
        }
        self.forget_empty_bridges();
        self.members_gone(now);
        for (queue, position, uniqueid, joined_ms) in std::mem::take(&mut self.link.waiting) {
            if let Some(slot) = self.channels.find(&uniqueid) {
                self.visit_begins(slot, &queue, Some(position), joined_ms);
            }
        }
        self.visits_end_unseen(now);
        if let Some(from_ms) = lost_at {
            let gap = Gap { pbx: self.pbx.clone(), from_ms: from_ms.min(now), to_ms: now, cause, calls_lost };
            self.outputs.push_back(Output::Record(Record::Gap(gap)));
        }
        self.link.ever_linked = true;
        self.link.restarted = false;
        self.link.whole |= channels_known;
        self.link.saw(now);
        self.comes_in_sync |= self.link.in_sync();
    }
}

/// Seconds as a list tells them, in milliseconds; never more than there have been since 1970.
fn seconds(seconds: u64) -> Millis {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000).min(crate::tracker::MAX_STAMP_MS)
}
