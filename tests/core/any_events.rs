//! Whatever comes in whatever order: no panic, no negative time, no growth, and the same again for the same input.

use crate::stream::{Driver, FORGOTTEN_MS, rules};
use callbackd_core::ami::Stamped;
use callbackd_core::ami::event::{Bridge, Channel, Event, Member, MemberChange};
use callbackd_core::model::Record;
use callbackd_core::model::presence::{Busy, Presence};
use callbackd_core::model::progress::{Line, LineChange, Step as Progressed};
use callbackd_core::tracker::{Input, Output};
use proptest::prelude::*;

const START: i64 = 1_800_000_000_000;

/// What can be given to the tracker.
#[derive(Debug, Clone)]
enum Step {
    Event(Event<'static>),
    /// An event whose own stamp lies this much (ms) beside the clock.
    Stamped(Event<'static>, i64),
    Pass(u16),
    /// The clock of the wall is set back (ms).
    ClockBack(i64),
    Linked(Option<u64>),
    SnapshotBegan,
    SnapshotEnded(bool),
    Unlinked,
    Overloaded(u64),
    Stopping,
    Tick,
}

const NAMES: &[&str] = &[
    "PJSIP/trunk-1",
    "PJSIP/trunk-2",
    "PJSIP/101-1",
    "PJSIP/102-1",
    "Local/101@from-queue-1;1",
    "Local/101@from-queue-1;2",
    "CBAnn/1;1",
    "",
];
const IDS: &[&str] = &["u.1", "u.2", "u.3", "u.4", "u.5", "u.6", "cb-0a1b2c3d-7-1", ""];
const CONTEXTS: &[&str] = &["from-trunk", "from-internal", "ivr-main", "closed", "voicemail", ""];
const QUEUES: &[&str] = &["sales", "support"];

fn one_of(from: &'static [&'static str]) -> impl Strategy<Value = &'static str> + Clone {
    prop::sample::select(from)
}

fn channel() -> impl Strategy<Value = Channel<'static>> + Clone {
    let words = (
        one_of(CONTEXTS),
        one_of(&["s", "5550100", "101", "i", "t", "h", "1", ""]),
        one_of(&["12025550123", "101", ""]),
    );
    (0..IDS.len(), 0..NAMES.len(), prop::bool::weighted(0.9), one_of(IDS), 0..8u8, words).prop_map(
        |(id, name, own_name, linkedid, state, (context, exten, number))| Channel {
            name: NAMES[if own_name { id } else { name }].into(),
            uniqueid: IDS[id].into(),
            linkedid: linkedid.into(),
            state,
            caller_num: number.into(),
            context: context.into(),
            exten: exten.into(),
            ..Channel::default()
        },
    )
}

fn bridge() -> impl Strategy<Value = Bridge<'static>> + Clone {
    (one_of(&["b.1", "b.2", "b.3"]), one_of(&["simple_bridge", "holding_bridge", ""]))
        .prop_map(|(id, technology)| Bridge { uniqueid: id.into(), technology: technology.into(), ..Bridge::default() })
}

fn about_channels() -> impl Strategy<Value = Event<'static>> {
    let status = one_of(&["ANSWER", "NOANSWER", "BUSY", "CANCEL", "CONGESTION", "CHANUNAVAIL", "odd"]);
    let application = one_of(&["Dial", "Queue", "Busy", "Goto", "Hangup", "AppDial"]);
    let variable = one_of(&["QUEUESTATUS", "DIALSTATUS", "VMSTATUS", "RECORD_STATUS"]);
    let value = one_of(&["TIMEOUT", "FULL", "JOINEMPTY", "SUCCESS", "CHANUNAVAIL", ""]);
    prop_oneof![
        2 => channel().prop_map(Event::Newchannel),
        2 => channel().prop_map(Event::Newstate),
        1 => channel().prop_map(Event::NewCallerid),
        1 => (channel(), application, one_of(&["sales", "", "(Outgoing Line)"])).prop_map(|(channel, application, data)| {
            Event::Newexten { extension: channel.exten.clone(), channel, application: application.into(), data: data.into() }
        }),
        1 => (one_of(NAMES), one_of(IDS)).prop_map(|(name, id)| Event::Rename {
            name: "".into(), new_name: name.into(), uniqueid: id.into()
        }),
        1 => channel().prop_map(|channel| Event::HangupRequest { channel, cause: None }),
        1 => channel().prop_map(|channel| Event::SoftHangupRequest { channel, cause: Some(16) }),
        2 => (channel(), prop::sample::select(vec![0u16, 16, 17, 21, 26, 127])).prop_map(|(channel, cause)| {
            Event::Hangup { channel, cause, language: "en".into() }
        }),
        2 => (prop::option::of(channel()), channel()).prop_map(|(channel, dest)| Event::DialBegin {
            channel, dest, dial_string: "PJSIP/101".into()
        }),
        1 => (prop::option::of(channel()), channel()).prop_map(|(channel, dest)| Event::DialState {
            channel, dest, status: "RINGING".into()
        }),
        2 => (prop::option::of(channel()), channel(), status).prop_map(|(channel, dest, status)| Event::DialEnd {
            channel, dest, status: status.into(), forward: "".into()
        }),
        1 => (channel(), variable, value).prop_map(|(channel, variable, value)| Event::VarSet {
            channel: Some(channel), variable: variable.into(), value: value.into()
        }),
        1 => (channel(), one_of(&["CallTag", "CallRating", "CallbackRequest", "Other"])).prop_map(|(channel, name)| {
            let fields = vec![("Code".into(), "vip".into()), ("Score".into(), "4.5".into())];
            Event::UserEvent { name: name.into(), channel: Some(channel), fields }
        }),
        1 => (channel(), one_of(&["b.1", "b.2", ""]), one_of(&["AppDial", "Queue"]), any::<u32>()).prop_map(
            |(channel, bridge, application, duration)| Event::CoreShowChannel {
                channel,
                bridge_id: bridge.into(),
                application: application.into(),
                data: "".into(),
                duration_s: u64::from(duration) * u64::from(duration),
            }
        ),
    ]
}

fn about_bridges() -> impl Strategy<Value = Event<'static>> {
    let result = one_of(&["Success", "Fail"]);
    prop_oneof![
        1 => bridge().prop_map(Event::BridgeCreate),
        1 => bridge().prop_map(Event::BridgeDestroy),
        4 => (bridge(), channel()).prop_map(|(bridge, channel)| Event::BridgeEnter { bridge, channel, swap: "".into() }),
        3 => (bridge(), channel()).prop_map(|(bridge, channel)| Event::BridgeLeave { bridge, channel }),
        1 => (bridge(), bridge()).prop_map(|(to, from)| Event::BridgeMerge { to, from }),
        1 => channel().prop_map(Event::Hold),
        1 => channel().prop_map(Event::Unhold),
        1 => (channel(), channel()).prop_map(|(one, two)| Event::LocalBridge { one, two }),
        1 => (channel(), channel()).prop_map(|(channel, target)| Event::Pickup { channel, target }),
        1 => (result.clone(), channel(), prop::option::of(channel())).prop_map(|(result, transferer, transferee)| {
            Event::BlindTransfer { result: result.into(), transferer, transferee, context: "".into(), exten: "".into() }
        }),
        1 => (result, channel(), channel(), prop::option::of(channel()), prop::option::of(channel())).prop_map(
            |(result, orig_transferer, second_transferer, transferee, target)| Event::AttendedTransfer {
                result: result.into(), orig_transferer, second_transferer, transferee, target, dest_type: "Bridge".into()
            }
        ),
        1 => channel().prop_map(|parkee| Event::ParkedCall { parkee, parker_dial_string: "".into(), space: "701".into() }),
        1 => channel().prop_map(|parkee| Event::ParkedCallTimeOut { parkee }),
    ]
}

fn about_queues() -> impl Strategy<Value = Event<'static>> {
    let queue = one_of(QUEUES);
    let change = prop::sample::select(vec![
        MemberChange::Listed,
        MemberChange::Status,
        MemberChange::Added,
        MemberChange::Removed,
        MemberChange::Pause,
    ]);
    let interface = one_of(&["PJSIP/101", "PJSIP/102", "Local/101@from-queue/n", "hint:101@ext-local"]);
    let member = (queue.clone(), interface.clone(), interface, 0..9u8, any::<bool>(), one_of(&["", "lunch"]), 0..20u32)
        .prop_map(|(queue, interface, state_interface, status, paused, reason, wrapup_s)| Member {
            queue: queue.into(),
            name: "Alice".into(),
            interface: interface.into(),
            state_interface: state_interface.into(),
            status,
            paused,
            paused_reason: reason.into(),
            wrapup_s,
            penalty: 0,
        });
    prop_oneof![
        2 => (channel(), queue.clone()).prop_map(|(channel, q)| Event::QueueCallerJoin { channel, queue: q.into(), position: 1 }),
        1 => (channel(), queue.clone()).prop_map(|(channel, q)| Event::QueueCallerLeave { channel, queue: q.into() }),
        1 => (channel(), queue.clone()).prop_map(|(channel, q)| Event::QueueCallerAbandon {
            channel, queue: q.into(), position: 1, hold_time_s: 1
        }),
        1 => (channel(), channel(), queue.clone()).prop_map(|(channel, dest, q)| Event::AgentCalled {
            channel, dest, queue: q.into(), interface: "Local/101@from-queue/n".into(), member: "Alice".into()
        }),
        1 => (channel(), channel(), queue.clone()).prop_map(|(channel, dest, q)| Event::AgentConnect {
            channel, dest, queue: q.into(), interface: "PJSIP/101".into(), member: "Alice".into(), hold_time_s: 1, ring_time_s: 1
        }),
        1 => (queue.clone(), one_of(IDS), any::<u32>()).prop_map(|(queue, id, wait_s)| Event::QueueEntry {
            queue: queue.into(), position: 1, channel_name: "".into(), uniqueid: id.into(), wait_s
        }),
        1 => queue.prop_map(|queue| Event::QueueParams { queue: queue.into(), strategy: "".into(), calls: 0 }),
        2 => (change, member).prop_map(|(change, member)| Event::QueueMember { change, member }),
        1 => (one_of(&["PJSIP/101", "PJSIP/102"]), one_of(&["UNAVAILABLE", "NOT_INUSE", "INUSE", "UNKNOWN"])).prop_map(|(device, state)| {
            Event::DeviceStateChange { device: device.into(), state: state.into(), doubtful: false }
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let event = || prop_oneof![3 => about_channels(), 2 => about_bridges(), 2 => about_queues()];
    prop_oneof![
        30 => event().prop_map(Step::Event),
        6 => (event(), prop_oneof![20 => -5_000..5_000i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]).prop_map(|(event, beside)| Step::Stamped(event, beside)),
        12 => (0..4_000u16).prop_map(Step::Pass),
        1 => (60_000..u16::MAX).prop_map(Step::Pass),
        1 => (0..7_200_000i64).prop_map(Step::ClockBack),
        1 => prop::option::of(prop_oneof![9 => 0..5_000u64, 1 => Just(u64::MAX)]).prop_map(Step::Linked),
        1 => Just(Step::SnapshotBegan),
        1 => any::<bool>().prop_map(Step::SnapshotEnded),
        1 => Just(Step::Unlinked),
        1 => (0..10_000u64).prop_map(Step::Overloaded),
        1 => Just(Step::Stopping),
        1 => Just(Step::Tick),
    ]
}

fn ran(steps: &[Step]) -> Driver {
    let mut driver = Driver::linked(rules(), START);
    for step in steps {
        match step {
            Step::Event(event) => driver.take(event.clone()),
            Step::Stamped(event, beside) => {
                let at = Some(driver.now.wall_ms.saturating_add(*beside));
                driver.give(Input::Event(&Stamped { at, action_id: "".into(), texts_cut: 0, event: event.clone() }));
            }
            Step::Pass(ms) => driver.pass(i64::from(*ms)),
            Step::ClockBack(ms) => driver.now.wall_ms -= ms,
            Step::Linked(uptime_s) => driver.give(Input::Linked { uptime_s: *uptime_s }),
            Step::SnapshotBegan => driver.give(Input::SnapshotBegan),
            Step::SnapshotEnded(channels_known) => {
                driver.give(Input::SnapshotEnded { channels_known: *channels_known })
            }
            Step::Unlinked => driver.give(Input::Unlinked),
            Step::Overloaded(ms) => driver.give(Input::Overloaded { ms: *ms }),
            Step::Stopping => driver.give(Input::Stopping),
            Step::Tick => driver.give(Input::Tick),
        }
        let (channels, bridges, calls) = driver.tracker.sizes();
        // Each call has a channel, or had one a while ago; there are seven ids and three bridges.
        assert!(
            channels <= 7 && bridges <= 3 && calls <= 7 + driver.recorded().len() + steps.len(),
            "{:?}",
            driver.tracker.sizes()
        );
    }
    driver
}

fn true_to_time(record: &Record) -> bool {
    match record {
        Record::Call(call) => {
            let durations = [call.wait_ms, call.queue_wait_ms, call.ring_ms, call.talk_ms, call.hold_ms];
            call.started_ms <= call.ended_ms
                && durations.iter().all(|ms| *ms >= 0)
                && call.answered_ms.is_none_or(|at| (call.started_ms..=call.ended_ms).contains(&at))
                && call.legs.iter().all(|l| l.started_ms <= l.ended_ms && l.talk_ms >= 0)
                && call.visits.iter().all(|v| v.joined_ms <= v.left_ms)
                && !call.why.is_empty()
        }
        Record::InProgress(call) => call.queue.is_some() == call.joined_ms.is_some(),
        Record::NotInProgress { linkedid, .. } => !linkedid.is_empty(),
        Record::Gap(gap) => gap.from_ms <= gap.to_ms,
        Record::Interval(interval) => interval.to_ms.is_none_or(|to| interval.from_ms <= to),
        Record::Agent { agent, .. } => !agent.is_empty(),
        Record::Seen { .. } | Record::News(_) | Record::Tag(_) | Record::Tape(_) => true,
        Record::Callback(_) | Record::Attempt(_) | Record::DncAdd(_) | Record::DncRemove(_) | Record::GroupDnc(_) => {
            unreachable!("the tracker makes no callbacks")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_events_is_survived_with_times_that_can_be(steps in prop::collection::vec(step(), 0..150)) {
        let driver = ran(&steps);
        for record in &driver.records {
            prop_assert!(true_to_time(record), "{record:#?}");
        }
    }

    #[test]
    fn the_same_input_makes_the_same_records(steps in prop::collection::vec(step(), 0..150)) {
        prop_assert_eq!(ran(&steps).records, ran(&steps).records);
    }

    #[test]
    fn every_busy_line_is_freed_once_and_talks_only_between(steps in prop::collection::vec(step(), 0..150)) {
        let mut driver = ran(&steps);
        for _ in 0..2 {
            driver.link(1_000_000, &[]);
        }
        driver.pass(FORGOTTEN_MS);
        let mut busy = Vec::new();
        for news in &driver.news {
            let Output::Line(LineChange { number_e164, call, inbound, what }) = news else { continue };
            let line = (number_e164, call, inbound);
            let at = busy.iter().position(|b| *b == line);
            match what {
                Line::Busy => {
                    prop_assert_eq!(at, None);
                    busy.push(line);
                }
                Line::Talking { .. } => prop_assert!(at.is_some()),
                Line::Free => {
                    prop_assert!(at.is_some(), "{line:?} was not busy");
                    busy.remove(at.unwrap());
                }
            }
        }
        prop_assert_eq!(busy, vec![]);
    }

    #[test]
    fn an_attempt_begins_before_it_advances_and_ends_once(steps in prop::collection::vec(step(), 0..150)) {
        let mut driver = ran(&steps);
        for _ in 0..2 {
            driver.link(1_000_000, &[]);
        }
        driver.pass(FORGOTTEN_MS);
        let stops = steps.iter().filter(|s| matches!(s, Step::Stopping)).count();
        let (mut lives, mut unended) = (false, 0);
        for progress in driver.progress() {
            match &progress.step {
                Progressed::Seen => {
                    unended += usize::from(std::mem::replace(&mut lives, true)); // a run that ends leaves the rest to the next one
                }
                Progressed::Ended(facts) => {
                    prop_assert!(std::mem::replace(&mut lives, false));
                    prop_assert!(facts.talk_ms >= 0);
                }
                _ => prop_assert!(lives),
            }
        }
        prop_assert!(unended + usize::from(lives) <= stops, "{:#?}", driver.progress());
    }

    #[test]
    fn lists_that_name_nothing_end_everything_and_then_all_is_forgotten(steps in prop::collection::vec(step(), 0..150)) {
        let mut driver = ran(&steps);
        for _ in 0..2 {
            driver.link(1_000_000, &[]);
        }
        driver.pass(FORGOTTEN_MS);
        driver.link(1_000_000, &[]);
        prop_assert_eq!(driver.tracker.sizes(), (0, 0, 0));
        prop_assert_eq!(driver.tracker.live_channels(), 0);
        prop_assert!(driver.tracker.waiting().is_empty());
        prop_assert!(driver.tracker.agents().iter().all(|a| a.busy != Some(Busy::OnCall)));
        prop_assert!(!driver.tracker.attempt_lives("cb-0a1b2c3d-7-1"));
    }
}
