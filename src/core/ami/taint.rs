//! What of a stream is not to be believed: what stands inside of an event that a text tore, and for a while what a text can hold behind one of which it is
//! not known how far it reaches.

use std::collections::BTreeMap;

use crate::ami::check::{Shown, begins_well, has_begun};
use crate::ami::form::{self, End, Rest};
use crate::ami::length::{CHANNEL_NAME, NUMBER, UNIQUEID};
use crate::ami::torn::{EXPRESSION, Extent, extent};

/// Of a frame that is dropped so many bytes before its end are looked at, at most: its last channel snapshot, and a number's line breaks.
pub(crate) const KEPT: usize = 2048;
/// So many bytes behind a frame that is no whole one the rest of it has come: a frame of six channels, and what their numbers can hold. Until then only
/// events are believed that are longer than what a caller can write into one field.
pub(crate) const TORN_AT_MOST: u64 = 8 * 1024;
/// Of torn events whose texts may stand behind them once more so many bytes are kept.
const MAX_REPEATED: usize = 16 * 1024;
/// What callers can write in one piece into one text of the dialplan's own: three of their fields, and what a dialplan puts between. Every event that
/// has a channel's whole snapshot is longer.
const TEXTS: usize = 3 * NUMBER + 64;
/// Names of so many channels are known.
const MAX_KNOWN: usize = 10_000;

/// What a frame is that does not end as Asterisk ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// What follows decides, and has not come.
    Waits,
    /// An event of Asterisk's, torn; how far it reaches is known, and what stands in it is not believed.
    Torn,
    /// No event that Asterisk has begun.
    Forged,
    /// How far it reaches is not known.
    Unsure,
}

#[derive(Debug, Default)]
pub(crate) struct Taint {
    /// Where the frame began whose rest has yet to come, and what that is.
    torn: Option<(u64, Rest)>,
    /// Up to where it is in doubt what stands behind a frame: a number may have torn it.
    odd: u64,
    /// Where the event ends that was torn last.
    span: u64,
    /// Torn events behind which a text of theirs may stand once more, and up to where.
    repeated: (Vec<u8>, u64),
    /// A channel of chan_sip was seen: numbers may hold more than elsewhere.
    pub(crate) chan_sip: bool,
    known: Known,
    /// How the items of the list of queues end that came last: empty if that is not known.
    item_end: Vec<u8>,
    /// Up to where a text of the dialplan's own may reach that ended an event: nothing of Asterisk's needs to stand behind it.
    text: u64,
}

/// No id of an action is longer.
const ID_AT_MOST: usize = 128;

impl Taint {
    /// What begins here stands inside of an event that was torn: it is known where that ends.
    #[inline]
    pub(crate) fn covers(&self, offset: u64) -> bool {
        offset < self.span
    }

    /// What begins here comes before the rest of an event that was torn.
    #[inline]
    pub(crate) fn before_rest(&self, offset: u64) -> bool {
        self.torn.is_some_and(|(at, _)| offset - at <= TORN_AT_MOST)
    }

    /// What begins here may be what a text holds.
    #[inline]
    pub(crate) fn in_doubt(&self, offset: u64) -> bool {
        offset < self.odd
    }

    /// What begins here and has so many bytes may stand in a text of the dialplan's own, which holds several fields of a caller's: it is all theirs.
    #[inline]
    pub(crate) fn in_text(&self, offset: u64, length: usize) -> bool {
        offset < self.text && length <= TEXTS
    }

    /// Takes in what a frame says of those behind it: it ends with a text of the dialplan's own, which may go on, or is more than such a text holds.
    #[inline]
    pub(crate) fn goes_behind(&mut self, frame: &[u8], offset: u64) {
        if form::ends_in_text(frame) {
            self.text = offset + frame.len() as u64 + EXPRESSION as u64;
        } else if frame.len() > TEXTS {
            self.text = 0;
        }
    }

    /// What begins here, behind an event that was torn, begins as a text in that: a dialplan may have written it there once more.
    #[inline]
    pub(crate) fn repeats(&self, frame: &[u8], offset: u64) -> bool {
        let (texts, until) = &self.repeated;
        if offset > *until {
            return false;
        }
        let head: usize = frame.split_inclusive(|byte| *byte == b'\n').take(3).map(<[u8]>::len).sum();
        memchr::memmem::find(texts, frame[..head].trim_ascii_end()).is_some()
    }

    /// A text of this torn event may stand once more behind it.
    fn may_repeat(&mut self, event: &[u8]) {
        let (texts, until) = &mut self.repeated;
        if self.span > *until {
            texts.clear();
        }
        *until = self.span + EXPRESSION as u64;
        if texts.len() + event.len() <= MAX_REPEATED {
            texts.extend_from_slice(event);
        } else {
            self.odd = self.odd.max(self.span + TORN_AT_MOST);
        }
    }

    /// What follows this frame is in doubt, unless it stands behind a torn event whose texts are known, and is one of them.
    pub(crate) fn odd(&mut self, frame: &[u8], offset: u64) {
        if !self.covers(offset) && !self.repeats(frame, offset) {
            // A text of the dialplan's own reaches no further.
            let to = if self.in_text(offset, frame.len()) { self.text } else { offset + TORN_AT_MOST };
            self.odd = self.odd.max(to);
        }
    }

    /// Takes in how the items of a list of queues end, from one in which no caller's text can stand: those come before the callers of their queue.
    pub(crate) fn lists(&mut self, item: &[u8], offset: u64) {
        if !item.starts_with(b"Event: QueueParams\r") && !item.starts_with(b"Event: QueueMember\r") {
            return;
        }
        self.item_end.clear();
        let last = memchr::memmem::rfind(item, b"\r\nActionID: ").map_or(&b""[..], |at| &item[at..]);
        let is_one_line = last.iter().filter(|byte| **byte == b'\n').count() == 2;
        if is_one_line && last.len() <= ID_AT_MOST && !self.in_doubt(offset) && !self.before_rest(offset) {
            self.item_end.extend_from_slice(last);
            self.item_end.extend_from_slice(b"\r\n");
        }
    }

    /// A waiting caller of a list who does not end as its items do, whose id no caller can guess: that caller's text ends it, and the rest is to come.
    #[inline]
    pub(crate) fn is_strange(&self, item: &[u8]) -> bool {
        item.starts_with(b"Event: QueueEntry\r")
            && !self.item_end.is_empty()
            && !item.ends_with(&self.item_end[..self.item_end.len() - 2])
    }

    /// Sees what a frame is that begins `bytes`, up to its empty line, and does not end as it should. `more`: what follows can be waited for.
    pub(crate) fn breaks(&mut self, bytes: &[u8], frame: usize, offset: u64, more: bool) -> Broken {
        if self.before_rest(offset) {
            return Broken::Unsure;
        }
        let front = &bytes[..frame];
        let chan_sip = self.chan_sip || form::is_of_chan_sip(front);
        match extent(bytes, frame, chan_sip, &self.item_end) {
            Extent::More if more => Broken::Waits,
            Extent::To { sure, torn: true, .. } if more && bytes.len() < sure => Broken::Waits,
            Extent::To { torn: true, end, open, channel, uniqueid, .. } => {
                // What stands behind the text is another channel's: what begins so stood in a text itself.
                if uniqueid.and_then(|uniqueid| self.known.name(uniqueid)).is_some_and(|name| name != channel) {
                    return Broken::Forged;
                }
                (self.span, self.chan_sip) = (offset + end as u64, chan_sip);
                if open {
                    self.may_repeat(&bytes[..end]);
                }
                Broken::Torn
            }
            // No number of chan_sip's is longer; of another's channel one that the dialplan made may be.
            Extent::TooLong if form::is_of_chan_sip(front) => Broken::Forged,
            Extent::Not => Broken::Forged,
            // The rest is not where it must come if this is Asterisk's: nothing of it is to come.
            _ if self.in_text(offset, frame) => Broken::Forged,
            Extent::To { .. } | Extent::More | Extent::TooLong => Broken::Unsure,
        }
    }

    /// Takes in what the end of a frame that is not handed on says of those behind it. Only what is surely the front of one makes the next one the rest of
    /// it: else a few bytes in a number would cost another call's event.
    #[inline]
    pub(crate) fn passes(&mut self, frame: &[u8], end: End, offset: u64, shown: Shown) {
        if !shown.privilege {
            return;
        }
        if end != End::Whole {
            self.odd(frame, offset);
        }
        if let Some((_, rest)) = &mut self.torn {
            rest.look(&frame[frame.len().saturating_sub(KEPT)..]);
            if rest.is_over() {
                self.torn = None;
            }
        } else if end != End::Whole {
            // Nearly all are whole, with nothing torn before them.
            self.tears(frame, offset, shown);
        }
    }

    /// Takes in that this frame broke off, if it is surely the front of one and some of its last snapshot has not come.
    pub(crate) fn tears(&mut self, frame: &[u8], offset: u64, shown: Shown) {
        let rest = Rest::of(frame);
        if !rest.is_over() && is_front(frame, shown) {
            self.torn = Some((offset, rest));
            self.chan_sip |= form::is_of_chan_sip(frame);
        }
    }

    /// Nothing before it is torn.
    #[inline]
    pub(crate) fn is_clear(&self) -> bool {
        self.torn.is_none()
    }

    /// How a frame ends, as far as that tells whether a text tore it.
    #[inline]
    pub(crate) fn end(&self, frame: &[u8]) -> End {
        form::end(frame, self.chan_sip)
    }

    /// Takes in the name that a believed event gives a channel, once one of chan_sip's was seen: elsewhere no front fits into a number.
    pub(crate) fn believes(&mut self, frame: &[u8]) {
        match frame.strip_prefix(b"Event: ") {
            Some([b'N', b'e', b'w', b'c', b'h', ..] | [b'C', b'o', b'r', b'e', ..]) => {
                self.known.begins(frame, CHANNEL)
            }
            Some([b'R', b'e', b'n', b'a', ..]) => self.known.begins(frame, b"\nNewname: "),
            Some([b'H', b'a', b'n', b'g', b'u', b'p', b'\r', ..]) => self.known.ends(frame),
            _ => {}
        }
    }

    /// The channel of a whole event, if it is one that bears the name by which it is known: only in a number of chan_sip's fits a front that names another.
    pub(crate) fn names<'f>(&self, frame: &'f [u8]) -> Option<&'f [u8]> {
        let name = value(frame, CHANNEL)?;
        let is_known = || value(frame, UNIQUE).and_then(|uniqueid| self.known.name(uniqueid)) == Some(name);
        (!self.chan_sip || is_known()).then_some(name)
    }
}

/// The frame begins as Asterisk writes it, with more than a number holds: it is no rest of another one.
pub(crate) fn is_front(frame: &[u8], shown: Shown) -> bool {
    shown.privilege && has_begun(frame) && begins_well(frame, shown)
}

/// What begins the headers of a channel's name and uniqueid.
const CHANNEL: &[u8] = b"\nChannel: ";
const UNIQUE: &[u8] = b"\nUniqueid: ";

/// Names of channels, by their uniqueids, as events have given them.
#[derive(Debug, Default)]
struct Known(BTreeMap<Box<[u8]>, Box<[u8]>>);

impl Known {
    fn name(&self, uniqueid: &[u8]) -> Option<&[u8]> {
        self.0.get(uniqueid).map(|name| &**name)
    }

    fn begins(&mut self, frame: &[u8], key: &[u8]) {
        let (Some(name), Some(uniqueid)) = (value(frame, key), value(frame, UNIQUE)) else { return };
        let fits = name.len() <= CHANNEL_NAME && uniqueid.len() <= UNIQUEID;
        let (there, renamed) = (self.0.contains_key(uniqueid), key != CHANNEL);
        if fits && (there && renamed || !there && self.0.len() < MAX_KNOWN) {
            self.0.insert(uniqueid.into(), name.into());
        }
    }

    fn ends(&mut self, frame: &[u8]) {
        if let Some(uniqueid) = value(frame, UNIQUE)
            && self.name(uniqueid) == value(frame, CHANNEL)
        {
            self.0.remove(uniqueid);
        }
    }
}

/// The value of a header, by what begins it.
fn value<'f>(frame: &'f [u8], key: &[u8]) -> Option<&'f [u8]> {
    let from = memchr::memmem::find(frame, key)? + key.len();
    let end = memchr::memchr2(b'\r', b'\n', &frame[from..])?;
    Some(&frame[from..from + end])
}
