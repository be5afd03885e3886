//! Whether a whole frame is one that Asterisk can have written: its lines, the headers that stand there once, and its event's form.

use crate::ami::decoder::{MAX_HEADERS, MAX_LINE};
use crate::ami::form::{self, Follow, Head};
use crate::ami::header::{BANNER, colon, value};
use crate::ami::refusal::Refusal;

/// What every event of a stream has, once one has had it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    /// `Privilege` behind `Event`: the stream is a live Asterisk's, and its events have their forms.
    pub(crate) privilege: bool,
    /// `Timestamp` behind that. Only an event with a channel's whole snapshot shows it, and that there is none any more: what a number
    /// holds could name one.
    pub(crate) timestamp: bool,
    /// Whether there is one is known; before, the first live event that is believed tells.
    pub(crate) settled: bool,
    /// It is one connection, greeted once; a capture holds several.
    pub(crate) live: bool,
}

/// How what follows a frame begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// As the next frame does.
    Well,
    /// As the next frame does, as far as it is there.
    Unsure,
    /// As no frame does: it is the rest of one that was torn.
    Ill,
}

/// Whether what follows a frame, as far as it is there, may be the next one: what is not is the rest of a frame that was torn.
pub(crate) fn begins_well(rest: &[u8], shown: Shown) -> bool {
    beginning(rest, shown) != Beginning::Ill
}

/// How what follows a frame begins.
pub(crate) fn beginning(rest: &[u8], shown: Shown) -> Beginning {
    use Beginning::{Ill, Unsure, Well};
    let blank = rest.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    let rest = &rest[blank..];
    let starts = |rest: &[u8], first: &[u8]| match rest.len() < first.len() {
        _ if !may_be(rest, first) => Ill,
        true => Unsure,
        false => Well,
    };
    let banner = if shown.live { Ill } else { starts(rest, BANNER) };
    let response = starts(rest, RESPONSE);
    let event = starts(rest, EVENT);
    if banner == Well || [banner, response, event].contains(&Unsure) {
        return if banner == Well { Well } else { Unsure };
    }
    let first = if response == Well { RESPONSE } else { EVENT };
    if response == Ill && event == Ill {
        return Ill;
    }
    let Some(end) = memchr::memchr(b'\n', rest) else { return Unsure };
    let (name, rest) = (&rest[first.len()..end], &rest[end + 1..]);
    let Some(name) = name.strip_suffix(b"\r").filter(|name| is_name(name)) else { return Ill };
    let answer = starts(rest, b"ActionID: ");
    if response == Well || answer != Ill {
        return answer;
    }
    let head = form::of_event(name).head;
    let item = if head == Head::Item { starts(rest, b"Queue: ") } else { Ill };
    if item != Ill {
        return item;
    }
    match (starts(rest, PRIVILEGE), memchr::memchr(b'\n', rest)) {
        (Well, Some(_)) if !shown.timestamp || head == Head::Login => Well,
        (Well, Some(end)) => starts(&rest[end + 1..], b"Timestamp: "),
        (Well, None) => Unsure,
        (other, _) => other,
    }
}

/// The frame has the head and the beginning of a channel's snapshot as Asterisk writes them: more than a number holds, with the empty line before it.
pub(crate) fn has_begun(frame: &[u8]) -> bool {
    let mut lines = frame.split_inclusive(|byte| *byte == b'\n').skip(1);
    let filled = |line: &[u8], key: &[u8], least: usize| {
        let value = line.strip_prefix(key).and_then(|value| value.strip_prefix(b": "));
        value.and_then(|value| value.strip_suffix(b"\r\n")).is_some_and(|value| value.len() >= least)
    };
    if !lines.next().is_some_and(|line| line.ends_with(b"\r\n") && is_privilege(line)) {
        return false;
    }
    // Anything else before it is behind a number, and what looks like a snapshot there stands in another field of the same caller.
    let Some(first) = lines.find(|line| !may_precede(&line[..colon(line).unwrap_or(0)])) else { return false };
    if !first[..colon(first).unwrap_or(0)].ends_with(b"Channel") {
        return false;
    }
    let prefix = &first[..colon(first).unwrap_or(0).saturating_sub(b"Channel".len())];
    let mut next = || lines.next().and_then(|line| line.strip_prefix(prefix)).unwrap_or_default();
    filled(&first[prefix.len()..], b"Channel", 2)
        && filled(next(), b"ChannelState", 1)
        && filled(next(), b"ChannelStateDesc", 2)
}

/// Headers that stand between an event's `Privilege` and its first snapshot of a channel: the session's own (`manager.c`; four of them with
/// `debug = yes` in manager.conf), a bridge's snapshot, a transfer's result, the name of a conference.
fn may_precede(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] =
        [b"Timestamp", b"SystemName", b"Result", b"Conference", b"SequenceNumber", b"File", b"Line", b"Func"];
    KEYS.contains(&key) || key.starts_with(b"Bridge")
}

/// The name of an event, or the word of a response.
fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '))
}

const RESPONSE: &[u8] = b"Response: ";
const EVENT: &[u8] = b"Event: ";
const PRIVILEGE: &[u8] = b"Privilege: ";

/// Whether what is there of `rest` is what is there of `first`.
fn may_be(rest: &[u8], first: &[u8]) -> bool {
    let both = rest.len().min(first.len());
    rest[..both] == first[..both]
}

/// A line's length without its end.
pub(crate) fn line_length(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line).len()
}

/// Headers that stand in a frame at most once. Of the fields that Asterisk does not escape (`CallerIDNum`, `Exten`,
/// `Context`, `AccountCode`, `Channel`) any could hold a line break that forges one of these.
const ONCE: [&[u8]; 7] = [b"Event", b"Response", b"ActionID", b"Uniqueid", b"Linkedid", b"Variable", b"Value"];
/// The first so many of them also in a response; `Variable` and `Value` only in a `VarSet`.
const ONCE_IN_RESPONSES: usize = 3;
const ONCE_IN_EVENTS: usize = 5;
const ACTION_ID: usize = 2;

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

/// What a whole frame that passed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) head: Head,
    /// It has an `ActionID`.
    pub(crate) answers: bool,
    /// It has a `Timestamp` behind its `Privilege`; `None` if it need not.
    pub(crate) stamped: Option<bool>,
    /// No field of a caller holds the whole of it.
    pub(crate) long: bool,
    /// Nor a number of chan_sip's.
    pub(crate) longest: bool,
    /// It has the whole snapshot of a channel, and nothing whose names a dialplan chooses.
    pub(crate) of_channel: bool,
}

/// Why a whole frame did not pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed {
    pub(crate) refusal: Refusal,
    /// Where the offending line begins.
    pub(crate) at: usize,
    /// It has not all that it must have, as far as it was read.
    pub(crate) open: bool,
}

/// Checks a whole frame: what it is, or the reason against it.
pub(crate) fn check(frame: &[u8], shown: &mut Shown) -> Result<Passed, Failed> {
    let mut follow = Follow::new(form::ANSWER);
    checked(frame, shown, &mut follow).map_err(|(refusal, at)| Failed { refusal, at, open: !follow.is_whole() })
}

fn checked<'f>(frame: &'f [u8], shown: &mut Shown, follow: &mut Follow<'f>) -> Result<Passed, (Refusal, usize)> {
    if let Some(at) = memchr::memchr(0, frame) {
        return Err((Refusal::Nul, memchr::memrchr(b'\n', &frame[..at]).map_or(0, |end| end + 1)));
    }
    let mut seen: [Option<&[u8]>; ONCE.len()] = [None; ONCE.len()];
    let (mut at_most, mut echo) = (ONCE_IN_RESPONSES, false);
    let (mut start, mut count) = (0, 0);
    let mut stamped = None;
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
        // Most headers are the next of a snapshot that has begun: one comparison, and no search for the colon.
        let expected = follow.expects(line);
        let colon = match expected.or_else(|| colon(line)) {
            Some(colon) if colon > 0 => colon,
            _ => return Err((Refusal::NotAHeader, start)),
        };
        let key = &line[..colon];
        if count <= 3 && count > 1 {
            headed(head, count, line, shown).map_err(|refusal| (refusal, start))?;
            if count == 3 && head == Head::Live && shown.privilege {
                stamped = Some(is_timestamp(line));
            }
        }
        let stands = expected.is_some() || follow.takes(key);
        let written = || line.ends_with(b"\r\n") && (line[colon..].starts_with(b": ") || follow.is_free());
        if shown.privilege && (!stands || !written() || is_nameless(key, line)) {
            return Err((Refusal::Torn, start));
        }
        if let Some(which) = once(key) {
            let value = value(line, colon);
            if which == 0 {
                // A response that goes on as an event; the reverse is an OriginateResponse.
                if count > 1 {
                    return Err((Refusal::Forged, start));
                }
                let form = form::of_frame(value, frame);
                (*follow, head) = (Follow::new(form), form.head);
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
    let of_channel = follow.is_of_channel();
    let (answers, long, longest) = (seen[ACTION_ID].is_some(), follow.is_long(), follow.is_longest());
    let passed = Passed { head, answers, stamped, long, longest, of_channel };
    if stamped == Some(false) && shown.timestamp && !of_channel {
        return Err((Refusal::Torn, 0));
    }
    passed.shows(shown);
    Ok(passed)
}

impl Passed {
    /// What a whole event about a channel shows of the stream.
    #[inline]
    pub(crate) fn shows(&self, shown: &mut Shown) {
        if let Some(stamped) = self.stamped
            && self.of_channel
        {
            (shown.timestamp, shown.settled) = (stamped, true);
        }
    }
}

/// Holds the second line against the head that the event must have, and learns from it what the stream has.
fn headed(head: Head, count: usize, line: &[u8], shown: &mut Shown) -> Result<(), Refusal> {
    if count != 2 || !matches!(head, Head::Live | Head::Login) {
        return Ok(());
    }
    let learned = is_privilege(line);
    shown.privilege |= learned;
    if learned || !shown.privilege { Ok(()) } else { Err(Refusal::Torn) }
}

/// The classes of `main/manager.c` (`perms`).
const CLASSES: [&[u8]; 19] = [
    b"call",
    b"dialplan",
    b"agent",
    b"user",
    b"system",
    b"reporting",
    b"dtmf",
    b"log",
    b"verbose",
    b"command",
    b"config",
    b"cdr",
    b"originate",
    b"agi",
    b"cc",
    b"aoc",
    b"test",
    b"security",
    b"message",
];

/// `call,all`: every class is part of `all` (`main/manager.c`, `authority_to_str`).
pub(crate) fn is_privilege(line: &[u8]) -> bool {
    let classes = line.strip_prefix(PRIVILEGE).and_then(|classes| classes.trim_ascii_end().strip_suffix(b",all"));
    classes.is_some_and(|classes| classes.split(|byte| *byte == b',').all(|class| CLASSES.contains(&class)))
}

/// A channel without a name: every channel has one.
fn is_nameless(key: &[u8], line: &[u8]) -> bool {
    line.len() <= key.len() + b": \r\n".len() && key.ends_with(b"Channel")
}

/// Seconds and six digits (`main/manager.c`).
pub(crate) fn is_timestamp(line: &[u8]) -> bool {
    let Some(stamp) = line.strip_prefix(b"Timestamp: ").map(<[u8]>::trim_ascii_end) else { return false };
    stamp.len() >= b"1000000000.000000".len()
        && stamp[stamp.len() - 7] == b'.'
        && stamp.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// The id of an answer that stands elsewhere than where Asterisk writes it: the rest of a torn item of a list.
fn which_answers(head: Head, count: usize, key: &[u8]) -> bool {
    head == Head::Answer && count > 2 && key == b"ActionID"
}
