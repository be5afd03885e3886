//! Gaps filled: after each outage Asterisk's CDR and queue_log are read beside the loop, and what they prove goes the way of every call.

use super::monitor::{Monitor, Standing};
use crate::config::{Config, Pbx};
use crate::records::{Calls, Files, RecordsError};
use crate::store::{self, Reader};
use crate::timing::Timing;
use callbackd_core::millis::Millis;
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{AttemptPrefix, FinishedCall, Moment, OurAttempts, PbxId, Quality, Record, Status};
use callbackd_core::reconcile::gatherer::LONGEST_CALL_MS;
use callbackd_core::reconcile::{Account, Prover};
use callbackd_core::tracker::{Known, MAX_TRUNKS_MET};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;

/// Looks that wait at once; one more goes together with the last.
const MAX_WAITING: usize = 64;
/// A call whose end was seen this long (ms) before sync was lost may not have reached the disk.
const UNSTORED_MS: Millis = 10_000;
/// CDR have whole seconds, and may be of another clock.
const ROUNDING_MS: Millis = 2_000;
/// Rows that are handed on together, and what they weigh, bytes: one row more at most.
const BATCH: usize = 200;
const BATCH_BYTES: usize = 1 << 20;
/// While so many records wait for the disk, no further rows are taken.
pub(crate) const MOST_UNSAVED: usize = BATCH;

/// What comes of a look, as it comes.
#[derive(Debug)]
pub(crate) struct Found {
    pbx: PbxId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// To be recorded, in the order in which they ended.
    Calls(Vec<FinishedCall>),
    /// There are no more.
    Over(Result<Sums, LookError>),
}

/// What a look met besides.
#[derive(Debug, Default)]
struct Sums {
    /// Lines of CDR files that are none.
    unreadable: u64,
    /// Calls that have more records than are held at once.
    given_up: u64,
}

/// Rows of the look that is under way.
#[derive(Debug, Default)]
struct Taken {
    calls: usize,
    unknown: usize,
}

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{0}; please report this")]
    Panicked(tokio::task::JoinError),
    #[error("callbackd stops")]
    Stopping,
}

/// A look that is to be taken.
#[derive(Debug, Clone, Copy)]
struct Due {
    at_mono_ms: u64,
    from_ms: Millis,
    /// Calls that ended up to then; `None`: up to the moment of the look.
    to_ms: Option<Millis>,
}

/// Gaps that wait to be proved, of all PBXs whose files can be read.
#[derive(Debug)]
pub(crate) struct Proofs {
    pbxs: Vec<PbxGaps>,
    db: PathBuf,
    ours: OurAttempts,
    found: (mpsc::Sender<Found>, mpsc::Receiver<Found>),
}

/// Gaps of one PBX that wait to be proved.
#[derive(Debug)]
struct PbxGaps {
    pbx: PbxId,
    files: Files,
    rules: Rules,
    waiting: Vec<Due>,
    /// What has come of the look that is under way.
    looking: Option<Taken>,
    /// Calls whose records were given up for want of room, since the start.
    given_up: u64,
}

impl Proofs {
    /// As configured, with the form of our attempts' ids.
    pub(crate) fn new(config: &Config, prefix: AttemptPrefix) -> Self {
        let gaps = |pbx: &Pbx| PbxGaps {
            pbx: pbx.name.clone(),
            files: pbx.gap.clone(),
            rules: pbx.settings.rules(),
            waiting: Vec::new(),
            looking: None,
            given_up: 0,
        };
        Self {
            pbxs: config.pbx.iter().map(gaps).collect(),
            db: config.store.path.clone(),
            ours: OurAttempts::of(prefix),
            // Whoever looks waits for room: so rows come no faster than they are stored.
            found: mpsc::channel(1),
        }
    }

    /// What comes of a look next, to be given to [`Proofs::take`]. Nothing is lost if it is not waited for to the end.
    pub(crate) async fn found(&mut self) -> Option<Found> {
        self.found.1.recv().await
    }

    /// The configuration changed; the PBXs are the same.
    pub(crate) fn configure(&mut self, config: &Config) {
        for gaps in &mut self.pbxs {
            if let Some(pbx) = config.named(&gaps.pbx) {
                gaps.files = pbx.gap.clone();
                gaps.rules = pbx.settings.rules();
            }
        }
    }

    /// Takes a record of a tracker: it may be of a call that was not seen whole.
    pub(crate) fn hear(&mut self, record: &Record, now: Moment) {
        let pbx = match record {
            Record::Gap(gap) => &gap.pbx,
            Record::Call(call) => &call.pbx,
            _ => return,
        };
        if let Some(gaps) = self.pbxs.iter_mut().find(|gaps| gaps.pbx == *pbx) {
            gaps.hear(record, now);
        }
    }

    /// When to look next, by the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.pbxs.iter().filter_map(PbxGaps::deadline).min()
    }

    /// Looks if it is time. `unsaved`: rows that are on their way to the disk could not be seen there; it is looked later then.
    pub(crate) fn look(&mut self, monitors: &[Monitor], unsaved: bool, now: Moment) {
        for gaps in &mut self.pbxs {
            let Some(monitor) = monitors.iter().find(|w| w.name == gaps.pbx) else { continue };
            let Some(job) = gaps.look(monitor, (&self.db, &self.ours), unsaved, now) else { continue };
            let hand = self.found.0.clone();
            tokio::spawn(beside(job.pbx.clone(), move || job.run(&hand), self.found.0.clone()));
        }
    }

    /// Of this PBX, calls whose records were given up for want of room, since the start.
    pub(crate) fn given_up(&self, pbx: &str) -> u64 {
        self.pbxs.iter().find(|gaps| *gaps.pbx == *pbx).map_or(0, |gaps| gaps.given_up)
    }

    /// What was found, less what the tracker knows better by now: to be recorded as calls are.
    pub(crate) fn take(&mut self, found: Found, monitors: &[Monitor]) -> Vec<FinishedCall> {
        let Some(gaps) = self.pbxs.iter_mut().find(|gaps| gaps.pbx == found.pbx) else { return Vec::new() };
        match found.what {
            What::Calls(mut calls) => {
                let tracker = monitors.iter().find(|w| w.name == found.pbx).map(Monitor::tracker);
                calls.retain(|call| match tracker.map_or(Known::Nothing, |e| e.memory_of(&call.linkedid)) {
                    Known::Nothing => true,
                    Known::Live => false,
                    Known::Recorded(recorded) => recorded.wants_proof(),
                });
                let taken = gaps.looking.get_or_insert_default();
                taken.calls += calls.len();
                taken.unknown += calls.iter().filter(|c| c.status == Status::Unknown).count();
                return calls;
            }
            What::Over(Ok(Sums { unreadable, given_up })) => {
                gaps.given_up += given_up;
                let Taken { calls, unknown } = gaps.looking.take().unwrap_or_default();
                if calls > 0 || given_up > 0 {
                    tracing::info!(
                        target: "session", pbx = %found.pbx, calls, unknown, unreadable, given_up,
                        "Gap reconstructed from Asterisk's CDR and queue_log"
                    );
                }
            }
            What::Over(Err(err)) => {
                gaps.looking = None;
                tracing::warn!(
                    target: "session", pbx = %found.pbx, %err,
                    "Gap cannot be reconstructed; its calls stay UNKNOWN or missing"
                );
            }
        }
        Vec::new()
    }
}

/// Looks on a thread of its own, and says when it is over, whatever came of it: the next look at this PBX waits for that.
async fn beside(
    pbx: PbxId,
    look: impl FnOnce() -> Result<Sums, LookError> + Send + 'static,
    found: mpsc::Sender<Found>,
) {
    let over = tokio::task::spawn_blocking(look).await.unwrap_or_else(|panic| Err(LookError::Panicked(panic)));
    // The loop may have ended. While there is no room, this task waits, not the loop.
    let _ = found.send(Found { pbx, what: What::Over(over) }).await;
}

/// So long after a gap its records are read, ms.
fn looks_ms() -> [u64; 3] {
    let Timing { records_look, records_second_look, records_third_look, .. } = Timing::get();
    [records_look, records_second_look, records_third_look]
        .map(|look| u64::try_from(look.as_millis()).unwrap_or(u64::MAX))
}

fn first_look_ms() -> u64 {
    looks_ms()[0]
}

impl PbxGaps {
    fn hear(&mut self, record: &Record, now: Moment) {
        if self.files.cdr_csv.is_none() {
            return;
        }
        match record {
            Record::Gap(gap) => {
                for (n, after) in looks_ms().into_iter().enumerate() {
                    let to_ms = (n == 0).then_some(gap.to_ms + ROUNDING_MS);
                    self.wait(Due { at_mono_ms: now.mono_ms + after, from_ms: gap.from_ms - UNSTORED_MS, to_ms });
                }
            }
            // Of one that lived through a gap and ended afterwards.
            Record::Call(call) if call.wants_proof() && call.quality != Quality::Backfilled => {
                let from_ms = call.ended_ms - UNSTORED_MS;
                for after in looks_ms() {
                    self.wait(Due { at_mono_ms: now.mono_ms + after, from_ms, to_ms: None });
                }
            }
            _ => {}
        }
    }

    fn wait(&mut self, due: Due) {
        // Looks at nearly the same time are one.
        let near = |d: &&mut Due| {
            d.at_mono_ms.abs_diff(due.at_mono_ms) < first_look_ms() && d.to_ms.is_none() == due.to_ms.is_none()
        };
        if let Some(other) = self.waiting.iter_mut().find(near) {
            other.from_ms = other.from_ms.min(due.from_ms);
            other.to_ms = other.to_ms.max(due.to_ms);
        } else if self.waiting.len() >= MAX_WAITING
            && let Some(last) = self.waiting.iter_mut().max_by_key(|d| d.at_mono_ms)
        {
            last.from_ms = last.from_ms.min(due.from_ms);
            last.at_mono_ms = last.at_mono_ms.max(due.at_mono_ms);
            last.to_ms = None;
        } else {
            self.waiting.push(due);
        }
    }

    fn deadline(&self) -> Option<u64> {
        self.waiting.iter().map(|due| due.at_mono_ms).min().filter(|_| self.looking.is_none())
    }

    /// The look that it is time for.
    fn look(
        &mut self,
        monitor: &Monitor,
        (db, ours): (&Path, &OurAttempts),
        unsaved: bool,
        now: Moment,
    ) -> Option<Job> {
        self.deadline().filter(|at| *at <= now.mono_ms)?;
        // Nor does the tracker know which calls are up while sync is lost: the gap that then ends asks again.
        if unsaved || monitor.standing != Standing::Live {
            for due in self.waiting.iter_mut().filter(|due| due.at_mono_ms <= now.mono_ms) {
                due.at_mono_ms = now.mono_ms + first_look_ms();
            }
            return None;
        }
        let (due, later): (Vec<Due>, Vec<Due>) = self.waiting.drain(..).partition(|due| due.at_mono_ms <= now.mono_ms);
        self.waiting = later;
        let from_ms = due.iter().map(|due| due.from_ms).min().unwrap_or(now.wall_ms);
        let to_ms = if due.iter().any(|d| d.to_ms.is_none()) { None } else { due.iter().filter_map(|d| d.to_ms).max() };
        self.looking = Some(Taken::default());
        Some(Job {
            pbx: self.pbx.clone(),
            files: self.files.clone(),
            db: db.to_owned(),
            ours: ours.clone(),
            rules: self.rules.clone(),
            trunks: monitor.tracker().trunks_met().map(str::to_owned).collect(),
            live: monitor.tracker().live_linkedids().map(str::to_owned).collect(),
            from_ms,
            to_ms: to_ms.unwrap_or(now.wall_ms),
        })
    }
}

/// One look, apart from the loop.
struct Job {
    pbx: PbxId,
    files: Files,
    db: PathBuf,
    ours: OurAttempts,
    rules: Rules,
    trunks: BTreeSet<String>,
    live: BTreeSet<String>,
    from_ms: Millis,
    to_ms: Millis,
}

impl Job {
    /// Hands on what it finds in batches, each when there is room for it.
    fn run(mut self, hand: &mpsc::Sender<Found>) -> Result<Sums, LookError> {
        let reader = Reader::open(Path::new(&self.db))?;
        self.trunks.extend(reader.trunks(&self.pbx, MAX_TRUNKS_MET)?);
        let mut read = Calls::since(&self.files, self.from_ms - LONGEST_CALL_MS, &TimeZone::system())?;
        let prover = Prover { pbx: &self.pbx, rules: &self.rules, trunks: &self.trunks, ours: &self.ours };
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(accounts) = read.further()? {
            let calls = accounts.into_iter().flat_map(|account| prover.calls(account));
            for account in calls.filter(|account| self.wants(account)) {
                let Some(call) = reader.prove(&prover, &account)? else { continue };
                bytes += call.bytes();
                batch.push(call);
                if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                    self.hand(std::mem::take(&mut batch), hand)?;
                    bytes = 0;
                }
            }
            if hand.is_closed() {
                return Err(LookError::Stopping);
            }
        }
        self.hand(batch, hand)?;
        Ok(Sums { unreadable: read.unreadable(), given_up: read.given_up() })
    }

    fn hand(&self, calls: Vec<FinishedCall>, hand: &mpsc::Sender<Found>) -> Result<(), LookError> {
        let found = Found { pbx: self.pbx.clone(), what: What::Calls(calls) };
        hand.blocking_send(found).map_err(|_| LookError::Stopping)
    }

    /// It ended in the gap, and is not up.
    fn wants(&self, account: &Account) -> bool {
        let ended_ms = account.ended_ms();
        let in_gap = ended_ms >= self.from_ms && ended_ms <= self.to_ms && account.is_whole();
        in_gap && !account.ids.iter().any(|id| self.live.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_look_that_panics_is_said_and_the_next_one_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("callbackd.toml");
        std::fs::write(&path, "[pbx]\nname = \"a\"\nsecret_file = \"secret\"\n").unwrap();
        let config = Config::load(&path).unwrap_or_else(|refusal| panic!("{}", refusal.render(false)));
        let mut proofs = Proofs::new(&config, AttemptPrefix::of("0a1b2c3d").unwrap());
        let pbx = config.pbx[0].name.clone();
        proofs.pbxs[0].waiting.push(Due { at_mono_ms: 5, from_ms: 0, to_ms: None });
        proofs.pbxs[0].looking = Some(Taken::default());
        assert_eq!(proofs.deadline(), None, "one at a time");
        tokio::spawn(beside(pbx.clone(), || panic!("a fault"), proofs.found.0.clone()));
        let found = proofs.found().await.unwrap();
        assert!(
            matches!(&found.what, What::Over(Err(LookError::Panicked(panic))) if panic.to_string().contains("a fault"))
        );
        assert_eq!(found.pbx, pbx);
        assert!(proofs.take(found, &[]).is_empty());
        assert_eq!(proofs.deadline(), Some(5), "the next look waits for its time only");
    }
}
