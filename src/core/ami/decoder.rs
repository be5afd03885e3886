//! Cuts the byte stream into frames: bounded, never looking twice, skipping what nobody needs.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;

use crate::ami::blank_line::{BlankLine, is_blank};
use crate::ami::check::{Beginning, Failed, Passed, Shown, beginning, begins_well, check, line_length};
use crate::ami::excerpt::excerpt;
use crate::ami::form::{self, End, Head};
use crate::ami::frame::{Frame, text};
use crate::ami::header::{BANNER, banner, header};
use crate::ami::interest::{Interest, Need};
use crate::ami::layout::{Layout, Layouts};
pub use crate::ami::received::{Counters, Received};
use crate::ami::refusal::{FrameError, Refusal};
use crate::ami::taint::{Broken, KEPT, TORN_AT_MOST, Taint, is_front};
use crate::ami::torn::is_in_order;

/// Longest frame, in bytes, all line ends included and its empty line excluded. An AttendedTransfer with its six channels
/// has some 4 KiB, the answer to `ListCommands` some 12; only the answer to a `Command` can be longer.
pub const MAX_FRAME: usize = 64 * 1024;
/// Longest line, in bytes, without its end: what a dialplan's expands to has 4 KiB at most (`VAR_BUF_SIZE`, `main/pbx_private.h`).
pub const MAX_LINE: usize = 8 * 1024;
/// Most headers in a frame, the first line included. Six channels make about 100.
pub const MAX_HEADERS: usize = 512;

/// Where in a frame the buffer's first byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Between two frames.
    Start,
    /// At the beginning of a frame that is wanted, or, if `variable`, may be.
    Wanted { variable: bool },
    /// At the beginning of one that is all there, up to `end`; it counts once `next` shows that it is no front of a torn one.
    Held { end: usize, next: usize, room: Option<usize> },
    /// Inside a frame that is dropped up to its empty line; its end may show that it is torn. `own_end`: by these headers, not by a channel's snapshot.
    Dropping { own_end: Option<&'static [&'static [u8]]> },
}

/// The decoder of one stream. Holds no bytes itself; the buffer that it is given never needs to grow beyond [`MAX_FRAME`] and one read.
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
    /// Events that have passed: most are like one of them. `None` if every frame is checked whole.
    layouts: Option<Layouts>,
    /// What is not to be believed.
    taint: Taint,
    /// What follows a frame decides what it is, and has not come.
    waits: bool,
    /// Nothing follows for now.
    idle: bool,
    counters: Counters,
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
            layouts: Some(Layouts::new()),
            taint: Taint::default(),
            waits: false,
            idle: false,
            counters: Counters::default(),
        }
    }

    /// A decoder for one connection: no greeting comes in the middle of it, as may be in a file.
    pub fn live(interest: Interest) -> Self {
        let shown = Shown { live: true, ..Shown::default() };
        Self { shown, ..Self::new(interest) }
    }

    /// The same that recognises nothing and checks every frame whole: slower, and never otherwise, which tests and fuzzing hold it to.
    #[must_use]
    pub fn checking_whole(self) -> Self {
        Self { layouts: None, ..self }
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
        Received::Discarded(FrameError {
            refusal,
            offset,
            excerpt: excerpt(line),
            channel: String::new(),
            of_channel: None,
        })
    }

    /// Refuses the frame that begins the buffer before its end has been seen.
    fn refuse_from_here(&mut self, refusal: Refusal, buffer: &BytesMut) -> Received {
        self.position = Position::Dropping { own_end: None };
        let first = memchr::memchr(b'\n', buffer).map_or(buffer.len(), |end| end + 1);
        self.taint.odd(&buffer[..first], self.counters.bytes);
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
            && (!self.shown.live || self.counters.bytes == 0)
            && let Ok((_, version)) = banner(first)
        {
            let version = text(version).into_owned();
            // Another capture in the same file may be one without.
            (self.shown.timestamp, self.shown.settled) = (false, false);
            self.advance(buffer, end);
            return Some(Some(Received::Banner(version)));
        }
        let mut own_end = None;
        let need = match header(first) {
            Ok((_, line)) if line.key.eq_ignore_ascii_case(b"Event") => {
                own_end = form::own_end(line.value);
                self.interest.event(line.value)
            }
            Ok((_, line)) if line.key.eq_ignore_ascii_case(b"Response") => Need::Yes,
            Ok(_) => return Some(Some(self.refuse_from_here(Refusal::Headless, buffer))),
            Err(_) => return Some(Some(self.refuse_from_here(Refusal::NotAHeader, buffer))),
        };
        self.position = match need {
            Need::Yes => Position::Wanted { variable: false },
            Need::Variable => Position::Wanted { variable: true },
            Need::No => {
                self.counters.skipped += 1;
                Position::Dropping { own_end }
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

    /// Whether this frame may be the front of one that a number tore, of which the rest is still to come.
    fn must_wait(&self, rest: &[u8], room: Option<usize>) -> bool {
        let Some(room) = room else { return false };
        match beginning(rest, self.shown) {
            Beginning::Ill => false,
            Beginning::Unsure => true,
            Beginning::Well => rest.len() < room + form::AFTER_EXTEN.len(),
        }
    }

    /// What follows the frame is the rest of it, behind a beginning that its number supplied.
    fn goes_on(room: Option<usize>, rest: &[u8]) -> bool {
        let reach = room.map_or(0, |room| rest.len().min(room + form::AFTER_EXTEN.len()));
        memchr::memmem::find(&rest[..reach], form::AFTER_EXTEN).is_some()
    }

    /// A frame that is all there, up to `end`: it is held if it is wanted, and passed over if it is a variable that nobody needs; `false` if it
    /// waits for what follows.
    fn held(&mut self, buffer: &mut BytesMut, variable: bool, (end, next): (usize, usize)) -> bool {
        let frame = &buffer[..end];
        if variable && end <= MAX_FRAME && !self.variables(frame).any(|name| self.interest.variable(name)) {
            let passed = self.passes_over(buffer, (end, next), None);
            self.counters.skipped += u64::from(passed);
            return passed;
        }
        let room = if self.shown.privilege { form::room(frame) } else { None };
        self.position = Position::Held { end, next, room };
        true
    }

    /// Passes over a frame that nobody needs, which may be torn all the same; `false` if it waits for what follows.
    fn passes_over(&mut self, buffer: &mut BytesMut, (end, next): (usize, usize), own_end: Option<&[&[u8]]>) -> bool {
        let offset = self.counters.bytes;
        let frame = &buffer[..end];
        if !self.taint.covers(offset) {
            let how = self.taint.end(frame);
            let cut = own_end.is_some_and(|headers| !form::has_own_end(frame, headers));
            if how == End::Whole && (own_end.is_none() || is_in_order(frame)) {
                self.taint.passes(frame, how, offset, self.shown);
            } else {
                match self.breaks(buffer, end) {
                    Broken::Waits => return false,
                    Broken::Torn => {}
                    _ if how == End::Whole && !cut => self.taint.passes(frame, how, offset, self.shown),
                    Broken::Forged => self.taint.odd(frame, offset),
                    Broken::Unsure => {
                        self.taint.passes(frame, how, offset, self.shown);
                        self.taint.odd(frame, offset);
                    }
                }
            }
        }
        self.taint.goes_behind(&buffer[..end], offset);
        self.advance(buffer, next);
        self.position = Position::Start;
        true
    }

    /// What the frame is that begins the buffer, and does not end as it should.
    #[cold]
    fn breaks(&mut self, buffer: &[u8], end: usize) -> Broken {
        if !self.shown.privilege || !begins_well(&buffer[..end], self.shown) {
            return Broken::Unsure;
        }
        let most = MAX_FRAME.min(end + TORN_AT_MOST as usize).max(end);
        let more = !self.idle && buffer.len() < most;
        let broken = self.taint.breaks(&buffer[..buffer.len().min(most)], end, self.counters.bytes, more);
        self.waits |= broken == Broken::Waits;
        broken
    }

    /// What a whole frame is, or the reason against it; and its layout, if it has one that is known.
    fn check(&mut self, frame: &[u8]) -> Result<(Passed, Option<Arc<Layout>>), Failed> {
        if let Some((passed, layout)) = self.layouts.as_ref().and_then(|known| known.find(frame, self.shown)) {
            passed.shows(&mut self.shown);
            self.counters.recognised += 1;
            return Ok((passed, Some(layout)));
        }
        let live = self.shown.privilege;
        let passed = check(frame, &mut self.shown)?;
        // Before the stream has shown that it is a live one, less is asked of it.
        let layout = self.layouts.as_mut().filter(|_| live).and_then(|known| known.learn(frame, passed));
        Ok((passed, layout))
    }

    /// A wanted frame that is all there; `None` for an event that nobody may act on, and where `waits` says so.
    fn finish(&mut self, buffer: &mut BytesMut, (end, next): (usize, usize), room: Option<usize>) -> Option<Received> {
        let offset = self.counters.bytes;
        if end > MAX_FRAME {
            let frame = self.takes(buffer, (end, next));
            return Some(self.refuse(Refusal::FrameTooLong, offset, &frame));
        }
        let (covered, in_text, shown) = (self.taint.covers(offset), self.taint.in_text(offset, end), self.shown);
        let (passed, layout) = match self.check(&buffer[..end]) {
            Ok(passed) => passed,
            Err(failed) => return self.failed(buffer, (end, next), failed),
        };
        let Passed { head, answers, stamped, long, longest, .. } = passed;
        let live = self.shown.privilege && !(head.is_answer() && answers);
        // What is the last of a read leaves the same behind, believed or not. An answer without an id that ends as an event does is the rest of one.
        let rest = &buffer[next..];
        let goes_on = live && head != Head::Item && (!begins_well(rest, self.shown) || Self::goes_on(room, rest));
        let torn = goes_on || head == Head::Answer && form::closes(&buffer[..end]);
        let strange = head == Head::Item && self.taint.is_strange(&buffer[..end]);
        let odd = strange || live && (torn || !form::has_its_tail(&buffer[..end]));
        let broken = if odd && !covered { self.breaks(buffer, end) } else { Broken::Unsure };
        if broken == Broken::Waits {
            return None;
        }
        let frame = self.takes(buffer, (end, next));
        if !self.taint.chan_sip && longest && (head.is_answer() || frame.starts_with(b"Event: Newchannel\r")) {
            self.taint.chan_sip = form::is_of_chan_sip(&frame);
        }
        let long = if self.taint.chan_sip { longest } else { long };
        if covered {
            self.shown = shown;
            let name = if long { self.taint.names(&frame).map(<[u8]>::to_vec) } else { None };
            let refused = self.refuse(Refusal::Tainted, offset, &frame).about(&frame, false);
            return Some(refused.of(name.as_deref()));
        }
        // Answers are known by an id that nobody can guess. One that no request has is the rest of a torn frame: its end says so.
        if !self.taint.is_clear() && head.is_answer() && answers {
            self.passes(&frame, offset);
        }
        if head == Head::Item && answers && !strange {
            self.taint.lists(&frame, offset);
        }
        if live || strange && broken == Broken::Torn {
            if head == Head::Item {
                if broken != Broken::Torn {
                    self.passes(&frame, offset);
                    self.taint.odd(&frame, offset);
                }
                return Some(self.refuse(Refusal::Torn, offset, &frame).about(&frame, is_front(&frame, self.shown)));
            }
            // Short as it is, it may stand in a second copy of the number, or where nothing of the event follows.
            let first = stamped.filter(|_| !self.shown.settled);
            let unstamped = form::is_shortest(&frame) && !first.unwrap_or(self.shown.timestamp);
            if unstamped || !torn && form::sums_up_nobody(&frame) {
                self.counters.skipped += 1;
                return None;
            }
            let (inside, in_doubt) = (self.taint.before_rest(offset), self.taint.in_doubt(offset));
            if inside {
                self.passes(&frame, offset);
            } else if !in_doubt && let Some(stamped) = first {
                // Its head is Asterisk's, even if what follows is the rest of it.
                (self.shown.timestamp, self.shown.settled) = (stamped, true);
            }
            if odd && broken != Broken::Torn {
                self.taint.odd(&frame, offset);
            }
            let is_text = in_text && !longest && form::is_in_a_text(&frame);
            if inside || !long && (in_doubt || self.taint.repeats(&frame, offset)) || torn || is_text {
                return Some(self.refuse(Refusal::Tainted, offset, &frame).about(&frame, is_front(&frame, self.shown)));
            }
        }
        self.counters.frames += 1;
        self.interest.reads(&frame);
        if self.taint.chan_sip {
            self.taint.believes(&frame);
        }
        Some(Received::Frame(Frame::checked(frame, offset, layout, in_text && live)))
    }

    /// A wanted frame that is none of Asterisk's whole ones.
    #[cold]
    fn failed(&mut self, buffer: &mut BytesMut, (end, next): (usize, usize), failed: Failed) -> Option<Received> {
        let (offset, Failed { refusal, at, open }) = (self.counters.bytes, failed);
        let covered = self.taint.covers(offset);
        let broken = if covered { Broken::Forged } else { self.breaks(buffer, end) };
        if broken == Broken::Waits {
            return None;
        }
        let frame = self.takes(buffer, (end, next));
        if !covered {
            let before = self.taint.before_rest(offset);
            if broken == Broken::Unsure {
                self.passes(&frame, offset);
                // What broke it may have an empty line behind it, and the rest of its headers behind that.
                if open && !before && self.shown.privilege {
                    self.taint.tears(&frame, offset, self.shown);
                }
            }
            if broken != Broken::Torn {
                self.taint.odd(&frame, offset);
            }
        }
        let front = broken != Broken::Forged && is_front(&frame, self.shown);
        Some(self.refuse(refusal, offset + at as u64, &frame[at..]).about(&frame, front))
    }

    /// Takes a frame, and what stands between it and the next one.
    #[inline(always)]
    fn takes(&mut self, buffer: &mut BytesMut, (end, next): (usize, usize)) -> Bytes {
        let frame = buffer.split_to(end).freeze();
        self.taint.goes_behind(&frame, self.counters.bytes);
        buffer.advance(next - end);
        self.counters.bytes += next as u64;
        self.position = Position::Start;
        frame
    }

    fn passes(&mut self, frame: &[u8], offset: u64) {
        let end = self.taint.end(frame);
        self.taint.passes(frame, end, offset, self.shown);
    }
}

impl FrameDecoder {
    /// The next thing that the buffer holds whole; `None` until more has been read into it. No content is an error: a frame that cannot
    /// be used is [`Received::Discarded`].
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Option<Received> {
        self.waits = false;
        loop {
            match self.position {
                Position::Start => match self.begin(buffer) {
                    None => return None,
                    Some(Some(received)) => return Some(received),
                    Some(None) => {}
                },
                Position::Wanted { variable } => match self.blank_line.find(self.counters.bytes, buffer) {
                    Some(found) if self.held(buffer, variable, found) => {}
                    Some(_) => return None,
                    None if buffer.len() >= MAX_FRAME + 2 => {
                        return Some(self.refuse_from_here(Refusal::FrameTooLong, buffer));
                    }
                    None => return None,
                },
                Position::Held { next, room, .. } if self.must_wait(&buffer[next..], room) => return None,
                Position::Held { end, next, room } => {
                    let received = self.finish(buffer, (end, next), room);
                    if received.is_some() || self.waits {
                        return received;
                    }
                }
                Position::Dropping { own_end } => match self.blank_line.find(self.counters.bytes, buffer) {
                    Some(found) if self.passes_over(buffer, found, own_end) => {}
                    Some(_) => return None,
                    None => {
                        // An empty line may have begun in the last two bytes (`LF CR`).
                        let done = buffer.len().saturating_sub(KEPT);
                        self.advance(buffer, done);
                        return None;
                    }
                },
            }
        }
    }

    /// A whole frame waits to see what follows it, and nothing has come.
    pub fn holds(&self, buffer: &[u8]) -> bool {
        self.waits || matches!(self.position, Position::Held { next, .. } if is_blank(&buffer[next..]))
    }

    /// The same where nothing follows for now: what was written has ended with the last frame.
    pub fn decode_idle(&mut self, buffer: &mut BytesMut) -> Option<Received> {
        // Where a frame has begun, more is on its way.
        let over = buffer.ends_with(b"\n\r\n") || buffer.ends_with(b"\n\n");
        self.without_more(buffer, over)
    }

    /// `over`: what waits for what follows waits no longer.
    fn without_more(&mut self, buffer: &mut BytesMut, over: bool) -> Option<Received> {
        loop {
            if let Some(received) = self.decode(buffer) {
                return Some(received);
            }
            if self.waits
                && over
                && let Some(received) = self.idly(|decoder| decoder.decode(buffer))
            {
                return Some(received);
            }
            match self.position {
                Position::Held { end, next, room } if self.holds(buffer) && (over || is_blank(&buffer[next..])) => {
                    if let Some(received) = self.idly(|decoder| decoder.finish(buffer, (end, next), room)) {
                        return Some(received);
                    }
                }
                _ => return None,
            }
        }
    }

    /// Does this where nothing follows for now.
    fn idly(&mut self, act: impl FnOnce(&mut Self) -> Option<Received>) -> Option<Received> {
        self.idle = true;
        let received = act(self);
        self.idle = false;
        received
    }

    /// The same where nothing follows: what is left is a frame that was cut short.
    pub fn decode_eof(&mut self, buffer: &mut BytesMut) -> Option<Received> {
        if let Some(received) = self.without_more(buffer, true) {
            return Some(received);
        }
        if let Position::Held { end, next, room } = self.position
            && let Some(received) = self.idly(|decoder| decoder.finish(buffer, (end, next), room))
        {
            return Some(received);
        }
        let cut_short = !matches!(self.position, Position::Dropping { .. }) && !is_blank(buffer);
        let received = cut_short.then(|| self.refuse(Refusal::CutShort, self.counters.bytes, buffer));
        let rest = buffer.len();
        self.advance(buffer, rest);
        self.position = Position::Start;
        self.searched = 0;
        received
    }
}
