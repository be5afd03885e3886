//! What is counted: each call once, waits so that the service level is exact, and no more queues by name than there is room for.

use callbackd_core::model::tally::{Histogram, MAX_QUEUES, OTHER_QUEUES, Tally};
use callbackd_core::model::{CallInProgress, ChangeKind, Direction, FinishedCall, Outcome, PbxId, Record, Status};
use std::sync::Arc;

/// A customer who waited so long in this queue, ms, and was answered or not.
fn call(queue: &str, wait_ms: i64, answered: bool) -> FinishedCall {
    let begun = CallInProgress {
        pbx: PbxId::new("pbx"),
        linkedid: "1.1".to_owned(),
        number: None,
        number_e164: None,
        name: None,
        did: None,
        trunk: None,
        queue: Some(queue.to_owned()),
        agent: None,
        started_ms: 0,
        joined_ms: Some(0),
        answered_ms: answered.then_some(wait_ms),
        remarks: None,
    };
    let (status, outcome) =
        if answered { (Status::Answer, Outcome::Agent) } else { (Status::Cancel, Outcome::QueueAbandon) };
    FinishedCall { status, outcome, queue_wait_ms: wait_ms, talk_ms: 60_000, ..begun.ended(100_000, Vec::new()) }
}

fn count(tally: &mut Tally, kind: ChangeKind, call: FinishedCall) {
    tally.count(kind, &Record::Call(Arc::new(call)));
}

/// How many waits were no longer than this, ms.
fn up_to(histogram: &Histogram, ms: i64) -> Option<u64> {
    histogram.up_to().find_map(|(bound, count)| (bound == ms).then_some(count))
}

#[test]
fn a_call_is_counted_once_and_its_corrections_are_not() {
    let mut tally = Tally::new(20_000);
    count(&mut tally, ChangeKind::CallEnded, call("sales", 5_000, true));
    count(&mut tally, ChangeKind::CallMissed, call("sales", 5_000, false));
    count(&mut tally, ChangeKind::CallUpdated, call("sales", 9_000, true));
    let counted: Vec<_> = tally.calls.iter().map(|((_, direction, status, _), n)| (*direction, *status, *n)).collect();
    assert_eq!(counted, [(Direction::Inbound, Status::Answer, 1), (Direction::Inbound, Status::Cancel, 1)]);
    let talks = tally.talks.values().next().unwrap();
    assert_eq!((talks.count(), talks.sum()), (1, 60_000));
}

#[test]
fn one_bucket_ends_at_the_threshold_of_the_service_level_whatever_it_is() {
    let mut tally = Tally::new(7_000);
    for wait_ms in [6_999, 7_000, 7_001] {
        count(&mut tally, ChangeKind::CallEnded, call("sales", wait_ms, true));
    }
    let place = (PbxId::new("pbx"), "sales".to_owned());
    assert_eq!(up_to(&tally.waits[&(place.clone(), true)], 7_000), Some(2));
    assert_eq!(tally.waits[&(place.clone(), false)].count(), 0, "nobody gave up, and that is known");
    tally.service_level(7_000);
    assert_eq!(tally.waits[&(place.clone(), true)].count(), 3, "the same threshold changes nothing");
    tally.service_level(8_000);
    count(&mut tally, ChangeKind::CallEnded, call("sales", 7_500, true));
    let waits = &tally.waits[&(place, true)];
    assert_eq!((up_to(waits, 8_000), up_to(waits, 7_000), waits.count()), (Some(1), None, 1), "they begin anew");
    assert_eq!(tally.calls.values().sum::<u64>(), 4);
}

#[test]
fn queues_beyond_the_limit_are_counted_together() {
    let mut tally = Tally::new(20_000);
    for n in 0..MAX_QUEUES + 3 {
        count(&mut tally, ChangeKind::CallEnded, call(&format!("queue-{n}"), 1, true));
    }
    count(&mut tally, ChangeKind::CallEnded, call("queue-0", 1, true));
    assert_eq!((tally.calls.len(), tally.unnamed), (MAX_QUEUES + 1, 3));
    let others = tally.calls.iter().find(|(((_, queue), ..), _)| queue == OTHER_QUEUES).unwrap();
    assert_eq!(*others.1, 3);
    assert_eq!(tally.calls.values().sum::<u64>(), u64::try_from(MAX_QUEUES + 4).unwrap(), "the sum is all of them");
}
