//! `callbackd status`: one screen that says how things stand.

use super::complete;
use super::failure::Failure;
use super::plain::{json_line, local, safe, spell};
use super::target::{Target, TargetArgs, known};
use crate::api::counters::GroupCounters;
use crate::api::percent;
use crate::api::status::{PbxStatus, Status};
use crate::store::Reader;
use callbackd_core::model::Gap;
use callbackd_core::order::Gather as _;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

/// Show status: link, live calls, agents, open callbacks, the last gap
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Of this PBX: its state, its open callbacks, its last gap
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &StatusArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    let pbx = args.pbx.as_deref();
    let path = pbx.map_or_else(|| "/v1/status".to_owned(), |pbx| format!("/v1/status?pbx={}", percent(pbx)));
    let Some(value) = target.get(&path)? else { return from_database(pbx, target, out, notes) };
    let gap = target.reader().and_then(|reader| last_gap(&reader, pbx)).ok().flatten();
    if target.json {
        let mut value = value;
        value["last_gap"] = json!(gap);
        json_line(&value, out)?;
        let pbxs = value["pbx"].as_array().into_iter().flatten();
        let unseen = pbxs.filter(|pbx| pbx["seen"] == json!(false)).filter_map(|pbx| pbx["name"].as_str());
        return unseen_if_any(unseen);
    }
    let status: Status = serde_json::from_value(value)
        .map_err(|error| Failure::Usage(format!("the daemon and this program are of different versions: {error}")))?;
    let up = spell((target.now_ms() - status.since_ms).max(0));
    let mut text = String::new();
    // Writing to a String cannot fail: the results of write! are dropped.
    let _ = writeln!(text, "callbackd   {}, runs for {up}", safe(&status.version));
    for pbx in &status.pbx {
        let _ = write!(text, "{}", of_pbx(pbx, target));
    }
    let _ = match &status.store_error {
        None => writeln!(
            text,
            "database    {} calls stored since the start, {} records wait",
            status.calls_stored, status.unsaved
        ),
        Some(error) => {
            writeln!(text, "database    CANNOT BE WRITTEN: {}; {} records wait", safe(error), status.unsaved)
        }
    };
    if let Some(group) = &status.counters.group {
        let _ = writeln!(text, "group       {}", of_group(group, target));
    }
    let _ = writeln!(text, "callbacks   {}", callbacks(&status));
    let _ =
        writeln!(text, "last gap    {}", gap.as_ref().map_or_else(|| "none".to_owned(), |gap| described(gap, target)));
    write!(out, "{text}")?;
    unseen_if_any(status.pbx.iter().filter(|pbx| !pbx.seen).map(|pbx| &*pbx.name))
}

/// Not seen is not well: whoever asks by a script learns it from the exit code.
fn unseen_if_any<'a>(pbxs: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let names: Vec<String> = pbxs.map(safe).collect();
    if names.is_empty() { Ok(()) } else { Err(Failure::Unseen(names.join(", "))) }
}

fn of_pbx(pbx: &PbxStatus, target: &Target) -> String {
    let mut text = format!("pbx         {} at {}: {}\n", safe(&pbx.name), safe(&pbx.address), safe(&pbx.link));
    if let Some(another) = &pbx.another_callbackd {
        let what = if pbx.gives_way { "so this one makes none (callback.alongside)" } else { "and so does this one" };
        let _ =
            writeln!(text, "            ANOTHER CALLBACKD (database {}) makes callbacks there, {what}", safe(another));
    }
    let (Some(free), Some(waiting)) = (pbx.free, &pbx.waiting) else {
        let since = pbx.unseen_since_ms.map_or_else(
            || "it has not been seen yet".to_owned(),
            |ms| format!("not seen since {}", local(ms, &target.zone, "%Y-%m-%d %H:%M:%S")),
        );
        let _ = writeln!(text, "calls       UNKNOWN: {since}; {} were in progress", pbx.calls);
        let _ = writeln!(text, "agents      UNKNOWN: {since}; {} were known", pbx.agents);
        let _ = writeln!(text, "waiting     UNKNOWN");
        return text;
    };
    let _ = writeln!(text, "calls       {} in progress", pbx.calls);
    let _ = writeln!(text, "agents      {free} of {} free (callbackd agents says who, and why not)", pbx.agents);
    let waiting: Vec<String> = waiting.iter().map(|(queue, n)| format!("{n} in {}", safe(queue))).collect();
    let _ = writeln!(text, "waiting     {}", if waiting.is_empty() { "nobody".to_owned() } else { waiting.join(", ") });
    text
}

fn of_group(group: &GroupCounters, target: &Target) -> String {
    let name = safe(&group.name);
    match (group.reached, group.failing_since_ms) {
        (true, _) => format!("{name}: the other sites can be asked"),
        (false, None) => format!("{name}: connecting"),
        (false, Some(ms)) => {
            let since = local(ms, &target.zone, "%Y-%m-%d %H:%M:%S");
            let what = if group.alone == "dial" {
                "callbacks are made without asking, other sites may call the same customers"
            } else {
                "no callbacks are made"
            };
            format!("{name}: CANNOT BE ASKED since {since}, so {what} (group.alone = \"{}\")", safe(&group.alone))
        }
    }
}

fn callbacks(status: &Status) -> String {
    let open: usize = status.callbacks.values().sum();
    let off = if status.callbacks_enabled { "" } else { "; none are made: callback.enabled = false" };
    format!(
        "{}, {} going on{off}",
        counted(open as u64, status.callbacks.iter().map(|(s, n)| (s.clone(), *n as u64)).to_map()),
        status.attempts
    )
}

fn counted(open: u64, by_state: BTreeMap<String, u64>) -> String {
    let states: Vec<String> = by_state.iter().map(|(state, n)| format!("{n} {}", safe(state))).collect();
    if states.is_empty() { format!("{open} open") } else { format!("{open} open ({})", states.join(", ")) }
}

fn described(gap: &Gap, target: &Target) -> String {
    let from = local(gap.from_ms, &target.zone, "%Y-%m-%d %H:%M:%S");
    format!("{from}, {} ({}), {} calls lost", spell(gap.to_ms - gap.from_ms), gap.cause, gap.calls_lost)
}

fn last_gap(reader: &Reader, pbx: Option<&str>) -> Result<Option<Gap>, Failure> {
    Ok(match pbx {
        Some(pbx) => reader.gaps(pbx)?.pop(),
        None => reader.last_gap()?,
    })
}

/// What the database knows when nobody runs.
fn from_database(
    pbx: Option<&str>,
    target: &Target,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), Failure> {
    let reader = target.reader()?;
    known(pbx, &target.pbxs, &reader)?;
    target.note_not_running(notes);
    let (open, gap, mut seen) = (reader.open_callbacks(pbx)?, last_gap(&reader, pbx)?, reader.last_seen()?);
    seen.retain(|name, _| pbx.is_none_or(|pbx| name == pbx));
    if target.json {
        json_line(&json!({ "running": false, "callbacks": open, "last_gap": gap, "last_seen_ms": seen }), out)?;
        return Err(Failure::NotRunning);
    }
    let mut text = "callbackd   NOT RUNNING: systemctl start callbackd\n".to_owned();
    for (pbx, ms) in &seen {
        let _ =
            writeln!(text, "pbx         {}: last seen {}", safe(pbx), local(*ms, &target.zone, "%Y-%m-%d %H:%M:%S"));
    }
    let _ = writeln!(text, "callbacks   {}", counted(open.values().sum(), open));
    let _ =
        writeln!(text, "last gap    {}", gap.as_ref().map_or_else(|| "none".to_owned(), |gap| described(gap, target)));
    write!(out, "{text}")?;
    // Whoever asks by a script learns it from the exit code.
    Err(Failure::NotRunning)
}
