//! However records are cut into transactions, the same rows come out: what changes again within one is written once, and never left out.

use crate::store::stored::{abandoned, answered, record};
use callbackd::store::Store;
use callbackd_core::model::{Activity, CallInProgress, Interval, PbxId, Record};
use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::path::Path;
use std::sync::Arc;

const PBXS: [&str; 2] = ["pbx", "branch"];

fn pbx(n: u8) -> PbxId {
    PbxId::new(PBXS[usize::from(n % 2)])
}

/// What happens: which kind, of whom, and what of it is new.
fn written(&(kind, whose, new): &(u8, u8, u8)) -> Record {
    let linkedid = format!("{}.1", whose / 2 % 3);
    match kind % 6 {
        0 | 1 => Record::InProgress(Arc::new(CallInProgress {
            pbx: pbx(whose),
            linkedid,
            number: None,
            number_e164: None,
            name: None,
            did: None,
            trunk: None,
            queue: Some(format!("queue {new}")),
            agent: None,
            started_ms: 1_000,
            joined_ms: None,
            answered_ms: new.is_multiple_of(2).then_some(2_000),
            remarks: None,
        })),
        2 => Record::NotInProgress { pbx: pbx(whose), linkedid },
        3 => {
            let call = if new.is_multiple_of(2) { answered(&linkedid) } else { abandoned(&linkedid) };
            record(callbackd_core::model::FinishedCall { pbx: pbx(whose), ..call })
        }
        4 => Record::Interval(Interval {
            pbx: pbx(whose),
            agent: "PJSIP/101".to_owned(),
            activity: [Activity::Ringing, Activity::Talking][usize::from(whose / 2 % 2)],
            queue: String::new(),
            reason: String::new(),
            from_ms: i64::from(whose / 4 % 2),
            to_ms: (!new.is_multiple_of(3)).then(|| i64::from(new)),
        }),
        _ => Record::Seen { pbx: pbx(whose), seen_ms: i64::from(new) },
    }
}

/// All rows of the tables that these records have, a line each.
fn rows(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut all = Vec::new();
    for table in ["calls", "legs", "queue_visits", "calls_in_progress", "agent_intervals", "pbx_seen"] {
        // Row ids are given in the order of writing, which is the same.
        let columns = db.prepare(&format!("SELECT * FROM {table}")).unwrap().column_count();
        let order: Vec<String> = (1..=columns).map(|column| column.to_string()).collect();
        let mut rows = db.prepare(&format!("SELECT * FROM {table} ORDER BY {}", order.join(", "))).unwrap();
        let rows = rows.query_map([], |row| (0..columns).map(|column| row.get::<_, Value>(column)).collect());
        all.extend(rows.unwrap().map(|row: rusqlite::Result<Vec<Value>>| format!("{table} {:?}", row.unwrap())));
    }
    all
}

fn stored(transactions: &[&[Record]]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut store = Store::open(&path).unwrap();
    for records in transactions {
        assert_eq!(store.write(*records).unwrap(), []);
    }
    drop(store);
    rows(&path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn records_in_one_transaction_leave_the_rows_that_they_leave_one_by_one(
        happened in proptest::collection::vec((0..6_u8, 0..8_u8, 0..6_u8), 1..40),
        cut in 0..40_usize,
    ) {
        let records: Vec<Record> = happened.iter().map(written).collect();
        let one_by_one: Vec<&[Record]> = records.chunks(1).collect();
        let expected = stored(&one_by_one);
        prop_assert_eq!(&stored(&[&records]), &expected);
        let (first, second) = records.split_at(cut.min(records.len()));
        prop_assert_eq!(&stored(&[first, second]), &expected);
    }
}
