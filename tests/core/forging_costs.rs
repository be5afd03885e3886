//! What a caller writes into a number may cost the caller's own event, and never the next one, which is another's.

use crate::ami::captures;
use crate::forging::{NUMBER, believed, costs_only_itself, pieces, unstamped};

/// Texts that end their own event early, begin another one, or break their line, as long as a number at most.
const TEXTS: &[&str] = &[
    "5\nX: 1",
    "5\r\nX: 1",
    "5\nConnectedLineNum: 1",
    "5\r\nLinkedid: 1",
    "5\r\n\r\nX: 1",
    "5\nPriority:\nUniqueid:\nLinkedid: \n\nEvent: CEL\r\nPrivilege: \r\nExten: ",
    "5\nPriority:\nUniqueid:\nLinkedid: \n\nEvent: Q\r\nPrivilege: \r\nTimestamp: \r\nExten: ",
    "5\r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\nEvent: Q\r\nX: ",
    "\n\nEvent: Q\nPrivilege: \nChannel: \nChannelState: \nChannelStateDesc: \nX: ",
    "\n\nEvent: Hold\r\nPrivilege: call,all\r\nChannel: x/y\r\nChannelState: 6\r\n",
    "\r\n\r\nEvent: Cdr\r\nPrivilege: cdr,all\r\nAccountCode: \r\nSource: \r\nDestination: ",
    "\r\n\r\nEvent: ExtensionStatus\r\nPrivilege: call,all\r\nExten: \r\nContext: \r\nX: ",
    "\r\n\r\nEvent: CEL\r\nPrivilege: call,all\r\nEventName: HANGUP\r\nAccountCode: \r\n",
    "\r\n\r\nResponse: Success\r\nActionID: 1\r\nExten: ",
];

/// In each event that bears a number, also in those that nobody needs.
fn try_all(name: &str, stream: &[u8]) -> usize {
    let pieces = pieces(stream);
    let mut tried = 0;
    for (at, piece) in pieces.iter().enumerate().skip(8) {
        for place in
            ["\nCallerIDNum: ", "\nExten: ", "ConnectedLineNum: ", "DestCallerIDNum: ", "\nExtension: ", "\nAppData: "]
        {
            let Some(found) = memchr::memmem::find(piece, place.as_bytes()) else { continue };
            let text = TEXTS[tried % TEXTS.len()];
            tried += 1;
            assert!(text.len() < NUMBER, "{} bytes: {text}", text.len());
            let (head, tail) = piece.split_at(found + place.len());
            let after = pieces.get(at + 1).copied().unwrap_or_default();
            costs_only_itself(name, &pieces[..at].concat(), &[head, text.as_bytes(), tail].concat(), after);
        }
    }
    tried
}

#[test]
fn what_stands_in_a_number_costs_no_event_of_another() {
    let tried: usize = captures().iter().map(|(name, stream)| try_all(name, stream)).sum();
    assert!(tried > 10 * TEXTS.len(), "{tried}");
}

#[test]
fn nor_where_events_bear_no_stamps() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_a")) {
        let text = String::from_utf8(stream).unwrap();
        let unstamped = unstamped(&text);
        tried += try_all(&name, unstamped.as_bytes());
    }
    assert!(tried > 2 * TEXTS.len(), "{tried}");
}

/// One number stands behind the snapshot twice: where it was dialled, and where the dialplan hands it on.
#[test]
fn the_end_of_a_queue_call_is_not_believed_without_the_callers_snapshot() {
    let (_, stream) = captures().into_iter().find(|(name, _)| name.contains("22/queue_answered")).unwrap();
    let pieces = pieces(&stream);
    let at = pieces.iter().position(|piece| piece.starts_with(b"Event: Newexten")).unwrap();
    let text = String::from_utf8(pieces[at].to_vec()).unwrap();
    let line = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
    let head = "5\r\n\r\nEvent: AgentComplete\r\nPrivilege: agent,all";
    let stamped = format!("{head}\r\n{}", line("Timestamp: "));
    for rest in ["1\r\nUserEvent: \r\nUniqueid: victim\r\nQueue: q\r\nTalkTime: 1", "1\r\nQueue: q\r\nTalkTime: 1"] {
        assert!(stamped.len() < NUMBER && rest.len() < NUMBER);
        let torn = text
            .replace(line("Extension: "), &format!("Extension: {stamped}"))
            .replace(line("AppData: "), &format!("AppData: {rest}"));
        let with = believed([&[&pieces[..at].concat()[..], torn.as_bytes(), pieces[at + 1]].concat()[..]]);
        assert!(!with.iter().any(|frame| frame.starts_with(b"Event: AgentComplete")), "{rest}");
    }
}
