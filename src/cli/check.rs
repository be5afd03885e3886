//! `callbackd check`: whether `run` would start, and whether the PBX sends and allows all that is needed.

pub(crate) mod ask;
mod callbacks;
pub(crate) mod contexts;
mod database;
pub(crate) mod dialplan;
pub(crate) mod facts;
mod feed;
mod here;
mod hours;
pub(crate) mod paths;
mod queues;
pub(crate) mod report;
pub(crate) mod rights;
mod shipped;
mod sinks;
mod webhooks;

use super::interrupted::Interrupted;
use super::progress::onlooker;
use super::target::{enter, which};
use crate::background::block_on;
use crate::config::{Config, Pbx, Settings};
use crate::daemon::{LostReason, secret};
use crate::exit::Exit;
use crate::log::Wire;
use crate::ownership::within;
use crate::store::{self, Reader, verify};
use ask::{PbxAnswers, ask};
use callbackd_core::model::AttemptPrefix;
use callbackd_core::tracker::pbx_clock::RIGHT_WITHIN_MS;
use jiff::tz::TimeZone;
use report::{Finding, Report};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Say what is right and what is missing, before the service is started
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Nothing is created or changed here, and a running daemon is not disturbed. With --connect, Asterisk is asked what our user may \
do; its global variable CALLBACKD_CHECK, which nothing reads, is set to see that events arrive.

With --db the database alone is read from end to end: whose it is, every page, row and reference, how large it is, and what it holds. \
Look at it after a crash of the machine, and at copies; a running daemon goes on writing meanwhile.

Exit codes: 0 all that is needed is there, 1 something is missing, 69 no connection, 77 login refused, 78 configuration or \
secret refused; with a database that cannot be used, the code with which run would end.

Examples:
  callbackd check
  callbackd check --connect
  callbackd check --hours
  callbackd check --config-only && systemctl reload callbackd
  callbackd check --db
  callbackd check --db /backup/calls.db
  callbackd check --connect --json | jq -r 'select(.mark != \"ok\") | .what'")]
pub struct CheckArgs {
    /// Configuration [default: /etc/callbackd/callbackd.toml]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Log in to each PBX: version, rights, queues, contexts
    #[arg(long)]
    pub(crate) connect: bool,
    /// Look at this PBX alone [default: all]
    #[arg(long, value_name = "NAME", conflicts_with = "db")]
    pub(crate) pbx: Option<String>,
    /// Read a database from end to end instead [default: store.path of the configuration]
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub db: Option<Option<PathBuf>>,
    /// Show what the opening hours mean for the next ten days, with public holidays by name
    #[arg(long, conflicts_with_all = ["connect", "db"])]
    pub(crate) hours: bool,
    /// Only whether the daemon would take this configuration over: what `systemctl reload` asks first
    #[arg(long, conflicts_with_all = ["connect", "db", "hours"])]
    pub(crate) config_only: bool,
    /// One JSON object a line: about, mark (ok, warn, missing), what, detail
    #[arg(long)]
    pub(crate) json: bool,
}

/// Checks and says on `out`, which is `width` columns wide if it is a terminal, what was found.
pub fn run(args: &CheckArgs, path: &Path, config: &Config, out: &mut impl Write, width: Option<usize>) -> Exit {
    if args.config_only {
        // It has been read to come here; one that is refused never does. That it cannot be said is no fault of it.
        let _ = writeln!(out, "{} is accepted", path.display());
        return Exit::Ok;
    }
    let mut config = config.clone();
    let credentials = secret::credentials();
    secret::beside(&mut config, path, credentials.as_deref());
    let pbxs = config.pbx.len();
    let several = pbxs > 1;
    if let Some(name) = &args.pbx {
        match which(&config, Some(name), |_| true).cloned() {
            Ok(pbx) => config.pbx = vec![pbx],
            Err(fault) => {
                anstream::eprintln!("error: {fault}");
                return Exit::Usage;
            }
        }
    }
    let mut report = Report::new(out, args.json, width);
    #[allow(clippy::disallowed_methods)] // the door by which time comes in
    let now_ms = jiff::Timestamp::now().as_millisecond();
    if args.hours {
        hours::look(&config, now_ms, &mut report);
        return report.conclude();
    }
    here::look(&config, path, credentials.as_deref(), now_ms, &mut report);
    if args.connect {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                // Without a database there is no sign of one's own.
                let db = &config.store.path;
                let own = within(db, || Reader::open(db).and_then(|reader| reader.attempt_prefix()).ok());
                let own = own.ok().flatten();
                let mut asked = Vec::new();
                for pbx in &config.pbx {
                    let answers = block_on(&runtime, ask(pbx, credentials.as_deref()));
                    there(pbx, several, own, &answers, &mut report);
                    asked.extend(answers.broken.is_none().then_some(answers.facts));
                }
                // Where one PBX of several is looked at, the others' queues are not known.
                if asked.len() == pbxs {
                    report.extend(&queues::judge(&config, &asked));
                }
            }
            Err(error) => report.refuse(Exit::Software, &Finding::missing("threads", error.to_string())),
        }
    }
    report.conclude()
}

/// Reads a database from end to end and says on `out` what was found; times are shown in `zone`.
pub fn database(args: &CheckArgs, db: &Path, zone: &TimeZone, out: &mut impl Write, width: Option<usize>) -> Exit {
    let interrupted = match Interrupted::listen() {
        Ok(interrupted) => interrupted,
        Err(error) => {
            anstream::eprintln!("error: cannot handle signals: {error}");
            return Exit::Software;
        }
    };
    let (bar, onlooker) = onlooker("reading every page and row", interrupted);
    let read = enter(db).and_then(|()| verify(db, &onlooker));
    bar.finish_and_clear();
    if let Err(error @ store::Error::Interrupted { .. }) = &read {
        anstream::eprintln!("error: {error}");
        return Exit::Interrupted;
    }
    let mut report = Report::new(out, args.json, width);
    database::look(read, db, zone, &mut report);
    report.conclude()
}

fn there(pbx: &Pbx, several: bool, own: Option<AttemptPrefix>, answers: &PbxAnswers, report: &mut Report<'_>) {
    let Settings { calls, callback, .. } = &pbx.settings;
    let publish = callback.enabled && callback.publish;
    report.section(&format!("PBX {} at {}", pbx.name, pbx.address));
    if !answers.facts.ami.is_empty() {
        let how = if pbx.tls.is_some() { "encrypted" } else { "not encrypted" };
        report.add(&Finding::ok("connection", format!("{how}, greeted by AMI {}", Wire(&answers.facts.ami))));
    }
    if answers.logged_in {
        report.add(&Finding::ok("login", format!("as {}", Wire(&pbx.username))));
    }
    if let Some(reason) = &answers.broken {
        let (exit, what) = match reason {
            LostReason::Secret(_) => (Exit::Config, "secret"),
            LostReason::LoginRefused { .. } => (Exit::NoPermission, "login"),
            LostReason::TlsSetup(_) | LostReason::PlaintextRefused { .. } => (Exit::Config, "connection"),
            _ => (Exit::Unavailable, "connection"),
        };
        report.refuse(exit, &Finding::missing(what, reason.to_string()));
        if exit == Exit::NoPermission {
            let secret =
                pbx.secret_file.as_ref().map_or("systemd's credential".to_owned(), |f| f.display().to_string());
            let lines = format!(
                "secret = …                   ; the line in {secret}\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.1/255.255.255.255\n"
            );
            report.hint(&rights::manager_conf(&pbx.username, true, false, Some(&lines), publish));
        }
        return;
    }
    if let Some(ahead_ms) = answers.facts.clock_ahead_ms {
        report.add(&clock(ahead_ms));
    }
    let (found, mut hints) = rights::judge(&answers.facts, pbx, publish);
    report.extend(&found);
    let (found, hint) = contexts::judge(&answers.facts, calls, &pbx.settings.rules(), several);
    report.extend(&found);
    hints.extend(hint);
    let (found, hint) = callbacks::judge(&answers.facts, callback, own);
    report.extend(&found);
    hints.extend(hint);
    for hint in &hints {
        report.hint(hint);
    }
}

/// What Asterisk's clock is worth, by how much it is ahead of this machine's, ms.
fn clock(ahead_ms: i64) -> Finding {
    if ahead_ms.abs() < RIGHT_WITHIN_MS {
        return Finding::ok("clock", "Asterisk's and this machine's agree");
    }
    let by = jiff::SignedDuration::from_millis(ahead_ms.abs());
    let by = jiff::SignedDuration::from_secs(by.as_secs());
    let way = if ahead_ms > 0 { "ahead of" } else { "behind" };
    Finding::warn(
        "clock",
        format!(
            "Asterisk's is {by:#} {way} this machine's, by which callbacks are made: let NTP set both (timedatectl, chronyc tracking)"
        ),
    )
}
