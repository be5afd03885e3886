//! For how long a webhook that takes nothing is tried, and what a person's pause and try between times change of that.

use crate::store::feed::Place;
use crate::store::stored::abandoned;
use crate::store::webhooks::{DAY, MINUTE, configured, endpoint, fresh, load, now, step};
use callbackd::store::webhooks::{WebhookNote, WebhookState};
use callbackd::webhook::{Answer, Due, Next};

#[test]
fn a_message_that_nobody_takes_is_given_up_after_three_days_and_not_while_the_endpoint_was_paused() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let endpoint = endpoint("");
    let (begin, mut attempts) = (now() + 9 * DAY, 0);
    let mut at_ms = begin;
    loop {
        let (reader, mut queue) = load(&place);
        if let Due::At(next) = queue.due(&reader, &endpoint, at_ms).unwrap() {
            at_ms = next;
        }
        let (_, next) = step(&mut store, &place, &endpoint, at_ms, Answer::Status(503, None)).expect("it is due");
        attempts += 1;
        if next == Next::GiveUp {
            break;
        }
    }
    assert!((3 * DAY..3 * DAY + 70 * MINUTE).contains(&(at_ms - begin)), "{}", at_ms - begin);
    assert!((70..90).contains(&attempts), "{attempts}");
}

#[test]
fn how_long_it_takes_nothing_is_counted_without_the_time_in_which_it_was_paused() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let (endpoint, begin) = (endpoint(""), now());
    let down = || Answer::Nothing("refused".to_owned());
    step(&mut store, &place, &endpoint, begin, down()).unwrap();
    for (state, at_ms) in [(WebhookState::Paused, begin + 1), (WebhookState::Running, begin + 9 * DAY)] {
        store.webhook(&WebhookNote::State("crm".into(), state, "ann".into(), at_ms)).unwrap();
    }
    let (_, next) = step(&mut store, &place, &endpoint, begin + 9 * DAY, down()).unwrap();
    assert_eq!(next, Next::Again(30_000), "nine days old, and tried for five seconds");
    let failing_ms = load(&place).0.webhook("crm").unwrap().unwrap().failing_ms;
    assert_eq!(failing_ms, Some(begin + 9 * DAY - 1));
}

#[test]
fn what_a_person_has_tried_between_times_puts_off_nothing_that_is_tried_by_itself() {
    let place = Place::new();
    let mut store = configured(&place);
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    let (endpoint, begin) = (endpoint(""), now());
    let (reader, mut queue) = load(&place);
    let mut tried = |at_ms: i64, hurried: bool, answer: Answer| {
        if hurried {
            queue.hurry(at_ms);
        }
        let Due::Send(message) = queue.due(&reader, &endpoint, at_ms).unwrap() else { panic!("it is due at {at_ms}") };
        let (note, _) = queue.answered(*message, answer, "", (at_ms, 0), 0.0);
        store.webhook(&note).unwrap();
        match queue.due(&reader, &endpoint, at_ms).unwrap() {
            Due::At(next_ms) => next_ms - begin,
            other => panic!("{other:?}"),
        }
    };
    let down = || Answer::Nothing("refused".to_owned());
    assert_eq!(tried(begin, false, down()), 5_000);
    for later in 1..=4 {
        assert_eq!(tried(begin + 1_000 * later, true, down()), 5_000, "as before");
    }
    assert_eq!(tried(begin + 5_000, false, down()), 35_000, "the second pause is the next");
    let busy = Answer::Status(503, Some(120_000));
    assert_eq!(tried(begin + 6_000, true, busy), 126_000, "the endpoint names a pause");
}
