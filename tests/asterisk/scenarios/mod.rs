//! The calls that are placed, by topic, each with the row that the rules for statuses demand.

mod closed;
mod cut;
mod forward;
mod ivr;
mod own;
mod queue;
mod queue_ways;
mod ring;
mod taken;
mod transfer;
mod unserved;

use crate::lab::Lab;
use crate::script::Scenario;

/// All of them.
pub fn all() -> Vec<Scenario> {
    [
        queue::ALL,
        queue_ways::ALL,
        ring::ALL,
        forward::ALL,
        ivr::ALL,
        closed::ALL,
        unserved::ALL,
        own::ALL,
        transfer::ALL,
        taken::ALL,
        cut::ALL,
    ]
    .concat()
}

/// All that this Asterisk can do whose name contains what `CALLBACKD_SCENARIO` says; without it, all.
pub fn wanted(lab: &Lab) -> Vec<Scenario> {
    let part = std::env::var("CALLBACKD_SCENARIO").unwrap_or_default();
    all().into_iter().filter(|s| s.name.contains(&part) && (s.needs.is_empty() || lab.has(s.needs))).collect()
}
