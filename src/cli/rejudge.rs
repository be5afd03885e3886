//! `callbackd rejudge`: calls that are over, judged again under the rules of now.

mod again;

use super::calls::when;
use super::failure::Failure;
use super::interrupted::Interrupted;
use super::plain::{json_line, local, safe};
use super::progress;
use super::target::{Target, TargetArgs, enter, which};
use crate::config::{Config, Pbx};
use crate::daemon::feed_rules;
use crate::store::{FeedRules, Judged, Reader, Store, StoredCall, Untaped};
use again::{Again, Made};
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, FinishedCall, OurAttempts, PbxId, Quality, Record};
use indicatif::ProgressBar;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Rows that are written in one transaction.
const BATCH: usize = 500;
/// What happened so long before is given to the tracker too, ms: calls that began then may have met those that are judged.
const BEFORE_MS: Millis = 3_600_000;
/// Trunks over which calls went so long before are known, ms.
const TRUNKS_FOR_MS: Millis = 30 * 86_400_000;
/// So many ways in which rows changed are shown.
const SHOWN: usize = 20;

/// Judge calls that are over again, under the rules of the configuration as it is now; nobody is called back for it
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
For calls that were recorded under wrong rules: a context of the provider was missing in
calls.inbound_contexts, a menu or a closed announcement had another name, the region was wrong. The
daemon keeps beside each row what Asterisk said of the call; from that the row is made again, and is
written where it says something else. What people set by hand stays, and so do callbacks. Rows of
which a part was not seen, that come from Asterisk's files, or that an earlier version wrote, are
counted and left as they are. The daemon must not run meanwhile; with --dry-run it may. Ctrl-C ends
it: rows that are written by then are kept, it says how many, and the same command does the rest.

Changed rows reach sinks, and neither webhooks nor CRMs.

Exit codes: 0 done, 64 a time is none, 66 there is no database, 75 the daemon runs, 130 interrupted.

Examples:
  callbackd rejudge --since 2026-11-22 --dry-run
  systemctl stop callbackd
  runuser -u callbackd -- callbackd rejudge --since 7d
  systemctl start callbackd")]
pub struct RejudgeArgs {
    /// Where the database is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Calls that began then or later: 2026-11-22, '2026-11-22 14:00', today, 24h
    #[arg(long, value_name = "TIME")]
    pub(crate) since: String,
    /// Calls that began before then [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Name of the PBX whose calls they are [default: all of the configuration]
    #[arg(long, value_name = "NAME")]
    pub(crate) pbx: Option<String>,
    /// Say what would change, row by row, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What a new judgement came to.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Calls that were judged again.
    pub(crate) judged: u64,
    /// Rows among them that say something else now.
    pub(crate) changed: u64,
    /// Those, by what they said and what they say.
    pub(crate) changes: BTreeMap<String, u64>,
    /// Missed callers among them who were none before.
    pub(crate) missed: u64,
    /// Calls that had no row, as they were part of another's under the old rules, and have one now.
    pub(crate) added: u64,
    /// Rows of calls that are part of another's under the new rules; they are left as they are.
    pub(crate) part_of_another: u64,
    /// Rows of a version that kept nothing to judge by, or of calls of which too much was said.
    pub(crate) nothing_kept: u64,
    /// Rows of calls that were seen in part, or proved from Asterisk's files.
    pub(crate) seen_in_part: u64,
    /// Rows of a PBX that the configuration does not name.
    pub(crate) of_other_pbx: u64,
    /// Of which what was kept cannot be read.
    pub(crate) unreadable: u64,
}

/// Judges, shows how far it is on the terminal, and says on `out` what came of it.
///
/// # Errors
/// A time or PBX that is none, a database that cannot be used, a signal. What was written before is kept.
pub fn run(args: &RejudgeArgs, config: &Config, target: &Target, out: &mut impl Write) -> Result<Tally, Failure> {
    let moment = |option: &str, text: &str| {
        let read = when::parse(text, &target.zone, target.now).map(|at| at.as_millisecond());
        read.map_err(|error| Failure::Usage(format!("{option}: {error}")))
    };
    let since_ms = moment("--since", &args.since)?;
    let until_ms = args.until.as_deref().map_or(Ok(target.now_ms() + 1), |text| moment("--until", text))?;
    if until_ms <= since_ms {
        return Err(Failure::Usage("--until is not after --since: no call began in that time".to_owned()));
    }
    let pbxs: Vec<&Pbx> = match args.pbx.as_deref() {
        Some(name) => vec![which(config, Some(name), |_| true).map_err(Failure::Usage)?],
        None => config.pbx.iter().collect(),
    };
    enter(&target.db)?;
    let interrupted = Interrupted::listen()?;
    // Who only reads is gone before who writes: the last one empties the log.
    let mut writer = match args.dry_run {
        true => None,
        false => {
            // A database is not made, and an old one not migrated, by the way.
            drop(Reader::open(&target.db)?);
            let mut store = Store::open(&target.db)?;
            store.record_changes(FeedRules { late: true, ..feed_rules(config) })?;
            Some(store)
        }
    };
    let reader = Reader::open(&target.db)?;
    let mut judge = Judge {
        window: (since_ms, until_ms),
        reader: &reader,
        writer: writer.as_mut(),
        batch: Vec::new(),
        tally: Tally::default(),
        open: BTreeSet::new(),
        interrupted,
        bar: progress::bar(u64::try_from(until_ms - since_ms).unwrap_or(0)),
    };
    judge.all(&pbxs, target, args.dry_run, out)?;
    let Untaped { whole, partly } = reader.untaped((since_ms, until_ms))?;
    (judge.tally.nothing_kept, judge.tally.seen_in_part) = (whole, partly);
    match target.json {
        true => json_line(&judge.tally, out)?,
        false => say(&judge.tally, args, out)?,
    }
    Ok(judge.tally)
}

struct Judge<'r> {
    window: (Millis, Millis),
    reader: &'r Reader,
    writer: Option<&'r mut Store>,
    batch: Vec<Record>,
    tally: Tally,
    /// Calls whose tapes have come and whose rows have not.
    open: BTreeSet<(PbxId, String)>,
    interrupted: Interrupted,
    bar: ProgressBar,
}

impl Judge<'_> {
    fn all(&mut self, pbxs: &[&Pbx], target: &Target, rows: bool, out: &mut impl Write) -> Result<(), Failure> {
        let (since_ms, until_ms) = self.window;
        let prefix = self.reader.attempt_prefix()?;
        let known = self.reader.last_seen_agents()?;
        let mut benches = BTreeMap::new();
        for pbx in pbxs {
            let agents = known.iter().filter(|agent| agent.pbx == *pbx.name.as_str()).map(|agent| agent.agent.clone());
            let trunks = self.reader.trunks_before(&pbx.name, (since_ms - TRUNKS_FOR_MS, since_ms))?;
            let ours = OurAttempts::of(prefix);
            let again = Again::new(&pbx.name, pbx.settings.rules(), ours, agents.collect(), trunks);
            benches.insert(pbx.name.clone(), again);
        }
        let mut failed = None;
        let reader = self.reader;
        reader.tapes((since_ms - BEFORE_MS, until_ms + BEFORE_MS), |taped| {
            if self.interrupted.is_asked() {
                return ControlFlow::Break(());
            }
            let within = (since_ms..until_ms).contains(&taped.started_ms);
            let Some(bench) = benches.get_mut(&taped.pbx) else {
                self.tally.of_other_pbx += u64::from(within);
                return ControlFlow::Continue(());
            };
            self.bar.set_position(u64::try_from(taped.started_ms - since_ms).unwrap_or(0));
            let settled = bench.takes(&taped);
            if within {
                self.open.insert((taped.pbx, taped.linkedid.to_owned()));
            }
            match settled.into_iter().try_for_each(|row| self.row(&row, target, rows, out)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    failed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(failure) = failed {
            return Err(failure);
        }
        if self.interrupted.is_asked() {
            return self.ends_early();
        }
        for bench in benches.values_mut() {
            bench.ends().into_iter().try_for_each(|row| self.row(&row, target, rows, out))?;
            self.tally.unreadable += bench.unreadable();
        }
        self.write(1)?;
        self.tally.part_of_another = self.open.len() as u64;
        self.bar.finish_and_clear();
        Ok(())
    }

    /// What has been judged is written; calls whose rows may still change are left to the next run.
    fn ends_early(&mut self) -> Result<(), Failure> {
        self.write(1)?;
        self.bar.finish_and_clear();
        let Tally { judged, changed, added, .. } = self.tally;
        Err(Failure::Interrupted(match self.writer {
            None => format!("{judged} calls were judged again, and nothing is changed by --dry-run"),
            Some(_) => format!(
                "{judged} calls were judged again, {changed} rows are changed, {added} calls got one, and these are kept; the same command does the rest"
            ),
        }))
    }

    /// A call has been judged.
    fn row(&mut self, made: &Made, target: &Target, rows: bool, out: &mut impl Write) -> Result<(), Failure> {
        let call = &made.call;
        let taped = self.open.remove(&(call.pbx.clone(), call.linkedid.clone()));
        if !(self.window.0..self.window.1).contains(&call.started_ms) {
            return Ok(());
        }
        let stored = match self.reader.judged(call)? {
            // It was part of another's, whose tape tells it from its beginning.
            Judged::NoRow if call.quality == Quality::Full => None,
            Judged::NoRow => return Ok(()),
            // Its own row was not seen whole, and knows more.
            _ if !taped => return Ok(()),
            Judged::Same => {
                self.tally.judged += 1;
                return Ok(());
            }
            Judged::Other(stored) => Some(stored),
        };
        self.tally.judged += 1;
        self.tally.changed += u64::from(stored.is_some());
        self.tally.added += u64::from(stored.is_none());
        let what = change(stored.as_deref(), call);
        if rows && !target.json {
            let began = local(call.started_ms, &target.zone, "%F %T");
            // On a terminal the line takes the bar's place, which comes again below it.
            self.bar.suspend(|| writeln!(out, "{began}  {}  {what}", safe(&call.linkedid)))?;
        }
        *self.tally.changes.entry(what).or_default() += 1;
        let missed = |call: &FinishedCall| call.direction == Direction::Inbound && call.outcome.meaning().missed;
        self.tally.missed += u64::from(missed(call) && !stored.as_ref().is_some_and(|stored| missed(&stored.call)));
        if self.writer.is_some() {
            self.batch.push(Record::Call(Arc::clone(call)));
            if stored.is_none() {
                self.batch.extend(made.tape.clone().map(Record::Tape));
            }
            self.write(BATCH)?;
        }
        Ok(())
    }

    fn write(&mut self, at_least: usize) -> Result<(), Failure> {
        let Some(store) = self.writer.as_mut().filter(|_| self.batch.len() >= at_least) else { return Ok(()) };
        match store.write(&std::mem::take(&mut self.batch))?.first() {
            Some(refused) => {
                Err(Failure::Missing(format!("the database refused a call: {}; please report this", refused.error)))
            }
            None => Ok(()),
        }
    }
}

/// What the row said, and what it says now.
fn change(stored: Option<&StoredCall>, new: &FinishedCall) -> String {
    let words = |call: &FinishedCall| format!("{} {} {}", call.direction, call.status, call.outcome);
    let now = words(new);
    let Some(StoredCall { call: old, .. }) = stored else { return format!("no row → {now}") };
    if words(old) != now {
        return format!("{} → {now}", words(old));
    }
    let differs = [
        ("number", old.number != new.number),
        ("number_e164", old.number_e164 != new.number_e164),
        ("name", old.name != new.name),
        ("did", old.did != new.did),
        ("trunk", old.trunk != new.trunk),
        ("queue", old.queue != new.queue),
        ("agent", old.agent != new.agent),
        ("times", times(old) != times(new)),
        ("hangup_by", old.hangup_by != new.hangup_by),
        ("language", old.language != new.language),
        ("voicemail", old.voicemail != new.voicemail),
        ("why", old.why != new.why),
    ];
    let names: Vec<&str> = differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    match names.is_empty() {
        true => format!("{now}: legs, menus or codes"),
        false => format!("{now}: {}", names.join(", ")),
    }
}

fn times(call: &FinishedCall) -> [Option<Millis>; 8] {
    let some =
        [call.started_ms, call.ended_ms, call.wait_ms, call.queue_wait_ms, call.ring_ms, call.talk_ms, call.hold_ms];
    let mut times = [call.answered_ms; 8];
    times.iter_mut().zip(some).for_each(|(time, some)| *time = Some(some));
    times
}

fn say(tally: &Tally, args: &RejudgeArgs, out: &mut impl Write) -> Result<(), Failure> {
    let change = if args.dry_run { "would change" } else { "changed" };
    writeln!(
        out,
        "Judged {} calls again: {} rows {change}, {} calls had none",
        tally.judged, tally.changed, tally.added
    )?;
    let mut most: Vec<(&String, &u64)> = tally.changes.iter().collect();
    most.sort_by_key(|(what, count)| (std::cmp::Reverse(**count), *what));
    for (what, count) in most.iter().take(SHOWN) {
        writeln!(out, "  {count:>6}  {what}")?;
    }
    if most.len() > SHOWN {
        writeln!(out, "          and {} other changes: --json tells them all", most.len() - SHOWN)?;
    }
    for (count, why) in [
        (
            tally.nothing_kept,
            "calls have nothing to be judged by: an earlier version recorded them, or more was said of them than is kept",
        ),
        (tally.seen_in_part, "calls were seen in part or come from Asterisk's files: left as they are"),
        (tally.part_of_another, "calls are part of another call under these rules: their rows are left as they are"),
        (tally.of_other_pbx, "calls are of a PBX that is not among those: left as they are"),
        (tally.unreadable, "calls cannot be judged, as what was kept of them cannot be read: run callbackd check --db"),
    ] {
        if count > 0 {
            writeln!(out, "{count} {why}")?;
        }
    }
    if tally.missed > 0 {
        writeln!(
            out,
            "{} of them are missed callers who were none before. Nobody is called back for it: callbackd missed --since '{}' lists them, callbackd callbacks add NUMBER asks for a callback",
            tally.missed, args.since
        )?;
    }
    Ok(())
}
