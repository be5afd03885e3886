//! A worked example: twelve calls of one morning, and every figure of them by hand.
//!
//! | n | at | what happened | counts as |
//! |---|---|---|---|
//! | 1 | 09:00 | queue sales, waited 10 s, talked 120 s with Ann (PJSIP/101) | answered, in time |
//! | 2 | 09:10 | queue sales, waited 20 s, talked 60 s with Ann, 30 s on hold | answered, in time: 20 s are not longer than 20 s |
//! | 3 | 09:20 | queue sales, waited 50 s, talked 240 s with Bob (PJSIP/102); Ann's phone rang out first | answered, late |
//! | 4 | 09:30 | queue sales, gave up after 15 s; called back after 10 min | abandoned in time, missed, won back in time |
//! | 5 | 09:40 | queue support, gave up after 90 s; called again (call 9) 55 min later | abandoned, missed, won back later |
//! | 6 | 09:50 | queue sales, gave up after 3 s | short abandon: apart |
//! | 7 | 10:00 | hung up in the menu after 8 s; nobody won them back | missed, not offered |
//! | 8 | 10:10 | queue support was full | offered, missed; nobody won them back |
//! | 9 | 10:36 | call 5's customer again: queue support, waited 5 s, talked 300 s with Bob | answered, in time |
//! | 10 | 10:50 | ended while events were not seen | UNKNOWN: in no rate |
//! | 11 | 11:00 | rang Bob's phone without a queue, talked 30 s after 12 s | answered, in time |
//! | 12 | 09:40:15 | our callback to call 4's customer, Ann talked 100 s | outbound, a callback |
//!
//! Offered: 1, 2, 3, 4, 5, 8, 9, 11 = 8. Answered: 1, 2, 3, 9, 11 = 5. In time: 1, 2, 9, 11 = 4. Abandoned: 4, 5 = 2, of these in time: 4.
//! Missed: 4, 5, 7, 8 = 4 of 11 inbound - 1 UNKNOWN = 10.

use crate::store::report_centre::{Centre, Did, HOUR, Row, midnight, store};
use callbackd::report::figures::{By, Figures, by, figures};
use callbackd::report::{Facts, Thresholds};
use callbackd::store::{Calendar, Chosen, Depth, Reader};
use callbackd_core::model::codes::Codes;
use callbackd_core::model::{Outcome, Status};
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};

const S: i64 = 1_000;
const MIN: i64 = 60_000;

fn base(id: i64, at_ms: i64, number: u32) -> Row {
    Row {
        id,
        direction: "inbound",
        status: Status::Answer,
        outcome: Outcome::Agent,
        number: Some(format!("+1202555{number:04}")),
        did: "5550100",
        trunk: "PJSIP/provider",
        queue: None,
        agent: None,
        started_ms: at_ms,
        ended_ms: at_ms,
        answered_ms: None,
        wait_ms: 0,
        queue_wait_ms: 0,
        ring_ms: 0,
        talk_ms: 0,
        hold_ms: 0,
        recovered: None,
        legs: Vec::new(),
        visits: Vec::new(),
        steps: Vec::new(),
        codes: Vec::new(),
        rating: None,
    }
}

fn answered(
    id: i64,
    at_ms: i64,
    number: u32,
    queue: Option<&'static str>,
    agent: &'static str,
    (wait_ms, talk_ms, hold_ms): (i64, i64, i64),
) -> Row {
    let (answered_ms, ended_ms) = (at_ms + wait_ms, at_ms + wait_ms + talk_ms + hold_ms);
    Row {
        queue,
        agent: Some(agent),
        answered_ms: Some(answered_ms),
        ended_ms,
        wait_ms,
        queue_wait_ms: queue.map_or(0, |_| wait_ms),
        ring_ms: wait_ms,
        talk_ms,
        hold_ms,
        legs: vec![(agent, at_ms, Some(answered_ms), ended_ms, talk_ms, "ANSWERED")],
        visits: queue.into_iter().map(|queue| (queue, at_ms, answered_ms, "CONNECTED")).collect(),
        ..base(id, at_ms, number)
    }
}

fn missed(
    id: i64,
    at_ms: i64,
    number: u32,
    what: (Status, Outcome),
    queue: Option<(&'static str, &'static str)>,
    wait_ms: i64,
) -> Row {
    Row {
        status: what.0,
        outcome: what.1,
        queue: queue.map(|(queue, _)| queue),
        ended_ms: at_ms + wait_ms,
        wait_ms,
        queue_wait_ms: queue.map_or(0, |_| wait_ms),
        visits: queue.into_iter().map(|(queue, result)| (queue, at_ms, at_ms + wait_ms, result)).collect(),
        ..base(id, at_ms, number)
    }
}

fn morning(nine: i64) -> Centre {
    let (ann, bob) = ("PJSIP/101", "PJSIP/102");
    let at = |minutes: i64| nine + minutes * MIN;
    let mut third = answered(3, at(20), 103, Some("sales"), bob, (50 * S, 240 * S, 0));
    third.legs.insert(0, (ann, at(20), None, at(20) + 15 * S, 0, "NOANSWER"));
    let abandon = (Status::Cancel, Outcome::QueueAbandon);
    let mut fourth = missed(4, at(30), 104, abandon, Some(("sales", "ABANDONED")), 15 * S);
    fourth.recovered = Some(("callback", fourth.ended_ms + 10 * MIN));
    let mut fifth = missed(5, at(40), 105, abandon, Some(("support", "ABANDONED")), 90 * S);
    fifth.recovered = Some(("customer", fifth.ended_ms + 55 * MIN));
    let mut callback = answered(12, at(40) + 15 * S, 104, None, ann, (10 * S, 100 * S, 0));
    callback.direction = "callback";
    callback.legs.clear();
    let mut rows = vec![
        Row {
            codes: vec!["DEAL_CLOSED"],
            rating: Some(5.0),
            ..answered(1, at(0), 101, Some("sales"), ann, (10 * S, 120 * S, 0))
        },
        Row { rating: Some(2.0), ..answered(2, at(10), 102, Some("sales"), ann, (20 * S, 60 * S, 30 * S)) },
        third,
        fourth,
        fifth,
        missed(6, at(50), 106, (Status::Cancel, Outcome::ShortAbandon), Some(("sales", "ABANDONED")), 3 * S),
        Row {
            steps: vec![("ivr-main", "")],
            ..missed(7, at(60), 107, (Status::Cancel, Outcome::IvrLost), None, 8 * S)
        },
        missed(8, at(70), 108, (Status::Busy, Outcome::QueueFull), Some(("support", "FULL")), 0),
        answered(9, at(96), 105, Some("support"), bob, (5 * S, 300 * S, 0)),
        missed(10, at(110), 109, (Status::Unknown, Outcome::Gap), None, MIN),
        answered(11, at(120), 110, None, bob, (12 * S, 30 * S, 0)),
    ];
    rows.push(callback);
    let did = |agent, activity, reason, from_ms, to_ms| Did {
        agent,
        activity,
        queue: "",
        reason,
        from_ms,
        to_ms: Some(to_ms),
    };
    // Ann: 3 h logged in, 30 min of them at lunch, on calls for 10 min, 2 min of wrap-up, of which 1 min while the next call came already.
    let agents = vec![
        did(ann, "logged_in", "", nine, nine + 3 * HOUR),
        did(ann, "paused", "lunch", at(120), at(150)),
        did(ann, "talking", "", at(0), at(10)),
        did(ann, "wrapup", "", at(9), at(11)),
    ];
    Centre { rows, agents, seen_ms: nine + 24 * HOUR }
}

/// The day of the example, its database in the directory, and what it is held against.
pub(crate) fn example(directory: &Path) -> (PathBuf, Thresholds, TimeZone) {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let day = midnight("2026-11-28", &zone);
    let thresholds = Thresholds {
        fcr_window_ms: 2 * HOUR,
        trunk_lines: [("PJSIP/provider".to_owned(), 1)].into(),
        ..Thresholds::default()
    };
    let path = directory.join("calls.db");
    let calendar = Calendar {
        thresholds: thresholds.clone(),
        codes: Codes::default(),
        zone: zone.clone(),
        now_ms: day + 24 * HOUR,
    };
    store(&morning(day + 9 * HOUR), &path, &calendar);
    (path, thresholds, zone)
}

fn worked_out() -> (Facts, Figures) {
    let directory = tempfile::tempdir().unwrap();
    let (path, thresholds, zone) = example(directory.path());
    let day = midnight("2026-11-28", &zone);
    let window = (day, day + 24 * HOUR);
    let facts = Reader::open(&path).unwrap().facts(window, &Chosen::default(), Depth::All, &thresholds, &zone).unwrap();
    let figures = figures(&facts);
    (facts, figures)
}

/// As a person writes it.
fn rounded(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{share:.4}"))
}

#[test]
fn counts_rates_and_waits_are_those_by_hand() {
    let (_, figures) = worked_out();
    let t = &figures.totals;
    assert_eq!((t.inbound, t.outbound, t.callbacks, t.unknown), (11, 1, 1, 1));
    assert_eq!((t.offered, t.answered, t.missed, t.abandoned, t.short_abandoned, t.ivr_lost), (8, 5, 4, 2, 1, 1));
    assert_eq!((t.answered_in_time, t.abandoned_in_time), (4, 1));
    assert_eq!(rounded(t.missed_rate), "0.4000");
    assert_eq!(rounded(t.abandonment_rate), "0.2500");
    assert_eq!(rounded(t.service_level_answered), "0.8000");
    assert_eq!(rounded(t.service_level_offered), "0.5000");
    // (4 + 1) / (5 + 2)
    assert_eq!(rounded(t.service_level_with_abandoned), "0.7143");
    assert_eq!(rounded(t.balance), "0.0909");
    // In queues 5, 10, 20, 50 s: mean 21.25 s, the second of four, the fourth of four.
    assert_eq!((t.queue_wait.mean_ms, t.queue_wait.median_s, t.queue_wait.p90_s), (Some(21_250), Some(10), Some(50)));
    // And 12 s without one: mean 19.4 s, the third of five, the fifth.
    assert_eq!(
        (t.wait.mean_ms, t.wait.median_s, t.wait.p90_s, t.wait.min_s),
        (Some(19_400), Some(12), Some(50), Some(5))
    );
    // 8, 15, 90 s gave up; 3 s is apart.
    assert_eq!((t.gave_up.calls, t.gave_up.mean_ms, t.gave_up.median_s), (3, Some(37_666), Some(15)));
    // (120 + 60 + 240 + 300 + 30) / 5 s, 30 / 5 s
    assert_eq!((t.mean_talk_ms, t.mean_hold_ms), (Some(150_000), Some(6_000)));
    // After-call work 2 min: (750 + 30 + 120) / 5 s
    assert_eq!((figures.handling.acw_ms, figures.handling.mean_ms), (120_000, Some(180_000)));
}

#[test]
fn missed_and_won_back_are_those_by_hand() {
    let (_, figures) = worked_out();
    let missed = &figures.missed;
    let fates: Vec<(&str, &str, u64)> = missed.fates.iter().map(|fate| (fate.by, fate.when, fate.calls)).collect();
    assert_eq!(fates, [("callback", "in_time", 1), ("customer", "later", 1), ("nobody", "never", 2)]);
    assert_eq!((missed.calls, missed.won_back, missed.in_time, missed.open["NONE"]), (4, 2, 1, 2));
    assert_eq!((rounded(missed.share), rounded(missed.share_in_time)), ("0.5000".to_owned(), "0.2500".to_owned()));
    assert_eq!(
        (missed.recovery.min_s, missed.recovery.median_s, missed.recovery.p90_s),
        (Some(600), Some(600), Some(3_300))
    );
}

#[test]
fn agents_queues_and_load_are_those_by_hand() {
    let (facts, figures) = worked_out();
    let [ann, bob] = [&figures.agents[0], &figures.agents[1]];
    assert_eq!((ann.answered, ann.missed_rings, ann.outbound, ann.callbacks), (2, 1, 1, 1));
    assert_eq!((ann.talk_ms, ann.mean_talk_ms, ann.hold_ms), (280_000, Some(90_000), 30_000));
    assert_eq!((bob.answered, bob.missed_rings, bob.talk_ms), (3, 0, 570_000));
    // 180 min logged in, 30 paused, 11 handling (10 + 2, a minute of which is in both): 139 idle.
    assert_eq!(
        (ann.logged_in_ms, ann.paused_ms, ann.handling_ms, ann.idle_ms),
        (180 * MIN, 30 * MIN, 11 * MIN, 139 * MIN)
    );
    assert_eq!(rounded(ann.occupancy), "0.0733");
    let queues: Vec<_> = figures
        .queues
        .iter()
        .map(|q| (q.queue.as_str(), q.visits, q.connected, q.abandoned, q.other, q.longest_visit_s))
        .collect();
    assert_eq!(queues, [("sales", 5, 3, 2, 0, Some(50)), ("support", 3, 1, 1, 1, Some(90))]);
    // Call 5 and the callback were up together for 75 s, from 09:40:15 to 09:41:30.
    assert_eq!((figures.load.most_at_once, figures.lines[0].most_at_once), (2, 2));
    assert_eq!(figures.heat[5][9..12], [6, 4, 1]);
    assert_eq!(figures.load.busiest_hour, Some(("Sat", 9, 6)));
    let hours: Vec<_> = by(&facts, By::Hour)
        .into_iter()
        .filter(|hour| hour.totals.inbound > 0)
        .map(|hour| (hour.key, hour.totals.missed))
        .collect();
    assert_eq!(hours, [("09".to_owned(), 2), ("10".to_owned(), 2), ("11".to_owned(), 0)]);
}

#[test]
fn customers_codes_ratings_and_lengths_are_those_by_hand() {
    let (_, figures) = worked_out();
    let repeat = &figures.repeat;
    // Nobody who was answered called again; 10 customers, of whom 105 needed a second call and 104, 106, 107, 108, 109 were not answered.
    assert_eq!((repeat.final_calls, repeat.resolved, repeat.not_final, repeat.customers), (5, 5, 0, 10));
    assert_eq!((repeat.tries, repeat.never, rounded(repeat.share_first_try)), ([4, 1, 0, 0], 5, "0.4000".to_owned()));
    assert_eq!(figures.codes.codes, [("DEAL_CLOSED".to_owned(), 1)]);
    assert_eq!((figures.codes.answered_without, rounded(figures.codes.share_without)), (4, "0.8000".to_owned()));
    assert_eq!((figures.ratings[0].ratings, figures.ratings[0].mean, figures.ratings[0].good), (2, 3.5, Some(0.5)));
    // 30 s, 60 s, 120 s, 240 s, 300 s
    assert_eq!(figures.lengths.bands, [(0, 0), (10, 0), (30, 1), (60, 1), (120, 2), (300, 1), (600, 0), (1_200, 0)]);
    assert_eq!((figures.ivr[0].steps, figures.ivr[0].lost), (1, 1));
    // Two calls were offered at ten (8, 9), each of 180 s: 0.1 Erlang. With one operator one of ten callers waits: that is enough for 80 per cent.
    let ten = figures.operators.iter().find(|hour| hour.hour == 10).unwrap();
    assert_eq!((ten.calls_per_hour, ten.needed, ten.present), (2.0, Some(1), Some(1.0)));
}
