//! `callbackd dnc`: the list of those who are not to be called.

use super::callbacks::duration;
use super::failure::Failure;
use super::plain::{clip, json_line, local, safe};
use super::target::{Target, TargetArgs};
use crate::api::percent;
use callbackd_core::model::DoNotCall;
use clap::Subcommand;
use comfy_table::Table;
use jiff::Timestamp;
use serde_json::json;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest file that is imported, bytes.
const MAX_FILE: u64 = 64 << 20;
/// Faults of a file that are listed one by one; more are only counted.
const FAULTS: usize = 20;

/// Manage the do-not-call list
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A file for import is CSV with the columns number, reason, until (RFC 3339; empty for ever); a header line may name them in any order.
Export writes the same; what a code put there is put there by hand once it is imported.

Examples:
  callbackd dnc add '+1 202 555 0123' --reason 'asked us not to' --for 365d
  callbackd dnc import opposed.csv
  callbackd dnc export > opposed.csv")]
pub struct DncArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    #[command(subcommand)]
    pub(crate) command: DncCommand,
}

/// What is done with the list.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DncCommand {
    /// Show it
    List,
    /// Put a number on it; a callback that is open for it is closed
    Add {
        /// The number, as you write it
        number: String,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// For so long: 90d, 365d, 1y [default: for ever]
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        duration: Option<Duration>,
    },
    /// Take a number off it
    Remove {
        /// The number, as you write it
        number: String,
    },
    /// Put all numbers of a CSV file on it; `-` reads standard input
    Import {
        /// The file
        file: PathBuf,
    },
    /// Write it as CSV
    Export,
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &DncArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    match &args.command {
        DncCommand::List => list(target, out, notes),
        DncCommand::Add { number, reason, duration } => {
            let for_ms = duration.map(|d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
            let answer = target.post("/v1/dnc", &json!({ "number": number, "reason": reason, "for_ms": for_ms }))?;
            if target.json {
                json_line(&answer, out)?;
            } else {
                let number = answer["added"]["number_e164"].as_str().unwrap_or(number);
                let until = answer["added"]["until_ms"].as_i64();
                let until = until.map_or_else(
                    || "for ever".to_owned(),
                    |ms| format!("until {}", local(ms, &target.zone, "%Y-%m-%d %H:%M")),
                );
                writeln!(out, "{} is not called, {until}", safe(number))?;
            }
            Ok(())
        }
        DncCommand::Remove { number } => {
            let answer = target.delete(&format!("/v1/dnc/{}", percent(number)))?;
            if target.json {
                json_line(&answer, out)?;
            } else {
                writeln!(out, "{} may be called again", safe(answer["removed"].as_str().unwrap_or(number)))?;
            }
            Ok(())
        }
        DncCommand::Import { file } => import(file, target, out, notes),
        DncCommand::Export => export(target, out),
    }
}

/// Rows of one table; a longer list is written in several, so that memory does not grow with it.
const TABLE_ROWS: usize = 1_000;

/// Hands each entry to `write`, and stops at its first error.
fn each(target: &Target, mut write: impl FnMut(DoNotCall) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut written = Ok(());
    target.reader()?.each_do_not_call(target.now_ms(), |entry| {
        written = write(entry);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written
}

fn list(target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    if target.json {
        return each(target, |entry| Ok(json_line(&entry, out)?));
    }
    let (mut entries, mut any) = (Vec::new(), false);
    each(target, |entry| {
        any = true;
        entries.push(entry);
        if entries.len() == TABLE_ROWS { table(&std::mem::take(&mut entries), target, out) } else { Ok(()) }
    })?;
    if !entries.is_empty() {
        table(&entries, target, out)?;
    } else if !any {
        // Notes are a courtesy: that they cannot be said is no error.
        let _ = writeln!(notes, "The list is empty: everybody may be called.");
    }
    Ok(())
}

fn table(entries: &[DoNotCall], target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["Number", "Until", "Since", "By", "Reason"]);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let day = |ms: i64| local(ms, &target.zone, "%Y-%m-%d %H:%M");
    for entry in entries {
        table.add_row([
            safe(&entry.number_e164),
            entry.until_ms.map_or_else(|| "for ever".to_owned(), day),
            day(entry.added_ms),
            clip(&safe(&entry.by), 16),
            clip(&safe(&entry.reason), 60),
        ]);
    }
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(())
}

fn export(target: &Target, out: &mut impl Write) -> Result<(), Failure> {
    let failed = |error: csv::Error| Failure::Output(error.into());
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["number", "reason", "until", "by", "added"]).map_err(failed)?;
    each(target, |DoNotCall { number_e164, reason, by, added_ms, until_ms, .. }| {
        let until = until_ms.map(instant).unwrap_or_default();
        // A spreadsheet would take what begins with these for a formula.
        let reason = safe(&reason);
        let reason = if reason.starts_with(['=', '-', '@', '+']) { format!("'{reason}") } else { reason };
        writer.write_record([number_e164.as_str(), &reason, &until, &safe(&by), &instant(added_ms)]).map_err(failed)
    })?;
    writer.flush().map_err(Failure::Output)
}

fn instant(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.to_string())
}

/// One line of a file.
struct Entry {
    line: u64,
    number: String,
    reason: String,
    for_ms: Option<i64>,
}

fn import(file: &Path, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    let text = read(file)?;
    let (entries, mut faults) = parse(&text, target.now_ms());
    let mut added = 0;
    for entry in &entries {
        let body = json!({ "number": entry.number, "reason": entry.reason, "for_ms": entry.for_ms });
        match target.post("/v1/dnc", &body) {
            Ok(_) => added += 1,
            Err(Failure::Daemon(crate::api::client::ClientError::Refused { message, .. })) => {
                faults.push(format!("line {}: {message}", entry.line));
            }
            Err(error) => return Err(error),
        }
    }
    for fault in faults.iter().take(FAULTS) {
        let _ = writeln!(notes, "{fault}");
    }
    if faults.len() > FAULTS {
        let _ = writeln!(notes, "… and {} lines more", faults.len() - FAULTS);
    }
    writeln!(out, "{added} numbers are not called any more, {} lines were left out", faults.len())?;
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::Usage("some lines could not be read, see above; the others were taken".to_owned()))
    }
}

fn read(file: &Path) -> Result<String, Failure> {
    let named = |error: std::io::Error| Failure::Missing(format!("{}: {error}", file.display()));
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(named)?;
    } else {
        std::fs::File::open(file).map_err(named)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(named)?;
    }
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::Usage(format!(
            "{} is larger than {} MiB: cut it into parts",
            file.display(),
            MAX_FILE >> 20
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
}

/// Lines that can be read, and what is wrong with the others. The first line is a header if one of its columns is called `number`.
/// Each line is an entry of its own: a quote that is never closed must not take the numbers below it off the list.
fn parse(text: &str, now_ms: i64) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let mut columns = (0, Some(1), Some(2));
    let lines = text.lines().zip(1..).filter(|(text, _)| !text.trim().is_empty());
    for (n, (text, line)) in lines.enumerate() {
        if text.matches('"').count() % 2 == 1 {
            faults.push(format!(
                "line {line}: a quote is not closed on it: write one entry a line, and \"\" for a quote in a field"
            ));
            continue;
        }
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let row = match reader.records().next() {
            Some(Ok(row)) => row,
            Some(Err(error)) => {
                faults.push(format!("line {line}: {error}"));
                continue;
            }
            None => continue,
        };
        let find = |name: &str| row.iter().position(|field| field.eq_ignore_ascii_case(name));
        if n == 0
            && let Some(number) = find("number")
        {
            columns = (number, find("reason"), find("until"));
            continue;
        }
        let field = |column: Option<usize>| column.and_then(|c| row.get(c)).unwrap_or_default();
        let (number, reason, until) = (field(Some(columns.0)), field(columns.1), field(columns.2));
        if number.is_empty() {
            faults.push(format!("line {line}: the column number is empty"));
            continue;
        }
        let for_ms = match until {
            "" => None,
            until => match until.parse::<Timestamp>() {
                Ok(at) if at.as_millisecond() > now_ms => Some(at.as_millisecond() - now_ms),
                Ok(_) => continue, // its time is over
                Err(_) => {
                    faults.push(format!(
                        "line {line}: the column until is not a time such as 2027-01-31T00:00:00Z: {}",
                        safe(until)
                    ));
                    continue;
                }
            },
        };
        entries.push(Entry {
            line,
            number: number.to_owned(),
            reason: reason.trim_start_matches('\'').to_owned(),
            for_ms,
        });
    }
    (entries, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names_or_places() {
        for text in [
            "+12025550123,complaint,\n",
            "Until,Number,Reason\n,+12025550123,complaint\n",
            "\"+12025550123\",complaint\n",
        ] {
            let (entries, faults) = parse(text, 0);
            assert!(faults.is_empty(), "{faults:?}");
            let entry = &entries[0];
            assert_eq!(
                (entry.number.as_str(), entry.reason.as_str(), entry.for_ms),
                ("+12025550123", "complaint", None)
            );
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_no_other_and_is_named() {
        let (entries, faults) = parse("+12025550123,a,soon\n,b,\n+12025550124,c,2030-01-01T00:00:00Z\n", 0);
        assert_eq!(entries.iter().map(|e| e.number.as_str()).collect::<Vec<_>>(), ["+12025550124"]);
        assert_eq!(entries[0].for_ms, Some(1_893_456_000_000));
        assert_eq!(
            faults,
            [
                "line 1: the column until is not a time such as 2027-01-31T00:00:00Z: soon",
                "line 2: the column number is empty"
            ]
        );
    }

    #[test]
    fn a_quote_that_is_not_closed_takes_no_number_below_it_off_the_list() {
        let (entries, faults) = parse("+12025550123,\"a\n\n+12025550124,b\n", 0);
        assert_eq!((entries[0].number.as_str(), entries[0].line), ("+12025550124", 3));
        assert!(faults[0].starts_with("line 1: a quote is not closed"), "{faults:?}");
    }

    #[test]
    fn what_is_over_is_not_imported() {
        let (entries, faults) = parse("+12025550123,a,1970-01-01T00:00:01Z\n", 5_000);
        assert!(entries.is_empty() && faults.is_empty());
    }
}
