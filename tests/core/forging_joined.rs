//! A caller who controls several fields of one event: what stands between them, Asterisk itself writes, and it may complete what was forged.

use crate::ami::captures;
use crate::forging::{believed, pieces, unstamped};

/// What was seen of a number of chan_sip's.
const CHAN_SIP: usize = 220;
const PJSIP: usize = 79;

const CLOSING: [&str; 8] = [
    "\r\n\r\n",
    "1\r\nLinkedid: 1\r\n\r\n",
    "1\r\nAccountCode: \r\nContext: \r\nExten: \r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\n",
    "\r\n\r\nX: 1\r\nAccountCode: \r\nContext: \r\nExten: \r\nPriority: 1\r\nUniqueid: 1\r\nLinkedid: 1\r\n\r\n",
    "\r\n\r\nX: \r\nCallerIDName: 1\r\nConnectedLineNum: \r\nConnectedLineName: 1\r\n\r\n",
    "\r\n\r\nX: Linkedid: 1\r\n\r\n",
    "\r\n\r\nEvent: CEL\r\nX: BillableSeconds: \r\n\r\n",
    "\r\n\r\nResponse: A\r\nX: Linkedid: \r\n\r\n",
];
const BEHIND: [&str; 5] = [
    "",
    "\r\n",
    "Event: A\r\nActionID: ",
    "Event: Q\r\nPrivilege: a,all\r\nX: ",
    "Event: Q\r\nPrivilege: a,all\r\nTimestamp: 1795336404.754223\r\nX: ",
];
const SNAPSHOT: [&str; 14] = [
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
];

/// The value of a header of a forged snapshot, as short as it can be.
fn value(header: &str) -> &'static str {
    match header {
        "Channel" => "a",
        "ChannelStateDesc" => "Up",
        "Uniqueid" | "Linkedid" => "victim",
        _ => "",
    }
}

/// In each event with a snapshot that has two fields of a caller's: the front of a forged event in the first, the rest of it in the second.
fn try_all(stream: &str, stamp: &str, driver: &str, most: usize) -> (usize, Vec<String>) {
    let stream = stream.replace("PJSIP/", driver);
    let pieces = pieces(stream.as_bytes());
    let first = pieces.iter().position(|piece| piece.starts_with(b"Event: Newchannel")).unwrap();
    let (mut tried, mut forged) = (0, Vec::new());
    let mut kinds = std::collections::BTreeSet::new();
    for (at, piece) in pieces.iter().enumerate().skip(first + 1) {
        let event = std::str::from_utf8(piece).unwrap();
        let kind: Vec<&str> = event.lines().map(|line| line.split(": ").next().unwrap()).collect();
        if !kinds.insert(kind) {
            continue;
        }
        for prefix in ["", "Dest", "LocalOne", "LocalTwo"] {
            for (one, two) in
                [("CallerIDNum", "ConnectedLineNum"), ("CallerIDNum", "Exten"), ("ConnectedLineNum", "Exten")]
            {
                let place = |key: &str| SNAPSHOT.iter().position(|header| *header == key).unwrap();
                let line = |from: usize, to: usize, filled: bool| -> String {
                    let value = |at: usize| if filled { value(SNAPSHOT[at]) } else { "" };
                    (from..to).map(|at| format!("{prefix}{}: {}\r\n", SNAPSHOT[at], value(at))).collect()
                };
                let find = |key: &str| {
                    let key = format!("\n{prefix}{key}: ");
                    memchr::memmem::find(piece, key.as_bytes()).map(|found| found + key.len())
                };
                let (Some(a), Some(b)) = (find(one), find(two)) else { continue };
                for closing in CLOSING {
                    let front = format!(
                        "{closing}Event: Hold\r\nPrivilege: cc,all\r\n{stamp}{}{prefix}{one}: 1",
                        line(0, place(one), true)
                    );
                    for behind in BEHIND {
                        let rest = format!("1\r\n{}\r\n{behind}", line(place(two) + 1, SNAPSHOT.len(), true));
                        if front.len() > most || rest.len() > if two == "Exten" { PJSIP } else { most } {
                            continue;
                        }
                        tried += 1;
                        let end = |from: usize| from + memchr::memchr(b'\r', &piece[from..]).unwrap();
                        let torn =
                            [&piece[..a], front.as_bytes(), &piece[end(a)..b], rest.as_bytes(), &piece[end(b)..]]
                                .concat();
                        let after = pieces.get(at + 1).copied().unwrap_or_default();
                        let with = believed([&[&pieces[..at].concat()[..], &torn, after].concat()[..]]);
                        forged.extend(
                            with.iter()
                                .filter(|frame| memchr::memmem::find(frame, b"victim").is_some())
                                .map(|frame| format!("{one}+{two} {closing:?} {behind:?}: {}", frame.escape_ascii())),
                        );
                    }
                }
            }
        }
    }
    (tried, forged)
}

#[test]
fn an_event_in_two_fields_is_not_believed_where_asterisk_writes_what_is_between() {
    for (most, driver) in [(CHAN_SIP, "SIP/"), (PJSIP, "PJSIP/")] {
        let mut tried = 0;
        for (name, stream) in captures().into_iter().filter(|(name, _)| name.contains("queue_a")) {
            let text = String::from_utf8(stream).unwrap();
            for (text, stamp) in [(unstamped(&text), ""), (text, "Timestamp: 1795336404.754223\r\n")] {
                let (more, forged) = try_all(&text, stamp, driver, most);
                tried += more;
                assert!(
                    forged.is_empty(),
                    "{name}: {} of {more}: {:#?}",
                    forged.len(),
                    &forged[..forged.len().min(12)]
                );
            }
        }
        assert!(tried > 0 || most == PJSIP, "{tried}");
    }
}
