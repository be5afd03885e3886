//! The sections that are tables alone.

use super::{section, table, table_of_pbxs};
use crate::report::faces::format::{NOTHING, clock, count, hours, maybe_clock, percent, span};
use crate::report::faces::glance::or_nothing;
use crate::report::faces::svg::escape;
use crate::report::faces::text::key;
use crate::report::faces::{Report, cells};
use crate::report::figures::Figures;

pub(super) fn queues(figures: &Figures, out: &mut String) {
    if figures.queues.is_empty() {
        return;
    }
    let rows = figures.queues.iter().map(|queue| {
        let mut row = vec![queue.queue.clone()];
        row.extend(cells::queue(queue));
        row.push(percent(queue.totals.abandonment_rate));
        (Some(&*queue.pbx), row)
    });
    let header = [
        "Queue",
        "Visits",
        "Connected",
        "Gave up",
        "Other ends",
        "Mean visit",
        "Longest",
        "Service level",
        "Abandonment",
    ];
    section("Queues", "", &table_of_pbxs(figures, &header, rows), out);
}

pub(super) fn agents(figures: &Figures, out: &mut String) {
    if figures.agents.is_empty() {
        return;
    }
    let rows = figures.agents.iter().map(|agent| {
        let name =
            if agent.name.is_empty() { agent.agent.clone() } else { format!("{} ({})", agent.name, agent.agent) };
        let attempts: u64 = agent.attempts.values().sum();
        let connected = agent.attempts.get("CONNECTED").copied().unwrap_or_default();
        let row = vec![
            name,
            count(agent.answered),
            count(agent.missed_rings),
            count(agent.outbound),
            count(agent.callbacks),
            format!("{connected}/{attempts}"),
            maybe_clock(agent.mean_talk_ms),
            clock(agent.hold_ms),
            maybe_clock(agent.mean_reaction_ms),
            hours(agent.logged_in_ms),
            hours(agent.paused_ms),
            hours(agent.acw_ms),
            percent(agent.occupancy),
        ];
        (Some(&*agent.pbx), row)
    });
    let header = [
        "Agent",
        "Took",
        "Rings missed",
        "Made",
        "Callbacks",
        "Attempts connected",
        "Mean talk",
        "Hold",
        "Reaction",
        "Logged in",
        "Paused",
        "After-call work",
        "Occupancy",
    ];
    let lead = format!(
        "Handling of an answered call takes {} on average: talk, hold and after-call work.",
        maybe_clock(figures.handling.mean_ms)
    );
    section("Agents", &lead, &table_of_pbxs(figures, &header, rows), out);
}

pub(super) fn reasons(figures: &Figures, out: &mut String) {
    if figures.reasons.is_empty() {
        return;
    }
    let rows = figures.reasons.iter().map(|reason| {
        vec![
            format!("{} · {}", reason.status, reason.outcome),
            count(reason.calls),
            percent(reason.share),
            if reason.missed { "missed" } else { "" }.to_owned(),
        ]
    });
    section(
        "Why calls ended as they did",
        "",
        &table(&["Status and outcome", "Calls", "Share", "Counts as"], rows),
        out,
    );
}

pub(super) fn ivr(figures: &Figures, out: &mut String) {
    if figures.ivr.is_empty() {
        return;
    }
    let rows = figures.ivr.iter().map(|choice| {
        let row = vec![choice.context.clone(), key(&choice.digits), count(choice.steps), count(choice.lost)];
        (Some(&*choice.pbx), row)
    });
    let table = table_of_pbxs(figures, &["Menu", "Key", "Chosen", "Left there"], rows);
    section("Menus, and where callers leave", "", &table, out);
}

pub(super) fn repeat(report: &Report<'_>, out: &mut String) {
    let repeat = &report.figures.repeat;
    if repeat.customers == 0 {
        return;
    }
    let [once, twice, thrice, often] = repeat.tries;
    let rows = [
        ("at the first call", once),
        ("at the second", twice),
        ("at the third", thrice),
        ("later", often),
        ("not at all", repeat.never),
    ];
    let rows = rows.map(|(when, n)| vec![when.to_owned(), count(n)]);
    let lead = format!(
        "First-call resolution within {}: {} of {} final calls; {} are younger than that. Answered at the first call: {} of {} customers.",
        escape(&span(report.thresholds.fcr_window_ms)),
        percent(repeat.first_call_resolution),
        count(repeat.final_calls),
        count(repeat.not_final),
        percent(repeat.share_first_try),
        count(repeat.customers)
    );
    let mut body = table(&["Answered", "Customers"], rows);
    if !repeat.most.is_empty() {
        body += "<h3>Who called most often</h3>";
        let rows =
            repeat.most.iter().map(|(number, calls, answered)| vec![number.clone(), count(*calls), count(*answered)]);
        body += &table(&["Number", "Calls", "Answered"], rows);
    }
    section("Customers who called again", &lead, &body, out);
}

pub(super) fn operators(report: &Report<'_>, out: &mut String) {
    if report.figures.operators.is_empty() {
        return;
    }
    let rows = report.figures.operators.iter().map(cells::operators);
    let lead = format!(
        "Erlang C: the fewest with whom {} per cent are answered within {}; on the average of the days.",
        report.thresholds.service_level_target,
        escape(&span(report.thresholds.service_level_ms))
    );
    section(
        "Operators needed by the hour",
        &lead,
        &table(&["Hour", "Calls an hour", "Needed", "Present", ""], rows),
        out,
    );
}

pub(super) fn lines_of_trunks(figures: &Figures, out: &mut String) {
    if figures.lines.is_empty() {
        return;
    }
    let rows = figures.lines.iter().map(|line| {
        let row = vec![
            line.trunk.clone(),
            count(line.calls),
            count(line.most_at_once),
            line.lines.map_or_else(|| NOTHING.to_owned(), |n| n.to_string()),
            maybe_clock(line.at_limit_ms),
            percent(line.share_at_limit),
        ];
        (Some(&*line.pbx), row)
    });
    let header = ["Trunk", "Calls", "Most at once", "Lines", "All in use for", "Share"];
    section("Lines in use", "", &table_of_pbxs(figures, &header, rows), out);
}

pub(super) fn dids(figures: &Figures, out: &mut String) {
    if figures.dids.is_empty() {
        return;
    }
    let rows = figures.dids.iter().map(|did| {
        let name = if did.label.is_empty() { or_nothing(&did.did) } else { format!("{} ({})", did.label, did.did) };
        let t = &did.totals;
        vec![
            name,
            count(t.inbound),
            count(t.answered),
            count(t.missed),
            percent(t.missed_rate),
            did.mean_hops.map_or_else(|| NOTHING.to_owned(), |hops| format!("{hops:.1}")),
            count(did.transfers),
        ]
    });
    section(
        "Our numbers",
        "",
        &table(&["Number", "Calls", "Answered", "Missed", "Share", "Hops", "Transfers"], rows),
        out,
    );
}

pub(super) fn lengths(report: &Report<'_>, out: &mut String) {
    let lengths = &report.figures.lengths;
    if lengths.spread.calls == 0 {
        return;
    }
    let label = |n: usize| {
        let from = span(lengths.bands[n].0 * 1_000);
        lengths
            .bands
            .get(n + 1)
            .map_or_else(|| format!("{from} and longer"), |to| format!("{from} to {}", span(to.0 * 1_000)))
    };
    let rows = lengths.bands.iter().enumerate().map(|(n, (_, calls))| vec![label(n), count(*calls)]);
    let lead = format!(
        "Shorter than {}: {}. Longer than {}: {}.",
        escape(&span(report.thresholds.too_short_ms)),
        count(lengths.too_short),
        escape(&span(report.thresholds.too_long_ms)),
        count(lengths.too_long)
    );
    section("Length of conversations", &lead, &table(&["Talk", "Calls"], rows), out);
}

pub(super) fn codes(figures: &Figures, out: &mut String) {
    let codes = &figures.codes;
    if codes.codes.is_empty() {
        return;
    }
    let rows = codes.codes.iter().map(|(code, calls)| vec![codes.named(code), count(*calls)]);
    let lead =
        format!("Answered calls without a code: {} ({}).", count(codes.answered_without), percent(codes.share_without));
    section("Codes", &lead, &table(&["Code", "Calls"], rows), out);
}

pub(super) fn ratings(report: &Report<'_>, out: &mut String) {
    if report.figures.ratings.is_empty() {
        return;
    }
    let rows = report.figures.ratings.iter().map(|rating| {
        vec![or_nothing(&rating.by), count(rating.ratings), format!("{:.2}", rating.mean), percent(rating.good)]
    });
    let good = format!("{} or better", report.thresholds.good_score);
    section("Ratings", "", &table(&["Survey", "Ratings", "Mean", &good], rows), out);
}
