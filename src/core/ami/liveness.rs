//! Up to when a connection has provably carried everything: what a gap begins with when the connection ends.
//!
//! That bytes are read proves little: a client that stood still for a while (stopped, swapped out, asleep) reads what had been buffered for
//! it long ago, and Asterisk may have closed the connection meanwhile because nobody read (`writetimeout` of manager.conf). A ping that
//! was answered proves it: Asterisk's session thread writes what waits for a client before it reads that client's next action
//! (`main/manager.c`, `get_input`), so everything up to the ping has been written, and has come, in order.

/// What is known of one connection; times are the session's monotonic milliseconds.
#[derive(Debug)]
pub(crate) struct Liveness {
    /// When the latest ping that was answered was sent; at first, when the connection was made.
    pinged_ms: u64,
    /// The latest read that is believed.
    read_ms: u64,
    /// This program stood still then: reads are not believed until a later ping has been answered.
    paused_ms: Option<u64>,
    /// Events bear the time of their making (`timestampevents`): they tell by themselves how old they are.
    stamped: bool,
}

impl Liveness {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self { pinged_ms: now_ms, read_ms: now_ms, paused_ms: None, stamped: false }
    }

    /// Something was read.
    pub(crate) fn read(&mut self, now_ms: u64) {
        if self.paused_ms.is_none() {
            self.read_ms = self.read_ms.max(now_ms);
        }
    }

    /// An event with a stamp has come.
    pub(crate) fn stamped(&mut self) {
        self.stamped = true;
    }

    /// Events have shown no stamp so far.
    pub(crate) fn needs_stamp(&self) -> bool {
        !self.stamped
    }

    /// This program stood still from `since_ms` to `now_ms`.
    pub(crate) fn paused(&mut self, since_ms: u64, now_ms: u64) {
        self.read_ms = self.read_ms.min(since_ms);
        self.paused_ms = Some(now_ms);
    }

    /// A ping that was sent then has been answered.
    pub(crate) fn answered(&mut self, sent_ms: u64) {
        self.pinged_ms = self.pinged_ms.max(sent_ms);
        if self.paused_ms.is_some_and(|paused| sent_ms >= paused) {
            self.paused_ms = None;
        }
    }

    /// Up to when everything has come, besides what the stamps of events say.
    pub(crate) fn whole_until(&self) -> u64 {
        if self.stamped { self.pinged_ms } else { self.pinged_ms.max(self.read_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_counts_until_the_program_stood_still_and_again_after_a_later_ping() {
        let mut live = Liveness::new(0);
        live.answered(1_000);
        live.read(9_000);
        assert_eq!(live.whole_until(), 9_000);
        live.paused(9_500, 39_500);
        live.read(39_500);
        assert_eq!(live.whole_until(), 9_000, "what was read afterwards had waited");
        live.answered(9_200);
        live.read(39_600);
        assert_eq!(live.whole_until(), 9_200, "a ping of before proves nothing of after");
        live.answered(40_000);
        live.read(41_000);
        assert_eq!(live.whole_until(), 41_000);
    }

    #[test]
    fn where_events_bear_stamps_only_pings_count_beside_them() {
        let mut live = Liveness::new(0);
        live.stamped();
        live.answered(10_000);
        live.read(19_000);
        assert_eq!(live.whole_until(), 10_000);
    }
}
