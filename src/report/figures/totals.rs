//! What can be said of any set of calls: counts, rates, waits.

use crate::report::facts::Call;
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

impl Spread {
    /// Of these durations, ms.
    #[must_use]
    pub(crate) fn of(mut ms: Vec<Millis>) -> Self {
        ms.sort_unstable();
        let at = |rank: usize| rank.checked_sub(1).and_then(|n| ms.get(n)).map(|ms| ms / 1_000);
        let count = ms.len();
        Self {
            calls: count as u64,
            min_s: at(1),
            mean_ms: mean(ms.iter().sum(), count as u64),
            median_s: at(count.div_ceil(2)),
            p90_s: at((count * 9).div_ceil(10)),
            max_s: at(count),
        }
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

impl Totals {
    /// Of these calls.
    pub(crate) fn of<'c>(calls: impl IntoIterator<Item = &'c Call>, thresholds: &Thresholds) -> Self {
        let mut t = Self::default();
        let (mut queue_wait, mut wait, mut gave_up) = (Vec::new(), Vec::new(), Vec::new());
        let (mut talk, mut hold) = (0, 0);
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
                talk += call.talk_ms;
                hold += call.hold_ms;
            }
        }
        t.abandonment_rate = ratio(t.abandoned, t.offered);
        t.missed_rate = ratio(t.missed, t.inbound - t.unknown);
        t.service_level_answered = ratio(t.answered_in_time, t.answered);
        t.service_level_offered = ratio(t.answered_in_time, t.offered);
        t.service_level_with_abandoned = ratio(t.answered_in_time + t.abandoned_in_time, t.answered + t.abandoned);
        t.balance = ratio(t.outbound, t.inbound);
        (t.queue_wait, t.wait, t.gave_up) = (Spread::of(queue_wait), Spread::of(wait), Spread::of(gave_up));
        (t.mean_talk_ms, t.mean_hold_ms) = (mean(talk, t.answered), mean(hold, t.answered));
        t
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
