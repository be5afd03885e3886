//! `callbackd missed`: the customers whom nobody served, and what became of each since.

use super::calls::when;
use super::complete;
use super::failure::Failure;
use super::plain::{clip, clock, json_line, local, safe};
use super::target::{Target, TargetArgs, known};
use crate::store::{CallFilter, Fate, MissedCall};
use callbackd_core::model::{CallbackState, RecoveredBy};
use comfy_table::{CellAlignment, Table, presets::NOTHING};
use serde_json::json;
use std::io::Write;

/// Rows if `--limit` is not given.
const ROWS: usize = 50;

/// Show whom nobody served, and what became of them since: called back, called again, waiting, lost
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Short abandons, blocked callers and calls of which too little was seen (UNKNOWN) are not counted: `callbackd calls` has them.

Examples:
  callbackd missed                             today
  callbackd missed --since monday --queue sales
  callbackd missed --lost                      those who were not won back, and whom nobody will call")]
pub struct MissedArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Called at this time or later: today, 10:00, monday, 7d
    #[arg(long, value_name = "TIME", default_value = "today")]
    pub(crate) since: String,
    /// Called before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// In this queue
    #[arg(long, add = complete::queues())]
    pub(crate) queue: Option<String>,
    /// On this PBX
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
    /// Only those who were not won back, and have no open callback
    #[arg(long)]
    pub(crate) lost: bool,
    /// At most so many [default: 50 in a table, else all]
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

fn words(fate: Fate) -> String {
    match fate {
        Fate::Won(RecoveredBy::Callback) => "called back".to_owned(),
        Fate::Won(RecoveredBy::Customer) => "called again".to_owned(),
        Fate::Won(RecoveredBy::Agent) => "agent called".to_owned(),
        Fate::Open(state) => match state {
            CallbackState::Pending => "callback due",
            CallbackState::Reserved => "agent chosen",
            CallbackState::DialingAgent => "agent is called",
            CallbackState::DialingCustomer => "being called back",
            CallbackState::Talking => "talking now",
            _ => "callback waits",
        }
        .to_owned(),
        Fate::Closed(state) => match state {
            CallbackState::Exhausted => "lost: not reached",
            CallbackState::Expired => "lost: expired",
            CallbackState::Dnc => "lost: do not call",
            CallbackState::NotCallable => "lost: not callable",
            CallbackState::Cancelled => "lost: cancelled",
            _ => "lost: callback closed",
        }
        .to_owned(),
        Fate::Nothing => "lost: no callback".to_owned(),
    }
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &MissedArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    let moment = |option: &str, text: &str| {
        let read = when::parse(text, &target.zone, target.now).map(|at| at.as_millisecond());
        read.map_err(|error| Failure::Usage(format!("{option}: {error}")))
    };
    let since_ms = moment("--since", &args.since)?;
    let until_ms = args.until.as_deref().map(|text| moment("--until", text)).transpose()?;
    if until_ms.is_some_and(|until_ms| since_ms >= until_ms) {
        return Err(Failure::Usage("--since is not before --until: no call can match".to_owned()));
    }
    let shown = |ms| local(ms, &target.zone, "%Y-%m-%d %H:%M");
    let window = until_ms.map_or_else(
        || format!("since {}", shown(since_ms)),
        |until_ms| format!("from {} to {}", shown(since_ms), shown(until_ms)),
    );
    let reader = target.reader()?;
    known(args.pbx.as_deref(), &target.pbxs, &reader)?;
    let mut queue = args.queue.clone();
    reader.choose_queue(&mut queue)?;
    let mut found = reader.missed(CallFilter {
        since_ms: Some(since_ms),
        until_ms,
        queue,
        pbx: args.pbx.clone(),
        ..CallFilter::default()
    })?;
    let all = found.len();
    let count = |what: fn(&Fate) -> bool| found.iter().filter(|missed| what(&missed.fate)).count();
    let (won, open) = (count(|fate| matches!(fate, Fate::Won(_))), count(|fate| matches!(fate, Fate::Open(_))));
    if args.lost {
        found.retain(|missed| missed.fate.is_lost());
    }
    let limit = args.limit.unwrap_or(if target.json { usize::MAX } else { ROWS });
    let more = found.len().saturating_sub(limit);
    found.truncate(limit);
    if target.json {
        for MissedCall { stored, fate, .. } in &found {
            let call = &stored.call;
            let row = json!({
                "id": stored.id, "pbx": call.pbx, "linkedid": call.linkedid, "started_ms": call.started_ms,
                "number": call.number_e164.as_deref().or(call.number.as_deref()), "name": call.name, "did": call.did,
                "queue": call.queue, "status": call.status, "outcome": call.outcome, "wait_ms": call.wait_ms,
                "callback_id": call.callback_id, "recovered_by": stored.recovered.map(|(by, _)| by.to_string()),
                "lost": fate.is_lost(),
            });
            json_line(&row, out)?;
        }
        return Ok(());
    }
    if all == 0 {
        // Notes are a courtesy: that they cannot be said is no error.
        let _ = writeln!(notes, "Nobody was missed {window}.");
        return Ok(());
    }
    if !found.is_empty() {
        let several = args.pbx.is_none() && reader.last_seen()?.len() > 1;
        writeln!(out, "{}\n", table(&found, several, target).trim_fmt())?;
    }
    writeln!(out, "{all} missed {window}: {won} won back, {open} open, {} lost", all - won - open)?;
    if more > 0 {
        let _ = writeln!(notes, "{more} more not shown: -n N, or --json for all.");
    }
    Ok(())
}

/// Where there are several PBXs, which one is the last column.
fn table(found: &[MissedCall], several: bool, target: &Target) -> Table {
    let mut table = Table::new();
    let last = |pbx: &str| several.then(|| safe(pbx));
    let header = ["ID", "Called", "Number", "Queue", "Why", "Waited", "Since then"];
    table.load_style(NOTHING).set_header(header.map(str::to_owned).into_iter().chain(last("PBX")));
    for MissedCall { stored, fate, .. } in found {
        let call = &stored.call;
        let number = call.number_e164.as_deref().or(call.number.as_deref());
        let row = [
            stored.id.to_string(),
            local(call.started_ms, &target.zone, "%a %H:%M"),
            number.map_or_else(|| "withheld".to_owned(), safe),
            call.queue.as_deref().map_or_else(|| "-".to_owned(), |queue| clip(&safe(queue), 10)),
            call.outcome.to_string(),
            clock(call.wait_ms),
            words(*fate),
        ];
        table.add_row(row.into_iter().chain(last(&call.pbx)));
    }
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if n == 7 || n == 6 && !several { 0 } else { 1 }));
        if [0, 5].contains(&n) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
