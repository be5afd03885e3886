//! Long files in little memory: records are taken in the order in which Asterisk wrote them, and calls given out once no more of them can come.

use crate::ami::budget::RECORD_BYTES;
use crate::millis::Millis;
use crate::order::InOrder as _;
use crate::reconcile::account::{Account, gathered};
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::queue_log::QueueEvent;

/// CDR of one call are written within this time (ms) of each other: a phone that left it early first, its caller last.
pub const LONGEST_CALL_MS: Millis = 4 * 3_600_000;

/// Records that are held at once may weigh this much, bytes: usual ones of some 20,000 channels. Beyond it the calls that ended first are
/// given out before [`LONGEST_CALL_MS`] is over; of those whose first channel has not been written yet, the oldest are given up.
pub(crate) const MOST_BYTES: usize = RECORD_BYTES;

/// What a record weighs beside its texts, bytes: the allocator's part of each text.
const TEXTS: usize = 128;

/// Records that may not be whole calls yet.
#[derive(Debug, Default)]
pub struct Gatherer {
    cdrs: Vec<CdrLine>,
    events: Vec<QueueEvent>,
    newest_ms: Millis,
    /// What they weigh, and what they weighed when calls were last given out.
    bytes: usize,
    bytes_then: usize,
    given_up: u64,
}

impl Gatherer {
    /// Takes further records, and gives out calls that are whole by now, in the order in which they ended. Those records that are gathered anew
    /// each time are no more than the new ones are: calls that are whole may come out some portions later.
    pub fn take(&mut self, cdrs: Vec<CdrLine>, events: Vec<QueueEvent>) -> Vec<Account> {
        self.newest_ms = cdrs.iter().map(|cdr| cdr.end_ms).fold(self.newest_ms, Millis::max);
        self.bytes += weight(&cdrs, &events);
        self.cdrs.extend(cdrs);
        self.events.extend(events);
        if self.bytes < MOST_BYTES && self.bytes - self.bytes_then < self.bytes_then {
            return Vec::new();
        }
        self.give(self.newest_ms - LONGEST_CALL_MS)
    }

    /// No more will come.
    pub fn finish(&mut self) -> Vec<Account> {
        self.give(Millis::MAX)
    }

    /// Calls whose records were given up for want of room.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// What ended before that is whole.
    fn give(&mut self, before_ms: Millis) -> Vec<Account> {
        let (found, mut loose) = gathered(std::mem::take(&mut self.cdrs), std::mem::take(&mut self.events));
        // Of calls that go on there are no CDR yet: their events wait.
        loose.retain(|e| e.at_ms >= before_ms);
        let (mut whole, mut rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|a| a.ended_ms() < before_ms);
        let of = |account: &Account| weight(&account.cdrs, &account.events);
        self.bytes = rest.iter().map(of).sum::<usize>() + weight(&[], &loose);
        if self.bytes >= MOST_BYTES {
            rest.sort_by_cached_key(Account::ended_ms);
            for only_whole in [true, false] {
                let mut kept = Vec::new();
                for account in std::mem::take(&mut rest) {
                    if self.bytes < MOST_BYTES / 2 || only_whole && !account.is_whole() {
                        kept.push(account);
                        continue;
                    }
                    self.bytes -= of(&account);
                    if only_whole {
                        whole.push(account);
                    } else {
                        self.given_up += 1;
                    }
                }
                rest = kept;
            }
            loose.order_by_key(|e| e.at_ms);
            let too_many = loose.iter().take_while(|event| {
                let beyond = self.bytes >= MOST_BYTES / 2;
                self.bytes -= if beyond { event_weight(event) } else { 0 };
                beyond
            });
            let too_many = too_many.count();
            loose.drain(..too_many);
        }
        for account in rest {
            self.events.extend(account.events);
            self.cdrs.extend(account.cdrs);
        }
        self.events.extend(loose);
        self.events.order_by_key(|e| e.at_ms);
        self.bytes_then = self.bytes;
        whole.iter_mut().for_each(Account::settle);
        whole.sort_by_cached_key(Account::ended_ms);
        whole
    }
}

fn weight(cdrs: &[CdrLine], events: &[QueueEvent]) -> usize {
    let cdrs: usize = cdrs.iter().map(cdr_weight).sum();
    cdrs + events.iter().map(event_weight).sum::<usize>()
}

fn cdr_weight(cdr: &CdrLine) -> usize {
    let texts = [
        &cdr.src,
        &cdr.dst,
        &cdr.dcontext,
        &cdr.clid,
        &cdr.channel,
        &cdr.dstchannel,
        &cdr.lastapp,
        &cdr.lastdata,
        &cdr.disposition,
    ];
    let ids = [&cdr.uniqueid, &cdr.linkedid].into_iter().flatten();
    size_of::<CdrLine>() + TEXTS + texts.into_iter().chain(ids).map(String::len).sum::<usize>()
}

fn event_weight(event: &QueueEvent) -> usize {
    let texts = event.callid.len() + event.queue.len() + event.agent.len();
    let data = event.data.iter().map(|text| size_of::<String>() + text.len());
    let behind =
        event.behind.iter().map(|of| size_of_val(of) + of.callid.len() + of.number.as_ref().map_or(0, String::len));
    size_of::<QueueEvent>() + TEXTS + texts + data.sum::<usize>() + behind.sum::<usize>()
}
