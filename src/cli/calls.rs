//! `callbackd calls`: lists calls, and shows what happened in one call.

#[doc(hidden)]
pub mod list;
pub mod when;

use super::complete;
use super::target::{NameOrStore, enter, known, meant};
use crate::api::history::history;
use crate::config::Config;
use crate::store::{self, CallFilter, NoChoice, Reader};
use callbackd_core::model::{Direction, NoSuchPbx, Outcome, PbxId, Status};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Rows of a table if `--limit` is not given: more than a screen is for `--json` and `--csv`, which are not limited.
const TABLE_ROWS: u64 = 50;

/// List calls, newest first, or show one call's history
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Times: 2026-11-22T14:00:00Z, 2026-11-22, '2026-11-22 14:00', 10:00, today, yesterday, monday, 'monday 9:00', or back from now: 2h, 7d, 1h30m.
A day means its first moment, in the time zone of the configuration; 10:00 and monday are the latest that have been.

Examples:
  callbackd calls --since today --status CANCEL,NOANSWER
  callbackd calls --since 7d --queue sales --csv > sales.csv
  callbackd calls --number 5550123
  callbackd calls show 812
  callbackd calls show 1755850000.118 --pbx berlin")]
pub struct CallsArgs {
    /// Database to read [default: store.path of the configuration]
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "config")]
    pub db: Option<PathBuf>,
    /// Configuration that names the database and the time zone [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print comma-separated values with a header line
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Started at this time or later
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Started before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// The same as --since today
    #[arg(long, conflicts_with = "since")]
    pub(crate) today: bool,
    /// One of these statuses (comma-separated)
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = super::words(Status::ALL, Status::as_str, Status::from_text))]
    pub status: Vec<Status>,
    /// One of these outcomes (comma-separated)
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = super::words(Outcome::ALL, Outcome::as_str, Outcome::from_text))]
    pub(crate) outcome: Vec<Outcome>,
    /// The other party's number: whole, or at least its last 4 digits
    #[arg(long)]
    pub(crate) number: Option<String>,
    /// Somebody who talked: PJSIP/101, 101, or the name
    #[arg(long, add = complete::agents())]
    pub(crate) agent: Option<String>,
    /// A queue that the caller was in
    #[arg(long, add = complete::queues())]
    pub(crate) queue: Option<String>,
    /// With this code: callbackd codes lists them
    #[arg(long, value_name = "CODE", add = complete::codes())]
    pub(crate) tag: Option<String>,
    /// One of these directions (comma-separated)
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = super::words(Direction::ALL, Direction::as_str, Direction::from_text))]
    pub direction: Vec<Direction>,
    /// Of this PBX
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
    /// At most so many calls [default: 50 in a table, else all]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Instead of a list
    #[command(subcommand)]
    pub(crate) command: Option<CallsCommand>,
}

/// What `calls` does instead of listing.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum CallsCommand {
    /// Show one call's history: what happened, in order, and why it has its status
    Show {
        /// The number in the table's first column, or the Linkedid (`call=` in the log)
        id: String,
        /// Of this PBX, where several have a call of this Linkedid
        #[arg(long, value_name = "NAME", add = complete::pbxs())]
        pbx: Option<String>,
    },
}

/// Why `calls` failed. Each message is one line, said by the caller on standard error.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// An argument cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// No PBX has the name that was given.
    #[error(transparent)]
    NoSuchPbx(#[from] NoSuchPbx),
    /// No call has this id.
    #[error("there is no call {}: give a number of the table's first column or a Linkedid", .0.escape_debug())]
    NoSuchCall(String),
    /// The call with this id is of another PBX than the one that is named.
    #[error("call {} is of PBX `{}`", .0.escape_debug(), .1)]
    OfAnotherPbx(String, PbxId),
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
}

impl From<NameOrStore> for CallsError {
    fn from(error: NameOrStore) -> Self {
        match error {
            NameOrStore::Name(unknown) => unknown.into(),
            NameOrStore::Store(error) => error.into(),
        }
    }
}

impl From<NoChoice> for CallsError {
    fn from(error: NoChoice) -> Self {
        match error {
            NoChoice::Store(error) => error.into(),
            unknown @ NoChoice::Unknown(_) => Self::Usage(unknown.to_string()),
        }
    }
}

impl CallsError {
    /// The code with which the program ends, from `sysexits.h`: 64 usage, 66 no such call, 74 output, or [`store::Error::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(error) => error.exit_code(),
            Self::Usage(_) | Self::NoSuchPbx(_) => 64,
            Self::NoSuchCall(_) | Self::OfAnotherPbx(..) => 66,
            Self::Output(_) => 74,
        }
    }
}

/// Runs the command on the database at `db_path`; `pbxs` are those of the configuration, if there is one. `out` gets the data, `notes` what is said beside it (nothing found, more there is).
/// Times are read and shown in `zone`. A reader of `out` that has gone away (`EPIPE`) ends it without an error.
///
/// # Errors
/// See [`CallsError`].
pub fn run(
    args: &CallsArgs,
    db_path: &Path,
    pbxs: &BTreeSet<PbxId>,
    (zone, now): (&TimeZone, Timestamp),
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), CallsError> {
    let result = match &args.command {
        Some(CallsCommand::Show { id, pbx }) => {
            show(args, (id, pbx.as_deref().or(args.pbx.as_deref())), db_path, pbxs, zone, out)
        }
        None => list(args, db_path, pbxs, (zone, now), out, notes),
    };
    match result.and_then(|()| out.flush().map_err(CallsError::Output)) {
        Err(CallsError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn list(
    args: &CallsArgs,
    db_path: &Path,
    pbxs: &BTreeSet<PbxId>,
    (zone, now): (&TimeZone, Timestamp),
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), CallsError> {
    let mut filter = args.filter(zone, now)?;
    enter(db_path)?;
    let reader = Reader::open(db_path)?;
    known(args.pbx.as_deref(), pbxs, &reader)?;
    reader.choose_agent(&mut filter)?;
    reader.choose_queue(&mut filter.queue)?;
    reader.choose_code(&mut filter.tag)?;
    let shown = if args.json {
        list::json(&reader, &filter, out)?
    } else if args.csv {
        list::csv(&reader, &filter, out)?
    } else {
        let rows = args.limit.unwrap_or(TABLE_ROWS);
        // One more than is shown: it says whether there are more.
        filter.limit = Some(rows.saturating_add(1));
        let mut calls = reader.calls(&filter)?;
        let more = calls.len() as u64 > rows;
        calls.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
        if !calls.is_empty() {
            let several = args.pbx.is_none() && reader.last_seen()?.len() > 1;
            list::table(&calls, several, zone, out).map_err(CallsError::Output)?;
        }
        if more {
            // Notes are a courtesy: that they cannot be said is no error.
            let _ = writeln!(
                notes,
                "The newest {rows} are shown, there are more: --limit N, --since TIME, or --csv for all."
            );
        }
        calls.len() as u64
    };
    if shown == 0 {
        let _ = writeln!(notes, "No calls match.");
    }
    Ok(())
}

fn show(
    args: &CallsArgs,
    (id, pbx): (&str, Option<&str>),
    db_path: &Path,
    pbxs: &BTreeSet<PbxId>,
    zone: &TimeZone,
    out: &mut impl Write,
) -> Result<(), CallsError> {
    if let Some(option) = args.list_option() {
        return Err(CallsError::Usage(format!(
            "{option} selects calls for the list, and calls show shows one: leave it out"
        )));
    }
    enter(db_path)?;
    let reader = Reader::open(db_path)?;
    known(pbx, pbxs, &reader)?;
    let mut calls = reader.call(id)?;
    let of = calls.first().map(|stored| stored.call.pbx.clone());
    calls.retain(|stored| pbx.is_none_or(|pbx| *stored.call.pbx == *pbx));
    if calls.is_empty() {
        if let Some(of) = of {
            return Err(CallsError::OfAnotherPbx(id.to_owned(), of));
        }
        return Err(CallsError::NoSuchCall(id.to_owned()));
    }
    for (n, call) in calls.iter().enumerate() {
        if args.json {
            list::json_with_children(call, out).map_err(CallsError::Output)?;
        } else {
            let between = if n > 0 { "\n" } else { "" };
            write!(out, "{between}{}", history(call, zone)).map_err(CallsError::Output)?;
        }
    }
    Ok(())
}

impl CallsArgs {
    /// What is written is no table and no prose.
    #[must_use]
    pub fn is_for_programs(&self) -> bool {
        self.json || self.csv
    }

    /// The same with the agent's phone in place of a name that the configuration gives them.
    #[must_use]
    pub fn meant(&self, config: &Config) -> Self {
        let mut args = self.clone();
        meant(config, &mut args.agent, &mut args.pbx);
        args
    }

    fn filter(&self, zone: &TimeZone, now: Timestamp) -> Result<CallFilter, CallsError> {
        let moment = |option: &str, text: &Option<String>| {
            let parse = |text| when::parse(text, zone, now).map(|at| at.as_millisecond());
            text.as_deref().map(parse).transpose().map_err(|error| CallsError::Usage(format!("{option}: {error}")))
        };
        let filter = CallFilter {
            since_ms: moment("--since", &self.since.clone().or_else(|| self.today.then(|| "today".to_owned())))?,
            until_ms: moment("--until", &self.until)?,
            status: self.status.clone(),
            outcome: self.outcome.clone(),
            direction: self.direction.clone(),
            number: self.number.clone(),
            agent: self.agent.clone(),
            queue: self.queue.clone(),
            tag: self.tag.as_ref().map(|code| code.to_ascii_uppercase()),
            pbx: self.pbx.clone(),
            limit: self.limit,
            ..CallFilter::default()
        };
        match (filter.since_ms, filter.until_ms) {
            (Some(since), Some(until)) if since >= until => {
                Err(CallsError::Usage("--since is not before --until: no call can match".to_owned()))
            }
            _ => Ok(filter),
        }
    }

    /// The first option given that only makes sense for a list.
    fn list_option(&self) -> Option<&'static str> {
        [
            ("--csv", self.csv),
            ("--since", self.since.is_some()),
            ("--until", self.until.is_some()),
            ("--today", self.today),
            ("--status", !self.status.is_empty()),
            ("--outcome", !self.outcome.is_empty()),
            ("--number", self.number.is_some()),
            ("--agent", self.agent.is_some()),
            ("--queue", self.queue.is_some()),
            ("--tag", self.tag.is_some()),
            ("--direction", !self.direction.is_empty()),
            ("--limit", self.limit.is_some()),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }
}
