//! `callbackd collect`: brings a stream into a database, and shows what could not be brought there.

use super::failure::Failure;
use super::plain::{json_line, local, safe};
use super::sink::in_postgres;
use super::target::{Target, TargetArgs};
use crate::config::{Config, Sink, SinkInto};
use crate::daemon::collect::{self, Ways};
use crate::exit::Exit;
use crate::sinks::collect::Collector;
use comfy_table::{Table, presets::NOTHING};
use std::io::Write;
use tokio_postgres::Client;

/// Bring a stream of the sites into a database
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Both are sinks of the configuration, [[sink]]: the stream has type = \"nats\", the database type = \"postgres\". It runs until it is ended, beside a daemon or
without one: where it runs, a configuration of its own is enough that has nothing but the two (callbackd-collect.service takes
/etc/callbackd/collect.toml). Several may run side by side. What cannot be read or written is put aside, and never holds up what comes behind it.

Examples:
  callbackd collect --from stream --into head-office --config /etc/callbackd/collect.toml
  callbackd collect --into head-office --dead              # what was put aside, the newest first")]
pub struct CollectArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Name of the stream's sink [default: the only one with type = "nats"]
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// Name of the database's sink [default: the only one with type = "postgres"]
    #[arg(long, value_name = "NAME")]
    into: Option<String>,
    /// Show what was put aside, and where messages are missing
    #[arg(long, conflicts_with = "from")]
    dead: bool,
    /// How many of them
    #[arg(long, default_value_t = 50, requires = "dead", value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

impl CollectArgs {
    /// It is only to be shown what was put aside.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.dead
    }
}

/// Collects until a signal ends it.
///
/// # Errors
/// The configuration has no such sinks.
pub fn run(args: &CollectArgs, config: &Config) -> Result<Exit, Failure> {
    let from = chosen(config, args.from.as_deref(), true)?;
    let into = chosen(config, args.into.as_deref(), false)?;
    let SinkInto::Nats { stream, .. } = &from.into else { return Ok(Exit::Config) };
    Ok(collect::run(config, &Ways { from, stream, into }))
}

/// Shows what was put aside.
///
/// # Errors
/// See [`Failure`].
pub fn show(args: &CollectArgs, config: &Config, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let sink = chosen(config, args.into.as_deref(), false)?;
    let limit = args.limit;
    let dead = in_postgres(sink, async |client: Client| Collector::dead(&client, limit).await)?;
    if target.json {
        return dead.iter().try_for_each(|one| Ok(json_line(one, out)?));
    }
    if dead.is_empty() {
        writeln!(out, "Nothing was put aside.")?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["", "At", "Site", "Change", "Subject", "Why"]);
    for one in dead {
        let change = match (one.missing, one.after_seq, one.to_seq) {
            (true, Some(after), Some(to)) if to > after => format!("{} to {to}, {} came", after + 1, one.came),
            (_, _, Some(to)) => to.to_string(),
            _ => String::new(),
        };
        table.add_row([
            one.id.to_string(),
            local(one.at_ms, &target.zone, "%Y-%m-%d %H:%M:%S"),
            safe(&one.site),
            change,
            safe(&one.subject),
            safe(&one.why),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

/// The sink of this name, or the only one of its type.
fn chosen<'c>(config: &'c Config, name: Option<&str>, is_stream: bool) -> Result<&'c Sink, Failure> {
    let (option, kind) = if is_stream { ("--from", "nats") } else { ("--into", "postgres") };
    let fits = |sink: &&Sink| matches!(sink.into, SinkInto::Nats { .. }) == is_stream;
    let all: Vec<&Sink> = config.sinks.iter().filter(fits).collect();
    let names: Vec<&str> = all.iter().map(|sink| sink.name.as_str()).collect();
    match (name, &all[..]) {
        (Some(name), all) => all.iter().copied().find(|sink| sink.name == name).ok_or_else(|| {
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Failure::Usage(format!(
                "{option}: there is no sink {} with type = \"{kind}\"; there are: {known}",
                safe(name)
            ))
        }),
        (None, [one]) => Ok(one),
        (None, []) => Err(Failure::Usage(format!("the configuration has no [[sink]] with type = \"{kind}\""))),
        (None, _) => Err(Failure::Usage(format!("{option} is needed: there are the sinks {}", names.join(", ")))),
    }
}
