//! Readers of the change feed through a day: a real database beside the disk of the model, and what each reader makes of what it is told. Judged by
//! what was committed, counted here anew.

use crate::core::PBXS;
use crate::disk::Disk;
use callbackd::store::feed::{Behind, Change, ChangedRow, Cursor};
use callbackd::store::{CallFilter, CallbackFilter, FeedRules, Reader, Store};
use callbackd_core::model::{
    AttemptRow, CallKey, CallbackRow, Direction, DoNotCall, FinishedCall, News, Record, Status,
};
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Changes that a reader takes at once, at most.
const AT_ONCE: usize = 16;

/// What readers came to in a day.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// Changes that were delivered, again and again ones too.
    pub delivered: u64,
    /// Times that a reader lost what it had not saved.
    pub killed: u64,
    /// Times that one had to begin anew.
    pub reset: u64,
}

/// Kind and key.
type Told = (String, String);

/// The database of a day, and those who read its feed.
pub struct FeedOfADay {
    _directory: tempfile::TempDir,
    path: PathBuf,
    rules: FeedRules,
    store: Option<Store>,
    /// What readers must be told, in order: number `n` of it is change `n + 1`.
    expected: Vec<Told>,
    recovered: BTreeSet<CallKey>,
    readers: Vec<Follower>,
    rng: Rng,
    pub reading: Reading,
}

/// What a reader holds of the tables.
#[derive(Clone, Default)]
struct Mirror {
    cursor: Option<Cursor>,
    calls: BTreeMap<CallKey, (i64, FinishedCall)>,
    recovered: BTreeSet<CallKey>,
    callbacks: BTreeMap<i64, (i64, CallbackRow)>,
    attempts: BTreeMap<String, AttemptRow>,
    do_not_call: BTreeSet<String>,
}

/// A reader, and what it has saved of its mirror: with a crash it goes back to that.
#[derive(Default)]
struct Follower {
    mirror: Mirror,
    saved: Mirror,
}

impl FeedOfADay {
    /// `max_rows`: of the feed; few of them make readers begin anew.
    pub fn new(seed: u64, max_rows: u64) -> Self {
        // The files are synced at each commit: in memory that costs nothing.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = directory.path().join("calls.db");
        let mut told = Self {
            path,
            _directory: directory,
            rules: FeedRules { max_rows, in_progress: true, ..FeedRules::default() },
            store: None,
            expected: Vec::new(),
            recovered: BTreeSet::new(),
            readers: vec![Follower::default(), Follower::default()],
            rng: Rng::with_seed(seed ^ 0xFEED),
            reading: Reading::default(),
        };
        told.open();
        told
    }

    fn open(&mut self) {
        let mut store = Store::open(&self.path).unwrap();
        store.record_changes(self.rules.clone()).unwrap();
        self.store = Some(store);
    }

    /// The daemon starts anew; the last one was killed, or stopped.
    pub fn restart(&mut self) {
        self.store = None;
        self.open();
        let store = self.store.as_ref().unwrap();
        PBXS.iter().for_each(|pbx| drop(store.calls_left(pbx).unwrap()));
    }

    /// A transaction. `disk` is as it was before.
    pub fn commit(&mut self, disk: &Disk, batch: &[Record]) -> Result<(), String> {
        self.expect(disk, batch);
        let refused = self.store.as_mut().unwrap().write(batch).map_err(|error| error.to_string())?;
        if !refused.is_empty() {
            return Err(format!("the database refused {refused:?} of {batch:?}"));
        }
        if self.rng.u32(..4) == 0 {
            for n in 0..self.readers.len() {
                self.read(n)?;
            }
        }
        Ok(())
    }

    fn expect(&mut self, disk: &Disk, batch: &[Record]) {
        // As the rows are while the transaction goes on.
        let mut now = disk.clone();
        for record in batch {
            let (kind, key) = match record {
                Record::Call(call) => {
                    let kind = match now.calls.get(&call.key()) {
                        Some(old) if *old == **call => "",
                        Some(_) => "call.updated",
                        None if call.direction == Direction::Inbound && call.outcome.meaning().missed => "call.missed",
                        None => "call.ended",
                    };
                    (kind, call.linkedid.clone())
                }
                Record::InProgress(call) => {
                    let kind = match now.in_progress.get(&CallKey::new(&call.pbx, &call.linkedid)) {
                        None => "call.started",
                        Some(old) if old.answered_ms.is_none() && call.answered_ms.is_some() => "call.answered",
                        Some(_) => "",
                    };
                    (kind, call.linkedid.clone())
                }
                Record::NotInProgress { pbx, linkedid } => {
                    let there = now.in_progress.contains_key(&CallKey::new(pbx, linkedid));
                    (if there { "call.withdrawn" } else { "" }, linkedid.clone())
                }
                Record::Callback(change) => {
                    let new = !now.callbacks.contains_key(&change.row.id);
                    let kind = match (change.row.closed_ms, new) {
                        (Some(_), _) if new || change.change.is_some() => "callback.closed",
                        (_, true) => "callback.created",
                        _ if change.late => "callback.late",
                        (_, false) => "callback.updated",
                    };
                    (kind, change.row.id.to_string())
                }
                Record::Attempt(row) if row.result.is_some() => {
                    ("callback.attempted", format!("{}/{}", row.callback_id, row.n))
                }
                Record::Gap(gap) => ("gap.recorded", gap.from_ms.to_string()),
                Record::News(news) => match &**news {
                    News::LinkUp { at_ms, .. } => ("link.up", at_ms.to_string()),
                    News::LinkDown { at_ms, .. } => ("link.down", at_ms.to_string()),
                    News::QueueAlarm { queue, .. } => ("queue.alarm", queue.clone()),
                    News::Ringing(call) => ("call.ringing", call.linkedid.clone()),
                },
                Record::DncAdd(entry) => ("dnc.added", entry.number_e164.to_string()),
                Record::DncRemove(number) if now.do_not_call.contains_key(number) => {
                    ("dnc.removed", number.to_string())
                }
                _ => ("", String::new()),
            };
            if !kind.is_empty() {
                self.expected.push((kind.to_owned(), key));
            }
            // What breaks a rule of the rows is the model's to say.
            let _ = now.commit(std::slice::from_ref(record));
            if let Record::Callback(change) = record
                && change.recovered.is_some()
            {
                let missed =
                    |call: &FinishedCall| call.direction == Direction::Inbound && call.status != Status::Answer;
                let of = now.misses.iter().filter(|(_, id)| **id == change.row.id).map(|(miss, _)| miss.clone());
                for miss in of.filter(|miss| now.calls.get(miss).is_some_and(missed)) {
                    if self.recovered.insert(miss.clone()) {
                        self.expected.push(("call.recovered".to_owned(), miss.linkedid.to_string()));
                    }
                }
            }
        }
    }

    /// A reader takes a few changes, saves what it has or not, and may be killed.
    fn read(&mut self, n: usize) -> Result<bool, String> {
        let reader = Reader::open(&self.path).unwrap();
        let most = self.rng.usize(1..=AT_ONCE);
        let follower = &mut self.readers[n];
        let after = follower.mirror.cursor.clone();
        let (feed, found) = reader.changes(after.as_ref(), most).map_err(|error| error.to_string())?;
        let from = after.as_ref().map_or(0, |cursor| cursor.seq);
        let more = match found {
            Ok(changes) => {
                let seqs: Vec<i64> = changes.iter().map(|change| change.seq).collect();
                let first = if after.is_some() { from + 1 } else { feed.first };
                if seqs.iter().ne((first..).take(seqs.len()).collect::<Vec<_>>().iter()) {
                    return Err(format!("after {from} the feed tells {seqs:?}"));
                }
                for change in &changes {
                    let index = usize::try_from(change.seq - 1).unwrap();
                    same(&self.expected, index, change)?;
                    follower.mirror.take(change);
                    self.reading.delivered += 1;
                }
                if let Some(last) = seqs.last() {
                    follower.mirror.cursor = Some(feed.at(*last));
                }
                !changes.is_empty()
            }
            Err(Behind::Removed) if self.rules.max_rows < 1_000 => {
                self.reading.reset += 1;
                follower.mirror = Mirror::of_the_tables(&reader);
                true
            }
            Err(behind) => return Err(format!("a reader that had taken {from} is told: {behind}")),
        };
        match self.rng.u32(..8) {
            0 => {
                self.reading.killed += 1;
                follower.mirror = follower.saved.clone();
            }
            1..5 => follower.saved = follower.mirror.clone(),
            _ => {}
        }
        Ok(more)
    }

    /// At the end of the day: each reader reads to the end, and then holds what the tables of the model hold.
    pub fn verdict(&mut self, disk: &Disk) -> Result<(), String> {
        let last = self.store.as_ref().unwrap().fed().last;
        if usize::try_from(last).unwrap() != self.expected.len() {
            return Err(format!("{last} changes were told, and {} were committed", self.expected.len()));
        }
        for n in 0..self.readers.len() {
            while self.readers[n].mirror.cursor.as_ref().is_none_or(|cursor| cursor.seq < last) {
                self.read(n)?;
            }
            let mirror = &self.readers[n].mirror;
            mirror.is(disk)?;
            if mirror.recovered != self.recovered {
                return Err(format!(
                    "a reader knows {:?} as won back, and these are: {:?}",
                    mirror.recovered, self.recovered
                ));
            }
        }
        Ok(())
    }
}

/// What is delivered is what was committed as the change of this number; customers who were won back together have no order among them.
fn same(expected: &[Told], index: usize, change: &Change) -> Result<(), String> {
    let told = (change.kind.to_string(), change.key.clone());
    let together = |n: &usize| expected.get(*n).is_some_and(|(kind, _)| kind == "call.recovered");
    let right = match expected.get(index) {
        Some(one) if *one == told => true,
        Some(_) if together(&index) => {
            let begin = (0..=index).rev().take_while(together).last().unwrap_or(index);
            (begin..).take_while(together).any(|n| expected[n] == told)
        }
        _ => false,
    };
    if right { Ok(()) } else { Err(format!("change {} is {told:?}, and was {:?}", change.seq, expected.get(index))) }
}

impl Mirror {
    /// The row of the highest `rev` is kept.
    fn take(&mut self, change: &Change) {
        match &change.row {
            Some(ChangedRow::Call(stored)) => self.call(stored.rev, &stored.call, stored.recovered.is_some()),
            Some(ChangedRow::Callback { row, rev })
                if self.callbacks.get(&row.id).is_none_or(|(held, _)| held <= rev) =>
            {
                self.callbacks.insert(row.id, (*rev, (**row).clone()));
            }
            Some(ChangedRow::Callback { .. }) => {}
            Some(ChangedRow::Attempt { row, .. }) => {
                drop(self.attempts.insert(row.channel_id.clone(), (**row).clone()))
            }
            None if change.kind.as_str() == "dnc.added" => drop(self.do_not_call.insert(change.key.clone())),
            None if change.kind.as_str() == "dnc.removed" => drop(self.do_not_call.remove(&change.key)),
            None => {}
        }
    }

    fn call(&mut self, rev: i64, call: &FinishedCall, recovered: bool) {
        if self.calls.get(&call.key()).is_none_or(|(held, _)| *held <= rev) {
            self.calls.insert(call.key(), (rev, call.clone()));
        }
        if recovered {
            self.recovered.insert(call.key());
        }
    }

    fn of_the_tables(reader: &Reader) -> Self {
        let mut mirror = Self { cursor: Some(reader.feed().unwrap().end()), ..Self::default() };
        for found in reader.calls(&CallFilter::default()).unwrap() {
            let whole = reader.calls_under(&found.call.pbx, [found.call.linkedid.as_str()].into_iter()).unwrap();
            whole.iter().for_each(|stored| mirror.call(stored.rev, &stored.call, stored.recovered.is_some()));
        }
        for row in reader.callbacks(&CallbackFilter::default()).unwrap() {
            let story = reader.callback_history(row.id).unwrap().unwrap();
            let over = story.attempts.into_iter().filter(|attempt| attempt.result.is_some());
            mirror.attempts.extend(over.map(|attempt| (attempt.channel_id.clone(), attempt)));
            mirror.callbacks.insert(row.id, (0, row));
        }
        let do_not_call = |entry: DoNotCall| {
            mirror.do_not_call.insert(entry.number_e164.to_string());
            ControlFlow::Continue(())
        };
        reader.each_do_not_call(0, do_not_call).unwrap();
        mirror
    }

    fn is(&self, disk: &Disk) -> Result<(), String> {
        let calls = self.calls.iter().map(|(key, (_, call))| (key, FinishedCall { callback_id: None, ..call.clone() }));
        let stored = disk.calls.iter().map(|(key, call)| (key, FinishedCall { callback_id: None, ..call.clone() }));
        for ((key, mirrored), (other, held)) in calls.zip(stored) {
            if (key, &mirrored) != (other, &held) {
                return Err(format!("a reader holds {mirrored:?}, and stored is {held:?}"));
            }
        }
        let attempts = disk.attempts.values().filter(|row| row.result.is_some()).count();
        let counts = [self.calls.len(), self.callbacks.len(), self.attempts.len(), self.do_not_call.len()];
        let held = [disk.calls.len(), disk.callbacks.len(), attempts, disk.do_not_call.len()];
        if counts != held {
            return Err(format!(
                "a reader holds {counts:?} calls, callbacks, attempts and numbers, and stored are {held:?}"
            ));
        }
        for (id, (_, row)) in &self.callbacks {
            if disk.callbacks[id] != *row {
                return Err(format!("a reader holds {row:?}, and stored is {:?}", disk.callbacks[id]));
            }
        }
        match self.attempts.values().find(|row| disk.attempts[&row.channel_id] != **row) {
            Some(row) => Err(format!("a reader holds {row:?}, and stored is another")),
            None => Ok(()),
        }
    }
}
