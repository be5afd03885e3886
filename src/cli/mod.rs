//! The commands for people: one file for each.

pub mod calls;
pub mod capture;
pub mod check;
pub mod replay;

use crate::config::{Config, Refusal};
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};

/// Where the configuration is if nobody says otherwise.
pub const DEFAULT_CONFIG: &str = "/etc/callbackd/callbackd.toml";

/// One truthful row per Asterisk call, and every missed caller known
#[derive(Debug, Parser)]
#[command(
    name = "callbackd",
    version,
    max_term_width = 100,
    after_help = "\
Exit codes are those of sysexits(3): 78 configuration, 77 permission or login, 75 in use or busy, 65 damaged input, ….

Examples:
  callbackd check --connect                    is everything right, and what is missing
  callbackd run                                what the service does, in the foreground
  callbackd calls --since today                today's calls
  callbackd calls show 812                     the story of one call
  callbackd capture monday.ami                 record what the PBX sends
  callbackd replay --db x.db monday.ami        make rows of a recording"
)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the PBX and keep its calls, in the foreground (what the service does)
    Run(RunArgs),
    /// Say what is right and what is missing, here and on the PBX
    Check(check::CheckArgs),
    /// Record what the PBX sends, for replay
    Capture(capture::CaptureArgs),
    /// Run recorded AMI streams through the engine into a database
    Replay(replay::ReplayArgs),
    /// List calls, newest first, or tell one call's story
    Calls(Box<calls::CallsArgs>),
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
