//! What a finished call means: a customer missed, a customer served, or nothing.

use crate::callbacks::dispatch::quiet_hours::quiet_until;
use crate::callbacks::named_time::named_time;
use crate::callbacks::restore::Served;
use crate::callbacks::task::{OURSELVES, reason};
use crate::callbacks::{Output, Scheduler};
use crate::millis::Millis;
use crate::model::codes::{ASKED, CALLER, DECLINED, NAMED_TIME};
use crate::model::number::Number;
use crate::model::{
    AgentKey, CallKey, CallbackChange, CallbackRow, CallbackState, CallbackStep, Direction, DoNotCall, E164,
    FinishedCall, Outcome, PbxId, Quality, Record, RecoveredBy, Status, Tag,
};
use std::sync::Arc;

/// A call that was seen to its end is handed on, with all corrections, within so long of it, ms.
const HANDED_ON_WITHIN_MS: u64 = 30_000;

/// The caller declined a callback at the greeting.
fn declined(call: &FinishedCall) -> bool {
    call.tags.iter().any(|t| t.code == DECLINED)
}

/// Its caller asked to be called back where its outcome does not say so; the queue that was named with that.
fn wish(call: &FinishedCall) -> Option<&str> {
    call.tags.iter().find(|t| t.code == ASKED && t.by == CALLER).map(|t| t.note.as_str())
}

/// A callback was requested: by the caller, or by the agent who said that it would come.
fn is_requested(call: &FinishedCall) -> bool {
    call.outcome.meaning().agreed || wish(call).is_some()
}

impl Scheduler {
    pub(crate) fn call_recorded(&mut self, call: &FinishedCall) {
        self.answers_seen(call);
        self.owner_learnt(call);
        self.service_learnt(call);
        self.suppressed_by(call);
        let missed = call.direction == Direction::Inbound && self.is_miss(call);
        // A call whose code asks for a callback keeps it, however the rest of its row is corrected.
        let asks: Vec<&Tag> = call.tags.iter().filter(|tag| self.asks_by(call, tag)).collect();
        let known = self.tasks.callback_of(&call.key());
        match known {
            None if missed => self.missed(call),
            Some(id) if !missed && asks.is_empty() => self.not_missed_after_all(id, call),
            _ => {}
        }
        if call.direction == Direction::Inbound && declined(call) {
            self.declined(call);
        } else if !missed {
            self.perhaps_served(call);
        }
        for tag in asks {
            // A row that comes again says nothing new.
            if self.customers.first_said(&call.key(), tag) {
                self.requested(&call.into(), tag);
            }
        }
    }

    /// The caller pressed the key that declines a callback.
    fn declined(&mut self, call: &FinishedCall) {
        let open = call.number_e164.as_ref().and_then(|number| self.tasks.open_for(number));
        if let Some(id) = open.filter(|id| !self.tasks[*id].row().state.is_active()) {
            self.close(id, CallbackState::Cancelled, "declined", OURSELVES, "the customer needs no callback");
        }
    }

    /// Its outcome is one of those that are called back, or its customer asked to be.
    fn is_miss(&self, call: &FinishedCall) -> bool {
        if declined(call) {
            return false;
        }
        let policy = self.policy(&call.pbx);
        let meaning = call.outcome.meaning();
        // Before anyone was rung the outcome does not say that it was short.
        let too_short = meaning.may_be_short
            && call.wait_ms < policy.short_abandon_ms
            && !policy.on.contains(&Outcome::ShortAbandon);
        policy.on.contains(&call.outcome) && meaning.never.is_none() && !too_short
            || wish(call).is_some() && call.status != Status::Answer
    }

    fn owner_learnt(&mut self, call: &FinishedCall) {
        let (Some(number), Some(agent), Some(_)) = (&call.number_e164, &call.agent, call.answered_ms) else { return };
        if call.talk_ms > 0 && call.direction != Direction::Internal {
            let dropped = self.customers.talked(number, call.ended_ms, AgentKey::new(&call.pbx, agent));
            self.counters.owners_dropped += u64::from(dropped);
        }
    }

    /// What counts as having served the customer, and by whom.
    fn service(&self, call: &FinishedCall) -> Option<Served> {
        Served::of(call, self.policies.overall.min_talk_ms)
    }

    fn service_learnt(&mut self, call: &FinishedCall) {
        let (Some(number), Some(service)) = (&call.number_e164, self.service(call)) else { return };
        let dropped = self.customers.served(number, service);
        self.counters.owners_dropped += u64::from(dropped);
    }

    /// Puts a customer on the list; what is open for the customer is closed.
    pub(crate) fn add_to_dnc(&mut self, entry: DoNotCall, by: &str) {
        let record = Record::DncAdd(entry.clone());
        self.list(entry, by, record);
    }

    /// The same with what is stored of it.
    pub(crate) fn list(&mut self, entry: DoNotCall, by: &str, record: Record) {
        self.store(record);
        let number = entry.number_e164.clone();
        let why = entry.why().to_owned();
        self.customers.add_to_dnc(entry);
        if let Some(id) = self.tasks.open_for(&number)
            && self.tasks[id].row().state != CallbackState::Talking
        {
            self.close(id, CallbackState::Dnc, &why, by, "added to the do-not-call list");
        }
    }

    /// The customer does not want to be called now.
    pub(crate) fn do_not_call_entry(&self, number: &E164) -> Option<&DoNotCall> {
        self.customers.do_not_call_entry(number, self.now.wall_ms)
    }

    fn missed(&mut self, call: &FinishedCall) {
        let policy = self.policy(&call.pbx);
        let by_did = || call.did.as_ref().and_then(|did| policy.dids.get(did)).cloned();
        let named = wish(call).filter(|queue| !queue.is_empty()).map(str::to_owned);
        let queue = call.queue.clone().or(named).or_else(by_did);
        if !policy.enabled || !policy.of(queue.as_deref()).enabled {
            return;
        }
        match call.number_e164.as_ref().and_then(|number| self.tasks.open_for(number)) {
            Some(id) => self.missed_again(id, call, queue),
            None => self.queued(call, queue),
        }
    }

    /// Another miss of a customer who has an open callback: it counts, and goes ahead of those who called once. A later one on another PBX
    /// takes the callback there.
    fn missed_again(&mut self, id: i64, call: &FinishedCall, queue: Option<String>) {
        let later = call.ended_ms >= self.tasks[id].row().last_missed_ms;
        let note = if later { self.moves(id, &call.pbx, queue, call.did.as_deref()) } else { String::new() };
        let row = &self.tasks[id].row();
        let (pbx, queue) = (row.pbx.clone(), row.queue.clone());
        let (named, said) = self.time_named(call, &pbx, queue.as_deref());
        let expires_ms = self.expires_ms(call, &pbx, queue.as_deref(), named.unwrap_or(call.ended_ms));
        if let Some(at) = named {
            self.not_before(id, at);
        }
        // Whoever asks again without naming a time expects the call when they did before.
        let known = self.tasks[id].row().requested_for_ms.filter(|_| named.is_none());
        let expected_ms = known.or_else(|| self.expected_ms(call, &pbx, queue.as_deref(), named));
        let now = self.now;
        let soon_ms = self.usually_due_ms(call, &pbx, queue.as_deref());
        let Some(task) = self.tasks.get_mut(id) else { return };
        // The time of a code holds for what the code asks for; whoever calls in the meantime is called back as others are.
        if task.row().code.is_some() && task.attempt().is_none() && named.is_none() && soon_ms < task.row().due_ms {
            task.is_due_at(soon_ms, now.mono_of(soon_ms));
        }
        task.missed_again(call, is_requested(call), expected_ms);
        task.known = now.mono_ms;
        let expires_ms = task.row().expires_ms.max(expires_ms);
        task.expires_at(expires_ms, now.mono_of(expires_ms));
        let note = format!("missed again ({}), {} times now{note}{said}", call.outcome, task.row().missed_count);
        let miss = call.key();
        self.counters.joined += 1;
        self.tasks.add_miss(&miss, id);
        self.record(id, OURSELVES, &note, Some(miss), None);
        self.line_up(id);
    }

    /// A callback goes to another PBX, that of the latest miss or of whoever asks for it: its queue, agents and policy decide from now on,
    /// and what named an agent or a number of the one before means nobody there. Returns what its history says of it; empty if it is there
    /// already.
    pub(crate) fn moves(&mut self, id: i64, pbx: &PbxId, queue: Option<String>, did: Option<&str>) -> String {
        let row = &self.tasks[id].row();
        if row.pbx == *pbx {
            return String::new();
        }
        let priority =
            self.policy(pbx).of(queue.as_deref()).priority - self.policy(&row.pbx).of(row.queue.as_deref()).priority;
        let owner = row.number_e164.as_ref().and_then(|number| self.customers.owner_on(pbx, number));
        let Some(task) = self.tasks.get_mut(id) else { return String::new() };
        let before = task.row().pbx.clone();
        let unassigned = task.goes_to(pbx, queue, did, owner);
        task.prioritise(task.row().priority.saturating_add(priority));
        let unassigned =
            unassigned.map(|agent| format!(", no longer assigned to {agent} of {before}")).unwrap_or_default();
        format!("; from {before} to {pbx}{unassigned}")
    }

    fn queued(&mut self, call: &FinishedCall, queue: Option<String>) {
        let Some(id) = self.tasks.new_id() else {
            self.refuse_miss(&call.pbx);
            return;
        };
        let miss = call.key();
        self.tasks.add_miss(&miss, id);
        let (named, said) = self.time_named(call, &call.pbx, queue.as_deref());
        let expected_ms = self.expected_ms(call, &call.pbx, queue.as_deref(), named);
        let policy = self.policy(&call.pbx).of(queue.as_deref());
        let requested = is_requested(call);
        let due_ms = named.unwrap_or_else(|| self.usually_due_ms(call, &call.pbx, queue.as_deref()));
        let priority = policy.priority;
        let number = call.number_e164.clone();
        let owner = number.as_ref().and_then(|number| self.customers.owner_on(&call.pbx, number));
        let expires_ms = self.expires_ms(call, &call.pbx, queue.as_deref(), named.unwrap_or(call.ended_ms));
        let mut row = CallbackRow {
            name: call.name.clone(),
            state: CallbackState::Waiting,
            reason: reason::DELAY.to_owned(),
            queue,
            did: call.did.clone(),
            owner,
            requested,
            priority,
            missed_count: 1,
            first_miss: Some(miss.clone()),
            language: call.language.clone(),
            requested_for_ms: expected_ms,
            ..CallbackRow::opened(id, call.pbx.clone(), number, call.ended_ms, due_ms, expires_ms)
        };
        let block_reason = match &row.number_e164 {
            None => Some((CallbackState::NotCallable, self.no_number(call))),
            Some(number) => self.block_reason(&call.pbx, number),
        };
        let note = format!("missed ({}){said}", call.outcome);
        if let Some((state, why)) = block_reason {
            row.state = state;
            row.reason = why;
            row.closed_ms = Some(self.now.wall_ms);
            self.tell_row(row, &note, Some(miss));
            return;
        }
        if self.now.wall_ms >= due_ms {
            row.state = CallbackState::Pending;
            row.reason.clear();
        }
        self.counters.queued += 1;
        let since = row.number_e164.as_ref().and_then(|n| self.customers.served_after(n, call.ended_ms)).cloned();
        self.insert(row, vec![miss.clone()]);
        self.record(id, OURSELVES, &note, Some(miss), None);
        // A miss that is recorded late, out of Asterisk's records: the customer may have been served meanwhile.
        if let Some(Served { by, call, at_ms, .. }) = since {
            self.served(id, by, call, at_ms);
        }
    }

    /// Why this number may never be called from this PBX, if so.
    pub(crate) fn block_reason(&self, pbx: &PbxId, number: &E164) -> Option<(CallbackState, String)> {
        if let Some(entry) = self.do_not_call_entry(number) {
            return Some((CallbackState::Dnc, entry.why().to_owned()));
        }
        let denied = self.policy(pbx).may_be_called(number).err()?;
        Some((CallbackState::NotCallable, denied.word().to_owned()))
    }

    fn no_number(&self, call: &FinishedCall) -> String {
        let number = call.number.as_deref().unwrap_or_default();
        match self.policy(&call.pbx).numbering.classify(number) {
            Number::Withheld => "withheld",
            Number::Internal => "internal",
            Number::TooShort => "too-short",
            Number::Invalid | Number::Callable(_) => "invalid",
            Number::NotANumber => "not-a-number",
        }
        .to_owned()
    }

    /// A row that is not in memory: closed as it was made, or before.
    pub(crate) fn tell_row(&mut self, row: CallbackRow, note: &str, miss: Option<CallKey>) {
        let change = CallbackStep {
            at_ms: self.now.wall_ms,
            state: row.state,
            reason: row.reason.clone(),
            by: OURSELVES.to_owned(),
            note: note.to_owned(),
        };
        let change = CallbackChange { row, change: Some(change), miss, recovered: None, late: false, asked: None };
        self.store(Record::Callback(Arc::new(change)));
    }

    /// Too old by then; one that came while customers are not called is open from the opening on.
    fn expires_ms(&self, call: &FinishedCall, pbx: &PbxId, queue: Option<&str>, from_ms: Millis) -> Millis {
        let policy = self.policy(pbx).of(queue);
        let life = if is_requested(call) { policy.expire_requested_ms } else { policy.expire_ms };
        let from = policy.next_call(from_ms).unwrap_or(from_ms);
        from.saturating_add(life)
    }

    /// When whoever was missed by this call is called back where no time was named.
    fn usually_due_ms(&self, call: &FinishedCall, pbx: &PbxId, queue: Option<&str>) -> Millis {
        // A miss is never ahead of now, whatever a clock says that was set back meanwhile, or the PBX's own that is fast.
        call.ended_ms.min(self.now.wall_ms).saturating_add(self.policy(pbx).of(queue).delay_ms)
    }

    /// When a customer who asked for the call expects it: at the time that they named, or as soon as it is due while customers are called.
    fn expected_ms(
        &self,
        call: &FinishedCall,
        pbx: &PbxId,
        queue: Option<&str>,
        named: Option<Millis>,
    ) -> Option<Millis> {
        let policy = self.policy(pbx).of(queue);
        let due_ms = self.usually_due_ms(call, pbx, queue);
        is_requested(call).then(|| named.or_else(|| policy.next_call(due_ms)).unwrap_or(due_ms))
    }

    /// The time that the caller named with their wish, within the hours of the queue; and what the callback's history says of it. One that cannot
    /// be kept is reported, and the wish counts without it.
    fn time_named(&mut self, call: &FinishedCall, pbx: &PbxId, queue: Option<&str>) -> (Option<Millis>, String) {
        let Some(tag) = call.tags.iter().find(|tag| tag.code == NAMED_TIME && tag.by == CALLER) else {
            return (None, String::new());
        };
        match self.kept_time((&call.key(), pbx, queue), call.number_e164.as_ref(), tag.at_ms, &tag.note) {
            Some(at) => (Some(at), format!("; the caller named a time: {}", tag.note)),
            None => (None, format!("; the time that the caller named is not kept: {}", tag.note)),
        }
    }

    /// The first moment from a time on, as it was named at `said_ms` with this call, at which the customer may be called. One that cannot be kept is reported.
    pub(crate) fn kept_time(
        &mut self,
        (call, pbx, queue): (&CallKey, &PbxId, Option<&str>),
        number: Option<&E164>,
        said_ms: Millis,
        time: &str,
    ) -> Option<Millis> {
        match named_time(time, self.policy(pbx).of(queue), said_ms) {
            Ok(at) => Some(self.callable_from(pbx, queue, number, at)),
            Err(error) => {
                self.outputs.push_back(Output::BadTime { call: call.clone(), time: time.to_owned(), error });
                None
            }
        }
    }

    /// The first moment from this one on at which the customer may be called: within hours of the queue, and none of theirs that are quiet.
    pub(crate) fn callable_from(&self, pbx: &PbxId, queue: Option<&str>, number: Option<&E164>, at: Millis) -> Millis {
        let policy = self.policy(pbx);
        let mut at = policy.of(queue).next_call(at).unwrap_or(at);
        let (Some(quiet), Some(number)) = (policy.quiet, number) else { return at };
        // Hours that leave no common minute are looked at again when it is due.
        for _ in 0..8 {
            match quiet_until(quiet, number, at).filter(|until| *until < Millis::MAX) {
                Some(until) => at = policy.of(queue).next_call(until).unwrap_or(until),
                None => break,
            }
        }
        at
    }

    /// The customer is not called before this moment. What is being done about them goes on; what follows it waits.
    pub(crate) fn not_before(&mut self, id: i64, due_ms: Millis) {
        let now = self.now;
        let (due, waits) = (self.mono(due_ms), due_ms > now.wall_ms);
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.is_due_at(due_ms, due);
        if waits {
            task.promised(now);
        }
        if task.attempt().is_some() {
            (task.not_before, task.once_more, task.named_before_talk) = (Some(due_ms), true, false);
        } else if waits && !task.held {
            task.comes_to(CallbackState::Waiting, reason::DELAY);
        }
    }

    /// A late event has corrected the row of a call that was taken for a miss.
    fn not_missed_after_all(&mut self, id: i64, call: &FinishedCall) {
        // No miss is behind one that codes or people ask for.
        let Some(task) = self.tasks.get_mut(id).filter(|task| task.row().missed_count > 0) else { return };
        // A run that began in the middle of the call has not heard what its caller asked for: only service, or their own word, makes up for that.
        if task.row().requested && call.status != Status::Answer && !declined(call) {
            return;
        }
        if !task.not_missed(&call.key()) || task.row().state == CallbackState::Talking {
            return;
        }
        task.one_miss_fewer();
        if task.misses.is_empty() {
            self.close(id, CallbackState::Cancelled, "corrected", OURSELVES, "the call was not missed after all");
        }
    }

    /// The customer has been served by this call, if missed before.
    fn perhaps_served(&mut self, call: &FinishedCall) {
        let Some(number) = &call.number_e164 else { return };
        let Some(id) = self.tasks.open_for(number) else { return };
        // The call that asked for it does not answer it.
        if self.tasks[id].misses.contains(&call.key()) {
            return;
        }
        let task = &self.tasks[id];
        // A callback of ours closes its own task by its result, unless a crash or an outage hid that.
        let by_itself = task.row().reason != reason::UNPROVEN;
        let missed_ms = task.row().last_missed_ms;
        // When a call was missed whose end nobody saw, and when a time was promised, our clock says, which may have been wrong.
        let afterwards = call.quality == Quality::Full && self.began_after(call, task.known);
        let recovers = |service: &Served| {
            (service.by != RecoveredBy::Callback || !by_itself)
                && (afterwards || service.recovers(missed_ms) && !task.promised_in(service.at_ms, service.ended_ms))
        };
        if let Some(service) = self.service(call).filter(recovers) {
            self.served(id, service.by, service.call, service.at_ms);
        }
    }

    /// A call that has just ended began after this moment of the monotonic clock; where Asterisk's clock was set back meanwhile, nobody knows.
    fn began_after(&self, call: &FinishedCall, mono_ms: u64) -> bool {
        let length = u64::try_from(call.ended_ms.saturating_sub(call.started_ms)).ok();
        length.is_some_and(|ms| self.now.mono_ms >= mono_ms.saturating_add(ms).saturating_add(HANDED_ON_WITHIN_MS))
    }

    /// The customer has been served by somebody else than us: no callback is made any more.
    pub(crate) fn served(&mut self, id: i64, by: RecoveredBy, call: CallKey, at: Millis) {
        let (state, note) = match by {
            RecoveredBy::Customer => (CallbackState::RecoveredByCustomer, "the customer called again and was served"),
            RecoveredBy::Agent => (CallbackState::RecoveredByAgent, "an agent called the customer"),
            RecoveredBy::Callback => (CallbackState::Done, "called back"),
        };
        self.close_recovered(id, state, "", OURSELVES, note, Some(call), Some((by, at)));
    }
}
