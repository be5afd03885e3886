//! `/metrics`: figures for Prometheus, in its text form (version 0.0.4). No number, linkedid or DID is in a label.

use crate::api::Ask;
use crate::api::front::{Front, Listed};
use crate::api::status::{QueueInPresence, Status};
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use callbackd_core::ami::event::Millis;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

pub fn routes() -> Router<Arc<Front>> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(front): State<Arc<Front>>) -> Listed {
    let mut status: Status = front.ask(Ask::Status).await?;
    status.streams = front.places.streams();
    status.counters.api.connections_refused = front.places.refused();
    let queues = front.queues().await?;
    #[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
    let now_ms = jiff::Timestamp::now().as_millisecond();
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&status, &queues, now_ms)).into_response())
}

/// What a family of metrics is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// Metrics in the order in which they were first named.
#[derive(Default)]
struct Families {
    order: Vec<&'static str>,
    text: BTreeMap<&'static str, String>,
}

impl Families {
    fn put(&mut self, kind: Kind, name: &'static str, help: &str, labels: &[(&str, &str)], value: f64) {
        let order = &mut self.order;
        let text = self.text.entry(name).or_insert_with(|| {
            order.push(name);
            let kind = if kind == Kind::Counter { "counter" } else { "gauge" };
            format!("# HELP callbackd_{name} {help}\n# TYPE callbackd_{name} {kind}\n")
        });
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Into memory: it cannot fail.
        let _ = writeln!(text, "callbackd_{name}{labels} {value}");
    }

    fn text(self) -> String {
        self.order.iter().filter_map(|name| self.text.get(name).map(String::as_str)).collect()
    }
}

/// As the text form wants the value of a label.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn text(status: &Status, queues: &[QueueInPresence], now_ms: Millis) -> String {
    use Kind::{Counter, Gauge};
    let mut all = Families::default();
    all.put(Gauge, "build_info", "The program that runs.", &[("version", &status.version)], 1.0);
    all.put(Gauge, "start_time_seconds", "When it started, since 1970 UTC.", &[], status.since_ms as f64 / 1_000.0);
    for pbx in &status.pbx {
        let of = [("pbx", pbx.name.as_str())];
        all.put(Gauge, "ami_up", "1 if logged in and the lists have come.", &of, f64::from(u8::from(pbx.seen)));
        all.put(Gauge, "calls_in_progress", "Calls in progress, as last seen.", &of, pbx.calls as f64);
        let Some(counters) = status.counters.pbx.get(&pbx.name) else { continue };
        let (link, tracker) = (&counters.link, &counters.tracker);
        let malformed = link.discarded.values().sum::<u64>() + tracker.events_unreadable;
        for (name, help, value) in [
            ("ami_connects_total", "Logins that were read to the end of the lists.", link.logins),
            ("ami_losses_total", "Connections that were lost, and attempts that failed.", link.losses),
            ("ami_received_bytes_total", "Bytes read.", link.bytes),
            ("ami_events_total", "Frames that somebody needed.", link.frames),
            ("ami_events_malformed_total", "Frames that could not be read, or may be forged.", malformed),
            ("ami_events_dropped_total", "Events lost because they came too fast.", link.dropped),
            ("calls_recorded_total", "Calls that ended.", tracker.calls_recorded),
            ("calls_corrected_total", "Corrections of rows of calls.", tracker.calls_corrected),
            ("calls_end_unseen_total", "Calls whose end was not seen.", tracker.calls_end_unseen),
        ] {
            all.put(Counter, name, help, &of, value as f64);
        }
    }
    // What is not known has no value.
    for queue in queues.iter().filter(|queue| queue.waiting.is_some()) {
        let of = [("pbx", queue.pbx.as_str()), ("queue", queue.queue.as_str())];
        let longest = queue.longest_since_ms.map_or(0, |since| (now_ms - since).max(0));
        let free = queue.free.unwrap_or_default();
        all.put(Gauge, "queue_callers", "Callers who wait.", &of, f64::from(queue.waiting.unwrap_or_default()));
        all.put(Gauge, "queue_longest_wait_seconds", "0 if nobody waits.", &of, longest as f64 / 1_000.0);
        let busy = queue.members.saturating_sub(free + queue.paused);
        for (state, count) in [("free", free), ("paused", queue.paused), ("busy", busy)] {
            let of = [of[0], of[1], ("state", state)];
            all.put(Gauge, "queue_members", "Members by what they do; the sum is all of them.", &of, count as f64);
        }
    }
    for (state, count) in &status.callbacks {
        all.put(Gauge, "callbacks_open", "Open callbacks.", &[("state", state)], *count as f64);
    }
    for (name, webhook) in &status.counters.webhooks {
        let of = [("endpoint", name.as_str())];
        for (result, count) in [
            ("ok", webhook.delivered),
            ("refused", webhook.refused),
            ("failed", webhook.failed),
            ("unreachable", webhook.unreachable),
        ] {
            let of = [of[0], ("result", result)];
            all.put(Counter, "webhook_deliveries_total", "Attempts to deliver a message.", &of, count as f64);
        }
        let given_up = webhook.given_up as f64;
        all.put(Counter, "webhook_given_up_total", "Messages that are not tried any more.", &of, given_up);
        all.put(Gauge, "webhook_pending", "Changes that it has not passed yet.", &of, webhook.behind as f64);
        let since = webhook.failing_since_ms.map_or(0.0, |ms| ms as f64 / 1_000.0);
        let help = "Nothing has been delivered since; 0 if the last message was.";
        all.put(Gauge, "webhook_failing_since_timestamp_seconds", help, &of, since);
        let running = f64::from(u8::from(webhook.running));
        all.put(Gauge, "webhook_running", "1 while it is sent to: not paused, not switched off.", &of, running);
    }
    let (callbacks, store, api) = (&status.counters.callbacks, &status.counters.store, &status.counters.api);
    let writable = f64::from(u8::from(status.store_error.is_none()));
    all.put(Gauge, "store_writable", "1 if the database can be written.", &[], writable);
    all.put(Gauge, "store_pending_records", "Records that are not on the disk yet.", &[], status.unsaved as f64);
    all.put(Gauge, "api_streams", "Streams of changes that are read.", &[], status.streams as f64);
    for (name, help, value) in [
        ("callbacks_created_total", "Callbacks that were made.", callbacks.queued),
        ("callbacks_refused_total", "Missed calls for which there was no room.", callbacks.refused),
        ("callback_attempts_total", "Attempts that were dialled.", callbacks.dialled),
        ("callback_attempts_connected_total", "Attempts that connected agent and customer.", callbacks.connected),
        ("store_records_total", "Records that were written.", store.records),
        ("store_records_lost_total", "Records that are lost: must stay 0.", store.refused + store.given_up),
        ("store_commits_total", "Transactions.", store.commits),
        ("store_retries_total", "Transactions that failed and were tried again.", store.retries),
        ("feed_changes_total", "Changes that the feed has recorded.", store.changes),
        ("feed_changes_overrun_total", "Changes that were removed before their time.", store.changes_overrun),
        ("api_connections_refused_total", "Connections and streams refused.", api.connections_refused),
        ("api_commands_refused_total", "Commands refused because too many waited.", api.commands_refused),
    ] {
        all.put(Counter, name, help, &[], value as f64);
    }
    all.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_escaped_and_a_family_is_described_once() {
        let mut all = Families::default();
        for queue in ["sa\"les\\", "line\nbreak"] {
            all.put(Kind::Gauge, "queue_callers", "Callers.", &[("queue", queue)], 2.0);
        }
        let expected = "# HELP callbackd_queue_callers Callers.\n# TYPE callbackd_queue_callers gauge\n\
             callbackd_queue_callers{queue=\"sa\\\"les\\\\\"} 2\ncallbackd_queue_callers{queue=\"line\\nbreak\"} 2\n";
        assert_eq!(all.text(), expected);
    }
}
