//! `callbackd tail`: what happens, as it happens: one line for each call that ended and each change of a callback.

use super::callbacks::why;
use super::complete;
use super::failure::Failure;
use super::plain::{clip, clock, json_line, local, safe};
use super::target::{Target, TargetArgs};
use crate::api::client;
use crate::api::percent;
use serde_json::Value;
use std::io::Write;
use std::ops::ControlFlow;

/// Follow what happens: calls that end, missed callers, callbacks, gaps
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "\
It ends with Ctrl-C, or when nobody reads. What happened before is in `callbackd calls` and `callbackd callbacks`.

Examples:
  callbackd tail
  callbackd tail --missed
  callbackd tail --kind callback
  callbackd tail --pbx berlin
  callbackd tail --json | jq .row.number_e164")]
pub struct TailArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Only these kinds of changes (comma-separated), or what they begin with: call, call.missed, callback, gap, dnc
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only missed callers and who was won back
    #[arg(long, conflicts_with = "kind")]
    pub(crate) missed: bool,
    /// Of this PBX, and what concerns all of them
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub(crate) pbx: Option<String>,
}

/// Runs the command until it is interrupted.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &TailArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    let kind = if args.missed { Some("call.missed,call.recovered") } else { args.kind.as_deref() };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".,_".contains(c);
    if let Some(kind) = kind.filter(|kind| !kind.chars().all(plain)) {
        return Err(Failure::Usage(format!("--kind: unknown kind of change '{}'", kind.escape_debug())));
    }
    let wanted =
        [kind.map(|kind| format!("kind={kind}")), args.pbx.as_deref().map(|pbx| format!("pbx={}", percent(pbx)))];
    let path = format!("/v1/events?{}", wanted.into_iter().flatten().collect::<Vec<_>>().join("&"));
    let path = path.trim_end_matches('?');
    // As the daemon has them: it may follow others than the configuration of this machine names.
    let several = args.pbx.is_none()
        && !target.json
        && target.get("/v1/status")?.is_some_and(|status| status["pbx"].as_array().is_some_and(|pbxs| pbxs.len() > 1));
    let mut failed = None;
    client::stream(&target.socket, path, |name, data| {
        let said = match name {
            // Notes are a courtesy: that they cannot be said is no error.
            "begin" => {
                let _ = writeln!(notes, "Waiting for what happens; Ctrl-C ends.");
                Ok(())
            }
            "reset" => Ok(()),
            _ if target.json => json_line(data, out),
            _ => writeln!(out, "{}", line(name, data, several, target)),
        };
        match said.and_then(|()| out.flush()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failed.map_or_else(
        || Err(Failure::Missing("the daemon has ended, or closed the stream".to_owned())),
        |error| Err(Failure::Output(error)),
    )
}

/// One change in words: when, on which PBX where there are several, what, who, and the rest.
#[must_use]
pub(crate) fn line(kind: &str, change: &Value, several: bool, target: &Target) -> String {
    let row = &change["row"];
    let text = |value: &Value| value.as_str().map(safe).unwrap_or_default();
    let number = ["number_e164", "number"].iter().map(|key| text(&row[*key])).find(|text| !text.is_empty());
    let number = number.unwrap_or_else(|| if row.is_null() { text(&change["key"]) } else { no_number(row).to_owned() });
    let at = local(change["at_ms"].as_i64().unwrap_or_default(), &target.zone, "%H:%M:%S");
    let queue = text(&row["queue"]);
    let ms = |key: &str| clock(row[key].as_i64().unwrap_or_default());
    let (what, rest) = match kind {
        "call.missed" => ("missed", format!("{} after {}", text(&row["outcome"]), ms("wait_ms"))),
        "call.ended" if row["status"] == "ANSWER" => {
            ("answered", format!("{} {} for {}", text(&row["direction"]), text(&row["agent"]), ms("talk_ms")))
        }
        "call.ended" => {
            ("ended", format!("{} {} {}", text(&row["direction"]), text(&row["status"]), text(&row["outcome"])))
        }
        "call.updated" => ("corrected", format!("{} {}", text(&row["status"]), text(&row["outcome"]))),
        "call.recovered" => ("won back", format!("by {}", text(&row["recovered_by"]))),
        "call.started" => ("calls", String::new()),
        "call.answered" => ("talks", text(&row["agent"])),
        "callback.created" | "callback.updated" | "callback.closed" => ("callback", callback(change)),
        "callback.late" => ("late", callback(change)),
        "callback.attempted" => ("attempt", format!("{} {}", text(&row["agent"]), text(&row["result"]))),
        "gap.recorded" => ("gap", "events were not seen: callbackd status".to_owned()),
        other => (other, String::new()),
    };
    // Whom an attempt was for stands in its callback's line.
    let number = if kind == "callback.attempted" { text(&change["key"]) } else { number };
    let pbx = if several { format!("{:<10} ", clip(&text(&change["pbx"]), 10)) } else { String::new() };
    let line = format!("{at}  {pbx}{:<9} {:<16} {:<10} {rest}", clip(what, 9), clip(&number, 16), clip(&queue, 10));
    line.trim_end().to_owned()
}

/// Only who calls us withholds a number; whom we call has one, though it may not have been seen.
fn no_number(row: &Value) -> &'static str {
    if row["direction"].as_str().is_some_and(|direction| direction != "inbound") { "unknown" } else { "withheld" }
}

/// The state that it came to then, which the row may have left since.
fn callback(change: &Value) -> String {
    let then = if change["payload"]["state"].is_string() { &change["payload"] } else { &change["row"] };
    let text = |key: &str| then[key].as_str().map(safe).unwrap_or_default();
    let (state, reason) = (text("state"), text("reason"));
    let words = why::words(&state, &reason);
    let line = [state, reason].join(" ");
    if words.is_empty() { line.trim_end().to_owned() } else { format!("{}: {words}", line.trim_end()) }
}
