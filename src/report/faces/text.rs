//! The report for a terminal of 80 columns.

use super::format::{NOTHING, clip, clock, count, hours, maybe_clock, percent, safe, span};
use super::glance::{by_whom, lines, or_nothing, quality, recovery, title};
use super::terminal::{broken, heading, sparkline, table};
use super::{Report, cells};
use crate::language::Language;
use crate::report::figures::{Figures, Slice, WEEKDAYS};
use std::fmt::Write as _;

/// A terminal of every kind shows it: English.
const EN: Language = Language::En;

/// Shades of the heat map, from little to much.
const SHADES: [&str; 5] = ["· ", "░░", "▒▒", "▓▓", "██"];

/// Rows of a list that may be long.
const ROWS: usize = 15;

/// All of it; sentences are broken where a terminal ends.
#[must_use]
pub(crate) fn text(report: &Report<'_>) -> String {
    whole(report).replace('\u{a0}', " ").lines().map(|line| broken(line) + "\n").collect()
}

fn whole(report: &Report<'_>) -> String {
    let mut out = String::new();
    let zone = report.zone.iana_name().unwrap_or("local time");
    // Writing to a String cannot fail.
    let _ = writeln!(out, "callbackd report: {} ({zone})", title(report.window, EN));
    if !report.chosen.is_empty() {
        let chosen: Vec<String> = report.chosen.iter().map(|(what, name)| format!("{what} {}", safe(name))).collect();
        let _ = writeln!(out, "Only: {}", chosen.join(", "));
    }
    for sentence in quality(report, EN) {
        let _ = writeln!(out, "{sentence}");
    }
    if let Some((by, slices)) = report.slices {
        sliced(report.figures, by, slices, &mut out);
        return out;
    }
    if report.figures.quality.calls == 0 {
        return out;
    }
    glance(report, &mut out);
    let figures = report.figures;
    if !figures.sites.is_empty() {
        sliced(figures, "site", &figures.sites, &mut out);
    }
    missed(report, &mut out);
    over_the_day(report, &mut out);
    heat(figures, &mut out);
    queues(figures, &mut out);
    agents(figures, &mut out);
    reasons(figures, &mut out);
    ivr(figures, &mut out);
    repeat(report, &mut out);
    operators(report, &mut out);
    lines_of_trunks(figures, &mut out);
    dids(figures, &mut out);
    lengths(report, &mut out);
    codes_and_ratings(report, &mut out);
    out.push_str("\nFormulas: callbackd report --json, or the manager's manual. – : nothing to say, not 0.\n");
    out
}

fn glance(report: &Report<'_>, out: &mut String) {
    heading("At a glance", out);
    if let Some((window, _)) = report.before {
        let _ = writeln!(out, "Before: {}", title(window, EN));
    }
    let rows = lines(report, EN).into_iter().map(|line| {
        let name = if line.below { format!("  {}", line.name) } else { line.name };
        let mark = match line.good {
            Some(true) => " better",
            Some(false) => " worse",
            None => "",
        };
        vec![name, line.now, line.before, format!("{}{mark}", line.change)]
    });
    table(&["", "now", "before", "change"], rows, out);
}

fn missed(report: &Report<'_>, out: &mut String) {
    let missed = &report.figures.missed;
    heading("Missed, and won back", out);
    if missed.calls == 0 {
        let _ = writeln!(out, "Nobody was missed.");
        return;
    }
    let target = span(report.thresholds.callback_target_ms);
    let _ = writeln!(
        out,
        "{} missed, {} won back ({}); within {target}: {} ({})",
        count(missed.calls),
        count(missed.won_back),
        percent(missed.share),
        count(missed.in_time),
        percent(missed.share_in_time)
    );
    let of = |by: &str, when: &str| {
        let found = missed.fates.iter().find(|fate| fate.by == by && fate.when == when);
        found.map_or_else(|| NOTHING.to_owned(), |fate| count(fate.calls))
    };
    let rows = ["callback", "customer", "agent", "nobody"]
        .map(|by| vec![by_whom(by, EN).to_owned(), of(by, "in_time"), of(by, "later"), of(by, "never")]);
    table(&["", &format!("within {target}"), "later", "never"], rows, out);
    if missed.recovery.calls > 0 {
        let _ = writeln!(out, "{}", recovery(report, EN));
    }
    // Several states are one to whoever reads it.
    let mut open = Vec::new();
    for (state, calls) in &missed.open {
        let standing = EN.standing(state);
        match open.iter_mut().find(|(before, _)| *before == standing) {
            Some((_, sum)) => *sum += calls,
            None => open.push((standing, *calls)),
        }
    }
    for (standing, calls) in open {
        let _ = writeln!(out, "Nobody: {} {standing}", count(calls));
    }
    if !missed.attempts.is_empty() {
        let attempts: Vec<String> = missed.attempts.iter().map(|(result, n)| format!("{result} {n}")).collect();
        let _ = writeln!(out, "Attempts of callbacks: {}", attempts.join(", "));
    }
}

#[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
fn over_the_day(report: &Report<'_>, out: &mut String) {
    let hours = &report.figures.hours;
    if hours.is_empty() {
        return;
    }
    heading(
        &format!(
            "Service level over the day ({} per cent within {})",
            report.thresholds.service_level_target,
            span(report.thresholds.service_level_ms)
        ),
        out,
    );
    let most = hours.iter().map(|hour| hour.totals.inbound).max().unwrap_or_default() as f64;
    let (first, last) = (hours[0].hour, hours[hours.len() - 1].hour);
    let _ = writeln!(
        out,
        "calls   {first:02} {} {last:02}",
        sparkline(hours.iter().map(|hour| Some(hour.totals.inbound as f64)), most)
    );
    let _ = writeln!(
        out,
        "level   {first:02} {} {last:02}",
        sparkline(hours.iter().map(|hour| hour.totals.service_level_offered), 1.0)
    );
    let rows = hours.iter().map(|hour| cells::hour(EN, hour));
    table(&["Hour", "calls", "answered", "missed", "gave up", "of offered", "of answered", "with gave up"], rows, out);
}

fn heat(figures: &Figures, out: &mut String) {
    let most = figures.heat.iter().flatten().copied().max().unwrap_or_default();
    if most == 0 {
        return;
    }
    heading("Load: calls of customers by weekday and hour", out);
    let _ = writeln!(out, "    {}", (0..24).map(|hour| format!("{hour:02}")).collect::<Vec<_>>().join(" "));
    for (day, hours) in WEEKDAYS.iter().zip(&figures.heat) {
        let shade = |calls: &u64| match calls {
            0 => "  ",
            calls => SHADES[usize::try_from((calls * 4).div_ceil(most)).unwrap_or(4).min(4)],
        };
        let sum: u64 = hours.iter().sum();
        if sum > 0 {
            let row = hours.iter().map(shade).collect::<Vec<_>>().join(" ");
            let _ = writeln!(out, "{day} {row} {}", count(sum));
        }
    }
    let load = &figures.load;
    if let Some((day, hour, calls)) = load.busiest_hour {
        let _ = writeln!(
            out,
            "Busiest: {day} {hour:02}:00 with {} calls; most at once, of all directions: {}",
            count(calls),
            count(load.most_at_once)
        );
    }
    if let (Some(customers), Some(agents), Some(share)) = (load.mean_customers, load.mean_agents, load.share_short) {
        let _ = writeln!(
            out,
            "On average {customers:.1} customers on the line, {agents:.1} agents available; more customers than agents {} of the time",
            percent(Some(share))
        );
    }
}

/// The rows as they are, each with its name in front, cut to a width; where several PBXs are in the window, below the name of their own.
fn of_pbxs<'f>(
    figures: &Figures,
    width: usize,
    rows: impl Iterator<Item = (&'f str, String, Vec<String>)>,
) -> Vec<Vec<String>> {
    let several = figures.pbxs.len() > 1;
    let (mut out, mut last) = (Vec::new(), None);
    for (pbx, name, cells) in rows {
        if several && last != Some(pbx) {
            let name = if pbx.is_empty() { "(no calls)".to_owned() } else { format!("{}:", safe(pbx)) };
            out.push(vec![clip(&name, width)]);
            last = Some(pbx);
        }
        let name = if several { format!("  {}", clip(&name, width - 2)) } else { clip(&name, width) };
        out.push(std::iter::once(name).chain(cells).collect());
    }
    out
}

fn queues(figures: &Figures, out: &mut String) {
    if figures.queues.is_empty() {
        return;
    }
    heading("Queues", out);
    let rows = figures.queues.iter().map(|queue| (&*queue.pbx, safe(&queue.queue), cells::queue(EN, queue)));
    let rows = of_pbxs(figures, 18, rows);
    table(&["Queue", "visits", "connected", "gave up", "other", "mean", "longest", "level"], rows, out);
}

fn agents(figures: &Figures, out: &mut String) {
    if figures.agents.is_empty() {
        return;
    }
    heading("Agents", out);
    let rows = figures.agents.iter().map(|agent| {
        let name = if agent.name.is_empty() { &agent.agent } else { &agent.name };
        let cells = vec![
            count(agent.answered),
            count(agent.missed_rings),
            count(agent.outbound),
            count(agent.callbacks),
            maybe_clock(agent.mean_talk_ms),
            clock(agent.hold_ms),
            hours(agent.logged_in_ms),
            percent(agent.occupancy),
        ];
        (&*agent.pbx, safe(name), cells)
    });
    let rows = of_pbxs(figures, 16, rows);
    table(&["Agent", "took", "missed", "made", "cb", "mean talk", "hold", "logged in", "occup."], rows, out);
    let handling = &figures.handling;
    let _ = writeln!(
        out,
        "Handling of an answered call: {} (talk, hold and after-call work)",
        maybe_clock(handling.mean_ms)
    );
}

fn reasons(figures: &Figures, out: &mut String) {
    if figures.reasons.is_empty() {
        return;
    }
    heading("Why", out);
    let rows = figures.reasons.iter().map(|reason| {
        let missed = if reason.missed { "missed" } else { "" };
        vec![
            format!("{} {}", reason.status, reason.outcome),
            count(reason.calls),
            percent(reason.share),
            missed.to_owned(),
        ]
    });
    table(&["Status and outcome", "calls", "share", ""], rows, out);
}

fn ivr(figures: &Figures, out: &mut String) {
    if figures.ivr.is_empty() {
        return;
    }
    heading("Menus", out);
    let rows = figures.ivr.iter().take(ROWS).map(|choice| {
        let name = format!("{} {}", clip(&safe(&choice.context), 24), key(&choice.digits));
        (&*choice.pbx, name, vec![count(choice.steps), count(choice.lost)])
    });
    let rows = of_pbxs(figures, 40, rows);
    table(&["Menu and key", "chosen", "left there"], rows, out);
    more(figures.ivr.len(), out);
}

/// A key of a menu in words.
fn key(digits: &str) -> String {
    match digits {
        "" => "(nothing)".to_owned(),
        "t" => "(time-out)".to_owned(),
        "i" => "(invalid)".to_owned(),
        digits => safe(digits),
    }
}

fn more(all: usize, out: &mut String) {
    if all > ROWS {
        let _ = writeln!(out, "and {} more: --json", all - ROWS);
    }
}

fn repeat(report: &Report<'_>, out: &mut String) {
    let repeat = &report.figures.repeat;
    if repeat.customers == 0 {
        return;
    }
    heading("Customers who called again", out);
    let window = span(report.thresholds.fcr_window_ms);
    let _ = writeln!(
        out,
        "First-call resolution ({window}): {} of {} final calls; {} are younger than that",
        percent(repeat.first_call_resolution),
        count(repeat.final_calls),
        count(repeat.not_final)
    );
    let [once, twice, thrice, often] = repeat.tries;
    let _ = writeln!(
        out,
        "{} customers: answered at the first call {} ({}), second {twice}, third {thrice}, later {often}, not at all {}",
        count(repeat.customers),
        count(once),
        percent(repeat.share_first_try),
        count(repeat.never)
    );
    for (number, calls, answered) in &repeat.most {
        let _ = writeln!(out, "  {} called {calls} times, answered {answered}", safe(number));
    }
}

fn operators(report: &Report<'_>, out: &mut String) {
    let operators = &report.figures.operators;
    if operators.is_empty() {
        return;
    }
    heading("Operators needed (Erlang C), and present", out);
    let rows = operators.iter().map(|hour| cells::operators(EN, hour));
    table(&["Hour", "calls an hour", "needed", "present", ""], rows, out);
}

fn lines_of_trunks(figures: &Figures, out: &mut String) {
    if figures.lines.is_empty() {
        return;
    }
    heading("Lines", out);
    let rows = figures.lines.iter().map(|line| {
        let cells = vec![
            count(line.calls),
            count(line.most_at_once),
            line.lines.map_or_else(|| NOTHING.to_owned(), |n| n.to_string()),
            percent(line.share_at_limit),
        ];
        (&*line.pbx, safe(&line.trunk), cells)
    });
    let rows = of_pbxs(figures, 28, rows);
    table(&["Trunk", "calls", "most at once", "lines", "all in use"], rows, out);
}

fn dids(figures: &Figures, out: &mut String) {
    if figures.dids.is_empty() {
        return;
    }
    heading("Our numbers", out);
    let rows = figures.dids.iter().take(ROWS).map(|did| {
        let name = if did.label.is_empty() {
            or_nothing(&did.did)
        } else {
            format!("{} {}", or_nothing(&did.did), safe(&did.label))
        };
        let t = &did.totals;
        vec![
            clip(&name, 30),
            count(t.inbound),
            count(t.answered),
            count(t.missed),
            percent(t.missed_rate),
            count(did.transfers),
        ]
    });
    table(&["DID", "calls", "answered", "missed", "share", "transfers"], rows, out);
    more(figures.dids.len(), out);
}

#[allow(clippy::cast_precision_loss, reason = "no count of calls comes near 2^53")]
fn lengths(report: &Report<'_>, out: &mut String) {
    let lengths = &report.figures.lengths;
    if lengths.spread.calls == 0 {
        return;
    }
    heading("Conversations", out);
    let most = lengths.bands.iter().map(|(_, calls)| *calls).max().unwrap_or_default() as f64;
    let bars = sparkline(lengths.bands.iter().map(|(_, calls)| Some(*calls as f64)), most);
    let _ = writeln!(
        out,
        "0 s {bars} 20 min and longer; shorter than {}: {}, longer than {}: {}",
        span(report.thresholds.too_short_ms),
        count(lengths.too_short),
        span(report.thresholds.too_long_ms),
        count(lengths.too_long)
    );
}

fn codes_and_ratings(report: &Report<'_>, out: &mut String) {
    let figures = report.figures;
    if !figures.codes.codes.is_empty() {
        heading("Codes", out);
        let codes = &figures.codes;
        let row = |(code, calls): &(String, u64)| vec![clip(&safe(&codes.named(code)), 60), count(*calls)];
        table(&["Code", "calls"], codes.codes.iter().take(ROWS).map(row), out);
        more(figures.codes.codes.len(), out);
        let _ = writeln!(
            out,
            "Answered calls without a code: {} ({})",
            count(figures.codes.answered_without),
            percent(figures.codes.share_without)
        );
    }
    if !figures.ratings.is_empty() {
        heading("Ratings", out);
        let rows = figures.ratings.iter().map(|rating| {
            vec![or_nothing(&rating.by), count(rating.ratings), format!("{:.2}", rating.mean), percent(rating.good)]
        });
        table(&["Survey", "ratings", "mean", &format!("{} or better", report.thresholds.good_score)], rows, out);
    }
}

fn sliced(figures: &Figures, by: &str, slices: &[Slice], out: &mut String) {
    heading(&format!("By {by}"), out);
    let of_a_pbx = slices.iter().all(|slice| slice.pbx.is_some());
    let rows: Vec<Vec<String>> = if of_a_pbx {
        let rows = slices.iter().map(|slice| {
            (slice.pbx.as_deref().unwrap_or_default(), or_nothing(&slice.key), cells::slice(EN, slice).into())
        });
        of_pbxs(figures, 22, rows)
    } else {
        let row =
            |slice: &Slice| std::iter::once(clip(&or_nothing(&slice.key), 22)).chain(cells::slice(EN, slice)).collect();
        slices.iter().map(row).collect()
    };
    table(&[by, "calls", "answered", "missed", "won back", "gave up", "level", "wait"], rows, out);
}
