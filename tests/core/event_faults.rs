//! Events that are malformed: what is shown with marks, and what is refused with its header.

use crate::ami::{decode, frame};
use crate::events::{channel, event, is_refused, reads_as, snapshot};
use callbackd_core::ami::event::Event;
use callbackd_core::ami::{EventFault, Received, Stamped};
use proptest::prelude::*;

#[test]
fn text_that_is_not_utf_8_is_shown_with_marks_not_lost() {
    let frame = frame(b"Event: Newchannel\r\nUniqueid: 1.1\r\nCallerIDName: J\xfcrgen\r\n\r\n");
    let Event::Newchannel(channel) = Stamped::parse(&frame).unwrap().event else { panic!("not a Newchannel") };
    assert_eq!(channel.caller_name, "J\u{fffd}rgen");
}

#[test]
fn control_characters_are_shown_with_marks_and_obeyed_by_nobody() {
    let name = "\x1b[2J\x07 a\tb \u{9b}31m \x7f \u{a0}\u{c2}é";
    let frame = frame(format!("Event: Newchannel\r\nUniqueid: 1.1\r\nCallerIDName: {name}\r\n\r\n").as_bytes());
    let Event::Newchannel(channel) = Stamped::parse(&frame).unwrap().event else { panic!("not a Newchannel") };
    assert_eq!(channel.caller_name, "\u{fffd}[2J\u{fffd} a\u{fffd}b \u{fffd}31m \u{fffd} \u{a0}\u{c2}é");
}

#[test]
fn text_is_borrowed_from_the_frame() {
    let frame = event(&format!("Event: Newchannel\n{}", snapshot("", "1")));
    let Event::Newchannel(channel) = Stamped::parse(&frame).unwrap().event else { panic!("not a Newchannel") };
    for text in [channel.name, channel.uniqueid, channel.linkedid, channel.caller_num, channel.context, channel.exten] {
        assert!(matches!(text, std::borrow::Cow::Borrowed(_)), "{text} was copied");
    }
}

#[test]
fn an_event_without_what_it_is_about_is_refused() {
    is_refused("Event: Newchannel\nChannel: PJSIP/1-1", "Uniqueid", EventFault::Missing);
    is_refused("Event: Newchannel\nUniqueid: ", "Uniqueid", EventFault::Missing);
    is_refused(&format!("Event: DialBegin\n{}", snapshot("", "1")), "DestUniqueid", EventFault::Missing);
    is_refused(&format!("Event: DialEnd\n{}", snapshot("Dest", "1")), "DialStatus", EventFault::Missing);
    is_refused(&format!("Event: BridgeEnter\n{}", snapshot("", "1")), "BridgeUniqueid", EventFault::Missing);
    is_refused(&format!("Event: QueueCallerJoin\n{}", snapshot("", "1")), "Queue", EventFault::Missing);
    is_refused("Event: QueueMember\nQueue: sales\nName: Erin", "Interface", EventFault::Missing);
}

#[test]
fn a_malformed_number_is_named_with_its_place() {
    let frame = event("Event: Hangup\nUniqueid: 1.1\nCause: six\x1bteen");
    let error = Stamped::parse(&frame).unwrap_err();
    assert_eq!(error.to_string(), r#"Hangup: header Cause is malformed at byte 37: "six\x1bteen""#);
    assert_eq!(error.offset, 37);
    is_refused("Event: Newstate\nUniqueid: 1.1\nChannelState: 256", "ChannelState", EventFault::Malformed);
    is_refused("Event: DialBegin\nDestUniqueid: 1.1\nDestChannelState: x", "DestChannelState", EventFault::Malformed);
    is_refused("Event: FullyBooted\nUptime: 1.5", "Uptime", EventFault::Malformed);
    is_refused("Event: FullyBooted\nTimestamp: now", "Timestamp", EventFault::Malformed);
    is_refused(
        "Event: BridgeCreate\nBridgeUniqueid: b\nBridgeNumChannels: two",
        "BridgeNumChannels",
        EventFault::Malformed,
    );
    is_refused("Event: CoreShowChannel\nUniqueid: 1.1\nDuration: 62", "Duration", EventFault::Malformed);
}

#[test]
fn a_duration_that_a_clock_step_made_negative_is_zero() {
    reads_as(
        &format!("Event: QueueCallerAbandon\n{}\nQueue: sales\nPosition: 1\nHoldTime: -3590", snapshot("", "1")),
        Event::QueueCallerAbandon { channel: channel("1"), queue: "sales".into(), position: 1, hold_time_s: 0 },
    );
}

#[test]
fn a_header_forged_by_a_line_break_is_refused_wherever_it_stands() {
    // A caller's number with a line break forges a queue, a context, a state.
    let join = "Event: QueueCallerJoin\nUniqueid: 1.1\nCallerIDNum: 1\nQueue: vip\nQueue: sales\nPosition: 1";
    is_refused(join, "Queue", EventFault::Duplicated);
    is_refused("Event: Newstate\nUniqueid: 1.1\nExten: s\nContext: a\nContext: b", "Context", EventFault::Duplicated);
    is_refused("Event: Hangup\nUniqueid: 1.1\nCause: 16\nCause: 17", "Cause", EventFault::Duplicated);
    is_refused("Event: FullyBooted\nTimestamp: 1.0\nTimestamp: 2.0", "Timestamp", EventFault::Duplicated);
    is_refused(
        "Event: DialBegin\nDestUniqueid: 1.1\nDestExten: s\nDestUniqueid: 1.2",
        "DestUniqueid",
        EventFault::Duplicated,
    );
}

#[test]
fn a_response_is_no_event() {
    is_refused("Response: Success\nMessage: x", "Event", EventFault::NotAnEvent);
}

proptest! {
    #[test]
    fn no_values_make_it_panic(
        name in prop_oneof![
            Just("Newchannel"), Just("Hangup"), Just("DialEnd"), Just("BridgeMerge"), Just("AttendedTransfer"),
            Just("UnParkedCall"), Just("AgentConnect"), Just("QueueMemberPause"), Just("QueueEntry"), Just("VarSet"),
            Just("UserEvent"), Just("CoreShowChannel"), Just("OriginateResponse"), Just("Shutdown"), Just("Nonsense"),
        ],
        headers in proptest::collection::vec((
            "(Dest|To|From|OrigTransferer|Parkee)?(Uniqueid|ChannelState|BridgeUniqueid|BridgeNumChannels|Queue|Interface|Cause|Duration|Timestamp|UserEvent|Variable|HoldTime|Status|Paused)",
            proptest::collection::vec(any::<u8>().prop_filter("ends the line", |byte| !matches!(byte, 0 | b'\n')), 0..12),
        ), 0..12),
    ) {
        let mut stream = format!("Event: {name}\n").into_bytes();
        for (key, value) in headers {
            stream.extend([key.as_bytes(), b": ", &value, b"\n"].concat());
        }
        stream.push(b'\n');
        for received in decode(&stream) {
            if let Received::Frame(frame) = received
                && let Err(error) = Stamped::parse(&frame)
            {
                prop_assert!(error.excerpt.len() <= 64 && error.offset < stream.len() as u64);
            }
        }
    }
}
