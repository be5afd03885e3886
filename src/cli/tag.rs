//! `callbackd tag` and `callbackd codes`: what is said of a call beside its status.

use super::complete;
use super::failure::Failure;
use super::plain::{clip, json_line, local, safe};
use super::target::{Target, TargetArgs, known};
use crate::api::answers::CodeAnswer;
use crate::api::client::ClientError;
use crate::api::percent;
use crate::store::CodeCount;
use callbackd_core::model::codes::OnCallback;
use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};
use std::io::Write;

/// Set a code on a call, or take one off it
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
What the code means for callbacks is done: the customer is called back, or their number goes on the do-not-call list. --remove takes that back as far as it has not
been done, and the code does not come back when the call is corrected.

Examples:
  callbackd tag 812 DEAL_CLOSED --note 'order 4711'
  callbackd tag 812 WRONG_NUMBER --remove")]
pub struct TagArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// The call: its row id, or its linkedid
    pub call: String,
    /// The code, in any case: callbackd codes lists them
    #[arg(add = complete::codes())]
    pub code: String,
    /// What is said beside it
    #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "remove")]
    pub note: String,
    /// Take it off the call
    #[arg(long)]
    pub remove: bool,
    /// Of this PBX, where several have a call of this linkedid
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub pbx: Option<String>,
}

/// List the codes, with the calls that have them
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Codes are shipped, and configured as [[code]]. A word without a label is in neither: the dialplan may say any.

Examples:
  callbackd codes
  callbackd codes --days 30 --pbx berlin
  callbackd calls --tag DEAL_CLOSED")]
pub struct CodesArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    /// Count the calls of so many days [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    pub days: Option<i64>,
    /// Count the calls of this PBX
    #[arg(long, value_name = "NAME", add = complete::pbxs())]
    pub pbx: Option<String>,
}

/// Runs `callbackd tag`.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &TagArgs, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let TagArgs { call, code, note, remove, pbx, .. } = args;
    let answer = if *remove {
        let of = pbx.as_ref().map(|pbx| format!("?pbx={}", percent(pbx))).unwrap_or_default();
        target.delete(&format!("/v1/tags/{}/{}{of}", percent(call), percent(code)))
    } else {
        target.post("/v1/tags", &json!({ "call": call, "pbx": pbx, "code": code, "note": note }))
    };
    let answer = answer.map_err(by_option)?;
    if target.json {
        return Ok(json_line(&answer, out)?);
    }
    let code = safe(&code.to_ascii_uppercase());
    if *remove {
        writeln!(out, "call {} no longer has {code}", safe(call))?;
    } else {
        writeln!(out, "call {} has {code}{}", safe(call), what_came(&answer, target))?;
    }
    Ok(())
}

/// What came of a code, as the end of a sentence.
fn what_came(answer: &Value, target: &Target) -> String {
    let at = |ms: &Value| ms.as_i64().map(|ms| local(ms, &target.zone, "%a %Y-%m-%d %H:%M")).unwrap_or_default();
    let number = |of: &Value| safe(of["number_e164"].as_str().unwrap_or("the customer"));
    if let Some(why) = answer["no_callback"].as_str() {
        return format!(", but no callback is made: {}", safe(why));
    }
    match (&answer["callback"], &answer["do_not_call"]) {
        (Value::Null, Value::Null) => String::new(),
        (Value::Null, entry) => match entry["until_ms"].is_null() {
            true => format!(": {} is not called back any more", number(entry)),
            false => format!(": {} is not called back until {}", number(entry), at(&entry["until_ms"])),
        },
        (row, _) if answer["after_attempt"] == true => {
            format!(": an attempt at callback {} goes on, and the code asks for one when that is over", row["id"])
        }
        (row, _) => format!(": callback {} is due {}", row["id"], at(&row["due_ms"])),
    }
}

/// Where several PBXs may be meant, a person names one with an option.
fn by_option(failure: Failure) -> Failure {
    match failure {
        Failure::Daemon(ClientError::Refused { status: 409, message, field }) if field.as_deref() == Some("pbx") => {
            Failure::Usage(format!("{message} Add --pbx NAME"))
        }
        other => other,
    }
}

/// Runs `callbackd codes`.
///
/// # Errors
/// See [`Failure`].
pub fn codes(args: &CodesArgs, target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let since_ms = args.days.map(|days| target.now_ms() - days * 86_400_000);
    let reader = target.reader()?;
    known(args.pbx.as_deref(), &target.pbxs, &reader)?;
    let codes = reader.codes(since_ms, args.pbx.as_deref())?;
    if target.json {
        return codes.iter().try_for_each(|code| Ok(json_line(&CodeAnswer::new(code), out)?));
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["Code", "Calls", "Label", "Group", "Callback"]);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for CodeCount { code, known, calls } in &codes {
        let label = if *known { clip(&safe(&code.label), 40) } else { "(not configured)".to_owned() };
        let success = if code.success { " ✔" } else { "" };
        table.add_row([
            clip(&safe(&code.code), 32),
            calls.to_string(),
            label,
            clip(&safe(&code.group), 16) + success,
            meaning(code.callback, code.after_ms, code.expires_ms),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

/// What a code means for callbacks.
fn meaning(callback: OnCallback, after_ms: i64, expires_ms: Option<i64>) -> String {
    let span = |ms: i64| match (ms % 86_400_000, ms % 3_600_000) {
        (0, _) => format!("{} d", ms / 86_400_000),
        (_, 0) => format!("{} h", ms / 3_600_000),
        _ => format!("{} min", ms / 60_000),
    };
    match (callback, expires_ms) {
        (OnCallback::None, _) => String::new(),
        (OnCallback::Suppress, None) => "not called any more".to_owned(),
        (OnCallback::Suppress, Some(ms)) => format!("not called for {}", span(ms)),
        (OnCallback::Request, _) if after_ms > 0 => format!("called back after {}", span(after_ms)),
        (OnCallback::Request, _) => "called back".to_owned(),
    }
}
