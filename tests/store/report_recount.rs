//! A count of its own, for the test of figures: the formulas in words, applied to the rows one by one, without a thought for speed.

use crate::store::report_centre::{Centre, Did, HOUR, Row};
use callbackd::report::Thresholds;
use callbackd_core::model::{Outcome, Status};
use std::collections::BTreeMap;

/// A figure by its name; `None` where there is nothing to say.
pub type Numbers = BTreeMap<String, Option<f64>>;

#[allow(clippy::cast_precision_loss)]
fn float(n: i64) -> f64 {
    n as f64
}

pub fn share(part: i64, whole: i64) -> Option<f64> {
    if whole == 0 { None } else { Some(float(part) / float(whole)) }
}

/// Of a window, ms; the second is not in it.
pub fn recount(centre: &Centre, (from, to): (i64, i64), t: &Thresholds, hour_of: &dyn Fn(i64) -> i8) -> Numbers {
    let mut out = Numbers::new();
    let rows: Vec<&Row> = centre.rows.iter().filter(|row| row.started_ms >= from && row.started_ms < to).collect();
    totals("days", &rows, t, &mut out);
    for hour in 0..24 {
        let of_hour: Vec<&Row> = rows.iter().copied().filter(|row| hour_of(row.started_ms) == hour).collect();
        if !of_hour.is_empty() {
            totals(&format!("hours {hour}"), &of_hour, t, &mut out);
        }
    }
    let answered = |row: &&&Row| is_answered(row);
    waits(
        "queue_wait",
        rows.iter().filter(answered).filter(|row| row.queue.is_some()).map(|row| row.queue_wait_ms),
        &mut out,
    );
    waits("wait", rows.iter().filter(answered).map(|row| row.wait_ms), &mut out);
    let gave_up = |row: &&&Row| is_inbound(row) && row.status == Status::Cancel && row.outcome != Outcome::ShortAbandon;
    waits("gave_up", rows.iter().filter(gave_up).map(|row| row.wait_ms), &mut out);
    let won = rows.iter().filter(|row| is_missed(row)).filter_map(|row| Some(row.recovered?.1 - row.ended_ms));
    waits("recovery", won, &mut out);
    for row in &rows {
        if is_missed(row) {
            let (by, when) = match row.recovered {
                None => ("nobody", "never"),
                Some((by, at)) if at - row.ended_ms <= t.callback_target_ms => (by, "in_time"),
                Some((by, _)) => (by, "later"),
            };
            add(&mut out, &format!("missed {by} {when} calls"), 1);
        }
        if is_inbound(row) {
            add(&mut out, &format!("reasons {} {} calls", row.status, row.outcome), 1);
            for (n, (menu, key)) in row.steps.iter().enumerate() {
                add(&mut out, &format!("ivr {menu} {key} steps"), 1);
                let lost = n + 1 == row.steps.len() && row.outcome == Outcome::IvrLost;
                add(&mut out, &format!("ivr {menu} {key} lost"), i64::from(lost));
            }
        }
        if is_answered(row) {
            let band =
                [1200, 600, 300, 120, 60, 30, 10, 0].into_iter().find(|band| row.talk_ms >= band * 1_000).unwrap();
            add(&mut out, &format!("lengths {band} calls"), 1);
        }
        for code in &row.codes {
            add(&mut out, &format!("codes {code} calls"), 1);
        }
    }
    queues(&rows, &mut out);
    agents(&rows, &mut out);
    for agent in crate::store::report_centre::AGENTS {
        agent_time(agent, &centre.agents, centre.seen_ms, (from, to), t, &mut out);
    }
    load(centre, (from, to), t, &mut out);
    ratings(&rows, t, &mut out);
    resolution(centre, &rows, t, &mut out);
    out
}

fn add(out: &mut Numbers, name: &str, n: i64) {
    let value = out.entry(name.to_owned()).or_insert(Some(0.0));
    *value = value.map(|value| value + float(n));
}

pub fn is_inbound(row: &Row) -> bool {
    row.direction == "inbound"
}

pub fn is_answered(row: &Row) -> bool {
    is_inbound(row) && row.status == Status::Answer && row.outcome != Outcome::SelfService
}

/// Inbound whose status is not ANSWER, with SHORT_ABANDON, BLOCKED and UNKNOWN apart.
pub fn is_missed(row: &Row) -> bool {
    is_inbound(row)
        && row.status != Status::Answer
        && row.status != Status::Unknown
        && row.outcome != Outcome::ShortAbandon
        && row.outcome != Outcome::Blocked
}

/// Reached a queue, or rang a person, or was refused at the door.
pub fn is_offered(row: &Row) -> bool {
    let not = ["IVR_LOST", "EARLY_ABANDON", "BLOCKED", "SELF_SERVICE", "SHORT_ABANDON"];
    if !is_inbound(row)
        || row.status == Status::OutOfTime
        || row.status == Status::Unknown
        || not.contains(&row.outcome.as_str())
    {
        return false;
    }
    !row.visits.is_empty() || !row.legs.is_empty()
}

fn totals(name: &str, rows: &[&Row], t: &Thresholds, out: &mut Numbers) {
    let count = |wanted: &dyn Fn(&Row) -> bool| i64::try_from(rows.iter().filter(|row| wanted(row)).count()).unwrap();
    let waited = |row: &Row| if row.visits.is_empty() { row.wait_ms } else { row.queue_wait_ms };
    let gave_up = |row: &Row| is_inbound(row) && ["QUEUE_ABANDON", "RING_ABANDON"].contains(&row.outcome.as_str());
    let inbound = count(&is_inbound);
    let unknown = count(&|row| is_inbound(row) && row.status == Status::Unknown);
    let (offered, answered, missed, abandoned) =
        (count(&is_offered), count(&is_answered), count(&is_missed), count(&gave_up));
    let in_time = count(&|row| is_answered(row) && waited(row) <= t.service_level_ms);
    let gave_up_in_time = count(&|row| gave_up(row) && waited(row) <= t.service_level_ms);
    let mean = |of: &dyn Fn(&Row) -> Option<i64>| {
        let values: Vec<i64> = rows.iter().filter(|row| is_answered(row)).filter_map(|row| of(row)).collect();
        if values.is_empty() {
            None
        } else {
            Some(float(values.iter().sum::<i64>() / i64::try_from(values.len()).unwrap()))
        }
    };
    let named = [
        ("inbound", Some(float(inbound))),
        ("outbound", Some(float(count(&|row| row.direction == "outbound" || row.direction == "callback")))),
        ("callbacks", Some(float(count(&|row| row.direction == "callback")))),
        ("internal", Some(float(count(&|row| row.direction == "internal")))),
        ("unknown", Some(float(unknown))),
        ("offered", Some(float(offered))),
        ("answered", Some(float(answered))),
        ("missed", Some(float(missed))),
        ("abandoned", Some(float(abandoned))),
        ("short_abandoned", Some(float(count(&|row| is_inbound(row) && row.outcome == Outcome::ShortAbandon)))),
        ("ivr_lost", Some(float(count(&|row| is_inbound(row) && row.outcome == Outcome::IvrLost)))),
        ("self_service", Some(float(count(&|row| is_inbound(row) && row.outcome == Outcome::SelfService)))),
        ("answered_in_time", Some(float(in_time))),
        ("abandonment_rate", share(abandoned, offered)),
        ("missed_rate", share(missed, inbound - unknown)),
        ("service_level_answered", share(in_time, answered)),
        ("service_level_offered", share(in_time, offered)),
        ("service_level_with_abandoned", share(in_time + gave_up_in_time, answered + abandoned)),
        ("mean_queue_wait_ms", mean(&|row| (!row.visits.is_empty()).then_some(row.queue_wait_ms))),
        ("mean_wait_ms", mean(&|row| Some(row.wait_ms))),
        ("mean_talk_ms", mean(&|row| Some(row.talk_ms))),
        ("mean_hold_ms", mean(&|row| Some(row.hold_ms))),
    ];
    out.extend(named.map(|(figure, value)| (format!("{name} {figure}"), value)));
}

fn waits(kind: &str, ms: impl Iterator<Item = i64>, out: &mut Numbers) {
    let mut ms: Vec<i64> = ms.collect();
    ms.sort_unstable();
    let Some(last) = ms.last() else { return };
    // The smallest value that so many hundredths of them do not exceed.
    let rank = |hundredths: usize| {
        let least = ms.iter().enumerate().find(|(n, _)| (n + 1) * 100 >= hundredths * ms.len());
        float(least.unwrap().1 / 1_000)
    };
    let count = i64::try_from(ms.len()).unwrap();
    let named = [
        ("calls", float(count)),
        ("min_s", float(ms[0] / 1_000)),
        ("mean_ms", float(ms.iter().sum::<i64>() / count)),
        ("median_s", rank(50)),
        ("p90_s", rank(90)),
        ("max_s", float(last / 1_000)),
    ];
    out.extend(named.map(|(figure, value)| (format!("waits {kind} {figure}"), Some(value))));
}

fn queues(rows: &[&Row], out: &mut Numbers) {
    let mut stays: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (queue, joined, left, result) in rows.iter().filter(|row| is_inbound(row)).flat_map(|row| &row.visits) {
        stays.entry(queue).or_default().push(left - joined);
        for (figure, results) in
            [("connected", vec!["CONNECTED"]), ("abandoned", vec!["ABANDONED"]), ("other", vec!["FULL"])]
        {
            add(out, &format!("queues {queue} {figure}"), i64::from(results.contains(result)));
        }
    }
    for (queue, stays) in stays {
        let count = i64::try_from(stays.len()).unwrap();
        out.insert(format!("queues {queue} visits"), Some(float(count)));
        out.insert(format!("queues {queue} mean_visit_ms"), Some(float(stays.iter().sum::<i64>() / count)));
        out.insert(format!("queues {queue} longest_visit_s"), stays.iter().max().map(|ms| float(ms / 1_000)));
    }
}

fn agents(rows: &[&Row], out: &mut Numbers) {
    for row in rows {
        if is_inbound(row) {
            for (agent, _, _, _, talk_ms, result) in &row.legs {
                add(out, &format!("agents {agent} answered"), i64::from(*result == "ANSWERED"));
                add(out, &format!("agents {agent} missed_rings"), i64::from(["NOANSWER", "REJECTED"].contains(result)));
                add(out, &format!("agents {agent} talk_ms"), if *result == "ANSWERED" { *talk_ms } else { 0 });
                add(out, &format!("agents {agent} outbound"), 0);
                add(out, &format!("agents {agent} callbacks"), 0);
            }
        } else if let (Some(agent), true) = (row.agent, row.direction != "internal") {
            add(out, &format!("agents {agent} answered"), 0);
            add(out, &format!("agents {agent} missed_rings"), 0);
            add(out, &format!("agents {agent} talk_ms"), row.talk_ms);
            add(out, &format!("agents {agent} outbound"), 1);
            add(out, &format!("agents {agent} callbacks"), i64::from(row.direction == "callback"));
        }
    }
}

/// Moment by moment: at each, what did the agent do.
fn agent_time(agent: &str, all: &[Did], seen_ms: i64, (from, to): (i64, i64), t: &Thresholds, out: &mut Numbers) {
    let did: Vec<(&Did, i64)> =
        all.iter().filter(|did| did.agent == agent).map(|did| (did, did.to_ms.unwrap_or(seen_ms))).collect();
    let mut moments: Vec<i64> = did.iter().flat_map(|(did, until)| [did.from_ms, *until]).chain([from, to]).collect();
    moments.retain(|at| *at >= from && *at <= to);
    moments.sort_unstable();
    let names = ["logged_in_ms", "paused_ms", "talking_ms", "acw_ms", "handling_ms", "idle_ms"];
    let mut sums = [0; 6];
    for pair in moments.windows(2) {
        let now = |wanted: &dyn Fn(&Did) -> bool| {
            did.iter().any(|(did, until)| did.from_ms <= pair[0] && *until > pair[0] && wanted(did))
        };
        let logged_in = now(&|did| did.activity == "logged_in");
        let paused = now(&|did| did.activity == "paused");
        let talking = now(&|did| did.activity == "talking");
        let acw =
            now(&|did| did.activity == "wrapup" || did.activity == "paused" && t.acw_reasons.contains(did.reason));
        let is = [logged_in, paused, talking, acw, talking || acw, logged_in && !paused && !talking && !acw];
        for (sum, is) in sums.iter_mut().zip(is) {
            *sum += if is { pair[1] - pair[0] } else { 0 };
        }
    }
    if sums.iter().any(|sum| *sum > 0) {
        out.extend(names.iter().zip(sums).map(|(name, sum)| (format!("agent_time {agent} {name}"), Some(float(sum)))));
        out.insert(format!("agent_time {agent} occupancy"), share(sums[4], sums[4] + sums[5]));
    }
}

fn load(centre: &Centre, (from, to): (i64, i64), t: &Thresholds, out: &mut Numbers) {
    let calls = |trunk: Option<&str>| -> Vec<(i64, i64)> {
        let wanted = |row: &&Row| {
            row.started_ms < to
                && row.started_ms >= from - 4 * HOUR
                && row.ended_ms > from
                && row.ended_ms > row.started_ms
                && trunk.is_none_or(|trunk| trunk == row.trunk)
        };
        centre.rows.iter().filter(wanted).map(|row| (row.started_ms.max(from), row.ended_ms.min(to))).collect()
    };
    let at_once = |calls: &[(i64, i64)], at: i64| {
        i64::try_from(calls.iter().filter(|(from, to)| *from <= at && *to > at).count()).unwrap()
    };
    let most = |calls: &[(i64, i64)]| calls.iter().map(|(from, _)| at_once(calls, *from)).max();
    if let Some(most) = most(&calls(None)) {
        out.insert("load most_at_once".to_owned(), Some(float(most)));
    }
    for (trunk, lines) in &t.trunk_lines {
        let calls = calls(Some(trunk));
        let Some(most) = most(&calls) else { continue };
        let mut moments: Vec<i64> = calls.iter().flat_map(|(from, to)| [*from, *to]).collect();
        moments.sort_unstable();
        let full = moments
            .windows(2)
            .filter(|pair| at_once(&calls, pair[0]) >= i64::from(*lines))
            .map(|pair| pair[1] - pair[0])
            .sum();
        out.insert(format!("lines {trunk} most_at_once"), Some(float(most)));
        out.insert(format!("lines {trunk} at_limit_ms"), Some(float(full)));
    }
}

fn ratings(rows: &[&Row], t: &Thresholds, out: &mut Numbers) {
    let scores: Vec<f64> = rows.iter().filter_map(|row| row.rating).collect();
    let count = i64::try_from(scores.len()).unwrap();
    if count > 0 {
        let good = scores.iter().filter(|score| **score >= f64::from(t.good_score)).count();
        out.insert("ratings ratings".to_owned(), Some(float(count)));
        out.insert("ratings mean_score".to_owned(), Some(scores.iter().sum::<f64>() / float(count)));
        out.insert("ratings good_share".to_owned(), share(i64::try_from(good).unwrap(), count));
    }
}

fn resolution(centre: &Centre, rows: &[&Row], t: &Thresholds, out: &mut Numbers) {
    let candidates = rows.iter().filter(|row| is_answered(row) && row.number.is_some());
    let (mut final_calls, mut resolved, mut young) = (0, 0, 0);
    for row in candidates {
        let until = row.started_ms + t.fcr_window_ms;
        if until > centre.seen_ms {
            young += 1;
            continue;
        }
        final_calls += 1;
        let again = |other: &&Row| {
            is_inbound(other)
                && other.number == row.number
                && other.started_ms > row.started_ms
                && other.started_ms <= until
        };
        resolved += i64::from(!centre.rows.iter().any(|other| again(&other)));
    }
    if final_calls + young > 0 {
        let named = [("final", final_calls), ("resolved", resolved), ("not_final", young)];
        out.extend(named.map(|(figure, n)| (format!("resolution {figure}"), Some(float(n)))));
    }
}
