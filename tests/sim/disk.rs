//! The store as a model: what is on the disk, what is on its way, and what a new run reads. Dumb on purpose.

use callbackd_core::callbacks::restore::{RestoredState, Served};
use callbackd_core::model::codes::ClosedByList;
use callbackd_core::model::{
    AgentKey, AskedBy, AttemptResult, AttemptRow, CallInProgress, CallKey, CallbackRow, CallbackState, Direction,
    DoNotCall, E164, FinishedCall, Gap, Outcome, PbxId, Quality, Record, RecoveredBy, Status, Tag, TagChange,
};
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 86_400_000;
/// `callback.min_talk` of every day.
const MIN_TALK_MS: i64 = 5_000;

#[derive(Clone, Default)]
pub struct Disk {
    pub calls: BTreeMap<CallKey, FinishedCall>,
    /// Calls that have begun and are not over.
    pub in_progress: BTreeMap<CallKey, CallInProgress>,
    pub misses: BTreeMap<CallKey, i64>,
    /// Codes and notes of wishes that the last row of a call said itself: a run that takes a call up in its middle has not heard what was said before.
    wishes: BTreeMap<CallKey, BTreeSet<(String, String)>>,
    /// What was known of those wishes when a callback was made or went on because of the call.
    pub heard: BTreeMap<(i64, CallKey), BTreeSet<(String, String)>>,
    pub recovered: BTreeMap<CallKey, (RecoveredBy, i64)>,
    pub callbacks: BTreeMap<i64, CallbackRow>,
    pub attempts: BTreeMap<String, AttemptRow>,
    pub do_not_call: BTreeMap<E164, DoNotCall>,
    /// What people say of calls.
    said: BTreeMap<CallKey, Vec<Tag>>,
    /// Which callbacks were over when a code was set on a call.
    over_before: BTreeMap<(CallKey, String), BTreeSet<i64>>,
    /// Callbacks that a person has changed, and when last.
    changed: BTreeMap<i64, i64>,
    /// Callbacks that a code has asked for: whoever was served after that call is called all the same.
    pub by_code: BTreeSet<i64>,
    /// Which codes of which calls ask for which callbacks, and when they were set.
    requests: BTreeMap<(i64, CallKey, String), i64>,
    /// Codes that people have taken off calls.
    taken_off: BTreeSet<(CallKey, String)>,
    /// Numbers that were on the do-not-call list at some time.
    once_listed: BTreeSet<E164>,
    /// Callbacks in whose conversation the code was taken off that had asked for them.
    excused: BTreeSet<i64>,
    /// Callbacks whose alarm was raised.
    pub late: BTreeSet<i64>,
    pub gaps: Vec<Gap>,
    /// By PBX.
    pub seen_ms: BTreeMap<PbxId, i64>,
}

impl Disk {
    /// A transaction; what the database would refuse, and what no row may ever hold, is an error.
    pub fn commit(&mut self, records: &[Record]) -> Result<(), String> {
        records.iter().try_for_each(|record| self.put(record))?;
        let taken_back = |row: &&CallbackRow| row.code.is_some() && self.asked_by(row.id).next().is_none();
        let open = self.callbacks.values().filter(|row| row.closed_ms.is_none() && !self.excused.contains(&row.id));
        match open.clone().find(taken_back) {
            Some(row) => Err(format!("its code was taken off the call: {row:?}")),
            None => Ok(()),
        }
    }

    /// What people say of this call.
    pub fn said(&self, call: &FinishedCall) -> &[Tag] {
        self.said.get(&call.key()).map_or(&[], Vec::as_slice)
    }

    /// The codes that ask for this callback and are on their calls still.
    fn asked_by(&self, id: i64) -> impl Iterator<Item = AskedBy> {
        let has = |call: &CallKey, code: &str| {
            let tags = self.calls.get(call).into_iter().flat_map(|call| &call.tags);
            tags.chain(self.said.get(call).into_iter().flatten()).any(|tag| tag.code == code)
        };
        let of = self.requests.iter().filter(move |((of, call, code), _)| *of == id && has(call, code));
        of.map(|((_, call, code), at_ms)| AskedBy { call: call.clone(), code: code.clone(), at_ms: *at_ms })
    }

    /// This code of the call was followed by a callback.
    pub fn was_followed(&self, call: &FinishedCall, tag: &Tag) -> bool {
        let is_it = |(_, of, code): &(i64, CallKey, String)| *of == call.key() && *code == tag.code;
        self.requests.iter().any(|(key, at_ms)| is_it(key) && *at_ms >= tag.at_ms)
    }

    /// The codes of this call's customer that ask for a callback and that none has followed.
    pub fn unheeded(&self, call: &FinishedCall) -> Vec<(FinishedCall, Tag)> {
        let theirs = self.calls.values().filter(|other| other.number_e164 == call.number_e164);
        let said = theirs.flat_map(|call| self.said(call).iter().map(move |tag| (call, tag)));
        let unheeded = said.filter(|(call, tag)| !self.was_followed(call, tag));
        unheeded.map(|(call, tag)| (call.clone(), tag.clone())).collect()
    }

    fn missed(&self, id: i64) -> impl Iterator<Item = CallKey> {
        self.misses.iter().filter(move |(_, of)| **of == id).map(|(miss, _)| miss.clone())
    }

    /// The last callbacks of this call's customer, as far back as the do-not-call list closed them, the oldest first.
    pub fn closed_by_list(&self, call: &FinishedCall) -> Vec<ClosedByList> {
        let theirs = self.callbacks.values().rev().filter(|row| row.number_e164 == call.number_e164);
        let own = theirs.filter(|row| row.reason != "JOINED");
        let last = own.take_while(|row| row.state == CallbackState::Dnc);
        let mut closed: Vec<ClosedByList> = last
            .map(|row| {
                let (misses, asked) = (self.missed(row.id).collect(), self.asked_by(row.id).collect());
                // Nobody holds callbacks back here.
                ClosedByList { row: row.clone(), held: false, misses, asked }
            })
            .collect();
        closed.reverse();
        closed
    }

    /// A callback of the customer was open when this code was set, or was made since; or they are not to be called.
    pub fn was_asked_for(&self, call: &FinishedCall, tag: &Tag) -> bool {
        let Some(over) = self.over_before.get(&(call.key(), tag.code.clone())) else { return false };
        let theirs = self.callbacks.values().filter(|row| row.number_e164 == call.number_e164);
        call.number_e164.as_ref().is_some_and(|number| self.once_listed.contains(number))
            || theirs.clone().any(|row| !over.contains(&row.id))
    }

    fn tagged(&mut self, change: &TagChange) {
        let call = CallKey::new(&change.pbx, &change.linkedid);
        let tags = self.said.entry(call.clone()).or_default();
        tags.retain(|tag| tag.code != change.tag.code || !change.removed && tag.by != change.tag.by);
        if change.removed {
            self.taken_off.insert((call.clone(), change.tag.code.clone()));
            let talks =
                |row: &&CallbackRow| row.state == CallbackState::Talking && row.first_miss.as_ref() == Some(&call);
            self.excused.extend(self.callbacks.values().filter(talks).map(|row| row.id));
            return;
        }
        self.taken_off.remove(&(call.clone(), change.tag.code.clone()));
        tags.push(change.tag.clone());
        let over = self.callbacks.values().filter(|row| row.closed_ms.is_some()).map(|row| row.id).collect();
        self.over_before.insert((call, change.tag.code.clone()), over);
    }

    fn put(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::Call(call) => {
                sane(call)?;
                self.wishes.insert(call.key(), wishes_of(call));
                if let Some(id) = self.misses.get(&call.key()) {
                    self.heard.entry((*id, call.key())).or_default().extend(wishes_of(call));
                }
                self.in_progress.remove(&call.key());
                let mut call = (**call).clone();
                // What people said during an earlier run stays, which a row that begins in the middle does not know.
                if let Some(before) = self.calls.get(&call.key()).filter(|_| call.quality != Quality::Full) {
                    let kept = |tag: &&Tag| tag.by != "rule" && !call.tags.contains(tag);
                    let kept: Vec<Tag> = before.tags.iter().filter(kept).cloned().collect();
                    call.tags.extend(kept);
                }
                self.calls.insert(call.key(), call);
            }
            Record::InProgress(call) => {
                self.in_progress.insert(CallKey::new(&call.pbx, &call.linkedid), (**call).clone());
            }
            Record::NotInProgress { pbx, linkedid } => drop(self.in_progress.remove(&CallKey::new(pbx, linkedid))),
            Record::Gap(gap) => {
                if gap.to_ms < gap.from_ms {
                    return Err(format!("a gap ends before it begins: {gap:?}"));
                }
                self.gaps.push(gap.clone());
            }
            Record::News(_) | Record::Tape(_) | Record::GroupDnc(_) => {}
            Record::Tag(change) => self.tagged(change),
            Record::Seen { pbx, seen_ms } => drop(self.seen_ms.insert(pbx.clone(), *seen_ms)),
            Record::Callback(change) => {
                let row = &change.row;
                let other = |(id, other): (&i64, &CallbackRow)| {
                    *id != row.id && other.closed_ms.is_none() && other.number_e164 == row.number_e164
                };
                if row.closed_ms.is_none() && self.callbacks.iter().any(other) {
                    return Err(format!("two open callbacks for {:?}", row.number_e164));
                }
                if row.closed_ms.is_some() == row.state.is_open() {
                    return Err(format!("{} is {} and closed at {:?}", row.id, row.state, row.closed_ms));
                }
                if change.late && (row.alarmed_ms.is_none() || !self.late.insert(row.id)) {
                    return Err(format!("a second alarm, or one without its time: {row:?}"));
                }
                if let Some(miss) = &change.miss {
                    self.misses.insert(miss.clone(), row.id);
                    let said = self.wishes.get(miss).cloned().unwrap_or_default();
                    self.heard.entry((row.id, miss.clone())).or_default().extend(said);
                }
                if let Some(recovered) = change.recovered {
                    for (miss, _) in self.misses.iter().filter(|(_, id)| **id == row.id) {
                        self.recovered.insert(miss.clone(), recovered);
                    }
                }
                if let Some(step) = change.change.as_ref().filter(|step| step.by != "callbackd") {
                    self.changed.insert(row.id, step.at_ms);
                }
                if let Some(by) = &change.asked {
                    let at_ms = self.requests.entry((row.id, by.call.clone(), by.code.clone())).or_default();
                    *at_ms = by.at_ms.max(*at_ms);
                    // A code is followed with what else the call's row holds, from whichever run.
                    let said = self.calls.get(&by.call).map(wishes_of).unwrap_or_default();
                    self.heard.entry((row.id, by.call.clone())).or_default().extend(said);
                }
                self.by_code
                    .extend(change.change.iter().filter(|step| step.note.contains("requested by")).map(|_| row.id));
                self.callbacks.insert(row.id, row.clone());
            }
            Record::Attempt(row) => {
                if row.talk_ms < 0 || row.ended_ms.is_some_and(|ended| ended < row.intended_ms - DAY_MS) {
                    return Err(format!("an attempt with a negative time: {row:?}"));
                }
                let before = self.attempts.insert(row.channel_id.clone(), (**row).clone());
                if before.is_some_and(|before| before.result.is_some() && row.result.is_none()) {
                    return Err(format!("{} was over and is begun again", row.channel_id));
                }
            }
            Record::DncAdd(entry) => {
                self.once_listed.insert(entry.number_e164.clone());
                self.do_not_call.insert(entry.number_e164.clone(), entry.clone());
            }
            Record::DncRemove(number) => drop(self.do_not_call.remove(number)),
            Record::Agent { .. } => {}
            Record::Interval(interval) => {
                if interval.to_ms.is_some_and(|to| to < interval.from_ms) {
                    return Err(format!("an interval ends before it begins: {interval:?}"));
                }
            }
        }
        Ok(())
    }

    /// Linkedids under which several PBXs have a call.
    pub fn shared(&self) -> u64 {
        let linkedids: BTreeSet<_> = self.calls.keys().map(|call| &call.linkedid).collect();
        (self.calls.len() - linkedids.len()) as u64
    }

    /// Callbacks that began on another PBX than they ended on.
    pub fn moved(&self) -> u64 {
        let moved = |row: &&CallbackRow| row.first_miss.as_ref().is_some_and(|miss| miss.pbx != row.pbx);
        self.callbacks.values().filter(moved).count() as u64
    }

    /// What a tracker that starts now reads: a call that was recorded already keeps its row.
    pub fn calls_left(&mut self, pbx: &str) -> Vec<CallInProgress> {
        self.in_progress.retain(|call, _| !self.calls.contains_key(call));
        self.in_progress.values().filter(|call| call.pbx == *pbx).cloned().collect()
    }

    /// What a scheduler that starts now reads.
    pub fn restored(&self, now_ms: i64) -> RestoredState {
        use AttemptResult as R;
        let unreached = [
            R::AgentNoAnswer,
            R::AgentBusy,
            R::AgentRejected,
            R::AgentForwarded,
            R::NeverRang,
            R::OriginateError,
            R::AbortedServed,
        ];
        let open: Vec<&CallbackRow> = self.callbacks.values().filter(|row| row.closed_ms.is_none()).collect();
        let last = |id: i64| self.attempts.values().filter(|a| a.callback_id == id).max_by_key(|a| a.n);
        let refusal = |row: &&CallbackRow| {
            let last = last(row.id)?;
            let refused =
                [R::AgentNoAnswer, R::AgentBusy, R::AgentRejected, R::AgentLeft, R::AgentForwarded, R::NeverRang]
                    .contains(&last.result?);
            refused.then(|| Some((row.id, AgentKey::new(&last.pbx, last.agent.as_ref()?), last.ended_ms?)))?
        };
        let dialled = self
            .attempts
            .values()
            .filter(|a| a.intended_ms > now_ms - DAY_MS && a.result.is_none_or(|result| !unreached.contains(&result)));
        let number = |id: i64| self.callbacks.get(&id).and_then(|row| row.number_e164.clone());
        let mut owners: BTreeMap<E164, (AgentKey, i64)> = BTreeMap::new();
        for call in self.calls.values().filter(|c| c.talk_ms > 0 && c.direction != Direction::Internal) {
            if let (Some(number), Some(agent)) = (&call.number_e164, &call.agent)
                && owners.get(number).is_none_or(|(_, at)| *at < call.ended_ms)
            {
                owners.insert(number.clone(), (AgentKey::new(&call.pbx, agent), call.ended_ms));
            }
        }
        let mut served: BTreeMap<E164, Served> = BTreeMap::new();
        for call in self.calls.values().filter(|c| c.status == Status::Answer) {
            let by = match call.direction {
                Direction::Inbound if call.outcome == Outcome::Agent => RecoveredBy::Customer,
                Direction::Outbound if call.talk_ms >= MIN_TALK_MS => RecoveredBy::Agent,
                Direction::Callback if call.talk_ms >= MIN_TALK_MS => RecoveredBy::Callback,
                _ => continue,
            };
            let Some(number) = call.number_e164.clone() else { continue };
            let at_ms = call.answered_ms.unwrap_or(call.ended_ms);
            let this = Served { by, call: call.key(), began_ms: call.started_ms, at_ms, ended_ms: call.ended_ms };
            if served.get(&number).is_none_or(|s| s.ended_ms < this.ended_ms) {
                served.insert(number, this);
            }
        }
        let in_flight = || self.attempts.values().filter(|a| a.result.is_none());
        let meanwhile = in_flight().flat_map(|attempt| {
            let number = number(attempt.callback_id);
            let theirs = self.calls.values().filter(move |call| number.is_some() && call.number_e164 == number);
            theirs.flat_map(|call| {
                let tags = call.tags.iter().chain(self.said(call));
                let since = tags
                    .filter(|tag| tag.at_ms.max(call.ended_ms) >= attempt.intended_ms - 3_600_000)
                    .filter(|tag| !self.was_followed(call, tag));
                since.map(|tag| (call.clone(), tag.clone()))
            })
        });
        let closed =
            |attempt: &&AttemptRow| self.callbacks.get(&attempt.callback_id).is_some_and(|row| row.closed_ms.is_some());
        let called = in_flight().filter(closed).filter_map(|a| Some((a.callback_id, number(a.callback_id)?)));
        let asked = in_flight().filter(|a| self.changed.get(&a.callback_id).is_some_and(|at| *at >= a.intended_ms));
        let lost_its_code = |attempt: &&AttemptRow| {
            let row = self.callbacks.get(&attempt.callback_id).filter(|row| row.closed_ms.is_none());
            row.is_some_and(|row| row.code.is_some() && self.asked_by(row.id).next().is_none())
        };
        let tags =
            self.calls.iter().flat_map(|(key, call)| call.tags.iter().chain(self.said(call)).map(move |t| (key, t)));
        let said = tags.map(|(key, tag)| (key.clone(), tag.code.clone(), (tag.by != "rule").then_some(tag.at_ms)));
        let taken_off = self.taken_off.iter().map(|(call, code)| (call.clone(), code.clone(), None));
        RestoredState {
            said: said.chain(taken_off).collect(),
            asked_by: open.iter().flat_map(|row| self.asked_by(row.id).map(|by| (row.id, by))).collect(),
            taken_back: in_flight().filter(lost_its_code).map(|a| a.callback_id).collect(),
            asked: asked.map(|a| a.callback_id).collect(),
            called: called.collect(),
            meanwhile: meanwhile.collect(),
            served: served.into_iter().collect(),
            open: open.iter().map(|row| ((*row).clone(), self.missed(row.id).collect())).collect(),
            in_flight: in_flight().cloned().collect(),
            refusals: open.iter().filter_map(refusal).collect(),
            dialled: dialled.filter_map(|a| Some((a.intended_ms, number(a.callback_id)?))).collect(),
            owners: owners.into_iter().map(|(number, (agent, at))| (number, agent, at)).collect(),
            do_not_call: self.do_not_call.values().cloned().collect(),
            last_id: self.callbacks.keys().next_back().copied().unwrap_or(0),
        }
    }
}

/// Codes and notes by which its caller asked to be called back.
fn wishes_of(call: &FinishedCall) -> BTreeSet<(String, String)> {
    let wishes = call.tags.iter().filter(|tag| tag.code.starts_with("CALLBACK"));
    wishes.map(|tag| (tag.code.clone(), tag.note.clone())).collect()
}

/// What no row may say.
fn sane(call: &FinishedCall) -> Result<(), String> {
    let times = [call.wait_ms, call.queue_wait_ms, call.ring_ms, call.talk_ms, call.hold_ms];
    if times.iter().any(|ms| *ms < 0) || call.ended_ms < call.started_ms {
        return Err(format!("a negative time in {call:?}"));
    }
    if call.answered_ms.is_some_and(|at| at < call.started_ms || at > call.ended_ms) {
        return Err(format!("answered outside of the call: {call:?}"));
    }
    Ok(())
}
