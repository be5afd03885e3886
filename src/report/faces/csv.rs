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

/// What a cell begins with that a spreadsheet runs; those of full width are the same to some of them.
const SIGNS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'];

/// A spreadsheet runs what begins with `=`, `+`, `-`, `@`, tab or return as a formula, and strangers choose their names: such a cell gets a `'` in
/// front; so does what stands behind a `;` or a tab, where it may begin a cell too: half of Europe's spreadsheets split there, quotes or not.
/// A telephone number (`+12025550123`, `*72`) is left as it is: as a formula it can only be a number.
#[must_use]
pub(crate) fn no_formula(text: String) -> String {
    let is_number =
        |text: &str| text.trim_start_matches('+').chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    if !text.contains(SIGNS) || is_number(&text) {
        return text;
    }
    let (mut safe, mut begins) = (String::with_capacity(text.len() + 1), true);
    for c in text.chars() {
        if begins && SIGNS.contains(&c) {
            safe.push('\'');
        }
        begins = matches!(c, ';' | '\t') || begins && matches!(c, ' ' | '"');
        safe.push(c);
    }
    safe
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_begin_a_cell_is_no_formula_and_a_number_stays_one() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("x;=1+1;y", "x;'=1+1;y"),
            ("x; \"@SUM(A1)", "x; \"'@SUM(A1)"),
            ("\u{FF1D}1", "'\u{FF1D}1"),
            ("a\t-1", "a\t'-1"),
            ("Smith-Jones = both; 2 calls", "Smith-Jones = both; 2 calls"),
            ("+12025550123", "+12025550123"),
            ("*72", "*72"),
        ] {
            assert_eq!(no_formula(text.to_owned()), expected);
        }
    }
}
