//! The commands for people: one file for each.

pub mod agents;
pub mod audit;
pub mod backup;
pub mod callbacks;
pub mod calls;
pub mod capture;
pub mod check;
pub mod collect;
mod complete;
pub mod demo;
pub mod dnc;
pub mod failure;
pub mod fitted;
pub mod group;
pub mod import;
mod interrupted;
pub mod man;
pub mod missed;
pub mod next;
mod plain;
mod progress;
pub mod rejudge;
pub mod replay;
pub mod report;
pub mod setup;
pub mod sink;
pub mod status;
pub mod tag;
pub mod tail;
pub mod target;
pub mod token;
pub mod top;
pub mod vacuum;
pub mod webhooks;

use crate::config::{Config, Refusal};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
pub use plain::terminal_width;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the configuration is if nobody says otherwise.
pub const DEFAULT_CONFIG: &str = "/etc/callbackd/callbackd.toml";

/// One truthful row per Asterisk call, and every missed caller called back
#[derive(Debug, Parser)]
#[command(
    name = "callbackd",
    version,
    max_term_width = 100,
    after_help = "\
Exit codes are those of sysexits(3): 78 configuration, 77 permission or login, 75 in use or busy, 65 damaged input, ….

Examples:
  callbackd demo                               see it work, without a PBX
  callbackd setup                              set it up beside the Asterisk of this machine
  callbackd check --connect                    is everything right, and what is missing
  callbackd run                                what the service does, in the foreground
  callbackd                                    its status in a few lines, and what to do next
  callbackd calls --today                      today's calls
  callbackd missed                             whom nobody served today, and what became of them
  callbackd tail                               what happens, as it happens
  callbackd top                                queues, calls, callbacks and agents on one screen
  callbackd calls show 812                     the history of one call
  callbackd report yesterday                   what a manager asks: missed, won back, service level
  callbackd status                             link, calls, agents, callbacks
  callbackd agents                             who is free, and why not
  callbackd callbacks                          who is to be called back, and why not yet
  callbackd backup /backup/calls.db            a copy of the database, while the daemon runs
  callbackd capture monday.ami                 record what the PBX sends
  callbackd replay --db x.db monday.ami        replay a recording"
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Follow the PBX and store its calls, in the foreground (what the service does)
    Run(RunArgs),
    /// See it work without a PBX: a pretend call centre and the real daemon
    Demo(demo::DemoArgs),
    /// Say what is right and what is missing, here and on the PBX
    Check(check::CheckArgs),
    /// Record what the PBX sends, for replay
    Capture(capture::CaptureArgs),
    /// Run recorded AMI streams through the tracker into a database
    Replay(replay::ReplayArgs),
    /// Import the history in Asterisk's CDR and queue_log
    Import(import::ImportArgs),
    /// Judge calls that are over again, under the rules of the configuration as it is now
    Rejudge(rejudge::RejudgeArgs),
    /// Compare the database with Asterisk's CDR and queue_log
    Audit(audit::AuditArgs),
    /// List calls, newest first, or show one call's history
    Calls(Box<calls::CallsArgs>),
    /// Set up callbackd beside the Asterisk of this machine: AMI user, contexts, region
    Setup(setup::SetupArgs),
    /// Show whom nobody served, and what became of them since
    Missed(missed::MissedArgs),
    /// Follow what happens, one line for each change
    Tail(tail::TailArgs),
    /// Show queues, calls, callbacks and agents on one screen, as they are now
    Top(top::TopArgs),
    /// Report the figures of a time: missed and won back, service level, load, queues, agents
    Report(Box<report::ReportArgs>),
    /// List callbacks, show one's history, or change one
    Callbacks(Box<callbacks::CallbacksArgs>),
    /// Show the agents: who is free, since when, and why not
    Agents(agents::AgentsArgs),
    /// Set a code on a call, or take one off it
    Tag(tag::TagArgs),
    /// List the codes, with the calls that have them
    Codes(tag::CodesArgs),
    /// Manage the do-not-call list
    Dnc(dnc::DncArgs),
    /// Manage the tokens with which programs use the API by TCP
    Token(token::TokenArgs),
    /// Look at webhooks, try them, and send again what they did not take
    Webhooks(webhooks::WebhooksArgs),
    /// Manage the databases that hold a copy of the rows of many sites
    Sink(sink::SinkArgs),
    /// Make the buckets by which sites share their customers
    Group(group::GroupArgs),
    /// Bring a stream of the sites into a database
    Collect(collect::CollectArgs),
    /// Show status
    Status(status::StatusArgs),
    /// Copy the database while the daemon runs
    Backup(backup::BackupArgs),
    /// Compact the database while the daemon does not run
    Vacuum(vacuum::VacuumArgs),
    /// Write the manual pages into a directory (how the packages get them)
    #[command(hide = true)]
    Man(man::ManArgs),
}

/// `callbackd run`
#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// Configuration
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    pub config: PathBuf,
}

/// Reads the configuration at the path that was given, else the default one.
///
/// # Errors
/// The refusal, to be rendered.
pub fn configuration(path: Option<&Path>) -> Result<Config, Refusal> {
    Config::load(path.unwrap_or(Path::new(DEFAULT_CONFIG)))
}

/// The rules that hold where there is no configuration, for a PBX of this name.
///
/// # Errors
/// The name cannot be one.
pub fn default_rules(pbx: Option<&str>) -> Result<Config, Refusal> {
    let named = pbx.map(|name| BTreeMap::from([("pbx", BTreeMap::from([("name", name)]))]));
    // Names as keys, a text as the value: it can be written.
    let text = named.and_then(|table| toml::to_string(&table).ok()).unwrap_or_default();
    Config::from_toml(&text, "--pbx")
}

/// Accepts the words of one of the core's enums in any case; anything else is answered with the list of them.
fn words<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    text: fn(T) -> &'static str,
    parse: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|&word| text(word)))
        .try_map(move |given| parse(&given).ok_or_else(|| format!("{given} is none of them")))
}
