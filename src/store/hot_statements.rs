//! The writer keeps each statement that comes again and again prepared.

#[path = "../../tests/store/stored.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of the store")]
mod stored;

use super::{FeedRules, Store};
use callbackd_core::model::{
    Activity, AttemptResult, AttemptRow, CallInProgress, CallKey, CallTape, CallbackChange, CallbackRow, CallbackState,
    CallbackStep, DoNotCall, E164, FinishedCall, GroupDnc, Interval, News, PbxId, Rating, Record, RecoveredBy, Tag,
};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::sync::{Arc, Mutex};
use stored::{MONDAY_10, abandoned, gap};

fn pbx() -> PbxId {
    PbxId::new("pbx")
}

/// One of each record, about the `n`th missed customer.
fn records(n: i64) -> Vec<Record> {
    let linkedid = format!("{n}.1");
    let key = || CallKey::new(&pbx(), &linkedid);
    let some = |text: &str| Some(text.to_owned());
    let call = FinishedCall {
        tags: vec![Tag { code: "ABANDONED".to_owned(), note: String::new(), by: "rule".to_owned(), at_ms: MONDAY_10 }],
        ratings: vec![Rating { score: 5.0, by: String::new(), at_ms: MONDAY_10 }],
        ..abandoned(&linkedid)
    };
    let in_progress = CallInProgress {
        pbx: pbx(),
        linkedid: linkedid.clone(),
        number: call.number.clone(),
        number_e164: call.number_e164.clone(),
        name: call.name.clone(),
        did: call.did.clone(),
        trunk: call.trunk.clone(),
        queue: call.queue.clone(),
        agent: None,
        started_ms: call.started_ms,
        joined_ms: None,
        answered_ms: None,
        remarks: None,
    };
    let row = CallbackRow {
        id: n,
        pbx: pbx(),
        number_e164: call.number_e164.clone(),
        name: None,
        state: CallbackState::Pending,
        reason: String::new(),
        queue: some("sales"),
        did: None,
        owner: None,
        assigned: None,
        requested: false,
        priority: 0,
        missed_count: 1,
        first_missed_ms: MONDAY_10,
        last_missed_ms: MONDAY_10,
        due_ms: MONDAY_10,
        expires_ms: MONDAY_10,
        attempts: 0,
        counted: 0,
        first_miss: Some(key()),
        resolved_by: None,
        closed_ms: None,
        language: None,
        requested_for_ms: None,
        alarmed_ms: None,
        code: None,
    };
    let change = |row: CallbackRow, miss, recovered| {
        let state = row.state;
        let (reason, by, note) = (String::new(), "callbackd".to_owned(), String::new());
        let change = Some(CallbackStep { at_ms: MONDAY_10, state, reason, by, note });
        Record::Callback(Arc::new(CallbackChange { row, change, miss, recovered, late: false, asked: None }))
    };
    let done = CallbackRow { state: CallbackState::Done, closed_ms: Some(MONDAY_10), ..row.clone() };
    let attempt = AttemptRow {
        callback_id: n,
        n: 1,
        pbx: pbx(),
        channel_id: format!("cb-{n}-1"),
        agent: some("PJSIP/101"),
        intended_ms: MONDAY_10,
        agent_answered_ms: None,
        customer_answered_ms: None,
        ended_ms: Some(MONDAY_10),
        talk_ms: 0,
        result: Some(AttemptResult::AgentNoAnswer),
        detail: String::new(),
        linkedid: None,
        claim_revision: None,
    };
    let (agent, queue, reason) = ("PJSIP/101".to_owned(), String::new(), String::new());
    let interval = Interval {
        pbx: pbx(),
        agent: agent.clone(),
        activity: Activity::Ringing,
        queue,
        reason,
        from_ms: MONDAY_10 + n,
        to_ms: None,
    };
    let number_e164 = E164::new("+12025550123").unwrap();
    let (reason, by) = ("asked".to_owned(), "ann".to_owned());
    let entry = DoNotCall {
        number_e164: number_e164.clone(),
        reason,
        by,
        added_ms: MONDAY_10,
        until_ms: None,
        code: None,
        by_hand_until_ms: None,
    };
    let dnc = |entry| {
        Record::GroupDnc(Box::new(GroupDnc { number_e164: number_e164.clone(), entry, site: "berlin".to_owned() }))
    };
    vec![
        dnc(Some(entry.clone())),
        dnc(None),
        Record::Agent { pbx: pbx(), agent, name: "Ann".to_owned() },
        Record::InProgress(Arc::new(in_progress)),
        Record::Interval(Interval { to_ms: Some(MONDAY_10 + n + 1), ..interval.clone() }),
        Record::Interval(interval),
        Record::News(Arc::new(News::LinkUp { pbx: pbx(), at_ms: MONDAY_10 })),
        Record::Call(Arc::new(call.clone())),
        // Corrected.
        Record::Call(Arc::new(call)),
        Record::Tape(Arc::new(CallTape { pbx: pbx(), linkedid: linkedid.clone(), tape: vec![1, 2, 3] })),
        Record::NotInProgress { pbx: pbx(), linkedid: linkedid.clone() },
        change(row, Some(key()), None),
        Record::Attempt(Arc::new(attempt)),
        change(done, None, Some((RecoveredBy::Callback, MONDAY_10))),
        Record::DncAdd(entry),
        Record::DncRemove(number_e164.clone()),
        Record::Gap(gap()),
        Record::Seen { pbx: pbx(), seen_ms: MONDAY_10 + n },
    ]
}

#[test]
fn none_is_prepared_again_however_many_records_come() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::open(&directory.path().join("calls.db")).unwrap();
    store.record_changes(FeedRules { in_progress: true, agents: true, ..FeedRules::default() }).unwrap();
    // SQLite asks while it prepares a statement, and not when it runs one that is prepared.
    let prepared = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&prepared);
    let authorizer = move |context: AuthContext<'_>| {
        let of_a_table = match context.action {
            AuthAction::Insert { table_name } => Some(format!("insert into {table_name}")),
            AuthAction::Update { table_name, column_name } => Some(format!("update {table_name}.{column_name}")),
            AuthAction::Delete { table_name } => Some(format!("delete from {table_name}")),
            AuthAction::Read { table_name, column_name } => Some(format!("read {table_name}.{column_name}")),
            _ => None,
        };
        noted.lock().unwrap().extend(of_a_table);
        Authorization::Allow
    };
    store.connection().authorizer(Some(authorizer)).unwrap();
    for n in 1..=2 {
        assert_eq!(store.write(&records(n)).unwrap(), []);
    }
    assert!(prepared.lock().unwrap().drain(..).count() > 50, "SQLite was not listened to");
    for n in 3..=6 {
        assert_eq!(store.write(&records(n)).unwrap(), []);
    }
    assert_eq!(prepared.lock().unwrap().as_slice(), [""; 0], "prepared again");
}
