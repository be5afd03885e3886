//! Actions among the bytes that wait to be sent which may not leave too late: a customer who was claimed is nobody's own any more by then.

use callbackd_core::ami::ActionId;
use std::collections::VecDeque;
use std::ops::Range;

/// One of them.
struct Late {
    id: ActionId,
    /// It leaves then at the latest, by the clock that counts since the machine was started, ms.
    by: u64,
    /// Its place among all bytes that were ever to be sent.
    bytes: Range<usize>,
}

/// All of them, in the order in which they are sent.
#[derive(Default)]
pub(super) struct Leaving {
    actions: VecDeque<Late>,
    /// So many bytes were ever to be sent.
    queued: usize,
}

impl Leaving {
    /// So many bytes are to be sent, too.
    pub(super) fn queued(&mut self, bytes: usize) {
        self.queued += bytes;
    }

    /// The last so many of them are this action.
    pub(super) fn add(&mut self, id: ActionId, by: u64, length: usize) {
        self.actions.push_back(Late { id, by, bytes: self.queued - length..self.queued });
    }

    /// When the first of them may not leave any more.
    pub(super) fn by(&self) -> Option<u64> {
        self.actions.iter().map(|action| action.by).min()
    }

    /// All bytes but so many have left.
    pub(super) fn left(&mut self, waiting: usize) {
        let gone = self.queued - waiting;
        self.actions.retain(|action| action.bytes.end > gone);
    }

    /// The next one that has come too late, where so many bytes wait, and its place among these; `None` if a part of it has left. It is forgotten.
    pub(super) fn lapsed(&mut self, now: u64, waiting: usize) -> Option<(ActionId, Option<Range<usize>>)> {
        let at = self.actions.iter().position(|action| action.by < now)?;
        let Late { id, bytes, .. } = self.actions.remove(at)?;
        let gone = self.queued - waiting;
        if bytes.start < gone {
            return Some((id, None));
        }
        let length = bytes.len();
        for later in self.actions.iter_mut().skip(at) {
            later.bytes = later.bytes.start - length..later.bytes.end - length;
        }
        self.queued -= length;
        Some((id, Some(bytes.start - gone..bytes.end - gone)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> ActionId {
        ActionId::new(1, n)
    }

    #[test]
    fn what_has_come_too_late_is_taken_out_of_what_waits_and_the_rest_stays_whole() {
        let mut leaving = Leaving::default();
        leaving.queued(10);
        leaving.queued(5);
        leaving.add(id(1), 100, 5);
        leaving.queued(7);
        leaving.add(id(2), 200, 7);
        leaving.left(20);
        assert_eq!((leaving.by(), leaving.lapsed(100, 20)), (Some(100), None));
        assert_eq!(leaving.lapsed(101, 20), Some((id(1), Some(8..13))));
        assert_eq!(leaving.lapsed(201, 15), Some((id(2), Some(8..15))));
        assert_eq!((leaving.by(), leaving.lapsed(999, 8)), (None, None));
    }

    #[test]
    fn what_has_left_is_not_taken_back_and_what_has_half_left_cannot_be() {
        let mut leaving = Leaving::default();
        leaving.queued(5);
        leaving.add(id(1), 100, 5);
        leaving.queued(5);
        leaving.add(id(2), 100, 5);
        leaving.left(3);
        assert_eq!(leaving.lapsed(101, 3), Some((id(2), None)));
        assert_eq!(leaving.lapsed(101, 3), None);
    }
}
