//! `callbackd callbacks`: who is called back, what became of it, and what a person may change.

pub(super) mod history;
#[doc(hidden)]
pub mod list;
pub(crate) mod why;

use super::calls::when;
use super::complete;
use super::failure::Failure;
use super::plain::{clip, json_line, local, safe};
use super::target::{Target, TargetArgs, known};
use crate::store::CallbackFilter;
use callbackd_core::model::CallbackState;
use clap::Subcommand;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

/// Rows of a table if `--limit` is not given.
const TABLE_ROWS: u64 = 50;

/// List callbacks: open ones in the order of their turns, then closed ones; show one's history, or change one
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
Examples:
  callbackd callbacks                          what is open, and why it waits
  callbackd callbacks --all --number 5550123   all callbacks of a customer
  callbackd callbacks show 812                 the whole history of one
  callbackd callbacks add '+1 202 555 0123' --queue sales --note 'wrote an e-mail'
  callbackd callbacks delay 812 2h --note 'in a meeting'
  callbackd callbacks delay 812 'tomorrow 9:00'
  callbackd callbacks assign 812 PJSIP/204")]
pub struct CallbacksArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Closed ones too
    #[arg(long)]
    pub(crate) all: bool,
    /// In one of these states (comma-separated)
    #[arg(long, value_delimiter = ',', ignore_case = true, value_parser = super::words(CallbackState::ALL, CallbackState::as_str, CallbackState::from_text))]
    pub(crate) state: Vec<CallbackState>,
    /// Of this queue
    #[arg(long, add = complete::queues())]
    pub(crate) queue: Option<String>,
    /// The customer's number: whole in E.164, or at least its last 4 digits
    #[arg(long)]
    pub(crate) number: Option<String>,
    /// Of this PBX: where the latest call was missed
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
    /// At most so many [default: 50 in a table, else all]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// Instead of a list
    #[command(subcommand)]
    pub(crate) command: Option<CallbacksCommand>,
}

/// What `callbacks` does instead of listing.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CallbacksCommand {
    /// Show one callback's history: every change, every attempt, and why
    Show {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
    },
    /// Make a callback, or change the one that is open for the number
    Add {
        /// The customer's number, as you write it
        number: String,
        /// The queue whose agents are asked [default: any agent]
        #[arg(long, add = complete::queues())]
        queue: Option<String>,
        /// The earliest time: 30m or 2h from now, 'tomorrow 9:00', monday
        #[arg(long = "in", value_name = "TIME")]
        delay: Option<String>,
        /// Then, or as soon after as customers are called: 'tomorrow 9:00', monday, 2026-11-30T09:30 by the clock of [hours], +2h
        #[arg(long, value_name = "TIME", conflicts_with = "delay")]
        at: Option<String>,
        /// Higher goes first: -1000 to 1000; each further miss adds 1
        #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1_000..=1_000))]
        priority: i64,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
        /// The PBX, where there are several
        #[arg(long, add = complete::pbxs())]
        pbx: Option<String>,
    },
    /// Cancel a callback; a phone that rings for it stops ringing
    Cancel {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Close a callback that you have dealt with elsewhere; it counts as won back only if a call is seen
    Handled {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// How
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Hold a callback until it is released
    Hold {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Release a callback that is held
    Release {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Assign a callback to one agent; nobody else is asked
    Assign {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// The agent, as `callbackd agents` shows them: interface (PJSIP/204) or name
        #[arg(required_unless_present = "anyone", add = complete::agents())]
        agent: Option<String>,
        /// Undo it: any agent may be asked again
        #[arg(long, conflicts_with = "agent")]
        anyone: bool,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Try a callback now, without its delay; a closed one is opened again
    Retry {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Set the priority of a callback: higher goes first
    #[command(visible_alias = "prioritize")]
    Prioritise {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// -1000 to 1000, 0 is usual; each further miss adds 1
        #[arg(allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-1_000..=1_000))]
        priority: i64,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Delay a callback: it is not tried before this time
    Delay {
        /// The callback
        #[arg(add = complete::open_callbacks())]
        id: i64,
        /// 30m, 2h, 1d from now; 10:00, 'tomorrow 9:00', monday, 2026-12-01
        #[arg(value_name = "TIME")]
        by: String,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
    },
}

impl CallbacksArgs {
    /// The first option given that only makes sense for a list.
    fn list_option(&self) -> Option<&'static str> {
        [
            ("--all", self.all),
            ("--state", !self.state.is_empty()),
            ("--queue", self.queue.is_some()),
            ("--number", self.number.is_some()),
            ("--pbx", self.pbx.is_some()),
            ("--limit", self.limit.is_some()),
        ]
        .into_iter()
        .find_map(|(option, given)| given.then_some(option))
    }
}

/// A duration as people write it; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let help = "write a number with its unit: 30s, 5m, 2h, 1d, 1y";
    let mut span: jiff::Span = text.parse().map_err(|_| help.to_owned())?;
    if span.get_years() != 0 {
        // As the law counts it where it says how long somebody is not to be called: 365 days.
        let days = i64::from(span.get_days()) + 365 * i64::from(span.get_years());
        span = span.years(0).try_days(days).map_err(|_| "it is too long".to_owned())?;
    }
    let exact = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| help.to_owned())?;
    Duration::try_from(exact).map_err(|_| "it cannot be negative".to_owned())
}

/// How far ahead a time lies that is given as a duration or a moment, ms; as far as anything is put off.
fn ahead_ms(option: &str, text: &str, target: &Target) -> Result<i64, Failure> {
    const YEAR_MS: i64 = 365 * 86_400_000;
    let at =
        when::ahead(text, &target.zone, target.now).map_err(|error| Failure::Usage(format!("{option}: {error}")))?;
    match at.as_millisecond() - target.now_ms() {
        ..0 => Err(Failure::Usage(format!("{option}: '{}' is over", text.escape_debug()))),
        ahead @ 0..=YEAR_MS => Ok(ahead),
        _ => Err(Failure::Usage(format!("{option}: 365d at most"))),
    }
}

/// The time as the daemon reads it: by the clock of `[hours]`, which the PBX may have of its own, or a delay. `tomorrow 9:00` and the like are read
/// here.
fn named(text: &str, target: &Target) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let is_dated = text.get(10..).is_some_and(|clock| clock.starts_with(['T', ' '])) && text.starts_with(is_digit);
    let Ok(at) = when::ahead(text, &target.zone, target.now) else { return text.to_owned() };
    if is_dated || text.starts_with('+') {
        return text.to_owned();
    }
    let is_delay = text.eq_ignore_ascii_case("now") || text.starts_with(is_digit) && !text.contains([':', '-']);
    if is_delay {
        let ahead = at.as_second() - target.now.as_second();
        return format!("+{}s", ahead.max(0));
    }
    at.to_zoned(target.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Runs the command. `out` gets the data, `notes` what is said beside it.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &CallbacksArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    if args.command.is_some()
        && let Some(option) = args.list_option()
    {
        return Err(Failure::Usage(format!(
            "{option} selects callbacks for the list: leave it out, or write it behind the command if that has such an option"
        )));
    }
    match &args.command {
        None => show_list(args, target, out, notes),
        Some(CallbacksCommand::Show { id }) => {
            let history = target.reader()?.callback_history(*id)?;
            let history = history.ok_or_else(|| Failure::Missing(format!("there is no callback {id}")))?;
            if target.json {
                json_line(&history, out)?;
            } else {
                write!(out, "{}", history::history(&history, target))?;
            }
            Ok(())
        }
        Some(command) => {
            let (path, body) = request(command, target)?;
            let answer = target.post(&path, &body)?;
            if target.json {
                json_line(&answer, out)?;
            } else {
                writeln!(out, "{}", described(&answer["callback"], target))?;
            }
            Ok(())
        }
    }
}

fn show_list(
    args: &CallbacksArgs,
    target: &Target,
    out: &mut impl Write,
    notes: &mut impl Write,
) -> Result<(), Failure> {
    let closed_wanted = args.all || args.number.is_some() || args.state.iter().any(|s| !s.is_open());
    let rows = args.limit.unwrap_or(if target.json { u64::MAX - 1 } else { TABLE_ROWS });
    let mut filter = CallbackFilter {
        open: if closed_wanted { None } else { Some(true) },
        state: args.state.clone(),
        queue: args.queue.clone(),
        number: args.number.clone(),
        pbx: args.pbx.clone(),
        limit: Some(rows + 1),
    };
    let reader = target.reader()?;
    known(args.pbx.as_deref(), &target.pbxs, &reader)?;
    reader.choose_queue(&mut filter.queue)?;
    if target.json && args.limit.is_none() {
        // All of them, written as they are read: memory does not grow with the rows.
        let mut written = Ok(());
        reader.page_of_callbacks(&filter, None, usize::MAX, |page| {
            page.rows(|row| {
                written = json_line(&row, out);
                written.is_ok()
            })
        })?;
        return Ok(written?);
    }
    let mut callbacks = reader.callbacks(&filter)?;
    let more = callbacks.len() as u64 > rows;
    callbacks.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
    if target.json {
        for row in &callbacks {
            json_line(row, out)?;
        }
    } else if callbacks.is_empty() {
        // Notes are a courtesy: that they cannot be said is no error.
        let _ = writeln!(
            notes,
            "{}",
            if closed_wanted { "No callbacks match." } else { "No callback is open (--all shows closed ones)." }
        );
    } else {
        writeln!(out, "{}", list::table(&callbacks, args.pbx.is_none() && reader.last_seen()?.len() > 1, target))?;
    }
    if more {
        let _ = writeln!(notes, "The first {rows} are shown, there are more: --limit N, or --json for all.");
    }
    Ok(())
}

/// Path and body of a command.
fn request(command: &CallbacksCommand, target: &Target) -> Result<(String, Value), Failure> {
    let path = |id: &i64, name: &str| format!("/v1/callbacks/{id}/{name}");
    Ok(match command {
        CallbacksCommand::Add { number, queue, delay, at, priority, note, pbx } => {
            let delay_ms = delay.as_deref().map_or(Ok(0), |text| ahead_ms("--in", text, target))?;
            let at = at.as_deref().map(|text| named(text.trim(), target));
            let body = json!({
                "number": number, "queue": queue, "delay_ms": delay_ms, "at": at, "priority": priority, "note": note, "pbx": pbx
            });
            ("/v1/callbacks".to_owned(), body)
        }
        CallbacksCommand::Cancel { id, note } => (path(id, "cancel"), json!({ "note": note })),
        CallbacksCommand::Handled { id, note } => (path(id, "handled"), json!({ "note": note })),
        CallbacksCommand::Hold { id, note } => (path(id, "hold"), json!({ "note": note })),
        CallbacksCommand::Assign { id, agent, note, .. } => {
            (path(id, "assign"), json!({ "agent": agent, "note": note }))
        }
        CallbacksCommand::Release { id, note } => (path(id, "release"), json!({ "note": note })),
        CallbacksCommand::Retry { id, note } => (path(id, "retry"), json!({ "note": note })),
        CallbacksCommand::Show { id } => (path(id, "retry"), json!({})),
        CallbacksCommand::Prioritise { id, priority, note } => {
            (path(id, "prioritise"), json!({ "priority": priority, "note": note }))
        }
        CallbacksCommand::Delay { id, by, note } => {
            (path(id, "delay"), json!({ "delay_ms": ahead_ms("TIME", by, target)?, "note": note }))
        }
    })
}

/// One line that says how a callback stands after a command.
fn described(row: &Value, target: &Target) -> String {
    let text = |key: &str| row[key].as_str().map(safe).unwrap_or_default();
    let mut line = format!("Callback {} for {}: {}", row["id"], text("number_e164"), text("state"));
    if !text("reason").is_empty() {
        line = format!("{line} {}", text("reason"));
    }
    let due = row["due_ms"].as_i64().unwrap_or_default();
    // "Now" was taken before the daemon was asked.
    if row["closed_ms"].is_null() && due > target.now_ms() + 1_000 {
        line = format!("{line}, due {}", local(due, &target.zone, "%Y-%m-%d %H:%M:%S"));
    }
    let words = why::words(&text("state"), &text("reason"));
    if !words.is_empty() && row["closed_ms"].is_null() {
        line = format!("{line}: {words}");
    }
    if !text("assigned").is_empty() {
        line = format!("{line}, for {}", clip(&text("assigned"), 40));
    }
    line
}
