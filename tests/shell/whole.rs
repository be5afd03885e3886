//! Events as Asterisk writes them, of those that a test writes with the headers it cares for.

const CHANNEL: [(&str, &str); 14] = [
    ("Channel", "PJSIP/trunk-00000001"),
    ("ChannelState", "6"),
    ("ChannelStateDesc", "Up"),
    ("CallerIDNum", "<unknown>"),
    ("CallerIDName", "<unknown>"),
    ("ConnectedLineNum", "<unknown>"),
    ("ConnectedLineName", "<unknown>"),
    ("Language", "en"),
    ("AccountCode", ""),
    ("Context", "from-trunk"),
    ("Exten", "s"),
    ("Priority", "1"),
    ("Uniqueid", ""),
    ("Linkedid", ""),
];
const BRIDGE: [(&str, &str); 7] = [
    ("BridgeUniqueid", ""),
    ("BridgeType", "basic"),
    ("BridgeTechnology", "simple_bridge"),
    ("BridgeCreator", "<unknown>"),
    ("BridgeName", "<unknown>"),
    ("BridgeNumChannels", "2"),
    ("BridgeVideoSourceMode", "none"),
];

/// Each event of the text with `Privilege`, and the whole snapshot of each channel and bridge whose id it names. Answers, items of
/// lists, and what is malformed stay as they are.
pub fn whole(text: &str) -> String {
    text.split_inclusive("\n\n").map(event).collect()
}

fn event(text: &str) -> String {
    let lines: Option<Vec<(&str, &str)>> = text
        .trim_end_matches('\n')
        .lines()
        .map(|line| line.split_once(':').map(|(k, v)| (k, v.trim_start())))
        .collect();
    let Some(mut lines) = lines.filter(|l| l.first().is_some_and(|first| first.0 == "Event")) else {
        return text.to_owned();
    };
    let listed = ["CoreShowChannel", "QueueMember", "QueueParams", "QueueEntry", "FullyBooted", "ListDialplan"];
    let has = |lines: &[(&str, &str)], key: &str| lines.iter().any(|(k, _)| *k == key);
    let doubled = lines.iter().enumerate().any(|(at, (key, _))| has(&lines[..at], key));
    if doubled
        || !text.ends_with("\n\n")
        || listed.contains(&lines[0].1) && lines[0].1 != "CoreShowChannel"
        || has(&lines, "EventList")
        || lines.contains(&("Channel", "none"))
    {
        return text.to_owned();
    }
    let mut take = |key: &str| lines.iter().position(|(k, _)| *k == key).map(|at| lines.remove(at).1);
    let name = take("Event").unwrap_or_default();
    let mut out = vec![format!("Event: {name}")];
    if name == "CoreShowChannel" {
        out.extend(take("ActionID").map(|id| format!("ActionID: {id}")));
    } else {
        out.push(format!("Privilege: {}", take("Privilege").unwrap_or("call,all")));
    }
    out.extend(take("Timestamp").map(|stamp| format!("Timestamp: {stamp}")));
    for (mark, headers) in [("BridgeUniqueid", &BRIDGE[..]), ("Uniqueid", &CHANNEL[..])] {
        let prefixes: Vec<String> = lines
            .iter()
            .take_while(|(key, _)| *key != "UserEvent")
            .filter_map(|(key, _)| key.strip_suffix(mark))
            .filter(|prefix| {
                !prefix.ends_with("Bridge")
                    && !prefix.ends_with("Swap")
                    && name != "Rename"
                    && name != "OriginateResponse"
            })
            .map(str::to_owned)
            .collect();
        for prefix in prefixes {
            let mut id = String::new();
            for (key, usual) in headers {
                let given = lines.iter().position(|(k, _)| *k == format!("{prefix}{key}")).map(|at| lines.remove(at).1);
                let value = given.unwrap_or(if *key == "Linkedid" { &id } else { usual }).to_owned();
                if *key == "Uniqueid" {
                    id.clone_from(&value);
                }
                out.push(format!("{prefix}{key}: {value}"));
            }
        }
    }
    out.extend(lines.iter().map(|(key, value)| format!("{key}: {value}")));
    out.join("\n") + "\n\n"
}
