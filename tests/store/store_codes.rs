//! Codes in the database: those that are shipped, those of the configuration, and the calls that have them.

use crate::store::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::report::Thresholds;
use callbackd::store::feed::ChangedRow;
use callbackd::store::{Calendar, FeedRules, Reader, Store};
use callbackd_core::model::codes::{Code, Codes, OnCallback};
use callbackd_core::model::{ChangeKind, FinishedCall, PbxId, Quality, Rating, Record, Tag, TagChange};
use jiff::tz::TimeZone;

fn code(word: &str) -> Code {
    let plain = Codes::default().get("COMPLAINT").unwrap().clone();
    Code { code: word.into(), label: word.to_lowercase(), callback: OnCallback::Suppress, expires_ms: Some(5), ..plain }
}

fn tag(code: &str, by: &str, at_ms: i64) -> Tag {
    Tag { code: code.into(), note: String::new(), by: by.into(), at_ms }
}

#[test]
fn the_table_begins_with_what_is_shipped_and_becomes_what_is_configured() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    let listed = || -> Vec<Code> {
        Reader::open(&path).unwrap().codes(None, None).unwrap().into_iter().map(|count| count.code).collect()
    };
    assert!(listed().iter().eq(Codes::default().iter()), "{:#?}", listed());
    for codes in [Codes::new([code("SALE"), code("SPAM")]), Codes::default()] {
        let (thresholds, zone) = (Thresholds::default(), TimeZone::UTC);
        store.keep_calendar(&Calendar { thresholds, codes: codes.clone(), zone, now_ms: MONDAY_10 }).unwrap();
        assert!(listed().iter().eq(codes.iter()), "{:#?}", listed());
    }
}

#[test]
fn what_was_said_of_a_call_during_an_earlier_run_stays_when_a_later_one_ends_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    let by_rule = ["SHORT_ONE", "SPAM"].map(|code| tag(code, "rule", MONDAY_10));
    let tags = by_rule.into_iter().chain([tag("FOLLOW_UP", "PJSIP/101", MONDAY_10)]).collect();
    let rating = Rating { by: "caller".into(), score: 5.0, at_ms: MONDAY_10 };
    let cut = FinishedCall { quality: Quality::Gap, tags, ratings: vec![rating], ..answered("1") };
    // The next run knows the call from its middle on.
    let later = tag("LONG_ONE", "rule", MONDAY_10 + 5);
    let ended = FinishedCall { quality: Quality::Partial, tags: vec![later], ..answered("1") };
    store.write([&record(cut), &record(ended.clone())]).unwrap();
    let stored = || Reader::open(&path).unwrap().call("1").unwrap().remove(0);
    let codes = |call: &FinishedCall| call.tags.iter().map(|tag| tag.code.clone()).collect::<Vec<_>>();
    let what = "and what a rule said then that means something for callbacks";
    assert_eq!(codes(&stored().call), ["FOLLOW_UP", "SPAM", "LONG_ONE"], "{what}");
    assert_eq!(stored().call.ratings.len(), 1);
    store.write([&record(ended)]).unwrap();
    assert_eq!(stored().rev, 2, "the same once more is no correction");
    // One that has seen all of it knows what was said.
    store.write([&record(answered("1"))]).unwrap();
    assert_eq!((codes(&stored().call), stored().call.ratings.len()), (Vec::new(), 0));
}

#[test]
fn the_calls_of_each_code_are_counted_once_and_a_word_that_is_not_in_the_table_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    let tags = |tags: &[(&str, &str)]| tags.iter().map(|(code, by)| tag(code, by, MONDAY_10)).collect();
    let later = answered("3");
    store
        .write([
            &record(FinishedCall { tags: tags(&[("DEAL_CLOSED", "Ann"), ("DEAL_CLOSED", "rule")]), ..answered("1") }),
            &record(FinishedCall { tags: tags(&[("DEAL_CLOSED", "Ann"), ("LUNCH", "Ann")]), ..answered("2") }),
            &record(FinishedCall { started_ms: later.started_ms + 1, tags: tags(&[("LUNCH", "Ann")]), ..later }),
        ])
        .unwrap();
    let reader = Reader::open(&path).unwrap();
    let with = |since| {
        let all = reader.codes(since, None).unwrap();
        let used = all.into_iter().filter(|count| count.calls > 0);
        used.map(|count| (count.code.code, count.known, count.calls)).collect::<Vec<_>>()
    };
    assert_eq!(with(None), [("DEAL_CLOSED".to_owned(), true, 2), ("LUNCH".to_owned(), false, 2)]);
    assert_eq!(with(Some(MONDAY_10 + 1)), [("LUNCH".to_owned(), false, 1)]);
}

#[test]
fn a_call_that_is_written_again_with_the_same_codes_is_no_correction_in_whatever_order_they_come() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    let tags = vec![tag("B", "Ann", MONDAY_10 + 2), tag("A", "rule", MONDAY_10 + 1)];
    let call = FinishedCall { tags, ..abandoned("1") };
    let rev = |store: &mut Store| {
        store.write([&record(call.clone())]).unwrap();
        Reader::open(&path).unwrap().call("1").unwrap()[0].rev
    };
    assert_eq!((rev(&mut store), rev(&mut store)), (1, 1));
}

fn change(code: &str, by: &str, removed: bool) -> Record {
    let tag = Tag { note: "said later".into(), ..tag(code, by, MONDAY_10 + 3) };
    Record::Tag(Box::new(TagChange { pbx: PbxId::new("pbx"), linkedid: "1".into(), tag, removed }))
}

#[test]
fn what_a_person_says_of_a_call_outlives_its_corrections_and_so_does_what_they_took_off() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    store.record_changes(FeedRules::default()).unwrap();
    let call = FinishedCall { tags: vec![tag("BUSY", "rule", MONDAY_10)], ..abandoned("1") };
    let stands = || {
        let stored = Reader::open(&path).unwrap().call("1").unwrap().remove(0);
        let words: Vec<String> = stored.call.tags.iter().map(|tag| tag.code.clone()).collect();
        (words.join(" "), stored.rev)
    };
    store.write([&record(call.clone()), &change("SALE", "Ann", false)]).unwrap();
    assert_eq!(stands(), ("BUSY SALE".to_owned(), 2));
    store.write([&record(FinishedCall { voicemail: true, ..call.clone() })]).unwrap();
    assert_eq!(stands(), ("BUSY SALE".to_owned(), 3));
    store.write([&change("BUSY", "Ann", true)]).unwrap();
    store.write([&record(FinishedCall { voicemail: true, ..call.clone() })]).unwrap();
    assert_eq!(stands(), ("SALE".to_owned(), 4), "and nothing was corrected");
    store.write([&record(call)]).unwrap();
    assert_eq!(stands(), ("SALE".to_owned(), 5));
    store.write([&change("BUSY", "Ann", false)]).unwrap();
    assert_eq!(stands(), ("BUSY SALE".to_owned(), 6));
    // What is not there is not taken off, and a call without a row has none.
    let nobodys = Record::Tag(Box::new(TagChange {
        pbx: PbxId::new("pbx"),
        linkedid: "9".into(),
        tag: tag("SALE", "Ann", MONDAY_10),
        removed: false,
    }));
    store.write([&change("LUNCH", "Ann", true), &nobodys]).unwrap();
    let (_, changes) = Reader::open(&path).unwrap().changes(None, 100).unwrap();
    let changes = changes.unwrap();
    let tagged: Vec<_> = changes.iter().filter(|change| change.kind == ChangeKind::CallTagged).collect();
    let said = |n: usize| {
        let payload = tagged[n].payload.as_ref().unwrap();
        (payload["code"].as_str().unwrap(), payload["removed"].as_bool().unwrap(), tagged[n].rev)
    };
    assert_eq!([said(0), said(1), said(2)], [("SALE", false, 2), ("BUSY", true, 4), ("BUSY", false, 6)]);
    assert_eq!(tagged.len(), 3);
    assert!(matches!(tagged[0].row, Some(ChangedRow::Call(_))));
}
