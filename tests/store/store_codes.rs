//! Codes in the database: those that are shipped, those of the configuration, and the calls that have them.

use crate::stored::{MONDAY_10, abandoned, answered, record};
use callbackd::report::Thresholds;
use callbackd::store::{Calendar, Reader, Store};
use callbackd_core::model::codes::{Code, Codes, OnCallback};
use callbackd_core::model::{FinishedCall, Tag};
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
        Reader::open(&path).unwrap().codes(None).unwrap().into_iter().map(|count| count.code).collect()
    };
    assert!(listed().iter().eq(Codes::default().iter()), "{:#?}", listed());
    for codes in [Codes::new([code("SALE"), code("SPAM")]), Codes::default()] {
        let (thresholds, zone) = (Thresholds::default(), TimeZone::UTC);
        store.keep_calendar(&Calendar { thresholds, codes: codes.clone(), zone, now_ms: MONDAY_10 }).unwrap();
        assert!(listed().iter().eq(codes.iter()), "{:#?}", listed());
    }
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
        let all = reader.codes(since).unwrap();
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
