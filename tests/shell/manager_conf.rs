//! The AMI user that is shipped: its rights, and that its filters drop noise alone.

use regex::bytes::{Regex, RegexBuilder};

const CONF: &str = include_str!("../../config/asterisk/manager_callbackd.conf");

fn values(key: &str) -> Vec<&'static str> {
    CONF.lines().filter_map(|l| l.split_once(" = ").filter(|(k, _)| *k == key).map(|(_, v)| v.trim())).collect()
}

/// As Asterisk compiles them (`regcomp` without `REG_NEWLINE`): `.` matches line breaks too, `^` only the very beginning.
fn filters() -> Vec<Regex> {
    let filters = values("eventfilter");
    assert!(!filters.is_empty());
    filters
        .iter()
        .map(|f| {
            RegexBuilder::new(f.strip_prefix('!').unwrap()).dot_matches_new_line(true).unicode(false).build().unwrap()
        })
        .collect()
}

fn dropped(event: &[u8]) -> bool {
    filters().iter().any(|f| f.is_match(event))
}

fn header<'e>(event: &'e str, key: &str) -> &'e str {
    event.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(": ")).unwrap_or_default().trim()
}

#[test]
fn the_filters_drop_noise_and_nothing_that_tells_of_a_call() {
    let noise = ["NewConnectedLine", "TestEvent", "RTCPSent", "RTCPReceived", "MusicOnHoldStart", "MusicOnHoldStop"];
    let filters = filters();
    let (mut all, mut kept) = (0, 0);
    for folder in ["asterisk16", "asterisk22"] {
        for entry in std::fs::read_dir(format!("{}/tests/traces/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "ami") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for frame in String::from_utf8_lossy(&bytes).split("\r\n\r\n").filter(|f| f.starts_with("Event: ")) {
                let drop = filters.iter().any(|f| f.is_match(frame.as_bytes()));
                let (event, variable) = (header(frame, "Event"), header(frame, "Variable"));
                if event == "VarSet" {
                    let needed = ["QUEUESTATUS", "DIALSTATUS", "VMSTATUS", "RECORD_STATUS"].contains(&variable)
                        || variable.contains("CALLBACK");
                    assert!(!(drop && needed), "{variable}");
                } else {
                    assert_eq!(drop, noise.contains(&event), "{event}");
                }
                all += frame.len();
                kept += if drop { 0 } else { frame.len() };
            }
        }
    }
    println!("{kept} of {all} bytes are kept");
    assert!(all > 100_000 && kept < all * 9 / 10, "{kept} of {all}");
}

#[test]
fn a_callers_name_cannot_make_the_callers_events_disappear() {
    for name in ["Event: PeerStatus", "^Event: TestEvent", "Variable: ARG1", "x Variable: RTPAUDIOQOS"] {
        for event in ["Hangup", "QueueCallerJoin", "VarSet"] {
            let frame = format!(
                "Event: {event}\r\nPrivilege: call,all\r\nCallerIDName: {name}\r\nVariable: QUEUESTATUS\r\nValue: FULL"
            );
            assert!(!dropped(frame.as_bytes()), "{frame}");
        }
    }
    assert!(dropped(b"Event: VarSet\r\nPrivilege: dialplan,all\r\nChannel: PJSIP/1\r\nVariable: ARG1\r\nValue: x"));
}

#[test]
fn its_rights_are_those_that_are_needed_and_no_more() {
    assert_eq!(values("read"), ["system,call,agent,user,dialplan"]);
    assert_eq!(values("write"), ["reporting,call,originate,agent"]);
    assert_eq!((values("deny"), values("permit")), (vec!["0.0.0.0/0.0.0.0"], vec!["127.0.0.1/255.255.255.255"]));
    assert_eq!(values("writetimeout"), ["5000"]);
    assert_eq!(values("secret"), ["CHANGE-ME"]);
}
