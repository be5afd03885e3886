//! Adds the time of arrival to events that carry no `Timestamp:`; everything else passes as it came.

use callbackd_core::ami::decoder::MAX_FRAME;
use jiff::Timestamp;

/// Goes through one session's stream. Whole frames are given out, so that a recording that is cut short lacks nothing but whole frames.
#[derive(Debug, Default)]
pub struct Stamper {
    /// The frame so far, as it came; of one that passes, what has not been given out.
    frame: Vec<u8>,
    kind: Kind,
    /// Where its last line begins; of no meaning in a frame that passes.
    line: usize,
    /// Bytes of the last line, and the first of them.
    line_length: usize,
    line_first: u8,
    stamped: bool,
    events: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// Between two frames.
    #[default]
    None,
    Event,
    /// A response, or a frame over [`MAX_FRAME`], which no replay would read.
    Passing,
}

/// Longest line that is added, in bytes.
const STAMP: usize = "Timestamp: -377705023201.999999\r\n".len();

impl Stamper {
    /// Takes bytes that arrived at `at`; appends to `out` what is complete.
    pub fn take(&mut self, bytes: &[u8], at: Timestamp, out: &mut Vec<u8>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line_length == 0 {
                self.line_first = piece[0];
                self.line = self.frame.len();
            }
            self.line_length += piece.len();
            self.frame.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line(at, out);
                self.line_length = 0;
            }
            if self.frame.len() + STAMP > MAX_FRAME {
                self.kind = Kind::Passing;
            }
            if self.kind == Kind::Passing {
                out.append(&mut self.frame);
            }
        }
    }

    /// What is left when the stream has ended: the beginning of a frame, as it came.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.frame);
    }

    /// Events that went through.
    #[must_use]
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    fn end_line(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let blank = self.line_length == 1 || self.line_length == 2 && self.line_first == b'\r';
        let line = self.frame.get(self.line..).unwrap_or_default();
        match self.kind {
            // The greeting has no empty line behind it.
            Kind::None if blank || line.starts_with(b"Asterisk Call Manager/") => out.append(&mut self.frame),
            Kind::None => self.kind = if has_key(line, b"Event") { Kind::Event } else { Kind::Passing },
            Kind::Event if blank => self.end_event(at, out),
            Kind::Event => self.stamped |= has_key(line, b"Timestamp"),
            Kind::Passing if blank => {
                out.append(&mut self.frame);
                self.kind = Kind::None;
            }
            Kind::Passing => {}
        }
    }

    fn end_event(&mut self, at: Timestamp, out: &mut Vec<u8>) {
        let (event, empty_line) = self.frame.split_at(self.line);
        out.extend_from_slice(event);
        if !self.stamped {
            // As Asterisk writes it (`main/manager.c`), with the line end that the empty line shows.
            out.extend_from_slice(format!("Timestamp: {}.{:06}", at.as_second(), at.subsec_microsecond()).as_bytes());
            out.extend_from_slice(empty_line);
        }
        out.extend_from_slice(empty_line);
        self.frame.clear();
        self.events += 1;
        (self.kind, self.stamped) = (Kind::None, false);
    }
}

fn has_key(line: &[u8], key: &[u8]) -> bool {
    line.get(key.len()) == Some(&b':') && line[..key.len()].eq_ignore_ascii_case(key)
}
