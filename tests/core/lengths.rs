//! Texts are no longer than Asterisk's own once an event has been read, and what was cut is counted.

use crate::events::event;
use crate::stream::{Driver, rules};
use callbackd_core::ami::Stamped;
use callbackd_core::ami::event::Event;
use callbackd_core::ami::length::{CHANNEL_NAME, EXPRESSION, FIELD, UNIQUEID};
use callbackd_core::tracker::Input;

const LONG: usize = 6_000;

fn long(first: char) -> String {
    first.to_string().repeat(LONG)
}

#[test]
fn no_text_of_a_channel_is_longer_than_asterisk_makes_it() {
    let headers = [
        ("Channel", 'c'),
        ("CallerIDNum", '1'),
        ("CallerIDName", 'n'),
        ("ConnectedLineNum", '2'),
        ("AccountCode", 'a'),
        ("Context", 'x'),
        ("Exten", '3'),
        ("Uniqueid", 'u'),
        ("Linkedid", 'l'),
    ];
    let lines: Vec<String> = headers.iter().map(|(header, with)| format!("{header}: {}", long(*with))).collect();
    let frame = event(&format!("Event: Newchannel\n{}", lines.join("\n")));
    let stamped = Stamped::parse(&frame).unwrap();
    let Event::Newchannel(channel) = &stamped.event else { panic!("{stamped:?}") };
    let lengths =
        [&channel.name, &channel.uniqueid, &channel.linkedid, &channel.context, &channel.exten].map(|t| t.len());
    assert_eq!(lengths, [CHANNEL_NAME, UNIQUEID, UNIQUEID, FIELD, FIELD]);
    let lengths =
        [&channel.caller_num, &channel.caller_name, &channel.connected_num, &channel.account_code].map(|t| t.len());
    assert_eq!(lengths, [FIELD; 4]);
    assert_eq!(stamped.texts_cut, 9);

    let mut driver = Driver::linked(rules(), 1_800_000_000_000);
    driver.give(Input::Event(&stamped));
    assert_eq!(driver.tracker.counters().texts_cut, 9);
}

#[test]
fn what_the_dialplan_says_and_the_fields_of_a_user_event_have_an_end() {
    let frame = event(&format!("Event: Newexten\nUniqueid: 1.1\nApplication: {}\nAppData: {}", long('p'), long('d')));
    let Event::Newexten { data, .. } = Stamped::parse(&frame).unwrap().event else { panic!() };
    assert_eq!(data.len(), EXPRESSION);
    let frame = event(&format!("Event: UserEvent\nUniqueid: 1.1\nUserEvent: Tag\n{}: {}", "k".repeat(100), long('v')));
    let Event::UserEvent { fields, .. } = Stamped::parse(&frame).unwrap().event else { panic!() };
    assert_eq!(fields.iter().map(|(key, value)| (key.len(), value.len())).collect::<Vec<_>>(), [(FIELD, EXPRESSION)]);
}

#[test]
fn a_local_channel_of_the_longest_names_keeps_its_half() {
    let name = format!("AsyncGoto/Local/{}@{}-0000000f;2<ZOMBIE>", "e".repeat(80), "c".repeat(80));
    let frame = event(&format!("Event: Newstate\nChannel: {name}\nUniqueid: 1.1"));
    let stamped = Stamped::parse(&frame).unwrap();
    let Event::Newstate(channel) = &stamped.event else { panic!("{stamped:?}") };
    assert_eq!((&*channel.name, stamped.texts_cut), (&*name, 0));
}
