//! From a frame to a typed event: which headers each event is read from.

use crate::ami::event::{Event, Member, MemberChange, Stamped, Text};
use crate::ami::frame::{Frame, Kind, text};
use crate::ami::gathered::{EventError, EventFault, Gathered};
use crate::ami::length::{EXPRESSION, FIELD, cut};

/// The only channel of an event, without a prefix.
const CHANNEL: &[&str] = &[""];
/// The channel that calls, and the one that is called.
const CALLER_AND_DEST: &[&str] = &["", "Dest"];
const NO_CHANNEL: &[&str] = &[];
const BRIDGE: &[&str] = &[""];
const NO_BRIDGE: &[&str] = &[];
/// What the `Agent…` events say beside their two channels; `Location` and `AgentName` before branch 12.
const AGENT: &[&str] =
    &["Queue", "Interface", "Location", "MemberName", "AgentName", "HoldTime", "RingTime", "TalkTime", "Reason"];
/// What all events about a queue's member say. `Name`, `Location` in the list and before branch 12, `Reason` before 13.
const MEMBER: &[&str] = &[
    "Queue",
    "MemberName",
    "Name",
    "Interface",
    "Location",
    "StateInterface",
    "Penalty",
    "Status",
    "Paused",
    "PausedReason",
    "Reason",
    "Wrapuptime",
];

impl<'a> Stamped<'a> {
    /// Reads the event that `frame` holds, in one pass over its headers.
    ///
    /// Names of events and headers are those of branches 13 to 22, with the older names of queue events as aliases.
    /// Allocates only for text that is not UTF-8 and for a UserEvent's fields.
    ///
    /// # Errors
    /// The frame is a response, a header that the event means nothing without is missing, a number is not one, or a header
    /// stands there twice.
    pub fn parse(frame: &'a Frame) -> Result<Self, EventError> {
        let Kind::Event(name) = frame.kind() else {
            return Err(Gathered::new(frame, b"Response").error("Event", EventFault::NotAnEvent, None));
        };
        let mut headers = Gathered::new(frame, name);
        let event = event(name, &mut headers)?;
        let (at, action_id) = (headers.at()?, headers.action_id());
        Ok(Self { at, action_id, texts_cut: headers.texts_cut(), event })
    }
}

fn event<'a>(name: &'a [u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    Ok(match name {
        b"Newchannel" | b"Newstate" | b"NewCallerid" | b"Newexten" | b"Rename" | b"HangupRequest"
        | b"SoftHangupRequest" | b"Hangup" | b"Hold" | b"Unhold" | b"VarSet" | b"CoreShowChannel" => channel(name, h)?,
        b"DialBegin" | b"DialState" | b"DialEnd" => dial(name, h)?,
        b"BridgeCreate" | b"BridgeDestroy" | b"BridgeEnter" | b"BridgeLeave" | b"BridgeMerge" => bridge(name, h)?,
        b"LocalBridge" | b"BlindTransfer" | b"AttendedTransfer" | b"Pickup" | b"ParkedCall" | b"UnParkedCall"
        | b"ParkedCallTimeOut" | b"ParkedCallGiveUp" => transfer(name, h)?,
        b"QueueCallerJoin"
        | b"Join"
        | b"QueueCallerLeave"
        | b"Leave"
        | b"QueueCallerAbandon"
        | b"QueueParams"
        | b"QueueEntry" => queue(name, h)?,
        b"AgentCalled" | b"AgentConnect" | b"AgentComplete" | b"AgentDump" | b"AgentRingNoAnswer" => agent(name, h)?,
        b"QueueMember" => member(MemberChange::Listed, h)?,
        b"QueueMemberStatus" | b"QueueMemberPenalty" | b"QueueMemberRinginuse" => member(MemberChange::Status, h)?,
        b"QueueMemberAdded" => member(MemberChange::Added, h)?,
        b"QueueMemberRemoved" => member(MemberChange::Removed, h)?,
        b"QueueMemberPause" | b"QueueMemberPaused" => member(MemberChange::Pause, h)?,
        b"UserEvent" => user_event(h)?,
        _ => plain(name, h)?,
    })
}

/// Events about one channel.
fn channel<'a>(name: &[u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    h.read(
        CHANNEL,
        NO_BRIDGE,
        match name {
            b"Newexten" => &["Extension", "Application", "AppData"],
            b"Rename" => &["Newname"],
            b"HangupRequest" | b"SoftHangupRequest" => &["Cause"],
            b"Hangup" => &["Cause", "Language"],
            b"VarSet" => &["Variable", "Value"],
            b"CoreShowChannel" => &["BridgeId", "Application", "ApplicationData", "Duration"],
            _ => &[],
        },
    )?;
    Ok(match name {
        b"VarSet" => {
            // A global variable comes with the channel "none" (`main/manager_channels.c`).
            let channel = h.channel_if_any(0)?.filter(|channel| channel.uniqueid != "none");
            Event::VarSet { channel, variable: h.needed("Variable")?, value: h.text("Value") }
        }
        b"Newchannel" => Event::Newchannel(h.channel(0)?),
        b"Newstate" => Event::Newstate(h.channel(0)?),
        b"NewCallerid" => Event::NewCallerid(h.channel(0)?),
        b"Hold" => Event::Hold(h.channel(0)?),
        b"Unhold" => Event::Unhold(h.channel(0)?),
        b"Newexten" => {
            let channel = h.channel(0)?;
            let extension =
                h.value("Extension").map_or_else(|| channel.exten.clone(), |value| h.bounded("Extension", value));
            Event::Newexten { extension, application: h.text("Application"), data: h.text("AppData"), channel }
        }
        b"Rename" => {
            let channel = h.channel(0)?;
            Event::Rename { name: channel.name, new_name: h.needed("Newname")?, uniqueid: channel.uniqueid }
        }
        b"HangupRequest" => Event::HangupRequest { channel: h.channel(0)?, cause: h.number_if_any("Cause")? },
        b"SoftHangupRequest" => Event::SoftHangupRequest { channel: h.channel(0)?, cause: h.number_if_any("Cause")? },
        b"Hangup" => Event::Hangup { channel: h.channel(0)?, cause: h.number("Cause")?, language: h.text("Language") },
        _ => Event::CoreShowChannel {
            channel: h.channel(0)?,
            bridge_id: h.text("BridgeId"),
            application: h.text("Application"),
            data: h.text("ApplicationData"),
            duration_s: h.duration_s("Duration")?,
        },
    })
}

fn dial<'a>(name: &[u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    h.read(&["Dest", ""], NO_BRIDGE, &["DialString", "DialStatus", "Forward"])?;
    let (dest, channel) = (h.channel(0)?, h.channel_if_any(1)?);
    Ok(match name {
        b"DialBegin" => Event::DialBegin { channel, dest, dial_string: h.text("DialString") },
        b"DialState" => Event::DialState { channel, dest, status: h.needed("DialStatus")? },
        _ => Event::DialEnd { channel, dest, status: h.needed("DialStatus")?, forward: h.text("Forward") },
    })
}

fn bridge<'a>(name: &[u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    Ok(match name {
        b"BridgeMerge" => {
            h.read(NO_CHANNEL, &["To", "From"], &[])?;
            Event::BridgeMerge { to: h.bridge(0)?, from: h.bridge(1)? }
        }
        b"BridgeCreate" | b"BridgeDestroy" => {
            h.read(NO_CHANNEL, BRIDGE, &[])?;
            if name == b"BridgeCreate" { Event::BridgeCreate(h.bridge(0)?) } else { Event::BridgeDestroy(h.bridge(0)?) }
        }
        _ => {
            h.read(CHANNEL, BRIDGE, &["SwapUniqueid"])?;
            let (bridge, channel) = (h.bridge(0)?, h.channel(0)?);
            if name == b"BridgeEnter" {
                Event::BridgeEnter { bridge, channel, swap: h.text("SwapUniqueid") }
            } else {
                Event::BridgeLeave { bridge, channel }
            }
        }
    })
}

/// Events in which a call moves to other channels.
fn transfer<'a>(name: &[u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    Ok(match name {
        b"LocalBridge" => {
            h.read(&["LocalOne", "LocalTwo"], NO_BRIDGE, &[])?;
            Event::LocalBridge { one: h.channel(0)?, two: h.channel(1)? }
        }
        b"Pickup" => {
            h.read(&["Target", ""], NO_BRIDGE, &[])?;
            Event::Pickup { target: h.channel(0)?, channel: h.channel(1)? }
        }
        b"BlindTransfer" => {
            h.read(&["Transferer", "Transferee"], NO_BRIDGE, &["Result", "Context", "Extension"])?;
            Event::BlindTransfer {
                result: h.needed("Result")?,
                transferer: h.channel(0)?,
                transferee: h.channel_if_any(1)?,
                context: h.text("Context"),
                exten: h.text("Extension"),
            }
        }
        b"AttendedTransfer" => {
            h.read(
                &["OrigTransferer", "SecondTransferer", "Transferee", "TransferTarget"],
                NO_BRIDGE,
                &["Result", "DestType"],
            )?;
            Event::AttendedTransfer {
                result: h.needed("Result")?,
                orig_transferer: h.channel(0)?,
                second_transferer: h.channel(1)?,
                transferee: h.channel_if_any(2)?,
                target: h.channel_if_any(3)?,
                dest_type: h.text("DestType"),
            }
        }
        _ => {
            h.read(&["Parkee", "Retriever"], NO_BRIDGE, &["ParkerDialString", "ParkingSpace"])?;
            let parkee = h.channel(0)?;
            match name {
                b"ParkedCall" => Event::ParkedCall {
                    parkee,
                    parker_dial_string: h.text("ParkerDialString"),
                    space: h.text("ParkingSpace"),
                },
                b"UnParkedCall" => Event::UnParkedCall { parkee, retriever: h.channel_if_any(1)? },
                b"ParkedCallTimeOut" => Event::ParkedCallTimeOut { parkee },
                _ => Event::ParkedCallGiveUp { parkee },
            }
        }
    })
}

fn queue<'a>(name: &[u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    h.read(CHANNEL, NO_BRIDGE, &["Queue", "Position", "HoldTime", "Strategy", "Calls", "Wait"])?;
    let queue = h.needed("Queue")?;
    Ok(match name {
        b"QueueParams" => Event::QueueParams { queue, strategy: h.text("Strategy"), calls: h.number("Calls")? },
        b"QueueEntry" => {
            let channel = h.channel(0)?;
            Event::QueueEntry {
                queue,
                position: h.number("Position")?,
                channel_name: channel.name,
                uniqueid: channel.uniqueid,
                wait_s: h.number("Wait")?,
            }
        }
        b"QueueCallerJoin" | b"Join" => {
            Event::QueueCallerJoin { channel: h.channel(0)?, queue, position: h.number("Position")? }
        }
        b"QueueCallerLeave" | b"Leave" => Event::QueueCallerLeave { channel: h.channel(0)?, queue },
        _ => Event::QueueCallerAbandon {
            channel: h.channel(0)?,
            queue,
            position: h.number("Position")?,
            hold_time_s: h.number("HoldTime")?,
        },
    })
}

fn agent<'a>(name: &[u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    h.read(CALLER_AND_DEST, NO_BRIDGE, AGENT)?;
    // Either may be gone when the talk is reported as complete, and then has no headers (`app_queue.c` `send_agent_complete`).
    let (channel, dest) = match name {
        b"AgentComplete" => (h.channel_if_any(0)?.unwrap_or_default(), h.channel_if_any(1)?.unwrap_or_default()),
        _ => (h.channel(0)?, h.channel(1)?),
    };
    let queue = h.needed("Queue")?;
    let (interface, member) = (h.first(&["Interface", "Location"]), h.first(&["MemberName", "AgentName"]));
    Ok(match name {
        b"AgentCalled" => Event::AgentCalled { channel, dest, queue, interface, member },
        b"AgentDump" => Event::AgentDump { channel, dest, queue, interface, member },
        b"AgentConnect" => {
            let (hold_time_s, ring_time_s) = (h.number("HoldTime")?, h.number("RingTime")?);
            Event::AgentConnect { channel, dest, queue, interface, member, hold_time_s, ring_time_s }
        }
        b"AgentComplete" => {
            let (reason, hold_time_s, talk_time_s) = (h.text("Reason"), h.number("HoldTime")?, h.number("TalkTime")?);
            Event::AgentComplete { channel, dest, queue, interface, member, reason, hold_time_s, talk_time_s }
        }
        _ => {
            let ring_time_ms = h.number("RingTime")?;
            Event::AgentRingNoAnswer { channel, dest, queue, interface, member, ring_time_ms }
        }
    })
}

fn member<'a>(change: MemberChange, h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    h.read(NO_CHANNEL, NO_BRIDGE, MEMBER)?;
    let interface = h.first(&["Interface", "Location"]);
    if interface.is_empty() {
        return Err(h.error("Interface", EventFault::Missing, None));
    }
    let member = Member {
        queue: h.needed("Queue")?,
        name: h.first(&["MemberName", "Name"]),
        interface,
        state_interface: h.text("StateInterface"),
        penalty: h.number("Penalty")?,
        status: h.number("Status")?,
        paused: h.number::<u8>("Paused")? != 0,
        paused_reason: h.first(&["PausedReason", "Reason"]),
        wrapup_s: h.number("Wrapuptime")?,
    };
    Ok(Event::QueueMember { change, member })
}

/// The channel's headers come before `UserEvent`, the dialplan's own behind it (`main/stasis_channels.c`), where they may
/// bear any name.
fn user_event<'a>(h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    let behind = h.read_until(CHANNEL, NO_BRIDGE, &["UserEvent"], |header| header.key == b"UserEvent")?;
    let name: Text<'a> = h.needed("UserEvent")?;
    let mut fields = Vec::new();
    for header in behind {
        match header.key {
            // An event that the UserEvent action raised repeats all headers of the action.
            b"ActionID" => h.set_action_id(header.value),
            key => fields.push((text(cut(key, FIELD)), text(cut(header.value, EXPRESSION)))),
        }
    }
    Ok(Event::UserEvent { name, channel: h.channel_if_any(0)?, fields })
}

/// Events without a channel snapshot.
fn plain<'a>(name: &'a [u8], h: &mut Gathered<'a>) -> Result<Event<'a>, EventError> {
    Ok(match name {
        b"FullyBooted" => {
            h.read(NO_CHANNEL, NO_BRIDGE, &["Uptime"])?;
            Event::FullyBooted { uptime_s: h.number_if_any("Uptime")? }
        }
        b"Shutdown" => {
            h.read(NO_CHANNEL, NO_BRIDGE, &["Restart"])?;
            Event::Shutdown { restart: h.value("Restart").is_some_and(|restart| restart.eq_ignore_ascii_case(b"true")) }
        }
        b"DeviceStateChange" => {
            h.read(NO_CHANNEL, NO_BRIDGE, &["Device", "State"])?;
            let (device, state) = (h.needed("Device")?, h.needed("State")?);
            Event::DeviceStateChange { device, state, doubtful: h.in_text() }
        }
        b"OriginateResponse" => {
            h.read(NO_CHANNEL, NO_BRIDGE, &["Response", "Reason", "Channel", "Uniqueid"])?;
            Event::OriginateResponse {
                success: h.value("Response") == Some(b"Success"),
                reason: h.number("Reason")?,
                channel_name: h.text("Channel"),
                // Unknown where no channel came to be and the action named none.
                uniqueid: h.value("Uniqueid").map(|value| h.known("Uniqueid", value)).unwrap_or_default(),
            }
        }
        _ => {
            h.read(NO_CHANNEL, NO_BRIDGE, &[])?;
            Event::Other(text(cut(name, FIELD)))
        }
    })
}
