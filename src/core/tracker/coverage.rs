//! Coverage: when the PBX is seen and when it is not, and what the arriving lists say of queues.

use crate::ami::budget::Budget;
use crate::millis::Millis;
use crate::model::{GapCause, Moment};
use crate::tracker::SEEN_EVERY_MS;
use crate::tracker::pbx_clock::RIGHT_WITHIN_MS;
use std::collections::BTreeSet;

/// Queues, and callers who wait in them, that are kept of one list; further ones are counted and ignored.
pub const MAX_LISTED: usize = Budget::WHOLE.listed;

/// A boot time this much (ms) after the last event still counts as the same run of Asterisk: clocks differ, `Uptime` is in
/// whole seconds.
const BOOT_SLACK_MS: Millis = 1_500;

/// What is known about the link.
#[derive(Debug)]
pub(crate) struct Coverage {
    /// The latest moment seen.
    last_seen_ms: Option<Millis>,
    /// The latest stamp of an event, by our clock: at the latest then it was made.
    last_stamp_ms: Option<Millis>,
    /// The daemon has been connected since it started.
    ever_linked: bool,
    /// Coverage was lost then, and what follows is a gap.
    lost_ms: Option<Millis>,
    /// Asterisk restarted during the gap.
    restarted: bool,
    /// When the latest login to a booted Asterisk was, ms by the clock that never steps.
    linked_mono_ms: Option<u64>,
    /// Coverage was lost because the event queue overflowed.
    overload: bool,
    /// Number of the current snapshot.
    snapshot: u32,
    /// The lists are arriving.
    listing: bool,
    /// The list of channels has come complete since coverage was lost: which calls are up is known.
    whole: bool,
    /// The lists have just come, and it is to be reported that which calls are up is known.
    comes_in_sync: bool,
    /// The store was given then that the PBX is seen.
    reported_ms: Millis,
    /// Queues of the latest lists.
    queues: BTreeSet<Box<str>>,
    /// Callers of the list of queues whose channels the list of channels has yet to name.
    callers: Vec<ListedCaller>,
    /// Queues and callers ignored because of [`MAX_LISTED`].
    refused: u64,
    budget: Budget,
}

/// A caller whom the list of queues names.
#[derive(Debug)]
pub(crate) struct ListedCaller {
    pub(crate) queue: Box<str>,
    pub(crate) position: u32,
    pub(crate) uniqueid: Box<str>,
    pub(crate) joined_ms: Millis,
}

/// What a complete snapshot means for what was known before it.
#[derive(Debug)]
pub(crate) struct Sighted {
    /// What is not seen any more has ended after this time.
    pub(crate) from_ms: Millis,
    /// The gap that it ends: since when, and why.
    pub(crate) gap: Option<(Millis, GapCause)>,
    /// Something can be said of channels that it does not name.
    pub(crate) tells_of_channels: bool,
    /// A channel has ended without an event if this is the last snapshot in which it showed itself, or an earlier one.
    stale: Option<u32>,
    /// The list of channels came whole.
    channels_known: bool,
}

impl Sighted {
    /// A channel that began then and showed itself last since this snapshot has ended without an event.
    pub(crate) fn has_ended(&self, snapshot: u32, created_ms: Millis) -> bool {
        let listed = self.stale.is_none_or(|stale| snapshot > stale);
        // A restart ended all that had begun before it, whether or not the list came.
        !listed && (self.channels_known || self.tells_of_channels && created_ms <= self.from_ms)
    }
}

impl Coverage {
    /// What the lists leave stays within this.
    pub(crate) fn keeps_within(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// A link that has never been up in this run. `last_seen_ms`: when an earlier run last saw the PBX.
    pub(crate) fn new(last_seen_ms: Option<Millis>) -> Self {
        Self {
            last_seen_ms,
            last_stamp_ms: None,
            ever_linked: false,
            lost_ms: last_seen_ms,
            restarted: false,
            linked_mono_ms: None,
            overload: false,
            snapshot: 0,
            listing: false,
            whole: false,
            comes_in_sync: false,
            reported_ms: 0,
            queues: BTreeSet::new(),
            callers: Vec::new(),
            refused: 0,
            budget: Budget::WHOLE,
        }
    }

    /// An event was made then by our clock, as Asterisk says itself.
    pub(crate) fn stamped(&mut self, at: Millis) {
        self.last_stamp_ms = self.last_stamp_ms.max(Some(at));
    }

    /// Something was heard from the PBX.
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

    /// Coverage turns out to have been lost then already, though a later loss may have been noted before.
    pub(crate) fn unseen_since(&mut self, at: Millis) {
        self.lost(at);
        if self.ever_linked {
            self.lost_ms = self.lost_ms.map(|lost| lost.min(at));
        }
    }

    /// The link has ended, and nothing proves that all came since `at` but the stamps of the events that did.
    pub(crate) fn unproven_since(&mut self, at: Millis, now: Millis) {
        let stamp = self.last_stamp_ms.filter(|stamp| *stamp <= now + RIGHT_WITHIN_MS);
        self.unseen_since(stamp.map_or(at, |stamp| stamp.clamp(at, now)));
    }

    /// Stamps count by another clock from now on.
    pub(crate) fn clock_changed(&mut self) {
        self.last_stamp_ms = None;
    }

    pub(crate) fn overloaded(&mut self, at: Millis) {
        self.unseen_since(at);
        self.overload = true;
    }

    /// The link is up. If Asterisk has restarted meanwhile, returns when the gap began.
    pub(crate) fn linked(&mut self, uptime_s: Option<u64>, now: Moment) -> Option<Millis> {
        let last = self.lost_ms.or(self.last_seen_ms);
        if let Some(up_ms) = uptime_s.and_then(|s| i64::try_from(s).ok()).and_then(|s| s.checked_mul(1_000)) {
            let began_after = |last: Millis| now.wall_ms - up_ms > last + BOOT_SLACK_MS;
            // It can be back within a second of its end, too soon to see it from the loss: but the run that was met at the login before
            // would have lasted since then.
            let since = self.linked_mono_ms.replace(now.mono_ms).map(|then| now.mono_ms - then);
            let too_young = |since: u64| i64::try_from(since).is_ok_and(|since| up_ms < since - BOOT_SLACK_MS);
            self.restarted |= last.is_some_and(began_after) || since.is_some_and(too_young);
        }
        self.restarted.then_some(last.unwrap_or(now.wall_ms))
    }

    pub(crate) fn snapshot_began(&mut self) {
        self.snapshot += 1;
        self.listing = true;
        self.queues.clear();
        self.callers.clear();
    }

    /// The lists are complete. `None` if coverage was lost while they arrived.
    pub(crate) fn snapshot_ended(&mut self, channels_known: bool, now: Millis) -> Option<Sighted> {
        if !std::mem::take(&mut self.listing) {
            return None;
        }
        let lost_at = self.lost_ms.take();
        let overload = std::mem::take(&mut self.overload);
        let restarted = std::mem::take(&mut self.restarted);
        let linked_before = std::mem::replace(&mut self.ever_linked, true);
        let cause = match (linked_before, restarted) {
            (_, true) => GapCause::PbxRestart,
            _ if overload => GapCause::Overload,
            (true, false) => GapCause::LinkLost,
            (false, false) => GapCause::DaemonDown,
        };
        let from_ms = lost_at.or(self.last_seen_ms).unwrap_or(now).min(now);
        // While coverage was never lost, an event that is on its way can be overtaken by the lists: only a channel that two lists in a
        // row do not name has ended without an event.
        let missed = if lost_at.is_some() || !linked_before { 1 } else { 2 };
        self.whole |= channels_known;
        self.saw(now);
        self.comes_in_sync |= self.in_sync();
        Some(Sighted {
            from_ms,
            gap: lost_at.map(|lost_at| (lost_at.min(now), cause)),
            tells_of_channels: channels_known || restarted,
            stale: self.snapshot.checked_sub(missed),
            channels_known,
        })
    }

    /// Number of the latest snapshot: a channel that bears it has shown itself since.
    pub(crate) fn snapshot(&self) -> u32 {
        self.snapshot
    }

    /// Which calls are up is known: linked, and the lists have come.
    pub(crate) fn in_sync(&self) -> bool {
        self.ever_linked && self.lost_ms.is_none() && self.whole
    }

    /// Since when nothing is known of calls and agents, if that is so now: coverage was lost then, or an earlier run last saw the PBX then.
    pub(crate) fn blind_since(&self) -> Option<Millis> {
        self.lost_ms.or(self.last_seen_ms).filter(|_| !self.in_sync())
    }

    /// The lists have come since this was asked last, and which calls are up is known.
    pub(crate) fn takes_in_sync(&mut self) -> bool {
        std::mem::take(&mut self.comes_in_sync)
    }

    /// What is seen now may have become true before: the lists have yet to come, or have just come.
    pub(crate) fn finds_out(&self) -> bool {
        self.comes_in_sync || !self.in_sync()
    }

    /// The lists are arriving.
    pub(crate) fn listing(&self) -> bool {
        self.listing
    }

    /// Coverage is lost, and the lists that end the gap have yet to come.
    pub(crate) fn in_gap(&self) -> bool {
        self.lost_ms.is_some()
    }

    /// Up to when the PBX was seen, of a link that was up in this run: for a daemon that ends.
    pub(crate) fn seen_until(&self, now: Millis) -> Millis {
        self.lost_ms.unwrap_or(now)
    }

    /// The link has been up in this run.
    pub(crate) fn ever_linked(&self) -> bool {
        self.ever_linked
    }

    /// It is time to record that the PBX is seen.
    pub(crate) fn report_is_due(&self, now: Millis) -> bool {
        self.ever_linked && self.lost_ms.is_none() && now - self.reported_ms >= SEEN_EVERY_MS
    }

    /// It has been recorded up to when the PBX is seen.
    pub(crate) fn reported(&mut self, seen_ms: Millis) {
        self.reported_ms = seen_ms;
    }

    /// A list names this queue.
    pub(crate) fn queue_listed(&mut self, queue: &str) {
        if self.queues.len() < self.budget.listed {
            self.queues.insert(queue.into());
        } else if !self.queues.contains(queue) {
            self.refused += 1;
        }
    }

    /// The latest lists named this queue: they said who is in it.
    pub(crate) fn has_listed(&self, queue: &str) -> bool {
        self.queues.contains(queue)
    }

    /// The queues of the latest lists.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &str> {
        self.queues.iter().map(|queue| &**queue)
    }

    /// Keeps a caller of the list of queues until the list of channels has come.
    pub(crate) fn caller_listed(&mut self, caller: ListedCaller) {
        if self.callers.len() < self.budget.listed {
            self.callers.push(caller);
        } else {
            self.refused += 1;
        }
    }

    /// Queues and callers ignored because there was no room.
    pub(crate) fn listed_refused(&self) -> u64 {
        self.refused
    }

    /// Those callers, in the order of the list.
    pub(crate) fn take_callers(&mut self) -> Vec<ListedCaller> {
        std::mem::take(&mut self.callers)
    }
}
