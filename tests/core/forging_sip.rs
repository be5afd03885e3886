//! chan_sip lets longer numbers through than PJSIP: what fits into one of those is not believed either.

use crate::ami::captures;
use crate::forging::{believed, pieces, unstamped};

/// What was seen of a number on Asterisk 16.
const NUMBER: usize = 220;

/// Events of every kind that is shorter than that, with a member, a bridge or a channel of another's in them.
const FORGED: [&str; 8] = [
    "Event: QueueMemberPause\r\nPrivilege: a,all\r\nQueue: q\r\nMemberName: m\r\nInterface: SIP/1\r\nStateInterface: SIP/1\r\nMembership: s\r\n\
     Penalty: 0\r\nCallsTaken: 0\r\nLastCall: 0",
    "Event: QueueMemberRemoved\r\nPrivilege: cc,all\r\nQueue: q\r\nMemberName: m\r\nInterface: SIP/1\r\nStateInterface: S\r\nMembership: s\r\n\
     Penalty: 0\r\nCallsTaken: 0\r\nLastCall: 0",
    "Event: BridgeDestroy\r\nPrivilege: call,all\r\nBridgeUniqueid: b\r\nBridgeType: b\r\nBridgeTechnology: s\r\nBridgeCreator: \r\n\
     BridgeName: \r\nBridgeNumChannels: 0",
    "Event: Rename\r\nPrivilege: call,all\r\nChannel: SIP/victim-1\r\nNewname: SIP/other-1\r\nUniqueid: victim",
    "Event: OriginateResponse\r\nPrivilege: call,all\r\nResponse: Failure\r\nReason: 0\r\nUniqueid: victim\r\nCallerIDNum: 1\r\nCallerIDName: 1",
    "Event: VarSet\r\nPrivilege: dialplan,all\r\nChannel: none\r\nUniqueid: none\r\nVariable: CALLBACKD_ACTIVE\r\nValue: x",
    "Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: SIP/1\r\nState: INUSE",
    "Event: Shutdown\r\nPrivilege: system,all\r\nRestart: False",
];

/// The capture as chan_sip's channels would have written it, its events in pieces.
fn of_chan_sip(stream: &[u8]) -> String {
    String::from_utf8(stream.to_vec()).unwrap().replace("PJSIP/", "SIP/")
}

/// Nothing of what was forged is believed, and no event about another's channel is lost. One that is shorter than such a number waits for the lists.
fn costs_only_itself(name: &str, before: &[u8], torn: &[u8], after: &[u8]) {
    let with = believed([&[before, torn, after].concat()[..]]);
    for frame in &with {
        let frame = frame.escape_ascii().to_string();
        let forged = ["victim", "SIP/1\\r", "Queue: q\\r", "BridgeUniqueid: b\\r", "CALLBACKD_ACTIVE", "Shutdown"];
        assert!(
            !forged.iter().any(|mark| frame.contains(mark)),
            "{name}: {} makes believe {frame}",
            torn.escape_ascii()
        );
    }
    let of_a_channel = |frame: &Vec<u8>| memchr::memmem::find(frame, b"\nChannelState: ").is_some();
    for frame in believed([before]).into_iter().chain(believed([after])).filter(of_a_channel) {
        assert!(with.contains(&frame), "{name}: {} has {} lost", torn.escape_ascii(), frame.escape_ascii());
    }
}

fn try_all(name: &str, stream: &str, stamp: &str) -> usize {
    let pieces = pieces(stream.as_bytes());
    let first = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
    let mut tried = 0;
    for (at, piece) in pieces.iter().enumerate().skip(first) {
        let number = |place: &&str| memchr::memmem::find(piece, place.as_bytes()).map(|found| found + place.len());
        let Some(snapshot) = number(&"\nCallerIDNum: ") else { continue };
        // Once in the snapshot, and once more behind it, where the dialplan or Asterisk writes the number again.
        for behind in ["\nValue: ", "\nAppData: ", "\nExtension: ", "\nConnectedLineNum: ", "\nDestConnectedLineNum: "]
        {
            let Some(second) = number(&behind).filter(|second| *second > snapshot) else { continue };
            let forged = FORGED[tried % FORGED.len()].replacen("all\r\n", &format!("all\r\n{stamp}"), 1);
            let end = if tried % 3 == 0 { "\r\n\r\n" } else { "\r\n\r\nEvent: Q\r\nX: " };
            let text = format!("\r\n\r\n{forged}{end}");
            assert!(text.len() <= NUMBER + 25, "{}: {text}", text.len());
            tried += 1;
            let torn =
                [&piece[..snapshot], text.as_bytes(), &piece[snapshot..second], text.as_bytes(), &piece[second..]];
            let after = pieces.get(at + 1).copied().unwrap_or_default();
            costs_only_itself(name, &pieces[..at].concat(), &torn.concat(), after);
            // Nor is it in the events that nobody needs.
            let cel = format!(
                "Event: CEL\r\nPrivilege: call,all\r\n{stamp}EventName: CHAN_START\r\nAccountCode: \r\nCallerIDnum: {text}\r\n\
                 CallerIDname: \r\nExten: 1\r\nChannel: SIP/a-1\r\nUniqueID: 1.1\r\nLinkedID: 1.1\r\n\r\n"
            );
            costs_only_itself(name, &pieces[..=at].concat(), cel.as_bytes(), after);
        }
    }
    tried
}

#[test]
fn what_fits_into_a_number_of_chan_sip_is_not_believed() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_a")) {
        tried += try_all(&name, &of_chan_sip(&stream), "Timestamp: 1795336414.768735\r\n");
    }
    assert!(tried > 4 * FORGED.len(), "{tried}");
}

#[test]
fn nor_where_events_bear_no_stamps() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_a")) {
        tried += try_all(&name, &unstamped(&of_chan_sip(&stream)), "");
    }
    assert!(tried > 4 * FORGED.len(), "{tried}");
}

/// Else a line break in a number would cost what the queue says of its members.
#[test]
fn beside_a_torn_event_of_another_driver_members_are_believed_as_before() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let at = pieces.iter().position(|piece| piece.starts_with(b"Event: QueueMemberStatus")).unwrap();
    let (before, member) = (pieces[..at].concat(), pieces[at]);
    let number = memchr::memmem::find(pieces[at - 1], b"\r\n").unwrap();
    assert!(number > 0);
    let torn = "Event: CEL\r\nPrivilege: call,all\r\nTimestamp: 1795336414.768735\r\nCallerIDnum: 5\r\n\r\nExten: 1\r\nUniqueID: 1.1\r\n\r\n";
    let with = |driver: &str| {
        let all = [&before[..], torn.as_bytes(), member].concat();
        believed([of_chan_sip(&all).replace("SIP/", driver).as_bytes()])
            .last()
            .unwrap()
            .starts_with(b"Event: QueueMemberStatus")
    };
    assert!(with("PJSIP/"));
    assert!(!with("SIP/"), "it would fit into a number");
}
