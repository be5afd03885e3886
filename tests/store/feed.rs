//! The change feed: each change once, in order, with the row that it is about; kept for a time, and never without end.

use crate::store::stored::{MONDAY_10, abandoned, answered, gap, record};
use callbackd::store::feed::{Behind, Change, ChangedRow, Cursor};
use callbackd::store::{Fed, FeedRules, Reader, Store};
use callbackd_core::model::{
    Activity, AttemptResult, AttemptRow, CallInProgress, CallKey, CallbackChange, CallbackRow, CallbackState,
    CallbackStep, ChangeKind, DoNotCall, E164, FinishedCall, Interval, News, PbxId, Record, RecoveredBy,
};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub struct Place {
    _directory: tempfile::TempDir,
    pub db: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { db: directory.path().join("calls.db"), _directory: directory }
    }

    pub fn recording(&self, rules: FeedRules) -> Store {
        let mut store = Store::open(&self.db).unwrap();
        store.record_changes(rules).unwrap();
        store
    }

    pub fn changes(&self) -> Vec<Change> {
        Reader::open(&self.db).unwrap().changes(None, usize::MAX).unwrap().1.unwrap()
    }

    fn changed(&self) -> Vec<(String, String, i64)> {
        self.changes().into_iter().map(|change| (change.kind.to_string(), change.key, change.rev)).collect()
    }

    fn after(&self, seq: i64) -> Result<Vec<i64>, Behind> {
        let reader = Reader::open(&self.db).unwrap();
        let cursor = reader.feed().unwrap().at(seq);
        let (_, found) = reader.changes(Some(&cursor), 1_000).unwrap();
        found.map(|changes| changes.into_iter().map(|change| change.seq).collect())
    }
}

fn number() -> E164 {
    E164::new("+12025550123").unwrap()
}

fn row(state: CallbackState) -> CallbackRow {
    CallbackRow {
        id: 1,
        pbx: PbxId::new("pbx"),
        number_e164: Some(number()),
        name: None,
        state,
        reason: "DELAY".to_owned(),
        queue: Some("sales".to_owned()),
        did: None,
        owner: None,
        assigned: None,
        requested: false,
        priority: 0,
        missed_count: 1,
        first_missed_ms: MONDAY_10,
        last_missed_ms: MONDAY_10,
        due_ms: MONDAY_10,
        expires_ms: MONDAY_10 + 1,
        attempts: 0,
        counted: 0,
        first_miss: Some(CallKey::new(&PbxId::new("pbx"), "1.1")),
        resolved_by: None,
        closed_ms: (!state.is_open()).then_some(MONDAY_10),
        language: None,
        requested_for_ms: None,
        alarmed_ms: None,
        code: None,
    }
}

fn callback(state: CallbackState) -> Record {
    let by = "callbackd".to_owned();
    let step = CallbackStep { at_ms: MONDAY_10, state, reason: "DELAY".to_owned(), by, note: String::new() };
    Record::Callback(Arc::new(CallbackChange {
        row: row(state),
        change: Some(step),
        miss: (state == CallbackState::Waiting).then(|| CallKey::new(&PbxId::new("pbx"), "1.1")),
        recovered: (state == CallbackState::Done).then_some((RecoveredBy::Callback, MONDAY_10)),
        late: false,
        asked: None,
    }))
}

fn attempt(result: Option<AttemptResult>) -> Record {
    Record::Attempt(Arc::new(AttemptRow {
        callback_id: 1,
        n: 1,
        pbx: PbxId::new("pbx"),
        channel_id: "cb-0a1b2c3d-1-1".to_owned(),
        agent: None,
        intended_ms: MONDAY_10,
        agent_answered_ms: None,
        customer_answered_ms: None,
        ended_ms: result.map(|_| MONDAY_10),
        talk_ms: 0,
        result,
        detail: String::new(),
        linkedid: None,
        claim_revision: None,
    }))
}

fn in_progress(linkedid: &str, answered_ms: Option<i64>) -> Record {
    let call = abandoned(linkedid);
    Record::InProgress(Arc::new(CallInProgress {
        pbx: call.pbx,
        linkedid: call.linkedid,
        number: call.number,
        number_e164: call.number_e164,
        name: None,
        did: None,
        trunk: None,
        queue: None,
        agent: None,
        started_ms: call.started_ms,
        joined_ms: None,
        answered_ms,
        remarks: None,
    }))
}

fn changed(kind: &str, key: &str, rev: i64) -> (String, String, i64) {
    (kind.to_owned(), key.to_owned(), rev)
}

#[test]
fn a_missed_caller_is_recorded_from_the_miss_to_the_recovery_in_the_order_of_what_happened() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&[in_progress("1.1", None), record(abandoned("1.1")), callback(CallbackState::Waiting)]).unwrap();
    store.write(&[callback(CallbackState::Reserved), attempt(None)]).unwrap();
    store.write(&[attempt(Some(AttemptResult::Connected)), callback(CallbackState::Done)]).unwrap();
    store.write(&[record(answered("1.2")), Record::Gap(gap())]).unwrap();
    assert_eq!(
        place.changed(),
        [
            changed("call.missed", "1.1", 1),
            changed("callback.created", "1", 1),
            changed("callback.updated", "1", 2),
            changed("callback.attempted", "1/1", 1),
            changed("callback.closed", "1", 3),
            changed("call.recovered", "1.1", 2),
            changed("call.ended", "1.2", 1),
            changed("gap.recorded", &MONDAY_10.to_string(), 1),
        ]
    );
    let changes = place.changes();
    assert_eq!(changes.iter().map(|change| change.seq).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    assert_eq!(changes[1].payload.as_ref().unwrap()["miss"]["linkedid"], "1.1");
    assert_eq!(changes[1].payload.as_ref().unwrap()["state"], "WAITING", "what it was then");
    let Some(ChangedRow::Callback { row, rev: 3 }) = &changes[1].row else { panic!("{:?}", changes[1]) };
    assert_eq!(row.state, CallbackState::Done, "what it is now");
    let Some(ChangedRow::Call(call)) = &changes[0].row else { panic!("{:?}", changes[0]) };
    assert_eq!((call.rev, call.call.legs.len(), call.recovered), (2, 2, Some((RecoveredBy::Callback, MONDAY_10))));
    assert_eq!(changes[7].payload.as_ref().unwrap()["cause"], "link_lost");
}

#[test]
fn a_late_callback_is_recorded_as_late_and_counted() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    let Record::Callback(waiting) = callback(CallbackState::Waiting) else { panic!("no callback") };
    let late = CallbackChange { late: true, miss: None, ..(*waiting).clone() };
    store.write(&[record(abandoned("1.1")), Record::Callback(waiting), Record::Callback(Arc::new(late))]).unwrap();
    let told = place.changed();
    assert_eq!(told[1..], [changed("callback.created", "1", 1), changed("callback.late", "1", 2)]);
    let last = place.changes().pop().unwrap();
    assert!(matches!(last.row, Some(ChangedRow::Callback { rev: 2, .. })), "{last:?}");
}

#[test]
fn a_corrected_row_is_recorded_as_updated_with_a_higher_rev_and_one_that_is_only_written_again_is_not() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    for call in [abandoned("1.1"), abandoned("1.1"), answered("1.1"), answered("1.1"), abandoned("1.1")] {
        store.write(&[record(call)]).unwrap();
    }
    let expected =
        [changed("call.missed", "1.1", 1), changed("call.updated", "1.1", 2), changed("call.updated", "1.1", 3)];
    assert_eq!(place.changed(), expected);
}

#[test]
fn what_begins_and_ends_within_one_transaction_is_recorded_as_both_where_agents_are_news() {
    let talking = Interval {
        pbx: PbxId::new("pbx"),
        agent: "PJSIP/101".to_owned(),
        activity: Activity::Talking,
        queue: String::new(),
        reason: String::new(),
        from_ms: MONDAY_10,
        to_ms: None,
    };
    let over = Interval { to_ms: Some(MONDAY_10 + 1), ..talking.clone() };
    let place = Place::new();
    let rules = FeedRules { agents: true, ..FeedRules::default() };
    place.recording(rules).write(&[talking, over].map(Record::Interval)).unwrap();
    let ends: Vec<_> = place.changes().into_iter().map(|change| change.payload.unwrap()["to_ms"].as_i64()).collect();
    assert_eq!(ends, [None, Some(MONDAY_10 + 1)]);
}

#[test]
fn who_is_rung_and_what_agents_do_is_recorded_where_somebody_wants_to_know_and_links_always() {
    let Record::InProgress(call) = in_progress("1.1", None) else { unreachable!() };
    let ringing = CallInProgress { agent: Some("PJSIP/101".to_owned()), ..(*call).clone() };
    let ringing = News::Ringing(Box::new(ringing));
    let paused = Interval {
        pbx: PbxId::new("pbx"),
        agent: "PJSIP/101".to_owned(),
        activity: Activity::Paused,
        queue: "sales".to_owned(),
        reason: "lunch".to_owned(),
        from_ms: MONDAY_10,
        to_ms: None,
    };
    let down = News::LinkDown { pbx: PbxId::new("pbx"), at_ms: MONDAY_10 };
    let all = [Record::News(Arc::new(ringing)), Record::Interval(paused), Record::News(Arc::new(down))];
    let key = MONDAY_10.to_string();
    let place = Place::new();
    place.recording(FeedRules { in_progress: true, agents: true, ..FeedRules::default() }).write(&all).unwrap();
    assert_eq!(
        place.changed(),
        [changed("call.ringing", "1.1", 0), changed("agent.state", "PJSIP/101", 0), changed("link.down", &key, 0)]
    );
    let said: Vec<_> = place.changes().into_iter().map(|change| change.payload.unwrap()).collect();
    assert_eq!((&said[0]["agent"], &said[0]["number_e164"]), (&"PJSIP/101".into(), &"+12025550123".into()));
    assert_eq!((&said[1]["activity"], &said[1]["reason"]), (&"paused".into(), &"lunch".into()));
    let place = Place::new();
    place.recording(FeedRules::default()).write(&all).unwrap();
    assert_eq!(place.changed(), [changed("link.down", &key, 0)]);
}

#[test]
fn calls_in_progress_are_recorded_where_somebody_wants_to_know_and_one_that_goes_into_another_is_withdrawn() {
    let begun = || {
        [
            in_progress("1.1", None),
            in_progress("1.1", None),
            in_progress("1.1", Some(MONDAY_10)),
            in_progress("1.1", Some(MONDAY_10)),
        ]
    };
    let gone = |linkedid: &str| Record::NotInProgress { pbx: PbxId::new("pbx"), linkedid: linkedid.to_owned() };
    let place = Place::new();
    let mut store = place.recording(FeedRules { in_progress: true, ..FeedRules::default() });
    store.write(&begun()).unwrap();
    store.write(&[in_progress("1.2", None), gone("1.2"), gone("1.2"), record(answered("1.1"))]).unwrap();
    assert_eq!(
        place.changed(),
        [
            changed("call.started", "1.1", 0),
            changed("call.answered", "1.1", 0),
            changed("call.started", "1.2", 0),
            changed("call.withdrawn", "1.2", 0),
            changed("call.ended", "1.1", 1),
        ]
    );
    assert_eq!(place.changes()[0].payload.as_ref().unwrap()["number_e164"], "+12025550123");
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&begun()).unwrap();
    store.write(&[in_progress("1.2", None), gone("1.2")]).unwrap();
    assert_eq!(place.changed(), []);
}

#[test]
fn changes_of_the_do_not_call_list_are_recorded_and_a_number_that_was_not_on_it_is_not() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    let entry = DoNotCall {
        number_e164: number(),
        reason: "asked".to_owned(),
        by: "ann".to_owned(),
        added_ms: MONDAY_10,
        until_ms: None,
        code: None,
        by_hand_until_ms: None,
    };
    store.write(&[Record::DncRemove(number()), Record::DncAdd(entry), Record::DncRemove(number())]).unwrap();
    assert_eq!(place.changed(), [changed("dnc.added", "+12025550123", 1), changed("dnc.removed", "+12025550123", 0)]);
}

#[test]
fn what_the_database_refuses_is_not_recorded_and_takes_no_number() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    let orphan = attempt(Some(AttemptResult::Lost));
    let refused = store.write(&[record(answered("1.1")), orphan, record(answered("1.2"))]).unwrap();
    assert_eq!(refused.len(), 1, "there is no such callback");
    assert_eq!(place.changed(), [changed("call.ended", "1.1", 1), changed("call.ended", "1.2", 1)]);
    assert_eq!((place.changes()[1].seq, store.fed().last, store.fed().rows), (2, 2, 2));
}

#[test]
fn a_transaction_that_fails_tells_nothing_and_the_next_one_goes_on_where_it_stood() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&[record(answered("1.1"))]).unwrap();
    let lock = Connection::open(&place.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(store.write(&[record(answered("1.2"))]).is_err());
    let before = store.fed();
    lock.execute_batch("COMMIT").unwrap();
    store.write(&[record(answered("1.2"))]).unwrap();
    assert_eq!((before.last, before.rows), (1, 1));
    assert_eq!(place.changed(), [changed("call.ended", "1.1", 1), changed("call.ended", "1.2", 1)]);
}

#[test]
fn a_scratch_database_tells_nothing() {
    let place = Place::new();
    let mut store = Store::open(&place.db).unwrap();
    store.write(&[record(answered("1.1"))]).unwrap();
    assert_eq!((place.changed(), store.fed()), (Vec::new(), Fed::default()));
}

#[allow(clippy::disallowed_methods, reason = "what is news is so by the clock")]
#[test]
fn what_is_imported_or_old_is_marked_as_no_news() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    let now = jiff::Timestamp::now().as_millisecond();
    let fresh = FinishedCall { started_ms: now - 60_000, ended_ms: now, ..answered("1.2") };
    store.write(&[record(answered("1.1")), record(fresh.clone())]).unwrap();
    store.record_changes(FeedRules { late: true, ..FeedRules::default() }).unwrap();
    store.write(&[record(FinishedCall { linkedid: "1.3".to_owned(), ..fresh })]).unwrap();
    assert_eq!(place.changes().iter().map(|change| change.late).collect::<Vec<_>>(), [true, false, true]);
}

fn calls(of: std::ops::Range<usize>) -> Vec<Record> {
    of.map(|n| record(answered(&format!("1.{n}")))).collect()
}

#[test]
fn changes_are_kept_for_their_time_and_for_longer_while_a_sink_has_not_taken_them() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&calls(0..10)).unwrap();
    store.taken("crm", 4, MONDAY_10).unwrap();
    drop(store);
    // Told long ago.
    Connection::open(&place.db).unwrap().execute("UPDATE outbox SET at_ms = ?", [MONDAY_10]).unwrap();
    let mut store = place.recording(FeedRules { keep: Duration::from_secs(86_400), ..FeedRules::default() });
    store.write(&calls(10..11)).unwrap();
    assert_eq!(place.after(4), Ok((5..=11).collect()), "the sink finds all that it has not taken");
    assert_eq!(place.after(3), Err(Behind::Removed));
    store.taken("crm", 11, MONDAY_10).unwrap();
    store.write(&calls(11..12)).unwrap();
    assert_eq!(place.after(10), Ok(vec![11, 12]), "what is new stays, though it was taken");
    assert_eq!((store.fed().rows, store.fed().overrun), (2, 0));
}

#[test]
fn a_full_feed_removes_the_oldest_and_counts_them() {
    for rules in [
        FeedRules { max_rows: 5, ..FeedRules::default() },
        FeedRules { max_bytes: 5 * (40 + "pbxcall.ended1.0".len()) as u64, ..FeedRules::default() },
    ] {
        let place = Place::new();
        let mut store = place.recording(rules.clone());
        store.taken("crm", 2, MONDAY_10).unwrap();
        store.write(&calls(0..4)).unwrap();
        store.write(&calls(4..8)).unwrap();
        assert_eq!(place.changes().iter().map(|change| change.seq).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
        assert_eq!((store.fed().rows, store.fed().overrun), (5, 3), "{rules:?}");
        let fed = store.fed();
        drop(store);
        let store = place.recording(rules);
        assert_eq!((store.fed().rows, store.fed().bytes, store.fed().last), (fed.rows, fed.bytes, fed.last));
    }
}

#[test]
fn no_number_comes_twice_after_all_have_been_removed_and_the_daemon_was_restarted() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&calls(0..3)).unwrap();
    drop(store);
    Connection::open(&place.db).unwrap().execute("DELETE FROM outbox", []).unwrap();
    assert_eq!(place.after(3), Ok(vec![]));
    assert_eq!(place.after(2), Err(Behind::Removed));
    let mut store = place.recording(FeedRules::default());
    store.write(&calls(3..4)).unwrap();
    assert_eq!(place.changes()[0].seq, 4);
    assert_eq!(place.after(3), Ok(vec![4]));
}

#[test]
fn a_reader_of_a_database_that_was_put_back_learns_it() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&calls(0..2)).unwrap();
    drop(store);
    let copy = place.db.with_extension("copy");
    std::fs::copy(&place.db, &copy).unwrap();
    let mut store = place.recording(FeedRules::default());
    store.write(&calls(2..4)).unwrap();
    let reader = Reader::open(&place.db).unwrap();
    let cursor = reader.feed().unwrap().end();
    assert_eq!(cursor.seq, 4);
    drop((reader, store));
    for file in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(place.db.with_extension(file));
    }
    // Into the same file: its inode stays what it was.
    std::fs::write(&place.db, std::fs::read(&copy).unwrap()).unwrap();
    drop(place.recording(FeedRules::default()));
    let reader = Reader::open(&place.db).unwrap();
    assert_ne!(reader.feed().unwrap().db, cursor.db);
    assert_eq!(reader.changes(Some(&cursor), 10).unwrap().1, Err(Behind::OtherDatabase));
    let ahead = reader.feed().unwrap().at(9);
    assert_eq!(reader.changes(Some(&ahead), 10).unwrap().1, Err(Behind::Ahead));
}

#[test]
fn a_sink_that_has_taken_more_than_was_recorded_makes_it_another_database() {
    let place = Place::new();
    let mut store = place.recording(FeedRules::default());
    store.write(&calls(0..2)).unwrap();
    let before = store.attempt_prefix();
    store.taken("crm", 7, MONDAY_10).unwrap();
    drop(store);
    let store = Store::open(&place.db).unwrap();
    assert_ne!(store.attempt_prefix(), before);
    drop(store);
    let settled = Store::open(&place.db).unwrap().attempt_prefix();
    assert_eq!(Store::open(&place.db).unwrap().attempt_prefix(), settled, "once is enough");
}

#[test]
fn a_cursor_is_read_as_it_is_written_and_nothing_else_is_one() {
    let cursor = Cursor { db: "0a1b2c3d".to_owned(), seq: 42 };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    for text in ["", "42", "0a1b2c3d", "0a1b2c3d-", "0a1b2c3d--1", "0A1b2c3d-1", "0a1b2c3d-99999999999999999999", "x-1"]
    {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
}

#[test]
fn every_kind_is_known_by_its_word() {
    let words: Vec<&str> = ChangeKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert!(words.iter().all(|word| ChangeKind::from_text(word).is_some_and(|kind| kind.as_str() == *word)));
    assert_eq!(words.len(), 21);
}
