//! Stored text, made safe and short for a terminal.

pub(crate) use crate::report::faces::format::{clip, clock, local, safe, spell};

use callbackd_core::model::text::is_harmful;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// One line of JSON in which such characters are escaped too: it can be looked at in a terminal, and means the same.
pub(crate) fn json_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    let mut units = [0; 2];
    // Outside of its texts JSON has none of them.
    for part in serde_json::to_string(value)?.split_inclusive(is_harmful) {
        let (plain, harmful) = match part.char_indices().next_back().filter(|(_, c)| is_harmful(*c)) {
            Some((at, c)) => (&part[..at], Some(c)),
            None => (part, None),
        };
        out.write_all(plain.as_bytes())?;
        for unit in harmful.iter().flat_map(|c| c.encode_utf16(&mut units).to_vec()) {
            write!(out, "\\u{unit:04x}")?;
        }
    }
    writeln!(out)
}

/// A size as disks are sold: `812 B`, `45.3 kB`, `1.2 MB`, `3.4 GB`.
pub(crate) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// Input and output are a terminal that a screen can stay on.
pub(crate) fn has_screen() -> bool {
    let moves = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    moves && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns of the terminal that standard output is; `None` if it is none.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    width_of(io::stdout())
}

/// Columns of a terminal; `None` if it is none.
pub(crate) fn width_of(terminal: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(usize::from(size.ws_col)).filter(|&width| width > 0)
}

/// Columns of a table whose columns have so many between them: of the widest line.
pub(crate) fn table_width<const N: usize>(header: &[&str; N], rows: &[[String; N]], gap: u16) -> usize {
    let column = |n: usize| rows.iter().map(|row| row[n].chars().count()).chain([header[n].len()]).max().unwrap_or(0);
    (0..N).map(column).sum::<usize>() + (N - 1) * usize::from(gap)
}
