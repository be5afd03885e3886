//! Hands a link's events to their consumer without ever making the socket wait for it.

use std::collections::VecDeque;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::link::LinkEvent;
use super::link_counters::SharedCounters;
use callbackd_core::ami::budget::Budget;
use callbackd_core::ami::{Frame, Notice, SnapshotSize};
use callbackd_core::millis::Millis;

/// Most things beside frames that wait for the consumer. A connection makes some ten: only one that takes nothing for hours,
/// while links come and go, gets here.
const MAX_WAITING: usize = 1024;

/// The bounded channel to the consumer. While it is full, frames are dropped and counted, and all else waits in order; when
/// there is room again, the consumer learns how many were lost.
#[derive(Debug)]
pub(super) struct Delivery {
    events: Sender<LinkEvent>,
    /// Bytes of frames that may still come into the channel.
    bytes: Arc<Semaphore>,
    /// Half of what they may be.
    half: u32,
    /// What must not be lost: a handful per connection.
    waiting: VecDeque<LinkEvent>,
    dropped: u64,
    /// When the first of them was dropped.
    since: Option<Instant>,
    counters: SharedCounters,
}

/// What [`Delivery::flush`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    Nothing,
    /// Frames were dropped, and the consumer knows it now: its state must be repaired.
    OverloadEnded,
    /// There is no consumer any more.
    NobodyListens,
}

impl Delivery {
    pub(crate) fn new(events: Sender<LinkEvent>, counters: SharedCounters, share: Budget) -> Self {
        let bytes = Arc::new(Semaphore::new(share.waiting_bytes));
        let half = u32::try_from(share.waiting_bytes / 2).unwrap_or(u32::MAX);
        Self { events, bytes, half, waiting: VecDeque::new(), dropped: 0, since: None, counters }
    }

    /// Something waits for room in the channel.
    pub(crate) fn is_behind(&self) -> bool {
        !self.waiting.is_empty() || self.dropped > 0
    }

    /// A frame that was read now. It gets a buffer of its own: it may wait, and what was read with it need not.
    pub(crate) fn frame(&mut self, frame: &Frame, arrived_ms: Millis) {
        let length = u32::try_from(frame.bytes().len()).unwrap_or(u32::MAX);
        match Arc::clone(&self.bytes).try_acquire_many_owned(length) {
            Ok(permit) if !self.is_behind() => {
                self.push(LinkEvent::Frame { frame: frame.detached(), arrived_ms, permit })
            }
            _ => self.drop_one(),
        }
    }

    pub(crate) fn push(&mut self, event: LinkEvent) {
        let event = if self.is_behind() {
            event
        } else {
            match self.events.try_send(event) {
                Ok(()) => return,
                Err(TrySendError::Full(event) | TrySendError::Closed(event)) => event,
            }
        };
        match event {
            LinkEvent::Frame { .. } | LinkEvent::Discarded(_) => self.drop_one(),
            _ if self.waiting.len() >= MAX_WAITING => self.drop_one(),
            // What was dropped may have been of the list: it proves nothing gone.
            LinkEvent::Notice(Notice::SnapshotEnded(size)) if self.dropped > 0 => {
                let size = SnapshotSize { channels_known: false, ..size };
                self.waiting.push_back(LinkEvent::Notice(Notice::SnapshotEnded(size)));
            }
            event => self.waiting.push_back(event),
        }
    }

    fn drop_one(&mut self) {
        self.dropped += 1;
        self.counters.dropped();
        self.since.get_or_insert_with(Instant::now);
    }

    /// Waits for room and hands on one thing that waits. Safe to be dropped at any await.
    pub(crate) async fn flush(&mut self) -> Flushed {
        if self.waiting.is_empty() {
            // Half empty first: else a consumer that is a little too slow would get snapshot after snapshot.
            let room = self.events.max_capacity().div_ceil(2);
            // Never closed; whoever ends with the channel drops both.
            let _bytes = self.bytes.acquire_many(self.half).await;
            let Ok(mut permits) = self.events.reserve_many(room).await else { return Flushed::NobodyListens };
            if let (Some(permit), Some(since)) = (permits.next(), self.since.take()) {
                permit.send(LinkEvent::Overloaded { dropped: std::mem::take(&mut self.dropped), since });
            }
            return Flushed::OverloadEnded;
        }
        let Ok(permit) = self.events.reserve().await else { return Flushed::NobodyListens };
        if let Some(event) = self.waiting.pop_front() {
            permit.send(event);
        }
        // With nothing dropped there is nothing to report.
        Flushed::Nothing
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;
    use callbackd_core::ami::{FrameDecoder, FrameError, Interest, Received, Refusal};

    #[tokio::test]
    async fn what_waits_is_bounded_and_the_rest_is_counted() {
        let (sender, mut events) = mpsc::channel(2);
        let mut delivery = Delivery::new(sender, SharedCounters::default(), Budget::WHOLE);
        for _ in 0..2 + MAX_WAITING + 5 {
            delivery.push(LinkEvent::Notice(Notice::Live));
        }
        let mut notices = 0;
        while delivery.is_behind() {
            while let Ok(event) = events.try_recv() {
                assert!(matches!(event, LinkEvent::Notice(Notice::Live)), "{event:?}");
                notices += 1;
            }
            delivery.flush().await;
        }
        assert_eq!(notices, 2 + MAX_WAITING);
        assert!(matches!(events.try_recv(), Ok(LinkEvent::Overloaded { dropped: 5, .. })));
    }

    /// An event of some 56 KiB.
    fn big_frame() -> Frame {
        let lines = format!("Note: {}\r\n", "n".repeat(8_000)).repeat(7);
        let mut buffer = bytes::BytesMut::from(&*format!("Event: Big\r\n{lines}\r\n"));
        match FrameDecoder::new(Interest::everything()).decode(&mut buffer) {
            Some(Received::Frame(frame)) => frame,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn frames_that_wait_are_bounded_in_bytes_and_the_rest_is_counted() {
        let (sender, mut events) = mpsc::channel(16_384);
        let mut delivery = Delivery::new(sender, SharedCounters::default(), Budget::WHOLE);
        let frame = big_frame();
        let room = Budget::WHOLE.waiting_bytes / frame.bytes().len();
        for _ in 0..room + 7 {
            delivery.frame(&frame, 0);
        }
        assert_eq!((events.len(), delivery.dropped), (room, 7));
        // Half of the bytes must be free before it is said: else each frame would bring a snapshot.
        for _ in 0..room / 2 - 1 {
            events.try_recv().unwrap();
        }
        assert!(tokio::time::timeout(Duration::from_millis(50), delivery.flush()).await.is_err());
        while events.try_recv().is_ok() {}
        assert_eq!(delivery.flush().await, Flushed::OverloadEnded);
        assert!(matches!(events.try_recv(), Ok(LinkEvent::Overloaded { dropped: 7, .. })));
        delivery.frame(&frame, 0);
        assert!(matches!(events.try_recv(), Ok(LinkEvent::Frame { .. })), "there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn an_overload_counts_from_the_first_thing_that_was_dropped_and_its_list_proves_nothing_gone() {
        let (sender, mut events) = mpsc::channel(1);
        let mut delivery = Delivery::new(sender, SharedCounters::default(), Budget::WHOLE);
        let event = || {
            LinkEvent::Discarded(FrameError {
                refusal: Refusal::Nul,
                offset: 0,
                excerpt: String::new(),
                channel: String::new(),
                of_channel: None,
            })
        };
        let ended = || Notice::SnapshotEnded(SnapshotSize { channels_known: true, ..SnapshotSize::default() });
        delivery.push(LinkEvent::Notice(Notice::SnapshotBegan));
        let began = Instant::now();
        for _ in 0..3 {
            delivery.push(event());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        delivery.push(LinkEvent::Notice(ended()));
        let mut taken = Vec::new();
        while let Ok(event) = events.try_recv() {
            taken.push(event);
            delivery.flush().await;
        }
        let [_, LinkEvent::Notice(Notice::SnapshotEnded(size)), LinkEvent::Overloaded { dropped: 3, since }] =
            &taken[..]
        else {
            panic!("{taken:?}")
        };
        assert_eq!((size.channels_known, *since), (false, began));
        delivery.push(LinkEvent::Notice(ended()));
        let whole =
            matches!(events.try_recv(), Ok(LinkEvent::Notice(Notice::SnapshotEnded(size))) if size.channels_known);
        assert!(whole, "the next one is whole again");
    }

    #[tokio::test]
    async fn nothing_that_was_pushed_later_overtakes_what_waits() {
        let (sender, mut events) = mpsc::channel(1);
        let mut delivery = Delivery::new(sender, SharedCounters::default(), Budget::WHOLE);
        delivery.push(LinkEvent::Notice(Notice::LoggedIn));
        delivery.push(LinkEvent::Notice(Notice::SnapshotBegan));
        assert!(matches!(events.try_recv(), Ok(LinkEvent::Notice(Notice::LoggedIn))));
        delivery.push(LinkEvent::Notice(Notice::Live));
        assert!(events.try_recv().is_err(), "there is room, but something waits");
        assert_eq!(delivery.flush().await, Flushed::Nothing);
        assert!(matches!(events.try_recv(), Ok(LinkEvent::Notice(Notice::SnapshotBegan))));
        assert_eq!(delivery.flush().await, Flushed::Nothing);
        assert!(matches!(events.try_recv(), Ok(LinkEvent::Notice(Notice::Live))));
        assert!(!delivery.is_behind());
    }
}
