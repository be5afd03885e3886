//! A channel's name stands in front of what its caller can write, its uniqueid behind: an event that gives one channel another's
//! uniqueid is nobody's.

use crate::stream::{Driver, Line, rules};

const START: i64 = 1_800_000_000_000;

/// Two customers on the line: the second one's events are about the first one's uniqueid.
fn two_on_the_line() -> (Driver, Line, Line) {
    let mut driver = Driver::linked(rules(), START);
    let (victim, forger) =
        (Line::customer("victim"), Line::new("PJSIP/trunk-00000066", "forger", "forger", "1", "from-trunk", "s"));
    driver.say(&victim.begins());
    driver.say(&forger.begins());
    (driver, victim, forger)
}

#[test]
fn an_event_that_gives_a_channel_anothers_uniqueid_changes_neither() {
    let (mut driver, victim, forger) = two_on_the_line();
    let forged = forger
        .hangs_up()
        .replace("Uniqueid: forger", "Uniqueid: victim")
        .replace("Linkedid: forger", "Linkedid: victim");
    assert!(forged.contains("victim"), "{forged}");
    for kind in
        ["Hangup", "HangupRequest", "SoftHangupRequest", "Newstate", "Newchannel", "QueueCallerAbandon", "BridgeLeave"]
    {
        driver.say(
            &forged.replace("Event: Hangup\r\n", &format!("Event: {kind}\r\nQueue: sales\r\nBridgeUniqueid: b\r\n")),
        );
    }
    assert_eq!(driver.tracker.counters().impostors, 7);
    assert_eq!(driver.tracker.live_calls(), 2);
    driver.say(&victim.hangs_up());
    driver.pass(1_000);
    assert_eq!(driver.row().linkedid, "victim");
}

#[test]
fn a_rename_from_a_name_that_the_channel_never_had_is_not_believed() {
    let (mut driver, victim, _) = two_on_the_line();
    driver.event("Rename", &[("Channel", "PJSIP/trunk-00000066"), ("Newname", "PJSIP/x-1"), ("Uniqueid", "victim")]);
    assert_eq!(driver.tracker.counters().impostors, 1);
    driver.say(&victim.hangs_up());
    driver.pass(1_000);
    assert_eq!(driver.rows().len(), 1);
}

/// What a caller dialled can end the snapshot of their own channel with another's linkedid.
#[test]
fn who_calls_in_begins_a_call_of_their_own_whatever_linkedid_they_bear() {
    let (mut driver, victim, _) = two_on_the_line();
    let forged = Line::new("PJSIP/trunk-00000067", "third", "victim", "2", "from-trunk", "s").state(4);
    driver.say(&forged.begins());
    driver.say(&forged.event("Newexten", &[("Application", "Answer"), ("AppData", "")]));
    assert_eq!(driver.tracker.counters().impostors, 2);
    driver.say(&forged.hangs_up());
    driver.say(&victim.hangs_up());
    driver.pass(1_000);
    let rows = driver.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].linkedid.as_str(), rows[0].legs.len()), ("victim", 0));
}

/// The other half of a Local channel rings, and belongs to the call in which it was made.
#[test]
fn a_local_half_and_a_channel_that_takes_anothers_place_ring_in_the_call_that_made_them() {
    for name in ["Local/101@agents-00000001;2", "AsyncGoto/PJSIP/trunk-00000065"] {
        let (mut driver, _, _) = two_on_the_line();
        driver.say(&Line::new(name, "half", "victim", "2", "agents", "101").state(4).begins());
        assert_eq!((driver.tracker.counters().impostors, driver.tracker.live_calls()), (0, 2), "{name}");
    }
}

/// A masquerade renames twice, and an event that was made before comes behind the `Rename`, which takes a shorter way.
#[test]
fn a_channels_former_names_and_one_that_it_took_before_it_was_introduced_are_its_own() {
    let mut driver = Driver::linked(rules(), START);
    let line = Line::customer("1.1");
    let renamed = |old: &str, new: &str| {
        [("Channel", old.to_owned()), ("Newname", new.to_owned()), ("Uniqueid", "1.1".to_owned())]
    };
    let say = |driver: &mut Driver, old: &str, new: &str| {
        let headers = renamed(old, new);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(key, value)| (*key, value.as_str())).collect();
        driver.event("Rename", &headers);
    };
    let name = line.headers("").lines().find_map(|l| l.strip_prefix("Channel: ").map(str::to_owned)).unwrap();
    say(&mut driver, &name, "DAHDI/i1/5550100-1");
    driver.say(&line.begins());
    say(&mut driver, "DAHDI/i1/5550100-1", "DAHDI/i1/5550100-1<MASQ>");
    say(&mut driver, "DAHDI/i1/5550100-1<MASQ>", "Local/1@x-1;1<ZOMBIE>");
    for former in [&*name, "DAHDI/i1/5550100-1", "DAHDI/i1/5550100-1<MASQ>"] {
        driver.say(&line.event("Newstate", &[]).replace(&name, former));
    }
    driver.say(&line.hangs_up().replace(&name, "Local/1@x-1;1<ZOMBIE>"));
    driver.pass(1_000);
    assert_eq!(driver.tracker.counters().impostors, 0);
    assert_eq!(driver.rows().len(), 1);
}
