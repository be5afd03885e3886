//! The figures that have no view of their own: by `callbackd report`, and by a count of its own, written from their formulas alone. They agree, on
//! whatever day.

use crate::store::report_centre::{AGENTS, Centre, HOUR, Row, centre, midnight, store};
use crate::store::report_recount::{Numbers, is_answered, is_inbound, is_missed, is_offered, recount, share};
use crate::store::report_three_ways::{CLOCK_DAYS, assert_same, facts, thresholds};
use callbackd::report::Thresholds;
use callbackd::report::figures::{Figures, figures};
use callbackd::store::Calendar;
use callbackd_core::model::codes::Codes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeMap;

const QUARTER: i64 = HOUR / 4;

#[allow(clippy::cast_precision_loss)]
fn float(n: i64) -> f64 {
    n as f64
}

fn count<'r>(rows: impl IntoIterator<Item = &'r &'r Row>, wanted: impl Fn(&Row) -> bool) -> i64 {
    i64::try_from(rows.into_iter().filter(|row| wanted(row)).count()).unwrap()
}

/// A piece of the window in which nothing changes.
struct Piece {
    hour: i8,
    lasts: i64,
    customers: i64,
    agents: i64,
}

/// The window up to what was seen, cut wherever anything begins or ends, and at each quarter of an hour.
fn pieces(centre: &Centre, (from, end): (i64, i64), zone: &TimeZone) -> Vec<Piece> {
    let calls: Vec<(i64, i64)> = centre
        .rows
        .iter()
        .filter(|row| is_inbound(row) && row.started_ms >= from - 4 * HOUR)
        .map(|row| (row.started_ms, row.ended_ms))
        .collect();
    let until = |to: Option<i64>| to.unwrap_or(centre.seen_ms);
    let mut moments: Vec<i64> = (0..).map(|n| from + n * QUARTER).take_while(|at| *at < end).collect();
    moments.extend(calls.iter().flat_map(|(from, to)| [*from, *to]));
    moments.extend(centre.agents.iter().flat_map(|did| [did.from_ms, until(did.to_ms)]));
    moments.push(end);
    moments.retain(|at| *at >= from && *at <= end);
    moments.sort_unstable();
    let at = |pair: &[i64]| {
        let now = pair[0];
        let does = |agent: &str, activity: &str| {
            let is = |did: &&crate::store::report_centre::Did| did.agent == agent && did.activity == activity;
            centre.agents.iter().filter(is).any(|did| did.from_ms <= now && until(did.to_ms) > now)
        };
        let free = AGENTS.iter().filter(|agent| does(agent, "logged_in") && !does(agent, "paused")).count();
        Piece {
            hour: Timestamp::from_millisecond(now).unwrap().to_zoned(zone.clone()).hour(),
            lasts: pair[1] - now,
            customers: i64::try_from(calls.iter().filter(|(from, to)| *from <= now && *to > now).count()).unwrap(),
            agents: i64::try_from(free).unwrap(),
        }
    };
    moments.windows(2).filter(|pair| pair[0] < pair[1]).map(at).collect()
}

/// Erlang C by its textbook formula: the fewest with whom the share is answered in time.
fn erlang(calls_per_hour: f64, handling_s: f64, t: &Thresholds) -> Option<f64> {
    let load = calls_per_hour * handling_s / 3_600.0;
    if load <= 0.0 {
        return None;
    }
    let (mut below, mut term) = (1.0, 1.0);
    for n in 1..=2_000 {
        let operators = f64::from(n);
        term *= load / operators;
        if operators > load {
            let waiting = term * operators / (operators - load);
            let late = waiting / (below + waiting)
                * (-(operators - load) * float(t.service_level_ms) / 1_000.0 / handling_s).exp();
            if 1.0 - late >= f64::from(t.service_level_target) / 100.0 {
                return Some(operators);
            }
        }
        below += term;
    }
    None
}

/// K5, K12 to K15, K18, K19, K21, K23 to K26, of a window.
fn counted(centre: &Centre, (from, to): (i64, i64), t: &Thresholds, zone: &TimeZone) -> Numbers {
    let mut out = Numbers::new();
    let local = |ms: i64| Timestamp::from_millisecond(ms).unwrap().to_zoned(zone.clone());
    let rows: Vec<&Row> = centre.rows.iter().filter(|row| row.started_ms >= from && row.started_ms < to).collect();
    let inbound: Vec<&Row> = rows.iter().copied().filter(|row| is_inbound(row)).collect();
    let answered: Vec<&Row> = rows.iter().copied().filter(|row| is_answered(row)).collect();
    let many = i64::try_from(answered.len()).unwrap();
    let end = to.min(centre.seen_ms).max(from);

    // K5: talk, hold and after-call work of an answered call.
    let of_views = recount(centre, (from, to), t, &|at| local(at).hour());
    let acw: f64 =
        AGENTS.iter().filter_map(|agent| of_views.get(&format!("agent_time {agent} acw_ms")).copied()?).sum();
    let talked: i64 = answered.iter().map(|row| row.talk_ms + row.hold_ms).sum();
    let handling = (many > 0).then(|| ((float(talked) + acw) / float(many)).floor());
    out.insert("handling".to_owned(), handling);

    // K12, K15: hold, and from the ring to the answer.
    for agent in AGENTS {
        let hold: i64 = rows
            .iter()
            .filter(|row| row.direction != "internal" && row.agent == Some(agent))
            .map(|row| row.hold_ms)
            .sum();
        let legs = inbound.iter().flat_map(|row| &row.legs).filter(|leg| leg.0 == agent && leg.5 == "ANSWERED");
        let reactions: Vec<i64> = legs.map(|leg| leg.2.unwrap() - leg.1).collect();
        let took = i64::try_from(reactions.len()).unwrap();
        out.insert(format!("agents {agent} hold_ms"), Some(float(hold)));
        out.insert(
            format!("agents {agent} mean_reaction_ms"),
            (took > 0).then(|| float(reactions.iter().sum::<i64>() / took)),
        );
    }

    // K13.
    let outbound = count(&rows, |row| ["outbound", "callback"].contains(&row.direction));
    out.insert("balance".to_owned(), share(outbound, i64::try_from(inbound.len()).unwrap()));

    // K14.
    out.insert("too_short".to_owned(), Some(float(count(&answered, |row| row.talk_ms < t.too_short_ms))));
    out.insert("too_long".to_owned(), Some(float(count(&answered, |row| row.talk_ms > t.too_long_ms))));

    // K15: how often a customer had to call.
    let mut customers: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &inbound {
        if let Some(number) = &row.number {
            customers.entry(number).or_default().push(row);
        }
    }
    let mut tries = [0_i64; 5];
    for calls in customers.values_mut() {
        calls.sort_by_key(|row| (row.started_ms, !is_answered(row)));
        tries[calls.iter().position(|row| is_answered(row)).map_or(4, |n| n.min(3))] += 1;
    }
    for (name, n) in ["tries 1", "tries 2", "tries 3", "tries more", "tries never"].iter().zip(tries) {
        out.insert((*name).to_owned(), Some(float(n)));
    }
    out.insert("share_first_try".to_owned(), share(tries[0], tries.iter().sum()));

    // K18: by the number that was dialled.
    for did in ["5550100", "5550101"] {
        let of: Vec<&Row> = inbound.iter().copied().filter(|row| row.did == did).collect();
        let hops = i64::try_from(of.iter().map(|row| row.steps.len() + row.visits.len()).sum::<usize>()).unwrap();
        out.insert(format!("dids {did} inbound"), Some(float(i64::try_from(of.len()).unwrap())));
        out.insert(format!("dids {did} answered"), Some(float(count(&of, is_answered))));
        out.insert(format!("dids {did} missed"), Some(float(count(&of, is_missed))));
        out.insert(format!("dids {did} mean_hops"), share(hops, i64::try_from(of.len()).unwrap()));
    }

    // K19, K23: the heat map, and the first of the busiest.
    let mut heat: BTreeMap<(i8, i8), i64> = BTreeMap::new();
    let mut days: BTreeMap<String, i64> = BTreeMap::new();
    for row in &inbound {
        let at = local(row.started_ms);
        *heat.entry((at.weekday().to_monday_zero_offset(), at.hour())).or_default() += 1;
        *days.entry(at.date().to_string()).or_default() += 1;
    }
    for ((day, hour), n) in &heat {
        out.insert(format!("heat {day} {hour}"), Some(float(*n)));
    }
    let most = heat.values().max().copied();
    let busiest = heat.iter().find(|(_, n)| Some(**n) == most);
    out.insert(
        "busiest_hour".to_owned(),
        busiest.map(|((day, hour), n)| float(i64::from(*day) * 1_000_000 + i64::from(*hour) * 10_000 + n)),
    );
    let most = days.values().max().copied();
    let busiest = days.iter().find(|(_, n)| Some(**n) == most);
    out.insert(
        "busiest_day".to_owned(),
        busiest.map(|(day, n)| float(day.replace('-', "").parse::<i64>().unwrap() * 10_000 + n)),
    );

    // K21: customers against agents, by time.
    let pieces = pieces(centre, (from, end), zone);
    let lasts = end - from;
    let sum = |of: &dyn Fn(&Piece) -> i64| pieces.iter().map(of).sum::<i64>();
    out.insert("mean_customers".to_owned(), share(sum(&|piece| piece.customers * piece.lasts), lasts));
    out.insert("mean_agents".to_owned(), share(sum(&|piece| piece.agents * piece.lasts), lasts));
    let short = sum(&|piece| if piece.customers > piece.agents { piece.lasts } else { 0 });
    out.insert("share_short".to_owned(), share(short, lasts));

    // K24.
    let missed: Vec<&Row> = rows.iter().copied().filter(|row| is_missed(row)).collect();
    let all = i64::try_from(missed.len()).unwrap();
    let in_time = |row: &Row| row.recovered.is_some_and(|(_, at)| at - row.ended_ms <= t.callback_target_ms);
    out.insert("won_back_share".to_owned(), share(count(&missed, |row| row.recovered.is_some()), all));
    out.insert("won_back_share_in_time".to_owned(), share(count(&missed, in_time), all));

    // K25: by the hour of the day.
    for hour in 0..24 {
        let of_hour = || pieces.iter().filter(move |piece| piece.hour == hour);
        let lasts: i64 = of_hour().map(|piece| piece.lasts).sum();
        let present: i64 = of_hour().map(|piece| piece.agents * piece.lasts).sum();
        let calls = count(&rows, |row| is_offered(row) && local(row.started_ms).hour() == hour);
        if lasts > 0 && (calls > 0 || present > 0) {
            let per_hour = float(calls) * 3_600_000.0 / float(lasts);
            let needed = handling.and_then(|ms| erlang(per_hour, ms / 1_000.0, t));
            out.insert(format!("operators {hour} calls_per_hour"), Some(per_hour));
            out.insert(format!("operators {hour} needed"), needed);
            out.insert(format!("operators {hour} present"), share(present, lasts));
        }
    }

    // K26: all lines in use, of the window.
    for trunk in t.trunk_lines.keys() {
        let full = of_views.get(&format!("lines {trunk} at_limit_ms")).copied().flatten().unwrap_or_default();
        out.insert(format!("lines {trunk} share_at_limit"), (lasts > 0).then(|| full / float(lasts)));
    }
    out
}

/// The same of the report, as its JSON has it.
fn reported(figures: &Figures) -> Numbers {
    let all = serde_json::to_value(figures).unwrap();
    let mut out = Numbers::new();
    let mut put = |name: &str, value: &Value| {
        out.insert(name.to_owned(), value.as_f64());
    };
    put("handling", &all["handling"]["mean_ms"]);
    for agent in AGENTS {
        let none = serde_json::json!({"hold_ms": 0});
        let found = all["agents"].as_array().unwrap().iter().find(|found| found["agent"] == agent).unwrap_or(&none);
        put(&format!("agents {agent} hold_ms"), &found["hold_ms"]);
        put(&format!("agents {agent} mean_reaction_ms"), &found["mean_reaction_ms"]);
    }
    put("balance", &all["totals"]["balance"]);
    put("too_short", &all["lengths"]["too_short"]);
    put("too_long", &all["lengths"]["too_long"]);
    for (n, name) in ["tries 1", "tries 2", "tries 3", "tries more"].iter().enumerate() {
        put(name, &all["repeat"]["tries"][n]);
    }
    put("tries never", &all["repeat"]["never"]);
    put("share_first_try", &all["repeat"]["share_first_try"]);
    for did in ["5550100", "5550101"] {
        let none = serde_json::json!({"totals": {"inbound": 0, "answered": 0, "missed": 0}});
        let found = all["dids"].as_array().unwrap().iter().find(|found| found["did"] == did).unwrap_or(&none);
        for figure in ["inbound", "answered", "missed"] {
            put(&format!("dids {did} {figure}"), &found["totals"][figure]);
        }
        put(&format!("dids {did} mean_hops"), &found["mean_hops"]);
    }
    for (day, hours) in all["heat"].as_array().unwrap().iter().enumerate() {
        for (hour, n) in hours.as_array().unwrap().iter().enumerate().filter(|(_, n)| **n != 0) {
            put(&format!("heat {day} {hour}"), n);
        }
    }
    let load = &all["load"];
    let busiest = load["busiest_hour"].as_array().map(|of| {
        let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].iter().position(|day| of[0] == *day).unwrap();
        i64::try_from(day).unwrap() * 1_000_000 + of[1].as_i64().unwrap() * 10_000 + of[2].as_i64().unwrap()
    });
    put("busiest_hour", &serde_json::json!(busiest));
    let busiest = load["busiest_day"]
        .as_array()
        .map(|of| of[0].as_str().unwrap().replace('-', "").parse::<i64>().unwrap() * 10_000 + of[1].as_i64().unwrap());
    put("busiest_day", &serde_json::json!(busiest));
    for figure in ["mean_customers", "mean_agents", "share_short"] {
        put(figure, &load[figure]);
    }
    put("won_back_share", &all["missed"]["share"]);
    put("won_back_share_in_time", &all["missed"]["share_in_time"]);
    for hour in all["operators"].as_array().unwrap() {
        for figure in ["calls_per_hour", "needed", "present"] {
            put(&format!("operators {} {figure}", hour["hour"]), &hour[figure]);
        }
    }
    for line in all["lines"].as_array().unwrap() {
        put(&format!("lines {} share_at_limit", line["trunk"].as_str().unwrap()), &line["share_at_limit"]);
    }
    out
}

/// Every day of a centre, and all of them.
fn agree(seed: u64, zone_name: &str, first: &str, days: i64, calls: u32) {
    let zone = TimeZone::get(zone_name).unwrap();
    let from_ms = midnight(first, &zone);
    let centre = centre(seed, from_ms, days, calls);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls.db");
    let now_ms = from_ms + (days + 1) * 24 * HOUR;
    let calendar = Calendar { thresholds: thresholds(), codes: Codes::default(), zone: zone.clone(), now_ms };
    store(&centre, &path, &calendar);
    let mut date: jiff::civil::Date = first.parse().unwrap();
    let mut windows = Vec::new();
    for _ in 0..days {
        let next = date.tomorrow().unwrap();
        windows.push((midnight(&date.to_string(), &zone), midnight(&next.to_string(), &zone)));
        date = next;
    }
    windows.push((from_ms, midnight(&date.to_string(), &zone)));
    for window in windows {
        let found = reported(&figures(&facts(&path, window, &zone)));
        assert_same(
            found,
            counted(&centre, window, &thresholds(), &zone),
            &format!("seed {seed}, {zone_name}, {window:?}"),
        );
    }
}

#[test]
fn figures_without_a_view_agree_with_a_count_of_their_own_on_ordinary_days() {
    for seed in 40..44 {
        agree(seed, "Asia/Kathmandu", "2026-03-02", 3, 60);
    }
}

#[test]
fn figures_without_a_view_agree_on_days_on_which_the_clock_is_set() {
    for (seed, (zone, first, days)) in (50..).zip(CLOCK_DAYS) {
        agree(seed, zone, first, days, 120);
    }
}

#[test]
fn figures_without_a_view_agree_where_there_are_hardly_any_calls() {
    for seed in 60..70 {
        agree(seed, "UTC", "2026-01-01", 2, 2);
    }
}
