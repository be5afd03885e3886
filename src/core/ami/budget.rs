//! What the daemon may hold in memory of what others send: one table, of which every limit is a part.
//!
//! Whoever can fill one of them can fill all, on every PBX at once: so the parts are weighed together. All of [`Budget::WHOLE`], with
//! [`UNSAVED_BYTES`], [`RECORD_BYTES`], what the callbacks know of customers and the program itself, leaves the resident set below 256 MiB, and of several PBXs each has its share of
//! the whole.

use crate::ami::decoder::MAX_FRAME;

/// What is kept and what waits of one PBX. What is beyond is counted, and dropped or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Channels tracked at once, the recently ended ones included.
    pub channels: usize,
    /// What those channels weigh, each with a call of its own, bytes as they are estimated.
    pub channel_bytes: usize,
    /// The details of all calls together (legs, queue visits, menu steps, tags, ratings, linkedids), bytes as they are estimated.
    pub detail_bytes: usize,
    /// Agents known at once.
    pub agents: usize,
    /// Memberships of all agents in queues.
    pub memberships: usize,
    /// Texts that mean some agent (interfaces, hints, phones, extensions), of all agents.
    pub aliases: usize,
    /// Queues, and callers in them, of one list.
    pub listed: usize,
    /// The lists of all answers under way, bytes.
    pub list_bytes: usize,
    /// Events that wait for the daemon's loop.
    pub waiting_events: usize,
    /// Bytes of them.
    pub waiting_bytes: usize,
}

/// Records that wait for the database, of all PBXs, bytes: the rows of all calls, with all their details, if all end at once.
pub const UNSAVED_BYTES: usize = 28 << 20;
/// CDR and queue_log that are held at once, bytes: of one PBX after the other.
pub(crate) const RECORD_BYTES: usize = 16 << 20;

impl Budget {
    /// The share of the only PBX.
    pub const WHOLE: Self = Self {
        channels: 20_000,
        channel_bytes: 40 << 20,
        detail_bytes: 12 << 20,
        agents: 5_000,
        memberships: 25_000,
        aliases: 30_000,
        listed: 20_000,
        list_bytes: 8 << 20,
        waiting_events: 16_384,
        waiting_bytes: 12 << 20,
    };

    /// The share of each of so many PBXs.
    #[must_use]
    pub fn of_each(pbxs: usize) -> Self {
        let share = |whole: usize| whole / pbxs.max(1);
        let Self {
            channels,
            channel_bytes,
            detail_bytes,
            agents,
            memberships,
            aliases,
            listed,
            list_bytes,
            waiting_events,
            waiting_bytes,
        } = Self::WHOLE;
        Self {
            channels: share(channels),
            channel_bytes: share(channel_bytes),
            detail_bytes: share(detail_bytes),
            agents: share(agents),
            memberships: share(memberships),
            aliases: share(aliases),
            listed: share(listed),
            list_bytes: share(list_bytes),
            waiting_events: share(waiting_events).max(1),
            // One frame must find room, and half of it be free again.
            waiting_bytes: share(waiting_bytes).max(2 * MAX_FRAME),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_several_pbxs_are_no_more_than_the_whole() {
        for pbxs in [1, 2, 3, 7, 50] {
            let Budget { channels, channel_bytes, detail_bytes, agents, waiting_bytes, .. } = Budget::of_each(pbxs);
            let whole = Budget::WHOLE;
            assert!(channels * pbxs <= whole.channels && agents * pbxs <= whole.agents, "{pbxs}");
            assert!(channel_bytes * pbxs <= whole.channel_bytes && detail_bytes * pbxs <= whole.detail_bytes, "{pbxs}");
            assert!(waiting_bytes * pbxs <= whole.waiting_bytes, "{pbxs}");
        }
    }
}
