//! Lines of queue_log that stand where another caller's number may have written them, and what bears them out.

use crate::order::Gather as _;
use crate::order::InOrder as _;
use crate::reconcile::account::Account;
use crate::reconcile::cdr::CdrLine;
use crate::reconcile::queue_log::{Kind, QueueEvent};
use std::collections::{BTreeMap, BTreeSet};

/// A caller in whose number a line may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Uniqueid of the caller's channel.
    pub callid: String,
    /// The number as the caller's `ENTERQUEUE` has it; `None` where a line break in it is plain to see.
    pub number: Option<String>,
    /// The line is further behind than a number of any channel driver but chan_sip reaches.
    pub far: bool,
}

impl Suspect {
    /// These are the numbers that the caller's CDR have: where one is what `ENTERQUEUE` has, no line break was in it. Where another goes on behind it,
    /// that is only its front.
    fn is_cleared_by(&self, numbers: &[&str]) -> bool {
        let Some(own) = &self.number else { return false };
        numbers.contains(&&**own) && !numbers.iter().any(|n| n.len() > own.len() && n.starts_with(&**own))
    }
}

/// Takes the doubt from what stands behind callers whose CDR show that their numbers wrote nothing: far behind, from all but those of chan_sip.
pub(super) fn clear(events: &mut [QueueEvent], cdrs: &[CdrLine]) {
    let sip: BTreeSet<&str> =
        cdrs.iter().filter(|cdr| cdr.channel.starts_with("SIP/")).filter_map(CdrLine::id).collect();
    for event in &mut *events {
        event.behind.retain(|suspect| !suspect.far || sip.contains(&*suspect.callid));
    }
    let wanted: BTreeSet<String> = events.iter().flat_map(|e| &e.behind).map(|s| s.callid.clone()).to_set();
    if wanted.is_empty() {
        return;
    }
    let mut numbers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for cdr in cdrs {
        if let Some(id) = cdr.id().filter(|id| wanted.contains(*id)) {
            numbers.entry(id).or_default().push(&cdr.src);
        }
    }
    for event in events {
        event.behind.retain(|suspect| !numbers.get(&*suspect.callid).is_some_and(|n| suspect.is_cleared_by(n)));
    }
}

impl Account {
    /// Decides on the events that are in doubt. Asterisk writes how each wait began and ended: where that is known without them, they are another's
    /// forgery; where it is known only with them, they are Asterisk's. Else they are put aside.
    pub(super) fn settle(&mut self) {
        let doubted: BTreeSet<String> =
            self.events.iter().filter(|e| !e.behind.is_empty()).map(|e| e.callid.clone()).collect();
        let (mut forged, mut genuine) = (BTreeSet::new(), BTreeSet::new());
        for id in doubted {
            let of_it = || self.events.iter().filter(|e| e.callid == id);
            let mut sure = of_it().filter(|e| e.behind.is_empty()).peekable();
            if sure.peek().is_none() {
                continue;
            }
            if is_complete(sure) {
                forged.insert(id);
            } else if is_complete(of_it()) {
                genuine.insert(id);
            }
        }
        for mut event in std::mem::take(&mut self.events) {
            if event.behind.is_empty() || genuine.contains(&event.callid) {
                event.behind.clear();
                self.events.push(event);
            } else if !forged.contains(&event.callid) {
                self.doubtful.push(event);
            }
        }
    }

    /// The same call, with what was put aside.
    pub(super) fn with_doubtful(&self) -> Self {
        let mut all = self.clone();
        all.events.append(&mut all.doubtful);
        all.events.order_by_key(|e| e.at_ms);
        all
    }
}

/// Each wait of one channel has its beginning and its end, and each talk with an agent too, and there is one.
fn is_complete<'e>(events: impl Iterator<Item = &'e QueueEvent>) -> bool {
    #[derive(PartialEq)]
    enum At {
        Out,
        Waiting,
        Talking,
    }
    let (mut at, mut entered) = (At::Out, false);
    for event in events {
        entered |= event.kind == Kind::Enter;
        at = match (event.kind, at) {
            (Kind::RingNoAnswer | Kind::RingCanceled, at) => at,
            (Kind::Enter, At::Out) => At::Waiting,
            (Kind::Connect, At::Waiting) => At::Talking,
            (Kind::Left(_), At::Waiting) | (Kind::Complete { .. } | Kind::Transfer, At::Talking) => At::Out,
            _ => return false,
        };
    }
    entered && at == At::Out
}
