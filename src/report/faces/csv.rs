//! Slices as comma-separated values: a line for each, a column for each figure.

use crate::report::figures::{Slice, Totals};
use std::io::{self, Write};

/// RFC 4180 with a header. Rates are shares from 0 to 1; what there is nothing to say of is empty, never 0.
///
/// # Errors
/// What the output reports.
pub fn csv(by: &str, slices: &[Slice], out: &mut impl Write) -> io::Result<()> {
    let names = Totals::default().named().into_iter().map(|(name, _)| name.to_owned());
    line(std::iter::once(by.to_owned()).chain(names), out)?;
    for slice in slices {
        let values = slice.totals.named().into_iter().map(|(_, value)| value.map_or_else(String::new, number));
        line(std::iter::once(no_formula(&slice.key)).chain(values), out)?;
    }
    out.flush()
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.4}") }
}

/// A spreadsheet runs what begins so as a formula, but for a telephone number.
fn no_formula(text: &str) -> String {
    let is_number = text.trim_start_matches('+').chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '#'));
    let text = super::format::safe(text);
    if text.starts_with(['=', '+', '-', '@']) && !is_number { format!("'{text}") } else { text }
}

fn line(cells: impl Iterator<Item = String>, out: &mut impl Write) -> io::Result<()> {
    let cell = |text: String| {
        if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    write!(out, "{}\r\n", cells.map(cell).collect::<Vec<_>>().join(","))
}
