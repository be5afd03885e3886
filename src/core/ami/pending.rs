//! Actions that wait for their answer, each with its time-out.

use crate::ami::action::ActionId;
use crate::ami::budget::Budget;
use crate::ami::frame::Frame;
use crate::ami::session::Session;

/// Most actions that may wait for an answer at once.
pub const MAX_PENDING: usize = 64;
/// Most items that one answer's list may hold; the rest is dropped and marked.
pub const MAX_LIST_ITEMS: usize = 20_000;
/// Most bytes that the lists of all answers under way may hold together; items beyond it are dropped and marked like those. A whole dialplan of
/// FreePBX has some five MiB.
pub const MAX_LIST_BYTES: usize = Budget::WHOLE.list_bytes;

/// What an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Challenge,
    Login,
    /// The queues, or after them the channels, of the snapshot.
    Queues,
    Channels,
    /// Whatever the session's user asked.
    Request,
    Logoff,
}

/// One action under way.
#[derive(Debug)]
pub(crate) struct Pending {
    pub id: ActionId,
    pub action: &'static str,
    pub purpose: Purpose,
    /// When it was sent, in the session's milliseconds.
    pub since_ms: u64,
    /// When it counts as unanswered, in the session's milliseconds.
    pub deadline_ms: u64,
    /// The response that announced a list, whose items follow.
    pub list: Option<List>,
}

/// A list that is coming in.
#[derive(Debug)]
pub(crate) struct List {
    pub response: Frame,
    pub items: Vec<Frame>,
    pub cut: bool,
    /// What its items weigh.
    pub bytes: usize,
}

impl List {
    /// What an event says about the list that it belongs to: whether it is the last one, and if so, whether the list is
    /// whole (`Complete`) or was given up (`Cancelled`).
    pub(crate) fn end(event: &Frame) -> Option<bool> {
        let mark = event.get("EventList").filter(|mark| !mark.eq_ignore_ascii_case(b"start"))?;
        Some(mark.eq_ignore_ascii_case(b"Complete"))
    }

    /// Takes an item if there is room for it. `room`: there is, as far as all lists together go.
    pub(crate) fn push(&mut self, item: &Frame, room: bool) {
        if self.items.len() < MAX_LIST_ITEMS && room {
            self.items.push(item.detached());
            self.bytes += ITEM + item.bytes().len();
        } else {
            self.cut = true;
        }
    }
}

/// What an item of a list weighs beside its bytes.
const ITEM: usize = 64;

/// All actions under way.
#[derive(Debug)]
pub(crate) struct PendingActions {
    all: Vec<Pending>,
    /// See [`MAX_LIST_BYTES`].
    list_bytes: usize,
}

impl Default for PendingActions {
    fn default() -> Self {
        Self { all: Vec::new(), list_bytes: MAX_LIST_BYTES }
    }
}

impl Session {
    /// What its lists hold together stays within this share; without it, they have the whole.
    #[must_use]
    pub fn with_share(mut self, share: Budget) -> Self {
        self.pending.list_bytes = share.list_bytes;
        self
    }
}

impl PendingActions {
    pub(crate) fn is_full(&self) -> bool {
        self.all.len() >= MAX_PENDING
    }

    pub(crate) fn push(&mut self, pending: Pending) {
        self.all.push(pending);
    }

    pub(crate) fn has(&self, purpose: Purpose) -> bool {
        self.all.iter().any(|pending| pending.purpose == purpose)
    }

    /// The lists that are coming in have room for an item of this length.
    pub(crate) fn has_room(&self, length: usize) -> bool {
        let lists = self.all.iter().filter_map(|pending| pending.list.as_ref());
        lists.map(|list| list.bytes).sum::<usize>() + ITEM + length <= self.list_bytes
    }

    pub(crate) fn find(&self, frame: &Frame) -> Option<usize> {
        if self.all.is_empty() {
            return None;
        }
        let id = frame.get("ActionID")?;
        self.all.iter().position(|pending| pending.id.as_str().as_bytes() == id)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Pending {
        &mut self.all[at]
    }

    pub(crate) fn take(&mut self, at: usize) -> Pending {
        self.all.remove(at)
    }

    pub(crate) fn take_purpose(&mut self, purpose: Purpose) {
        self.all.retain(|pending| pending.purpose != purpose);
    }

    pub(crate) fn take_expired(&mut self, now_ms: u64) -> Option<Pending> {
        let at = self.all.iter().position(|pending| pending.deadline_ms <= now_ms)?;
        Some(self.all.remove(at))
    }

    /// All get so much more time, ms.
    pub(crate) fn delay(&mut self, ms: u64) {
        for pending in &mut self.all {
            pending.since_ms += ms;
            pending.deadline_ms += ms;
        }
    }

    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.all.iter().map(|pending| pending.deadline_ms).min()
    }
}
