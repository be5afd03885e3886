//! `callbackd agents`: who is free, since when, and why not.

use super::complete;
use super::failure::Failure;
use super::plain::{clip, json_line, local, safe, spell};
use super::target::{Target, TargetArgs, known};
use crate::api::percent;
use crate::api::status::AgentInPresence;
use callbackd_core::order::Gather as _;
use comfy_table::Table;
use std::collections::BTreeSet;
use std::io::Write;

/// Show the agents: who is free, since when, and why not
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
An agent is free if their phone can be reached and is not in use, none of their channels is known to the PBX,
they are not paused in all of their queues, their after-call work is over, and no callback was offered to them.")]
pub struct AgentsArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Of this PBX
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &AgentsArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    let path =
        args.pbx.as_ref().map_or_else(|| "/v1/agents".to_owned(), |pbx| format!("/v1/agents?pbx={}", percent(pbx)));
    let Some(value) = target.list(&path)? else { return from_database(args, target, out, notes) };
    if target.json {
        for agent in value.as_array().into_iter().flatten() {
            json_line(agent, out)?;
        }
        let unseen = value.as_array().into_iter().flatten().filter(|agent| agent["free"].is_null());
        return unseen_if_any(unseen.filter_map(|agent| agent["pbx"].as_str()));
    }
    let agents: Vec<AgentInPresence> = serde_json::from_value(value)
        .map_err(|error| Failure::Usage(format!("the daemon and this program are of different versions: {error}")))?;
    if agents.is_empty() {
        // Notes are a courtesy: that they cannot be said is no error.
        let _ = writeln!(notes, "No agent is known: no queue has members yet, or the PBX has not been seen.");
        return Ok(());
    }
    let last = several(agents.iter().map(|agent| &agent.pbx));
    let header = ["Agent", "Name", "Free", "Since", "Why not", "Last talk", "Calls", "Queues"];
    let mut table = table(header.into_iter().chain(last.then_some("PBX")));
    for agent in &agents {
        table.add_row(cells(agent, target).into_iter().chain(last.then(|| safe(&agent.pbx))));
    }
    writeln!(out, "{}", table.trim_fmt())?;
    unseen_if_any(agents.iter().filter(|agent| agent.free.is_none()).map(|agent| &*agent.pbx))
}

/// Not seen is not free: whoever asks by a script learns it from the exit code.
fn unseen_if_any<'a>(pbxs: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let names: BTreeSet<String> = pbxs.map(safe).to_set();
    if names.is_empty() { Ok(()) } else { Err(Failure::Unseen(Vec::from_iter(names).join(", "))) }
}

fn cells(agent: &AgentInPresence, target: &Target) -> [String; 8] {
    let now = target.now_ms();
    let queues = agent.queues.iter().map(|(queue, paused)| match paused {
        None => safe(queue),
        Some(reason) if reason.is_empty() => format!("{} (paused)", safe(queue)),
        Some(reason) => format!("{} (paused: {})", safe(queue), safe(reason)),
    });
    [
        safe(&agent.agent),
        agent.name.as_deref().map_or_else(|| "-".to_owned(), |name| clip(&safe(name), 24)),
        match agent.free {
            Some(true) => "yes",
            Some(false) => "no",
            None => "UNKNOWN",
        }
        .to_owned(),
        spell((now - agent.unseen_since_ms.unwrap_or(agent.since_ms)).max(0)),
        if agent.why_not.is_empty() { "-".to_owned() } else { safe(&agent.why_not) },
        agent.last_talk_ms.map_or_else(|| "-".to_owned(), |ms| local(ms, &target.zone, "%H:%M:%S")),
        agent.calls.to_string(),
        queues.collect::<Vec<_>>().join(", "),
    ]
}

/// There are agents of more than one of these PBXs: then each line names its PBX.
fn several<'a>(mut pbxs: impl Iterator<Item = &'a String>) -> bool {
    let first = pbxs.next();
    pbxs.any(|pbx| Some(pbx) != first)
}

fn table<'a>(header: impl Iterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// What each did last, as the database knows it.
fn from_database(
    args: &AgentsArgs,
    target: &Target,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), Failure> {
    let reader = target.reader()?;
    known(args.pbx.as_deref(), &target.pbxs, &reader)?;
    target.note_not_running(notes);
    let mut agents = reader.last_seen_agents()?;
    agents.retain(|agent| args.pbx.as_ref().is_none_or(|pbx| agent.pbx == *pbx));
    if target.json {
        for agent in &agents {
            json_line(agent, out)?;
        }
        return Ok(());
    }
    if agents.is_empty() {
        let _ = writeln!(notes, "No agent has been seen yet.");
        return Ok(());
    }
    let last = several(agents.iter().map(|agent| &agent.pbx));
    let mut table = table(["Agent", "Name", "Last seen", "From", "To"].into_iter().chain(last.then_some("PBX")));
    let at = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M:%S"));
    for agent in &agents {
        let activity = agent.activity.as_deref().unwrap_or("-");
        let row = [safe(&agent.agent), safe(&agent.name), safe(activity), at(agent.from_ms), at(agent.to_ms)];
        table.add_row(row.into_iter().chain(last.then(|| safe(&agent.pbx))));
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}
