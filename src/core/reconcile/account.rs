//! What CDR and queue_log together say about one call: its records, gathered by the ids and channels that they share.

use crate::ami::event::Millis;
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::queue_log::QueueEvent;
use crate::tracker::topology::channel;
use std::collections::{BTreeMap, BTreeSet};

/// The records of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its CDR, the earliest first.
    pub cdrs: Vec<CdrLine>,
    /// What queues wrote about its channels, in the order of the file.
    pub events: Vec<QueueEvent>,
    /// Its channels' uniqueids and linkedids.
    pub ids: BTreeSet<String>,
}

impl Account {
    /// The linkedid under which it began; without `newcdrcolumns` the uniqueid of its first channel, and without `loguniqueid` that channel with
    /// the second in which it began: the same file always gives the same id.
    #[must_use]
    pub fn id(&self) -> String {
        let Some(first) = self.first() else { return String::new() };
        let id = first.linkedid.as_ref().or(first.uniqueid.as_ref());
        id.cloned().unwrap_or_else(|| format!("{}@{}", first.channel, first.start_ms / 1_000))
    }

    /// The record with which it began.
    #[must_use]
    pub fn first(&self) -> Option<&CdrLine> {
        self.cdrs.first()
    }

    /// The channel that gave the call its linkedid has been written. While it is up there are already records of phones that left the call
    /// earlier. Without `newcdrcolumns` this cannot be known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let given = self.cdrs.iter().any(|cdr| cdr.linkedid.is_some());
        !given || self.cdrs.iter().any(|cdr| cdr.linkedid.is_some() && cdr.linkedid == cdr.uniqueid)
    }

    /// It began, ms since 1970 UTC.
    #[must_use]
    pub fn started_ms(&self) -> Millis {
        self.first().map_or(0, |cdr| cdr.start_ms)
    }

    /// Its last channel ended.
    #[must_use]
    pub fn ended_ms(&self) -> Millis {
        self.cdrs.iter().map(|cdr| cdr.end_ms).max().unwrap_or(0)
    }
}

/// Gathers records into calls, in the order in which they began. Queue events without a CDR are no call: it goes on, or its CDR are still to come.
#[must_use]
pub fn accounts(cdrs: Vec<CdrLine>, events: Vec<QueueEvent>) -> Vec<Account> {
    gathered(cdrs, events).0
}

/// The calls, and the events that are of none.
pub(super) fn gathered(mut cdrs: Vec<CdrLine>, events: Vec<QueueEvent>) -> (Vec<Account>, Vec<QueueEvent>) {
    // Of those that began in one second, the one that gave the call its linkedid goes first.
    cdrs.sort_by_key(|cdr| (cdr.start_ms, cdr.linkedid.is_some() && cdr.linkedid != cdr.uniqueid, cdr.sequence));
    let mut groups = Groups::new(cdrs.len());
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_channel: BTreeMap<&str, Spans> = BTreeMap::new();
    for (n, cdr) in cdrs.iter().enumerate() {
        for id in [&cdr.uniqueid, &cdr.linkedid].into_iter().flatten() {
            groups.join(*by_id.entry(id).or_insert(n), n);
        }
        by_channel.entry(&cdr.channel).or_default().add(cdr, n, &mut groups);
    }
    // Calls that share a channel are one: a conference, a parked call that was taken. Names come again after a restart of Asterisk, so only
    // what overlaps in time is joined.
    for (n, cdr) in cdrs.iter().enumerate() {
        let half = channel::other_half(&cdr.dstchannel);
        for name in [&*cdr.dstchannel, half.as_deref().unwrap_or_default()] {
            if let Some(spans) = by_channel.get_mut(name) {
                spans.meet(cdr, n, &mut groups);
            }
        }
    }
    let roots: Vec<usize> = (0..cdrs.len()).map(|n| groups.root(n)).collect();
    let root_of: BTreeMap<String, usize> = by_id.into_iter().map(|(id, n)| (id.to_owned(), roots[n])).collect();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for root in &roots {
        *sizes.entry(*root).or_default() += 1;
    }
    let with_room = |(root, size)| (root, Account { cdrs: Vec::with_capacity(size), ..Account::default() });
    let mut found: BTreeMap<usize, Account> = sizes.into_iter().map(with_room).collect();
    for (cdr, root) in cdrs.into_iter().zip(&roots) {
        let account = found.entry(*root).or_default();
        account.ids.extend([&cdr.uniqueid, &cdr.linkedid].into_iter().flatten().cloned());
        account.cdrs.push(cdr);
    }
    let mut loose = Vec::new();
    for event in events {
        match root_of.get(&event.callid).and_then(|root| found.get_mut(root)) {
            Some(account) => account.events.push(event),
            None => loose.push(event),
        }
    }
    (found.into_values().collect(), loose)
}

/// Which belong together: each leads to one that was earlier.
struct Groups(Vec<usize>);

impl Groups {
    fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    fn root(&mut self, mut n: usize) -> usize {
        while self.0[n] != n {
            self.0[n] = self.0[self.0[n]];
            n = self.0[n];
        }
        n
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// When a channel name was in use, as its records say: those that overlap are one span. However often it is met, each span is joined to the next
/// one once: a call may have thousands of records.
#[derive(Default)]
struct Spans {
    /// From, to, and a record of it; they do not overlap.
    spans: Vec<(Millis, Millis, usize)>,
    /// The span up to which those from this one on are known to belong together, or one nearer to it.
    last: Vec<usize>,
}

impl Spans {
    /// A record of the channel itself. They come in the order in which they began.
    fn add(&mut self, cdr: &CdrLine, n: usize, groups: &mut Groups) {
        match self.spans.last_mut() {
            Some((_, to, other)) if cdr.start_ms <= *to => {
                *to = cdr.end_ms.max(*to);
                groups.join(*other, n);
            }
            _ => {
                self.last.push(self.spans.len());
                self.spans.push((cdr.start_ms, cdr.end_ms, n));
            }
        }
    }

    /// A record that names the channel belongs to whatever of it was at the same time.
    fn meet(&mut self, cdr: &CdrLine, n: usize, groups: &mut Groups) {
        let mut at = self.spans.partition_point(|(_, to, _)| *to < cdr.start_ms);
        while let Some((from, _, other)) = self.spans.get(at)
            && *from <= cdr.end_ms
        {
            groups.join(n, *other);
            let last = self.last_from(at);
            at = last + 1;
            if self.spans.get(at).is_some_and(|(from, _, _)| *from <= cdr.end_ms) {
                self.last[last] = at;
            }
        }
    }

    fn last_from(&mut self, mut at: usize) -> usize {
        while self.last[at] != at {
            self.last[at] = self.last[self.last[at]];
            at = self.last[at];
        }
        at
    }
}
