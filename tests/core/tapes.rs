//! The tapes of calls: what was written is read again, and whatever else is there to be read does no harm.

use crate::stream::{Driver, FORGOTTEN_MS, Line, recordings, rules};
use callbackd_core::ami::Stamped;
use callbackd_core::model::{CallTape, OurAttempts, PbxId, Record};
use callbackd_core::tracker::tape::Tapes;
use callbackd_core::tracker::{Input, Tracker};
use proptest::prelude::*;

const START: i64 = 1_795_336_404_000;

fn tapes(driver: &Driver) -> Vec<&CallTape> {
    let tape = |record: &'_ Record| matches!(record, Record::Tape(_));
    driver
        .records
        .iter()
        .filter(|record| tape(record))
        .filter_map(|record| match record {
            Record::Tape(tape) => Some(&**tape),
            _ => None,
        })
        .collect()
}

/// A call to a phone that rings and is not answered, with so many steps of the dialplan before.
fn unanswered(steps: usize) -> Driver {
    let mut driver = Driver::unlinked(rules(), START, None);
    driver.tracker.keeps_tapes();
    driver.link(1_000, &[]);
    let (line, phone) = (Line::customer("c.1"), Line::phone("101", "p.1", "c.1"));
    driver.say(&line.begins());
    for n in 0..steps {
        let data = format!("step={n}");
        driver.say(&line.event("Newexten", &[("Extension", "s"), ("Application", "Set"), ("AppData", &data)]));
    }
    driver.say(&(phone.begins() + &line.dials(&phone)));
    driver.say(&(line.dial_ends(&phone, "NOANSWER") + &phone.hangs_up() + &line.hangs_up()));
    driver.pass(FORGOTTEN_MS);
    driver
}

#[test]
fn a_tracker_that_is_not_asked_for_tapes_writes_none() {
    for recording in recordings() {
        assert!(tapes(&Driver::played(&recording)).is_empty(), "{}", recording.name);
    }
}

#[test]
fn a_tape_that_is_played_makes_the_same_row() {
    let driver = unanswered(3);
    let tape = tapes(&driver)[0];
    let mut again = Driver::unlinked(rules(), START, None);
    again.link(1_000, &[]);
    let mut taped = Tapes::default();
    taped.add(&tape.tape);
    for event in taped {
        again.until(event.at);
        let stamped = Stamped { at: Some(event.at), action_id: "".into(), texts_cut: 0, event: event.event };
        again.give(Input::Event(&stamped));
    }
    again.pass(FORGOTTEN_MS);
    assert_eq!(again.row(), driver.row());
}

#[test]
fn steps_of_the_dialplan_at_one_place_take_no_more_room_than_two_of_them() {
    let length = |steps: usize| tapes(&unanswered(steps))[0].tape.len();
    assert!(length(1) < length(2), "the first and the last are kept");
    assert!(length(200) <= length(3) + 1, "{} and {}", length(200), length(3));
}

#[test]
fn a_tape_of_another_version_is_counted_and_says_nothing() {
    let driver = unanswered(1);
    let mut tape = tapes(&driver)[0].tape.clone();
    tape[0] = 99;
    let mut taped = Tapes::default();
    taped.add(&tape);
    taped.add(&[]);
    assert_eq!((taped.by_ref().count(), taped.unreadable), (0, 2));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_stands_on_a_tape_is_read_to_an_end_and_taken_by_a_tracker(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut damaged = tapes(&unanswered(2))[0].tape.clone();
        for (at, byte) in changes {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        let mut taped = Tapes::default();
        taped.add(&damaged);
        taped.add(&[&[1, 200, 1][..], &bytes].concat());
        taped.add(&bytes);
        let mut tracker = Tracker::new(&PbxId::new("pbx"), rules(), OurAttempts::of_anybody(), None);
        let now = callbackd_core::model::Moment { wall_ms: START, mono_ms: 1 };
        let mut events = 0;
        for event in taped {
            let stamped = Stamped { at: Some(event.at), action_id: "".into(), texts_cut: 0, event: event.event };
            tracker.handle(Input::Event(&stamped), now);
            events += 1;
        }
        prop_assert!(events <= bytes.len() + damaged.len());
    }
}
