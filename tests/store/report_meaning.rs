//! What an outcome means stands once in the program; the views, which are SQL, say the same of every outcome and status.

use crate::store::stored::{abandoned, record};
use callbackd::store::{Calendar, Reader, Store};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::{Direction, FinishedCall, Offered, Outcome, ServedBy, Status};
use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;

/// What reached a person, or a queue, in a call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reached {
    Nothing,
    Queue,
    Phone,
    Answer,
}

/// Each outcome has a day of its own: a figure of a day is one of an outcome.
fn call(n: usize, direction: Direction, outcome: Outcome, status: Status, reached: Reached) -> FinishedCall {
    let mut base = abandoned(&format!("{n}.1"));
    let day = Outcome::ALL.iter().position(|other| *other == outcome).unwrap();
    let later = i64::try_from(day).unwrap() * 86_400_000;
    (base.started_ms, base.ended_ms) = (base.started_ms + later, base.ended_ms + later);
    FinishedCall {
        direction,
        outcome,
        status,
        queue: (reached == Reached::Queue).then(|| "sales".to_owned()),
        ring_ms: if reached == Reached::Phone { 1_000 } else { 0 },
        answered_ms: (reached == Reached::Answer).then_some(base.ended_ms),
        legs: Vec::new(),
        visits: Vec::new(),
        ..base
    }
}

#[test]
fn the_views_and_the_meaning_of_an_outcome_agree_on_every_call() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let mut calls = Vec::new();
    for direction in [Direction::Inbound, Direction::Outbound] {
        for outcome in Outcome::ALL {
            for status in outcome.meaning().statuses {
                for reached in [Reached::Nothing, Reached::Queue, Reached::Phone, Reached::Answer] {
                    calls.push(call(calls.len(), direction, *outcome, *status, reached));
                }
            }
        }
    }
    let mut store = Store::open(&path).unwrap();
    let zone = TimeZone::get("Asia/Tashkent").unwrap();
    let now_ms = calls.iter().map(|call| call.ended_ms).max().unwrap();
    let calendar =
        Calendar { thresholds: callbackd::report::Thresholds::default(), codes: Codes::default(), zone, now_ms };
    store.write(&calls.iter().cloned().map(record).collect::<Vec<_>>()).unwrap();
    store.keep_calendar(&calendar).unwrap();
    drop(store);
    let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let row = |call: &FinishedCall| {
        let id = Reader::open(&path).unwrap().call(&call.linkedid).unwrap()[0].id;
        let read = |row: &rusqlite::Row<'_>| {
            let said = ["answered", "offered", "missed", "self_service", "unknown", "abandoned", "short_abandoned"]
                .map(|name| row.get::<_, bool>(name).unwrap());
            Ok((row.get::<_, String>("date")?, said))
        };
        db.query_row("SELECT * FROM v_report_calls WHERE id = ?", [id], read).unwrap()
    };
    let mut gave_up = BTreeMap::new();
    for call in &calls {
        let (meaning, inbound) = (call.outcome.meaning(), call.direction == Direction::Inbound);
        let reached = call.queue.is_some() || call.ring_ms > 0 || call.answered_ms.is_some();
        let meant = [
            inbound && meaning.person,
            call.outcome.was_offered(call.direction, call.status, reached),
            inbound && meaning.missed,
            inbound && meaning.served == Some(ServedBy::Machine),
            inbound && meaning.unseen,
            inbound && call.status == Status::Cancel && meaning.offered == Offered::Always,
            inbound && call.outcome == Outcome::ShortAbandon,
        ];
        let (date, said) = row(call);
        assert_eq!(said, meant, "{} {} {} reached={reached}", call.direction, call.status, call.outcome);
        let (of_day, outcome) = gave_up.entry(date).or_insert((0, call.outcome));
        assert_eq!(*outcome, call.outcome, "a day has one outcome");
        *of_day += i64::from(inbound && call.status == Status::Cancel && meaning.missed);
    }
    let waits = "SELECT coalesce((SELECT calls FROM v_report_waits WHERE date = ? AND kind = 'gave_up'), 0)";
    for (date, (meant, outcome)) in &gave_up {
        let said: i64 = db.query_row(waits, [date], |row| row.get(0)).unwrap();
        assert_eq!(said, *meant, "{outcome}: who gave up");
    }
    assert_eq!(gave_up.len(), Outcome::ALL.len());
    assert!(calls.len() > 200, "{} calls", calls.len());
}
