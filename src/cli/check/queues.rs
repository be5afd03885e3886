//! Whether the queues that the configuration names are known on a PBX: one that is misspelt never comes true.

use super::facts::Facts;
use super::report::Finding;
use super::rights::shortened;
use crate::config::Config;
use crate::log::Wire;
use callbackd_core::order::Gather as _;
use std::collections::{BTreeMap, BTreeSet};

/// A finding for each queue that is named and that no PBX has; none where a PBX did not list its queues.
pub(crate) fn judge(config: &Config, all: &[Facts]) -> Vec<Finding> {
    let listed = |facts: &Facts| !facts.refused.iter().any(|(action, _)| *action == "QueueStatus");
    if !all.iter().all(listed) {
        return Vec::new();
    }
    let known: BTreeSet<&str> = all.iter().flat_map(|facts| facts.queues.keys().map(String::as_str)).to_set();
    let mut named: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut name = |queue, place: String| _ = named.entry(queue).or_default().insert(place);
    for webhook in &config.webhooks {
        webhook.queues.iter().for_each(|queue| name(queue, format!("[[webhook]] {}", webhook.name)));
    }
    for settings in config.pbx.iter().map(|pbx| &pbx.settings) {
        settings.callback.queues.keys().for_each(|queue| name(queue, format!("[callback.queue.{queue}]")));
        settings.callback.dids.values().for_each(|queue| name(queue, "callback.dids".to_owned()));
        for code in settings.codes.iter() {
            let queues = code.rules.iter().flat_map(|rule| &rule.queues);
            queues.for_each(|queue| name(queue, format!("[[code.rule]] of {}", code.code)));
        }
    }
    let unknown = named.into_iter().filter(|(queue, _)| !known.contains(queue));
    let known: Vec<String> = known.iter().map(|queue| Wire(queue).to_string()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { shortened(&known) };
    unknown
        .map(|(queue, places)| {
            let places: Vec<String> = places.into_iter().collect();
            let places = places.join(", ");
            let detail = format!(
                "{places} names {}; Asterisk lists {known} (a queue of a realtime database once it was used)",
                Wire(queue)
            );
            Finding::warn("queues", detail)
        })
        .collect()
}
