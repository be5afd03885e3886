//! `/metrics`: figures for Prometheus, in its text form (version 0.0.4). No number, linkedid or DID is in a label.

mod counted;
mod families;
mod process;

use super::live::with_longest;
use crate::api::Ask;
use crate::api::figures::Figures;
use crate::api::front::{Front, Listed};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use callbackd_core::millis::Millis;
use callbackd_core::model::presence::{Phase, Standing};
use callbackd_core::model::tally::{MAX_QUEUES, OTHER_QUEUES, Place};
use callbackd_core::model::{CallbackState, PbxId};
use callbackd_core::order::Gather as _;
use families::{Families, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

routes! {
    "/metrics" {
        /// Figures for Prometheus
        get metrics: text("text/plain");
    }
}

async fn metrics(State(front): State<Arc<Front>>) -> Listed {
    let _turn = front.whole().await;
    let calls = front.read(|reader| reader.calls_in_progress()).await?;
    let mut figures: Figures = front.ask(Ask::Figures).await?;
    figures.queues = with_longest(std::mem::take(&mut figures.queues), &calls);
    front.count(&mut figures.status);
    let files = front.readers.sizes();
    #[allow(clippy::disallowed_methods)] // the door by which wall-clock time comes in
    let now_ms = jiff::Timestamp::now().as_millisecond();
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&figures, files, now_ms)).into_response())
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn text(figures: &Figures, files: [(&str, u64); 2], now_ms: Millis) -> String {
    use Kind::{Counter, Gauge};
    let status = &figures.status;
    let mut all = Families::default();
    let build =
        [("version", status.version.as_str()), ("revision", option_env!("CALLBACKD_REVISION").unwrap_or_default())];
    all.put(Gauge, "build_info", "The program that runs.", &build, 1.0);
    all.put(Gauge, "start_time_seconds", "When it started, since 1970 UTC.", &[], status.since_ms as f64 / 1_000.0);
    let taken = f64::from(u8::from(figures.config.taken));
    let help = "1 if the configuration that was read last is in force.";
    all.put(Gauge, "config_last_reload_successful", help, &[], taken);
    let (help, taken_ms) = ("When the configuration in force was read.", figures.config.taken_ms as f64);
    all.put(Gauge, "config_last_reload_success_timestamp_seconds", help, &[], taken_ms / 1_000.0);
    for pbx in &status.pbx {
        let of = [("pbx", pbx.name.as_str())];
        all.put(Gauge, "ami_up", "1 if logged in and the lists have come.", &of, f64::from(u8::from(pbx.seen)));
        let help = "Calls in progress by where they are, as last seen; their sum is all of them.";
        for phase in Phase::ALL {
            let calls = figures.phases.get(&(pbx.name.clone(), *phase)).copied().unwrap_or_default();
            all.put(Gauge, "calls_in_progress", help, &[of[0], ("phase", phase.as_str())], calls as f64);
        }
        if let Some(pings) = figures.pings.get(&pbx.name) {
            all.seconds("ami_ping_seconds", "From a ping to Asterisk's answer.", &of, pings, 1_000.0);
        }
        let Some(counters) = status.counters.pbx.get(&pbx.name) else { continue };
        let (link, tracker) = (&counters.link, &counters.tracker);
        let last = link.last_event_ms.map_or(0.0, |ms| ms as f64 / 1_000.0);
        let help = "When the latest event came; 0 before the first.";
        all.put(Gauge, "ami_last_event_timestamp_seconds", help, &of, last);
        for (reason, count) in &link.discarded {
            let (of, help) = ([of[0], ("reason", reason.as_str())], "Frames that were thrown away, by reason.");
            all.put(Counter, "ami_frames_discarded_total", help, &of, *count as f64);
        }
        let malformed = link.discarded.values().sum::<u64>() + tracker.events_unreadable;
        for (name, help, value) in [
            ("ami_connects_total", "Logins that were read to the end of the lists.", link.logins),
            ("ami_losses_total", "Connections that were lost, and attempts that failed.", link.losses),
            ("ami_received_bytes_total", "Bytes read.", link.bytes),
            ("ami_events_total", "Frames that somebody needed.", link.frames),
            ("ami_events_malformed_total", "Frames that could not be read, or may be forged.", malformed),
            ("ami_events_dropped_total", "Events lost because they came too fast.", link.dropped),
            ("ami_actions_refused_total", "Actions not sent because too many waited.", link.requests_refused),
            ("calls_recorded_total", "Calls that ended.", tracker.calls_recorded),
            ("calls_corrected_total", "Corrections of rows of calls.", tracker.calls_corrected),
            ("calls_end_unseen_total", "Calls whose end was not seen.", tracker.calls_end_unseen),
        ] {
            all.put(Counter, name, help, &of, value as f64);
        }
    }
    queues(&mut all, figures, now_ms);
    callbacks(&mut all, figures);
    let pbxs: Vec<PbxId> = status.pbx.iter().map(|pbx| PbxId::new(&pbx.name)).collect();
    counted::put(&mut all, &pbxs, &figures.counted);
    for (name, webhook) in &status.counters.webhooks {
        let of = [("endpoint", name.as_str())];
        for (result, count) in [
            ("ok", webhook.delivered),
            ("refused", webhook.refused),
            ("failed", webhook.failed),
            ("timeout", webhook.late),
            ("unreachable", webhook.unreachable),
        ] {
            let of = [of[0], ("result", result)];
            all.put(Counter, "webhook_deliveries_total", "Attempts to deliver a message.", &of, count as f64);
        }
        let given_up = webhook.given_up as f64;
        all.put(Counter, "webhook_given_up_total", "Messages that are not tried any more.", &of, given_up);
        all.put(Gauge, "webhook_pending", "Changes that it has not passed yet.", &of, webhook.behind as f64);
        let at = |ms: Option<Millis>| ms.map_or(0.0, |ms| ms as f64 / 1_000.0);
        let help = "When the oldest change was recorded whose message is not delivered yet; 0 if none waits.";
        all.put(Gauge, "webhook_oldest_pending_timestamp_seconds", help, &of, at(webhook.waiting_since_ms));
        let help = "Nothing has been delivered since; 0 if the last message was.";
        all.put(Gauge, "webhook_failing_since_timestamp_seconds", help, &of, at(webhook.failing_since_ms));
        let running = f64::from(u8::from(webhook.running));
        all.put(Gauge, "webhook_running", "1 while it is sent to: not paused, not switched off.", &of, running);
    }
    counted::sinks(&mut all, &status.counters.sinks);
    if let Some(group) = &status.counters.group {
        counted::group(&mut all, group);
    }
    let (callbacks, store, api) = (&status.counters.callbacks, &status.counters.store, &status.counters.api);
    let writable = f64::from(u8::from(status.store_error.is_none()));
    all.put(Gauge, "store_writable", "1 if the database can be written.", &[], writable);
    all.put(Gauge, "store_pending_records", "Records that are not on the disk yet.", &[], status.unsaved as f64);
    for (file, bytes) in files {
        all.put(Gauge, "store_size_bytes", "Size of the database's files.", &[("file", file)], bytes as f64);
    }
    if let Some(bytes) = process::resident_bytes() {
        all.put(Gauge, "process_resident_memory_bytes", "Memory in use.", &[], bytes as f64);
    }
    all.put(Counter, "process_cpu_seconds_total", "Processor time.", &[], process::cpu_seconds());
    if let Some(files) = process::open_files() {
        all.put(Gauge, "process_open_fds", "Open files.", &[], files as f64);
    }
    all.put(Gauge, "api_streams", "Streams of changes that are read.", &[], status.streams as f64);
    for (name, help, value) in [
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
        ("api_answers_refused_total", "Answers refused because too much of others was unread.", api.answers_refused),
        ("api_requests_refused_total", "Requests refused because of a limit.", api.requests_refused),
        ("api_handshakes_failed_total", "TLS handshakes that failed or took too long.", api.handshakes_failed),
        ("api_newcomers_closed_total", "Connections without a token closed for newer ones.", api.newcomers_closed),
        ("api_commands_refused_total", "Commands refused because too many waited.", api.commands_refused),
    ] {
        all.put(Counter, name, help, &[], value as f64);
    }
    all.text()
}

/// Who waits, and who could answer. What is not known has no value.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn queues(all: &mut Families, figures: &Figures, now_ms: Millis) {
    use Kind::Gauge;
    let names = Names::of(figures);
    let mut waiting: BTreeMap<Place, (u32, Millis)> = BTreeMap::new();
    for queue in &figures.queues {
        let Some(callers) = queue.waiting else { continue };
        let (sum, longest) = waiting.entry(names.place(&(PbxId::new(&queue.pbx), queue.queue.clone()))).or_default();
        *sum += callers;
        *longest = queue.longest_since_ms.map_or(0, |since| (now_ms - since).max(0)).max(*longest);
    }
    let mut members: BTreeMap<(Place, Standing), usize> = BTreeMap::new();
    for ((place, standing), count) in &figures.members {
        *members.entry((names.place(place), *standing)).or_default() += count;
    }
    for (place, (callers, longest)) in &waiting {
        let of = [("pbx", place.0.as_str()), ("queue", &place.1)];
        all.put(Gauge, "queue_callers", "Callers who wait.", &of, f64::from(*callers));
        all.put(Gauge, "queue_longest_wait_seconds", "0 if nobody waits.", &of, *longest as f64 / 1_000.0);
        for standing in Standing::ALL {
            let count = members.get(&(place.clone(), *standing)).copied().unwrap_or_default();
            let of = [of[0], of[1], ("state", standing.as_str())];
            all.put(Gauge, "queue_members", "Members by what they do; the sum is all of them.", &of, count as f64);
        }
    }
    for pbx in figures.status.pbx.iter().filter(|pbx| pbx.seen) {
        for standing in Standing::ALL {
            let count = figures.agents.get(&(pbx.name.clone(), *standing)).copied().unwrap_or_default();
            let of = [("pbx", pbx.name.as_str()), ("state", standing.as_str())];
            all.put(Gauge, "agents", "Agents by what they do; the sum is all who are known.", &of, count as f64);
        }
    }
}

/// Open callbacks by state, and how old they are.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn callbacks(all: &mut Families, figures: &Figures) {
    use Kind::Gauge;
    let names = Names::of(figures);
    let mut open: BTreeMap<(Place, &str, &str), usize> = BTreeMap::new();
    // 0 where there is none, so that the first is seen as one more.
    for pbx in &figures.status.pbx {
        for state in CallbackState::ALL.iter().filter(|state| state.is_open()) {
            open.insert(((PbxId::new(&pbx.name), String::new()), state.as_str(), ""), 0);
        }
    }
    for ((place, state, reason), count) in &figures.callbacks {
        *open.entry((names.place(place), state.as_str(), reason.as_str())).or_default() += count;
    }
    for ((place, state, reason), count) in &open {
        let of = [("pbx", place.0.as_str()), ("queue", &place.1), ("state", state), ("reason", reason)];
        all.put(Gauge, "callbacks_open", "Open callbacks, and why they wait.", &of, *count as f64);
    }
    let mut oldest: BTreeMap<Place, (Millis, Millis, usize)> = BTreeMap::new();
    // 0 where there is none, so that an alarm has something to end by.
    for pbx in &figures.status.pbx {
        oldest.insert((PbxId::new(&pbx.name), String::new()), (0, 0, 0));
    }
    let earlier = |old: Millis, new: Millis| if old == 0 { new } else { old.min(new) };
    for (place, old) in &figures.oldest {
        let entry = oldest.entry(names.place(place)).or_default();
        *entry = (earlier(entry.0, old.due_ms), earlier(entry.1, old.missed_ms), entry.2 + old.late);
    }
    for (place, (due_ms, missed_ms, late)) in &oldest {
        let of = [("pbx", place.0.as_str()), ("queue", &place.1)];
        let help = "When the open callback that is due first is due; 0 if there is none.";
        all.put(Gauge, "callbacks_oldest_due_timestamp_seconds", help, &of, *due_ms as f64 / 1_000.0);
        let help = "The earliest miss of an open callback; 0 if there is none.";
        all.put(Gauge, "callbacks_oldest_missed_timestamp_seconds", help, &of, *missed_ms as f64 / 1_000.0);
        let help = "Open callbacks that were asked for and are later than callback.alarm_late.";
        all.put(Gauge, "callbacks_open_late", help, &of, *late as f64);
    }
}

/// The queues that are shown by name: no more than [`MAX_QUEUES`].
struct Names(BTreeSet<Place>);

impl Names {
    fn of(figures: &Figures) -> Self {
        let queues = figures.queues.iter().map(|queue| (PbxId::new(&queue.pbx), queue.queue.clone()));
        let callbacks = figures.oldest.keys().cloned();
        Self(queues.chain(callbacks).to_set().into_iter().take(MAX_QUEUES).collect())
    }

    fn place(&self, place: &Place) -> Place {
        if place.1.is_empty() || self.0.contains(place) {
            return place.clone();
        }
        (place.0.clone(), OTHER_QUEUES.to_owned())
    }
}
