//! Hands a link's events to their consumer without ever making the socket wait for it.

use std::collections::VecDeque;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::link::LinkEvent;

/// The bounded channel to the consumer. While it is full, frames are dropped and counted, and all else waits in order; when
/// there is room again, the consumer is told how much was lost.
#[derive(Debug)]
pub(super) struct Delivery {
    events: Sender<LinkEvent>,
    /// What must not be lost: a handful per connection.
    waiting: VecDeque<LinkEvent>,
    dropped: u64,
}

/// What [`Delivery::flush`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    Nothing,
    /// The consumer has been told that frames were dropped: what it knows must be repaired.
    OverloadEnded,
    /// There is no consumer any more.
    NobodyListens,
}

impl Delivery {
    pub fn new(events: Sender<LinkEvent>) -> Self {
        Self { events, waiting: VecDeque::new(), dropped: 0 }
    }

    /// Something waits for room in the channel.
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty() || self.dropped > 0
    }

    pub fn push(&mut self, event: LinkEvent) {
        let event = if self.is_behind() {
            event
        } else {
            match self.events.try_send(event) {
                Ok(()) => return,
                Err(TrySendError::Full(event) | TrySendError::Closed(event)) => event,
            }
        };
        match event {
            LinkEvent::Frame { .. } | LinkEvent::Discarded(_) => self.dropped += 1,
            event => self.waiting.push_back(event),
        }
    }

    /// Waits for room and hands on one thing that waits. Safe to be dropped at any await.
    pub async fn flush(&mut self) -> Flushed {
        let Ok(permit) = self.events.reserve().await else { return Flushed::NobodyListens };
        if let Some(event) = self.waiting.pop_front() {
            permit.send(event);
            return Flushed::Nothing;
        }
        permit.send(LinkEvent::Overloaded { dropped: std::mem::take(&mut self.dropped) });
        Flushed::OverloadEnded
    }
}
