//! Who has come by TCP and shown no token yet: the oldest of too many is closed, so that whoever says nothing keeps nobody out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Connections that have shown no token yet; one more takes the place of the oldest.
pub(crate) const MAX_NEWCOMERS: usize = 128;

/// Those who have shown no token yet, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    there: Mutex<VecDeque<Arc<Notify>>>,
    closed: AtomicU64,
}

/// The place of one of them; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    newcomers: Arc<Newcomers>,
    notice: Arc<Notify>,
}

impl Newcomers {
    /// A place: if there is none, the oldest's, whose connection is closed.
    pub(super) fn take(self: &Arc<Self>) -> Place {
        let mut there = self.there();
        if there.len() >= MAX_NEWCOMERS
            && let Some(oldest) = there.pop_front()
        {
            oldest.notify_one();
            self.closed.fetch_add(1, Relaxed);
        }
        let notice = Arc::new(Notify::new());
        there.push_back(Arc::clone(&notice));
        Place { newcomers: Arc::clone(self), notice }
    }

    /// How many were closed since the start.
    pub(super) fn closed(&self) -> u64 {
        self.closed.load(Relaxed)
    }

    fn there(&self) -> MutexGuard<'_, VecDeque<Arc<Notify>>> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notified when whoever has this place has to go.
    pub(super) fn notice(&self) -> Arc<Notify> {
        Arc::clone(&self.notice)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.newcomers.there().retain(|notice| !Arc::ptr_eq(notice, &self.notice));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn the_oldest_of_too_many_has_to_go_and_who_has_left_makes_room() {
        let newcomers = Arc::new(Newcomers::default());
        let mut places: Vec<_> = (0..MAX_NEWCOMERS).map(|_| newcomers.take()).collect();
        let has_to_go = |place: &Place| place.notice().notified().now_or_never().is_some();
        drop(places.remove(5));
        places.push(newcomers.take());
        assert!(!places.iter().any(has_to_go));
        let last = newcomers.take();
        assert!(has_to_go(&places[0]) && !has_to_go(&places[1]) && !has_to_go(&last));
        assert_eq!((newcomers.closed(), newcomers.there().len()), (1, MAX_NEWCOMERS));
    }
}
