//! A caller who waits in a queue stands in the list of queues with the own number: that costs none of those who stand beside them.

use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received};

const STAMP: &str = "Timestamp: 1795336404.754223\r\n";
/// Nobody who calls can know it.
const ID: &str = "cb-00112233445566aa-7";

/// What a number has room for: of PJSIP's, and what was seen of one of chan_sip's.
const NUMBERS: [(&str, usize); 2] = [("PJSIP/", 79), ("SIP/", 220)];

/// Ends of an item that the caller supplies, and parts of one.
const CLOSING: [&str; 7] = [
    "\r\n\r\n",
    "\n\n",
    "1\r\nCallerIDName: 1\r\n\r\n",
    "1\r\nConnectedLineName: 1\r\nWait: 1\r\n\r\n",
    "1\r\nCallerIDName: 1\r\nConnectedLineNum: \r\nConnectedLineName: 1\r\nWait: 1\r\n\r\n",
    "1\r\nCallerIDName: 1\r\nConnectedLineNum: \r\nConnectedLineName: 1\r\nWait: 1\r\nActionID: 1\r\n\r\n",
    "1\r\nCallerIDName: 1\r\nConnectedLineNum: \r\nConnectedLineName: 1\r\nWait: 1\r\nPriority: 0\r\nActionID: cb-0-7\r\n\r\n",
];
/// Whole events, fronts of such, and rears.
const INSIDE: [&str; 12] = [
    "",
    "Event: QueueEntry\r\nQueue: q\r\nPosition: 1\r\nChannel: a\r\nUniqueid: victim\r\nCallerIDNum: ",
    "Event: QueueEntry\r\nQueue: q\r\nPosition: 1\r\nChannel: a\r\nUniqueid: victim\r\nCallerIDNum: 1\r\nCallerIDName: 1\r\n\
     ConnectedLineNum: \r\nConnectedLineName: 1\r\nWait: 1\r\nActionID: 1\r\n\r\n",
    "Event: QueueEntry\r\nQueue: ",
    "Event: QueueEntry\r\n\r\n",
    "Event: QueueParams\r\nQueue: q\r\nActionID: 1\r\n\r\n",
    "Event: QueueStatusComplete\r\nActionID: 1\r\nEventList: Complete\r\n\r\n",
    "Response: Success\r\nActionID: 1\r\n\r\n",
    "Event: DeviceStateChange\r\nPrivilege: cc,all\r\n@Device: victim\r\nState: BUSY\r\n\r\n",
    "Event: Hangup\r\nPrivilege: call,all\r\n@Channel: victim\r\nChannelState: 6\r\nChannelStateDesc: Up\r\nCallerIDNum: ",
    "CallerIDName: 1\r\nConnectedLineNum: ",
    "Wait: 1\r\nPriority: 0\r\nActionID: 1\r\n\r\n",
];
const BEHIND: [&str; 4] = ["", "\r\n", "X: ", "Event: Q\r\nX: "];

fn entry(driver: &str, serial: usize, number: &str, connected: &str) -> String {
    format!(
        "Event: QueueEntry\r\nQueue: sales\r\nPosition: {serial}\r\nChannel: {driver}trunk-0000000{serial}\r\nUniqueid: pbx-1.{serial}\r\n\
         CallerIDNum: {number}\r\nCallerIDName: unknown\r\nConnectedLineNum: {connected}\r\nConnectedLineName: unknown\r\nWait: 12\r\n\
         Priority: 0\r\nActionID: {ID}\r\n\r\n"
    )
}

/// What the decoder makes of it, read in pieces of this size; where nothing follows the last of them, all is decided.
fn believed(stream: &str, size: usize) -> Vec<String> {
    let (mut decoder, mut buffer) = (FrameDecoder::live(Interest::tracker()), BytesMut::new());
    let mut frames = Vec::new();
    let mut take = |received| {
        if let Received::Frame(frame) = received {
            frames.push(String::from_utf8(frame.bytes().to_vec()).unwrap());
        }
    };
    for piece in stream.as_bytes().chunks(size) {
        buffer.extend_from_slice(piece);
        while let Some(received) = decoder.decode(&mut buffer) {
            take(received);
        }
    }
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        take(received);
    }
    frames
}

#[test]
fn who_forges_in_a_list_of_queues_costs_none_of_the_others_their_place() {
    let mut tried = 0;
    let (mut lost, mut forged) = (Vec::new(), Vec::new());
    for (driver, most) in NUMBERS {
        for stamp in [STAMP, ""] {
            let before = format!(
                "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n\
                 Event: DeviceStateChange\r\nPrivilege: call,all\r\n{stamp}Device: {driver}101\r\nState: INUSE\r\n\r\n\
                 Response: Success\r\nActionID: {ID}\r\nEventList: start\r\nMessage: Queue status will follow\r\n\r\n\
                 Event: QueueParams\r\nQueue: sales\r\nMax: 0\r\nCalls: 3\r\nActionID: {ID}\r\n\r\n\
                 Event: QueueMember\r\nQueue: sales\r\nName: a\r\nLocation: {driver}101\r\nStatus: 1\r\nActionID: {ID}\r\n\r\n"
            );
            let after = format!(
                "Event: QueueStatusComplete\r\nActionID: {ID}\r\nEventList: Complete\r\nListItems: 5\r\n\r\n\
                 Event: QueueMemberPause\r\nPrivilege: agent,all\r\n{stamp}Queue: sales\r\nMemberName: a\r\nInterface: {driver}101\r\n\
                 StateInterface: a\r\nMembership: static\r\nPenalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\nPaused: 1\r\n\r\n"
            );
            for closing in CLOSING {
                for inside in INSIDE {
                    for behind in BEHIND {
                        let text = format!("{closing}{inside}{behind}").replace('@', stamp);
                        if text.len() > most {
                            continue;
                        }
                        // Before the others, between them, behind them, and two who forge, in one or both of the texts.
                        for forgers in ["F..", ".F.", "..F", "FF.", "F.F"] {
                            for (number, connected) in [(&*text, "5550199"), ("5550123", &*text), (&*text, &*text)] {
                                let entries = |forged: bool| -> String {
                                    let who = forgers.chars().enumerate().filter(|(_, who)| forged || *who != 'F');
                                    let one = |(n, who)| match who {
                                        'F' => entry(driver, n + 1, number, connected),
                                        _ => entry(driver, n + 1, "5550123", "5550199"),
                                    };
                                    who.map(one).collect()
                                };
                                let [stream, honest] =
                                    [true, false].map(|forged| before.clone() + &entries(forged) + &after);
                                tried += 1;
                                let size = [usize::MAX, 97, 1_000][tried % 3];
                                let (with, without) = (believed(&stream, size), believed(&honest, usize::MAX));
                                let told = |what: &str| {
                                    format!("{driver} {forgers} {text:?} {number:?} {connected:?}: {what}")
                                };
                                lost.extend(
                                    without.iter().filter(|frame| !with.contains(frame)).map(|frame| told(frame)),
                                );
                                forged.extend(
                                    with.iter().filter(|frame| !without.contains(frame)).map(|frame| told(frame)),
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(lost.is_empty(), "{} of {tried} lost: {:#?}", lost.len(), &lost[..lost.len().min(5)]);
    assert!(forged.is_empty(), "{} of {tried} forged: {:#?}", forged.len(), &forged[..forged.len().min(5)]);
    assert!(tried > 2_000, "{tried}");
}
