//! Comma-separated values (RFC 4180) for spreadsheets; and slices as such: a line for each, a column for each figure.

use super::format::safe;
use crate::report::figures::{By, Slice, Totals};
use std::io::{self, Write};

/// Lines end in CR LF; the caller writes the header.
pub(crate) fn writer<W: Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().has_headers(false).terminator(csv::Terminator::CRLF).from_writer(out)
}

/// What the output reported.
pub(crate) fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A spreadsheet runs what begins with `=`, `+`, `-`, `@`, tab or return as a formula, and strangers choose their names: such a cell gets a `'` in
/// front. A telephone number (`+12025550123`, `*72`) is left as it is: as a formula it can only be a number.
#[must_use]
pub(crate) fn no_formula(text: String) -> String {
    let is_number =
        |text: &str| text.trim_start_matches('+').chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number(&text) { format!("'{text}") } else { text }
}

/// A header, and a line for each; where each PBX has its own, its name is the second column. Rates are shares from 0 to 1; what there is nothing to say of is empty, never 0.
///
/// # Errors
/// What the output reports.
pub(crate) fn csv(by: By, slices: &[Slice], out: &mut impl Write) -> io::Result<()> {
    let mut lines = writer(out);
    let pbx = by.is_of_a_pbx().then(|| "pbx".to_owned());
    let names = Totals::default().named().into_iter().map(|(name, _)| name.to_owned());
    lines.write_record(std::iter::once(by.as_str().to_owned()).chain(pbx).chain(names)).map_err(csv_error)?;
    for slice in slices {
        let values = slice.totals.named().into_iter().map(|(_, value)| value.map_or_else(String::new, number));
        let keys = std::iter::once(&slice.key).chain(&slice.pbx).map(|key| no_formula(safe(key)));
        lines.write_record(keys.chain(values)).map_err(csv_error)?;
    }
    lines.flush()
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}
