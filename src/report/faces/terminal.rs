//! What a terminal of 80 columns can show: tables, sparklines, sentences that are broken where it ends.

use comfy_table::{Cell, CellAlignment, Table, presets};
use std::fmt::Write as _;

/// Columns of the terminals that it is made for.
const WIDTH: usize = 80;

/// Steps of a sparkline.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A sentence on several lines; a row of a table, in which blanks stand side by side, stays one.
pub(super) fn broken(line: &str) -> String {
    if line.chars().count() <= WIDTH || line.trim().contains("  ") {
        return line.to_owned();
    }
    let (mut out, mut at) = (String::new(), 0);
    for word in line.split(' ') {
        let wide = word.chars().count();
        if at > 0 && at + 1 + wide > WIDTH {
            out.push_str("\n  ");
            at = 2;
        } else if at > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += wide;
    }
    out
}

pub(super) fn heading(text: &str, out: &mut String) {
    let _ = writeln!(out, "\n{}", text.to_uppercase());
}

/// The first column to the left, the others to the right.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, out: &mut String) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().map(|name| Cell::new(*name)));
    table.add_rows(rows);
    for (n, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if n > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let _ = writeln!(out, "{}", table.trim_fmt());
}

/// Heights of bars, of which the highest is full.
pub(super) fn sparkline(values: impl Iterator<Item = Option<f64>> + Clone, most: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    let step = |value: f64| STEPS[((value / most * 7.0).round() as usize).min(7)];
    values.map(|value| value.filter(|_| most > 0.0).map_or(' ', step)).collect()
}
