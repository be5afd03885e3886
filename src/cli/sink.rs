//! `callbackd sink`: the databases that hold a copy of the rows, and the streams that carry it there: schema and stream, how far each site is there,
//! and what is taken out.

pub(super) mod stream;

use super::calls::when;
use super::failure::Failure;
use super::plain::{json_line, local, safe};
use super::target::{Target, TargetArgs};
use crate::background::block_on;
use crate::config::{Config, PostgresUrl, Sink, SinkInto};
use crate::daemon::sinks::connect::{Connected, Unreached, connect, instead};
use crate::sinks::collect::Collector;
use crate::sinks::postgres::{Fault, cursor, prune, schema};
use clap::Subcommand;
use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_postgres::Client;

/// A server may take so long to let somebody in.
const PATIENCE: Duration = Duration::from_secs(20);
/// And so long to answer. A schema waits for those who use its tables.
const ANSWER: Duration = Duration::from_secs(60);
/// What is removed may be much.
const REMOVAL: Duration = Duration::from_hours(24);

/// Manage the databases that hold a copy of the rows of many sites, and the streams that carry it there
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A sink is a database or a stream of the configuration, [[sink]]. The daemon writes there as a user who can neither change the schema nor delete; what
needs more is done by these commands as another one (--url or --user, --password-file).

Examples:
  callbackd sink init head-office                          # print what makes the schema, for psql
  callbackd sink init head-office --apply --url postgres://admin@db.example.com/callbackd --password-file admin
  callbackd sink init stream --apply --max-mib 20480 --max-days 30 --user admin --password-file admin
  callbackd sink show head-office                          # how far each site is there
  callbackd sink prune head-office --before 400d --url postgres://admin@db.example.com/callbackd --password-file admin")]
pub struct SinkArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    #[command(subcommand)]
    pub(crate) command: SinkCommand,
}

/// As whom a command is done.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AsArgs {
    /// Another user of that database [default: the url of the configuration]
    #[arg(long, requires = "password_file", value_name = "URL")]
    url: Option<String>,
    /// Another user of that stream's server [default: the user of the configuration]
    #[arg(long, requires = "password_file", conflicts_with = "url")]
    user: Option<String>,
    /// File with that user's password, which nobody else can read
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What a stream keeps.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct KeepsArgs {
    /// MiB that a stream keeps [default: as it is; 4096 for a new one]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_073_741_824))]
    max_mib: Option<u64>,
    /// Days for which a stream keeps what it has [default: as it is; 30 for a new one]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3_650))]
    max_days: Option<u64>,
}

/// What is done with sinks.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SinkCommand {
    /// Print what makes or updates the schema or the stream, or apply it
    Init {
        /// Its name
        name: String,
        /// Bring the schema there to this version, or make the stream
        #[arg(long)]
        apply: bool,
        /// Print only what comes after this version of the schema
        #[arg(long, value_name = "VERSION", default_value_t = 0, conflicts_with = "apply")]
        from: i32,
        #[command(flatten)]
        keeps: KeepsArgs,
        #[command(flatten)]
        by: AsArgs,
    },
    /// Have all tables of this site published anew: takes its messages out of a stream
    Anew {
        /// Its name
        name: String,
        #[command(flatten)]
        by: AsArgs,
    },
    /// Show how far each site is there
    Show {
        /// Its name
        name: String,
    },
    /// Remove calls, callbacks, gaps and agents' times that ended before a day, in small steps
    Prune {
        /// Its name
        name: String,
        /// A date or time, or so long ago: 2026-01-31, 400d
        #[arg(long, value_name = "WHEN")]
        before: String,
        /// Of one site [default: of all]
        #[arg(long)]
        site: Option<String>,
        #[command(flatten)]
        by: AsArgs,
    },
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &SinkArgs, config: &Config, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let name = match &args.command {
        SinkCommand::Init { name, .. }
        | SinkCommand::Show { name }
        | SinkCommand::Anew { name, .. }
        | SinkCommand::Prune { name, .. } => name,
    };
    let sink = found(config, name)?;
    match &sink.into {
        SinkInto::Postgres(_) => run_postgres(&args.command, config, target, out),
        SinkInto::Nats { .. } => stream::run(&args.command, sink, config, target, out),
    }
}

fn run_postgres(command: &SinkCommand, config: &Config, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        SinkCommand::Init { keeps: KeepsArgs { max_mib, max_days }, .. } if max_mib.or(*max_days).is_some() => {
            Err(Failure::Usage("--max-mib and --max-days are for a sink with type = \"nats\"".to_owned()))
        }
        SinkCommand::Init { name, apply: false, from, by, .. } => {
            named(config, name, by)?;
            let role = &named(config, name, &AsArgs::default())?.user;
            writeln!(out, "-- The schema of callbackd's sinks. Apply it as a user who may create schemas.")?;
            Ok(out.write_all(schema::script(*from, role).as_bytes())?)
        }
        SinkCommand::Init { name, by, .. } => {
            let (sink, role) = (named(config, name, by)?, named(config, name, &AsArgs::default())?.user);
            let found = asked(&sink, ANSWER, async |client: Client| schema::apply(&client, &role).await)?;
            if target.json {
                json_line(&json!({ "sink": name, "before": found, "version": schema::VERSION, "role": role }), out)?;
            } else if found == schema::VERSION {
                writeln!(out, "The schema has version {found} already; {} may write.", safe(&role))?;
            } else {
                writeln!(out, "The schema has version {} now; {} may write.", schema::VERSION, safe(&role))?;
            }
            Ok(())
        }
        SinkCommand::Anew { .. } => Err(Failure::Usage(
            "`sink anew` is for a sink with type = \"nats\": what a database lacks, it gets by itself".to_owned(),
        )),
        SinkCommand::Show { name } => show(&named(config, name, &AsArgs::default())?, target, out),
        SinkCommand::Prune { name, before, site, by } => {
            let before = when::parse(before, &target.zone, target.now).map_err(Failure::Usage)?;
            let (sink, before_ms) = (named(config, name, by)?, before.as_millisecond());
            let removed =
                asked(&sink, REMOVAL, async |client: Client| prune::prune(&client, before_ms, site.as_deref()).await)?;
            if target.json {
                let rows: serde_json::Map<String, Value> =
                    removed.iter().map(|(table, rows)| ((*table).to_owned(), json!(rows))).collect();
                json_line(&json!({ "sink": name, "before_ms": before_ms, "removed": rows }), out)?;
            } else {
                let rows: Vec<String> = removed.iter().map(|(table, rows)| format!("{rows} {table}")).collect();
                writeln!(
                    out,
                    "Removed what ended before {}: {}",
                    local(before_ms, &target.zone, "%Y-%m-%d %H:%M"),
                    rows.join(", ")
                )?;
            }
            Ok(())
        }
    }
}

/// The same server, as this user with the password of this file, if one is named.
pub(super) fn as_user(sink: &Sink, user: Option<(&str, &Path)>) -> Sink {
    match user {
        Some((user, file)) => Sink { user: user.to_owned(), password_file: file.to_owned(), ..sink.clone() },
        None => sink.clone(),
    }
}

/// The sink of this name.
pub(super) fn found<'c>(config: &'c Config, name: &str) -> Result<&'c Sink, Failure> {
    config.sinks.iter().find(|sink| sink.name == name).ok_or_else(|| {
        let known: Vec<&str> = config.sinks.iter().map(|sink| sink.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::Usage(format!("there is no sink {}; there are: {known}", safe(name)))
    })
}

/// The sink of this name, used as it says or as somebody else.
fn named(config: &Config, name: &str, by: &AsArgs) -> Result<Sink, Failure> {
    let sink = found(config, name)?;
    match (&by.url, &by.password_file) {
        (Some(url), Some(file)) => {
            let url =
                PostgresUrl::parse(url).map_err(|(what, help)| Failure::Usage(format!("--url: {what}: {help}")))?;
            Ok(instead(sink, url, file))
        }
        (None, None) => Ok(sink.clone()),
        _ => Err(Failure::Usage("--password-file needs --url, the user of a database".to_owned())),
    }
}

fn show(sink: &Sink, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let (sites, has_dead) = asked(sink, ANSWER, async |client: Client| {
        schema::check(&client).await?;
        Ok((cursor::all(&client).await?, !Collector::dead(&client, 1).await?.is_empty()))
    })?;
    if target.json {
        return sites.iter().try_for_each(|site| Ok(json_line(site, out)?));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["Site", "Database", "Incarnation", "Change", "Of", "Written"]);
    let at = |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M:%S");
    for site in sites {
        table.add_row([
            safe(&site.site),
            safe(&site.db_uuid).chars().take(8).collect(),
            site.incarnation.to_string(),
            if site.walking { "all tables are read anew".to_owned() } else { site.acked_seq.to_string() },
            site.at_ms.map(at).unwrap_or_default(),
            at(site.written_ms),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    if has_dead {
        writeln!(out, "\nMessages were put aside, or are missing: callbackd collect --into {} --dead", sink.name)?;
    }
    this_site(sink, target, out)
}

/// How the daemon here gets on with it, if one runs.
fn this_site(sink: &Sink, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let Some(status) = target.get("/v1/status")? else { return Ok(()) };
    let here = &status["counters"]["sinks"][&sink.name];
    let since = here["failing_since_ms"].as_i64();
    let at = |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M:%S");
    let how = since.map_or_else(|| "it works".to_owned(), |ms| format!("it has been failing since {}", at(ms)));
    let lag_s = here["lag_ms"].as_u64().unwrap_or_default() / 1_000;
    let behind = here["behind"].as_u64().unwrap_or_default();
    writeln!(out, "\nThis site: {behind} changes behind, {lag_s} s; {how}.")?;
    Ok(())
}

/// Asks a database, and waits for as long as an answer takes.
pub(super) fn in_postgres<T, F: Future<Output = Result<T, Fault>>>(
    sink: &Sink,
    ask: impl FnOnce(Client) -> F,
) -> Result<T, Failure> {
    asked(sink, ANSWER, ask)
}

/// Connects, and asks for as long as is given.
fn asked<T, F: Future<Output = Result<T, Fault>>>(
    sink: &Sink,
    within: Duration,
    ask: impl FnOnce(Client) -> F,
) -> Result<T, Failure> {
    reached(sink, "callbackd sink", async |client| match tokio::time::timeout(within, ask(client)).await {
        Ok(answer) => answer.map_err(|why| refused(sink, &why)),
        Err(_) => Err(refused(sink, &late())),
    })
}

/// Connects under this name, and asks.
pub(super) fn reached<T>(
    sink: &Sink,
    named: &str,
    ask: impl AsyncFnOnce(Client) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    block_on(&runtime, async {
        let connecting = tokio::time::timeout(PATIENCE, connect(sink, named)).await;
        let connected = connecting.unwrap_or_else(|_| Err(late()));
        let mut connected: Connected = connected.map_err(|why| refused(sink, &why))?;
        let client = connected.client.take().ok_or_else(|| Failure::Missing(sink.name.clone()))?;
        ask(client).await
    })
}

fn late() -> Unreached {
    Unreached::Unanswered("no answer in time".to_owned())
}

pub(super) fn refused(sink: &Sink, why: &dyn std::error::Error) -> Failure {
    Failure::NotSent(safe(&format!("{} at {}: {why}", sink.name, sink.host)))
}
