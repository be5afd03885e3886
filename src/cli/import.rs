//! `callbackd import`: the history that Asterisk's CDR and queue_log hold, as rows. It calls nobody back.

use super::failure::Failure;
use super::interrupted::Interrupted;
use super::progress;
use super::target::{enter, which};
use crate::config::{Config, Pbx};
use crate::daemon::feed_rules;
use crate::records::{Calls, Files, RecordsError};
use crate::store::{Calendar, FeedRules, Reader, Store};
use callbackd_core::model::rules::Rules;
use callbackd_core::model::{Direction, OurAttempts, PbxId, Record, Status};
use callbackd_core::reconcile::{Account, Prover};
use callbackd_core::tracker::MAX_TRUNKS_MET;
use indicatif::ProgressBar;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// What the rows that are stored in one transaction weigh, bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Import the history in Asterisk's CDR and queue_log; nobody is called back for it
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Rotated parts (Master.csv.1, queue_log-20261122.gz, …) beside the files are read too. Calls that
are in the database already stay as they are, so that an import can be repeated. The daemon must
not run meanwhile. cdr.conf should have had newcdrcolumns = yes and loguniqueid = yes in [csv];
calls through queues need queue_log. Without a configuration, --cdr and --db are needed, and the
rules are the defaults, which are FreePBX's.

Examples:
  systemctl stop callbackd && runuser -u callbackd -- callbackd import && systemctl start callbackd
  callbackd import --db /tmp/history.db --cdr Master.csv --queue-log queue_log")]
pub struct ImportArgs {
    /// Configuration [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Database [default: store.path of the configuration]
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Name of the PBX whose calls they are, where several have files of their own
    #[arg(long, value_name = "NAME")]
    pub pbx: Option<String>,
    /// Asterisk's Master.csv [default: gap.cdr_csv of the PBX]
    #[arg(long, value_name = "FILE")]
    pub(crate) cdr: Option<PathBuf>,
    /// Asterisk's queue_log [default: gap.queue_log of the PBX]
    #[arg(long, value_name = "FILE")]
    pub(crate) queue_log: Option<PathBuf>,
}

impl ImportArgs {
    /// It needs nothing but rules of the configuration.
    #[must_use]
    pub fn names_its_files(&self) -> bool {
        self.db.is_some() && self.cdr.is_some()
    }
}

/// What an import did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// CDR read.
    pub(crate) cdrs: u64,
    /// Lines that are none.
    pub(crate) unreadable: u64,
    /// Calls stored.
    pub(crate) stored: u64,
    /// Inbound ones among them that nobody answered.
    pub(crate) missed: u64,
    /// Calls among them of which the records do not say enough.
    pub(crate) unknown: u64,
    /// Calls that were there already.
    pub(crate) known: u64,
    /// Calls with more records than are held at once.
    pub(crate) given_up: u64,
}

/// Imports, shows how far it is on the terminal, and says on `out` what came of it.
///
/// # Errors
/// Files cannot be read, the database cannot be written, a signal came. What was stored before is kept.
pub fn run(args: &ImportArgs, config: &Config, out: &mut impl Write) -> Result<Tally, Failure> {
    // Files that are named say nothing of their PBX.
    let has_files = |pbx: &Pbx| args.cdr.is_none() && pbx.gap.cdr_csv.is_some();
    let pbx = which(config, args.pbx.as_deref(), has_files).map_err(Failure::Usage)?;
    let cdr = args.cdr.clone().or_else(|| pbx.gap.cdr_csv.clone());
    let Some(cdr) = cdr else {
        return Err(Failure::Usage(
            "there is nothing to import: give --cdr FILE, or set gap.cdr_csv in the configuration".to_owned(),
        ));
    };
    let queue_log = args.queue_log.clone().or_else(|| pbx.gap.queue_log.clone());
    let files = Files { cdr_csv: Some(cdr), queue_log };
    let db = args.db.as_deref().unwrap_or(&config.store.path);
    enter(db)?;
    // What is no input is refused before a database is made or migrated for it.
    let mut calls = Calls::since(&files, 0, &TimeZone::system())?;
    let bar = progress::bytes(calls.reading().bytes());
    let interrupted = Interrupted::listen()?;
    let first = first_of(&mut calls)?;
    let mut store = Store::open(db)?;
    store.record_changes(FeedRules { late: true, ..feed_rules(config) })?;
    let reader = Reader::open(store.path())?;
    let mut import = Import {
        pbx: &pbx.name,
        rules: pbx.settings.rules(),
        reader,
        ours: OurAttempts::of(store.attempt_prefix()),
        trunks: BTreeSet::new(),
        tally: Tally::default(),
    };
    import.trunks = import.reader.trunks(import.pbx, MAX_TRUNKS_MET)?;
    import.all(first, calls, (&bar, &interrupted), &mut store)?;
    let t = import.tally;
    #[allow(clippy::disallowed_methods, reason = "the door is where time comes in")]
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let (thresholds, codes) = (config.report.clone(), config.shared.codes.clone());
    store.keep_calendar(&Calendar { thresholds, codes, zone: config.zone(), now_ms })?;
    store.keep_days()?;
    writeln!(
        out,
        "Imported {} calls ({} missed, {} of them UNKNOWN for want of records) from {} CDR; {} were there already, {} lines were not CDR",
        t.stored, t.missed, t.unknown, t.cdrs, t.known, t.unreadable
    )?;
    if t.given_up > 0 {
        writeln!(out, "{} calls have more records than fit into memory, and were left out", t.given_up)?;
    }
    Ok(t)
}

struct Import<'a> {
    pbx: &'a PbxId,
    rules: Rules,
    reader: Reader,
    ours: OurAttempts,
    trunks: BTreeSet<String>,
    tally: Tally,
}

impl Import<'_> {
    fn all(
        &mut self,
        first: Vec<Account>,
        mut calls: Calls,
        (bar, interrupted): (&ProgressBar, &Interrupted),
        store: &mut Store,
    ) -> Result<(), Failure> {
        let mut next = Some(first);
        while let Some(accounts) = next {
            self.store(accounts, store)?;
            bar.set_position(calls.reading().passed());
            if interrupted.is_asked() {
                bar.finish_and_clear();
                let stored = self.tally.stored;
                return Err(Failure::Interrupted(format!(
                    "{stored} calls were imported, and these are kept; the same command does the rest"
                )));
            }
            next = calls.further()?;
        }
        self.tally.cdrs = calls.reading().cdrs();
        self.tally.unreadable = calls.unreadable();
        self.tally.given_up = calls.given_up();
        bar.finish_and_clear();
        Ok(())
    }

    fn store(&mut self, accounts: Vec<Account>, store: &mut Store) -> Result<(), Failure> {
        // Who was dialled as a trunk may be met as one that calls in.
        let prover = Prover { pbx: self.pbx, rules: &self.rules, trunks: &self.trunks, ours: &self.ours };
        let (mut records, mut bytes) = (Vec::new(), 0);
        for account in accounts.into_iter().flat_map(|account| prover.calls(account)) {
            match self.reader.prove(&prover, &account)? {
                Some(call) => {
                    self.tally.stored += 1;
                    let missed = call.direction == Direction::Inbound && call.outcome.meaning().missed;
                    self.tally.missed += u64::from(missed);
                    self.tally.unknown += u64::from(call.status == Status::Unknown);
                    let record = Record::Call(Arc::new(call));
                    bytes += record.bytes();
                    records.push(record);
                }
                None => self.tally.known += 1,
            }
            if bytes >= BATCH_BYTES {
                write(store, &std::mem::take(&mut records))?;
                bytes = 0;
            }
        }
        write(store, &records)
    }
}

/// The first calls that the files hold.
fn first_of(calls: &mut Calls) -> Result<Vec<Account>, RecordsError> {
    while let Some(accounts) = calls.further()? {
        if !accounts.is_empty() {
            return Ok(accounts);
        }
    }
    Ok(Vec::new())
}

fn write(store: &mut Store, records: &[Record]) -> Result<(), Failure> {
    match store.write(records)?.first() {
        Some(refused) => {
            Err(Failure::Missing(format!("the database refused a call: {}; please report this", refused.error)))
        }
        None => Ok(()),
    }
}
