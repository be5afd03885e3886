//! One callback in detail: its state, what it was made for, and what happened when.

use crate::cli::plain::{local, safe, spell};
use crate::cli::target::Target;
use crate::store::CallbackHistory;
use callbackd_core::callbacks::task::OURSELVES;
use callbackd_core::millis::Millis;
use callbackd_core::model::{AttemptRow, CallbackRow};
use std::fmt::Write;

/// The whole text, with a line break at its end.
pub(crate) fn history(history: &CallbackHistory, target: &Target) -> String {
    let row = &history.callback;
    let at = |ms: Millis| local(ms, &target.zone, "%a %Y-%m-%d %H:%M:%S");
    let mut text = String::new();
    // Where a callback has gone from one PBX to another, what was not on the one that it is on now says so.
    let elsewhere = |pbx: &str| if row.pbx == *pbx { String::new() } else { format!(" of {}", safe(pbx)) };
    // Writing to a String cannot fail: the results of write! are dropped.
    let _ = writeln!(text, "Callback {} to {}", row.id, customer(row));
    let why = if row.reason.is_empty() { String::new() } else { format!(" {}", safe(&row.reason)) };
    let _ = writeln!(text, "{}{why}{}", row.state, standing(row, target));
    for line in facts(row, target) {
        let _ = writeln!(text, "  {line}");
    }
    if let Some(call) = &row.resolved_by {
        let (linkedid, of) = (safe(&call.linkedid), elsewhere(&call.pbx));
        let _ = writeln!(text, "  resolved by call {linkedid}{of} (callbackd calls show {linkedid})");
    }
    // Of a list that is too long the newest are shown.
    let before = |count: u64| if count == 0 { String::new() } else { format!("  {count} earlier ones\n") };
    let _ = write!(text, "\nCalls behind it\n{}", before(history.earlier.misses));
    for miss in &history.misses {
        let recovered = miss.recovered.map(|(by, when)| format!(", won back by {by} {}", at(when))).unwrap_or_default();
        let (id, status, outcome) = (miss.id, safe(&miss.status), safe(&miss.outcome));
        let _ =
            writeln!(text, "  {}  {status} {outcome}, call {id}{}{recovered}", at(miss.ended_ms), elsewhere(&miss.pbx));
    }
    if history.misses.is_empty() {
        let _ = writeln!(text, "  none: it was made by hand");
    }
    let _ = write!(text, "\nAttempts\n{}", before(history.earlier.attempts));
    for attempt in &history.attempts {
        let _ = writeln!(text, "  {}{}", tried(attempt, &at), elsewhere(&attempt.pbx));
    }
    if history.attempts.is_empty() {
        let _ = writeln!(text, "  none yet");
    }
    let _ = write!(text, "\nWhat happened\n{}", before(history.earlier.events));
    for event in &history.events {
        let why = if event.reason.is_empty() { String::new() } else { format!(" {}", safe(&event.reason)) };
        let note = if event.note.is_empty() { String::new() } else { format!(": {}", safe(&event.note)) };
        let by = if event.by == OURSELVES { String::new() } else { format!(" (by {})", safe(&event.by)) };
        let _ = writeln!(text, "  {}  {}{why}{note}{by}", at(event.at_ms), event.state);
    }
    text
}

fn customer(row: &CallbackRow) -> String {
    let number = row.number_e164.as_deref().map_or_else(|| "nobody who can be called".to_owned(), safe);
    match row.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{number} \"{}\"", safe(name)),
        None => number,
    }
}

fn standing(row: &CallbackRow, target: &Target) -> String {
    let at = |ms: Millis| local(ms, &target.zone, "%a %H:%M:%S");
    match row.closed_ms {
        Some(closed) => format!(", since {}", at(closed)),
        None if row.due_ms > target.now_ms() => format!(", due {}, expires {}", at(row.due_ms), at(row.expires_ms)),
        None => format!(", due since {}, expires {}", at(row.due_ms), at(row.expires_ms)),
    }
}

fn facts(row: &CallbackRow, target: &Target) -> Vec<String> {
    let at = |ms: Millis| local(ms, &target.zone, "%a %Y-%m-%d %H:%M:%S");
    let mut facts = Vec::new();
    let text = |what: &str, value: &Option<String>| value.as_deref().map(|value| format!("{what} {}", safe(value)));
    facts.extend(text("queue", &row.queue));
    facts.extend(text("dialled", &row.did));
    facts.extend(text("last talked with", &row.owner));
    facts.extend(text("only for", &row.assigned));
    if row.requested {
        facts.push("the customer asked for it".to_owned());
    }
    facts.extend(row.requested_for_ms.map(|ms| format!("expected {}", at(ms))));
    facts.extend(row.alarmed_ms.map(|ms| format!("late: reported {}", at(ms))));
    facts.extend(text("language", &row.language));
    if row.priority != 0 {
        facts.push(format!("priority {}", row.priority));
    }
    facts.push(format!("{} attempts, {} of them count against callback.max_attempts", row.attempts, row.counted));
    facts
}

fn tried(attempt: &AttemptRow, at: &impl Fn(Millis) -> String) -> String {
    let who = attempt.agent.as_deref().map_or_else(|| "the customer first".to_owned(), safe);
    let result = attempt.result.map_or_else(|| "goes on".to_owned(), |result| result.to_string());
    let mut line = format!("{}  {}. {who}: {result}", at(attempt.intended_ms), attempt.n);
    for (when, what) in
        [(attempt.agent_answered_ms, "agent answered"), (attempt.customer_answered_ms, "customer answered")]
    {
        if let Some(when) = when {
            let _ = write!(line, ", {what} after {}", spell((when - attempt.intended_ms).max(0)));
        }
    }
    if attempt.talk_ms > 0 {
        let _ = write!(line, ", talked {}", spell(attempt.talk_ms));
    }
    if !attempt.detail.is_empty() {
        let _ = write!(line, " ({})", safe(&attempt.detail));
    }
    let _ = write!(line, ", {}", safe(&attempt.channel_id));
    line
}
