//! Stored text, made safe and short for a terminal.

use callbackd_core::ami::event::Millis;
use callbackd_core::model::text::is_harmful;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, Write};

/// The text with everything escaped that could move the cursor, colour the screen or turn the direction of writing: names and numbers come
/// from strangers.
pub fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// One line of JSON in which such characters are escaped too: it can be looked at in a terminal, and means the same.
pub fn json_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
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

/// At most `width` characters, the last one `…` if something was cut.
pub fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// A duration as a clock shows it: `0:37`, `12:05`, `1:02:03`, cut to whole seconds.
pub fn clock(ms: Millis) -> String {
    let s = ms / 1_000;
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
    }
}

/// A duration in words: `0.4 s`, `37.0 s`, `2 min 5 s`, `1 h 2 min 3 s`.
pub fn spell(ms: Millis) -> String {
    let s = ms / 1_000;
    match s {
        ..60 => format!("{}.{} s", s, ms % 1_000 / 100),
        60..3_600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min {} s", s / 3_600, s / 60 % 60, s % 60),
    }
}

/// A size as disks are sold: `812 B`, `45.3 kB`, `1.2 MB`, `3.4 GB`.
pub fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

/// A moment in `zone`, by a `strftime` format; a number where the calendar ends.
pub fn local(ms: Millis, zone: &TimeZone, format: &str) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => format!("{ms} ms"),
    }
}
