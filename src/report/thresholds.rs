//! What the operator calls in time, too long, good: the table `[report]` of the configuration.

use callbackd_core::millis::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// Thresholds and names that figures need. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Who waited no longer was answered in time.
    pub service_level_ms: Millis,
    /// Per cent of calls that are to be answered in time.
    pub service_level_target: u8,
    /// Within which a missed caller is to be won back.
    pub callback_target_ms: Millis,
    /// Who does not call again within it was served at the first call.
    pub fcr_window_ms: Millis,
    /// A wait before giving up that is too long.
    pub alarm_wait_ms: Millis,
    /// A conversation that is shorter is worth a look.
    pub too_short_ms: Millis,
    /// And one that is longer.
    pub too_long_ms: Millis,
    /// A rating from here on is good.
    pub good_score: u32,
    /// Reasons of pauses that are after-call work.
    pub acw_reasons: BTreeSet<String>,
    /// What the DIDs are called.
    pub dids: BTreeMap<String, String>,
    /// How many calls a trunk can have at once, by technology and peer.
    pub trunk_lines: BTreeMap<String, u32>,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            service_level_ms: 20_000,
            service_level_target: 80,
            callback_target_ms: 1_800_000,
            fcr_window_ms: 604_800_000,
            alarm_wait_ms: 60_000,
            too_short_ms: 10_000,
            too_long_ms: 1_800_000,
            good_score: 4,
            acw_reasons: ["acw", "wrapup", "after-call work"].map(str::to_owned).into(),
            dids: BTreeMap::new(),
            trunk_lines: BTreeMap::new(),
        }
    }
}
