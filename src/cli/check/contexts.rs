//! Judges the rules for contexts by the contexts that there are.

use super::facts::Facts;
use super::report::{Finding, Hint};
use super::rights::shortened;
use crate::config::Calls;
use crate::log::Wire;
use callbackd_core::model::rules::{Purpose, Rules};
use std::collections::BTreeSet;

/// Words in a context's name that hint at its purpose, and the rule that would name it.
const WORDS: [(&str, &str, &[&str]); 5] = [
    ("inbound_contexts", "calls from outside", &["trunk", "pstn", "inbound", "incoming", "-did", "did-"]),
    ("ivr_contexts", "a menu", &["ivr", "menu", "autoattendant", "auto-attendant"]),
    ("closed_contexts", "closed hours", &["closed", "afterhours", "after-hours", "holiday", "night"]),
    ("voicemail_contexts", "voicemail", &["voicemail", "vm-", "-vm"]),
    ("blocked_contexts", "blocked callers", &["blocked", "blacklist"]),
];

/// Contexts of FreePBX and of our own dialplan file that only sound so: for outgoing calls, feature codes, and steps that every call passes.
const NOT: [&str; 14] = [
    "callbackd-",
    "trunk-dial",
    "vm-callme",
    "outrt-",
    "macro-",
    "sub-",
    "app-",
    "outbound-",
    "func-",
    "from-did-direct",
    "from-internal",
    "bad-",
    "ext-",
    "crm-",
];

/// The findings, and lines for `callbackd.toml`, below the PBX where there are `several`.
pub(crate) fn judge(facts: &Facts, calls: &Calls, rules: &Rules, several: bool) -> (Vec<Finding>, Option<Hint>) {
    let mut found = Vec::new();
    let Some(all) = &facts.contexts else {
        found.push(Finding::warn("contexts", "the dialplan cannot be listed without write = reporting"));
        return (found, None);
    };
    let named: Vec<&String> = all.iter().filter(|context| rules.inbound_contexts.fit(context)).collect();
    found.push(inbound(&named, calls));
    found.extend(unfiltered(facts, rules));
    let suspects = suspects(all, &facts.live_contexts, rules);
    let mut lines = String::new();
    for (rule, purpose, contexts) in &suspects {
        let shown: Vec<String> = contexts.iter().map(|context| Wire(context).to_string()).collect();
        let verb = if contexts.len() == 1 { "sounds" } else { "sound" };
        found.push(Finding::warn(
            "contexts",
            format!("{} {verb} like {purpose}, and no rule names it", shortened(&shown)),
        ));
        let patterns: Vec<String> = globs(calls, rule)
            .iter()
            .chain(contexts)
            .map(|pattern| format!("\"{}\"", pattern.escape_debug()))
            .collect();
        lines.push_str(&format!("{rule} = [{}]\n", patterns.join(", ")));
    }
    let unplaced: Vec<String> = facts
        .live_contexts
        .iter()
        .filter(|context| !context.is_empty() && !is_named(context, rules))
        .filter(|context| !suspects.iter().any(|(_, _, contexts)| contexts.contains(context)))
        .map(|context| Wire(context).to_string())
        .collect();
    if !unplaced.is_empty() {
        let detail =
            format!("no rule names {}, where channels are now: right for our own phones", shortened(&unplaced));
        found.push(Finding::ok("contexts", detail));
    }
    let hint = (!lines.is_empty()).then(|| Hint {
        file: "callbackd.toml, where the names mean what they sound like".to_owned(),
        lines: format!("{}\n{lines}", if several { "[pbx.calls]   # below its [[pbx]]" } else { "[calls]" }),
    });
    (found, hint)
}

fn inbound(named: &[&String], calls: &Calls) -> Finding {
    let what = "inbound";
    if !named.is_empty() {
        let names: Vec<String> = named.iter().map(|context| Wire(context).to_string()).collect();
        return Finding::ok(what, format!("calls from outside arrive in {}", shortened(&names)));
    }
    if !calls.trunks.is_empty() {
        return Finding::ok(what, format!("calls from outside arrive on {}", calls.trunks.join(", ")));
    }
    Finding::missing(
        what,
        "calls.inbound_contexts fits no context, and calls.trunks is empty: no call counts as inbound",
    )
}

/// Patterns by which a caller can dial line breaks, which Asterisk writes into its events.
fn unfiltered(facts: &Facts, rules: &Rules) -> Option<Finding> {
    let open =
        facts.open_patterns.iter().filter(|((context, _), filters)| !**filters && rules.inbound_contexts.fit(context));
    let open: Vec<String> = open.map(|((context, pattern), _)| format!("{pattern}@{}", Wire(context))).collect();
    (!open.is_empty()).then(|| {
        Finding::warn(
            "inbound",
            format!(
                "{} accepts line breaks, with which a caller can break events apart: let it begin with the two lines \"at the entrance\" of extensions_callbackd.conf (FILTER)",
                shortened(&open)
            ),
        )
    })
}

/// Contexts whose name hints at a purpose that no rule gives them, by rule.
fn suspects(
    all: &BTreeSet<String>,
    live: &BTreeSet<String>,
    rules: &Rules,
) -> Vec<(&'static str, &'static str, Vec<String>)> {
    let mut out: Vec<(&str, &str, Vec<String>)> =
        WORDS.iter().map(|(rule, purpose, _)| (*rule, *purpose, Vec::new())).collect();
    for context in all.union(live).filter(|context| !is_named(context, rules)) {
        let name = context.to_lowercase();
        if NOT.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        if let Some(at) = WORDS.iter().position(|(_, _, words)| words.iter().any(|word| name.contains(word))) {
            out[at].2.push(context.clone());
        }
    }
    out.retain(|(_, _, contexts)| !contexts.is_empty());
    out
}

fn is_named(context: &str, rules: &Rules) -> bool {
    rules.inbound_contexts.fit(context) || rules.purpose(context) != Purpose::default()
}

fn globs<'a>(calls: &'a Calls, rule: &str) -> &'a [String] {
    match rule {
        "inbound_contexts" => &calls.inbound_contexts,
        "ivr_contexts" => &calls.ivr_contexts,
        "closed_contexts" => &calls.closed_contexts,
        "voicemail_contexts" => &calls.voicemail_contexts,
        _ => &calls.blocked_contexts,
    }
}
