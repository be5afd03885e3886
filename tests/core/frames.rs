//! Bytes to frames: every way to cut the stream gives the same frames, and no stream harms more than its own frame.

use crate::ami::{captures, decode, decode_all, frame};
use bytes::BytesMut;
use callbackd_core::ami::decoder::{MAX_FRAME, MAX_HEADERS, MAX_LINE};
use callbackd_core::ami::excerpt::MAX_EXCERPT;
use callbackd_core::ami::{Frame, FrameDecoder, FrameError, Interest, Kind, Received, Refusal};
use proptest::prelude::*;

fn frames(received: &[Received]) -> Vec<&Frame> {
    received.iter().filter_map(|item| if let Received::Frame(frame) = item { Some(frame) } else { None }).collect()
}

fn refusals(received: &[Received]) -> Vec<Refusal> {
    errors(received).iter().map(|error| error.refusal).collect()
}

fn errors(received: &[Received]) -> Vec<&FrameError> {
    received.iter().filter_map(|item| if let Received::Discarded(error) = item { Some(error) } else { None }).collect()
}

/// A good frame, to see that the stream goes on.
const NEXT: &[u8] = b"Event: Newchannel\r\nUniqueid: next\r\n\r\n";

/// One of the form that Asterisk writes.
const WHOLE: &[u8] =
    b"Event: DeviceStateChange\r\nPrivilege: call,all\r\nTimestamp: 1795336414.768735\r\nDevice: PJSIP/101\r\n\
State: INUSE\r\n\r\n";

/// `bad` costs exactly itself, for one reason, however it is cut.
#[track_caller]
fn costs_only_itself(bad: &[u8], refusal: Refusal) -> FrameError {
    let stream = [NEXT, bad, b"\r\n\r\n", NEXT].concat();
    let mut said = None;
    for size in [1, 7, 1000, stream.len()] {
        let (received, counters) = decode_all(Interest::everything(), stream.chunks(size));
        assert_eq!(refusals(&received), [refusal], "in pieces of {size}");
        let ids: Vec<_> = frames(&received).iter().map(|frame| frame.text("Uniqueid")).collect();
        assert_eq!(ids, [Some("next".into()), Some("next".into())], "in pieces of {size}");
        assert_eq!((counters.discarded(refusal), counters.discarded_total(), counters.frames), (1, 1, 2));
        assert_eq!(counters.bytes, stream.len() as u64);
        let error = errors(&received)[0].clone();
        assert_eq!(*said.get_or_insert_with(|| error.clone()), error, "in pieces of {size}");
    }
    said.unwrap()
}

#[test]
fn every_capture_cut_at_every_byte_gives_the_same_frames() {
    for (name, stream) in captures() {
        // Between two frames a decoder keeps nothing but its place, so a cut can only matter to the frame that it goes
        // through and to the next one.
        let mut start = 0;
        for (end, _) in stream.windows(4).enumerate().filter(|(_, four)| four == b"\r\n\r\n") {
            let window = [&stream[start..end + 4], WHOLE].concat();
            start = end + 4;
            let whole = decode_all(Interest::tracker(), [&window[..]]);
            for cut in 0..=window.len() {
                let (head, tail) = window.split_at(cut);
                let halves = decode_all(Interest::tracker(), [head, tail]);
                assert!(halves == whole, "{name}: cut at {cut} of {}", window.escape_ascii());
            }
        }
        assert_eq!(start, stream.len(), "{name}");
    }
}

#[test]
fn every_capture_fed_byte_by_byte_gives_the_same_frames() {
    for (name, stream) in captures() {
        for interest in [Interest::tracker(), Interest::everything()] {
            let whole = decode_all(interest.clone(), [&stream[..]]);
            assert_eq!(errors(&whole.0), [] as [&FrameError; 0], "{name}");
            let bytes = decode_all(interest, stream.chunks(1));
            assert!(bytes == whole, "{name}");
        }
    }
}

#[test]
fn every_frame_of_a_capture_arrives_as_it_was_sent_from_where_it_stood() {
    for (name, stream) in captures() {
        let received = decode(&stream);
        let Received::Banner(version) = &received[0] else { panic!("{name} has no banner first") };
        let mut rebuilt = format!("Asterisk Call Manager/{version}\r\n").into_bytes();
        for frame in frames(&received) {
            let start = frame.offset() as usize;
            assert_eq!(stream[start..][..frame.bytes().len()], frame.bytes()[..], "{name}");
            // Asterisk sends a stray empty line now and then.
            while rebuilt.len() < start {
                rebuilt.extend_from_slice(b"\r\n");
            }
            rebuilt.extend_from_slice(frame.bytes());
            rebuilt.extend_from_slice(b"\r\n");
        }
        assert!(rebuilt == stream, "{name}");
    }
}

#[test]
fn the_engine_is_spared_what_nobody_needs_and_misses_nothing_else() {
    for (name, stream) in captures() {
        let (all, _) = decode_all(Interest::everything(), [&stream[..]]);
        let (wanted, counters) = decode_all(Interest::tracker(), [&stream[..]]);
        let wanted_by_hand = |frame: &&Frame| match frame.text("Event").as_deref() {
            None => true,
            Some("TestEvent" | "NewConnectedLine" | "RTCPSent" | "RTCPReceived") => false,
            Some("MusicOnHoldStart" | "MusicOnHoldStop") => false,
            Some("ConfbridgeStart" | "ConfbridgeJoin" | "ConfbridgeLeave" | "ConfbridgeEnd") => false,
            Some("VarSet") => matches!(frame.text("Variable").as_deref(), Some("DIALSTATUS" | "QUEUESTATUS")),
            Some(_) => true,
        };
        let by_hand: Vec<_> = frames(&all).into_iter().filter(wanted_by_hand).collect();
        assert_eq!(frames(&wanted), by_hand, "{name}");
        assert_eq!(counters.skipped, (frames(&all).len() - by_hand.len()) as u64, "{name}");
        assert!(counters.skipped > 5, "{name}");
    }
}

#[test]
fn an_empty_line_may_be_written_in_every_way_that_was_seen() {
    for end in ["\r\n\r\n", "\n\n", "\r\n\n", "\n\r\n"] {
        let stream = format!("Event: Hangup{end}Event: Newstate{end}");
        let received = decode(stream.as_bytes());
        let kinds: Vec<_> = frames(&received).iter().map(|frame| frame.kind()).collect();
        assert_eq!(kinds, [Kind::Event(b"Hangup"), Kind::Event(b"Newstate")], "{end:?}");
    }
}

#[test]
fn stray_empty_lines_between_frames_mean_nothing() {
    let stream = b"\r\n\n\r\nEvent: Hangup\r\n\r\n\r\n\n\nEvent: Newstate\n\n\r\n";
    let (received, counters) = decode_all(Interest::everything(), [&stream[..]]);
    assert_eq!(received.len(), 2);
    assert_eq!((counters.frames, counters.discarded_total(), counters.bytes), (2, 0, stream.len() as u64));
}

#[test]
fn the_greeting_is_one_line_without_an_empty_line() {
    let received = decode(b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nChallenge: 1\r\n\r\n");
    assert_eq!(received[0], Received::Banner("11.0.0".into()));
    assert_eq!(frames(&received)[0].kind(), Kind::Response(b"Success"));
    assert_eq!(frames(&received)[0].offset(), 30);
}

#[test]
fn values_are_kept_with_colons_spaces_foreign_bytes_and_repetition() {
    let frame = frame(
        b"Response: Success\r\nOutput: a: b\r\nOutput:  two spaces\r\nOutput:\r\nOutput: \xe4\xff\r\nMessage: <unknown>\r\n\r\n",
    );
    let output: Vec<_> = frame.headers().filter(|header| header.key == b"Output").map(|header| header.value).collect();
    assert_eq!(output, [&b"a: b"[..], b" two spaces", b"", b"\xe4\xff"]);
    assert_eq!(frame.get("message"), Some(&b"<unknown>"[..]));
    assert_eq!(frame.get("Absent"), None);
    assert_eq!(frame.text("Output").as_deref(), Some("a: b"));
}

#[test]
fn an_originate_response_is_an_event_though_it_has_a_response_header() {
    let frame = frame(b"Event: OriginateResponse\r\nActionID: x\r\nResponse: Failure\r\n\r\n");
    assert_eq!(frame.kind(), Kind::Event(b"OriginateResponse"));
    assert_eq!(frame.text("Response").as_deref(), Some("Failure"));
}

#[test]
fn a_frame_up_to_the_limit_passes_and_a_longer_one_costs_only_itself() {
    let of_length = |length: usize| {
        let mut stream = b"Event: Newchannel\r\n".to_vec();
        while stream.len() < length {
            let line = (length - stream.len()).min(4000);
            stream.extend_from_slice(b"X:");
            stream.resize(stream.len() + line.saturating_sub(4), b'x');
            stream.extend_from_slice(b"\r\n");
        }
        assert_eq!(stream.len(), length);
        stream
    };
    let whole = [of_length(MAX_FRAME), b"\r\n".to_vec()].concat();
    assert_eq!(frame(&whole).bytes().len(), MAX_FRAME);
    // Without its last line end, which `costs_only_itself` adds.
    let longer = of_length(MAX_FRAME + 1);
    let error = costs_only_itself(&longer[..longer.len() - 2], Refusal::FrameTooLong);
    assert_eq!((error.offset, error.excerpt.as_str()), (NEXT.len() as u64, "Event: Newchannel"));
    costs_only_itself(&of_length(10 * MAX_FRAME), Refusal::FrameTooLong);
}

#[test]
fn a_line_up_to_the_limit_passes_and_a_longer_one_costs_its_frame() {
    let with_line = |length: usize| format!("Event: Newchannel\r\nX: {}", "x".repeat(length - 3)).into_bytes();
    assert_eq!(decode(&[&with_line(MAX_LINE)[..], b"\r\n\r\n"].concat()).len(), 1);
    let error = costs_only_itself(&with_line(MAX_LINE + 1), Refusal::LineTooLong);
    assert_eq!(error.offset, NEXT.len() as u64 + 19);
    assert!(error.excerpt.len() <= MAX_EXCERPT && error.excerpt.ends_with("xxx..."), "{}", error.excerpt);
}

#[test]
fn an_endless_first_line_is_bounded_too() {
    let first_line = |length: usize| format!("Event: {}", "x".repeat(length - 7)).into_bytes();
    assert_eq!(decode(&[&first_line(MAX_LINE)[..], b"\r\n\r\n"].concat()).len(), 1);
    costs_only_itself(&first_line(MAX_LINE + 1), Refusal::LineTooLong);
    costs_only_itself(&first_line(3 * MAX_FRAME), Refusal::LineTooLong);
    costs_only_itself(&[b"Asterisk Call Manager/".to_vec(), vec![b'1'; MAX_LINE]].concat(), Refusal::LineTooLong);
}

#[test]
fn as_many_headers_as_the_limit_pass_and_one_more_costs_its_frame() {
    let with_headers = |count: usize| format!("Event: Newchannel{}", "\r\nX: 1".repeat(count - 1)).into_bytes();
    assert_eq!(decode(&[&with_headers(MAX_HEADERS)[..], b"\r\n\r\n"].concat()).len(), 1);
    costs_only_itself(&with_headers(MAX_HEADERS + 1), Refusal::TooManyHeaders);
}

#[test]
fn a_line_that_is_no_header_costs_its_frame() {
    let error = costs_only_itself(b"Event: Hangup\r\nno colon\x07 here\r\nCause: 16", Refusal::NotAHeader);
    assert_eq!((error.offset, error.excerpt.as_str()), (NEXT.len() as u64 + 15, r"no colon\x07 here"));
    assert_eq!(error.to_string(), r#"line that is not "Key: value" at byte 52: "no colon\x07 here""#);
    costs_only_itself(b"Event: Hangup\r\n: no key", Refusal::NotAHeader);
    costs_only_itself(b"complete nonsense", Refusal::NotAHeader);
    costs_only_itself(b"complete nonsense\r\nEvent: Hangup", Refusal::NotAHeader);
}

#[test]
fn a_nul_byte_costs_its_frame() {
    let error = costs_only_itself(b"Event: Hangup\r\nCause: 1\x006", Refusal::Nul);
    assert_eq!(error.excerpt, r"Cause: 1\x006");
}

#[test]
fn the_rear_part_of_a_torn_frame_is_refused() {
    // A caller's number with an empty line in it.
    costs_only_itself(b"CallerIDName: <unknown>\r\nUniqueid: 1.1", Refusal::Headless);
}

#[test]
fn a_header_forged_by_a_line_break_in_a_value_costs_the_frame() {
    for forged in [
        "Event: Hangup\r\nCallerIDNum: 1\r\nUniqueid: other\r\nUniqueid: 1.1",
        "Event: Hangup\r\nCallerIDNum: 1\r\nuniqueid: other\r\nUniqueid: 1.1",
        "Event: Hangup\r\nExten: s\r\nLinkedid: 2.2\r\nUniqueid: 1.1\r\nLinkedid: 1.1",
        "Event: Newstate\r\nCallerIDNum: 1\r\nEvent: Hangup\r\nUniqueid: 1.1",
        "Event: CoreShowChannel\r\nActionID: a-1\r\nAccountCode: 1\r\nActionID: a-2\r\nUniqueid: 1.1",
        "Event: OriginateResponse\r\nResponse: Failure\r\nExten: 1\r\nResponse: Success",
        "Event: VarSet\r\nExten: s\r\nVariable: DIALSTATUS\r\nVariable: BRIDGEPEER\r\nValue: x",
        "Event: VarSet\r\nVariable: DIALSTATUS\r\nValue: BUSY\r\nValue: ANSWER",
        "Response: Success\r\nMessage: x\r\nEvent: Hangup\r\nUniqueid: 1.1",
        "Response: Error\r\nMessage: x\r\nResponse: Success",
    ] {
        costs_only_itself(forged.as_bytes(), Refusal::Forged);
    }
}

#[test]
fn a_forged_variable_in_front_of_a_wanted_one_is_refused_not_skipped() {
    let stream = b"Event: VarSet\r\nExten: s\r\nVariable: BRIDGEPEER\r\nVariable: DIALSTATUS\r\nValue: x\r\n\r\n";
    let (received, counters) = decode_all(Interest::tracker(), [&stream[..]]);
    assert_eq!(refusals(&received), [Refusal::Forged]);
    assert_eq!(counters.skipped, 0);
}

#[test]
fn a_dialplan_event_may_repeat_what_its_channel_says_but_not_contradict_it() {
    let event = |id: &str| format!("Event: UserEvent\r\nUniqueid: 1.1\r\nUserEvent: CallTag\r\nUniqueid: {id}\r\n\r\n");
    assert_eq!(refusals(&decode(event("1.1").as_bytes())), []);
    assert_eq!(refusals(&decode(event("2.2").as_bytes())), [Refusal::Forged]);
}

#[test]
fn repeated_headers_that_asterisk_itself_sends_are_accepted() {
    for stream in [
        "Event: TestEvent\r\nType: StateChange\r\nState: A\r\nState: B\r\n\r\n",
        "Event: Newchannel\r\nUniqueid: 1.1\r\nChanVariable: a=1\r\nChanVariable: b=2\r\n\r\n",
        "Event: DialBegin\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\nDestUniqueid: 1.2\r\nDestLinkedid: 1.1\r\n\r\n",
        "Event: Status\r\nUniqueid: 1.1\r\nVariable: a=1\r\nVariable: b=2\r\n\r\n",
    ] {
        assert_eq!(refusals(&decode(stream.as_bytes())), [], "{stream}");
    }
}

#[test]
fn a_capture_of_several_connections_loses_no_frame_where_one_follows_the_other() {
    let once = BANNER_AND_EVENTS.concat();
    let (received, counters) = decode_all(Interest::tracker(), [&once[..], &once[..]]);
    assert_eq!(refusals(&received), []);
    assert_eq!(counters.frames, 4);
}

/// A connection whose events have a stamp.
const BANNER_AND_EVENTS: [&[u8]; 3] = [
    b"Asterisk Call Manager/5.0.4\r\n",
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1\r\nLastReload: 1\r\n\r\n",
    b"Event: DeviceStateChange\r\nPrivilege: call,all\r\nTimestamp: 1795336414.768735\r\nDevice: PJSIP/101\r\nState: INUSE\r\n\r\n",
];

#[test]
fn a_stream_that_ends_inside_a_frame_says_so() {
    let (received, counters) = decode_all(Interest::everything(), [NEXT, b"Event: Hangup\r\nCause: 1"]);
    assert_eq!(refusals(&received), [Refusal::CutShort]);
    assert_eq!(counters.bytes, NEXT.len() as u64 + 23);
    assert_eq!(refusals(&decode(b"Event: Hang")), [Refusal::CutShort]);
    assert_eq!(refusals(&decode(&[NEXT, b"\r\n\r"].concat())), []);
}

#[test]
fn a_skipped_event_never_fills_the_buffer_however_long_it_is() {
    let mut decoder = FrameDecoder::new(Interest::tracker());
    let mut buffer = BytesMut::new();
    buffer.extend_from_slice(b"Event: TestEvent\r\n");
    for _ in 0..1000 {
        buffer.extend_from_slice(&[b'x'; 4096]);
        assert_eq!(decoder.decode(&mut buffer), None);
        assert!(buffer.len() <= 2048, "{} bytes kept", buffer.len());
    }
    buffer.extend_from_slice(b"\r\n\r\n");
    buffer.extend_from_slice(NEXT);
    assert!(matches!(decoder.decode(&mut buffer), Some(Received::Frame(_))));
    assert_eq!((decoder.counters().skipped, decoder.counters().discarded_total()), (1, 0));
}

#[test]
fn a_refused_frame_never_fills_the_buffer_however_long_it_is() {
    let mut decoder = FrameDecoder::new(Interest::tracker());
    let mut buffer = BytesMut::new();
    buffer.extend_from_slice(b"Event: Hangup\r\n");
    let mut refused = 0;
    for _ in 0..1000 {
        buffer.extend_from_slice(b"X: ");
        buffer.extend_from_slice(&[b'x'; 4096]);
        buffer.extend_from_slice(b"\r\n");
        refused += usize::from(decoder.decode(&mut buffer).is_some());
        assert!(buffer.len() <= MAX_FRAME + 8192, "{} bytes kept", buffer.len());
    }
    assert_eq!(refused, 1);
    assert_eq!(decoder.counters().discarded(Refusal::FrameTooLong), 1);
}

#[test]
fn a_response_passes_whatever_the_interest() {
    let stream = b"Response: Error\r\nActionID: 1\r\nMessage: Permission denied\r\n\r\n";
    assert_eq!(decode_all(Interest::tracker(), [&stream[..]]).0.len(), 1);
}

/// Lines as Asterisk may send them: no key that stands once, no line end inside.
fn header_lines() -> impl Strategy<Value = Vec<(String, String)>> {
    let key = "[A-Za-z][A-Za-z0-9-]{0,20}".prop_filter("stands once", |key| {
        !["event", "response", "actionid", "uniqueid", "linkedid"].contains(&&*key.to_ascii_lowercase())
    });
    proptest::collection::vec((key, "[^\0\r\n]{0,60}"), 0..30)
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        name in "[A-Za-z]{1,20}",
        lines in header_lines(),
        end in prop_oneof![Just("\r\n"), Just("\n")],
        size in 1_usize..200,
    ) {
        let mut stream = format!("Event: {name}{end}");
        for (key, value) in &lines {
            stream += &format!("{key}: {value}{end}");
        }
        stream += end;
        let (received, _) = decode_all(Interest::everything(), stream.as_bytes().chunks(size));
        prop_assert_eq!(received.len(), 1);
        let frames = frames(&received);
        prop_assert_eq!(frames[0].kind(), Kind::Event(name.as_bytes()));
        let read: Vec<_> = frames[0].headers().skip(1)
            .map(|header| (String::from_utf8(header.key.into()).unwrap(), String::from_utf8(header.value.into()).unwrap()))
            .collect();
        prop_assert_eq!(read, lines);
    }

    #[test]
    fn no_bytes_make_it_fail_and_no_cut_changes_what_it_says(
        noise in proptest::collection::vec(
            prop_oneof![
                Just(b"\r\n".to_vec()), Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just(b"\n\n".to_vec()),
                Just(b"Event: ".to_vec()), Just(b"Event: Hangup\r\n".to_vec()), Just(b"Event: VarSet\r\n".to_vec()),
                Just(b"Variable: DIALSTATUS\r\n".to_vec()), Just(b"Variable: X\n".to_vec()),
                Just(b"Response: ".to_vec()), Just(b"Uniqueid: 1\r\n".to_vec()), Just(b"Event: TestEvent\n".to_vec()),
                Just(b"Asterisk Call Manager/".to_vec()), Just(b"Asterisk".to_vec()), Just(vec![b'x'; 5000]),
                proptest::collection::vec(any::<u8>(), 0..8),
            ],
            0..40,
        ),
        size in 1_usize..50,
    ) {
        let stream = noise.concat();
        let whole = decode_all(Interest::tracker(), [&stream[..]]);
        prop_assert_eq!(whole.1.bytes, stream.len() as u64);
        let pieces = decode_all(Interest::tracker(), stream.chunks(size));
        prop_assert!(pieces == whole, "{:?}\n{:?}", pieces, whole);
    }
}
