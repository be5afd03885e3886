//! What the codes of calls mean: whose number is not to be called, and who is to be called later.

use crate::callbacks::Scheduler;
use crate::callbacks::task::reason;
use crate::millis::Millis;
use crate::model::codes::{ASKED, CALLER, ClosedByList, Code, CodedCall, OnCallback, RULE, Said};
use crate::model::{CallKey, CallbackRow, CallbackState, E164, FinishedCall, PbxId, Record, Tag, TagChange};

/// What codes ask for during one attempt, at most: agents set a few, of calls that are few.
const MAX_THEN: usize = 16;

/// A callback that a code asks for.
#[derive(Debug, Clone)]
pub(crate) struct CodeRequest {
    pbx: PbxId,
    number: E164,
    name: Option<String>,
    queue: Option<String>,
    did: Option<String>,
    language: Option<String>,
    /// The call that has the code.
    call: CallKey,
    /// The call belongs to a callback: it stays with that one.
    of_callback: bool,
    ended_ms: Millis,
    tag: Tag,
    after_ms: Millis,
    expires_ms: Option<Millis>,
}

impl CodeRequest {
    /// The customer is not called before this moment, ms since 1970 UTC: an attempt has just failed.
    pub(crate) fn put_off_until(&mut self, at_ms: Millis) {
        self.after_ms = self.after_ms.max(at_ms.saturating_sub(self.tag.at_ms));
    }

    /// This code of this call asks for it.
    fn is_by(&self, call: &CallKey, code: &str) -> bool {
        self.call == *call && self.tag.code == code
    }
}

impl Scheduler {
    /// Dispositions that say that a customer is not to be called (any more).
    pub(crate) fn suppressed_by(&mut self, call: &FinishedCall) {
        let Some(number) = &call.number_e164 else { return };
        for tag in &call.tags {
            // A row that comes again says nothing new: a person may have taken the number off the list since.
            if self.suppressing(&tag.code).is_some() && self.customers.first_said(&call.key(), tag) {
                self.suppresses(number, tag);
            }
        }
    }

    fn suppresses(&mut self, number: &E164, tag: &Tag) {
        let Some(for_ms) = self.suppressing(&tag.code).map(|code| code.expires_ms) else { return };
        let Some(entry) = self.customers.do_not_call_by_code(number, tag, for_ms, self.now.wall_ms) else { return };
        if self.customers.may_add_to_dnc(number, &entry.reason) {
            self.add_to_dnc(entry, &tag.by);
        } else {
            self.counters.do_not_call_refused += 1;
        }
    }

    /// The first disposition of this call that asks for a callback. What its outcome and its caller say makes a miss of it, or does not.
    pub(crate) fn asks<'c>(&self, call: &'c FinishedCall) -> Option<&'c Tag> {
        call.tags.iter().find(|tag| self.asks_by(call, tag))
    }

    fn asks_by(&self, call: &FinishedCall, tag: &Tag) -> bool {
        let of_itself =
            tag.by == RULE && call.outcome.meaning().tag == Some(&tag.code) || tag.code == ASKED && tag.by == CALLER;
        !of_itself && self.requesting(&tag.code).is_some()
    }

    /// What codes have asked for in an earlier run while an attempt went on that is looked up now.
    pub(crate) fn resume_requests(&mut self, meanwhile: Vec<(FinishedCall, Tag)>) {
        for (call, tag) in meanwhile {
            if self.asks_by(&call, &tag) {
                self.requested(&(&call).into(), &tag);
            }
        }
    }

    fn requesting(&self, code: &str) -> Option<&Code> {
        self.meaning(code, OnCallback::Request)
    }

    fn suppressing(&self, code: &str) -> Option<&Code> {
        self.meaning(code, OnCallback::Suppress)
    }

    fn meaning(&self, code: &str, this: OnCallback) -> Option<&Code> {
        self.policies.codes.get(code).filter(|code| code.callback == this)
    }

    /// The callback that this disposition of the call asks for, if it can be made.
    fn request_of(&self, call: &CodedCall, tag: &Tag) -> Option<CodeRequest> {
        let code = self.requesting(&tag.code)?;
        let pbx = &call.call.pbx;
        let policy = self.policy(pbx);
        let by_did = || call.did.as_ref().and_then(|did| policy.dids.get(did)).cloned();
        let queue = call.queue.clone().or_else(by_did);
        let may = policy.enabled && policy.of(queue.as_deref()).enabled;
        Some(CodeRequest {
            pbx: pbx.clone(),
            number: call.number.clone().filter(|_| may)?,
            name: call.name.clone(),
            queue,
            did: call.did.clone(),
            language: call.language.clone(),
            call: call.call.clone(),
            of_callback: call.of_callback,
            ended_ms: call.ended_ms,
            tag: tag.clone(),
            after_ms: code.after_ms,
            expires_ms: code.expires_ms,
        })
    }

    /// A disposition asks for a callback. While an attempt at the customer's open callback goes on it is made after that one's end.
    pub(crate) fn requested(&mut self, call: &CodedCall, tag: &Tag) {
        let Some(request) = self.request_of(call, tag) else { return };
        match self.tasks.open_for(&request.number) {
            Some(id) if self.tasks[id].row().state.is_active() => {
                if let Some(task) = self.tasks.get_mut(id) {
                    task.then.retain(|then| !then.is_by(&request.call, &request.tag.code));
                    if task.then.len() < MAX_THEN {
                        task.then.push(request);
                    }
                }
            }
            _ => self.requested_at_once(request),
        }
    }

    /// The customer's open callback is a requested one from now on, or a new one is made.
    fn requested_at_once(&mut self, request: CodeRequest) {
        match self.tasks.open_for(&request.number) {
            Some(id) => self.requested_too(id, &request),
            None => self.requested_now(request),
        }
    }

    /// A person sets a disposition on a call that has its row.
    pub(crate) fn tagged(&mut self, call: &CodedCall, tag: Tag) {
        let change = TagChange {
            pbx: call.call.pbx.clone(),
            linkedid: call.call.linkedid.to_string(),
            tag: tag.clone(),
            removed: false,
        };
        self.store(Record::Tag(Box::new(change)));
        if let Some(number) = &call.number {
            self.suppresses(number, &tag);
        }
        self.requested(call, &tag);
    }

    /// A person takes a disposition off a call that has its row, and what it alone meant for callbacks with it.
    pub(crate) fn untagged(&mut self, call: &CodedCall, said: &Said, tag: Tag) {
        let (pbx, linkedid) = (call.call.pbx.clone(), call.call.linkedid.to_string());
        self.store(Record::Tag(Box::new(TagChange { pbx, linkedid, tag: tag.clone(), removed: true })));
        let Some(number) = &call.number else { return };
        self.requested_no_more(number, call, said, &tag);
        self.suppressed_no_more(number, said, &tag);
    }

    /// A disposition was taken back that may have asked for the open callback of this number.
    fn requested_no_more(&mut self, number: &E164, call: &CodedCall, said: &Said, gone: &Tag) {
        let Some(id) = self.tasks.open_for(number) else { return };
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.then.retain(|then| !then.is_by(&call.call, &gone.code));
        let row = task.row();
        if row.code.as_ref() != Some(&gone.code) || row.first_miss.as_ref() != Some(&call.call) {
            if task.misses.contains(&call.call) && self.requesting(&gone.code).is_some() {
                let note = format!("{} was taken off the call; it is asked for all the same", gone.code);
                self.record(id, &gone.by, &note, None, None);
            }
            return;
        }
        let other = said.of_call.iter().find(|tag| tag.code != gone.code && self.requesting(&tag.code).is_some());
        let note = "the code that asked for it was taken off the call";
        match (other, self.tasks.get_mut(id)) {
            (Some(other), Some(task)) => {
                task.owed_to(&other.code);
                self.record(id, &gone.by, &format!("{note}; {} asks for it too", other.code), None, None);
            }
            (None, Some(task)) if task.row().state == CallbackState::Talking => task.taken_back = true,
            _ => self.close(id, CallbackState::Cancelled, "", &gone.by, note),
        }
    }

    /// A disposition was taken back: if it was that which put the number on the list, the others that are left decide anew.
    /// A callback that it closed, and that would be open still, is opened again: of a customer whom nobody has served since.
    fn suppressed_no_more(&mut self, number: &E164, said: &Said, gone: &Tag) {
        let code = gone.code.as_str();
        if self.suppressing(code).is_none() {
            return;
        }
        let left = || said.of_call.iter().filter(|tag| tag.code != code).chain(&said.elsewhere);
        match self.do_not_call_entry(number) {
            Some(entry) if entry.code.as_deref() != Some(code) => return,
            Some(entry) => {
                if let Some(by_hand) = entry.by_hand(self.now.wall_ms) {
                    self.add_to_dnc(by_hand, &gone.by);
                } else {
                    self.customers.remove_from_dnc(number);
                    self.store(Record::DncRemove(number.clone()));
                }
                for tag in left() {
                    self.suppresses(number, tag);
                }
            }
            // It has run out, or a person took the number off.
            None => {}
        }
        let by_code =
            |row: &CallbackRow| self.suppressing(&row.reason).is_some() && !left().any(|tag| tag.code == row.reason);
        let served = |since_ms| self.customers.served_after(number, since_ms).is_some();
        let would_be_open = |closed: &&ClosedByList| {
            let ClosedByList { row, asked_by, .. } = closed;
            let asked = row.code.is_none() || asked_by.is_some();
            let lives = row.expires_ms > self.now.wall_ms && !row.closed_ms.is_some_and(served);
            row.state == CallbackState::Dnc && by_code(row) && lives && asked
        };
        if let Some(ClosedByList { row, held, asked_by }) = said.closed.as_ref().filter(would_be_open) {
            let code = row.code.as_ref().and(asked_by.clone());
            let note = "the code that closed it was taken off the call";
            // Where the number may not be called for another reason, or a newer one is open, it stays closed.
            let _ = self.as_before(CallbackRow { code, ..row.clone() }, *held, &gone.by, note);
        }
        for (call, tag) in &said.unheeded {
            let served = self.customers.served_after(number, tag.at_ms.max(call.ended_ms + 1)).is_some();
            if self.asks_by(call, tag) && !served {
                self.requested(&call.into(), tag);
            }
        }
    }

    /// When it is due, and when it is too old; ms since 1970 UTC.
    fn times(&self, request: &CodeRequest) -> (Millis, Millis) {
        // Nothing is ever set ahead of now, whatever a clock says that was set back meanwhile.
        let due_ms = request.tag.at_ms.min(self.now.wall_ms).saturating_add(request.after_ms);
        let policy = self.policy(&request.pbx).of(request.queue.as_deref());
        let from = policy.hours.next_open(due_ms).unwrap_or(due_ms);
        (due_ms, from.saturating_add(request.expires_ms.unwrap_or(policy.expire_requested_ms)))
    }

    /// The customer has an open callback: it becomes a requested one, and is made when it is due anyway.
    pub(crate) fn requested_too(&mut self, id: i64, request: &CodeRequest) {
        let (due_ms, expires_ms) = self.times(request);
        let expires = self.mono(expires_ms);
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.requested_by_code(&request.call, request.language.as_ref(), due_ms);
        if task.row().expires_ms < expires_ms {
            task.expires_at(expires_ms, expires);
        }
        self.tasks.add_miss(&request.call, id);
        self.record(id, &request.tag.by, &because(request), None, None);
        self.line_up(id);
    }

    fn requested_now(&mut self, request: CodeRequest) {
        let (due_ms, expires_ms) = self.times(&request);
        // Imported, or read out of Asterisk's records long after it.
        if expires_ms <= self.now.wall_ms || self.block_reason(&request.pbx, &request.number).is_some() {
            return;
        }
        let Some(id) = self.tasks.new_id() else {
            self.refuse_miss(&request.pbx);
            return;
        };
        let policy = self.policy(&request.pbx).of(request.queue.as_deref());
        let waits = due_ms > self.now.wall_ms;
        let (pbx, number) = (request.pbx.clone(), Some(request.number.clone()));
        let row = CallbackRow {
            owner: self.customers.owner_on(&request.pbx, &request.number),
            name: request.name.clone(),
            state: if waits { CallbackState::Waiting } else { CallbackState::Pending },
            reason: if waits { reason::DELAY.to_owned() } else { String::new() },
            queue: request.queue.clone(),
            did: request.did.clone(),
            requested: true,
            priority: policy.priority,
            first_miss: Some(request.call.clone()),
            language: request.language.clone(),
            requested_for_ms: Some(due_ms),
            code: Some(request.tag.code.clone()),
            ..CallbackRow::opened(id, pbx, number, request.ended_ms, due_ms, expires_ms)
        };
        self.counters.queued += 1;
        self.tasks.add_miss(&request.call, id);
        self.insert(row, vec![request.call.clone()]);
        let miss = (!request.of_callback).then(|| request.call.clone());
        self.record(id, &request.tag.by, &because(&request), miss, None);
    }

    /// What was asked for while an attempt went on is made now: that attempt's own callback has been closed.
    pub(crate) fn requested_meanwhile(&mut self, requests: Vec<CodeRequest>) {
        for request in requests {
            self.requested_at_once(request);
        }
    }
}

/// Who asked for it by what.
fn because(request: &CodeRequest) -> String {
    let Tag { code, note, .. } = &request.tag;
    if note.is_empty() { format!("requested by {code}") } else { format!("requested by {code}: {note}") }
}
