//! Cuts the byte stream into frames: bounded, never looking twice, skipping what nobody needs.

use bytes::{Buf, BytesMut};
use memchr::memmem::Finder;

use crate::ami::blank_line::BlankLine;
use crate::ami::excerpt::excerpt;
use crate::ami::form::{self, Follow, Head};
use crate::ami::frame::{Frame, text};
use crate::ami::header::{BANNER, Header, banner, header};
use crate::ami::interest::{Interest, Need};

/// Longest frame, in bytes, all line ends included and its empty line excluded. An AttendedTransfer with its six channels
/// has some 4 KiB, the answer to `ListCommands` some 12; only the answer to a `Command` can be longer.
pub const MAX_FRAME: usize = 64 * 1024;
/// Longest line, in bytes, without its end. What a dialplan line expands to is at most 4 KiB in Asterisk
/// (`VAR_BUF_SIZE`, `main/pbx_private.h`).
pub const MAX_LINE: usize = 8 * 1024;
/// Most headers in a frame, the first line included. Six channels make about 100.
pub const MAX_HEADERS: usize = 512;

/// One thing that the stream held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The greeting, with the protocol's version (`11.0.0`: not Asterisk's own).
    Banner(String),
    /// A whole frame that somebody needs.
    Frame(Frame),
    /// A frame that was thrown away whole; the stream goes on behind it.
    Discarded(FrameError),
}

/// Why a frame was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than [`MAX_FRAME`] bytes.
    FrameTooLong,
    /// A line over [`MAX_LINE`].
    LineTooLong,
    /// More headers than [`MAX_HEADERS`].
    TooManyHeaders,
    /// A line without a colon, or with nothing before it.
    NotAHeader,
    /// A NUL byte: Asterisk's texts end at NUL, so it cannot have sent one.
    Nul,
    /// The first line is neither `Event` nor `Response`: the rear part of a frame that a line break in a value tore.
    Headless,
    /// A header that occurs once in a frame stands there twice: a line break in a value forged one of them.
    Forged,
    /// The stream ended inside the frame.
    CutShort,
    /// An event without all the headers that Asterisk writes into its kind, in their order: a line break in a value tore it, or it is
    /// what stood in that value.
    Torn,
    /// It stands between a torn frame and the rest of it: a caller may have written it.
    Tainted,
}

impl Refusal {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 10] = [
        Self::FrameTooLong,
        Self::LineTooLong,
        Self::TooManyHeaders,
        Self::NotAHeader,
        Self::Nul,
        Self::Headless,
        Self::Forged,
        Self::CutShort,
        Self::Torn,
        Self::Tainted,
    ];

    /// A short name for a metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::FrameTooLong => "frame_too_long",
            Self::LineTooLong => "line_too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::NotAHeader => "not_a_header",
            Self::Nul => "nul",
            Self::Headless => "headless",
            Self::Forged => "forged",
            Self::CutShort => "cut_short",
            Self::Torn => "torn",
            Self::Tainted => "tainted",
        }
    }
}

/// A frame that was thrown away: why, where, and how the offending line begins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}: \"{excerpt}\"", describe(*.refusal))]
pub struct FrameError {
    /// Why it was refused.
    pub refusal: Refusal,
    /// Where the offending line (of a frame that is too long: the frame) begins in the stream.
    pub offset: u64,
    /// Its beginning, escaped, at most 64 characters.
    pub excerpt: String,
}

fn describe(refusal: Refusal) -> String {
    match refusal {
        Refusal::FrameTooLong => format!("frame over {MAX_FRAME} bytes"),
        Refusal::LineTooLong => format!("line over {MAX_LINE} bytes"),
        Refusal::TooManyHeaders => format!("frame with over {MAX_HEADERS} headers"),
        Refusal::NotAHeader => "line that is not \"Key: value\"".into(),
        Refusal::Nul => "line with a NUL byte".into(),
        Refusal::Headless => "frame that begins with neither Event nor Response".into(),
        Refusal::Forged => "header that occurs once in a frame stands there twice".into(),
        Refusal::CutShort => "stream ends inside a frame".into(),
        Refusal::Torn => "event without all headers of its kind in their order".into(),
        Refusal::Tainted => "frame inside of another that a line break tore".into(),
    }
}

/// What went through a decoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes taken from the stream.
    pub bytes: u64,
    /// Frames handed on since the start.
    pub frames: u64,
    /// Events that nobody needs.
    pub skipped: u64,
    discarded: [u64; Refusal::ALL.len()],
}

impl Counters {
    /// Frames thrown away for this reason.
    pub fn discarded(&self, refusal: Refusal) -> u64 {
        self.discarded[refusal as usize]
    }

    /// Frames thrown away for any reason.
    pub fn discarded_total(&self) -> u64 {
        self.discarded.iter().sum()
    }
}

/// Where in a frame the buffer's first byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Between two frames.
    Start,
    /// At the beginning of a frame that is wanted, or, if `variable`, may be.
    Wanted { variable: bool },
    /// Inside a frame that is dropped up to its empty line.
    Dropping,
}

/// So many bytes behind the beginning of a torn frame its rest has come: a frame of six channels, and what their numbers can hold.
const TORN_AT_MOST: u64 = 8 * 1024;

/// The decoder of one stream. Holds no bytes itself; the buffer that it is given never needs to grow beyond
/// [`MAX_FRAME`] and one read. Its error type is that of the trait: no content makes it fail.
#[derive(Debug)]
pub struct FrameDecoder {
    interest: Interest,
    position: Position,
    blank_line: BlankLine,
    variable: Finder<'static>,
    /// How much of an unfinished first line has been searched for its end.
    searched: usize,
    /// What the stream has shown so far of the form of its events.
    shown: Shown,
    /// Where the frame began whose rest has yet to come.
    torn: Option<u64>,
    counters: Counters,
}

/// What every event of a stream has, once one has had it.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    /// `Privilege` behind `Event`: the stream is a live Asterisk's, and its events have their forms.
    privilege: bool,
    /// `Timestamp` behind that.
    timestamp: bool,
}

impl FrameDecoder {
    /// A decoder for the beginning of a stream.
    pub fn new(interest: Interest) -> Self {
        Self {
            interest,
            position: Position::Start,
            blank_line: BlankLine::new(),
            variable: Finder::new(b"\nVariable:"),
            searched: 0,
            shown: Shown::default(),
            torn: None,
            counters: Counters::default(),
        }
    }

    /// What went through so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn advance(&mut self, buffer: &mut BytesMut, count: usize) {
        buffer.advance(count);
        self.counters.bytes += count as u64;
    }

    fn refuse(&mut self, refusal: Refusal, offset: u64, line: &[u8]) -> Received {
        self.counters.discarded[refusal as usize] += 1;
        let line = memchr::memchr(b'\n', line).map_or(line, |end| &line[..end]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Received::Discarded(FrameError { refusal, offset, excerpt: excerpt(line) })
    }

    /// Refuses the frame that begins the buffer before its end has been seen.
    fn refuse_from_here(&mut self, refusal: Refusal, buffer: &BytesMut) -> Received {
        self.position = Position::Dropping;
        self.refuse(refusal, self.counters.bytes, buffer)
    }

    /// Settles by its first line what to do with the frame; `None` if the line is not all there.
    fn begin(&mut self, buffer: &mut BytesMut) -> Option<Option<Received>> {
        loop {
            let blank = match &buffer[..] {
                [b'\n', ..] => 1,
                [b'\r', b'\n', ..] => 2,
                _ => break,
            };
            self.advance(buffer, blank);
            self.searched = 0;
        }
        let Some(end) = memchr::memchr(b'\n', &buffer[self.searched..]).map(|at| self.searched + at + 1) else {
            self.searched = buffer.len();
            // The last byte may be the CR of the line's end.
            if buffer.len() >= MAX_LINE + 2 {
                self.searched = 0;
                return Some(Some(self.refuse_from_here(Refusal::LineTooLong, buffer)));
            }
            return None;
        };
        self.searched = 0;
        let first = &buffer[..end];
        if line_length(first) > MAX_LINE {
            return Some(Some(self.refuse_from_here(Refusal::LineTooLong, buffer)));
        }
        if first.starts_with(BANNER)
            && let Ok((_, version)) = banner(first)
        {
            let version = text(version).into_owned();
            // Another capture in the same file may be one without.
            self.shown.timestamp = false;
            self.advance(buffer, end);
            return Some(Some(Received::Banner(version)));
        }
        let need = match header(first) {
            Ok((_, line)) if line.key.eq_ignore_ascii_case(b"Event") => self.interest.event(line.value),
            Ok((_, line)) if line.key.eq_ignore_ascii_case(b"Response") => Need::Yes,
            Ok(_) => {
                self.torn = None;
                return Some(Some(self.refuse_from_here(Refusal::Headless, buffer)));
            }
            Err(_) => return Some(Some(self.refuse_from_here(Refusal::NotAHeader, buffer))),
        };
        self.position = match need {
            Need::Yes => Position::Wanted { variable: false },
            Need::Variable => Position::Wanted { variable: true },
            Need::No => {
                self.counters.skipped += 1;
                Position::Dropping
            }
        };
        Some(None)
    }

    /// The values of all `Variable` headers: a second one may be the real one behind a forged one.
    fn variables<'a>(&'a self, frame: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.variable
            .find_iter(frame)
            .filter_map(|at| header(&frame[at + 1..]).ok())
            .map(|(_, variable)| variable.value)
    }

    /// A wanted frame that is all there; `None` for a variable that nobody needs.
    fn finish(&mut self, buffer: &mut BytesMut, variable: bool, (end, next): (usize, usize)) -> Option<Received> {
        let offset = self.counters.bytes;
        let frame = buffer.split_to(end).freeze();
        buffer.advance(next - end);
        self.counters.bytes += next as u64;
        self.position = Position::Start;
        if end > MAX_FRAME {
            return Some(self.refuse(Refusal::FrameTooLong, offset, &frame));
        }
        if variable && !self.variables(&frame).any(|name| self.interest.variable(name)) {
            self.counters.skipped += 1;
            return None;
        }
        if let Some(torn) = self.torn {
            if offset - torn <= TORN_AT_MOST {
                return Some(self.refuse(Refusal::Tainted, offset, &frame));
            }
            self.torn = None;
        }
        if let Err((refusal, at)) = check(&frame, &mut self.shown) {
            // What broke it may have an empty line behind it, and the rest of its headers behind that.
            if self.shown.privilege && memchr::memmem::find(&frame[at..], b"Linkedid: ").is_none() {
                self.torn = Some(offset);
            }
            return Some(self.refuse(refusal, offset + at as u64, &frame[at..]));
        }
        if self.shown.privilege && !begins_well(buffer) {
            return Some(self.refuse(Refusal::Tainted, offset, &frame));
        }
        self.counters.frames += 1;
        Some(Received::Frame(Frame::checked(frame, offset)))
    }
}

impl FrameDecoder {
    /// The next thing that the buffer holds whole; `None` until more has been read into it. No content is an error: a frame that cannot
    /// be used is [`Received::Discarded`].
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Option<Received> {
        loop {
            match self.position {
                Position::Start => match self.begin(buffer) {
                    None => {
                        // Asterisk writes an event at once: nothing of it is to come.
                        if buffer.is_empty() {
                            self.torn = None;
                        }
                        return None;
                    }
                    Some(Some(received)) => return Some(received),
                    Some(None) => {}
                },
                Position::Wanted { variable } => match self.blank_line.find(self.counters.bytes, buffer) {
                    Some(found) => {
                        if let Some(received) = self.finish(buffer, variable, found) {
                            return Some(received);
                        }
                    }
                    // The last byte may be the CR of the empty line.
                    None if buffer.len() >= MAX_FRAME + 2 => {
                        return Some(self.refuse_from_here(Refusal::FrameTooLong, buffer));
                    }
                    None => return None,
                },
                Position::Dropping => match self.blank_line.find(self.counters.bytes, buffer) {
                    Some((_, next)) => {
                        self.advance(buffer, next);
                        self.position = Position::Start;
                    }
                    None => {
                        // An empty line may have begun in the last two bytes (`LF CR`).
                        let done = buffer.len().saturating_sub(2);
                        self.advance(buffer, done);
                        return None;
                    }
                },
            }
        }
    }

    /// The same where nothing follows: what is left is a frame that was cut short.
    pub fn decode_eof(&mut self, buffer: &mut BytesMut) -> Option<Received> {
        if let Some(received) = self.decode(buffer) {
            return Some(received);
        }
        let cut_short = self.position != Position::Dropping && !buffer.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        let received = cut_short.then(|| self.refuse(Refusal::CutShort, self.counters.bytes, buffer));
        let rest = buffer.len();
        self.advance(buffer, rest);
        self.position = Position::Start;
        self.searched = 0;
        received
    }
}

/// Whether what follows a frame, as far as it is there, may be the next one: what is not is the rest of a frame that was torn.
fn begins_well(rest: &[u8]) -> bool {
    [&b"Event: "[..], b"Response: ", BANNER, b"\r\n", b"\n"].iter().any(|first| {
        let both = rest.len().min(first.len());
        rest[..both] == first[..both]
    })
}

/// A line's length without its end.
fn line_length(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

/// Headers that stand in a frame at most once. Of the fields that Asterisk does not escape (`CallerIDNum`, `Exten`,
/// `Context`, `AccountCode`, `Channel`) any could hold a line break that forges one of these.
const ONCE: [&[u8]; 7] = [b"Event", b"Response", b"ActionID", b"Uniqueid", b"Linkedid", b"Variable", b"Value"];
/// The first so many of them also in a response; `Variable` and `Value` only in a `VarSet`.
const ONCE_IN_RESPONSES: usize = 3;
const ONCE_IN_EVENTS: usize = 5;

/// The place of `key` in [`ONCE`], whatever the case of its letters.
#[inline]
fn once(key: &[u8]) -> Option<usize> {
    let place = match (key.len(), key[0] | 0x20) {
        (5, b'e') => 0,
        (8, b'r') => 1,
        (8, b'a') => 2,
        (8, b'u') => 3,
        (8, b'l') => 4,
        (8, b'v') => 5,
        (5, b'v') => 6,
        _ => return None,
    };
    key.eq_ignore_ascii_case(ONCE[place]).then_some(place)
}

/// Checks a whole frame: the reason against it, and where the offending line begins.
fn check(frame: &[u8], shown: &mut Shown) -> Result<(), (Refusal, usize)> {
    if let Some(at) = memchr::memchr(0, frame) {
        return Err((Refusal::Nul, memchr::memrchr(b'\n', &frame[..at]).map_or(0, |end| end + 1)));
    }
    let mut seen: [Option<&[u8]>; ONCE.len()] = [None; ONCE.len()];
    let (mut at_most, mut echo) = (ONCE_IN_RESPONSES, false);
    let (mut start, mut count) = (0, 0);
    let mut follow = Follow::new(form::ANSWER);
    let mut head = Head::Answer;
    for end in memchr::memchr_iter(b'\n', frame) {
        let line = &frame[start..=end];
        if line.len() > MAX_LINE && line_length(line) > MAX_LINE {
            return Err((Refusal::LineTooLong, start));
        }
        count += 1;
        if count > MAX_HEADERS {
            return Err((Refusal::TooManyHeaders, start));
        }
        let colon = match line.iter().position(|&byte| byte == b':') {
            Some(colon) if colon > 0 => colon,
            _ => return Err((Refusal::NotAHeader, start)),
        };
        let key = &line[..colon];
        if count <= 3 && count > 1 {
            headed(head, count, key, shown).map_err(|refusal| (refusal, start))?;
        }
        if !follow.takes(key) && shown.privilege {
            return Err((Refusal::Torn, start));
        }
        if let Some(which) = once(key) {
            let Ok((_, Header { value, .. })) = header(line) else { return Err((Refusal::NotAHeader, start)) };
            if which == 0 {
                // A response that goes on as an event; the reverse is an OriginateResponse.
                if count > 1 {
                    return Err((Refusal::Forged, start));
                }
                let form = form::of_event(value);
                (follow, head) = (Follow::new(form), form.head);
                at_most = if value == b"VarSet" { ONCE.len() } else { ONCE_IN_EVENTS };
                // A dialplan's `UserEvent(Tag,Uniqueid: ${UNIQUEID})` repeats what its channel says: no forgery.
                echo = value == b"UserEvent";
            }
            let before = seen[which].replace(value);
            if which < at_most && before.is_some_and(|before| !(echo && before == value)) {
                return Err((Refusal::Forged, start));
            }
        }
        if which_answers(head, count, key) && shown.privilege {
            return Err((Refusal::Torn, start));
        }
        start = end + 1;
    }
    let headed = count >= 2 || matches!(head, Head::Free | Head::Answer);
    if shown.privilege && !(headed && follow.is_whole()) {
        return Err((Refusal::Torn, 0));
    }
    Ok(())
}

/// Holds the second and third header against the head that the event must have, and learns from it what the stream has.
fn headed(head: Head, count: usize, key: &[u8], shown: &mut Shown) -> Result<(), Refusal> {
    if !matches!(head, Head::Live | Head::Login) {
        return Ok(());
    }
    let (learned, known) = match count {
        2 => (key == b"Privilege", &mut shown.privilege),
        _ if head == Head::Live => (shown.privilege && key == b"Timestamp", &mut shown.timestamp),
        _ => return Ok(()),
    };
    *known |= learned;
    if learned || !*known { Ok(()) } else { Err(Refusal::Torn) }
}

/// The id of an answer that stands elsewhere than where Asterisk writes it: the rest of a torn item of a list.
fn which_answers(head: Head, count: usize, key: &[u8]) -> bool {
    head == Head::Answer && count > 2 && key == b"ActionID"
}
