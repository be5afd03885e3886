//! Calls to store, and places to store them in.

use callbackd_core::model::{
    Direction, E164, FinishedCall, Gap, GapCause, HangupBy, IvrStep, Leg, LegResult, Outcome, PbxId, Quality,
    QueueVisit, Record, Status, VisitResult,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// 2026-03-02 10:00:00 UTC, a Monday.
pub const MONDAY_10: i64 = 1_772_445_600_000;

/// A caller who chose 1 in the menu and gave up in the queue after two phones rang.
pub fn abandoned(linkedid: &str) -> FinishedCall {
    let t = MONDAY_10;
    FinishedCall {
        pbx: PbxId::new("pbx"),
        linkedid: linkedid.into(),
        direction: Direction::Inbound,
        status: Status::Cancel,
        outcome: Outcome::QueueAbandon,
        number: Some("2025550123".into()),
        number_e164: E164::new("+12025550123").ok(),
        name: Some("ACME".into()),
        did: Some("5550100".into()),
        trunk: Some("PJSIP/provider".into()),
        queue: Some("sales".into()),
        agent: None,
        started_ms: t,
        answered_ms: None,
        ended_ms: t + 41_200,
        wait_ms: 41_200,
        queue_wait_ms: 37_000,
        ring_ms: 24_000,
        talk_ms: 0,
        language: None,
        hold_ms: 0,
        hangup_by: HangupBy::Customer,
        hangup_cause: Some(16),
        transfers: 0,
        voicemail: false,
        quality: Quality::Full,
        why: vec!["waited in queue sales for 37.0 s".into(), "the customer hung up first; nobody had answered".into()],
        callback_id: None,
        legs: vec![
            leg("PJSIP/101", t + 4_300, t + 19_300, LegResult::NoAnswer),
            leg("PJSIP/102", t + 32_200, t + 41_200, LegResult::Cancelled),
        ],
        visits: vec![QueueVisit {
            queue: "sales".into(),
            joined_ms: t + 4_200,
            left_ms: t + 41_200,
            position: Some(1),
            result: VisitResult::Abandoned,
        }],
        ivr: vec![IvrStep { context: "ivr-main".into(), digits: "1".into(), at_ms: t + 1_000 }],
        tags: vec![],
        ratings: vec![],
    }
}

/// A customer whom PJSIP/101 served.
pub fn answered(linkedid: &str) -> FinishedCall {
    let t = MONDAY_10;
    FinishedCall {
        status: Status::Answer,
        outcome: Outcome::Agent,
        agent: Some("PJSIP/101".into()),
        answered_ms: Some(t + 9_000),
        wait_ms: 9_000,
        queue_wait_ms: 4_800,
        talk_ms: 32_200,
        hangup_by: HangupBy::Agent,
        why: vec!["PJSIP/101 talked with the customer for 32.2 s".into()],
        legs: vec![Leg {
            answered_ms: Some(t + 9_000),
            talk_ms: 32_200,
            ..leg("PJSIP/101", t + 4_300, t + 41_200, LegResult::Answered)
        }],
        visits: vec![QueueVisit {
            queue: "sales".into(),
            joined_ms: t + 4_200,
            left_ms: t + 9_000,
            position: Some(1),
            result: VisitResult::Connected,
        }],
        ..abandoned(linkedid)
    }
}

fn leg(agent: &str, started_ms: i64, ended_ms: i64, result: LegResult) -> Leg {
    Leg {
        agent: agent.into(),
        interface: agent.into(),
        queue: Some("sales".into()),
        started_ms,
        answered_ms: None,
        ended_ms,
        talk_ms: 0,
        result,
    }
}

/// The link was down for a minute.
pub fn gap() -> Gap {
    Gap {
        pbx: PbxId::new("pbx"),
        from_ms: MONDAY_10,
        to_ms: MONDAY_10 + 60_000,
        cause: GapCause::LinkLost,
        calls_lost: 2,
    }
}

/// As the tracker hands it over.
pub fn record(call: FinishedCall) -> Record {
    Record::Call(Arc::new(call))
}

/// Name and content of every file in a directory. Only while no connection of this process is open: to read a database past SQLite drops
/// the process's locks on it.
pub fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(&path).unwrap_or_default()))
        .collect()
}

/// The names of the files in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Fills the root page of a table with garbage, past SQLite. Only while no connection of this process is open.
pub fn spoil(path: &Path, table: &str) {
    use std::os::unix::fs::FileExt;
    let connection = rusqlite::Connection::open(path).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs();
    let (size, root) =
        (number("PRAGMA page_size"), number(&format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")));
    drop(connection);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&vec![0xA5; usize::try_from(size).unwrap()], (root - 1) * size).unwrap();
}
