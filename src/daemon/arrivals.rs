//! When the bytes of a stream were read: what waits for more keeps its own time.

use callbackd_core::millis::Millis;
use std::collections::VecDeque;

/// Reads whose bytes are not all used yet, each with where in the stream it ended.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    reads: VecDeque<(u64, Millis)>,
    /// Bytes that were read so far.
    bytes: u64,
}

impl Arrivals {
    /// So many bytes have been read at this time, ms since 1970 UTC.
    pub(crate) fn read(&mut self, count: usize, at_ms: Millis) {
        self.bytes += count as u64;
        match self.reads.back_mut() {
            Some((end, last_ms)) if *last_ms == at_ms => *end = self.bytes,
            _ => self.reads.push_back((self.bytes, at_ms)),
        }
    }

    /// When the byte before this place came; what came before it is used. Places only grow.
    pub(crate) fn of(&mut self, place: u64) -> Millis {
        while self.reads.len() > 1 && self.reads.front().is_some_and(|(end, _)| *end < place) {
            self.reads.pop_front();
        }
        self.reads.front().map_or(0, |(_, at_ms)| *at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_over_several_reads_keeps_the_time_of_its_own_last_byte() {
        let mut arrivals = Arrivals::default();
        for (count, at_ms) in [(10, 1_000), (5, 1_000), (5, 1_002), (20, 1_007)] {
            arrivals.read(count, at_ms);
        }
        let times = [1, 15, 16, 20, 21, 40].map(|place| arrivals.of(place));
        assert_eq!(times, [1_000, 1_000, 1_002, 1_002, 1_007, 1_007]);
        assert_eq!(arrivals.reads.len(), 1, "what is used is forgotten");
    }
}
