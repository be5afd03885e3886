//! Days that are over are counted once and kept. Whatever is changed of them afterwards: the figures are those of all calls counted anew.

use crate::store::report_centre::{HOUR, centre, midnight, store};
use crate::store::report_three_ways::{CLOCK_DAYS, thresholds};
use crate::store::store_callbacks::{DAY, attempt, call, callback, change, pbx, row};
use crate::store::stored::{abandoned, answered, record};
use callbackd::report::Thresholds;
use callbackd::report::figures::figures;
use callbackd::store::{Calendar, Chosen, DayToKeep, Depth, Pruning, Reader, Store};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::{
    Activity, AttemptResult, AttemptRow, CallbackChange, CallbackRow, CallbackState, FinishedCall, Interval, Quality,
    Record, Tag, TagChange,
};
use jiff::tz::TimeZone;
use rusqlite::{Connection, params};
use std::path::PathBuf;
use std::sync::Arc;

struct Office {
    path: PathBuf,
    zone: TimeZone,
    /// The first day begins, and the last one ends.
    span: (i64, i64),
    calendar: Calendar,
    _directory: tempfile::TempDir,
}

impl Office {
    fn of(seed: u64, zone_name: &str, first: &str, days: i64, calls: u32) -> Self {
        let zone = TimeZone::get(zone_name).unwrap();
        let from_ms = midnight(first, &zone);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calls.db");
        let now_ms = from_ms + (days + 1) * DAY;
        let calendar = Calendar { thresholds: thresholds(), codes: Codes::default(), zone: zone.clone(), now_ms };
        store(&centre(seed, from_ms, days, calls), &path, &calendar);
        Self { path, zone, span: (from_ms, from_ms + days * DAY), calendar, _directory: directory }
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path).unwrap()
    }

    fn keep_all(&self) {
        Store::open(&self.path).unwrap().keep_days().unwrap();
    }

    fn kept(&self) -> Vec<i64> {
        let db = Connection::open(&self.path).unwrap();
        let mut statement = db.prepare("SELECT from_ms FROM report_days ORDER BY 1").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn days(&self) -> Vec<i64> {
        let mut days = Vec::new();
        let mut at = self.span.0 - 2 * DAY;
        while at < self.span.1 + 2 * DAY {
            days.push(midnight(&date(at, &self.zone), &self.zone));
            at += DAY;
        }
        days.dedup();
        days
    }

    /// Of a window, and with the window before it, as a report has it.
    fn agrees(&self, from_ms: i64, to_ms: i64, what: &str) {
        let (chosen, window) = (Chosen::default(), (from_ms, to_ms));
        let reader = self.reader();
        let anew = figures(&reader.facts(window, &chosen, Depth::All, &thresholds(), &self.zone).unwrap());
        let kept = reader.figures(window, &chosen, &thresholds(), &self.zone).unwrap();
        let (kept, anew) = (format!("{kept:#?}"), format!("{anew:#?}"));
        let other = kept.lines().zip(anew.lines()).position(|(kept, anew)| kept != anew);
        let around =
            |text: &str, at: usize| text.lines().skip(at.saturating_sub(12)).take(16).collect::<Vec<_>>().join("\n");
        if let Some(at) = other {
            panic!("{what}, {from_ms} to {to_ms}: kept\n{}\ncounted anew\n{}", around(&kept, at), around(&anew, at));
        }
        assert_eq!(kept.len(), anew.len());
    }

    /// In every whole span that begins on some day.
    fn agrees_everywhere(&self, random: &mut fastrand::Rng, what: &str) {
        let days = self.days();
        self.agrees(days[0], days[days.len() - 1], what);
        let from = random.usize(..days.len() - 1);
        self.agrees(days[from], days[random.usize(from + 1..days.len())], what);
    }
}

fn date(at_ms: i64, zone: &TimeZone) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap().to_zoned(zone.clone()).date().to_string()
}

#[test]
fn days_that_are_over_are_kept_and_add_up_to_what_all_calls_come_to() {
    for (seed, (zone, first, _)) in (0..).zip(CLOCK_DAYS) {
        let office = Office::of(seed, zone, first, 5, 60);
        office.keep_all();
        let mut random = fastrand::Rng::with_seed(seed);
        // The last day is not over, nor is it known who of the day before will call again.
        assert!((3..=5).contains(&office.kept().len()), "{zone}: {:?}", office.kept());
        for _ in 0..10 {
            office.agrees_everywhere(&mut random, zone);
        }
        assert_eq!(office.reader().day_to_keep(i64::MIN).unwrap(), None, "{zone}");
    }
}

/// By hand, on the row of a call: its id, and ms.
const BY_HAND: [&str; 5] = [
    "UPDATE calls SET recovered_by = 'agent', recovered_ms = ended_ms + 60000 WHERE id = ?1",
    "UPDATE calls SET outcome = 'QUEUE_ABANDON', status = 'CANCEL', callback_id = NULL WHERE id = ?1",
    "UPDATE calls SET started_ms = started_ms - ?2, ended_ms = ended_ms - ?2 WHERE id = ?1",
    "UPDATE calls SET ended_ms = ended_ms + ?2 / 10 WHERE id = ?1",
    "DELETE FROM calls WHERE id = ?1",
];

/// What the daemon and commands write of old calls, callbacks and agents: at some moment, the nth time.
const WRITTEN: [fn(i64, i64) -> Record; 7] = [
    |at_ms, n| record(moved(abandoned(&format!("late.{n}")), at_ms)),
    |at_ms, n| record(moved(answered(&format!("late.{n}")), at_ms)),
    // It replaces an earlier one.
    |at_ms, n| record(FinishedCall { talk_ms: 7_000, ..moved(answered(&format!("late.{}", n - n % 3)), at_ms) }),
    |at_ms, _| {
        let tag = Tag { code: "VIP".into(), note: String::new(), by: "Ann".into(), at_ms };
        Record::Tag(Box::new(TagChange {
            pbx: pbx(),
            linkedid: format!("{}.1", 1 + at_ms % 150),
            tag,
            removed: at_ms % 2 == 0,
        }))
    },
    |at_ms, n| {
        let state = [CallbackState::Pending, CallbackState::Waiting][usize::from(n % 2 == 0)];
        let row = CallbackRow { state, first_missed_ms: at_ms, ..row(n % 8 + 1, &format!("+1202555{:04}", n % 8)) };
        callback(CallbackChange { miss: Some(call(&format!("{}.1", 1 + at_ms % 150))), ..change(row, "") })
    },
    |at_ms, n| {
        let attempt = attempt(n % 8 + 1, 1, Some(AttemptResult::CustomerBusy));
        Record::Attempt(Arc::new(AttemptRow { intended_ms: at_ms, ..attempt }))
    },
    |at_ms, _| {
        let (agent, queue) = ("PJSIP/102".to_owned(), String::new());
        let (activity, reason) = (Activity::Talking, String::new());
        Record::Interval(Interval {
            pbx: pbx(),
            agent,
            activity,
            queue,
            reason,
            from_ms: at_ms,
            to_ms: Some(at_ms + HOUR),
        })
    },
];

fn moved(call: FinishedCall, to_ms: i64) -> FinishedCall {
    let by = to_ms - call.started_ms;
    FinishedCall {
        started_ms: call.started_ms + by,
        ended_ms: call.ended_ms + by,
        answered_ms: call.answered_ms.map(|at| at + by),
        quality: Quality::Backfilled,
        ..call
    }
}

#[test]
fn whatever_is_changed_of_a_day_that_is_kept_its_figures_are_those_of_its_calls() {
    let office = Office::of(7, "Europe/Berlin", "2026-10-22", 6, 40);
    let mut store = Store::open(&office.path).unwrap();
    // An attempt has its callback.
    let callbacks: Vec<Record> = (0..8).map(|n| WRITTEN[4](office.span.0 + n * 7_200_000, n)).collect();
    assert_eq!(store.write(&callbacks).unwrap(), []);
    store.keep_days().unwrap();
    let all = office.kept();
    let db = Connection::open(&office.path).unwrap();
    let calls: i64 = db.query_row("SELECT max(id) FROM calls", [], |row| row.get(0)).unwrap();
    let mut random = fastrand::Rng::with_seed(11);
    let mut taken_out = [false; BY_HAND.len() + WRITTEN.len()];
    for n in 0..taken_out.len() * 10 {
        let (change, kept) = (n % taken_out.len(), office.kept().len());
        let what = match BY_HAND.get(change) {
            Some(sql) => {
                let values = params![random.i64(1..=calls), random.i64(1_000..30 * HOUR)];
                let mut statement = db.prepare(sql).unwrap();
                let values = &values[..statement.parameter_count()];
                statement.execute(values).unwrap();
                (*sql).to_owned()
            }
            None => {
                let at_ms = random.i64(office.span.0..office.span.1);
                let record = WRITTEN[change - BY_HAND.len()](at_ms, i64::try_from(n).unwrap());
                assert_eq!(store.write([&record]).unwrap(), [], "{record:?}");
                format!("{record:?}")
            }
        };
        office.agrees_everywhere(&mut random, &what);
        taken_out[change] |= office.kept().len() < kept;
        if n % 3 == 0 {
            store.keep_days().unwrap();
            office.agrees_everywhere(&mut random, &what);
        }
    }
    let untouched: Vec<_> = (0..).zip(taken_out).filter(|(_, out)| !out).collect();
    assert!(untouched.is_empty(), "these took nothing out: {untouched:?}");
    store.keep_days().unwrap();
    assert!(office.kept().len() >= all.len());
    let mut pruning = Pruning::new(office.span.0 + 2 * DAY);
    while !pruning.is_over() {
        store.prune(&mut pruning).unwrap();
        office.agrees_everywhere(&mut random, "pruned");
    }
    assert!(pruning.removed.calls > 0 && pruning.removed.intervals > 0, "{:?}", pruning.removed);
    store.keep_days().unwrap();
    office.agrees_everywhere(&mut random, "pruned and counted anew");
}

#[test]
fn a_day_that_is_changed_while_it_is_counted_is_not_kept() {
    let office = Office::of(3, "UTC", "2026-03-02", 4, 30);
    let mut store = Store::open(&office.path).unwrap();
    let before = office.reader().day_to_keep(i64::MIN).unwrap().unwrap();
    assert!(matches!(before, DayToKeep::Before(..)), "{before:?}");
    store.keep_day(&before).unwrap();
    let day = office.reader().day_to_keep(before.behind_ms()).unwrap().unwrap();
    let db = Connection::open(&office.path).unwrap();
    db.execute("UPDATE calls SET talk_ms = talk_ms + 1 WHERE id = 1", []).unwrap();
    assert!(!store.keep_day(&day).unwrap());
    assert!(office.kept().is_empty());
    let again = office.reader().day_to_keep(before.behind_ms()).unwrap().unwrap();
    assert!(store.keep_day(&again).unwrap());
    assert_eq!(office.kept().len(), 1);
}

#[test]
fn a_call_of_today_takes_nothing_out_and_one_of_last_week_its_days() {
    let office = Office::of(5, "UTC", "2026-03-02", 6, 30);
    office.keep_all();
    let (all, db) = (office.kept(), Connection::open(&office.path).unwrap());
    let today = "UPDATE calls SET talk_ms = talk_ms + 1 WHERE started_ms = (SELECT max(started_ms) FROM calls)";
    db.execute(today, []).unwrap();
    assert_eq!(office.kept(), all);
    // It is one that customers of the half day before may have made again, and ends on its day.
    let (from_ms, to_ms) = (all[2] + 15 * HOUR, all[2] + 16 * HOUR);
    let third =
        "UPDATE calls SET hold_ms = 1 WHERE id = (SELECT id FROM calls WHERE started_ms >= ? AND ended_ms < ? LIMIT 1)";
    assert_eq!(db.execute(third, [from_ms, to_ms]).unwrap(), 1);
    let left: Vec<i64> = all.iter().copied().filter(|day| *day != all[2]).collect();
    assert_eq!(office.kept(), left);
}

#[test]
fn days_of_other_thresholds_or_of_another_zone_are_not_read_and_go() {
    let office = Office::of(9, "UTC", "2026-03-02", 5, 30);
    office.keep_all();
    let all = office.kept();
    let chosen = Chosen::default();
    let others = Thresholds { service_level_ms: 40_000, ..thresholds() };
    let reader = office.reader();
    let anew = figures(&reader.facts(office.span, &chosen, Depth::All, &others, &office.zone).unwrap());
    assert_eq!(reader.figures(office.span, &chosen, &others, &office.zone).unwrap(), anew);
    let mut store = Store::open(&office.path).unwrap();
    store.keep_calendar(&Calendar { thresholds: others.clone(), ..office.calendar.clone() }).unwrap();
    store.keep_day(&office.reader().day_to_keep(i64::MIN).unwrap().unwrap()).unwrap();
    assert!(office.kept().is_empty());
    drop(store);
    office.keep_all();
    assert_eq!(office.kept(), all);
    assert_eq!(office.reader().figures(office.span, &chosen, &others, &office.zone).unwrap(), anew);
    let local = TimeZone::get("Asia/Kathmandu").unwrap();
    let window = (midnight("2026-03-03", &local), midnight("2026-03-05", &local));
    let anew = figures(&reader.facts(window, &chosen, Depth::All, &others, &local).unwrap());
    assert_eq!(office.reader().figures(window, &chosen, &others, &local).unwrap(), anew);
}

#[test]
fn a_kept_day_that_cannot_be_read_is_counted_anew() {
    let office = Office::of(13, "UTC", "2026-03-02", 5, 30);
    office.keep_all();
    let db = Connection::open(&office.path).unwrap();
    db.execute(
        "UPDATE report_days SET rollup = substr(rollup, 1, length(rollup) / 2) WHERE from_ms / 86400000 % 3 = 0",
        [],
    )
    .unwrap();
    db.execute("UPDATE report_days SET rollup = CAST(rollup || x'00' AS BLOB) WHERE from_ms / 86400000 % 3 = 1", [])
        .unwrap();
    db.execute("UPDATE report_days SET rollup = zeroblob(9000000) WHERE from_ms / 86400000 % 3 = 2", []).unwrap();
    office.agrees(office.span.0, office.span.1, "damaged");
}

#[test]
fn of_a_day_that_is_kept_no_call_is_read() {
    let office = Office::of(17, "UTC", "2026-03-02", 6, 30);
    office.keep_all();
    let (chosen, kept) = (Chosen::default(), office.kept());
    let inbound = |from_ms: i64, to_ms: i64| {
        office.reader().figures((from_ms, to_ms), &chosen, &thresholds(), &office.zone).unwrap().totals.inbound
    };
    let (second, third) = (inbound(kept[1], kept[2]), inbound(kept[2], kept[3]));
    assert_ne!(second, third);
    // As if it had been another day.
    let db = Connection::open(&office.path).unwrap();
    let swap = "UPDATE report_days SET rollup = (SELECT rollup FROM report_days WHERE from_ms = ?1) WHERE from_ms = ?2";
    db.execute(swap, [kept[1], kept[2]]).unwrap();
    assert_eq!(inbound(kept[2], kept[3]), second);
    assert_eq!(inbound(kept[1], kept[3]), 2 * second);
}
