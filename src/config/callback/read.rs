//! Reads `[callback]` and the tables below it.

use super::super::agents::Agent;
use super::super::file::one_of;
use super::super::inherit::Source;
use super::super::section::{Problems, Section, nearest};
use super::{Callback, CallbackQueue, templates};
use crate::timing::Timing;
use callbackd_core::callbacks::attempt::dial_string::is_interface;
use callbackd_core::callbacks::policy::{First, Overall, Retry, Strategy};
use callbackd_core::millis::Millis;
use callbackd_core::model::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::DeValue;

const DAY: Duration = Duration::from_secs(86_400);
const MAX_MIN_TALK: Duration = Duration::from_secs(3600);
/// Sooner than this a line that was busy is busy still, and a phone that rang out rings a person twice for one reason.
const MIN_RETRY: Duration = Duration::from_secs(10);
/// An attempt of unknown fate may still be going on.
const MIN_RETRY_LOST: Duration = Duration::from_secs(60);

fn secs(from: u64, to: u64) -> RangeInclusive<Duration> {
    Duration::from_secs(from)..=Duration::from_secs(to)
}

/// Reads the table; `hours` are the names of the `[hours.NAME]`.
pub(in super::super) fn read(source: &Source<'_, '_>, hours: &[String], agents: &[Agent]) -> Callback {
    let section = &source.section("callback");
    let d = Callback::default();
    let around = Around { hours, agents, whose: &source.shown(&["agents"]) };
    // `enabled` of [callback] is the main switch; a queue's own turns off that queue.
    let default = CallbackQueue { enabled: true, ..queue(section, &d.default, &around, None) };
    let mut queues: BTreeMap<String, CallbackQueue> = BTreeMap::new();
    for (name, table) in section.tables("queue") {
        let named = name.get_ref().to_string();
        if named.trim().is_empty() || named.contains(char::is_control) {
            let help = "write the queue's name as in queues.conf: [callback.queue.sales]";
            section.problems.add(name.span(), "a queue needs a name", "no name", help);
        }
        let shown = source.shown(&["callback", "queue", &named]);
        let own = Section::named("callback.queue.NAME", &shown, Some(table), section.problems);
        queues.insert(named.clone(), queue(&own, &default, &around, Some(&named)));
    }
    // Those who are named for a queue in [[agents]] are its members for callbacks, unless the queue's own table names others.
    for name in agents.iter().flat_map(|a| &a.queues) {
        let own = queues.entry(name.clone()).or_insert_with(|| default.clone());
        if own.agents.is_empty() || own.agents == default.agents {
            own.agents = agents.iter().filter(|a| a.queues.contains(name)).map(|a| a.interface.clone()).collect();
        }
    }
    let retries = source.shown(&["callback", "retry"]);
    let shortest = Timing::get().shortest_ring;
    Callback {
        enabled: section.flag_or("enabled", d.enabled),
        on: on(section, d.on),
        agent_ring: section.duration_in("agent_ring", d.agent_ring, shortest..=Duration::from_secs(120)),
        customer_ring: section.duration_in("customer_ring", d.customer_ring, 2 * shortest..=Duration::from_secs(180)),
        agent_cooldown: section.duration_in("agent_cooldown", d.agent_cooldown, secs(10, 8 * 3600)),
        missed_offers: section.number("missed_offers", d.missed_offers, 0..=100),
        missed_offers_cooldown: section.duration_in(
            "missed_offers_cooldown",
            d.missed_offers_cooldown,
            secs(10, 86_400),
        ),
        missed_offers_pause: section.flag_or("missed_offers_pause", d.missed_offers_pause),
        live_callers_first: section.flag_or("live_callers_first", d.live_callers_first),
        overtake_after: section
            .span("overtake_after")
            .map(|_| section.duration_in("overtake_after", Duration::from_secs(1800), secs(60, 86_400))),
        unknown_is_free: section.flag_or("unknown_is_free", d.unknown_is_free),
        pause_agent: section.flag_or("pause_agent", d.pause_agent),
        quiet: templates::quiet(section, d.quiet),
        dial_agent: templates::dial_agent(section, d.dial_agent),
        dial_customer: templates::dial_customer(section, d.dial_customer),
        number_form: templates::number_form(section, d.number_form),
        agent_context: templates::context(section, "agent_context", d.agent_context),
        customer_context: templates::context(section, "customer_context", d.customer_context),
        alongside: section.flag_or("alongside", d.alongside),
        publish: section.flag_or("publish", d.publish),
        retry: retry(&Section::named("callback.retry", &retries, section.table("retry"), section.problems), d.retry),
        default,
        queues,
        dids: dids(section),
    }
}

/// Reads what it says of all PBXs together.
pub(in super::super) fn overall(section: &Section<'_, '_>) -> Overall {
    let d = super::OVERALL;
    Overall {
        max_active: section.number("max_active", d.max_active, 1..=1000),
        newest_first: one_of(section, "order", &[("oldest", false), ("newest", true)]).unwrap_or(d.newest_first),
        min_talk_ms: millis(section, "min_talk", d.min_talk_ms, Duration::ZERO..=MAX_MIN_TALK),
        daily_per_number: section.number("daily_per_number", d.daily_per_number, 1..=50),
        daily_per_prefix: section.number("daily_per_prefix", d.daily_per_prefix, 1..=100_000),
        prefix_digits: section.number("prefix_digits", d.prefix_digits, 2..=15),
        daily: section.number("daily", d.daily, 1..=1_000_000),
    }
}

fn millis(s: &Section<'_, '_>, key: &str, default: Millis, allowed: RangeInclusive<Duration>) -> Millis {
    let default = Duration::from_millis(default.unsigned_abs());
    Millis::try_from(s.duration_in(key, default, allowed).as_millis()).unwrap_or(Millis::MAX)
}

/// What a queue's keys may name.
struct Around<'c> {
    hours: &'c [String],
    agents: &'c [Agent],
    /// The tables in which those agents stand.
    whose: &'c str,
}

fn queue(s: &Section<'_, '_>, d: &CallbackQueue, around: &Around<'_>, name: Option<&str>) -> CallbackQueue {
    let long = Timing::get().shortest_expire..=30 * DAY;
    let out = CallbackQueue {
        enabled: s.flag_or("enabled", d.enabled),
        delay: s.duration("delay", d.delay, DAY),
        expire: s.duration_in("expire", d.expire, long.clone()),
        expire_requested: s.duration_in("expire_requested", d.expire_requested, long),
        alarm_late: s.duration("alarm_late", d.alarm_late, DAY),
        max_attempts: s.number("max_attempts", d.max_attempts, 1..=20),
        priority: s.number("priority", d.priority, -1000..=1000),
        hours: hours(s, around.hours).or_else(|| d.hours.clone()),
        last_dispatch: s.duration("last_dispatch", d.last_dispatch, Duration::from_secs(4 * 3600)),
        strategy: one_of(s, "strategy", &STRATEGIES).unwrap_or(d.strategy),
        owner_window: s.duration("owner_window", d.owner_window, DAY),
        agents: agents(s, around).unwrap_or_else(|| d.agents.clone()),
        fallback: fallback(s, name).or_else(|| d.fallback.clone().filter(|f| Some(f.as_str()) != name)),
        fallback_after: s.duration("fallback_after", d.fallback_after, DAY),
        caller_id: templates::caller_id(s, &d.caller_id),
        language: templates::language(s).or_else(|| d.language.clone()),
        display: templates::display(s).unwrap_or_else(|| d.display.clone()),
        script: templates::script(s, &d.script),
        announcement: templates::announcement(s, &d.announcement),
        accept_key: templates::accept_key(s, &d.accept_key),
        first: one_of(s, "first", &[("agent", First::Agent), ("customer", First::Customer)]).unwrap_or(d.first),
    };
    for (key, expire) in [("expire", out.expire), ("expire_requested", out.expire_requested)] {
        if let Some(span) = s.span(key).or_else(|| s.span("delay"))
            && expire <= out.delay
        {
            s.problems.add(
                span,
                format!("`{key}` must be longer than `delay`"),
                "it would expire before it is due",
                format!("make `{key}` longer, or `delay` shorter"),
            );
            break;
        }
    }
    if let Some(span) = s.span("alarm_late")
        && out.alarm_late >= out.expire_requested
    {
        s.problems.add(
            span,
            "`alarm_late` must be shorter than `expire_requested`",
            "it would expire before anybody is alarmed",
            "make `alarm_late` shorter (\"0s\": no alarm), or `expire_requested` longer",
        );
    }
    out
}

const STRATEGIES: [(&str, Strategy); 5] = [
    ("leastrecent", Strategy::LeastRecent),
    ("fewestcalls", Strategy::FewestCalls),
    ("rrmemory", Strategy::RrMemory),
    ("linear", Strategy::Linear),
    ("random", Strategy::Random),
];

fn on(s: &Section<'_, '_>, default: BTreeSet<Outcome>) -> BTreeSet<Outcome> {
    let Some(texts) = s.texts("on", "[\"QUEUE_ABANDON\", \"RING_ABANDON\"]") else { return default };
    let mut out = BTreeSet::new();
    for text in texts {
        let Some(outcome) = Outcome::from_text(&text.value) else {
            let near = nearest(&text.value, Outcome::ALL.iter().map(|o| o.as_str()));
            let help = near.map_or_else(
                || "use outcomes such as QUEUE_ABANDON; `callbackd calls` shows each call's".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            s.problems.add(text.span, format!("`{}` in `on` is not an outcome", text.value), "unknown", help);
            continue;
        };
        if let Some(why) = outcome.meaning().never {
            let title = format!("{outcome} is never called back");
            s.problems.add(text.span, title, why, "take it out of the list");
            continue;
        }
        out.insert(outcome);
    }
    out
}

fn hours(s: &Section<'_, '_>, known: &[String]) -> Option<String> {
    let text = s.text("hours", "\"sales\"")?;
    if !known.contains(&text.value) {
        let help = nearest(&text.value, known.iter().map(String::as_str)).map_or_else(
            || format!("write [hours.{}] with its `open`, or leave the key out for [hours]", text.value),
            |near| format!("did you mean \"{near}\"?"),
        );
        s.problems.add(text.span, format!("there is no [hours.{}]", text.value), "no such hours", help);
    }
    Some(text.value)
}

/// By name or interface.
fn agents(s: &Section<'_, '_>, around: &Around<'_>) -> Option<Vec<String>> {
    let (known, whose) = (around.agents, around.whose);
    let mut out = Vec::new();
    for text in s.texts("agents", "[\"PJSIP/101\"]")? {
        match known.iter().find(|a| a.name.as_deref() == Some(text.value.as_str())) {
            Some(agent) => out.push(agent.interface.clone()),
            None if is_interface(&text.value) => out.push(text.value),
            None => {
                let near = nearest(&text.value, known.iter().filter_map(|a| a.name.as_deref()));
                let mut help = near.map_or_else(
                    || format!("write an interface such as \"PJSIP/101\", or the `name` of one of the [[{whose}]]"),
                    |near| format!("did you mean \"{near}\"?"),
                );
                if whose != "agents" {
                    help.push_str("; a PBX that has [[pbx.agents]] has none of the [[agents]]");
                }
                s.problems.add(text.span, format!("`{}` in `agents` is no agent", text.value), "unknown", help);
            }
        }
    }
    Some(out)
}

fn fallback(s: &Section<'_, '_>, own: Option<&str>) -> Option<String> {
    let text = s.text("fallback", "\"office\"")?;
    if own == Some(text.value.as_str()) {
        s.problems.add(
            text.span.clone(),
            "a queue cannot fall back to itself",
            "this queue",
            "name another queue, or leave the key out",
        );
    }
    Some(text.value)
}

fn retry(s: &Section<'_, '_>, d: Retry) -> Retry {
    let every = |key, default, min| millis(s, key, default, min..=DAY);
    Retry {
        customer_busy: every("customer_busy", d.customer_busy, MIN_RETRY),
        customer_noanswer: every("customer_noanswer", d.customer_noanswer, MIN_RETRY),
        customer_rejected: every("customer_rejected", d.customer_rejected, MIN_RETRY),
        maybe_voicemail: every("maybe_voicemail", d.maybe_voicemail, MIN_RETRY),
        congestion: every("congestion", d.congestion, MIN_RETRY),
        agent_left: every("agent_left", d.agent_left, MIN_RETRY),
        originate_error: every("originate_error", d.originate_error, MIN_RETRY),
        lost: every("lost", d.lost, MIN_RETRY_LOST),
    }
}

/// `[callback.did]`: the number as it is dialled, and its queue.
fn dids(section: &Section<'_, '_>) -> BTreeMap<String, String> {
    let problems: &Problems = section.problems;
    let mut out = BTreeMap::new();
    for (did, queue) in section.table("did").into_iter().flatten() {
        let number = did.get_ref().strip_prefix('+').unwrap_or(did.get_ref());
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            let help = "write the number as callers dial it and the queue's name: \"+12025550100\" = \"sales\"";
            problems.add(did.span(), format!("`{}` is not a number", did.get_ref()), "not digits", help);
        }
        match queue.get_ref() {
            DeValue::String(queue) if !queue.trim().is_empty() && !queue.contains(char::is_control) => {
                out.insert(did.get_ref().to_string(), queue.to_string());
            }
            _ => {
                let help = "for example: \"+12025550100\" = \"sales\"";
                problems.add(queue.span(), "a DID needs the name of its queue", "not a name", help);
            }
        }
    }
    out
}
