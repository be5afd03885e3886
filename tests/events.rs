//! Frames to typed events: every header lands where it belongs, older names included, and no value is guessed.

mod ami;

use ami::{captures, decode, frame};
use callbackd::ami::event::{Bridge, Channel, Event, Member, MemberChange};
use callbackd::ami::{EventFault, Frame, Kind, Received, Stamped};
use proptest::prelude::*;

/// The frame of these lines.
fn event(lines: &str) -> Frame {
    frame(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes())
}

/// The headers of a channel snapshot as Asterisk writes them (`main/manager_channels.c`), each value its own.
fn snapshot(prefix: &str, id: &str) -> String {
    [
        ("Channel", format!("PJSIP/{id}-0000000f")),
        ("ChannelState", "6".into()),
        ("ChannelStateDesc", "Up".into()),
        ("CallerIDNum", format!("num {id}")),
        ("CallerIDName", "<unknown>".into()),
        ("ConnectedLineNum", "<null>".into()),
        ("ConnectedLineName", "<unknown>".into()),
        ("Language", "en".into()),
        ("AccountCode", format!("account {id}")),
        ("Context", format!("context-{id}")),
        ("Exten", format!("exten {id}")),
        ("Priority", "3".into()),
        ("Uniqueid", format!("pbx-1795336404.{id}")),
        ("Linkedid", "pbx-1795336404.0".into()),
        ("ChanVariable", "a=1".into()),
        ("ChanVariable", "b=2".into()),
    ]
    .map(|(key, value)| format!("{prefix}{key}: {value}"))
    .join("\n")
}

/// What [`snapshot`] must become.
fn channel(id: &str) -> Channel<'static> {
    Channel {
        name: format!("PJSIP/{id}-0000000f").into(),
        uniqueid: format!("pbx-1795336404.{id}").into(),
        linkedid: "pbx-1795336404.0".into(),
        state: 6,
        caller_num: format!("num {id}").into(),
        caller_name: "".into(),
        connected_num: "".into(),
        account_code: format!("account {id}").into(),
        context: format!("context-{id}").into(),
        exten: format!("exten {id}").into(),
    }
}

/// The lines are read as this event.
#[track_caller]
fn reads_as(lines: &str, expected: Event<'_>) {
    let frame = event(lines);
    assert_eq!(Stamped::parse(&frame).map(|stamped| stamped.event).map_err(|error| error.to_string()), Ok(expected));
}

/// The lines are refused: for this header, for this reason.
#[track_caller]
fn is_refused(lines: &str, header: &str, fault: EventFault) {
    let frame = event(lines);
    let error = Stamped::parse(&frame).expect_err("an event without a fault");
    assert_eq!((error.header.as_str(), error.fault), (header, fault), "{error}");
}

#[test]
fn every_event_of_every_capture_is_read() {
    for (name, stream) in captures() {
        let mut read = 0;
        for received in decode(&stream) {
            let Received::Frame(frame) = received else { continue };
            let Kind::Event(kind) = frame.kind() else { continue };
            let stamped = Stamped::parse(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
            let unneeded = [
                "TestEvent",
                "NewConnectedLine",
                "RTCPSent",
                "RTCPReceived",
                "MusicOnHoldStart",
                "MusicOnHoldStop",
                "ConfbridgeStart",
                "ConfbridgeJoin",
                "ConfbridgeLeave",
                "ConfbridgeEnd",
                "QueueStatusComplete",
                "CoreShowChannelsComplete",
            ];
            let other = unneeded.contains(&&*String::from_utf8_lossy(kind));
            assert_eq!(matches!(stamped.event, Event::Other(_)), other, "{name}: {:?}", stamped.event);
            // Live events are stamped, items of lists carry their action's id.
            assert_eq!(stamped.at.is_some(), frame.text("Timestamp").is_some());
            assert_eq!(stamped.action_id, frame.text("ActionID").unwrap_or_default());
            read += 1;
        }
        assert!(read > 20, "{name}");
    }
}

#[test]
fn the_stamp_is_in_milliseconds_and_the_action_id_beside_it() {
    let frame = event("Event: FullyBooted\nTimestamp: 1795336414.768735\nActionID: c-7\nUptime: 8");
    let stamped = Stamped::parse(&frame).unwrap();
    assert_eq!(stamped.at, Some(1_795_336_414_768));
    assert_eq!(stamped.action_id, "c-7");
    assert_eq!(stamped.event, Event::FullyBooted { uptime_s: Some(8) });
    reads_as("Event: FullyBooted\nStatus: Fully Booted", Event::FullyBooted { uptime_s: None });
}

#[test]
fn a_channels_life_is_read() {
    let one = snapshot("", "1");
    reads_as(&format!("Event: Newchannel\n{one}"), Event::Newchannel(channel("1")));
    reads_as(&format!("Event: Newstate\n{one}"), Event::Newstate(channel("1")));
    reads_as(&format!("Event: NewCallerid\n{one}\nCID-CallingPres: 0 (x)"), Event::NewCallerid(channel("1")));
    reads_as(&format!("Event: Hold\n{one}\nMusicClass: default"), Event::Hold(channel("1")));
    reads_as(&format!("Event: Unhold\n{one}"), Event::Unhold(channel("1")));
    reads_as(
        &format!("Event: Newexten\n{one}\nExtension: 5550100\nApplication: Queue\nAppData: sales,t: x"),
        Event::Newexten {
            channel: channel("1"),
            extension: "5550100".into(),
            application: "Queue".into(),
            data: "sales,t: x".into(),
        },
    );
    reads_as(
        "Event: Rename\nChannel: a\nNewname: b\nUniqueid: 1.1",
        Event::Rename { name: "a".into(), new_name: "b".into(), uniqueid: "1.1".into() },
    );
    reads_as(
        &format!("Event: HangupRequest\n{one}\nCause: 21"),
        Event::HangupRequest { channel: channel("1"), cause: Some(21) },
    );
    reads_as(&format!("Event: HangupRequest\n{one}"), Event::HangupRequest { channel: channel("1"), cause: None });
    reads_as(
        &format!("Event: SoftHangupRequest\n{one}\nCause: 16\nTechCause: 200"),
        Event::SoftHangupRequest { channel: channel("1"), cause: Some(16) },
    );
    reads_as(
        &format!("Event: Hangup\n{one}\nCause: 127\nCause-txt: Interworking, unspecified"),
        Event::Hangup { channel: channel("1"), cause: 127 },
    );
}

#[test]
fn dialling_is_read_with_and_without_a_caller() {
    let (one, two) = (snapshot("", "1"), snapshot("Dest", "2"));
    let caller = Some(channel("1"));
    reads_as(
        &format!("Event: DialBegin\n{one}\n{two}\nDialString: 102"),
        Event::DialBegin { channel: caller.clone(), dest: channel("2"), dial_string: "102".into() },
    );
    reads_as(
        &format!("Event: DialBegin\n{two}\nDialString: 102"),
        Event::DialBegin { channel: None, dest: channel("2"), dial_string: "102".into() },
    );
    reads_as(
        &format!("Event: DialState\n{one}\n{two}\nDialStatus: RINGING"),
        Event::DialState { channel: caller.clone(), dest: channel("2"), status: "RINGING".into() },
    );
    reads_as(
        &format!("Event: DialEnd\n{one}\n{two}\nForward: Local/9@x\nDialStatus: CANCEL"),
        Event::DialEnd { channel: caller, dest: channel("2"), status: "CANCEL".into(), forward: "Local/9@x".into() },
    );
}

fn bridge_lines(prefix: &str, id: &str) -> String {
    format!(
        "{prefix}BridgeUniqueid: {id}\n{prefix}BridgeType: basic\n{prefix}BridgeTechnology: simple_bridge\n\
         {prefix}BridgeCreator: <unknown>\n{prefix}BridgeName: <unknown>\n{prefix}BridgeNumChannels: 2"
    )
}

fn bridge(id: &str) -> Bridge<'static> {
    Bridge { uniqueid: id.to_owned().into(), kind: "basic".into(), technology: "simple_bridge".into(), channels: 2 }
}

#[test]
fn bridges_are_read() {
    let (lines, one) = (bridge_lines("", "b1"), snapshot("", "1"));
    reads_as(&format!("Event: BridgeCreate\n{lines}"), Event::BridgeCreate(bridge("b1")));
    reads_as(&format!("Event: BridgeDestroy\n{lines}"), Event::BridgeDestroy(bridge("b1")));
    reads_as(
        &format!("Event: BridgeEnter\n{lines}\n{one}"),
        Event::BridgeEnter { bridge: bridge("b1"), channel: channel("1"), swap: "".into() },
    );
    reads_as(
        &format!("Event: BridgeEnter\n{lines}\n{one}\nSwapUniqueid: 1.9"),
        Event::BridgeEnter { bridge: bridge("b1"), channel: channel("1"), swap: "1.9".into() },
    );
    reads_as(
        &format!("Event: BridgeLeave\n{lines}\n{one}"),
        Event::BridgeLeave { bridge: bridge("b1"), channel: channel("1") },
    );
    reads_as(
        &format!("Event: BridgeMerge\n{}\n{}", bridge_lines("To", "b1"), bridge_lines("From", "b2")),
        Event::BridgeMerge { to: bridge("b1"), from: bridge("b2") },
    );
}

#[test]
fn transfers_and_pickups_are_read() {
    reads_as(
        &format!(
            "Event: LocalBridge\n{}\n{}\nContext: c\nExten: e",
            snapshot("LocalOne", "1"),
            snapshot("LocalTwo", "2")
        ),
        Event::LocalBridge { one: channel("1"), two: channel("2") },
    );
    reads_as(
        &format!("Event: Pickup\n{}\n{}", snapshot("", "1"), snapshot("Target", "2")),
        Event::Pickup { channel: channel("1"), target: channel("2") },
    );
    let transferer = snapshot("Transferer", "1");
    reads_as(
        &format!(
            "Event: BlindTransfer\nResult: Success\n{transferer}\n{}\n{}\nIsExternal: Yes\nContext: from-internal\nExtension: 102",
            snapshot("Transferee", "2"),
            bridge_lines("", "b1"),
        ),
        Event::BlindTransfer {
            result: "Success".into(),
            transferer: channel("1"),
            transferee: Some(channel("2")),
            context: "from-internal".into(),
            exten: "102".into(),
        },
    );
    reads_as(
        &format!("Event: BlindTransfer\nResult: Invalid\n{transferer}\nContext: c\nExtension: e"),
        Event::BlindTransfer {
            result: "Invalid".into(),
            transferer: channel("1"),
            transferee: None,
            context: "c".into(),
            exten: "e".into(),
        },
    );
    let attended = format!(
        "Event: AttendedTransfer\nResult: Success\n{}\n{}\n{}\n{}",
        snapshot("OrigTransferer", "1"),
        bridge_lines("Orig", "b1"),
        snapshot("SecondTransferer", "2"),
        bridge_lines("Second", "b2"),
    );
    reads_as(
        &format!(
            "{attended}\n{}\n{}\nIsExternal: No\nDestType: Bridge\nDestBridgeUniqueid: b1",
            snapshot("Transferee", "3"),
            snapshot("TransferTarget", "4"),
        ),
        Event::AttendedTransfer {
            result: "Success".into(),
            orig_transferer: channel("1"),
            second_transferer: channel("2"),
            transferee: Some(channel("3")),
            target: Some(channel("4")),
            dest_type: "Bridge".into(),
        },
    );
    reads_as(
        &format!("{attended}\nDestType: Link\n{}\n{}", snapshot("LocalOne", "5"), snapshot("LocalTwo", "6")),
        Event::AttendedTransfer {
            result: "Success".into(),
            orig_transferer: channel("1"),
            second_transferer: channel("2"),
            transferee: None,
            target: None,
            dest_type: "Link".into(),
        },
    );
}

#[test]
fn parking_is_read() {
    let (parkee, retriever) = (snapshot("Parkee", "1"), snapshot("Retriever", "2"));
    let rest = "ParkerDialString: PJSIP/101\nParkinglot: default\nParkingSpace: 701\nParkingTimeout: 45";
    reads_as(
        &format!("Event: ParkedCall\n{parkee}\n{rest}"),
        Event::ParkedCall { parkee: channel("1"), parker_dial_string: "PJSIP/101".into(), space: "701".into() },
    );
    reads_as(
        &format!("Event: UnParkedCall\n{parkee}\n{retriever}\n{rest}"),
        Event::UnParkedCall { parkee: channel("1"), retriever: Some(channel("2")) },
    );
    reads_as(&format!("Event: ParkedCallTimeOut\n{parkee}\n{rest}"), Event::ParkedCallTimeOut { parkee: channel("1") });
    reads_as(&format!("Event: ParkedCallGiveUp\n{parkee}\n{rest}"), Event::ParkedCallGiveUp { parkee: channel("1") });
}

#[test]
fn a_queues_callers_are_read_under_new_and_old_names() {
    let one = snapshot("", "1");
    for name in ["QueueCallerJoin", "Join"] {
        reads_as(
            &format!("Event: {name}\n{one}\nQueue: sales\nPosition: 2\nCount: 2"),
            Event::QueueCallerJoin { channel: channel("1"), queue: "sales".into(), position: 2 },
        );
    }
    for name in ["QueueCallerLeave", "Leave"] {
        reads_as(
            &format!("Event: {name}\n{one}\nQueue: sales\nCount: 0\nPosition: 1"),
            Event::QueueCallerLeave { channel: channel("1"), queue: "sales".into() },
        );
    }
    reads_as(
        &format!("Event: QueueCallerAbandon\n{one}\nQueue: sales\nPosition: 1\nOriginalPosition: 3\nHoldTime: 41"),
        Event::QueueCallerAbandon { channel: channel("1"), queue: "sales".into(), position: 1, hold_time_s: 41 },
    );
}

#[test]
fn ring_time_is_seconds_when_connected_and_milliseconds_when_not() {
    let legs = format!("{}\n{}", snapshot("", "1"), snapshot("Dest", "2"));
    let (channel, dest) = (channel("1"), channel("2"));
    let agent = "Queue: sales\nInterface: Local/105@from-queue/n\nMemberName: Erin";
    let (queue, interface, member) = ("sales".into(), "Local/105@from-queue/n".into(), "Erin".into());
    reads_as(
        &format!("Event: AgentRingNoAnswer\n{legs}\n{agent}\nRingTime: 15000"),
        Event::AgentRingNoAnswer { channel, dest, queue, interface, member, ring_time_ms: 15_000 },
    );
    let (channel, dest) = (self::channel("1"), self::channel("2"));
    let (queue, interface, member) = ("sales".into(), "Local/105@from-queue/n".into(), "Erin".into());
    reads_as(
        &format!("Event: AgentConnect\n{legs}\n{agent}\nHoldTime: 20\nRingTime: 15"),
        Event::AgentConnect { channel, dest, queue, interface, member, hold_time_s: 20, ring_time_s: 15 },
    );
}

#[test]
fn an_agents_other_events_are_read() {
    let legs = format!("{}\n{}", snapshot("", "1"), snapshot("Dest", "2"));
    let agent = "Queue: sales\nInterface: PJSIP/101\nMemberName: Alice";
    let (queue, interface, member) = ("sales".into(), "PJSIP/101".into(), "Alice".into());
    let (channel, dest) = (channel("1"), channel("2"));
    reads_as(
        &format!("Event: AgentComplete\n{legs}\n{agent}\nHoldTime: 2\nTalkTime: 65\nReason: caller"),
        Event::AgentComplete {
            channel,
            dest,
            queue,
            interface,
            member,
            reason: "caller".into(),
            hold_time_s: 2,
            talk_time_s: 65,
        },
    );
    let (queue, interface, member) = ("sales".into(), "PJSIP/101".into(), "Alice".into());
    let (channel, dest) = (self::channel("1"), self::channel("2"));
    reads_as(
        &format!("Event: AgentCalled\n{legs}\n{agent}"),
        Event::AgentCalled { channel, dest, queue, interface, member },
    );
    let (queue, interface, member) = ("sales".into(), "PJSIP/101".into(), "Alice".into());
    let (channel, dest) = (self::channel("1"), self::channel("2"));
    reads_as(
        &format!("Event: AgentDump\n{legs}\n{agent}"),
        Event::AgentDump { channel, dest, queue, interface, member },
    );
}

#[test]
fn a_talk_that_is_complete_may_name_only_whom_the_queue_still_finds() {
    let agent = "Queue: sales\nInterface: PJSIP/101\nMemberName: Alice\nHoldTime: 2\nTalkTime: 65\nReason: caller";
    for (legs, channel, dest) in [
        (snapshot("", "1"), channel("1"), Channel::default()),
        (snapshot("Dest", "2"), Channel::default(), channel("2")),
    ] {
        let (queue, interface, member) = ("sales".into(), "PJSIP/101".into(), "Alice".into());
        reads_as(
            &format!("Event: AgentComplete\n{legs}\n{agent}"),
            Event::AgentComplete {
                channel,
                dest,
                queue,
                interface,
                member,
                reason: "caller".into(),
                hold_time_s: 2,
                talk_time_s: 65,
            },
        );
    }
}

#[test]
fn a_member_is_read_from_the_list_and_from_its_events_old_and_new() {
    let member = Member {
        queue: "sales".into(),
        name: "Erin".into(),
        interface: "Local/105@from-queue/n".into(),
        state_interface: "hint:105@ext-local".into(),
        penalty: 3,
        status: 6,
        paused: true,
        paused_reason: "lunch".into(),
        wrapup_s: 15,
    };
    let rest = "StateInterface: hint:105@ext-local\nMembership: static\nPenalty: 3\nCallsTaken: 0\nLastCall: -1\n\
                Status: 6\nPaused: 1\nPausedReason: lunch\nWrapuptime: 15";
    reads_as(
        &format!("Event: QueueMember\nQueue: sales\nName: Erin\nLocation: Local/105@from-queue/n\n{rest}"),
        Event::QueueMember { change: MemberChange::Listed, member: member.clone() },
    );
    for (name, change) in [
        ("QueueMemberStatus", MemberChange::Status),
        ("QueueMemberPenalty", MemberChange::Status),
        ("QueueMemberRinginuse", MemberChange::Status),
        ("QueueMemberAdded", MemberChange::Added),
        ("QueueMemberRemoved", MemberChange::Removed),
        ("QueueMemberPause", MemberChange::Pause),
    ] {
        let member = member.clone();
        reads_as(
            &format!("Event: {name}\nQueue: sales\nMemberName: Erin\nInterface: Local/105@from-queue/n\n{rest}"),
            Event::QueueMember { change, member },
        );
    }
    reads_as(
        "Event: QueueMemberPaused\nQueue: sales\nLocation: SIP/1\nMemberName: Erin\nPaused: 1\nReason: lunch",
        Event::QueueMember {
            change: MemberChange::Pause,
            member: Member {
                queue: "sales".into(),
                name: "Erin".into(),
                interface: "SIP/1".into(),
                paused: true,
                paused_reason: "lunch".into(),
                ..Member::default()
            },
        },
    );
}

#[test]
fn the_lists_of_a_snapshot_are_read() {
    reads_as(
        "Event: QueueParams\nQueue: sales\nMax: 0\nStrategy: ringall\nCalls: 4\nServicelevelPerf: 0.0",
        Event::QueueParams { queue: "sales".into(), strategy: "ringall".into(), calls: 4 },
    );
    reads_as(
        "Event: QueueEntry\nQueue: sales\nPosition: 1\nChannel: PJSIP/t-1\nUniqueid: 1.1\nCallerIDNum: 5550199\nWait: 12\nPriority: 0",
        Event::QueueEntry {
            queue: "sales".into(),
            position: 1,
            channel_name: "PJSIP/t-1".into(),
            uniqueid: "1.1".into(),
            wait_s: 12,
        },
    );
    let one = snapshot("", "1");
    reads_as(
        &format!(
            "Event: CoreShowChannel\nActionID: x\n{one}\nApplication: Queue\nApplicationData: sales\nDuration: 01:00:02\nBridgeId: b1"
        ),
        Event::CoreShowChannel {
            channel: channel("1"),
            bridge_id: "b1".into(),
            application: "Queue".into(),
            data: "sales".into(),
            duration_s: 3602,
        },
    );
    reads_as(
        &format!("Event: CoreShowChannel\n{one}\nApplication: \nApplicationData: \nDuration: \nBridgeId: "),
        Event::CoreShowChannel {
            channel: channel("1"),
            bridge_id: "".into(),
            application: "".into(),
            data: "".into(),
            duration_s: 0,
        },
    );
}

#[test]
fn the_remaining_events_are_read() {
    reads_as("Event: Shutdown\nShutdown: Cleanly\nRestart: True", Event::Shutdown { restart: true });
    reads_as("Event: Shutdown\nShutdown: Uncleanly\nRestart: False", Event::Shutdown { restart: false });
    reads_as(
        "Event: DeviceStateChange\nDevice: PJSIP/101\nState: RINGINUSE",
        Event::DeviceStateChange { device: "PJSIP/101".into(), state: "RINGINUSE".into() },
    );
    let one = snapshot("", "1");
    reads_as(
        &format!("Event: VarSet\n{one}\nVariable: DIALSTATUS\nValue: "),
        Event::VarSet { channel: Some(channel("1")), variable: "DIALSTATUS".into(), value: "".into() },
    );
    reads_as(
        "Event: VarSet\nChannel: none\nUniqueid: none\nVariable: CALLBACKD_X\nValue: a: b",
        Event::VarSet { channel: None, variable: "CALLBACKD_X".into(), value: "a: b".into() },
    );
    reads_as(
        "Event: OriginateResponse\nActionID: x\nResponse: Failure\nChannel: PJSIP/101\nReason: 3\nUniqueid: <unknown>",
        Event::OriginateResponse { success: false, reason: 3, channel_name: "PJSIP/101".into(), uniqueid: "".into() },
    );
    reads_as("Event: Reload\nModule: All", Event::Other("Reload".into()));
}

#[test]
fn a_user_event_keeps_its_own_fields_in_order_whatever_they_are_called() {
    reads_as(
        &format!(
            "Event: UserEvent\nTimestamp: 1.0\n{}\nUserEvent: CallTag\nCode: A\nCode: B\nContext: own\nNote:",
            snapshot("", "1")
        ),
        Event::UserEvent {
            name: "CallTag".into(),
            channel: Some(channel("1")),
            fields: vec![
                ("Code".into(), "A".into()),
                ("Code".into(), "B".into()),
                ("Context".into(), "own".into()),
                ("Note".into(), "".into()),
            ],
        },
    );
    let frame = event("Event: UserEvent\nUserEvent: CallTag\nActionID: x-1\nCode: A");
    let stamped = Stamped::parse(&frame).unwrap();
    assert_eq!(stamped.action_id, "x-1");
    assert_eq!(
        stamped.event,
        Event::UserEvent { name: "CallTag".into(), channel: None, fields: vec![("Code".into(), "A".into())] }
    );
}

#[test]
fn text_that_is_not_utf_8_is_shown_with_marks_not_lost() {
    let frame = frame(b"Event: Newchannel\r\nUniqueid: 1.1\r\nCallerIDName: J\xfcrgen\r\n\r\n");
    let Event::Newchannel(channel) = Stamped::parse(&frame).unwrap().event else { panic!("not a Newchannel") };
    assert_eq!(channel.caller_name, "J\u{fffd}rgen");
}

#[test]
fn control_characters_are_shown_with_marks_and_obeyed_by_nobody() {
    let name = "\x1b[2J\x07 a\tb \u{9b}31m \x7f \u{a0}\u{c2}é";
    let frame = frame(format!("Event: Newchannel\r\nUniqueid: 1.1\r\nCallerIDName: {name}\r\n\r\n").as_bytes());
    let Event::Newchannel(channel) = Stamped::parse(&frame).unwrap().event else { panic!("not a Newchannel") };
    assert_eq!(channel.caller_name, "\u{fffd}[2J\u{fffd} a\u{fffd}b \u{fffd}31m \u{fffd} \u{a0}\u{c2}é");
}

#[test]
fn text_is_borrowed_from_the_frame() {
    let frame = event(&format!("Event: Newchannel\n{}", snapshot("", "1")));
    let Event::Newchannel(channel) = Stamped::parse(&frame).unwrap().event else { panic!("not a Newchannel") };
    for text in [channel.name, channel.uniqueid, channel.linkedid, channel.caller_num, channel.context, channel.exten] {
        assert!(matches!(text, std::borrow::Cow::Borrowed(_)), "{text} was copied");
    }
}

#[test]
fn an_event_without_what_it_is_about_is_refused() {
    is_refused("Event: Newchannel\nChannel: PJSIP/1-1", "Uniqueid", EventFault::Missing);
    is_refused("Event: Newchannel\nUniqueid: ", "Uniqueid", EventFault::Missing);
    is_refused(&format!("Event: DialBegin\n{}", snapshot("", "1")), "DestUniqueid", EventFault::Missing);
    is_refused(&format!("Event: DialEnd\n{}", snapshot("Dest", "1")), "DialStatus", EventFault::Missing);
    is_refused(&format!("Event: BridgeEnter\n{}", snapshot("", "1")), "BridgeUniqueid", EventFault::Missing);
    is_refused(&format!("Event: QueueCallerJoin\n{}", snapshot("", "1")), "Queue", EventFault::Missing);
    is_refused("Event: QueueMember\nQueue: sales\nName: Erin", "Interface", EventFault::Missing);
}

#[test]
fn a_malformed_number_is_named_with_its_place() {
    let frame = event("Event: Hangup\nUniqueid: 1.1\nCause: six\x1bteen");
    let error = Stamped::parse(&frame).unwrap_err();
    assert_eq!(error.to_string(), r#"Hangup: header Cause is malformed at byte 37: "six\x1bteen""#);
    assert_eq!(error.offset, 37);
    is_refused("Event: Newstate\nUniqueid: 1.1\nChannelState: 256", "ChannelState", EventFault::Malformed);
    is_refused("Event: DialBegin\nDestUniqueid: 1.1\nDestChannelState: x", "DestChannelState", EventFault::Malformed);
    is_refused("Event: FullyBooted\nUptime: 1.5", "Uptime", EventFault::Malformed);
    is_refused("Event: FullyBooted\nTimestamp: now", "Timestamp", EventFault::Malformed);
    is_refused(
        "Event: BridgeCreate\nBridgeUniqueid: b\nBridgeNumChannels: two",
        "BridgeNumChannels",
        EventFault::Malformed,
    );
    is_refused("Event: CoreShowChannel\nUniqueid: 1.1\nDuration: 62", "Duration", EventFault::Malformed);
}

#[test]
fn a_duration_that_a_clock_step_made_negative_is_zero() {
    reads_as(
        &format!("Event: QueueCallerAbandon\n{}\nQueue: sales\nPosition: 1\nHoldTime: -3590", snapshot("", "1")),
        Event::QueueCallerAbandon { channel: channel("1"), queue: "sales".into(), position: 1, hold_time_s: 0 },
    );
}

#[test]
fn a_header_forged_by_a_line_break_is_refused_wherever_it_stands() {
    // A caller's number with a line break forges a queue, a context, a state.
    let join = "Event: QueueCallerJoin\nUniqueid: 1.1\nCallerIDNum: 1\nQueue: vip\nQueue: sales\nPosition: 1";
    is_refused(join, "Queue", EventFault::Duplicated);
    is_refused("Event: Newstate\nUniqueid: 1.1\nExten: s\nContext: a\nContext: b", "Context", EventFault::Duplicated);
    is_refused("Event: Hangup\nUniqueid: 1.1\nCause: 16\nCause: 17", "Cause", EventFault::Duplicated);
    is_refused("Event: FullyBooted\nTimestamp: 1.0\nTimestamp: 2.0", "Timestamp", EventFault::Duplicated);
    is_refused(
        "Event: DialBegin\nDestUniqueid: 1.1\nDestExten: s\nDestUniqueid: 1.2",
        "DestUniqueid",
        EventFault::Duplicated,
    );
}

#[test]
fn a_response_is_no_event() {
    is_refused("Response: Success\nMessage: x", "Event", EventFault::NotAnEvent);
}

proptest! {
    #[test]
    fn no_values_make_it_panic(
        name in prop_oneof![
            Just("Newchannel"), Just("Hangup"), Just("DialEnd"), Just("BridgeMerge"), Just("AttendedTransfer"),
            Just("UnParkedCall"), Just("AgentConnect"), Just("QueueMemberPause"), Just("QueueEntry"), Just("VarSet"),
            Just("UserEvent"), Just("CoreShowChannel"), Just("OriginateResponse"), Just("Shutdown"), Just("Nonsense"),
        ],
        headers in proptest::collection::vec((
            "(Dest|To|From|OrigTransferer|Parkee)?(Uniqueid|ChannelState|BridgeUniqueid|BridgeNumChannels|Queue|Interface|Cause|Duration|Timestamp|UserEvent|Variable|HoldTime|Status|Paused)",
            proptest::collection::vec(any::<u8>().prop_filter("ends the line", |byte| !matches!(byte, 0 | b'\n')), 0..12),
        ), 0..12),
    ) {
        let mut stream = format!("Event: {name}\n").into_bytes();
        for (key, value) in headers {
            stream.extend([key.as_bytes(), b": ", &value, b"\n"].concat());
        }
        stream.push(b'\n');
        for received in decode(&stream) {
            if let Received::Frame(frame) = received
                && let Err(error) = Stamped::parse(&frame)
            {
                prop_assert!(error.excerpt.len() <= 64 && error.offset < stream.len() as u64);
            }
        }
    }
}
