//! When the next round of dispatch is due, and how many callbacks it looks at.

/// Up to so many callbacks are all looked at whenever anything changes.
const FEW: usize = 200;
/// With more, those that cannot have their turn at once are recorded with why they wait this often (ms).
const LOOK_AT_ALL_EVERY_MS: u64 = 1_000;

/// All moments are of the monotonic clock.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// Something has changed that may let a callback have its turn.
    due: bool,
    /// The next moment at which an agent has cooled down.
    cooled_down: Option<u64>,
    /// When all callbacks were looked at, and when they are to be looked at again.
    looked_at_all: u64,
    look_at_all: Option<u64>,
}

impl Rounds {
    /// The first is due at once.
    pub(crate) const fn new() -> Self {
        Self { due: true, cooled_down: None, looked_at_all: 0, look_at_all: None }
    }

    /// Something has changed: the next decision makes a round.
    pub(crate) const fn set_due(&mut self) {
        self.due = true;
    }

    /// Whether a round is due; it is none any more then.
    pub(crate) fn take_due(&mut self, now_mono_ms: u64) -> bool {
        let past = |at: Option<u64>| at.is_some_and(|at| at <= now_mono_ms);
        std::mem::take(&mut self.due) || past(self.cooled_down) || past(self.look_at_all)
    }

    /// Nothing is ready: no callback needs to be looked at.
    pub(crate) const fn nothing_ready(&mut self) {
        self.look_at_all = None;
    }

    /// A round begins. Returns how many of those that are ready it looks at.
    pub(crate) const fn begin(&mut self, ready: usize, now_mono_ms: u64) -> usize {
        let all = ready <= FEW || self.looked_at_all + LOOK_AT_ALL_EVERY_MS <= now_mono_ms;
        if all {
            self.looked_at_all = now_mono_ms;
            self.look_at_all = None;
            return ready;
        }
        self.look_at_all = Some(self.looked_at_all + LOOK_AT_ALL_EVERY_MS);
        FEW
    }

    /// The next agent has cooled down at this moment.
    pub(crate) const fn cools_down(&mut self, next: Option<u64>) {
        self.cooled_down = next;
    }

    /// When the next round is due without anything else happening.
    pub(crate) fn deadline(&self, any_ready: bool) -> Option<u64> {
        [self.cooled_down.filter(|_| any_ready), self.look_at_all].into_iter().flatten().min()
    }
}
