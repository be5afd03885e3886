//! The same for a stream of NATS JetStream.

use super::super::failure::Failure;
use super::super::plain::{json_line, local, safe};
use super::super::target::Target;
use super::{ANSWER, AsArgs, KeepsArgs, PATIENCE, SinkCommand, as_user, refused, this_site};
use crate::background::block_on;
use crate::config::{Config, Sink, SinkInto};
use crate::daemon::run::host_name;
use crate::daemon::sinks::connect::connect_nats;
use crate::sinks::nats::Fault;
use crate::sinks::nats::envelope::{Mark, all_of};
use crate::sinks::nats::jetstream::{self, Wanted};
use crate::sinks::nats::wire::Client;
use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// Runs the command on this sink.
///
/// # Errors
/// See [`Failure`].
pub(super) fn run(
    command: &SinkCommand,
    sink: &Sink,
    config: &Config,
    target: &Target,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let SinkInto::Nats { stream, dedup_window } = &sink.into else { return Ok(()) };
    let site = config.site.clone().unwrap_or_else(host_name);
    match command {
        SinkCommand::Init { from: 1.., .. } => Err(only_database("--from")),
        SinkCommand::Init { apply, keeps, by, .. } => {
            let (sink, wanted) = (used_by(sink, by)?, wanted(stream, *dedup_window, *keeps));
            if !*apply {
                writeln!(out, "{:#}", wanted.config())?;
                return Ok(());
            }
            let was_there = asked(&sink, async |client: &mut Client| jetstream::make(client, &wanted).await)?;
            if target.json {
                return Ok(json_line(&json!({ "sink": sink.name, "stream": stream, "was_there": was_there }), out)?);
            }
            let how = if was_there { "was there; it has these limits now" } else { "is made" };
            writeln!(out, "Stream {stream} {how}.")?;
            Ok(())
        }
        SinkCommand::Anew { by, .. } => {
            let (sink, subject) = (used_by(sink, by)?, all_of(&site));
            let gone = asked(&sink, async |client: &mut Client| jetstream::purge(client, stream, &subject).await)?;
            if target.json {
                return Ok(json_line(&json!({ "sink": sink.name, "site": site, "removed": gone }), out)?);
            }
            writeln!(
                out,
                "{gone} messages of site {} are removed. Its daemon sees that within a minute, and publishes all tables anew.",
                safe(&site)
            )?;
            Ok(())
        }
        SinkCommand::Show { .. } => show(sink, stream, &site, target, out),
        SinkCommand::Prune { .. } => Err(Failure::Usage(
            "`sink prune` is for a database; a stream keeps what `sink init --max-days` and `--max-mib` say".to_owned(),
        )),
    }
}

fn only_database(what: &str) -> Failure {
    Failure::Usage(format!("{what} is for a sink with type = \"postgres\""))
}

fn wanted(stream: &str, dedup_window: Duration, keeps: KeepsArgs) -> Wanted {
    let max_age = keeps.max_days.map(|days| Duration::from_hours(days * 24));
    Wanted { stream: stream.to_owned(), dedup_window, max_age, max_bytes: keeps.max_mib.map(|mib| mib << 20) }
}

/// The sink as another user, if one is named.
fn used_by(sink: &Sink, by: &AsArgs) -> Result<Sink, Failure> {
    if by.url.is_some() {
        return Err(only_database("--url"));
    }
    match (&by.user, &by.password_file) {
        (user, file) if user.is_some() == file.is_some() => Ok(as_user(sink, user.as_deref().zip(file.as_deref()))),
        _ => Err(Failure::Usage("--password-file needs --user".to_owned())),
    }
}

fn show(sink: &Sink, stream: &str, site: &str, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let (info, last, consumers) = asked(sink, async |client: &mut Client| {
        let info = jetstream::stream(client, stream).await?;
        let last = jetstream::last(client, stream, &all_of(site)).await?;
        // Who only publishes need not be let look at those who read.
        let consumers = match jetstream::consumers(client, stream).await {
            Err(Fault::Forbidden(_)) => Vec::new(),
            found => found?,
        };
        Ok((info, last, consumers))
    })?;
    let mark = last.as_ref().and_then(|last| Mark::read(&last.headers));
    let (state, config) = (&info["state"], &info["config"]);
    if target.json {
        let consumers: Vec<Value> = consumers.iter().map(consumer).collect();
        let seq = mark.as_ref().map(|mark| mark.highest().seq);
        let line = json!({
            "sink": sink.name, "stream": stream, "messages": state["messages"], "bytes": state["bytes"],
            "max_bytes": config["max_bytes"], "max_age_s": config["max_age"].as_u64().map(|nanos| nanos / 1_000_000_000),
            "first_seq": state["first_seq"], "last_seq": state["last_seq"],
            "site": site, "site_seq": seq, "site_acked": mark.as_ref().map(|mark| mark.acked), "consumers": consumers,
        });
        return Ok(json_line(&line, out)?);
    }
    let mib =
        |bytes: &Value| bytes.as_u64().map_or_else(|| "any number of".to_owned(), |bytes| (bytes >> 20).to_string());
    writeln!(
        out,
        "Stream {stream}: {} messages, {} of {} MiB; the last at {}.",
        state["messages"],
        mib(&state["bytes"]),
        mib(&config["max_bytes"]),
        state["last_ts"]
            .as_str()
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
            .map_or_else(|| "no time".to_owned(), |at| local(at.as_millisecond(), &target.zone, "%Y-%m-%d %H:%M:%S")),
    )?;
    match mark {
        Some(mark) => writeln!(
            out,
            "Site {}: database {}, change {}, and all up to {} for sure.",
            safe(site),
            mark.db_uuid.chars().take(8).collect::<String>(),
            mark.highest().seq,
            mark.acked
        )?,
        None => writeln!(out, "Site {} has nothing in it.", safe(site))?,
    }
    if !consumers.is_empty() {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["Consumer", "Not delivered", "Not acknowledged", "Delivered again"]);
        for found in consumers.iter().map(consumer) {
            let cell = |key: &str| found[key].to_string();
            let name = safe(found["name"].as_str().unwrap_or_default());
            table.add_row([name, cell("pending"), cell("ack_pending"), cell("redelivered")]);
        }
        writeln!(out, "\n{}", table.trim_fmt())?;
    }
    this_site(sink, target, out)
}

fn consumer(found: &Value) -> Value {
    let number = |key: &str| found[key].as_u64().unwrap_or_default();
    json!({
        "name": found["name"], "pending": number("num_pending"), "ack_pending": number("num_ack_pending"),
        "redelivered": number("num_redelivered"),
    })
}

/// Connects, and asks.
pub(in super::super) fn asked<T>(
    sink: &Sink,
    ask: impl AsyncFnOnce(&mut Client) -> Result<T, Fault>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let late = || Fault::Refused("no answer in time".to_owned());
    block_on(&runtime, async {
        let connecting = tokio::time::timeout(PATIENCE, connect_nats(sink, "callbackd sink")).await;
        let mut client = match connecting {
            Ok(connected) => connected.map_err(|why| refused(sink, &why))?,
            Err(_) => return Err(refused(sink, &late())),
        };
        match tokio::time::timeout(ANSWER, ask(&mut client)).await {
            Ok(answer) => answer.map_err(|why| refused(sink, &why)),
            Err(_) => Err(refused(sink, &late())),
        }
    })
}
