//! The sections that are tables alone.

use super::{escape, meant, name, own, section, table, table_of_pbxs};
use crate::language::{fill, fill_all};
use crate::report::faces::format::{NOTHING, clock, maybe_clock};
use crate::report::faces::{Report, cells};

pub(super) fn queues(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.queues.is_empty() {
        return;
    }
    let rows = report.figures.queues.iter().map(|queue| {
        let mut row = vec![name(&queue.queue)];
        row.extend(own(cells::queue(language, queue)));
        row.push(escape(&language.percent(queue.totals.abandonment_rate)));
        (Some(&*queue.pbx), row)
    });
    let header = [
        words.h_queue,
        words.h_visits,
        words.h_connected,
        words.h_gave_up,
        words.h_other_ends,
        words.h_visit,
        words.h_longest,
        words.h_level,
        words.h_abandonment,
    ];
    section(words.queues, "", &table_of_pbxs(report, &header, rows), out);
}

pub(super) fn agents(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.agents.is_empty() {
        return;
    }
    let rows = report.figures.agents.iter().map(|agent| {
        let who = if agent.name.is_empty() { agent.agent.clone() } else { format!("{} ({})", agent.name, agent.agent) };
        let attempts: u64 = agent.attempts.values().sum();
        let connected = agent.attempts.get("CONNECTED").copied().unwrap_or_default();
        let counts = [agent.answered, agent.missed_rings, agent.outbound, agent.callbacks].map(|n| language.count(n));
        let mut row = vec![name(&who)];
        row.extend(counts);
        row.extend(own(vec![
            format!("{connected}/{attempts}"),
            maybe_clock(agent.mean_talk_ms),
            clock(agent.hold_ms),
            maybe_clock(agent.mean_reaction_ms),
            language.hours(agent.logged_in_ms),
            language.hours(agent.paused_ms),
            language.hours(agent.acw_ms),
            language.percent(agent.occupancy),
        ]));
        (Some(&*agent.pbx), row)
    });
    let header = [
        words.h_agent,
        words.h_took,
        words.h_rings_missed,
        words.h_made,
        words.h_callbacks,
        words.h_attempts_connected,
        words.h_talk,
        words.h_hold,
        words.h_reaction,
        words.h_logged_in,
        words.h_paused,
        words.h_acw,
        words.h_occupancy,
    ];
    let lead = fill(words.agents_lead, maybe_clock(report.figures.handling.mean_ms));
    section(words.agents, &lead, &table_of_pbxs(report, &header, rows), out);
}

pub(super) fn reasons(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.reasons.is_empty() {
        return;
    }
    let rows = report.figures.reasons.iter().map(|reason| {
        let meaning = format!("{}: {}", language.status(reason.status), language.outcome(reason.outcome));
        vec![
            meant(&meaning, &format!("{} {}", reason.status, reason.outcome)),
            language.count(reason.calls),
            escape(&language.percent(reason.share)),
            escape(if reason.missed { words.counts_missed } else { "" }),
        ]
    });
    let header = [words.h_status, words.h_calls, words.h_share, words.h_counts_as];
    section(words.reasons, "", &table(language, &header, rows), out);
}

pub(super) fn ivr(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.ivr.is_empty() {
        return;
    }
    let rows = report.figures.ivr.iter().map(|choice| {
        let key = match choice.digits.as_str() {
            "" => escape(words.k_nothing),
            "t" => escape(words.k_time),
            "i" => escape(words.k_invalid),
            digits => name(digits),
        };
        let row = vec![name(&choice.context), key, language.count(choice.steps), language.count(choice.lost)];
        (Some(&*choice.pbx), row)
    });
    let header = [words.h_menu, words.h_key, words.h_chosen, words.h_left];
    section(words.menus, "", &table_of_pbxs(report, &header, rows), out);
}

pub(super) fn repeat(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    let repeat = &report.figures.repeat;
    if repeat.customers == 0 {
        return;
    }
    let [once, twice, thrice, often] = repeat.tries;
    let rows = [
        (words.at_first, once),
        (words.at_second, twice),
        (words.at_third, thrice),
        (words.at_later, often),
        (words.not_at_all, repeat.never),
    ];
    let rows = rows.map(|(when, n)| vec![escape(when), language.count(n)]);
    let lead = fill_all(
        words.again_lead,
        &[
            &language.span(report.thresholds.fcr_window_ms),
            &language.percent(repeat.first_call_resolution),
            &language.count(repeat.final_calls),
            &language.count(repeat.not_final),
            &language.percent(repeat.share_first_try),
            &language.count(repeat.customers),
        ],
    );
    let mut body = table(language, &[words.h_when, words.h_customers], rows);
    if !repeat.most.is_empty() {
        body += &format!("<h3>{}</h3>", escape(words.most_often));
        let rows = repeat
            .most
            .iter()
            .map(|(number, calls, answered)| vec![phone(number), language.count(*calls), language.count(*answered)]);
        body += &table(language, &[words.h_number, words.h_calls, words.h_answered], rows);
    }
    section(words.again, &lead, &body, out);
}

/// A telephone number, from left to right in every language.
fn phone(number: &str) -> String {
    name(number).replacen("<bdi>", "<bdi dir=\"ltr\">", 1)
}

pub(super) fn operators(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.operators.is_empty() {
        return;
    }
    let rows = report.figures.operators.iter().map(|hour| own(cells::operators(language, hour)).collect());
    let level = language.span(report.thresholds.service_level_ms);
    let lead = fill_all(words.operators_lead, &[&report.thresholds.service_level_target, &level]);
    let header = [words.h_hour, words.h_per_hour, words.h_needed, words.h_present, ""];
    section(words.operators, &lead, &table(language, &header, rows), out);
}

pub(super) fn lines_of_trunks(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.lines.is_empty() {
        return;
    }
    let rows = report.figures.lines.iter().map(|line| {
        let row = vec![
            name(&line.trunk),
            language.count(line.calls),
            language.count(line.most_at_once),
            line.lines.map_or_else(|| NOTHING.to_owned(), |n| n.to_string()),
            maybe_clock(line.at_limit_ms),
            escape(&language.percent(line.share_at_limit)),
        ];
        (Some(&*line.pbx), row)
    });
    let header = [words.h_trunk, words.h_calls, words.h_at_once, words.h_lines, words.h_all_in_use, words.h_share];
    section(words.lines, "", &table_of_pbxs(report, &header, rows), out);
}

pub(super) fn dids(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.dids.is_empty() {
        return;
    }
    let rows = report.figures.dids.iter().map(|did| {
        let number = phone(&did.did);
        let t = &did.totals;
        vec![
            if did.label.is_empty() { number } else { format!("{} ({number})", name(&did.label)) },
            language.count(t.inbound),
            language.count(t.answered),
            language.count(t.missed),
            escape(&language.percent(t.missed_rate)),
            did.mean_hops.map_or_else(|| NOTHING.to_owned(), |hops| language.decimal(hops, 1)),
            language.count(did.transfers),
        ]
    });
    let header = [
        words.h_number,
        words.h_calls,
        words.h_answered,
        words.h_missed,
        words.h_share,
        words.h_hops,
        words.h_transfers,
    ];
    section(words.numbers, "", &table(language, &header, rows), out);
}

pub(super) fn lengths(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    let lengths = &report.figures.lengths;
    if lengths.spread.calls == 0 {
        return;
    }
    let seconds = |s: i64| language.span(s * 1_000);
    let label = |n: usize| {
        let from = seconds(lengths.bands[n].0);
        match lengths.bands.get(n + 1) {
            Some((to, _)) => fill_all(words.range, &[&from, &seconds(*to)]),
            None => fill(words.and_longer, from),
        }
    };
    let rows = lengths.bands.iter().enumerate().map(|(n, (_, calls))| vec![escape(&label(n)), language.count(*calls)]);
    let (short, long) = (report.thresholds.too_short_ms, report.thresholds.too_long_ms);
    let [short, long] = [short, long].map(|ms| language.span(ms));
    let [too_short, too_long] = [lengths.too_short, lengths.too_long].map(|n| language.count(n));
    let lead = fill_all(words.lengths_lead, &[&short, &too_short, &long, &too_long]);
    section(words.lengths, &lead, &table(language, &[words.h_talk_time, words.h_calls], rows), out);
}

pub(super) fn codes(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    let codes = &report.figures.codes;
    if codes.codes.is_empty() {
        return;
    }
    let rows = codes.codes.iter().map(|(code, calls)| vec![name(&codes.named(code)), language.count(*calls)]);
    let without = language.count(codes.answered_without);
    let lead = fill_all(words.codes_lead, &[&without, &language.percent(codes.share_without)]);
    section(words.codes, &lead, &table(language, &[words.h_code, words.h_calls], rows), out);
}

pub(super) fn ratings(report: &Report<'_>, out: &mut String) {
    let language = report.language;
    let words = language.report();
    if report.figures.ratings.is_empty() {
        return;
    }
    let rows = report.figures.ratings.iter().map(|rating| {
        let (mean, good) = (language.decimal(rating.mean, 2), language.percent(rating.good));
        vec![name(&rating.by), language.count(rating.ratings), escape(&mean), escape(&good)]
    });
    let good = fill(words.or_better, report.thresholds.good_score);
    let header = [words.h_survey, words.h_ratings, words.h_mean, &good];
    section(words.ratings, "", &table(language, &header, rows), out);
}
