//! Figures of what is on the disk, since the process was started: calls, waits, talk, callbacks, gaps.

use super::families::{Families, Kind::Counter, Kind::Gauge};
use crate::api::counters::{GroupCounters, SinkCounters};
use crate::store::Counted;
use callbackd_core::model::{CallbackState, Direction, GapCause, Outcome, PbxId, Status};
use std::collections::BTreeMap;

/// Histograms of times are counted in milliseconds.
const MS: f64 = 1_000.0;
/// Those of commits in microseconds.
const US: f64 = 1_000_000.0;

/// Adds them. What may never have happened on a PBX is 0 there from the start, so that its first time is seen as an increase.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
pub(super) fn put(all: &mut Families, pbxs: &[PbxId], counted: &Counted) {
    let tally = &counted.tally;
    let help = "Calls that ended, each once; their sum is all of them.";
    for ((pbx, direction, status, outcome), count) in zeros(pbxs) {
        let none = (pbx.clone(), String::new());
        if !tally.calls.contains_key(&(none, direction, status, outcome)) {
            call(all, help, [pbx, "", direction.as_str(), status.as_str(), outcome.as_str()], count);
        }
    }
    for (((pbx, queue), direction, status, outcome), count) in &tally.calls {
        call(all, help, [pbx, queue, direction.as_str(), status.as_str(), outcome.as_str()], *count);
    }
    for ((pbx, quality), count) in &tally.qualities {
        let of = [("pbx", pbx.as_str()), ("quality", quality.as_str())];
        all.put(Counter, "call_rows_total", "Calls that ended, by how much of them was seen.", &of, *count as f64);
    }
    for (((pbx, queue), answered), waits) in &tally.waits {
        let of = [("pbx", pbx.as_str()), ("queue", queue), ("answered", if *answered { "true" } else { "false" })];
        all.seconds("call_wait_seconds", "Waits of customers who were offered to a person.", &of, waits, MS);
    }
    for ((pbx, queue), talks) in &tally.talks {
        let of = [("pbx", pbx.as_str()), ("queue", queue)];
        all.seconds("talk_seconds", "Conversations of customers' calls that were answered.", &of, talks, MS);
    }
    for (((pbx, queue), requested), count) in &tally.callbacks_created {
        let requested = if *requested { "true" } else { "false" };
        let of = [("pbx", pbx.as_str()), ("queue", queue), ("requested", requested)];
        all.put(Counter, "callbacks_created_total", "Callbacks that were made.", &of, *count as f64);
    }
    let help = "Callbacks that were asked for and were later than callback.alarm_late.";
    for pbx in pbxs.iter().filter(|pbx| !tally.callbacks_late.contains_key(&((*pbx).clone(), String::new()))) {
        all.put(Counter, "callbacks_late_total", help, &[("pbx", pbx.as_str()), ("queue", "")], 0.0);
    }
    for ((pbx, queue), count) in &tally.callbacks_late {
        all.put(Counter, "callbacks_late_total", help, &[("pbx", pbx.as_str()), ("queue", queue)], *count as f64);
    }
    let help = "Callbacks that are over, by how they ended.";
    for pbx in pbxs {
        for state in CallbackState::ALL.iter().filter(|state| !state.is_open()) {
            let none = ((pbx.clone(), String::new()), *state);
            if !tally.callbacks_closed.contains_key(&none) {
                let of = [("pbx", pbx.as_str()), ("queue", ""), ("state", state.as_str())];
                all.put(Counter, "callbacks_closed_total", help, &of, 0.0);
            }
        }
    }
    for (((pbx, queue), state), count) in &tally.callbacks_closed {
        let of = [("pbx", pbx.as_str()), ("queue", queue), ("state", state.as_str())];
        all.put(Counter, "callbacks_closed_total", help, &of, *count as f64);
    }
    for (((pbx, queue), result), count) in &tally.attempts {
        let of = [("pbx", pbx.as_str()), ("queue", queue), ("result", result.as_str())];
        all.put(Counter, "callback_attempts_ended_total", "Attempts that are over.", &of, *count as f64);
    }
    for (((pbx, queue), by), recoveries) in &tally.recoveries {
        let of = [("pbx", pbx.as_str()), ("queue", queue), ("by", by.as_str())];
        all.seconds("recovery_seconds", "From the first miss until the customer was won back.", &of, recoveries, MS);
    }
    for (pbx, cause) in pbxs.iter().flat_map(|pbx| GapCause::ALL.iter().map(move |cause| (pbx, *cause))) {
        let (gaps, ms) = tally.gaps.get(&(pbx.clone(), cause)).copied().unwrap_or_default();
        let of = [("pbx", pbx.as_str()), ("cause", cause.as_str())];
        all.put(Counter, "gaps_total", "Times in which events were not seen.", &of, gaps as f64);
        all.put(Counter, "gap_seconds_total", "How long events were not seen.", &of, ms as f64 / MS);
    }
    let help = "Countings of queues that were too many to have a name of their own.";
    all.put(Counter, "queues_unnamed_total", help, &[], tally.unnamed as f64);
    let help = "From the first attempt at a transaction until it was on the disk.";
    all.seconds("store_commit_seconds", help, &[], &counted.commits, US);
    all.put(Gauge, "feed_rows", "Changes that the feed keeps.", &[], counted.feed_rows as f64);
    all.put(Gauge, "feed_bytes", "Their size.", &[], counted.feed_bytes as f64);
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn call(all: &mut Families, help: &str, [pbx, queue, direction, status, outcome]: [&str; 5], count: u64) {
    let of = [("pbx", pbx), ("queue", queue), ("direction", direction), ("status", status), ("outcome", outcome)];
    all.put(Counter, "calls_total", help, &of, count as f64);
}

/// What became of customers' calls that were in no queue: every way, none of it yet.
fn zeros(pbxs: &[PbxId]) -> impl Iterator<Item = ((&PbxId, Direction, Status, Outcome), u64)> {
    let ways = || Outcome::ALL.iter().flat_map(|way| way.meaning().statuses.iter().map(|status| (*status, *way)));
    pbxs.iter().flat_map(move |pbx| ways().map(move |(status, way)| ((pbx, Direction::Inbound, status, way), 0)))
}

/// Adds what was counted of sinks, and how they stand.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
pub(super) fn sinks(all: &mut Families, sinks: &BTreeMap<String, SinkCounters>) {
    for (name, sink) in sinks {
        let of = [("sink", name.as_str())];
        counts(
            all,
            &of,
            &[
                ("sink_rows_total", "Rows that were added or replaced in a sink.", sink.rows),
                ("sink_batches_total", "Transactions in which rows were written.", sink.batches),
                ("sink_errors_total", "Attempts to connect to a sink or to write there that failed.", sink.errors),
                ("sink_walks_total", "Times that all tables were read anew for a sink.", sink.walks),
                (
                    "sink_too_large_total",
                    "Changes that went without their rows, too long for a stream.",
                    sink.too_large,
                ),
            ],
        );
        let since = sink.failing_since_ms.map_or(0.0, |ms| ms as f64 / MS);
        for (name, help, value) in [
            ("sink_pending", "Changes that are not in the sink yet.", sink.behind as f64),
            (
                "sink_lag_seconds",
                "Time since nothing was missing in the sink; 0 while nothing is.",
                sink.lag_ms as f64 / MS,
            ),
            ("sink_walking", "1 while all tables are read anew for the sink.", f64::from(u8::from(sink.walking))),
            ("sink_failing_since_timestamp_seconds", "Nothing can be written since; 0 while it works.", since),
        ] {
            all.put(Gauge, name, help, &of, value);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
fn counts(all: &mut Families, of: &[(&str, &str)], counted: &[(&'static str, &str, u64)]) {
    for (name, help, count) in counted {
        all.put(Counter, name, help, of, *count as f64);
    }
}

/// Adds what was counted of the group, and how it stands.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other numbers")]
pub(super) fn group(all: &mut Families, group: &GroupCounters) {
    let of = [("group", group.name.as_str())];
    let help = "Answers to claims of customers.";
    for (answer, count) in [("granted", group.granted), ("taken", group.taken), ("served", group.served)] {
        all.put(Counter, "group_claims_total", help, &[of[0], ("answer", answer)], count as f64);
    }
    counts(
        all,
        &of,
        &[
            ("group_claims_lost_total", "Claims that ran out, so that another site has the customer.", group.lost),
            ("group_lapsed_total", "Calls that were not made because too little was left of the claim.", group.lapsed),
            ("group_errors_total", "Attempts to ask the group's server that failed.", group.errors),
            ("group_refused_total", "Questions to the group's server for which there was no room.", group.refused),
        ],
    );
    let since = group.failing_since_ms.map_or(0.0, |ms| ms as f64 / MS);
    let help = "The group's server cannot be asked since; 0 while it can.";
    all.put(Gauge, "group_failing_since_timestamp_seconds", help, &of, since);
}
