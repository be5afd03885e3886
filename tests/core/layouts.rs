//! An event that is recognised by the layout of one before it is what the full check says it is: two decoders, one that recognises and one that
//! checks every frame whole, are given the same streams.

use crate::ami::captures;
use crate::forging::{pieces, unstamped};
use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Stamped};

/// What both decoders make of this stream, read in these pieces, must be the same, event by event; how many were recognised.
fn agree(interest: &Interest, reads: &[&[u8]]) -> u64 {
    let mut decoders = [FrameDecoder::live(interest.clone()), FrameDecoder::live(interest.clone()).checking_whole()];
    let mut buffers = [BytesMut::new(), BytesMut::new()];
    let mut both = |end: bool, read: &[u8]| {
        for buffer in &mut buffers {
            buffer.extend_from_slice(read);
        }
        loop {
            let [fast, whole] = [0, 1].map(|at| match end {
                true => decoders[at].decode_eof(&mut buffers[at]),
                false => decoders[at].decode(&mut buffers[at]),
            });
            let text = || reads.concat().escape_ascii().to_string();
            assert_eq!(fast, whole, "{}", text());
            let (Some(Received::Frame(fast)), Some(Received::Frame(whole))) = (&fast, &whole) else {
                if fast.is_none() {
                    return;
                }
                continue;
            };
            assert_eq!(fast.kind(), whole.kind(), "{}", text());
            assert_eq!(Stamped::parse(fast), Stamped::parse(whole), "{}", text());
        }
    };
    for read in reads {
        both(false, read);
    }
    both(true, b"");
    let [mut fast, whole] = decoders.map(|decoder| decoder.counters());
    let recognised = std::mem::take(&mut fast.recognised);
    assert_eq!(fast, whole, "and whole checks recognise nothing");
    recognised
}

/// The streams of these captures, with stamps and without.
fn streams(wanted: &str) -> Vec<(String, String)> {
    let of = |(name, stream): (String, Vec<u8>)| {
        let text = String::from_utf8_lossy(&stream).into_owned();
        let bare = unstamped(&text);
        [(name.clone(), text), (format!("{name} without stamps"), bare)]
    };
    captures().into_iter().filter(|(name, _)| name.contains(wanted)).flat_map(of).collect()
}

/// What an event's line, or several of them, can be turned into.
#[derive(Clone, Copy)]
enum Change {
    Gone,
    Twice,
    Again,
    Swapped,
    Copied,
    Value(&'static str),
    Written(&'static str),
    Name(&'static str),
    Inserted(&'static str),
    Lower,
    Long(usize),
}

const CHANGES: &[Change] = &[
    Change::Gone,
    Change::Twice,
    Change::Again,
    Change::Swapped,
    Change::Copied,
    Change::Value(""),
    Change::Value("none"),
    Change::Value("1795336414.768735"),
    Change::Value("5\0"),
    Change::Value("5\r"),
    Change::Value("5\n"),
    Change::Value("5\r\n\r\n"),
    Change::Value("5\r\n\n"),
    Change::Value("5\r\nUniqueid: 1"),
    Change::Value("5\r\nLinkedid: 1\r\nX"),
    Change::Value("5\r\n\r\nEvent: A\r\nActionID: "),
    Change::Value("5\r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\nEvent: Q\r\nX: "),
    Change::Value(": "),
    Change::Value("Channel: SIP/x"),
    Change::Written(":"),
    Change::Written(":  "),
    Change::Written(" : "),
    Change::Written(":\t"),
    Change::Name("Event"),
    Change::Name("Timestamp"),
    Change::Name("Privilege"),
    Change::Name("Channel"),
    Change::Name("DestChannel"),
    Change::Name("Uniqueid"),
    Change::Name("uniqueid"),
    Change::Name("ActionID"),
    Change::Name("X"),
    Change::Inserted("ActionID: 1\r\n"),
    Change::Inserted("SystemName: pbx\r\n"),
    Change::Inserted("Timestamp: 1795336414.768735\r\n"),
    Change::Inserted("ChanVariable: a=b\r\n"),
    Change::Inserted("ChanVariable(SIP/x): a=b\r\n"),
    Change::Inserted("Queue: q\n"),
    Change::Inserted("X\r\n"),
    Change::Inserted("EVENT: Hangup\r\n"),
    Change::Lower,
    Change::Long(63),
    Change::Long(8_190),
    Change::Long(8_192),
    Change::Long(8_193),
];

/// The event with this change of its line `at`; `other` is another event.
fn changed(event: &str, change: Change, at: usize, other: &str) -> String {
    let lines: Vec<&str> = event.split_inclusive('\n').collect();
    let line = lines[at];
    let (name, value) = line.split_once(": ").unwrap_or((line, ""));
    let others: Vec<&str> = other.split_inclusive('\n').collect();
    let new = match change {
        Change::Gone => String::new(),
        Change::Twice => line.repeat(2),
        Change::Again => format!("{line}{}", lines[at / 2]),
        Change::Swapped => format!("{}{line}", lines.get(at + 1).copied().unwrap_or_default()),
        Change::Copied => others.get(at).copied().unwrap_or_default().to_owned(),
        Change::Value(value) => format!("{name}: {value}\r\n"),
        Change::Written(colon) => format!("{name}{colon}{value}"),
        Change::Name(name) => format!("{name}: {value}"),
        Change::Inserted(more) => format!("{more}{line}"),
        Change::Lower => line.to_ascii_lowercase(),
        Change::Long(length) => format!("{name}: {}\r\n", "x".repeat(length.saturating_sub(name.len() + 2))),
    };
    let behind = at + if matches!(change, Change::Swapped) { 2 } else { 1 };
    [lines[..at].concat(), new, lines[behind.min(lines.len())..].concat()].concat()
}

#[test]
fn nearly_all_events_of_a_capture_are_recognised_and_are_what_the_full_check_says() {
    for (name, stream) in streams("/") {
        for interest in [Interest::tracker(), Interest::everything()] {
            let at_once = agree(&interest, &[stream.as_bytes()]);
            let in_pieces: Vec<&[u8]> = stream.as_bytes().chunks(997).collect();
            assert_eq!(agree(&interest, &in_pieces), at_once, "{name}");
            if stream.len() > 400_000 {
                let events = stream.matches("Event: ").count() as u64;
                assert!(at_once * 10 > events * 2, "{name}: {at_once} of {events}");
            }
        }
    }
}

/// Each kind of event, each of its lines, each change; the changed one behind the honest one and before it.
#[test]
fn a_changed_event_is_never_taken_for_the_one_that_it_was_nor_the_other_way_round() {
    let (mut tried, mut recognised) = (0_u64, 0);
    for (_, stream) in streams("22/attended_transfer_answered").into_iter().chain(streams("16/queue_answered")) {
        let pieces = pieces(stream.as_bytes());
        let text = |at: usize| std::str::from_utf8(pieces[at % pieces.len()]).unwrap();
        let begin = pieces[..8].concat();
        let mut random = fastrand::Rng::with_seed(tried + 1);
        let mut kinds = std::collections::BTreeMap::new();
        for at in 8..pieces.len() {
            let names: Vec<&str> = text(at).lines().map(|line| line.split(": ").next().unwrap()).collect();
            kinds.entry((text(at).lines().next().unwrap().to_owned(), names)).or_insert(at);
        }
        for at in kinds.into_values() {
            let event = text(at);
            let lines = event.matches('\n').count() - 1;
            for change in CHANGES {
                if random.bool() {
                    continue;
                }
                let other = text(random.usize(8..pieces.len()));
                let other_event = changed(event, *change, random.usize(..lines), other);
                let honest = event.as_bytes();
                for order in [[honest, other_event.as_bytes()], [other_event.as_bytes(), honest]] {
                    recognised += agree(&Interest::everything(), &[&begin, &order.concat(), &order.concat()]);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 2_000 && recognised > tried, "{recognised} of {tried}");
}

/// Whole days with many changes, in pieces of any size.
#[test]
fn a_stream_of_honest_and_changed_events_is_read_alike() {
    let mut recognised = 0;
    for (seed, (name, stream)) in streams("queue_a").into_iter().chain(streams("transfer")).enumerate() {
        let pieces = pieces(stream.as_bytes());
        let mut random = fastrand::Rng::with_seed(seed as u64);
        let mut mixed = String::new();
        for piece in pieces.iter().map(|piece| std::str::from_utf8(piece).unwrap()) {
            let lines = piece.matches('\n').count().saturating_sub(1);
            if random.u8(..) < 40 && lines > 0 {
                let other = std::str::from_utf8(pieces[random.usize(..pieces.len())]).unwrap();
                let change = CHANGES[random.usize(..CHANGES.len())];
                mixed.push_str(&changed(piece, change, random.usize(..lines), other));
            }
            if random.u8(..) < 250 {
                mixed.push_str(piece);
            }
        }
        let mut rest = mixed.as_bytes();
        let mut reads = Vec::new();
        while !rest.is_empty() {
            let (read, behind) = rest.split_at(random.usize(1..5_000).min(rest.len()));
            reads.push(read);
            rest = behind;
        }
        recognised += agree(&Interest::tracker(), &reads);
        recognised += agree(&Interest::everything(), &reads);
        assert!(recognised > 0, "{name}");
    }
    assert!(recognised > 2_000, "{recognised}");
}

/// A decoder belongs to one connection: what another one has seen makes nothing known here, and before the stream has shown that it is a live
/// Asterisk's nothing is learned.
#[test]
fn nothing_is_recognised_before_the_stream_has_shown_what_its_events_are_like() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let at = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
    let bare: String = std::str::from_utf8(pieces[at])
        .unwrap()
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("Privilege: "))
        .collect();
    assert_eq!(agree(&Interest::tracker(), &[bare.as_bytes(), bare.as_bytes(), bare.as_bytes()]), 0);
    // Afterwards one without is no event any more, as often as it was seen before.
    let reads = [bare.as_bytes(), pieces[at], bare.as_bytes(), pieces[at], pieces[at]];
    assert_eq!(agree(&Interest::tracker(), &reads), 1);
}

/// More layouts than are kept of a kind: the oldest is checked whole again, and nothing is kept beyond.
#[test]
fn a_kind_of_many_layouts_is_checked_whole_and_stays_right() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let at = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
    let event = std::str::from_utf8(pieces[at]).unwrap().trim_end();
    let with = |variables: usize| {
        let more: String = (0..variables).map(|at| format!("\r\nChanVariable: v{at}=x")).collect();
        format!("{event}{more}\r\n\r\n")
    };
    let begin = pieces[..at].concat();
    let before = agree(&Interest::tracker(), &[&begin]);
    let recognised = |variables: &[usize]| {
        let events: String = variables.iter().copied().map(with).collect();
        agree(&Interest::tracker(), &[&begin, events.as_bytes()]) - before
    };
    let twice = |most: usize| (0..most).chain(0..most).collect::<Vec<_>>();
    assert_eq!(recognised(&twice(9)), 0, "each has gone when it comes again");
    assert_eq!(recognised(&twice(4)), 4);
    assert_eq!(recognised(&[60, 60, 60]), 0, "longer than what is kept");
    assert_eq!(recognised(&[40, 40, 40]), 2);
}
