//! Who is at the socket: connections, requests and unsent answers by user, so that one user's do not keep another's waiting.

use super::newcomers::{Newcomers, Place};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections of one user at once; a further one is refused.
pub(crate) const MAX_OF_USER: usize = 128;
/// Connections of all users at once, but for root's and the daemon's user's, who always have theirs.
pub(crate) const MAX_OF_ALL: usize = 256;
/// Requests of one user of the machine, or by TCP of one token, that are worked on at once; further ones wait for these.
pub(crate) const MAX_REQUESTS: usize = 4;

/// Streams of all users at once, beside the connections.
pub(crate) const MAX_STREAMS: usize = 1_536;
/// Streams of one user at once.
pub(crate) const MAX_STREAMS_OF_USER: usize = 1_024;

/// Bytes of the answers of all users that are made and not yet sent, but for root's and the daemon's user's, who always have their share.
pub(crate) const MAX_UNSENT: usize = 32 << 20;
/// Bytes of the answers of one user that are made and not yet sent; one answer alone may have more.
pub(crate) const MAX_UNSENT_OF_USER: usize = 8 << 20;

/// The connections that there are.
#[derive(Debug)]
pub(crate) struct Slots {
    /// Users who always have slots: root, and whoever the daemon runs as.
    always: [u32; 2],
    users: Mutex<BTreeMap<u32, User>>,
    newcomers: Arc<Newcomers>,
    refused: AtomicU64,
    answers_refused: AtomicU64,
    requests_refused: AtomicU64,
    handshakes_failed: AtomicU64,
}

#[derive(Debug, Default)]
struct User {
    connections: usize,
    newcomers: usize,
    streams: usize,
    /// Bytes of answers.
    unsent: usize,
    /// Turns of those who ask on this user's connections, by name: the user, or the bearers of tokens. They are few.
    turns: BTreeMap<String, Arc<Semaphore>>,
}

/// A connection's slot; free again when it is dropped, or given up for that of a stream.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    uid: u32,
    counts: Mutex<Counts>,
}

/// As what a slot counts.
#[derive(Debug)]
enum Counts {
    /// As one of those who have shown no token yet.
    Newcomer(Place),
    Connection,
    /// As nothing: its stream has a slot of its own.
    Stream,
}

/// A stream's slot; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamSlot {
    slots: Arc<Slots>,
    uid: u32,
}

/// Room that an unsent answer takes; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Unsent {
    slots: Arc<Slots>,
    uid: u32,
    bytes: usize,
}

impl Slots {
    /// None taken. `own`: the uid that the daemon runs as.
    pub(crate) fn new(own: u32) -> Arc<Self> {
        Arc::new(Self {
            always: [0, own],
            users: Mutex::default(),
            newcomers: Arc::default(),
            refused: 0.into(),
            answers_refused: 0.into(),
            requests_refused: 0.into(),
            handshakes_failed: 0.into(),
        })
    }

    /// A slot for a connection of this user; `None` if they have too many, or all others together.
    pub(crate) fn take(self: &Arc<Self>, uid: u32) -> Option<Slot> {
        let mut users = self.users();
        if !self.has_room(&users, uid) {
            return None;
        }
        let user = users.entry(uid).or_default();
        user.connections += 1;
        Some(Slot { slots: Arc::clone(self), uid, counts: Counts::Connection.into() })
    }

    /// A slot for a connection of this user that has shown no token yet. There always is one: it may cost the oldest of them its own.
    pub(super) fn newcomer(self: &Arc<Self>, uid: u32) -> Slot {
        let place = self.newcomers.take();
        let mut users = self.users();
        let user = users.entry(uid).or_default();
        user.newcomers += 1;
        Slot { slots: Arc::clone(self), uid, counts: Counts::Newcomer(place).into() }
    }

    /// Whether this user may have one more connection; if not, it is counted as refused.
    fn has_room(&self, users: &BTreeMap<u32, User>, uid: u32) -> bool {
        let others = users.iter().filter(|(uid, _)| !self.always.contains(uid)).map(|(_, user)| user.connections);
        let full = !self.always.contains(&uid) && others.sum::<usize>() >= MAX_OF_ALL;
        let room = !full && users.get(&uid).map_or(0, |user| user.connections) < MAX_OF_USER;
        if !room {
            self.refused.fetch_add(1, Relaxed);
        }
        room
    }

    fn users(&self) -> MutexGuard<'_, BTreeMap<u32, User>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One connection or stream less, of this user.
    fn leaves(&self, uid: u32, less: impl FnOnce(&mut User)) {
        let mut users = self.users();
        if let Some(user) = users.get_mut(&uid) {
            less(user);
            if user.connections + user.newcomers + user.streams + user.unsent == 0 {
                users.remove(&uid);
            }
        }
    }

    /// Room for an answer of this user that is made and not yet sent; `None` if too much is unsent already.
    fn unsent(self: &Arc<Self>, uid: u32, bytes: usize) -> Option<Unsent> {
        let mut users = self.users();
        let others = users.iter().filter(|(uid, _)| !self.always.contains(uid)).map(|(_, user)| user.unsent);
        let (all, user) = (others.sum::<usize>(), users.get_mut(&uid)?);
        // What is longer than all the room there is would never be sent: alone it may go.
        let full = |taken: usize, most: usize| taken > 0 && taken + bytes > most;
        if full(user.unsent, MAX_UNSENT_OF_USER) || (!self.always.contains(&uid) && full(all, MAX_UNSENT)) {
            self.answers_refused.fetch_add(1, Relaxed);
            return None;
        }
        user.unsent += bytes;
        Some(Unsent { slots: Arc::clone(self), uid, bytes })
    }

    /// Answers that were refused since the start, because too much was unsent.
    pub(crate) fn answers_refused(&self) -> u64 {
        self.answers_refused.load(Relaxed)
    }

    /// A request was refused because of a limit.
    pub(super) fn request_refused(&self) {
        self.requests_refused.fetch_add(1, Relaxed);
    }

    /// Requests that were refused since the start, because of a limit.
    pub(super) fn requests_refused(&self) -> u64 {
        self.requests_refused.load(Relaxed)
    }

    /// A connection by TLS did not come to its first request.
    pub(super) fn handshake_failed(&self) {
        self.handshakes_failed.fetch_add(1, Relaxed);
    }

    /// TLS handshakes that failed or took too long, since the start.
    pub(crate) fn handshakes_failed(&self) -> u64 {
        self.handshakes_failed.load(Relaxed)
    }

    /// Connections without a token that were closed for newer ones, since the start.
    pub(crate) fn newcomers_closed(&self) -> u64 {
        self.newcomers.closed()
    }

    /// Streams that there are.
    pub(crate) fn streams(&self) -> usize {
        self.users().values().map(|user| user.streams).sum()
    }

    /// Connections that were refused since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

impl Slot {
    /// Whoever is there has shown a token: from now on the slot counts as one of the connections. `false` if there are too many.
    pub(super) fn has_shown_a_token(&self) -> bool {
        let mut counts = self.counts();
        if !matches!(*counts, Counts::Newcomer(_)) {
            return true;
        }
        let mut users = self.slots.users();
        if !self.slots.has_room(&users, self.uid) {
            return false;
        }
        if let Some(user) = users.get_mut(&self.uid) {
            user.newcomers -= 1;
            user.connections += 1;
        }
        *counts = Counts::Connection;
        true
    }

    /// Waits until a newer connection needs the place of this one: never, once a token was shown.
    pub(super) async fn has_to_go(&self) {
        let notice = match &*self.counts() {
            Counts::Newcomer(place) => Some(place.notice()),
            Counts::Connection | Counts::Stream => None,
        };
        match notice {
            Some(notice) => notice.notified().await,
            None => std::future::pending().await,
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more request of whoever has this name, a user or the bearer of a token, may be worked on.
    pub(crate) async fn request(&self, name: &str) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut users = self.slots.users();
            let turns = &mut users.entry(self.uid).or_default().turns;
            // Of a token that is used no more nothing is kept.
            turns.retain(|known, turns| known == name || Arc::strong_count(turns) > 1);
            let turns = turns.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(MAX_REQUESTS)));
            Arc::clone(turns)
        };
        turns.acquire_owned().await.ok()
    }

    /// A request on this connection was refused because of a limit.
    pub(super) fn request_refused(&self) {
        self.slots.request_refused();
    }

    /// Room for an answer of so many bytes that waits to be sent.
    pub(crate) fn unsent(&self, bytes: usize) -> Option<Unsent> {
        self.slots.unsent(self.uid, bytes)
    }

    /// The connection becomes a stream, and its slot is free for another. `None` if there are too many streams.
    pub(crate) fn stream(&self) -> Option<StreamSlot> {
        let mut counts = self.counts();
        let mut users = self.slots.users();
        let all: usize = users.values().map(|user| user.streams).sum();
        let user = users.get_mut(&self.uid)?;
        if all >= MAX_STREAMS || user.streams >= MAX_STREAMS_OF_USER {
            self.slots.refused.fetch_add(1, Relaxed);
            return None;
        }
        user.streams += 1;
        match std::mem::replace(&mut *counts, Counts::Stream) {
            Counts::Newcomer(_) => user.newcomers -= 1,
            Counts::Connection => user.connections -= 1,
            Counts::Stream => {}
        }
        Some(StreamSlot { slots: Arc::clone(&self.slots), uid: self.uid })
    }
}

impl StreamSlot {
    /// Room for a piece of so many bytes that waits to be sent.
    pub(crate) fn unsent(&self, bytes: usize) -> Option<Unsent> {
        self.slots.unsent(self.uid, bytes)
    }
}

impl Drop for Unsent {
    fn drop(&mut self) {
        self.slots.leaves(self.uid, |user| user.unsent -= self.bytes);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        match *self.counts() {
            Counts::Newcomer(_) => self.slots.leaves(self.uid, |user| user.newcomers -= 1),
            Counts::Connection => self.slots.leaves(self.uid, |user| user.connections -= 1),
            Counts::Stream => {}
        }
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        self.slots.leaves(self.uid, |user| user.streams -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::newcomers::MAX_NEWCOMERS;
    use super::*;

    #[test]
    fn a_user_with_too_many_connections_is_refused_and_others_are_not() {
        let slots = Slots::new(999);
        let mut held: Vec<_> = (0..MAX_OF_USER).map(|_| slots.take(1_000).expect("a slot")).collect();
        assert!(slots.take(1_000).is_none());
        assert!(slots.take(1_001).is_some());
        held.pop();
        assert!(slots.take(1_000).is_some(), "a slot is free again");
        assert_eq!(slots.refused(), 1);
    }

    #[test]
    fn root_and_the_daemons_user_have_places_when_all_others_are_taken() {
        let slots = Slots::new(999);
        let held: Vec<_> = (0..400).map(|n| slots.take(2_000 + n % 4)).collect();
        assert_eq!(held.iter().flatten().count(), MAX_OF_ALL);
        assert!(slots.take(3_000).is_none());
        assert!(slots.take(0).is_some() && slots.take(999).is_some());
    }

    #[test]
    fn a_connection_that_becomes_a_stream_makes_room_and_streams_have_an_end_of_their_own() {
        let slots = Slots::new(999);
        let mut streams = Vec::new();
        for _ in 0..MAX_STREAMS_OF_USER {
            let slot = slots.take(1_000).expect("a slot");
            streams.push(slot.stream().expect("a stream"));
        }
        let one_more = slots.take(1_000).expect("connections are not streams");
        assert!(one_more.stream().is_none());
        drop(one_more);
        let other = slots.take(1_001).unwrap();
        streams.extend((MAX_STREAMS_OF_USER..MAX_STREAMS).map(|_| other.stream().expect("a stream of another")));
        assert!(other.stream().is_none());
        assert_eq!(slots.streams(), MAX_STREAMS);
        drop((streams, other));
        assert_eq!((slots.streams(), slots.users().len()), (0, 0));
    }

    #[test]
    fn unsent_answers_have_an_end_for_one_user_and_for_all_and_one_alone_may_be_longer() {
        let slots = Slots::new(999);
        let share = MAX_UNSENT_OF_USER / 2;
        let (one, root) = (slots.take(1_000).unwrap(), slots.take(0).unwrap());
        let held = [one.unsent(share).unwrap(), one.unsent(share).unwrap()];
        assert!(one.unsent(1).is_none(), "their share is full");
        let users: Vec<_> = (2_000..2_003).map(|uid| slots.take(uid).unwrap()).collect();
        let mut others: Vec<_> = users.iter().map(|user| user.unsent(MAX_UNSENT_OF_USER).unwrap()).collect();
        let last = slots.take(3_000).unwrap();
        assert!(last.unsent(1).is_none(), "all together have too much");
        assert!(root.unsent(MAX_UNSENT_OF_USER).is_some(), "root has room whatever others hold");
        assert_eq!(slots.answers_refused(), 2);
        others.pop();
        assert!(last.unsent(share).is_some());
        drop((held, others));
        assert!(one.unsent(MAX_UNSENT + 1).is_some(), "alone it may go");
        drop((one, root, users, last));
        assert_eq!(slots.users().len(), 0);
    }

    #[test]
    fn who_has_shown_no_token_takes_no_place_of_those_who_have_and_counts_like_them_once_it_is_shown() {
        let slots = Slots::new(999);
        let newcomers: Vec<_> = (0..2 * MAX_NEWCOMERS).map(|_| slots.newcomer(1_000)).collect();
        let mut held: Vec<_> = (1..MAX_OF_USER).map(|_| slots.take(1_000).expect("a slot")).collect();
        let mut latest = newcomers.into_iter().rev();
        let (first, second) = (latest.next().unwrap(), latest.next().unwrap());
        assert!(first.has_shown_a_token() && first.has_shown_a_token(), "the last place");
        assert!(!second.has_shown_a_token() && slots.take(1_000).is_none());
        held.pop();
        assert!(second.has_shown_a_token());
        assert_eq!((slots.refused(), slots.newcomers_closed()), (2, MAX_NEWCOMERS as u64));
        drop((first, second, held, latest));
        assert_eq!(slots.users().len(), 0);
    }

    #[tokio::test]
    async fn requests_of_one_user_wait_for_each_other_and_not_for_those_of_another() {
        let slots = Slots::new(999);
        let (one, other) = (slots.take(1_000).unwrap(), slots.take(1_001).unwrap());
        let mut working = Vec::new();
        for _ in 0..MAX_REQUESTS {
            working.push(one.request("ann").await);
        }
        let again = slots.take(1_000).unwrap();
        assert!(futures_util::FutureExt::now_or_never(again.request("ann")).is_none());
        assert!(futures_util::FutureExt::now_or_never(other.request("ann")).is_some());
        assert!(futures_util::FutureExt::now_or_never(again.request("token crm")).is_some(), "of another token");
        working.pop();
        assert!(futures_util::FutureExt::now_or_never(again.request("ann")).is_some());
    }
}
