//! The report as one HTML file: no script, no network, nothing beside it. Each chart has its numbers as a table; texts of strangers stay texts.

use super::format::NOTHING;
use super::glance::{Figure, Line, by_whom, dimension, lines, quality, recovery, title};
use super::svg::{self, Bar, escape};
use super::{Report, cells};
use crate::language::{Language, fill, fill_all};
use crate::report::figures::{Figures, Slice, WEEKDAYS};
use jiff::civil::Date;
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
    let language = report.language;
    let heading = escape(&fill(language.report().title, title(report.window, language)));
    let (code, direction) = (language.code(), language.direction());
    let mut out = String::with_capacity(64 * 1024);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{code}\" dir=\"{direction}\">\n<head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>{heading}</title><style>{STYLE}</style></head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        body(report)
    );
    out
}

/// What stands in the page: a heading, the sections, and by whom it was made.
#[must_use]
pub(crate) fn body(report: &Report<'_>) -> String {
    let language = report.language;
    let words = language.report();
    let mut out = String::with_capacity(64 * 1024);
    let _ = write!(out, "<header><h1>{}</h1>", escape(&title(report.window, language)));
    let zone = report.zone.iana_name().map_or_else(|| words.local_time.to_owned(), |zone| language.named(zone));
    let mut about = vec![escape(&fill(words.about, zone))];
    about.extend(report.chosen.iter().map(|(what, chosen)| {
        let name = format!("<b>{}</b>", name(chosen));
        fill_all(&escape(words.only), &[&escape(dimension(what, language)), &name])
    }));
    if let Some((before, _)) = report.before {
        about.push(escape(&fill(words.compared, title(before, language))));
    }
    let _ = write!(out, "<p class=\"soft\">{}</p></header>\n<div class=\"sections\">\n", about.join(" · "));
    data_quality(report, &mut out);
    if report.figures.quality.calls > 0 || report.slices.is_some() {
        sections(report, &mut out);
    }
    formulas(language, &mut out);
    let made = language.stamp(report.made_ms, report.zone, false);
    let made = fill_all(words.made_by, &[&env!("CARGO_PKG_VERSION"), &made]);
    let _ = write!(out, "</div>\n<footer>{}</footer>\n", escape(&made));
    out
}

fn sections(report: &Report<'_>, out: &mut String) {
    if let Some((by, slices)) = report.slices {
        return sliced(report, by, slices, out);
    }
    let figures = report.figures;
    glance(report, out);
    if !figures.sites.is_empty() {
        sliced(report, "site", &figures.sites, out);
    }
    missed(report, out);
    over_the_day(report, out);
    heat(report, out);
    if figures.days.len() > 1 {
        days(report, out);
    }
    tables::queues(report, out);
    tables::agents(report, out);
    tables::reasons(report, out);
    tables::ivr(report, out);
    tables::repeat(report, out);
    tables::operators(report, out);
    tables::lines_of_trunks(report, out);
    tables::dids(report, out);
    tables::lengths(report, out);
    tables::codes(report, out);
    tables::ratings(report, out);
}

/// A stranger's text as a cell: made safe, in its own direction.
fn name(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { format!("<bdi>{}</bdi>", escape(&super::format::safe(text))) }
}

/// What a word of the database means, and the word.
fn meant(meaning: &str, word: &str) -> String {
    format!(
        "{} <code class=\"word\" lang=\"en\" dir=\"ltr\">{}</code>",
        escape(meaning),
        escape(&super::format::safe(word))
    )
}

/// Texts of ours as cells.
fn own(texts: Vec<String>) -> impl Iterator<Item = String> {
    texts.into_iter().map(|text| escape(&text))
}

/// The lead is a text of ours, the body HTML.
fn section(title: &str, lead: &str, body: &str, out: &mut String) {
    let lead = if lead.is_empty() { String::new() } else { format!("<p class=\"soft\">{}</p>", escape(lead)) };
    let _ = writeln!(out, "<section><h2>{}</h2>{lead}{body}</section>", escape(title));
}

/// A table with each row's PBX in front, where several are in the window and each has its own. The cells are HTML.
fn table_of_pbxs<'f>(
    report: &Report<'_>,
    header: &[&str],
    rows: impl Iterator<Item = (Option<&'f str>, Vec<String>)>,
) -> String {
    let language = report.language;
    let mut rows = rows.peekable();
    if report.figures.pbxs.len() < 2 || rows.peek().is_none_or(|(pbx, _)| pbx.is_none()) {
        return table(language, header, rows.map(|(_, row)| row));
    }
    let header: Vec<&str> = std::iter::once(language.report().h_pbx).chain(header.iter().copied()).collect();
    let row =
        |(pbx, row): (Option<&str>, Vec<String>)| std::iter::once(name(pbx.unwrap_or_default())).chain(row).collect();
    any_table(language, " class=\"named\"", &header, rows.map(row))
}

/// The cells are HTML.
fn table(language: Language, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    any_table(language, "", header, rows)
}

/// `class`: as it stands in the tag.
fn any_table(language: Language, class: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table{class}><thead><tr>",
        escape(language.report().a_table)
    );
    for name in header {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(name));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

fn in_numbers(language: Language, table: &str) -> String {
    format!("<details><summary>{}</summary>{table}</details>", escape(language.report().in_numbers))
}

fn scroll(language: Language, chart: &str) -> String {
    let label = escape(language.report().a_chart);
    format!("<div class=\"wide scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\">{chart}</div>")
}

fn key_of(entries: &[(&str, &str)]) -> String {
    let entry = |(class, name): &(&str, &str)| format!("<li><i class=\"{class}\"></i>{}</li>", escape(name));
    format!("<ul class=\"key\">{}</ul>", entries.iter().map(entry).collect::<String>())
}

fn data_quality(report: &Report<'_>, out: &mut String) {
    let quality_of = &report.figures.quality;
    let doubt = quality_of.full < quality_of.calls
        || quality_of.unknown > 0
        || !quality_of.gaps.is_empty()
        || !quality_of.behind.is_empty();
    let class = if doubt { "quality doubt" } else { "quality" };
    let sentences: String =
        quality(report, report.language).iter().map(|sentence| format!("<p>{}</p>", escape(sentence))).collect();
    let title = escape(report.language.report().quality);
    let _ = writeln!(out, "<section class=\"{class}\"><h2>{title}</h2>{sentences}</section>");
}

fn change(language: Language, line: &Line) -> String {
    let words = language.report();
    let (class, word) = match line.good {
        Some(true) => ("better", words.better),
        Some(false) => ("worse", words.worse),
        None => ("soft", ""),
    };
    if line.change.is_empty() {
        return String::new();
    }
    let text = format!("{} {word}", line.change);
    format!("<span class=\"{class}\">{}</span>", escape(text.trim_end()))
}

fn glance(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    let lines = lines(report, language);
    out.push_str("<div class=\"tiles\">");
    for (figure, shown) in [
        (Figure::Calls, words.g_calls),
        (Figure::Missed, words.t_missed),
        (Figure::ShareWonBackInTime, words.t_won),
        (Figure::LevelOffered, words.t_level),
        (Figure::MeanWait, words.g_wait),
    ] {
        if let Some(line) = lines.iter().find(|line| line.figure == figure) {
            let _ = write!(
                out,
                "<div class=\"tile\"><span>{}</span><b>{}</b><span class=\"change\">{}</span></div>",
                escape(shown),
                escape(&line.now),
                change(language, line)
            );
        }
    }
    out.push_str("</div>\n");
    let rows = lines.iter().map(|line| {
        let name = escape(&line.name);
        let name = if line.below { format!("<span class=\"below\">{name}</span>") } else { name };
        vec![name, escape(&line.now), escape(&line.before), change(language, line)]
    });
    let body = table(language, &["", words.now, words.before, words.change], rows);
    section(words.at_a_glance, "", &body, out);
}

fn missed(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    let missed = &report.figures.missed;
    if missed.calls == 0 {
        return section(words.missed_won, words.nobody_missed, "", out);
    }
    let count = |n: u64| language.count(n);
    let target = language.span(report.thresholds.callback_target_ms);
    let of = |by: &str, when: Option<&str>| -> u64 {
        missed
            .fates
            .iter()
            .filter(|fate| fate.by == by && when.is_none_or(|when| fate.when == when))
            .map(|fate| fate.calls)
            .sum()
    };
    let kinds = [("callback", "us"), ("customer", "customer"), ("agent", "agent"), ("nobody", "nobody")];
    let parts: Vec<(&str, &str, u64)> =
        kinds.iter().map(|(by, class)| (by_whom(by, language), *class, of(by, None))).collect();
    let (share, in_time) = (language.percent(missed.share), language.percent(missed.share_in_time));
    let lead = fill_all(
        words.missed_lead,
        &[&count(missed.calls), &count(missed.won_back), &share, &count(missed.in_time), &target, &in_time],
    );
    let entries: Vec<(&str, String)> =
        parts.iter().map(|(label, class, n)| (*class, format!("{label}: {}", count(*n)))).collect();
    let entries: Vec<(&str, &str)> = entries.iter().map(|(class, text)| (*class, text.as_str())).collect();
    let shown = |n: u64| if n == 0 { NOTHING.to_owned() } else { count(n) };
    let rows = kinds.iter().map(|(by, _)| {
        let mut row = vec![escape(by_whom(by, language))];
        row.extend(["in_time", "later", "never"].map(|when| shown(of(by, Some(when)))));
        row
    });
    let mut body = svg::parts(language, words.missed_parts, &parts) + &key_of(&entries);
    body += &table(language, &[words.h_won_back_by, &fill(words.within, &target), words.later, words.never], rows);
    if missed.recovery.calls > 0 {
        let _ = write!(body, "<p>{}</p>", escape(&recovery(report, language)));
    }
    if !missed.open.is_empty() {
        let _ = write!(body, "<h3>{}</h3>", escape(words.others_stand));
        let rows = missed.open.iter().map(|(state, n)| {
            let standing = language.standing(state);
            let has_none = state == crate::report::figures::missed::NO_CALLBACK;
            vec![if has_none { escape(standing) } else { meant(standing, state) }, count(*n)]
        });
        body += &table(language, &[words.h_state, words.h_calls], rows);
    }
    if !missed.attempts.is_empty() {
        let _ = write!(body, "<h3>{}</h3>", escape(words.callback_attempts));
        let rows = missed.attempts.iter().map(|(result, n)| {
            vec![language.attempt(result).map_or_else(|| name(result), |meaning| meant(meaning, result)), count(*n)]
        });
        body += &table(language, &[words.h_result, words.h_attempts], rows);
    }
    section(words.missed_won, &lead, &body, out);
}

fn over_the_day(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
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
    let rows = hours.iter().map(|hour| own(cells::hour(language, hour)).collect());
    let header = [
        words.h_hour,
        words.h_calls,
        words.h_answered,
        words.h_missed,
        words.h_gave_up,
        words.h_of_offered,
        words.h_of_answered,
        words.h_with_gave_up,
    ];
    let body = format!(
        "{}{}<h3>{}</h3>{}{}{}",
        scroll(language, &svg::level(language, words.chart_level, &labels, &shares, target)),
        key_of(&[("customer", words.target_reached), ("bad", words.below_target)]),
        escape(words.calls_by_hour),
        scroll(language, &svg::bars(language, words.chart_hours, &bars)),
        key_of(&[("good", words.key_answered), ("bad", words.g_missed)]),
        in_numbers(language, &table(language, &header, rows))
    );
    let level = language.span(report.thresholds.service_level_ms);
    let lead = fill_all(words.day_lead, &[&level, &report.thresholds.service_level_target]);
    section(words.over_the_day, &lead, &body, out);
}

fn heat(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let (words, figures) = (language.report(), report.figures);
    let rows: Vec<(&str, [u64; 24])> = (0..7)
        .map(|day| language.weekday(day))
        .zip(figures.heat)
        .filter(|(_, hours)| hours.iter().sum::<u64>() > 0)
        .collect();
    if rows.is_empty() {
        return;
    }
    // The cells have their numbers, but a screen reader wants a table.
    let used: Vec<usize> = (0..24).filter(|hour| rows.iter().any(|(_, hours)| hours[*hour] > 0)).collect();
    let names: Vec<String> = used.iter().map(|hour| format!("{hour:02}")).collect();
    let header: Vec<&str> = std::iter::once(words.h_day).chain(names.iter().map(String::as_str)).collect();
    let cells = rows.iter().map(|(day, hours)| {
        std::iter::once(escape(day)).chain(used.iter().map(|hour| language.count(hours[*hour]))).collect()
    });
    let body = scroll(language, &svg::heat(language, words.chart_heat, &rows))
        + &in_numbers(language, &table(language, &header, cells));
    section(words.load, &load(language, figures), &body, out);
}

/// The busiest hour, and customers against agents, in sentences.
fn load(language: Language, figures: &Figures) -> String {
    let (words, load) = (language.report(), &figures.load);
    let mut sentences = Vec::new();
    if let Some((day, hour, calls)) = load.busiest_hour {
        let calls = language.counted(words.n_calls, calls, &[]);
        let time = format!("{hour:02}:00");
        let at_once = language.count(load.most_at_once);
        sentences.push(fill_all(words.busiest, &[&weekday(language, day), &time, &calls, &at_once]));
    }
    if let (Some(customers), Some(agents), Some(share)) = (load.mean_customers, load.mean_agents, load.share_short) {
        let [customers, agents] = [customers, agents].map(|n| language.decimal(n, 1));
        sentences.push(fill_all(words.on_average, &[&customers, &agents, &language.percent(Some(share))]));
    }
    sentences.join(" ")
}

/// `Mon`, as the figures have it, in the language.
fn weekday(language: Language, day: &str) -> &'static str {
    language.weekday(WEEKDAYS.iter().position(|known| *known == day).unwrap_or_default())
}

fn days(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let (words, days) = (language.report(), &report.figures.days);
    let shown = |day: &str, show: fn(Language, Date) -> String| {
        day.parse().map_or_else(|_| day.to_owned(), |day| show(language, day))
    };
    let bars: Vec<Bar> = days
        .iter()
        .map(|day| Bar {
            label: shown(&day.key, Language::short_day),
            good: day.totals.answered,
            bad: day.totals.missed,
        })
        .collect();
    let rows = days.iter().map(|day| {
        let [calls, answered, missed, won_back, _, level, wait] = cells::slice(language, day);
        own(vec![shown(&day.key, Language::day_of_week), calls, answered, missed, won_back, level, wait]).collect()
    });
    let header =
        [words.h_day, words.h_calls, words.h_answered, words.h_missed, words.h_won_back, words.h_level, words.h_wait];
    let body = scroll(language, &svg::bars(language, words.chart_days, &bars))
        + &key_of(&[("good", words.key_answered), ("bad", words.g_missed)])
        + &in_numbers(language, &table(language, &header, rows));
    section(words.day_by_day, "", &body, out);
}

fn sliced(report: &Report<'_>, by: &str, slices: &[Slice], out: &mut String) {
    let language = report.language;
    let words = language.report();
    let rows = slices.iter().map(|slice| {
        let key = match (by, slice.key.parse::<Date>()) {
            ("day", Ok(day)) => escape(&language.day_of_week(day)),
            ("weekday", _) if !slice.key.is_empty() => escape(weekday(language, &slice.key)),
            _ => name(&slice.key),
        };
        (slice.pbx.as_deref(), std::iter::once(key).chain(own(cells::slice(language, slice).into())).collect())
    });
    let what = dimension(by, language);
    let mut letters = what.chars();
    let head: String = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    let header = [
        &head,
        words.h_calls,
        words.h_answered,
        words.h_missed,
        words.h_won_back,
        words.h_gave_up,
        words.h_level,
        words.h_wait,
    ];
    section(&fill(words.by, what), "", &table_of_pbxs(report, &header, rows), out);
}

fn formulas(language: Language, out: &mut String) {
    let entries: String = language
        .formulas()
        .map(|of| format!("<dt>{}</dt><dd>{}</dd>", meant(of.name, of.key), escape(of.text)))
        .collect();
    let summary = escape(language.report().worked_out);
    let _ = writeln!(out, "<section><details><summary>{summary}</summary><dl>{entries}</dl></details></section>");
}
