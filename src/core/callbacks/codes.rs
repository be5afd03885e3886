//! What the codes of calls mean: whose number is not to be called, and who is to be called later.

use crate::callbacks::Scheduler;
use crate::callbacks::commands::{NotRequested, Requested, Tagged};
use crate::callbacks::task::{OURSELVES, reason};
use crate::millis::Millis;
use crate::model::codes::{ASKED, CALLER, ClosedByList, Code, CodedCall, MIN_AFTER_OURS_MS, OnCallback, RULE, Said};
use crate::model::{
    AskedBy, CallKey, CallbackRow, CallbackState, Direction, E164, FinishedCall, PbxId, Record, Status, Tag, TagChange,
};

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
    /// The customer named the time: nothing else decides when it is due.
    named: bool,
}

impl CodeRequest {
    /// Its code was said before this moment, ms since 1970 UTC.
    pub(crate) fn is_before(&self, at_ms: Millis) -> bool {
        self.tag.at_ms < at_ms
    }

    /// The customer is not called before this moment, ms since 1970 UTC: an attempt has just failed.
    pub(crate) fn put_off_until(&mut self, at_ms: Millis) {
        self.after_ms = self.after_ms.max(at_ms.saturating_sub(self.tag.at_ms));
    }

    fn asked_by(&self) -> AskedBy {
        AskedBy { call: self.call.clone(), code: self.tag.code.clone(), at_ms: self.tag.at_ms }
    }
}

impl Scheduler {
    /// Dispositions that say that a customer is not to be called (any more).
    pub(crate) fn suppressed_by(&mut self, call: &FinishedCall) {
        let Some(number) = &call.number_e164 else { return };
        for tag in &call.tags {
            // A row that comes again says nothing new: a person may have taken the number off the list since.
            if self.suppressing(&tag.code).is_some() && self.customers.first_said(&call.key(), tag) {
                self.customers.suppressed_by(number, &call.key(), tag);
                self.suppresses(number, tag);
            }
        }
    }

    pub(crate) fn suppresses(&mut self, number: &E164, tag: &Tag) {
        let Some(for_ms) = self.suppressing(&tag.code).map(|code| code.expires_ms) else { return };
        let Some(entry) = self.customers.do_not_call_by_code(number, tag, for_ms, self.now.wall_ms) else { return };
        if self.customers.may_add_to_dnc(number, &entry.reason) {
            self.add_to_dnc(entry, &tag.by);
        } else {
            self.counters.do_not_call_refused += 1;
        }
    }

    /// This disposition of the call asks for a callback. What its outcome and its caller say makes a miss of it, or does not.
    pub(crate) fn asks_by(&self, call: &FinishedCall, tag: &Tag) -> bool {
        let wish = is_wish(tag);
        // Of who called in and was not answered it makes a miss, or does not.
        let of_itself = tag.by == RULE && call.outcome.meaning().tag == Some(&tag.code)
            || wish && call.direction == Direction::Inbound && call.status != Status::Answer;
        // A rule that fits the call of a callback would have the same customer called for ever.
        let of_ours = tag.by == RULE && call.direction == Direction::Callback;
        let too_soon = |code: &Code| of_ours && code.after_ms < MIN_AFTER_OURS_MS;
        // Who was served after the wish has what was asked for: a row that another run began keeps the wish, and the talk came after it.
        let heeded = wish && call.status == Status::Answer && call.answered_ms.is_some_and(|at| tag.at_ms < at);
        !of_itself && !heeded && self.requesting(&tag.code).is_some_and(|code| !too_soon(code))
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

    /// The callback that this disposition of the call asks for, if it asks for one and can have it.
    fn request_of(&self, call: &CodedCall, tag: &Tag) -> Option<Result<CodeRequest, NotRequested>> {
        let code = self.requesting(&tag.code)?;
        let pbx = &call.call.pbx;
        let policy = self.policy(pbx);
        let by_did = || call.did.as_ref().and_then(|did| policy.dids.get(did)).cloned();
        let named = || Some(tag.note.clone()).filter(|queue| is_wish(tag) && !queue.is_empty());
        let queue = call.queue.clone().or_else(named).or_else(by_did);
        if !policy.enabled || !policy.of(queue.as_deref()).enabled {
            return Some(Err(NotRequested::Off));
        }
        let Some(number) = call.number.clone() else { return Some(Err(NotRequested::NoNumber)) };
        Some(Ok(CodeRequest {
            pbx: pbx.clone(),
            number,
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
            named: false,
        }))
    }

    /// A disposition asks for a callback, or does not. While an attempt at the customer's open callback goes on it is made after that one's end.
    pub(crate) fn requested(&mut self, call: &CodedCall, tag: &Tag) -> Option<Requested> {
        let mut request = match self.request_of(call, tag)? {
            Ok(request) => request,
            Err(why) => return Some(Requested::Not(why)),
        };
        if is_wish(tag)
            && let Some(time) = &call.named_time
        {
            self.takes_time(&mut request, time);
        }
        let id = match self.tasks.open_for(&request.number) {
            Some(id) => id,
            None => return Some(self.requested_at_once(request)),
        };
        let task = self.tasks.get_mut(id).filter(|task| task.row().state.is_active());
        let Some(task) = task else { return Some(self.requested_at_once(request)) };
        task.then.retain(|then| !then.asked_by().is(&request.call, &request.tag.code));
        if task.then.len() >= MAX_THEN {
            return Some(Requested::Not(NotRequested::TooMany));
        }
        task.then.push(request);
        Some(Requested::AfterAttempt(Box::new(task.row().clone())))
    }

    /// The customer named the time with their wish, which counts without it if that cannot be kept.
    fn takes_time(&mut self, request: &mut CodeRequest, time: &str) {
        let CodeRequest { call, pbx, queue, number, tag, .. } = &*request;
        if let Some(at) = self.kept_time((call, pbx, queue.as_deref()), Some(number), tag.at_ms, time) {
            (request.after_ms, request.named) = (at.saturating_sub(tag.at_ms), true);
        }
    }

    /// The customer's open callback is a requested one from now on, or a new one is made.
    fn requested_at_once(&mut self, request: CodeRequest) -> Requested {
        let id = match self.tasks.open_for(&request.number) {
            Some(id) => {
                self.requested_too(id, &request);
                id
            }
            None => match self.requested_now(request) {
                Ok(id) => id,
                Err(why) => return Requested::Not(why),
            },
        };
        Requested::By(Box::new(self.tasks[id].row().clone()))
    }

    /// A person sets a disposition on a call that has its row.
    pub(crate) fn tagged(&mut self, call: &CodedCall, tag: Tag) -> Tagged {
        let change = TagChange {
            pbx: call.call.pbx.clone(),
            linkedid: call.call.linkedid.to_string(),
            tag: tag.clone(),
            removed: false,
        };
        self.store(Record::Tag(Box::new(change)));
        self.customers.said_by_a_person(&call.call, &tag);
        if let Some(number) = &call.number
            && self.suppressing(&tag.code).is_some()
        {
            self.customers.suppressed_by(number, &call.call, &tag);
            self.suppresses(number, &tag);
        }
        let request = self.requested(call, &tag);
        let suppresses = self.suppressing(&tag.code).is_some();
        let do_not_call = call.number.as_ref().filter(|_| suppresses).and_then(|n| self.do_not_call_entry(n)).cloned();
        Tagged { tag, request, do_not_call }
    }

    /// A person takes a disposition off a call that has its row, and what it alone meant for callbacks with it.
    pub(crate) fn untagged(&mut self, call: &CodedCall, said: &Said, tag: Tag) {
        let (pbx, linkedid) = (call.call.pbx.clone(), call.call.linkedid.to_string());
        self.store(Record::Tag(Box::new(TagChange { pbx, linkedid, tag: tag.clone(), removed: true })));
        self.customers.taken_off(&call.call, &tag.code);
        let Some(number) = &call.number else { return };
        self.requested_no_more(number, &call.call, &tag);
        self.suppressed_no_more(number, said, &tag);
    }

    /// A disposition was taken back that may have asked for the open callback of this number.
    fn requested_no_more(&mut self, number: &E164, call: &CallKey, gone: &Tag) {
        let Some(id) = self.tasks.open_for(number) else { return };
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.then.retain(|then| !then.asked_by().is(call, &gone.code));
        let before = task.asked().to_vec();
        if !task.asked_no_more(call, &gone.code) {
            return;
        }
        if task.row().code.is_none() {
            let note = format!("{} was taken off the call; it is asked for all the same", gone.code);
            return self.record(id, &gone.by, &note, None, None);
        }
        let note = "the code that asked for it was taken off the call";
        match task.asked_first().cloned() {
            Some(other) => {
                task.owed_to(&other.code);
                self.due_by_codes(id, &before);
                self.record(id, &gone.by, &format!("{note}; {} asks for it too", other.code), None, None);
                self.line_up(id);
            }
            None if task.row().state == CallbackState::Talking => task.taken_back = true,
            None => self.close(id, CallbackState::Cancelled, "", &gone.by, note),
        }
    }

    /// When a callback is due that this code asks for, ms since 1970 UTC.
    pub(crate) fn due_of(&self, by: &AskedBy) -> Option<Millis> {
        self.requesting(&by.code).map(|code| by.at_ms.saturating_add(code.after_ms))
    }

    /// A callback that was due by the time of one of these codes, which asked for it `before`, is due by the soonest of those that do now,
    /// unless something was done about it since, or somebody else waits for it.
    fn due_by_codes(&mut self, id: i64, before: &[AskedBy]) {
        let task = &self.tasks[id];
        let row = task.row();
        let by_code = row.code.is_some() && before.iter().any(|by| self.due_of(by) == Some(row.due_ms));
        let Some(due_ms) = task.asked().iter().filter_map(|by| self.due_of(by)).min() else { return };
        if !by_code || row.attempts > 0 || row.due_ms == due_ms {
            return;
        }
        let expected_ms = self.callable_from(&row.pbx, row.queue.as_deref(), row.number_e164.as_ref(), due_ms);
        let (due, waits, held) = (self.mono(due_ms), due_ms > self.now.wall_ms, self.tasks[id].held);
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.is_due_at(due_ms, due);
        task.expected_at(expected_ms, true);
        match (held, waits) {
            (true, _) => {}
            (false, true) => task.comes_to(CallbackState::Waiting, reason::DELAY),
            (false, false) => task.comes_to(CallbackState::Pending, ""),
        }
    }

    /// A disposition was taken back: if it was that which put the number on the list, the others that are left decide anew.
    /// The callbacks that it closed, and that would be open still, are opened again as one: of a customer whom nobody has served since.
    fn suppressed_no_more(&mut self, number: &E164, said: &Said, gone: &Tag) {
        let code = gone.code.as_str();
        // What was said just now is not on the disk yet.
        let in_this_run: Vec<Tag> = self.customers.suppressing(number).cloned().collect();
        let left = || said.of_call.iter().filter(|tag| tag.code != code).chain(&said.elsewhere).chain(&in_this_run);
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
            None if self.suppressing(code).is_none() => return,
            None => {}
        }
        let now_ms = self.now.wall_ms;
        let holds = |tag: &Tag| {
            let until = self.suppressing(&tag.code).map(|code| code.expires_ms.map(|ms| tag.at_ms.saturating_add(ms)));
            until.is_some_and(|until| until.is_none_or(|until| until > now_ms))
        };
        let by_code = |row: &CallbackRow| {
            (row.reason == code || self.suppressing(&row.reason).is_some())
                && !left().any(|tag| tag.code == row.reason && holds(tag))
        };
        let served = |since_ms| self.customers.served_after(number, since_ms).is_some();
        let would_be_open = |closed: &&ClosedByList| {
            let row = &closed.row;
            let asked = row.code.is_none() || !closed.asked.is_empty();
            let lives = row.expires_ms > now_ms && !row.closed_ms.is_some_and(served);
            row.state == CallbackState::Dnc && by_code(row) && lives && asked
        };
        let open_again: Vec<&ClosedByList> = said.closed.iter().filter(would_be_open).collect();
        if let Some((first, others)) = open_again.split_first() {
            let note = "the code that closed it was taken off the call";
            // Where the number may not be called for another reason, or a newer one is open, it stays closed.
            if self.as_before(first, &gone.by, note).is_ok() {
                others.iter().for_each(|other| self.takes_in(first.row.id, other));
            }
        }
        // In the order in which they were said.
        for (call, tag) in said.unheeded.iter().rev() {
            let served = self.customers.served_after(number, tag.at_ms.max(call.ended_ms + 1)).is_some();
            if self.asks_by(call, tag) && !served {
                self.requested(&call.into(), tag);
            }
        }
    }

    /// What another callback of the customer was for is this one's, too.
    fn takes_in(&mut self, id: i64, other: &ClosedByList) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        // The time of a code holds for what the code asks for; whoever was missed in the meantime is called back as others are.
        let sooner = task.row().code.is_some() && other.row.due_ms < task.row().due_ms;
        task.takes_in(other);
        if sooner {
            self.not_before(id, other.row.due_ms);
        }
        let note = format!("with what callback {} was for", other.row.id);
        self.record(id, OURSELVES, &note, None, None);
        for miss in &other.misses {
            self.tasks.add_miss(miss, id);
            self.record(id, OURSELVES, "", Some(miss.clone()), None);
        }
        for by in &other.asked {
            self.tasks.add_miss(&by.call, id);
            self.record_asked(id, OURSELVES, "", by.clone(), None);
        }
        self.line_up(id);
        // Whoever is done with this one is done with both.
        let row =
            CallbackRow { state: CallbackState::Cancelled, reason: reason::JOINED.to_owned(), ..other.row.clone() };
        self.tell_row(row, &format!("what it was for is callback {id} now"), None);
    }

    /// When it is due, and when it is too old; ms since 1970 UTC.
    fn times(&self, request: &CodeRequest) -> (Millis, Millis) {
        // Nothing is ever set ahead of now, whatever a clock says that was set back meanwhile.
        let due_ms = request.tag.at_ms.min(self.now.wall_ms).saturating_add(request.after_ms);
        let policy = self.policy(&request.pbx).of(request.queue.as_deref());
        let from = policy.next_call(due_ms).unwrap_or(due_ms);
        (due_ms, from.saturating_add(request.expires_ms.unwrap_or(policy.expire_requested_ms)))
    }

    /// When the customer of one that is due then can be called.
    fn expected_by(&self, request: &CodeRequest, due_ms: Millis) -> Millis {
        self.callable_from(&request.pbx, request.queue.as_deref(), Some(&request.number), due_ms)
    }

    /// The customer has an open callback: it becomes a requested one, and is made when it is due anyway; the soonest decides where codes alone do.
    pub(crate) fn requested_too(&mut self, id: i64, request: &CodeRequest) {
        let (due_ms, expires_ms) = self.times(request);
        let (expires, expected_ms) = (self.mono(expires_ms), self.expected_by(request, due_ms));
        let (by, Some(task)) = (request.asked_by(), self.tasks.get_mut(id)) else { return };
        if task.knows(&by) {
            return;
        }
        let before = task.asked().to_vec();
        task.requested_by_code(by.clone(), request.language.as_ref(), expected_ms);
        if task.row().expires_ms < expires_ms {
            task.expires_at(expires_ms, expires);
        }
        self.tasks.add_miss(&request.call, id);
        if request.named {
            self.not_before(id, due_ms);
            if let Some(task) = self.tasks.get_mut(id) {
                task.expected_at(due_ms, true);
            }
        } else {
            self.due_by_codes(id, &before);
        }
        self.record_asked(id, &request.tag.by, &because(request), by, None);
        self.line_up(id);
    }

    /// The id of the callback that is made.
    fn requested_now(&mut self, request: CodeRequest) -> Result<i64, NotRequested> {
        let (due_ms, expires_ms) = self.times(&request);
        // Imported, or read out of Asterisk's records long after it.
        if expires_ms <= self.now.wall_ms {
            return Err(NotRequested::Expired);
        }
        if self.do_not_call_entry(&request.number).is_some() {
            return Err(NotRequested::DoNotCall);
        }
        let may = self.policy(&request.pbx).may_be_called(&request.number);
        may.map_err(|denied| NotRequested::Denied(denied.reason()))?;
        let Some(id) = self.tasks.new_id() else {
            self.refuse_miss(&request.pbx);
            return Err(NotRequested::Full);
        };
        let policy = self.policy(&request.pbx).of(request.queue.as_deref());
        let waits = due_ms > self.now.wall_ms;
        let expected_ms = self.expected_by(&request, due_ms);
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
            requested_for_ms: Some(expected_ms),
            code: Some(request.tag.code.clone()),
            ..CallbackRow::opened(id, pbx, number, request.ended_ms, due_ms, expires_ms)
        };
        self.counters.queued += 1;
        self.tasks.add_miss(&request.call, id);
        self.insert(row, vec![request.call.clone()]);
        let miss = (!request.of_callback).then(|| request.call.clone());
        let by = request.asked_by();
        if let Some(task) = self.tasks.get_mut(id) {
            task.is_asked_by(by.clone());
        }
        self.record_asked(id, &request.tag.by, &because(&request), by, miss);
        Ok(id)
    }

    /// What was asked for while an attempt went on is made now: that attempt's own callback has been closed.
    pub(crate) fn requested_meanwhile(&mut self, requests: Vec<CodeRequest>) {
        for request in requests {
            self.requested_at_once(request);
        }
    }
}

/// A customer said it, not a person who works here or a rule.
fn is_wish(tag: &Tag) -> bool {
    tag.code == ASKED && tag.by == CALLER
}

/// Who asked for it by what.
fn because(request: &CodeRequest) -> String {
    let Tag { code, note, .. } = &request.tag;
    if is_wish(&request.tag) {
        return if request.named {
            "requested by the customer, who named the time"
        } else {
            "requested by the customer"
        }
        .to_owned();
    }
    if note.is_empty() { format!("requested by {code}") } else { format!("requested by {code}: {note}") }
}
