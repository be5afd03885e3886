//! `callbackd group`: the buckets by which sites share their customers.

use super::failure::Failure;
use super::plain::json_line;
use super::sink::as_user;
use super::sink::stream::asked;
use super::target::{Target, TargetArgs};
use crate::config::{Config, Sink};
use crate::sinks::nats::jetstream::{buckets, make_buckets};
use crate::sinks::nats::wire::Client;
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Make the buckets by which sites share their customers
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The sites that have the same [group] in their configurations call each customer back once: before one dials, it claims the customer in a bucket of NATS
JetStream. The daemon reads and writes keys; what makes the buckets is done by this command as another user (--user, --password-file).

Examples:
  callbackd group init                                     # what is made, as JSON
  callbackd group init --apply --user admin --password-file admin")]
pub struct GroupArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    #[command(subcommand)]
    pub(crate) command: GroupCommand,
}

/// What is done with the group.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum GroupCommand {
    /// Print the streams of the buckets, or make those that are not there
    Init {
        /// Make them
        #[arg(long)]
        apply: bool,
        /// Another user of the server [default: the user of the configuration]
        #[arg(long, requires = "password_file")]
        user: Option<String>,
        /// File with that user's password, which nobody else can read
        #[arg(long, value_name = "FILE", requires = "user")]
        password_file: Option<PathBuf>,
    },
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &GroupArgs, config: &Config, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let group = config.group.as_ref();
    let group = group.ok_or_else(|| Failure::Usage("the configuration has no [group]".to_owned()))?;
    let GroupCommand::Init { apply, user, password_file } = &args.command;
    let streams = buckets(&group.name);
    if !apply {
        return streams.iter().try_for_each(|stream| Ok(writeln!(out, "{stream:#}")?));
    }
    let server: Sink = as_user(&group.server, user.as_deref().zip(password_file.as_deref()));
    let were_there = asked(&server, async |client: &mut Client| make_buckets(client, &group.name).await)?;
    let names = streams.iter().map(|stream| stream["name"].as_str().unwrap_or_default().trim_start_matches("KV_"));
    for (bucket, was_there) in names.zip(were_there) {
        if target.json {
            let line: Value = json!({ "group": group.name, "bucket": bucket, "was_there": was_there });
            json_line(&line, out)?;
        } else {
            writeln!(out, "Bucket {bucket} {}.", if was_there { "was there" } else { "is made" })?;
        }
    }
    Ok(())
}
