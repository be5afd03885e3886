//! What can be said of any set of calls: counts, rates, waits.

use crate::report::facts::Call;
use crate::report::rollup::part::{Part, parts};
use crate::report::thresholds::Thresholds;
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, Outcome, ServedBy};
use serde::Serialize;

/// Durations of a kind. Percentiles are those of the nearest rank, and whole seconds, cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub calls: u64,
    /// The shortest.
    pub min_s: Option<i64>,
    /// The mean, cut to whole milliseconds.
    pub mean_ms: Option<Millis>,
    /// Half of them are no longer.
    pub median_s: Option<i64>,
    /// Nine of ten are no longer.
    pub p90_s: Option<i64>,
    /// The longest.
    pub max_s: Option<i64>,
}

/// Durations as they are added up: their sum, and how many there are of each whole second, which are cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Durations {
    sum_ms: Millis,
    /// Seconds, in their order, and how many.
    seconds: Vec<(i64, u64)>,
}

impl Durations {
    /// Of these, ms.
    pub(crate) fn of(ms: &[Millis]) -> Self {
        let mut seconds: Vec<i64> = ms.iter().map(|ms| ms / 1_000).collect();
        seconds.sort_unstable();
        let seconds = seconds.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
        Self { sum_ms: ms.iter().sum(), seconds }
    }

    /// How many there are of at least so many seconds and fewer than so many.
    pub(crate) fn between(&self, from_s: i64, to_s: i64) -> u64 {
        self.seconds.iter().filter(|(s, _)| (from_s..to_s).contains(s)).map(|(_, count)| count).sum()
    }

    /// What can be said of them.
    #[must_use]
    pub(crate) fn spread(&self) -> Spread {
        let calls = self.seconds.iter().map(|(_, count)| count).sum();
        // The one in this place of their order, from 1.
        let at = |rank: u64| {
            let mut before = 0;
            self.seconds.iter().find_map(|&(second, count)| {
                before += count;
                (rank > 0 && before >= rank).then_some(second)
            })
        };
        Spread {
            calls,
            min_s: at(1),
            mean_ms: mean(self.sum_ms, calls),
            median_s: at(calls.div_ceil(2)),
            p90_s: at((calls * 9).div_ceil(10)),
            max_s: at(calls),
        }
    }
}

impl Part for Durations {
    fn add(&mut self, later: Self) {
        self.sum_ms += later.sum_ms;
        if self.seconds.is_empty() {
            self.seconds = later.seconds;
            return;
        }
        let (mut ours, mut theirs) =
            (std::mem::take(&mut self.seconds).into_iter().peekable(), later.seconds.into_iter().peekable());
        while let Some(next) = match (ours.peek(), theirs.peek()) {
            (Some(our), Some(their)) if our.0 <= their.0 => ours.next(),
            (Some(_), None) => ours.next(),
            _ => theirs.next(),
        } {
            match self.seconds.last_mut() {
                Some(last) if last.0 == next.0 => last.1 += next.1,
                _ => self.seconds.push(next),
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.sum_ms.write(out);
        (self.seconds.len() as u64).write(out);
        let mut before = 0;
        for &(second, count) in &self.seconds {
            (second - before).write(out);
            count.write(out);
            before = second;
        }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        let sum_ms = Part::read(from)?;
        let (mut seconds, mut second) = (Vec::new(), 0_i64);
        for _ in 0..u64::read(from)? {
            second = second.checked_add(Part::read(from)?)?;
            seconds.push((second, Part::read(from)?));
        }
        Some(Self { sum_ms, seconds })
    }
}

/// A mean, cut to whole units; `None` of nothing.
#[must_use]
pub(crate) fn mean(sum: i64, count: u64) -> Option<i64> {
    i64::try_from(count).ok().filter(|count| *count > 0).map(|count| sum / count)
}

/// A share or ratio; `None` of nothing, never 0.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Of a set of calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[allow(missing_docs, reason = "each is named in `formulas`")]
pub struct Totals {
    pub inbound: u64,
    pub outbound: u64,
    pub callbacks: u64,
    pub internal: u64,
    pub unknown: u64,
    pub offered: u64,
    pub answered: u64,
    pub missed: u64,
    pub abandoned: u64,
    pub short_abandoned: u64,
    pub ivr_lost: u64,
    pub(crate) self_service: u64,
    pub answered_in_time: u64,
    pub abandoned_in_time: u64,
    pub abandonment_rate: Option<f64>,
    pub missed_rate: Option<f64>,
    pub service_level_answered: Option<f64>,
    pub service_level_offered: Option<f64>,
    pub service_level_with_abandoned: Option<f64>,
    pub balance: Option<f64>,
    pub queue_wait: Spread,
    pub wait: Spread,
    pub gave_up: Spread,
    pub mean_talk_ms: Option<Millis>,
    pub mean_hold_ms: Option<Millis>,
    pub(crate) won_back: u64,
    pub(crate) won_back_in_time: u64,
}

parts! {
    /// What the totals of a set of calls are worked out from.
    struct TotalsPart {
        inbound: u64,
        outbound: u64,
        callbacks: u64,
        internal: u64,
        unknown: u64,
        offered: u64,
        answered: u64,
        missed: u64,
        abandoned: u64,
        short_abandoned: u64,
        ivr_lost: u64,
        self_service: u64,
        answered_in_time: u64,
        abandoned_in_time: u64,
        queue_wait: Durations,
        wait: Durations,
        gave_up: Durations,
        talk_ms: Millis,
        hold_ms: Millis,
        won_back: u64,
        won_back_in_time: u64,
    }
}

impl TotalsPart {
    /// Of these calls.
    pub(crate) fn of<'c>(calls: impl IntoIterator<Item = &'c Call>, thresholds: &Thresholds) -> Self {
        let mut t = Self::default();
        let (mut queue_wait, mut wait, mut gave_up) = (Vec::new(), Vec::new(), Vec::new());
        for call in calls {
            t.inbound += u64::from(call.inbound());
            t.outbound += u64::from(matches!(call.direction, Direction::Outbound | Direction::Callback));
            t.callbacks += u64::from(call.direction == Direction::Callback);
            t.internal += u64::from(call.direction == Direction::Internal);
            if !call.inbound() {
                continue;
            }
            let in_time = call.wait_for_person_ms() <= thresholds.service_level_ms;
            t.unknown += u64::from(call.unknown());
            t.offered += u64::from(call.offered());
            t.missed += u64::from(call.missed());
            t.abandoned += u64::from(call.abandoned());
            t.abandoned_in_time += u64::from(call.abandoned() && in_time);
            t.short_abandoned += u64::from(call.outcome == Outcome::ShortAbandon);
            t.ivr_lost += u64::from(call.outcome == Outcome::IvrLost);
            t.self_service += u64::from(call.outcome.meaning().served == Some(ServedBy::Machine));
            if let Some(recovery_ms) = call.recovery_ms() {
                t.won_back += 1;
                t.won_back_in_time += u64::from(recovery_ms <= thresholds.callback_target_ms);
            }
            if call.gave_up() {
                gave_up.push(call.wait_ms);
            }
            if call.answered() {
                t.answered += 1;
                t.answered_in_time += u64::from(in_time);
                wait.push(call.wait_ms);
                if call.queue.is_some() {
                    queue_wait.push(call.queue_wait_ms);
                }
                t.talk_ms += call.talk_ms;
                t.hold_ms += call.hold_ms;
            }
        }
        (t.queue_wait, t.wait, t.gave_up) = (Durations::of(&queue_wait), Durations::of(&wait), Durations::of(&gave_up));
        t
    }

    /// The totals themselves.
    #[must_use]
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            inbound: self.inbound,
            outbound: self.outbound,
            callbacks: self.callbacks,
            internal: self.internal,
            unknown: self.unknown,
            offered: self.offered,
            answered: self.answered,
            missed: self.missed,
            abandoned: self.abandoned,
            short_abandoned: self.short_abandoned,
            ivr_lost: self.ivr_lost,
            self_service: self.self_service,
            answered_in_time: self.answered_in_time,
            abandoned_in_time: self.abandoned_in_time,
            abandonment_rate: ratio(self.abandoned, self.offered),
            missed_rate: ratio(self.missed, self.inbound.saturating_sub(self.unknown)),
            service_level_answered: ratio(self.answered_in_time, self.answered),
            service_level_offered: ratio(self.answered_in_time, self.offered),
            service_level_with_abandoned: ratio(
                self.answered_in_time + self.abandoned_in_time,
                self.answered + self.abandoned,
            ),
            balance: ratio(self.outbound, self.inbound),
            queue_wait: self.queue_wait.spread(),
            wait: self.wait.spread(),
            gave_up: self.gave_up.spread(),
            mean_talk_ms: mean(self.talk_ms, self.answered),
            mean_hold_ms: mean(self.hold_ms, self.answered),
            won_back: self.won_back,
            won_back_in_time: self.won_back_in_time,
        }
    }
}

impl Totals {
    /// Of these calls.
    pub(crate) fn of<'c>(calls: impl IntoIterator<Item = &'c Call>, thresholds: &Thresholds) -> Self {
        TotalsPart::of(calls, thresholds).totals()
    }

    /// Every count and figure under its name, for tables: the value as a number, `None` of nothing.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
    pub fn named(&self) -> Vec<(&'static str, Option<f64>)> {
        let count = |n: u64| Some(n as f64);
        let whole = |n: Option<i64>| n.map(|n| n as f64);
        vec![
            ("inbound", count(self.inbound)),
            ("outbound", count(self.outbound)),
            ("callbacks", count(self.callbacks)),
            ("internal", count(self.internal)),
            ("unknown", count(self.unknown)),
            ("offered", count(self.offered)),
            ("answered", count(self.answered)),
            ("missed", count(self.missed)),
            ("abandoned", count(self.abandoned)),
            ("short_abandoned", count(self.short_abandoned)),
            ("ivr_lost", count(self.ivr_lost)),
            ("self_service", count(self.self_service)),
            ("answered_in_time", count(self.answered_in_time)),
            ("abandonment_rate", self.abandonment_rate),
            ("missed_rate", self.missed_rate),
            ("service_level_answered", self.service_level_answered),
            ("service_level_offered", self.service_level_offered),
            ("service_level_with_abandoned", self.service_level_with_abandoned),
            ("balance", self.balance),
            ("mean_queue_wait_ms", whole(self.queue_wait.mean_ms)),
            ("median_queue_wait_s", whole(self.queue_wait.median_s)),
            ("p90_queue_wait_s", whole(self.queue_wait.p90_s)),
            ("mean_wait_ms", whole(self.wait.mean_ms)),
            ("median_wait_s", whole(self.wait.median_s)),
            ("p90_wait_s", whole(self.wait.p90_s)),
            ("mean_wait_before_giving_up_ms", whole(self.gave_up.mean_ms)),
            ("median_wait_before_giving_up_s", whole(self.gave_up.median_s)),
            ("p90_wait_before_giving_up_s", whole(self.gave_up.p90_s)),
            ("mean_talk_ms", whole(self.mean_talk_ms)),
            ("mean_hold_ms", whole(self.mean_hold_ms)),
            ("won_back", count(self.won_back)),
            ("won_back_in_time", count(self.won_back_in_time)),
        ]
    }
}
