//! Callers who wait too long in a queue: an alarm for each time that a queue has some, however many they are.

use crate::millis::Millis;
use crate::model::News;
use crate::tracker::Tracker;
use crate::tracker::calls::call::Call;
use std::collections::BTreeMap;

/// Callers are looked at so often at most, ms: a crowd that has come at once is one look.
const LOOK_EVERY_MS: u64 = 1_000;

/// When callers are to be looked at, and who has been known to wait too long.
#[derive(Debug, Default)]
pub(crate) struct LongWaits {
    /// Nobody waits too long before then, by the monotonic clock; `None`: nobody waits.
    due: Option<u64>,
    /// Who joined a queue by then, ms since 1970 UTC, waited too long when it was looked last.
    known_by_ms: Option<Millis>,
}

impl LongWaits {
    pub(crate) fn due(&self) -> Option<u64> {
        self.due
    }
}

impl Tracker {
    /// The limit is another: those who wait are looked at anew.
    pub(crate) fn long_waits_change(&mut self) {
        self.long_waits.due = Some(self.now.mono_ms);
    }

    /// A caller waits in a queue since then.
    pub(crate) fn may_wait_too_long(&mut self, joined_ms: Millis) {
        let Some(limit_ms) = self.rules.alarm_wait_ms else { return };
        let due = self.mono_at(joined_ms.saturating_add(limit_ms));
        self.long_waits.due = Some(self.long_waits.due.map_or(due, |other| other.min(due)));
    }

    /// Raises the alarm of each queue in which somebody waits too long, and nobody did when it was looked last who still waits.
    pub(crate) fn look_for_long_waits(&mut self) {
        if !self.coverage.in_sync() || self.long_waits.due.is_none_or(|due| due > self.now.mono_ms) {
            return;
        }
        self.long_waits.due = None;
        let Some(limit_ms) = self.rules.alarm_wait_ms else { return };
        let too_long_by_ms = self.now.wall_ms - limit_ms;
        // A clock that was set back has shown what is still to come.
        let known_by_ms = self.long_waits.known_by_ms.filter(|known| *known <= self.now.wall_ms);
        let mut queues: BTreeMap<&str, (Millis, u32)> = BTreeMap::new();
        let mut next_ms: Option<Millis> = None;
        for (queue, joined_ms) in self.live().filter_map(waits) {
            let (longest, waiting) = queues.entry(queue).or_insert((joined_ms, 0));
            *longest = joined_ms.min(*longest);
            *waiting += 1;
            if joined_ms > too_long_by_ms {
                next_ms = Some(next_ms.map_or(joined_ms, |next| next.min(joined_ms)));
            }
        }
        let is_news = |since: Millis| since <= too_long_by_ms && known_by_ms.is_none_or(|known| since > known);
        let alarms: Vec<News> = queues
            .into_iter()
            .filter(|(_, (since, _))| is_news(*since))
            .map(|(queue, (longest_since_ms, waiting))| News::QueueAlarm {
                pbx: self.pbx.clone(),
                queue: queue.to_owned(),
                waiting,
                longest_since_ms,
                at_ms: self.now.wall_ms,
            })
            .collect();
        alarms.into_iter().for_each(|alarm| self.report(alarm));
        // By a shorter limit of before more are known.
        self.long_waits.known_by_ms = known_by_ms.max(Some(too_long_by_ms));
        let soonest = self.now.mono_ms + LOOK_EVERY_MS;
        self.long_waits.due = next_ms.map(|joined| self.mono_at(joined.saturating_add(limit_ms)).max(soonest));
    }

    /// A moment by the monotonic clock, now if it is past.
    fn mono_at(&self, wall_ms: Millis) -> u64 {
        self.now.mono_ms + u64::try_from(wall_ms - self.now.wall_ms).unwrap_or(0)
    }
}

/// In which queue the caller of a call waits, and since when.
fn waits(call: &Call) -> Option<(&str, Millis)> {
    Some((call.waits_in.as_deref()?, call.queue_visits.last()?.joined_ms))
}
