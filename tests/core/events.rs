//! Frames to typed events: every header lands where it belongs, older names included, and no value is guessed.

use crate::ami::{captures, decode, frame};
use callbackd_core::ami::event::{Bridge, Channel, Event};
use callbackd_core::ami::{EventFault, Frame, Kind, Received, Stamped};

/// The frame of these lines.
pub fn event(lines: &str) -> Frame {
    frame(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes())
}

/// The headers of a channel snapshot as Asterisk writes them (`main/manager_channels.c`), each value its own.
pub fn snapshot(prefix: &str, id: &str) -> String {
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
pub fn channel(id: &str) -> Channel<'static> {
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
pub fn reads_as(lines: &str, expected: Event<'_>) {
    let frame = event(lines);
    assert_eq!(Stamped::parse(&frame).map(|stamped| stamped.event).map_err(|error| error.to_string()), Ok(expected));
}

/// The lines are refused: for this header, for this reason.
#[track_caller]
pub fn is_refused(lines: &str, header: &str, fault: EventFault) {
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
        Event::Hangup { channel: channel("1"), cause: 127, language: "en".into() },
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
        Event::DeviceStateChange { device: "PJSIP/101".into(), state: "RINGINUSE".into(), doubtful: false },
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
