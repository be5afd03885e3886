//! Many calls as a table, as JSON lines, as CSV.

use super::CallsError;
use crate::api::answers::{CallAnswer, CallFlat};
use crate::cli::plain::{clip, clock, json_line, local, safe, table_width, terminal_width};
use crate::report::faces::csv::{csv_error, no_formula, writer};
use crate::store::{CallFilter, Reader, StoredCall};
use callbackd_core::model::{Direction, FinishedCall};
use comfy_table::{Cell, CellAlignment, Table, presets::NOTHING};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// Where there is no terminal, the table is made for this width, columns.
const WIDTH: usize = 100;

/// Names of queues and agents are cut to this many characters where the table would be too wide.
const SHORT_NAME: usize = 9;

/// An outcome is cut to this many where nothing else helps.
const SHORT_OUTCOME: usize = 14;

const HEADER: [&str; 10] = ["ID", "Started", "Dir", "Number", "Status", "Outcome", "Queue", "Agent", "Wait", "Talk"];

/// The columns of [`HEADER`] that hold quantities.
const RIGHT: [usize; 3] = [0, 8, 9];

/// The columns of [`HEADER`] that hold names of the operator's choice.
const NAMES: [usize; 2] = [6, 7];

const STARTED: usize = 1;
const DIR: usize = 2;
const STATUS: usize = 4;
const OUTCOME: usize = 5;

/// A table for people; where there are several PBXs, which one is the last column.
pub(crate) fn table(calls: &[StoredCall], several: bool, zone: &TimeZone, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", fitted(calls, several, zone, terminal_width()))
}

/// For a terminal of this width, columns. What does not fit gives way: space, ends of names, the year, and what the outcome says as well.
#[must_use]
pub fn fitted(calls: &[StoredCall], several: bool, zone: &TimeZone, terminal: Option<usize>) -> String {
    let mut rows: Vec<[String; 10]> = calls.iter().map(|call| row(call, zone)).collect();
    let pbx = if several {
        calls.iter().map(|call| safe(&call.call.pbx).chars().count()).max().unwrap_or(0).max(3) + 2
    } else {
        0
    };
    let room = terminal.unwrap_or(WIDTH + pbx).saturating_sub(pbx);
    let mut header = HEADER;
    let mut gap = 2;
    let clipped = |rows: &mut Vec<[String; 10]>, column: usize, to: usize| {
        rows.iter_mut().for_each(|row| row[column] = clip(&row[column], to));
    };
    if table_width(&header, &rows, gap) > room {
        NAMES.iter().for_each(|column| clipped(&mut rows, *column, SHORT_NAME));
    }
    if table_width(&header, &rows, gap) > room {
        gap = 1;
    }
    if terminal.is_some() && table_width(&header, &rows, gap) > room {
        for (row, call) in rows.iter_mut().zip(calls) {
            row[STARTED] = local(call.call.started_ms, zone, "%m-%d %H:%M");
        }
    }
    let mut left_out = Vec::new();
    for column in [STATUS, DIR] {
        // A column without width still has its space.
        if terminal.is_some() && table_width(&header, &rows, gap) - left_out.len() * usize::from(gap) > room {
            header[column] = "";
            rows.iter_mut().for_each(|row| row[column].clear());
            left_out.push(column);
        }
    }
    if terminal.is_some() && table_width(&header, &rows, gap) - left_out.len() * usize::from(gap) > room {
        clipped(&mut rows, OUTCOME, SHORT_OUTCOME);
    }
    let mut table = Table::new();
    let last = |pbx: &str| several.then(|| Cell::new(safe(pbx)));
    let kept = |n: &usize| !left_out.contains(n);
    let shown = |cells: [String; 10]| {
        cells.into_iter().enumerate().filter(|(n, _)| kept(n)).map(|(_, cell)| Cell::new(cell)).collect::<Vec<Cell>>()
    };
    table.load_style(NOTHING).set_header(shown(header.map(str::to_owned)).into_iter().chain(last("PBX")));
    table.add_rows(rows.into_iter().zip(calls).map(|(row, call)| shown(row).into_iter().chain(last(&call.call.pbx))));
    let places = (0..HEADER.len()).filter(kept).collect::<Vec<usize>>();
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, gap));
        if places.get(n).is_some_and(|place| RIGHT.contains(place)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn row(StoredCall { id, call, .. }: &StoredCall, zone: &TimeZone) -> [String; 10] {
    let text = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), safe);
    let direction = match call.direction {
        Direction::Inbound => "in",
        Direction::Outbound => "out",
        Direction::Internal => "int",
        Direction::Callback => "cb",
    };
    [
        id.to_string(),
        local(call.started_ms, zone, "%Y-%m-%d %H:%M"),
        direction.to_owned(),
        call.number_e164
            .as_deref()
            .or(call.number.as_deref())
            .map_or_else(|| no_number(call.direction).to_owned(), safe),
        call.status.to_string(),
        call.outcome.to_string(),
        text(&call.queue),
        text(&call.agent),
        clock(call.wait_ms),
        clock(call.talk_ms),
    ]
}

/// Only who calls us withholds a number; whom we call has one, though it may not have been seen.
const fn no_number(direction: Direction) -> &'static str {
    if matches!(direction, Direction::Inbound) { "withheld" } else { "unknown" }
}

/// One object per line; returns how many.
pub(crate) fn json(reader: &Reader, filter: &CallFilter, out: &mut impl Write) -> Result<u64, CallsError> {
    each(reader, filter, |stored| json_line(&CallAnswer::row(stored), out))
}

/// One call with everything that is stored of it.
pub(crate) fn json_with_children(stored: &StoredCall, out: &mut impl Write) -> io::Result<()> {
    json_line(&CallAnswer::whole(stored), out)
}

/// RFC 4180 with a header; `why` is one column, its sentences joined by `; `. Returns how many calls.
pub(crate) fn csv(reader: &Reader, filter: &CallFilter, out: &mut impl Write) -> Result<u64, CallsError> {
    /// The last columns: the first of them needs no borrowed array.
    #[derive(Serialize)]
    struct Why {
        why: String,
        rev: i64,
    }
    let mut lines = writer(out);
    lines.write_record(CallFlat::NAMES.iter().chain(&["why", "rev"])).map_err(csv_error).map_err(CallsError::Output)?;
    let shown = each(reader, filter, |StoredCall { id, rev, call, recovered }| {
        let mut call = call.clone();
        let FinishedCall { number, name, did, trunk, queue, agent, language, .. } = &mut call;
        for text in [number, name, did, trunk, queue, agent, language] {
            *text = text.take().map(|text| no_formula(cell(&text)));
        }
        call.linkedid = no_formula(cell(&call.linkedid));
        let why = no_formula(cell(&call.why.join("; ")));
        lines.serialize((CallFlat::new(*id, &call, *recovered), Why { why, rev: *rev })).map_err(csv_error)
    })?;
    lines.flush().map_err(CallsError::Output)?;
    Ok(shown)
}

/// As [`safe`], but for the line breaks and tabs that a quoted cell may hold.
fn cell(text: &str) -> String {
    text.split_inclusive(['\r', '\n', '\t'])
        .map(|line| match line.char_indices().next_back() {
            Some((at, '\r' | '\n' | '\t')) => safe(&line[..at]) + &line[at..],
            _ => safe(line),
        })
        .collect()
}

/// Hands calls over until one cannot be written.
fn each(
    reader: &Reader,
    filter: &CallFilter,
    mut write: impl FnMut(&StoredCall) -> io::Result<()>,
) -> Result<u64, CallsError> {
    let mut shown = 0;
    let mut failed = None;
    reader.each_call(filter, |call| match write(&call) {
        Ok(()) => {
            shown += 1;
            ControlFlow::Continue(())
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(shown), |error| Err(CallsError::Output(error)))
}
