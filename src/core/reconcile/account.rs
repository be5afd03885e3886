//! What CDR and queue_log together say about one call: its records, gathered by the ids and channels that they share.

use crate::millis::Millis;
use crate::model::channel_name;
use crate::order::{Gather as _, InOrder as _};
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::doubt;
use crate::reconcile::leg::{is_agent_login, is_agent_request};
use crate::reconcile::queue_log::QueueEvent;
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
    /// Some record beside it names whom a channel dialled: without `ignoredialchanges` in cdr.conf each of an answered call does.
    pub names_dialled: bool,
    /// Others were in the customer's conference at the same time, and no record joins them with the customer.
    pub in_doubt: bool,
    /// What queues wrote about its channels, or another caller's number did: nothing tells which.
    pub doubtful: Vec<QueueEvent>,
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

    /// Its last channel ended. Between two rounds of a queue nobody rings, and only queue_log has that time.
    #[must_use]
    pub fn ended_ms(&self) -> Millis {
        let last = self.cdrs.iter().map(|cdr| cdr.end_ms).max().unwrap_or(0);
        let sure = self.events.iter().filter(|event| event.behind.is_empty());
        sure.map(|event| event.at_ms).fold(last, Millis::max)
    }
}

/// Gathers records into calls, in the order in which they began. Queue events without a CDR are no call: it goes on, or its CDR are still to come.
#[must_use]
pub fn accounts(cdrs: Vec<CdrLine>, events: Vec<QueueEvent>) -> Vec<Account> {
    let mut accounts = gathered(cdrs, events).0;
    accounts.iter_mut().for_each(Account::settle);
    accounts
}

/// The calls, and the events that are of none.
pub(super) fn gathered(mut cdrs: Vec<CdrLine>, mut events: Vec<QueueEvent>) -> (Vec<Account>, Vec<QueueEvent>) {
    doubt::clear(&mut events, &cdrs);
    // An agent who stays on the line was there before the call. Of those that began in one second, the one that gave the call its linkedid goes
    // first.
    cdrs.order_by_key(|cdr| {
        (is_taking(cdr), cdr.start_ms, cdr.linkedid.is_some() && cdr.linkedid != cdr.uniqueid, cdr.sequence)
    });
    let requests: BTreeSet<String> =
        cdrs.iter().filter(|cdr| is_agent_request(&cdr.lastapp)).map(|cdr| cdr.channel.clone()).collect();
    let names_dialled = cdrs.iter().any(|cdr| !cdr.dstchannel.is_empty());
    let mut groups = Groups::new(cdrs.len());
    let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_channel: BTreeMap<&str, Spans<'_>> = BTreeMap::new();
    for (n, cdr) in cdrs.iter().enumerate() {
        if is_taking(cdr) {
            continue;
        }
        for id in ids_of(cdr, &requests) {
            groups.join(*by_id.entry(id).or_insert(n), n);
        }
        by_channel.entry(&cdr.channel).or_default().add(cdr, n, &mut groups);
    }
    // Calls that share a channel are one: a conference, a parked call that was taken. Names come again after a restart of Asterisk, so only
    // what overlaps in time is joined.
    for (n, cdr) in cdrs.iter().enumerate() {
        if is_taking(cdr) {
            match by_channel.get_mut(&*cdr.dstchannel).filter(|spans| spans.are_met(cdr)) {
                Some(spans) => spans.meet(cdr, n, &mut groups),
                None => own_ids(cdr).for_each(|id| groups.join(*by_id.entry(id).or_insert(n), n)),
            }
            continue;
        }
        let halves = [&cdr.dstchannel, &cdr.channel].map(|name| channel_name::other_half(name).unwrap_or_default());
        for name in [&cdr.dstchannel, &halves[0], &halves[1]] {
            if let Some(spans) = by_channel.get_mut(&**name) {
                spans.meet(cdr, n, &mut groups);
            }
        }
    }
    let roots: Vec<usize> = (0..cdrs.len()).map(|n| groups.root(n)).collect();
    let root_of: BTreeMap<String, usize> = by_id.into_iter().map(|(id, n)| (id.to_owned(), roots[n])).to_map();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    for root in &roots {
        *sizes.entry(*root).or_default() += 1;
    }
    let with_room = |(root, size)| (root, Account { cdrs: Vec::with_capacity(size), ..Account::default() });
    let mut found: BTreeMap<usize, Account> = sizes.into_iter().map(with_room).to_map();
    for (cdr, root) in cdrs.into_iter().zip(&roots) {
        let account = found.entry(*root).or_default();
        match account.cdrs.first() {
            Some(first) if is_taking(&cdr) && !is_taking(first) => {}
            _ if is_taking(&cdr) => account.ids.extend(own_ids(&cdr).map(str::to_owned)),
            _ => account.ids.extend(ids_of(&cdr, &requests).map(str::to_owned)),
        }
        account.cdrs.push(cdr);
        account.names_dialled = names_dialled;
    }
    let mut loose = Vec::new();
    for event in events {
        match root_of.get(&event.callid).and_then(|root| found.get_mut(root)) {
            Some(account) => account.events.push(event),
            None => loose.push(event),
        }
    }
    let mut found: Vec<Account> = found.into_values().collect();
    found.sort_by_cached_key(Account::started_ms);
    (found, loose)
}

/// What an agent who stays on the line did for one call: it belongs to that call, and neither to the agent's login nor to the next call.
fn is_taking(cdr: &CdrLine) -> bool {
    is_agent_login(&cdr.lastapp) && !cdr.dstchannel.is_empty()
}

fn own_ids(cdr: &CdrLine) -> impl Iterator<Item = &str> {
    [&cdr.uniqueid, &cdr.linkedid].into_iter().flatten().map(String::as_str)
}

/// The ids by which records belong together. What asked for an agent who stays on the line has the linkedid of the agent's login, on each call.
fn ids_of<'c>(cdr: &'c CdrLine, requests: &BTreeSet<String>) -> impl Iterator<Item = &'c str> {
    let of_call = cdr.linkedid.as_deref().filter(|_| !requests.contains(&cdr.channel));
    [cdr.uniqueid.as_deref(), of_call].into_iter().flatten()
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
struct Spans<'c> {
    /// From, to, and a record of it; they do not overlap.
    spans: Vec<(Millis, Millis, usize)>,
    /// The span up to which those from this one on are known to belong together, or one nearer to it.
    last: Vec<usize>,
    /// The channel of the last span.
    uniqueid: Option<&'c str>,
    /// The name of a line, not of a channel: the next call bears it too, perhaps in the same second.
    again: bool,
}

impl<'c> Spans<'c> {
    /// A record of the channel itself. They come in the order in which they began.
    fn add(&mut self, cdr: &'c CdrLine, n: usize, groups: &mut Groups) {
        self.again = cdr.channel.starts_with("DAHDI/");
        let another = self.again && cdr.uniqueid.as_deref() != self.uniqueid;
        self.uniqueid = cdr.uniqueid.as_deref();
        match self.spans.last_mut() {
            Some((_, to, other)) if cdr.start_ms < *to || cdr.start_ms == *to && !another => {
                *to = cdr.end_ms.max(*to);
                groups.join(*other, n);
            }
            _ => {
                self.last.push(self.spans.len());
                self.spans.push((cdr.start_ms, cdr.end_ms, n));
            }
        }
    }

    /// The first span that was not over when this record began.
    fn first(&self, cdr: &CdrLine) -> usize {
        let over = |to: Millis| to < cdr.start_ms || self.again && to == cdr.start_ms;
        self.spans.partition_point(|(_, to, _)| over(*to))
    }

    /// The span had begun before this record was over.
    fn begun(&self, at: usize, cdr: &CdrLine) -> Option<usize> {
        let (from, _, other) = self.spans.get(at)?;
        (*from < cdr.end_ms || !self.again && *from == cdr.end_ms).then_some(*other)
    }

    fn are_met(&self, cdr: &CdrLine) -> bool {
        self.begun(self.first(cdr), cdr).is_some()
    }

    /// A record that names the channel belongs to whatever of it was at the same time.
    fn meet(&mut self, cdr: &CdrLine, n: usize, groups: &mut Groups) {
        let mut at = self.first(cdr);
        while let Some(other) = self.begun(at, cdr) {
            groups.join(n, other);
            let last = self.last_from(at);
            at = last + 1;
            if self.begun(at, cdr).is_some() {
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
