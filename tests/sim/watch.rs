//! The oracle: what was seen, what really happened, and what may therefore not be otherwise. It knows nothing of the code under test.

use crate::disk::Disk;
use crate::world::{LATENCY_MS, forges, is_open};
use callbackd::demo::office::Office;
use callbackd::demo::truth::{Fate, Past, Trial};
use callbackd_core::callbacks::attempt::originate::Originate;
use callbackd_core::callbacks::policy::Policies;
use callbackd_core::model::{AttemptResult, AttemptRow, CallKey, Outcome, PbxId, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What happened so shortly before that the daemon may not have heard of it, ms.
const FRESH_MS: i64 = 2 * LATENCY_MS + 50;
/// Talk of less than this (ms) is SHORT; `calls.min_talk` of the configuration.
const SERVED_MS: i64 = 3_000;

#[derive(Default)]
pub struct Watch {
    /// The PBX that is checked.
    pbx: String,
    /// What really happened.
    pub past: Vec<Past>,
    sights: Vec<(i64, i64)>,
    in_sync: Option<i64>,
    originated: BTreeMap<String, i64>,
    wrote: i64,
    skewed_ms: Option<i64>,
}

impl Watch {
    pub fn new(pbx: &str) -> Self {
        Self { pbx: pbx.to_owned(), ..Self::default() }
    }

    pub fn in_sync(&mut self, now: i64) {
        self.in_sync.get_or_insert(now);
    }

    pub fn is_in_sync(&self) -> bool {
        self.in_sync.is_some()
    }

    pub fn out_of_sight(&mut self, until: i64) {
        if let Some(from) = self.in_sync.take()
            && from < until
        {
            self.sights.push((from, until));
        }
        // A crash takes with it what was seen before sync was lost, too.
        if let Some(last) = self.sights.last_mut() {
            last.1 = last.1.min(until);
        }
    }

    /// The clocks of daemon and PBX differ from now on.
    pub fn skewed(&mut self, now: i64) {
        self.skewed_ms.get_or_insert(now);
    }

    pub fn wrote(&mut self, now: i64) {
        self.wrote = now;
    }

    /// Nothing was written, and nothing ended, for so long, ms.
    pub fn quiet_since(&self, now: i64) -> i64 {
        now - self.past.last().map_or(0, |past| past.to_ms).max(self.wrote)
    }

    fn seen(&self, from: i64, to: i64) -> bool {
        self.sights.iter().any(|(a, b)| *a <= from && to <= *b)
    }

    /// In sync without interruption since then.
    fn watched_since(&self, at: i64) -> bool {
        self.in_sync.is_some_and(|since| since <= at)
    }

    /// An agent is about to be rung for a callback.
    #[expect(clippy::too_many_arguments, reason = "everything that may be wrong at this moment")]
    pub fn originates(
        &mut self,
        disk: &Disk,
        originate: &Originate,
        number: &str,
        busy_since: Option<i64>,
        on_line_since: Option<i64>,
        now: i64,
        wall: i64,
    ) -> Result<(), String> {
        let id = &originate.channel_id;
        let agent = &originate.agent;
        if self.originated.insert(id.clone(), now).is_some() {
            return Err(format!("{id} is dialled twice"));
        }
        if disk.attempts.get(id).is_none_or(|row| row.result.is_some() || row.pbx != *self.pbx) {
            return Err(format!("{id} is dialled without an intent on the disk"));
        }
        let offered = |row: &&AttemptRow| {
            row.result.is_none() && row.pbx == *self.pbx && row.agent.as_ref() == Some(agent) && row.channel_id != *id
        };
        if let Some(other) = disk.attempts.values().find(offered) {
            return Err(format!("{id}: {agent} is rung, and {} is theirs already", other.channel_id));
        }
        let fresh = now - FRESH_MS;
        if busy_since.is_some_and(|since| since < fresh && self.watched_since(since)) {
            return Err(format!("{id}: {agent} is rung, but is busy or paused since {busy_since:?}, now is {now}"));
        }
        if on_line_since.is_some_and(|since| since < fresh && self.watched_since(since)) {
            return Err(format!(
                "{id}: {number} is to be called, but is on the line since {on_line_since:?}, now is {now}"
            ));
        }
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("{id}: {number:?} is no number"));
        }
        let e164 = format!("+{number}");
        if disk.do_not_call.get(e164.as_str()).is_some_and(|entry| entry.until_ms.is_none_or(|until| until > wall)) {
            return Err(format!("{id}: {e164} is not to be called"));
        }
        let Some(task) = disk.callbacks.get(&originate.callback_id) else {
            return Err(format!("{id} is for a callback that is not on the disk"));
        };
        if !is_open(task.queue.as_deref(), wall) {
            return Err(format!("{id} is dialled outside of hours"));
        }
        Ok(())
    }

    /// At the end of the day.
    pub fn verdict(&self, disk: &Disk, policies: &Policies) -> Result<(), String> {
        self.calls(disk)?;
        self.callbacks(disk, policies)
    }

    fn calls(&self, disk: &Disk) -> Result<(), String> {
        if !disk.in_progress.is_empty() {
            return Err(format!("still in progress: {:?}", disk.in_progress));
        }
        let office = Office::small();
        for past in self.past.iter().filter(|past| past.attempt.is_none() && !forges(&past.number)) {
            let seen = self.seen(past.from_ms, past.to_ms) && past.fate != Fate::CutOff;
            let Some(call) = disk.calls.get(&self.key(past)) else {
                if seen || self.seen(past.from_ms, past.from_ms + LATENCY_MS) {
                    return Err(format!("its beginning was seen, and it is not stored: {past:?}"));
                }
                continue;
            };
            let asked = call.outcome == Outcome::CallbackRequested;
            let status = match past.fate {
                // Who asked to be called back did not give up.
                Fate::LostInMenu | Fate::Abandoned | Fate::QueueTimeout if asked => Status::NoAnswer,
                Fate::LostInMenu | Fate::Abandoned => Status::Cancel,
                Fate::QueueTimeout if past.kindest == Some(Trial::Busy) => Status::Busy,
                Fate::QueueTimeout | Fate::Unattended => Status::NoAnswer,
                Fate::Served => Status::Answer,
                Fate::CutOff => Status::Unknown,
            };
            let recorded = format!("{} {}, {:?} of {past:?}", call.status, call.outcome, call.why);
            if seen && call.status != status {
                return Err(format!("stored as {recorded}"));
            }
            // That the queue let the caller go is a fact; that every phone was busy can only be known of a call that was seen whole.
            let let_go = past.fate == Fate::QueueTimeout && call.status == Status::NoAnswer;
            if !seen && past.fate != Fate::CutOff && call.status != status && call.status != Status::Unknown && !let_go
            {
                return Err(format!("not seen whole, and neither UNKNOWN nor right: {recorded}"));
            }
            if !seen || past.fate != Fate::Served {
                continue;
            }
            let agent = past.agent.map(|agent| office.agents[agent].interface());
            if call.agent != agent || (call.talk_ms - past.talk_ms).abs() > 100 {
                return Err(format!("stored with {:?} and {} ms: {past:?}: {call:?}", call.agent, call.talk_ms));
            }
        }
        Ok(())
    }

    fn callbacks(&self, disk: &Disk, policies: &Policies) -> Result<(), String> {
        for past in
            self.past.iter().filter(|past| past.attempt.is_none() && !past.number.is_empty() && !forges(&past.number))
        {
            let seen = self.seen(past.from_ms, past.to_ms);
            let missed =
                disk.calls.get(&self.key(past)).is_some_and(|call| policies.of(&self.pbx).on.contains(&call.outcome));
            if seen && missed && !disk.misses.contains_key(&self.key(past)) {
                return Err(format!("missed, and nobody knows: {past:?}"));
            }
        }
        for past in self.past.iter() {
            let Some(row) = past.attempt.as_ref().and_then(|attempt| disk.attempts.get(attempt)) else { continue };
            let Some(result) = row.result else { return Err(format!("an attempt has no end: {row:?}")) };
            let connected = result == AttemptResult::Connected;
            let talked = past.talk_ms >= policies.overall.min_talk_ms;
            let near = (past.talk_ms - policies.overall.min_talk_ms).abs() < 100;
            // Where the clocks of daemon and PBX differ, what began while events were not seen and ended in sync has no true duration.
            let skewed = self.skewed_ms.is_some_and(|at| at < past.to_ms) && !self.seen(past.from_ms, past.to_ms);
            if connected && !talked && !near && !skewed {
                return Err(format!("CONNECTED ({}) is not true of {past:?}: {row:?}", row.detail));
            }
            if talked && !near && !connected && self.seen(past.from_ms - 1_000, past.to_ms) {
                return Err(format!(
                    "{result} ({}) is not true of {past:?}: {row:?}, seen {:?}",
                    row.detail, self.sights
                ));
            }
        }
        Ok(())
    }

    /// The row that a call is to have.
    fn key(&self, past: &Past) -> CallKey {
        CallKey::new(&PbxId::new(&self.pbx), &past.linkedid)
    }
}

/// What must be right on all PBXs when an agent is about to be rung on one: the customer is on no line, by what was seen in sync,
/// and was not served by a call of their own after all misses that the callback is about, where the daemon saw it. Each PBX comes
/// with since when the customer is on a line there.
pub fn elsewhere(
    watches: &[(&Watch, Option<i64>)],
    disk: &Disk,
    originate: &Originate,
    number: &str,
    now: i64,
) -> Result<(), String> {
    let (id, fresh) = (&originate.channel_id, now - FRESH_MS);
    for (watch, since) in watches {
        if since.is_some_and(|since| since < fresh && watch.watched_since(since)) {
            return Err(format!("{id}: {number} is to be called, but is on the line of {} since {since:?}", watch.pbx));
        }
    }
    if disk.by_code.contains(&originate.callback_id) {
        return Ok(());
    }
    let of = |watch: &Watch, past: &Past| disk.misses.get(&watch.key(past)) == Some(&originate.callback_id);
    let missed = watches.iter().flat_map(|(watch, _)| watch.past.iter().filter(|past| of(watch, past)));
    let Some(last) = missed.map(|past| past.to_ms).max() else { return Ok(()) };
    let serves = |watch: &Watch, past: &Past| {
        past.attempt.is_none()
            && past.number == number
            && past.talk_ms >= SERVED_MS
            && past.from_ms > last
            && past.to_ms < now - 10_000
            && watch.watched_since(past.from_ms)
    };
    for (watch, _) in watches {
        if let Some(served) = watch.past.iter().find(|past| serves(watch, past)) {
            return Err(format!(
                "{id}: {number} was served by {} of {} after the last miss",
                served.linkedid, watch.pbx
            ));
        }
    }
    Ok(())
}

/// Nobody's phone rang twice for one attempt, nor for two at once, whichever PBX rang it.
pub fn dials<'w>(watches: impl Iterator<Item = &'w Watch>) -> Result<(), String> {
    let mut attempts = BTreeSet::new();
    let mut last: BTreeMap<&str, &Past> = BTreeMap::new();
    let mut dialled: Vec<&Past> =
        watches.flat_map(|watch| &watch.past).filter(|past| past.dialled_ms.is_some()).collect();
    dialled.sort_by_key(|past| past.dialled_ms);
    for past in dialled {
        if !attempts.insert(past.attempt.as_deref()) {
            return Err(format!("dialled twice for one attempt: {past:?}"));
        }
        if let Some(before) = last.insert(&past.number, past).filter(|before| Some(before.to_ms) > past.dialled_ms) {
            return Err(format!("two callbacks at once: {before:?} and {past:?}"));
        }
    }
    Ok(())
}
