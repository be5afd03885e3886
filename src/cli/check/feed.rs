//! Whether the feed has room, and whether anything was removed that a webhook or a sink had not taken.

use super::report::{Finding, Report};
use crate::cli::plain::size;
use crate::config::Config;
use crate::ownership::within;
use crate::store::Reader;

/// So full, in percent, the feed is about to remove changes before their time.
const NEARLY_FULL: u64 = 90;

/// Adds what is found. Without a database, or with one that the daemon has not migrated yet, there is no feed.
pub(super) fn look(config: &Config, report: &mut Report<'_>) {
    let db = &config.store.path;
    let held = within(db, || Reader::open(db).and_then(|reader| reader.feed_holds()).ok());
    let Some(held) = held.ok().flatten() else { return };
    let (most, most_bytes) = (u64::from(config.feed.max_rows), u64::from(config.feed.max_mib) << 20);
    let text = format!("{} changes of at most {most}, {} of at most {}", held.rows, size(held.bytes), size(most_bytes));
    let is_nearly_full = held.rows * 100 >= most * NEARLY_FULL || held.bytes * 100 >= most_bytes * NEARLY_FULL;
    report.add(&if is_nearly_full {
        let slowest = held.readers.iter().max_by_key(|(_, behind, _)| *behind).filter(|(_, behind, _)| *behind > 0);
        let who = slowest.map_or(String::new(), |(name, behind, _)| format!("; {name} has {behind} to take"));
        Finding::warn(
            "feed",
            format!("{text}{who}: the oldest are removed before their time; raise feed.max_rows or feed.max_mib"),
        )
    } else {
        Finding::ok("feed", text)
    });
    for (name, behind, removed) in held.readers.iter().filter(|(.., removed)| *removed > 0) {
        report.add(&Finding::warn(
            name,
            format!("{removed} of the {behind} changes that it has not taken were removed, as the feed was full: what they were about is in the tables"),
        ));
    }
}
