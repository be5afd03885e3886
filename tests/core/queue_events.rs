//! Frames of queues, their callers and members to typed events.

use crate::events::{channel, reads_as, snapshot};
use callbackd_core::ami::event::{Channel, Event, Member, MemberChange};

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
