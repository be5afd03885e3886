//! A call whose event was refused, because a line break tore it or stood around it, is not recorded as seen in full; every other call is.

use crate::stream::{Driver, FORGOTTEN_MS, Line, rules};
use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Stamped};
use callbackd_core::model::Quality;
use callbackd_core::tracker::Input;

const START: i64 = 1_800_000_000_000;

/// Events as a live Asterisk writes them.
fn written(events: &str) -> String {
    let live = events.replace("ChannelStateDesc: ?", "ChannelStateDesc: Ring");
    let head = "\r\nPrivilege: call,all\r\nTimestamp: 1800000000.000000\r\n";
    let event = |event: &str| event.replacen("\r\n", head, 1);
    live.split_inclusive("\r\n\r\n").map(event).collect()
}

/// What is said goes through the decoder into the tracker, as in the daemon.
fn hear(decoder: &mut FrameDecoder, driver: &mut Driver, stream: &str) {
    let mut buffer = BytesMut::from(stream);
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        match &received {
            Received::Frame(frame) => driver.give(Input::Event(&Stamped::parse(frame).unwrap())),
            Received::Discarded(error) => {
                if let Some(channel) = error.of_channel.as_deref() {
                    driver.give(Input::Refused { channel });
                }
            }
            Received::Banner(_) => {}
        }
    }
}

/// Three callers, of whom something is said in the middle of their calls, and all of whom hang up: what is recorded of each.
fn recorded(said: impl Fn(&[Line; 3]) -> String) -> Vec<Quality> {
    let mut driver = Driver::linked(rules(), START);
    let mut decoder = FrameDecoder::live(Interest::tracker());
    let callers = ["a.1", "b.1", "c.1"].map(Line::customer);
    let each = |event: fn(&Line) -> String| written(&callers.each_ref().map(event).concat());
    hear(&mut decoder, &mut driver, &each(Line::begins));
    hear(&mut decoder, &mut driver, &said(&callers));
    hear(&mut decoder, &mut driver, &each(Line::hangs_up));
    driver.pass(FORGOTTEN_MS);
    driver.rows().into_iter().map(|row| row.quality).collect()
}

#[test]
fn calls_of_which_all_is_believed_are_seen_in_full() {
    let quality = recorded(|[a, b, _]| written(&(a.event("Newstate", &[]) + &b.event("Newstate", &[]))));
    assert_eq!(quality, [Quality::Full; 3]);
}

#[test]
fn who_breaks_the_lines_of_their_own_event_is_seen_in_part_and_nobody_else() {
    for text in
        ["5\r\n\r\nX: 1", "5\r\nUniqueid: b.1", "5\r\n\r\nEvent: Hangup\r\nChannel: PJSIP/trunk-b.1\r\nUniqueid: b.1"]
    {
        let quality = recorded(|[a, _, c]| {
            written(&a.event("Newstate", &[])).replace("12025550123", text) + &written(&c.event("Hold", &[]))
        });
        assert_eq!(quality, [Quality::Partial, Quality::Full, Quality::Full], "{text}");
    }
}

#[test]
fn whose_event_stands_between_a_torn_one_and_the_rest_of_it_is_seen_in_part_too() {
    let quality = recorded(|[a, b, c]| {
        let torn = written(&a.event("Newstate", &[]));
        let (front, rest) = torn.split_at(torn.find("\r\nCallerIDName").unwrap());
        let between = written(&b.event("Hold", &[]));
        [front, "\r\n\r\n", &between, &rest[2..], &written(&c.event("Hold", &[]))].concat()
    });
    assert_eq!(quality, [Quality::Partial, Quality::Partial, Quality::Full]);
}

/// Asterisk on a busy machine writes it a moment after both have gone: it names no channel, and is no caller's.
#[test]
fn a_talk_that_is_summed_up_when_all_have_gone_costs_nobody_an_event() {
    let summed_up = "Event: AgentComplete\r\nPrivilege: agent,all\r\nTimestamp: 1800000000.000000\r\nSystemName: pbx\r\nQueue: sales\r\n\
                     Interface: PJSIP/101\r\nMemberName: Agent 101\r\nHoldTime: 1\r\nTalkTime: 5\r\nReason: caller\r\n\r\n";
    let device = "Event: DeviceStateChange\r\nPrivilege: call,all\r\nTimestamp: 1800000000.000000\r\nSystemName: pbx\r\nDevice: PJSIP/101\r\n\
                  State: INUSE\r\n\r\n";
    let first = written(&Line::customer("a.1").begins());
    let heard = |stream: &str| {
        let (mut decoder, mut buffer) = (FrameDecoder::live(Interest::tracker()), BytesMut::from(stream));
        std::iter::from_fn(move || decoder.decode_idle(&mut buffer)).collect::<Vec<_>>()
    };
    let with = heard(&[&first, summed_up, device].concat());
    assert!(with.iter().all(|received| matches!(received, Received::Frame(_))), "{with:?}");
    assert_eq!(with.len(), 2, "it says nothing of any call");
    // With a header that it has not, or without one that it has, it is what it was: the rest of another.
    for wrong in [
        summed_up.replace("Reason: caller", "Reason: caller\r\nUniqueid: a.1"),
        summed_up.replace("HoldTime: 1\r\n", ""),
    ] {
        let with = heard(&[&first, &*wrong].concat());
        assert!(matches!(with[..], [Received::Frame(_), Received::Discarded(_)]), "{wrong}: {with:?}");
    }
}
