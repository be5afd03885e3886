//! Many calls as a table, as JSON lines, as CSV.

use super::CallsError;
use crate::cli::plain::{clip, clock, json_line, local, safe, utc};
use crate::store::{CallFilter, Reader, StoredCall};
use callbackd_core::ami::event::Millis;
use callbackd_core::model::{Direction, FinishedCall, IvrStep, Leg, QueueVisit, RecoveredBy};
use comfy_table::{Cell, CellAlignment, Table, presets::NOTHING};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// The table is made for terminals of this width, columns.
const WIDTH: usize = 100;

/// Names of queues and agents are cut to this many characters where the table would be too wide.
const SHORT_NAME: usize = 9;

const HEADER: [&str; 10] = ["ID", "Started", "Dir", "Number", "Status", "Outcome", "Queue", "Agent", "Wait", "Talk"];

/// The columns of [`HEADER`] that hold quantities.
const RIGHT: [usize; 3] = [0, 8, 9];

/// The columns of [`HEADER`] that hold names of the operator's choice.
const NAMES: [usize; 2] = [6, 7];

/// A table for people; where there are several PBXs, which one is the last column.
pub fn table(calls: &[StoredCall], several: bool, zone: &TimeZone, out: &mut impl Write) -> io::Result<()> {
    let mut rows: Vec<[String; 10]> = calls.iter().map(|call| row(call, zone)).collect();
    let mut gap = 2;
    if width(&rows, gap) > WIDTH {
        for row in &mut rows {
            for column in NAMES {
                row[column] = clip(&row[column], SHORT_NAME);
            }
        }
        if width(&rows, gap) > WIDTH {
            gap = 1;
        }
    }
    let mut table = Table::new();
    let last = |pbx: &str| several.then(|| Cell::new(safe(pbx)));
    table.load_style(NOTHING).set_header(HEADER.into_iter().map(Cell::new).chain(last("PBX")));
    table.add_rows(
        rows.into_iter().zip(calls).map(|(row, call)| row.into_iter().map(Cell::new).chain(last(&call.call.pbx))),
    );
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, gap));
        if RIGHT.contains(&n) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    writeln!(out, "{}", table.trim_fmt())
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
        call.number_e164.as_deref().or(call.number.as_deref()).map_or_else(|| "withheld".to_owned(), safe),
        call.status.to_string(),
        call.outcome.to_string(),
        text(&call.queue),
        text(&call.agent),
        clock(call.wait_ms),
        clock(call.talk_ms),
    ]
}

/// Of the widest line.
fn width(rows: &[[String; 10]], gap: u16) -> usize {
    let column = |n: usize| rows.iter().map(|row| row[n].chars().count()).chain([HEADER[n].len()]).max().unwrap_or(0);
    (0..HEADER.len()).map(column).sum::<usize>() + (HEADER.len() - 1) * usize::from(gap)
}

/// Writes each column once: the struct that serde writes, the names for the header of a CSV file, and the values of a call.
macro_rules! flat {
    (
        $(#[$doc:meta])*
        $flat:ident, $names:ident of $id:ident, $call:ident, $recovered:ident { $($column:ident: $type:ty = $value:expr,)+ }
    ) => {
        $(#[$doc])*
        #[derive(Serialize)]
        struct $flat<'a> {
            $($column: $type,)+
        }

        const $names: &[&str] = &[$(stringify!($column)),+];

        impl<'a> $flat<'a> {
            fn new($id: i64, $call: &'a FinishedCall, $recovered: Option<(RecoveredBy, Millis)>) -> Self {
                Self { $($column: $value,)+ }
            }
        }
    };
}

flat! {
    /// A call as scripts and spreadsheets get it. The names are a contract: add at the end, never rename. Times are RFC 3339 in UTC and, with
    /// `_ms`, milliseconds since 1970; durations are milliseconds.
    Flat, FLAT_NAMES of id, call, recovered {
        id: i64 = id,
        pbx: &'a str = &call.pbx,
        linkedid: &'a str = &call.linkedid,
        direction: &'a str = call.direction.as_str(),
        status: &'a str = call.status.as_str(),
        outcome: &'a str = call.outcome.as_str(),
        number: Option<&'a str> = call.number.as_deref(),
        number_e164: Option<&'a str> = call.number_e164.as_deref(),
        name: Option<&'a str> = call.name.as_deref(),
        did: Option<&'a str> = call.did.as_deref(),
        trunk: Option<&'a str> = call.trunk.as_deref(),
        queue: Option<&'a str> = call.queue.as_deref(),
        agent: Option<&'a str> = call.agent.as_deref(),
        started: String = utc(call.started_ms),
        started_ms: Millis = call.started_ms,
        answered: Option<String> = call.answered_ms.map(utc),
        answered_ms: Option<Millis> = call.answered_ms,
        ended: String = utc(call.ended_ms),
        ended_ms: Millis = call.ended_ms,
        wait_ms: Millis = call.wait_ms,
        queue_wait_ms: Millis = call.queue_wait_ms,
        ring_ms: Millis = call.ring_ms,
        talk_ms: Millis = call.talk_ms,
        hold_ms: Millis = call.hold_ms,
        hangup_by: &'a str = call.hangup_by.as_str(),
        hangup_cause: Option<u16> = call.hangup_cause,
        transfers: u32 = call.transfers,
        voicemail: bool = call.voicemail,
        quality: &'a str = call.quality.as_str(),
        callback_id: Option<i64> = call.callback_id,
        recovered_by: Option<&'a str> = recovered.map(|(by, _)| by.as_str()),
        recovered_ms: Option<Millis> = recovered.map(|(_, at)| at),
    }
}

/// A JSON object of a list, or with children for one call's history.
#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    flat: Flat<'a>,
    why: &'a [String],
    #[serde(flatten)]
    children: Option<Children<'a>>,
}

#[derive(Serialize)]
struct Children<'a> {
    legs: &'a [Leg],
    queue_visits: &'a [QueueVisit],
    ivr_steps: &'a [IvrStep],
}

/// One object per line; returns how many.
pub fn json(reader: &Reader, filter: &CallFilter, out: &mut impl Write) -> Result<u64, CallsError> {
    each(reader, filter, |StoredCall { id, call, recovered, .. }| {
        object(&Object { flat: Flat::new(*id, call, *recovered), why: &call.why, children: None }, out)
    })
}

/// One call with everything that is stored of it.
pub fn json_with_children(StoredCall { id, call, recovered, .. }: &StoredCall, out: &mut impl Write) -> io::Result<()> {
    let children = Some(Children { legs: &call.legs, queue_visits: &call.visits, ivr_steps: &call.ivr });
    object(&Object { flat: Flat::new(*id, call, *recovered), why: &call.why, children }, out)
}

fn object(object: &Object<'_>, out: &mut impl Write) -> io::Result<()> {
    json_line(object, out)
}

/// RFC 4180 with a header; `why` is one column, its sentences joined by `; `. Returns how many calls.
pub fn csv(reader: &Reader, filter: &CallFilter, out: &mut impl Write) -> Result<u64, CallsError> {
    /// The last column needs no borrowed array.
    #[derive(Serialize)]
    struct Why {
        why: String,
    }
    let mut lines = csv::WriterBuilder::new().has_headers(false).terminator(csv::Terminator::CRLF).from_writer(out);
    lines.write_record(FLAT_NAMES.iter().chain(&["why"])).map_err(csv_error).map_err(CallsError::Output)?;
    let shown = each(reader, filter, |StoredCall { id, call, recovered, .. }| {
        let mut call = call.clone();
        for text in [&mut call.number, &mut call.name, &mut call.did, &mut call.trunk, &mut call.queue, &mut call.agent]
        {
            *text = text.take().map(|text| no_formula(cell(&text)));
        }
        call.linkedid = no_formula(cell(&call.linkedid));
        let why = no_formula(cell(&call.why.join("; ")));
        lines.serialize((Flat::new(*id, &call, *recovered), Why { why })).map_err(csv_error)
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

/// A spreadsheet runs what begins with `=`, `+`, `-`, `@`, tab or return as a formula, and strangers choose their names: such a cell gets a `'` in
/// front. A telephone number (`+12025550123`, `*72`) is left as it is: as a formula it can only be a number.
fn no_formula(text: String) -> String {
    let is_number =
        |text: &str| text.trim_start_matches('+').chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(&text) { format!("'{text}") } else { text }
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

fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
