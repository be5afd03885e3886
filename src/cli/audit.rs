//! `callbackd audit`: the rows held against Asterisk's own CDR and queue_log, and every difference explained.

use super::calls::when;
use super::failure::Failure;
use super::plain::{json_line, local, safe};
use super::target::{Target, TargetArgs, which};
use crate::config::{Config, Pbx};
use crate::exit::Exit;
use crate::records::{Calls, Files};
use crate::store::{CallFilter, Reader, StoredCall};
use callbackd_core::millis::Millis;
use callbackd_core::model::{Direction, FinishedCall, Gap, GapCause, OurAttempts, Quality};
use callbackd_core::reconcile::audit::{Finding, Reason, compare};
use callbackd_core::reconcile::gatherer::LONGEST_CALL_MS;
use callbackd_core::reconcile::{Account, Prover};
use callbackd_core::tracker::MAX_TRUNKS_MET;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// A call that ended so shortly ago (ms) may not be written yet, by Asterisk or by the daemon.
const SETTLED_MS: Millis = 10_000;
/// CDR have whole seconds (ms).
const ROUNDING_MS: Millis = 2_000;
/// So many differences are listed; all are counted.
const LISTED: usize = 50;

/// Compare the database with Asterisk's own CDR and queue_log, and explain every difference
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Only calls that have ended are compared. cdr.conf should have newcdrcolumns = yes and loguniqueid = yes in [csv].

Exit codes: 0 every call is there and every difference is explained, 1 something is not,
66 nothing could be compared: no row is of a call that Asterisk's records have in that time.

Examples:
  callbackd audit --since yesterday --until today
  callbackd audit --cdr /backup/Master.csv --queue-log /backup/queue_log --since 7d")]
pub struct AuditArgs {
    /// Where the daemon and its database are.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Calls that began then or later: 2026-11-22, '2026-11-22 14:00', today, 24h
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(crate) since: String,
    /// Calls that began before then [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Name of the PBX whose rows and files they are, where several have files of their own
    #[arg(long, value_name = "NAME")]
    pub(crate) pbx: Option<String>,
    /// Asterisk's Master.csv, its rotated parts beside it [default: gap.cdr_csv of the PBX]
    #[arg(long, value_name = "FILE")]
    pub(crate) cdr: Option<PathBuf>,
    /// Asterisk's queue_log, its rotated parts beside it [default: gap.queue_log of the PBX]
    #[arg(long, value_name = "FILE")]
    pub(crate) queue_log: Option<PathBuf>,
}

/// What an audit found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Calls that Asterisk's records have.
    pub(crate) calls: usize,
    /// Calls among them that have a row.
    pub(crate) with_row: usize,
    /// Rows that say the same.
    pub(crate) agree: usize,
    /// Rows that rightly say something else, by reason.
    pub(crate) explained: BTreeMap<Reason, usize>,
    /// Calls without a row, which a gap covers.
    pub(crate) in_gaps: usize,
    /// Calls that were in progress when Asterisk restarted: a crash takes their CDR with it.
    pub(crate) lost_by_asterisk: usize,
    /// Rows without records: what was not answered is written only with `unanswered = yes` in cdr.conf.
    pub(crate) unwritten: usize,
    /// Lines of CDR files that are none.
    pub(crate) unreadable: u64,
    /// Calls that have more records than are held at once, and were not compared.
    pub(crate) given_up: u64,
    /// Differences that nothing explains.
    pub(crate) differences: Vec<Difference>,
}

/// A difference that nothing explains.
#[derive(Debug, Serialize)]
pub(crate) struct Difference {
    /// The call's linkedid.
    pub(crate) linkedid: String,
    /// It began, ms since 1970 UTC.
    pub(crate) started_ms: Millis,
    /// The field that differs.
    pub(crate) what: String,
}

/// Compares and reports.
///
/// # Errors
/// No PBX is named where several may be meant, files or database cannot be read, times cannot be understood.
pub fn run(args: &AuditArgs, config: &Config, target: &Target, out: &mut impl Write) -> Result<Exit, Failure> {
    let moment = |option: &str, text: &str| {
        when::parse(text, &target.zone, target.now).map_err(|e| Failure::Usage(format!("{option}: {e}")))
    };
    let since_ms = moment("--since", &args.since)?.as_millisecond();
    let until = args.until.as_deref().map(|text| moment("--until", text)).transpose()?;
    let until_ms = until.map_or(target.now_ms() - SETTLED_MS, |at| at.as_millisecond());
    // Files that are named say nothing of their PBX.
    let has_files = |pbx: &Pbx| args.cdr.is_none() && pbx.gap.cdr_csv.is_some();
    let pbx = which(config, args.pbx.as_deref(), has_files).map_err(Failure::Usage)?;
    let files = Files {
        cdr_csv: args.cdr.clone().or_else(|| pbx.gap.cdr_csv.clone()),
        queue_log: args.queue_log.clone().or_else(|| pbx.gap.queue_log.clone()),
    };
    if files.cdr_csv.is_none() {
        let hint = "give --cdr FILE, or set gap.cdr_csv in the configuration";
        return Err(Failure::Usage(format!("there is nothing to compare with: {hint}")));
    }
    let report = audit(pbx, &target.reader()?, &files, since_ms, until_ms)?;
    if target.json {
        json_line(&report, out)?;
    } else {
        show(&report, target, (since_ms, until_ms), out)?;
    }
    Ok(report.exit())
}

fn audit(pbx: &Pbx, reader: &Reader, files: &Files, since_ms: Millis, until_ms: Millis) -> Result<Report, Failure> {
    let mut calls = Calls::since(files, since_ms - LONGEST_CALL_MS, &TimeZone::system())?;
    let (rules, trunks) = (pbx.settings.rules(), reader.trunks(&pbx.name, MAX_TRUNKS_MET)?);
    let ours = OurAttempts::of(reader.attempt_prefix()?);
    let prover = Prover { pbx: &pbx.name, rules: &rules, trunks: &trunks, ours: &ours };
    let gaps = reader.gaps(&pbx.name)?;
    let restarts = Spans::of(gaps.iter().filter(|gap| gap.cause == GapCause::PbxRestart));
    let gaps = Spans::of(&gaps);
    let mut report = Report::default();
    let mut met: BTreeSet<String> = BTreeSet::new();
    while let Some(accounts) = calls.further()? {
        for account in accounts.into_iter().flat_map(|account| prover.calls(account)) {
            let rows = reader.calls_of(&pbx.name, &account)?;
            met.extend(rows.iter().map(|row| row.linkedid.clone()));
            if !(since_ms..until_ms).contains(&account.started_ms()) || account.ended_ms() > until_ms {
                continue;
            }
            report.calls += 1;
            report.with_row += usize::from(!rows.is_empty());
            match &rows[..] {
                [] => report.missing(&account, &gaps),
                [row] => report.row(row, &account, &prover),
                rows => {
                    let ids: Vec<&str> = rows.iter().map(|row| &*row.linkedid).collect();
                    report.differs(&account, format!("{} rows for one call: {}", rows.len(), ids.join(", ")));
                }
            }
        }
    }
    (report.unreadable, report.given_up) = (calls.unreadable(), calls.given_up());
    let compared = report.differences.len();
    let filter = CallFilter {
        pbx: Some(pbx.name.to_string()),
        since_ms: Some(since_ms + ROUNDING_MS),
        until_ms: Some(until_ms),
        ..CallFilter::default()
    };
    reader.each_call(&filter, |StoredCall { call: row, .. }| {
        if row.ended_ms < until_ms && !met.contains(&row.linkedid) {
            report.unrecorded(&row, &restarts);
        }
        ControlFlow::Continue(())
    })?;
    report.differences[compared..].reverse(); // they came newest first
    Ok(report)
}

/// Spans of time in the order of their beginnings, each with the latest end of all so far: one look finds whether any meets another span.
struct Spans(Vec<(Millis, Millis)>);

impl Spans {
    fn of<'g>(gaps: impl IntoIterator<Item = &'g Gap>) -> Self {
        let mut spans: Vec<(Millis, Millis)> = gaps.into_iter().map(|gap| (gap.from_ms, gap.to_ms)).collect();
        spans.sort_unstable();
        let mut latest = Millis::MIN;
        for (_, to) in &mut spans {
            latest = latest.max(*to);
            *to = latest;
        }
        Self(spans)
    }

    /// Whether one of them has a moment from `from` to `to`, both included.
    fn meet(&self, from: Millis, to: Millis) -> bool {
        let begun = self.0.partition_point(|(begins, _)| *begins <= to);
        begun.checked_sub(1).is_some_and(|last| self.0[last].1 >= from)
    }
}

impl Report {
    /// A time in which nothing could be compared is not one in which all was well.
    fn exit(&self) -> Exit {
        match (self.differences.is_empty(), self.with_row) {
            (false, _) => Exit::No,
            (true, 0) => Exit::NoInput,
            (true, _) => Exit::Ok,
        }
    }

    fn differs(&mut self, account: &Account, what: String) {
        self.differences.push(Difference { linkedid: account.id(), started_ms: account.started_ms(), what });
    }

    fn missing(&mut self, account: &Account, gaps: &Spans) {
        let (from, to) = (account.started_ms(), account.ended_ms());
        if gaps.meet(from - ROUNDING_MS, to + ROUNDING_MS) {
            self.in_gaps += 1;
        } else {
            self.differs(account, "Asterisk has it, and the database has no row".to_owned());
        }
    }

    fn row(&mut self, row: &FinishedCall, account: &Account, prover: &Prover<'_>) {
        match compare(row, account, prover) {
            Finding::Agrees => self.agree += 1,
            Finding::Explained(reason) => *self.explained.entry(reason).or_default() += 1,
            Finding::Differs(what) => self.differs(account, what),
        }
    }

    fn unrecorded(&mut self, row: &FinishedCall, restarts: &Spans) {
        let covered = restarts.meet(row.started_ms, row.ended_ms + ROUNDING_MS);
        if covered && row.quality != Quality::Full {
            self.lost_by_asterisk += 1;
        } else if row.direction == Direction::Inbound && row.answered_ms.is_some() {
            let what = "a person talked with the customer, and Asterisk has no CDR of it".to_owned();
            self.differences.push(Difference { linkedid: row.linkedid.clone(), started_ms: row.started_ms, what });
        } else {
            self.unwritten += 1;
        }
    }
}

fn show(
    report: &Report,
    target: &Target,
    (since, until): (Millis, Millis),
    out: &mut impl Write,
) -> std::io::Result<()> {
    let time = |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M");
    writeln!(out, "Calls that Asterisk's records have from {} to {}: {}\n", time(since), time(until), report.calls)?;
    let mut line = |n: usize, what: &str| if n > 0 { writeln!(out, "  {n:6}  {what}") } else { Ok(()) };
    line(report.agree, "rows say the same")?;
    for (reason, n) in &report.explained {
        line(*n, &format!("rows differ: {reason}"))?;
    }
    line(report.in_gaps, "have no row: they were within a gap, and could not be proved")?;
    line(report.lost_by_asterisk, "rows have no CDR: Asterisk crashed or restarted while they were in progress")?;
    line(report.unwritten, "rows have no CDR: not answered (cdr.conf writes them with unanswered = yes)")?;
    line(usize::try_from(report.unreadable).unwrap_or(usize::MAX), "lines of the CDR files are not CDR")?;
    line(
        usize::try_from(report.given_up).unwrap_or(usize::MAX),
        "have more records than fit into memory, and were not compared",
    )?;
    line(report.differences.len(), "DIFFERENCES that nothing explains")?;
    if report.with_row == 0 {
        let why = if report.calls == 0 {
            "Asterisk's records have no call that began in this time"
        } else {
            "no row of the database is of a call that Asterisk's records have in this time"
        };
        writeln!(out, "\nNothing was compared: {why}. --since and --until choose another, --pbx another PBX.")?;
    }
    match report.exit() {
        Exit::Ok => return writeln!(out, "\nEvery call is there, and every difference is explained."),
        Exit::NoInput => return Ok(()),
        _ => writeln!(out)?,
    }
    for d in report.differences.iter().take(LISTED) {
        writeln!(out, "  {}  {}: {}", time(d.started_ms), safe(&d.linkedid), safe(&d.what))?;
    }
    if report.differences.len() > LISTED {
        writeln!(out, "  … and {} more: --json lists all", report.differences.len() - LISTED)?;
    }
    writeln!(out, "\ncallbackd calls show ID shows what the daemon saw of a call.")
}
