//! What the opening hours mean: the next ten days in words, and what may be meant otherwise.

use super::report::{Finding, Mark, Report};
use crate::config::{Config, Hours};
use callbackd_core::millis::Millis;
use callbackd_core::model::hours::{Day, Hours as Understood, says_holidays, says_unknown};
use jiff::tz::TimeZone;

/// So many days are shown.
const DAYS: usize = 10;

/// Shows each table of hours once, from the day of `now_ms` on.
pub(crate) fn look(config: &Config, now_ms: Millis, report: &mut Report<'_>) {
    for (table, hours) in tables(config) {
        report.section(&table);
        report.extend(&findings(hours, now_ms));
    }
}

/// What of them may be meant otherwise.
pub(super) fn doubts(config: &Config, now_ms: Millis) -> Vec<Finding> {
    let doubt = |finding: &Finding| finding.mark != Mark::Ok;
    let of = |(table, hours): (String, &Hours)| {
        let found = findings(hours, now_ms).into_iter().filter(doubt);
        let shown = found.map(|finding| Finding { what: table.clone(), ..finding });
        shown.collect::<Vec<_>>()
    };
    tables(config).into_iter().flat_map(of).collect()
}

/// Each table of hours once, by its name in the file.
fn tables(config: &Config) -> Vec<(String, &Hours)> {
    let mut seen: Vec<(String, &Hours)> = Vec::new();
    let mut out = Vec::new();
    for pbx in &config.pbx {
        let of = if config.pbx.len() > 1 { format!(" of PBX {}", pbx.name) } else { String::new() };
        let named = pbx.settings.named_hours.iter().map(|(name, hours)| (format!("[hours.{name}]"), hours));
        for (table, hours) in std::iter::once(("[hours]".to_owned(), &pbx.settings.hours)).chain(named) {
            if !seen.contains(&(table.clone(), hours)) {
                out.push((format!("{table}{of}"), hours));
                seen.push((table, hours));
            }
        }
    }
    out
}

fn findings(hours: &Hours, now_ms: Millis) -> Vec<Finding> {
    let understood = match hours.build() {
        Ok(understood) => understood,
        Err(error) => return vec![Finding::missing("open", error.to_string())],
    };
    let zone = hours.zone();
    let of_system = if hours.timezone.is_none() { " (the system's)" } else { "" };
    let mut out = vec![
        Finding::ok("timezone", format!("{}{of_system}", zone.iana_name().unwrap_or("without a name"))),
        holidays(&understood, &hours.open),
        Finding::ok("open", format!("\"{}\"", hours.open)),
    ];
    if says_unknown(&hours.open) {
        let detail =
            "where `open` has only words, or `unknown`, it counts as closed: write `off` or `open` before the words";
        out.push(Finding::warn("open", detail));
    }
    let days = understood.days(now_ms, DAYS);
    out.extend(days.iter().map(|day| Finding::ok(day.date.strftime("%a %-d %b").to_string(), words(day, &zone))));
    if days.iter().all(|day| day.open.is_empty()) {
        let next = understood.next_open(now_ms).and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let detail = match next {
            Some(next) => format!(
                "closed for the next {DAYS} days; it opens on {}",
                next.to_zoned(zone).strftime("%a %-d %b %Y at %H:%M")
            ),
            None => "it never opens within five years: nobody is ever called back".to_owned(),
        };
        out.push(Finding::warn("never open", detail));
    }
    out
}

fn holidays(understood: &Understood, open: &str) -> Finding {
    match understood.holidays_of() {
        Some(code) if !says_holidays(open) => Finding::ok(
            "country",
            format!("{code}, but `PH` does not stand in `open`: its holidays are days as any other"),
        ),
        None => Finding::ok("country", "not set: no day is a public holiday"),
        Some("GB") => Finding::warn(
            "country",
            "GB is read as England and Wales; write GB-SCT for Scotland, GB-NIR for Northern Ireland, or GB-ENG to say so",
        ),
        Some(code @ ("GB-ENG" | "GB-WLS" | "GB-SCT" | "GB-NIR")) => Finding::ok("country", code),
        Some(code) => {
            Finding::ok("country", format!("{code}: the holidays of the whole country, not those of single regions"))
        }
    }
}

/// `open 09:00 to 12:00 and 13:00 to 18:00`, `closed (Christmas Day)`.
fn words(day: &Day, zone: &TimeZone) -> String {
    let clock = |at: Millis| {
        let zoned = jiff::Timestamp::from_millisecond(at).ok()?.to_zoned(zone.clone());
        let next_day = zoned.date() > day.date;
        Some(if next_day { "24:00".to_owned() } else { zoned.strftime("%H:%M").to_string() })
    };
    let spans: Vec<String> =
        day.open.iter().filter_map(|(from, to)| Some(format!("{} to {}", clock(*from)?, clock(*to)?))).collect();
    let open = match &spans[..] {
        [] => "closed".to_owned(),
        [only] if only == "00:00 to 24:00" => "open all day".to_owned(),
        spans => format!("open {}", spans.join(" and ")),
    };
    match day.holiday {
        Some("public holiday") => format!("{open} (a public holiday)"),
        Some(name) => format!("{open} ({name})"),
        None => open,
    }
}
