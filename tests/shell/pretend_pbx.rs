//! The pretend PBX against the real one: order, names, headers and significant values of its events, beside captures of Asterisk 22.
//!
//! Left out are events that the shipped AMI user does not get (`eventfilter` of `manager_callbackd.conf`). Device states and queue members' states
//! come from other threads of Asterisk than a call's events, at any place between them: they are compared for themselves.

use callbackd::demo::office::{Agent, Entry, Office, Queue};
use callbackd::demo::pbx::{Input, Output, Pbx};
use callbackd::demo::people::{Caller, People, Pickup, Talk};
use std::path::Path;

const NOW: i64 = 1_795_336_404_000;
const CLIENT: u64 = 1;

/// Agents and customers who act by a script.
struct Scripted {
    agent: Pickup,
    customer: Pickup,
    talk: Talk,
    /// The agent passes so many customers on.
    passes_on: u32,
}

impl People for Scripted {
    fn agent(&mut self, _agent: usize, _callback: bool) -> Pickup {
        self.agent
    }
    fn customer(&mut self, _number: &str) -> Pickup {
        self.customer
    }
    fn talk(&mut self) -> Talk {
        self.talk
    }
    fn transfers(&mut self) -> bool {
        let passed_on = self.passes_on > 0;
        self.passes_on = self.passes_on.saturating_sub(1);
        passed_on
    }
}

/// The lab that the captures were made in, as far as they need it.
fn lab() -> Office {
    let agent = |extension: &str, name: &str| Agent { name: name.to_owned(), extension: extension.to_owned() };
    let queue = |name: &str, members: &[usize]| Queue {
        name: name.to_owned(),
        members: members.to_vec(),
        ring_ms: 15_000,
        max_wait_ms: 20_000,
        wrapup_ms: 0,
    };
    Office {
        queues: vec![queue("support", &[0])],
        agents: vec![agent("101", "Alice"), agent("102", "Bob")],
        dids: vec![
            ("5550100".to_owned(), Entry::Queue("support".to_owned())),
            ("5550103".to_owned(), Entry::Menu(vec![('1', "support".to_owned())])),
        ],
        mailbox: None,
        login: ("callbackd".to_owned(), "secret".to_owned()),
    }
}

struct Scene {
    pbx: Pbx,
    now: i64,
    text: String,
}

impl Scene {
    fn new(agent: Pickup, talk_ms: i64, ended_by_agent: bool) -> Self {
        Self::passing_on(agent, talk_ms, ended_by_agent, 0)
    }

    fn passing_on(agent: Pickup, talk_ms: i64, ended_by_agent: bool, passes_on: u32) -> Self {
        let talk = Talk { ms: talk_ms, ended_by_agent };
        let people = Scripted { agent, customer: Pickup::Answer(2_000), talk, passes_on };
        let mut scene = Self { pbx: Pbx::new(lab(), Box::new(people), NOW), now: NOW, text: String::new() };
        scene.pbx.handle(Input::Connected(CLIENT), NOW);
        scene.send("Action: Login\r\nActionID: 1\r\nUsername: callbackd\r\nSecret: secret\r\n\r\n");
        scene
    }

    fn send(&mut self, action: &str) {
        self.pbx.handle(Input::Received(CLIENT, action.as_bytes()), self.now);
        self.listen();
    }

    fn call(&mut self, did: &str, patience_ms: i64) {
        let caller = Caller {
            number: "12025550123".to_owned(),
            name: String::new(),
            did: did.to_owned(),
            key: None,
            patience_ms,
        };
        self.pbx.handle(Input::Call(caller), self.now);
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(output) = self.pbx.poll() {
            if let Output::Send(CLIENT, text) = output {
                self.text.push_str(&text);
            }
        }
    }

    /// Until nothing is due any more.
    fn play(mut self) -> String {
        while let Some(at) = self.pbx.deadline() {
            self.now = at;
            self.pbx.advance(at);
            self.listen();
        }
        assert_eq!(self.pbx.live_calls(), 0);
        self.text
    }
}

/// Values that must be the same, not only there.
const TELLING: &[&str] = &[
    "ChannelStateDesc",
    "DestChannelStateDesc",
    "DialStatus",
    "Application",
    "Variable",
    "Cause",
    "Cause-txt",
    "Reason",
    "Response",
    "BridgeNumChannels",
    "BridgeType",
    "Position",
    "OriginalPosition",
    "Count",
];

/// What the shipped `eventfilter` drops, and what is asked of the machine alone.
fn is_dropped(event: &str, variable: &str) -> bool {
    let drops = |prefixes: &[&str], text: &str| prefixes.iter().any(|prefix| text.starts_with(prefix));
    drops(&["NewConnectedLine", "NewAccountCode", "MusicOnHold", "TestEvent", "RTCP", "ContactStatus"], event)
        || drops(
            &[
                "RTPAUDIOQOS",
                "BRIDGEPEER",
                "BRIDGEPVTCALLID",
                "SIPDOMAIN",
                "DIALEDPEER",
                "DIALEDTIME",
                "RINGTIME",
                "PROGRESSTIME",
                "ANSWEREDTIME",
            ],
            variable,
        )
}

/// Each event as one line: its name, its headers in order, and its significant values. First those of calls, then those of devices.
fn shapes(text: &str) -> (Vec<String>, Vec<String>) {
    let text = text.replace('\r', "");
    let live = text.rfind("Event: CoreShowChannelsComplete").map_or(&*text, |at| &text[at..]);
    let (mut calls, mut devices) = (Vec::new(), Vec::new());
    for block in live.split("\n\n").filter(|block| block.starts_with("Event: ") && block.contains("Privilege: ")) {
        let headers: Vec<(&str, &str)> = block.lines().map(|line| line.split_once(':').unwrap_or((line, ""))).collect();
        let get = |name: &str| headers.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.trim());
        if is_dropped(get("Event"), get("Variable")) || get("Event") == "FullyBooted" {
            continue;
        }
        let shown: Vec<String> = headers
            .iter()
            .map(
                |(key, value)| {
                    if TELLING.contains(key) { format!("{key}={}", value.trim()) } else { (*key).to_owned() }
                },
            )
            .collect();
        let shape = format!("{}: {}", get("Event"), shown[1..].join(" "));
        match get("Event") {
            "DeviceStateChange" | "QueueMemberStatus" => {
                // How the lab's phones show ringing and being in use was set there; which device it was is what counts.
                let device = [get("Device"), get("StateInterface")].concat();
                devices.push(format!("{shape} {}", device.rsplit('-').next().unwrap_or_default()));
            }
            _ => calls.push(shape),
        }
    }
    (calls, devices)
}

fn capture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/traces/asterisk22/{name}.ami"));
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

/// The calls' events are the same, one by one; those of devices are of the same kinds and about the same devices.
#[track_caller]
fn same(pretended: &str, name: &str, but: impl Fn(&str) -> bool) {
    let (ours, our_devices) = shapes(pretended);
    let (theirs, their_devices) = shapes(&capture(name));
    let kept = |shapes: Vec<String>| shapes.into_iter().filter(|shape| !but(shape)).collect::<Vec<_>>();
    let (ours, theirs) = (kept(ours), kept(theirs));
    for (n, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "event {n} of {name}");
    }
    assert_eq!(ours.len(), theirs.len(), "of {name}: {:#?}", &theirs[ours.len().min(theirs.len())..]);
    let kinds = |mut devices: Vec<String>| {
        // `Queue:…_avail` and the phones' names differ with the office.
        devices.retain(|d| !d.contains("_avail") && !d.contains("Queue:"));
        devices.iter_mut().for_each(|d| *d = d.replace("PJSIP/102", "PJSIP/101"));
        devices.sort();
        devices.dedup();
        devices
    };
    assert_eq!(kinds(our_devices), kinds(their_devices), "{name}");
}

#[test]
fn a_queue_call_that_is_answered() {
    let mut scene = Scene::new(Pickup::Answer(2_000), 4_500, true);
    scene.call("5550100", 60_000);
    same(&scene.play(), "queue_answered", |_| false);
}

#[test]
fn a_queue_call_that_is_abandoned_while_a_phone_rings() {
    let mut scene = Scene::new(Pickup::Ignore, 0, true);
    scene.call("5550100", 4_000);
    same(&scene.play(), "queue_abandoned", |_| false);
}

#[test]
fn a_call_that_is_lost_in_the_menu() {
    let mut scene = Scene::new(Pickup::Ignore, 0, true);
    scene.call("5550103", 3_000);
    same(&scene.play(), "ivr_lost", |_| false);
}

#[test]
fn a_customer_who_is_passed_on_to_a_colleague() {
    let mut scene = Scene::passing_on(Pickup::Answer(1_000), 3_500, true, 1);
    scene.call("5550100", 60_000);
    let from = |text: &str| text[text.find("Event: BlindTransfer").expect("a transfer")..].to_owned();
    let (ours, theirs) = (shapes(&from(&scene.play())).0, shapes(&from(&capture("blind_transfer"))).0);
    // The capture's agent was rung by Dial, not by a queue, and its bridges are torn down by threads of their own.
    let elsewhere = |shape: &String| {
        ["AgentComplete", "BridgeLeave", "BridgeDestroy"].iter().any(|name| shape.starts_with(name))
            || ["Variable=DIALSTATUS", "Application=Dial ", "Application=AppDial "]
                .iter()
                .any(|part| format!("{shape} ").contains(part))
    };
    let kept = |shapes: &[String]| shapes.iter().filter(|shape| !elsewhere(shape)).cloned().collect::<Vec<_>>();
    assert_eq!(kept(&ours), kept(&theirs));
    let complete = ours.iter().find(|shape| shape.starts_with("AgentComplete")).expect("the queue's agent is done");
    assert!(complete.contains("Reason=transfer"), "{complete}");
}

#[test]
fn a_callback_by_originate() {
    let mut scene = Scene::new(Pickup::Answer(2_000), 4_000, false);
    scene.send(
        "Action: Originate\r\nActionID: 8\r\nChannel: PJSIP/101\r\nChannelId: cb-42-1\r\nContext: callbackd-agent\r\nExten: s\r\n\
         Priority: 1\r\nTimeout: 20000\r\nCallerID: \"CB 12025550123\" <12025550123>\r\nVariable: __CALLBACK_ID=42\r\nAsync: true\r\n\r\n",
    );
    // The dialplan of the lab is another one: its steps are not compared.
    let dialplan = |shape: &str| {
        let own = ["NoOp", "Set", "ExecIf", "GotoIf", "Hangup"].map(|app| format!("Application={app} "));
        let caller_id_set = shape.starts_with("NewCallerid") && shape.contains("ChannelStateDesc=Up");
        own.iter().any(|app| format!("{shape} ").contains(app)) || shape.contains("Variable=__") || caller_id_set
    };
    // In the capture a bridge is torn down by its own thread, last of all, and the agent's leg answers its bridge with one more Newexten.
    let anywhere = |shape: &str| shape.starts_with("BridgeDestroy") || shape.contains("Application=AppDial ");
    same(&scene.play(), "callback_originate", |shape| dialplan(shape) || anywhere(&format!("{shape} ")));
}

#[test]
fn login_and_lists_have_the_headers_of_the_real_ones() {
    let mut scene = Scene::new(Pickup::Ignore, 0, true);
    scene.send("Action: QueueStatus\r\nActionID: 2\r\n\r\n");
    scene.send("Action: CoreShowChannels\r\nActionID: 3\r\n\r\n");
    let headers = |text: &str| {
        let text = text.replace('\r', "");
        let end = text.find("Event: CoreShowChannelsComplete").expect("the list's end") + 100;
        let blocks = text[..end.min(text.len())].split("\n\n");
        let mut all: Vec<String> = blocks
            .map(|block| block.trim_start_matches("Asterisk Call Manager/11.0.0\n"))
            .map(|block| block.lines().map(|line| line.split(':').next().unwrap_or(line)).collect::<Vec<_>>().join(" "))
            .take_while(|keys| !keys.is_empty())
            .collect();
        all.dedup(); // as many members and queues as there are
        all
    };
    let first_of_each = |all: Vec<String>| {
        let mut kinds: Vec<String> = Vec::new();
        for keys in all {
            if !kinds.contains(&keys) {
                kinds.push(keys);
            }
        }
        kinds
    };
    let mut theirs = first_of_each(headers(&capture("queue_answered")));
    theirs.truncate(6);
    let mut ours = first_of_each(headers(&scene.text));
    ours.truncate(6);
    assert_eq!(ours, theirs);
}

#[test]
fn originate_is_refused_as_asterisk_refuses_it() {
    let mut scene = Scene::new(Pickup::Unreachable, 0, true);
    let originate = |channel: &str, id: &str| {
        format!(
            "Action: Originate\r\nActionID: {id}\r\nChannel: {channel}\r\nChannelId: cb-1-1\r\nContext: callbackd-agent\r\nExten: s\r\nPriority: 1\r\nAsync: true\r\n\r\n"
        )
    };
    scene.send(&originate("", "4"));
    assert!(scene.text.contains("Response: Error\r\nActionID: 4\r\nMessage: Channel not specified"), "{}", scene.text);
    scene.send(&originate("PJSIP/nobody", "5"));
    let failed = "Event: OriginateResponse\r\n";
    let tail = &scene.text[scene.text.find(failed).expect("an answer")..];
    for header in ["ActionID: 5\r\n", "Response: Failure\r\n", "Reason: 0\r\n", "Uniqueid: <null>\r\n"] {
        assert!(tail.contains(header), "{tail}");
    }
    scene.send(&originate("PJSIP/101", "6"));
    scene.send(&originate("PJSIP/101", "7"));
    assert!(
        scene.text.contains("Response: Error\r\nActionID: 7\r\nMessage: Uniqueid already in use"),
        "{}",
        scene.text
    );
    scene.play();
}

#[test]
fn who_does_not_log_in_gets_nothing() {
    let mut scene = Scene::new(Pickup::Ignore, 0, true);
    scene.pbx.handle(Input::Connected(2), NOW);
    scene.pbx.handle(Input::Received(2, b"Action: QueueStatus\r\nActionID: 1\r\n\r\n"), NOW);
    let caller =
        Caller { number: String::new(), name: String::new(), did: "5550100".to_owned(), key: None, patience_ms: 1 };
    scene.pbx.handle(Input::Call(caller), NOW);
    let mut to_second = String::new();
    scene.pbx.handle(
        Input::Received(2, b"Action: Login\r\nActionID: 2\r\nUsername: callbackd\r\nSecret: wrong\r\n\r\n"),
        NOW,
    );
    let mut closed = false;
    while let Some(output) = scene.pbx.poll() {
        match output {
            Output::Send(2, text) => to_second.push_str(&text),
            Output::Close(2) => closed = true,
            _ => {}
        }
    }
    assert!(
        to_second.contains("Permission denied") && to_second.contains("Authentication failed") && closed,
        "{to_second}"
    );
    assert!(!to_second.contains("Event: "), "{to_second}");
}

#[test]
fn the_shipped_filters_drop_what_they_name_and_nothing_else() {
    let shipped = std::fs::read_to_string("config/asterisk/manager_callbackd.conf").unwrap();
    let filters: Vec<&str> = shipped.lines().filter_map(|line| line.strip_prefix("eventfilter = ")).collect();
    let mut scene = Scene::new(Pickup::Answer(2_000), 4_500, true);
    for (n, filter) in filters.iter().enumerate() {
        scene.send(&format!("Action: Filter\r\nActionID: f{n}\r\nOperation: Add\r\nFilter: {filter}\r\n\r\n"));
    }
    assert_eq!(scene.text.matches("Filter added successfully").count(), filters.len());
    scene.send("Action: Filter\r\nActionID: x\r\nOperation: Add\r\nFilter: !^Event: (DialState|QueueMember)\r\n\r\n");
    scene.send("Action: Filter\r\nActionID: y\r\nOperation: Add\r\nFilter: ((\r\n\r\n");
    assert!(scene.text.contains("ActionID: y\r\nMessage: Filter did not compile"), "{}", scene.text);
    scene.call("5550100", 60_000);
    let text = scene.play();
    assert!(!text.contains("Event: DialState") && !text.contains("Event: QueueMemberStatus"), "{text}");
    let ours = shapes(&text).0;
    let all = shapes(&{
        let mut scene = Scene::new(Pickup::Answer(2_000), 4_500, true);
        scene.call("5550100", 60_000);
        scene.play()
    });
    let kept: Vec<String> = all.0.into_iter().filter(|shape| !shape.starts_with("DialState")).collect();
    assert_eq!(ours, kept);
}

#[test]
fn console_commands_are_answered_in_output_lines() {
    let mut scene = Scene::new(Pickup::Ignore, 0, true);
    scene.send("Action: Command\r\nActionID: 1\r\nCommand: core show channels count\r\n\r\n");
    assert!(scene.text.ends_with("Output: 0 active channels\r\nOutput: 0 active calls\r\n\r\n"), "{}", scene.text);
    scene.send("Action: Command\r\nActionID: 2\r\nCommand: core explode\r\n\r\n");
    assert!(
        scene.text.contains("Response: Error\r\nActionID: 2\r\nMessage: Command output follows\r\nOutput: No such"),
        "{}",
        scene.text
    );
}

#[test]
fn a_global_variable_is_set_read_and_reported_as_asterisk_does_until_it_restarts() {
    let mut scene = Scene::new(Pickup::Ignore, 0, true);
    let asked = |scene: &mut Scene, action: &str| {
        let before = scene.text.len();
        scene.send(action);
        scene.text[before..].replace("\r\n", "|")
    };
    let read = "Action: Getvar\r\nActionID: 1\r\nVariable: CALLBACKD_ACTIVE\r\n\r\n";
    let nothing = "Response: Success|ActionID: 1|Variable: CALLBACKD_ACTIVE|Value: ||";
    assert_eq!(asked(&mut scene, read), nothing);
    let set = "Action: Setvar\r\nActionID: 2\r\nVariable: CALLBACKD_ACTIVE\r\nValue: 0a1b2c3d 1\r\n\r\n";
    let told = asked(&mut scene, set);
    assert!(told.contains("|Channel: none|Uniqueid: none|Variable: CALLBACKD_ACTIVE|Value: 0a1b2c3d 1||"), "{told}");
    assert!(told.ends_with("Response: Success|ActionID: 2|Message: Variable Set||"), "{told}");
    assert!(asked(&mut scene, read).ends_with("|Value: 0a1b2c3d 1||"));
    let of_channel = "Action: Getvar\r\nActionID: 3\r\nChannel: PJSIP/x\r\nVariable: A\r\n\r\n";
    assert_eq!(asked(&mut scene, of_channel), "Response: Error|ActionID: 3|Message: No such channel||");
    let of_nothing = "Action: Setvar\r\nActionID: 4\r\nValue: A\r\n\r\n";
    assert_eq!(asked(&mut scene, of_nothing), "Response: Error|ActionID: 4|Message: No variable specified||");
    scene.pbx.handle(Input::Restart, NOW);
    scene.pbx.handle(Input::Connected(CLIENT), NOW);
    scene.send("Action: Login\r\nActionID: 5\r\nUsername: callbackd\r\nSecret: secret\r\n\r\n");
    assert_eq!(asked(&mut scene, read), nothing);
}

#[test]
fn a_restart_ends_calls_and_connections() {
    let mut scene = Scene::new(Pickup::Answer(1_000), 60_000, true);
    scene.call("5550100", 60_000);
    scene.pbx.advance(NOW + 5_000);
    scene.pbx.handle(Input::Restart, NOW + 6_000);
    let mut closed = false;
    while let Some(output) = scene.pbx.poll() {
        match output {
            Output::Send(_, text) => scene.text.push_str(&text),
            Output::Close(CLIENT) => closed = true,
            Output::Close(_) => {}
        }
    }
    assert!(closed && scene.text.contains("Event: Shutdown"), "{}", scene.text);
    assert_eq!((scene.pbx.live_calls(), scene.pbx.deadline()), (0, None));
}
