//! How far an event reaches that a caller's text tore. Asterisk writes an event in one piece, its headers in a fixed order, and no text is longer than
//! its field: what stands behind a text is looked for where the text can end, and the last place is the right one, since only what the caller wrote
//! stands before it. All up to the event's own end is the caller's or the event's, and the next event is another's.

use memchr::memmem;

use crate::ami::check::{has_begun, is_privilege};
use crate::ami::form::{CHANNEL, LISTED_CALLER};
use crate::ami::header::colon;
use crate::ami::length::{LONG_NUMBER, NUMBER};

/// So far behind a text of the dialplan's own (`AppData`, `LastData`) the next header is looked for.
pub(crate) const EXPRESSION: usize = 1024;
/// No waiting caller of a list has more bytes: two numbers, two names, and some 300 beside them.
const ITEM_AT_MOST: usize = 2048;
/// So many places in a text where the next header can stand are looked at: more do not fit into one.
const MOST: usize = 32;

/// `cel/cel_manager.c`, `cdr/cdr_manager.c`, `main/manager.c`: events without a channel's snapshot.
const CEL: &[&[u8]] = &[
    b"EventName",
    b"AccountCode",
    b"CallerIDnum",
    b"CallerIDname",
    b"CallerIDani",
    b"CallerIDrdnis",
    b"CallerIDdnid",
    b"Exten",
    b"Context",
    b"Channel",
    b"Application",
    b"AppData",
    b"EventTime",
    b"AMAFlags",
    b"UniqueID",
    b"LinkedID",
];
const CDR: &[&[u8]] = &[
    b"AccountCode",
    b"Source",
    b"Destination",
    b"DestinationContext",
    b"CallerID",
    b"Channel",
    b"DestinationChannel",
    b"LastApplication",
    b"LastData",
    b"StartTime",
    b"AnswerTime",
    b"EndTime",
    b"Duration",
    b"BillableSeconds",
    b"Disposition",
    b"AMAFlags",
    b"UniqueID",
];
const STATUS: &[&[u8]] = &[b"Exten", b"Context", b"Hint", b"Status"];
/// What stands behind the snapshot of a `Newexten` (`main/manager_channels.c`, `channel_new_exten_cb`).
const NEWEXTEN: &[&[u8]] = &[b"Extension", b"Application", b"AppData"];

/// How far an event reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent<'a> {
    /// Up to here, its empty line included.
    To {
        end: usize,
        /// A text broke it.
        torn: bool,
        /// More than so many bytes must be there for that to be sure.
        sure: usize,
        /// It ends in headers which a dialplan can have made of the caller's text.
        open: bool,
        /// The channel's name before the first text that broke it, and the uniqueid behind.
        channel: &'a [u8],
        uniqueid: Option<&'a [u8]>,
    },
    /// More of it has to come.
    More,
    /// What must stand behind a text does not stand where that can end.
    TooLong,
    /// It is none that Asterisk has begun: it breaks off where no text of a caller's stands.
    Not,
}

/// How much a text holds that Asterisk does not cut out of an event.
enum Text {
    /// A caller's: so many bytes.
    Callers(usize),
    /// The dialplan's.
    Dialplans(usize),
    /// It has no line break.
    Plain,
}

fn text(header: &[u8], chan_sip: bool) -> Text {
    let number = if chan_sip { LONG_NUMBER } else { NUMBER };
    match header {
        b"CallerIDNum" | b"ConnectedLineNum" | b"CallerIDnum" | b"CallerIDani" | b"CallerIDrdnis" | b"CallerIDdnid"
        | b"Source" => Text::Callers(number),
        // With a name and quotes around it.
        b"CallerID" => Text::Callers(number + NUMBER),
        b"Exten" | b"Extension" | b"Destination" | b"Hint" => Text::Callers(NUMBER),
        b"AccountCode" | b"Context" | b"DestinationContext" | b"CallerIDname" => Text::Dialplans(NUMBER),
        b"AppData" | b"LastData" => Text::Dialplans(EXPRESSION),
        _ => Text::Plain,
    }
}

/// Headers behind a snapshot that hold nothing of a caller's.
fn is_asterisks(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 15] = [
        b"Cause",
        b"Cause-txt",
        b"TechCause",
        b"Queue",
        b"Position",
        b"Count",
        b"OriginalPosition",
        b"HoldTime",
        b"DialStatus",
        b"Class",
        b"Userfield",
        b"UserField",
        b"Peer",
        b"MusicClass",
        b"Extra",
    ];
    KEYS.contains(&key) || key.starts_with(b"Bridge") || key.ends_with(b"Linkedid") || key == b"PeerAccount"
}

/// Headers that stand there in this order, each behind the same prefix.
#[derive(Clone, Copy)]
struct Run<'a> {
    names: &'static [&'static [u8]],
    prefix: &'a [u8],
}

impl Run<'_> {
    /// The line is this one of them: where its value begins.
    fn value(self, which: usize, line: &[u8]) -> Option<usize> {
        let behind = line.strip_prefix(self.prefix)?.strip_prefix(self.names[which])?.strip_prefix(b": ")?;
        Some(line.len() - behind.len())
    }

    /// A line's end and what begins this one of them behind it.
    fn begins(self, which: usize) -> Vec<u8> {
        [b"\r\n", self.prefix, self.names[which], b": "].concat()
    }
}

/// The runs of the event of this name, without a prefix; `None` where it is a channel's snapshot, behind any.
fn own_run(name: &[u8]) -> Option<&'static [&'static [u8]]> {
    match name {
        b"CEL" => Some(CEL),
        b"Cdr" => Some(CDR),
        b"ExtensionStatus" => Some(STATUS),
        b"QueueEntry" => Some(LISTED_CALLER),
        _ => None,
    }
}

/// The frame begins as Asterisk begins an event in which a caller's text can stand.
fn is_begun(name: &[u8], frame: &[u8]) -> bool {
    let mut lines = frame.split_inclusive(|byte| *byte == b'\n').skip(1);
    match name {
        b"CEL" | b"Cdr" | b"ExtensionStatus" => lines.next().is_some_and(is_privilege),
        b"QueueEntry" => lines.next().is_some_and(|line| line.starts_with(b"Queue: ")),
        b"CoreShowChannel" => {
            let begins = |line: Option<&[u8]>, key: &[u8]| line.is_some_and(|line| line.starts_with(key));
            begins(lines.next(), b"ActionID: ")
                && begins(lines.next(), b"Channel: ")
                && begins(lines.next(), b"ChannelState: ")
                && begins(lines.next(), b"ChannelStateDesc: ")
        }
        _ => has_begun(frame),
    }
}

/// Of an event without a channel's snapshot: its headers stand in their order, up to what follows the last text. No number holds as much beside the front
/// of another event.
pub(crate) fn is_in_order(frame: &[u8]) -> bool {
    let mut lines = frame.split_inclusive(|byte| *byte == b'\n');
    let name = lines.next().and_then(|line| line.strip_prefix(b"Event: ")).unwrap_or_default().trim_ascii_end();
    let Some(names) = own_run(name) else { return false };
    let run = Run { names, prefix: b"" };
    let mut lines = lines.skip_while(|line| run.value(0, line).is_none());
    (0..names.len()).all(|which| lines.next().is_some_and(|line| run.value(which, line).is_some()))
}

/// How far the event reaches that begins `bytes`; its first frame, up to the first empty line, has `frame` bytes. `item_end`: how a list's items end, if
/// that is known.
pub(crate) fn extent<'a>(bytes: &'a [u8], frame: usize, chan_sip: bool, item_end: &[u8]) -> Extent<'a> {
    let first = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
    let Some(name) = bytes[..first].strip_prefix(b"Event: ").map(<[u8]>::trim_ascii_end) else { return Extent::Not };
    if !is_begun(name, &bytes[..frame]) {
        return Extent::Not;
    }
    if name == b"QueueEntry" && !item_end.is_empty() {
        return item(bytes, frame, item_end);
    }
    Walk { bytes, at: first, chan_sip, torn: false, sure: 0, open: false, channel: b"", uniqueid: None }.event(name)
}

/// The same of an item of a list that ends in the id of our action: what stands behind its first number is so little that a number has room for the next
/// item too, but nobody can write that id.
fn item<'a>(bytes: &'a [u8], frame: usize, item_end: &[u8]) -> Extent<'a> {
    let most = bytes.len().min(ITEM_AT_MOST);
    let Some(at) = memmem::find(&bytes[..most], item_end) else {
        return if most < ITEM_AT_MOST { Extent::More } else { Extent::TooLong };
    };
    let end = at + item_end.len();
    let channel =
        memmem::find(&bytes[..end], b"\r\nChannel: ").map_or(&b""[..], |at| &bytes[at + b"\r\nChannel: ".len()..end]);
    let channel = &channel[..memchr::memchr(b'\r', channel).unwrap_or(0)];
    Extent::To { end, torn: end > frame + b"\r\n".len(), sure: 0, open: false, channel, uniqueid: None }
}

/// Goes from line to line.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    chan_sip: bool,
    torn: bool,
    sure: usize,
    open: bool,
    channel: &'a [u8],
    uniqueid: Option<&'a [u8]>,
}

impl<'a> Walk<'a> {
    /// The line here, with its end.
    fn line(&self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        memchr::memchr(b'\n', rest).map(|end| &rest[..=end])
    }

    fn event(mut self, name: &[u8]) -> Extent<'a> {
        let own = own_run(name);
        let mut done = false;
        loop {
            let Some(line) = self.line() else { return Extent::More };
            if matches!(line, b"\r\n" | b"\n") {
                if own.is_some() && !done {
                    return Extent::Not;
                }
                return Extent::To {
                    end: self.at + line.len(),
                    torn: self.torn,
                    sure: self.sure,
                    open: self.open,
                    channel: self.channel,
                    uniqueid: self.uniqueid,
                };
            }
            let key = &line[..colon(line).unwrap_or(0)];
            let run = match own {
                Some(names) => (!done && key == names[0]).then_some(Run { names, prefix: b"" }),
                None if name == b"Newexten" && done && key == NEWEXTEN[0] => Some(Run { names: NEWEXTEN, prefix: b"" }),
                None => self.snapshot(line, key),
            };
            match run {
                Some(run) => {
                    if let Some(failed) = self.run(run) {
                        return failed;
                    }
                    done = true;
                }
                None => {
                    self.open |= done && !is_asterisks(key);
                    self.at += line.len();
                }
            }
        }
    }

    /// The snapshot that begins with this line.
    fn snapshot(&self, line: &[u8], key: &'a [u8]) -> Option<Run<'a>> {
        let run = Run { names: CHANNEL, prefix: key.strip_suffix(CHANNEL[0])? };
        run.value(1, &self.bytes[self.at + line.len()..]).map(|_| run)
    }

    /// Goes behind a run; what is against it otherwise. A text can hold what looks like the headers behind it, so that several places may be the right
    /// ones: all are followed, and of those that come through to the run's end the last one holds what stands before.
    fn run(&mut self, run: Run<'a>) -> Option<Extent<'a>> {
        let Some(first) = self.line() else { return Some(Extent::More) };
        let channel = match run.names[0] {
            b"Channel" => first[run.value(0, first).unwrap_or(0)..].trim_ascii_end(),
            _ => b"",
        };
        let (mut places, mut broken) = (vec![self.at], false);
        for (which, header) in run.names.iter().enumerate() {
            let (mut next, mut more, mut too_long) = (Vec::new(), false, false);
            for place in places {
                self.at = place;
                let Some(line) = self.line() else {
                    more = true;
                    continue;
                };
                let Some(value) = run.value(which, line) else { continue };
                let behind = place + line.len();
                let (most, all) = match text(header, self.chan_sip) {
                    Text::Callers(most) if which + 1 < run.names.len() => (most, true),
                    Text::Dialplans(most) if which + 1 < run.names.len() => (most, false),
                    _ => {
                        next.push(behind);
                        continue;
                    }
                };
                let begins = run.begins(which + 1);
                let (from, reaches) = (place + value, place + value + most + begins.len());
                if all {
                    self.sure = self.sure.max(reaches);
                }
                let window = &self.bytes[from..self.bytes.len().min(reaches)];
                let before = next.len();
                next.extend(
                    memmem::find_iter(window, &begins).take(if all { MOST } else { 1 }).map(|at| from + at + 2),
                );
                if next.len() == before {
                    (more, too_long) = (more | (self.bytes.len() < reaches), true);
                }
                broken |= next[before..] != [behind];
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                return Some(if more {
                    Extent::More
                } else if too_long {
                    Extent::TooLong
                } else {
                    Extent::Not
                });
            }
            places = next;
        }
        self.at = places.last().copied().unwrap_or(self.at);
        if broken && !self.torn {
            (self.torn, self.channel) = (true, channel);
            if run.names.len() == CHANNEL.len() {
                self.uniqueid = self.uniqueid_before(run);
            }
        }
        self.open |= run.names.last() == NEWEXTEN.last();
        None
    }

    /// The uniqueid in the last line but one of the snapshot that ends here.
    fn uniqueid_before(&self, run: Run<'_>) -> Option<&'a [u8]> {
        let start = |end: usize| memchr::memrchr(b'\n', &self.bytes[..end - 1]).map_or(0, |at| at + 1);
        let (end, line) = (start(self.at), start(start(self.at)));
        let line = &self.bytes[line..end];
        Some(line[run.value(CHANNEL.len() - 2, line)?..].trim_ascii_end())
    }
}
