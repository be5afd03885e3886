//! For how long a webhook that takes nothing is tried, and what a person's pause and try between times change of that.

use crate::store::feed::Place;
use crate::store::stored::abandoned;
use crate::store::webhooks::{DAY, MINUTE, configured, endpoint, fresh, load, now, step};
use callbackd::store::webhooks::{Again, MessageState, WebhookNote, WebhookState};
use callbackd::store::{Reader, Store};
use callbackd::webhook::{Answer, Due, Endpoint, Next, Outgoing};

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

/// A message that is sent once more is answered that nothing is wanted any more, while another one fails.
#[test]
fn what_was_failing_when_the_endpoint_was_switched_off_is_given_up_with_it_and_kept() {
    let place = Place::new();
    let mut store = configured(&place);
    let (endpoint, begin) = (endpoint(""), now());
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    for refused in 0..3 {
        hurried(&mut store, &place, &endpoint, begin + refused, Answer::Status(400, None));
    }
    store.write(&[fresh(abandoned("2.1"))]).unwrap();
    step(&mut store, &place, &endpoint, begin + 10, Answer::Status(503, None)).unwrap();
    let states = |state| load(&place).0.webhook_message_in("crm", state).unwrap().is_some();
    assert!(states(MessageState::GivenUp) && states(MessageState::Failing));
    store.webhook(&WebhookNote::Again("crm".into(), Again::GivenUp)).unwrap();
    step(&mut store, &place, &endpoint, begin + 20, Answer::Status(410, None)).unwrap();
    let given_up = Reader::open(&place.db).unwrap().webhook("crm").unwrap().unwrap().given_up;
    assert_eq!(given_up, 2, "both can be sent once more");
    // What fails next is the only one that does, over any restart.
    let on = WebhookNote::State("crm".into(), WebhookState::Running, "ann".into(), now());
    store.webhook(&on).unwrap();
    store.write(&[fresh(abandoned("3.1"))]).unwrap();
    for refused in 1..=3 {
        drop(store);
        store = configured(&place);
        let (_, next) = hurried(&mut store, &place, &endpoint, now(), Answer::Status(400, None));
        assert_eq!(next == Next::GiveUp, refused == 3, "{refused}");
    }
}

#[test]
fn what_comes_while_an_endpoint_is_paused_waits_also_where_it_was_off_before() {
    let place = Place::new();
    let mut store = configured(&place);
    let endpoint = endpoint("");
    store.write(&[fresh(abandoned("1.1"))]).unwrap();
    step(&mut store, &place, &endpoint, now(), Answer::Status(410, None)).unwrap();
    let to = |state| WebhookNote::State("crm".into(), state, "ann".into(), now());
    store.webhook(&to(WebhookState::Paused)).unwrap();
    store.write(&[fresh(abandoned("2.1"))]).unwrap();
    store.webhook(&to(WebhookState::Running)).unwrap();
    let (message, _) = step(&mut store, &place, &endpoint, now(), Answer::Status(204, None)).expect("it has waited");
    assert!(message.body.contains("\"linkedid\":\"2.1\""), "{}", message.body);
}

/// What fails is tried at once.
fn hurried(store: &mut Store, place: &Place, endpoint: &Endpoint, at_ms: i64, answer: Answer) -> (Outgoing, Next) {
    let (reader, mut queue) = load(place);
    queue.hurry(at_ms);
    let Due::Send(message) = queue.due(&reader, endpoint, at_ms).unwrap() else { panic!("nothing is due") };
    let (note, next) = queue.answered((*message).clone(), answer, "", (at_ms, 10), 0.0);
    store.webhook(&note).unwrap();
    (*message, next)
}
