//! The report as one HTML file: no script, no network, nothing beside it. Each chart has its numbers as a table; texts of strangers stay texts.

use super::format::{NOTHING, count, local, maybe_clock, percent, span};
use super::glance::{Line, by_whom, lines, or_nothing, quality, standing};
use super::svg::{self, Bar, escape};
use super::{Report, cells};
use crate::report::figures::{Figures, WEEKDAYS};
use crate::report::formulas::FORMULAS;
use std::fmt::Write as _;

mod tables;

/// How it looks: a page that has [`body`] in it needs it too.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Nothing but what stands in the file itself may be loaded or run, wherever it is opened.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The whole page.
#[must_use]
pub(crate) fn page(report: &Report<'_>) -> String {
    let title = escape(&format!("Call report, {}", report.title));
    let mut out = String::with_capacity(64 * 1024);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">\n<head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        body(report)
    );
    out
}

/// What stands in the page: a heading, the sections, and by whom it was made.
#[must_use]
pub(crate) fn body(report: &Report<'_>) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let _ = write!(out, "<header><h1>{}</h1>", escape(&report.title));
    let zone = report.zone.iana_name().unwrap_or("local time");
    let mut about = vec![format!("Call report, times in {}", escape(zone))];
    about.extend(report.chosen.iter().map(|(what, name)| format!("only {} <b>{}</b>", escape(what), escape(name))));
    if let Some((before, _)) = &report.before {
        about.push(format!("compared with {}", escape(before)));
    }
    let _ = write!(out, "<p class=\"soft\">{}</p></header>\n<div class=\"sections\">\n", about.join(" · "));
    data_quality(report, &mut out);
    if report.figures.quality.calls > 0 || report.slices.is_some() {
        sections(report, &mut out);
    }
    formulas(&mut out);
    let made = local(report.made_ms, report.zone, "%Y-%m-%d %H:%M");
    let _ = write!(out, "</div>\n<footer>Made by callbackd {} at {made}.</footer>\n", env!("CARGO_PKG_VERSION"));
    out
}

fn sections(report: &Report<'_>, out: &mut String) {
    let figures = report.figures;
    if let Some((by, slices)) = report.slices {
        let rows = slices.iter().map(|slice| {
            let row = std::iter::once(or_nothing(&slice.key)).chain(cells::slice(slice)).collect();
            (slice.pbx.as_deref(), row)
        });
        let header = [by, "Calls", "Answered", "Missed", "Won back", "Gave up", "Service level", "Mean wait"];
        section(&format!("By {by}"), "", &table_of_pbxs(figures, &header, rows), out);
        return;
    }
    glance(report, out);
    missed(report, out);
    over_the_day(report, out);
    heat(figures, out);
    if figures.days.len() > 1 {
        days(figures, out);
    }
    tables::queues(figures, out);
    tables::agents(figures, out);
    tables::reasons(figures, out);
    tables::ivr(figures, out);
    tables::repeat(report, out);
    tables::operators(report, out);
    tables::lines_of_trunks(figures, out);
    tables::dids(figures, out);
    tables::lengths(report, out);
    tables::codes(figures, out);
    tables::ratings(report, out);
}

/// The lead and the body are HTML.
fn section(title: &str, lead: &str, body: &str, out: &mut String) {
    let lead = if lead.is_empty() { String::new() } else { format!("<p class=\"soft\">{lead}</p>") };
    let _ = writeln!(out, "<section><h2>{}</h2>{lead}{body}</section>", escape(title));
}

/// The same with each row's PBX in front, where several are in the window and each has its own.
fn table_of_pbxs<'f>(
    figures: &Figures,
    header: &[&str],
    rows: impl Iterator<Item = (Option<&'f str>, Vec<String>)>,
) -> String {
    let mut rows = rows.peekable();
    if figures.pbxs.len() < 2 || rows.peek().is_none_or(|(pbx, _)| pbx.is_none()) {
        return table(header, rows.map(|(_, row)| row));
    }
    let header: Vec<&str> = std::iter::once("PBX").chain(header.iter().copied()).collect();
    let row = |(pbx, row): (Option<&str>, Vec<String>)| {
        std::iter::once(or_nothing(pbx.unwrap_or_default())).chain(row).collect()
    };
    any_table(" class=\"named\"", &header, rows.map(row))
}

/// The cells are texts.
fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    any_table("", header, rows)
}

/// `class`: as it stands in the tag.
fn any_table(class: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out =
        format!("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table{class}><thead><tr>");
    for name in header {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escape(&cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

fn in_numbers(table: &str) -> String {
    format!("<details><summary>In numbers</summary>{table}</details>")
}

fn scroll(chart: &str) -> String {
    format!("<div class=\"wide scroll\" tabindex=\"0\" role=\"group\" aria-label=\"chart\">{chart}</div>")
}

fn key_of(entries: &[(&str, &str)]) -> String {
    let entry = |(class, name): &(&str, &str)| format!("<li><i class=\"{class}\"></i>{}</li>", escape(name));
    format!("<ul class=\"key\">{}</ul>", entries.iter().map(entry).collect::<String>())
}

fn data_quality(report: &Report<'_>, out: &mut String) {
    let quality_of = &report.figures.quality;
    let doubt = quality_of.full < quality_of.calls || quality_of.unknown > 0 || !quality_of.gaps.is_empty();
    let class = if doubt { "quality doubt" } else { "quality" };
    let sentences: String = quality(report).iter().map(|sentence| format!("<p>{}</p>", escape(sentence))).collect();
    let _ = writeln!(out, "<section class=\"{class}\"><h2>Data quality</h2>{sentences}</section>");
}

fn change(line: &Line) -> String {
    let (class, word) = match line.good {
        Some(true) => ("better", " better"),
        Some(false) => ("worse", " worse"),
        None => ("soft", ""),
    };
    if line.change.is_empty() {
        String::new()
    } else {
        format!("<span class=\"{class}\">{}{word}</span>", escape(&line.change))
    }
}

fn glance(report: &Report<'_>, out: &mut String) {
    let lines = lines(report);
    let find = |name: &str| lines.iter().find(|line| line.name.starts_with(name));
    out.push_str("<div class=\"tiles\">");
    for (name, shown) in [
        ("Calls of customers", "Calls of customers"),
        ("missed", "Missed"),
        ("Won back within", "Won back in time, of those missed"),
        ("Service level", "Service level, of those offered"),
        ("Mean wait", "Mean wait of those answered"),
    ] {
        if let Some(line) = find(name) {
            let _ = write!(
                out,
                "<div class=\"tile\"><span>{}</span><b>{}</b><span class=\"change\">{}</span></div>",
                escape(shown),
                escape(&line.now),
                change(line)
            );
        }
    }
    out.push_str("</div>\n");
    let mut body = String::from(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table><thead><tr><th scope=\"col\"></th><th scope=\"col\">Now</th><th scope=\"col\">Before</th><th scope=\"col\">Change</th></tr></thead><tbody>",
    );
    for line in &lines {
        let class = if line.below { " class=\"below\"" } else { "" };
        let _ = write!(
            body,
            "<tr><td{class}>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&line.name),
            escape(&line.now),
            escape(&line.before),
            change(line)
        );
    }
    body.push_str("</tbody></table></div>");
    section("At a glance", "", &body, out);
}

fn missed(report: &Report<'_>, out: &mut String) {
    let missed = &report.figures.missed;
    if missed.calls == 0 {
        return section("Missed, and won back", "Nobody was missed.", "", out);
    }
    let target = span(report.thresholds.callback_target_ms);
    let of = |by: &str, when: Option<&str>| -> u64 {
        missed
            .fates
            .iter()
            .filter(|fate| fate.by == by && when.is_none_or(|when| fate.when == when))
            .map(|fate| fate.calls)
            .sum()
    };
    let kinds = [("callback", "us"), ("customer", "customer"), ("agent", "agent"), ("nobody", "nobody")];
    let parts: Vec<(&str, &str, u64)> = kinds.iter().map(|(by, class)| (by_whom(by), *class, of(by, None))).collect();
    let lead = format!(
        "{} missed, {} won back ({}); {} within {} ({}).",
        count(missed.calls),
        count(missed.won_back),
        percent(missed.share),
        count(missed.in_time),
        escape(&target),
        percent(missed.share_in_time)
    );
    let entries: Vec<(String, String)> =
        parts.iter().map(|(label, class, n)| ((*class).to_owned(), format!("{label}: {}", count(*n)))).collect();
    let entries: Vec<(&str, &str)> = entries.iter().map(|(class, text)| (class.as_str(), text.as_str())).collect();
    let shown = |n: u64| if n == 0 { NOTHING.to_owned() } else { count(n) };
    let rows = kinds.iter().map(|(by, _)| {
        let mut row = vec![by_whom(by).to_owned()];
        row.extend(["in_time", "later", "never"].map(|when| shown(of(by, Some(when)))));
        row
    });
    let mut body = svg::parts("Missed calls by who won the caller back", &parts) + &key_of(&entries);
    body += &table(&["Won back", &format!("Within {target}"), "Later", "Never"], rows);
    if missed.recovery.calls > 0 {
        let seconds = |s: Option<i64>| maybe_clock(s.map(|s| s * 1_000));
        let (min, median, p90) = (missed.recovery.min_s, missed.recovery.median_s, missed.recovery.p90_s);
        let _ = write!(
            body,
            "<p>From the miss to being served: shortest {}, median {}, nine of ten {}.</p>",
            seconds(min),
            seconds(median),
            seconds(p90)
        );
    }
    if !missed.open.is_empty() {
        body += "<h3>Where the others stand</h3>";
        body += &table(&["State", "Calls"], missed.open.iter().map(|(state, n)| vec![standing(state), count(*n)]));
    }
    if !missed.attempts.is_empty() {
        body += "<h3>Attempts of callbacks</h3>";
        body +=
            &table(&["Result", "Attempts"], missed.attempts.iter().map(|(result, n)| vec![result.clone(), count(*n)]));
    }
    section("Missed, and won back", &lead, &body, out);
}

fn over_the_day(report: &Report<'_>, out: &mut String) {
    let hours = &report.figures.hours;
    if hours.is_empty() {
        return;
    }
    let target = f64::from(report.thresholds.service_level_target) / 100.0;
    let labels: Vec<String> = hours.iter().map(|hour| format!("{:02}", hour.hour)).collect();
    let shares: Vec<Option<f64>> = hours.iter().map(|hour| hour.totals.service_level_offered).collect();
    let bars: Vec<Bar> = hours
        .iter()
        .zip(&labels)
        .map(|(hour, label)| Bar { label: label.clone(), good: hour.totals.answered, bad: hour.totals.missed })
        .collect();
    let rows = hours.iter().map(cells::hour);
    let header =
        ["Hour", "Calls", "Answered", "Missed", "Gave up", "Of offered", "Of answered", "With those who gave up"];
    let body = format!(
        "{}{}<h3>Calls by the hour</h3>{}{}{}",
        scroll(&svg::level("Service level of offered calls by the hour", &labels, &shares, target)),
        key_of(&[("customer", "target reached"), ("bad", "below the target (square)")]),
        scroll(&svg::bars("Calls of customers by the hour", &bars)),
        key_of(&[("good", "answered"), ("bad", "missed")]),
        in_numbers(&table(&header, rows))
    );
    let lead = format!(
        "Share of offered calls answered within {}; dashed: the target of {} per cent.",
        escape(&span(report.thresholds.service_level_ms)),
        report.thresholds.service_level_target
    );
    section("Service level over the day", &lead, &body, out);
}

fn heat(figures: &Figures, out: &mut String) {
    let rows: Vec<(&str, [u64; 24])> =
        WEEKDAYS.iter().copied().zip(figures.heat).filter(|(_, hours)| hours.iter().sum::<u64>() > 0).collect();
    if rows.is_empty() {
        return;
    }
    let load = &figures.load;
    let mut lead = load.busiest_hour.map_or_else(String::new, |(day, hour, calls)| {
        format!(
            "Busiest: {day} {hour:02}:00 with {} calls. Most calls at once, of all directions: {}.",
            count(calls),
            count(load.most_at_once)
        )
    });
    if let (Some(customers), Some(agents), Some(share)) = (load.mean_customers, load.mean_agents, load.share_short) {
        let _ = write!(
            lead,
            " On average {customers:.1} customers were on the line and {agents:.1} agents available; there were more customers than agents {} of the time.",
            percent(Some(share))
        );
    }
    // The cells have their numbers, but a screen reader wants a table.
    let used: Vec<usize> = (0..24).filter(|hour| rows.iter().any(|(_, hours)| hours[*hour] > 0)).collect();
    let names: Vec<String> = used.iter().map(|hour| format!("{hour:02}")).collect();
    let header: Vec<&str> = std::iter::once("Day").chain(names.iter().map(String::as_str)).collect();
    let cells = rows.iter().map(|(day, hours)| {
        std::iter::once((*day).to_owned()).chain(used.iter().map(|hour| count(hours[*hour]))).collect()
    });
    let body =
        scroll(&svg::heat("Calls of customers by weekday and hour", &rows)) + &in_numbers(&table(&header, cells));
    section("Load by weekday and hour", &lead, &body, out);
}

fn days(figures: &Figures, out: &mut String) {
    let bars: Vec<Bar> = figures
        .days
        .iter()
        .map(|day| Bar {
            label: day.key.get(5..).unwrap_or_default().to_owned(),
            good: day.totals.answered,
            bad: day.totals.missed,
        })
        .collect();
    let rows = figures.days.iter().map(|day| {
        let t = &day.totals;
        vec![
            day.key.clone(),
            count(t.inbound),
            count(t.answered),
            count(t.missed),
            count(t.won_back),
            percent(t.service_level_offered),
            maybe_clock(t.wait.mean_ms),
        ]
    });
    let header = ["Day", "Calls", "Answered", "Missed", "Won back", "Service level", "Mean wait"];
    let body = scroll(&svg::bars("Calls of customers by day", &bars))
        + &key_of(&[("good", "answered"), ("bad", "missed")])
        + &in_numbers(&table(&header, rows));
    section("Day by day", "", &body, out);
}

fn formulas(out: &mut String) {
    let entries: String = FORMULAS
        .iter()
        .map(|(figure, formula)| format!("<dt>{}</dt><dd>{}</dd>", escape(figure), escape(formula)))
        .collect();
    let _ = writeln!(
        out,
        "<section><details><summary>How the figures are worked out</summary><dl>{entries}</dl></details></section>"
    );
}
