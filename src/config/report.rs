//! The table `[report]`: thresholds of the figures, and names of what they are about.

use super::section::Section;
use crate::language::Language;
use crate::report::Thresholds;
use callbackd_core::millis::Millis;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::de::DeValue;

/// A wait, a conversation.
const MAX_WAIT: Duration = Duration::from_secs(86_400);
/// To be won back, or to call again.
const WINDOW: std::ops::RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(90 * 86_400);
/// No trunk has more channels than a daemon follows.
const MOST_LINES: i64 = 20_000;

/// Reads it.
pub(super) fn read(section: &Section<'_, '_>) -> Thresholds {
    let default = Thresholds::default();
    let wait = |key, default| ms(section.duration(key, duration(default), MAX_WAIT));
    let window = |key, default| {
        let found = section.days_in(key, duration(default), WINDOW);
        ms(found)
    };
    Thresholds {
        service_level_ms: wait("service_level", default.service_level_ms),
        service_level_target: section.number("service_level_target", default.service_level_target, 1..=100),
        callback_target_ms: window("callback_target", default.callback_target_ms),
        fcr_window_ms: window("fcr_window", default.fcr_window_ms),
        alarm_wait_ms: wait("alarm_wait", default.alarm_wait_ms),
        too_short_ms: wait("too_short", default.too_short_ms),
        too_long_ms: wait("too_long", default.too_long_ms),
        good_score: section.number("good_score", default.good_score, 0..=1_000),
        acw_reasons: section
            .texts("acw_reasons", "[\"acw\"]")
            .map_or(default.acw_reasons, |texts| texts.into_iter().map(|text| text.value).collect()),
        dids: labels(section),
        trunk_lines: lines(section),
    }
}

/// In which pages and messages are written.
pub(super) fn language(section: &Section<'_, '_>) -> Language {
    let Some(text) = section.text("language", "\"en\"") else { return Language::default() };
    let known = Language::ALL.map(Language::code);
    // A region behind it (`de-AT`) would say more than is kept.
    Language::from_code(&text.value).filter(|language| language.code() == text.value).unwrap_or_else(|| {
        let help = format!("one of {}", known.join(", "));
        section.problems.add(text.span, "`language` must be one that reports are written in", "not one of them", help);
        Language::default()
    })
}

fn duration(ms: Millis) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

fn ms(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

fn labels(section: &Section<'_, '_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (did, label) in section.table("did").into_iter().flatten() {
        match label.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() && !text.contains(char::is_control) => {
                out.insert(did.get_ref().to_string(), text.to_string());
            }
            _ => {
                let help = "for example: did = { \"+12025550100\" = \"Sales hotline\" }";
                section.problems.add(label.span(), "a DID needs a label", "not a label", help);
            }
        }
    }
    out
}

fn lines(section: &Section<'_, '_>) -> BTreeMap<String, u32> {
    let mut out = BTreeMap::new();
    for (trunk, lines) in section.table("trunk_lines").into_iter().flatten() {
        let found = lines.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        match found.filter(|n| (1..=MOST_LINES).contains(n)).and_then(|n| u32::try_from(n).ok()) {
            Some(lines) => drop(out.insert(trunk.get_ref().to_string(), lines)),
            None => {
                let help = format!(
                    "1 to {MOST_LINES} calls at once, for example: trunk_lines = {{ \"PJSIP/provider\" = 30 }}"
                );
                section.problems.add(lines.span(), "a trunk needs its number of lines", "not a number of lines", help);
            }
        }
    }
    out
}
