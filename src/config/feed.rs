//! The table `[feed]`: what the change feed records, and how long it is kept for them.

use super::section::Section;
use std::time::Duration;

/// From one day to a hundred years.
const KEEP: std::ops::RangeInclusive<Duration> = Duration::from_secs(86_400)..=Duration::from_secs(36_500 * 86_400);

/// The table `[feed]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Feed {
    /// Tells of calls in progress too. Default: no.
    pub(crate) in_progress: bool,
    /// Tells what agents do too. Default: no.
    pub(crate) agents: bool,
    /// So long changes are kept; `None`: until there is no room. Default 7 days.
    pub(crate) keep: Option<Duration>,
    /// Most changes that are kept. Default 1,000,000.
    pub(crate) max_rows: u32,
    /// Most room that they may take, MiB. Default 256.
    pub(crate) max_mib: u32,
}

impl Default for Feed {
    fn default() -> Self {
        let keep = Some(Duration::from_secs(7 * 86_400));
        Self { in_progress: false, agents: false, keep, max_rows: 1_000_000, max_mib: 256 }
    }
}

/// Reads it.
pub(super) fn read(section: &Section<'_, '_>) -> Feed {
    let default = Feed::default();
    Feed {
        in_progress: section.flag("in_progress"),
        agents: section.flag("agents"),
        keep: section.days("keep", default.keep, KEEP),
        max_rows: section.number("max_rows", default.max_rows, 1_000..=100_000_000),
        max_mib: section.number("max_mib", default.max_mib, 1..=65_536),
    }
}
