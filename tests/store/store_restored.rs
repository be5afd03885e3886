//! What a restart reads of callbacks, of those who were dialled, and of who serves whom.

use super::store_callbacks::{DAY, Database, attempt, call, callback, change, e164, pbx, row};
use crate::store::stored::{MONDAY_10, abandoned, answered, record};
use callbackd_core::model::{
    AgentKey, AskedBy, AttemptResult, AttemptRow, CallKey, CallbackChange, CallbackRow, CallbackState, FinishedCall,
    PbxId, Record, Tag, TagChange,
};
use std::sync::Arc;

#[test]
fn a_restart_reads_what_is_open_and_what_is_in_flight() {
    let mut database = Database::new();
    let made = CallbackChange { miss: Some(call("1.1")), ..change(row(4, "+12025550123"), "") };
    let closed = CallbackRow { state: CallbackState::Expired, closed_ms: Some(MONDAY_10), ..row(9, "+12025550124") };
    database.write(&[
        record(abandoned("1.1")),
        callback(made.clone()),
        Record::Attempt(Arc::new(attempt(4, 1, Some(AttemptResult::AgentRejected)))),
        callback(change(closed, "")),
    ]);
    let restored = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap();
    assert_eq!(restored.open, [(made.row, vec![call("1.1")])]);
    assert_eq!(restored.last_id, 9);
    assert!(restored.in_flight.is_empty());
    assert_eq!(restored.refusals, [(4, AgentKey::new(&pbx(), "PJSIP/101"), MONDAY_10 + 80_000)]);
    assert!(restored.dialled.is_empty(), "the agent's phone never rang");

    database.write(&[Record::Attempt(Arc::new(attempt(4, 2, None))), Record::Attempt(Arc::new(attempt(9, 1, None)))]);
    let restored = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap();
    assert_eq!(restored.in_flight, [attempt(4, 2, None), attempt(9, 1, None)]);
    assert_eq!(restored.called, [(9, e164("+12025550124"))], "of one that is closed");
    assert!(restored.refusals.is_empty());
    assert_eq!(restored.dialled, ["+12025550123", "+12025550124"].map(|number| (MONDAY_10 + 60_000, e164(number))));
    assert!(database.store.restored(MONDAY_10 + 60_000 + DAY, 10_000).unwrap().dialled.is_empty());
}

#[test]
fn a_restart_reads_the_codes_that_were_set_on_calls_of_those_who_are_being_called() {
    let mut database = Database::new();
    let said = |linkedid: &str, code: &str, at_ms| {
        let tag = Tag { code: code.into(), note: String::new(), by: "ann".into(), at_ms };
        Record::Tag(Box::new(TagChange { pbx: pbx(), linkedid: linkedid.into(), tag, removed: false }))
    };
    let other = FinishedCall { number_e164: Some(e164("+12025559123")), ..answered("other") };
    let ended_later = FinishedCall { ended_ms: MONDAY_10 + 61_000, ..answered("later") };
    database.write(&[
        record(FinishedCall { ended_ms: MONDAY_10 + 50_000, ..answered("1.1") }),
        record(FinishedCall {
            started_ms: MONDAY_10 - 4_000_000,
            ended_ms: MONDAY_10 - 3_600_000,
            ..answered("older")
        }),
        record(other),
        record(ended_later),
        callback(change(row(4, "+12025550123"), "")),
        Record::Attempt(Arc::new(attempt(4, 1, None))),
        said("older", "FOLLOW_UP", MONDAY_10 + 59_999 - 3_600_000),
        said("1.1", "FOLLOW_UP", MONDAY_10 + 60_000),
        said("other", "FOLLOW_UP", MONDAY_10 + 70_000),
        said("later", "CALLBACK", MONDAY_10 + 10_000),
    ]);
    let read = |database: &Database| -> Vec<(String, String)> {
        let restored = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap();
        restored.meanwhile.into_iter().map(|(call, tag)| (call.linkedid, tag.code)).collect()
    };
    let both = [("later", "CALLBACK"), ("1.1", "FOLLOW_UP")].map(|(call, code)| (call.to_owned(), code.to_owned()));
    assert_eq!(read(&database), both, "since about when the attempt began, and of its customer");
    // One that this callback, or another, has followed is not followed again: by the clock it may be as old as the attempt that it led to.
    let asked = AskedBy { call: call("1.1"), code: "FOLLOW_UP".into(), at_ms: MONDAY_10 + 60_000 };
    database.write(&[callback(CallbackChange { asked: Some(asked.clone()), ..change(row(4, "+12025550123"), "") })]);
    assert_eq!(read(&database), both[..1]);
    let restored = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap();
    assert_eq!(restored.asked_by, [(4, asked)]);
    database.write(&[said("1.1", "FOLLOW_UP", MONDAY_10 + 80_000)]);
    assert_eq!(read(&database), both, "a person says it again");
    database.write(&[Record::Attempt(Arc::new(attempt(4, 1, Some(AttemptResult::AgentRejected))))]);
    assert_eq!(read(&database), []);
}

#[test]
fn a_restart_reads_what_calls_said_and_what_was_taken_off_them() {
    let mut database = Database::new();
    let tag = |code: &str, by: &str| Tag { code: code.into(), note: String::new(), by: by.into(), at_ms: MONDAY_10 };
    let tags = vec![tag("SPAM", "PJSIP/101"), tag("WRONG_NUMBER", "rule"), tag("RESOLVED", "PJSIP/101")];
    let off = TagChange { pbx: pbx(), linkedid: "1.1".into(), tag: tag("FOLLOW_UP", "ann"), removed: false };
    database.write(&[
        record(FinishedCall { tags, ..answered("1.1") }),
        Record::Tag(Box::new(off.clone())),
        Record::Tag(Box::new(TagChange { removed: true, ..off })),
    ]);
    let mut said = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap().said;
    said.sort();
    let of = |code: &str, at_ms| (call("1.1"), code.to_owned(), at_ms);
    assert_eq!(said, [of("FOLLOW_UP", None), of("SPAM", Some(MONDAY_10)), of("WRONG_NUMBER", None)]);
    // Of more than are kept, the newest, and they last.
    let many =
        (0..1_200).map(|n| record(FinishedCall { tags: vec![tag("SPAM", "ann")], ..answered(&format!("2.{n}")) }));
    database.write(&many.collect::<Vec<_>>());
    let said = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap().said;
    let kept: Vec<CallKey> = said.into_iter().map(|(call, ..)| call).collect();
    assert_eq!(kept, (200..1_200).map(|n| call(&format!("2.{n}"))).collect::<Vec<_>>());
}

#[test]
fn a_restart_reads_which_callbacks_have_lost_their_code_while_they_talked() {
    let mut database = Database::new();
    let tag = Tag { code: "FOLLOW_UP".into(), note: String::new(), by: "ann".into(), at_ms: MONDAY_10 + 10_000 };
    let said = |linkedid: &str, removed| {
        let tag = tag.clone();
        Record::Tag(Box::new(TagChange { pbx: pbx(), linkedid: linkedid.into(), tag, removed }))
    };
    let of = |id, linkedid: &str, number: &str| CallbackRow {
        first_miss: Some(CallKey::new(&pbx(), linkedid)),
        code: Some("FOLLOW_UP".into()),
        ..row(id, number)
    };
    let mut records = Vec::new();
    for (id, linkedid, number) in [(4, "1.1", "+12025550123"), (5, "1.2", "+12025550124"), (6, "1.3", "+12025550125")] {
        records.push(record(answered(linkedid)));
        records.push(said(linkedid, false));
        let asked = AskedBy { call: call(linkedid), code: "FOLLOW_UP".into(), at_ms: tag.at_ms };
        records.push(callback(CallbackChange { asked: Some(asked), ..change(of(id, linkedid, number), "") }));
    }
    records.push(callback(change(of(7, "not stored", "+12025550126"), "")));
    records.extend([4, 5, 7].map(|id| Record::Attempt(Arc::new(attempt(id, 1, None)))));
    database.write(&records);
    let read = |database: &Database| database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap().taken_back;
    assert!(read(&database).is_empty());
    database.write(&[said("1.1", true), said("1.3", true)]);
    assert_eq!(read(&database), [4], "the third has no attempt under way");
}

#[test]
fn a_restart_counts_for_the_caps_whoever_was_dialled_and_remembers_every_kind_of_refusal() {
    for result in AttemptResult::ALL.iter().copied() {
        let mut database = Database::new();
        let first = CallbackRow { number_e164: Some(e164("+12025550124")), ..row(5, "+12025550124") };
        let customer_first = AttemptRow { agent: None, ..attempt(5, 1, Some(result)) };
        let records = [
            callback(change(row(4, "+12025550123"), "")),
            Record::Attempt(Arc::new(attempt(4, 1, Some(result)))),
            callback(change(first, "")),
            Record::Attempt(Arc::new(customer_first)),
        ];
        assert_eq!(database.write(&records), []);
        let restored = database.store.restored(MONDAY_10 + 120_000, 10_000).unwrap();
        let dialled: Vec<&str> = restored.dialled.iter().map(|(_, number)| number.as_str()).collect();
        let agents_first = result.meaning().customer_dialled.then_some("+12025550123");
        assert_eq!(dialled, agents_first.into_iter().chain(["+12025550124"]).collect::<Vec<_>>(), "{result}");
        assert_eq!(restored.refusals.len(), usize::from(result.meaning().refused_by_agent), "{result}");
    }
}

#[test]
fn the_owner_of_a_customer_is_who_talked_with_them_last() {
    let mut database = Database::new();
    let later = FinishedCall { agent: Some("PJSIP/102".into()), ended_ms: MONDAY_10 + 500_000, ..answered("1.2") };
    database.write(&[record(later), record(answered("1.1")), record(abandoned("1.3"))]);
    let owners = database.store.restored(MONDAY_10 + DAY, 10_000).unwrap().owners;
    assert_eq!(owners, [(e164("+12025550123"), AgentKey::new(&pbx(), "PJSIP/102"), MONDAY_10 + 500_000)]);
    assert!(database.store.restored(MONDAY_10 + 100 * DAY, 10_000).unwrap().owners.is_empty());
}

#[test]
fn who_served_or_owns_a_customer_is_restored_with_the_pbx_of_the_call() {
    let mut database = Database::new();
    let later = FinishedCall { pbx: PbxId::new("branch"), ended_ms: MONDAY_10 + 500_000, ..answered("1.1") };
    database.write(&[record(answered("1.1")), record(later.clone())]);
    let restored = database.store.restored(MONDAY_10 + DAY, 10_000).unwrap();
    let agent = AgentKey::new(&later.pbx, later.agent.as_deref().unwrap());
    assert_eq!(restored.owners, [(e164("+12025550123"), agent, MONDAY_10 + 500_000)]);
    let served: Vec<_> = restored.served.into_iter().map(|(number, served)| (number, served.call)).collect();
    assert_eq!(served, [(e164("+12025550123"), later.key())]);
}
