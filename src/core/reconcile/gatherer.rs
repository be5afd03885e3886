//! Long files in little memory: records are taken in the order in which Asterisk wrote them, and calls given out once no more of them can come.

use crate::ami::event::Millis;
use crate::reconcile::account::{Account, accounts};
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::queue_log::QueueEvent;

/// CDR of one call are written within this time (ms) of each other: a phone that left it early first, its caller last.
pub const LONGEST_CALL_MS: Millis = 4 * 3_600_000;

/// Records that may not be whole calls yet.
#[derive(Debug, Default)]
pub struct Gatherer {
    cdrs: Vec<CdrLine>,
    events: Vec<QueueEvent>,
    newest_ms: Millis,
}

impl Gatherer {
    /// Takes further records, and gives out the calls that are whole by now, in the order in which they ended.
    pub fn take(&mut self, cdrs: Vec<CdrLine>, events: Vec<QueueEvent>) -> Vec<Account> {
        self.newest_ms = cdrs.iter().map(|cdr| cdr.end_ms).fold(self.newest_ms, Millis::max);
        self.cdrs.extend(cdrs);
        self.events.extend(events);
        self.give(self.newest_ms - LONGEST_CALL_MS)
    }

    /// No more will come.
    pub fn finish(mut self) -> Vec<Account> {
        self.give(Millis::MAX)
    }

    /// What ended before that is whole.
    fn give(&mut self, before_ms: Millis) -> Vec<Account> {
        let (mut whole, mut rest) = (Vec::new(), Vec::new());
        // Of calls that go on there are no CDR yet: their events wait.
        let events = std::mem::take(&mut self.events);
        let waiting: Vec<QueueEvent> = events.iter().filter(|e| e.at_ms >= before_ms).cloned().collect();
        for account in accounts(std::mem::take(&mut self.cdrs), events) {
            if account.ended_ms() < before_ms { whole.push(account) } else { rest.push(account) }
        }
        for account in rest {
            let earlier = account.events.into_iter().filter(|e| e.at_ms < before_ms);
            self.events.extend(earlier);
            self.cdrs.extend(account.cdrs);
        }
        self.events.extend(waiting);
        self.events.sort_by_key(|e| e.at_ms);
        whole.sort_by_cached_key(Account::ended_ms);
        whole
    }
}
