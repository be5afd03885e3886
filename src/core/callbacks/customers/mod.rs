//! What is known of customers by their number: whether they are on the line, who talked with them last, and whether they may be called.

mod latest;
mod lines;

use crate::callbacks::restore::Served;
use crate::callbacks::{MAX_DO_NOT_CALL, MAX_DO_NOT_CALL_BYTES, MAX_OWNERS};
use crate::millis::Millis;
use crate::model::codes::RULE;
use crate::model::{AgentKey, CallKey, DoNotCall, E164, PbxId, Tag};
use crate::order::Gather as _;
use latest::Latest;
use lines::CallsInProgress;
use std::collections::{BTreeMap, VecDeque};

/// All customers of all PBXs.
#[derive(Debug)]
pub(crate) struct Customers {
    lines: CallsInProgress,
    owners: Latest<AgentKey>,
    served: Latest<Served>,
    /// The do-not-call list, also entries that have run out.
    do_not_call: BTreeMap<E164, DoNotCall>,
    do_not_call_bytes: usize,
    /// What calls said that means something for callbacks, the latest; `None`: known whenever it is said.
    said: VecDeque<(CallKey, String, Option<Millis>)>,
    /// What keeps customers from being called, as it was said in this run and not taken off, the latest: it may not be on the disk yet.
    suppressing: VecDeque<(E164, CallKey, Tag)>,
}

/// So many of them are known when they are said again.
const MAX_SAID: usize = 1_000;

/// The oldest gives way.
fn keep<T>(latest: &mut VecDeque<T>, new: T) {
    if latest.len() >= MAX_SAID {
        latest.pop_front();
    }
    latest.push_back(new);
}

/// What an entry of the do-not-call list takes beside its texts, bytes: number, moments, and its share of the tree.
const ENTRY: usize = 200;

fn size(entry: &DoNotCall) -> usize {
    ENTRY + entry.reason.len() + entry.by.len()
}

/// What was known of customers before this run.
pub(crate) struct Known {
    pub owners: Vec<(E164, AgentKey, Millis)>,
    pub served: Vec<(E164, Served)>,
    pub do_not_call: Vec<DoNotCall>,
    pub said: Vec<(CallKey, String, Option<Millis>)>,
}

impl Customers {
    pub(crate) fn new(known: Known) -> Self {
        let owners = known.owners.into_iter().map(|(number, agent, at)| (number, at, agent));
        let served = known.served.into_iter().map(|(number, served)| (number, served.ended_ms, served));
        let listed = known.do_not_call.into_iter().map(|entry| (entry.number_e164.clone(), entry));
        let do_not_call: BTreeMap<E164, DoNotCall> = listed.to_map();
        Self {
            lines: CallsInProgress::default(),
            owners: Latest::new(MAX_OWNERS, owners),
            served: Latest::new(MAX_OWNERS, served),
            do_not_call_bytes: do_not_call.values().map(size).sum(),
            do_not_call,
            said: known.said.into(),
            suppressing: VecDeque::new(),
        }
    }

    /// This is said of the call for the first time.
    pub(crate) fn first_said(&mut self, call: &CallKey, tag: &Tag) -> bool {
        // What a rule says has the time of the row, which may be another one when it comes again.
        let at = (tag.by != RULE).then_some(tag.at_ms);
        let known = |(key, code, known): &(CallKey, String, Option<Millis>)| {
            key == call && *code == tag.code && (known.is_none() || *known == at)
        };
        if self.said.iter().any(known) {
            return false;
        }
        keep(&mut self.said, (call.clone(), tag.code.clone(), at));
        true
    }

    /// A person says this of the call, whatever was said of it before.
    pub(crate) fn said_by_a_person(&mut self, call: &CallKey, tag: &Tag) {
        self.said.retain(|(key, code, _)| key != call || *code != tag.code);
        keep(&mut self.said, (call.clone(), tag.code.clone(), Some(tag.at_ms)));
    }

    /// A person has taken this code off the call: it does not come back when its row does.
    pub(crate) fn taken_off(&mut self, call: &CallKey, code: &str) {
        self.said.retain(|(key, known, _)| key != call || known != code);
        keep(&mut self.said, (call.clone(), code.to_owned(), None));
        self.suppressing.retain(|(_, key, tag)| key != call || tag.code != code);
    }

    /// This code of the call keeps the customer from being called.
    pub(crate) fn suppressed_by(&mut self, number: &E164, call: &CallKey, tag: &Tag) {
        self.suppressing.retain(|(_, key, known)| key != call || known.code != tag.code);
        keep(&mut self.suppressing, (number.clone(), call.clone(), tag.clone()));
    }

    /// What was said in this run that keeps the customer from being called.
    pub(crate) fn suppressing(&self, number: &E164) -> impl Iterator<Item = &Tag> {
        self.suppressing.iter().filter(move |(of, ..)| of == number).map(|(_, _, tag)| tag)
    }

    /// The customer is on the line, on whichever PBX.
    pub(crate) fn on_line(&self, number: &str) -> bool {
        self.lines.on_line(number)
    }

    /// The customer has this call too.
    pub(crate) fn call_begins(&mut self, number: &E164, call: &CallKey) {
        self.lines.begin(number, call);
    }

    /// The customer has this call no more. Returns whether it was the last one.
    pub(crate) fn call_ends(&mut self, number: &E164, call: &CallKey) -> bool {
        self.lines.end(number, call)
    }

    /// This agent talked with the customer until then. Returns whether another customer was forgotten for it.
    pub(crate) fn talked(&mut self, number: &E164, ended_ms: Millis, agent: AgentKey) -> bool {
        self.owners.learn(number, ended_ms, agent)
    }

    /// The agent of this PBX who last talked with the customer: the one of another PBX who has the same interface is somebody else.
    pub(crate) fn owner_on(&self, pbx: &PbxId, number: &E164) -> Option<String> {
        let owner = self.owners.get(number)?;
        (owner.pbx == *pbx).then(|| owner.interface.to_string())
    }

    /// The customer was served by this call. Returns whether another customer was forgotten for it.
    pub(crate) fn served(&mut self, number: &E164, by: Served) -> bool {
        self.served.learn(number, by.ended_ms, by)
    }

    /// The call by which the customer was served who was missed at this moment.
    pub(crate) fn served_after(&self, number: &E164, missed_ms: Millis) -> Option<&Served> {
        self.served.get(number).filter(|served| served.recovers(missed_ms))
    }

    /// There is room on the do-not-call list for this one, or it stands there.
    pub(crate) fn may_add_to_dnc(&self, number: &E164, reason: &str) -> bool {
        self.do_not_call.contains_key(number)
            || self.do_not_call.len() < MAX_DO_NOT_CALL
                && self.do_not_call_bytes + ENTRY + reason.len() <= MAX_DO_NOT_CALL_BYTES
    }

    /// Puts a customer on the do-not-call list.
    pub(crate) fn add_to_dnc(&mut self, entry: DoNotCall) {
        self.do_not_call_bytes += size(&entry);
        if let Some(before) = self.do_not_call.insert(entry.number_e164.clone(), entry) {
            self.do_not_call_bytes -= size(&before);
        }
    }

    /// What stands on the do-not-call list of this customer, whether its time is over or not.
    pub(crate) fn listed(&self, number: &E164) -> Option<&DoNotCall> {
        self.do_not_call.get(number)
    }

    /// Takes a customer off the do-not-call list. Returns whether the number was on it.
    pub(crate) fn remove_from_dnc(&mut self, number: &E164) -> bool {
        let before = self.do_not_call.remove(number);
        self.do_not_call_bytes -= before.as_ref().map_or(0, size);
        before.is_some()
    }

    /// The customer is not to be called at this moment.
    pub(crate) fn do_not_call_entry(&self, number: &E164, now_ms: Millis) -> Option<&DoNotCall> {
        self.do_not_call.get(number).filter(|entry| entry.until_ms.is_none_or(|until| until > now_ms))
    }

    /// The entry of the do-not-call list that a disposition makes which holds for so long (ms; `None` for ever), if it makes one that is
    /// neither over nor known already.
    pub(crate) fn do_not_call_by_code(
        &self,
        number: &E164,
        tag: &Tag,
        for_ms: Option<Millis>,
        now_ms: Millis,
    ) -> Option<DoNotCall> {
        let until_ms = for_ms.map(|ms| tag.at_ms.saturating_add(ms));
        let past = until_ms.is_some_and(|until| until <= now_ms);
        // Who was put there by hand stays there by hand.
        let known = self.do_not_call.get(number).is_some_and(|entry| outlasts(entry.until_ms, until_ms));
        let by_hand = || self.do_not_call.get(number).and_then(|entry| entry.by_hand(now_ms));
        let code = Some(tag.code.clone());
        (!past && !known).then(|| match by_hand() {
            Some(hand) => DoNotCall { until_ms, code, by_hand_until_ms: hand.until_ms, ..hand },
            None => DoNotCall {
                number_e164: number.clone(),
                reason: tag.code.clone(),
                by: tag.by.clone(),
                added_ms: tag.at_ms,
                until_ms,
                code,
                by_hand_until_ms: None,
            },
        })
    }

    /// What a person or a program puts on the list: with the code that keeps the number there for longer.
    pub(crate) fn with_its_code(&self, by_hand: DoNotCall, now_ms: Millis) -> DoNotCall {
        match self.do_not_call_entry(&by_hand.number_e164, now_ms) {
            Some(DoNotCall { code: Some(code), until_ms, .. })
                if by_hand.until_ms.is_some() && outlasts(*until_ms, by_hand.until_ms) =>
            {
                let (code, by_hand_until_ms) = (Some(code.clone()), by_hand.until_ms);
                DoNotCall { until_ms: *until_ms, code, by_hand_until_ms, ..by_hand }
            }
            _ => by_hand,
        }
    }
}

/// An entry until then (`None` for ever) holds as long as one until that.
const fn outlasts(until_ms: Option<Millis>, other_ms: Option<Millis>) -> bool {
    match (until_ms, other_ms) {
        (None, _) => true,
        (Some(until), Some(other)) => until >= other,
        (Some(_), None) => false,
    }
}
