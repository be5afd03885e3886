//! Each figure three times: by `callbackd report`, by the view of the database, by a count of its own. They agree, on whatever day.

use crate::store::report_centre::{Centre, HOUR, centre, midnight, store};
use crate::store::report_recount::{Numbers, recount};
use callbackd::report::figures::{Figures, Spread, Totals, figures};
use callbackd::report::{Facts, Thresholds};
use callbackd::store::{Calendar, Chosen, Depth, Reader};
use callbackd_core::model::codes::Codes;
use jiff::tz::TimeZone;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

pub fn thresholds() -> Thresholds {
    Thresholds {
        fcr_window_ms: 14 * HOUR,
        acw_reasons: ["notes".to_owned()].into(),
        trunk_lines: [("PJSIP/provider".to_owned(), 2), ("PJSIP/backup".to_owned(), 1)].into(),
        ..Thresholds::default()
    }
}

/// The columns of a view by their names, and those that tell its rows of one day apart.
const VIEWS: [(&str, &[&str]); 15] = [
    ("days", &[]),
    ("hours", &["hour"]),
    ("waits", &["kind"]),
    ("missed", &["by", "when"]),
    ("reasons", &["status", "outcome"]),
    ("queues", &["queue"]),
    ("ivr", &["context", "digits"]),
    ("agents", &["agent"]),
    ("agent_time", &["agent"]),
    ("load", &[]),
    ("lines", &["trunk"]),
    ("lengths", &["from_s"]),
    ("codes", &["code"]),
    ("ratings", &[]),
    ("resolution", &[]),
];

/// What the views say of a day.
#[allow(clippy::cast_precision_loss)]
fn by_views(path: &Path, date: &str) -> Numbers {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut out = Numbers::new();
    for (view, keys) in VIEWS {
        let mut statement = db.prepare(&format!("SELECT * FROM v_report_{view} WHERE date = ?")).unwrap();
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([date]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let text = |key: &&str| match row.get::<_, Value>(*key).unwrap() {
                Value::Text(text) => text,
                Value::Integer(n) => n.to_string(),
                other => panic!("{key}: {other:?}"),
            };
            let name = std::iter::once(view.to_owned()).chain(keys.iter().map(text)).collect::<Vec<_>>().join(" ");
            for column in columns.iter().filter(|column| !keys.contains(&column.as_str())) {
                let value = match row.get::<_, Value>(column.as_str()).unwrap() {
                    _ if ["date", "weekday", "pbx", "lines", "by", "label", "group", "success"]
                        .contains(&column.as_str()) =>
                    {
                        continue;
                    }
                    Value::Integer(n) => Some(n as f64),
                    Value::Real(n) => Some(n),
                    Value::Null => None,
                    other => panic!("{column}: {other:?}"),
                };
                out.insert(format!("{name} {column}"), value);
            }
        }
    }
    out
}

/// What the report says of a window, under the names of the views.
#[allow(clippy::cast_precision_loss)]
fn by_report(figures: &Figures) -> Numbers {
    let mut out = Numbers::new();
    let mut put = |name: String, value: Option<f64>| {
        out.insert(name, value);
    };
    let known = |totals: &Totals, name: &str, put: &mut dyn FnMut(String, Option<f64>)| {
        let shown = ["mean_queue_wait_ms", "mean_wait_ms"];
        for (figure, value) in totals.named() {
            let elsewhere = figure.contains("wait") && !shown.contains(&figure)
                || figure.starts_with("won_back")
                || figure == "balance";
            if !elsewhere {
                put(format!("{name} {figure}"), value);
            }
        }
    };
    let any = |totals: &Totals| totals.inbound + totals.outbound + totals.internal > 0;
    known(&figures.totals, "days", &mut put);
    for hour in figures.hours.iter().filter(|hour| any(&hour.totals)) {
        known(&hour.totals, &format!("hours {}", hour.hour), &mut put);
    }
    let whole = |n: Option<i64>| n.map(|n| n as f64);
    let totals = &figures.totals;
    for (kind, Spread { calls, min_s, mean_ms, median_s, p90_s, max_s }) in [
        ("queue_wait", &totals.queue_wait),
        ("wait", &totals.wait),
        ("gave_up", &totals.gave_up),
        ("recovery", &figures.missed.recovery),
    ] {
        if *calls > 0 {
            put(format!("waits {kind} calls"), Some(*calls as f64));
            for (name, value) in
                [("min_s", min_s), ("mean_ms", mean_ms), ("median_s", median_s), ("p90_s", p90_s), ("max_s", max_s)]
            {
                put(format!("waits {kind} {name}"), whole(*value));
            }
        }
    }
    for fate in &figures.missed.fates {
        put(format!("missed {} {} calls", fate.by, fate.when), Some(fate.calls as f64));
    }
    for reason in &figures.reasons {
        put(format!("reasons {} {} calls", reason.status, reason.outcome), Some(reason.calls as f64));
    }
    for queue in figures.queues.iter().filter(|queue| queue.visits > 0) {
        for (figure, value) in [
            ("visits", Some(queue.visits as f64)),
            ("connected", Some(queue.connected as f64)),
            ("abandoned", Some(queue.abandoned as f64)),
            ("other", Some(queue.other as f64)),
            ("mean_visit_ms", whole(queue.mean_visit_ms)),
            ("longest_visit_s", whole(queue.longest_visit_s)),
        ] {
            put(format!("queues {} {figure}", queue.queue), value);
        }
    }
    for choice in &figures.ivr {
        put(format!("ivr {} {} steps", choice.context, choice.digits), Some(choice.steps as f64));
        put(format!("ivr {} {} lost", choice.context, choice.digits), Some(choice.lost as f64));
    }
    for agent in &figures.agents {
        let calls = [agent.answered, agent.missed_rings, agent.talk_ms.unsigned_abs(), agent.outbound, agent.callbacks];
        for (figure, n) in ["answered", "missed_rings", "talk_ms", "outbound", "callbacks"].iter().zip(calls) {
            put(format!("agents {} {figure}", agent.agent), Some(n as f64));
        }
        let times =
            [agent.logged_in_ms, agent.paused_ms, agent.talking_ms, agent.acw_ms, agent.handling_ms, agent.idle_ms];
        if times.iter().any(|ms| *ms > 0) {
            for (figure, ms) in
                ["logged_in_ms", "paused_ms", "talking_ms", "acw_ms", "handling_ms", "idle_ms"].iter().zip(times)
            {
                put(format!("agent_time {} {figure}", agent.agent), Some(ms as f64));
            }
            put(format!("agent_time {} occupancy", agent.agent), agent.occupancy);
        }
    }
    put("load most_at_once".to_owned(), Some(figures.load.most_at_once as f64));
    for line in &figures.lines {
        put(format!("lines {} most_at_once", line.trunk), Some(line.most_at_once as f64));
        put(format!("lines {} at_limit_ms", line.trunk), whole(line.at_limit_ms));
    }
    for (from_s, calls) in figures.lengths.bands.iter().filter(|(_, calls)| *calls > 0) {
        put(format!("lengths {from_s} calls"), Some(*calls as f64));
    }
    for (code, calls) in &figures.codes.codes {
        put(format!("codes {code} calls"), Some(*calls as f64));
    }
    for ratings in &figures.ratings {
        put("ratings ratings".to_owned(), Some(ratings.ratings as f64));
        put("ratings mean_score".to_owned(), Some(ratings.mean));
        put("ratings good_share".to_owned(), ratings.good);
    }
    let repeat = &figures.repeat;
    if repeat.final_calls + repeat.not_final > 0 {
        for (figure, n) in
            [("final", repeat.final_calls), ("resolved", repeat.resolved), ("not_final", repeat.not_final)]
        {
            put(format!("resolution {figure}"), Some(n as f64));
        }
    }
    out
}

/// Who did nothing has no line, whoever tells it; nor has a day without a call. Fractions are compared to nine digits.
fn said(numbers: Numbers) -> Vec<(String, Option<String>)> {
    let nothing = |view: &str, key: &str| {
        let prefix = if key.is_empty() { format!("{view} ") } else { format!("{view} {key} ") };
        numbers
            .iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .all(|(_, value)| value.is_none_or(|value| value == 0.0))
    };
    let is_empty = |name: &str| {
        let words: Vec<&str> = name.split(' ').collect();
        match words[..] {
            [view @ ("agents" | "agent_time" | "lines"), key, _] => nothing(view, key),
            [view @ ("load" | "days"), _] => nothing(view, ""),
            _ => false,
        }
    };
    let kept = numbers.iter().filter(|(name, _)| !is_empty(name));
    kept.map(|(name, value)| (name.clone(), value.map(|value| format!("{value:.9}")))).collect()
}

pub fn assert_same(one: Numbers, other: Numbers, what: &str) {
    let (one, other) = (said(one), said(other));
    let only = |a: &[(String, Option<String>)], b: &[(String, Option<String>)]| {
        a.iter().filter(|line| !b.contains(line)).take(12).cloned().collect::<Vec<_>>()
    };
    assert!(one == other, "{what}\n first only: {:?}\nsecond only: {:?}", only(&one, &other), only(&other, &one));
}

pub fn facts(path: &Path, window: (i64, i64), zone: &TimeZone) -> Facts {
    Reader::open(path).unwrap().facts(window, &Chosen::default(), Depth::All, &thresholds(), zone).unwrap()
}

/// Days on which the clock is set: where, from which on, how many.
pub const CLOCK_DAYS: [(&str, &str, i64); 4] = [
    ("Europe/Berlin", "2026-10-24", 3),
    ("Europe/Berlin", "2026-03-28", 3),
    ("Asia/Beirut", "2026-03-28", 2),
    ("Australia/Lord_Howe", "2026-10-03", 3),
];

/// Every day of a centre, and the whole of it.
fn agree(seed: u64, zone_name: &str, first: &str, days: i64, calls: u32) {
    let zone = TimeZone::get(zone_name).unwrap();
    let from_ms = midnight(first, &zone);
    let centre: Centre = centre(seed, from_ms, days, calls);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let calendar = Calendar {
        thresholds: thresholds(),
        codes: Codes::default(),
        zone: zone.clone(),
        now_ms: from_ms + (days + 1) * 24 * HOUR,
    };
    store(&centre, &path, &calendar);
    let hour_of = |at_ms: i64| jiff::Timestamp::from_millisecond(at_ms).unwrap().to_zoned(zone.clone()).hour();
    let mut date: jiff::civil::Date = first.parse().unwrap();
    // A day before the first call, and one after the last, are there too.
    date = date.yesterday().unwrap();
    for _ in 0..days + 2 {
        let next = date.tomorrow().unwrap();
        let window = (midnight(&date.to_string(), &zone), midnight(&next.to_string(), &zone));
        let counted = recount(&centre, window, &thresholds(), &hour_of);
        let reported = by_report(&figures(&facts(&path, window, &zone)));
        let what = format!("seed {seed}, {zone_name}, {date}");
        assert_same(reported, counted.clone(), &format!("{what}: report and recount"));
        assert_same(by_views(&path, &date.to_string()), counted, &format!("{what}: view and recount"));
        date = next;
    }
    let window = (from_ms, midnight(&date.to_string(), &zone));
    let counted = recount(&centre, window, &thresholds(), &hour_of);
    assert_same(
        by_report(&figures(&facts(&path, window, &zone))),
        counted,
        &format!("seed {seed}, {zone_name}, all days"),
    );
}

#[test]
fn report_view_and_recount_agree_on_ordinary_days() {
    for seed in 0..4 {
        agree(seed, "Asia/Kathmandu", "2026-03-02", 3, 60);
    }
}

#[test]
fn they_agree_on_days_on_which_the_clock_is_set() {
    for (seed, (zone, first, days)) in (10..).zip(CLOCK_DAYS) {
        agree(seed, zone, first, days, 120);
    }
}

#[test]
fn they_agree_where_there_are_hardly_any_calls() {
    for seed in 20..30 {
        agree(seed, "UTC", "2026-01-01", 2, 2);
    }
}

#[test]
fn an_empty_period_has_no_rate_and_no_mean_in_any_of_them() {
    let zone = TimeZone::UTC;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let from_ms = midnight("2026-01-01", &zone);
    let calendar = Calendar { thresholds: thresholds(), codes: Codes::default(), zone: zone.clone(), now_ms: from_ms };
    store(&Centre::default(), &path, &calendar);
    let found = figures(&facts(&path, (from_ms, from_ms + 24 * HOUR), &zone));
    let rates = found.totals.named();
    let told: Vec<_> = rates.iter().filter(|(_, value)| value.is_some_and(|value| value != 0.0)).collect();
    assert!(told.is_empty(), "{told:?}");
    for rate in
        ["missed_rate", "abandonment_rate", "service_level_offered", "mean_wait_ms", "p90_queue_wait_s", "balance"]
    {
        assert!(rates.contains(&(rate, None)), "{rate}");
    }
    assert_eq!((found.missed.share, found.repeat.first_call_resolution, found.load.mean_agents), (None, None, None));
    assert!(by_views(&path, "2026-01-01").values().all(Option::is_none));
}
