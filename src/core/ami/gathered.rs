//! The headers of one event, gathered in a single pass, and the checked reading of their values.

use crate::ami::event::{Bridge, Channel, Text};
use crate::ami::excerpt::excerpt;
use crate::ami::frame::{Frame, Headers, text};
use crate::ami::header::Header;
use crate::ami::layout::NOWHERE;
use crate::ami::length::{WORD, bounded};
use crate::millis::Millis;
use std::cell::Cell;

/// Most channel snapshots in one event: those of AttendedTransfer.
const MAX_CHANNELS: usize = 4;
/// Most bridge snapshots in one event: those of BridgeMerge.
const MAX_BRIDGES: usize = 2;
/// Most other headers that one event is asked for.
const MAX_FIELDS: usize = 12;
/// Headers of a channel snapshot that are kept.
const CHANNEL_HEADERS: [&str; 10] = [
    "Channel",
    "Uniqueid",
    "Linkedid",
    "ChannelState",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "AccountCode",
    "Context",
    "Exten",
];
/// Headers of a bridge snapshot that are kept.
const BRIDGE_HEADERS: [&str; 4] = ["BridgeUniqueid", "BridgeType", "BridgeTechnology", "BridgeNumChannels"];

/// An event that cannot be typed; its frame is lost, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{event}: header {header} {fault} at byte {offset}: \"{excerpt}\"")]
pub struct EventError {
    /// The event's name, escaped.
    pub event: String,
    pub header: String,
    /// What is wrong with it.
    pub fault: EventFault,
    /// Where its value (of a missing one: the frame) begins in the stream.
    pub offset: u64,
    /// The value's (the frame's) beginning, escaped, at most 64 characters.
    pub excerpt: String,
}

/// What can be wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventFault {
    /// Not there, or empty, though the event means nothing without it.
    #[error("is missing")]
    Missing,
    /// Not the number, time or duration that it should be.
    #[error("is malformed")]
    Malformed,
    /// There twice: a line break in another value may have forged one of them.
    #[error("stands there twice")]
    Duplicated,
    /// The frame is a response.
    #[error("is not that of an event")]
    NotAnEvent,
}

/// Where the headers of bridges, the event's own, and those that any event may carry have their places, behind those of channels.
const OF_BRIDGES: usize = MAX_CHANNELS * CHANNEL_HEADERS.len();
const OF_FIELDS: usize = OF_BRIDGES + MAX_BRIDGES * BRIDGE_HEADERS.len();
const TIMESTAMP: usize = OF_FIELDS + MAX_FIELDS;
const ACTION_ID: usize = TIMESTAMP + 1;
const PLACES: usize = ACTION_ID + 1;

/// What is read of an event.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    /// Prefixes of the headers of channels and bridges.
    channels: &'static [&'static str],
    bridges: &'static [&'static str],
    fields: &'static [&'static str],
}

impl Wanted {
    /// The place of this header's value.
    fn place(self, key: &[u8]) -> Option<usize> {
        // The event's own headers come first: BlindTransfer's `Context` is not a channel's.
        if let Some(at) = place(self.fields, key) {
            return Some(OF_FIELDS + at);
        }
        for (at, prefix) in self.channels.iter().enumerate() {
            if let Some(slot) = behind(prefix, key).and_then(channel_slot) {
                return Some(at * CHANNEL_HEADERS.len() + slot);
            }
        }
        for (at, prefix) in self.bridges.iter().enumerate() {
            if let Some(slot) = behind(prefix, key).and_then(|rest| place(&BRIDGE_HEADERS, rest)) {
                return Some(OF_BRIDGES + at * BRIDGE_HEADERS.len() + slot);
            }
        }
        match key {
            b"Timestamp" => Some(TIMESTAMP),
            b"ActionID" => Some(ACTION_ID),
            _ => None,
        }
    }
}

/// The wanted headers of one event.
pub(crate) struct Gathered<'a> {
    frame: &'a Frame,
    /// The whole frame, if it is UTF-8: its texts are cut out of it.
    whole: Option<&'a str>,
    name: &'a [u8],
    wanted: Wanted,
    /// By the places of their headers.
    values: [Option<&'a [u8]>; PLACES],
    /// Texts that were longer than Asterisk can make them.
    cut: Cell<u32>,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(frame: &'a Frame, name: &'a [u8]) -> Self {
        Self {
            frame,
            whole: std::str::from_utf8(frame.bytes()).ok(),
            name,
            wanted: Wanted::default(),
            values: [None; PLACES],
            cut: Cell::new(0),
        }
    }

    /// Walks over the frame's headers once and keeps those of the channels and bridges with these prefixes, these others,
    /// and the ones that any event may carry. A prefix that begins like another one must stand before it.
    pub(crate) fn read(
        &mut self,
        channels: &'static [&'static str],
        bridges: &'static [&'static str],
        fields: &'static [&'static str],
    ) -> Result<(), EventError> {
        let Some(layout) = self.frame.layout() else {
            return self.read_until(channels, bridges, fields, |_| false).map(|_| ());
        };
        self.wanted = Wanted { channels, bridges, fields };
        let wanted = self.wanted;
        let places = layout.places(|name| wanted.place(name).map_or(NOWHERE, |place| place as u8));
        let mut twice = None;
        layout.read(self.frame.bytes(), places, |place, name, value| {
            if self.values[usize::from(place)].replace(value).is_some() {
                twice = Some((name, value));
            }
            twice.is_none()
        });
        match twice {
            Some((name, value)) => Err(self.error(&text(name), EventFault::Duplicated, Some(value))),
            None => Ok(()),
        }
    }

    /// The same up to and including the header that `last` recognises; yields the headers behind it.
    pub(crate) fn read_until(
        &mut self,
        channels: &'static [&'static str],
        bridges: &'static [&'static str],
        fields: &'static [&'static str],
        last: impl Fn(&Header<'_>) -> bool,
    ) -> Result<Headers<'a>, EventError> {
        debug_assert!(channels.len() <= MAX_CHANNELS && bridges.len() <= MAX_BRIDGES && fields.len() <= MAX_FIELDS);
        self.wanted = Wanted { channels, bridges, fields };
        let mut headers = self.frame.headers();
        headers.next(); // the event's name
        for header in headers.by_ref() {
            if let Some(place) = self.wanted.place(header.key)
                && self.values[place].replace(header.value).is_some()
            {
                return Err(self.error(&text(header.key), EventFault::Duplicated, Some(header.value)));
            }
            if last(&header) {
                break;
            }
        }
        Ok(headers)
    }

    /// An error about this event; `value` is a slice of the frame.
    pub(crate) fn error(&self, header: &str, fault: EventFault, value: Option<&[u8]>) -> EventError {
        let shown = value.unwrap_or(self.frame.bytes());
        EventError {
            event: excerpt(self.name),
            header: excerpt(header.as_bytes()),
            fault,
            offset: self.frame.offset_of(shown),
            excerpt: excerpt(shown),
        }
    }

    /// `Timestamp`, seconds with a fraction (`main/manager.c`: `%ld.%06lu`), rounded down to milliseconds.
    pub(crate) fn at(&self) -> Result<Option<Millis>, EventError> {
        let Some(value) = self.values[TIMESTAMP] else { return Ok(None) };
        match millis(value) {
            Some(at) => Ok(Some(at)),
            None => Err(self.error("Timestamp", EventFault::Malformed, Some(value))),
        }
    }

    pub(crate) fn set_action_id(&mut self, value: &'a [u8]) {
        self.values[ACTION_ID] = Some(value);
    }

    pub(crate) fn in_text(&self) -> bool {
        self.frame.in_text()
    }

    pub(crate) fn action_id(&self) -> Text<'a> {
        self.values[ACTION_ID].map(|value| self.bounded("ActionID", value)).unwrap_or_default()
    }

    /// The text of a value, no longer than Asterisk's own can be.
    #[inline]
    pub(crate) fn bounded(&self, header: &str, value: &'a [u8]) -> Text<'a> {
        // Nearly all are shorter than the shortest limit, and need no second look for what is no text.
        if value.len() <= WORD
            && is_printable(value)
            && let Some(text) = self.whole.and_then(|whole| whole.get(self.frame.place_of(value)))
            && std::ptr::eq(text.as_bytes(), value)
        {
            return Text::Borrowed(text);
        }
        let (text, cut) = bounded(header, value);
        self.cut.set(self.cut.get() + u32::from(cut));
        text
    }

    /// The same, empty where Asterisk says that it knows none.
    pub(crate) fn known(&self, header: &str, value: &'a [u8]) -> Text<'a> {
        if matches!(value, b"<unknown>" | b"<null>") { Text::default() } else { self.bounded(header, value) }
    }

    /// Texts that were cut so far, as longer than Asterisk can make them.
    pub(crate) fn texts_cut(&self) -> u32 {
        self.cut.get()
    }

    /// The value of one of the headers that were asked for.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let at = place(self.wanted.fields, name.as_bytes());
        debug_assert!(at.is_some(), "{name} was not asked for");
        self.values[OF_FIELDS + at?]
    }

    /// Its text; empty where it is absent.
    pub(crate) fn text(&self, name: &str) -> Text<'a> {
        self.value(name).map(|value| self.bounded(name, value)).unwrap_or_default()
    }

    /// Its text, which must be there.
    pub(crate) fn needed(&self, name: &str) -> Result<Text<'a>, EventError> {
        match self.value(name) {
            Some(value) if !value.is_empty() => Ok(self.bounded(name, value)),
            value => Err(self.error(name, EventFault::Missing, value)),
        }
    }

    /// The text of the first of these that is there and not empty.
    pub(crate) fn first(&self, names: &[&str]) -> Text<'a> {
        names.iter().map(|name| self.text(name)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// Its number; zero where it is absent.
    pub(crate) fn number<T: TryFrom<u64> + Default>(&self, name: &str) -> Result<T, EventError> {
        Ok(self.number_if_any(name)?.unwrap_or_default())
    }

    /// Its number; `None` where it is absent or empty.
    pub(crate) fn number_if_any<T: TryFrom<u64>>(&self, name: &str) -> Result<Option<T>, EventError> {
        self.parsed(name, self.value(name))
    }

    fn parsed<T: TryFrom<u64>>(&self, name: &str, value: Option<&[u8]>) -> Result<Option<T>, EventError> {
        match value {
            None | Some(b"") => Ok(None),
            Some(value) => match number(value).and_then(|number| T::try_from(number).ok()) {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(name, EventFault::Malformed, Some(value))),
            },
        }
    }

    /// Its `HH:MM:SS` in seconds; zero where it is absent or empty (a channel without a creation time).
    pub(crate) fn duration_s(&self, name: &str) -> Result<u64, EventError> {
        match self.value(name) {
            None | Some(b"") => Ok(0),
            Some(value) => clock(value).ok_or_else(|| self.error(name, EventFault::Malformed, Some(value))),
        }
    }

    fn channel_header(&self, at: usize, header: &str) -> Option<&'a [u8]> {
        self.values[at * CHANNEL_HEADERS.len() + channel_slot(header.as_bytes())?]
    }

    /// Whether any header of the channel at this place of the prefixes is there.
    pub(crate) fn has_channel(&self, at: usize) -> bool {
        self.values[at * CHANNEL_HEADERS.len()..][..CHANNEL_HEADERS.len()].iter().any(Option::is_some)
    }

    /// The channel at this place of the prefixes; without its `Uniqueid` it is an error.
    pub(crate) fn channel(&self, at: usize) -> Result<Channel<'a>, EventError> {
        let value = |header| self.channel_header(at, header);
        let plain = |header| value(header).map(|value| self.bounded(header, value)).unwrap_or_default();
        let known = |header| value(header).map(|value| self.known(header, value)).unwrap_or_default();
        let named = |header: &str| format!("{}{header}", self.wanted.channels[at]);
        let uniqueid = plain("Uniqueid");
        if uniqueid.is_empty() {
            return Err(self.error(&named("Uniqueid"), EventFault::Missing, None));
        }
        let state = match value("ChannelState") {
            None | Some(b"") => 0,
            Some(digits) => number(digits)
                .and_then(|state| u8::try_from(state).ok())
                .ok_or_else(|| self.error(&named("ChannelState"), EventFault::Malformed, Some(digits)))?,
        };
        Ok(Channel {
            name: plain("Channel"),
            uniqueid,
            linkedid: plain("Linkedid"),
            state,
            caller_num: known("CallerIDNum"),
            caller_name: known("CallerIDName"),
            connected_num: known("ConnectedLineNum"),
            account_code: plain("AccountCode"),
            context: plain("Context"),
            exten: plain("Exten"),
        })
    }

    /// The same where the event may come without that channel.
    pub(crate) fn channel_if_any(&self, at: usize) -> Result<Option<Channel<'a>>, EventError> {
        if self.has_channel(at) { self.channel(at).map(Some) } else { Ok(None) }
    }

    /// The bridge at this place of the prefixes; without its `BridgeUniqueid` it is an error.
    pub(crate) fn bridge(&self, at: usize) -> Result<Bridge<'a>, EventError> {
        let from = OF_BRIDGES + at * BRIDGE_HEADERS.len();
        let [uniqueid, kind, technology, channels] = std::array::from_fn(|slot| self.values[from + slot]);
        let named = |header: &str| format!("{}{header}", self.wanted.bridges[at]);
        let text = |header, value: Option<&'a [u8]>| value.map(|v| self.bounded(header, v)).unwrap_or_default();
        let uniqueid = text("BridgeUniqueid", uniqueid);
        if uniqueid.is_empty() {
            return Err(self.error(&named("BridgeUniqueid"), EventFault::Missing, None));
        }
        Ok(Bridge {
            uniqueid,
            kind: text("BridgeType", kind),
            technology: text("BridgeTechnology", technology),
            channels: self.parsed(&named("BridgeNumChannels"), channels)?.unwrap_or_default(),
        })
    }
}

/// The place of `key` among `names`. Length and first byte settle nearly all, without a call to compare the rest.
#[inline]
fn place(names: &[&str], key: &[u8]) -> Option<usize> {
    let first = key.first()?;
    names.iter().position(|name| name.len() == key.len() && name.as_bytes()[0] == *first && name.as_bytes() == key)
}

/// What follows `prefix` in `key`; most prefixes are empty.
#[inline]
fn behind<'k>(prefix: &str, key: &'k [u8]) -> Option<&'k [u8]> {
    match prefix.as_bytes().first() {
        None => Some(key),
        first if first == key.first() => key.strip_prefix(prefix.as_bytes()),
        Some(_) => None,
    }
}

/// The place in [`CHANNEL_HEADERS`]; a `match` because it is asked for every header of every event.
#[inline]
fn channel_slot(header: &[u8]) -> Option<usize> {
    let (slot, name): (usize, &[u8]) = match (header.len(), header.first()?) {
        (7, b'C') if header[1] == b'h' => (0, b"Channel"),
        (8, b'U') => (1, b"Uniqueid"),
        (8, b'L') => (2, b"Linkedid"),
        (12, b'C') if header[1] == b'h' => (3, b"ChannelState"),
        (11, b'C') => (4, b"CallerIDNum"),
        (12, b'C') => (5, b"CallerIDName"),
        (16, b'C') => (6, b"ConnectedLineNum"),
        (11, b'A') => (7, b"AccountCode"),
        (7, b'C') => (8, b"Context"),
        (5, b'E') => (9, b"Exten"),
        _ => return None,
    };
    (header == name).then_some(slot)
}

/// ASCII without control characters; eight bytes are looked at at once.
#[inline]
fn is_printable(value: &[u8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let other = |bytes: &[u8; 8]| {
        // The high bit of a byte that is below the space, above ASCII or DEL; what is borrowed reaches only those behind such a one.
        let (eight, delete) = (u64::from_le_bytes(*bytes), u64::from_le_bytes(*bytes) ^ (EACH * 0x7f));
        (eight.wrapping_sub(EACH * u64::from(b' ')) | eight | delete.wrapping_sub(EACH)) & (EACH << 7)
    };
    let Some(last) = value.last_chunk::<8>() else { return value.iter().all(|byte| matches!(byte, b' '..=b'~')) };
    value.as_chunks::<8>().0.iter().fold(other(last), |any, eight| any | other(eight)) == 0
}

/// A decimal number. Asterisk computes durations from the wall clock: one that a clock step made negative is zero.
fn number(value: &[u8]) -> Option<u64> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let magnitude = unsigned(digits)?;
    Some(if digits.len() == value.len() { magnitude } else { 0 })
}

fn unsigned(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, digit| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// `seconds.fraction` in milliseconds, rounded down, without a detour through floating point.
pub(crate) fn millis(value: &[u8]) -> Option<Millis> {
    let point = memchr::memchr(b'.', value).unwrap_or(value.len());
    let seconds = i64::try_from(unsigned(&value[..point])?).ok()?;
    let fraction = value.get(point + 1..).unwrap_or(b"0");
    unsigned(fraction)?;
    let thousandths = fraction.iter().chain(b"00").take(3).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    seconds.checked_mul(1000)?.checked_add(thousandths)
}

/// `HH:MM:SS` in seconds; the hours have two digits or more.
fn clock(value: &[u8]) -> Option<u64> {
    let mut parts = value.split(|&byte| byte == b':').map(unsigned);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || minutes > 59 || seconds > 59 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_cut_to_milliseconds_exactly() {
        assert_eq!(millis(b"1795336414.768735"), Some(1_795_336_414_768));
        assert_eq!(millis(b"1795336414.000999"), Some(1_795_336_414_000));
        assert_eq!(millis(b"1795336414.5"), Some(1_795_336_414_500));
        assert_eq!(millis(b"1795336414"), Some(1_795_336_414_000));
        for wrong in ["", ".5", "1.", "1.2.3", "-1.0", "1,5", "99999999999999999999.0", "9223372036854775807.0"] {
            assert_eq!(millis(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_printable_is_found_in_eights_as_byte_by_byte(
            bytes in proptest::collection::vec(proptest::sample::select(vec![0, 31, 32, 65, 126, 127, 128, 255, 65, 65]), 0..40)
        ) {
            let each = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
            proptest::prop_assert_eq!(is_printable(&bytes), each);
        }
    }

    #[test]
    fn a_duration_has_three_parts_and_may_exceed_a_day() {
        assert_eq!(clock(b"00:01:05"), Some(65));
        assert_eq!(clock(b"101:00:00"), Some(363_600));
        for wrong in ["1:2", "1:60:00", "00:00:00:00", "aa:00:00", "-1:00:00", "::"] {
            assert_eq!(clock(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_negative_number_is_zero_and_a_word_is_none() {
        assert_eq!(number(b"17"), Some(17));
        assert_eq!(number(b"-3"), Some(0));
        for wrong in ["", "-", "--1", "1.0", " 1", "+1", "18446744073709551616"] {
            assert_eq!(number(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_places_of_channel_headers_agree_with_their_list() {
        for (at, header) in CHANNEL_HEADERS.iter().enumerate() {
            assert_eq!(channel_slot(header.as_bytes()), Some(at));
        }
    }
}
