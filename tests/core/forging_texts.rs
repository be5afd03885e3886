//! A caller whose name, number and number dialled a dialplan puts into one text of its own, as `NoOp(${CALLERID(all)} to ${EXTEN})` does: more than a
//! field holds, and behind it nothing of Asterisk's needs to stand.

use crate::ami::captures;
use crate::forging::{believed, pieces, unstamped};

/// A field of a caller's.
const FIELD: usize = 79;
const MEMBER: &str = "Queue: sales\r\nMemberName: a\r\nInterface: Local/victim/n\r\nStateInterface: \r\nMembership: \r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0";
/// What somebody acts on and three fields hold; `@` is a stamp. Behind it what makes the text's end a part of it, or leaves it outside.
const EVENTS: [&str; 10] = [
    "Event: QueueMemberAdded\r\nPrivilege: cc,all\r\n@%",
    "Event: QueueMemberAdded\r\nPrivilege: cc,all\r\n@%\r\nStatus: 1",
    "Event: QueueMemberRemoved\r\nPrivilege: cc,all\r\n@%\r\nInCall: 0\r\nStatus: 1\r\nPaused: 0\r\nPausedReason: \r\nRinginuse: ",
    "Event: QueueMemberPause\r\nPrivilege: cc,all\r\n@%",
    "Event: QueueMemberAdded\r\nPrivilege: cc,all\r\n@Queue: q\r\nMemberName: \r\nInterface: victim\r\nStateInterface: \r\nMembership: \r\nPenalty: \r\nCallsTaken: \r\nLastCall: \r\nInCall: \r\nStatus: 1\r\nPaused: \r\nPausedReason: \r\nRinginuse: ",
    "Event: Rename\r\nPrivilege: cc,all\r\n@Channel: PJSIP/a-1\r\nNewname: PJSIP/b-1\r\nUniqueid: victim",
    "Event: OriginateResponse\r\nPrivilege: cc,all\r\n@Response: Failure\r\nReason: 0\r\nUniqueid: victim\r\nCallerIDNum: 1\r\nCallerIDName: 1",
    "Event: UserEvent\r\nPrivilege: cc,all\r\n@UserEvent: CallTag\r\nCode: SPAM\r\nAgent: victim",
    "Event: VarSet\r\nPrivilege: cc,all\r\n@Channel: none\r\nUniqueid: none\r\nVariable: CALLBACKD_ACTIVE\r\nValue: victim",
    "Event: Shutdown\r\nPrivilege: cc,all\r\n@Restart: victim",
];
/// Fronts of events, which would make what follows the rest of them.
const FRONTS: [&str; 4] = [
    "Event: Q\r\nPrivilege: cc,all\r\n@Channel: > to \r\nChannelState: 6\r\nChannelStateDesc: Up\r\nCallerIDNum: 1",
    "Event: Hangup\r\nPrivilege: cc,all\r\n@Channel: > to \r\nChannelState: 6\r\nChannelStateDesc: Up\r\nCallerIDNum: 1",
    "Event: Q\r\nPrivilege: cc,all\r\n@DestChannel: a\r\nDestChannelState: 6\r\nDestChannelStateDesc: Up\r\nDestCallerIDNum: 1\r\nDestCallerIDName: ",
    "Event: CEL\r\nPrivilege: cc,all\r\n@EventName: HANGUP\r\nAccountCode: \r\nCallerIDnum: 1",
];
/// What ends the text that stands in front, and what the text has behind.
const ENDS: [(&str, &str); 4] =
    [("5\r\n\r\n", ""), ("\r\n\r\n", "\r\nX: > to 1"), ("x\n\n", "\r\n\r\n"), ("\r\n\r\n", "\r\n\r\n > to 1")];

/// Each event and front in each text of the dialplan's own: the frames that are believed beside those that a harmless text leaves, and those that it costs.
fn try_all(name: &str, stream: &[u8], stamp: &str) -> usize {
    let pieces = pieces(stream);
    let texts: Vec<usize> = (0..pieces.len()).filter(|at| pieces[*at].starts_with(b"Event: Newexten")).collect();
    let mut tried = 0;
    for at in texts.into_iter().step_by(2) {
        let text = memchr::memmem::find(pieces[at], b"\r\nAppData: ").unwrap() + b"\r\nAppData: ".len();
        let read = |written: &str| {
            let torn = [&pieces[at][..text], written.as_bytes(), b"\r\n\r\n"].concat();
            believed([&[&pieces[..at].concat()[..], &torn, &pieces[at + 1..].concat()].concat()[..]])
        };
        // Behind a forgery what is said of a device is not believed for a moment: the next lists say it too.
        let others = |frames: Vec<Vec<u8>>| -> Vec<String> {
            let others = frames.into_iter().filter(|frame| !frame.starts_with(b"Event: DeviceState"));
            others.map(|frame| String::from_utf8(frame).unwrap()).collect()
        };
        let harmless = others(read("5550100 to 5550101"));
        for event in EVENTS.iter().chain(&FRONTS) {
            for (before, behind) in ENDS {
                let forged = format!("{before}{}{behind}", event.replace('%', MEMBER).replace('@', stamp));
                if forged.len() > 3 * FIELD + 24 {
                    continue;
                }
                tried += 1;
                let frames = others(read(&forged));
                for frame in &frames {
                    assert!(!frame.contains("victim"), "{name} {at} {forged:?}: {frame:?}");
                }
                for frame in harmless.iter().filter(|frame| !frame.contains("5550100 to 5550101")) {
                    assert!(frames.contains(frame), "{name} {at} {forged:?} costs {frame:?}");
                }
            }
        }
    }
    tried
}

#[test]
fn what_several_fields_make_in_a_text_of_the_dialplans_is_not_believed_and_costs_no_event_of_another() {
    let mut tried = 0;
    for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_a")) {
        let text = String::from_utf8(stream).unwrap();
        tried += try_all(&name, unstamped(&text).as_bytes(), "");
        tried += try_all(&name, text.as_bytes(), "Timestamp: 1795336404.754223\r\n");
    }
    assert!(tried > 500, "{tried}");
}
