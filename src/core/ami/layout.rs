//! The layouts of events that have passed: one with the same headers in the same order needs no second look at their names.

use std::sync::{Arc, OnceLock};

use crate::ami::check::{Passed, Shown, is_timestamp};
use crate::ami::decoder::MAX_LINE;
use crate::ami::form::Head;

/// What every event begins with.
const EVENT: &[u8] = b"Event: ";
/// Longest beginning that is compared as a whole, in bytes.
const MAX_HEAD: usize = 128;
/// Most lines behind it, and longest name of one with its `: `.
const MAX_LINES: usize = 64;
const MAX_NAME: usize = 64;
/// Layouts are kept in so many sets, chosen by the event's name, of so many each: with and without a second channel, and the like.
const SETS: usize = 64;
const WAYS: usize = 6;
/// The place of a header that nobody reads.
pub(crate) const NOWHERE: u8 = u8::MAX;

/// The headers of one kind of event, as they stood in one that passed.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The first line, and a `Privilege` behind it.
    head: Box<[u8]>,
    /// Where the event's name ends in it.
    name_end: usize,
    lines: Box<[Line]>,
    passed: Passed,
    /// Where the reader of events puts each line's value.
    places: OnceLock<Box<[u8]>>,
}

/// One header of a layout: its name with `: ` behind.
#[derive(Debug)]
struct Line {
    name: Box<[u8]>,
    /// Its first sixteen bytes, and which of them there are.
    first: u128,
    mask: u128,
    /// It must have a value.
    filled: bool,
}

impl Line {
    fn new(name: &[u8]) -> Self {
        let mut first = [0; 16];
        let length = name.len().min(first.len());
        first[..length].copy_from_slice(&name[..length]);
        let mask = u128::MAX >> (8 * (first.len() - length));
        Self { name: name.into(), first: u128::from_le_bytes(first), mask, filled: name.ends_with(b"Channel: ") }
    }

    /// Where this header's value ends in `rest`, which begins with it as Asterisk writes it: the place of the LF behind its CR.
    #[inline(always)]
    fn end(&self, rest: &[u8]) -> Option<usize> {
        let begins = match rest.first_chunk::<16>() {
            Some(first) => {
                (u128::from_le_bytes(*first) ^ self.first) & self.mask == 0
                    && (self.name.len() <= 16 || rest[16..].starts_with(&self.name[16..]))
            }
            None => rest.starts_with(&self.name),
        };
        if !begins {
            return None;
        }
        let end = self.name.len() + line_feed(&rest[self.name.len()..])?;
        let empty = end == self.name.len() + 1;
        (rest[end - 1] == b'\r' && end <= MAX_LINE && !(empty && self.filled)).then_some(end)
    }
}

/// The first line's end, which is near in nearly all lines.
#[inline(always)]
fn line_feed(bytes: &[u8]) -> Option<usize> {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    for (at, eight) in bytes.as_chunks::<8>().0.iter().take(4).enumerate() {
        // A byte becomes zero where it stood; what is borrowed from it reaches only those behind it.
        let zero = u64::from_le_bytes(*eight) ^ (EACH * u64::from(b'\n'));
        let found = zero.wrapping_sub(EACH) & !zero & (EACH << 7);
        if found != 0 {
            return Some(8 * at + found.trailing_zeros() as usize / 8);
        }
    }
    let near = (bytes.len() / 8).min(4) * 8;
    memchr::memchr(b'\n', &bytes[near..]).map(|at| near + at)
}

impl Layout {
    /// The layout of an event that passed, if all of it is decided by its headers' names: a global variable is known by a value, and a
    /// `UserEvent` may repeat one.
    fn of(frame: &[u8], passed: Passed) -> Option<Self> {
        let lines = || frame.split_inclusive(|byte| *byte == b'\n');
        let name_end = lines().next()?.strip_suffix(b"\r\n")?.len();
        let name = frame[..name_end].strip_prefix(EVENT)?;
        if name == b"UserEvent" || name == b"VarSet" && !passed.of_channel {
            return None;
        }
        let in_head = if matches!(passed.head, Head::Live | Head::Login) { 2 } else { 1 };
        let head: usize = lines().take(in_head).map(<[u8]>::len).sum();
        let names: Option<Vec<Line>> = lines().skip(in_head).map(of_line).collect();
        let lines = names.filter(|names| names.len() <= MAX_LINES && head <= MAX_HEAD)?;
        Some(Self { head: frame[..head].into(), name_end, lines: lines.into(), passed, places: OnceLock::new() })
    }

    /// Whether this frame has this layout; then, what it is.
    #[inline]
    fn fits(&self, frame: &[u8]) -> Option<Passed> {
        let mut rest = frame.strip_prefix(&*self.head)?;
        let behind_head = rest;
        let mut first = None;
        for line in &self.lines {
            let end = line.end(rest)?;
            first = first.or(Some(end));
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            return None;
        }
        let stamped = first.filter(|_| self.passed.head == Head::Live).map(|end| is_timestamp(&behind_head[..=end]));
        Some(Passed { stamped, ..self.passed })
    }

    /// The event's name in a frame of this layout.
    pub(crate) fn name<'f>(&self, frame: &'f [u8]) -> &'f [u8] {
        frame.get(EVENT.len()..self.name_end).unwrap_or_default()
    }

    /// Where each line's value is put: decided once by the headers' names, since the event's name settles what is read of it.
    pub(crate) fn places(&self, place: impl Fn(&[u8]) -> u8) -> &[u8] {
        self.places.get_or_init(|| {
            let mut places: Vec<u8> = self.lines.iter().map(|line| place(name(line))).collect();
            // Nobody needs what stands behind the last that is read.
            places.truncate(places.iter().rposition(|place| *place != NOWHERE).map_or(0, |last| last + 1));
            places.into()
        })
    }

    /// The headers of a frame of this layout that are read, each with its place: name and value.
    #[inline]
    pub(crate) fn read<'s, 'f>(
        &'s self,
        frame: &'f [u8],
        places: &'s [u8],
        mut each: impl FnMut(u8, &'s [u8], &'f [u8]) -> bool,
    ) {
        let mut rest = frame.get(self.head.len()..).unwrap_or_default();
        for (line, place) in self.lines.iter().zip(places) {
            let Some(behind) = rest.get(line.name.len()..) else { return };
            let Some(end) = line_feed(behind).filter(|end| *end > 0) else { return };
            if *place != NOWHERE && !each(*place, name(line), &behind[..end - 1]) {
                return;
            }
            rest = &behind[end + 1..];
        }
    }
}

fn name(line: &Line) -> &[u8] {
    line.name.strip_suffix(b": ").unwrap_or(&line.name)
}

/// The name of a line that is written as Asterisk writes it.
fn of_line(line: &[u8]) -> Option<Line> {
    let colon = memchr::memchr(b':', line)?;
    let written = colon > 0 && line[colon..].starts_with(b": ") && line.ends_with(b"\r\n");
    (written && colon + 2 <= MAX_NAME).then(|| Line::new(&line[..colon + 2]))
}

/// Those that were seen last of each event.
#[derive(Debug)]
pub(crate) struct Layouts {
    sets: Box<[[Option<Arc<Layout>>; WAYS]]>,
}

impl Layouts {
    pub(crate) fn new() -> Self {
        Self { sets: (0..SETS).map(|_| Default::default()).collect() }
    }

    /// The layout that this whole frame of a live stream has, and what it is by that; `None` where only the full check can say.
    #[inline]
    pub(crate) fn find(&self, frame: &[u8], shown: Shown) -> Option<(Passed, Arc<Layout>)> {
        if !shown.privilege || memchr::memchr(0, frame).is_some() {
            return None;
        }
        let set = &self.sets[set(frame)?];
        let found = set.iter().flatten().find_map(|layout| layout.fits(frame).map(|passed| (passed, layout)));
        let (passed, layout) = found?;
        (passed.stamped != Some(false) || !shown.timestamp).then(|| (passed, Arc::clone(layout)))
    }

    /// Remembers the layout of a frame of a live stream that passed the full check.
    pub(crate) fn learn(&mut self, frame: &[u8], passed: Passed) -> Option<Arc<Layout>> {
        let set = &mut self.sets[set(frame)?];
        let layout = Arc::new(Layout::of(frame, passed)?);
        set.rotate_right(1);
        set[0] = Some(Arc::clone(&layout));
        Some(layout)
    }
}

/// The set of an event of this name; what stands behind a short one is its `Privilege`, and always the same.
#[inline]
fn set(frame: &[u8]) -> Option<usize> {
    let name = frame.strip_prefix(EVENT)?.first_chunk::<16>()?;
    let (halves, _) = name.as_chunks::<8>();
    let mixed = halves
        .iter()
        .fold(0_u64, |sum, half| (sum ^ u64::from_le_bytes(*half)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31));
    Some((mixed >> 20) as usize % SETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_end_of_a_line_is_found_where_a_walk_finds_it(
            bytes in proptest::collection::vec(proptest::sample::select(vec![9, 10, 11, 13, 138, 0, 65]), 0..50)
        ) {
            proptest::prop_assert_eq!(line_feed(&bytes), bytes.iter().position(|&byte| byte == b'\n'));
        }
    }
}
