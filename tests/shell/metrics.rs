//! Figures for Prometheus: each family is described, named by its conventions, listed in the manual, and holds no number of a customer.

use crate::exchange::now;
use crate::front::{Front, lunch};
use crate::scripted::Action;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::time::Duration;

const MANUAL: &str = include_str!("../../config/doc/integrator.md");

#[test]
fn metrics_keep_prometheus_conventions_and_are_all_in_the_manual() {
    let front = Front::open("");
    front.added("+12025550123");
    let answer = front.get("/metrics");
    let text = answer.as_str().unwrap();
    let mut kinds = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            assert!(kinds.insert(name, kind).is_none(), "{name} is described twice");
            let help = text.lines().find(|line| line.starts_with(&format!("# HELP {name} ")));
            assert!(help.is_some_and(|help| help.ends_with('.')), "{name} has no help");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let whole = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
            let name = whole.filter(|name| kinds.get(name) == Some(&"histogram")).unwrap_or(name);
            let kind = kinds.get(name).unwrap_or_else(|| panic!("{name} is not described before it is told"));
            assert_eq!(name.ends_with("_total"), *kind == "counter", "{name}");
            if *kind == "histogram" {
                assert!(name.ends_with("_seconds"), "{name}");
            }
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        }
    }
    assert!(kinds.len() > 30, "{kinds:#?}");
    for name in kinds.keys() {
        let bare = name.strip_prefix("callbackd_").unwrap();
        assert!(MANUAL.contains(&format!("`{bare}`")), "{bare} is not in integrator.md");
    }
    assert!(!text.contains("5550123"), "{text}");
    for line in [
        "callbackd_ami_up{pbx=\"pbx\"} 1",
        "callbackd_calls_in_progress{pbx=\"pbx\",phase=\"waiting\"} 0",
        "callbackd_config_last_reload_successful 1",
        "callbackd_queue_callers{pbx=\"pbx\",queue=\"sales\"} 0",
        "callbackd_queue_members{pbx=\"pbx\",queue=\"sales\",state=\"paused\"} 2",
        "callbackd_agents{pbx=\"pbx\",state=\"paused\"} 2",
        "callbackd_callbacks_created_total{pbx=\"pbx\",queue=\"sales\",requested=\"false\"} 1",
        "callbackd_callbacks_open{pbx=\"pbx\",queue=\"sales\",state=\"PENDING\",reason=\"\"} 1",
        "callbackd_callbacks_open{pbx=\"pbx\",queue=\"\",state=\"PENDING\",reason=\"\"} 0",
        "callbackd_calls_total{pbx=\"pbx\",queue=\"\",direction=\"inbound\",status=\"CANCEL\",outcome=\"IVR_LOST\"} 0",
        "callbackd_store_writable 1",
        "callbackd_store_records_lost_total 0",
        "callbackd_feed_changes_total 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

/// What a series is now.
fn value(front: &Front, series: &str) -> f64 {
    let text = front.get("/metrics").as_str().unwrap().to_owned();
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{series} is not in {text}")).parse().unwrap()
}

#[test]
fn a_configuration_that_is_refused_when_it_is_read_anew_is_shown_until_it_is_right() {
    let mut front = Front::open("");
    let value = |front: &Front, name: &str| value(front, &format!("callbackd_config_last_reload_{name}"));
    let begun = value(&front, "success_timestamp_seconds");
    let right = std::fs::read_to_string(front.site.path("callbackd.toml")).unwrap();
    front.site.configure(&format!("{right}nonsense = 1\n"));
    front.signal(Signal::HUP);
    front.said("has an error and is not used");
    assert_eq!((value(&front, "successful"), value(&front, "success_timestamp_seconds")), (0.0, begun));
    front.site.configure(&right);
    front.signal(Signal::HUP);
    front.said("Configuration reloaded");
    assert_eq!(value(&front, "successful"), 1.0);
    assert!(value(&front, "success_timestamp_seconds") > begun);
}

/// An Asterisk that answers a ping as it does, with its time.
fn pong(action: &Action) -> Option<String> {
    let now_ms = now();
    let time = format!("{}.{:03}", now_ms / 1_000, now_ms % 1_000);
    let pong = format!("Response: Success\nActionID: @ID@\nPing: Pong\nTimestamp: {time}\n\n");
    (action.get("Action") == "Ping").then_some(pong).or_else(|| lunch(action))
}

#[test]
fn an_answer_to_our_own_ping_is_no_event_and_an_event_is_one() {
    let front = Front::of(pong, "");
    let value = |name: &str| value(&front, &format!("callbackd_{name}{{pbx=\"pbx\"}}"));
    let until_above = |name: &str, before: f64| {
        while value(name) <= before {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let (pings, last) = (value("ami_ping_seconds_count"), value("ami_last_event_timestamp_seconds"));
    until_above("ami_ping_seconds_count", pings);
    assert_eq!(value("ami_last_event_timestamp_seconds"), last, "nobody called, and no agent did anything");
    front.pbx_says("Event: Newchannel\nUniqueid: 9.1\n\n");
    until_above("ami_last_event_timestamp_seconds", last);
}
