//! Text for a terminal: a line that is wider than it goes on in the next one at a space, not in the middle of a word.

use super::plain;
use std::io::{self, StderrLock, Write};

/// What is written goes on to `inner`, line by line.
#[derive(Debug)]
pub struct Fitted<W: Write> {
    inner: W,
    /// Columns; `None`: lines stay as they are.
    width: Option<usize>,
    /// A line that has not ended yet.
    line: Vec<u8>,
}

impl<W: Write> Fitted<W> {
    /// For a terminal of so many columns.
    pub fn new(inner: W, width: Option<usize>) -> Self {
        Self { inner, width, line: Vec::new() }
    }

    fn end_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let (Some(width), Ok(text)) = (self.width, std::str::from_utf8(&line)) else {
            return self.inner.write_all(&line);
        };
        self.inner.write_all(fit(text, width).as_bytes())
    }
}

impl Fitted<StderrLock<'static>> {
    /// For what is said beside the output.
    #[must_use]
    pub fn notes() -> Self {
        let stderr = io::stderr().lock();
        let width = plain::width_of(&stderr);
        Self::new(stderr, width)
    }
}

impl<W: Write> Write for Fitted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.width.is_none() {
            return self.inner.write(bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.end_line()?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for Fitted<W> {
    fn drop(&mut self) {
        // Who wants to know whether it was written calls flush.
        let _ = self.end_line();
    }
}

/// A line, broken at spaces so that its parts have at most so many columns, if its words are no longer. What goes on is indented by two more.
pub(crate) fn fit(line: &str, width: usize) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    if columns(text) <= width {
        return line.to_owned();
    }
    let indent = text.len() - text.trim_start_matches(' ').len() + 2;
    let (mut fitted, mut rest, mut room) = (String::new(), text, width);
    while let Some((part, next)) = broken(rest, room).filter(|_| indent < width / 2) {
        fitted.push_str(part);
        fitted.push('\n');
        fitted.extend(std::iter::repeat_n(' ', indent));
        (rest, room) = (next, width - indent);
    }
    fitted + rest + end
}

/// At the last space before this column, if the text is longer and words are on both sides of it.
fn broken(text: &str, room: usize) -> Option<(&str, &str)> {
    if columns(text) <= room {
        return None;
    }
    let begin = text.len() - text.trim_start().len();
    let spaces = || text.match_indices(' ').map(|(at, _)| at).filter(|at| *at > begin);
    let at = spaces().take_while(|at| columns(&text[..*at]) <= room).last().or_else(|| spaces().next())?;
    let next = text[at..].trim_start();
    (!next.is_empty()).then(|| (text[..at].trim_end(), next))
}

/// Characters that take a column: not those of an escape sequence.
fn columns(text: &str) -> usize {
    let mut is_escape = false;
    let is_seen = |c: &char| {
        let was_escape = is_escape;
        is_escape = *c == '\x1b' || is_escape && !c.is_ascii_alphabetic();
        !was_escape && !is_escape
    };
    text.chars().filter(is_seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_wide_goes_on_at_a_space_and_indented() {
        assert_eq!(fit("  - one two three four\n", 14), "  - one two\n    three four\n");
        assert_eq!(fit("one two", 14), "one two");
        assert_eq!(fit("one two three four five six\n", 14), "one two three\n  four five\n  six\n");
    }

    #[test]
    fn a_word_that_has_no_room_stays_whole() {
        assert_eq!(fit("a 0123456789abcdef b\n", 10), "a\n  0123456789abcdef\n  b\n");
        assert_eq!(fit("0123456789abcdef\n", 10), "0123456789abcdef\n");
        assert_eq!(fit("0123456789   \n", 10), "0123456789   \n");
        assert_eq!(fit("        deep in a narrow one\n", 12), "        deep in a narrow one\n");
    }

    #[test]
    fn colours_take_no_room_and_where_there_is_no_terminal_nothing_changes() {
        assert_eq!(fit("\x1b[1mone two\x1b[0m\n", 7), "\x1b[1mone two\x1b[0m\n");
        let mut out = Vec::new();
        Fitted::new(&mut out, None).write_all(b"one two three").unwrap();
        Fitted::new(&mut out, Some(8)).write_all(b"\none two three").unwrap();
        assert_eq!(out, b"one two three\none two\n  three");
    }
}
