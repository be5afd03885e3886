//! Who writes several whole events into a number of chan_sip's changes nothing but the row of the own call.

use crate::ami::captures;
use crate::forging::{pieces, unstamped};
use crate::stream::{Driver, FORGOTTEN_MS, frames, rules, stamp};
use bytes::BytesMut;
use callbackd_core::ami::{FrameDecoder, Interest, Received, Stamped};
use callbackd_core::model::FinishedCall;
use callbackd_core::tracker::Input;

/// What was seen of a number of chan_sip's, and what a channel has room for of what was dialled.
const NUMBER: usize = 220;
const EXTEN: usize = 79;

/// The forger's channel.
const FORGER: &str = "SIP/trunk-00000066";

/// Events that somebody acts on, each with what stands before the names of its first channel's headers.
const KINDS: [(&str, &str); 42] = [
    ("Hangup", ""),
    ("Newchannel", ""),
    ("Newstate", ""),
    ("NewCallerid", ""),
    ("Newexten", ""),
    ("HangupRequest", ""),
    ("SoftHangupRequest", ""),
    ("Hold", ""),
    ("Unhold", ""),
    ("VarSet", ""),
    ("DialBegin", "Dest"),
    ("DialState", "Dest"),
    ("DialEnd", "Dest"),
    ("DialEnd", ""),
    ("BridgeEnter", ""),
    ("BridgeLeave", ""),
    ("LocalBridge", "LocalOne"),
    ("Pickup", "Target"),
    ("BlindTransfer", "Transferer"),
    ("AttendedTransfer", "OrigTransferer"),
    ("ParkedCall", "Parkee"),
    ("UnParkedCall", "Parkee"),
    ("ParkedCallTimeOut", "Parkee"),
    ("ParkedCallGiveUp", "Parkee"),
    ("QueueCallerJoin", ""),
    ("QueueCallerLeave", ""),
    ("QueueCallerAbandon", ""),
    ("Join", ""),
    ("Leave", ""),
    ("AgentCalled", "Dest"),
    ("AgentConnect", ""),
    ("AgentComplete", ""),
    ("AgentDump", ""),
    ("AgentRingNoAnswer", ""),
    ("UserEvent", ""),
    ("CEL", ""),
    ("Cdr", ""),
    ("MusicOnHoldStart", ""),
    ("Q", ""),
    ("Q", "Dest"),
    ("CoreShowChannel", ""),
    ("QueueEntry", ""),
];
/// Those without a channel's snapshot, and what is no event.
const SHORT: [&str; 14] = [
    "Event: DeviceStateChange\r\nPrivilege: call,all\r\n@Device: SIP/101\r\nState: INUSE\r\n\r\n",
    "Event: Rename\r\nPrivilege: call,all\r\n@Channel: %\r\nNewname: SIP/z-1\r\nUniqueid: 1\r\n\r\n",
    "Event: VarSet\r\nPrivilege: dialplan,all\r\n@Channel: none\r\nUniqueid: none\r\nVariable: A\r\nValue: 1\r\n\r\n",
    "Event: OriginateResponse\r\nPrivilege: call,all\r\n@Response: Failure\r\nReason: 0\r\nUniqueid: 1\r\nCallerIDNum: 1\r\nCallerIDName: 1\r\n\r\n",
    "Event: BridgeDestroy\r\nPrivilege: call,all\r\n@BridgeUniqueid: b\r\nBridgeType: b\r\nBridgeTechnology: s\r\nBridgeCreator: \r\n\
     BridgeName: \r\nBridgeNumChannels: 0\r\n\r\n",
    "Event: QueueMemberRemoved\r\nPrivilege: cc,all\r\n@Queue: q\r\nMemberName: m\r\nInterface: SIP/1\r\nStateInterface: S\r\nMembership: s\r\n\
     Penalty: 0\r\nCallsTaken: 0\r\nLastCall: 0\r\n\r\n",
    "Event: Shutdown\r\nPrivilege: system,all\r\n@Restart: False\r\n\r\n",
    "Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1\r\n\r\n",
    "Event: Hangup\r\nChannel: %\r\nUniqueid: 1\r\nCause: 16\r\n\r\n",
    "Response: Success\r\nActionID: 1\r\n\r\n",
    "Event: CEL\r\nPrivilege: call,all\r\n@EventName: HANGUP\r\nAccountCode: \r\nCallerIDnum: 1\r\n\r\n",
    "Event: Cdr\r\nPrivilege: cdr,all\r\n@AccountCode: \r\nSource: 1\r\n\r\n",
    "Event: Q\r\nX: 1\r\n\r\n",
    "X: 1\r\n\r\n",
];
/// How a forged snapshot goes on behind its first headers, where the rest of the torn event comes.
const GOES_ON: [&str; 9] = [
    "\r\n",
    "X: ",
    "@CallerIDNum: 1",
    "@CallerIDNum: 1\r\n\r\n",
    "@CallerIDNum: 1\r\nX: ",
    "@CallerIDNum: 1\r\n@CallerIDName: 1\r\n@ConnectedLineNum: 1",
    "@CallerIDNum: 1\r\n@CallerIDName: 1\r\n@ConnectedLineNum: 1\r\n\r\n",
    "@CallerIDNum: 1\r\n@CallerIDName: 1\r\n@ConnectedLineNum: 1\r\n\r\nEvent: Q\r\nX: ",
    "@CallerIDNum: 1\r\n@CallerIDName: 1\r\n@ConnectedLineNum: 1\r\n@ConnectedLineName: 1\r\n@Language: \r\n@AccountCode: \r\n@Context: 1",
];
/// What may stand before all that: an end of the torn event that the caller supplies, or a part of one.
const CLOSING: [&str; 7] = [
    "5\r\n\r\n",
    "\r\n\r\n",
    "\n\n",
    "1\r\nCallerIDName: 1\r\n\r\n",
    "1\r\nCallerIDName: 1\r\nConnectedLineNum: \r\nConnectedLineName: 1\r\nLanguage: \r\nAccountCode: \r\nContext: \r\nExten: \r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\n",
    "1\r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\n",
    "1\r\nUniqueID: 1\r\nLinkedID: 1\r\nBillableSeconds: 1\r\n\r\n",
];

/// All that fits into a number: whole events, and the fronts of such whose rest the torn event's own rest might be. `victim` is another's channel.
fn numbers(stamp: &str, victim: &str) -> Vec<String> {
    let mut all = Vec::new();
    let shorts: Vec<String> = SHORT.iter().map(|short| short.replace('@', stamp).replace('%', victim)).collect();
    for closing in CLOSING {
        for (kind, prefix) in KINDS {
            for name in [victim, "a"] {
                let front = format!(
                    "Event: {kind}\r\nPrivilege: cc,all\r\n{stamp}{prefix}Channel: {name}\r\n{prefix}ChannelState: 6\r\n{prefix}ChannelStateDesc: Up\r\n"
                );
                for goes_on in GOES_ON {
                    all.push(format!("{closing}{front}{}", goes_on.replace('@', prefix)));
                }
            }
        }
        for short in &shorts {
            all.push(format!("{closing}{short}"));
            all.push(format!("{closing}{}\r\nX: ", short.trim_end()));
            all.push(format!("{closing}{short}Event: Q\r\nX: "));
            for second in &shorts {
                all.push(format!("{closing}{short}{second}"));
            }
        }
    }
    all.retain(|number| number.len() <= NUMBER);
    all
}

const SNAPSHOT: &str = "#Channel: SIP/trunk-00000066\r\n#ChannelState: 4\r\n#ChannelStateDesc: Ring\r\n#CallerIDNum: &\r\n#CallerIDName: <unknown>\r\n\
     #ConnectedLineNum: &\r\n#ConnectedLineName: <unknown>\r\n#Language: en\r\n#AccountCode: \r\n#Context: from-trunk\r\n#Exten: &\r\n#Priority: 1\r\n\
     #Uniqueid: 1795336404.66\r\n#Linkedid: 1795336404.66\r\n";
const CEL: &str = "EventName: CHAN_START\r\nAccountCode: \r\nCallerIDnum: &\r\nCallerIDname: \r\nCallerIDani: &\r\nCallerIDrdnis: \r\nCallerIDdnid: 5550100\r\n\
     Exten: &\r\nContext: from-trunk\r\nChannel: SIP/trunk-00000066\r\nApplication: \r\nAppData: \r\nEventTime: 2026-11-22 10:33:34\r\n\
     AMAFlags: DOCUMENTATION\r\nUniqueID: 1795336404.66\r\nLinkedID: 1795336404.66\r\nUserfield: \r\nPeer: \r\nPeerAccount: \r\nExtra: \r\n";
const CDR: &str = "AccountCode: \r\nSource: &\r\nDestination: 5550100\r\nDestinationContext: from-trunk\r\nCallerID: &\r\nChannel: SIP/trunk-00000066\r\n\
     DestinationChannel: \r\nLastApplication: Dial\r\nLastData: \r\nStartTime: 2026-11-22 10:33:34\r\nAnswerTime: \r\nEndTime: 2026-11-22 10:33:38\r\n\
     Duration: 4\r\nBillableSeconds: 0\r\nDisposition: NO ANSWER\r\nAMAFlags: DOCUMENTATION\r\nUniqueID: 1795336404.66\r\nUserField: \r\n";

/// Events of the forger's call, each `&` in turn a number: whether it holds what is forged.
fn torn_events(stamp: &str) -> Vec<(&'static str, String)> {
    let snapshot = |prefix: &str| SNAPSHOT.replace('#', prefix);
    let event = |name: &str, class: &str, rest: &str| {
        format!("Event: {name}\r\nPrivilege: {class},all\r\n{stamp}SystemName: pbx\r\n{rest}\r\n")
    };
    let one = snapshot("");
    let two = one.clone() + &snapshot("Dest");
    vec![
        ("N--", event("Newstate", "call", &one)),
        ("-N-", event("Newstate", "call", &one)),
        ("NN-", event("Newstate", "call", &one)),
        ("N-E", event("Newstate", "call", &one)),
        ("-NE", event("Hold", "call", &one)),
        ("NNE", event("Hold", "call", &one)),
        ("--E", event("Newstate", "call", &one)),
        ("N--", event("Newchannel", "call", &one)),
        ("N--", event("MusicOnHoldStart", "call", &(one.clone() + "Class: default\r\n"))),
        ("N-----", event("DialBegin", "call", &(two.clone() + "DialString: 1\r\n"))),
        ("----N-", event("DialBegin", "call", &(two.clone() + "DialString: 1\r\n"))),
        ("N---N-", event("DialBegin", "call", &(two.clone() + "DialString: 1\r\n"))),
        ("N-E-NE", event("DialEnd", "call", &(two.clone() + "DialStatus: CANCEL\r\n"))),
        (
            "N---",
            event("Newexten", "dialplan", &(one.clone() + "Extension: &\r\nApplication: Answer\r\nAppData: \r\n")),
        ),
        (
            "--EE",
            event("Newexten", "dialplan", &(one.clone() + "Extension: &\r\nApplication: Answer\r\nAppData: \r\n")),
        ),
        (
            "N--N",
            event("Newexten", "dialplan", &(one.clone() + "Extension: 1\r\nApplication: Set\r\nAppData: A=&\r\n")),
        ),
        ("N--", event("CEL", "call", CEL)),
        ("-N-", event("CEL", "call", CEL)),
        ("NNE", event("CEL", "call", CEL)),
        ("N-", event("Cdr", "cdr", CDR)),
        ("-N", event("Cdr", "cdr", CDR)),
        ("NN", event("Cdr", "cdr", CDR)),
    ]
}

/// The event with this number where it is asked for, and a harmless one elsewhere.
fn filled(event: &(&str, String), number: &str) -> String {
    let mut parts = event.1.split('&');
    let mut out = parts.next().unwrap().to_owned();
    let mut which = event.0.chars();
    for part in parts {
        out += match which.next() {
            Some('N') => number,
            Some('E') => {
                let end = (0..=number.len().min(EXTEN)).rev().find(|end| number.is_char_boundary(*end));
                &number[..end.unwrap()]
            }
            _ => "5550100",
        };
        out += part;
    }
    out
}

/// What is believed of a stream, and the channels that something has been missed of.
fn heard(stream: &[u8]) -> (Vec<Vec<u8>>, Vec<String>) {
    let (mut decoder, mut buffer) = (FrameDecoder::new(Interest::tracker()), BytesMut::from(stream));
    let (mut frames, mut missed) = (Vec::new(), Vec::new());
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        match received {
            Received::Frame(frame) => frames.push(frame.bytes().to_vec()),
            Received::Discarded(error) => missed.extend(error.of_channel.map(String::from)),
            Received::Banner(_) => {}
        }
    }
    (frames, missed)
}

#[derive(Default)]
struct Tried {
    streams: usize,
    faults: std::collections::BTreeMap<String, (usize, String)>,
}

fn try_all(stream: &str, stamp: &str, every: usize, tried: &mut Tried) {
    let pieces = pieces(stream.as_bytes());
    let first = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
    let name = |text: &str| text.lines().find_map(|line| line.strip_prefix("Channel: ")).unwrap().to_owned();
    let victim = name(std::str::from_utf8(pieces[first]).unwrap());
    let (numbers, events) = (numbers(stamp, &victim), torn_events(stamp));
    let honest: Vec<[Vec<Vec<u8>>; 2]> = (first + 1..pieces.len())
        .map(|at| {
            [heard(&pieces[..at].concat()).0, heard(&[pieces[..first].concat(), pieces[at..].concat()].concat()).0]
        })
        .collect();
    let lists = heard(&pieces[..first].concat()).0.len();
    for at in first + 1..pieces.len() {
        let (before, after) = (pieces[..at].concat(), pieces[at..].concat());
        for event in &events {
            for (n, number) in numbers.iter().enumerate() {
                if !(n + at * 7 + tried.streams / numbers.len()).is_multiple_of(every) {
                    continue;
                }
                tried.streams += 1;
                let torn = filled(event, number);
                let (frames, missed) = heard(&[&before[..], torn.as_bytes(), &after].concat());
                let [b, a] = &honest[at - first - 1];
                let expected: Vec<&Vec<u8>> = b.iter().chain(&a[lists..]).collect();
                let kind = event.1.lines().next().unwrap();
                let mut fault = |what: &str, detail: String| {
                    let entry = tried.faults.entry(format!("{what} {kind} {}", event.0)).or_default();
                    entry.0 += 1;
                    if entry.1.is_empty() {
                        entry.1 = format!("{:?} {}", number, detail.chars().take(160).collect::<String>());
                    }
                };
                // What a dialplan writes out once more, as the last of an event, may be the beginning of an event of the channel that comes next, if it
                // names that, or nobody knows it yet.
                let copied = event.1.contains("AppData: A=&") && number.contains("ChannelState: ");
                let named = |frame: &[u8]| {
                    copied
                        && (frame.starts_with(b"Event: Newchannel")
                            || memchr::memmem::find(frame, victim.as_bytes()).is_some())
                };
                if let Some(lost) = expected.iter().find(|frame| !frames.contains(frame) && !named(frame)) {
                    fault("lost", lost.escape_ascii().to_string());
                }
                let answers = |frame: &[u8]| memchr::memmem::find(frame, b"ActionID: ").is_some();
                if let Some(forged) = frames
                    .iter()
                    .find(|frame| !expected.contains(frame) && !torn.as_bytes().starts_with(frame) && !answers(frame))
                {
                    fault("forged", forged.escape_ascii().to_string());
                }
                if let Some(other) = missed.iter().find(|name| *name != FORGER && !(copied && **name == victim)) {
                    fault("missed", other.clone());
                }
            }
        }
    }
}

#[test]
fn who_forges_in_a_number_of_chan_sips_costs_nobody_else_an_event() {
    let mut tried = Tried::default();
    for (_, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_abandoned")) {
        let text = String::from_utf8(stream).unwrap().replace("PJSIP/", "SIP/");
        for (text, stamp) in [(unstamped(&text), ""), (text.clone(), "Timestamp: 1795336404.754223\r\n")] {
            try_all(&text, stamp, 1009, &mut tried);
        }
    }
    assert!(tried.faults.is_empty(), "{:#?}", tried.faults);
    assert!(tried.streams > 10_000, "{}", tried.streams);
}

/// The event as one of another call that goes the same way at the same time; `None` for one that is of no channel.
fn twin(event: &str, number: &str) -> Option<String> {
    let bridge = |line: &str| match line.strip_prefix("BridgeUniqueid: ") {
        Some(id) => format!("BridgeUniqueid: t{id}"),
        None => line.to_owned(),
    };
    let other = event.replace("pbx-", "twin-").replace("-000000", "-0a0000");
    let lines: String = other.split_inclusive('\n').map(bridge).collect();
    event.contains("ChannelState: ").then(|| lines.replace(CALLER, number))
}

const CALLER: &str = "12025550123";

/// What is recorded of the calls of this capture, beside a twin of each whose caller has this number.
fn recorded(lists: &str, live: &[&[u8]], number: &str) -> Vec<FinishedCall> {
    let mut stream = lists.to_owned();
    for event in live {
        let event = std::str::from_utf8(event).unwrap();
        stream += event;
        stream += &twin(event, number).unwrap_or_default();
    }
    let stamped =
        frames(stream.as_bytes()).into_iter().find(|frame| Stamped::parse(frame).is_ok_and(|s| s.at.is_some()));
    let mut driver = Driver::unlinked(rules(), stamp(&stamped.unwrap()), None);
    driver.link(100_000, &[]);
    let (mut decoder, mut buffer) = (FrameDecoder::new(Interest::tracker()), BytesMut::from(stream.as_bytes()));
    while let Some(received) = decoder.decode_idle(&mut buffer) {
        match &received {
            Received::Frame(frame) if Stamped::parse(frame).is_ok_and(|stamped| stamped.at.is_some()) => {
                driver.play(frame)
            }
            Received::Discarded(error) => {
                if let Some(channel) = error.of_channel.as_deref() {
                    driver.give(Input::Refused { channel });
                }
            }
            _ => {}
        }
    }
    driver.pass(FORGOTTEN_MS);
    driver.rows().into_iter().filter(|row| row.linkedid.contains("pbx-")).collect()
}

/// Every event of the forger's call has the number, between those of a call that goes the same way.
#[test]
fn who_forges_in_a_number_of_chan_sips_changes_nobody_elses_row() {
    let mut tried = 0;
    for (name, stream) in
        captures().into_iter().filter(|(name, _)| name.contains("queue_a") || name.contains("ringgroup"))
    {
        let text = String::from_utf8(stream).unwrap().replace("PJSIP/", "SIP/");
        let pieces = pieces(text.as_bytes());
        let first = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
        let lists: String = pieces[..first].iter().map(|piece| std::str::from_utf8(piece).unwrap()).collect();
        let honest = recorded(&lists, &pieces[first..], "12025550199");
        assert!(!honest.is_empty(), "{name}");
        let all = numbers("Timestamp: 1795336404.754223\r\n", "SIP/trunk-00000002");
        for number in all.iter().skip(tried % 29).step_by(83) {
            tried += 1;
            let forged = recorded(&lists, &pieces[first..], number);
            assert_eq!(forged, honest, "{name}: {number:?}");
        }
    }
    assert!(tried > 50, "{tried}");
}
