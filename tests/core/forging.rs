//! A caller's number and the number that was dialled reach the stream with their line breaks: what stands in them is not believed.

use crate::ami::{captures, decode_all};
use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Refusal};

/// What a number holds at most (`AST_MAX_EXTENSION`).
pub(crate) const NUMBER: usize = 80;

/// Events of every kind that somebody acts on, as short as they are understood; `victim` is another's channel.
const FORGED: &[&str] = &[
    "Event: Hangup\r\nUniqueid: victim\r\nCause: 16",
    "Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: victim",
    "Event: HangupRequest\r\nUniqueid: victim",
    "Event: SoftHangupRequest\r\nUniqueid: victim",
    "Event: Newchannel\r\nChannel: a\r\nUniqueid: new\r\nLinkedid: victim",
    "Event: Newstate\r\nChannelState: 6\r\nUniqueid: victim",
    "Event: NewCallerid\r\nCallerIDNum: 1\r\nUniqueid: victim",
    "Event: Newexten\r\nApplication: Hangup\r\nUniqueid: victim",
    "Event: Rename\r\nNewname: x\r\nUniqueid: victim",
    "Event: Hold\r\nUniqueid: victim",
    "Event: Unhold\r\nUniqueid: victim",
    "Event: DialBegin\r\nUniqueid: victim\r\nDestUniqueid: d",
    "Event: DialState\r\nDestUniqueid: victim\r\nDialStatus: RINGING",
    "Event: DialEnd\r\nDestUniqueid: victim\r\nDialStatus: ANSWER",
    "Event: BridgeCreate\r\nBridgeUniqueid: b",
    "Event: BridgeDestroy\r\nBridgeUniqueid: b",
    "Event: BridgeMerge\r\nToBridgeUniqueid: b\r\nFromBridgeUniqueid: c",
    "Event: BridgeEnter\r\nBridgeUniqueid: b\r\nUniqueid: victim",
    "Event: BridgeLeave\r\nBridgeUniqueid: b\r\nUniqueid: victim",
    "Event: LocalBridge\r\nLocalOneUniqueid: victim\r\nLocalTwoUniqueid: x",
    "Event: Pickup\r\nUniqueid: x\r\nTargetUniqueid: victim",
    "Event: BlindTransfer\r\nResult: Success\r\nTransfererUniqueid: victim",
    "Event: AttendedTransfer\r\nResult: Success\r\nOrigTransfererUniqueid: victim",
    "Event: ParkedCall\r\nParkeeUniqueid: victim",
    "Event: UnParkedCall\r\nParkeeUniqueid: victim",
    "Event: ParkedCallTimeOut\r\nParkeeUniqueid: victim",
    "Event: ParkedCallGiveUp\r\nParkeeUniqueid: victim",
    "Event: QueueCallerJoin\r\nUniqueid: victim\r\nQueue: q",
    "Event: QueueCallerLeave\r\nUniqueid: victim\r\nQueue: q",
    "Event: QueueCallerAbandon\r\nUniqueid: victim\r\nQueue: q",
    "Event: Join\r\nUniqueid: victim\r\nQueue: q",
    "Event: Leave\r\nUniqueid: victim\r\nQueue: q",
    "Event: AgentCalled\r\nUniqueid: victim\r\nDestUniqueid: d\r\nQueue: q",
    "Event: AgentConnect\r\nUniqueid: victim\r\nDestUniqueid: d\r\nQueue: q",
    "Event: AgentComplete\r\nUniqueid: victim\r\nQueue: q",
    "Event: AgentDump\r\nUniqueid: victim\r\nDestUniqueid: d\r\nQueue: q",
    "Event: AgentRingNoAnswer\r\nUniqueid: victim\r\nDestUniqueid: d\r\nQueue: q",
    "Event: QueueMemberStatus\r\nQueue: q\r\nInterface: SIP/1\r\nStatus: 1",
    "Event: QueueMemberAdded\r\nQueue: q\r\nInterface: SIP/1\r\nStatus: 1",
    "Event: QueueMemberRemoved\r\nQueue: q\r\nInterface: SIP/1",
    "Event: QueueMemberPause\r\nQueue: q\r\nInterface: SIP/1\r\nPaused: 1",
    "Event: QueueMemberPaused\r\nQueue: q\r\nLocation: SIP/1\r\nPaused: 1",
    "Event: QueueMemberPenalty\r\nQueue: q\r\nInterface: SIP/1",
    "Event: QueueMemberRinginuse\r\nQueue: q\r\nInterface: SIP/1",
    "Event: QueueMember\r\nQueue: q\r\nLocation: SIP/1\r\nPaused: 1",
    "Event: QueueParams\r\nQueue: q",
    "Event: QueueEntry\r\nQueue: q\r\nUniqueid: victim",
    "Event: QueueStatusComplete\r\nEventList: Complete",
    "Event: CoreShowChannelsComplete\r\nEventList: Complete",
    "Event: CoreShowChannel\r\nUniqueid: victim",
    "Event: DeviceStateChange\r\nDevice: SIP/1\r\nState: INUSE",
    "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: Z/1\r\nState: BUSY",
    "Event: OriginateResponse\r\nResponse: Failure\r\nUniqueid: victim",
    "Event: VarSet\r\nVariable: DIALSTATUS\r\nValue: ANSWER\r\nUniqueid: victim",
    "Event: VarSet\r\nVariable: CALLBACKD_ACTIVE\r\nValue: x",
    "Event: UserEvent\r\nUniqueid: victim\r\nUserEvent: CallbackRequest",
    "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: CallTag",
    "Event: FullyBooted\r\nUptime: 1",
    "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1",
    "Event: Shutdown\r\nRestart: False",
    "Response: Success",
];

/// The same stream where `timestampevents` is off.
pub(crate) fn unstamped(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("Timestamp: ")).collect()
}

/// What stands between empty lines, each with its own, and what is left.
pub(crate) fn pieces(stream: &[u8]) -> Vec<&[u8]> {
    let mut start = 0;
    let ends = stream.windows(4).enumerate().filter(|(_, four)| four == b"\r\n\r\n").map(|(at, _)| at + 4);
    let ends: Vec<usize> = ends.chain([stream.len()]).collect();
    let pieces = ends.into_iter().map(|end| &stream[std::mem::replace(&mut start, end)..end]);
    pieces.filter(|piece| !piece.is_empty()).collect()
}

/// The events, by their bytes, that somebody would act on, where the stream is read in these pieces.
pub(crate) fn believed<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let (received, _) = decode_all(Interest::tracker(), reads);
    let frames = received.into_iter().filter_map(|r| if let Received::Frame(frame) = r { Some(frame) } else { None });
    frames.map(|frame| frame.bytes().to_vec()).collect()
}

#[test]
fn every_event_of_every_capture_has_the_form_that_is_asked_of_it() {
    for (name, stream) in captures() {
        let (received, counters) = decode_all(Interest::tracker(), [&stream[..]]);
        assert_eq!(counters.discarded_total(), 0, "{name}: {received:?}");
    }
}

/// In every event of real captures that bears a number: in each place of a number in turn (who calls, who is connected, what is
/// dialled), every event that can be forged in eighty bytes.
#[test]
fn what_stands_in_a_number_is_never_believed_and_costs_no_event_of_another() {
    let mut tried = 0;
    for (name, stream) in
        captures().into_iter().filter(|(name, _)| name.contains("queue_a") || name.contains("direct_"))
    {
        try_all(&name, &stream, &mut tried);
    }
    assert!(tried > 4 * FORGED.len(), "{tried}");
}

/// A line break alone, or an end of the snapshot that the caller supplies.
#[test]
fn a_number_that_only_tears_costs_no_event_of_another() {
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_a")) {
        let pieces = pieces(&stream);
        for (at, piece) in pieces.iter().enumerate().skip(8) {
            let Some(found) = memchr::memmem::find(piece, b"\nExten: ") else { continue };
            let (head, tail) = piece.split_at(found + 8);
            let after = pieces.get(at + 1).copied().unwrap_or_default();
            for number in [
                "5\r\n\r\n",
                "5\n\n",
                "5\r\n\r\nEvent: Q\r\nX: ",
                "5\r\n\r\nEvent: CEL\r\nX: ",
                "5\r\n\r\nEvent: Cdr\r\nPrivilege: cdr,all\r\nX: ",
                "5\r\n\r\nEvent: ExtensionStatus\r\nX: ",
                "5\r\n\r\nResponse: A\r\nX: ",
                "5\r\n\r\nResponse: A\r\nActionID: 1\r\nX: ",
                "5\r\n\r\nEvent: Cdr",
                "5\r\n\r\nX: Linkedid: 1\r\n\r\nResponse: victim\r\nX: ",
                "5\r\n\r\nEvent: VarSet\r\nVariable: A\r\nX: ",
                "5\r\n\r\nEvent: FullyBooted\r\nX: ",
                "5\r\n\r\nEvent: UserEvent\r\nUserEvent: ",
                "5\r\n\r\nEvent: CEL\r\nX: 1\r\n\r\nEvent: Cdr\r\nX: ",
                "5\r\nPriority: 1\r\n\r\nEvent: QueueEntry",
            ] {
                costs_only_itself(&name, &pieces[..at].concat(), &[head, number.as_bytes(), tail].concat(), after);
            }
        }
    }
}

/// Where the number stands last in its event, nothing follows that could end what it tears.
#[test]
fn a_number_at_the_end_of_an_event_costs_no_event_of_another() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("22/queue_answered")) {
        let pieces = pieces(&stream);
        for (at, piece) in pieces.iter().enumerate().skip(8) {
            let last = [&b"\nAppData: "[..], b"\nDialString: "];
            let Some(found) = last.iter().find_map(|key| Some(memchr::memmem::find(piece, key)? + key.len())) else {
                continue;
            };
            let after = pieces.get(at + 1).copied().unwrap_or_default();
            for number in [
                "5\r\n\r\nEvent: Cdr",
                "5\r\n\r\nEvent: Cdr\r\nPrivilege: cdr,all\r\nTimestamp: 1795336414.774004",
                "5\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\nTimestamp: 1795336414.774004",
                "5\r\n\r\nEvent: X\r\nPrivilege: cc,all\r\nTimestamp: 1795336414.774004\r\nExten: ",
                "5\r\n\r\nResponse: A\r\nActionID: 1\r\nX: ",
            ] {
                assert!(number.len() <= NUMBER, "{number}");
                let torn = [&piece[..found], number.as_bytes(), b"\r\n\r\n"].concat();
                costs_only_itself(&name, &pieces[..at].concat(), &torn, after);
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

/// A number that names a time in a stream without any does not make the others' events, which have none, look torn.
#[test]
fn a_time_that_a_number_supplies_blinds_nobody() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("22/queue_answered")) {
        let text = String::from_utf8(stream).unwrap();
        let unstamped = unstamped(&text);
        let pieces = pieces(unstamped.as_bytes());
        for (at, piece) in pieces.iter().enumerate().skip(8) {
            let after = pieces.get(at + 1).copied().unwrap_or_default();
            for key in ["\nCallerIDNum: ", "\nExten: ", "\nAppData: "] {
                let Some(found) = memchr::memmem::find(piece, key.as_bytes()) else { continue };
                let (head, tail) = piece.split_at(found + key.len());
                for event in ["Hangup\r\nPrivilege: call,all", "DeviceStateChange\r\nPrivilege: call,all"] {
                    let number = format!("5\r\n\r\nEvent: {event}\r\nTimestamp: 1795336414.774004");
                    let torn = [head, number.as_bytes(), tail].concat();
                    costs_only_itself(&name, &pieces[..at].concat(), &torn, after);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

/// `manager reload` with another `timestampevents` holds for the connections that there are.
#[test]
fn times_that_come_and_go_with_a_reload_of_asterisk_blind_nobody() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let text = String::from_utf8(stream).unwrap();
    let unstamped = unstamped(&text);
    for streams in [[&text, &unstamped, &text], [&unstamped, &text, &unstamped]] {
        let alone: usize = streams.iter().map(|stream| channels(&believed([stream.as_bytes()]))).sum();
        assert_eq!(channels(&believed(streams.map(|stream| stream.as_bytes()))), alone);
    }
}

/// How many of these are about a channel.
fn channels(frames: &[Vec<u8>]) -> usize {
    frames.iter().filter(|frame| memchr::memmem::find(frame, b"\r\nLinkedid: ").is_some()).count()
}

/// In one read, and where it ends anywhere within the event: the front waits for what follows.
#[test]
fn a_snapshot_whose_end_the_caller_supplies_is_not_believed_wherever_a_read_ends() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("22/queue_answered")) {
        let text = String::from_utf8(stream).unwrap();
        let unstamped = unstamped(&text);
        for stream in [&text, &unstamped] {
            let pieces = pieces(stream.as_bytes());
            for (at, piece) in pieces.iter().enumerate().skip(8) {
                let Some(found) = memchr::memmem::find(piece, b"\nExten: ") else { continue };
                let (head, tail) = piece.split_at(found + 8);
                let after = pieces.get(at + 1).copied().unwrap_or_default();
                let before = pieces[..at].concat();
                for next in ["A\r\nActionID: ", "QueueEntry\r\nQueue: ", "QueueEntry", "A\r\nPrivilege: aa,all"] {
                    for next in [format!("Event: {next}"), "Response: \r\nActionID: ".to_owned()] {
                        let number = format!("\r\nPriority:\r\nUniqueid:1\r\nLinkedid:victim\r\n\r\n{next}");
                        assert!(number.len() < NUMBER, "{number}");
                        supplied_end(&name, &before, &[head, number.as_bytes(), tail].concat(), after);
                        tried += 1;
                    }
                }
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

fn supplied_end(name: &str, before: &[u8], torn: &[u8], after: &[u8]) {
    let without = believed([before]);
    // The last frame before it comes with the first of its reads.
    let cuts = (1..torn.len()).filter(|cut| cut % 7 == 0 || torn[cut - 1] == b'\n');
    for cut in cuts {
        let with = believed([before, &torn[..cut], &torn[cut..], after]);
        assert_eq!(with[..without.len()], without, "{name}");
        let forged = with[without.len()..].iter().find(|frame| memchr::memmem::find(frame, b"victim").is_some());
        let forged = forged.map(|frame| frame.escape_ascii().to_string());
        assert_eq!(forged, None, "{name}: {} cut at {cut}", torn.escape_ascii());
    }
}

/// A `Newexten` writes the extension twice, and its application's data a third time, beside the caller's number: the head of a forged event in
/// one of them, the rest in another.
#[test]
fn what_stands_in_several_fields_of_one_event_is_not_put_together() {
    let mut tried = 0;
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let text = String::from_utf8(stream).unwrap();
    let unstamped = unstamped(&text);
    for (stream, stamp) in [(&text, "\r\nTimestamp: 1795336404.754223"), (&unstamped, "")] {
        let pieces = pieces(stream.as_bytes());
        for (at, piece) in pieces.iter().enumerate().skip(8).filter(|(_, p)| p.starts_with(b"Event: Newexten")) {
            let event = std::str::from_utf8(piece).unwrap();
            let forged = [
                (
                    format!("\r\n\n Event: AgentComplete\r\n Privilege: ,,,all{stamp}"),
                    "\r\n Uniqueid:victim\r\n Queue:sales",
                ),
                (
                    format!("\r\n\r\nEvent: AgentComplete\r\nPrivilege: agent,all{stamp}"),
                    "\r\nUniqueid: victim\r\nQueue: q",
                ),
                (
                    format!("\r\n\r\nEvent: UserEvent\r\nPrivilege: user,all{stamp}"),
                    "\r\nUniqueid: victim\r\nUserEvent: CallbackDecline",
                ),
                (
                    format!("\r\n\r\nEvent: Rename\r\nPrivilege: call,all{stamp}"),
                    "\r\nChannel: a\r\nNewname: b\r\nUniqueid: victim",
                ),
                (
                    format!("\r\n\r\nEvent: VarSet\r\nPrivilege: dialplan,all{stamp}"),
                    "\r\nChannel: none\r\nUniqueid: none\r\nVariable: CALLBACKD_ACTIVE\r\nValue: victim",
                ),
                (
                    format!("\r\n\r\nEvent: DeviceStateChange\r\nPrivilege: call,all{stamp}"),
                    "\r\nDevice: victim\r\nState: INUSE",
                ),
                ("\r\nPriority:\r\nUniqueid:9\r\nLinkedid:victim\r\nQueue:600\r\n\nEvent: \nActionID: ".to_owned(), ""),
                ("\r\nPriority: \r\nUniqueid: 9\r\nLinkedid: victim\r\n\r\nEvent: A\r\nActionID: ".to_owned(), ""),
            ];
            for (head, rest) in &forged {
                let whole = format!("{head}{rest}");
                for (exten, extension, data) in [
                    (&*whole, &*whole, "x"),
                    (&whole, &whole, &whole),
                    (head, head, rest),
                    (head, rest, "x"),
                    ("s", head, rest),
                ] {
                    if [exten, extension].iter().any(|field| field.len() >= NUMBER) {
                        continue;
                    }
                    let torn = with(&with(&with(event, "Exten", exten), "Extension", extension), "AppData", data);
                    let after = pieces.get(at + 1).copied().unwrap_or_default();
                    let seen = believed([&[&pieces[..at].concat(), torn.as_bytes(), after].concat()[..]]);
                    let forged = seen.iter().find(|frame| {
                        !frame.starts_with(b"Event: Newexten") && memchr::memmem::find(frame, b"victim").is_some()
                    });
                    let forged = forged.map(|frame| frame.escape_ascii().to_string());
                    assert_eq!(forged, None, "{}", torn.escape_default());
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn what_two_fields_of_one_event_make_together_costs_no_event_of_another() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let at = pieces.iter().position(|piece| piece.starts_with(b"Event: Newstate")).unwrap();
    let event = std::str::from_utf8(pieces[at]).unwrap();
    let head = "\n\nEvent: QueueCallerJoin\r\nPrivilege: agent,all\r\nTimestamp: 1795336404.754223\r\n\r";
    let front = "\r\r\nChannel: PJSIP/101-00000001\r\nChannelState: 6\r\nChannelStateDesc: Up\r\nCallerID";
    let torn = with(&with(event, "CallerIDNum", head), "Exten", front);
    let behind = believed([&pieces[at + 1..].concat()[..]]);
    let seen = believed([&[&pieces[..at].concat(), torn.as_bytes(), &pieces[at + 1..].concat()].concat()[..]]);
    let lost = behind.iter().find(|event| event.len() > 300 && !seen.contains(event));
    assert_eq!(lost.map(|event| event.escape_ascii().to_string()), None);
}

/// The event with another value of this header.
fn with(event: &str, key: &str, value: &str) -> String {
    let line = |line: &str| match line.strip_prefix(key).is_some_and(|rest| rest.starts_with(": ")) {
        true => format!("{key}: {value}\r\n"),
        false => line.to_owned(),
    };
    event.split_inclusive('\n').map(line).collect()
}

#[test]
fn a_frame_at_the_end_of_what_was_written_counts_when_nothing_follows_it() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let short = pieces.iter().position(|piece| memchr::memmem::find(piece, b"\nExten: s\r").is_some()).unwrap();
    let (mut decoder, mut buffer) = (FrameDecoder::new(Interest::tracker()), BytesMut::new());
    buffer.extend_from_slice(&pieces[..=short].concat());
    let mut last = None;
    while let Some(received) = decoder.decode(&mut buffer) {
        last = Some(received);
    }
    assert!(decoder.holds(&buffer));
    let is_it = |received| matches!(received, Some(Received::Frame(frame)) if pieces[short].starts_with(frame.bytes()));
    assert!(!is_it(last));
    assert!(is_it(decoder.decode_idle(&mut buffer)));
    assert!(buffer.is_empty() && !decoder.holds(&buffer));

    // What has begun to follow is waited for, also where nothing comes for a while.
    buffer.extend_from_slice(&[pieces[short], b"Eve"].concat());
    assert_eq!(decoder.decode_idle(&mut buffer), None);
    assert!(!decoder.holds(&buffer));
    buffer.extend_from_slice(b"nt: Newstate\r\nPrivilege: call,all\r\nTimestamp: 1");
    assert!(is_it(decoder.decode(&mut buffer)));
}

/// Where `timestampevents` is off, more fits into a number.
#[test]
fn nor_where_events_bear_no_stamps() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_answered")) {
        let text = String::from_utf8(stream).unwrap();
        let unstamped = unstamped(&text);
        try_all(&name, unstamped.as_bytes(), &mut tried);
    }
    assert!(tried > FORGED.len(), "{tried}");
}

fn try_all(name: &str, stream: &[u8], tried: &mut usize) {
    let pieces = pieces(stream);
    for (at, piece) in pieces.iter().enumerate().skip(8) {
        for place in ["\nCallerIDNum: ", "\nExten: ", "ConnectedLineNum: ", "DestCallerIDNum: "] {
            let Some(found) = memchr::memmem::find(piece, place.as_bytes()) else { continue };
            let forged = FORGED[*tried % FORGED.len()];
            *tried += 1;
            let number = format!("1\r\n\r\n{forged}\r\n\r\n");
            let number = if number.len() > NUMBER { format!("\r\n\r\n{forged}\r\n\r\n") } else { number };
            assert!(number.len() <= NUMBER, "{} bytes: {forged}", number.len());
            let (head, tail) = piece.split_at(found + place.len());
            let after = pieces.get(at + 1).copied().unwrap_or_default();
            // Whether the rest of the event stands alone, or becomes a part of what was forged.
            for number in [number.clone(), format!("{}\r\nX: ", number.trim_end())] {
                let torn = [head, number.as_bytes(), tail].concat();
                costs_only_itself(name, &pieces[..at].concat(), &torn, after);
            }
        }
    }
}

/// In one read, and where each piece comes in a read of its own.
pub(crate) fn costs_only_itself(name: &str, before: &[u8], torn: &[u8], after: &[u8]) {
    let without = believed([before]);
    let at_once = [before, torn, after].concat();
    for with in [believed([&at_once[..]]), believed(std::iter::once(before).chain(pieces(torn)).chain([after]))] {
        assert_eq!(with[..without.len()], without, "{name}");
        // A device's state is short enough to be forged: one that comes right behind waits for the lists.
        let device = |frame: &[u8]| frame.starts_with(b"Event: DeviceStateChange");
        let lost = believed([after]).into_iter().find(|frame| !with.contains(frame) && !device(frame));
        assert_eq!(lost, None, "{name}: {} has it lost", torn.escape_ascii());
        for frame in &with[without.len()..] {
            let frame = frame.escape_ascii().to_string();
            let forged = ["victim", "SIP/1\\r", "Z/1", "Queue: q\\r", "Unique: b", "CallTag", "Shutdown"];
            assert!(
                !forged.iter().any(|mark| frame.contains(mark)),
                "{name}: {} makes believe {frame}",
                torn.escape_ascii()
            );
        }
    }
}

#[test]
fn nothing_is_believed_from_a_torn_event_until_its_rest_has_come() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let real: Vec<&[u8]> =
        pieces(&stream).into_iter().filter(|piece| piece.starts_with(b"Event: Newchannel")).take(2).collect();
    let cut = memchr::memmem::find(real[0], b"\r\nCallerIDName: ").unwrap();
    let (front, rest) = real[0].split_at(cut);
    // Two whole events in one number: more than a number holds, and still not believed.
    let stream = [real[1], front, b"\r\n\r\n", real[1], real[1], &rest[2..], real[1]].concat();
    let (received, counters) = decode_all(Interest::tracker(), [&stream[..]]);
    assert_eq!(counters.discarded(Refusal::Torn), 1);
    assert_eq!(counters.discarded(Refusal::Tainted), 2);
    assert_eq!(counters.discarded(Refusal::Headless), 1);
    assert_eq!(received.iter().filter(|r| matches!(r, Received::Frame(_))).count(), 2);

    let (mut decoder, mut buffer) = (FrameDecoder::new(Interest::tracker()), BytesMut::new());
    // Also where each comes in a read of its own.
    for write in [real[1], &[front, &b"\r\n\r\n"[..]].concat(), real[1], &rest[2..], real[1]] {
        buffer.extend_from_slice(write);
        while decoder.decode(&mut buffer).is_some() {}
    }
    assert!(decoder.decode_idle(&mut buffer).is_some(), "nothing follows the last one");
    assert_eq!(decoder.counters().discarded(Refusal::Tainted), 1);
    assert_eq!((decoder.counters().frames, decoder.counters().discarded_total()), (2, 3));
}

/// Events without a channel's snapshot, as Asterisk 22 writes them, each `@` a text of a caller's.
const WITHOUT_SNAPSHOT: [&str; 3] = [
    "Event: CEL\r\nPrivilege: call,all\r\nTimestamp: 1795336414.768735\r\nEventName: CHAN_START\r\nAccountCode: \r\nCallerIDnum: 12025550123\r\n\
     CallerIDname: \r\nCallerIDani: \r\nCallerIDrdnis: @\r\nCallerIDdnid: @\r\nExten: @\r\nContext: from-trunk\r\nChannel: PJSIP/trunk-00000001\r\n\
     Application: \r\nAppData: \r\nEventTime: 2026-11-22 10:33:34\r\nAMAFlags: DOCUMENTATION\r\nUniqueID: 1.1\r\nLinkedID: 1.1\r\nUserfield: \r\nPeer: \r\n\
     PeerAccount: \r\nExtra: \r\n\r\n",
    "Event: Cdr\r\nPrivilege: cdr,all\r\nTimestamp: 1795336414.768735\r\nAccountCode: \r\nSource: @\r\nDestination: @\r\nDestinationContext: from-trunk\r\n\
     CallerID: @\r\nChannel: PJSIP/trunk-00000001\r\nDestinationChannel: \r\nLastApplication: Dial\r\nLastData: \r\nStartTime: 2026-11-22 10:33:34\r\n\
     AnswerTime: \r\nEndTime: 2026-11-22 10:33:38\r\nDuration: 4\r\nBillableSeconds: 0\r\nDisposition: NO ANSWER\r\nAMAFlags: DOCUMENTATION\r\n\
     UniqueID: 1.1\r\nUserField: \r\n\r\n",
    "Event: ExtensionStatus\r\nPrivilege: call,all\r\nTimestamp: 1795336414.768735\r\nExten: @\r\nContext: @\r\nHint: @\r\nStatus: 0\r\nStatusText: Idle\r\n\r\n",
];

#[test]
fn an_event_that_nobody_needs_hides_nothing_that_a_number_wrote_into_it() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let at = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
    let (before, after) = (pieces[..at].concat(), pieces[at]);
    let (head, rest) = (
        "\r\n\r\nEvent: UserEvent\r\nPrivilege: a,all\r\nTimestamp: 1795336414.768735\r\nX: ",
        "z\r\nUniqueid: victim\r\nUserEvent: CallTag\r\nCode: X\r\nQ: ",
    );
    assert!(head.len() <= NUMBER && rest.len() <= NUMBER);
    for event in WITHOUT_SNAPSHOT {
        let whole = event.replace('@', "5550100");
        assert_eq!(
            believed([&[&before[..], whole.as_bytes(), after].concat()[..]]),
            believed([&[&before[..], after].concat()[..]])
        );
        for texts in [[head, rest, rest], ["1", head, rest], [head, rest, "1"]] {
            let torn = texts.iter().fold(event.to_owned(), |event, text| event.replacen('@', text, 1));
            costs_only_itself("an event without a snapshot", &before, torn.as_bytes(), after);
        }
    }
}
